//! What an upload can do without: the parts of nodes that do not answer, which can be sent to other nodes.
//!
//! What is in flight to a node is sent to another one once the connection is given up. What a node has stored is stored again only where the
//! source can be read again, and once the node has not confirmed that it is durable.

use std::collections::BTreeSet;

use p2p_store::manifest::NodeNumber;

use super::super::ATTEMPTS_MAX;
use super::Upload;
use super::phase::UploadPhase;

impl Upload {
    /// Returns the nodes that have segments of the upload or are to get some.
    pub(crate) fn nodes(&self) -> BTreeSet<NodeNumber> {
        self.books.nodes()
    }

    /// Returns the bytes that other nodes have to get if these do not answer; `None` if what these have stored cannot be sent again.
    pub(crate) fn bytes_without(&self, nodes: &BTreeSet<NodeNumber>) -> Option<u64> {
        let is_stored_again = self.plan.is_readable_again && !self.again.is_used_up();
        if !is_stored_again && !self.indispensable().is_disjoint(nodes) {
            return None;
        }
        let (open, stored) = self.books.bytes_at(|node| nodes.contains(&node));
        Some(open + stored)
    }

    /// Returns the bytes of the segments that a node is to get, which go to others when its connection is given up, and of those that it
    /// has stored.
    pub(crate) fn bytes_at(&self, node: NodeNumber) -> (u64, u64) {
        self.books.bytes_at(|other| other == node)
    }

    /// Returns true if a node is asked to make durable what it has stored.
    pub(crate) fn is_committing(&self) -> bool {
        matches!(self.phase, UploadPhase::Committing(_))
    }

    /// Returns how often a node will be asked over a new connection to make durable what it has stored, if it answers none of the requests.
    pub(crate) fn commits_left(&self, node: NodeNumber) -> u32 {
        match &self.phase {
            UploadPhase::Committing(commitment) => commitment.tries_left(node),
            _ => ATTEMPTS_MAX - 1,
        }
    }

    /// Returns true if a node may be asked to store segments.
    pub(crate) fn may_ask(&self, node: NodeNumber) -> bool {
        !self.attempts.has_given_up(node)
    }

    /// Returns the size in bytes of the segments.
    pub(crate) fn segment_size(&self) -> u64 {
        self.plan.segment_size.as_usize() as u64
    }
}
