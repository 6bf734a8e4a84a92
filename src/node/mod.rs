//! Floor 2: one peer of the storage network, without I/O.
//!
//! A node takes in what arrives (bytes of a connection, outcomes of its disk, datagrams, time) and gives out what it wants
//! done ([`Node::poll_output`]): bytes to send, work for its disk, probes. Whoever drives it carries that out.
//!
//! | module | what it is |
//! |---|---|
//! | [`protocol`] | requests, responses and the frames that carry them |
//! | [`health`] | the peer table: probes, round-trip times, who is alive |
//!
//! Knows nothing of files, transfers or placement: a segment is a segment.

pub mod health;
mod process;
pub mod protocol;
mod recent_probes;

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;

pub use self::process::{ProcessState, WaitingFor};
pub use self::recent_probes::{PROBES_MAX, RoundTrips};

use self::health::{HealthConfig, PeerTable, Probing};
use self::protocol::{Frame, FrameReader, ReadStep, Refusal, Request, RequestTag, Response};
use crate::net::{ConnectionId, HostId};
use crate::random::RandomStream;
use crate::storage::disk::DiskError;
use crate::storage::disk_op::{DiskOp, DiskOutcome};
use crate::storage::manifest::NodeNumber;
use crate::storage::segment::SegmentId;
use crate::storage::standing::Trouble;
use crate::storage::volume::{Volume, VolumeError, VolumeStats};
use crate::units::SimTime;

/// The port that nodes listen on.
pub const NODE_PORT: u16 = 7000;

/// Names one piece of work that a node has given to its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskJob(pub u64);

/// What a node wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOutput {
    /// Write these bytes to the connection, the header first.
    Send {
        /// The connection's end at this node.
        connection: ConnectionId,
        /// The request that is answered.
        tag: RequestTag,
        /// The frame without its payload.
        header: Bytes,
        /// The payload; empty where there is none.
        payload: Bytes,
    },
    /// The peer does not keep to the protocol: end the connection.
    Abort {
        /// The connection's end at this node.
        connection: ConnectionId,
        /// What was wrong.
        reason: String,
    },
    /// Carry this out on the node's disk, in the order in which it is asked for, and report to [`Node::handle_disk`].
    Disk {
        /// The work's name.
        job: DiskJob,
        /// The work.
        op: DiskOp,
    },
    /// A request has arrived whole.
    Received {
        /// The connection's end at this node.
        connection: ConnectionId,
        /// The request.
        tag: RequestTag,
    },
    /// Send this datagram.
    Datagram {
        /// To whom.
        to: HostId,
        /// What it says.
        payload: Bytes,
    },
}

/// One peer: its volume, its connections, its view of the others.
#[derive(Debug)]
pub struct Node {
    number: NodeNumber,
    volume: Volume,
    sessions: BTreeMap<ConnectionId, Session>,
    jobs: HashMap<DiskJob, Job>,
    next_job: u64,
    stopped: bool,
    /// Why it cannot run.
    trouble: Option<Trouble>,
    /// Who answers probes.
    pub peers: PeerTable,
    outputs: VecDeque<NodeOutput>,
}

/// One connection that a node has accepted.
#[derive(Debug, Default)]
struct Session {
    reader: FrameReader,
    /// Requests that are not answered yet.
    open_requests: u32,
    /// An answer is on its way and not acknowledged.
    answering: bool,
}

