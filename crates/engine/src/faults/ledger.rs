//! The ledger: the one list of the faults that are on, with what is under way to take them back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{Direction, PathRule};
use p2p_store::disk::DiskError;
use p2p_store::manifest::NodeNumber;

use super::{ActiveFault, ChangedPath, DiskFaults, Fault, FaultCause, LinkChange, PathChange, Target};
use crate::peer::Peer;

/// Step of a process that is killed and started again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FlapStep {
    /// Instant of the step.
    at: SimTime,
    /// Number of steps that are left, this one included: two for each kill.
    left: u32,
}

impl FlapStep {
    /// Returns true if the process is killed by this step, and false if it is started.
    const fn kills(self) -> bool {
        self.left.is_multiple_of(2)
    }
}

/// Step that is due of a process that is killed and started again and again.
#[derive(Debug)]
pub(crate) struct DueFlap {
    pub(crate) node: NodeNumber,
    /// True if the process is killed, and false if it is started.
    pub(crate) kills: bool,
    /// Cause of what is done.
    pub(crate) cause: FaultCause,
    /// True if the plan is over with it.
    pub(crate) is_last: bool,
}

/// Course that a fault takes by itself.
#[derive(Debug, PartialEq, Eq)]
enum Course {
    /// Nothing happens by itself.
    Stays,
    /// The process is killed and started, next by this step.
    Flaps(FlapStep),
    /// The process reads its disk, and the fault ends for this reason once it runs.
    Starts(FaultCause),
    /// The latest start could not read the disk.
    FailedToStart(DiskError),
}

/// Part of a fault, as one command or profile has put it on.
#[derive(Debug)]
struct Part {
    fault: Fault,
    cause: FaultCause,
    /// Number of the part among all that were put on.
    order: u64,
}

/// Fault that is on, and its course.
#[derive(Debug)]
struct Entry {
    active: ActiveFault,
    /// Parts of which the fault consists, the newest last. Of one profile, and of all commands, each thing is said in one part alone.
    parts: Vec<Part>,
    course: Course,
}

impl Entry {
    /// Adds a part to the fault.
    fn add(&mut self, new: Part) {
        for part in std::mem::take(&mut self.parts) {
            let is_replaced = part.cause.profile() == new.cause.profile();
            let left = if is_replaced { part.fault.beneath(&new.fault) } else { Some(part.fault) };
            self.parts.extend(left.map(|fault| Part { fault, ..part }));
        }
        self.active.fault = self.active.fault.with(&new.fault);
        self.add_cause(new.cause.clone());
        self.parts.push(new);
        self.active.rules = rules_of(&self.parts);
    }

    fn add_cause(&mut self, cause: FaultCause) {
        if self.active.causes().all(|known| *known != cause) {
            self.active.added.push(cause);
        }
    }

    /// Removes the parts of a profile and returns them as a fault, if there are such.
    fn remove_profile(&mut self, name: &str) -> Option<ActiveFault> {
        let is_of = |cause: &FaultCause| cause.profile() == Some(name);
        let (removed, left): (Vec<Part>, Vec<Part>) =
            std::mem::take(&mut self.parts).into_iter().partition(|part| is_of(&part.cause));
        self.parts = left;
        self.active.rules = rules_of(&self.parts);
        if let Some(fault) = all_of(&self.parts) {
            self.active.fault = fault;
        }
        let mut causes: Vec<FaultCause> = self.active.causes().filter(|cause| !is_of(cause)).cloned().collect();
        if !causes.is_empty() {
            (self.active.cause, self.active.added) = (causes.remove(0), causes);
        }
        let cause = removed.first()?.cause.clone();
        let (fault, rules) = (all_of(&removed)?, rules_of(&removed));
        Some(ActiveFault { fault, since: self.active.since, cause, added: Vec::new(), rules })
    }
}

/// Returns the fault of which these are the parts.
fn all_of(parts: &[Part]) -> Option<Fault> {
    parts.iter().map(|part| part.fault.clone()).reduce(|all, newer| all.with(&newer))
}

/// Returns what parts of a fault say of all paths of a host, as rules for the network.
fn rules_of(parts: &[Part]) -> Vec<PathRule> {
    let rule = |part: &Part| match part.fault {
        Fault::Paths { change, .. } => Some(PathRule { order: part.order, change }),
        _ => None,
    };
    parts.iter().filter_map(rule).collect()
}

/// Faults that are on, by target.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    on: BTreeMap<Target, Entry>,
    /// Number of parts that were put on so far.
    parts: u64,
    /// The same faults for snapshots, until one of them changes.
    listed: OnceLock<Arc<[ActiveFault]>>,
    /// Instants at which the processes end that end as planned. They are looked at whenever nothing is left to do at an instant.
    stopping: BTreeMap<NodeNumber, SimTime>,
}

