//! Placement: the choice of the node that stores the next segment.
//!
//! Two policies exist: round-robin, and the node with the largest free share of its capacity. Both skip nodes that are dead, full
//! or excluded. A node that is preferred comes before what the policy says, as long as it can take the segment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::manifest::NodeNumber;

/// Policy by which holders are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlacementPolicy {
    /// The next usable node after the one chosen last.
    #[default]
    RoundRobin,
    /// The node with the largest free share of its capacity.
    CapacityAware,
}

impl fmt::Display for PlacementPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PlacementPolicy::RoundRobin => "round-robin",
            PlacementPolicy::CapacityAware => "capacity-aware",
        })
    }
}

impl FromStr for PlacementPolicy {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "round-robin" => Ok(PlacementPolicy::RoundRobin),
            "capacity-aware" => Ok(PlacementPolicy::CapacityAware),
            _ => Err(format!("`{text}` is no placement known here (known: round-robin, capacity-aware)")),
        }
    }
}

/// State of a node that placement takes into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Number of the node.
    pub node: NodeNumber,
    /// True if the node may be asked to store segments.
    pub usable: bool,
    /// Capacity of the volume in bytes.
    pub capacity: u64,
    /// Bytes that still fit, without those reserved for other transfers.
    pub free: u64,
}

/// Chooser of holders, which remembers its position from one file to the next.
#[derive(Debug, Clone)]
pub struct Placement {
    policy: PlacementPolicy,
    /// Index of the candidate that is considered first.
    next: usize,
}

impl Placement {
    /// Makes a placement that begins with the first node.
    pub fn new(policy: PlacementPolicy) -> Placement {
        Placement { policy, next: 0 }
    }

    /// Chooses the holder of a segment of `len` bytes: the preferred node if it can take it, or else the one that the policy says. Returns
    /// `None` if no node can take it.
    pub fn choose(&mut self, candidates: &[Candidate], len: u64, preferred: Option<NodeNumber>) -> Option<NodeNumber> {
        let fits = |candidate: &&Candidate| candidate.usable && candidate.free >= len;
        // The turn of the others stays where it is.
        if let Some(chosen) = candidates.iter().filter(fits).find(|candidate| preferred == Some(candidate.node)) {
            return Some(chosen.node);
        }
        let count = candidates.len();
        let in_turn = (0..count).filter_map(|step| candidates.get((self.next + step) % count));
        let chosen = match self.policy {
            PlacementPolicy::RoundRobin => in_turn.into_iter().find(fits),
            // Of equally free nodes, the next in turn is taken, so that they share the load.
            PlacementPolicy::CapacityAware => {
                in_turn.filter(fits).reduce(|best, other| if is_freer(other, best) { other } else { best })
            }
        }?;
        self.next = (candidates.iter().position(|candidate| candidate.node == chosen.node)? + 1) % count;
        Some(chosen.node)
    }
}

/// Returns true if a file of `size` bytes fits on the candidates, cut into segments of `segment` bytes that are each stored whole
/// on one node.
pub fn has_room_for(candidates: &[Candidate], size: u64, segment: u64) -> bool {
    let (whole, rest) = (size / segment, size % segment);
    let free = || candidates.iter().filter(|candidate| candidate.usable).map(|candidate| candidate.free);
    let places: u64 = free().map(|free| free / segment).sum();
    places > whole || (places == whole && (rest == 0 || free().any(|free| free % segment >= rest)))
}

