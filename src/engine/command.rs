//! What can be asked of the engine, and what it answers. Knows nothing of how that is typed or shown.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::pace::Speed;
use super::snapshot::{ConnectionStatus, HealthReport, NetworkStats, NodeStatus, Orphans, Party, StorageStats, Topology};
use super::transfer::{TransferError, TransferId, TransferReport, TransferStatus};
use crate::database::DatabaseError;
use crate::net::{HostConfig, PacketRecord};
use crate::spelling::visible;
use crate::storage::catalog::CatalogError;
use crate::storage::manifest::{FileKey, FileRecord, Manifest, NameError, NodeNumber};
use crate::storage::standing::Trouble;
use crate::units::{SimDuration, SimTime};

/// Something to do. Commands take effect at the virtual instant at which they are taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Store a file of this machine. Answered by [`Reply::Started`].
    Upload {
        /// The file.
        path: PathBuf,
        /// Whose it is to be: the user who asks.
        owner: Option<String>,
        /// The name to store it under; by itself the file's own.
        name: Option<String>,
        /// The wall clock of whoever asks, in seconds since 1970: it is noted with the file.
        stored_at: u64,
    },
    /// Fetch a file to this machine. Answered by [`Reply::Started`].
    Download {
        /// The user who asks.
        user: Option<String>,
        /// Which one.
        file: FileKey,
        /// Where to.
        path: PathBuf,
        /// Whether a file that is there may be replaced.
        overwrite: bool,
    },
    /// Store what a front end has open, from its beginning. Answered by [`Reply::Started`].
    Store {
        /// What is open.
        file: OpenFile,
        /// Whose it is to be: the user who asks.
        owner: Option<String>,
        /// The name to store it under.
        name: String,
        /// The wall clock of whoever asks, in seconds since 1970: it is noted with the file.
        stored_at: u64,
    },
    /// Fetch a file and check every byte of it, without a place of its own on this machine. Answered by [`Reply::Started`].
    Fetch {
        /// The user who asks.
        user: Option<String>,
        /// Which one.
        file: FileKey,
        /// What a front end has open for it; without that, nothing of it is kept. A recording does not keep it either.
        #[serde(skip)]
        into: Option<OpenFile>,
    },
    /// Forget a file. Answered by [`Reply::Started`].
    Remove {
        /// The user who asks.
        user: Option<String>,
        /// Which one.
        file: FileKey,
    },
    /// Let a user read a file, or no longer. Answered by [`Reply::Done`].
    Share {
        /// Which one.
        file: FileKey,
        /// Who.
        user: String,
        /// Whether they may read it from now on.
        may_read: bool,
    },
    /// Give the files that are nobody's to somebody, once no transfer of such a file runs. Answered by [`Reply::Done`].
    Adopt {
        /// To whom.
        owner: String,
    },
    /// Wait until a transfer is over. Answered by [`Reply::Finished`].
    Await {
        /// Which one.
        transfer: TransferId,
    },
    /// End a transfer and undo what it did. Answered when it is undone, by [`Reply::Finished`].
    Cancel {
        /// Which one.
        transfer: TransferId,
    },
    /// The stored files. Answered by [`Reply::Files`].
    Files,
    /// One stored file, whole. Answered by [`Reply::Info`].
    Info {
        /// Which one.
        file: FileKey,
    },
    /// The nodes. Answered by [`Reply::Nodes`].
    Nodes,
    /// Files, segments and room. Answered by [`Reply::Storage`].
    Storage,
    /// Hosts and links. Answered by [`Reply::Topology`].
    Topology,
    /// What the network has counted. Answered by [`Reply::Network`].
    Network,
    /// The transfers of this run. Answered by [`Reply::Transfers`].
    Transfers,
    /// The transfers that failed without anybody having been told, oldest first; they are told by this. Answered by
    /// [`Reply::Failures`].
    TakeFailures {
        /// Whose: what this user began, or everybody's.
        of: Option<String>,
    },
    /// Let every host probe every other, and wait for the answers. Answered by [`Reply::Health`].
    CheckHealth,
    /// Wait in virtual time. Answered by [`Reply::Done`].
    Sleep {
        /// How long.
        span: SimDuration,
    },
    /// Change a host's links and the way to it; what is on its way keeps its time. Answered by [`Reply::Done`].
    SetLink {
        /// Whose.
        party: Party,
        /// What they are like from now on.
        link: HostConfig,
    },
    /// Keep the latest packets of the wire for snapshots and [`Command::Wire`], or stop keeping any. Answered by
    /// [`Reply::Done`].
    WatchWire {
        /// How many; `None` to stop.
        packets: Option<u32>,
    },
    /// The packets that are kept. Answered by [`Reply::Wire`].
    Wire,
    /// The client's connections. Answered by [`Reply::Connections`].
    Connections,
    /// Write every packet from now on to a file, as pcapng. Answered by [`Reply::Done`].
    StartCapture {
        /// The file.
        path: PathBuf,
    },
    /// End the capture. Answered by [`Reply::Captured`].
    StopCapture,
    /// Change how fast virtual time passes. Answered by [`Reply::Done`].
    SetSpeed {
        /// How fast.
        speed: Speed,
    },
    /// Let time stand still. Answered by [`Reply::Done`].
    Pause,
    /// Let it pass again. Answered by [`Reply::Done`].
    Resume,
    /// While it stands still, let it go on until the next thing happens, or for `span`. Answered by [`Reply::Done`].
    Step {
        /// How far; by itself to the next event.
        span: Option<SimDuration>,
    },
    /// Say what no file needs on volumes that are left alone, or do something about it. Answered by [`Reply::Orphans`].
    Orphans {
        /// What to do.
        action: OrphansAction,
        /// On which node; by itself on all of them.
        node: Option<NodeNumber>,
    },
    /// Close every connection and stop the nodes. Answered by [`Reply::Done`], or refused while transfers run.
    Shutdown {
        /// What to do with transfers that run.
        running: OnShutdown,
    },
}

