//! The background of the terminal, dark or light, which the terminal itself is asked for (xterm's control sequences, OSC 11).
//!
//! A terminal that does not know the question answers the next one, for its attributes (DA1, ECMA-48 and DEC VT510), which all of them
//! do; one that answers neither is waited for until a deadline. What was typed before the answer is read together with it, and is
//! passed on as the events that it means.

use std::io::{self, Write, stdout};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Questions for the background and for the attributes of the terminal.
const QUESTIONS: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";
/// Time for which the answers are waited for.
const ANSWER_MAX: Duration = Duration::from_millis(200);
/// Maximum number of bytes that are read while the answers are waited for.
const BYTES_MAX: usize = 64 << 10;
/// Escape, with which the sequences of keys and answers begin.
const ESCAPE: u8 = 0x1b;

/// Input that was read while the terminal was asked.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    /// True for a light background, false for a dark one; `None` if the terminal did not say.
    pub is_light: Option<bool>,
    /// True if the terminal has answered the second question, so that no answer is yet to come.
    pub is_complete: bool,
    /// Input that was typed meanwhile.
    pub typed: Vec<Event>,
}

/// Asks the terminal, whose input must be in raw mode and read by nobody else.
///
/// # Errors
/// Fails if the terminal cannot be written to or read.
#[expect(clippy::disallowed_methods, reason = "a terminal lives by the wall clock")]
pub fn ask() -> io::Result<Heard> {
    let mut out = stdout();
    out.write_all(QUESTIONS)?;
    out.flush()?;
    let (begun, mut bytes) = (Instant::now(), Vec::new());
    loop {
        let heard = hear(&bytes);
        let left = ANSWER_MAX.saturating_sub(begun.elapsed());
        if heard.is_complete || left.is_zero() || bytes.len() >= BYTES_MAX || !read_some(&mut bytes, left)? {
            return Ok(heard);
        }
    }
}

/// Reads what has arrived within a span; returns false at the end of the input.
fn read_some(bytes: &mut Vec<u8>, span: Duration) -> io::Result<bool> {
    let input = io::stdin();
    let mut ready = [PollFd::new(&input, PollFlags::IN)];
    let span = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
    match poll(&mut ready, Some(&span)) {
        Ok(0) | Err(Errno::INTR) => return Ok(true),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut chunk = [0; 1024];
    let count = rustix::io::read(input.as_fd(), &mut chunk)?;
    bytes.extend_from_slice(&chunk[..count]);
    Ok(count > 0)
}

/// Takes bytes of the terminal apart into answers and typed input.
fn hear(bytes: &[u8]) -> Heard {
    let (mut heard, mut rest) = (Heard::default(), bytes);
    while let Some((&first, after)) = rest.split_first() {
        rest = match (first, after) {
            (ESCAPE, [b']', after @ ..]) => command(after, &mut heard),
            (ESCAPE, [b'[', after @ ..]) => sequence(after, &mut heard),
            (ESCAPE, [b'O', letter, after @ ..]) => {
                heard.typed.extend(named(b"", *letter).map(key));
                after
            }
            (ESCAPE, [letter, after @ ..]) if letter.is_ascii_graphic() => {
                heard.typed.push(Event::Key(KeyEvent::new(KeyCode::Char(char::from(*letter)), KeyModifiers::ALT)));
                after
            }
            (ESCAPE, after) => {
                heard.typed.push(key(KeyCode::Esc));
                after
            }
            _ => character(rest, &mut heard),
        };
    }
    heard
}

/// Takes an operating system command up to its end, BEL or ST.
fn command<'a>(bytes: &'a [u8], heard: &mut Heard) -> &'a [u8] {
    let end = bytes.iter().position(|&byte| matches!(byte, 7 | ESCAPE)).unwrap_or(bytes.len());
    let (text, after) = bytes.split_at(end);
    if !after.is_empty() {
        heard.is_light = heard.is_light.or(std::str::from_utf8(text).ok().and_then(is_light));
    }
    after.strip_prefix(&[7]).or_else(|| after.strip_prefix(b"\x1b\\")).unwrap_or(after)
}

