//! The commands `ssh`, `broadcast` and `sftp`, which carry commands out at the nodes of this program and at hosts elsewhere, and move files.
//!
//! | file | contents |
//! |---|---|
//! | `hosts` | what a name stands for: a node whose server listens here, or a host of p2p.toml |
//! | `asking` | the questions of hosts, and who answers them |
//! | `visits` | one command at one host, by a connection that is kept, and one at all nodes |
//! | [`sftp`] | files that are sent, fetched and listed |
//! | [`commands`] | the commands of the language |
//!
//! Hosts are known by their keys: nodes by those of the data directory, others by the fingerprint in p2p.toml or by what was trusted before.

mod asking;
pub mod commands;
mod hosts;
pub mod sftp;
mod visits;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use eyre::{Report, Result, eyre};
use p2p_base::spelling::visible_path;
use p2p_service::access::session_file;
use p2p_service::doors::announced;
use p2p_service::failure::{Advise, exit};
use p2p_service::instance::{EngineArgs, data_dir_of};
use p2p_service::interrupt::interrupted;
use p2p_service::output::{self, OutputArgs};
use p2p_shell::ShellError;
use p2p_shell::asking::answers::Answers;
use p2p_shell::asking::refused;
use p2p_ssh::client::pool::Pool;

use self::asking::Asker;
use self::hosts::{Found, Hosts, Target};
use self::visits::{Failure, OfOne, Visit};

