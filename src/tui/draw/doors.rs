//! The drawing of a choice between doors.
//!
//! ```text
//! ┌ Welcome to p2p ────────────────────────────────────────────┐
//! │ A storage network: files are cut up and kept by nodes.     │
//! │ Bytes and disks are real, the wires are simulated.         │
//! │                                                            │
//! │ › 1 Take the tour                                          │
//! │     eight steps on a network of its own                    │
//! └ Up, Down and Enter, or a click; Esc: Look around ──────────┘
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use super::frame::{framed, middle};
use crate::tui::app::App;
use crate::tui::doors::{Door, Doors};
use crate::tui::theme::Role;

/// Width of the dialog in cells; the smallest screen has room for it.
const WIDTH: u16 = 60;
/// Number of rows of a door.
const DOOR: u16 = 2;

fn place_of(area: Rect) -> Rect {
    let rows = Doors::TEXT.len() as u16 + 1 + DOOR * Door::ALL.len() as u16;
    middle(Rect { height: area.height.saturating_sub(1), ..area }, WIDTH, rows + 2)
}

/// Returns the area of each door on a screen.
pub(super) fn areas(area: Rect) -> Vec<Rect> {
    let place = place_of(area);
    let first = place.y + 2 + Doors::TEXT.len() as u16;
    let door =
        |number: u16| Rect { x: place.x + 1, y: first + DOOR * number, width: place.width.saturating_sub(2), height: DOOR };
    (0..Door::ALL.len() as u16).map(|number| door(number).intersection(place)).collect()
}

/// Draws the dialog.
pub(super) fn draw(app: &App, doors: &Doors, frame: &mut Frame<'_>, area: Rect) {
    let (place, theme) = (place_of(area), app.theme());
    let mut lines: Vec<Line<'_>> =
        Doors::TEXT.iter().map(|line| Line::styled(format!(" {line}"), theme.style(Role::Text))).collect();
    lines.push(Line::default());
    for (number, door) in Door::ALL.into_iter().enumerate() {
        let is_selected = number == doors.selected();
        let mark = if is_selected { theme.glyphs.prompt } else { " " };
        let role = if is_selected { Role::Selected } else { Role::Accent };
        let name = format!(" {mark} {} {} ", number + 1, door.name());
        lines.push(Line::styled(name, theme.style(role)));
        lines.push(Line::styled(format!("   {}", door.summary()), theme.style(Role::Text)));
    }
    let other = Door::ALL.last().map(|door| door.name().to_lowercase()).unwrap_or_default();
    let bottom = format!(" Up, Down and Enter, a digit or a click; Esc: {other} ");
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(framed(app, Doors::TITLE).title_bottom(bottom)), place);
}
