//! Tests of the database: commits that fail, files that are replaced, damaged or of another format, and starts that are killed.

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
    let (place, good) = (Place::new(path.to_owned(), &file.metadata().unwrap()), Arc::new(AtomicUsize::new(usize::MAX)));
    let backend = Failing { file: FileBackend::new(file).unwrap(), good: Arc::clone(&good) };
    (Database::new(open_sound(backend).unwrap(), place, false), good)
}

fn read_only(path: &Path) -> Result<Database, DatabaseError> {
    Database::open_read_only(path, |_| Ok(()))
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

/// Of two processes that begin at once, the slower one opens what the quicker one has made.
#[test]
fn creation_replaces_nothing_but_an_empty_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.redb");
    std::fs::write(&path, "").unwrap();
    insert(&Database::open(&path).unwrap(), 7).unwrap();
    create(&path).unwrap();
    assert!(holds(&path, 7));
    assert_eq!(directory.path().read_dir().unwrap().count(), 1);
}

/// One bit is enough to be refused, and nobody can tell later that it was tried.
#[test]
fn a_damaged_file_is_refused_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.redb");
    let database = Database::open(&path).unwrap();
    (0..200).for_each(|number| insert(&database, number).unwrap());
    drop(database);
    let whole = std::fs::read(&path).unwrap();
    let mut chance = crate::random::RandomStream::new(1, "damage");
    let mut refused = 0;
    for _ in 0..100 {
        let mut damaged = whole.clone();
        let place = chance.below(whole.len() as u64) as usize;
        damaged[place] ^= 1 << chance.below(8);
        std::fs::write(&path, &damaged).unwrap();
        match Database::open(&path) {
            // A bit of a page that holds nothing.
            Ok(_) => continue,
            Err(error) => assert!(matches!(error, DatabaseError::Damaged { .. }), "{error}"),
        }
        refused += 1;
        assert!(std::fs::read(&path).unwrap() == damaged, "byte {place} was changed, and others by the attempt");
    }
    assert!(refused >= 5, "{refused}");
}

#[test]
fn what_can_only_be_read_is_read_and_noted_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.redb");
    let database = Database::open(&path).unwrap();
    insert(&database, 1).unwrap();
    // As a killed process leaves it: with the mark of one that writes.
    let left = std::fs::read(&path).unwrap();
    drop(database);
    for content in [left, std::fs::read(&path).unwrap()] {
        std::fs::write(&path, &content).unwrap();
        let (one, other) = (read_only(&path).unwrap(), read_only(&path).unwrap());
        assert!(matches!(insert(&one, 2), Err(DatabaseError::ReadOnly { .. })));
        one.write_for(Purpose::Access, |transaction| {
            Ok::<_, DatabaseError>(transaction.open_table(NUMBERS)?.insert(3, 3).map(drop)?)
        })
        .unwrap();
        let held =
            |database: &Database, number| database.read().unwrap().open_table(NUMBERS).unwrap().get(number).unwrap().is_some();
        assert!(held(&one, 1) && held(&one, 3) && held(&other, 1) && !held(&other, 3));
        assert!(matches!(Database::open(&path), Err(DatabaseError::InUse { .. })));
        drop((one, other));
        assert!(std::fs::read(&path).unwrap() == content);
    }
    assert!(read_only(&directory.path().join("missing")).is_err());
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
    assert!(message.contains("has the format 9"), "{message}");
}
