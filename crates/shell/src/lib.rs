//! Floor 4: the command language, which the TUI's prompt, the REPL and scripts share.
//!
//! | file | content |
//! |---|---|
//! | [`table`], [`spec`] | the commands: names, arguments, flags, help, and the users who may run them |
//! | [`words`] | the splitting of lines into words |
//! | [`call`] | the binding of words to a command |
//! | [`complete`] | completion and hints |
//! | [`at_server`] | the commands that a server is asked for |
//! | [`network`] | the network that commands are about: that of this process, or of a server |
//! | [`page`] | the report of a run as a page of HTML |
//! | [`pattern`] | patterns for names of stored files |
//! | [`trees`] | what a command with `--recursive` is to transfer |
//! | [`answer`] | the answers of commands, for users and for programs |
//! | [`bar`], [`progress`] | progress bars: of a file at a server, and of the transfers of an engine |
//! | `batch`, [`groups`], [`tally`] | the transfers of a command: carried out in groups, and summed up at the end |
//! | [`digest`] | many events of one kind as one entry of a log |
//! | [`question`] | the questions of commands to the user of the front end |
//! | [`script`] | the execution of several lines |
//! | `results` | results of transfers: those that are waited for, and those that are left to tell |
//! | `untold` | transfers whose result was not yet shown |
//!
//! [`Access`] determines the user for whom a command runs. Front ends show the answers and ask the questions.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod ahead;
pub mod answer;
pub mod asking;
pub mod at_server;
pub mod attributes;
mod background;
pub mod bar;
mod batch;
mod breakage;
pub mod call;
mod changes;
mod commands;
pub mod complete;
pub mod digest;
pub mod groups;
mod held;
pub mod history;
mod hosts;
mod known;
pub mod line;
pub mod lists;
mod local_pattern;
mod local_tree;
pub mod manner;
pub mod names_changed;
pub mod network;
mod next_step;
mod outlook;
pub mod page;
pub mod pattern;
mod place;
pub mod progress;
pub mod qr;
pub mod question;
pub mod report;
mod results;
pub mod script;
pub mod sentence;
pub mod spec;
pub mod table;
pub mod tally;
pub mod trees;
mod untold;
pub mod words;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use p2p_auth::AuthError;
use p2p_base::error_kind::ErrorKind;
use p2p_base::message::legible;
use p2p_engine::{EngineError, Operation};
use p2p_service::access::{Access, AccessError, Identity};
use p2p_service::failure::exit;
use p2p_service::statuses;
use p2p_store::manifest::NodeNumber;
use thiserror::Error;
use tokio::sync::mpsc;

pub use self::ahead::{Wanted, check_given, check_sources, check_transfers, refusal, require_apart, transfers_of};
pub use self::commands::names::list_entries;
pub use self::commands::{reference, write_document};
pub use self::hosts::node_of;
pub use self::place::{expand, place_of};

use self::answer::{Answer, Effect, Notice};
use self::background::Background;
use self::call::Call;
use self::line::Earlier;
use self::lists::lines_in_one;
use self::pattern::PatternError;
use self::question::Question;
use self::sentence::{ended, joined};
use self::spec::{Audience, Spec};
use self::table::{CommandGroup, Table};
use self::tally::Tally;
use self::untold::Untold;
use self::words::{Variables, WordsError};

