//! Control strings in a terminal's input: its answers to questions, whoever asked them (ECMA-48, 5.6: DCS, OSC, APC, PM and SOS; in UTF-8
//! their introducers are also the single characters of C1). Nobody has typed what is in one. It ends with ST; as xterm's do, with BEL; or
//! with a control character or an escape that cannot be in it, and has its own meaning. Of a long one only the beginning is kept.

/// Maximum number of bytes of a string that are kept, which is more than any answer has that is used.
const KEPT_MAX: usize = 64;

/// Kind of a control string, by the byte that introduces it behind an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// DCS, `ESC P`: an answer about the terminal's settings and abilities.
    Device = b'P',
    /// OSC, `ESC ]`: an answer about colours, the title or the clipboard.
    OperatingSystem = b']',
    /// APC, `ESC _`: an answer about pictures.
    Application = b'_',
    /// PM, `ESC ^`.
    Privacy = b'^',
    /// SOS, `ESC X`.
    Start = b'X',
}

impl Kind {
    /// Returns the kind that a byte introduces behind an escape.
    pub(super) fn of_final(byte: u8) -> Option<Kind> {
        let all = [Kind::Device, Kind::OperatingSystem, Kind::Application, Kind::Privacy, Kind::Start];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// State of a string after bytes were taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// More of it may come.
    Open,
    /// The string has come to its end.
    Whole,
    /// The next byte cannot be in it.
    Broken,
}

/// A control string, as far as it has come.
#[derive(Debug)]
pub(super) struct ControlString {
    kind: Kind,
    /// True if it cannot have begun with a key with Alt.
    is_sent: bool,
    /// First bytes of the string, without the introducer.
    kept: Vec<u8>,
    /// Number of bytes of the string.
    length: usize,
}

impl ControlString {
    /// Begins the string of a kind; `is_sent` is false if its introducer may also be a key with Alt.
    pub(super) fn new(kind: Kind, is_sent: bool) -> ControlString {
        ControlString { kind, is_sent, kept: Vec::new(), length: 0 }
    }

    /// Takes in the first of some bytes, as far as they belong to it; returns their number.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (usize, State) {
        let mut at = 0;
        loop {
            match bytes[at..] {
                [] | [0x1b | 0xc2] => return (at, State::Open),
                [0x07, ..] => return (at + 1, State::Whole),
                [0x1b, b'\\', ..] | [0xc2, 0x9c, ..] => return (at + 2, State::Whole),
                [0x00..=0x1f | 0x7f, ..] => return (at, State::Broken),
                [byte, ..] => {
                    self.kept.extend((self.kept.len() < KEPT_MAX).then_some(byte));
                    self.length = self.length.saturating_add(1);
                    at += 1;
                }
            }
        }
    }

    /// Returns the content of an answer about settings, such as `11;rgb:0/0/0`, once its end has come.
    pub(super) fn setting(&self) -> Option<&str> {
        let is_kept = self.kind == Kind::OperatingSystem && self.kept.len() == self.length;
        std::str::from_utf8(&self.kept).ok().filter(|_| is_kept)
    }

    /// Returns what a user may have typed of a string without an end: the character of a key with Alt, and the bytes of what followed it.
    /// What begins as the answers of terminals do was not typed.
    pub(super) fn typed(self) -> Option<(u8, Vec<u8>)> {
        if self.is_of_terminal() { None } else { Some((self.kind as u8, self.kept)) }
    }

    /// Returns true if the string cannot have been typed: it begins as answers do, such as `11;`, `1$r`, `>|` or `Gi=`, or is too long.
    pub(super) fn is_of_terminal(&self) -> bool {
        let digits = self.kept.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_answer = match self.kind {
            Kind::OperatingSystem => digits > 0 && self.kept.get(digits) == Some(&b';'),
            Kind::Device => matches!(self.kept[digits..], [b'$' | b'+' | b'!' | b'>' | b'|' | b';', ..]) || digits > 0,
            Kind::Application => self.kept.starts_with(b"G") && self.kept.contains(&b'='),
            Kind::Privacy | Kind::Start => false,
        };
        self.is_sent || is_answer || self.length > KEPT_MAX
    }
}
