//! Floor 0: the embedded database of a data directory: one file, one process, transactions that are durable when they return.
//!
//! It is redb 4. Which tables there are, and what is in them, is for the modules above to say; values are encoded by
//! [`codec`] with a version. Every call blocks: keep them off threads that must not. Knows nothing of what it
//! keeps.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Builder, Durability, ReadTransaction, ReadableDatabase, StorageError, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::{codec, panics};

/// The format of the tables as a whole.
const FORMAT: u8 = 1;
/// The format of a value in them.
const VALUE: u8 = 1;
/// How the names of databases begin that are not whole yet.
const UNFINISHED: &str = ".catalog-new-";
/// The database's own cache, in bytes: redb would take a gibibyte.
const CACHE_BYTES: usize = 32 << 20;

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Why the database did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// Another process has it open.
    #[error("{path} is in use by another p2p process; one process at a time may use a data directory")]
    InUse {
        /// Its file.
        path: PathBuf,
    },
    /// What is in the file is no database of ours, or no longer.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The disk under it refused.
    #[error("the catalog cannot be read or written: {reason}")]
    Io {
        /// What the system said.
        reason: String,
    },
}

impl From<redb::Error> for DatabaseError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(reason) => damaged_value(reason),
            error => DatabaseError::Io { reason: error.to_string() },
        }
    }
}

/// Conversions by way of redb's error of everything, so that `?` serves wherever a table is touched.
macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for DatabaseError {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_redb!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError, redb::SetDurabilityError);

fn damaged_value(reason: String) -> DatabaseError {
    DatabaseError::Damaged { path: PathBuf::from("catalog.redb"), reason }
}

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database(Arc<redb::Database>);

impl Database {
    /// Opens the database at `path`, or makes one.
    ///
    /// # Errors
    /// Where another process has it open, or what is there is damaged or of another version.
    pub fn open(path: &Path) -> Result<Database, DatabaseError> {
        if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
            return Database::open_existing(path);
        }
        let created = create_empty(path);
        // Another process may have been quicker, and then this one is told that the database is in use.
        Database::open_existing(path).or_else(|error| created.and(Err(error)))
    }

    fn open_existing(path: &Path) -> Result<Database, DatabaseError> {
        let damaged = |reason| DatabaseError::Damaged { path: path.to_owned(), reason };
        let opened = panics::caught(|| open_sound(path)).map_err(damaged)?;
        let database = Database(Arc::new(opened.map_err(|error| opening_failed(path, &error))?));
        database.check_format(path)?;
        Ok(database)
    }

    /// What is there at this instant.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn read(&self) -> Result<ReadTransaction, DatabaseError> {
        Ok(self.0.begin_read()?)
    }

    /// One durable transaction: all of `body`, or nothing where it fails.
    ///
    /// # Errors
    /// What `body` refuses, or the disk.
    pub fn write<T, E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        let mut transaction = self.0.begin_write().map_err(DatabaseError::from)?;
        transaction.set_durability(Durability::Immediate).map_err(DatabaseError::from)?;
        // Else a crash costs a walk through the whole file at the next start.
        transaction.set_quick_repair(true);
        let result = body(&transaction)?;
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(result)
    }

    fn check_format(&self, path: &Path) -> Result<(), DatabaseError> {
        let damaged = |reason: String| DatabaseError::Damaged { path: path.to_owned(), reason };
        let table = self.read()?.open_table(META).map_err(|_| damaged("it is no catalog of p2p".into()))?;
        let format = table.get("format")?.ok_or_else(|| damaged("it says nothing of its format".into()))?;
        codec::decode::<()>(FORMAT, format.value()).map_err(|error| damaged(error.to_string()))
    }
}

/// A value as the tables keep it.
///
/// # Errors
/// Where it cannot be encoded: a bug.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, DatabaseError> {
    codec::encode(VALUE, value).map_err(|error| DatabaseError::Io { reason: error.to_string() })
}

/// The value that the tables keep as these bytes.
///
/// # Errors
/// Where they are damaged.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DatabaseError> {
    codec::decode(VALUE, bytes).map_err(|error| damaged_value(error.to_string()))
}

/// Makes a database without tables of anybody under another name and puts it in its place when it is whole and durable.
fn create_empty(path: &Path) -> Result<(), DatabaseError> {
    let failed = |error: &dyn std::fmt::Display| DatabaseError::Io { reason: error.to_string() };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sweep_unfinished(directory);
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory).map_err(|error| failed(&error))?;
    let created = Builder::new().create(unfinished.path()).map_err(|error| opening_failed(path, &error))?;
    let database = Database(Arc::new(created));
    let format = codec::encode(FORMAT, &()).map_err(|error| failed(&error))?;
    database.write(|transaction| -> Result<(), DatabaseError> {
        transaction.open_table(META)?.insert("format", format.as_slice())?;
        Ok(())
    })?;
    drop(database);
    unfinished.persist(path).map_err(|error| failed(&error.error))?;
    // A new file's name is durable only when its directory is.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| failed(&error))
}

/// Removes what crashes of [`create_empty`] have left. Best effort: it does no harm where it stays.
fn sweep_unfinished(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Opens the database and has it check its pages against their checksums: what is read from damaged pages could be anything,
/// and segments would be swept by it. Where it comes upon damage before that, redb 4 may panic.
fn open_sound(path: &Path) -> Result<redb::Database, redb::DatabaseError> {
    let mut database = Builder::new().set_cache_size(CACHE_BYTES).create(path)?;
    if !database.check_integrity()? {
        return Err(StorageError::Corrupted("what is there does not agree with its checksums".into()).into());
    }
    Ok(database)
}

fn opening_failed(path: &Path, error: &redb::DatabaseError) -> DatabaseError {
    let path = path.to_owned();
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen | redb::DatabaseError::LockProtocolMismatch => DatabaseError::InUse { path },
        redb::DatabaseError::Storage(StorageError::Io(io)) if !is_damage(io.kind()) => {
            DatabaseError::Io { reason: format!("{}: {io}", path.display()) }
        }
        other => DatabaseError::Damaged { path, reason: other.to_string() },
    }
}

/// Whether an I/O error is about what the file says, not about reaching it.
fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_format_is_refused_by_its_version() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        let database = redb::Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert("format", [9u8].as_slice()).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let message = Database::open(&path).unwrap_err().to_string();
        assert!(message.contains("version 9 is unknown"), "{message}");
    }
}
