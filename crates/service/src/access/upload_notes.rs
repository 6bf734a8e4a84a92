//! Notes of uploads that are sent in pieces, each by a request of its own: what a front end has to know of an upload between two requests, and
//! after the end of its process too.
//!
//! The engine keeps the full segments of such an upload. A note has what is beside them: who sends it and what was declared of it, the bytes
//! after the last full segment, and how it has ended. Notes are in the database of the data directory, and each change of one is durable
//! when it returns.

use p2p_auth::{Auth, AuthError};
use p2p_base::codec;
use p2p_base::database::{Database, DatabaseError, Purpose, Stored};
use p2p_store::attributes::StoreAs;
use p2p_store::segment::Sha256Digest;
use p2p_store::uploads::UploadId;
use redb::{ReadableTable, TableDefinition, TableError};
use serde::{Deserialize, Serialize};

use super::{Access, AccessError};

/// Notes by the names of their uploads.
const NOTES: TableDefinition<[u8; 16], &[u8]> = TableDefinition::new("upload-notes");

/// Note of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadNote {
    /// Name of the upload.
    pub id: UploadId,
    /// Name of the user who sends it; `None` for the operator.
    pub user: Option<String>,
    /// File that it is to become, as its user calls it.
    pub path: String,
    /// Size of the whole content in bytes; `None` as long as it is not known.
    pub size: Option<u64>,
    /// SHA-256 without which the content becomes no file.
    pub sha256: Option<Sha256Digest>,
    /// Attributes and place of the file.
    pub stored_as: StoreAs,
    /// Text that the client has sent with it and reads again as it is.
    pub metadata: String,
    /// Time at which it began, in seconds since 1970.
    pub began_at: u64,
    /// Time from which on it may be dropped, in seconds since 1970, unless the engine keeps a part of it for longer.
    pub expires_at: u64,
    /// True if the engine keeps a part of it, so that the upload is lost if that is not there any more.
    pub is_kept: bool,
    /// Bytes that follow those that the engine keeps, with the position of the first: they count only as long as the engine keeps just so many.
    pub tail: (u64, Vec<u8>),
    /// State of its end.
    pub end: End,
}

/// State of the end of an upload that is sent in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Content is to follow.
    Open,
    /// All content has come and is about to be stored: it is, if the file has this digest.
    Ending(Sha256Digest),
    /// The content is stored.
    Stored(Sha256Digest),
}

p2p_base::stored!(UploadNote = 1);

impl UploadNote {
    /// Returns the bytes that follow the first `kept` ones, which the engine keeps.
    pub fn tail_after(&self, kept: u64) -> &[u8] {
        if self.tail.0 == kept { &self.tail.1 } else { &[] }
    }

    /// Returns true if the upload is over, or was to be continued until an earlier time than `now`, in seconds since 1970.
    pub const fn is_past(&self, now: u64) -> bool {
        self.expires_at <= now
    }
}

impl Access {
    /// Notes an upload, in place of what was noted of it before.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn note_upload(&self, note: UploadNote) -> Result<(), AccessError> {
        self.on_notes(move |database| write(database, &note)).await
    }

    /// Returns the note of an upload, whoever sends it.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn upload_note(&self, id: UploadId) -> Result<Option<UploadNote>, AccessError> {
        self.on_notes(move |database| read(database, id)).await
    }

    /// Returns the notes of the uploads that the current user sends, in the order of their names. Those that are past are dropped, whosever they
    /// are.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn upload_notes(&self) -> Result<Vec<UploadNote>, AccessError> {
        let (now, user) = (self.now(), self.identity().name().map(str::to_owned));
        let kept = self.kept_uploads().await?;
        self.on_notes(move |database| {
            let notes = all(database)?;
            let is_past = |note: &UploadNote| note.is_past(now) && !kept.iter().any(|kept| kept.id == note.id);
            let past: Vec<UploadId> = notes.iter().filter(|note| is_past(note)).map(|note| note.id).collect();
            if !past.is_empty() {
                forget(database, &past)?;
            }
            Ok(notes.into_iter().filter(|note| note.user == user && !past.contains(&note.id)).collect())
        })
        .await
    }

    /// Forgets the note of an upload, if there is one.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn forget_upload_note(&self, id: UploadId) -> Result<(), AccessError> {
        self.on_notes(move |database| forget(database, &[id])).await
    }

    async fn on_notes<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let work = move |auth: &Auth, _: &str, _| work(auth.database()).map_err(AuthError::from);
        Ok(self.off_thread(work).await?)
    }
}

fn write(database: &Database, note: &UploadNote) -> Result<(), DatabaseError> {
    let value = codec::encode(UploadNote::VERSION, note).map_err(|error| DatabaseError::Io { reason: error.to_string() })?;
    database.write(|transaction| {
        transaction.open_table(NOTES)?.insert(note.id.as_bytes(), value.as_slice())?;
        Ok(())
    })
}

fn forget(database: &Database, ids: &[UploadId]) -> Result<(), DatabaseError> {
    database.write_for(Purpose::Free, |transaction| {
        let mut table = transaction.open_table(NOTES)?;
        for id in ids {
            table.remove(id.as_bytes())?;
        }
        Ok(())
    })
}

fn read(database: &Database, id: UploadId) -> Result<Option<UploadNote>, DatabaseError> {
    match database.read()?.open_table(NOTES) {
        Ok(table) => Ok(table.get(id.as_bytes())?.and_then(|value| decoded(value.value()))),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn all(database: &Database) -> Result<Vec<UploadNote>, DatabaseError> {
    let table = match database.read()?.open_table(NOTES) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut notes = Vec::new();
    for entry in table.iter()? {
        notes.extend(decoded(entry?.1.value()));
    }
    Ok(notes)
}

/// Returns the note in a value; `None` if it is damaged or of another version of the program: what the engine keeps of the upload is
/// there without it.
fn decoded(value: &[u8]) -> Option<UploadNote> {
    let decoded = codec::decode(UploadNote::VERSION, value);
    decoded.inspect_err(|error| tracing::warn!(%error, "a note of an upload cannot be read")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(id: u8, user: &str) -> UploadNote {
        UploadNote {
            id: UploadId::new([id; 16]),
            user: Some(user.into()),
            path: "a.bin".into(),
            size: Some(7),
            sha256: None,
            stored_as: StoreAs::default(),
            metadata: "filename YS5iaW4=".into(),
            began_at: 1,
            expires_at: 2,
            is_kept: false,
            tail: (65_536, vec![1, 2, 3]),
            end: End::Open,
        }
    }

    #[test]
    fn notes_are_there_until_they_are_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&directory.path().join("a")).unwrap();
        assert_eq!((read(&database, UploadId::new([1; 16])), all(&database)), (Ok(None), Ok(Vec::new())));
        for note in [note(2, "bob"), note(1, "alice")] {
            write(&database, &note).unwrap();
        }
        assert_eq!(all(&database).unwrap(), [note(1, "alice"), note(2, "bob")]);
        forget(&database, &[UploadId::new([2; 16])]).unwrap();
        let ended = UploadNote { end: End::Stored(Sha256Digest::of(b"a")), ..note(1, "alice") };
        write(&database, &ended).unwrap();
        assert_eq!(all(&database), Ok(vec![ended.clone()]));
        assert_eq!(read(&database, ended.id), Ok(Some(ended)));
    }

    #[test]
    fn a_tail_counts_only_behind_what_it_follows() {
        let note = note(1, "alice");
        assert_eq!([0, 65_536, 131_072].map(|kept| note.tail_after(kept).len()), [0, 3, 0]);
    }
}