/// Returns true if an answer such as `11;rgb:ffff/ffff/dddd` names a light colour: one that is nearer to white than to black in the
/// eye (relative luminance, WCAG 2.2, above 0.18).
fn is_light(answer: &str) -> Option<bool> {
    let color = answer.strip_prefix("11;")?;
    let parts = color.strip_prefix("rgb:").or_else(|| color.strip_prefix("rgba:"))?;
    let part = |text: &str| {
        let most = 16_u32.checked_pow(u32::try_from(text.len()).ok()?)?.checked_sub(1).filter(|&most| most > 0)?;
        Some(f64::from(u32::from_str_radix(text, 16).ok()?) / f64::from(most))
    };
    let parts: Vec<f64> = parts.split('/').map(part).collect::<Option<_>>()?;
    let [red, green, blue, ..] = parts.as_slice() else { return None };
    let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
    Some(0.2126 * linear(*red) + 0.7152 * linear(*green) + 0.0722 * linear(*blue) > 0.18)
}

/// Takes a control sequence up to its final byte (ECMA-48, section 5.4): the answer to the second question, a key, or a paste.
fn sequence<'a>(bytes: &'a [u8], heard: &mut Heard) -> &'a [u8] {
    const PASTE_END: &[u8] = b"\x1b[201~";
    let Some(end) = bytes.iter().position(|byte| (0x40..=0x7e).contains(byte)) else { return &[] };
    let (parameters, last, after) = (&bytes[..end], bytes[end], &bytes[end + 1..]);
    if last == b'c' && parameters.starts_with(b"?") {
        heard.is_complete = true;
        return after;
    }
    if (parameters, last) == (b"200", b'~') {
        let end = after.windows(PASTE_END.len()).position(|window| window == PASTE_END).unwrap_or(after.len());
        heard.typed.push(Event::Paste(String::from_utf8_lossy(&after[..end]).into_owned()));
        return after.get(end + PASTE_END.len()..).unwrap_or_default();
    }
    heard.typed.extend(named(parameters, last).map(key));
    after
}

/// Returns the key of a control sequence, without modifiers.
fn named(parameters: &[u8], last: u8) -> Option<KeyCode> {
    let number = parameters.split(|&byte| byte == b';').next().unwrap_or_default();
    Some(match (last, number) {
        (b'A', _) => KeyCode::Up,
        (b'B', _) => KeyCode::Down,
        (b'C', _) => KeyCode::Right,
        (b'D', _) => KeyCode::Left,
        (b'H', _) | (b'~', b"1" | b"7") => KeyCode::Home,
        (b'F', _) | (b'~', b"4" | b"8") => KeyCode::End,
        (b'P'..=b'S', b"" | b"1") => KeyCode::F(last - b'P' + 1),
        (b'~', b"11") => KeyCode::F(1),
        (b'~', b"12") => KeyCode::F(2),
        (b'~', b"3") => KeyCode::Delete,
        (b'~', b"5") => KeyCode::PageUp,
        (b'~', b"6") => KeyCode::PageDown,
        (b'Z', _) => KeyCode::BackTab,
        _ => return None,
    })
}

const fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Takes one character, or the bytes that are none.
fn character<'a>(bytes: &'a [u8], heard: &mut Heard) -> &'a [u8] {
    let (&first, after) = bytes.split_first().unwrap_or((&0, &[]));
    let code = match first {
        // A line that was typed before the terminal was in raw mode ends with a line feed.
        b'\r' | b'\n' => KeyCode::Enter,
        b'\t' => KeyCode::Tab,
        8 | 0x7f => KeyCode::Backspace,
        1..=26 => {
            let letter = char::from(first - 1 + b'a');
            heard.typed.push(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)));
            return after;
        }
        _ => {
            let length = bytes.len().min(match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            });
            let (text, rest) = bytes.split_at(length);
            let Some(c) = std::str::from_utf8(text).ok().and_then(|text| text.chars().next()) else { return after };
            let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
            if !c.is_control() {
                heard.typed.push(Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers)));
            }
            return rest;
        }
    };
    heard.typed.push(key(code));
    after
}

