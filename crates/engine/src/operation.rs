//! Operations of the engine, each with the type of its reply. Independent of who asks, by which door, and of how replies are shown.
//!
//! A front end calls an operation and receives its reply. Within the engine, operations travel as [`Command`] and replies as
//! [`Reply`], so that they can be queued, recorded and checked by one policy.

mod content;
mod faults;
mod faults_in_words;
mod names;
mod orphans;
mod pace;
mod reply;
mod segments;

use std::path::PathBuf;

use p2p_base::units::SimDuration;
use p2p_net::{HostConfig, PacketRecord};
use p2p_store::attributes::StoreAs;
use p2p_store::manifest::{FileRecord, Manifest, NodeNumber};
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;
use p2p_store::segment::Sha256Digest;
use p2p_store::uploads::UploadId;
use serde::{Deserialize, Serialize};

pub use self::content::{ByteRange, Keep, KeptUpload, Page, Sink, Source};
pub use self::faults::{Break, ClearFaults, ListFaults, Mend, PATHS_MAX, STOP_WITHIN, Which};
pub use self::names::{CopyFile, MakeDirectory, Move, SetAttributes};
pub use self::orphans::{OrphansAction, TreatOrphans};
pub use self::pace::{Pause, Resume, SetSpeed, Step};
pub use self::reply::Reply;
pub use self::segments::{
    AskNode, DeleteSegment, NodeAnswer, RetrieveSegment, SEGMENT_BYTES_MAX, SegmentContent, SegmentFetched, SegmentLength,
    SegmentStored, StoreSegment,
};

use super::faults::{ActiveFault, ClearedFaults};
use super::snapshot::{ConnectionStatus, HealthReport, NetworkStats, NodeStatus, Orphans, Peer, StorageStats, Topology, Usage};
use super::transfer::{TransferId, TransferReport, TransferStatus};

/// Operation of the engine. It takes effect at the virtual instant at which the engine accepts it.
pub trait Operation: Into<Command> {
    /// Reply of a successful operation.
    type Reply;

    /// Returns the reply with its type.
    ///
    /// # Errors
    /// Returns the reply itself if it belongs to another operation, which is a bug of this program.
    fn typed(reply: Reply) -> Result<Self::Reply, Reply>;
}

/// Defines [`Command`], which has one variant for each operation, and the type of each operation's reply.
macro_rules! operations {
    ($($operation:ident -> $variant:ident($reply:ty)),* $(,)?) => {
        /// Operation of any kind, for the queue of the engine and for recordings.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each variant is the operation of its name")]
        pub enum Command {
            $($operation($operation)),*
        }

        impl Command {
            /// Names of all operations.
            pub const NAMES: &[&str] = &[$(stringify!($operation)),*];

            /// Returns the name of the operation.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Command::$operation(_) => stringify!($operation)),*
                }
            }
        }

        $(
            impl From<$operation> for Command {
                fn from(operation: $operation) -> Command {
                    Command::$operation(operation)
                }
            }

            impl Operation for $operation {
                type Reply = $reply;

                fn typed(reply: Reply) -> Result<$reply, Reply> {
                    match reply {
                        Reply::$variant(reply) => Ok(reply),
                        other => Err(other),
                    }
                }
            }
        )*
    };
}

operations! {
    Upload -> Started(TransferId),
    Download -> Started(TransferId),
    Remove -> Started(TransferId),
    ForgetUpload -> Started(TransferId),
    ExpireUploads -> Done(()),
    ListUploads -> Uploads(Vec<KeptUpload>),
    MakeDirectory -> Done(()),
    Move -> Done(()),
    CopyFile -> Done(()),
    SetAttributes -> Done(()),
    Share -> Done(()),
    Adopt -> Done(()),
    Await -> Finished(Box<TransferReport>),
    Cancel -> Finished(Box<TransferReport>),
    Park -> Finished(Box<TransferReport>),
    ListFiles -> Files(Vec<FileRecord>),
    ListDirectory -> Entries(Vec<Entry>),
    StatFile -> Manifest(Box<Manifest>),
    ListNodes -> Nodes(Vec<NodeStatus>),
    StatStorage -> Storage(StorageStats),
    StatUser -> Usage(Usage),
    ListHosts -> Topology(Topology),
    CountPackets -> Network(Box<NetworkStats>),
    ListTransfers -> Transfers(Vec<TransferStatus>),
    TakeFailures -> Transfers(Vec<TransferStatus>),
    CheckHealth -> Health(HealthReport),
    Sleep -> Done(()),
    SetLink -> Done(()),
    WatchWire -> Done(()),
    ListPackets -> Packets(Vec<PacketRecord>),
    ListConnections -> Connections(Vec<ConnectionStatus>),
    StartCapture -> Done(()),
    StopCapture -> Captured(u64),
    SetSpeed -> Done(()),
    Pause -> Done(()),
    Resume -> Done(()),
    Step -> Done(()),
    TreatOrphans -> Orphans(Vec<Orphans>),
    Shutdown -> Done(()),
    Break -> Done(()),
    Mend -> Cleared(ClearedFaults),
    ListFaults -> Faults(Vec<ActiveFault>),
    ClearFaults -> Cleared(ClearedFaults),
    StoreSegment -> SegmentStored(SegmentStored),
    RetrieveSegment -> Segment(SegmentFetched),
    DeleteSegment -> Done(()),
    AskNode -> NodeAnswer(NodeAnswer),
    ShareUploads -> Done(()),
}

