//! Profiles: faults that are put on together under one name, for one node or for all.

use p2p_base::units::SimDuration;
use serde::{Deserialize, Serialize};

use super::{DiskFaults, LinkChange, PathChange};

/// Shortest time from one kill of a flapping process to the next.
pub const FLAP_MIN: SimDuration = SimDuration::from_millis(100);
/// Largest number of times that a process is killed by one command.
pub const FLAPS_MAX: u32 = 10_000;
/// Number of times that a flapping process is killed, unless the caller says otherwise.
pub const FLAPS: u32 = 10;

/// Plan of a process that is killed and started again and again: killed at once and then every so often, and started half of that time
/// after each kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapping {
    /// Time from one kill to the next.
    pub every: SimDuration,
    /// Number of times that the process is killed.
    pub times: u32,
}

impl Flapping {
    /// Returns true if the plan is within its bounds.
    pub fn is_bounded(&self) -> bool {
        self.every >= FLAP_MIN && (1..=FLAPS_MAX).contains(&self.times)
    }
}

/// Faults of a node that are put on together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Changes of the link from the node.
    pub up: LinkChange,
    /// Changes of the link to the node.
    pub down: LinkChange,
    /// Changes of all paths from and to the node.
    pub path: PathChange,
    /// Faults of the disk.
    pub disk: DiskFaults,
    /// Plan by which the process is killed and started.
    pub flap: Option<Flapping>,
}

impl Profile {
    /// Returns true if the profile puts nothing on.
    pub fn is_none(&self) -> bool {
        *self == Profile::default()
    }
}
