//! Names of files: making and listing directories, moving, copying, sharing and removing what is stored, setting its attributes, and
//! giving what has no owner to a user. The policy has been asked already.

use std::sync::Arc;

use p2p_base::database::Purpose;
use p2p_base::units::ByteSize;
use p2p_store::attributes::{Attributes, StoreAs};
use p2p_store::catalog::{CatalogError, Copy, Garbage, Stored};
use p2p_store::manifest::FileRecord;
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::{Entry, Namespace};

use super::answers::{Answer, catalog_refused};
use super::running::Running;
use super::{CommandId, Simulation, Waiting};
use crate::changes;
use crate::error::EngineError;
use crate::event::Event;
use crate::io::crashed;
use crate::io::{Blocked, JobId, Outcome};
use crate::operation::{self, Reply};
use crate::peer::Peer;
use crate::policy;
use crate::principal::Principal;
use crate::transfer::{Removal, Transfer};

/// Change of names, directories or readers that the catalog has been asked for.
#[derive(Debug, Clone)]
pub(super) enum NameChange {
    /// Making of directories, each in one that exists or precedes it.
    Make { directories: Vec<FileKey>, made_at: u64 },
    /// Move of a file or directory.
    Move { from: FileKey, to: FileKey, replace: bool },
    /// Copy of a file.
    Copy(Copy),
    /// Change of the attributes of a file or directory.
    SetAttributes { file: FileKey, attributes: Attributes },
    /// Change of the readers of a file or directory.
    Share { file: FileKey, user: String, may_read: bool },
    /// Change of the users who may store new files in a directory.
    ShareUploads { directory: FileKey, user: String, may_upload: bool },
}

impl Simulation {
    pub(super) fn share(&mut self, id: CommandId, share: operation::Share) -> Option<Answer> {
        let operation::Share { file, user, may_read } = share;
        match self.changeable(&file) {
            Ok(()) => self.change_names(id, NameChange::Share { file, user, may_read }),
            Err(error) => Some(Err(error)),
        }
    }

    pub(super) fn share_uploads(&mut self, id: CommandId, share: operation::ShareUploads) -> Option<Answer> {
        let operation::ShareUploads { directory, user, may_upload } = share;
        let is_directory = |names: &Namespace| match names.is_directory(&directory) {
            true => Ok(()),
            false => Err(EngineError::NotDirectory { name: directory.name.clone() }),
        };
        match self.changeable(&directory).and_then(|()| is_directory(self.world.names.files())) {
            Ok(()) => self.change_names(id, NameChange::ShareUploads { directory, user, may_upload }),
            Err(error) => Some(Err(error)),
        }
    }

    pub(super) fn set_attributes(&mut self, id: CommandId, set: operation::SetAttributes) -> Option<Answer> {
        let operation::SetAttributes { file, attributes } = set;
        match self.changeable(&file) {
            Ok(()) => self.change_names(id, NameChange::SetAttributes { file, attributes }),
            Err(error) => Some(Err(error)),
        }
    }

    /// Refuses to change what is not there, and a file in whose place an upload that is under way is about to put another one.
    fn changeable(&mut self, key: &FileKey) -> Result<(), EngineError> {
        self.note_use(key);
        self.known_entry(key)?;
        self.refuse_promised(key)
    }

    pub(super) fn make_directory(
        &mut self,
        id: CommandId,
        user: Option<String>,
        make: &operation::MakeDirectory,
    ) -> Option<Answer> {
        let key = match stored_path(&make.path) {
            Ok(name) => FileKey { owner: user, name },
            Err(error) => return Some(Err(error.into())),
        };
        self.note_use(&key);
        match self.directories_to_make(&key, make.parents) {
            Ok(directories) if directories.is_empty() => Some(Ok(Reply::Done(()))),
            Ok(directories) => self.change_names(id, NameChange::Make { directories, made_at: make.made_at }),
            Err(error) => Some(Err(error)),
        }
    }

    fn directories_to_make(&self, key: &FileKey, parents: bool) -> Result<Vec<FileKey>, EngineError> {
        let missing = changes::directories_to_make(self.world.names.files(), key, parents)?;
        missing.iter().try_for_each(|key| self.refuse_reserved(key))?;
        Ok(missing)
    }

