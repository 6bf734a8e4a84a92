//! Removal of a file, a directory or a kept upload: one transaction makes all of it invisible, and then its segments are deleted.
//!
//! After the transaction the file is gone in any case; a node that cannot be reached owes the deletion of its segments.

use std::collections::{BTreeSet, VecDeque};

use p2p_base::units::SimTime;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;
use p2p_store::uploads::UploadRecord;

use super::deletion::Deletion;
use super::{CatalogWork, Direction, Input, Output, TransferError, TransferId, TransferLog, TransferState};
use crate::cause::LocalFailure;
use crate::event::Event;
use crate::io::Outcome;
use crate::peer::Peer;

#[derive(Debug)]
enum RemovalPhase {
    /// The catalog removes the file.
    Removing,
    /// The segments that the file alone referenced are deleted.
    Deleting(Deletion),
    Over,
}

/// Removal of a file in progress.
#[derive(Debug)]
pub(crate) struct Removal {
    log: TransferLog,
    /// Kept upload that is undone; `None` if a file or directory is removed.
    upload: Option<Box<UploadRecord>>,
    phase: RemovalPhase,
    outputs: VecDeque<Output>,
}

impl Removal {
    /// Starts the removal of a file, which must be one of the expected content if some is given, or of a directory with all that is within it,
    /// for a user and by a host. `size` is that of all files in it, in bytes and segments.
    pub(crate) fn new(
        now: SimTime,
        id: TransferId,
        by: (Option<String>, Peer),
        (key, expected): (FileKey, Option<Sha256Digest>),
        size: (u64, u32),
    ) -> Removal {
        let log = TransferLog::new(id, Direction::Removal, by, &key, (Some(size.0), Some(size.1)), now);
        let outputs = [Output::Emit(log.started()), Output::Catalog(CatalogWork::Remove(key, expected))];
        Removal { log, upload: None, phase: RemovalPhase::Removing, outputs: outputs.into() }
    }

    /// Starts to undo a kept upload, for a user and by a host.
    pub(crate) fn of_upload(now: SimTime, id: TransferId, by: (Option<String>, Peer), upload: UploadRecord) -> Removal {
        let size = (Some(upload.offset), Some(upload.segments));
        let log = TransferLog::new(id, Direction::Removal, by, &upload.key, size, now);
        let outputs = [Output::Emit(log.started()), Output::Catalog(CatalogWork::Forget(upload.id))];
        Removal { log, upload: Some(Box::new(upload)), phase: RemovalPhase::Removing, outputs: outputs.into() }
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

    /// Returns the nodes that have not deleted yet what the removal has released.
    pub(crate) fn deleting(&self) -> BTreeSet<NodeNumber> {
        match &self.phase {
            RemovalPhase::Deleting(deletion) => deletion.nodes(),
            RemovalPhase::Removing | RemovalPhase::Over => BTreeSet::new(),
        }
    }

    /// Returns true until it is known that the catalog has removed the file or directory.
    pub(crate) const fn is_removing(&self) -> bool {
        self.upload.is_none() && matches!(self.phase, RemovalPhase::Removing)
    }

    /// Handles an input of the removal.
    pub(crate) fn handle(&mut self, now: SimTime, input: Input) {
        match (&mut self.phase, input) {
            (RemovalPhase::Removing, Input::Catalog(outcome)) => self.on_catalog(now, outcome),
            (
                RemovalPhase::Deleting(deletion),
                input @ (Input::Deletable(..) | Input::Answered { .. } | Input::Failed { .. }),
            ) => {
                deletion.handle(&mut self.outputs, input);
                self.finish_when_deleted(now);
            }
            // What is removed cannot be brought back.
            (_, Input::Cancelled) => self.log.note_cancel(now),
            _ => {}
        }
    }

    fn on_catalog(&mut self, now: SimTime, outcome: Outcome) {
        match outcome {
            Outcome::FileRemoved(Ok(garbage)) => {
                let gone = match self.upload {
                    Some(_) => Output::ReleaseName,
                    None => Output::DropTree(self.log.status.file.clone()),
                };
                self.outputs.push_back(gone);
                self.phase = RemovalPhase::Deleting(Deletion::begin(&mut self.outputs, garbage));
            }
            Outcome::FileRemoved(Err(error)) => self.fail(now, error.into()),
            // The panic may have occurred after the commit.
            Outcome::Crashed(reason) => self.fail(now, TransferError::OutcomeUnknown(LocalFailure::of_panic(reason))),
            _ => {}
        }
    }

    fn finish_when_deleted(&mut self, now: SimTime) {
        let RemovalPhase::Deleting(deletion) = &self.phase else { return };
        if !deletion.is_over() {
            return;
        }
        let status = &mut self.log.status;
        status.owing_nodes = deletion.owing();
        (status.bytes_done, status.segments_done) = (status.bytes, status.segments);
        self.log.finish(TransferState::Done, None, now);
        let finished = self.log.finished();
        self.end(finished);
    }

    fn fail(&mut self, now: SimTime, error: TransferError) {
        // It is kept as before.
        self.outputs.extend(self.upload.take().map(Output::Park));
        self.log.finish(TransferState::Failed, Some(error.clone()), now);
        let failed = self.log.failed(error);
        self.end(failed);
    }

    fn end(&mut self, event: Event) {
        self.phase = RemovalPhase::Over;
        self.outputs.extend([Output::Emit(event), Output::Done]);
    }
}
