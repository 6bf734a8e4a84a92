//! What the network counted: for every host, link and connection, by kind of packet and by cause of loss.
//!
//! Counters only. Sums over the network are made from those of the hosts, so nothing is counted twice and nothing drifts.

use std::ops::{AddAssign, Index, IndexMut};

use serde::{Deserialize, Serialize};

use super::packet::PacketKind;

/// A count for each kind of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketCounts([u64; PacketKind::ALL.len()]);

impl PacketCounts {
    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Index<PacketKind> for PacketCounts {
    type Output = u64;
    fn index(&self, kind: PacketKind) -> &u64 {
        &self.0[kind as usize]
    }
}

impl IndexMut<PacketKind> for PacketCounts {
    fn index_mut(&mut self, kind: PacketKind) -> &mut u64 {
        &mut self.0[kind as usize]
    }
}

impl AddAssign for PacketCounts {
    fn add_assign(&mut self, other: PacketCounts) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// Why a packet did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DropCause {
    /// The path lost it, as its loss rate bids.
    Loss,
    /// A drop-tail queue was full.
    QueueFull,
    /// The host at the other end was down.
    HostDown,
}

impl DropCause {
    /// Every cause, in the order of the counters.
    pub const ALL: [DropCause; 3] = [DropCause::Loss, DropCause::QueueFull, DropCause::HostDown];

    /// The name on screens and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            DropCause::Loss => "loss",
            DropCause::QueueFull => "queue full",
            DropCause::HostDown => "host down",
        }
    }
}

/// Packets that did not arrive, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts([u64; DropCause::ALL.len()]);

impl DropCounts {
    /// All causes together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Index<DropCause> for DropCounts {
    type Output = u64;
    fn index(&self, cause: DropCause) -> &u64 {
        &self.0[cause as usize]
    }
}

impl IndexMut<DropCause> for DropCounts {
    fn index_mut(&mut self, cause: DropCause) -> &mut u64 {
        &mut self.0[cause as usize]
    }
}

impl AddAssign for DropCounts {
    fn add_assign(&mut self, other: DropCounts) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// One direction of an access link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkStats {
    /// Packets that it sent or has queued.
    pub packets: u64,
    /// Their bytes, whole IPv4 packets.
    pub bytes: u64,
    /// Packets that found its queue full.
    pub queue_drops: u64,
}

impl LinkStats {
    pub(crate) fn count(&mut self, bytes: u16) {
        self.packets += 1;
        self.bytes += u64::from(bytes);
    }
}

/// One host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostStats {
    /// Packets that it sent, by kind.
    pub sent: PacketCounts,
    /// Their bytes, whole IPv4 packets.
    pub bytes_sent: u64,
    /// Packets that reached it, by kind.
    pub received: PacketCounts,
    /// Their bytes, whole IPv4 packets.
    pub bytes_received: u64,
    /// Packets that it sent and that never arrived, by cause.
    pub dropped: DropCounts,
    /// Their bytes, whole IPv4 packets.
    pub bytes_dropped: u64,
    /// TCP packets with payload that it sent more than once.
    pub retransmits: u64,
}

impl AddAssign for HostStats {
    fn add_assign(&mut self, other: HostStats) {
        self.sent += other.sent;
        self.bytes_sent += other.bytes_sent;
        self.received += other.received;
        self.bytes_received += other.bytes_received;
        self.dropped += other.dropped;
        self.bytes_dropped += other.bytes_dropped;
        self.retransmits += other.retransmits;
    }
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConnectionStats {
    /// Packets of every kind that it sent.
    pub packets_sent: u64,
    /// Those of them that had been sent before: payload, SYNs and FINs (Linux `tcpi_total_retrans`).
    pub retransmits: u64,
    /// How often the retransmission timer ran out (RFC 6298 §5.4).
    pub timeouts: u64,
    /// Tail loss probes (RFC 8985 §7) that it sent.
    pub loss_probes: u64,
    /// How often a retransmission turned out to be needless and the window was restored.
    pub undos: u64,
    /// Payload bytes that the peer has acknowledged.
    pub bytes_acked: u64,
    /// Payload bytes received in order.
    pub bytes_received: u64,
}
