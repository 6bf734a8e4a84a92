//! What is broken on purpose where a host may wait for it, in words: at a host, and on the paths between a node and the host that asks it.

use p2p_engine::Snapshot;
use p2p_engine::faults::{ActiveFault, DiskFaults, Fault, Target};
use p2p_engine::snapshot::Peer;
use p2p_net::Direction;
use p2p_store::manifest::NodeNumber;

use super::faults::ToldFault;
use super::waits::past_of;

/// Returns the faults of a host's process, disk and links, and of all its paths together.
pub fn faults_of_host(snapshot: &Snapshot, peer: Peer) -> impl Iterator<Item = &ActiveFault> {
    let of_node = |node: NodeNumber| [Target::Process(node), Target::Flap(node), Target::Disk(node)];
    let node = match peer {
        Peer::Node(node) => Some(of_node(node)),
        Peer::Client => None,
    };
    let wires = [Target::Link(peer, Direction::Up), Target::Link(peer, Direction::Down), Target::Paths(peer)];
    node.into_iter().flatten().chain(wires).filter_map(move |target| snapshot.fault(target))
}

/// Returns the faults because of which a host may wait for a node: those of the node, and of the paths between them.
fn between(snapshot: &Snapshot, host: Peer, node: NodeNumber) -> impl Iterator<Item = &ActiveFault> {
    let peer = Peer::Node(node);
    let ways = [(host, peer), (peer, host)];
    let single = ways.into_iter().flat_map(|(from, to)| [Target::Cut(from, to), Target::Path(from, to)]);
    faults_of_host(snapshot, peer).chain(single.filter_map(move |target| snapshot.fault(target)))
}

/// Returns true if all that is broken between a host and a node lets packets pass: the node may deliver, only slower.
pub(super) fn is_only_slowed(snapshot: &Snapshot, host: Peer, node: NodeNumber) -> bool {
    between(snapshot, host, node).all(|active| match &active.fault {
        Fault::Link { .. } | Fault::Paths { .. } | Fault::Path { .. } => true,
        Fault::Disk { faults, .. } => DiskFaults { slow: None, ..*faults }.is_none(),
        Fault::Killed { .. }
        | Fault::Stopping { .. }
        | Fault::Stopped { .. }
        | Fault::Refusing { .. }
        | Fault::Flapping { .. }
        | Fault::Cut { .. } => false,
    })
}

/// Returns what a fault is, without the name of what it concerns, as in `killed` or `loss 10%`.
pub fn fault_in_short(active: &ActiveFault) -> String {
    let (whole, target) = (active.fault.to_string(), active.fault.target());
    let after = |verb: &str| whole.strip_prefix(&format!("{target} {verb} "));
    let what = after("is").or_else(|| after("has")).or_else(|| after("have")).unwrap_or(&whole);
    match target {
        Target::Flap(_) => "flapping".to_owned(),
        Target::Disk(_) => format!("disk {what}"),
        Target::Link(_, Direction::Up) => format!("uplink {what}"),
        Target::Paths(_) => format!("all paths {what}"),
        Target::Link(_, Direction::Down) => format!("downlink {what}"),
        _ => what.to_owned(),
    }
}

/// Returns why a host may wait for a node, as in `cut off 00:12 ago`; empty if nothing is broken between them.
pub(super) fn why_hindered(snapshot: &Snapshot, host: Peer, node: NodeNumber) -> String {
    joined(snapshot, between(snapshot, host, node), |told| match told.first().map(|active| active.fault.target()) {
        // What is told of the node, and not of the path.
        Some(Target::Cut(..)) => "cut off".to_owned(),
        _ => short_of(told),
    })
}

/// Returns what faults are and since when, as in `killed 00:12 ago, link 8.0 KiB/s 00:03 ago`. What both directions of a link or of a
/// path have in common is told once.
pub fn faults_told<'a>(snapshot: &Snapshot, faults: impl Iterator<Item = &'a ActiveFault>) -> String {
    joined(snapshot, faults, short_of)
}

/// Joins the words for faults with the times since which they are on. What reads the same is told once.
fn joined<'a>(
    snapshot: &Snapshot,
    faults: impl Iterator<Item = &'a ActiveFault>,
    words: impl Fn(&ToldFault<'_>) -> String,
) -> String {
    let faults: Vec<&ActiveFault> = faults.collect();
    let mut all: Vec<String> = Vec::new();
    for told in ToldFault::among(&faults) {
        let Some(first) = told.first() else { continue };
        let text = format!("{} {} ago", words(&told), past_of(first.since, snapshot.at));
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}

/// Returns what a fault is, as [`fault_in_short`] does; of both directions of a link, `link 8.0 KiB/s`.
fn short_of(told: &ToldFault<'_>) -> String {
    let short = told.first().map(fault_in_short).unwrap_or_default();
    match (told, short.strip_prefix("uplink ").or_else(|| short.strip_prefix("downlink "))) {
        (ToldFault::BothWays(_), Some(change)) => format!("link {change}"),
        _ => short,
    }
}
