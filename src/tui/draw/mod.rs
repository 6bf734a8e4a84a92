//! The layout of the screen: the position of each pane at each size of the terminal. Dialogs above the panes are drawn by
//! `dialogs` and `form`, the contents of the panes by `panes`.
//!
//! ```text
//! 120x40                                  80x24
//! ┌ header ─────────────────────────┐     ┌ header ──────────┐
//! │ nodes              │ health     │     │ tabs             │
//! │ transfers                       │     │ one pane         │
//! │ segments           │ rate       │     │                  │
//! │ wire               │ log        │     │ transfers        │
//! │ prompt                          │     │ prompt           │
//! └ keys ───────────────────────────┘     └ keys ────────────┘
//! ```

mod dialogs;
mod form;
mod frame;

use p2p_service::access::Identity;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::action::{Action, BINDINGS, Binding, Scope};
use super::app::{App, Pane};
use super::dialog::Dialog;
use super::panes::scene::Scene;
use super::panes::{self, Canvas};
use super::theme::Role;

/// Minimum size, in columns and rows; smaller screens show only their own size and this one.
pub const SMALLEST: (u16, u16) = (60, 16);
/// Minimum size, in columns and rows, at which all panes are shown at once.
pub const WHOLE: (u16, u16) = (100, 34);

/// Minimum upper limit for the rows of the panes of nodes and health: enough for five nodes.
const TOP_ROWS: u16 = 9;

/// Draws the whole screen.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        app.workspace_mut().set_areas(Vec::new());
        return too_small(app, frame, area);
    }
    let [header, body, footer] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let focus = app.workspace().focus();
    let areas = if app.workspace().is_zoomed() && focus != Pane::Prompt {
        vec![(focus, body)]
    } else if area.width >= WHOLE.0 && area.height >= WHOLE.1 {
        whole(app, body)
    } else {
        tabbed(app, frame, body)
    };
    let scene = app.scene();
    panes::header::draw(&scene, header, frame.buffer_mut());
    areas.iter().for_each(|&(which, area)| pane(app, frame, which, area, &scene));
    above(app, frame, &areas, &scene);
    keys(app, frame, footer, &scene);
    if *scene.identity == Identity::Nobody {
        dim(app, frame, body);
    }
    app.workspace_mut().set_areas(areas);
    dialogs::draw(app, frame, area);
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

/// Returns the area of each pane of a screen that has room for all.
fn whole(app: &App, area: Rect) -> Vec<(Pane, Rect)> {
    // The matrix has a heading and a row for the client beside those of the nodes; the matrix of five nodes is always shown
    // completely.
    let nodes = (app.view().snapshot().figures.nodes.len() as u16 + 4).clamp(4, (area.height / 4).max(TOP_ROWS));
    let [top, transfers, middle, bottom, prompt] = Layout::vertical([
        Constraint::Length(nodes),
        Constraint::Length(5),
        Constraint::Fill(3),
        Constraint::Fill(2),
        Constraint::Fill(2),
    ])
    .areas(area);
    let [nodes, health] = Layout::horizontal([Constraint::Fill(2), Constraint::Fill(1)]).areas(top);
    let [wire, log] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(bottom);
    vec![
        (Pane::Nodes, nodes),
        (Pane::Health, health),
        (Pane::Transfers, transfers),
        (Pane::Segments, middle),
        (Pane::Wire, wire),
        (Pane::Log, log),
        (Pane::Prompt, prompt),
    ]
}

/// Draws the line of tabs, and returns the area of each pane of a screen that has room for one, the transfers and the prompt.
fn tabbed(app: &App, frame: &mut Frame<'_>, area: Rect) -> Vec<(Pane, Rect)> {
    let chosen = app.workspace().tab();
    let transfers = if chosen == Pane::Transfers { 0 } else { 3 };
    let prompt = (area.height / 3).clamp(5, 9);
    let [tabs, one, row, prompt] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(transfers), Constraint::Length(prompt)])
            .areas(area);
    let tab = |&pane: &Pane| {
        let role = if pane == chosen { Role::Selected } else { Role::Dim };
        [Span::styled(format!(" {} ", pane.name()), app.theme().style(role)), Span::raw(" ")]
    };
    let line: Vec<Span<'_>> = Pane::ALL.iter().filter(|&&pane| pane != Pane::Prompt).flat_map(tab).collect();
    frame.render_widget(Line::from(line), tabs);
    let mut areas = vec![(chosen, one), (Pane::Transfers, row), (Pane::Prompt, prompt)];
    areas.retain(|(_, area)| area.height > 0);
    areas
}

