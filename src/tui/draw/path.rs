//! The drawing of a path: what the probes of one host by another have shown, and each of them over time.

use p2p_engine::snapshot::Peer;
use ratatui::Frame;
use ratatui::layout::Rect;

use super::frame::opened;
use crate::tui::panes::health::chart;
use crate::tui::panes::scene::Scene;
use crate::tui::path::PathDialog;

/// Maximum width and height of the dialog in cells.
const LARGEST: (u16, u16) = (110, 26);

/// Draws the dialog.
pub(super) fn draw(scene: &Scene<'_>, dialog: &PathDialog, frame: &mut Frame<'_>, area: Rect) {
    let (from, to) = dialog.ends();
    let title = title_of(scene.theme.glyphs.to, from, to);
    let hint = " Left, Right: the other host asks  Esc closes ";
    chart::draw(scene, (from, to), &mut opened(scene.theme, LARGEST, (title, hint), frame, area));
}

/// Returns the heading: which host asks, and which one is asked.
fn title_of(arrow: &str, from: Peer, to: Peer) -> String {
    format!(" Path {from} {arrow} {to}: probes and their round trips ")
}
