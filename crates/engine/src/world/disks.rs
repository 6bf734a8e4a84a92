//! Faults of the nodes' disks: what is put on and taken back, and told of.

use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;

use crate::faults::{DiskFaults, Fault, FaultCause, Target};

use super::World;

impl World {
    /// Puts further faults of a node's disk on, and returns the segments that are corrupt from now on.
    pub(crate) fn break_disk(&mut self, node: NodeNumber, faults: DiskFaults, cause: FaultCause) -> Vec<SegmentId> {
        let corrupt = self.nodes[node.index()].corrupt(faults.corrupt, cause.profile());
        let faults = DiskFaults { corrupt: corrupt.len() as u32, ..faults };
        // A disk without segments is not made corrupt.
        if !faults.is_none() {
            self.add_fault(Fault::Disk { node, faults, is_counted: true }, cause);
        }
        corrupt
    }

    /// Makes the disk of a node follow its faults that are on.
    pub(super) fn set_disk(&mut self, node: NodeNumber) {
        let faults = self.faults.disk_faults(node);
        self.nodes[node.index()].set_disk_faults(faults);
        self.count_corrupt(node);
    }

    /// Notes how many segments of a node are corrupt now.
    fn count_corrupt(&mut self, node: NodeNumber) {
        let faults = self.nodes[node.index()].disk_faults();
        self.faults.replace(Fault::Disk { node, faults, is_counted: true });
    }

    /// Follows what has healed by itself of a node's disk: the fault ends when nothing is left of it, and is less otherwise.
    pub(super) fn follow_disk(&mut self, node: NodeNumber) {
        if self.nodes[node.index()].disk_faults().changes_nothing() {
            self.end_fault(Target::Disk(node), FaultCause::Over);
        } else {
            self.count_corrupt(node);
        }
    }
}
