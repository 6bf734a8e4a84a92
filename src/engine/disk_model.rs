//! How long a node's disk takes in virtual time.
//!
//! A request takes a constant time and its bytes at a throughput, one request after the other. The real disk works meanwhile;
//! its result counts from the instant that this model gives. Knows nothing of what is read or written.

use serde::{Deserialize, Serialize};

use crate::units::{Bandwidth, SimDuration, SimTime};

/// How fast a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpeed {
    /// What every request takes.
    pub service_time: SimDuration,
    /// How fast bytes are read and written.
    pub throughput: Bandwidth,
}

/// One disk in virtual time.
#[derive(Debug)]
pub(super) struct DiskModel {
    speed: DiskSpeed,
    busy_until: SimTime,
}

impl DiskModel {
    pub(super) fn new(speed: DiskSpeed) -> DiskModel {
        DiskModel { speed, busy_until: SimTime::ZERO }
    }

    /// When a request of `bytes` bytes that comes at `now` is done.
    pub(super) fn schedule(&mut self, now: SimTime, bytes: u64) -> SimTime {
        let start = self.busy_until.max(now);
        self.busy_until = start + self.speed.service_time + self.speed.throughput.time_for(bytes);
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
        assert_eq!(disk.schedule(at(0), 9_000), at(10));
        assert_eq!(disk.schedule(at(5), 0), at(11));
        assert_eq!(disk.schedule(at(50), 1_000), at(52));
    }
}
