//! Tables and quantities for the eye. Knows nothing of what they show.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
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

/// A table of these columns.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let aligned = |(column, text): (&Column, String)| Cell::new(text).set_alignment(column.alignment);
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(columns.iter().map(|column| aligned((column, column.heading.to_owned()))));
    for row in rows {
        table.add_row(columns.iter().zip(row).map(aligned));
    }
    table.to_string()
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
    fn figures_stand_to_the_right() {
        let text = table(&[words("file"), figures("size")], [vec!["a".into(), "1 B".into()]]);
        assert!(text.contains("│ a    ┆  1 B │"), "{text}");
    }
}
