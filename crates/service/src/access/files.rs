//! Access control for stored files: the files that a user may read and change, and the commands to the engine that follow from
//! it.

use std::path::PathBuf;
use std::sync::Arc;

use p2p_base::likeness;
use p2p_engine::{Command, EngineError, OpenFile, Reply};
use p2p_store::manifest::{FileKey, FileRecord, Manifest};

use super::{Access, AccessError, Principal};

impl Access {
    /// Returns the files that a user may read.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn files(&self, principal: &Principal) -> Result<Vec<FileRecord>, EngineError> {
        let Reply::Files(files) = self.engine.ask(Command::Files).await? else { return Ok(Vec::new()) };
        Ok(files.into_iter().filter(|file| principal.may_read(file)).map(|file| principal.known_of(file)).collect())
    }

    /// Returns the manifests of the files that a user may read.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn manifests(&self, principal: &Principal) -> Result<Vec<Manifest>, EngineError> {
        let mut manifests = Vec::new();
        for file in self.files(principal).await? {
            if let Reply::Info(manifest) = self.engine.ask(Command::Info { file: file.key.clone() }).await? {
                manifests.push(Manifest { file, ..*manifest });
            }
        }
        Ok(manifests)
    }

    /// Returns the stored file that the user calls `text` and may read.
    ///
    /// # Errors
    /// Fails if there is no such file or the user may not read it; the error does not reveal which.
    pub async fn readable(&self, principal: &Principal, text: &str) -> Result<FileRecord, AccessError> {
        let (key, other) = (principal.key_of(text), principal.other_spelling_of(text));
        let files = Arc::clone(&self.engine.snapshots().borrow().files);
        let found = files.get(&key).or_else(|| files.get(&other)).cloned();
        if let Some(file) = found.filter(|file| principal.may_read(file)) {
            return Ok(file);
        }
        if !principal.may_change(&key) {
            self.record_refusal(principal, format!("file {key}")).await?;
        }
        Err(EngineError::UnknownFile { file: text.to_owned(), nearest: self.nearest(principal, text) }.into())
    }

    /// Returns the stored file that the user calls `text` and may change.
    ///
    /// # Errors
    /// Fails if there is no such file, or if the user may only read it.
    pub async fn changeable(&self, principal: &Principal, text: &str) -> Result<FileRecord, AccessError> {
        let file = self.readable(principal, text).await?;
        if principal.may_change(&file.key) {
            return Ok(file);
        }
        self.record_refusal(principal, format!("change file {}", file.key)).await?;
        Err(AccessError::ReadOnly { file: text.to_owned() })
    }

    /// Returns the name most similar to `text` among the files that the user may read.
    fn nearest(&self, principal: &Principal, text: &str) -> Option<String> {
        let files = Arc::clone(&self.engine.snapshots().borrow().files);
        let labels = files.values().filter(|file| principal.may_read(file)).map(|file| principal.label(&file.key));
        likeness::nearest(text, labels).into_iter().next()
    }

    /// Returns the command to store the file at `path` for a user, as `name` or under its own name.
    pub fn upload(&self, principal: &Principal, path: PathBuf, name: Option<&str>) -> Command {
        let owner = principal.name().map(str::to_owned);
        Command::Upload { path, owner, name: name.map(str::to_owned), stored_at: self.now() }
    }

    /// Returns the command to store, for a user and as `name`, what is in an open file.
    pub fn store(&self, principal: &Principal, file: OpenFile, name: &str) -> Command {
        let owner = principal.name().map(str::to_owned);
        Command::Store { file, owner, name: name.to_owned(), stored_at: self.now() }
    }

    /// Returns the command to download a file that the user may read, to a path that may depend on its key. Reading a file of
    /// another user is recorded in the audit log first.
    ///
    /// # Errors
    /// Fails as [`readable`](Self::readable) does, or if the disk refuses.
    pub async fn download(
        &self,
        principal: &Principal,
        text: &str,
        place: impl FnOnce(&FileKey) -> PathBuf,
        overwrite: bool,
    ) -> Result<Command, AccessError> {
        let file = self.readable(principal, text).await?.key;
        self.record_foreign(principal, "read", &file).await?;
        Ok(Command::Download { user: principal.name().map(str::to_owned), path: place(&file), file, overwrite })
    }

    /// Returns the command to fetch a file that the user may read into an open file, or only to verify it. Reading a file of
    /// another user is recorded in the audit log first.
    ///
    /// # Errors
    /// Fails as [`readable`](Self::readable) does, or if the disk refuses.
    pub async fn fetch(&self, principal: &Principal, text: &str, into: Option<OpenFile>) -> Result<Command, AccessError> {
        let file = self.readable(principal, text).await?.key;
        self.record_foreign(principal, "read", &file).await?;
        Ok(Command::Fetch { user: principal.name().map(str::to_owned), file, into })
    }

    /// Returns the command to remove a file that the user may change. Removing a file of another user is recorded in the audit
    /// log first.
    ///
    /// # Errors
    /// Fails as [`changeable`](Self::changeable) does, or if the disk refuses.
    pub async fn removal(&self, principal: &Principal, text: &str) -> Result<Command, AccessError> {
        let file = self.changeable(principal, text).await?.key;
        self.record_foreign(principal, "remove", &file).await?;
        Ok(Command::Remove { user: principal.name().map(str::to_owned), file })
    }

    async fn record_foreign(&self, principal: &Principal, what: &str, file: &FileKey) -> Result<(), AccessError> {
        if file.owner.as_deref() != principal.name() {
            self.record_access(principal, format!("{what} file {file}"), true).await?;
        }
        Ok(())
    }
}
