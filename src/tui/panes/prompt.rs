//! The prompt pane: the output, the line with its hint, the usage of the command being typed, and the menu of completions above
//! the line.

use std::collections::VecDeque;

use p2p_shell::complete::doc_line;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::{framed, row};
use crate::tui::app::App;
use crate::tui::prompt::Menu;
use crate::tui::theme::Role;
use crate::tui::wrap::wrapped;

/// Maximum number of rows of the menu.
const MENU_ROWS: usize = 8;

/// Draws the prompt; returns the position of the cursor.
pub(crate) fn draw(app: &App, area: Rect, frame: &mut Frame<'_>) -> Option<Position> {
    if area.height == 0 || area.width < 4 {
        return None;
    }
    let line = Rect { y: area.bottom() - 1, height: 1, ..area };
    output(app, Rect { height: area.height - 1, ..area }, frame);
    let cursor = input(app, line, frame);
    if let Some(menu) = &app.prompt.menu {
        draw_menu(app, menu, line, frame);
    }
    Some(cursor)
}

fn output(app: &App, area: Rect, frame: &mut Frame<'_>) {
    let lines = &app.prompt.output;
    let end = lines.len().saturating_sub(app.prompt.scroll);
    let (mut rows, height) = (VecDeque::new(), usize::from(area.height));
    for (role, text) in lines[..end].iter().rev() {
        let pieces = if is_drawn(text) { vec![text.clone()] } else { wrapped(text, usize::from(area.width)) };
        pieces.into_iter().rev().for_each(|piece| rows.push_front((*role, piece)));
        if rows.len() >= height {
            break;
        }
    }
    let skipped = rows.len().saturating_sub(height);
    for (place, (role, text)) in rows.into_iter().skip(skipped).enumerate() {
        row(frame.buffer_mut(), area, place, vec![Span::styled(text, app.theme.style(role))]);
    }
}

/// Returns true if a line belongs to a drawn table, which wrapping would destroy.
fn is_drawn(text: &str) -> bool {
    text.starts_with(['┌', '│', '╞', '├', '└'])
}

fn input(app: &App, area: Rect, frame: &mut Frame<'_>) -> Position {
    let (theme, editor) = (&app.theme, &app.prompt.editor);
    let mark = match &app.prompt.search {
        Some(search) => format!("search `{}`: ", search.text),
        None => format!("{} ", theme.glyphs.prompt),
    };
    let text = app.prompt.search.as_ref().map_or(editor.text(), |_| app.prompt.found().unwrap_or_default());
    let before = text.get(..editor.cursor()).unwrap_or(text);
    let room = usize::from(area.width).saturating_sub(mark.width() + 1);
    // A long line is scrolled so that the cursor stays visible.
    let skip = before.width().saturating_sub(room);
    let shown: String = text.chars().skip(skip).collect();
    let mut spans =
        vec![Span::styled(mark.clone(), theme.style(Role::Accent)), Span::styled(shown.clone(), theme.style(Role::Text))];
    if let Some(hint) = app.prompt.hint().filter(|_| app.prompt.search.is_none()) {
        spans.push(Span::styled(hint.to_owned(), theme.style(Role::Dim)));
    } else if let Some(doc) = doc_line(text) {
        let used = mark.width() + shown.width();
        let gap = usize::from(area.width).saturating_sub(used + doc.width()).max(2);
        spans.push(Span::styled(format!("{}{doc}", " ".repeat(gap)), theme.style(Role::Dim)));
    }
    frame.render_widget(Line::from(spans), area);
    let x = area.x + (mark.width() + before.width() - skip) as u16;
    Position::new(x.min(area.right().saturating_sub(1)), area.y)
}

/// Draws the menu of completions upward from the line.
fn draw_menu(app: &App, menu: &Menu, line: Rect, frame: &mut Frame<'_>) {
    let candidates = &menu.completion.candidates;
    let rows = candidates.len().min(MENU_ROWS).min(usize::from(line.y.saturating_sub(2)));
    let first = menu.selected.saturating_sub(rows.saturating_sub(1));
    let shown = &candidates[first..(first + rows).min(candidates.len())];
    let labels = shown.iter().map(|candidate| candidate.label.width()).max().unwrap_or(0);
    let summaries = shown.iter().map(|candidate| candidate.summary.width()).max().unwrap_or(0);
    // The frame has two columns, and one is between a label and its summary.
    let width = ((labels + summaries + 3) as u16).min(line.width);
    let height = shown.len() as u16 + 2;
    let place = Rect { x: line.x, y: line.y.saturating_sub(height), width, height }.intersection(frame.area());
    let entry = |(place, candidate): (usize, &p2p_shell::complete::Candidate)| {
        let chosen = first + place == menu.selected;
        let role = |other| if chosen { Role::Selected } else { other };
        Line::from(vec![
            Span::styled(format!("{:labels$} ", candidate.label), app.theme.style(role(Role::Text))),
            Span::styled(candidate.summary.clone(), app.theme.style(role(Role::Dim))),
        ])
    };
    let lines: Vec<Line<'_>> = shown.iter().enumerate().map(entry).collect();
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(framed(&app.theme, Role::Focus)), place);
}
