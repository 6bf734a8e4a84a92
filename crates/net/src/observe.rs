//! Observers of the network: the packet log and the capture, both fed at the point where packets leave their sender. They
//! cost nothing while neither is active.

use std::net::SocketAddrV4;

use super::Network;
#[cfg(feature = "pcap")]
use super::capture::Capture;
use super::packet::{Packet, Side};
use super::stats::DropCause;
use super::tcp::connection::Connection;
use super::wire::{PacketRecord, Route, WireLog};

/// Source and destination port of the health probes.
const PROBE_PORT: u16 = 7_001;

/// The active observers of a network.
#[derive(Debug, Default)]
pub(super) struct Observers {
    wire: Option<WireLog>,
    #[cfg(feature = "pcap")]
    pub(super) capture: Option<Capture>,
}

impl Observers {
    pub(super) fn any(&self) -> bool {
        #[cfg(feature = "pcap")]
        if self.capture.is_some() {
            return true;
        }
        self.wire.is_some()
    }
}

impl Network {
    /// Records every packet from now on and keeps the latest `capacity` records; `None` ends the recording.
    pub fn watch_wire(&mut self, capacity: Option<usize>) {
        self.observers.wire = capacity.map(WireLog::new);
    }

    /// Returns the latest `max` packets recorded, oldest first, and the number recorded since the recording began.
    pub fn wire(&self, max: usize) -> (Vec<PacketRecord>, u64) {
        self.observers.wire.as_ref().map(|wire| wire.latest(max)).unwrap_or_default()
    }

    /// Reports a packet to the active observers.
    pub(super) fn observe(&mut self, packet: &Packet, dropped: Option<DropCause>) {
        let Some(route) = self.route_of(packet) else { return };
        if let Some(mut wire) = self.observers.wire.take() {
            wire.push(self.record(packet, route, dropped));
            self.observers.wire = Some(wire);
        }
        #[cfg(feature = "pcap")]
        if let Some(mut capture) = self.observers.capture.take() {
            self.write_down(&mut capture, packet, route, dropped);
            self.observers.capture = Some(capture);
        }
    }

    fn record(&self, packet: &Packet, route: Route, dropped: Option<DropCause>) -> PacketRecord {
        let flow = self.flows.get(packet.flow as usize).filter(|_| !packet.is_datagram);
        let connection = flow.and_then(|flow| flow.connection(packet.from));
        PacketRecord {
            at: self.now,
            from: route.from,
            to: route.to,
            connection: flow.map(|flow| flow.id(packet.flow, packet.from)),
            kind: packet.kind(),
            seq: packet.seq,
            ack: packet.ack,
            len: packet.len,
            wire_len: packet.wire_len(),
            window: packet.window,
            congestion_window: connection.map(Connection::window),
            is_retransmission: packet.is_retransmission,
            dropped,
        }
    }

    fn route_of(&self, packet: &Packet) -> Option<Route> {
        if packet.is_datagram {
            let datagram = self.datagrams.get(packet.flow as usize)?;
            let at = |host| SocketAddrV4::new(self.address(host), PROBE_PORT);
            return Some(Route { from: at(datagram.from), to: at(datagram.to) });
        }
        let flow = self.flows.get(packet.flow as usize)?;
        let at = |side: Side| SocketAddrV4::new(self.address(flow.end(side).host), flow.end(side).port);
        Some(Route { from: at(packet.from), to: at(packet.from.other()) })
    }
}
