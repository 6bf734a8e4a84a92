//! Streams: content that a front end gives to an upload or takes from a download piece by piece, without a file on this machine.
//!
//! A stream has one end at the front end ([`StreamWriter`], [`StreamReader`]) and one in the engine ([`SourceStream`],
//! [`SinkStream`]). What lies between the ends is bounded: a writer waits while three segments have not been taken, and the
//! engine asks the nodes for no more than the reader may take.
//!
//! A stream of local origin holds virtual time until its next segment is there or has been taken, as a local file does. One of
//! remote origin never does: what arrives, what is taken and the loss of the other end are inputs at virtual instants.

pub mod prefix;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use p2p_base::source_file::Changed;
use p2p_base::units::ByteSize;
use p2p_store::segment::{Cut, DamagedHashState, HashState, Segment, SegmentId, SegmentSize, Sha256Digest, StreamCutter};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use tokio::sync::{Notify, mpsc};

use super::cause::{FileAction, LocalFailure};

/// Number of segments that may lie between the ends of a stream.
pub(super) const AHEAD: usize = 3;

/// The stream was given up at its other end, because the transfer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the transfer of the stream is over")]
pub struct StreamClosed;

/// The download ended before all of its content was delivered; its report says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the download ended before its content was complete")]
pub struct StreamBroken;

/// Message of the writer of a stream to the engine.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Arrival {
    /// The next segment.
    Cut(Cut),
    /// The end of the content.
    End(ByteSize, Sha256Digest),
    /// The front end cannot read the content any further.
    Failed(LocalFailure),
    /// The writer is gone before the end.
    Gone,
}

/// Point at which an upload is continued, in the content of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResumePoint {
    pub(super) segment_size: SegmentSize,
    /// Number of full segments that are stored already.
    pub(super) segments: u32,
    /// State of the digest after them.
    pub(super) hash: HashState,
}

impl ResumePoint {
    /// Returns the number of bytes before the point.
    pub(super) fn offset(&self) -> u64 {
        u64::from(self.segments) * self.segment_size.as_usize() as u64
    }

    /// Returns a cutter that continues there.
    ///
    /// # Errors
    /// Fails if the state of the digest is damaged.
    pub(super) fn cutter(&self) -> Result<StreamCutter, DamagedHashState> {
        StreamCutter::resume(self.segment_size, self.segments, &self.hash)
    }
}

/// End of an upload's stream at a front end. Dropping it before [`finish`](Self::finish) gives the upload up: it is never a file, and kept only if it was begun so.
#[derive(Debug)]
pub struct StreamWriter {
    cutter: StreamCutter,
    /// Segments that are cut and not sent.
    unsent: VecDeque<Cut>,
    sender: Sender,
}

/// End by which messages of a writer are sent. The engine is woken for each, and when it is dropped.
#[derive(Debug)]
pub(super) struct Sender {
    /// Present until it is dropped.
    arrivals: Option<mpsc::Sender<Arrival>>,
    wake: Arc<Notify>,
}

impl Sender {
    fn is_closed(&self) -> bool {
        self.arrivals.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    async fn send(&self, arrival: Arrival) -> Result<(), StreamClosed> {
        let arrivals = self.arrivals.as_ref().ok_or(StreamClosed)?;
        arrivals.send(arrival).await.map_err(|_| StreamClosed)?;
        self.wake.notify_one();
        Ok(())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // The engine finds that it is gone when it is woken.
        drop(self.arrivals.take());
        self.wake.notify_one();
    }
}

impl StreamWriter {
    pub(super) fn new(cutter: StreamCutter, sender: Sender) -> StreamWriter {
        StreamWriter { cutter, unsent: VecDeque::new(), sender }
    }

    /// Gives the next bytes, and waits until the engine takes what lies too far ahead.
    ///
    /// # Errors
    /// Fails if the upload is over: its report says why.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StreamClosed> {
        self.unsent.extend(self.cutter.push(bytes));
        self.send_cuts().await?;
        // What is not a segment yet does not show that the upload is over.
        if self.sender.is_closed() { Err(StreamClosed) } else { Ok(()) }
    }

