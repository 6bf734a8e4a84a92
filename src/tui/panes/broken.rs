//! What is broken on purpose, asked for by where it is seen: a node, a link, a path.

use p2p_base::units::Probability;
use p2p_engine::Snapshot;
use p2p_engine::faults::{ActiveFault, PathChange, Target};
use p2p_engine::snapshot::Peer;
use p2p_net::Direction;
use p2p_shell::report::past_of;
use p2p_store::manifest::NodeNumber;

use crate::tui::theme::{Glyphs, Role};

/// The faults that are on, as the user may see them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken<'a> {
    snapshot: &'a Snapshot,
}

/// What is wrong with a path in one direction, the worst of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wire {
    /// Packets are duplicated or overtake each other.
    Odd,
    /// Packets are delayed.
    Slow,
    /// Packets are lost or corrupted.
    Lossy,
    /// No packet passes.
    Cut,
}

impl Wire {
    /// Returns the mark of a path on the screen.
    pub(super) const fn mark(self, glyphs: &Glyphs) -> &'static str {
        match self {
            Wire::Odd => "+",
            Wire::Slow => "~",
            Wire::Lossy => "%",
            Wire::Cut => glyphs.cut,
        }
    }

    /// Returns the word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Wire::Odd => "odd",
            Wire::Slow => "slow",
            Wire::Lossy => "lossy",
            Wire::Cut => "cut",
        }
    }

    /// Returns the role in which it is drawn.
    pub(super) const fn role(self) -> Role {
        match self {
            Wire::Cut => Role::Bad,
            Wire::Odd | Wire::Slow | Wire::Lossy => Role::Warning,
        }
    }

    /// Returns what changes of a path do to it that do not lose all.
    fn of(change: PathChange) -> Option<Wire> {
        let is_some = |chance: Option<Probability>| chance.is_some_and(|chance| chance != Probability::NEVER);
        match change {
            _ if is_some(change.loss.map(|loss| loss.mean())) || is_some(change.corrupt) => Some(Wire::Lossy),
            _ if change.delay.is_some() => Some(Wire::Slow),
            _ if is_some(change.duplicate) || is_some(change.reorder) => Some(Wire::Odd),
            _ => None,
        }
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

    /// Returns what is wrong with a path in one direction.
    pub(super) fn wire(self, from: Peer, to: Peer) -> Option<Wire> {
        if self.snapshot.is_cut(from, to) { Some(Wire::Cut) } else { Wire::of(self.snapshot.path_change(from, to)) }
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
        let of_node = |node: NodeNumber| [Target::Process(node), Target::Flap(node), Target::Disk(node)];
        let node = match peer {
            Peer::Node(node) => Some(of_node(node)),
            Peer::Client => None,
        };
        let wires = [Target::Link(peer, Direction::Up), Target::Link(peer, Direction::Down), Target::Paths(peer)];
        node.into_iter().flatten().chain(wires).filter_map(move |target| self.snapshot.fault(target))
    }

    /// Returns true if the process of a host was ended on purpose, or refuses connections.
    pub(super) fn is_down(self, peer: Peer) -> bool {
        self.of_host(peer).any(|active| matches!(active.fault.target(), Target::Process(_)))
    }

    /// Returns the faults of single paths that are told of a node: those on which it sends, and those on which the client sends to it.
    fn of_paths_at(self, node: NodeNumber) -> impl Iterator<Item = (Peer, &'a ActiveFault)> {
        let peer = Peer::Node(node);
        let to_it = [Target::Cut(Peer::Client, peer), Target::Path(Peer::Client, peer)];
        let to_it = to_it.into_iter().filter_map(move |target| Some((Peer::Client, self.snapshot.fault(target)?)));
        to_it.chain(
            self.snapshot.faults_of_paths_from(peer).filter_map(|active| Some((active.fault.target().hosts().last()?, active))),
        )
    }

    /// Returns what is broken at a node and since when, as in `killed 00:12 ago, cut to client 00:03 ago`. What the paths to several
    /// hosts have in common is told once, with their number.
    pub(super) fn told_at(self, node: NodeNumber) -> String {
        let mut paths: Vec<((String, String), Vec<Peer>)> = Vec::new();
        for (other, active) in self.of_paths_at(node) {
            let what = (Broken::in_short(active), self.past(active));
            match paths.iter_mut().find(|(known, _)| *known == what) {
                Some((_, others)) if others.contains(&other) => {}
                Some((_, others)) => others.push(other),
                None => paths.push((what, vec![other])),
            }
        }
        let paths = paths.into_iter().map(|((what, since), others)| match others.as_slice() {
            [other] => (format!("{what} to {other}"), since),
            others => (format!("{what} to {} hosts", others.len()), since),
        });
        let own = self.of_host(Peer::Node(node)).map(|active| (Broken::in_short(active), self.past(active)));
        joined(own.chain(paths))
    }

    /// Returns the kinds of what is broken at a node, each once, as in `killed, cut`.
    pub(super) fn kinds_at(self, node: NodeNumber) -> String {
        let mut kinds: Vec<&str> = Vec::new();
        let paths = self.of_paths_at(node).map(|(_, active)| active);
        for kind in self.of_host(Peer::Node(node)).chain(paths).map(|active| active.fault.name()) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds.join(", ")
    }

    /// Returns the faults because of which the client may wait for a node: those of the node, and of the paths between them.
    pub(super) fn between_client_and(self, node: NodeNumber) -> impl Iterator<Item = &'a ActiveFault> {
        let peer = Peer::Node(node);
        let ways = [(Peer::Client, peer), (peer, Peer::Client)];
        let single = ways.into_iter().flat_map(|(from, to)| [Target::Cut(from, to), Target::Path(from, to)]);
        self.of_host(peer).chain(single.filter_map(move |target| self.snapshot.fault(target)))
    }

    /// Returns what a fault is, without the name of what it concerns, as in `killed` or `loss 10%`.
    pub(super) fn in_short(active: &ActiveFault) -> String {
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

    /// Returns why the client may wait for a node, as in `cut off 00:12 ago`; empty if nothing is broken between them.
    pub(super) fn why_of(self, node: NodeNumber) -> String {
        let in_short = |active: &ActiveFault| match active.fault.target() {
            // What is told of the node, and not of the path.
            Target::Cut(..) => "cut off".to_owned(),
            _ => Broken::in_short(active),
        };
        joined(self.between_client_and(node).map(|active| (in_short(active), self.past(active))))
    }

    /// Returns what faults are and since when, as in `killed 00:12 ago, link 8KiB/s 00:03 ago`. What both directions of a link or of a
    /// path have in common is told once.
    pub(super) fn told(self, faults: impl Iterator<Item = &'a ActiveFault>) -> String {
        joined(faults.map(|active| (Broken::in_short(active), self.past(active))))
    }

    /// Returns the time for which a fault has been on, as in `00:12 ago`.
    fn past(self, active: &ActiveFault) -> String {
        format!("{} ago", past_of(active.since, self.snapshot.at))
    }
}

