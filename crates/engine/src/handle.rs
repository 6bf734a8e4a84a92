//! Handle of a running engine: how front ends call operations, follow events and snapshots, and exchange the content of streams.

use std::sync::Arc;

use p2p_base::trace::TraceHash;
use p2p_base::units::ByteSize;
use p2p_store::attributes::StoreAs;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::{SegmentSize, Sha256Digest, StreamCutter};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::error::EngineError;
use super::event_log::{EventId, EventLog, Numbered, Subscription};
use super::operation::{
    Await, BeginTransfer, ByteRange, Cancel, Command, Download, Keep, Operation, Park, Reply, Sink, Source, Upload,
};
use super::principal::Caller;
use super::simulation::GROUP_MAX;
use super::snapshot::Snapshot;
use super::stream::prefix::Prefix;
use super::stream::{ResumePoint, SinkStream, SourceStream, StreamReader, StreamWriter};
use super::transfer::{TransferId, TransferReport};

pub(super) type ReplySender = oneshot::Sender<Result<Reply, EngineError>>;

/// Request of a front end to the engine.
pub(super) enum Ask {
    Command(Caller, Box<Command>, ReplySender),
    /// Operation for which virtual time passes as fast as the machine can, until it is answered; for a cancel, unless it passes for other
    /// transfers.
    Hurried(Caller, Box<Command>, ReplySender),
    /// Operations that take effect at one virtual instant, in their order, each with an answer of its own.
    Group(Caller, Vec<(Command, ReplySender)>),
    TraceHash(oneshot::Sender<TraceHash>),
    /// Snapshot whose figures are those of the instant at which the engine takes the request.
    Snapshot(oneshot::Sender<Arc<Snapshot>>),
}

/// Upload of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamUpload {
    /// Name to store it under; a kept upload that is continued keeps its own.
    pub name: String,
    /// Owner of the tree in which it is stored; `None` for the caller's own.
    pub owner: Option<String>,
    /// Size in bytes; content of another size is not stored. `None` if it is not known.
    pub size: Option<ByteSize>,
    /// Name and expiry by which it is kept if the writer goes, or by which a kept one is continued.
    pub keep: Option<Keep>,
    /// Time in seconds since 1970, stored with the file.
    pub stored_at: u64,
    /// Attributes and place of the file; an upload that is continued keeps those with which it was begun.
    pub stored_as: StoreAs,
    /// Node to which its segments go while it can take them.
    pub preferred: Option<NodeNumber>,
}

/// Upload of a stream that has begun.
#[derive(Debug)]
pub struct BegunUpload {
    /// Identifier of the transfer.
    pub transfer: TransferId,
    /// Position in the content at which the writer continues: 0, unless it is a kept upload.
    pub offset: u64,
    /// Number of segments before that position.
    pub segments: u32,
    /// Content before that position, which the writer is not given; `None` if there is none.
    pub prefix: Option<Prefix>,
    /// End of the stream that takes the content.
    pub writer: StreamWriter,
}

/// Handle of a running engine for front ends; cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    pub(super) asks: mpsc::Sender<Ask>,
    pub(super) events: EventLog,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Wakes the engine when something has happened at the other end of a stream.
    pub(super) wake: Arc<Notify>,
    pub(super) segment_size: SegmentSize,
    pub(super) seed: u64,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ask::Command(_, command, _) | Ask::Hurried(_, command, _) => command.fmt(f),
            Ask::Group(_, operations) => f.debug_list().entries(operations.iter().map(|(command, _)| command)).finish(),
            Ask::TraceHash(_) => f.write_str("TraceHash"),
            Ask::Snapshot(_) => f.write_str("Snapshot"),
        }
    }
}

impl EngineHandle {
    /// Returns the number of the run, which its [events](EventId) have too.
    pub const fn run(&self) -> u64 {
        self.events.run()
    }

