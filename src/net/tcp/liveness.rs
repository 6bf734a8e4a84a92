//! Signs of life of a peer, and the probe that asks an idle one for a sign (RFC 9293 §3.8.4, RFC 1122 §4.2.3.6).
//!
//! Without it an end whose own bytes are all acknowledged never learns that its peer is gone. The rules and their order are
//! those of Linux's `tcp_keepalive_timer`; the instants are those that Linux tells in `tcp_info`. Knows nothing of packets.

use serde::{Deserialize, Serialize};

use crate::units::{SimDuration, SimTime};

/// How an idle connection is probed: the socket options `TCP_KEEPIDLE` and `TCP_KEEPINTVL`. How long a peer may stay silent
/// is the user timeout, which in Linux takes the place of `TCP_KEEPCNT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepAlive {
    /// Silence after which the first probe is sent.
    pub idle: SimDuration,
    /// Time from one unanswered probe to the next.
    pub interval: SimDuration,
}

impl KeepAlive {
    /// Probes an idle connection so that a peer that is gone is found after `user_timeout` of silence: the first probe after
    /// half of it, then one every twentieth, so that ten have to be lost before a living peer is given up.
    pub fn within(user_timeout: SimDuration) -> KeepAlive {
        let part = |share: u64| SimDuration::from_nanos((user_timeout.as_nanos() / share).max(1_000_000));
        KeepAlive { idle: part(2), interval: part(20) }
    }
}

/// When a connection end last heard of its peer, and of progress: what Linux tells as `tcp_info.tcpi_last_ack_recv` and
/// `tcpi_last_data_recv`, as instants; [`SimTime::ZERO`] where nothing has come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Arrival of the latest packet, whatever it carried.
    pub heard_at: SimTime,
    /// Arrival of the latest packet that acknowledged a byte for the first time, cumulatively or selectively.
    pub acked_at: SimTime,
    /// Arrival of the latest packet that carried a byte for the first time.
    pub received_at: SimTime,
}

/// A connection end's watch over its peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Liveness {
    pub(super) activity: Activity,
    keepalive: Option<KeepAlive>,
    /// Probes sent since the peer was last heard (`icsk_probes_out`).
    probes_out: u32,
}

/// What the timer of an idle connection calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet: look again at this instant.
    Wait(SimTime),
    /// A probe, and to look again at this instant.
    Probe(SimTime),
    /// The peer is gone.
    GiveUp,
}

impl Liveness {
    pub(super) fn new(keepalive: Option<KeepAlive>) -> Liveness {
        Liveness { activity: Activity::default(), keepalive, probes_out: 0 }
    }

    /// A packet has arrived.
    pub(super) fn hear(&mut self, now: SimTime) {
        self.activity.heard_at = now;
        self.probes_out = 0;
    }

    /// When an open connection is to be looked at first; `None` where it is never probed.
    pub(super) fn first_look(&self, now: SimTime) -> Option<SimTime> {
        self.keepalive.map(|keepalive| now + keepalive.idle)
    }

    /// What to do at `now`. An end that has bytes outstanding is `busy`: its retransmission timer watches the peer.
    pub(super) fn look(&mut self, now: SimTime, user_timeout: SimDuration, busy: bool) -> Option<Verdict> {
        let KeepAlive { idle, interval } = self.keepalive?;
        let silence = now - self.activity.heard_at;
        Some(if busy {
            Verdict::Wait(now + idle)
        } else if silence < idle {
            Verdict::Wait(self.activity.heard_at + idle)
        } else if silence >= user_timeout && self.probes_out > 0 {
            Verdict::GiveUp
        } else {
            self.probes_out += 1;
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

    /// Follows the verdicts from one look to the next.
    fn looks(liveness: &mut Liveness, mut heard: impl FnMut(SimTime) -> bool, until: SimTime) -> (u32, Option<SimTime>) {
        let (mut probes, mut now) = (0, liveness.first_look(SimTime::ZERO).unwrap());
        while now < until {
            if heard(now) {
                liveness.hear(now);
            }
            now = match liveness.look(now, TIMEOUT, false).unwrap() {
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
        assert_eq!(liveness.look(at(100), TIMEOUT, true), Some(Verdict::Wait(at(115))));
        assert_eq!(Liveness::new(None).look(at(100), TIMEOUT, false), None);
    }
}
