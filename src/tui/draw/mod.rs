//! The drawing of the screen: header, panes in the places that the layout gives them, and the hint line. Dialogs above the panes are
//! drawn by `dialogs` and `form`, the contents of the panes by `panes`.
//!
//! ```text
//! 120x40                                  80x24
//! ┌ header ─────────────────────────┐     ┌ header ──────────┐
//! │ nodes              │ health     │     │ tabs             │
//! │ transfers                       │     │ nodes │ health   │
//! │ segments           │ rate       │     │ transfers        │
//! │ wire               │ log        │     │ segments         │
//! │ prompt                          │     │ prompt           │
//! └ keys ───────────────────────────┘     └ keys ────────────┘
//! ```

mod borders;
mod connection;
mod dialogs;
mod form;
mod frame;
mod path;
mod tour;
mod welcome;

use p2p_base::spelling::{hidden_character, without_hidden};
use p2p_service::access::Identity;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::action::{Action, BINDINGS, Binding, KeyHint, Scope};
use super::app::{App, Pane};
use super::dialog::Dialog;
use super::layout::{Candidate, Kept, arrange};
use super::panes::scene::Scene;
use super::panes::scroll::Part;
use super::panes::shape::FRAMED_ROW;
use super::panes::{self, Canvas, PaneView};
use super::preset::Preset;
use super::theme::Role;
use super::tour::Tour;
use super::wrap::fitted;

/// Minimum size, in columns and rows; smaller screens show only their own size and this one.
pub const SMALLEST: (u16, u16) = (60, 16);
/// Maximum height to which the chosen pane is preferred where not all panes are shown.
const TAB_ROWS: u16 = 10;
/// Height below which there is room for little more than the pane of which a tour speaks.
const LOW: u16 = 12;
/// Height below which a preset has room for little more than its two most important panes.
const LOW_PRESET: u16 = 16;
/// Height below which the preset of the transfers has room for little more than the segments.
const SMALL: u16 = 28;
/// Height of a pane that has room for one row besides a line of its own: the headings of the nodes, or what is typed in the prompt.
const ANSWERED_ROWS: u16 = 4;

/// Draws the whole screen.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) {
    app.renew_pending();
    app.renew_leaving();
    app.renew_doors();
    app.keep_selection();
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        app.take_places(Vec::new());
        return too_small(app, frame, area);
    }
    let [header, body, footer] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let (body, strip) = tour::split(app, body);
    let scene = app.scene();
    let Places { areas, tabs: tab_line, kept } = places(app, body, &scene);
    if let Some(line) = tab_line {
        tabs(app, frame, line, &areas, &scene);
    }
    panes::header::draw(&scene, header, frame.buffer_mut());
    areas.iter().for_each(|&(which, area)| pane(app, frame, which, area, &scene));
    let cursor = above(app, frame, &areas, &scene);
    tour::draw(app, frame, strip);
    keys(app, frame, footer, &scene);
    if *scene.identity == Identity::Nobody {
        dim(app, frame, body);
    }
    let before = app.dialogs().len();
    kept.into_iter().for_each(|kept| app.keep_layout(kept));
    app.take_places(areas);
    if app.dialogs().len() != before {
        // An answer that does not fit has just been opened, and has the keys.
        keys(app, frame, footer, &app.scene());
    }
    if let Some(cursor) = cursor.filter(|_| app.dialogs().is_empty()) {
        frame.set_cursor_position(cursor);
    }
    dialogs::fit(app.dialogs_mut(), area);
    dialogs::draw(app, frame, area);
    hide(frame.buffer_mut());
}

/// Removes what is invisible or turns the direction of writing from all cells, wherever the text came from. What belongs into a row
/// is spelled out before; a name that reaches a cell some other way commands no terminal. A wide character whose second cell has been
/// drawn over, as by the frame of a dialog, is removed too: it would cover what stands there.
fn hide(buffer: &mut Buffer) {
    // Nearly all cells hold ASCII or one of the glyphs for frames, arrows, blocks and curves.
    let is_plain = |symbol: &str| {
        let mut chars = symbol.chars();
        symbol.is_ascii() || matches!((chars.next(), chars.next()), (Some('\u{2190}'..='\u{2bff}'), None))
    };
    for place in 0..buffer.content.len() {
        let (cell, next) = (&buffer.content[place], buffer.content.get(place + 1));
        if is_plain(cell.symbol()) {
            continue;
        }
        let is_covered = cell.symbol().width() > 1 && next.is_none_or(|next| next.symbol() != " ");
        if is_covered || hidden_character(cell.symbol()).is_some() {
            let shown = if is_covered { String::new() } else { without_hidden(cell.symbol()) };
            buffer.content[place].set_symbol(if shown.is_empty() { " " } else { &shown });
        }
    }
}

