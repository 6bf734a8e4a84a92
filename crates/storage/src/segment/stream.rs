//! Cutting of a stream whose bytes arrive in chunks of any length, and which can be continued after any of its segments, even by
//! another process.

use std::fmt;
use std::mem;

use bytes::Bytes;
use p2p_base::units::ByteSize;
use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Segment, SegmentId, SegmentSize, Sha256Digest};

/// Length of the check in a [`HashState`] in bytes.
const CHECK_BYTES: usize = 8;

/// State of a SHA-256 computation between two bytes, so that it can be continued later. It is bound to the number of bytes before
/// it by a check of its own: a state that is continued wrongly would give a file a digest that no download ever agrees with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashState(Vec<u8>);

/// Error of continuing a digest from a state that is not as it was, or that is of another place of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the state of the digest is damaged, or it is that of another place in the stream")]
pub struct DamagedHashState;

impl HashState {
    /// Makes the state of a computation after so many bytes.
    fn of(whole: &Sha256, bytes: u64) -> HashState {
        let mut state = whole.serialize().to_vec();
        let check = check_of(&state, bytes);
        state.extend(check);
        HashState(state)
    }

    /// Returns the computation, which must be in the state after so many bytes.
    fn computation(&self, bytes: u64) -> Result<Sha256, DamagedHashState> {
        let (state, check) = self.0.split_last_chunk::<CHECK_BYTES>().ok_or(DamagedHashState)?;
        if *check != check_of(state, bytes) {
            return Err(DamagedHashState);
        }
        let state = SerializedState::<Sha256>::try_from(state).map_err(|_| DamagedHashState)?;
        Sha256::deserialize(&state).map_err(|_| DamagedHashState)
    }
}

/// Returns the first bytes of the digest of a state and of the number of bytes before it.
fn check_of(state: &[u8], bytes: u64) -> [u8; CHECK_BYTES] {
    let digest: [u8; 32] = Sha256::new().chain_update(state).chain_update(bytes.to_le_bytes()).finalize().into();
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

impl Default for HashState {
    /// Returns the state at the start of a computation.
    fn default() -> Self {
        HashState::of(&Sha256::new(), 0)
    }
}

/// Writes no bytes, since the state holds the end of what was hashed.
impl fmt::Debug for HashState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashState")
    }
}

/// Segment that was cut from a stream, with the state of the digest of the whole stream after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Segment of the stream.
    pub segment: Segment,
    /// State of the digest of all bytes up to the end of the segment.
    pub hash: HashState,
}

/// Cutter of a stream whose bytes are pushed in chunks of any length. It holds one segment at a time, and a segment that lies
/// within one chunk is a part of that chunk and no copy.
///
/// ```
/// use bytes::Bytes;
/// use p2p_store::segment::{SegmentSize, Sha256Digest, StreamCutter};
///
/// let mut cutter = StreamCutter::new(SegmentSize::default());
/// let cuts = cutter.push(Bytes::from_static(&[7; 100_000]));
/// assert_eq!((cuts.len(), cutter.pending()), (1, 34_464));
/// // What comes next may be pushed to another cutter, after the bytes that were not complete.
/// let mut other = StreamCutter::resume(SegmentSize::default(), 1, &cuts[0].hash)?;
/// assert!(other.push(Bytes::from_static(&[7; 34_464])).is_empty());
/// let (last, size, digest) = other.finish();
/// assert_eq!((last.map(|cut| cut.segment.index), size.as_u64()), (Some(1), 100_000));
/// assert_eq!(digest, Sha256Digest::of(&[7; 100_000]));
/// # Ok::<(), p2p_store::segment::DamagedHashState>(())
/// ```
#[derive(Debug)]
pub struct StreamCutter {
    size: SegmentSize,
    next_index: u32,
    /// Number of bytes before the unfinished segment.
    bytes: u64,
    whole: Sha256,
    unfinished: Unfinished,
}

impl StreamCutter {
    /// Makes a cutter of a stream that is cut into segments of `size`.
    pub fn new(size: SegmentSize) -> StreamCutter {
        StreamCutter::after(size, 0, 0, Sha256::new())
    }

    /// Makes a cutter that continues after so many full `segments`, with the state of the digest after the last of them.
    ///
    /// # Errors
    /// Fails if the state is not the one after so many segments of `size`.
    pub fn resume(size: SegmentSize, segments: u32, hash: &HashState) -> Result<StreamCutter, DamagedHashState> {
        let bytes = u64::from(segments) * size.as_usize() as u64;
        Ok(StreamCutter::after(size, segments, bytes, hash.computation(bytes)?))
    }

    fn after(size: SegmentSize, next_index: u32, bytes: u64, whole: Sha256) -> StreamCutter {
        StreamCutter { size, next_index, bytes, whole, unfinished: Unfinished::default() }
    }

