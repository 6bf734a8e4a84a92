//! The packet log: one record per packet sent, for observers of the network.
//!
//! Records are made only while an observer has asked for them, and at most as many are kept as it asked for; the oldest are
//! discarded first.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use p2p_base::units::SimTime;

use super::flow::ConnectionId;
use super::packet::PacketKind;
use super::stats::DropCause;

/// Addresses and ports between which a packet travels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) from: SocketAddrV4,
    pub(super) to: SocketAddrV4,
}

/// Record of a packet as it left its sender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacketRecord {
    /// Instant at which the packet was handed to the uplink.
    pub at: SimTime,
    /// Address and port of the sender.
    pub from: SocketAddrV4,
    /// Address and port of the receiver.
    pub to: SocketAddrV4,
    /// Sending end of the connection; `None` for a datagram.
    pub connection: Option<ConnectionId>,
    /// Kind of the packet.
    pub kind: PacketKind,
    /// Offset of the packet's first byte in the sender's stream.
    pub seq: u64,
    /// Offset that the sender expects next from its peer.
    pub ack: u64,
    /// Payload length in bytes.
    pub len: u16,
    /// Length of the whole IPv4 packet in bytes.
    pub wire_len: u16,
    /// Receive window that the packet advertises, in bytes.
    pub window: u32,
    /// Congestion window of the sender, in packets.
    pub congestion_window: Option<u32>,
    /// True if the payload, the SYN or the FIN had been sent before.
    pub is_retransmission: bool,
    /// True if the path made this packet, a copy of the one before it.
    pub is_copy: bool,
    /// Cause of the packet's loss, if it is known when the packet is sent. A drop at a full downlink queue happens later and is
    /// not recorded here; a changed bit is, although the checksum reveals it only at the receiver.
    pub dropped: Option<DropCause>,
}

/// The latest records, up to the capacity that was asked for.
#[derive(Debug)]
pub(crate) struct PacketLog {
    records: VecDeque<PacketRecord>,
    capacity: usize,
    seen: u64,
}

impl PacketLog {
    pub(crate) fn new(capacity: usize) -> PacketLog {
        PacketLog { records: VecDeque::new(), capacity: capacity.max(1), seen: 0 }
    }

    pub(crate) fn push(&mut self, record: PacketRecord) {
        if self.records.len() == self.capacity {
            self.records.pop_front();
        }
        self.seen += 1;
        self.records.push_back(record);
    }

    /// Returns the latest `max` of the records kept, oldest first, and the number of all packets recorded so far.
    pub(crate) fn latest(&self, max: usize) -> (Vec<PacketRecord>, u64) {
        let skipped = self.records.len().saturating_sub(max);
        (self.records.iter().skip(skipped).copied().collect(), self.seen)
    }
}
