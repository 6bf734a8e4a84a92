//! The SYN, or SYN-ACK, of one end: the times of its transmissions, its retransmission, and the information that its answer
//! carries (RFC 9293 §3.5, RFC 6298 §5.7).

use p2p_base::units::{SimDuration, SimTime};

use super::rtt::INITIAL_RTO_US;
use super::step::timestamp_at;
use super::timer::{expiry, jiffies_for_micros};
use crate::packet::Packet;

/// Number of retransmissions of a SYN at constant intervals before the intervals double (Linux `tcp_syn_linear_timeouts`).
const LINEAR_SYN_TIMEOUTS: u32 = 4;

/// An end's handshake; empty once the connection is synchronised.
#[derive(Debug)]
pub(super) struct Handshake(Option<Box<Transmissions>>);

/// Transmissions of a SYN or SYN-ACK.
#[derive(Debug)]
struct Transmissions {
    /// Instants of the first and the latest transmission.
    first_sent_at: SimTime,
    sent_at: SimTime,
    resent: u32,
    wait_jiffies: u64,
    connect_timeout: SimDuration,
}

impl Handshake {
    /// Returns a handshake that begins at `now` and may take so long.
    pub(super) fn new(now: SimTime, connect_timeout: SimDuration) -> Handshake {
        let wait_jiffies = jiffies_for_micros(INITIAL_RTO_US);
        let transmissions = Transmissions { first_sent_at: now, sent_at: now, resent: 0, wait_jiffies, connect_timeout };
        Handshake(Some(Box::new(transmissions)))
    }

    /// Returns the time that the handshake may take; zero once it is over.
    pub(super) fn connect_timeout(&self) -> SimDuration {
        self.0.as_ref().map_or(SimDuration::ZERO, |transmissions| transmissions.connect_timeout)
    }

    /// Sets the time that the handshake may take, and returns the instant at which that is over; `None` once the handshake is.
    pub(super) fn keep_within(&mut self, connect_timeout: SimDuration) -> Option<SimTime> {
        let transmissions = self.0.as_deref_mut()?;
        transmissions.connect_timeout = connect_timeout;
        Some(transmissions.first_sent_at + connect_timeout)
    }

    /// Ends the handshake: what it knows is not needed any more.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }

    /// Records a transmission and returns the instant of the next retransmission.
    pub(super) fn record_sent(&mut self, now: SimTime) -> SimTime {
        let Some(transmissions) = &mut self.0 else { return SimTime::MAX };
        transmissions.sent_at = now;
        expiry(now, transmissions.wait_jiffies)
    }

    /// Records that no answer came in time. The intervals of a SYN-ACK double at once, those of a SYN after four constant
    /// ones.
    pub(super) fn back_off(&mut self, is_syn: bool) {
        let Some(transmissions) = &mut self.0 else { return };
        transmissions.resent += 1;
        if !is_syn || transmissions.resent > LINEAR_SYN_TIMEOUTS {
            transmissions.wait_jiffies *= 2;
        }
    }

    /// Returns true if the first transmission was lost; the echoed timestamp shows which transmission the peer answers (Linux
    /// `tcp_try_undo_spurious_syn`; RFC 3522).
    pub(super) fn first_was_lost(&self, echo: u32) -> bool {
        self.0.as_deref().is_some_and(|sent| sent.resent > 0 && echo != timestamp_at(sent.first_sent_at))
    }

    /// Returns true if more than one transmission was lost, after which the congestion window starts at one packet (RFC 5681
    /// §3.1, RFC 6298 §5.7).
    pub(super) fn several_were_lost(&self, echo: u32) -> bool {
        self.0.as_deref().is_some_and(|sent| sent.resent > 1) && self.first_was_lost(echo)
    }

    /// Returns the round-trip time that an answer shows, in microseconds; `None` if the answer does not identify the
    /// transmission that it answers (RFC 6298 §3).
    pub(super) fn round_trip_us(&self, now: SimTime, answer: &Packet) -> Option<u64> {
        let Transmissions { sent_at, resent, .. } = *self.0.as_deref()?;
        match (resent, answer.timestamp_echo) {
            (0, _) => Some((now - sent_at).as_nanos() / 1_000),
            (_, 0) => None,
            (_, echo) => Some(u64::from(timestamp_at(now).wrapping_sub(echo).max(1)) * 1_000),
        }
    }
}
