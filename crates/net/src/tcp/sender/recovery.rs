//! Loss recovery: the reduction of the window, the retransmission of lost packets, and the undoing of both if there was no
//! loss.
//!
//! Five phases as in Linux: open; disorder (a packet was SACKed); reduced (the window shrinks without a retransmission);
//! recovery (RFC 6582, the window shrinks by RFC 9937's proportional rate reduction); loss (after a timeout, with F-RTO, RFC
//! 5682). The detection of losses is in [`rack`](super::rack).

use p2p_base::units::SimTime;

use super::Sender;
use super::ack::AckSummary;
use super::sent::Marks;
use super::timeout::Waiting;
use crate::packet::Flags;
use crate::tcp::step::Step;

/// Phases of loss recovery, in rising order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RecoveryPhase {
    /// Normal operation: no packet is SACKed or lost.
    Open,
    /// Packets are SACKed; none is considered lost.
    Disorder,
    /// The window shrinks, but no packet is retransmitted (RFC 3168 §6.1.2's CWR).
    Reduced,
    /// Lost packets are retransmitted while the window shrinks.
    Recovery,
    /// The retransmission timer has expired: the window is rebuilt from one packet.
    Loss,
}

impl RecoveryPhase {
    /// Returns true if the window shrinks by RFC 9937 in this phase.
    pub(super) fn reduces_window(self) -> bool {
        matches!(self, RecoveryPhase::Reduced | RecoveryPhase::Recovery)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            RecoveryPhase::Open => "open",
            RecoveryPhase::Disorder => "disorder",
            RecoveryPhase::Reduced => "reduced",
            RecoveryPhase::Recovery => "recovery",
            RecoveryPhase::Loss => "loss",
        }
    }
}

/// Data to be sent at the end of an acknowledgement's processing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resend {
    Nothing,
    /// Retransmit the lost packets.
    Lost,
    /// Send new data first (F-RTO), then the lost packets.
    NewDataFirst,
}

/// State of one recovery, from its beginning to its end or its undoing.
#[derive(Debug, Clone)]
pub(super) struct Recovery {
    /// Offset whose acknowledgement ends the recovery (RFC 6582 §3.2: recover).
    pub(super) point: u64,
    /// Window before the recovery.
    window_before: u32,
    /// Threshold before the recovery; `None` if the reduction cannot be undone.
    threshold_before: Option<u32>,
    /// Number of packets delivered since the window began to shrink, and of packets sent since then (RFC 9937 §6).
    delivered_in_reduction: u32,
    pub(super) sent_in_reduction: u32,
    /// First offset whose retransmission may turn out to be unnecessary; `None` if there is nothing to undo.
    pub(super) undo_from: Option<u64>,
    /// Number of retransmissions not yet known to be unnecessary; `None` before the first.
    needed: Option<u32>,
    /// Timestamp of the first retransmission; 0 if there was none.
    pub(super) first_resent_timestamp: u32,
    /// True while F-RTO checks if the timeout was spurious (RFC 5682).
    frto: bool,
}

impl Recovery {
    /// State before the first recovery.
    pub(super) const INITIAL: Recovery = Recovery {
        point: 0,
        window_before: 0,
        threshold_before: None,
        delivered_in_reduction: 0,
        sent_in_reduction: 0,
        undo_from: None,
        needed: None,
        first_resent_timestamp: 0,
        frto: false,
    };

    /// Records that `packets` retransmissions were unnecessary.
    pub(super) fn forgive(&mut self, packets: u32) {
        self.needed = self.needed.map(|needed| needed.saturating_sub(packets));
    }

    fn all_were_needless(&self) -> bool {
        self.needed == Some(0)
    }
}

impl Sender {
    /// Processes an acknowledgement that may indicate a loss or its repair (Linux `tcp_fastretrans_alert`). Returns the data
    /// to be sent.
    pub(super) fn react_to_loss(&mut self, step: &mut Step, una_before: u64, summary: &mut AckSummary) -> Resend {
        if summary.reneged {
            self.wait_for_reneger(step);
            return Resend::Nothing;
        }
        if self.phase == RecoveryPhase::Open {
            self.forget_first_resent_timestamp();
        } else if self.una >= self.losses.recovery.point {
            self.leave_recovered_phase(step.now, summary);
        }
        match self.phase {
            RecoveryPhase::Recovery => self.handle_ack_in_recovery(step, una_before, summary),
            RecoveryPhase::Loss => self.handle_ack_in_loss(step, summary),
            _ => self.handle_ack_otherwise(step, summary),
        }
    }

