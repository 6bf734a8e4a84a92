//! RACK (RFC 8985 §6): a packet is lost when one sent sufficiently later has arrived.
//!
//! "Sufficiently" is a reordering window: zero if no reordering was ever observed and either a recovery is running or enough
//! packets are SACKed; otherwise a quarter of the smallest round-trip time, and more if duplicates show this to be too
//! little.

use p2p_base::units::SimTime;

use super::Sender;
use super::ack::AckSummary;
use super::recovery::RecoveryPhase;
use super::scoreboard::is_before;
use super::sent::Sent;
use super::timeout::Waiting;
use crate::tcp::step::{Step, timestamp_at};
use crate::tcp::timer::jiffies_for_micros;

/// Number of recoveries for which a widened reordering window persists (RFC 8985 §6.2 step 4).
const RECOVERIES_TO_PERSIST: u8 = 16;
/// Slack of the reordering timer, in microseconds (Linux `TCP_TIMEOUT_MIN_US`).
const TIMER_SLACK_US: u64 = 2_000;

/// State of RACK: the most recently sent packet that was delivered (RFC 8985 §5.3), and the reordering window.
#[derive(Debug)]
pub(super) struct Rack {
    turn: u32,
    /// Round-trip time of that packet, in microseconds.
    rtt_us: u32,
    /// True if a packet was delivered since the last loss detection.
    advanced: bool,
    /// Reordering window in quarters of the smallest round-trip time, at most 255 (Linux `reo_wnd_steps`).
    reordering_quarters: u8,
    recoveries_left: u8,
    duplicate_seen: bool,
    /// Offset before whose acknowledgement the reordering window does not grow again (RFC 8985 §6.2 step 4:
    /// RACK.dsack_round).
    growth_round_end: u64,
}

impl Default for Rack {
    fn default() -> Self {
        Rack {
            turn: 0,
            rtt_us: 0,
            advanced: false,
            reordering_quarters: 1,
            recoveries_left: 0,
            duplicate_seen: false,
            growth_round_end: 0,
        }
    }
}

impl Rack {
    /// Records a duplicate that no loss probe explains: the reordering window may be too narrow.
    pub(super) fn record_duplicate(&mut self) {
        self.duplicate_seen = true;
    }

    /// Requests loss detection at the next opportunity, even without a delivery.
    pub(super) fn look_again(&mut self) {
        self.advanced = true;
    }

    /// Records that a recovery ended and was necessary.
    pub(super) fn record_real_recovery(&mut self) {
        self.recoveries_left = self.recoveries_left.saturating_sub(1);
    }

    /// Records that a recovery was unnecessary.
    pub(super) fn record_needless_recovery(&mut self) {
        self.recoveries_left = (self.recoveries_left + 1).min(RECOVERIES_TO_PERSIST);
    }
}

impl Sender {
    /// Records the delivery of a packet (RFC 8985 §6.2 step 2).
    pub(super) fn advance_rack(&mut self, now: SimTime, packet: &Sent) {
        let rtt_us = Self::micros(now, packet.at);
        // Too early for an answer to the retransmission: the original transmission was delivered.
        if packet.was_retransmitted() && rtt_us < self.rtt.min_us() {
            return;
        }
        self.rack.advanced = true;
        self.rack.rtt_us = u32::try_from(rtt_us).unwrap_or(u32::MAX);
        if is_before(self.rack.turn, packet.turn) {
            self.rack.turn = packet.turn;
        }
    }

    /// Adapts the reordering window (RFC 8985 §6.2 step 4): it widens with duplicates, once per round trip, and stays wide
    /// for a number of recoveries.
    pub(super) fn adjust_reordering_window(&mut self) {
        let duplicate_seen = std::mem::take(&mut self.rack.duplicate_seen);
        if duplicate_seen && self.una >= self.rack.growth_round_end {
            self.rack.reordering_quarters = self.rack.reordering_quarters.saturating_add(1);
            self.rack.growth_round_end = self.nxt;
            self.rack.recoveries_left = RECOVERIES_TO_PERSIST;
        } else if self.rack.recoveries_left == 0 {
            self.rack.reordering_quarters = 1;
        }
    }