/// Draws a pane with its frame.
fn pane(app: &App, frame: &mut Frame<'_>, pane: Pane, area: Rect, scene: &Scene<'_>) {
    let role = if scene.focus == pane { Role::Focus } else { Role::Border };
    let (block, view) = (panes::framed(scene.theme, role), app.panes().get(pane));
    let inner = block.inner(area);
    let title = format!(" {}{} ", view.title(scene, inner), view.list().filter_mark());
    frame.render_widget(block.title(Span::styled(title, scene.theme.style(role))), area);
    view.draw(scene, &mut Canvas { area: inner, buffer: frame.buffer_mut() });
}

/// Draws what lies above all panes, and places the cursor.
fn above(app: &App, frame: &mut Frame<'_>, areas: &[(Pane, Rect)], scene: &Scene<'_>) {
    for &(pane, area) in areas {
        let (inner, view) = (panes::framed(scene.theme, Role::Border).inner(area), app.panes().get(pane));
        view.draw_above(scene, &mut Canvas { area: inner, buffer: frame.buffer_mut() });
        if let Some(cursor) = view.cursor(scene, inner)
            && scene.focus == pane
            && app.dialogs().is_empty()
        {
            frame.set_cursor_position(cursor);
        }
    }
}

/// Draws the hint line: the keys that have an effect in the focused pane, help and leaving first, as far as they fit. Dialogs
/// show their own hints.
fn keys(app: &App, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let in_dialog = !app.dialogs().is_empty();
    let hint = |key: &str, name: &str| {
        let (key, name) = (format!(" {key}"), format!(" {name} "));
        [Span::styled(key, app.theme().style(Role::Accent)), Span::styled(name, app.theme().style(Role::Dim))]
    };
    let is_first = |binding: &&Binding| matches!(binding.action, Action::Help | Action::Quit);
    let (first, rest): (Vec<&Binding>, Vec<&Binding>) =
        BINDINGS.iter().filter(|binding| is_hinted(app, binding)).partition(is_first);
    let of = |binding: &Binding| hint(binding.key(app.keymap()), binding.name);
    let complete = (app.workspace().focus() == Pane::Prompt && !in_dialog).then(|| hint("Tab", "complete or pane"));
    let mut line = Line::default();
    let verbs = if in_dialog { Vec::new() } else { app.panes().get(scene.focus).verbs(scene) };
    let verbs = verbs.iter().filter(|verb| !verb.key.is_empty()).map(|verb| hint(verb.key, verb.label));
    for spans in first.into_iter().map(of).chain(complete).chain(verbs).chain(rest.into_iter().map(of)) {
        if line.width() + spans.iter().map(Span::width).sum::<usize>() <= usize::from(area.width) {
            line.extend(spans);
        }
    }
    frame.render_widget(line, area);
}

/// Returns true if the hint line shows a key: it has a name and an effect at the moment.
fn is_hinted(app: &App, binding: &Binding) -> bool {
    let (in_dialog, in_prompt) = (!app.dialogs().is_empty(), app.workspace().focus() == Pane::Prompt);
    let counts = !binding.name.is_empty() && (binding.scope == Scope::Everywhere || !in_prompt);
    counts
        && match binding.action {
            Action::Quit => !matches!(app.dialogs().last(), Some(Dialog::Confirm { .. })),
            _ if in_dialog => false,
            Action::Map => app.workspace().focus() == Pane::Health,
            Action::Verbs => !app.panes().get(app.workspace().focus()).verbs(&app.scene()).is_empty(),
            Action::Filter => app.panes().get(app.workspace().focus()).is_filterable(),
            _ => true,
        }
}
