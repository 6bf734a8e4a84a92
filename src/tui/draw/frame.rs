//! The frame of a dialog and its place in the middle of the screen.

use ratatui::layout::Rect;
use ratatui::widgets::Block;

use crate::tui::app::App;
use crate::tui::panes;
use crate::tui::theme::Role;

/// Returns the frame of a dialog.
pub(super) fn framed<'a>(app: &App, title: &str) -> Block<'a> {
    panes::framed(app.theme(), Role::Focus).title(format!(" {title} "))
}

/// Returns a rectangle of this size in the middle of an area, reduced to the area if necessary.
pub(super) fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}
