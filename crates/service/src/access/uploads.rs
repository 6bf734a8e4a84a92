//! Uploads of streams, and those that are kept if their source goes: begun, continued and listed for a user.

use std::time::Duration;

use p2p_base::units::ByteSize;
use p2p_engine::operation::{Keep, KeptUpload, ListUploads};
use p2p_engine::transfer::{TransferId, TransferReport};
use p2p_engine::{BegunUpload, EngineError, StreamUpload, policy};
pub use p2p_store::attributes::StoreAs;
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;
use p2p_store::uploads::{Declared, UploadId};

use super::{Access, AccessError, Identity};

/// Time for which an upload is kept after it was begun or continued.
pub const KEPT_FOR: Duration = Duration::from_secs(86_400);

impl Access {
    /// Begins to store, as `name`, what the returned writer is given. If its size is declared, content of another size is not stored. With
    /// `keep`, the upload is kept for a day if the writer goes, and a kept one of this name is continued.
    ///
    /// # Errors
    /// Fails if the name is in the tree of another user, unless in a directory that was shared for that, or if the engine refuses the upload.
    pub async fn upload_stream(
        &self,
        name: &str,
        declared: Declared,
        keep: Option<UploadId>,
    ) -> Result<BegunUpload, AccessError> {
        self.store_stream(name, declared, keep, StoreAs::default()).await
    }

    /// Begins to store what the returned writer is given, as [`upload_stream`](Self::upload_stream) does, with these attributes and, if
    /// that is wanted, in place of a stored file.
    ///
    /// # Errors
    /// Fails as [`upload_stream`](Self::upload_stream) does.
    pub async fn store_stream(
        &self,
        name: &str,
        declared: Declared,
        keep: Option<UploadId>,
        stored_as: StoreAs,
    ) -> Result<BegunUpload, AccessError> {
        let key = self.place_to_store(name, None)?;
        self.begin_stream(key, declared, keep, stored_as).await
    }

    /// Continues a kept upload that the user may change, with the attributes and the place with which it was begun; the returned writer is
    /// given what follows its offset.
    ///
    /// # Errors
    /// Fails as [`kept_upload`](Self::kept_upload) does, or if the engine refuses the upload, as for a source of which something else was
    /// declared when it was begun.
    pub async fn resume_stream(&self, upload: &KeptUpload, declared: Declared) -> Result<BegunUpload, AccessError> {
        self.begin_stream(upload.file.clone(), declared, Some(upload.id), StoreAs::default()).await
    }

    async fn begin_stream(
        &self,
        key: FileKey,
        Declared { size, modified }: Declared,
        keep: Option<UploadId>,
        stored_as: StoreAs,
    ) -> Result<BegunUpload, AccessError> {
        let (stored_at, size) = (self.now(), size.map(ByteSize::from_bytes));
        let keep = keep.map(|id| Keep { id, expires_at: stored_at.saturating_add(KEPT_FOR.as_secs()), modified });
        let (owner, preferred) = (self.other_owner(&key), self.preferred_node());
        if owner.is_some() {
            self.record_foreign(&self.identity(), "store", &key).await?;
        }
        let upload = StreamUpload { name: key.name, owner, size, keep, stored_at, stored_as, preferred };
        let begun = self.engine.upload_stream(&self.caller(), upload).await;
        Ok(self.recording_denial(begun).await?)
    }

    /// Returns the size in bytes that no file exceeds.
    pub const fn file_size_max(&self) -> u64 {
        self.engine.file_size_max()
    }

    /// Returns the file that an upload of the user has stored, as the user may see it: what they have stored themselves they know also in a
    /// directory of another user that they may not read.
    ///
    /// # Errors
    /// Fails as [`entry`](Self::entry) does if something else has taken its place, or nothing.
    pub async fn stored_file(&self, identity: &Identity, report: &TransferReport) -> Result<Entry, AccessError> {
        let key = &report.status.file;
        let found = self.engine.snapshots().borrow().files.file(key).cloned();
        match found.filter(|file| Some(file.sha256) == report.sha256) {
            Some(file) => Ok(Entry::File(policy::known_of(&identity.principal(), file))),
            None => self.known_entry(identity, &identity.label(key)).await,
        }
    }

    /// Checks, before the content of an upload that is under way becomes a file, that the user may still store it: the directory may be shared
    /// for that no longer. Callers have [checked](Self::check) the login before.
    ///
    /// # Errors
    /// Fails as [`place_to_store`](Self::place_to_store) does for a new upload.
    pub fn check_storing(&self, transfer: TransferId) -> Result<(), AccessError> {
        let (identity, snapshot) = (self.identity(), self.engine.snapshots().borrow().clone());
        let found = snapshot.transfers.iter().map(|report| &report.status).find(|status| status.id == transfer);
        match found {
            Some(status) if !policy::may_store(&identity.principal(), &snapshot.files, &status.file) => {
                Err(AccessError::AnotherTree { path: identity.label(&status.file) })
            }
            // The report of one that is over says why.
            _ => Ok(()),
        }
    }

    /// Returns the kept uploads that a user may change, by name.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn kept_uploads(&self) -> Result<Vec<KeptUpload>, EngineError> {
        self.call(ListUploads).await
    }

    /// Returns a kept upload that the user may change.
    ///
    /// # Errors
    /// Fails if there is none, or if it is another user's; the error does not reveal which.
    pub async fn kept_upload(&self, identity: &Identity, id: UploadId) -> Result<KeptUpload, AccessError> {
        match self.kept_uploads().await?.into_iter().find(|upload| upload.id == id) {
            Some(upload) => Ok(upload),
            None => {
                self.record_refusal(identity, format!("upload {id}")).await?;
                Err(EngineError::UnknownUpload(id).into())
            }
        }
    }
}
