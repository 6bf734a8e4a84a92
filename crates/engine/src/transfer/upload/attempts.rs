//! Attempts of an upload to find nodes for its segments: the segment for which a node is being chosen, and the nodes that have
//! failed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use p2p_store::manifest::NodeNumber;
use p2p_store::segment::Segment;

use super::super::{ATTEMPTS_MAX, Output, TransferError};
use crate::cause::Cause;

/// Segment for which a node is being chosen.
#[derive(Debug)]
pub(super) struct Placing {
    pub(super) segment: Segment,
    pub(super) attempt: u32,
    /// True if the upload continues with the next segment afterwards, because this one was not sent before.
    pub(super) is_new: bool,
}

/// Attempts to place segments.
#[derive(Debug)]
pub(super) struct Attempts {
    placing: Option<Placing>,
    /// Node to which segments go while it can take them.
    preferred: Option<NodeNumber>,
    /// Nodes that get no further requests, with the reason.
    given_up: BTreeMap<NodeNumber, Cause>,
    /// Given-up nodes that did not confirm what they had stored.
    unconfirmed: BTreeSet<NodeNumber>,
}

impl Attempts {
    /// Makes the attempts of an upload whose segments go to the preferred node, if there is one, while it can take them.
    pub(super) const fn new(preferred: Option<NodeNumber>) -> Attempts {
        Attempts { placing: None, preferred, given_up: BTreeMap::new(), unconfirmed: BTreeSet::new() }
    }

    /// Returns true if a node is being chosen.
    pub(super) fn is_placing(&self) -> bool {
        self.placing.is_some()
    }

    /// Lets a node be chosen that can take a segment: the one that is asked `again` if it can and is not given up, or else the preferred one
    /// if that can.
    pub(super) fn place(&mut self, outputs: &mut VecDeque<Output>, placing: Placing, again: Option<NodeNumber>) {
        let (id, len) = (placing.segment.id, placing.segment.bytes.len() as u64);
        self.placing = Some(placing);
        let except = self.given_up.keys().copied().collect();
        outputs.push_back(Output::Place { id, len, except, again, preferred: self.preferred });
    }

    /// Takes the segment for which a node is being chosen.
    pub(super) fn take(&mut self) -> Option<Placing> {
        self.placing.take()
    }

    /// Returns the failure of the upload, if no node can take the segment for which one is being chosen. Where a single node was there
    /// to take it, and stored and lost it, that is the failure.
    pub(super) fn refuse(&mut self, nodes: Vec<(NodeNumber, Cause)>) -> Option<TransferError> {
        let Placing { segment, .. } = self.placing.take()?;
        let cause = |(node, reason)| (node, self.given_up.get(&node).cloned().unwrap_or(reason));
        let causes: Vec<(NodeNumber, Cause)> = nodes.into_iter().map(cause).collect();
        Some(match &causes[..] {
            [(node, cause)] if self.unconfirmed.contains(node) => {
                TransferError::NotConfirmed { node: *node, cause: cause.clone() }
            }
            _ => TransferError::NoHolder { index: segment.index, causes },
        })
    }

    /// Returns true if a node gets no further requests.
    pub(super) fn has_given_up(&self, node: NodeNumber) -> bool {
        self.given_up.contains_key(&node)
    }

    /// Gives a node up that did not confirm what it had stored.
    pub(super) fn give_up(&mut self, node: NodeNumber, cause: Cause) {
        self.unconfirmed.insert(node);
        self.given_up.insert(node, cause);
    }

    /// Notes that a node did not accept a segment at this attempt. Returns true if it is given up.
    pub(super) fn fail(&mut self, node: NodeNumber, cause: Cause, attempt: u32, node_is_to_blame: bool) -> bool {
        if node_is_to_blame || attempt >= ATTEMPTS_MAX {
            self.given_up.insert(node, cause);
        }
        self.given_up.contains_key(&node)
    }
}
