//! Upload: a local file is cut into segments, which are sent to their holders, made durable there and committed as a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use p2p_base::units::ByteSize;
use p2p_store::catalog::Garbage;
use p2p_store::manifest::{FileKey, FileRecord, Manifest, NodeNumber, SegmentRecord};
use p2p_store::segment::{Segment, SegmentId};

use super::source::{FileSource, memory_min};
use super::window::RequestWindow;
use super::{
    Blocked, Deletion, Direction, Input, Part, Stage, TransferError, TransferId, TransferLog, TransferState, Unanswered,
};
use crate::cause::{Cause, LocalFailure};
use crate::event::Event;
use crate::io::{FileOutcome, Outcome};
use crate::node::protocol::{Refusal, Request, Response};
use crate::world::World;

/// Number of times that a segment which arrives corrupted is sent to the same node.
const ATTEMPTS_MAX: u32 = 3;

/// Segment in flight to a node.
#[derive(Debug)]
struct Open {
    segment: Segment,
    node: NodeNumber,
    /// Bytes reserved for it on the node until it has arrived there.
    room: u64,
    attempt: u32,
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
    /// Nodes are asked to delete the stored segments.
    Deleting(TransferError, Deletion),
    Over,
}

/// Upload of a file in progress.
#[derive(Debug)]
pub(crate) struct Upload {
    id: TransferId,
    pub(crate) log: TransferLog,
    source: FileSource,
    stored_at: u64,
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
}

impl Upload {
    /// Starts to store `file`, which has `size` bytes, as `key`.
    pub(crate) fn start(
        world: &mut World,
        id: TransferId,
        file: File,
        path: &Path,
        key: &FileKey,
        size: ByteSize,
        stored_at: u64,
    ) -> Upload {
        let segment_size = world.config.segment_size;
        let segments = segment_size.count_for(size) as u32;
        let user = key.owner.clone();
        let log = TransferLog::new(id, Direction::Upload, user, key, (size.as_u64(), segments), world.now());
        world.reserved_names.insert(key.clone());
        world.memory.join(id, key.owner.clone());
        let window = RequestWindow::new(segment_size.as_usize(), world.now());
        let source = FileSource::new(file, path, segment_size);
        world.emit(log.started());
        Upload {
            id,
            log,
            source,
            stored_at,
            open: BTreeMap::new(),
            placed: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
            given_up: BTreeMap::new(),
            window,
            has_memory: false,
            phase: UploadPhase::Sending,
        }
    }

    /// Sends the segments that may be sent, and commits once all are stored.
    pub(crate) fn pump(&mut self, world: &mut World) -> Result<(), Blocked> {
        let segment_size = world.config.segment_size;
        while matches!(self.phase, UploadPhase::Sending) && !self.source.is_used_up() && self.open.len() < self.window.segments()
        {
            if !self.has_memory && !self.take_memory(world, memory_min(self.log.status.bytes, segment_size)) {
                break;
            }
            self.has_memory = true;
            if self.source.cut.is_empty() {
                self.take_cut(world)?;
                continue;
            }
            if !self.open.is_empty() && !self.take_memory(world, segment_size.as_usize() as u64) {
                break;
            }
            if let Some(segment) = self.source.cut.pop_front() {
                self.place(world, segment, 0);
            }
        }
        if matches!(self.phase, UploadPhase::Sending) && self.source.is_used_up() && self.open.is_empty() {
            self.commit(world);
        }
        Ok(())
    }

    /// Takes memory from the budget. Returns false if it is not granted now.
    fn take_memory(&mut self, world: &mut World, bytes: u64) -> bool {
        let is_granted = bytes == 0 || world.memory.take(self.id, bytes);
        self.log.status.state = match is_granted || !self.open.is_empty() {
            true => TransferState::Running,
            false => TransferState::Waiting,
        };
        is_granted
    }

    /// Takes over the segments that were cut, once the job has finished.
    fn take_cut(&mut self, world: &mut World) -> Result<(), Blocked> {
        let Some(job) = self.source.ask(world) else { return Ok(()) };
        let outcome = world.jobs.take(job).ok_or(Blocked(job))?;
        self.source.jobs.pop_front();
        match outcome {
            Outcome::File(FileOutcome::Segments(segments)) => self.source.cut.extend(segments),
            Outcome::File(FileOutcome::End(size, digest)) => self.source.ended = Some((size, digest)),
            Outcome::File(FileOutcome::Failed(failure)) => self.fail(world, TransferError::File(failure)),
            Outcome::Crashed(reason) => self.fail(world, TransferError::Internal(LocalFailure::of_panic(reason))),
            _ => {}
        }
        Ok(())
    }

