//! Floor 5: `p2p repl`, the command language line by line. Knows the shell and the terminal's lines, and no other front end.
//!
//! A line is edited on a thread that may block, and then its commands are carried out. Ctrl-C ends the command that runs and
//! not the program; Ctrl-D leaves.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use color_eyre::eyre::{Result, WrapErr, eyre};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::signal::unix::{SignalKind, signal};

use crate::engine::transfer::TransferStatus;
use crate::engine::{Command, EngineHandle};
use crate::interrupt::interrupted;
use crate::output;
use crate::progress::Progress;
use crate::session::{EngineArgs, Session};
use crate::shell::answer::{Answer, Effect};
use crate::shell::complete::{self, Knowledge};
use crate::shell::words::{self, Variables};
use crate::shell::{Shell, ShellError};

/// Lines that are remembered.
const HISTORY_MAX: usize = 2_000;

/// `p2p repl`
#[derive(Debug, Args)]
pub struct ReplArgs {
    #[command(flatten)]
    engine: EngineArgs,
}

/// Reads and carries out lines until somebody leaves.
///
/// # Errors
/// Where the terminal or the data directory cannot be used.
pub async fn run(args: &ReplArgs) -> Result<()> {
    // From here on Ctrl-C never ends the program, not even between two lines.
    let _ctrl_c = signal(SignalKind::interrupt()).wrap_err("cannot wait for signals")?;
    let session = Session::start_interactive(&args.engine, None)?;
    let mut repl = Repl::new(&session).await?;
    let result = repl.read_lines().await;
    repl.save_history();
    drop(repl);
    drop(session.end().await?);
    result
}

struct Repl {
    shell: Shell,
    editor: Option<Editor<LineHelper, FileHistory>>,
    history: PathBuf,
    variables: Variables,
    color: bool,
}

impl Repl {
    async fn new(session: &Session) -> Result<Repl> {
        let config = Config::builder().completion_type(CompletionType::List).max_history_size(HISTORY_MAX);
        let config = config.wrap_err("cannot set up the line editor")?.auto_add_history(true).build();
        let history = FileHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).wrap_err("cannot use the terminal")?;
        let color = std::io::stdout().is_terminal() && !output::no_color();
        editor.set_helper(Some(LineHelper { engine: session.engine.clone(), history: HistoryHinter::new(), color }));
        let history = session.data_dir.join("history.txt");
        // The first time there is none.
        let _ = editor.load_history(&history);
        let shell = Shell::watching(session.engine.clone(), output::now_unix).await?;
        Ok(Repl { shell, editor: Some(editor), history, variables: Variables::new(), color })
    }

    fn save_history(&mut self) {
        if let Some(Err(error)) = self.editor.as_mut().map(|editor| editor.save_history(&self.history)) {
            eprintln!("cannot write {}: {error}", self.history.display());
        }
    }

    async fn read_lines(&mut self) -> Result<()> {
        loop {
            match self.read_line().await? {
                Ok(line) => {
                    if self.carry_out(&line).await? {
                        return Ok(());
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(error).wrap_err("cannot read a line"),
            }
        }
    }

    /// The editor blocks, so it is lent to a thread for as long as a line takes.
    async fn read_line(&mut self) -> Result<rustyline::Result<String>> {
        let Some(mut editor) = self.editor.take() else { return Err(eyre!("the line editor is gone")) };
        let prompt = if self.color { "\u{1b}[1;36mp2p›\u{1b}[0m " } else { "p2p› " };
        let reading = tokio::task::spawn_blocking(move || (editor.readline(prompt), editor));
        let (line, editor) = reading.await.wrap_err("the line editor has failed")?;
        self.editor = Some(editor);
        Ok(line)
    }

    /// True where it was the last line.
    async fn carry_out(&mut self, line: &str) -> Result<bool> {
        for (_, command) in words::commands_of(line) {
            match self.answer(&command).await {
                Ok(answer) => {
                    let text = answer.view.text();
                    if !text.is_empty() {
                        output::print_text(&text)?;
                    }
                    if self.take_effect(answer.effect)? {
                        return Ok(true);
                    }
                }
                Err(error) => eprintln!("{error}"),
            }
        }
        Ok(false)
    }

    /// Runs a command; Ctrl-C ends it, and a transfer that it began with it.
    async fn answer(&self, command: &str) -> Result<Answer, ShellError> {
        let progress = Progress::start(self.shell.engine());
        let result = tokio::select! {
            result = self.shell.run_to_end(command, &self.variables) => result,
            _ = interrupted() => Err(ShellError::Interrupted),
        };
        if matches!(result, Err(ShellError::Interrupted)) {
            self.cancel_latest().await;
        }
        progress.finish().await;
        result
    }

    async fn cancel_latest(&self) {
        let latest = self.shell.engine().snapshots().borrow().running().last().map(|status| status.id);
        if let Some(transfer) = latest {
            // It may have ended in the meantime.
            let _ = self.shell.engine().ask(Command::Cancel { transfer }).await;
        }
    }

    /// True where the effect is to leave.
    fn take_effect(&mut self, effect: Effect) -> Result<bool> {
        match effect {
            Effect::Set(name, value) => drop(self.variables.insert(name, value)),
            Effect::Clear => output::print_text("\u{1b}[2J\u{1b}[H")?,
            Effect::History => {
                let lines = self.editor.as_ref().map(|editor| editor.history().iter().cloned().collect::<Vec<_>>());
                output::print_text(&lines.unwrap_or_default().join("\n"))?;
            }
            Effect::Quit { now } => return Ok(now || self.may_leave()),
            Effect::None | Effect::Follow(_) | Effect::Select(_) => {}
        }
        Ok(false)
    }

    /// Transfers that run would be cancelled: whoever leaves is told once.
    fn may_leave(&self) -> bool {
        let snapshot = self.shell.engine().snapshots().borrow().clone();
        let names: Vec<String> = snapshot.running().map(TransferStatus::describe).collect();
        if !names.is_empty() {
            eprintln!("still running: {}; `wait` waits for it, `quit --now` cancels it and leaves", names.join(", "));
        }
        names.is_empty()
    }
}

/// Completion, hints and the rest, from the shell's table.
struct LineHelper {
    engine: EngineHandle,
    history: HistoryHinter,
    color: bool,
}

impl Helper for LineHelper {}

impl Completer for LineHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let known = Knowledge::from(self.engine.snapshots().borrow().as_ref());
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
        let words = words::split_unfinished(line);
        match words.first() {
            Some(first) if self.color => {
                let known = crate::shell::table::find(&first.text).is_some();
                let color = if known { "\u{1b}[1m" } else { "\u{1b}[31m" };
                let (before, word, after) = (&line[..first.span.start], &line[first.span.clone()], &line[first.span.end..]);
                Cow::Owned(format!("{before}{color}{word}\u{1b}[0m{after}"))
            }
            _ => Cow::Borrowed(line),
        }
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
        match words::split(context.input(), &Variables::new()) {
            Err(error) if error.wants_more() => Ok(ValidationResult::Incomplete),
            _ => Ok(ValidationResult::Valid(None)),
        }
    }
}
