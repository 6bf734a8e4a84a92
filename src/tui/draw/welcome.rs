//! The drawing of what is offered at the first start.
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

use super::frame::{above_hints, framed, middle};
use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::welcome::{Offer, Welcome};

/// Width of the dialog in cells; the smallest screen has room for it.
const WIDTH: u16 = 60;
/// Number of rows of an offer.
const OFFER: u16 = 2;

fn place_of(area: Rect) -> Rect {
    let rows = Welcome::TEXT.len() as u16 + 1 + OFFER * Offer::ALL.len() as u16;
    middle(above_hints(area), WIDTH, rows + 2)
}

/// Returns the area of each offer on a screen.
pub(super) fn areas(area: Rect) -> Vec<Rect> {
    let place = place_of(area);
    let first = place.y + 2 + Welcome::TEXT.len() as u16;
    let offer =
        |number: u16| Rect { x: place.x + 1, y: first + OFFER * number, width: place.width.saturating_sub(2), height: OFFER };
    (0..Offer::ALL.len() as u16).map(|number| offer(number).intersection(place)).collect()
}

/// Draws the dialog.
pub(super) fn draw(app: &App, welcome: &Welcome, frame: &mut Frame<'_>, area: Rect) {
    let (place, theme) = (place_of(area), app.theme());
    let mut lines: Vec<Line<'_>> =
        Welcome::TEXT.iter().map(|line| Line::styled(format!(" {line}"), theme.style(Role::Text))).collect();
    lines.push(Line::default());
    for (number, offer) in Offer::ALL.into_iter().enumerate() {
        let is_selected = number == welcome.selected();
        let mark = if is_selected { theme.glyphs.prompt } else { " " };
        let role = if is_selected { Role::Selected } else { Role::Accent };
        let name = format!(" {mark} {} {} ", number + 1, offer.name());
        lines.push(Line::styled(name, theme.style(role)));
        lines.push(Line::styled(format!("   {}", offer.summary()), theme.style(Role::Text)));
    }
    let other = Offer::ALL.last().map(|offer| offer.name().to_lowercase()).unwrap_or_default();
    let bottom = format!(" Up, Down and Enter, a digit or a click; Esc: {other} ");
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(framed(app, Welcome::TITLE, place.width).title_bottom(bottom)), place);
}
