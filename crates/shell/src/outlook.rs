//! What each command of a line will find stored: what there is, and what the earlier commands of the line will have stored, removed and
//! moved by then.
//!
//! A name that a transfer under way stores or removes is neither there nor free for certain. What cannot be known ahead is not refused
//! ahead, but by the command itself.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use p2p_base::spelling::{visible, visible_path};
use p2p_engine::EngineError;
use p2p_engine::operation::ListTransfers;
use p2p_service::access::{AccessError, Identity};
use p2p_store::manifest::FileRecord;
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::{Entry, Namespace};
use p2p_store::segment::Sha256Digest;

use crate::ahead::{Given, Need, check_needs, check_sources};
use crate::call::Call;
use crate::commands::files::check_paths;
use crate::commands::names::require_room;
use crate::commands::session::expected_command;
use crate::known::{MayCome, check_things};
use crate::local_pattern::local_paths;
use crate::pattern::{matching, outermost};
use crate::place::{expand, place_of};
use crate::spec::{Group, WAITING};
use crate::{Shell, ShellError, changes};

/// Commands after which a file of this machine may exist that did not before.
const MAKING_FILES: [&str; 4] = ["download", "export", "capture", "report"];
/// Commands that wait for virtual time, unless they begin transfers in the background; others do with some of their arguments.
const TAKING_TIME: [&str; 10] = ["upload", "download", "rm", "verify", "sleep", "ping", "health", "stop", "start", "restart"];
/// Commands after which there may be transfers that were not there before.
const BEGINNING: [&str; 5] = ["upload", "download", "rm", "verify", "expect"];
/// Commands that change names. It is not known ahead whether one succeeds that an `expect` carries out.
const CHANGING_NAMES: [&str; 4] = ["upload", "rm", "mkdir", "mv"];
/// Commands after which somebody else may be the user, or other names be stored than the ones before have made so.
const LEADING_ELSEWHERE: [&str; 6] = ["login", "logout", "register", "cancel", "expect", "uploads"];

/// Returns true if a command waits for virtual time, whatever there is.
fn takes_time(call: &Call) -> bool {
    match (call.spec.name, call.argument(0)) {
        ("cancel", Some(WAITING)) => false,
        ("cancel", _) | ("uploads", Some(_)) | ("faults", Some("clear")) => true,
        (name, _) => TAKING_TIME.contains(&name) && !call.has("background"),
    }
}

/// Names and files of this machine as the commands before one of a line leave them.
struct Earlier {
    names: Namespace,
    made: BTreeSet<PathBuf>,
}

impl Earlier {
    /// Returns true if they have made what is stored under a key.
    fn has(&self, before: &Namespace, key: &FileKey) -> bool {
        before.get(key).is_none() && self.names.get(key).is_some()
    }
}

/// Stored names and files of this machine as a command of a line will find them.
pub(crate) struct Outlook {
    names: Namespace,
    /// What was stored when the line began.
    before: Namespace,
    identity: Arc<Identity>,
    /// Names of which it is not certain what is stored there.
    open: Vec<FileKey>,
    /// Files of this machine that earlier commands make.
    made: BTreeSet<PathBuf>,
    may_make_files: bool,
    /// True once a command stands in the line after which another user's tree may be one's own.
    may_change_user: bool,
    /// True if time is paused, as it is when the line begins or once a command of it pauses time, until another one resumes it; `None` if
    /// that is not known ahead.
    is_paused: Option<bool>,
    /// What earlier commands may make.
    may_come: MayCome,
    /// False once a command stands in the line whose effects on names are not known ahead.
    is_known: bool,
}

impl Outlook {
    /// Returns what the first command of a line finds.
    pub(crate) async fn of(shell: &Shell) -> Outlook {
        let under_way = shell.call(ListTransfers).await.unwrap_or_default();
        let open = under_way.into_iter().filter(|status| !status.state.is_over()).map(|status| status.file).collect();
        let (names, identity) = (shell.access.names(), shell.identity());
        let made = BTreeSet::new();
        Outlook {
            before: names.clone(),
            names,
            identity,
            open,
            made,
            may_make_files: false,
            may_change_user: false,
            is_paused: shell.access.present_snapshot().await.map(|snapshot| snapshot.pace.is_paused).ok(),
            may_come: MayCome::default(),
            is_known: true,
        }
    }

    /// Checks the next command of the line, and takes in what it will bring about.
    ///
    /// # Errors
    /// Fails if the command would be refused.
    pub(crate) async fn take(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        shell.require_place(call).await?;
        self.may_change_user |= call.spec.group == Group::Accounts;
        self.check_new_names(call)?;
        if self.is_known {
            shell.admit(call.spec).await?;
            check_things(shell, call, self.may_come).await?;
        }
        self.check_pace(shell, call)?;
        let earlier = Earlier { names: self.names.clone(), made: self.made.clone() };
        self.look(shell, call).await.map_err(|error| self.told(&earlier, error))?;
        let expects = call.spec.name == "expect";
        let expected = if expects { expected_command(shell.table(), call) } else { None };
        self.follow(expected.as_ref().unwrap_or(call).spec.name, expects);
        Ok(())
    }

    /// Takes in what may have become of the rest after a command, which an `expect` carries out or the line itself.
    fn follow(&mut self, name: &str, is_expected: bool) {
        match name {
            "pause" | "resume" if is_expected => self.is_paused = None,
            "pause" => self.is_paused = Some(true),
            "resume" => self.is_paused = Some(false),
            _ => {}
        }
        self.may_come.transfers |= BEGINNING.contains(&name);
        self.may_come.users |= name == "register";
        self.may_make_files |= MAKING_FILES.contains(&name);
        // Who is logged in stays that when another account is made.
        let leads_elsewhere = LEADING_ELSEWHERE.contains(&name) && !(name == "register" && self.identity.name().is_some());
        let is_uncertain = is_expected && CHANGING_NAMES.contains(&name);
        self.is_known &= !(leads_elsewhere || is_uncertain);
    }

