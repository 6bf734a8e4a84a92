//! The latest probes of one peer, and the figures computed from them: round-trip times and the number of lost probes.
//!
//! All figures of round-trip times come from here, so that every screen, table and report shows the same values, computed from
//! the same probes.

use std::collections::VecDeque;

use p2p_base::units::{SimDuration, SimTime};

/// Number of probes that the figures are computed from: the latest ones that were answered or have timed out.
pub const PROBES_MAX: usize = 10;
/// Number of probes that a host keeps of each peer if it probes all of them at each interval, as the client does: five minutes of them by
/// default. A host that probes its peers in turn keeps those of the figures.
pub const PROBES_KEPT: usize = 60;

/// Unit of the stored round trips, in nanoseconds: a network of a thousand nodes has a million of these lists.
const TICK: u64 = 100;
/// Unit of the stored instants, in nanoseconds.
const INSTANT: u64 = 10_000_000;
/// Value that marks a probe without an answer, among times in ticks.
const UNANSWERED: u32 = u32::MAX;

/// Probe that was answered or has timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeRecord {
    /// Virtual instant at which it was sent, to ten milliseconds.
    pub sent_at: SimTime,
    /// Time to its answer; `None` if none came in time.
    pub round_trip: Option<SimDuration>,
}

/// Probe in the units that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fate {
    sent_at: u32,
    round_trip: u32,
}

/// Results of the latest probes of a peer, in the order in which they became known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RecentProbes(VecDeque<Fate>);

/// Figures of the last [`PROBES_MAX`] probes of a peer, or of fewer if there have not been as many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundTrips {
    /// Round-trip time of the last answered probe; `None` before the first answer.
    pub last: Option<SimDuration>,
    /// Mean round-trip time of the answered probes; `None` if none was answered.
    pub average: Option<SimDuration>,
    /// Shortest round-trip time of the answered probes.
    pub best: Option<SimDuration>,
    /// Longest round-trip time of the answered probes.
    pub worst: Option<SimDuration>,
    /// Mean difference between the round-trip times of one answered probe and the next: the variation that RFC 3550 §6.4.1 smooths
    /// over a whole session, here of the same probes as the other figures. `None` before the second answer.
    pub jitter: Option<SimDuration>,
    /// Number of probes that the figures are computed from.
    pub probes: u32,
    /// Number of these probes that were answered in time.
    pub answers: u32,
}

impl RoundTrips {
    /// Returns the share of probes without an answer, from 0 to 1.
    pub fn loss(&self) -> f64 {
        if self.probes == 0 { 0.0 } else { f64::from(self.probes - self.answers) / f64::from(self.probes) }
    }
}

impl RecentProbes {
    /// Adds a probe, and returns the figures of the last [`PROBES_MAX`]; `last` is the previous round-trip time. At most `kept` probes are
    /// kept, and not fewer than the figures are of.
    pub(super) fn note(&mut self, probe: ProbeRecord, last: Option<SimDuration>, kept: usize) -> RoundTrips {
        let ticks = |nanos: u64, unit: u64| u32::try_from(nanos / unit).unwrap_or(UNANSWERED).min(UNANSWERED - 1);
        while self.0.len() >= kept.max(PROBES_MAX) {
            self.0.pop_front();
        }
        let fate = Fate {
            sent_at: ticks(probe.sent_at.as_nanos(), INSTANT),
            round_trip: probe.round_trip.map_or(UNANSWERED, |time| ticks(time.as_nanos(), TICK)),
        };
        self.0.push_back(fate);
        let latest = || self.0.range(self.0.len().saturating_sub(PROBES_MAX)..);
        let answered = || latest().filter_map(Fate::nanos);
        let (answers, sum) = answered().fold((0, 0), |(count, sum), nanos| (count + 1, sum + nanos));
        RoundTrips {
            // To the unit of the others, among which it is: the best is never above it, nor the worst below it.
            last: fate.nanos().map(SimDuration::from_nanos).or(last),
            average: sum.checked_div(answers).map(SimDuration::from_nanos),
            best: answered().min().map(SimDuration::from_nanos),
            worst: answered().max().map(SimDuration::from_nanos),
            jitter: answered()
                .zip(answered().skip(1))
                .map(|(one, next)| one.abs_diff(next))
                .sum::<u64>()
                .checked_div(answers.saturating_sub(1))
                .map(SimDuration::from_nanos),
            probes: latest().len() as u32,
            answers: answers as u32,
        }
    }

