//! Processing of an acknowledgement, from the packet to the congestion window.
//!
//! The order is Linux's (`tcp_ack`): window, SACK blocks, acknowledged packets, round-trip time, losses, timer, congestion
//! window, and finally retransmissions. New data is sent by the caller afterwards.

use p2p_base::units::SimTime;

use super::Sender;
use super::rack::was_resent_needlessly;
use super::recovery::{RecoveryPhase, Resend};
use super::sent::Marks;
use crate::packet::{MSS, Packet};
use crate::tcp::congestion::AckSample;
use crate::tcp::step::Step;

/// Information gained from one acknowledgement.
#[derive(Debug, Default)]
pub(super) struct AckSummary {
    /// Timestamp of this end as echoed by the receiver (RFC 7323 §3.2: TSecr); 0 if there is none.
    pub(super) echo: u32,
    /// True if SND.UNA advanced.
    pub(super) advanced: bool,
    /// Number of packets acknowledged cumulatively.
    pub(super) acked: u32,
    /// True if the packet updated the peer's window.
    window_update: bool,
    /// True if the packet carried payload of its own.
    carries_data: bool,
    /// True if a packet was SACKed for the first time.
    pub(super) sacked_data: bool,
    /// True if a duplicate was reported (RFC 2883); then, true if a loss probe explains it.
    pub(super) duplicate: bool,
    pub(super) duplicate_of_probe: bool,
    /// True if a packet arrived that was sent only once, before the current recovery.
    pub(super) original_delivered: bool,
    /// True if a packet was acknowledged that had been retransmitted.
    pub(super) resent_acked: bool,
    /// True if the first outstanding packet is one that was SACKed.
    pub(super) reneged: bool,
    /// True if a retransmission was found lost.
    pub(super) resent_lost: bool,
    /// True if the timer is to be restarted.
    pub(super) restart_timer: bool,
    /// First and last transmission time of the acknowledged packets that were sent only once.
    acked_times: Option<(SimTime, SimTime)>,
    /// First and last transmission time of the newly SACKed packets that were sent only once.
    pub(super) sacked_times: Option<(SimTime, SimTime)>,
    /// True if the receiver may have delayed the acknowledgement.
    maybe_delayed: bool,
}

impl AckSummary {
    /// Returns true if the acknowledgement carries no new information: a duplicate acknowledgement of the kind that fast
    /// retransmit originally counted.
    pub(super) fn is_plain_duplicate(&self) -> bool {
        !self.advanced && !self.duplicate && !self.tells_anything()
    }

    /// Returns true if the packet carries data, a window update or a new acknowledgement.
    pub(super) fn tells_anything(&self) -> bool {
        self.carries_data || self.window_update || self.acked > 0
    }
}

/// State of the sender before the acknowledgement.
#[derive(Debug, Clone, Copy)]
struct Before {
    una: u64,
    delivered: u32,
    lost: u32,
    outstanding: u32,
    highest_sacked_end: u64,
}

impl Sender {
    /// Processes the acknowledgement that `packet` carries. Returns true if it acknowledges data never sent, which requires
    /// an answer (RFC 9293 §3.10.7.4).
    pub(in crate::tcp) fn handle_ack(&mut self, step: &mut Step, packet: &Packet) -> bool {
        if packet.ack > self.nxt {
            return true;
        }
        if self.board.is_empty() && packet.sack_blocks() == 0 && !self.losses.probe.is_running() {
            // The receiver of a stream sends nothing that could be acknowledged: the window alone may be news.
            self.take_window(packet);
            self.handle_window_while_idle(step);
        } else {
            self.handle_ack_that_tells(step, packet);
        }
        false
    }

