//! Names of stored files: the catalog, the tree of its files and directories in memory, and the names that running uploads have
//! reserved.

use std::collections::BTreeSet;
use std::sync::Arc;

use p2p_store::catalog::Catalog;
use p2p_store::names::FileKey;
use p2p_store::namespace::Namespace;

/// Stored files and reserved names.
#[derive(Debug)]
pub(crate) struct Names {
    catalog: Arc<Catalog>,
    files: Namespace,
    /// Names that running uploads will store files under.
    reserved: BTreeSet<FileKey>,
}

impl Names {
    /// Makes the names of a catalog with these files and directories.
    pub(crate) fn new(catalog: Catalog, files: Namespace) -> Names {
        Names { catalog: Arc::new(catalog), files, reserved: BTreeSet::new() }
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
}
