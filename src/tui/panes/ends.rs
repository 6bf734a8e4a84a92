//! The ends of packets and connections: the hosts by their addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use p2p_engine::snapshot::{Peer, Topology};

/// The hosts by their addresses, with the short names that the matrix of round trips has as well.
#[derive(Debug)]
pub(super) struct Ends {
    peers: BTreeMap<Ipv4Addr, Peer>,
    /// Width of the longest name in cells.
    width: u16,
}

impl Ends {
    /// Returns the hosts of a network.
    pub(super) fn of(topology: &Topology) -> Ends {
        let hosts = &topology.hosts;
        let width = hosts.last().map_or(2, |host| short_name(host.peer).len() as u16);
        Ends { peers: hosts.iter().map(|host| (host.address, host.peer)).collect(), width }
    }

    /// Returns the host that has an address.
    pub(super) fn peer(&self, address: Ipv4Addr) -> Option<Peer> {
        self.peers.get(&address).copied()
    }

    /// Returns the width of the longest name in cells.
    pub(super) fn width(&self) -> u16 {
        self.width
    }

    /// Returns the short name of the host that has an address.
    pub(super) fn name(&self, address: Ipv4Addr) -> String {
        self.peers.get(&address).map_or_else(|| address.to_string(), |&peer| short_name(peer))
    }
}

/// Returns the short name of a host: `cl` for the client, `01` for the first node.
pub(super) fn short_name(peer: Peer) -> String {
    match peer {
        Peer::Client => "cl".into(),
        Peer::Node(node) => format!("{:02}", node.index() + 1),
    }
}
