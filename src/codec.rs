//! Floor 0: values as bytes, for the disk and the wire, always with a version and always within a bound.
//!
//! The encoding is bincode 2 (standard configuration: little-endian, variable-length integers). Upstream has ended; the
//! format is frozen by a test on golden bytes, and `bincode-next` reads and writes the same. Knows nothing of what it
//! encodes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The most bytes that one value may have: a bound on what a damaged length can make us allocate.
const VALUE_MAX: usize = 64 << 20;

/// Why bytes are no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// There is not even a version.
    #[error("there is nothing to decode")]
    Empty,
    /// Written by a program that knows a format which this one does not.
    #[error("format version {found} is unknown (this program reads version {known})")]
    Version {
        /// The version found.
        found: u8,
        /// The version that is understood.
        known: u8,
    },
    /// The bytes do not make a value.
    #[error("damaged value: {reason}")]
    Malformed {
        /// What the decoder met.
        reason: String,
    },
    /// A value is followed by bytes that belong to nothing.
    #[error("{count} bytes follow the value")]
    Trailing {
        /// How many.
        count: usize,
    },
}

/// A value could not be written: a bug in what it is made of, never in what it says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the value cannot be encoded: {reason}")]
pub struct EncodeError {
    /// What the encoder met.
    pub reason: String,
}

/// `value` as bytes, with `version` before it.
///
/// # Errors
/// Where the value's type refuses to be serialised.
pub fn encode<T: Serialize>(version: u8, value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = vec![version];
    bincode::serde::encode_into_std_write(value, &mut bytes, bincode::config::standard())
        .map_err(|error| EncodeError { reason: error.to_string() })?;
    if bytes.len() > VALUE_MAX {
        return Err(EncodeError { reason: format!("{} bytes, but no value may have more than {VALUE_MAX}", bytes.len()) });
    }
    Ok(bytes)
}

/// The value that `bytes` hold, if they were written with `version`.
///
/// # Errors
/// Where the version is another, the bytes are damaged, or more of them follow.
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
