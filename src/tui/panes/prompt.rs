//! The prompt pane: the output, the line with its hint, the usage of the command being typed, and the menu of completions above
//! the line.

use std::collections::VecDeque;

use p2p_base::spelling::visible_line;
use p2p_shell::complete::doc_lines;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Widget};
use unicode_width::UnicodeWidthStr;

use super::inquiry::Inquiry;
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::Part;
use super::shape::{FRAMED_ROW, Shape, rows_up_to};
use super::{Canvas, Pane, PaneView, fitted_spans, framed};
use crate::tui::preset::Preset;
use crate::tui::prompt::{Menu, Prompt};
use crate::tui::theme::{Role, Theme};
use crate::tui::wrap::{fitted, rows_of, wrapped_text};

/// Height below which a screen is small.
const SMALL: u16 = 28;
/// Height of a prompt that has room for two rows of output above the typed line.
const ANSWERED: u16 = 5;
/// The same with one row of output, once the answer has given its rows back on a screen that is not wide.
const RESTING: u16 = 4;
/// Width from which on panes stand beside the prompt: one row of an answer would be cut beside columns that are empty there.
const WIDE: u16 = 160;
/// Maximum number of rows of the menu.
const MENU_ROWS: usize = 8;
/// Words behind a line of which the last word is none that could be completed.
const NO_COMPLETION: &str = "nothing completes this";

/// The prompt with the output of its commands.
#[derive(Debug, Default)]
pub(super) struct PromptPane {
    /// Line that is typed, and output.
    pub(super) prompt: Prompt,
    /// The prompt has no rows to select and no filter; it scrolls its output.
    list: Rows,
    /// Size of the output in the latest frame: its lines are wrapped by the width, and scrolled until the first one is at the top.
    size: Size,
}

impl PaneView for PromptPane {
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape {
        // Where nothing is said, as after `clear`, the typed line needs no rows above it.
        let least = if self.prompt.output.is_empty() { FRAMED_ROW } else { ANSWERED };
        let usual = if self.prompt.output.is_empty() { FRAMED_ROW } else { (room.height / 7).clamp(ANSWERED, 9) };
        let is_resting = self.prompt.rest.is_resting();
        // A frozen view stands still as a whole, its places too.
        if !is_resting && scene.focus != Pane::Prompt && (!self.prompt.is_asked_aside || scene.is_frozen) {
            return Shape::of_height((56, least), (80, usual));
        }
        let answer = self.prompt.answer().iter().map(|(_, text)| rows_of(text, room.width.saturating_sub(2).into()));
        let answer: usize = answer.sum();
        let rows = |most: u16| rows_up_to(answer + 3, most).max(least);
        if is_resting {
            // Whatever comes yet is to be seen in one row at least.
            let least = if room.width < WIDE { least.min(RESTING) } else { least };
            let wish = if room.height < SMALL { least } else { usual };
            return Shape::of_height((56, least), (80, wish)).up_to(rows(room.height / 2));
        }
        // While the prompt has the keys, or was asked by a key of another pane, it has room for the latest answer, up to half the screen.
        // On a small screen others give way to that; on a large one they do not have to.
        let least = if room.height < SMALL { rows(room.height / 2) } else { rows(room.height / 4) };
        // The lists come first in any case: if the one that lacks least did, a row more or less of a list would move all frames to and fro
        // while short transfers follow one another.
        Shape::of_height((56, least), (80, rows(room.height / 2).max(usual))).giving_way()
    }

    fn priority(&self, _preset: Preset) -> u16 {
        5
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        (self.prompt.scroll > 0).then_some("lines")
    }

