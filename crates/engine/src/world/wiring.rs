//! Wiring of the world: dispatches network events and timeouts to the client and the nodes, and executes their outputs.

use p2p_base::units::SimTime;
use p2p_net::{CloseReason, ConnectionId, HostConfig, HostId, NetEvent};
use p2p_store::disk::DiskError;
use p2p_store::disk_op::DiskOp;

use crate::client::{ClientOutput, Owner};
use crate::disk_model::DiskModel;
use crate::event::Event;
use crate::io::{Lane, Outcome};
use crate::node::health::{Health, HealthChange};
use crate::node::{DiskJob, NodeOutput};
use crate::snapshot::Peer;
use crate::transfer::Stage;

use super::node_host::Answer;
use super::{Due, World};

/// Timetable slots of the client's connections and of its probes. The nodes follow from [`FIRST_NODE`] on.
const CLIENT_CONNECTIONS: usize = 0;
const CLIENT_PROBES: usize = 1;
/// Timetable slot of the deletions that nodes owe.
pub(super) const OWED: usize = 2;
const FIRST_NODE: usize = 3;

impl World {
    /// Dispatches one event of the network. Returns false if there is none.
    pub(crate) fn handle_net_event(&mut self) -> bool {
        let Some(event) = self.net.poll_event() else { return false };
        match event {
            NetEvent::Connected { connection } => self.client.on_connected(&mut self.net, connection),
            NetEvent::Accepted { connection, host, .. } => self.on_accepted(connection, host),
            NetEvent::Readable { connection } => self.on_readable(connection),
            NetEvent::Writable { connection } => self.on_writable(connection),
            NetEvent::Drained { connection } => {
                if let Some(index) = self.node_of(connection) {
                    self.nodes[index].node.handle_drained(connection);
                }
            }
            NetEvent::Acknowledged { connection } => self.client.on_acknowledged(&self.net, connection),
            NetEvent::Ended { connection, reason, .. } => self.on_ended(connection, reason),
            NetEvent::Sent { connection, offset } => self.on_sent(connection, offset),
            NetEvent::Retransmitted { connection, offset, .. } => self.on_retransmitted(connection, offset),
            NetEvent::Datagram { to, from, payload, .. } => self.on_datagram(to, from, &payload),
            NetEvent::Sample { .. } => {}
        }
        self.record_client_timeout();
        true
    }

    fn on_accepted(&mut self, connection: ConnectionId, host: HostId) {
        if let Peer::Node(number) = self.hosts.peer(host) {
            self.accepted.insert(connection, number.index());
            self.nodes[number.index()].on_accepted(connection);
            self.want_request(number.index(), connection);
        }
    }

    fn on_readable(&mut self, connection: ConnectionId) {
        let Some(index) = self.node_of(connection) else {
            self.client.on_readable(&mut self.net, connection);
            return self.record_heard(connection);
        };
        while let Some((piece_max, _)) = self.nodes[index].node.wants(connection) {
            let Some(bytes) = self.net.read(connection, piece_max) else { break };
            self.nodes[index].node.handle_bytes(connection, bytes);
            self.dispatch(index);
        }
        if self.net.at_end(connection) {
            self.forget_accepted(connection);
            self.net.close(connection);
        } else {
            self.want_request(index, connection);
        }
    }

    fn on_writable(&mut self, connection: ConnectionId) {
        match self.node_of(connection) {
            Some(index) => self.nodes[index].on_writable(&mut self.net, connection),
            None => self.client.on_writable(&mut self.net, connection),
        }
    }

    fn on_ended(&mut self, connection: ConnectionId, reason: CloseReason) {
        if !self.forget_accepted(connection) {
            if reason != CloseReason::TimedOut {
                self.record_heard(connection);
            }
            self.client.on_ended(&mut self.net, connection, reason);
        }
    }

    /// Removes a connection that a node accepted and that is over. Returns false if no node accepted it.
    fn forget_accepted(&mut self, connection: ConnectionId) -> bool {
        let index = self.accepted.remove(&connection);
        if let Some(index) = index {
            self.nodes[index].on_ended(connection);
        }
        index.is_some()
    }

