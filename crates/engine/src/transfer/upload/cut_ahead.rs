//! Segments of an upload that are cut from its source ahead of their transmission.
//!
//! A few jobs are under way at a time, so that a thread cuts while segments are sent; their outcomes arrive in order. A source of
//! remote origin is not asked: its segments arrive by themselves, up to the number that is [wanted](CutAhead::wanted).

use std::collections::VecDeque;

use p2p_base::units::ByteSize;
use p2p_store::segment::{Cut, Segment, SegmentSize, Sha256Digest};

use super::super::{Output, TransferError};
use crate::cause::LocalFailure;
use crate::io::{CUT_MIN, FileOutcome, Outcome};
use crate::stream::AHEAD;

/// Number of jobs that cut segments ahead.
pub(super) const CUTS_AHEAD: usize = 2;

/// Segments that are cut and not sent yet, and the jobs that cut more.
#[derive(Debug)]
pub(super) struct CutAhead {
    /// True if virtual time does not wait for the source.
    is_remote: bool,
    /// Number of jobs under way.
    jobs: usize,
    segments: VecDeque<Segment>,
    /// Number of bytes and of segments that have been cut since the begin of the source.
    known: (u64, u64),
    /// Size and digest of the file, once all of it is cut.
    end: Option<(ByteSize, Sha256Digest)>,
}

impl CutAhead {
    pub(super) fn new(is_remote: bool) -> CutAhead {
        CutAhead { is_remote, jobs: 0, segments: VecDeque::new(), known: (0, 0), end: None }
    }

    /// Returns true if virtual time does not wait for the source.
    pub(super) const fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// Continues after so many bytes and segments of the source.
    pub(super) fn begin_at(&mut self, bytes: u64, segments: u64) {
        self.known = (bytes, segments);
    }

    /// Waits for the next segments, and lets more be cut ahead.
    pub(super) fn await_more(&mut self, outputs: &mut VecDeque<Output>) {
        if self.is_remote {
            return;
        }
        while self.jobs < CUTS_AHEAD && self.end.is_none() {
            outputs.push_back(Output::Cut);
            self.jobs += 1;
        }
        outputs.push_back(Output::AwaitLocal);
    }

    /// Handles the outcome of the earliest job. Returns false if none is under way.
    ///
    /// # Errors
    /// Returns the reason if the source cannot be read.
    pub(super) fn handle(&mut self, outcome: Outcome) -> Result<bool, TransferError> {
        if self.jobs == 0 {
            return Ok(false);
        }
        self.jobs -= 1;
        match checked(outcome)? {
            Some(FileOutcome::Segments(segments)) => self.extend(segments),
            Some(FileOutcome::Cuts(cuts)) => self.add(cuts),
            Some(FileOutcome::End(size, digest)) => self.end = Some((size, digest)),
            _ => {}
        }
        Ok(true)
    }

    /// Adds segments of a stream.
    pub(super) fn add(&mut self, cuts: Vec<Cut>) {
        self.extend(cuts.into_iter().map(|cut| cut.segment));
    }

    fn extend(&mut self, segments: impl IntoIterator<Item = Segment>) {
        for segment in segments {
            self.known = (self.known.0 + segment.bytes.len() as u64, self.known.1 + 1);
            self.segments.push_back(segment);
        }
    }

    /// Adds segments that were cut before and are read again.
    pub(super) fn add_again(&mut self, segments: Vec<Segment>) {
        self.segments.extend(segments);
    }

    /// Ends a stream of remote origin.
    pub(super) fn end_at(&mut self, size: ByteSize, digest: Sha256Digest) {
        self.end = Some((size, digest));
    }

    /// Returns the number of segments that are taken of a source of remote origin now.
    pub(super) fn wanted(&self) -> usize {
        if self.is_remote && self.end.is_none() { AHEAD.saturating_sub(self.segments.len()) } else { 0 }
    }

    /// Returns true if a source of remote origin gives nothing, and has not ended.
    pub(super) fn is_starved(&self) -> bool {
        self.is_remote && self.end.is_none() && self.segments.is_empty()
    }

    /// Returns the number of bytes and of segments that have been cut since the begin of the source.
    pub(super) const fn known(&self) -> (u64, u64) {
        self.known
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

/// Returns what work on the source has brought.
///
/// # Errors
/// Returns the reason if the source cannot be read.
pub(super) fn checked(outcome: Outcome) -> Result<Option<FileOutcome>, TransferError> {
    match outcome {
        Outcome::File(FileOutcome::Gone) => Err(TransferError::Cancelled),
        Outcome::File(FileOutcome::Failed(failure)) => Err(TransferError::File(failure)),
        Outcome::Crashed(reason) => Err(TransferError::Internal(LocalFailure::of_panic(reason))),
        Outcome::File(brought) => Ok(Some(brought)),
        _ => Ok(None),
    }
}

/// Returns the memory in bytes that an upload holds from its first segment to its last: for the segments cut ahead and for one
/// segment in flight, but no more than the size of the source, if it is known.
pub(super) fn memory_min(size: Option<u64>, segment_size: SegmentSize, is_remote: bool) -> u64 {
    let segment = segment_size.as_usize();
    let ahead = if is_remote { AHEAD * segment } else { CUTS_AHEAD * CUT_MIN.max(segment) };
    ((ahead + segment) as u64).min(size.unwrap_or(u64::MAX))
}
