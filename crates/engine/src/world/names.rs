//! Names of stored files: the catalog, the tree of its files and directories in memory, and the names that running uploads have
//! reserved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use p2p_store::catalog::Catalog;
use p2p_store::names::FileKey;
use p2p_store::namespace::Namespace;
use p2p_store::uploads::{UploadId, UploadRecord};

/// Stored files and reserved names.
#[derive(Debug)]
pub(crate) struct Names {
    catalog: Arc<Catalog>,
    files: Namespace,
    /// Names that uploads, running or kept, will store files under.
    reserved: BTreeSet<FileKey>,
    /// Uploads that are kept and not running.
    parked: BTreeMap<UploadId, UploadRecord>,
}

impl Names {
    /// Makes the names of a catalog with these files and directories, and with these uploads that are kept.
    pub(crate) fn new(catalog: Catalog, files: Namespace, uploads: Vec<UploadRecord>) -> Names {
        let (reserved, parked) = (BTreeSet::new(), BTreeMap::new());
        let mut names = Names { catalog: Arc::new(catalog), files, reserved, parked };
        uploads.into_iter().for_each(|upload| names.park(upload));
        names
    }

    /// Returns the uploads that are kept and not running.
    pub(crate) fn parked(&self) -> &BTreeMap<UploadId, UploadRecord> {
        &self.parked
    }

    /// Adds an upload that is kept, and reserves its name.
    pub(crate) fn park(&mut self, upload: UploadRecord) {
        self.reserved.insert(upload.key.clone());
        self.parked.insert(upload.id, upload);
    }

    /// Removes an upload from the parked ones, because it is continued or undone. Its name stays reserved.
    pub(crate) fn unpark(&mut self, upload: UploadId) -> Option<UploadRecord> {
        self.parked.remove(&upload)
    }

    /// Replaces the parked uploads, some of which have another owner now.
    pub(crate) fn repark(&mut self, uploads: Vec<UploadRecord>) {
        for upload in uploads {
            if let Some(before) = self.parked.get(&upload.id).filter(|before| before.key != upload.key) {
                self.reserved.remove(&before.key);
                self.park(upload);
            }
        }
    }

    /// Returns the catalog.
    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Returns all files and directories.
    pub(crate) fn files(&self) -> &Namespace {
        &self.files
    }

    /// Returns all files and directories, for a change that the catalog has made.
    pub(crate) fn files_mut(&mut self) -> &mut Namespace {
        &mut self.files
    }

    /// Returns true if an upload will store a file under this name.
    pub(crate) fn is_reserved(&self, key: &FileKey) -> bool {
        self.reserved.contains(key)
    }

    /// Returns true if an upload that is kept and not running will store a file under this name.
    pub(crate) fn is_parked(&self, key: &FileKey) -> bool {
        self.parked.values().any(|upload| upload.key == *key)
    }

    /// Returns the names that uploads have reserved.
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
}
