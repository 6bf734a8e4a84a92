//! Segments: the pieces into which a file is cut, each named by the SHA-256 of its bytes.

mod stream;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::str::FromStr;

use bytes::Bytes;
use p2p_base::hex::hex;
use p2p_base::units::ByteSize;
use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use self::stream::{Cut, DamagedHashState, HashState, StreamCutter};

/// SHA-256 digest (FIPS 180-4), used as the name of a segment or as the fingerprint of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

/// Name of a segment: the digest of its bytes. Segments with equal bytes have the same name.
pub type SegmentId = Sha256Digest;

/// Segments with their lengths in bytes, sorted by name.
pub type Lengths = Vec<(SegmentId, u64)>;

impl Sha256Digest {
    /// Computes the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Sha256Digest {
        Sha256Digest(Sha256::digest(bytes).into())
    }

    /// Makes a digest of its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Sha256Digest {
        Sha256Digest(bytes)
    }

    /// Returns the 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first eight hexadecimal digits, enough for a person to tell segments apart.
    pub fn short(&self) -> String {
        hex(&self.0[..4])
    }
}

/// Writes the digest as 64 lowercase hexadecimal digits.
impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.short())
    }
}

/// Error of parsing a text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no SHA-256 digest (64 hexadecimal digits)")]
pub struct ParseDigestError {
    /// Text that could not be parsed.
    pub text: String,
}

/// Value of each hexadecimal digit; 16 for any other byte. A start reads the names of all segments.
const DIGITS: [u8; 256] = {
    let (mut values, mut value) = ([16; 256], 0);
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        values[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    values
};

impl FromStr for Sha256Digest {
    type Err = ParseDigestError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseDigestError { text: text.to_owned() };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let (mut bytes, mut seen) = ([0; 32], 0);
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| DIGITS[usize::from(digit)]);
            seen |= high | low;
            *byte = high << 4 | low & 0xf;
        }
        if seen < 16 { Ok(Sha256Digest(bytes)) } else { Err(wrong()) }
    }
}

/// Writes hexadecimal digits in human-readable formats, and the 32 bytes in binary ones.
impl Serialize for Sha256Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            deserializer.deserialize_tuple(32, DigestBytes)
        }
    }
}

/// Visitor of the 32 bytes of a digest. A start reads those of all files, and the one for any array takes several times as long.
struct DigestBytes;

impl<'de> Visitor<'de> for DigestBytes {
    type Value = Sha256Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the 32 bytes of a digest")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Sha256Digest, A::Error> {
        let mut digest = [0; 32];
        for (place, byte) in digest.iter_mut().enumerate() {
            *byte = bytes.next_element()?.ok_or_else(|| A::Error::invalid_length(place, &self))?;
        }
        Ok(Sha256Digest(digest))
    }
}

/// Length of every segment of a file except the last one, in bytes: from 4 KiB to 4 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct SegmentSize(u32);

impl TryFrom<u32> for SegmentSize {
    type Error = SegmentSizeError;

    fn try_from(bytes: u32) -> Result<Self, SegmentSizeError> {
        SegmentSize::new(ByteSize::from_bytes(u64::from(bytes)))
    }
}

/// Error for a segment size that is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a segment has from 4KiB to 4MiB, not {size}")]
pub struct SegmentSizeError {
    /// Size that was asked for.
    pub size: ByteSize,
}

impl SegmentSize {
    /// Smallest segment size, 4 KiB.
    pub const MIN: ByteSize = ByteSize::from_kib(4);
    /// Largest segment size, 4 MiB.
    pub const MAX: ByteSize = ByteSize::from_mib(4);

    /// Makes a segment size of `size`.
    ///
    /// # Errors
    /// Returns [`SegmentSizeError`] if `size` is below [`MIN`](Self::MIN) or above [`MAX`](Self::MAX).
    pub fn new(size: ByteSize) -> Result<SegmentSize, SegmentSizeError> {
        if size < Self::MIN || size > Self::MAX {
            return Err(SegmentSizeError { size });
        }
        Ok(SegmentSize(size.as_u64() as u32))
    }

    /// Returns the size in bytes.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// Returns the number of segments of a file of `size` bytes.
    pub fn count_for(self, size: ByteSize) -> u64 {
        size.as_u64().div_ceil(u64::from(self.0))
    }
}

impl Default for SegmentSize {
    /// Returns 64 KiB, the default segment size.
    fn default() -> Self {
        SegmentSize(64 << 10)
    }
}

/// One segment of a file that is being cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Position of the segment in the file, counted from 0.
    pub index: u32,
    /// Name of the segment, the digest of its bytes.
    pub id: SegmentId,
    /// Content of the segment.
    pub bytes: Bytes,
}

/// Reader that cuts a stream of bytes into segments and computes the digest of the whole stream. It holds one segment at a time.
///
/// ```
/// use p2p_store::segment::{Cutter, Sha256Digest, SegmentSize};
///
/// let mut cutter = Cutter::new(&[7; 150_000][..], SegmentSize::default());
/// let mut lengths = Vec::new();
/// while let Some(segment) = cutter.next_segment()? {
///     assert_eq!(segment.id, Sha256Digest::of(&segment.bytes));
///     lengths.push(segment.bytes.len());
/// }
/// assert_eq!(lengths, [65_536, 65_536, 18_928]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Cutter<R> {
    source: R,
    size: SegmentSize,
    next_index: u32,
    bytes: u64,
    whole: Sha256,
}

