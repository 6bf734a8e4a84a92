//! The health pane: the round-trip times between all hosts as a matrix, or a map of the network with its traffic.

use std::ops::Range;

use p2p_engine::node::RoundTrips;
use p2p_engine::node::health::{Health, PeerHealth};
use p2p_engine::snapshot::{NodeStatus, Peer};
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Span;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas as Drawing, Line};

use super::nodes::{copied, verbs};
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::{Part, window};
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Change, Deed, Pane, PaneView, Verb, health_style, marker};
use crate::tui::action::Action;
use crate::tui::preset::Preset;
use crate::tui::theme::Role;

/// Width of a column of the matrix in cells.
const COLUMN: usize = 5;
/// Number of hosts for which the matrix wishes room.
const HOSTS_WISHED: usize = 17;
/// Width of the row labels in cells.
const LABEL: usize = 4;
/// Rate in bytes per second above which a line of the map is highlighted; probes alone stay below it.
const BUSY: u64 = 256;

/// The matrix of the round trips between all hosts, or the map of the network.
#[derive(Debug, Default)]
pub(super) struct HealthPane {
    /// Selection among the nodes; the client is not selected.
    list: Rows,
    is_map: bool,
}

impl PaneView for HealthPane {
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape {
        let (nodes, most) = (scene.snapshot.figures.nodes.len(), (room.height / 4).max(9));
        let width = |hosts: usize| rows_up_to(hosts * COLUMN + LABEL + 2, u16::MAX);
        // The matrix of the default five nodes is shown whole wherever the pane is shown.
        Shape::bounded((width((nodes + 1).min(6)), 5), (width((nodes + 1).min(HOSTS_WISHED)), rows_up_to(nodes + 4, most)))
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 30,
            Preset::Transfer => 0,
            Preset::Network => 60,
            Preset::Files => 0,
        }
    }

    fn title(&self, scene: &Scene<'_>, inner: Rect) -> String {
        if self.is_map { "Map: traffic now".into() } else { self.matrix_title(scene, inner) }
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        if self.is_map { self.map(scene, canvas) } else { self.matrix(scene, canvas) }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        let figures = &scene.snapshot.figures;
        if self.is_map { figures.nodes.len() } else { figures.health.len().saturating_sub(1) }
    }

    /// Returns which hosts the rows of the matrix are; the map shows all nodes.
    fn part(&self, scene: &Scene<'_>, inner: Rect) -> Part {
        let rows = self.rows(scene);
        let known = scene.snapshot.figures.health.len();
        if self.is_map { Part { shown: 0..rows, total: rows } } else { Part { shown: self.window(scene, inner).0, total: known } }
    }

    fn counts_rows(&self) -> bool {
        // The heading of the matrix says how many rows and columns are shown.
        false
    }

    fn row_at(&self, scene: &Scene<'_>, inner: Rect, at: Position) -> Option<usize> {
        // The matrix begins with a heading, and its first row is that of the client; the map has no rows.
        let place = usize::from(at.y.checked_sub(inner.y + 1).filter(|&place| !self.is_map && place + 1 < inner.height)?);
        let row = (self.window(scene, inner).0.start + place).checked_sub(1)?;
        (row < self.rows(scene)).then_some(row)
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

    fn change(&mut self, change: Change<'_>) -> bool {
        let is_map = change == Change::Act(Action::Map);
        self.is_map ^= is_map;
        is_map
    }
}

fn short(peer: Peer) -> String {
    match peer {
        Peer::Client => "cl".into(),
        Peer::Node(node) => format!("{:02}", node.index() + 1),
    }
}

