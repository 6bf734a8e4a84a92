//! The drawing of dialogs above the panes: messages, questions and lists.

use p2p_base::spelling::{visible_line, visible_lines};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Clear, Paragraph, Wrap};
use unicode_width::UnicodeWidthStr;

use super::frame::{above_hints, framed, middle};
use crate::tui::app::App;
use crate::tui::dialog::{Dialog, Item, List};
use crate::tui::panes::scroll::Part;
use crate::tui::theme::Role;
use crate::tui::viewer::{KEYS, Viewer};
use crate::tui::wrap::{fitted, wrapped};

/// Maximum width of a dialog's text in cells; longer lines are wrapped.
const WIDEST: usize = 120;

/// Width in cells of the names in a list; longer ones take what they need.
const NAME_WIDTH: usize = 26;
/// Maximum number of lines for the details of the selected item of a list.
const DETAIL_MAX: usize = 3;

/// Draws all dialogs, the topmost last.
pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    for dialog in app.dialogs() {
        draw_one(app, dialog, frame, area);
    }
}

fn draw_one(app: &App, dialog: &Dialog, frame: &mut Frame<'_>, area: Rect) {
    let above = above_hints(area);
    match dialog {
        Dialog::Form(form) => super::form::draw(app, form, frame, above),
        Dialog::Viewer(viewer) => self::viewer(app, viewer, frame, area),
        Dialog::Confirm { title, text, .. } => boxed(app, frame, above, title, visible_lines(text).into_owned(), CONFIRM_KEYS),
        Dialog::List(list) => self::list(app, list, frame, area),
        Dialog::Connection(connection) => super::connection::draw(&app.scene(), connection, frame, area),
        Dialog::Path(path) => super::path::draw(&app.scene(), path, frame, area),
        Dialog::Welcome(welcome) => super::welcome::draw(app, welcome, frame, area),
    }
}

/// Keys of a question.
const CONFIRM_KEYS: &str = " y: yes, n or Enter: no ";

/// Returns the place of a viewer: as large as its text, and no larger than the screen without the hint line, which names the mode.
fn place_of(viewer: &Viewer, area: Rect) -> Rect {
    let (width, height) = viewer.size();
    // The frame has two rows and two columns, and a column is free on each side of the text.
    let size = |cells: usize, more: u16| u16::try_from(cells).unwrap_or(u16::MAX).saturating_add(more);
    middle(above_hints(area), size(width, 4).max(60), size(height, 2))
}

/// Tells the viewers how many rows of text they have, and the welcome where its offers are.
pub(super) fn fit(dialogs: &mut [Dialog], area: Rect) {
    for dialog in dialogs {
        match dialog {
            Dialog::Viewer(viewer) => {
                // The frame takes two columns.
                viewer.wrap(usize::from(area.width.saturating_sub(2)));
                let rows = place_of(viewer, area).height.saturating_sub(2);
                viewer.fit(usize::from(rows));
            }
            Dialog::Welcome(welcome) => welcome.set_areas(super::welcome::areas(area)),
            _ => {}
        }
    }
}

fn viewer(app: &App, viewer: &Viewer, frame: &mut Frame<'_>, area: Rect) {
    let (place, theme) = (place_of(viewer, area), app.theme());
    // A column is free on each side of a text that does not need it.
    let room = usize::from(place.width.saturating_sub(2));
    let margin = if viewer.size().0 + 2 > room { "" } else { " " };
    let width = room.saturating_sub(2 * margin.len());
    let lines: Vec<Line<'_>> = viewer
        .shown()
        .map(|(line, is_found)| {
            let role = if is_found { Role::Selected } else { Role::Text };
            Line::styled(format!("{margin}{}", fitted(line, width, theme.glyphs.ellipsis)), theme.style(role))
        })
        .collect();
    let bottom = format!(" {} - {KEYS} ", viewer.status(theme.glyphs.ellipsis));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(framed(app, viewer.title(), place.width).title_bottom(bottom)), place);
}

fn boxed(app: &App, frame: &mut Frame<'_>, area: Rect, title: &str, text: String, hint: &'static str) {
    let width = text.lines().map(|line| line.chars().count()).max().unwrap_or(0).clamp(30, WIDEST) as u16 + 4;
    let height = text.lines().count() as u16 + 2;
    let place = middle(area, width, height);
    let paragraph = Paragraph::new(text).style(app.theme().style(Role::Text)).wrap(Wrap { trim: false });
    frame.render_widget(Clear, place);
    frame.render_widget(paragraph.block(framed(app, title, place.width).title_bottom(hint)), place);
}

