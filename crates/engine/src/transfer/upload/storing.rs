//! End of an upload that has become a file: the file is made known, and what the one that it has replaced alone needed is deleted.

use p2p_base::units::SimTime;
use p2p_store::catalog::Stored;

use super::super::deletion::Deletion;
use super::super::{Input, Output, TransferState};
use super::Upload;
use super::phase::UploadPhase;
use crate::event::Event;

impl Upload {
    /// Makes the stored file known. The upload is over unless a file was replaced that alone needed some segments.
    pub(super) fn finish(&mut self, now: SimTime, Stored { file: record, garbage }: Stored) {
        // A node may have stored a segment and its answer was lost, after which another node was asked.
        self.books.close(&mut self.outputs);
        self.outputs.push_back(Output::ReleaseName);
        let (file, bytes, sha256) = (record.key.clone(), record.size, record.sha256);
        self.log.sha256 = Some(sha256);
        let stored = Event::FileStored { file, bytes, sha256 };
        self.outputs.extend([Output::AddFile(Box::new(record)), Output::Emit(stored)]);
        if garbage.is_empty() {
            return self.end_stored(now);
        }
        self.phase = UploadPhase::Deleting(Deletion::begin(&mut self.outputs, garbage));
    }

    /// Lets nodes delete what is needed no more. One that cannot be told owes it. The file is stored, and a cancellation comes too late.
    pub(super) fn clear_away(&mut self, now: SimTime, input: Input) {
        match (&mut self.phase, input) {
            (_, Input::Cancelled) => self.log.note_cancel(now),
            (UploadPhase::Deleting(deletion), input) => {
                deletion.handle(&mut self.outputs, input);
                self.end_when_deleted(now);
            }
            _ => {}
        }
    }

    fn end_when_deleted(&mut self, now: SimTime) {
        let UploadPhase::Deleting(deletion) = &self.phase else { return };
        if deletion.is_over() {
            self.log.status.owing_nodes = deletion.owing();
            self.end_stored(now);
        }
    }

    fn end_stored(&mut self, now: SimTime) {
        self.phase = UploadPhase::Over;
        self.log.finish(TransferState::Done, None, now);
        self.outputs.extend([Output::Emit(self.log.finished()), Output::Done]);
    }
}
