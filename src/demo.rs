//! Floor 5: the demonstration. Real files go to the nodes and come back, everybody probes everybody, and a report says what
//! was measured. Knows the engine and the report, and no other front end.

use std::path::Path;
use std::time::Instant;

use clap::Args;
use color_eyre::eyre::{Result, WrapErr, eyre};

use crate::engine::command::OnShutdown;
use crate::engine::transfer::TransferReport;
use crate::engine::{ClockMode, Command, Reply};
use crate::interrupt::interrupted;
use crate::output::{self, OutputArgs};
use crate::progress::Progress;
use crate::random::RandomStream;
use crate::report::{DemoReport, FileReport, NetworkReport, SegmentReport, WayReport, node_lines};
use crate::session::{EngineArgs, Session, remove_stored};
use crate::storage::segment::Sha256Digest;

/// The files: name and size in MiB.
const FILES: [(&str, usize); 3] = [("demo-2MiB.bin", 2), ("demo-3MiB.bin", 3), ("demo-5MiB.bin", 5)];

/// `p2p demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl DemoArgs {
    /// Whether somebody wants the report as JSON.
    pub fn wants_json(&self) -> bool {
        self.output.json
    }

    /// What the engine is to be started with.
    pub fn engine(&self) -> &EngineArgs {
        &self.engine
    }
}

/// Runs the demonstration and prints its report. True where every byte came back.
///
/// # Errors
/// Where something could not be done at all.
pub async fn run(args: &DemoArgs) -> Result<bool> {
    let started = wall_clock();
    let scratch = tempfile::tempdir().wrap_err("cannot create a temporary directory")?;
    let own_data = scratch.path().join("data");
    let data_dir = if args.engine.data_dir.is_some() { None } else { Some(own_data.as_path()) };
    let _log = if args.engine.data_dir.is_some() {
        Some(remove_stored(&args.engine, &FILES.map(|(name, _)| name)).await?)
    } else {
        None
    };
    let session = Session::start(&args.engine, data_dir, ClockMode::OnDemand)?;
    let progress = Progress::start(&session.engine);
    let mut report = tokio::select! {
        report = demonstrate(&session, scratch.path()) => report?,
        stop = interrupted() => {
            let stop = stop?;
            drop(session.end().await?);
            return Err(stop.into());
        }
    };
    progress.finish().await;
    drop(session.end().await?);
    report.wall_seconds = started.elapsed().as_secs_f64();
    output::print(&args.output, &report, DemoReport::text)?;
    Ok(report.verified)
}

#[expect(clippy::disallowed_methods, reason = "the report says how long the demonstration took on the wall clock")]
fn wall_clock() -> Instant {
    Instant::now()
}

async fn demonstrate(session: &Session, scratch: &Path) -> Result<DemoReport> {
    let seed = session.config.seed()?;
    let (mut uploads, mut files) = (Vec::new(), Vec::new());
    for (name, mib) in FILES {
        let path = scratch.join(name);
        make_file(&path, mib << 20, seed)?;
        let upload = session.begin(Command::Upload { path, name: None, stored_at: output::now_unix() }).await?;
        uploads.push(session.finish(upload).await?);
    }
    let health = session.check_health().await?;
    for (upload, (name, _)) in uploads.iter().zip(FILES) {
        files.push(fetch_and_compare(session, scratch, name, upload).await?);
    }
    let nodes = node_lines(&session.nodes().await?, &health);
    session.ask(Command::Shutdown { running: OnShutdown::Finish }).await?;
    let Reply::Network(network) = session.ask(Command::Network).await? else { return Err(eyre!("no figures of the network")) };
    Ok(DemoReport {
        verified: files.iter().all(|file| file.verified),
        seed,
        trace_hash: session.engine.trace_hash().await?.to_string(),
        wall_seconds: 0.0,
        virtual_seconds: session.engine.snapshots().borrow().at.as_secs_f64(),
        files,
        segments: uploads.iter().flat_map(SegmentReport::of_upload).collect(),
        nodes,
        network: NetworkReport::from(network.as_ref()),
    })
}

fn make_file(path: &Path, bytes: usize, seed: u64) -> Result<()> {
    let mut content = vec![0; bytes];
    RandomStream::new(seed, &format!("demo file of {bytes} bytes")).fill(&mut content);
    std::fs::write(path, content).wrap_err_with(|| format!("cannot write {}", path.display()))
}

/// Fetches a file and compares it with what was stored, byte for byte.
async fn fetch_and_compare(session: &Session, scratch: &Path, name: &str, upload: &TransferReport) -> Result<FileReport> {
    let fetched = scratch.join(format!("fetched-{name}"));
    let command = Command::Download { name: name.to_owned(), path: fetched.clone(), overwrite: true };
    let download = session.finish(session.begin(command).await?).await?;
    let read = |path: &Path| std::fs::read(path).wrap_err_with(|| format!("cannot read {}", path.display()));
    let (original, copy) = (read(&scratch.join(name))?, read(&fetched)?);
    let sha256 = Sha256Digest::of(&original);
    Ok(FileReport {
        name: name.to_owned(),
        bytes: upload.status.bytes,
        segments: upload.status.segments,
        sha256,
        upload: WayReport::from(upload),
        download: WayReport::from(&download),
        verified: original == copy && upload.sha256 == Some(sha256) && download.sha256 == Some(sha256),
    })
}
