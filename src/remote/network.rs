//! The commands about nodes, faults and time at a server: those of the language, carried out on the network of the server.

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use eyre::{Report, Result};
use p2p_engine::faults::ActiveFault;
use p2p_engine::operation::{Break, Mend, Which};
use p2p_engine::snapshot::HostStatus;
use p2p_grpc::client::ClientError;
use p2p_service::abilities;
use p2p_service::failure::wrong_usage;
use p2p_service::output;
use p2p_service::profiles::Profiles;
use p2p_shell::ShellError;
use p2p_shell::asking::{CommonArgs, refused};
use p2p_shell::at_server::{AT_SERVERS, bound, carry_out};
use p2p_shell::network::{Cleared, KnownNode, Moment, Network, Passing};
use p2p_shell::sentence::capitalised;
use p2p_shell::spec::{Argument, Flag, Group, Kind, Spec, Times};
use p2p_shell::table;

use super::server::Server;
use super::visits::Visit;

/// Command of the language that a server is asked for, as words, with the options of all commands.
#[derive(Debug)]
pub struct NetworkCommand {
    spec: &'static Spec,
    words: Vec<String>,
    common: CommonArgs,
}

/// Returns the commands of the language that have a command line of their own only for servers.
fn specs() -> impl Iterator<Item = &'static Spec> {
    // The nodes are also listed without a server.
    AT_SERVERS.iter().filter(|name| **name != "nodes").filter_map(|name| table::find(name))
}

impl Subcommand for NetworkCommand {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(specs().map(command_of))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        NetworkCommand::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        specs().any(|spec| spec.name == name)
    }
}

impl FromArgMatches for NetworkCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<NetworkCommand, clap::Error> {
        let found = matches.subcommand().and_then(|(name, matches)| Some((table::find(name)?, matches)));
        let (spec, matches) = found.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        Ok(NetworkCommand { spec, words: words_of(spec, matches), common: CommonArgs::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = NetworkCommand::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Returns the command line of a command of the language. What the words mean is the language's to say.
fn command_of(spec: &'static Spec) -> Command {
    let flag = |flag: &Flag| {
        let arg = Arg::new(flag.name).long(flag.name).help(flag.summary);
        match flag.value {
            Some((value, _)) => arg.value_name(value).allow_hyphen_values(true),
            None => arg.action(ArgAction::SetTrue),
        }
    };
    let argument = |argument: &Argument| {
        let arg = Arg::new(argument.name).value_name(argument.name);
        let arg = match argument.kind {
            Kind::OneOf(words) => arg.value_parser(words.to_vec()),
            _ => arg,
        };
        match argument.times {
            Times::Once => arg.required(true),
            // A server is no node.
            Times::UnlessOnNode => arg.required(spec.name != "status"),
            Times::Optional => arg,
            Times::Many | Times::Rest => arg.required(true).num_args(1..),
        }
    };
    let command = Command::new(spec.name).args(spec.arguments.iter().map(argument)).args(spec.flags.iter().map(flag));
    // The options would say of the command what they are themselves.
    let command = CommonArgs::augment_args(command).about(capitalised(spec.summary)).hide(true);
    match spec.details {
        "" => command.long_about(None::<&str>),
        details => command.long_about(format!("{}\n\n{details}", capitalised(spec.summary))),
    }
}

/// Returns the words that were given for a command of the language.
fn words_of(spec: &Spec, matches: &ArgMatches) -> Vec<String> {
    let mut words = vec![spec.name.to_owned()];
    for flag in spec.flags {
        match flag.value {
            Some(_) => {
                let values = matches.get_many::<String>(flag.name).into_iter().flatten();
                words.extend(values.flat_map(|value| [format!("--{}", flag.name), value.clone()]));
            }
            None => words.extend(matches.get_flag(flag.name).then(|| format!("--{}", flag.name))),
        }
    }
    let given = spec.arguments.iter().flat_map(|argument| matches.get_many::<String>(argument.name).into_iter().flatten());
    let mut given = given.cloned().peekable();
    words.extend(given.peek().is_some().then(|| "--".to_owned()));
    words.extend(given);
    words
}

impl NetworkCommand {
    /// Carries the command out at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses, or if the command does not take its words.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        operate(server, &self.common, &self.words).await
    }

    /// Returns the error of the command without a server: it is of the language.
    pub fn without_server(&self) -> Report {
        let (name, more) = (self.spec.name, abilities::glyphs().ellipsis());
        let note = match self.spec.group {
            Group::Faults => "; faults end with the program, so that what is to meet one belongs into the same run",
            _ => "",
        };
        wrong_usage(
            format_args!("`{name}` is a command of the language: p2p run -c '{name} {more}', or at the prompt of p2p{note}"),
            format_args!("at a running `p2p serve`: p2p --connect grpc://127.0.0.1:50050 {name} {more}"),
        )
    }
}

/// Lists the nodes of a server.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses.
pub async fn nodes(server: Server, common: &CommonArgs) -> Result<()> {
    operate(server, common, &["nodes".to_owned()]).await
}

async fn operate(server: Server, common: &CommonArgs, words: &[String]) -> Result<()> {
    let call = bound(words);
    let call = call.map_err(|error| wrong_usage(error.shown(), format_args!("`p2p {} --help` says what it takes", words[0])))?;
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let answer = carry_out(&OfServer(&visit), &call).await;
    let ended = visit.end().await;
    let answer = answer.map_err(|Failed(report)| report)?;
    output::print(&common.output, &answer.data, |_| answer.view.text_within(output::terminal_width()))?;
    ended
}

/// Error of a command at a server.
struct Failed(Report);

impl From<ShellError> for Failed {
    fn from(error: ShellError) -> Failed {
        Failed(refused(error))
    }
}

/// Network of a server.
struct OfServer<'v>(&'v Visit);

impl OfServer<'_> {
    async fn ask<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failed> {
        self.0.ask(call).await.map_err(Failed)
    }

