//! Download: segments are fetched from their holders, verified and written to a local file, which appears once it is complete.
//!
//! Several requests are in flight; segments that arrive out of order wait for the earlier ones. The file has no name until it
//! is complete, so that a partial file is never mistaken for a complete one.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use p2p_base::replacement::{Existing, Replacement};
use p2p_store::manifest::{FileRecord, Manifest, NodeNumber};
use p2p_store::segment::{SegmentId, Sha256Digest};
use sha2::{Digest, Sha256};

use super::window::RequestWindow;
use super::{Blocked, Direction, Input, Part, Stage, TransferError, TransferId, TransferLog, TransferState};
use crate::cause::{Cause, FailureKind, FileAction, LocalFailure};
use crate::event::Event;
use crate::io::{FileOutcome, JobId, Lane, Outcome};
use crate::node::protocol::{Request, Response};
use crate::open_file::OpenFile;
use crate::world::World;

/// Maximum number of segments whose writing may be outstanding.
const WRITES_AHEAD: usize = 32;

/// Destination of the verified bytes of a download.
#[derive(Debug)]
pub(crate) struct Sink {
    place: Place,
    whole: Sha256,
    /// True if a write failed, so that the file is incomplete.
    failed: bool,
}

#[derive(Debug)]
enum Place {
    /// File that gets its name when it is complete; it disappears if it is dropped before that.
    Named { file: BufWriter<Replacement>, path: PathBuf },
    /// File that a front end has open.
    Open(BufWriter<OpenFile>),
    /// No destination: the content is only verified.
    Nowhere,
}

impl Sink {
    /// Creates the file, which gets its name when it is complete.
    pub(crate) fn create(path: &Path, overwrite: bool) -> std::io::Result<Sink> {
        let existing = if overwrite { Existing::Replaced } else { Existing::Refused };
        let file = BufWriter::new(Replacement::create(path, existing)?);
        Ok(Sink::at(Place::Named { file, path: path.to_owned() }))
    }

    /// Creates a sink that writes to a file that a front end has open.
    pub(crate) fn open(file: OpenFile) -> Sink {
        Sink::at(Place::Open(BufWriter::new(file)))
    }

    /// Creates a sink that verifies the content and discards it.
    pub(crate) fn nowhere() -> Sink {
        Sink::at(Place::Nowhere)
    }

    fn at(place: Place) -> Sink {
        Sink { place, whole: Sha256::new(), failed: false }
    }

    fn write(&mut self, id: SegmentId, bytes: &[u8]) -> FileOutcome {
        let found = SegmentId::of(bytes);
        if found != id {
            self.failed = true;
            return FileOutcome::Failed(LocalFailure::new(FailureKind::SegmentDigest { id, found }));
        }
        self.whole.update(bytes);
        let written = match &mut self.place {
            Place::Named { file, .. } => file.write_all(bytes),
            Place::Open(file) => file.write_all(bytes),
            Place::Nowhere => Ok(()),
        };
        match written {
            Ok(()) => FileOutcome::Written,
            Err(error) => {
                self.failed = true;
                self.place.cannot_write(&error)
            }
        }
    }

    /// Verifies the digest of the whole file and gives the file its name.
    fn finish(mut self, expected: Sha256Digest) -> FileOutcome {
        if self.failed {
            return self.place.cannot_write(&std::io::Error::other("an earlier write failed"));
        }
        let found = Sha256Digest::from_bytes(std::mem::take(&mut self.whole).finalize().into());
        if found != expected {
            return FileOutcome::Failed(LocalFailure::new(FailureKind::FileDigest { expected, found }));
        }
        self.place.finish()
    }
}

impl Place {
    fn cannot_write(&self, error: &std::io::Error) -> FileOutcome {
        let name = match self {
            Place::Named { path, .. } => path.display().to_string(),
            Place::Open(file) => file.get_ref().name().to_owned(),
            Place::Nowhere => String::new(),
        };
        FileOutcome::Failed(LocalFailure::of_file(FileAction::Write, &name, error))
    }

