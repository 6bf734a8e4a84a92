//! The engine: the simulation on a thread of its own, which lets virtual time pass at a pace.
//!
//! The thread waits for one thing at a time (a command, an outcome of real work, the next virtual instant) and then advances
//! the simulation. No lock is shared with a front end: commands arrive through a bounded channel, events leave through a
//! broadcast channel from which a slow reader may lose events, and the latest snapshot is always available.

mod event_lines;
mod group;
mod holding;
mod pacing;
mod resting;

use std::collections::{BTreeSet, HashMap};
use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use p2p_base::data_dir::Sharing;
use p2p_base::database::Database;
use p2p_base::units::SimTime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use self::event_lines::EventLines;
use self::group::Group;
use self::holding::Holding;
use self::pacing::concerns_pace;
use self::resting::REST_TICK;
use super::config::{ClockMode, EngineConfig};
use super::error::EngineError;
use super::event_log::EventLog;
use super::handle::{Ask, EngineHandle, ReplySender};
use super::health_log::HealthLog;
use super::io::{Outcomes, ThreadedIo};
use super::operation::Command;
use super::pace::{Activity, Hurry, Pace, PaceStatus, Speed};
use super::policy;
use super::principal::Caller;
use super::recording::{Recorder, RecordingError};
use super::simulation::{CommandId, LockedDirectory, Progress, Simulation};
use super::snapshot::Snapshot;

/// Capacity of the command queue.
const COMMANDS_MAX: usize = 64;
/// Number of simulation steps between two checks for new commands.
const BUDGET: u32 = 2_000;
/// Shortest interval between two snapshots with new figures, unless a caller asks for one.
const FIGURES_INTERVAL: Duration = Duration::from_millis(30);
/// Longest time that the thread sleeps, so that a virtual clock on a screen keeps moving.
const TICK: Duration = Duration::from_millis(30);

/// Thread that runs the simulation.
#[derive(Debug)]
pub struct Engine {
    thread: JoinHandle<()>,
    unrecorded: Option<String>,
    database: Database,
}

impl Engine {
    /// Opens the data directory and starts the engine. With `recording`, the commands that the engine executes are written to
    /// that file, for [`Recording::replay`](super::recording::Recording::replay). If the recording cannot be started, the
    /// engine runs without it and [`unrecorded`](Self::unrecorded) returns the reason.
    ///
    /// # Errors
    /// Fails if the data directory cannot be used or the system can start no threads.
    pub fn start(config: EngineConfig, recording: Option<&Path>) -> Result<(Engine, EngineHandle), EngineError> {
        let directory = LockedDirectory::lock(&config.data_dir, Sharing::Exclusive)?;
        Engine::start_locked(directory, config, recording)
    }

