//! The demonstration `p2p demo`. Three users log in, real files are stored on the nodes and fetched again, all hosts
//! probe each other, and a report states what was measured. With `--services` one more file goes through the doors for other programs, after all that.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use eyre::{Result, WrapErr, eyre};
use p2p_base::private_file;
use p2p_base::random::RandomStream;
use p2p_base::spelling::visible_path;
use p2p_engine::ClockMode;
use p2p_engine::Snapshot;
use p2p_engine::operation::{Await, BeginTransfer, CheckHealth, CountPackets, Download, ListNodes};
use p2p_engine::transfer::TransferReport;
use p2p_service::access::{Access, Identity};
use p2p_service::instance::{Instance, SimulationArgs, advised};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::output::{self, OutputArgs};
use p2p_service::scratch::Scratch;
use p2p_shell::asking::refused;
use p2p_shell::page::of_demo;
use p2p_shell::progress::{Progress, UNDOES};
use p2p_shell::question::Reply as Filled;
use p2p_shell::report::{DemoReport, FileReport, NetworkReport, SegmentReport, UserReport, WayReport, node_lines};
use p2p_shell::words::Variables;
use p2p_shell::{Questions, Shell};
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;

use crate::demo_services;
use crate::demo_users::{self, DemoUsers, USERS};
use crate::page::PageArgs;

/// The files of the demonstration, as name and size in MiB: the first user stores the first one, and so on.
const FILES: [(&str, usize); 3] = [("demo-2MiB.bin", 2), ("demo-3MiB.bin", 3), ("demo-5MiB.bin", 5)];
/// Maximum time in which a mail with a code must reach the outbox.
const MAIL_MAX: Duration = Duration::from_secs(30);

/// `p2p demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Store one more file over gRPC and read it over SFTP, through sockets of this machine; prints the report, and takes no tour
    #[arg(long)]
    services: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    simulation: SimulationArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl DemoArgs {
    /// Returns true if the report is wanted, and not the tour.
    pub fn wants_report(&self) -> bool {
        self.output.json || self.services || self.page.is_wanted()
    }

    /// Returns the options of the simulation.
    pub fn simulation(&self) -> &SimulationArgs {
        &self.simulation
    }
}

/// Runs the demonstration and prints its report.
///
/// # Errors
/// Fails if a step could not be carried out, if the user interrupts, or if a fetched file differs from the stored one.
pub async fn run(args: &DemoArgs) -> Result<()> {
    let (started, page) = (wall_clock(), args.page.begin()?);
    let _attention = interrupt::attend()?;
    if args.services {
        demo_services::require_open_files()?;
    }
    let scratch = Scratch::temporary(demo_users::PREFIX)?;
    let data_dir = scratch.path().join("data");
    let engine = demo_users::engine(&data_dir, &args.simulation);
    let users = DemoUsers::make(&data_dir, engine.load()?.accounts()?, output::now_unix).await?;
    let instance = Instance::start(&engine, ClockMode::OnDemand)?;
    let progress = Progress::start(instance.snapshots(), UNDOES, |status| Identity::Nobody.describe(status));
    let (mut report, first, last) = tokio::select! {
        report = demonstrate(&instance, users, scratch.path()) => report?,
        stop = interrupted() => {
            let stop = stop?;
            let told: Result<()> = Err(stop.after("nothing is left of the demonstration").into());
            return told.and(instance.end().await.map(drop));
        }
    };
    progress.finish().await;
    let token = if args.services { Some(demo_services::token(&first).await?) } else { None };
    let identity = first.identity();
    drop(first);
    let ended = instance.end().await.map(drop);
    // When requests from elsewhere arrive is the machine's to decide: all that is the same for a seed is measured before.
    if let Some(token) = token {
        let services = demo_services::store_and_fetch(&engine, USERS[0].0, token, report.seed).await?;
        report.verified &= services.verified;
        report.services = Some(services);
    }
    report.wall_seconds = started.elapsed().as_secs_f64();
    if let Some(page) = page {
        let html = of_demo(&report, (&last, &identity), output::now_unix()).map_err(refused)?;
        page.write(&html)?;
    }
    output::print(&args.output, &report, |report| report.text(output::terminal_width()))?;
    if report.verified { ended } else { Err(eyre!("not every byte came back")) }
}

#[expect(clippy::disallowed_methods, reason = "the report says how long the demonstration took on the wall clock")]
fn wall_clock() -> Instant {
    Instant::now()
}

/// Executes a transfer for the user of `door`.
async fn transfer(door: &Access, begins: BeginTransfer) -> Result<TransferReport> {
    let transfer = door.call(begins).await.map_err(advised)?;
    door.call(Await { transfer }).await.and_then(|report| report.into_result()).map_err(advised)
}

