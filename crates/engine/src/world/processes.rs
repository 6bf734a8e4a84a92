//! The processes of the nodes: how they end and start by faults, and what their hosts, connections and peers make of it.

use p2p_base::units::SimTime;
use p2p_net::Condition;
use p2p_store::disk::DiskError;
use p2p_store::manifest::NodeNumber;

use crate::cause::{Cause, ConnectionLoss};
use crate::event::Event;
use crate::faults::{ActiveFault, DueFlap, Fault, FaultCause, Target};
use crate::known_host::known;
use crate::node::{NODE_PORT, ProcessState};
use crate::peer::Peer;

use super::hosts::Role;
use super::wiring::FAULTS;
use super::{Hosts, World};

impl World {
    /// Puts a fault on, and tells of it.
    pub(crate) fn begin_fault(&mut self, fault: Fault, cause: FaultCause) {
        self.faults.begin(self.now(), fault.clone(), cause.clone());
        self.emit(Event::FaultBegan { fault, cause });
        self.record_fault_timeout();
    }

    /// Adds to the fault of a disk, a link or of paths, and makes the disk or the network follow.
    pub(super) fn add_fault(&mut self, part: Fault, cause: FaultCause) {
        let target = part.target();
        self.put_on(part, cause);
        self.follow(target);
    }

    /// Adds to the fault of a disk, a link or of paths, and tells what it has come to. One that makes no difference is not on.
    pub(super) fn put_on(&mut self, part: Fault, cause: FaultCause) {
        let (target, was_on) = (part.target(), self.faults.of(part.target()).cloned());
        self.faults.begin(self.now(), part, cause.clone());
        if let Target::Disk(node) = target {
            self.set_disk(node);
        }
        let Some(fault) = self.faults.of(target).map(|active| active.fault.clone()) else { return };
        if !self.makes_no_difference(&fault) {
            return self.emit(Event::FaultBegan { fault, cause });
        }
        self.faults.end(target);
        if let Some(was) = was_on {
            self.emit(Event::FaultEnded { fault: was.fault, cause });
        }
    }

    /// Makes the disk or the network follow the fault of a target that is on, if one is.
    pub(super) fn follow(&mut self, target: Target) {
        match target {
            Target::Disk(node) => self.set_disk(node),
            wire => self.follow_wire(wire),
        }
    }

    /// Takes the fault of a disk, a link or of paths back. Those of all paths of hosts are [followed](Self::follow_paths_of) by the caller,
    /// of all hosts at once.
    pub(crate) fn mend(&mut self, target: Target, cause: FaultCause) {
        if let Target::Disk(node) = target {
            self.nodes[node.index()].heal(None);
        }
        self.end_fault(target, cause);
        self.follow_at_once(target);
    }

    fn follow_at_once(&mut self, target: Target) {
        if !matches!(target, Target::Paths(_)) {
            self.follow(target);
        }
    }

    /// Takes what a profile has put on of the fault of a target back, and returns that. What is left stays on, and is told of. Those of
    /// all paths of hosts are followed by the caller.
    pub(crate) fn mend_profile(&mut self, target: Target, name: &str, cause: FaultCause) -> Option<ActiveFault> {
        let was = self.faults.of(target)?.fault.clone();
        let removed = self.faults.remove_profile(target, name)?;
        if let Target::Disk(node) = target {
            self.nodes[node.index()].heal(Some(name));
        }
        if self.faults.is_spent(target) {
            self.end_fault(target, cause);
        } else {
            self.emit(Event::FaultEnded { fault: was, cause });
        }
        // Counts the segments of a disk that are still corrupt, before that is told.
        self.follow_at_once(target);
        let left = self.faults.of(target).map(|active| (active.fault.clone(), active.cause.clone()));
        left.into_iter().for_each(|(fault, cause)| self.emit(Event::FaultBegan { fault, cause }));
        Some(removed)
    }

    /// Takes the fault of a target back, and tells of it.
    pub(crate) fn end_fault(&mut self, target: Target, cause: FaultCause) {
        if let Some(ended) = self.faults.end(target) {
            self.emit(Event::FaultEnded { fault: ended.fault, cause });
            self.record_fault_timeout();
        }
    }

    fn record_fault_timeout(&mut self) {
        self.timetable.set(FAULTS, self.faults.next_timeout());
    }

    fn set_condition(&mut self, node: NodeNumber, condition: Condition) {
        known(self.net.set_condition(self.hosts.of_node(node).id, condition));
    }

    /// Kills the process of a node: what it held in memory is lost, and its host answers nothing.
    pub(crate) fn kill_node(&mut self, node: NodeNumber, cause: FaultCause) {
        self.end_process(node);
        self.hosts.remove_ends_at(&self.net, Hosts::index_of(node), |_| true);
        self.set_condition(node, Condition::Down);
        self.begin_fault(Fault::Killed { node }, cause);
    }

    /// Lets a node reset the connections that it has accepted and refuse new ones. Those that its host has opened go on.
    pub(crate) fn refuse_node(&mut self, node: NodeNumber, cause: FaultCause) {
        self.nodes[node.index()].node.drop_connections();
        self.hosts.remove_ends_at(&self.net, Hosts::index_of(node), |role| role == Role::Serves);
        self.set_condition(node, Condition::Refusing);
        self.begin_fault(Fault::Refusing { node }, cause);
    }

