//! The faults of a snapshot, asked for by what they concern.
//!
//! They are in the order of their targets, those of hosts before those of single paths, so that looking one up costs no pass over all
//! of them: a partition of a large network is many faults.

use p2p_net::PathChange;

use super::{Peer, Snapshot};
use crate::faults::{ActiveFault, ChangedPath, Target};

impl Snapshot {
    /// Returns the fault that is on a target.
    pub fn fault(&self, target: Target) -> Option<&ActiveFault> {
        self.faults.binary_search_by_key(&target, |active| active.fault.target()).ok().map(|place| &self.faults[place])
    }

    /// Returns the faults of hosts: of their processes, disks and links, and of all paths of one.
    pub fn faults_of_hosts(&self) -> &[ActiveFault] {
        &self.faults[..self.place_of(Target::FIRST_PATH)]
    }

    /// Returns the faults of single paths, in one direction each.
    pub fn faults_of_paths(&self) -> &[ActiveFault] {
        &self.faults[self.place_of(Target::FIRST_PATH)..]
    }

    /// Returns the faults of single paths on which a host sends.
    pub fn faults_of_paths_from(&self, from: Peer) -> impl Iterator<Item = &ActiveFault> {
        // The changed paths of a host stand together, and so do the cut ones, which may be behind them.
        let changed = self.faults[self.place_of(Target::Path(from, Peer::Client))..].iter();
        let changed =
            changed.take_while(move |active| matches!(active.fault.target(), Target::Path(sender, _) if sender == from));
        let cut = self.faults[self.place_of(Target::Cut(from, Peer::Client))..].iter();
        let cut = cut.take_while(move |active| matches!(active.fault.target(), Target::Cut(sender, _) if sender == from));
        changed.chain(cut)
    }

    /// Returns what faults have changed of the path from one host to another: what is said of the path itself holds over what is said of
    /// all paths of a host, and of that the latest.
    pub fn path_change(&self, from: Peer, to: Peer) -> PathChange {
        ChangedPath::new(from, to, |target| self.fault(target)).change()
    }

    /// Returns true if no packet passes from one host to another because of faults.
    pub fn is_cut(&self, from: Peer, to: Peer) -> bool {
        self.fault(Target::Cut(from, to)).is_some() || self.path_change(from, to).loses_all()
    }

    /// Returns the place at which the fault of a target stands, or would stand.
    fn place_of(&self, target: Target) -> usize {
        self.faults.partition_point(|active| active.fault.target() < target)
    }
}

#[cfg(test)]
mod tests {
    use p2p_net::Direction;
    use p2p_store::manifest::NodeNumber;

    use super::*;

    #[test]
    fn the_first_path_of_a_host_is_that_to_the_client() {
        let node = Peer::Node(NodeNumber::from_index(0));
        assert!(Target::Path(node, Peer::Client) < Target::Path(node, node));
        assert!(Target::Path(Peer::Node(NodeNumber::from_index(9)), node) < Target::Cut(Peer::Client, Peer::Client));
    }

    #[test]
    fn paths_stand_after_all_that_is_of_hosts() {
        let last = Peer::Node(NodeNumber::from_index(9_999));
        assert!(Peer::Client < last && Target::Link(last, Direction::Down) < Target::Paths(Peer::Client));
        assert!(Target::Paths(last) < Target::FIRST_PATH && Target::FIRST_PATH < Target::Cut(Peer::Client, Peer::Client));
    }
}
