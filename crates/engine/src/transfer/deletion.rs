//! Deletions at the end of a removal or a failed upload: each node is asked once, and a node that cannot be told owes them.
//!
//! Neither transfer waits for a node that is unreachable, so both end however long the node stays away.

use std::collections::{BTreeSet, VecDeque};

use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;

use super::{Input, Output, Part, Unanswered};
use crate::node::protocol::{Request, Response};

/// Deletions that nodes are asked to carry out for a transfer.
#[derive(Debug, Default)]
pub(super) struct Deletion {
    /// True until it is found out which nodes can be asked.
    is_sorting: bool,
    unanswered: Unanswered,
    shares: Garbage,
    /// Number of nodes that owe their shares.
    owing: u32,
}

impl Deletion {
    /// Begins to delete segments: it is found out first which nodes can be asked.
    pub(super) fn begin(outputs: &mut VecDeque<Output>, garbage: Garbage) -> Deletion {
        outputs.push_back(Output::Delete(garbage));
        Deletion { is_sorting: true, ..Deletion::default() }
    }

    /// Handles the shares of the nodes that can be asked, a node's answer, or the failure to reach it; other inputs change nothing.
    pub(super) fn handle(&mut self, outputs: &mut VecDeque<Output>, input: Input) {
        match input {
            Input::Deletable(shares, owing) if self.is_sorting => {
                let unanswered = Unanswered::ask(outputs, Part::Delete, &Request::Delete, &shares);
                *self = Deletion { is_sorting: false, unanswered, shares, owing };
            }
            Input::Answered { part: Part::Delete, node, response, .. } => {
                self.settle(outputs, node, matches!(response, Response::Deleted));
            }
            Input::Failed { part: Part::Delete, node, .. } => self.settle(outputs, node, false),
            _ => {}
        }
    }

    fn settle(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber, is_deleted: bool) {
        self.unanswered.settle(node);
        if !is_deleted && let Some(ids) = self.shares.remove(&node) {
            outputs.push_back(Output::Owe { node, ids });
            self.owing += 1;
        }
    }

    /// Returns the nodes that have not answered.
    pub(super) fn nodes(&self) -> BTreeSet<NodeNumber> {
        self.unanswered.nodes().collect()
    }

    /// Returns the number of nodes that could not be told and owe their shares.
    pub(super) const fn owing(&self) -> u32 {
        self.owing
    }

    /// Returns true if every node has answered or is unreachable.
    pub(super) fn is_over(&self) -> bool {
        !self.is_sorting && self.unanswered.is_empty()
    }
}
