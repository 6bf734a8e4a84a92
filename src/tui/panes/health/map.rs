//! The map of the network: the client in the middle, the nodes around it. A line is highlighted while bytes cross the link; one that
//! is broken on purpose has its colour and its mark. Names are shown as far as they fit: that of the selected host first, then those
//! of nodes that are not well, then the others; where there is no room for a name there is the glyph of the node's health.

use p2p_engine::node::health::Health;
use p2p_engine::snapshot::{NodeStatus, Peer};
use p2p_shell::report::{Wire, fault_in_short};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas as Drawing, Line};
use unicode_width::UnicodeWidthStr;

use crate::tui::panes::broken::{Broken, wire_role};
use crate::tui::panes::scene::Scene;
use crate::tui::panes::{Canvas, Pane, health_style, marker, whole_spans};
use crate::tui::theme::Role;

/// Rate in bytes per second above which a line of the map is highlighted; probes alone stay below it.
const BUSY: u64 = 256;
/// Number of nodes up to which idle lines are drawn too; those of more would fill the map.
const LINES_MAX: usize = 48;
/// Number of broken paths between nodes that are drawn at the most.
const BROKEN_MAX: usize = 200;

/// Returns the place of a node on a circle, in parts of the height and the width of the map from its middle.
fn place(index: usize, nodes: usize) -> (f64, f64) {
    let angle = std::f64::consts::TAU * index as f64 / nodes.max(1) as f64;
    (angle.sin(), angle.cos())
}

/// Returns the place of a host; the client is in the middle.
fn place_of(peer: Peer, nodes: usize) -> (f64, f64) {
    match peer {
        Peer::Client => (0.0, 0.0),
        Peer::Node(node) => place(node.index(), nodes),
    }
}

/// Returns the cell of a place.
fn cell_of(area: Rect, (x, y): (f64, f64)) -> Position {
    let at = |part: f64, length: u16| ((part + 1.0) / 2.0 * f64::from(length.saturating_sub(1))).round() as u16;
    Position::new(area.x + at(x, area.width), area.y + at(-y, area.height))
}

/// Returns the area without margins, so that the circle does not touch the frame.
fn circle(area: Rect) -> Rect {
    let (x, y) = (area.width / 10, u16::from(area.height > 6));
    Rect { x: area.x + x, y: area.y + y, width: area.width - 2 * x, height: area.height - 2 * y }
}

/// Draws the map.
pub(super) fn draw(scene: &Scene<'_>, selected: usize, canvas: &mut Canvas<'_>) {
    if canvas.area.is_empty() {
        return;
    }
    let broken = broken_paths(scene);
    lines(scene, &broken, canvas);
    for &(from, to, wire) in &broken {
        let cell = middle(scene, circle(canvas.area), from, to);
        canvas.buffer[cell].set_symbol(wire.mark(scene.theme.glyphs.cut)).set_style(scene.theme.style(wire_role(wire)));
    }
    labels(scene, selected, canvas);
}

/// Returns the cell in the middle of a path.
fn middle(scene: &Scene<'_>, area: Rect, from: Peer, to: Peer) -> Position {
    let nodes = scene.snapshot.figures.nodes.len();
    let ((x1, y1), (x2, y2)) = (place_of(from, nodes), place_of(to, nodes));
    cell_of(area, ((x1 + x2) / 2.0, (y1 + y2) / 2.0))
}

/// Returns the paths that are broken, each with what is wrong there, the worst last: those of the client, and some of the others.
fn broken_paths(scene: &Scene<'_>) -> Vec<(Peer, Peer, Wire)> {
    if scene.snapshot.faults.is_empty() {
        return Vec::new();
    }
    let broken = Broken::of(scene.snapshot);
    let hosts = scene.snapshot.figures.nodes.iter().map(|node| Peer::Node(node.node));
    let of_client = hosts.flat_map(|node| [(Peer::Client, node), (node, Peer::Client)]);
    let of_nodes = broken.paths().filter(|&(from, to)| from != Peer::Client && to != Peer::Client).take(BROKEN_MAX);
    let all = of_client.chain(of_nodes);
    let mut wires: Vec<_> = all.filter_map(|(from, to)| Some((from, to, broken.wire(from, to)?))).collect();
    wires.sort_by_key(|&(.., wire)| wire);
    wires
}

fn lines(scene: &Scene<'_>, broken: &[(Peer, Peer, Wire)], canvas: &mut Canvas<'_>) {
    let (theme, nodes) = (scene.theme, &scene.snapshot.figures.nodes);
    let color = |role| theme.style(role).fg.unwrap_or_default();
    let is_busy = |node: &NodeStatus| node.rates.up.latest().max(node.rates.down.latest()).is_some_and(|bytes| bytes > BUSY);
    let line = |(x1, y1): (f64, f64), (x2, y2): (f64, f64), role| Line { x1, y1, x2, y2, color: color(role) };
    let drawing = Drawing::default().marker(marker(theme)).x_bounds([-1.0, 1.0]).y_bounds([-1.0, 1.0]).paint(|context| {
        for (index, node) in nodes.iter().enumerate() {
            let is_busy = is_busy(node);
            if is_busy || nodes.len() <= LINES_MAX {
                let role = if is_busy { Role::Flow } else { Role::Dim };
                context.draw(&line((0.0, 0.0), place(index, nodes.len()), role));
            }
        }
        for &(from, to, wire) in broken {
            context.draw(&line(place_of(from, nodes.len()), place_of(to, nodes.len()), wire_role(wire)));
        }
    });
    drawing.render(circle(canvas.area), canvas.buffer);
}

