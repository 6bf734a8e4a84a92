//! The startup that all front ends share: options, configuration, data directory, log and engine.

mod advice;
mod draining;
mod ending;
mod expiry;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use eyre::{Result, WrapErr, eyre};
use p2p_auth::Auth;
use p2p_base::data_dir::Sharing;
use p2p_base::private_file;
use p2p_base::spelling::{shell_operand, shell_option, visible_path};
use p2p_base::trace::TraceHash;
use p2p_base::units::{SimDuration, count_of};
use p2p_engine::operation::WatchWire;
use p2p_engine::pace::Speed;
use p2p_engine::snapshot::{NodeStatus, Snapshot};
use p2p_engine::{Caller, ClockMode, Engine, EngineError, EngineHandle, LockedDirectory, Operation};
use tracing_appender::non_blocking::WorkerGuard;

pub use self::advice::{advised, advised_by, is_nameless};
pub use self::ending::{Leaving, Poured};

use self::expiry::Expiry;
use crate::access::Access;
use crate::access::preference::PreferredNodes;
use crate::access::remote::RemoteRules;
use crate::access::upload_notes;
use crate::access::watching::Snapshots;
use crate::config::Config;
use crate::config::keys::Section;
use crate::doors::announced;
use crate::failure::{Advise, wrong_usage};
use crate::logging::{self, Upkeep};
use crate::mailer::{Delivery, Mailer, OUTBOX};
use crate::offered::Offered;
use crate::output;
use crate::recordings;
use crate::scratch;

/// Names that p2p creates in a data directory, without the histories, the settings of the screen and the saved session; the session
/// is refused if other users may read it.
const MADE_HERE: [&str; 9] =
    ["catalog.redb", "reserve", "nodes", "logs", "recordings", "keys", OUTBOX, AUDIT_ARCHIVE, announced::FILE];
/// Name of the directory into which the oldest entries of the audit log are moved.
const AUDIT_ARCHIVE: &str = "audit";
/// Interval between two attempts to lock a data directory that another process has locked.
const LOCK_RETRY: Duration = Duration::from_millis(50);

/// Number of packets of the wire that are kept for `trace` and for screens.
const WIRE_PACKETS: u32 = 20_000;

/// The options of everything that starts an engine.
#[derive(Debug, Clone, Default, Args)]
pub struct EngineArgs {
    /// Keep files, catalog and logs in DIR instead of ~/.local/share/p2p
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end
    #[arg(long, value_name = "SPAN")]
    pub wait: Option<SimDuration>,
    /// What is simulated.
    #[command(flatten)]
    pub simulation: SimulationArgs,
    /// No mail leaves the data directory, whatever server is configured.
    #[arg(skip)]
    pub without_mail_server: bool,
}

/// The options of a simulation, wherever its data is.
#[derive(Debug, Clone, Default, Args)]
pub struct SimulationArgs {
    /// Read FILE instead of ./p2p.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seed of the random numbers: the same seed gives the same run
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Let virtual time pass this fast: 1x, 10x, max
    #[arg(long, value_name = "X", value_parser = Offered::<Speed>::new(&["1x", "10x", "100x", "max"]), hide_possible_values = true)]
    pub speed: Option<Speed>,
}

impl EngineArgs {
    /// Returns the options as they were given, for a line that does the same with the same data. The speed is none of them: it changes
    /// nothing of what is done.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.data_dir.as_ref().map(|directory| shell_option("--data-dir", directory)));
        words.extend(self.wait.map(|span| shell_option("--wait", span.to_string())));
        let SimulationArgs { config, seed, speed: _ } = &self.simulation;
        words.extend(config.as_ref().map(|file| shell_option("--config", file)));
        words.extend(seed.map(|seed| shell_option("--seed", seed.to_string())));
        words
    }

    /// Loads the configuration in effect: compiled-in values, file, flags.
    ///
    /// # Errors
    /// Fails if the file or a flag is invalid.
    pub fn load(&self) -> Result<Config> {
        let SimulationArgs { config, seed, speed } = &self.simulation;
        refuse_dash("--config", config.as_deref())?;
        refuse_dash("--data-dir", self.data_dir.as_deref())?;
        let mut config = Config::load(config.as_deref())?;
        if let Some(seed) = seed {
            config.set(Section::Network, "seed", &seed.to_string(), "--seed")?;
        }
        if let Some(speed) = speed {
            config.set(Section::Engine, "speed", &speed.to_string(), "--speed")?;
        }
        if let Some(directory) = &self.data_dir {
            // A replay of the recording may start in another working directory.
            let directory = std::path::absolute(directory).wrap_err("--data-dir")?;
            let unreadable =
                || wrong_usage(format_args!("--data-dir {}: not valid UTF-8", visible_path(&directory)), "rename it");
            let text = directory.to_str().ok_or_else(unreadable)?;
            config.set(Section::Storage, "data_dir", text, "--data-dir")?;
        }
        if self.without_mail_server {
            config.unset(Section::Mail, "host");
        }
        Ok(config)
    }
}

