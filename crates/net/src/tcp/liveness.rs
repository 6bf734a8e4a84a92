//! Signs of life of a peer, and the keep-alive probes of an idle connection (RFC 9293 §3.8.4, RFC 1122 §4.2.3.6).
//!
//! Without probes, an end whose own bytes are all acknowledged never learns that its peer is gone. The rules and their order
//! are those of Linux's `tcp_keepalive_timer`; the instants are those that Linux reports in `tcp_info`. One rule is added. Behind a
//! slow link with a long queue the retransmission timeout may exceed the user timeout, so that a lost packet is repeated too late to
//! tell a living peer from one that is gone. On such a path the peer is also probed while bytes are outstanding, and after an idle
//! time without proof that what is sent arrives, whatever the peer has sent by itself.

use p2p_base::units::{SimDuration, SimTime};

/// Keep-alive settings of a connection: the socket options `TCP_KEEPIDLE` and `TCP_KEEPINTVL`. A peer may stay silent for the
/// user timeout, which in Linux overrides `TCP_KEEPCNT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KeepAlive {
    /// Silence after which the first probe is sent.
    pub idle: SimDuration,
    /// Time from one unanswered probe to the next.
    pub interval: SimDuration,
}

impl KeepAlive {
    /// Returns settings by which a peer that is gone is detected after `user_timeout` of silence: the first probe after half
    /// of it, then one every twentieth, so that ten must be lost before a living peer is given up.
    pub fn within(user_timeout: SimDuration) -> KeepAlive {
        let part = |share: u64| SimDuration::from_nanos((user_timeout.as_nanos() / share).max(1_000_000));
        KeepAlive { idle: part(2), interval: part(20) }
    }
}

/// Instants at which a connection end last heard from its peer, and last saw that what is sent arrives; the first three are
/// Linux's `tcp_info.tcpi_last_ack_recv` and `tcpi_last_data_recv`, as instants; [`SimTime::ZERO`] before the first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Arrival of the latest packet, with or without payload.
    pub heard_at: SimTime,
    /// Arrival of the latest packet that acknowledged a byte for the first time, cumulatively or selectively.
    pub acked_at: SimTime,
    /// Arrival of the latest packet that carried a byte for the first time.
    pub received_at: SimTime,
    /// Arrival of the latest answer to a keep-alive probe on a path so slow that the next retransmission might come later than the end's
    /// patience. It proves that the path and the peer's TCP work, and nothing of its application.
    pub probed_at: SimTime,
}

/// State of a connection end's keep-alive.
#[derive(Debug)]
pub(super) struct Liveness {
    pub(super) activity: Activity,
    /// State of the probing, if idle connections are probed.
    probing: Option<Box<Probing>>,
}

#[derive(Debug, Clone, Copy)]
struct Probing {
    keepalive: KeepAlive,
    /// Number of probes sent since the peer was last heard from (`icsk_probes_out`).
    out: u32,
    /// True from the sending of a probe on a slow path to the arrival of its answer.
    is_unanswered: bool,
}

/// State of a connection end's sending, as far as the checks of its peer depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    /// True if bytes are outstanding.
    pub(super) is_busy: bool,
    /// Retransmission timeout without its doublings.
    pub(super) rto: SimDuration,
}

/// Action due when the timer of an idle connection expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No action yet: check again at this instant.
    Wait(SimTime),
    /// Send a probe, and check again at this instant.
    Probe(SimTime),
    /// Give the peer up.
    GiveUp,
}

impl Liveness {
    pub(super) fn new(keepalive: Option<KeepAlive>) -> Liveness {
        let probing = keepalive.map(|keepalive| Box::new(Probing { keepalive, out: 0, is_unanswered: false }));
        Liveness { activity: Activity::default(), probing }
    }

    /// Adapts the probing, if there is one, to another user timeout.
    pub(super) fn keep_within(&mut self, user_timeout: SimDuration) {
        if let Some(probing) = &mut self.probing {
            probing.keepalive = KeepAlive::within(user_timeout);
        }
    }

    /// Records the arrival of a packet, which may answer a probe. What the peer probes or repeats answers none.
    pub(super) fn hear(&mut self, now: SimTime, may_answer: bool) {
        self.activity.heard_at = now;
        if let Some(probing) = &mut self.probing {
            probing.out = 0;
            if may_answer && std::mem::take(&mut probing.is_unanswered) {
                self.activity.probed_at = now;
            }
        }
    }

