//! `p2p repl`, the command language line by line.
//!
//! A line is read on a thread that may block, and then its commands are carried out. On a terminal, Ctrl-C ends the running command
//! and not the program; Ctrl-D leaves, and so do the other signals that end programs. Where the lines come from a file or a pipe,
//! SIGINT ends the program too, as it ends a script.

mod lines;

use std::io::IsTerminal;
use std::sync::Arc;

use clap::Args;
use eyre::{Result, WrapErr, eyre};
use p2p_base::message::legible;
use p2p_base::text;
use p2p_engine::operation::ListTransfers;
use p2p_engine::transfer::{TransferId, TransferState};
use p2p_service::access::Identity;
use p2p_service::instance::{EngineArgs, Instance, Leaving};
use p2p_service::interrupt::{self, Interrupted, interrupted};
use p2p_service::output;
use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Effect};
use p2p_shell::asking::{LoginArgs, Prompter, interrupted_at_rest};
use p2p_shell::history::{Histories, History};
use p2p_shell::lists::{LISTED_MAX, listed};
use p2p_shell::progress::{Progress, UNDOES};
use p2p_shell::words::{self, Variables};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;

use self::lines::{Lines, Resumption};
use crate::prompts;
use crate::serve::services::Services;

/// `p2p repl`
#[derive(Debug, Args)]
pub struct ReplArgs {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// Reads lines and carries them out until the user leaves.
///
/// # Errors
/// Fails if the terminal or the data directory cannot be used.
pub async fn run(args: &ReplArgs) -> Result<()> {
    args.login.check()?;
    let instance = Instance::start_interactive(&args.engine)?;
    // From here on Ctrl-C does not end the program, not even between two lines.
    let _attention = interrupt::attend()?;
    let mut repl = Repl::new(&instance, &args.login).await?;
    let result = repl.read_lines().await;
    // Clients end what they do before the transfers are finished or cancelled.
    let announcement = repl.services.end().await;
    let result = repl.prompter.leave(&instance, result).await;
    repl.prompter.close().await;
    drop(announcement);
    result.and(instance.end().await.map(drop))
}

struct Repl {
    prompter: Prompter,
    services: Services,
    /// Source of the lines; `None` while a thread reads the next one.
    lines: Option<Lines>,
    resumption: Option<Resumption>,
    histories: Histories,
    history: History,
    /// The user to whom the history belongs.
    identity: Arc<Identity>,
    variables: Variables,
}

impl Repl {
    async fn new(instance: &Instance, login: &LoginArgs) -> Result<Repl> {
        let prompter = Prompter::open(instance, login, "local repl").await?;
        let (table, services) = prompts::at_prompt(instance)?;
        let prompter = prompter.with_lines_of_stdin().alone().knowing(table.clone());
        // A script is asked nothing.
        let prompter = if std::io::stdin().is_terminal() { prompter.confirming() } else { prompter };
        let mut lines = Lines::open(prompter.shell())?;
        let resumption = lines.resumption();
        instance.watch_wire().await?;
        let (histories, identity) =
            (Histories::new(instance.data_dir.clone()).knowing(table), prompter.shell().access().identity());
        let (history, variables) = (History::default(), Variables::new());
        let mut repl = Repl { prompter, services, lines: Some(lines), resumption, histories, history, identity, variables };
        repl.load_history();
        Ok(repl)
    }

    fn load_history(&mut self) {
        self.history = self.histories.of(&self.identity);
        if let Some(lines) = &mut self.lines {
            lines.set_history(self.history.lines());
        }
    }

    /// Adds a line to the history, unless it may hold a secret.
    fn keep_line(&mut self, line: &str) {
        if self.history.remember(line)
            && let Some(lines) = &mut self.lines
        {
            lines.add_history(line);
        }
    }

    /// Loads the history of the current user, and clears the variables, if the user has changed.
    fn record_user(&mut self) {
        let identity = self.prompter.shell().access().identity();
        let is_nobody = |identity: &Identity| *identity == Identity::Nobody;
        if *self.identity == Identity::Operator && is_nobody(&identity) {
            output::tell(format_args!("p2p: {}", prompts::shut_out(self.prompter.shell().access())));
        }
        let is_same = identity.name() == self.identity.name() && is_nobody(&identity) == is_nobody(&self.identity);
        self.identity = identity;
        if !is_same {
            self.variables.clear();
            self.load_history();
        }
    }

