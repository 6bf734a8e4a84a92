//! Causes of failures as typed values: why a node did not do what it was asked, and what failed on this machine.
//!
//! Events and the trace carry the kind of a failure and never a message, so that rewording a message changes no trace. They
//! carry nothing of this machine either: observers of the network must not learn the paths of local files, and a run must be the
//! same wherever its directories are. The details of a local failure go to the requester and to the log.

use std::fmt;
use std::io;

use p2p_base::database::DatabaseError;
use p2p_base::units::{ByteSize, SimDuration, SimTime, count_of};
use p2p_net::CloseReason;
use p2p_store::catalog::CatalogError;
use p2p_store::names::FileKey;
use p2p_store::segment::{SegmentId, Sha256Digest};
use p2p_store::standing::Trouble;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::faults::KnownFault;
use crate::node::protocol::{ProtocolError, Refusal, Response};

/// Reason why a node did not do what it was asked, or was not asked. Text formats get it as a sentence, the trace by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[serde(remote = "Self")]
pub enum Cause {
    /// The node refused the request.
    #[error("{0}")]
    Refused(Refusal),
    /// The node gave an answer that does not belong to the request.
    #[error("it answered {0:?}")]
    Unexpected(Response),
    /// The node could not be reached, or its answer did not come.
    #[error("{0}")]
    Unreachable(ConnectionLoss),
    /// The request was not sent, because its frame would be too long.
    #[error("the request is too long")]
    TooLong,
    /// Placement did not consider the node, or the commit of an upload does not wait for it.
    #[error("{0}")]
    PassedOver(PassedOver),
    /// The manifest names a node that is not configured.
    #[error("this network has only {}; see [nodes] count in p2p.toml", count_of(*nodes as u64, "node"))]
    NoSuchNode {
        /// Number of nodes in the network.
        nodes: usize,
    },
    /// The request failed, or placement did not consider the node, while faults were on that explain it.
    #[error("{cause} ({}: {})", if faults.len() == 1 { "fault" } else { "faults" }, listed(faults))]
    Fault {
        /// Faults that were on then; at least one.
        faults: Vec<KnownFault>,
        /// Failure as it would be without them.
        cause: Box<Cause>,
    },
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { Cause::serialize(self, serializer) }
    }
}

fn listed(faults: &[KnownFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Reason why a connection was lost or could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum ConnectionLoss {
    /// The connection ended in this way.
    #[error("{}", ending(*.0))]
    Ended(CloseReason),
    /// The peer neither acknowledged the oldest request nor answered it for this time.
    #[error("it neither took nor answered a request for {0}")]
    NoProgress(SimDuration),
    /// The peer sent an answer without a request.
    #[error("it answered what was not asked")]
    NotAsked,
    /// The peer violated the protocol.
    #[error("{0}")]
    Violation(ProtocolError),
    /// The asking end reset the connection, because transfers have ended of whose requests more was to be sent on it.
    #[error("reset from here, since what was on its way is not wanted any more")]
    Withdrawn,
    /// The process of the asking end has ended.
    #[error("the process that asked has ended")]
    AskerEnded,
}

const fn ending(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Closed => "it closed the connection",
        CloseReason::Refused => "it refused the connection",
        CloseReason::Reset => "it reset the connection",
        CloseReason::TimedOut => "it did not answer",
    }
}

/// Reason why placement did not consider a node.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum PassedOver {
    /// The disk of the node is in trouble.
    #[error("{0}")]
    Trouble(Trouble),
    /// The node does not answer probes.
    #[error("it is dead")]
    Dead,
    /// The node has no room for the segment.
    #[error("it is full")]
    Full,
    /// The node's process ends as planned.
    #[error("it takes no segments")]
    Withdrawn,
}

impl Cause {
    /// Returns the failure without the faults that explain it.
    pub(super) fn bare(&self) -> &Cause {
        match self {
            Cause::Fault { cause, .. } => cause.bare(),
            bare => bare,
        }
    }

    /// Returns true if the connection was lost by which the request was made, and the node may be there still: it had a process that
    /// listened.
    pub(super) fn may_have_lost_the_connection_alone(&self) -> bool {
        matches!(self.bare(), Cause::Unreachable(loss) if *loss != ConnectionLoss::Ended(CloseReason::Refused))
    }

