//! How each node stands for a reader of files: if what it holds can be had from it at the moment, and the word for why not.
//!
//! A fault that is on says more than the state that it leads to, and says it at once: a killed node is `killed`, not yet SUSPECT.

use p2p_engine::Snapshot;
use p2p_engine::faults::Fault;
use p2p_engine::node::ProcessState;
use p2p_engine::node::health::Health;
use p2p_engine::snapshot::{NodeStatus, Peer};
use p2p_store::manifest::NodeNumber;
use p2p_store::standing::Trouble;

/// Word for a node that the network does not have.
const UNKNOWN: &str = "unknown";
/// Word for a node from or to which no packet passes.
const CUT_OFF: &str = "cut off";

/// Chance of getting what a node holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Nothing can be had from the node.
    None,
    /// The node has not answered the latest probes.
    Doubtful,
    /// The node answers.
    Good,
}

/// State of one node for a reader of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Chance of getting what the node holds.
    pub reach: Reach,
    /// Word for the state: the fault that is on, or else the health of the node.
    pub word: &'static str,
}

/// State of each node for a reader of files, at the instant of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standings {
    nodes: Vec<Standing>,
}

impl Standings {
    /// Returns the states of the nodes of a snapshot. Faults that its reader may not see are told by what they lead to only.
    pub fn of(snapshot: &Snapshot) -> Standings {
        let mut nodes: Vec<Standing> = snapshot.figures.nodes.iter().map(Standing::seen).collect();
        let of_hosts = snapshot.faults_of_hosts();
        if !snapshot.faults_of_paths().is_empty() || of_hosts.iter().any(|active| matches!(active.fault, Fault::Paths { .. })) {
            for (standing, node) in nodes.iter_mut().zip(&snapshot.figures.nodes) {
                if is_cut_off(snapshot, node.node) {
                    *standing = Standing::unreachable(CUT_OFF);
                }
            }
        }
        for active in of_hosts {
            apply(&active.fault, &mut nodes);
        }
        Standings { nodes }
    }

    /// Returns the state of a node.
    pub fn node(&self, node: NodeNumber) -> Standing {
        self.nodes.get(node.index()).copied().unwrap_or(Standing::unreachable(UNKNOWN))
    }

    /// Returns the nodes with their states, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (NodeNumber, Standing)> {
        self.nodes.iter().enumerate().map(|(index, standing)| (NodeNumber::from_index(index), *standing))
    }
}

impl Standing {
    const fn unreachable(word: &'static str) -> Standing {
        Standing { reach: Reach::None, word }
    }

    /// Returns the state as the client's probes and the node's process show it.
    fn seen(node: &NodeStatus) -> Standing {
        if node.state == ProcessState::Stopped {
            let word = if node.trouble.as_ref().is_some_and(Trouble::stops) { "no disk" } else { node.state.name() };
            return Standing::unreachable(word);
        }
        let health = node.seen.health;
        let reach = match health {
            Health::Alive => Reach::Good,
            Health::Suspect => Reach::Doubtful,
            Health::Dead => Reach::None,
        };
        Standing { reach, word: health.name() }
    }
}

/// Takes a fault of a node into account, if nothing can be had from the node because of it.
fn apply(fault: &Fault, nodes: &mut [Standing]) {
    let (node, word) = match *fault {
        Fault::Killed { node } => (node, "killed"),
        Fault::Stopped { node } => (node, "stopped"),
        Fault::Refusing { node } => (node, "refusing"),
        Fault::Disk { node, faults, .. } if faults.fails.reads => (node, "disk fails"),
        _ => return,
    };
    nodes.get_mut(node.index()).into_iter().for_each(|standing| *standing = Standing::unreachable(word));
}

/// Returns true if no packet passes between the client and a node in one of the directions.
fn is_cut_off(snapshot: &Snapshot, node: NodeNumber) -> bool {
    let (client, node) = (Peer::Client, Peer::Node(node));
    snapshot.is_cut(client, node) || snapshot.is_cut(node, client)
}
