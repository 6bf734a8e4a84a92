//! The faults that are on, each with what takes it back, and what can be broken by one click.

use p2p_service::access::Access;
use p2p_service::network::{FaultCause, Snapshot};
use p2p_shell::report::{Resolution, ToldFault, instant_of, past_of};
use p2p_shell::table;

use crate::pages::prose::{Prose, prose};

/// Faults that are listed at the most.
const LISTED_MAX: usize = 50;
/// Hosts that the fields for hosts offer; others are typed.
const OFFERED_MAX: usize = 64;

/// Faults of a snapshot, and what an admin can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Faults {
    pub(super) rows: Vec<Row>,
    pub(super) more: usize,
    /// Number of them, told as the header of the terminal does.
    pub(super) count: usize,
    /// Hosts that are offered.
    pub(super) hosts: Vec<String>,
    /// Profiles: the name, and what it does.
    pub(super) profiles: Vec<(String, String)>,
}

/// Fault that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) since: String,
    pub(super) ago: String,
    /// Client behind it, and its cause.
    pub(super) by: String,
    /// Command that takes it back.
    pub(super) undo: String,
}

impl Faults {
    pub(super) fn of(snapshot: &Snapshot, access: &Access) -> Faults {
        let told = ToldFault::all(&snapshot.faults);
        let hosts = snapshot.figures.topology.hosts.iter().take(OFFERED_MAX).map(|host| host.peer.to_string());
        let usable = access.profiles().iter().filter(|(_, profile)| profile.profile.is_ok());
        Faults {
            rows: told.iter().take(LISTED_MAX).map(|told| Row::of(snapshot, told)).collect(),
            more: told.len().saturating_sub(LISTED_MAX),
            count: told.len(),
            hosts: hosts.collect(),
            profiles: usable.map(|(name, profile)| (name.clone(), profile.described().into_owned())).collect(),
        }
    }
}

impl Row {
    fn of(snapshot: &Snapshot, told: &ToldFault<'_>) -> Row {
        let (text, undo) = told.in_words();
        let first = told.first();
        let since = first.map(|active| active.since).unwrap_or_default();
        let by = first.map(|active| by_of(&active.cause)).unwrap_or_default();
        Row { text, since: instant_of(since, Resolution::Millis), ago: past_of(since, snapshot.at), by, undo }
    }
}

/// Names what has put a fault on, and who.
fn by_of(cause: &FaultCause) -> String {
    let what = match cause {
        FaultCause::Command { .. } => "a command".to_owned(),
        FaultCause::Profile { name, .. } => format!("the profile {name}"),
        FaultCause::Flap { .. } => "flapping".to_owned(),
        FaultCause::Over => String::new(),
    };
    match cause.by() {
        Some(name) => format!("{what} of {name}"),
        None => what,
    }
}

/// Returns what a command of the language does, in the words of its help: pieces of text, each with whether it is code.
pub(super) fn help_of(command: &str) -> Prose {
    let Some(spec) = table::find(command) else { return Vec::new() };
    let details = if spec.details.is_empty() { String::new() } else { format!(" {}", spec.details) };
    let mut summary = spec.summary.to_owned();
    if let Some(first) = summary.get(..1).map(str::to_uppercase) {
        summary.replace_range(..1, &first);
    }
    prose(&format!("{summary}.{details}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_act_says_what_it_does() {
        for command in ["kill", "stop", "start", "refuse", "path", "link", "disk", "heal", "faults", "step", "pause"] {
            assert!(help_of(command)[0].1.len() > 5, "{command}");
        }
        let kill = help_of("kill");
        assert_eq!(kill[0], (false, "Kill a node's process: its connections see silence. As with ".to_owned()));
        assert_eq!(kill[1], (true, "kill -9".to_owned()));
        assert_eq!((help_of("nothing"), by_of(&FaultCause::Over)), (Vec::new(), String::new()));
    }
}
