//! The definition of a command: names, arguments, flags, help, and the function that carries it out.

use p2p_service::abilities;

use super::call::Call;
use super::{Running, Shell};

/// Word for all that has not begun, in the place of a transfer.
pub const WAITING: &str = "waiting";

/// The kind of value that a word denotes, which determines its completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Path of a file or directory of this machine.
    LocalPath,
    /// Name of a stored file.
    StoredFile,
    /// Node, written `Node_03`, `03` or `3`.
    Node,
    /// Host: `client`, or a node.
    Host,
    /// Groups of hosts, separated by `,` and by one of `->` and `|`.
    Hosts,
    /// Profile of faults.
    Profile,
    /// Profile of faults, or node.
    ProfileOrNode,
    /// Transfer, written `#7` or `7`.
    Transfer,
    /// Transfer, or the word [`WAITING`] for all that waits.
    TransferOrWaiting,
    /// Name of a user.
    User,
    /// Name of a command.
    Command,
    /// One of these words; others are refused.
    OneOf(&'static [&'static str]),
    /// A value for which these words are examples.
    Like(&'static [&'static str]),
    /// Any other value; the text is an example.
    Other(&'static str),
}

/// The number of times that an argument is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Given once, and required.
    Once,
    /// Given once or not at all.
    Optional,
    /// Given once, but where the shell runs on a node, which it then stands for.
    UnlessOnNode,
    /// Given once or more.
    Many,
    /// Takes the whole rest of the line unchanged, at least one word.
    Rest,
}

/// A positional argument of a command.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Name of the argument in the usage.
    pub name: &'static str,
    /// Kind of value that the argument denotes.
    pub kind: Kind,
    /// Number of times that the argument is given.
    pub times: Times,
}

/// A flag of a command: a word that begins with `--`, or a letter after a single `-`.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Name of the flag without the dashes.
    pub name: &'static str,
    /// Letter that stands for the flag, as in `-r`; only for a flag without a value.
    pub short: Option<char>,
    /// Name and kind of the value that follows the flag; `None` if it takes no value.
    pub value: Option<(&'static str, Kind)>,
    /// Description of the flag for the help.
    pub summary: &'static str,
}

/// The topic of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Storing and fetching files.
    Files,
    /// Nodes and their contents.
    Nodes,
    /// Packets, connections and links.
    Network,
    /// Breaking parts of the network on purpose.
    Faults,
    /// Speed of virtual time.
    Time,
    /// Accounts, passwords, sessions and mail.
    Accounts,
    /// Waiting, variables and expectations of scripts.
    Scripts,
    /// The running program, such as its help.
    Session,
}

impl Group {
    /// All groups, in the order of the help.
    pub const ALL: [Group; 8] =
        [Group::Files, Group::Nodes, Group::Network, Group::Faults, Group::Time, Group::Accounts, Group::Scripts, Group::Session];

    /// Returns the heading of the group in the help.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Files => "Files",
            Group::Nodes => "Nodes",
            Group::Network => "Network",
            Group::Faults => "Faults",
            Group::Time => "Time",
            Group::Accounts => "Accounts",
            Group::Scripts => "Scripts",
            Group::Session => "General",
        }
    }
}

/// The users who may run a command once there are accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// All users, also before the login.
    Anybody,
    /// Logged-in users, who see and change only their own data.
    Users,
    /// Admins, since the command concerns all users.
    Admins,
}

/// The places from which a command may be run: the terminals of this program alone, or clients of its services too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// From anywhere.
    Anywhere,
    /// From anywhere, unless a path of this machine is given.
    AnywhereWithoutPath,
    /// From this machine alone, since the command names a file of it, opens a socket or starts a service.
    ThisMachine,
}

/// The definition of a command.
#[derive(Debug)]
pub struct Spec {
    /// Name of the command.
    pub name: &'static str,
    /// Alternative names of the command.
    pub aliases: &'static [&'static str],
    /// Topic of the command.
    pub group: Group,
    /// Users who may run the command.
    pub audience: Audience,
    /// Places from which the command may be run.
    pub place: Place,
    /// Description of the command in one line.
    pub summary: &'static str,
    /// Further explanation for the help; may be empty.
    pub details: &'static str,
    /// Positional arguments of the command.
    pub arguments: &'static [Argument],
    /// Flags of the command.
    pub flags: &'static [Flag],
    /// Function that carries the command out.
    pub run: for<'a> fn(&'a Shell, &'a Call) -> Running<'a>,
}

impl Spec {
    /// Returns true if the command begins transfers that change what is stored, here or on the nodes: such a one can go on in the background.
    pub fn begins_transfers(&self) -> bool {
        self.flags.iter().any(|flag| flag.name == "background")
    }

    /// Returns the usage of the command, as in `upload PATH… [--as NAME]`.
    pub fn usage(&self) -> String {
        let mut words = self.usage_without_flags();
        words.extend(self.flags.iter().map(|flag| match (flag.value, flag.short) {
            (Some((value, _)), _) => format!("[--{} {value}]", flag.name),
            (None, Some(letter)) => format!("[-{letter}|--{}]", flag.name),
            (None, None) => format!("[--{}]", flag.name),
        }));
        words.join(" ")
    }

    /// Returns the usage of the command with one word for all its flags, as in `upload PATH… [OPTIONS]`.
    pub fn usage_in_short(&self) -> String {
        let mut words = self.usage_without_flags();
        words.extend((!self.flags.is_empty()).then(|| "[OPTIONS]".to_owned()));
        words.join(" ")
    }

    /// Returns the words of the usage that are no flags.
    fn usage_without_flags(&self) -> Vec<String> {
        let mut words = vec![self.name.to_owned()];
        words.extend(self.arguments.iter().map(|argument| {
            let name = match argument.kind {
                Kind::OneOf(words) => words.join("|"),
                _ => argument.name.to_owned(),
            };
            match argument.times {
                Times::Once | Times::UnlessOnNode => name,
                Times::Optional => format!("[{name}]"),
                Times::Many | Times::Rest => format!("{name}{}", abilities::glyphs().ellipsis()),
            }
        }));
        words
    }

    /// Returns true if the command has this name or alias.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Returns the definition of the argument at an index; the one that may be repeated applies to all further words.
    pub fn argument_at(&self, place: usize) -> Option<&'static Argument> {
        let repeated = self.arguments.iter().find(|argument| matches!(argument.times, Times::Many | Times::Rest));
        self.arguments.get(place).or(repeated)
    }

    /// Returns the flag that a word of the form `--name` or `-x` stands for.
    pub fn flag_of(&self, word: &str) -> Option<&'static Flag> {
        let is_letter =
            |flag: &Flag| flag.short.is_some_and(|letter| word.strip_prefix('-').is_some_and(|rest| rest.chars().eq([letter])));
        self.flags.iter().find(|flag| word.strip_prefix("--") == Some(flag.name) || is_letter(flag))
    }
}
