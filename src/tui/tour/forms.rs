//! The users of the demonstration at the keyboard: the keys that fill in the forms of the tour.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use eyre::Result;
use p2p_auth::Secret;
use p2p_shell::question::{FieldKind, Form};
use secrecy::ExposeSecret;

use crate::demo_users::DemoUsers;
use crate::tui::form::DIGITS;

/// Next event at the open form.
#[derive(Debug, PartialEq, Eq)]
pub enum Filling {
    /// The answers are not known yet, such as a code in a mail that has not arrived.
    Unknown,
    /// The answers are known from now on, and nothing is typed yet.
    Begun,
    /// A key is pressed.
    Key(KeyEvent),
}

/// The users who fill in forms, and the keys that remain to be pressed for the current one.
#[derive(Debug)]
pub struct FormFiller {
    users: DemoUsers,
    keys: VecDeque<KeyEvent>,
}

impl FormFiller {
    /// Creates the keyboard of these users.
    pub fn new(users: DemoUsers) -> FormFiller {
        FormFiller { users, keys: VecDeque::new() }
    }

    /// Returns what happens next to the open form.
    ///
    /// # Errors
    /// Fails if the users have no answers to the form.
    pub fn next(&mut self, form: &Form) -> Result<Filling> {
        if let Some(key) = self.keys.pop_front() {
            return Ok(Filling::Key(key));
        }
        let Some(given) = self.users.fill_in(form)? else { return Ok(Filling::Unknown) };
        self.keys = keys_for(form, &given);
        Ok(Filling::Begun)
    }

    /// Forgets the keys of a form that is closed.
    pub fn forget(&mut self) {
        self.keys.clear();
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
