//! The command line: its commands, and the front end that carries each of them out.

mod arguments;
mod completions;
mod examples;
mod manual;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use eyre::{Report, Result, WrapErr};
use p2p_base::message::{legible, legible_lines};
use p2p_base::panics;
use p2p_base::spelling::{visible_line, visible_path};
use p2p_service::abilities::{self, Abilities, Glyphs};
use p2p_service::config::Config;
use p2p_service::failure::{self, exit, wrong_usage};
use p2p_service::interrupt::{self, Interrupted};
use p2p_service::output;
use p2p_shell::asking::CommonArgs;
use p2p_shell::table;

use crate::accounts::{self, RegisterArgs, SignInArgs, SignOutArgs};
use crate::cert::{self, CertArgs};
use crate::demo::{self, DemoArgs};
use crate::flow::{self, FlowArgs};
use crate::keygen::KeygenArgs;
use crate::language::{
    CopyArgs, MakeDirectoryArgs, ModeArgs, MoveArgs, OfAccountArgs, OfFileArgs, OrphansArgs, OtpArgs, SessionsArgs, ShareArgs,
    TokenArgs, TouchArgs, UploadsArgs,
};
use crate::oneshot::{self, ConfigArgs, ExportArgs, GetArgs, ListArgs, NamesArgs, PutArgs, RemoveArgs};
use crate::remote::{self, EventsArgs, NetworkCommand, Server, TrustArgs};
use crate::repl::{self, ReplArgs};
use crate::replay::{self, ReplayArgs};
use crate::scripts::{self, RunArgs};
use crate::serve::{self, ServeArgs};
use crate::ssh::sftp::SftpArgs;
use crate::ssh::{BroadcastArgs, SshArgs};
use crate::tui::{self, TuiArgs};