    /// Starts the engine as [`start`](Self::start) does, on a data directory that the caller has locked already.
    ///
    /// # Errors
    /// Fails as [`start`](Self::start) does.
    pub fn start_locked(
        directory: LockedDirectory,
        config: EngineConfig,
        recording: Option<&Path>,
    ) -> Result<(Engine, EngineHandle), EngineError> {
        let failed = |error: std::io::Error| EngineError::Internal(format!("cannot start a thread: {error}"));
        let (clock, pace) = (config.clock, config.speed);
        let io = ThreadedIo::start().map_err(failed)?;
        let mut simulation = Simulation::open_locked(directory, config.clone(), Box::new(io))?;
        let database = simulation.catalog().database().clone();
        let (recorder, unrecorded) = match recording.map(|path| record(path, &config, &mut simulation)) {
            None => (None, None),
            Some(Ok(recorder)) => (Some(recorder), None),
            Some(Err(error)) => (None, Some(error.to_string())),
        };
        let pace = Pace::new(pace, simulation.now());
        let (asks, inbox) = mpsc::channel(COMMANDS_MAX);
        let events = EventLog::new();
        let first = Arc::new(simulation.snapshot(pace.status(Activity::Nothing)));
        let (snapshot_sender, snapshots) = watch::channel(first);
        let outcomes = simulation.take_outcomes();
        let (wake, segment_size, seed) = (Arc::new(Notify::new()), config.segment_size, config.seed);
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
            cancels: BTreeSet::new(),
            next_command: 0,
            moving: false,
            activity: Activity::Nothing,
            holding: Holding::new(wall_clock(), config.patience),
            wake: Arc::clone(&wake),
            last_figures: wall_clock(),
            has_old_figures: false,
            wanted: Vec::new(),
            recorder,
            unnoted: None,
            group: Group::default(),
            health_log: HealthLog::default(),
            lines: EventLines::default(),
            started: wall_clock(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let builder = std::thread::Builder::new().name("p2p-engine".into());
        let thread = builder.spawn(move || runtime.block_on(actor.run())).map_err(failed)?;
        Ok((Engine { thread, unrecorded, database }, EngineHandle { asks, events, snapshots, wake, segment_size, seed }))
    }

    /// Returns the database of the data directory, for other components that store their data in it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Returns the reason why there is no recording although one was requested.
    pub fn unrecorded(&self) -> Option<&str> {
        self.unrecorded.as_deref()
    }

    /// Waits until the engine has ended. It ends when every handle is dropped.
    ///
    /// # Errors
    /// Returns [`EngineError::Internal`] if the engine ended in a panic.
    pub fn join(self) -> Result<(), EngineError> {
        self.thread.join().map_err(|_| EngineError::Internal("the engine ended in a panic; see the log".into()))
    }
}

#[expect(clippy::disallowed_methods, reason = "snapshots are made for people, who live by the wall clock")]
fn wall_clock() -> Instant {
    Instant::now()
}

/// Next step of the thread.
enum Action {
    Ask(Ask),
    /// The next operation of the group.
    Group,
    Outcomes(Outcomes),
    Advance,
    End,
}

/// Command that may have to be recorded.
struct Unnoted {
    id: CommandId,
    at: SimTime,
    caller: Caller,
    command: Command,
}

struct Actor {
    simulation: Simulation,
    pace: Pace,
    clock: ClockMode,
    inbox: mpsc::Receiver<Ask>,
    outcomes: Option<UnboundedReceiver<Outcomes>>,
    events: EventLog,
    snapshots: watch::Sender<Arc<Snapshot>>,
    replies: HashMap<CommandId, ReplySender>,
    /// Commands for which virtual time runs at full speed until they are answered.
    hurried: BTreeSet<CommandId>,
    /// Cancels for which virtual time runs at full speed until they are answered, unless it passes for other transfers.
    cancels: BTreeSet<CommandId>,
    next_command: u64,
    /// True if virtual time was passing at the last check.
    moving: bool,
    /// Unfinished work of the simulation at the last check.
    activity: Activity,
    holding: Holding,
    /// Woken when something has happened at the other end of a stream.
    wake: Arc<Notify>,
    last_figures: Instant,
    /// True if the latest snapshot has the figures of an earlier one.
    has_old_figures: bool,
    /// Callers who wait for a snapshot with new figures.
    wanted: Vec<oneshot::Sender<Arc<Snapshot>>>,
    recorder: Option<Recorder>,
    /// Latest command, until it is recorded.
    unnoted: Option<Unnoted>,
    /// Operations that take effect at the present instant.
    group: Group,
    health_log: HealthLog,
    lines: EventLines,
    started: Instant,
}

impl Actor {
    async fn run(mut self) {
        let mut progress = Progress::Still;
        loop {
            match self.next_action(progress).await {
                Action::Ask(Ask::Command(caller, command, reply)) => {
                    self.catch_up().await;
                    self.enqueue(&caller, *command, reply);
                }
                Action::Ask(Ask::Hurried(caller, command, reply)) => {
                    self.catch_up().await;
                    let is_cancel = matches!(*command, Command::Cancel(_));
                    let command_id = self.enqueue(&caller, *command, reply);
                    if is_cancel { &mut self.cancels } else { &mut self.hurried }.extend(command_id);
                }
                Action::Ask(Ask::Group(caller, operations)) => {
                    self.catch_up().await;
                    self.group = Group::new(&caller, operations);
                    self.go_on_with_group();
                }
                Action::Group => self.go_on_with_group(),
                Action::Ask(Ask::TraceHash(reply)) => {
                    // The requester may have dropped its receiver.
                    let _ = reply.send(self.simulation.trace_hash());
                }
                Action::Ask(Ask::Snapshot(reply)) => self.wanted.push(reply),
                Action::Outcomes(outcomes) => self.simulation.deliver(outcomes),
                Action::Advance => {}
                Action::End => break,
            }
            self.look_for_hurry();
            progress = self.advance();
            self.keep_command(progress);
            self.keep_streams();
            self.hand_out(progress);
            self.look_for_hurry();
            let now = self.simulation.now();
            self.keep(|recorder| recorder.mark(now));
        }
        if let Some(line) = self.health_log.rest() {
            tracing::info!(at = %self.simulation.now(), "{line}");
        }
        self.keep_facts();
        if let Some(recorder) = self.recorder.take() {
            let (at, hash) = (self.simulation.now(), self.simulation.trace_hash().to_string());
            recorder.end(at, hash).unwrap_or_else(|error| tracing::error!(%error, "the recording has no end"));
        }
    }

