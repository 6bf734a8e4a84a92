//! The rows of a pane: which one is selected, and which text they must contain to be shown.

use crossterm::event::{KeyCode, KeyEvent};
use p2p_base::spelling::visible_line;

use crate::tui::editor::{Edit, Editor, edit_for};

/// The selection and the filter of a pane that lists rows.
#[derive(Debug)]
pub struct Rows {
    selected: usize,
    filter: Editor,
    is_typing: bool,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows { selected: 0, filter: Editor::for_search(), is_typing: false }
    }
}

impl Rows {
    /// Returns the index of the selected row among those that pass the filter.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Selects a row.
    pub fn select(&mut self, row: usize) {
        self.selected = row;
    }

    /// Moves the selection by a number of rows within `count` rows.
    pub fn move_by(&mut self, step: isize, count: usize) {
        let last = count.saturating_sub(1);
        self.selected = self.selected.min(last).saturating_add_signed(step).min(last);
    }

    /// Returns the text that a row must contain to be shown; empty for all rows.
    pub fn filter(&self) -> &str {
        self.filter.text()
    }

    /// Returns true if a row with this text is shown. The text, of which there may be tens of thousands, is made only for a filter.
    pub fn passes<T: AsRef<str>>(&self, text: impl FnOnce() -> T) -> bool {
        self.filter.is_empty() || text().as_ref().to_lowercase().contains(&self.filter.text().to_lowercase())
    }

    /// Returns true while the filter is being typed.
    pub fn is_typing(&self) -> bool {
        self.is_typing
    }

    /// Begins or ends the typing of the filter.
    pub fn type_filter(&mut self, is_typing: bool) {
        self.is_typing = is_typing;
    }

    /// Handles a key while the filter is being typed; it applies at once. Enter keeps it, Esc clears it. Returns false if the key
    /// has no meaning here.
    pub fn handle(&mut self, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => self.clear_filter(),
            _ => match edit_for(key) {
                Some(edit) => self.edit(&edit),
                None => return false,
            },
        }
        true
    }

    /// Changes the filter; the selection goes to the first row that it leaves.
    pub fn edit(&mut self, edit: &Edit) {
        self.filter.apply(edit);
        self.selected = 0;
    }

    /// Returns true if a text can be inserted into the filter.
    pub fn has_room_for(&self, text: &str) -> bool {
        self.filter.has_room_for(text)
    }

    /// Replaces the filter.
    pub fn set_filter(&mut self, text: &str) {
        self.filter.set(text);
        self.selected = 0;
    }

    /// Shows all rows again.
    pub fn clear_filter(&mut self) {
        *self = Rows::default();
    }

    /// Returns what the heading of the pane says of the filter.
    pub fn filter_mark(&self) -> String {
        match (self.is_typing, self.filter.is_empty()) {
            (true, _) => format!(" /{}_", visible_line(self.filter.text())),
            (false, true) => String::new(),
            (false, false) => format!(" /{}", visible_line(self.filter.text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    #[test]
    fn a_filter_applies_while_it_is_typed() {
        let mut rows = Rows::default();
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        rows.move_by(5, 3);
        assert_eq!(rows.selected(), 2);
        rows.type_filter(true);
        assert!("Sy".chars().all(|c| rows.handle(&key(KeyCode::Char(c)))) && !rows.handle(&key(KeyCode::F(1))));
        assert!(rows.passes(|| "a SYN") && !rows.passes(|| "DATA") && rows.selected() == 0);
        assert_eq!(rows.filter_mark(), " /Sy_");
        assert!(rows.handle(&key(KeyCode::Enter)) && !rows.is_typing() && rows.filter_mark() == " /Sy");
        rows.type_filter(true);
        assert!(rows.handle(&key(KeyCode::Esc)) && rows.passes(|| "DATA") && !rows.is_typing());
        assert!(rows.passes(|| -> String { panic!("no text is needed without a filter") }));
    }
}
