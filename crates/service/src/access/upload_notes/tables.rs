//! Tables of notes: each change of a note changes its entries in the indexes in the same transaction.

use p2p_base::codec;
use p2p_base::database::{Database, DatabaseError, Purpose, Stored};
use p2p_store::uploads::UploadId;
use redb::{ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::{End, Noted, NotesMax, UploadNote};

/// Notes by the names of their users and their uploads. The operator, who has no name, has the empty one, which no user has.
const NOTES: TableDefinition<(&str, [u8; 16]), &[u8]> = TableDefinition::new("upload-notes-of-users");
/// Uploads that are not stored: the bytes after the last full segment, and the time from which on the upload may be dropped.
const OPEN: TableDefinition<(&str, [u8; 16]), (u64, u64)> = TableDefinition::new("upload-notes-open");
/// Uploads of users that are stored, by the times from which on they may be dropped.
const STORED: TableDefinition<(&str, u64, [u8; 16]), ()> = TableDefinition::new("upload-notes-stored");
/// Notes by the times from which on they may be dropped.
const EXPIRY: TableDefinition<(u64, &str, [u8; 16]), ()> = TableDefinition::new("upload-notes-expiry");
/// Notes by the names of their uploads alone, as former versions had them.
const FORMER: TableDefinition<[u8; 16], &[u8]> = TableDefinition::new("upload-notes");

/// Names of uploads, from the first to the last.
const ALL_IDS: ([u8; 16], [u8; 16]) = ([0; 16], [u8::MAX; 16]);
/// Notes that are dropped in one transaction at the most.
const DROPPED_AT_ONCE: usize = 256;

/// Notes an upload within the bounds, at a time in seconds since 1970: all in one transaction, so that of two that come at once one is the last.
pub(super) fn write(database: &Database, note: &UploadNote, (now, max): (u64, NotesMax)) -> Result<Noted, DatabaseError> {
    let value = codec::encode(UploadNote::VERSION, note).map_err(|error| DatabaseError::Io { reason: error.to_string() })?;
    database.write(|tables| {
        let noted = within(tables, note, (now, max))?;
        if noted == Noted::Done {
            let user = note.user.as_deref().unwrap_or_default();
            remove(tables, user, note.id)?;
            insert(tables, (user, note), &value)?;
            // No other note makes more of those that are stored.
            if matches!(note.end, End::Stored(_)) {
                drop_oldest(tables, user, max.stored)?;
            }
        }
        Ok(noted)
    })
}

/// Returns whether a note is within the bounds.
fn within(tables: &WriteTransaction, note: &UploadNote, (now, max): (u64, NotesMax)) -> Result<Noted, DatabaseError> {
    if matches!(note.end, End::Stored(_)) {
        return Ok(Noted::Done);
    }
    let (user, table) = (note.user.as_deref().unwrap_or_default(), tables.open_table(OPEN)?);
    let (mut count, mut others, mut former) = (0, 0_u64, None);
    for entry in table.range((user, ALL_IDS.0)..=(user, ALL_IDS.1))? {
        let (key, value) = entry?;
        let (tail, expires_at) = value.value();
        if key.value().1 == *note.id.as_bytes() {
            former = Some(tail);
        } else if expires_at > now {
            (count, others) = (count + 1, others.saturating_add(tail));
        }
    }
    let tail = note.tail.1.len() as u64;
    Ok(match former {
        None if count >= max.open => Noted::TooMany,
        _ if tail > former.unwrap_or_default() && others.saturating_add(tail) > max.tails => Noted::NoRoom,
        _ => Noted::Done,
    })
}

/// Puts a note that is not there into its tables.
fn insert(tables: &WriteTransaction, (user, note): (&str, &UploadNote), value: &[u8]) -> Result<(), DatabaseError> {
    let id = *note.id.as_bytes();
    tables.open_table(NOTES)?.insert((user, id), value)?;
    tables.open_table(EXPIRY)?.insert((note.expires_at, user, id), ())?;
    match note.end {
        End::Stored(_) => drop(tables.open_table(STORED)?.insert((user, note.expires_at, id), ())?),
        End::Open | End::Ending(_) => {
            drop(tables.open_table(OPEN)?.insert((user, id), (note.tail.1.len() as u64, note.expires_at))?);
        }
    }
    Ok(())
}

/// Takes a note out of its tables, if it is there.
pub(super) fn remove(tables: &WriteTransaction, user: &str, id: UploadId) -> Result<(), DatabaseError> {
    let id = *id.as_bytes();
    let former = tables.open_table(NOTES)?.remove((user, id))?.and_then(|value| decoded(value.value()));
    tables.open_table(OPEN)?.remove((user, id))?;
    if let Some(UploadNote { expires_at, .. }) = former {
        tables.open_table(EXPIRY)?.remove((expires_at, user, id))?;
        tables.open_table(STORED)?.remove((user, expires_at, id))?;
    }
    Ok(())
}

/// Drops the oldest notes of uploads of a user that are stored, until there are no more than may be.
fn drop_oldest(tables: &WriteTransaction, user: &str, max: usize) -> Result<(), DatabaseError> {
    let keys: Vec<(u64, [u8; 16])> = {
        let table = tables.open_table(STORED)?;
        let range = table.range((user, 0, ALL_IDS.0)..=(user, u64::MAX, ALL_IDS.1))?;
        let keys = range.map(|entry| entry.map(|(key, _)| (key.value().1, key.value().2)));
        keys.collect::<Result<_, _>>()?
    };
    for (expires_at, id) in &keys[..keys.len().saturating_sub(max)] {
        remove(tables, user, UploadId::new(*id))?;
        // It is there still if the note was not.
        tables.open_table(STORED)?.remove((user, *expires_at, *id))?;
    }
    Ok(())
}

/// Drops the notes of all users that are past at a time in seconds since 1970, but for those of which `is_kept` says that the engine keeps a
/// part for longer. Reads none that is not past.
///
/// # Errors
/// Fails if the disk refuses.
pub(crate) fn drop_past(database: &Database, now: u64, is_kept: impl Fn(UploadId) -> bool) -> Result<(), DatabaseError> {
    let past: Vec<(u64, String, UploadId)> = {
        let table = match database.read()?.open_table(EXPIRY) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // The empty name comes before all others.
        let range = table.range(..(now.saturating_add(1), "", ALL_IDS.0))?;
        let keys = range.map(|entry| {
            entry.map(|(key, _)| {
                let (at, user, id) = key.value();
                (at, user.to_owned(), UploadId::new(id))
            })
        });
        keys.filter(|key| !key.as_ref().is_ok_and(|(_, _, id)| is_kept(*id))).collect::<Result<_, _>>()?
    };
    for some in past.chunks(DROPPED_AT_ONCE) {
        database.write_for(Purpose::Free, |tables| {
            for (at, user, id) in some {
                drop_if_past(tables, (*at, user, *id), now)?;
            }
            Ok::<_, DatabaseError>(())
        })?;
    }
    Ok(())
}

/// Drops a note unless it has been changed since, and the entry by which it was found.
fn drop_if_past(tables: &WriteTransaction, (at, user, id): (u64, &str, UploadId), now: u64) -> Result<(), DatabaseError> {
    let found = tables.open_table(NOTES)?.get((user, *id.as_bytes()))?.map(|value| decoded(value.value()));
    // One that cannot be read is of no use to anybody.
    if found.is_some_and(|note| note.is_none_or(|note| note.is_past(now))) {
        remove(tables, user, id)?;
    }
    tables.open_table(EXPIRY)?.remove((at, user, *id.as_bytes()))?;
    Ok(())
}

/// Takes over the notes of former versions, which had no names of users in their keys.
///
/// # Errors
/// Fails if the disk refuses; they are taken over by the next start then.
pub(crate) fn take_over_former(database: &Database) -> Result<(), DatabaseError> {
    match database.read()?.open_table(FORMER) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        opened => drop(opened?),
    }
    database.write_for(Purpose::Free, |tables| {
        {
            let former = tables.open_table(FORMER)?;
            for entry in former.iter()? {
                let (_, value) = entry?;
                if let Some(note) = decoded(value.value()) {
                    insert(tables, (note.user.as_deref().unwrap_or_default(), &note), value.value())?;
                }
            }
        }
        tables.delete_table(FORMER)?;
        Ok(())
    })
}

