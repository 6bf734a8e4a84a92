//! What the network tells those who use it. Knows nothing of what they make of it.

use bytes::Bytes;
use thiserror::Error;

use super::flow::ConnectionId;
use super::host::HostId;
use super::stats::ConnectionStats;
use super::tcp::state::{ConnectionSample, Ending};
use crate::units::SimTime;

/// Something that an application cares about. It happened at [`Network::now`](super::Network::now).
#[derive(Debug, Clone, PartialEq)]
pub enum NetEvent {
    /// The handshake of a connection that this end opened is done.
    Connected {
        /// This end.
        connection: ConnectionId,
    },
    /// A host has accepted a connection.
    Accepted {
        /// The accepting end.
        connection: ConnectionId,
        /// The accepting host.
        host: HostId,
        /// Its port.
        port: u16,
    },
    /// As much can be read as was asked for, or the peer has said its last. Told once until something is read.
    Readable {
        /// The reading end.
        connection: ConnectionId,
    },
    /// There is room to write again, after a write found none.
    Writable {
        /// The writing end.
        connection: ConnectionId,
    },
    /// All that was written is acknowledged, as was asked for.
    Drained {
        /// The writing end.
        connection: ConnectionId,
    },
    /// As much of what was written is acknowledged as was asked for.
    Acknowledged {
        /// The writing end.
        connection: ConnectionId,
    },
    /// The connection is over for this end.
    Ended {
        /// This end.
        connection: ConnectionId,
        /// How.
        ending: Ending,
        /// What this end has counted.
        stats: ConnectionStats,
    },
    /// A byte of a stream has been sent for the first time, as was asked for.
    Sent {
        /// The sending end.
        connection: ConnectionId,
        /// Where in its stream the byte is, from 0.
        offset: u64,
    },
    /// Payload was sent again.
    Retransmitted {
        /// The sending end.
        connection: ConnectionId,
        /// Where in its stream, from 0.
        offset: u64,
        /// How many bytes.
        len: u16,
    },
    /// A datagram has arrived.
    Datagram {
        /// The host that it reached.
        to: HostId,
        /// The host that sent it.
        from: HostId,
        /// When it was sent.
        sent_at: SimTime,
        /// What it says.
        payload: Bytes,
    },
    /// A moment of the life of a connection that is watched.
    Sample {
        /// The end.
        connection: ConnectionId,
        /// How it stands.
        sample: ConnectionSample,
    },
}

/// Why a write was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The send buffer is full; [`NetEvent::Writable`] tells when it is not.
    #[error("the send buffer is full")]
    Full,
    /// The connection is over, or this end has said its last.
    #[error("the connection is closed for writing")]
    Closed,
}