fn list(app: &App, list: &List, frame: &mut Frame<'_>, area: Rect) {
    // The frame, the line that is typed, a row for each item, a row for each line of the details, and a blank one before them; the height
    // stays while the search narrows the list.
    let wish = u16::try_from(list.items.len().max(1) + DETAIL_MAX + 4).unwrap_or(u16::MAX);
    let place = middle(area, area.width.saturating_sub(8).min(100), area.height.saturating_sub(4).min(wish));
    let found = list.found();
    if list.items.is_empty() {
        return empty_list(app, list, frame, place);
    }
    // The full text of the selected item is shown at the bottom where its row cuts it off.
    let is_cut = |item: &&&Item| row_width(item) > usize::from(place.width.saturating_sub(2)) || item.summary.contains('\n');
    let chosen =
        found.get(list.selected).filter(is_cut).map(|item| format!("{}: {}", item.name, item.summary)).unwrap_or_default();
    let detail = wrapped(&visible_lines(&chosen), usize::from(place.width.saturating_sub(2)));
    let detail = &detail[..detail.len().min(DETAIL_MAX)];
    let rows = usize::from(place.height).saturating_sub(4 + detail.len()).max(1);
    let first = list.selected.saturating_sub(rows.saturating_sub(1));
    let mut lines = vec![Line::from(format!("{} {}_", app.theme().glyphs.prompt, visible_line(list.search.text())))];
    if found.is_empty() {
        let text =
            format!("nothing found for `{}`; Backspace takes it back, F9 shows the legend", visible_line(list.search.text()));
        lines.push(Line::styled(text, app.theme().style(Role::Warning)));
    }
    let part = Part { shown: first..(first + rows).min(found.len()), total: found.len() };
    let width = place.width.saturating_sub(2);
    lines.extend(part.shown.clone().map(|at| row_of(app, found[at], at == list.selected, width)));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(Text::from(lines)).block(framed(app, &list.title, place.width)), place);
    // The rows stand below the line that is typed.
    let side = Rect { x: place.right().saturating_sub(1), y: place.y + 2, width: 1, height: rows as u16 };
    part.mark(app.theme(), Role::Focus, side.intersection(place), frame.buffer_mut());
    let detail: Vec<Line<'_>> = detail.iter().map(|line| Line::styled(line.as_str(), app.theme().style(Role::Text))).collect();
    let height = (detail.len() as u16).min(place.height.saturating_sub(3));
    let below =
        Rect { x: place.x + 1, y: place.bottom().saturating_sub(1 + height), width: place.width.saturating_sub(2), height };
    frame.render_widget(Paragraph::new(detail), below);
}

/// Draws a list that has nothing left to choose from.
fn empty_list(app: &App, list: &List, frame: &mut Frame<'_>, place: Rect) {
    let text = Line::styled("Nothing is left to choose from; Esc closes.", app.theme().style(Role::Dim));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(text).block(framed(app, &list.title, place.width)), place);
}

/// Returns the number of cells that the whole row of an item takes.
fn row_width(item: &Item) -> usize {
    let name = visible_line(&item.name).width();
    name.max(NAME_WIDTH) + if name > NAME_WIDTH { 2 } else { 1 } + visible_line(&item.summary).width()
}

/// Returns the row of an item, in which an ellipsis stands for what there is no room for.
fn row_of<'a>(app: &App, item: &Item, is_selected: bool, width: u16) -> Line<'a> {
    let (theme, name) = (app.theme(), visible_line(&item.name));
    // A name that is longer than the column is told from its summary by a wider gap.
    let gap = if name.width() > NAME_WIDTH { "  " } else { " " };
    let name = format!("{}{gap}", fitted(&name, name.width().max(NAME_WIDTH), theme.glyphs.ellipsis));
    let room = usize::from(width).saturating_sub(name.width());
    let summary = fitted(&visible_line(&item.summary), room, theme.glyphs.ellipsis);
    let role = |other| theme.style(if is_selected { Role::Selected } else { other });
    Line::from(vec![Span::styled(name, role(Role::Text)), Span::styled(summary.trim_end().to_owned(), role(Role::Dim))])
}