    /// Checks the stored names and the files that the next command is about, and takes in what becomes of them.
    async fn look(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        match call.spec.name {
            "upload" => self.upload(call).await?,
            _ if !self.is_known => {}
            "download" => self.download(shell, call).await?,
            "export" => call.argument(0).map_or(Ok(()), |path| self.claim(expand(path), call.has("force")))?,
            "rm" => self.remove(shell, call).await?,
            "mkdir" => self.make_directories(call)?,
            "mv" => self.rename(shell, call).await?,
            "verify" => self.verify(shell, call).await?,
            "ls" | "info" | "share" | "unshare" => {
                drop(self.all_named(shell, call, 0..call.arguments.len().min(1), false).await?)
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns an error with a name or a path that only earlier commands of the line will have taken told as such.
    fn told(&self, earlier: &Earlier, error: ShellError) -> ShellError {
        let made = |what: String| ShellError::Bad(format!("an earlier command of the line makes {what}"));
        match error {
            ShellError::Engine(EngineError::NameTaken { name })
                if earlier.has(&self.before, &FileKey::new(self.identity.name(), &name)) =>
            {
                made(format!("`{}`", visible(&name)))
            }
            ShellError::Engine(EngineError::DestinationTaken { path })
                if earlier.made.contains(&path) && std::fs::symlink_metadata(&path).is_err() =>
            {
                made(visible_path(&path))
            }
            ShellError::NoneOf { error, others, files, all } => {
                ShellError::NoneOf { error: Box::new(self.told(earlier, *error)), others, files, all }
            }
            error => error,
        }
    }

    /// Refuses a command that waits for virtual time while that is paused, and one that goes on in it while it is not, unless another line
    /// may resume or pause it.
    fn check_pace(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        match self.is_paused.filter(|_| shell.is_alone) {
            Some(true) if takes_time(call) => Err(ShellError::StandingStill),
            Some(false) if call.spec.name == "step" => Err(EngineError::NotPaused.into()),
            _ => Ok(()),
        }
    }

    /// Checks the names that a command is to give, as far as they are in its words: that something can have them, and that they are in
    /// the tree of the user unless that may have changed until then.
    fn check_new_names(&self, call: &Call) -> Result<(), ShellError> {
        let names = match call.spec.name {
            "upload" => call.flags.get("as").map(std::slice::from_ref).unwrap_or_default(),
            "mkdir" => call.arguments.as_slice(),
            "mv" => call.arguments.last().map(std::slice::from_ref).unwrap_or_default(),
            _ => &[],
        };
        for name in names {
            let key = self.identity.key_of(name);
            // The root has no name, and what is to be made has one.
            if key.name.is_empty() && call.spec.name != "mkdir" && !name.is_empty() {
                continue;
            }
            if call.spec.name != "mv" && !self.is_own(&key) && !self.may_change_user {
                return Err(AccessError::AnotherTree { path: name.clone() }.into());
            }
            stored_path(&key.name).map_err(EngineError::from)?;
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
            self.is_known = false;
            return Ok(());
        }
        let needs: Vec<(String, Need)> = found.into_iter().map(|(label, path)| (label, self.need_of(call, path))).collect();
        let stored = needs.iter().filter_map(|(_, need)| need.name().and_then(|name| stored_path(name).ok()));
        let stored: Vec<FileKey> = stored.map(|name| FileKey::new(self.identity.name(), &name)).collect();
        let needs = needs.into_iter().map(|(label, need)| (label, Ok(need))).collect();
        check_needs(self.names.clone(), Arc::clone(&self.identity), needs).await?;
        stored.into_iter().for_each(|key| self.store(key));
        self.is_known &= !self.may_make_files;
        Ok(())
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
            Some(_) if !self.is_known || !is_certain || is_open => source.map_or(Need::Nothing, Need::Source),
            name => Need::Upload { source, name },
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
        let wanted = call.argument(1).map(expand);
        for key in keys {
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
        if (!self.made.insert(path.clone()) || is_taken) && !overwrite {
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
            if self.is_open(&key) {
                continue;
            }
            given.take(&key, &self.identity.shown(&key), recursive)?;
            if self.names.get(&key).is_some() {
                self.require_change(shell, &key).await?;
                changes::remove(&mut self.names, &key, recursive)?;
            }
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

    async fn rename(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let Some((to, from)) = call.arguments.split_last() else { return Ok(()) };
        let found = self.all_named(shell, call, 0..from.len(), true).await?;
        let target = self.identity.key_of(to);
        let is_directory = to.ends_with('/') || self.names.is_directory(&target);
        if !self.is_open(&target) {
            require_room(call, found.len(), is_directory)?;
        }
        let mut given = Given::default();
        for key in found {
            self.require_change(shell, &key).await?;
            if target.owner != key.owner {
                return Err(AccessError::AnotherTree { path: to.clone() }.into());
            }
            let new = if is_directory && key != target { target.child(key.last_name()) } else { target.clone() };
            if self.is_open(&new) || self.is_open(&key) {
                self.open.extend([new, key]);
                continue;
            }
            given.take(&key, &self.identity.shown(&key), true)?;
            changes::rename(&mut self.names, &key, &new)?;
        }
        Ok(())
    }
}
