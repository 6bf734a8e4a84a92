//! State that the simulation works on: the network, the hosts, the nodes with their disks, and the stored files.
//!
//! Each part owns its fields: the wiring of network events, the work under way, the names of files, the room on the nodes, the
//! journal of events. Transfers do not know it; the simulation passes them what happens here, and carries out here what they put
//! out.

mod disks;
mod explaining;
mod frames;
mod hosts;
mod journal;
mod names;
mod node_host;
mod onlooker;
mod outputs;
mod overtaking;
mod owed;
mod pins;
mod processes;
mod space;
mod volumes;
mod watched;
mod wires;
mod wiring;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use p2p_base::trace::TraceHash;
use p2p_base::units::{ByteSize, SimTime};
use p2p_net::{HostId, MeterId, Network};
use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;
use p2p_store::placement::{Candidate, has_room_for};
use p2p_store::segment::SegmentId;

pub(super) use self::hosts::{Host, Hosts, Owner};
pub(super) use self::journal::Journal;
pub(super) use self::names::Names;
pub(super) use self::node_host::NodeHost;
pub(super) use self::onlooker::Notice;
pub(super) use self::outputs::Carried;
pub(super) use self::overtaking::UnderWay;
pub(super) use self::pins::Pins;
pub(super) use self::space::Space;
pub(super) use self::volumes::Volumes;
pub(super) use self::watched::Watched;
pub(super) use self::work::{Due, WorkTable};

use self::overtaking::Concern;
use super::cause::{Cause, ConnectionLoss, PassedOver};
use super::config::EngineConfig;
use super::event::Event;
use super::faults::Ledger;
use super::gauge::Links;
use super::io::{Blocked, JointWork, Lane, Outcome, SEGMENTS_MAX};
use super::memory::MemoryBudget;
use super::owed::OwedDeletions;
use super::peer::Peer;
use super::timetable::Timetable;
use super::transfer::{CatalogWork, Input, Part, Remaining, TransferId};
use crate::node::health::Health;
use crate::node::protocol::{Request, ids_in};

/// World in which transfers take place.
#[derive(Debug)]
pub(super) struct World {
    pub(super) config: EngineConfig,
    pub(super) net: Network,
    pub(super) hosts: Hosts,
    pub(super) nodes: Vec<NodeHost>,
    /// Observations of hosts that nobody has handled yet.
    pub(super) notices: VecDeque<Notice>,
    pub(super) names: Names,
    pub(super) pins: Pins,
    pub(super) work: WorkTable,
    pub(super) timetable: Timetable,
    pub(super) space: Space,
    pub(super) memory: MemoryBudget,
    pub(super) owed: OwedDeletions,
    pub(super) inbox: VecDeque<(TransferId, Input)>,
    pub(super) volumes: Volumes,
    pub(super) faults: Ledger,
    pub(super) journal: Journal,
    pub(super) watched: Watched,
    /// Meters of what all transfers of a host bring together, up and down, from its first one on.
    pub(super) payloads: BTreeMap<Peer, (MeterId, MeterId)>,
    /// Requests that another host's must not overtake.
    pub(super) under_way: UnderWay,
    /// Nodes whose processes have ended, and with them the transfers that their hosts carry, which have not been told yet.
    pub(super) ended_hosts: VecDeque<NodeNumber>,
}

impl World {
    pub(super) fn now(&self) -> SimTime {
        self.net.now()
    }

    /// Publishes an event and adds it to the trace.
    pub(super) fn emit(&mut self, event: Event) {
        self.journal.emit(self.net.now(), event);
    }

    /// Publishes an event that is not part of the trace.
    pub(super) fn tell(&mut self, event: Event) {
        self.journal.tell(self.net.now(), event);
    }