/// Source that a [`Cutter`] reads.
pub trait Source {
    /// Reads at most `max` bytes, appends them to `buffer`, and returns their number; 0 at the end.
    ///
    /// # Errors
    /// Fails if reading fails.
    fn read_into(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<usize>;
}

impl Source for File {
    fn read_into(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<usize> {
        // `read_to_end` would begin with a small piece and double it.
        if (1..=max).contains(&(buffer.capacity() - buffer.len())) {
            return Ok(retry_on_intr(|| rustix::io::read(&*self, spare_capacity(buffer)))?);
        }
        self.take(max as u64).read_to_end(buffer)
    }
}

impl Source for &[u8] {
    fn read_into(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<usize> {
        let (read, rest) = self.split_at(self.len().min(max));
        buffer.extend_from_slice(read);
        *self = rest;
        Ok(read.len())
    }
}

impl<R: Source> Cutter<R> {
    /// Makes a cutter that cuts the bytes read from `source` into segments of `size`.
    pub fn new(source: R, size: SegmentSize) -> Cutter<R> {
        Cutter { source, size, next_index: 0, bytes: 0, whole: Sha256::new() }
    }

    /// Reads the next segment; returns `None` at the end of the source. An empty source has no segments.
    ///
    /// # Errors
    /// Fails if reading fails, or if the source has more than 2³² − 1 segments.
    pub fn next_segment(&mut self) -> io::Result<Option<Segment>> {
        let size = self.size.as_usize();
        let mut buffer = Vec::with_capacity(size);
        while buffer.len() < size {
            let missing = size - buffer.len();
            if self.source.read_into(&mut buffer, missing)? == 0 {
                break;
            }
        }
        if buffer.is_empty() {
            return Ok(None);
        }
        self.bytes += buffer.len() as u64;
        self.whole.update(&buffer);
        let index = self.next_index;
        self.next_index = index.checked_add(1).ok_or_else(|| io::Error::other("more than 2³² segments"))?;
        Ok(Some(Segment { index, id: SegmentId::of(&buffer), bytes: buffer.into() }))
    }

    /// Returns the source that is being cut.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Returns the number of bytes read so far and the digest of all of them.
    pub fn so_far(&self) -> (ByteSize, Sha256Digest) {
        (ByteSize::from_bytes(self.bytes), Sha256Digest(self.whole.clone().finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// FIPS 180-4's own example.
    #[test]
    fn the_digest_is_sha_256() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((digest.short().as_str(), digest.to_string().parse()), ("ba7816bf", Ok(digest)));
        assert!("ba78".parse::<Sha256Digest>().is_err());
    }

    #[test]
    fn sizes_have_bounds() {
        assert!(SegmentSize::new(ByteSize::from_bytes(4095)).is_err());
        assert!(SegmentSize::new(ByteSize::from_bytes((4 << 20) + 1)).is_err());
        assert_eq!(SegmentSize::new(ByteSize::from_kib(64)), Ok(SegmentSize::default()));
        assert_eq!(SegmentSize::default().count_for(ByteSize::from_bytes(65_537)), 2);
    }

    #[test]
    fn an_empty_file_has_no_segments_and_a_digest() {
        let mut cutter = Cutter::new(&[][..], SegmentSize::default());
        assert_eq!(cutter.next_segment().unwrap(), None);
        let (size, digest) = cutter.so_far();
        assert_eq!((size, digest), (ByteSize::from_bytes(0), Sha256Digest::of(b"")));
    }

    /// A source that gives a few bytes at a time, as a pipe does.
    struct Trickle<'a>(&'a [u8], usize);

    impl Source for Trickle<'_> {
        fn read_into(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<usize> {
            let len = max.min(self.1).min(self.0.len());
            buffer.extend_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    proptest! {
        #[test]
        fn segments_put_together_are_the_file(len in 0usize..40_000, step in 1usize..9_000) {
            let file: Vec<u8> = (0..len).map(|n| ((n * n) >> 3) as u8).collect();
            let size = SegmentSize::new(SegmentSize::MIN).unwrap();
            let mut cutter = Cutter::new(Trickle(&file, step), size);
            let (mut joined, mut count) = (Vec::new(), 0);
            while let Some(segment) = cutter.next_segment().unwrap() {
                prop_assert_eq!(segment.index, count);
                prop_assert_eq!(segment.id, SegmentId::of(&segment.bytes));
                joined.extend_from_slice(&segment.bytes);
                count += 1;
            }
            prop_assert_eq!(u64::from(count), size.count_for(ByteSize::from_bytes(len as u64)));
            let (size, digest) = cutter.so_far();
            prop_assert_eq!((size.as_u64(), digest), (len as u64, Sha256Digest::of(&file)));
            prop_assert_eq!(joined, file);
        }
    }
}
