//! The transfers pane: one row per transfer, the latest first.
//!
//! ```text
//! #7 ↑ video.bin  5.0 MiB ██████▒▒▒·······  47 %  63.1 KiB/s  eta 00:42  2 rtx  running
//! ```
//! If there is not enough room, the least important columns are omitted; the number and the state of a transfer are omitted last.

use std::sync::Arc;

use p2p_engine::transfer::{Direction, TransferReport, TransferState, TransferStatus};
use p2p_shell::report::{bytes_of, transfer_rate_of, transfer_time_of};
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::rows::{Rows, window};
use super::scene::{Chosen, Scene};
use super::{Canvas, Deed, Pane, PaneView, Verb, cells};
use crate::tui::theme::{Role, Theme};
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

/// The list of transfers.
#[derive(Debug, Default)]
pub(super) struct TransfersPane {
    list: Rows,
}

impl PaneView for TransfersPane {
    fn title(&self, _scene: &Scene<'_>, _inner: Rect) -> String {
        "Transfers".into()
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let rows: Vec<_> = self.transfers(scene).collect();
        if rows.is_empty() {
            let text = "No transfers yet: `upload PATH` stores a file.";
            return canvas.row(0, vec![Span::styled(text, scene.theme.style(Role::Dim))]);
        }
        let shown = window(rows.len(), self.list.selected(), canvas.area.height);
        let longest = rows[shown.clone()].iter().map(|report| scene.label(&report.status.file).width()).max().unwrap_or(0);
        let layout = Layout::new(usize::from(canvas.area.width), longest);
        for (place, report) in rows[shown.clone()].iter().enumerate() {
            let is_selected = scene.focus == Pane::Transfers && self.list.selected() == shown.start + place;
            let spans = layout.widths.iter().map(|&(column, width)| cell(scene, report, column, width, is_selected));
            canvas.row(place, spans.flatten().collect());
        }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        self.transfers(scene).count()
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn chosen(&self, scene: &Scene<'_>) -> Chosen {
        Chosen { transfer: self.selected(scene).map(|report| report.status.id) }
    }

    fn on_transfer(&mut self) {
        self.list.select(0);
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        scene.shown_transfer().map(segments_of)
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        scene.shown_transfer().map(|report| copied(scene, report))
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        let Some(report) = self.selected(scene) else { return Vec::new() };
        let segments = Verb { key: "", label: "list its segments", deed: segments_of(report) };
        let cancel = Verb { key: "d", label: "cancel", deed: Deed::Run(format!("cancel {}", report.status.id.0)) };
        std::iter::once(segments).chain((!report.status.state.is_over()).then_some(cancel)).collect()
    }
}

impl TransfersPane {
    /// Returns the transfers that pass the filter, latest first.
    fn transfers<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = &'a Arc<TransferReport>> {
        scene.transfers().filter(|report| self.list.passes(&scene.label(&report.status.file)))
    }

    fn selected<'a>(&self, scene: &Scene<'a>) -> Option<&'a Arc<TransferReport>> {
        self.transfers(scene).nth(self.list.selected())
    }
}

/// Returns the deed that lists the segments of a transfer.
pub(super) fn segments_of(report: &Arc<TransferReport>) -> Deed {
    Deed::Open(format!("segments {}", report.status.id.0))
}

/// Returns a transfer as a text for the clipboard: the file and its SHA-256, as far as it is known.
pub(super) fn copied(scene: &Scene<'_>, report: &TransferReport) -> String {
    let digest = report.sha256.map(|digest| digest.to_string()).unwrap_or_default();
    format!("{} {digest}", scene.label(&report.status.file))
}

fn cell<'a>(scene: &Scene<'_>, report: &TransferReport, column: Column, width: usize, is_selected: bool) -> Vec<Span<'a>> {
    let (theme, status, state) = (scene.theme, &report.status, state_role(report.status.state));
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
            let role = if is_selected { Role::Selected } else { Role::Text };
            vec![
                Span::raw(" "),
                Span::styled(fitted(&scene.label(&status.file), width - 1, theme.glyphs.ellipsis), theme.style(role)),
            ]
        }
        Column::Size if !status.size_known => to_the_right(format!("{}+", bytes_of(status.bytes)), Role::Text),
        Column::Size => to_the_right(bytes_of(status.bytes), Role::Text),
        Column::Bar => progress_bar(scene.theme, status, width - 1),
        Column::Percent if !status.size_known => to_the_right("?".into(), Role::Text),
        Column::Percent => to_the_right(format!("{:.0} %", (100.0 * parts(status).1).floor()), Role::Text),
        Column::Rate => to_the_right(transfer_rate_of(status), Role::Flow),
        Column::Time => to_the_right(transfer_time_of(status, scene.snapshot.at), Role::Text),
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
fn progress_bar<'a>(theme: &Theme, status: &TransferStatus, width: usize) -> Vec<Span<'a>> {
    let (glyphs, (done, acknowledged)) = (&theme.glyphs, parts(status));
    let (done, all) = (cells(done, width), cells(acknowledged, width));
    let style = theme.style(state_role(status.state));
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
