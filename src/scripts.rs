//! Floor 5: `p2p run`, a script of the command language from a file, standard input or the command line. Knows the shell and how
//! to print, and no other front end.

use std::path::PathBuf;

use clap::Args;
use color_eyre::eyre::{Result, WrapErr};
use serde_json::json;

use crate::asking::{Desk, LoginArgs};
use crate::engine::ClockMode;
use crate::interrupt::interrupted;
use crate::output::{self, OutputArgs};
use crate::session::{EngineArgs, Session};
use crate::shell::script::{self, Done};
use crate::text;

/// `p2p run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The script; `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "command", conflicts_with = "command")]
    file: Option<PathBuf>,
    /// Take COMMANDS for the script; `;` stands between them
    #[arg(short, value_name = "COMMANDS")]
    command: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Carries the script out.
///
/// # Errors
/// Where it cannot be read, or a line fails.
pub async fn run(args: &RunArgs) -> Result<()> {
    let (name, text) = args.script()?;
    let session = Session::start(&args.engine, ClockMode::OnDemand)?;
    let mut desk = Desk::open(&session, &args.login, "local script").await?;
    let shell = desk.shell().clone();
    shell.watch_wire().await?;
    let json = args.output.json;
    let mut unprinted = None;
    let result = {
        let show = |done: &Done<'_>| unprinted = print(done, json).err().or(unprinted.take());
        tokio::select! {
            result = desk.serve(script::run(&shell, &name, &text, show)) => result.map_err(color_eyre::eyre::Report::from),
            stop = interrupted() => Err(stop?.into()),
        }
    };
    drop(shell);
    desk.close().await;
    drop(session.end().await?);
    unprinted.map_or(result, Err)
}

impl RunArgs {
    /// The script's name and text.
    fn script(&self) -> Result<(String, String)> {
        if let Some(command) = &self.command {
            return Ok(("-c".into(), command.clone()));
        }
        let path = self.file.clone().unwrap_or_default();
        if path.as_os_str() == "-" {
            let text = text::read_from(std::io::stdin().lock()).wrap_err("cannot read standard input")?;
            return Ok(("standard input".into(), text));
        }
        let name = path.display().to_string();
        let text = text::read(&path).wrap_err_with(|| format!("cannot read {name}"))?;
        Ok((name, text))
    }
}

fn print(done: &Done<'_>, json: bool) -> Result<()> {
    if json {
        let line = json!({ "line": done.line, "command": done.command, "answer": done.answer.data });
        return output::print_text(&line.to_string());
    }
    output::print_text(&done.text_within(output::terminal_width()))
}
