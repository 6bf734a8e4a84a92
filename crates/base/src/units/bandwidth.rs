//! Data rates: `64KiB/s`, `10Mbit/s`, `unlimited`. Stored as a whole number of bits per second.

use std::fmt;
use std::str::FromStr;

use super::number::{ParseUnitError, UnitTable, largest_exact_unit, parse_scaled};
#[cfg(feature = "serde")]
use super::serde_as_text;
use super::time::SimDuration;

const UNLIMITED: &str = "unlimited";

const BYTE_RATES: UnitTable = &[("B/s", 8), ("KiB/s", 8 << 10), ("MiB/s", 8 << 20), ("GiB/s", 8 << 30)];

const BIT_RATES: UnitTable = &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];

const PARSED: UnitTable = &[
    ("bit/s", 1),
    ("kbit/s", 1_000),
    ("Mbit/s", 1_000_000),
    ("Gbit/s", 1_000_000_000),
    ("Tbit/s", 1_000_000_000_000),
    ("B/s", 8),
    ("KiB/s", 8 << 10),
    ("MiB/s", 8 << 20),
    ("GiB/s", 8 << 30),
    ("kB/s", 8_000),
    ("MB/s", 8_000_000),
    ("GB/s", 8_000_000_000),
];

/// Data rate of a link or a disk in bits per second, or no limit.
///
/// ```
/// use p2p_base::units::{Bandwidth, SimDuration};
///
/// let link: Bandwidth = "64KiB/s".parse()?;
/// assert_eq!(link.time_for(65_536), SimDuration::from_secs(1));
/// assert_eq!(link.to_string(), "64KiB/s");
/// # Ok::<(), p2p_base::units::ParseUnitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bandwidth(u64);

impl Bandwidth {
    /// No limit: sending takes no time.
    pub const UNLIMITED: Bandwidth = Bandwidth(u64::MAX);

    /// Returns a rate of `bits` bits per second. Zero is raised to one: a link that is down is a fault, not a rate.
    pub const fn from_bits_per_second(bits: u64) -> Bandwidth {
        Bandwidth(if bits == 0 { 1 } else { bits })
    }

    /// Returns the rate in bits per second; `None` if there is no limit.
    pub const fn bits_per_second(self) -> Option<u64> {
        if self.0 == u64::MAX { None } else { Some(self.0) }
    }

    /// Returns the rate in bytes per second, rounded down; `None` if there is no limit.
    pub const fn bytes_per_second(self) -> Option<u64> {
        match self.bits_per_second() {
            Some(bits) => Some(bits / 8),
            None => None,
        }
    }

    /// Formats the rate for display, as measured rates are told: `64.0 KiB/s`, `1.5 MiB/s`; exactly, and in bits where it is a whole number
    /// of no KiB, as in `10 Mbit/s`.
    pub fn human(self) -> String {
        let Some(bits) = self.bits_per_second() else { return UNLIMITED.to_owned() };
        let (number, unit) = if is_whole_kib(bits) {
            match BYTE_RATES.iter().rev().find(|(_, size)| bits >= *size && (10 * bits).is_multiple_of(*size)) {
                Some((unit, size)) => return format!("{:.1} {unit}", bits as f64 / *size as f64),
                None => largest_exact_unit(bits, BYTE_RATES),
            }
        } else {
            largest_exact_unit(bits, BIT_RATES)
        };
        format!("{number} {unit}")
    }

    /// Returns the time that `bytes` bytes take at this rate, rounded up to a nanosecond.
    pub fn time_for(self, bytes: u64) -> SimDuration {
        const NANOBITS_PER_BYTE: u64 = 8_000_000_000;
        match (self.bits_per_second(), bytes.checked_mul(NANOBITS_PER_BYTE)) {
            (None, _) => SimDuration::ZERO,
            (Some(rate), Some(nanobits)) => SimDuration::from_nanos(nanobits.div_ceil(rate)),
            (Some(rate), None) => {
                let nanos = (u128::from(bytes) * u128::from(NANOBITS_PER_BYTE)).div_ceil(u128::from(rate));
                SimDuration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        }
    }
}

/// Returns true if a rate is said in bytes: if it is a whole number of KiB, and not one of megabits as well.
const fn is_whole_kib(bits: u64) -> bool {
    bits.is_multiple_of(8 << 10) && !bits.is_multiple_of(1_000_000)
}

/// Formats the rate in its shortest exact form, in bytes if it is a whole number of KiB: `64KiB/s`, `10Mbit/s`, `unlimited`.
impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(bits) = self.bits_per_second() else {
            return f.pad(UNLIMITED);
        };
        let (number, unit) = largest_exact_unit(bits, if is_whole_kib(bits) { BYTE_RATES } else { BIT_RATES });
        f.pad(&format!("{number}{unit}"))
    }
}

impl FromStr for Bandwidth {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case(UNLIMITED) {
            return Ok(Bandwidth::UNLIMITED);
        }
        let known = "bit/s, kbit/s, Mbit/s, Gbit/s, B/s, KiB/s, MiB/s, GiB/s, kB/s, MB/s, GB/s, unlimited";
        let limit = "a rate is at least 1 bit/s and less than 18446744Tbit/s, in steps of a bit; `unlimited` has none";
        match parse_scaled(text, PARSED, known, "64KiB/s", limit)? {
            // The value with all bits set is reserved for no limit.
            0 | u64::MAX => Err(ParseUnitError::OutOfRange { text: text.to_owned(), limit }),
            bits => Ok(Bandwidth::from_bits_per_second(bits)),
        }
    }
}

#[cfg(feature = "serde")]
serde_as_text!(Bandwidth);
