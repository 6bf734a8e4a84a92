//! Tables and quantities for the eye. Knows nothing of what they show.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use crate::units::ByteSize;

/// A table with these headings; cells that begin with a digit stand to the right.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(headings.iter().map(Cell::new));
    for row in rows {
        table.add_row(row.into_iter().map(cell));
    }
    table.to_string()
}

fn cell(text: String) -> Cell {
    let is_quantity = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains('.') || text.contains(' ');
    let alignment = if is_quantity { CellAlignment::Right } else { CellAlignment::Left };
    Cell::new(text).set_alignment(alignment)
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