/// Refuses `-` as the name of a file, because it stands for standard input or output elsewhere.
///
/// # Errors
/// Fails if the path is `-`.
pub fn refuse_dash(option: &str, path: Option<&Path>) -> Result<()> {
    match path {
        Some(path) if path.as_os_str() == "-" => Err(wrong_usage(
            format_args!("{option} -: `-` is no file here"),
            "./- is a file of that name, and /dev/stdin is standard input",
        )),
        _ => Ok(()),
    }
}

/// Returns the default data directory, in the XDG base directory for data.
///
/// # Errors
/// Fails if there is no home directory.
pub fn default_data_dir() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| std::env::home_dir().map(|home| home.join(".local/share")));
    base.map(|base| base.join("p2p"))
        .ok_or_else(|| eyre!("there is no home directory").suggestion("say where to keep data, with --data-dir DIR"))
}

/// Returns the data directory that a configuration sets, or else the default one.
///
/// # Errors
/// Fails as [`default_data_dir`] does.
pub fn data_dir_of(config: &Config) -> Result<PathBuf> {
    config.data_dir().map_or_else(default_data_dir, Ok)
}

/// Running engine with its configuration, accounts, mailer and log.
#[derive(Debug)]
pub struct Instance {
    engine: EngineHandle,
    /// Configuration that is in effect.
    pub config: Config,
    /// Path of the data directory.
    pub data_dir: PathBuf,
    /// Accounts in the data directory.
    pub auth: Auth,
    /// Task that sends the mails of the accounts.
    pub mailer: Mailer,
    /// Nodes that the users of all front ends prefer for uploads.
    preferred: PreferredNodes,
    /// Task that undoes what has expired; `None` if nothing may be written.
    expiry: Option<Expiry>,
    thread: Engine,
    /// Path of the recording of this run, if it is recorded.
    recording: Option<PathBuf>,
    log: WorkerGuard,
}

impl Instance {
    /// Starts the engine that `args` describe.
    ///
    /// # Errors
    /// Fails if the configuration is invalid or the data directory cannot be used.
    pub fn start(args: &EngineArgs, clock: ClockMode) -> Result<Instance> {
        Instance::open(args, clock, Use::Changes)
    }

    /// Starts the engine for a command that changes nothing in the data directory and can share it with other readers. If there
    /// are accounts, reads are audited, and the directory is locked exclusively.
    ///
    /// # Errors
    /// Fails as [`start`](Self::start) does.
    pub fn start_reading(args: &EngineArgs, clock: ClockMode) -> Result<Instance> {
        Instance::open(args, clock, Use::Reads)
    }

    /// Starts the engine for interactive use: time passes by itself, and the commands are recorded in the data directory.
    ///
    /// # Errors
    /// Fails as [`start`](Self::start) does.
    pub fn start_interactive(args: &EngineArgs) -> Result<Instance> {
        Instance::open(args, ClockMode::Running, Use::Recorded)
    }

