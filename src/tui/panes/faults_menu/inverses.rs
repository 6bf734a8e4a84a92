//! The inverses of the faults that are on at a host or on a path, each once and with the command that takes it back.

use p2p_base::units::count_of;
use p2p_engine::Snapshot;
use p2p_engine::faults::{ActiveFault, Target};
use p2p_engine::snapshot::Peer;
use p2p_shell::report::{SHOWN_MAX, ToldFault};

/// Commands that take faults back: pairs of what is taken back, in words, and the command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Inverses {
    /// One for each fault, as the list of faults tells it; of very many the first ones.
    pub(super) each: Vec<(String, String)>,
    /// Number of the faults.
    pub(super) count: usize,
    /// One for all of them together, where they are several and one command takes back those and no others.
    pub(super) whole: Option<(String, String)>,
    /// True if no other fault is on anywhere.
    pub(super) is_all: bool,
}

/// Returns the inverses of what is wrong with a host: its process, its disk, its links, and all paths that begin or end there.
pub(super) fn of_host(snapshot: &Snapshot, peer: Peer) -> Inverses {
    let is_meant = |target: Target| target.hosts().any(|host| host == peer);
    let told = ToldFault::of_those(&snapshot.faults, is_meant);
    let is_all = snapshot.faults.iter().all(|active| is_meant(active.fault.target()));
    let node = if let Peer::Node(node) = peer { Some(node) } else { None };
    let each = told.iter().take(SHOWN_MAX).map(|told| match (told, told.in_words(), node) {
        // It may be on other nodes as well.
        (ToldFault::Profile(..), (what, line), Some(node)) => (what, format!("{line} {node}")),
        (_, words, _) => words,
    });
    let (each, count) = (each.collect(), told.len());
    let whole = |node| (format!("all of {node}, {}", count_of(count as u64, "fault")), format!("faults clear {node}"));
    Inverses { each, count, whole: node.filter(|_| count > 1).map(whole), is_all }
}

/// Returns the inverses of what is wrong with the path between two hosts in either direction, by itself or because all paths of one of
/// them are changed.
pub(super) fn of_path(snapshot: &Snapshot, one: Peer, other: Peer) -> Inverses {
    let of = |from, to| [Target::Cut(from, to), Target::Path(from, to), Target::Paths(from)];
    let on: Vec<&ActiveFault> = [(one, other), (other, one)]
        .into_iter()
        .flat_map(|(from, to)| of(from, to))
        .filter_map(|of| snapshot.fault(of))
        .collect();
    let each: Vec<_> = ToldFault::among(&on).iter().map(ToldFault::in_words).collect();
    Inverses { count: each.len(), each, whole: None, is_all: on.len() == snapshot.faults.len() }
}
