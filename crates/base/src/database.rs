//! The embedded database of a data directory: one file, used by one process, with transactions that are durable when
//! they return.
//!
//! The engine is redb 4. The modules above define the tables and their content; values are encoded by [`codec`] with the version
//! of their type: see [`Stored`].
//! Every call blocks; callers keep them off threads that must not block.
//!
//! A write has one of three outcomes. It is committed if `Ok` is returned, and it is not committed if any error but
//! [`DatabaseError::OutcomeUnknown`] is returned. That error comes from the commit itself, and leaves the outcome unknown: a
//! failed `fdatasync(2)` does not tell if the new root is on the disk. From then on everything but reading is refused with
//! [`DatabaseError::Suspended`], until the next start reads what is on the disk.
//!
//! A file is verified before anything in it is changed. A file that is read-only is opened all the same, and changes that are
//! made while reading, such as the last use of a session, are kept in memory.
//!
//! A file of an older format is opened too: its tables are brought up to date in one transaction, and a copy of it is kept before
//! anything in it is changed. See [`Database::open_migrating`].

mod error;
mod held_back;
mod kept_copy;
mod place;
mod reserve;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use redb::backends::FileBackend;
use redb::{
    Builder, CommitError, Durability, ReadTransaction, ReadableDatabase, StorageBackend, StorageError, TableDefinition,
    WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::DatabaseError;

use self::error::{damaged_value, opening_failed};
use self::held_back::HeldBack;
use self::place::Place;
use self::reserve::Reserve;
use crate::codec::{self, DecodeError};
use crate::data_dir::DirectoryLock;
use crate::panics;
use crate::private_file;
use crate::spelling::visible_path;
use crate::user_name::UserName;

/// Version of the format of the tables as a whole.
const FORMAT: u8 = 2;
/// Oldest version of the format that can be brought up to date.
const FORMAT_OLDEST: u8 = 1;
/// Prefix of the names of databases that are being created.
const UNFINISHED: &str = ".catalog-new-";
/// Size of the database's own cache in bytes: redb would use a gibibyte by default.
const CACHE_BYTES: usize = 32 << 20;

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Type of the values of a table, with the version of its encoding.
///
/// Each type has its own version, so that one can change without the others. A value of another version is refused with a message
/// and never guessed at.
pub trait Stored: Serialize + DeserializeOwned {
    /// Version of the encoding of this type.
    const VERSION: u8;
}

/// Gives types of stored values their versions, as in `stored!(FileRow = 1, PageRow = 1)`.
#[macro_export]
macro_rules! stored {
    ($($value:ty = $version:literal),* $(,)?) => {$(
        impl $crate::database::Stored for $value {
            const VERSION: u8 = $version;
        }
    )*};
}

stored!(UserName = 1);

/// Purpose of a change, which decides if it may use the reserved disk space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The change stores data. It fails until there is room on the disk.
    Keep,
    /// The change deletes data. It may use the reserved space, since no other change frees any.
    Free,
    /// The change grants or refuses access and logs that. It may use the reserved space, since a user who deletes files has to
    /// log in first. If the database is read-only, the change lasts as long as the database is open.
    Access,
}

/// Open database. Clones are cheap and share it.
#[derive(Debug, Clone)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: redb::Database,
    place: Place,
    /// Reason why the database is suspended and no longer written.
    suspended: OnceLock<String>,
    is_read_only: bool,
    /// Copy of the file as it was, if it had an older format and may be changed.
    kept_copy: OnceLock<PathBuf>,
    /// Space reserved in the directory, and the directory's lock. They are released after the database is closed, which is the
    /// last change in the directory.
    held: OnceLock<(Option<Reserve>, DirectoryLock)>,
}

impl Database {
    /// Opens the database at `path`, or creates one.
    ///
    /// # Errors
    /// Fails if another process has it open, or if the file is damaged or of another version; the file is then unchanged.
    pub fn open(path: &Path) -> Result<Database, DatabaseError> {
        Database::open_migrating(path, |_| Err(unknown_format(path)))
    }