    /// Sends a segment to the next node that can take it.
    fn place(&mut self, world: &mut World, segment: Segment, attempt: u32) {
        let candidates = world.candidates(|node| !self.given_up.contains_key(&node));
        match world.placement.choose(&candidates, segment.bytes.len() as u64) {
            Some(node) => self.send(world, segment, node, attempt),
            None => {
                let passed_over = |node| Cause::PassedOver(world.why_passed_over(node));
                let cause = |node| self.given_up.get(&node).cloned().unwrap_or_else(|| passed_over(node));
                let causes = candidates.iter().map(|candidate| (candidate.node, cause(candidate.node))).collect();
                self.fail(world, TransferError::NoHolder { index: segment.index, causes });
            }
        }
    }

    fn send(&mut self, world: &mut World, segment: Segment, node: NodeNumber, attempt: u32) {
        let (index, id, bytes) = (segment.index, segment.id, segment.bytes.clone());
        let room = world.pin(node, id, bytes.len() as u64);
        self.open.insert(index, Open { segment, node, room, attempt });
        self.log.ask(world, (index, bytes.len() as u32), (node, attempt), &Request::Put { id }, bytes);
    }

    /// Handles an input of the upload.
    pub(crate) fn handle(&mut self, world: &mut World, input: Input) {
        match input {
            Input::Reached { index, stage } => {
                if stage == Stage::LastByte {
                    self.free_reservation(world, index);
                }
                self.log.report_stage(world, index, stage);
            }
            Input::Answered { part: Part::Segment(index), node, response, .. } => {
                self.on_segment_answered(world, index, node, response)
            }
            Input::Unreachable { part: Part::Segment(index), node, cause } => {
                self.on_segment_failed(world, index, node, cause, true)
            }
            Input::Answered { part: Part::Commit, node, response, .. } => self.on_commit_answered(world, node, response),
            Input::Unreachable { part: Part::Commit, node, cause } => {
                if matches!(self.phase, UploadPhase::Committing(_)) {
                    self.fail(world, TransferError::NotConfirmed { node, cause });
                }
            }
            Input::Answered { part: Part::Delete, node, response, .. } => {
                self.on_deleted(world, node, matches!(response, Response::Deleted))
            }
            Input::Unreachable { part: Part::Delete, node, .. } => self.on_deleted(world, node, false),
            Input::Done(outcome) => self.on_catalog(world, outcome),
        }
    }

    fn on_segment_answered(&mut self, world: &mut World, index: u32, node: NodeNumber, response: Response) {
        match response {
            Response::Stored { .. } => self.on_stored(world, index, node),
            Response::Refused(refusal) => {
                let damaged_on_the_way = matches!(refusal, Refusal::Corrupt { .. });
                self.on_segment_failed(world, index, node, Cause::Refused(refusal), !damaged_on_the_way);
            }
            other => self.on_segment_failed(world, index, node, Cause::Unexpected(other), true),
        }
    }

    fn on_stored(&mut self, world: &mut World, index: u32, node: NodeNumber) {
        let Some(open) = self.take_open(index, node) else { return };
        world.free_reservation(node, open.room);
        // The last segment in flight uses memory that the upload holds anyway.
        if !self.open.is_empty() {
            world.memory.give_back(self.id, world.config.segment_size.as_usize() as u64);
        }
        self.placed.insert(index, Placed { id: open.segment.id, len: open.segment.bytes.len() as u32, node });
        self.window.note(world.now(), open.segment.bytes.len() as u64);
        self.log.report_stage(world, index, Stage::Acknowledged);
    }

    /// Ends the reservation for a segment that has arrived at its node.
    fn free_reservation(&mut self, world: &mut World, index: u32) {
        if let Some(open) = self.open.get_mut(&index) {
            world.free_reservation(open.node, std::mem::take(&mut open.room));
        }
    }