    /// Asks for a change, which goes on if it has begun.
    async fn change<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failed> {
        self.0.change(call).await.map_err(Failed)
    }
}

impl Network for OfServer<'_> {
    type Error = Failed;

    async fn nodes(&self) -> Result<Vec<KnownNode>, Failed> {
        let known = |(status, trouble)| KnownNode { status, trouble };
        Ok(self.ask(self.0.client.nodes()).await?.into_iter().map(known).collect())
    }

    async fn hosts(&self) -> Result<Vec<HostStatus>, Failed> {
        self.ask(self.0.client.hosts()).await
    }

    async fn faults(&self) -> Result<Vec<ActiveFault>, Failed> {
        self.ask(self.0.client.faults()).await
    }

    async fn profiles(&self) -> Result<Profiles, Failed> {
        self.ask(self.0.client.profiles()).await
    }

    async fn clock(&self) -> Result<Moment, Failed> {
        Ok(self.state().await?.0)
    }

    async fn state(&self) -> Result<(Moment, u64), Failed> {
        let status = self.ask(self.0.client.status()).await?;
        Ok(((status.at, status.pace), status.under_way))
    }

    async fn put_on(&self, what: Break) -> Result<(), Failed> {
        self.change(self.0.client.put_on(what)).await
    }

    async fn take_back(&self, what: Mend) -> Result<Vec<ActiveFault>, Failed> {
        self.change(self.0.client.take_back(&what)).await
    }

    async fn clear(&self, which: Which) -> Result<Cleared, Failed> {
        let healed = self.change(self.0.client.clear(which)).await?;
        Ok(Cleared { taken_back: healed.taken_back, not_running: healed.not_running })
    }

    async fn pass(&self, how: Passing) -> Result<Moment, Failed> {
        let client = &self.0.client;
        let status = match how {
            Passing::Pause => self.0.control(client.pause()).await,
            Passing::Resume => self.0.control(client.resume()).await,
            Passing::Speed(speed) => self.0.control(client.set_speed(speed)).await,
            // Time passes for a step although it is paused.
            Passing::Step(span) => self.0.control(client.step(span)).await,
        };
        let status = status.map_err(Failed)?;
        Ok((status.at, status.pace))
    }

    async fn require_admin(&self, _: &'static str) -> Result<(), Failed> {
        // The server refuses what its caller may not do.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let command = NetworkCommand::augment_subcommands(Command::new("p2p"));
        let matches = command.try_get_matches_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        NetworkCommand::from_arg_matches(&matches).unwrap().words
    }

    #[test]
    fn help_says_what_a_command_does() {
        for spec in specs() {
            let about = command_of(spec).get_about().map(ToString::to_string);
            assert_eq!(about, Some(capitalised(spec.summary)));
        }
    }

    #[test]
    fn every_command_for_servers_is_one_of_the_language() {
        assert_eq!(specs().count(), AT_SERVERS.len() - 1);
        NetworkCommand::augment_subcommands(Command::new("p2p")).debug_assert();
    }

    /// Options may stand before and behind, and the language gets its words in an order that it takes.
    #[test]
    fn the_words_are_those_of_the_language() {
        for (line, expected) in [
            ("p2p kill 2 --json", "kill -- 2"),
            ("p2p stop --within 10s Node_02", "stop --within 10s -- Node_02"),
            ("p2p path client->3 --delay 10ms --cut --user root", "path --delay 10ms --cut -- client->3"),
            ("p2p partition 1,2 | 3,4", "partition -- 1,2 | 3,4"),
            ("p2p faults clear slow-wan 3", "faults -- clear slow-wan 3"),
            ("p2p faults --parts", "faults --parts"),
            ("p2p status", "status"),
            ("p2p resume", "resume"),
        ] {
            let words = words(line);
            assert_eq!(words.join(" "), expected);
            assert!(bound(&words).is_ok(), "{line}");
        }
    }
}
