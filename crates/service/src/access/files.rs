//! Stored files by the names that a user gives them, and the operations on them.

use std::path::PathBuf;
use std::sync::Arc;

use p2p_auth::names::UserName;
use p2p_base::likeness;
use p2p_base::spelling::composed;
use p2p_engine::error::NAMELESS;
use p2p_engine::operation::{
    BeginTransfer, ByteRange, Download, ListDirectory, ListFiles, MakeDirectory, Move, Page, Remove, StatFile, Upload,
};
use p2p_engine::stream::StreamReader;
use p2p_engine::transfer::TransferId;
use p2p_engine::{Command, EngineError, policy};
use p2p_store::manifest::{FileRecord, Manifest};
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::{Entry, Namespace};
use p2p_store::segment::Sha256Digest;

use super::range::WantedRange;
use super::{Access, AccessError, Identity};
use crate::blocking::apart;

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

    /// Returns the stored file or the directory that the user calls `text` and may know of: one that they may read, or a directory in which
    /// they may store files.
    ///
    /// # Errors
    /// Fails if there is none or the user may not know of it; the error does not reveal which.
    pub async fn entry(&self, identity: &Identity, text: &str) -> Result<Entry, AccessError> {
        let (files, principal) = (self.engine.snapshots().borrow().files.clone(), identity.principal());
        let keys = identity.keys_of(text);
        let readable = keys.iter().filter(|key| policy::may_know(&principal, &files, key));
        match readable.filter_map(|key| files.get(key)).find(|entry| may_be_called(entry, text)) {
            Some(entry) => Ok(entry.clone()),
            None => Err(self.unknown(identity, text).await?),
        }
    }

    /// Returns the stored file or the directory that the user calls `text`, as the user may see it.
    ///
    /// # Errors
    /// Fails as [`entry`](Self::entry) does.
    pub async fn known_entry(&self, identity: &Identity, text: &str) -> Result<Entry, AccessError> {
        Ok(policy::known_of_entry(&identity.principal(), self.entry(identity, text).await?))
    }

    /// Records that nothing which the user may read is called `text`, if it would be another user's, and returns the error.
    pub(super) async fn unknown(&self, identity: &Identity, text: &str) -> Result<AccessError, AccessError> {
        let (files, keys) = (self.engine.snapshots().borrow().files.clone(), identity.keys_of(text));
        // The older form stands for a file of another user only where there is one.
        let is_meant = |key: &&FileKey| Some(*key) == keys.first() || files.get(key).is_some();
        // Who stores new files may ask whether there is one of that name already.
        let is_to_be_stored = |key: &FileKey| files.get(key).is_none() && policy::may_store(&identity.principal(), &files, key);
        let is_refused = |key: &&FileKey| !identity.may_change(key) && is_meant(key) && !is_to_be_stored(key);
        if let Some(key) = keys.iter().find(is_refused) {
            self.record_refusal(identity, format!("file {key}")).await?;
        }
        let (access, own, file) = (self.clone(), identity.clone(), text.to_owned());
        let nearest = apart(move || access.nearest(&own, &file)).await?;
        Ok(EngineError::UnknownFile { file: text.to_owned(), nearest }.into())
    }

    /// Returns the stored files and the directories that the current user may read.
    pub fn names(&self) -> Namespace {
        self.snapshot().files.clone()
    }

    /// Returns true if a stored file, and no directory, has this key.
    pub fn is_file(&self, key: &FileKey) -> bool {
        self.engine.snapshots().borrow().files.file(key).is_some()
    }

    /// Returns the key of the file or directory that the user calls `text`, and all that the user may read of it: the file, or the
    /// directory and what is within it. The root of a tree has no entry of its own.
    ///
    /// # Errors
    /// Fails as [`entry`](Self::entry) does.
    pub async fn tree(&self, identity: &Identity, text: &str) -> Result<(FileKey, Vec<Entry>), AccessError> {
        let (key, names) = self.root_of(identity, text).await?;
        let entries = names.tree(&key).cloned().collect();
        Ok((key, entries))
    }

    /// Returns the key of the file or directory that the user calls `text`, and all names that the user may know of.
    ///
    /// # Errors
    /// Fails as [`entry`](Self::entry) does.
    pub(super) async fn root_of(&self, identity: &Identity, text: &str) -> Result<(FileKey, Namespace), AccessError> {
        match self.known_root_of(identity, text) {
            Some(found) => Ok(found),
            None => Err(self.unknown(identity, text).await?),
        }
    }

    /// Returns what [`root_of`](Self::root_of) does; `None` if there is nothing of that name that the user may know of.
    pub(super) fn known_root_of(&self, identity: &Identity, text: &str) -> Option<(FileKey, Namespace)> {
        let names = self.names();
        let is_own_root = |key: &FileKey| key.is_root() && key.owner.as_deref() == identity.name();
        let keys = identity.keys_of(text);
        let is_there =
            |key: &FileKey| names.tree(key).next().is_some_and(|entry| entry.key() != key || may_be_called(entry, text));
        let key = keys.into_iter().find(|key| is_there(key) || is_own_root(key))?;
        Some((key, names))
    }

    /// Returns what the user finds without naming a directory: the entries of the root of their own tree, and of other trees the
    /// files and directories that they may read and that are in no directory which they may read.
    pub fn overview(&self, identity: &Identity) -> Vec<Arc<Entry>> {
        let names = self.names();
        let mut found = names.list_shared(&FileKey::new(identity.name(), ""));
        let others = names.owners().filter(|owner| *owner != identity.name());
        found.extend(others.flat_map(|owner| names.outermost(owner)).cloned());
        found
    }

    /// Returns the stored file that the user calls `text` and may read.
    ///
    /// # Errors
    /// Fails as [`entry`](Self::entry) does, or if it is a directory.
    pub async fn readable(&self, identity: &Identity, text: &str) -> Result<FileRecord, AccessError> {
        match self.entry(identity, text).await? {
            Entry::File(file) => Ok(file),
            Entry::Directory(_) => Err(EngineError::IsDirectory { name: text.to_owned() }.into()),
        }
    }

    /// Returns the stored file or the directory that the user calls `text` and may change.
    ///
    /// # Errors
    /// Fails if there is none, or as [`policy::require_changing`] does. The engine asks that again; here it is asked because the
    /// access to what is another user's is recorded before it takes place.
    pub async fn changeable(&self, identity: &Identity, text: &str) -> Result<Entry, AccessError> {
        let entry = self.entry(identity, text).await?;
        let files = self.engine.snapshots().borrow().files.clone();
        let checked = policy::require_changing(&identity.principal(), &files, entry.key()).map_err(EngineError::from);
        self.recording_denial(checked).await?;
        Ok(entry)
    }

    /// Returns the entries of the directory that the user calls `text`, as far as the user may read them; the file itself if it is
    /// a file.
    ///
    /// # Errors
    /// Fails if there is no such file or directory, or none that the user may know of.
    pub async fn list(&self, identity: &Identity, text: &str) -> Result<Vec<Entry>, AccessError> {
        self.list_part(identity, text, None).await
    }

    /// Returns a part of what [`list`](Self::list) returns.
    pub(super) async fn list_part(&self, identity: &Identity, text: &str, page: Option<Page>) -> Result<Vec<Entry>, AccessError> {
        let files = self.engine.snapshots().borrow().files.clone();
        let keys = identity.keys_of(text);
        let known = |key: &&FileKey| files.is_directory(key) || files.get(key).is_some();
        let directory = keys.iter().find(known).or(keys.first()).cloned().unwrap_or_else(|| identity.key_of(text));
        if files.get(&directory).is_some_and(|entry| !may_be_called(entry, text)) {
            return Err(self.unknown(identity, text).await?);
        }
        match self.call(ListDirectory { directory, page }).await {
            Err(EngineError::NoDirectory { .. }) => Err(self.unknown(identity, text).await?),
            listed => Ok(listed?),
        }
    }

    /// Returns the name most similar to `text` among the files that the user may read.
    fn nearest(&self, identity: &Identity, text: &str) -> Option<String> {
        let (files, principal) = (self.engine.snapshots().borrow().files.clone(), identity.principal());
        let readable = files.entries().filter(|entry| policy::may_read(&principal, &files, entry.key()));
        let labels = readable.map(|entry| identity.label(entry.key()));
        likeness::nearest(text, labels).into_iter().next()
    }

    /// Returns the operation that stores the file at `path`: as `name`, in the directory `name`, or under its own name.
    ///
    /// # Errors
    /// Fails if the name is in the tree of another user, unless in a directory that was shared for that.
    pub fn upload(&self, path: PathBuf, name: Option<&str>) -> Result<Upload, AccessError> {
        let own = path.file_name().and_then(|name| name.to_str());
        if own.is_none() && path.file_name().is_some() && name.is_some_and(|name| name.ends_with('/')) {
            return Err(EngineError::Source { path, reason: NAMELESS.into() }.into());
        }
        let key = name.map(|name| self.place_to_store(name, own)).transpose()?;
        let owner = key.as_ref().and_then(|key| self.other_owner(key));
        Ok(Upload { owner, ..Upload::of_file(path, key.map(|key| key.name), self.now()) })
    }

    /// Returns the operation that makes the directory that the user calls `text`, with those above it if `parents` says so.
    ///
    /// # Errors
    /// Fails if the path is in the tree of another user.
    pub fn directory(&self, text: &str, parents: bool) -> Result<MakeDirectory, AccessError> {
        let path = own_path(&self.identity(), text)?;
        Ok(MakeDirectory { path, parents, made_at: self.now() })
    }

    /// Returns the operation that moves the file or directory that the user calls `text` to the path `to`, or into the directory
    /// of that path. With `replace` its like may have that path. [`record_move`](Self::record_move) is called before it.
    ///
    /// # Errors
    /// Fails as [`changeable`](Self::changeable) does, or if the new path is in another tree.
    pub async fn renaming(&self, identity: &Identity, text: &str, to: &str, replace: bool) -> Result<Move, AccessError> {
        if to.is_empty() {
            stored_path(to).map_err(EngineError::from)?;
        }
        let from = self.changeable(identity, text).await?.key().clone();
        let key = identity.key_of(to);
        if key.owner != from.owner {
            return Err(AccessError::AnotherTree { path: to.to_owned() });
        }
        let files = self.engine.snapshots().borrow().files.clone();
        let is_into = (files.is_directory(&key) && key != from) || to.ends_with('/');
        let target = if is_into { key.child(from.last_name()) } else { key };
        Ok(Move { from, to: target.name, replace })
    }

    /// Records in the audit log that what is another user's is about to be moved; nothing if it is the user's own.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn record_move(&self, identity: &Identity, from: &FileKey) -> Result<(), AccessError> {
        self.record_foreign(identity, "move", from).await
    }

    /// Returns the path, in the spelling in which names are stored, that the user calls `text` and that an API token is to be limited
    /// to. There need not be anything of that name.
    ///
    /// # Errors
    /// Fails if it is in the tree of another user, or if nothing can have that name.
    pub fn path_for_token(&self, text: &str) -> Result<String, AccessError> {
        let path = own_path(&self.identity(), text)?;
        Ok(stored_path(&path).map_err(EngineError::from)?)
    }

    /// Returns the path of a new file that the user calls `name`, or that of `own` in the directory of that name.
    ///
    /// # Errors
    /// Fails if it is in the tree of another user, or if it can only be a directory and there is no `own` name.
    pub fn place(&self, name: &str, own: Option<&str>) -> Result<String, AccessError> {
        let identity = self.identity();
        let key = FileKey::new(identity.name(), &own_path(&identity, name)?);
        Ok(self.in_place(key, name, own)?.name)
    }

    /// Returns the key of a new file as [`place`](Self::place) does, also in a directory of another user that was shared for storing files in
    /// it.
    ///
    /// # Errors
    /// Fails as [`place`](Self::place) does.
    pub fn place_to_store(&self, name: &str, own: Option<&str>) -> Result<FileKey, AccessError> {
        let identity = self.identity();
        let FileKey { owner, name: path } = identity.key_of(name);
        let key = FileKey { owner: owner.as_deref().map(UserName::folded), name: composed(&path).into_owned() };
        let key = self.in_place(key, name, own)?;
        let may_store = self.may_store_of_another(&identity, &key).map(|owner| self.auth.account(owner).is_ok());
        let is_own = key.owner.as_deref() == identity.name();
        if is_own || may_store.unwrap_or_default() { Ok(key) } else { Err(AccessError::AnotherTree { path: name.to_owned() }) }
    }

    /// Returns true if the user may store new files in a directory.
    pub async fn may_store_in(&self, identity: &Identity, directory: &FileKey) -> bool {
        let key = directory.child("new");
        let Some(owner) = self.may_store_of_another(identity, &key).map(str::to_owned) else {
            return directory.owner.as_deref() == identity.name();
        };
        self.off_thread(move |auth, _, _| auth.account(&owner)).await.is_ok()
    }

    /// Returns the owner of a key in another tree if the user may store it there. Admins may in every tree, so that it remains to be asked
    /// whether there is such a user; nobody's tree is none.
    fn may_store_of_another<'a>(&self, identity: &Identity, key: &'a FileKey) -> Option<&'a str> {
        let owner = key.owner.as_deref().filter(|owner| identity.name().is_some_and(|name| name != *owner))?;
        let (files, principal) = (self.engine.snapshots().borrow().files.clone(), identity.principal());
        policy::may_store(&principal, &files, key).then_some(owner)
    }

    /// Returns the key of a new file that is called `name`, or that of `own` in the directory of that name.
    fn in_place(&self, key: FileKey, name: &str, own: Option<&str>) -> Result<FileKey, AccessError> {
        let is_directory = !name.is_empty() && (name.ends_with('/') || self.engine.snapshots().borrow().files.is_directory(&key));
        match own.filter(|_| is_directory) {
            Some(own) => Ok(key.child(own)),
            None if name.len() > 1 && name.ends_with('/') => Err(AccessError::Nameless { path: name.to_owned() }),
            None => Ok(key),
        }
    }

    /// Returns the owner of a key, if it is another user than the current one.
    pub(super) fn other_owner(&self, key: &FileKey) -> Option<String> {
        key.owner.clone().filter(|owner| self.identity().name() != Some(owner))
    }

    /// Returns the operation to download a file that the user may read, or a range of it, to a path that may depend on its key.
    /// [`record_transfer`](Self::record_transfer) is called before it begins.
    ///
    /// # Errors
    /// Fails as [`readable`](Self::readable) does, or if the range begins beyond the end.
    pub async fn download(
        &self,
        identity: &Identity,
        text: &str,
        range: Option<WantedRange>,
        place: impl FnOnce(&FileKey) -> PathBuf,
        overwrite: bool,
    ) -> Result<Download, AccessError> {
        let (file, range) = self.to_read(identity, text, range).await?;
        let path = place(&file);
        Ok(Download { range, ..Download::to_file(file, path, overwrite) })
    }

    /// Returns the operation to fetch and verify a file that the user may read, and to keep none of it.
    /// [`record_transfer`](Self::record_transfer) is called before it begins.
    ///
    /// # Errors
    /// Fails as [`readable`](Self::readable) does.
    pub async fn verification(&self, identity: &Identity, text: &str) -> Result<Download, AccessError> {
        let (file, _) = self.to_read(identity, text, None).await?;
        Ok(Download::to_nowhere(file))
    }

    /// Begins to fetch a file that the user may read, or a range of it, to the returned reader; with `expected`, if that is its SHA-256 at the
    /// instant at which it begins. Reading a file of another user is
    /// recorded in the audit log first.
    ///
    /// # Errors
    /// Fails as [`download`](Self::download) does, or if the disk or the engine refuses.
    pub async fn download_stream(
        &self,
        identity: &Identity,
        text: &str,
        range: Option<WantedRange>,
        expected: Option<Sha256Digest>,
    ) -> Result<(TransferId, StreamReader), AccessError> {
        let (file, range) = self.to_read(identity, text, range).await?;
        self.record_foreign(identity, "read", &file).await?;
        let begun = self.engine.download_content(&self.caller(), file, range, expected).await;
        Ok(self.recording_denial(begun).await?)
    }

    /// Returns the key of a file that the user is about to read, and the bytes of it that are meant.
    async fn to_read(
        &self,
        identity: &Identity,
        text: &str,
        range: Option<WantedRange>,
    ) -> Result<(FileKey, Option<ByteRange>), AccessError> {
        let file = self.readable(identity, text).await?;
        let range = range.map(|range| range.within(&file)).transpose()?;
        Ok((file.key, range))
    }

    /// Returns the operation to remove a file that the user may change, or a directory, with all that is within it if `recursive`
    /// says so. [`record_transfer`](Self::record_transfer) is called before it begins.
    ///
    /// # Errors
    /// Fails as [`changeable`](Self::changeable) does.
    pub async fn removal(&self, identity: &Identity, text: &str, recursive: bool) -> Result<Remove, AccessError> {
        let file = self.changeable(identity, text).await?.key().clone();
        Ok(Remove { file, recursive, expected: None })
    }

    /// Records in the audit log that what is another user's is about to be read, stored or removed; nothing if it is the user's own.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn record_transfer(&self, identity: &Identity, begins: &BeginTransfer) -> Result<(), AccessError> {
        match begins.command() {
            Command::Download(download) => self.record_foreign(identity, "read", &download.file).await,
            Command::Remove(remove) => self.record_foreign(identity, "remove", &remove.file).await,
            Command::Upload(upload) => match upload.owner.as_deref().zip(upload.stored_name()) {
                Some((owner, name)) => self.record_foreign(identity, "store", &FileKey::new(Some(owner), name)).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    pub(super) async fn record_foreign(&self, identity: &Identity, what: &str, file: &FileKey) -> Result<(), AccessError> {
        if file.owner.as_deref() != identity.name() {
            self.record_access(identity, format!("{what} file {file}"), true).await?;
        }
        Ok(())
    }
}

/// Returns true if what a user calls `text` may be this entry: with a `/` at its end, a path is that of a directory (POSIX.1-2024,
/// Base Definitions, 4.16 Pathname Resolution).
fn may_be_called(entry: &Entry, text: &str) -> bool {
    matches!(entry, Entry::Directory(_)) || !text.ends_with('/')
}

/// Returns the path of `text` in the user's own tree.
fn own_path(identity: &Identity, text: &str) -> Result<String, AccessError> {
    let key = identity.key_of(text);
    if key.owner.as_deref() == identity.name() { Ok(key.name) } else { Err(AccessError::AnotherTree { path: text.to_owned() }) }
}
