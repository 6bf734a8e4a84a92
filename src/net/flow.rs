//! A flow: both ends of one connection, and the two streams between them.
//!
//! The ends are kept together because they share the streams: what one writes is what the other reads, and it is never
//! copied. Knows nothing of links.

use std::collections::VecDeque;

use super::host::HostId;
use super::meter::Marked;
use super::packet::Side;
use super::tcp::connection::Connection;
use super::tcp::stream::ByteStream;
use crate::units::SimTime;

/// Names one end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub(crate) flow: u32,
    pub(crate) side: Side,
    /// Tells a connection from an earlier one that had its place.
    pub(crate) generation: u32,
}

impl ConnectionId {
    /// The other end of the same connection.
    #[must_use]
    pub const fn peer(self) -> ConnectionId {
        ConnectionId { side: self.side.other(), ..self }
    }

    /// Which end it is.
    pub const fn side(self) -> Side {
        self.side
    }

    /// The connection's number, which both ends share. It is used again when the connection is gone.
    pub const fn number(self) -> u32 {
        self.flow
    }
}

/// One end of a flow.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) host: HostId,
    pub(crate) port: u16,
    /// `None` before a SYN has come, and after the connection is over.
    pub(crate) connection: Option<Box<Connection>>,
    /// What this end writes.
    pub(crate) stream: ByteStream,
    /// The path of the packets that it sends.
    pub(crate) path: u32,
    /// The application is told once this many bytes can be read (`SO_RCVLOWAT`).
    pub(crate) read_mark: u64,
    /// The application has been told of all that can be read.
    pub(crate) read_told: bool,
    /// No SYN has come for it yet.
    pub(crate) expects_syn: bool,
    /// The application wants to be told when there is room to write.
    pub(crate) wants_room: bool,
    /// The application wants to be told when all that it wrote is acknowledged.
    pub(crate) wants_drained: bool,
    /// The first sequence number on the wire (RFC 9293 §3.4.1).
    pub(crate) initial_sequence: u32,
    /// All before this offset has been sent at least once.
    pub(crate) sent_high: u64,
    /// Offsets whose first sending is to be told, in order.
    pub(crate) send_marks: VecDeque<u64>,
    /// The application is told once all before this offset is acknowledged; [`u64::MAX`] where it did not ask.
    pub(crate) ack_mark: u64,
    /// What counts for a meter once it is acknowledged, in the order of the stream.
    pub(crate) marked: VecDeque<Marked>,
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
            sent_high: 1,
            send_marks: VecDeque::new(),
            ack_mark: u64::MAX,
            marked: VecDeque::new(),
        }
    }
}

/// Both ends of a connection.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) ends: [End; 2],
    pub(crate) generation: u32,
    /// Packets of it that are on their way: the flow stays until they have arrived.
    pub(crate) in_flight: u32,
    /// The queue's next entry for its timers; later ones are stale.
    pub(crate) timer_at: SimTime,
    /// Somebody watches its life.
    pub(crate) watched: bool,
}

impl Flow {
    pub(crate) fn end(&self, side: Side) -> &End {
        &self.ends[side.index()]
    }

    pub(crate) fn end_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[side.index()]
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

    /// When a timer of either end runs out.
    pub(crate) fn next_timeout(&self) -> SimTime {
        let at = |side| self.connection(side).map_or(SimTime::MAX, Connection::next_timeout);
        at(Side::Opener).min(at(Side::Acceptor))
    }

    /// Nobody needs it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.in_flight == 0 && self.ends.iter().all(|end| end.connection.is_none())
    }
}