/// A name on the map.
struct Label {
    at: Position,
    glyph: &'static str,
    name: String,
    style: Style,
    /// Rank: names of a lower one are placed first.
    rank: u8,
}

/// Draws the names for which there is room, and the glyphs of the others. No name touches another one.
fn labels(scene: &Scene<'_>, selected: usize, canvas: &mut Canvas<'_>) {
    let area = canvas.area;
    let mut all = labels_of(scene, selected, circle(area));
    all.sort_by_key(|label| label.rank);
    let mut taken = vec![false; usize::from(area.width) * usize::from(area.height)];
    let index = |x: u16, y: u16| usize::from(y - area.y) * usize::from(area.width) + usize::from(x - area.x);
    let mut left = Vec::new();
    for label in all {
        let text = format!("{} {}", label.glyph, label.name);
        let width = text.width() as u16;
        // A name begins a little before its place, and is kept within the pane.
        let x = label.at.x.saturating_sub(width / 2).clamp(area.x, area.right().saturating_sub(width).max(area.x));
        let cells = x.saturating_sub(1).max(area.x)..(x + width + 1).min(area.right());
        if width > area.width || cells.clone().any(|x| taken[index(x, label.at.y)]) {
            left.push(label);
            continue;
        }
        cells.for_each(|x| taken[index(x, label.at.y)] = true);
        canvas.buffer.set_stringn(x, label.at.y, &text, usize::from(width), label.style);
    }
    // What is worst is drawn last, where several have one cell.
    for Label { at, glyph, style, .. } in left.into_iter().rev() {
        if !taken[index(at.x, at.y)] {
            canvas.buffer[at].set_symbol(glyph).set_style(style);
        }
    }
}

fn labels_of(scene: &Scene<'_>, selected: usize, area: Rect) -> Vec<Label> {
    let (theme, nodes, broken) = (scene.theme, &scene.snapshot.figures.nodes, Broken::of(scene.snapshot));
    let is_focused = scene.focus == Pane::Health;
    let style = |row: usize, style| if is_focused && selected == row { theme.style(Role::Selected) } else { style };
    let client = Label {
        at: cell_of(area, (0.0, 0.0)),
        glyph: theme.glyphs.play,
        name: "client".into(),
        style: style(0, theme.style(Role::Accent)),
        rank: 0,
    };
    let of_node = |(index, node): (usize, &NodeStatus)| {
        let (glyph, of_health) = health_style(theme, node.seen.health);
        let down = broken.of_host(Peer::Node(node.node)).next().map(|active| format!(" {}", fault_in_short(active)));
        let rank = match node.seen.health {
            _ if selected == index + 1 && is_focused => 1,
            Health::Dead => 2,
            Health::Suspect => 3,
            Health::Alive if down.is_some() => 4,
            Health::Alive => 5,
        };
        let name = format!("{}{}", node.node, down.unwrap_or_default());
        Label { at: cell_of(area, place(index, nodes.len())), glyph, name, style: style(index + 1, of_health), rank }
    };
    std::iter::once(client).chain(nodes.iter().enumerate().map(of_node)).collect()
}

/// Returns the host that is drawn nearest to a position of the screen: the client first, then the nodes.
pub(super) fn host_at(scene: &Scene<'_>, area: Rect, at: Position) -> Option<usize> {
    let nodes = scene.snapshot.figures.nodes.len();
    let hosts = std::iter::once((0.0, 0.0)).chain((0..nodes).map(|index| place(index, nodes)));
    let distance = |place| {
        let cell = cell_of(circle(area), place);
        // A cell is about twice as high as wide.
        u32::from(cell.x.abs_diff(at.x)).pow(2) + (2 * u32::from(cell.y.abs_diff(at.y))).pow(2)
    };
    hosts.map(distance).enumerate().min_by_key(|&(_, distance)| distance).map(|(row, _)| row)
}

/// Returns what the marks on the map mean, as far as it fits.
pub(super) fn legend(scene: &Scene<'_>, width: u16) -> Vec<Span<'static>> {
    let (theme, glyphs) = (scene.theme, &scene.theme.glyphs);
    let health = [Health::Alive, Health::Suspect, Health::Dead].map(|health| {
        let (glyph, style) = health_style(theme, health);
        Span::styled(format!(" {glyph} {}", health.name()), style)
    });
    let wires = [Wire::Cut, Wire::Lossy, Wire::Slow]
        .map(|wire| Span::styled(format!(" {} {}", wire.mark(glyphs.cut), wire.name()), theme.style(wire_role(wire))));
    let mut spans = whole_spans(health.into_iter().chain(wires), usize::from(width).saturating_sub(1));
    spans.push(Span::raw(" "));
    spans
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// All hosts of any network lie within any map.
        #[test]
        fn hosts_are_on_the_map(nodes in 1usize..1_100, width in 1u16..200, height in 1u16..60) {
            let area = Rect::new(3, 4, width, height);
            for index in 0..nodes {
                prop_assert!(area.contains(cell_of(circle(area), place(index, nodes))));
            }
        }
    }
}
