//! RACK (RFC 8985 §6): a packet is lost when one sent sufficiently later has arrived.
//!
//! "Sufficiently" is a reordering window: nothing while no reordering was ever seen and a recovery runs or enough packets
//! are SACKed; else a quarter of the smallest round-trip time, and more as duplicates show it to be too little. Knows
//! nothing of what a loss does to the congestion window.

use super::Sender;
use super::ack::News;
use super::recovery::Phase;
use super::scoreboard::{Sent, is_before};
use super::timeout::Waiting;
use crate::net::tcp::step::{Step, timestamp_at};
use crate::net::tcp::timer::jiffies_for_micros;
use crate::units::SimTime;

/// For how many recoveries a widened reordering window stays (RFC 8985 §6.2 step 4).
const RECOVERIES_TO_PERSIST: u32 = 16;
/// The widest, in quarters of the smallest round-trip time.
const MAX_QUARTERS: u64 = 255;
/// What the reordering timer adds to the wait, in microseconds (Linux `TCP_TIMEOUT_MIN_US`).
const TIMER_SLACK_US: u64 = 2_000;

/// The packet delivered that was sent last (RFC 8985 §5.3).
#[derive(Debug)]
pub(super) struct Rack {
    turn: u32,
    rtt_us: u64,
    /// Something was delivered since losses were last looked for.
    advanced: bool,
    reordering_quarters: u64,
    recoveries_left: u32,
    duplicate_seen: bool,
    /// The window does not grow again before this offset is acknowledged (RFC 8985 §6.2 step 4: RACK.dsack_round).
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
    /// A duplicate that no loss probe explains: perhaps the reordering window is too narrow.
    pub(super) fn note_duplicate(&mut self) {
        self.duplicate_seen = true;
    }

    /// Losses are to be looked for again, whatever was delivered.
    pub(super) fn look_again(&mut self) {
        self.advanced = true;
    }

    /// A recovery ended without having been needless.
    pub(super) fn note_real_recovery(&mut self) {
        self.recoveries_left = self.recoveries_left.saturating_sub(1);
    }

    /// A recovery was needless.
    pub(super) fn note_needless_recovery(&mut self) {
        self.recoveries_left = (self.recoveries_left + 1).min(RECOVERIES_TO_PERSIST);
    }
}

impl Sender {
    /// RFC 8985 §6.2 step 2: a packet was delivered.
    pub(super) fn advance_rack(&mut self, now: SimTime, packet: &Sent) {
        let rtt_us = Self::micros(now, packet.at);
        // Too soon to be the answer to the second sending: it is that to the first.
        if packet.was_retransmitted() && rtt_us < self.rtt.min_us() {
            return;
        }
        self.rack.advanced = true;
        self.rack.rtt_us = rtt_us;
        if is_before(self.rack.turn, packet.turn) {
            self.rack.turn = packet.turn;
        }
    }

    /// RFC 8985 §6.2 step 4: the reordering window widens with duplicates, once a round trip, and stays so for some
    /// recoveries.
    pub(super) fn adjust_reordering_window(&mut self) {
        let duplicate_seen = std::mem::take(&mut self.rack.duplicate_seen);
        if duplicate_seen && self.una >= self.rack.growth_round_end {
            self.rack.reordering_quarters = (self.rack.reordering_quarters + 1).min(MAX_QUARTERS);
            self.rack.growth_round_end = self.nxt;
            self.rack.recoveries_left = RECOVERIES_TO_PERSIST;
        } else if self.rack.recoveries_left == 0 {
            self.rack.reordering_quarters = 1;
        }
    }

    /// The reordering window in microseconds (RFC 8985 §6.2 step 4).
    fn reordering_window_us(&self) -> u64 {
        if !self.reordering.seen && (self.phase >= Phase::Recovery || self.board.sacked() >= self.reordering.degree()) {
            return 0;
        }
        let quarter = self.rtt.min_us() >> 2;
        quarter.saturating_mul(self.rack.reordering_quarters).min(self.rtt.srtt_us())
    }

    /// How much longer `packet` may stay unanswered, in microseconds; negative or zero: it is lost.
    pub(super) fn patience_us(&self, now: SimTime, packet: &Sent, window_us: u64) -> i64 {
        (self.rack.rtt_us + window_us) as i64 - Self::micros(now, packet.at) as i64
    }

    /// RFC 8985 §6.2 step 5: marks what is lost. Gives how long to wait for those that may yet be, in microseconds; 0 for
    /// none.
    pub(super) fn detect_losses(&mut self, now: SimTime) -> u64 {
        let window_us = self.reordering_window_us();
        let mut wait_us = 0;
        let mut next = self.board.oldest();
        while let Some(number) = next {
            next = self.board.next_by_time(number);
            let Some(packet) = self.board.get(number).copied() else { break };
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

    /// Looks for losses after an acknowledgement, and sets the reordering timer where some packets are in doubt.
    pub(super) fn look_for_losses(&mut self, step: &mut Step, news: &mut News) {
        if self.board.is_empty() || !std::mem::take(&mut self.rack.advanced) {
            return;
        }
        let resent = self.board.retransmitted();
        let wait_us = self.detect_losses(step.now);
        if wait_us > 0 {
            self.wait_for(step, Waiting::Reordering, jiffies_for_micros(wait_us + TIMER_SLACK_US));
            news.restart_timer = false;
        }
        news.resent_lost |= self.board.retransmitted() < resent;
    }

    /// The reordering timer has run out: what was in doubt is lost now.
    pub(super) fn on_reordering_timer(&mut self, step: &mut Step) {
        let in_flight = self.board.in_flight();
        self.detect_losses(step.now);
        if self.board.in_flight() != in_flight {
            if self.phase != Phase::Recovery {
                self.enter_recovery();
                self.reduce_window(1, 0, false);
            }
            self.retransmit_lost(step);
        }
        if self.waiting != Waiting::Timeout {
            self.rearm_timeout(step);
        }
    }

    /// Whether the timestamps tell that what is acknowledged was sent before the first retransmission (RFC 3522).
    pub(super) fn acknowledges_originals(&self, echo: u32) -> bool {
        let first = self.recovery.first_resent_timestamp;
        first != 0 && echo_is_before(echo, first)
    }
}

/// Whether the timestamps tell that the first sending of `packet` arrived, and its retransmission was needless.
pub(super) fn was_resent_needlessly(packet: &Sent, echo: u32) -> bool {
    packet.was_retransmitted() && echo_is_before(echo, timestamp_at(packet.at))
}

fn echo_is_before(echo: u32, timestamp: u32) -> bool {
    echo != 0 && (echo.wrapping_sub(timestamp) as i32) < 0
}
