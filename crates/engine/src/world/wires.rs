//! Faults of links and paths: what the network is told when one is put on or taken back.

use p2p_net::{Direction, HostConfig, HostId, LinkConfig, PathConfig};
use p2p_store::manifest::NodeNumber;

use crate::faults::{Fault, FaultCause, LinkChange, PathChange, Target};
use crate::known_host::known;
use crate::peer::Peer;

use super::World;

impl World {
    /// Returns the host of the network that a peer is.
    fn host_id(&self, peer: Peer) -> HostId {
        self.hosts.of_peer(peer).id
    }

    /// Returns true if there is such a host.
    pub(crate) fn has_peer(&self, peer: Peer) -> bool {
        matches!(peer, Peer::Node(node) if node.index() < self.nodes.len()) || peer == Peer::Client
    }

    /// Returns all hosts but one.
    pub(crate) fn others(&self, but: Peer) -> impl Iterator<Item = Peer> + use<> {
        let nodes = (0..self.nodes.len()).map(|index| Peer::Node(NodeNumber::from_index(index)));
        std::iter::once(Peer::Client).chain(nodes).filter(move |&peer| peer != but)
    }

    /// Sets the links and the paths of a host, beneath the faults that are on.
    pub(crate) fn set_wires(&mut self, peer: Peer, link: &HostConfig) {
        let host = self.host_id(peer);
        known(self.net.reconfigure(host, link));
        match peer {
            Peer::Client => self.config.client.link = *link,
            Peer::Node(node) => self.config.nodes[node.index()].host.link = *link,
        }
        for target in self.faults.wires_of(peer) {
            // What a fault has said may be so without it now.
            if self.faults.of(target).is_some_and(|active| self.makes_no_difference(&active.fault)) {
                self.end_fault(target, FaultCause::Over);
            }
            // Of what is said of all paths, the network has followed all but the end.
            match target {
                Target::Paths(_) if self.faults.of(target).is_none() => self.set_path_rules(&[peer]),
                Target::Paths(_) => {}
                single => self.follow_wire(single),
            }
        }
        self.keep_host_to_link(host);
    }

    /// Changes one direction of a host's access link further.
    pub(crate) fn change_link(&mut self, peer: Peer, direction: Direction, change: LinkChange, cause: FaultCause) {
        self.add_fault(Fault::Link { peer, direction, change }, cause);
    }

    /// Changes a path further.
    pub(crate) fn change_path(&mut self, (from, to): (Peer, Peer), change: PathChange, cause: FaultCause) {
        self.add_fault(Fault::Path { from, to, change }, cause);
    }

    /// Changes all paths from and to each of these hosts further.
    pub(crate) fn change_paths_of(&mut self, peers: &[Peer], change: PathChange, cause: &FaultCause) {
        for &peer in peers {
            self.put_on(Fault::Paths { peer, change }, cause.clone());
        }
        self.follow_paths_of(peers);
    }

    /// Cuts a path. One that is cut already stays so, for a further reason.
    pub(crate) fn cut_path(&mut self, (from, to): (Peer, Peer), cause: FaultCause) {
        if self.faults.of(Target::Cut(from, to)).is_some() {
            self.faults.add_cause(Target::Cut(from, to), cause);
        } else {
            self.begin_fault(Fault::Cut { from, to }, cause);
            self.follow(Target::Cut(from, to));
        }
    }

    /// Makes the network follow the faults of a link or of paths that are on.
    pub(super) fn follow_wire(&mut self, target: Target) {
        let is_known = match target {
            Target::Link(peer, direction) => self.follow_link(peer, direction),
            Target::Path(from, to) | Target::Cut(from, to) => self.follow_path(from, to),
            Target::Paths(peer) => return self.follow_paths_of(&[peer]),
            Target::Process(_) | Target::Flap(_) | Target::Disk(_) => return,
        };
        known(is_known);
    }

    /// Makes the network follow what is changed of all paths of these hosts, and what is said of single ones on top of that.
    pub(crate) fn follow_paths_of(&mut self, peers: &[Peer]) {
        if peers.is_empty() {
            return;
        }
        self.set_path_rules(peers);
        for target in self.faults.single_paths_of(peers) {
            self.follow_wire(target);
        }
    }

    /// Tells the network what is changed of all paths of these hosts.
    fn set_path_rules(&mut self, peers: &[Peer]) {
        let rules: Vec<_> = peers.iter().map(|&peer| (self.host_id(peer), self.faults.path_rules(peer))).collect();
        known(self.net.set_path_rules(&rules));
    }

    /// Returns true if a fault of a link or of paths makes no difference, because all that it says is so without it.
    pub(super) fn makes_no_difference(&self, fault: &Fault) -> bool {
        match *fault {
            Fault::Link { peer, direction, change } => {
                let base = self.base_link(peer, direction);
                change.applied(base) == base
            }
            Fault::Path { from, to, change } => {
                let base = self.base_path(from, to);
                change.applied(base) == base
            }
            Fault::Paths { peer, change } => self.others(peer).all(|other| {
                let plain = known(self.net.plain_path(self.host_id(peer), self.host_id(other)));
                change.applied(plain) == plain && self.faults.paths_change(other).is_none()
            }),
            Fault::Disk { faults, .. } => faults.changes_nothing(),
            _ => false,
        }
    }

    /// Returns what a host's link and paths are without faults.
    fn link_of(&self, peer: Peer) -> &HostConfig {
        match peer {
            Peer::Client => &self.config.client.link,
            Peer::Node(node) => &self.config.nodes[node.index()].host.link,
        }
    }

    /// Returns one direction of a host's access link as it is without faults.
    pub(super) fn base_link(&self, peer: Peer, direction: Direction) -> LinkConfig {
        let link = self.link_of(peer);
        if direction == Direction::Up { link.up } else { link.down }
    }

    /// Returns a path as it is without faults of that path.
    pub(super) fn base_path(&self, from: Peer, to: Peer) -> PathConfig {
        known(self.net.implied_path(self.host_id(from), self.host_id(to)))
    }

    /// Returns what a host alone makes of its paths, without faults.
    pub(super) fn base_path_of(&self, peer: Peer) -> PathConfig {
        let link = self.link_of(peer);
        PathConfig::new(link.delay, link.loss)
    }

    fn follow_link(&mut self, peer: Peer, direction: Direction) -> Result<(), p2p_net::UnknownHost> {
        let (base, host) = (self.base_link(peer, direction), self.host_id(peer));
        self.net.set_link(host, direction, self.faults.link_change(peer, direction).applied(base))?;
        self.keep_host_to_link(host);
        Ok(())
    }

    fn follow_path(&mut self, from: Peer, to: Peer) -> Result<(), p2p_net::UnknownHost> {
        let (one, other) = (self.host_id(from), self.host_id(to));
        let (change, is_cut) = self.faults.path_change(from, to);
        if change.is_none() && !is_cut {
            return self.net.reset_path(one, other);
        }
        let mut path = change.applied(self.net.implied_path(one, other)?);
        path.cut = is_cut;
        self.net.set_path(one, other, path)
    }

    /// Adapts what a host sends and asks for, and how long it waits, to its link.
    fn keep_host_to_link(&mut self, host: HostId) {
        let link = known(self.net.host_config(host));
        self.hosts.keep_to_link(&mut self.net, host.index(), self.config.tcp, &link);
        self.record_request_timeout(host.index());
        self.record_probe_timeout(host.index());
    }
}