    /// Returns true if the node lacks room for a segment.
    pub(super) fn is_full(&self) -> bool {
        matches!(
            self.bare(),
            Cause::PassedOver(PassedOver::Full | PassedOver::Trouble(Trouble::Full))
                | Cause::Refused(Refusal::Full { .. } | Refusal::DiskFull)
        )
    }

    /// Returns true if the node could not be reached, so that it may have what it was asked for.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self.bare(), Cause::Unreachable(_))
    }

    /// Returns true if the node found a segment to be damaged, that it was sent or that it has.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self.bare(), Cause::Refused(Refusal::Corrupt { .. }))
    }

    /// Returns true if placement did not consider the node because its process is gone or going.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self.bare(), Cause::PassedOver(PassedOver::Dead | PassedOver::Withdrawn))
    }

    /// Returns true if the node says that it does not have the segment.
    pub(super) fn is_not_stored(&self) -> bool {
        matches!(self.bare(), Cause::Refused(Refusal::NotStored { .. }))
    }

    /// Returns true if a connection that was open is lost, so that another one may succeed.
    pub(super) fn is_lost_connection(&self) -> bool {
        match self.bare() {
            Cause::Unreachable(ConnectionLoss::NoProgress(_)) => true,
            Cause::Unreachable(ConnectionLoss::Ended(reason)) => matches!(reason, CloseReason::Closed | CloseReason::Reset),
            _ => false,
        }
    }

    /// Returns true if the node has lost a segment that it had stored, or may have.
    pub(super) fn is_loss(&self) -> bool {
        matches!(self.bare(), Cause::Refused(Refusal::NotStored { .. } | Refusal::Corrupt { .. } | Refusal::Doubtful { .. }))
    }
}

/// Failure of work on this machine: its kind, and the details for the requester and the log. Only the kind is part of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFailure {
    kind: Box<FailureKind>,
    /// Text with paths and messages of the system; `None` if it has no more than the kind.
    details: Option<String>,
}

/// Kind of a local failure, which tells nothing about this machine.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum FailureKind {
    /// A file could not be read or written.
    #[error("cannot {action} the file: {error}")]
    File {
        /// Action that failed.
        action: FileAction,
        /// Error that the system reported.
        error: FileError,
    },
    /// The file changed during the upload.
    #[error("the file changed while it was read; nothing of it is stored")]
    Changed,
    /// The file has another length than the system reports.
    #[error("the file has {reported} bytes, as the system says, but {} can be read", count_of(size.as_u64(), "byte"))]
    OtherLength {
        /// Length that the system reports, in bytes.
        reported: u64,
        /// Number of bytes that were read.
        size: ByteSize,
    },
    /// The content of a stream has another length than was declared.
    #[error(
        "it was declared to have {}, and {}",
        count_of(*declared, "byte"),
        if found > declared { "more have come".to_owned() } else { format!("{} came", count_of(*found, "byte")) }
    )]
    OtherThanDeclared {
        /// Length that was declared, in bytes.
        declared: u64,
        /// Number of bytes that have come; more may follow if they are too many.
        found: u64,
    },
    /// A segment arrived with other content.
    #[error("segment {id:?} arrived with the digest {found:?}")]
    SegmentDigest {
        /// Name of the segment, which is the digest of its content.
        id: SegmentId,
        /// Digest of the bytes that arrived.
        found: SegmentId,
    },
    /// The whole file has another digest than the manifest says.
    #[error("the file has the digest {found:?}, not {expected:?}")]
    FileDigest {
        /// Digest in the manifest.
        expected: Sha256Digest,
        /// Digest of the bytes that arrived.
        found: Sha256Digest,
    },
    /// The catalog refused or failed.
    #[error("{0}")]
    Catalog(CatalogFault),
    /// The capture of packets ended by itself.
    #[error("capturing failed: it ended at {} of virtual time: {error}; the packets that its file has are whole", at.clock(3))]
    Capture {
        /// Instant of the end.
        at: SimTime,
        /// Error that the system reported.
        error: FileError,
    },
    /// Work ended in a panic, which is a bug of this program.
    #[error("work ended in a panic")]
    Panic,
}