    /// Returns the links that the bytes of the transfers of a host cross.
    pub(super) fn links(&self, host: Peer) -> Links<'_> {
        Links { net: &self.net, host: self.hosts.of_peer(host).id, nodes: self.hosts.node_ids() }
    }

    /// Returns the meters of what all transfers of a host bring together, up and down.
    pub(super) fn payload_of(&mut self, host: Peer) -> (MeterId, MeterId) {
        let net = &mut self.net;
        *self.payloads.entry(host).or_insert_with(|| (net.add_meter(), net.add_meter()))
    }

    /// Returns all hosts on the network, the client first.
    pub(super) fn everybody(&self) -> impl Iterator<Item = (Peer, HostId)> + '_ {
        self.hosts.all().iter().map(|host| (host.peer(), host.id))
    }

    /// Returns true if nothing remains to be processed at this instant.
    pub(super) fn is_quiet(&self) -> bool {
        let work_due = self.work.next_due().is_some_and(|at| at <= self.now());
        let timeout_due = self.timetable.next().is_some_and(|at| at <= self.now());
        let is_told = self.inbox.is_empty() && self.notices.is_empty() && self.ended_hosts.is_empty();
        !work_due && !timeout_due && is_told && !self.net.has_event()
    }

    /// Stops the processes of all nodes.
    pub(super) fn stop_nodes(&mut self) {
        for node in &mut self.nodes {
            node.node.stop();
        }
        self.faults.end_plans();
        self.record_all_timeouts();
    }

    /// Closes the connections that hosts have opened.
    pub(super) fn close_connections(&mut self) {
        for host in 0..self.hosts.all().len() {
            self.hosts.host_mut(host).requester.close_all();
            self.carry_out_requests(host);
        }
    }

    /// Returns the hash of every packet and every event so far.
    pub(super) fn trace_hash(&self) -> TraceHash {
        self.journal.hash_with(self.net.trace_hash())
    }

    /// Sends a request of a host to a node. Of a host whose process has ended it fails.
    pub(super) fn ask(&mut self, (host, node): (Peer, NodeNumber), owner: Owner, request: &Request, payload: Bytes) {
        if !self.runs(host.index()) {
            return self.fail_request((host, node), owner, Cause::Unreachable(ConnectionLoss::AskerEnded));
        }
        if owner.is_commit() && self.is_dead(host, node) {
            return self.fail_request((host, node), owner, Cause::PassedOver(PassedOver::Dead));
        }
        match request {
            Request::Put { id } => self.note_concern((host, node), &[*id], Concern::Stores),
            Request::Delete => self.note_concern((host, node), &ids_in(&payload), Concern::Deletes),
            _ => {}
        }
        self.ask_from(host.index(), node, owner, request, payload);
    }

    /// Sends a request of a host to a node.
    pub(super) fn ask_from(&mut self, host: usize, node: NodeNumber, owner: Owner, request: &Request, payload: Bytes) {
        let now = self.now();
        self.hosts.host_mut(host).requester.request(now, node, owner, request, payload);
        self.carry_out_requests(host);
    }

    /// Ends the waiting of a host for a node that has become dead for it to make durable what it has stored: other nodes may store that,
    /// and a deadline of a connection, which may be three in a row, would only be late.
    pub(super) fn give_up_commits(&mut self, host: usize, node: NodeNumber) {
        self.hosts.fail_commits(&self.net, host, node, &Cause::PassedOver(PassedOver::Dead));
        self.carry_out_requests(host);
    }

    /// Drops the requests of a transfer of a host, and sends no more of them where nobody else needs their connection.
    pub(super) fn forget_requests(&mut self, host: Peer, transfer: TransferId) {
        self.hosts.forget_requests(&self.net, host.index(), transfer);
        self.carry_out_requests(host.index());
    }

    /// Returns what these nodes, which a host asks to delete segments for a transfer, are waited for; `None` without nodes.
    pub(super) fn deleting(&self, host: Peer, transfer: TransferId, nodes: &BTreeSet<NodeNumber>) -> Option<Remaining> {
        let (node, requester) = (*nodes.first()?, &self.hosts.of_peer(host).requester);
        let is_it = |owner: &Owner| *owner == Owner::Transfer(transfer, Part::Delete);
        let is_behind = nodes.iter().all(|&node| requester.is_behind_segments(node, is_it));
        Some(Remaining::Deleting { node, others: nodes.len() as u32 - 1, is_behind })
    }

    /// Submits work on the catalog for a transfer. It takes one service time of a disk.
    pub(super) fn submit_catalog(&mut self, transfer: TransferId, work: CatalogWork) {
        let catalog = Arc::clone(self.names.catalog());
        let (at, due) = (self.now() + self.config.disk.service_time, Due::Transfer(transfer));
        let work = match work {
            CatalogWork::Commit(commit, None) if commit.manifest.segments.len() <= SEGMENTS_MAX => {
                return self.work.submit_joint_for(at, due, JointWork::Store(catalog, commit));
            }
            CatalogWork::Remove(key, expected) => {
                return self.work.submit_joint_for(at, due, JointWork::Remove(catalog, (key, expected)));
            }
            work => work,
        };
        let work = Box::new(move || match work {
            CatalogWork::Manifest(key) => Outcome::Manifest(catalog.manifest(&key).map(Box::new)),
            CatalogWork::Commit(commit, None) => Outcome::FileCommitted(catalog.commit(&commit).map(Box::new)),
            CatalogWork::Commit(commit, Some(upload)) => {
                Outcome::FileCommitted(catalog.finish_upload(upload, &commit).map(Box::new))
            }
            CatalogWork::Keep(record, segments) => Outcome::UploadKept(catalog.keep_upload(&record, &segments)),
            CatalogWork::Forget(upload) => Outcome::FileRemoved(catalog.drop_upload(upload)),
            CatalogWork::Remove(key, expected) => Outcome::FileRemoved(catalog.remove_if(&key, expected)),
            CatalogWork::Unreferenced(candidates) => Outcome::Unreferenced(catalog.unreferenced(candidates)),
            CatalogWork::Pin(pin, record) => Outcome::Pinned(catalog.keep_segment(&pin, &record)),
            CatalogWork::Release(pin) => Outcome::Released(catalog.release_segment(&pin)),
            CatalogWork::Find { key, id, node } => Outcome::Found(catalog.has_segment(&key, id, node)),
        });
        self.work.submit_for(at, due, Lane::Catalog, work);
    }

    /// Returns the virtual instant at which work or a timeout of a host is due next.
    pub(super) fn next_due(&self) -> Option<SimTime> {
        // `SimTime::MAX` stands for never.
        let instants = [self.work.next_due(), self.timetable.next()];
        instants.into_iter().flatten().min().filter(|&at| at < SimTime::MAX)
    }

    /// Takes the outcome of work that is due now. Returns the job as an error if it is not finished yet.
    pub(super) fn take_due_work(&mut self) -> Result<Option<(Due, Outcome)>, Blocked> {
        self.work.take_due(self.net.now()).map_err(Blocked)
    }

    /// Returns the nodes as candidates for placement by a host: nodes that are dead for it and nodes with disk trouble are not usable, and
    /// reserved bytes are not free.
    pub(super) fn candidates(&self, host: Peer, usable: impl Fn(NodeNumber) -> bool) -> Vec<Candidate> {
        let candidate = |node: &NodeHost| {
            let number = node.node.number();
            let alive = !self.is_dead(host, number);
            Candidate {
                node: number,
                usable: alive && node.node.trouble().is_none() && !self.faults.is_withdrawn(number) && usable(number),
                capacity: node.node.volume_stats().capacity,
                free: self.free_on(node),
            }
        };
        self.nodes.iter().map(candidate).collect()
    }

    /// Returns the bytes that a node has free for segments that are not under way to it.
    fn free_on(&self, node: &NodeHost) -> u64 {
        let reserved = || self.space.reserved_on(node.node.number());
        if node.has_full_disk() { 0 } else { node.node.volume_stats().free().saturating_sub(reserved()) }
    }

    /// Chooses a node for a segment of `len` bytes of a transfer of a host, but none of `except`: the one that is asked `again` if it can take the
    /// segment, one that holds it already, where it takes no further room, the preferred one if it has room, or another one with room.
    /// Returns the nodes with the reasons why none is chosen as an error.
    pub(super) fn place(
        &mut self,
        host: Peer,
        (id, len): (SegmentId, u64),
        except: &BTreeSet<NodeNumber>,
        (again, preferred): (Option<NodeNumber>, Option<NodeNumber>),
    ) -> Result<NodeNumber, Vec<(NodeNumber, Cause)>> {
        let candidates =
            self.candidates(host, |node| !except.contains(&node) && !self.may_be_overtaken(host, node, id, Concern::Deletes));
        let is_asked_again = |candidate: &&Candidate| again == Some(candidate.node) && candidate.usable;
        let has_room = |candidate: &Candidate| candidate.free >= len || self.nodes[candidate.node.index()].node.holds(id);
        let again = candidates.iter().find(is_asked_again).filter(|candidate| has_room(candidate)).map(|to| to.node);
        let holder = again.or_else(|| self.holder_among(&candidates, id));
        let chosen = holder.or_else(|| self.space.choose(&candidates, len, preferred));
        let passed_over = |candidate: &Candidate| (candidate.node, self.why_passed_over(host, candidate.node));
        chosen.ok_or_else(|| candidates.iter().map(passed_over).collect())
    }

    /// Returns true if a node has room for a segment of `len` bytes of the client, or holds it already, and no other host lets it be deleted.
    pub(super) fn has_room_on(&self, node: NodeNumber, id: SegmentId, len: u64) -> bool {
        if self.may_be_overtaken(Peer::Client, node, id, Concern::Deletes) {
            return false;
        }
        self.is_on(node, id) || self.free_on(&self.nodes[node.index()]) >= len
    }

    /// Returns the first usable node that holds a segment, or that an upload is storing it on.
    fn holder_among(&self, candidates: &[Candidate], id: SegmentId) -> Option<NodeNumber> {
        candidates.iter().filter(|candidate| candidate.usable).map(|candidate| candidate.node).find(|&node| self.is_on(node, id))
    }

    /// Returns true if a node holds a segment, or if the segment is being stored on it.
    fn is_on(&self, node: NodeNumber, id: SegmentId) -> bool {
        self.nodes[node.index()].node.holds(id) || self.space.is_pinned(node, id)
    }

    /// Removes the file or the directory of a key from the known ones, and announces each file and directory that is gone.
    pub(super) fn drop_tree(&mut self, key: &FileKey) {
        for entry in self.names.files_mut().remove_tree(key) {
            self.emit(match entry.key().clone() {
                directory if matches!(*entry, Entry::Directory(_)) => Event::DirectoryRemoved { directory },
                file => Event::FileRemoved { file },
            });
        }
    }

    /// Returns the reason why placement by a host has passed over a node.
    fn why_passed_over(&self, host: Peer, node: NodeNumber) -> Cause {
        let reason = match self.nodes[node.index()].node.trouble() {
            Some(trouble) => PassedOver::Trouble(trouble.clone()),
            None if self.faults.is_withdrawn(node) => PassedOver::Withdrawn,
            None if self.is_dead(host, node) => PassedOver::Dead,
            None => PassedOver::Full,
        };
        self.explained((host, node), Cause::PassedOver(reason))
    }

    /// Returns true if a host considers a node dead. None considers itself so.
    pub(super) fn is_dead(&self, host: Peer, node: NodeNumber) -> bool {
        let seen = || self.hosts.of_peer(host).peers.peer(self.hosts.of_node(node).id).health;
        host != Peer::Node(node) && seen() == Health::Dead
    }

    /// Returns true if the nodes that are alive for a host have room for a file of `size`.
    pub(super) fn has_room_for(&self, host: Peer, size: ByteSize) -> bool {
        has_room_for(&self.candidates(host, |_| true), size.as_u64(), self.config.segment_size.as_usize() as u64)
    }

    /// Returns the free bytes on the nodes that take segments of a host, and the nodes that take none, whatever their length: because of
    /// their disks, because they are dead, or because they stop.
    pub(super) fn free_and_closed(&self, host: Peer) -> (u64, Vec<NodeNumber>) {
        let (mut free, mut closed) = (0_u64, Vec::new());
        for candidate in self.candidates(host, |_| true) {
            if candidate.usable {
                // The total capacity of a thousand nodes may exceed the range.
                free = free.saturating_add(candidate.free);
            }
            if !candidate.usable || self.nodes[candidate.node.index()].has_full_disk() {
                closed.push(candidate.node);
            }
        }
        (free, closed)
    }

    /// Returns the reason of each node why it takes no segments of a host, if the `closed` ones are all nodes.
    pub(super) fn why_none_takes(&self, host: Peer, closed: &[NodeNumber]) -> Option<Vec<(NodeNumber, Cause)>> {
        let reasons = || closed.iter().map(|&node| (node, self.why_passed_over(host, node))).collect();
        (!closed.is_empty() && closed.len() == self.nodes.len()).then(reasons)
    }

    /// Protects a segment of a transfer that will be stored on a node, and reserves room for it unless the node has it already.
    pub(super) fn pin(&mut self, segment: (TransferId, u32), node: NodeNumber, id: SegmentId, len: u64) {
        let room = if self.nodes[node.index()].node.holds(id) { 0 } else { len };
        self.space.pin(segment, (node, id), room);
    }

    /// Returns the unreferenced segments that nodes can be asked to delete now, without those that uploads need. A node that is
    /// dead for the host or whose disk cannot be used owes its share; the number of such nodes is returned too. For a host whose process has
    /// ended the client lets all be deleted. Volumes that belong to another catalog are left unchanged.
    pub(super) fn deletable(&mut self, host: Peer, mut garbage: Garbage) -> (Garbage, u32) {
        if !self.runs(host.index()) {
            self.release(garbage);
            return (Garbage::new(), 0);
        }
        garbage.retain(|&node, _| self.may_owe(node));
        for (&node, ids) in &mut garbage {
            ids.retain(|&id| !self.space.is_pinned(node, id));
        }
        garbage.retain(|_, ids| !ids.is_empty());
        let (away, shares): (Garbage, Garbage) = garbage.into_iter().partition(|(node, _)| !self.can_delete(host, *node));
        let owing = away.len() as u32;
        away.into_iter().for_each(|(node, ids)| self.owe(node, ids));
        (shares, owing)
    }
}