    /// Returns the reordering window in microseconds (RFC 8985 §6.2 step 4).
    fn reordering_window_us(&self) -> u64 {
        if !self.losses.reordering.seen
            && (self.phase >= RecoveryPhase::Recovery || self.board.sacked() >= self.losses.reordering.degree())
        {
            return 0;
        }
        let quarter = self.rtt.min_us() >> 2;
        quarter.saturating_mul(u64::from(self.rack.reordering_quarters)).min(self.rtt.srtt_us())
    }

    /// Returns the time for which `packet` may still stay unanswered, in microseconds; the packet is lost if it is zero or
    /// negative.
    pub(super) fn patience_us(&self, now: SimTime, packet: &Sent, window_us: u64) -> i64 {
        (u64::from(self.rack.rtt_us) + window_us) as i64 - Self::micros(now, packet.at) as i64
    }

    /// Marks lost packets (RFC 8985 §6.2 step 5). Returns the time to wait for packets that may yet be lost, in microseconds;
    /// 0 if there are none.
    pub(super) fn detect_losses(&mut self, now: SimTime) -> u64 {
        let window_us = self.reordering_window_us();
        let mut wait_us = 0;
        let mut walk = self.board.walk();
        while let Some((number, packet)) = self.board.next_by_time(&mut walk) {
            if !is_before(packet.turn, self.rack.turn) {
                break;
            }
            let patience = self.patience_us(now, &packet, window_us);
            if patience <= 0 {
                self.lost = self.lost.wrapping_add(self.board.mark_lost(number));
                self.board.unlist(number);
            } else {
                wait_us = wait_us.max(patience as u64);
            }
        }
        wait_us
    }

    /// Detects losses after an acknowledgement, and sets the reordering timer if some packets are in doubt.
    pub(super) fn look_for_losses(&mut self, step: &mut Step, summary: &mut AckSummary) {
        if self.board.is_empty() || !std::mem::take(&mut self.rack.advanced) {
            return;
        }
        let resent = self.board.retransmitted();
        let wait_us = self.detect_losses(step.now);
        if wait_us > 0 {
            self.wait_for(step, Waiting::Reordering, jiffies_for_micros(wait_us + TIMER_SLACK_US));
            summary.restart_timer = false;
        }
        summary.resent_lost |= self.board.retransmitted() < resent;
    }

    /// Handles the expiry of the reordering timer: packets in doubt are lost now.
    pub(super) fn handle_reordering_timer(&mut self, step: &mut Step) {
        let in_flight = self.board.in_flight();
        self.detect_losses(step.now);
        if self.board.in_flight() != in_flight {
            if self.phase != RecoveryPhase::Recovery {
                self.enter_recovery();
                self.reduce_window(1, 0, false);
            }
            self.retransmit_lost(step);
        }
        if self.waiting != Waiting::Timeout {
            self.rearm_timeout(step);
        }
    }

    /// Returns true if the timestamps show that the acknowledged data was sent before the first retransmission (RFC 3522).
    pub(super) fn acknowledges_originals(&self, echo: u32) -> bool {
        let first = self.losses.recovery.first_resent_timestamp;
        first != 0 && echo_is_before(echo, first)
    }
}

/// Returns true if the timestamps show that the first transmission of `packet` arrived, so that its retransmission was
/// unnecessary.
pub(super) fn was_resent_needlessly(packet: &Sent, echo: u32) -> bool {
    packet.was_retransmitted() && echo_is_before(echo, timestamp_at(packet.at))
}

fn echo_is_before(echo: u32, timestamp: u32) -> bool {
    echo != 0 && (echo.wrapping_sub(timestamp) as i32) < 0
}
