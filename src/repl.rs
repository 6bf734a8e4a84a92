//! `p2p repl`, the command language line by line.
//!
//! A line is edited on a thread that may block, and then its commands are carried out. Ctrl-C ends the running command and not
//! the program; Ctrl-D leaves, and so do the other signals that end programs.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::Arc;

use clap::Args;
use eyre::{Result, WrapErr, eyre};
use p2p_base::text;
use p2p_engine::operation::ListTransfers;
use p2p_engine::transfer::{TransferId, TransferState, TransferStatus};
use p2p_service::access::Identity;
use p2p_service::access::watching::Snapshots;
use p2p_service::instance::{EngineArgs, Instance, Leaving};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::output;
use p2p_service::profiles::Profiles;
use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Effect};
use p2p_shell::asking::{LoginArgs, Prompter, interrupted_at_rest};
use p2p_shell::complete::{self, Knowledge};
use p2p_shell::history::{Histories, History, LINES_MAX};
use p2p_shell::progress::Progress;
use p2p_shell::words::{self, Variables};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::sync::watch;

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
    let result = repl.prompter.leave(&instance, result).await;
    repl.prompter.close().await;
    drop(instance.end().await?);
    result
}

struct Repl {
    prompter: Prompter,
    editor: Option<Editor<LineHelper, MemHistory>>,
    histories: Histories,
    history: History,
    /// The user to whom the history belongs.
    identity: Arc<Identity>,
    variables: Variables,
    color: bool,
}

