//! The disk of a node: the trait of the stores that hold its segments, and their errors.
//!
//! A write stores a whole segment or nothing, but the segment may not survive a power loss before `sync` has returned. Errors
//! name the action that failed and the answer of the operating system; the path on this machine appears in the log alone, since
//! errors travel to other hosts and into the trace. Independent of capacities, nodes and files.

use std::fmt;
use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::marker::{Marker, Marking};
use super::segment::SegmentId;

/// Action that was attempted on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DiskAction {
    /// Creating or opening the directories of the disk.
    Open,
    /// Listing the segments on the disk.
    List,
    /// Reading a segment from the disk.
    Read,
    /// Writing a segment to the disk.
    Write,
    /// Deleting a segment from the disk.
    Delete,
    /// Making segments durable on the disk.
    Sync,
    /// Removing the leftovers of a crash.
    Sweep,
    /// Reading or writing the marker of the volume.
    Mark,
}

impl fmt::Display for DiskAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            DiskAction::Open => "use its directory",
            DiskAction::List => "list its segments",
            DiskAction::Read => "read a segment",
            DiskAction::Write => "write a segment",
            DiskAction::Delete => "delete a segment",
            DiskAction::Sync => "make its segments durable",
            DiskAction::Sweep => "remove what a crash has left",
            DiskAction::Mark => "read or write its volume's marker",
        })
    }
}

/// Error number of the operating system (errno(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SystemError(i32);

impl SystemError {
    /// Number EIO, used for errors of the standard library that carry no number.
    const UNSPECIFIED: i32 = 5;
}

impl From<&io::Error> for SystemError {
    fn from(error: &io::Error) -> SystemError {
        SystemError(error.raw_os_error().unwrap_or(SystemError::UNSPECIFIED))
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

/// Error of a disk operation.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum DiskError {
    /// The segment is not on the disk.
    #[error("segment {id:?} is not on the disk")]
    NotFound {
        /// Name of the requested segment.
        id: SegmentId,
    },
    /// The stored bytes differ from those that were written.
    #[error("segment {id:?} is damaged: its bytes have the digest {found:?}")]
    Corrupt {
        /// Name of the damaged segment.
        id: SegmentId,
        /// Digest of the bytes that are stored.
        found: SegmentId,
    },
    /// The stored file is longer than any segment.
    #[error("segment {id:?} is damaged: its file has {len} bytes, more than any segment")]
    TooLong {
        /// Name of the damaged segment.
        id: SegmentId,
        /// Length of the stored file in bytes.
        len: u64,
    },
    /// The file system or the disk quota has no room left.
    #[error("no space is left on the disk")]
    Full,
    /// A file of another kind is in the place of a regular file or a directory.
    #[error("cannot {action}: something else than a file of p2p is in its place")]
    Stray {
        /// Action that could not be done.
        action: DiskAction,
    },
    /// The operating system refused the action.
    #[error("cannot {action}: {error}")]
    Io {
        /// Action that was refused.
        action: DiskAction,
        /// Error reported by the operating system.
        error: SystemError,
    },
    /// The work ended in a panic, which is a bug of this program; the log has the details.
    #[error("internal error; the log says more")]
    Internal,
}

impl DiskError {
    /// Converts the I/O error of a system call that attempted `action`.
    pub fn from_io(action: DiskAction, error: &io::Error) -> DiskError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskError::Full,
            _ => DiskError::Io { action, error: error.into() },
        }
    }

    /// Returns true if the segment to be read is missing or differs from what was written; it may then be replaced. Any other
    /// read error leaves the state of the stored segment unknown.
    pub fn is_damage(&self) -> bool {
        matches!(self, DiskError::NotFound { .. } | DiskError::Corrupt { .. } | DiskError::TooLong { .. })
    }
}

/// Store of segments. The methods block; callers keep them off threads that must not block.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates the directories that are missing, so that segments can be written. Existing content is left unchanged.
    ///
    /// # Errors
    /// Fails if the operating system refuses.
    fn prepare(&self) -> Result<(), DiskError>;

    /// Reads the marker of the volume.
    ///
    /// # Errors
    /// Fails if the marker cannot be read.
    fn marking(&self) -> Result<Marking, DiskError>;

    /// Writes the marker of the volume. The new marker is durable when this returns; until then the disk holds either the old
    /// marker or the new one.
    ///
    /// # Errors
    /// Fails if the operating system refuses; the disk then holds one of the two markers.
    fn mark(&self, marker: &Marker) -> Result<(), DiskError>;

    /// Writes a segment, whole or not at all. The segment survives a crash of the process as soon as this returns, and a power
    /// loss after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// Fails if the segment does not fit or the operating system refuses; it is then not stored.
    fn write(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError>;

    /// Writes a segment in the place of an existing one. At any moment one of the two is stored whole, as far as the old one was
    /// whole; the new one is certain to survive a power loss after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// Fails if the segment does not fit or the operating system refuses; the disk is then unchanged.
    fn replace(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError>;

    /// Reads the stored bytes of a segment without checking their digest. Of a file longer than any segment, no more than the
    /// length of a segment is read.
    ///
    /// # Errors
    /// Fails if the segment is missing or cannot be read.
    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError>;

    /// Returns the digest of the bytes of a segment. A disk that keeps the lengths of segments and not their content takes them for
    /// what they are named.
    fn digest_of(&self, _id: SegmentId, bytes: &[u8]) -> SegmentId {
        SegmentId::of(bytes)
    }

    /// Deletes a segment; deleting a missing segment is no error. The segment may reappear after a power loss.
    ///
    /// # Errors
    /// Fails if the operating system refuses.
    fn delete(&self, id: SegmentId) -> Result<(), DiskError>;

    /// Lists every stored segment and its length in bytes, sorted by name. The list is empty if the disk has not been prepared
    /// yet.
    ///
    /// # Errors
    /// Fails if the operating system refuses.
    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError>;

    /// Lists the names of the stored segments in their order, as [`list`](Self::list) does without the lengths, which some disks would
    /// have to ask for one by one.
    ///
    /// # Errors
    /// Fails as [`list`](Self::list) does.
    fn names(&self) -> Result<Vec<SegmentId>, DiskError> {
        Ok(self.list()?.into_iter().map(|(id, _)| id).collect())
    }

    /// Returns the length in bytes with which [`list`](Self::list) lists a stored segment.
    ///
    /// # Errors
    /// Fails if the segment is missing or the operating system refuses.
    fn length_of(&self, id: SegmentId) -> Result<u64, DiskError> {
        self.read(id).map(|bytes| bytes.len() as u64)
    }

    /// Makes written segments durable: after this has returned, they survive a power loss.
    ///
    /// # Errors
    /// Returns [`DiskError::NotFound`] if one of the segments is missing. If the operating system refuses, no segment that was
    /// written and not yet synced may be relied upon, even if a later sync succeeds: a system may report each failure only once
    /// (fsync(2)).
    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError>;

    /// Removes the leftovers of crashes and returns the number of those files, which is 0 if the disk has not been prepared yet.
    ///
    /// # Errors
    /// Fails if the operating system refuses.
    fn sweep(&self) -> Result<u64, DiskError>;

    /// Checks, without changing anything, that [`sweep`](Self::sweep) would be able to remove the leftovers, as far as can be
    /// seen.
    ///
    /// # Errors
    /// Returns the error that [`sweep`](Self::sweep) would fail with.
    fn check_leftovers(&self) -> Result<(), DiskError>;
}