/// The reason why a line was not carried out, or not successfully.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ShellError {
    /// The line cannot be split into words.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The command is unknown.
    #[error("there is no command `{name}`{}", suggestion(near))]
    Unknown {
        /// Name as it was typed.
        name: String,
        /// Names of similar commands.
        near: Vec<&'static str>,
    },
    /// The command does not take these arguments or flags.
    #[error("{problem}; usage: {usage}")]
    Usage {
        /// Description of the mistake.
        problem: String,
        /// Correct usage of the command.
        usage: String,
    },
    /// The command is for this machine alone, and the client is elsewhere.
    #[error(
        "`{usage}` is about the machine on which p2p runs, and refused to clients of its services; type it at a prompt there"
    )]
    Elsewhere {
        /// Usage of the command.
        usage: String,
    },
    /// The engine refuses the command or failed to carry it out.
    #[error("{0}{step}", step = next_step::of_engine(.0))]
    Engine(#[from] EngineError),
    /// A pattern for names of stored files stands for nothing.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The user may not do this, or the accounts refuse it.
    #[error("{0}{step}", step = next_step::of_access(.0))]
    Access(AccessError),
    /// The user did not answer a question.
    #[error("given up; nothing has changed")]
    Abandoned,
    /// The front end has no user to ask; the text is the reason and the remedy.
    #[error("{0}")]
    Unanswerable(String),
    /// Transfers have failed, while the command waited for them or before.
    #[error("{}", failures.join("; "))]
    Failed {
        /// Description of each failed transfer with its error.
        failures: Vec<String>,
        /// Exit code that all of them have in common, or the general one.
        exit_code: u8,
    },
    /// Virtual time is paused, and no other command could resume it while this one waits.
    #[error(
        "time is paused and cannot be resumed while this waits: `resume` or `step SPAN` first; a transfer may begin with --background"
    )]
    StandingStill,
    /// The answer of a command is not the expected one.
    #[error("expected {expected}, but `{command}` says: {}", lines_in_one(found))]
    Unexpected {
        /// Command that was run.
        command: String,
        /// Operator and text that the answer should match.
        expected: String,
        /// Answer of the command.
        found: String,
    },
    /// The check succeeded, and its result is negative.
    #[error("{0}")]
    Bad(String),
    /// Parts of a batch would be refused, so that nothing of it was begun.
    #[error("{} None was begun.", ended(ahead::told_refused(error, others, files, *all)))]
    NoneOf {
        /// Error of the first of them.
        error: Box<ShellError>,
        /// Errors of the next ones, as far as they are told, each with the name of its file.
        others: Vec<(String, ShellError)>,
        /// Files that would be refused, for whichever reason.
        files: Vec<String>,
        /// Number of files in the batch.
        all: usize,
    },
    /// The first parts of a batch were carried out, and the next one was not.
    #[error("{} Before that, this was done: {}", ended(error), ended(joined(done)))]
    Partly {
        /// Answers of the parts that were carried out.
        done: Vec<String>,
        /// Error of the next part; the parts after it were not begun.
        error: Box<ShellError>,
    },
    /// Parts of a batch were not carried out, and the others were.
    #[error("{0}")]
    NotAll(Tally),
    /// A batch ended before all of it was done, because nothing more can be done for its user.
    #[error("{} Before that, {}", ended(error), ended(done.in_one_line_with(*left)))]
    Cut {
        /// Reason why nothing more is begun.
        error: Box<ShellError>,
        /// Count of what was done before.
        done: Box<Tally>,
        /// Number of files that were not begun.
        left: u64,
    },
    /// A command of a line would be refused, so that nothing of the line was begun.
    #[error("`{command}`: {}", line::not_begun(error, after.as_ref()))]
    Ahead {
        /// Command that would be refused.
        command: String,
        /// Error of that command.
        error: Box<ShellError>,
        /// Earlier command of the line without which it would not be refused so; `None` if it would be as things are now.
        after: Option<Earlier>,
    },
    /// The user interrupted the command.
    #[error("interrupted")]
    Interrupted,
}

fn suggestion(near: &[&str]) -> String {
    match near {
        [] => "; `help` lists them".into(),
        near => format!("; did you mean {}?", near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")),
    }
}

/// Adds the answers of the completed parts of a batch to the error that ended it.
fn partly(answers: &[Answer], error: ShellError) -> ShellError {
    match answers {
        [] => error,
        answers => ShellError::Partly { done: answers.iter().map(|answer| answer.view.text()).collect(), error: Box::new(error) },
    }
}

impl From<AccessError> for ShellError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Engine(error) => ShellError::Engine(error),
            error => ShellError::Access(error),
        }
    }
}

