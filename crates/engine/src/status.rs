//! What is told of a transfer: its identity, its state, the history of its segments, and the reason of its failure.
//!
//! Transfers, events, snapshots and errors use these types; the module itself knows no transfer.

use std::collections::BTreeMap;

use p2p_base::units::{ByteSize, SimDuration, SimTime};
use p2p_net::RateSeries;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;
use p2p_store::uploads::UploadId;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use super::cause::{Cause, LocalFailure};
use super::peer::Peer;

pub use self::absence::{Absence, Awaited, Replacement};
pub use self::segment::{SegmentTimeline, Stage};
pub use self::state::TransferState;

mod absence;
mod refusal;
mod segment;
mod state;

/// Identifier of a transfer since the start of the engine, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferId(pub u64);

/// Formats the identifier as `#7`.
impl std::fmt::Display for TransferId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

/// Kind of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Upload of a file to the nodes.
    Upload,
    /// Download of a file from the nodes.
    Download,
    /// Removal of a file from the nodes.
    Removal,
}

impl Direction {
    /// Returns the word for reports and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Upload => "upload",
            Direction::Download => "download",
            Direction::Removal => "removal",
        }
    }
}

/// Reason why a transfer failed.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum TransferError {
    /// A local file could not be read or written.
    #[error("{0}")]
    File(LocalFailure),
    /// No node can take a segment.
    #[error("no node can take segment {index}: {}", list(causes))]
    NoHolder {
        /// Index of the segment in the file.
        index: u32,
        /// Reason of each node.
        causes: Vec<(NodeNumber, Cause)>,
    },
    /// A node did not confirm that its segments are durable.
    #[error("{node} did not confirm that its segments are durable: {cause}")]
    NotConfirmed {
        /// Node that did not confirm.
        node: NodeNumber,
        /// Reason of the failure.
        cause: Cause,
    },
    /// A segment cannot be obtained from any of its holders.
    #[error("segment {index} cannot be read: {}", list(causes))]
    Unreadable {
        /// Index of the segment in the file.
        index: u32,
        /// Reason of each holder.
        causes: Vec<(NodeNumber, Cause)>,
    },
    /// The catalog refused the change.
    #[error("{0}")]
    Catalog(LocalFailure),
    /// The catalog could not tell if the change was made.
    #[error("it is not known whether it is done: {0}")]
    OutcomeUnknown(LocalFailure),
    /// The content would have more segments than a manifest can hold.
    #[error("it has more than {max} segments")]
    TooManySegments {
        /// Maximum number of segments of a file.
        max: u64,
    },
    /// The files of the user would have more bytes together than the quota permits.
    #[error("it exceeds what is left of the quota of {} bytes", quota.as_u64())]
    OverQuota {
        /// Quota of each user.
        quota: ByteSize,
    },
    /// The file was removed before it was fetched, replaced or removed. Nothing is lost.
    #[error("the file was removed in the meantime")]
    Removed,
    /// The user cancelled the transfer, or the front end at the other end of its stream is gone.
    #[error("it was cancelled")]
    Cancelled,
    /// Work ended in a panic, which is a bug of this program.
    #[error("internal error: {0}")]
    Internal(LocalFailure),
    /// A node did not confirm that segments are durable whose content came from a stream, so that it cannot be stored again.
    #[error(
        "{node} did not confirm that its segments are durable: {cause}; {}",
        if *is_kept { "what is not kept of the upload is to be given again" } else { "a stream cannot be read again to store them elsewhere" }
    )]
    StreamLost {
        /// Node that did not confirm.
        node: NodeNumber,
        /// Reason of the failure.
        cause: Cause,
        /// True if the upload is kept, and can be continued after what is durable.
        is_kept: bool,
    },
    /// The process of the node has ended whose host carried the transfer.
    #[error("the process of {node} has ended, whose host carried it")]
    HostEnded {
        /// Node on whose host the transfer ran.
        node: NodeNumber,
    },
    /// Something of its name was stored before it, and stays.
    #[error("something of its name was stored in the meantime")]
    NameTaken,
    /// The file that alone was to be replaced or removed has other content by now, and stays.
    #[error("the file has another SHA-256 than {expected} by now: it has {found}")]
    ContentDiffers {
        /// Digest that it should have.
        expected: Sha256Digest,
        /// Digest that it has.
        found: Sha256Digest,
    },
}

