//! Counters of the network: per host and connection, by kind of packet and by cause of loss.
//!
//! Sums over the network are computed from the counters of the hosts, so nothing is counted twice.

use std::ops::{AddAssign, Index, IndexMut};

use super::packet::{Packet, PacketKind, Traits};

/// Number of packets of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketCounts([u64; PacketKind::ALL.len()]);

impl PacketCounts {
    /// Returns the sum over all kinds.
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

/// Cause of a packet's loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DropCause {
    /// The path lost the packet at random, with the probability of its loss rate or in a burst.
    Loss,
    /// A drop-tail queue was full.
    QueueFull,
    /// The receiving host was down, or the sending host went down before the packet had left it.
    HostDown,
    /// A bit of the packet was changed on the path, and the receiver's checksum revealed it.
    Corrupt,
    /// The path was cut.
    Cut,
    /// No application received datagrams on the port.
    PortClosed,
}

impl DropCause {
    /// All causes, in the order of the counters.
    pub const ALL: [DropCause; 6] =
        [DropCause::Loss, DropCause::QueueFull, DropCause::HostDown, DropCause::Corrupt, DropCause::Cut, DropCause::PortClosed];

    /// Returns the name used on screens and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            DropCause::Loss => "loss",
            DropCause::QueueFull => "queue full",
            DropCause::HostDown => "host down",
            DropCause::Corrupt => "bad checksum",
            DropCause::Cut => "path cut",
            DropCause::PortClosed => "port closed",
        }
    }
}

/// Number of packets lost, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts([u64; DropCause::ALL.len()]);

impl DropCounts {
    /// Returns the sum over all causes.
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

/// Counters of one host. Every packet is counted once at its end: of all hosts together, the packets sent and duplicated are
/// those received, dropped and still in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostStats {
    /// Packets that the host sent, by kind.
    pub sent: PacketCounts,
    /// Bytes that the host sent, as whole IPv4 packets.
    pub bytes_sent: u64,
    /// Copies that paths made of the host's packets.
    pub duplicated: u64,
    /// Bytes of those copies, as whole IPv4 packets.
    pub bytes_duplicated: u64,
    /// Packets of the host that arrive before one that had entered their path earlier, and was in flight.
    pub reordered: u64,
    /// Packets that reached the host, by kind.
    pub received: PacketCounts,
    /// Bytes that reached the host, as whole IPv4 packets.
    pub bytes_received: u64,
    /// Packets that the host sent, or copies of them, that never arrived, by cause.
    pub dropped: DropCounts,
    /// Bytes of the packets that never arrived, as whole IPv4 packets.
    pub bytes_dropped: u64,
    /// TCP packets that the host retransmitted: payload, SYNs and FINs, as the connections count them.
    pub retransmits: u64,
}

impl HostStats {
    /// Counts a packet that the host sends.
    pub(crate) fn record_sent(&mut self, packet: &Packet) {
        self.sent[packet.kind()] += 1;
        self.bytes_sent += u64::from(packet.wire_len());
        self.retransmits += u64::from(packet.traits.any(Traits::RETRANSMISSION));
    }

    /// Counts a copy that a path makes of one of the host's packets.
    pub(crate) fn record_duplicated(&mut self, packet: &Packet) {
        self.duplicated += 1;
        self.bytes_duplicated += u64::from(packet.wire_len());
    }

    /// Counts a packet that the host takes.
    pub(crate) fn record_received(&mut self, packet: &Packet) {
        self.received[packet.kind()] += 1;
        self.bytes_received += u64::from(packet.wire_len());
    }

    /// Counts a packet of the host that is dropped.
    pub(crate) fn record_dropped(&mut self, packet: &Packet, cause: DropCause) {
        self.dropped[cause] += 1;
        self.bytes_dropped += u64::from(packet.wire_len());
    }
}

impl AddAssign for HostStats {
    fn add_assign(&mut self, other: HostStats) {
        self.sent += other.sent;
        self.bytes_sent += other.bytes_sent;
        self.duplicated += other.duplicated;
        self.bytes_duplicated += other.bytes_duplicated;
        self.reordered += other.reordered;
        self.received += other.received;
        self.bytes_received += other.bytes_received;
        self.dropped += other.dropped;
        self.bytes_dropped += other.bytes_dropped;
        self.retransmits += other.retransmits;
    }
}

/// Counters of one end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConnectionStats {
    /// Packets of every kind that the end sent.
    pub packets_sent: u64,
    /// Retransmitted packets: payload, SYNs and FINs (Linux `tcpi_total_retrans`).
    pub retransmits: u64,
    /// Number of expirations of the retransmission timer (RFC 6298 §5.4).
    pub timeouts: u64,
    /// Tail loss probes (RFC 8985 §7) sent.
    pub loss_probes: u64,
    /// Number of window reductions undone because the retransmissions turned out to be unnecessary.
    pub undos: u64,
    /// Payload bytes that the peer has acknowledged.
    pub bytes_acked: u64,
    /// Payload bytes received in order.
    pub bytes_received: u64,
    /// Payload bytes that have arrived, in order and beyond holes.
    pub bytes_arrived: u64,
}
