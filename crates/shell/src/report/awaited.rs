//! What a transfer of a snapshot waits for and how long it takes yet, in the same words wherever it is shown: in lists, in the rows of bars,
//! and on the screen. What is broken on purpose counts from the moment at which it is, before the transfer is known to wait for it.

use std::collections::BTreeSet;

use p2p_base::units::SimTime;
use p2p_engine::Snapshot;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Awaited, Direction, Remaining, SegmentTimeline, TransferReport, TransferStatus};
use p2p_store::manifest::NodeNumber;
use unicode_width::UnicodeWidthStr;

use super::hindrances::{is_only_slowed, why_hindered};
use super::tables::transfer_time_within;
use super::waits::{FOR, absence_of, behind_waits, slowed_by, waits_for_within};

/// Returns why a host waits for an answer of a node, and since when: why the node is `awaited`, if it is, or else what is broken on purpose
/// between them; empty if nothing is.
pub fn why_waited(snapshot: &Snapshot, awaited: Option<&Awaited>, (host, node): (Peer, NodeNumber)) -> String {
    awaited.map_or_else(|| why_hindered(snapshot, host, node), |awaited| absence_of(awaited, snapshot.at))
}

/// Returns true if a transfer still moves its segments: it is not over and has not given them up.
pub fn moves_segments(status: &TransferStatus) -> bool {
    !status.state.is_over() && status.given_up_from.is_none()
}

/// Returns for which nodes a transfer waits because they are out of reach or broken on purpose, as in `waits for Node_03, killed 00:12 ago`,
/// with the time after which others replace these; or behind which transfer it waits; and by which it is slowed, as in `slowed by Node_01, link 8.0 KiB/s 00:05 ago`, since these may deliver. Each wording is shorter than the one before; there is none if nothing keeps it.
pub fn waits_of(snapshot: &Snapshot, report: &TransferReport) -> Vec<String> {
    let (status, awaited) = (&report.status, &report.status.awaited);
    if !moves_segments(status) {
        return Vec::new();
    }
    if awaited.is_empty() && snapshot.faults.is_empty() {
        return behind_of(snapshot, report).into_iter().collect();
    }
    let open = open_of(report).map(|timeline| timeline.holder);
    let nodes: BTreeSet<NodeNumber> = open.chain(awaited.iter().map(|awaited| awaited.node)).collect();
    let why = |node: NodeNumber| why_waited(snapshot, awaited.iter().find(|awaited| awaited.node == node), (status.host, node));
    let kept_by = nodes.into_iter().map(|node| (node, why(node))).filter(|(_, why)| !why.is_empty());
    let is_slow =
        |node: NodeNumber| awaited.iter().all(|awaited| awaited.node != node) && is_only_slowed(snapshot, status.host, node);
    let (slow, kept): (Vec<_>, Vec<_>) = kept_by.partition(|(node, _)| is_slow(*node));
    let waits = waits_for_within(kept, (&status.replaced, status.goes_on_without()), snapshot.at);
    let waits = behind_waits(waits, slowed_by(&slow));
    if waits.is_empty() { behind_of(snapshot, report).into_iter().collect() } else { waits }
}

/// Returns the segments of a transfer that are not done.
fn open_of(report: &TransferReport) -> impl Iterator<Item = &SegmentTimeline> {
    report.timelines.iter().filter(|line| line.acknowledged.is_none())
}

/// Returns behind which transfer an upload waits on the connection to a node, as in `behind #3 on Node_01`, where none of its segments is being
/// sent: segments pass a connection in the order in which they were handed to it, whichever upload they are of.
fn behind_of(snapshot: &Snapshot, report: &TransferReport) -> Option<String> {
    let is_upload = |report: &TransferReport| report.status.direction == Direction::Upload;
    if !is_upload(report) || open_of(report).any(|line| line.first_byte.is_some()) {
        return None;
    }
    let first = open_of(report).min_by_key(|line| line.queued)?;
    let is_ahead = |line: &SegmentTimeline| {
        line.holder == first.holder && line.last_byte.is_none() && (line.first_byte.is_some() || line.queued < first.queued)
    };
    let others = snapshot
        .transfers
        .iter()
        .filter(|other| other.status.id != report.status.id && is_upload(other) && other.status.host == report.status.host);
    let ahead = others.filter(|other| moves_segments(&other.status)).filter_map(|other| {
        let line = open_of(other).filter(|line| is_ahead(line)).min_by_key(|line| (line.first_byte.is_none(), line.queued))?;
        Some((line.first_byte.is_none(), line.queued, other.status.id))
    });
    ahead.min().map(|(_, _, id)| format!("behind {id} on {}", first.holder))
}

/// Formats the time of a transfer in at most `width` columns, as far as there is a wording that is short enough: for which nodes it waits,
/// in the [wordings](waits_of) of that, instead of that it is stalled, and behind an estimate.
pub fn time_waiting(status: &TransferStatus, now: SimTime, waits: &[String], width: usize) -> String {
    let time = transfer_time_within(status, now, width);
    let told: Vec<String> = match status.eta {
        // What is behind others at a node out of reach waits for the node, and not for them.
        Remaining::OutOfReach
        | Remaining::Stalled
        | Remaining::SilentHolder { .. }
        | Remaining::Overdue
        | Remaining::TooEarly
        | Remaining::UnknownSize
        | Remaining::Behind => waits.to_vec(),
        // The shortest wording has no verb, and would read as nothing behind an estimate.
        Remaining::Estimated { .. } => {
            let told = waits.iter().filter(|waits| !waits.starts_with(FOR)).map(|waits| format!("{time}, {waits}"));
            told.chain([time.clone()]).collect()
        }
        Remaining::NotRunning | Remaining::Deleting { .. } => Vec::new(),
    };
    told.iter().find(|text| text.width() <= width).or(told.last()).cloned().unwrap_or(time)
}

/// Formats the time of a transfer of a snapshot in at most `width` columns, as [`time_waiting`] does: the same words wherever a transfer is
/// shown.
pub fn time_of_transfer(snapshot: &Snapshot, report: &TransferReport, width: usize) -> String {
    time_waiting(&report.status, snapshot.at, &waits_of(snapshot, report), width)
}
