//! One node of the storage network, without I/O.
//!
//! A node takes inputs (bytes of a connection, outcomes of its disk) and returns outputs ([`Node::poll_output`]): bytes to send and
//! work for its disk. The caller carries these out. What every host does, asking nodes and probing its peers, is not the node's.
//!
//! | module | contents |
//! |---|---|
//! | [`protocol`] | requests, responses and the frames that carry them |
//! | [`health`] | the peer table: probes, round-trip times, and which peers are alive |
//!
//! Independent of files, transfers and placement: a node handles single segments.

pub mod health;
mod part;
mod process;
pub mod protocol;
mod recent_probes;

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use p2p_net::ConnectionId;
use p2p_store::disk::DiskError;
use p2p_store::disk_op::{DiskOp, DiskOutcome};
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;
use p2p_store::standing::Trouble;
use p2p_store::volume::{Volume, VolumeError, VolumeStats};

pub use self::part::Piece;
pub use self::process::{ProcessState, WaitingFor};

use self::process::Process;
pub use self::recent_probes::{PROBES_KEPT, PROBES_MAX, ProbeRecord, RoundTrips};

use self::protocol::{Frame, FrameReader, ProtocolError, ReadStep, Refusal, Request, RequestTag, Response, ids_payload};

/// TCP port that nodes listen on.
pub const NODE_PORT: u16 = 7000;
/// UDP port from which and to which hosts send their health probes.
pub const PROBE_PORT: u16 = 7001;

/// Identifier of one operation that a node has requested of its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskJob(pub u64);

/// Output of a node, which the caller carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOutput {
    /// Write these bytes to the connection, first the header, then the payload.
    Send {
        /// Local end of the connection, at this node.
        connection: ConnectionId,
        /// Tag of the request that is answered.
        tag: RequestTag,
        /// Frame without its payload.
        header: Bytes,
        /// Payload of the frame; it may be empty.
        payload: Bytes,
    },
    /// Abort the connection, since the peer has violated the protocol.
    Abort {
        /// Local end of the connection, at this node.
        connection: ConnectionId,
        /// Violation of the protocol.
        violation: ProtocolError,
    },
    /// Run an operation on the node's disk, in the order of the outputs, and report its outcome to [`Node::handle_disk`].
    Disk {
        /// Identifier of the operation.
        job: DiskJob,
        /// Operation to run on the disk.
        op: DiskOp,
    },
    /// A request has been received completely.
    Received {
        /// Local end of the connection, at this node.
        connection: ConnectionId,
        /// Tag of the received request.
        tag: RequestTag,
    },
    /// The process runs, after it has read the disk.
    Started,
    /// The process does not run, because it could not read the disk.
    NotStarted {
        /// Error of the disk.
        error: DiskError,
    },
}

/// Node of the storage network: its volume and its connections.
#[derive(Debug)]
pub struct Node {
    number: NodeNumber,
    volume: Volume,
    inbound: BTreeMap<ConnectionId, Inbound>,
    jobs: HashMap<DiskJob, Job>,
    next_job: u64,
    process: Process,
    /// Number of times that the process has come to run again.
    starts: u64,
    /// Reason why the node does not run or does not accept segments.
    trouble: Option<Trouble>,
    outputs: VecDeque<NodeOutput>,
}

/// State of a connection that the node has accepted.
#[derive(Debug, Default)]
struct Inbound {
    reader: FrameReader,
    /// Number of requests that are not answered yet.
    open_requests: u32,
    /// True if an answer was sent and is not acknowledged yet.
    answering: bool,
}

/// Disk operation under way, and the request that it belongs to.
#[derive(Debug)]
struct Job {
    connection: ConnectionId,
    tag: RequestTag,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    Put(SegmentId),
    Get(SegmentId),
    Delete(Vec<SegmentId>),
    Commit(Vec<SegmentId>),
}

impl Node {
    /// Makes a running node with this volume.
    pub fn new(number: NodeNumber, volume: Volume) -> Node {
        Node {
            number,
            volume,
            inbound: BTreeMap::new(),
            jobs: HashMap::new(),
            next_job: 0,
            process: Process::Runs,
            starts: 0,
            trouble: None,
            outputs: VecDeque::new(),
        }
    }

    /// Makes a node whose disk is in trouble: depending on the trouble its process does not run, or it serves reads and accepts
    /// no segments.
    pub fn troubled(number: NodeNumber, volume: Volume, trouble: Trouble) -> Node {
        let process = if trouble.stops() { Process::Gone } else { Process::Runs };
        Node { process, trouble: Some(trouble), ..Node::new(number, volume) }
    }

    /// Makes the node refuse segments for this reason.
    pub fn set_trouble(&mut self, trouble: Trouble) {
        self.trouble = Some(trouble);
    }

    /// Makes the node accept segments again after its disk was full.
    pub fn clear_full(&mut self) {
        self.trouble.take_if(|trouble| *trouble == Trouble::Full);
    }