/// What is done about segments that no file needs, on volumes that are not the catalog's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrphansAction {
    /// They are listed.
    List,
    /// They are removed, and the volumes become the catalog's own.
    Free,
    /// They stay, and the volumes become the catalog's own.
    Adopt,
}

/// A file of a front end that has no name for others to find, or none worth telling.
#[derive(Debug, Clone)]
pub struct OpenFile {
    file: Arc<File>,
    name: Arc<str>,
}

impl OpenFile {
    /// A file that messages call `name`.
    pub fn new(file: File, name: &str) -> OpenFile {
        OpenFile { file: Arc::new(file), name: name.into() }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file.
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

/// What a shutdown does with transfers that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnShutdown {
    /// Refuse, and name them.
    Refuse,
    /// Wait until they are over.
    Finish,
    /// Cancel them, and wait until they are undone.
    Cancel,
}

/// What the engine answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A transfer has begun.
    Started(TransferId),
    /// A transfer is over: done, failed or cancelled.
    Finished(Box<TransferReport>),
    /// The stored files, by name.
    Files(Vec<FileRecord>),
    /// One stored file.
    Info(Box<Manifest>),
    /// The nodes.
    Nodes(Vec<NodeStatus>),
    /// Files, segments and room.
    Storage(StorageStats),
    /// Hosts and links.
    Topology(Topology),
    /// What the network has counted.
    Network(Box<NetworkStats>),
    /// The transfers of this run.
    Transfers(Vec<TransferStatus>),
    /// Transfers that failed.
    Failures(Vec<TransferStatus>),
    /// What the probes found.
    Health(HealthReport),
    /// Packets of the wire, oldest first.
    Wire(Vec<PacketRecord>),
    /// The client's connections.
    Connections(Vec<ConnectionStatus>),
    /// How many packets a capture holds.
    Captured(u64),
    /// What no file needs, by node; where something was done about it, as it was before.
    Orphans(Vec<Orphans>),
    /// It is done.
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
    /// Whether another process is in the way.
    pub const fn is_in_use(&self) -> bool {
        matches!(self, EngineError::Catalog(CatalogError::Database(DatabaseError::InUse { .. })))
    }
}

