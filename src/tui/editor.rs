//! The line that is being typed: rustyline's line buffer, with a kill ring and undo.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rustyline::line_buffer::{ChangeListener, DeleteListener, Direction, LineBuffer};
use rustyline::{At, Movement, Word};

/// Maximum number of steps that can be undone.
const UNDO_MAX: usize = 200;
/// Maximum number of killed texts that are kept.
const KILLS_MAX: usize = 20;
/// Capacity of the line in bytes; rustyline's buffer does not grow beyond it.
pub const LINE_MAX: usize = 16 << 10;
/// Capacity in bytes of a text that is searched for: it is compared with every row of a frame.
pub const SEARCH_MAX: usize = 256;

/// A change to the line or to the position of the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Inserts a text at the cursor.
    Insert(String),
    /// Deletes the character before the cursor.
    Backspace,
    /// Deletes the character under the cursor.
    Delete,
    /// Moves the cursor one character to the left.
    Left,
    /// Moves the cursor one character to the right.
    Right,
    /// Moves the cursor to the start of the line.
    Home,
    /// Moves the cursor to the end of the line.
    End,
    /// Moves the cursor one word to the left.
    WordLeft,
    /// Moves the cursor one word to the right.
    WordRight,
    /// Kills the text from the cursor to the end of the line.
    KillToEnd,
    /// Kills the text from the start of the line to the cursor.
    KillToStart,
    /// Kills the word before the cursor.
    KillWord,
    /// Inserts the text that was killed last.
    Yank,
    /// Reverts the last change of the text.
    Undo,
}

/// A line with a cursor, a kill ring and undo.
#[derive(Debug)]
pub struct Editor {
    line: LineBuffer,
    /// Capacity of the line in bytes.
    room: usize,
    undo: Vec<(String, usize)>,
    kills: Vec<String>,
}

/// A listener that collects the killed text.
#[derive(Default)]
struct Killed(String);

impl DeleteListener for Killed {
    fn delete(&mut self, _: usize, text: &str, _: Direction) {
        self.0.push_str(text);
    }
}

impl ChangeListener for Killed {
    fn insert_char(&mut self, _: usize, _: char) {}
    fn insert_str(&mut self, _: usize, _: &str) {}
    fn replace(&mut self, _: usize, _: &str, _: &str) {}
}

impl Default for Editor {
    fn default() -> Self {
        Editor::with_room(LINE_MAX)
    }
}

impl Editor {
    /// Creates the editor of a filter or of a search, which takes [`SEARCH_MAX`] bytes.
    pub fn for_search() -> Editor {
        Editor::with_room(SEARCH_MAX)
    }

    fn with_room(room: usize) -> Editor {
        Editor { line: LineBuffer::with_capacity(room), room, undo: Vec::new(), kills: Vec::new() }
    }

    /// Returns the text of the line.
    pub fn text(&self) -> &str {
        self.line.as_str()
    }

    /// Returns the position of the cursor in bytes.
    pub fn cursor(&self) -> usize {
        self.line.pos()
    }

    /// Returns true if the line is empty.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Returns true if the line has room for a text.
    pub fn has_room_for(&self, text: &str) -> bool {
        self.text().len() + text.len() <= self.room
    }

    /// Replaces the whole line, and moves the cursor to its end.
    pub fn set(&mut self, text: &str) {
        self.remember((self.text().to_owned(), self.cursor()));
        self.put(text, text.len());
    }

    /// Replaces the text between byte `start` and the cursor.
    pub fn replace_before_cursor(&mut self, start: usize, text: &str) {
        self.remember((self.text().to_owned(), self.cursor()));
        let cursor = self.line.pos();
        if start <= cursor && self.text().len() - (cursor - start) + text.len() <= self.room {
            self.line.replace(start..cursor, text, &mut Killed::default());
        }
    }

    /// Removes and returns the text of the line, and clears the undo steps.
    pub fn take(&mut self) -> String {
        let text = self.text().to_owned();
        self.put("", 0);
        self.undo.clear();
        text
    }

    /// Applies an edit, and makes it undoable if it changes the text.
    pub fn apply(&mut self, edit: &Edit) {
        let before = (self.text().to_owned(), self.cursor());
        self.execute(edit);
        // Undo itself is not undoable, and an edit without a visible effect takes no step.
        if *edit != Edit::Undo && before.0 != self.text() {
            self.remember(before);
        }
    }

    fn execute(&mut self, edit: &Edit) {
        let none = &mut Killed::default();
        match edit {
            Edit::Insert(text) => self.insert(text),
            Edit::Backspace => drop(self.line.backspace(1, none)),
            Edit::Delete => drop(self.line.delete(1, none)),
            Edit::Left => drop(self.line.move_backward(1)),
            Edit::Right => drop(self.line.move_forward(1)),
            Edit::Home => drop(self.line.move_home()),
            Edit::End => drop(self.line.move_end()),
            Edit::WordLeft => drop(self.line.move_to_prev_word(Word::Emacs, 1)),
            Edit::WordRight => drop(self.line.move_to_next_word(At::AfterEnd, Word::Emacs, 1)),
            Edit::KillToEnd => self.kill(&Movement::EndOfLine),
            Edit::KillToStart => self.kill(&Movement::BeginningOfLine),
            Edit::KillWord => self.kill(&Movement::BackwardWord(1, Word::Big)),
            Edit::Yank => {
                if let Some(text) = self.kills.last().cloned() {
                    self.insert(&text);
                }
            }
            Edit::Undo => {
                if let Some((text, cursor)) = self.undo.pop() {
                    self.put(&text, cursor);
                }
            }
        }
    }

