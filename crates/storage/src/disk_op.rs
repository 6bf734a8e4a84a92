//! Operations that a volume requests of its disk, and their outcomes. The caller runs them on a thread that may block.

use bytes::Bytes;

use super::disk::{Disk, DiskError};
use super::segment::SegmentId;

/// State of the disk, as the volume knows it, under the name of a segment that is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// No segment is known to be stored under that name.
    Nothing,
    /// The same segment is stored, provided that it is undamaged.
    Stored,
    /// A file is stored that may read like the segment and still be lost at the next power loss.
    Doubtful,
}

/// Operation that a volume requests of its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOp {
    /// Store a segment. A segment that should be stored already is read back, and written again if it is damaged.
    Write {
        /// Name of the segment to store.
        id: SegmentId,
        /// Content of the segment.
        bytes: Bytes,
        /// State of the disk before the write.
        before: Before,
    },
    /// Read a segment and check its digest.
    Read {
        /// Name of the segment to read.
        id: SegmentId,
    },
    /// Delete segments from the disk.
    Delete {
        /// Names of the segments to delete.
        ids: Vec<SegmentId>,
    },
    /// Make segments durable, so that they survive a power loss.
    Sync {
        /// Names of the segments to sync.
        ids: Vec<SegmentId>,
    },
    /// List the stored segments, as a process does that is started.
    List,
}

/// Outcome of a disk operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOutcome {
    /// The segment is stored; `written` tells if a write was needed.
    Stored {
        /// True if the segment was written by this operation.
        written: bool,
    },
    /// The segment was read, and its bytes have the right digest.
    Read {
        /// Content of the segment.
        bytes: Bytes,
    },
    /// The segments are deleted.
    Deleted,
    /// The disk refused to delete some of the segments; the others are deleted.
    NotDeleted {
        /// Names of the segments that are still on the disk.
        left: Vec<SegmentId>,
        /// Error that the disk reported for the first of them.
        error: DiskError,
    },
    /// The segments are durable.
    Synced,
    /// These of the segments are not on the disk, and the others are not certain to be durable.
    NotSynced {
        /// Names of the segments that are not on the disk, at least one.
        missing: Vec<SegmentId>,
    },
    /// The disk holds these segments, with their lengths in bytes.
    Listed {
        /// Names and lengths of the segments.
        segments: Vec<(SegmentId, u64)>,
    },
}

impl DiskOp {
    /// Runs the operation on `disk`. It blocks the calling thread.
    ///
    /// # Errors
    /// Returns the error of the disk, or [`DiskError::Corrupt`] if bytes do not have the digest that they are named by.
    pub fn run(&self, disk: &dyn Disk) -> Result<DiskOutcome, DiskError> {
        self.run_knowing(disk, None)
    }

    /// Runs the operation as [`run`](Self::run) does. `named` is the content by whose digest a segment that is written got its name:
    /// bytes that are equal to it have that digest, which comparing them proves at a fraction of the cost of computing it.
    ///
    /// # Errors
    /// Fails as [`run`](Self::run) does.
    pub fn run_knowing(&self, disk: &dyn Disk, named: Option<&Bytes>) -> Result<DiskOutcome, DiskError> {
        match self {
            DiskOp::Write { id, bytes, before } => {
                if !named.is_some_and(|named| is_same(named, bytes)) {
                    check(disk, *id, bytes)?;
                }
                let written = match before {
                    Before::Stored if is_sound(disk, *id, bytes)? => false,
                    Before::Nothing => disk.write(*id, bytes).map(|()| true)?,
                    // A sound read may come from the page cache, so that it is no reason to skip the write.
                    Before::Stored | Before::Doubtful => disk.replace(*id, bytes).map(|()| true)?,
                };
                Ok(DiskOutcome::Stored { written })
            }
            DiskOp::Read { id } => {
                let bytes = disk.read(*id)?;
                check(disk, *id, &bytes)?;
                Ok(DiskOutcome::Read { bytes })
            }
            DiskOp::Delete { ids } => Ok(delete_all(disk, ids)),
            DiskOp::Sync { ids } => sync_all(disk, ids),
            DiskOp::List => disk.list().map(|segments| DiskOutcome::Listed { segments }),
        }
    }

    /// Returns the names of the segments that the operation deletes.
    pub fn deletes(&self) -> &[SegmentId] {
        if let DiskOp::Delete { ids } = self { ids } else { &[] }
    }

    /// Returns the number of bytes that the operation moves, as far as it is known before the run; models of disk speed use it.
    pub fn bytes(&self) -> u64 {
        match self {
            DiskOp::Write { bytes, .. } => bytes.len() as u64,
            _ => 0,
        }
    }
}

/// Deletes as many of the segments as possible: a segment that the disk refuses to delete does not stop the deletion of the
/// others.
fn delete_all(disk: &dyn Disk, ids: &[SegmentId]) -> DiskOutcome {
    let (mut left, mut first) = (Vec::new(), None);
    for &id in ids {
        if let Err(error) = disk.delete(id) {
            left.push(id);
            first.get_or_insert(error);
        }
    }
    first.map_or(DiskOutcome::Deleted, |error| DiskOutcome::NotDeleted { left, error })
}

/// Makes segments durable. The disk names the first one that it misses; all that it misses are found, so that they can be stored again
/// at once.
///
/// # Errors
/// Fails if the disk refuses to sync what it holds.
pub fn sync_all(disk: &dyn Disk, ids: &[SegmentId]) -> Result<DiskOutcome, DiskError> {
    match disk.sync(ids) {
        Err(DiskError::NotFound { id: first }) => {
            let is_missing = |id: SegmentId| id == first || matches!(disk.length_of(id), Err(DiskError::NotFound { .. }));
            Ok(DiskOutcome::NotSynced { missing: ids.iter().copied().filter(|&id| is_missing(id)).collect() })
        }
        synced => synced.map(|()| DiskOutcome::Synced),
    }
}

/// Returns true if a segment is stored undamaged. A failure to read it is an error and not an answer, since the stored bytes may
/// be the only copy of a segment of a stored file.
fn is_sound(disk: &dyn Disk, id: SegmentId, bytes: &[u8]) -> Result<bool, DiskError> {
    match disk.read(id) {
        Ok(stored) => Ok(stored == bytes),
        Err(error) if error.is_damage() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns true if both have the same content, which needs no comparison if they are the same bytes in memory.
fn is_same(one: &Bytes, other: &Bytes) -> bool {
    one.as_ptr_range() == other.as_ptr_range() || one == other
}

fn check(disk: &dyn Disk, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
    let found = disk.digest_of(id, bytes);
    if found == id { Ok(()) } else { Err(DiskError::Corrupt { id, found }) }
}
