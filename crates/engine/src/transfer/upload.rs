//! Upload: the segments of a source are sent to their holders, made durable there and committed as a file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use p2p_base::units::{ByteSize, SimTime};
use p2p_store::catalog::Garbage;
use p2p_store::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};
use p2p_store::names::FileKey;
use p2p_store::segment::{Segment, SegmentId, SegmentSize};

use super::cut_ahead::{CutAhead, memory_min};
use super::deletion::Deletion;
use super::window::RequestWindow;
use super::{
    CatalogWork, Direction, Input, Output, Part, Stage, TransferError, TransferId, TransferLog, TransferState, Unanswered,
};
use crate::cause::{Cause, FailureKind, LocalFailure, PassedOver};
use crate::edge::Happened;
use crate::event::Event;
use crate::io::Outcome;
use crate::node::protocol::{Refusal, Request, Response};

/// Number of times that a segment which arrives corrupted is sent to the same node.
const ATTEMPTS_MAX: u32 = 3;
/// Maximum number of segments of a file, whose manifest is held in memory while the file is transferred.
pub(crate) const SEGMENTS_MAX: u64 = 1 << 20;

/// Segment in flight to a node.
#[derive(Debug)]
struct Open {
    segment: Segment,
    node: NodeNumber,
    attempt: u32,
}

/// Segment for which a node is being chosen.
#[derive(Debug)]
struct Placing {
    segment: Segment,
    attempt: u32,
    /// True if the upload continues with the next segment afterwards, because this one was not sent before.
    is_new: bool,
}

/// Segment that is stored on a node.
#[derive(Debug, Clone, Copy)]
struct Placed {
    id: SegmentId,
    len: u32,
    node: NodeNumber,
}

#[derive(Debug)]
enum UploadPhase {
    Sending,
    /// Number of commit requests per holder that are not confirmed yet.
    Committing(Unanswered),
    Cataloguing(Box<Manifest>),
    /// The catalog is checking which of these segments may be deleted.
    FindingGarbage(TransferError, Garbage),
    /// Nodes are asked to delete the stored segments; before that, it is found out which nodes can be asked.
    Deleting(TransferError, Option<Deletion>),
    Over,
}

/// What an upload stores, and how it gets it.
#[derive(Debug, Clone)]
pub(crate) struct UploadPlan {
    /// Name to store the file under.
    pub(crate) key: FileKey,
    /// Size of the source; `None` if it is not known. A source of another size is not stored.
    pub(crate) size: Option<ByteSize>,
    pub(crate) segment_size: SegmentSize,
    /// Time in seconds since 1970, stored with the file.
    pub(crate) stored_at: u64,
    /// True if virtual time does not wait for the source.
    pub(crate) is_remote: bool,
}

/// Upload of a file in progress.
#[derive(Debug)]
pub(crate) struct Upload {
    log: TransferLog,
    plan: UploadPlan,
    cut: CutAhead,
    placing: Option<Placing>,
    open: BTreeMap<u32, Open>,
    /// Stored segments by their index in the file.
    placed: BTreeMap<u32, Placed>,
    /// Segments that a node may have stored without confirming it.
    unconfirmed: BTreeMap<NodeNumber, BTreeSet<SegmentId>>,
    /// Nodes that get no further requests, with the reason.
    given_up: BTreeMap<NodeNumber, Cause>,
    window: RequestWindow,
    /// True if the upload holds its minimum memory.
    has_memory: bool,
    phase: UploadPhase,
    outputs: VecDeque<Output>,
}

impl Upload {
    /// Starts to store what a plan says.
    pub(crate) fn new(now: SimTime, id: TransferId, plan: UploadPlan) -> Upload {
        let UploadPlan { key, size, segment_size, is_remote, .. } = &plan;
        let segments = size.map(|size| segment_size.count_for(size) as u32);
        let size = (size.map(ByteSize::as_u64), segments);
        let log = TransferLog::new(id, Direction::Upload, key.owner.clone(), key, size, now);
        let outputs = [Output::Emit(log.started())].into();
        let (cut, window) = (CutAhead::new(*is_remote), RequestWindow::new(segment_size.as_usize(), now));
        Upload {
            log,
            plan,
            cut,
            placing: None,
            open: BTreeMap::new(),
            placed: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
            given_up: BTreeMap::new(),
            window,
            has_memory: false,
            phase: UploadPhase::Sending,
            outputs,
        }
    }

