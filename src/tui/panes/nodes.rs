//! The nodes pane: one row per node, with state, storage and traffic.
//!
//! ```text
//! ● Node_01 192.168.1.2 ALIVE RUNNING ██████···· 3.6 MiB ↓ 63.8 KiB/s ▁▂▅▇▇ 1c 0q
//! ```
//! `1c 0q` are the numbers of connections and of queued packets.

use p2p_engine::node::ProcessState;
use p2p_engine::snapshot::NodeStatus;
use p2p_shell::report::bytes_of;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::rows::{Rows, window};
use super::scene::Scene;
use super::{Canvas, Deed, Pane, PaneView, Verb, bar, health_style, rate_now, sparkline};
use crate::tui::theme::Role;

/// The list of the nodes.
#[derive(Debug, Default)]
pub(super) struct NodesPane {
    list: Rows,
}

impl PaneView for NodesPane {
    fn title(&self, _scene: &Scene<'_>, _inner: Rect) -> String {
        "Nodes".into()
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let nodes: Vec<&NodeStatus> = self.nodes(scene).collect();
        let shown = window(nodes.len(), self.list.selected(), canvas.area.height);
        for (place, node) in nodes[shown.clone()].iter().enumerate() {
            let is_selected = scene.focus == Pane::Nodes && self.list.selected() == shown.start + place;
            canvas.row(place, spans(scene, node, is_selected, canvas.area.width));
        }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        self.nodes(scene).count()
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        Some(Deed::Open(format!("node {}", self.selected(scene)?.node)))
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        self.selected(scene).map(copied)
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        self.selected(scene).map(verbs).unwrap_or_default()
    }
}

impl NodesPane {
    /// Returns the nodes that pass the filter.
    fn nodes<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = &'a NodeStatus> {
        let text =
            |node: &NodeStatus| format!("{} {} {} {}", node.node, node.address, node.seen.health.name(), node.state.name());
        scene.snapshot.figures.nodes.iter().filter(move |node| self.list.passes(&text(node)))
    }

    fn selected<'a>(&self, scene: &Scene<'a>) -> Option<&'a NodeStatus> {
        self.nodes(scene).nth(self.list.selected())
    }
}

/// Returns a node as a text for the clipboard.
pub(super) fn copied(node: &NodeStatus) -> String {
    format!("{} {}", node.node, node.address)
}

/// Returns what can be done with a node.
pub(super) fn verbs(node: &NodeStatus) -> Vec<Verb> {
    let verb = |label, deed| Verb { key: "", label, deed };
    vec![
        verb("show the node", Deed::Open(format!("node {}", node.node))),
        verb("show its connection", Deed::Open(format!("trace {}", node.node))),
    ]
}

fn spans<'a>(scene: &Scene<'_>, node: &NodeStatus, is_selected: bool, width: u16) -> Vec<Span<'a>> {
    let theme = scene.theme;
    let glyphs = &theme.glyphs;
    let (glyph, health) = health_style(theme, node.seen.health);
    let name = if is_selected { theme.style(Role::Selected) } else { theme.style(Role::Text) };
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