/// Why the engine does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// A file of this machine cannot be used.
    #[error("cannot read {path}: {reason}", path = path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file of this machine cannot be written.
    #[error("cannot write {path}: {reason}", path = path.display())]
    Destination {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file is there already, and nobody said that it may be replaced.
    #[error("{path} already exists", path = path.display())]
    DestinationTaken {
        /// The file.
        path: PathBuf,
    },
    /// A name that no file may have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file of that name is stored.
    #[error("a file named `{}` is stored already", visible(name))]
    NameTaken {
        /// The name.
        name: String,
    },
    /// An upload of that name is under way, or is being undone.
    #[error("an upload of `{}` is under way already, or is being undone", visible(name))]
    NamePromised {
        /// The name.
        name: String,
    },
    /// There is no such file.
    #[error("no file named `{}` is stored{}", visible(file), nearest.as_ref().map(|name| format!("; did you mean `{}`?", visible(name))).unwrap_or_default())]
    UnknownFile {
        /// What was asked for.
        file: String,
        /// The stored name that is most like it.
        nearest: Option<String>,
    },
    /// The file is larger than what the nodes can take.
    #[error("`{}` has {needed} bytes, but the nodes have only {free} bytes free, {}{}", visible(name), shortage(*needed, *free), closed_nodes(*closed))]
    NoRoom {
        /// The name that it was to have.
        name: String,
        /// The file's bytes.
        needed: u64,
        /// What is free on nodes that are alive.
        free: u64,
        /// How many nodes take no segments, because of their disks.
        closed: usize,
    },
    /// The same, for somebody who is not to know how much room there is.
    #[error("`{}` has {needed} bytes, and the nodes have no room for that", visible(name))]
    NodesFull {
        /// The name that it was to have.
        name: String,
        /// The file's bytes.
        needed: u64,
    },
    /// The file would have more segments than a manifest can name.
    #[error("`{}` would have {segments} segments, and a file has {max} at the most", visible(name))]
    TooManySegments {
        /// The name that it was to have.
        name: String,
        /// How many it would have.
        segments: u64,
        /// How many it may have.
        max: u64,
    },
    /// There is no such host.
    #[error("there is no {0}")]
    UnknownParty(Party),
    /// There is no such transfer.
    #[error("there is no transfer {0}")]
    UnknownTransfer(TransferId),
    /// A transfer is over already.
    #[error("transfer {0} is over")]
    TransferOver(TransferId),
    /// A transfer failed.
    #[error("{} of `{}` failed: {error}", direction.name(), visible(name))]
    TransferFailed {
        /// What it was to do.
        direction: super::transfer::Direction,
        /// With which file.
        name: String,
        /// Why.
        error: TransferError,
    },
    /// The catalog refused.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A node's disk is in trouble.
    #[error("{node}: {trouble}")]
    Trouble {
        /// Which node.
        node: NodeNumber,
        /// What is wrong.
        trouble: Trouble,
    },
    /// The data directory cannot be used.
    #[error("cannot use the data directory {path}: {reason}", path = path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A data directory has segments but no catalog that says what they are.
    #[error("{path} has no catalog, but its nodes hold {segments} segments; put catalog.redb back, or move the directory `nodes` away to begin anew", path = path.display())]
    CatalogMissing {
        /// The data directory.
        path: PathBuf,
        /// How many segments there are.
        segments: u64,
    },
    /// Transfers run.
    #[error("{} still running: {}", if names.len() == 1 { "a transfer is" } else { "transfers are" }, names.join(", "))]
    Busy {
        /// What they do, each in a few words.
        names: Vec<String>,
    },
    /// Capturing failed.
    #[error("capturing failed: {0}")]
    Capture(String),
    /// What is asked cannot be recorded.
    #[error("{0}")]
    Recording(String),
    /// Virtual time does not go so far.
    #[error("virtual time ends {} h after its start (2^64 ns); it stands at {now} s, so that at most {} s more can pass", u64::MAX / 3_600_000_000_000, left.as_nanos() / 1_000_000_000)]
    EndOfTime {
        /// Where it stands.
        now: SimTime,
        /// What is left of it.
        left: SimDuration,
    },
    /// Nothing is under way that could ever bring an answer.
    #[error("nothing more happens in the network after {0} s of virtual time, so this would be waited for without end")]
    Stalled(SimTime),
    /// Time can be stepped only while it stands still.
    #[error("time is not paused")]
    NotPaused,
    /// A capture runs already.
    #[error("a capture is running already")]
    CaptureRunning,
    /// No capture runs.
    #[error("no capture is running")]
    NoCapture,
    /// The engine is ending, or has ended.
    #[error("the engine has stopped")]
    Stopped,
    /// Work ended in a panic: a bug of this program.
    #[error("internal error: {0}")]
    Internal(String),
}