    fn on_sent(&mut self, connection: ConnectionId, offset: u64) {
        if self.client.owns(connection) {
            self.client.on_sent(connection, offset);
        } else {
            self.on_answer_reached(connection, offset, Stage::FirstByte);
        }
    }

    fn on_retransmitted(&mut self, connection: ConnectionId, offset: u64) {
        if self.client.owns(connection) {
            self.client.on_retransmitted(connection, offset);
        } else {
            self.on_answer_reached(connection, offset, Stage::Retransmitted);
        }
    }

    /// Tells the client of the stage that a segment has reached whose bytes a node has sent.
    fn on_answer_reached(&mut self, connection: ConnectionId, offset: u64, stage: Stage) {
        let tag = self.node_of(connection).and_then(|index| self.nodes[index].answer_at(connection, offset));
        if let Some(tag) = tag {
            self.client.on_answer_reached(connection.peer(), tag, stage);
        }
    }

    /// Notes a sign of life: a node that sends data is alive, even if its probes are lost on a full link.
    fn record_heard(&mut self, connection: ConnectionId) {
        let Some(node) = self.client.node_of(connection) else { return };
        let (now, host) = (self.now(), self.nodes[node.index()].host);
        self.peers.record_heard(now, host);
        self.send_client_probes();
    }

    fn on_datagram(&mut self, to: HostId, from: HostId, payload: &[u8]) {
        let now = self.now();
        match self.hosts.peer(to) {
            Peer::Node(number) => {
                self.nodes[number.index()].node.handle_datagram(now, from, payload);
                self.dispatch(number.index());
            }
            Peer::Client => {
                self.peers.handle_datagram(now, from, payload);
                self.send_client_probes();
            }
        }
    }

    /// Handles one timeout that is due. Returns false if there is none.
    pub(crate) fn handle_timeout(&mut self) -> bool {
        let now = self.now();
        let Some(slot) = self.timetable.take_due(now) else { return false };
        match slot {
            CLIENT_CONNECTIONS => {
                self.client.handle_timeout(&mut self.net);
                self.record_client_timeout();
            }
            CLIENT_PROBES => {
                let World { peers, client, hosts, net, .. } = self;
                peers.handle_timeout(now, |host| match hosts.peer(host) {
                    Peer::Node(node) => client.heard(net, node),
                    Peer::Client => None,
                });
                self.send_client_probes();
            }
            OWED => self.handle_owed_timeout(),
            node => {
                self.nodes[node - FIRST_NODE].handle_timeout(&self.net);
                self.dispatch(node - FIRST_NODE);
            }
        }
        true
    }

    /// Adapts the probes of a host to its changed link.
    pub(crate) fn keep_to_link(&mut self, peer: Peer, link: &HostConfig) {
        match peer {
            Peer::Client => self.peers.keep_to_link(link),
            Peer::Node(node) => self.nodes[node.index()].node.peers.keep_to_link(link),
        }
    }

    /// Lets every host probe all others.
    pub(crate) fn check_health(&mut self) {
        let now = self.now();
        self.peers.begin_check(now);
        self.send_client_probes();
        for index in 0..self.nodes.len() {
            self.nodes[index].node.check_peers(now);
            self.dispatch(index);
        }
    }

    /// Returns true if a health check is under way.
    pub(crate) fn is_checking_health(&self) -> bool {
        self.peers.is_checking() || self.nodes.iter().any(|node| node.node.peers.is_checking())
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
        self.nodes[index].node.handle_disk(job, outcome);
        self.dispatch(index);
    }

    /// Dispatches one output of the client; inputs for transfers go to the inbox. Returns false if there is none.
    pub(crate) fn handle_client_output(&mut self) -> bool {
        let Some(output) = self.client.poll_output() else { return false };
        match output {
            ClientOutput::Input(Owner::Transfer(transfer, _), input) => self.inbox.push_back((transfer, input)),
            ClientOutput::Input(Owner::OwedDeletions, input) => self.handle_owed_answer(input),
            ClientOutput::Connected(node) => {
                self.emit(Event::Connected { node });
                self.collect_from(node);
            }
            ClientOutput::Disconnected(node, cause) => self.emit(Event::Disconnected { node, cause }),
        }
        true
    }

