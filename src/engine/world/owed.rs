//! Deletions owed: segments that no file needs on nodes that could not be told to delete them.
//!
//! An upload or a removal that is over does not wait for a node that is away. What the node is to delete is kept here, and sent
//! when it is next reachable: when a connection to it opens, when probes find it alive again, and otherwise now and then. Before
//! each attempt the catalog is asked again, since a file may have come to need such a segment. A start sweeps what is still owed
//! when the process ends. Knows nothing of the transfers that it comes from.

use std::collections::BTreeSet;

use crate::engine::client::Owner;
use crate::engine::event::Event;
use crate::engine::io::{Lane, Outcome};
use crate::engine::transfer::Input;
use crate::node::protocol::{IDS_MAX, Request, Response, ids_payload};
use crate::storage::catalog::Garbage;
use crate::storage::manifest::NodeNumber;
use crate::storage::segment::SegmentId;
use crate::storage::standing::Trouble;
use crate::units::{SimDuration, SimTime};

use super::{Due, World};

/// How long after a failed attempt the next one comes; it doubles with each that fails, up to the longest.
const RETRY_FIRST: SimDuration = SimDuration::from_secs(30);
const RETRY_DOUBLINGS_MAX: u32 = 5;

/// What one node is to delete.
#[derive(Debug, Default)]
struct Debt {
    ids: BTreeSet<SegmentId>,
    stage: Stage,
    /// Attempts in a row that failed.
    failed: u32,
    retry_at: Option<SimTime>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    /// The catalog is asked which of these may go.
    Checking(Vec<SegmentId>),
    /// The node is asked to delete these.
    Asked(Vec<SegmentId>),
}

/// What the nodes are to delete, by node.
#[derive(Debug)]
pub(in crate::engine) struct OwedDeletions(Vec<Debt>);

impl OwedDeletions {
    pub(in crate::engine) fn new(nodes: usize) -> OwedDeletions {
        OwedDeletions((0..nodes).map(|_| Debt::default()).collect())
    }

    /// Segments that are still to be deleted, on all nodes together.
    pub(in crate::engine) fn count(&self) -> u64 {
        self.0.iter().map(|debt| debt.ids.len() as u64).sum()
    }

    /// When to try again next.
    pub(super) fn next_timeout(&self) -> Option<SimTime> {
        self.0.iter().filter_map(|debt| debt.retry_at).min()
    }

    /// The first node whose next attempt is due.
    fn due(&self, now: SimTime) -> Option<usize> {
        self.0.iter().position(|debt| debt.retry_at.is_some_and(|at| at <= now))
    }

    /// An attempt has failed: the next one comes later.
    fn postpone(&mut self, index: usize, now: SimTime) {
        let debt = &mut self.0[index];
        debt.stage = Stage::Idle;
        let wait = RETRY_FIRST * (1 << debt.failed.min(RETRY_DOUBLINGS_MAX));
        debt.failed += 1;
        debt.retry_at = Some(now + wait);
    }
}

impl World {
    /// Notes that a node is to delete segments, unless a file needs them when it is reached.
    pub(in crate::engine) fn owe(&mut self, node: NodeNumber, ids: impl IntoIterator<Item = SegmentId>) {
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
        if self.client.is_connected(node) {
            self.begin_owed(node.index());
        }
        self.note_owed_timeout();
    }

    /// Whether a node can owe deletions: `p2p orphans` is for what is on a volume that is another's.
    pub(in crate::engine) fn may_owe(&self, node: NodeNumber) -> bool {
        let entry = self.nodes.get(node.index());
        entry.is_some_and(|entry| !entry.node.trouble().is_some_and(Trouble::is_anothers))
    }

    /// Whether a node can be asked to delete something now.
    pub(in crate::engine) fn can_delete(&self, node: NodeNumber) -> bool {
        let refuses = |trouble: &Trouble| !trouble.allows_deletion();
        !self.is_dead(node) && !self.nodes[node.index()].node.trouble().is_some_and(refuses)
    }

    /// A node can be reached: what it owes is asked for.
    pub(super) fn collect_from(&mut self, node: NodeNumber) {
        if let Some(debt) = self.owed.0.get_mut(node.index()) {
            debt.failed = 0;
            self.begin_owed(node.index());
            self.note_owed_timeout();
        }
    }

    /// Attempts whose time has come.
    pub(super) fn handle_owed_timeout(&mut self) {
        let now = self.now();
        while let Some(index) = self.owed.due(now) {
            if !self.can_delete(NodeNumber::from_index(index)) {
                self.owed.postpone(index, now);
            } else {
                self.begin_owed(index);
            }
        }
        self.note_owed_timeout();
    }

    fn note_owed_timeout(&mut self) {
        self.timetable.set(super::wiring::OWED, self.owed.next_timeout());
    }

    /// Asks the catalog what of a node's debt may go.
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
        let catalog = std::sync::Arc::clone(&self.catalog);
        let at = self.now() + self.config.disk.service_time;
        let work = Box::new(move || Outcome::Unreferenced(catalog.unreferenced(candidates)));
        self.submit_for(at, Due::Owed(index), Lane::Catalog, work);
    }

    /// The catalog has said what may go.
    pub(in crate::engine) fn handle_owed_check(&mut self, index: usize, outcome: Outcome) {
        let node = NodeNumber::from_index(index);
        let Outcome::Unreferenced(Ok(mut garbage)) = outcome else {
            // The catalog is asked again; where it can tell nothing any more, the next start sweeps.
            self.owed.postpone(index, self.now());
            return self.note_owed_timeout();
        };
        let free: BTreeSet<SegmentId> = garbage.remove(&node).unwrap_or_default().into_iter().collect();
        let debt = &mut self.owed.0[index];
        let Stage::Checking(mut batch) = std::mem::take(&mut debt.stage) else { return };
        // One that a file needs, or that an upload brings anew, is owed no longer.
        let is_owed = |id: &SegmentId| free.contains(id) && !self.held.contains_key(&(node, *id));
        batch.iter().filter(|id| !is_owed(id)).for_each(|id| {
            debt.ids.remove(id);
        });
        batch.retain(is_owed);
        if batch.is_empty() {
            return self.begin_owed(index);
        }
        debt.stage = Stage::Asked(batch.clone());
        self.ask_for(node, (Owner::OwedDeletions, None), &Request::Delete, ids_payload(&batch));
    }

    /// A node has answered, or cannot be reached.
    pub(super) fn handle_owed_answer(&mut self, input: Input) {
        let (node, is_done) = match input {
            Input::Answered { node, response, .. } => (node, matches!(response, Response::Deleted)),
            Input::Unreachable { node, .. } => (node, false),
            _ => return,
        };
        let now = self.now();
        let debt = &mut self.owed.0[node.index()];
        let Stage::Asked(batch) = std::mem::take(&mut debt.stage) else { return };
        if !is_done {
            self.owed.postpone(node.index(), now);
            return self.note_owed_timeout();
        }
        debt.failed = 0;
        batch.iter().for_each(|id| {
            debt.ids.remove(id);
        });
        self.emit(Event::OwedDeleted { node, segments: batch.len() as u64 });
        self.begin_owed(node.index());
    }
}
