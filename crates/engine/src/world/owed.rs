//! Owed deletions: unreferenced segments on nodes that could not be told to delete them.
//!
//! A finished upload or removal does not wait for a node that is unreachable. The segments that the node has to delete are kept
//! in this table and sent when the node is reachable again: when a connection to it opens, when probes find it alive again, and
//! otherwise at growing intervals. Before each attempt the catalog is asked again, since a new file may reference such a
//! segment by then. Deletions still owed when the process ends are carried out by the sweep at the next start.

use std::collections::BTreeSet;

use p2p_base::units::{SimDuration, SimTime};
use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;
use p2p_store::standing::Trouble;

use crate::event::Event;
use crate::io::{Lane, Outcome};
use crate::node::protocol::{IDS_MAX, Request, ids_payload};

use super::{Due, Owner, World};

/// Delay of the first retry; it doubles with each failed attempt, [`RETRY_DOUBLINGS_MAX`] times at most.
const RETRY_FIRST: SimDuration = SimDuration::from_secs(30);
const RETRY_DOUBLINGS_MAX: u32 = 5;

/// Deletions that one node owes.
#[derive(Debug, Default)]
struct Debt {
    ids: BTreeSet<SegmentId>,
    stage: Stage,
    /// Number of consecutive failed attempts.
    failed: u32,
    retry_at: Option<SimTime>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    /// The catalog is checking which of these segments are unreferenced.
    Checking(Vec<SegmentId>),
    /// The node has been asked to delete these segments.
    Asked(Vec<SegmentId>),
}

/// Deletions that the nodes owe, by node.
#[derive(Debug)]
pub(crate) struct OwedDeletions(Vec<Debt>);

impl OwedDeletions {
    pub(crate) fn new(nodes: usize) -> OwedDeletions {
        OwedDeletions((0..nodes).map(|_| Debt::default()).collect())
    }

    /// Returns the number of segments that are still to be deleted on all nodes together.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|debt| debt.ids.len() as u64).sum()
    }

    /// Returns the instant of the next retry.
    pub(super) fn next_timeout(&self) -> Option<SimTime> {
        self.0.iter().filter_map(|debt| debt.retry_at).min()
    }

    /// Returns the first node whose retry is due.
    fn due(&self, now: SimTime) -> Option<usize> {
        self.0.iter().position(|debt| debt.retry_at.is_some_and(|at| at <= now))
    }

    /// Schedules the next retry after a failed attempt.
    fn postpone(&mut self, index: usize, now: SimTime) {
        let debt = &mut self.0[index];
        debt.stage = Stage::Idle;
        let wait = RETRY_FIRST * (1 << debt.failed.min(RETRY_DOUBLINGS_MAX));
        debt.failed += 1;
        debt.retry_at = Some(now + wait);
    }
}

impl World {
    /// Notes segments that a node has to delete, unless a file needs them by the time it is reachable.
    pub(crate) fn owe(&mut self, node: NodeNumber, ids: impl IntoIterator<Item = SegmentId>) {
        let now = self.now();
        if !self.may_owe(node) {
            return;
        }
        let Some(debt) = self.owed.0.get_mut(node.index()) else { return };
        let before = debt.ids.len();
        debt.ids.extend(ids);
        let added = debt.ids.len() - before;
        if added == 0 {
            return;
        }
        debt.retry_at.get_or_insert(now + RETRY_FIRST);
        self.emit(Event::DeletionsOwed { node, segments: added as u64 });
        if self.hosts.client().requester.is_connected(node) {
            self.begin_owed(node.index());
        }
        self.record_owed_timeout();
    }

    /// Returns true if a node can owe deletions. Volumes of another catalog are excluded; `p2p orphans` handles their content.
    pub(crate) fn may_owe(&self, node: NodeNumber) -> bool {
        let entry = self.nodes.get(node.index());
        entry.is_some_and(|entry| !entry.node.trouble().is_some_and(Trouble::is_anothers))
    }

