//! The transfers pane: one row per transfer, the latest first.
//!
//! ```text
//!    # file           size progress          done         rate       time resent state
//! #7 ↑ video.bin   5.0 MiB ██████▒▒▒·······  47 %   63.1 KiB/s  eta 00:42      2 running
//! ```
//! If there is not enough room, the least important columns are omitted; the number and the state of a transfer are omitted last.

use std::sync::Arc;

use p2p_engine::transfer::{Direction, TransferReport, TransferState, TransferStatus};
use p2p_shell::report::{bytes_of, transfer_rate_of, transfer_time_of};
use ratatui::layout::{Rect, Size};
use ratatui::text::Span;

use super::columns::{Align, Cell, Column, Columns, longest};
use super::rows::Rows;
use super::scene::{Chosen, Scene};
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Deed, Pane, PaneView, Verb, below_heading, cells};
use crate::tui::preset::Preset;
use crate::tui::theme::{Role, Theme};

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
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

/// Maximum width of the bar in cells.
const BAR_MAX: u16 = 60;
/// Maximum width of the name in cells.
const NAME_MAX: u16 = 48;

/// Returns the columns, for files whose longest name has this width.
fn columns(name: u16) -> Vec<Column<Quantity>> {
    let column = |id, heading, least: u16, wish: u16, importance, align| Column { id, heading, least, wish, importance, align };
    vec![
        column(Quantity::Id, "#", 6, 6, 9, Align::Right),
        column(Quantity::Name, "file", 16, name, 7, Align::Left),
        column(Quantity::Size, "size", 10, 10, 2, Align::Right),
        column(Quantity::Bar, "progress", 8, BAR_MAX, 3, Align::Left),
        column(Quantity::Percent, "done", 5, 5, 6, Align::Right),
        column(Quantity::Rate, "rate", 12, 12, 4, Align::Right),
        column(Quantity::Time, "time", 13, 13, 5, Align::Right),
        column(Quantity::Resent, "resent", 8, 8, 1, Align::Right),
        column(Quantity::State, "state", 10, 10, 8, Align::Left),
    ]
}

/// The list of transfers.
#[derive(Debug, Default)]
pub(super) struct TransfersPane {
    list: Rows,
}

impl PaneView for TransfersPane {
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape {
        let rows = rows_up_to(scene.snapshot.transfers.len().max(1) + 3, (room.height / 4).max(5));
        Shape::of_height((58, 3), (100, rows))
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 50,
            Preset::Transfer => 60,
            Preset::Network => 10,
            Preset::Files => 50,
        }
    }

    fn title(&self, _scene: &Scene<'_>, _inner: Rect) -> String {
        "Transfers".into()
    }

    fn row_area(&self, scene: &Scene<'_>, inner: Rect) -> Rect {
        if self.has_headings(scene, inner) { below_heading(inner) } else { inner }
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let transfers: Vec<_> = self.transfers(scene).collect();
        if transfers.is_empty() {
            let text = "No transfers yet: `upload PATH` stores a file.";
            return canvas.row(0, vec![Span::styled(text, scene.theme.style(Role::Dim))]);
        }
        let Part { shown, .. } = self.part(scene, canvas.area);
        let names: Vec<String> = transfers[shown.clone()].iter().map(|report| scene.label(&report.status.file)).collect();
        let columns = Columns::fit(columns(longest(names.iter().map(String::as_str), NAME_MAX)), canvas.area.width);
        if self.has_headings(scene, canvas.area) {
            canvas.row(0, columns.headings(scene.theme));
        }
        let mut rows = canvas.part(self.row_area(scene, canvas.area));
        for (place, report) in transfers[shown.clone()].iter().enumerate() {
            let is_selected = scene.focus == Pane::Transfers && self.list.selected() == shown.start + place;
            rows.row(place, columns.row(scene.theme, |quantity, width| cell(scene, report, quantity, width, is_selected)));
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
    /// Returns true if there is room for headings, or as many transfers as rows leave room for them.
    fn has_headings(&self, scene: &Scene<'_>, inner: Rect) -> bool {
        inner.height > 2 || self.rows(scene) < usize::from(inner.height)
    }

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

fn cell(scene: &Scene<'_>, report: &TransferReport, quantity: Quantity, width: u16, is_selected: bool) -> Cell {
    let (theme, status) = (scene.theme, &report.status);
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    match quantity {
        Quantity::Id => {
            let glyph = match status.direction {
                Direction::Upload => theme.glyphs.up,
                Direction::Download => theme.glyphs.down,
                Direction::Removal => theme.glyphs.dead,
            };
            text(format!("{} {glyph}", status.id), Role::Accent)
        }
        Quantity::Name => text(scene.label(&status.file), if is_selected { Role::Selected } else { Role::Text }),
        Quantity::Size if !status.size_known => text(format!("{}+", bytes_of(status.bytes)), Role::Text),
        Quantity::Size => text(bytes_of(status.bytes), Role::Text),
        Quantity::Bar => Cell::Parts(progress_bar(theme, status, usize::from(width))),
        Quantity::Percent if !status.size_known => text("?".into(), Role::Text),
        Quantity::Percent => text(format!("{:.0} %", (100.0 * parts(status).1).floor()), Role::Text),
        Quantity::Rate => text(transfer_rate_of(status), Role::Flow),
        Quantity::Time => text(transfer_time_of(status, scene.snapshot.at), Role::Text),
        Quantity::Resent => text(status.retransmits.to_string(), Role::Dim),
        Quantity::State => {
            let done = format!("{} done", theme.glyphs.done);
            let word = if status.state == TransferState::Done { &done } else { status.state.name() };
            text(word.to_owned(), state_role(status.state))
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
fn progress_bar(theme: &Theme, status: &TransferStatus, width: usize) -> Vec<Span<'static>> {
    let (glyphs, (done, acknowledged)) = (&theme.glyphs, parts(status));
    let (done, all) = (cells(done, width), cells(acknowledged, width));
    let style = theme.style(state_role(status.state));
    vec![
        Span::styled(glyphs.full.repeat(done), style),
        Span::styled(glyphs.arrived.repeat(all - done), style),
        Span::styled(glyphs.empty.repeat(width - all), style),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::ThemeName;

    /// At every width each row says what it does, with what, and how it stands.
    #[test]
    fn columns_give_way_by_their_importance() {
        let theme = Theme::new(ThemeName::Dark, false);
        for width in 38..300 {
            let headings = Columns::fit(columns(20), width).headings(&theme);
            let has = |word: &str| headings.iter().any(|span| span.content.trim() == word);
            assert!(has("#") && has("file") && has("state"), "{width}");
            assert_eq!(has("time"), width >= 54, "{width}");
            assert_eq!(has("rate"), width >= 67, "{width}");
            assert_eq!(has("resent"), width >= 96, "{width}");
        }
    }
}
