//! The nodes: how each stands, since when that is known and by what, and how full it is. Those that are not well come first, and of many there
//! are pages.

use p2p_service::files::{NodeNumber, SimDuration, SimTime};
use p2p_service::network::{Health, NodeStatus, Peer, Snapshot};
use p2p_shell::report::{Reach, RoundTripReport, Standing, Standings, bytes_of, faults_of_host, faults_told, past_of, rate_of};

/// Rows of a page.
pub(super) const PAGE: usize = 50;
/// Time by which the kept instant of a probe may be earlier than it was.
const PROBE_PRECISION: SimDuration = SimDuration::from_millis(20);

/// The nodes of a page, and how many there are of each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nodes {
    pub(super) count: usize,
    pub(super) alive: usize,
    pub(super) suspect: usize,
    pub(super) dead: usize,
    /// Nodes of which no sign of life has come yet, so that nothing is proved of them.
    pub(super) unproved: usize,
    pub(super) rows: Vec<Row>,
    /// Text that the names or states have.
    pub(super) find: String,
    /// Number of nodes that are found.
    pub(super) found: usize,
    /// Page that is shown, and the last one, from 1.
    pub(super) page: usize,
    pub(super) pages: usize,
}

/// Node of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) glyph: &'static str,
    pub(super) word: String,
    /// Class by which the state is coloured.
    pub(super) look: &'static str,
    /// State that the probes of the client have found, where the word is of what is known besides.
    pub(super) found: String,
    /// Since when the state is known, and by what.
    pub(super) proof: String,
    pub(super) process: &'static str,
    pub(super) stored: Option<String>,
    pub(super) capacity: String,
    /// Share of the capacity that is used, in percent.
    pub(super) full: Option<u64>,
    pub(super) round_trip: String,
    pub(super) lost: String,
    pub(super) up: String,
    pub(super) down: String,
    /// What is broken on purpose.
    pub(super) broken: String,
    /// True if `start` brings the process back.
    pub(super) is_down: bool,
}

impl Nodes {
    pub(super) fn of(snapshot: &Snapshot, find: &str, page: usize) -> Nodes {
        let (nodes, standings) = (&snapshot.figures.nodes, Standings::of(snapshot));
        let count = |is: fn(&NodeStatus) -> bool| nodes.iter().filter(|node| is(node)).count();
        let wanted = find.trim().to_lowercase();
        let mut found: Vec<(&NodeStatus, Standing)> = nodes.iter().map(|node| (node, standings.node(node.node))).collect();
        found.retain(|(node, standing)| wanted.is_empty() || text_of(node, *standing).contains(&wanted));
        let is_broken = |node: &NodeStatus| faults_of_host(snapshot, Peer::Node(node.node)).next().is_some();
        found.sort_by_key(|(node, standing)| (standing.reach, is_proved(node), !is_broken(node), node.node.index()));
        let pages = found.len().div_ceil(PAGE).max(1);
        let page = page.clamp(1, pages);
        let rows = found.iter().skip((page - 1) * PAGE).take(PAGE).map(|(node, standing)| Row::of(snapshot, node, *standing));
        Nodes {
            count: nodes.len(),
            alive: count(|node| node.seen.health == Health::Alive && is_proved(node)),
            suspect: count(|node| node.seen.health == Health::Suspect),
            dead: count(|node| node.seen.health == Health::Dead),
            unproved: count(|node| node.seen.health == Health::Alive && !is_proved(node)),
            rows: rows.collect(),
            find: find.to_owned(),
            found: found.len(),
            page,
            pages,
        }
    }
}

/// Returns true if a sign of life of a node has ever come.
pub(super) fn is_proved(node: &NodeStatus) -> bool {
    node.seen.heard_at.is_some()
}

fn text_of(node: &NodeStatus, standing: Standing) -> String {
    format!("{} {} {} {}", node.node, node.address, standing.word, node.state.name()).to_lowercase()
}

