//! The transfers: a row each, the latest first.
//!
//! ```text
//! #7 ↑ video.bin  5.0 MiB ██████████········  47 %  63.1 KiB/s  eta 00:42.0  2 rtx  running
//! ```
//! Knows nothing of segments.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{bar, clock, row, selected, window};
use crate::engine::transfer::{Direction, TransferReport, TransferState, TransferStatus};
use crate::report::{bytes_of, rate_of};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;
use crate::units::SimTime;

/// Draws it.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let rows = app.transfer_rows();
    if rows.is_empty() {
        let text = "No transfers yet: `upload PATH` stores a file.";
        return row(buffer, area, 0, vec![Span::styled(text, app.theme.style(Role::Dim))]);
    }
    let shown = window(rows.len(), app.row(Pane::Transfers), area.height);
    for (place, report) in rows[shown.clone()].iter().enumerate() {
        row(buffer, area, place, spans(app, report, shown.start + place, area.width));
    }
}

fn spans<'a>(app: &App, report: &TransferReport, place: usize, width: u16) -> Vec<Span<'a>> {
    let (theme, status, now) = (&app.theme, &report.status, app.view.at);
    let glyph = match status.direction {
        Direction::Upload => theme.glyphs.up,
        Direction::Download => theme.glyphs.down,
        Direction::Removal => theme.glyphs.dead,
    };
    let name = if selected(app, Pane::Transfers, place) { Role::Selected } else { Role::Text };
    let state = match status.state {
        TransferState::Done => Role::Good,
        TransferState::Failed | TransferState::Cancelled => Role::Bad,
        TransferState::Undoing | TransferState::Committing | TransferState::Waiting => Role::Warning,
        TransferState::Running => Role::Flow,
    };
    let part = if status.bytes == 0 {
        f64::from(u8::from(status.state.is_over()))
    } else {
        status.bytes_done as f64 / status.bytes as f64
    };
    let room = usize::from(width.saturating_sub(82)).clamp(8, 60);
    let word =
        if status.state == TransferState::Done { format!("{} done", theme.glyphs.done) } else { status.state.name().to_owned() };
    vec![
        Span::styled(format!("{:>4} {glyph} ", status.id.to_string()), theme.style(Role::Accent)),
        Span::styled(format!("{:<16.16}", app.label(&status.file)), theme.style(name)),
        Span::styled(format!(" {:>9} ", bytes_of(status.bytes)), theme.style(Role::Text)),
        Span::styled(bar(&theme.glyphs, part, room), theme.style(state)),
        Span::styled(format!(" {:>3.0} %", 100.0 * part), theme.style(Role::Text)),
        Span::styled(format!(" {:>12}", rate_of(status.goodput(now))), theme.style(Role::Flow)),
        Span::styled(format!(" {}", remaining(status, now)), theme.style(Role::Text)),
        Span::styled(format!(" {} rtx", status.retransmits), theme.style(Role::Dim)),
        Span::styled(format!(" {word}"), theme.style(state)),
    ]
}

/// `eta 00:42.0` while it runs, `took 01:23.8` after.
fn remaining(status: &TransferStatus, now: SimTime) -> String {
    if status.state.is_over() {
        return format!("took {}", clock(status.elapsed(now).as_secs_f64()));
    }
    let left = status.bytes.saturating_sub(status.bytes_done) as f64 / status.goodput(now);
    if left.is_finite() { format!("eta  {}", clock(left)) } else { "eta  --:--.-".into() }
}
