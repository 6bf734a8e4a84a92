//! Edges of transfers: the files and streams outside of the simulation, read and written by threads while it continues.
//!
//! The work on one edge is done in the order in which it was submitted, and its outcomes are taken in that order. An outcome is
//! waited for while virtual time stands still, so that a slow disk or a slow pipe costs wall-clock time and changes nothing else.
//!
//! For a stream of remote origin time does not stand still. What has happened at its other end is [polled](Edge::poll) between two
//! instants, and takes effect at the instant at which it is found.

pub(crate) mod opening;
mod sink;
mod source;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use p2p_base::units::ByteSize;
use p2p_store::segment::{Cut, SegmentId, Sha256Digest};

pub(crate) use self::sink::DownloadSink;
pub(crate) use self::source::{FileSource, UploadSource};

use super::io::{Blocked, FileOutcome, JobId, JobTable, Lane, Outcome};
use super::stream::{Arrival, SinkStream, SourceStream};

/// Sink that the jobs share; `None` once it is complete or discarded.
type SharedSink = Arc<Mutex<Option<DownloadSink>>>;

#[derive(Debug)]
enum End {
    Source(UploadSource),
    Sink(SharedSink, Lane),
}

/// Stream of remote origin, for which virtual time does not wait.
#[derive(Debug)]
enum Remote {
    Source(SourceStream),
    Sink {
        stream: SinkStream,
        /// Number of pieces that its reader is known to have taken.
        taken: u64,
    },
}

/// Piece that the reader of a stream of remote origin has not been given. If it never is, be it by a panic, the transfer learns of that as if
/// it had been taken, and asks for the reason.
struct Undelivered(SinkStream);

impl Undelivered {
    fn has_come(mut self) {
        self.0 = SinkStream::default();
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        self.0.skip();
    }
}

/// Happening at the other end of a stream of remote origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Happened {
    /// Segments have arrived.
    Cut(Vec<Cut>),
    /// All of the content has arrived: its size and its digest.
    End(ByteSize, Sha256Digest),
    /// Number of segments that have been taken since the begin.
    Taken(u64),
    /// The front end is gone.
    Gone,
}

/// Edge of a transfer, with the work on it that is under way.
#[derive(Debug)]
pub(crate) struct Edge {
    end: End,
    /// Stream of remote origin, until its end has been found.
    remote: Option<Remote>,
    /// Jobs whose outcomes have not been taken, the earliest first.
    jobs: VecDeque<JobId>,
}

impl Edge {
    /// Creates the edge of an upload. Virtual time waits for it.
    pub(crate) fn of_source(source: UploadSource) -> Edge {
        Edge { end: End::Source(source), remote: None, jobs: VecDeque::new() }
    }

    /// Creates the edge of an upload from a stream, which virtual time does not wait for if it is of remote origin.
    pub(crate) fn of_stream(stream: SourceStream, is_remote: bool) -> Edge {
        let remote = is_remote.then(|| Remote::Source(stream.clone()));
        Edge { remote, ..Edge::of_source(UploadSource::Stream(stream)) }
    }

    /// Creates the edge of a download. Virtual time waits for it.
    pub(crate) fn of_sink(sink: DownloadSink) -> Edge {
        let lane = sink.lane();
        Edge { end: End::Sink(Arc::new(Mutex::new(Some(sink))), lane), remote: None, jobs: VecDeque::new() }
    }

    /// Creates the edge of a download to a stream of remote origin, to which `sink` delivers.
    pub(crate) fn of_remote_sink(sink: DownloadSink, stream: SinkStream) -> Edge {
        Edge { remote: Some(Remote::Sink { stream, taken: 0 }), ..Edge::of_sink(sink) }
    }

    /// Returns true if the edge is a stream of remote origin that has not ended.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Returns true if the edge is a source of which segments can be read again.
    pub(crate) const fn is_readable_again(&self) -> bool {
        matches!(&self.end, End::Source(source) if source.is_readable_again())
    }

    /// Notes that the stream of remote origin has ended.
    pub(crate) fn end_remote(&mut self) {
        self.remote = None;
    }

    /// Takes what has happened at the other end of a stream of remote origin, of which the transfer takes up to `wanted` segments
    /// now.
    pub(crate) fn poll(&mut self, wanted: usize) -> Option<Happened> {
        let happened = match self.remote.as_mut()? {
            Remote::Source(stream) => next_of(stream, wanted)?,
            Remote::Sink { stream, taken } => match stream.progress() {
                (now, _) if now > *taken => {
                    *taken = now;
                    Happened::Taken(now)
                }
                (_, true) => Happened::Gone,
                _ => return None,
            },
        };
        if matches!(happened, Happened::End(..) | Happened::Gone) {
            self.remote = None;
        }
        Some(happened)
    }

    /// Submits the cutting of the next segments.
    pub(crate) fn cut(&mut self, jobs: &mut JobTable) {
        if let End::Source(source) = &self.end {
            let source = source.clone();
            self.jobs.push_back(jobs.submit(Lane::Source, Box::new(move || Outcome::File(source.cut()))));
        }
    }

