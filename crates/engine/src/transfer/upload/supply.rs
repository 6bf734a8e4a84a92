//! Supply of an upload: the segments that its source gives, the memory that they need, and how many may be in flight.

use std::collections::VecDeque;

use p2p_base::units::{ByteSize, SimTime};
use p2p_store::segment::{Cut, Segment, Sha256Digest};

use super::super::window::RequestWindow;
use super::super::{Output, TransferError};
use super::cut_ahead::{CUTS_AHEAD, CutAhead, checked, memory_min};
use super::lost::Again;
use super::plan::UploadPlan;
use crate::cause::{FailureKind, LocalFailure};
use crate::io::{FileOutcome, Outcome};

/// Maximum number of segments of a file, whose manifest is held in memory while the file is transferred.
pub(crate) const SEGMENTS_MAX: u64 = 1 << 20;

/// Knowledge of a source: bytes and segments so far, and if they are all.
pub(super) type Known = ((u64, u32), bool);

/// Supply of segments.
#[derive(Debug)]
pub(super) struct Supply {
    cut: CutAhead,
    window: RequestWindow,
    segment_size: u64,
    /// Declared size of the source; `None` if it is not known.
    size: Option<ByteSize>,
    memory_min: u64,
    /// True if the upload holds its minimum memory.
    has_memory: bool,
}

impl Supply {
    pub(super) fn new(plan: &UploadPlan, now: SimTime) -> Supply {
        let UploadPlan { size, segment_size, is_remote, .. } = *plan;
        Supply {
            cut: CutAhead::new(is_remote),
            window: RequestWindow::new(segment_size.as_usize(), now),
            segment_size: segment_size.as_usize() as u64,
            size,
            memory_min: memory_min(size.map(ByteSize::as_u64), segment_size, is_remote),
            has_memory: false,
        }
    }

    /// Continues after so many bytes and segments.
    pub(super) fn begin_at(&mut self, bytes: u64, segments: u64) {
        self.cut.begin_at(bytes, segments);
    }

    /// Returns the number of segments that are taken of a source of remote origin now.
    pub(super) fn wanted(&self) -> usize {
        if self.has_memory { self.cut.wanted() } else { 0 }
    }

    /// Returns true if a source of remote origin gives nothing, and has not ended.
    pub(super) fn is_starved(&self) -> bool {
        self.has_memory && self.cut.is_starved()
    }

    /// Returns true if one more segment may be in flight, while so many are.
    pub(super) fn has_window_for(&self, in_flight: usize) -> bool {
        in_flight < self.window.segments()
    }

    /// Returns true if all segments are taken.
    pub(super) fn is_used_up(&self) -> bool {
        self.cut.is_used_up()
    }

    /// Returns the size and the digest of the source, once all of it is cut.
    pub(super) const fn end(&self) -> Option<(ByteSize, Sha256Digest)> {
        self.cut.end()
    }

    /// Asks for what the next segment needs, while so many are in flight: memory, or the source, of which segments may have to be read
    /// `again`. Returns true if it needs nothing.
    pub(super) fn ask(&mut self, outputs: &mut VecDeque<Output>, again: &mut Again, in_flight: usize) -> bool {
        if !self.has_window_for(in_flight) {
            return false;
        }
        let bytes = match self.has_memory {
            false => self.memory_min,
            true if self.cut.is_empty() => {
                if again.is_done() {
                    self.cut.await_more(outputs);
                } else {
                    again.read_more(outputs, CUTS_AHEAD);
                }
                return false;
            }
            // The only segment in flight uses memory that the upload holds anyway.
            true if in_flight == 0 => 0,
            true => self.segment_size,
        };
        if bytes > 0 {
            outputs.push_back(Output::TakeMemory { bytes });
        }
        bytes == 0
    }

    /// Continues with memory: returns the next segment, unless it was the minimum of the upload that was granted.
    pub(super) fn take(&mut self) -> Option<Segment> {
        if !std::mem::replace(&mut self.has_memory, true) {
            return None;
        }
        self.cut.pop()
    }

    /// Notes that a segment is stored, while so many others are in flight.
    pub(super) fn note(&mut self, outputs: &mut VecDeque<Output>, in_flight: usize) {
        if in_flight > 0 {
            outputs.push_back(Output::GiveMemory { bytes: self.segment_size });
        }
    }

    /// Notes that so many bytes have crossed a link, at whose rate the window is as large as it is.
    pub(super) fn note_crossed(&mut self, now: SimTime, bytes: u64) {
        self.window.note(now, bytes);
    }

    /// Handles the outcome of the earliest work on the source. Returns false if none is under way.
    ///
    /// # Errors
    /// Returns the reason if the source cannot be read.
    pub(super) fn handle(&mut self, outcome: Outcome) -> Result<bool, TransferError> {
        self.cut.handle(outcome)
    }

    /// Handles the outcome of reading a segment again.
    ///
    /// # Errors
    /// Returns the reason if the source cannot be read.
    pub(super) fn handle_again(&mut self, outcome: Outcome) -> Result<(), TransferError> {
        if let Some(FileOutcome::Segments(segments)) = checked(outcome)? {
            self.cut.add_again(segments);
        }
        Ok(())
    }

    /// Adds segments of a stream of remote origin.
    pub(super) fn add(&mut self, cuts: Vec<Cut>) {
        self.cut.add(cuts);
    }

    /// Ends a stream of remote origin.
    pub(super) fn end_at(&mut self, size: ByteSize, digest: Sha256Digest) {
        self.cut.end_at(size, digest);
    }

    /// Returns what is known of the source now.
    ///
    /// # Errors
    /// Fails if the source is too long, or if it has another size than it was declared to have.
    pub(super) fn known(&self) -> Result<Known, TransferError> {
        let (bytes, segments) = self.cut.known();
        let end = self.cut.end().map(|(size, _)| size);
        let other = |declared: u64| {
            let kind = FailureKind::OtherThanDeclared { declared, found: bytes };
            Err(TransferError::File(LocalFailure::new(kind)))
        };
        match (self.size.map(ByteSize::as_u64), end.map(ByteSize::as_u64)) {
            (_, Some(end)) if end != bytes => return other(end),
            (Some(declared), Some(_)) if declared != bytes => return other(declared),
            // A local file is compared when it has been read, with what the system says of it then.
            (Some(declared), None) if self.cut.is_remote() && declared < bytes => return other(declared),
            _ => {}
        }
        if segments > SEGMENTS_MAX {
            return Err(TransferError::TooManySegments { max: SEGMENTS_MAX });
        }
        Ok(((bytes, segments as u32), end.is_some()))
    }

    /// Gives up the source and all memory.
    pub(super) fn close(&mut self, outputs: &mut VecDeque<Output>) {
        self.drop_unsent();
        self.has_memory = false;
        outputs.extend([Output::CloseLocal, Output::LeaveMemory]);
    }

    /// Drops the segments that are not sent, and forgets the work on the source.
    pub(super) fn drop_unsent(&mut self) {
        self.cut.close();
    }
}