impl ShellError {
    /// Returns the exit code of a command that the error ends.
    pub fn exit_code(&self) -> u8 {
        match self {
            ShellError::Engine(error) => statuses::of(error.kind()).exit,
            ShellError::Access(error) => statuses::of(error.kind()).exit,
            ShellError::Partly { error, .. }
            | ShellError::NoneOf { error, .. }
            | ShellError::Cut { error, .. }
            | ShellError::Ahead { error, .. } => error.exit_code(),
            ShellError::NotAll(tally) => tally.exit_code(),
            ShellError::Failed { exit_code, .. } => *exit_code,
            _ => exit::FAILED,
        }
    }

    /// Returns the kind of the error, if it is one of the engine or of the accounts.
    fn kind(&self) -> Option<ErrorKind> {
        match self {
            ShellError::Engine(error) => Some(error.kind()),
            ShellError::Access(error) => Some(error.kind()),
            ShellError::NoneOf { error, .. } => error.kind(),
            _ => None,
        }
    }

    /// Returns the error as it is shown: on one line, whatever it quotes, and the reasons of a sum below it.
    pub fn shown(&self) -> String {
        match self {
            ShellError::NotAll(tally) => {
                let reasons = tally.reasons().into_iter().map(|line| format!("\n  {}", legible(&line)));
                legible(&tally.head()) + &reasons.collect::<String>()
            }
            error => legible(&error.to_string()),
        }
    }

    /// Returns true if the session has expired, so that the user has to log in again.
    pub fn is_session_over(&self) -> bool {
        match self {
            ShellError::Access(AccessError::Auth(AuthError::SessionOver)) => true,
            ShellError::NoneOf { error, .. } | ShellError::Cut { error, .. } => error.is_session_over(),
            _ => false,
        }
    }
}

/// Receiver of the questions that a shell's commands ask; its owner asks the user.
pub type Questions = mpsc::UnboundedReceiver<Question>;

/// An interpreter of the command language. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shell {
    access: Access,
    /// Commands that the lines may call.
    table: Table,
    /// Node that lines are about if they name none.
    node: Option<NodeNumber>,
    /// True if each line waits for the previous one, so that no other line can resume time while one waits.
    is_alone: bool,
    /// True if a person types the lines, who is asked before much is removed.
    confirms: bool,
    /// Sender of what a line tells before its answer.
    notices: Option<mpsc::UnboundedSender<Notice>>,
    questions: mpsc::UnboundedSender<Question>,
    untold: Untold,
    /// Transfers in the background whose result `wait` has not yet shown.
    background: Background,
}

impl Shell {
    /// Creates a shell for the user of `access`, and the receiver of its questions.
    pub fn new(access: Access) -> (Shell, Questions) {
        let (questions, inbox) = mpsc::unbounded_channel();
        (
            Shell {
                access,
                table: Table::default(),
                node: None,
                is_alone: false,
                confirms: false,
                notices: None,
                questions,
                untold: Untold::default(),
                background: Background::default(),
            },
            inbox,
        )
    }

    /// Returns the shell for lines each of which waits for the previous one.
    #[must_use]
    pub fn alone(self) -> Shell {
        Shell { is_alone: true, ..self }
    }

    /// Returns the shell for lines that a person types, who is asked before much is removed.
    #[must_use]
    pub fn confirming(self) -> Shell {
        Shell { confirms: true, ..self }
    }

    /// Returns the shell with the commands of this table.
    #[must_use]
    pub fn knowing(self, table: Table) -> Shell {
        Shell { table, ..self }
    }

    /// Returns the shell whose lines are about a node where they name none: `node`, `status`, `df` and `segments`.
    #[must_use]
    pub fn on(self, node: NodeNumber) -> Shell {
        Shell { node: Some(node), ..self }
    }

    /// Returns the shell of a line that sends what it tells before its answer.
    #[must_use]
    pub fn telling(self, notices: mpsc::UnboundedSender<Notice>) -> Shell {
        Shell { notices: Some(notices), ..self }
    }