pub(super) fn read(database: &Database, user: &str, id: UploadId) -> Result<Option<UploadNote>, DatabaseError> {
    match database.read()?.open_table(NOTES) {
        Ok(table) => Ok(table.get((user, *id.as_bytes()))?.and_then(|value| decoded(value.value()))),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn all(database: &Database, user: &str) -> Result<Vec<UploadNote>, DatabaseError> {
    let table = match database.read()?.open_table(NOTES) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut notes = Vec::new();
    for entry in table.range((user, ALL_IDS.0)..=(user, ALL_IDS.1))? {
        notes.extend(decoded(entry?.1.value()));
    }
    Ok(notes)
}

/// Returns the number of the open uploads of a user that are not past at a time in seconds since 1970.
pub(super) fn count_open(database: &Database, user: &str, now: u64) -> Result<usize, DatabaseError> {
    let table = match database.read()?.open_table(OPEN) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut count = 0;
    for entry in table.range((user, ALL_IDS.0)..=(user, ALL_IDS.1))? {
        count += usize::from(entry?.1.value().1 > now);
    }
    Ok(count)
}

/// Returns the note in a value; `None` if it is damaged or of another version of the program: what the engine keeps of the upload is
/// there without it.
fn decoded(value: &[u8]) -> Option<UploadNote> {
    let decoded = codec::decode(UploadNote::VERSION, value);
    decoded.inspect_err(|error| tracing::warn!(%error, "a note of an upload cannot be read")).ok()
}

#[cfg(test)]
mod tests {
    use p2p_store::segment::Sha256Digest;
    use redb::ReadableTableMetadata;

    use super::super::NOTES_MAX;
    use super::super::tests::note;
    use super::*;

    fn opened() -> (tempfile::TempDir, Database) {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&directory.path().join("a")).unwrap();
        (directory, database)
    }

    fn stored(note: UploadNote, expires_at: u64) -> UploadNote {
        UploadNote { end: End::Stored(Sha256Digest::of(b"a")), expires_at, tail: (0, Vec::new()), ..note }
    }

    fn forget(database: &Database, user: &str, id: u8) {
        database.write(|tables| remove(tables, user, UploadId::new([id; 16]))).unwrap();
    }

    /// The number of entries of each table.
    fn sizes(database: &Database) -> [u64; 4] {
        let tables = database.read().unwrap();
        [
            tables.open_table(NOTES).unwrap().len().unwrap(),
            tables.open_table(OPEN).unwrap().len().unwrap(),
            tables.open_table(STORED).unwrap().len().unwrap(),
            tables.open_table(EXPIRY).unwrap().len().unwrap(),
        ]
    }

    const NOW: u64 = 1;

    #[test]
    fn notes_are_there_until_they_are_forgotten_and_each_user_has_their_own() {
        let (_directory, database) = opened();
        assert_eq!((read(&database, "alice", UploadId::new([1; 16])), all(&database, "alice")), (Ok(None), Ok(Vec::new())));
        for note in [note(2, "bob"), note(1, "alice"), UploadNote { user: None, ..note(3, "") }] {
            assert_eq!(write(&database, &note, (NOW, NOTES_MAX)), Ok(Noted::Done));
        }
        assert_eq!(all(&database, "alice").unwrap(), [note(1, "alice")]);
        assert_eq!((all(&database, "").unwrap().len(), all(&database, "bob").unwrap()), (1, vec![note(2, "bob")]));
        assert_eq!(read(&database, "alice", UploadId::new([2; 16])), Ok(None));
        let ended = stored(note(1, "alice"), 9);
        assert_eq!(write(&database, &ended, (NOW, NOTES_MAX)), Ok(Noted::Done));
        assert_eq!(read(&database, "alice", ended.id), Ok(Some(ended)));
        assert_eq!(sizes(&database), [3, 2, 1, 3]);
        for (user, id) in [("alice", 1), ("bob", 2), ("", 3), ("bob", 3)] {
            forget(&database, user, id);
        }
        assert_eq!(sizes(&database), [0; 4], "nothing is left in any table");
    }

    #[test]
    fn what_a_user_has_noted_has_bounds() {
        let (_directory, database) = opened();
        let max = NotesMax { open: 3, tails: 10, stored: 2 };
        let write = |note: &UploadNote, now| super::write(&database, note, (now, max)).unwrap();
        let tailed = |id, len| UploadNote { tail: (65_536, vec![0; len]), ..note(id, "alice") };
        assert_eq!([1, 2, 3].map(|id| write(&tailed(id, 3), NOW)), [Noted::Done; 3]);
        assert_eq!((write(&tailed(4, 0), NOW), write(&note(4, "bob"), NOW)), (Noted::TooMany, Noted::Done));
        // What is there may become shorter, and longer as far as there is room.
        assert_eq!(
            [4, 5, 2, 11].map(|len| write(&tailed(1, len), NOW)),
            [Noted::Done, Noted::NoRoom, Noted::Done, Noted::NoRoom]
        );
        assert_eq!(read(&database, "alice", UploadId::new([1; 16])).unwrap().unwrap().tail.1.len(), 2);
        // One that is past, or stored, leaves its place to another.
        assert_eq!((count_open(&database, "alice", 1), count_open(&database, "alice", 2)), (Ok(3), Ok(0)));
        assert_eq!(write(&UploadNote { expires_at: 9, ..tailed(4, 0) }, 2), Noted::Done);
        assert_eq!([5, 6, 7].map(|id| write(&stored(note(id, "alice"), u64::from(id)), NOW)), [Noted::Done; 3]);
        let left = all(&database, "alice").unwrap().into_iter().map(|note| note.id.as_bytes()[0]).collect::<Vec<u8>>();
        assert_eq!(left, [1, 2, 3, 4, 6, 7], "the oldest of those stored is dropped");
        assert_eq!(sizes(&database), [7, 5, 2, 7]);
    }

    /// Of many who come at once, no more are noted than may be.
    #[test]
    fn those_who_come_at_once_are_counted() {
        let (_directory, database) = opened();
        let (max, start) = (NotesMax { open: 5, ..NOTES_MAX }, std::sync::Barrier::new(8));
        let done = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|id| {
                    let (database, start) = (&database, &start);
                    scope.spawn(move || {
                        start.wait();
                        super::write(database, &note(id, "alice"), (NOW, max)).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|noted| *noted == Noted::Done).count()
        });
        assert_eq!((done, count_open(&database, "alice", NOW)), (5, Ok(5)));
    }

    #[test]
    fn what_is_past_is_dropped_unless_a_part_of_it_is_kept_for_longer() {
        let (_directory, database) = opened();
        let until = |id, user, expires_at| UploadNote { expires_at, ..note(id, user) };
        let notes = [until(1, "alice", 5), until(2, "bob", 5), until(3, "bob", 6), until(4, "alice", 7)];
        for note in notes.iter().chain([&stored(note(5, "alice"), 4)]) {
            assert_eq!(write(&database, note, (NOW, NOTES_MAX)), Ok(Noted::Done));
        }
        // One that was continued is found by its latest time alone.
        assert_eq!(write(&database, &until(1, "alice", 8), (NOW, NOTES_MAX)), Ok(Noted::Done));
        drop_past(&database, 6, |id| id == UploadId::new([2; 16])).unwrap();
        assert_eq!(all(&database, "alice").unwrap(), [until(1, "alice", 8), until(4, "alice", 7)]);
        assert_eq!(all(&database, "bob").unwrap(), [until(2, "bob", 5)]);
        assert_eq!(sizes(&database), [3, 3, 0, 3]);
        drop_past(&database, u64::MAX, |_| false).unwrap();
        assert_eq!(sizes(&database), [0; 4]);
    }

    #[test]
    fn the_notes_of_former_versions_are_taken_over() {
        let (_directory, database) = opened();
        take_over_former(&database).unwrap();
        database
            .write(|tables| -> Result<(), DatabaseError> {
                let mut former = tables.open_table(FORMER)?;
                for note in [note(1, "alice"), stored(note(2, "bob"), 9)] {
                    former.insert(note.id.as_bytes(), codec::encode(UploadNote::VERSION, &note).unwrap().as_slice())?;
                }
                former.insert([3; 16], b"damaged".as_slice())?;
                Ok(())
            })
            .unwrap();
        take_over_former(&database).unwrap();
        assert_eq!(
            (all(&database, "alice"), all(&database, "bob")),
            (Ok(vec![note(1, "alice")]), Ok(vec![stored(note(2, "bob"), 9)]))
        );
        assert_eq!(sizes(&database), [2, 1, 1, 2]);
        assert!(matches!(database.read().unwrap().open_table(FORMER), Err(TableError::TableDoesNotExist(_))));
        take_over_former(&database).unwrap();
    }
}