/// Dims the panes before the login.
fn dim(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let style = app.theme().style(Role::Dim);
    for position in area.positions() {
        let cell = &mut frame.buffer_mut()[position];
        cell.set_style(Style::reset().patch(style));
    }
}

fn too_small(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = SMALLEST;
    let text = format!("{width}x{height} needed\nnow {}x{}", area.width, area.height);
    let text = Paragraph::new(text).style(app.theme().style(Role::Warning)).alignment(Alignment::Center);
    let middle = Rect { y: area.y + area.height / 2 - u16::from(area.height > 1), ..area };
    frame.render_widget(text, middle.intersection(area));
}

/// Places of the panes.
struct Places {
    /// Area of each pane that is shown.
    areas: Vec<(Pane, Rect)>,
    /// Area of the line of tabs if others are not.
    tabs: Option<Rect>,
    /// Memory of the layout for the next frame; `None` if one pane has the whole screen.
    kept: Option<Kept>,
}

/// Returns where the panes are drawn.
fn places(app: &App, body: Rect, scene: &Scene<'_>) -> Places {
    let workspace = app.workspace();
    if workspace.is_zoomed() {
        return Places { areas: vec![(workspace.focus(), body)], tabs: None, kept: None };
    }
    let mut candidates = candidates(app, body, scene);
    if workspace.preset() == Preset::Overview {
        let (mut all, kept) = arrange(&candidates, body, workspace.kept());
        // The overview has no need of names while all that it is to show is there.
        let wanted = candidates.iter().filter(|candidate| candidate.is_kept || candidate.priority > 0).count();
        if all.len() == wanted {
            borders::shift(&mut all, |pane, inner| app.panes().get(pane).filled_width(scene, inner));
            return Places { areas: all, tabs: None, kept: Some(kept) };
        }
    }
    let [tabs, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(body);
    if workspace.preset() != Preset::Overview && body.height < LOW_PRESET {
        spare_rows(&mut candidates, body.height);
    }
    enlarge(&mut candidates, workspace.tab(), workspace.preset(), body.height);
    if workspace.preset() == Preset::Transfer && body.height < SMALL {
        enlarge_segments(&mut candidates, body.height);
    }
    let (mut areas, kept) = arrange(&candidates, body, workspace.kept());
    borders::shift(&mut areas, |pane, inner| app.panes().get(pane).filled_width(scene, inner));
    Places { areas, tabs: Some(tabs), kept: Some(kept) }
}

/// Takes rows from the prompt and from the list of nodes if those two panes need them to be shown for which the preset is.
fn spare_rows(candidates: &mut [Candidate], height: u16) {
    let nodes = candidates.iter_mut().find(|candidate| candidate.pane == Pane::Nodes);
    nodes.into_iter().for_each(|Candidate { shape, .. }| shape.least.height = shape.least.height.min(ANSWERED_ROWS));
    let mut others: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.pane != Pane::Prompt).collect();
    others.sort_by_key(|candidate| std::cmp::Reverse((candidate.is_kept, candidate.priority)));
    let needed: u16 = others.iter().take(2).map(|candidate| candidate.shape.least.height).sum();
    if let Some(Candidate { shape, .. }) = candidates.iter_mut().find(|candidate| candidate.pane == Pane::Prompt) {
        let left = height.saturating_sub(needed).max(ANSWERED_ROWS);
        shape.least.height = shape.least.height.min(left);
    }
}

/// Gives the chosen pane more room than others have, as far as the prompt, the transfers and, in other presets than the
/// overview, the most important other pane leave it.
fn enlarge(candidates: &mut [Candidate], chosen: Pane, preset: Preset, height: u16) {
    let others = candidates.iter().filter(|candidate| candidate.pane != chosen && candidate.pane != Pane::Prompt);
    let first = others.max_by_key(|candidate| candidate.priority).filter(|_| preset != Preset::Overview);
    let first = first.map(|candidate| candidate.pane);
    let is_kept = |candidate: &&Candidate| {
        let is_needed = candidate.pane == Pane::Transfers || Some(candidate.pane) == first || candidate.is_kept;
        candidate.pane != chosen && is_needed
    };
    let kept: u16 = candidates.iter().filter(is_kept).map(|candidate| candidate.shape.least.height).sum();
    let room = height.saturating_sub(kept).min(TAB_ROWS);
    if let Some(Candidate { shape, .. }) = candidates.iter_mut().find(|candidate| candidate.pane == chosen) {
        shape.least.height = shape.least.height.max(shape.wish.height.min(room));
    }
}

