//! The commands of a line about stored names and about files of this machine: what each is refused for, and what it leaves for the next.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use p2p_auth::names::UserName;
use p2p_engine::{EngineError, policy};
use p2p_service::access::AccessError;
use p2p_store::manifest::FileRecord;
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::Entry;
use p2p_store::segment::Sha256Digest;

use super::Outlook;
use crate::ahead::{Given, Need, check_needs, check_sources};
use crate::call::Call;
use crate::commands::copies::{instant_of, mode_of};
use crate::commands::files::{check_paths, check_wanted, range_of};
use crate::commands::names::require_room;
use crate::commands::network::capture_of;
use crate::commands::session::report_path;
use crate::local_pattern::local_paths;
use crate::pattern::{matching, outermost};
use crate::place::{expand, place_of};
use crate::{Shell, ShellError, changes};

impl Outlook {
    /// Checks the stored names and the files that the next command is about, and takes in what becomes of them.
    pub(super) async fn look(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        match call.spec.name {
            "upload" => self.upload(call).await?,
            _ if !self.knows_names => {}
            "download" => self.download(shell, call).await?,
            "capture" => capture_of(call)?.map_or(Ok(()), |path| self.claim(path, false))?,
            "export" => call.argument(0).map_or(Ok(()), |path| self.claim(expand(path), call.has("force")))?,
            "report" => report_path(call)?.map_or(Ok(()), |path| self.claim(path, call.has("force")))?,
            "rm" => self.remove(shell, call).await?,
            "mkdir" => self.make_directories(call)?,
            "mv" => self.rename(shell, call).await?,
            "cp" => self.copy(shell, call).await?,
            "chmod" | "touch" => self.set_attributes(shell, call).await?,
            "verify" => self.verify(shell, call).await?,
            "share" | "unshare" => self.share(shell, call).await?,
            "ls" | "info" => drop(self.all_named(shell, call, 0..call.arguments.len().min(1), false).await?),
            _ => {}
        }
        Ok(())
    }

    /// Checks the names that a command is to give, as far as they are in its words: that something can have them, and that they are in
    /// the tree of the user unless that may have changed until then.
    pub(super) async fn check_new_names(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let names = match call.spec.name {
            "upload" => call.flags.get("as").map(std::slice::from_ref).unwrap_or_default(),
            "mkdir" => call.arguments.as_slice(),
            "mv" | "cp" => call.arguments.last().map(std::slice::from_ref).unwrap_or_default(),
            _ => &[],
        };
        for name in names {
            let key = self.identity.key_of(name);
            let is_placed =
                call.spec.name == "mv" || self.is_own(&key) || (call.spec.name == "upload" && self.may_store(shell, name).await);
            if !is_placed && !self.may_change_user {
                return Err(AccessError::AnotherTree { path: name.clone() }.into());
            }
            // A root has no name, and what is to be made has one.
            let is_root = key.name.is_empty() && call.spec.name != "mkdir" && !name.is_empty();
            if !is_root {
                stored_path(&key.name).map_err(EngineError::from)?;
            }
        }
        Ok(())
    }

    /// Returns true if a key is in the tree of the user.
    fn is_own(&self, key: &FileKey) -> bool {
        key.owner.as_deref() == self.identity.name()
    }

    /// Returns true if it is not certain what is stored at a key, in it or around it.
    fn is_open(&self, key: &FileKey) -> bool {
        self.open.iter().any(|open| open == key || open.is_within(key) || key.is_within(open))
    }

    fn store(&mut self, key: FileKey) {
        self.names.insert(Entry::File(FileRecord {
            key,
            size: 0,
            sha256: Sha256Digest::of(b""),
            segments: 0,
            segment_size: 0,
            stored_at: 0,
            modified: 0,
            mode: 0o644,
            readers: BTreeSet::new(),
        }));
    }

    async fn upload(&mut self, call: &Call) -> Result<(), ShellError> {
        let recursive = call.has("recursive");
        let found = match local_paths(&call.arguments, recursive).await {
            // Another file may match by then.
            Err(_) if self.may_make_files => Vec::new(),
            found => found?,
        };
        check_paths(call, &found)?;
        if recursive {
            check_sources(if self.may_make_files { Vec::new() } else { found }).await?;
            // What of it is stored already is found out by the command.
            self.knows_names = false;
            return Ok(());
        }
        let needs: Vec<(String, Need)> = found.into_iter().map(|(label, path)| (label, self.need_of(call, path))).collect();
        let stored = needs.iter().filter_map(|(_, need)| need.name().and_then(|name| stored_path(name).ok()));
        let stored: Vec<FileKey> = stored.map(|name| FileKey::new(self.identity.name(), &name)).collect();
        let needs = needs.into_iter().map(|(label, need)| (label, Ok(need))).collect();
        check_needs(self.names.clone(), Arc::clone(&self.identity), needs).await?;
        stored.into_iter().for_each(|key| self.store(key));
        self.knows_names &= !self.may_make_files;
        Ok(())
    }

