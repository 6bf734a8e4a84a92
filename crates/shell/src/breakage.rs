//! Faults that are on as the commands of a line will find it: what is on when the line begins, and what its earlier commands will
//! have put on and taken back. By the engine's [rules] it is known ahead of many commands that they would be refused.
//!
//! What changes by itself is not foretold: a process that flaps, stops or starts while the line begins, what a plan of the line itself
//! kills and starts, and corrupt segments, which may be stored again. Nor is anything once a command has waited for virtual time where
//! other lines run beside this one.

use std::collections::{BTreeMap, BTreeSet};

use p2p_engine::fault_rules::{self as rules, Process, Stage};
use p2p_engine::faults::{Fault, FaultError, Profile, Target};
use p2p_engine::operation::{Break, Mend, Which};
use p2p_engine::snapshot::{NodeStatus, Peer};
use p2p_engine::{EngineError, Snapshot};
use p2p_net::Direction;
use p2p_store::manifest::NodeNumber;

use crate::commands::faults::Change;

/// Node as far as commands depend on it.
#[derive(Debug, Clone)]
struct Node {
    stage: Stage,
    is_empty: bool,
}

/// Faults that are on, as far as they are known ahead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breakage {
    nodes: BTreeMap<NodeNumber, Node>,
    on: BTreeMap<Target, Fault>,
    /// Targets of which a profile has put something on, with its name.
    by_profile: BTreeSet<(String, Target)>,
    /// Targets of which it is not known what is on.
    open: BTreeSet<Target>,
    /// True if segments may be stored that were not when the line began.
    may_store: bool,
    /// False once nothing is known.
    is_known: bool,
}

impl Breakage {
    /// Returns what is broken when a line begins.
    pub(crate) fn of(snapshot: &Snapshot) -> Breakage {
        let on: BTreeMap<Target, Fault> =
            snapshot.faults.iter().map(|active| (active.fault.target(), active.fault.clone())).collect();
        let profiles = snapshot.faults.iter().flat_map(|active| {
            let names = active.causes().filter_map(|cause| cause.profile());
            names.map(|name| (name.to_owned(), active.fault.target()))
        });
        let node = |status: &NodeStatus| Node {
            stage: Stage::of(status.state, on.get(&Target::Process(status.node))),
            is_empty: status.segments == Some(0),
        };
        let nodes: BTreeMap<NodeNumber, Node> = snapshot.figures.nodes.iter().map(|status| (status.node, node(status))).collect();
        let starting = nodes.iter().filter(|(_, node)| node.stage == Stage::Starts).map(|(&node, _)| node);
        // A disk in trouble may be looked after meanwhile.
        let troubled = snapshot.figures.nodes.iter().filter(|status| status.trouble.is_some()).map(|status| status.node);
        let open = on.values().flat_map(changing).chain(starting.chain(troubled).map(Target::Process)).collect();
        let may_store = snapshot.running().next().is_some();
        Breakage { by_profile: profiles.collect(), open, nodes, on, may_store, is_known: true }
    }

