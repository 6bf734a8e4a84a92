//! A secret that is being typed: wiped from memory when it is done with, and kept in no undo and no kill ring. Knows nothing of
//! what is secret about it.

use secrecy::zeroize::Zeroizing;

use super::editor::Edit;
use crate::auth::Secret;

/// No secret is longer, in bytes. It is allotted at once, so that growing leaves no copies behind.
const SECRET_MAX: usize = 4096;

/// A secret with a cursor.
pub struct Masked {
    text: Zeroizing<String>,
    /// In bytes.
    cursor: usize,
}

impl std::fmt::Debug for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Masked({} characters)", self.text.chars().count())
    }
}

impl Default for Masked {
    fn default() -> Self {
        Masked { text: Zeroizing::new(String::with_capacity(SECRET_MAX)), cursor: 0 }
    }
}

impl Masked {
    /// What is typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in characters.
    pub fn column(&self) -> usize {
        self.text[..self.cursor].chars().count()
    }

    /// What is typed, for whoever checks it.
    pub fn secret(&self) -> Secret {
        self.text.as_str().into()
    }

    /// Makes a change; what a line would keep for later is gone here.
    pub fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Insert(text) => text.chars().filter(|c| !c.is_control()).for_each(|c| self.insert(c)),
            Edit::Backspace => {
                if let Some(c) = self.text[..self.cursor].chars().next_back() {
                    self.cursor -= c.len_utf8();
                    self.text.remove(self.cursor);
                }
            }
            Edit::Delete if self.cursor < self.text.len() => drop(self.text.remove(self.cursor)),
            Edit::Left => self.cursor -= self.text[..self.cursor].chars().next_back().map_or(0, char::len_utf8),
            Edit::Right => self.cursor += self.text[self.cursor..].chars().next().map_or(0, char::len_utf8),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
            Edit::KillToEnd => self.text.truncate(self.cursor),
            Edit::KillToStart | Edit::KillWord => {
                // What is hidden has no words that anybody sees.
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            Edit::Delete | Edit::WordLeft | Edit::WordRight | Edit::Yank | Edit::Undo => {}
        }
    }

    fn insert(&mut self, c: char) {
        if self.text.len() + c.len_utf8() <= SECRET_MAX {
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(edits: &[Edit]) -> (String, usize) {
        let mut masked = Masked::default();
        edits.iter().for_each(|edit| masked.apply(edit));
        (masked.text().to_owned(), masked.column())
    }

    #[test]
    fn it_edits_and_forgets() {
        let insert = |text: &str| Edit::Insert(text.into());
        assert_eq!(typed(&[insert("pä\nss"), Edit::Left, Edit::Backspace, insert("€")]), ("pä€s".into(), 3));
        assert_eq!(typed(&[insert("abc"), Edit::Home, Edit::Delete, Edit::Right, Edit::KillToEnd]), ("b".into(), 1));
        assert_eq!(typed(&[insert("abc"), Edit::KillToStart, Edit::Yank, Edit::Undo]), (String::new(), 0));
        assert_eq!(typed(&[insert(&"x".repeat(9000))]).0.len(), SECRET_MAX);
        let mut masked = Masked::default();
        masked.apply(&insert("hunter2"));
        assert_eq!(format!("{masked:?}"), "Masked(7 characters)");
    }
}