    /// Prints how to begin, or starts the login if standard input is a terminal.
    async fn greet(&mut self) -> Result<()> {
        match *self.prompter.shell().access().identity() {
            Identity::Operator => output::tell("There is no account yet: you may do everything. `register` makes the admin's."),
            Identity::Nobody if std::io::stdin().is_terminal() => drop(self.execute("login").await?),
            Identity::Nobody => output::tell("Log in with `login NAME`."),
            Identity::User { .. } => {}
        }
        self.record_user();
        Ok(())
    }

    async fn read_lines(&mut self) -> Result<Leaving> {
        self.greet().await?;
        loop {
            match self.read_line().await? {
                Ok(line) => {
                    // A file in the place of a terminal may contain line ends and a byte order mark.
                    let line = text::without_ends(&line);
                    self.keep_line(line);
                    if let Some(leaving) = self.execute(line).await? {
                        return Ok(leaving);
                    }
                    self.record_user();
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof | ReadlineError::Io(_)) if let Some(hung_up) = interrupt::hung_up() => {
                    return Err(hung_up.into());
                }
                Err(ReadlineError::Eof) => {
                    // At the end of a script there is no user to warn, and running transfers are completed.
                    if !std::io::stdin().is_terminal() || self.may_leave() {
                        return Ok(Leaving::Finishing);
                    }
                }
                Err(error) => return Err(error).wrap_err("cannot read a line"),
            }
        }
    }

    /// Reads a line on a thread, which owns the source of lines meanwhile, since it blocks.
    async fn read_line(&mut self) -> Result<rustyline::Result<String>> {
        let Some(mut lines) = self.lines.take() else { return Err(eyre!("the line editor is gone")) };
        let access = self.prompter.shell().access();
        lines.set_users(access.user_names()).await;
        let user = access.identity().name().map_or("p2p".to_owned(), |name| format!("{name}@p2p"));
        let before = tcgetattr(std::io::stdin());
        let is_plain = matches!(lines, Lines::Plain { .. });
        let mut continuations = interrupt::watch_continuations();
        let mut reading = tokio::task::spawn_blocking(move || (lines.read(&user), lines));
        loop {
            tokio::select! {
                // A line comes first: an editor that reads no more is told nothing.
                biased;
                read = &mut reading => {
                    let (line, lines) = read.wrap_err("the line editor has failed")?;
                    self.lines = Some(lines);
                    return Ok(line);
                }
                Ok(()) = continuations.changed() => self.resumption.iter_mut().for_each(Resumption::resume),
                stop = interrupted() => {
                    let stop = stop?;
                    if !goes_on_after(&stop) {
                        // The thread stays blocked; the terminal is restored in its place.
                        let _ = before.map(|before| tcsetattr(std::io::stdin(), OptionalActions::Now, &before));
                        return Err(stop.into());
                    }
                    interrupt::settle();
                    if is_plain {
                        // The terminal has dropped what was typed, and nobody else shows that a line is wanted.
                        lines::show_prompt("\n");
                    }
                }
            }
        }
    }

    /// Carries a line out; returns how to leave if a command of it ends the program.
    async fn execute(&mut self, line: &str) -> Result<Option<Leaving>> {
        let commands: Vec<String> = words::commands_of(line).into_iter().map(|(_, command)| command).collect();
        if commands.len() > 1
            && let Err(error) = self.prompter.shell().check_line(&commands, &self.variables).await
        {
            output::tell(legible(&error.to_string()));
            return Ok(None);
        }
        let mut commands = commands.into_iter();
        while let Some(command) = commands.next() {
            match self.answer(&command).await? {
                Ok(answer) => {
                    let text = answer.view.text_within(output::terminal_width());
                    if !text.is_empty() {
                        output::print_text(&text)?;
                    }
                    if let Some(leaving) = self.take_effect(answer.effect)? {
                        return Ok(Some(leaving));
                    }
                }
                // The rest of the line was typed on the assumption that this command succeeds.
                Err(ShellError::Interrupted) => {
                    let left: Vec<String> = commands.map(|command| format!("`{command}`")).collect();
                    if !left.is_empty() {
                        output::tell(legible(&format!("not begun: {}", listed(&left, LISTED_MAX))));
                    }
                    output::tell(ShellError::Interrupted);
                    break;
                }
                Err(error) => output::tell_lines(&error.shown()),
            }
        }
        Ok(None)
    }

