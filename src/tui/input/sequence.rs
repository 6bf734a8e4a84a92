//! The control sequences and characters of a terminal's input, one at a time: where the first one ends, and what it means.
//!
//! Sequences are told apart by ECMA-48, 5.4 (parameter, intermediate and final bytes), so that also those end which have no meaning
//! here. Keys and clicks are those of xterm's control sequences ("PC-Style Function Keys", "Mouse Tracking"), of the Linux console
//! (console_codes(4)) and of rxvt.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::control_string::{Kind, State};

/// Maximum number of bytes of a sequence; none that is meant for keys is nearly as long.
const BYTES_MAX: usize = 64;

/// Beginning of some bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// As many bytes with their event; `None` if they have no meaning here.
    Whole(usize, Option<Event>),
    /// The mark, of as many bytes, behind which a pasted text comes.
    PasteBegins(usize),
    /// The introducer, of as many bytes, of a control string; the flag is true if it cannot be a key with Alt.
    StringBegins(usize, Kind, bool),
    /// As many bytes of a control sequence that is too long to have a meaning, and goes on.
    LongBegins(usize),
    /// More bytes are needed to tell.
    Partial,
}

/// Returns the first key, click or report of some bytes.
pub(super) fn first(bytes: &[u8]) -> Piece {
    match *bytes {
        [] | [0x1b] => Piece::Partial,
        // The characters of C1, which are no text (ECMA-48, 5.3).
        [0xc2, 0x9b, ..] => control_sequence(bytes),
        [0xc2, 0x8f, ref rest @ ..] => single_shift(rest),
        [0xc2, c @ 0x80..=0x9f, ..] => string_begins(c - 0x40, true),
        [0x1b, b'[', ..] => control_sequence(bytes),
        [0x1b, b'O', ref rest @ ..] => single_shift(rest),
        [0x1b, c, ..] if Kind::of_final(c).is_some() => string_begins(c, false),
        [0x1b, 0xc2, 0x80..=0x9f, ..] | [0x1b, 0x1b, ..] => Piece::Whole(1, Some(Event::Key(key(KeyCode::Esc)))),
        [0x1b, ref rest @ ..] => match character(rest) {
            Piece::Whole(length, event) => Piece::Whole(length + 1, event.map(with_alt)),
            piece => piece,
        },
        _ => character(bytes),
    }
}

/// Returns a key without modifiers.
pub(super) fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// Returns a character with Ctrl.
pub(super) fn control(c: u8) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL)
}

/// Returns the key of an ASCII character with Alt.
pub(super) fn with_alt_of(c: u8) -> Option<Event> {
    if let Piece::Whole(_, event) = character(&[c]) { event.map(with_alt) } else { None }
}

/// Returns the beginning of the control string that a byte introduces behind an escape; one that introduces none has no meaning.
fn string_begins(c: u8, is_sent: bool) -> Piece {
    Kind::of_final(c).map_or(Piece::Whole(2, None), |kind| Piece::StringBegins(2, kind, is_sent))
}

fn with_alt(event: Event) -> Event {
    match event {
        Event::Key(key) => Event::Key(KeyEvent { modifiers: key.modifiers | KeyModifiers::ALT, ..key }),
        event => event,
    }
}

/// Returns the first character: a key that types it, or one of the control keys.
fn character(bytes: &[u8]) -> Piece {
    let text = match std::str::from_utf8(&bytes[..bytes.len().min(4)]) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        Err(error) => return error.error_len().map_or(Piece::Partial, |length| Piece::Whole(length, None)),
    };
    let Some(c) = text.chars().next() else { return Piece::Partial };
    let key = match c {
        // A line feed ends the lines that were typed before the terminal was in raw mode.
        '\r' | '\n' => key(KeyCode::Enter),
        '\t' => key(KeyCode::Tab),
        '\x7f' => key(KeyCode::Backspace),
        '\0' => control(b' '),
        '\x01'..='\x1a' => control(c as u8 - 1 + b'a'),
        '\x1c'..='\x1f' => control(c as u8 - 0x1c + b'4'),
        c if c.is_uppercase() => KeyEvent::new(KeyCode::Char(c), KeyModifiers::SHIFT),
        c => key(KeyCode::Char(c)),
    };
    Piece::Whole(c.len_utf8(), Some(Event::Key(key)))
}

