//! TCP as today's Linux speaks it, one connection end at a time and without I/O.
//!
//! | file | what it is | source |
//! |---|---|---|
//! | [`connection`], [`state`] | states, opening and closing | RFC 9293 |
//! | [`handshake`] | the SYN and its answer | RFC 9293, 6298 |
//! | [`sender`] | what is sent, and what an acknowledgement does | RFC 5681, 6298, 6675, 8985, 9937 |
//! | [`receiver`] | reassembly, SACK, delayed acknowledgements | RFC 2018, 2883, 1122, 9293 |
//! | [`receive_buffer`] | the memory for what arrives, and the window | RFC 9293, Linux's autotuning |
//! | [`liveness`] | signs of a peer's life, probes of an idle one | RFC 9293, 1122 |
//! | [`congestion`] | CUBIC with HyStart, NewReno | RFC 9438, 6582 |
//! | [`rtt`] | round-trip times and the retransmission timeout | RFC 6298 |
//! | [`stream`] | the bytes of one direction | |
//!
//! Where Linux and an RFC differ, the model does what Linux does and says so beside the rule, because the promise is to keep
//! the time that two Linux hosts would keep. Knows nothing of links: packets go out through a [`step::Step`].

pub(crate) mod congestion;
pub(crate) mod connection;
mod handshake;
pub(crate) mod liveness;
mod receive_buffer;
pub(crate) mod receiver;
mod rtt;
mod sender;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod stream;
mod timer;

pub use congestion::CongestionControl;
pub use liveness::{Activity, KeepAlive};

use serde::{Deserialize, Serialize};

use crate::units::{ByteSize, SimDuration};

/// What an application sets on its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpConfig {
    /// The congestion control of both ends.
    pub congestion: CongestionControl,
    /// How many bytes may wait to be sent or acknowledged before a write is cut short.
    pub send_buffer: ByteSize,
    /// The memory that the receive buffer may grow to, as Linux counts it: what arrives takes about 1.6 times its payload.
    pub receive_buffer: ByteSize,
    /// How long opening a connection may take before it fails.
    pub connect_timeout: SimDuration,
    /// How long sent data may stay unacknowledged, or keep-alive probes unanswered, before the connection is given up (RFC 5482;
    /// Linux `TCP_USER_TIMEOUT`).
    pub user_timeout: SimDuration,
    /// How idle connections are probed; `None` for never (RFC 9293 §3.8.4).
    pub keepalive: Option<KeepAlive>,
}

impl Default for TcpConfig {
    /// CUBIC; 4 MiB to send and 32 MiB to receive (Linux's `tcp_wmem` and `tcp_rmem` maxima); a minute to connect, two for an
    /// answer; no probes of idle connections.
    fn default() -> TcpConfig {
        TcpConfig {
            congestion: CongestionControl::Cubic,
            send_buffer: ByteSize::from_mib(4),
            receive_buffer: ByteSize::from_mib(32),
            connect_timeout: SimDuration::from_secs(60),
            user_timeout: SimDuration::from_secs(120),
            keepalive: None,
        }
    }
}

#[cfg(test)]
mod tests;