    fn leave_recovered_phase(&mut self, now: SimTime, summary: &AckSummary) {
        match self.phase {
            RecoveryPhase::Reduced if self.una != self.losses.recovery.point => {
                self.end_reduction(now);
                self.phase = RecoveryPhase::Open;
            }
            RecoveryPhase::Recovery => {
                self.undo_whole_recovery(summary);
                self.end_reduction(now);
            }
            _ => {}
        }
    }

    fn handle_ack_in_recovery(&mut self, step: &mut Step, una_before: u64, summary: &mut AckSummary) -> Resend {
        if summary.advanced && self.losses.recovery.undo_from.is_some() && self.acknowledges_originals(summary.echo) {
            // The hole was filled by a delayed original: the path reorders more than was assumed.
            self.record_reordering(una_before);
            if self.board.retransmitted() > 0 {
                return Resend::Nothing;
            }
            self.forget_first_resent();
            self.undo_reduction(true);
            self.settle();
        }
        self.undo_where_all_were_needless();
        self.look_for_losses(step, summary);
        if self.phase != RecoveryPhase::Recovery {
            if self.board.lost() == 0 {
                return Resend::Nothing;
            }
            self.enter_recovery();
        }
        Resend::Lost
    }

    fn handle_ack_in_loss(&mut self, step: &mut Step, summary: &mut AckSummary) -> Resend {
        let resend = self.handle_ack_after_timeout(summary);
        self.look_for_losses(step, summary);
        if self.phase == RecoveryPhase::Open || summary.resent_lost {
            return self.enter_recovery_where_lost();
        }
        resend
    }

    fn handle_ack_otherwise(&mut self, step: &mut Step, summary: &mut AckSummary) -> Resend {
        if self.phase <= RecoveryPhase::Disorder {
            self.undo_where_all_were_needless();
        }
        self.look_for_losses(step, summary);
        self.enter_recovery_where_lost()
    }

    fn enter_recovery_where_lost(&mut self) -> Resend {
        if self.board.lost() == 0 {
            self.forget_first_resent();
            if self.phase != RecoveryPhase::Reduced {
                self.settle();
            }
            return Resend::Nothing;
        }
        self.enter_recovery();
        Resend::Lost
    }

    /// Processes an acknowledgement after a timeout (RFC 5682 §3.1 with SACK; Linux's `tcp_process_loss`).
    fn handle_ack_after_timeout(&mut self, summary: &AckSummary) -> Resend {
        let recovered = self.una >= self.losses.recovery.point;
        if summary.advanced && self.undo_loss(summary, false) {
            return Resend::Nothing;
        }
        if self.losses.recovery.frto {
            // Step 3b: data sent once has arrived, so the timeout was spurious.
            if summary.original_delivered && self.undo_loss(summary, true) {
                return Resend::Nothing;
            }
            if self.nxt > self.losses.recovery.point {
                // Step 3a: the new data was answered by a duplicate, so the loss was real.
                self.losses.recovery.frto &= !(summary.sacked_data || summary.is_plain_duplicate());
            } else if summary.advanced && !recovered {
                // Step 2b: try new data before any further retransmission.
                self.losses.recovery.point = self.nxt;
                if self.nxt < self.written && self.peer_window_end() > self.nxt {
                    return Resend::NewDataFirst;
                }
                self.losses.recovery.frto = false;
            }
        }
        if recovered {
            self.undo_whole_recovery(summary);
            return Resend::Nothing;
        }
        Resend::Lost
    }

    /// Sends the data that `what` names, within the window.
    pub(super) fn resend(&mut self, step: &mut Step, what: Resend) {
        if what == Resend::Nothing {
            return;
        }
        if what == Resend::NewDataFirst {
            self.transmit_now(step);
            if self.nxt > self.losses.recovery.point {
                return;
            }
            self.losses.recovery.frto = false;
        }
        self.retransmit_lost(step);
    }

    /// Retransmits lost packets (RFC 6675 §5 step C), which RACK has marked.
    pub(super) fn retransmit_lost(&mut self, step: &mut Step) {
        let numbers = self.board.numbers();
        let head = numbers.start;
        let mut number = self.board.retransmit_from;
        let mut restart_timer = false;
        while number != numbers.end {
            if self.board.in_flight() >= self.congestion.window.size || self.board.retransmitted() >= self.board.lost() {
                break;
            }
            let marks = self.board.get(number).map_or(Marks::default(), |packet| packet.marks);
            if marks.any(Marks::LOST) && !marks.any(Marks::RETRANSMITTED) {
                self.retransmit(step, number);
                if self.phase.reduces_window() {
                    self.losses.recovery.sent_in_reduction += 1;
                }
                restart_timer |= number == head && self.waiting != Waiting::Reordering;
            }
            number = number.wrapping_add(1);
        }
        self.board.retransmit_from = number;
        if restart_timer {
            self.wait_for(step, Waiting::Timeout, self.rtt.rto_jiffies());
        }
    }

