//! The peers of which something is known, in a map that snapshots share: a change copies the few entries beside it, and only while a
//! snapshot holds them.

use std::sync::Arc;

use imbl::OrdMap;
use p2p_net::HostId;

use super::PeerHealth;
use crate::node::recent_probes::{ProbeRecord, RecentProbes};

/// What is known of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Known {
    pub(super) health: PeerHealth,
    /// Results of the latest probes.
    pub(super) recent: RecentProbes,
}

/// Peers of which something is known. A host that probes in turn has probed few of many.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct KnownPeers(OrdMap<HostId, Arc<Known>>);

impl KnownPeers {
    /// Returns the state of a peer, if anything is known of it.
    pub(crate) fn get(&self, peer: HostId) -> Option<&PeerHealth> {
        self.0.get(&peer).map(|known| &known.health)
    }

    /// Returns the latest probes of a peer in the order in which they were sent.
    pub(crate) fn probes(&self, peer: HostId) -> Vec<ProbeRecord> {
        self.0.get(&peer).map(|known| known.recent.in_order()).unwrap_or_default()
    }

    /// Returns the peers and their states, in the order of the hosts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (HostId, &PeerHealth)> {
        self.0.iter().map(|(&peer, known)| (peer, &known.health))
    }

    /// Returns what is known of a peer, to be changed; nothing is known before the first change.
    pub(super) fn entry(&mut self, peer: HostId) -> &mut Known {
        Arc::make_mut(self.0.entry(peer).or_default())
    }

    /// Returns what is known of a peer, to be changed, if anything is.
    pub(super) fn get_mut(&mut self, peer: HostId) -> Option<&mut Known> {
        self.0.get_mut(&peer).map(Arc::make_mut)
    }
}
