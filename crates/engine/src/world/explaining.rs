//! The faults that explain why a request has failed, why placement has passed a node over, or why a node is out of reach.

use std::collections::BTreeSet;

use p2p_base::units::{SimDuration, SimTime};
use p2p_net::Direction;
use p2p_store::disk::{DiskAction, DiskError};
use p2p_store::manifest::NodeNumber;
use p2p_store::placement::has_room_for;
use p2p_store::standing::Trouble;

use crate::cause::{Cause, ConnectionLoss, PassedOver};
use crate::faults::{ActiveFault, Failing, Fault, KnownFault, Target};
use crate::node::protocol::Refusal;
use crate::peer::Peer;
use crate::status::{Absence, Awaited, Replacement};
use crate::transfer::Upload;

use super::World;

impl World {
    /// Returns which of the nodes out of reach of its host an upload will do without if they do not answer: all that it uses, if other nodes within
    /// reach have room for their parts, and none otherwise.
    pub(crate) fn replaced(&self, host: Peer, upload: &Upload) -> Vec<Replacement> {
        let away = self.out_of_reach(host, || upload.nodes());
        if away.is_empty() {
            return Vec::new();
        }
        let Some(bytes) = upload.bytes_without(&away.iter().map(|away| away.node).collect()) else { return Vec::new() };
        let others = self.candidates(host, |node| upload.may_ask(node) && self.absence(host, node).is_none());
        if !has_room_for(&others, bytes, upload.segment_size()) {
            return Vec::new();
        }
        away.iter().map(|away| self.replacement(host, upload, away)).collect()
    }

    /// Returns when and how others replace a node that is out of reach.
    fn replacement(&self, host: Peer, upload: &Upload, &Awaited { node, why, .. }: &Awaited) -> Replacement {
        let (asking, (open, stored)) = (self.hosts.of_peer(host), upload.bytes_at(node));
        let tcp = asking.tcp();
        let given_up_at = || self.hosts.given_up_at(&self.net, host.index(), node);
        let again = tcp.connect_timeout * u64::from(upload.commits_left(node));
        // A node that is dead is not asked to commit, and not waited for.
        let dead_at = if self.is_dead(host, node) { Some(self.now()) } else { self.hosts.dead_at(&self.net, host.index(), node) };
        let until_dead = |at: SimTime| dead_at.map_or(at, |dead_at| at.min(dead_at));
        let from = match (open > 0, upload.is_committing()) {
            (true, _) => given_up_at(),
            (false, true) => given_up_at().map(|at| until_dead(at + again)),
            (false, false) => None,
        };
        let patience = match why {
            // Its host resets connections at once.
            Absence::Stopped | Absence::Refusing => SimDuration::ZERO,
            // A connection on which nothing is waited for stays open, and the commit is the first that fails on it.
            _ if open == 0 && asking.requester.is_connected(node) => tcp.user_timeout + again,
            _ => tcp.connect_timeout + again,
        };
        Replacement { node, from, open, stored, patience, dead_at }
    }

    /// Adds the faults to the cause of a failure of what a host asks of a node that are on and explain it, if any do.
    pub(super) fn explained(&self, (host, node): (Peer, NodeNumber), cause: Cause) -> Cause {
        let faults: Vec<KnownFault> = self.explanations((host, node), &cause).into_iter().map(KnownFault::from).collect();
        if faults.is_empty() { cause } else { Cause::Fault { faults, cause: Box::new(cause) } }
    }

    fn explanations(&self, (host, node): (Peer, NodeNumber), cause: &Cause) -> Vec<&ActiveFault> {
        let one = match cause {
            Cause::Unreachable(ConnectionLoss::AskerEnded) => {
                host.node().and_then(|asking| self.faults.of(Target::Process(asking)))
            }
            Cause::Unreachable(_) | Cause::PassedOver(PassedOver::Dead) => return self.why_unreachable(host, node),
            Cause::PassedOver(PassedOver::Withdrawn) => self.faults.of(Target::Process(node)),
            Cause::Refused(refusal) => self.why_refused(node, refusal),
            Cause::PassedOver(PassedOver::Full) => self.full_disk(node),
            Cause::PassedOver(PassedOver::Trouble(Trouble::Disk(error))) => self.why_disk_failed(node, error),
            _ => None,
        };
        one.into_iter().collect()
    }

    /// Returns the one fault by which a node cannot be reached, or else all that let fewer packets pass between it and a host, or
    /// let them or the answer be late.
    fn why_unreachable(&self, host: Peer, node: NodeNumber) -> Vec<&ActiveFault> {
        match self.fault_out_of_reach(host, node) {
            Some(one) => vec![one],
            None => self.delaying(host, node).collect(),
        }
    }