    /// Gives the node this volume, which belongs to it from now on, and makes it run if its disk alone prevented that.
    pub fn take_over(&mut self, volume: Volume) {
        self.volume = volume;
        // A process that has ended for another reason stays so.
        if self.trouble.take().is_some_and(|trouble| trouble.stops()) {
            self.process = Process::Runs;
        }
    }

    /// Deletes segments without a request of a client, and returns the operation to run on the disk. The outcome has to be
    /// reported to [`discarded`](Self::discarded).
    pub fn discard(&mut self, ids: &[SegmentId]) -> DiskOp {
        self.volume.delete(ids)
    }

    /// Records the outcome of a [`discard`](Self::discard).
    pub fn discarded(&mut self, op: &DiskOp, outcome: &Result<DiskOutcome, DiskError>) {
        self.volume.deleted(op.deletes(), outcome);
    }

    /// Returns the trouble of the node's disk, if any.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Returns the number of the node.
    pub fn number(&self) -> NodeNumber {
        self.number
    }

    /// Returns the fill level of the node's volume.
    pub fn volume_stats(&self) -> VolumeStats {
        self.volume.stats()
    }

    /// Counts `bytes` of the volume as used by segments that are not known one by one, as in the replay of a run.
    pub fn assume_used(&mut self, bytes: u64) {
        self.volume.assume_used(bytes);
    }

    /// Returns true if the volume holds a segment, or will after the pending disk operations.
    pub fn holds(&self, id: SegmentId) -> bool {
        self.volume.holds(id)
    }

    /// Returns the segments that the volume holds, in no order.
    pub fn segments(&self) -> impl Iterator<Item = SegmentId> {
        self.volume.segments()
    }

    /// Returns the length of a stored segment in bytes; `None` if it is not stored.
    pub fn len_of(&self, id: SegmentId) -> Option<u64> {
        self.volume.len_of(id)
    }

    /// Returns the number of open connections.
    pub fn connection_count(&self) -> usize {
        self.inbound.len()
    }

    /// Returns the number of requests that were received and are not answered yet.
    pub fn open_requests(&self) -> u32 {
        self.inbound.values().map(|inbound| inbound.open_requests).sum()
    }

    /// Returns the next output. The caller polls until it returns `None`, after every other call.
    pub fn poll_output(&mut self) -> Option<NodeOutput> {
        self.outputs.pop_front()
    }

    /// Adds a connection that a client has opened.
    pub fn handle_connected(&mut self, connection: ConnectionId) {
        if self.is_running() {
            self.inbound.insert(connection, Inbound::default());
        }
    }

    /// Removes a connection that has ended. Its pending requests are still carried out, but no responses are sent.
    pub fn handle_ended(&mut self, connection: ConnectionId) {
        self.inbound.remove(&connection);
    }

    /// Records that everything sent on a connection has been acknowledged.
    pub fn handle_drained(&mut self, connection: ConnectionId) {
        if let Some(inbound) = self.inbound.get_mut(&connection) {
            inbound.answering = false;
        }
    }

    /// Returns the largest number of bytes to pass to [`handle_bytes`](Self::handle_bytes) at once, and the number of bytes that
    /// should have arrived before the call is worthwhile.
    pub fn wants(&self, connection: ConnectionId) -> Option<(usize, u64)> {
        self.inbound.get(&connection).map(|inbound| (inbound.reader.piece_max(), inbound.reader.frame_rest()))
    }

    /// Processes bytes that have arrived, no more than [`wants`](Self::wants) has returned.
    pub fn handle_bytes(&mut self, connection: ConnectionId, piece: impl Into<Piece>) {
        let Some(inbound) = self.inbound.get_mut(&connection) else { return };
        let step = inbound.reader.push(piece).and_then(|step| match step {
            ReadStep::Frame(frame) => frame.request().map(|(tag, request)| Some((tag, request, frame))),
            ReadStep::More => Ok(None),
        });
        match step {
            Ok(None) => {}
            Ok(Some((tag, request, frame))) => {
                inbound.open_requests += 1;
                self.outputs.push_back(NodeOutput::Received { connection, tag });
                self.handle_request(connection, tag, request, frame);
            }
            Err(error) => {
                self.inbound.remove(&connection);
                self.outputs.push_back(NodeOutput::Abort { connection, violation: error });
            }
        }
    }

    fn handle_request(&mut self, connection: ConnectionId, tag: RequestTag, request: Request, frame: Frame) {
        let refuses = |trouble: &Trouble| match request {
            Request::Put { .. } | Request::Commit => true,
            Request::Delete => !trouble.allows_deletion(),
            Request::Ping | Request::Stat | Request::Get { .. } => false,
        };
        if self.trouble.as_ref().is_some_and(refuses) {
            return self.answer(connection, tag, &Response::Refused(Refusal::ReadOnly), Bytes::new());
        }
        let work = match request {
            Request::Ping => return self.answer(connection, tag, &Response::Pong, Bytes::new()),
            Request::Stat => return self.answer(connection, tag, &Response::Stat(self.volume.stats()), Bytes::new()),
            Request::Put { id } => self.volume.put(id, frame.payload).map(|op| (op, Purpose::Put(id))),
            Request::Get { id } => self.volume.get(id).map(|op| (op, Purpose::Get(id))),
            Request::Delete => {
                let op = self.volume.delete(&frame.ids());
                let asked = op.deletes().to_vec();
                Ok((op, Purpose::Delete(asked)))
            }
            Request::Commit => return self.commit(connection, tag, frame.ids()),
        };
        match work {
            Ok((op, purpose)) => self.ask_disk(op, Job { connection, tag, purpose }),
            Err(error) => self.answer(connection, tag, &Response::Refused(error.into()), Bytes::new()),
        }
    }

