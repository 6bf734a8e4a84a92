//! `p2p run`, which carries out a script of the command language from a file, standard input or the command line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use eyre::{Report, Result, WrapErr};
use p2p_base::spelling::visible_path;
use p2p_base::text;
use p2p_engine::ClockMode;
use p2p_engine::transfer::TransferId;
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::instance::{Instance, Leaving};
use p2p_service::interrupt::{self, Interrupted};
use p2p_service::output::{self};
use p2p_shell::asking::{CommonArgs, Prompter, interrupted_at_rest};
use p2p_shell::script::{self, Done, End, ScriptError};
use p2p_shell::words::{Variables, is_variable_name};
use p2p_shell::{Shell, ShellError};
use serde_json::{Value, json};

use crate::page::PageArgs;
use crate::prompts;

/// `p2p run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The script; `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "command")]
    file: Option<PathBuf>,
    /// What the script calls $1, $2 and so on; $# is how many there are
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,
    /// Give the script's variable $NAME a value, as `set NAME VALUE` would
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Take COMMANDS for the script; `;` stands between them
    #[arg(short, value_name = "COMMANDS")]
    command: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Carries the script out, and completes the transfers that it has begun in the background.
///
/// # Errors
/// Fails if the script cannot be read, or if a line of it or a transfer that it has begun fails.
pub async fn run(args: &RunArgs) -> Result<()> {
    let page = args.page.begin()?;
    let (name, text) = args.script()?;
    let variables = args.variables()?;
    args.common.login.check_with_token()?;
    let instance = Instance::start(&args.common.engine, ClockMode::OnDemand)?;
    let prompter = Prompter::open_with_token(&instance, &args.common.login, "local script").await?;
    let (table, services) = prompts::at_prompt(&instance)?;
    let mut prompter = prompter.alone().knowing(table);
    let _attention = interrupt::attend()?;
    let shell = prompter.shell().clone();
    instance.watch_wire().await?;
    let (json, width) = (args.common.output.json, output::terminal_width());
    let mut unprinted = None;
    let result = {
        let show = |done: &Done<'_>| unprinted = print(done, json, width).err().or(unprinted.take());
        tokio::select! {
            biased;
            end = prompter.serve(script::run(&shell, &name, &text, variables, show)) => end.map_err(failed),
            stop = interrupted_at_rest(shell.access()) => Err(stop?.into()),
        }
    };
    // Clients end what they do before the transfers are finished or cancelled.
    let announcement = services.end().await;
    let untold = shell.untold();
    let leaving = result.map(|end| if end == End::Whole { Leaving::Finishing } else { Leaving::Cancelling });
    let is_interrupted = leaving.as_ref().is_err_and(|error| error.is::<Interrupted>());
    let result = prompter.leave(&instance, leaving).await;
    if json && is_interrupted {
        unprinted = print_untold(&shell, &untold).await.err().or(unprinted);
    }
    let paged = match page {
        Some(page) => page.write_run(&shell).await,
        None => Ok(()),
    };
    drop(shell);
    prompter.close().await;
    drop(announcement);
    let ended = instance.end().await.map(drop);
    result.and(ended).and(paged).and(unprinted.map_or(Ok(()), Err))
}

impl RunArgs {
    /// Returns the name and the text of the script.
    fn script(&self) -> Result<(String, String)> {
        if let Some(command) = &self.command {
            return Ok(("-c".into(), command.clone()));
        }
        let path = self.file.clone().unwrap_or_default();
        if path.as_os_str() == "-" {
            let text = text::read_from(std::io::stdin().lock()).wrap_err("cannot read standard input")?;
            return Ok(("standard input".into(), text));
        }
        let name = visible_path(&path);
        let text = text::read(&path).wrap_err_with(|| format!("cannot read {name}"))?;
        Ok((name, text))
    }
}

impl RunArgs {
    /// Returns the variables that the command line sets.
    fn variables(&self) -> Result<Variables> {
        // With -c there is no name of a script before the arguments, so that the first positional argument is $1.
        let script = self.file.iter().filter(|_| self.command.is_some()).map(|path| path.to_string_lossy().into_owned());
        let arguments: Vec<String> = script.chain(self.arguments.iter().cloned()).collect();
        let mut variables = Variables::from([("#".to_owned(), arguments.len().to_string())]);
        variables.extend(arguments.into_iter().enumerate().map(|(place, argument)| ((place + 1).to_string(), argument)));
        for text in &self.set {
            let (name, value) = text.split_once('=').filter(|(name, _)| is_variable_name(name)).ok_or_else(|| {
                wrong_usage(format_args!("--set {text}: no name of a variable stands before a `=`"), "--set file1=video.bin")
            })?;
            variables.insert(name.to_owned(), value.to_owned());
        }
        Ok(variables)
    }
}

/// Converts the error of a line, with the exit code that the command alone would have ended with.
fn failed(error: ScriptError) -> Report {
    let code = error.error.exit_code();
    let report = match &error.error {
        ShellError::NotAll(tally) => {
            let ScriptError { script, line, command, .. } = &error;
            let first = Report::msg(format!("{script}:{line}: {command}: {}", tally.head()));
            tally.reasons().iter().fold(first, |report, reason| report.suggestion(reason))
        }
        _ => Report::from(error),
    };
    report.exit_code(code)
}

/// Prints what the line has done that was interrupted.
async fn print_untold(shell: &Shell, untold: &BTreeSet<TransferId>) -> Result<()> {
    let done: Vec<Value> = shell.answers_about(untold).await?.into_iter().map(|answer| answer.data).collect();
    if done.is_empty() { Ok(()) } else { output::print_json(&json!({ "interrupted": done }).to_string()) }
}

fn print(done: &Done<'_>, json: bool, width: Option<u16>) -> Result<()> {
    if json {
        let line = json!({ "line": done.line, "command": done.command, "answer": done.answer.data });
        return output::print_json(&line.to_string());
    }
    output::print_text(&done.text_within(width))
}
