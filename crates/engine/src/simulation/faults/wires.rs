//! Execution of the commands that break links and paths, and of profiles. What a command names is checked before anything is changed,
//! so that it is done as a whole or not at all.

use p2p_net::Direction;
use p2p_store::manifest::NodeNumber;

use super::caused;
use crate::error::EngineError;
use crate::fault_rules::ways;
use crate::faults::{Fault, FaultCause, LinkChange, PathChange, Profile, Target};
use crate::operation::{Mend, Reply};
use crate::peer::Peer;
use crate::principal::Principal;
use crate::simulation::Simulation;
use crate::simulation::answers::Answer;

/// Paths in one direction each.
type Paths = Vec<(Peer, Peer)>;

/// Returns the hosts among these targets of which all paths are meant.
pub(super) fn hosts_of_all_paths(targets: &[Target]) -> Vec<Peer> {
    let host = |target: &Target| if let Target::Paths(peer) = target { Some(*peer) } else { None };
    targets.iter().filter_map(host).collect()
}

impl Simulation {
    /// Checks that hosts exist, and that the simulation does not end.
    fn known_peers<'a>(&self, peers: impl IntoIterator<Item = &'a Peer>) -> Result<(), EngineError> {
        self.refuse_when_closing()?;
        let unknown = peers.into_iter().find(|&&peer| !self.world.has_peer(peer));
        unknown.map_or(Ok(()), |&peer| Err(EngineError::UnknownHost(peer)))
    }

    /// Returns the paths from each host of one group to each of another, and back unless only one way is meant.
    fn paths_between(&self, one: &[Peer], other: &[Peer], one_way: bool) -> Result<Paths, EngineError> {
        self.known_peers(one.iter().chain(other))?;
        let there = one.iter().flat_map(|&from| other.iter().map(move |&to| (from, to)));
        Ok(there.flat_map(|(from, to)| ways(from, to, one_way)).collect())
    }

    pub(super) fn break_link(&mut self, by: &Principal, peer: Peer, direction: Option<Direction>, change: LinkChange) -> Answer {
        self.known_peers([&peer])?;
        self.change_links(peer, direction, change, &caused(by));
        Ok(Reply::Done(()))
    }

    /// Changes a path, or that and the one back unless only one way is meant, and cuts it if that is asked for.
    pub(super) fn break_path(
        &mut self,
        by: &Principal,
        (from, to, one_way): (Peer, Peer, bool),
        change: PathChange,
        cut: bool,
    ) -> Answer {
        for path in self.paths_between(&[from], &[to], one_way)? {
            if !change.is_none() {
                self.world.change_path(path, change, caused(by));
            }
            if cut {
                self.world.cut_path(path, caused(by));
            }
        }
        Ok(Reply::Done(()))
    }

    /// Changes all paths of a host.
    pub(super) fn break_paths(&mut self, by: &Principal, peer: Peer, change: PathChange) -> Answer {
        self.known_peers([&peer])?;
        self.world.change_paths_of(&[peer], change, &caused(by));
        Ok(Reply::Done(()))
    }

    /// Cuts all paths between two groups of hosts.
    pub(super) fn part(&mut self, by: &Principal, one: &[Peer], other: &[Peer], one_way: bool) -> Answer {
        for path in self.paths_between(one, other, one_way)? {
            self.world.cut_path(path, caused(by));
        }
        Ok(Reply::Done(()))
    }

    fn change_links(&mut self, peer: Peer, direction: Option<Direction>, change: LinkChange, cause: &FaultCause) {
        for of in [Direction::Up, Direction::Down] {
            if direction.is_none_or(|only| only == of) && !change.is_none() {
                self.world.change_link(peer, of, change, cause.clone());
            }
        }
    }

    /// Takes the faults of links or paths of these hosts back; at least one of them has to be on.
    pub(super) fn mend_wires(&mut self, by: &Principal, of: &[Peer], what: &Mend) -> Answer {
        self.known_peers(of)?;
        self.refuse_sound(what)?;
        let on: Vec<Target> = what.targets().into_iter().filter(|&target| self.world.faults.of(target).is_some()).collect();
        let hosts = hosts_of_all_paths(&on);
        let reply = self.mend_all(by, on);
        self.world.follow_paths_of(&hosts);
        Ok(reply)
    }

    /// Puts the faults of a profile on, for one node or for all.
    pub(super) fn apply_profile(&mut self, by: &Principal, name: String, node: Option<NodeNumber>, profile: &Profile) -> Answer {
        let nodes: Vec<NodeNumber> = match node {
            Some(node) => vec![node],
            None => (0..self.world.nodes.len()).map(NodeNumber::from_index).collect(),
        };
        self.refuse_profile(&nodes, profile)?;
        let cause = FaultCause::Profile { name, by: by.name().map(str::to_owned) };
        if !profile.path.is_none() {
            let peers: Vec<Peer> = nodes.iter().copied().map(Peer::Node).collect();
            self.world.change_paths_of(&peers, profile.path, &cause);
        }
        for number in nodes {
            let peer = Peer::Node(number);
            self.change_links(peer, Some(Direction::Up), profile.up, &cause);
            self.change_links(peer, Some(Direction::Down), profile.down, &cause);
            if !profile.disk.is_none() {
                let corrupt = self.world.break_disk(number, profile.disk, cause.clone());
                self.note_use_of(&corrupt);
            }
            if let Some(plan) = profile.flap {
                self.world.begin_fault(Fault::Flapping { node: number, plan }, cause.clone());
            }
        }
        Ok(Reply::Done(()))
    }

    /// Checks that a profile can be applied to these nodes as a whole.
    fn refuse_profile(&self, nodes: &[NodeNumber], profile: &Profile) -> Result<(), EngineError> {
        nodes.iter().try_for_each(|&node| self.breakable(node))?;
        if let Some(disk) = profile.disk_alone() {
            self.refuse_unstored(disk, nodes)?;
        }
        if let Some(plan) = profile.flap {
            self.refuse_plan(plan)?;
            nodes.iter().try_for_each(|&node| self.process_of(node)?.require_running())?;
        }
        Ok(())
    }
}
