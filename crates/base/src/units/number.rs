//! Parsing of quantities: splits `1.5MiB` into an exact decimal number and its unit. The units themselves are supplied by the
//! caller.

use thiserror::Error;

/// Reason for which a text is not the expected quantity. The message names the text and a valid form.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseUnitError {
    /// The text does not start with a number.
    #[error("`{text}` does not start with a number (expected something like `{example}`)")]
    NoNumber {
        /// The text as it was given.
        text: String,
        /// An example of a valid text.
        example: &'static str,
    },
    /// The unit after the number is unknown or missing.
    #[error("`{text}` {} (known: {known})", if unit.is_empty() { "has no unit".into() } else { format!("has the unknown unit `{unit}`") })]
    UnknownUnit {
        /// The text as it was given.
        text: String,
        /// The part of the text that is not a known unit.
        unit: String,
        /// The known units, for the message.
        known: &'static str,
    },
    /// The number is valid, but larger than the quantity can hold or finer than its resolution.
    #[error("`{text}` is out of range ({limit})")]
    OutOfRange {
        /// The text as it was given.
        text: String,
        /// The limit that the number violates, for the message.
        limit: &'static str,
    },
    /// The lower end of a range lies above its upper end.
    #[error("`{text}` runs backwards: the lower end comes first")]
    Backwards {
        /// The text as it was given.
        text: String,
    },
}

/// Largest power of ten of a number. No quantity has more digits.
const DIGITS_MAX: u32 = 64;

/// Names of units, each with its size in base units.
pub(super) type UnitTable = &'static [(&'static str, u64)];

/// Parses `text` as a decimal number and a unit of `table`, exactly: `1.5KiB` is 1536, never 1535.999.
///
/// A value that is not a whole number of base units within 64 bits is refused, with `limit` in the error. A missing unit is
/// looked up in the table as the empty name, so each table decides whether a bare number is valid.
pub(super) fn parse_scaled(
    text: &str,
    table: UnitTable,
    known: &'static str,
    example: &'static str,
    limit: &'static str,
) -> Result<u64, ParseUnitError> {
    let trimmed = text.trim();
    let (number, unit) = trimmed.split_at(end_of_number(trimmed));
    let unit = unit.trim();
    let out_of_range = || ParseUnitError::OutOfRange { text: text.to_owned(), limit };
    if number.is_empty() || number.starts_with(['e', 'E']) || number == "." {
        return Err(ParseUnitError::NoNumber { text: text.to_owned(), example });
    }
    let Some(&(_, factor)) = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        // No unit makes it small enough.
        if unit.is_empty() && number.replace('_', "").parse().is_ok_and(|number: f64| number >= u64::MAX as f64) {
            return Err(out_of_range());
        }
        return Err(ParseUnitError::UnknownUnit { text: text.to_owned(), unit: unit.to_owned(), known });
    };
    scale_decimal(number, factor).ok_or_else(out_of_range)
}

/// Returns where the number ends that a text begins with, its power of ten (`1e6`) included.
pub(super) fn end_of_number(text: &str) -> usize {
    let end = |text: &str, fits: fn(char) -> bool| text.find(|c| !fits(c)).unwrap_or(text.len());
    let mantissa = end(text, |c| c.is_ascii_digit() || c == '.' || c == '_');
    let Some(power) = text[mantissa..].strip_prefix(['e', 'E']) else { return mantissa };
    let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    match end(digits, |c| c.is_ascii_digit()) {
        0 => mantissa,
        count => text.len() - digits.len() + count,
    }
}

/// Writes a number with a power of ten without that; `None` if it has more digits than any quantity.
fn without_power(number: &str) -> Option<String> {
    let Some((mantissa, power)) = number.split_once(['e', 'E']) else { return Some(number.to_owned()) };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let power: i32 = power.parse().ok().filter(|power: &i32| power.unsigned_abs() <= DIGITS_MAX)?;
    let digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + power;
    let places = usize::try_from(point.max(0)).ok()?;
    let before = usize::try_from((-point).max(0)).ok()?;
    let padded = format!("{}{digits}{}", "0".repeat(before), "0".repeat(places.saturating_sub(digits.len())));
    let (whole, fraction) = padded.split_at_checked(places)?;
    Some(format!("{whole}.{fraction}"))
}

/// Returns `number x factor` in exact arithmetic; `None` if it overflows or leaves a fraction.
pub(super) fn scale_decimal(number: &str, factor: u64) -> Option<u64> {
    let number = without_power(&number.replace('_', ""))?;
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

/// Returns the largest unit of `table` that divides `value`, and the quotient: the shortest exact form.
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
