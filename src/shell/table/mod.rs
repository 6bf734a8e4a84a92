//! The command table: what there is to type. Parsing, completion, hints, help and the reference all come from it, and nothing
//! about a command is said anywhere else.
//!
//! Knows nothing of how a command does its work; each names its runner.

mod accounts;
mod files;
mod network;
mod session;
mod time;

use super::spec::{Argument, Flag, Kind, Spec, Times};

/// All commands.
pub fn commands() -> impl Iterator<Item = &'static Spec> + Clone {
    [files::COMMANDS, network::COMMANDS, time::COMMANDS, accounts::COMMANDS, session::COMMANDS].into_iter().flatten()
}

/// The command of this name.
pub fn find(name: &str) -> Option<&'static Spec> {
    commands().find(|command| command.is_called(name))
}

/// Names that stand for more than a command: for its first words too.
const PHRASES: &[(&str, &[&str])] = &[("enable_otp", &["enable"])];

/// The words that follow the command's own where it is called so.
pub fn first_words(name: &str) -> &'static [&'static str] {
    PHRASES.iter().find(|(phrase, _)| *phrase == name).map_or(&[], |(_, words)| *words)
}

const fn once(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Once }
}

const fn optional(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Optional }
}

const fn many(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Many }
}

const fn rest(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, times: Times::Rest }
}

const BACKGROUND: Flag = Flag { name: "background", value: None, summary: "go on with the next command at once" };

const FORCE: Flag = Flag { name: "force", value: None, summary: "replace a file that is there" };
