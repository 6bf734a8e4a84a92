//! Faults of a node's disk, which can be slow, failing, full and corrupt, all at once.

use std::fmt;
use std::str::FromStr;

use p2p_base::units::count_of;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Largest factor by which a disk can be slowed down.
const SLOWDOWN_MAX: u32 = 1_000_000;

/// Factor by which the operations of a disk take longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Slowdown(u32);

/// Text or number that is no factor for a disk.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no factor: it is a whole number from 1 to {SLOWDOWN_MAX}, such as 10 or 10x")]
pub struct SlowdownError(String);

impl Slowdown {
    /// Returns the factor.
    pub const fn factor(self) -> u64 {
        self.0 as u64
    }
}

impl TryFrom<u32> for Slowdown {
    type Error = SlowdownError;

    fn try_from(factor: u32) -> Result<Slowdown, SlowdownError> {
        if (1..=SLOWDOWN_MAX).contains(&factor) { Ok(Slowdown(factor)) } else { Err(SlowdownError(factor.to_string())) }
    }
}

impl From<Slowdown> for u32 {
    fn from(Slowdown(factor): Slowdown) -> u32 {
        factor
    }
}

/// Parses a factor, as in `10` and `10x`.
impl FromStr for Slowdown {
    type Err = SlowdownError;

    fn from_str(text: &str) -> Result<Slowdown, SlowdownError> {
        let number = text.trim().trim_end_matches('x').parse::<u32>().ok();
        number.and_then(|factor| Slowdown::try_from(factor).ok()).ok_or_else(|| SlowdownError(text.to_owned()))
    }
}

impl fmt::Display for Slowdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", self.0)
    }
}

/// Text that names no kind of operations that a disk can fail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a disk cannot fail `{0}`; it fails one or more of reads, writes and syncs, as in writes,syncs")]
pub struct FailingError(String);

/// Kinds of operations that a disk fails, with the error EIO of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failing {
    /// Reading of segments, and of the list of them at the start of a process.
    pub reads: bool,
    /// Writing and deletion of segments.
    pub writes: bool,
    /// Syncs, after which what was written and not synced is doubtful.
    pub syncs: bool,
}

impl Failing {
    /// Names of the kinds, as users write them.
    pub const NAMES: &'static [&'static str] = &["reads", "writes", "syncs"];

    /// Returns the kinds that are on, by name.
    pub fn names(self) -> Vec<&'static str> {
        let is_on = [self.reads, self.writes, self.syncs];
        Failing::NAMES.iter().zip(is_on).filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect()
    }

    /// Adds the kind of this name; false if there is no such kind.
    pub fn add(&mut self, name: &str) -> bool {
        match name {
            "reads" => self.reads = true,
            "writes" => self.writes = true,
            "syncs" => self.syncs = true,
            _ => return false,
        }
        true
    }

    /// Returns the kinds of both.
    #[must_use]
    pub const fn with(self, other: Failing) -> Failing {
        Failing { reads: self.reads | other.reads, writes: self.writes | other.writes, syncs: self.syncs | other.syncs }
    }
}

/// Parses names of kinds, as in `writes,syncs`.
impl FromStr for Failing {
    type Err = FailingError;

    fn from_str(text: &str) -> Result<Failing, FailingError> {
        let mut fails = Failing::default();
        let wrong = text.split(',').find(|name| !fails.add(name.trim()));
        wrong.map_or(Ok(fails), |name| Err(FailingError(name.trim().to_owned())))
    }
}

/// Faults of a disk, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiskFaults {
    /// Factor by which operations take longer.
    pub slow: Option<Slowdown>,
    /// Operations that fail.
    pub fails: Failing,
    /// True if there is no room: nothing is written, and segments can be deleted.
    pub full: bool,
    /// Number of stored segments of which the disk returns other bytes than were written.
    pub corrupt: u32,
}

impl DiskFaults {
    /// Returns true if nothing is wrong.
    pub fn is_none(&self) -> bool {
        *self == DiskFaults::default()
    }

    /// Returns what is left of these faults beneath newer ones: what the newer say nothing about. A corrupt segment stays one.
    #[must_use]
    pub(super) fn beneath(self, newer: DiskFaults) -> DiskFaults {
        let Failing { reads, writes, syncs } = newer.fails;
        DiskFaults {
            slow: self.slow.filter(|_| newer.slow.is_none()),
            fails: Failing {
                reads: self.fails.reads & !reads,
                writes: self.fails.writes & !writes,
                syncs: self.fails.syncs & !syncs,
            },
            full: self.full & !newer.full,
            corrupt: self.corrupt,
        }
    }

    /// Returns true if a disk with these faults does the same as one without.
    pub(crate) fn changes_nothing(self) -> bool {
        DiskFaults { slow: self.slow.filter(|slow| slow.factor() > 1), ..self }.is_none()
    }

    /// Returns these faults together with further ones; of two factors the newer holds.
    #[must_use]
    pub fn with(self, more: DiskFaults) -> DiskFaults {
        DiskFaults {
            slow: more.slow.or(self.slow),
            fails: self.fails.with(more.fails),
            full: self.full | more.full,
            corrupt: self.corrupt.saturating_add(more.corrupt),
        }
    }
}

impl DiskFaults {
    /// Returns the faults in words, without the number of corrupt segments.
    pub(super) fn uncounted(&self) -> String {
        self.in_words("corrupt in some segments".into())
    }

    /// Returns the faults in words, among them the given ones for corrupt segments if there are such.
    fn in_words(&self, corrupt: String) -> String {
        let mut words = Vec::new();
        words.extend(self.slow.map(|factor| format!("slow {factor}")));
        let failing = self.fails.names();
        if !failing.is_empty() {
            words.push(format!("failing {}", failing.join(" and ")));
        }
        if self.full {
            words.push("full".into());
        }
        if self.corrupt > 0 {
            words.push(corrupt);
        }
        words.join(", ")
    }
}

/// Formats the faults as in `slow 10x, failing reads and syncs`.
impl fmt::Display for DiskFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(format!("corrupt in {}", count_of(self.corrupt.into(), "segment"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_a_whole_number_from_one() {
        assert_eq!("10x".parse::<Slowdown>().unwrap().factor(), 10);
        assert_eq!("1".parse::<Slowdown>().unwrap().to_string(), "1x");
        for wrong in ["", "0", "x", "-1", "1.5", "1000001", "10y"] {
            assert!(wrong.parse::<Slowdown>().unwrap_err().to_string().contains("from 1 to 1000000"), "{wrong}");
        }
    }

    #[test]
    fn faults_add_up() {
        let mut reads = Failing::default();
        assert!(reads.add("reads") && !reads.add("writs"));
        assert_eq!("writes, syncs".parse(), Ok(Failing { reads: false, writes: true, syncs: true }));
        assert!("reads,writs".parse::<Failing>().is_err() && "".parse::<Failing>().is_err());
        let one = DiskFaults { slow: "10".parse().ok(), fails: reads, ..DiskFaults::default() };
        let syncs = Failing { syncs: true, ..Failing::default() };
        let both = one.with(DiskFaults { slow: "3".parse().ok(), fails: syncs, corrupt: 1, ..DiskFaults::default() });
        assert_eq!(both.to_string(), "slow 3x, failing reads and syncs, corrupt in 1 segment");
        assert!(DiskFaults::default().is_none() && !both.is_none());
        assert_eq!(both.with(DiskFaults::default()), both);
    }
}
