//! Deletions at the end of a removal or a failed upload: each node is asked once, and a node that cannot be told owes them.
//!
//! Neither transfer waits for a node that is unreachable, so both end however long the node stays away.

use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;

use super::{Part, TransferId, Unanswered};
use crate::node::protocol::Request;
use crate::world::World;

/// Deletions that nodes are asked to carry out for a transfer.
#[derive(Debug, Default)]
pub(super) struct Deletion {
    unanswered: Unanswered,
    shares: Garbage,
}

impl Deletion {
    /// Asks nodes to delete segments that no file references and no upload needs. A node that is dead or whose disk cannot be
    /// used is not asked and owes its share. Volumes that belong to another catalog are left unchanged.
    pub(super) fn begin(world: &mut World, transfer: TransferId, mut garbage: Garbage) -> Deletion {
        garbage.retain(|&node, _| world.may_owe(node));
        for (&node, ids) in &mut garbage {
            ids.retain(|&id| !world.pinned.contains_key(&(node, id)));
        }
        garbage.retain(|_, ids| !ids.is_empty());
        let (away, shares): (Garbage, Garbage) = garbage.into_iter().partition(|(node, _)| !world.can_delete(*node));
        away.into_iter().for_each(|(node, ids)| world.owe(node, ids));
        let unanswered = world.ask_about(transfer, Part::Delete, &Request::Delete, shares.clone());
        Deletion { unanswered, shares }
    }

    /// Handles a node's answer, or the failure to reach it.
    pub(super) fn settle(&mut self, world: &mut World, node: NodeNumber, is_deleted: bool) {
        self.unanswered.settle(node);
        if !is_deleted && let Some(ids) = self.shares.remove(&node) {
            world.owe(node, ids);
        }
    }

    /// Returns true if every node has answered or is unreachable.
    pub(super) fn is_over(&self) -> bool {
        self.unanswered.is_empty()
    }
}
