//! Requests of several hosts that concern one segment on one node. Those of one host arrive in their order, since they share its link and
//! its path, also where one connection follows another. Those of two hosts do not: a deletion that one has asked for could arrive behind
//! the segment that another one stores anew, and would take what is acknowledged; and a segment could arrive behind its deletion, and stay.

use std::collections::{BTreeMap, BTreeSet};

use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;

use crate::peer::Peer;

use super::World;

/// Number of requests at the least, half of which are noted before it is looked which can still arrive.
const FORGOTTEN_MIN: usize = 64;

/// Kind of a request that concerns a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Concern {
    Stores,
    Deletes,
}

/// Hosts that have asked nodes to store or to delete segments, as long as such a request may still arrive.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    hosts: BTreeMap<(NodeNumber, SegmentId, Concern), BTreeSet<Peer>>,
    /// Number of requests that could still arrive when the others were last forgotten.
    kept: usize,
}

impl World {
    /// Notes that a host asks a node to store or to delete segments.
    pub(super) fn note_concern(&mut self, (host, node): (Peer, NodeNumber), ids: &[SegmentId], concern: Concern) {
        // Deletions that are owed are the client's, behind what it has stored itself.
        if (host, concern) == (Peer::Client, Concern::Stores) {
            return;
        }
        if self.under_way.hosts.len() >= 2 * self.under_way.kept.max(FORGOTTEN_MIN) {
            self.forget_arrived();
        }
        ids.iter().for_each(|&id| _ = self.under_way.hosts.entry((node, id, concern)).or_default().insert(host));
    }

    /// Forgets the requests that cannot arrive any more.
    fn forget_arrived(&mut self) {
        let mut all = std::mem::take(&mut self.under_way.hosts);
        let mut known: BTreeMap<(Peer, NodeNumber), bool> = BTreeMap::new();
        all.retain(|&(node, ..), hosts| {
            hosts.retain(|&host| *known.entry((host, node)).or_insert_with(|| self.may_arrive(host, node)));
            !hosts.is_empty()
        });
        self.under_way = UnderWay { kept: all.len(), hosts: all };
    }

    /// Returns true if a request of another host to store or to delete a segment may still arrive at a node.
    pub(super) fn may_be_overtaken(&self, host: Peer, node: NodeNumber, id: SegmentId, concern: Concern) -> bool {
        let hosts = self.under_way.hosts.get(&(node, id, concern));
        hosts.is_some_and(|hosts| hosts.iter().any(|&other| other != host && self.may_arrive(other, node)))
    }

    /// Returns true if a request of a host may still arrive at a node: one is not answered, or the node still has the other end of a
    /// connection that is over for the host.
    fn may_arrive(&self, host: Peer, node: NodeNumber) -> bool {
        let asking = self.hosts.of_peer(host);
        let own = asking.connection_to(node).map(|connection| connection.peer());
        let mut served = self.hosts.served_at(node);
        asking.requester.has_requests_to(node)
            || served.any(|end| Some(end) != own && self.net.host_of(end.peer()) == Some(asking.id))
    }
}
