//! The state of a connection, the way in which it ended, and samples of it for observers. The rules by which they change are
//! elsewhere.

use p2p_base::units::{SimDuration, SimTime};

/// States of a connection (RFC 9293 §3.3.2; LISTEN belongs to a host, not to a connection).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum State {
    /// SYN-SENT: a SYN has been sent.
    SynSent,
    /// SYN-RECEIVED: a SYN has arrived and been answered.
    SynReceived,
    /// ESTABLISHED: data can flow in both directions.
    Established,
    /// FIN-WAIT-1: this end has closed its stream, and its FIN is not acknowledged yet.
    FinWait1,
    /// FIN-WAIT-2: this end has closed its stream, and its FIN is acknowledged.
    FinWait2,
    /// CLOSE-WAIT: the peer has closed its stream.
    CloseWait,
    /// CLOSING: both ends have closed, this end first, and its FIN is not acknowledged yet.
    Closing,
    /// LAST-ACK: both ends have closed, the peer first, and this end's FIN is not acknowledged yet.
    LastAck,
    /// TIME-WAIT: both ends have closed, but delayed packets may still arrive.
    TimeWait,
    /// CLOSED: the connection is over.
    Closed,
}

impl State {
    /// Returns the name of the state in RFC 9293.
    pub const fn name(self) -> &'static str {
        match self {
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
            State::Closed => "CLOSED",
        }
    }

    /// Returns true if the handshake is still in progress.
    pub const fn is_opening(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived)
    }

    /// Returns true if this end may still write.
    pub const fn may_send(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived | State::Established | State::CloseWait)
    }
}

/// The way in which a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CloseReason {
    /// Both ends closed their streams.
    Closed,
    /// The peer refused the connection: the port is not open.
    Refused,
    /// The peer aborted the connection.
    Reset,
    /// The peer did not answer in time.
    TimedOut,
}

/// Packets that a connection end has sent and of which it has no acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outstanding {
    /// Instant at which a packet was last sent.
    pub sent_at: SimTime,
    /// Instant at which the end's timer expires, which then sends again (RFC 6298 §5, RFC 8985 §7), unless an acknowledgement arrives before.
    pub again_at: SimTime,
}

/// Sample of a connection's state, for observers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConnectionSample {
    /// Instant of the sample.
    pub at: SimTime,
    /// State of the connection.
    pub state: State,
    /// Phase of loss recovery.
    pub phase: &'static str,
    /// Congestion window, in packets.
    pub window: u32,
    /// Slow-start threshold, in packets; `None` before the first loss.
    pub threshold: Option<u32>,
    /// Number of packets in flight.
    pub in_flight: u32,
    /// Smoothed round-trip time of the connection.
    pub srtt: SimDuration,
    /// Retransmission timeout, with its doublings.
    pub rto: SimDuration,
    /// Number of retransmissions so far.
    pub retransmits: u64,
}