    pub(super) fn move_to(&mut self, id: CommandId, change: operation::Move) -> Option<Answer> {
        let operation::Move { from, to, replace } = change;
        self.note_use_of_tree(&from);
        match self.target_of_move(&from, &to, replace) {
            // To rename a file to itself is no change (rename(2)).
            Ok(to) if to == from => Some(Ok(Reply::Done(()))),
            Ok(to) => self.change_names(id, NameChange::Move { from, to, replace }),
            Err(error) => Some(Err(error)),
        }
    }

    fn target_of_move(&mut self, from: &FileKey, to: &str, replace: bool) -> Result<FileKey, EngineError> {
        changes::known_entry(self.world.names.files(), from)?;
        let to = FileKey { owner: from.owner.clone(), name: stored_path(to)? };
        self.note_use(&to);
        changes::require_movable(self.world.names.files(), from, &to, replace)?;
        self.refuse_arriving(from)?;
        self.claim_place(&to)?;
        Ok(to)
    }

    pub(super) fn copy(&mut self, id: CommandId, user: Option<String>, copy: operation::CopyFile) -> Option<Answer> {
        let operation::CopyFile { from, to, copied_at, preserve, replace } = copy;
        match self.target_of_copy(&from, user, &to, replace) {
            Ok(to) => self.change_names(id, NameChange::Copy(Copy { from, to, copied_at, preserve, replace })),
            Err(error) => Some(Err(error)),
        }
    }

    fn target_of_copy(&mut self, from: &FileKey, owner: Option<String>, to: &str, replace: bool) -> Result<FileKey, EngineError> {
        let file = self.known_file(from)?;
        let to = FileKey { owner, name: stored_path(to)? };
        self.note_use(&to);
        changes::require_copyable(self.world.names.files(), from, &to, replace)?;
        self.refuse_over_quota(&to, ByteSize::from_bytes(file.size), self.size_at(&to))?;
        self.claim_place(&to)?;
        Ok(to)
    }

    /// Refuses a key at which an upload or a removal is under way. If it is that of something which is to be replaced, the volumes are
    /// claimed, from which its segments are going to be deleted.
    fn claim_place(&mut self, key: &FileKey) -> Result<(), EngineError> {
        self.refuse_promised(key)?;
        self.refuse_leaving(key)?;
        if self.world.names.files().file(key).is_some() {
            self.world.claim_volumes(Purpose::Free)?;
        }
        Ok(())
    }

    /// Refuses a key of which the removal has begun and is not known yet: what came to its place would be taken for what is removed.
    pub(super) fn refuse_leaving(&self, key: &FileKey) -> Result<(), EngineError> {
        match self.transfers.values().any(|transfer| transfer.is_removing(key)) {
            true => Err(EngineError::NameTaken { name: key.name.clone() }),
            false => Ok(()),
        }
    }

    pub(super) fn remove(&mut self, by: (Option<String>, Peer), remove: &operation::Remove) -> Answer {
        self.refuse_without_host(by.1)?;
        let key = &remove.file;
        self.note_use_of_tree(key);
        changes::require_removable(self.world.names.files(), key, remove.recursive)?;
        changes::require_content(self.world.names.files(), key, remove.expected)?;
        self.refuse_arriving(key)?;
        let add = |(bytes, segments): (u64, u32), file: &FileRecord| {
            (bytes.saturating_add(file.size), segments.saturating_add(file.segments))
        };
        let size = self.world.names.files().files_of(key).fold((0, 0), add);
        self.world.claim_volumes(Purpose::Free)?;
        let id = self.next_id();
        let payload = self.world.payload_of(by.1);
        let removal = Removal::new(self.now(), id, by, (key.clone(), remove.expected), size);
        self.begin(id, Running::new(Transfer::Removal(Box::new(removal)), None, payload))
    }

    pub(super) fn list_directory(&self, by: &Principal, list: &operation::ListDirectory) -> Answer {
        let directory = &list.directory;
        if let Some(Entry::File(file)) = self.world.names.files().get(directory)
            && policy::may_read(by, self.world.names.files(), directory)
        {
            return Ok(Reply::Entries(vec![Entry::File(policy::known_of(by, file.clone()))]));
        }
        let known = policy::known_entries(by, self.world.names.files(), list);
        known.map(Reply::Entries).ok_or_else(|| EngineError::NoDirectory { name: directory.to_string() })
    }