impl Ledger {
    /// Notes that a fault is on from `now`. One of a disk, a link or a path comes to the earlier one of its target, one of a process
    /// takes its place.
    pub(crate) fn begin(&mut self, now: SimTime, fault: Fault, cause: FaultCause) {
        let target = fault.target();
        self.parts += 1;
        let part = Part { fault: fault.clone(), cause: cause.clone(), order: self.parts };
        if let Target::Process(node) = target {
            self.note_stop(node, Some(&fault));
        } else if !matches!(target, Target::Flap(_))
            && let Some(entry) = self.altered().get_mut(&target)
        {
            return entry.add(part);
        }
        let course = match fault {
            Fault::Flapping { plan, .. } => Course::Flaps(FlapStep { at: now, left: plan.times * 2 }),
            _ => Course::Stays,
        };
        let parts = vec![part];
        let active = ActiveFault { fault, since: now, cause, added: Vec::new(), rules: rules_of(&parts) };
        self.altered().insert(target, Entry { active, parts, course });
    }

    /// Returns the faults for a change of what they are, of which the next snapshot knows.
    fn altered(&mut self) -> &mut BTreeMap<Target, Entry> {
        self.listed.take();
        &mut self.on
    }

    fn note_stop(&mut self, node: NodeNumber, fault: Option<&Fault>) {
        match fault {
            Some(&Fault::Stopping { until, .. }) => drop(self.stopping.insert(node, until)),
            _ => drop(self.stopping.remove(&node)),
        }
    }

    /// Notes a further reason for a fault that is on.
    pub(crate) fn add_cause(&mut self, target: Target, cause: FaultCause) {
        if let Some(entry) = self.altered().get_mut(&target) {
            entry.add_cause(cause);
        }
    }

    /// Notes what a fault that is on has become.
    pub(crate) fn replace(&mut self, fault: Fault) {
        if let Some(entry) = self.altered().get_mut(&fault.target()) {
            entry.active.fault = fault;
        }
    }

    /// Removes the fault of a target, because it is taken back.
    pub(crate) fn end(&mut self, target: Target) -> Option<ActiveFault> {
        if let Target::Process(node) = target {
            self.note_stop(node, None);
        }
        self.altered().remove(&target).map(|entry| entry.active)
    }

    /// Removes what a profile has put on of a target, and returns it. What is left stays on; if nothing is, it has to be
    /// [ended](Self::end).
    pub(crate) fn remove_profile(&mut self, target: Target, name: &str) -> Option<ActiveFault> {
        self.altered().get_mut(&target)?.remove_profile(name)
    }

    /// Returns true if nothing is left of the fault of a target.
    pub(crate) fn is_spent(&self, target: Target) -> bool {
        self.on.get(&target).is_none_or(|entry| entry.parts.is_empty())
    }

    /// Returns the faults that a profile has put on, or added to, of one node or of all.
    pub(crate) fn of_profile(&self, name: &str, node: Option<NodeNumber>) -> Vec<Target> {
        let is_meant = |(target, entry): &(&Target, &Entry)| {
            node.is_none_or(|node| target.is_of(node)) && entry.parts.iter().any(|part| part.cause.profile() == Some(name))
        };
        self.on.iter().filter(is_meant).map(|(target, _)| *target).collect()
    }

    /// Returns the processes that are killed and started again and again, each with its next step.
    fn flaps(&self) -> impl Iterator<Item = (NodeNumber, FlapStep)> {
        let from = self.on.range(Target::Flap(NodeNumber::from_index(0))..);
        let of_flaps = from.take_while(|(target, _)| matches!(target, Target::Flap(_)));
        of_flaps.filter_map(|(target, entry)| match (*target, &entry.course) {
            (Target::Flap(node), Course::Flaps(step)) => Some((node, *step)),
            _ => None,
        })
    }

    /// Takes a step that is due by `now` of a process that is killed and started again and again, and plans the next one.
    pub(crate) fn take_flap(&mut self, now: SimTime) -> Option<DueFlap> {
        let (node, step) = self.flaps().find(|(_, step)| step.at <= now)?;
        let entry = self.on.get_mut(&Target::Flap(node))?;
        let Fault::Flapping { plan, .. } = entry.active.fault else { return None };
        let half = SimDuration::from_nanos(plan.every.as_nanos() / 2);
        let span = if step.kills() { half } else { plan.every.saturating_sub(half) };
        let is_last = step.left == 1;
        entry.course = match is_last {
            true => Course::Stays,
            false => Course::Flaps(FlapStep { at: step.at + span, left: step.left - 1 }),
        };
        Some(DueFlap { node, kills: step.kills(), cause: entry.active.cause.of_flap(), is_last })
    }

    /// Drops all steps that are planned, because the simulation ends.
    pub(crate) fn end_plans(&mut self) {
        self.on
            .values_mut()
            .filter(|entry| matches!(entry.course, Course::Flaps(_)))
            .for_each(|entry| entry.course = Course::Stays);
    }

    /// Returns the targets of all faults that concern a host's links and paths.
    pub(crate) fn wires_of(&self, peer: Peer) -> Vec<Target> {
        let concerns = |target: &&Target| match **target {
            Target::Link(of, _) | Target::Paths(of) => of == peer,
            Target::Path(from, to) | Target::Cut(from, to) => from == peer || to == peer,
            _ => false,
        };
        self.on.keys().filter(concerns).copied().collect()
    }

