//! Model of the time that a node's disk takes in virtual time.
//!
//! A request takes a constant service time plus its bytes divided by the throughput; requests are served one after the other.
//! The real disk works meanwhile, and its result takes effect at the instant that this model gives.

use p2p_base::units::{Bandwidth, SimDuration, SimTime};
use serde::{Deserialize, Serialize};

/// Speed of a disk in virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpeed {
    /// Constant time per request.
    pub service_time: SimDuration,
    /// Throughput of reads and writes.
    pub throughput: Bandwidth,
}

/// Longest time that a request takes on a disk that is slowed down: that after which Linux gives a command to a disk up
/// (`SD_TIMEOUT`). Those that wait keep their times when the disk is mended.
const REQUEST_MAX: SimDuration = SimDuration::from_secs(30);

/// Longest time that the requests on a disk that is slowed down take together, as far as they wait: so long does the slowness outlast
/// its being taken back.
const QUEUE_MAX: SimDuration = SimDuration::from_secs(600);

/// Queue of one disk in virtual time.
#[derive(Debug)]
pub(super) struct DiskModel {
    speed: DiskSpeed,
    busy_until: SimTime,
}

impl DiskModel {
    pub(super) fn new(speed: DiskSpeed) -> DiskModel {
        DiskModel { speed, busy_until: SimTime::ZERO }
    }

    /// Returns the instant at which a request of `bytes` bytes that arrives at `now` is finished, on a disk that takes `slowdown`
    /// times as long as it should. Slowness adds no more than 30 seconds to what waits already, and nothing beyond ten minutes.
    pub(super) fn schedule(&mut self, now: SimTime, bytes: u64, slowdown: u64) -> SimTime {
        let start = self.busy_until.max(now);
        let takes = self.speed.service_time + self.speed.throughput.time_for(bytes);
        self.busy_until = match slowdown {
            0 | 1 => start + takes,
            _ => (start + takes.saturating_mul(slowdown).min(REQUEST_MAX)).min(now + QUEUE_MAX).max(start + takes),
        };
        self.busy_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_served_one_after_the_other() {
        let speed = DiskSpeed { service_time: SimDuration::from_millis(1), throughput: "1MB/s".parse().unwrap() };
        let mut disk = DiskModel::new(speed);
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        assert_eq!(disk.schedule(at(0), 9_000, 1), at(10));
        assert_eq!(disk.schedule(at(5), 0, 1), at(11));
        assert_eq!(disk.schedule(at(50), 1_000, 1), at(52));
        assert_eq!(disk.schedule(at(100), 1_000, 10), at(120));
        assert_eq!(disk.schedule(at(100), 0, 1_000_000_000), at(120 + 30_000));
        let waits = (0..100).map(|_| disk.schedule(at(100), 0, 1_000_000_000)).last();
        assert!(waits > Some(at(100 + 600_000)) && waits < Some(at(100 + 601_000)), "{waits:?}");
    }
}