    /// Submits the reading of a segment that was cut before, which has to be as it was.
    pub(crate) fn read_again(&mut self, jobs: &mut JobTable, index: u32, id: SegmentId, len: u32) {
        if let End::Source(source) = &self.end {
            let source = source.clone();
            let work = move || Outcome::File(source.read_again(index, id, len));
            self.jobs.push_back(jobs.submit(Lane::Source, Box::new(work)));
        }
    }

    /// Submits the verification of a segment and the writing of the part `within` it.
    pub(crate) fn write(&mut self, jobs: &mut JobTable, id: SegmentId, bytes: Bytes, within: Range<usize>) {
        let stream = match &self.remote {
            Some(Remote::Sink { stream, .. }) => stream.clone(),
            _ => SinkStream::default(),
        };
        let undelivered = Undelivered(stream);
        self.submit_to_sink(jobs, move |slot| {
            let outcome = slot.as_mut().map_or(FileOutcome::Written, |sink| sink.write(id, &bytes, within));
            if outcome == FileOutcome::Written {
                undelivered.has_come();
            }
            outcome
        });
    }

    /// Submits the completion of the destination. With `expected`, the content has to have this digest.
    pub(crate) fn complete(&mut self, jobs: &mut JobTable, expected: Option<Sha256Digest>) {
        self.submit_to_sink(jobs, move |slot| slot.take().map_or(FileOutcome::Written, |sink| sink.finish(expected)));
    }

    fn submit_to_sink(
        &mut self,
        jobs: &mut JobTable,
        work: impl FnOnce(&mut Option<DownloadSink>) -> FileOutcome + Send + 'static,
    ) {
        if let End::Sink(sink, lane) = &self.end {
            let sink = Arc::clone(sink);
            let work = move || Outcome::File(work(&mut sink.lock().unwrap_or_else(PoisonError::into_inner)));
            self.jobs.push_back(jobs.submit(*lane, Box::new(work)));
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
        self.remote = None;
        self.jobs.drain(..).for_each(|job| jobs.abandon(job));
    }
}

/// Takes up to `wanted` segments that have arrived, or the end. A transfer that wants none still learns that nobody will end its
/// source, since it might wait for memory until then.
fn next_of(stream: &SourceStream, wanted: usize) -> Option<Happened> {
    if wanted == 0 {
        return stream.is_given_up().then_some(Happened::Gone);
    }
    let mut cuts = Vec::new();
    while cuts.len() < wanted {
        match stream.poll() {
            Some(Arrival::Cut(cut)) => cuts.push(cut),
            // The end is found again, after the segments before it have been taken.
            Some(_) if !cuts.is_empty() => break,
            Some(Arrival::End(size, digest)) => return Some(Happened::End(size, digest)),
            Some(Arrival::Failed(_) | Arrival::Gone) => return Some(Happened::Gone),
            None => break,
        }
    }
    (!cuts.is_empty()).then_some(Happened::Cut(cuts))
}

#[cfg(test)]
mod tests {
    use p2p_base::panics;
    use tokio::sync::Notify;

    use super::*;
    use crate::io::InlineIo;

    /// A piece that cannot be delivered, and one whose delivery stops in a panic, count as taken: nothing else would say that they failed.
    #[tokio::test]
    async fn a_piece_that_is_not_delivered_is_noticed() {
        let mut jobs = JobTable::new(Box::new(InlineIo::default()));
        let (mut reader, stream) = SinkStream::new(Arc::new(Notify::new()));
        let mut edge = Edge::of_remote_sink(DownloadSink::stream(stream.clone(), false), stream.clone());
        let content = Bytes::from_static(b"content");
        edge.write(&mut jobs, SegmentId::of(&content), content.clone(), 0..7);
        assert_eq!(edge.poll(0), None);
        edge.write(&mut jobs, SegmentId::of(b"other content"), content.clone(), 0..7);
        assert_eq!(edge.poll(0), Some(Happened::Taken(1)));
        assert_eq!(reader.read().await, Ok(Some(content)));
        assert_eq!(edge.poll(0), Some(Happened::Taken(2)));
        let outcomes = [(); 2].map(|()| edge.take(&mut jobs));
        assert!(matches!(outcomes[0], Ok(Some(Outcome::File(FileOutcome::Written)))), "{outcomes:?}");
        assert!(matches!(outcomes[1], Ok(Some(Outcome::File(FileOutcome::Failed(_))))), "{outcomes:?}");
        let undelivered = Undelivered(stream);
        let stopped = panics::caught(move || {
            let _undelivered = undelivered;
            panic!("as a test wants it");
        });
        assert_eq!(stopped, Err::<(), _>("as a test wants it".into()));
        assert_eq!(edge.poll(0), Some(Happened::Taken(3)));
    }

    /// The engine learns of what its reader takes before nothing is left, and seldom of one piece alone.
    #[tokio::test]
    async fn a_reader_wakes_the_engine_while_it_has_one_more_piece() {
        let wake = Arc::new(Notify::new());
        let (mut reader, stream) = SinkStream::new(Arc::clone(&wake));
        for _ in 0..3 {
            stream.deliver(Bytes::from_static(b"content"), false).unwrap();
        }
        for is_woken in [false, true, true] {
            reader.read().await.unwrap();
            let woken = tokio::select! {
                biased;
                () = wake.notified() => true,
                () = std::future::ready(()) => false,
            };
            assert_eq!(woken, is_woken);
        }
    }
}