    /// Returns true if the user may store a file under a name, or in the directory of that name, which may be another user's.
    async fn may_store(&self, shell: &Shell, name: &str) -> bool {
        let principal = self.identity.principal();
        let may_store = |key: &FileKey| policy::may_store(&principal, &self.names, key);
        // Without accounts there is no other user.
        let keys = self.identity.name().map(|_| self.identity.keys_of(name));
        for key in keys.into_iter().flatten().filter(|key| may_store(key) || may_store(&key.child("new"))) {
            // An admin may store in the tree of every user, and there is none of who is no user.
            if let Some(owner) = &key.owner
                && shell.access.user(UserName::folded(owner)).await.is_ok()
            {
                return true;
            }
        }
        false
    }

    /// Returns what an upload of a file needs, as far as that is certain.
    fn need_of(&self, call: &Call, path: PathBuf) -> Need {
        let (own, wanted) = (path.file_name().map(|name| name.to_str().map(str::to_owned)), call.flags.get("as"));
        let key = wanted.map(|wanted| (self.identity.key_of(wanted), wanted.ends_with('/')));
        let (name, is_certain) = match (key, own.flatten()) {
            (None, own) => (own, true),
            (Some((key, is_directory)), Some(own)) if is_directory || self.names.is_directory(&key) => {
                (Some(key.child(&own).name), self.is_own(&key))
            }
            (Some((key, is_directory)), _) => (Some(key.name.clone()), !is_directory && self.is_own(&key)),
        };
        let is_open = name.as_ref().is_some_and(|name| self.is_open(&FileKey::new(self.identity.name(), name)));
        let source = (!self.may_make_files).then_some(path);
        match name {
            Some(_) if !self.knows_names || !is_certain || is_open => source.map_or(Need::Nothing, Need::Source),
            name => Need::Upload { source, name, replace: call.has("force") },
        }
    }