impl TransferError {
    /// Returns the local failure that is the reason, if it is one.
    fn local(&mut self) -> Option<&mut LocalFailure> {
        match self {
            TransferError::File(failure)
            | TransferError::Catalog(failure)
            | TransferError::OutcomeUnknown(failure)
            | TransferError::Internal(failure) => Some(failure),
            TransferError::NoHolder { .. }
            | TransferError::NotConfirmed { .. }
            | TransferError::StreamLost { .. }
            | TransferError::Unreadable { .. }
            | TransferError::TooManySegments { .. }
            | TransferError::OverQuota { .. }
            | TransferError::ContentDiffers { .. }
            | TransferError::NameTaken
            | TransferError::Removed
            | TransferError::Cancelled
            | TransferError::HostEnded { .. } => None,
        }
    }

    /// Returns true if another try of a kept upload may succeed where this one failed.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            TransferError::NoHolder { .. }
            | TransferError::NotConfirmed { .. }
            | TransferError::StreamLost { .. }
            | TransferError::Unreadable { .. }
            | TransferError::HostEnded { .. }
            | TransferError::Catalog(_)
            // What was kept before was within the quota.
            | TransferError::OverQuota { .. }
            | TransferError::Internal(_) => true,
            TransferError::File(_)
            | TransferError::OutcomeUnknown(_)
            | TransferError::TooManySegments { .. }
            | TransferError::ContentDiffers { .. }
            | TransferError::NameTaken
            | TransferError::Removed
            | TransferError::Cancelled => false,
        }
    }

    /// Returns the error for the public, without local paths.
    #[must_use]
    pub fn without_details(mut self) -> TransferError {
        if let Some(failure) = self.local() {
            *failure = failure.without_details();
        }
        self
    }
}

/// Maximum number of nodes whose causes are listed one by one.
const LISTED_MAX: usize = 20;

/// Lists the causes by node; of those of two attempts that are the same, one. Of many nodes the first are listed.
pub(super) fn list(causes: &[(NodeNumber, Cause)]) -> String {
    let mut causes: Vec<String> = causes.chunk_by(|(one, _), (next, _)| one == next).map(list_of_node).collect();
    let left = causes.len().saturating_sub(LISTED_MAX);
    causes.truncate(LISTED_MAX);
    causes.extend((left > 0).then(|| format!("and {left} more, of which `nodes` tells")));
    if causes.is_empty() { "there is no node".into() } else { causes.join("; ") }
}

/// Lists the causes of one node, that of one attempt after the other; the faults that explain several are told once, behind the last of
/// them.
fn list_of_node(attempts: &[(NodeNumber, Cause)]) -> String {
    let mut causes: Vec<&Cause> = attempts.iter().map(|(_, cause)| cause).collect();
    causes.dedup();
    let told = causes.iter().enumerate().map(|(place, cause)| match (cause, causes.get(place + 1)) {
        (Cause::Fault { faults, cause }, Some(Cause::Fault { faults: next, .. })) if faults == next => cause.to_string(),
        _ => cause.to_string(),
    });
    let told: Vec<String> = told.collect();
    attempts.first().map_or_else(String::new, |(node, _)| format!("{node}: {}", told.join(", then ")))
}

/// Time that a transfer still takes, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Remaining {
    /// Estimate from the backlog of each holder, the order in which all transfers pass, what the links and paths allow these together, and
    /// the rates measured.
    Estimated {
        /// Virtual seconds to the end.
        seconds: f64,
    },
    /// Too little has passed to estimate from: the transfer has run for less than three seconds and is less than a tenth done, or
    /// nothing has arrived.
    TooEarly,
    /// The size of the content is not known, as that of a stream before its end.
    UnknownSize,
    /// No byte of the transfer has arrived in the last ten seconds, although there are requests.
    Stalled,
    /// A holder had a request and no byte of it has arrived in the last ten seconds, or in the time that the queue of its link takes, while bytes
    /// of others have.
    SilentHolder {
        /// The first of such nodes.
        node: NodeNumber,
    },
    /// Bytes that were due within a second have not come, while bytes have arrived in the last ten seconds.
    Overdue,
    /// The transfer waits behind others over the same connections: none of its bytes has arrived while theirs have, or how long its last
    /// requests or answers wait for them is chance, of which more is left than an estimate could be right with.
    Behind,
    /// The transfer cannot be completed before nodes answer that are out of reach and that no others replace: some of
    /// [`TransferStatus::awaited`].
    OutOfReach,
    /// Nodes are asked to delete segments, by a removal or by an upload that is undone, and have not answered.
    Deleting {
        /// One of the nodes.
        node: NodeNumber,
        /// Number of the others.
        others: u32,
        /// True if segments of other transfers are ahead of the answer of each of them, on their way from or to the node.
        is_behind: bool,
    },
    /// The transfer waits or undoes something that is not measured in bytes, or is over.
    NotRunning,
}

