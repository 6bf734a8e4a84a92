//! Delivery of a download to a stream of remote origin, whose reader virtual time does not wait for: how much may be asked for
//! ahead of what the reader has taken.
//!
//! A reader that keeps up gets a growing window, so that a long and fast path is filled. One that has stopped is given up to: what
//! lies ahead of it is [cut down](Delivery::surplus) to [`FULL`] segments, which are all that the download holds from then on.

use std::collections::VecDeque;

use crate::stream::AHEAD;

/// Number of segments that a download holds whose reader takes none.
pub(super) const FULL: usize = AHEAD + 1;

/// Segments on their way to the reader of a stream.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Number of segments that may be asked for and not taken yet.
    window: usize,
    /// Lengths in bytes of the segments that are delivered and not taken.
    unread: VecDeque<u64>,
    /// Number of segments that have been taken.
    taken: u64,
}

impl Delivery {
    pub(super) fn new() -> Delivery {
        Delivery { window: FULL, unread: VecDeque::new(), taken: 0 }
    }

    /// Returns the number of segments that may be asked for and not taken yet.
    pub(super) const fn window(&self) -> usize {
        self.window
    }

    /// Returns the number of segments that are delivered and not taken.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Returns true if the reader may be given one more segment.
    pub(super) fn has_room(&self) -> bool {
        self.unread.len() < AHEAD
    }

    /// Notes that a segment is delivered.
    pub(super) fn deliver(&mut self, len: u64) {
        self.unread.push_back(len);
    }

    /// Notes that so many segments have been taken since the begin, and returns the bytes of those that had not been before.
    pub(super) fn take(&mut self, total: u64) -> u64 {
        let mut bytes = 0;
        while self.taken < total {
            let Some(len) = self.unread.pop_front() else { break };
            self.taken += 1;
            bytes += len;
        }
        if bytes > 0 && self.unread.is_empty() {
            self.window += 1;
        }
        bytes
    }

    /// Returns how many of the segments that have arrived and are not delivered are too many, because the reader has stopped.
    pub(super) fn surplus(&mut self, arrived: usize) -> usize {
        self.window = FULL;
        arrived.saturating_sub(FULL.saturating_sub(self.unread.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_keeps_up_gets_more_and_one_that_stops_holds_little() {
        let mut delivery = Delivery::new();
        for taken in 1..=10 {
            delivery.deliver(100);
            assert_eq!(delivery.take(taken), 100);
        }
        assert_eq!((delivery.window(), delivery.take(10), delivery.take(99)), (FULL + 10, 0, 0));
        (0..AHEAD).for_each(|_| delivery.deliver(7));
        assert!(!delivery.has_room());
        assert_eq!((delivery.surplus(11), delivery.window()), (10, FULL));
        assert_eq!((delivery.take(11), delivery.unread(), delivery.window()), (7, AHEAD - 1, FULL));
    }
}
