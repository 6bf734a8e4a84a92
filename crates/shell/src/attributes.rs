//! Modes and times of files as users write them: octal digits as of chmod(1), RFC 3339 or `@SECONDS` as of touch(1).

use p2p_base::spelling::visible;
use p2p_store::attributes::{MODIFIED_MAX, PERMISSIONS};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Returns the permission bits of a text of octal digits, as chmod(1) takes them. The bits above those of owner, group and others are taken
/// and dropped.
///
/// # Errors
/// Fails with what is wrong with the text.
pub fn parse_mode(text: &str) -> Result<u32, String> {
    let is_octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let bits = u32::from_str_radix(text, 8).ok().filter(|_| is_octal).map(|mode| mode & PERMISSIONS);
    bits.ok_or_else(|| {
        format!("`{}` is no mode: three octal digits, such as 640, of which each is for owner, group and others", visible(text))
    })
}

/// Returns a time in seconds since 1970: of RFC 3339, or given as `@SECONDS` as touch(1) takes it.
///
/// # Errors
/// Fails with what is wrong with the text.
pub fn parse_instant(text: &str) -> Result<u64, String> {
    let seconds = match text.strip_prefix('@') {
        Some(seconds) => seconds.parse().ok(),
        None => OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|time| time.unix_timestamp().try_into().ok()),
    };
    seconds
        .filter(|&seconds| seconds <= MODIFIED_MAX)
        .ok_or_else(|| format!("`{}` is no time from 1970 to 9999, such as 2026-11-28T06:30:00Z or @1795847400", visible(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_digits() {
        let mode = |text| parse_mode(text).ok();
        assert_eq!(["640", "0755", "4751", "000"].map(mode), [Some(0o640), Some(0o755), Some(0o751), Some(0)]);
        assert_eq!(["", "7", "64", "648", "00644", "u+x", "+644", "-64"].map(mode), [None; 8]);
    }

    #[test]
    fn times_are_those_of_rfc_3339_or_seconds() {
        let instant = |text| parse_instant(text).ok();
        let times = ["1970-01-01T00:00:00Z", "2026-11-28T07:30:00+01:00", "@7", "@253402300799"];
        assert_eq!(times.map(instant), [Some(0), Some(1_795_847_400), Some(7), Some(MODIFIED_MAX)]);
        let wrong = ["", "yesterday", "1969-12-31T23:59:59Z", "@-1", "@253402300800", "2026-11-28"];
        assert_eq!(wrong.map(instant), [None; 6]);
    }
}
