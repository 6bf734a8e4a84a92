//! Columns of a pane as data: which of them there is room for, how wide each is, and rows and headings in them.
//!
//! Columns that do not fit are omitted by their importance, never cut; a text that is longer than its column ends in an ellipsis.
//! Widths are cells of the terminal, of which a wide character takes two.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::Canvas;
use super::order::Order;
use crate::tui::theme::{Glyphs, Role, Theme};
use crate::tui::wrap::fitted;

/// Width in cells of every number of bytes below one EiB, as in `1023.9 KiB`.
pub const BYTES: u16 = 10;
/// Width in cells of every rate below that in a second, as in `1023.9 KiB/s`.
pub const RATE: u16 = BYTES + 2;
/// Number of cells that each of them gives away with its decimal, as in `1023 KiB`.
pub const DECIMAL: u16 = 2;

/// The side of a column on which a shorter text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text begins at the left.
    Left,
    /// Text ends at the right, as figures do.
    Right,
}

/// A column of a pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column<I> {
    /// Quantity that the column shows.
    pub id: I,
    /// Heading without a mark, by which the column is hidden and shown.
    pub name: &'static str,
    /// Word above the column.
    pub heading: Cow<'static, str>,
    /// Minimum width in cells, without the space between columns.
    pub least: u16,
    /// Width beyond which the column shows nothing more.
    pub wish: u16,
    /// Rank among the columns: the lowest is omitted first, and the highest grows first.
    pub importance: u8,
    /// Side on which its texts stand.
    pub align: Align,
}

impl<I> Column<I> {
    /// Creates a column.
    pub const fn new(id: I, heading: &'static str, least: u16, wish: u16, importance: u8, align: Align) -> Column<I> {
        Column { id, name: heading, heading: Cow::Borrowed(heading), least, wish, importance, align }
    }

    /// Returns true if the column has this name, before which the heading may have a glyph, as in `↑ up`.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with(' '))
    }
}

/// Returns the columns of which the names are not hidden.
pub fn chosen<I>(mut columns: Vec<Column<I>>, hidden: &BTreeSet<String>) -> Vec<Column<I>> {
    columns.retain(|column| !hidden.iter().any(|name| column.is_named(name)));
    columns
}

/// Importance of a column by which rows are sorted: only names are more important.
const SORTED: u8 = 8;

/// Marks the column by which rows are sorted in its heading, if there is one, and keeps it in sight before all others but the names.
pub fn mark<I: PartialEq>(columns: &mut [Column<I>], sorted: Option<(Order, I)>, glyphs: &Glyphs) {
    let Some((order, id)) = sorted else { return };
    for column in columns.iter_mut().filter(|column| column.id == id) {
        let mark = if order.is_descending { glyphs.descending } else { glyphs.ascending };
        column.heading = format!("{} {mark}", column.heading).into();
        column.importance = column.importance.max(SORTED);
    }
}

/// The content of a column in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text, which is cut or filled up to the width of the column.
    Text(String, Style),
    /// Parts that are drawn for the width of the column, such as a bar.
    Parts(Vec<Span<'static>>),
}

/// The columns for which there is room, from left to right, with the width of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns<I> {
    shown: Vec<(Column<I>, u16)>,
}

