//! How often somebody may fail before being made to wait. Knows nothing of why they fail.

/// Failures count for so many seconds.
pub const WINDOW: u64 = 15 * 60;
/// The failures that a user name has for free.
pub const USER_FREE: usize = 5;
/// The failures that an origin has for free.
pub const ORIGIN_FREE: usize = 20;
/// The first delay, in seconds; each further failure doubles it.
const FIRST_DELAY: u64 = 30;

/// Seconds to wait after these failures (seconds since 1970, oldest first), where `free` of them cost nothing.
pub fn wait(failures: &[u64], free: usize, now: u64) -> u64 {
    let recent = failures.iter().filter(|&&at| counts(at, now)).count();
    let (Some(surplus), Some(&last)) = (recent.checked_sub(free), failures.last()) else { return 0 };
    let delay = FIRST_DELAY.saturating_mul(1u64.checked_shl(surplus as u32).unwrap_or(u64::MAX)).min(WINDOW);
    // A clock that was put back does not lock anybody out for longer than the delay.
    (last.min(now) + delay).saturating_sub(now)
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

fn counts(at: u64, now: u64) -> bool {
    at + WINDOW > now
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