/// Gives the segments up to half the height before panes of which the preset of the transfers is not, as far as those that are kept and the
/// transfers leave it.
fn enlarge_segments(candidates: &mut [Candidate], height: u16) {
    let is_before = |candidate: &&Candidate| candidate.is_kept || candidate.pane == Pane::Transfers;
    let before = candidates.iter().filter(|candidate| candidate.pane != Pane::Segments).filter(is_before);
    let room = height.saturating_sub(before.map(|candidate| candidate.shape.least.height).sum()).min(height / 2);
    if let Some(Candidate { shape, .. }) = candidates.iter_mut().find(|candidate| candidate.pane == Pane::Segments) {
        shape.least.height = shape.least.height.max(shape.wish.height.min(room));
    }
}

/// Returns what the panes need, and how important each is at the moment.
fn candidates(app: &App, body: Rect, scene: &Scene<'_>) -> Vec<Candidate> {
    let workspace = app.workspace();
    let marked = app.tour().and_then(Tour::pane);
    let candidate = |pane: Pane| {
        let view = app.panes().get(pane);
        let is_kept = (pane == workspace.tab() && marked != Some(Pane::Prompt)) || pane == Pane::Prompt;
        let (preset, room) = (workspace.preset(), body.as_size());
        let is_shown = view.is_wanted(scene) && view.has_room(preset, room);
        let priority = if is_shown { view.priority(preset) } else { 0 };
        let mut shape = view.shape(scene, room);
        if pane == Pane::Prompt {
            shape.least.height = height_of_prompt(shape.least.height, marked, body.height);
        }
        Candidate { pane, shape, priority, is_kept }
    };
    Pane::ALL.into_iter().map(candidate).collect()
}

/// Returns the minimum height of the prompt in a body of this height, which is `least` unless a tour speaks of the `marked` pane.
fn height_of_prompt(least: u16, marked: Option<Pane>, body: u16) -> u16 {
    match marked {
        // A tour speaks of the answers; a line is left for the tabs.
        Some(Pane::Prompt) => least.max(TAB_ROWS.min(body.saturating_sub(1))),
        // Where there is little room, its sentences take the rows in which answers would stand.
        Some(_) if body < LOW => least.min(FRAMED_ROW),
        Some(_) | None => least,
    }
}

/// Draws the names of the panes that have something to show, those that are shown brighter.
fn tabs(app: &App, frame: &mut Frame<'_>, area: Rect, places: &[(Pane, Rect)], scene: &Scene<'_>) {
    let workspace = app.workspace();
    let is_named = |&pane: &Pane| pane != Pane::Prompt && (app.panes().get(pane).is_wanted(scene) || pane == workspace.tab());
    let named: Vec<Pane> = Pane::ALL.into_iter().filter(is_named).collect();
    // Where there is little room, the names stand closer to each other.
    let is_close = named.iter().map(|pane| pane.name().len() + 3).sum::<usize>() > usize::from(area.width) + 1;
    let tab = |pane: Pane| {
        let is_shown = places.iter().any(|(shown, _)| *shown == pane);
        let role = match pane == workspace.tab() {
            true => Role::Selected,
            false if is_shown => Role::Text,
            false => Role::Dim,
        };
        let name = if is_close { pane.name().to_owned() } else { format!(" {} ", pane.name()) };
        [Span::styled(name, app.theme().style(role)), Span::raw(" ")]
    };
    let mut line: Line<'_> = named.into_iter().flat_map(tab).collect();
    let preset = format!("{} ", workspace.preset().name());
    let gap = usize::from(area.width).saturating_sub(line.width() + preset.len());
    if gap > 0 {
        line.push_span(Span::styled(format!("{}{preset}", " ".repeat(gap)), app.theme().style(Role::Dim)));
    }
    frame.render_widget(line, area);
}

