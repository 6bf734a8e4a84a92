//! Everything but the transfers: the network, the client, the nodes and their disks, the files that are known.
//!
//! Transfers work on the world; the simulation carries what happens in it from one part to the other. Knows nothing of
//! commands or replies.

mod node_host;
mod owed;
mod volumes;
mod wiring;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

pub(super) use self::node_host::NodeHost;
pub(super) use self::owed::OwedDeletions;
pub(super) use self::volumes::Volumes;
pub(super) use super::client::Owner;

use super::client::Client;
use super::config::EngineConfig;
use super::event::Event;
use super::io::{IoDesk, JobId, Lane, Outcome, Work};
use super::memory::MemoryBudget;
use super::snapshot::Party;
use super::timetable::Timetable;
use super::transfer::{Input, Part, TransferId, Unanswered};
use crate::codec;
use crate::net::{ConnectionId, HostId, MeterId, Network, TraceHash};
use crate::node::DiskJob;
use crate::node::health::{Health, PeerTable};
use crate::node::protocol::{IDS_MAX, Request, ids_payload};
use crate::storage::catalog::{Catalog, Garbage};
use crate::storage::manifest::{FileKey, FileRecord, NodeNumber};
use crate::storage::placement::{Candidate, Placement, has_room_for};
use crate::storage::segment::SegmentId;
use crate::units::{ByteSize, SimTime};

/// The version of events, as the trace hashes them.
const EVENT_VERSION: u8 = 1;

/// Whose work is done at a virtual instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// A node's disk.
    Disk(usize, DiskJob),
    /// A transfer's.
    Transfer(TransferId),
    /// The catalog's, about what a node owes.
    Owed(usize),
}

/// Who is on the network.
#[derive(Debug)]
pub(super) struct Hosts {
    pub(super) client: HostId,
    /// The party of each host, by its place.
    parties: Vec<Party>,
}

impl Hosts {
    pub(super) fn new(client: HostId, parties: Vec<Party>) -> Hosts {
        Hosts { client, parties }
    }

    pub(super) fn party(&self, host: HostId) -> Party {
        self.parties[host.index()]
    }
}

/// The world in which transfers happen.
#[derive(Debug)]
pub(super) struct World {
    pub(super) config: EngineConfig,
    pub(super) net: Network,
    pub(super) hosts: Hosts,
    pub(super) client: Client,
    /// What the client knows of the nodes.
    pub(super) peers: PeerTable,
    pub(super) nodes: Vec<NodeHost>,
    /// Which node has accepted a connection.
    pub(super) accepted: BTreeMap<ConnectionId, usize>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) desk: IoDesk,
    /// Work whose outcome counts at a virtual instant, the earliest first.
    pub(super) joins: BinaryHeap<Reverse<(SimTime, u64, JobId)>>,
    pub(super) due: HashMap<JobId, Due>,
    pub(super) next_join: u64,
    pub(super) timetable: Timetable,
    /// The stored files, by owner and name.
    pub(super) files: Arc<BTreeMap<FileKey, FileRecord>>,
    /// What uploads under way will be called.
    pub(super) names_promised: BTreeSet<FileKey>,
    pub(super) placement: Placement,
    /// Bytes that uploads under way will bring to each node.
    pub(super) promised: Vec<u64>,
    /// Segments that uploads under way count on, by holder: they are not to be deleted.
    pub(super) held: HashMap<(NodeNumber, SegmentId), u32>,
    pub(super) memory: MemoryBudget,
    pub(super) owed: OwedDeletions,
    pub(super) inbox: VecDeque<(TransferId, Input)>,
    pub(super) events: VecDeque<(SimTime, Event)>,
    pub(super) volumes: Volumes,
    /// Segments that files need and that were not there at the start.
    pub(super) missing_segments: u64,
    /// Segments that no file needs, on volumes that are not the catalog's own.
    pub(super) unknown_segments: u64,
    /// How many events there have been.
    pub(super) emitted: u64,
    pub(super) trace: TraceHash,
}

impl World {
    pub(super) fn now(&self) -> SimTime {
        self.net.now()
    }

    /// Tells those who watch, and the trace.
    pub(super) fn emit(&mut self, event: Event) {
        self.trace.add(self.now().as_nanos());
        if let Ok(bytes) = codec::encode(EVENT_VERSION, &event) {
            self.trace.add_bytes(&bytes);
        }
        self.emitted += 1;
        self.events.push_back((self.now(), event));
    }

