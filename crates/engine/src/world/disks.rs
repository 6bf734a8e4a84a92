//! Faults of the nodes' disks: what is put on and taken back, and told of.

use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;

use crate::faults::{DiskFaults, Fault, FaultCause, Target};

use super::World;

impl World {
    /// Puts further faults of a node's disk on, and returns the segments that are corrupt from now on.
    pub(crate) fn break_disk(&mut self, node: NodeNumber, faults: DiskFaults, cause: FaultCause) -> Vec<SegmentId> {
        let entry = &mut self.nodes[node.index()];
        let corrupt = entry.break_disk(faults);
        let faults = entry.disk_faults();
        // A disk without segments is not made corrupt.
        if !faults.is_none() {
            self.begin_fault(Fault::Disk { node, faults, is_counted: true }, cause);
        }
        corrupt
    }

    /// Follows what has healed by itself of a node's disk: the fault ends when nothing is left of it, and is less otherwise.
    pub(super) fn follow_disk(&mut self, node: NodeNumber) {
        let faults = self.nodes[node.index()].disk_faults();
        match faults.is_none() {
            true => self.end_fault(Target::Disk(node), FaultCause::Over),
            false => self.faults.replace(Fault::Disk { node, faults, is_counted: true }),
        }
    }

    /// Makes the disk of a node sound.
    pub(crate) fn mend_disk(&mut self, node: NodeNumber, cause: FaultCause) {
        self.nodes[node.index()].mend_disk();
        self.end_fault(Target::Disk(node), cause);
    }
}