impl Remaining {
    /// Returns the estimated virtual seconds to the end, if there is an estimate.
    pub const fn seconds(self) -> Option<f64> {
        match self {
            Remaining::Estimated { seconds } => Some(seconds),
            Remaining::TooEarly
            | Remaining::UnknownSize
            | Remaining::Stalled
            | Remaining::SilentHolder { .. }
            | Remaining::Overdue
            | Remaining::Behind
            | Remaining::OutOfReach
            | Remaining::Deleting { .. }
            | Remaining::NotRunning => None,
        }
    }

    /// Returns the same as it is shown: the nearest whole second, and one while there is less, since no estimate is accurate to a part of a
    /// second.
    pub fn whole_seconds(self) -> Option<f64> {
        self.seconds().map(|seconds| seconds.round().max(1.0))
    }
}

impl Serialize for Remaining {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.seconds().serialize(serializer)
    }
}

/// Request to end a transfer early. The state of the transfer tells if it came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelRequest {
    /// Instant of the request.
    pub at: SimTime,
    /// State of the transfer before the request.
    pub during: TransferState,
}

fn by_name<S: Serializer>(host: &Peer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(host)
}

/// Status of a transfer, for lists and screens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferStatus {
    /// Identifier of the transfer.
    pub id: TransferId,
    /// Direction of the transfer.
    pub direction: Direction,
    /// User who began it.
    pub user: Option<String>,
    /// Host that carries the transfer: whose requester asks, and whose link the bytes cross.
    #[serde(serialize_with = "by_name")]
    pub host: Peer,
    /// File that is transferred.
    #[serde(flatten)]
    pub file: FileKey,
    /// Kept upload that the transfer begins or continues: all transfers of one upload have the same. `None` of what cannot be continued.
    #[serde(skip)]
    pub upload: Option<UploadId>,
    /// State of the transfer.
    pub state: TransferState,
    /// Size of the content in bytes; as far as it is known, if [`size_known`](Self::size_known) is false.
    pub bytes: u64,
    /// True if the size is known. That of a stream may be known at its end only.
    pub size_known: bool,
    /// Bytes of the segments that are done; of an upload that is being parked or is parked, of those that can be kept or are.
    pub bytes_done: u64,
    /// Bytes of them that were stored before the transfer began, which continues a kept upload.
    #[serde(skip)]
    pub bytes_before: u64,
    /// Bytes that have arrived at the other end, where TCP acknowledges them: those of finished segments, and of segments in flight what
    /// is there. Of a transfer that has given segments up, what had arrived by then; of an upload that is being parked or is parked, what can
    /// be kept or is.
    #[serde(rename = "bytes_acknowledged")]
    pub bytes_arrived: u64,
    /// Number of segments of the content, as far as it is known.
    pub segments: u32,
    /// Number of segments that are acknowledged.
    pub segments_done: u32,
    /// Number of them that were stored before the transfer began, which continues a kept upload.
    #[serde(skip)]
    pub segments_before: u32,
    /// Number of retransmissions of packets with bytes of the transfer.
    pub retransmits: u64,
    /// Bytes that have arrived per second in the last ten whole seconds, as those of the links are counted; once the transfer is done or
    /// parked, the bytes that it has stored or fetched itself over its duration. `None` before any byte has arrived and the second has ended in
    /// which the transfer began, and once the transfer has ended otherwise.
    pub rate_bytes_per_second: Option<f64>,
    /// Span over which that rate is measured.
    #[serde(skip)]
    pub rate_span: SimDuration,
    /// Number of nodes that could not be told to delete what a removal has released, and delete it when they return.
    pub owing_nodes: u32,
    /// Time that the transfer still takes.
    #[serde(rename = "eta_seconds")]
    pub eta: Remaining,
    /// Nodes out of reach that have to answer, or to be [replaced](Self::replaced), before the transfer can be completed: those that have
    /// stored segments of an upload and not made them durable yet, and the only holders of segments that a download still fetches. By
    /// number; empty once it is over.
    #[serde(skip)]
    pub awaited: Vec<Awaited>,
    /// Nodes out of reach without which an upload will be completed if they do not answer, because other nodes have room for what they
    /// have stored of it or were to store, and it can be sent to these. By number; empty once the upload is over or given up.
    #[serde(skip)]
    pub replaced: Vec<Replacement>,
    /// Instant at which the transfer began.
    pub started: SimTime,
    /// Instant at which the transfer ended; `None` while it runs.
    pub finished: Option<SimTime>,
    /// Reason of the failure, if it failed.
    pub error: Option<TransferError>,
    /// First request to cancel the transfer.
    #[serde(skip)]
    pub cancel: Option<CancelRequest>,
    /// Index of the first segment that the transfer has given up, because it has failed, was cancelled or is kept in part: that one and
    /// those after it are not sent any further, and are deleted where an upload has stored them.
    #[serde(skip)]
    pub given_up_from: Option<u32>,
    /// Instant at which the transfer gave those segments up; what it has done since is undoing. `None` if it has given up none.
    #[serde(skip)]
    pub given_up_at: Option<SimTime>,
}

