//! The drawing of dialogs above the panes: messages, questions and lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Clear, Paragraph, Wrap};

use super::frame::{framed, middle};
use crate::tui::app::App;
use crate::tui::dialog::{Dialog, List};
use crate::tui::theme::Role;
use crate::tui::wrap::wrapped;

/// Maximum width of a dialog's text in cells; longer lines are wrapped.
const WIDEST: usize = 120;

/// Maximum number of lines for the details of the selected item of a list.
const DETAIL_MAX: usize = 3;

/// Draws all dialogs, the topmost last.
pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    for dialog in app.dialogs() {
        draw_one(app, dialog, frame, area);
    }
}

fn draw_one(app: &App, dialog: &Dialog, frame: &mut Frame<'_>, area: Rect) {
    match dialog {
        Dialog::Form(form) => super::form::draw(app, form, frame, area),
        Dialog::Message { title, text, scroll } => {
            // The last lines stay visible at every scroll position.
            let rows = usize::from(area.height.saturating_sub(2)).max(1);
            let skipped = (*scroll).min(text.lines().count().saturating_sub(rows));
            let rest = text.lines().skip(skipped).collect::<Vec<_>>().join("\n");
            boxed(app, frame, area, title, rest, " Up and Down scroll, Esc closes ");
        }
        Dialog::Confirm { title, text, .. } => boxed(app, frame, area, title, text.clone(), ""),
        Dialog::List(list) => self::list(app, list, frame, area),
    }
}

fn boxed(app: &App, frame: &mut Frame<'_>, area: Rect, title: &str, text: String, hint: &'static str) {
    let width = text.lines().map(|line| line.chars().count()).max().unwrap_or(0).clamp(30, WIDEST) as u16 + 4;
    let height = text.lines().count() as u16 + 2;
    let place = middle(area, width, height);
    let paragraph = Paragraph::new(text).style(app.theme().style(Role::Text)).wrap(Wrap { trim: false });
    frame.render_widget(Clear, place);
    frame.render_widget(paragraph.block(framed(app, title).title_bottom(hint)), place);
}

fn list(app: &App, list: &List, frame: &mut Frame<'_>, area: Rect) {
    let place = middle(area, area.width.saturating_sub(8).min(100), area.height.saturating_sub(4));
    let found = list.found();
    // The full text of the selected item is shown at the bottom, since a row may cut it off.
    let chosen = found.get(list.selected).map(|item| format!("{}: {}", item.name, item.summary)).unwrap_or_default();
    let detail = wrapped(&chosen, usize::from(place.width.saturating_sub(2)));
    let detail = &detail[..detail.len().min(DETAIL_MAX)];
    let rows = usize::from(place.height).saturating_sub(4 + detail.len()).max(1);
    let first = list.selected.saturating_sub(rows.saturating_sub(1));
    let mut lines = vec![Line::from(format!("{} {}_", app.theme().glyphs.prompt, list.search.text()))];
    for (place, item) in found.iter().enumerate().skip(first).take(rows) {
        let role = if place == list.selected { Role::Selected } else { Role::Text };
        let dim = if place == list.selected { Role::Selected } else { Role::Dim };
        lines.push(Line::from(vec![
            Span::styled(format!("{:26} ", item.name), app.theme().style(role)),
            Span::styled(item.summary.clone(), app.theme().style(dim)),
        ]));
    }
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(Text::from(lines)).block(framed(app, &list.title)), place);
    let detail: Vec<Line<'_>> = detail.iter().map(|line| Line::styled(line.as_str(), app.theme().style(Role::Text))).collect();
    let height = (detail.len() as u16).min(place.height.saturating_sub(3));
    let below =
        Rect { x: place.x + 1, y: place.bottom().saturating_sub(1 + height), width: place.width.saturating_sub(2), height };
    frame.render_widget(Paragraph::new(detail), below);
}
