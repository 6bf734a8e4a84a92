//! The words for how a connection stands: its state, how it ended, a moment of its life. Knows no rule by which they change.

use serde::{Deserialize, Serialize};

use crate::units::{SimDuration, SimTime};

/// The states of RFC 9293 §3.3.2 (LISTEN is a host's, not a connection's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// A SYN is sent.
    SynSent,
    /// A SYN has come and is answered.
    SynReceived,
    /// Data flows.
    Established,
    /// This end has said its last; the FIN is not acknowledged.
    FinWait1,
    /// It is.
    FinWait2,
    /// The peer has said its last.
    CloseWait,
    /// Both have, this end's FIN is not acknowledged, and this end closed first.
    Closing,
    /// The same where the peer closed first.
    LastAck,
    /// Over, but late packets may come.
    TimeWait,
    /// Over.
    Closed,
}

impl State {
    /// The RFC's name.
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

    /// Whether the handshake is still under way.
    pub const fn is_opening(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived)
    }

    /// Whether this end may still write.
    pub const fn may_send(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived | State::Established | State::CloseWait)
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// Both ends closed.
    Closed,
    /// The peer refused it: nothing listens there.
    Refused,
    /// The peer aborted it.
    Reset,
    /// The peer did not answer in time.
    TimedOut,
}

/// A moment of a connection's life, for those who watch one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ConnectionSample {
    /// When.
    pub at: SimTime,
    /// The state.
    pub state: State,
    /// The phase of loss recovery.
    pub phase: &'static str,
    /// The congestion window, in packets.
    pub window: u32,
    /// The slow-start threshold, in packets; `None` before the first loss.
    pub threshold: Option<u32>,
    /// Packets on their way.
    pub in_flight: u32,
    /// The smoothed round-trip time.
    pub srtt: SimDuration,
    /// The retransmission timeout.
    pub rto: SimDuration,
    /// Packets sent again so far.
    pub retransmits: u64,
}
