//! The drawing of the tour: a strip above the hint line with the place, the heading, the sentences and the state of the step.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::tour::Tour;
use crate::tui::wrap::wrapped;

/// Takes the strip of the tour from the body of the screen, and returns the rest; the strip is empty where no tour runs.
pub(super) fn split(app: &App, body: Rect) -> (Rect, Rect) {
    let rows = app.tour().map_or(0, |tour| 1 + lines_of(tour, body.width).len());
    let [body, strip] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows as u16)]).areas(body);
    (body, strip)
}

fn lines_of(tour: &Tour, width: u16) -> Vec<String> {
    wrapped(&tour.text(), usize::from(width.saturating_sub(2)))
}

/// Draws the strip.
pub(super) fn draw(app: &App, frame: &mut Frame<'_>, strip: Rect) {
    let Some(tour) = app.tour() else { return };
    let theme = app.theme();
    let heading = format!(" Tour, {}: {} ", tour.place(), tour.title());
    let status = format!(" {} ", tour.status());
    let gap = usize::from(strip.width).saturating_sub(heading.width() + status.width());
    let role = if tour.is_ready() { Role::Accent } else { Role::Dim };
    let mut lines = vec![Line::from(vec![
        Span::styled(heading, theme.style(Role::Selected)),
        Span::raw(" ".repeat(gap)),
        Span::styled(status, theme.style(role)),
    ])];
    let text = lines_of(tour, strip.width).into_iter();
    lines.extend(text.map(|line| Line::styled(format!(" {line}"), theme.style(Role::Text))));
    frame.render_widget(Paragraph::new(lines), strip);
}
