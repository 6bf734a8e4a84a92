//! One-shot commands. Each starts an engine on the data directory, does one thing for the user who is logged in, prints
//! the result, and ends.

mod asked;
mod kept;
mod names;
mod plans;
mod report;
mod streams;
mod works;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use eyre::{Report, Result, WrapErr};
use p2p_base::message::legible;
use p2p_base::spelling::{visible, visible_path};
use p2p_engine::ClockMode;
use p2p_engine::operation::{CheckHealth, ListNodes};
use p2p_engine::transfer::TransferReport;
use p2p_service::access::range::WantedRange;
use p2p_service::access::{Access, Identity};
use p2p_service::config::keys::Section;
use p2p_service::failure::{self, wrong_usage};
use p2p_service::instance::{EngineArgs, Instance, advised, default_data_dir};
use p2p_service::interrupt::{self, Interrupted};
use p2p_service::mailer::Delivery;
use p2p_service::output::{self, OutputArgs};
use p2p_shell::asking::{CommonArgs, LOCAL_COMMAND, LoginArgs, Prompter, refused};
use p2p_shell::groups::Groups;
use p2p_shell::progress::{KEEPS, Progress, UNDOES};
use p2p_shell::report::{
    ExportReport, RemovalLine, TransferLine, entries_table, node_lines, nodes_table, removals_text, transfers_table, wrapped,
};
use p2p_shell::tally::{self, Tally, noun_of, tell_left};
use p2p_shell::{ShellError, list_entries, write_document};
use p2p_store::uploads::UploadId;
use serde::Serialize;

use self::kept::KeptPut;
pub use self::names::{NamesArgs, stored_names};
use self::plans::{check_readable, downloads_of, removals_of, uploads_of};
pub use self::report::{ReportArgs, report};
use self::works::{Named, Queued, Work, begin_group};
use crate::operand::is_dash;