    fn change_names(&mut self, id: CommandId, change: NameChange) -> Option<Answer> {
        // What the catalog takes up from now on, an older copy of it must not undo on the disks.
        let job = match self.world.names.catalog().database().refuse_when_read_only().map_err(CatalogError::from) {
            Ok(()) => self.ask_for_change(change.clone()),
            Err(error) => return Some(Err(error.into())),
        };
        self.wait_for(id, Waiting::NameChange { job, change })
    }

    fn ask_for_change(&mut self, change: NameChange) -> JobId {
        self.ask_catalog(move |catalog| {
            let nothing_left = |()| Garbage::new();
            Outcome::NamesChanged(match change {
                NameChange::Copy(copy) => return Outcome::FileCommitted(catalog.copy(&copy).map(Box::new)),
                NameChange::Move { from, to, replace } => catalog.rename(&from, &to, replace),
                NameChange::Make { directories, made_at } => catalog.make_directories(&directories, made_at).map(nothing_left),
                NameChange::SetAttributes { file, attributes } => catalog.set_attributes(&file, attributes).map(nothing_left),
                NameChange::Share { file, user, may_read } => catalog.set_reader(&file, &user, may_read).map(nothing_left),
                NameChange::ShareUploads { directory, user, may_upload } => {
                    catalog.set_uploader(&directory, &user, may_upload).map(nothing_left)
                }
            })
        })
    }

    /// Refuses a key under which no upload can store a file: one that is taken, unless by a file that it may replace, one that another
    /// upload will have, or one without a directory; and one of another file than that which it is to replace.
    pub(super) fn refuse_for_upload(&self, key: &FileKey, stored_as: StoreAs) -> Result<(), EngineError> {
        changes::require_storable(self.world.names.files(), key, stored_as.replace)?;
        changes::require_content(self.world.names.files(), key, stored_as.expected)?;
        self.refuse_reserved(key)?;
        self.refuse_leaving(key)
    }

    /// Refuses a name that an upload will have.
    fn refuse_reserved(&self, key: &FileKey) -> Result<(), EngineError> {
        match self.world.names.is_reserved(key) {
            true => Err(EngineError::NameReserved { name: key.name.clone() }),
            false => Ok(()),
        }
    }

    /// Refuses a name that an upload will have, unless the upload is parked and was to replace the file that is stored there: such a file
    /// is not locked by what is kept for a source that may never come back.
    fn refuse_promised(&self, key: &FileKey) -> Result<(), EngineError> {
        match self.world.names.files().file(key).is_some() && self.world.names.is_parked(key) {
            true => Ok(()),
            false => self.refuse_reserved(key),
        }
    }

    /// Refuses to move or remove a directory into which an upload is under way or kept, and a file that one under way is about to replace.
    fn refuse_arriving(&self, key: &FileKey) -> Result<(), EngineError> {
        self.refuse_promised(key)?;
        let arriving = self.world.names.reserved().iter().find(|arriving| arriving.is_within(key));
        arriving.map_or(Ok(()), |arriving| Err(EngineError::NameReserved { name: arriving.name.clone() }))
    }

    /// Returns the condition that an adoption by `owner` waits for: first the end of running transfers of files without an
    /// owner, then the catalog.
    pub(super) fn adoption(&mut self, owner: String) -> Waiting {
        let is_unowned = |transfer: &Running| transfer.bare_status().file.owner.is_none();
        if self.transfers.values().any(is_unowned) || self.is_nobody_exchanging() {
            return Waiting::Adoption { owner };
        }
        let (heir, reserved) = (owner.clone(), self.world.names.reserved().clone());
        self.note_use_of_tree(&FileKey::unowned(""));
        for pin in self.world.pins.of_nobody() {
            self.note_pin(&pin);
        }
        let names: Vec<FileKey> =
            self.world.names.files().list_shared(&FileKey::unowned("")).iter().map(|entry| entry.key().clone()).collect();
        names.iter().for_each(|key| self.note_use(&FileKey::new(Some(&owner), &key.name)));
        let job = self.ask_catalog(move |catalog| Outcome::FilesAdopted(catalog.adopt(&heir, &reserved)));
        Waiting::Adopting { job, owner }
    }

