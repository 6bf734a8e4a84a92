//! Floor 4: the log, in daily files of the data directory and never on the terminal.
//!
//! `P2P_LOG` sets what is written, in the syntax of `tracing-subscriber`'s filters: `debug`, `p2p_storage::engine=trace`. Knows
//! nothing of what is worth writing.

use std::path::Path;

use color_eyre::eyre::{Result, WrapErr};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;

/// The variable that sets what is written.
const FILTER_VARIABLE: &str = "P2P_LOG";
/// Without it.
const DEFAULT_FILTER: &str = "info";
/// How many days are kept.
const DAYS: usize = 14;

/// Begins to write the log below `data_dir`. What is still to be written is written when the guard is dropped.
///
/// # Errors
/// Where the directory cannot be made, or `P2P_LOG` is no filter.
pub fn start(data_dir: &Path) -> Result<WorkerGuard> {
    let directory = data_dir.join("logs");
    std::fs::create_dir_all(&directory).wrap_err_with(|| format!("cannot create {}", directory.display()))?;
    let wanted = std::env::var(FILTER_VARIABLE).unwrap_or_else(|_| DEFAULT_FILTER.into());
    let filter = EnvFilter::try_new(&wanted).wrap_err_with(|| format!("{FILTER_VARIABLE}={wanted} is no filter for the log"))?;
    let files = Builder::new().rotation(Rotation::DAILY).filename_prefix("p2p.log").max_log_files(DAYS).build(&directory);
    let (writer, guard) = tracing_appender::non_blocking(files.wrap_err("cannot write the log")?);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish();
    // A second start in one process, as in tests, goes on with the first one's.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(guard)
}
