//! The sender's single timer and its purposes: the retransmission timeout (RFC 6298 §5), the loss probe (RFC 8985 §7), the
//! wait for reordering (§6.2), and the probe of a closed window (RFC 9293 §3.8.6.1).

use p2p_base::units::SimTime;

use super::Sender;
use super::ack::AckSummary;
use super::recovery::RecoveryPhase;
use crate::packet::{Flags, MSS};
use crate::tcp::rtt::INITIAL_RTO_US;
use crate::tcp::step::Step;
use crate::tcp::timer::{Timer, expiry, jiffies_for_micros, micros_of_jiffies};

/// Wait of a lone packet's probe beyond two round trips, because the receiver may delay its answer (RFC 8985 §7.2; Linux uses
/// `TCP_RTO_MIN`), in microseconds.
const LONE_PACKET_WAIT_US: u64 = 200_000;
/// Wait of every other probe beyond two round trips (Linux `TCP_TIMEOUT_MIN_US`), in microseconds.
const PROBE_SLACK_US: u64 = 2_000;

/// Purpose for which the timer is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    Nothing,
    /// The retransmission timeout is running.
    Timeout,
    /// Packets in doubt count as lost when the timer expires.
    Reordering,
    /// The end of the flight may be lost; a probe is sent when the timer expires.
    LossProbe,
    /// The peer's window is closed; a probe is sent when the timer expires.
    Window,
}

/// State of the loss probe in flight (RFC 8985 §7.4).
#[derive(Debug, Clone)]
pub(super) struct LossProbe {
    /// SND.NXT when the probe was sent; `None` if no probe is in flight.
    end: Option<u64>,
    /// True if the probe repeated data, false if it carried new data.
    repeated: bool,
}

impl LossProbe {
    /// State before the first probe.
    pub(super) const INITIAL: LossProbe = LossProbe { end: None, repeated: false };

    /// Returns true if a probe is in flight.
    pub(super) fn is_running(&self) -> bool {
        self.end.is_some()
    }

    /// Returns true if a probe that ends at `offset` is in flight.
    pub(super) fn ends_at(&self, offset: u64) -> bool {
        self.end == Some(offset)
    }

    pub(super) fn end_episode(&mut self) {
        self.end = None;
    }
}

impl Sender {
    /// Handles the expiry of the timer.
    pub(in crate::tcp) fn handle_timer(&mut self, step: &mut Step) {
        match self.waiting {
            Waiting::Nothing => {}
            Waiting::Timeout => self.handle_retransmission_timeout(step),
            Waiting::Reordering => self.handle_reordering_timer(step),
            Waiting::LossProbe => self.send_loss_probe(step),
            Waiting::Window => self.probe_window(step),
        }
    }

    pub(super) fn wait_for(&mut self, step: &mut Step, what: Waiting, jiffies: u64) {
        self.waiting = what;
        step.timers.set(Timer::Transmit, expiry(step.now, jiffies));
    }

    fn wait_for_nothing(&mut self, step: &mut Step) {
        self.waiting = Waiting::Nothing;
        step.timers.cancel(Timer::Transmit);
    }

    /// Restarts the timer after progress: for a loss probe if one is useful, otherwise for the retransmission timeout.
    pub(super) fn restart_timer(&mut self, step: &mut Step) {
        if !self.schedule_loss_probe(step, true) {
            self.rearm_timeout(step);
        }
    }

    /// Starts the retransmission timeout (RFC 6298 §5.3), counted from the transmission of the first outstanding packet if
    /// another timer ran in between.
    pub(super) fn rearm_timeout(&mut self, step: &mut Step) {
        let Some(sent_at) = self.board.front_sent_at() else {
            self.wait_for_nothing(step);
            return;
        };
        let mut jiffies = self.rtt.rto_jiffies();
        if matches!(self.waiting, Waiting::Reordering | Waiting::LossProbe) {
            let passed_us = Self::micros(step.now, sent_at);
            jiffies = jiffies_for_micros(micros_of_jiffies(jiffies).saturating_sub(passed_us).max(1));
        }
        self.wait_for(step, Waiting::Timeout, jiffies);
    }

    /// Schedules a loss probe (RFC 8985 §7.2). Returns false if none is to be sent.
    pub(super) fn schedule_loss_probe(&mut self, step: &mut Step, after_progress: bool) -> bool {
        let Some(sent_at) = self.board.front_sent_at() else { return false };
        if !matches!(self.phase, RecoveryPhase::Open | RecoveryPhase::Reduced) {
            return false;
        }
        let srtt_us = self.rtt.srtt_us();
        let mut wait_us = if srtt_us == 0 {
            INITIAL_RTO_US
        } else if self.board.outstanding() == 1 {
            2 * srtt_us + LONE_PACKET_WAIT_US
        } else {
            2 * srtt_us + PROBE_SLACK_US
        };
        let rto_us = micros_of_jiffies(self.rtt.rto_jiffies());
        let passed_us = if after_progress { 0 } else { Self::micros(step.now, sent_at) };
        if rto_us > passed_us {
            wait_us = wait_us.min(rto_us - passed_us);
        }
        self.wait_for(step, Waiting::LossProbe, jiffies_for_micros(wait_us));
        true
    }

