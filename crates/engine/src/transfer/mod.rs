//! Transfers: uploads, downloads and removals as machines that do nothing by themselves.
//!
//! A transfer takes inputs (`Transfer::handle`): answers of nodes, outcomes of work, grants of memory and room. It returns
//! outputs (`Transfer::poll_output`): requests to nodes, work on files and on the catalog, events. The simulation carries the
//! outputs out in their order, and some of them it answers at once with an input. The caller polls after every input until
//! there is no output. Inputs that nothing was asked for are ignored, and so is every input after `Output::Done`.
//!
//! Each transfer keeps the history of its segments: when a segment was queued, when its bytes were sent and received, and which
//! node holds it. Transfers have no access to clocks, files, the network or the catalog, and check no permissions.

mod commitment;
mod deletion;
mod delivery;
mod download;
pub(super) mod exchange;
mod extent;
mod keeping;
mod log;
mod removal;
mod sole_holders;
mod undoing;
mod upload;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use p2p_base::units::SimTime;
use p2p_store::catalog::{Commit, Garbage};
use p2p_store::manifest::{FileRecord, NodeNumber, SegmentRecord};
use p2p_store::names::FileKey;
use p2p_store::pins::Pin;
use p2p_store::segment::{SegmentId, Sha256Digest};
use p2p_store::uploads::{UploadId, UploadRecord};

pub use crate::gauge::RATE_SECONDS;
pub use crate::status::{
    Absence, Awaited, CancelRequest, Direction, Remaining, Replacement, SegmentTimeline, Stage, TransferError, TransferId,
    TransferReport, TransferState, TransferStatus,
};

pub(super) use self::download::{Download, DownloadPlan};
pub(super) use self::log::TransferLog;
pub(super) use self::removal::Removal;
pub(super) use self::upload::{SEGMENTS_MAX, Upload, UploadPlan};

use super::cause::Cause;
use super::edge::Happened;
use super::error::EngineError;
use super::event::Event;
use super::io::Outcome;
use super::operation::Reply;
use crate::node::protocol::{IDS_MAX, Request, Response, ids_payload};

/// Number of requests to each node that are not answered yet.
#[derive(Debug, Default)]
struct Unanswered(BTreeMap<NodeNumber, usize>);

impl Unanswered {
    /// Asks each node about its segments, in as many requests as necessary.
    fn ask(outputs: &mut VecDeque<Output>, part: Part, request: &Request, shares: &Garbage) -> Unanswered {
        let mut asked = Unanswered::default();
        for (&node, ids) in shares {
            asked.ask_node(outputs, part, request, node, ids);
        }
        asked
    }

    /// Asks a node about segments, in as many requests as necessary.
    fn ask_node(&mut self, outputs: &mut VecDeque<Output>, part: Part, request: &Request, node: NodeNumber, ids: &[SegmentId]) {
        for batch in ids.chunks(IDS_MAX) {
            *self.0.entry(node).or_default() += 1;
            outputs.push_back(Output::Ask { node, part, request: request.clone(), payload: ids_payload(batch) });
        }
    }

    /// Removes one request that is answered or never will be.
    fn settle(&mut self, node: NodeNumber) {
        if let Some(count) = self.0.get_mut(&node) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&node);
            }
        }
    }

    /// Returns true if a node has not answered all.
    fn contains(&self, node: NodeNumber) -> bool {
        self.0.contains_key(&node)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the nodes that have not answered all.
    fn nodes(&self) -> impl Iterator<Item = NodeNumber> {
        self.0.keys().copied()
    }
}

/// Number of times that a segment which arrives corrupted is sent to the same node, that a node whose connections are lost is asked to
/// commit what it has, and that what holders have lost is stored again.
const ATTEMPTS_MAX: u32 = 3;

/// Part of a transfer that a request to a node belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    Segment(u32),
    Commit,
    /// Commitment of segments of an upload that is kept.
    Keep,
    Delete,
    /// Question for a sign of life.
    Stat,
}