/// A peer-to-peer storage network in one terminal: the bytes and the disks are real, the wires are simulated and keep the
/// time of real Linux TCP.
#[derive(Debug, Parser)]
#[command(name = "p2p", version, propagate_version = true, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Start with `p2p demo`. Links, nodes and sizes are set in p2p.toml; `p2p config` shows what is in effect."
)]
pub struct Cli {
    /// Print and draw with ASCII characters only
    #[arg(long, global = true)]
    ascii: bool,
    /// Ask the `p2p serve` at URL instead of a data directory
    #[arg(long, global = true, value_name = "URL", help = connect_help())]
    connect: Option<Server>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    instance: TuiArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a tour in the terminal; without one, store three files, read them back, and report what was measured
    ///
    /// On a terminal the full-screen interface opens and shows itself in eight steps: Space goes on, Esc leaves the tour, and the
    /// prompt is yours then. With --json, or where standard input or output is no terminal: three users log in, files of 2, 3 and 5 MiB of
    /// pseudo-random bytes cross the virtual network to real disks and come back, and every host probes every other; --services adds a
    /// file that is stored over gRPC and read over SFTP. Works in a temporary directory that is gone afterwards. Exits with 0 only if every byte came back.
    Demo(DemoArgs),
    /// Store files on the nodes
    ///
    /// A file is cut into segments, each goes to a node, all are made durable, and then the file is listed. What is listed
    /// survives a crash at any later moment; what was interrupted leaves nothing behind, unless --keep keeps it.
    Put(PutArgs),
    /// Fetch stored files
    ///
    /// Every segment is checked against its SHA-256 before the file appears under its name.
    Get(GetArgs),
    /// List the stored files and directories
    ///
    /// A path of another user's is written ~OWNER/PATH. Names are taken as they are; patterns such as *.bin are of the language:
    /// `p2p run -c 'ls *.bin'`.
    Ls(ListArgs),
    /// Remove stored files and directories
    Rm(RemoveArgs),
    /// List the uploads that are kept although they are not complete, or undo one
    ///
    /// `p2p put --keep` keeps what is stored if it is interrupted, for a day, and `p2p put --resume ID` continues it with the same file. Of what a
    /// kill interrupts, what was noted last is kept, and before the first 8 MiB there is no note.
    Uploads(UploadsArgs),
    /// Make directories among your stored files
    Mkdir(MakeDirectoryArgs),
    /// Give a stored file or directory another name, or move it into a directory
    Mv(MoveArgs),
    /// Copy stored files among your own; no byte moves
    Cp(CopyArgs),
    /// Set the permission bits of stored files and directories, which are kept and allow nothing
    Chmod(ModeArgs),
    /// Set the time of modification of stored files and directories
    Touch(TouchArgs),
    /// Show a stored file and who holds its segments, or a directory
    #[command(visible_alias = "stat")]
    Info(OfFileArgs),
    /// Fetch a stored file or all files of a directory, check every byte, and keep none of it
    Verify(OfFileArgs),
    /// Let a user read a file of yours, or a directory with all that is in it, or store files in it
    Share(ShareArgs),
    /// Revoke a user's access to a file or a directory
    Unshare(ShareArgs),
    /// List the nodes, with what probes over the virtual network say of them
    Nodes(CommonArgs),
    /// List unreferenced segments on volumes that another catalog has written to; free or adopt them
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
    /// Show who is logged in
    Whoami(OfAccountArgs),
    /// List your sessions, or end one
    Sessions(SessionsArgs),
    /// API tokens: make one for a program, list yours, or revoke one
    ///
    /// `new` prints the token, this once. A program presents it in P2P_TOKEN, to the commands that do one thing and to `run`.
    Token(TokenArgs),
    /// Change your password; your other sessions and your API tokens end
    ///
    /// The password now and the new one are read from P2P_PASSWORD and P2P_NEW_PASSWORD, or else typed.
    Passwd(OfAccountArgs),
    /// One-time passwords: a second factor for your logins
    ///
    /// `enable` shows a QR code for an authenticator app, or has codes mailed, and takes effect with one correct code.
    Otp(OtpArgs),
    /// Time TCP flows on the virtual wire, like iperf on a real one
    ///
    /// Each run times its flows from the SYN to the last byte read, with the loss and the delays of the next seed.
    Flow(FlowArgs),
    /// Carry out a script of commands, and stop at the first that fails
    ///
    /// One command a line, as typed in the terminal (`p2p run -c help` lists them); `#` begins a comment. Time passes only
    /// while a command waits for something, so the same script and seed give the same run.
    Run(RunArgs),
    /// Type commands line by line, without the full-screen interface
    Repl(ReplArgs),
    /// Make a pair of SSH keys in the data directory, for a node or a user
    ///
    /// A node is known by its key from the next start of its server on. The private key is readable for you alone, and the public one is
    /// printed, as `key add` takes it.
    Keygen(KeygenArgs),
    /// Carry a command out at a node of a running `p2p serve --ssh`, or at a host of p2p.toml, over SSH
    ///
    /// The key that `p2p keygen` has made for the user logs in, or else the password. A host of [[ssh.remote]] in p2p.toml is known by its host_key,
    /// or by the key that was trusted once. Ends with the exit status of the command.
    Ssh(SshArgs),
    /// Carry a command out at all nodes of a running `p2p serve --ssh` at once
    ///
    /// Prints a table with what each has answered, and fails if the command has failed at one of them.
    Broadcast(BroadcastArgs),
    /// Send files to a node of a running `p2p serve --ssh`, or to a host of p2p.toml, fetch them, or list a directory there, over SFTP
    ///
    /// Hosts and logins are those of `p2p ssh`. A file appears under its name once all of it is there, and its SHA-256 is compared with that of the
    /// host, where that tells it. Nothing is left of what is interrupted, unless --resume keeps it.
    Sftp(SftpArgs),
    /// Serve other programs over gRPC and SSH, until SIGTERM
    ///
    /// Prints one line of JSON when the services can be used, with their addresses. Time passes at 1x unless --speed or p2p.toml says
    /// otherwise. Asked to end by a signal (Ctrl-C, `kill`), it takes no more requests, gives those that run the time of [serve] drain, and
    /// exits with 0; a second signal ends it at once.
    Serve(ServeArgs),
    /// Make a certificate for the services, and its key
    ///
    /// The certificate is self-signed, with a key of ECDSA on P-256: it is for localhost, 127.0.0.1, ::1 and each NAME. What is printed has the
    /// lines of p2p.toml with which `p2p serve` presents it, and the options with which clients know it.
    Cert(CertArgs),
    /// Print what happens at a running `p2p serve`, as it happens
    ///
    /// With --connect URL. One line an event, until Ctrl-C; its first word is the number for --after, with which a later `events` goes on.
    Events(EventsArgs),
    /// Replay a recording, and compare the trace
    ///
    /// Interactive runs are recorded below the data directory, in `recordings`; the latest twenty are kept.
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
    /// Commands of the language about a network, which a server can be asked for
    #[command(flatten)]
    Network(NetworkCommand),
    /// Print the names of stored files, for completions
    #[command(hide = true)]
    StoredNames(NamesArgs),
    /// Print the manual page of the program, or of one of its commands
    Man {
        /// The command
        command: Option<String>,
    },
}

/// Number of threads that serve other programs.
const WORKERS: usize = 2;

