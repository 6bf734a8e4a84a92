//! Seats: how many connections one user has at the servers of a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections of one user at the most, at all nodes together.
pub(super) const OF_ONE_USER: usize = 80;

/// Connections of each user. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<String, usize>>>);

impl Seats {
    /// Gives a seat to a user, if there is one left.
    pub(super) fn take(&self, user: &str) -> Option<Seat> {
        let mut taken = self.taken();
        let count = taken.entry(user.to_owned()).or_default();
        if *count >= OF_ONE_USER {
            return None;
        }
        *count += 1;
        Some(Seat { seats: self.clone(), user: user.to_owned() })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // A panic while the lock was held leaves complete numbers.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seat of a connection, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    user: String,
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
        let seats = Seats::default();
        let mut alices: Vec<Seat> = (0..OF_ONE_USER).map(|_| seats.take("alice").unwrap()).collect();
        assert!(seats.take("alice").is_none());
        assert!(seats.take("bob").is_some());
        alices.pop();
        assert!(seats.take("alice").is_some());
        drop(alices);
        assert!(seats.taken().is_empty());
    }
}