impl Part {
    /// Returns true if the request is to make durable what a node has stored.
    pub(super) const fn is_commit(self) -> bool {
        matches!(self, Part::Commit | Part::Keep)
    }
}

/// Input of a transfer.
#[derive(Debug)]
pub(super) enum Input {
    /// The transfer may make progress: something has happened to it, or memory has become free.
    Resumed,
    /// A segment has reached a stage that an onlooker of the network sees: [`Connected`](Stage::Connected),
    /// [`FirstByte`](Stage::FirstByte), [`LastByte`](Stage::LastByte) or [`Retransmitted`](Stage::Retransmitted); or it is
    /// [`Queued`](Stage::Queued) once more, of the same attempt, for another connection. The transfer itself records the first time
    /// that it is queued, and [`Acknowledged`](Stage::Acknowledged), which counts the segment's bytes.
    Reached { index: u32, stage: Stage },
    /// A node has answered a request, and has not refused it.
    Answered { part: Part, node: NodeNumber, response: Response, payload: Bytes },
    /// A node cannot be reached, has not answered, or has refused.
    Failed { part: Part, node: NodeNumber, cause: Cause },
    /// A node has refused a request because it lacks these of the segments.
    Lacking { part: Part, node: NodeNumber, cause: Cause, ids: Vec<SegmentId> },
    /// Work on the catalog is finished, at the virtual instant at which it takes effect.
    Catalog(Outcome),
    /// The earliest work at the edge is finished; the answer to [`Output::AwaitLocal`].
    Local(Outcome),
    /// Memory is granted, or it is not; the answer to [`Output::TakeMemory`].
    Memory { is_granted: bool },
    /// A node has room for the segment; the answer to [`Output::Place`].
    Placed { node: NodeNumber },
    /// No node can take the segment, for these reasons; the answer to [`Output::Place`].
    NotPlaced { nodes: Vec<(NodeNumber, Cause)> },
    /// Segments that nodes can be asked to delete now, and the number of nodes that owe theirs; the answer to [`Output::Delete`].
    Deletable(Garbage, u32),
    /// Something has happened at the other end of a stream of remote origin.
    Happened(Happened),
    /// The transfer is to fail for this reason. One past its point of no return continues.
    GivenUp(TransferError),
    /// The transfer is to end. One past its point of no return continues.
    Cancelled,
    /// An upload that is to be kept is to end, and to keep what is stored. Any other transfer, and one past its point of no return, continues.
    Parked,
}