    /// Returns the instant of the first check of an open connection; `None` if it is never probed.
    pub(super) fn first_look(&self, now: SimTime) -> Option<SimTime> {
        self.probing.as_ref().map(|probing| now + probing.keepalive.idle)
    }

    /// Returns the action due at `now`. Where the first retransmission comes soon enough, it watches the peer of an end with bytes
    /// outstanding.
    pub(super) fn look(&mut self, now: SimTime, user_timeout: SimDuration, sending: Sending) -> Option<Verdict> {
        let Activity { heard_at, acked_at, received_at, probed_at } = self.activity;
        let Probing { keepalive: KeepAlive { idle, interval }, out, is_unanswered } = self.probing.as_deref_mut()?;
        let (idle, interval) = (*idle, *interval);
        let is_slow = sending.rto >= idle;
        let since = if is_slow { acked_at.max(received_at).max(probed_at) } else { heard_at };
        Some(if sending.is_busy && !is_slow {
            Verdict::Wait(now + idle)
        } else if now - since < idle {
            Verdict::Wait(since + idle)
        } else if now - heard_at >= user_timeout && *out > 0 {
            Verdict::GiveUp
        } else {
            *out += 1;
            *is_unanswered = is_slow;
            Verdict::Probe(now + interval)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: SimDuration = SimDuration::from_secs(30);

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    const IDLE: Sending = Sending { is_busy: false, rto: SimDuration::from_millis(200) };

    /// Follows the verdicts from one look to the next.
    fn looks(liveness: &mut Liveness, mut heard: impl FnMut(SimTime) -> bool, until: SimTime) -> (u32, Option<SimTime>) {
        let (mut probes, mut now) = (0, liveness.first_look(SimTime::ZERO).unwrap());
        while now < until {
            if heard(now) {
                liveness.hear(now, true);
            }
            now = match liveness.look(now, TIMEOUT, IDLE).unwrap() {
                Verdict::GiveUp => return (probes, Some(now)),
                Verdict::Wait(next) => next,
                Verdict::Probe(next) => {
                    probes += 1;
                    next
                }
            };
        }
        (probes, None)
    }

    #[test]
    fn a_silent_peer_is_given_up_after_ten_probes_and_the_user_timeout() {
        let mut liveness = Liveness::new(Some(KeepAlive::within(TIMEOUT)));
        assert_eq!(looks(&mut liveness, |_| false, at(1_000)), (10, Some(at(30))));
    }

    #[test]
    fn a_peer_that_answers_one_probe_of_eight_is_kept() {
        let mut liveness = Liveness::new(Some(KeepAlive::within(TIMEOUT)));
        let mut turn = 0;
        let now_and_then = |_| {
            turn += 1;
            turn % 8 == 0
        };
        assert_eq!(looks(&mut liveness, now_and_then, at(1_000)).1, None);
    }

    #[test]
    fn what_is_outstanding_is_the_retransmission_timers_concern() {
        let mut liveness = Liveness::new(Some(KeepAlive::within(TIMEOUT)));
        let busy = |seconds| Sending { is_busy: true, rto: SimDuration::from_secs(seconds) };
        assert_eq!(liveness.look(at(100), TIMEOUT, busy(14)), Some(Verdict::Wait(at(115))));
        assert!(matches!(liveness.look(at(100), TIMEOUT, busy(15)), Some(Verdict::Probe(_))), "it would come too late");
        assert_eq!(Liveness::new(None).look(at(100), TIMEOUT, IDLE), None);
    }

    /// Two ends that probe each other at the same pace both learn that the other has what they sent.
    #[test]
    fn on_a_slow_path_the_probes_of_the_peer_are_no_answers() {
        let mut liveness = Liveness::new(Some(KeepAlive::within(TIMEOUT)));
        let slow = Sending { is_busy: false, rto: SimDuration::from_secs(40) };
        liveness.hear(at(14), false);
        assert_eq!(liveness.look(at(15), TIMEOUT, IDLE), Some(Verdict::Wait(at(29))));
        assert!(matches!(liveness.look(at(15), TIMEOUT, slow), Some(Verdict::Probe(_))));
        liveness.hear(at(16), false);
        assert_eq!(liveness.activity.probed_at, SimTime::ZERO);
        liveness.hear(at(17), true);
        assert_eq!(liveness.activity.probed_at, at(17));
        liveness.hear(at(18), true);
        assert_eq!((liveness.activity.probed_at, liveness.activity.heard_at), (at(17), at(18)), "a probe has one answer");
        assert_eq!(liveness.activity.acked_at, SimTime::ZERO, "no byte was acknowledged");
    }
}
