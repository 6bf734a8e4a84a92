//! The nodes for which a transfer waits because they are out of reach or broken on purpose, in the same words wherever they are told: in the
//! row of the transfer, and below its segments.

use std::collections::BTreeSet;

use p2p_engine::transfer::{Awaited, Remaining, TransferReport, TransferStatus};
use p2p_shell::report::{absence_of, transfer_time_within, waits_for_within};
use p2p_store::manifest::NodeNumber;
use unicode_width::UnicodeWidthStr;

use super::broken::Broken;
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

/// Returns why an answer of a node is waited for, and since when: why the node is `awaited`, if it is, or else what is broken on purpose
/// between it and the client; empty if nothing is.
pub fn why_of(scene: &Scene<'_>, awaited: Option<&Awaited>, node: NodeNumber) -> String {
    let broken = || Broken::of(scene.snapshot).why_of(node);
    awaited.map_or_else(broken, |awaited| absence_of(awaited, scene.snapshot.at))
}

/// Returns for which nodes a transfer waits, as in `waits for Node_03, killed 00:12 ago`, in each wording that is shorter than the one before;
/// none if nothing keeps it.
pub(super) fn wordings(scene: &Scene<'_>, report: &TransferReport) -> Vec<String> {
    let awaited = &report.status.awaited;
    if !is_under_way(&report.status) || (awaited.is_empty() && scene.snapshot.faults.is_empty()) {
        return Vec::new();
    }
    let open = report.timelines.iter().filter(|timeline| timeline.acknowledged.is_none()).map(|timeline| timeline.holder);
    let nodes: BTreeSet<NodeNumber> = open.chain(awaited.iter().map(|awaited| awaited.node)).collect();
    let why = |node: NodeNumber| why_of(scene, awaited.iter().find(|awaited| awaited.node == node), node);
    waits_for_within(nodes.into_iter().map(|node| (node, why(node))).filter(|(_, why)| !why.is_empty()))
}

/// Returns the time of a transfer in at most `width` cells, as far as there is a wording that is short enough: for which nodes it waits, in
/// the [wordings] of that, instead of that it is stalled, and behind an estimate.
pub(super) fn time_within(scene: &Scene<'_>, status: &TransferStatus, waits: &[String], width: usize) -> String {
    let time = transfer_time_within(status, scene.snapshot.at, width);
    let told: Vec<String> = match status.eta {
        // What is behind others at a node out of reach waits for the node, and not for them.
        Remaining::OutOfReach | Remaining::Stalled | Remaining::TooEarly | Remaining::UnknownSize | Remaining::Behind => {
            waits.to_vec()
        }
        Remaining::Estimated { .. } => waits.iter().map(|waits| format!("{time}, {waits}")).chain([time.clone()]).collect(),
        Remaining::NotRunning | Remaining::Deleting { .. } => Vec::new(),
    };
    told.iter().find(|text| text.width() <= width).or(told.last()).cloned().unwrap_or(time)
}
