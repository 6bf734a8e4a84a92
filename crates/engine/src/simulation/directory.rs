//! The data directory of a simulation: its lock, and its catalog under that lock.

use std::fs;
use std::path::Path;

use p2p_base::data_dir::{self, DirectoryLock, LockError, Sharing};
use p2p_base::database::{Database, DatabaseError};
use p2p_base::private_file;
use p2p_base::units::count_of;
use p2p_store::catalog::Catalog;
use p2p_store::disk::{Disk, DiskError};
use p2p_store::file_system::FileSystems;
use p2p_store::local_disk::LocalDisk;

use crate::error::EngineError;

/// Data directory that this process has locked, with its catalog if that is open already. To open a catalog takes a time in
/// proportion to what is stored, because all of it is verified, so that it is opened once.
#[derive(Debug)]
pub struct LockedDirectory {
    lock: DirectoryLock,
    catalog: Option<Catalog>,
}

impl LockedDirectory {
    /// Locks a data directory, and creates it if it is missing. Before the lock is taken, only the existence of a catalog is
    /// checked. The lock is shared with other readers if `wanted` is [`Sharing::Shared`] and a catalog exists, or if the directory
    /// is read-only; it is exclusive otherwise.
    ///
    /// # Errors
    /// Returns [`DatabaseError::InUse`] if another process uses the directory, [`EngineError::DataDir`] if it cannot be used at
    /// all.
    pub fn lock(path: &Path, wanted: Sharing) -> Result<LockedDirectory, EngineError> {
        let unusable = |reason: String| EngineError::DataDir { path: path.to_owned(), reason };
        private_file::create_directory(path).map_err(|error| unusable(error.to_string()))?;
        let catalog = path.join("catalog.redb");
        let sharing = match cannot_be_changed(path) {
            // A missing catalog has to be created first, which needs an exclusive lock.
            false if catalog.metadata().is_ok_and(|metadata| metadata.len() > 0) => wanted,
            false => Sharing::Exclusive,
            true if catalog.exists() => Sharing::Shared,
            true => return Err(unusable("nothing can be written there, and there is nothing to read".into())),
        };
        let lock = DirectoryLock::acquire(path, sharing).map_err(|error| match error {
            LockError::InUse { path } => EngineError::Catalog(DatabaseError::InUse { path }.into()),
            LockError::Io { error, .. } => unusable(error.to_string()),
        })?;
        Ok(LockedDirectory { lock, catalog: None })
    }

    /// Returns the mode of the lock.
    pub fn sharing(&self) -> Sharing {
        self.lock.sharing()
    }

    /// Returns the database of the catalog, which is opened if it is not open yet: without any change to it under a shared lock.
    ///
    /// # Errors
    /// Fails if the catalog cannot be used.
    pub fn database(&mut self) -> Result<&Database, EngineError> {
        let catalog = match self.catalog.take() {
            Some(catalog) => catalog,
            None => open_catalog(&self.lock)?,
        };
        Ok(self.catalog.insert(catalog).database())
    }

    /// Returns the catalog, which holds the lock from then on.
    ///
    /// # Errors
    /// Fails if the catalog cannot be used.
    pub(super) fn into_catalog(self) -> Result<Catalog, EngineError> {
        let LockedDirectory { lock, catalog } = self;
        let catalog = catalog.map_or_else(|| open_catalog(&lock), Ok)?;
        catalog.database().hold(lock);
        Ok(catalog)
    }
}

fn open_catalog(lock: &DirectoryLock) -> Result<Catalog, EngineError> {
    let path = lock.path().join("catalog.redb");
    Ok(match lock.sharing() {
        Sharing::Exclusive => {
            refuse_lost_catalog(lock.path())?;
            Catalog::open(&path)?
        }
        Sharing::Shared => Catalog::open_read_only(&path)?,
    })
}

/// Returns true if this process cannot change the data directory or its catalog.
pub fn cannot_be_changed(path: &Path) -> bool {
    data_dir::is_read_only(path) || data_dir::is_read_only(&path.join("catalog.redb"))
}

/// Refuses a data directory with segments but no catalog: every segment would count as unreferenced, and the sweep would remove
/// them all.
fn refuse_lost_catalog(directory: &Path) -> Result<(), EngineError> {
    let path = directory.join("catalog.redb");
    if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(());
    }
    let nodes = fs::read_dir(directory.join("nodes")).into_iter().flatten().flatten();
    let mut segments = 0;
    for node in nodes.map(|entry| entry.path()) {
        let refused = |error: DiskError| EngineError::DataDir { path: node.clone(), reason: error.to_string() };
        segments += LocalDisk::at(&node, &FileSystems::default()).names().map_err(refused)?.len() as u64;
    }
    match segments {
        0 => Ok(()),
        // An empty file is the rest of a catalog, not a new one.
        segments if path.exists() => {
            let reason = format!("it is empty, but the nodes hold {}", count_of(segments, "segment"));
            Err(EngineError::Catalog(DatabaseError::Damaged { path, reason }.into()))
        }
        segments => Err(EngineError::CatalogMissing { path: directory.to_owned(), segments }),
    }
}
