//! The frame of a dialog and its place in the middle of the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear};
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::panes::{self, Canvas, fitted_spans};
use crate::tui::theme::{Role, Theme};
use crate::tui::wrap::fitted;

/// Returns the frame of a dialog of this width; a title that is too long ends in an ellipsis.
pub(super) fn framed<'a>(app: &App, title: &str, width: u16) -> Block<'a> {
    // Beside the title are the corners and a space on each side.
    let room = usize::from(width.saturating_sub(4));
    let title = if title.width() > room { fitted(title, room, app.theme().glyphs.ellipsis) } else { title.to_owned() };
    panes::framed(app.theme(), Role::Focus).title(format!(" {title} "))
}

/// Draws the frame of a dialog of at most this width and height in the middle of an area, with a title and the hint below, and returns the
/// canvas inside it.
pub(super) fn opened<'a>(
    theme: &Theme,
    (width, height): (u16, u16),
    (title, hint): (String, &str),
    frame: &'a mut Frame<'_>,
    area: Rect,
) -> Canvas<'a> {
    let ellipsis = theme.glyphs.ellipsis;
    let place = middle(area, width, height.min(area.height.saturating_sub(2)).max(1));
    let title = fitted_spans(vec![Span::raw(title)], place.width.saturating_sub(2), ellipsis);
    let block = panes::framed(theme, Role::Focus).title(Line::from(title)).title_bottom(hint);
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    Canvas { area: inner, buffer: frame.buffer_mut(), ellipsis }
}

/// Returns the part of the screen that dialogs may cover: all but the hint line, which names the mode and the keys that end it.
pub(super) fn above_hints(area: Rect) -> Rect {
    Rect { height: area.height.saturating_sub(1), ..area }
}

/// Returns a rectangle of this size in the middle of an area, reduced to the area if necessary.
pub(super) fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}