    pub(crate) fn log(&self) -> &TransferLog {
        &self.log
    }

    /// Returns the next output.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns the number of segments that the upload takes of a source of remote origin now.
    pub(crate) fn wanted(&self) -> usize {
        if self.is_sending() && self.has_memory { self.cut.wanted() } else { 0 }
    }

    /// Returns true if nothing is under way because a source of remote origin gives nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_sending() && self.has_memory && self.placing.is_none() && self.open.is_empty() && self.cut.is_starved()
    }

    /// Handles an input of the upload.
    pub(crate) fn handle(&mut self, now: SimTime, input: Input) {
        self.take(now, input);
        if self.is_idle() {
            self.log.status.state = TransferState::Idle;
        }
    }

    fn take(&mut self, now: SimTime, input: Input) {
        match input {
            _ if matches!(self.phase, UploadPhase::Over) => {}
            Input::Resumed => self.advance(),
            Input::Memory { is_granted } => self.on_memory(is_granted),
            Input::Local(outcome) => self.on_cut(outcome),
            Input::Happened(happened) => self.on_happened(happened),
            Input::Exceeded(error) => self.give_up(error),
            Input::Placed { node } => self.on_placed(now, node),
            Input::NotPlaced { nodes } => self.on_not_placed(nodes),
            Input::Reached { index, stage } => {
                if stage == Stage::LastByte && self.open.contains_key(&index) {
                    self.outputs.push_back(Output::FreeRoom { index });
                }
                self.report_stage(now, index, stage);
            }
            Input::Answered { part: Part::Segment(index), node, response, .. } => {
                self.on_segment_answered(now, index, node, response);
            }
            Input::Unreachable { part: Part::Segment(index), node, cause } => {
                self.on_segment_failed(now, index, node, cause, true);
            }
            Input::Answered { part: Part::Commit, node, response, .. } => self.on_commit_answered(node, response),
            Input::Unreachable { part: Part::Commit, node, cause } => {
                if matches!(self.phase, UploadPhase::Committing(_)) {
                    self.fail(TransferError::NotConfirmed { node, cause });
                }
            }
            Input::Answered { part: Part::Delete, node, response, .. } => {
                self.on_deleted(now, node, matches!(response, Response::Deleted));
            }
            Input::Unreachable { part: Part::Delete, node, .. } => self.on_deleted(now, node, false),
            Input::Catalog(outcome) => self.on_catalog(now, outcome),
            Input::Deletable(shares) => self.on_deletable(now, shares),
            Input::Cancelled => self.give_up(TransferError::Cancelled),
        }
    }

    fn is_sending(&self) -> bool {
        matches!(self.phase, UploadPhase::Sending)
    }

    /// Takes the next step towards sending segments, or commits once all are stored. A step that needs an answer ends here and
    /// is continued by the answer.
    fn advance(&mut self) {
        if !self.is_sending() || self.placing.is_some() {
            return;
        }
        if self.cut.is_used_up() {
            if self.open.is_empty() {
                self.commit();
            }
            return;
        }
        if self.open.len() >= self.window.segments() {
            return;
        }
        if !self.has_memory {
            return self.take_memory(self.memory_min());
        }
        if self.cut.is_empty() {
            return self.cut.await_more(&mut self.outputs);
        }
        self.take_memory(if self.open.is_empty() { 0 } else { self.plan.segment_size.as_usize() as u64 });
    }

    fn memory_min(&self) -> u64 {
        memory_min(self.plan.size.map(ByteSize::as_u64), self.plan.segment_size, self.plan.is_remote)
    }

    fn take_memory(&mut self, bytes: u64) {
        if bytes == 0 {
            return self.on_granted();
        }
        self.outputs.push_back(Output::TakeMemory { bytes });
    }

    fn on_memory(&mut self, is_granted: bool) {
        if !self.is_sending() || self.placing.is_some() {
            return;
        }
        if is_granted {
            return self.on_granted();
        }
        self.log.status.state = if self.open.is_empty() { TransferState::Waiting } else { TransferState::Running };
    }

    /// Continues with memory for the next step: the minimum of the upload, or that of the next segment.
    fn on_granted(&mut self) {
        self.log.status.state = TransferState::Running;
        if !self.has_memory {
            self.has_memory = true;
            return self.advance();
        }
        if let Some(segment) = self.cut.pop() {
            self.place(segment, 0, true);
        }
    }

    fn on_cut(&mut self, outcome: Outcome) {
        if !self.is_sending() {
            return;
        }
        match self.cut.handle(outcome) {
            Ok(true) => self.on_more(),
            Ok(false) => {}
            Err(error) => self.fail(error),
        }
    }

    /// Handles what has happened at the other end of a stream of remote origin.
    fn on_happened(&mut self, happened: Happened) {
        match happened {
            _ if !self.is_sending() => {}
            Happened::Cut(cuts) => {
                self.cut.add(cuts);
                self.on_more();
            }
            Happened::End(size, digest) => {
                self.cut.end_at(size, digest);
                self.on_more();
            }
            Happened::Gone => self.fail(TransferError::Cancelled),
            Happened::Taken(_) => {}
        }
    }

    /// Continues with more segments, or with the end.
    fn on_more(&mut self) {
        let (bytes, segments) = self.cut.known();
        let end = self.cut.end().map(|(size, _)| size);
        if let Some((declared, size)) = self.plan.size.zip(end).filter(|(declared, size)| declared != size) {
            let kind = FailureKind::OtherLength { reported: declared.as_u64(), size };
            return self.fail(TransferError::File(LocalFailure::new(kind)));
        }
        if segments > SEGMENTS_MAX {
            return self.fail(TransferError::TooManySegments { max: SEGMENTS_MAX });
        }
        self.log.know((bytes, segments as u32), end.is_some());
        self.advance();
    }

    /// Lets a node be chosen that can take a segment.
    fn place(&mut self, segment: Segment, attempt: u32, is_new: bool) {
        let (id, len) = (segment.id, segment.bytes.len() as u64);
        self.placing = Some(Placing { segment, attempt, is_new });
        self.outputs.push_back(Output::Place { id, len, except: self.given_up.keys().copied().collect() });
    }

    fn on_placed(&mut self, now: SimTime, node: NodeNumber) {
        let Some(Placing { segment, attempt, is_new }) = self.placing.take() else { return };
        self.send(now, segment, node, attempt);
        if is_new {
            self.advance();
        }
    }

    fn on_not_placed(&mut self, nodes: Vec<(NodeNumber, PassedOver)>) {
        let Some(Placing { segment, .. }) = self.placing.take() else { return };
        let cause = |(node, reason)| (node, self.given_up.get(&node).cloned().unwrap_or(Cause::PassedOver(reason)));
        let causes = nodes.into_iter().map(cause).collect();
        self.fail(TransferError::NoHolder { index: segment.index, causes });
    }

    fn send(&mut self, now: SimTime, segment: Segment, node: NodeNumber, attempt: u32) {
        let (index, id, payload) = (segment.index, segment.id, segment.bytes.clone());
        let len = payload.len() as u32;
        self.outputs.push_back(Output::Pin { index, node, id, len: u64::from(len) });
        self.open.insert(index, Open { segment, node, attempt });
        let (instead_of, queued) = self.log.begin(index, len, node, attempt, now);
        let request = Request::Put { id };
        self.outputs.extend([Output::Emit(queued), Output::AskSegment { index, len, node, instead_of, request, payload }]);
    }

    fn report_stage(&mut self, now: SimTime, index: u32, stage: Stage) {
        self.outputs.extend(self.log.reach(index, stage, now).map(Output::Emit));
    }

    fn on_segment_answered(&mut self, now: SimTime, index: u32, node: NodeNumber, response: Response) {
        match response {
            Response::Stored { .. } => self.on_stored(now, index, node),
            Response::Refused(refusal) => {
                let damaged_on_the_way = matches!(refusal, Refusal::Corrupt { .. });
                self.on_segment_failed(now, index, node, Cause::Refused(refusal), !damaged_on_the_way);
            }
            other => self.on_segment_failed(now, index, node, Cause::Unexpected(other), true),
        }
    }

    fn on_stored(&mut self, now: SimTime, index: u32, node: NodeNumber) {
        let Some(open) = self.take_open(index, node) else { return };
        self.outputs.push_back(Output::FreeRoom { index });
        // The last segment in flight uses memory that the upload holds anyway.
        if !self.open.is_empty() {
            self.outputs.push_back(Output::GiveMemory { bytes: self.plan.segment_size.as_usize() as u64 });
        }
        self.placed.insert(index, Placed { id: open.segment.id, len: open.segment.bytes.len() as u32, node });
        self.window.note(now, open.segment.bytes.len() as u64);
        self.report_stage(now, index, Stage::Acknowledged);
    }

    /// Removes a segment in flight to this node; `None` if another node has been asked since.
    fn take_open(&mut self, index: u32, node: NodeNumber) -> Option<Open> {
        self.open.get(&index).filter(|open| open.node == node)?;
        self.open.remove(&index)
    }

    /// Handles a segment that a node did not accept. It goes to another node, or to the same one again if it was corrupted in
    /// transit.
    fn on_segment_failed(&mut self, now: SimTime, index: u32, node: NodeNumber, cause: Cause, node_is_to_blame: bool) {
        let Some(open) = self.take_open(index, node) else { return };
        self.outputs.extend([Output::FreeRoom { index }, Output::Unpin { node, id: open.segment.id }]);
        let attempt = open.attempt + 1;
        let retried = Event::SegmentRetried { transfer: self.log.status.id, index, node, cause: cause.clone() };
        self.outputs.push_back(Output::Emit(retried));
        if node_is_to_blame || attempt >= ATTEMPTS_MAX {
            self.given_up.insert(node, cause);
        }
        if self.given_up.contains_key(&node) {
            self.unconfirmed.entry(node).or_default().insert(open.segment.id);
            self.place(open.segment, attempt, false);
        } else {
            self.send(now, open.segment, node, attempt);
        }
    }

    /// Asks every holder to make its segments durable, once all segments are stored.
    fn commit(&mut self) {
        self.log.status.state = TransferState::Committing;
        self.close_source();
        let shares = self.shares();
        if shares.is_empty() {
            return self.catalogue();
        }
        let shares = shares.into_iter().map(|(node, ids)| (node, ids.into_iter().collect())).collect();
        self.phase = UploadPhase::Committing(Unanswered::ask(&mut self.outputs, Part::Commit, &Request::Commit, &shares));
    }

    /// Gives up the local file and all memory.
    fn close_source(&mut self) {
        self.cut.close();
        self.outputs.extend([Output::CloseLocal, Output::LeaveMemory]);
    }

    /// Returns the segments of this file on each holder.
    fn shares(&self) -> BTreeMap<NodeNumber, BTreeSet<SegmentId>> {
        let mut shares = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
        for placed in self.placed.values() {
            shares.entry(placed.node).or_default().insert(placed.id);
        }
        shares
    }

    fn on_commit_answered(&mut self, node: NodeNumber, response: Response) {
        let UploadPhase::Committing(waiting) = &mut self.phase else { return };
        match response {
            Response::Committed => {
                waiting.settle(node);
                if waiting.is_empty() {
                    self.catalogue();
                }
            }
            Response::Refused(refusal) => self.fail(TransferError::NotConfirmed { node, cause: Cause::Refused(refusal) }),
            other => self.fail(TransferError::NotConfirmed { node, cause: Cause::Unexpected(other) }),
        }
    }

    /// Commits the file to the catalog in one transaction, once all segments are durable.
    fn catalogue(&mut self) {
        let Some((size, sha256)) = self.cut.end() else { return };
        let file = FileRecord {
            key: self.log.status.file.clone(),
            size: size.as_u64(),
            sha256,
            segments: self.placed.len() as u32,
            segment_size: self.plan.segment_size.as_usize() as u32,
            stored_at: self.plan.stored_at,
            readers: BTreeSet::new(),
        };
        let record = |placed: &Placed| SegmentRecord { id: placed.id, len: placed.len, holders: vec![placed.node] };
        let manifest = Box::new(Manifest { file, segments: self.placed.values().map(record).collect() });
        self.outputs.push_back(Output::Catalog(CatalogWork::Commit(manifest.clone())));
        self.phase = UploadPhase::Cataloguing(manifest);
    }

    fn on_catalog(&mut self, now: SimTime, outcome: Outcome) {
        match (std::mem::replace(&mut self.phase, UploadPhase::Over), outcome) {
            (UploadPhase::Cataloguing(manifest), Outcome::FileCommitted(Ok(()))) => self.finish(now, manifest.file),
            (UploadPhase::Cataloguing(_), Outcome::FileCommitted(Err(error))) => match error.into() {
                error @ TransferError::OutcomeUnknown(_) => self.end(now, error),
                error => self.fail(error),
            },
            // The panic may have occurred after the commit.
            (UploadPhase::Cataloguing(_), Outcome::Crashed(reason)) => {
                self.end(now, TransferError::OutcomeUnknown(LocalFailure::of_panic(reason)));
            }
            (UploadPhase::FindingGarbage(error, _), Outcome::Unreferenced(Ok(garbage))) => {
                self.phase = UploadPhase::Deleting(error, None);
                self.outputs.push_back(Output::Delete(garbage));
            }
            (UploadPhase::FindingGarbage(error, candidates), _) => {
                self.outputs.extend(candidates.into_iter().map(|(node, ids)| Output::Owe { node, ids }));
                self.end(now, error);
            }
            (phase, _) => self.phase = phase,
        }
    }

    fn finish(&mut self, now: SimTime, record: FileRecord) {
        self.release_pins();
        self.outputs.push_back(Output::ReleaseName);
        // A node may have stored a segment and its answer was lost, after which another node was asked.
        let unconfirmed = std::mem::take(&mut self.unconfirmed).into_iter();
        self.outputs.extend(unconfirmed.map(|(node, ids)| Output::Owe { node, ids: ids.into_iter().collect() }));
        let (file, bytes, sha256) = (record.key.clone(), record.size, record.sha256);
        self.log.sha256 = Some(sha256);
        self.log.finish(TransferState::Done, None, now);
        let stored = Event::FileStored { file, bytes, sha256 };
        self.outputs.extend([Output::AddFile(Box::new(record)), Output::Emit(stored), Output::Emit(self.log.finished())]);
        self.outputs.push_back(Output::Done);
    }

    /// Fails the upload, unless the catalog transaction has begun.
    fn give_up(&mut self, error: TransferError) {
        if matches!(self.phase, UploadPhase::Sending | UploadPhase::Committing(_)) {
            self.fail(error);
        }
    }

    /// Fails the upload and starts to remove its segments.
    fn fail(&mut self, error: TransferError) {
        self.log.status.state = TransferState::Undoing;
        self.placing = None;
        self.close_source();
        self.outputs.push_back(Output::Forget);
        let mut shares = self.shares();
        for (node, ids) in std::mem::take(&mut self.unconfirmed) {
            shares.entry(node).or_default().extend(ids);
        }
        for (index, Open { segment, node, .. }) in std::mem::take(&mut self.open) {
            self.outputs.extend([Output::FreeRoom { index }, Output::Unpin { node, id: segment.id }]);
            shares.entry(node).or_default().insert(segment.id);
        }
        self.release_pins();
        let candidates: Garbage = shares.into_iter().map(|(node, ids)| (node, ids.into_iter().collect())).collect();
        self.outputs.push_back(Output::Catalog(CatalogWork::Unreferenced(candidates.clone())));
        self.phase = UploadPhase::FindingGarbage(error, candidates);
    }

    fn on_deletable(&mut self, now: SimTime, shares: Garbage) {
        if let UploadPhase::Deleting(_, deletion @ None) = &mut self.phase {
            *deletion = Some(Deletion::begin(&mut self.outputs, shares));
            self.end_when_deleted(now);
        }
    }

    fn on_deleted(&mut self, now: SimTime, node: NodeNumber, is_deleted: bool) {
        if let UploadPhase::Deleting(_, Some(deletion)) = &mut self.phase {
            deletion.settle(&mut self.outputs, node, is_deleted);
            self.end_when_deleted(now);
        }
    }

    fn end_when_deleted(&mut self, now: SimTime) {
        if let UploadPhase::Deleting(error, Some(deletion)) = &self.phase
            && deletion.is_over()
        {
            let error = error.clone();
            self.end(now, error);
        }
    }

    /// Ends a failed upload. If the catalog cannot tell whether the file was committed, none of its segments are deleted and its
    /// name stays reserved; the next start reads the outcome from the catalog.
    fn end(&mut self, now: SimTime, error: TransferError) {
        self.phase = UploadPhase::Over;
        let state = if error == TransferError::Cancelled { TransferState::Cancelled } else { TransferState::Failed };
        self.log.finish(state, Some(error.clone()), now);
        if !matches!(error, TransferError::OutcomeUnknown(_)) {
            self.outputs.push_back(Output::ReleaseName);
        }
        self.outputs.extend([Output::Emit(self.log.failed(error)), Output::Done]);
    }

    /// Ends the protection of the stored segments from deletion by other transfers.
    fn release_pins(&mut self) {
        let placed = std::mem::take(&mut self.placed).into_values();
        self.outputs.extend(placed.map(|Placed { node, id, .. }| Output::Unpin { node, id }));
    }
}
