//! Execution of the commands that break parts of the network on purpose, and the answers to those that wait.

mod wires;

use p2p_base::units::SimDuration;
use p2p_store::manifest::NodeNumber;
use p2p_store::standing::Trouble;

use super::answers::Answer;
use super::running::Running;
use super::{CommandId, Simulation, Waiting};
use crate::error::EngineError;
use crate::fault_rules::{self as rules, Process, Stage};
use crate::faults::{ActiveFault, ClearedFaults, DiskFaults, Fault, FaultCause, FaultError, Flapping, Target};
use crate::operation::{Break, Mend, Reply, Which};
use crate::peer::Peer;
use crate::policy;
use crate::principal::Principal;

/// Event that a command waits for which ends or starts processes of nodes.
#[derive(Debug)]
pub(super) enum AwaitedProcess {
    /// The planned end of a node's process.
    Stop(NodeNumber),
    /// The start of the process of a node.
    Start(NodeNumber),
    /// The start of the process of a node, of which these faults are taken back.
    Mend(NodeNumber, Vec<ActiveFault>),
    /// The start of all processes whose faults are among these, which are taken back together.
    Clear(Vec<ActiveFault>),
    /// The end of a node's process, which has started so many times before, and its next start.
    Restart(NodeNumber, u64),
}

/// Returns the cause of what a caller does.
fn caused(by: &Principal) -> FaultCause {
    FaultCause::Command { by: by.name().map(str::to_owned) }
}

/// Returns the reply to a command that has taken all of the faults back that it was to.
fn cleared(taken_back: Vec<ActiveFault>) -> Reply {
    Reply::Cleared(ClearedFaults { taken_back, not_running: Vec::new() })
}

impl Simulation {
    /// Breaks something on purpose.
    pub(super) fn break_it(&mut self, id: CommandId, by: &Principal, what: Break) -> Option<Answer> {
        if let Err(error) = what.check() {
            return Some(Err(error.into()));
        }
        match what {
            Break::Kill { node } => Some(self.kill_node(by, node)),
            Break::Stop { node, within } => self.stop_node(id, by, node, within),
            Break::Restart { node, within } => self.restart_node(id, by, node, within),
            Break::Refuse { node } => Some(self.refuse_node(by, node)),
            Break::Disk { node, faults } => Some(self.break_disk(by, node, faults)),
            Break::Flap { node, plan } => Some(self.begin_flap(by, node, plan)),
            Break::Link { peer, direction, change } => Some(self.break_link(by, peer, direction, change)),
            Break::Paths { peer, change } => Some(self.break_paths(by, peer, change)),
            Break::Path { from, to, one_way, change, cut } => Some(self.break_path(by, (from, to, one_way), change, cut)),
            Break::Partition { one, other, one_way } => Some(self.part(by, &one, &other, one_way)),
            Break::Profile { name, node, profile } => Some(self.apply_profile(by, name, node, &profile)),
        }
    }

    /// Takes a fault back.
    pub(super) fn mend(&mut self, id: CommandId, by: &Principal, what: &Mend) -> Option<Answer> {
        if let Err(error) = what.check() {
            return Some(Err(error.into()));
        }
        match *what {
            Mend::Process { node } => self.mend_process(id, by, node),
            Mend::Disk { node } => Some(self.mend_disk(by, what, node)),
            Mend::Flap { node } => self.end_flap(id, by, what, node),
            Mend::Link { peer, .. } | Mend::Paths { peer } => Some(self.mend_wires(by, &[peer], what)),
            Mend::Path { from, to, .. } | Mend::Cut { from, to, .. } => Some(self.mend_wires(by, &[from, to], what)),
            Mend::Cuts => {
                let cuts = self.world.faults.cuts();
                Some(Ok(self.mend_all(by, cuts)))
            }
        }
    }

    /// Refuses to take back what is not on.
    fn refuse_sound(&self, what: &Mend) -> Result<(), EngineError> {
        let on = |target| self.world.faults.of(target).map(|active| &active.fault);
        Ok(rules::require_broken(&what.targets(), on)?)
    }

    /// Takes the faults of targets back, none of which is a process or a plan, and returns them.
    fn mend_all(&mut self, by: &Principal, targets: Vec<Target>) -> Reply {
        cleared(targets.into_iter().filter_map(|target| self.take_back_one(by, target, None)).collect())
    }

