//! `p2p sftp put|get|ls`: files that are sent to a node or a host elsewhere, fetched from there and listed, over SFTP.
//!
//! | file | contents |
//! |---|---|
//! | `transfers` | one file from its source to its place |
//! | `local` | the sources and places of this machine |
//! | `report` | what is answered |

mod local;
mod report;
mod transfers;

use std::io;
use std::path::PathBuf;

use clap::Args;
use eyre::{Report, Result};
use p2p_base::spelling::{visible, visible_path};
use p2p_engine::EngineError;
use p2p_service::failure::{Advise, all_told, exit, wrong_usage};
use p2p_service::instance::{advised, advised_by, is_nameless};
use p2p_service::interrupt::{self, Interrupted, interrupted};
use p2p_service::output;
use p2p_shell::answer::View;
use p2p_shell::asking::answers::Answers;
use p2p_shell::tally::tell_left;
use p2p_ssh::client::Connection;
use p2p_ssh::client::pool::Pool;
use p2p_ssh::client::sftp::{Sftp, SftpError, of_path};
use serde_json::Value;
use thiserror::Error;

use self::report::{Done, EntryLine, FileLine};
use self::transfers::Transfers;
use super::Common;
use super::asking::Asker;
use super::hosts::Target;
use super::visits::{self, Visit};
use crate::operand::is_dash;

/// `p2p sftp`
#[derive(Debug, Args)]
pub struct SftpArgs {
    /// What to do: `put` sends files, `get` fetches them, `ls` lists a directory
    #[arg(value_parser = Action::NAMES)]
    action: String,
    /// A node whose server a running `p2p serve --ssh` of the data directory has, such as Node_02, or a host of p2p.toml; with `USER@`, as that
    /// user
    #[arg(value_name = "[USER@]HOST")]
    target: Target,
    /// For `put`: the files to send, `-` for standard input. For `get`: the files at the host. For `ls`: the directory there, the one in which a
    /// session begins without it
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// For `put`: the path at the host, instead of its own name; with a / at its end, the directory to put it in
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// For `get`: the file or the directory to put it in, instead of this directory; `-` for standard output
    #[arg(short, long, value_name = "OUT")]
    output_file: Option<PathBuf>,
    /// Replace a file that is there; it is there until the new one is
    #[arg(short, long)]
    force: bool,
    /// Keep the times of modification and the modes of the files
    #[arg(short, long)]
    preserve: bool,
    /// Continue what an interrupted transfer has kept, and keep what is transferred if this one is interrupted; without, nothing is left of one
    #[arg(long)]
    resume: bool,
    /// For `ls`: show modes, sizes and times too
    #[arg(short = 'l', long)]
    long: bool,
    /// Log in as NAME; otherwise as who has logged in by `p2p login`, or as the only user for whom `p2p keygen` has made a key
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Task of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Files are sent.
    Put,
    /// Files are fetched.
    Get,
    /// A directory is listed.
    Ls,
}

impl Action {
    /// Names of the actions, in the order of the variants.
    pub(super) const NAMES: [&'static str; 3] = ["put", "get", "ls"];

    /// Returns the action of a name.
    pub(super) fn of(name: &str) -> Option<Action> {
        [Action::Put, Action::Get, Action::Ls].into_iter().find(|&action| Action::NAMES[action as usize] == name)
    }
}

/// What is asked for, by the command line or at a prompt.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) action: Action,
    /// Paths: those here for `put`, those at the host otherwise.
    pub(super) paths: Vec<PathBuf>,
    /// Path at the host for what is sent.
    pub(super) name: Option<String>,
    /// Place for what is fetched.
    pub(super) out: Option<PathBuf>,
    pub(super) force: bool,
    pub(super) preserve: bool,
    pub(super) resume: bool,
    pub(super) long: bool,
}

/// Failure of one of the files, or of all.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The host is not reached, or does not log the user in.
    #[error(transparent)]
    Visit(Box<visits::Failure>),
    /// The host does not do what it is asked for.
    #[error(transparent)]
    Sftp(#[from] SftpError),
    /// A file of this machine cannot be read or written.
    #[error(transparent)]
    Local(Box<EngineError>),
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// Refusal of a task that is not possible.
    #[error("{0}")]
    Operand(String),
}

impl From<visits::Failure> for Failure {
    fn from(failure: visits::Failure) -> Failure {
        Failure::Visit(Box::new(failure))
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        Failure::Local(Box::new(error))
    }
}

impl Failure {
    pub(super) fn operand(problem: impl Into<String>) -> Failure {
        Failure::Operand(problem.into())
    }

    fn is_stopped(&self) -> bool {
        matches!(self, Failure::Sftp(error) if error.is_stopped())
    }

