//! The whole simulation, synchronous and without a clock of its own.
//!
//! The driver applies commands at the current virtual instant, advances the simulation, delivers the outcomes of real work when
//! the simulation is blocked on one, and takes answers and events. No code in this module reads a wall clock, and being blocked
//! changes no order, so the same commands at the same virtual instants give the same run. The module uses neither threads nor
//! channels.

mod answers;
mod commands;
mod directory;
mod edges;
mod exchanges;
mod facts;
mod faults;
mod instant;
mod names;
mod open;
mod orphans;
mod running;
#[cfg(test)]
mod tests;
mod uploads;
mod view;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use p2p_base::trace::TraceHash;
use p2p_base::units::{SimDuration, SimTime};
use p2p_store::catalog::{Catalog, CatalogError};
use p2p_store::segment::SegmentId;
use tokio::sync::mpsc::UnboundedReceiver;

use super::error::EngineError;
use super::event::Event;
use super::first_use::FirstUses;
use super::io::Outcomes;
use super::operation::Reply;
use super::pace::Activity;
use super::snapshot::Ended;
use super::stream::StreamInput;
use super::transfer::{TransferId, TransferReport, TransferStatus};
use super::world::World;

pub use self::directory::{LockedDirectory, cannot_be_changed};
pub use self::open::Disks;

use self::exchanges::Exchanging;
use self::instant::Pass;
use self::running::Running;
use self::waiting::{Waiting, WaitingCommands};

/// Number of finished transfers that are remembered, and of which the results can be asked for. Who begins several before asking for
/// the result of the first has to leave room for transfers of others.
pub const FINISHED_MAX: usize = 200;

/// Number of transfers that begin at one instant at most: half of the results that are remembered, so that none is forgotten before it is
/// asked for.
pub const GROUP_MAX: usize = FINISHED_MAX / 2;

/// Number of failures that are remembered until a user asks for them; the oldest are dropped first.
const FAILURES_MAX: usize = 10_000;

/// Longest span of virtual time that the network goes on by itself before commands are looked for again.
const LEG_MAX: SimDuration = SimDuration::from_millis(10);

/// Identifier of a command whose answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// Result of a call of [`Simulation::advance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The limit is reached: no more events occur before it.
    Reached,
    /// The limit is not reached: the budget is spent, an answer is ready to be delivered, or there may be less to do.
    Working,
    /// The outcome of real work is needed first. The driver has to provide it with [`Simulation::deliver`] or
    /// [`Simulation::wait`]; until then no command may be applied.
    Blocked,
    /// No event is pending and no limit is set, so virtual time stays where it is.
    Still,
}

/// State of the packet capture.
#[derive(Debug)]
enum Capturing {
    Nothing,
    Runs,
    /// The capture ended by itself, and the user has not asked about it yet.
    EndedEarly(EngineError),
}

