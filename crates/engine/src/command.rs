//! Commands to the engine and its answers. Independent of how commands are typed or answers are displayed.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use p2p_base::database::DatabaseError;
use p2p_base::spelling::visible;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{HostConfig, PacketRecord};
use p2p_store::catalog::CatalogError;
use p2p_store::manifest::{FileKey, FileRecord, Manifest, NameError, NodeNumber};
use p2p_store::standing::Trouble;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::pace::Speed;
use super::snapshot::{ConnectionStatus, HealthReport, NetworkStats, NodeStatus, Orphans, Peer, StorageStats, Topology};
use super::transfer::{TransferError, TransferId, TransferReport, TransferStatus};

/// Command to the engine. It takes effect at the virtual instant at which the engine accepts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Stores a local file. Answered by [`Reply::Started`].
    Upload {
        /// Path of the local file.
        path: PathBuf,
        /// Owner of the stored file: the user who asks.
        owner: Option<String>,
        /// Name to store it under; `None` for the file's own name.
        name: Option<String>,
        /// Wall-clock time of the requester in seconds since 1970, stored with the file.
        stored_at: u64,
    },
    /// Downloads a file to a local path. Answered by [`Reply::Started`].
    Download {
        /// User who gives the command.
        user: Option<String>,
        /// Stored file to download.
        file: FileKey,
        /// Destination path on this machine.
        path: PathBuf,
        /// True if an existing file may be replaced.
        overwrite: bool,
    },
    /// Stores the content of a file that a front end has open, from its beginning. Answered by [`Reply::Started`].
    Store {
        /// Open file to read from.
        file: OpenFile,
        /// Owner of the stored file: the user who asks.
        owner: Option<String>,
        /// Name to store it under.
        name: String,
        /// Wall-clock time of the requester in seconds since 1970, stored with the file.
        stored_at: u64,
    },
    /// Fetches a file and verifies every byte of it, without a destination path on this machine. Answered by
    /// [`Reply::Started`].
    Fetch {
        /// User who gives the command.
        user: Option<String>,
        /// Stored file to fetch.
        file: FileKey,
        /// Open file that receives the content; `None` to discard it. It is not part of a recording.
        #[serde(skip)]
        into: Option<OpenFile>,
    },
    /// Removes a stored file. Answered by [`Reply::Started`].
    Remove {
        /// User who gives the command.
        user: Option<String>,
        /// Stored file to remove.
        file: FileKey,
    },
    /// Grants or revokes a user's read access to a file. Answered by [`Reply::Done`].
    Share {
        /// Stored file to share.
        file: FileKey,
        /// User whose access changes.
        user: String,
        /// True to grant read access, false to revoke it.
        may_read: bool,
    },
    /// Gives all files without an owner to a user, once no transfer of such a file runs. Answered by [`Reply::Done`].
    Adopt {
        /// New owner of the files.
        owner: String,
    },
    /// Waits until a transfer is over. Answered by [`Reply::Finished`].
    Await {
        /// Identifier of the transfer to wait for.
        transfer: TransferId,
    },
    /// Cancels a transfer and undoes its effects. Answered by [`Reply::Finished`] once it is undone.
    Cancel {
        /// Identifier of the transfer to cancel.
        transfer: TransferId,
    },
    /// Lists the stored files. Answered by [`Reply::Files`].
    Files,
    /// Returns the manifest of one stored file. Answered by [`Reply::Info`].
    Info {
        /// Stored file to describe.
        file: FileKey,
    },
    /// Lists the nodes. Answered by [`Reply::Nodes`].
    Nodes,
    /// Returns the number of files and segments and the capacity. Answered by [`Reply::Storage`].
    Storage,
    /// Returns the hosts and links. Answered by [`Reply::Topology`].
    Topology,
    /// Returns the counters of the network. Answered by [`Reply::Network`].
    Network,
    /// Lists the transfers since the engine was started. Answered by [`Reply::Transfers`].
    Transfers,
    /// Takes the failed transfers that have not been reported to a user yet, oldest first, and marks them as reported. Answered
    /// by [`Reply::Failures`].
    TakeFailures {
        /// User whose transfers are taken; `None` for those of all users.
        of: Option<String>,
    },
    /// Lets every host probe every other host, and waits for the answers. Answered by [`Reply::Health`].
    CheckHealth,
    /// Waits in virtual time. Answered by [`Reply::Done`].
    Sleep {
        /// Virtual time to wait.
        span: SimDuration,
    },
    /// Changes the links and the path of a host; packets in flight keep their arrival times. Answered by [`Reply::Done`].
    SetLink {
        /// Host whose links change.
        peer: Peer,
        /// New settings of its links and path.
        link: HostConfig,
    },
    /// Keeps the latest packets on the wire for snapshots and [`Command::Wire`], or stops keeping them. Answered by
    /// [`Reply::Done`].
    WatchWire {
        /// Number of packets to keep; `None` to stop.
        packets: Option<u32>,
    },
    /// Returns the kept packets. Answered by [`Reply::Wire`].
    Wire,
    /// Lists the client's connections. Answered by [`Reply::Connections`].
    Connections,
    /// Writes every packet from now on to a file in the pcapng format. Answered by [`Reply::Done`].
    StartCapture {
        /// Path of the capture file.
        path: PathBuf,
    },
    /// Ends the capture. Answered by [`Reply::Captured`].
    StopCapture,
    /// Changes the speed of virtual time. Answered by [`Reply::Done`].
    SetSpeed {
        /// New speed of virtual time.
        speed: Speed,
    },
    /// Pauses virtual time. Answered by [`Reply::Done`].
    Pause,
    /// Resumes virtual time. Answered by [`Reply::Done`].
    Resume,
    /// While time is paused, advances it to the next event, or by `span`. Answered by [`Reply::Done`].
    Step {
        /// Virtual time to advance by; `None` to advance to the next event.
        span: Option<SimDuration>,
    },
    /// Reports the segments that no file references on foreign volumes, or acts on them. Answered by [`Reply::Orphans`].
    Orphans {
        /// Action to take on the segments.
        action: OrphansAction,
        /// Node whose volume is meant; `None` for all nodes.
        node: Option<NodeNumber>,
    },
    /// Closes every connection and stops the nodes. Answered by [`Reply::Done`], or refused while transfers run.
    Shutdown {
        /// Treatment of running transfers.
        running: OnShutdown,
    },
}

