//! Observers of the network: the packet log and the capture, both fed at the point where packets leave their sender. They
//! cost nothing while neither is active, and see what crosses a link, not what hosts send themselves.

use std::net::SocketAddrV4;

use p2p_base::units::SimTime;

use super::Network;
#[cfg(feature = "pcap")]
use super::capture::Capture;
use super::packet::{Packet, Traits};
use super::packet_log::{PacketLog, PacketRecord, Route, Wire};
use super::sockets::Sockets;
use super::stats::DropCause;
use super::tcp::connection::Connection;
use super::wires::{Fate, Sent, Wires};

/// The active observers of a network.
#[derive(Debug, Default)]
pub(super) struct Observers {
    log: Option<PacketLog>,
    #[cfg(feature = "pcap")]
    pub(super) capture: Option<Capture>,
}

impl Observers {
    pub(super) fn any(&self) -> bool {
        #[cfg(feature = "pcap")]
        if self.capture.is_some() {
            return true;
        }
        self.log.is_some()
    }

    /// Reports a packet that was sent, and the copy that its path made of it, to the active observers.
    pub(super) fn observe(&mut self, now: SimTime, parts: (&Wires, &Sockets), packet: &Packet, sent: Sent) {
        let Some(route) = route_of(parts, packet) else { return };
        let (_, sockets) = parts;
        for (is_copy, fate) in [(false, Some(sent.original)), (true, sent.copy)] {
            let Some(fate) = fate else { continue };
            let traits = packet.traits.with(Traits::COPY, is_copy).with(Traits::CORRUPT, fate == Fate::Corrupt);
            let packet = Packet { traits, ..*packet };
            if let Some(log) = &mut self.log {
                log.push(record(now, sockets, &packet, route, fate.dropped()));
            }
            #[cfg(feature = "pcap")]
            if let Some(capture) = &mut self.capture {
                capture.observe(now, sockets, &packet, route, fate.dropped());
            }
        }
    }
}

fn record(now: SimTime, sockets: &Sockets, packet: &Packet, route: Route, dropped: Option<DropCause>) -> PacketRecord {
    let flow = sockets.flow_of(packet);
    let connection = flow.and_then(|flow| flow.connection(packet.side()));
    PacketRecord {
        at: now,
        from: route.from,
        to: route.to,
        connection: flow.map(|flow| flow.id(packet.slot, packet.side())),
        kind: packet.kind(),
        seq: packet.seq,
        ack: packet.ack,
        len: packet.len,
        wire_len: packet.wire_len(),
        window: packet.window,
        congestion_window: connection.map(Connection::window),
        is_retransmission: packet.traits.any(Traits::RETRANSMISSION),
        is_copy: packet.traits.any(Traits::COPY),
        dropped,
    }
}

fn route_of((wires, sockets): (&Wires, &Sockets), packet: &Packet) -> Option<Route> {
    let at = |host, port| SocketAddrV4::new(wires.address(host), port);
    if packet.is_datagram() {
        let datagram = sockets.datagrams.of(packet);
        let (from, to) = (datagram.from, datagram.to);
        return Some(Route { from: at(from.host, from.port), to: at(to.host, to.port) });
    }
    let flow = sockets.flow_of(packet)?;
    let (from, to) = (flow.end(packet.side()), flow.end(packet.side().other()));
    Some(Route { from: at(from.host, from.port), to: at(to.host, to.port) })
}

impl Network {
    /// Records every packet from now on and keeps the latest `capacity` records of connections, as many of those among them that were lost,
    /// sent again or are copies, and as many of datagrams; `None` ends the recording.
    pub fn watch_wire(&mut self, capacity: Option<usize>) {
        self.observers.log = capacity.map(PacketLog::new);
    }

    /// Returns the latest `max` packets recorded of each kind.
    pub fn wire(&self, max: usize) -> Wire {
        self.observers.log.as_ref().map(|log| log.latest(max)).unwrap_or_default()
    }
}
