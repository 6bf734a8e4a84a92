//! The log pane: events of the engine and mails in words, the newest at the bottom.

use p2p_base::units::SimTime;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{clock, first_below, row, selected};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;

/// Returns the entries that pass the filter, newest first.
pub(crate) fn rows(app: &App) -> impl Iterator<Item = &(SimTime, Role, String)> {
    app.log.iter().rev().filter(|(_, _, text)| app.passes(Pane::Log, text))
}

/// Draws the entries of the log.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let first = first_below(app, Pane::Log, area);
    for (place, (at, role, text)) in rows(app).skip(first).take(usize::from(area.height)).enumerate() {
        let time = if selected(app, Pane::Log, first + place) { Role::Selected } else { Role::Dim };
        let spans = vec![
            Span::styled(clock(at.as_secs_f64()), app.theme.style(time)),
            Span::styled(format!(" {text}"), app.theme.style(*role)),
        ];
        row(buffer, area, usize::from(area.height) - 1 - place, spans);
    }
}
