//! The engine: the simulation on a thread of its own, paced, and a handle for front ends.
//!
//! The thread waits for one thing at a time (a command, an outcome of real work, the next virtual instant) and then lets the
//! simulation do it. No lock is shared with a front end; commands come through a bounded channel, events go out through a
//! broadcast that a slow reader may lag behind, and the latest snapshot is always there. Knows nothing of front ends.

use std::collections::{BTreeSet, HashMap};
use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::command::{Command, EngineError, Reply};
use super::config::{ClockMode, EngineConfig};
use super::event::Event;
use super::health_log::HealthLog;
use super::io::{JobId, Outcome, ThreadedIo};
use super::pace::{Hurry, Pace, Speed};
use super::recording::{Recorder, RecordingError};
use super::simulation::{Progress, Simulation, Token, lock_data_dir};
use super::snapshot::Snapshot;
use super::transfer::{TransferId, TransferStatus};
use crate::data_dir::{DirectoryLock, Sharing};
use crate::database::Database;
use crate::net::TraceHash;
use crate::units::SimTime;

/// Commands that may wait to be taken in.
const COMMANDS_MAX: usize = 64;
/// Events that a reader may lag behind before it loses some.
const EVENTS_MAX: usize = 8192;
/// Things that may happen before commands are looked for again.
const BUDGET: u32 = 2_000;
/// How often a snapshot is made while something happens.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(30);
/// How long the thread sleeps at the most, so that the virtual clock on a screen moves.
const TICK: Duration = Duration::from_millis(30);

type ReplySender = oneshot::Sender<Result<Reply, EngineError>>;

enum Ask {
    Command(Box<Command>, ReplySender),
    /// A command for whose answer virtual time passes as fast as the machine can.
    Hurried(Box<Command>, ReplySender),
    TraceHash(oneshot::Sender<TraceHash>),
}

/// What front ends hold: cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    asks: mpsc::Sender<Ask>,
    events: broadcast::Sender<(SimTime, Event)>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ask::Command(command, _) | Ask::Hurried(command, _) => command.fmt(f),
            Ask::TraceHash(_) => f.write_str("TraceHash"),
        }
    }
}

impl EngineHandle {
    /// Asks for something and waits for the answer.
    ///
    /// # Errors
    /// What the engine refuses, and [`EngineError::Stopped`] where there is no engine any more.
    pub async fn ask(&self, command: Command) -> Result<Reply, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Command(Box::new(command), reply)).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// All transfers that the engine knows of now, which a snapshot may not; none where it has stopped.
    pub async fn transfers(&self) -> Vec<TransferStatus> {
        match self.ask(Command::Transfers).await {
            Ok(Reply::Transfers(all)) => all,
            _ => Vec::new(),
        }
    }

    /// Asks for something whose answer nobody waits for.
    ///
    /// # Errors
    /// [`EngineError::Stopped`].
    pub async fn tell(&self, command: Command) -> Result<(), EngineError> {
        let (reply, _) = oneshot::channel();
        self.asks.send(Ask::Command(Box::new(command), reply)).await.map_err(|_| EngineError::Stopped)
    }

    /// Cancels a transfer, and undoes what it did as fast as the machine can, whatever the speed is and whether time is paused.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub async fn cancel_at_once(&self, transfer: TransferId) -> Result<Reply, EngineError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Hurried(Box::new(Command::Cancel { transfer }), reply);
        self.asks.send(ask).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// The hash of everything that has happened so far.
    ///
    /// # Errors
    /// [`EngineError::Stopped`].
    pub async fn trace_hash(&self) -> Result<TraceHash, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::TraceHash(reply)).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)
    }

    /// Events from now on. A reader that lags too far behind loses some and is told how many.
    pub fn events(&self) -> broadcast::Receiver<(SimTime, Event)> {
        self.events.subscribe()
    }

    /// How everything stands: always the latest.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

/// The thread that the simulation runs on.
#[derive(Debug)]
pub struct Engine {
    thread: JoinHandle<()>,
    unrecorded: Option<String>,
    database: Database,
}

