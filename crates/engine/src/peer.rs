//! Hosts by their role in the storage network. Independent of the addresses and the numbers that the network gives them.

use p2p_store::manifest::NodeNumber;
use serde::{Deserialize, Serialize};

/// Host of the network: the client or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Peer {
    /// The host that uploads and downloads.
    Client,
    /// Storage node with this number.
    Node(NodeNumber),
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