    /// Returns the access of the front end, which knows the user and the permissions.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Returns the commands that the lines may call.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the group of commands of this type, for the functions that carry its commands out.
    ///
    /// # Errors
    /// Fails if the shell does not know it.
    pub fn group<T: CommandGroup>(&self) -> Result<&T, ShellError> {
        self.table.group().ok_or_else(|| ShellError::Bad("this prompt does not have the command".into()))
    }

    /// Carries a line out; an empty line has an empty answer. The future may be dropped at any time: operations that it has begun
    /// go on, and the command `cancel` ends them.
    ///
    /// # Errors
    /// Fails if the language, the engine or the operating system refuses the line.
    pub fn run<'a>(&'a self, line: &'a str, variables: &'a Variables) -> Running<'a> {
        Box::pin(async move {
            match Call::parse_in(&self.table, line, variables)? {
                Some(call) => {
                    self.require_place(&call).await?;
                    self.admit(call.spec).await?;
                    (call.spec.run)(self, &call).await
                }
                None => Ok(Answer::nothing()),
            }
        })
    }

    /// Carries a line out, and waits for the transfers that it begins, unless they are in the background.
    ///
    /// # Errors
    /// Fails as [`run`](Self::run) and [`finish`](Self::finish) do. A transfer of a batch that fails does not end the batch; the sum tells of
    /// it.
    pub async fn run_to_end(&self, line: &str, variables: &Variables) -> Result<Answer, ShellError> {
        let answer = self.run(line, variables).await?;
        match answer.effect {
            Effect::Follow(begun) => self.finish(&begun).await,
            Effect::Batch(batch) => self.carry_out(batch).await.map(|done| done.after(&answer.view)),
            _ => Ok(answer),
        }
    }

    /// Refuses a command that is for this machine alone to a client from remote, and records that. It comes before anything that looks at a
    /// path of this machine.
    pub(crate) async fn require_place(&self, call: &Call) -> Result<(), ShellError> {
        let command = call.spec.name;
        match call.is_for_this_machine() {
            true => self.access.require_local(command).await.map_err(|_| ShellError::Elsewhere { usage: call.spec.usage() }),
            false => Ok(()),
        }
    }

    /// Refuses a command that the current user may not run.
    async fn admit(&self, spec: &Spec) -> Result<(), ShellError> {
        if spec.audience == Audience::Anybody {
            return Ok(());
        }
        let identity = self.access.check().await?;
        Ok(match spec.audience {
            Audience::Admins => self.access.require_admin(&identity, spec.name).await,
            _ => self.access.require_login(&identity),
        }?)
    }

    /// Returns the current user.
    fn identity(&self) -> Arc<Identity> {
        self.access.identity()
    }

    /// Refuses to wait for virtual time if it is paused and no other line could resume it.
    fn refuse_standstill(&self) -> Result<(), ShellError> {
        if self.is_alone && self.access.is_paused() { Err(ShellError::StandingStill) } else { Ok(()) }
    }

    /// Tells the front end something before the answer of the line.
    fn notify(&self, notice: Notice) {
        // A front end that has dropped the line needs no notice.
        let _ = self.notices.as_ref().map(|notices| notices.send(notice));
    }

    /// Calls an operation for the current user.
    async fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, ShellError> {
        Ok(self.access.call(operation).await?)
    }

    /// Calls an operation whose reply takes virtual time.
    async fn wait_for<O: Operation>(&self, operation: O) -> Result<O::Reply, ShellError> {
        self.begin_waiting()?;
        self.call(operation).await
    }

    /// Refuses to wait while time stands still, and tells that virtual time is waited for from now on.
    fn begin_waiting(&self) -> Result<(), ShellError> {
        self.refuse_standstill()?;
        self.notify(Notice::Waits);
        Ok(())
    }
}

/// Future of the answer to a line.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, ShellError>> + Send + 'a>>;
