//! The drawing of a path: what the probes of one host by another have shown, and each of them over time.

use p2p_engine::snapshot::Peer;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::frame::middle;
use crate::tui::panes::health::chart;
use crate::tui::panes::scene::Scene;
use crate::tui::panes::{Canvas, fitted_spans, framed};
use crate::tui::path::PathDialog;
use crate::tui::theme::Role;

/// Maximum width and height of the dialog in cells.
const LARGEST: (u16, u16) = (110, 26);

/// Draws the dialog.
pub(super) fn draw(scene: &Scene<'_>, dialog: &PathDialog, frame: &mut Frame<'_>, area: Rect) {
    let theme = scene.theme;
    let place = middle(area, LARGEST.0.min(area.width), LARGEST.1.min(area.height.saturating_sub(2)).max(1));
    let (from, to) = dialog.ends();
    let title = vec![Span::raw(title_of(theme.glyphs.to, from, to))];
    let title = fitted_spans(title, place.width.saturating_sub(2), theme.glyphs.ellipsis);
    let block =
        framed(theme, Role::Focus).title(Line::from(title)).title_bottom(" Left, Right: the other host asks  Esc closes ");
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    chart::draw(scene, (from, to), &mut Canvas { area: inner, buffer: frame.buffer_mut(), ellipsis: theme.glyphs.ellipsis });
}

/// Returns the heading: which host asks, and which one is asked.
fn title_of(arrow: &str, from: Peer, to: Peer) -> String {
    format!(" Path {from} {arrow} {to}: probes and their round trips ")
}