    /// Returns the one fault because of which nothing passes between a node's process and a host. To itself
    /// everything passes.
    fn fault_out_of_reach(&self, host: Peer, node: NodeNumber) -> Option<&ActiveFault> {
        let is_there = host != Peer::Node(node);
        let ways = [(host, Peer::Node(node)), (Peer::Node(node), host)].into_iter().filter(move |_| is_there);
        let of_process = self.faults.of(Target::Process(node)).filter(|active| !matches!(active.fault, Fault::Stopping { .. }));
        of_process.or_else(|| ways.into_iter().find_map(|(from, to)| self.faults.silencing(from, to)))
    }

    /// Returns those of the nodes that are out of a host's reach: because of faults, or because they have answered none of the
    /// latest probes. While no fault is on and all nodes answer, there are none, and `nodes` is not called.
    pub(crate) fn out_of_reach(&self, host: Peer, nodes: impl FnOnce() -> BTreeSet<NodeNumber>) -> Vec<Awaited> {
        if self.faults.is_empty() && !self.hosts.of_peer(host).peers.has_dead_peers() {
            return Vec::new();
        }
        nodes().into_iter().filter_map(|node| self.absence(host, node)).collect()
    }

    fn absence(&self, host: Peer, node: NodeNumber) -> Option<Awaited> {
        if let Some(active) = self.fault_out_of_reach(host, node) {
            let why = match active.fault {
                Fault::Killed { .. } => Absence::Killed,
                Fault::Stopped { .. } => Absence::Stopped,
                Fault::Refusing { .. } => Absence::Refusing,
                _ => Absence::CutOff,
            };
            return Some(Awaited { node, why, since: active.since });
        }
        let since = || self.hosts.of_peer(host).peers.peer(self.hosts.of_node(node).id).heard_at.unwrap_or(SimTime::ZERO);
        self.is_dead(host, node).then(|| Awaited { node, why: Absence::Silent, since: since() })
    }

    /// Returns the faults by which what a node and a host send each other is lost, damaged or late; to itself it sends over no link.
    fn delaying(&self, host: Peer, node: NodeNumber) -> impl Iterator<Item = &ActiveFault> {
        let (peer, is_there) = (Peer::Node(node), host != Peer::Node(node));
        let links = [host, peer].into_iter().flat_map(|of| [Direction::Up, Direction::Down].map(|way| Target::Link(of, way)));
        let paths = [Target::Path(host, peer), Target::Path(peer, host)];
        let rules = [Target::Paths(host), Target::Paths(peer)];
        let targets = links.chain(rules).chain(paths).filter(move |_| is_there).chain([Target::Disk(node)]);
        targets.filter_map(|target| self.faults.of(target)).filter(|active| match active.fault {
            Fault::Link { peer, direction, change } => change.is_worse_than(self.base_link(peer, direction)),
            Fault::Paths { peer: of, change } => change.is_worse_than(self.base_path_of(of)),
            Fault::Path { from, to, change } => change.is_worse_than(self.base_path(from, to)),
            Fault::Disk { faults, .. } => faults.slow.is_some(),
            _ => false,
        })
    }

    fn why_refused(&self, node: NodeNumber, refusal: &Refusal) -> Option<&ActiveFault> {
        match refusal {
            Refusal::DiskFull => self.full_disk(node),
            Refusal::Corrupt { id } => self.faults.of(Target::Disk(node)).filter(|_| self.nodes[node.index()].is_corrupt(*id)),
            Refusal::Disk(error) => self.why_disk_failed(node, error),
            Refusal::Doubtful { .. } => self.disk_that_fails(node, |fails| fails.syncs),
            Refusal::Full { .. } | Refusal::NotStored { .. } | Refusal::ReadOnly => None,
        }
    }

    fn full_disk(&self, node: NodeNumber) -> Option<&ActiveFault> {
        self.faults.of(Target::Disk(node)).filter(|_| self.nodes[node.index()].has_full_disk())
    }

    fn why_disk_failed(&self, node: NodeNumber, error: &DiskError) -> Option<&ActiveFault> {
        let DiskError::Io { action, .. } = error else { return None };
        self.disk_that_fails(node, |fails| match action {
            DiskAction::Read | DiskAction::List => fails.reads,
            DiskAction::Write | DiskAction::Delete => fails.writes,
            DiskAction::Sync => fails.syncs,
            DiskAction::Open | DiskAction::Sweep | DiskAction::Mark => false,
        })
    }

    /// Returns the fault of a node's disk, if operations of the meant kind fail.
    fn disk_that_fails(&self, node: NodeNumber, is_meant: impl Fn(Failing) -> bool) -> Option<&ActiveFault> {
        let active = self.faults.of(Target::Disk(node))?;
        matches!(active.fault, Fault::Disk { faults, .. } if is_meant(faults.fails)).then_some(active)
    }
}
