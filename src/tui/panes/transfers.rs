//! The transfers pane: one row per transfer, the latest first.
//!
//! ```text
//! #7 ↑ video.bin  5.0 MiB ██████▒▒▒·······  47 %  63.1 KiB/s  eta 00:42  2 rtx  running
//! ```
//! If there is not enough room, the least important columns are omitted; the number and the state of a transfer are omitted last.

use p2p_engine::transfer::{Direction, TransferReport, TransferState, TransferStatus};
use p2p_shell::report::{bytes_of, transfer_rate_of, transfer_time_of};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::{cells, row, selected, window};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;
use crate::tui::wrap::fitted;

/// A column of the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Name,
    Size,
    Bar,
    Percent,
    Rate,
    Time,
    Resent,
    State,
}

/// Columns in the order in which they are drawn.
const COLUMNS: [Column; 9] = [
    Column::Id,
    Column::Name,
    Column::Size,
    Column::Bar,
    Column::Percent,
    Column::Rate,
    Column::Time,
    Column::Resent,
    Column::State,
];

/// Columns in the order of their importance, the most important first.
const BY_IMPORTANCE: [Column; 9] = [
    Column::Id,
    Column::State,
    Column::Name,
    Column::Percent,
    Column::Time,
    Column::Rate,
    Column::Bar,
    Column::Size,
    Column::Resent,
];

/// Maximum width of the bar in cells.
const BAR_MAX: usize = 60;
/// Maximum width of the name in cells.
const NAME_MAX: usize = 48;

impl Column {
    /// Returns the minimum width of the column in cells, including the space before it.
    const fn least(self) -> usize {
        match self {
            Column::Id => 7,
            Column::Name => 17,
            Column::Size => 11,
            Column::Bar => 9,
            Column::Percent => 6,
            Column::Rate => 13,
            Column::Time => 14,
            Column::Resent => 9,
            Column::State => 11,
        }
    }
}

/// The columns for which there is room, with the width of each.
#[derive(Debug)]
struct Layout {
    widths: Vec<(Column, usize)>,
}

impl Layout {
    /// Distributes `width` cells among the columns; `longest` is the width of the longest name.
    fn new(width: usize, longest: usize) -> Layout {
        let (mut left, mut shown) = (width, Vec::new());
        for column in BY_IMPORTANCE {
            let Some(rest) = left.checked_sub(column.least()) else { break };
            left = rest;
            shown.push(column);
        }
        let more_name = (longest.min(NAME_MAX) + 1).saturating_sub(Column::Name.least()).min(left);
        let more_bar = (left - more_name).min(BAR_MAX + 1 - Column::Bar.least());
        let width = |column: Column| match column {
            Column::Name => column.least() + more_name,
            Column::Bar => column.least() + more_bar,
            other => other.least(),
        };
        Layout {
            widths: COLUMNS.into_iter().filter(|column| shown.contains(column)).map(|column| (column, width(column))).collect(),
        }
    }
}

/// Draws the list of transfers.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let rows = app.transfer_rows();
    if rows.is_empty() {
        let text = "No transfers yet: `upload PATH` stores a file.";
        return row(buffer, area, 0, vec![Span::styled(text, app.theme.style(Role::Dim))]);
    }
    let shown = window(rows.len(), app.row(Pane::Transfers), area.height);
    let longest = rows[shown.clone()].iter().map(|report| app.label(&report.status.file).width()).max().unwrap_or(0);
    let layout = Layout::new(usize::from(area.width), longest);
    for (place, report) in rows[shown.clone()].iter().enumerate() {
        let spans = layout.widths.iter().map(|&(column, width)| cell(app, report, column, width, shown.start + place));
        row(buffer, area, place, spans.flatten().collect());
    }
}

