//! Floor 4: front ends without a screen: a shell, and what answers its questions there: the environment, a file, or somebody at
//! the terminal.
//!
//! | file | what it is |
//! |---|---|
//! | [`answers`] | an answer for each field of a form |
//! | [`terminal`] | a line typed at the terminal, without echo where it is secret |
//!
//! Knows nothing of what is asked for, or of what is done then.

pub mod answers;
pub mod terminal;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use eyre::{Report, Result};

use self::answers::Answers;
use crate::access::{Access, AccessError, Who, kept};
use crate::auth::AuthError;
use crate::engine::transfer::TransferStatus;
use crate::failure::{Advise, wrong_usage};
use crate::interrupt::{Interrupted, interrupted};
use crate::output::{self, OutputArgs};
use crate::session::{EngineArgs, Leaving, Session, advised, refuse_dash};
use crate::shell::answer::Answer;
use crate::shell::words::{Variables, quote};
use crate::shell::{Questions, Shell, ShellError};

/// Who uses the program.
#[derive(Debug, Clone, Default, Args)]
pub struct LoginArgs {
    /// Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read the password from the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

impl LoginArgs {
    /// Refuses what does not go together.
    ///
    /// # Errors
    /// Where a password is given and nobody who logs in.
    pub fn check(&self) -> Result<()> {
        refuse_dash("--password-file", self.password_file.as_deref())?;
        if self.password_file.is_some() && self.user.is_none() {
            return Err(wrong_usage("--password-file is for whoever logs in", "say who, with --user NAME"));
        }
        Ok(())
    }
}

/// The options of a command that works in a data directory for somebody and prints an answer.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// What starts an engine.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Who it works for.
    #[command(flatten)]
    pub login: LoginArgs,
    /// How the answer is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What the audit log and mails call a command of the command line.
pub const LOCAL_COMMAND: &str = "local command";

/// A shell and its answers.
#[derive(Debug)]
pub struct Desk {
    shell: Shell,
    questions: Questions,
    answers: Answers,
}

impl Desk {
    /// A shell for a front end that the audit log calls `origin`. Who uses it is what `login` says, else the session that
    /// `p2p login` has left.
    ///
    /// # Errors
    /// Where somebody cannot be logged in.
    pub async fn open(session: &Session, login: &LoginArgs, origin: &str) -> Result<Desk> {
        let mut desk = Desk::unmanned(session, login, origin)?;
        match &login.user {
            Some(user) => drop(desk.run_interruptibly(&format!("login -- {}", quote(user))).await?),
            None => desk.resume(session).await?,
        }
        Ok(desk)
    }

    /// The same, with nobody logged in yet.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn unmanned(session: &Session, login: &LoginArgs, origin: &str) -> Result<Desk> {
        let (shell, questions) = Shell::new(session.access(origin)?);
        Ok(Desk { shell, questions, answers: Answers::new(login.password_file.clone()) })
    }

    /// Goes on with the session that `p2p login` has left, if it has.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn resume(&mut self, session: &Session) -> Result<()> {
        if let Some(token) = kept::load(&session.data_dir)? {
            match self.shell.access().resume(token).await {
                Err(AccessError::Auth(AuthError::SessionOver)) => {
                    if let Err(error) = kept::forget(&session.data_dir) {
                        // Where nothing can be written, it is told again the next time.
                        tracing::debug!(%error, "a session that is over is kept");
                    }
                    output::tell("the session that `p2p login` began is over");
                }
                resumed => drop(resumed?),
            }
            // Whoever is registered now has a password of their own.
            if let Some(user) = self.shell.access().who().name() {
                self.answers.provide_for(user);
            }
        }
        Ok(())
    }

    /// The same where questions are answered by the lines of standard input that follow.
    #[must_use]
    pub fn with_lines_of_stdin(self) -> Desk {
        Desk { answers: self.answers.with_lines_of_stdin(), ..self }
    }

    /// The same for lines of which each waits for the one before it.
    #[must_use]
    pub fn alone(self) -> Desk {
        Desk { shell: self.shell.alone(), ..self }
    }

    /// What somebody calls a transfer of this session, as far as they may know of it.
    pub fn name_of(&self, transfer: &TransferStatus) -> String {
        self.shell.access().who().name_of(transfer)
    }

    /// The shell.
    pub fn shell(&self) -> &Shell {
        &self.shell
    }

    /// Who is there; refuses where somebody has to log in.
    ///
    /// # Errors
    /// [`AccessError::LoginNeeded`], with the next step.
    pub async fn user(&self) -> Result<Arc<Who>> {
        let access = self.shell.access();
        let who = access.check().await;
        let who = who.and_then(|who| access.require_login(&who).map(|()| who));
        who.map_err(refused)
    }

    /// Carries out a line, and answers what it asks.
    ///
    /// # Errors
    /// As for [`Shell::run_to_end`].
    pub async fn run(&mut self, line: &str) -> Result<Answer, ShellError> {
        let shell = self.shell.clone();
        self.serve(shell.run_to_end(line, &Variables::new())).await
    }

    /// The same until somebody interrupts; the terminal is given back then.
    ///
    /// # Errors
    /// What the line is refused for, with the next step; [`Interrupted`].
    pub async fn run_interruptibly(&mut self, line: &str) -> Result<Answer> {
        let shell = self.shell.clone();
        tokio::select! {
            // First, so that what an interruption has waited for is known.
            biased;
            answer = self.run(line) => answer.map_err(refused),
            stop = interrupted_at_rest(shell.access()) => Err(stop?.into()),
        }
    }

    /// Does work, and answers what it asks.
    pub async fn serve<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        // What was typed is forgotten also where nobody waits for the end.
        let answers = Forgetful(&mut self.answers);
        loop {
            tokio::select! {
                done = &mut work => break done,
                Some(question) = self.questions.recv() => answers.0.answer(question).await,
            }
        }
    }

    /// Leaves a session as `result` says, and tells what is not done by the names that somebody may know.
    ///
    /// # Errors
    /// As for [`Session::leave`].
    pub async fn leave(&self, session: &Session, result: Result<Leaving>) -> Result<()> {
        session.leave(result, &self.shell.take_untold(), |transfer| self.name_of(transfer)).await
    }

    /// The shell, for a front end that asks in its own way.
    pub fn into_shell(self) -> (Shell, Questions) {
        (self.shell, self.questions)
    }

    /// Ends the session of whoever is there, unless it is kept.
    pub async fn close(self) {
        self.shell.access().end().await;
    }
}

/// Forgets in the end what was given.
struct Forgetful<'a>(&'a mut Answers);

impl Drop for Forgetful<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// Waits until somebody interrupts, and until what is to be done whole is done.
///
/// # Errors
/// Where signals cannot be waited for.
pub async fn interrupted_at_rest(access: &Access) -> Result<Interrupted> {
    let stop = interrupted().await?;
    access.at_rest().await;
    Ok(stop)
}

/// The error, with what to do about it.
pub fn refused(error: impl Into<ShellError>) -> Report {
    let error = error.into();
    match error {
        ShellError::Engine(error) => advised(error),
        ShellError::Access(AccessError::LoginNeeded) => {
            Report::from(error).suggestion("`p2p login NAME` logs in until `p2p logout`; --user NAME does it for one command")
        }
        error => error.into(),
    }
}