    /// Processes an acknowledgement of data, or one that may tell of duplicates or of a loss probe.
    fn handle_ack_that_tells(&mut self, step: &mut Step, packet: &Packet) {
        let before = Before {
            una: self.una,
            delivered: self.delivered,
            lost: self.lost,
            outstanding: self.board.outstanding(),
            highest_sacked_end: self.board.highest_sacked_end(),
        };
        let (advanced, window_update) = self.take_window(packet);
        let (echo, carries_data) = (packet.timestamp_echo, packet.len > 0);
        let mut summary = AckSummary { echo, carries_data, advanced, window_update, ..AckSummary::default() };
        if packet.sack_blocks() > 0 {
            self.take_sack(step, packet, before.una, &mut summary);
        }
        if before.outstanding == 0 {
            self.handle_ack_of_nothing(step, packet, &summary);
        } else {
            self.handle_ack_of_data(step, packet, before, &mut summary);
        }
    }

    /// Updates SND.UNA and SND.WND (RFC 9293 §3.10.7.4), and returns whether it has advanced the one and updated the other. An
    /// acknowledgement below SND.UNA changes neither.
    fn take_window(&mut self, packet: &Packet) -> (bool, bool) {
        if packet.ack < self.una {
            return (false, false);
        }
        let advanced = packet.ack > self.una;
        let newer = packet.seq > self.window_told_at;
        let larger = packet.seq == self.window_told_at && packet.window > self.peer_window;
        let is_update = advanced || newer || larger;
        if is_update {
            self.window_told_at = packet.seq;
            self.peer_window = packet.window;
            self.peer_window_max = self.peer_window_max.max(packet.window);
        }
        if advanced {
            self.una = packet.ack;
            self.timeouts_in_a_row = 0;
        }
        (advanced, is_update)
    }

    fn handle_ack_of_nothing(&mut self, step: &mut Step, packet: &Packet, summary: &AckSummary) {
        if summary.duplicate {
            let mut summary = AckSummary { duplicate: true, echo: summary.echo, ..AckSummary::default() };
            self.react_to_loss(step, self.una, &mut summary);
        }
        self.handle_window_while_idle(step);
        self.end_probe_episode(step.now, packet.ack, summary);
    }

    fn handle_ack_of_data(&mut self, step: &mut Step, packet: &Packet, before: Before, summary: &mut AckSummary) {
        self.remove_acked(step, before, summary);
        self.measure_round_trip(step, before, summary);
        self.adjust_reordering_window();
        self.end_probe_episode(step.now, packet.ack, summary);
        let resend = if self.is_dubious(summary) { self.react_to_loss(step, before.una, summary) } else { Resend::Nothing };
        if summary.restart_timer {
            self.restart_timer(step);
        }
        let delivered = self.delivered.wrapping_sub(before.delivered);
        let newly_lost = self.lost.wrapping_sub(before.lost);
        self.move_window(step, delivered, newly_lost, summary);
        self.resend(step, resend);
        if self.board.is_empty() {
            self.unanswered_since = SimTime::MAX;
        } else if summary.advanced || summary.sacked_data {
            self.unanswered_since = step.now;
        }
    }

    /// Removes acknowledged packets from the scoreboard.
    fn remove_acked(&mut self, step: &Step, before: Before, summary: &mut AckSummary) {
        let mut lowest_original = u64::MAX;
        while let Some(acked) = self.board.pop_acked(self.una) {
            let packet = acked.last;
            summary.acked += acked.packets;
            self.bytes_acked += acked.bytes;
            let was_sacked = packet.marks.any(Marks::SACKED);
            if packet.was_retransmitted() {
                summary.resent_acked = true;
            } else if !was_sacked {
                let first = summary.acked_times.map_or(packet.at, |(first, _)| first);
                summary.acked_times = Some((first, packet.at));
                lowest_original = lowest_original.min(acked.start);
                summary.original_delivered |= acked.first_end <= self.losses.recovery.point;
            }
            if !was_sacked {
                self.delivered = self.delivered.wrapping_add(acked.packets);
                if !was_resent_needlessly(&packet, summary.echo) {
                    self.advance_rack(step.now, &packet);
                }
            }
        }
        summary.reneged = self.board.front().is_some_and(|packet| packet.marks.any(Marks::SACKED));
        if summary.acked > 0 {
            summary.restart_timer = true;
            if lowest_original < before.highest_sacked_end {
                self.record_reordering(lowest_original);
            }
        }
    }

