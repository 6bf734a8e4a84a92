//! Rules of the commands that break and mend, about what has to be on: the same for the simulation, which carries them out, and for who
//! foretells whether it will.

use p2p_net::Direction;
use p2p_store::manifest::NodeNumber;
use p2p_store::standing::Trouble;

use crate::error::EngineError;
use crate::faults::{DiskFaults, Fault, FaultError, Profile, Target};
use crate::node::ProcessState;
use crate::operation::Mend;
use crate::peer::Peer;

/// Stage in the life of a node's process, as far as commands depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The process runs.
    Runs,
    /// The process reads its disk and will run.
    Starts,
    /// There is no process.
    Gone,
}

impl Stage {
    /// Returns the stage of a process of which this is shown and this fault is on.
    pub const fn of(state: ProcessState, fault: Option<&Fault>) -> Stage {
        match (state, fault) {
            (ProcessState::Stopped, _) => Stage::Gone,
            // One that starts waits for its disk, and the fault is on until it runs.
            (_, Some(Fault::Killed { .. } | Fault::Stopped { .. })) => Stage::Starts,
            _ => Stage::Runs,
        }
    }
}

/// Process of a node, with what is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Process<'a> {
    /// Node whose process it is.
    pub node: NodeNumber,
    /// Stage of its life.
    pub stage: Stage,
    /// Fault of the process that is on.
    pub fault: Option<&'a Fault>,
    /// Trouble with the disk of the node.
    pub trouble: Option<&'a Trouble>,
}

impl Process<'_> {
    /// Refuses what needs a process that runs, as a plan to kill it again and again does.
    ///
    /// # Errors
    /// Fails with [`EngineError::NotRunning`].
    pub fn require_running(&self) -> Result<(), EngineError> {
        if self.stage == Stage::Runs { Ok(()) } else { Err(EngineError::NotRunning(self.node)) }
    }

    /// Refuses to kill a process that is gone.
    ///
    /// # Errors
    /// Fails with [`EngineError::NotRunning`].
    pub fn require_killable(&self) -> Result<(), EngineError> {
        if self.stage == Stage::Gone { Err(EngineError::NotRunning(self.node)) } else { Ok(()) }
    }

    /// Refuses to let a process refuse connections that does not run or refuses them already.
    ///
    /// # Errors
    /// Fails with [`EngineError::NotRunning`] or [`FaultError::IsOn`].
    pub fn require_accepting(&self) -> Result<(), EngineError> {
        self.require_running()?;
        match self.fault {
            Some(fault @ Fault::Refusing { .. }) => Err(FaultError::IsOn(Box::new(fault.clone())).into()),
            _ => Ok(()),
        }
    }

    /// Refuses to stop a process that does not run or stops already.
    ///
    /// # Errors
    /// Fails with [`EngineError::NotRunning`] or [`FaultError::IsOn`].
    pub fn require_stoppable(&self) -> Result<(), EngineError> {
        self.require_running()?;
        match self.fault {
            Some(fault @ Fault::Stopping { .. }) => Err(FaultError::IsOn(Box::new(fault.clone())).into()),
            _ => Ok(()),
        }
    }

    /// Refuses to start a process that runs and of which no fault is on, and one whose disk prevents that.
    ///
    /// # Errors
    /// Fails with [`EngineError::Running`] or [`EngineError::Trouble`].
    pub fn require_startable(&self) -> Result<(), EngineError> {
        if let Some(trouble) = self.trouble.filter(|trouble| trouble.stops()) {
            return Err(EngineError::Trouble { node: self.node, trouble: trouble.clone() });
        }
        if self.stage == Stage::Runs && self.fault.is_none() { Err(EngineError::Running(self.node)) } else { Ok(()) }
    }

    /// Refuses to stop a process that runs, or else to start it.
    ///
    /// # Errors
    /// Fails as [`require_stoppable`](Self::require_stoppable) or [`require_startable`](Self::require_startable) does.
    pub fn require_restartable(&self) -> Result<(), EngineError> {
        if self.stage == Stage::Runs { self.require_stoppable() } else { self.require_startable() }
    }
}

/// Returns the path from one host to another, and the one back unless only one way is meant.
pub(crate) fn ways(from: Peer, to: Peer, one_way: bool) -> impl Iterator<Item = (Peer, Peer)> {
    [(from, to), (to, from)].into_iter().take(if one_way { 1 } else { 2 })
}

impl Mend {
    /// Returns the targets of which the operation takes back what is on, where at least one of them has to be; none for a process, and for all
    /// cuts.
    pub fn targets(&self) -> Vec<Target> {
        match *self {
            Mend::Process { .. } | Mend::Cuts => Vec::new(),
            Mend::Disk { node } => vec![Target::Disk(node)],
            Mend::Flap { node } => vec![Target::Flap(node)],
            Mend::Link { peer, direction } => {
                let of = [Direction::Up, Direction::Down].into_iter().filter(|&of| direction.is_none_or(|only| only == of));
                of.map(|of| Target::Link(peer, of)).collect()
            }
            Mend::Paths { peer } => vec![Target::Paths(peer)],
            Mend::Path { from, to, one_way } => ways(from, to, one_way).map(|(from, to)| Target::Path(from, to)).collect(),
            Mend::Cut { from, to, one_way } => ways(from, to, one_way).map(|(from, to)| Target::Cut(from, to)).collect(),
        }
    }
}