/// Action on segments that no file references, on volumes that do not belong to the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrphansAction {
    /// Lists the segments and changes nothing.
    List,
    /// Removes the segments and assigns the volumes to the catalog.
    Free,
    /// Keeps the segments and assigns the volumes to the catalog.
    Adopt,
}

/// Open file of a front end, known to messages by a display name instead of a path.
#[derive(Debug, Clone)]
pub struct OpenFile {
    file: Arc<File>,
    name: Arc<str>,
}

impl OpenFile {
    /// Creates an open file that messages call `name`.
    pub fn new(file: File, name: &str) -> OpenFile {
        OpenFile { file: Arc::new(file), name: name.into() }
    }

    /// Returns the name that messages use for the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the underlying file handle.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl PartialEq for OpenFile {
    fn eq(&self, other: &OpenFile) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl io::Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

impl Serialize for OpenFile {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("what is open in one process cannot be kept for another"))
    }
}

impl<'de> Deserialize<'de> for OpenFile {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<OpenFile, D::Error> {
        Err(serde::de::Error::custom("what was open in another process cannot be had again"))
    }
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

/// Answer of the engine to a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Identifier of a transfer that has begun.
    Started(TransferId),
    /// Report of a transfer that is over: finished, failed or cancelled.
    Finished(Box<TransferReport>),
    /// The stored files, by name.
    Files(Vec<FileRecord>),
    /// Manifest of one stored file.
    Info(Box<Manifest>),
    /// Status of the nodes.
    Nodes(Vec<NodeStatus>),
    /// Number of files and segments, and capacity.
    Storage(StorageStats),
    /// Hosts and links of the network.
    Topology(Topology),
    /// Counters of the network.
    Network(Box<NetworkStats>),
    /// The transfers since the engine was started.
    Transfers(Vec<TransferStatus>),
    /// Transfers that failed, oldest first.
    Failures(Vec<TransferStatus>),
    /// Results of the probes.
    Health(HealthReport),
    /// Packets on the wire, oldest first.
    Wire(Vec<PacketRecord>),
    /// The client's connections to nodes.
    Connections(Vec<ConnectionStatus>),
    /// Number of packets in a capture.
    Captured(u64),
    /// Segments that no file references, by node; if an action was taken, as they were before it.
    Orphans(Vec<Orphans>),
    /// Confirmation without further data.
    Done,
}

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

