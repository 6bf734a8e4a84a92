//! Floor 0: the embedded database of a data directory: one file, one process, transactions that are durable when they return.
//!
//! The engine is redb 4. Which tables there are, and what is in them, is for the modules above to say; values are encoded by
//! [`codec`] with a version. Every call blocks: keep them off threads that must not. Knows nothing of what it
//! keeps.
//!
//! A write has one of three outcomes. It is committed where `Ok` is returned; it is not where any error but
//! [`DatabaseError::OutcomeUnknown`] is; and with that one, which is the error of the commit itself, nobody knows: a failed
//! `fdatasync(2)` says neither that the new root is on the disk nor that it is not. From then on everything but reading is
//! refused with [`DatabaseError::Suspended`], and the next start, which reads what is on the disk, decides.

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use redb::backends::FileBackend;
use redb::{
    Builder, CommitError, Durability, ReadTransaction, ReadableDatabase, StorageBackend, StorageError, TableDefinition,
    WriteTransaction,
};
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
    /// The commit itself failed: nobody knows whether the change is stored.
    #[error("it is not known whether the change is stored ({reason}); nothing more is written, and the next start finds out")]
    OutcomeUnknown {
        /// What failed.
        reason: String,
    },
    /// Nothing is written any more, because the outcome of an earlier change is unknown or the file is another's by now. What
    /// was asked for is not done.
    #[error("nothing more is written to the catalog before the next start: {reason}")]
    Suspended {
        /// What failed.
        reason: String,
    },
}

impl DatabaseError {
    /// Whether nobody knows if the change is stored. Then nothing may be done that relies on either.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, DatabaseError::OutcomeUnknown { .. })
    }
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
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: redb::Database,
    place: Place,
    /// Why nothing is written any more.
    suspended: OnceLock<String>,
}

/// Where the database's file is, and which file that is.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    file: FileIdentity,
}

/// Device and inode of a file: what tells it from every other (POSIX.1-2024, `<sys/stat.h>`) as long as it is open.
type FileIdentity = (u64, u64);

fn identity(metadata: &Metadata) -> FileIdentity {
    (metadata.dev(), metadata.ino())
}