    /// Opens the database at `path`, or creates one. If the file has an older format, `migrate` brings its tables up to date in one
    /// transaction, and a copy of the file as it was is kept beside it.
    ///
    /// # Errors
    /// Fails like [`open`](Self::open), or with the error of `migrate`; the file is then unchanged.
    pub fn open_migrating<E: From<DatabaseError>>(
        path: &Path,
        migrate: impl FnOnce(&WriteTransaction) -> Result<(), E>,
    ) -> Result<Database, E> {
        if !path.metadata().is_ok_and(|metadata| metadata.len() > 0 || !metadata.is_file()) {
            create(path)?;
        }
        Database::open_existing(path, false, migrate)
    }

    /// Opens the database at `path` without changing the file, even if a killed process has left it open. If the file has an older
    /// format, `migrate` brings its tables up to date in memory.
    ///
    /// # Errors
    /// Fails if there is no database, if another process has it open for writing, or if it is damaged or of another version.
    pub fn open_read_only<E: From<DatabaseError>>(
        path: &Path,
        migrate: impl FnOnce(&WriteTransaction) -> Result<(), E>,
    ) -> Result<Database, E> {
        Database::open_existing(path, true, migrate)
    }

    /// Keeps the lock of the database's directory until the last clone of the database is dropped, and reserves space in the
    /// directory.
    pub fn hold(&self, lock: DirectoryLock) {
        let reserve = (!self.0.is_read_only).then(|| Reserve::of(lock.path()));
        // A database is held once, so that the cell is empty before.
        let _ = self.0.held.set((reserve, lock));
    }

    /// Returns true if the database is read-only.
    pub fn is_read_only(&self) -> bool {
        self.0.is_read_only
    }

    fn open_existing<E: From<DatabaseError>>(
        path: &Path,
        read_only: bool,
        migrate: impl FnOnce(&WriteTransaction) -> Result<(), E>,
    ) -> Result<Database, E> {
        let damaged = |reason| DatabaseError::Damaged { path: path.to_owned(), reason };
        let unreachable = |error| DatabaseError::Io { reason: format!("{}: {error}", visible_path(path)) };
        let file = File::options().read(true).write(!read_only).open(path).map_err(unreachable)?;
        let place = Place::new(path.to_owned(), &file.metadata().map_err(unreachable)?);
        let backend = FileBackend::new(file).map_err(|error| opening_failed(path, &error))?;
        let backend = HeldBack::new(backend, read_only).map_err(unreachable)?;
        let opened = panics::caught(|| open_sound(backend.clone())).map_err(damaged)?;
        let database = Database::new(opened.map_err(|error| opening_failed(path, &error))?, place, read_only);
        let format = database.format(path)?;
        if format < FORMAT {
            database.migrate(migrate)?;
            if !read_only {
                // Nothing has reached the file so far. It changes only when a copy of it is kept.
                let _ = database.0.kept_copy.set(kept_copy::keep(path, format)?);
            }
        }
        backend.let_through().map_err(unreachable)?;
        Ok(database)
    }

    fn new(engine: redb::Database, place: Place, is_read_only: bool) -> Database {
        let (suspended, kept_copy, held) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Database(Arc::new(Inner { engine, place, suspended, is_read_only, kept_copy, held }))
    }

    /// Returns the copy of the file that was kept when it was opened, because it had an older format.
    pub fn kept_copy(&self) -> Option<&Path> {
        self.0.kept_copy.get().map(PathBuf::as_path)
    }