    /// Notes that nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.is_known = false;
    }

    /// Notes that segments may be stored from now on.
    pub(crate) fn may_store(&mut self) {
        self.may_store = true;
    }

    /// Refuses a change that the engine is known to refuse by then.
    ///
    /// # Errors
    /// Fails with the error of the engine.
    pub(crate) fn check(&self, change: &Change) -> Result<(), EngineError> {
        if !self.is_known {
            return Ok(());
        }
        match change {
            Change::Break(what) => self.check_break(what),
            Change::Mend(Mend::Process { node }) => self.of_process(*node, Process::require_startable),
            Change::Mend(what) => self.check_mending(&what.targets()),
            Change::Clear(which) => self.check_clearing(which),
        }
    }

    fn check_break(&self, what: &Break) -> Result<(), EngineError> {
        match what {
            Break::Kill { node } => self.of_process(*node, Process::require_killable),
            Break::Stop { node, .. } => self.of_process(*node, Process::require_stoppable),
            Break::Restart { node, .. } => self.of_process(*node, Process::require_restartable),
            Break::Refuse { node } => self.of_process(*node, Process::require_accepting),
            Break::Flap { node, .. } => self.of_process(*node, Process::require_running),
            Break::Disk { node, faults } => Ok(rules::require_stored(*faults, &[*node], |of| self.is_empty(of))?),
            Break::Profile { node, profile, .. } => self.check_profile(*node, profile),
            Break::Link { .. } | Break::Paths { .. } | Break::Path { .. } | Break::Partition { .. } => Ok(()),
        }
    }

    /// Checks the process of a node, if it is known.
    fn of_process<'a>(
        &'a self,
        node: NodeNumber,
        check: impl FnOnce(&Process<'a>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        self.process(node).map_or(Ok(()), |process| check(&process))
    }

    /// Takes in what a change that succeeds brings about.
    pub(crate) fn follow(&mut self, change: &Change) {
        match change {
            Change::Break(what) => self.follow_break(what),
            Change::Mend(Mend::Process { node }) => self.set_process(*node, Stage::Runs, None),
            Change::Mend(Mend::Cuts) => self.take_back(|target| matches!(target, Target::Cut(..))),
            Change::Mend(what) => {
                let targets = what.targets();
                self.take_back(|target| targets.contains(&target));
            }
            Change::Clear(Which::All) => self.take_back(|_| true),
            Change::Clear(Which::Node(node)) => self.take_back(|target| target.is_of(*node)),
            Change::Clear(Which::Profile { name, node }) => {
                let put_on = self.put_on(name, *node);
                self.by_profile.retain(|(of, target)| of != name || !put_on.contains(target));
                // Something else may be left of their faults.
                self.open.extend(put_on);
            }
        }
    }

    /// Returns the process of a node, if it is known.
    fn process(&self, node: NodeNumber) -> Option<Process<'_>> {
        let target = Target::Process(node);
        let Node { stage, .. } = self.nodes.get(&node).filter(|_| !self.open.contains(&target))?;
        Some(Process { node, stage: *stage, fault: self.on.get(&target), trouble: None })
    }

    /// Returns true if a node is known to store no segment.
    fn is_empty(&self, node: NodeNumber) -> bool {
        !self.may_store && self.nodes.get(&node).is_some_and(|node| node.is_empty)
    }

    /// Returns the nodes that are meant by one, or all.
    fn nodes_of(&self, node: Option<NodeNumber>) -> Vec<NodeNumber> {
        node.map_or_else(|| self.nodes.keys().copied().collect(), |node| vec![node])
    }

    /// Returns the targets of a node, or of all, of which a profile has put something on.
    fn put_on(&self, profile: &str, node: Option<NodeNumber>) -> Vec<Target> {
        let put = self.by_profile.iter().filter(|(name, target)| name == profile && node.is_none_or(|node| target.is_of(node)));
        put.map(|(_, target)| *target).collect()
    }

    fn check_profile(&self, node: Option<NodeNumber>, profile: &Profile) -> Result<(), EngineError> {
        let nodes = self.nodes_of(node);
        if let Some(disk) = profile.disk_alone() {
            rules::require_stored(disk, &nodes, |of| self.is_empty(of))?;
        }
        if profile.flap.is_some() {
            nodes.iter().try_for_each(|&node| self.of_process(node, Process::require_running))?;
        }
        Ok(())
    }

    fn check_mending(&self, targets: &[Target]) -> Result<(), EngineError> {
        let others = targets.first().map(|&first| rules::elsewhere(first)).unwrap_or_default();
        let is_open = targets.iter().chain(&others).any(|target| self.open.contains(target));
        if is_open { Ok(()) } else { Ok(rules::require_broken(targets, |target| self.on.get(&target))?) }
    }

    fn check_clearing(&self, which: &Which) -> Result<(), EngineError> {
        match which {
            Which::Node(node) if !self.on.keys().chain(&self.open).any(|target| target.is_of(*node)) => {
                Err(FaultError::NodeSound(*node).into())
            }
            Which::Profile { name, node } if self.put_on(name, *node).is_empty() => {
                Err(FaultError::ProfileNotOn { name: name.clone(), node: *node }.into())
            }
            Which::All | Which::Node(_) | Which::Profile { .. } => Ok(()),
        }
    }

    fn follow_break(&mut self, what: &Break) {
        match what {
            Break::Kill { node } => self.set_process(*node, Stage::Gone, Some(Fault::Killed { node: *node })),
            Break::Stop { node, .. } => self.set_process(*node, Stage::Gone, Some(Fault::Stopped { node: *node })),
            Break::Restart { node, .. } => self.set_process(*node, Stage::Runs, None),
            Break::Refuse { node } => self.set_process(*node, Stage::Runs, Some(Fault::Refusing { node: *node })),
            // One that makes no difference is not on.
            Break::Disk { .. } | Break::Link { .. } | Break::Paths { .. } | Break::Path { .. } | Break::Partition { .. } => {
                self.open.extend(changed(what));
            }
            Break::Flap { node, .. } => self.open.extend([Target::Flap(*node), Target::Process(*node)]),
            Break::Profile { name, node, profile } => {
                let put = self.nodes_of(*node).into_iter().flat_map(|node| of_profile(node, profile)).collect::<Vec<_>>();
                self.by_profile.extend(put.iter().map(|&target| (name.clone(), target)));
                self.open.extend(put);
            }
        }
    }

    /// Notes what has become of a process, unless it is killed and started by itself.
    fn set_process(&mut self, node: NodeNumber, stage: Stage, fault: Option<Fault>) {
        let (target, flap) = (Target::Process(node), Target::Flap(node));
        if self.on.contains_key(&flap) || self.open.contains(&flap) {
            return;
        }
        self.open.remove(&target);
        self.nodes.entry(node).and_modify(|node| node.stage = stage);
        self.on.remove(&target);
        self.on.extend(fault.map(|fault| (target, fault)));
    }

    /// Notes that what is on of these targets is taken back. Of a process, which need not come to run, the end is not known.
    fn take_back(&mut self, is_meant: impl Fn(Target) -> bool) {
        let processes = self.on.keys().copied().filter(|target| matches!(target, Target::Process(_)) && is_meant(*target));
        let processes: Vec<Target> = processes.collect();
        self.on.retain(|&target, _| !is_meant(target));
        self.open.retain(|&target| matches!(target, Target::Process(_)) || !is_meant(target));
        self.by_profile.retain(|(_, target)| !is_meant(*target));
        self.open.extend(processes);
    }
}

