//! The contents of the catalog as one document for other programs, independent of the catalog's own format.

use p2p_store::manifest::{Manifest, SegmentRecord};
use p2p_store::segment::{SegmentId, Sha256Digest};
use serde::Serialize;

use super::mode_of;

/// Version of the format of the document.
const FORMAT: u32 = 1;

/// The document of an export.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportReport {
    /// Version of the document's format: added fields leave it unchanged, changed fields increase it.
    pub format: u32,
    /// All stored files of the catalog.
    pub files: Vec<ExportedFile>,
}

/// A stored file with its segments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedFile {
    /// Owner of the file; absent if it was stored before there were accounts.
    pub owner: Option<String>,
    /// Users other than the owner who may read the file.
    pub readers: Vec<String>,
    /// Name of the file.
    pub name: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Size of a full segment in bytes.
    pub segment_size: u32,
    /// SHA-256 digest of the file.
    pub sha256: Sha256Digest,
    /// Time at which the file was stored, in seconds since 1970.
    pub stored_at: u64,
    /// Time of the last modification, in seconds since 1970.
    pub modified_at: u64,
    /// Permission bits in octal.
    pub mode: String,
    /// Segments of the file, in order.
    pub segments: Vec<ExportedSegment>,
}

/// A segment with its holders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedSegment {
    /// SHA-256 digest of the segment, which is also its name on the holders' disks.
    pub sha256: SegmentId,
    /// Size of the segment in bytes.
    pub bytes: u32,
    /// Names of the nodes that hold the segment.
    pub holders: Vec<String>,
}

impl ExportReport {
    /// Creates the document of these files.
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
            modified_at: file.modified,
            mode: mode_of(file.mode),
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
