//! The wire pane: the latest packets, the newest at the bottom.
//!
//! ```text
//! 83.4021 .1:40112 → .6:7000  DATA seq 118736 len 1448 cwnd 38
//! ```
//! Addresses are shortened to their last octet.

use p2p_engine::snapshot::kind_name;
use p2p_net::{PacketKind, PacketRecord};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{first_below, row, selected};
use crate::tui::app::{App, Pane};
use crate::tui::theme::Role;

/// Returns the packets that pass the filter, newest first.
pub(crate) fn rows(app: &App) -> impl Iterator<Item = &PacketRecord> {
    let is_filtered = app.is_filtered(Pane::Wire);
    app.view.figures.wire.iter().rev().filter(move |packet| !is_filtered || app.passes(Pane::Wire, &line(packet)))
}

/// Returns a packet as a line of text, for the filter and the clipboard.
pub(crate) fn line(packet: &PacketRecord) -> String {
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

/// Draws the list of packets.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let first = first_below(app, Pane::Wire, area);
    for (place, packet) in rows(app).skip(first).take(usize::from(area.height)).enumerate() {
        // The newest packet is drawn in the lowest row.
        let from_top = usize::from(area.height) - 1 - place;
        row(buffer, area, from_top, spans(app, packet, first + place));
    }
}

fn spans<'a>(app: &App, packet: &PacketRecord, place: usize) -> Vec<Span<'a>> {
    let (theme, glyphs) = (&app.theme, &app.theme.glyphs);
    let arrow = if glyphs.is_unicode { "→" } else { ">" };
    let kind = match packet.kind {
        PacketKind::Syn | PacketKind::SynAck | PacketKind::Fin => Role::Accent,
        PacketKind::Rst => Role::Bad,
        PacketKind::Data => Role::Flow,
        _ => Role::Dim,
    };
    let end = |address: std::net::SocketAddrV4| format!(".{}:{}", address.ip().octets()[3], address.port());
    let time = if selected(app, Pane::Wire, place) { Role::Selected } else { Role::Dim };
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
