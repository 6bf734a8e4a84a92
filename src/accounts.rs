//! Floor 5: `p2p register`, `p2p login` and `p2p logout`: the account that the one-shot commands of a data directory go by. Knows
//! the shell and how to print, and no other front end.

use clap::Args;
use eyre::{Report, Result, WrapErr};

use crate::access::kept;
use crate::asking::{Desk, LOCAL_COMMAND, LoginArgs};
use crate::engine::ClockMode;
use crate::output::{self, OutputArgs};
use crate::session::{EngineArgs, Session, refuse_dash};
use crate::shell::answer::Answer;
use crate::shell::words::quote;

/// `p2p register`
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// The user name
    name: Option<String>,
    /// The e-mail address
    email: Option<String>,
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
    fn start(&self) -> Result<(Session, Desk)> {
        refuse_dash("--password-file", self.password_file.as_deref())?;
        let session = Session::start(&self.engine, ClockMode::OnDemand)?;
        let login = LoginArgs { user: None, password_file: self.password_file.clone() };
        let desk = Desk::unmanned(&session, &login, LOCAL_COMMAND)?;
        Ok((session, desk))
    }
}

/// Makes an account.
///
/// # Errors
/// Where the name or the address is taken, or the password is not accepted.
pub async fn register(args: &RegisterArgs) -> Result<()> {
    let (session, mut desk) = args.whose.start()?;
    // An admin may make accounts for others.
    desk.resume(&session).await?;
    let words = ["register", "--"].into_iter().chain(args.name.as_deref()).chain(args.email.as_deref());
    let line = words.map(quote).collect::<Vec<_>>().join(" ");
    let answer = desk.run_interruptibly(&line).await;
    desk.close().await;
    drop(session.end().await?);
    print(args.whose.output, &answer?)
}

/// Logs somebody in, and keeps the session for the commands that follow.
///
/// # Errors
/// Where they are refused, or the session cannot be kept.
pub async fn login(args: &SignInArgs) -> Result<()> {
    let (session, mut desk) = args.whose.start()?;
    let line = ["login", "--"].into_iter().chain(args.name.as_deref()).map(quote).collect::<Vec<_>>().join(" ");
    let answer = desk.run_interruptibly(&line).await;
    let kept = match &answer {
        Ok(_) => keep(&session, &desk).await,
        Err(_) => Ok(()),
    };
    desk.close().await;
    drop(session.end().await?);
    kept?;
    print(args.whose.output, &answer?)
}

/// Keeps the session of whoever is logged in, and ends the one that was kept before.
async fn keep(session: &Session, desk: &Desk) -> Result<()> {
    let access = desk.shell().access();
    // What cannot be used is replaced.
    let before = kept::load(&session.data_dir).unwrap_or_default();
    let saved = kept::save(&session.data_dir, &access.token()?);
    saved.wrap_err_with(|| format!("cannot keep the session in {}", session.data_dir.display()))?;
    access.keep();
    access.end_session(before).await;
    Ok(())
}

/// Ends the session that is kept.
///
/// # Errors
/// Where there is none.
pub async fn logout(args: &SignOutArgs) -> Result<()> {
    let session = Session::start(&args.engine, ClockMode::OnDemand)?;
    let unusable = kept::load(&session.data_dir).err();
    if unusable.is_some() {
        kept::forget(&session.data_dir)?;
    }
    let mut desk = Desk::open(&session, &LoginArgs::default(), LOCAL_COMMAND).await?;
    let answer = desk.run_interruptibly(if args.all { "logout --all" } else { "logout" }).await;
    desk.close().await;
    // One that could not be ended is kept, so that it can be tried again.
    if answer.is_ok() {
        kept::forget(&session.data_dir)?;
    }
    drop(session.end().await?);
    if let Some(error) = unusable {
        return Err(Report::from(error).wrap_err("the session is forgotten"));
    }
    print(args.output, &answer?)
}

fn print(output: OutputArgs, answer: &Answer) -> Result<()> {
    output::print(&output, &answer.data, |_| answer.view.text_within(output::terminal_width()))
}
