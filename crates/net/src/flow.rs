//! A flow: both ends of one connection, and the two byte streams between them.
//!
//! The ends are kept together because they share the streams: one end reads what the other has written, and the bytes are
//! never copied.

use std::collections::VecDeque;

use p2p_base::units::SimTime;

use super::host::HostId;
use super::meter::Marked;
use super::packet::Side;
use super::tcp::connection::Connection;
use super::tcp::stream::ByteStream;

/// Identifier of one end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub(crate) flow: u32,
    pub(crate) side: Side,
    /// Distinguishes this connection from earlier ones that used the same slot.
    pub(crate) generation: u32,
}

impl ConnectionId {
    /// Returns the other end of the same connection.
    #[must_use]
    pub const fn peer(self) -> ConnectionId {
        ConnectionId { side: self.side.other(), ..self }
    }

    /// Returns the side that this end is: opener or acceptor.
    pub const fn side(self) -> Side {
        self.side
    }

    /// Returns the number of the connection, which both ends share. The number is reused once the connection is gone.
    pub const fn number(self) -> u32 {
        self.flow
    }
}

/// State of one end of a flow.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) host: HostId,
    pub(crate) port: u16,
    /// TCP state of the end; `None` before a SYN has arrived, and after the connection is over.
    pub(crate) connection: Option<Box<Connection>>,
    /// Byte stream that this end writes.
    pub(crate) stream: ByteStream,
    /// Index of the path that carries the packets of this end.
    pub(crate) path: u32,
    /// Number of readable bytes at which the application is notified (`SO_RCVLOWAT`).
    pub(crate) read_mark: u64,
    /// True if the application has been notified of everything that can be read.
    pub(crate) read_told: bool,
    /// True if no SYN has arrived for this end yet.
    pub(crate) expects_syn: bool,
    /// True if the application waits for room to write.
    pub(crate) wants_room: bool,
    /// True if the application waits until everything that it wrote is acknowledged.
    pub(crate) wants_drained: bool,
    /// Initial sequence number on the wire (RFC 9293 §3.4.1).
    #[cfg_attr(not(feature = "pcap"), allow(dead_code, reason = "captures alone show it"))]
    pub(crate) initial_sequence: u32,
    /// Offset below which everything has been sent at least once.
    pub(crate) sent_high: u64,
    /// Marks on the stream that this end writes, from the first one on.
    pub(crate) marks: Option<Box<Marks>>,
}

/// Marks on a stream, of which its writer is told or which are counted.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Offsets whose first transmission is to be reported, in ascending order.
    pub(crate) sent: VecDeque<u64>,
    /// Ranges that count for a meter once they have arrived, in the order of the stream.
    pub(crate) metered: VecDeque<Marked>,
}

impl End {
    pub(crate) fn new(host: HostId, port: u16, path: u32, initial_sequence: u32) -> End {
        End {
            host,
            port,
            connection: None,
            stream: ByteStream::new(),
            path,
            read_mark: 1,
            read_told: false,
            expects_syn: false,
            wants_room: false,
            wants_drained: false,
            initial_sequence,
            sent_high: 0,
            marks: None,
        }
    }
}

/// Both ends of a connection, and the state that they share.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) ends: [End; 2],
    pub(crate) generation: u32,
    /// Number of packets of the flow in flight or to be sent; the flow is kept until they have arrived.
    pub(crate) in_flight: u32,
    /// Instant of the flow's valid entry in the event queue, [`SimTime::MAX`] if there is none; later entries are stale.
    pub(crate) timer_at: SimTime,
    /// True if an observer receives samples of the connection.
    pub(crate) watched: bool,
}

impl Flow {
    pub(crate) fn end(&self, side: Side) -> &End {
        &self.ends[side.index()]
    }

    pub(crate) fn end_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[side.index()]
    }

    /// Returns an end and the other one.
    pub(crate) fn pair_mut(&mut self, side: Side) -> [&mut End; 2] {
        let [opener, acceptor] = &mut self.ends;
        if side == Side::Opener { [opener, acceptor] } else { [acceptor, opener] }
    }

    pub(crate) fn connection(&self, side: Side) -> Option<&Connection> {
        self.end(side).connection.as_deref()
    }

    pub(crate) fn connection_mut(&mut self, side: Side) -> Option<&mut Connection> {
        self.end_mut(side).connection.as_deref_mut()
    }

    pub(crate) fn id(&self, flow: u32, side: Side) -> ConnectionId {
        ConnectionId { flow, side, generation: self.generation }
    }

    /// Returns the earliest instant at which a timer of either end expires; `None` if no timer is set.
    pub(crate) fn next_timeout(&self) -> Option<SimTime> {
        let connections = self.ends.iter().filter_map(|end| end.connection.as_deref());
        connections.filter_map(Connection::next_timeout).min()
    }

    /// Returns the number of bytes that an end can read now.
    pub(crate) fn readable(&self, side: Side) -> u64 {
        let arrived = self.connection(side).map_or(1, Connection::readable_to);
        arrived.saturating_sub(self.end(side.other()).stream.read_offset())
    }

    /// Returns true if the application of an end is to be told that it can read. It is told once, until it reads.
    pub(crate) fn takes_readable(&mut self, side: Side) -> bool {
        let is_enough = self.readable(side) >= self.end(side).read_mark;
        let is_worth_it = is_enough || self.connection(side).is_some_and(Connection::peer_finished);
        let end = self.end_mut(side);
        let is_news = is_worth_it && !end.read_told;
        end.read_told |= is_worth_it;
        is_news
    }

    /// Returns true if both ends are over and no packet is in flight.
    pub(crate) fn is_over(&self) -> bool {
        self.in_flight == 0 && self.ends.iter().all(|end| end.connection.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tens of thousands of connections at once are common: what one takes is decided here, and not by accident.
    #[test]
    fn a_connection_takes_little_room() {
        let sizes = [size_of::<Flow>(), size_of::<Connection>()];
        assert_eq!(sizes, [264, 688], "a flow, and each of its open ends");
    }
}
