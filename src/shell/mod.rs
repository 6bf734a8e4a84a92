//! Floor 4: the one command language. The TUI's prompt, the REPL and scripts all speak it.
//!
//! | file | what it is |
//! |---|---|
//! | [`table`], [`spec`] | the commands: names, arguments, flags, help, and who runs them |
//! | [`words`] | a line as words |
//! | [`call`] | words bound to a command |
//! | [`complete`] | what could be typed next, and hints |
//! | [`answer`] | what a command answers, for people and for programs |
//! | [`question`] | what a command asks the person at the front end |
//! | [`script`] | lines one after the other |
//! | `untold` | transfers of whose end nobody has been told |
//!
//! A command runs for whoever may run it: [`Access`] says who is there. Knows the engine and the accounts, and no front end:
//! answers are shown, and questions asked, by whoever types.

pub mod answer;
pub mod call;
mod commands;
pub mod complete;
pub mod question;
pub mod script;
pub mod spec;
pub mod table;
mod untold;
pub mod words;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{Notify, mpsc, oneshot};

pub use self::commands::files::place_of;
pub use self::commands::{reference, write_document};

use self::answer::{Answer, Begun, Effect, Planned};
use self::call::Call;
use self::question::{Form, Question};
use self::spec::{Audience, Spec};
use self::untold::Untold;
use self::words::{Variables, WordsError};
use crate::access::{Access, AccessError, Who};
use crate::auth::{AuthError, Secret};
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
    /// It is not done for whoever is there.
    #[error(transparent)]
    Access(AccessError),
    /// A question was not answered.
    #[error("given up; nothing has changed")]
    Abandoned,
    /// There is nobody to ask.
    #[error("{0}")]
    Unanswerable(String),
    /// Transfers that were waited for, or ended before, have failed.
    #[error("{}", failures.join("; "))]
    Failed {
        /// Which, and why.
        failures: Vec<String>,
    },
    /// Nothing would ever happen.
    #[error(
        "time is paused and nobody can resume it while this waits: `resume` or `step SPAN` first; a transfer may begin with --background"
    )]
    StandingStill,
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
    /// What was to be found out is, and it is bad.
    #[error("{0}")]
    Bad(String),
    /// Of several things the first ones are done, and the next one is not.
    #[error("{error}; before that, this was done: {}", done.join("; "))]
    Partly {
        /// What was done, in the words of its answers.
        done: Vec<String>,
        /// Why the next one was not; what comes after it was not begun.
        error: Box<ShellError>,
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

/// What is told where a batch ends with an error: what was done before is part of it.
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
    /// Whether the session is over, so that somebody has to log in again.
    pub fn is_session_over(&self) -> bool {
        matches!(self, ShellError::Access(AccessError::Auth(AuthError::SessionOver)))
    }
}

/// What somebody is asked; who holds this asks them.
pub type Questions = mpsc::UnboundedReceiver<Question>;

/// Carries lines out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shell {
    access: Access,
    /// Its lines come one after the other, so that while one waits there is nobody who could resume time.
    is_alone: bool,
    /// Notified when a line comes to wait for virtual time.
    waits: Option<Arc<Notify>>,
    questions: mpsc::UnboundedSender<Question>,
    untold: Untold,
}

impl Shell {
    /// A shell for whoever is behind a door, and what it has to ask them.
    pub fn new(access: Access) -> (Shell, Questions) {
        let (questions, inbox) = mpsc::unbounded_channel();
        (Shell { access, is_alone: false, waits: None, questions, untold: Untold::default() }, inbox)
    }

    /// The same for lines of which each waits for the one before it.
    #[must_use]
    pub fn alone(self) -> Shell {
        Shell { is_alone: true, ..self }
    }

    /// The same for a line of which it is to be known when it comes to wait for virtual time, which may take long.
    #[must_use]
    pub fn telling(self, waits: Arc<Notify>) -> Shell {
        Shell { waits: Some(waits), ..self }
    }

    /// Keeps the packets of the wire from now on, for `trace` and for screens.
    ///
    /// # Errors
    /// Where the engine has stopped.
    pub async fn watch_wire(&self) -> Result<(), ShellError> {
        self.ask(Command::WatchWire { packets: Some(WIRE_PACKETS) }).await.map(drop)
    }

    /// The engine.
    pub fn engine(&self) -> &EngineHandle {
        self.access.engine()
    }