    /// Lets the process of a node end by `until`, and as soon as nothing is under way that needs it.
    pub(crate) fn begin_stop(&mut self, node: NodeNumber, until: SimTime, restarts: bool, cause: FaultCause) {
        self.begin_fault(Fault::Stopping { node, until, restarts }, cause);
    }

    /// Returns the nodes whose processes are to end, that have nothing in hand and that are waited for by no host.
    pub(crate) fn quiet_stopping(&self) -> Vec<NodeNumber> {
        let is_awaited = |node| self.hosts.all().iter().any(|host| host.requester.has_requests_to(node));
        let is_quiet = |&node: &NodeNumber| {
            let is_idle = self.nodes[node.index()].node.state() == ProcessState::Ready;
            is_idle && !is_awaited(node) && !self.space.has_pins_on(node)
        };
        self.faults.stopping().map(|(node, _)| node).filter(is_quiet).collect()
    }

    /// Ends the process of a node as planned: its connections are closed in order, and new ones are refused. It is started again if
    /// that was asked for.
    pub(crate) fn end_stop(&mut self, node: NodeNumber) {
        let Some(active) = self.faults.of(Target::Process(node)).cloned() else { return };
        let Fault::Stopping { restarts, .. } = active.fault else { return };
        self.end_process(node);
        for connection in self.hosts.remove_ends_at(&self.net, Hosts::index_of(node), |_| true) {
            self.net.close(connection);
        }
        known(self.net.unlisten(self.hosts.of_node(node).id, NODE_PORT));
        self.begin_fault(Fault::Stopped { node }, active.cause.clone());
        if restarts {
            self.start_node(node, active.cause);
        }
    }

    fn end_process(&mut self, node: NodeNumber) {
        let (now, host) = (self.now(), Hosts::index_of(node));
        self.nodes[node.index()].node.stop();
        let host_of_node = self.hosts.host_mut(host);
        let unanswered = host_of_node.requester.forget_all();
        host_of_node.peers.restart(now);
        self.ended_hosts.push_back(node);
        for (asked, owner) in unanswered {
            self.fail_request((Peer::Node(node), asked), owner, Cause::Unreachable(ConnectionLoss::AskerEnded));
        }
        self.record_request_timeout(host);
        self.record_probe_timeout(host);
    }

    /// Takes the fault of a node's process back. A process that has ended reads its disk first, and runs after that.
    pub(crate) fn start_node(&mut self, node: NodeNumber, cause: FaultCause) {
        match self.faults.of_process(node) {
            Some(Fault::Killed { .. } | Fault::Stopped { .. }) => {
                self.faults.begin_start(node, cause);
                self.nodes[node.index()].node.start();
                self.dispatch(node.index());
            }
            Some(Fault::Stopping { .. } | Fault::Refusing { .. }) => {
                self.set_condition(node, Condition::Up);
                self.end_fault(Target::Process(node), cause);
            }
            _ => {}
        }
    }

    /// Gives up the start of a node's process that is under way, if one is.
    pub(crate) fn give_up_start(&mut self, node: NodeNumber) {
        let process = &mut self.nodes[node.index()].node;
        if process.is_starting() {
            process.stop();
        }
    }

    /// Lets the host of a node answer again, whose process has read its disk.
    pub(super) fn on_started(&mut self, index: usize) {
        let (now, node) = (self.now(), NodeNumber::from_index(index));
        let host = Hosts::index_of(node);
        self.set_condition(node, Condition::Up);
        known(self.net.listen_as_patient(self.hosts.of_node(node).id, NODE_PORT, self.config.accepted_tcp()));
        self.hosts.host_mut(host).peers.restart(now);
        self.record_probe_timeout(host);
        if let Some(cause) = self.faults.cause_of_start(node) {
            self.end_fault(Target::Process(node), cause);
        }
    }

    /// Notes that the process of a node could not read its disk. The fault stays on.
    pub(super) fn on_not_started(&mut self, index: usize, error: DiskError) {
        let node = NodeNumber::from_index(index);
        self.faults.fail_start(node, error.clone());
        self.emit(Event::StartFailed { node, error });
    }

    /// Carries out what faults do by themselves at this instant.
    pub(super) fn handle_fault_timeout(&mut self) {
        let now = self.now();
        let due: Vec<NodeNumber> = self.faults.stopping().filter(|&(_, until)| until <= now).map(|(node, _)| node).collect();
        due.into_iter().for_each(|node| self.end_stop(node));
        while let Some(DueFlap { node, kills, cause, is_last }) = self.faults.take_flap(now) {
            self.flap(node, kills, cause);
            if is_last {
                self.end_fault(Target::Flap(node), FaultCause::Over);
            }
        }
        self.record_fault_timeout();
    }

    /// Kills the process of a node if it runs, or starts it if it was killed.
    fn flap(&mut self, node: NodeNumber, kills: bool, cause: FaultCause) {
        let process = &self.nodes[node.index()].node;
        match (kills, self.faults.of_process(node)) {
            (true, _) if process.is_running() || process.is_starting() => self.kill_node(node, cause),
            (false, Some(Fault::Killed { .. })) if !process.is_starting() => self.start_node(node, cause),
            _ => {}
        }
    }
}
