//! Wiring of the hosts: passes network events and timeouts to the requesters, the nodes and the probes, and executes what they
//! put out. No host is special here but in what is told of it: events tell of the client's connections and of its view of the nodes.
//! What a host asks of the node that runs on it goes over the loopback of the network, and over no link.

use bytes::Bytes;
use p2p_base::units::SimTime;
use p2p_net::{CloseReason, ConnectionId, Endpoint, HostId, NetEvent, Read};
use p2p_store::disk::DiskError;
use p2p_store::disk_op::DiskOp;
use p2p_store::manifest::NodeNumber;

use crate::event::Event;
use crate::io::{JointWork, Lane, Outcome, SEGMENTS_MAX};
use crate::known_host::known;
use crate::node::health::{Health, HealthChange};
use crate::node::{DiskJob, NODE_PORT, NodeOutput, PROBE_PORT, Piece};
use crate::peer::Peer;
use crate::requester::RequesterOutput;
use crate::transfer::Stage;

use super::frames::{NOTSENT_LOWAT, OutFrame};
use super::hosts::{End, Hosts, Owner, Role, Sender};
use super::{Due, World};

/// Timetable slot of the deletions that nodes owe.
pub(super) const OWED: usize = 2;
/// Timetable slot of the faults.
pub(super) const FAULTS: usize = 3;

/// Returns the timetable slot of a host's connections; that of its probes follows. The slots of the client are before [`OWED`],
/// those of the nodes after [`FAULTS`].
const fn slot_of(host: usize) -> usize {
    if host == Hosts::CLIENT { 0 } else { 2 * host + 2 }
}

/// Number of nodes that probe others in a health check. The client probes all nodes, however many there are.
const CHECKING_NODES_MAX: usize = 64;

impl World {
    /// Dispatches one event of the network. Returns false if there is none.
    pub(crate) fn handle_net_event(&mut self) -> bool {
        let Some(event) = self.net.poll_event() else { return false };
        match event {
            NetEvent::Connected { connection } => self.on_connected(connection),
            NetEvent::Accepted { connection, host, .. } => self.on_accepted(connection, host),
            NetEvent::Readable { connection } => self.on_readable(connection),
            NetEvent::Writable { connection } => self.on_writable(connection),
            NetEvent::Drained { connection } => {
                if let Some(index) = self.serving_node(connection) {
                    self.nodes[index].node.handle_drained(connection);
                }
            }
            NetEvent::Ended { connection, reason, .. } => self.on_ended(connection, reason),
            NetEvent::Sent { connection, offset } => self.on_sent(connection, offset, Stage::FirstByte),
            NetEvent::Retransmitted { connection, offset, .. } => self.on_sent(connection, offset, Stage::Retransmitted),
            NetEvent::Datagram { to, from, payload, .. } => self.on_datagram(to.host, from.host, &payload),
        }
        true
    }

    /// Returns the index of the node that serves a connection.
    fn serving_node(&self, connection: ConnectionId) -> Option<usize> {
        let End { host, role: Role::Serves, .. } = self.hosts.end(connection)? else { return None };
        self.hosts.host(*host).server.map(NodeNumber::index)
    }

    /// Returns the index of the host that has opened a connection, and the node that it asks.
    fn asking_host(&self, connection: ConnectionId) -> Option<(usize, NodeNumber)> {
        let End { host, role: Role::Asks(node), .. } = self.hosts.end(connection)? else { return None };
        Some((*host, *node))
    }

    fn on_writable(&mut self, connection: ConnectionId) {
        self.write_frames(connection);
        if let Some((host, _)) = self.asking_host(connection) {
            self.carry_out_requests(host);
        }
    }

    fn on_connected(&mut self, connection: ConnectionId) {
        let Some((host, node)) = self.asking_host(connection) else { return };
        let now = self.now();
        self.hosts.host_mut(host).requester.handle_connected(now, node);
        self.want_answer(host, node);
        self.carry_out_requests(host);
    }

    fn on_accepted(&mut self, connection: ConnectionId, host: HostId) {
        if let Peer::Node(number) = Hosts::peer_of(host) {
            if !self.nodes[number.index()].node.is_running() {
                // Its handshake was under way when the process ended.
                return self.net.abort(connection);
            }
            self.end_served_of(number, self.net.host_of(connection.peer()));
            self.net.set_notsent_lowat(connection, NOTSENT_LOWAT);
            self.hosts.add_end(connection, host.index(), Role::Serves);
            self.nodes[number.index()].node.handle_connected(connection);
            self.want_request(number.index(), connection);
        }
    }

