//! The part of a pane's rows that is shown, and the marks that there are more.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::{Role, Theme};

/// The part of rows that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Rows that are shown, counted from the top of the screen.
    pub shown: Range<usize>,
    /// Number of all rows.
    pub total: usize,
}

impl Part {
    /// Returns the part of `total` rows that is shown in `height` cells, including the selected row.
    pub fn around(total: usize, selected: usize, height: u16) -> Part {
        Part { shown: window(total, selected, height), total }
    }

    /// Returns the part of `total` rows of which the first is the lowest one on the screen, including the selected row.
    pub fn from_below(total: usize, selected: usize, height: u16) -> Part {
        let first = selected.min(total.saturating_sub(1)).saturating_sub(usize::from(height.saturating_sub(1)));
        let last = (first + usize::from(height)).min(total);
        Part { shown: total - last..total - first, total }
    }

    /// Returns the index of the lowest row that is shown where the first row is the lowest one of all.
    pub fn lowest(&self) -> usize {
        self.total - self.shown.end
    }

    /// Returns true if rows are missing.
    pub fn is_cut(&self) -> bool {
        self.shown.len() < self.total
    }

    /// Returns what the heading of the pane says where rows are missing, as in `7 of 20`.
    pub fn label(&self) -> Option<String> {
        self.is_cut().then(|| format!("{} of {}", self.shown.len(), self.total))
    }

    /// Draws a mark on the right side of a frame where rows are missing: it is as long and as high up as what is shown among all
    /// rows. `side` is that part of the frame beside the rows.
    pub fn mark(&self, theme: &Theme, role: Role, side: Rect, buffer: &mut Buffer) {
        let height = usize::from(side.height);
        if !self.is_cut() || height == 0 {
            return;
        }
        let length = (height * self.shown.len() / self.total).max(1);
        // The ends of the way are reached with the first and the last row only.
        let way = (height - length) as f64 * self.shown.start as f64 / (self.total - self.shown.len()) as f64;
        let first = if self.shown.end == self.total { way.ceil() } else { way.floor() } as usize;
        for place in first..(first + length).min(height) {
            let cell = &mut buffer[(side.x, side.y + place as u16)];
            cell.set_symbol(theme.glyphs.scroll).set_style(theme.style(role));
        }
    }
}

/// Returns the range of rows that are shown in `height` cells, including the selected one.
pub fn window(count: usize, selected: usize, height: u16) -> Range<usize> {
    let height = usize::from(height);
    let first = selected.saturating_sub(height.saturating_sub(1)).min(count.saturating_sub(height));
    first..(first + height).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::ThemeName;

    #[test]
    fn the_selected_row_is_always_in_the_window() {
        for count in 0..20 {
            for selected in 0..count.max(1) {
                for height in 1..8 {
                    let window = window(count, selected, height);
                    assert!(window.len() == count.min(usize::from(height)), "{count} {selected} {height}");
                    assert!(count == 0 || window.contains(&selected));
                    // Counted from the bottom, as the selection is.
                    let part = Part::from_below(count, selected, height);
                    let Part { shown, total } = &part;
                    assert!(*total == count && (count == 0 || shown.contains(&(count - 1 - selected))), "{shown:?} {selected}");
                    // A selection of before, when there were more rows, leaves no row blank either.
                    assert_eq!(Part::from_below(count, selected + 20, height).shown.len(), count.min(usize::from(height)));
                    assert_eq!(part.lowest() + part.shown.end, count);
                }
            }
        }
    }

    #[test]
    fn what_is_missing_is_marked() {
        assert_eq!(Part::around(20, 0, 7).label().as_deref(), Some("7 of 20"));
        assert_eq!(Part::around(7, 3, 7).label(), None);
        let marked = |part: Part| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 6));
            part.mark(&Theme::new(ThemeName::Dark, true), Role::Dim, Rect::new(2, 1, 1, 4), &mut buffer);
            (0..6).map(|y| if buffer[(2, y)].symbol() == "@" { '#' } else { '.' }).collect::<String>()
        };
        assert_eq!(marked(Part::around(4, 0, 4)), "......");
        assert_eq!(marked(Part::around(8, 0, 4)), ".##...");
        assert_eq!(marked(Part::around(8, 7, 4)), "...##.");
        assert_eq!(marked(Part::from_below(800, 0, 4)), "....#.");
        assert_eq!(marked(Part::around(800, 0, 4)), ".#....");
    }
}
