//! The binary: arguments, then one front end. No logic lives here.

use std::process::ExitCode;

use clap::Parser;
use color_eyre::config::HookBuilder;
use color_eyre::eyre::{Result, WrapErr};
use p2p_storage::cli::Cli;

fn main() -> Result<ExitCode> {
    HookBuilder::default().display_env_section(false).display_location_section(false).install()?;
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().wrap_err("cannot start")?;
    let done = runtime.block_on(cli.run())?;
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
