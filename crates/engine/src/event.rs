//! Events of the engine at virtual instants, for front ends, the log and the trace.

use p2p_net::HostConfig;
use p2p_store::attributes::Attributes;
use p2p_store::disk::DiskError;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;
use p2p_store::standing::Trouble;
use serde::Serialize;

use super::cause::{Cause, ConnectionLoss, LocalFailure};
use super::faults::{Fault, FaultCause};
use super::peer::Peer;
use super::status::{Direction, SegmentTimeline, Stage, TransferError, TransferId};
use crate::node::health::Health;
use crate::node::protocol::ProtocolError;

/// Event at a virtual instant; the instant is delivered beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Event {
    /// A transfer has begun.
    TransferStarted {
        /// Identifier of the transfer.
        transfer: TransferId,
        /// Direction of the transfer.
        direction: Direction,
        /// User who began it.
        user: Option<String>,
        /// File that is transferred.
        file: FileKey,
        /// Size of the content in bytes; `None` if it is not known.
        bytes: Option<u64>,
        /// Number of its segments; `None` if it is not known.
        segments: Option<u32>,
    },
    /// A segment of a transfer has reached a stage.
    Segment {
        /// Identifier of the transfer.
        transfer: TransferId,
        /// Stage that the segment has reached.
        stage: Stage,
        /// History of the segment so far.
        timeline: SegmentTimeline,
    },
    /// The links and the path of a host have changed.
    LinkChanged {
        /// Host whose links changed.
        peer: Peer,
        /// New settings of its links and path.
        link: HostConfig,
    },
    /// A segment is retried, on another node or on the same one.
    SegmentRetried {
        /// Identifier of the transfer.
        transfer: TransferId,
        /// Index of the segment.
        index: u32,
        /// Node that did not accept or deliver the segment.
        node: NodeNumber,
        /// Reason of the failed attempt.
        cause: Cause,
    },
    /// A transfer has finished successfully.
    TransferFinished {
        /// Identifier of the transfer.
        transfer: TransferId,
        /// Direction of the transfer.
        direction: Direction,
        /// User who began it.
        user: Option<String>,
        /// File that was transferred.
        file: FileKey,
        /// Number of bytes transferred.
        bytes: u64,
        /// SHA-256 digest of the file.
        sha256: Option<Sha256Digest>,
    },
    /// A transfer has failed or was cancelled. The segments that it had stored are deleted, except those that
    /// [`Event::DeletionsOwed`] reported.
    TransferFailed {
        /// Identifier of the transfer.
        transfer: TransferId,
        /// Direction of the transfer.
        direction: Direction,
        /// User who began it.
        user: Option<String>,
        /// File of the transfer.
        file: FileKey,
        /// Reason of the failure.
        error: TransferError,
    },
    /// The source of an upload has gone, and what is stored is kept, so that the upload can be continued.
    UploadParked {
        /// Identifier of the transfer.
        transfer: TransferId,
        /// User who began it.
        user: Option<String>,
        /// File of the upload.
        file: FileKey,
        /// Number of bytes that are kept.
        bytes: u64,
    },
    /// A file is stored durably: from now on it survives a crash of this process.
    FileStored {
        /// File that was stored.
        file: FileKey,
        /// Size of the file in bytes.
        bytes: u64,
        /// SHA-256 digest of the file.
        sha256: Sha256Digest,
    },
    /// A file has been removed from the catalog.
    FileRemoved {
        /// File that was removed.
        file: FileKey,
    },
    /// A directory has been made.
    DirectoryMade {
        /// Directory that was made.
        directory: FileKey,
    },
    /// A directory has been removed from the catalog; what was within it is reported by events of its own.
    DirectoryRemoved {
        /// Directory that was removed.
        directory: FileKey,
    },
    /// A file, or a directory with all that is within it, has another name. What had that name is replaced.
    Moved {
        /// Former path.
        from: FileKey,
        /// New path.
        to: FileKey,
    },
    /// A user's read access to a file, or to what is within a directory, was granted or revoked.
    FileShared {
        /// File or directory whose readers changed.
        file: FileKey,
        /// User whose access changed.
        user: String,
        /// True if the user may now read the file.
        may_read: bool,
    },
    /// Files without an owner were given to a user.
    FilesAdopted {
        /// New owner of the files.
        owner: String,
        /// Number of files given.
        count: u64,
    },
    /// Segments that no file references stay on a node that could not be told to delete them, until it is reachable again.
    DeletionsOwed {
        /// Node that owes the deletions.
        node: NodeNumber,
        /// Number of segments owed.
        segments: u64,
    },
    /// A node has carried out the deletions that it owed.
    OwedDeleted {
        /// Node that has deleted the segments.
        node: NodeNumber,
        /// Number of segments deleted.
        segments: u64,
    },
    /// The client has opened a connection to a node.
    Connected {
        /// Node at the other end.
        node: NodeNumber,
    },
    /// The client has lost its connection to a node or could not open one.
    Disconnected {
        /// Node at the other end.
        node: NodeNumber,
        /// Reason of the failure.
        cause: ConnectionLoss,
    },
    /// A node has ended a connection whose peer violated the protocol.
    ProtocolViolated {
        /// Node that ended the connection.
        node: NodeNumber,
        /// Violation of the protocol.
        violation: ProtocolError,
    },
    /// The health of a node has changed according to its probes. Only the client's view is reported.
    HealthChanged {
        /// Node whose health changed.
        node: NodeNumber,
        /// Health before the change.
        from: Health,
        /// Health after the change.
        to: Health,
        /// Number of consecutive probes without an answer.
        missed: u32,
    },
    /// Leftover files and unreferenced segments, as after a crash, were found on a node's disk at the start and removed.
    Swept {
        /// Node whose disk was cleaned.
        node: NodeNumber,
        /// Number of partially written files.
        leftovers: u64,
        /// Number of segments that no file references.
        orphans: u64,
    },
    /// The disk of a node is in trouble: the node does not run, or it delivers segments and accepts none.
    DiskTrouble {
        /// Node with the disk.
        node: NodeNumber,
        /// Kind of disk trouble.
        trouble: Trouble,
    },
    /// Segments were missing on a node's disk at the start, or the node itself is no longer configured.
    SegmentsMissing {
        /// Node with the disk.
        node: NodeNumber,
        /// Number of missing segments.
        count: u64,
    },
    /// The catalog had an older format and was brought up to date. The former one is kept.
    CatalogMigrated {
        /// Name of the copy in the data directory.
        copy: String,
    },
    /// A capture has ended by itself; the packets already in its file are complete. The event is not part of the trace, because
    /// it stems from the local disk.
    CaptureEnded {
        /// Reason of the end.
        failure: LocalFailure,
    },
    /// A fault is on. It takes the place of an earlier one of its target.
    FaultBegan {
        /// Fault with its parameters.
        fault: Fault,
        /// Reason why it is on.
        cause: FaultCause,
    },
    /// A fault is over.
    FaultEnded {
        /// Fault as it was.
        fault: Fault,
        /// Reason why it was taken back.
        cause: FaultCause,
    },
    /// The process of a node was to start again and could not read its disk.
    StartFailed {
        /// Node whose process does not run.
        node: NodeNumber,
        /// Error of the disk.
        error: DiskError,
    },
    /// A file is stored durably that has the content of another one. What had its name is replaced.
    FileCopied {
        /// File that was copied.
        from: FileKey,
        /// The copy.
        to: FileKey,
        /// Size of the file in bytes.
        bytes: u64,
        /// SHA-256 digest of the file.
        sha256: Sha256Digest,
    },
    /// The time of the last modification or the permission bits of a file or directory were set.
    AttributesSet {
        /// File or directory.
        file: FileKey,
        /// Attributes that were set, each unless it is `None`.
        attributes: Attributes,
    },
    /// A user may store new files in a directory of another one from now on, or no longer.
    UploadsShared {
        /// Directory of which the uploaders changed.
        directory: FileKey,
        /// User whose access changed.
        user: String,
        /// True if the user may now store files there.
        may_upload: bool,
    },
}