impl TransferStatus {
    /// Returns true if the transfer cannot be completed before a node answers that is out of reach and that no other one replaces.
    pub fn is_out_of_reach(&self) -> bool {
        self.awaited.iter().any(|awaited| !self.is_replaced(awaited.node))
    }

    /// Returns true if the transfer goes on while nodes are out of reach that others replace: more is to be sent than what these were to
    /// get, or what else is to be sent.
    pub fn goes_on_without(&self) -> bool {
        let open: u64 = self.replaced.iter().map(|replaced| replaced.open).sum();
        self.state == TransferState::Running && !self.is_out_of_reach() && self.bytes_arrived + open < self.bytes
    }

    /// Returns true if other nodes get the part of a node that is out of reach.
    pub fn is_replaced(&self, node: NodeNumber) -> bool {
        self.replaced.iter().any(|replaced| replaced.node == node)
    }

    /// Returns the time taken by `now`.
    pub fn elapsed(&self, now: SimTime) -> SimDuration {
        self.finished.unwrap_or(now) - self.started
    }

    /// Returns the number of segments that are done and not given up.
    pub fn segments_left(&self) -> u32 {
        self.given_up_from.map_or(self.segments_done, |from| self.segments_done.min(from))
    }

    /// Returns the bytes of the segments that the transfer has finished over the time taken, in bytes per second. What was kept of an
    /// upload that it continues is not among them.
    pub fn goodput(&self, now: SimTime) -> f64 {
        let seconds = self.elapsed(now).as_secs_f64();
        if seconds > 0.0 { self.bytes_done.saturating_sub(self.bytes_before) as f64 / seconds } else { 0.0 }
    }
}

/// Report of a transfer with the history of its segments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferReport {
    /// Final status of the transfer, or the current one while it runs.
    pub status: TransferStatus,
    /// SHA-256 digest of the file.
    pub sha256: Option<Sha256Digest>,
    /// Histories of the segments in file order; only the last 4096 if there are more.
    pub timelines: Vec<SegmentTimeline>,
    /// Number of retransmissions by the node that the segment was sent to or fetched from then, also of attempts that have failed and of
    /// segments whose history is not kept: together [`TransferStatus::retransmits`].
    #[serde(skip)]
    pub resent: BTreeMap<NodeNumber, u64>,
    /// Bytes that have arrived in each of the whole virtual seconds of the transfer, at most of its last ten minutes.
    #[serde(skip)]
    pub rates: RateSeries,
}
