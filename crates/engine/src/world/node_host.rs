//! Node with what it needs of its host: the disk, and the time that the disk takes.

use std::sync::Arc;

use p2p_base::units::SimTime;
use p2p_store::disk::Disk;
use p2p_store::disk_op::DiskOp;

use crate::disk_model::DiskModel;
use crate::node::Node;

/// Node with its disk.
#[derive(Debug)]
pub(crate) struct NodeHost {
    pub(crate) node: Node,
    pub(super) disk: Arc<dyn Disk>,
    model: DiskModel,
}

impl NodeHost {
    pub(crate) fn new(node: Node, disk: Arc<dyn Disk>, model: DiskModel) -> NodeHost {
        NodeHost { node, disk, model }
    }

    /// Returns the disk; its operations block.
    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Returns the instant at which the disk has done an operation that is given to it now.
    pub(super) fn done_at(&mut self, now: SimTime, op: &DiskOp) -> SimTime {
        let bytes = match op {
            DiskOp::Read { id } => self.node.len_of(*id).unwrap_or(0),
            op => op.bytes(),
        };
        self.model.schedule(now, bytes)
    }
}
