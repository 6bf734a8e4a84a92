//! The whole simulation, synchronous and without a clock of its own.
//!
//! Whoever drives it applies commands at the virtual instant that has been reached, lets it advance, brings it the outcomes of
//! real work when it is blocked for want of one, and takes replies and events. Nothing in here reads a wall clock, and being
//! blocked changes no order, so the same commands at the same virtual instants give the same run.
//!
//! Knows nothing of threads, channels or who asks.

mod commands;
mod open;
mod orphans;
mod ownership;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use super::command::{EngineError, Reply};
use super::event::Event;
use super::io::{JobId, Outcome};
use super::transfer::{Blocked, Input, Transfer, TransferId, TransferReport, TransferState, TransferStatus};
use super::world::{Due, World};
use crate::net::TraceHash;
use crate::storage::catalog::Catalog;
use crate::storage::manifest::FileKey;
use crate::units::SimTime;

pub use self::open::{Disks, cannot_be_changed, lock_data_dir};

use self::commands::finished;

/// How many transfers that are over are remembered.
const FINISHED_MAX: usize = 100;

/// How many failures are remembered until somebody asks; the oldest are forgotten first.
const FAILURES_MAX: usize = 10_000;

/// Names a command whose reply is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// How far [`Simulation::advance`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// To the limit: nothing more happens before it.
    Reached,
    /// Somewhere before it: the budget is spent, or somebody is to be told something first.
    Working,
    /// No further without the outcome of real work: bring it, by [`Simulation::deliver`] or [`Simulation::wait`]. Commands
    /// have to wait until then too.
    Blocked,
    /// Nobody waits for anything, and time does not pass by itself.
    Still,
}

/// What a waiting command waits for.
#[derive(Debug)]
enum Waiting {
    Transfer(TransferId),
    Until(SimTime),
    HealthCheck,
    /// For then, or for an event after so many, whichever is first.
    Step {
        until: SimTime,
        events: Option<u64>,
    },
    Shutdown,
    /// For connections to close, until then.
    Closing(SimTime),
    /// For the manifest of a file, which a catalog job brings.
    Info(JobId),
    /// For the catalog to note who may read a file.
    Sharing {
        job: JobId,
        file: FileKey,
        user: String,
        may_read: bool,
    },
    /// For the transfers of files that are nobody's, so that they can be given to somebody.
    Adoption {
        owner: String,
    },
    /// For the catalog to give them to somebody.
    Adopting {
        job: JobId,
        owner: String,
    },
}

/// Whether packets are captured.
#[derive(Debug)]
enum Capturing {
    Nothing,
    Runs,
    /// It ended by itself, which whoever began it has not asked about yet.
    EndedEarly(EngineError),
}

/// What is done next at an instant: everything in this order, round and round, until nothing is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    React,
    Pump,
    Answer,
}

/// The simulation.
#[derive(Debug)]
pub struct Simulation {
    world: World,
    transfers: BTreeMap<TransferId, Transfer>,
    /// Transfers that may be able to go on.
    ready: BTreeSet<TransferId>,
    finished: VecDeque<Arc<TransferReport>>,
    /// Transfers that failed without anybody having been told.
    failures: VecDeque<TransferStatus>,
    next_transfer: u64,
    waiting: Vec<(Token, Waiting)>,
    replies: VecDeque<(Token, Result<Reply, EngineError>)>,
    /// A shutdown is under way: nothing new is begun.
    closing: bool,
    capture: Capturing,
    step: Step,
    blocked: bool,
}

impl Simulation {
    fn new(world: World) -> Simulation {
        Simulation {
            world,
            transfers: BTreeMap::new(),
            ready: BTreeSet::new(),
            finished: VecDeque::new(),
            failures: VecDeque::new(),
            next_transfer: 0,
            waiting: Vec::new(),
            replies: VecDeque::new(),
            closing: false,
            capture: Capturing::Nothing,
            step: Step::React,
            blocked: false,
        }
    }