/// `p2p put`
#[derive(Debug, Args)]
pub struct PutArgs {
    /// The files to store; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Store the file under NAME instead of its own name; with a / at its end, NAME is a directory to store it in
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Store directories with all files in them; what is stored already with the same content is left out
    #[arg(short, long)]
    recursive: bool,
    /// Replace stored files of that name; each is there until the new one is
    #[arg(short, long, conflicts_with = "resume")]
    force: bool,
    /// Keep the times of modification and the modes of the files
    #[arg(short, long, conflicts_with = "resume")]
    preserve: bool,
    /// Keep what is stored if this is interrupted, for a day; what is said first has the ID for --resume. Of what a kill (SIGKILL, a
    /// crash) interrupts, what was noted last is kept: notes begin after 8 MiB
    #[arg(long)]
    keep: bool,
    /// Continue the upload that is kept as ID, with the same file: of the same size and modification time, and beginning with what is kept; `-`
    /// is compared with that alone. The times, modes and --force with which it was begun hold. `p2p uploads` lists what is kept
    #[arg(long, value_name = "ID", conflicts_with = "keep")]
    resume: Option<UploadId>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p get`
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The stored files to fetch
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// The file or the directory to put it in, instead of this directory; `-` for standard output
    #[arg(short, long, value_name = "OUT")]
    output_file: Option<PathBuf>,
    /// Fetch these bytes only: FIRST-LAST with both ends, counted from 0, FIRST- for the rest, -N for the last N
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    range: Option<WantedRange>,
    /// Replace a file that is there
    #[arg(short, long)]
    force: bool,
    /// Give the files the times of modification and the modes of the stored ones
    #[arg(short, long)]
    preserve: bool,
    /// Fetch directories with all files in them; what is there already with the same content is left out
    #[arg(short, long)]
    recursive: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p ls`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The stored directory or file; without it, the root of your own files, and what other users share with you
    path: Option<String>,
    /// List all that is in the directories, too
    #[arg(short = 'R', long)]
    recursive: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p rm`
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The stored files and directories to remove
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Remove directories with all that is in them
    #[arg(short, long)]
    recursive: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Write to OUT instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output_file: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
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

/// An engine together with the user for whom it runs.
struct Visit {
    instance: Instance,
    prompter: Prompter,
    identity: Arc<Identity>,
}

impl Visit {
    /// Starts an engine for a user, who is logged in if accounts require it.
    async fn begin(engine: &EngineArgs, login: &LoginArgs) -> Result<Visit> {
        Visit::of(Instance::start, engine, login).await
    }

    /// Starts an engine as [`begin`](Visit::begin) does, for a command that only reads.
    async fn begin_reading(engine: &EngineArgs, login: &LoginArgs) -> Result<Visit> {
        Visit::of(Instance::start_reading, engine, login).await
    }

    async fn of(start: fn(&EngineArgs, ClockMode) -> Result<Instance>, engine: &EngineArgs, login: &LoginArgs) -> Result<Visit> {
        login.check_with_token()?;
        let instance = start(engine, ClockMode::OnDemand)?;
        let prompter = Prompter::open_with_token(&instance, login, LOCAL_COMMAND).await?;
        let identity = prompter.user().await?;
        Ok(Visit { instance, prompter, identity })
    }

    fn access(&self) -> &Access {
        self.prompter.shell().access()
    }

    /// Ends the visit of a command that is refused, and returns why, whether the engine ends or not.
    async fn end_refused(self, error: ShellError) -> Result<()> {
        let told: Result<()> = Err(refused(error));
        told.and(self.end().await)
    }

    /// Ends the user's login session, unless it is stored, and then the engine.
    async fn end(self) -> Result<()> {
        drop(self.identity);
        self.prompter.close().await;
        self.instance.end().await.map(drop)
    }
}

/// Stores files, one after the other, and small ones beside each other. All are checked first; one that fails later does not prevent the
/// others.
///
/// # Errors
/// Fails if a file cannot be stored, or if the options contradict each other.
pub async fn put(args: &PutArgs) -> Result<()> {
    args.check()?;
    let (name, from_stdin) = (&args.name, args.files.iter().any(|path| is_dash(path)));
    let kept = KeptPut::of(args)?;
    let visit = Visit::begin(&args.common.engine, &args.common.login).await?;
    let _attention = interrupt::attend()?;
    let upload = kept.as_ref().map(|kept| kept.upload);
    let works = match (kept, name) {
        (Some(kept), _) => Ok(vec![Named::new(visible_path(&kept.path), Ok(Work::Kept(kept)))]),
        (None, Some(name)) if from_stdin => Ok(vec![Named::new(visible(name), Ok(Work::FromStdin(name.clone(), args.force)))]),
        (None, name) => uploads_of(&visit, args, name.as_deref()).await,
    };
    let works = match works {
        Ok(works) => works,
        Err(error) => return visit.end_refused(error).await,
    };
    let (mut lines, sum, result) = transfer_all(visit, works, "stored", TransferLine::new).await;
    lines.iter_mut().for_each(|line| line.upload = upload);
    print_done(args.common.output, (lines, sum, result), |lines| transfers_table(lines).text(output::terminal_width()))
}

/// Fetches files, one after the other.
///
/// # Errors
/// Fails if a file cannot be fetched; then no file of that name appears.
pub async fn get(args: &GetArgs) -> Result<()> {
    let out = args.output_file.as_deref();
    args.check()?;
    if out.is_some_and(is_dash) {
        return get_to_stdout(args).await;
    }
    let visit = Visit::begin_reading(&args.common.engine, &args.common.login).await?;
    let _attention = interrupt::attend()?;
    let works = match downloads_of(&visit, args).await {
        Ok(works) => works,
        Err(error) => return visit.end_refused(error).await,
    };
    let done = transfer_all(visit, works, "fetched", TransferLine::new).await;
    print_done(args.common.output, done, |lines| transfers_table(lines).text(output::terminal_width()))
}

/// Fetches files to standard output, each segment as soon as it is verified.
async fn get_to_stdout(args: &GetArgs) -> Result<()> {
    if args.common.output.json {
        return Err(wrong_usage("-o - and --json both want standard output", "leave one of them out"));
    }
    if args.recursive {
        return Err(wrong_usage("-o - is one stream of bytes, and a directory is none", "give a directory with -o OUT"));
    }
    let visit = Visit::begin_reading(&args.common.engine, &args.common.login).await?;
    let _attention = interrupt::attend()?;
    if let Err(error) = check_readable(&visit, &args.names).await {
        return visit.end_refused(error).await;
    }
    let work = |name: &String| Named::new(visible(name), Ok(Work::ToStdout(name.clone(), args.range)));
    let works = args.names.iter().map(work).collect();
    let (_, sum, result) = transfer_all(visit, works, "fetched", TransferLine::new).await;
    tell_sum(sum.as_ref());
    result
}

/// Removes stored files and directories: directories one after the other, and files beside each other.
///
/// # Errors
/// Fails if there is no file or directory of a given name, or it cannot be removed.
pub async fn remove(args: &RemoveArgs) -> Result<()> {
    let visit = Visit::begin(&args.common.engine, &args.common.login).await?;
    let _attention = interrupt::attend()?;
    let works = match removals_of(&visit, args).await {
        Ok(works) => works,
        Err(error) => return visit.end_refused(error).await,
    };
    let done = transfer_all(visit, works, "removed", RemovalLine::new).await;
    print_done(args.common.output, done, |lines| wrapped(&removals_text(lines), output::terminal_width()))
}

/// Carries out transfers one after the other, and small ones beside each other. Returns a `line` of each completed one, the sum if there
/// are several, and the last error. An interruption ends all of them; the caller must have called [`interrupt::attend`].
async fn transfer_all<T>(
    visit: Visit,
    commands: Vec<Named>,
    verb: &'static str,
    line: fn(&TransferReport, String) -> T,
) -> (Vec<T>, Option<Sum>, Result<()>) {
    let begins = || commands.iter().filter_map(Named::begins);
    let noun = noun_of(visit.access(), begins());
    let identity = Arc::clone(&visit.identity);
    let becomes = if commands.iter().any(Named::is_kept) { KEEPS } else { UNDOES };
    let progress = Progress::start(visit.access().snapshots(), becomes, move |status| identity.describe(status));
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    let (all, mut tally, mut not_done) = (commands.len(), Tally::new(verb, Vec::new()).of(noun), 0);
    let mut groups = Groups::new(commands.into_iter().map(|work| Queued::new(visit.access(), work)));
    loop {
        begin_group(&visit, &mut groups).await;
        let Some(next) = groups.pop() else { break };
        let (name, ended) = next.see_through(&visit).await;
        match ended {
            Ok(report) => {
                let label = visit.identity.shown(&report.status.file);
                tally.add(&label, Ok(report.status.bytes));
                done.push(line(&report, label));
            }
            // Those that are interrupted together are told of once.
            Err(error) => {
                not_done += 1;
                let is_told = |last: &Report| error.is::<Interrupted>() && last.is::<Interrupted>();
                if !failed.last().is_some_and(is_told) {
                    failed.push(if all > 1 { naming(error, &name) } else { error });
                }
            }
        }
        // A transfer that could no longer be cancelled is completed, but no further one is begun.
        let is_given_up = failed.last().and_then(|error| error.downcast_ref()).is_some_and(Interrupted::is_given_up);
        if let Some(stop) = interrupt::pending().filter(|_| groups.under_way() == 0 || is_given_up) {
            tally.leave(groups.waiting().len() as u64);
            tell_left(&mut failed, stop, groups.waiting().len());
            break;
        }
    }
    progress.finish().await;
    let sum = (all > 1).then_some(Sum { tally, not_done });
    (done, sum, failure::all_told(failed).and(visit.end().await))
}

/// Returns the error of one of several files with the name of the file, if it does not say it by itself.
fn naming(error: Report, name: &str) -> Report {
    let text = failure::text_of(&error);
    let is_named = error.is::<Interrupted>() || tally::naming(name, text.clone()) == text;
    if is_named { error } else { error.wrap_err(name.to_owned()) }
}

/// Sum of the transfers of a command, of which each that was not completed is told by itself.
struct Sum {
    tally: Tally,
    /// Number of transfers that have failed or were undone.
    not_done: usize,
}

/// Tells the sum on standard error, since standard output carries the files alone.
fn tell_sum(sum: Option<&Sum>) {
    let Some(Sum { tally, not_done }) = sum else { return };
    let not = if *not_done > 0 { format!(", {not_done} not") } else { String::new() };
    output::tell(format_args!("p2p: {}{not}", tally.head()));
}

/// The JSON output of `put`, `get` and `rm`.
#[derive(Debug, Serialize)]
struct Done<T> {
    files: Vec<T>,
}

/// Prints the completed transfers, even if others have failed.
fn print_done<T: Serialize>(
    output: OutputArgs,
    (files, sum, result): (Vec<T>, Option<Sum>, Result<()>),
    text: fn(&[T]) -> String,
) -> Result<()> {
    if result.is_ok() || !files.is_empty() {
        output::print(&output, &Done { files }, |done| text(&done.files))?;
    }
    tell_sum(sum.as_ref());
    result
}

/// Lists the stored files and directories.
///
/// # Errors
/// Fails if there is no file or directory of the given name, or if the data directory cannot be used.
pub async fn list(args: &ListArgs) -> Result<()> {
    let visit = Visit::begin_reading(&args.common.engine, &args.common.login).await?;
    let lines = list_entries(visit.access(), &visit.identity, args.path.as_deref(), args.recursive).await;
    let ended = visit.end().await;
    let empty = if args.path.is_some() { "the directory is empty" } else { "no files are stored" };
    output::print(&args.common.output, &lines.map_err(refused)?, |lines| {
        entries_table(lines, empty).text(output::terminal_width())
    })?;
    ended
}

/// Lists the nodes with the results of a health check.
///
/// # Errors
/// Fails if the data directory cannot be used.
pub async fn nodes(args: &CommonArgs) -> Result<()> {
    let visit = Visit::begin_reading(&args.engine, &args.login).await?;
    let health = visit.access().call(CheckHealth).await.map_err(advised)?;
    let lines = node_lines(&visit.access().call(ListNodes).await.map_err(advised)?, &health);
    let ended = visit.end().await;
    output::print(&args.output, &lines, |lines| nodes_table(lines).text(output::terminal_width()))?;
    ended
}

/// Writes the contents of the catalog as JSON.
///
/// # Errors
/// Fails if the data directory cannot be used or the output cannot be written.
pub async fn export(args: &ExportArgs) -> Result<()> {
    let visit = Visit::begin_reading(&args.engine, &args.login).await?;
    let manifests = visit.access().manifests().await.map_err(advised)?;
    let ended = visit.end().await;
    let json = serde_json::to_string_pretty(&ExportReport::new(&manifests)).wrap_err("cannot make JSON")?;
    match args.output_file.as_deref() {
        None => output::print_json(&json),
        Some(path) if is_dash(path) => output::print_json(&json),
        Some(path) => write_document(path, &(json + "\n"), args.force).map_err(|error| refused(ShellError::from(error))),
    }?;
    ended
}

/// A value of the configuration, as an element of `config --json`.
#[derive(Debug, Serialize)]
struct ConfigLine {
    section: String,
    key: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    value: String,
    origin: String,
}

/// Prints the configuration in effect.
///
/// # Errors
/// Fails if the configuration is invalid.
pub fn config(args: &ConfigArgs) -> Result<()> {
    let mut config = args.engine.load()?;
    for warning in config.warnings() {
        output::tell(legible(&format!("p2p: {warning}")));
    }
    if config.data_dir().is_none() {
        config.set(Section::Storage, "data_dir", &default_data_dir()?.to_string_lossy(), "by default")?;
    }
    // Values that contradict each other are reported here too, not only when an engine starts.
    let data_dir = config.data_dir().unwrap_or_default();
    config.engine(&data_dir, ClockMode::OnDemand)?;
    config.accounts()?;
    Delivery::new(&config, &data_dir).wrap_err("cannot send mail")?;
    let line = |(node, host), section: Section, key, setting: &p2p_service::config::Setting| ConfigLine {
        section: section.to_string(),
        key,
        node,
        host,
        value: setting.shown().into_owned(),
        origin: setting.origin.to_string(),
    };
    let nodes = config.node_settings().map(|(node, key, setting)| line((Some(node), None), Section::Node, key, setting));
    let hosts =
        config.remote_settings().map(|(host, key, setting)| line((None, Some(host.to_owned())), Section::Remote, key, setting));
    let lines: Vec<ConfigLine> = config
        .settings()
        .map(|(section, key, setting)| line((None, None), section, key, setting))
        .chain(nodes)
        .chain(hosts)
        .collect();
    output::print(&args.output, &lines, |_| config.to_string().trim_end().to_owned())
}
