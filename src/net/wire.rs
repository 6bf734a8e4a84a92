//! The wire, watched: one record a packet for those who look on.
//!
//! Records are made only while somebody watches, and no more are kept than the watcher asked for: the oldest give way. Knows nothing of screens.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use super::flow::ConnectionId;
use super::packet::PacketKind;
use super::stats::DropCause;
use crate::units::SimTime;

/// A packet as it left its sender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacketRecord {
    /// When it was handed to the uplink.
    pub at: SimTime,
    /// Who sent it.
    pub from: SocketAddrV4,
    /// Whom it is for.
    pub to: SocketAddrV4,
    /// The sending end; `None` for a datagram.
    pub connection: Option<ConnectionId>,
    /// What it is.
    pub kind: PacketKind,
    /// The offset of its first byte in the sender's stream.
    pub seq: u64,
    /// The offset that its sender expects next.
    pub ack: u64,
    /// Payload bytes.
    pub len: u16,
    /// Bytes on the wire, the IPv4 packet.
    pub wire_len: u16,
    /// The receive window that it tells, in bytes.
    pub window: u32,
    /// The sender's congestion window, in packets.
    pub congestion_window: Option<u32>,
    /// Its payload was sent before.
    pub is_retransmission: bool,
    /// Why it will not arrive, where that is known when it is sent. A downlink's full queue shows only there.
    pub dropped: Option<DropCause>,
}

/// The latest records, as many as were asked for.
#[derive(Debug)]
pub(crate) struct WireLog {
    records: VecDeque<PacketRecord>,
    capacity: usize,
    seen: u64,
}

impl WireLog {
    pub(crate) fn new(capacity: usize) -> WireLog {
        WireLog { records: VecDeque::new(), capacity: capacity.max(1), seen: 0 }
    }

    pub(crate) fn push(&mut self, record: PacketRecord) {
        if self.records.len() == self.capacity {
            self.records.pop_front();
        }
        self.seen += 1;
        self.records.push_back(record);
    }

    /// The latest `max` of those that are kept, oldest first, and how many there have been.
    pub(crate) fn latest(&self, max: usize) -> (Vec<PacketRecord>, u64) {
        let skipped = self.records.len().saturating_sub(max);
        (self.records.iter().skip(skipped).copied().collect(), self.seen)
    }
}
