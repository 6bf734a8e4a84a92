//! The bytes of a terminal's input as events. Whatever the terminal sends, keys act again after a stated time: a report that breaks off
//! is given up. Only a pasted text goes on until its end, since nothing else tells its line ends from the key Enter, or until the user
//! gets out of it: by Escape or Ctrl-C with silence before and after it.
//!
//! | what broke off | given up after | becomes |
//! |---|---|---|
//! | Escape alone | [`ESCAPE_MAX`] | the key Escape |
//! | `ESC [`, `ESC O` | [`SEQUENCE_MAX`] | Alt with that character |
//! | a longer sequence, a character of several bytes | [`SEQUENCE_MAX`], or the first byte that cannot belong to it | nothing |
//! | a control string that begins as an answer does | [`ANSWER_SILENCE_MAX`], or the first byte that cannot belong to it | nothing |
//! | `ESC P`, `ESC ]`, `ESC _`, `ESC ^`, `ESC X` and other text | [`SEQUENCE_MAX`], or the first byte that cannot belong to it | Alt with that character, and the text |
//! | a pasted text without its end | [`PASTE_SILENCE_MAX`] | a pasted text, and what comes later is one too |
//! | the same, and Escape or Ctrl-C alone after it | [`PASTE_SILENCE_MAX`] | that key, and what comes later is keys |

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::super::background;
use super::Heard;
use super::control_string::{ControlString, Kind, State};
use super::sequence::{self, Piece, key};

/// Time after which an escape that nothing followed is the key.
const ESCAPE_MAX: Duration = Duration::from_millis(25);
/// Maximum silence within a sequence or a character of several bytes: terminals send them in one piece.
const SEQUENCE_MAX: Duration = Duration::from_millis(100);
/// Maximum silence within a pasted text, which a slow line may carry in pieces; what has come is shown then. Silence around a key
/// that gets out of it.
const PASTE_SILENCE_MAX: Duration = Duration::from_secs(1);
/// Maximum number of bytes of a pasted text that are kept. That is more than any line or field takes, which refuse it as too long.
const PASTE_BYTES_MAX: usize = 1 << 20;
/// End of a pasted text (xterm's control sequences, bracketed paste).
const PASTE_END: &[u8] = b"\x1b[201~";

/// A pasted text, as far as it has come.
#[derive(Debug, Default)]
struct Paste {
    text: Vec<u8>,
    progress: Progress,
}

/// Progress of a pasted text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// More of it is on the way.
    #[default]
    Open,
    /// Nothing has come for so long that its end may be lost.
    Stalled,
    /// Only keys have come since that get out of it.
    Left,
}

/// Beginning of the answer about the background behind the escape, which a line may have carried alone.
const ANSWER: &[u8] = b"]11;";
/// Maximum silence within an answer that has begun as one, which a slow line may break anywhere: also between its escape, which has acted as
/// a key by then, and the rest.
const ANSWER_SILENCE_MAX: Duration = Duration::from_secs(1);

/// Input that is read without events until its end.
#[derive(Debug)]
enum Swallowed {
    /// A control string.
    String(ControlString),
    /// The rest of a control sequence that is too long.
    Long,
}

/// A decoder of the bytes that a terminal sends. Instants are those of any clock that goes on evenly.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// True while the answer about the background is awaited.
    awaits_background: bool,
    /// Instant at which an escape has become the key while that answer was awaited.
    escaped: Option<Duration>,
    /// Input that is being read without events.
    swallowed: Option<Swallowed>,
    /// Bytes of which no event has been made yet.
    bytes: Vec<u8>,
    /// Instant at which the last byte came.
    last: Duration,
    /// The text that is being pasted.
    paste: Option<Paste>,
}

impl Decoder {
    /// Creates the decoder for a terminal; with `awaits_background` it has been asked for its background.
    pub(super) fn new(awaits_background: bool) -> Decoder {
        Decoder { awaits_background, ..Decoder::default() }
    }

    /// Takes bytes that have come at an instant, and returns what is whole by now, in its order.
    pub(super) fn take(&mut self, bytes: &[u8], at: Duration) -> Vec<Heard> {
        self.last = at;
        self.escaped = self.escaped.filter(|&escaped| at <= escaped + ANSWER_SILENCE_MAX);
        if let Some(paste) = self.paste.as_mut().filter(|_| !bytes.is_empty()) {
            let is_way_out = bytes.iter().all(|byte| matches!(byte, 0x1b | 0x03));
            let is_left = is_way_out && paste.progress != Progress::Open;
            paste.progress = if is_left { Progress::Left } else { Progress::Open };
            if is_left {
                // What follows tells whether it was a key.
                self.bytes.extend_from_slice(bytes);
                return Vec::new();
            }
        }
        self.bytes.extend_from_slice(bytes);
        self.heard()
    }

