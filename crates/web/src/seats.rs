//! Seats: how many streams of events each user has open at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Streams that a user may have open at once.
pub(crate) const STREAMS_MAX: usize = 32;

/// Open streams of all users.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<String, usize>>>);

/// Place of one stream, which is free again once it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    user: String,
}

impl Seats {
    /// Takes a place for a stream of a user; `None` if all of theirs are taken.
    pub(crate) fn take(&self, user: &str) -> Option<Seat> {
        let mut taken = self.taken();
        let count = taken.entry(user.to_owned()).or_default();
        if *count >= STREAMS_MAX {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Seat { seats: self.clone(), user: user.to_owned() })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // A panic while the lock was held leaves complete counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if let Some(count) = taken.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_seats_and_each_is_free_again() {
        let seats = Seats::default();
        let mut of_alice: Vec<Seat> = (0..STREAMS_MAX).filter_map(|_| seats.take("alice")).collect();
        assert_eq!(of_alice.len(), STREAMS_MAX);
        assert!(seats.take("alice").is_none() && seats.take("bob").is_some());
        of_alice.pop();
        assert!(seats.take("alice").is_some());
        drop(of_alice);
        assert!(seats.taken().is_empty(), "nothing is kept of who has gone");
    }
}
