//! The background of the terminal, dark or light, which the terminal itself is asked for (xterm's control sequences, OSC 11).
//!
//! Nothing waits for the answer: it is taken out of the stream of input events whenever it comes, and what was typed before it, within
//! it or after it is passed on.

use std::io::{self, Write, stdout};
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// Question for the colour of the background.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";
/// Beginning of the answer, whose end is BEL or ST.
const BEGINNING: &str = "\x1b]11;";
/// Maximum number of characters of an answer.
const ANSWER_CHARS_MAX: usize = 64;
/// Time for which an answer is expected; a terminal that has not answered by then does not know the question.
const EXPECTED_MAX: Duration = Duration::from_secs(10);
/// Maximum silence within an answer. A line may break it anywhere; what goes on later than that is typed.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// Time after which an escape that nothing followed is the key.
const ESCAPE_MAX: Duration = Duration::from_millis(40);

/// Asks the terminal, whose input must be in raw mode. The answer is for a [`Listener`].
///
/// # Errors
/// Fails if the terminal cannot be written to.
pub fn ask() -> io::Result<Listener> {
    let mut out = stdout();
    out.write_all(QUESTION)?;
    out.flush()?;
    Ok(Listener { is_waiting: true, ..Listener::default() })
}

/// Input of the terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Input of the user.
    Typed(Event),
    /// Answer of the terminal: true for a light background, false for a dark one.
    Background(bool),
    /// The process goes on after a stop, and the terminal may be in the modes of a shell.
    Continued,
}

/// A filter that takes the answer of the terminal out of the events of its input. Events that may be part of an answer are held back
/// until that is decided. Times are those since the question. The default expects no answer.
#[derive(Debug, Default)]
pub struct Listener {
    /// True while an answer may still come.
    is_waiting: bool,
    /// Characters that may be the beginning of an answer.
    text: String,
    /// Events that these characters came in, unless they were passed on.
    held: Vec<Event>,
    /// Instant of the last of these events.
    last: Duration,
}

/// State of a text that may be an answer.
enum Progress {
    /// The text may become an answer.
    Begun,
    /// The text is an answer.
    Over,
    /// The text is none.
    Other,
}

impl Listener {
    /// Takes an event, and returns what is known to have been input by now, in its order.
    pub fn hear(&mut self, event: Event, at: Duration) -> Vec<Heard> {
        let mut heard = self.elapse(at);
        let character = if self.is_waiting { characters(&event) } else { None };
        let longer = character.map(|(escape, c)| format!("{}{escape}{c}", self.text));
        match longer.as_deref().map_or(Progress::Other, progress) {
            Progress::Begun => {
                self.text = longer.unwrap_or_default();
                self.held.push(event);
                self.last = at;
            }
            Progress::Over => {
                let is_light = longer.as_deref().and_then(|text| is_light(text.trim_end_matches(['\x07', '\x1b', '\\'])));
                heard.extend(is_light.map(Heard::Background));
                *self = Listener::default();
            }
            Progress::Other if self.text.is_empty() => heard.push(Heard::Typed(event)),
            Progress::Other => {
                heard.extend(self.release());
                heard.extend(self.hear(event, at));
            }
        }
        heard
    }

    /// Returns what is known to have been input because nothing followed it until an instant.
    pub fn elapse(&mut self, at: Duration) -> Vec<Heard> {
        let silence = at.saturating_sub(self.last);
        let heard = if silence >= SILENCE_MAX {
            self.release()
        } else if self.text == "\x1b" && silence >= ESCAPE_MAX {
            // The key Escape acts at once; the text is kept, because a line may break an answer after its first byte.
            self.held.drain(..).map(Heard::Typed).collect()
        } else {
            Vec::new()
        };
        // An answer that has begun is heard to its end.
        self.is_waiting &= at < EXPECTED_MAX || !self.text.is_empty();
        heard
    }

    /// Gives up a text that is not an answer, and returns its events. Those of a broken answer are dropped, since nobody typed them.
    fn release(&mut self) -> Vec<Heard> {
        let is_broken = std::mem::take(&mut self.text).starts_with(BEGINNING);
        self.held.drain(..).filter(|_| !is_broken).map(Heard::Typed).collect()
    }
}

/// Returns the characters that an event came from, as far as they occur in an answer: perhaps an escape, and a character.
fn characters(event: &Event) -> Option<(&'static str, char)> {
    let Event::Key(KeyEvent { code, modifiers, .. }) = event else { return None };
    match code {
        KeyCode::Esc => Some(("", '\x1b')),
        KeyCode::Char('g') if *modifiers == KeyModifiers::CONTROL => Some(("", '\x07')),
        KeyCode::Char(c) if *modifiers == KeyModifiers::ALT => Some(("\x1b", *c)),
        KeyCode::Char(c) if modifiers.difference(KeyModifiers::SHIFT).is_empty() => Some(("", *c)),
        _ => None,
    }
}

fn progress(text: &str) -> Progress {
    if BEGINNING.starts_with(text) {
        return Progress::Begun;
    }
    let Some(answer) = text.strip_prefix(BEGINNING) else { return Progress::Other };
    // A terminal may name a colour in a way of its own, such as `#ffffff`; nobody has typed that either.
    let end = answer.trim_start_matches(|c: char| !c.is_control());
    match end {
        "\x07" | "\x1b\\" => Progress::Over,
        "" | "\x1b" if answer.len() <= ANSWER_CHARS_MAX => Progress::Begun,
        _ => Progress::Other,
    }
}

