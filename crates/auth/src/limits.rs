//! Throttling: the limits on failed attempts and on requested mails, and the delays after them.

use p2p_base::stored_time;

/// Time for which failures and requested mails count, in seconds.
pub const WINDOW: u64 = 15 * 60;
/// Number of failures per user name without a delay.
pub const USER_FREE: usize = 5;
/// Number of failures per origin without a delay.
pub const ORIGIN_FREE: usize = 20;
/// Number of mails, with codes or for tests, that a user may request within the window.
pub const MAILS_MAX: usize = 10;
/// First delay, in seconds; each further failure doubles it.
const FIRST_DELAY: u64 = 30;

/// Returns the number of seconds to wait after these failures (seconds since 1970, oldest first), of which `free` cause no delay.
pub fn wait(failures: &[u64], free: usize, now: u64) -> u64 {
    let recent = || failures.iter().filter(|&&at| counts(at, now));
    let (Some(surplus), Some(&last)) = (recent().count().checked_sub(free), recent().max()) else { return 0 };
    let delay = FIRST_DELAY.saturating_mul(1u64.checked_shl(surplus as u32).unwrap_or(u64::MAX)).min(WINDOW);
    (last + delay).saturating_sub(now)
}

/// Returns the number of seconds to wait before another mail may be requested, after the requests `asked` (seconds since 1970,
/// oldest first).
pub fn mail_wait(asked: &[u64], now: u64) -> u64 {
    let recent: Vec<u64> = asked.iter().copied().filter(|&at| counts(at, now)).collect();
    let oldest = recent.len().checked_sub(MAILS_MAX).and_then(|surplus| recent.get(surplus));
    oldest.map_or(0, |at| (at + WINDOW).saturating_sub(now))
}

/// Drops the failures that no longer count and adds one at `now`. No more are kept than affect the delay.
pub fn note(failures: &mut Vec<u64>, now: u64) {
    failures.retain(|&at| counts(at, now));
    failures.push(now);
    let surplus = failures.len().saturating_sub(2 * ORIGIN_FREE);
    failures.drain(..surplus);
}

/// Returns true if any of these failures still counts.
pub fn any_counts(failures: &[u64], now: u64) -> bool {
    failures.iter().any(|&at| counts(at, now))
}

/// Returns true if a failure still counts. Failures recorded by a clock that has been put back since do not count, since a user
/// might otherwise have to wait for years.
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
