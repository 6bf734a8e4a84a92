//! The wire pane: the latest packets, the newest at the bottom.
//!
//! ```text
//! 83.4021 .1:40112 → .6:7000  DATA seq 118736 len 1448 cwnd 38
//! ```
//! Addresses are shortened to their last octet.

use p2p_engine::snapshot::kind_name;
use p2p_net::{PacketKind, PacketRecord};
use ratatui::layout::{Rect, Size};
use ratatui::text::Span;

use super::rows::Rows;
use super::scene::Scene;
use super::scroll::first_below;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Deed, Pane, PaneView};
use crate::tui::preset::Preset;
use crate::tui::theme::Role;

/// The latest packets.
#[derive(Debug, Default)]
pub(super) struct WirePane {
    list: Rows,
}

impl PaneView for WirePane {
    fn shape(&self, scene: &Scene<'_>, _room: Size) -> Shape {
        Shape::growing((50, 4), (80, rows_up_to(scene.snapshot.figures.wire.len() + 2, 40)), 2)
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 20,
            Preset::Transfer => 10,
            Preset::Network => 40,
            Preset::Files => 0,
        }
    }

    fn title(&self, scene: &Scene<'_>, _inner: Rect) -> String {
        format!("Wire: {} packets", scene.snapshot.figures.wire_seen)
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let height = usize::from(canvas.area.height);
        let first = first_below(self.list.selected(), canvas.area.height);
        for (place, packet) in self.packets(scene).skip(first).take(height).enumerate() {
            let is_selected = scene.focus == Pane::Wire && self.list.selected() == first + place;
            // The newest packet is drawn in the lowest row.
            canvas.row(height - 1 - place, spans(scene, packet, is_selected));
        }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        self.packets(scene).count()
    }

    fn counts_rows(&self) -> bool {
        // Without a filter the heading says how many packets there are.
        !self.list.filter().is_empty()
    }

    fn is_newest_below(&self) -> bool {
        true
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        // The connection of a packet is that to the node at either end.
        let packet = self.packets(scene).nth(self.list.selected())?;
        let nodes = &scene.snapshot.figures.nodes;
        let of = |address| nodes.iter().find(|node| node.address == address).map(|node| node.node);
        let node = of(*packet.from.ip()).or_else(|| of(*packet.to.ip()))?;
        Some(Deed::Open(format!("trace {node}")))
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        self.packets(scene).nth(self.list.selected()).map(line)
    }
}

impl WirePane {
    /// Returns the packets that pass the filter, newest first.
    fn packets<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = &'a PacketRecord> {
        let is_filtered = !self.list.filter().is_empty();
        scene.snapshot.figures.wire.iter().rev().filter(move |packet| !is_filtered || self.list.passes(&line(packet)))
    }
}

/// Returns a packet as a line of text, for the filter and the clipboard.
fn line(packet: &PacketRecord) -> String {
    let fate = packet.dropped.map(|cause| format!(" lost: {}", cause.name()));
    let again = match packet {
        PacketRecord { is_copy: true, .. } => " copy",
        PacketRecord { is_retransmission: true, .. } => " again",
        _ => "",
    };
    format!(
        "{:.4} {} > {} {} seq {} ack {} len {}{again}{}",
        packet.at.as_secs_f64(),
        packet.from,
        packet.to,
        kind_name(packet.kind),
        packet.seq,
        packet.ack,
        packet.len,
        fate.unwrap_or_default()
    )
}

fn spans<'a>(scene: &Scene<'_>, packet: &PacketRecord, is_selected: bool) -> Vec<Span<'a>> {
    let (theme, glyphs) = (scene.theme, &scene.theme.glyphs);
    let arrow = if glyphs.is_unicode { "→" } else { ">" };
    let kind = match packet.kind {
        PacketKind::Syn | PacketKind::SynAck | PacketKind::Fin => Role::Accent,
        PacketKind::Rst => Role::Bad,
        PacketKind::Data => Role::Flow,
        _ => Role::Dim,
    };
    let end = |address: std::net::SocketAddrV4| format!(".{}:{}", address.ip().octets()[3], address.port());
    let time = if is_selected { Role::Selected } else { Role::Dim };
    let window = packet.congestion_window.map(|window| format!(" cwnd {window}")).unwrap_or_default();
    let mut spans = vec![
        Span::styled(format!("{:>9.4}", packet.at.as_secs_f64()), theme.style(time)),
        Span::styled(format!(" {:>9} {arrow} {:<9}", end(packet.from), end(packet.to)), theme.style(Role::Text)),
        Span::styled(format!(" {:<12}", kind_name(packet.kind)), theme.style(kind)),
    ];
    if packet.connection.is_some() {
        let text = format!("seq {:<8} len {:<4}{window}", packet.seq, packet.len);
        spans.push(Span::styled(text, theme.style(Role::Dim)));
    }
    if packet.is_copy {
        spans.push(Span::styled(" copy", theme.style(Role::Warning)));
    } else if packet.is_retransmission {
        spans.push(Span::styled(" again", theme.style(Role::Warning)));
    }
    if let Some(cause) = packet.dropped {
        spans.push(Span::styled(format!(" {} {}", glyphs.lost, cause.name()), theme.style(Role::Bad)));
    }
    spans
}