    /// Takes the next bytes, and returns the segments that are complete now. Positions of segments end at 2³² − 1; whoever pushes
    /// refuses longer streams.
    pub fn push(&mut self, mut bytes: Bytes) -> Vec<Cut> {
        let mut cuts = Vec::new();
        while !bytes.is_empty() {
            let missing = self.size.as_usize() - self.pending();
            self.unfinished.add(bytes.split_to(missing.min(bytes.len())), self.size);
            if self.pending() == self.size.as_usize() {
                cuts.push(self.cut());
            }
        }
        cuts
    }

    /// Returns the number of bytes of the unfinished segment.
    pub fn pending(&self) -> usize {
        self.unfinished.as_slice().len()
    }

    /// Returns the bytes of the unfinished segment.
    pub fn unfinished(&self) -> &[u8] {
        self.unfinished.as_slice()
    }

    /// Ends the stream, and returns the last segment, if it is not empty, the size of the whole stream and its digest.
    pub fn finish(mut self) -> (Option<Cut>, ByteSize, Sha256Digest) {
        let last = (self.pending() > 0).then(|| self.cut());
        (last, ByteSize::from_bytes(self.bytes), Sha256Digest(self.whole.finalize().into()))
    }

    fn cut(&mut self) -> Cut {
        let bytes = mem::take(&mut self.unfinished).into_bytes();
        self.whole.update(&bytes);
        self.bytes += bytes.len() as u64;
        let index = self.next_index;
        self.next_index = index.saturating_add(1);
        let hash = HashState::of(&self.whole, self.bytes);
        Cut { segment: Segment { index, id: SegmentId::of(&bytes), bytes }, hash }
    }
}

/// Bytes of a segment that is not complete.
enum Unfinished {
    /// Bytes that lie within one chunk, and are a part of it.
    Within(Bytes),
    /// Bytes of several chunks, copied together.
    Across(Vec<u8>),
}

impl Unfinished {
    fn add(&mut self, bytes: Bytes, size: SegmentSize) {
        match self {
            Unfinished::Within(former) if former.is_empty() => *former = bytes,
            Unfinished::Within(former) => {
                let mut joined = Vec::with_capacity(size.as_usize());
                joined.extend_from_slice(former);
                joined.extend_from_slice(&bytes);
                *self = Unfinished::Across(joined);
            }
            Unfinished::Across(joined) => joined.extend_from_slice(&bytes),
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Unfinished::Within(bytes) => bytes,
            Unfinished::Across(joined) => joined,
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Unfinished::Within(bytes) => bytes,
            Unfinished::Across(joined) => joined.into(),
        }
    }
}

impl Default for Unfinished {
    fn default() -> Self {
        Unfinished::Within(Bytes::new())
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.as_slice().len())
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::codec;
    use proptest::prelude::*;

    use super::*;
    use crate::segment::Cutter;

    fn size_of(bytes: u64) -> SegmentSize {
        SegmentSize::new(ByteSize::from_bytes(bytes)).unwrap()
    }

    fn file_of(len: usize) -> Bytes {
        (0..len).map(|n| ((n * n) >> 3) as u8).collect()
    }

    /// Pushes a file in chunks whose lengths are taken from the list in turn.
    fn push_all(cutter: &mut StreamCutter, mut file: Bytes, lengths: &[usize]) -> Vec<Cut> {
        let mut cuts = Vec::new();
        for len in lengths.iter().cycle() {
            if file.is_empty() {
                break;
            }
            cuts.extend(cutter.push(file.split_to(file.len().min(*len))));
        }
        cuts
    }

    fn pulled(file: &[u8], size: SegmentSize) -> (Vec<Segment>, (ByteSize, Sha256Digest)) {
        let mut cutter = Cutter::new(file, size);
        let segments = std::iter::from_fn(|| cutter.next_segment().unwrap()).collect();
        (segments, cutter.so_far())
    }

    /// Writes a state down and reads it again, as the catalog does.
    fn stored(state: &HashState) -> HashState {
        codec::decode(1, &codec::encode(1, state).unwrap()).unwrap()
    }

    #[test]
    fn an_empty_stream_has_no_segments_and_a_digest() {
        let mut cutter = StreamCutter::new(SegmentSize::default());
        assert!(cutter.push(Bytes::new()).is_empty());
        assert_eq!(cutter.finish(), (None, ByteSize::from_bytes(0), Sha256Digest::of(b"")));
        let resumed = StreamCutter::resume(SegmentSize::default(), 0, &HashState::default()).unwrap();
        assert_eq!(resumed.finish().2, Sha256Digest::of(b""));
    }

