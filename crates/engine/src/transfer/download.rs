//! Download: segments are fetched from their holders, verified and written to a local file, which appears once it is complete.
//!
//! Several requests are in flight; segments that arrive out of order wait for the earlier ones.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use p2p_base::units::SimTime;
use p2p_store::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};

use super::window::RequestWindow;
use super::{CatalogWork, Direction, Input, Output, Part, Stage, TransferError, TransferId, TransferLog, TransferState};
use crate::cause::{Cause, LocalFailure};
use crate::event::Event;
use crate::io::{FileOutcome, Outcome};
use crate::node::protocol::{Request, Response};

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

/// Download of a file in progress.
#[derive(Debug)]
pub(crate) struct Download {
    log: TransferLog,
    /// Number of nodes in the network.
    nodes: usize,
    manifest: Option<Box<Manifest>>,
    next_request: u32,
    next_write: u32,
    open: BTreeMap<u32, Open>,
    /// Segments that have arrived and wait for earlier ones.
    early: BTreeMap<u32, Bytes>,
    /// Lengths of the segments that are being written.
    writes: VecDeque<u64>,
    window: RequestWindow,
    phase: DownloadPhase,
    outputs: VecDeque<Output>,
}

impl Download {
    /// Starts to fetch a file from a network of `nodes` nodes.
    pub(crate) fn new(now: SimTime, id: TransferId, user: Option<String>, file: &FileRecord, nodes: usize) -> Download {
        let log = TransferLog::new(id, Direction::Download, user, &file.key, (file.size, file.segments), now);
        let outputs = [Output::Emit(log.started()), Output::Catalog(CatalogWork::Manifest(file.key.clone()))];
        Download {
            log,
            nodes,
            manifest: None,
            next_request: 0,
            next_write: 0,
            open: BTreeMap::new(),
            early: BTreeMap::new(),
            writes: VecDeque::new(),
            window: RequestWindow::new(file.segment_size as usize, now),
            phase: DownloadPhase::Looking,
            outputs: outputs.into(),
        }
    }

    pub(crate) fn log(&self) -> &TransferLog {
        &self.log
    }

    /// Returns the next output.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Handles an input of the download.
    pub(crate) fn handle(&mut self, now: SimTime, input: Input) {
        match input {
            _ if self.phase == DownloadPhase::Over => {}
            Input::Resumed => self.advance(),
            Input::Memory { is_granted } => self.on_memory(now, is_granted),
            Input::Local(outcome) => self.on_local(now, outcome),
            Input::Reached { index, stage } => self.report_stage(now, index, stage),
            Input::Answered { part: Part::Segment(index), node, response, payload } => {
                self.on_answered(now, index, node, response, payload);
            }
            Input::Unreachable { part: Part::Segment(index), node, cause } => self.on_segment_failed(now, index, node, cause),
            Input::Catalog(outcome) => self.on_catalog(now, outcome),
            Input::Cancelled if self.phase != DownloadPhase::Finishing => self.fail(now, TransferError::Cancelled),
            _ => {}
        }
    }

    /// Takes the next step: requests a segment, waits for a write so that a failed one is noticed early, or finishes the file
    /// once every segment is handed to the writer. A step that needs an answer ends here and is continued by the answer.
    fn advance(&mut self) {
        match self.phase {
            DownloadPhase::Finishing => self.outputs.push_back(Output::AwaitLocal),
            DownloadPhase::Fetching if self.writes.len() > WRITES_AHEAD => self.outputs.push_back(Output::AwaitLocal),
            DownloadPhase::Fetching => match self.next_to_request() {
                Some(bytes) => self.outputs.push_back(Output::TakeMemory { bytes }),
                None => self.finish_when_written(),
            },
            DownloadPhase::Looking | DownloadPhase::Over => {}
        }
    }

    fn segment(&self, index: u32) -> Option<&SegmentRecord> {
        self.manifest.as_ref()?.segments.get(index as usize)
    }

    /// Returns the length of the next segment, if it may be requested now.
    fn next_to_request(&self) -> Option<u64> {
        let segment = self.segment(self.next_request)?;
        let has_room = self.open.len() + self.early.len() < self.window.segments();
        has_room.then_some(u64::from(segment.len))
    }

    fn on_memory(&mut self, now: SimTime, is_granted: bool) {
        if self.phase != DownloadPhase::Fetching || self.next_to_request().is_none() {
            return;
        }
        if is_granted {
            self.log.status.state = TransferState::Running;
            let index = self.next_request;
            self.next_request += 1;
            self.ask(now, index, Vec::new());
            self.advance();
        } else if !self.writes.is_empty() {
            // The write gives its memory back.
            self.outputs.push_back(Output::AwaitLocal);
        } else {
            if self.open.is_empty() && self.early.is_empty() {
                self.log.status.state = TransferState::Waiting;
            }
            self.finish_when_written();
        }
    }

