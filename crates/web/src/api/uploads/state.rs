//! State of an upload: its note, and what the engine keeps of it.

use http::StatusCode;
use p2p_service::access::{Access, Identity};
use p2p_service::files::{End, EngineError, KEPT_FOR, KeptUpload, NOTES_MAX, Noted, Park, Sha256Digest, UploadId, UploadNote};
use p2p_service::reasons::name;
use tokio::time::timeout;

use super::forget;
use super::holds::REST_MAX;
use super::refusal::Refusal;

/// An upload.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) note: UploadNote,
    /// What the engine keeps of it, if that is anything.
    pub(super) kept: Option<KeptUpload>,
}

impl Upload {
    /// Returns the number of bytes that are kept.
    pub(super) fn offset(&self) -> u64 {
        let kept = self.kept.as_ref().map_or(0, |kept| kept.offset);
        match self.note.end {
            End::Stored(_) => self.note.size.unwrap_or(kept),
            End::Open | End::Ending(_) => kept + self.note.tail_after(kept).len() as u64,
        }
    }

    /// Returns the digest of the file, if it is stored.
    pub(super) fn stored(&self) -> Option<Sha256Digest> {
        match self.note.end {
            End::Stored(sha256) => Some(sha256),
            End::Open | End::Ending(_) => None,
        }
    }

    /// Returns the time from which on it may be dropped, in seconds since 1970.
    pub(super) fn expires_at(&self) -> u64 {
        self.kept.as_ref().map_or(self.note.expires_at, |kept| kept.expires_at.max(self.note.expires_at))
    }

    /// Notes the upload as it is.
    ///
    /// # Errors
    /// Fails if a bound of what its user may have noted is exceeded, or if the disk refuses.
    pub(super) async fn noted(&self, access: &Access) -> Result<(), Refusal> {
        match access.note_upload(self.note.clone()).await? {
            Noted::Done => Ok(()),
            Noted::TooMany => Err(too_many()),
            Noted::NoRoom => Err(no_room()),
        }
    }

    /// Returns the upload of this name, as it is now.
    ///
    /// # Errors
    /// Fails if there is none, if it is another user's, which the error does not reveal, or if it is lost or has expired.
    pub(super) async fn known(access: &Access, identity: &Identity, id: UploadId) -> Result<Upload, Refusal> {
        let note = access.upload_note(id).await?;
        let kept = access.kept_uploads().await?.into_iter().find(|kept| kept.id == id);
        let upload = match (note, kept) {
            (Some(note), kept) => Upload { note, kept },
            // A client of another service has begun it.
            (None, Some(kept)) => Upload { note: note_of(identity, &kept), kept: Some(kept) },
            (None, None) => return Err(EngineError::UnknownUpload(id).into()),
        };
        if !upload.is_of(identity) {
            return Err(EngineError::UnknownUpload(id).into());
        }
        upload.looked_at(access, identity).await
    }

    /// Returns all uploads of a user, by their names.
    ///
    /// # Errors
    /// Fails if the disk or the engine refuses.
    pub(super) async fn all(access: &Access, identity: &Identity) -> Result<Vec<Upload>, Refusal> {
        let (notes, mut kept) = (access.upload_notes().await?, access.kept_uploads().await?);
        let mut uploads = Vec::with_capacity(notes.len());
        for note in notes {
            let own = kept.iter().position(|kept| kept.id == note.id).map(|at| kept.swap_remove(at));
            let upload = Upload { note, kept: own };
            if upload.is_of(identity) {
                // One that is lost is told of where it is asked for.
                uploads.extend(upload.looked_at(access, identity).await.ok());
            }
        }
        let others = kept.into_iter().map(|kept| Upload { note: note_of(identity, &kept), kept: Some(kept) });
        uploads.extend(others.filter(|upload| upload.is_of(identity)));
        uploads.sort_by_key(|upload| upload.note.id);
        Ok(uploads)
    }

    /// Returns true if a user sends the upload, and may still do so: an API token may be for another path. What the engine lists of it is the
    /// user's to continue; otherwise the path says so where it is among the user's own.
    fn is_of(&self, identity: &Identity) -> bool {
        let key = identity.key_of(&self.note.path);
        let is_reached = || self.kept.is_some() || key.owner.as_deref() != identity.name() || identity.may_change(&key);
        self.note.user.as_deref() == identity.name() && is_reached()
    }

