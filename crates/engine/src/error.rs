//! Errors of the engine: why it refuses or cannot execute an operation, and of which [kind](ErrorKind) each is.

mod denial;
mod known;

use std::path::PathBuf;

use p2p_base::database::DatabaseError;
use p2p_base::error_kind::ErrorKind;
use p2p_base::spelling::{visible, visible_path};
use p2p_base::units::{ByteSize, SimDuration, SimTime, count_of};
use p2p_store::catalog::CatalogError;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::{FileKey, NameError};
use p2p_store::namespace::{Entry, Namespace};
use p2p_store::segment::{SegmentId, Sha256Digest};
use p2p_store::standing::Trouble;
use p2p_store::uploads::{OtherSource, UploadId};
use thiserror::Error;

pub use self::denial::Denial;

use super::cause::Cause;
use super::faults::FaultError;
use super::peer::Peer;
use super::status::{Direction, TransferError, TransferId, TransferReport, TransferState, TransferStatus, list};

fn shortage(needed: u64, free: u64) -> String {
    match needed.checked_sub(free) {
        Some(short) if short > 0 => format!("{short} too few"),
        _ => "in pieces that are too small for its segments".into(),
    }
}

fn closed_nodes(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "; a node takes no segments, and `p2p nodes` says why".into(),
        count => format!("; {count} nodes take no segments, and `p2p nodes` says why"),
    }
}

impl From<Denial> for EngineError {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::UnknownFile(key) => EngineError::UnknownFile { file: key.to_string(), nearest: None },
            Denial::UnknownTransfer(transfer) => EngineError::UnknownTransfer(transfer),
            Denial::UnknownUpload(upload) => EngineError::UnknownUpload(upload),
            Denial::UnknownSegment { node, id } => EngineError::UnknownSegment { node, id },
            denial => EngineError::Denied(denial),
        }
    }
}

impl TransferError {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            TransferError::File(_) | TransferError::ContentDiffers { .. } => ErrorKind::Precondition,
            // Room is not made by waiting.
            TransferError::NoHolder { causes, .. } if causes.iter().any(|(_, cause)| cause.is_full()) => ErrorKind::Exhausted,
            TransferError::NotConfirmed { cause, .. } if cause.is_loss() => ErrorKind::DataLoss,
            // Once it is given again, the content may be stored elsewhere.
            TransferError::NoHolder { .. }
            | TransferError::NotConfirmed { .. }
            | TransferError::StreamLost { .. }
            | TransferError::HostEnded { .. } => ErrorKind::Unavailable,
            // A holder that could not be reached may have the segment.
            TransferError::Unreadable { causes, .. } if causes.iter().any(|(_, c)| c.is_unreachable()) => ErrorKind::Unavailable,
            TransferError::Unreadable { .. } => ErrorKind::DataLoss,
            TransferError::Catalog(_) | TransferError::OutcomeUnknown(_) => ErrorKind::Unavailable,
            TransferError::TooManySegments { .. } => ErrorKind::Invalid,
            TransferError::OverQuota { .. } => ErrorKind::Exhausted,
            TransferError::Removed => ErrorKind::NotFound,
            TransferError::NameTaken => ErrorKind::AlreadyExists,
            TransferError::Cancelled => ErrorKind::Cancelled,
            TransferError::Internal(_) => ErrorKind::Internal,
        }
    }
}

/// Reason for which a local file has no name that it can be stored under, unless another one is given.
pub const NAMELESS: &str = "its name is not valid UTF-8";

/// Says what became of a transfer that was not successful.
fn failed(error: &TransferError) -> String {
    match error {
        TransferError::Cancelled => "was cancelled".to_owned(),
        error => format!("failed: {error}"),
    }
}

impl TransferReport {
    /// Returns the report if the transfer was successful, or is an upload that is kept.
    ///
    /// # Errors
    /// Returns [`EngineError::TransferFailed`] if the transfer failed.
    pub fn into_result(self) -> Result<TransferReport, EngineError> {
        let TransferStatus { state, direction, ref file, ref error, .. } = self.status;
        match error {
            Some(error) if state != TransferState::Done => {
                Err(EngineError::TransferFailed { direction, name: file.name.clone(), error: error.clone() })
            }
            _ => Ok(self),
        }
    }
}