    fn finish_when_written(&mut self) {
        let Some(manifest) = &self.manifest else { return };
        if self.next_write as usize == manifest.segments.len() {
            self.outputs.extend([Output::Complete { sha256: manifest.file.sha256 }, Output::AwaitLocal]);
            self.phase = DownloadPhase::Finishing;
        }
    }

    /// Handles the end of the earliest work on the local file: a write or, after all of them, the completion.
    fn on_local(&mut self, now: SimTime, outcome: Outcome) {
        let failure = failure_of(outcome);
        match (&self.phase, self.writes.pop_front()) {
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

    /// Requests a segment from the next holder that has not failed yet.
    fn ask(&mut self, now: SimTime, index: u32, mut causes: Vec<(NodeNumber, Cause)>) {
        let Some(segment) = self.segment(index).cloned() else { return };
        for node in segment.holders {
            if causes.iter().any(|&(failed, _)| failed == node) {
                continue;
            }
            if node.index() >= self.nodes {
                causes.push((node, Cause::NoSuchNode { nodes: self.nodes }));
                continue;
            }
            let (len, request, payload) = (segment.len, Request::Get { id: segment.id }, Bytes::new());
            let (instead_of, queued) = self.log.begin(index, len, node, causes.len() as u32, now);
            self.open.insert(index, Open { node, causes });
            self.outputs.extend([Output::Emit(queued), Output::AskSegment { index, len, node, instead_of, request, payload }]);
            return;
        }
        self.fail(now, TransferError::Unreadable { index, causes });
    }

    fn report_stage(&mut self, now: SimTime, index: u32, stage: Stage) {
        self.outputs.extend(self.log.reach(index, stage, now).map(Output::Emit));
    }

    fn on_catalog(&mut self, now: SimTime, outcome: Outcome) {
        match outcome {
            _ if self.phase != DownloadPhase::Looking => {}
            Outcome::Manifest(Ok(manifest)) => {
                self.manifest = Some(manifest);
                self.phase = DownloadPhase::Fetching;
            }
            Outcome::Manifest(Err(error)) => self.fail(now, error.into()),
            Outcome::Crashed(reason) => self.fail(now, TransferError::Internal(LocalFailure::of_panic(reason))),
            _ => {}
        }
    }

    fn on_answered(&mut self, now: SimTime, index: u32, node: NodeNumber, response: Response, payload: Bytes) {
        match response {
            Response::Segment { .. } => self.on_segment(now, index, node, payload),
            Response::Refused(refusal) => self.on_segment_failed(now, index, node, Cause::Refused(refusal)),
            other => self.on_segment_failed(now, index, node, Cause::Unexpected(other)),
        }
    }

    fn on_segment(&mut self, now: SimTime, index: u32, node: NodeNumber, payload: Bytes) {
        if self.take_open(index, node).is_none() {
            return;
        }
        self.window.note(now, payload.len() as u64);
        self.report_stage(now, index, Stage::Acknowledged);
        self.early.insert(index, payload);
        while let Some(bytes) = self.early.remove(&self.next_write) {
            self.write(bytes);
        }
    }

    fn write(&mut self, bytes: Bytes) {
        let Some((id, len)) = self.segment(self.next_write).map(|segment| (segment.id, u64::from(segment.len))) else { return };
        self.outputs.push_back(Output::Write { id, bytes });
        self.writes.push_back(len);
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
        self.log.sha256 = self.manifest.as_ref().map(|manifest| manifest.file.sha256);
        self.log.finish(TransferState::Done, None, now);
        self.outputs.extend([Output::LeaveMemory, Output::Emit(self.log.finished()), Output::Done]);
    }

    fn fail(&mut self, now: SimTime, error: TransferError) {
        self.phase = DownloadPhase::Over;
        self.open.clear();
        self.early.clear();
        self.writes.clear();
        self.outputs.extend([Output::Forget, Output::CloseLocal, Output::LeaveMemory]);
        let state = if error == TransferError::Cancelled { TransferState::Cancelled } else { TransferState::Failed };
        self.log.finish(state, Some(error.clone()), now);
        self.outputs.extend([Output::Emit(self.log.failed(error)), Output::Done]);
    }
}

/// Returns the reason why work on the local file has failed, if it has.
fn failure_of(outcome: Outcome) -> Option<TransferError> {
    match outcome {
        Outcome::File(FileOutcome::Failed(failure)) => Some(TransferError::File(failure)),
        Outcome::Crashed(message) => Some(TransferError::Internal(LocalFailure::of_panic(message))),
        _ => None,
    }
}