/// Returns the other targets that may be what is wrong where nothing of a target itself is.
pub fn elsewhere(target: Target) -> Vec<Target> {
    match target {
        Target::Path(from, to) => vec![Target::Cut(from, to), Target::Cut(to, from), Target::Paths(from), Target::Paths(to)],
        _ => Vec::new(),
    }
}

/// Refuses to take back what is on of these targets if nothing is. `on` returns the fault of a target.
///
/// # Errors
/// Fails with [`FaultError::NotBroken`], or with [`FaultError::BrokenElsewhere`] if something else of the first of them can be taken back.
pub fn require_broken<'a>(targets: &[Target], on: impl Fn(Target) -> Option<&'a Fault>) -> Result<(), FaultError> {
    match targets.first() {
        Some(&first) if targets.iter().all(|&target| on(target).is_none()) => {
            Err(match elsewhere(first).into_iter().find_map(on) {
                Some(fault) => FaultError::BrokenElsewhere { target: first, fault: Box::new(fault.clone()) },
                None => FaultError::NotBroken(first),
            })
        }
        _ => Ok(()),
    }
}

/// Refuses to make nothing but segments corrupt where none is stored on any of these nodes. `is_empty` tells that of one.
///
/// # Errors
/// Fails with [`FaultError::NothingStored`].
pub fn require_stored(faults: DiskFaults, nodes: &[NodeNumber], is_empty: impl Fn(NodeNumber) -> bool) -> Result<(), FaultError> {
    let needs_segments = !faults.is_none() && (DiskFaults { corrupt: 0, ..faults }).is_none();
    match nodes.first() {
        Some(&first) if needs_segments && nodes.iter().all(|&node| is_empty(node)) => Err(FaultError::NothingStored(first)),
        _ => Ok(()),
    }
}

impl Profile {
    /// Returns the faults of disks, if the profile puts nothing else on.
    pub fn disk_alone(&self) -> Option<DiskFaults> {
        (Profile { disk: DiskFaults::default(), ..self.clone() }).is_none().then_some(self.disk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeNumber = NodeNumber::from_index(2);

    fn process(stage: Stage, fault: Option<&Fault>) -> Process<'_> {
        Process { node: NODE, stage, fault, trouble: None }
    }

    #[test]
    fn what_a_process_permits_depends_on_its_stage_and_its_fault() {
        let may = |process: Process<'_>| {
            let checks = [
                process.require_killable(),
                process.require_stoppable(),
                process.require_accepting(),
                process.require_startable(),
                process.require_restartable(),
                process.require_running(),
            ];
            checks.map(|checked| checked.is_ok())
        };
        let (refusing, killed) = (Fault::Refusing { node: NODE }, Fault::Killed { node: NODE });
        let stopping = Fault::Stopping { node: NODE, until: Default::default(), restarts: false };
        assert_eq!(may(process(Stage::Runs, None)), [true, true, true, false, true, true]);
        assert_eq!(may(process(Stage::Runs, Some(&refusing))), [true, true, false, true, true, true]);
        assert_eq!(may(process(Stage::Runs, Some(&stopping))), [true, false, true, true, false, true]);
        assert_eq!(may(process(Stage::Starts, Some(&killed))), [true, false, false, true, true, false]);
        assert_eq!(may(process(Stage::Gone, Some(&killed))), [false, false, false, true, true, false]);
        let trouble = Process { trouble: Some(&Trouble::NotMounted), ..process(Stage::Gone, None) };
        assert_eq!(may(trouble), [false; 6]);
    }

    #[test]
    fn the_stage_is_seen_from_the_state_and_the_fault() {
        let killed = Fault::Killed { node: NODE };
        assert_eq!(Stage::of(ProcessState::Stopped, Some(&killed)), Stage::Gone);
        assert_eq!(Stage::of(ProcessState::Waiting(crate::node::WaitingFor::Disk), Some(&killed)), Stage::Starts);
        assert_eq!(Stage::of(ProcessState::Ready, None), Stage::Runs);
    }

    #[test]
    fn what_is_taken_back_is_on_or_named_with_what_is() {
        let (from, to) = (Peer::Client, Peer::Node(NODE));
        let mend = Mend::Path { from, to, one_way: false };
        assert_eq!(mend.targets(), [Target::Path(from, to), Target::Path(to, from)]);
        let cut = Fault::Cut { from: to, to: from };
        let none = require_broken(&mend.targets(), |_| None);
        assert_eq!(none, Err(FaultError::NotBroken(Target::Path(from, to))));
        let elsewhere = require_broken(&mend.targets(), |target| Some(&cut).filter(|cut| cut.target() == target));
        assert!(matches!(elsewhere, Err(FaultError::BrokenElsewhere { .. })), "{elsewhere:?}");
        assert_eq!(require_broken(&Mend::Cuts.targets(), |_| None), Ok(()));
    }
}
