//! Segments of an upload that are cut from the local file ahead of their transmission.
//!
//! A few jobs are under way at a time, so that a thread cuts while segments are sent; their outcomes arrive in order.

use std::collections::VecDeque;

use p2p_base::units::ByteSize;
use p2p_store::segment::{Segment, SegmentSize, Sha256Digest};

use super::{Output, TransferError};
use crate::cause::LocalFailure;
use crate::io::{CUT_MIN, FileOutcome, Outcome};

/// Number of jobs that cut segments ahead.
const CUTS_AHEAD: usize = 2;

/// Segments that are cut and not sent yet, and the jobs that cut more.
#[derive(Debug, Default)]
pub(super) struct CutAhead {
    /// Number of jobs under way.
    jobs: usize,
    segments: VecDeque<Segment>,
    /// Size and digest of the file, once all of it is cut.
    end: Option<(ByteSize, Sha256Digest)>,
}

impl CutAhead {
    /// Waits for the next segments, and lets more be cut ahead.
    pub(super) fn await_more(&mut self, outputs: &mut VecDeque<Output>) {
        while self.jobs < CUTS_AHEAD && self.end.is_none() {
            outputs.push_back(Output::Cut);
            self.jobs += 1;
        }
        outputs.push_back(Output::AwaitLocal);
    }

    /// Handles the outcome of the earliest job. Returns false if none is under way.
    ///
    /// # Errors
    /// Returns the reason if the file cannot be read.
    pub(super) fn handle(&mut self, outcome: Outcome) -> Result<bool, TransferError> {
        if self.jobs == 0 {
            return Ok(false);
        }
        self.jobs -= 1;
        match outcome {
            Outcome::File(FileOutcome::Segments(segments)) => self.segments.extend(segments),
            Outcome::File(FileOutcome::End(size, digest)) => self.end = Some((size, digest)),
            Outcome::File(FileOutcome::Failed(failure)) => return Err(TransferError::File(failure)),
            Outcome::Crashed(reason) => return Err(TransferError::Internal(LocalFailure::of_panic(reason))),
            _ => {}
        }
        Ok(true)
    }

    /// Takes the next segment.
    pub(super) fn pop(&mut self) -> Option<Segment> {
        self.segments.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Returns true if all segments of the file are cut and taken.
    pub(super) fn is_used_up(&self) -> bool {
        self.end.is_some() && self.segments.is_empty()
    }

    /// Returns the size and the digest of the file, once all of it is cut.
    pub(super) const fn end(&self) -> Option<(ByteSize, Sha256Digest)> {
        self.end
    }

    /// Drops the segments and forgets the jobs.
    pub(super) fn close(&mut self) {
        self.jobs = 0;
        self.segments.clear();
    }
}

/// Returns the memory in bytes that an upload holds from its first segment to its last: for the segments cut ahead and for one
/// segment in flight, but no more than the size of the file.
pub(super) fn memory_min(size: u64, segment_size: SegmentSize) -> u64 {
    let segment = segment_size.as_usize();
    ((CUTS_AHEAD * CUT_MIN.max(segment) + segment) as u64).min(size)
}