    fn on_readable(&mut self, connection: ConnectionId) {
        if let Some(index) = self.serving_node(connection) {
            self.read_requests(index, connection);
        } else if let Some((host, node)) = self.asking_host(connection) {
            self.read_answers(host, node, connection);
            if self.hosts.end(connection).is_some() {
                self.record_heard(host, node);
            }
        }
    }

    fn read_requests(&mut self, index: usize, connection: ConnectionId) {
        while let Some((piece_max, _)) = self.nodes[index].node.wants(connection) {
            let Read::Bytes(bytes) = self.net.read(connection, piece_max) else { break };
            let piece = self.piece_of(connection, bytes);
            self.nodes[index].node.handle_bytes(connection, piece);
            self.dispatch(index);
        }
        if self.net.at_end(connection) {
            self.forget_served(connection);
            self.net.close(connection);
        } else {
            self.want_request(index, connection);
        }
    }

    fn read_answers(&mut self, host: usize, node: NodeNumber, connection: ConnectionId) {
        let now = self.now();
        while let Some((piece_max, _)) = self.hosts.host(host).requester.wants(node) {
            let Read::Bytes(bytes) = self.net.read(connection, piece_max) else { break };
            let piece = self.piece_of(connection, bytes);
            self.hosts.host_mut(host).requester.handle_bytes(now, node, piece);
            self.carry_out_requests(host);
        }
        self.hosts.shed(&self.net, host, node);
        self.carry_out_requests(host);
        if self.hosts.end(connection).is_none() {
            return;
        }
        if self.net.at_end(connection) {
            self.hosts.host_mut(host).requester.handle_ended(now, node, CloseReason::Closed);
            self.carry_out_requests(host);
        } else {
            self.want_answer(host, node);
        }
    }

    /// Returns bytes that were read, with the payload that they are the last of, as the other end has written it.
    fn piece_of(&mut self, connection: ConnectionId, bytes: Bytes) -> Piece {
        let writer = self.hosts.end_mut(connection.peer()).map(|end| &mut end.writer);
        let whole = writer.and_then(|writer| writer.take_payload(&bytes));
        Piece { bytes, whole }
    }

    fn on_ended(&mut self, connection: ConnectionId, reason: CloseReason) {
        if let Some((host, node)) = self.asking_host(connection) {
            if reason != CloseReason::TimedOut {
                self.record_heard(host, node);
            }
            let now = self.now();
            self.hosts.host_mut(host).requester.handle_ended(now, node, reason);
            self.carry_out_requests(host);
        } else {
            self.forget_served(connection);
        }
    }

    /// Removes a connection that a node served and that is over.
    fn forget_served(&mut self, connection: ConnectionId) {
        if let Some(index) = self.serving_node(connection) {
            self.hosts.remove_end(&self.net, connection);
            self.nodes[index].node.handle_ended(connection);
        }
    }

    /// Ends the connections that a node has accepted from the host of another one, because that is dead for it, or has opened a new one: a
    /// host has one at a time. The process that has opened them may be gone without a word (half-open connections, RFC 9293 §3.5.1), and
    /// nothing that the node sends would show it. The client's process outlasts the run.
    fn end_served_of(&mut self, node: NodeNumber, asking: Option<HostId>) {
        let Some(asking) = asking.filter(|&host| Hosts::peer_of(host) != Peer::Client) else { return };
        let is_its = |served: &ConnectionId| self.net.host_of(served.peer()) == Some(asking);
        let over: Vec<ConnectionId> = self.hosts.served_at(node).filter(is_its).collect();
        for connection in over {
            self.forget_served(connection);
            self.net.abort(connection);
        }
    }

    /// Notes a sign of life: a node that sends data is alive, even if its probes are lost on a full link.
    fn record_heard(&mut self, host: usize, node: NodeNumber) {
        let (now, heard) = (self.now(), self.hosts.of_node(node).id);
        // A host is no peer of itself.
        if host == heard.index() {
            return;
        }
        self.hosts.host_mut(host).peers.record_heard(now, heard);
        self.send_probes(host);
    }

    /// Writes the frames that wait for room on a connection.
    fn write_frames(&mut self, connection: ConnectionId) {
        let Some(End { host, role, .. }) = self.hosts.end(connection) else { return };
        let (host, role) = (*host, *role);
        while let Some(end) = self.hosts.end_mut(connection)
            && let Some((tag, range)) = end.writer.write_next(&mut self.net, connection)
        {
            if let Role::Asks(node) = role {
                self.hosts.host_mut(host).requester.handle_written(node, tag, range);
            }
        }
        let is_empty = self.hosts.end(connection).is_some_and(|end| end.writer.is_empty());
        if role == Role::Serves && is_empty {
            self.net.tell_when_drained(connection);
        }
    }