/// Output of a transfer, which the simulation carries out.
#[derive(Debug, PartialEq)]
pub(super) enum Output {
    /// Ask a node to store or to send a segment, and measure its bytes.
    AskSegment {
        index: u32,
        /// Length of the segment in bytes.
        len: u32,
        node: NodeNumber,
        /// Node of the failed attempt that this one replaces.
        instead_of: Option<NodeNumber>,
        request: Request,
        payload: Bytes,
    },
    /// Ask a node to commit or to delete the segments that the payload names.
    Ask { node: NodeNumber, part: Part, request: Request, payload: Bytes },
    /// Note that a node has lost so many bytes that it had stored, which have to be sent again.
    Lose { node: NodeNumber, bytes: u64 },
    /// Drop the requests that are not written yet.
    Forget,
    /// Choose a node for a segment, but none of these: the one that is asked again if it can take it, one that holds it, the preferred one
    /// if it has room, or another one with room. Answered at once.
    Place { id: SegmentId, len: u64, except: BTreeSet<NodeNumber>, again: Option<NodeNumber>, preferred: Option<NodeNumber> },
    /// Protect a segment on a node from deletion and reserve room for it.
    Pin { index: u32, node: NodeNumber, id: SegmentId, len: u64 },
    /// End the reservation of room for a segment, if it still stands.
    FreeRoom { index: u32 },
    /// End the protection of a segment on a node.
    Unpin { node: NodeNumber, id: SegmentId },
    /// Take memory from the budget. Answered at once.
    TakeMemory { bytes: u64 },
    /// Give memory back.
    GiveMemory { bytes: u64 },
    /// Give all memory back, and take no more.
    LeaveMemory,
    /// Take memory again after it was left.
    JoinMemory,
    /// Cut the next segments from the source.
    Cut,
    /// Read a segment from the source again, which has to be as it was.
    ReadAgain { index: u32, id: SegmentId, len: u32 },
    /// Verify a segment and write the part `within` it to the destination.
    Write { id: SegmentId, bytes: Bytes, within: Range<usize> },
    /// Complete the destination. With a digest, verify first that the content has it.
    Complete { sha256: Option<Sha256Digest> },
    /// Wait for the earliest work at the edge, while virtual time stands still. Answered, if any is under way, before anything else
    /// happens to the transfer. Always the last output.
    AwaitLocal,
    /// Discard the destination and the work at the edge.
    CloseLocal,
    /// Submit work on the catalog.
    Catalog(CatalogWork),
    /// Remember a file that the catalog has stored.
    AddFile(Box<FileRecord>),
    /// Forget a file, or a directory with all that is within it, that the catalog has removed, and announce what is gone.
    DropTree(FileKey),
    /// Remember an upload that is kept although its source has gone. Its name stays reserved.
    Park(Box<UploadRecord>),
    /// End the reservation of the upload's name.
    ReleaseName,
    /// Delete segments that no file references: nodes that cannot be asked now owe the deletion. Answered at once.
    Delete(Garbage),
    /// Let a node owe the deletion of segments.
    Owe { node: NodeNumber, ids: Vec<SegmentId> },
    /// Remember a segment of so many bytes that the catalog keeps for a user.
    AddPin(Pin, u32),
    /// Forget a segment that the catalog no longer keeps for a user.
    DropPin(Pin),
    /// Answer the command that an exchange carries out.
    Answer(Box<Result<Reply, EngineError>>),
    /// Publish an event.
    Emit(Event),
    /// The transfer is over. No output follows.
    Done,
}

/// Work on the catalog.
#[derive(Debug, PartialEq)]
pub(super) enum CatalogWork {
    /// Read the manifest of a file.
    Manifest(FileKey),
    /// Store a file, which the kept upload becomes.
    Commit(Box<Commit>, Option<UploadId>),
    /// Note what is kept of an upload, with the segments that it is more than before.
    Keep(Box<UploadRecord>, Vec<SegmentRecord>),
    /// Forget a kept upload.
    Forget(UploadId),
    /// Remove a file.
    Remove(FileKey, Option<Sha256Digest>),
    /// Find out which of these segments no file references.
    Unreferenced(Garbage),
    /// Keep a segment for a user.
    Pin(Pin, SegmentRecord),
    /// Keep a segment no longer for a user.
    Release(Pin),
    /// Find out whether a file has a segment that the node holds.
    Find { key: FileKey, id: SegmentId, node: NodeNumber },
}

/// State machine of a transfer in progress.
#[derive(Debug)]
pub(super) enum Transfer {
    Upload(Box<Upload>),
    Download(Box<Download>),
    Removal(Box<Removal>),
}

impl Transfer {
    pub(super) fn log(&self) -> &TransferLog {
        match self {
            Transfer::Upload(upload) => upload.log(),
            Transfer::Download(download) => download.log(),
            Transfer::Removal(removal) => removal.log(),
        }
    }

    /// Returns the history, for what is measured outside of the transfer.
    pub(super) fn log_mut(&mut self) -> &mut TransferLog {
        match self {
            Transfer::Upload(upload) => upload.log_mut(),
            Transfer::Download(download) => download.log_mut(),
            Transfer::Removal(removal) => removal.log_mut(),
        }
    }

    /// Handles an input of the transfer. The outputs have to be polled afterwards.
    pub(super) fn handle(&mut self, now: SimTime, input: Input) {
        match self {
            Transfer::Upload(upload) => upload.handle(now, input),
            Transfer::Download(download) => download.handle(now, input),
            Transfer::Removal(removal) => removal.handle(now, input),
        }
    }

