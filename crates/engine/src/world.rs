//! State that transfers work on: the network, the client, the nodes and their disks, and the known files.
//!
//! The simulation dispatches what happens in the world to the transfers.

mod node_host;
mod owed;
mod volumes;
mod wiring;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use p2p_base::codec;
use p2p_base::trace::TraceHash;
use p2p_base::units::{ByteSize, SimTime};
use p2p_net::{ConnectionId, HostId, MeterId, Network};
use p2p_store::catalog::{Catalog, Garbage};
use p2p_store::manifest::{FileKey, FileRecord, NodeNumber};
use p2p_store::placement::{Candidate, Placement, has_room_for};
use p2p_store::segment::SegmentId;

pub(super) use self::node_host::NodeHost;
pub(super) use self::owed::OwedDeletions;
pub(super) use self::volumes::Volumes;
pub(super) use super::client::Owner;

use super::cause::PassedOver;
use super::client::Client;
use super::config::EngineConfig;
use super::event::Event;
use super::io::{JobId, JobTable, Lane, Outcome, Work};
use super::memory::MemoryBudget;
use super::snapshot::Peer;
use super::timetable::Timetable;
use super::transfer::{Input, Part, TransferId, Unanswered};
use crate::node::DiskJob;
use crate::node::health::{Health, PeerTable};
use crate::node::protocol::{IDS_MAX, Request, ids_payload};

/// Version of the event encoding that goes into the trace hash.
const EVENT_VERSION: u8 = 2;

/// Owner of work that takes effect at a virtual instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Work of a node's disk.
    Disk(usize, DiskJob),
    /// Work of a transfer.
    Transfer(TransferId),
    /// Work of the catalog on the deletions that a node owes.
    Owed(usize),
}

/// Hosts on the network.
#[derive(Debug)]
pub(super) struct Hosts {
    pub(super) client: HostId,
    /// Peer that each host is, by the host's index.
    peers: Vec<Peer>,
}

impl Hosts {
    pub(super) fn new(client: HostId, peers: Vec<Peer>) -> Hosts {
        Hosts { client, peers }
    }

    pub(super) fn peer(&self, host: HostId) -> Peer {
        self.peers[host.index()]
    }
}

/// World in which transfers take place.
#[derive(Debug)]
pub(super) struct World {
    pub(super) config: EngineConfig,
    pub(super) net: Network,
    pub(super) hosts: Hosts,
    pub(super) client: Client,
    /// The client's health table of the nodes.
    pub(super) peers: PeerTable,
    pub(super) nodes: Vec<NodeHost>,
    /// Index of the node that has accepted a connection.
    pub(super) accepted: BTreeMap<ConnectionId, usize>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) jobs: JobTable,
    /// Jobs whose outcomes take effect at a virtual instant, the earliest first.
    pub(super) joins: BinaryHeap<Reverse<(SimTime, u64, JobId)>>,
    pub(super) due: HashMap<JobId, Due>,
    pub(super) next_join: u64,
    pub(super) timetable: Timetable,
    /// Stored files, by owner and name.
    pub(super) files: Arc<BTreeMap<FileKey, FileRecord>>,
    /// Names that running uploads will store files under.
    pub(super) reserved_names: BTreeSet<FileKey>,
    pub(super) placement: Placement,
    /// Bytes that running uploads will bring to each node.
    pub(super) reserved: Vec<u64>,
    /// Number of running uploads that need each segment on each holder; such segments must not be deleted.
    pub(super) pinned: HashMap<(NodeNumber, SegmentId), u32>,
    pub(super) memory: MemoryBudget,
    pub(super) owed: OwedDeletions,
    pub(super) inbox: VecDeque<(TransferId, Input)>,
    pub(super) events: VecDeque<(SimTime, Event)>,
    pub(super) volumes: Volumes,
    /// Segments that files need and that were missing at the start.
    pub(super) missing_segments: u64,
    /// Segments that no file references, on volumes that do not belong to the catalog.
    pub(super) unknown_segments: u64,
    /// Number of events emitted so far.
    pub(super) emitted: u64,
    pub(super) trace: TraceHash,
}

