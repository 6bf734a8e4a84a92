//! Ends of an upload that becomes no file: it fails, is cancelled, or is kept. What is stored and not needed is removed first.

use std::collections::BTreeSet;

use p2p_base::units::SimTime;
use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;

use super::super::undoing::Undoing;
use super::super::{Input, Output, TransferError, TransferState};
use super::Upload;
use super::phase::{Ending, UploadPhase};
use crate::io::Outcome;

impl Upload {
    /// Returns the nodes that have not deleted yet what the upload has left with them.
    pub(crate) fn deleting(&self) -> BTreeSet<NodeNumber> {
        match &self.phase {
            UploadPhase::Undoing(_, undoing) => undoing.deleting(),
            UploadPhase::Deleting(deletion) => deletion.nodes(),
            _ => BTreeSet::new(),
        }
    }

    /// Fails the upload, unless the catalog transaction has begun.
    pub(super) fn give_up(&mut self, error: TransferError) {
        if matches!(self.phase, UploadPhase::Sending | UploadPhase::Committing(_)) {
            self.fail(error);
        }
    }

    /// Fails the upload and starts to remove its segments; but those of a kept upload stay if another try may succeed.
    pub(super) fn fail(&mut self, error: TransferError) {
        let candidates = self.give_back(0);
        let left = self.keeping.as_ref().filter(|keeping| keeping.is_noted() && error.may_pass());
        self.log.give_up(left.map_or(0, |keeping| keeping.record().segments));
        let forget = self.keeping.as_ref().filter(|keeping| keeping.may_be_noted() && !error.may_pass());
        let forget = forget.map(|keeping| keeping.record().id);
        let undoing = Undoing::begin(&mut self.outputs, candidates, forget);
        self.phase = UploadPhase::Undoing(Ending::Failed(error), undoing);
    }

    /// Ends the sending, if the upload is to be kept: nothing more is asked for, also of what fails. What is asked for already ends, within
    /// the window of the upload, since a segment that is missing would cost all that is stored behind it. What is stored then is made durable
    /// before the upload is parked.
    pub(super) fn stop(&mut self) {
        let Some(keeping) = self.keeping.as_mut().filter(|keeping| !keeping.is_stopped) else { return };
        keeping.is_stopped = true;
        self.attempts.take();
        self.on_gone();
    }

    /// Returns true if the upload was told to stop.
    pub(in crate::transfer) fn is_stopped(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.is_stopped)
    }

    /// Gives up the source, what is in flight and the stored segments from an index on, and returns what nodes may have of it.
    pub(super) fn give_back(&mut self, from: u32) -> Garbage {
        self.log.status.state = TransferState::Undoing;
        self.attempts.take();
        self.again.close();
        self.supply.close(&mut self.outputs);
        self.outputs.push_back(Output::Forget);
        self.books.give_up(&mut self.outputs, from)
    }

    /// Continues to undo, and ends the upload once that is over.
    pub(super) fn undo(&mut self, now: SimTime, input: Input) {
        let UploadPhase::Undoing(ending, undoing) = &mut self.phase else { return };
        if let (Input::Catalog(Outcome::UploadKept(noted)), Some(keeping)) = (&input, &mut self.keeping) {
            keeping.on_noted(noted.is_ok());
        }
        undoing.handle(&mut self.outputs, input);
        if undoing.is_over() {
            let is_kept = undoing.is_still_kept();
            match ending.clone() {
                Ending::Failed(error) => self.end(now, error, is_kept),
                Ending::Parked => self.end_parked(now),
            }
        }
    }

    /// Ends an upload that is kept. Its name stays reserved.
    fn end_parked(&mut self, now: SimTime) {
        let Some(keeping) = &self.keeping else { return };
        self.phase = UploadPhase::Over;
        let record = keeping.record().clone();
        self.books.release(&mut self.outputs);
        self.log.keep(record.offset, record.segments);
        self.log.finish(TransferState::Parked, None, now);
        self.outputs.extend([Output::Emit(self.log.parked(record.offset)), Output::Park(Box::new(record)), Output::Done]);
    }

    /// Ends a failed upload. If the catalog cannot tell whether the file was committed, none of its segments are deleted and its
    /// name stays reserved; the next start reads the outcome from the catalog. `is_kept` tells that the catalog did not forget it.
    pub(super) fn end(&mut self, now: SimTime, error: TransferError, is_kept: bool) {
        self.phase = UploadPhase::Over;
        let state = if error == TransferError::Cancelled { TransferState::Cancelled } else { TransferState::Failed };
        self.log.finish(state, Some(error.clone()), now);
        let kept = self.keeping.as_ref().filter(|keeping| keeping.is_noted() && (error.may_pass() || is_kept));
        match kept.map(|keeping| Box::new(keeping.record().clone())) {
            Some(record) => self.outputs.push_back(Output::Park(record)),
            None if matches!(error, TransferError::OutcomeUnknown(_)) => {}
            None => self.outputs.push_back(Output::ReleaseName),
        }
        self.outputs.extend([Output::Emit(self.log.failed(error)), Output::Done]);
    }
}