    /// Returns the upload with the state of its end as it is, where a crash has come between.
    async fn looked_at(mut self, access: &Access, identity: &Identity) -> Result<Upload, Refusal> {
        match (self.note.end, &self.kept) {
            (End::Stored(_), _) if self.note.is_past(access.now()) => Err(self.gone(access, "has expired").await),
            (End::Open | End::Ending(_), Some(kept)) if kept.transfer.is_none() && self.expires_at() <= access.now() => {
                // Where the user may not undo it, it is undone when the next look at all uploads finds it.
                if let Err(refusal) = forget(access, self.note.id).await {
                    tracing::debug!(?refusal, upload = %self.note.id, "an upload that has expired is not undone yet");
                }
                Err(self.gone(access, "has expired").await)
            }
            (End::Stored(_), _) | (_, Some(_)) => Ok(self),
            (End::Ending(sha256), None) => {
                let file = access.readable(identity, &self.note.path).await.ok().filter(|file| file.sha256 == sha256);
                self.note.end = file.map_or(End::Open, |_| End::Stored(sha256));
                match self.note.end {
                    End::Open if self.note.is_kept => Err(self.gone(access, "is lost").await),
                    _ => Ok(self),
                }
            }
            (End::Open, None) if self.note.is_past(access.now()) => Err(self.gone(access, "has expired").await),
            (End::Open, None) if self.note.is_kept => Err(self.gone(access, "was undone or is lost").await),
            (End::Open, None) => Ok(self),
        }
    }

    /// Forgets the upload, and returns the refusal of requests about it.
    async fn gone(&self, access: &Access, how: &str) -> Refusal {
        if let Err(error) = access.forget_upload_note(self.note.id).await {
            tracing::warn!(%error, upload = %self.note.id, "the note of an upload that is over cannot be dropped");
        }
        let text = format!("upload {} of `{}` {how}; begin it again", self.note.id, self.note.path);
        Refusal::new(StatusCode::GONE, name::NOT_FOUND, text)
    }

    /// Returns the upload once nobody sends content of it: a client of another service has lost it then, or a client that has gone.
    ///
    /// # Errors
    /// Fails as [`known`](Self::known) does, or if what is under way does not end in time.
    pub(super) async fn rested(access: &Access, identity: &Identity, id: UploadId) -> Result<Upload, Refusal> {
        let upload = Upload::known(access, identity, id).await?;
        let Some(transfer) = upload.kept.as_ref().and_then(|kept| kept.transfer) else { return Ok(upload) };
        // It may have ended in the meantime, as what is kept now says.
        let parked = timeout(REST_MAX, access.call(Park { transfer })).await;
        let _ = parked.map_err(|_| unrested())?;
        Upload::known(access, identity, id).await
    }
}

/// Returns the refusal of another upload of a user who has as many as may be open.
pub(super) fn too_many() -> Refusal {
    let text = format!("{} uploads are open, which is the limit for one user; continue or delete some", NOTES_MAX.open);
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, name::TOO_MANY_REQUESTS, text)
}

/// Returns the refusal of content that would be noted, as it is less than a segment, where there is no room for that.
fn no_room() -> Refusal {
    let text = format!(
        "what follows the last full segments of your open uploads may have {} bytes in all; continue or delete some, or send larger pieces",
        NOTES_MAX.tails
    );
    Refusal::new(StatusCode::INSUFFICIENT_STORAGE, name::NO_ROOM, text)
}

/// Returns the refusal of a request at an upload of which something is still under way.
pub(super) fn unrested() -> Refusal {
    let text = format!("nodes still store what was on its way of the upload; try again in {} s", REST_MAX.as_secs());
    Refusal::new(StatusCode::LOCKED, name::UNDER_WAY, text).with("retry-after", &REST_MAX.as_secs().to_string())
}

/// Returns the note of an upload that was begun by another service.
fn note_of(identity: &Identity, kept: &KeptUpload) -> UploadNote {
    UploadNote {
        id: kept.id,
        user: kept.begun_by.clone().or_else(|| kept.file.owner.clone()),
        path: identity.label(&kept.file),
        size: None,
        sha256: None,
        stored_as: kept.stored_as,
        metadata: String::new(),
        began_at: kept.began_at,
        expires_at: kept.began_at.saturating_add(KEPT_FOR.as_secs()),
        is_kept: true,
        tail: (0, Vec::new()),
        end: End::Open,
    }
}