    /// The virtual instant that has been reached.
    pub fn now(&self) -> SimTime {
        self.world.now()
    }

    /// The hash of every packet and every event so far.
    pub fn trace_hash(&self) -> TraceHash {
        self.world.trace_hash()
    }

    /// What says which files exist.
    pub(super) fn catalog(&self) -> &Catalog {
        &self.world.catalog
    }

    /// The next reply to a command.
    pub fn poll_reply(&mut self) -> Option<(Token, Result<Reply, EngineError>)> {
        self.replies.pop_front()
    }

    /// The next event, and when it happened.
    pub fn poll_event(&mut self) -> Option<(SimTime, Event)> {
        self.world.events.pop_front()
    }

    /// Bytes of the memory that transfers share which are in use.
    pub fn memory_in_use(&self) -> u64 {
        self.world.memory.in_use()
    }

    /// Whether a command waits for something to happen. An adoption happens when it can, and no time passes for its sake.
    pub fn is_awaited(&self) -> bool {
        self.waiting.iter().any(|(_, waiting)| !matches!(waiting, Waiting::Adoption { .. }))
    }

    /// Whether something that was asked for is not done yet.
    pub fn is_busy(&self) -> bool {
        self.is_awaited() || !self.transfers.is_empty()
    }

    /// Whether what a transfer has left is being removed.
    pub fn is_undoing(&self) -> bool {
        self.transfers.values().any(|transfer| transfer.log().status.state == TransferState::Undoing)
    }

    /// How far a step lets time go, if one is under way.
    pub fn step_limit(&self) -> Option<SimTime> {
        let steps = self.waiting.iter().filter_map(|(_, waiting)| match waiting {
            Waiting::Step { until, .. } => Some(*until),
            _ => None,
        });
        steps.min()
    }

    /// When something happens next by itself.
    pub fn next_due(&self) -> Option<SimTime> {
        let sleepers = self.waiting.iter().filter_map(|(_, waiting)| match waiting {
            Waiting::Until(at) | Waiting::Step { until: at, .. } | Waiting::Closing(at) => Some(*at),
            _ => None,
        });
        sleepers.chain(self.world.next_due()).min()
    }

    /// The outcomes of real work, for who would rather await them than block. They are then to be brought by
    /// [`deliver`](Self::deliver).
    pub fn take_outcomes(&mut self) -> Option<UnboundedReceiver<(JobId, Outcome)>> {
        self.world.desk.take_receiver()
    }

    /// Brings the outcome of real work.
    pub fn deliver(&mut self, job: JobId, outcome: Outcome) {
        self.world.desk.deliver(job, outcome);
    }

    /// Blocks until some real work is done. False where none is under way, which after [`Progress::Blocked`] is a bug.
    pub fn wait(&mut self) -> bool {
        self.world.desk.wait()
    }

    /// Lets time pass up to `limit`, or until `budget` things have happened, or somebody is to be told something. It never stops
    /// in the middle of an instant, so that a command finds all that happened before it done.
    pub fn advance(&mut self, limit: SimTime, budget: u32) -> Progress {
        // After waiting for real work, whoever drives it may want to look about.
        let mut budget = if std::mem::replace(&mut self.blocked, true) { 0 } else { budget };
        loop {
            if self.settle().is_err() {
                return Progress::Blocked;
            }
            self.look_after_capture();
            let due = self.next_due();
            if due != Some(self.now()) && (budget == 0 || !self.replies.is_empty()) {
                self.blocked = false;
                return Progress::Working;
            }
            match due {
                Some(at) if at <= limit => {
                    self.world.net.advance(at);
                }
                due => {
                    if due.is_none() {
                        self.give_up_waiting();
                    }
                    return self.rest(limit);
                }
            }
            budget = budget.saturating_sub(1);
        }
    }

    /// Nothing more happens before `limit`.
    fn rest(&mut self, limit: SimTime) -> Progress {
        self.blocked = false;
        if limit == SimTime::MAX {
            return Progress::Still;
        }
        self.world.net.advance(limit);
        Progress::Reached
    }