    /// Sends a loss probe (RFC 8985 §7.3): new data if there is some, otherwise the last packet again; one probe per flight.
    fn send_loss_probe(&mut self, step: &mut Step) {
        if self.losses.probe.end.is_none() && self.try_loss_probe(step) {
            self.losses.probe.end = Some(self.nxt);
            self.losses.counts.probes += 1;
            // The retransmission timeout counts from the probe on.
            self.waiting = Waiting::Nothing;
        }
        self.rearm_timeout(step);
    }

    fn try_loss_probe(&mut self, step: &mut Step) -> bool {
        self.losses.probe.repeated = false;
        if self.transmit_probe(step) {
            return true;
        }
        if self.nxt < self.written {
            return false;
        }
        let Some(last) = self.board.back_number() else { return false };
        self.repeat(step, last);
        self.losses.probe.repeated = true;
        true
    }

    /// Ends the episode of a loss probe (RFC 8985 §7.4). If the probe was needed, it has repaired a loss, and the window
    /// shrinks as for any loss.
    #[inline]
    pub(super) fn end_probe_episode(&mut self, now: SimTime, acked: u64, summary: &AckSummary) {
        if let Some(end) = self.losses.probe.end.filter(|&end| acked >= end) {
            self.judge_probe(now, acked, end, summary);
        }
    }

    fn judge_probe(&mut self, now: SimTime, acked: u64, end: u64, summary: &AckSummary) {
        let plain_duplicate = !summary.advanced && !summary.tells_anything() && !summary.sacked_data;
        if !self.losses.probe.repeated || summary.duplicate_of_probe {
            self.losses.probe.end_episode();
        } else if acked > end {
            self.begin_reduction();
            self.phase = RecoveryPhase::Reduced;
            self.end_reduction(now);
            self.settle();
        } else if plain_duplicate {
            self.losses.probe.end_episode();
        }
    }

    /// Handles the retransmission timeout (RFC 6298 §5.4 to §5.6).
    fn handle_retransmission_timeout(&mut self, step: &mut Step) {
        if self.board.is_empty() {
            return;
        }
        self.losses.probe.end_episode();
        self.enter_loss(step);
        self.timeouts_in_a_row += 1;
        self.losses.counts.timeouts += 1;
        let head = self.board.numbers().start;
        self.retransmit(step, head);
        self.rtt.back_off();
        self.wait_for(step, Waiting::Timeout, self.rtt.rto_jiffies());
    }

    /// Waits briefly for a receiver that seems to have discarded SACKed data, in case its next acknowledgements show
    /// otherwise (Linux `tcp_check_sack_reneging`).
    pub(super) fn wait_for_reneger(&mut self, step: &mut Step) {
        const SHORTEST_WAIT_US: u64 = 10_000;
        let jiffies = jiffies_for_micros((self.rtt.srtt_us() / 2).max(SHORTEST_WAIT_US));
        self.wait_for(step, Waiting::Timeout, jiffies);
    }

    /// Starts the window probe timer: the peer's window is too small for the waiting data, and no packet is in flight whose
    /// acknowledgement could open it.
    pub(super) fn wait_for_window(&mut self, step: &mut Step) {
        if self.waiting != Waiting::Window {
            self.wait_for(step, Waiting::Window, self.rtt.rto_jiffies());
        }
    }

    /// Handles an acknowledgement that arrives while nothing is outstanding: it may have opened the window.
    pub(super) fn handle_window_while_idle(&mut self, step: &mut Step) {
        if self.waiting != Waiting::Window {
            return;
        }
        let wanted = (self.written - self.nxt).min(u64::from(MSS));
        if self.peer_window_end() >= self.nxt + wanted {
            self.wait_for_nothing(step);
            self.unanswered_since = SimTime::MAX;
        } else {
            // Probing continues while the probes are answered and the window stays closed (RFC 1122 §4.2.2.17).
            self.unanswered_since = SimTime::MAX;
            self.wait_for(step, Waiting::Window, self.rtt.rto_jiffies());
        }
    }

    /// Sends a window probe (RFC 9293 §3.8.6.1), a packet that the receiver must answer with its window. As in Linux it
    /// carries the data for which the window has room, or repeats the byte before the first unacknowledged one.
    fn probe_window(&mut self, step: &mut Step) {
        if self.transmit_rest_of_window(step) {
            self.rearm_timeout(step);
            return;
        }
        step.send_control(self.una - 1, Flags::ACK, |_| {});
        self.unanswered_since = self.unanswered_since.min(step.now);
        self.rtt.back_off();
        self.wait_for(step, Waiting::Window, self.rtt.rto_jiffies());
    }
}
