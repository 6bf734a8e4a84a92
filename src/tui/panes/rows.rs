//! The rows of a pane: which one is selected, which text they must contain to be shown, in which order they stand, and which of their columns
//! are hidden.

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent};
use p2p_base::spelling::visible_line;

use super::order::{Order, Sortable};
use crate::tui::editor::{Edit, Editor, edit_for};

/// The selection, the filter, the order and the hidden columns of a pane that lists rows.
#[derive(Debug)]
pub struct Rows {
    selected: usize,
    filter: Editor,
    is_typing: bool,
    order: Option<Order>,
    /// Names of the columns that the user has hidden.
    hidden: BTreeSet<String>,
    /// Key of the row that was selected, and its place, while that was not changed on purpose.
    held: Option<(usize, u64)>,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows { selected: 0, filter: Editor::for_search(), is_typing: false, order: None, hidden: BTreeSet::new(), held: None }
    }
}

impl Rows {
    /// Returns the index of the selected row among those that pass the filter.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Selects a row.
    pub fn select(&mut self, row: usize) {
        (self.selected, self.held) = (row, None);
    }

    /// Moves the selection by a number of rows within `count` rows.
    pub fn move_by(&mut self, step: isize, count: usize) {
        let last = count.saturating_sub(1);
        self.select(self.selected.min(last).saturating_add_signed(step).min(last));
    }

    /// Keeps the selection among `count` rows, of which there may have been more.
    pub fn stay_within(&mut self, count: usize) {
        self.selected = self.selected.min(count.saturating_sub(1));
    }

    /// Returns the order of the rows; `None` for the pane's own.
    pub fn order(&self) -> Option<Order> {
        self.order
    }

    /// Returns the order of the rows, and which of `ids` it is by, if it is one of `all`, of which each has its own among `ids`; `None` for
    /// the pane's own.
    pub fn sorted_by<I: Copy>(&self, all: &[Sortable], ids: &[I]) -> Option<(Order, I)> {
        let order = self.order?;
        all.iter().zip(ids).find(|(sortable, _)| sortable.name == order.by).map(|(_, &id)| (order, id))
    }

    /// Changes the order of the rows.
    pub fn set_order(&mut self, order: Option<Order>) {
        self.order = order;
    }

    /// Returns the names of the columns that are hidden.
    pub fn hidden(&self) -> &BTreeSet<String> {
        &self.hidden
    }

    /// Changes which columns are hidden.
    pub fn set_hidden(&mut self, names: BTreeSet<String>) {
        self.hidden = names;
    }

    /// Hides a column, or shows it again.
    pub fn toggle_column(&mut self, name: &str) {
        if !self.hidden.remove(name) {
            self.hidden.insert(name.to_owned());
        }
    }

    /// Keeps the selected row selected where it has come to stand elsewhere. `keys` tell the rows apart, in their order.
    pub fn hold(&mut self, keys: &[u64]) {
        if let Some((_, key)) = self.held.filter(|&(place, key)| keys.get(place) != Some(&key)) {
            self.selected = keys.iter().position(|&other| other == key).unwrap_or(self.selected);
        }
        self.held = keys.get(self.selected).map(|&key| (self.selected, key));
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
        self.select(0);
    }

    /// Returns true if a text can be inserted into the filter.
    pub fn has_room_for(&self, text: &str) -> bool {
        self.filter.has_room_for(text)
    }

    /// Replaces the filter.
    pub fn set_filter(&mut self, text: &str) {
        self.filter.set(text);
        self.select(0);
    }

    /// Shows all rows again.
    pub fn clear_filter(&mut self) {
        *self = Rows { order: self.order, hidden: std::mem::take(&mut self.hidden), ..Rows::default() };
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

    /// The selection goes with its row as long as it is not moved, and stays in its place where the row is gone.
    #[test]
    fn the_selection_goes_with_its_row() {
        let mut rows = Rows::default();
        let after = |rows: &mut Rows, keys: [u64; 3]| {
            rows.hold(&keys);
            rows.selected()
        };
        rows.select(1);
        assert_eq!([[1, 2, 3], [2, 1, 3], [3, 1, 2], [1, 3, 4]].map(|keys| after(&mut rows, keys)), [1, 0, 2, 2]);
        rows.move_by(-1, 3);
        assert_eq!([[3, 4, 1], [1, 3, 4]].map(|keys| after(&mut rows, keys)), [1, 2]);
        rows.set_filter("x");
        assert_eq!(after(&mut rows, [5, 3, 4]), 0);
    }

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
