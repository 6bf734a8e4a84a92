//! Observers of the network: the packet log and the capture, both fed at the point where packets leave their sender. They
//! cost nothing while neither is active.

use std::io::{self, Write};
use std::net::SocketAddrV4;

use super::Network;
use super::capture::{Capture, Route};
use super::packet::{Packet, Side};
use super::stats::DropCause;
use super::tcp::connection::Connection;
use super::wire::{PacketRecord, WireLog};

/// Source and destination port of the health probes.
const PROBE_PORT: u16 = 7_001;

/// The active observers of a network.
#[derive(Debug, Default)]
pub(super) struct Observers {
    wire: Option<WireLog>,
    capture: Option<Capture>,
}

impl Observers {
    pub(super) fn any(&self) -> bool {
        self.wire.is_some() || self.capture.is_some()
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

    /// Writes every packet from now on to `output` as pcapng, a whole block in each call of `write_all`.
    ///
    /// # Errors
    /// Fails if the header of the file cannot be written. A later error ends the capture, and is reported by
    /// [`capture_failure`](Self::capture_failure) and [`stop_capture`](Self::stop_capture).
    pub fn start_capture(&mut self, output: Box<dyn Write + Send>) -> io::Result<()> {
        self.observers.capture = Some(Capture::new(output)?);
        Ok(())
    }

    /// Returns the error that ended the capture, if there was one.
    pub fn capture_failure(&self) -> Option<&io::Error> {
        self.observers.capture.as_ref().and_then(Capture::failure)
    }

    /// Ends the capture and returns the number of packets that it holds; 0 if none was active.
    ///
    /// # Errors
    /// Returns the first error of writing the capture.
    pub fn stop_capture(&mut self) -> io::Result<u64> {
        self.observers.capture.take().map_or(Ok(0), Capture::finish)
    }

    /// Reports a packet to the active observers.
    pub(super) fn observe(&mut self, packet: &Packet, dropped: Option<DropCause>) {
        let Some(route) = self.route_of(packet) else { return };
        if let Some(mut wire) = self.observers.wire.take() {
            wire.push(self.record(packet, route, dropped));
            self.observers.wire = Some(wire);
        }
        if let Some(mut capture) = self.observers.capture.take() {
            self.write_down(&mut capture, packet, route, dropped);
            self.observers.capture = Some(capture);
        }
    }

    fn write_down(&self, capture: &mut Capture, packet: &Packet, route: Route, dropped: Option<DropCause>) {
        if packet.is_datagram {
            let payload = self.datagrams.get(packet.flow as usize).map(|datagram| datagram.payload.clone());
            capture.udp(self.now, route, &payload.unwrap_or_default(), dropped);
            return;
        }
        let stream = self.flows.get(packet.flow as usize).map(|flow| &flow.end(packet.from).stream);
        let mut payload = stream.map(|stream| stream.copy_range(packet.seq, usize::from(packet.len))).unwrap_or_default();
        payload.resize(usize::from(packet.len), 0);
        capture.tcp(self.now, route, packet, &payload, dropped);
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
            let (from, to) = (at(datagram.from), at(datagram.to));
            return Some(Route { from, to, initial_sequence: 0, peer_initial_sequence: 0 });
        }
        let flow = self.flows.get(packet.flow as usize)?;
        let at = |side: Side| {
            let end = flow.end(side);
            (SocketAddrV4::new(self.address(end.host), end.port), end.initial_sequence)
        };
        let ((from, initial_sequence), (to, peer_initial_sequence)) = (at(packet.from), at(packet.from.other()));
        Some(Route { from, to, initial_sequence, peer_initial_sequence })
    }
}
