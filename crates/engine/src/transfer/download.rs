//! Download: segments of a file are fetched from their holders, verified and written to their destination.
//!
//! Several requests are in flight; segments that arrive out of order wait for the earlier ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use p2p_base::units::SimTime;
use p2p_store::catalog::Garbage;
use p2p_store::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};
use p2p_store::segment::{SegmentId, Sha256Digest};

use super::delivery::Delivery;
use super::extent::Extent;
use super::sole_holders::SoleHolders;
use super::window::RequestWindow;
use super::{CatalogWork, Direction, Input, Output, Part, Stage, TransferError, TransferId, TransferLog, TransferState};
use crate::cause::{Cause, LocalFailure};
use crate::edge::Happened;
use crate::event::Event;
use crate::io::{FileOutcome, Outcome};
use crate::node::protocol::{Request, Response};
use crate::operation::ByteRange;
use crate::peer::Peer;

/// Maximum number of segments whose writing may be outstanding.
const WRITES_AHEAD: usize = 32;

/// Segment in flight from a node.
#[derive(Debug)]
struct Open {
    node: NodeNumber,
    /// Holders that failed before, with their reasons.
    causes: Vec<(NodeNumber, Cause)>,
}

#[derive(Debug, PartialEq)]
enum DownloadPhase {
    /// The catalog is reading the manifest.
    Looking,
    Fetching,
    /// The complete file is being verified and named.
    Finishing,
    Over,
}

/// What a download fetches, and for whom.
#[derive(Debug)]
pub(crate) struct DownloadPlan {
    pub(crate) user: Option<String>,
    /// Host that carries the download.
    pub(crate) host: Peer,
    pub(crate) file: FileRecord,
    /// Part of the file; `None` for all of it.
    pub(crate) range: Option<ByteRange>,
    /// Number of nodes in the network.
    pub(crate) nodes: usize,
    /// True if virtual time does not wait for the destination.
    pub(crate) is_remote: bool,
}

/// Download of a file in progress.
#[derive(Debug)]
pub(crate) struct Download {
    log: TransferLog,
    extent: Extent,
    /// Number of nodes in the network.
    nodes: usize,
    manifest: Option<Box<Manifest>>,
    next_request: u32,
    next_write: u32,
    open: BTreeMap<u32, Open>,
    /// Only holders of the segments that are to be requested or open.
    sole_holders: SoleHolders,
    /// Segments that have arrived and wait for earlier ones.
    early: BTreeMap<u32, Bytes>,
    /// Lengths of the segments that are being written.
    writes: VecDeque<u64>,
    /// Delivery to a stream of remote origin.
    delivery: Option<Delivery>,
    /// True if memory for the next segment was refused.
    is_refused: bool,
    /// Error of a segment without a holder, until the catalog says whether the file was removed.
    doubt: Option<TransferError>,
    window: RequestWindow,
    phase: DownloadPhase,
    outputs: VecDeque<Output>,
}

impl Download {
    /// Starts to fetch what a plan says.
    pub(crate) fn new(now: SimTime, id: TransferId, plan: DownloadPlan) -> Download {
        let DownloadPlan { user, host, file, range, nodes, is_remote } = plan;
        let extent = Extent::new(&file, range);
        let (bytes, segments) = extent.size(&file);
        let log = TransferLog::new(id, Direction::Download, (user, host), &file.key, (Some(bytes), Some(segments)), now);
        let outputs = [Output::Emit(log.started()), Output::Catalog(CatalogWork::Manifest(file.key))];
        Download {
            log,
            nodes,
            manifest: None,
            next_request: extent.segments.start,
            next_write: extent.segments.start,
            extent,
            open: BTreeMap::new(),
            sole_holders: SoleHolders::default(),
            early: BTreeMap::new(),
            writes: VecDeque::new(),
            delivery: is_remote.then(Delivery::new),
            is_refused: false,
            doubt: None,
            window: RequestWindow::new(file.segment_size as usize, now),
            phase: DownloadPhase::Looking,
            outputs: outputs.into(),
        }
    }

