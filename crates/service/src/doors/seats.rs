//! Seats: how many connections or streams of a service one user has at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Seats of the users of a service, of which each has so many at the most. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Seats {
    of_one_user: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// Seat of a user, which is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    user: String,
}

impl Seats {
    /// Makes the seats of a service, so many of each user.
    pub fn new(of_one_user: usize) -> Seats {
        Seats { of_one_user, taken: Arc::default() }
    }

    /// Gives a seat to a user; `None` if all of theirs are taken.
    pub fn take(&self, user: &str) -> Option<Seat> {
        let mut taken = self.taken();
        let count = taken.entry(user.to_owned()).or_default();
        if *count >= self.of_one_user {
            return None;
        }
        *count += 1;
        Some(Seat { seats: self.clone(), user: user.to_owned() })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // A panic while the lock was held leaves complete numbers.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn seats_are_counted_by_user_and_come_free() {
        let seats = Seats::new(3);
        let mut alices: Vec<Seat> = (0..3).map(|_| seats.take("alice").unwrap()).collect();
        assert!(seats.take("alice").is_none());
        assert!(seats.take("bob").is_some());
        alices.pop();
        assert!(seats.take("alice").is_some());
        drop(alices);
        assert!(seats.taken().is_empty(), "nothing is kept of who has gone");
    }
}
