//! Operations on faults in words, as the audit log has them: the command of the language that does the same.

use std::fmt;

use p2p_net::Direction;

use super::{Break, ClearFaults, Command, Mend, Which};
use crate::faults::{Fault, Target};
use crate::peer::Peer;

impl Command {
    /// Returns the operation in words, if it puts faults on or takes them back.
    pub fn fault_in_words(&self) -> Option<String> {
        match self {
            Command::Break(what) => Some(what.to_string()),
            Command::Mend(what) => Some(what.to_string()),
            Command::ClearFaults(what) => Some(what.to_string()),
            _ => None,
        }
    }
}

impl Fault {
    /// Returns the command that takes the fault back.
    pub fn undone_by(&self) -> String {
        Mend::of(self.target()).to_string()
    }

    /// Returns the fault of both directions of a link or a path in words, as in `the path client,Node_01 is cut`, and the command that
    /// takes it back; `None` if the fault is not of one direction.
    pub fn both_ways(&self) -> Option<(String, String)> {
        let one = self.target().to_string();
        let (both, mend) = match self.target() {
            Target::Link(peer, _) => (format!("the link of {peer}"), Mend::Link { peer, direction: None }),
            Target::Path(from, to) => (format!("the path {from},{to}"), Mend::Path { from, to, one_way: false }),
            Target::Cut(from, to) => (format!("the path {from},{to}"), Mend::Cut { from, to, one_way: false }),
            _ => return None,
        };
        Some((self.to_string().replacen(&one, &both, 1), mend.to_string()))
    }
}

fn names(peers: &[Peer]) -> String {
    peers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Returns the sign between two hosts or two groups of them.
const fn between(one_way: bool, both: &'static str) -> &'static str {
    if one_way { "->" } else { both }
}

const fn flag_of(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Up) => " --up",
        Some(Direction::Down) => " --down",
        None => "",
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Break::Kill { node } => write!(f, "kill {node}"),
            Break::Stop { node, within } => write!(f, "stop {node} --within {within}"),
            Break::Restart { node, within } => write!(f, "restart {node} --within {within}"),
            Break::Refuse { node } => write!(f, "refuse {node}"),
            Break::Disk { node, faults } => write!(f, "disk {node}: {faults}"),
            Break::Flap { node, plan } => write!(f, "flap {node} --every {} --times {}", plan.every, plan.times),
            Break::Link { peer, direction, change } => write!(f, "link {peer}{}: {change}", flag_of(*direction)),
            Break::Paths { peer, change } => write!(f, "path {peer}: {change}"),
            Break::Path { from, to, one_way, change, cut } => {
                write!(f, "path {from}{}{to}", between(*one_way, ","))?;
                if !change.is_none() {
                    write!(f, ": {change}")?;
                }
                f.write_str(if *cut { " --cut" } else { "" })
            }
            Break::Partition { one, other, one_way } => {
                write!(f, "partition {}{}{}", names(one), between(*one_way, "|"), names(other))
            }
            Break::Profile { name, node: Some(node), .. } => write!(f, "faults apply {name} {node}"),
            Break::Profile { name, node: None, .. } => write!(f, "faults apply {name}"),
        }
    }
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mend::Process { node } => write!(f, "start {node}"),
            Mend::Disk { node } => write!(f, "disk {node} --clear"),
            Mend::Flap { node } => write!(f, "flap {node} --clear"),
            Mend::Link { peer, direction } => write!(f, "link {peer}{} --clear", flag_of(*direction)),
            Mend::Paths { peer } => write!(f, "path {peer} --clear"),
            Mend::Path { from, to, one_way } => write!(f, "path {from}{}{to} --clear", between(*one_way, ",")),
            Mend::Cuts => f.write_str("heal"),
            Mend::Cut { from, to, one_way } => write!(f, "heal {from}{}{to}", between(*one_way, ",")),
        }
    }
}

impl fmt::Display for ClearFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.which {
            Which::All => f.write_str("faults clear"),
            Which::Profile { name, node: None } => write!(f, "faults clear {name}"),
            Which::Profile { name, node: Some(node) } => write!(f, "faults clear {name} {node}"),
            Which::Node(node) => write!(f, "faults clear {node}"),
        }
    }
}