    /// Returns the user, the steps that take long, and those that wait.
    fn title(&self, scene: &Scene<'_>, inner: Rect) -> String {
        let name = scene.identity.name().map_or("Prompt".into(), |name| format!("{name}@p2p"));
        let Some(under_way) = &scene.under_way else { return name };
        // The title has a space before and after it.
        let width = usize::from(inner.width.saturating_sub(2));
        fitted(&format!("{name}: {}", visible_line(under_way)), width, scene.theme.glyphs.ellipsis).trim_end().to_owned()
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let Some(line) = line_of(canvas.area) else { return };
        self.output(scene, &mut canvas.part(Rect { height: canvas.area.height - 1, ..canvas.area }));
        let Input { mark, shown, .. } = self.input(scene.theme, line);
        let theme = scene.theme;
        let used = mark.width() + shown.width();
        let mut spans = vec![Span::styled(mark, theme.style(Role::Accent)), Span::styled(shown, theme.style(Role::Text))];
        if self.prompt.is_incompletable {
            spans.push(Span::styled(format!("  {NO_COMPLETION}"), theme.style(Role::Warning)));
        } else if let Some(hint) = self.prompt.hint().filter(|_| self.prompt.search.is_none()) {
            spans.push(Span::styled(visible_line(hint).into_owned(), theme.style(Role::Dim)));
        } else if let Some(wordings) = doc_lines(scene.table, self.text()) {
            // The longest one that is not cut.
            let room = usize::from(line.width).saturating_sub(used + 2);
            let [.., shortest] = &wordings;
            let doc = wordings.iter().find(|doc| doc.width() <= room).unwrap_or(shortest);
            let gap = usize::from(line.width).saturating_sub(used + doc.width()).max(2);
            spans.push(Span::styled(format!("{}{doc}", " ".repeat(gap)), theme.style(Role::Dim)));
        }
        Line::from(fitted_spans(spans, line.width, canvas.ellipsis)).render(line, canvas.buffer);
    }

    fn draw_above(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        if let (Some(menu), Some(line)) = (&self.prompt.menu, line_of(canvas.area)) {
            draw_menu(scene.theme, menu, line, canvas.buffer);
        }
    }

    fn cursor(&self, scene: &Scene<'_>, inner: Rect) -> Option<Position> {
        let line = line_of(inner)?;
        let x = line.x + self.input(scene.theme, line).cursor as u16;
        Some(Position::new(x.min(line.right().saturating_sub(1)), line.y))
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn scroll(&mut self, _scene: &Scene<'_>, lines: isize) {
        let most = self.most_scroll(self.size);
        self.prompt.scroll = self.prompt.scroll.min(most).saturating_add_signed(-lines).min(most);
    }

    fn inquire(&mut self, scene: &Scene<'_>, inner: Rect) -> Vec<Inquiry> {
        self.size = self.row_area(scene, inner).as_size();
        Vec::new()
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        Rect { height: inner.height.saturating_sub(1), ..inner }
    }

    /// Returns which rows of the output are shown, as its lines are wrapped.
    fn part(&self, scene: &Scene<'_>, inner: Rect) -> Part {
        let area = self.row_area(scene, inner);
        let total = self.output_rows(area.width.into());
        let end = total - self.scroll_in(area.as_size());
        Part { shown: end.saturating_sub(area.height.into())..end, total }
    }

    fn row_at(&self, _scene: &Scene<'_>, _inner: Rect, _at: Position) -> Option<usize> {
        None
    }

    fn copy(&self, _scene: &Scene<'_>) -> Option<String> {
        self.prompt.output.last().map(|(_, text)| text.clone())
    }
}

/// Returns the line that is typed in, if there is room for it.
fn line_of(inner: Rect) -> Option<Rect> {
    (inner.height > 0 && inner.width >= 4).then(|| Rect { y: inner.bottom() - 1, height: 1, ..inner })
}

/// The line that is typed, as far as it is shown.
struct Input {
    mark: String,
    shown: String,
    /// Cells before the cursor.
    cursor: usize,
}

impl PromptPane {
    fn text(&self) -> &str {
        let found = || self.prompt.found().unwrap_or_default();
        self.prompt.search.as_ref().map_or(self.prompt.editor.text(), |_| found())
    }

    fn input(&self, theme: &Theme, area: Rect) -> Input {
        let mark = match &self.prompt.search {
            Some(search) => format!("search `{}`: ", visible_line(&search.text)),
            None => format!("{} ", theme.glyphs.prompt),
        };
        let text = visible_line(self.text());
        let before = visible_line(self.text().get(..self.prompt.editor.cursor()).unwrap_or(self.text()));
        let room = usize::from(area.width).saturating_sub(mark.width() + 1);
        // A long line is scrolled so that the cursor stays visible.
        let skip = before.width().saturating_sub(room);
        let cursor = mark.width() + before.width() - skip;
        Input { mark, shown: text.chars().skip(skip).collect(), cursor }
    }

    /// Returns the number of rows of the output in a width.
    fn output_rows(&self, width: usize) -> usize {
        self.prompt.output.iter().map(|(_, text)| rows_of(text, width)).sum()
    }

