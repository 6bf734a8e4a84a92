//! Lines as they are typed or come from a file: from an editor with a history where the terminal can move its cursor, and as they are
//! everywhere else.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use eyre::{Result, WrapErr};
use p2p_service::abilities;
use p2p_service::access::Identity;
use p2p_service::access::watching::Snapshots;
use p2p_service::output;
use p2p_service::profiles::Profiles;
use p2p_shell::Shell;
use p2p_shell::complete::{self, Knowledge};
use p2p_shell::history::LINES_MAX;
use p2p_shell::table::Table;
use p2p_shell::words;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use tokio::sync::watch;

/// Maximum length of a line in bytes, where there is no editor. A longer one is taken in parts.
const LINE_MAX: u64 = 1 << 20;

/// Source of the lines.
pub(super) enum Lines {
    /// Line editor of a terminal whose cursor can be moved.
    Edited(Box<Editor<LineHelper, MemHistory>>),
    /// Any other standard input, of which so many lines have been read.
    Plain {
        /// Number of the lines.
        read: usize,
    },
}

impl Lines {
    /// Opens the source of lines, which completes what the user of a shell knows.
    pub(super) fn open(shell: &Shell) -> Result<Lines> {
        if !(io::stdin().is_terminal() && output::moves_cursor()) {
            return Ok(Lines::Plain { read: 0 });
        }
        let config = Config::builder().completion_type(CompletionType::List).max_history_size(LINES_MAX);
        let config = config.wrap_err("cannot set up the line editor")?.build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).wrap_err("cannot use the terminal")?;
        let color = output::is_styled();
        let (access, table) = (shell.access(), shell.table().clone());
        let (snapshots, identity, profiles) = (access.snapshots(), access.watch(), Arc::clone(access.profiles()));
        editor.set_helper(Some(LineHelper {
            table,
            snapshots,
            identity,
            profiles,
            users: Vec::new(),
            history: HistoryHinter::new(),
            color,
            modes: Modes::default(),
        }));
        Ok(Lines::Edited(Box::new(editor)))
    }

    /// Returns what gives the editor its terminal back; `None` if there is no editor, or it has no way to be told.
    pub(super) fn resumption(&mut self) -> Option<Resumption> {
        let Lines::Edited(editor) = self else { return None };
        let printer = Box::new(editor.create_external_printer().ok()?);
        Some(Resumption { printer, modes: Arc::clone(&editor.helper()?.modes) })
    }

    /// Replaces the history.
    pub(super) fn set_history(&mut self, lines: &[String]) {
        if let Lines::Edited(editor) = self {
            // Clearing a history in memory cannot fail.
            let _ = editor.clear_history();
            lines.iter().for_each(|line| drop(editor.add_history_entry(line)));
        }
    }

    /// Replaces the names of users that are completed besides those whom the stored files name.
    pub(super) async fn set_users(&mut self, names: impl Future<Output = Vec<String>>) {
        if let Lines::Edited(editor) = self
            && let Some(helper) = editor.helper_mut()
        {
            helper.users = names.await;
        }
    }

    /// Adds a line to the history.
    pub(super) fn add_history(&mut self, line: &str) {
        if let Lines::Edited(editor) = self {
            let _ = editor.add_history_entry(line);
        }
    }

    /// Reads a line, and those with which it goes on; blocks until then.
    pub(super) fn read(&mut self, user: &str) -> rustyline::Result<String> {
        let mark = abilities::glyphs().prompt();
        match self {
            // In the terminal's own colour, which can be read on any background.
            Lines::Edited(editor) if output::is_styled() => editor.readline(&format!("\u{1b}[1m{user}{mark}\u{1b}[0m ")),
            Lines::Edited(editor) => editor.readline(&format!("{user}{mark} ")),
            Lines::Plain { read } => read_plain(&format!("{user}{mark} "), read),
        }
    }
}

/// Modes of the terminal while the editor has it, once it has been drawn.
type Modes = Arc<Mutex<Option<Termios>>>;

/// Gives the editor its terminal back after a stop of the process. The editor does so by itself, but often before the stop takes effect,
/// which is a matter of the threads; then the shell changes the modes, and writes below the prompt.
pub(super) struct Resumption {
    printer: Box<dyn ExternalPrinter + Send>,
    modes: Modes,
}