/// Returns true if the free share of the capacity is larger for `a` than for `b`.
fn is_freer(a: &Candidate, b: &Candidate) -> bool {
    u128::from(a.free) * u128::from(b.capacity.max(1)) > u128::from(b.free) * u128::from(a.capacity.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(free: &[u64]) -> Vec<Candidate> {
        let candidate = |(index, &free)| Candidate { node: NodeNumber::from_index(index), usable: true, capacity: 100, free };
        free.iter().enumerate().map(candidate).collect()
    }

    fn chosen(placement: &mut Placement, candidates: &[Candidate], times: usize) -> Vec<usize> {
        (0..times).filter_map(|_| placement.choose(candidates, 10, None)).map(NodeNumber::index).collect()
    }

    #[test]
    fn in_turn_around_those_that_cannot() {
        let mut all = candidates(&[50, 5, 50, 50]);
        all[2].usable = false;
        let mut placement = Placement::new(PlacementPolicy::RoundRobin);
        assert_eq!(chosen(&mut placement, &all, 5), [0, 3, 0, 3, 0]);
        assert_eq!(placement.choose(&all, 51, None), None);
        assert_eq!(placement.choose(&[], 10, None), None);
    }

    #[test]
    fn by_room_and_equals_in_turn() {
        let mut placement = Placement::new(PlacementPolicy::CapacityAware);
        assert_eq!(chosen(&mut placement, &candidates(&[20, 90, 50]), 2), [1, 1]);
        let mut placement = Placement::new(PlacementPolicy::CapacityAware);
        assert_eq!(chosen(&mut placement, &candidates(&[50, 50, 50]), 4), [0, 1, 2, 0]);
    }

    /// A preferred node takes all for which it has room, and the others have their turns as if there were none.
    #[test]
    fn the_preferred_node_first_while_it_can() {
        let mut all = candidates(&[50, 50, 25, 50]);
        let mut placement = Placement::new(PlacementPolicy::RoundRobin);
        let preferred = Some(NodeNumber::from_index(2));
        let mut choose = |all: &mut [Candidate], preferred| {
            let node = placement.choose(all, 10, preferred).unwrap();
            all[node.index()].free -= 10;
            node.index()
        };
        assert_eq!(choose(&mut all, None), 0);
        let chosen: Vec<usize> = (0..5).map(|_| choose(&mut all, preferred)).collect();
        assert_eq!(chosen, [2, 2, 1, 3, 0]);
        all[2].free = 50;
        all[2].usable = false;
        assert_eq!(choose(&mut all, preferred), 1);
        assert_eq!(choose(&mut all, Some(NodeNumber::from_index(9))), 3);
        all.iter_mut().for_each(|node| node.usable = false);
        assert_eq!(placement.choose(&all, 10, preferred), None);
    }

    proptest! {
        /// What is said to have room can be placed, segment by segment, in turn, whatever node is preferred; what is not cannot.
        #[test]
        fn a_file_has_room_where_each_segment_finds_a_node(
            free in proptest::collection::vec(0u64..60, 0..5), size in 0u64..200, preferred in proptest::option::of(0usize..6),
        ) {
            const SEGMENT: u64 = 10;
            let preferred = preferred.map(NodeNumber::from_index);
            let mut all = candidates(&free);
            let said = has_room_for(&all, size, SEGMENT);
            let mut placement = Placement::new(PlacementPolicy::RoundRobin);
            let segments = (0..size).step_by(SEGMENT as usize).map(|start| SEGMENT.min(size - start));
            let done = segments.into_iter().all(|len| match placement.choose(&all, len, preferred) {
                Some(node) => { all[node.index()].free -= len; true }
                None => false,
            });
            prop_assert_eq!(said, done);
        }

        #[test]
        fn a_chosen_node_can_always_take_it(
            nodes in proptest::collection::vec((any::<bool>(), 1u64..100, 0u64..100), 0..8),
            len in 1u64..100, aware: bool, preferred in proptest::option::of(0usize..9),
        ) {
            let preferred = preferred.map(NodeNumber::from_index);
            let policy = if aware { PlacementPolicy::CapacityAware } else { PlacementPolicy::RoundRobin };
            let all: Vec<Candidate> = nodes.into_iter().enumerate().map(|(index, (usable, capacity, free))| {
                Candidate { node: NodeNumber::from_index(index), usable, capacity, free: free.min(capacity) }
            }).collect();
            let able = |candidate: &&Candidate| candidate.usable && candidate.free >= len;
            let mut placement = Placement::new(policy);
            for _ in 0..5 {
                match placement.choose(&all, len, preferred) {
                    Some(node) => prop_assert!(all.iter().filter(able).any(|candidate| candidate.node == node)),
                    None => prop_assert_eq!(all.iter().filter(able).count(), 0),
                }
            }
        }
    }
}