/// What a piece of disk work is for.
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
    /// A node that runs and holds what `volume` says. When it probes whom is drawn from `probes`.
    pub fn new(number: NodeNumber, volume: Volume, health: HealthConfig, probes: RandomStream) -> Node {
        Node {
            number,
            volume,
            sessions: BTreeMap::new(),
            jobs: HashMap::new(),
            next_job: 0,
            stopped: false,
            trouble: None,
            peers: PeerTable::new(health, Probing::InTurn, probes),
            outputs: VecDeque::new(),
        }
    }

    /// A node whose disk is in trouble: its process does not run, or it gives segments and takes none.
    pub fn troubled(number: NodeNumber, volume: Volume, trouble: Trouble, health: HealthConfig, probes: RandomStream) -> Node {
        Node { stopped: trouble.stops(), trouble: Some(trouble), ..Node::new(number, volume, health, probes) }
    }

    /// Takes no more segments, because of this.
    pub fn set_trouble(&mut self, trouble: Trouble) {
        self.trouble = Some(trouble);
    }

    /// Takes segments again, for its disk has room.
    pub fn clear_full(&mut self) {
        self.trouble.take_if(|trouble| *trouble == Trouble::Full);
    }

    /// Runs from now on with this volume, which is all its own.
    pub fn take_over(&mut self, volume: Volume) {
        self.volume = volume;
        self.trouble = None;
        self.stopped = false;
    }

    /// Removes segments that nobody has asked to be deleted by a request; gives what is to be done on the disk. Report the outcome
    /// to [`discarded`](Self::discarded).
    pub fn discard(&mut self, ids: &[SegmentId]) -> DiskOp {
        self.volume.delete(ids)
    }

    /// What became of a [`discard`](Self::discard).
    pub fn discarded(&mut self, op: &DiskOp, outcome: &Result<DiskOutcome, DiskError>) {
        self.volume.deleted(op.deletes(), outcome);
    }

    /// Why it does not take or give segments, where something is wrong with its disk.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Which node it is.
    pub fn number(&self) -> NodeNumber {
        self.number
    }

    /// How full its volume is.
    pub fn volume_stats(&self) -> VolumeStats {
        self.volume.stats()
    }

    /// Whether its volume has a segment, or will have when its disk is done.
    pub fn holds(&self, id: SegmentId) -> bool {
        self.volume.holds(id)
    }

    /// How many bytes a segment has that it holds.
    pub fn len_of(&self, id: SegmentId) -> Option<u64> {
        self.volume.len_of(id)
    }

    /// How many connections it has.
    pub fn connection_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many requests it has taken and not answered.
    pub fn open_requests(&self) -> u32 {
        self.sessions.values().map(|session| session.open_requests).sum()
    }

    /// The next thing that it wants done. Call it until it gives nothing, after every other call.
    pub fn poll_output(&mut self) -> Option<NodeOutput> {
        self.outputs.pop_front()
    }

    /// A peer has connected.
    pub fn handle_connected(&mut self, connection: ConnectionId) {
        if !self.stopped {
            self.sessions.insert(connection, Session::default());
        }
    }

    /// A connection is over. Its requests are carried out, but nobody hears of it.
    pub fn handle_ended(&mut self, connection: ConnectionId) {
        self.sessions.remove(&connection);
    }

    /// Everything that was sent on a connection has been acknowledged.
    pub fn handle_drained(&mut self, connection: ConnectionId) {
        if let Some(session) = self.sessions.get_mut(&connection) {
            session.answering = false;
        }
    }

    /// How many bytes it wants of a connection next: the most to pass to [`handle_bytes`](Self::handle_bytes) at once, and how
    /// many should be there before it is worth the trouble.
    pub fn wants(&self, connection: ConnectionId) -> Option<(usize, u64)> {
        self.sessions.get(&connection).map(|session| (session.reader.piece_max(), session.reader.frame_rest()))
    }

    /// Bytes have arrived, no more than [`wants`](Self::wants) said.
    pub fn handle_bytes(&mut self, connection: ConnectionId, bytes: Bytes) {
        let Some(session) = self.sessions.get_mut(&connection) else { return };
        let step = session.reader.push(bytes).and_then(|step| match step {
            ReadStep::Frame(frame) => frame.request().map(|(tag, request)| Some((tag, request, frame))),
            ReadStep::More => Ok(None),
        });
        match step {
            Ok(None) => {}
            Ok(Some((tag, request, frame))) => {
                session.open_requests += 1;
                self.outputs.push_back(NodeOutput::Received { connection, tag });
                self.handle_request(connection, tag, request, frame);
            }
            Err(error) => {
                self.sessions.remove(&connection);
                self.outputs.push_back(NodeOutput::Abort { connection, reason: error.to_string() });
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
            Request::Commit => {
                let ids = frame.ids();
                self.volume.commit(&ids).map(|op| (op, Purpose::Commit(ids)))
            }
        };
        match work {
            Ok((op, purpose)) => self.ask_disk(op, Job { connection, tag, purpose }),
            Err(error) => self.answer(connection, tag, &Response::Refused(error.into()), Bytes::new()),
        }
    }

    fn ask_disk(&mut self, op: DiskOp, job: Job) {
        self.next_job += 1;
        let name = DiskJob(self.next_job);
        self.jobs.insert(name, job);
        self.outputs.push_back(NodeOutput::Disk { job: name, op });
    }

    /// The disk has done, or failed to do, what it was asked.
    pub fn handle_disk(&mut self, job: DiskJob, outcome: Result<DiskOutcome, DiskError>) {
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
            (Purpose::Commit(_), Ok(_)) => {
                (refused.map_or(Response::Committed, |error| Response::Refused(error.into())), Bytes::new())
            }
            (Purpose::Get(id), Ok(DiskOutcome::Read { bytes })) => (Response::Segment { id }, bytes),
            (Purpose::Get(id), Ok(_)) => (Response::Refused(Refusal::NotStored { id }), Bytes::new()),
            (Purpose::Put(id), Ok(_)) => (Response::Stored { id }, Bytes::new()),
            // What is still there is owed, and has to be asked for again.
            (Purpose::Delete(_), Ok(DiskOutcome::NotDeleted { error, .. })) => (Response::Refused(error.into()), Bytes::new()),
            (Purpose::Delete(_), Ok(_)) => (Response::Deleted, Bytes::new()),
        };
        if !self.stopped {
            self.answer(connection, tag, &response, payload);
        }
    }

    fn answer(&mut self, connection: ConnectionId, tag: RequestTag, response: &Response, payload: Bytes) {
        let Some(session) = self.sessions.get_mut(&connection) else { return };
        session.open_requests = session.open_requests.saturating_sub(1);
        match protocol::frame(tag, response, &payload) {
            Ok(header) => {
                session.answering = true;
                self.outputs.push_back(NodeOutput::Send { connection, tag, header, payload });
            }
            Err(error) => self.outputs.push_back(NodeOutput::Abort { connection, reason: error.to_string() }),
        }
    }

    /// A datagram has arrived: a probe of another's, or an answer to one of ours.
    pub fn handle_datagram(&mut self, now: SimTime, from: HostId, payload: &[u8]) {
        if !self.stopped {
            self.peers.handle_datagram(now, from, payload);
            self.send_probes();
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` for never.
    pub fn next_timeout(&self) -> Option<SimTime> {
        if self.stopped { None } else { self.peers.next_timeout() }
    }

    /// Time has passed; `heard` says when the latest packet arrived on a connection from a host. Calling it too early changes
    /// nothing.
    pub fn handle_timeout(&mut self, now: SimTime, heard: impl Fn(HostId) -> Option<SimTime>) {
        if !self.stopped {
            self.peers.handle_timeout(now, heard);
            self.send_probes();
        }
    }

    /// Begins to ask every peer whether it is there.
    pub fn check_peers(&mut self, now: SimTime) {
        if !self.stopped {
            self.peers.begin_check(now);
            self.send_probes();
        }
    }

    fn send_probes(&mut self) {
        while let Some((to, payload)) = self.peers.poll_datagram() {
            self.outputs.push_back(NodeOutput::Datagram { to, payload });
        }
    }

    /// The process ends: connections are forgotten, and what the disk still does is nobody's concern.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.sessions.clear();
        self.outputs.retain(|output| matches!(output, NodeOutput::Disk { .. }));
    }

    /// The process runs again, with what its volume holds. It does not where something is wrong with its disk.
    pub fn start(&mut self) {
        self.stopped = self.trouble.as_ref().is_some_and(Trouble::stops);
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
