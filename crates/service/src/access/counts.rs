//! Counts: what the program counts of its network, for programs that watch it. No number names a user or a file; how full nodes are is
//! told to those alone who may see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use p2p_base::units::SimTime;
use p2p_engine::pace::PaceStatus;
use p2p_engine::policy;
use p2p_engine::snapshot::{Ended, Figures, NodeStatus, StorageStats};
use p2p_engine::transfer::{Direction, TransferState};

use super::Access;

/// Counts of the program at one virtual instant.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Virtual instant of the snapshot.
    pub at: SimTime,
    /// Pace of virtual time.
    pub pace: PaceStatus,
    /// Transfers that are under way, by kind and state.
    pub under_way: BTreeMap<(&'static str, &'static str), u64>,
    /// Transfers that are over since the start.
    pub ended: Ended,
    /// Faults that are on, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Figures of the network.
    pub figures: Arc<Figures>,
    /// Status of the nodes, as the caller may see them.
    pub nodes: Vec<NodeStatus>,
    /// Totals of what is stored; `None` for whom may not see them.
    pub storage: Option<StorageStats>,
}

/// States of transfers that are under way.
pub const STATES: [TransferState; 6] = [
    TransferState::Running,
    TransferState::Waiting,
    TransferState::Idle,
    TransferState::Committing,
    TransferState::Parking,
    TransferState::Undoing,
];
/// Kinds of transfers.
pub const KINDS: [Direction; 3] = [Direction::Upload, Direction::Download, Direction::Removal];

impl Access {
    /// Returns what the program counts, of all users together.
    pub fn counts(&self) -> Counts {
        let (snapshot, principal) = (Arc::clone(&self.engine.snapshots().borrow()), self.identity().principal());
        let mut under_way: BTreeMap<_, u64> = BTreeMap::new();
        for kind in KINDS {
            under_way.extend(STATES.map(|state| ((kind.name(), state.name()), 0)));
        }
        let mut ended = snapshot.earlier();
        for status in snapshot.transfers.iter().map(|report| &report.status) {
            match status.state.is_over() {
                true => ended.count(status.state),
                false => *under_way.entry((status.direction.name(), status.state.name())).or_default() += 1,
            }
        }
        let mut faults: BTreeMap<_, u64> = BTreeMap::new();
        snapshot.faults.iter().for_each(|active| *faults.entry(active.fault.name()).or_default() += 1);
        let nodes = snapshot.figures.nodes.iter().cloned().map(|node| policy::known_of_node(&principal, node)).collect();
        Counts {
            at: snapshot.at,
            pace: snapshot.pace,
            under_way,
            ended,
            faults,
            nodes,
            storage: policy::may_see_usage(&principal).then_some(snapshot.figures.storage),
            figures: Arc::clone(&snapshot.figures),
        }
    }
}