/// Any operation is one itself, whose reply has no further type.
impl Operation for Command {
    type Reply = Reply;

    fn typed(reply: Reply) -> Result<Reply, Reply> {
        Ok(reply)
    }
}

/// Operation that begins a transfer.
#[derive(Debug, Clone, PartialEq)]
pub struct BeginTransfer(Command);

macro_rules! begins_transfer {
    ($($operation:ident),*) => {
        $(
            impl From<$operation> for BeginTransfer {
                fn from(operation: $operation) -> BeginTransfer {
                    BeginTransfer(operation.into())
                }
            }
        )*
    };
}

begins_transfer!(Upload, Download, Remove, ForgetUpload);

impl BeginTransfer {
    /// Returns the operation with the wall-clock time at which it is given, in seconds since 1970. An upload that was planned
    /// earlier, as one of several that run one after the other, is stored with the time at which it begins.
    #[must_use]
    pub fn given_at(mut self, now: u64) -> BeginTransfer {
        if let Command::Upload(upload) = &mut self.0 {
            upload.stored_at = now;
        }
        self
    }

    /// Returns the operation with the node to which the segments of an upload go first, unless it has one.
    #[must_use]
    pub fn preferring(mut self, node: Option<NodeNumber>) -> BeginTransfer {
        if let Command::Upload(upload) = &mut self.0 {
            upload.preferred = upload.preferred.or(node);
        }
        self
    }

    /// Returns the operation that begins the transfer.
    pub const fn command(&self) -> &Command {
        &self.0
    }
}

impl From<BeginTransfer> for Command {
    fn from(BeginTransfer(command): BeginTransfer) -> Command {
        command
    }
}

impl Operation for BeginTransfer {
    type Reply = TransferId;

    fn typed(reply: Reply) -> Result<TransferId, Reply> {
        Upload::typed(reply)
    }
}

/// Stores content under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// Place of the content.
    pub source: Source,
    /// Name to store it under; `None` for the own name of a local file.
    pub name: Option<String>,
    /// Wall-clock time of the requester in seconds since 1970, stored with the file.
    pub stored_at: u64,
    /// Attributes and place of the file; an upload that is continued keeps those with which it was begun.
    pub stored_as: StoreAs,
    /// Owner of the tree in which it is stored, of which the owner has shared a directory for that; `None` for the caller's own. Not part
    /// of the encoding.
    #[serde(skip)]
    pub owner: Option<String>,
    /// Node to which its segments go while it is alive, takes segments and has room; the others come then, as they do without. A segment
    /// that a node has already stays there. Not part of the encoding.
    #[serde(skip)]
    pub preferred: Option<NodeNumber>,
}

impl Upload {
    /// Makes the operation that stores a local file, under its own name without a `name`. `stored_at` is in seconds since 1970.
    pub fn of_file(path: PathBuf, name: Option<String>, stored_at: u64) -> Upload {
        Upload { source: Source::File(path), name, stored_at, stored_as: StoreAs::default(), owner: None, preferred: None }
    }

    /// Returns the name under which the content is stored; `None` if the own name of a file is meant and is not valid UTF-8, or if
    /// a stream has none.
    pub fn stored_name(&self) -> Option<&str> {
        let own_name = || match &self.source {
            Source::File(path) => path.file_name()?.to_str(),
            Source::Stream { .. } => None,
        };
        self.name.as_deref().or_else(own_name)
    }
}

/// Fetches a stored file, or a part of it, and verifies every byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Download {
    /// Stored file to download.
    pub file: FileKey,
    /// Part of the file; `None` for all of it.
    pub range: Option<ByteRange>,
    /// SHA-256 that the whole file has to have when the download begins; `None` for any.
    pub expected: Option<Sha256Digest>,
    /// Place for the content.
    pub sink: Sink,
}

impl Download {
    /// Makes the operation that fetches a whole file to a path of this machine.
    pub fn to_file(file: FileKey, path: PathBuf, overwrite: bool) -> Download {
        Download { file, range: None, expected: None, sink: Sink::File { path, overwrite, preserve: false } }
    }

