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

/// Returns `number x factor` in exact arithmetic; `None` if it overflows or leaves a fraction.
pub(super) fn scale_decimal(number: &str, factor: u64) -> Option<u64> {
    let number = number.replace('_', "");
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((&number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    // The zero stands for the digits of `.5` and `1.` that are not written.
    let digits: u128 = format!("0{whole}{fraction}").parse().ok()?;
    if digits == 0 {
        return Some(0);
    }
    let power: i32 = power.parse().ok()?;
    let exponent = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let (scaled, ten) = (digits.checked_mul(u128::from(factor))?, 10u128.checked_pow(exponent.unsigned_abs())?);
    let total = match exponent {
        0.. => scaled.checked_mul(ten)?,
        _ if scaled.is_multiple_of(ten) => scaled / ten,
        _ => return None,
    };
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