/// Returns a key of the application mode, of which `rest` is what follows `ESC O`.
fn single_shift(rest: &[u8]) -> Piece {
    match *rest {
        [] => Piece::Partial,
        [c, ..] if c.is_ascii_control() || !c.is_ascii() => Piece::Whole(2, None),
        // Enter of the keypad.
        [b'M', ..] => Piece::Whole(3, Some(Event::Key(key(KeyCode::Enter)))),
        [c, ..] => Piece::Whole(3, cursor_key(c).map(key).map(Event::Key)),
    }
}

/// Returns the key of a final byte: cursor keys and the first four function keys.
fn cursor_key(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    })
}

/// Returns the number of the first bytes that are parameter and intermediate bytes of a control sequence (ECMA-48, 5.4).
fn inner_count(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count()
}

/// Returns the number of the first bytes that belong to a control sequence whose beginning was too long, and its state behind them.
pub(super) fn rest_of_long(bytes: &[u8]) -> (usize, State) {
    let inner = inner_count(bytes);
    match bytes.get(inner) {
        None => (inner, State::Open),
        Some(0x40..=0x7e) => (inner + 1, State::Whole),
        Some(_) => (inner, State::Broken),
    }
}

/// Returns the sequence that `ESC [` introduces, or the character of C1 in its place.
fn control_sequence(bytes: &[u8]) -> Piece {
    match bytes[2..] {
        // The Linux console's F1 to F5.
        [b'[', c @ b'A'..=b'E', ..] => return Piece::Whole(4, Some(Event::Key(key(KeyCode::F(c - b'A' + 1))))),
        [b'['] => return Piece::Partial,
        [b'M', button, column, row, ..] => return Piece::Whole(6, unsigned_click(button, column, row)),
        [b'M', ..] => return Piece::Partial,
        _ => {}
    }
    let end = 2 + inner_count(&bytes[2..]);
    match bytes.get(end) {
        _ if end > BYTES_MAX => Piece::LongBegins(end),
        None => Piece::Partial,
        Some(&last @ 0x40..=0x7e) => match (std::str::from_utf8(&bytes[2..end]).unwrap_or_default(), last) {
            ("200", b'~') => Piece::PasteBegins(end + 1),
            (parameters, last) => Piece::Whole(end + 1, meaning(parameters, last)),
        },
        // A byte that cannot belong to it ends it, and has its own meaning.
        Some(_) => Piece::Whole(end, None),
    }
}

/// Returns what a control sequence with these parameters and this final byte means.
fn meaning(parameters: &str, last: u8) -> Option<Event> {
    if let Some(click) = parameters.strip_prefix('<') {
        return sgr_click(click, last);
    }
    let mut parameters = parameters.split(';');
    let number = parameters.next().unwrap_or_default().split(':').next().unwrap_or_default();
    // The kind of an event may follow the modifiers, behind a colon; the third is that of a key that is let go.
    let mut modifiers = parameters.next().unwrap_or_default().split(':');
    let mask = modifiers.next().and_then(|mask| mask.parse().ok()).unwrap_or(1);
    if modifiers.next() == Some("3") {
        return None;
    }
    let code = match last {
        b'I' => return Some(Event::FocusGained),
        b'O' => return Some(Event::FocusLost),
        b'Z' => return Some(Event::Key(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT))),
        b'~' => numbered_key(number.parse().ok()?)?,
        b'u' => character_key(number.parse().ok()?, mask)?,
        // A report of the cursor's position has the same form as F3 with modifiers, and is not asked for.
        last => cursor_key(last)?,
    };
    Some(Event::Key(KeyEvent::new(code, modifiers_of(mask))))
}

/// Returns the modifiers of a mask, to which 1 is added.
fn modifiers_of(mask: u8) -> KeyModifiers {
    held(mask.saturating_sub(1))
}