/// Returns the targets that a fault that is on may change by itself.
fn changing(fault: &Fault) -> Vec<Target> {
    match fault {
        Fault::Flapping { node, .. } => vec![Target::Flap(*node), Target::Process(*node)],
        Fault::Stopping { node, .. } => vec![Target::Process(*node)],
        Fault::Disk { node, faults, .. } if faults.corrupt > 0 => vec![Target::Disk(*node)],
        _ => Vec::new(),
    }
}

/// Returns the disk, the links or the paths that a change concerns.
fn changed(what: &Break) -> Vec<Target> {
    match what {
        Break::Disk { node, .. } => vec![Target::Disk(*node)],
        Break::Link { peer, direction, .. } => Mend::Link { peer: *peer, direction: *direction }.targets(),
        Break::Paths { peer, .. } => vec![Target::Paths(*peer)],
        &Break::Path { from, to, one_way, .. } => {
            [Mend::Path { from, to, one_way }, Mend::Cut { from, to, one_way }].iter().flat_map(Mend::targets).collect()
        }
        Break::Partition { one, other, one_way } => {
            let pairs = one.iter().flat_map(|&from| other.iter().map(move |&to| (from, to)));
            pairs.flat_map(|(from, to)| Mend::Cut { from, to, one_way: *one_way }.targets()).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the targets of which a profile puts something on for a node.
fn of_profile(node: NodeNumber, profile: &Profile) -> Vec<Target> {
    let peer = Peer::Node(node);
    let parts = [
        (!profile.path.is_none()).then_some(Target::Paths(peer)),
        (!profile.up.is_none()).then_some(Target::Link(peer, Direction::Up)),
        (!profile.down.is_none()).then_some(Target::Link(peer, Direction::Down)),
        (!profile.disk.is_none()).then_some(Target::Disk(node)),
        profile.flap.map(|_| Target::Flap(node)),
        profile.flap.map(|_| Target::Process(node)),
    ];
    parts.into_iter().flatten().collect()
}