    /// Returns the number of segments that the transfer takes of a source of remote origin now.
    pub(super) fn wanted(&self) -> usize {
        match self {
            Transfer::Upload(upload) => upload.wanted(),
            Transfer::Download(_) | Transfer::Removal(_) => 0,
        }
    }

    /// Returns the indices of the segments that are fetched.
    pub(super) fn selected(&self) -> Range<usize> {
        match self {
            Transfer::Download(download) => download.selected(),
            Transfer::Upload(_) | Transfer::Removal(_) => 0..0,
        }
    }

    /// Returns true if the transfer is going to ask a node for segments. Uploads have pinned what they need of a node.
    pub(super) fn needs(&self, node: NodeNumber) -> bool {
        match self {
            Transfer::Download(download) => download.needs(node),
            Transfer::Upload(_) | Transfer::Removal(_) => false,
        }
    }

    /// Returns the nodes without whose answers the transfer cannot be completed.
    pub(super) fn indispensable(&self) -> BTreeSet<NodeNumber> {
        match self {
            Transfer::Upload(upload) => upload.indispensable(),
            Transfer::Download(download) => download.indispensable(),
            // What a node cannot be told to delete now, it owes.
            Transfer::Removal(_) => BTreeSet::new(),
        }
    }

    /// Returns the upload, while it stores segments and is not to end before it has stored all.
    pub(super) fn storing(&self) -> Option<&Upload> {
        match self {
            Transfer::Upload(upload) if upload.is_to_store_all() => Some(upload),
            Transfer::Upload(_) | Transfer::Download(_) | Transfer::Removal(_) => None,
        }
    }

    /// Returns the nodes that are asked to delete segments for the transfer and have not answered.
    pub(super) fn deleting(&self) -> BTreeSet<NodeNumber> {
        match self {
            Transfer::Upload(upload) => upload.deleting(),
            Transfer::Removal(removal) => removal.deleting(),
            Transfer::Download(_) => BTreeSet::new(),
        }
    }

    /// Returns true if the transfer is the removal of a file or directory, until it is known that the catalog has removed it.
    pub(super) fn is_removing(&self) -> bool {
        match self {
            Transfer::Removal(removal) => removal.is_removing(),
            Transfer::Upload(_) | Transfer::Download(_) => false,
        }
    }

    /// Returns the bytes and the number of the segments that can be kept of an upload that is being parked.
    pub(super) fn keepable(&self) -> Option<(u64, u32)> {
        match self {
            Transfer::Upload(upload) => upload.keepable(),
            Transfer::Download(_) | Transfer::Removal(_) => None,
        }
    }

    /// Returns the upload that is kept if its source goes, and true if the catalog knows it.
    pub(super) fn kept(&self) -> Option<(&UploadRecord, bool)> {
        match self {
            Transfer::Upload(upload) => upload.kept(),
            Transfer::Download(_) | Transfer::Removal(_) => None,
        }
    }

    /// Returns true if the transfer waits for a stream of remote origin and for nothing else.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Transfer::Upload(upload) => upload.is_idle(),
            Transfer::Download(download) => download.is_idle(),
            Transfer::Removal(_) => false,
        }
    }

    /// Returns true if the transfer would ask for more, but for a stream of remote origin that gives or takes nothing. What it has asked
    /// for may be under way.
    pub(super) fn is_held_up(&self) -> bool {
        match self {
            Transfer::Upload(upload) => upload.is_held_up(),
            Transfer::Download(download) => download.is_held_up(),
            Transfer::Removal(_) => false,
        }
    }

    /// Returns the next output.
    pub(super) fn poll_output(&mut self) -> Option<Output> {
        match self {
            Transfer::Upload(upload) => upload.poll_output(),
            Transfer::Download(download) => download.poll_output(),
            Transfer::Removal(removal) => removal.poll_output(),
        }
    }
}

#[cfg(test)]
mod tests;
