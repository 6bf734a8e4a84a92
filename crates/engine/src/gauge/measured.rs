//! Counts of bytes over spans of time, and what they tell of the current rate.

/// Factor by which a measured rate must differ from the expected one, or from an earlier one, to replace it.
const CHANGED: f64 = 2.0;
/// Part by which the measured rate of a full link must differ from an earlier one to replace it.
const FULL_CHANGED: f64 = 0.1;
/// Seconds after which a measured rate may replace the expected one.
const TELLING_SECONDS: f64 = 9.0;
/// Seconds without a byte after which a holder is silent at the earliest.
const SILENT_SECONDS: f64 = super::RATE_SECONDS as f64;

/// Number of bytes and the time in which they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Counted {
    pub(super) bytes: f64,
    pub(super) seconds: f64,
}

impl Counted {
    /// Returns the bytes per second; zero if no time has passed.
    pub(super) fn rate(self) -> f64 {
        if self.seconds > 0.0 { self.bytes / self.seconds } else { 0.0 }
    }

    /// Returns the bytes of both, in the longer one of the times.
    fn with(self, other: Counted) -> Counted {
        Counted { bytes: self.bytes + other.bytes, seconds: self.seconds.max(other.seconds) }
    }
}

/// Counts over a longer time, and over the last ten seconds of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Measured {
    pub(super) long: Counted,
    pub(super) short: Counted,
}

impl Measured {
    /// Returns the counts of both together.
    pub(super) fn with(self, other: Measured) -> Measured {
        Measured { long: self.long.with(other.long), short: self.short.with(other.short) }
    }

    /// Returns the count that best tells the current rate: the longer one, which is less subject to chance, unless the shorter
    /// one shows that the rate has changed.
    pub(super) fn telling(self) -> Counted {
        let Measured { long, short } = self;
        let change = if long.rate() > 0.0 { short.rate() / long.rate() } else { 1.0 };
        let has_changed = !(1.0 / CHANGED..=CHANGED).contains(&change);
        if has_changed && short.seconds >= TELLING_SECONDS && long.seconds > 1.5 * short.seconds { short } else { long }
    }

    /// Returns the count that tells the current rate of a link that is full, in which there is little chance: the longer one, unless the
    /// shorter one shows another rate.
    pub(super) fn current(self) -> Counted {
        let Measured { long, short } = self;
        let differs = (short.rate() - long.rate()).abs() > FULL_CHANGED * long.rate();
        if differs && short.seconds >= TELLING_SECONDS { short } else { long }
    }

    /// Returns the measured share of an expected rate, if all of what was measured tells clearly that the rate is another one, and one
    /// otherwise.
    pub(super) fn share_of(self, expected: f64) -> f64 {
        let shares = [self.long.rate() / expected, self.short.rate() / expected];
        let is_other = shares.iter().all(|&share| share < 1.0 / CHANGED) || shares.iter().all(|&share| share > CHANGED);
        let share = self.telling().rate() / expected;
        if is_other && share > 0.0 && self.long.seconds >= TELLING_SECONDS { share } else { 1.0 }
    }

    /// Returns true if no byte has passed in the last ten seconds, or for so many seconds if that is longer. Of a silence that would have to
    /// be longer than what is counted, it cannot be told.
    pub(super) fn is_silent(self, seconds: f64) -> bool {
        let counted = if seconds <= SILENT_SECONDS { self.short } else { self.long };
        counted.bytes <= 0.0 && counted.seconds >= seconds.max(SILENT_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(rate: f64, seconds: f64) -> Counted {
        Counted { bytes: rate * seconds, seconds }
    }

    #[test]
    fn a_holder_is_silent_after_what_its_link_takes() {
        let silent = Measured { long: counted(0.0, 60.0), short: counted(0.0, 10.0) };
        assert_eq!([4.0, 10.0, 50.0, 70.0].map(|seconds| silent.is_silent(seconds)), [true, true, true, false]);
        let slow = Measured { long: counted(100.0, 60.0), short: counted(0.0, 10.0) };
        assert_eq!([4.0, 50.0].map(|seconds| slow.is_silent(seconds)), [true, false]);
    }

    #[test]
    fn a_rate_that_has_changed_is_measured_anew() {
        let busy = Measured { long: counted(1e5, 100.0), short: counted(1e4, 10.0) };
        assert_eq!(busy.telling(), busy.short);
        let busy = Measured { long: counted(1e5, 100.0), short: counted(8e4, 10.0) };
        assert_eq!(busy.telling(), busy.long);
        let young = Measured { long: counted(1e5, 12.0), short: counted(1e4, 10.0) };
        assert_eq!(young.telling(), young.long);
    }
}