impl Place {
    /// Why what is written to the open file is lost, where its path has come to name another file, or none.
    fn displaced(&self) -> Option<String> {
        let path = self.path.display();
        match self.path.metadata() {
            Ok(found) if identity(&found) == self.file => None,
            Ok(_) => Some(format!("{path} is another file than the one that is open; somebody has replaced it")),
            Err(error) => Some(format!("{path} cannot be found any more: {error}")),
        }
    }
}

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
        let unreachable = |error| DatabaseError::Io { reason: format!("{}: {error}", path.display()) };
        let file = File::options().read(true).write(true).open(path).map_err(unreachable)?;
        let place = Place { path: path.to_owned(), file: identity(&file.metadata().map_err(unreachable)?) };
        let opened = panics::caught(|| open_sound(FileBackend::new(file)?)).map_err(damaged)?;
        let database = Database::new(opened.map_err(|error| opening_failed(path, &error))?, place);
        database.check_format(path)?;
        Ok(database)
    }

    fn new(engine: redb::Database, place: Place) -> Database {
        Database(Arc::new(Inner { engine, place, suspended: OnceLock::new() }))
    }

    /// What is there at this instant.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn read(&self) -> Result<ReadTransaction, DatabaseError> {
        Ok(self.0.engine.begin_read()?)
    }

    /// One durable transaction: all of `body`, or nothing where it fails.
    ///
    /// # Errors
    /// What `body` refuses, or the disk: then nothing is changed. [`DatabaseError::OutcomeUnknown`] where the commit itself
    /// fails, and [`DatabaseError::Suspended`] from then on.
    pub fn write<T, E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        self.refuse_when_suspended()?;
        if let Some(reason) = self.0.place.displaced() {
            return Err(DatabaseError::Suspended { reason: self.suspend(reason) }.into());
        }
        let mut transaction = self.0.engine.begin_write().map_err(DatabaseError::from)?;
        transaction.set_durability(Durability::Immediate).map_err(DatabaseError::from)?;
        // Else a crash costs a walk through the whole file at the next start.
        transaction.set_quick_repair(true);
        let result = body(&transaction)?;
        self.commit(transaction)?;
        Ok(result)
    }

    fn commit(&self, transaction: WriteTransaction) -> Result<(), DatabaseError> {
        let failure = match panics::caught(|| transaction.commit()) {
            // What was written to a file that nobody will find again is not stored.
            Ok(Ok(())) => self.0.place.displaced(),
            // The transaction was rolled back instead.
            Ok(Err(error @ CommitError::TransactionPoisoned)) => return Err(error.into()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic),
        };
        failure.map_or(Ok(()), |reason| Err(DatabaseError::OutcomeUnknown { reason: self.suspend(reason) }))
    }

    /// Writes nothing from now on; gives why, which is the first reason that there was.
    fn suspend(&self, reason: String) -> String {
        self.0.suspended.get_or_init(|| reason).clone()
    }

    /// Refuses where what is read may not be what the next start finds, so that nothing may be deleted by it.
    ///
    /// # Errors
    /// [`DatabaseError::Suspended`].
    pub fn refuse_when_suspended(&self) -> Result<(), DatabaseError> {
        let reason = self.0.suspended.get();
        reason.map_or(Ok(()), |reason| Err(DatabaseError::Suspended { reason: reason.clone() }))
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
    let metadata = unfinished.as_file().metadata().map_err(|error| failed(&error))?;
    let database = Database::new(created, Place { path: unfinished.path().to_owned(), file: identity(&metadata) });
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
fn open_sound(backend: impl StorageBackend) -> Result<redb::Database, redb::DatabaseError> {
    let mut database = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend)?;
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
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const NUMBERS: TableDefinition<u64, u64> = TableDefinition::new("numbers");

    /// A file whose syncs fail once `good` of them have passed.
    #[derive(Debug)]
    struct Failing {
        file: FileBackend,
        good: Arc<AtomicUsize>,
    }

    impl StorageBackend for Failing {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.file.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            let good = self.good.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |good| good.checked_sub(1));
            good.map_err(|_| io::Error::from_raw_os_error(5)).and_then(|_| self.file.sync_data())
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.file.write(offset, data)
        }
    }

    fn failing(path: &Path) -> (Database, Arc<AtomicUsize>) {
        drop(Database::open(path).unwrap());
        let file = File::options().read(true).write(true).open(path).unwrap();
        let (place, good) = (identity(&file.metadata().unwrap()), Arc::new(AtomicUsize::new(usize::MAX)));
        let backend = Failing { file: FileBackend::new(file).unwrap(), good: Arc::clone(&good) };
        (Database::new(open_sound(backend).unwrap(), Place { path: path.to_owned(), file: place }), good)
    }

    fn insert(database: &Database, number: u64) -> Result<(), DatabaseError> {
        database.write(|transaction| Ok(transaction.open_table(NUMBERS)?.insert(number, number).map(drop)?))
    }

    fn holds(path: &Path, number: u64) -> bool {
        let table = Database::open(path).unwrap().read().unwrap().open_table(NUMBERS).unwrap();
        table.get(number).unwrap().is_some()
    }

    /// Whichever sync of a commit fails: it is not known what is stored, and that is said; nothing follows it.
    #[test]
    fn a_commit_that_fails_is_neither_done_nor_undone() {
        let mut stored = Vec::new();
        for good in 0..4 {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("catalog.redb");
            let (database, left) = failing(&path);
            insert(&database, 1).unwrap();
            left.store(good, Ordering::SeqCst);
            let outcome = insert(&database, 2);
            left.store(usize::MAX, Ordering::SeqCst);
            let Err(error) = outcome else { continue };
            assert!(error.is_outcome_unknown(), "{good} syncs: {error}");
            let later = insert(&database, 3).unwrap_err();
            assert!(matches!(&later, DatabaseError::Suspended { reason } if !reason.is_empty()), "{later}");
            drop(database);
            assert!(holds(&path, 1) && !holds(&path, 3));
            stored.push(holds(&path, 2));
        }
        assert_eq!((stored.first(), stored.last()), (Some(&false), Some(&true)), "{stored:?}: it depends on which sync fails");
    }

    #[test]
    fn what_the_body_refuses_changes_nothing_and_stops_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&directory.path().join("catalog.redb")).unwrap();
        let refused = DatabaseError::Io { reason: "no".into() };
        assert_eq!(database.write(|_| Err::<(), _>(refused.clone())), Err(refused));
        insert(&database, 1).unwrap();
    }

    /// Whoever replaces or removes the file takes with it what is committed to it afterwards.
    #[test]
    fn nothing_is_acknowledged_that_went_to_a_file_without_a_name() {
        for replaced in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("catalog.redb");
            let database = Database::open(&path).unwrap();
            let displace = || {
                std::fs::rename(&path, directory.path().join("old")).unwrap();
                if replaced {
                    drop(Database::open(&path).unwrap());
                }
            };
            let during = database.write(|transaction| {
                displace();
                Ok::<_, DatabaseError>(transaction.open_table(NUMBERS)?.insert(1, 1).map(drop)?)
            });
            assert!(during.as_ref().is_err_and(DatabaseError::is_outcome_unknown), "{during:?}");
            assert!(matches!(insert(&database, 2), Err(DatabaseError::Suspended { .. })));
            let database = Database::open(&directory.path().join("old"));
            assert!(matches!(database, Err(DatabaseError::InUse { .. })), "{database:?}");
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        let database = Database::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let before = insert(&database, 1).unwrap_err();
        assert!(matches!(&before, DatabaseError::Suspended { reason } if reason.contains("catalog.redb")), "{before}");
    }

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
