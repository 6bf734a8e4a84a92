//! Comparison of what a source gives with what is kept of an upload, before the upload is continued with the rest.
//!
//! Only the digest of what is kept is known here, and it is compared once all of it has been read: nothing of other content is sent.

use bytes::Bytes;
use p2p_store::segment::{HashState, StreamCutter};
use thiserror::Error;

use super::ResumePoint;

/// The source does not begin with what is kept of the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("its first {0} bytes are not those that are kept of the upload")]
pub struct OtherContent(u64);

/// Content before the point at which a kept upload is continued.
#[derive(Debug)]
pub struct Prefix {
    point: ResumePoint,
    cutter: StreamCutter,
    /// Number of bytes that have not been read.
    missing: u64,
    /// State of the digest after the last full segment.
    hash: HashState,
}

impl Prefix {
    pub(crate) fn new(point: ResumePoint) -> Prefix {
        let cutter = StreamCutter::new(point.segment_size);
        Prefix { missing: point.offset(), cutter, point, hash: HashState::default() }
    }

    /// Returns the number of bytes that have not been read: 0 once all of it has been found to be the same.
    pub const fn missing(&self) -> u64 {
        self.missing
    }

    /// Takes the next bytes of the source, and returns those that follow what is kept.
    ///
    /// # Errors
    /// Fails if all of what is kept has been read, and is not the same.
    pub fn check(&mut self, mut bytes: Bytes) -> Result<Bytes, OtherContent> {
        let len = usize::try_from(self.missing).map_or(bytes.len(), |missing| missing.min(bytes.len()));
        let own = bytes.split_to(len);
        self.missing -= own.len() as u64;
        if let Some(last) = self.cutter.push(own).pop() {
            self.hash = last.hash;
        }
        if self.missing > 0 || self.hash == self.point.hash { Ok(bytes) } else { Err(OtherContent(self.point.offset())) }
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::units::ByteSize;
    use p2p_store::segment::SegmentSize;

    use super::*;

    const SIZE: usize = 4096;

    fn content(len: usize) -> Bytes {
        (0..len).map(|at| (at * at / 7) as u8).collect()
    }

    /// Returns what is kept after so many segments of the content.
    fn kept(segments: u32) -> Prefix {
        let segment_size = SegmentSize::new(ByteSize::from_bytes(SIZE as u64)).unwrap();
        let cuts = StreamCutter::new(segment_size).push(content(segments as usize * SIZE));
        Prefix::new(ResumePoint { segment_size, segments, hash: cuts.last().unwrap().hash.clone() })
    }

    #[test]
    fn the_same_content_is_skipped_whatever_the_pieces_are() {
        for chunk in [1, 100, SIZE - 1, SIZE, SIZE + 1, 10 * SIZE] {
            let (mut prefix, mut all, mut rest) = (kept(3), content(4 * SIZE + 5), Vec::new());
            while !all.is_empty() {
                let next = all.split_to(chunk.min(all.len()));
                rest.extend_from_slice(&prefix.check(next).unwrap());
            }
            assert!(rest == content(4 * SIZE + 5)[3 * SIZE..], "{chunk}");
            assert_eq!(prefix.missing(), 0);
        }
    }

    #[test]
    fn other_content_is_refused_wherever_it_differs() {
        for at in [0, SIZE, 2 * SIZE - 1] {
            let mut other = content(2 * SIZE).to_vec();
            other[at] ^= 1;
            let mut prefix = kept(2);
            let early = prefix.check(Bytes::copy_from_slice(&other[..2 * SIZE - 1]));
            assert_eq!(early, Ok(Bytes::new()), "what is not complete may still be the same");
            let error = prefix.check(Bytes::copy_from_slice(&other[2 * SIZE - 1..])).unwrap_err();
            assert_eq!(error.to_string(), "its first 8192 bytes are not those that are kept of the upload");
        }
    }

    #[test]
    fn a_source_that_is_too_short_shows_it() {
        let mut prefix = kept(2);
        assert_eq!(prefix.check(content(5000)), Ok(Bytes::new()));
        assert_eq!(prefix.missing(), 2 * SIZE as u64 - 5000);
    }
}