impl World {
    pub(super) fn now(&self) -> SimTime {
        self.net.now()
    }

    /// Publishes an event and adds it to the trace.
    pub(super) fn emit(&mut self, event: Event) {
        self.trace.add(self.now().as_nanos());
        if let Ok(bytes) = codec::encode(EVENT_VERSION, &event) {
            self.trace.add_bytes(&bytes);
        }
        self.emitted += 1;
        self.events.push_back((self.now(), event));
    }

    /// Publishes an event that stems from this machine and not from the simulation, such as leftovers of a crash or a failing
    /// disk. It is not part of the trace and does not end a step.
    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back((self.now(), event));
    }

    /// Returns all hosts on the network, the client first.
    pub(super) fn everybody(&self) -> impl Iterator<Item = (Peer, HostId)> + '_ {
        let nodes = self.nodes.iter().map(|node| (Peer::Node(node.node.number()), node.host));
        std::iter::once((Peer::Client, self.hosts.client)).chain(nodes)
    }

    /// Returns true if nothing remains to be processed at this instant.
    pub(super) fn is_quiet(&self) -> bool {
        let work_due = self.joins.peek().is_some_and(|Reverse((at, _, _))| *at <= self.now());
        let timeout_due = self.timetable.next().is_some_and(|at| at <= self.now());
        !work_due && !timeout_due && self.inbox.is_empty() && !self.client.has_output() && !self.net.has_event()
    }

    /// Stops the processes of all nodes.
    pub(super) fn stop_nodes(&mut self) {
        for node in &mut self.nodes {
            node.node.stop();
        }
        self.record_all_timeouts();
    }

    /// Closes the client's connections.
    pub(super) fn close_connections(&mut self) {
        self.client.close_all(&mut self.net);
        self.record_client_timeout();
    }

    /// Returns the hash of every packet and every event so far.
    pub(super) fn trace_hash(&self) -> TraceHash {
        let mut hash = self.trace;
        hash.add(self.net.trace_hash().value());
        hash
    }

    /// Sends a request to a node on behalf of a transfer.
    pub(super) fn ask(&mut self, node: NodeNumber, transfer: TransferId, part: Part, request: &Request, payload: Bytes) {
        self.ask_for(node, (Owner::Transfer(transfer, part), None), request, payload);
    }

    /// Sends a request to fetch or store a segment, whose bytes a meter counts.
    pub(super) fn ask_metered(&mut self, node: NodeNumber, owner: Owner, meter: MeterId, request: &Request, payload: Bytes) {
        self.ask_for(node, (owner, Some(meter)), request, payload);
    }

    fn ask_for(&mut self, node: NodeNumber, owner: (Owner, Option<MeterId>), request: &Request, payload: Bytes) {
        let to = self.nodes[node.index()].host;
        self.client.ask(&mut self.net, node, to, owner, request, payload);
        self.record_client_timeout();
    }

    /// Cancels the requests of a transfer that are not written yet.
    pub(super) fn forget_requests(&mut self, transfer: TransferId) {
        self.client.forget(&mut self.net, transfer);
        self.record_client_timeout();
    }

    /// Submits work whose outcome takes effect at the virtual instant `at`.
    pub(super) fn submit_for(&mut self, at: SimTime, due: Due, lane: Lane, work: Work) {
        let job = self.jobs.submit(lane, work);
        self.next_join += 1;
        self.joins.push(Reverse((at, self.next_join, job)));
        self.due.insert(job, due);
    }

    /// Submits work on the catalog for a transfer. It takes one service time of a disk.
    pub(super) fn submit_catalog(&mut self, transfer: TransferId, work: impl FnOnce(&Catalog) -> Outcome + Send + 'static) {
        let catalog = Arc::clone(&self.catalog);
        let at = self.now() + self.config.disk.service_time;
        self.submit_for(at, Due::Transfer(transfer), Lane::Catalog, Box::new(move || work(&catalog)));
    }

    /// Returns the virtual instant at which work or a timeout is due next.
    pub(super) fn next_due(&self) -> Option<SimTime> {
        let join = self.joins.peek().map(|Reverse((at, _, _))| *at);
        // `SimTime::MAX` stands for never.
        [join, self.timetable.next(), self.net.next_due()].into_iter().flatten().min().filter(|&at| at < SimTime::MAX)
    }

    /// Takes the outcome of work that is due now. Returns the job as an error if it is not finished yet.
    pub(super) fn take_due_work(&mut self) -> Result<Option<(Due, Outcome)>, JobId> {
        let Some(&Reverse((at, _, job))) = self.joins.peek() else { return Ok(None) };
        if at > self.now() {
            return Ok(None);
        }
        let outcome = self.jobs.take(job).ok_or(job)?;
        self.joins.pop();
        Ok(self.due.remove(&job).map(|due| (due, outcome)))
    }

    /// Returns the nodes as candidates for placement: dead nodes and nodes with disk trouble are not usable, and reserved bytes
    /// are not free.
    pub(super) fn candidates(&self, usable: impl Fn(NodeNumber) -> bool) -> Vec<Candidate> {
        let candidate = |node: &NodeHost| {
            let number = node.node.number();
            let stats = node.node.volume_stats();
            let alive = !self.is_dead(number);
            let reserved = self.reserved[number.index()];
            Candidate {
                node: number,
                usable: alive && node.node.trouble().is_none() && usable(number),
                capacity: stats.capacity,
                free: stats.free().saturating_sub(reserved),
            }
        };
        self.nodes.iter().map(candidate).collect()
    }

    /// Returns the reason why placement has passed over a node.
    pub(super) fn why_passed_over(&self, node: NodeNumber) -> PassedOver {
        match self.nodes[node.index()].node.trouble() {
            Some(trouble) => PassedOver::Trouble(trouble.clone()),
            None if self.is_dead(node) => PassedOver::Dead,
            None => PassedOver::Full,
        }
    }

    /// Returns true if the client considers a node dead.
    pub(super) fn is_dead(&self, node: NodeNumber) -> bool {
        self.peers.peer(self.nodes[node.index()].host).health == Health::Dead
    }

    /// Returns true if the nodes that are alive have room for a file of `size`.
    pub(super) fn has_room_for(&self, size: ByteSize) -> bool {
        has_room_for(&self.candidates(|_| true), size.as_u64(), self.config.segment_size.as_usize() as u64)
    }

    /// Returns the free bytes on nodes that are alive.
    pub(super) fn free_bytes(&self) -> u64 {
        // The total capacity of a thousand nodes may exceed the range.
        self.candidates(|_| true)
            .iter()
            .filter(|candidate| candidate.usable)
            .map(|candidate| candidate.free)
            .fold(0, u64::saturating_add)
    }

    /// Protects a segment that an upload will store on a node from deletion, and reserves room for it. Returns the reserved
    /// bytes.
    pub(super) fn pin(&mut self, node: NodeNumber, id: SegmentId, len: u64) -> u64 {
        *self.pinned.entry((node, id)).or_default() += 1;
        let room = if self.nodes[node.index()].node.holds(id) { 0 } else { len };
        self.reserved[node.index()] += room;
        room
    }

    /// Ends a reservation, because the segment is stored or because it is not going to be.
    pub(super) fn free_reservation(&mut self, node: NodeNumber, room: u64) {
        self.reserved[node.index()] -= room;
    }

    /// Ends the protection of a segment by one upload.
    pub(super) fn unpin(&mut self, node: NodeNumber, id: SegmentId) {
        if let Some(count) = self.pinned.get_mut(&(node, id)) {
            *count -= 1;
            if *count == 0 {
                self.pinned.remove(&(node, id));
            }
        }
    }

    /// Sends each node a request about its segments, in as many batches as necessary.
    pub(super) fn ask_about(&mut self, transfer: TransferId, part: Part, request: &Request, shares: Garbage) -> Unanswered {
        let mut asked = Unanswered::default();
        for (node, ids) in shares {
            for batch in ids.chunks(IDS_MAX) {
                asked.add(node);
                self.ask(node, transfer, part, request, ids_payload(batch));
            }
        }
        asked
    }
}
