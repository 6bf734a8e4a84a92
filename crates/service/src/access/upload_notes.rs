//! Notes of uploads that are sent in pieces, each by a request of its own: what a front end has to know of an upload between two requests, and
//! after the end of its process too.
//!
//! The engine keeps the full segments of such an upload. A note has what is beside them: who sends it and what was declared of it, the bytes
//! after the last full segment, and how it has ended. Notes are in the database of the data directory, by the names of their users, and each
//! change of one is durable when it returns.
//!
//! What a user has noted has a bound, for it counts in no quota: so many uploads that are open, so many bytes in all of these, and so many that
//! are stored, of which the oldest goes first. Beside the notes there are three indexes, so that no change reads the notes of others, or more
//! of the user's own than their keys.

mod tables;

use p2p_auth::{Auth, AuthError};
use p2p_base::database::{Database, DatabaseError, Purpose};
use p2p_store::attributes::StoreAs;
use p2p_store::segment::Sha256Digest;
use p2p_store::uploads::UploadId;
use serde::{Deserialize, Serialize};

pub(crate) use self::tables::{drop_past, take_over_former};

use self::tables::{all, count_open, read, remove, write};
use super::{Access, AccessError};

/// Bounds of what is noted for one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotesMax {
    /// Uploads that are open.
    pub open: usize,
    /// Bytes after the last full segments of all of these.
    pub tails: u64,
    /// Uploads that are stored.
    pub stored: usize,
}

/// Bounds that hold.
pub const NOTES_MAX: NotesMax = NotesMax { open: 256, tails: 64 << 20, stored: 1024 };

/// Outcome of a wish to note an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Noted {
    /// It is noted.
    Done,
    /// It is not: it would be new, and its user has as many open ones as may be.
    TooMany,
    /// It is not: what follows the last full segments of all open uploads of its user would have more bytes than may be.
    NoRoom,
}

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
    /// Notes an upload, in place of what was noted of it before, unless a bound of what its user may have noted is exceeded.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn note_upload(&self, note: UploadNote) -> Result<Noted, AccessError> {
        let now = self.now();
        self.on_notes(move |database| write(database, &note, (now, NOTES_MAX))).await
    }

    /// Returns true if the current user has as many open uploads as may be.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn has_uploads_max(&self) -> Result<bool, AccessError> {
        let (now, user) = (self.now(), self.notes_of());
        self.on_notes(move |database| Ok(count_open(database, &user, now)? >= NOTES_MAX.open)).await
    }

    /// Returns the note of an upload of the current user.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn upload_note(&self, id: UploadId) -> Result<Option<UploadNote>, AccessError> {
        let user = self.notes_of();
        self.on_notes(move |database| read(database, &user, id)).await
    }

    /// Returns the notes of the uploads that the current user sends, in the order of their names.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn upload_notes(&self) -> Result<Vec<UploadNote>, AccessError> {
        let user = self.notes_of();
        self.on_notes(move |database| all(database, &user)).await
    }

    /// Forgets the note of an upload of the current user, if there is one.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn forget_upload_note(&self, id: UploadId) -> Result<(), AccessError> {
        let user = self.notes_of();
        self.on_notes(move |database| database.write_for(Purpose::Free, |tables| remove(tables, &user, id))).await
    }

    /// Returns the name by which the notes of the current user are found.
    fn notes_of(&self) -> String {
        self.identity().name().unwrap_or_default().to_owned()
    }

    async fn on_notes<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let work = move |auth: &Auth, _: &str, _| work(auth.database()).map_err(AuthError::from);
        Ok(self.off_thread(work).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A note of a user.
    pub(super) fn note(id: u8, user: &str) -> UploadNote {
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
    fn a_tail_counts_only_behind_what_it_follows() {
        let note = note(1, "alice");
        assert_eq!([0, 65_536, 131_072].map(|kept| note.tail_after(kept).len()), [0, 3, 0]);
    }
}