    /// Completes the destination after the last write: a named file gets its name.
    fn finish(self) -> FileOutcome {
        let (file, path) = match self {
            Place::Named { file, path } => (file, path),
            Place::Open(mut file) => {
                let flushed = file.flush();
                return flushed.map_or_else(|error| Place::Open(file).cannot_write(&error), |()| FileOutcome::Written);
            }
            Place::Nowhere => return FileOutcome::Written,
        };
        let named = file.into_inner().map_err(IntoInnerError::into_error).and_then(Replacement::finish);
        named.map_or_else(
            |error| FileOutcome::Failed(LocalFailure::of_file(FileAction::Write, &path.display().to_string(), &error)),
            |_| FileOutcome::Written,
        )
    }
}

/// Request for a segment in flight.
#[derive(Debug)]
struct Open {
    node: NodeNumber,
    attempt: u32,
    /// Reasons of the holders that failed before.
    causes: Vec<(NodeNumber, Cause)>,
}

#[derive(Debug)]
enum DownloadPhase {
    /// The catalog is reading the manifest.
    Looking,
    Fetching,
    /// The complete file is being verified and named.
    Finishing(JobId),
    Over,
}

/// Download of a file in progress.
#[derive(Debug)]
pub(crate) struct Download {
    id: TransferId,
    pub(crate) log: TransferLog,
    manifest: Option<Box<Manifest>>,
    sink: Arc<Mutex<Option<Sink>>>,
    next_request: u32,
    next_write: u32,
    open: BTreeMap<u32, Open>,
    /// Segments that have arrived and wait for earlier ones.
    early: BTreeMap<u32, Bytes>,
    /// Writes in progress, with the number of bytes of each.
    writes: VecDeque<(JobId, u64)>,
    window: RequestWindow,
    phase: DownloadPhase,
}

impl Download {
    /// Starts to fetch a file into `sink`.
    pub(crate) fn start(world: &mut World, id: TransferId, user: Option<String>, file: &FileRecord, sink: Sink) -> Download {
        let key = file.key.clone();
        let log = TransferLog::new(id, Direction::Download, user, &key, (file.size, file.segments), world.now());
        world.emit(log.started());
        world.memory.join(id, log.status.user.clone());
        world.submit_catalog(id, move |catalog| Outcome::Manifest(catalog.manifest(&key).map(Box::new)));
        Download {
            id,
            log,
            manifest: None,
            sink: Arc::new(Mutex::new(Some(sink))),
            next_request: 0,
            next_write: 0,
            open: BTreeMap::new(),
            early: BTreeMap::new(),
            writes: VecDeque::new(),
            window: RequestWindow::new(file.segment_size as usize, world.now()),
            phase: DownloadPhase::Looking,
        }
    }

    /// Requests the segments that may be requested, and finishes the file once every segment is handed to the writer.
    pub(crate) fn pump(&mut self, world: &mut World) -> Result<(), Blocked> {
        if let DownloadPhase::Finishing(job) = self.phase {
            let outcome = world.jobs.take(job).ok_or(Blocked(job))?;
            self.on_finished(world, outcome);
            return Ok(());
        }
        while matches!(self.phase, DownloadPhase::Fetching) {
            self.await_writes(world)?;
            if !self.ask_next(world)? {
                break;
            }
        }
        let Some(manifest) = self.manifest.as_ref().filter(|_| matches!(self.phase, DownloadPhase::Fetching)) else {
            return Ok(());
        };
        if self.next_write == manifest.segments.len() as u32 {
            let (sink, expected) = (Arc::clone(&self.sink), manifest.file.sha256);
            let job = world.jobs.submit(Lane::Sink, Box::new(move || Outcome::File(finish(&sink, expected))));
            self.phase = DownloadPhase::Finishing(job);
            return self.pump(world);
        }
        Ok(())
    }

    /// Waits until at most [`WRITES_AHEAD`] writes are outstanding, so that a failed write is noticed early.
    fn await_writes(&mut self, world: &mut World) -> Result<(), Blocked> {
        while self.writes.len() > WRITES_AHEAD {
            self.await_write(world)?;
        }
        Ok(())
    }