    /// Returns what is known because nothing more has come until an instant.
    pub(super) fn elapse(&mut self, at: Duration) -> Vec<Heard> {
        let is_due = self.deadline().is_some_and(|deadline| at >= deadline);
        if !is_due {
            return Vec::new();
        }
        if self.paste.is_some() {
            return self.stalled_paste().into_iter().map(Heard::Typed).collect();
        }
        if self.escaped.take().is_some() {
            // What followed the key was no answer.
            return self.heard();
        }
        let mut heard = match self.swallowed.take() {
            Some(Swallowed::String(string)) => typed_of(string),
            Some(Swallowed::Long) | None => Vec::new(),
        };
        let broken = std::mem::take(&mut self.bytes);
        let left = match *broken.as_slice() {
            [0x1b] => {
                self.escaped = self.awaits_background.then_some(at);
                Some(key(KeyCode::Esc))
            }
            [0x1b, c @ (b'[' | b'O')] => Some(KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::ALT)),
            _ => None,
        };
        heard.extend(left.map(Event::Key).map(Heard::Typed));
        heard
    }

    /// Returns what has come of a pasted text that goes on no further, or the key that gets out of it.
    fn stalled_paste(&mut self) -> Vec<Event> {
        if let Some(paste) = self.paste.take_if(|paste| paste.progress == Progress::Left) {
            let last = self.bytes.pop();
            self.bytes.clear();
            let left = if last == Some(0x1b) { key(KeyCode::Esc) } else { sequence::control(b'c') };
            return text_of(paste.text).into_iter().chain([Event::Key(left)]).collect();
        }
        let Some(paste) = &mut self.paste else { return Vec::new() };
        // The beginning of its end is kept.
        paste.progress = Progress::Stalled;
        text_of(std::mem::take(&mut paste.text)).into_iter().collect()
    }

    /// Returns the instant from which on [`elapse`](Self::elapse) has something to give up, unless something comes before it.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let patience = match (&self.paste, &self.swallowed, self.bytes.as_slice()) {
            (Some(paste), ..) if paste.progress == Progress::Stalled => return None,
            (Some(_), ..) => PASTE_SILENCE_MAX,
            (None, Some(Swallowed::String(string)), _) if string.is_of_terminal() => ANSWER_SILENCE_MAX,
            (None, None, []) => return None,
            (None, None, [0x1b]) => ESCAPE_MAX,
            (None, ..) => SEQUENCE_MAX,
        };
        Some(self.last + patience)
    }

    /// Returns what the bytes are, as far as that is known.
    fn heard(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        loop {
            if self.paste.is_some() {
                match self.pasted() {
                    Some(text) => heard.extend(text_of(text).map(Heard::Typed)),
                    None => break,
                }
            }
            if self.may_be_answer_behind_escape() {
                break;
            }
            if self.swallowed.is_some() {
                match self.swallow() {
                    Some(more) => heard.extend(more),
                    None => break,
                }
            }
            let (length, event) = match sequence::first(&self.bytes) {
                Piece::Partial => break,
                Piece::PasteBegins(length) => {
                    self.paste = Some(Paste::default());
                    (length, None)
                }
                Piece::StringBegins(length, kind, is_sent) => {
                    self.swallowed = Some(Swallowed::String(ControlString::new(kind, is_sent)));
                    (length, None)
                }
                Piece::LongBegins(length) => {
                    self.swallowed = Some(Swallowed::Long);
                    (length, None)
                }
                Piece::Whole(length, event) => (length, event),
            };
            self.bytes.drain(..length);
            heard.extend(event.map(Heard::Typed));
        }
        heard
    }

    /// Takes in what has come of what is read without events, and returns what is heard if its end has come.
    fn swallow(&mut self) -> Option<Vec<Heard>> {
        let (length, state) = match self.swallowed.as_mut()? {
            Swallowed::String(string) => string.take(&self.bytes),
            Swallowed::Long => sequence::rest_of_long(&self.bytes),
        };
        self.bytes.drain(..length);
        if state == State::Open {
            return None;
        }
        Some(match self.swallowed.take() {
            Some(Swallowed::String(string)) if state == State::Broken => typed_of(string),
            Some(Swallowed::String(string)) => self.answer(&string).into_iter().collect(),
            Some(Swallowed::Long) | None => Vec::new(),
        })
    }

    /// Returns what an answer says, if it is the one that is awaited.
    fn answer(&mut self, string: &ControlString) -> Option<Heard> {
        let is_light = string.setting().filter(|_| self.awaits_background).and_then(background::is_light)?;
        self.awaits_background = false;
        Some(Heard::Background(is_light))
    }

    /// Returns true while it is open whether the bytes are the rest of the awaited answer, whose escape has come alone and became the key.
    /// If they are, the answer is read on.
    fn may_be_answer_behind_escape(&mut self) -> bool {
        if self.escaped.is_none() || self.bytes.is_empty() {
            return false;
        }
        if self.bytes.starts_with(ANSWER) {
            self.escaped = None;
            self.swallowed = Some(Swallowed::String(ControlString::new(Kind::OperatingSystem, true)));
            self.bytes.drain(..1);
            return false;
        }
        let may_be = ANSWER.starts_with(&self.bytes);
        self.escaped = self.escaped.filter(|_| may_be);
        may_be
    }

    /// Takes in what has come of the pasted text, and returns it if its end has come.
    fn pasted(&mut self) -> Option<Vec<u8>> {
        let paste = self.paste.as_mut()?;
        let end = self.bytes.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        // The last bytes may be the beginning of the end.
        let begun = (1..PASTE_END.len()).rev().find(|&length| self.bytes.ends_with(&PASTE_END[..length])).unwrap_or(0);
        let length = end.unwrap_or(self.bytes.len() - begun);
        let room = PASTE_BYTES_MAX.saturating_sub(paste.text.len());
        paste.text.extend_from_slice(&self.bytes[..length.min(room)]);
        self.bytes.drain(..length);
        end?;
        self.bytes.drain(..PASTE_END.len());
        self.paste.take().map(|paste| paste.text)
    }
}