/// Deterministic simulation of the network, the nodes, the client and the transfers.
///
/// ```
/// use p2p_base::units::{ByteSize, DelayRange, Probability, SimDuration};
/// use p2p_engine::io::InlineIo;
/// use p2p_engine::node::health::HealthConfig;
/// use p2p_engine::operation::{Await, Source, Upload};
/// use p2p_engine::pace::Speed;
/// use p2p_engine::{Caller, ClockMode, CommandId, DiskSpeed, EngineConfig, HostSpec, NodeSpec, Reply, Simulation};
/// use p2p_net::{HostConfig, TcpConfig};
/// use p2p_store::placement::PlacementPolicy;
/// use p2p_store::segment::SegmentSize;
///
/// let directory = tempfile::tempdir()?;
/// std::fs::write(directory.path().join("a.bin"), [7; 100_000])?;
/// let link = HostConfig::symmetric("64KiB/s".parse()?, DelayRange::fixed(SimDuration::from_millis(5)), Probability::NEVER);
/// let host = |last| HostSpec { address: [192, 168, 1, last].into(), link };
/// let config = EngineConfig {
///     seed: 1,
///     data_dir: directory.path().join("data"),
///     clock: ClockMode::OnDemand,
///     speed: Speed::Max,
///     client: host(1),
///     nodes: (2..5).map(|last| NodeSpec { host: host(last), capacity: ByteSize::from_gib(1) }).collect(),
///     host_time: DelayRange::fixed(SimDuration::ZERO),
///     tcp: TcpConfig::default(),
///     idle_timeout: SimDuration::from_secs(60),
///     health: HealthConfig::default(),
///     segment_size: SegmentSize::default(),
///     placement: PlacementPolicy::RoundRobin,
///     disk: DiskSpeed { service_time: SimDuration::from_millis(1), throughput: "200MiB/s".parse()? },
///     memory: ByteSize::from_mib(64),
///     quota: None,
///     patience: Default::default(),
/// };
/// let mut simulation = Simulation::open(config, Box::new(InlineIo::default()))?;
/// let upload = Upload::of_file(directory.path().join("a.bin"), None, 0);
/// simulation.apply(CommandId(1), &Caller::operator(), upload);
/// simulation.run();
/// let Some((CommandId(1), Ok(Reply::Started(transfer)))) = simulation.poll_reply() else { panic!("the upload has not begun") };
/// simulation.apply(CommandId(2), &Caller::operator(), Await { transfer });
/// simulation.run();
/// assert!(matches!(simulation.poll_reply(), Some((CommandId(2), Ok(Reply::Finished(_))))));
/// assert!(simulation.now().as_secs_f64() > 1.5, "100 kB take that long at 64 KiB/s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Simulation {
    world: World,
    transfers: BTreeMap<TransferId, Running>,
    exchanges: BTreeMap<TransferId, Exchanging>,
    /// Transfers that may be able to make progress.
    ready: BTreeSet<TransferId>,
    /// Transfers that would ask for more, but for a stream of remote origin, with true for those that are idle.
    held_up: BTreeMap<TransferId, bool>,
    /// True if there may be less to do since the latest advance began: a transfer is held up or idle that was not, or no other is left.
    has_calmed: bool,
    finished: VecDeque<Arc<TransferReport>>,
    /// Transfers that were finished before those, by the user who began them.
    ended: Arc<BTreeMap<Option<String>, Ended>>,
    /// Failed transfers that have not been reported to a user.
    failures: VecDeque<TransferStatus>,
    next_transfer: u64,
    waiting: WaitingCommands,
    replies: VecDeque<(CommandId, Result<Reply, EngineError>)>,
    /// True if a shutdown is under way and no new transfer may begin.
    closing: bool,
    capture: Capturing,
    /// Facts of the start that the run has used, while it is recorded.
    uses: Option<FirstUses>,
    /// Reason for which a fact could not be noted.
    unnoted: Option<CatalogError>,
    /// Size in bytes of the files of the start that a replay has not restored, by owner.
    unlisted: BTreeMap<Option<String>, u64>,
    /// Inputs of streams of remote origin that were found together, and the instant at which they were, while the run is recorded.
    inputs: Option<(SimTime, Vec<(TransferId, StreamInput)>)>,
    /// Segments of a replay whose content is not known.
    unknown: Arc<BTreeSet<SegmentId>>,
    pass: Pass,
    /// Transfer in the middle of whose input or turn the simulation has stopped, because work on this machine is not finished.
    interrupted: Option<TransferId>,
    blocked: bool,
}

impl Simulation {
    fn new(world: World) -> Simulation {
        Simulation {
            world,
            transfers: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            ready: BTreeSet::new(),
            held_up: BTreeMap::new(),
            has_calmed: false,
            finished: VecDeque::new(),
            ended: Arc::default(),
            failures: VecDeque::new(),
            next_transfer: 0,
            waiting: WaitingCommands::default(),
            replies: VecDeque::new(),
            closing: false,
            capture: Capturing::Nothing,
            uses: None,
            unnoted: None,
            unlisted: BTreeMap::new(),
            inputs: None,
            unknown: Arc::default(),
            pass: Pass::React,
            interrupted: None,
            blocked: false,
        }
    }

