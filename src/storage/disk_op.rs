//! What a volume asks of its disk, and what comes of it. Somebody carries it out on a thread that may block. Knows nothing of
//! what is kept account of.

use bytes::Bytes;

use super::disk::{Disk, DiskError};
use super::segment::SegmentId;

/// What is on the disk under the name of a segment that is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing, as far as is known.
    Nothing,
    /// The same segment, if it is sound.
    Stored,
    /// Something that may read like the segment and yet be lost at the next power loss.
    Doubtful,
}

/// What a volume asks of its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOp {
    /// Store a segment. One that should be there already is looked at, and written again if it is damaged.
    Write {
        /// Its name.
        id: SegmentId,
        /// Its bytes.
        bytes: Bytes,
        /// What is there.
        before: Before,
    },
    /// Read a segment and check it.
    Read {
        /// Its name.
        id: SegmentId,
    },
    /// Remove segments.
    Delete {
        /// Their names.
        ids: Vec<SegmentId>,
    },
    /// Make segments durable.
    Sync {
        /// Their names.
        ids: Vec<SegmentId>,
    },
}

/// What the disk did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOutcome {
    /// The segment is stored; `written` says whether that took a write.
    Stored {
        /// Whether it was written just now.
        written: bool,
    },
    /// The segment's bytes, which have its digest.
    Read {
        /// The bytes.
        bytes: Bytes,
    },
    /// The segments are gone.
    Deleted,
    /// The disk has refused to remove some; the others are gone.
    NotDeleted {
        /// The segments that are still there.
        left: Vec<SegmentId>,
        /// What the disk met with the first of them.
        error: DiskError,
    },
    /// The segments are durable.
    Synced,
}

impl DiskOp {
    /// Carries it out. Blocks.
    ///
    /// # Errors
    /// What the disk met, and [`DiskError::Corrupt`] where bytes do not have the digest that they are named by.
    pub fn run(&self, disk: &dyn Disk) -> Result<DiskOutcome, DiskError> {
        match self {
            DiskOp::Write { id, bytes, before } => {
                check(*id, bytes)?;
                let written = match before {
                    Before::Stored if is_sound(disk, *id, bytes)? => false,
                    Before::Nothing => disk.write(*id, bytes).map(|()| true)?,
                    // What a reader sees of it comes from memory, and is no reason not to write.
                    Before::Stored | Before::Doubtful => disk.replace(*id, bytes).map(|()| true)?,
                };
                Ok(DiskOutcome::Stored { written })
            }
            DiskOp::Read { id } => {
                let bytes = disk.read(*id)?;
                check(*id, &bytes)?;
                Ok(DiskOutcome::Read { bytes })
            }
            DiskOp::Delete { ids } => Ok(delete_all(disk, ids)),
            DiskOp::Sync { ids } => disk.sync(ids).map(|()| DiskOutcome::Synced),
        }
    }

    /// What it is to remove.
    pub fn deletes(&self) -> &[SegmentId] {
        if let DiskOp::Delete { ids } = self { ids } else { &[] }
    }

    /// How many bytes it moves, as far as that is known before it runs: what a model of the disk's speed needs.
    pub fn bytes(&self) -> u64 {
        match self {
            DiskOp::Write { bytes, .. } => bytes.len() as u64,
            _ => 0,
        }
    }
}

/// Removes what can be removed: one segment that the disk refuses to give up keeps no other.
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

/// Whether a segment is on the disk as it should be. A disk that cannot tell is an error: what is there may be all there is of
/// a stored file.
fn is_sound(disk: &dyn Disk, id: SegmentId, bytes: &[u8]) -> Result<bool, DiskError> {
    match disk.read(id) {
        Ok(stored) => Ok(stored == bytes),
        Err(error) if error.is_damage() => Ok(false),
        Err(error) => Err(error),
    }
}

fn check(id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
    let found = SegmentId::of(bytes);
    if found == id { Ok(()) } else { Err(DiskError::Corrupt { id, found }) }
}