/// Carries out the command line of this process, and returns the exit code.
pub fn main() -> ExitCode {
    panics::tell_uncaught();
    let begun = failure::install().and_then(|()| interrupt::watch());
    let words = arguments::in_order(std::env::args_os(), &Cli::command());
    // What is wrong with the command line is told before the configuration is known.
    let is_ascii = words.iter().any(|word| word == "--ascii");
    abilities::print_in(if is_ascii { Glyphs::Ascii } else { Abilities::of_environment().glyphs });
    let parsed = Cli::command().try_get_matches_from(&words).and_then(|matches| {
        let parsed = Cli::from_arg_matches(&matches)?;
        abilities::print_in(glyphs_of(parsed.ascii, &matches));
        Ok(parsed)
    });
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return ExitCode::from(explain(&error, &words)),
    };
    let code = match begun.and_then(|()| parsed.run_to_end()) {
        Ok(()) => 0,
        Err(error) => tell(&error),
    };
    ExitCode::from(code)
}

/// Returns the characters to print: those of the flag, or else of the configuration that the command is going to load, or else of the
/// locale. A configuration that is not valid is the command's to tell of.
fn glyphs_of(ascii: bool, matches: &ArgMatches) -> Glyphs {
    if ascii {
        return Glyphs::Ascii;
    }
    let command = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let named = command.try_get_one::<PathBuf>("config").ok().flatten();
    Config::glyphs_of_file(named.map(PathBuf::as_path)).unwrap_or_else(|| Abilities::of_environment().glyphs)
}

/// Prints help or the version if the command line asks for it, or else its error; returns the exit code.
fn explain(error: &clap::Error, words: &[OsString]) -> u8 {
    if error.use_stderr() {
        if let Some(name) = language_command(error) {
            output::tell(format_args!(
                "p2p: `{name}` is a command of the language: p2p run -c '{name} {}', or at the prompt of p2p",
                abilities::glyphs().ellipsis()
            ));
            return exit::WRONG_COMMAND_LINE;
        }
        output::tell_lines(&mistake(error, words));
        return exit::WRONG_COMMAND_LINE;
    }
    let text = error.render();
    let text = if output::is_styled() { text.ansi().to_string() } else { text.to_string() };
    let printed = write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
    output::written(printed).map_or_else(|error| tell(&error), |()| 0)
}

/// Returns the text of an error of the command line. Its lines are those of the parser: a word that has line ends or other characters
/// without a shape is quoted in a shape that it has.
fn mistake(error: &clap::Error, words: &[OsString]) -> String {
    let shown = |error: &clap::Error| {
        let text = error.render().to_string();
        format!("p2p: {}", text.strip_prefix("error: ").unwrap_or(&text).trim_end())
    };
    let visible: Vec<OsString> = words.iter().map(|word| visible_word(word)).collect();
    if visible == words || error.kind() == ErrorKind::InvalidUtf8 {
        return legible_lines(&shown(error));
    }
    // The parser puts the words into its sentences, suggestions and usages. What it says of the same words in characters that are seen has
    // none of the others in it.
    let again = Cli::command().try_get_matches_from(visible).and_then(|matches| Cli::from_arg_matches(&matches));
    match again {
        Err(again) if again.kind() == error.kind() => legible_lines(&shown(&again)),
        _ => legible(&shown(error)),
    }
}

/// Returns a word of the command line with what cannot be seen in it escaped.
fn visible_word(word: &OsStr) -> OsString {
    word.to_str().map_or_else(|| visible_path(word), |text| visible_line(text).into_owned()).into()
}

/// Returns the command of the language that was given as one of the command line, if that is the error.
fn language_command(error: &clap::Error) -> Option<&'static str> {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => table::find(word).map(|spec| spec.name),
        _ => None,
    }
}

/// Prints the error that ended the command, and returns its exit code.
fn tell(error: &Report) -> u8 {
    let interrupted = error.downcast_ref::<Interrupted>().cloned();
    output::tell_lines(&failure::text_of(error));
    interrupted.or_else(interrupt::hung_up).map_or_else(|| failure::exit_code_of(error), |stop| stop.exit_code())
}

impl Cli {
    fn run_to_end(self) -> Result<()> {
        let mut builder = match &self.command {
            // Many clients at once, of whom none is to wait for the other.
            Some(Command::Serve(_)) => tokio::runtime::Builder::new_multi_thread(),
            _ => tokio::runtime::Builder::new_current_thread(),
        };
        let runtime = builder.worker_threads(WORKERS).enable_all().build().wrap_err("cannot start")?;
        let result = runtime.block_on(self.run());
        // The runtime would otherwise wait for a thread that reads from the terminal.
        runtime.shutdown_background();
        result
    }