    /// Retransmits a lost packet and records the retransmission.
    pub(super) fn retransmit(&mut self, step: &mut Step, number: u32) {
        self.send_again(step, number);
        self.board.mark_retransmitted(number, step.now);
        if self.losses.recovery.first_resent_timestamp == 0 {
            self.losses.recovery.first_resent_timestamp = step.timestamp();
        }
        self.losses.recovery.needed = Some(self.losses.recovery.needed.unwrap_or(0) + 1);
    }

    /// Sends a packet again as a probe, although it is not known to be lost.
    pub(super) fn repeat(&mut self, step: &mut Step, number: u32) {
        self.send_again(step, number);
        self.board.mark_resent(number, step.now);
    }

    fn send_again(&mut self, step: &mut Step, number: u32) {
        let Some(packet) = self.board.get(number) else { return };
        let mut flags = Flags::default();
        if packet.end() >= self.written {
            flags = flags.with(Flags::PSH);
        }
        if packet.marks.any(Marks::FIN) {
            flags = flags.with(Flags::FIN);
        }
        step.send_data(packet.seq, packet.len, flags);
        self.losses.counts.retransmits += 1;
        self.last_sent = step.now;
    }

    /// Enters fast recovery (RFC 6582 §3.2 step 2).
    pub(super) fn enter_recovery(&mut self) {
        self.losses.recovery.threshold_before = None;
        self.begin_undo();
        if !self.phase.reduces_window() {
            self.losses.recovery.threshold_before = Some(self.congestion.threshold_now());
            self.begin_reduction();
        }
        self.phase = RecoveryPhase::Recovery;
    }

    fn begin_undo(&mut self) {
        self.losses.recovery.undo_from = Some(self.una);
        let resent = self.board.retransmitted();
        self.losses.recovery.needed = (resent > 0).then_some(resent);
    }

    /// Starts the reduction of the window to the threshold that the algorithm chooses (RFC 9937 §6).
    pub(super) fn begin_reduction(&mut self) {
        self.losses.recovery.point = self.nxt;
        self.losses.probe.end_episode();
        self.congestion.window.credit = 0;
        self.losses.recovery.window_before = self.congestion.window.size;
        self.losses.recovery.delivered_in_reduction = 0;
        self.losses.recovery.sent_in_reduction = 0;
        self.congestion.window.threshold = self.congestion.threshold_after_loss();
    }

    /// Computes the window by proportional rate reduction (RFC 9937 §6, with the slow-start bound while progress is made).
    pub(super) fn reduce_window(&mut self, delivered: u32, newly_lost: u32, advanced: bool) {
        if delivered == 0 || self.losses.recovery.window_before == 0 {
            return;
        }
        let recovery = &mut self.losses.recovery;
        recovery.delivered_in_reduction += delivered;
        let (threshold, in_flight) = (self.congestion.window.threshold, self.board.in_flight());
        let (delivered_all, sent_all) = (i64::from(recovery.delivered_in_reduction), i64::from(recovery.sent_in_reduction));
        let room = i64::from(threshold) - i64::from(in_flight);
        let send = if room < 0 {
            let before = i64::from(recovery.window_before);
            (i64::from(threshold) * delivered_all + before - 1) / before - sent_all
        } else {
            let may = (delivered_all - sent_all).max(i64::from(delivered));
            (may + i64::from(advanced && newly_lost == 0)).min(room)
        };
        // The first lost packet is retransmitted at once.
        let send = send.max(i64::from(sent_all == 0));
        self.congestion.window.size = u32::try_from(i64::from(in_flight) + send).unwrap_or(1).max(1);
    }

    /// Ends the reduction by setting the window to the threshold (RFC 6582 §3.2 step 3).
    pub(super) fn end_reduction(&mut self, now: SimTime) {
        if self.phase == RecoveryPhase::Reduced || self.losses.recovery.undo_from.is_some() {
            self.congestion.window.size = self.congestion.window.threshold;
            self.usage.renew(now);
        }
    }

