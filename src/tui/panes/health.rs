//! The health map: who sees whom at which distance, as a matrix or as a map of the network with its traffic.
//!
//! Knows nothing of transfers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line};

use super::{health_style, marker, row};
use crate::engine::snapshot::{NodeStatus, Party};
use crate::node::health::{Health, PeerHealth};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;

/// Cells of a column of the matrix.
const COLUMN: usize = 5;

/// Draws it.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if app.map { map(app, area, buffer) } else { matrix(app, area, buffer) }
}

fn short(party: Party) -> String {
    match party {
        Party::Client => "cl".into(),
        Party::Node(node) => format!("{:02}", node.index() + 1),
    }
}

fn matrix(app: &App, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width).saturating_sub(4) / COLUMN;
    let parties: Vec<Party> = app.view.health.keys().copied().collect();
    let heading: String = parties.iter().take(columns).map(|&party| format!("{:>COLUMN$}", short(party))).collect();
    row(buffer, area, 0, vec![Span::styled(format!("    {heading}"), app.theme.style(Role::Dim))]);
    for (place, &from) in parties.iter().enumerate() {
        let mut spans = vec![Span::styled(format!("{:>3} ", short(from)), app.theme.style(Role::Dim))];
        spans.extend(parties.iter().take(columns).map(|&to| cell(app, from, to)));
        row(buffer, area, place + 1, spans);
    }
}

fn cell<'a>(app: &App, from: Party, to: Party) -> Span<'a> {
    let (theme, glyphs) = (&app.theme, &app.theme.glyphs);
    let seen = app.view.health.get(&from).and_then(|row| row.get(&to));
    match seen {
        _ if from == to => Span::styled(format!("{:>COLUMN$}", glyphs.dot), theme.style(Role::Dim)),
        Some(PeerHealth { health: Health::Alive, round_trip: Some(time), missed, .. }) => {
            let role = if *missed > 0 { Role::Warning } else { Role::Good };
            let mark = if *missed > 0 { glyphs.suspect } else { "" };
            let text = format!("{mark}{:.1}", time.as_millis_f64());
            // A long time loses its decimals rather than its column.
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

/// The client in the middle, the nodes around it; a line is lit while bytes go over it.
fn map(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = &app.theme;
    let color = |role| theme.style(role).fg.unwrap_or_default();
    let nodes = &app.view.nodes;
    let place = |index: usize| {
        let angle = std::f64::consts::TAU * index as f64 / nodes.len().max(1) as f64;
        (80.0 * angle.sin(), 40.0 * angle.cos())
    };
    let is_busy = |node: &NodeStatus| {
        app.node_rates.get(&node.node).is_some_and(|(sent, received)| sent.latest() + received.latest() > 256.0)
    };
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
