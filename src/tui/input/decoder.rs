//! The bytes of a terminal's input as events. Whatever the terminal sends, keys act again after a stated time: a report that breaks off
//! is given up. Only a pasted text goes on until its end, since nothing else tells its line ends from the key Enter, or until the user
//! gets out of it: by Escape or Ctrl-C with silence before and after it.
//!
//! | what broke off | given up after | becomes |
//! |---|---|---|
//! | Escape alone | [`ESCAPE_MAX`] | the key Escape |
//! | `ESC [`, `ESC O` | [`SEQUENCE_MAX`] | Alt with that character |
//! | a longer sequence, a character of several bytes | [`SEQUENCE_MAX`], or the first byte that cannot belong to it | nothing |
//! | a pasted text without its end | [`PASTE_SILENCE_MAX`] | a pasted text, and what comes later is one too |
//! | the same, and Escape or Ctrl-C alone after it | [`PASTE_SILENCE_MAX`] | that key, and what comes later is keys |

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

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
    /// True if nothing has come for so long that its end may be lost.
    has_stalled: bool,
    /// True if only keys have come since that get out of it.
    is_being_left: bool,
}

/// A decoder of the bytes that a terminal sends. Instants are those of any clock that goes on evenly.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Bytes of which no event has been made yet.
    bytes: Vec<u8>,
    /// Instant at which the last byte came.
    last: Duration,
    /// The text that is being pasted.
    paste: Option<Paste>,
}

impl Decoder {
    /// Takes bytes that have come at an instant, and returns the events that are whole by now, in their order.
    pub(super) fn take(&mut self, bytes: &[u8], at: Duration) -> Vec<Event> {
        self.last = at;
        if let Some(paste) = self.paste.as_mut().filter(|_| !bytes.is_empty()) {
            let is_way_out = bytes.iter().all(|byte| matches!(byte, 0x1b | 0x03));
            paste.is_being_left = is_way_out && (paste.has_stalled || paste.is_being_left);
            paste.has_stalled = false;
            if paste.is_being_left {
                // What follows tells whether it was a key.
                self.bytes.extend_from_slice(bytes);
                return Vec::new();
            }
        }
        self.bytes.extend_from_slice(bytes);
        self.events()
    }

    /// Returns the events that are known because nothing more has come until an instant.
    pub(super) fn elapse(&mut self, at: Duration) -> Vec<Event> {
        let is_due = self.deadline().is_some_and(|deadline| at >= deadline);
        if !is_due {
            return Vec::new();
        }
        if let Some(paste) = self.paste.take_if(|paste| paste.is_being_left) {
            let last = self.bytes.pop();
            self.bytes.clear();
            let left = if last == Some(0x1b) { key(KeyCode::Esc) } else { sequence::control(b'c') };
            return text_of(paste.text).into_iter().chain([Event::Key(left)]).collect();
        }
        if let Some(paste) = &mut self.paste {
            // The beginning of its end is kept.
            paste.has_stalled = true;
            return text_of(std::mem::take(&mut paste.text)).into_iter().collect();
        }
        let broken = std::mem::take(&mut self.bytes);
        let left = match *broken.as_slice() {
            [0x1b] => Some(key(KeyCode::Esc)),
            [0x1b, c @ (b'[' | b'O')] => Some(KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::ALT)),
            _ => None,
        };
        left.map(Event::Key).into_iter().collect()
    }

    /// Returns the instant from which on [`elapse`](Self::elapse) has something to give up, unless something comes before it.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let patience = match (&self.paste, self.bytes.as_slice()) {
            (Some(paste), _) if paste.has_stalled => return None,
            (Some(_), _) => PASTE_SILENCE_MAX,
            (None, []) => return None,
            (None, [0x1b]) => ESCAPE_MAX,
            (None, _) => SEQUENCE_MAX,
        };
        Some(self.last + patience)
    }

    fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            if self.paste.is_some() {
                match self.pasted() {
                    Some(text) => events.extend(text_of(text)),
                    None => break,
                }
            }
            let (length, event) = match sequence::first(&self.bytes) {
                Piece::Partial => break,
                Piece::PasteBegins(length) => {
                    self.paste = Some(Paste::default());
                    (length, None)
                }
                Piece::Whole(length, event) => (length, event),
            };
            self.bytes.drain(..length);
            events.extend(event);
        }
        events
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

/// Returns a text as pasted, if there is any.
fn text_of(text: Vec<u8>) -> Option<Event> {
    (!text.is_empty()).then(|| Event::Paste(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    fn named(event: &Event) -> String {
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
        let mut decoder = Decoder::default();
        decoder.take(&endless, MOMENT);
        assert_eq!(decoder.deadline(), None, "what is too long for a sequence is none");
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
        assert!(matches!(events.as_slice(), [Event::Paste(text)] if text.len() == PASTE_BYTES_MAX));
    }

    proptest::proptest! {
        /// Whatever a terminal has sent, a key acts after the longest silence, and nothing is waited for then.
        #[test]
        fn keys_act_after_anything(bytes in proptest::collection::vec(proptest::prop_oneof![
            proptest::prelude::any::<u8>(),
            proptest::sample::select(b"\x1b[<?M;0~O".to_vec()),
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