/// Action on a local file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize)]
pub enum FileAction {
    /// Reading of an uploaded file.
    #[error("read")]
    Read,
    /// Writing of a downloaded file.
    #[error("write")]
    Write,
}

/// Error of a file operation without any path: the number of the operating system (errno(3)), or the kind that the standard
/// library gives to errors without a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FileError {
    /// Number of the operating system.
    System(i32),
    /// Kind of an error of the standard library.
    Kind(#[serde(serialize_with = "by_name")] io::ErrorKind),
}

fn by_name<S: Serializer>(kind: &io::ErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{kind:?}"))
}

impl From<&io::Error> for FileError {
    fn from(error: &io::Error) -> FileError {
        error.raw_os_error().map_or_else(|| FileError::Kind(error.kind()), FileError::System)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            FileError::System(number) => io::Error::from_raw_os_error(number).fmt(f),
            FileError::Kind(kind) => kind.fmt(f),
        }
    }
}

/// Failure of the catalog, with the catalog's own message, which is not part of the trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogFault {
    kind: CatalogFaultKind,
    #[serde(skip)]
    message: String,
}

/// Kind of a failure of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
enum CatalogFaultKind {
    NameTaken(FileKey),
    NotFound(FileKey),
    NoDirectory(FileKey),
    IntoItself(FileKey),
    InUse,
    Damaged,
    Io,
    Full,
    ReadOnly,
    OutcomeUnknown,
    Suspended,
    UnknownFormat,
    NoRoomToMigrate,
    UnknownUpload,
    InconsistentUpload,
    ContentDiffers(FileKey),
}

impl From<&CatalogError> for CatalogFault {
    fn from(error: &CatalogError) -> CatalogFault {
        let kind = match error {
            CatalogError::NameTaken(file) => CatalogFaultKind::NameTaken(file.clone()),
            CatalogError::NotFound(file) => CatalogFaultKind::NotFound(file.clone()),
            CatalogError::NoDirectory(directory) => CatalogFaultKind::NoDirectory(directory.clone()),
            CatalogError::IntoItself(directory) => CatalogFaultKind::IntoItself(directory.clone()),
            // The names of uploads are random, and stay out of the trace.
            CatalogError::UnknownUpload(_) => CatalogFaultKind::UnknownUpload,
            CatalogError::InconsistentUpload(_) => CatalogFaultKind::InconsistentUpload,
            CatalogError::ContentDiffers { key, .. } => CatalogFaultKind::ContentDiffers(key.clone()),
            CatalogError::Database(error) => match error {
                DatabaseError::InUse { .. } => CatalogFaultKind::InUse,
                DatabaseError::Damaged { .. } => CatalogFaultKind::Damaged,
                DatabaseError::Io { .. } => CatalogFaultKind::Io,
                DatabaseError::Full => CatalogFaultKind::Full,
                DatabaseError::ReadOnly { .. } => CatalogFaultKind::ReadOnly,
                DatabaseError::OutcomeUnknown { .. } => CatalogFaultKind::OutcomeUnknown,
                DatabaseError::Suspended { .. } => CatalogFaultKind::Suspended,
                DatabaseError::UnknownFormat { .. } => CatalogFaultKind::UnknownFormat,
                DatabaseError::NoRoomToMigrate { .. } => CatalogFaultKind::NoRoomToMigrate,
            },
        };
        CatalogFault { kind, message: error.without_path() }
    }
}

impl fmt::Display for CatalogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl LocalFailure {
    /// Creates a failure whose kind says all.
    pub fn new(kind: FailureKind) -> LocalFailure {
        LocalFailure { kind: Box::new(kind), details: None }
    }

    /// Creates a failure with details that only the requester and the log get.
    pub fn with_details(kind: FailureKind, details: impl Into<String>) -> LocalFailure {
        LocalFailure { kind: Box::new(kind), details: Some(details.into()) }
    }

    /// Creates the failure of an action on the file that is called `name` on this machine.
    pub fn of_file(action: FileAction, name: &str, error: &io::Error) -> LocalFailure {
        LocalFailure::with_details(FailureKind::File { action, error: error.into() }, format!("cannot {action} {name}: {error}"))
    }

