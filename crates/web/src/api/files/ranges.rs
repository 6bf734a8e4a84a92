//! The range of a file that a request asks for (RFC 9110, section 14).

use http::header::RANGE;
use http::{HeaderMap, HeaderValue};
use p2p_service::access::range::WantedRange;

/// Part of a file that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// Bytes from the first on, so many.
    Range {
        /// Position of the first byte.
        first: u64,
        /// Number of bytes, at least one.
        len: u64,
    },
    /// No part: the range begins beyond the end.
    Beyond,
}

/// Returns what a request asks for of a file of this size. What is no range of bytes is as if it were not there, and of several ranges the
/// whole is answered (RFC 9110, section 14.2).
pub(super) fn of(headers: &HeaderMap, size: u64) -> Part {
    let mut lines = headers.get_all(RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Part::Whole };
    match wanted(line) {
        Some(wanted) => within(wanted, size),
        None => Part::Whole,
    }
}

fn wanted(line: &HeaderValue) -> Option<WantedRange> {
    let (unit, range) = line.to_str().ok()?.split_once('=')?;
    let range = range.trim_matches([' ', '\t']);
    match unit.trim().eq_ignore_ascii_case("bytes") {
        // The last none of the bytes cannot be satisfied, where the gate knows no such range.
        true if range == "-0" => Some(WantedRange::Last(0)),
        true => range.parse().ok(),
        false => None,
    }
}

fn within(wanted: WantedRange, size: u64) -> Part {
    match wanted {
        WantedRange::Last(0) => Part::Beyond,
        // The last bytes of nothing are all of it, which is no range that could be named (RFC 9110, section 14.1.2).
        WantedRange::Last(_) if size == 0 => Part::Whole,
        WantedRange::Last(count) => Part::Range { first: size.saturating_sub(count), len: count.min(size) },
        WantedRange::From { first, .. } if first >= size => Part::Beyond,
        WantedRange::From { first, last } => {
            let last = last.unwrap_or(u64::MAX).min(size - 1);
            Part::Range { first, len: last - first + 1 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(range: &str, size: u64) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        of(&headers, size)
    }

    #[test]
    fn one_range_is_answered() {
        let range = |first, len| Part::Range { first, len };
        assert_eq!(part("bytes=0-0", 10), range(0, 1));
        assert_eq!(part("bytes=2-5", 10), range(2, 4));
        assert_eq!(part("Bytes=2-50", 10), range(2, 8));
        assert_eq!(part("bytes= 9- ", 10), range(9, 1));
        assert_eq!(part("bytes=-3", 10), range(7, 3));
        assert_eq!(part("bytes=-30", 10), range(0, 10));
        assert_eq!(part(&format!("bytes=1-{}", u64::MAX), 10), range(1, 9));
    }

    #[test]
    fn what_is_beyond_the_end_is_refused() {
        for (text, size) in [("bytes=10-", 10), ("bytes=10-11", 10), ("bytes=0-", 0), ("bytes=-0", 10)] {
            assert_eq!(part(text, size), Part::Beyond, "{text}");
        }
        assert_eq!(part("bytes=-5", 0), Part::Whole);
    }

    #[test]
    fn what_is_no_range_is_as_if_it_were_not_there() {
        for text in
            ["bytes=5-4", "bytes=a-b", "bytes=", "bytes=-", "lines=1-2", "1-2", "bytes=0-1,3-4", "bytes=99999999999999999999-"]
        {
            assert_eq!(part(text, 10), Part::Whole, "{text}");
        }
        let mut headers = HeaderMap::new();
        headers.append(RANGE, HeaderValue::from_static("bytes=0-0"));
        headers.append(RANGE, HeaderValue::from_static("bytes=1-1"));
        assert_eq!(of(&headers, 10), Part::Whole, "several");
        assert_eq!(of(&HeaderMap::new(), 10), Part::Whole);
    }
}
