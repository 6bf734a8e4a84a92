//! The encoding of values as bytes, for the disk and the network, always with a version and a length limit.
//!
//! The encoding is bincode 2 (standard configuration: little-endian, variable-length integers). Its development has ended; the
//! format is fixed by a test on golden bytes, and `bincode-next` reads and writes the same.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Largest length of an encoded value in bytes, which limits the memory that a damaged length can make the decoder allocate.
const VALUE_MAX: usize = 64 << 20;

/// Reason why bytes cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The input is empty, without even a version.
    #[error("there is nothing to decode")]
    Empty,
    /// The value was written in a version of the format that this program does not know.
    #[error("format version {found} is unknown (this program reads version {known})")]
    Version {
        /// Version of the value.
        found: u8,
        /// Version that this program reads.
        known: u8,
    },
    /// The bytes are not a valid encoding of the value.
    #[error("damaged value: {reason}")]
    Malformed {
        /// Message of the decoder.
        reason: String,
    },
    /// The value is followed by extra bytes.
    #[error("{count} bytes follow the value")]
    Trailing {
        /// Number of extra bytes.
        count: usize,
    },
}

/// Error of encoding a value, which is a bug in its type or a value that exceeds the length limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the value cannot be encoded: {reason}")]
pub struct EncodeError {
    /// Message of the encoder.
    pub reason: String,
}

/// Encodes `value` as bytes, preceded by `version`.
///
/// # Errors
/// Fails if the type of the value cannot be serialised, or the encoding exceeds 64 MiB.
pub fn encode<T: Serialize>(version: u8, value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = vec![version];
    bincode::serde::encode_into_std_write(value, &mut bytes, bincode::config::standard())
        .map_err(|error| EncodeError { reason: error.to_string() })?;
    if bytes.len() > VALUE_MAX {
        return Err(EncodeError { reason: format!("{} bytes, but no value may have more than {VALUE_MAX}", bytes.len()) });
    }
    Ok(bytes)
}

/// Returns the version with which the value in `bytes` was written; `None` if there is nothing.
pub fn version_of(bytes: &[u8]) -> Option<u8> {
    bytes.first().copied()
}

/// Decodes the value in `bytes`, which must have been written with `version`.
///
/// # Errors
/// Fails if the version differs, if the bytes are damaged, or if extra bytes follow the value.
pub fn decode<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Result<T, DecodeError> {
    let (&found, bytes) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if found != version {
        return Err(DecodeError::Version { found, known: version });
    }
    let config = bincode::config::standard().with_limit::<VALUE_MAX>();
    let (value, used) =
        bincode::serde::decode_from_slice(bytes, config).map_err(|error| DecodeError::Malformed { reason: error.to_string() })?;
    match bytes.len() - used {
        0 => Ok(value),
        count => Err(DecodeError::Trailing { count }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Sample {
        Empty,
        Full { name: String, size: u64, parts: Vec<(u32, Option<bool>)> },
    }

    fn sample() -> Sample {
        Sample::Full { name: "a.bin".into(), size: 5 << 20, parts: vec![(7, None), (300, Some(true))] }
    }

    /// The format on disk: another encoder may replace this one if it gives the same bytes.
    #[test]
    fn the_format_never_changes() {
        let golden = [3, 1, 5, b'a', b'.', b'b', b'i', b'n', 252, 0, 0, 80, 0, 2, 7, 0, 251, 44, 1, 1, 1];
        assert_eq!(encode(3, &sample()).unwrap(), golden);
        assert_eq!(encode(3, &Sample::Empty).unwrap(), [3, 0]);
        assert_eq!((version_of(&golden), version_of(&[])), (Some(3), None));
    }

    #[test]
    fn wrong_bytes_are_told_apart() {
        assert_eq!(decode::<Sample>(3, &[]), Err(DecodeError::Empty));
        assert_eq!(decode::<Sample>(3, &[4, 0]), Err(DecodeError::Version { found: 4, known: 3 }));
        assert_eq!(decode::<Sample>(3, &[3, 0, 0, 0]), Err(DecodeError::Trailing { count: 2 }));
        assert!(matches!(decode::<Sample>(3, &[3, 9]), Err(DecodeError::Malformed { .. })));
    }

    /// Without a limit this is an abort for want of memory, not an error.
    #[test]
    fn a_length_that_lies_allocates_nothing() {
        let claims_terabytes = [1, 253, 0, 0, 0, 0, 0, 1, 0, 0];
        assert!(matches!(decode::<Vec<u8>>(1, &claims_terabytes), Err(DecodeError::Malformed { .. })));
        assert!(matches!(decode::<String>(1, &claims_terabytes), Err(DecodeError::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<Sample>(3, &bytes);
        }
    }
}
