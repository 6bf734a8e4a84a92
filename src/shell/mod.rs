//! Floor 4: the one command language. The TUI's prompt, the REPL and scripts all speak it.
//!
//! | file | what it is |
//! |---|---|
//! | [`table`], [`spec`] | the commands: names, arguments, flags, help, and who runs them |
//! | [`words`] | a line as words |
//! | [`call`] | words bound to a command |
//! | [`complete`] | what could be typed next, and hints |
//! | [`answer`] | what a command answers, for people and for programs |
//! | [`script`] | lines one after the other |
//!
//! Knows the engine, and no front end: answers are shown by whoever asked.

pub mod answer;
pub mod call;
mod commands;
pub mod complete;
pub mod script;
pub mod spec;
pub mod table;
pub mod words;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use thiserror::Error;

pub use self::commands::reference;

use self::answer::{Answer, Effect};
use self::call::Call;
use self::words::{Variables, WordsError};
use crate::engine::transfer::TransferId;
use crate::engine::{Command, EngineError, EngineHandle, Reply};

/// How many packets of the wire a session keeps for `trace`.
const WIRE_PACKETS: u32 = 20_000;

/// Why a line was not carried out.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ShellError {
    /// The line cannot be taken apart.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// There is no such command.
    #[error("there is no command `{name}`{}", suggestion(near))]
    Unknown {
        /// What was typed.
        name: String,
        /// Commands that are like it.
        near: Vec<&'static str>,
    },
    /// The command does not take what it was given.
    #[error("{problem}; usage: {usage}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// What would be right.
        usage: String,
    },
    /// The engine does not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file of this machine cannot be used.
    #[error("cannot write {path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An answer was not as expected.
    #[error("expected {expected}, but `{command}` says: {found}")]
    Unexpected {
        /// The command that was run.
        command: String,
        /// What was expected of its answer.
        expected: String,
        /// The answer.
        found: String,
    },
    /// Somebody interrupted it.
    #[error("interrupted")]
    Interrupted,
}

fn suggestion(near: &[&str]) -> String {
    match near {
        [] => "; `help` lists them".into(),
        near => format!("; did you mean {}?", near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")),
    }
}

/// Carries lines out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shell {
    engine: EngineHandle,
    /// The wall clock of the front end, in seconds since 1970.
    unix_now: fn() -> u64,
}

impl Shell {
    /// A shell on an engine. `unix_now` is the wall clock that uploads are dated by.
    pub fn new(engine: EngineHandle, unix_now: fn() -> u64) -> Shell {
        Shell { engine, unix_now }
    }

    /// The same for a session: the packets of the wire are kept from now on, for `trace` and for screens.
    ///
    /// # Errors
    /// Where the engine has stopped.
    pub async fn watching(engine: EngineHandle, unix_now: fn() -> u64) -> Result<Shell, ShellError> {
        let shell = Shell::new(engine, unix_now);
        shell.ask(Command::WatchWire { packets: Some(WIRE_PACKETS) }).await?;
        Ok(shell)
    }

    /// The engine.
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// Carries a line out; a line that says nothing is answered by nothing. The future may be dropped at any time: what was
    /// begun then goes on, and [`Command::Cancel`] ends it.
    ///
    /// # Errors
    /// What the language, the engine or the system refuses.
    pub fn run<'a>(&'a self, line: &'a str, variables: &'a Variables) -> Running<'a> {
        Box::pin(async move {
            match Call::parse(line, variables)? {
                Some(call) => (call.spec.run)(self, &call).await,
                None => Ok(Answer::nothing()),
            }
        })
    }

    /// Carries a line out and, where it begins a transfer that is to be followed, waits for what comes of that.
    ///
    /// # Errors
    /// As for [`run`](Self::run) and [`finish`](Self::finish).
    pub async fn run_to_end(&self, line: &str, variables: &Variables) -> Result<Answer, ShellError> {
        let answer = self.run(line, variables).await?;
        match answer.effect {
            Effect::Follow(transfer) => self.finish(transfer).await,
            _ => Ok(answer),
        }
    }

    /// Waits until a transfer is over, and tells what came of it.
    ///
    /// # Errors
    /// Where it failed or there is none of that number.
    pub async fn finish(&self, transfer: TransferId) -> Result<Answer, ShellError> {
        match self.ask(Command::Await { transfer }).await? {
            Reply::Finished(report) => Ok(commands::files::finished(&report.into_result()?)),
            _ => Ok(Answer::nothing()),
        }
    }

    async fn ask(&self, command: Command) -> Result<Reply, ShellError> {
        Ok(self.engine.ask(command).await?)
    }

    /// For commands that answer with nothing but that it is done.
    async fn tell(&self, command: Command) -> Result<Answer, ShellError> {
        self.ask(command).await.map(|_| Answer::nothing())
    }
}

/// An answer on its way.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, ShellError>> + Send + 'a>>;
