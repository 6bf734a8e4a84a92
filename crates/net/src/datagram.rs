//! Datagrams (RFC 768): each arrives once, twice or never, and its sender is not notified.
//!
//! A datagram to a port on which its host does not receive is dropped and counted. RFC 1122 §4.1.3.1 asks for an ICMP Port
//! Unreachable in answer, as a SHOULD; the model has no ICMP, so the sender learns nothing, as behind a firewall.

use std::collections::HashSet;

use bytes::Bytes;
use p2p_base::units::SimTime;
use slab::Slab;

use super::Network;
use super::event::{NetEvent, UnknownHost};
use super::host::Endpoint;
use super::packet::Packet;
use super::stats::DropCause;
use super::wires::Fate;

/// Largest payload of a datagram in bytes: an MTU-sized packet less its headers.
const MAX_DATAGRAM: usize = 1472;

/// A datagram in flight.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) from: Endpoint,
    pub(crate) to: Endpoint,
    sent_at: SimTime,
    pub(crate) payload: Bytes,
    /// Number of packets in flight that carry the datagram.
    in_flight: u32,
}

/// Datagrams in flight, and the ports on which hosts receive them.
#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    in_flight: Slab<Datagram>,
    open: HashSet<Endpoint>,
}

impl Datagrams {
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Returns the datagram that a packet in flight carries.
    pub(crate) fn of(&self, packet: &Packet) -> &Datagram {
        &self.in_flight[packet.slot as usize]
    }

    /// Returns true if an application receives the datagram that a packet carries.
    pub(crate) fn is_received(&self, packet: &Packet) -> bool {
        self.open.contains(&self.of(packet).to)
    }

    fn insert(&mut self, from: Endpoint, to: Endpoint, sent_at: SimTime, payload: Bytes) -> Packet {
        let len = payload.len() as u16;
        let slot = self.in_flight.insert(Datagram { from, to, sent_at, payload, in_flight: 1 });
        Packet::datagram(slot as u32, len)
    }

    /// Takes notice that a packet, which was counted as one in flight, is `in_flight` packets now. A datagram without packets in
    /// flight is removed.
    pub(crate) fn record_in_flight(&mut self, packet: &Packet, in_flight: u32) {
        let datagram = &mut self.in_flight[packet.slot as usize];
        datagram.in_flight = datagram.in_flight + in_flight - 1;
        if datagram.in_flight == 0 {
            self.in_flight.remove(packet.slot as usize);
        }
    }

    /// Returns the event of a packet's arrival.
    pub(crate) fn handle_packet(&mut self, packet: &Packet) -> NetEvent {
        let Datagram { from, to, sent_at, ref payload, .. } = *self.of(packet);
        let event = NetEvent::Datagram { from, to, sent_at, payload: payload.clone() };
        self.record_in_flight(packet, 0);
        event
    }
}

impl Network {
    /// Receives datagrams on a port, until [`unbind`](Self::unbind).
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn bind(&mut self, at: Endpoint) -> Result<(), UnknownHost> {
        self.wires.host(at.host)?;
        self.sockets.datagrams.open.insert(at);
        Ok(())
    }

    /// Receives no further datagrams on a port; those that arrive are dropped with the cause [`DropCause::PortClosed`]. Returns
    /// true if the port was open.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn unbind(&mut self, at: Endpoint) -> Result<bool, UnknownHost> {
        self.wires.host(at.host)?;
        Ok(self.sockets.datagrams.open.remove(&at))
    }

    /// Sends a datagram. A payload longer than a packet holds is truncated. Returns false if the sender's own queue was full,
    /// which the sending host can see.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn send_datagram(&mut self, from: Endpoint, to: Endpoint, payload: Bytes) -> Result<bool, UnknownHost> {
        let path = self.wires.path(from.host, to.host)?;
        let payload = payload.slice(..payload.len().min(MAX_DATAGRAM));
        let packet = self.sockets.datagrams.insert(from, to, self.now, payload);
        Ok(self.transmit(path, &packet).original != Fate::Dropped(DropCause::QueueFull))
    }
}