    /// Returns the indices of the segments that are fetched.
    pub(crate) fn selected(&self) -> Range<usize> {
        self.extent.segments.start as usize..self.extent.segments.end as usize
    }

    /// Returns true if nothing is under way because the reader of a stream of remote origin takes nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.is_held_up()
    }

    /// Returns true if nothing more is asked for because the reader of a stream of remote origin takes nothing.
    pub(crate) fn is_held_up(&self) -> bool {
        let is_unread = self.delivery.as_ref().is_some_and(|delivery| delivery.unread() > 0);
        self.phase == DownloadPhase::Fetching && is_unread && (self.is_refused || self.next_to_request().is_none())
    }

    /// Returns true if segments are still to be fetched from a node, or may be as long as it is not known who holds them.
    pub(crate) fn needs(&self, node: NodeNumber) -> bool {
        let left = match self.phase {
            DownloadPhase::Looking => return true,
            DownloadPhase::Fetching => self.next_request as usize..self.extent.segments.end as usize,
            DownloadPhase::Finishing | DownloadPhase::Over => return false,
        };
        let segments = self.manifest.as_ref().and_then(|manifest| manifest.segments.get(left)).unwrap_or_default();
        segments.iter().any(|segment| segment.holders.contains(&node)) || self.open.values().any(|open| open.node == node)
    }

    /// Returns the nodes without whose answers the download cannot be completed: the only holders of segments that are still to be
    /// fetched.
    pub(crate) fn indispensable(&self) -> BTreeSet<NodeNumber> {
        self.sole_holders.nodes().filter(|node| node.index() < self.nodes).collect()
    }

    pub(crate) fn log(&self) -> &TransferLog {
        &self.log
    }

    pub(crate) fn log_mut(&mut self) -> &mut TransferLog {
        &mut self.log
    }

    /// Returns the next output.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Handles an input of the download.
    pub(crate) fn handle(&mut self, now: SimTime, input: Input) {
        self.take(now, input);
        if self.is_idle() {
            self.rest();
        }
    }

    fn take(&mut self, now: SimTime, input: Input) {
        match input {
            _ if self.phase == DownloadPhase::Over => {}
            Input::Resumed => self.advance(),
            Input::Memory { is_granted } => self.on_memory(now, is_granted),
            Input::Local(outcome) => self.on_local(now, outcome),
            Input::Reached { index, stage } => self.report_stage(now, index, stage),
            Input::Answered { part: Part::Segment(index), node, response, payload } => {
                self.on_answered(now, index, node, response, payload);
            }
            Input::Failed { part: Part::Segment(index), node, cause } => self.on_segment_failed(now, index, node, cause),
            Input::Catalog(outcome) => self.on_catalog(now, outcome),
            Input::GivenUp(error) if self.phase != DownloadPhase::Finishing => self.fail(now, error),
            Input::Happened(Happened::Taken(total)) => self.on_taken(total),
            Input::Happened(Happened::Gone) if self.phase != DownloadPhase::Finishing => self.fail(now, TransferError::Cancelled),
            Input::Cancelled => {
                self.log.note_cancel(now);
                if self.phase != DownloadPhase::Finishing {
                    self.fail(now, TransferError::Cancelled);
                }
            }
            _ => {}
        }
    }

    /// Takes the next step: requests a segment, waits for a write so that a failed one is noticed early, or finishes the file
    /// once every segment is handed to the writer. A step that needs an answer ends here and is continued by the answer.
    fn advance(&mut self) {
        match self.phase {
            DownloadPhase::Finishing => self.outputs.push_back(Output::AwaitLocal),
            DownloadPhase::Fetching if self.writes.len() > self.writes_ahead() => self.outputs.push_back(Output::AwaitLocal),
            DownloadPhase::Fetching => match self.next_to_request() {
                Some(bytes) => self.outputs.push_back(Output::TakeMemory { bytes }),
                None => self.finish_and_wait(),
            },
            DownloadPhase::Looking | DownloadPhase::Over => {}
        }
    }

    /// Returns the number of segments whose writing may be outstanding. Of those for a stream of remote origin all may that its reader has
    /// not taken: what one of them has come to is there once it is taken, and a failure counts as that.
    fn writes_ahead(&self) -> usize {
        self.delivery.as_ref().map_or(WRITES_AHEAD, Delivery::unread)
    }

    fn segment(&self, index: u32) -> Option<&SegmentRecord> {
        segment_of(self.manifest.as_deref(), index)
    }

    /// Returns the length of the next segment, if it may be requested now.
    fn next_to_request(&self) -> Option<u64> {
        let segment = self.segment(self.next_request)?;
        let ahead = self.open.len() + self.early.len() + self.delivery.as_ref().map_or(0, Delivery::unread);
        let window = self.delivery.as_ref().map_or(usize::MAX, Delivery::window).min(self.window.segments());
        let is_wanted = ahead < window && self.next_request < self.extent.segments.end;
        is_wanted.then_some(u64::from(segment.len))
    }

    fn on_memory(&mut self, now: SimTime, is_granted: bool) {
        if self.phase != DownloadPhase::Fetching || self.next_to_request().is_none() {
            return;
        }
        self.is_refused = !is_granted;
        if is_granted {
            self.log.status.state = TransferState::Running;
            let index = self.next_request;
            self.next_request += 1;
            self.ask(now, index, Vec::new());
            self.advance();
        } else if self.delivery.is_none() && !self.writes.is_empty() {
            // The write gives its memory back.
            self.outputs.push_back(Output::AwaitLocal);
        } else {
            if self.open.is_empty() && self.early.is_empty() {
                self.log.status.state = TransferState::Waiting;
            }
            self.finish_and_wait();
        }
    }

    fn finish_and_wait(&mut self) {
        self.finish_when_written();
        if self.phase == DownloadPhase::Finishing {
            self.outputs.push_back(Output::AwaitLocal);
        }
    }

    /// Completes the destination once every segment is written and, by the reader of a stream of remote origin, taken.
    fn finish_when_written(&mut self) {
        let is_taken = self.delivery.as_ref().is_none_or(|delivery| delivery.unread() == 0);
        if self.manifest.is_some() && self.next_write == self.extent.segments.end && is_taken {
            self.outputs.push_back(Output::Complete { sha256: self.whole_digest() });
            self.phase = DownloadPhase::Finishing;
        }
    }

    /// Returns the digest of the file, if all of it is fetched.
    fn whole_digest(&self) -> Option<Sha256Digest> {
        self.manifest.as_ref().filter(|_| self.extent.is_whole).map(|manifest| manifest.file.sha256)
    }

    /// Continues after the reader of a stream of remote origin has taken so many segments since the begin.
    fn on_taken(&mut self, total: u64) {
        let Some(delivery) = self.delivery.as_mut().filter(|_| self.phase == DownloadPhase::Fetching) else { return };
        let bytes = delivery.take(total);
        if bytes > 0 {
            self.log.status.state = TransferState::Running;
            self.outputs.push_back(Output::GiveMemory { bytes });
            self.write_early();
            // It advances when it is resumed: an input must not wait for work.
            self.finish_when_written();
        }
    }

    /// Gives up what lies too far ahead of a reader that takes nothing; it is asked for again later.
    fn rest(&mut self) {
        let Some(delivery) = &mut self.delivery else { return };
        for _ in 0..delivery.surplus(self.early.len()) {
            let Some((index, bytes)) = self.early.pop_last() else { break };
            self.outputs.push_back(Output::GiveMemory { bytes: bytes.len() as u64 });
            self.log.forget(index);
            self.next_request = index;
            if let Some(segment) = segment_of(self.manifest.as_deref(), index) {
                self.sole_holders.add(&segment.holders);
            }
        }
        self.log.status.state = TransferState::Idle;
    }

    /// Handles the end of the earliest work on the local file: a write or, after all of them, the completion.
    fn on_local(&mut self, now: SimTime, outcome: Outcome) {
        let failure = failure_of(outcome);
        match (&self.phase, self.writes.pop_front()) {
            // The reader of a stream gives the memory back, when it takes the segment.
            (DownloadPhase::Fetching, Some(_)) if self.delivery.is_some() => {}
            (DownloadPhase::Fetching, Some(bytes)) => self.outputs.push_back(Output::GiveMemory { bytes }),
            (DownloadPhase::Finishing, Some(_)) => {}
            (DownloadPhase::Finishing, None) => return self.finish(now, failure),
            _ => return,
        }
        match failure {
            Some(error) => self.fail(now, error),
            None => self.advance(),
        }
    }

    /// Requests a segment from the next holder that has not failed yet, or else once more from one to which a connection was lost:
    /// its process may have been started anew since, or its packets met a full queue.
    fn ask(&mut self, now: SimTime, index: u32, mut causes: Vec<(NodeNumber, Cause)>) {
        let Some(segment) = self.segment(index) else { return };
        let (len, id) = (segment.len, segment.id);
        let (known, unknown): (Vec<_>, Vec<_>) = segment.holders.iter().copied().partition(|node| node.index() < self.nodes);
        let Some(node) = next_of(&known, &causes) else {
            causes.extend(unknown.into_iter().map(|node| (node, Cause::NoSuchNode { nodes: self.nodes })));
            return self.on_no_holder(now, index, (id, causes));
        };
        let (request, payload) = (Request::Get { id }, Bytes::new());
        let (instead_of, queued) = self.log.begin(index, len, node, causes.len() as u32, now);
        self.open.insert(index, Open { node, causes });
        self.outputs.extend([Output::Emit(queued), Output::AskSegment { index, len, node, instead_of, request, payload }]);
    }

    /// Ends the download for want of a segment. Where a holder says that it does not have it, the catalog is asked first whether a file
    /// still needs it: the segments of a file that was removed are no loss.
    fn on_no_holder(&mut self, now: SimTime, index: u32, (id, causes): (SegmentId, Vec<(NodeNumber, Cause)>)) {
        let without: Garbage =
            causes.iter().filter(|(_, cause)| cause.is_not_stored()).map(|&(node, _)| (node, vec![id])).collect();
        let error = TransferError::Unreadable { index, causes };
        match &self.doubt {
            // The answer is of the first of its segments.
            Some(_) => {}
            None if without.is_empty() => self.fail(now, error),
            None => {
                self.doubt = Some(error);
                self.outputs.push_back(Output::Catalog(CatalogWork::Unreferenced(without)));
            }
        }
    }

    fn report_stage(&mut self, now: SimTime, index: u32, stage: Stage) {
        self.outputs.extend(self.log.reach(index, stage, now).map(Output::Emit));
    }

    fn on_catalog(&mut self, now: SimTime, outcome: Outcome) {
        match outcome {
            Outcome::Unreferenced(found) => {
                let Some(error) = self.doubt.take() else { return };
                let is_removed = found.is_ok_and(|unneeded| unneeded.values().any(|ids| !ids.is_empty()));
                self.fail(now, if is_removed { TransferError::Removed } else { error });
            }
            Outcome::Crashed(reason) => self.fail(now, TransferError::Internal(LocalFailure::of_panic(reason))),
            _ if self.phase != DownloadPhase::Looking => {}
            Outcome::Manifest(Ok(manifest)) => {
                let left = manifest.segments.get(self.selected()).unwrap_or_default();
                left.iter().for_each(|segment| self.sole_holders.add(&segment.holders));
                self.manifest = Some(manifest);
                self.phase = DownloadPhase::Fetching;
            }
            Outcome::Manifest(Err(error)) => self.fail(now, error.into()),
            _ => {}
        }
    }

    fn on_answered(&mut self, now: SimTime, index: u32, node: NodeNumber, response: Response, payload: Bytes) {
        match response {
            Response::Segment { .. } => self.on_segment(now, index, node, payload),
            other => self.on_segment_failed(now, index, node, Cause::Unexpected(other)),
        }
    }

    fn on_segment(&mut self, now: SimTime, index: u32, node: NodeNumber, payload: Bytes) {
        if self.take_open(index, node).is_none() {
            return;
        }
        if let Some(segment) = segment_of(self.manifest.as_deref(), index) {
            self.sole_holders.remove(&segment.holders);
        }
        if self.log.crosses_link(node) {
            self.window.note(now, payload.len() as u64);
        }
        self.report_stage(now, index, Stage::Acknowledged);
        self.early.insert(index, payload);
        self.write_early();
    }

    /// Writes the segments that are next, as far as the reader of a stream of remote origin has room for them.
    fn write_early(&mut self) {
        while self.delivery.as_ref().is_none_or(Delivery::has_room) {
            let Some(bytes) = self.early.remove(&self.next_write) else { return };
            self.write(bytes);
        }
    }

    fn write(&mut self, bytes: Bytes) {
        let Some((id, len)) = self.segment(self.next_write).map(|segment| (segment.id, u64::from(segment.len))) else { return };
        self.outputs.push_back(Output::Write { id, bytes, within: self.extent.within(self.next_write) });
        self.writes.push_back(len);
        self.delivery.iter_mut().for_each(|delivery| delivery.deliver(len));
        self.next_write += 1;
    }

    /// Removes a segment in flight from this node; `None` if another node has been asked since.
    fn take_open(&mut self, index: u32, node: NodeNumber) -> Option<Open> {
        self.open.get(&index).filter(|open| open.node == node)?;
        self.open.remove(&index)
    }

    fn on_segment_failed(&mut self, now: SimTime, index: u32, node: NodeNumber, cause: Cause) {
        let Some(mut open) = self.take_open(index, node) else { return };
        let retried = Event::SegmentRetried { transfer: self.log.status.id, index, node, cause: cause.clone() };
        self.outputs.push_back(Output::Emit(retried));
        open.causes.push((node, cause));
        self.ask(now, index, open.causes);
    }

    fn finish(&mut self, now: SimTime, failure: Option<TransferError>) {
        if let Some(error) = failure {
            return self.fail(now, error);
        }
        self.phase = DownloadPhase::Over;
        self.log.sha256 = self.whole_digest();
        self.log.finish(TransferState::Done, None, now);
        self.outputs.extend([Output::LeaveMemory, Output::Emit(self.log.finished()), Output::Done]);
    }

    fn fail(&mut self, now: SimTime, error: TransferError) {
        self.phase = DownloadPhase::Over;
        self.open.clear();
        self.sole_holders.clear();
        self.early.clear();
        self.writes.clear();
        self.outputs.extend([Output::Forget, Output::CloseLocal, Output::LeaveMemory]);
        let state = if error == TransferError::Cancelled { TransferState::Cancelled } else { TransferState::Failed };
        self.log.give_up(0);
        self.log.finish(state, Some(error.clone()), now);
        self.outputs.extend([Output::Emit(self.log.failed(error)), Output::Done]);
    }
}

