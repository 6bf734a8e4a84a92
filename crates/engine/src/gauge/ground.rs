//! Ground of an estimate: how much earlier or later than foretold a transfer may end by chance, and whether an estimate is right
//! nevertheless.
//!
//! An estimate is right if it is within a fifth of the truth. One that can be so at every end that is plausible is given; one that cannot
//! is given if that is so for only so small a part of the transfer that at nine instants in ten the estimate is right.

/// Factor between the earliest and the latest end up to which an estimate between them is within a fifth of both: 1.2 / 0.8.
const WITHIN_A_FIFTH: f64 = 1.5;
/// Part of the truth that an estimate has to be at the least.
const LEAST: f64 = 0.8;
/// Part of the instants of a transfer at which its estimate may be wrong for this reason; others leave some of a tenth.
const WRONG: f64 = 0.07;

/// Chance in the end of a transfer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Doubt {
    /// Seconds between the earliest and the latest plausible end.
    seconds: f64,
    /// Seconds of these by which the transfer ends later than foretold at the most.
    late: f64,
    /// Probability that it does not end when it is foretold to.
    chance: f64,
}

impl Doubt {
    /// Doubt without which nothing ends: the end is as likely earlier than foretold as later, and so many seconds are between the two.
    pub(super) const fn around(seconds: f64) -> Doubt {
        Doubt { seconds, late: seconds / 2.0, chance: 1.0 }
    }

    /// Doubt about something that makes the end so many seconds later if it happens.
    pub(super) const fn later(seconds: f64, chance: f64) -> Doubt {
        Doubt { seconds, late: seconds, chance }
    }

    /// Returns the estimate for a transfer that takes `whole` seconds of which `left` are left as foretold; `None` if there is no ground
    /// for one.
    pub(super) fn estimate(self, left: f64, whole: f64) -> Option<f64> {
        // So many seconds before the end no estimate is right at all plausible ends any more.
        let doubtful = self.seconds / (WITHIN_A_FIFTH - 1.0);
        match left >= doubtful {
            _ if self.chance * doubtful <= WRONG * whole => Some(left),
            true => Some(left.max(LEAST * (left + self.late))),
            false => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_given_while_it_is_right_at_all_plausible_ends() {
        // Four seconds earlier or later are a fifth of twenty.
        let doubt = Doubt::around(8.0);
        assert_eq!([15.0, 16.0, 30.0].map(|left| doubt.estimate(left, 40.0)), [None, Some(16.0), Some(30.0)]);
        // What may only be later is estimated as such that both are within a fifth.
        let doubt = Doubt::later(8.0, 1.0);
        assert_eq!([15.0, 40.0].map(|left| doubt.estimate(left, 40.0)), [None, Some(40.0)]);
        assert!((doubt.estimate(16.0, 40.0).unwrap() - 19.2).abs() < 1e-9);
    }

    #[test]
    fn a_long_transfer_has_an_estimate_to_its_end() {
        assert_eq!([200.0, 300.0].map(|whole| Doubt::around(8.0).estimate(1.0, whole)), [None, Some(1.0)]);
        // So has one of which the end is seldom late.
        assert_eq!([0.2, 0.1].map(|chance| Doubt::later(8.0, chance).estimate(1.0, 30.0)), [None, Some(1.0)]);
        assert_eq!(Doubt::around(0.0).estimate(0.0, 0.0), Some(0.0));
    }
}
