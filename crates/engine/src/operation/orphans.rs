//! Operation on the segments that no file references, on volumes that do not belong to the catalog.

use p2p_store::manifest::NodeNumber;
use serde::{Deserialize, Serialize};

/// Reports the segments that no file references on foreign volumes, or acts on them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreatOrphans {
    /// Action to take on the segments.
    pub action: OrphansAction,
    /// Node whose volume is meant; `None` for all nodes.
    pub node: Option<NodeNumber>,
}

/// Action on segments that no file references, on volumes that do not belong to the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrphansAction {
    /// Lists the segments and changes nothing.
    List,
    /// Removes the segments and assigns the volumes to the catalog.
    Free,
    /// Keeps the segments and assigns the volumes to the catalog.
    Adopt,
}
