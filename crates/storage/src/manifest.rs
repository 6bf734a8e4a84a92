//! The description of a stored file: its name, its fingerprint, its segments and their holders. Independent of the bytes on disks
//! and of the database.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::names::FileKey;
use super::segment::{SegmentId, Sha256Digest};

/// Number of a node of the network, counted from 1 and written `Node_01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeNumber(NonZeroU16);

impl NodeNumber {
    /// Makes the number of the node at position `index` of the list of nodes, counted from 0.
    pub const fn from_index(index: usize) -> NodeNumber {
        NodeNumber(NonZeroU16::MIN.saturating_add(index as u16))
    }

    /// Returns the position of the node in the list of nodes, counted from 0.
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Writes the number with at least two digits, as in `Node_01`.
impl std::fmt::Display for NodeNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("Node_{:02}", self.0))
    }
}

/// One segment of a stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Name of the segment, the digest of its bytes.
    pub id: SegmentId,
    /// Length of the segment in bytes.
    pub len: u32,
    /// Nodes that hold the segment.
    pub holders: Vec<NodeNumber>,
}

/// Entry of a file in a list of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Owner and name of the file.
    pub key: FileKey,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 digest of the whole file.
    pub sha256: Sha256Digest,
    /// Number of segments of the file.
    pub segments: u32,
    /// Length of a full segment of the file in bytes.
    pub segment_size: u32,
    /// Time at which the file was stored, in seconds since 1970 by the wall clock of the machine.
    pub stored_at: u64,
    /// Time of the last modification in seconds since 1970: that of storing, unless another one was given.
    pub modified: u64,
    /// Permission bits, which are kept and shown and allow nothing: see [`attributes`](super::attributes).
    pub mode: u32,
    /// Users other than the owner who may read the file.
    pub readers: BTreeSet<String>,
}

/// Complete description of a stored file, sufficient to fetch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Entry of the file in a list of files.
    pub file: FileRecord,
    /// Segments of the file, in order.
    pub segments: Vec<SegmentRecord>,
}

impl Manifest {
    /// Returns every holder with the segments that it holds for this file, each listed once, in the order of the nodes.
    pub fn by_holder(&self) -> BTreeMap<NodeNumber, Vec<SegmentId>> {
        by_holder(&self.segments)
    }
}

/// Returns every holder with those of the segments that it holds, each listed once, in the order of the nodes.
pub fn by_holder<'a>(segments: impl IntoIterator<Item = &'a SegmentRecord>) -> BTreeMap<NodeNumber, Vec<SegmentId>> {
    let mut holders = BTreeMap::<NodeNumber, Vec<SegmentId>>::new();
    for segment in segments {
        for &holder in &segment.holders {
            holders.entry(holder).or_default().push(segment.id);
        }
    }
    for ids in holders.values_mut() {
        ids.sort_unstable();
        ids.dedup();
    }
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbered_from_one() {
        assert_eq!(NodeNumber::from_index(0).to_string(), "Node_01");
        assert_eq!(NodeNumber::from_index(4).index(), 4);
    }
}
