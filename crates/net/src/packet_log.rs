//! The packet log: one record per packet sent, for observers of the network.
//!
//! Records are made only while an observer has asked for them. At most as many are kept as it asked for of each kind, which are packets of
//! connections, those of them that have a fate, and datagrams; the oldest of a kind are discarded first.

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

/// Packets that were recorded, as far as they are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wire {
    /// Records that are kept, in the order in which the packets were sent.
    pub records: Vec<PacketRecord>,
    /// Number of packets recorded since the recording began.
    pub seen: u64,
    /// Instants from which on they are complete.
    pub since: WireSince,
}

/// Instants from which on the records of each kind are complete; `None` if nothing of the kind was discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WireSince {
    /// Instant of the earliest record kept among those of connections.
    pub packets: Option<SimTime>,
    /// Instant of the earliest record kept of a packet of a connection that was lost, sent again or a copy.
    pub fates: Option<SimTime>,
    /// Instant of the earliest record kept of a datagram.
    pub datagrams: Option<SimTime>,
}

impl PacketRecord {
    /// Returns true if more can be told of the packet than that it was sent: it was lost, had been sent before or is a copy.
    pub const fn has_fate(&self) -> bool {
        self.is_retransmission || self.is_copy || self.dropped.is_some()
    }
}

/// The latest records of each kind, up to the capacity that was asked for: datagrams, which probes send for ever, make none of a connection
/// go, and what became of a packet is kept for longer than the packets that simply arrived.
#[derive(Debug)]
pub(crate) struct PacketLog {
    packets: Ring,
    /// Records of `packets` that have a fate, and earlier ones of the kind.
    fates: Ring,
    datagrams: Ring,
    capacity: usize,
    seen: u64,
}

/// Records with the numbers of their packets, oldest first.
#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<(u64, PacketRecord)>,
    /// True if older ones were discarded.
    is_cut: bool,
}

impl Ring {
    fn push(&mut self, record: (u64, PacketRecord), capacity: usize) {
        if self.records.len() == capacity {
            self.records.pop_front();
            self.is_cut = true;
        }
        self.records.push_back(record);
    }

    /// Returns the latest `max` of the records whose packets have numbers below `end`, and the instant of the first one if there were earlier
    /// ones.
    fn latest(&self, max: usize, end: u64) -> (impl Iterator<Item = &(u64, PacketRecord)>, Option<SimTime>) {
        let end = self.records.partition_point(|(number, _)| *number < end);
        let first = end.saturating_sub(max);
        let is_cut = self.is_cut || first > 0;
        (self.records.range(first..end), self.records.get(first).filter(|_| is_cut).map(|(_, record)| record.at))
    }
}

impl PacketLog {
    pub(crate) fn new(capacity: usize) -> PacketLog {
        let [packets, fates, datagrams] = Default::default();
        PacketLog { packets, fates, datagrams, capacity: capacity.max(1), seen: 0 }
    }

    pub(crate) fn push(&mut self, record: PacketRecord) {
        let numbered = (self.seen, record);
        self.seen += 1;
        if record.connection.is_none() {
            return self.datagrams.push(numbered, self.capacity);
        }
        self.packets.push(numbered, self.capacity);
        if record.has_fate() {
            self.fates.push(numbered, self.capacity);
        }
    }

    /// Returns the latest `max` of the records kept of connections, as many of earlier ones that have a fate, and as many of datagrams.
    pub(crate) fn latest(&self, max: usize) -> Wire {
        let (datagrams, datagrams_since) = self.datagrams.latest(max, u64::MAX);
        let (packets, packets_since) = self.packets.latest(max, u64::MAX);
        let mut packets = packets.peekable();
        let first = packets.peek().map_or(u64::MAX, |(number, _)| *number);
        let (fates, fates_since) = self.fates.latest(max, first);
        let mut records: Vec<&(u64, PacketRecord)> = fates.chain(packets).chain(datagrams).collect();
        // Two runs that are in order already.
        records.sort_by_key(|(number, _)| *number);
        Wire {
            records: records.into_iter().map(|(_, record)| *record).collect(),
            seen: self.seen,
            since: WireSince { packets: packets_since, fates: fates_since, datagrams: datagrams_since },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::packet::Side;
    use super::*;

    const CONNECTION: Option<ConnectionId> = Some(ConnectionId { flow: 0, side: Side::Opener, generation: 0 });

    /// A packet of a connection or a datagram, sent in such a millisecond.
    fn record(millis: u64, connection: Option<ConnectionId>, is_retransmission: bool) -> PacketRecord {
        let end = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        PacketRecord {
            at: SimTime::from_nanos(millis * 1_000_000),
            from: end,
            to: end,
            connection,
            kind: if connection.is_some() { PacketKind::Data } else { PacketKind::Datagram },
            seq: 0,
            ack: 0,
            len: 0,
            wire_len: 40,
            window: 0,
            congestion_window: None,
            is_retransmission,
            is_copy: false,
            dropped: None,
        }
    }

    fn millis(wire: &Wire) -> Vec<u64> {
        wire.records.iter().map(|record| record.at.as_nanos() / 1_000_000).collect()
    }

    /// However many datagrams pass, the packets of connections stay; and what became of one is kept when those around it have gone.
    #[test]
    fn probes_discard_nothing_else_and_fates_are_kept_longest() {
        let mut log = PacketLog::new(4);
        (0..3).for_each(|millis| log.push(record(millis, CONNECTION, millis == 1)));
        (10..100).for_each(|millis| log.push(record(millis, None, false)));
        let wire = log.latest(4);
        assert_eq!((millis(&wire), wire.seen), (vec![0, 1, 2, 96, 97, 98, 99], 93));
        let datagrams = Some(SimTime::from_nanos(96_000_000));
        assert_eq!(wire.since, WireSince { packets: None, fates: None, datagrams });
        (100..110).for_each(|millis| log.push(record(millis, CONNECTION, false)));
        let since = Some(SimTime::from_nanos(106_000_000));
        assert_eq!(millis(&log.latest(4)), [1, 96, 97, 98, 99, 106, 107, 108, 109]);
        assert_eq!(log.latest(4).since, WireSince { packets: since, fates: None, datagrams });
        // A reader that asks for fewer gets the latest of each, and those with a fate of before.
        let wire = log.latest(2);
        assert_eq!(millis(&wire), [1, 98, 99, 108, 109]);
        assert_eq!(wire.since.packets, Some(wire.records[3].at));
        (110..115).for_each(|millis| log.push(record(millis, CONNECTION, true)));
        (120..124).for_each(|millis| log.push(record(millis, CONNECTION, false)));
        let wire = log.latest(4);
        assert_eq!(millis(&wire), [96, 97, 98, 99, 111, 112, 113, 114, 120, 121, 122, 123]);
        assert_eq!(wire.since.fates, Some(wire.records[4].at));
    }
}
