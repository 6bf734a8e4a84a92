//! Hosts of the network, all alike: each asks nodes, probes its peers and, if a node runs on it, serves requests.
//!
//! The client is the host without a node. The connections of all hosts stand in one table, by their ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use p2p_base::units::SimTime;
use p2p_net::{Activity, ConnectionId, HostConfig, HostId, MeterId, Network, TcpConfig};
use p2p_store::manifest::NodeNumber;

use super::frames::FrameWriter;
use crate::cause::Cause;
use crate::node::health::PeerTable;
use crate::patience::{patient, silence};
use crate::peer::Peer;
use crate::requester::Requester;
use crate::transfer::{Part, TransferId};

/// Owner of a request: what it is made for, and how its bytes are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Segment of a transfer.
    Segment {
        transfer: TransferId,
        index: u32,
        /// End of the connection that sends the segment.
        sender: Sender,
        /// Meter that counts the bytes of the segment.
        meter: MeterId,
    },
    /// Other part of a transfer.
    Transfer(TransferId, Part),
    /// Deletions that nodes still owe.
    OwedDeletions,
}

/// End of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The end that asks, by an upload.
    Asking,
    /// The end that answers, by a download.
    Serving,
}

impl Owner {
    /// Returns true if the request is made for a transfer.
    pub(super) fn is_of(&self, id: TransferId) -> bool {
        match *self {
            Owner::Segment { transfer, .. } | Owner::Transfer(transfer, _) => transfer == id,
            Owner::OwedDeletions => false,
        }
    }

    /// Returns true if the request is to make durable what a node has stored.
    pub(super) const fn is_commit(&self) -> bool {
        matches!(self, Owner::Transfer(_, part) if part.is_commit())
    }

    /// Returns the transfer and its part that the request is made for; `None` for deletions that are owed.
    pub(super) const fn transfer(&self) -> Option<(TransferId, Part)> {
        match *self {
            Owner::Segment { transfer, index, .. } => Some((transfer, Part::Segment(index))),
            Owner::Transfer(transfer, part) => Some((transfer, part)),
            Owner::OwedDeletions => None,
        }
    }

    /// Returns the meter of a segment that this end sends.
    pub(super) fn meter_of(&self, end: Sender) -> Option<MeterId> {
        match *self {
            Owner::Segment { sender, meter, .. } if sender == end => Some(meter),
            _ => None,
        }
    }
}

/// Host of the network.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) id: HostId,
    pub(super) requester: Requester<Owner>,
    /// Peers that the host probes, and their health.
    pub(crate) peers: PeerTable,
    /// Node that runs on the host.
    pub(crate) server: Option<NodeNumber>,
    /// Settings of the connections that the host opens.
    tcp: TcpConfig,
    connections: Connections,
}

/// Connections of a host.
#[derive(Debug, Default)]
struct Connections {
    /// Connections that the host has opened, by node.
    asking: BTreeMap<NodeNumber, ConnectionId>,
    /// Connections that the host has accepted.
    serving: BTreeSet<ConnectionId>,
    /// Last instant at which a packet arrived on an earlier connection to each node.
    heard: BTreeMap<NodeNumber, SimTime>,
}

impl Connections {
    /// Returns the latest signs of life on the connection to a node.
    fn activity(&self, net: &Network, node: NodeNumber) -> Option<Activity> {
        self.asking.get(&node).and_then(|&connection| net.activity(connection))
    }

    /// Returns the number of bytes that have been sent of the stream to a node; any may have been if it is over.
    fn sent(&self, net: &Network, node: NodeNumber) -> u64 {
        self.asking.get(&node).and_then(|&connection| net.sent(connection)).unwrap_or(u64::MAX)
    }

    /// Returns the instant at which the latest packet of any kind arrived on a connection with another host.
    fn heard_from(&self, net: &Network, other: HostId) -> Option<SimTime> {
        let heard_on = |connection: ConnectionId| net.activity(connection).map(|activity| activity.heard_at);
        let accepted = self.serving.iter().filter(|connection| net.host_of(connection.peer()) == Some(other));
        let served = accepted.filter_map(|&connection| heard_on(connection)).max();
        let Peer::Node(node) = Peer::at(other.index()) else { return served };
        let asked = self.asking.get(&node).copied().and_then(heard_on);
        served.max(asked).max(self.heard.get(&node).copied())
    }
}

