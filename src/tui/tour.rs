//! The tour: a script that types itself into the prompt, line by line, until it ends or the user presses a key. The users of the
//! demonstration answer the questions of its commands.

use std::collections::VecDeque;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use eyre::{Result, eyre};
use p2p_auth::Secret;
use p2p_shell::question::{FieldKind, Form};
use p2p_shell::words::{Variables, commands_of, split};
use secrecy::ExposeSecret;

use super::form::DIGITS;
use crate::demo_users::{DemoUsers, USERS};

/// Time between two typed characters.
const KEYSTROKE: Duration = Duration::from_millis(18);
/// Time for reading a narration: a fixed part, and a part for each of its characters.
const READING: (Duration, Duration) = (Duration::from_millis(600), Duration::from_millis(22));
/// Time for reading an answer.
const LOOKING: Duration = Duration::from_millis(1_500);

/// The next step of a tour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TourStep {
    /// Shows a narration in the prompt.
    Narrate(String),
    /// Types a character into the prompt.
    Type(char),
    /// Enters the typed line.
    Enter,
    /// Waits until the entered line is carried out.
    Wait,
    /// Ends the tour, since no line remains.
    End,
}

/// A script that types itself.
#[derive(Debug)]
pub struct Tour {
    lines: VecDeque<String>,
    /// Characters that remain to be typed of the current line.
    typing: Option<VecDeque<char>>,
    waiting: bool,
    /// Users who fill in forms; the keys that remain to be pressed for the current form are in `keys`.
    users: Option<DemoUsers>,
    keys: VecDeque<KeyEvent>,
    is_skipping: bool,
}

impl Tour {
    /// Creates the tour of a script, with the values of its variables and the users who fill in forms.
    pub fn new(script: &str, variables: &Variables, users: Option<DemoUsers>) -> Tour {
        let lines = commands_of(script).into_iter().map(|(_, line)| substituted(&line, variables)).collect();
        Tour { lines, typing: None, waiting: false, users, keys: VecDeque::new(), is_skipping: false }
    }

    /// Returns the next key for the open form, and the time until the one after it; no key while the answers are not known yet.
    ///
    /// # Errors
    /// Fails if the users have no answers to the form.
    pub fn fill_in(&mut self, form: &Form) -> Result<(Option<KeyEvent>, Duration)> {
        if self.keys.is_empty() {
            let users = self.users.as_mut().ok_or_else(|| eyre!("there is nobody to fill in {:?}", form.title))?;
            let Some(given) = users.fill_in(form)? else { return Ok((None, KEYSTROKE)) };
            self.keys = keys_for(form, &given);
            return Ok((None, LOOKING));
        }
        Ok((self.keys.pop_front(), KEYSTROKE))
    }

    /// Skips the rest of the tour except the login of the first user, to whom the prompt is given afterwards. Returns false if
    /// that is being done already, or if there are no users.
    pub fn skip(&mut self) -> bool {
        let line = format!("login {}", USERS[0].0);
        if self.users.is_none() || self.is_skipping {
            return false;
        }
        // The running line may be that login itself.
        (self.is_skipping, self.typing, self.waiting) = (true, None, true);
        self.lines = VecDeque::from([line]);
        self.keys.clear();
        true
    }

    /// Returns true if only the login of the first user remains.
    pub fn is_skipping(&self) -> bool {
        self.is_skipping
    }

    /// Returns the next step, and the time until the one after it. `busy` is true while an entered line is being carried out.
    pub fn next(&mut self, busy: bool) -> (TourStep, Duration) {
        if self.waiting {
            if busy {
                return (TourStep::Wait, KEYSTROKE);
            }
            self.waiting = false;
            return (TourStep::Wait, LOOKING);
        }
        if let Some(rest) = &mut self.typing {
            if let Some(c) = rest.pop_front() {
                return (TourStep::Type(c), KEYSTROKE);
            }
            (self.typing, self.waiting) = (None, true);
            return (TourStep::Enter, KEYSTROKE);
        }
        let Some(line) = self.lines.pop_front() else { return (TourStep::End, Duration::ZERO) };
        if let Some(words) = narration(&line) {
            let time = READING.0 + READING.1 * words.chars().count() as u32;
            return (TourStep::Narrate(words), time);
        }
        self.typing = Some(line.chars().collect());
        (TourStep::Wait, KEYSTROKE)
    }
}

/// Returns the keys that fill texts into a form.
fn keys_for(form: &Form, given: &[Secret]) -> VecDeque<KeyEvent> {
    let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
    let mut keys = VecDeque::new();
    for (field, text) in form.fields.iter().zip(given) {
        let is_code = matches!(field.kind, FieldKind::Code(_));
        let is_backup = is_code && text.expose_secret().len() > DIGITS;
        if is_backup {
            keys.push_back(KeyEvent::new(KeyCode::Char('b'), KeyModifiers::CONTROL));
        }
        // Prefilled fields need no keys, and a code is submitted with its last digit.
        if field.value.is_empty() {
            keys.extend(text.expose_secret().chars().map(|c| key(KeyCode::Char(c))));
            if !is_code || is_backup {
                keys.push_back(key(KeyCode::Enter));
            }
        }
    }
    if form.fields.is_empty() {
        keys.push_back(key(KeyCode::Char('y')));
    }
    keys
}

/// Returns the text of an `echo` line.
fn narration(line: &str) -> Option<String> {
    let words = split(line, &Variables::new()).ok()?;
    let (first, rest) = words.split_first()?;
    (first.text == "echo").then(|| rest.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "))
}

/// Replaces the variables in a line by their values, so that users can type the line themselves.
fn substituted(line: &str, variables: &Variables) -> String {
    let mut line = line.to_owned();
    for (name, value) in variables {
        line = line.replace(&format!("${name}"), &p2p_shell::words::quote(value));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tour_narrates_types_enters_and_waits() {
        let variables = Variables::from([("f".to_owned(), "a b".to_owned())]);
        let mut tour = Tour::new("# none\necho 'Look: this.'\nup $f\n", &variables, None);
        assert_eq!(tour.next(false).0, TourStep::Narrate("Look: this.".into()));
        assert_eq!(tour.next(false).0, TourStep::Wait);
        let typed: Vec<TourStep> = (0..8).map(|_| tour.next(false).0).collect();
        assert_eq!(typed[..2], [TourStep::Type('u'), TourStep::Type('p')]);
        assert_eq!(typed[7], TourStep::Type('\''));
        assert_eq!(tour.next(false).0, TourStep::Enter);
        assert_eq!([tour.next(true).0, tour.next(true).0, tour.next(false).0], [TourStep::Wait, TourStep::Wait, TourStep::Wait]);
        assert_eq!(tour.next(false), (TourStep::End, Duration::ZERO));
    }
}