    /// Sends what is cut. A call that is given up has lost nothing: the next one continues.
    async fn send_cuts(&mut self) -> Result<(), StreamClosed> {
        while let Some(cut) = self.unsent.front() {
            self.sender.send(Arrival::Cut(cut.clone())).await?;
            self.unsent.pop_front();
        }
        Ok(())
    }

    /// Returns the bytes at the end of what was given that are no segment yet, and so have not been handed over.
    pub fn unfinished(&self) -> &[u8] {
        self.cutter.unfinished()
    }

    /// Waits until the upload is over.
    pub async fn closed(&self) {
        if let Some(arrivals) = &self.sender.arrivals {
            arrivals.closed().await;
        }
    }

    /// Ends the content. The upload stores it as a file.
    ///
    /// # Errors
    /// Fails if the upload is over.
    pub async fn finish(self) -> Result<(), StreamClosed> {
        self.end().hand_over().await
    }

    /// Ends the content, of which the digest can be looked at before the upload learns of the end.
    pub fn end(mut self) -> EndedStream {
        let cutter = std::mem::replace(&mut self.cutter, StreamCutter::new(Default::default()));
        let (last, size, sha256) = cutter.finish();
        self.unsent.extend(last);
        EndedStream { writer: self, size, sha256 }
    }

    /// Gives the upload up because the content cannot be read any further, or has [changed](Changed); messages call its source `name`.
    pub async fn fail(self, name: &str, error: &io::Error) {
        let failure = match Changed::is_cause_of(error) {
            true => LocalFailure::changed(name),
            false => LocalFailure::of_file(FileAction::Read, name, error),
        };
        // An upload that is over needs no reason any more.
        let _ = self.sender.send(Arrival::Failed(failure)).await;
    }
}

/// Content of an upload that is complete, and of whose end the upload does not know yet. Dropping it gives the upload up.
#[derive(Debug)]
pub struct EndedStream {
    writer: StreamWriter,
    size: ByteSize,
    /// Digest of all of the content, with what was kept of it before.
    pub sha256: Sha256Digest,
}

impl EndedStream {
    /// Lets the upload store the content as a file.
    ///
    /// # Errors
    /// Fails if the upload is over.
    pub async fn hand_over(mut self) -> Result<(), StreamClosed> {
        self.writer.send_cuts().await?;
        self.writer.sender.send(Arrival::End(self.size, self.sha256)).await
    }
}

/// End of an upload's stream in the engine. Clones share it. A recording keeps none of it.
#[derive(Debug, Clone, Default)]
pub struct SourceStream {
    inbox: Option<Arc<Mutex<Inbox>>>,
    /// Point at which the writer continues; `None` for the begin.
    resume: Arc<Mutex<Option<ResumePoint>>>,
}

/// Messages of the writer of a stream.
#[derive(Debug)]
struct Inbox {
    arrivals: mpsc::Receiver<Arrival>,
    /// Messages of a writer that is gone, which were looked at and not taken.
    rest: VecDeque<Arrival>,
    /// The end, once it has arrived. It arrives again as often as it is looked for.
    end: Option<Arrival>,
}

impl Inbox {
    /// Takes the next message, which `receive` takes of the channel if none is left of a writer that is gone.
    fn next<E>(&mut self, receive: impl FnOnce(&mut mpsc::Receiver<Arrival>) -> Result<Arrival, E>) -> Result<Arrival, E> {
        if let Some(end) = &self.end {
            return Ok(end.clone());
        }
        let arrival = self.rest.pop_front().map_or_else(|| receive(&mut self.arrivals), Ok)?;
        if matches!(arrival, Arrival::End(..)) {
            self.end = Some(arrival.clone());
        }
        Ok(arrival)
    }

    /// Returns true if the writer is gone and has not sent the end.
    fn is_given_up(&mut self) -> bool {
        if self.end.is_some() || !self.arrivals.is_closed() {
            return false;
        }
        self.rest.extend(std::iter::from_fn(|| self.arrivals.try_recv().ok()));
        !self.rest.iter().any(|arrival| matches!(arrival, Arrival::End(..)))
    }
}

