//! The wire pane: the latest packets, the newest at the bottom; or what its connections carry.
//!
//! ```text
//! 01:23.402117 ✕ loss   cl→06 DATA    118736 1448   38
//! 01:23.402733          06→cl ACK          1
//! ```
//! Probes of the nodes' health are left out until they are asked for.

pub mod connections;
mod kept;
mod packets;

use p2p_engine::snapshot::{ConnectionStatus, Peer};
use p2p_net::{PacketKind, PacketRecord};
use p2p_store::manifest::NodeNumber;
use ratatui::layout::{Rect, Size};
use ratatui::text::Span;

use super::columns::{Columns, chosen, wished};
use super::order::Sortable;
use super::rows::Rows;
use super::scene::Scene;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Change, Deed, NOTHING_PASSES, Pane, PaneView, Verb, below_heading};
use crate::tui::preset::Preset;
use crate::tui::theme::Role;

/// Number of packets up to which the pane asks for more room.
const PACKETS_MAX: usize = 200;
/// Name of the deed that shows or hides probes.
const PROBES: &str = "wire: probes";
/// Name of the deed that switches between packets and connections.
const CONNECTIONS: &str = "wire: connections";

/// The latest packets, or the connections that carry them.
#[derive(Debug, Default)]
pub(super) struct WirePane {
    list: Rows,
    shows_probes: bool,
    shows_connections: bool,
}

impl PaneView for WirePane {
    fn shape(&self, scene: &Scene<'_>, _room: Size) -> Shape {
        if self.shows_connections {
            let (rows, width) = (self.rows(scene) + 3, wished(&connections::columns(connections::are_of_several(scene))));
            return Shape::growing((44, 4), (width + 2, rows_up_to(rows, 40)), 2).of_rows(rows);
        }
        // More than fit into any screen need not be counted.
        let packets =
            scene.snapshot.figures.wire.iter().rev().filter(|packet| self.has_kind_of(packet)).take(PACKETS_MAX).count();
        let (rows, width) = (packets + 3, wished(&packets::columns(scene.ends(), self.shows_probes, scene.snapshot.at)));
        Shape::growing((44, 4), (width + 2, rows_up_to(rows, 40)), 2).of_rows(rows).endless()
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 20,
            Preset::Transfer => 10,
            Preset::Network => 40,
            Preset::Files => 0,
        }
    }

    fn title(&self, scene: &Scene<'_>, inner: Rect) -> String {
        if self.shows_connections {
            return "Wire: connections, the last 10 s".into();
        }
        let figures = &scene.snapshot.figures;
        // The frame leaves a space before and behind it.
        kept::title(&figures.wire, &figures.wire_since, self.shows_probes, usize::from(inner.width.saturating_sub(2)))
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        if inner.height > 1 { below_heading(inner) } else { inner }
    }

    fn filled_width(&self, scene: &Scene<'_>, inner: Rect) -> Option<u16> {
        Some(match self.shows_connections {
            true => {
                Columns::fit(chosen(connections::columns(connections::are_of_several(scene)), self.list.hidden()), inner.width)
                    .used()
            }
            false => {
                let columns = packets::columns(scene.ends(), self.shows_probes, scene.snapshot.at);
                Columns::fit(chosen(columns, self.list.hidden()), inner.width).used()
            }
        })
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        if self.rows(scene) == 0 {
            let text = self.reason_of_nothing(scene);
            return canvas.row(0, vec![Span::styled(text, scene.theme.style(Role::Dim))]);
        }
        if self.shows_connections { self.draw_connections(scene, canvas) } else { self.draw_packets(scene, canvas) }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        if self.shows_connections { self.passing(scene).count() } else { self.packets(scene).count() }
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        // Without a filter the heading says how many packets there are.
        match self.shows_connections {
            true => Some("connections"),
            false => (!self.list.filter().is_empty()).then_some("packets"),
        }
    }

    fn orders(&self) -> &'static [Sortable] {
        connections::ORDERS
    }

    fn columns(&self, _scene: &Scene<'_>) -> &'static [&'static str] {
        if self.shows_connections { connections::HIDEABLE } else { packets::HIDEABLE }
    }

    fn is_sortable(&self) -> bool {
        self.shows_connections
    }

    fn keep_place(&mut self, scene: &Scene<'_>) {
        if self.shows_connections {
            let keys: Vec<u64> = self.connections(scene).map(|row| row.key()).collect();
            return self.list.hold(&keys);
        }
        // Of the packets the oldest go when new ones come. Counting them takes long, and the first one is there in any case.
        if self.list.selected() > 0 {
            let count = self.packets(scene).count();
            self.list.stay_within(count);
        }
    }

    fn is_newest_below(&self) -> bool {
        !self.shows_connections
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        self.selected(scene).map(|(host, node)| Deed::Watch(host, node))
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        if self.shows_connections {
            return self.connections(scene).nth(self.list.selected()).map(|row| connections::line(row.connection));
        }
        self.packets(scene).nth(self.list.selected()).map(|packet| packets::line(packet, scene.ends()))
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        let selected = self.selected(scene);
        let watch = selected.map(|(host, node)| Verb::new("", "watch its connection", Deed::Watch(host, node)));
        let trace = selected.map(|(_, node)| Verb::new("", "list its packets", Deed::Open(format!("trace {node}"))));
        let (other, probes) = match (self.shows_connections, self.shows_probes) {
            (true, _) => ("packets", None),
            (false, true) => ("connections", Some("hide probes")),
            (false, false) => ("connections", Some("show probes")),
        };
        let probes = probes.map(|label| Verb::new("p", label, Deed::Own(PROBES)));
        watch.into_iter().chain(trace).chain(probes).chain([Verb::new("c", other, Deed::Own(CONNECTIONS))]).collect()
    }

    fn keys(&self) -> &'static [&'static str] {
        &["p", "c"]
    }

    fn change(&mut self, change: Change<'_>) -> bool {
        match change {
            Change::Own(PROBES) => self.shows_probes ^= true,
            Change::Own(CONNECTIONS) => self.shows_connections ^= true,
            _ => return false,
        }
        // The rows are others now.
        self.list.select(0);
        true
    }
}

