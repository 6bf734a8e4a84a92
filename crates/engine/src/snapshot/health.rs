//! What the probes of every host have shown of every other host.

use std::sync::Arc;

use p2p_net::HostId;
use p2p_store::manifest::NodeNumber;

use super::Peer;
use crate::node::ProbeRecord;
use crate::node::health::{KnownPeers, PeerHealth};

/// Largest number of hosts of which each row lists all others. Of more hosts, each knows few others, and a row has those alone.
const LISTED_WHOLE_MAX: usize = 65;

/// Health of every host as seen by the probes of every other host.
///
/// The rows are those of the peer tables and are shared with them, so that a matrix costs as much as there are hosts and not as much as
/// there are pairs of them.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthMatrix {
    /// Hosts in the order of the rows: the client, and after it the nodes in their order.
    hosts: Arc<[HostId]>,
    rows: Vec<KnownPeers>,
}

impl HealthMatrix {
    /// Makes a matrix of what each of the hosts knows of the others, the client first.
    pub(crate) fn new(hosts: Arc<[HostId]>, rows: Vec<KnownPeers>) -> HealthMatrix {
        debug_assert_eq!(hosts.len(), rows.len(), "each host has a row");
        HealthMatrix { hosts, rows }
    }

    /// Returns all hosts, the client first.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = Peer> + use<> {
        (0..self.hosts.len()).map(Peer::at)
    }

    /// Returns what one host has found out of another one by its probes; `None` if there is nothing to tell.
    pub fn seen(&self, from: Peer, to: Peer) -> Option<PeerHealth> {
        let (row, &host) = (self.rows.get(from.index())?, self.hosts.get(to.index())?);
        let unprobed = || (self.hosts.len() <= LISTED_WHOLE_MAX && from != to).then(PeerHealth::default);
        row.get(host).copied().or_else(unprobed)
    }

    /// Returns the latest probes of one host by another, in the order in which they were sent.
    pub fn probes(&self, from: Peer, to: Peer) -> Vec<ProbeRecord> {
        let row = self.rows.get(from.index()).zip(self.hosts.get(to.index()));
        row.map(|(row, &host)| row.probes(host)).unwrap_or_default()
    }

    /// Returns what a host has found out of the others, by host.
    pub fn row(&self, from: Peer) -> impl Iterator<Item = (Peer, PeerHealth)> + '_ {
        let is_whole = self.hosts.len() <= LISTED_WHOLE_MAX;
        let row = self.rows.get(from.index());
        let known = row.filter(|_| !is_whole).into_iter().flat_map(KnownPeers::iter);
        let known = known.map(|(host, health)| (Peer::at(host.index()), *health));
        let all = is_whole.then(|| self.hosts()).into_iter().flatten();
        all.filter_map(move |to| Some((to, self.seen(from, to)?))).chain(known)
    }

    /// Returns what all hosts have found out of each other: who has, of whom, and what.
    pub fn pairs(&self) -> impl Iterator<Item = (Peer, Peer, PeerHealth)> + '_ {
        self.hosts().flat_map(|from| self.row(from).map(move |(to, seen)| (from, to, seen)))
    }
}

/// Result of a health check of all hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthReport {
    /// Health of each host as seen by each other host.
    pub matrix: HealthMatrix,
}

impl HealthReport {
    /// Returns the health of a node as seen by the client.
    pub fn of_node(&self, node: NodeNumber) -> PeerHealth {
        self.matrix.seen(Peer::Client, Peer::Node(node)).unwrap_or_default()
    }
}
