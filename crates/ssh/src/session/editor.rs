//! The line that is typed at a terminal: rustyline's line buffer, its history, and how it is drawn on one row.

use rustyline::line_buffer::{ChangeListener, DeleteListener, Direction, LineBuffer};
use rustyline::{At, Movement, Word};
use secrecy::zeroize::{Zeroize, Zeroizing};
use unicode_width::UnicodeWidthChar;

use super::input::Key;

/// Capacity of the line in bytes; the buffer does not grow beyond it.
const LINE_MAX: usize = 16 << 10;
/// Lines of the history at the most.
const HISTORY_MAX: usize = 500;

/// Outcome of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// Line that goes on.
    More,
    /// Line that is finished.
    Line(String),
    /// End of the input, by Ctrl-D on an empty line.
    End,
    /// Wish for completion.
    Completion,
    /// Wish for a clear screen.
    Clear,
}

/// Line with a cursor and a history. What was typed may be a secret, and is erased from memory with the editor.
pub(super) struct Editor {
    line: LineBuffer,
    killed: Zeroizing<String>,
    history: Vec<String>,
    /// Line of the history that is shown; its length for the line that is typed.
    place: usize,
    /// Line that is typed, while one of the history is shown.
    typed: Zeroizing<String>,
}

/// Listener that keeps what is killed.
#[derive(Default)]
struct Killed(Zeroizing<String>);

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
    fn default() -> Editor {
        let line = LineBuffer::with_capacity(LINE_MAX);
        Editor { line, killed: Zeroizing::default(), history: Vec::new(), place: 0, typed: Zeroizing::default() }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // The buffer does not grow, so that this is all of it.
        std::mem::replace(&mut self.line, LineBuffer::with_capacity(0)).into_string().zeroize();
    }
}

impl Editor {
    /// Returns the lines of the history, the oldest first.
    pub(super) fn history(&self) -> &[String] {
        &self.history
    }

    /// Adds a line to the history, unless it is the latest already.
    pub(super) fn remember(&mut self, line: &str) {
        if self.history.last().is_none_or(|last| last != line) {
            self.history.push(line.to_owned());
            let surplus = self.history.len().saturating_sub(HISTORY_MAX);
            self.history.drain(..surplus);
        }
        self.place = self.history.len();
    }

    /// Returns the line and the byte at which its cursor is.
    pub(super) fn text(&self) -> (&str, usize) {
        (self.line.as_str(), self.line.pos())
    }

    /// Replaces the text from `start` up to the cursor.
    pub(super) fn replace(&mut self, start: usize, text: &str) {
        if self.line.len() + text.len() < LINE_MAX {
            self.line.replace(start..self.line.pos(), text, &mut Killed::default());
        }
    }

    /// Gives the line up.
    pub(super) fn abandon(&mut self) {
        self.take();
    }

    /// Types a key.
    pub(super) fn key(&mut self, key: Key) -> Typed {
        let line = &mut self.line;
        let mut killed = Killed::default();
        match key {
            Key::Char(c) if line.len() + c.len_utf8() <= LINE_MAX => drop(line.insert(c, 1, &mut killed)),
            Key::Char(_) => {}
            Key::Backspace | Key::Ctrl('H') => drop(line.backspace(1, &mut killed)),
            Key::Ctrl('D') if line.is_empty() => return Typed::End,
            Key::Delete | Key::Ctrl('D') => drop(line.delete(1, &mut killed).map(Zeroizing::new)),
            Key::Left | Key::Ctrl('B') => drop(line.move_backward(1)),
            Key::Right | Key::Ctrl('F') => drop(line.move_forward(1)),
            Key::Home | Key::Ctrl('A') => drop(line.move_home()),
            Key::End | Key::Ctrl('E') => drop(line.move_end()),
            Key::WordLeft => drop(line.move_to_prev_word(Word::Emacs, 1)),
            Key::WordRight => drop(line.move_to_next_word(At::AfterEnd, Word::Emacs, 1)),
            Key::Ctrl('K') => self.kill(&Movement::EndOfLine),
            Key::Ctrl('U') => self.kill(&Movement::BeginningOfLine),
            Key::Ctrl('W') => self.kill(&Movement::BackwardWord(1, Word::Big)),
            Key::Ctrl('Y') => {
                let text = self.killed.clone();
                self.replace(self.line.pos(), &text);
            }
            Key::Up | Key::Ctrl('P') => self.show(self.place.checked_sub(1)),
            Key::Down | Key::Ctrl('N') => self.show(self.place.checked_add(1)),
            Key::Ctrl('C') => self.abandon(),
            Key::Ctrl('L') => return Typed::Clear,
            Key::Tab => return Typed::Completion,
            Key::Enter => return Typed::Line(self.take()),
            Key::Ctrl(_) => {}
        }
        Typed::More
    }

    fn kill(&mut self, what: &Movement) {
        let mut killed = Killed::default();
        self.line.kill(what, &mut killed);
        if !killed.0.is_empty() {
            self.killed = killed.0;
        }
    }