/// Returns true if an answer such as `\x1b]11;rgb:ffff/ffff/dddd` names a light colour: one that is nearer to white than to black in the
/// eye (relative luminance, WCAG 2.2, above 0.18).
fn is_light(answer: &str) -> Option<bool> {
    let color = answer.strip_prefix(BEGINNING)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);

    fn waiting() -> Listener {
        Listener { is_waiting: true, ..Listener::default() }
    }

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    /// The events that crossterm makes of a text that arrives at once: an escape belongs to the character behind it.
    fn events(text: &str) -> Vec<Event> {
        let (mut events, mut rest) = (Vec::new(), text.chars());
        while let Some(c) = rest.next() {
            events.push(match (c, rest.clone().next()) {
                ('\x1b', None) => key(KeyCode::Esc, KeyModifiers::NONE),
                ('\x1b', Some(after)) => {
                    rest.next();
                    key(KeyCode::Char(after), KeyModifiers::ALT)
                }
                ('\x07', _) => key(KeyCode::Char('g'), KeyModifiers::CONTROL),
                ('\r', _) => key(KeyCode::Enter, KeyModifiers::NONE),
                _ if c.is_uppercase() => key(KeyCode::Char(c), KeyModifiers::SHIFT),
                _ => key(KeyCode::Char(c), KeyModifiers::NONE),
            });
        }
        events
    }

    /// Lets texts arrive a moment apart, and silence follow.
    fn arrived(listener: &mut Listener, texts: &[&str]) -> Vec<Heard> {
        let (mut heard, mut at) = (Vec::new(), Duration::ZERO);
        for text in texts {
            heard.extend(events(text).into_iter().flat_map(|event| listener.hear(event, at)));
            at += MOMENT;
            heard.extend(listener.elapse(at));
        }
        heard.extend(listener.elapse(at + SILENCE_MAX));
        heard
    }

    fn typed(texts: &[&str]) -> Vec<Heard> {
        texts.iter().flat_map(|text| events(text)).map(Heard::Typed).collect()
    }

    #[test]
    fn the_answer_is_told_from_what_was_typed() {
        for (answer, is_light) in [("\x1b]11;rgb:ffff/FFFF/ffff\x1b\\", true), ("\x1b]11;rgb:00/2b/36\x07", false)] {
            let heard = arrived(&mut waiting(), &[&format!("ls\r{answer}x1")]);
            assert_eq!(heard, [typed(&["ls\r"]), vec![Heard::Background(is_light)], typed(&["x1"])].concat());
        }
    }

    /// A line may break an answer anywhere, also within its escapes.
    #[test]
    fn an_answer_may_come_in_pieces() {
        let answer = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
        for at in 1..answer.len() {
            let heard = arrived(&mut waiting(), &["a", &answer[..at], &answer[at..], "b"]);
            let escape = if at == 1 { "\x1b" } else { "" };
            assert_eq!(heard, [typed(&["a", escape]), vec![Heard::Background(true)], typed(&["b"])].concat(), "{at}");
        }
    }

    #[test]
    fn what_only_looks_like_an_answer_is_typed() {
        for texts in [
            &["\x1b]"][..],
            &["\x1b", "]11"],
            &["\x1b]11x"],
            &["\x1b]1\x1b]2\r"],
            &["\x1b", "\x1b"],
            &["]11;rgb:0/0/0"],
            &["\x1bx\x07"],
        ] {
            assert_eq!(arrived(&mut waiting(), texts), typed(texts), "{texts:?}");
        }
    }

    #[test]
    fn escape_acts_when_nothing_follows_it() {
        let mut listener = waiting();
        let escape = key(KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(listener.hear(escape.clone(), Duration::ZERO), []);
        assert_eq!(listener.elapse(MOMENT), [Heard::Typed(escape)]);
    }

    /// An answer without an end is not typed, and nothing is held back for good.
    #[test]
    fn a_broken_answer_is_dropped() {
        assert_eq!(arrived(&mut waiting(), &["\x1b]11;rgb:ff"]), []);
        assert_eq!(arrived(&mut waiting(), &["\x1b]11;rgb:ff\rx"]), typed(&["\rx"]));
        for color in ["#ffffff", "white", "rgbi:1.0/1.0/1.0", "?"] {
            assert_eq!(arrived(&mut waiting(), &[&format!("a\x1b]11;{color}\x1b\\b")]), typed(&["ab"]), "{color}");
        }
        let long = format!("\x1b]11;{}z", "f".repeat(2 * ANSWER_CHARS_MAX));
        assert!(arrived(&mut waiting(), &[&long]).len() < 2 * ANSWER_CHARS_MAX);
    }

    /// An answer is expected once, and not for ever.
    #[test]
    fn no_answer_is_waited_for_without_end() {
        let answer = "\x1b]11;rgb:0/0/0\x07";
        let mut listener = waiting();
        assert_eq!(arrived(&mut listener, &[answer, answer]), [vec![Heard::Background(false)], typed(&[answer])].concat());
        let mut listener = waiting();
        let hear = |listener: &mut Listener, at| {
            events(answer).into_iter().flat_map(|event| listener.hear(event, at)).collect::<Vec<_>>()
        };
        assert_eq!(hear(&mut listener, EXPECTED_MAX), typed(&[answer]));
        assert_eq!(hear(&mut waiting(), EXPECTED_MAX - MOMENT), [Heard::Background(false)]);
        assert_eq!(arrived(&mut Listener::default(), &[answer]), typed(&[answer]));
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
            assert_eq!(is_light(&format!("\x1b]{answer}")), light, "{answer}");
        }
    }

    proptest::proptest! {
        /// What is no answer comes through whole and in its order, however it is broken up.
        #[test]
        fn nothing_typed_is_lost(texts in proptest::collection::vec("[a]1;\x1b\x07g\r]{0,4}", 0..8)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            proptest::prop_assume!(!texts.concat().contains(BEGINNING));
            proptest::prop_assert_eq!(arrived(&mut waiting(), &texts), typed(&texts));
        }
    }
}
