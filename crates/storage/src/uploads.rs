//! Uploads that are kept although their source has gone: their names, and the records from which they are resumed.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::attributes::StoreAs;
use super::marker::RandomId;
use super::names::FileKey;
use super::segment::HashState;

/// Random name of an upload that is kept: 16 bytes, shown as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId([u8; 16]);

impl UploadId {
    /// Makes a name of its 16 bytes, which the caller draws at random.
    pub const fn new(bytes: [u8; 16]) -> UploadId {
        UploadId(bytes)
    }

    /// Draws a new name.
    ///
    /// # Errors
    /// Fails if the system gives no random bytes.
    pub fn random() -> Result<UploadId, getrandom::Error> {
        RandomId::new().map(|id| UploadId(id.to_bytes()))
    }

    /// Returns the 16 bytes of the name.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Writes the name as 32 lower-case hexadecimal digits.
impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        RandomId::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Error of parsing a text that is no name of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no name of an upload (32 hexadecimal digits)")]
pub struct ParseUploadIdError {
    /// Text that could not be parsed.
    pub text: String,
}

impl FromStr for UploadId {
    type Err = ParseUploadIdError;

    fn from_str(text: &str) -> Result<UploadId, ParseUploadIdError> {
        let id: RandomId = text.parse().map_err(|()| ParseUploadIdError { text: text.to_owned() })?;
        Ok(UploadId(id.to_bytes()))
    }
}

/// Writes hexadecimal digits in human-readable formats, and the 16 bytes in binary ones.
impl Serialize for UploadId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for UploadId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <Cow<'de, str>>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 16]>::deserialize(deserializer).map(UploadId)
        }
    }
}

/// Source of an upload, as far as it has been declared: an upload that is kept is continued with the same one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Declared {
    /// Size of the whole content in bytes; `None` if it is not known, as that of a pipe.
    pub size: Option<u64>,
    /// Time at which the file was last modified, in nanoseconds since 1970; `None` if the content is of no file.
    pub modified: Option<u64>,
}

/// Difference between the source that continues an upload and the one with which it was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OtherSource {
    /// The content has another size.
    #[error("the upload was begun with {begun} bytes, and this content has {given}")]
    Size {
        /// Size with which it was begun, in bytes.
        begun: u64,
        /// Size that is declared now, in bytes.
        given: u64,
    },
    /// The file was modified at another time.
    #[error("this file was modified {} than the one with which the upload was begun", apart(*begun, *given))]
    Modified {
        /// Time at which the first file was modified, in nanoseconds since 1970.
        begun: u64,
        /// Time at which this one was modified, in nanoseconds since 1970.
        given: u64,
    },
}

/// Says by how much one time, in nanoseconds, is later or earlier than another.
fn apart(begun: u64, given: u64) -> String {
    let (word, nanos) = if given > begun { ("later", given - begun) } else { ("earlier", begun - given) };
    match nanos {
        0..1_000_000 => format!("{nanos} ns {word}"),
        _ => format!("{}.{:03} s {word}", nanos / 1_000_000_000, nanos / 1_000_000 % 1_000),
    }
}

impl Declared {
    /// Returns all that is declared by what was declared first and by `given`.
    ///
    /// # Errors
    /// Fails if both are known, and are not the same.
    pub fn with(self, given: Declared) -> Result<Declared, OtherSource> {
        match (self.size.zip(given.size), self.modified.zip(given.modified)) {
            (Some((begun, given)), _) if begun != given => Err(OtherSource::Size { begun, given }),
            (_, Some((begun, given))) if begun != given => Err(OtherSource::Modified { begun, given }),
            _ => Ok(Declared { size: self.size.or(given.size), modified: self.modified.or(given.modified) }),
        }
    }
}

/// Upload that is kept although its source has gone: what is durable of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRecord {
    /// Name of the upload.
    pub id: UploadId,
    /// Owner and name of the file that it is to become.
    pub key: FileKey,
    /// Length of a full segment in bytes.
    pub segment_size: u32,
    /// Number of bytes that are durable: the offset at which the upload is resumed.
    pub offset: u64,
    /// Number of segments that are durable.
    pub segments: u32,
    /// State of the digest of the whole file after these segments.
    pub hash: HashState,
    /// Time at which the upload began, in seconds since 1970.
    pub stored_at: u64,
    /// Time from which on the upload may be dropped, in seconds since 1970.
    pub expires_at: u64,
    /// Source with which the upload was begun.
    pub declared: Declared,
    /// Attributes and place with which the upload was begun, which it keeps whoever continues it.
    pub stored_as: StoreAs,
    /// User who has begun the upload in a directory of another user; `None` for the owner. Not part of the encoding.
    #[serde(skip)]
    pub begun_by: Option<String>,
}

#[cfg(test)]
mod tests {
    use p2p_base::codec;

    use super::*;

    #[test]
    fn names_are_hexadecimal_digits() {
        let id = UploadId::new([0x0a, 0, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xf0]);
        let text = "0a00ff0102030405060708090a0b0cf0".to_owned();
        assert_eq!((id.to_string(), text.parse()), (text.clone(), Ok(id)));
        assert_eq!(UploadId::new([0; 16]).to_string(), "0".repeat(32));
        for wrong in ["", "0a", &text[1..], &format!("{text}0"), &format!("+{}", &text[1..]), &"ä".repeat(16)] {
            let error = wrong.parse::<UploadId>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{wrong}` is no name")), "{error}");
        }
    }

    #[test]
    fn a_source_is_the_same_as_far_as_it_is_known() {
        let of = |size, modified| Declared { size, modified };
        let first = of(Some(10), Some(7_000_000_000));
        assert_eq!(first.with(of(None, None)), Ok(first));
        assert_eq!(of(None, Some(7)).with(of(Some(10), None)), Ok(of(Some(10), Some(7))));
        let refused = |given| first.with(given).unwrap_err().to_string();
        assert_eq!(refused(of(Some(11), None)), "the upload was begun with 10 bytes, and this content has 11");
        let than = "than the one with which the upload was begun";
        assert_eq!(refused(of(Some(10), Some(8_500_000_000))), format!("this file was modified 1.500 s later {than}"));
        assert_eq!(refused(of(None, Some(6_999_999_900))), format!("this file was modified 100 ns earlier {than}"));
    }

    #[test]
    fn a_name_is_its_bytes_in_binary_formats() {
        let id = UploadId::new([7; 16]);
        let encoded = codec::encode(1, &id).unwrap();
        assert_eq!((encoded.len(), codec::decode(1, &encoded)), (17, Ok(id)));
    }
}
