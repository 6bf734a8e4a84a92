//! Manner in which files are stored and fetched: what is replaced, and which attributes are kept.

use std::fs;
use std::path::Path;

use p2p_engine::operation::Upload;
use p2p_store::attributes::{Attributes, StoreAs};

/// Manner of storing files of this machine, and of fetching stored ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// True if a file that has the name or the place already may be replaced.
    pub replace: bool,
    /// True if times of modification and permission bits are kept.
    pub preserve: bool,
}

impl Manner {
    /// Returns the upload of the file at a path, with the attributes that are to be kept of it. Asks the disk for these; a file that cannot be
    /// read has none, and is refused when its upload begins.
    pub fn storing(self, upload: Upload, path: &Path) -> Upload {
        let kept = self.preserve.then(|| fs::metadata(path).ok()).flatten();
        let attributes = kept.as_ref().map(Attributes::from).unwrap_or_default();
        Upload { stored_as: StoreAs { attributes, replace: self.replace }, ..upload }
    }
}
