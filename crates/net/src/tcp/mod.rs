//! TCP as implemented by current Linux, one connection end at a time and without I/O.
//!
//! | file | contents | source |
//! |---|---|---|
//! | [`connection`], [`state`] | states, opening and closing | RFC 9293 |
//! | [`handshake`] | the SYN and its answer | RFC 9293, 6298 |
//! | [`sender`] | transmission, and the processing of acknowledgements | RFC 5681, 6298, 6675, 8985, 9937 |
//! | [`receiver`] | reassembly, the window, delayed acknowledgements | RFC 1122, 5681, 9293 |
//! | [`out_of_order`] | data beyond a hole, SACK blocks | RFC 2018, 2883 |
//! | [`reset`] | the validation of resets | RFC 5961 |
//! | [`receive_buffer`] | the receive memory and the window | RFC 9293, Linux's autotuning |
//! | [`liveness`] | signs of life of a peer, keep-alive probes | RFC 9293, 1122 |
//! | [`congestion`] | CUBIC with HyStart, NewReno | RFC 9438, 6582 |
//! | [`rtt`] | round-trip times and the retransmission timeout | RFC 6298 |
//! | [`stream`] | the bytes of one direction | |
//!
//! Where Linux and an RFC differ, the model follows Linux and notes the difference beside the rule, because a transfer is to
//! take the time that two Linux hosts would take. Packets are sent through a [`step::Step`].

pub(crate) mod congestion;
pub(crate) mod connection;
mod handshake;
pub(crate) mod liveness;
mod out_of_order;
mod receive_buffer;
pub(crate) mod receiver;
mod reset;
mod rtt;
pub(crate) mod sender;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod stream;
mod timer;

pub use congestion::CongestionControl;
pub use liveness::{Activity, KeepAlive};

use p2p_base::units::{ByteSize, SimDuration};

/// Options that an application sets on its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TcpConfig {
    /// Congestion control of the connection end.
    pub congestion: CongestionControl,
    /// Limit in bytes of the data waiting to be sent or acknowledged, above which writes are refused.
    pub send_buffer: ByteSize,
    /// Memory that the receive buffer may grow to, as Linux counts it: a byte of payload takes about 1.6 bytes of memory.
    pub receive_buffer: ByteSize,
    /// Time after which an attempt to open a connection fails.
    pub connect_timeout: SimDuration,
    /// Time for which sent data may stay unacknowledged, or keep-alive probes unanswered, before the connection is aborted
    /// (RFC 5482; Linux `TCP_USER_TIMEOUT`).
    pub user_timeout: SimDuration,
    /// Keep-alive probing of idle connections (RFC 9293 §3.8.4); `None` to disable it.
    pub keepalive: Option<KeepAlive>,
}

impl Default for TcpConfig {
    /// Returns the default: CUBIC; 4 MiB to send and 32 MiB to receive (the maxima of Linux's `tcp_wmem` and `tcp_rmem`); 60 s
    /// to open a connection, 120 s for an answer; no keep-alive probes.
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

impl TcpConfig {
    /// Returns these settings with deadlines of at least these times.
    #[must_use]
    pub fn at_least(self, connect_timeout: SimDuration, user_timeout: SimDuration) -> TcpConfig {
        let is_longer = user_timeout > self.user_timeout;
        TcpConfig {
            connect_timeout: self.connect_timeout.max(connect_timeout),
            user_timeout: self.user_timeout.max(user_timeout),
            keepalive: self.keepalive.map(|own| if is_longer { KeepAlive::within(user_timeout) } else { own }),
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
