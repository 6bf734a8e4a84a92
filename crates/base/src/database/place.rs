//! The path of the database file, and the check that it still leads to the open file.

use std::fs::Metadata;
use std::path::PathBuf;

use crate::file_identity::FileIdentity;
use crate::spelling::visible_path;

/// Path of the database file, and the identity of the open file.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    file: FileIdentity,
}

impl Place {
    /// Makes the place of the open file that `opened` describes.
    pub(super) fn new(path: PathBuf, opened: &Metadata) -> Place {
        Place { path, file: FileIdentity::of(opened) }
    }

    /// Returns the reason why data written to the open file would be lost, if the path leads to another file or to none.
    pub(super) fn displaced(&self) -> Option<String> {
        let path = visible_path(&self.path);
        match self.path.metadata() {
            Ok(found) if FileIdentity::of(&found) == self.file => None,
            Ok(_) => Some(format!("{path} is another file than the one that is open; another process has replaced it")),
            Err(error) => Some(format!("{path} cannot be found any more: {error}")),
        }
    }
}