    /// Waits for the earliest write and gives its memory back. Returns false if no write is in progress.
    fn await_write(&mut self, world: &mut World) -> Result<bool, Blocked> {
        let Some(&(job, bytes)) = self.writes.front() else { return Ok(false) };
        let outcome = world.jobs.take(job).ok_or(Blocked(job))?;
        self.writes.pop_front();
        world.memory.give_back(self.id, bytes);
        if let Some(error) = failure_of(outcome) {
            self.fail(world, error);
        }
        Ok(true)
    }

    /// Requests the next segment. Returns false if no further segment may be requested now.
    fn ask_next(&mut self, world: &mut World) -> Result<bool, Blocked> {
        let index = self.next_request;
        let Some(segment) = self.manifest.as_ref().and_then(|manifest| manifest.segments.get(index as usize)) else {
            return Ok(false);
        };
        let bytes = u64::from(segment.len);
        if self.open.len() + self.early.len() >= self.window.segments() || !self.take_memory(world, bytes)? {
            return Ok(false);
        }
        self.next_request += 1;
        self.ask(world, index, Vec::new());
        Ok(matches!(self.phase, DownloadPhase::Fetching))
    }

    /// Takes the memory for a segment. If there is not enough, writes in progress have to complete first.
    fn take_memory(&mut self, world: &mut World, bytes: u64) -> Result<bool, Blocked> {
        while !world.memory.take(self.id, bytes) {
            if !self.await_write(world)? || !matches!(self.phase, DownloadPhase::Fetching) {
                let waits = self.open.is_empty() && self.early.is_empty() && matches!(self.phase, DownloadPhase::Fetching);
                self.log.status.state = if waits { TransferState::Waiting } else { self.log.status.state };
                return Ok(false);
            }
        }
        self.log.status.state = TransferState::Running;
        Ok(true)
    }

    /// Requests a segment from the next holder that has not failed yet.
    fn ask(&mut self, world: &mut World, index: u32, causes: Vec<(NodeNumber, Cause)>) {
        let Some(segment) = self.manifest.as_ref().and_then(|manifest| manifest.segments.get(index as usize)) else { return };
        let (id, len) = (segment.id, segment.len);
        let untried = |holder: &&NodeNumber| causes.iter().all(|(node, _)| node != *holder);
        let Some(&node) = segment.holders.iter().find(untried) else {
            return self.fail(world, TransferError::Unreadable { index, causes });
        };
        let attempt = causes.len() as u32;
        if node.index() >= world.nodes.len() {
            let mut causes = causes;
            causes.push((node, Cause::NoSuchNode { nodes: world.nodes.len() }));
            return self.ask(world, index, causes);
        }
        self.open.insert(index, Open { node, attempt, causes });
        self.log.ask(world, (index, len), (node, attempt), &Request::Get { id }, Bytes::new());
    }

    /// Handles an input of the download.
    pub(crate) fn handle(&mut self, world: &mut World, input: Input) {
        match input {
            Input::Reached { index, stage } => self.log.report_stage(world, index, stage),
            Input::Answered { part: Part::Segment(index), node, response, payload } => {
                self.on_answered(world, index, node, response, payload);
            }
            Input::Unreachable { part: Part::Segment(index), node, cause } => self.on_segment_failed(world, index, node, cause),
            Input::Done(Outcome::Manifest(Ok(manifest))) => {
                for segment in &manifest.segments {
                    let first = segment.holders.iter().filter(|node| node.index() < world.nodes.len()).take(1);
                    first.for_each(|&node| self.log.gauge.expect(&mut world.net, node, segment.len));
                }
                self.manifest = Some(manifest);
                self.phase = DownloadPhase::Fetching;
            }
            Input::Done(Outcome::Manifest(Err(error))) => self.fail(world, error.into()),
            Input::Done(Outcome::Crashed(reason)) => self.fail(world, TransferError::Internal(LocalFailure::of_panic(reason))),
            _ => {}
        }
    }

    fn on_answered(&mut self, world: &mut World, index: u32, node: NodeNumber, response: Response, payload: Bytes) {
        match response {
            Response::Segment { .. } => self.on_segment(world, index, node, payload),
            Response::Refused(refusal) => self.on_segment_failed(world, index, node, Cause::Refused(refusal)),
            other => self.on_segment_failed(world, index, node, Cause::Unexpected(other)),
        }
    }