    /// Returns the failure of an upload whose file, which messages call `path`, is not as it was when it was opened.
    pub fn changed(path: &str) -> LocalFailure {
        LocalFailure::with_details(FailureKind::Changed, format!("{path} changed while it was read; nothing of it is stored"))
    }

    /// Creates the failure of work that ended in a panic; the panic's message is part of the details only.
    pub fn of_panic(message: String) -> LocalFailure {
        LocalFailure::with_details(FailureKind::Panic, message)
    }

    /// Returns the kind of the failure.
    pub fn kind(&self) -> &FailureKind {
        &self.kind
    }

    /// Returns the failure without the details of this machine.
    #[must_use]
    pub fn without_details(&self) -> LocalFailure {
        LocalFailure { kind: self.kind.clone(), details: None }
    }
}

impl From<&CatalogError> for LocalFailure {
    fn from(error: &CatalogError) -> LocalFailure {
        LocalFailure::with_details(FailureKind::Catalog(error.into()), error.to_string())
    }
}

impl fmt::Display for LocalFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.details {
            Some(details) => f.pad(details),
            None => f.pad(&self.kind.to_string()),
        }
    }
}

impl Serialize for LocalFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.kind.serialize(serializer) }
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::codec;

    use super::*;

    #[test]
    fn everybody_is_told_less_than_who_asked() {
        let wrapped = io::Error::new(io::ErrorKind::NotFound, "no such file at path /home/alice/secret");
        for error in [wrapped, io::Error::from_raw_os_error(5)] {
            let failure = LocalFailure::of_file(FileAction::Read, "/home/alice/a.bin", &error);
            assert!(failure.to_string().contains("/home/alice/a.bin"), "{failure}");
            let plain = failure.without_details();
            assert!(
                plain.to_string().starts_with("cannot read the file: ") && !format!("{plain:?}").contains("alice"),
                "{plain:?}"
            );
        }
    }

    /// The encoding is what the trace hash covers.
    #[test]
    fn no_message_reaches_the_trace() {
        let encoded = |failure: &LocalFailure| codec::encode(1, failure).unwrap();
        let failures = ["/home/alice/a.bin", "/tmp/b"].map(|name| {
            LocalFailure::of_file(FileAction::Write, name, &io::Error::new(io::ErrorKind::WriteZero, format!("at {name}")))
        });
        assert_ne!(failures[0], failures[1]);
        assert_eq!(encoded(&failures[0]), encoded(&failures[1]));
        assert_eq!(encoded(&failures[0]), encoded(&failures[0].without_details()));
        let other = LocalFailure::of_file(FileAction::Write, "/tmp/b", &io::Error::from_raw_os_error(28));
        assert_ne!(encoded(&failures[0]), encoded(&other));
        let faults = ["refused", "reworded"].map(|reason| CatalogError::from(DatabaseError::Io { reason: reason.into() }));
        let faults = faults.map(|error| LocalFailure::from(&error));
        assert_eq!(encoded(&faults[0]), encoded(&faults[1]));
        let mut reworded = CatalogFault::from(&CatalogError::NotFound(FileKey::unowned("a")));
        let before = codec::encode(1, &reworded).unwrap();
        reworded.message = "there is no such file".into();
        assert_eq!(codec::encode(1, &reworded).unwrap(), before);
    }

    /// The sentence is made from the value, so that no sentence is part of the encoding.
    #[test]
    fn causes_are_encoded_by_kind() {
        let refused = Cause::Refused(Refusal::Full { needed: 5, free: 4 });
        assert_eq!(codec::encode(1, &refused).unwrap(), [1, 0, 0, 5, 4]);
        let lost = Cause::Unreachable(ConnectionLoss::Ended(CloseReason::TimedOut));
        assert_eq!((codec::encode(1, &lost).unwrap(), lost.to_string().as_str()), (vec![1, 2, 0, 3], "it did not answer"));
        let stalled = Cause::Unreachable(ConnectionLoss::NoProgress(SimDuration::from_secs(30)));
        assert_eq!(stalled.to_string(), "it neither took nor answered a request for 30s");
    }
}