/// `p2p ssh`
#[derive(Debug, Args)]
pub struct SshArgs {
    #[command(flatten)]
    common: Common,
    /// Log in as NAME; otherwise as who has logged in by `p2p login`, or as the only user for whom `p2p keygen` has made a key
    #[arg(short = 'l', long, value_name = "NAME")]
    user: Option<String>,
    /// A node whose server a running `p2p serve --ssh` of the data directory has, such as Node_02, or a host of p2p.toml; with `USER@`, as that
    /// user
    #[arg(value_name = "[USER@]HOST")]
    target: Target,
    /// Command that is carried out there; several words are put together with blanks
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// `p2p broadcast`
#[derive(Debug, Args)]
pub struct BroadcastArgs {
    #[command(flatten)]
    common: Common,
    /// Log in as NAME; otherwise as who has logged in by `p2p login`, or as the only user for whom `p2p keygen` has made a key
    #[arg(short = 'l', long, value_name = "NAME")]
    user: Option<String>,
    /// Command that is carried out at every node; several words are put together with blanks
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Options of all of them.
#[derive(Debug, Args)]
struct Common {
    /// Read the password from the first line of FILE; otherwise that of a node is read from P2P_PASSWORD, or typed
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

impl Common {
    /// Returns the hosts that there are: the nodes that another process serves, and those of p2p.toml.
    fn hosts(&self) -> Result<Hosts> {
        let config = self.engine.load()?;
        let data_dir = data_dir_of(&config)?;
        let listening = announced::holder(&data_dir).map(|holder| holder.services).unwrap_or_default();
        Ok(Hosts { data_dir, remotes: config.remotes(), listening })
    }
}

impl Common {
    /// Returns the host that is meant, and the user there.
    fn destination(&self, target: &Target, user: Option<&str>) -> Result<(Found, String)> {
        let hosts = self.hosts()?;
        let found = hosts.find(&target.host).map_err(|error| not_found(&error, &hosts))?;
        let named = target.user.as_deref().or(user);
        let here = session_file::user(&hosts.data_dir);
        let user = hosts.user(&found, named, here.as_deref()).map_err(|error| not_found(&error, &hosts))?;
        Ok((found, user))
    }
}

impl SshArgs {
    /// Carries the command out at the host, and ends with its exit status.
    ///
    /// # Errors
    /// Fails if the host cannot be reached, is not known, or does not log the user in, and if the command has failed.
    pub async fn run(&self) -> Result<()> {
        let (found, user) = self.common.destination(&self.target, self.user.as_deref())?;
        let answers = Answers::new(self.common.password_file.clone());
        let mut asker = Asker::terminal(answers, &user, found.is_here());
        let command = self.command.join(" ");
        let pool = Pool::default();
        let visit = Visit { pool: &pool, found: &found, user: &user, here: None };
        let answered = tokio::select! {
            biased;
            answered = visit.answered(&command, &mut asker) => answered.map_err(advised)?,
            stop = interrupted() => return Err(stop?.into()),
        };
        if self.common.output.json {
            let data = visits::data(&found.name, &user, Ok(&answered), None);
            output::print_json(&serde_json::to_string(&data)?)?;
        } else {
            shown(&answered.out, std::io::stdout(), output::print_raw)?;
            shown(&answered.err, std::io::stderr(), |text| {
                output::tell_lines(text);
                Ok(())
            })?;
        }
        match answered.status {
            0 => Ok(()),
            status => {
                let code = u8::try_from(status).unwrap_or(exit::FAILED);
                Err(eyre!("{} has ended the command with the exit status {status}", found.name).exit_code(code))
            }
        }
    }
}

impl BroadcastArgs {
    /// Carries the command out at every node, and prints what each has answered.
    ///
    /// # Errors
    /// Fails if no node has a server, and if the command has failed at one of them.
    pub async fn run(&self) -> Result<()> {
        let hosts = self.common.hosts()?;
        let nodes = hosts.nodes();
        let found = nodes.first().ok_or_else(|| not_found(&hosts::HostError::no_node(), &hosts))?;
        let here = session_file::user(&hosts.data_dir);
        let named = self.user.as_deref();
        let user = hosts.user(found, named, here.as_deref()).map_err(|error| not_found(&error, &hosts))?;
        let needs_password = found.keys_of(&user, None).is_empty();
        let all = tokio::select! {
            biased;
            all = self.answers(nodes, &user, needs_password) => all.map_err(refused)?,
            stop = interrupted() => return Err(stop?.into()),
        };
        output::print(&self.common.output, &visits::data_of_all(&user, &all), |_| {
            visits::table(&all).text(output::terminal_width())
        })?;
        match visits::failure_of(&all) {
            None => Ok(()),
            Some(failure) => Err(eyre!(failure).exit_code(exit::FAILED)),
        }
    }
}

impl BroadcastArgs {
    /// Returns what all nodes answer, once the password is known.
    async fn answers(&self, nodes: Vec<Found>, user: &str, needs_password: bool) -> Result<Vec<OfOne>, ShellError> {
        let mut answers = Answers::new(self.common.password_file.clone());
        // A node that takes no key of the user asks for the password that is provided.
        let is_wanted = needs_password || answers.provides_password();
        let password = if is_wanted { asking::password_for_all(&mut answers, user).await? } else { None };
        Ok(visits::at_all(&Pool::default(), nodes, (user, None), &self.command.join(" "), password).await)
    }
}

/// Prints what a command has said: as it is where a program reads it, and legibly at a terminal.
fn shown(bytes: &[u8], mut stream: impl Write + IsTerminal, print: impl Fn(&str) -> Result<()>) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    if stream.is_terminal() {
        return print(&visits::legible(bytes));
    }
    output::written(stream.write_all(bytes).and_then(|()| stream.flush()))
}

/// Attaches the next step to the error of a host that is not found.
fn not_found(error: &hosts::HostError, hosts: &Hosts) -> Report {
    let report = eyre!("{error}");
    match error {
        hosts::HostError::NoServer(_) => {
            let directory = visible_path(&hosts.data_dir);
            report.suggestion(format!("`p2p serve --ssh` in {directory} opens one; --data-dir names another directory"))
        }
        hosts::HostError::NoUser => report.suggestion("say who, as alice@Node_02 or with --user alice, or log in by `p2p login`"),
        hosts::HostError::Unknown { .. } => report.suggestion("[[ssh.remote]] in p2p.toml names hosts elsewhere"),
        hosts::HostError::Keys(_) => report,
    }
}

/// Attaches the next step and the exit code to the failure of a visit.
fn advised(failure: Failure) -> Report {
    let (advice, code) = (failure.advice(), failure.exit_code());
    let report = Report::from(failure).exit_code(code);
    match advice {
        Some(advice) => report.suggestion(advice),
        None => report,
    }
}