/// Draws a pane with its frame.
fn pane(app: &App, frame: &mut Frame<'_>, pane: Pane, area: Rect, scene: &Scene<'_>) {
    let role = if scene.focus == pane { Role::Focus } else { Role::Border };
    let (block, view) = (panes::framed(scene.theme, role), app.panes().get(pane));
    let inner = block.inner(area);
    let part = view.part(scene, inner);
    let title = view.title(scene, inner);
    let title = title_within(usize::from(inner.width.saturating_sub(2)), &title, view, &part, scene);
    let title = format!(" {} ", title.trim_end());
    let foot = Line::from(panes::fitted_spans(view.foot(scene, inner), inner.width, scene.theme.glyphs.ellipsis));
    // The pane of which a tour speaks is marked.
    let is_marked = app.tour().and_then(Tour::pane) == Some(pane);
    let heading = scene.theme.style(if is_marked { Role::Selected } else { role });
    frame.render_widget(block.title(Span::styled(title, heading)).title_bottom(foot), area);
    let side = Rect { x: inner.right(), width: 1, ..view.row_area(scene, inner) };
    part.mark(scene.theme, role, side, frame.buffer_mut());
    view.draw(scene, &mut Canvas { area: inner, buffer: frame.buffer_mut(), ellipsis: scene.theme.glyphs.ellipsis });
}

/// Returns a title with the number of rows that are shown, if some are missing, and with the filter, in at most `width` cells.
fn title_within(width: usize, title: &str, view: &dyn PaneView, part: &Part, scene: &Scene<'_>) -> String {
    // Figures in a title are not to be read together with the number of rows.
    let join = if title.contains(':') { ", " } else { ": " };
    let shown = view.row_noun(scene).zip(part.label());
    let counts = shown.map(|(noun, label)| [format!("{join}{label} {noun} shown"), format!("{join}{label} shown")]);
    let filter = view.list().filter_mark();
    let titles = counts.map_or_else(|| vec![String::new()], Vec::from).into_iter().map(|count| format!("{title}{filter}{count}"));
    let titles: Vec<String> = titles.collect();
    let shortest = titles.iter().find(|title| title.width() <= width).or(titles.last());
    fitted(shortest.map_or(title, String::as_str), width, scene.theme.glyphs.ellipsis)
}

/// Draws what lies above all panes, and returns the place of the cursor in the focused one.
fn above(app: &App, frame: &mut Frame<'_>, areas: &[(Pane, Rect)], scene: &Scene<'_>) -> Option<Position> {
    let mut cursor = None;
    for &(pane, area) in areas {
        let (inner, view) = (panes::framed(scene.theme, Role::Border).inner(area), app.panes().get(pane));
        view.draw_above(scene, &mut Canvas { area: inner, buffer: frame.buffer_mut(), ellipsis: scene.theme.glyphs.ellipsis });
        if scene.focus == pane {
            cursor = view.cursor(scene, inner);
        }
    }
    cursor
}

/// Keys that have a meaning while a filter is typed.
const FILTER_KEYS: [KeyHint; 2] = [("Enter", "keep"), ("Esc", "clear")];

/// Keys that have a meaning while the history is searched.
const SEARCH_KEYS: [KeyHint; 3] = [("Enter", "run"), ("Ctrl-R", "older"), ("Esc", "give up")];

/// Returns the keys of the filter or of the search that is being typed; `None` if none is, or if a dialog has the keys.
fn typing_keys(app: &App) -> Option<&'static [KeyHint]> {
    let focus = app.workspace().focus();
    match () {
        () if !app.dialogs().is_empty() => None,
        () if app.panes().get(focus).list().is_typing() => Some(&FILTER_KEYS),
        () if focus == Pane::Prompt && app.prompt().search.is_some() => Some(&SEARCH_KEYS),
        () => None,
    }
}

