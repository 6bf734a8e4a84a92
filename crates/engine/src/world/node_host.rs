//! Node with what it needs of its host: the disk, what is wrong with it, and the time that it takes.

use std::sync::Arc;

use p2p_base::random::RandomStream;
use p2p_base::units::SimTime;
use p2p_store::disk::{Disk, DiskError};
use p2p_store::disk_op::{DiskOp, DiskOutcome};
use p2p_store::segment::SegmentId;

use crate::disk_model::DiskModel;
use crate::faults::DiskFaults;
use crate::faulty_disk::{self, DiskDefects};
use crate::node::{DiskJob, Node};

/// Node with its disk.
#[derive(Debug)]
pub(crate) struct NodeHost {
    pub(crate) node: Node,
    pub(super) disk: Arc<dyn Disk>,
    model: DiskModel,
    defects: DiskDefects,
    /// Chance that chooses the segments that are to be corrupt.
    corruptions: RandomStream,
}

impl NodeHost {
    /// Makes the host of a node in a run with `seed`.
    pub(crate) fn new(seed: u64, node: Node, disk: Arc<dyn Disk>, model: DiskModel) -> NodeHost {
        let corruptions = RandomStream::new(seed, &format!("corrupt segments of {}", node.number()));
        NodeHost { node, disk, model, defects: DiskDefects::default(), corruptions }
    }

    /// Returns the disk; its operations block.
    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Returns what is wrong with the disk.
    pub(super) fn disk_faults(&self) -> DiskFaults {
        self.defects.faults()
    }

    /// Returns true if a fault leaves no room on the disk.
    pub(super) const fn has_full_disk(&self) -> bool {
        self.defects.is_full()
    }

    /// Returns true if a fault corrupts a segment.
    pub(super) fn is_corrupt(&self, id: SegmentId) -> bool {
        self.defects.is_corrupt(id)
    }

    /// Corrupts so many of the segments that are sound, for a profile or for a command, and returns them.
    pub(super) fn corrupt(&mut self, count: u32, profile: Option<&str>) -> Vec<SegmentId> {
        if count == 0 {
            return Vec::new();
        }
        let sound = self.node.segments().filter(|&id| !self.defects.is_corrupt(id));
        let chosen = faulty_disk::choose(&mut self.corruptions, sound, count);
        self.defects.corrupt(&chosen, profile);
        chosen.into_iter().map(|(id, _)| id).collect()
    }

    /// Heals all corrupt segments, or those that a profile has corrupted.
    pub(super) fn heal(&mut self, profile: Option<&str>) {
        self.defects.heal_of(profile);
    }

    /// Sets the faults of the disk, but for the segments that are corrupt.
    pub(super) fn set_disk_faults(&mut self, faults: DiskFaults) {
        self.defects.set(faults);
    }

    /// Returns the disk for an operation that is given to it now, and the instant at which it has done that.
    pub(super) fn begin(&mut self, now: SimTime, job: DiskJob, op: &DiskOp) -> (SimTime, Arc<dyn Disk>) {
        let bytes = match op {
            DiskOp::Read { id } => self.node.len_of(*id).unwrap_or(0),
            op => op.bytes(),
        };
        self.defects.note(job, op);
        (self.model.schedule(now, bytes, self.defects.slowdown()), self.defects.layer(&self.disk))
    }

    /// Notes the outcome of an operation. Returns true if it has undone all that was wrong with the disk.
    pub(super) fn end(&mut self, job: DiskJob, outcome: &Result<DiskOutcome, DiskError>) -> bool {
        self.defects.heal(job, outcome)
    }
}
