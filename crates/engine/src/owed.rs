//! Owed deletions: unreferenced segments on nodes that could not be told to delete them.
//!
//! A finished upload or removal does not wait for a node that is unreachable. The segments that the node has to delete are kept
//! here and sent when the node is reachable again: when a connection to it opens, when probes find it alive again, and otherwise at
//! growing intervals. Before each attempt the catalog is asked again, since a new file may reference such a segment by then. Deletions
//! still owed when the process ends are carried out by the sweep at the next start.
//!
//! A machine: it takes what has happened, and [`poll_output`](OwedDeletions::poll_output) says what is to be done; call it after
//! every other method but [`count`](OwedDeletions::count). Answers that nothing was asked for are harmless.

use std::collections::{BTreeSet, VecDeque};

use p2p_base::units::{SimDuration, SimTime};
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;

use crate::event::Event;
use crate::node::protocol::IDS_MAX;

#[cfg(test)]
mod tests;

/// Delay of the first retry; it doubles with each failed attempt, [`RETRY_DOUBLINGS_MAX`] times at most.
const RETRY_FIRST: SimDuration = SimDuration::from_secs(30);
const RETRY_DOUBLINGS_MAX: u32 = 5;

/// Request of the machine to its surroundings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OwedOutput {
    /// The catalog is to say which of these segments of a node are unreferenced: [`OwedDeletions::handle_checked`].
    Check { node: NodeNumber, ids: Vec<SegmentId> },
    /// The node is to be asked to delete these segments: [`OwedDeletions::handle_answer`].
    Ask { node: NodeNumber, ids: Vec<SegmentId> },
    /// The event is to be published.
    Emit(Event),
}

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
pub(crate) struct OwedDeletions {
    debts: Vec<Debt>,
    outputs: VecDeque<OwedOutput>,
}

impl Debt {
    /// Begins an attempt, unless one is under way: the catalog is to be asked which of the segments are still unreferenced.
    fn begin(&mut self, node: NodeNumber) -> Option<OwedOutput> {
        self.retry_at = None;
        if self.ids.is_empty() || !matches!(self.stage, Stage::Idle) {
            return None;
        }
        let ids: Vec<SegmentId> = self.ids.iter().copied().take(IDS_MAX).collect();
        self.stage = Stage::Checking(ids.clone());
        Some(OwedOutput::Check { node, ids })
    }

    /// Schedules the next attempt after a failed one.
    fn postpone(&mut self, now: SimTime) {
        let wait = RETRY_FIRST * (1 << self.failed.min(RETRY_DOUBLINGS_MAX));
        self.failed = self.failed.saturating_add(1);
        self.retry_at = Some(now + wait);
    }
}

impl OwedDeletions {
    pub(crate) fn new(nodes: usize) -> OwedDeletions {
        OwedDeletions { debts: (0..nodes).map(|_| Debt::default()).collect(), outputs: VecDeque::new() }
    }

    /// Returns the number of segments that are still to be deleted on all nodes together.
    pub(crate) fn count(&self) -> u64 {
        self.debts.iter().map(|debt| debt.ids.len() as u64).sum()
    }

    /// Returns the next output.
    pub(crate) fn poll_output(&mut self) -> Option<OwedOutput> {
        self.outputs.pop_front()
    }

    /// Returns the instant of the next retry.
    pub(crate) fn next_timeout(&self) -> Option<SimTime> {
        self.debts.iter().filter_map(|debt| debt.retry_at).min()
    }

    /// Begins the retries that are due. Those of nodes that are not `reachable` are postponed.
    pub(crate) fn handle_timeout(&mut self, now: SimTime, reachable: impl Fn(NodeNumber) -> bool) {
        for (index, debt) in self.debts.iter_mut().enumerate() {
            if debt.retry_at.is_none_or(|at| at > now) {
                continue;
            }
            let node = NodeNumber::from_index(index);
            // The end of an attempt that is under way decides when there is another one.
            if matches!(debt.stage, Stage::Idle) && !reachable(node) {
                debt.postpone(now);
            } else {
                self.outputs.extend(debt.begin(node));
            }
        }
    }

    /// Takes in segments that a node has to delete, unless a file needs them by the time it is asked.
    pub(crate) fn handle_owed(
        &mut self,
        now: SimTime,
        node: NodeNumber,
        ids: impl IntoIterator<Item = SegmentId>,
        is_connected: bool,
    ) {
        let Some(debt) = self.debts.get_mut(node.index()) else { return };
        let before = debt.ids.len();
        debt.ids.extend(ids);
        let added = debt.ids.len() - before;
        if added == 0 {
            return;
        }
        debt.retry_at.get_or_insert(now + RETRY_FIRST);
        self.outputs.push_back(OwedOutput::Emit(Event::DeletionsOwed { node, segments: added as u64 }));
        if is_connected {
            self.outputs.extend(debt.begin(node));
        }
    }

    /// Takes in that a node has become reachable, and begins an attempt.
    pub(crate) fn handle_reachable(&mut self, node: NodeNumber) {
        if let Some(debt) = self.debts.get_mut(node.index()) {
            debt.failed = 0;
            self.outputs.extend(debt.begin(node));
        }
    }

    /// Takes in which segments of a check may be deleted; `None` if the catalog did not tell. The others are no longer owed: a
    /// file references them, or an upload stores them again.
    pub(crate) fn handle_checked(&mut self, now: SimTime, node: NodeNumber, free: Option<&BTreeSet<SegmentId>>) {
        let Some(debt) = self.debts.get_mut(node.index()) else { return };
        let Stage::Checking(batch) = &debt.stage else { return };
        let batch = batch.clone();
        debt.stage = Stage::Idle;
        let Some(free) = free else {
            // The catalog is asked again later; if it keeps failing, the next start sweeps.
            return debt.postpone(now);
        };
        let (ids, needed): (Vec<_>, Vec<_>) = batch.into_iter().partition(|id| free.contains(id));
        for id in &needed {
            debt.ids.remove(id);
        }
        if ids.is_empty() {
            return self.outputs.extend(debt.begin(node));
        }
        debt.stage = Stage::Asked(ids.clone());
        self.outputs.push_back(OwedOutput::Ask { node, ids });
    }

    /// Takes in the answer of a node: `is_done` if it has deleted what it was asked to, false if it has not or was not reached.
    pub(crate) fn handle_answer(&mut self, now: SimTime, node: NodeNumber, is_done: bool) {
        let Some(debt) = self.debts.get_mut(node.index()) else { return };
        let Stage::Asked(batch) = &debt.stage else { return };
        let batch = batch.clone();
        debt.stage = Stage::Idle;
        if !is_done {
            return debt.postpone(now);
        }
        debt.failed = 0;
        for id in &batch {
            debt.ids.remove(id);
        }
        self.outputs.push_back(OwedOutput::Emit(Event::OwedDeleted { node, segments: batch.len() as u64 }));
        self.outputs.extend(debt.begin(node));
    }
}
