//! The ledger: the one list of the faults that are on, with what is under way to take them back.

use std::collections::BTreeMap;

use p2p_base::units::{SimDuration, SimTime};
use p2p_net::Direction;
use p2p_store::disk::DiskError;
use p2p_store::manifest::NodeNumber;

use super::{ActiveFault, Fault, FaultCause, LinkChange, PathChange, Target};
use crate::peer::Peer;

/// Step of a process that is killed and started again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlapStep {
    /// Instant of the step.
    pub(crate) at: SimTime,
    /// Number of steps that are left, this one included: two for each kill.
    left: u32,
}

impl FlapStep {
    /// Returns true if the process is killed by this step, and false if it is started.
    pub(crate) const fn kills(self) -> bool {
        self.left.is_multiple_of(2)
    }
}

/// Faults that are on, by target.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    on: BTreeMap<Target, ActiveFault>,
    /// Causes of the starts that are under way, by the node that reads its disk.
    starts: BTreeMap<NodeNumber, FaultCause>,
    /// Next step of each process that is killed and started again and again.
    flaps: BTreeMap<NodeNumber, FlapStep>,
    /// Errors of the disks that the latest starts could not read, by node.
    failed_starts: BTreeMap<NodeNumber, DiskError>,
}

impl Ledger {
    /// Notes that a fault is on from `now`. It takes the place of an earlier one of its target.
    pub(crate) fn begin(&mut self, now: SimTime, fault: Fault, cause: FaultCause) {
        let target = fault.target();
        if let Target::Process(node) = target {
            self.starts.remove(&node);
            self.failed_starts.remove(&node);
        }
        if let Fault::Flapping { node, plan } = fault {
            self.flaps.insert(node, FlapStep { at: now, left: plan.times * 2 });
        }
        self.on.insert(target, ActiveFault { fault, since: now, cause });
    }

    /// Notes what is left of a fault that is on.
    pub(crate) fn lessen(&mut self, fault: Fault) {
        if let Some(active) = self.on.get_mut(&fault.target()) {
            active.fault = fault;
        }
    }

    /// Removes the fault of a target, because it is taken back.
    pub(crate) fn end(&mut self, target: Target) -> Option<ActiveFault> {
        if let Target::Flap(node) = target {
            self.flaps.remove(&node);
        }
        self.on.remove(&target)
    }

    /// Takes a step that is due by `now` of a process that is killed and started again and again, and plans the next one. The last
    /// step is told by `true`.
    pub(crate) fn take_flap(&mut self, now: SimTime) -> Option<(NodeNumber, FlapStep, bool)> {
        let (&node, &step) = self.flaps.iter().find(|(_, step)| step.at <= now)?;
        let Some(Fault::Flapping { plan, .. }) = self.fault_of(Target::Flap(node)) else { return None };
        let half = SimDuration::from_nanos(plan.every.as_nanos() / 2);
        let span = if step.kills() { half } else { plan.every.saturating_sub(half) };
        let is_last = step.left == 1;
        if is_last {
            self.flaps.remove(&node);
        } else {
            self.flaps.insert(node, FlapStep { at: step.at + span, left: step.left - 1 });
        }
        Some((node, step, is_last))
    }

    /// Drops all steps that are planned, because the simulation ends.
    pub(crate) fn end_plans(&mut self) {
        self.flaps.clear();
    }

    /// Returns the targets of all faults that concern a host's links and paths.
    pub(crate) fn wires_of(&self, peer: Peer) -> Vec<Target> {
        let concerns = |target: &&Target| match **target {
            Target::Link(of, _) => of == peer,
            Target::Path(from, to) | Target::Cut(from, to) => from == peer || to == peer,
            _ => false,
        };
        self.on.keys().filter(concerns).copied().collect()
    }

    /// Returns the paths that are cut.
    pub(crate) fn cuts(&self) -> Vec<Target> {
        self.on.keys().filter(|target| matches!(target, Target::Cut(..))).copied().collect()
    }