    /// Returns the next step, if there is one.
    fn advice(&self, asked: &Asked) -> Option<String> {
        match self {
            Failure::Visit(failure) => failure.advice(),
            Failure::Sftp(SftpError::Taken { .. }) => Some("--force replaces it, and --as NAME gives another name".into()),
            Failure::Sftp(SftpError::NotReplaceable { .. }) => Some("remove it there first, or choose another name".into()),
            Failure::Sftp(error) if error.is_temporary() && asked.resume => Some("the same command goes on where it was".into()),
            Failure::Sftp(error) if error.is_temporary() && asked.action == Action::Ls => Some("try again".into()),
            Failure::Sftp(error) if error.is_temporary() => Some("try again; with --resume, what has come is kept".into()),
            _ => None,
        }
    }

    /// Returns the exit code of a command that fails so, as docs/errors.md has it.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Failure::Visit(failure) => failure.exit_code(),
            Failure::Sftp(error) if error.is_temporary() => exit::TEMPORARY,
            Failure::Operand(_) => exit::WRONG_COMMAND_LINE,
            Failure::Sftp(_) | Failure::Local(_) | Failure::Output(_) => exit::FAILED,
        }
    }

    /// Returns the failure with its next step, in one line.
    pub(super) fn told(&self, asked: &Asked) -> String {
        match self.advice(asked) {
            Some(advice) => format!("{self}; {advice}"),
            None => self.to_string(),
        }
    }

    fn into_report(self, asked: &Asked) -> Report {
        if let Failure::Local(error) = self {
            return match is_source(&error) {
                true => advised_by(*error, Some("give the path of a regular file that you may read, or `-` for standard input")),
                false => advised(*error),
            };
        }
        let (advice, code) = (self.advice(asked), self.exit_code());
        let report = Report::from(self).exit_code(code);
        match advice {
            Some(advice) => report.suggestion(advice),
            None => report,
        }
    }
}

/// Returns true if an error is that of a file that cannot be read, which the general advice takes for one of a command with `--recursive`.
fn is_source(error: &EngineError) -> bool {
    matches!(error, EngineError::Source { reason, .. } if !is_nameless(reason))
}

/// What was done: the lines of it, and what has failed, with the paths of that.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    files: Vec<FileLine>,
    entries: Option<Vec<EntryLine>>,
    pub(super) failed: Vec<(String, Failure)>,
    /// Number of files that were not begun.
    left: usize,
}

impl Outcome {
    /// Returns what was done as JSON has it.
    ///
    /// # Errors
    /// Fails if it cannot be written so, which is a bug of this program.
    pub(super) fn data(self) -> serde_json::Result<Value> {
        match self.entries {
            Some(entries) => serde_json::to_value(entries),
            None => serde_json::to_value(Done { files: self.files }),
        }
    }

    /// Returns what was done as it is shown.
    pub(super) fn view(&self, asked: &Asked) -> View {
        match &self.entries {
            Some(entries) if asked.long => View::Table(report::entries_table(entries)),
            Some(entries) => View::Text(report::names(entries)),
            None => View::Table(report::files_table(&self.files)),
        }
    }

    /// Returns true if there is something to show.
    pub(super) fn is_shown(&self) -> bool {
        self.entries.is_some() || !self.files.is_empty()
    }
}

impl Asked {
    /// Begins a session for what is asked for.
    ///
    /// # Errors
    /// Fails if the host has no SFTP, does not answer in time, or if the connection ends.
    pub(super) async fn session(&self, connection: &Connection) -> Result<Sftp, SftpError> {
        match self.action {
            Action::Put => connection.sftp_to_send().await,
            Action::Get | Action::Ls => connection.sftp().await,
        }
    }

    /// Returns a reason why this cannot be asked for, if there is one.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let dashes = self.paths.iter().filter(|path| is_dash(path)).count();
        let is_output = self.out.as_deref().is_some_and(is_dash);
        match self.action {
            Action::Put | Action::Get if self.paths.is_empty() => Some("no file is named"),
            Action::Put if self.out.is_some() => Some("--output-file is of `get`; `put` has --as NAME for the path at the host"),
            Action::Put if dashes > 0 && (self.paths.len() > 1 || self.name.is_none()) => {
                Some("standard input is one file, which needs a name: --as NAME")
            }
            Action::Get if self.name.is_some() => Some("--as is of `put`; `get` has --output-file OUT for the place here"),
            Action::Get if is_output && self.resume => Some("what standard output was given cannot be continued"),
            Action::Ls if self.paths.len() > 1 => Some("`ls` lists one directory"),
            Action::Ls if self.name.is_some() || self.out.is_some() => Some("--as and --output-file are of `put` and `get`"),
            Action::Put | Action::Get if self.long => Some("--long is of `ls`"),
            _ => None,
        }
    }

    /// Does what is asked for in a session, one file after the other. One that fails does not prevent the others; an end of `stop` does.
    pub(super) async fn carry_out(&self, sftp: &Sftp, is_drawn: bool, stop: impl Future<Output = ()> + Send) -> Outcome {
        let transfers = Transfers { sftp, asked: self, is_drawn };
        let mut outcome = Outcome::default();
        tokio::pin!(stop);
        for (place, path) in self.paths.iter().enumerate() {
            let done = match self.action {
                Action::Put => transfers.put(path, &mut stop).await.map(Some),
                Action::Get => transfers.get(&of_path(path), &mut stop).await,
                Action::Ls => break,
            };
            outcome.left = self.paths.len() - place - 1;
            match done {
                Ok(Some(line)) => outcome.files.push(line),
                // Nobody reads what would come of the others.
                Ok(None) => break,
                Err(failure) => {
                    let is_stopped = failure.is_stopped();
                    outcome.failed.push((visible_path(path), failure));
                    if is_stopped {
                        return outcome;
                    }
                }
            }
        }
        if self.action == Action::Ls {
            let listed = self.listed(sftp);
            let listed = tokio::select! {
                biased;
                listed = listed => listed,
                () = &mut stop => Err(SftpError::Stopped.into()),
            };
            match listed {
                Ok(entries) => outcome.entries = Some(entries),
                Err(failure) => outcome.failed.push((String::new(), failure)),
            }
        }
        outcome
    }

    async fn listed(&self, sftp: &Sftp) -> Result<Vec<EntryLine>, Failure> {
        let path = self.paths.first().map_or_else(|| ".".to_owned(), |path| of_path(path));
        Ok(sftp.list(&path).await?.iter().map(EntryLine::from).collect())
    }
}