    /// Returns the targets of all faults of single paths that begin or end at one of these hosts.
    pub(crate) fn single_paths_of(&self, peers: &[Peer]) -> Vec<Target> {
        let peers: BTreeSet<Peer> = peers.iter().copied().collect();
        // Nothing but single paths is after the first of them.
        let paths = self.on.range(Target::FIRST_PATH..).map(|(target, _)| *target);
        paths.filter(|target| target.hosts().any(|host| peers.contains(&host))).collect()
    }

    /// Returns the paths that are cut.
    pub(crate) fn cuts(&self) -> Vec<Target> {
        self.on.keys().filter(|target| matches!(target, Target::Cut(..))).copied().collect()
    }

    /// Returns true if no fault is on.
    pub(crate) fn is_empty(&self) -> bool {
        self.on.is_empty()
    }

    /// Returns all faults that are on, by target.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ActiveFault> {
        self.on.values().map(|entry| &entry.active)
    }

    /// Returns the same for snapshots: copied once for each change, and not for each snapshot.
    pub(crate) fn listed(&self) -> Arc<[ActiveFault]> {
        Arc::clone(self.listed.get_or_init(|| self.all().cloned().collect()))
    }

    /// Returns the fault of a target.
    pub(crate) fn of(&self, target: Target) -> Option<&ActiveFault> {
        self.on.get(&target).map(|entry| &entry.active)
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

    /// Returns what is changed of all paths of a host.
    pub(crate) fn paths_change(&self, peer: Peer) -> PathChange {
        match self.fault_of(Target::Paths(peer)) {
            Some(Fault::Paths { change, .. }) => *change,
            _ => PathChange::default(),
        }
    }

    /// Returns the same as rules for the network, each with its place among those of all hosts.
    pub(crate) fn path_rules(&self, peer: Peer) -> Vec<PathRule> {
        self.of(Target::Paths(peer)).map_or_else(Vec::new, |active| active.rules.clone())
    }

    /// Returns the faults of a disk, with those segments that were corrupt when they were put on.
    pub(crate) fn disk_faults(&self, node: NodeNumber) -> DiskFaults {
        match self.fault_of(Target::Disk(node)) {
            Some(Fault::Disk { faults, .. }) => *faults,
            _ => DiskFaults::default(),
        }
    }

    /// Returns what is said of a path itself, and true if it is cut.
    pub(crate) fn path_change(&self, from: Peer, to: Peer) -> (PathChange, bool) {
        let change = match self.fault_of(Target::Path(from, to)) {
            Some(Fault::Path { change, .. }) => *change,
            _ => PathChange::default(),
        };
        (change, self.of(Target::Cut(from, to)).is_some())
    }

    /// Returns the fault because of which no packet passes from one host to another, if one cuts the path or lets it lose all.
    pub(crate) fn silencing(&self, from: Peer, to: Peer) -> Option<&ActiveFault> {
        self.of(Target::Cut(from, to)).or_else(|| ChangedPath::new(from, to, |target| self.of(target)).loses_all_by())
    }

    /// Returns true if a node is to take no segments, because its process ends or has ended as planned.
    pub(crate) fn is_withdrawn(&self, node: NodeNumber) -> bool {
        matches!(self.of_process(node), Some(Fault::Stopping { .. } | Fault::Stopped { .. }))
    }

    /// Notes that a node's process reads its disk, for this reason.
    pub(crate) fn begin_start(&mut self, node: NodeNumber, cause: FaultCause) {
        self.set_course(node, Course::Starts(cause));
    }

    /// Returns the reason of the start of a node whose process runs now.
    pub(crate) fn cause_of_start(&self, node: NodeNumber) -> Option<FaultCause> {
        match &self.on.get(&Target::Process(node))?.course {
            Course::Starts(cause) => Some(cause.clone()),
            _ => None,
        }
    }

    /// Notes that the start of a node has failed.
    pub(crate) fn fail_start(&mut self, node: NodeNumber, error: DiskError) {
        self.set_course(node, Course::FailedToStart(error));
    }

    /// Returns the error for which the latest start of a node has failed.
    pub(crate) fn failed_start(&self, node: NodeNumber) -> Option<&DiskError> {
        match &self.on.get(&Target::Process(node))?.course {
            Course::FailedToStart(error) => Some(error),
            _ => None,
        }
    }

    fn set_course(&mut self, node: NodeNumber, course: Course) {
        self.on.entry(Target::Process(node)).and_modify(|entry| entry.course = course);
    }

    /// Returns the nodes whose processes end as planned, each with the instant at which it ends in any case.
    pub(crate) fn stopping(&self) -> impl Iterator<Item = (NodeNumber, SimTime)> {
        self.stopping.iter().map(|(&node, &until)| (node, until))
    }

    /// Returns the instant at which something is due by itself.
    pub(crate) fn next_timeout(&self) -> Option<SimTime> {
        self.stopping.values().copied().chain(self.flaps().map(|(_, step)| step.at)).min()
    }
}