    /// Lets the file of this machine have the time of modification and the permission bits of the stored one, if `preserve` says so.
    #[must_use]
    pub fn preserving(mut self, preserve: bool) -> Download {
        if let Sink::File { preserve: preserves, .. } = &mut self.sink {
            *preserves = preserve;
        }
        self
    }

    /// Makes the operation that verifies a whole file and keeps none of it.
    pub fn to_nowhere(file: FileKey) -> Download {
        Download { file, range: None, expected: None, sink: Sink::Discard }
    }
}

/// Removes a stored file or a directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remove {
    /// Stored file or directory to remove.
    pub file: FileKey,
    /// True if a directory may be removed with all that is within it; false if only an empty one may.
    pub recursive: bool,
    /// SHA-256 of the file that alone is removed: judged when the removal begins, and in the transaction that makes the file invisible; `None`
    /// for whatever is there. Not part of the encoding.
    #[serde(skip)]
    pub expected: Option<Sha256Digest>,
}

/// Lists the uploads that are kept, or are if their source goes, as far as the caller may see them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListUploads;

/// Undoes an upload that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForgetUpload {
    /// Name of the upload.
    pub upload: UploadId,
}

/// Undoes the kept uploads that have expired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpireUploads {
    /// Wall-clock time in seconds since 1970.
    pub now: u64,
}

/// Lists what is in a directory, as far as the caller may read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListDirectory {
    /// Directory to list; the empty path stands for the root of a tree.
    pub directory: FileKey,
    /// Part of the list; `None` for all of it.
    pub page: Option<Page>,
}

/// Grants or revokes a user's read access to a file, or to all that is within a directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Stored file or directory to share.
    pub file: FileKey,
    /// User whose access changes.
    pub user: String,
    /// True to grant read access, false to revoke it.
    pub may_read: bool,
}

/// Lets a user store new files in a directory, or no longer. They belong to its owner, and count in the owner's quota.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShareUploads {
    /// Directory to share.
    pub directory: FileKey,
    /// User whose access changes.
    pub user: String,
    /// True to let the user store new files, false to do so no longer.
    pub may_upload: bool,
}

/// Gives all files without an owner to a user, once no transfer of such a file runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adopt {
    /// New owner of the files.
    pub owner: String,
}

/// Waits until a transfer is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Await {
    /// Identifier of the transfer to wait for.
    pub transfer: TransferId,
}

/// Cancels a transfer and undoes its effects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cancel {
    /// Identifier of the transfer to cancel.
    pub transfer: TransferId,
}

/// Ends an upload that is to be kept, and keeps what is stored of it. Nodes are asked to store no more, requests of which
/// no byte has been sent are dropped, and the others are waited for. Any other transfer goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Park {
    /// Identifier of the transfer to end.
    pub transfer: TransferId,
}

/// Lists the stored files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListFiles;

/// Returns the manifest of one stored file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatFile {
    /// Stored file to describe.
    pub file: FileKey,
}

/// Lists the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListNodes;

/// Returns the number of files and segments and the capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatStorage;

/// Returns the number and size of the caller's own files, and the quota.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatUser;

/// Returns the hosts and links.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListHosts;

/// Returns the counters of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountPackets;

/// Lists the transfers since the engine was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListTransfers;

/// Takes the failed transfers that have not been reported to a user yet, oldest first, and marks them as reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TakeFailures;

/// Lets every host probe every other host, and waits for the answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckHealth;

/// Waits in virtual time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sleep {
    /// Virtual time to wait.
    pub span: SimDuration,
}

/// Changes the links and the path of a host; what the links have sent keeps its arrival time, and the rest leaves at the new rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetLink {
    /// Host whose links change.
    pub peer: Peer,
    /// New settings of its links and path.
    pub link: HostConfig,
}

/// Keeps the latest packets on the wire for snapshots and [`ListPackets`], or stops keeping them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchWire {
    /// Number of packets to keep of each kind; `None` to stop.
    pub packets: Option<u32>,
}

/// Returns the kept packets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListPackets;

/// Lists the client's connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListConnections;

/// Writes every packet from now on to a file in the pcapng format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartCapture {
    /// Path of the capture file.
    pub path: PathBuf,
}

/// Ends the capture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopCapture;

/// Closes every connection and stops the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shutdown {
    /// Treatment of running transfers.
    pub running: OnShutdown,
}

/// Treatment of running transfers at a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnShutdown {
    /// Refuses the shutdown and names the transfers.
    Refuse,
    /// Waits until the transfers are over.
    Finish,
    /// Cancels the transfers and waits until they are undone.
    Cancel,
}
