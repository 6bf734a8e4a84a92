//! Sizes in bytes: `64KiB`, `10GiB`, `100MB`. Stored and printed exactly, and rounded only by [`ByteSize::human`].

use std::fmt;
use std::str::FromStr;

use super::number::{ParseUnitError, UnitTable, largest_exact_unit, parse_scaled};
#[cfg(feature = "serde")]
use super::serde_as_text;

const PRINTED: UnitTable = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("PiB", 1 << 50)];

/// All units that are parsed: the binary ones, the decimal ones and a bare number of bytes.
pub(super) const PARSED: UnitTable = &[
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
];

/// A number of bytes, such as the size of a file or a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

impl ByteSize {
    /// Returns a size of `bytes` bytes.
    pub const fn from_bytes(bytes: u64) -> ByteSize {
        ByteSize(bytes)
    }

    /// Returns a size of `count` x 1024 bytes.
    pub const fn from_kib(count: u64) -> ByteSize {
        ByteSize(count << 10)
    }

    /// Returns a size of `count` x 1024² bytes.
    pub const fn from_mib(count: u64) -> ByteSize {
        ByteSize(count << 20)
    }

    /// Returns a size of `count` x 1024³ bytes.
    pub const fn from_gib(count: u64) -> ByteSize {
        ByteSize(count << 30)
    }

    /// Returns the number of bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Formats the size for display, with one decimal from KiB on: `18.4 MiB`, `512 B`.
    pub fn human(self) -> String {
        let Some(&(unit, factor)) = PRINTED.iter().rev().find(|(_, factor)| self.0 >= *factor && *factor > 1) else {
            return format!("{} B", self.0);
        };
        format!("{:.1} {unit}", self.0 as f64 / factor as f64)
    }
}

/// Formats the size in its shortest exact form: `64KiB`, `1537B`.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = largest_exact_unit(self.0, PRINTED);
        f.pad(&format!("{number}{unit}"))
    }
}

impl FromStr for ByteSize {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limit = "less than 16384PiB, in steps of a byte";
        parse_scaled(text, PARSED, "B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB", "64KiB", limit).map(ByteSize)
    }
}

#[cfg(feature = "serde")]
serde_as_text!(ByteSize);