/// Returns a segment of a manifest, once there is one.
fn segment_of(manifest: Option<&Manifest>, index: u32) -> Option<&SegmentRecord> {
    manifest?.segments.get(index as usize)
}

/// Returns the holder to ask after these failures: one that has not failed, or one that has once, by the loss of its connection.
fn next_of(holders: &[NodeNumber], causes: &[(NodeNumber, Cause)]) -> Option<NodeNumber> {
    let failures = |node: NodeNumber| causes.iter().filter(move |&&(failed, _)| failed == node).map(|(_, cause)| cause);
    let untried = holders.iter().copied().find(|&node| failures(node).next().is_none());
    untried.or_else(|| {
        let may_again = |&node: &NodeNumber| failures(node).count() == 1 && failures(node).all(Cause::is_lost_connection);
        holders.iter().copied().find(may_again)
    })
}

/// Returns the reason why work on the local file has failed, if it has.
fn failure_of(outcome: Outcome) -> Option<TransferError> {
    match outcome {
        Outcome::File(FileOutcome::Failed(failure)) => Some(TransferError::File(failure)),
        Outcome::File(FileOutcome::Gone) => Some(TransferError::Cancelled),
        Outcome::Crashed(message) => Some(TransferError::Internal(LocalFailure::of_panic(message))),
        _ => None,
    }
}
