//! The deletions at the end of a removal or of an upload that failed: each node is asked once, and one that cannot be told owes
//! them.
//!
//! Neither waits for a node that is away, so that both end however long it stays so. Knows nothing of why something is
//! deleted.

use super::{Part, TransferId, Unanswered};
use crate::engine::world::World;
use crate::node::protocol::Request;
use crate::storage::catalog::Garbage;
use crate::storage::manifest::NodeNumber;

/// What nodes are asked to delete on behalf of a transfer.
#[derive(Debug, Default)]
pub(super) struct Deletion {
    unanswered: Unanswered,
    shares: Garbage,
}

impl Deletion {
    /// Asks nodes to delete what no file needs and no upload counts on. A node that is dead, or whose disk cannot be used, is not
    /// asked, and owes its share. What is on a volume that is another's is left there.
    pub(super) fn begin(world: &mut World, transfer: TransferId, mut garbage: Garbage) -> Deletion {
        garbage.retain(|&node, _| world.may_owe(node));
        for (&node, ids) in &mut garbage {
            ids.retain(|&id| !world.held.contains_key(&(node, id)));
        }
        garbage.retain(|_, ids| !ids.is_empty());
        let (away, shares): (Garbage, Garbage) = garbage.into_iter().partition(|(node, _)| !world.can_delete(*node));
        away.into_iter().for_each(|(node, ids)| world.owe(node, ids));
        let unanswered = world.ask_about(transfer, Part::Delete, &Request::Delete, shares.clone());
        Deletion { unanswered, shares }
    }

    /// A node has answered a request, or cannot be reached.
    pub(super) fn settle(&mut self, world: &mut World, node: NodeNumber, is_deleted: bool) {
        self.unanswered.settle(node);
        if !is_deleted && let Some(ids) = self.shares.remove(&node) {
            world.owe(node, ids);
        }
    }

    /// Whether every node has answered, or cannot be reached.
    pub(super) fn is_over(&self) -> bool {
        self.unanswered.is_empty()
    }
}
