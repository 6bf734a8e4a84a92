//! Transfers: uploads, downloads and removals as state machines.
//!
//! A transfer receives inputs about what happened, and asks the world for requests to nodes and for work on files. Each
//! transfer keeps the history of its segments: when a segment was queued, when its bytes were sent and received, and which node
//! holds it.
//!
//! Transfers have no access to wall clocks and check no permissions.

mod deletion;
mod download;
mod estimate;
mod gauge;
mod removal;
mod source;
mod timeline;
mod upload;
mod window;

use std::collections::BTreeMap;

use p2p_store::catalog::CatalogError;
use p2p_store::manifest::NodeNumber;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::gauge::RATE_SECONDS;
pub use self::timeline::{SegmentTimeline, Stage, TransferReport, TransferStatus};

pub(super) use self::download::{Download, Sink};
pub(super) use self::removal::Removal;
pub(super) use self::timeline::TransferLog;
pub(super) use self::upload::Upload;

use self::deletion::Deletion;
use super::cause::{Cause, LocalFailure};
use super::io::{JobId, Outcome};
use super::world::World;
use crate::node::protocol::Response;
use bytes::Bytes;

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

/// State of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferState {
    /// Segments are being transferred.
    Running,
    /// No segment is in flight because other transfers use the shared memory; the transfer continues when it gets memory.
    Waiting,
    /// All segments have arrived; they are made durable and the file visible.
    Committing,
    /// The transfer failed or was cancelled, and its segments are being removed.
    Undoing,
    /// The transfer has finished successfully.
    Done,
    /// The transfer failed; its segments are deleted, or nodes that are unreachable owe the deletion.
    Failed,
    /// The transfer was cancelled; its segments are deleted, or nodes that are unreachable owe the deletion.
    Cancelled,
}

impl TransferState {
    /// Returns true if the transfer is over: finished, failed or cancelled.
    pub const fn is_over(self) -> bool {
        matches!(self, TransferState::Done | TransferState::Failed | TransferState::Cancelled)
    }

    /// Returns the word for reports and screens.
    pub const fn name(self) -> &'static str {
        match self {
            TransferState::Running => "running",
            TransferState::Waiting => "waiting",
            TransferState::Committing => "committing",
            TransferState::Undoing => "undoing",
            TransferState::Done => "done",
            TransferState::Failed => "failed",
            TransferState::Cancelled => "cancelled",
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
    /// The user cancelled the transfer.
    #[error("it was cancelled")]
    Cancelled,
    /// Work ended in a panic, which is a bug of this program.
    #[error("internal error: {0}")]
    Internal(LocalFailure),
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
            | TransferError::Unreadable { .. }
            | TransferError::Cancelled => None,
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

fn list(causes: &[(NodeNumber, Cause)]) -> String {
    let causes: Vec<String> = causes.iter().map(|(node, cause)| format!("{node}: {cause}")).collect();
    if causes.is_empty() { "there is no node".into() } else { causes.join("; ") }
}

impl From<CatalogError> for TransferError {
    fn from(error: CatalogError) -> Self {
        let failure = LocalFailure::from(&error);
        if error.is_outcome_unknown() { TransferError::OutcomeUnknown(failure) } else { TransferError::Catalog(failure) }
    }
}

/// Number of requests to each node that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Unanswered(BTreeMap<NodeNumber, usize>);

impl Unanswered {
    pub(super) fn add(&mut self, node: NodeNumber) {
        *self.0.entry(node).or_default() += 1;
    }

    /// Removes one request that is answered or never will be.
    pub(super) fn settle(&mut self, node: NodeNumber) {
        if let Some(count) = self.0.get_mut(&node) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&node);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Part of a transfer that a request to a node belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    Segment(u32),
    Commit,
    Delete,
}

/// Input of a transfer.
#[derive(Debug)]
pub(super) enum Input {
    /// A segment has reached a stage that the connection observes: [`Connected`](Stage::Connected),
    /// [`FirstByte`](Stage::FirstByte), [`LastByte`](Stage::LastByte) or [`Retransmitted`](Stage::Retransmitted). The transfer
    /// itself records [`Queued`](Stage::Queued) and [`Acknowledged`](Stage::Acknowledged), which counts the segment's bytes.
    Reached { index: u32, stage: Stage },
    /// A node has answered a request.
    Answered { part: Part, node: NodeNumber, response: Response, payload: Bytes },
    /// A node cannot be reached, or failed to answer.
    Unreachable { part: Part, node: NodeNumber, cause: Cause },
    /// Work whose outcome takes effect at this virtual instant is finished.
    Done(Outcome),
}

/// State machine of a transfer in progress.
#[derive(Debug)]
pub(super) enum Transfer {
    Upload(Box<Upload>),
    Download(Box<Download>),
    Removal(Box<Removal>),
}

/// Job whose outcome is needed before the simulation can continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocked(pub(super) JobId);

impl Transfer {
    pub(super) fn log(&self) -> &TransferLog {
        match self {
            Transfer::Upload(upload) => &upload.log,
            Transfer::Download(download) => &download.log,
            Transfer::Removal(removal) => &removal.log,
        }
    }

    /// Handles an input of the transfer.
    pub(super) fn handle(&mut self, world: &mut World, input: Input) {
        match self {
            Transfer::Upload(upload) => upload.handle(world, input),
            Transfer::Download(download) => download.handle(world, input),
            Transfer::Removal(removal) => removal.handle(world, input),
        }
    }

    /// Makes all progress that is possible now.
    pub(super) fn pump(&mut self, world: &mut World) -> Result<(), Blocked> {
        match self {
            Transfer::Upload(upload) => upload.pump(world),
            Transfer::Download(download) => download.pump(world),
            Transfer::Removal(_) => Ok(()),
        }
    }

    /// Cancels the transfer and starts to undo it. A transfer past its point of no return continues.
    pub(super) fn cancel(&mut self, world: &mut World) {
        match self {
            Transfer::Upload(upload) => upload.cancel(world),
            Transfer::Download(download) => download.cancel(world),
            Transfer::Removal(_) => {}
        }
    }
}