/// Draws the hint line: the keys that have an effect in the focused pane, help and leaving first, as far as they fit. Of a dialog
/// it names those that go on or close it, before these; the dialog shows its other keys itself.
fn keys(app: &App, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let in_dialog = !app.dialogs().is_empty();
    let hint = |key: &str, name: &str| {
        let (key, name) = (format!(" {key}"), format!(" {name} "));
        [Span::styled(key, app.theme().style(Role::Accent)), Span::styled(name, app.theme().style(Role::Dim))]
    };
    let typing = typing_keys(app);
    let verbs = if in_dialog || typing.is_some() { Vec::new() } else { app.panes().get(scene.focus).verbs(scene) };
    let is_first = |binding: &&Binding| matches!(binding.action, Action::Help | Action::Quit);
    let (first, rest): (Vec<&Binding>, Vec<&Binding>) =
        BINDINGS.iter().filter(|binding| is_hinted(app, binding, !verbs.is_empty())).partition(is_first);
    let of = |binding: &Binding| hint(binding.key(app.keymap()), binding.name);
    let of_tour = app.tour().filter(|_| !in_dialog).map(|tour| [("Space", tour.effect_of_space()), ("Esc", "leave")]);
    let of_tour = of_tour.into_iter().flatten().map(|(key, name)| hint(key, name));
    let is_prompt = app.workspace().focus() == Pane::Prompt && !in_dialog && typing.is_none();
    let complete = is_prompt.then(|| hint("Tab", "complete or pane"));
    let of_text = typing.unwrap_or_default().iter().map(|(key, name)| hint(key, name));
    // The mode is where the keys go.
    let mut line = Line::from(Span::styled(format!(" {} ", app.mode()), app.theme().style(Role::Selected)));
    line.extend(app.remark().map(|remark| Span::styled(format!(" {remark} "), app.theme().style(Role::Warning))));
    let needed: usize = first.iter().flat_map(|binding| of(binding)).map(|span| span.width()).sum();
    let room = usize::from(area.width).saturating_sub(line.width() + needed);
    line.extend(news(app, room));
    let verbs = verbs.iter().filter(|verb| !verb.key.is_empty()).map(|verb| hint(verb.key, &verb.label));
    let of_dialog = app.dialogs().last().map_or(&[][..], Dialog::endings).iter().map(|(key, name)| hint(key, name));
    let before = of_dialog.chain(of_tour).chain(first.into_iter().map(of));
    for spans in before.chain(of_text).chain(complete).chain(verbs).chain(rest.into_iter().map(of)) {
        if line.width() + spans.iter().map(Span::width).sum::<usize>() <= usize::from(area.width) {
            line.extend(spans);
        }
    }
    frame.render_widget(line, area);
}

/// Returns what was said since the latest input where the prompt, in which it stands, is not shown: whoever presses a key in a pane that
/// has the whole screen sees its answer.
fn news(app: &App, room: usize) -> Option<Span<'static>> {
    let is_away = app.workspace().is_zoomed() && app.workspace().focus() != Pane::Prompt && app.dialogs().is_empty();
    let (role, text) = app.prompt().news().filter(|_| is_away)?;
    let text = fitted(text, room.saturating_sub(2).min(text.width()), app.theme().glyphs.ellipsis);
    Some(Span::styled(format!(" {} ", text.trim()), app.theme().style(*role))).filter(|span| span.width() <= room)
}

/// Returns true if the hint line shows a key: it has a name and an effect at the moment. `has_verbs` is true if something can be
/// done with the selected row.
fn is_hinted(app: &App, binding: &Binding, has_verbs: bool) -> bool {
    let (in_dialog, in_prompt) = (!app.dialogs().is_empty(), app.workspace().focus() == Pane::Prompt);
    // Letters are text while one is typed.
    let is_text = in_prompt || typing_keys(app).is_some();
    let counts = !binding.name.is_empty() && (binding.scope == Scope::Everywhere || !is_text);
    counts
        && match binding.action {
            Action::Help => true,
            Action::Quit => !matches!(app.dialogs().last(), Some(Dialog::Confirm { .. })),
            _ if in_dialog => false,
            Action::Pause | Action::Prompt => app.tour().is_none(),
            Action::Map => app.workspace().focus() == Pane::Health,
            Action::HealAll => !app.view().snapshot().faults.is_empty(),
            Action::Verbs => has_verbs,
            Action::Sort => app.panes().get(app.workspace().focus()).is_sortable(),
            Action::Reverse => {
                let pane = app.panes().get(app.workspace().focus());
                pane.is_sortable() && pane.list().order().is_some()
            }
            Action::Columns => !app.panes().get(app.workspace().focus()).columns(&app.scene()).is_empty(),
            Action::Filter => app.panes().get(app.workspace().focus()).is_filterable(),
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_the_direction_reaches_no_cell() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        let symbols = ["J\u{202e}", "\u{200b}", "日", " ", "╳", "e\u{301}", "日", "│"];
        for (cell, symbol) in buffer.content.iter_mut().zip(symbols) {
            cell.set_symbol(symbol);
        }
        hide(&mut buffer);
        let symbols: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
        // The second cell of a wide character is blank; where something is drawn on it, the character is not there.
        assert_eq!(symbols, ["J", " ", "日", " ", "╳", "e\u{301}", " ", "│"]);
    }
}