    /// Who is there, and what they may do.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Carries a line out; a line that says nothing is answered by nothing. The future may be dropped at any time: what was
    /// begun then goes on, and [`Command::Cancel`] ends it.
    ///
    /// # Errors
    /// What the language, the engine or the system refuses.
    pub fn run<'a>(&'a self, line: &'a str, variables: &'a Variables) -> Running<'a> {
        Box::pin(async move {
            match Call::parse(line, variables)? {
                Some(call) => {
                    self.admit(call.spec).await?;
                    (call.spec.run)(self, &call).await
                }
                None => Ok(Answer::nothing()),
            }
        })
    }

    /// Carries a line out and, where it begins transfers that are to be followed, waits for what comes of them.
    ///
    /// # Errors
    /// As for [`run`](Self::run), [`begin`](Self::begin) and [`finish`](Self::finish). The first transfer that fails ends a batch.
    pub async fn run_to_end(&self, line: &str, variables: &Variables) -> Result<Answer, ShellError> {
        let answer = self.run(line, variables).await?;
        match answer.effect {
            Effect::Follow(begun) => self.finish(&begun).await,
            Effect::Batch(planned) => {
                let mut begun = Vec::with_capacity(planned.len());
                let answer = self.carry_out(planned, &mut begun).await;
                self.untold.remove(begun);
                answer
            }
            _ => Ok(answer),
        }
    }

    /// Carries a batch out, and tells of all of it at once.
    async fn carry_out(&self, planned: Vec<Planned>, begun: &mut Vec<TransferId>) -> Result<Answer, ShellError> {
        let mut answers = Vec::with_capacity(planned.len());
        for Planned { command, .. } in planned {
            let answer = self.begin(command).await.map_err(|error| partly(&answers, error))?;
            answers.push(match &answer.effect {
                Effect::Follow(one) => {
                    begun.push(one.transfer);
                    self.outcome(one).await.map_err(|error| partly(&answers, error))?
                }
                _ => answer,
            });
        }
        Ok(Answer::all(answers))
    }

    /// Begins a transfer that is to be followed.
    ///
    /// # Errors
    /// What the engine refuses.
    pub async fn begin(&self, command: Command) -> Result<Answer, ShellError> {
        commands::files::begin(self, command).await
    }

    /// Waits until a transfer is over, and tells what came of it.
    ///
    /// # Errors
    /// Where it failed or there is none of that number.
    pub async fn finish(&self, begun: &Begun) -> Result<Answer, ShellError> {
        let outcome = self.outcome(begun).await;
        self.untold.remove([begun.transfer]);
        outcome
    }

    /// The transfers of lines that were dropped before they could tell what has become of them, for whoever tells of them now.
    pub fn take_untold(&self) -> BTreeSet<TransferId> {
        self.untold.take()
    }

    /// What has become of a transfer once it is over, which is untold until its line has answered.
    async fn outcome(&self, begun: &Begun) -> Result<Answer, ShellError> {
        self.untold.add(begun.transfer);
        match self.ask(Command::Await { transfer: begun.transfer }).await? {
            Reply::Finished(report) => {
                let report = report.into_result()?;
                Ok(match &begun.checks {
                    Some(name) => commands::files::checked(&report, name),
                    None => commands::files::finished(&report, &self.who()),
                })
            }
            _ => Ok(Answer::nothing()),
        }
    }

    /// Refuses a command that is not for whoever is there.
    async fn admit(&self, spec: &Spec) -> Result<(), ShellError> {
        if spec.audience == Audience::Anybody {
            return Ok(());
        }
        let who = self.access.check().await?;
        Ok(match spec.audience {
            Audience::Admins => self.access.require_admin(&who, spec.name).await,
            _ => self.access.require_login(&who),
        }?)
    }

    /// Who is there.
    fn who(&self) -> Arc<Who> {
        self.access.who()
    }

    /// Refuses to wait for what takes virtual time, where that stands still for good.
    fn refuse_standstill(&self) -> Result<(), ShellError> {
        if self.is_alone && self.engine().snapshots().borrow().paused { Err(ShellError::StandingStill) } else { Ok(()) }
    }

    /// Lets be known that the line waits for virtual time from now on.
    fn tell_of_waiting(&self) {
        if let Some(waits) = &self.waits {
            waits.notify_one();
        }
    }

    async fn ask(&self, command: Command) -> Result<Reply, ShellError> {
        use Command::{Await, CheckHealth, Sleep, Step};
        if matches!(command, Await { .. } | CheckHealth | Sleep { .. }) {
            self.refuse_standstill()?;
        }
        if matches!(command, Await { .. } | CheckHealth | Sleep { .. } | Step { span: Some(_) }) {
            self.tell_of_waiting();
        }
        Ok(self.engine().ask(command).await?)
    }

    /// Asks whoever types; gives a text for each field. They may want another code mailed instead.
    async fn fill_in(&self, form: &Form) -> Result<Filled, ShellError> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question { form: form.clone(), reply }).map_err(|_| ShellError::Abandoned)?;
        match answer.await {
            Ok(question::Reply::Given(texts)) if texts.len() == form.fields.len() => Ok(Filled::With(texts)),
            Ok(question::Reply::SendAgain) => Ok(Filled::SendAgain),
            Ok(question::Reply::Unable(reason)) => Err(ShellError::Unanswerable(reason)),
            _ => Err(ShellError::Abandoned),
        }
    }

    /// For commands that answer with nothing but that it is done.
    async fn tell(&self, command: Command) -> Result<Answer, ShellError> {
        self.ask(command).await.map(|_| Answer::nothing())
    }
}

/// What came of a form.
enum Filled {
    With(Vec<Secret>),
    SendAgain,
}

/// An answer on its way.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, ShellError>> + Send + 'a>>;
