//! Deletions that nodes owe, in the world: tells their machine what happens, and carries its outputs out. They belong to no transfer any
//! more, and outlast the process of a node that has carried one: the client's host asks for them, whoever has left them.

use std::collections::BTreeSet;
use std::sync::Arc;

use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;
use p2p_store::standing::Trouble;

use crate::io::{Lane, Outcome};
use crate::node::protocol::{Request, ids_payload};
use crate::owed::OwedOutput;
use crate::peer::Peer;

use super::overtaking::Concern;
use super::wiring::OWED;
use super::{Due, Owner, World};

impl World {
    /// Notes segments that a node has to delete, unless a file needs them by the time it is reachable.
    pub(crate) fn owe(&mut self, node: NodeNumber, ids: impl IntoIterator<Item = SegmentId>) {
        if self.may_owe(node) {
            let (now, is_connected) = (self.now(), self.hosts.client().requester.is_connected(node));
            self.owed.handle_owed(now, node, ids, is_connected);
            self.carry_out_owed();
        }
    }

    /// Lets nodes delete segments that nothing needs any more: at once those that can be asked, and later the others. Segments on nodes
    /// that are not in this network, and on volumes of another catalog, stay.
    pub(crate) fn release(&mut self, mut garbage: Garbage) {
        garbage.retain(|&node, _| self.may_owe(node));
        for (node, ids) in garbage {
            self.owe(node, ids);
            if self.can_delete(Peer::Client, node) {
                self.collect_from(node);
            }
        }
    }

    /// Returns true if a node can owe deletions. Nodes that are not in this network are excluded, and volumes of another catalog;
    /// `p2p orphans` handles their content.
    pub(crate) fn may_owe(&self, node: NodeNumber) -> bool {
        let entry = self.nodes.get(node.index());
        entry.is_some_and(|entry| !entry.node.trouble().is_some_and(Trouble::is_anothers))
    }

    /// Returns true if a node can be asked by a host to delete segments now.
    pub(crate) fn can_delete(&self, host: Peer, node: NodeNumber) -> bool {
        let refuses = |trouble: &Trouble| !trouble.allows_deletion();
        !self.is_dead(host, node) && !self.nodes[node.index()].node.trouble().is_some_and(refuses)
    }

    /// Starts the deletions that a node owes, because it is reachable.
    pub(super) fn collect_from(&mut self, node: NodeNumber) {
        self.owed.handle_reachable(node);
        self.carry_out_owed();
    }

    /// Starts the retries that are due.
    pub(super) fn handle_owed_timeout(&mut self) {
        let reachable: BTreeSet<NodeNumber> =
            (0..self.nodes.len()).map(NodeNumber::from_index).filter(|&node| self.can_delete(Peer::Client, node)).collect();
        self.owed.handle_timeout(self.now(), |node| reachable.contains(&node));
        self.carry_out_owed();
    }

    /// Passes on the catalog's answer: which of the segments of a node are unreferenced. Those that an upload stores again are needed.
    pub(crate) fn handle_owed_check(&mut self, index: usize, outcome: Outcome) {
        let node = NodeNumber::from_index(index);
        let free = match outcome {
            Outcome::Unreferenced(Ok(mut garbage)) => Some(garbage.remove(&node).unwrap_or_default()),
            _ => None,
        };
        let is_free = |id: &SegmentId| !self.space.is_pinned(node, *id);
        let free: Option<BTreeSet<SegmentId>> = free.map(|ids| ids.into_iter().filter(is_free).collect());
        // What another host may still store there is deleted later, behind it.
        let is_overtaken = |&id: &SegmentId| self.may_be_overtaken(Peer::Client, node, id, Concern::Stores);
        let free = free.filter(|ids| !ids.iter().any(is_overtaken));
        self.owed.handle_checked(self.now(), node, free.as_ref());
        self.carry_out_owed();
    }

    /// Passes on the answer of a node, or the failure to reach it.
    pub(super) fn handle_owed_answer(&mut self, node: NodeNumber, is_done: bool) {
        self.owed.handle_answer(self.now(), node, is_done);
        self.carry_out_owed();
    }

    fn carry_out_owed(&mut self) {
        while let Some(output) = self.owed.poll_output() {
            match output {
                OwedOutput::Check { node, ids } => self.check_owed(node, ids),
                OwedOutput::Ask { node, ids } => {
                    self.ask((Peer::Client, node), Owner::OwedDeletions, &Request::Delete, ids_payload(&ids));
                }
                OwedOutput::Emit(event) => self.emit(event),
            }
        }
        self.timetable.set(OWED, self.owed.next_timeout());
    }

    /// Asks the catalog which of these segments of a node are unreferenced.
    fn check_owed(&mut self, node: NodeNumber, ids: Vec<SegmentId>) {
        let candidates = Garbage::from([(node, ids)]);
        let catalog = Arc::clone(self.names.catalog());
        let at = self.now() + self.config.disk.service_time;
        let work = Box::new(move || Outcome::Unreferenced(catalog.unreferenced(candidates)));
        self.work.submit_for(at, Due::Owed(node.index()), Lane::Catalog, work);
    }
}
