//! The nodes for which a transfer waits because they are out of reach or broken on purpose, as a frame asks for them: in the row of the
//! transfer, below its segments and in the dialog of a connection. The words are those of reports.

use p2p_engine::transfer::{Awaited, TransferReport, TransferStatus};
use p2p_shell::report::{time_waiting, waits_of, why_waited};
use p2p_store::manifest::NodeNumber;

use super::scene::Scene;

/// Returns true if a transfer still moves its segments: it is not over and has not given them up.
pub(super) fn is_under_way(status: &TransferStatus) -> bool {
    !status.state.is_over() && status.given_up_from.is_none()
}

/// Returns true if a transfer that is under way cannot be completed before a node answers, or has segments under way there.
pub fn waits_for_node(report: &TransferReport, node: NodeNumber) -> bool {
    let is_open = || report.timelines.iter().any(|timeline| timeline.acknowledged.is_none() && timeline.holder == node);
    is_under_way(&report.status) && (report.status.awaited.iter().any(|awaited| awaited.node == node) || is_open())
}

/// Returns why an answer of a node is waited for, as [`why_waited`] does.
pub fn why_of(scene: &Scene<'_>, awaited: Option<&Awaited>, node: NodeNumber) -> String {
    why_waited(scene.snapshot, awaited, node)
}

/// Returns for which nodes a transfer waits, as [`waits_of`] does.
pub(super) fn wordings(scene: &Scene<'_>, report: &TransferReport) -> Vec<String> {
    waits_of(scene.snapshot, report)
}

/// Returns the time of a transfer in at most `width` cells, as [`time_waiting`] does.
pub(super) fn time_within(scene: &Scene<'_>, status: &TransferStatus, waits: &[String], width: usize) -> String {
    time_waiting(status, scene.snapshot.at, waits, width)
}
