//! Virtual time: an instant and a duration, both in whole nanoseconds. Independent of the wall clock.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use super::number::{ParseUnitError, UnitTable, largest_exact_unit, parse_scaled};
#[cfg(feature = "serde")]
use super::serde_as_text;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

const UNITS: UnitTable = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
];

/// A virtual instant: nanoseconds since the start of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimTime(u64);

/// A duration of virtual time in nanoseconds. Prints and parses as `5ms`, `1.5s`, `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimDuration(u64);

impl SimTime {
    /// The start of the simulation.
    pub const ZERO: SimTime = SimTime(0);
    /// An instant that is never reached: the largest that can be represented (584 virtual years).
    pub const MAX: SimTime = SimTime(u64::MAX);

    /// Returns the instant `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> SimTime {
        SimTime(nanos)
    }

    /// Returns the nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the seconds since the start, for reports and screens.
    pub fn as_secs_f64(self) -> f64 {
        SimDuration(self.0).as_secs_f64()
    }

    /// Returns the instant `span` later; `None` if it is not before [`SimTime::MAX`].
    pub const fn checked_add(self, span: SimDuration) -> Option<SimTime> {
        match self.0.checked_add(span.0) {
            None | Some(u64::MAX) => None,
            Some(nanos) => Some(SimTime(nanos)),
        }
    }

    /// Returns the duration since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// A duration of zero.
    pub const ZERO: SimDuration = SimDuration(0);
    /// The longest duration that can be represented.
    pub const MAX: SimDuration = SimDuration(u64::MAX);

    /// Returns a duration of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> SimDuration {
        SimDuration(nanos)
    }

    /// Returns a duration of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> SimDuration {
        SimDuration(micros * 1_000)
    }

    /// Returns a duration of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> SimDuration {
        SimDuration(millis * 1_000_000)
    }

    /// Returns a duration of `secs` seconds.
    pub const fn from_secs(secs: u64) -> SimDuration {
        SimDuration(secs * NANOS_PER_SECOND)
    }

    /// Returns the duration in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the duration in seconds, for reports and screens.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// Returns the duration in milliseconds, for reports and screens.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Returns `self - other`, or zero if `other` is longer.
    pub const fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }

    /// Returns `self x factor`, at most [`SimDuration::MAX`].
    pub const fn saturating_mul(self, factor: u64) -> SimDuration {
        SimDuration(self.0.saturating_mul(factor))
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    fn add(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, span: SimDuration) {
        *self = *self + span;
    }
}

impl Sub<SimTime> for SimTime {
    type Output = SimDuration;
    fn sub(self, earlier: SimTime) -> SimDuration {
        self.since(earlier)
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl Mul<u64> for SimDuration {
    type Output = SimDuration;
    fn mul(self, factor: u64) -> SimDuration {
        self.saturating_mul(factor)
    }
}

impl SimTime {
    /// Formats the instant as a clock that is read, as in `17:02.479` or `1:02:05.0`: minutes and seconds since the start of the simulation,
    /// after the hours if there are any, cut off after so many `decimals` of the second, nine at the most.
    pub fn clock(self, decimals: usize) -> String {
        let decimals = decimals.min(9);
        let (seconds, rest) = (self.0 / NANOS_PER_SECOND, self.0 % NANOS_PER_SECOND);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let fraction = rest / 10u64.pow(9 - decimals as u32);
        let clock = format!("{minutes:02}:{seconds:02}.{fraction:0decimals$}");
        if hours > 0 { format!("{hours}:{clock}") } else { clock }
    }
}

/// Formats the instant in seconds with microseconds: `83.784120`.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / NANOS_PER_SECOND, self.0 % NANOS_PER_SECOND / 1_000)
    }
}

/// Formats the duration in its shortest exact form: `5ms`, `90s`, `1500us`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = largest_exact_unit(self.0, UNITS);
        f.pad(&format!("{number}{unit}"))
    }
}

impl FromStr for SimDuration {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limit = "at most 5124095h, in steps of a nanosecond";
        parse_scaled(text, UNITS, "ns, us, ms, s, m, h", "5ms", limit).map(SimDuration)
    }
}

#[cfg(feature = "serde")]
serde_as_text!(SimDuration);

/// Serialises the instant in seconds for formats that people read (JSON), in nanoseconds for binary ones.
#[cfg(feature = "serde")]
impl serde::Serialize for SimTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.as_secs_f64())
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for SimTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(SimTime);
        }
        let seconds = f64::deserialize(deserializer)?;
        Ok(SimTime((seconds * NANOS_PER_SECOND as f64).round() as u64))
    }
}