impl Host {
    /// Returns a host with this link; where that allows, it opens connections with these settings.
    pub(crate) fn new(
        id: HostId,
        requester: Requester<Owner>,
        peers: PeerTable,
        server: Option<NodeNumber>,
        (tcp, link): (TcpConfig, &HostConfig),
    ) -> Host {
        let mut host = Host { id, requester, peers, server, tcp, connections: Connections::default() };
        host.keep_to_link(SimTime::ZERO, tcp, link);
        host
    }

    /// Adapts the probes, the number of nodes that answer at the same time and the patience with them to the host's link.
    fn keep_to_link(&mut self, now: SimTime, tcp: TcpConfig, link: &HostConfig) {
        self.tcp = patient(tcp, link);
        self.peers.keep_to_link(link, silence(tcp, link));
        self.requester.keep_to_queue(link.down.queue_packets);
        self.requester.set_user_timeout(now, self.tcp.user_timeout);
    }

    /// Returns the settings of the connections that the host opens.
    pub(crate) const fn tcp(&self) -> TcpConfig {
        self.tcp
    }

    /// Returns the peer that the host is.
    pub(crate) fn peer(&self) -> Peer {
        self.server.map_or(Peer::Client, Peer::Node)
    }

    /// Returns the connections that the host has opened, by node.
    pub(crate) fn connections(&self) -> impl Iterator<Item = (NodeNumber, ConnectionId)> {
        self.connections.asking.iter().map(|(&node, &connection)| (node, connection))
    }

    /// Returns the connection to a node.
    pub(super) fn connection_to(&self, node: NodeNumber) -> Option<ConnectionId> {
        self.connections.asking.get(&node).copied()
    }
}

/// Role of a host in one of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The host has opened the connection to this node.
    Asks(NodeNumber),
    /// The host has accepted the connection.
    Serves,
}

/// End of a connection at a host.
#[derive(Debug)]
pub(super) struct End {
    /// Index of the host.
    pub(super) host: usize,
    pub(super) role: Role,
    pub(super) writer: FrameWriter,
}

/// All hosts, and the ends of their connections.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// The client, and after it the nodes in their order.
    all: Vec<Host>,
    ids: Arc<[HostId]>,
    ends: BTreeMap<ConnectionId, End>,
}

impl Hosts {
    /// Index of the client.
    pub(crate) const CLIENT: usize = 0;

    pub(crate) fn new(all: Vec<Host>) -> Hosts {
        let ids = all.iter().map(|host| host.id).collect();
        Hosts { all, ids, ends: BTreeMap::new() }
    }

    /// Returns the index of the host on which a node runs.
    pub(crate) const fn index_of(node: NodeNumber) -> usize {
        Peer::Node(node).index()
    }

    /// Returns all hosts, the client first.
    pub(crate) fn all(&self) -> &[Host] {
        &self.all
    }

    pub(crate) fn client(&self) -> &Host {
        &self.all[Hosts::CLIENT]
    }

    pub(crate) fn host(&self, index: usize) -> &Host {
        &self.all[index]
    }

    pub(crate) fn host_mut(&mut self, index: usize) -> &mut Host {
        &mut self.all[index]
    }

    /// Returns the host that a peer is.
    pub(crate) fn of_peer(&self, peer: Peer) -> &Host {
        &self.all[peer.index()]
    }

    /// Returns the host on which a node runs.
    pub(crate) fn of_node(&self, node: NodeNumber) -> &Host {
        &self.all[Hosts::index_of(node)]
    }

    /// Returns the identifiers of all hosts, that of the client first.
    pub(crate) fn ids(&self) -> Arc<[HostId]> {
        Arc::clone(&self.ids)
    }

    /// Returns the hosts of the nodes, by node.
    pub(crate) fn node_ids(&self) -> &[HostId] {
        &self.ids[1..]
    }

    /// Returns the peer that a host of the network is.
    pub(crate) fn peer_of(host: HostId) -> Peer {
        Peer::at(host.index())
    }

    /// Returns the ends of the connections that the host of a node has accepted.
    pub(super) fn served_at(&self, node: NodeNumber) -> impl Iterator<Item = ConnectionId> {
        self.of_node(node).connections.serving.iter().copied()
    }

    pub(super) fn end(&self, connection: ConnectionId) -> Option<&End> {
        self.ends.get(&connection)
    }

    pub(super) fn end_mut(&mut self, connection: ConnectionId) -> Option<&mut End> {
        self.ends.get_mut(&connection)
    }

    /// Adds the end of a connection.
    pub(super) fn add_end(&mut self, connection: ConnectionId, host: usize, role: Role) {
        match role {
            Role::Asks(node) => drop(self.all[host].connections.asking.insert(node, connection)),
            Role::Serves => drop(self.all[host].connections.serving.insert(connection)),
        }
        self.ends.insert(connection, End { host, role, writer: FrameWriter::default() });
    }