/// Filter for an answer that comes after the deadline, which would otherwise be taken for typed characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateAnswer {
    /// No answer is expected.
    NotExpected,
    /// An answer may still come.
    Expected,
    /// The answer has begun.
    Begun,
}

impl LateAnswer {
    /// Returns true if an event is part of the answer, so that it is not to be passed on.
    pub fn takes(&mut self, event: &Event) -> bool {
        let Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. }) = event else { return false };
        match (*self, c) {
            (LateAnswer::Expected, ']') if modifiers.contains(KeyModifiers::ALT) => *self = LateAnswer::Begun,
            (LateAnswer::Begun, '\\') if modifiers.contains(KeyModifiers::ALT) => *self = LateAnswer::NotExpected,
            (LateAnswer::Begun, 'g' | 'G') if modifiers.contains(KeyModifiers::CONTROL) => *self = LateAnswer::NotExpected,
            (LateAnswer::Begun, 'r' | 'g' | 'b' | 'a'..='f' | 'A'..='F' | '0'..='9' | ':' | ';' | '/') => {}
            (LateAnswer::Begun, _) => {
                *self = LateAnswer::NotExpected;
                return false;
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(heard: &Heard) -> String {
        let text = |event: &Event| match event {
            Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers: KeyModifiers::NONE, .. }) => c.to_string(),
            Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. }) => format!("<{modifiers}-{c}>"),
            Event::Key(KeyEvent { code, .. }) => format!("<{code}>"),
            other => format!("{other:?}"),
        };
        heard.typed.iter().map(text).collect()
    }

    #[test]
    fn the_answer_is_told_from_what_was_typed() {
        let heard = hear(b"ls\n\x1b[Aa\xc3\xa9\x03\x1b]11;rgb:ffff/ffff/ffff\x1b\\x\x1b[?62;22c\x1bOP\x1b[3~\x7f");
        assert_eq!((heard.is_light, heard.is_complete), (Some(true), true));
        assert_eq!(texts(&heard), "ls<Enter><Up>aé<Control-c>x<F1><Del><Backspace>");
    }

    #[test]
    fn a_paste_is_a_paste() {
        let heard = hear(b"\x1b[200~a\nb\x1b[201~\x1b[?6c");
        assert!(heard.is_complete);
        assert_eq!(heard.typed, [Event::Paste("a\nb".into())]);
    }

    #[test]
    fn colours_are_light_or_dark() {
        for (answer, light) in [
            ("11;rgb:ffff/ffff/ffff", Some(true)),
            ("11;rgb:fd/f6/e3", Some(true)),
            ("11;rgb:0000/2b2b/3636", Some(false)),
            ("11;rgba:1e1e/1e1e/1e1e/ffff", Some(false)),
            ("11;rgb:0/0/0", Some(false)),
            ("10;rgb:ffff/ffff/ffff", None),
            ("11;rgb://", None),
            ("11;rgb:fffffffff/0/0", None),
            ("11;?", None),
        ] {
            assert_eq!(is_light(answer), light, "{answer}");
        }
    }

    #[test]
    fn what_is_not_finished_is_not_complete() {
        for bytes in [&b"\x1b]11;rgb:ffff/ff"[..], b"\x1b[?62", b"", b"\x1b"] {
            let heard = hear(bytes);
            assert!(!heard.is_complete && heard.is_light.is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn a_late_answer_is_not_typed() {
        let mut late = LateAnswer::Expected;
        let heard = hear(b"ab");
        assert!(heard.typed.iter().all(|event| !late.takes(event)));
        let alt = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT));
        assert!(late.takes(&alt(']')));
        assert!(hear(b"11;rgb:ffff/ffff/ffff").typed.iter().all(|event| late.takes(event)));
        assert!(late.takes(&alt('\\')) && !late.takes(&alt(']')));
    }

    proptest::proptest! {
        /// Whatever a terminal sends is taken apart to its end.
        #[test]
        fn any_bytes_are_heard(bytes in proptest::collection::vec(0_u8.., 0..60)) {
            let _ = hear(&bytes);
        }
    }
}