    fn on_datagram(&mut self, to: HostId, from: HostId, payload: &[u8]) {
        if self.runs(to.index()) {
            let now = self.now();
            self.hosts.host_mut(to.index()).peers.handle_datagram(now, from, payload);
            self.send_probes(to.index());
        }
    }

    /// Returns true unless the node of a host is stopped, and with it all that the host does.
    pub(crate) fn runs(&self, host: usize) -> bool {
        self.hosts.host(host).server.is_none_or(|node| self.nodes[node.index()].node.is_running())
    }

    /// Handles one timeout that is due. Returns false if there is none.
    pub(crate) fn handle_timeout(&mut self) -> bool {
        let now = self.now();
        let Some(slot) = self.timetable.take_due(now) else { return false };
        match slot {
            OWED => {
                self.handle_owed_timeout();
                return true;
            }
            FAULTS => {
                self.handle_fault_timeout();
                return true;
            }
            _ => {}
        }
        let host = if slot < OWED { Hosts::CLIENT } else { (slot - 2) / 2 };
        if slot == slot_of(host) {
            self.hosts.handle_request_timeout(&self.net, host);
            self.carry_out_requests(host);
        } else {
            self.hosts.handle_probe_timeout(&self.net, host);
            self.send_probes(host);
        }
        true
    }

    /// Lets every host probe all others.
    pub(crate) fn check_health(&mut self) {
        let now = self.now();
        for host in 0..self.hosts.all().len() {
            // Each would probe several others: of a thousand hosts that would be some 200,000 packets with the answers.
            if self.runs(host) && host <= CHECKING_NODES_MAX {
                self.hosts.host_mut(host).peers.begin_check(now);
            }
            self.send_probes(host);
        }
    }

    /// Returns true if a health check is under way.
    pub(crate) fn is_checking_health(&self) -> bool {
        self.hosts.all().iter().any(|host| host.peers.is_checking())
    }

