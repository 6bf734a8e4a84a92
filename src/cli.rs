//! The command line: which commands there are, and which front end carries each out. The top of the house; knows nothing of
//! what they do.

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use color_eyre::eyre::{Result, WrapErr};

use crate::accounts::{self, RegisterArgs, SignInArgs, SignOutArgs};
use crate::demo::{self, DemoArgs};
use crate::flow::{self, FlowArgs};
use crate::oneshot::{self, ConfigArgs, ExportArgs, GetArgs, ListArgs, PutArgs, RemoveArgs};
use crate::orphans::{self, OrphansArgs};
use crate::output;
use crate::repl::{self, ReplArgs};
use crate::replay::{self, ReplayArgs};
use crate::scripts::{self, RunArgs};
use crate::tui::{self, TuiArgs};

/// A peer-to-peer storage network in one terminal: the bytes and the disks are real, the wires are simulated and keep the
/// time of real Linux TCP.
#[derive(Debug, Parser)]
#[command(name = "p2p", version, propagate_version = true, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Start with `p2p demo`. Links, nodes and sizes are set in p2p.toml; `p2p config` shows what is in effect."
)]
pub struct Cli {
    #[command(flatten)]
    session: TuiArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a tour in the terminal; without one, store three files, read them back, and report what was measured
    ///
    /// On a terminal the full-screen session opens and a narrated tour types itself; any key ends it, and the prompt is
    /// yours. With --json, or where standard input or output is no terminal: three users log in, files of 2, 3 and 5 MiB of
    /// pseudo-random bytes cross the virtual network to real disks and come back, and every host probes every other. Works in a
    /// temporary directory that is gone afterwards. Exits with 0 only if every byte came back.
    Demo(DemoArgs),
    /// Store files on the nodes
    ///
    /// A file is cut into segments, each goes to a node, all are made durable, and then the file is listed. What is listed
    /// survives a crash at any later moment; what was interrupted leaves nothing behind.
    Put(PutArgs),
    /// Fetch a stored file
    ///
    /// Every segment and the whole file are checked against their SHA-256 before the file appears under its name.
    Get(GetArgs),
    /// List the stored files
    Ls(ListArgs),
    /// Remove stored files
    Rm(RemoveArgs),
    /// List the nodes, with what probes over the virtual network say of them
    Nodes(ListArgs),
    /// List segments that no file needs and that stay, or settle what becomes of them
    ///
    /// A node's volume that another catalog, or another state of this one, has written to last is read and not changed: a backup
    /// may have been put back, or disks may have been swapped. `free` and `adopt` make it this catalog's own.
    Orphans(OrphansArgs),
    /// Make an account
    ///
    /// The first account is the admin's, and what was stored before becomes theirs; from then on everybody has to log in. The
    /// password is read from P2P_PASSWORD or a file, or else typed.
    Register(RegisterArgs),
    /// Log in, until `p2p logout`
    ///
    /// The session is kept in the data directory, for its owner alone, and ends as [accounts] in p2p.toml says: after a day, or
    /// two hours without use, unless that is changed.
    Login(SignInArgs),
    /// End the session that `p2p login` began
    Logout(SignOutArgs),
    /// Time TCP flows on the virtual wire, like iperf on a real one
    ///
    /// Each run times its flows from the SYN to the last byte read, with the loss and the delays of the next seed.
    Flow(FlowArgs),
    /// Carry out a script of commands, and stop at the first that fails
    ///
    /// One command a line, as typed in the terminal (`p2p run -c help` lists them); `#` begins a comment. Time passes only
    /// while a command waits for something, so the same script and seed give the same run.
    Run(RunArgs),
    /// Type commands line by line, without the full screen
    Repl(ReplArgs),
    /// Run a recorded session again, and compare the trace
    ///
    /// Interactive sessions are recorded below the data directory, in `recordings`; the latest twenty are kept.
    Replay(ReplayArgs),
    /// Print the configuration in effect, and where each value came from
    Config(ConfigArgs),
    /// Write everything that the catalog knows, as JSON
    Export(ExportArgs),
    /// Print completions for a shell: source them, or put them where it looks
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

impl Cli {
    /// Carries the command out. False where it has done its work, but the answer is no.
    ///
    /// # Errors
    /// Where it could not be done.
    pub async fn run(self) -> Result<bool> {
        let Some(command) = self.command else { return tui::run(&self.session).await.map(|()| true) };
        match command {
            Command::Demo(args) if tui::is_possible() && !args.wants_json() => tui::run_tour(args.simulation()).await?,
            Command::Demo(args) => return demo::run(&args).await,
            Command::Put(args) => oneshot::put(&args).await?,
            Command::Get(args) => oneshot::get(&args).await?,
            Command::Ls(args) => oneshot::list(&args).await?,
            Command::Rm(args) => oneshot::remove(&args).await?,
            Command::Nodes(args) => oneshot::nodes(&args).await?,
            Command::Orphans(args) => orphans::run(&args).await?,
            Command::Register(args) => accounts::register(&args).await?,
            Command::Login(args) => accounts::login(&args).await?,
            Command::Logout(args) => accounts::logout(&args).await?,
            Command::Flow(args) => flow::run(&args)?,
            Command::Run(args) => scripts::run(&args).await?,
            Command::Repl(args) => repl::run(&args).await?,
            Command::Replay(args) => return replay::run(&args),
            Command::Config(args) => oneshot::config(&args)?,
            Command::Export(args) => oneshot::export(&args).await?,
            Command::Completions { shell } => output::print_text(completions(shell).trim_end())?,
            Command::Man => output::print_text(manual()?.trim_end())?,
        }
        Ok(true)
    }
}

/// Completions of the command line for a shell.
fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "p2p", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The manual page, in roff: the program, and then each command.
fn manual() -> Result<String> {
    let mut text = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut text).wrap_err("cannot make the manual")?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let page = clap_mangen::Man::new(subcommand.clone());
        for render in [clap_mangen::Man::render_name_section, clap_mangen::Man::render_synopsis_section] {
            render(&page, &mut text).wrap_err("cannot make the manual")?;
        }
        for render in [clap_mangen::Man::render_description_section, clap_mangen::Man::render_options_section] {
            render(&page, &mut text).wrap_err("cannot make the manual")?;
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