    /// Takes back what is wrong with the process of a node on purpose, and starts it unless it runs.
    fn mend_process(&mut self, id: CommandId, by: &Principal, node: NodeNumber) -> Option<Answer> {
        let taken_back = self.world.faults.of(Target::Process(node)).cloned().into_iter().collect();
        self.start_taking_back(id, by, node, taken_back)
    }

    /// Starts the process of a node, and answers with the faults that are taken back by that once it runs.
    fn start_taking_back(
        &mut self,
        id: CommandId,
        by: &Principal,
        node: NodeNumber,
        taken_back: Vec<ActiveFault>,
    ) -> Option<Answer> {
        match self.begin_start(by, node) {
            Ok(()) => self.wait_for(id, Waiting::Process(AwaitedProcess::Mend(node, taken_back))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Checks that a node exists, and that the simulation does not end.
    fn breakable(&self, node: NodeNumber) -> Result<(), EngineError> {
        self.refuse_when_closing()?;
        if node.index() < self.world.nodes.len() { Ok(()) } else { Err(EngineError::UnknownHost(Peer::Node(node))) }
    }

    /// Returns the process of a node, with what is wrong with it.
    fn process_of(&self, node: NodeNumber) -> Result<Process<'_>, EngineError> {
        self.breakable(node)?;
        let process = &self.world.nodes[node.index()].node;
        let stage = match (process.is_running(), process.is_starting()) {
            (true, _) => Stage::Runs,
            (false, true) => Stage::Starts,
            (false, false) => Stage::Gone,
        };
        Ok(Process { node, stage, fault: self.world.faults.of_process(node), trouble: process.trouble() })
    }

    fn kill_node(&mut self, by: &Principal, node: NodeNumber) -> Answer {
        self.process_of(node)?.require_killable()?;
        self.world.kill_node(node, caused(by));
        Ok(Reply::Done(()))
    }

    fn refuse_node(&mut self, by: &Principal, node: NodeNumber) -> Answer {
        self.process_of(node)?.require_accepting()?;
        self.world.refuse_node(node, caused(by));
        Ok(Reply::Done(()))
    }

    fn stop_node(&mut self, id: CommandId, by: &Principal, node: NodeNumber, within: SimDuration) -> Option<Answer> {
        match self.begin_stop(by, node, within, false) {
            Ok(()) => self.wait_for(id, Waiting::Process(AwaitedProcess::Stop(node))),
            Err(error) => Some(Err(error)),
        }
    }

    fn begin_stop(&mut self, by: &Principal, node: NodeNumber, within: SimDuration, restarts: bool) -> Result<(), EngineError> {
        self.process_of(node)?.require_stoppable()?;
        let until = self.instant_after(within)?;
        self.world.begin_stop(node, until, restarts, caused(by));
        Ok(())
    }

    /// Ends the processes that are to end as planned and that nothing needs any more.
    pub(super) fn end_quiet_stops(&mut self) {
        // A download that has not begun yet may need any node.
        let stopping = if self.waiting.is_any_opening() { Vec::new() } else { self.world.quiet_stopping() };
        for node in stopping {
            let is_needed = |transfer: &Running| transfer.needs(node) || transfer.host() == Peer::Node(node);
            if !self.transfers.values().any(is_needed) {
                self.world.end_stop(node);
            }
        }
    }

    fn restart_node(&mut self, id: CommandId, by: &Principal, node: NodeNumber, within: SimDuration) -> Option<Answer> {
        let begun = match self.process_of(node) {
            Ok(process) if process.stage != Stage::Runs => return self.start_node(id, by, node),
            process => process.map(drop).and_then(|()| self.begin_stop(by, node, within, true)),
        };
        let starts = self.world.nodes.get(node.index()).map_or(0, |entry| entry.node.starts());
        match begun {
            Ok(()) => self.wait_for(id, Waiting::Process(AwaitedProcess::Restart(node, starts))),
            Err(error) => Some(Err(error)),
        }
    }

    fn start_node(&mut self, id: CommandId, by: &Principal, node: NodeNumber) -> Option<Answer> {
        if let Err(error) = self.begin_start(by, node) {
            return Some(Err(error));
        }
        self.wait_for(id, Waiting::Process(AwaitedProcess::Start(node)))
    }

    fn begin_start(&mut self, by: &Principal, node: NodeNumber) -> Result<(), EngineError> {
        let process = self.process_of(node)?;
        process.require_startable()?;
        if process.stage != Stage::Starts {
            self.world.start_node(node, caused(by));
        }
        Ok(())
    }

    fn break_disk(&mut self, by: &Principal, node: NodeNumber, faults: DiskFaults) -> Answer {
        self.breakable(node)?;
        self.refuse_unstored(faults, &[node])?;
        let corrupt = self.world.break_disk(node, faults, caused(by));
        // A replay has the segments that are corrupt, and needs no others.
        self.note_use_of(&corrupt);
        Ok(Reply::Done(()))
    }

    /// Refuses to make nothing but segments corrupt where none is stored.
    fn refuse_unstored(&self, faults: DiskFaults, nodes: &[NodeNumber]) -> Result<(), EngineError> {
        let is_empty = |node: NodeNumber| self.world.nodes[node.index()].node.volume_stats().segments == 0;
        Ok(rules::require_stored(faults, nodes, is_empty)?)
    }

    fn mend_disk(&mut self, by: &Principal, what: &Mend, node: NodeNumber) -> Answer {
        self.breakable(node)?;
        self.refuse_sound(what)?;
        Ok(self.mend_all(by, what.targets()))
    }

    fn begin_flap(&mut self, by: &Principal, node: NodeNumber, plan: Flapping) -> Answer {
        self.process_of(node)?.require_running()?;
        self.refuse_plan(plan)?;
        self.world.begin_fault(Fault::Flapping { node, plan }, caused(by));
        Ok(Reply::Done(()))
    }

    /// Refuses a plan that would not be over before the end of virtual time.
    fn refuse_plan(&self, plan: Flapping) -> Result<(), EngineError> {
        self.instant_after(plan.every.saturating_mul(u64::from(plan.times) + 1)).map(drop)
    }

    fn end_flap(&mut self, id: CommandId, by: &Principal, what: &Mend, node: NodeNumber) -> Option<Answer> {
        if let Err(error) = self.breakable(node).and_then(|()| self.refuse_sound(what)) {
            return Some(Err(error));
        }
        let plan = self.world.faults.of(Target::Flap(node)).cloned();
        self.world.end_fault(Target::Flap(node), caused(by));
        let process = self.world.faults.of(Target::Process(node)).cloned();
        let killed = process.filter(|active| matches!(active.cause, FaultCause::Flap { .. }));
        let (is_killed, taken_back) = (killed.is_some(), killed.into_iter().chain(plan).collect());
        if is_killed { self.start_taking_back(id, by, node, taken_back) } else { Some(Ok(cleared(taken_back))) }
    }

    /// Returns the faults that are on, as the caller may see them.
    pub(super) fn faults_known_to(&self, by: &Principal) -> Vec<ActiveFault> {
        self.world.faults.all().cloned().map(|fault| policy::known_of_fault(by, fault)).collect()
    }

    pub(super) fn clear_faults(&mut self, id: CommandId, by: &Principal, which: &Which) -> Option<Answer> {
        match self.take_back(by, which) {
            Ok(taken_back) => self.wait_for(id, Waiting::Process(AwaitedProcess::Clear(taken_back))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Takes faults back, or begins to, and returns them by target.
    fn take_back(&mut self, by: &Principal, which: &Which) -> Result<Vec<ActiveFault>, EngineError> {
        self.refuse_when_closing()?;
        let faults = &self.world.faults;
        let all = || faults.all().map(|active| active.fault.target());
        let targets: Vec<Target> = match which {
            Which::All => all().collect(),
            Which::Node(node) => {
                self.breakable(*node)?;
                all().filter(|target| target.is_of(*node)).collect()
            }
            Which::Profile { name, node } => faults.of_profile(name, *node),
        };
        match which {
            Which::Node(node) if targets.is_empty() => return Err(FaultError::NodeSound(*node).into()),
            Which::Profile { name, node } if targets.is_empty() => {
                return Err(FaultError::ProfileNotOn { name: name.clone(), node: *node }.into());
            }
            _ => {}
        }
        let profile = if let Which::Profile { name, .. } = which { Some(name.as_str()) } else { None };
        let hosts = wires::hosts_of_all_paths(&targets);
        // The processes are the first targets, and are started last, when their disks are sound.
        let mut taken_back: Vec<ActiveFault> =
            targets.into_iter().rev().filter_map(|target| self.take_back_one(by, target, profile)).collect();
        self.world.follow_paths_of(&hosts);
        taken_back.reverse();
        Ok(taken_back)
    }

    /// Takes the fault of a target back, or what a profile has put on of it, and returns that.
    fn take_back_one(&mut self, by: &Principal, target: Target, profile: Option<&str>) -> Option<ActiveFault> {
        let active = self.world.faults.of(target)?.clone();
        match (target, profile) {
            (Target::Process(node), _) => {
                // A start that is under way may have found the disk failing.
                self.world.give_up_start(node);
                // A node that cannot be started is told of like one of which the start fails.
                let _ = self.begin_start(by, node);
            }
            (Target::Flap(_), _) => self.world.end_fault(target, caused(by)),
            (target, None) => self.world.mend(target, caused(by)),
            (target, Some(name)) => return self.world.mend_profile(target, name, caused(by)),
        }
        Some(active)
    }

    /// Returns the answer to a command that waits for processes, if they have come to their end or their start.
    pub(super) fn answer_about_processes(&self, awaited: &AwaitedProcess) -> Option<Answer> {
        match awaited {
            AwaitedProcess::Stop(node) => self.answer_to_stop(*node),
            AwaitedProcess::Start(node) => self.answer_to_start(*node),
            AwaitedProcess::Mend(node, taken_back) => Some(self.answer_to_start(*node)?.map(|_| cleared(taken_back.clone()))),
            AwaitedProcess::Clear(faults) => self.answer_to_clear(faults),
            &AwaitedProcess::Restart(node, starts) => {
                let answer = self.answer_to_start(node)?;
                let has_started = self.world.nodes[node.index()].node.starts() > starts;
                Some(answer.and_then(|reply| if has_started { Ok(reply) } else { Err(EngineError::StopTakenBack(node)) }))
            }
        }
    }

    fn answer_to_stop(&self, node: NodeNumber) -> Option<Answer> {
        match self.world.faults.of_process(node) {
            Some(Fault::Stopping { .. }) if self.world.nodes[node.index()].node.is_running() => None,
            _ if self.world.nodes[node.index()].node.is_running() => Some(Err(EngineError::StopTakenBack(node))),
            _ => Some(Ok(Reply::Done(()))),
        }
    }

    /// Returns true if the process of a node is starting, or ends first.
    fn is_on_its_way(&self, node: NodeNumber) -> bool {
        let is_stopping = matches!(self.world.faults.of_process(node), Some(Fault::Stopping { .. }));
        let process = &self.world.nodes[node.index()].node;
        process.is_starting() || (is_stopping && process.is_running())
    }

    /// Returns the reason why the process of a node does not run, if it is known.
    fn why_not_running(&self, node: NodeNumber) -> Option<Trouble> {
        let failed = self.world.faults.failed_start(node).map(|error| Trouble::Disk(error.clone()));
        failed.or_else(|| self.world.nodes[node.index()].node.trouble().cloned())
    }

    fn answer_to_start(&self, node: NodeNumber) -> Option<Answer> {
        if self.is_on_its_way(node) {
            return None;
        }
        if self.world.nodes[node.index()].node.is_running() {
            return Some(Ok(Reply::Done(())));
        }
        let trouble = self.why_not_running(node);
        Some(Err(trouble.map_or(EngineError::NotRunning(node), |trouble| EngineError::Trouble { node, trouble })))
    }

    /// Returns what was taken back of these faults, and the nodes whose processes do not run, once none is on its way.
    fn answer_to_clear(&self, faults: &[ActiveFault]) -> Option<Answer> {
        let node_of = |active: &ActiveFault| match active.fault.target() {
            Target::Process(node) => Some(node),
            _ => None,
        };
        if faults.iter().filter_map(node_of).any(|node| self.is_on_its_way(node)) {
            return None;
        }
        let runs = |node: NodeNumber| self.world.nodes[node.index()].node.is_running();
        let taken_back = faults.iter().filter(|active| node_of(active).is_none_or(runs)).cloned().collect();
        let not_running = faults.iter().filter_map(node_of).filter(|&node| !runs(node));
        let not_running = not_running.map(|node| (node, self.why_not_running(node))).collect();
        Some(Ok(Reply::Cleared(ClearedFaults { taken_back, not_running })))
    }
}
