//! Patience of a connection end with its peer: the user timeout of what is outstanding, and the keep-alive of what is not (RFC 9293
//! §3.8.3, §3.8.4).

use p2p_base::units::{SimDuration, SimTime};

use super::super::TcpConfig;
use super::super::liveness::{Sending, Verdict};
use super::super::step::Step;
use super::super::timer::{Timer, expiry, jiffies_for_micros};
use super::{CloseReason, Connection, StepEvents};
use crate::packet::Flags;

impl Connection {
    /// Returns settings by which the peer of this end is no less patient than it.
    pub(crate) fn adopted_by(&self, peer: TcpConfig) -> TcpConfig {
        peer.at_least(self.handshake.connect_timeout(), self.user_timeout)
    }

    /// Sets the time that the handshake may take, if it is not over, and the user timeout, which holds from the next check of the peer on.
    pub(crate) fn set_deadlines(&mut self, now: SimTime, connect_timeout: SimDuration, user_timeout: SimDuration) {
        if self.state.is_opening()
            && let Some(end) = self.handshake.keep_within(connect_timeout)
        {
            self.timers.set(Timer::Lifetime, end.max(now));
        }
        if user_timeout != self.user_timeout {
            self.user_timeout = user_timeout;
            self.liveness.keep_within(user_timeout);
        }
    }

    /// Takes over the deadlines of the peer that are longer.
    pub(crate) fn adopt_deadlines(&mut self, now: SimTime, connect_timeout: SimDuration, user_timeout: SimDuration) {
        let connect_timeout = connect_timeout.max(self.handshake.connect_timeout());
        self.set_deadlines(now, connect_timeout, user_timeout.max(self.user_timeout));
    }

    /// Returns the instant since which the peer has been silent while an answer is due; `None` if none is.
    fn silent_since(&self) -> Option<SimTime> {
        self.sender.unanswered_since().map(|since| since.max(self.liveness.activity.heard_at))
    }

    /// Handles the expiry of the sender's timer, unless the peer has been silent for too long.
    pub(super) fn handle_transmit_timer(&mut self, step: &mut Step, events: &mut StepEvents) {
        if self.is_given_up(step, events) {
            return;
        }
        self.sender.handle_timer(step);
        self.receiver.record_piggybacked(step);
        self.watch_patience(step);
    }

    /// Handles the end of the user timeout. Where the peer was heard in the meantime, the retransmission waits for its own timer
    /// (RFC 6298 §5.5).
    pub(super) fn handle_patience(&mut self, step: &mut Step, events: &mut StepEvents) {
        if !self.is_given_up(step, events) {
            self.watch_patience(step);
        }
    }

    /// Ends the connection if the peer has been silent for the user timeout. Returns true if so.
    fn is_given_up(&mut self, step: &Step, events: &mut StepEvents) -> bool {
        let waited = self.silent_since().map_or(SimDuration::ZERO, |since| step.now - since);
        let is_over = waited >= self.user_timeout;
        if is_over {
            self.enter_closed();
            events.ended = Some(CloseReason::TimedOut);
        }
        is_over
    }

    /// Sees to it that the user timeout is noticed where the sender's timer has backed off beyond it (Linux
    /// `tcp_clamp_rto_to_user_timeout`, which shortens the timer: there, a peer that is heard and acknowledges nothing counts as silent).
    fn watch_patience(&self, step: &mut Step) {
        let Some(since) = self.silent_since() else { return };
        let rest = self.user_timeout.saturating_sub(step.now - since);
        let limit = expiry(step.now, jiffies_for_micros(rest.as_nanos().div_ceil(1_000)));
        if step.timers.is_set(Timer::Transmit) && step.timers.at(Timer::Transmit) > limit {
            step.timers.set(Timer::Patience, limit);
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
