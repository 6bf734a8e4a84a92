//! Single segments on a node, which are stored, fetched and released without a file, and the question for a sign of life.

use std::fmt;

use bytes::Bytes;
use p2p_base::units::SimDuration;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::SegmentId;
use p2p_store::volume::VolumeStats;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::stream::zeros;

/// Largest length in bytes of a segment that is stored without a file.
pub const SEGMENT_BYTES_MAX: usize = 64 << 10;

/// Error of content that is too long for a segment, or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it has {0} bytes; a segment has 1 to {SEGMENT_BYTES_MAX}")]
pub struct SegmentLength(pub usize);

/// Content of a segment, and its name, which is the SHA-256 of the content.
#[derive(Clone, PartialEq, Eq)]
pub struct SegmentContent {
    id: SegmentId,
    bytes: Bytes,
}

impl SegmentContent {
    /// Names the content of a segment.
    ///
    /// # Errors
    /// Fails if the content is empty, or longer than [`SEGMENT_BYTES_MAX`].
    pub fn new(bytes: Bytes) -> Result<SegmentContent, SegmentLength> {
        match bytes.len() {
            1..=SEGMENT_BYTES_MAX => Ok(SegmentContent { id: SegmentId::of(&bytes), bytes }),
            length => Err(SegmentLength(length)),
        }
    }

    /// Returns the name of the segment.
    pub const fn id(&self) -> SegmentId {
        self.id
    }

    /// Returns the content.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> u32 {
        // Within the bound, which a recording that was changed by hand may exceed.
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    /// Returns true if there is no content, as only a recording that was changed by hand can have it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Debug for SegmentContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {:?}", self.bytes.len(), self.id)
    }
}

/// Writes the name and the length alone: a recording has no content.
impl Serialize for SegmentContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.id, self.len()).serialize(serializer)
    }
}

/// Reads the name and the length. Zeros stand for the content.
impl<'de> Deserialize<'de> for SegmentContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SegmentContent, D::Error> {
        let (id, length) = <(SegmentId, u32)>::deserialize(deserializer)?;
        Ok(SegmentContent { id, bytes: zeros(length) })
    }
}

/// Stores a segment on a node, and keeps it there for the caller without a file. One that the caller keeps there already stays so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreSegment {
    /// Node to store it on.
    pub node: NodeNumber,
    /// Content of the segment.
    pub content: SegmentContent,
}

/// Fetches a segment from a node: one that the caller keeps there, or one of a file that the caller may read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrieveSegment {
    /// Node to fetch it from.
    pub node: NodeNumber,
    /// Name of the segment.
    pub id: SegmentId,
    /// File that has the segment; `None` for a segment that the caller keeps.
    pub file: Option<FileKey>,
}

/// Keeps a segment on a node no longer for the caller. The nodes delete it once nothing else needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeleteSegment {
    /// Node that holds it.
    pub node: NodeNumber,
    /// Name of the segment.
    pub id: SegmentId,
}

/// Asks a node for a sign of life and for the fill level of its volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskNode {
    /// Node to ask.
    pub node: NodeNumber,
}

/// Segment that is stored on a node and kept for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentStored {
    /// Name of the segment.
    pub id: SegmentId,
    /// Length in bytes.
    pub len: u32,
    /// Virtual time from the request to the end.
    pub took: SimDuration,
}

/// Segment that was fetched from a node. The node has verified the content when it read it; who hands it on verifies it again.
#[derive(Clone, PartialEq, Eq)]
pub struct SegmentFetched {
    /// Name of the segment.
    pub id: SegmentId,
    /// Content as it has arrived.
    pub bytes: Bytes,
    /// True if the caller keeps the segment there or has named a file that has it; false for what an admin fetches beyond that.
    pub is_own: bool,
    /// Virtual time from the request to the end.
    pub took: SimDuration,
}

impl fmt::Debug for SegmentFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {:?} in {} s", self.bytes.len(), self.id, self.took)
    }
}

/// Answer of a node to the question for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodeAnswer {
    /// Fill level of the volume; `None` for a caller who may not see it.
    pub volume: Option<VolumeStats>,
    /// Virtual time from the question to the answer; with that of opening the connection, if there was none.
    pub took: SimDuration,
}

#[cfg(test)]
mod tests {
    use p2p_base::codec;

    use super::*;

    #[test]
    fn a_segment_has_a_length_and_a_recording_no_content() {
        assert_eq!(SegmentContent::new(Bytes::new()), Err(SegmentLength(0)));
        assert_eq!(SegmentContent::new(vec![0; SEGMENT_BYTES_MAX + 1].into()), Err(SegmentLength(SEGMENT_BYTES_MAX + 1)));
        let content = SegmentContent::new(Bytes::from_static(b"secret")).unwrap();
        let written = codec::encode(1, &content).unwrap();
        assert!(!written.windows(6).any(|part| part == b"secret"));
        let read: SegmentContent = codec::decode(1, &written).unwrap();
        assert_eq!((read.id(), read.len(), &read.bytes()[..]), (content.id(), 6, &[0; 6][..]));
    }
}