impl<I: Copy> Columns<I> {
    /// Chooses the columns that fit into `width` cells, and distributes the width among them.
    pub fn fit(columns: Vec<Column<I>>, width: u16) -> Columns<I> {
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&place| std::cmp::Reverse(columns[place].importance));
        // What shows nothing more beyond its wish takes no more from others.
        let least = |place: usize| columns[place].least.min(columns[place].wish).max(columns[place].heading.width() as u16);
        let (mut left, mut widths) = (width, vec![None; columns.len()]);
        for &place in &order {
            let gap = u16::from(left < width);
            let Some(rest) = left.checked_sub(least(place) + gap) else { break };
            (left, widths[place]) = (rest, Some(least(place)));
        }
        for place in order {
            if let Some(width) = &mut widths[place] {
                let more = columns[place].wish.saturating_sub(*width).min(left);
                (left, *width) = (left - more, *width + more);
            }
        }
        Columns { shown: columns.into_iter().zip(widths).filter_map(|(column, width)| Some((column, width?))).collect() }
    }

    /// Returns the width of the column of a quantity, if it is shown.
    pub fn width_of(&self, id: I) -> Option<u16>
    where
        I: PartialEq,
    {
        self.shown.iter().find(|(column, _)| column.id == id).map(|(_, width)| *width)
    }

    /// Returns the width of all columns that are shown, with the gaps between them.
    pub fn used(&self) -> u16 {
        self.shown.iter().fold(0, |all: u16, (_, width)| all + width + u16::from(all > 0))
    }

    /// Returns the headings.
    pub fn headings(&self, theme: &Theme) -> Vec<Span<'static>> {
        let style = theme.style(Role::Dim);
        self.spans(theme, |column, _| Cell::Text(column.heading.clone().into_owned(), style))
    }

    /// Returns a row. `cell` is called with each quantity that is shown and the width of its column.
    pub fn row(&self, theme: &Theme, mut cell: impl FnMut(I, u16) -> Cell) -> Vec<Span<'static>> {
        self.spans(theme, |column, width| cell(column.id, width))
    }

    /// Draws rows into an area of a canvas, each at its place there, and the headings in the first row of the canvas unless the area
    /// has that as well. `cell` is called as for [`row`](Self::row).
    pub fn draw<R>(
        &self,
        theme: &Theme,
        canvas: &mut Canvas<'_>,
        area: Rect,
        rows: impl IntoIterator<Item = (usize, R)>,
        cell: impl Fn(&R, I, u16) -> Cell,
    ) {
        if area != canvas.area {
            canvas.row(0, self.headings(theme));
        }
        let mut body = canvas.part(area);
        for (place, row) in rows {
            body.row(place, self.row(theme, |id, width| cell(&row, id, width)));
        }
    }

    /// Returns the cells of a row with their columns. A text that is longer than its column runs on over the columns behind it of which the
    /// row shows nothing.
    fn spans(&self, theme: &Theme, mut cell: impl FnMut(&Column<I>, u16) -> Cell) -> Vec<Span<'static>> {
        let cells = self.shown.iter().map(|(column, width)| (cell(column, *width), column.align, usize::from(*width)));
        let (mut cells, mut spans) = (cells.peekable(), Vec::new());
        while let Some((cell, align, mut width)) = cells.next() {
            if !spans.is_empty() {
                spans.push(Span::raw(" "));
            }
            match cell {
                Cell::Text(text, style) => {
                    while let Some((.., more)) = cells.next_if(|(next, ..)| text.width() > width && next.is_blank()) {
                        width += 1 + more;
                    }
                    spans.push(Span::styled(aligned(&text, width, align, theme.glyphs.ellipsis), style));
                }
                Cell::Parts(parts) => {
                    let used: usize = parts.iter().map(Span::width).sum();
                    spans.extend(parts);
                    spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
                }
            }
        }
        spans
    }
}

impl Cell {
    /// Returns true if the cell shows nothing.
    fn is_blank(&self) -> bool {
        match self {
            Cell::Text(text, _) => text.is_empty(),
            Cell::Parts(parts) => parts.is_empty(),
        }
    }
}

