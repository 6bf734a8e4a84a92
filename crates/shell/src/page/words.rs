//! Texts as a page shows them, and the tables that are made of them. There is no other way for a text to come on a page than through
//! [`Words`].

use std::fmt;

use p2p_base::spelling::visible_line;

use crate::report::Table;

/// A text without characters that cannot be seen or have an effect on others: these are escaped, as in `\u{202e}`. What has a meaning in HTML
/// is escaped by the template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words(String);

impl Words {
    pub(super) fn new(text: impl AsRef<str>) -> Words {
        Words(visible_line(text.as_ref()).into_owned())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A table of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) caption: Words,
    /// Headings of the columns; without any, the rows are names with their values.
    pub(super) headings: Vec<Cell>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Text that replaces a table without rows.
    pub(super) empty: Words,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) lines: Vec<Words>,
    /// True for quantities, which stand to the right.
    pub(super) is_number: bool,
    /// True if its lines are so long that they are broken.
    pub(super) is_long: bool,
}

/// Number of characters of a cell from which on its lines are broken.
const LONG: usize = 32;

impl Cell {
    pub(super) fn new(text: &str, is_number: bool) -> Cell {
        let lines: Vec<Words> = text.lines().map(Words::new).collect();
        let is_long = lines.iter().any(|line| line.0.chars().count() >= LONG);
        Cell { lines, is_number, is_long }
    }

    /// Returns the class of the cell in the style sheet.
    pub(super) const fn class(&self) -> &'static str {
        match self {
            Cell { is_number: true, .. } => "number",
            Cell { is_long: true, .. } => "long",
            _ => "words",
        }
    }
}

impl Grid {
    /// Returns a table of the language with a caption.
    pub(super) fn of(caption: &str, table: &Table) -> Grid {
        let headings = table.columns.iter().map(|column| Cell::new(column.heading(), column.is_of_numbers())).collect();
        let row = |row: &Vec<String>| {
            table.columns.iter().zip(row).map(|(column, text)| Cell::new(text, column.is_of_numbers())).collect()
        };
        Grid {
            caption: Words::new(caption),
            headings,
            rows: table.rows.iter().map(row).collect(),
            empty: Words::new(table.empty),
        }
    }

    /// Returns rows of quantities as a table.
    pub(super) fn of_numbers<const N: usize>(caption: &str, headings: [&str; N], rows: Vec<Vec<String>>) -> Grid {
        let row = |row: Vec<String>| row.iter().map(|text| Cell::new(text, true)).collect();
        Grid {
            caption: Words::new(caption),
            headings: headings.iter().map(|heading| Cell::new(heading, true)).collect(),
            rows: rows.into_iter().map(row).collect(),
            empty: Words::new("nothing"),
        }
    }

    /// Returns names with their values as a table.
    pub(super) fn of_pairs<N: AsRef<str>>(caption: &str, pairs: impl IntoIterator<Item = (N, String)>) -> Grid {
        let row = |(name, value): (N, String)| vec![Cell::new(name.as_ref(), false), Cell::new(&value, false)];
        let rows = pairs.into_iter().map(row).collect();
        Grid { caption: Words::new(caption), headings: Vec::new(), rows, empty: Words::new("nothing") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{number_column, text_column};

    #[test]
    fn what_cannot_be_seen_is_escaped_and_lines_stay_apart() {
        let columns = vec![text_column("name"), number_column("size")];
        let table = Table { columns, rows: vec![vec!["a\u{202e}b\u{1b}[31m".into(), "1 B\n2 B".into()]], empty: "none" };
        let grid = Grid::of("files", &table);
        assert_eq!(grid.rows[0][0].lines, [Words("a\\u{202e}b\\u{1b}[31m".into())]);
        assert_eq!((grid.rows[0][1].lines.len(), grid.rows[0][1].is_number), (2, true));
    }
}
