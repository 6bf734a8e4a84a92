//! A delay that is fixed (`5ms`) or drawn uniformly from a range (`1ms..10ms`). The network draws; the type only holds the
//! bounds.

use std::fmt;
use std::str::FromStr;

use super::number::ParseUnitError;
#[cfg(feature = "serde")]
use super::serde_as_text;
use super::time::SimDuration;

/// Shortest and longest travel time of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DelayRange {
    min: SimDuration,
    max: SimDuration,
}

impl DelayRange {
    /// Returns a range that holds only `delay`.
    pub const fn fixed(delay: SimDuration) -> DelayRange {
        DelayRange { min: delay, max: delay }
    }

    /// Returns the range between two delays, both included, given in any order.
    pub fn between(a: SimDuration, b: SimDuration) -> DelayRange {
        DelayRange { min: a.min(b), max: a.max(b) }
    }

    /// Returns the shortest delay of the range.
    pub const fn min(self) -> SimDuration {
        self.min
    }

    /// Returns the longest delay of the range.
    pub const fn max(self) -> SimDuration {
        self.max
    }

    /// Returns the middle of the range, rounded down.
    pub fn mean(self) -> SimDuration {
        SimDuration::from_nanos(self.min.as_nanos() / 2 + self.max.as_nanos() / 2)
    }
}

impl fmt::Display for DelayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max { self.min.fmt(f) } else { f.pad(&format!("{}..{}", self.min, self.max)) }
    }
}

impl FromStr for DelayRange {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((min, max)) = text.split_once("..") else {
            return text.parse().map(DelayRange::fixed);
        };
        let (min, max) = (min.parse()?, max.parse()?);
        if min > max { Err(ParseUnitError::Backwards { text: text.to_owned() }) } else { Ok(DelayRange { min, max }) }
    }
}

#[cfg(feature = "serde")]
serde_as_text!(DelayRange);