impl Event {
    /// Returns true if there are other files or directories than before, or others may read them or store files there.
    pub fn changes_names(&self) -> bool {
        matches!(
            self,
            Event::FileStored { .. }
                | Event::FileRemoved { .. }
                | Event::FileCopied { .. }
                | Event::DirectoryMade { .. }
                | Event::DirectoryRemoved { .. }
                | Event::Moved { .. }
                | Event::FileShared { .. }
                | Event::UploadsShared { .. }
                | Event::FilesAdopted { .. }
                | Event::AttributesSet { .. }
        )
    }

    /// Names of the kinds of events, as programs know them.
    pub const KINDS: &[&str] = &[
        "TransferStarted",
        "Segment",
        "LinkChanged",
        "SegmentRetried",
        "TransferFinished",
        "TransferFailed",
        "UploadParked",
        "FileStored",
        "FileRemoved",
        "DirectoryMade",
        "DirectoryRemoved",
        "Moved",
        "FileShared",
        "FilesAdopted",
        "DeletionsOwed",
        "OwedDeleted",
        "Connected",
        "Disconnected",
        "ProtocolViolated",
        "HealthChanged",
        "Swept",
        "DiskTrouble",
        "SegmentsMissing",
        "CatalogMigrated",
        "CaptureEnded",
        "FaultBegan",
        "FaultEnded",
        "StartFailed",
        "FileCopied",
        "AttributesSet",
        "UploadsShared",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names are those of the variants, each of them.
    #[test]
    fn every_kind_has_a_name() {
        let source = include_str!("event.rs");
        let variants = source.lines().skip_while(|line| *line != "pub enum Event {").skip(1).take_while(|line| *line != "}");
        let names = variants.filter_map(|line| line.strip_prefix("    ").filter(|rest| rest.starts_with(char::is_uppercase)));
        let names: Vec<&str> = names.filter_map(|rest| rest.split([' ', '(', ',']).next()).collect();
        assert_eq!(names, Event::KINDS);
    }
}
