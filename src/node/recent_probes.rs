//! The latest probes of one peer, and what they say: round-trip times and how many went unanswered.
//!
//! All figures of a round trip come from here, so that every screen, table and report says the same of it, over the same
//! probes. Knows nothing of when probes are sent.

use crate::units::SimDuration;

/// How many probes the figures are of: the latest whose fate is known.
pub const PROBES_MAX: usize = 10;

/// The unit in which times are kept, in nanoseconds: a network of a thousand nodes has a million of these lists.
const TICK: u64 = 100;
/// A probe that was not answered, among times in ticks.
const UNANSWERED: u32 = u32::MAX;

/// What became of the latest probes, the oldest overwritten first.
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

/// Figures of the last [`PROBES_MAX`] probes of a peer, or of as many as there have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundTrips {
    /// The round-trip time of the last probe that was answered; `None` before there was one.
    pub last: Option<SimDuration>,
    /// The mean of those that were answered; `None` where none was.
    pub average: Option<SimDuration>,
    /// The shortest of them.
    pub best: Option<SimDuration>,
    /// The longest of them.
    pub worst: Option<SimDuration>,
    /// How many probes the figures are of.
    pub probes: u32,
    /// How many of them were answered in time.
    pub answers: u32,
}

impl RoundTrips {
    /// The share of the probes that went unanswered, from 0 to 1.
    pub fn loss(&self) -> f64 {
        if self.probes == 0 { 0.0 } else { f64::from(self.probes - self.answers) / f64::from(self.probes) }
    }
}

impl RecentProbes {
    /// Takes in a probe's round-trip time, or that it was not answered. Gives the figures, whose last answer was `last` before.
    pub(super) fn note(&mut self, round_trip: Option<SimDuration>, last: Option<SimDuration>) -> RoundTrips {
        let ticks = |time: SimDuration| u32::try_from(time.as_nanos() / TICK).unwrap_or(UNANSWERED).min(UNANSWERED - 1);
        self.fates[usize::from(self.next)] = round_trip.map_or(UNANSWERED, ticks);
        self.next = (self.next + 1) % PROBES_MAX as u8;
        self.count = (self.count + 1).min(PROBES_MAX as u8);
        let answered = || self.fates.iter().filter(|&&fate| fate != UNANSWERED).map(|&fate| u64::from(fate) * TICK);
        let (answers, sum) = answered().fold((0, 0), |(count, sum), nanos| (count + 1, sum + nanos));
        RoundTrips {
            last: round_trip.or(last),
            average: sum.checked_div(answers).map(SimDuration::from_nanos),
            best: answered().min().map(SimDuration::from_nanos),
            worst: answered().max().map(SimDuration::from_nanos),
            probes: u32::from(self.count),
            answers: answers as u32,
        }
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
        (0..10).for_each(|_| seen = recent.note(None, seen.last));
        assert_eq!((seen.average, seen.best, seen.last, seen.loss()), (None, None, Some(millis(10)), 1.0));
    }
}
