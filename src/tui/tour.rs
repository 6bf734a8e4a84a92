//! The tour: a script that types itself into the prompt, line by line, until it ends or somebody touches a key. What is asked on
//! the way is filled in by the users of the demonstration.
//!
//! Knows nothing of what the lines do.

use std::collections::VecDeque;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use eyre::{Result, eyre};
use secrecy::ExposeSecret;

use super::form::DIGITS;
use crate::auth::Secret;
use crate::demo_users::{DemoUsers, USERS};
use crate::shell::question::{FieldKind, Form};
use crate::shell::words::{Variables, commands_of, split};

/// Between two characters that are typed.
const KEYSTROKE: Duration = Duration::from_millis(18);
/// After a narration, for reading it: so long, and for each of its characters.
const READING: (Duration, Duration) = (Duration::from_millis(600), Duration::from_millis(22));
/// After an answer, for looking at it.
const LOOKING: Duration = Duration::from_millis(1_500);

/// What a tour does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Say this.
    Narrate(String),
    /// Type this character.
    Type(char),
    /// Enter what is typed.
    Enter,
    /// Wait until what was entered is done.
    Wait,
    /// Nothing more.
    End,
}

/// A script that types itself.
#[derive(Debug)]
pub struct Tour {
    lines: VecDeque<String>,
    /// What is still to be typed of the line that is being typed.
    typing: Option<VecDeque<char>>,
    waiting: bool,
    /// Who fills in forms, and the keys that are still to be pressed for one.
    users: Option<DemoUsers>,
    keys: VecDeque<KeyEvent>,
    is_skipping: bool,
}

impl Tour {
    /// The tour of a script, with the values of its variables, and with somebody who fills in what is asked.
    pub fn new(script: &str, variables: &Variables, users: Option<DemoUsers>) -> Tour {
        let lines = commands_of(script).into_iter().map(|(_, line)| substituted(&line, variables)).collect();
        Tour { lines, typing: None, waiting: false, users, keys: VecDeque::new(), is_skipping: false }
    }

    /// The next key for a form that is open, and how long to wait then; no key while there is nothing to fill in yet.
    ///
    /// # Errors
    /// Where nobody knows what to fill in.
    pub fn fill_in(&mut self, form: &Form) -> Result<(Option<KeyEvent>, Duration)> {
        if self.keys.is_empty() {
            let users = self.users.as_mut().ok_or_else(|| eyre!("there is nobody to fill in {:?}", form.title))?;
            let Some(given) = users.fill_in(form)? else { return Ok((None, KEYSTROKE)) };
            self.keys = keys_for(form, &given);
            return Ok((None, LOOKING));
        }
        Ok((self.keys.pop_front(), KEYSTROKE))
    }

    /// Skips what is left, but for the login of the user whose prompt it is to be. False where that is under way already, or
    /// there are no users.
    pub fn skip(&mut self) -> bool {
        let line = format!("login {}", USERS[0].0);
        if self.users.is_none() || self.is_skipping {
            return false;
        }
        // What is under way may be that very login.
        (self.is_skipping, self.typing, self.waiting) = (true, None, true);
        self.lines = VecDeque::from([line]);
        self.keys.clear();
        true
    }

    /// Whether only the login of the user whose prompt it is to be is left.
    pub fn is_skipping(&self) -> bool {
        self.is_skipping
    }

    /// What to do now, and how long to wait before the next step. `busy` says whether something that was entered goes on.
    pub fn next(&mut self, busy: bool) -> (Step, Duration) {
        if self.waiting {
            if busy {
                return (Step::Wait, KEYSTROKE);
            }
            self.waiting = false;
            return (Step::Wait, LOOKING);
        }
        if let Some(rest) = &mut self.typing {
            if let Some(c) = rest.pop_front() {
                return (Step::Type(c), KEYSTROKE);
            }
            (self.typing, self.waiting) = (None, true);
            return (Step::Enter, KEYSTROKE);
        }
        let Some(line) = self.lines.pop_front() else { return (Step::End, Duration::ZERO) };
        if let Some(words) = narration(&line) {
            let time = READING.0 + READING.1 * words.chars().count() as u32;
            return (Step::Narrate(words), time);
        }
        self.typing = Some(line.chars().collect());
        (Step::Wait, KEYSTROKE)
    }
}

/// The keys that fill these texts into a form.
fn keys_for(form: &Form, given: &[Secret]) -> VecDeque<KeyEvent> {
    let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
    let mut keys = VecDeque::new();
    for (field, text) in form.fields.iter().zip(given) {
        let is_code = matches!(field.kind, FieldKind::Code(_));
        let is_backup = is_code && text.expose_secret().len() > DIGITS;
        if is_backup {
            keys.push_back(KeyEvent::new(KeyCode::Char('b'), KeyModifiers::CONTROL));
        }
        // What is there already has no need to be typed, and a code goes with its last digit.
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

/// What an `echo` says.
fn narration(line: &str) -> Option<String> {
    let words = split(line, &Variables::new()).ok()?;
    let (first, rest) = words.split_first()?;
    (first.text == "echo").then(|| rest.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "))
}

/// The line with its variables' values in their places, so that what is typed can be typed again.
fn substituted(line: &str, variables: &Variables) -> String {
    let mut line = line.to_owned();
    for (name, value) in variables {
        line = line.replace(&format!("${name}"), &crate::shell::words::quote(value));
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
        assert_eq!(tour.next(false).0, Step::Narrate("Look: this.".into()));
        assert_eq!(tour.next(false).0, Step::Wait);
        let typed: Vec<Step> = (0..8).map(|_| tour.next(false).0).collect();
        assert_eq!(typed[..2], [Step::Type('u'), Step::Type('p')]);
        assert_eq!(typed[7], Step::Type('\''));
        assert_eq!(tour.next(false).0, Step::Enter);
        assert_eq!([tour.next(true).0, tour.next(true).0, tour.next(false).0], [Step::Wait, Step::Wait, Step::Wait]);
        assert_eq!(tour.next(false), (Step::End, Duration::ZERO));
    }
}
