//! What happened, for those who watch. Knows nothing of who does.

use serde::{Deserialize, Serialize};

use super::snapshot::Party;
use super::transfer::{Direction, SegmentStory, Stage, TransferError, TransferId};
use crate::net::HostConfig;
use crate::node::health::Health;
use crate::storage::manifest::{FileKey, NodeNumber};
use crate::storage::segment::Sha256Digest;
use crate::storage::standing::Trouble;

/// Something that happened at a virtual instant, which is told beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A transfer has begun.
    TransferStarted {
        /// Which one.
        transfer: TransferId,
        /// What it does.
        direction: Direction,
        /// The user who began it.
        user: Option<String>,
        /// With which file.
        file: FileKey,
        /// Its bytes.
        bytes: u64,
        /// Its segments.
        segments: u32,
    },
    /// A segment of a transfer has come to a stage.
    Segment {
        /// Of which transfer.
        transfer: TransferId,
        /// To which stage.
        stage: Stage,
        /// Its story so far.
        story: SegmentStory,
    },
    /// A host's links and the way to it have changed.
    LinkChanged {
        /// Whose.
        party: Party,
        /// What they are like now.
        link: HostConfig,
    },
    /// A segment is tried again, elsewhere or once more.
    SegmentRetried {
        /// Of which transfer.
        transfer: TransferId,
        /// Which segment.
        index: u32,
        /// The node that did not take or give it.
        node: NodeNumber,
        /// Why not.
        reason: String,
    },
    /// A transfer is done.
    TransferFinished {
        /// Which one.
        transfer: TransferId,
        /// What it did.
        direction: Direction,
        /// The user who began it.
        user: Option<String>,
        /// With which file.
        file: FileKey,
        /// How many bytes.
        bytes: u64,
        /// The file's digest.
        sha256: Option<Sha256Digest>,
    },
    /// A transfer has failed or was cancelled. What it had stored is deleted, but for what [`Event::DeletionsOwed`] told of.
    TransferFailed {
        /// Which one.
        transfer: TransferId,
        /// What it was to do.
        direction: Direction,
        /// The user who began it.
        user: Option<String>,
        /// With which file.
        file: FileKey,
        /// Why.
        error: TransferError,
    },
    /// A file is stored: it survives whatever happens to this process from now on.
    FileStored {
        /// Which one.
        file: FileKey,
        /// Its bytes.
        bytes: u64,
        /// Its digest.
        sha256: Sha256Digest,
    },
    /// A file is stored no longer.
    FileRemoved {
        /// Which one.
        file: FileKey,
    },
    /// A user may read a file, or no longer.
    FileShared {
        /// Which one.
        file: FileKey,
        /// Who.
        user: String,
        /// Whether they may read it.
        may_read: bool,
    },
    /// Files that were nobody's belong to somebody.
    FilesAdopted {
        /// To whom.
        owner: String,
        /// How many.
        count: u64,
    },
    /// Segments that no file needs stay on a node that could not be told to delete them, until it is next reachable.
    DeletionsOwed {
        /// Which node.
        node: NodeNumber,
        /// How many segments.
        segments: u64,
    },
    /// A node has deleted what it owed.
    OwedDeleted {
        /// Which node.
        node: NodeNumber,
        /// How many segments.
        segments: u64,
    },
    /// The client has a connection to a node.
    Connected {
        /// Which node.
        node: NodeNumber,
    },
    /// The client has lost its connection to a node, or could not make one.
    Disconnected {
        /// Which node.
        node: NodeNumber,
        /// Why.
        reason: String,
    },
    /// A node has ended a connection whose peer did not keep to the protocol.
    ProtocolViolated {
        /// Which node.
        node: NodeNumber,
        /// What was wrong.
        reason: String,
    },
    /// Probes say something new of a node. Only what the client sees is told.
    HealthChanged {
        /// Which node.
        node: NodeNumber,
        /// What it was.
        from: Health,
        /// What it is.
        to: Health,
        /// Probes in a row without an answer.
        missed: u32,
    },
    /// At the start, a node's disk held what belongs to nothing, as after a crash. It was removed.
    Swept {
        /// Which node.
        node: NodeNumber,
        /// Files that were half written.
        leftovers: u64,
        /// Segments that no file needs.
        orphans: u64,
    },
    /// A node's disk is in trouble: its process does not run, or it gives segments and takes none.
    DiskTrouble {
        /// Which node.
        node: NodeNumber,
        /// Why.
        trouble: Trouble,
    },
    /// At the start, a node's disk did not hold what it should, or the node itself is no longer configured.
    SegmentsMissing {
        /// Which node.
        node: NodeNumber,
        /// How many segments.
        count: u64,
    },
    /// A capture has ended before anybody ended it. What its file has is whole. No trace knows of it: it comes of this machine's disk.
    CaptureEnded {
        /// Why.
        reason: String,
    },
}
