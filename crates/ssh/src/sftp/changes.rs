//! Requests that change names and attributes: SETSTAT, REMOVE, MKDIR, RMDIR and RENAME.

use p2p_service::ErrorKind;
use p2p_service::access::Identity;
use p2p_service::files::{Attributes, Await, BeginTransfer, Entry};
use russh_sftp::protocol::FileAttributes;

use super::attributes::{given, of_new};
use super::failure::{Done, Failure};
use super::session::Session;
use super::writer::Writer;
use crate::paths::{Place, absolute, place};

/// Returns what the gate calls the file or directory at an absolute path, if it may be one that is stored.
pub(super) fn stored(path: &str) -> Done<String> {
    match place(path) {
        Place::Stored(text) => Ok(text),
        _ => Err(Failure::read_only(path)),
    }
}

impl Session {
    /// Sets attributes of what is at a path. Owners are accepted and stay as they are.
    pub(super) async fn set(&self, path: &str, attrs: &FileAttributes) -> Done<()> {
        let path = absolute(path);
        if let Some((writer, _)) = self.handles.growing(&path) {
            return self.set_growing(&writer, attrs).await;
        }
        if let Some(size) = attrs.size
            && self.stat(&path).await?.size != Some(size)
        {
            return self.set_size(&path, size, given(attrs)).await;
        }
        match given(attrs) {
            attributes if attributes.is_empty() => self.stat(&path).await.map(drop),
            attributes => self.set_stored(&path, attributes).await,
        }
    }

    /// Stores a file anew with another size and these attributes. An upload that is kept to replace it is forgotten: its client would find
    /// another file.
    async fn set_size(&self, path: &str, size: u64, attributes: Attributes) -> Done<()> {
        let (user, text) = (self.user().await?, stored(path)?);
        let mut writer = Writer::stored(&self.access, &text, attributes, self.reader(&user, &text).await?);
        writer.resize(size).await?;
        if !writer.has_changes() && !attributes.is_empty() {
            // Another session has given it this size by now.
            return self.set_of(&user, &text, attributes).await;
        }
        if let Some(kept) = self.parked(&user, &text).await? {
            self.forget(kept.id).await?;
        }
        writer.close().await.map(drop)
    }

    pub(super) async fn set_stored(&self, path: &str, attributes: Attributes) -> Done<()> {
        let (user, text) = (self.user().await?, stored(path)?);
        if user.key_of(&text).is_root() {
            return Err(Failure::read_only(path));
        }
        self.set_of(&user, &text, attributes).await
    }

    async fn set_of(&self, user: &Identity, text: &str, attributes: Attributes) -> Done<()> {
        let change = self.explained(user, text, self.access.setting(user, text, attributes).await).await?;
        self.access.record_setting(user, &change.file).await?;
        self.access.call(change).await?;
        Ok(())
    }

    /// Removes a file and an upload that is kept in its place, or such an upload where there is no file.
    pub(super) async fn remove(&self, path: &str) -> Done<()> {
        let path = absolute(path);
        let (user, text) = (self.user().await?, stored(&path)?);
        match self.access.known_entry(&user, &text).await.map_err(Failure::from) {
            Ok(Entry::File(_)) => {
                self.removed(&user, &text).await?;
                match self.parked(&user, &text).await? {
                    Some(kept) => self.forget(kept.id).await,
                    None => Ok(()),
                }
            }
            Ok(Entry::Directory(_)) => Err(Failure::because(format!("`{path}` is a directory; RMDIR removes it"))),
            Err(failure) if failure.is_nothing() => {
                let kept = self.parked(&user, &text).await?.ok_or(failure)?;
                self.forget(kept.id).await
            }
            Err(failure) => Err(failure),
        }
    }

    /// Removes a directory that is empty.
    pub(super) async fn remove_directory(&self, path: &str) -> Done<()> {
        let path = absolute(path);
        let (user, text) = (self.user().await?, stored(&path)?);
        if user.key_of(&text).is_root() {
            return Err(Failure::read_only(&path));
        }
        match self.access.known_entry(&user, &text).await? {
            Entry::Directory(_) => self.removed(&user, &text).await,
            Entry::File(_) => Err(Failure::because(format!("`{path}` is a file; REMOVE removes it"))),
        }
    }

    async fn removed(&self, user: &Identity, text: &str) -> Done<()> {
        let removal = BeginTransfer::from(self.access.removal(user, text, false).await?);
        self.access.record_transfer(user, &removal).await?;
        let transfer = self.access.begin(removal).await?;
        self.access.call(Await { transfer }).await?.into_result()?;
        Ok(())
    }

    /// Makes a directory.
    pub(super) async fn make_directory(&self, path: &str, attrs: &FileAttributes) -> Done<()> {
        let path = absolute(path);
        let (user, text) = (self.user().await?, stored(&path)?);
        if user.key_of(&text).is_root() {
            return Err(Failure::of(ErrorKind::AlreadyExists, &format!("`{path}` is there already")));
        }
        let make = self.access.directory(&text, false)?;
        self.access.call(make).await?;
        match of_new(attrs) {
            attributes if attributes.is_empty() => Ok(()),
            attributes => self.set_of(&user, &text, attributes).await,
        }
    }

    /// Renames a file or a directory. Without `replaces` nothing may have the new name (section 6.5 of the draft).
    pub(super) async fn rename(&self, from: &str, to: &str, replaces: bool) -> Done<()> {
        let (from, to) = (absolute(from), absolute(to));
        let (user, old, new) = (self.user().await?, stored(&from)?, stored(&to)?);
        if user.key_of(&old).is_root() || user.key_of(&new).is_root() {
            return Err(Failure::read_only(&from));
        }
        match self.access.known_entry(&user, &new).await.map_err(Failure::from) {
            Ok(_) if !replaces && from != to => {
                return Err(Failure::of(ErrorKind::AlreadyExists, &format!("`{to}` is there already")));
            }
            Err(failure) if !failure.is_nothing() => return Err(failure),
            _ => {}
        }
        if from == to {
            return self.stat(&from).await.map(drop);
        }
        self.refuse_written(&from).await?;
        self.refuse_written(&to).await?;
        let mut change = self.explained(&user, &old, self.access.renaming(&user, &old, &new, replaces).await).await?;
        // The gate moves into a directory of that name, and `rename(2)` never does.
        change.to = user.key_of(&new).name;
        self.access.record_move(&user, &change.from).await?;
        self.access.call(change).await?;
        Ok(())
    }
    /// Refuses to rename what the session is writing, and to put something in its place: CLOSE stores it at its path.
    async fn refuse_written(&self, path: &str) -> Done<()> {
        let Some((writer, _)) = self.handles.growing(path) else { return Ok(()) };
        match writer.lock().await.as_ref().is_some_and(Writer::has_changes) {
            true => Err(Failure::because(format!("`{path}` is being written; close it before it is renamed"))),
            false => Ok(()),
        }
    }
}