    /// Measures the round-trip time. A retransmitted packet gives no sample of its own (RFC 6298 §3, Karn); timestamps do
    /// (RFC 7323 §4.1), if new data is acknowledged.
    fn measure_round_trip(&mut self, step: &Step, before: Before, summary: &mut AckSummary) {
        let mut flight_us = None;
        let mut latest_us = None;
        if let (Some((first, last)), false) = (summary.acked_times, summary.resent_acked) {
            flight_us = Some(Self::micros(step.now, first));
            latest_us = Some(Self::micros(step.now, last));
            // For a small packet sent alone, the receiver may have delayed its answer.
            summary.maybe_delayed =
                summary.acked == 1 && before.outstanding == 1 && self.una - before.una < u64::from(MSS) && !summary.duplicate;
        }
        let sacked_us = summary.sacked_times.map(|(first, last)| (Self::micros(step.now, first), Self::micros(step.now, last)));
        if let Some((first_us, last_us)) = sacked_us {
            latest_us = Some(last_us);
            flight_us = flight_us.or(Some(first_us));
        }
        if flight_us.is_none() && summary.acked > 0 && summary.echo != 0 {
            let millis = step.timestamp().wrapping_sub(summary.echo).max(1);
            flight_us = Some(u64::from(millis) * 1_000);
            latest_us = flight_us;
        }
        self.take_round_trip(step, flight_us, latest_us, summary);
        self.consider_timer_after_sack(step, sacked_us.map(|(first_us, _)| first_us), summary);
    }

    fn take_round_trip(&mut self, step: &Step, flight_us: Option<u64>, latest_us: Option<u64>, summary: &AckSummary) {
        let (Some(flight_us), Some(latest_us)) = (flight_us, latest_us) else { return };
        if !(summary.maybe_delayed && latest_us > self.rtt.min_us()) {
            self.rtt.sample_min(step.now, latest_us);
        }
        self.rtt.sample(flight_us, self.una, self.nxt);
        let sample =
            AckSample { at: step.now, rtt_us: latest_us, acked_to: self.una, sent_to: self.nxt, pacing_rate: self.pacing_rate() };
        self.congestion.handle_rtt(&sample);
    }

    /// Restarts the timer for a SACK only if it covers data sent before the first outstanding packet was last sent; otherwise
    /// the timeout could be postponed without end.
    fn consider_timer_after_sack(&self, step: &Step, sacked_us: Option<u64>, summary: &mut AckSummary) {
        if let (false, Some(sacked_us), Some(sent_at)) = (summary.restart_timer, sacked_us, self.board.front_sent_at()) {
            summary.restart_timer = sacked_us > Self::micros(step.now, sent_at);
        }
    }

    /// Returns true if loss detection has to run.
    fn is_dubious(&self, summary: &AckSummary) -> bool {
        !summary.tells_anything() || summary.sacked_data || summary.duplicate || self.phase != RecoveryPhase::Open
    }

    /// Shrinks or grows the congestion window (by RFC 9937 while it shrinks, otherwise by the algorithm).
    fn move_window(&mut self, step: &Step, delivered: u32, newly_lost: u32, summary: &AckSummary) {
        if self.phase.reduces_window() {
            self.reduce_window(delivered, newly_lost, summary.advanced);
            return;
        }
        let grows = if self.losses.reordering.is_high() { summary.acked > 0 || summary.sacked_data } else { summary.acked > 0 };
        if grows && self.window_is_limit() {
            self.congestion.handle_ack(step.now, delivered);
            self.usage.renew(step.now);
        }
    }
}