    /// Removes a segment in flight to this node; `None` if another node has been asked since.
    fn take_open(&mut self, index: u32, node: NodeNumber) -> Option<Open> {
        self.open.get(&index).filter(|open| open.node == node)?;
        self.open.remove(&index)
    }

    /// Handles a segment that a node did not accept. It goes to another node, or to the same one again if it was corrupted in
    /// transit.
    fn on_segment_failed(&mut self, world: &mut World, index: u32, node: NodeNumber, cause: Cause, node_is_to_blame: bool) {
        let Some(open) = self.take_open(index, node) else { return };
        world.free_reservation(node, open.room);
        world.unpin(node, open.segment.id);
        if !matches!(self.phase, UploadPhase::Sending) {
            return;
        }
        let attempt = open.attempt + 1;
        world.emit(Event::SegmentRetried { transfer: self.id, index, node, cause: cause.clone() });
        if node_is_to_blame || attempt >= ATTEMPTS_MAX {
            self.unconfirmed.entry(node).or_default().insert(open.segment.id);
            self.given_up.insert(node, cause);
            self.place(world, open.segment, attempt);
        } else {
            self.send(world, open.segment, node, attempt);
        }
    }

    /// Asks every holder to make its segments durable, once all segments are stored.
    fn commit(&mut self, world: &mut World) {
        self.log.status.state = TransferState::Committing;
        self.source.close(world);
        world.memory.leave(self.id);
        let shares = self.shares();
        if shares.is_empty() {
            return self.catalogue(world);
        }
        let shares = shares.into_iter().map(|(node, ids)| (node, ids.into_iter().collect())).collect();
        self.phase = UploadPhase::Committing(world.ask_about(self.id, Part::Commit, &Request::Commit, shares));
    }

    /// Returns the segments of this file on each holder.
    fn shares(&self) -> BTreeMap<NodeNumber, BTreeSet<SegmentId>> {
        let mut shares = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
        for placed in self.placed.values() {
            shares.entry(placed.node).or_default().insert(placed.id);
        }
        shares
    }

    fn on_commit_answered(&mut self, world: &mut World, node: NodeNumber, response: Response) {
        let UploadPhase::Committing(waiting) = &mut self.phase else { return };
        match response {
            Response::Committed => {
                waiting.settle(node);
                if waiting.is_empty() {
                    self.catalogue(world);
                }
            }
            Response::Refused(refusal) => {
                self.fail(world, TransferError::NotConfirmed { node, cause: Cause::Refused(refusal) });
            }
            other => self.fail(world, TransferError::NotConfirmed { node, cause: Cause::Unexpected(other) }),
        }
    }

    /// Commits the file to the catalog in one transaction, once all segments are durable.
    fn catalogue(&mut self, world: &mut World) {
        let Some((size, sha256)) = self.source.ended else { return };
        let segment_size = world.config.segment_size.as_usize() as u32;
        let file = FileRecord {
            key: self.log.status.file.clone(),
            size: size.as_u64(),
            sha256,
            segments: self.placed.len() as u32,
            segment_size,
            stored_at: self.stored_at,
            readers: BTreeSet::new(),
        };
        let record = |placed: &Placed| SegmentRecord { id: placed.id, len: placed.len, holders: vec![placed.node] };
        let manifest = Manifest { file, segments: self.placed.values().map(record).collect() };
        let committed = manifest.clone();
        world.submit_catalog(self.id, move |catalog| Outcome::FileCommitted(catalog.commit_file(&committed)));
        self.phase = UploadPhase::Cataloguing(Box::new(manifest));
    }

    fn on_catalog(&mut self, world: &mut World, outcome: Outcome) {
        match (std::mem::replace(&mut self.phase, UploadPhase::Over), outcome) {
            (UploadPhase::Cataloguing(manifest), Outcome::FileCommitted(Ok(()))) => self.finish(world, *manifest),
            (UploadPhase::Cataloguing(_), Outcome::FileCommitted(Err(error))) => match error.into() {
                TransferError::OutcomeUnknown(failure) => self.end_unknown(world, failure),
                error => self.fail(world, error),
            },
            // The panic may have occurred after the commit.
            (UploadPhase::Cataloguing(_), Outcome::Crashed(reason)) => self.end_unknown(world, LocalFailure::of_panic(reason)),
            (UploadPhase::FindingGarbage(error, _), Outcome::Unreferenced(Ok(garbage))) => self.delete(world, error, garbage),
            (UploadPhase::FindingGarbage(error, candidates), _) => {
                candidates.into_iter().for_each(|(node, ids)| world.owe(node, ids));
                self.end_failed(world, error);
            }
            (_, Outcome::Crashed(reason)) => self.fail(world, TransferError::Internal(LocalFailure::of_panic(reason))),
            (phase, _) => self.phase = phase,
        }
    }

