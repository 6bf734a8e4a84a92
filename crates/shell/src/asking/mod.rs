//! The shell for front ends without a screen, and the source of the answers to its questions: the environment, a file,
//! or a user at the terminal.
//!
//! | file | content |
//! |---|---|
//! | [`answers`] | an answer for each field of a form |
//! | [`terminal`] | a line typed at the terminal, without echo if it is secret |

pub mod answers;
pub mod terminal;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use eyre::{Report, Result, WrapErr};
use p2p_auth::tokens::TokenError;
use p2p_auth::{AuthError, Secret};
use p2p_base::private_file;
use p2p_base::spelling::{shell_option, visible_path};
use p2p_base::text;
use p2p_engine::transfer::TransferStatus;
use p2p_service::access::{Access, AccessError, Identity, session_file};
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::instance::{EngineArgs, Instance, Leaving, advised, refuse_dash};
use p2p_service::interrupt::{Interrupted, interrupted};
use p2p_service::output::{self, OutputArgs};
use p2p_service::statuses;
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use self::answers::Answers;
use crate::answer::Answer;
use crate::table::Table;
use crate::words::{Variables, quote};
use crate::{Questions, Shell, ShellError};

/// Environment variable of the API token.
const TOKEN_VARIABLE: &str = "P2P_TOKEN";

/// Who uses the program.
#[derive(Debug, Clone, Default, Args)]
pub struct LoginArgs {
    /// Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read the password from the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    pub token_file: Option<PathBuf>,
}

impl LoginArgs {
    /// Returns the options as they were given, for a line that does the same for the same user.
    pub fn words(&self) -> Vec<String> {
        let user = self.user.as_ref().map(|user| shell_option("--user", user));
        let file = self.password_file.as_ref().map(|file| shell_option("--password-file", file));
        let token = self.token_file.as_ref().map(|file| shell_option("--token-file", file));
        user.into_iter().chain(file).chain(token).collect()
    }

    /// Refuses options that cannot be combined.
    ///
    /// # Errors
    /// Fails if a password is given without a user, or if the password file is `-`.
    pub fn check(&self) -> Result<()> {
        refuse_dash("--password-file", self.password_file.as_deref())?;
        if self.password_file.is_some() && self.user.is_none() {
            return Err(wrong_usage("--password-file is given without a user to log in", "say who, with --user NAME"));
        }
        Ok(())
    }

    /// Refuses options that cannot be combined, also with the API token that the environment may provide to a program.
    ///
    /// # Errors
    /// Fails as [`check`](Self::check) does, if there are both a user and a token, or if the token is empty: a script that has
    /// not got one is not meant to work for the user of a stored session.
    pub fn check_with_token(&self) -> Result<()> {
        self.check()?;
        refuse_dash("--token-file", self.token_file.as_deref())?;
        if token_of_environment().is_some_and(|token| token.expose_secret().trim().is_empty()) {
            let problem = format!("{TOKEN_VARIABLE} is set, and there is no token in it");
            return Err(wrong_usage(problem, format!("`p2p token new NAME` prints one; unset {TOKEN_VARIABLE} to do without")));
        }
        if self.user.is_some() && token_of_environment().is_some() {
            let problem = format!("--user and {TOKEN_VARIABLE} both say who it is for");
            return Err(wrong_usage(problem, format!("leave --user out, or unset {TOKEN_VARIABLE}")));
        }
        Ok(())
    }

    /// Returns the API token that a file or the environment provides.
    ///
    /// # Errors
    /// Fails if the file cannot be read, has no token in it, or may be read by others.
    pub fn token(&self) -> Result<Option<Secret>> {
        let Some(path) = &self.token_file else { return Ok(token_of_environment()) };
        let read = private_file::read_secret(path);
        Ok(Some(read.wrap_err_with(|| format!("--token-file {}", visible_path(path)))?))
    }
}