impl EngineError {
    /// Returns true if the cause is another process that has the database open.
    pub const fn is_in_use(&self) -> bool {
        matches!(self, EngineError::Catalog(CatalogError::Database(DatabaseError::InUse { .. })))
    }
}

/// Reason why the engine refuses or cannot execute a command.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// A local file cannot be read.
    #[error("cannot read {path}: {reason}", path = path.display())]
    Source {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// A local file cannot be written.
    #[error("cannot write {path}: {reason}", path = path.display())]
    Destination {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// The destination exists, and the command does not permit replacing it.
    #[error("{path} already exists", path = path.display())]
    DestinationTaken {
        /// Path of the existing file.
        path: PathBuf,
    },
    /// The name is not a valid file name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file of this name is stored already.
    #[error("a file named `{}` is stored already", visible(name))]
    NameTaken {
        /// The name in use.
        name: String,
    },
    /// An upload under this name is running or being undone.
    #[error("an upload of `{}` is under way already, or is being undone", visible(name))]
    NameReserved {
        /// The name in use.
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
    #[error("`{}` has {needed} bytes, but the nodes have only {free} bytes free, {}{}", visible(name), shortage(*needed, *free), closed_nodes(*closed))]
    NoRoom {
        /// Name under which it was to be stored.
        name: String,
        /// Size of the file in bytes.
        needed: u64,
        /// Free bytes on nodes that are alive.
        free: u64,
        /// Number of nodes that accept no segments because of their disks.
        closed: usize,
    },
    /// The nodes lack the capacity, reported to a user who may not know how much is free.
    #[error("`{}` has {needed} bytes, and the nodes have no room for that", visible(name))]
    NodesFull {
        /// Name under which it was to be stored.
        name: String,
        /// Size of the file in bytes.
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
    /// No such host exists.
    #[error("there is no {0}")]
    UnknownHost(Peer),
    /// No such transfer exists.
    #[error("there is no transfer {0}")]
    UnknownTransfer(TransferId),
    /// The transfer is over already.
    #[error("transfer {0} is over")]
    TransferOver(TransferId),
    /// The awaited transfer failed.
    #[error("{} of `{}` failed: {error}", direction.name(), visible(name))]
    TransferFailed {
        /// Direction of the transfer.
        direction: super::transfer::Direction,
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
    #[error("cannot use the data directory {path}: {reason}", path = path.display())]
    DataDir {
        /// Path of the data directory.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// The data directory holds segments but no catalog that lists them.
    #[error("{path} has no catalog, but its nodes hold {segments} segments; put catalog.redb back, or move the directory `nodes` away to begin anew", path = path.display())]
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
    #[error("virtual time ends {} h after its start (2^64 ns); it stands at {now} s, so that at most {} s more can pass", u64::MAX / 3_600_000_000_000, left.as_nanos() / 1_000_000_000)]
    EndOfTime {
        /// Virtual instant reached so far.
        now: SimTime,
        /// Virtual time that remains.
        left: SimDuration,
    },
    /// No pending event could ever produce the awaited answer.
    #[error("nothing more happens in the network after {0} s of virtual time, so this would be waited for without end")]
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