impl Row {
    fn of(snapshot: &Snapshot, node: &NodeStatus, standing: Standing) -> Row {
        let peer = Peer::Node(node.node);
        let [last, _, _, _, _, lost] = RoundTripReport::from(&node.seen.recent).cells();
        let (glyph, look, word) = shown_of(standing, is_proved(node));
        let rate = |latest: Option<u64>| latest.map_or_else(|| "-".to_owned(), |bytes| rate_of(bytes as f64));
        let share = |used: u64| (100 * used).checked_div(node.capacity_bytes).unwrap_or_default().min(100);
        Row {
            name: node.node.to_string(),
            address: node.address.to_string(),
            glyph,
            word: word.to_owned(),
            look,
            found: found_of(node.seen.health, word),
            proof: proof_of(snapshot, node),
            process: node.state.name(),
            stored: node.used_bytes.map(bytes_of),
            capacity: bytes_of(node.capacity_bytes),
            full: node.used_bytes.map(share),
            round_trip: last,
            lost,
            up: rate(node.rates.up.latest()),
            down: rate(node.rates.down.latest()),
            broken: faults_told(snapshot, faults_of_host(snapshot, peer)),
            is_down: faults_of_host(snapshot, peer).any(|active| is_of_process(active.fault.name())),
        }
    }
}

/// Returns what the probes have found of a node, where its state has another word: the counts above the list are of what they have found.
fn found_of(health: Health, word: &str) -> String {
    match health {
        Health::Alive => String::new(),
        _ if health.name() == word => String::new(),
        _ => format!("{} by its probes", health.name()),
    }
}

/// Returns true if a kind of fault is one of a process.
fn is_of_process(kind: &str) -> bool {
    ["killed", "stopping", "stopped", "refusing"].contains(&kind)
}

/// Returns the glyph, the class and the word of a state. Nothing is called alive of which no sign of life has come.
pub(super) fn shown_of(standing: Standing, is_proved: bool) -> (&'static str, &'static str, &'static str) {
    match standing.reach {
        Reach::Good if !is_proved => ("○", "idle", "not proved"),
        Reach::Good => ("●", "ok", standing.word),
        Reach::Doubtful => ("◐", "warn", standing.word),
        Reach::None => ("✕", "bad", standing.word),
    }
}

/// Returns when the last sign of life of a node has come, and whether that was the answer to a probe or data.
fn proof_of(snapshot: &Snapshot, node: &NodeStatus) -> String {
    let Some(heard_at) = node.seen.heard_at else {
        return match node.seen.probes {
            0 => "not probed yet".to_owned(),
            probes => format!("none of {probes} probes answered"),
        };
    };
    let is_answer = |at: SimTime| at + PROBE_PRECISION >= heard_at;
    let by = if last_answer(snapshot, node.node).is_some_and(is_answer) { "a probe" } else { "data" };
    let missed = if node.seen.missed == 0 { String::new() } else { format!(", {} missed since", node.seen.missed) };
    format!("heard {} ago by {by}{missed}", past_of(heard_at, snapshot.at))
}

/// Returns the instant at which the last probe of a node by the client was answered, as far as it is kept.
fn last_answer(snapshot: &Snapshot, node: NodeNumber) -> Option<SimTime> {
    let probes = snapshot.figures.health.probes(Peer::Client, Peer::Node(node));
    probes.iter().filter_map(|probe| Some(probe.sent_at + probe.round_trip?)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_the_counts_have_counted() {
        assert_eq!(found_of(Health::Dead, "cut off"), "DEAD by its probes");
        assert_eq!((found_of(Health::Dead, "DEAD").as_str(), found_of(Health::Alive, "killed").as_str()), ("", ""));
    }

    #[test]
    fn nothing_is_green_that_was_not_proved() {
        let standing = |reach, word| Standing { reach, word };
        assert_eq!(shown_of(standing(Reach::Good, "ALIVE"), true), ("●", "ok", "ALIVE"));
        assert_eq!(shown_of(standing(Reach::Good, "ALIVE"), false), ("○", "idle", "not proved"));
        assert_eq!(shown_of(standing(Reach::None, "killed"), true), ("✕", "bad", "killed"));
        assert_eq!(shown_of(standing(Reach::Doubtful, "SUSPECT"), true), ("◐", "warn", "SUSPECT"));
    }
}
