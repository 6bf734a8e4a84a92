//! The command table. Parsing, completion, hints, help and the reference are all derived from it, so that each command is defined
//! in one place. Crates above this one add groups of commands, which are then parsed, completed and documented like all others.

mod accounts;
mod faults;
mod files;
mod network;
mod session;
mod time;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::spec::{Argument, Flag, Group, Kind, Spec, Times};

/// Commands of a crate above this one, together with what they need to be carried out: their functions find it by
/// [`Shell::group`](crate::Shell::group).
///
/// None of them is about accounts: whoever types a line may be another user after such a command, and lines with secrets are known by it.
pub trait CommandGroup: Any + Debug + Send + Sync {
    /// Returns the commands, in the order of the help.
    fn commands(&self) -> &'static [Spec];
}

/// The commands that a shell knows: those of this crate, and groups from above.
///
/// ```
/// use p2p_shell::table::Table;
///
/// assert_eq!(Table::default().find("put").map(|spec| spec.name), Some("upload"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<Arc<dyn CommandGroup>>);

impl Table {
    /// Adds a group of commands. One that has the name or an alias of a command that is there already, or that is about accounts, is left
    /// out.
    #[must_use]
    pub fn with(mut self, group: Arc<dyn CommandGroup>) -> Table {
        let names = |spec: &'static Spec| [spec.name].into_iter().chain(spec.aliases.iter().copied());
        let is_new = |spec| names(spec).all(|name| self.find(name).is_none()) && spec.group != Group::Accounts;
        if group.commands().iter().all(is_new) {
            self.0.push(group);
        }
        self
    }

    /// Returns all commands in the order of the help: within a [`Group`] those from above come last.
    pub fn commands(&self) -> impl Iterator<Item = &'static Spec> + Clone + '_ {
        commands().chain(self.0.iter().flat_map(|group| group.commands()))
    }

    /// Returns the command with this name or alias.
    pub fn find(&self, name: &str) -> Option<&'static Spec> {
        self.commands().find(|command| command.is_called(name))
    }

    /// Returns the group of commands of this type, if it was added.
    pub fn group<T: CommandGroup>(&self) -> Option<&T> {
        self.0.iter().find_map(|group| {
            let any: &dyn Any = group.as_ref();
            any.downcast_ref()
        })
    }
}

/// Returns the commands of this crate in the order of the help.
pub fn commands() -> impl Iterator<Item = &'static Spec> + Clone {
    [files::COMMANDS, network::COMMANDS, faults::COMMANDS, time::COMMANDS, accounts::COMMANDS, session::COMMANDS]
        .into_iter()
        .flatten()
}

/// Returns the command of this crate with this name or alias.
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