impl EngineError {
    /// Returns the error about a directory that is not there, or that cannot be because of a file in its place.
    pub fn without_directory(names: &Namespace, directory: FileKey) -> EngineError {
        let mut places = std::iter::successors(Some(directory.clone()), FileKey::parent);
        match places.find(|place| matches!(names.get(place), Some(Entry::File(_)))) {
            Some(file) => EngineError::NotDirectory { name: file.name },
            None => EngineError::NoDirectory { name: directory.name },
        }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            EngineError::Denied(Denial::LoginNeeded | Denial::OperatorIsLocal) => ErrorKind::Unauthenticated,
            EngineError::Denied(_) => ErrorKind::Denied,
            EngineError::Source { .. } | EngineError::Destination { .. } => ErrorKind::Precondition,
            EngineError::DestinationTaken { .. } | EngineError::NameTaken { .. } => ErrorKind::AlreadyExists,
            EngineError::Name(_) | EngineError::TooManySegments { .. } | EngineError::IntoItself { .. } => ErrorKind::Invalid,
            EngineError::UnknownFile { .. }
            | EngineError::NoDirectory { .. }
            | EngineError::UnknownHost(_)
            | EngineError::UnknownTransfer(_)
            | EngineError::UnknownUpload(_)
            | EngineError::UnknownSegment { .. } => ErrorKind::NotFound,
            EngineError::NoRoom { .. }
            | EngineError::NodesFull { .. }
            | EngineError::OverQuota { .. }
            | EngineError::OwnerOverQuota { .. } => ErrorKind::Exhausted,
            EngineError::NodeFull { .. } | EngineError::TooManyExchanges { .. } => ErrorKind::Exhausted,
            EngineError::NodeFailed { cause, .. } if cause.is_full() => ErrorKind::Exhausted,
            EngineError::NodeFailed { cause, .. } if cause.is_loss() => ErrorKind::DataLoss,
            EngineError::NodeFailed { .. } => ErrorKind::Unavailable,
            // A process may come back; a disk is not made whole by waiting.
            EngineError::NoTaker { causes, .. } if causes.iter().any(|(_, cause)| cause.is_absence()) => ErrorKind::Unavailable,
            EngineError::NoTaker { .. } => ErrorKind::Exhausted,
            EngineError::EndOfTime { .. } | EngineError::BeyondEnd { .. } | EngineError::UploadLonger { .. } => {
                ErrorKind::OutOfRange
            }
            EngineError::TransferFailed { error, .. } => error.kind(),
            EngineError::Fault(error) if error.is_of_the_moment() => ErrorKind::Precondition,
            EngineError::Fault(_) => ErrorKind::Invalid,
            EngineError::NameReserved { .. }
            | EngineError::IsDirectory { .. }
            | EngineError::NotDirectory { .. }
            | EngineError::NotEmpty { .. }
            | EngineError::TransferOver(_)
            | EngineError::UploadRunning(_)
            | EngineError::UploadDiffers { .. }
            | EngineError::ContentDiffers { .. }
            | EngineError::Busy { .. }
            | EngineError::Stalled(_)
            | EngineError::NotPaused
            | EngineError::CaptureRunning
            | EngineError::NoCapture
            | EngineError::DataDir { .. }
            | EngineError::Capture(_)
            | EngineError::Recording(_)
            | EngineError::NotRunning(_)
            | EngineError::Running(_)
            | EngineError::StopTakenBack(_)
            | EngineError::SegmentNeeded { .. }
            | EngineError::Trouble { .. } => ErrorKind::Precondition,
            EngineError::Catalog(error) => error.kind(),
            EngineError::Stopped => ErrorKind::Unavailable,
            EngineError::CatalogMissing { .. } => ErrorKind::DataLoss,
            EngineError::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Returns true if the cause is another process that has the database open.
    pub const fn is_in_use(&self) -> bool {
        matches!(self, EngineError::Catalog(CatalogError::Database(DatabaseError::InUse { .. })))
    }
}

/// Reason why the engine refuses or cannot execute a command.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The policy refuses the operation.
    #[error(transparent)]
    Denied(Denial),
    /// A local file cannot be read.
    #[error("cannot read {path}: {reason}", path = visible_path(path))]
    Source {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// A local file cannot be written.
    #[error("cannot write {path}: {reason}", path = visible_path(path))]
    Destination {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// The destination exists, and the command does not permit replacing it.
    #[error("{path} already exists", path = visible_path(path))]
    DestinationTaken {
        /// Path of the existing file.
        path: PathBuf,
    },
    /// The name is not a valid file name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file or directory of this name is stored already.
    #[error("a file or directory named `{}` is stored already", visible(name))]
    NameTaken {
        /// The name in use.
        name: String,
    },
    /// An upload under this name is running or being undone.
    #[error("an upload of `{}` is under way already, or is being undone or kept", visible(name))]
    NameReserved {
        /// The name in use.
        name: String,
    },
    /// The name is that of a directory, where a file is needed.
    #[error("`{}` is a directory", visible(name))]
    IsDirectory {
        /// Path of the directory.
        name: String,
    },
    /// The directory does not exist.
    #[error("there is no directory `{}`", visible(name))]
    NoDirectory {
        /// Path of the directory.
        name: String,
    },
    /// A file has the name under which a directory is needed.
    #[error("`{}` is a file, not a directory", visible(name))]
    NotDirectory {
        /// Path of the file.
        name: String,
    },
    /// The directory is not empty.
    #[error("the directory `{}` is not empty", visible(name))]
    NotEmpty {
        /// Path of the directory.
        name: String,
    },
    /// A directory would be moved into itself.
    #[error("the directory `{}` cannot be moved into itself", visible(name))]
    IntoItself {
        /// Path of the directory.
        name: String,
    },
    /// No file of this name is stored.
    #[error("no file named `{}` is stored{}", visible(file), nearest.as_ref().map(|name| format!("; did you mean `{}`?", visible(name))).unwrap_or_default())]
    UnknownFile {
        /// Name of the requested file.
        file: String,
        /// Stored name that is most similar.
        nearest: Option<String>,
    },
    /// The file is larger than the free capacity of the nodes.
    #[error("`{}` has {}, but the nodes have only {} free, {}{}", visible(name), count_of(*needed, "byte"), count_of(*free, "byte"), shortage(*needed, *free), closed_nodes(*closed))]
    NoRoom {
        /// Name under which it was to be stored.
        name: String,
        /// Size of the file in bytes.
        needed: u64,
        /// Free bytes on nodes that are alive.
        free: u64,
        /// Number of nodes that take no segments: because of their disks, because they are dead, or because they stop.
        closed: usize,
    },
    /// No node takes segments at all.
    #[error("no node takes segments of `{}`: {}", visible(name), list(causes))]
    NoTaker {
        /// Name under which it was to be stored.
        name: String,
        /// Reason of each node.
        causes: Vec<(NodeNumber, Cause)>,
    },
    /// The nodes lack the capacity, reported to a user who may not know how much is free.
    #[error("`{}` has {}, and the nodes have no room for that", visible(name), count_of(*needed, "byte"))]
    NodesFull {
        /// Name under which it was to be stored.
        name: String,
        /// Size of the file in bytes.
        needed: u64,
    },
    /// The files of the user would have more bytes together than the quota permits.
    #[error("{needed} bytes of `{}` are to be stored, and {left} bytes are left of the quota of {} bytes", visible(name), quota.as_u64())]
    OverQuota {
        /// Name under which it was to be stored.
        name: String,
        /// Number of bytes that are to be stored.
        needed: u64,
        /// Bytes that are left of the quota.
        left: u64,
        /// Quota of each user.
        quota: ByteSize,
    },
    /// The file is another user's, whose quota does not permit it.
    #[error("`{}` has {}, and the quota of its owner permits no more of that", visible(name), count_of(*needed, "byte"))]
    OwnerOverQuota {
        /// Name under which it was to be stored.
        name: String,
        /// Number of bytes that are to be stored.
        needed: u64,
    },
    /// The file would have more segments than a manifest can hold.
    #[error("`{}` would have {segments} segments, and a file has {max} at the most", visible(name))]
    TooManySegments {
        /// Name under which it was to be stored.
        name: String,
        /// Number of segments that it would have.
        segments: u64,
        /// Maximum number of segments of a file.
        max: u64,
    },
    /// The range begins beyond the end of the file.
    #[error("`{}` has {}, and the range begins at byte {first}", visible(name), count_of(*size, "byte"))]
    BeyondEnd {
        /// Name of the file.
        name: String,
        /// Size of the file in bytes.
        size: u64,
        /// Position of the first byte of the range, from 0.
        first: u64,
    },
    /// The stored file has other content than the one that is to be downloaded.
    #[error("`{}` has another SHA-256 than {expected}: it has {found}", visible(name))]
    ContentDiffers {
        /// Name of the file.
        name: String,
        /// Digest that it should have.
        expected: Sha256Digest,
        /// Digest that it has.
        found: Sha256Digest,
    },
    /// No such host exists.
    #[error("there is no {0}")]
    UnknownHost(Peer),
    /// The process of the node does not run.
    #[error("{0} does not run")]
    NotRunning(NodeNumber),
    /// The process of the node runs, and no fault of it is on.
    #[error("{0} runs already")]
    Running(NodeNumber),
    /// A fault cannot be put on or taken back.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// The process whose end is awaited runs on, because another command has taken that end back or the place of it.
    #[error("{0} was to stop, and another command has let it run on")]
    StopTakenBack(NodeNumber),
    /// No such transfer exists.
    #[error("there is no transfer {0}")]
    UnknownTransfer(TransferId),
    /// No upload of this name is kept.
    #[error("no upload `{0}` is kept")]
    UnknownUpload(UploadId),
    /// No such segment is on the node, or the caller may not know of it.
    #[error("no segment {id} that you keep is on {node}; to fetch one of a file, name the file too")]
    UnknownSegment {
        /// Node that was asked for it.
        node: NodeNumber,
        /// Name of the segment.
        id: SegmentId,
    },
    /// The segment is needed by files or by other users, and the caller does not keep it.
    #[error("segment {id} is on {node} for files or for other users, and is not yours to delete")]
    SegmentNeeded {
        /// Node that holds it.
        node: NodeNumber,
        /// Name of the segment.
        id: SegmentId,
    },
    /// The node has no room for the segment.
    #[error("{node} has no room for the segment")]
    NodeFull {
        /// Node that was asked to store it.
        node: NodeNumber,
    },
    /// The node did not do what it was asked.
    #[error("{node}: {cause}")]
    NodeFailed {
        /// Node that was asked.
        node: NodeNumber,
        /// Reason of the failure.
        cause: Cause,
    },
    /// Requests of the user for single segments are as many as may be under way at once.
    #[error(
        "{max} requests for single segments of yours are under way, and more at once are refused; try again when one is answered"
    )]
    TooManyExchanges {
        /// Largest number of requests at once.
        max: usize,
    },
    /// The declared size of an upload is less than what is kept of it.
    #[error("{offset} bytes of the upload are kept, and the content has {size} bytes alone: it is not what was interrupted")]
    UploadLonger {
        /// Number of bytes that are kept.
        offset: u64,
        /// Declared size in bytes.
        size: u64,
    },
    /// An upload would be continued with another source than it was begun with.
    #[error("it is not what was interrupted of `{}`: {other}", visible(name))]
    UploadDiffers {
        /// Name under which it is to be stored.
        name: String,
        /// What differs.
        other: OtherSource,
    },
    /// The upload is being continued, or undone, already.
    #[error("the upload `{0}` is under way already")]
    UploadRunning(UploadId),
    /// The transfer is over already.
    #[error("transfer {0} is over")]
    TransferOver(TransferId),
    /// The awaited transfer failed.
    #[error("{} of `{}` {}", direction.name(), visible(name), failed(error))]
    TransferFailed {
        /// Direction of the transfer.
        direction: Direction,
        /// Name of the file.
        name: String,
        /// Reason of the failure.
        error: TransferError,
    },
    /// The catalog refused the operation.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The disk of a node is not usable as configured.
    #[error("{node}: {trouble}")]
    Trouble {
        /// Node with the disk.
        node: NodeNumber,
        /// Kind of disk trouble.
        trouble: Trouble,
    },
    /// The data directory cannot be used.
    #[error("cannot use the data directory {path}: {reason}", path = visible_path(path))]
    DataDir {
        /// Path of the data directory.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// The data directory holds segments but no catalog that lists them.
    #[error("{path} has no catalog, but its nodes hold {}; put catalog.redb back, or move the directory `nodes` away to begin anew", count_of(*segments, "segment"), path = visible_path(path))]
    CatalogMissing {
        /// Path of the data directory.
        path: PathBuf,
        /// Number of segments found.
        segments: u64,
    },
    /// Transfers are still running.
    #[error("{} still running: {}", if names.len() == 1 { "a transfer is" } else { "transfers are" }, names.join(", "))]
    Busy {
        /// Short description of each running transfer.
        names: Vec<String>,
    },
    /// Writing the packet capture failed.
    #[error("capturing failed: {0}")]
    Capture(String),
    /// The command cannot be recorded.
    #[error("{0}")]
    Recording(String),
    /// Virtual time would exceed its range of 2^64 ns.
    #[error("virtual time ends {} h after its start (2^64 ns); it stands at {}, so that at most {} s more can pass", u64::MAX / 3_600_000_000_000, now.clock(3), left.as_nanos() / 1_000_000_000)]
    EndOfTime {
        /// Virtual instant reached so far.
        now: SimTime,
        /// Virtual time that remains.
        left: SimDuration,
    },
    /// No pending event could ever produce the awaited answer.
    #[error("nothing more happens in the network after {} of virtual time, so this would be waited for without end", .0.clock(3))]
    Stalled(SimTime),
    /// A step was requested while time is not paused.
    #[error("time is not paused")]
    NotPaused,
    /// A capture is running already.
    #[error("a capture is running already")]
    CaptureRunning,
    /// No capture is running.
    #[error("no capture is running")]
    NoCapture,
    /// The engine is ending or has ended.
    #[error("the engine has stopped")]
    Stopped,
    /// Work ended in a panic, which is a bug of this program.
    #[error("internal error: {0}")]
    Internal(String),
}
