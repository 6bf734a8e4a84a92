//! Floor 0: instants of the wall clock that were stored, in seconds since 1970, and what they are worth to a clock that may have been put
//! back since: one that lies further ahead of now than it can counts as past, so that nobody waits for it. Knows nothing of what
//! happened then.

/// How far ahead of now an instant may lie that has happened, in seconds: the clocks of a machine that are set by others, or by hand, go
/// back by so much without being wrong.
const AHEAD_MAX: u64 = 60 * 60;

/// Whether an instant that has happened lies so far ahead that the clock must have been put back since.
pub const fn is_ahead(at: u64, now: u64) -> bool {
    at > now.saturating_add(AHEAD_MAX)
}

/// Whether an instant lies within the last `span` seconds; one that is yet to come does not.
pub const fn is_within(at: u64, now: u64, span: u64) -> bool {
    at <= now && now - at < span
}

/// Seconds to wait until `due`, which is at most `longest` ahead; none where it lies further ahead than that.
pub const fn wait_until(due: u64, now: u64, longest: u64) -> u64 {
    let wait = due.saturating_sub(now);
    if wait > longest { 0 } else { wait }
}

/// Whether something still goes on that ends at `until`, and lasts `longest` seconds at the most.
pub const fn goes_on(until: u64, now: u64, longest: u64) -> bool {
    wait_until(until, now, longest) > 0
}

/// The order in which things have happened: by their instants, and first those that lie too far ahead.
pub fn order_of(at: u64, now: u64) -> (bool, u64) {
    (!is_ahead(at, now), at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_lies_too_far_ahead_is_past() {
        assert_eq!((is_ahead(100, 200), is_ahead(200 + AHEAD_MAX, 200), is_ahead(201 + AHEAD_MAX, 200)), (false, false, true));
        assert_eq!((wait_until(160, 100, 60), wait_until(161, 100, 60), wait_until(99, 100, 60)), (60, 0, 0));
        assert!(goes_on(160, 100, 60) && !goes_on(161, 100, 60) && !goes_on(100, 100, 60));
        assert_eq!((is_within(41, 100, 60), is_within(40, 100, 60), is_within(101, 100, 60)), (true, false, false));
        let mut found = [9_000_000, 300, 200];
        found.sort_by_key(|&at| order_of(at, 1_000));
        assert_eq!(found, [9_000_000, 200, 300]);
    }

    proptest! {
        /// Whatever was stored, and whatever the clock says.
        #[test]
        fn no_wait_is_longer_than_its_bound(due: u64, now: u64, longest: u64) {
            prop_assert!(wait_until(due, now, longest) <= longest);
            prop_assert!(!is_ahead(now, now) && !goes_on(now, now, longest));
        }
    }
}
