//! What faults make of the path from one host to another, by the rule of the network: what is said of the path itself holds over what is
//! said of all paths of a host, and of that the latest, whichever of the two hosts it is of.

use p2p_net::{PathChange, PathRule};

use super::{ActiveFault, Fault, Target};
use crate::peer::Peer;

/// Path from one host to another, with the faults that change it.
pub(crate) struct ChangedPath<'a> {
    /// Fault of the path itself.
    own: Option<&'a ActiveFault>,
    /// Faults of all paths of one of its hosts.
    of_hosts: [Option<&'a ActiveFault>; 2],
}

impl<'a> ChangedPath<'a> {
    /// Looks up the faults that change the path `from` a host `to` another.
    pub(crate) fn new(from: Peer, to: Peer, fault_of: impl Fn(Target) -> Option<&'a ActiveFault>) -> ChangedPath<'a> {
        let of_hosts = [from, to].map(|peer| fault_of(Target::Paths(peer)));
        ChangedPath { own: fault_of(Target::Path(from, to)), of_hosts }
    }

    /// Returns all that is changed of the path.
    pub(crate) fn change(&self) -> PathChange {
        PathRule::together(self.rules().map(|(rule, _)| rule)).with(self.own_change())
    }

    /// Returns the fault that says of the path that it loses every packet, if it does.
    pub(crate) fn loses_all_by(&self) -> Option<&'a ActiveFault> {
        if !self.change().loses_all() {
            return None;
        }
        let own = self.own.filter(|_| self.own_change().loss.is_some());
        let of_loss = self.rules().filter(|(rule, _)| rule.change.loss.is_some());
        own.or_else(|| of_loss.max_by_key(|(rule, _)| rule.order).map(|(_, active)| active))
    }

    fn own_change(&self) -> PathChange {
        match self.own.map(|active| &active.fault) {
            Some(Fault::Path { change, .. }) => *change,
            _ => PathChange::default(),
        }
    }

    /// Returns the rules of both hosts, each with the fault that it is of.
    fn rules(&self) -> impl Iterator<Item = (PathRule, &'a ActiveFault)> + '_ {
        let faults = self.of_hosts.into_iter().flatten();
        faults.flat_map(|active| active.rules.iter().map(move |rule| (*rule, active)))
    }
}