    /// Returns the probes in the order in which they were sent.
    pub(super) fn in_order(&self) -> Vec<ProbeRecord> {
        let record = |fate: &Fate| ProbeRecord {
            sent_at: SimTime::from_nanos(u64::from(fate.sent_at) * INSTANT),
            round_trip: fate.nanos().map(SimDuration::from_nanos),
        };
        let mut all: Vec<ProbeRecord> = self.0.iter().map(record).collect();
        all.sort_by_key(|record| record.sent_at);
        all
    }
}

impl Fate {
    /// Returns the round trip in nanoseconds, if there was an answer.
    fn nanos(&self) -> Option<u64> {
        (self.round_trip != UNANSWERED).then_some(u64::from(self.round_trip) * TICK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(ms: u64) -> SimDuration {
        SimDuration::from_millis(ms)
    }

    impl RecentProbes {
        fn noted(&mut self, round_trip: Option<SimDuration>, last: Option<SimDuration>) -> RoundTrips {
            self.note(ProbeRecord { sent_at: SimTime::ZERO, round_trip }, last, PROBES_MAX)
        }
    }

    /// A probe that is lost is known to be so after later ones are answered, and stands at the time at which it was sent.
    #[test]
    fn probes_are_kept_with_their_instants() {
        let mut recent = RecentProbes::default();
        let probe = |second: u64, round_trip| ProbeRecord { sent_at: SimTime::ZERO + SimDuration::from_secs(second), round_trip };
        for second in [1, 3, 4, 2] {
            recent.note(probe(second, (second != 2).then(|| millis(second))), None, PROBES_KEPT);
        }
        let all = [probe(1, Some(millis(1))), probe(2, None), probe(3, Some(millis(3))), probe(4, Some(millis(4)))];
        assert_eq!(recent.in_order(), all);
        for (kept, count) in [(PROBES_KEPT, PROBES_KEPT), (0, PROBES_MAX)] {
            (0..100).for_each(|second| _ = recent.note(probe(second, None), None, kept));
            assert_eq!((recent.in_order().len(), recent.in_order()[0].sent_at), (count, probe(100 - count as u64, None).sent_at));
        }
    }

    /// All round trips are told to the same unit: where there is one answer, all figures are equal, whatever its nanoseconds.
    #[test]
    fn the_last_round_trip_lies_between_the_best_and_the_worst() {
        let mut recent = RecentProbes::default();
        let seen = recent.noted(Some(SimDuration::from_nanos(18_083_776)), None);
        assert_eq!([seen.best, seen.worst, seen.average], [seen.last; 3]);
        for nanos in [17_391_181, 19_999_999, 20_000_001] {
            let seen = recent.noted(Some(SimDuration::from_nanos(nanos)), seen.last);
            assert!(seen.best <= seen.last && seen.last <= seen.worst, "{seen:?}");
        }
    }

    #[test]
    fn figures_are_of_the_last_ten_probes() {
        let (mut recent, mut seen) = (RecentProbes::default(), RoundTrips::default());
        assert_eq!(recent.noted(None, None), RoundTrips { probes: 1, ..seen });
        for ms in [900, 10, 20, 30] {
            seen = recent.noted(Some(millis(ms)), seen.last);
        }
        assert_eq!((seen.last, seen.average, seen.best), (Some(millis(30)), Some(millis(240)), Some(millis(10))));
        assert_eq!((seen.worst, seen.probes, seen.answers, seen.loss()), (Some(millis(900)), 5, 4, 0.2));
        assert_eq!(seen.jitter, Some(SimDuration::from_nanos((890 + 10 + 10) * 1_000_000 / 3)));
        // The first five are forgotten one after the other.
        for ms in [10, 20, 10, 20, 10, 20, 30, 20, 10] {
            seen = recent.noted(Some(millis(ms)), seen.last);
        }
        seen = recent.noted(None, seen.last);
        assert_eq!((seen.probes, seen.answers, seen.last), (10, 9, Some(millis(10))));
        assert_eq!(
            (seen.average, seen.best, seen.worst),
            (Some(SimDuration::from_nanos(150_000_000 / 9)), Some(millis(10)), Some(millis(30)))
        );
        // 10, 20, 10, 20, 10, 20, 30, 20, 10: the order of the ring does not matter.
        assert_eq!(seen.jitter, Some(millis(10)));
        (0..8).for_each(|_| seen = recent.noted(None, seen.last));
        assert_eq!((seen.answers, seen.jitter), (1, None));
        (0..2).for_each(|_| seen = recent.noted(None, seen.last));
        assert_eq!((seen.average, seen.best, seen.last, seen.loss()), (None, None, Some(millis(10)), 1.0));
    }
}
