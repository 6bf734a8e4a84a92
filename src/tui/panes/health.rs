//! The health pane: the round-trip times between all hosts as a matrix, or a map of the network with its traffic.

use std::ops::Range;

use p2p_engine::node::RoundTrips;
use p2p_engine::node::health::{Health, PeerHealth};
use p2p_engine::snapshot::{NodeStatus, Peer};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line};

use super::{health_style, marker, row, window};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;

/// Width of a column of the matrix in cells.
const COLUMN: usize = 5;
/// Width of the row labels in cells.
const LABEL: usize = 4;
/// Rate in bytes per second above which a line of the map is highlighted; probes alone stay below it.
const BUSY: u64 = 256;

/// Draws the matrix or the map.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if app.map { map(app, area, buffer) } else { matrix(app, area, buffer) }
}

fn short(peer: Peer) -> String {
    match peer {
        Peer::Client => "cl".into(),
        Peer::Node(node) => format!("{:02}", node.index() + 1),
    }
}

/// Returns the heading of the matrix in a pane of this size: the quantity that is shown, and the number of hosts that are shown
/// if some are missing.
pub(super) fn title(app: &App, area: Rect) -> String {
    let ((rows, columns), known, all) = (window_of(app, area), app.view.figures.health.len(), app.view.figures.nodes.len() + 1);
    match (rows.len() == known && columns.len() == known, known == all) {
        (true, true) => "Health: last round trip, ms".into(),
        (_, true) => format!("Last round trip, ms: {}x{} of {all}", rows.len(), columns.len()),
        _ => format!("Last RTT, ms: {}x{} of the first {known}", rows.len(), columns.len()),
    }
}

/// Returns the rows and the columns of the matrix that fit into a pane of this size, including the selected node.
pub(super) fn window_of(app: &App, area: Rect) -> (Range<usize>, Range<usize>) {
    let (count, room) = (app.view.figures.health.len(), usize::from(area.width).saturating_sub(LABEL) / COLUMN);
    // The client precedes the nodes.
    let chosen = (app.row(Pane::Health) + 1).min(count.saturating_sub(1));
    let columns = u16::try_from(room).unwrap_or(u16::MAX);
    (window(count, chosen, area.height.saturating_sub(1)), window(count, chosen, columns))
}

fn matrix(app: &App, area: Rect, buffer: &mut Buffer) {
    let peers: Vec<Peer> = app.view.figures.health.keys().copied().collect();
    let (rows, columns) = window_of(app, area);
    let (from, to) = (&peers[rows.clone()], &peers[columns.clone()]);
    let chosen = (app.focus == Pane::Health).then(|| app.row(Pane::Health) + 1);
    let label =
        |text: String, place| Span::styled(text, app.theme.style(if chosen == Some(place) { Role::Selected } else { Role::Dim }));
    let headings = to.iter().zip(columns).map(|(&peer, place)| {
        let name = short(peer);
        [Span::raw(" ".repeat(COLUMN - name.len().min(COLUMN))), label(name, place)]
    });
    row(buffer, area, 0, std::iter::once(Span::raw(" ".repeat(LABEL))).chain(headings.flatten()).collect());
    for (place, (&from, number)) in from.iter().zip(rows).enumerate() {
        let name = short(from);
        let mut spans = vec![Span::raw(" ".repeat(LABEL - 1 - name.len().min(LABEL - 1))), label(name, number), Span::raw(" ")];
        spans.extend(to.iter().map(|&to| cell(app, from, to)));
        row(buffer, area, place + 1, spans);
    }
}

fn cell<'a>(app: &App, from: Peer, to: Peer) -> Span<'a> {
    let (theme, glyphs) = (&app.theme, &app.theme.glyphs);
    let seen = app.view.figures.health.get(&from).and_then(|row| row.get(&to));
    match seen {
        _ if from == to => Span::styled(format!("{:>COLUMN$}", glyphs.dot), theme.style(Role::Dim)),
        Some(PeerHealth { health: Health::Alive, recent: RoundTrips { last: Some(time), .. }, missed, .. }) => {
            let role = if *missed > 0 { Role::Warning } else { Role::Good };
            let mark = if *missed > 0 { glyphs.suspect } else { "" };
            let text = format!("{mark}{:.1}", time.as_millis_f64());
            // A long time is shown without decimals, so that it fits into its column.
            let text = if text.chars().count() >= COLUMN { format!("{mark}{:.0}", time.as_millis_f64()) } else { text };
            Span::styled(format!("{text:>COLUMN$}"), theme.style(role))
        }
        Some(seen) if seen.health != Health::Alive => {
            let (glyph, style) = health_style(theme, seen.health);
            Span::styled(format!("{glyph:>COLUMN$}"), style)
        }
        _ => Span::styled(format!("{:>COLUMN$}", "-"), theme.style(Role::Dim)),
    }
}

/// Draws the map: the client in the middle, the nodes around it. A line is highlighted while bytes cross the link.
fn map(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = &app.theme;
    let color = |role| theme.style(role).fg.unwrap_or_default();
    let nodes = &app.view.figures.nodes;
    let place = |index: usize| {
        let angle = std::f64::consts::TAU * index as f64 / nodes.len().max(1) as f64;
        (80.0 * angle.sin(), 40.0 * angle.cos())
    };
    let is_busy = |node: &NodeStatus| node.rates.up.latest().max(node.rates.down.latest()).is_some_and(|bytes| bytes > BUSY);
    let canvas = Canvas::default().marker(marker(theme)).x_bounds([-110.0, 110.0]).y_bounds([-50.0, 50.0]).paint(|context| {
        for (index, node) in nodes.iter().enumerate() {
            let (x, y) = place(index);
            let role = if is_busy(node) { Role::Flow } else { Role::Dim };
            context.draw(&Line { x1: 0.0, y1: 0.0, x2: 0.85 * x, y2: 0.85 * y, color: color(role) });
        }
        context.layer();
        for (index, node) in nodes.iter().enumerate() {
            let (x, y) = place(index);
            let (glyph, style) = health_style(theme, node.seen.health);
            let marked = app.focus == Pane::Health && app.row(Pane::Health) == index;
            let style = if marked { theme.style(Role::Selected) } else { style };
            context.print(x - 8.0, y, Span::styled(format!("{glyph} {}", node.node), style));
        }
        context.print(-5.0, 0.0, Span::styled("client", theme.style(Role::Accent)));
    });
    canvas.render(area, buffer);
}
