//! What a command is made of: names, arguments, flags, help, a runner. Knows no command.

use super::call::Call;
use super::{Running, Shell};

/// What a word stands for, and how it is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file or directory of this machine.
    LocalPath,
    /// A stored file's name.
    StoredFile,
    /// A node: `Node_03`, `03` or `3`.
    Node,
    /// A transfer: `#7` or `7`.
    Transfer,
    /// A command's name.
    Command,
    /// One of these words, and nothing else.
    OneOf(&'static [&'static str]),
    /// Something like these.
    Like(&'static [&'static str]),
    /// Something else; the text is an example.
    Other(&'static str),
}

/// How often an argument is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// Once or not at all.
    Optional,
    /// Once or more.
    Many,
    /// All the rest of the line, as it is, once or more.
    Rest,
}

/// A word that is told by its place.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Its name in the usage.
    pub name: &'static str,
    /// What it stands for.
    pub kind: Kind,
    /// How often.
    pub times: Times,
}

/// A word that begins with `--`.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// The value that follows it, if one does: its name and what it stands for.
    pub value: Option<(&'static str, Kind)>,
    /// What it does.
    pub summary: &'static str,
}

/// What commands are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Storing and fetching.
    Files,
    /// Nodes and what they hold.
    Nodes,
    /// Packets and connections.
    Network,
    /// How fast time passes.
    Time,
    /// Accounts, passwords, sessions, mail.
    Accounts,
    /// Scripts.
    Scripts,
    /// The session itself.
    Session,
}

impl Group {
    /// Every group, in the order of the help.
    pub const ALL: [Group; 7] =
        [Group::Files, Group::Nodes, Group::Network, Group::Time, Group::Accounts, Group::Scripts, Group::Session];

    /// The heading in the help.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Files => "Files",
            Group::Nodes => "Nodes",
            Group::Network => "Network",
            Group::Time => "Time",
            Group::Accounts => "Accounts",
            Group::Scripts => "Scripts",
            Group::Session => "Session",
        }
    }
}

/// Who may run a command, once there are accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever is there, also before they have logged in.
    Anybody,
    /// Whoever is logged in. What they see and touch is their own.
    Users,
    /// Admins: it concerns everybody.
    Admins,
}

/// A command.
#[derive(Debug)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What it is about.
    pub group: Group,
    /// Who may run it.
    pub audience: Audience,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else there is to know.
    pub details: &'static str,
    /// Its arguments.
    pub arguments: &'static [Argument],
    /// Its flags.
    pub flags: &'static [Flag],
    /// Does it.
    pub run: for<'a> fn(&'a Shell, &'a Call) -> Running<'a>,
}

impl Spec {
    /// `upload PATH… [--as NAME]`
    pub fn usage(&self) -> String {
        let mut words = vec![self.name.to_owned()];
        words.extend(self.arguments.iter().map(|argument| {
            let name = match argument.kind {
                Kind::OneOf(words) => words.join("|"),
                _ => argument.name.to_owned(),
            };
            match argument.times {
                Times::Once => name,
                Times::Optional => format!("[{name}]"),
                Times::Many | Times::Rest => format!("{name}…"),
            }
        }));
        words.extend(self.flags.iter().map(|flag| match flag.value {
            Some((value, _)) => format!("[--{} {value}]", flag.name),
            None => format!("[--{}]", flag.name),
        }));
        words.join(" ")
    }

    /// Whether it goes by this name.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// What the argument at this place stands for.
    pub fn argument_at(&self, place: usize) -> Option<&'static Argument> {
        let last = self.arguments.last().filter(|last| matches!(last.times, Times::Many | Times::Rest));
        self.arguments.get(place).or(last)
    }
}