impl Resumption {
    /// Sets the modes of the editor, and has it draw the prompt with the line that is typed.
    pub(super) fn resume(&mut self) {
        let modes = self.modes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A terminal that is gone is told of by the editor.
        let _ = modes.map(|modes| tcsetattr(io::stdin(), OptionalActions::Now, &modes));
        // The editor clears its row, and draws below what it is to print, which here is nothing: up a row and down again (ECMA-48, CUU).
        let _ = self.printer.print("\u{1b}[A\n".to_owned());
    }
}

/// Notes the modes of the terminal if they are those of the editor, who takes keys and not lines.
fn note_modes(known: &Modes) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_none() {
        *known = tcgetattr(io::stdin()).ok().filter(|modes| !modes.local_modes.contains(LocalModes::ICANON));
    }
}

/// Reads a line of standard input that nobody edits, and those with which it goes on, after so many that were `read`. If it is a terminal,
/// the kernel gives one line at a time, so that what was typed ahead stays for the next reader.
fn read_plain(prompt: &str, read: &mut usize) -> rustyline::Result<String> {
    let (mut text, first, mut open) = (String::new(), *read + 1, None);
    loop {
        if io::stdin().is_terminal() {
            show_prompt(if text.is_empty() { prompt } else { "> " });
        }
        let mut line = Vec::new();
        let count = io::Read::take(io::stdin().lock(), LINE_MAX).read_until(b'\n', &mut line)?;
        // A line in another encoding is told of as any other that is wrong, and the next ones are read.
        text.push_str(&String::from_utf8_lossy(&line));
        let is_end = count == 0;
        *read += usize::from(line.ends_with(b"\n"));
        if is_end && text.is_empty() {
            return Err(ReadlineError::Eof);
        }
        let without_end = text.trim_end_matches('\n').trim_end_matches('\r');
        if is_end || !words::wants_more(without_end) {
            if let Some((quote, ends)) = open.filter(|_| !io::stdin().is_terminal()) {
                tell_quote(quote, first + ends, (!is_end).then_some(*read));
            }
            return Ok(without_end.to_owned());
        }
        open = open.or_else(|| words::open_quote(without_end));
    }
}

/// Says that a quote was opened in a line and goes on to another one, or to the end: nobody sees it, as one who types does.
fn tell_quote(quote: char, line: usize, closed: Option<usize>) {
    match closed {
        Some(last) => output::tell(format_args!("p2p: line {line}: the quote {quote} goes on to line {last}")),
        None => output::tell(format_args!(
            "p2p: line {line}: the quote {quote} is not closed; all lines after it are taken as part of it"
        )),
    }
}

/// Shows a prompt on the terminal, wherever the answers go. One that cannot be shown is no reason to read nothing.
pub(super) fn show_prompt(prompt: &str) {
    let shown = match io::stdout().is_terminal() {
        true => write!(io::stdout(), "{prompt}").and_then(|()| io::stdout().flush()),
        false => write!(io::stderr(), "{prompt}"),
    };
    drop(shown);
}

/// Completion, hints, highlighting and validation for the line editor, from the shell's command table.
pub(super) struct LineHelper {
    table: Table,
    snapshots: Snapshots,
    identity: watch::Receiver<Arc<Identity>>,
    profiles: Profiles,
    /// Names of users at the time at which the line was begun: the catalog is to be closed while a line is waited for.
    users: Vec<String>,
    history: HistoryHinter,
    color: bool,
    modes: Modes,
}

impl Helper for LineHelper {}

impl Completer for LineHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let identity = self.identity.borrow().clone();
        let known = Knowledge::of(&self.snapshots.latest(), &identity).with_users(self.users.clone(), &identity);
        let known = known.with_profiles(&self.profiles).with_table(&self.table);
        let completion = complete::complete(line, pos, &known);
        let pair = |candidate: complete::Candidate| Pair { display: candidate.label, replacement: candidate.text };
        Ok((completion.start, completion.candidates.into_iter().map(pair).collect()))
    }
}

impl Hinter for LineHelper {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<String> {
        // The editor asks for hints whenever it draws.
        note_modes(&self.modes);
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
            let known = self.table.find(&first.text).is_some();
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
