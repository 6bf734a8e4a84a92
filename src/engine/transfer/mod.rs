//! Transfers: uploads, downloads and removals as state machines.
//!
//! A transfer is told what happened and asks the world for requests to nodes and work on files. Each keeps the
//! story of its segments: when a segment was queued, when its bytes came and went, who holds it.
//!
//! Knows nothing of wall clocks or of who asked for it.

mod deletion;
mod download;
mod estimate;
mod gauge;
mod removal;
mod source;
mod story;
mod upload;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::gauge::RATE_SECONDS;
pub use self::story::{SegmentStory, Stage, TransferReport, TransferStatus};

pub(super) use self::download::{Download, Sink};
pub(super) use self::removal::Removal;
pub(super) use self::story::TransferLog;
pub(super) use self::upload::Upload;

use self::deletion::Deletion;
use super::cause::Cause;
use super::io::{JobId, Outcome};
use super::world::World;
use crate::node::protocol::Response;
use crate::storage::catalog::CatalogError;
use crate::storage::manifest::NodeNumber;
use bytes::Bytes;

/// Names a transfer of this run, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferId(pub u64);

/// `#7`.
impl std::fmt::Display for TransferId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

/// What a transfer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// A file goes to the nodes.
    Upload,
    /// A file comes from the nodes.
    Download,
    /// A file is removed from the nodes.
    Removal,
}

impl Direction {
    /// The word in reports and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Upload => "upload",
            Direction::Download => "download",
            Direction::Removal => "removal",
        }
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferState {
    /// Segments are on their way.
    Running,
    /// None are, because other transfers use the memory that all share: it goes on when it has its turn.
    Waiting,
    /// All have arrived; they are made durable and the file visible.
    Committing,
    /// It failed or was cancelled, and what it left is being removed.
    Undoing,
    /// It is done.
    Done,
    /// It failed; what it left is deleted, or owed by nodes that are away.
    Failed,
    /// It was cancelled; what it left is deleted, or owed by nodes that are away.
    Cancelled,
}

impl TransferState {
    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self, TransferState::Done | TransferState::Failed | TransferState::Cancelled)
    }

    /// The word in reports and on screens.
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

/// Why a transfer failed.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum TransferError {
    /// A file on this machine could not be read or written.
    #[error("{0}")]
    File(Cause),
    /// No node can take a segment.
    #[error("no node can take segment {index}: {}", list(reasons))]
    NoHolder {
        /// Which segment of the file.
        index: u32,
        /// Why not, node by node.
        reasons: Vec<(NodeNumber, String)>,
    },
    /// A node did not make its segments durable.
    #[error("{node} did not confirm that its segments are durable: {reason}")]
    NotConfirmed {
        /// Which node.
        node: NodeNumber,
        /// Why.
        reason: String,
    },
    /// A segment cannot be had from any of its holders.
    #[error("segment {index} cannot be read: {}", list(reasons))]
    Unreadable {
        /// Which segment of the file.
        index: u32,
        /// Why not, holder by holder.
        reasons: Vec<(NodeNumber, String)>,
    },
    /// The catalog refused.
    #[error("{0}")]
    Catalog(Cause),
    /// The catalog could not say whether it made the change.
    #[error("it is not known whether it is done: {0}")]
    OutcomeUnknown(Cause),
    /// Somebody cancelled it.
    #[error("it was cancelled")]
    Cancelled,
    /// Work ended in a panic: a bug of this program.
    #[error("internal error: {0}")]
    Internal(Cause),
}

impl TransferError {
    /// Why something on this machine refused, where it was that.
    fn cause(&mut self) -> Option<&mut Cause> {
        match self {
            TransferError::File(cause)
            | TransferError::Catalog(cause)
            | TransferError::OutcomeUnknown(cause)
            | TransferError::Internal(cause) => Some(cause),
            TransferError::NoHolder { .. }
            | TransferError::NotConfirmed { .. }
            | TransferError::Unreadable { .. }
            | TransferError::Cancelled => None,
        }
    }

    /// The error as everybody who watches is told it: without places of this machine.
    #[must_use]
    pub fn without_details(mut self) -> TransferError {
        if let Some(cause) = self.cause() {
            *cause = cause.without_details();
        }
        self
    }
}

fn list(reasons: &[(NodeNumber, String)]) -> String {
    let reasons: Vec<String> = reasons.iter().map(|(node, reason)| format!("{node}: {reason}")).collect();
    if reasons.is_empty() { "there is no node".into() } else { reasons.join("; ") }
}

impl From<CatalogError> for TransferError {
    fn from(error: CatalogError) -> Self {
        let cause = Cause::with_details(error.without_path(), error.to_string());
        if error.is_outcome_unknown() { TransferError::OutcomeUnknown(cause) } else { TransferError::Catalog(cause) }
    }
}

/// Requests that nodes have not answered yet.
#[derive(Debug, Default)]
pub(super) struct Unanswered(BTreeMap<NodeNumber, usize>);

impl Unanswered {
    pub(super) fn add(&mut self, node: NodeNumber) {
        *self.0.entry(node).or_default() += 1;
    }

    /// One of them is answered, or never will be.
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

/// What part of a transfer a request to a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    Segment(u32),
    Commit,
    Delete,
}

/// What happened to a transfer.
#[derive(Debug)]
pub(super) enum Input {
    /// The connection that carries a segment is open.
    Connected { index: u32 },
    /// Its first byte has left its sender.
    FirstByte { index: u32 },
    /// All of its bytes have reached the other end.
    LastByte { index: u32 },
    /// Some of it was sent again.
    Retransmitted { index: u32 },
    /// A node has answered.
    Answered { part: Part, node: NodeNumber, response: Response, payload: Bytes },
    /// A node cannot be reached.
    Unreachable { part: Part, node: NodeNumber, reason: String },
    /// Work that was asked for at a virtual instant is done.
    Done(Outcome),
}

/// A transfer under way.
#[derive(Debug)]
pub(super) enum Transfer {
    Upload(Box<Upload>),
    Download(Box<Download>),
    Removal(Box<Removal>),
}

/// What a transfer could not do without: the outcome of this work.
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

    /// Takes in what happened.
    pub(super) fn handle(&mut self, world: &mut World, input: Input) {
        match self {
            Transfer::Upload(upload) => upload.handle(world, input),
            Transfer::Download(download) => download.handle(world, input),
            Transfer::Removal(removal) => removal.handle(world, input),
        }
    }

    /// Does what can be done now.
    pub(super) fn pump(&mut self, world: &mut World) -> Result<(), Blocked> {
        match self {
            Transfer::Upload(upload) => upload.pump(world),
            Transfer::Download(download) => download.pump(world),
            Transfer::Removal(_) => Ok(()),
        }
    }

    /// Ends it, and lets it clear up behind itself. What is past the point of return goes on.
    pub(super) fn cancel(&mut self, world: &mut World) {
        match self {
            Transfer::Upload(upload) => upload.cancel(world),
            Transfer::Download(download) => download.cancel(world),
            Transfer::Removal(_) => {}
        }
    }
}
