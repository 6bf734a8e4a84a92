//! Splitting `1.5MiB` into an exact decimal number and its unit. Knows no unit itself.

use thiserror::Error;

/// Why a text is not the quantity that was asked for. The text says what was written and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseUnitError {
    /// There is no number at the start of the text.
    #[error("`{text}` does not start with a number (expected something like `{example}`)")]
    NoNumber {
        /// What was written.
        text: String,
        /// What would be right.
        example: &'static str,
    },
    /// The unit after the number is none of those known.
    #[error("`{text}` {} (known: {known})", if unit.is_empty() { "has no unit".into() } else { format!("has the unknown unit `{unit}`") })]
    UnknownUnit {
        /// What was written.
        text: String,
        /// The part that is no unit.
        unit: String,
        /// The units that would be.
        known: &'static str,
    },
    /// The number is right, but more than the quantity can hold or finer than it can tell.
    #[error("`{text}` is out of range ({limit})")]
    OutOfRange {
        /// What was written.
        text: String,
        /// The limit that it passes.
        limit: &'static str,
    },
    /// A range whose lower end lies above its upper end.
    #[error("`{text}` runs backwards: the lower end comes first")]
    Backwards {
        /// What was written.
        text: String,
    },
}

/// A unit's names and how many base units it is worth.
pub(super) type UnitTable = &'static [(&'static str, u64)];

/// Reads `text` as a decimal number and a unit of `table`, exactly: `1.5KiB` is 1536, never 1535.999.
///
/// What is beyond what 64 bits of base units hold is refused with `limit`. An empty unit is looked up in the table like every other one, so a table decides whether a bare number means something.
pub(super) fn parse_scaled(
    text: &str,
    table: UnitTable,
    known: &'static str,
    example: &'static str,
    limit: &'static str,
) -> Result<u64, ParseUnitError> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let unit = unit.trim();
    if number.is_empty() || number == "." {
        return Err(ParseUnitError::NoNumber { text: text.to_owned(), example });
    }
    let Some(&(_, factor)) = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        return Err(ParseUnitError::UnknownUnit { text: text.to_owned(), unit: unit.to_owned(), known });
    };
    scale_decimal(number, factor).ok_or_else(|| ParseUnitError::OutOfRange { text: text.to_owned(), limit })
}

/// `number x factor` in exact arithmetic; `None` where it overflows or leaves a fraction.
pub(super) fn scale_decimal(number: &str, factor: u64) -> Option<u64> {
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = fraction.trim_end_matches('0');
    let digits = u32::try_from(fraction.len()).ok().filter(|&digits| digits <= 18)?;
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let parts = fraction.checked_mul(u128::from(factor))?;
    let ten = 10u128.pow(digits);
    if !parts.is_multiple_of(ten) {
        return None;
    }
    let total = whole.checked_mul(u128::from(factor))?.checked_add(parts / ten)?;
    u64::try_from(total).ok()
}

/// The largest unit of `table` that divides `value`, and the quotient: what prints shortest without losing anything.
pub(super) fn largest_exact_unit(value: u64, table: UnitTable) -> (u64, &'static str) {
    let mut best: (u64, &'static str) = (1, "");
    for &(name, factor) in table {
        let exact = value.is_multiple_of(factor) && (value != 0 || factor == 1);
        if exact && (factor > best.0 || best.1.is_empty()) {
            best = (factor, name);
        }
    }
    (value / best.0, best.1)
}
