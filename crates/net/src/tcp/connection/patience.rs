//! Patience of a connection end with its peer: the user timeout of what is outstanding, and the keep-alive of what is not (RFC 9293
//! §3.8.3, §3.8.4).

use p2p_base::units::{SimDuration, SimTime};

use super::super::liveness::{Sending, Verdict};
use super::super::step::Step;
use super::super::timer::{Timer, expiry, jiffies_for_micros};
use super::{CloseReason, Connection, StepEvents};
use crate::packet::Flags;

impl Connection {
    /// Returns the instant since which the peer has been silent while an answer is due; `None` if none is.
    fn silent_since(&self) -> Option<SimTime> {
        self.sender.unanswered_since().map(|since| since.max(self.liveness.activity.heard_at))
    }

    pub(super) fn handle_transmit_timer(&mut self, step: &mut Step, events: &mut StepEvents) {
        let waited = self.silent_since().map_or(SimDuration::ZERO, |since| step.now - since);
        if waited >= self.user_timeout {
            self.enter_closed();
            events.ended = Some(CloseReason::TimedOut);
            return;
        }
        self.sender.handle_timer(step);
        self.receiver.record_piggybacked(step);
        self.clamp_to_user_timeout(step);
    }

    /// Limits the retransmission timer to the user timeout, however far it has backed off (Linux
    /// `tcp_clamp_rto_to_user_timeout`).
    fn clamp_to_user_timeout(&self, step: &mut Step) {
        let Some(since) = self.silent_since() else { return };
        let rest = self.user_timeout.saturating_sub(step.now - since);
        let limit = expiry(step.now, jiffies_for_micros(rest.as_nanos().div_ceil(1_000)));
        if step.timers.is_set(Timer::Transmit) && step.timers.at(Timer::Transmit) > limit {
            step.timers.set(Timer::Transmit, limit);
        }
    }

    /// Checks an open connection (Linux `tcp_keepalive_timer`). The probe repeats the byte before the first unacknowledged
    /// one, which the peer must answer; an end that gives up resets the connection.
    pub(super) fn handle_keepalive(&mut self, step: &mut Step, events: &mut StepEvents) {
        match self.liveness.look(
            step.now,
            self.user_timeout,
            Sending { is_busy: self.sender.unacknowledged() > 0, rto: self.sender.first_rto() },
        ) {
            None => {}
            Some(Verdict::Wait(at)) => step.timers.set(Timer::Lifetime, at),
            Some(Verdict::Probe(at)) => {
                step.send_control(self.sender.acked_to() - 1, Flags::ACK, |_| {});
                step.timers.set(Timer::Lifetime, at);
            }
            Some(Verdict::GiveUp) => {
                step.send_control(self.sender.sent_to(), Flags::RST.with(Flags::ACK), |_| {});
                self.enter_closed();
                events.ended = Some(CloseReason::TimedOut);
            }
        }
    }
}
