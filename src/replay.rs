//! `p2p replay`, which runs a recording again and compares the trace.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use eyre::{Result, WrapErr, eyre};
use p2p_base::spelling::visible_path;
use p2p_base::units::count_of;
use p2p_engine::recording::{Recording, Replayed};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::output::{self, OutputArgs};
use p2p_service::recordings;
use p2p_service::scratch::Scratch;
use serde::Serialize;

/// Maximum time for which an interrupted replay is awaited, so that it can remove its files.
const END_MAX: Duration = Duration::from_secs(3);

/// `p2p replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// The JSON output of `replay`.
#[derive(Debug, Serialize)]
struct ReplayReport {
    commands: u64,
    virtual_seconds: f64,
    trace_hash: String,
    recorded_trace_hash: Option<String>,
    same: bool,
}

/// Runs the recording again.
///
/// # Errors
/// Fails if the recording cannot be replayed, or if the trace differs from the recorded one.
pub async fn run(args: &ReplayArgs) -> Result<()> {
    let recording = read(&args.file)?;
    let replayed = replay(recording).await?;
    let report = ReplayReport {
        same: replayed.recorded_hash.as_ref() == Some(&replayed.trace_hash),
        commands: replayed.commands,
        virtual_seconds: replayed.at.as_secs_f64(),
        trace_hash: replayed.trace_hash,
        recorded_trace_hash: replayed.recorded_hash,
    };
    output::print(&args.output, &report, text)?;
    match (report.same, report.recorded_trace_hash) {
        (true, _) => Ok(()),
        (false, None) => Err(eyre!("the recording has no end to compare with")),
        (false, Some(_)) => Err(eyre!("the trace is not the recorded one")),
    }
}

fn read(path: &PathBuf) -> Result<Recording> {
    if path.as_os_str() == "-" {
        return Ok(Recording::read(io::stdin().lock(), "standard input".as_ref())?);
    }
    let file = File::open(path).wrap_err_with(|| format!("cannot read the recording {}", visible_path(path)))?;
    Ok(Recording::read(BufReader::new(file), path)?)
}

/// Replays on a thread of its own, so that an interruption is noticed and the temporary files are removed.
async fn replay(recording: Recording) -> Result<Replayed> {
    let _attention = interrupt::attend()?;
    let scratch = scratch_for(&recording)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_over);
    let mut replaying = tokio::task::spawn_blocking(move || {
        let replayed = recording.replay(scratch.path(), &|| seen.load(Ordering::Relaxed));
        drop(scratch);
        replayed
    });
    tokio::select! {
        biased;
        replayed = &mut replaying => Ok(replayed.wrap_err("the replay has failed in a way that it should not")??),
        stop = interrupted() => {
            let stop = stop?;
            is_over.store(true, Ordering::Relaxed);
            let is_removed = tokio::time::timeout(END_MAX, replaying).await.is_ok();
            let outcome = if is_removed { "nothing is left of the replay" } else { "the next replay removes what is left of this one" };
            Err(stop.after(outcome).into())
        }
    }
}

/// Creates the working directory of a replay: beside the segments that it needs, so that they need not be copied, or else in the
/// directory for temporary files.
fn scratch_for(recording: &Recording) -> Result<Scratch> {
    match Scratch::new_in(recording.data_dir(), recordings::REPLAY_PREFIX) {
        Ok(scratch) => Ok(scratch),
        Err(_) => Scratch::temporary("p2p-replay-"),
    }
}

fn text(report: &ReplayReport) -> String {
    let what = format!(
        "{}, {:.3} virtual seconds, trace {}",
        count_of(report.commands, "command"),
        report.virtual_seconds,
        report.trace_hash
    );
    match &report.recorded_trace_hash {
        Some(_) if report.same => format!("{what}: the same as recorded"),
        Some(recorded) => format!("{what}: recorded was {recorded}; a file that was uploaded may have changed since"),
        None => format!("{what}: the recording has no end to compare with"),
    }
}
