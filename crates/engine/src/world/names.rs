//! Names of stored files: the catalog, the index of its files in memory, and the names that running uploads have reserved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use p2p_store::catalog::Catalog;
use p2p_store::manifest::{FileKey, FileRecord};

/// Stored files, by owner and name.
pub(crate) type FileIndex = BTreeMap<FileKey, FileRecord>;

/// Stored files and reserved names.
#[derive(Debug)]
pub(crate) struct Names {
    catalog: Arc<Catalog>,
    files: Arc<FileIndex>,
    /// Names that running uploads will store files under.
    reserved: BTreeSet<FileKey>,
}

impl Names {
    /// Creates the index of the files of a catalog.
    pub(crate) fn new(catalog: Catalog, files: impl IntoIterator<Item = FileRecord>) -> Names {
        let files = files.into_iter().map(|file| (file.key.clone(), file)).collect();
        Names { catalog: Arc::new(catalog), files: Arc::new(files), reserved: BTreeSet::new() }
    }

    /// Returns the catalog.
    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Returns all files, for readers that keep the index as it is now.
    pub(crate) fn files(&self) -> &Arc<FileIndex> {
        &self.files
    }

    /// Returns the file that is stored under a name.
    pub(crate) fn file(&self, key: &FileKey) -> Option<&FileRecord> {
        self.files.get(key)
    }

    /// Returns true if a running upload will store a file under this name.
    pub(crate) fn is_reserved(&self, key: &FileKey) -> bool {
        self.reserved.contains(key)
    }

    /// Returns the names that running uploads have reserved.
    pub(crate) fn reserved(&self) -> &BTreeSet<FileKey> {
        &self.reserved
    }

    /// Reserves a name for an upload.
    pub(crate) fn reserve(&mut self, key: FileKey) {
        self.reserved.insert(key);
    }

    /// Ends the reservation of a name.
    pub(crate) fn release(&mut self, key: &FileKey) {
        self.reserved.remove(key);
    }

    /// Adds a file that the catalog has stored.
    pub(crate) fn insert(&mut self, file: FileRecord) {
        Arc::make_mut(&mut self.files).insert(file.key.clone(), file);
    }

    /// Removes a file that the catalog has removed.
    pub(crate) fn remove(&mut self, key: &FileKey) {
        Arc::make_mut(&mut self.files).remove(key);
    }

    /// Grants or revokes a user's read access to a file, as the catalog has done.
    pub(crate) fn set_reader(&mut self, key: &FileKey, user: &str, may_read: bool) {
        if let Some(record) = Arc::make_mut(&mut self.files).get_mut(key) {
            match may_read {
                true => record.readers.insert(user.to_owned()),
                false => record.readers.remove(user),
            };
        }
    }

    /// Gives files to an owner, as the catalog has done.
    pub(crate) fn adopt(&mut self, owner: &str, keys: &[FileKey]) {
        let files = Arc::make_mut(&mut self.files);
        for old in keys {
            if let Some(mut record) = files.remove(old) {
                record.key.owner = Some(owner.to_owned());
                files.insert(record.key.clone(), record);
            }
        }
    }
}