    /// Takes the line, and leaves an empty one.
    fn take(&mut self) -> String {
        let text = self.line.as_str().to_owned();
        self.set("");
        self.place = self.history.len();
        text
    }

    /// Shows a line of the history, or behind the last of them the one that is typed.
    fn show(&mut self, place: Option<usize>) {
        let Some(place) = place.filter(|&place| place <= self.history.len()) else { return };
        if self.place == self.history.len() {
            self.typed = Zeroizing::new(self.line.as_str().to_owned());
        }
        let text = self.history.get(place).cloned().map_or_else(|| std::mem::take(&mut self.typed), Zeroizing::new);
        self.place = place;
        self.set(&text);
    }

    fn set(&mut self, text: &str) {
        self.line.update(text, text.len(), &mut Killed::default());
    }

    /// Returns what draws the line on the row of the cursor: behind the prompt as much of it as there is room for around the cursor. What is
    /// secret is not drawn.
    pub(super) fn drawn(&self, prompt: &str, columns: u16, is_hidden: bool) -> String {
        let room = usize::from(columns).saturating_sub(width(prompt) + 1).max(1);
        let (text, at) = if is_hidden { ("", 0) } else { self.text() };
        let (mut start, mut before) = (0, width(&text[..at]));
        for c in text[..at].chars() {
            if before < room {
                break;
            }
            start += c.len_utf8();
            before -= cell(c);
        }
        let (mut end, mut shown) = (start, 0);
        for c in text[start..].chars() {
            shown += cell(c);
            if shown > room {
                break;
            }
            end += c.len_utf8();
        }
        let back = width(&text[at..end.max(at)]);
        let back = if back > 0 { format!("\x1b[{back}D") } else { String::new() };
        format!("\r{prompt}{}\x1b[K{back}", &text[start..end])
    }
}

fn cell(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn width(text: &str) -> usize {
    text.chars().map(cell).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(editor: &mut Editor, text: &str) {
        text.chars().for_each(|c| assert_eq!(editor.key(Key::Char(c)), Typed::More));
    }

    #[test]
    fn a_line_is_edited_and_remembered() {
        let mut editor = Editor::default();
        typed(&mut editor, "lz docs");
        editor.key(Key::Ctrl('W'));
        editor.key(Key::Left);
        editor.key(Key::Backspace);
        editor.key(Key::Char('s'));
        editor.key(Key::Ctrl('E'));
        editor.key(Key::Ctrl('Y'));
        assert_eq!(editor.key(Key::Enter), Typed::Line("ls docs".into()));
        editor.remember("ls docs");
        typed(&mut editor, "df");
        editor.key(Key::Up);
        assert_eq!(editor.text(), ("ls docs", 7));
        editor.key(Key::Up);
        editor.key(Key::Down);
        assert_eq!(editor.text().0, "df");
        editor.key(Key::Ctrl('A'));
        editor.key(Key::Ctrl('K'));
        assert_eq!(editor.key(Key::Ctrl('D')), Typed::End);
        typed(&mut editor, "x");
        assert_eq!(editor.key(Key::Ctrl('C')), Typed::More);
        assert_eq!(editor.text(), ("", 0));
    }

    #[test]
    fn a_line_is_drawn_on_one_row() {
        let mut editor = Editor::default();
        typed(&mut editor, "hello");
        editor.key(Key::Left);
        assert_eq!(editor.drawn("> ", 80, false), "\r> hello\x1b[K\x1b[1D");
        assert_eq!(editor.drawn("> ", 80, true), "\r> \x1b[K");
        editor.key(Key::End);
        typed(&mut editor, &"é".repeat(100));
        let drawn = editor.drawn("> ", 20, false);
        assert!(width(drawn.trim_start_matches('\r').trim_end_matches("\x1b[K")) <= 20, "{drawn:?}");
        typed(&mut editor, "a");
        assert!(editor.drawn("> ", 20, false).ends_with("a\x1b[K"));
    }

    /// Part of the line around the cursor, where characters take two columns or none.
    #[test]
    fn a_line_is_drawn_by_the_columns_of_its_characters() {
        let mut editor = Editor::default();
        typed(&mut editor, "a語e\u{301}語bc語d");
        assert_eq!(editor.drawn("> ", 80, false), "\r> a語e\u{301}語bc語d\x1b[K");
        assert_eq!(editor.drawn("> ", 10, false), "\r> bc語d\x1b[K");
        for _ in 0..4 {
            editor.key(Key::Left);
        }
        assert_eq!(editor.drawn("> ", 10, false), "\r> a語e\u{301}語b\x1b[K\x1b[1D");
        editor.key(Key::Home);
        assert_eq!(editor.drawn("> ", 5, false), "\r> a\x1b[K\x1b[1D");
        assert_eq!(editor.drawn("> ", 0, false), "\r> a\x1b[K\x1b[1D");
    }

    #[test]
    fn a_line_does_not_grow_without_end() {
        let mut editor = Editor::default();
        for _ in 0..2 * LINE_MAX {
            editor.key(Key::Char('x'));
        }
        assert_eq!(editor.text().0.len(), LINE_MAX);
    }
}