    /// Carries the command out.
    ///
    /// # Errors
    /// Fails if the command could not be carried out, or if it was and its answer is negative.
    async fn run(self) -> Result<()> {
        let Some(command) = self.command else {
            return match self.connect {
                Some(_) => Err(cannot_connect()),
                None => tui::run(&self.instance).await,
            };
        };
        if let Some(server) = self.connect {
            return command.run_at(server.trusting(&self.trust)?).await;
        }
        match command {
            Command::Demo(args) if tui::is_possible() && !args.wants_report() => tui::run_tour(args.simulation()).await?,
            Command::Demo(args) => demo::run(&args).await?,
            Command::Put(args) => oneshot::put(&args).await?,
            Command::Get(args) => oneshot::get(&args).await?,
            Command::Ls(args) => oneshot::list(&args).await?,
            Command::Rm(args) => oneshot::remove(&args).await?,
            Command::Mkdir(args) => args.run().await?,
            Command::Mv(args) => args.run().await?,
            Command::Cp(args) => args.run().await?,
            Command::Chmod(args) => args.run().await?,
            Command::Touch(args) => args.run().await?,
            Command::Info(args) => args.run("info").await?,
            Command::Verify(args) => args.run("verify").await?,
            Command::Share(args) => args.run("share").await?,
            Command::Unshare(args) => args.run("unshare").await?,
            Command::Nodes(args) => oneshot::nodes(&args).await?,
            Command::Orphans(args) => args.run().await?,
            Command::Register(args) => accounts::register(&args).await?,
            Command::Login(args) => accounts::login(&args).await?,
            Command::Logout(args) => accounts::logout(&args).await?,
            Command::Whoami(args) => args.run("whoami").await?,
            Command::Uploads(args) => args.run().await?,
            Command::Sessions(args) => args.run().await?,
            Command::Token(args) => args.run().await?,
            Command::Passwd(args) => args.run("passwd").await?,
            Command::Otp(args) => args.run().await?,
            Command::Flow(args) => flow::run(&args)?,
            Command::Run(args) => scripts::run(&args).await?,
            Command::Repl(args) => repl::run(&args).await?,
            Command::Keygen(args) => args.run().await?,
            Command::Ssh(args) => args.run().await?,
            Command::Broadcast(args) => args.run().await?,
            Command::Sftp(args) => args.run().await?,
            Command::Serve(args) => serve::run(&args).await?,
            Command::Cert(args) => cert::run(&args)?,
            Command::Events(_) => return Err(events_of_none()),
            Command::Network(command) => return Err(command.without_server()),
            Command::Replay(args) => replay::run(&args).await?,
            Command::Config(args) => oneshot::config(&args)?,
            Command::Export(args) => oneshot::export(&args).await?,
            Command::Completions { shell } => output::print_raw(completions::script(shell, Cli::command()).trim_end())?,
            Command::StoredNames(args) => oneshot::stored_names(&args).await?,
            Command::Man { command } => output::print_raw(manual(command.as_deref())?.trim_end())?,
        }
        Ok(())
    }
}

impl Command {
    /// Carries the command out at a server.
    async fn run_at(self, server: Server) -> Result<()> {
        match self {
            Command::Put(args) => args.run_at(server).await,
            Command::Get(args) => args.run_at(server).await,
            Command::Ls(args) => args.run_at(server).await,
            Command::Rm(args) => args.run_at(server).await,
            Command::Mkdir(args) => args.run_at(server).await,
            Command::Mv(args) => args.run_at(server).await,
            Command::Cp(args) => args.run_at(server).await,
            Command::Chmod(args) => args.run_at(server).await,
            Command::Touch(args) => args.run_at(server).await,
            Command::Info(args) => args.show_at(server).await,
            Command::Share(args) => args.run_at(server, true).await,
            Command::Unshare(args) => args.run_at(server, false).await,
            Command::Uploads(args) => args.run_at(server).await,
            Command::Whoami(args) => args.who_at(server).await,
            Command::Register(args) => args.run_at(server).await,
            Command::Login(args) => args.run_at(server).await,
            Command::Events(args) => remote::events(server, &args).await,
            Command::Nodes(args) => remote::nodes(server, &args).await,
            Command::Network(command) => command.run_at(server).await,
            _ => Err(cannot_connect()),
        }
    }
}

/// Returns the help of --connect.
fn connect_help() -> String {
    format!(
        "Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: {} can",
        remote::commands()
    )
}

/// Returns the error of a command that works in a data directory alone.
fn cannot_connect() -> Report {
    wrong_usage(
        "the command works in a data directory, and not at a server",
        format_args!("leave --connect out; {} take it", remote::commands()),
    )
}

/// Returns the manual page of the program, or of one of its commands, in roff.
fn manual(name: Option<&str>) -> Result<String> {
    let mut command = Cli::command();
    command.build();
    let page = manual::page(&mut command, name).wrap_err("cannot make the manual")?;
    page.ok_or_else(|| {
        let name = name.unwrap_or_default();
        wrong_usage(format_args!("there is no command `{name}`, and so no page of it"), "`p2p --help` lists the commands")
    })
}

/// Returns the error of events that are asked for without a server.
fn events_of_none() -> Report {
    wrong_usage("events are of a running `p2p serve`", "say which, with --connect grpc://127.0.0.1:50050")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