    /// Nothing is under way that could answer a command: whoever waits is told.
    fn give_up_waiting(&mut self) {
        let stalled = EngineError::Stalled(self.now());
        for (token, _) in self.waiting.extract_if(.., |(_, waiting)| !matches!(waiting, Waiting::Adoption { .. })) {
            self.replies.push_back((token, Err(stalled.clone())));
        }
    }

    /// Lets time pass until every command is answered, on this thread. For tests and one-shot runs without a pace.
    pub fn run(&mut self) {
        while self.is_awaited() {
            match self.advance(SimTime::MAX, u32::MAX) {
                Progress::Blocked => assert!(self.wait(), "work that is awaited is under way"),
                Progress::Still => break,
                Progress::Reached | Progress::Working => {}
            }
            if !self.replies.is_empty() {
                break;
            }
        }
    }

    /// Carries everything that happens at this instant to its end. Where real work is not done yet it stops, and later goes on
    /// from that very step: how long real work takes must not change the order of anything.
    fn settle(&mut self) -> Result<(), Blocked> {
        loop {
            match self.step {
                Step::React => {
                    if !self.react()? {
                        self.step = Step::Pump;
                    }
                }
                Step::Pump => {
                    self.pump()?;
                    self.step = Step::Answer;
                }
                Step::Answer => {
                    self.answer_waiting()?;
                    self.step = Step::React;
                    if self.world.is_quiet() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Carries what has happened to whom it concerns. False where nothing has.
    fn react(&mut self) -> Result<bool, Blocked> {
        let mut quiet = !self.world.handle_net_event();
        quiet &= !self.world.handle_client_output();
        quiet &= !self.handle_input();
        if !quiet {
            return Ok(true);
        }
        match self.world.take_due_work().map_err(Blocked)? {
            Some((Due::Disk(node, job), outcome)) => self.world.handle_disk(node, job, outcome),
            Some((Due::Owed(node), outcome)) => self.world.handle_owed_check(node, outcome),
            Some((Due::Transfer(transfer), outcome)) => self.world.inbox.push_back((transfer, Input::Done(outcome))),
            None => return Ok(self.world.handle_timeout()),
        }
        Ok(true)
    }

    /// Tells a transfer what happened to it. False where nothing did.
    fn handle_input(&mut self) -> bool {
        let Some((id, input)) = self.world.inbox.pop_front() else { return false };
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.handle(&mut self.world, input);
            self.ready.insert(id);
        }
        true
    }

    /// Lets transfers go on that may be able to.
    fn pump(&mut self) -> Result<(), Blocked> {
        while let Some(id) = self.next_ready() {
            if let Some(transfer) = self.transfers.get_mut(&id) {
                transfer.pump(&mut self.world)?;
                if transfer.log().status.state.is_over() {
                    self.file_away(id);
                }
            }
            self.ready.remove(&id);
        }
        Ok(())
    }

    /// A transfer that something has happened to, or else one that waits for memory and may get some.
    fn next_ready(&mut self) -> Option<TransferId> {
        if self.ready.is_empty() {
            self.ready.extend(self.world.memory.next_waiter());
        }
        self.ready.first().copied()
    }

    fn file_away(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.remove(&id) else { return };
        self.world.memory.leave(id);
        let report = Arc::new(transfer.log().report(&self.world));
        transfer.log().gauge.meters().for_each(|meter| self.world.net.remove_meter(meter));
        let mut is_told = false;
        for (token, _) in self.waiting.extract_if(.., |(_, waiting)| matches!(waiting, Waiting::Transfer(of) if *of == id)) {
            self.replies.push_back((token, finished(TransferReport::clone(&report))));
            is_told = true;
        }
        if report.status.state == TransferState::Failed && !is_told {
            self.failures.push_back(report.status.clone());
            self.failures.drain(..self.failures.len().saturating_sub(FAILURES_MAX));
        }
        if self.finished.len() == FINISHED_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back(report);
    }
}
