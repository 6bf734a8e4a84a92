//! Floor 5: one-shot commands. Each starts an engine on the data directory, does one thing for whoever is logged in, at once or in
//! virtual time, prints what came of it, and ends. Knows the engine and the report, and no other front end.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use color_eyre::Help;
use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::access::{Access, Who};
use crate::asking::{Desk, LoginArgs, refused};
use crate::config::keys::Section;
use crate::engine::transfer::{TransferReport, TransferState};
use crate::engine::{ClockMode, Command, Reply};
use crate::interrupt::{Interrupted, interrupted};
use crate::mailer::Delivery;
use crate::output::{self, OutputArgs};
use crate::progress::Progress;
use crate::report::{
    ExportReport, FileLine, RemovalLine, TransferLine, files_table, node_lines, nodes_table, removals_text, transfers_table,
};
use crate::session::{EngineArgs, Session, advised, default_data_dir};
use crate::shell::place_of;
use crate::storage::manifest::FileKey;

/// `p2p put`
#[derive(Debug, Args)]
pub struct PutArgs {
    /// The files to store; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Store the file under NAME instead of its own name
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// `p2p get`
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The stored file to fetch
    name: String,
    /// The file or the directory to put it in, instead of this directory; `-` for standard output
    #[arg(short, long, value_name = "OUT")]
    output_file: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// `p2p rm`
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The stored files to remove
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// `p2p ls`, `p2p nodes`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// `p2p export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Write to OUT instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output_file: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
    /// Accepted for the sake of scripts: an export is always JSON
    #[arg(long)]
    json: bool,
}

/// `p2p config`
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// A session, and who uses it.
struct Visit {
    session: Session,
    desk: Desk,
    who: Arc<Who>,
}

impl Visit {
    /// Starts an engine for somebody who may use it.
    async fn begin(engine: &EngineArgs, login: &LoginArgs) -> Result<Visit> {
        if login.password_file.is_some() && login.user.is_none() {
            return Err(eyre!("--password-file is for whoever logs in")).suggestion("say who, with --user NAME");
        }
        let session = Session::start(engine, ClockMode::OnDemand)?;
        let desk = Desk::open(&session, login, "local command").await?;
        let who = desk.user().await?;
        Ok(Visit { session, desk, who })
    }

    fn access(&self) -> &Access {
        self.desk.shell().access()
    }

    /// The user, as the engine knows them.
    fn user(&self) -> Option<String> {
        self.who.name().map(str::to_owned)
    }

    async fn end(self) -> Result<()> {
        drop(self.who);
        self.desk.close().await;
        self.session.end().await.map(drop)
    }
}

/// Stores files, one after the other. One that cannot be stored does not keep others from it.
///
/// # Errors
/// Where a file cannot be stored.
pub async fn put(args: &PutArgs) -> Result<()> {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(eyre!("--as names one file, but {} are given", args.files.len())).suggestion("store them one by one");
    }
    let from_stdin = args.files.iter().any(|path| is_dash(path));
    if from_stdin && args.name.is_none() {
        return Err(eyre!("standard input has no name")).suggestion("give it one with --as NAME");
    }
    let spool = if from_stdin { Some(spool_stdin()?) } else { None };
    let visit = Visit::begin(&args.engine, &args.login).await?;
    let command = |path: &PathBuf| {
        let path = spool.as_ref().filter(|_| is_dash(path)).map_or(path.clone(), |spool| spool.path().to_owned());
        Command::Upload { path, owner: visit.user(), name: args.name.clone(), stored_at: output::now_unix() }
    };
    let commands = args.files.iter().map(command).map(Ok).collect();
    let done = transfer_all(visit, commands, TransferLine::new).await;
    print_done(args.output, done, |lines| transfers_table(lines).text(output::terminal_width()))
}