    /// Returns true if a node can be asked to delete segments now.
    pub(crate) fn can_delete(&self, node: NodeNumber) -> bool {
        let refuses = |trouble: &Trouble| !trouble.allows_deletion();
        !self.is_dead(node) && !self.nodes[node.index()].node.trouble().is_some_and(refuses)
    }

    /// Starts the deletions that a node owes, because it is reachable.
    pub(super) fn collect_from(&mut self, node: NodeNumber) {
        if let Some(debt) = self.owed.0.get_mut(node.index()) {
            debt.failed = 0;
            self.begin_owed(node.index());
            self.record_owed_timeout();
        }
    }

    /// Starts the retries that are due.
    pub(super) fn handle_owed_timeout(&mut self) {
        let now = self.now();
        while let Some(index) = self.owed.due(now) {
            if !self.can_delete(NodeNumber::from_index(index)) {
                self.owed.postpone(index, now);
            } else {
                self.begin_owed(index);
            }
        }
        self.record_owed_timeout();
    }

    fn record_owed_timeout(&mut self) {
        self.timetable.set(super::wiring::OWED, self.owed.next_timeout());
    }

    /// Asks the catalog which of the segments that a node owes are still unreferenced.
    fn begin_owed(&mut self, index: usize) {
        let debt = &mut self.owed.0[index];
        debt.retry_at = None;
        if debt.ids.is_empty() || !matches!(debt.stage, Stage::Idle) {
            return;
        }
        let node = NodeNumber::from_index(index);
        let batch: Vec<SegmentId> = debt.ids.iter().copied().take(IDS_MAX).collect();
        let candidates = Garbage::from([(node, batch.clone())]);
        debt.stage = Stage::Checking(batch);
        let catalog = std::sync::Arc::clone(self.names.catalog());
        let at = self.now() + self.config.disk.service_time;
        let work = Box::new(move || Outcome::Unreferenced(catalog.unreferenced(candidates)));
        self.work.submit_for(at, Due::Owed(index), Lane::Catalog, work);
    }

    /// Handles the catalog's answer and asks the node to delete the unreferenced segments.
    pub(crate) fn handle_owed_check(&mut self, index: usize, outcome: Outcome) {
        let node = NodeNumber::from_index(index);
        let Outcome::Unreferenced(Ok(mut garbage)) = outcome else {
            // The catalog is asked again later; if it keeps failing, the next start sweeps.
            self.owed.postpone(index, self.now());
            return self.record_owed_timeout();
        };
        let free: BTreeSet<SegmentId> = garbage.remove(&node).unwrap_or_default().into_iter().collect();
        let debt = &mut self.owed.0[index];
        let Stage::Checking(mut batch) = std::mem::take(&mut debt.stage) else { return };
        // Segments that a file references or that an upload stores again are no longer owed.
        let is_owed = |id: &SegmentId| free.contains(id) && !self.space.is_pinned(node, *id);
        batch.iter().filter(|id| !is_owed(id)).for_each(|id| {
            debt.ids.remove(id);
        });
        batch.retain(is_owed);
        if batch.is_empty() {
            return self.begin_owed(index);
        }
        debt.stage = Stage::Asked(batch.clone());
        self.ask(node, Owner::OwedDeletions, &Request::Delete, ids_payload(&batch));
    }

    /// Handles the answer of a node, or the failure to reach it.
    pub(super) fn handle_owed_answer(&mut self, node: NodeNumber, is_done: bool) {
        let now = self.now();
        let debt = &mut self.owed.0[node.index()];
        let Stage::Asked(batch) = std::mem::take(&mut debt.stage) else { return };
        if !is_done {
            self.owed.postpone(node.index(), now);
            return self.record_owed_timeout();
        }
        debt.failed = 0;
        batch.iter().for_each(|id| {
            debt.ids.remove(id);
        });
        self.emit(Event::OwedDeleted { node, segments: batch.len() as u64 });
        self.begin_owed(node.index());
    }
}
