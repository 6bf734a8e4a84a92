//! Window of a transfer: the number of segments in flight, as many as the transfer moves in a few seconds.
//!
//! With fewer segments the link would fall idle between two of them; more would only wait in queues and delay the packets of
//! all other transfers. The rate is measured over the latest segments, so that the window follows changes of the link. Those that a host
//! keeps on itself cross none, and are not counted: they are stored at once, and would make the window as large as it may be.

use std::collections::VecDeque;

use p2p_base::units::{SimDuration, SimTime};

/// Time whose transfer volume the window covers.
const HORIZON: SimDuration = SimDuration::from_secs(3);
/// Number of segments over which the rate is measured.
const SEGMENTS_MEASURED: usize = 16;
/// Minimum window in segments, whatever the rate: while some wait for a retransmission timeout, which takes seconds behind a
/// full queue, the others keep the link busy.
const SEGMENTS_MIN: usize = 20;
/// Maximum window in bytes.
const BYTES_MAX: usize = 32 << 20;

/// Rate measurement and window size of a transfer.
#[derive(Debug)]
pub(super) struct RequestWindow {
    segment_size: usize,
    /// Instants at which segments were acknowledged and their sizes in bytes, since the instant `since`.
    done: VecDeque<(SimTime, u64)>,
    since: SimTime,
}

impl RequestWindow {
    pub(super) fn new(segment_size: usize, now: SimTime) -> RequestWindow {
        RequestWindow { segment_size: segment_size.max(1), done: VecDeque::new(), since: now }
    }

    /// Records that a segment is acknowledged.
    pub(super) fn note(&mut self, now: SimTime, bytes: u64) {
        if self.done.len() == SEGMENTS_MEASURED
            && let Some((at, _)) = self.done.pop_front()
        {
            self.since = at;
        }
        self.done.push_back((now, bytes));
    }

    /// Returns the number of segments that may be in flight.
    pub(super) fn segments(&self) -> usize {
        let most = (BYTES_MAX / self.segment_size).max(1);
        let least = SEGMENTS_MIN.min(most);
        let Some(&(latest, _)) = self.done.back() else { return least };
        let bytes: u64 = self.done.iter().map(|(_, bytes)| bytes).sum();
        let nanos = (latest - self.since).as_nanos().max(1);
        let in_horizon = u128::from(bytes) * u128::from(HORIZON.as_nanos()) / u128::from(nanos);
        let segments = in_horizon.div_ceil(self.segment_size as u128);
        usize::try_from(segments).unwrap_or(usize::MAX).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(per_second: u64) -> usize {
        let mut window = RequestWindow::new(65_536, SimTime::ZERO);
        for n in 1..=40 {
            window.note(SimTime::from_nanos(n * 1_000_000_000 / per_second), 65_536);
        }
        window.segments()
    }

    #[test]
    fn it_holds_three_seconds_of_what_the_link_carries() {
        assert_eq!((after(1), after(10), after(100)), (SEGMENTS_MIN, 30, 300));
        assert_eq!(after(1_000_000), (32 << 20) / 65_536);
        assert_eq!(RequestWindow::new(65_536, SimTime::ZERO).segments(), SEGMENTS_MIN);
    }

    #[test]
    fn it_holds_no_more_than_its_bytes() {
        assert_eq!(RequestWindow::new(4 << 20, SimTime::ZERO).segments(), 8);
    }

    #[test]
    fn it_follows_a_link_that_becomes_slow() {
        let mut window = RequestWindow::new(65_536, SimTime::ZERO);
        (1..=20).for_each(|n| window.note(SimTime::from_nanos(n * 10_000_000), 65_536));
        assert!(window.segments() > 100);
        (1..=20).for_each(|n| window.note(SimTime::from_nanos((n + 1) * 1_000_000_000), 65_536));
        assert_eq!(window.segments(), SEGMENTS_MIN);
    }
}
