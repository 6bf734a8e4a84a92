//! Events that the network reports to its user: connections, data and datagrams; what it tells an observer of connections; and the
//! errors of a write.

use bytes::Bytes;
use p2p_base::units::SimTime;
use thiserror::Error;

use super::flow::ConnectionId;
use super::host::{Endpoint, HostId};
use super::stats::ConnectionStats;
use super::tcp::state::{CloseReason, ConnectionSample};

/// An event for the application. It occurred at [`Network::now`](super::Network::now).
#[derive(Debug, Clone, PartialEq)]
pub enum NetEvent {
    /// The handshake of a connection opened by this end is complete.
    Connected {
        /// The end that opened the connection.
        connection: ConnectionId,
    },
    /// A host has accepted a connection.
    Accepted {
        /// The end that accepted the connection.
        connection: ConnectionId,
        /// The host that accepted the connection.
        host: HostId,
        /// Port on which the connection was accepted.
        port: u16,
    },
    /// As much as was asked for can be read, or the peer has closed its stream. Reported once until the application reads.
    Readable {
        /// The end that may read.
        connection: ConnectionId,
    },
    /// A write has room again, after an earlier one was refused for lack of it.
    Writable {
        /// The end that may write.
        connection: ConnectionId,
    },
    /// All bytes written are acknowledged; reported on request.
    Drained {
        /// The end that wrote the bytes.
        connection: ConnectionId,
    },
    /// The connection is over for this end.
    Ended {
        /// The end that reports.
        connection: ConnectionId,
        /// The way in which the connection ended.
        reason: CloseReason,
        /// The final counters of this end.
        stats: ConnectionStats,
    },
    /// A byte of the stream has been sent for the first time; reported on request.
    Sent {
        /// The end that sent the byte.
        connection: ConnectionId,
        /// Offset of the byte in the sender's stream, from 0.
        offset: u64,
    },
    /// Payload was sent again.
    Retransmitted {
        /// The end that sent the payload.
        connection: ConnectionId,
        /// Offset of the first retransmitted byte in the sender's stream, from 0.
        offset: u64,
        /// Number of bytes retransmitted.
        len: u16,
    },
    /// A datagram has arrived.
    Datagram {
        /// Host and port that it reached.
        to: Endpoint,
        /// Host and port that sent it.
        from: Endpoint,
        /// Instant at which the datagram was sent.
        sent_at: SimTime,
        /// Payload of the datagram.
        payload: Bytes,
    },
}

/// State of an observed connection end after a change of it. It is not an event: whether anybody observes must not change the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConnectionChange {
    /// The end that is observed.
    pub connection: ConnectionId,
    /// State of the end at the instant of the change.
    pub sample: ConnectionSample,
    /// Counters of the end at that instant.
    pub stats: ConnectionStats,
}

/// Outcome of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Bytes that have arrived in order, at least one.
    Bytes(Bytes),
    /// Nothing has arrived, or nothing was asked for; [`NetEvent::Readable`] reports when there is more.
    Pending,
    /// The peer has closed its stream, and all of it has been read.
    End,
    /// The connection is over for this end; [`NetEvent::Ended`] has reported how, unless the end itself aborted it.
    Over,
}

impl Read {
    /// Returns the bytes that were read, if there were any.
    pub fn bytes(self) -> Option<Bytes> {
        match self {
            Read::Bytes(bytes) => Some(bytes),
            Read::Pending | Read::End | Read::Over => None,
        }
    }
}

/// A host identifier that no host of the network has, for example one of another network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the network has no host {}; it has {hosts}", host.index())]
pub struct UnknownHost {
    /// The identifier.
    pub host: HostId,
    /// Number of hosts of the network.
    pub hosts: usize,
}

/// Reason for which a write was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The send buffer is full; [`NetEvent::Writable`] reports when there is room again.
    #[error("the send buffer is full")]
    Full,
    /// The connection is over, or this end has closed its stream.
    #[error("the connection is closed for writing")]
    Closed,
}