    /// Tells those who watch what comes of this machine and not of the simulation, as what a crash left or a disk refuses: the trace knows
    /// nothing of it, and no step ends by it.
    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back((self.now(), event));
    }

    /// Everybody on the network: the client first.
    pub(super) fn everybody(&self) -> impl Iterator<Item = (Party, HostId)> + '_ {
        let nodes = self.nodes.iter().map(|node| (Party::Node(node.node.number()), node.host));
        std::iter::once((Party::Client, self.hosts.client)).chain(nodes)
    }

    /// Whether all that has happened has been carried to whom it concerns.
    pub(super) fn is_quiet(&self) -> bool {
        let work_due = self.joins.peek().is_some_and(|Reverse((at, _, _))| *at <= self.now());
        let timeout_due = self.timetable.next().is_some_and(|at| at <= self.now());
        !work_due && !timeout_due && self.inbox.is_empty() && !self.client.has_output() && !self.net.has_event()
    }

    /// The nodes' processes end.
    pub(super) fn stop_nodes(&mut self) {
        for node in &mut self.nodes {
            node.node.stop();
        }
        self.note_all_timeouts();
    }

    /// The client closes its connections.
    pub(super) fn close_connections(&mut self) {
        self.client.close_all(&mut self.net);
        self.note_client_timeout();
    }

    /// The hash of every packet and every event so far.
    pub(super) fn trace_hash(&self) -> TraceHash {
        let mut hash = self.trace;
        hash.add(self.net.trace_hash().value());
        hash
    }

    /// Asks a node for something on behalf of a transfer.
    pub(super) fn ask(&mut self, node: NodeNumber, transfer: TransferId, part: Part, request: &Request, payload: Bytes) {
        self.ask_for(node, (Owner::Transfer(transfer, part), None), request, payload);
    }

    /// Asks a node for a segment, or to take one, whose bytes a meter counts.
    pub(super) fn ask_metered(&mut self, node: NodeNumber, owner: Owner, meter: MeterId, request: &Request, payload: Bytes) {
        self.ask_for(node, (owner, Some(meter)), request, payload);
    }

    fn ask_for(&mut self, node: NodeNumber, owner: (Owner, Option<MeterId>), request: &Request, payload: Bytes) {
        let to = self.nodes[node.index()].host;
        self.client.ask(&mut self.net, node, to, owner, request, payload);
        self.note_client_timeout();
    }

    /// A transfer wants no more of its requests.
    pub(super) fn forget_requests(&mut self, transfer: TransferId) {
        self.client.forget(&mut self.net, transfer);
        self.note_client_timeout();
    }

    /// Gives out work whose outcome counts at the virtual instant `at`.
    pub(super) fn submit_for(&mut self, at: SimTime, due: Due, lane: Lane, work: Work) {
        let job = self.desk.submit(lane, work);
        self.next_join += 1;
        self.joins.push(Reverse((at, self.next_join, job)));
        self.due.insert(job, due);
    }

    /// Gives out work on the catalog, for a transfer. It takes a disk's service time.
    pub(super) fn submit_catalog(&mut self, transfer: TransferId, work: impl FnOnce(&Catalog) -> Outcome + Send + 'static) {
        let catalog = Arc::clone(&self.catalog);
        let at = self.now() + self.config.disk.service_time;
        self.submit_for(at, Due::Transfer(transfer), Lane::Catalog, Box::new(move || work(&catalog)));
    }

    /// When work, or somebody's timeout, is due next.
    pub(super) fn next_due(&self) -> Option<SimTime> {
        let join = self.joins.peek().map(|Reverse((at, _, _))| *at);
        // The last instant that can be told never comes.
        [join, self.timetable.next(), self.net.next_due()].into_iter().flatten().min().filter(|&at| at < SimTime::MAX)
    }

    /// The outcome of work that is due now: `Err` where it is not done yet.
    pub(super) fn take_due_work(&mut self) -> Result<Option<(Due, Outcome)>, JobId> {
        let Some(&Reverse((at, _, job))) = self.joins.peek() else { return Ok(None) };
        if at > self.now() {
            return Ok(None);
        }
        let outcome = self.desk.take(job).ok_or(job)?;
        self.joins.pop();
        Ok(self.due.remove(&job).map(|due| (due, outcome)))
    }

    /// The nodes as placement sees them: those that are dead or cannot use their disks are not usable, and what is promised is
    /// not free.
    pub(super) fn candidates(&self, usable: impl Fn(NodeNumber) -> bool) -> Vec<Candidate> {
        let candidate = |node: &NodeHost| {
            let number = node.node.number();
            let stats = node.node.volume_stats();
            let alive = !self.is_dead(number);
            let promised = self.promised[number.index()];
            Candidate {
                node: number,
                usable: alive && node.node.trouble().is_none() && usable(number),
                capacity: stats.capacity,
                free: stats.free().saturating_sub(promised),
            }
        };
        self.nodes.iter().map(candidate).collect()
    }

    /// Why placement has passed over a node, in words.
    pub(super) fn why_passed_over(&self, node: NodeNumber) -> String {
        match self.nodes[node.index()].node.trouble() {
            Some(trouble) => trouble.to_string(),
            None if self.is_dead(node) => "it is dead".into(),
            None => "it is full".into(),
        }
    }

    /// Whether a node does not answer any more.
    pub(super) fn is_dead(&self, node: NodeNumber) -> bool {
        self.peers.peer(self.nodes[node.index()].host).health == Health::Dead
    }

    /// Whether nodes that are alive can take a file of `size`.
    pub(super) fn has_room_for(&self, size: ByteSize) -> bool {
        has_room_for(&self.candidates(|_| true), size.as_u64(), self.config.segment_size.as_usize() as u64)
    }

    /// What nodes that are alive can still take.
    pub(super) fn free_bytes(&self) -> u64 {
        // A thousand nodes may have more room than can be counted.
        self.candidates(|_| true)
            .iter()
            .filter(|candidate| candidate.usable)
            .map(|candidate| candidate.free)
            .fold(0, u64::saturating_add)
    }

    /// An upload will bring a segment to a node: nobody else deletes it, and its room is taken. Gives how much room that is.
    pub(super) fn hold(&mut self, node: NodeNumber, id: SegmentId, len: u64) -> u64 {
        *self.held.entry((node, id)).or_default() += 1;
        let room = if self.nodes[node.index()].node.holds(id) { 0 } else { len };
        self.promised[node.index()] += room;
        room
    }

    /// Room promised for a segment is taken by it now, or free again.
    pub(super) fn settle_promise(&mut self, node: NodeNumber, room: u64) {
        self.promised[node.index()] -= room;
    }

    /// An upload counts on a segment no longer.
    pub(super) fn release(&mut self, node: NodeNumber, id: SegmentId) {
        if let Some(count) = self.held.get_mut(&(node, id)) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&(node, id));
            }
        }
    }

    /// Asks each node about its segments, in as many requests as that takes.
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