    /// Sets the timeouts of the client and of all nodes in the timetable.
    pub(crate) fn record_all_timeouts(&mut self) {
        self.record_client_timeout();
        self.timetable.set(CLIENT_PROBES, self.peers.next_timeout());
        for index in 0..self.nodes.len() {
            self.timetable.set(FIRST_NODE + index, self.nodes[index].node.next_timeout());
        }
    }

    pub(super) fn record_client_timeout(&mut self) {
        self.timetable.set(CLIENT_CONNECTIONS, self.client.next_timeout());
    }

    fn send_client_probes(&mut self) {
        while let Some((to, payload)) = self.peers.poll_datagram() {
            if !self.net.send_datagram(self.hosts.client, to, payload.clone()) {
                self.peers.record_unsent(&payload);
            }
        }
        while let Some(HealthChange { peer, from, to, missed }) = self.peers.poll_change() {
            if let Peer::Node(node) = self.hosts.peer(peer) {
                self.emit(Event::HealthChanged { node, from, to, missed });
                if to == Health::Alive {
                    self.collect_from(node);
                }
            }
        }
        self.timetable.set(CLIENT_PROBES, self.peers.next_timeout());
    }

    /// Executes all outputs of a node.
    fn dispatch(&mut self, index: usize) {
        while let Some(output) = self.nodes[index].node.poll_output() {
            match output {
                NodeOutput::Send { connection, tag, header, payload } => {
                    let meter = self.client.meter_of_answer(connection.peer(), tag);
                    self.nodes[index].send(&mut self.net, connection, Answer { tag, header, payload, meter });
                }
                NodeOutput::Abort { connection, violation } => {
                    self.forget_accepted(connection);
                    self.net.abort(connection);
                    let node = self.nodes[index].node.number();
                    self.emit(Event::ProtocolViolated { node, violation });
                }
                NodeOutput::Disk { job, op } => self.use_disk(index, job, op),
                NodeOutput::Received { connection, tag } => self.client.on_request_received(connection.peer(), tag),
                NodeOutput::Datagram { to, payload } => {
                    let from = self.nodes[index].host;
                    if !self.net.send_datagram(from, to, payload.clone()) {
                        self.nodes[index].node.peers.record_unsent(&payload);
                    }
                }
            }
        }
        // Only the client's view of the nodes is published; each node keeps its own view.
        while self.nodes[index].node.peers.poll_change().is_some() {}
        self.timetable.set(FIRST_NODE + index, self.nodes[index].node.next_timeout());
    }

    fn use_disk(&mut self, index: usize, job: DiskJob, op: DiskOp) {
        let at = self.disk_done_at(index, &op);
        let disk = std::sync::Arc::clone(&self.nodes[index].disk);
        let work = Box::new(move || Outcome::Disk(op.run(disk.as_ref())));
        self.work.submit_for(at, Due::Disk(index, job), Lane::Disk(index), work);
    }

    fn disk_done_at(&mut self, index: usize, op: &DiskOp) -> SimTime {
        let now = self.now();
        let node = &mut self.nodes[index];
        let bytes = match op {
            DiskOp::Read { id } => node.node.len_of(*id).unwrap_or(0),
            op => op.bytes(),
        };
        let model: &mut DiskModel = &mut node.model;
        model.schedule(now, bytes)
    }

    fn want_request(&mut self, index: usize, connection: ConnectionId) {
        if let Some((_, rest)) = self.nodes[index].node.wants(connection) {
            self.net.set_read_mark(connection, rest);
        }
    }

    /// Returns the index of the node that accepted a connection.
    fn node_of(&self, connection: ConnectionId) -> Option<usize> {
        self.accepted.get(&connection).copied()
    }
}