/// Draws the latest packets of the connections between a host and a node, the newest at the bottom.
pub fn draw_packets_of(scene: &Scene<'_>, (host, node): (Peer, NodeNumber), canvas: &mut Canvas<'_>) {
    let (ends, area) = (scene.ends(), below_heading(canvas.area));
    let height = usize::from(area.height);
    let concerns = |packet: &&PacketRecord| {
        let ends = [packet.from, packet.to].map(|end| ends.peer(*end.ip()));
        packet.connection.is_some() && [host, Peer::Node(node)].iter().all(|&peer| ends.contains(&Some(peer)))
    };
    let packets = scene.snapshot.figures.wire.iter().rev().filter(concerns).take(height);
    let rows = packets.enumerate().map(|(place, packet)| (height - 1 - place, packet));
    let cell = |packet: &&PacketRecord, quantity, _| packets::cell(scene.theme, scene.ends(), packet, quantity, false);
    let columns = packets::columns(scene.ends(), false, scene.snapshot.at);
    Columns::fit(columns, canvas.area.width).draw(scene.theme, canvas, area, rows, cell);
}

impl WirePane {
    /// Returns the packets that pass the filter, newest first.
    fn packets<'a, 's>(&'s self, scene: &'s Scene<'a>) -> impl Iterator<Item = &'a PacketRecord> + use<'a, 's> {
        let passes = move |packet: &PacketRecord| self.list.passes(|| packets::line(packet, scene.ends()));
        scene.snapshot.figures.wire.iter().rev().filter(move |packet| self.has_kind_of(packet) && passes(packet))
    }

    /// Returns true if packets of such a kind are shown.
    fn has_kind_of(&self, packet: &PacketRecord) -> bool {
        self.shows_probes || packet.kind != PacketKind::Datagram
    }

    /// Returns the host that has opened the connection of what is selected, and the node at the other end.
    fn selected(&self, scene: &Scene<'_>) -> Option<(Peer, NodeNumber)> {
        if self.shows_connections {
            let row = self.connections(scene).nth(self.list.selected());
            return row.map(|row| (row.connection.host, row.connection.node));
        }
        let packet = self.packets(scene).nth(self.list.selected())?;
        let [from, to] = [packet.from, packet.to].map(|end| scene.ends().peer(*end.ip()));
        // Between two nodes, one of them has opened it.
        let (connections, [asking, asked]) = (&scene.snapshot.figures.connections, [(from, to), (to, from)]);
        let is_open = |(host, node): (Option<Peer>, Option<Peer>)| {
            let is_it = |open: &ConnectionStatus| Some(open.host) == host && Some(Peer::Node(open.node)) == node;
            connections.iter().any(is_it)
        };
        let (host, node) = if is_open(asked) || asking.1?.node().is_none() { asked } else { asking };
        Some((host?, node?.node()?))
    }

    fn reason_of_nothing(&self, scene: &Scene<'_>) -> String {
        let latest = scene.snapshot.figures.wire.len();
        match (self.shows_connections, self.list.filter().is_empty()) {
            (_, false) => NOTHING_PASSES.into(),
            (true, true) => "There is no connection.".into(),
            (false, true) if latest > 0 => "Only probes here; `p` shows them.".into(),
            (false, true) => "No packets yet.".into(),
        }
    }

    fn draw_packets(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let area = self.row_area(scene, canvas.area);
        let (height, part) = (usize::from(area.height), self.part(scene, canvas.area));
        let rows = self.packets(scene).enumerate().skip(part.lowest()).take(height);
        // The newest packet is drawn in the lowest row.
        let rows = rows.enumerate().map(|(place, row)| (height - 1 - place, row));
        let cell = |(index, packet): &(usize, &PacketRecord), quantity, _| {
            let is_selected = scene.focus == Pane::Wire && self.list.selected() == *index;
            packets::cell(scene.theme, scene.ends(), packet, quantity, is_selected)
        };
        let columns = packets::columns(scene.ends(), self.shows_probes, scene.snapshot.at);
        Columns::fit(chosen(columns, self.list.hidden()), canvas.area.width).draw(scene.theme, canvas, area, rows, cell);
    }
}