    /// Removes the end of a connection, and keeps the instant of the last packet from a node that was asked.
    pub(super) fn remove_end(&mut self, net: &Network, connection: ConnectionId) -> Option<End> {
        let end = self.ends.remove(&connection)?;
        let connections = &mut self.all[end.host].connections;
        match end.role {
            Role::Asks(node) => {
                connections.asking.remove(&node);
                if let Some(at) = net.activity(connection).map(|activity| activity.heard_at) {
                    let heard = connections.heard.entry(node).or_insert(at);
                    *heard = at.max(*heard);
                }
            }
            Role::Serves => drop(connections.serving.remove(&connection)),
        }
        Some(end)
    }

    /// Removes the ends of connections at a host in which it has such a role, and returns the connections.
    pub(super) fn remove_ends_at(&mut self, net: &Network, host: usize, is_meant: impl Fn(Role) -> bool) -> Vec<ConnectionId> {
        let here = self.ends.iter().filter(|(_, end)| end.host == host && is_meant(end.role));
        let here: Vec<ConnectionId> = here.map(|(&id, _)| id).collect();
        here.iter().for_each(|&connection| drop(self.remove_end(net, connection)));
        here
    }

    /// Handles the timeouts of a host's requests that are due.
    pub(super) fn handle_request_timeout(&mut self, net: &Network, index: usize) {
        let Host { requester, connections, .. } = &mut self.all[index];
        requester.handle_timeout(net.now(), |node| connections.activity(net, node));
    }

    /// Adapts a host to its link, with these settings where that allows, and its open connections with it.
    pub(super) fn keep_to_link(&mut self, net: &mut Network, index: usize, tcp: TcpConfig, link: &HostConfig) {
        let host = &mut self.all[index];
        host.keep_to_link(net.now(), tcp, link);
        for &connection in host.connections.asking.values() {
            net.set_deadlines(connection, host.tcp.connect_timeout, host.tcp.user_timeout);
        }
    }

    /// Drops the requests of a transfer that a host has made.
    pub(super) fn forget_requests(&mut self, net: &Network, index: usize, transfer: TransferId) {
        let Host { requester, connections, .. } = &mut self.all[index];
        requester.forget(net.now(), |owner| owner.is_of(transfer), |node| connections.sent(net, node));
    }

    /// Fails the requests of a host to a node to make durable what it has stored.
    pub(super) fn fail_commits(&mut self, net: &Network, index: usize, node: NodeNumber, cause: &Cause) {
        let Host { requester, connections, .. } = &mut self.all[index];
        requester.fail(net.now(), node, Owner::is_commit, cause, connections.sent(net, node));
    }

    /// Gives up the connection of a host to a node, if only forgotten requests are on their way there.
    pub(super) fn shed(&mut self, net: &Network, index: usize, node: NodeNumber) {
        let Host { requester, connections, .. } = &mut self.all[index];
        requester.shed(net.now(), node, connections.sent(net, node));
    }

    /// Returns the instant at which a host gives up its connection to a node unless something is heard of the node until then.
    pub(super) fn given_up_at(&self, net: &Network, index: usize, node: NodeNumber) -> Option<SimTime> {
        let Host { requester, connections, .. } = &self.all[index];
        let activity = connections.activity(net, node).unwrap_or_default();
        requester.given_up_at(node, activity, self.all[index].tcp().connect_timeout)
    }

    /// Returns the instant at which a node is dead for a host unless anything is heard of it until then; `None` if it is not probed.
    pub(super) fn dead_at(&self, net: &Network, index: usize, node: NodeNumber) -> Option<SimTime> {
        let (Host { peers, connections, .. }, other) = (&self.all[index], self.of_node(node).id);
        peers.dead_at(other, connections.heard_from(net, other))
    }

    /// Handles the timeouts of a host's probes that are due.
    pub(super) fn handle_probe_timeout(&mut self, net: &Network, index: usize) {
        let Host { peers, connections, .. } = &mut self.all[index];
        peers.handle_timeout(net.now(), |other| connections.heard_from(net, other));
    }

    /// Returns the owner of the request of this tag on the connection of which `asking` is the asking end.
    pub(super) fn owner(&self, asking: ConnectionId, tag: u64) -> Option<Owner> {
        let End { host, role: Role::Asks(node), .. } = self.end(asking)? else { return None };
        self.all[*host].requester.owner(*node, tag).copied()
    }
}
