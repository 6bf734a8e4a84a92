//! Where the database's file is, and whether it is still there. Knows nothing of what is in it.

use std::fs::Metadata;
use std::path::PathBuf;

use crate::file_identity::FileIdentity;

/// Where the database's file is, and which file that is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    file: FileIdentity,
}

impl Place {
    /// The place of the file that is open now and described so.
    pub(super) fn new(path: PathBuf, opened: &Metadata) -> Place {
        Place { path, file: FileIdentity::of(opened) }
    }

    /// Why what is written to the open file is lost, where its path has come to name another file, or none.
    pub(super) fn displaced(&self) -> Option<String> {
        let path = self.path.display();
        match self.path.metadata() {
            Ok(found) if FileIdentity::of(&found) == self.file => None,
            Ok(_) => Some(format!("{path} is another file than the one that is open; somebody has replaced it")),
            Err(error) => Some(format!("{path} cannot be found any more: {error}")),
        }
    }
}
