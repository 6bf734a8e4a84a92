//! Local files of transfers, read and written by threads while the simulation continues.
//!
//! The work on one file is done in the order in which it was submitted, and its outcomes are taken in that order. An outcome is
//! waited for while virtual time stands still, so that a slow disk costs wall-clock time and changes nothing else.

mod sink;
mod source;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use p2p_store::segment::{SegmentId, Sha256Digest};

pub(crate) use self::sink::Sink;
pub(crate) use self::source::Source;

use super::io::{Blocked, FileOutcome, JobId, JobTable, Lane, Outcome};

/// Sink that the jobs share; `None` once it is complete or discarded.
type SharedSink = Arc<Mutex<Option<Sink>>>;

#[derive(Debug)]
enum End {
    Source(Source),
    Sink(SharedSink),
}

/// Local file of a transfer, with the work on it that is under way.
#[derive(Debug)]
pub(crate) struct LocalFile {
    end: End,
    /// Jobs whose outcomes have not been taken, the earliest first.
    jobs: VecDeque<JobId>,
}

impl LocalFile {
    /// Creates the local file of an upload.
    pub(crate) fn of_source(source: Source) -> LocalFile {
        LocalFile { end: End::Source(source), jobs: VecDeque::new() }
    }

    /// Creates the local file of a download.
    pub(crate) fn of_sink(sink: Sink) -> LocalFile {
        LocalFile { end: End::Sink(Arc::new(Mutex::new(Some(sink)))), jobs: VecDeque::new() }
    }

    /// Submits the cutting of the next segments.
    pub(crate) fn cut(&mut self, jobs: &mut JobTable) {
        if let End::Source(source) = &self.end {
            let source = source.clone();
            self.jobs.push_back(jobs.submit(Lane::Source, Box::new(move || Outcome::File(source.cut()))));
        }
    }

    /// Submits the verification and writing of a segment.
    pub(crate) fn write(&mut self, jobs: &mut JobTable, id: SegmentId, bytes: Bytes) {
        self.submit_to_sink(jobs, move |slot| slot.as_mut().map_or(FileOutcome::Written, |sink| sink.write(id, &bytes)));
    }

    /// Submits the completion of the file, which has to have the digest `expected`.
    pub(crate) fn complete(&mut self, jobs: &mut JobTable, expected: Sha256Digest) {
        self.submit_to_sink(jobs, move |slot| slot.take().map_or(FileOutcome::Written, |sink| sink.finish(expected)));
    }

    fn submit_to_sink(&mut self, jobs: &mut JobTable, work: impl FnOnce(&mut Option<Sink>) -> FileOutcome + Send + 'static) {
        if let End::Sink(sink) = &self.end {
            let sink = Arc::clone(sink);
            let work = move || Outcome::File(work(&mut sink.lock().unwrap_or_else(PoisonError::into_inner)));
            self.jobs.push_back(jobs.submit(Lane::Sink, Box::new(work)));
        }
    }

    /// Takes the outcome of the earliest work; `None` if no work is under way. Returns the job as an error if it is not finished
    /// yet.
    pub(crate) fn take(&mut self, jobs: &mut JobTable) -> Result<Option<Outcome>, Blocked> {
        let Some(&job) = self.jobs.front() else { return Ok(None) };
        let outcome = jobs.take(job).ok_or(Blocked(job))?;
        self.jobs.pop_front();
        Ok(Some(outcome))
    }

    /// Discards the work that is under way, and the destination.
    pub(crate) fn close(&mut self, jobs: &mut JobTable) {
        self.submit_to_sink(jobs, |slot| {
            drop(slot.take());
            FileOutcome::Written
        });
        self.jobs.drain(..).for_each(|job| jobs.abandon(job));
    }
}
