//! Signs of life of a peer, and the keep-alive probes of an idle connection (RFC 9293 §3.8.4, RFC 1122 §4.2.3.6).
//!
//! Without probes, an end whose own bytes are all acknowledged never learns that its peer is gone. The rules and their order
//! are those of Linux's `tcp_keepalive_timer`; the instants are those that Linux reports in `tcp_info`.

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

/// Instants at which a connection end last heard from its peer, and last saw progress: Linux's `tcp_info.tcpi_last_ack_recv`
/// and `tcpi_last_data_recv`, as instants; [`SimTime::ZERO`] before the first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Arrival of the latest packet, with or without payload.
    pub heard_at: SimTime,
    /// Arrival of the latest packet that acknowledged a byte for the first time, cumulatively or selectively.
    pub acked_at: SimTime,
    /// Arrival of the latest packet that carried a byte for the first time.
    pub received_at: SimTime,
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
        let probing = keepalive.map(|keepalive| Box::new(Probing { keepalive, out: 0 }));
        Liveness { activity: Activity::default(), probing }
    }

    /// Records the arrival of a packet.
    pub(super) fn hear(&mut self, now: SimTime) {
        self.activity.heard_at = now;
        if let Some(probing) = &mut self.probing {
            probing.out = 0;
        }
    }

    /// Returns the instant of the first check of an open connection; `None` if it is never probed.
    pub(super) fn first_look(&self, now: SimTime) -> Option<SimTime> {
        self.probing.as_ref().map(|probing| now + probing.keepalive.idle)
    }

    /// Returns the action due at `now`. An end that has bytes outstanding is `busy`: its retransmission timer watches the
    /// peer.
    pub(super) fn look(&mut self, now: SimTime, user_timeout: SimDuration, busy: bool) -> Option<Verdict> {
        let Probing { keepalive: KeepAlive { idle, interval }, out } = self.probing.as_deref_mut()?;
        let (idle, interval) = (*idle, *interval);
        let silence = now - self.activity.heard_at;
        Some(if busy {
            Verdict::Wait(now + idle)
        } else if silence < idle {
            Verdict::Wait(self.activity.heard_at + idle)
        } else if silence >= user_timeout && *out > 0 {
            Verdict::GiveUp
        } else {
            *out += 1;
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