impl SourceStream {
    /// Makes a stream, and returns what its writer sends by.
    pub(super) fn new(wake: Arc<Notify>) -> (Sender, SourceStream) {
        let (arrivals, receiver) = mpsc::channel(AHEAD);
        let sender = Sender { arrivals: Some(arrivals), wake };
        let inbox = Inbox { arrivals: receiver, rest: VecDeque::new(), end: None };
        (sender, SourceStream { inbox: Some(Arc::new(Mutex::new(inbox))), ..SourceStream::default() })
    }

    /// Takes what has arrived next, if anything has. A stream out of a recording has no writer, and nothing arrives from it.
    pub(super) fn poll(&self) -> Option<Arrival> {
        match locked(self.inbox.as_ref()?).next(mpsc::Receiver::try_recv) {
            Ok(arrival) => Some(arrival),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => Some(Arrival::Gone),
        }
    }

    /// Returns true if the writer is gone and has not sent the end, whatever it has sent before.
    pub(super) fn is_given_up(&self) -> bool {
        self.inbox.as_ref().is_some_and(|inbox| locked(inbox).is_given_up())
    }

    /// Waits for what arrives next. It blocks the calling thread until the writer gives something or is gone.
    pub(super) fn wait(&self) -> Arrival {
        let Some(inbox) = &self.inbox else { return Arrival::Gone };
        locked(inbox).next(|arrivals| arrivals.blocking_recv().ok_or(())).unwrap_or(Arrival::Gone)
    }

    /// Returns true if there is a writer. A stream out of a recording has none.
    pub(super) fn has_writer(&self) -> bool {
        self.inbox.is_some()
    }

    /// Sets the point at which the writer continues, before the writer learns of the upload.
    pub(super) fn resume_at(&self, point: ResumePoint) {
        *locked(&self.resume) = Some(point);
    }

    /// Returns the point at which the writer continues; `None` for the begin.
    pub(super) fn resume_point(&self) -> Option<ResumePoint> {
        locked(&self.resume).clone()
    }
}

/// State that both ends of a download's stream share.
#[derive(Debug)]
struct Delivery {
    pieces: Mutex<Option<mpsc::UnboundedSender<Piece>>>,
    progress: Mutex<Progress>,
    changed: Condvar,
    wake: Arc<Notify>,
}

/// How far the reader of a stream has come.
#[derive(Debug, Default)]
struct Progress {
    sent: u64,
    taken: u64,
    is_gone: bool,
}

/// Message of the engine to the reader of a stream.
#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    End,
}

/// End of a download's stream at a front end. Dropping it cancels the download.
#[derive(Debug)]
pub struct StreamReader {
    pieces: mpsc::UnboundedReceiver<Piece>,
    delivery: Arc<Delivery>,
    is_complete: bool,
}

impl StreamReader {
    /// Returns the next bytes of the content, in order and verified, and `None` after the last.
    ///
    /// # Errors
    /// Fails if the download ended before its content was complete: its report says why.
    pub async fn read(&mut self) -> Result<Option<Bytes>, StreamBroken> {
        if self.is_complete {
            return Ok(None);
        }
        match self.pieces.recv().await {
            Some(Piece::Bytes(bytes)) => {
                // The engine is woken while one piece is left, so that it brings several at a time.
                if self.delivery.note(|progress| progress.taken += 1) <= 1 {
                    self.delivery.wake.notify_one();
                }
                Ok(Some(bytes))
            }
            Some(Piece::End) => {
                self.is_complete = true;
                Ok(None)
            }
            None => Err(StreamBroken),
        }
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.delivery.note(|progress| progress.is_gone = true);
        self.delivery.wake.notify_one();
    }
}

/// End of a download's stream in the engine. Clones share it. A recording keeps none of it.
#[derive(Debug, Clone, Default)]
pub struct SinkStream(Option<Arc<Delivery>>);

impl SinkStream {
    /// Makes a stream, and returns its reader.
    pub(super) fn new(wake: Arc<Notify>) -> (StreamReader, SinkStream) {
        let (sender, pieces) = mpsc::unbounded_channel();
        let progress = Mutex::new(Progress::default());
        let delivery = Arc::new(Delivery { pieces: Mutex::new(Some(sender)), progress, changed: Condvar::new(), wake });
        let reader = StreamReader { pieces, delivery: Arc::clone(&delivery), is_complete: false };
        (reader, SinkStream(Some(delivery)))
    }

