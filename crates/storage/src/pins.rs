//! Pins: segments that are kept for a user on a node, without a file that needs them.

use serde::{Deserialize, Serialize};

use super::manifest::NodeNumber;
use super::segment::SegmentId;

/// Segment that is kept for a user on a node without a file. What the user has pinned on several nodes is pinned on each by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pin {
    /// Name of the user; `None` for the user of a data directory without accounts.
    pub user: Option<String>,
    /// Node that holds the segment.
    pub node: NodeNumber,
    /// Name of the segment.
    pub id: SegmentId,
}

/// Beginning of the principals of pins. Those of kept uploads begin otherwise.
const PREFIX: &str = "node ";

impl Pin {
    /// Returns the principal for whom the catalog keeps the segment: the position of the node, and the name of the user.
    pub(super) fn principal(&self) -> String {
        format!("{PREFIX}{} {}", self.node.index(), self.user.as_deref().unwrap_or_default())
    }

    /// Returns the pin of a segment for a principal; `None` if the principal is not that of a user.
    pub(super) fn of_principal(principal: &str, id: SegmentId) -> Option<Pin> {
        let (index, user) = principal.strip_prefix(PREFIX)?.split_once(' ')?;
        let node = NodeNumber::from_index(index.parse::<u16>().ok()?.into());
        Some(Pin { user: Some(user.to_owned()).filter(|user| !user.is_empty()), node, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_a_pin_again() {
        let id = SegmentId::of(b"a");
        for user in [None, Some("alice".to_owned()), Some("a b 7".to_owned())] {
            let pin = Pin { user, node: NodeNumber::from_index(63), id };
            assert_eq!(Pin::of_principal(&pin.principal(), id), Some(pin));
        }
        for other in ["upload 00", "files that the run has not used", "node x alice", "node 1"] {
            assert_eq!(Pin::of_principal(other, id), None, "{other}");
        }
    }
}
