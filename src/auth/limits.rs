//! How often somebody may fail, or ask for a mail, before being made to wait. Knows nothing of why they fail.

use crate::stored_time;

/// Failures and mails count for so many seconds.
pub const WINDOW: u64 = 15 * 60;
/// The failures that a user name has for free.
pub const USER_FREE: usize = 5;
/// The failures that an origin has for free.
pub const ORIGIN_FREE: usize = 20;
/// The mails, with codes or to see whether they arrive, that a user may ask for within the window.
pub const MAILS_MAX: usize = 10;
/// The first delay, in seconds; each further failure doubles it.
const FIRST_DELAY: u64 = 30;

/// Seconds to wait after these failures (seconds since 1970, oldest first), where `free` of them cost nothing.
pub fn wait(failures: &[u64], free: usize, now: u64) -> u64 {
    let recent = || failures.iter().filter(|&&at| counts(at, now));
    let (Some(surplus), Some(&last)) = (recent().count().checked_sub(free), recent().max()) else { return 0 };
    let delay = FIRST_DELAY.saturating_mul(1u64.checked_shl(surplus as u32).unwrap_or(u64::MAX)).min(WINDOW);
    (last + delay).saturating_sub(now)
}

/// Seconds to wait before another mail may be asked for, where these were (seconds since 1970, oldest first).
pub fn mail_wait(asked: &[u64], now: u64) -> u64 {
    let recent: Vec<u64> = asked.iter().copied().filter(|&at| counts(at, now)).collect();
    let oldest = recent.len().checked_sub(MAILS_MAX).and_then(|surplus| recent.get(surplus));
    oldest.map_or(0, |at| (at + WINDOW).saturating_sub(now))
}

/// The failures that still count, and the new one. No more are kept than make a difference.
pub fn note(failures: &mut Vec<u64>, now: u64) {
    failures.retain(|&at| counts(at, now));
    failures.push(now);
    let surplus = failures.len().saturating_sub(2 * ORIGIN_FREE);
    failures.drain(..surplus);
}

/// Whether any of these failures still counts.
pub fn any_counts(failures: &[u64], now: u64) -> bool {
    failures.iter().any(|&at| counts(at, now))
}

/// What was noted by a clock that has been put back since counts for nothing, or somebody might wait for years.
fn counts(at: u64, now: u64) -> bool {
    stored_time::is_within(at, now, WINDOW)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let mut failures = Vec::new();
        let mut now = 1_000_000;
        for expected in [0, 0, 0, 0, 30, 60, 120, 240] {
            note(&mut failures, now);
            let delay = wait(&failures, USER_FREE, now);
            assert_eq!(delay, expected);
            now += delay;
            assert_eq!(wait(&failures, USER_FREE, now), 0);
        }
        assert_eq!(wait(&failures, USER_FREE, now + WINDOW), 0);
        assert_eq!(wait(&failures, ORIGIN_FREE, now), 0);
        assert!(any_counts(&failures, now) && !any_counts(&failures, now + WINDOW));
    }

    #[test]
    fn a_clock_that_is_put_back_locks_nobody_out() {
        let mut failures = Vec::new();
        (0..9).for_each(|_| note(&mut failures, 2_000_000));
        assert_eq!(wait(&failures, USER_FREE, 2_000_000), 480);
        assert_eq!((wait(&failures, USER_FREE, 1_000_000), any_counts(&failures, 1_000_000)), (0, false));
        note(&mut failures, 1_000_000);
        assert_eq!(failures, [1_000_000]);
        // Nor does waiting begin anew with each look.
        let mut failures = vec![1_000; USER_FREE];
        assert_eq!((wait(&failures, USER_FREE, 1_000), wait(&failures, USER_FREE, 1_029)), (30, 1));
        failures.push(1_030);
        assert_eq!(wait(&failures, USER_FREE, 1_060), 30);
    }

    #[test]
    fn mails_are_had_again_when_the_oldest_is_old() {
        let mut asked = Vec::new();
        for n in 0..MAILS_MAX as u64 {
            assert_eq!(mail_wait(&asked, 1_000 + n), 0);
            note(&mut asked, 1_000 + n);
        }
        assert_eq!(mail_wait(&asked, 1_100), WINDOW - 100);
        assert_eq!((mail_wait(&asked, 1_000 + WINDOW), mail_wait(&asked, 0)), (0, 0));
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_the_window(times in proptest::collection::vec(0u64..10_000, 0..200), now in 0u64..10_000) {
            let mut failures = Vec::new();
            times.iter().for_each(|&at| note(&mut failures, at));
            prop_assert!(wait(&failures, USER_FREE, now) <= WINDOW);
            prop_assert!(failures.len() <= 2 * ORIGIN_FREE);
        }
    }
}
