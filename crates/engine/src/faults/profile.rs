//! Profiles: faults that are put on together under one name, for one node or for all.

use std::fmt;

use p2p_base::units::SimDuration;
use serde::{Deserialize, Serialize};

use super::bounds::{FLAP_MIN, FLAPS_MAX};
use super::{DiskFaults, FaultError, LinkChange, PathChange, check_link, check_path};

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
    /// Checks that the plan is within its bounds.
    ///
    /// # Errors
    /// Returns the error that names them.
    pub fn check(&self) -> Result<(), FaultError> {
        let is_bounded = self.every >= FLAP_MIN && (1..=FLAPS_MAX).contains(&self.times);
        if is_bounded { Ok(()) } else { Err(FaultError::Flap) }
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

    /// Checks that the profile puts something on, and nothing that is out of the bounds of the commands.
    ///
    /// # Errors
    /// Returns the error that applying it would.
    pub fn check(&self) -> Result<(), FaultError> {
        if self.is_none() {
            return Err(FaultError::Nothing);
        }
        check_path(self.path)?;
        check_link(self.up)?;
        check_link(self.down)?;
        self.flap.map_or(Ok(()), |plan| plan.check())
    }
}

/// Formats what the profile puts on, as in `links of 2Mbit/s, paths with delay 80ms, a disk that is full`.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.up == self.down && !self.up.is_none() {
            words.push(format!("links with {}", self.up));
        } else {
            let links = [("an uplink", self.up), ("a downlink", self.down)];
            words.extend(links.iter().filter(|(_, link)| !link.is_none()).map(|(name, link)| format!("{name} with {link}")));
        }
        words.extend(Some(self.path).filter(|path| !path.is_none()).map(|path| format!("paths with {path}")));
        words.extend(Some(self.disk).filter(|disk| !disk.is_none()).map(|disk| format!("a disk that is {disk}")));
        let flap = |Flapping { every, times }| format!("a process that is killed and started every {every}, {times} times");
        words.extend(self.flap.map(flap));
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_what_it_puts_on_and_what_is_out_of_bounds() {
        let link = LinkChange { queue_packets: Some(10), ..LinkChange::default() };
        let mut profile = Profile { up: link, down: link, ..Profile::default() };
        profile.path.delay = "60s".parse().ok();
        profile.disk.full = true;
        profile.flap = Some(Flapping { every: FLAP_MIN, times: 3 });
        let said = "links with a queue of 10 packets, paths with delay 1m, a disk that is full, a process that is killed and started \
                    every 100ms, 3 times";
        assert_eq!((profile.to_string().as_str(), profile.check()), (said, Ok(())));
        profile.path.delay = "61s".parse().ok();
        assert_eq!(profile.check(), Err(FaultError::Delay));
        let one_way = Profile { down: link, ..Profile::default() };
        assert_eq!(one_way.to_string(), "a downlink with a queue of 10 packets");
        assert_eq!(Profile::default().check(), Err(FaultError::Nothing));
    }
}
