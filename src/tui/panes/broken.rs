//! What is broken on purpose, asked for by where it is seen: a node, a link, a path.

use std::collections::BTreeSet;

use p2p_engine::Snapshot;
use p2p_engine::faults::{ActiveFault, Target};
use p2p_engine::snapshot::Peer;
use p2p_shell::report::{Wire, fault_in_short, faults_of_host, faults_told, past_of};
use p2p_store::manifest::NodeNumber;

use crate::tui::theme::Role;

/// The faults that are on, as the user may see them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken<'a> {
    snapshot: &'a Snapshot,
}

/// Returns the role in which what is wrong with a path is drawn.
pub(super) const fn wire_role(wire: Wire) -> Role {
    match wire {
        Wire::Cut => Role::Bad,
        Wire::Odd | Wire::Slow | Wire::Lossy => Role::Warning,
    }
}

impl<'a> Broken<'a> {
    /// Returns the faults of a snapshot.
    pub(super) const fn of(snapshot: &'a Snapshot) -> Broken<'a> {
        Broken { snapshot }
    }

    /// Returns the faults of a path in one direction, a cut first.
    pub(super) fn of_path(self, from: Peer, to: Peer) -> impl Iterator<Item = &'a ActiveFault> {
        let targets = [Target::Cut(from, to), Target::Path(from, to), Target::Paths(from), Target::Paths(to)];
        targets.into_iter().filter_map(move |target| self.snapshot.fault(target))
    }

    /// Returns what is wrong with a path in one direction. A host has none to itself, whatever is said of all its paths.
    pub(super) fn wire(self, from: Peer, to: Peer) -> Option<Wire> {
        Wire::of(self.snapshot, from, to)
    }

    /// Returns the single paths that are broken, in any way; one that is cut and changed stands there twice.
    pub(super) fn paths(self) -> impl Iterator<Item = (Peer, Peer)> {
        self.snapshot.faults_of_paths().iter().filter_map(|active| match active.fault.target() {
            Target::Path(from, to) | Target::Cut(from, to) => Some((from, to)),
            _ => None,
        })
    }

    /// Returns the faults of a host's process, disk and links, and of all its paths together.
    pub(super) fn of_host(self, peer: Peer) -> impl Iterator<Item = &'a ActiveFault> {
        faults_of_host(self.snapshot, peer)
    }

    /// Returns true if the process of a host was ended on purpose, or refuses connections.
    pub(super) fn is_down(self, peer: Peer) -> bool {
        self.of_host(peer).any(|active| matches!(active.fault.target(), Target::Process(_)))
    }

    /// Returns the faults of single paths that are told of a node: those on which it sends, and those on which the client sends to it.
    fn of_paths_at(self, node: NodeNumber) -> impl Iterator<Item = &'a ActiveFault> {
        let peer = Peer::Node(node);
        let to_it = [Target::Cut(Peer::Client, peer), Target::Path(Peer::Client, peer)];
        let to_it = to_it.into_iter().filter_map(move |target| self.snapshot.fault(target));
        self.snapshot.faults_of_paths_from(peer).chain(to_it)
    }

    /// Returns what is broken at a node.
    pub(super) fn at(self, node: NodeNumber) -> BrokenNode {
        let own: Vec<&ActiveFault> = self.of_host(Peer::Node(node)).collect();
        let paths = self.groups_at(node);
        let mut kinds: Vec<&str> = Vec::new();
        for kind in own.iter().copied().chain(paths.iter().map(|group| group.first)).map(|active| active.fault.name()) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let paths =
            paths.iter().map(|group| format!("{} {} {}", fault_in_short(group.first), group.hosts(), self.past(group.first)));
        let told: Vec<String> =
            Some(self.told(own.iter().copied())).filter(|told| !told.is_empty()).into_iter().chain(paths).collect();
        BrokenNode { told: told.join(", "), kinds: kinds.join(", ") }
    }

    /// Returns the faults of single paths that are told of a node, grouped by what they are and the second in which they were put on: a
    /// partition of a large network is hundreds at each node.
    fn groups_at(self, node: NodeNumber) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let peer = Peer::Node(node);
        for active in self.of_paths_at(node) {
            let group = match groups.iter().position(|group| self.is_alike(group.first, active)) {
                Some(place) => groups.get_mut(place),
                None => {
                    groups.push(Group { first: active, to: BTreeSet::new(), is_from_client: false });
                    groups.last_mut()
                }
            };
            match (group, active.fault.target()) {
                (Some(group), Target::Cut(from, to) | Target::Path(from, to)) if from == peer => drop(group.to.insert(to)),
                (Some(group), _) => group.is_from_client = true,
                (None, _) => {}
            }
        }
        groups
    }

    /// Returns true if faults of two paths read the same.
    fn is_alike(self, one: &ActiveFault, other: &ActiveFault) -> bool {
        let past = |active: &ActiveFault| self.snapshot.at.since(active.since).as_nanos() / 1_000_000_000;
        one.fault.is_alike(&other.fault) && past(one) == past(other)
    }

    /// Returns what faults are and since when, as [`faults_told`] does.
    pub(super) fn told(self, faults: impl Iterator<Item = &'a ActiveFault>) -> String {
        faults_told(self.snapshot, faults)
    }

    /// Returns the time for which a fault has been on, as in `00:12 ago`.
    fn past(self, active: &ActiveFault) -> String {
        format!("{} ago", past_of(active.since, self.snapshot.at))
    }
}

/// Faults of a node that were made on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenNode {
    /// What it is and since when, as in `killed 00:12 ago, cut to client 00:03 ago`; empty for nothing. What the paths to several hosts
    /// have in common is told once, with their number.
    pub(super) told: String,
    /// The kinds of it, each once, as in `killed, cut`.
    pub(super) kinds: String,
}

/// Faults of the paths of a node that read the same.
struct Group<'a> {
    first: &'a ActiveFault,
    /// Hosts to which the node sends on these paths.
    to: BTreeSet<Peer>,
    /// True if the path from the client is one of them.
    is_from_client: bool,
}

impl Group<'_> {
    /// Returns the hosts and the directions, as in `to Node_02`, `from client` or `to 3 hosts`. Among several hosts the client may be one
    /// in both directions.
    fn hosts(&self) -> String {
        let is_from_client = self.is_from_client && (self.to.len() < 2 || !self.to.contains(&Peer::Client));
        let to = match (self.to.first(), self.to.len()) {
            (Some(Peer::Client), 1) if is_from_client => return format!("to/from {}", Peer::Client),
            (Some(host), 1) => Some(format!("to {host}")),
            (None, _) => None,
            (_, count) => Some(format!("to {count} hosts")),
        };
        let from = is_from_client.then(|| format!("from {}", Peer::Client));
        to.into_iter().chain(from).collect::<Vec<_>>().join(" and ")
    }
}
