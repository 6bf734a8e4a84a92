//! A disk: where a node's segments rest.
//!
//! The operations are few and say what they promise. A write is whole or not there at all, but it may not survive a power
//! loss before `sync` has returned. Knows nothing of capacities, nodes or files.

use std::fmt;
use std::io;

use bytes::Bytes;
use thiserror::Error;

use super::segment::SegmentId;

/// Why a disk did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiskError {
    /// The segment is not there.
    #[error("segment {id:?} is not on the disk")]
    NotFound {
        /// The segment.
        id: SegmentId,
    },
    /// What is there is not what was written.
    #[error("segment {id:?} is damaged: its bytes have the digest {found:?}")]
    Corrupt {
        /// The segment.
        id: SegmentId,
        /// The digest of what is there.
        found: SegmentId,
    },
    /// The real disk has no room.
    #[error("no space is left on the disk")]
    Full,
    /// The operating system refused.
    #[error("cannot {action} {what}: {reason}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// What the system said.
        reason: String,
    },
}

impl DiskError {
    /// The error of the system call that tried to `action` `what`.
    pub fn from_io(action: &'static str, what: impl fmt::Display, error: &io::Error) -> DiskError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskError::Full,
            _ => DiskError::Io { action, what: what.to_string(), reason: error.to_string() },
        }
    }
}

/// Where segments rest. Its methods block; callers keep them off the threads that must not.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Writes a segment, whole or not at all. It survives a crash of the process from now on, and a power loss from the next
    /// [`sync`](Self::sync) on.
    ///
    /// # Errors
    /// Where it does not fit or the system refuses; then it is not there.
    fn write(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError>;

    /// Reads a segment, whatever it has become.
    ///
    /// # Errors
    /// Where it is not there or cannot be read.
    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError>;

    /// Removes a segment. One that is not there is no error. It may come back after a power loss.
    ///
    /// # Errors
    /// Where the system refuses.
    fn delete(&self, id: SegmentId) -> Result<(), DiskError>;

    /// Every segment that is there and its length, in the order of the names.
    ///
    /// # Errors
    /// Where the system refuses.
    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError>;

    /// Makes what was written durable: after it has returned, the segments survive a power loss.
    ///
    /// # Errors
    /// Where one of them is not there or the system refuses; then none of them may be relied upon.
    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError>;

    /// Removes what crashes have left behind, and says how many things that were.
    ///
    /// # Errors
    /// Where the system refuses.
    fn sweep(&self) -> Result<u64, DiskError>;
}