    /// Delivers bytes to the reader. With `holds`, it blocks the calling thread while [`AHEAD`] pieces have not been taken.
    ///
    /// # Errors
    /// Fails if the reader is gone whom virtual time waits for.
    pub(super) fn deliver(&self, bytes: Bytes, holds: bool) -> io::Result<()> {
        let Some(delivery) = &self.0 else { return Ok(()) };
        let mut progress = locked(&delivery.progress);
        while holds && !progress.is_gone && progress.sent - progress.taken >= AHEAD as u64 {
            progress = delivery.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        // That the reader of a stream of remote origin is gone is an input at an instant, and none of this thread.
        if holds && progress.is_gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        progress.sent += 1;
        drop(progress);
        delivery.send(Piece::Bytes(bytes));
        Ok(())
    }

    /// Counts a piece that cannot be delivered as taken, so that the transfer looks at what has become of it.
    pub(super) fn skip(&self) {
        if let Some(delivery) = &self.0 {
            delivery.note(|progress| (progress.sent, progress.taken) = (progress.sent + 1, progress.taken + 1));
            delivery.wake.notify_one();
        }
    }

    /// Tells the reader that the content is complete.
    pub(super) fn complete(&self) {
        if let Some(delivery) = &self.0 {
            delivery.send(Piece::End);
            self.close();
        }
    }

    /// Lets the reader find the end of what was delivered.
    pub(super) fn close(&self) {
        if let Some(delivery) = &self.0 {
            locked(&delivery.pieces).take();
        }
    }

    /// Returns the number of pieces that the reader has taken, and true if it is gone. The reader of a stream out of a recording
    /// takes nothing.
    pub(super) fn progress(&self) -> (u64, bool) {
        self.0.as_ref().map_or((0, false), |delivery| {
            let progress = locked(&delivery.progress);
            (progress.taken, progress.is_gone)
        })
    }
}

impl Delivery {
    /// Notes how far the reader has come, and returns the number of pieces that it has not taken.
    fn note(&self, change: impl FnOnce(&mut Progress)) -> u64 {
        let mut progress = locked(&self.progress);
        change(&mut progress);
        self.changed.notify_all();
        progress.sent - progress.taken
    }

    fn send(&self, piece: Piece) {
        if let Some(pieces) = &*locked(&self.pieces) {
            // A reader that is gone is noticed by its progress.
            let _ = pieces.send(piece);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Input of a stream of remote origin at a virtual instant, as it is recorded: of segments the lengths and names and not the
/// content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StreamInput {
    /// Segments have arrived: the index, the length in bytes and the name of each.
    Cut(Vec<(u32, u32, SegmentId)>),
    /// All of the content has arrived.
    End(ByteSize, Sha256Digest),
    /// The end at the front end is gone.
    Gone,
    /// So many segments have been taken, counted from the begin.
    Taken(u64),
}

/// Returns a segment with this name and length out of a recording, whose content is not known: zeros stand for it.
pub(super) fn stand_in(index: u32, len: u32, id: SegmentId) -> Cut {
    Cut { segment: Segment { index, id, bytes: zeros(len) }, hash: HashState::default() }
}

/// Returns as many zeros as a segment has bytes, at most those of the longest one. They stand for content that is not recorded.
pub(super) fn zeros(len: u32) -> Bytes {
    static ZEROS: [u8; 4 << 20] = [0; 4 << 20];
    Bytes::from_static(&ZEROS[..(len as usize).min(ZEROS.len())])
}

macro_rules! recorded_as_nothing {
    ($($stream:ty),*) => {$(
        impl PartialEq for $stream {
            /// Streams are equal as commands: what they carry is recorded apart from them.
            fn eq(&self, _: &$stream) -> bool {
                true
            }
        }

        impl Serialize for $stream {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit()
            }
        }

        impl<'de> Deserialize<'de> for $stream {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$stream, D::Error> {
                <()>::deserialize(deserializer).map(|()| <$stream>::default())
            }
        }
    )*};
}

recorded_as_nothing!(SourceStream, SinkStream);
