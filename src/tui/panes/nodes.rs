//! The nodes pane: one row per node, with state, storage and traffic.
//!
//! ```text
//! ● Node_01 192.168.1.2 ALIVE RUNNING ██████···· 3.6 MiB ↓ 63.8 KiB/s ▁▂▅▇▇ 1c 0q
//! ```
//! `1c 0q` are the numbers of connections and of queued packets.

use p2p_engine::node::ProcessState;
use p2p_engine::snapshot::NodeStatus;
use p2p_shell::report::bytes_of;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{bar, health_style, rate_now, row, selected, sparkline, window};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;

/// Returns the nodes that pass the filter of a pane that lists nodes.
pub(crate) fn rows(app: &App, pane: Pane) -> impl Iterator<Item = &NodeStatus> {
    let text = |node: &NodeStatus| format!("{} {} {} {}", node.node, node.address, node.seen.health.name(), node.state.name());
    app.view.figures.nodes.iter().filter(move |node| pane == Pane::Health || app.passes(pane, &text(node)))
}

/// Draws the list of nodes.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let nodes: Vec<&NodeStatus> = rows(app, Pane::Nodes).collect();
    let shown = window(nodes.len(), app.row(Pane::Nodes), area.height);
    for (place, node) in nodes[shown.clone()].iter().enumerate() {
        row(buffer, area, place, spans(app, node, shown.start + place, area.width));
    }
}

fn spans<'a>(app: &App, node: &NodeStatus, place: usize, width: u16) -> Vec<Span<'a>> {
    let theme = &app.theme;
    let glyphs = &theme.glyphs;
    let (glyph, health) = health_style(theme, node.seen.health);
    let name = if selected(app, Pane::Nodes, place) { theme.style(Role::Selected) } else { theme.style(Role::Text) };
    let state = match node.state {
        ProcessState::Running => Role::Flow,
        ProcessState::Waiting(_) => Role::Warning,
        ProcessState::Stopped => Role::Bad,
        ProcessState::Ready => Role::Dim,
    };
    let mut spans = vec![
        Span::styled(format!("{glyph} "), health),
        Span::styled(node.node.to_string(), name),
        Span::styled(format!(" {:<12}", node.address.to_string()), theme.style(Role::Dim)),
        Span::styled(format!(" {:<7}", node.seen.health.name()), health),
        Span::styled(format!(" {:<7}", node.state.name()), theme.style(state)),
    ];
    let share = node.used_bytes.unwrap_or_default() as f64 / node.capacity_bytes.max(1) as f64;
    let used = node.used_bytes.map_or_else(|| "-".into(), bytes_of);
    spans.push(Span::styled(format!(" {}", bar(glyphs, share, 6)), theme.style(Role::Good)));
    spans.push(Span::styled(format!(" {used:>9}"), theme.style(Role::Text)));
    let (up, down) = (&node.rates.up, &node.rates.down);
    let (arrow, busier) = if up.latest() > down.latest() { (glyphs.up, up) } else { (glyphs.down, down) };
    let room = usize::from(width.saturating_sub(78)).clamp(8, 30);
    let values = || busier.tail(room).iter().map(|&bytes| bytes as f64);
    let line = sparkline(glyphs, values(), values().fold(1.0, f64::max));
    spans.push(Span::styled(format!(" {arrow}{:>11} {line:<room$}", rate_now(busier)), theme.style(Role::Flow)));
    let queued = node.queued_packets.0 + node.queued_packets.1;
    spans.push(Span::styled(format!(" {}c {queued}q", node.connections), theme.style(Role::Dim)));
    spans
}
