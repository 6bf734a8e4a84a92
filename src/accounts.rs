//! `p2p register`, `p2p login` and `p2p logout`, which manage the account that the one-shot commands of a data directory
//! use.

use clap::Args;
use eyre::{Report, Result, WrapErr};
use p2p_base::spelling::visible_path;
use p2p_engine::ClockMode;
use p2p_service::access::session_file;
use p2p_service::failure::wrong_usage;
use p2p_service::instance::{EngineArgs, Instance, refuse_dash};
use p2p_service::output::{self, OutputArgs};
use p2p_shell::answer::Answer;
use p2p_shell::asking::{CommonArgs, LOCAL_COMMAND, LoginArgs, Prompter};
use p2p_shell::words::quote;

use crate::remote::{self, Registering, Server};

/// `p2p register`
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// The user name
    name: Option<String>,
    /// The e-mail address
    email: Option<String>,
    /// With --connect: read the setup token of the server, or an invite of an admin, from the first line of FILE. It is also taken from
    /// P2P_SETUP_TOKEN or P2P_INVITE, or else typed
    #[arg(long, value_name = "FILE")]
    admission_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    whose: Whose,
}

/// `p2p login`
#[derive(Debug, Args)]
pub struct SignInArgs {
    /// The user name
    name: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

/// `p2p logout`
#[derive(Debug, Args)]
pub struct SignOutArgs {
    /// End every session of the user
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Whose password, and of which data directory.
#[derive(Debug, Args)]
struct Whose {
    /// Read the password from the first line of FILE
    #[arg(long, value_name = "FILE")]
    password_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Whose {
    fn common(&self) -> CommonArgs {
        let login = LoginArgs { password_file: self.password_file.clone(), ..LoginArgs::default() };
        CommonArgs { engine: self.engine.clone(), login, output: self.output }
    }

    fn start(&self) -> Result<(Instance, Prompter)> {
        refuse_dash("--password-file", self.password_file.as_deref())?;
        let instance = Instance::start(&self.engine, ClockMode::OnDemand)?;
        let login = LoginArgs { password_file: self.password_file.clone(), ..LoginArgs::default() };
        let prompter = Prompter::unmanned(&instance, &login, LOCAL_COMMAND)?;
        Ok((instance, prompter))
    }
}

/// Registers an account.
///
/// # Errors
/// Fails if the name or the address is taken, or the password is not accepted.
pub async fn register(args: &RegisterArgs) -> Result<()> {
    if args.admission_file.is_some() {
        return Err(wrong_usage(
            "--admission-file is of a server",
            "leave it out: in a data directory nothing has to admit an account",
        ));
    }
    let (instance, mut prompter) = args.whose.start()?;
    // An admin who is logged in may register accounts for others.
    prompter.resume(&instance).await?;
    let words = ["register", "--"].into_iter().chain(args.name.as_deref()).chain(args.email.as_deref());
    let line = words.map(quote).collect::<Vec<_>>().join(" ");
    let answer = prompter.run_interruptibly(&line).await;
    prompter.close().await;
    let ended = instance.end().await.map(drop);
    print(args.whose.output, &answer?)?;
    ended
}

impl RegisterArgs {
    /// Makes an account at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        let (name, email, admission_file) = (self.name.as_deref(), self.email.as_deref(), self.admission_file.as_deref());
        refuse_dash("--admission-file", admission_file)?;
        remote::register(server, &self.whose.common(), &Registering { name, email, admission_file }).await
    }
}

impl SignInArgs {
    /// Logs a user in at the server that holds the data directory.
    ///
    /// # Errors
    /// Fails if the login is refused, or the session cannot be stored.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        remote::login(server, &self.whose.common(), self.name.as_deref()).await
    }
}

/// Logs a user in, and stores the session for the commands that follow.
///
/// # Errors
/// Fails if the login is refused, or the session cannot be stored.
pub async fn login(args: &SignInArgs) -> Result<()> {
    let (instance, mut prompter) = args.whose.start()?;
    let line = ["login", "--"].into_iter().chain(args.name.as_deref()).map(quote).collect::<Vec<_>>().join(" ");
    let answer = prompter.run_interruptibly(&line).await;
    let saved = match &answer {
        Ok(_) => keep(&instance, &prompter).await,
        Err(_) => Ok(()),
    };
    prompter.close().await;
    let ended = instance.end().await.map(drop);
    saved?;
    print(args.whose.output, &answer?)?;
    ended
}

/// Stores the session of the user who is logged in, and ends the one that was stored before.
async fn keep(instance: &Instance, prompter: &Prompter) -> Result<()> {
    let access = prompter.shell().access();
    // An unreadable stored session is replaced.
    let before = session_file::load(&instance.data_dir).unwrap_or_default();
    let saved = session_file::save(&instance.data_dir, &access.token()?, access.identity().name().unwrap_or_default());
    saved.wrap_err_with(|| format!("cannot keep the session in {}", visible_path(&instance.data_dir)))?;
    access.keep();
    access.end_session(before).await;
    Ok(())
}

/// Ends the stored session.
///
/// # Errors
/// Fails if there is no stored session, if it cannot be read, or if it cannot be ended.
pub async fn logout(args: &SignOutArgs) -> Result<()> {
    let instance = Instance::start(&args.engine, ClockMode::OnDemand)?;
    let unusable = session_file::load(&instance.data_dir).err();
    if unusable.is_some() {
        session_file::forget(&instance.data_dir)?;
    }
    let mut prompter = Prompter::open(&instance, &LoginArgs::default(), LOCAL_COMMAND).await?;
    let answer = prompter.run_interruptibly(if args.all { "logout --all" } else { "logout" }).await;
    prompter.close().await;
    // A session that could not be ended stays stored, so that the command can be repeated.
    if answer.is_ok() {
        session_file::forget(&instance.data_dir)?;
    }
    let ended = instance.end().await.map(drop);
    if let Some(error) = unusable {
        return Err(Report::from(error).wrap_err("the session is forgotten"));
    }
    print(args.output, &answer?)?;
    ended
}

fn print(output: OutputArgs, answer: &Answer) -> Result<()> {
    output::print(&output, &answer.data, |_| answer.view.text_within(output::terminal_width()))
}