    fn open(args: &EngineArgs, clock: ClockMode, what_for: Use) -> Result<Instance> {
        let recorded = what_for == Use::Recorded;
        let mut config = args.load()?;
        for warning in config.warnings() {
            output::tell(format_args!("p2p: {warning}"));
        }
        if recorded && config.is_default(Section::Engine, "speed") {
            // A user who watches wants to see the transfers progress.
            config.set(Section::Engine, "speed", "1x", "an interactive run")?;
        }
        let data_dir = data_dir_of(&config)?;
        let settings = config.engine(&data_dir, clock)?;
        let policy = config.accounts()?;
        let delivery = Delivery::new(&config, &data_dir).wrap_err("cannot send mail")?;
        let lock = lock_for(what_for, &data_dir, args.wait).map_err(advised)?;
        let is_read_only = lock.sharing() == Sharing::Shared;
        let cannot_write = is_read_only && p2p_engine::cannot_be_changed(&data_dir);
        // Users who may read the segments on the disks could bypass the access control of the files.
        if private_file::is_open_to_others(&data_dir).unwrap_or_default() {
            let (path, word) = (visible_path(&data_dir), shell_operand(&data_dir));
            output::tell(format_args!("Warning: others on this machine may look into {path}; `chmod 700 {word}` changes that"));
        }
        if !is_read_only {
            close_to_others(&data_dir);
        }
        let log = match (cannot_write, is_read_only) {
            (true, _) => logging::nowhere(),
            (false, true) => logging::start(&data_dir, output::now_unix, Upkeep::AppendsOnly)?,
            (false, false) => logging::start(&data_dir, output::now_unix, Upkeep::Prunes)?,
        };
        let recorded = recorded && !is_read_only;
        let recording = recorded.then(|| recordings::next(&data_dir));
        let (thread, engine) = Engine::start_locked(lock, settings, recording.as_deref()).map_err(advised)?;
        if recorded {
            recordings::prune(&data_dir);
        }
        if let Some(reason) = thread.unrecorded() {
            output::tell(format_args!("Warning: this run is not recorded: {reason}"));
        }
        warn_of_disks(&engine.snapshots().borrow());
        let auth = Auth::open(thread.database().clone(), policy)?;
        if cannot_write {
            let unnoted = if auth.has_accounts()? { "logged or audited" } else { "logged" };
            output::tell(format_args!(
                "Warning: nothing can be written in {}: what is there is read, and nothing is {unnoted}",
                visible_path(&data_dir)
            ));
        } else if !is_read_only {
            // The engine holds the lock exclusively, so no other process is writing.
            sweep(&data_dir);
            auth.archive_audit_in(data_dir.join(AUDIT_ARCHIVE));
            take_over(&auth);
        }
        let recording = recording.filter(|_| thread.unrecorded().is_none());
        let mailer = Mailer::start(auth.clone(), delivery, output::now_unix);
        let expiry = (!is_read_only).then(|| Expiry::start(engine.clone(), auth.clone(), output::now_unix));
        let preferred = PreferredNodes::default();
        Ok(Instance { engine, config, data_dir, auth, mailer, preferred, expiry, thread, recording, log })
    }

    /// Creates the access control of a front end that the audit log and mails call `origin`.
    ///
    /// # Errors
    /// Fails if the configuration is incomplete, or if the disk refuses.
    pub fn access(&self, origin: &str) -> Result<Access> {
        let access = Access::new(self.engine.clone(), self.auth.clone(), origin, output::now_unix)?;
        let access = access.with_mail_way(self.mailer.way.clone()).with_profiles(self.config.profiles());
        let access = access.with_registration(self.config.remote_registration()?);
        Ok(access.with_preferred_nodes(self.preferred.clone()))
    }

    /// Returns the rules for clients from remote, with a new setup token.
    ///
    /// # Errors
    /// Fails if the configuration is incomplete, or if the system gives no random bytes.
    pub fn remote_rules(&self) -> Result<Arc<RemoteRules>> {
        Ok(Arc::new(RemoteRules::new(self.config.remote_registration()?)?))
    }

    /// Calls an operation for the program itself, which may do everything. What a user asks for is called through the
    /// [`Access`] of the user's front end.
    ///
    /// # Errors
    /// Returns the engine's error together with its next step.
    pub(crate) async fn call<O: Operation>(&self, operation: O) -> Result<O::Reply> {
        self.engine.call(&Caller::operator(), operation).await.map_err(advised)
    }

    /// Makes the engine keep the latest packets of the wire, for screens and the language.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn watch_wire(&self) -> Result<()> {
        self.call(WatchWire { packets: Some(WIRE_PACKETS) }).await
    }

    /// Returns the snapshots of the engine with all that is in them.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::of_program(self.engine.snapshots())
    }

    /// Returns the path of the recording of this run, if it is recorded.
    pub fn recording(&self) -> Option<PathBuf> {
        self.recording.clone()
    }

    /// Returns the trace hash: the hash of all events so far.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn trace_hash(&self) -> Result<TraceHash> {
        self.engine.trace_hash().await.map_err(advised)
    }
}

/// Intended use of the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Reading without any changes.
    Reads,
    /// Reading and changing the content.
    Changes,
    /// Reading and changing, with a recording of the commands.
    Recorded,
}

/// Locks the data directory for its intended use. If there are accounts, reads are audited, which is a change.
fn lock_for(what_for: Use, data_dir: &Path, span: Option<SimDuration>) -> Result<LockedDirectory, EngineError> {
    if what_for != Use::Reads {
        return lock(data_dir, span, Sharing::Exclusive);
    }
    let mut shared = lock(data_dir, span, Sharing::Shared)?;
    if shared.sharing() == Sharing::Exclusive || p2p_engine::cannot_be_changed(data_dir) || !may_have_accounts(&mut shared) {
        return Ok(shared);
    }
    drop(shared);
    lock(data_dir, span, Sharing::Exclusive)
}