    /// Enters the loss phase after a timeout (RFC 5681 §3.1 equation 4, RFC 6298 §5.4; Linux `tcp_enter_loss`).
    pub(super) fn enter_loss(&mut self, step: &Step) {
        let new_recovery = self.phase < RecoveryPhase::Recovery;
        self.mark_lost_at_timeout(step);
        let first_timeout = self.phase == RecoveryPhase::Loss && self.timeouts_in_a_row == 0;
        if self.phase <= RecoveryPhase::Disorder || self.losses.recovery.point <= self.una || first_timeout {
            self.losses.recovery.threshold_before = Some(self.congestion.threshold_now());
            self.losses.recovery.window_before = self.congestion.window.size;
            self.congestion.window.threshold = self.congestion.threshold_after_loss();
            self.begin_undo();
        }
        self.congestion.window.size = self.board.in_flight() + 1;
        self.congestion.window.credit = 0;
        if self.phase <= RecoveryPhase::Disorder && self.board.sacked() >= self.losses.reordering.degree() {
            self.losses.reordering.forget_degree();
        }
        self.phase = RecoveryPhase::Loss;
        self.congestion.handle_timeout(step.now, self.nxt);
        self.losses.recovery.point = self.nxt;
        self.losses.recovery.frto = new_recovery || self.timeouts_in_a_row > 0;
    }

    /// Marks all packets lost that were not sent within the last round trip (RFC 8985 §6.3), and all packets if the receiver
    /// reneged.
    fn mark_lost_at_timeout(&mut self, step: &Step) {
        let reneged = self.board.front().is_some_and(|packet| packet.marks.any(Marks::SACKED));
        if reneged {
            self.board.unmark_sacked();
        }
        let numbers = self.board.numbers();
        let mut number = numbers.start;
        while number != numbers.end {
            let Some(packet) = self.board.get(number) else { break };
            let recent = number != numbers.start && self.patience_us(step.now, &packet, 0) > 0;
            if reneged || !recent {
                self.lost = self.lost.wrapping_add(self.board.mark_lost(number));
            }
            number = number.wrapping_add(1);
        }
        self.board.retransmit_from = numbers.start;
    }

    /// Enters the open phase, or disorder if a packet is still SACKed, lost or retransmitted.
    pub(super) fn settle(&mut self) {
        let unsettled = self.board.sacked() + self.board.lost() > 0 || self.anything_resent();
        let phase = if unsettled { RecoveryPhase::Disorder } else { RecoveryPhase::Open };
        if self.phase != phase {
            self.phase = phase;
            self.losses.recovery.point = self.nxt;
        }
    }

    fn forget_first_resent(&mut self) {
        if !self.anything_resent() {
            self.forget_first_resent_timestamp();
        }
    }

    fn forget_first_resent_timestamp(&mut self) {
        if self.losses.recovery.first_resent_timestamp != 0 {
            self.losses.recovery.first_resent_timestamp = 0;
        }
    }

    fn anything_resent(&self) -> bool {
        self.board.retransmitted() > 0 || self.board.front().is_some_and(|packet| packet.was_retransmitted())
    }

    /// Returns true if every retransmission was unnecessary, by duplicate reports (RFC 3708) or by timestamps (RFC 3522).
    fn may_undo(&self, summary: &AckSummary) -> bool {
        self.losses.recovery.undo_from.is_some()
            && (self.losses.recovery.all_were_needless() || self.acknowledges_originals(summary.echo))
    }

    /// Ends a recovery, and restores the window if the recovery was unnecessary (RFC 4015).
    fn undo_whole_recovery(&mut self, summary: &AckSummary) {
        if self.may_undo(summary) {
            self.undo_reduction(false);
        } else {
            self.rack.record_real_recovery();
        }
        self.phase = RecoveryPhase::Open;
    }

    fn undo_where_all_were_needless(&mut self) {
        if self.losses.recovery.undo_from.is_some() && self.losses.recovery.all_were_needless() {
            self.rack.record_needless_recovery();
            let in_recovery = self.phase == RecoveryPhase::Recovery;
            self.undo_reduction(false);
            if in_recovery {
                self.settle();
            }
        }
    }

    fn undo_loss(&mut self, summary: &AckSummary, by_frto: bool) -> bool {
        if !by_frto && !self.may_undo(summary) {
            return false;
        }
        self.undo_reduction(true);
        self.timeouts_in_a_row = 0;
        self.phase = RecoveryPhase::Open;
        true
    }

    /// Restores the window and the threshold from before the recovery (RFC 4015).
    fn undo_reduction(&mut self, nothing_is_lost: bool) {
        if nothing_is_lost {
            self.board.unmark_lost();
        }
        if let Some(threshold) = self.losses.recovery.threshold_before {
            let window = &mut self.congestion.window;
            window.size = window.size.max(self.losses.recovery.window_before);
            window.threshold = window.threshold.max(threshold);
        }
        self.losses.recovery.undo_from = None;
        self.rack.look_again();
        self.losses.counts.undos += 1;
    }
}
