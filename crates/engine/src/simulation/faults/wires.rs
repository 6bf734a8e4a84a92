//! Execution of the commands that break links and paths, and of profiles. What a command names is checked before anything is changed,
//! so that it is done as a whole or not at all.

use p2p_net::Direction;
use p2p_store::manifest::NodeNumber;

use super::caused;
use crate::error::EngineError;
use crate::faults::{BANDWIDTH_MIN, DELAY_MAX, DiskFaults, Fault, FaultCause, LinkChange, PathChange, Profile, Target};
use crate::operation::{PATHS_MAX, Reply};
use crate::peer::Peer;
use crate::principal::Principal;
use crate::simulation::Simulation;
use crate::simulation::answers::Answer;

/// Paths in one direction each.
type Paths = Vec<(Peer, Peer)>;

/// Returns the path from one host to another, and the one back unless only one way is meant.
pub(super) fn ways(from: Peer, to: Peer, one_way: bool) -> impl Iterator<Item = (Peer, Peer)> {
    [(from, to), (to, from)].into_iter().take(if one_way { 1 } else { 2 })
}

fn refuse_too_many(count: usize) -> Result<(), EngineError> {
    if count > PATHS_MAX { Err(EngineError::TooManyPaths { count, max: PATHS_MAX }) } else { Ok(()) }
}

/// Refuses changes of links and paths that would outlast their being taken back by more than anyone waits, or let nothing pass.
fn refuse_out_of_bounds(link: LinkChange, path: PathChange) -> Result<(), EngineError> {
    if path.delay.is_some_and(|delay| delay.max() > DELAY_MAX) {
        return Err(EngineError::DelayBounds);
    }
    if link.bandwidth.is_some_and(|bandwidth| bandwidth < BANDWIDTH_MIN) {
        return Err(EngineError::BandwidthBounds);
    }
    if link.queue_packets == Some(0) { Err(EngineError::QueueBounds) } else { Ok(()) }
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
        refuse_too_many(one.len().saturating_mul(other.len()).saturating_mul(if one_way { 1 } else { 2 }))?;
        self.known_peers(one.iter().chain(other))?;
        if let Some(&peer) = one.iter().find(|peer| other.contains(peer)) {
            return Err(EngineError::BothSides(peer));
        }
        let there = one.iter().flat_map(|&from| other.iter().map(move |&to| (from, to)));
        Ok(there.flat_map(|(from, to)| ways(from, to, one_way)).collect())
    }

    pub(super) fn break_link(&mut self, by: &Principal, peer: Peer, direction: Option<Direction>, change: LinkChange) -> Answer {
        if change.is_none() {
            return Err(EngineError::NothingToBreak);
        }
        self.known_peers([&peer])?;
        refuse_out_of_bounds(change, PathChange::default())?;
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
        if change.is_none() && !cut {
            return Err(EngineError::NothingToBreak);
        }
        refuse_out_of_bounds(LinkChange::default(), change)?;
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
    pub(super) fn mend_wires(&mut self, by: &Principal, of: &[Peer], targets: Vec<Target>) -> Answer {
        self.known_peers(of)?;
        let first = targets.first().copied();
        let on: Vec<Target> = targets.into_iter().filter(|&target| self.world.faults.of(target).is_some()).collect();
        if let Some(first) = first.filter(|_| on.is_empty()) {
            return Err(EngineError::NotBroken(first));
        }
        on.into_iter().for_each(|target| self.world.mend_wire(target, caused(by)));
        Ok(Reply::Done(()))
    }

    /// Puts the faults of a profile on, for one node or for all.
    pub(super) fn apply_profile(&mut self, by: &Principal, name: String, node: Option<NodeNumber>, profile: &Profile) -> Answer {
        let nodes: Vec<NodeNumber> = match node {
            Some(node) => vec![node],
            None => (0..self.world.nodes.len()).map(NodeNumber::from_index).collect(),
        };
        self.refuse_profile(&nodes, profile)?;
        let cause = FaultCause::Profile { name, by: by.name().map(str::to_owned) };
        for number in nodes {
            let peer = Peer::Node(number);
            self.change_links(peer, Some(Direction::Up), profile.up, &cause);
            self.change_links(peer, Some(Direction::Down), profile.down, &cause);
            if !profile.path.is_none() {
                for other in self.world.others(peer) {
                    self.world.change_path((peer, other), profile.path, cause.clone());
                    // What two nodes of the profile send each other is changed from each of them.
                    if node.is_some() || other == Peer::Client {
                        self.world.change_path((other, peer), profile.path, cause.clone());
                    }
                }
            }
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
        if profile.is_none() {
            return Err(EngineError::NothingToBreak);
        }
        refuse_out_of_bounds(profile.up, profile.path)?;
        refuse_out_of_bounds(profile.down, profile.path)?;
        if !profile.path.is_none() {
            // Those to and from one node, or those of every node to all others and those of the client.
            let all = self.world.nodes.len();
            refuse_too_many(if nodes.len() == 1 { 2 * all } else { nodes.len().saturating_mul(all + 1) })?;
        }
        if (Profile { disk: DiskFaults { corrupt: 0, ..profile.disk }, ..profile.clone() }).is_none() {
            self.refuse_where_nothing_is_stored(nodes)?;
        }
        if let Some(plan) = profile.flap {
            self.refuse_plan(plan)?;
            nodes.iter().try_for_each(|&node| self.running(node))?;
        }
        Ok(())
    }
}