/// Returns true if there are accounts, or if that cannot be determined: opening the directory for changes then reports the
/// error.
fn may_have_accounts(directory: &mut LockedDirectory) -> bool {
    let accounts = directory.database().ok().and_then(|database| p2p_auth::has_accounts(database).ok());
    accounts.unwrap_or(true)
}

/// Locks the data directory; if another process has locked it, retries for up to `span`. A signal that ends the process ends
/// the wait as well, since nothing has been started yet.
fn lock(data_dir: &Path, span: Option<SimDuration>, wanted: Sharing) -> Result<LockedDirectory, EngineError> {
    // A deadline beyond the range of the clock means to wait without limit.
    let deadline = span.map(|span| wall_clock().checked_add(Duration::from_nanos(span.as_nanos())));
    loop {
        let left = match deadline {
            None => Duration::ZERO,
            Some(None) => LOCK_RETRY,
            Some(Some(deadline)) => deadline.saturating_duration_since(wall_clock()),
        };
        match LockedDirectory::lock(data_dir, wanted) {
            Err(error) if error.is_in_use() && !left.is_zero() => {
                pause(left.min(LOCK_RETRY));
            }
            done => return done,
        }
    }
}

/// Removes what a crash may have left.
fn sweep(data_dir: &Path) {
    private_file::sweep(data_dir).and_then(|()| private_file::sweep(&data_dir.join(OUTBOX))).unwrap_or_else(|error| {
        tracing::debug!(%error, "what a crash may have left is not swept");
    });
    scratch::sweep(data_dir, recordings::REPLAY_PREFIX);
}

/// Takes over what a former version has noted in another form.
fn take_over(auth: &Auth) {
    if let Err(error) = upload_notes::take_over_former(auth.database()) {
        tracing::warn!(%error, "the notes that a former version has made of uploads are not taken over");
    }
}

/// Prints what the start has found about the catalog and the nodes' disks, one line each.
fn warn_of_disks(snapshot: &Snapshot) {
    if let Some(copy) = &snapshot.kept_copy {
        output::tell(format_args!(
            "Note: the catalog had an older format and was brought up to date; the former one is kept in the data directory as {copy}"
        ));
    }
    let missing = snapshot.figures.storage.missing_segments;
    if missing > 0 {
        output::tell(format_args!(
            "Warning: stored files need {} that the nodes' disks lack; the log says where",
            count_of(missing, "segment")
        ));
    }
    let troubled: Vec<&NodeStatus> = snapshot.figures.nodes.iter().filter(|node| node.trouble.is_some()).collect();
    match troubled.as_slice() {
        [] => {}
        [node] => {
            let trouble = node.trouble.as_ref().map(ToString::to_string).unwrap_or_default();
            output::tell(format_args!("Warning: {}: {trouble}", node.node));
        }
        nodes => output::tell(format_args!(
            "Warning: {} nodes cannot use their disks as they should; `p2p nodes` says why",
            nodes.len()
        )),
    }
    let unknown = snapshot.figures.storage.unknown_segments;
    if unknown > 0 {
        output::tell(format_args!(
            "Warning: the nodes' disks hold {} that no file of this catalog has; nothing there is changed, and `p2p orphans` lists it",
            count_of(unknown, "segment")
        ));
    }
}

/// Restricts the permissions of files that earlier versions left readable to other users.
fn close_to_others(data_dir: &Path) {
    let is_history = |name: &str| name.starts_with("history") && name.ends_with(".txt");
    let is_settings = |name: &str| name.starts_with("screen") && name.ends_with(".json");
    let is_made_here = |name: &str| MADE_HERE.contains(&name) || is_history(name) || is_settings(name);
    let entries = std::fs::read_dir(data_dir).into_iter().flatten().flatten();
    for path in entries.filter(|entry| entry.file_name().to_str().is_some_and(is_made_here)).map(|entry| entry.path()) {
        if let Err(error) = private_file::tighten(&path) {
            let path = visible_path(path);
            output::tell(format_args!(
                "Warning: others on this machine may look into {path}, and that cannot be changed: {error}"
            ));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "another process lives by the wall clock")]
fn wall_clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for before anything is begun in this one")]
fn pause(span: Duration) {
    std::thread::sleep(span);
}