    /// Returns the current virtual instant.
    pub fn now(&self) -> SimTime {
        self.world.now()
    }

    /// Returns the hash of every packet and every event so far.
    pub fn trace_hash(&self) -> TraceHash {
        self.world.trace_hash()
    }

    /// Returns the catalog of stored files.
    pub(super) fn catalog(&self) -> &Catalog {
        self.world.names.catalog()
    }

    /// Takes the next answer to a command.
    pub fn poll_reply(&mut self) -> Option<(CommandId, Result<Reply, EngineError>)> {
        self.replies.pop_front()
    }

    /// Returns true if the answer to a command is ready and is a refusal.
    pub(super) fn has_refused(&self, id: CommandId) -> bool {
        self.replies.iter().any(|(answered, answer)| *answered == id && answer.is_err())
    }

    /// Takes the next event with its virtual instant.
    pub fn poll_event(&mut self) -> Option<(SimTime, Event)> {
        self.world.journal.poll()
    }

    /// Returns the number of bytes in use of the memory that transfers share.
    pub fn memory_in_use(&self) -> u64 {
        self.world.memory.in_use()
    }

    /// Returns true if a command waits for its answer. Adoptions do not count: they take place when they can, and virtual time
    /// does not pass for their sake.
    pub fn is_awaited(&self) -> bool {
        self.waiting.is_any_awaited() || self.is_exchange_awaited()
    }

    /// Returns what is unfinished. A transfer that waits for a stream of remote origin is no reason for virtual time to pass faster than
    /// that of its other end, and neither is a command that waits for such a transfer.
    pub fn activity(&self) -> Activity {
        let goes_on = |(id, transfer): (&TransferId, &Running)| transfer.goes_on() && !self.held_up.contains_key(id);
        let waits = |(_, waiting): &(CommandId, Waiting)| match waiting {
            Waiting::Adoption { .. } => false,
            Waiting::Shutdown => self.transfers.is_empty() && self.exchanges.is_empty(),
            _ => true,
        };
        let is_waited_for = self.waiting.is_any_asleep()
            || self.waiting.others().iter().any(waits)
            || self.waiting.transfers().any(|id| !self.held_up.contains_key(id));
        if is_waited_for || !self.exchanges.is_empty() || self.transfers.iter().any(goes_on) {
            return Activity::Busy;
        }
        match self.transfers.values().any(Running::goes_on) {
            true => Activity::HeldUp,
            false if self.transfers.is_empty() => Activity::Nothing,
            false => Activity::Idle,
        }
    }

    /// Returns the transfers that would ask for more, but for a stream of remote origin, and how often something has happened at the
    /// other end of that.
    pub(crate) fn held_up(&self) -> impl Iterator<Item = (TransferId, u64)> {
        self.held_up.keys().map(|id| (*id, self.transfers.get(id).map_or(0, Running::heard)))
    }

    /// Returns true if a cancelled or failed transfer is being undone.
    pub fn is_undoing(&self) -> bool {
        self.transfers.values().any(Running::is_undoing)
    }

    /// Returns true if a transfer goes on that is not being undone.
    pub fn is_carrying(&self) -> bool {
        self.transfers.values().any(|transfer| transfer.goes_on() && !transfer.is_undoing())
    }

    /// Returns the instant up to which a running step lets time pass, if there is one.
    pub fn step_limit(&self) -> Option<SimTime> {
        let steps = self.waiting.others().iter().filter_map(|(_, waiting)| match waiting {
            Waiting::Step { until, .. } => Some(*until),
            _ => None,
        });
        steps.min()
    }

    /// Returns the virtual instant of the next event that occurs by itself.
    pub fn next_due(&self) -> Option<SimTime> {
        [self.next_due_here(), self.world.net.next_timeout()].into_iter().flatten().min()
    }