/// Returns the API token that the environment provides. One that is no text is a token that is not valid.
fn token_of_environment() -> Option<Secret> {
    let token = Zeroizing::new(std::env::var_os(TOKEN_VARIABLE)?.to_string_lossy().into_owned());
    Some(Secret::from(text::without_ends(&token)))
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

impl CommonArgs {
    /// Returns the options as they were given, for a line that does the same in the same place.
    pub fn words(&self) -> Vec<String> {
        let mut words = [self.engine.words(), self.login.words()].concat();
        words.extend(self.output.json.then(|| "--json".to_owned()));
        words
    }
}

/// Origin of the commands of the command line, in the audit log and in mails.
pub const LOCAL_COMMAND: &str = "local command";

/// A shell together with the source of answers to its questions.
#[derive(Debug)]
pub struct Prompter {
    shell: Shell,
    questions: Questions,
    answers: Answers,
}

impl Prompter {
    /// Opens a shell whose commands the audit log records under `origin`. The user is that of `login`, or else that of the
    /// session that `p2p login` has stored.
    ///
    /// # Errors
    /// Fails if the user cannot be logged in.
    pub async fn open(instance: &Instance, login: &LoginArgs, origin: &str) -> Result<Prompter> {
        let mut prompter = Prompter::unmanned(instance, login, origin)?;
        match &login.user {
            Some(user) => drop(prompter.run_interruptibly(&format!("login -- {}", quote(user))).await?),
            None => prompter.resume(instance).await?,
        }
        Ok(prompter)
    }

    /// Opens a shell as [`open`](Self::open) does, for a command that may be called by a program: the user is that of the API token
    /// in the environment, if there is one.
    ///
    /// # Errors
    /// Fails if the user cannot be logged in, or if the token is not valid.
    pub async fn open_with_token(instance: &Instance, login: &LoginArgs, origin: &str) -> Result<Prompter> {
        let Some(token) = login.token()? else { return Prompter::open(instance, login, origin).await };
        let prompter = Prompter::unmanned(instance, login, origin)?;
        prompter.shell.access().log_in_with_token(token).await.map_err(refused)?;
        Ok(prompter)
    }

    /// Opens a shell without logging a user in.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn unmanned(instance: &Instance, login: &LoginArgs, origin: &str) -> Result<Prompter> {
        let (shell, questions) = Shell::new(instance.access(origin)?);
        Ok(Prompter { shell, questions, answers: Answers::new(login.password_file.clone()) })
    }

    /// Resumes the session that `p2p login` has stored, if there is one.
    ///
    /// # Errors
    /// Fails if the stored session cannot be read.
    pub async fn resume(&mut self, instance: &Instance) -> Result<()> {
        if let Some(token) = session_file::load(&instance.data_dir)? {
            match self.shell.access().resume(token).await {
                Err(AccessError::Auth(AuthError::SessionOver)) => {
                    if let Err(error) = session_file::forget(&instance.data_dir) {
                        // If the file cannot be removed, the message appears again the next time.
                        tracing::debug!(%error, "a session that is over is kept");
                    }
                    output::tell("the session that `p2p login` began is over");
                }
                resumed => drop(resumed?),
            }
            // The provided password and code belong to this user; an account that is registered from now on has others.
            if let Some(user) = self.shell.access().identity().name() {
                self.answers.provide_for(user);
            }
        }
        Ok(())
    }

    /// Lets the following lines of standard input answer questions.
    #[must_use]
    pub fn with_lines_of_stdin(self) -> Prompter {
        Prompter { answers: self.answers.with_lines_of_stdin(), ..self }
    }

    /// Lets the lines call the commands of this table.
    #[must_use]
    pub fn knowing(self, table: Table) -> Prompter {
        Prompter { shell: self.shell.knowing(table), ..self }
    }

    /// Makes the shell wait for each line before the next one begins.
    #[must_use]
    pub fn alone(self) -> Prompter {
        Prompter { shell: self.shell.alone(), ..self }
    }

    /// Lets the shell ask before much is removed.
    #[must_use]
    pub fn confirming(self) -> Prompter {
        Prompter { shell: self.shell.confirming(), ..self }
    }

    /// Returns the name of a transfer as far as the current user may know it.
    pub fn name_of(&self, transfer: &TransferStatus) -> String {
        self.shell.access().identity().name_of(transfer)
    }

    /// Returns the shell that carries the lines out.
    pub fn shell(&self) -> &Shell {
        &self.shell
    }

    /// Returns the current user.
    ///
    /// # Errors
    /// Returns [`Denial::LoginNeeded`](p2p_engine::Denial::LoginNeeded), with the next step, if a login is required.
    pub async fn user(&self) -> Result<Arc<Identity>> {
        let access = self.shell.access();
        let identity = access.check().await;
        let identity = identity.and_then(|identity| access.require_login(&identity).map(|()| identity));
        identity.map_err(refused)
    }

    /// Carries out a line, and answers its questions.
    ///
    /// # Errors
    /// Fails as [`Shell::run_to_end`] does.
    pub async fn run(&mut self, line: &str) -> Result<Answer, ShellError> {
        let shell = self.shell.clone();
        self.serve(shell.run_to_end(line, &Variables::new())).await
    }

    /// Carries out a line as [`run`](Self::run) does, until the user interrupts; the terminal is restored then.
    ///
    /// # Errors
    /// Returns the error of the line, with the next step, or [`Interrupted`].
    pub async fn run_interruptibly(&mut self, line: &str) -> Result<Answer> {
        let shell = self.shell.clone();
        tokio::select! {
            // The answer comes first, so that an answer which an interruption has waited for is not lost.
            biased;
            answer = self.run(line) => answer.map_err(refused),
            stop = interrupted_at_rest(shell.access()) => Err(stop?.into()),
        }
    }

    /// Drives a future to its end, and answers the questions that it asks.
    pub async fn serve<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        // The typed answers are also discarded if this future is dropped early.
        let answers = Forgetful(&mut self.answers);
        loop {
            tokio::select! {
                done = &mut work => break done,
                Some(question) = self.questions.recv() => answers.0.answer(question).await,
            }
        }
    }

    /// Leaves the engine of `instance` with `result`, and reports unfinished transfers under the names that the user may know.
    ///
    /// # Errors
    /// Fails as [`Instance::leave`] does.
    pub async fn leave(&self, instance: &Instance, result: Result<Leaving>) -> Result<()> {
        self.shell.leave(instance, result).await
    }

    /// Returns the shell and its questions, for a front end that answers them itself.
    pub fn into_shell(self) -> (Shell, Questions) {
        (self.shell, self.questions)
    }

    /// Ends the login session of the current user, unless it is stored.
    pub async fn close(self) {
        self.shell.access().end().await;
    }
}

