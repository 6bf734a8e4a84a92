//! Cut paths, counted as people do: the path between two hosts is one, whether it is cut in one direction or in both.

use std::collections::{BTreeMap, BTreeSet};

use p2p_base::units::count_of;
use p2p_engine::faults::{ActiveFault, Target};
use p2p_engine::snapshot::Peer;

/// Maximum number of paths, and of hosts, that are named; more are counted.
const NAMED_MAX: usize = 3;

/// Paths that are cut, or that are cut no longer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CutPaths {
    /// Directions of the path between two hosts, of which the first is the lower one.
    directions: BTreeMap<(Peer, Peer), Directions>,
}

/// Directions in which a path is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Directions {
    /// From the first host to the second.
    there: bool,
    /// From the second host to the first.
    back: bool,
}

impl Directions {
    const fn is_one_way(self) -> bool {
        self.there != self.back
    }
}

impl CutPaths {
    /// Returns the paths of the cuts among some faults.
    pub fn among<'a>(faults: impl IntoIterator<Item = &'a ActiveFault>) -> CutPaths {
        let mut paths = CutPaths::default();
        for active in faults {
            if let Target::Cut(from, to) = active.fault.target() {
                paths.add(from, to);
            }
        }
        paths
    }

    /// Adds one direction of a path.
    pub fn add(&mut self, from: Peer, to: Peer) {
        let of = self.directions.entry((from.min(to), from.max(to))).or_default();
        if from <= to {
            of.there = true;
        } else {
            of.back = true;
        }
    }

    /// Returns the number of paths.
    pub fn len(&self) -> usize {
        self.directions.len()
    }

    /// Returns true if there is no path.
    pub fn is_empty(&self) -> bool {
        self.directions.is_empty()
    }

    /// Returns the hosts at the ends of the paths.
    fn hosts(&self) -> BTreeSet<Peer> {
        self.directions.keys().flat_map(|&(one, other)| [one, other]).collect()
    }

    /// Returns the paths in words: few by their names, as in `the path client->Node_01`, and more by their number, as in `5 paths between 6
    /// hosts`.
    pub fn names(&self) -> String {
        let name = |(&(one, other), of): (&(Peer, Peer), &Directions)| match (of.there, of.back) {
            (true, true) => format!("{one},{other}"),
            (true, false) => format!("{one}->{other}"),
            _ => format!("{other}->{one}"),
        };
        match self.len() {
            1 => format!("the path {}", self.directions.iter().map(name).collect::<String>()),
            2..=NAMED_MAX => format!("the paths {}", self.directions.iter().map(name).collect::<Vec<_>>().join(" and ")),
            count => format!("{} between {}", count_of(count as u64, "path"), count_of(self.hosts().len() as u64, "host")),
        }
    }

    /// Returns the paths as a sentence, as in `5 paths between 6 hosts are cut, 2 of them one way`; `no path is cut` for none.
    pub fn told(&self) -> String {
        let one_way = self.directions.values().filter(|of| of.is_one_way()).count();
        match (self.len(), one_way) {
            (0, _) => "no path is cut".to_owned(),
            (1, _) => format!("{} is cut", self.names()),
            // The names tell the directions.
            (2..=NAMED_MAX, _) | (_, 0) => format!("{} are cut", self.names()),
            (count, one_way) if count == one_way => format!("{} are cut one way", self.names()),
            (_, one_way) => format!("{} are cut, {one_way} of them one way", self.names()),
        }
    }
}

#[cfg(test)]
mod tests {
    use p2p_store::manifest::NodeNumber;

    use super::*;

    fn told(directions: &[(usize, usize)]) -> String {
        let peer = |place: usize| place.checked_sub(1).map_or(Peer::Client, |index| Peer::Node(NodeNumber::from_index(index)));
        let mut paths = CutPaths::default();
        directions.iter().for_each(|&(from, to)| paths.add(peer(from), peer(to)));
        paths.told()
    }

    #[test]
    fn both_directions_between_two_hosts_are_one_path() {
        assert_eq!(told(&[]), "no path is cut");
        assert_eq!(told(&[(0, 1), (1, 0)]), "the path client,Node_01 is cut");
        assert_eq!(told(&[(2, 1)]), "the path Node_02->Node_01 is cut");
        assert_eq!(told(&[(0, 1), (1, 0), (3, 2)]), "the paths client,Node_01 and Node_03->Node_02 are cut");
        let there: Vec<(usize, usize)> = (1..=5).map(|node| (0, node)).collect();
        let back: Vec<(usize, usize)> = (1..=5).map(|node| (node, 0)).collect();
        assert_eq!(told(&there), "5 paths between 6 hosts are cut one way");
        assert_eq!(told(&[&there[..], &back[..3]].concat()), "5 paths between 6 hosts are cut, 2 of them one way");
        assert_eq!(told(&[there, back].concat()), "5 paths between 6 hosts are cut");
    }
}
