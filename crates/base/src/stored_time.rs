//! Stored times of the wall clock, in seconds since 1970, and their interpretation by a clock that may have been put
//! back since: a time further in the future than is possible counts as past, so that no user waits for it.

/// Longest time in seconds that a past event may lie in the future: clocks that are set by hand or from another machine are put
/// back by that much in ordinary operation.
const AHEAD_MAX: u64 = 60 * 60;

/// Returns true if a past event lies so far in the future that the clock must have been put back since.
pub const fn is_ahead(at: u64, now: u64) -> bool {
    at > now.saturating_add(AHEAD_MAX)
}

/// Returns true if a time lies within the last `span` seconds; a future time does not.
pub const fn is_within(at: u64, now: u64, span: u64) -> bool {
    at <= now && now - at < span
}

/// Returns the number of seconds until `due`, which is at most `longest` ahead; returns 0 if it lies further ahead.
pub const fn wait_until(due: u64, now: u64, longest: u64) -> u64 {
    let wait = due.saturating_sub(now);
    if wait > longest { 0 } else { wait }
}

/// Returns true if a period that ends at `until`, and lasts at most `longest` seconds, has not ended yet.
pub const fn goes_on(until: u64, now: u64, longest: u64) -> bool {
    wait_until(until, now, longest) > 0
}

/// Returns a sort key for past events: ordered by their times, with those that lie too far in the future first.
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