/// A guard that discards the typed answers when it is dropped.
struct Forgetful<'a>(&'a mut Answers);

impl Drop for Forgetful<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// Waits until the user interrupts, and then until operations that must not be interrupted have finished, as long as
/// [`Access::at_rest`] waits for them.
///
/// # Errors
/// Fails if signals cannot be received.
pub async fn interrupted_at_rest(access: &Access) -> Result<Interrupted> {
    let stop = interrupted().await?;
    // What is not done by then goes on without anybody who waits for it.
    let _ = access.at_rest().await;
    Ok(stop)
}

/// Converts an error into a report with the next step.
pub fn refused(error: impl Into<ShellError>) -> Report {
    let error = match error.into() {
        ShellError::Engine(error) => return advised(error),
        ShellError::Access(error) => error,
        error => {
            let exit_code = error.exit_code();
            return Report::from(error).exit_code(exit_code);
        }
    };
    let advice = match &error {
        AccessError::Auth(AuthError::Token(TokenError::Refused)) => {
            Some(format!("`p2p token new NAME` makes another; unset {TOKEN_VARIABLE} to do without"))
        }
        _ => None,
    };
    let exit_code = statuses::of(error.kind()).exit;
    let report = Report::from(ShellError::Access(error)).exit_code(exit_code);
    match advice {
        Some(advice) => report.suggestion(advice),
        None => report,
    }
}