/// Fetches a file.
///
/// # Errors
/// Where it cannot be fetched; then no file of that name appears.
pub async fn get(args: &GetArgs) -> Result<()> {
    if args.output_file.as_deref().is_some_and(is_dash) {
        return get_to_stdout(args).await;
    }
    let visit = Visit::begin(&args.engine, &args.login).await?;
    let place = |file: &FileKey| place_of(file, args.output_file.clone());
    let command = visit.access().download(&visit.who, &args.name, place, args.force).await;
    let done = transfer_all(visit, vec![command.map_err(refused)], TransferLine::new).await;
    print_done(args.output, done, |lines| transfers_table(lines).text(output::terminal_width()))
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Standard input in a file, since a source is read from the start and its size is known before.
fn spool_stdin() -> Result<NamedTempFile> {
    let mut spool = NamedTempFile::new().wrap_err("cannot create a temporary file")?;
    io::copy(&mut io::stdin().lock(), &mut spool).wrap_err("cannot read standard input")?;
    Ok(spool)
}

/// The file is fetched and checked whole before any of it is written.
async fn get_to_stdout(args: &GetArgs) -> Result<()> {
    let directory = tempfile::tempdir().wrap_err("cannot create a temporary directory")?;
    let path = directory.path().join("file");
    let visit = Visit::begin(&args.engine, &args.login).await?;
    let command = visit.access().download(&visit.who, &args.name, |_| path.clone(), false).await;
    let (_, result) = transfer_all(visit, vec![command.map_err(refused)], TransferLine::new).await;
    result?;
    let mut file = File::open(&path).wrap_err("cannot read what was fetched")?;
    io::copy(&mut file, &mut io::stdout().lock()).wrap_err("cannot write to standard output")?;
    Ok(())
}

/// Removes files.
///
/// # Errors
/// Where there is none of that name.
pub async fn remove(args: &RemoveArgs) -> Result<()> {
    let visit = Visit::begin(&args.engine, &args.login).await?;
    let mut commands = Vec::new();
    for name in &args.names {
        let command = visit.access().removal(&visit.who, name).await;
        commands.push(command.map_err(refused));
    }
    let done = transfer_all(visit, commands, RemovalLine::new).await;
    print_done(args.output, done, removals_text)
}

/// Does transfers one after the other: a `line` of each that was done, and what failed. An interrupt ends them all.
async fn transfer_all<T>(
    visit: Visit,
    commands: Vec<Result<Command>>,
    line: fn(&TransferReport, String) -> T,
) -> (Vec<T>, Result<()>) {
    let who = Arc::clone(&visit.who);
    let progress = Progress::start(&visit.session.engine, move |status| who.seen(status));
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for command in commands {
        let report = match command {
            Ok(command) => transfer(&visit.session, command).await,
            Err(error) => Err(error),
        };
        match report {
            Ok(report) => done.push(line(&report, visit.who.shown(&report.status.file))),
            Err(error) => failed.push(error),
        }
        if failed.last().is_some_and(|error| error.is::<Interrupted>()) {
            break;
        }
    }
    progress.finish().await;
    (done, all_told(failed).and(visit.end().await))
}

/// The last error, once those before it have been told.
fn all_told(mut failed: Vec<Report>) -> Result<()> {
    let Some(last) = failed.pop() else { return Ok(()) };
    failed.iter().for_each(|error| eprintln!("Error: {error:?}\n"));
    Err(last)
}

/// What `put`, `get` and `rm` print.
#[derive(Debug, Serialize)]
struct Done<T> {
    files: Vec<T>,
}

/// Prints what was done, even where something else has failed.
fn print_done<T: Serialize>(output: OutputArgs, done: (Vec<T>, Result<()>), text: fn(&[T]) -> String) -> Result<()> {
    let (files, result) = done;
    if result.is_ok() || !files.is_empty() {
        output::print(&output, &Done { files }, |done| text(&done.files))?;
    }
    result
}

/// One transfer. Ctrl-C cancels it, and what it did is undone.
async fn transfer(session: &Session, command: Command) -> Result<TransferReport> {
    let transfer = session.begin(command).await?;
    tokio::select! {
        report = session.finish(transfer) => report,
        stop = interrupted() => {
            let stop = stop?;
            match session.ask(Command::Cancel { transfer }).await {
                // It was past being cancelled.
                Ok(Reply::Finished(report)) if report.status.state == TransferState::Done => Ok(*report),
                _ => Err(stop.into()),
            }
        }
    }
}

/// Lists the stored files.
///
/// # Errors
/// Where the data directory cannot be used.
pub async fn list(args: &ListArgs) -> Result<()> {
    let visit = Visit::begin(&args.engine, &args.login).await?;
    let files = visit.access().files(&visit.who).await.map_err(advised)?;
    let lines: Vec<FileLine> = files.iter().map(|file| FileLine::new(file, visit.who.shown(&file.key))).collect();
    visit.end().await?;
    output::print(&args.output, &lines, |lines| files_table(lines).text(output::terminal_width()))
}

/// Lists the nodes, as they answer probes.
///
/// # Errors
/// Where the data directory cannot be used.
pub async fn nodes(args: &ListArgs) -> Result<()> {
    let visit = Visit::begin(&args.engine, &args.login).await?;
    let health = visit.session.check_health().await?;
    let lines = node_lines(&visit.session.nodes().await?, &health);
    visit.end().await?;
    output::print(&args.output, &lines, |lines| nodes_table(lines).text(output::terminal_width()))
}

/// Writes everything that the catalog knows, as JSON.
///
/// # Errors
/// Where the data directory cannot be used or the output cannot be written.
pub async fn export(args: &ExportArgs) -> Result<()> {
    let visit = Visit::begin(&args.engine, &args.login).await?;
    let manifests = visit.access().manifests(&visit.who).await.map_err(advised)?;
    visit.end().await?;
    let json = serde_json::to_string_pretty(&ExportReport::new(&manifests)).wrap_err("cannot make JSON")?;
    match &args.output_file {
        None => output::print_text(&json),
        Some(path) => std::fs::write(path, json + "\n").wrap_err_with(|| format!("cannot write {}", path.display())),
    }
}

/// A value of the configuration, as `config --json` tells it.
#[derive(Debug, Serialize)]
struct ConfigLine {
    section: String,
    key: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<u16>,
    value: String,
    origin: String,
}

/// Prints the configuration in effect.
///
/// # Errors
/// Where it is wrong.
pub fn config(args: &ConfigArgs) -> Result<()> {
    let mut config = args.engine.load()?;
    if let Some(left_out) = config.left_out() {
        output::warn(left_out);
    }
    if config.data_dir().is_none() {
        config.set(Section::Storage, "data_dir", &default_data_dir()?.to_string_lossy(), "by default")?;
    }
    // Values that do not go together are told here too, before anybody starts an engine with them.
    config.engine(&PathBuf::new(), ClockMode::OnDemand)?;
    config.keymap()?;
    Delivery::new(&config, &PathBuf::new()).wrap_err("cannot send mail")?;
    let line = |node, section: Section, key, setting: &crate::config::Setting| ConfigLine {
        section: section.to_string(),
        key,
        node,
        value: setting.shown().into_owned(),
        origin: setting.origin.to_string(),
    };
    let nodes = config.node_settings().map(|(node, key, setting)| line(Some(node), Section::Node, key, setting));
    let lines: Vec<ConfigLine> =
        config.settings().map(|(section, key, setting)| line(None, section, key, setting)).chain(nodes).collect();
    output::print(&args.output, &lines, |_| config.to_string().trim_end().to_owned())
}
