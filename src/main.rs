//! The binary: arguments, then one front end. No logic lives here.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use clap::Parser;
use color_eyre::config::{HookBuilder, Theme};
use color_eyre::eyre::{Result, WrapErr};
use p2p_storage::cli::Cli;
use p2p_storage::interrupt::Interrupted;
use p2p_storage::{output, panics};

fn main() -> Result<ExitCode> {
    let plain = !stderr().is_terminal() || output::no_color();
    let theme = if plain { Theme::new() } else { Theme::dark() };
    HookBuilder::default().theme(theme).display_env_section(false).display_location_section(false).install()?;
    panics::silence_caught();
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().wrap_err("cannot start")?;
    let result = runtime.block_on(cli.run());
    // A thread that waits for a line to be typed would be waited for.
    runtime.shutdown_background();
    match result {
        Ok(done) => Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Err(error) => error.downcast::<Interrupted>().map(|interrupted| {
            eprintln!("{interrupted}");
            ExitCode::from(interrupted.exit_code())
        }),
    }
}
