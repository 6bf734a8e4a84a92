//! What is wrong with a path because of faults, in one direction: the worst of it, with the mark and the word that every front end has for it.

use p2p_base::units::Probability;
use p2p_engine::Snapshot;
use p2p_engine::faults::PathChange;
use p2p_engine::snapshot::Peer;

/// Fault of a path in one direction, the worst of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
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
    /// Returns what is wrong with a path, if anything is. A host has none to itself, whatever is said of all its paths.
    pub fn of(snapshot: &Snapshot, from: Peer, to: Peer) -> Option<Wire> {
        match snapshot.is_cut(from, to) {
            _ if from == to => None,
            true => Some(Wire::Cut),
            false => Wire::of_change(snapshot.path_change(from, to)),
        }
    }

    /// Returns what changes of a path do to it that do not lose all.
    fn of_change(change: PathChange) -> Option<Wire> {
        let is_some = |chance: Option<Probability>| chance.is_some_and(|chance| chance != Probability::NEVER);
        match change {
            _ if is_some(change.loss.map(|loss| loss.mean())) || is_some(change.corrupt) => Some(Wire::Lossy),
            _ if change.delay.is_some() => Some(Wire::Slow),
            _ if is_some(change.duplicate) || is_some(change.reorder) => Some(Wire::Odd),
            _ => None,
        }
    }

    /// Returns the mark, with that of a cut as the characters of the front end have it.
    pub const fn mark(self, cut: &'static str) -> &'static str {
        match self {
            Wire::Odd => "+",
            Wire::Slow => "~",
            Wire::Lossy => "%",
            Wire::Cut => cut,
        }
    }

    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Wire::Odd => "odd",
            Wire::Slow => "slow",
            Wire::Lossy => "lossy",
            Wire::Cut => "cut",
        }
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::units::DelayRange;
    use p2p_net::Loss;

    use super::*;

    #[test]
    fn the_worst_of_a_path_is_told() {
        let delay: Option<DelayRange> = "200ms".parse().ok();
        let loss = Some(Loss::Independent("10%".parse().unwrap()));
        assert!(delay.is_some());
        assert_eq!(Wire::of_change(PathChange { delay, loss, ..PathChange::default() }), Some(Wire::Lossy));
        assert_eq!(Wire::of_change(PathChange { delay, ..PathChange::default() }), Some(Wire::Slow));
        assert_eq!(Wire::of_change(PathChange { duplicate: "1%".parse().ok(), ..PathChange::default() }), Some(Wire::Odd));
        let none = PathChange { loss: Some(Loss::Independent(Probability::NEVER)), ..PathChange::default() };
        assert_eq!(Wire::of_change(none), None);
    }
}
