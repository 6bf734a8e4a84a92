//! The transfers that wait for a node, as the dialog of a connection asks for them.

use p2p_engine::transfer::TransferReport;
use p2p_shell::report::moves_segments;
use p2p_store::manifest::NodeNumber;

/// Returns true if a transfer that is under way cannot be completed before a node answers, or has segments under way there.
pub fn waits_for_node(report: &TransferReport, node: NodeNumber) -> bool {
    let is_open = || report.timelines.iter().any(|timeline| timeline.acknowledged.is_none() && timeline.holder == node);
    moves_segments(&report.status) && (report.status.awaited.iter().any(|awaited| awaited.node == node) || is_open())
}
