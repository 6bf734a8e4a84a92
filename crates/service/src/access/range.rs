//! Ranges of bytes as users write them: `FIRST-LAST`, `FIRST-` and `-N`, as in RFC 9110, section 14.1.2.

use std::str::FromStr;

use p2p_engine::EngineError;
use p2p_engine::operation::ByteRange;
use p2p_store::manifest::FileRecord;
use thiserror::Error;

/// Range of the bytes of a file, before the size of the file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedRange {
    /// From the first byte to the last, both included; to the end of the file without a last one.
    From {
        /// Position of the first byte, from 0.
        first: u64,
        /// Position of the last byte.
        last: Option<u64>,
    },
    /// The last bytes of the file, so many of them; all if it has fewer.
    Last(u64),
}

/// Error of parsing a text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no range of bytes: FIRST-LAST has both ends, counted from 0, FIRST- has the rest, and -N the last N")]
pub struct ParseRangeError {
    /// Text that could not be parsed.
    pub text: String,
}

impl FromStr for WantedRange {
    type Err = ParseRangeError;

    fn from_str(text: &str) -> Result<WantedRange, ParseRangeError> {
        let parsed = text.split_once('-').and_then(|ends| match ends {
            ("", count) => number(count).filter(|&count| count > 0).map(WantedRange::Last),
            (first, "") => number(first).map(|first| WantedRange::From { first, last: None }),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(WantedRange::From { first, last: Some(last) })
            }
        });
        parsed.ok_or_else(|| ParseRangeError { text: text.to_owned() })
    }
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl WantedRange {
    /// Returns the bytes of a file that are meant. What reaches beyond its end is cut off.
    ///
    /// # Errors
    /// Returns [`EngineError::BeyondEnd`] if the range begins beyond the last byte.
    pub fn within(self, file: &FileRecord) -> Result<ByteRange, EngineError> {
        let size = file.size;
        match self {
            WantedRange::From { first, .. } if first >= size => {
                Err(EngineError::BeyondEnd { name: file.key.name.clone(), size, first })
            }
            WantedRange::From { first, last } => {
                let len = last.map(|last| last.min(size - 1) - first + 1);
                Ok(ByteRange { first, len })
            }
            WantedRange::Last(count) => Ok(ByteRange { first: size.saturating_sub(count), len: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use p2p_store::names::FileKey;
    use p2p_store::segment::Sha256Digest;

    use super::*;

    fn within(text: &str, size: u64) -> Result<ByteRange, EngineError> {
        let file = FileRecord {
            key: FileKey::new(None, "a"),
            size,
            sha256: Sha256Digest::of(b""),
            segments: 1,
            segment_size: 65_536,
            stored_at: 0,
            modified: 0,
            mode: 0o644,
            readers: BTreeSet::new(),
        };
        text.parse::<WantedRange>().unwrap().within(&file)
    }

    #[test]
    fn ranges_have_both_ends_or_one() {
        let range = |first, len| Ok(ByteRange { first, len });
        assert_eq!(within("0-0", 10), range(0, Some(1)));
        assert_eq!(within("2-5", 10), range(2, Some(4)));
        assert_eq!(within("2-50", 10), range(2, Some(8)));
        assert_eq!(within(&format!("2-{}", u64::MAX), 10), range(2, Some(8)));
        assert_eq!(within("9-", 10), range(9, None));
        assert_eq!(within("-3", 10), range(7, None));
        assert_eq!(within("-30", 10), range(0, None));
        assert_eq!(within("-30", 0), range(0, None));
    }

    #[test]
    fn a_range_beyond_the_end_is_refused() {
        for (text, size) in [("10-", 10), ("10-11", 10), ("0-", 0)] {
            assert!(matches!(within(text, size), Err(EngineError::BeyondEnd { .. })), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_ranges() {
        for text in ["", "-", "1", "5-4", "-0", "+1-2", "1-+2", "1--2", "a-b", "1-2,4-5", " 1-2", "99999999999999999999-"] {
            assert!(text.parse::<WantedRange>().is_err(), "{text}");
        }
    }
}
