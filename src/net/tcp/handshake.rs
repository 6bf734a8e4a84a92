//! The SYN, or SYN-ACK, of one end: when it was sent, when it is sent again, and what its answer tells (RFC 9293 §3.5, RFC 6298
//! §5.7). Knows nothing of what is sent once a connection is open.

use super::rtt::INITIAL_RTO_US;
use super::step::timestamp_at;
use super::timer::{expiry, jiffies_for_micros};
use crate::net::packet::Packet;
use crate::units::SimTime;

/// How many times a SYN is sent again at an even pace before the waits double (Linux `tcp_syn_linear_timeouts`).
const LINEAR_SYN_TIMEOUTS: u32 = 4;

/// The state of an end's handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    /// When the packet was sent first and last.
    first_sent_at: SimTime,
    sent_at: SimTime,
    resent: u32,
    wait_jiffies: u64,
}

impl Handshake {
    /// A handshake that begins now.
    pub(super) fn new(now: SimTime) -> Handshake {
        Handshake { first_sent_at: now, sent_at: now, resent: 0, wait_jiffies: jiffies_for_micros(INITIAL_RTO_US) }
    }

    /// Notes that the packet is sent; gives when it is to be sent again.
    pub(super) fn note_sent(&mut self, now: SimTime) -> SimTime {
        self.sent_at = now;
        expiry(now, self.wait_jiffies)
    }

    /// Notes that nothing has answered in time. The waits of a SYN-ACK double at once, those of a SYN after four even ones.
    pub(super) fn back_off(&mut self, is_syn: bool) {
        self.resent += 1;
        if !is_syn || self.resent > LINEAR_SYN_TIMEOUTS {
            self.wait_jiffies *= 2;
        }
    }

    /// Whether the first sending was lost: the peer's clock echo tells which one it answers (Linux
    /// `tcp_try_undo_spurious_syn`; RFC 3522).
    pub(super) fn first_was_lost(&self, echo: u32) -> bool {
        self.resent > 0 && echo != timestamp_at(self.first_sent_at)
    }

    /// Whether more than one sending was lost, after which the window holds one packet (RFC 5681 §3.1, RFC 6298 §5.7).
    pub(super) fn several_were_lost(&self, echo: u32) -> bool {
        self.resent > 1 && self.first_was_lost(echo)
    }

    /// The round trip that an answer shows, in microseconds; `None` where it does not say which sending it answers (RFC 6298 §3).
    pub(super) fn round_trip_us(&self, now: SimTime, answer: &Packet) -> Option<u64> {
        match (self.resent, answer.timestamp_echo) {
            (0, _) => Some((now - self.sent_at).as_nanos() / 1_000),
            (_, 0) => None,
            (_, echo) => Some(u64::from(timestamp_at(now).wrapping_sub(echo).max(1)) * 1_000),
        }
    }
}