impl SftpArgs {
    /// Sends files, fetches them, or lists a directory.
    ///
    /// # Errors
    /// Fails if the host cannot be reached, is not known, or does not log the user in, and if it refuses one of the files.
    pub async fn run(&self) -> Result<()> {
        let asked = self.asked()?;
        let (found, user) = self.common.destination(&self.target, self.user.as_deref())?;
        let mut asker = Asker::terminal(Answers::new(self.common.password_file.clone()), &user, found.is_here());
        let pool = Pool::default();
        let visit = Visit { pool: &pool, found: &found, user: &user, here: None };
        let session = async {
            let taken = visit.connection(&mut asker).await?;
            let sftp = asked.session(&taken.connection).await?;
            Ok::<_, Failure>((taken, sftp))
        };
        let (_taken, sftp) = tokio::select! {
            biased;
            session = session => session.map_err(|failure| failure.into_report(&asked))?,
            stop = interrupted() => return Err(stop?.into()),
        };
        let _attention = interrupt::attend()?;
        let stop = async { drop(interrupted().await) };
        let outcome = asked.carry_out(&sftp, true, stop).await;
        self.tell(&asked, outcome)
    }

    fn asked(&self) -> Result<Asked> {
        let wrong = |problem: &str| wrong_usage(problem, "`p2p man sftp` has examples");
        let action = Action::of(&self.action).ok_or_else(|| wrong("there is no such action"))?;
        let asked = Asked {
            action,
            paths: self.files.clone(),
            name: self.name.clone(),
            out: self.output_file.clone(),
            force: self.force,
            preserve: self.preserve,
            resume: self.resume,
            long: self.long,
        };
        if asked.out.as_deref().is_some_and(is_dash) && self.common.output.json {
            return Err(wrong_usage("-o - and --json both want standard output", "leave one of them out"));
        }
        asked.problem().map_or(Ok(asked), |problem| Err(wrong(problem)))
    }

    /// Prints what was done, and returns what was not.
    fn tell(&self, asked: &Asked, mut outcome: Outcome) -> Result<()> {
        let is_of_several = asked.paths.len() > 1;
        let failed = std::mem::take(&mut outcome.failed);
        let mut told: Vec<Report> =
            failed.into_iter().map(|(path, failure)| reported(asked, path, failure, is_of_several)).collect();
        if let Some(stop) = interrupt::pending() {
            tell_left(&mut told, stop, outcome.left);
        }
        let is_output = asked.out.as_deref().is_some_and(is_dash);
        if !is_output && (outcome.is_shown() || told.is_empty()) {
            let view = outcome.view(asked);
            output::print(&self.common.output, &outcome.data()?, |_| view.text_within(output::terminal_width()))?;
        }
        all_told(told)
    }
}

/// Returns the failure of a file as a report: an interruption says what has become of it, and others name it where there are several.
fn reported(asked: &Asked, path: String, failure: Failure, is_of_several: bool) -> Report {
    if let (true, Some(stop)) = (failure.is_stopped(), interrupt::pending()) {
        return stopped(asked, stop, &failure).into();
    }
    let report = failure.into_report(asked);
    if !is_of_several {
        return report;
    }
    report.wrap_err(visible(&path).into_owned())
}

/// Returns an interruption with what has become of the transfer.
fn stopped(asked: &Asked, stop: Interrupted, failure: &Failure) -> Interrupted {
    const GOES_ON: &str = "the same command goes on where it was";
    let (text, is_complete) = (failure.to_string(), matches!(failure, Failure::Sftp(SftpError::Complete { .. })));
    match (asked.action, text.strip_prefix("interrupted; ")) {
        (Action::Ls, _) => stop,
        (_, Some(left)) if asked.resume && !is_complete => stop.after(left).after(GOES_ON),
        (_, Some(left)) => stop.after(left),
        _ if asked.resume => stop.after(GOES_ON),
        _ => stop.after("nothing is kept of what was under way"),
    }
}
