//! Stored files by the names that a user gives them, and the operations on them.

use std::path::PathBuf;
use std::sync::Arc;

use p2p_base::likeness;
use p2p_engine::operation::{Download, Fetch, ListFiles, Remove, StatFile, Upload, UploadOpen};
use p2p_engine::{EngineError, OpenFile, Scope, policy};
use p2p_store::manifest::{FileKey, FileRecord, Manifest};

use super::{Access, AccessError, Identity};

impl Access {
    /// Returns the files that a user may read.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn files(&self) -> Result<Vec<FileRecord>, EngineError> {
        self.call(ListFiles).await
    }

    /// Returns the manifests of the files that a user may read.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn manifests(&self) -> Result<Vec<Manifest>, EngineError> {
        let mut manifests = Vec::new();
        for file in self.files().await? {
            manifests.push(*self.call(StatFile { file: file.key }).await?);
        }
        Ok(manifests)
    }

    /// Returns the stored file that the user calls `text` and may read.
    ///
    /// # Errors
    /// Fails if there is no such file or the user may not read it; the error does not reveal which.
    pub async fn readable(&self, identity: &Identity, text: &str) -> Result<FileRecord, AccessError> {
        let (key, other) = (identity.key_of(text), identity.other_spelling_of(text));
        let files = Arc::clone(&self.engine.snapshots().borrow().files);
        let found = files.get(&key).or_else(|| files.get(&other)).cloned();
        if let Some(file) = found.filter(|file| identity.may_read(file)) {
            return Ok(file);
        }
        if !identity.may_change(&key) {
            self.record_refusal(identity, format!("file {key}")).await?;
        }
        Err(EngineError::UnknownFile { file: text.to_owned(), nearest: self.nearest(identity, text) }.into())
    }

    /// Returns the stored file that the user calls `text` and may change.
    ///
    /// # Errors
    /// Fails if there is no such file, or if the user may only read it: also because of an API token of the scope `read`.
    pub async fn changeable(&self, identity: &Identity, text: &str) -> Result<FileRecord, AccessError> {
        self.require_scope(identity, Scope::Write).await?;
        let file = self.readable(identity, text).await?;
        if identity.may_change(&file.key) {
            return Ok(file);
        }
        self.record_refusal(identity, format!("change file {}", file.key)).await?;
        Err(AccessError::ReadOnly { file: text.to_owned() })
    }

    /// Returns the name most similar to `text` among the files that the user may read.
    fn nearest(&self, identity: &Identity, text: &str) -> Option<String> {
        let files = Arc::clone(&self.engine.snapshots().borrow().files);
        let principal = identity.principal();
        let readable = files.values().filter(|file| policy::may_read(&principal, file));
        let labels = readable.map(|file| identity.label(&file.key));
        likeness::nearest(text, labels).into_iter().next()
    }

    /// Returns the operation that stores the file at `path`, as `name` or under its own name.
    pub fn upload(&self, path: PathBuf, name: Option<&str>) -> Upload {
        Upload { path, name: name.map(str::to_owned), stored_at: self.now() }
    }

    /// Returns the operation that stores, as `name`, what is in an open file.
    pub fn upload_open(&self, file: OpenFile, name: &str) -> UploadOpen {
        UploadOpen { file, name: name.to_owned(), stored_at: self.now() }
    }

    /// Returns the operation to download a file that the user may read, to a path that may depend on its key. Reading a file of
    /// another user is recorded in the audit log first.
    ///
    /// # Errors
    /// Fails as [`readable`](Self::readable) does, or if the disk refuses.
    pub async fn download(
        &self,
        identity: &Identity,
        text: &str,
        place: impl FnOnce(&FileKey) -> PathBuf,
        overwrite: bool,
    ) -> Result<Download, AccessError> {
        let file = self.readable(identity, text).await?.key;
        self.record_foreign(identity, "read", &file).await?;
        Ok(Download { path: place(&file), file, overwrite })
    }

    /// Returns the operation to fetch a file that the user may read into an open file, or only to verify it. Reading a file of
    /// another user is recorded in the audit log first.
    ///
    /// # Errors
    /// Fails as [`readable`](Self::readable) does, or if the disk refuses.
    pub async fn fetch(&self, identity: &Identity, text: &str, into: Option<OpenFile>) -> Result<Fetch, AccessError> {
        let file = self.readable(identity, text).await?.key;
        self.record_foreign(identity, "read", &file).await?;
        Ok(Fetch { file, into })
    }

    /// Returns the operation to remove a file that the user may change. Removing a file of another user is recorded in the audit
    /// log first.
    ///
    /// # Errors
    /// Fails as [`changeable`](Self::changeable) does, or if the disk refuses.
    pub async fn removal(&self, identity: &Identity, text: &str) -> Result<Remove, AccessError> {
        let file = self.changeable(identity, text).await?.key;
        self.record_foreign(identity, "remove", &file).await?;
        Ok(Remove { file })
    }

    async fn record_foreign(&self, identity: &Identity, what: &str, file: &FileKey) -> Result<(), AccessError> {
        if file.owner.as_deref() != identity.name() {
            self.record_access(identity, format!("{what} file {file}"), true).await?;
        }
        Ok(())
    }
}