/// Returns the modifiers that are held by their bits, the lowest one of which is Shift's.
fn held(bits: u8) -> KeyModifiers {
    let all = [KeyModifiers::SHIFT, KeyModifiers::ALT, KeyModifiers::CONTROL, KeyModifiers::SUPER];
    all.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, modifier)| modifier).collect()
}

/// Returns the key of a sequence that ends in `~`.
fn numbered_key(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28..=29 => KeyCode::F(number - 15),
        31..=34 => KeyCode::F(number - 17),
        _ => return None,
    })
}

/// Returns the key of a character that comes as a number ("fixterms", `CSI u`).
fn character_key(number: u32, mask: u8) -> Option<KeyCode> {
    Some(match char::from_u32(number)? {
        '\x1b' => KeyCode::Esc,
        '\r' | '\n' => KeyCode::Enter,
        '\t' if modifiers_of(mask).contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        '\t' => KeyCode::Tab,
        '\x08' | '\x7f' => KeyCode::Backspace,
        c if c.is_control() => return None,
        c => KeyCode::Char(c),
    })
}

/// Returns the click of a report in numbers (`CSI < button ; column ; row M`, or `m` where a button is let go), which count from 1.
fn sgr_click(parameters: &str, last: u8) -> Option<Event> {
    let mut numbers = parameters.split(';').map(|number| number.parse::<u16>().ok());
    let mut next = || numbers.next().flatten();
    let (button, column, row) = (u8::try_from(next()?).ok()?, next()?.checked_sub(1)?, next()?.checked_sub(1)?);
    let kind = match (kind_of(button)?, last) {
        (MouseEventKind::Down(button), b'm') => MouseEventKind::Up(button),
        (kind, b'M' | b'm') => kind,
        _ => return None,
    };
    Some(click(kind, button, column, row))
}

/// Returns the click of a report in bytes, which terminals send that do not know the other form: each byte is 32 more than its number.
fn unsigned_click(button: u8, column: u8, row: u8) -> Option<Event> {
    let (button, column, row) = (button.checked_sub(32)?, column.checked_sub(33)?, row.checked_sub(33)?);
    Some(click(kind_of(button)?, button, column.into(), row.into()))
}

/// Returns the click of a button with the modifiers of its third to fifth bit.
fn click(kind: MouseEventKind, button: u8, column: u16, row: u16) -> Event {
    Event::Mouse(MouseEvent { kind, column, row, modifiers: held((button >> 2) & 0b111) })
}

