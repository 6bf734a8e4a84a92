//! One-shot commands that are commands of the language: `p2p info NAME` does what `info NAME` does at a prompt, for the
//! user who is logged in.

use clap::Args;
use eyre::Result;
use p2p_engine::ClockMode;
use p2p_service::failure::wrong_usage;
use p2p_service::instance::{EngineArgs, Instance, Leaving};
use p2p_service::interrupt;
use p2p_service::output::{self, now_unix};
use p2p_shell::asking::{CommonArgs, LOCAL_COMMAND, Prompter};
use p2p_shell::attributes::{parse_instant, parse_mode};
use p2p_shell::manner::Manner;
use p2p_shell::words::quote;
use p2p_store::attributes::Attributes;

use crate::remote::{self, Server};

/// A function that starts an engine.
type Start = fn(&EngineArgs, ClockMode) -> Result<Instance>;

/// `p2p mkdir`
#[derive(Debug, Args)]
pub struct MakeDirectoryArgs {
    /// The directories to make
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Make those above too; one that exists is no error
    #[arg(short, long)]
    parents: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p mv`
#[derive(Debug, Args)]
pub struct MoveArgs {
    /// The stored files and directories to move
    #[arg(required = true, value_name = "FROM")]
    from: Vec<String>,
    /// The new name, or the directory to move them into
    to: String,
    /// Replace what has that name
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p cp`
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The stored files to copy
    #[arg(required = true, value_name = "FROM")]
    from: Vec<String>,
    /// The name of the copy, or the directory to copy them into
    to: String,
    /// Replace a file that has that name
    #[arg(short, long)]
    force: bool,
    /// Keep the time of modification and the mode
    #[arg(short, long)]
    preserve: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p chmod`
#[derive(Debug, Args)]
pub struct ModeArgs {
    /// The permission bits, in octal
    mode: String,
    /// The stored files and directories
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p touch`
#[derive(Debug, Args)]
pub struct TouchArgs {
    /// The stored files and directories
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Set this time, such as 2026-11-28T06:30:00Z or @1795847400; now by default
    #[arg(short, long, value_name = "TIME")]
    date: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p info`, `p2p verify`
#[derive(Debug, Args)]
pub struct OfFileArgs {
    /// The stored file or directory
    name: String,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p uploads`
#[derive(Debug, Args)]
pub struct UploadsArgs {
    /// Undo this upload
    #[arg(long, value_name = "ID")]
    forget: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p share`, `p2p unshare`
#[derive(Debug, Args)]
pub struct ShareArgs {
    /// The stored file or directory
    name: String,
    /// Whose access changes
    #[arg(value_name = "USER")]
    reader: String,
    /// The access for storing new files in the directory, which are its owner's; not that for reading
    #[arg(long)]
    upload: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p whoami`, `p2p passwd`
#[derive(Debug, Args)]
pub struct OfAccountArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p sessions`
#[derive(Debug, Args)]
pub struct SessionsArgs {
    /// End this session
    #[arg(long, value_name = "ID")]
    revoke: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p token`
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do
    #[arg(value_parser = ["new", "list", "revoke"], default_value = "list")]
    action: String,
    /// For `new` and `revoke`: the name of the token
    name: Option<String>,
    /// For `new`: the most that the program may do, `read` by default
    #[arg(long, value_parser = ["read", "write", "admin"])]
    scope: Option<String>,
    /// For `new`: the file or directory of yours that the program is limited to; it need not exist yet
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// For `new`: when it ends, such as 30d or 12h from now; 90d by default, at most 366d
    #[arg(long, value_name = "SPAN")]
    expires: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p otp`
#[derive(Debug, Args)]
pub struct OtpArgs {
    /// What to do
    #[arg(value_parser = ["enable", "confirm", "disable", "status", "backup-codes"], default_value = "status")]
    action: String,
    /// For `enable`: where the codes come from
    #[arg(value_parser = ["app", "mail"])]
    kind: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// `p2p orphans`
#[derive(Debug, Args)]
pub struct OrphansArgs {
    /// What to do: `free` removes them, `adopt` keeps them, and with either the volumes are this catalog's from then on
    #[arg(value_parser = ["list", "free", "adopt"], default_value = "list")]
    action: String,
    /// On which node, such as Node_03; on every such node where none is given
    node: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

impl MakeDirectoryArgs {
    /// Makes the directories.
    ///
    /// # Errors
    /// Fails as the command `mkdir` does.
    pub async fn run(&self) -> Result<()> {
        let flag = self.parents.then_some("--parents");
        let words: Vec<&str> =
            ["mkdir"].into_iter().chain(flag).chain(["--"]).chain(self.paths.iter().map(String::as_str)).collect();
        execute(&self.common, Instance::start, &words).await
    }

    /// Makes the directories at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        remote::make_directories(server, &self.common, &self.paths, self.parents).await
    }
}

impl MoveArgs {
    /// Moves the files and directories.
    ///
    /// # Errors
    /// Fails as the command `mv` does.
    pub async fn run(&self) -> Result<()> {
        let names = self.from.iter().map(String::as_str).chain([self.to.as_str()]);
        let words = ["mv"].into_iter().chain(self.force.then_some("--force")).chain(["--"]).chain(names);
        execute(&self.common, Instance::start, &words.collect::<Vec<_>>()).await
    }

    /// Moves the files and directories at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        remote::rename(server, &self.common, &self.from, &self.to, self.force).await
    }
}

impl CopyArgs {
    /// Copies the files.
    ///
    /// # Errors
    /// Fails as the command `cp` does.
    pub async fn run(&self) -> Result<()> {
        let flags = [self.force.then_some("--force"), self.preserve.then_some("--preserve")].into_iter().flatten();
        let names = self.from.iter().map(String::as_str).chain([self.to.as_str()]);
        let words: Vec<&str> = ["cp"].into_iter().chain(flags).chain(["--"]).chain(names).collect();
        execute(&self.common, Instance::start, &words).await
    }

    /// Copies the files at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        let manner = Manner { replace: self.force, preserve: self.preserve, ..Manner::default() };
        remote::copy(server, &self.common, &self.from, &self.to, manner).await
    }
}

impl ModeArgs {
    /// Sets the permission bits.
    ///
    /// # Errors
    /// Fails as the command `chmod` does.
    pub async fn run(&self) -> Result<()> {
        let names = self.names.iter().map(String::as_str);
        let words: Vec<&str> = ["chmod", "--", &self.mode].into_iter().chain(names).collect();
        execute(&self.common, Instance::start, &words).await
    }

    /// Sets the permission bits at a server.
    ///
    /// # Errors
    /// Fails if the mode is none, or if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        let mode = parse_mode(&self.mode).map_err(|problem| wrong_usage(problem, "`p2p chmod --help` has examples"))?;
        remote::set_attributes(server, &self.common, &self.names, Attributes { modified: None, mode: Some(mode) }).await
    }
}

impl TouchArgs {
    /// Sets the time of modification.
    ///
    /// # Errors
    /// Fails as the command `touch` does.
    pub async fn run(&self) -> Result<()> {
        let date = self.date.as_deref().into_iter().flat_map(|date| ["--date", date]);
        let names = self.names.iter().map(String::as_str);
        let words: Vec<&str> = ["touch"].into_iter().chain(date).chain(["--"]).chain(names).collect();
        execute(&self.common, Instance::start, &words).await
    }

    /// Sets the time of modification at a server; without a date to that of this machine.
    ///
    /// # Errors
    /// Fails if the date is none, or if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        let date = self.date.as_deref().map(parse_instant).transpose();
        let date = date.map_err(|problem| wrong_usage(problem, "`p2p touch --help` has examples"))?;
        let attributes = Attributes { modified: Some(date.unwrap_or_else(now_unix)), mode: None };
        remote::set_attributes(server, &self.common, &self.names, attributes).await
    }
}

impl OfFileArgs {
    /// Carries the command of this name out, which only reads.
    ///
    /// # Errors
    /// Fails as the command does.
    pub async fn run(&self, command: &str) -> Result<()> {
        execute(&self.common, Instance::start_reading, &[command, "--", &self.name]).await
    }

    /// Shows what a server has of this name.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn show_at(&self, server: Server) -> Result<()> {
        remote::facts(server, &self.common, &self.name).await
    }
}

impl ShareArgs {
    /// Carries the command of this name out.
    ///
    /// # Errors
    /// Fails as the command does.
    pub async fn run(&self, command: &str) -> Result<()> {
        let flag = self.upload.then_some("--upload");
        let words: Vec<&str> = [command].into_iter().chain(flag).chain(["--", &self.name, &self.reader]).collect();
        execute(&self.common, Instance::start, &words).await
    }

    /// Changes the access at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server, is_granted: bool) -> Result<()> {
        remote::share(server, &self.common, (&self.name, &self.reader), self.upload, is_granted).await
    }
}

impl OfAccountArgs {
    /// Carries the command of this name out.
    ///
    /// # Errors
    /// Fails as the command does.
    pub async fn run(&self, command: &str) -> Result<()> {
        execute(&self.common, Instance::start, &[command]).await
    }

    /// Shows who is logged in at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or if nobody is logged in.
    pub async fn who_at(&self, server: Server) -> Result<()> {
        remote::who(server, &self.common).await
    }
}

impl UploadsArgs {
    /// Lists the kept uploads, or undoes one of them.
    ///
    /// # Errors
    /// Fails as the command `uploads` does.
    pub async fn run(&self) -> Result<()> {
        match &self.forget {
            Some(id) => execute(&self.common, Instance::start, &["uploads", "forget", "--", id]).await,
            None => execute(&self.common, Instance::start_reading, &["uploads"]).await,
        }
    }

    /// Lists the kept uploads of a server, or undoes one of them.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        remote::uploads(server, &self.common, self.forget.as_deref()).await
    }
}

impl SessionsArgs {
    /// Lists the sessions, or ends one of them.
    ///
    /// # Errors
    /// Fails as the command `sessions` does.
    pub async fn run(&self) -> Result<()> {
        match &self.revoke {
            Some(id) => execute(&self.common, Instance::start, &["sessions", "revoke", "--", id]).await,
            None => execute(&self.common, Instance::start, &["sessions"]).await,
        }
    }
}

impl TokenArgs {
    /// Makes an API token, lists them, or revokes one.
    ///
    /// # Errors
    /// Fails as the command `token` does.
    pub async fn run(&self) -> Result<()> {
        let mut words = vec!["token", &self.action];
        for (flag, value) in [("--scope", &self.scope), ("--path", &self.path), ("--expires", &self.expires)] {
            words.extend(value.as_deref().into_iter().flat_map(|value| [flag, value]));
        }
        words.push("--");
        words.extend(self.name.as_deref());
        execute(&self.common, Instance::start, &words).await
    }
}

impl OrphansArgs {
    /// Lists orphaned segments, removes them, or adopts them.
    ///
    /// # Errors
    /// Fails as the command `orphans` does.
    pub async fn run(&self) -> Result<()> {
        let words: Vec<&str> = ["orphans", &self.action].into_iter().chain(self.node.as_deref()).collect();
        execute(&self.common, Instance::start, &words).await
    }
}

impl OtpArgs {
    /// Carries out an action on the one-time passwords of the user.
    ///
    /// # Errors
    /// Fails as the command `otp` does.
    pub async fn run(&self) -> Result<()> {
        let words: Vec<&str> = ["otp", &self.action].into_iter().chain(self.kind.as_deref()).collect();
        execute(&self.common, Instance::start, &words).await
    }
}

/// Carries a line of the language out. An interruption cancels the transfers that it has begun.
async fn execute(args: &CommonArgs, start: Start, words: &[&str]) -> Result<()> {
    let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    args.login.check_with_token()?;
    let instance = start(&args.engine, ClockMode::OnDemand)?;
    let mut prompter = Prompter::open_with_token(&instance, &args.login, LOCAL_COMMAND).await?;
    let _attention = interrupt::attend()?;
    let answer = prompter.run_interruptibly(&line).await;
    let (answer, result) = match answer {
        Ok(answer) => (Some(answer), Ok(Leaving::Finishing)),
        Err(error) => (None, Err(error)),
    };
    let result = prompter.leave(&instance, result).await;
    prompter.close().await;
    let ended = instance.end().await.map(drop);
    if let Some(answer) = answer {
        output::print(&args.output, &answer.data, |_| answer.view.text_within(output::terminal_width()))?;
    }
    result.and(ended)
}