    /// Returns the answer to the waiting command at this index, once there is one.
    pub(super) fn answer_about_names(&mut self, index: usize) -> Result<Option<Answer>, Blocked> {
        match self.waiting.other(index) {
            Waiting::NameChange { job, change } => {
                let (job, change) = (*job, change.clone());
                let outcome = self.outcome_of(job)?;
                Ok(Some(self.names_changed(outcome, change)))
            }
            Waiting::Adoption { owner } => {
                let adoption = self.adoption(owner.clone());
                if matches!(adoption, Waiting::Adoption { .. }) {
                    return Ok(None);
                }
                self.waiting.set_other(index, adoption);
                self.answer_about_names(index)
            }
            Waiting::Adopting { job, owner } => {
                let (job, owner) = (*job, owner.clone());
                let outcome = self.outcome_of(job)?;
                Ok(Some(self.adopted(outcome, owner)))
            }
            _ => Ok(None),
        }
    }

    fn outcome_of(&mut self, job: JobId) -> Result<Outcome, Blocked> {
        self.world.work.jobs.take(job).ok_or(Blocked(job))
    }

    fn names_changed(&mut self, outcome: Outcome, change: NameChange) -> Answer {
        let garbage = match outcome {
            Outcome::NamesChanged(Ok(garbage)) => garbage,
            Outcome::FileCommitted(Ok(copied)) => self.copied(*copied, &change),
            Outcome::NamesChanged(Err(error)) | Outcome::FileCommitted(Err(error)) => return Err(catalog_refused(error)),
            other => return Err(crashed(other)),
        };
        self.take_in(change);
        self.world.release(garbage);
        Ok(Reply::Done(()))
    }

    /// Makes a copy known, and returns the segments that the file in its place alone needed.
    fn copied(&mut self, Stored { file, garbage }: Stored, change: &NameChange) -> Garbage {
        if let NameChange::Copy(Copy { from, to, .. }) = change {
            let (bytes, sha256) = (file.size, file.sha256);
            self.world.names.files_mut().insert(Entry::File(file));
            self.world.emit(Event::FileCopied { from: from.clone(), to: to.clone(), bytes, sha256 });
        }
        garbage
    }

    /// Takes in a change that the catalog has made.
    fn take_in(&mut self, change: NameChange) {
        match change {
            NameChange::Make { directories, made_at } => {
                for key in directories {
                    changes::insert_directory(self.world.names.files_mut(), key.clone(), made_at);
                    self.world.emit(Event::DirectoryMade { directory: key });
                }
            }
            // What is stored of it, the catalog has told.
            NameChange::Copy(_) => {}
            NameChange::SetAttributes { file, attributes } => {
                self.world.names.files_mut().set_attributes(&file, attributes);
                self.world.emit(Event::AttributesSet { file, attributes });
            }
            NameChange::Move { from, to, .. } => {
                self.world.names.files_mut().rename(&from, &to);
                self.note_moved(&to);
                self.world.emit(Event::Moved { from, to });
            }
            NameChange::Share { file, user, may_read } => {
                self.world.names.files_mut().set_reader(&file, &user, may_read);
                self.world.emit(Event::FileShared { file, user, may_read });
            }
            NameChange::ShareUploads { directory, user, may_upload } => {
                self.world.names.files_mut().set_uploader(&directory, &user, may_upload);
                self.world.emit(Event::UploadsShared { directory, user, may_upload });
            }
        }
    }

    fn adopted(&mut self, outcome: Outcome, owner: String) -> Answer {
        let keys = match outcome {
            Outcome::FilesAdopted(Ok(keys)) => keys,
            Outcome::FilesAdopted(Err(error)) => return Err(error.into()),
            other => return Err(crashed(other)),
        };
        self.world.pins.adopt(&owner);
        let mut count = 0;
        for old in &keys {
            let new = FileKey::new(Some(&owner), &old.name);
            count += self.world.names.files().files_of(old).count() as u64;
            self.world.names.files_mut().rename(old, &new);
            self.note_moved(&new);
            for report in &mut self.finished {
                if let Some(file) = report.status.file.moved(old, &new) {
                    let status = &mut Arc::make_mut(report).status;
                    (status.file, status.user) = (file, Some(owner.clone()));
                }
            }
        }
        if !keys.is_empty() {
            self.world.emit(Event::FilesAdopted { owner, count });
        }
        let uploads = self.world.names.catalog().uploads()?;
        self.world.names.repark(uploads);
        Ok(Reply::Done(()))
    }
}