fn cell<'a>(app: &App, report: &TransferReport, column: Column, width: usize, place: usize) -> Vec<Span<'a>> {
    let (theme, status, state) = (&app.theme, &report.status, state_role(report.status.state));
    let to_the_right = |text: String, role| vec![Span::styled(format!("{text:>width$}"), theme.style(role))];
    match column {
        Column::Id => {
            let glyph = match status.direction {
                Direction::Upload => theme.glyphs.up,
                Direction::Download => theme.glyphs.down,
                Direction::Removal => theme.glyphs.dead,
            };
            to_the_right(format!("{} {glyph}", status.id), Role::Accent)
        }
        Column::Name => {
            let role = if selected(app, Pane::Transfers, place) { Role::Selected } else { Role::Text };
            vec![
                Span::raw(" "),
                Span::styled(fitted(&app.label(&status.file), width - 1, theme.glyphs.ellipsis), theme.style(role)),
            ]
        }
        Column::Size if !status.size_known => to_the_right(format!("{}+", bytes_of(status.bytes)), Role::Text),
        Column::Size => to_the_right(bytes_of(status.bytes), Role::Text),
        Column::Bar => progress_bar(app, status, width - 1),
        Column::Percent if !status.size_known => to_the_right("?".into(), Role::Text),
        Column::Percent => to_the_right(format!("{:.0} %", (100.0 * parts(status).1).floor()), Role::Text),
        Column::Rate => to_the_right(transfer_rate_of(status), Role::Flow),
        Column::Time => to_the_right(transfer_time_of(status, app.view.at), Role::Text),
        Column::Resent => to_the_right(format!("{} rtx", status.retransmits), Role::Dim),
        Column::State => {
            let done = format!("{} done", theme.glyphs.done);
            let word = if status.state == TransferState::Done { &done } else { status.state.name() };
            vec![Span::styled(format!(" {word}"), theme.style(state))]
        }
    }
}

fn state_role(state: TransferState) -> Role {
    match state {
        TransferState::Done => Role::Good,
        TransferState::Failed | TransferState::Cancelled => Role::Bad,
        TransferState::Undoing | TransferState::Committing | TransferState::Waiting | TransferState::Idle => Role::Warning,
        TransferState::Parked => Role::Dim,
        TransferState::Running => Role::Flow,
    }
}

/// Returns the fraction of the bytes in completed segments, and the fraction of acknowledged bytes.
fn parts(status: &TransferStatus) -> (f64, f64) {
    if !status.size_known {
        return (0.0, 0.0);
    }
    if status.bytes == 0 {
        let whole = f64::from(u8::from(status.state.is_over()));
        return (whole, whole);
    }
    let share = |bytes: u64| bytes as f64 / status.bytes as f64;
    (share(status.bytes_done), share(status.bytes_acknowledged.max(status.bytes_done)))
}

/// Returns the progress bar: completed segments, followed in a lighter glyph by the acknowledged bytes of the other segments.
fn progress_bar<'a>(app: &App, status: &TransferStatus, width: usize) -> Vec<Span<'a>> {
    let (glyphs, (done, acknowledged)) = (&app.theme.glyphs, parts(status));
    let (done, all) = (cells(done, width), cells(acknowledged, width));
    let style = app.theme.style(state_role(status.state));
    vec![
        Span::raw(" "),
        Span::styled(glyphs.full.repeat(done), style),
        Span::styled(glyphs.arrived.repeat(all - done), style),
        Span::styled(glyphs.empty.repeat(width - all), style),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At every width each row says what it does, with what, and how it stands, and nothing is cut.
    #[test]
    fn columns_give_way_by_their_importance() {
        let total = |layout: &Layout| layout.widths.iter().map(|(_, width)| width).sum::<usize>();
        for width in 40..300 {
            let layout = Layout::new(width, 20);
            let has = |column| layout.widths.iter().any(|&(shown, _)| shown == column);
            assert!(total(&layout) <= width && has(Column::Id) && has(Column::Name) && has(Column::State), "{width}");
            assert_eq!(has(Column::Time), width >= 55, "{width}");
            assert_eq!(has(Column::Rate), width >= 68, "{width}");
            assert_eq!(layout.widths.len() == 9, width >= 97, "{width}");
        }
    }
}