    fn on_segment(&mut self, world: &mut World, index: u32, node: NodeNumber, payload: Bytes) {
        if self.open.get(&index).is_none_or(|open| open.node != node) {
            return;
        }
        self.open.remove(&index);
        self.window.note(world.now(), payload.len() as u64);
        self.log.report_stage(world, index, Stage::Acknowledged);
        self.early.insert(index, payload);
        while let Some(bytes) = self.early.remove(&self.next_write) {
            self.write(world, bytes);
        }
    }

    fn write(&mut self, world: &mut World, bytes: Bytes) {
        let Some(segment) = self.manifest.as_ref().and_then(|manifest| manifest.segments.get(self.next_write as usize)) else {
            return;
        };
        let (sink, id) = (Arc::clone(&self.sink), segment.id);
        let work = move || {
            let mut slot = sink.lock().unwrap_or_else(PoisonError::into_inner);
            Outcome::File(slot.as_mut().map_or(FileOutcome::Written, |sink| sink.write(id, &bytes)))
        };
        let len = u64::from(segment.len);
        self.writes.push_back((world.jobs.submit(Lane::Sink, Box::new(work)), len));
        self.next_write += 1;
    }

    fn on_segment_failed(&mut self, world: &mut World, index: u32, node: NodeNumber, cause: Cause) {
        if self.open.get(&index).is_none_or(|open| open.node != node) {
            return;
        }
        let Some(mut open) = self.open.remove(&index) else { return };
        world.emit(Event::SegmentRetried { transfer: self.id, index, node, cause: cause.clone() });
        open.causes.push((node, cause));
        debug_assert_eq!(open.attempt as usize + 1, open.causes.len());
        self.ask(world, index, open.causes);
    }

    fn on_finished(&mut self, world: &mut World, outcome: Outcome) {
        for (job, _) in std::mem::take(&mut self.writes) {
            if let Some(error) = world.jobs.take(job).and_then(failure_of) {
                return self.fail(world, error);
            }
        }
        if let Some(error) = failure_of(outcome) {
            return self.fail(world, error);
        }
        self.phase = DownloadPhase::Over;
        self.log.sha256 = self.manifest.as_ref().map(|manifest| manifest.file.sha256);
        self.log.finish(TransferState::Done, None, world.now());
        world.emit(self.log.finished());
    }

    /// Cancels the download unless its file is being completed.
    pub(crate) fn cancel(&mut self, world: &mut World) {
        if matches!(self.phase, DownloadPhase::Looking | DownloadPhase::Fetching) {
            self.fail(world, TransferError::Cancelled);
        }
    }

    fn fail(&mut self, world: &mut World, error: TransferError) {
        if matches!(self.phase, DownloadPhase::Over) {
            return;
        }
        self.phase = DownloadPhase::Over;
        world.forget_requests(self.id);
        self.open.clear();
        self.early.clear();
        let sink = Arc::clone(&self.sink);
        let discarded = world.jobs.submit(Lane::Sink, Box::new(move || Outcome::File(discard(&sink))));
        self.writes.drain(..).map(|(job, _)| job).chain([discarded]).for_each(|job| world.jobs.abandon(job));
        world.memory.leave(self.id);
        let state = if error == TransferError::Cancelled { TransferState::Cancelled } else { TransferState::Failed };
        self.log.finish(state, Some(error.clone()), world.now());
        world.emit(self.log.failed(error));
    }
}

/// Returns the reason why work on the sink has failed, if it has.
fn failure_of(outcome: Outcome) -> Option<TransferError> {
    match outcome {
        Outcome::File(FileOutcome::Failed(failure)) => Some(TransferError::File(failure)),
        Outcome::Crashed(message) => Some(TransferError::Internal(LocalFailure::of_panic(message))),
        _ => None,
    }
}

fn finish(sink: &Mutex<Option<Sink>>, expected: Sha256Digest) -> FileOutcome {
    let sink = sink.lock().unwrap_or_else(PoisonError::into_inner).take();
    sink.map_or(FileOutcome::Written, |sink| sink.finish(expected))
}

fn discard(sink: &Mutex<Option<Sink>>) -> FileOutcome {
    drop(sink.lock().unwrap_or_else(PoisonError::into_inner).take());
    FileOutcome::Written
}
