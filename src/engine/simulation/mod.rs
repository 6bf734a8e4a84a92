//! The whole simulation, synchronous and without a clock of its own.
//!
//! Whoever drives it applies commands at the virtual instant that has been reached, lets it advance, brings it the outcomes of
//! real work when it is blocked for want of one, and takes replies and events. Nothing in here reads a wall clock, so the
//! same commands at the same virtual instants give the same run.
//!
//! Knows nothing of threads, channels or who asks.

mod commands;
mod open;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::mpsc::UnboundedReceiver;

use super::command::{EngineError, Reply};
use super::event::Event;
use super::io::{JobId, Outcome};
use super::transfer::{Blocked, Input, Transfer, TransferId};
use super::world::{Due, World};
use crate::net::TraceHash;
use crate::units::SimTime;

pub use self::open::Disks;

/// How many transfers that are over are remembered.
const FINISHED_MAX: usize = 100;

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
    /// No further without the outcome of real work: bring it, by [`Simulation::deliver`] or [`Simulation::wait`].
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
    /// For an event, or at the latest until then.
    Step(SimTime),
    Shutdown,
    /// For connections to close, until then.
    Closing(SimTime),
    /// For the manifest of a file, which a catalog job brings.
    Info(JobId),
}

/// The simulation.
#[derive(Debug)]
pub struct Simulation {
    world: World,
    transfers: BTreeMap<TransferId, Transfer>,
    /// Transfers that may be able to go on.
    ready: BTreeSet<TransferId>,
    finished: VecDeque<Transfer>,
    next_transfer: u64,
    waiting: Vec<(Token, Waiting)>,
    replies: VecDeque<(Token, Result<Reply, EngineError>)>,
    /// A shutdown is under way: nothing new is begun.
    closing: bool,
    capture: bool,
}

impl Simulation {
    fn new(world: World) -> Simulation {
        Simulation {
            world,
            transfers: BTreeMap::new(),
            ready: BTreeSet::new(),
            finished: VecDeque::new(),
            next_transfer: 0,
            waiting: Vec::new(),
            replies: VecDeque::new(),
            closing: false,
            capture: false,
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

    /// The next reply to a command.
    pub fn poll_reply(&mut self) -> Option<(Token, Result<Reply, EngineError>)> {
        self.replies.pop_front()
    }

    /// The next event, and when it happened.
    pub fn poll_event(&mut self) -> Option<(SimTime, Event)> {
        self.world.events.pop_front()
    }

    /// Whether a command waits for something to happen.
    pub fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether something that was asked for is not done yet.
    pub fn is_busy(&self) -> bool {
        self.is_awaited() || !self.transfers.is_empty()
    }

    /// How far a step lets time go, if one is under way.
    pub fn step_limit(&self) -> Option<SimTime> {
        let steps = self.waiting.iter().filter_map(|(_, waiting)| match waiting {
            Waiting::Step(at) => Some(*at),
            _ => None,
        });
        steps.min()
    }

    /// When something happens next by itself.
    pub fn next_due(&self) -> Option<SimTime> {
        let sleepers = self.waiting.iter().filter_map(|(_, waiting)| match waiting {
            Waiting::Until(at) | Waiting::Step(at) | Waiting::Closing(at) => Some(*at),
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

    /// Lets time pass up to `limit`, or until `budget` things have happened, or somebody is to be told something.
    pub fn advance(&mut self, limit: SimTime, budget: u32) -> Progress {
        for _ in 0..budget {
            if self.settle().is_err() {
                return Progress::Blocked;
            }
            if !self.replies.is_empty() {
                return Progress::Working;
            }
            match self.next_due() {
                Some(at) if at <= limit => {
                    self.world.net.advance(at);
                }
                _ if limit == SimTime::MAX => return Progress::Still,
                _ => {
                    self.world.net.advance(limit);
                    return Progress::Reached;
                }
            }
        }
        Progress::Working
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

    /// Carries everything that happens at this instant to its end.
    fn settle(&mut self) -> Result<(), Blocked> {
        loop {
            let mut quiet = !self.world.handle_net_event();
            quiet &= !self.world.handle_client_output();
            quiet &= !self.handle_input();
            if !quiet {
                continue;
            }
            match self.world.take_due_work() {
                Err(job) => return Err(Blocked(job)),
                Ok(Some((Due::Disk(node, job), outcome))) => self.world.handle_disk(node, job, outcome),
                Ok(Some((Due::Transfer(transfer), outcome))) => self.world.inbox.push_back((transfer, Input::Done(outcome))),
                Ok(None) if self.world.handle_timeout() => {}
                Ok(None) => {
                    self.pump()?;
                    self.answer_waiting()?;
                    if self.world.is_quiet() {
                        return Ok(());
                    }
                }
            }
        }
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
        while let Some(&id) = self.ready.first() {
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

    fn file_away(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.remove(&id) else { return };
        if self.finished.len() == FINISHED_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back(transfer);
    }
}