/// Returns what was done with a button: the lowest two bits and the highest two are its number, the sixth is set while it is held.
fn kind_of(button: u8) -> Option<MouseEventKind> {
    let number = (button & 0b11) | (button >> 6 << 2);
    let named = [MouseButton::Left, MouseButton::Middle, MouseButton::Right].get(usize::from(number));
    Some(match (named, number, button & 0b10_0000 != 0) {
        (Some(&button), _, false) => MouseEventKind::Down(button),
        (Some(&button), _, true) => MouseEventKind::Drag(button),
        (_, 3, false) => MouseEventKind::Up(MouseButton::Left),
        (_, 3..=5, true) => MouseEventKind::Moved,
        (_, 4, false) => MouseEventKind::ScrollUp,
        (_, 5, false) => MouseEventKind::ScrollDown,
        (_, 6, false) => MouseEventKind::ScrollLeft,
        (_, 7, false) => MouseEventKind::ScrollRight,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: &[u8]) -> Option<Event> {
        match first(bytes) {
            Piece::Whole(length, event) if length == bytes.len() => event,
            piece => panic!("{bytes:?}: {piece:?}"),
        }
    }

    #[test]
    fn keys_are_those_of_the_terminals() {
        let none = KeyModifiers::NONE;
        for (text, code, modifiers) in [
            ("\x1b[A", KeyCode::Up, none),
            ("\x1bOB", KeyCode::Down, none),
            ("\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL),
            ("\x1b[1;4D", KeyCode::Left, KeyModifiers::SHIFT | KeyModifiers::ALT),
            ("\x1b[H", KeyCode::Home, none),
            ("\x1b[7~", KeyCode::Home, none),
            ("\x1b[4~", KeyCode::End, none),
            ("\x1b[5~", KeyCode::PageUp, none),
            ("\x1b[3;2~", KeyCode::Delete, KeyModifiers::SHIFT),
            ("\x1b[11~", KeyCode::F(1), none),
            ("\x1bOS", KeyCode::F(4), none),
            ("\x1b[1;2S", KeyCode::F(4), KeyModifiers::SHIFT),
            ("\x1b[[E", KeyCode::F(5), none),
            ("\x1b[24~", KeyCode::F(12), none),
            ("\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT),
            ("\x1b[113;5u", KeyCode::Char('q'), KeyModifiers::CONTROL),
            ("\x1b[9;2u", KeyCode::BackTab, KeyModifiers::SHIFT),
            ("\x1bOM", KeyCode::Enter, none),
            ("\n", KeyCode::Enter, none),
            ("\x11", KeyCode::Char('q'), KeyModifiers::CONTROL),
            ("\x1f", KeyCode::Char('7'), KeyModifiers::CONTROL),
            ("\x1bq", KeyCode::Char('q'), KeyModifiers::ALT),
            ("\x1b\r", KeyCode::Enter, KeyModifiers::ALT),
            ("Q", KeyCode::Char('Q'), KeyModifiers::SHIFT),
            ("日", KeyCode::Char('日'), none),
        ] {
            assert_eq!(event(text.as_bytes()), Some(Event::Key(KeyEvent::new(code, modifiers))), "{text:?}");
        }
        for unknown in ["\x1b[99~", "\x1b[?1;2c", "\x1b[>0;1c", "\x1b[0n", "\x1b[97;1:3u", "\x1b[32;1;1M", "\x1bOx"] {
            assert_eq!(event(unknown.as_bytes()), None, "{unknown:?}");
        }
    }

    #[test]
    fn clicks_count_from_the_corner() {
        let (left, none) = (MouseButton::Left, KeyModifiers::NONE);
        for (text, kind, column, row, modifiers) in [
            ("\x1b[<0;1;1M", MouseEventKind::Down(left), 0, 0, none),
            ("\x1b[<0;300;200m", MouseEventKind::Up(left), 299, 199, none),
            ("\x1b[<32;2;3M", MouseEventKind::Drag(left), 1, 2, none),
            ("\x1b[<64;2;3M", MouseEventKind::ScrollUp, 1, 2, none),
            ("\x1b[<81;2;3M", MouseEventKind::ScrollDown, 1, 2, KeyModifiers::CONTROL),
            ("\x1b[M !!", MouseEventKind::Down(left), 0, 0, none),
            ("\x1b[Ma\"#", MouseEventKind::ScrollDown, 1, 2, none),
        ] {
            assert_eq!(event(text.as_bytes()), Some(Event::Mouse(MouseEvent { kind, column, row, modifiers })), "{text:?}");
        }
        for unknown in ["\x1b[<0;0;1M", "\x1b[<0;1M", "\x1b[<999;1;1M", "\x1b[<0;99999;1M", "\x1b[M\x01\x01\x01", "\x1b[<0;1;1u"]
        {
            assert_eq!(event(unknown.as_bytes()), None, "{unknown:?}");
        }
    }

    proptest::proptest! {
        /// Something is made of any bytes, and never more than there are.
        #[test]
        fn a_piece_is_a_part(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..80)) {
            for start in [&[][..], b"\x1b", b"\x1b[", b"\x1b[<", b"\x1bO"] {
                let bytes = [start, &bytes].concat();
                if let Piece::Whole(length, _)
                | Piece::PasteBegins(length)
                | Piece::StringBegins(length, ..)
                | Piece::LongBegins(length) = first(&bytes)
                {
                    proptest::prop_assert!((1..=bytes.len()).contains(&length));
                }
            }
        }
    }
}
