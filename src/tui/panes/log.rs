//! The log: events in words, newest below. Knows nothing of what they mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{clock, row, selected};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;

/// Draws it.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let fits = app.log.iter().rev().filter(|(_, _, text)| app.passes(Pane::Log, text));
    let first = app.row(Pane::Log).saturating_sub(usize::from(area.height.saturating_sub(1)));
    for (place, (at, role, text)) in fits.skip(first).take(usize::from(area.height)).enumerate() {
        let time = if selected(app, Pane::Log, first + place) { Role::Selected } else { Role::Dim };
        let spans = vec![
            Span::styled(clock(at.as_secs_f64()), app.theme.style(time)),
            Span::styled(format!(" {text}"), app.theme.style(*role)),
        ];
        row(buffer, area, usize::from(area.height) - 1 - place, spans);
    }
}
