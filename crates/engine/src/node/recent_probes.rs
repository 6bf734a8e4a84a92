//! The latest probes of one peer, and the figures computed from them: round-trip times and the number of lost probes.
//!
//! All figures of round-trip times come from here, so that every screen, table and report shows the same values, computed from
//! the same probes.

use p2p_base::units::SimDuration;

/// Number of probes that the figures are computed from: the latest ones that were answered or have timed out.
pub const PROBES_MAX: usize = 10;

/// Unit of the stored times, in nanoseconds: a network of a thousand nodes has a million of these lists.
const TICK: u64 = 100;
/// Value that marks a probe without an answer, among times in ticks.
const UNANSWERED: u32 = u32::MAX;

/// Results of the latest probes of a peer, in a ring buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecentProbes {
    fates: [u32; PROBES_MAX],
    count: u8,
    next: u8,
}

impl Default for RecentProbes {
    fn default() -> Self {
        RecentProbes { fates: [UNANSWERED; PROBES_MAX], count: 0, next: 0 }
    }
}

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
    /// Adds the round-trip time of a probe, or `None` for a lost probe, and returns the figures; `last` is the previous
    /// round-trip time.
    pub(super) fn note(&mut self, round_trip: Option<SimDuration>, last: Option<SimDuration>) -> RoundTrips {
        let ticks = |time: SimDuration| u32::try_from(time.as_nanos() / TICK).unwrap_or(UNANSWERED).min(UNANSWERED - 1);
        self.fates[usize::from(self.next)] = round_trip.map_or(UNANSWERED, ticks);
        self.next = (self.next + 1) % PROBES_MAX as u8;
        self.count = (self.count + 1).min(PROBES_MAX as u8);
        let answered = || self.in_order().filter(|&fate| fate != UNANSWERED).map(|fate| u64::from(fate) * TICK);
        let (answers, sum) = answered().fold((0, 0), |(count, sum), nanos| (count + 1, sum + nanos));
        RoundTrips {
            last: round_trip.or(last),
            average: sum.checked_div(answers).map(SimDuration::from_nanos),
            best: answered().min().map(SimDuration::from_nanos),
            worst: answered().max().map(SimDuration::from_nanos),
            jitter: answered()
                .zip(answered().skip(1))
                .map(|(one, next)| one.abs_diff(next))
                .sum::<u64>()
                .checked_div(answers.saturating_sub(1))
                .map(SimDuration::from_nanos),
            probes: u32::from(self.count),
            answers: answers as u32,
        }
    }

    /// Returns the results of the probes, the oldest first.
    fn in_order(&self) -> impl Iterator<Item = u32> + '_ {
        let (newer, older) = self.fates.split_at(usize::from(self.next));
        older.iter().chain(newer).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(ms: u64) -> SimDuration {
        SimDuration::from_millis(ms)
    }

    #[test]
    fn figures_are_of_the_last_ten_probes() {
        let (mut recent, mut seen) = (RecentProbes::default(), RoundTrips::default());
        assert_eq!(recent.note(None, None), RoundTrips { probes: 1, ..seen });
        for ms in [900, 10, 20, 30] {
            seen = recent.note(Some(millis(ms)), seen.last);
        }
        assert_eq!((seen.last, seen.average, seen.best), (Some(millis(30)), Some(millis(240)), Some(millis(10))));
        assert_eq!((seen.worst, seen.probes, seen.answers, seen.loss()), (Some(millis(900)), 5, 4, 0.2));
        assert_eq!(seen.jitter, Some(SimDuration::from_nanos((890 + 10 + 10) * 1_000_000 / 3)));
        // The first five are forgotten one after the other.
        for ms in [10, 20, 10, 20, 10, 20, 30, 20, 10] {
            seen = recent.note(Some(millis(ms)), seen.last);
        }
        seen = recent.note(None, seen.last);
        assert_eq!((seen.probes, seen.answers, seen.last), (10, 9, Some(millis(10))));
        assert_eq!(
            (seen.average, seen.best, seen.worst),
            (Some(SimDuration::from_nanos(150_000_000 / 9)), Some(millis(10)), Some(millis(30)))
        );
        // 10, 20, 10, 20, 10, 20, 30, 20, 10: the order of the ring does not matter.
        assert_eq!(seen.jitter, Some(millis(10)));
        (0..8).for_each(|_| seen = recent.note(None, seen.last));
        assert_eq!((seen.answers, seen.jitter), (1, None));
        (0..2).for_each(|_| seen = recent.note(None, seen.last));
        assert_eq!((seen.average, seen.best, seen.last, seen.loss()), (None, None, Some(millis(10)), 1.0));
    }
}
