//! Manner in which files are stored and fetched: what is replaced, and which attributes are kept.

use std::fs;

use p2p_engine::operation::{Source, Upload};
use p2p_store::attributes::{Attributes, StoreAs};
use p2p_store::manifest::NodeNumber;

/// Manner of storing files of this machine, and of fetching stored ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// True if a file that has the name or the place already may be replaced.
    pub replace: bool,
    /// True if times of modification and permission bits are kept.
    pub preserve: bool,
    /// Node to which the segments of a file that is stored go first; `None` for the one that the user prefers, if there is one.
    pub node: Option<NodeNumber>,
}

impl Manner {
    /// Returns the upload of a file with the attributes that are to be kept of it. Asks the disk for these; a file that cannot be read has
    /// none, and is refused when its upload begins, and a stream has none.
    pub fn storing(self, upload: Upload) -> Upload {
        let kept = match &upload.source {
            Source::File(path) if self.preserve => fs::metadata(path).ok(),
            _ => None,
        };
        let attributes = kept.as_ref().map(Attributes::from).unwrap_or_default();
        Upload { stored_as: StoreAs { attributes, replace: self.replace, expected: None }, preferred: self.node, ..upload }
    }
}
