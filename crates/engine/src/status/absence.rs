//! Nodes that are out of reach, as a transfer is told of them: why, and what becomes of their part.

use p2p_base::units::{SimDuration, SimTime};
use p2p_store::manifest::NodeNumber;
use serde::Serialize;

/// Reason why a node gives the client no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// No packet passes between the client and the node, in one direction or both.
    CutOff,
    /// The node's process was killed.
    Killed,
    /// The node's process has ended as planned.
    Stopped,
    /// The node's host refuses connections.
    Refusing,
    /// The node has answered none of the latest probes, for a reason that is not known.
    Silent,
}

/// Node that is out of reach and without whose answer a transfer cannot be completed, unless others replace the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// Number of the node.
    pub node: NodeNumber,
    /// Reason why it is out of reach.
    pub why: Absence,
    /// Instant since which it is; for a silent node, the instant at which the client last heard from it.
    pub since: SimTime,
}

/// Node out of reach whose part of an upload other nodes get unless it answers before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// Number of the node.
    pub node: NodeNumber,
    /// Instant at which its connection is given up and its part goes to others, if nothing is heard of it until then. `None` where that
    /// begins in the commit: once all else is stored, and the node does not confirm what it has.
    pub from: Option<SimTime>,
    /// Bytes that it is to get, and that go to others.
    pub open: u64,
    /// Bytes that it has stored, and that others store again unless it confirms them in the commit.
    pub stored: u64,
    /// Time for which the confirmation of these is waited for in the commit.
    pub patience: SimDuration,
    /// Instant from which it is not waited for any longer, since the client takes it for dead then unless anything is heard of it; that of
    /// now if it is dead. `None` if it is not probed by itself.
    pub dead_at: Option<SimTime>,
}