/// Returns a figure, without its decimal if that is what it has no room for: `1009 KiB` for `1009.7 KiB`.
pub fn whole_within(figure: String, width: u16) -> String {
    match figure.split_once('.') {
        Some((whole, rest)) if figure.width() > usize::from(width) => {
            format!("{whole}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        _ => figure,
    }
}

/// Returns a text in exactly `width` cells.
fn aligned(text: &str, width: usize, align: Align, ellipsis: &str) -> String {
    match align {
        Align::Right if text.width() < width => format!("{}{text}", " ".repeat(width - text.width())),
        _ => fitted(text, width, ellipsis),
    }
}

/// Returns the width at which columns show all that they have, with the gaps between them.
pub fn wished<I>(columns: &[Column<I>]) -> u16 {
    let wishes = columns.iter().map(|column| column.wish.max(column.heading.width() as u16));
    wishes.fold(0, |all: u16, wish| all.saturating_add(wish).saturating_add(1)).saturating_sub(1)
}

/// Returns the width of the longest of some texts, at most `most`.
pub fn longest<'a>(texts: impl IntoIterator<Item = &'a str>, most: u16) -> u16 {
    texts.into_iter().map(UnicodeWidthStr::width).max().map_or(0, |width| u16::try_from(width).unwrap_or(most).min(most))
}

#[cfg(test)]
mod tests {
    use p2p_shell::report::{bytes_of, rate_of};
    use proptest::prelude::*;

    use super::*;
    use crate::tui::theme::ThemeName;

    fn column(id: usize, importance: u8, least: u16, wish: u16) -> Column<usize> {
        let align = if id.is_multiple_of(2) { Align::Left } else { Align::Right };
        Column::new(id, ["a", "b", "c", "d", "e"][id], least, wish, importance, align)
    }

    fn text_of(spans: &[Span<'_>]) -> String {
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn columns_are_omitted_by_importance_and_texts_end_in_an_ellipsis() {
        let theme = Theme::new(ThemeName::Dark, false);
        let columns = || vec![column(0, 5, 4, 8), column(1, 9, 3, 3), column(2, 1, 6, 6)];
        let row = |width| {
            let columns = Columns::fit(columns(), width);
            let row = columns.row(&theme, |id, _| Cell::Text(["日本語の名", "42", "figures"][id].into(), Style::new()));
            (text_of(&columns.headings(&theme)), text_of(&row))
        };
        assert_eq!(row(2), (String::new(), String::new()));
        assert_eq!(row(7), ("  b".into(), " 42".into()));
        assert_eq!(row(8), ("a      b".into(), "日…   42".into()));
        assert_eq!(row(15), ("a      b c     ".into(), "日…   42 figur…".into()));
        assert_eq!(row(40), ("a          b c     ".into(), "日本語…   42 figur…".into()));
    }

    /// Of a column whose texts are short the cells that they leave are for the columns that would be omitted.
    #[test]
    fn a_column_takes_no_more_than_it_shows() {
        let shown = |wish| {
            let columns = Columns::fit(vec![column(0, 5, 16, wish), column(1, 4, 8, 8)], 24);
            (columns.width_of(0), columns.width_of(1))
        };
        assert_eq!((shown(20), shown(6)), ((Some(20), None), (Some(6), Some(8))));
    }

    /// A text takes the room of columns of which its row has nothing, and no more than it needs.
    #[test]
    fn a_long_text_runs_on_over_what_is_blank() {
        let theme = Theme::new(ThemeName::Dark, false);
        let columns = Columns::fit(vec![column(0, 5, 4, 4), column(1, 9, 3, 3), column(2, 1, 6, 6)], 15);
        let row = |cells: [&str; 3]| text_of(&columns.row(&theme, |id, _| Cell::Text(cells[id].into(), Style::new())));
        assert_eq!(row(["after b", "", "end"]), "after b  end   ");
        assert_eq!(row(["after all of it", "", ""]), "after all of it");
        assert_eq!(row(["after all of it", "", "end"]), "after a… end   ");
        assert_eq!(row(["after", "7", "end"]), "aft…   7 end   ");
        assert_eq!(row(["a", "42", ""]), "a     42       ");
    }

    /// The longest texts of the formatters are those just below the next unit, and just above it, where they are rounded up to it.
    #[test]
    fn every_number_of_bytes_and_every_rate_fits() {
        let extremes = (0..60).map(|bits| 1u64 << bits).flat_map(|unit| [unit - 1, unit, unit / 1024 * 1010]);
        for bytes in extremes.chain([(1 << 60) - 1]) {
            assert!(bytes_of(bytes).width() <= usize::from(BYTES), "{}", bytes_of(bytes));
            assert!(rate_of(bytes as f64).width() <= usize::from(RATE), "{}", rate_of(bytes as f64));
        }
        assert_eq!([bytes_of(1_033_933).width(), rate_of(1_033_933.0).width()], [BYTES, RATE].map(usize::from));
    }

    proptest! {
        /// No row is wider than the pane, and what is omitted is less important than all that is shown.
        #[test]
        fn rows_fit(sizes in proptest::collection::vec((0u8..9, 1u16..20, 1u16..40), 1..5), width in 0u16..100, text in "[a日 ]{0,30}") {
            let all: Vec<_> =
                sizes.iter().enumerate().map(|(id, &(rank, least, wish))| column(id, rank, least, wish)).collect();
            let columns = Columns::fit(all.clone(), width);
            let theme = Theme::new(ThemeName::Dark, false);
            for spans in [columns.headings(&theme), columns.row(&theme, |_, _| Cell::Text(text.clone(), Style::new()))] {
                prop_assert!(text_of(&spans).width() <= usize::from(width));
            }
            let lowest = columns.shown.iter().map(|(column, _)| column.importance).min().unwrap_or(u8::MAX);
            let omitted = all.iter().filter(|column| columns.shown.iter().all(|(shown, _)| shown.id != column.id));
            prop_assert!(omitted.map(|column| column.importance).max().is_none_or(|highest| highest <= lowest));
        }
    }
}