    /// Returns the keys that the argument at an index stands for, or `None` if they are not certain.
    async fn named(&self, shell: &Shell, call: &Call, place: usize, is_whole: bool) -> Result<Option<Vec<FileKey>>, ShellError> {
        let text = call.argument(place).unwrap_or_default();
        let found = if call.is_quoted(place) { None } else { matching(&self.names, &self.identity, text).transpose() };
        match found {
            Some(_) if !self.open.is_empty() => return Ok(None),
            Some(found) => {
                let found = if is_whole { outermost(found?) } else { found? };
                return Ok(Some(found.iter().map(|entry| entry.key().clone()).collect()));
            }
            None => {}
        }
        let keys = self.identity.keys_of(text);
        // A directory of another user of which a part is shared has no entry of its own.
        let is_there = |key: &&FileKey| self.names.tree(key).next().is_some() || key.is_root();
        match keys.iter().find(is_there) {
            Some(key) => Ok(Some(vec![key.clone()])),
            None if keys.iter().any(|key| self.is_open(key)) => Ok(None),
            None => match shell.access.entry(&self.identity, text).await {
                Ok(_) => Err(EngineError::UnknownFile { file: text.to_owned(), nearest: None }.into()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Returns the keys that several arguments stand for, as far as they are certain.
    async fn all_named(
        &self,
        shell: &Shell,
        call: &Call,
        places: std::ops::Range<usize>,
        is_whole: bool,
    ) -> Result<Vec<FileKey>, ShellError> {
        let mut keys = Vec::new();
        for place in places {
            keys.extend(self.named(shell, call, place, is_whole).await?.into_iter().flatten());
        }
        Ok(keys)
    }

    async fn download(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let keys = self.all_named(shell, call, 0..1, false).await?;
        if call.has("recursive") {
            return Ok(());
        }
        let (wanted, range) = (call.argument(1).map(expand), range_of(call)?);
        // The directory may be made by then.
        let is_directory = self.may_make_files || wanted.as_ref().is_none_or(|wanted| wanted.is_dir());
        check_wanted(call, keys.len(), is_directory, range.is_some())?;
        for key in keys {
            // Of what an earlier command stores the size is not known.
            if let (Some(range), Some(file)) = (range, self.before.file(&key).filter(|file| self.names.file(&key) == Some(file)))
            {
                range.within(file)?;
            }
            if self.names.is_directory(&key) {
                return Err(EngineError::IsDirectory { name: self.identity.label(&key) }.into());
            }
            self.claim(place_of(&key, wanted.clone()), call.has("force"))?;
        }
        Ok(())
    }

    /// Refuses a path at which there is something, or at which an earlier command writes, unless it may be replaced.
    fn claim(&mut self, path: PathBuf, overwrite: bool) -> Result<(), ShellError> {
        let is_taken = std::fs::symlink_metadata(&path).is_ok_and(|found| !found.is_dir());
        let is_made = self.made.contains(&path) || !self.written.insert(path.clone());
        if (is_made || is_taken) && !overwrite {
            return Err(EngineError::DestinationTaken { path }.into());
        }
        Ok(())
    }

    async fn verify(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let mut given = Given::default();
        for key in self.all_named(shell, call, 0..call.arguments.len(), true).await? {
            given.take(&key, &self.identity.shown(&key), true)?;
        }
        Ok(())
    }

    async fn remove(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let (recursive, mut given) = (call.has("recursive"), Given::default());
        for key in self.all_named(shell, call, 0..call.arguments.len(), recursive).await? {
            given.take(&key, &self.identity.shown(&key), recursive)?;
            if self.is_open(&key) {
                continue;
            }
            if self.names.get(&key).is_some() {
                self.require_change(shell, &key).await?;
                changes::remove(&mut self.names, &key, recursive)?;
            }
        }
        Ok(())
    }

    async fn share(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        for key in self.all_named(shell, call, 0..1, false).await? {
            self.require_change(shell, &key).await?;
        }
        Ok(())
    }

    /// Refuses to change what is another user's as the command itself does, which records it.
    async fn require_change(&self, shell: &Shell, key: &FileKey) -> Result<(), ShellError> {
        if !self.identity.may_change(key) {
            shell.access.changeable(&self.identity, &self.identity.label(key)).await?;
        }
        Ok(())
    }

    fn make_directories(&mut self, call: &Call) -> Result<(), ShellError> {
        let (parents, mut given) = (call.has("parents"), Given::default());
        for text in &call.arguments {
            let key = self.identity.key_of(text);
            let Ok(path) = stored_path(&key.name) else { continue };
            let key = FileKey { name: path, ..key };
            if self.is_open(&key) || !self.is_own(&key) {
                continue;
            }
            if !parents {
                given.take(&key, &self.identity.shown(&key), false)?;
            }
            changes::make_directory(&mut self.names, &key, parents)?;
        }
        Ok(())
    }

    /// Returns the keys of FROM as far as they are certain, the key of TO, and true if that is a directory for them.
    async fn ends_of(&self, shell: &Shell, call: &Call) -> Result<(Vec<FileKey>, FileKey, bool), ShellError> {
        let to = call.arguments.last().map(String::as_str).unwrap_or_default();
        let found = self.all_named(shell, call, 0..call.arguments.len().saturating_sub(1), true).await?;
        let target = self.identity.key_of(to);
        let is_directory = to.ends_with('/') || self.names.is_directory(&target);
        if !self.is_open(&target) {
            require_room(call, found.len(), is_directory)?;
        }
        Ok((found, target, is_directory))
    }

    async fn copy(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let (found, target, is_directory) = self.ends_of(shell, call).await?;
        let mut given = Given::default();
        for key in found {
            let new = if is_directory { target.child(key.last_name()) } else { target.clone() };
            given.take(&key, &self.identity.shown(&key), true)?;
            if self.is_open(&new) || self.is_open(&key) || !self.is_own(&new) {
                self.open.push(new);
                continue;
            }
            changes::copy(&mut self.names, &key, &new, call.has("force"))?;
        }
        Ok(())
    }

    async fn set_attributes(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let first = match call.spec.name {
            "chmod" => mode_of(call).map(|_| 1)?,
            _ => instant_of(call).map(|_| 0)?,
        };
        for key in self.all_named(shell, call, first..call.arguments.len(), true).await? {
            self.require_change(shell, &key).await?;
        }
        Ok(())
    }

    async fn rename(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let (found, target, is_directory) = self.ends_of(shell, call).await?;
        let mut given = Given::default();
        for key in found {
            self.require_change(shell, &key).await?;
            if target.owner != key.owner {
                return Err(AccessError::AnotherTree { path: call.arguments.last().cloned().unwrap_or_default() }.into());
            }
            let new = if is_directory && key != target { target.child(key.last_name()) } else { target.clone() };
            // Twice the same is refused, whatever is there by then.
            given.take(&key, &self.identity.shown(&key), true)?;
            if self.is_open(&new) || self.is_open(&key) {
                self.open.extend([new, key]);
                continue;
            }
            changes::rename(&mut self.names, &key, &new, call.has("force"))?;
        }
        Ok(())
    }
}
