//! Bytes per second: a monotonic counter, sampled at every whole virtual second.
//!
//! The values do not depend on when they are read: a second holds the bytes that passed in it, at every simulation speed and
//! whether or not it was displayed. No event is scheduled only to take a sample; before a counter changes, the values at the
//! ends of the seconds that have passed meanwhile are recorded.

use std::collections::VecDeque;

use p2p_base::units::{SimDuration, SimTime};

/// Number of whole virtual seconds of which the bytes are kept: ten minutes.
pub const SECONDS_MAX: usize = 600;
const SECOND: SimDuration = SimDuration::from_secs(1);

/// Returns the number of the whole second in which `at` lies, counted from the start.
pub(crate) const fn second_of(at: SimTime) -> u64 {
    at.as_nanos() / SECOND.as_nanos()
}

/// Returns the instant at which second number `second` begins.
pub(crate) const fn start_of(second: u64) -> SimTime {
    SimTime::from_nanos(second.saturating_mul(SECOND.as_nanos()))
}

/// Bytes that passed in each of the latest whole seconds of virtual time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateSeries {
    bytes: Vec<u64>,
    end: SimTime,
}

impl RateSeries {
    /// Returns the end of the last second: the last whole one before the series was taken.
    pub fn end(&self) -> SimTime {
        self.end
    }

    /// Returns the bytes of the last whole second, which is the rate in bytes per second; `None` before a second has passed.
    pub fn latest(&self) -> Option<u64> {
        self.bytes.last().copied()
    }

    /// Returns the bytes of each of the latest `count` whole seconds, oldest first; fewer if the series is shorter.
    pub fn tail(&self, count: usize) -> &[u64] {
        &self.bytes[self.bytes.len().saturating_sub(count)..]
    }
}

/// Values of a counter at the end of every whole second.
#[derive(Debug)]
pub(crate) struct SecondReadings {
    /// Values of the counter at the ends of the latest seconds, oldest first.
    totals: VecDeque<u64>,
    /// Number of the second that has not ended yet.
    second: u64,
    /// Instant at which the current second ends.
    due: SimTime,
}

impl SecondReadings {
    /// Begins at `now`, with a counter of zero.
    pub(crate) fn new(now: SimTime) -> SecondReadings {
        let second = second_of(now);
        SecondReadings { totals: VecDeque::from([0]), second, due: start_of(second + 1) }
    }

    /// Returns true if a second has ended and its value is not recorded yet.
    pub(crate) fn is_due(&self, now: SimTime) -> bool {
        now >= self.due
    }

    /// Records the seconds that have ended by `now`. `total_at` returns the value of the counter at an instant since its last
    /// change.
    pub(crate) fn read(&mut self, now: SimTime, total_at: impl Fn(SimTime) -> u64) {
        let reached = second_of(now);
        // After a long pause, only the seconds that are kept are recorded.
        let from = (self.second + 1).max((reached + 1).saturating_sub(SECONDS_MAX as u64 + 1));
        for ended in from..=reached {
            if self.totals.len() > SECONDS_MAX {
                self.totals.pop_front();
            }
            let before = self.totals.back().copied().unwrap_or(0);
            self.totals.push_back(total_at(start_of(ended)).max(before));
        }
        self.second = self.second.max(reached);
        self.due = start_of(self.second + 1);
    }

    /// Returns the value of the counter at the end of the second that ended `seconds` whole seconds ago; zero before the
    /// first.
    pub(crate) fn before(&self, now: SimTime, seconds: usize, total_at: impl Fn(SimTime) -> u64) -> u64 {
        let ended = second_of(now).saturating_sub(seconds as u64);
        match self.second.checked_sub(ended) {
            None => total_at(start_of(ended)),
            Some(back) => {
                let place = usize::try_from(back).ok().and_then(|back| self.totals.len().checked_sub(back + 1));
                place.and_then(|place| self.totals.get(place)).copied().unwrap_or(0)
            }
        }
    }

    /// Returns the latest `count` seconds that have ended by `now`.
    pub(crate) fn series(&self, now: SimTime, count: usize, total_at: impl Fn(SimTime) -> u64) -> RateSeries {
        let reached = second_of(now).max(self.second);
        let unread = (reached - self.second).min(count as u64 + 1);
        let read = self.totals.iter().copied().skip(self.totals.len().saturating_sub(count + 1));
        let totals: Vec<u64> = read.chain((reached - unread + 1..=reached).map(|ended| total_at(start_of(ended)))).collect();
        let totals = &totals[totals.len().saturating_sub(count + 1)..];
        let bytes = totals.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        RateSeries { bytes, end: start_of(reached) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(ms)
    }

    #[test]
    fn each_second_has_what_passed_in_it() {
        let (mut readings, mut total) = (SecondReadings::new(SimTime::ZERO), 0);
        for (ms, bytes) in [(0, 10), (999, 5), (1_000, 7), (4_200, 1)] {
            readings.read(millis(ms), |_| total);
            total += bytes;
        }
        let series = readings.series(millis(5_900), 10, |_| total);
        assert_eq!((series.tail(10), series.end()), (&[15, 7, 0, 0, 1][..], millis(5_000)));
        assert_eq!((series.tail(2), series.latest()), (&[0, 1][..], Some(1)));
        assert_eq!(readings.series(millis(4_999), 2, |_| total).tail(9), [0, 0]);
        assert_eq!(SecondReadings::new(millis(300)).series(millis(900), 5, |_| 9).latest(), None);
    }

    #[test]
    fn a_long_silence_is_zeros_and_no_more_are_kept_than_can_be_shown() {
        let mut readings = SecondReadings::new(SimTime::ZERO);
        readings.read(millis(1_000_000_000), |_| 5);
        assert_eq!(readings.totals.len(), SECONDS_MAX + 1);
        assert!(readings.series(millis(1_000_000_500), 60, |_| 5).tail(60).iter().all(|&bytes| bytes == 0));
        assert_eq!(readings.series(millis(3_000_000_000), 60, |_| 5).tail(60), [0; 60]);
    }

    proptest! {
        /// Whoever looks, and however often, sees the same.
        #[test]
        fn looking_changes_nothing(
            adds in proptest::collection::vec((0u64..3_000, 0u64..1_000), 1..60),
            looks in proptest::collection::vec(any::<bool>(), 60),
        ) {
            let (mut one, mut other, mut total, mut now) =
                (SecondReadings::new(SimTime::ZERO), SecondReadings::new(SimTime::ZERO), 0, SimTime::ZERO);
            let mut by_second = vec![0u64; 200];
            for ((gap, bytes), look) in adds.into_iter().zip(looks) {
                now += SimDuration::from_millis(gap);
                if one.is_due(now) {
                    one.read(now, |_| total);
                }
                if look {
                    other.read(now, |_| total);
                    prop_assert_eq!(one.series(now, 50, |_| total), other.series(now, 50, |_| total));
                }
                other.read(now, |_| total);
                total += bytes;
                by_second[second_of(now) as usize] += bytes;
            }
            let series = one.series(now, SECONDS_MAX, |_| total);
            let ended = second_of(now) as usize;
            prop_assert_eq!(series.tail(SECONDS_MAX), &by_second[ended.saturating_sub(SECONDS_MAX)..ended]);
        }
    }
}