    /// Passes the outcome of disk work to its node.
    pub(crate) fn handle_disk(&mut self, index: usize, job: DiskJob, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Disk(outcome) => outcome,
            other => {
                tracing::error!(?other, "work on a disk came to something else than it should");
                Err(DiskError::Internal)
            }
        };
        if self.nodes[index].end(job, &outcome) {
            self.follow_disk(NodeNumber::from_index(index));
        }
        self.nodes[index].node.handle_disk(job, outcome);
        self.dispatch(index);
    }

    /// Sets the timeouts of all hosts in the timetable.
    pub(crate) fn record_all_timeouts(&mut self) {
        for host in 0..self.hosts.all().len() {
            self.record_request_timeout(host);
            self.record_probe_timeout(host);
        }
    }

    pub(super) fn record_request_timeout(&mut self, host: usize) {
        self.timetable.set(slot_of(host), self.hosts.host(host).requester.next_timeout());
    }

    pub(super) fn record_probe_timeout(&mut self, host: usize) {
        let next = self.hosts.host(host).peers.next_timeout().filter(|_| self.runs(host));
        self.timetable.set(slot_of(host) + 1, next);
    }

    fn send_probes(&mut self, host: usize) {
        while let Some((to, payload)) = self.hosts.host_mut(host).peers.poll_datagram() {
            let from = self.hosts.host(host).id;
            let [from, to] = [from, to].map(|host| Endpoint { host, port: PROBE_PORT });
            if !known(self.net.send_datagram(from, to, payload.clone())) {
                self.hosts.host_mut(host).peers.record_unsent(&payload);
            }
        }
        while let Some(HealthChange { peer, from, to, missed }) = self.hosts.host_mut(host).peers.poll_change() {
            let Peer::Node(node) = Hosts::peer_of(peer) else { continue };
            // Only the client's view of the nodes is published; each node keeps its own view.
            if host == Hosts::CLIENT {
                self.emit(Event::HealthChanged { node, from, to, missed });
            }
            match to {
                Health::Alive if host == Hosts::CLIENT => self.collect_from(node),
                Health::Dead => {
                    self.give_up_commits(host, node);
                    if let Some(serving) = self.hosts.host(host).server {
                        self.end_served_of(serving, Some(peer));
                    }
                }
                Health::Alive | Health::Suspect => {}
            }
        }
        self.record_probe_timeout(host);
    }

    /// Executes all outputs of a host's requester.
    pub(super) fn carry_out_requests(&mut self, host: usize) {
        while let Some(output) = self.hosts.host_mut(host).requester.poll_output() {
            self.carry_out_request(host, output);
        }
        self.record_request_timeout(host);
    }

    fn carry_out_request(&mut self, host: usize, output: RequesterOutput<Owner>) {
        let connection_to = |node| self.hosts.host(host).connection_to(node);
        match output {
            RequesterOutput::Connect { node } => {
                let (from, to) = (self.hosts.host(host).id, self.hosts.of_node(node).id);
                let connection = known(self.net.connect(from, to, NODE_PORT, self.hosts.host(host).tcp()));
                self.net.set_notsent_lowat(connection, NOTSENT_LOWAT);
                self.hosts.add_end(connection, host, Role::Asks(node));
                self.watched.begin(&mut self.net, connection);
            }
            RequesterOutput::Send { node, tag, header, payload } => {
                let owner = self.hosts.host(host).requester.owner(node, tag);
                let meter = owner.and_then(|owner| owner.meter_of(Sender::Asking));
                let frame = OutFrame { tag, header, payload, meter, is_segment: meter.is_some() };
                connection_to(node).inspect(|&connection| self.send_frame(connection, frame));
            }
            RequesterOutput::Withdraw { node, tag } => {
                let end = connection_to(node).and_then(|connection| self.hosts.end_mut(connection));
                end.into_iter().for_each(|end| end.writer.withdraw(tag));
            }
            RequesterOutput::Close { node } => self.end_connection(host, node, true),
            RequesterOutput::Abort { node } => self.end_connection(host, node, false),
            noticed => self.notice(host, noticed),
        }
    }

    fn send_frame(&mut self, connection: ConnectionId, frame: OutFrame) {
        if let Some(end) = self.hosts.end_mut(connection) {
            end.writer.push(frame);
            self.write_frames(connection);
        }
    }

    fn end_connection(&mut self, host: usize, node: NodeNumber, is_orderly: bool) {
        let Some(connection) = self.hosts.host(host).connection_to(node) else { return };
        self.hosts.remove_end(&self.net, connection);
        if is_orderly {
            self.net.close(connection);
        } else {
            self.net.abort(connection);
        }
    }

    /// Executes all outputs of a node.
    pub(super) fn dispatch(&mut self, index: usize) {
        while let Some(output) = self.nodes[index].node.poll_output() {
            match output {
                NodeOutput::Send { connection, tag, header, payload } => {
                    let owner = self.hosts.owner(connection.peer(), tag);
                    let meter = owner.and_then(|owner| owner.meter_of(Sender::Serving));
                    let is_segment = !payload.is_empty();
                    self.send_frame(connection, OutFrame { tag, header, payload, meter, is_segment });
                }
                NodeOutput::Abort { connection, violation } => {
                    self.forget_served(connection);
                    self.net.abort(connection);
                    let node = self.nodes[index].node.number();
                    self.emit(Event::ProtocolViolated { node, violation });
                }
                NodeOutput::Disk { job, op } => self.use_disk(index, job, op),
                NodeOutput::Started => self.on_started(index),
                NodeOutput::NotStarted { error } => self.on_not_started(index, error),
                NodeOutput::Received { connection, tag } => {
                    self.reach(connection.peer(), tag, Sender::Asking, Stage::LastByte);
                }
            }
        }
    }

    fn use_disk(&mut self, index: usize, job: DiskJob, op: DiskOp) {
        let now: SimTime = self.now();
        let ((at, disk), due) = (self.nodes[index].begin(now, job, &op), Due::Disk(index, job));
        // A write must not be there before a sync that was requested earlier: if that fails, it takes the write with it, and nobody
        // learns that it has.
        let is_independent = matches!(op, DiskOp::Read { .. });
        match op {
            DiskOp::Sync { ids } if ids.len() <= SEGMENTS_MAX => {
                self.work.submit_joint_for(at, due, JointWork::Sync(index, disk, ids));
            }
            op => {
                let named = match &op {
                    DiskOp::Write { id, .. } => self.space.content_of(NodeNumber::from_index(index), *id),
                    _ => None,
                };
                let work = Box::new(move || Outcome::Disk(op.run_knowing(disk.as_ref(), named.as_ref())));
                match is_independent {
                    true => self.work.submit_beside_for(at, due, Lane::Disk(index), work),
                    false => self.work.submit_for(at, due, Lane::Disk(index), work),
                }
            }
        }
    }

    fn want_request(&mut self, index: usize, connection: ConnectionId) {
        if let Some((_, rest)) = self.nodes[index].node.wants(connection) {
            self.net.set_read_mark(connection, rest);
        }
    }

    fn want_answer(&mut self, host: usize, node: NodeNumber) {
        let host = self.hosts.host(host);
        if let (Some(connection), Some((_, rest))) = (host.connection_to(node), host.requester.wants(node)) {
            self.net.set_read_mark(connection, rest);
        }
    }
}