    /// Sets the pace to full speed while a transfer is being undone, whether a user cancelled it or it failed by itself. Other transfers
    /// that are under way keep the speed at which they are watched; only a pause does not make a cancel wait.
    fn look_for_hurry(&mut self) {
        let is_alone = !self.simulation.is_carrying();
        let is_cancelled = !self.cancels.is_empty() && (is_alone || self.pace.is_paused());
        let hurry = match !self.hurried.is_empty() || is_cancelled {
            true => Hurry::Asked,
            false if is_alone && self.pace.speed() != Speed::Max && self.simulation.is_undoing() => Hurry::Undoing,
            false => Hurry::Nothing,
        };
        self.pace.set_hurry(hurry, self.simulation.now());
    }

    /// Waits for the next command, outcome or instant, whichever comes first.
    async fn next_action(&mut self, progress: Progress) -> Action {
        if self.has_group(progress) {
            return Action::Group;
        }
        if progress == Progress::Blocked {
            return next_outcomes(&mut self.outcomes).await.map_or(Action::End, Action::Outcomes);
        }
        let wait = match progress {
            Progress::Working if !self.stands_still() => Some(Duration::ZERO),
            _ if self.time_passes() => self.wait(),
            _ => None,
        };
        if wait == Some(Duration::ZERO) {
            // Commands have precedence, but the loop does not wait for one.
            return match self.inbox.try_recv() {
                Ok(ask) => Action::Ask(ask),
                Err(mpsc::error::TryRecvError::Empty) => Action::Advance,
                Err(mpsc::error::TryRecvError::Disconnected) => Action::End,
            };
        }
        let until_figures = FIGURES_INTERVAL.saturating_sub(self.last_figures.elapsed());
        let wait = if self.has_old_figures { Some(wait.unwrap_or(until_figures).min(until_figures)) } else { wait };
        tokio::select! {
            biased;
            ask = self.inbox.recv() => ask.map_or(Action::End, Action::Ask),
            () = self.wake.notified() => Action::Advance,
            () = sleep(wait) => Action::Advance,
        }
    }

    /// Returns true if virtual time passes now.
    fn time_passes(&self) -> bool {
        self.group.is_empty() && (self.clock == ClockMode::Running || self.simulation.is_awaited())
    }

    fn wait(&self) -> Option<Duration> {
        if self.stands_still() {
            return None;
        }
        if self.activity == Activity::Nothing {
            return Some(REST_TICK);
        }
        let due = self.simulation.next_due().and_then(|at| self.pace.wait_until(at, self.activity));
        Some(due.map_or(TICK, |due| due.min(TICK)))
    }

    /// Returns true if the pace holds virtual time still now.
    fn stands_still(&self) -> bool {
        self.pace.stands_still() && self.simulation.step_limit().is_none()
    }

    /// Executes an operation. Returns its id, or `None` if it was refused at once.
    fn enqueue(&mut self, caller: &Caller, command: Command, reply: ReplySender) -> Option<CommandId> {
        let now = self.simulation.now();
        if matches!(command, Command::Step(_)) && !self.pace.is_paused() {
            // The policy comes first: what the pace is, a caller who may not change it does not learn.
            let denied = policy::check(caller, &command, &self.simulation).err();
            // The requester may have dropped its receiver.
            let _ = reply.send(Err(denied.map_or(EngineError::NotPaused, EngineError::from)));
            return None;
        }
        self.next_command += 1;
        let command_id = CommandId(self.next_command);
        self.replies.insert(command_id, reply);
        tracing::debug!(?command, %now, "command");
        // A refused operation has changed nothing, and a replay might not refuse it; it is therefore not recorded.
        let noted = (self.recorder.is_some() || concerns_pace(&command)).then(|| command.clone());
        let is_taken = self.simulation.apply(command_id, caller, command);
        if let Some(command) = noted.filter(|_| is_taken) {
            self.change_pace(&command, now);
            self.unnoted = Some(Unnoted { id: command_id, at: now, caller: caller.clone(), command });
        }
        Some(command_id)
    }

    /// Records the facts of the start that the run has used since the last call.
    fn keep_facts(&mut self) {
        match self.simulation.take_facts() {
            Ok(facts) if facts.is_empty() => {}
            Ok(facts) => self.keep(|recorder| recorder.facts(facts)),
            Err(error) => self.keep(|_| Err(std::io::Error::other(error.to_string()))),
        }
    }