impl HealthPane {
    fn selected<'a>(&self, scene: &Scene<'a>) -> Option<&'a NodeStatus> {
        scene.snapshot.figures.nodes.get(self.list.selected())
    }

    /// Returns the heading of the matrix in a pane of this size: the quantity that is shown, and the number of hosts that are shown
    /// if some are missing.
    fn matrix_title(&self, scene: &Scene<'_>, area: Rect) -> String {
        let figures = &scene.snapshot.figures;
        let ((rows, columns), known, all) = (self.window(scene, area), figures.health.len(), figures.nodes.len() + 1);
        match (rows.len() == known && columns.len() == known, known == all) {
            (true, true) => "Health: last round trip, ms".into(),
            (_, true) => format!("Last round trip, ms: {}x{} of {all}", rows.len(), columns.len()),
            _ => format!("Last RTT, ms: {}x{} of the first {known}", rows.len(), columns.len()),
        }
    }

    /// Returns the rows and the columns of the matrix that fit into a pane of this size, including the selected node.
    fn window(&self, scene: &Scene<'_>, area: Rect) -> (Range<usize>, Range<usize>) {
        let (count, room) = (scene.snapshot.figures.health.len(), usize::from(area.width).saturating_sub(LABEL) / COLUMN);
        // The client precedes the nodes.
        let chosen = (self.list.selected() + 1).min(count.saturating_sub(1));
        let columns = u16::try_from(room).unwrap_or(u16::MAX);
        (window(count, chosen, area.height.saturating_sub(1)), window(count, chosen, columns))
    }

    fn matrix(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let peers: Vec<Peer> = scene.snapshot.figures.health.keys().copied().collect();
        let (rows, columns) = self.window(scene, canvas.area);
        let (from, to) = (&peers[rows.clone()], &peers[columns.clone()]);
        let chosen = (scene.focus == Pane::Health).then(|| self.list.selected() + 1);
        let label = |text: String, place| {
            Span::styled(text, scene.theme.style(if chosen == Some(place) { Role::Selected } else { Role::Dim }))
        };
        let headings = to.iter().zip(columns).map(|(&peer, place)| {
            let name = short(peer);
            [Span::raw(" ".repeat(COLUMN - name.len().min(COLUMN))), label(name, place)]
        });
        canvas.row(0, std::iter::once(Span::raw(" ".repeat(LABEL))).chain(headings.flatten()).collect());
        for (place, (&from, number)) in from.iter().zip(rows).enumerate() {
            let name = short(from);
            let mut spans =
                vec![Span::raw(" ".repeat(LABEL - 1 - name.len().min(LABEL - 1))), label(name, number), Span::raw(" ")];
            spans.extend(to.iter().map(|&to| cell(scene, from, to)));
            canvas.row(place + 1, spans);
        }
    }

    /// Draws the map: the client in the middle, the nodes around it. A line is highlighted while bytes cross the link.
    fn map(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let theme = scene.theme;
        let color = |role| theme.style(role).fg.unwrap_or_default();
        let nodes = &scene.snapshot.figures.nodes;
        let place = |index: usize| {
            let angle = std::f64::consts::TAU * index as f64 / nodes.len().max(1) as f64;
            (80.0 * angle.sin(), 40.0 * angle.cos())
        };
        let is_busy = |node: &NodeStatus| node.rates.up.latest().max(node.rates.down.latest()).is_some_and(|bytes| bytes > BUSY);
        let drawing =
            Drawing::default().marker(marker(theme)).x_bounds([-110.0, 110.0]).y_bounds([-50.0, 50.0]).paint(|context| {
                for (index, node) in nodes.iter().enumerate() {
                    let (x, y) = place(index);
                    let role = if is_busy(node) { Role::Flow } else { Role::Dim };
                    context.draw(&Line { x1: 0.0, y1: 0.0, x2: 0.85 * x, y2: 0.85 * y, color: color(role) });
                }
                context.layer();
                for (index, node) in nodes.iter().enumerate() {
                    let (x, y) = place(index);
                    let (glyph, style) = health_style(theme, node.seen.health);
                    let marked = scene.focus == Pane::Health && self.list.selected() == index;
                    let style = if marked { theme.style(Role::Selected) } else { style };
                    context.print(x - 8.0, y, Span::styled(format!("{glyph} {}", node.node), style));
                }
                context.print(-5.0, 0.0, Span::styled("client", theme.style(Role::Accent)));
            });
        drawing.render(canvas.area, canvas.buffer);
    }
}

fn cell<'a>(scene: &Scene<'_>, from: Peer, to: Peer) -> Span<'a> {
    let (theme, glyphs) = (scene.theme, &scene.theme.glyphs);
    let seen = scene.snapshot.figures.health.get(&from).and_then(|row| row.get(&to));
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