impl Repl {
    async fn new(instance: &Instance, login: &LoginArgs) -> Result<Repl> {
        let config = Config::builder().completion_type(CompletionType::List).max_history_size(LINES_MAX);
        let config = config.wrap_err("cannot set up the line editor")?.build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).wrap_err("cannot use the terminal")?;
        let color = std::io::stdout().is_terminal() && !output::no_color();
        let prompter = Prompter::open(instance, login, "local repl").await?.with_lines_of_stdin().alone();
        let watch = prompter.shell().access().watch();
        let snapshots = prompter.shell().access().snapshots();
        let profiles = Arc::clone(prompter.shell().access().profiles());
        editor.set_helper(Some(LineHelper { snapshots, identity: watch, profiles, history: HistoryHinter::new(), color }));
        instance.watch_wire().await?;
        let (histories, identity) = (Histories::new(instance.data_dir.clone()), prompter.shell().access().identity());
        let (history, variables) = (History::default(), Variables::new());
        let mut repl = Repl { prompter, editor: Some(editor), histories, history, identity, variables, color };
        repl.load_history();
        Ok(repl)
    }

    fn load_history(&mut self) {
        self.history = self.histories.of(&self.identity);
        if let Some(editor) = &mut self.editor {
            // Clearing a history in memory cannot fail.
            let _ = editor.clear_history();
            self.history.lines().iter().for_each(|line| drop(editor.add_history_entry(line)));
        }
    }

    /// Adds a line to the history, unless it may hold a secret.
    fn keep_line(&mut self, line: &str) {
        if self.history.remember(line)
            && let Some(editor) = &mut self.editor
        {
            let _ = editor.add_history_entry(line);
        }
    }

    /// Loads the history of the current user, and clears the variables, if the user has changed.
    fn record_user(&mut self) {
        let identity = self.prompter.shell().access().identity();
        let is_nobody = |identity: &Identity| *identity == Identity::Nobody;
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
            Identity::Operator => {
                output::tell("There is no account yet, and you may do everything: `register` makes the admin's.")
            }
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

    /// Reads a line on a thread, which owns the editor meanwhile, since the editor blocks.
    async fn read_line(&mut self) -> Result<rustyline::Result<String>> {
        let Some(mut editor) = self.editor.take() else { return Err(eyre!("the line editor is gone")) };
        let name = self.prompter.shell().access().identity().name().map_or("p2p".to_owned(), |name| format!("{name}@p2p"));
        let prompt = if self.color { format!("\u{1b}[1;36m{name}›\u{1b}[0m ") } else { format!("{name}› ") };
        let before = tcgetattr(std::io::stdin());
        let mut reading = tokio::task::spawn_blocking(move || (editor.readline(&prompt), editor));
        loop {
            tokio::select! {
                read = &mut reading => {
                    let (line, editor) = read.wrap_err("the line editor has failed")?;
                    self.editor = Some(editor);
                    return Ok(line);
                }
                stop = interrupted() => {
                    let stop = stop?;
                    if !stop.is_ctrl_c() {
                        // The editor's thread stays blocked; the terminal is restored in its place.
                        let _ = before.map(|before| tcsetattr(std::io::stdin(), OptionalActions::Now, &before));
                        return Err(stop.into());
                    }
                    interrupt::settle();
                }
            }
        }
    }

    /// Carries a line out; returns how to leave if a command of it ends the program.
    async fn execute(&mut self, line: &str) -> Result<Option<Leaving>> {
        for (_, command) in words::commands_of(line) {
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
                    output::tell(ShellError::Interrupted);
                    break;
                }
                Err(error) => output::tell(error),
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
        let progress = Progress::start(shell.access().snapshots(), move |status| identity.borrow().describe(status));
        let result = tokio::select! {
            // The result comes first, so that a result which an interruption has waited for is not lost.
            biased;
            result = self.prompter.serve(shell.run_to_end(command, &self.variables)) => result,
            stop = interrupted_at_rest(shell.access()) => {
                let stop = stop?;
                if !stop.is_ctrl_c() {
                    return Err(stop.into());
                }
                Err(ShellError::Interrupted)
            }
        };
        if matches!(result, Err(ShellError::Interrupted)) {
            self.cancel_after(before).await;
            interrupt::settle();
        }
        progress.finish().await;
        Ok(result)
    }

    /// Cancels the transfers that were begun after `before`, and prints those that could no longer be cancelled.
    async fn cancel_after(&self, before: Option<TransferId>) {
        let untold = self.prompter.shell().take_untold();
        let is_of_it =
            |status: &TransferStatus| Some(status.id) > before && (!status.state.is_over() || untold.contains(&status.id));
        let access = self.prompter.shell().access();
        let all = access.call(ListTransfers).await.unwrap_or_default();
        for status in all.into_iter().filter(is_of_it) {
            let ended = access.cancel_at_once(status.id).await;
            let is_undone = matches!(&ended, Ok(report) if report.status.state == TransferState::Cancelled);
            if !is_undone {
                output::tell(format_args!("it was past being undone: {}", self.prompter.name_of(&status)));
            }
        }
    }

    /// Applies the effect of an answer; returns how to leave if the effect is to quit.
    fn take_effect(&mut self, effect: Effect) -> Result<Option<Leaving>> {
        match effect {
            Effect::Set(name, value) => drop(self.variables.insert(name, value)),
            Effect::Clear => output::print_raw("\u{1b}[2J\u{1b}[H")?,
            Effect::History => {
                output::print_text(&self.history.lines().join("\n"))?;
            }
            Effect::Quit { now: true } => return Ok(Some(Leaving::Cancelling)),
            Effect::Quit { now: false } => return Ok(self.may_leave().then_some(Leaving::Finishing)),
            Effect::None | Effect::Follow(_) | Effect::Batch(_) | Effect::Select(_) => {}
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

/// Completion, hints, highlighting and validation for the line editor, from the shell's command table.
struct LineHelper {
    snapshots: Snapshots,
    identity: watch::Receiver<Arc<Identity>>,
    profiles: Profiles,
    history: HistoryHinter,
    color: bool,
}

impl Helper for LineHelper {}

impl Completer for LineHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let known = Knowledge::of(&self.snapshots.latest(), &self.identity.borrow()).with_profiles(&self.profiles);
        let completion = complete::complete(line, pos, &known);
        let pair = |candidate: complete::Candidate| Pair { display: candidate.label, replacement: candidate.text };
        Ok((completion.start, completion.candidates.into_iter().map(pair).collect()))
    }
}

impl Hinter for LineHelper {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<String> {
        self.history.hint(line, pos, context)
    }
}

impl Highlighter for LineHelper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if !self.color {
            return Cow::Borrowed(line);
        }
        let (mut text, mut done) = (String::new(), 0);
        for first in words::commands_unfinished(line).iter().filter_map(|words| words.first()) {
            let known = p2p_shell::table::find(&first.text).is_some();
            let color = if known { "\u{1b}[1m" } else { "\u{1b}[31m" };
            text.push_str(&format!("{}{color}{}\u{1b}[0m", &line[done..first.span.start], &line[first.span.clone()]));
            done = first.span.end;
        }
        Cow::Owned(text + &line[done..])
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.color { Cow::Owned(format!("\u{1b}[2m{hint}\u{1b}[0m")) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.color
    }
}

impl Validator for LineHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if words::wants_more(context.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}
