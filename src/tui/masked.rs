//! A secret that is being typed: it is erased from memory when it is dropped, and kept in no undo step and no kill ring.

use p2p_auth::Secret;
use secrecy::zeroize::Zeroizing;

use super::editor::Edit;

/// Maximum length of a secret in bytes. The buffer is allocated with this capacity, so that growing leaves no copies behind.
const SECRET_MAX: usize = 4096;

/// A secret text with a cursor.
pub struct Masked {
    text: Zeroizing<String>,
    /// Position of the cursor in bytes.
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
    /// Returns the text that is typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the position of the cursor in characters.
    pub fn column(&self) -> usize {
        self.text[..self.cursor].chars().count()
    }

    /// Returns the text as a secret, for the command that asks.
    pub fn secret(&self) -> Secret {
        self.text.as_str().into()
    }

    /// Applies an edit. Killed and deleted text is discarded.
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
                // Word boundaries are not visible in a hidden text, so that the whole text before the cursor is removed.
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