    /// Returns the number of rows by which the output can be scrolled at the most: its first row is at the top then, and no row is blank.
    fn most_scroll(&self, size: Size) -> usize {
        self.output_rows(size.width.into()).saturating_sub(size.height.into())
    }

    /// Returns the number of rows by which the output is scrolled in an area of a size, which may be larger than the one in which it was.
    fn scroll_in(&self, size: Size) -> usize {
        // Counting the rows takes long where there are many, and nothing is scrolled most of the time.
        if self.prompt.scroll == 0 { 0 } else { self.prompt.scroll.min(self.most_scroll(size)) }
    }

    /// Draws the rows of the output that are shown. Of a line for whose end alone there is room, the beginning is shown while another pane has
    /// the keys: what an answer says stands there, and nobody scrolls.
    fn output(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let (width, height) = (usize::from(canvas.area.width), usize::from(canvas.area.height));
        let scroll = self.scroll_in(canvas.area.as_size());
        let (mut rows, mut pieces) = (VecDeque::new(), 0);
        for (role, text) in self.prompt.output.iter().rev().take_while(|_| height > 0) {
            let line = wrapped_text(text, width);
            pieces = line.len();
            line.into_iter().rev().for_each(|piece| rows.push_front((*role, piece)));
            if rows.len() >= height + scroll {
                break;
            }
        }
        rows.truncate(rows.len().saturating_sub(scroll));
        let surplus = rows.len().saturating_sub(height);
        if surplus > 0 && scroll == 0 && scene.focus != Pane::Prompt {
            let shown = pieces - surplus;
            let rest: Vec<String> = rows.drain(shown..pieces).map(|(_, piece)| piece).collect();
            if let Some((_, last)) = rows.get_mut(shown - 1) {
                *last = fitted(&format!("{last} {}", rest.join(" ")), width, canvas.ellipsis);
            }
        } else {
            rows.drain(..surplus);
        }
        for (place, (role, text)) in rows.into_iter().enumerate() {
            canvas.row(place, vec![Span::styled(text, scene.theme.style(role))]);
        }
    }
}

/// Draws the menu of completions upward from the line.
fn draw_menu(theme: &Theme, menu: &Menu, line: Rect, buffer: &mut Buffer) {
    let candidates = &menu.completion.candidates;
    let rows = candidates.len().min(MENU_ROWS).min(usize::from(line.y.saturating_sub(2)));
    let first = menu.selected.saturating_sub(rows.saturating_sub(1));
    let shown = &candidates[first..(first + rows).min(candidates.len())];
    let labels = shown.iter().map(|candidate| candidate.label.width()).max().unwrap_or(0);
    let summaries = shown.iter().map(|candidate| candidate.summary.width()).max().unwrap_or(0);
    let part = Part { shown: first..first + shown.len(), total: candidates.len() };
    let count = part.label().map_or_else(String::new, |label| format!(" {label} shown "));
    // The frame has two columns, and one is between a label and its summary.
    let width = ((labels + summaries + 1).max(count.width()) as u16).saturating_add(2).min(line.width);
    let height = shown.len() as u16 + 2;
    let place = Rect { x: line.x, y: line.y.saturating_sub(height), width, height }.intersection(buffer.area);
    let entry = |(place, candidate): (usize, &p2p_shell::complete::Candidate)| {
        let chosen = first + place == menu.selected;
        let role = |other| if chosen { Role::Selected } else { other };
        let gap = " ".repeat(labels + 1 - candidate.label.width());
        let spans = vec![
            Span::styled(format!("{}{gap}", candidate.label), theme.style(role(Role::Text))),
            Span::styled(candidate.summary.clone(), theme.style(role(Role::Dim))),
        ];
        Line::from(fitted_spans(spans, width.saturating_sub(2), theme.glyphs.ellipsis))
    };
    let lines: Vec<Line<'_>> = shown.iter().enumerate().map(entry).collect();
    Clear.render(place, buffer);
    let block = framed(theme, Role::Focus).title_bottom(count);
    Paragraph::new(lines).block(block).render(place, buffer);
    let side = Rect { x: place.right().saturating_sub(1), y: place.y + 1, width: 1, height: height - 2 };
    part.mark(theme, Role::Focus, side.intersection(place), buffer);
}
