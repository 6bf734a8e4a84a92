//! Ground of an estimate: how much earlier or later than foretold a transfer may end by chance beside others, and whether an estimate is right
//! nevertheless.
//!
//! An estimate is right if it is within a fifth of the truth. One that can be so at every end that is plausible is given; one that cannot
//! is given if that is so for only so small a part of the transfer that at nine instants in ten the estimate is right. A packet that is lost
//! at the very end leaves ground: most transfers end without one.

/// Factor between the earliest and the latest end up to which an estimate between them is within a fifth of both: 1.2 / 0.8.
const WITHIN_A_FIFTH: f64 = 1.5;
/// Part of the instants of a transfer at which its estimate may be wrong for this reason; others leave some of a tenth.
const WRONG: f64 = 0.07;

/// Doubt about the end of a transfer: the seconds between its earliest and its latest plausible end, which is as likely earlier than foretold
/// as later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Doubt(pub(super) f64);

impl Doubt {
    /// Returns true if there is ground for an estimate of a transfer that takes `whole` seconds of which `left` are left as foretold.
    pub(super) fn leaves_ground(self, left: f64, whole: f64) -> bool {
        // So many seconds before the end no estimate is right at all plausible ends any more.
        let doubtful = self.0 / (WITHIN_A_FIFTH - 1.0);
        left >= doubtful || doubtful <= WRONG * whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_given_while_it_is_right_at_all_plausible_ends() {
        // Four seconds earlier or later are a fifth of twenty.
        assert_eq!([15.0, 16.0, 30.0].map(|left| Doubt(8.0).leaves_ground(left, 40.0)), [false, true, true]);
    }

    #[test]
    fn a_long_transfer_has_an_estimate_to_its_end() {
        assert_eq!([200.0, 300.0].map(|whole| Doubt(8.0).leaves_ground(1.0, whole)), [false, true]);
        assert!(Doubt(0.0).leaves_ground(0.0, 0.0));
    }
}