    #[test]
    fn a_segment_within_one_chunk_is_no_copy() {
        let (size, chunk) = (size_of(4096), file_of(3 * 4096));
        let mut cutter = StreamCutter::new(size);
        cutter.push(chunk.slice(..96));
        let mut cuts = cutter.push(chunk.slice(96..));
        let (last, ..) = cutter.finish();
        assert!(last.is_none());
        for (n, cut) in cuts.iter().enumerate().skip(1) {
            assert_eq!(cut.segment.bytes.as_ptr(), chunk[n * 4096..].as_ptr(), "segment {n}");
        }
        assert_ne!(cuts[0].segment.bytes.as_ptr(), chunk.as_ptr());
        assert_eq!(cuts.remove(0).segment.bytes, chunk[..4096]);
        let mut short = StreamCutter::new(size);
        short.push(chunk.slice(..100));
        assert_eq!(short.finish().0.unwrap().segment.bytes.as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn a_state_shows_none_of_the_bytes() {
        let mut cutter = StreamCutter::new(size_of(4100));
        let cut = cutter.push(Bytes::from(vec![0x41; 4200])).remove(0);
        assert_eq!(format!("{:?}", cut.hash), "HashState");
        assert!(!format!("{cutter:?}").contains("65, 65"), "{cutter:?}");
    }

    /// The state is kept in catalogs, so that a later version of the program has to read it.
    #[test]
    fn the_encoding_of_a_state_never_changes() {
        let mut cutter = StreamCutter::new(size_of(4100));
        let encoded = codec::encode(1, &cutter.push(file_of(4100)).remove(0).hash).unwrap();
        assert_eq!(encoded.len(), 1 + 1 + 32 + 8 + 1 + 63 + CHECK_BYTES);
        assert_eq!(Sha256Digest::of(&encoded).short(), "19c2f92e");
    }

    /// Any bit that is wrong would make the digest of the file wrong.
    #[test]
    fn a_damaged_state_is_refused() {
        let size = size_of(4100);
        let cuts = StreamCutter::new(size).push(file_of(8200));
        let HashState(whole) = &cuts[0].hash;
        let refused = |segments, bytes: &[u8]| {
            let resumed = StreamCutter::resume(size, segments, &HashState(bytes.to_vec()));
            assert_eq!(resumed.map(drop), Err(DamagedHashState), "{bytes:?}");
        };
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(1, &flipped);
        }
        (0..whole.len()).for_each(|len| refused(1, &whole[..len]));
        refused(1, &[whole.as_slice(), &[0]].concat());
        refused(2, whole);
        refused(0, whole);
        refused(u32::MAX, whole);
        assert!(StreamCutter::resume(size_of(4101), 1, &cuts[0].hash).is_err(), "segments of another size");
    }

    proptest! {
        #[test]
        fn chunks_of_any_lengths_give_the_segments_of_the_whole(
            len in 0usize..40_000,
            size in 4096u64..9_000,
            lengths in proptest::collection::vec(1usize..12_000, 1..8),
        ) {
            let (size, file) = (size_of(size), file_of(len));
            let (segments, whole) = pulled(&file, size);
            let mut cutter = StreamCutter::new(size);
            let mut cuts = push_all(&mut cutter, file, &lengths);
            prop_assert_eq!(cutter.pending(), len % size.as_usize());
            prop_assert_eq!(cutter.unfinished().len(), cutter.pending());
            let (last, bytes, digest) = cutter.finish();
            cuts.extend(last);
            prop_assert_eq!((bytes, digest), whole);
            prop_assert_eq!(cuts.into_iter().map(|cut| cut.segment).collect::<Vec<_>>(), segments);
        }

        #[test]
        fn a_stream_that_is_resumed_after_any_segment_has_the_same_digest(
            len in 0usize..30_000,
            size in 4096u64..6_000,
            lengths in proptest::collection::vec(1usize..9_000, 1..6),
        ) {
            let (size, file) = (size_of(size), file_of(len));
            let (segments, whole) = pulled(&file, size);
            let full = push_all(&mut StreamCutter::new(size), file.clone(), &lengths);
            let states = std::iter::once(HashState::default()).chain(full.into_iter().map(|cut| cut.hash));
            for (n, state) in states.enumerate() {
                let mut cutter = StreamCutter::resume(size, n as u32, &stored(&state)).unwrap();
                let mut cuts = push_all(&mut cutter, file.slice(n * size.as_usize()..), &lengths);
                let (last, bytes, digest) = cutter.finish();
                cuts.extend(last);
                prop_assert_eq!((bytes, digest), whole);
                prop_assert_eq!(cuts.into_iter().map(|cut| cut.segment).collect::<Vec<_>>(), &segments[n..]);
            }
        }

        #[test]
        fn no_bytes_make_a_state_panic(bytes in proptest::collection::vec(any::<u8>(), 0..130), segments in any::<u32>()) {
            prop_assert!(StreamCutter::resume(SegmentSize::default(), segments, &HashState(bytes.clone())).is_err());
            // Nor if the check was made to agree with them.
            let check = check_of(&bytes, u64::from(segments) << 16);
            if let Ok(mut cutter) =
                StreamCutter::resume(SegmentSize::default(), segments, &HashState([bytes.as_slice(), &check].concat()))
            {
                cutter.push(Bytes::from_static(b"more"));
            }
        }
    }
}
