//! Errors of commands that put faults on or take them back, for what they say or for what is on.

use p2p_base::spelling::visible;
use p2p_store::manifest::NodeNumber;
use thiserror::Error;

use super::bounds::{BANDWIDTH_MIN, DELAY_MAX, FLAP_MIN, FLAPS_MAX};
use super::{Fault, Target};
use crate::peer::Peer;

/// Reason why a fault cannot be put on or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// Nothing was named that is to be wrong.
    #[error("nothing is said that is to be wrong")]
    Nothing,
    /// A host cannot be cut off from itself.
    #[error("{0} is on both sides")]
    BothSides(Peer),
    /// The operation would change too many paths.
    #[error("that would change {count} paths, each way for itself, and {max} are changed at once at the most; name fewer hosts")]
    TooManyPaths {
        /// Number of paths.
        count: usize,
        /// Maximum number of paths.
        max: usize,
    },
    /// The plan of a flapping process is not within its bounds.
    #[error("a process is killed every {FLAP_MIN} at the most often, and from 1 to {FLAPS_MAX} times")]
    Flap,
    /// The delay of a path is longer than it may be.
    #[error("a path delays packets by {DELAY_MAX} at the most")]
    Delay,
    /// The bandwidth of a link is lower than it may be.
    #[error("a link is given {BANDWIDTH_MIN} at the least; `path` and `partition` cut it off")]
    Bandwidth,
    /// The queue of a link would have no room.
    #[error("the queue of a link has room for at least 1 packet")]
    Queue,
    /// The node stores no segment that could be corrupt.
    #[error("{0} stores no segment")]
    NothingStored(NodeNumber),
    /// The fault is on already.
    #[error("{0} already")]
    IsOn(Box<Fault>),
    /// No fault of the target is on.
    #[error("{}", sound(*.0))]
    NotBroken(Target),
    /// No fault of the path itself is on, and another one concerns it.
    #[error("nothing that is said of {target} alone is on, but {fault}")]
    BrokenElsewhere {
        /// The path.
        target: Target,
        /// Fault that concerns it.
        fault: Box<Fault>,
    },
    /// No fault that a profile has put on is on.
    #[error("no fault of the profile `{}` is on{}", visible(name), of_node(*node))]
    ProfileNotOn {
        /// Name of the profile.
        name: String,
        /// Node that is meant; `None` for all.
        node: Option<NodeNumber>,
    },
    /// Nothing is wrong with a node.
    #[error("nothing is wrong with {0}, its disk, its links and its paths")]
    NodeSound(NodeNumber),
}

impl FaultError {
    /// Returns true if it depends on what is on and stored now, and false if the operation is never possible.
    pub const fn is_of_the_moment(&self) -> bool {
        match self {
            FaultError::Nothing
            | FaultError::BothSides(_)
            | FaultError::TooManyPaths { .. }
            | FaultError::Flap
            | FaultError::Delay
            | FaultError::Bandwidth
            | FaultError::Queue => false,
            FaultError::NothingStored(_)
            | FaultError::IsOn(_)
            | FaultError::NotBroken(_)
            | FaultError::BrokenElsewhere { .. }
            | FaultError::ProfileNotOn { .. }
            | FaultError::NodeSound(_) => true,
        }
    }
}

fn of_node(node: Option<NodeNumber>) -> String {
    node.map(|node| format!(" for {node}")).unwrap_or_default()
}

/// Returns the sentence that no fault of a target is on.
fn sound(target: Target) -> String {
    match target {
        Target::Cut(..) => format!("{target} is not cut"),
        Target::Flap(node) => format!("{node} is not flapping"),
        target => format!("nothing is wrong with {target}"),
    }
}