/// Returns the report, the access of the first user, and what that user sees at the end.
async fn demonstrate(instance: &Instance, mut users: DemoUsers, scratch: &Path) -> Result<(DemoReport, Access, Arc<Snapshot>)> {
    let seed = instance.config.seed()?;
    let (mut doors, mut uploads, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for (name, _) in USERS {
        doors.push(log_in(instance, &mut users, name).await?);
    }
    for ((name, mib), door) in FILES.into_iter().zip(&doors) {
        let path = scratch.join(name);
        make_file(&path, mib << 20, seed)?;
        uploads.push(transfer(door, door.upload(path, None)?.into()).await?);
    }
    let health = doors[0].call(CheckHealth).await?;
    for ((upload, (name, _)), door) in uploads.iter().zip(FILES).zip(&doors) {
        files.push(fetch_and_compare(door, scratch, name, upload).await?);
    }
    let nodes = node_lines(&doors[0].call(ListNodes).await?, &health);
    instance.finish_running().await?;
    let network = doors[0].call(CountPackets).await?;
    let report = DemoReport {
        verified: files.iter().all(|file| file.verified),
        seed,
        trace_hash: instance.trace_hash().await?.to_string(),
        wall_seconds: 0.0,
        virtual_seconds: instance.snapshots().latest().at.as_secs_f64(),
        users: doors.iter().filter_map(report_of).collect(),
        files,
        segments: uploads.iter().flat_map(SegmentReport::of_transfer).collect(),
        nodes,
        network: NetworkReport::from(network.as_ref()),
        services: None,
    };
    let last = doors[0].present_snapshot().await?;
    Ok((report, doors.swap_remove(0), last))
}

/// Logs a user in with the password and then the second factor, as any user does.
async fn log_in(instance: &Instance, users: &mut DemoUsers, name: &str) -> Result<Access> {
    let (shell, mut questions) = Shell::new(instance.access("demonstration")?);
    let (line, variables) = (format!("login {name}"), Variables::new());
    let mut login = shell.run(&line, &variables);
    loop {
        tokio::select! {
            done = &mut login => {
                done?;
                break;
            }
            filled = fill_in(instance, users, &mut questions) => filled?,
        }
    }
    drop(login);
    Ok(shell.access().clone())
}

/// Fills the next form in as soon as its answers are known: a code by mail has to arrive first.
async fn fill_in(instance: &Instance, users: &mut DemoUsers, questions: &mut Questions) -> Result<()> {
    let mut notices = instance.mailer.notices();
    let question = questions.recv().await.ok_or_else(|| eyre!("nothing more is asked"))?;
    loop {
        if let Some(given) = users.fill_in(&question.form)? {
            // The task that asked may have ended.
            let _ = question.reply.send(Filled::Given(given));
            return Ok(());
        }
        let notice = tokio::time::timeout(MAIL_MAX, notices.recv()).await;
        notice.wrap_err("no mail with a code has come into the outbox")?.wrap_err("the delivery of mails has stopped")?;
    }
}

fn report_of(door: &Access) -> Option<UserReport> {
    match &*door.identity() {
        Identity::User { account, .. } => Some(UserReport::from(account)),
        _ => None,
    }
}

fn make_file(path: &Path, bytes: usize, seed: u64) -> Result<()> {
    let mut content = vec![0; bytes];
    RandomStream::new(seed, &format!("demo file of {bytes} bytes")).fill(&mut content);
    private_file::write(path, &content).wrap_err_with(|| format!("cannot write {}", visible_path(path)))
}

/// Fetches a user's file, and compares it with the stored one byte for byte.
async fn fetch_and_compare(door: &Access, scratch: &Path, name: &str, upload: &TransferReport) -> Result<FileReport> {
    let identity = door.identity();
    let (user, file) = (identity.name().map(str::to_owned), FileKey::new(identity.name(), name));
    let fetched = scratch.join(format!("fetched-{name}"));
    // The file that replaces this one takes over its permissions, and is readable by its owner alone.
    private_file::write(&fetched, b"").wrap_err_with(|| format!("cannot write {}", visible_path(&fetched)))?;
    let download = transfer(door, Download::to_file(file, fetched.clone(), true).into()).await?;
    let read = |path: &Path| std::fs::read(path).wrap_err_with(|| format!("cannot read {}", visible_path(path)));
    let (original, copy) = (read(&scratch.join(name))?, read(&fetched)?);
    let sha256 = Sha256Digest::of(&original);
    Ok(FileReport {
        owner: user.unwrap_or_default(),
        name: name.to_owned(),
        bytes: upload.status.bytes,
        segments: upload.status.segments,
        sha256,
        upload: WayReport::from(upload),
        download: WayReport::from(&download),
        verified: original == copy && upload.sha256 == Some(sha256) && download.sha256 == Some(sha256),
    })
}
