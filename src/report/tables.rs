//! Tables and quantities for the eye. Knows nothing of what they show.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::units::ByteSize;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    heading: &'static str,
    alignment: CellAlignment,
}

/// A column of words.
pub const fn words(heading: &'static str) -> Column {
    Column { heading, alignment: CellAlignment::Left }
}

/// A column of quantities.
pub const fn figures(heading: &'static str) -> Column {
    Column { heading, alignment: CellAlignment::Right }
}

/// A table that is yet to be laid out.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, a text a column.
    pub rows: Vec<Vec<String>>,
    /// What to say where there are no rows.
    pub empty: &'static str,
}

impl Table {
    /// It as text; no wider than so many characters, as far as that goes: what does not fit into its column goes on below.
    pub fn text(&self, width: Option<u16>) -> String {
        if self.rows.is_empty() {
            return self.empty.to_owned();
        }
        let mut table = layout(&self.columns, self.rows.iter().cloned());
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.to_string()
    }
}

/// A table of these columns, as wide as it is.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    layout(columns, rows).to_string()
}

fn layout(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> comfy_table::Table {
    let aligned = |(column, text): (&Column, String)| Cell::new(text).set_alignment(column.alignment);
    let mut table = comfy_table::Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(columns.iter().map(|column| aligned((column, column.heading.to_owned()))));
    for row in rows {
        table.add_row(columns.iter().zip(row).map(aligned));
    }
    table
}

/// `18.4 MiB`
pub fn bytes_of(bytes: u64) -> String {
    ByteSize::from_bytes(bytes).human()
}

/// `63.1 KiB/s`
pub fn rate_of(bytes_per_second: f64) -> String {
    format!("{}/s", bytes_of(bytes_per_second as u64))
}

/// `83.784 s`
pub fn seconds_of(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

/// `2026-11-22 08:31:05Z`, from seconds since 1970.
pub fn date_of(unix: u64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let date = i64::try_from(unix).ok().and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    date.and_then(|date| date.format(format).ok()).unwrap_or_else(|| unix.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_in_universal_time() {
        assert_eq!(date_of(1_795_376_677), "2026-11-22 19:44:37Z");
        assert_eq!(date_of(u64::MAX), u64::MAX.to_string());
    }

    #[test]
    fn a_table_is_no_wider_than_its_place() {
        let columns = vec![words("file"), words("what there is to say of it")];
        let table = Table { columns, rows: vec![vec!["a.bin".into(), "one two three four five".into()]], empty: "none" };
        let width = |text: &str| text.lines().map(|line| line.chars().count()).max();
        assert_eq!((width(&table.text(None)), width(&table.text(Some(24)))), (Some(38), Some(24)));
        assert!(["one", "two", "three", "four", "five"].iter().all(|word| table.text(Some(24)).contains(word)));
        assert_eq!(table.text(Some(100)), table.text(None));
        assert_eq!(Table { rows: Vec::new(), ..table }.text(Some(24)), "none");
    }

    #[test]
    fn figures_stand_to_the_right() {
        let text = table(&[words("file"), figures("size")], [vec!["a".into(), "1 B".into()]]);
        assert!(text.contains("│ a    ┆  1 B │"), "{text}");
    }
}
