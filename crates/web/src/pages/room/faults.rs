//! The faults that are on, each with what takes it back, and what can be broken by one click.

use p2p_service::access::Access;
use p2p_service::network::{FaultCause, Snapshot};
use p2p_shell::report::{Resolution, ToldFault, instant_of, past_of};

/// Faults that are listed at the most.
const LISTED_MAX: usize = 50;
/// Hosts that the fields for hosts let choose from; of more some are offered, and others typed.
const OFFERED_MAX: usize = 64;

/// Faults of a snapshot, and what an admin can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Faults {
    pub(super) rows: Vec<Row>,
    pub(super) more: usize,
    /// Number of them, told as the header of the terminal does.
    pub(super) count: usize,
    /// Hosts that are offered, the client first.
    pub(super) hosts: Vec<String>,
    /// Those of them that are nodes.
    pub(super) nodes: Vec<String>,
    /// True if all hosts are offered, so that one is chosen and none typed.
    pub(super) is_whole: bool,
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
        let hosts = &snapshot.figures.topology.hosts;
        let offered = || hosts.iter().take(OFFERED_MAX).map(|host| host.peer);
        let usable = access.profiles().iter().filter(|(_, profile)| profile.profile.is_ok());
        Faults {
            rows: told.iter().take(LISTED_MAX).map(|told| Row::of(snapshot, told)).collect(),
            more: told.len().saturating_sub(LISTED_MAX),
            count: told.len(),
            hosts: offered().map(|peer| peer.to_string()).collect(),
            nodes: offered().filter_map(|peer| peer.node()).map(|node| node.to_string()).collect(),
            is_whole: hosts.len() <= OFFERED_MAX,
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