    /// Brings the tables of an older format up to date, and records the format in use: both in one transaction.
    fn migrate<E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<(), E>) -> Result<(), E> {
        // A read-only database takes no other changes.
        self.write_for(Purpose::Access, |transaction| {
            body(transaction)?;
            Ok(record_format(transaction)?)
        })
    }

    /// Returns the version of the format of the tables.
    fn format(&self, path: &Path) -> Result<u8, DatabaseError> {
        let damaged = |reason: String| DatabaseError::Damaged { path: path.to_owned(), reason };
        let table = self.read()?.open_table(META).map_err(|_| damaged("it is no catalog of p2p".into()))?;
        let format = table.get("format")?.ok_or_else(|| damaged("it says nothing of its format".into()))?;
        let version = format.value().first().copied().unwrap_or_default();
        // Every version consists of its number alone; a number that is unknown is refused by the decoder.
        let known = if (FORMAT_OLDEST..FORMAT).contains(&version) { version } else { FORMAT };
        match codec::decode::<()>(known, format.value()) {
            Ok(()) => Ok(known),
            Err(DecodeError::Version { found, known }) => {
                Err(DatabaseError::UnknownFormat { path: path.to_owned(), found, known })
            }
            Err(error) => Err(damaged(error.to_string())),
        }
    }

    /// Begins a read transaction on the present content.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn read(&self) -> Result<ReadTransaction, DatabaseError> {
        Ok(self.0.engine.begin_read()?)
    }

    /// Runs `body` in one durable transaction, which is rolled back if `body` fails.
    ///
    /// # Errors
    /// Returns the error of `body` or of the disk; nothing is changed then. Returns [`DatabaseError::OutcomeUnknown`] if the
    /// commit itself fails, and [`DatabaseError::Suspended`] from then on.
    pub fn write<T, E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        self.write_for(Purpose::Keep, body)
    }

    /// Runs `body` in one durable transaction for a purpose, which decides if it may use the reserved space.
    ///
    /// # Errors
    /// Fails like [`write`](Self::write).
    pub fn write_for<T, E: From<DatabaseError>>(
        &self,
        purpose: Purpose,
        body: impl FnOnce(&WriteTransaction) -> Result<T, E>,
    ) -> Result<T, E> {
        self.admit(purpose)?;
        let result = self.transact(body);
        if let Some(reserve) = self.reserve() {
            match result {
                Ok(_) => reserve.restore(),
                // The system may count room differently from what `statvfs` reports, as with quotas: the next attempt finds more.
                Err(_) if purpose != Purpose::Keep && reserve.is_short() => reserve.release(),
                Err(_) => {}
            }
        }
        result
    }

    fn reserve(&self) -> Option<&Reserve> {
        self.0.held.get()?.0.as_ref()
    }

    /// Refuses a change that cannot or may not be made now.
    fn admit(&self, purpose: Purpose) -> Result<(), DatabaseError> {
        self.refuse_when_suspended()?;
        if self.0.is_read_only {
            return if purpose == Purpose::Access { Ok(()) } else { self.refuse_when_read_only() };
        }
        if let Some(reason) = self.0.place.displaced() {
            return Err(DatabaseError::Suspended { reason: self.suspend(reason) });
        }
        match self.reserve() {
            // A transaction that runs out of space would suspend the database for the rest of the process.
            Some(reserve) if purpose == Purpose::Keep && reserve.is_short_for_more() => Err(DatabaseError::Full),
            Some(reserve) if purpose != Purpose::Keep && reserve.is_short() => {
                reserve.release();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn transact<T, E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        let mut transaction = self.0.engine.begin_write().map_err(DatabaseError::from)?;
        transaction.set_durability(Durability::Immediate).map_err(DatabaseError::from)?;
        // Without this, the next start after a crash has to read the whole file.
        transaction.set_quick_repair(true);
        let result = body(&transaction)?;
        self.commit(transaction)?;
        Ok(result)
    }

    fn commit(&self, transaction: WriteTransaction) -> Result<(), DatabaseError> {
        let failure = match panics::caught(|| transaction.commit()) {
            // Data written to a file that is no longer found under its path counts as not stored.
            Ok(Ok(())) if !self.0.is_read_only => self.0.place.displaced(),
            Ok(Ok(())) => None,
            // The transaction was rolled back instead.
            Ok(Err(error @ CommitError::TransactionPoisoned)) => return Err(error.into()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic),
        };
        failure.map_or(Ok(()), |reason| Err(DatabaseError::OutcomeUnknown { reason: self.suspend(reason) }))
    }

    /// Suspends the database, and returns the first reason for which it was suspended.
    fn suspend(&self, reason: String) -> String {
        self.0.suspended.get_or_init(|| reason).clone()
    }

    /// Refuses if the database is suspended: its content may then differ from what the next start finds, so that no segment may
    /// be deleted because of it.
    ///
    /// # Errors
    /// Returns [`DatabaseError::Suspended`] if the database is suspended.
    pub fn refuse_when_suspended(&self) -> Result<(), DatabaseError> {
        let reason = self.0.suspended.get();
        reason.map_or(Ok(()), |reason| Err(DatabaseError::Suspended { reason: reason.clone() }))
    }

    /// Refuses if the database is read-only.
    ///
    /// # Errors
    /// Returns [`DatabaseError::ReadOnly`] if the database is read-only.
    pub fn refuse_when_read_only(&self) -> Result<(), DatabaseError> {
        if self.0.is_read_only { Err(DatabaseError::ReadOnly { path: self.0.place.path.clone() }) } else { Ok(()) }
    }
}

/// Encodes a value for the tables.
///
/// # Errors
/// Fails if the value cannot be encoded, which is a bug of this program.
pub fn encode<T: Stored>(value: &T) -> Result<Vec<u8>, DatabaseError> {
    codec::encode(T::VERSION, value).map_err(|error| DatabaseError::Io { reason: error.to_string() })
}

/// Decodes a value of the tables.
///
/// # Errors
/// Returns [`DatabaseError::Damaged`] if the bytes cannot be decoded, or have another version.
pub fn decode<T: Stored>(bytes: &[u8]) -> Result<T, DatabaseError> {
    codec::decode(T::VERSION, bytes).map_err(|error| damaged(error.to_string()))
}

/// Returns the error for a value or a relation between values that is not as it was written.
pub fn damaged(reason: String) -> DatabaseError {
    damaged_value(reason)
}

/// Returns the error for a database of an older format that its user cannot bring up to date.
fn unknown_format(path: &Path) -> DatabaseError {
    DatabaseError::UnknownFormat { path: path.to_owned(), found: FORMAT_OLDEST, known: FORMAT }
}

fn record_format(transaction: &WriteTransaction) -> Result<(), DatabaseError> {
    let format = codec::encode(FORMAT, &()).map_err(|error| DatabaseError::Io { reason: error.to_string() })?;
    transaction.open_table(META)?.insert("format", format.as_slice())?;
    Ok(())
}

/// Creates a database without any tables of other modules under a temporary name, and gives it its own name once it is complete
/// and durable. A file that has that name by then stays unchanged.
fn create(path: &Path) -> Result<(), DatabaseError> {
    let failed = |error: &dyn std::fmt::Display| DatabaseError::Io { reason: error.to_string() };
    let directory = private_file::directory_of(path);
    sweep_unfinished(directory);
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory).map_err(|error| failed(&error))?;
    let created = Builder::new().create(unfinished.path()).map_err(|error| opening_failed(path, &error))?;
    let metadata = unfinished.as_file().metadata().map_err(|error| failed(&error))?;
    let place = Place::new(unfinished.path().to_owned(), &metadata);
    let database = Database::new(created, place, false);
    database.write(record_format)?;
    drop(database);
    remove_empty(path).map_err(|error| failed(&error))?;
    match unfinished.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => return Err(failed(&error.error)),
        _ => {}
    }
    // The name of a new file is durable only after its directory is synced. The directories above are synced too, since a killed
    // start may have created them without a sync; those that this user cannot open were not created by it.
    private_file::sync_directory(directory).map_err(|error| failed(&error))?;
    for above in directory.ancestors().skip(1) {
        let _ = private_file::sync_directory(if above.as_os_str().is_empty() { Path::new(".") } else { above });
    }
    Ok(())
}

/// Removes an empty file, such as a crash of the file system may leave.
fn remove_empty(path: &Path) -> std::io::Result<()> {
    let is_empty = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
    if is_empty { std::fs::remove_file(path) } else { Ok(()) }
}

/// Removes the leftovers of crashes of [`create`]. Errors are ignored, since leftovers do no harm.
fn sweep_unfinished(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Opens the database and verifies its pages against their checksums: data read from damaged pages could be anything, and
/// segments would be deleted because of it. If redb 4 meets damage before that, it may panic.
fn open_sound(backend: impl StorageBackend) -> Result<redb::Database, redb::DatabaseError> {
    let mut database = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend)?;
    if !database.check_integrity()? {
        return Err(StorageError::Corrupted("what is there does not agree with its checksums".into()).into());
    }
    Ok(database)
}

#[cfg(test)]
mod tests;