    /// Records the latest command, once it is certain that it is not refused: a local file may have to be opened first, while virtual
    /// time stands still and no other command is taken.
    fn keep_command(&mut self, progress: Progress) {
        // Inputs of streams are looked for only after what a command has begun.
        if progress == Progress::Blocked && !self.simulation.has_stream_inputs() {
            return;
        }
        let Some(Unnoted { id, at, caller, command }) = self.unnoted.take() else { return };
        if has_effect_at_once(&command) || !self.simulation.has_refused(id) {
            self.keep_facts();
            self.keep(|recorder| recorder.note(at, &caller, &command));
        }
    }

    /// Records the inputs of streams that the latest advance has found.
    fn keep_streams(&mut self) {
        if let Some((at, inputs)) = self.simulation.take_stream_inputs() {
            self.keep(|recorder| recorder.streams(at, inputs));
        }
    }

    /// Writes to the recording, if there is one. The first failed write ends the recording.
    fn keep(&mut self, note: impl FnOnce(&mut Recorder) -> std::io::Result<()>) {
        if let Some(Err(error)) = self.recorder.as_mut().map(note) {
            tracing::error!(%error, "the recording ends here");
            self.recorder = None;
        }
    }

    /// Publishes a snapshot, events and answers. The snapshot is published first, so that the receiver of an answer, or of the event of
    /// a change of names, finds a snapshot that is at least as new.
    fn hand_out(&mut self, progress: Progress) {
        self.keep_facts();
        let events: Vec<_> = std::iter::from_fn(|| self.simulation.poll_event()).collect();
        let replies: Vec<_> = std::iter::from_fn(|| self.simulation.poll_reply()).collect();
        let calm = progress == Progress::Still && self.snapshots.borrow().at != self.simulation.now();
        if !self.wanted.is_empty() || self.last_figures.elapsed() >= FIGURES_INTERVAL {
            self.publish_figures();
        } else if calm || !replies.is_empty() || events.iter().any(|(_, event)| event.changes_names()) {
            self.publish_without_figures();
        }
        for (at, event) in events {
            self.lines.note(at, &event);
            self.health_log.note(&event);
            self.events.push(at, event);
        }
        self.lines.flush();
        if let Some(line) = self.health_log.due(self.started.elapsed()) {
            tracing::info!(at = %self.simulation.now(), "{line}");
        }
        for (command_id, answer) in replies {
            self.hurried.remove(&command_id);
            self.cancels.remove(&command_id);
            let unheard = self.replies.remove(&command_id).and_then(|reply| reply.send(answer).err());
            // The requester may have dropped its receiver.
            if let Some(Err(error)) = unheard {
                tracing::warn!(%error, "a command whose answer nobody waits for has failed");
            }
        }
    }

    /// Returns the pace at which time passes now: at none between two commands of a script.
    fn pace_status(&self) -> PaceStatus {
        let status = self.pace.status(self.activity);
        PaceStatus { actual: status.actual.filter(|_| self.time_passes()), ..status }
    }

    fn publish_figures(&mut self) {
        (self.last_figures, self.has_old_figures) = (wall_clock(), false);
        let snapshot = Arc::new(self.simulation.snapshot(self.pace_status()));
        self.snapshots.send_replace(Arc::clone(&snapshot));
        for caller in self.wanted.drain(..) {
            // The caller may have dropped its receiver.
            let _ = caller.send(Arc::clone(&snapshot));
        }
    }

    /// Publishes a snapshot with the figures of the latest one, so that a reply costs the same whatever the network consists of. New
    /// figures follow when the interval is over.
    fn publish_without_figures(&mut self) {
        self.has_old_figures = true;
        let latest = Arc::clone(&self.snapshots.borrow());
        let snapshot = self.simulation.snapshot_after(&latest, self.pace_status());
        self.snapshots.send_replace(Arc::new(snapshot));
    }
}

/// Returns true if an operation that the simulation has taken has changed the run, even if it fails in the end, as a start does that
/// cannot read the disk.
fn has_effect_at_once(command: &Command) -> bool {
    matches!(command, Command::Break(_) | Command::Mend(_) | Command::ClearFaults(_))
}

/// Starts a recording at `path`, if a replay could restore the current state of the disks.
fn record(path: &Path, config: &EngineConfig, simulation: &mut Simulation) -> Result<Recorder, RecordingError> {
    if !simulation.has_sound_disks() {
        return Err(RecordingError::Unsound);
    }
    let recorder = Recorder::begin(path, config, simulation.used_bytes())?;
    simulation.note_facts();
    Ok(recorder)
}

async fn next_outcomes(outcomes: &mut Option<UnboundedReceiver<Outcomes>>) -> Option<Outcomes> {
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
