//! Order of requests: those that name one path or one handle take effect in the order of arrival, others in any order.
//!
//! A name that is changed also concerns what is below and above it, as when a directory is moved while a file in it is opened. Without a
//! change there, only requests of the very same path wait for each other.

use std::collections::VecDeque;

/// Requests that are in hand at once, at the most.
pub(super) const IN_FLIGHT_MAX: usize = 64;

/// Number of a request, in the order of arrival.
pub(super) type Ticket = u64;

/// Paths and handles that a request names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claim {
    /// Absolute paths without `.` and `..`.
    pub(super) paths: Vec<String>,
    /// Handles.
    pub(super) handles: Vec<String>,
    /// True if names may come or go by the request.
    pub(super) changes: bool,
}

impl Claim {
    /// Returns the claim of a request that looks at a path.
    pub(super) fn look(path: String) -> Claim {
        Claim { paths: vec![path], ..Claim::default() }
    }

    /// Returns the claim of a request that changes what paths name.
    pub(super) fn change(paths: impl Into<Vec<String>>) -> Claim {
        Claim { paths: paths.into(), changes: true, ..Claim::default() }
    }

    /// Returns the claim of a request that names a handle.
    pub(super) fn of_handle(handle: &str) -> Claim {
        Claim { handles: vec![handle.to_owned()], ..Claim::default() }
    }

    /// Returns true if the requests of two claims have an order.
    fn concerns(&self, other: &Claim) -> bool {
        let is_handle = self.handles.iter().any(|handle| other.handles.contains(handle));
        let changes = self.changes || other.changes;
        let is_path = |one: &String, two: &String| one == two || (changes && (is_within(one, two) || is_within(two, one)));
        is_handle || self.paths.iter().any(|one| other.paths.iter().any(|two| is_path(one, two)))
    }
}

/// Returns true if a path is below a directory.
fn is_within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/') || directory.ends_with('/'))
}

/// Request that is in hand.
#[derive(Debug)]
struct Flight {
    ticket: Ticket,
    claim: Claim,
    has_begun: bool,
}

/// Requests that are in hand, by arrival.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    flights: VecDeque<Flight>,
    next: Ticket,
}

impl Schedule {
    /// Returns true if one more request may be taken in.
    pub(super) fn has_room(&self) -> bool {
        self.flights.len() < IN_FLIGHT_MAX
    }

    /// Returns true if no request is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Takes a request in.
    pub(super) fn admit(&mut self, claim: Claim) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        self.flights.push_back(Flight { ticket, claim, has_begun: false });
        ticket
    }

    /// Begins the first request that need not wait for one before it.
    pub(super) fn begin(&mut self) -> Option<Ticket> {
        let is_free = |&at: &usize| {
            let flight = &self.flights[at];
            !flight.has_begun && !self.flights.range(..at).any(|earlier| earlier.claim.concerns(&flight.claim))
        };
        let at = (0..self.flights.len()).find(is_free)?;
        self.flights[at].has_begun = true;
        Some(self.flights[at].ticket)
    }

    /// Notes that a request has taken effect.
    pub(super) fn end(&mut self, ticket: Ticket) {
        self.flights.retain(|flight| flight.ticket != ticket);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_begun(schedule: &mut Schedule) -> Vec<Ticket> {
        std::iter::from_fn(|| schedule.begin()).collect()
    }

    #[test]
    fn one_handle_is_served_in_order_and_others_meanwhile() {
        let mut schedule = Schedule::default();
        for handle in ["a", "a", "b", "a"] {
            schedule.admit(Claim::of_handle(handle));
        }
        assert_eq!(all_begun(&mut schedule), [0, 2]);
        schedule.end(0);
        assert_eq!(all_begun(&mut schedule), [1]);
        schedule.end(2);
        assert!(all_begun(&mut schedule).is_empty());
        schedule.end(1);
        assert_eq!(all_begun(&mut schedule), [3]);
    }

    #[test]
    fn a_change_concerns_what_is_below_and_above() {
        let mut schedule = Schedule::default();
        schedule.admit(Claim::look("/files/a".into()));
        schedule.admit(Claim::look("/files/a/b".into()));
        schedule.admit(Claim::change(["/files/a".to_owned(), "/files/c".to_owned()]));
        schedule.admit(Claim::look("/files/c/d".into()));
        schedule.admit(Claim::look("/files/ab".into()));
        assert_eq!(all_begun(&mut schedule), [0, 1, 4]);
        schedule.end(0);
        assert!(all_begun(&mut schedule).is_empty());
        schedule.end(1);
        assert_eq!(all_begun(&mut schedule), [2]);
        schedule.end(2);
        assert_eq!(all_begun(&mut schedule), [3]);
        assert!(is_within("/a", "/") && is_within("/a/b", "/a") && !is_within("/ab", "/a") && !is_within("/a", "/a"));
    }

    proptest! {
        /// Of two requests with an order, the later one begins after the end of the earlier one, and all of them end.
        #[test]
        fn the_order_of_arrival_is_kept(names in prop::collection::vec((0..4_u8, any::<bool>()), 1..64), picks in prop::collection::vec(any::<usize>(), 64)) {
            let claims: Vec<Claim> = names.iter().map(|&(name, changes)| {
                let path = ["/", "/a", "/a/b", "/c"][usize::from(name)].to_owned();
                Claim { paths: vec![path], changes, ..Claim::default() }
            }).collect();
            let mut schedule = Schedule::default();
            for claim in &claims {
                prop_assert!(schedule.has_room());
                schedule.admit(claim.clone());
            }
            let (mut running, mut ended) = (Vec::new(), Vec::new());
            for pick in picks {
                for ticket in all_begun(&mut schedule) {
                    for earlier in 0..ticket {
                        let is_ordered = claims[earlier as usize].concerns(&claims[ticket as usize]);
                        prop_assert!(!is_ordered || ended.contains(&earlier));
                    }
                    running.push(ticket);
                }
                if running.is_empty() {
                    break;
                }
                let ticket = running.swap_remove(pick % running.len());
                schedule.end(ticket);
                ended.push(ticket);
            }
            prop_assert_eq!(ended.len(), claims.len());
            prop_assert!(schedule.is_empty());
        }
    }
}
