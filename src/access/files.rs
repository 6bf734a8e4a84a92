//! The stored files of whoever is behind a door: which they may read and change, and what they ask the engine to do with them.
//! Knows nothing of how they are stored.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Access, AccessError, Who};
use crate::engine::{Command, EngineError, OpenFile, Reply};
use crate::likeness;
use crate::storage::manifest::{FileKey, FileRecord, Manifest};

impl Access {
    /// The files that somebody may read.
    ///
    /// # Errors
    /// Where the engine has stopped.
    pub async fn files(&self, who: &Who) -> Result<Vec<FileRecord>, EngineError> {
        let Reply::Files(files) = self.engine.ask(Command::Files).await? else { return Ok(Vec::new()) };
        Ok(files.into_iter().filter(|file| who.may_read(file)).map(|file| who.known_of(file)).collect())
    }

    /// The stored files that somebody may read, whole.
    ///
    /// # Errors
    /// Where the engine has stopped.
    pub async fn manifests(&self, who: &Who) -> Result<Vec<Manifest>, EngineError> {
        let mut manifests = Vec::new();
        for file in self.files(who).await? {
            if let Reply::Info(manifest) = self.engine.ask(Command::Info { file: file.key.clone() }).await? {
                manifests.push(Manifest { file, ..*manifest });
            }
        }
        Ok(manifests)
    }

    /// The stored file that somebody may read and calls `text`.
    ///
    /// # Errors
    /// Where there is none, as far as they are to know.
    pub async fn readable(&self, who: &Who, text: &str) -> Result<FileRecord, AccessError> {
        let (key, other) = (who.key_of(text), who.other_spelling_of(text));
        let files = Arc::clone(&self.engine.snapshots().borrow().files);
        let found = files.get(&key).or_else(|| files.get(&other)).cloned();
        if let Some(file) = found.filter(|file| who.may_read(file)) {
            return Ok(file);
        }
        if !who.may_change(&key) {
            self.note_refusal(who, format!("file {key}")).await?;
        }
        Err(EngineError::UnknownFile { file: text.to_owned(), nearest: self.nearest(who, text) }.into())
    }

    /// The stored file that is somebody's to change and that they call `text`.
    ///
    /// # Errors
    /// Where there is none, or they may only read it.
    pub async fn changeable(&self, who: &Who, text: &str) -> Result<FileRecord, AccessError> {
        let file = self.readable(who, text).await?;
        if who.may_change(&file.key) {
            return Ok(file);
        }
        self.note_refusal(who, format!("change file {}", file.key)).await?;
        Err(AccessError::ReadOnly { file: text.to_owned() })
    }

    /// The file that somebody may read and whose name is most like `text`, if one is.
    fn nearest(&self, who: &Who, text: &str) -> Option<String> {
        let files = Arc::clone(&self.engine.snapshots().borrow().files);
        let labels = files.values().filter(|file| who.may_read(file)).map(|file| who.label(&file.key));
        likeness::nearest(text, labels).into_iter().next()
    }

    /// Fetches a file that somebody may read, to a place that may depend on what it is called. That they read what is somebody else's
    /// is noted first.
    ///
    /// # Errors
    /// As for [`readable`](Self::readable), or where the disk refuses.
    pub async fn download(
        &self,
        who: &Who,
        text: &str,
        place: impl FnOnce(&FileKey) -> PathBuf,
        overwrite: bool,
    ) -> Result<Command, AccessError> {
        let file = self.readable(who, text).await?.key;
        self.note_foreign(who, "read", &file).await?;
        Ok(Command::Download { user: who.name().map(str::to_owned), path: place(&file), file, overwrite })
    }

    /// Fetches a file that somebody may read, into what is open, or only to check it. That they read what is somebody else's is noted
    /// first.
    ///
    /// # Errors
    /// As for [`readable`](Self::readable), or where the disk refuses.
    pub async fn fetch(&self, who: &Who, text: &str, into: Option<OpenFile>) -> Result<Command, AccessError> {
        let file = self.readable(who, text).await?.key;
        self.note_foreign(who, "read", &file).await?;
        Ok(Command::Fetch { user: who.name().map(str::to_owned), file, into })
    }

    /// Removes a file that is somebody's to change. That it is somebody else's is noted first.
    ///
    /// # Errors
    /// As for [`changeable`](Self::changeable), or where the disk refuses.
    pub async fn removal(&self, who: &Who, text: &str) -> Result<Command, AccessError> {
        let file = self.changeable(who, text).await?.key;
        self.note_foreign(who, "remove", &file).await?;
        Ok(Command::Remove { user: who.name().map(str::to_owned), file })
    }

    async fn note_foreign(&self, who: &Who, what: &str, file: &FileKey) -> Result<(), AccessError> {
        if file.owner.as_deref() != who.name() {
            self.note_access(who, format!("{what} file {file}"), true).await?;
        }
        Ok(())
    }
}