    /// Runs a command; Ctrl-C ends it and cancels the transfers that it has begun.
    async fn answer(&mut self, command: &str) -> Result<Result<Answer, ShellError>> {
        let before =
            self.prompter.shell().access().call(ListTransfers).await.unwrap_or_default().iter().map(|status| status.id).max();
        let shell = self.prompter.shell().clone();
        let identity = shell.access().watch();
        let progress = Progress::start(shell.access().snapshots(), UNDOES, move |status| identity.borrow().describe(status));
        let result = tokio::select! {
            // The result comes first, so that a result which an interruption has waited for is not lost.
            biased;
            result = self.prompter.serve(shell.run_to_end(command, &self.variables)) => result,
            stop = interrupted_at_rest(shell.access()) => {
                let stop = stop?;
                if !goes_on_after(&stop) {
                    return Err(stop.into());
                }
                Err(ShellError::Interrupted)
            }
        };
        let mut told = Vec::new();
        if matches!(result, Err(ShellError::Interrupted)) {
            told = self.cancel_after(before).await;
            interrupt::settle();
        }
        progress.finish().await;
        told.iter().for_each(|line| output::tell(legible(line)));
        Ok(result)
    }

    /// Cancels the transfers that were begun after `before`. Returns what became of them and of those that were not told yet, and of a
    /// batch.
    async fn cancel_after(&self, before: Option<TransferId>) -> Vec<String> {
        let shell = self.prompter.shell();
        let (mut done, untold) = (shell.results_of_dropped_batches(), shell.take_untold());
        let (mut undone, mut kept, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for status in shell.access().call(ListTransfers).await.unwrap_or_default() {
            let was_running = !status.state.is_over();
            if Some(status.id) <= before || !(was_running || untold.contains(&status.id)) {
                continue;
            }
            let ended = if was_running { shell.access().cancel_at_once(status.id).await.ok() } else { None };
            let status = ended.map_or(status, |report| report.status.clone());
            let name = self.prompter.name_of(&status);
            match (status.state, status.error) {
                (TransferState::Cancelled, _) => undone.push(name),
                (TransferState::Done, _) => {
                    done.insert(status.id);
                    kept.extend(was_running.then_some(name));
                }
                (_, Some(error)) => failed.push(format!("{name} failed: {error}")),
                // It could not be cancelled, and goes on.
                _ => kept.push(name),
            }
        }
        let results = shell.answers_about(&done).await.unwrap_or_default();
        let mut told: Vec<String> = results.iter().map(|answer| answer.view.text()).collect();
        let of = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", listed(names, LISTED_MAX)));
        told.extend(of("it was past being undone", &kept));
        told.extend(of("cancelled and undone", &undone));
        told.extend(failed);
        told.extend(shell.take_dropped_batches());
        told
    }

    /// Applies the effect of an answer; returns how to leave if the effect is to quit.
    fn take_effect(&mut self, effect: Effect) -> Result<Option<Leaving>> {
        match effect {
            Effect::Set(name, value) => drop(self.variables.insert(name, value)),
            Effect::Clear if output::moves_cursor() => output::print_raw("\u{1b}[2J\u{1b}[H")?,
            Effect::History => {
                output::print_text(&self.history.lines().join("\n"))?;
            }
            Effect::Fails(error) => output::tell_lines(&error.shown()),
            Effect::Quit { now: true } => return Ok(Some(Leaving::Cancelling)),
            Effect::Quit { now: false } => return Ok(self.may_leave().then_some(Leaving::Finishing)),
            Effect::Clear | Effect::None | Effect::Follow(_) | Effect::Batch(_) => {}
            Effect::Tour { .. } => {}
        }
        Ok(None)
    }

    /// Returns true if no transfers run that leaving would cancel, and prints them otherwise; of other users' transfers only the
    /// number.
    fn may_leave(&self) -> bool {
        let names = self.prompter.shell().access().describe_running();
        if !names.is_empty() {
            output::tell(format_args!(
                "still running: {}; `wait` waits for it, `quit --now` cancels it and leaves",
                names.join(", ")
            ));
        }
        names.is_empty()
    }
}

/// Returns true if an interruption ends a command and not the program: Ctrl-C of a user who types lines.
fn goes_on_after(stop: &Interrupted) -> bool {
    stop.is_ctrl_c() && std::io::stdin().is_terminal()
}
