//! A disk: where a node's segments rest.
//!
//! The operations are few and say what they promise. A write is whole or not there at all, but it may not survive a power
//! loss before `sync` has returned. Errors say what was tried and what the system answered; where on this machine that was is
//! for the log alone, since errors travel to other hosts and into the trace. Knows nothing of capacities, nodes or files.

use std::fmt;
use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::marker::{Marker, Marking};
use super::segment::SegmentId;

/// What was tried on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DiskAction {
    /// To make or open its directories.
    Open,
    /// To see which segments are there.
    List,
    /// To read a segment.
    Read,
    /// To write a segment.
    Write,
    /// To remove a segment.
    Delete,
    /// To make segments durable.
    Sync,
    /// To remove what a crash has left.
    Sweep,
    /// To read or write its volume's marker.
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

/// An error number of the operating system (errno(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SystemError(i32);

impl SystemError {
    /// EIO, for errors of the standard library that have no number.
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

/// Why a disk did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
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
    /// What is there is longer than any segment.
    #[error("segment {id:?} is damaged: its file has {len} bytes, more than any segment")]
    TooLong {
        /// The segment.
        id: SegmentId,
        /// How many bytes are there.
        len: u64,
    },
    /// The real disk has no room.
    #[error("no space is left on the disk")]
    Full,
    /// Something else than a regular file or a directory is where one should be.
    #[error("cannot {action}: something else than a file of p2p is in its place")]
    Stray {
        /// What was tried.
        action: DiskAction,
    },
    /// The operating system refused.
    #[error("cannot {action}: {error}")]
    Io {
        /// What was tried.
        action: DiskAction,
        /// What the system said.
        error: SystemError,
    },
    /// Work ended in a panic: a bug of this program, of which the log says more.
    #[error("internal error; the log says more")]
    Internal,
}

impl DiskError {
    /// The error of the system call that tried to do `action`.
    pub fn from_io(action: DiskAction, error: &io::Error) -> DiskError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskError::Full,
            _ => DiskError::Io { action, error: error.into() },
        }
    }

    /// Whether the segment that was to be read is not there, or not as it was written: then it may be replaced. Any other error
    /// of reading says nothing of what is there.
    pub fn is_damage(&self) -> bool {
        matches!(self, DiskError::NotFound { .. } | DiskError::Corrupt { .. } | DiskError::TooLong { .. })
    }
}

/// Where segments rest. Its methods block; callers keep them off the threads that must not.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes what is missing for segments to be written. What is there is left as it is.
    ///
    /// # Errors
    /// Where the system refuses.
    fn prepare(&self) -> Result<(), DiskError>;

    /// What marks its volume.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn marking(&self) -> Result<Marking, DiskError>;

    /// Marks its volume. The marker is there for good when this returns; before that it is the old one or the new one.
    ///
    /// # Errors
    /// Where the system refuses; then it is one of the two.
    fn mark(&self, marker: &Marker) -> Result<(), DiskError>;

    /// Writes a segment, whole or not at all. It survives a crash of the process from now on, and a power loss from the next
    /// [`sync`](Self::sync) on.
    ///
    /// # Errors
    /// Where it does not fit or the system refuses; then it is not there.
    fn write(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError>;

    /// Writes a segment in the place of one that is there. Whatever happens, one of the two is there whole, as far as it was
    /// before; it is the new one for certain from the next [`sync`](Self::sync) on.
    ///
    /// # Errors
    /// Where it does not fit or the system refuses; then nothing has changed.
    fn replace(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError>;

    /// Reads a segment, whatever it has become. Of what is longer than any segment no more is read.
    ///
    /// # Errors
    /// Where it is not there or cannot be read.
    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError>;

    /// Removes a segment. One that is not there is no error. It may come back after a power loss.
    ///
    /// # Errors
    /// Where the system refuses.
    fn delete(&self, id: SegmentId) -> Result<(), DiskError>;

    /// Every segment that is there and its length, in the order of the names. None where the disk has not been prepared yet.
    ///
    /// # Errors
    /// Where the system refuses.
    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError>;

    /// Makes what was written durable: after it has returned, the segments survive a power loss.
    ///
    /// # Errors
    /// [`DiskError::NotFound`] where one of them is not there. Where the system refuses, nothing that was written and not yet
    /// synced may be relied upon, also if a later sync succeeds: a system may tell of each failure once (fsync(2)).
    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError>;

    /// Removes what crashes have left behind, and says how many things that were: none where the disk has not been prepared yet.
    ///
    /// # Errors
    /// Where the system refuses.
    fn sweep(&self) -> Result<u64, DiskError>;

    /// Finds out, without changing anything, whether [`sweep`](Self::sweep) would meet what it cannot remove, as far as can be seen.
    ///
    /// # Errors
    /// What it would be refused with.
    fn check_leftovers(&self) -> Result<(), DiskError>;
}
