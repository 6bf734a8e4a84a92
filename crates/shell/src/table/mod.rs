//! The command table. Parsing, completion, hints, help and the reference are all derived from it, so that each command is defined
//! in one place.

mod accounts;
mod faults;
mod files;
mod network;
mod session;
mod time;

use super::spec::{Argument, Flag, Kind, Spec, Times};

/// Returns all commands in the order of the help.
pub fn commands() -> impl Iterator<Item = &'static Spec> + Clone {
    [files::COMMANDS, network::COMMANDS, faults::COMMANDS, time::COMMANDS, accounts::COMMANDS, session::COMMANDS]
        .into_iter()
        .flatten()
}

/// Returns the command with this name or alias.
pub fn find(name: &str) -> Option<&'static Spec> {
    commands().find(|command| command.is_called(name))
}

/// Aliases that stand for a command together with its first arguments.
const PHRASES: &[(&str, &[&str])] = &[("enable_otp", &["enable"])];

/// Returns the arguments for which an alias stands beside the command's name.
pub fn first_words(name: &str) -> &'static [&'static str] {
    PHRASES.iter().find(|(phrase, _)| *phrase == name).map_or(&[], |(_, words)| *words)
}

const fn once(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Once }
}

const fn optional(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Optional }
}

const fn unless_on_node(name: &'static str) -> Argument {
    Argument { name, kind: Kind::Node, times: Times::UnlessOnNode }
}

const fn many(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Many }
}

const fn rest(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Rest }
}

const fn recursive(summary: &'static str) -> Flag {
    Flag { name: "recursive", short: Some('r'), value: None, summary }
}

const BACKGROUND: Flag = Flag { name: "background", short: None, value: None, summary: "go on with the next command at once" };

const FORCE: Flag = Flag { name: "force", short: Some('f'), value: None, summary: "replace a file that is there" };
