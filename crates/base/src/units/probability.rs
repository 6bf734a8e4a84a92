//! Probabilities: `1%`, `0.01`. Stored as parts per billion, so that equal texts are equal probabilities on every machine.

use std::fmt;
use std::str::FromStr;

use super::number::{ParseUnitError, end_of_number, scale_decimal};
#[cfg(feature = "serde")]
use super::serde_as_text;

const BILLION: u64 = 1_000_000_000;

/// Probability of an event, from never to always, in steps of one in a billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Probability(u32);

impl Probability {
    /// Probability 0: the event never happens.
    pub const NEVER: Probability = Probability(0);
    /// Probability 1: the event always happens.
    pub const ALWAYS: Probability = Probability(BILLION as u32);

    /// Returns the probability of `percent` per cent, at most 100.
    pub const fn from_percent(percent: u32) -> Probability {
        Probability(if percent > 100 { BILLION as u32 } else { percent * 10_000_000 })
    }

    /// Returns the probability of `billionths` parts in a billion, at most one.
    pub const fn from_billionths(billionths: u32) -> Probability {
        Probability(if billionths > BILLION as u32 { BILLION as u32 } else { billionths })
    }

    /// Returns the probability in parts per billion, in which it is exact.
    pub const fn billionths(self) -> u32 {
        self.0
    }

    /// Returns the probability as a number between 0 and 1, for reports and screens.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / BILLION as f64
    }

    /// Returns the bound below which one of 2⁶⁴ equally likely numbers means that the event happens; `None` if it always
    /// does.
    pub(crate) fn threshold(self) -> Option<u64> {
        let scaled = (u128::from(self.0) << 64) / u128::from(BILLION);
        u64::try_from(scaled).ok()
    }
}

/// Formats the probability in per cent: `1%`, `0.05%`.
impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 10_000_000, self.0 % 10_000_000);
        let digits = format!("{fraction:07}");
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { f.pad(&format!("{whole}%")) } else { f.pad(&format!("{whole}.{digits}%")) }
    }
}

impl FromStr for Probability {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let (number, factor) = match trimmed.strip_suffix('%') {
            Some(percent) => (percent.trim_end(), BILLION / 100),
            None => (trimmed, BILLION),
        };
        if !number.starts_with(|c: char| c.is_ascii_digit() || c == '.') || end_of_number(number) != number.len() {
            return Err(ParseUnitError::NoNumber { text: text.to_owned(), example: "1%" });
        }
        let limit = "a chance lies between 0% and 100%, in steps of 0.0000001%";
        let parts = scale_decimal(number, factor).filter(|&parts| parts <= BILLION);
        let parts = parts.and_then(|parts| u32::try_from(parts).ok());
        parts.map(Probability).ok_or_else(|| ParseUnitError::OutOfRange { text: text.to_owned(), limit })
    }
}

#[cfg(feature = "serde")]
serde_as_text!(Probability);
