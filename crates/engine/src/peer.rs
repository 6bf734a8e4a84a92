//! Hosts by their role in the storage network, and their order in it: the client first, then the nodes. A host has no address here, and no
//! identifier of the network.

use p2p_store::manifest::NodeNumber;
use serde::{Deserialize, Serialize};

/// Host of the network: the client or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Peer {
    /// The host that uploads and downloads for everybody but the clients of nodes.
    #[default]
    Client,
    /// Storage node with this number.
    Node(NodeNumber),
}

impl Peer {
    /// Returns the node that the host is; `None` for the client.
    pub const fn node(self) -> Option<NodeNumber> {
        match self {
            Peer::Client => None,
            Peer::Node(node) => Some(node),
        }
    }

    /// Returns the host of this index among all hosts: the client is added to the network first, then the nodes in their order.
    pub(crate) const fn at(index: usize) -> Peer {
        match index.checked_sub(1) {
            None => Peer::Client,
            Some(node) => Peer::Node(NodeNumber::from_index(node)),
        }
    }

    /// Returns the index of the host among all hosts.
    pub(crate) const fn index(self) -> usize {
        match self {
            Peer::Client => 0,
            Peer::Node(node) => node.index() + 1,
        }
    }
}

/// Formats the peer as `client` or `Node_01`.
impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Peer::Client => f.pad("client"),
            Peer::Node(node) => node.fmt(f),
        }
    }
}