    /// Makes segments durable, or refuses to and names those that have to be stored again first.
    fn commit(&mut self, connection: ConnectionId, tag: RequestTag, ids: Vec<SegmentId>) {
        match self.volume.commit(&ids) {
            Ok(op) => self.ask_disk(op, Job { connection, tag, purpose: Purpose::Commit(ids) }),
            Err(error) => self.answer(connection, tag, &Response::Refused(error.into()), self.lacking(&ids)),
        }
    }

    /// Returns the names of those of the segments that have to be stored again before they can be committed, as a payload.
    fn lacking(&self, ids: &[SegmentId]) -> Bytes {
        ids_payload(&self.volume.lacking(ids).collect::<Vec<_>>())
    }

    fn ask_disk(&mut self, op: DiskOp, job: Job) {
        let name = self.submit(op);
        self.jobs.insert(name, job);
    }

    /// Puts out an operation for the disk.
    fn submit(&mut self, op: DiskOp) -> DiskJob {
        self.next_job += 1;
        let name = DiskJob(self.next_job);
        self.outputs.push_back(NodeOutput::Disk { job: name, op });
        name
    }

    /// Processes the outcome of a disk operation.
    pub fn handle_disk(&mut self, job: DiskJob, outcome: Result<DiskOutcome, DiskError>) {
        if self.process == Process::Starts(job) {
            return self.end_start(outcome);
        }
        let Some(Job { connection, tag, purpose }) = self.jobs.remove(&job) else { return };
        let mut refused = None;
        match &purpose {
            Purpose::Put(id) => self.volume.stored(*id, &outcome),
            Purpose::Commit(ids) => refused = self.volume.committed(ids, &outcome).err(),
            Purpose::Delete(ids) => self.volume.deleted(ids, &outcome),
            Purpose::Get(_) => {}
        }
        let (response, payload) = match (purpose, outcome) {
            (_, Err(error)) => (Response::Refused(error.into()), Bytes::new()),
            (Purpose::Commit(ids), Ok(_)) => match refused {
                Some(error) => (Response::Refused(error.into()), self.lacking(&ids)),
                None => (Response::Committed, Bytes::new()),
            },
            (Purpose::Get(id), Ok(DiskOutcome::Read { bytes })) => (Response::Segment { id }, bytes),
            (Purpose::Get(id), Ok(_)) => (Response::Refused(Refusal::NotStored { id }), Bytes::new()),
            (Purpose::Put(id), Ok(_)) => (Response::Stored { id }, Bytes::new()),
            // The segments that are left have to be deleted by another request.
            (Purpose::Delete(_), Ok(DiskOutcome::NotDeleted { error, .. })) => (Response::Refused(error.into()), Bytes::new()),
            (Purpose::Delete(_), Ok(_)) => (Response::Deleted, Bytes::new()),
        };
        if self.is_running() {
            self.answer(connection, tag, &response, payload);
        }
    }

    fn answer(&mut self, connection: ConnectionId, tag: RequestTag, response: &Response, payload: Bytes) {
        let Some(inbound) = self.inbound.get_mut(&connection) else { return };
        inbound.open_requests = inbound.open_requests.saturating_sub(1);
        match protocol::frame(tag, response, &payload) {
            Ok(header) => {
                inbound.answering = true;
                self.outputs.push_back(NodeOutput::Send { connection, tag, header, payload });
            }
            Err(error) => self.outputs.push_back(NodeOutput::Abort { connection, violation: error }),
        }
    }
}

impl From<VolumeError> for Refusal {
    fn from(error: VolumeError) -> Refusal {
        match error {
            VolumeError::Full { needed, free } => Refusal::Full { needed, free },
            VolumeError::NotStored { id } => Refusal::NotStored { id },
            VolumeError::Doubtful { id } => Refusal::Doubtful { id },
        }
    }
}

impl From<DiskError> for Refusal {
    fn from(error: DiskError) -> Refusal {
        match error {
            DiskError::NotFound { id } => Refusal::NotStored { id },
            DiskError::Corrupt { id, .. } | DiskError::TooLong { id, .. } => Refusal::Corrupt { id },
            DiskError::Full => Refusal::DiskFull,
            error @ (DiskError::Stray { .. } | DiskError::Io { .. } | DiskError::Internal) => Refusal::Disk(error),
        }
    }
}

#[cfg(test)]
mod tests;
