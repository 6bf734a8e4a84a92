//! Everything that the catalog knows, as one document for other programs. Knows nothing of the catalog's own format.

use serde::Serialize;

use crate::storage::manifest::{Manifest, SegmentRecord};
use crate::storage::segment::{SegmentId, Sha256Digest};

/// The version of the document.
const FORMAT: u32 = 1;

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportReport {
    /// The version of the document: one that adds fields keeps it, one that changes them does not.
    pub format: u32,
    /// The stored files.
    pub files: Vec<ExportedFile>,
}

/// A stored file, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedFile {
    /// Whose it is; nobody's where there were no accounts.
    pub owner: Option<String>,
    /// The users who may read it beside its owner.
    pub readers: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of a full segment.
    pub segment_size: u32,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// When it was stored: seconds since 1970.
    pub stored_at: u64,
    /// Its segments, in order.
    pub segments: Vec<ExportedSegment>,
}

/// A segment and who holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedSegment {
    /// Its digest, which is its name on the holders' disks.
    pub sha256: SegmentId,
    /// Its bytes.
    pub bytes: u32,
    /// The nodes that hold it.
    pub holders: Vec<String>,
}

impl ExportReport {
    /// The document of these files.
    pub fn new(manifests: &[Manifest]) -> ExportReport {
        ExportReport { format: FORMAT, files: manifests.iter().map(ExportedFile::from).collect() }
    }
}

impl From<&Manifest> for ExportedFile {
    fn from(Manifest { file, segments }: &Manifest) -> Self {
        ExportedFile {
            owner: file.key.owner.clone(),
            readers: file.readers.iter().cloned().collect(),
            name: file.key.name.clone(),
            bytes: file.size,
            segment_size: file.segment_size,
            sha256: file.sha256,
            stored_at: file.stored_at,
            segments: segments.iter().map(ExportedSegment::from).collect(),
        }
    }
}

impl From<&SegmentRecord> for ExportedSegment {
    fn from(record: &SegmentRecord) -> Self {
        ExportedSegment {
            sha256: record.id,
            bytes: record.len,
            holders: record.holders.iter().map(|holder| holder.to_string()).collect(),
        }
    }
}