    /// Returns the seed of all chances of the run.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the size in bytes that no file exceeds: that of as many segments as a file may have.
    pub const fn file_size_max(&self) -> u64 {
        super::transfer::SEGMENTS_MAX * self.segment_size.as_usize() as u64
    }

    /// Calls an operation and waits for its reply.
    ///
    /// # Errors
    /// Returns the error with which the engine refuses the operation, and [`EngineError::Stopped`] if the engine has ended.
    pub async fn call<O: Operation>(&self, caller: &Caller, operation: O) -> Result<O::Reply, EngineError> {
        self.answer_to(Ask::Command, caller, operation).await
    }

    /// Calls an operation that the caller has looked at as a command, and waits for its reply.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does, and with an internal error if the command is of another operation.
    pub async fn call_command<O: Operation>(&self, caller: &Caller, command: Command) -> Result<O::Reply, EngineError> {
        typed::<O>(self.call(caller, command).await)
    }

    /// Asks in one of the ways of asking, and waits for the reply.
    async fn answer_to<O: Operation>(
        &self,
        ask: fn(Caller, Box<Command>, ReplySender) -> Ask,
        caller: &Caller,
        operation: O,
    ) -> Result<O::Reply, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.send(ask(caller.clone(), Box::new(operation.into()), reply)).await?;
        typed::<O>(answer.await.map_err(|_| EngineError::Stopped)?)
    }

    /// Begins transfers at one virtual instant, in their order, so that they are under way beside each other. Returns an answer to each; those
    /// beyond the first [`GROUP_MAX`] may begin at a later instant, so that one caller does not keep others from the engine for long.
    pub async fn begin_together(&self, caller: &Caller, transfers: Vec<BeginTransfer>) -> Vec<Result<TransferId, EngineError>> {
        let mut answers = Vec::with_capacity(transfers.len());
        let mut left = transfers.into_iter();
        loop {
            let (operations, replies): (Vec<_>, Vec<_>) = left.by_ref().take(GROUP_MAX).map(with_reply).unzip();
            if replies.is_empty() {
                return answers;
            }
            // If the engine has ended, the senders of the replies are dropped.
            let _ = self.send(Ask::Group(caller.clone(), operations)).await;
            for reply in replies {
                answers.push(typed::<BeginTransfer>(reply.await.unwrap_or(Err(EngineError::Stopped))));
            }
        }
    }

    /// Begins an operation whose reply nobody waits for.
    ///
    /// # Errors
    /// Returns [`EngineError::Stopped`] if the engine has ended.
    pub async fn begin(&self, caller: &Caller, operation: impl Operation) -> Result<(), EngineError> {
        let (reply, _) = oneshot::channel();
        self.send(Ask::Command(caller.clone(), Box::new(operation.into()), reply)).await
    }

    /// Cancels a transfer and undoes its effects as fast as the machine can, whatever the speed is and even if time is paused. While other
    /// transfers are under way and time is not paused, it passes at the speed of the session.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does.
    pub async fn cancel_at_once(&self, caller: &Caller, transfer: TransferId) -> Result<Box<TransferReport>, EngineError> {
        self.answer_to(Ask::Hurried, caller, Cancel { transfer }).await
    }

    /// Ends an upload that is to be kept as [`Park`] does, as fast as the machine can, whatever the speed is and even if time is paused.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does.
    pub async fn park_at_once(&self, caller: &Caller, transfer: TransferId) -> Result<Box<TransferReport>, EngineError> {
        self.answer_to(Ask::Hurried, caller, Park { transfer }).await
    }

    /// Waits for the end of a transfer as fast as the machine can, whatever the speed is and even if time is paused.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does.
    pub async fn await_at_once(&self, caller: &Caller, transfer: TransferId) -> Result<Box<TransferReport>, EngineError> {
        self.answer_to(Ask::Hurried, caller, Await { transfer }).await
    }

    /// Begins an upload of what the returned writer is given.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does.
    pub async fn upload_stream(&self, caller: &Caller, upload: StreamUpload) -> Result<BegunUpload, EngineError> {
        let (arrivals, stream) = SourceStream::new(Arc::clone(&self.wake));
        let StreamUpload { name, owner, size, keep, stored_at, stored_as, preferred } = upload;
        let source = Source::Stream { stream: stream.clone(), size, keep };
        // If this call is given up, nobody sends, and the upload ends.
        let upload = Upload { source, name: Some(name), stored_at, stored_as, owner, preferred };
        let transfer = self.call(caller, upload).await?;
        let point = stream.resume_point();
        let offset = point.as_ref().map_or(0, ResumePoint::offset);
        let segments = point.as_ref().map_or(0, |point| point.segments);
        let prefix = point.clone().filter(|_| offset > 0).map(Prefix::new);
        let cutter = point.map_or_else(|| Ok(StreamCutter::new(self.segment_size)), |point| point.cutter());
        let cutter = cutter.map_err(|damaged| EngineError::Internal(damaged.to_string()))?;
        Ok(BegunUpload { transfer, offset, segments, prefix, writer: StreamWriter::new(cutter, arrivals) })
    }

    /// Begins a download of a file, or of a range of it, to the returned reader.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does.
    pub async fn download_stream(
        &self,
        caller: &Caller,
        file: FileKey,
        range: Option<ByteRange>,
    ) -> Result<(TransferId, StreamReader), EngineError> {
        self.download_content(caller, file, range, None).await
    }

    /// Begins a download as [`download_stream`](Self::download_stream) does, of a file whose content is the `expected` one at that instant.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does, and with [`EngineError::ContentDiffers`] for other content.
    pub async fn download_content(
        &self,
        caller: &Caller,
        file: FileKey,
        range: Option<ByteRange>,
        expected: Option<Sha256Digest>,
    ) -> Result<(TransferId, StreamReader), EngineError> {
        let (reader, stream) = SinkStream::new(Arc::clone(&self.wake));
        Ok((self.call(caller, Download { file, range, expected, sink: Sink::Stream(stream) }).await?, reader))
    }

    async fn send(&self, ask: Ask) -> Result<(), EngineError> {
        self.asks.send(ask).await.map_err(|_| EngineError::Stopped)
    }

    /// Returns the trace hash: the hash of all events so far.
    ///
    /// # Errors
    /// Returns [`EngineError::Stopped`] if the engine has ended.
    pub async fn trace_hash(&self) -> Result<TraceHash, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::TraceHash(reply)).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)
    }

    /// Subscribes to all events after `after`, as far as they are kept, or to those from now on. A reader that lags too far behind
    /// loses events and is told how many.
    pub fn events(&self, after: Option<EventId>) -> Subscription {
        self.events.subscribe(after)
    }

    /// Returns the latest events of all kinds but those of segments, at most `count` of them and the earliest first: what a reader finds who
    /// looks back.
    pub fn recent_events(&self, count: usize) -> Vec<Arc<Numbered>> {
        self.events.recent(count)
    }

    /// Returns a snapshot with the figures of the present instant.
    ///
    /// # Errors
    /// Returns [`EngineError::Stopped`] if the engine has ended.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.send(Ask::Snapshot(reply)).await?;
        answer.await.map_err(|_| EngineError::Stopped)
    }

    /// Returns a receiver that always holds the latest snapshot. It is at least as new as the latest reply but for its figures, which
    /// are renewed every few milliseconds: see [`snapshot`](Self::snapshot).
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

fn with_reply(transfer: BeginTransfer) -> ((Command, ReplySender), oneshot::Receiver<Result<Reply, EngineError>>) {
    let (sender, reply) = oneshot::channel();
    ((transfer.into(), sender), reply)
}

fn typed<O: Operation>(answer: Result<Reply, EngineError>) -> Result<O::Reply, EngineError> {
    O::typed(answer?).map_err(|other| EngineError::Internal(format!("an operation was answered with {other:?}")))
}