    /// Returns the virtual instant of the next event that occurs by itself anywhere but in the network.
    fn next_due_here(&self) -> Option<SimTime> {
        [self.waiting.next_due(), self.world.next_due()].into_iter().flatten().min()
    }

    /// Takes the receiver of the outcomes of real work, for a driver that awaits them instead of blocking. The driver then has
    /// to pass them to [`deliver`](Self::deliver).
    pub fn take_outcomes(&mut self) -> Option<UnboundedReceiver<Outcomes>> {
        self.world.work.jobs.take_receiver()
    }

    /// Delivers outcomes of real work.
    pub fn deliver(&mut self, outcomes: Outcomes) {
        outcomes.into_iter().for_each(|(job, outcome)| self.world.work.jobs.deliver(job, outcome));
    }

    /// Blocks until some real work is done. Returns false if none is under way, which after [`Progress::Blocked`] is a bug.
    pub fn wait(&mut self) -> bool {
        self.world.work.jobs.wait()
    }

    /// Lets time pass up to `limit`, or until `budget` steps are done, an answer is ready or there may be less to do, so that the driver
    /// finds out how fast time is to pass from there on. The simulation never stops in the middle of an instant, so a command always
    /// finds everything done that happened before it.
    pub fn advance(&mut self, limit: SimTime, budget: u32) -> Progress {
        self.has_calmed = false;
        // After a wait for real work, the driver gets control back at the end of the instant.
        let is_resumed = std::mem::replace(&mut self.blocked, true);
        let mut budget = if is_resumed { 0 } else { budget };
        let mut may_poll = !is_resumed;
        loop {
            let settled = self.settle();
            self.world.note_changes();
            if settled.is_err() {
                return Progress::Blocked;
            }
            self.look_after_capture();
            let due = self.next_due();
            // Inputs from outside find everything done that happened before them.
            if due != Some(self.now()) && std::mem::take(&mut may_poll) && self.poll_streams() {
                continue;
            }
            if due != Some(self.now()) && (budget == 0 || !self.replies.is_empty() || self.has_calmed) {
                self.blocked = false;
                return Progress::Working;
            }
            match due {
                Some(at) if at <= limit => {
                    self.world.net.handle_timeout(self.end_of_leg(at).min(limit));
                }
                due => {
                    if due.is_none() && !matches!(self.activity(), Activity::Idle | Activity::HeldUp) {
                        self.give_up_waiting();
                    }
                    return self.rest(limit);
                }
            }
            budget = budget.saturating_sub(1);
        }
    }

    /// Returns the instant up to which the network may go on by itself, if its next event is at `next`: it stops at what concerns
    /// the hosts, so that nothing but what is due elsewhere limits it. The span is bounded all the same, because some networks
    /// never stop, and the end of connections is not announced.
    fn end_of_leg(&self, next: SimTime) -> SimTime {
        if self.waiting.is_any_closing() {
            return next;
        }
        let furthest = next.checked_add(LEG_MAX).unwrap_or(next);
        self.next_due_here().map_or(furthest, |due| due.min(furthest))
    }

    /// Ends an advance when no more events occur before `limit`.
    fn rest(&mut self, limit: SimTime) -> Progress {
        self.blocked = false;
        if limit == SimTime::MAX {
            return Progress::Still;
        }
        self.world.net.handle_timeout(limit);
        self.world.note_changes();
        Progress::Reached
    }

    /// Answers all waiting commands with an error, because no pending event could ever satisfy them.
    fn give_up_waiting(&mut self) {
        let stalled = EngineError::Stalled(self.now());
        let exchanging = self.take_exchanging();
        for command_id in self.waiting.take_all().into_iter().chain(exchanging) {
            self.replies.push_back((command_id, Err(stalled.clone())));
        }
    }

    /// Lets time pass until an answer is ready, on this thread. For tests and one-shot runs without a pace.
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
}
