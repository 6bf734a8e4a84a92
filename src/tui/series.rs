//! Rates over virtual time, made from counters that only grow. Knows nothing of whose they are.

use std::collections::VecDeque;

use crate::units::SimTime;

/// Seconds that are kept.
const SECONDS_MAX: usize = 240;

/// Bytes a second, one value a virtual second.
#[derive(Debug, Clone, Default)]
pub struct Series {
    values: VecDeque<f64>,
    /// The last whole second that has a value, and the counter then.
    last: Option<(u64, u64)>,
}

impl Series {
    /// The counter stood at `total` at the instant `at`.
    pub fn note(&mut self, at: SimTime, total: u64) {
        let second = at.as_nanos() / 1_000_000_000;
        let Some((before, counted)) = self.last else {
            self.last = Some((second, total));
            return;
        };
        let passed = second.saturating_sub(before);
        if passed == 0 {
            return;
        }
        // Where several seconds have passed since the last look, each had its share.
        let rate = total.saturating_sub(counted) as f64 / passed as f64;
        for _ in 0..passed.min(SECONDS_MAX as u64) {
            self.values.push_back(rate);
        }
        let surplus = self.values.len().saturating_sub(SECONDS_MAX);
        self.values.drain(..surplus);
        self.last = Some((second, total));
    }

    /// The latest value.
    pub fn latest(&self) -> f64 {
        self.values.back().copied().unwrap_or(0.0)
    }

    /// The latest `count` values, oldest first; fewer where there are not so many.
    pub fn tail(&self, count: usize) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().skip(self.values.len().saturating_sub(count)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn a_counter_becomes_rates_by_the_second() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        let mut series = Series::default();
        for (ms, total) in [(0, 0), (400, 50), (1_000, 100), (1_900, 150), (4_000, 700), (3_000, 0)] {
            series.note(at(ms), total);
        }
        assert_eq!(series.tail(10).collect::<Vec<_>>(), [100.0, 200.0, 200.0, 200.0]);
        assert_eq!((series.latest(), series.tail(1).count()), (200.0, 1));
        series.note(at(1_000_000), 700);
        assert_eq!((series.tail(1_000).count(), series.latest()), (SECONDS_MAX, 0.0));
    }
}