    fn insert(&mut self, text: &str) {
        // The editor holds a single line: the line ends of a paste become `;`, which separates commands as well.
        let text: String = text.trim_end_matches(['\r', '\n']).replace("\r\n", "; ").replace(['\r', '\n'], "; ");
        // Tabs and whatever else stands between words (Unicode, White_Space) is a blank, so that a paste joins none.
        let blanked = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
        let clean: String = blanked.filter(|c| !c.is_control()).collect();
        if self.has_room_for(&clean) {
            let at = self.line.pos();
            self.line.insert_str(at, &clean, &mut Killed::default());
            self.line.set_pos(at + clean.len());
        }
    }

    fn kill(&mut self, movement: &Movement) {
        let mut killed = Killed::default();
        self.line.kill(movement, &mut killed);
        if !killed.0.is_empty() {
            self.kills.push(killed.0);
            let surplus = self.kills.len().saturating_sub(KILLS_MAX);
            self.kills.drain(..surplus);
        }
    }

    fn remember(&mut self, before: (String, usize)) {
        self.undo.push(before);
        let surplus = self.undo.len().saturating_sub(UNDO_MAX);
        self.undo.drain(..surplus);
    }

    fn put(&mut self, text: &str, cursor: usize) {
        let text = if text.len() <= self.room { text } else { "" };
        self.line.update(text, cursor.min(text.len()), &mut Killed::default());
    }
}

/// Returns the edit that a key makes, following Emacs and readline.
pub fn edit_for(key: &KeyEvent) -> Option<Edit> {
    let (control, alt) = (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT));
    Some(match key.code {
        KeyCode::Char('a') if control => Edit::Home,
        KeyCode::Char('e') if control => Edit::End,
        KeyCode::Char('b') if control => Edit::Left,
        KeyCode::Char('f') if control => Edit::Right,
        KeyCode::Char('d') if control => Edit::Delete,
        KeyCode::Char('h') if control => Edit::Backspace,
        KeyCode::Char('k') if control => Edit::KillToEnd,
        KeyCode::Char('u') if control => Edit::KillToStart,
        KeyCode::Char('w') if control => Edit::KillWord,
        KeyCode::Char('y') if control => Edit::Yank,
        KeyCode::Char('_' | '7' | '/') if control => Edit::Undo,
        KeyCode::Char('b') if alt => Edit::WordLeft,
        KeyCode::Char('f') if alt => Edit::WordRight,
        KeyCode::Char(c) if !control && !alt => Edit::Insert(c.to_string()),
        KeyCode::Left if control => Edit::WordLeft,
        KeyCode::Right if control => Edit::WordRight,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Home => Edit::Home,
        KeyCode::End => Edit::End,
        KeyCode::Backspace if alt => Edit::KillWord,
        KeyCode::Backspace => Edit::Backspace,
        KeyCode::Delete => Edit::Delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edited(edits: &[Edit]) -> (String, usize) {
        let mut editor = Editor::default();
        edits.iter().for_each(|edit| editor.apply(edit));
        (editor.text().to_owned(), editor.cursor())
    }

    #[test]
    fn killing_yanking_and_undoing() {
        let insert = |text: &str| Edit::Insert(text.into());
        assert_eq!(edited(&[insert("upload a.bin"), Edit::KillWord, insert("b")]), ("upload b".into(), 8));
        assert_eq!(edited(&[insert("ab"), Edit::Home, Edit::KillToEnd, Edit::Yank, Edit::Yank]), ("abab".into(), 4));
        assert_eq!(edited(&[insert("ab"), Edit::KillToStart, Edit::Undo]), ("ab".into(), 2));
        assert_eq!(edited(&[insert("a\nb\r\nc\n")]), ("a; b; c".into(), 7));
        // Each tab, blank or line separator is a blank; other control characters are dropped.
        assert_eq!(edited(&[insert("a\tb\u{a0}c\u{b}d\u{c}e\u{2028}f\u{85}g\u{3000}h\u{1b}\u{7}")]).0, "a b c d e f g h");
        assert_eq!(edited(&[insert("a\rb\r\nc\r")]).0, "a; b; c");
        assert_eq!(edited(&[insert("ls"), Edit::Left, Edit::Delete, Edit::Backspace]), (String::new(), 0));
    }

    /// The plainest editor there can be.
    fn model(edits: &[Edit]) -> String {
        let (mut text, mut at): (Vec<char>, usize) = (Vec::new(), 0);
        for edit in edits {
            match edit {
                Edit::Insert(new) => {
                    for c in new.chars() {
                        text.insert(at, c);
                        at += 1;
                    }
                }
                Edit::Backspace if at > 0 => {
                    at -= 1;
                    text.remove(at);
                }
                Edit::Delete if at < text.len() => drop(text.remove(at)),
                Edit::Left => at = at.saturating_sub(1),
                Edit::Right => at = (at + 1).min(text.len()),
                Edit::Home => at = 0,
                Edit::End => at = text.len(),
                Edit::KillToEnd => text.truncate(at),
                Edit::KillToStart => {
                    text.drain(..at);
                    at = 0;
                }
                _ => {}
            }
        }
        text.into_iter().collect()
    }

    proptest! {
        #[test]
        fn it_edits_as_the_plainest_editor_does(steps in proptest::collection::vec((0u8..9, "[a-zäß€]{1,3}"), 0..60)) {
            let edit = |(kind, text): (u8, String)| match kind {
                0 | 1 => Edit::Insert(text),
                2 => Edit::Backspace,
                3 => Edit::Delete,
                4 => Edit::Left,
                5 => Edit::Right,
                6 => Edit::Home,
                7 => Edit::KillToEnd,
                _ => Edit::KillToStart,
            };
            let edits: Vec<Edit> = steps.into_iter().map(edit).collect();
            prop_assert_eq!(edited(&edits).0, model(&edits));
        }
    }
}