    fn finish(&mut self, world: &mut World, manifest: Manifest) {
        self.release_pins(world);
        world.reserved_names.remove(&self.log.status.file);
        // A node may have stored a segment and its answer was lost, after which another node was asked.
        std::mem::take(&mut self.unconfirmed).into_iter().for_each(|(node, ids)| world.owe(node, ids));
        let FileRecord { key: file, size, sha256, .. } = manifest.file.clone();
        Arc::make_mut(&mut world.files).insert(file.clone(), manifest.file);
        self.log.sha256 = Some(sha256);
        self.log.finish(TransferState::Done, None, world.now());
        world.emit(Event::FileStored { file, bytes: size, sha256 });
        world.emit(self.log.finished());
    }

    /// Cancels the upload, unless the catalog transaction has begun.
    pub(crate) fn cancel(&mut self, world: &mut World) {
        if matches!(self.phase, UploadPhase::Sending | UploadPhase::Committing(_)) {
            self.fail(world, TransferError::Cancelled);
        }
    }

    /// Fails the upload and starts to remove its segments.
    fn fail(&mut self, world: &mut World, error: TransferError) {
        if matches!(self.phase, UploadPhase::FindingGarbage(..) | UploadPhase::Deleting(..)) {
            return;
        }
        self.log.status.state = TransferState::Undoing;
        self.source.close(world);
        world.memory.leave(self.id);
        world.forget_requests(self.id);
        let mut shares = self.shares();
        for (node, ids) in std::mem::take(&mut self.unconfirmed) {
            shares.entry(node).or_default().extend(ids);
        }
        for open in std::mem::take(&mut self.open).into_values() {
            world.free_reservation(open.node, open.room);
            world.unpin(open.node, open.segment.id);
            shares.entry(open.node).or_default().insert(open.segment.id);
        }
        self.release_pins(world);
        let candidates: Garbage = shares.into_iter().map(|(node, ids)| (node, ids.into_iter().collect())).collect();
        self.phase = UploadPhase::FindingGarbage(error, candidates.clone());
        world.submit_catalog(self.id, move |catalog| Outcome::Unreferenced(catalog.unreferenced(candidates)));
    }

    fn delete(&mut self, world: &mut World, error: TransferError, garbage: Garbage) {
        let deletion = Deletion::begin(world, self.id, garbage);
        if deletion.is_over() {
            self.end_failed(world, error);
        } else {
            self.phase = UploadPhase::Deleting(error, deletion);
        }
    }

    fn on_deleted(&mut self, world: &mut World, node: NodeNumber, is_deleted: bool) {
        let UploadPhase::Deleting(error, deletion) = &mut self.phase else { return };
        deletion.settle(world, node, is_deleted);
        if deletion.is_over() {
            let error = error.clone();
            self.end_failed(world, error);
        }
    }

    /// Ends an upload for which the catalog cannot tell if the file was committed. None of its segments are deleted and its
    /// name stays reserved; the next start reads the outcome from the catalog.
    fn end_unknown(&mut self, world: &mut World, failure: LocalFailure) {
        let error = TransferError::OutcomeUnknown(failure);
        self.log.finish(TransferState::Failed, Some(error.clone()), world.now());
        world.emit(self.log.failed(error));
    }

    fn end_failed(&mut self, world: &mut World, error: TransferError) {
        self.phase = UploadPhase::Over;
        let state = if error == TransferError::Cancelled { TransferState::Cancelled } else { TransferState::Failed };
        self.log.finish(state, Some(error.clone()), world.now());
        world.reserved_names.remove(&self.log.status.file);
        world.emit(self.log.failed(error));
    }

    /// Ends the protection of the stored segments from deletion by other transfers.
    fn release_pins(&mut self, world: &mut World) {
        for placed in std::mem::take(&mut self.placed).into_values() {
            world.unpin(placed.node, placed.id);
        }
    }
}
