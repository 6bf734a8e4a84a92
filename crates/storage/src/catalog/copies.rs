//! Changes of files that exist: storing one in place of another, copying one, removing one that is the expected one, and setting attributes.
//!
//! A replacement is one transaction: before it the former file is there, after it the new one, and never both or none.

use p2p_base::database::Purpose;

use super::{Catalog, CatalogError, Garbage};
use crate::attributes::Attributes;
use crate::manifest::{FileRecord, Manifest};
use crate::names::FileKey;
use crate::segment::Sha256Digest;

/// File that is to become visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The file with its segments.
    pub manifest: Manifest,
    /// True if it may take the place of a file of its name, which passes its readers on.
    pub replace: bool,
    /// SHA-256 that this file must have, which has to be there then; `None` for any, or none.
    pub expected: Option<Sha256Digest>,
}

impl Commit {
    pub(super) const fn place(&self) -> Place {
        match (self.replace, self.expected) {
            (false, _) => Place::Free,
            (true, None) => Place::Any,
            (true, Some(expected)) => Place::Of(expected),
        }
    }
}

/// Place that a file may take among the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A name that is free.
    Free,
    /// A name that is free, or that of a file.
    Any,
    /// The name of a file of this SHA-256.
    Of(Sha256Digest),
}

/// Result of making a file visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The file as it is stored, with the readers of the one that it replaces.
    pub file: FileRecord,
    /// Segments that nothing needs any more, because a file was replaced.
    pub garbage: Garbage,
}

/// Copy of a file that is to be made of the same segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// File to copy.
    pub from: FileKey,
    /// Owner and path of the copy.
    pub to: FileKey,
    /// Time of the copy, in seconds since 1970.
    pub copied_at: u64,
    /// True if the copy has the time of modification and the mode of the source. Otherwise it is modified now, and has the mode of the
    /// file that it replaces, if it does.
    pub preserve: bool,
    /// True if the copy may take the place of a file of its name, which passes its readers on.
    pub replace: bool,
}

impl Catalog {
    /// Copies a file in one durable transaction: no segment is stored, each is needed once more.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, [`CatalogError::NameTaken`] if the new name is taken by what is not
    /// to be replaced or is that of the file itself, or fails if the new directory does not exist or the disk refuses; nothing has
    /// changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn copy(&self, copy: &Copy) -> Result<Stored, CatalogError> {
        self.change(Purpose::Keep, |tables| tables.copy_file(copy))
    }

    /// Makes a file of the `expected` content invisible, or whatever has the key, in one durable transaction, as
    /// [`remove`](Self::remove) does.
    ///
    /// # Errors
    /// Fails like [`remove`](Self::remove), also for what is no file, and with [`CatalogError::ContentDiffers`] for other content.
    pub fn remove_if(&self, key: &FileKey, expected: Option<Sha256Digest>) -> Result<Garbage, CatalogError> {
        self.change(Purpose::Free, |tables| tables.remove_tree(key, expected))
    }

    /// Sets attributes of a file or a directory in one durable transaction.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses; nothing has changed then,
    /// unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn set_attributes(&self, key: &FileKey, attributes: Attributes) -> Result<(), CatalogError> {
        self.change(Purpose::Keep, |tables| tables.set_attributes(key, attributes))
    }
}