/// Returns the keys of a control string without an end, if it was typed.
fn typed_of(string: ControlString) -> Vec<Heard> {
    let Some((key, mut rest)) = string.typed() else { return Vec::new() };
    let mut events: Vec<Event> = sequence::with_alt_of(key).into_iter().collect();
    while let Piece::Whole(length, event) = sequence::first(&rest) {
        rest.drain(..length);
        events.extend(event);
    }
    events.into_iter().map(Heard::Typed).collect()
}

/// Returns a text as pasted, if there is any.
fn text_of(text: Vec<u8>) -> Option<Event> {
    (!text.is_empty()).then(|| Event::Paste(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    fn named(heard: &Heard) -> String {
        let event = match heard {
            Heard::Typed(event) => event,
            heard => return format!("{heard:?}"),
        };
        match event {
            Event::Paste(text) => format!("<{text}>"),
            Event::Key(key) if key.modifiers == KeyModifiers::ALT => format!("Alt-{}", key.code),
            Event::Key(key) if key.modifiers == KeyModifiers::CONTROL => format!("Ctrl-{}", key.code),
            Event::Key(key) => key.code.to_string(),
            event => format!("{event:?}"),
        }
    }

    /// The events of chunks that come with these silences after them, each looked at when it has passed.
    fn heard(chunks: &[(&[u8], Duration)]) -> Vec<String> {
        let (mut decoder, mut at, mut events) = (Decoder::default(), Duration::ZERO, Vec::new());
        for &(bytes, silence) in chunks {
            events.extend(decoder.take(bytes, at));
            at += silence;
            events.extend(decoder.elapse(at));
        }
        events.iter().map(named).collect()
    }

    /// What is there to be told apart comes whole, in whatever pieces it arrives.
    #[test]
    fn sequences_may_come_in_pieces() {
        let bytes = "a\x1b[A\x1b[15;5~é日\x1b[200~x\x1b[y\x1b[201~\x1bb\x1bOP\r".as_bytes();
        let events = ["a", "Up", "Ctrl-F5", "é", "日", "<x\x1b[y>", "Alt-b", "F1", "Enter"];
        let mut whole = Decoder::default();
        let whole: Vec<String> = whole.take(bytes, MOMENT).iter().map(named).collect();
        assert_eq!(whole, events);
        for size in 1..bytes.len() {
            let pieces: Vec<(&[u8], Duration)> = bytes.chunks(size).map(|piece| (piece, MOMENT)).collect();
            assert_eq!(heard(&pieces), events, "{size}");
        }
    }

    /// After a report that breaks off, keys act: at once if a byte shows that it is none, and after the stated time in any case.
    #[test]
    fn a_report_that_breaks_off_swallows_no_keys() {
        for (report, left) in [
            (b"\x1b[<".as_slice(), &[][..]),
            (b"\x1b[?", &[]),
            (b"\x1b[200", &[]),
            (b"\x1b[M", &[]),
            (b"\x1b[[", &[]),
            (b"\x1b[1;5", &[]),
            (b"\xc3", &[]),
            (b"\x1b", &["Esc"]),
            (b"\x1b[", &["Alt-["]),
            (b"\x1bO", &["Alt-O"]),
            (b"\x1b]", &["Alt-]"]),
            (b"\x1b]q", &["Alt-]", "q"]),
            (b"\x1b\\", &["Alt-\\"]),
        ] {
            let events = heard(&[(report, SEQUENCE_MAX), (b"l", MOMENT), (b"s", MOMENT), (b"\r", MOMENT)]);
            assert_eq!(events, [left, &["l", "s", "Enter"]].concat(), "{report:?}");
        }
        for report in ["\x1b[<", "\x1b[<0;1", "\x1b[?", "\x1b[200", "\x1b[1"] {
            // A letter ends a control sequence; a control character cannot belong to one.
            assert_eq!(heard(&[(report.as_bytes(), MOMENT), (b"xyz", MOMENT)]), ["y", "z"], "{report:?}");
            assert_eq!(heard(&[(report.as_bytes(), MOMENT), (b"\x11", MOMENT)]), ["Ctrl-q"], "{report:?}");
            assert_eq!(heard(&[(report.as_bytes(), MOMENT), (b"\x1b[A", MOMENT)]), ["Up"], "{report:?}");
        }
        let endless = [b"\x1b[<".as_slice(), &[b'1'; 10_000]].concat();
        assert_eq!(heard(&[(&endless, MOMENT), (b"11~l", MOMENT)]), ["l"], "its end is no text");
        assert_eq!(
            heard(&[(&endless, SEQUENCE_MAX), (b"11~l", MOMENT)]),
            ["1", "1", "~", "l"],
            "nothing is waited for without end"
        );
        assert_eq!(heard(&[(&endless, MOMENT), (b"\x11", MOMENT)]), ["Ctrl-q"]);
    }

    /// A pasted text goes on until its end, however it is broken up and however long the line is silent; or until a key gets out of it.
    #[test]
    fn a_pasted_text_runs_nothing_before_its_end() {
        let begun = (b"\x1b[200~ab\n".as_slice(), PASTE_SILENCE_MAX);
        for (rest, events) in [
            (&[(b"c".as_slice(), MOMENT), (b"d\r", MOMENT), (b"\x1b[201~y", MOMENT)][..], &["<cd\r>", "y"][..]),
            (&[(b"r", PASTE_SILENCE_MAX), (b"\r", PASTE_SILENCE_MAX), (b"\x11", PASTE_SILENCE_MAX)], &["<r>", "<\r>", "<\x11>"]),
            (&[(b"\x1b[A\r", PASTE_SILENCE_MAX), (b"\x1b[201~\r", MOMENT)], &["<\x1b[A\r>", "Enter"]),
            (&[(b"x\x1b[20", PASTE_SILENCE_MAX), (b"1~y", MOMENT)], &["<x>", "y"]),
            (&[(b"\x1b", MOMENT), (b"[201~", MOMENT), (b"y", MOMENT)], &["y"]),
            (&[(b"\x03", MOMENT), (b"x\r\x1b[201~y", MOMENT)], &["<\x03x\r>", "y"]),
            (&[(b"x\x1b", PASTE_SILENCE_MAX), (b"y\r", PASTE_SILENCE_MAX)], &["<x>", "<\x1by\r>"]),
            (&[(b"x", MOMENT), (b"\x03", PASTE_SILENCE_MAX), (b"y", PASTE_SILENCE_MAX)], &["<x\x03>", "<y>"]),
            // Escape or Ctrl-C alone gets out of it.
            (&[(b"\x03", PASTE_SILENCE_MAX), (b"x\r", MOMENT)], &["Ctrl-c", "x", "Enter"]),
            (&[(b"\x1b", PASTE_SILENCE_MAX), (b"x", MOMENT)], &["Esc", "x"]),
            (&[(b"\x1b", MOMENT), (b"\x03\x03", PASTE_SILENCE_MAX), (b"x", MOMENT)], &["Ctrl-c", "x"]),
            (&[(b"\x1b[20", PASTE_SILENCE_MAX), (b"\x1b", PASTE_SILENCE_MAX), (b"x", MOMENT)], &["Esc", "x"]),
        ] {
            let chunks = [&[begun], rest].concat();
            assert_eq!(heard(&chunks), [&["<ab\n>"], events].concat(), "{rest:?}");
        }
        // What is longer than any line is kept in part, so that it is refused as too long.
        let long = [b"\x1b[200~".as_slice(), &vec![b'x'; 3 * PASTE_BYTES_MAX], b"\x1b[201~"].concat();
        let events = Decoder::default().take(&long, MOMENT);
        assert!(matches!(events.as_slice(), [Heard::Typed(Event::Paste(text))] if text.len() == PASTE_BYTES_MAX));
    }

    /// Answers of terminals in all kinds of control strings are no text, and the one that is awaited is used.
    #[test]
    fn answers_are_not_typed() {
        for answer in [
            "\x1bP>|XTerm(354)\x1b\\",
            "\x1bP1$r0m\x1b\\",
            "\x1bP!|00000000\x1b\\",
            "\x1b]4;1;rgb:cdcd/0000/0000\x07",
            "\x1b]52;c;aGVsbG8=\x1b\\",
            "\x1b]lA title, ü日\x1b\\",
            "\x1b_Gi=31;OK\x1b\\",
            "\x1b^private\x1b\\",
            "\x1bXstart\x1b\\",
            "\u{90}1$r0m\u{9c}",
            "\u{9d}10;rgb:ff/ff/ff\u{9c}",
            "\u{9f}Gi=1;OK\u{9c}",
            "\u{9e}x\u{9c}",
            "\u{98}x\x1b\\",
            "\u{9b}?1;2c",
            "\u{85}",
            "\x1b]\x1b\\",
        ] {
            for cut in 0..answer.len() {
                let (before, after) = answer.as_bytes().split_at(cut);
                assert_eq!(
                    heard(&[(b"a", MOMENT), (before, MOMENT), (after, MOMENT), (b"b", MOMENT)]),
                    ["a", "b"],
                    "{answer:?} {cut}"
                );
            }
        }
        let long = [b"\x1b]52;c;".as_slice(), &vec![b'x'; 100_000], b"\x07y"].concat();
        assert_eq!(heard(&[(&long, MOMENT)]), ["y"]);
        assert_eq!(heard(&[("\u{9b}A\u{8f}P".as_bytes(), MOMENT)]), ["Up", "F1"]);
    }

    /// An answer that goes on no further is given up, and a key with Alt and what is typed behind it stay what they are.
    #[test]
    fn a_string_that_breaks_off_is_given_up() {
        let second = ANSWER_SILENCE_MAX;
        for (begun, silence, left) in [
            ("\x1b]11;rgb:ff", second, &[][..]),
            ("\x1bP1$r", second, &[]),
            ("\x1b_Gi=1;O", second, &[]),
            ("\u{9d}x", second, &[]),
            ("\x1b]11;rgb\x1b", second, &["Esc"]),
            ("\x1b]", SEQUENCE_MAX, &["Alt-]"]),
            ("\x1b_", SEQUENCE_MAX, &["Alt-_"]),
            ("\x1b^xé", SEQUENCE_MAX, &["Alt-^", "x", "é"]),
            ("\x1b]11", SEQUENCE_MAX, &["Alt-]", "1", "1"]),
        ] {
            assert_eq!(heard(&[(begun.as_bytes(), silence), (b"l\r", MOMENT)]), [left, &["l", "Enter"]].concat(), "{begun:?}");
        }
        for (begun, left) in [
            ("\x1b]11;rgb:ff\r", &["Enter"][..]),
            ("\x1b]11;rgb:ff\x03", &["Ctrl-c"]),
            ("\x1b]11;rgb:ff\x1b[A", &["Up"]),
            ("\x1b]1\x1b]2\r", &["Alt-]", "1", "Alt-]", "2", "Enter"]),
            ("\x1bPls\r", &["l", "s", "Enter"]),
        ] {
            let found = heard(&[(begun.as_bytes(), MOMENT)]);
            assert!(found.ends_with(&left.iter().map(|&key| key.to_owned()).collect::<Vec<_>>()), "{begun:?}: {found:?}");
            assert!(found.len() <= left.len() + 1, "{begun:?}: {found:?}");
        }
        let endless = [b"\x1b]52;".as_slice(), &vec![b'x'; 2 << 20]].concat();
        assert_eq!(heard(&[(&endless, second), (b"x", MOMENT)]), ["x"]);
        assert_eq!(heard(&[(&endless, MOMENT), (b"x\x11", MOMENT)]), ["Ctrl-q"]);
    }

    /// The answer about the background may come in pieces, and its escape alone, which acts as the key by then. It is used once.
    #[test]
    fn the_background_is_heard_in_pieces() {
        const SILENCE: Duration = Duration::from_millis(50);
        let answer = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
        let awaiting = |chunks: &[&[u8]]| {
            let (mut decoder, mut at, mut heard) = (Decoder::new(true), Duration::ZERO, Vec::new());
            for chunk in chunks {
                heard.extend(decoder.take(chunk, at));
                at += SILENCE;
                heard.extend(decoder.elapse(at));
            }
            heard.extend(decoder.elapse(at + ANSWER_SILENCE_MAX));
            heard.iter().map(named).collect::<Vec<_>>()
        };
        for cut in 1..answer.len() {
            let escape = if cut == 1 { &["Esc"][..] } else { &[] };
            let all = [&["a"], escape, &["Background(true)", "b"]].concat();
            assert_eq!(awaiting(&[b"a", &answer[..cut], &answer[cut..], b"b"]), all, "{cut}");
        }
        assert_eq!(awaiting(&[answer, b"\x1b]11;rgb:0/0/0\x07x"]), ["Background(true)", "x"]);
        for unusable in ["#ffffff", "white", "rgbi:1.0/1.0/1.0", "?"] {
            assert_eq!(awaiting(&[format!("a\x1b]11;{unusable}\x1b\\b").as_bytes()]), ["a", "b"], "{unusable}");
        }
        for (chunks, typed) in [
            (&[b"\x1b".as_slice(), b"]11"][..], &["Esc", "]", "1", "1"][..]),
            (&[b"\x1b", b"]1x"], &["Esc", "]", "1", "x"]),
            (&[b"\x1b", b"\x1b"], &["Esc", "Esc"]),
            (&[b"]11;rgb:0/0/0"], &["]", "1", "1", ";", "r", "g", "b", ":", "0", "/", "0", "/", "0"]),
        ] {
            assert_eq!(awaiting(chunks), typed, "{chunks:?}");
        }
        assert_eq!(heard(&[(answer, MOMENT)]), [""; 0], "what is not asked for is not used");
    }

    proptest::proptest! {
        /// A mixture of control strings and texts, broken up anywhere, types the texts alone.
        #[test]
        fn only_what_is_between_strings_is_typed(
            parts in proptest::collection::vec((
                "[a-z0-9é]{0,3}",
                proptest::sample::select(vec!["\x1bP", "\x1b]", "\x1b_", "\x1b^", "\x1bX", "\u{90}", "\u{9d}", "\u{9f}", "\u{9e}", "\u{98}"]),
                "[ -~é日]{0,80}",
                proptest::sample::select(vec!["\x1b\\", "\x07", "\u{9c}"]),
            ), 1..5),
            size in 1..20_usize,
        ) {
            let bytes: String = parts.iter().map(|(text, begin, inside, end)| format!("{text}{begin}{inside}{end}")).collect();
            let texts: Vec<String> = parts.iter().flat_map(|(text, ..)| text.chars().map(String::from)).collect();
            let chunks: Vec<(&[u8], Duration)> = bytes.as_bytes().chunks(size).map(|chunk| (chunk, MOMENT)).collect();
            proptest::prop_assert_eq!(heard(&chunks), texts);
        }

        /// Whatever a terminal has sent, a key acts after the longest silence, and nothing is waited for then.
        #[test]
        fn keys_act_after_anything(bytes in proptest::collection::vec(proptest::prop_oneof![
            proptest::prelude::any::<u8>(),
            proptest::sample::select(b"\x1b[<?M;0~O]P_^X\\\x07\xc2\x9b\x9d".to_vec()),
        ], 0..40)) {
            let mut decoder = Decoder::default();
            decoder.take(b"\x1b[200~x\x1b[201~", MOMENT);
            decoder.take(&bytes, MOMENT);
            decoder.elapse(MOMENT + PASTE_SILENCE_MAX);
            proptest::prop_assert_eq!(decoder.deadline(), None);
            let events = decoder.take(b"\x11", 2 * PASTE_SILENCE_MAX);
            proptest::prop_assert_eq!(events.iter().map(named).collect::<Vec<_>>(), ["Ctrl-q"]);
        }
    }
}