/// Joins faults with the times since which they are on; see [`Broken::told`].
fn joined(faults: impl Iterator<Item = (String, String)>) -> String {
    let mut told: Vec<(String, String)> = Vec::new();
    for (what, since) in faults {
        // The uplink of a host comes before its downlink.
        let both = what.strip_prefix("downlink ").map(|rest| (format!("uplink {rest}"), format!("link {rest}")));
        let up = both.and_then(|(up, both)| Some((told.iter_mut().find(|known| known.0 == up && known.1 == since)?, both)));
        if let Some((up, both)) = up {
            up.0 = both;
        } else if !told.contains(&(what.clone(), since.clone())) {
            told.push((what, since));
        }
    }
    told.into_iter().map(|(what, since)| format!("{what} {since}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_directions_have_in_common_is_told_once() {
        let told = |faults: &[(&str, &str)]| joined(faults.iter().map(|&(what, since)| (what.to_owned(), since.to_owned())));
        assert_eq!(told(&[("cut", "00:08 ago"), ("cut", "00:08 ago")]), "cut 00:08 ago");
        assert_eq!(told(&[("cut", "00:08 ago"), ("cut", "00:02 ago")]), "cut 00:08 ago, cut 00:02 ago");
        let link = [("killed", "00:09 ago"), ("uplink 4KiB/s", "00:01 ago"), ("downlink 4KiB/s", "00:01 ago")];
        assert_eq!(told(&link), "killed 00:09 ago, link 4KiB/s 00:01 ago");
        let other = [("uplink 4KiB/s", "00:01 ago"), ("downlink 8KiB/s", "00:01 ago")];
        assert_eq!(told(&other), "uplink 4KiB/s 00:01 ago, downlink 8KiB/s 00:01 ago");
    }
}
