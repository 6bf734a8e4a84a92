//! The event queue: pending events by due time, and events due at the same instant in the order of scheduling.
//!
//! A link that carries a thousand packets has one entry here, its first packet, because a link is first in, first out.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use p2p_base::units::SimTime;

use super::in_flight::Scheduled;
use super::path::Lane;

/// An event that becomes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The first packet of one lane of a path reaches the path's end.
    Path(u32, Lane),
    /// The first packet of a host's downlink is delivered.
    Downlink(u32),
    /// A timer of one end of a flow may have expired.
    Timer(u32),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: SimTime,
    order: u64,
    due: Due,
}

impl Entry {
    /// Returns the place in the queue, as one number: two comparisons in one. No two events have the same order number.
    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.at.as_nanos()) << 64 | u128::from(self.order)
    }
}

impl PartialEq for Entry {
    #[inline]
    fn eq(&self, other: &Entry) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Entry) -> bool {
        self.key() < other.key()
    }

    #[inline]
    fn le(&self, other: &Entry) -> bool {
        self.key() <= other.key()
    }
}

impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Entry) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Events ordered by (time, order of scheduling).
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    heap: BinaryHeap<Reverse<Entry>>,
    next_order: u64,
}

impl EventQueue {
    /// Returns a number that orders events due at the same instant: each call returns a larger one.
    pub(crate) fn next_order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    pub(crate) fn push(&mut self, at: SimTime, order: u64, due: Due) {
        self.heap.push(Reverse(Entry { at, order, due }));
    }

    /// Returns the next event and its time, without removing it.
    #[inline]
    pub(crate) fn peek(&self) -> Option<(SimTime, Due)> {
        self.heap.peek().map(|Reverse(entry)| (entry.at, entry.due))
    }

    /// Returns the number by which the next event was scheduled.
    pub(crate) fn peek_order(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(entry)| entry.order)
    }

    /// Removes the events of these kinds.
    pub(crate) fn remove(&mut self, is_removed: impl Fn(Due) -> bool) {
        self.heap.retain(|Reverse(entry)| !is_removed(entry.due));
    }

    /// Removes the next event, or replaces it with the following one of the same source, which is cheaper than a removal and
    /// an insertion.
    #[inline]
    pub(crate) fn finish(&mut self, following: Option<Scheduled>) {
        let Some(mut top) = self.heap.peek_mut() else { return };
        match following {
            Some(Scheduled { at, order }) => *top = Reverse(Entry { at, order, due: top.0.due }),
            None => {
                PeekMut::pop(top);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equals_come_in_the_order_of_scheduling() {
        let mut queue = EventQueue::default();
        for link in 0..5 {
            let order = queue.next_order();
            queue.push(SimTime::from_nanos(7), order, Due::Path(link, Lane::InOrder));
        }
        for link in 0..5 {
            assert_eq!(queue.peek(), Some((SimTime::from_nanos(7), Due::Path(link, Lane::InOrder))));
            queue.finish(None);
        }
        assert_eq!(queue.peek(), None);
    }

    proptest! {
        /// A source with several events, one of them in the queue at a time, comes out as if all had been in it.
        #[test]
        fn a_source_may_keep_its_later_events_to_itself(steps in proptest::collection::vec(0u64..50, 1..60)) {
            let mut queue = EventQueue::default();
            let mut at = 0;
            let times: Vec<u64> = steps.iter().map(|step| { at += step; at }).collect();
            queue.push(SimTime::from_nanos(times[0]), 0, Due::Path(0, Lane::InOrder));
            queue.push(SimTime::from_nanos(25), 1, Due::Timer(9));
            let (mut next, mut seen) = (1, Vec::new());
            while let Some((at, due)) = queue.peek() {
                seen.push(at.as_nanos());
                let more = due == Due::Path(0, Lane::InOrder) && next < times.len();
                queue.finish(more.then(|| Scheduled { at: SimTime::from_nanos(times[next]), order: next as u64 + 1 }));
                next += usize::from(more);
            }
            let mut expected = times.clone();
            expected.push(25);
            expected.sort_unstable();
            prop_assert_eq!(seen, expected);
        }
    }
}
