//! Floor 5: `p2p replay`, a recorded session run again. Knows the engine's recordings and how to print, and no other front end.

use std::path::PathBuf;

use clap::Args;
use color_eyre::eyre::{Result, WrapErr};
use serde::Serialize;

use crate::engine::recording;
use crate::output::{self, OutputArgs};

/// `p2p replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// What `replay` prints.
#[derive(Debug, Serialize)]
struct ReplayReport {
    commands: u64,
    virtual_seconds: f64,
    trace_hash: String,
    recorded_trace_hash: Option<String>,
    same: bool,
}

/// Runs the recording again. True where it came to the same trace.
///
/// # Errors
/// Where it cannot be replayed.
pub fn run(args: &ReplayArgs) -> Result<bool> {
    let scratch = tempfile::tempdir().wrap_err("cannot create a temporary directory")?;
    let replayed = recording::replay(&args.file, scratch.path())?;
    let report = ReplayReport {
        same: replayed.recorded_hash.as_ref() == Some(&replayed.trace_hash),
        commands: replayed.commands,
        virtual_seconds: replayed.at.as_secs_f64(),
        trace_hash: replayed.trace_hash,
        recorded_trace_hash: replayed.recorded_hash,
    };
    output::print(&args.output, &report, text)?;
    Ok(report.same)
}

fn text(report: &ReplayReport) -> String {
    let what =
        format!("{} commands, {:.3} virtual seconds, trace {}", report.commands, report.virtual_seconds, report.trace_hash);
    match &report.recorded_trace_hash {
        Some(_) if report.same => format!("{what}: the same as recorded"),
        Some(recorded) => format!("{what}: recorded was {recorded}; a file that was uploaded may have changed since"),
        None => format!("{what}: the recording has no end to compare with"),
    }
}