    /// Returns the fault that explains why the client cannot reach a node, if one does.
    pub(crate) fn explanation(&self, node: NodeNumber) -> Option<&Fault> {
        let ways = [(Peer::Client, Peer::Node(node)), (Peer::Node(node), Peer::Client)];
        let cut = || ways.into_iter().find_map(|(from, to)| self.fault_of(Target::Cut(from, to)));
        let lossy = || {
            let faults = ways.into_iter().filter_map(|(from, to)| self.fault_of(Target::Path(from, to)));
            faults.into_iter().find(|fault| matches!(fault, Fault::Path { change, .. } if change.loses_all()))
        };
        self.of_process(node).or_else(cut).or_else(lossy)
    }

    /// Returns all faults that are on, by target.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ActiveFault> {
        self.on.values()
    }

    /// Returns the fault of a target.
    pub(crate) fn of(&self, target: Target) -> Option<&ActiveFault> {
        self.on.get(&target)
    }

    fn fault_of(&self, target: Target) -> Option<&Fault> {
        self.of(target).map(|active| &active.fault)
    }

    /// Returns the fault of a node's process.
    pub(crate) fn of_process(&self, node: NodeNumber) -> Option<&Fault> {
        self.fault_of(Target::Process(node))
    }

    /// Returns what is changed of one direction of a host's access link.
    pub(crate) fn link_change(&self, peer: Peer, direction: Direction) -> LinkChange {
        match self.fault_of(Target::Link(peer, direction)) {
            Some(Fault::Link { change, .. }) => *change,
            _ => LinkChange::default(),
        }
    }

    /// Returns what is changed of a path, and true if it is cut.
    pub(crate) fn path_change(&self, from: Peer, to: Peer) -> (PathChange, bool) {
        let change = match self.fault_of(Target::Path(from, to)) {
            Some(Fault::Path { change, .. }) => *change,
            _ => PathChange::default(),
        };
        (change, self.of(Target::Cut(from, to)).is_some())
    }

    /// Returns true if a node is to take no segments, because its process ends or has ended as planned.
    pub(crate) fn is_withdrawn(&self, node: NodeNumber) -> bool {
        matches!(self.of_process(node), Some(Fault::Stopping { .. } | Fault::Stopped { .. }))
    }

    /// Notes that a node's process reads its disk, for this reason.
    pub(crate) fn begin_start(&mut self, node: NodeNumber, cause: FaultCause) {
        self.starts.insert(node, cause);
        self.failed_starts.remove(&node);
    }

    /// Removes the start of a node whose process runs now, and returns its cause.
    pub(crate) fn end_start(&mut self, node: NodeNumber) -> Option<FaultCause> {
        self.starts.remove(&node)
    }

    /// Notes that the start of a node has failed.
    pub(crate) fn fail_start(&mut self, node: NodeNumber, error: DiskError) {
        self.starts.remove(&node);
        self.failed_starts.insert(node, error);
    }

    /// Returns the error for which the latest start of a node has failed.
    pub(crate) fn failed_start(&self, node: NodeNumber) -> Option<&DiskError> {
        self.failed_starts.get(&node)
    }

    /// Returns the nodes whose processes end as planned, each with the instant at which it ends in any case.
    pub(crate) fn stopping(&self) -> impl Iterator<Item = (NodeNumber, SimTime)> {
        // The processes are the first targets, so that nothing else is looked at.
        self.all().take_while(|active| matches!(active.fault.target(), Target::Process(_))).filter_map(|active| {
            match active.fault {
                Fault::Stopping { node, until, .. } => Some((node, until)),
                _ => None,
            }
        })
    }

    /// Returns the instant at which something is due by itself.
    pub(crate) fn next_timeout(&self) -> Option<SimTime> {
        self.stopping().map(|(_, until)| until).chain(self.flaps.values().map(|step| step.at)).min()
    }
}