impl Engine {
    /// Opens the data directory and starts the engine. With `recording`, what is asked of it is kept in that file, for
    /// [`Recording::replay`](super::recording::Recording::replay); where that cannot be, it runs without, and [`unrecorded`](Self::unrecorded) says why.
    ///
    /// # Errors
    /// Where the data directory cannot be used, or the system gives no threads.
    pub fn start(config: EngineConfig, recording: Option<&Path>) -> Result<(Engine, EngineHandle), EngineError> {
        let lock = lock_data_dir(&config.data_dir, Sharing::Exclusive)?;
        Engine::start_locked(lock, config, recording)
    }

    /// The same with a data directory that is locked already.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_locked(
        lock: DirectoryLock,
        config: EngineConfig,
        recording: Option<&Path>,
    ) -> Result<(Engine, EngineHandle), EngineError> {
        let failed = |error: std::io::Error| EngineError::Internal(format!("cannot start a thread: {error}"));
        let (clock, pace) = (config.clock, config.speed);
        let io = ThreadedIo::start().map_err(failed)?;
        let mut simulation = Simulation::open_locked(lock, config.clone(), Box::new(io))?;
        let database = simulation.catalog().database().clone();
        let (recorder, unrecorded) = match recording.map(|path| record(path, &config, &simulation)) {
            None => (None, None),
            Some(Ok(recorder)) => (Some(recorder), None),
            Some(Err(error)) => (None, Some(error.to_string())),
        };
        let pace = Pace::new(pace, simulation.now());
        let (asks, inbox) = mpsc::channel(COMMANDS_MAX);
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let first = Arc::new(simulation.snapshot(pace.speed().to_string(), false));
        let (snapshot_sender, snapshots) = watch::channel(first);
        let outcomes = simulation.take_outcomes();
        let actor = Actor {
            simulation,
            pace,
            clock,
            inbox,
            outcomes,
            events: events.clone(),
            snapshots: snapshot_sender,
            replies: HashMap::new(),
            hurried: BTreeSet::new(),
            next_token: 0,
            moving: false,
            busy: false,
            last_snapshot: wall_clock(),
            recorder,
            health_log: HealthLog::default(),
            started: wall_clock(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let builder = std::thread::Builder::new().name("p2p-engine".into());
        let thread = builder.spawn(move || runtime.block_on(actor.run())).map_err(failed)?;
        Ok((Engine { thread, unrecorded, database }, EngineHandle { asks, events, snapshots }))
    }

    /// The database of the data directory, for others that keep things in it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Why there is no recording, where one was wanted.
    pub fn unrecorded(&self) -> Option<&str> {
        self.unrecorded.as_deref()
    }

    /// Waits until the engine has ended, which it does when every handle is gone.
    ///
    /// # Errors
    /// [`EngineError::Internal`] where it ended in a panic.
    pub fn join(self) -> Result<(), EngineError> {
        self.thread.join().map_err(|_| EngineError::Internal("the engine ended in a panic; see the log".into()))
    }
}

#[expect(clippy::disallowed_methods, reason = "snapshots are made for people, who live by the wall clock")]
fn wall_clock() -> Instant {
    Instant::now()
}

/// What the thread does next.
enum Action {
    Ask(Ask),
    Outcome(JobId, Outcome),
    Advance,
    End,
}

struct Actor {
    simulation: Simulation,
    pace: Pace,
    clock: ClockMode,
    inbox: mpsc::Receiver<Ask>,
    outcomes: Option<UnboundedReceiver<(JobId, Outcome)>>,
    events: broadcast::Sender<(SimTime, Event)>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    replies: HashMap<Token, ReplySender>,
    /// Commands for whose answers time is not held back.
    hurried: BTreeSet<Token>,
    next_token: u64,
    /// Time was passing when it was last looked at.
    moving: bool,
    /// Something was asked for and not done when it was last looked at.
    busy: bool,
    last_snapshot: Instant,
    recorder: Option<Recorder>,
    health_log: HealthLog,
    started: Instant,
}

impl Actor {
    async fn run(mut self) {
        let mut progress = Progress::Still;
        loop {
            match self.next_action(progress).await {
                Action::Ask(Ask::Command(command, reply)) => drop(self.take_in(*command, reply)),
                Action::Ask(Ask::Hurried(command, reply)) => {
                    let token = self.take_in(*command, reply);
                    self.hurried.extend(token);
                }
                Action::Ask(Ask::TraceHash(reply)) => {
                    // Whoever asked may be gone; then nobody needs to know.
                    let _ = reply.send(self.simulation.trace_hash());
                }
                Action::Outcome(job, outcome) => self.simulation.deliver(job, outcome),
                Action::Advance => {}
                Action::End => break,
            }
            self.look_for_hurry();
            progress = self.advance();
            self.hand_out(progress);
            self.look_for_hurry();
            let now = self.simulation.now();
            self.keep(|recorder| recorder.mark(now));
        }
        if let Some(line) = self.health_log.rest() {
            tracing::info!(at = %self.simulation.now(), "{line}");
        }
        if let Some(recorder) = self.recorder.take() {
            let (at, hash) = (self.simulation.now(), self.simulation.trace_hash().to_string());
            recorder.end(at, hash).unwrap_or_else(|error| tracing::error!(%error, "the recording has no end"));
        }
    }

    /// Nobody wants to watch an undo at the session's speed, whether somebody has asked for it or an upload has failed by itself.
    fn look_for_hurry(&mut self) {
        let hurry = match self.hurried.is_empty() {
            false => Hurry::Asked,
            true if self.pace.speed() != Speed::Max && self.simulation.is_undoing() => Hurry::Undoing,
            true => Hurry::Nothing,
        };
        self.pace.set_hurry(hurry, self.simulation.now());
    }

    /// Waits for whatever comes first.
    async fn next_action(&mut self, progress: Progress) -> Action {
        if progress == Progress::Working && !self.stands_still() {
            // Commands first, but do not wait for any.
            return match self.inbox.try_recv() {
                Ok(ask) => Action::Ask(ask),
                Err(mpsc::error::TryRecvError::Empty) => Action::Advance,
                Err(mpsc::error::TryRecvError::Disconnected) => Action::End,
            };
        }
        if progress == Progress::Blocked {
            let outcome = next_outcome(&mut self.outcomes).await;
            return outcome.map_or(Action::End, |(job, outcome)| Action::Outcome(job, outcome));
        }
        let wait = if self.time_passes() { self.wait() } else { None };
        tokio::select! {
            biased;
            ask = self.inbox.recv() => ask.map_or(Action::End, Action::Ask),
            () = sleep(wait) => Action::Advance,
        }
    }

    /// Whether virtual time passes now.
    fn time_passes(&self) -> bool {
        self.clock == ClockMode::Running || self.simulation.is_awaited()
    }

    fn wait(&self) -> Option<Duration> {
        if self.stands_still() {
            return None;
        }
        let due = self.simulation.next_due().and_then(|at| self.pace.wait_until(at, self.busy));
        Some(due.map_or(TICK, |due| due.min(TICK)))
    }

    fn advance(&mut self) -> Progress {
        if !self.time_passes() {
            self.moving = false;
            // What was asked has taken effect, and what follows from it at this instant may happen.
            return self.simulation.advance(self.simulation.now(), BUDGET);
        }
        let now = self.simulation.now();
        let busy = self.simulation.is_busy();
        if !std::mem::replace(&mut self.moving, true) || std::mem::replace(&mut self.busy, busy) != busy {
            self.pace.restart(now);
        }
        let limit = self.simulation.step_limit().unwrap_or_else(|| self.pace.allowed(busy));
        // Time keeps its pace again as soon as all is undone.
        let budget = if self.pace.hurry() == Hurry::Undoing { 1 } else { BUDGET };
        self.simulation.advance(limit.max(now), budget)
    }

    /// Whether the wall clock holds time back now.
    fn stands_still(&self) -> bool {
        self.pace.stands_still() && self.simulation.step_limit().is_none()
    }

    /// The token under which the answer comes; none where the command was refused.
    fn take_in(&mut self, command: Command, reply: ReplySender) -> Option<Token> {
        let now = self.simulation.now();
        match command {
            Command::SetSpeed { speed } => self.pace.set_speed(speed, now),
            Command::Pause => self.pace.set_paused(true, now),
            Command::Resume => self.pace.set_paused(false, now),
            // Connections close and transfers are undone in virtual time, and nobody who leaves wants to watch it.
            Command::Shutdown { .. } => {
                self.pace.set_paused(false, now);
                self.pace.set_speed(Speed::Max, now);
            }
            _ => {}
        }
        if matches!(command, Command::Step { .. }) && !self.pace.is_paused() {
            // Whoever asked may be gone.
            let _ = reply.send(Err(EngineError::NotPaused));
            return None;
        }
        self.next_token += 1;
        let token = Token(self.next_token);
        self.replies.insert(token, reply);
        tracing::debug!(?command, %now, "command");
        // What was refused has changed nothing, and might not be refused where it is replayed.
        let noted = self.recorder.is_some().then(|| command.clone());
        if self.simulation.apply(token, command)
            && let Some(command) = noted
        {
            self.keep(|recorder| recorder.note(now, &command));
        }
        Some(token)
    }

    /// Keeps something in the recording, if there is one.
    fn keep(&mut self, note: impl FnOnce(&mut Recorder) -> std::io::Result<()>) {
        if let Some(Err(error)) = self.recorder.as_mut().map(note) {
            tracing::error!(%error, "the recording ends here");
            self.recorder = None;
        }
    }

    /// Gives events, a snapshot and replies to those who wait for them. Whoever has a reply finds a snapshot that is as new.
    fn hand_out(&mut self, progress: Progress) {
        while let Some((at, event)) = self.simulation.poll_event() {
            log(at, &event);
            self.health_log.note(&event);
            // Nobody may be listening.
            let _ = self.events.send((at, event));
        }
        if let Some(line) = self.health_log.due(self.started.elapsed()) {
            tracing::info!(at = %self.simulation.now(), "{line}");
        }
        let replies: Vec<_> = std::iter::from_fn(|| self.simulation.poll_reply()).collect();
        let calm = progress == Progress::Still && self.snapshots.borrow().at != self.simulation.now();
        if calm || !replies.is_empty() || self.last_snapshot.elapsed() >= SNAPSHOT_INTERVAL {
            self.publish_snapshot();
        }
        for (token, answer) in replies {
            self.hurried.remove(&token);
            let unheard = self.replies.remove(&token).and_then(|reply| reply.send(answer).err());
            // Whoever asked may be gone.
            if let Some(Err(error)) = unheard {
                tracing::warn!(%error, "a command whose answer nobody waits for has failed");
            }
        }
    }

    fn publish_snapshot(&mut self) {
        self.last_snapshot = wall_clock();
        let snapshot = self.simulation.snapshot(self.pace.speed().to_string(), self.pace.is_paused());
        self.snapshots.send_replace(Arc::new(snapshot));
    }
}

/// Begins a recording at `path`, where a replay could set everything up as it is.
fn record(path: &Path, config: &EngineConfig, simulation: &Simulation) -> Result<Recorder, RecordingError> {
    if !simulation.has_sound_disks() {
        return Err(RecordingError::Unsound);
    }
    Recorder::begin(path, config, simulation.catalog())
}

/// Every packet's worth of progress, and every change of a node's health, would drown the rest of the log.
fn log(at: SimTime, event: &Event) {
    match event {
        Event::Segment { .. } | Event::HealthChanged { .. } => tracing::debug!(%at, ?event),
        Event::DiskTrouble { .. } | Event::SegmentsMissing { .. } | Event::TransferFailed { .. } | Event::CaptureEnded { .. } => {
            tracing::warn!(%at, ?event);
        }
        _ => tracing::info!(%at, ?event),
    }
}

async fn next_outcome(outcomes: &mut Option<UnboundedReceiver<(JobId, Outcome)>>) -> Option<(JobId, Outcome)> {
    match outcomes {
        Some(outcomes) => outcomes.recv().await,
        None => pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "the pace waits on the wall clock")]
async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => pending().await,
    }
}
