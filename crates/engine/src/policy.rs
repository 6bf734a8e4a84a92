//! The policy: who may do what, and who may see what. Every door asks these functions and no others.
//!
//! [`check`] is called where an operation takes effect, at the instant at which it does, so that nothing can change between the
//! check and the act. Lists, snapshots and events are filtered by the same functions.
//!
//! Front ends of operations that the engine does not know, such as those on accounts, ask [`require_login`] and [`require_admin`].
//!
//! A file or transfer that the caller may not see is refused as if it did not exist, so that a refusal reveals nothing.

mod known;

use p2p_store::attributes::StoreAs;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::Namespace;
use p2p_store::segment::SegmentId;
use p2p_store::uploads::UploadId;

use super::error::Denial;
use super::event::Event;
use super::operation::{Command, RetrieveSegment, Sink, Source, Upload};
use super::principal::{Caller, Origin, Principal, Scope};
use super::transfer::{Direction, TransferId, TransferStatus};

pub use self::known::{
    known_entries, known_names, known_names_since, known_of, known_of_answer, known_of_entry, known_of_event, known_of_fault,
    known_of_node, known_of_snapshot,
};

/// User who began a transfer, `None` if that was nobody with a name, its direction, and its file.
pub type Starter<'a> = (Option<&'a str>, Direction, &'a FileKey);

/// State of the engine in which the policy looks things up.
pub trait Facts {
    /// Returns the stored files and the directories.
    fn names(&self) -> &Namespace;

    /// Returns who began a transfer; `None` if there is no such transfer.
    fn starter(&self, transfer: TransferId) -> Option<Starter<'_>>;

    /// Returns the user who began a kept upload in a directory of another one, `None` for the owner, and the file that it will be. `None` if
    /// there is no such upload.
    fn upload(&self, id: UploadId) -> Option<(Option<&str>, &FileKey)>;

    /// Returns true if a user keeps a segment on a node without a file. `None` is the user of a data directory without accounts.
    fn is_kept(&self, user: Option<&str>, node: NodeNumber, id: SegmentId) -> bool;
}

/// Right that an operation needs of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Needs<'a> {
    /// Scope alone: the operation is about what every user may see or do.
    Scope(Scope),
    /// Scope, and no limit to a path: the operation is about all files of the caller.
    Whole(Scope),
    /// Right to store this.
    Storing(Place<'a>),
    /// Right to make a directory of this name.
    MakingOne(&'a str),
    /// Right to make a directory of this name, and those above it that are missing.
    Making(&'a str),
    /// Right to continue the kept upload, or, if there is none, to store this.
    StoringKept(Place<'a>, UploadId),
    /// Right to change a file or directory, and to store under this name.
    Moving(&'a FileKey, &'a str),
    /// Right to read a file, and to store under this name.
    Copying(&'a FileKey, &'a str),
    /// Right to read a file or directory.
    Reading(&'a FileKey),
    /// Right to change a file or directory.
    Changing(&'a FileKey),
    /// Scope, and right to see and cancel a transfer.
    Transfer(TransferId, Scope),
    /// Right to continue and to undo a kept upload.
    Upload(UploadId),
    /// Scope, no limit to a path, and a segment that the caller keeps on the node. Admins see all.
    Kept(NodeNumber, SegmentId, Scope),
    /// Rights of an admin.
    Admin,
}

/// Place at which a file is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    /// Owner of the tree; `None` for the caller.
    owner: Option<&'a str>,
    /// Path in the tree; `None` for a name that is going to be refused.
    name: Option<&'a str>,
    /// True if a file that is there may be replaced.
    replace: bool,
}

impl<'a> Place<'a> {
    fn of(upload: &'a Upload) -> Place<'a> {
        Place { owner: upload.owner.as_deref(), name: upload.stored_name(), replace: upload.stored_as.replace }
    }
}

/// Returns what an operation needs, and true if only a local caller may call it. The match lists every operation, so that a new
/// one cannot be added without a decision.
fn needs(command: &Command) -> (Needs<'_>, bool) {
    match command {
        Command::Upload(upload) => match upload.source {
            Source::File(_) => (Needs::Storing(Place::of(upload)), true),
            Source::Stream { keep: Some(keep), .. } => (Needs::StoringKept(Place::of(upload), keep.id), false),
            Source::Stream { keep: None, .. } => (Needs::Storing(Place::of(upload)), false),
        },
        Command::Download(download) => (Needs::Reading(&download.file), matches!(download.sink, Sink::File { .. })),
        Command::StatFile(stat) => (Needs::Reading(&stat.file), false),
        Command::Remove(remove) => (Needs::Changing(&remove.file), false),
        Command::Share(share) => (Needs::Changing(&share.file), false),
        Command::ShareUploads(share) => (Needs::Changing(&share.directory), false),
        Command::SetAttributes(set) => (Needs::Changing(&set.file), false),
        Command::CopyFile(copy) => (Needs::Copying(&copy.from, &copy.to), false),
        Command::Move(change) => (Needs::Moving(&change.from, &change.to), false),
        Command::MakeDirectory(make) if make.parents => (Needs::Making(&make.path), false),
        Command::MakeDirectory(make) => (Needs::MakingOne(&make.path), false),
        Command::Await(wait) => (Needs::Transfer(wait.transfer, Scope::Read), false),
        Command::Cancel(cancel) => (Needs::Transfer(cancel.transfer, Scope::Write), false),
        Command::Park(park) => (Needs::Transfer(park.transfer, Scope::Write), false),
        // What the caller may not read is left out of the answer.
        Command::ListFiles(_)
        | Command::ListDirectory(_)
        | Command::ListNodes(_)
        | Command::ListHosts(_)
        | Command::CountPackets(_)
        | Command::ListTransfers(_)
        | Command::ListUploads(_)
        | Command::TakeFailures(_)
        | Command::CheckHealth(_)
        | Command::Sleep(_)
        | Command::ListPackets(_)
        | Command::ListFaults(_)
        | Command::AskNode(_)
        | Command::ListConnections(_) => (Needs::Scope(Scope::Read), false),
        // How much a user has stored tells of files that are elsewhere.
        Command::StatUser(_) => (Needs::Whole(Scope::Read), false),
        Command::StatStorage(_)
        | Command::SetLink(_)
        | Command::WatchWire(_)
        | Command::SetSpeed(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Step(_)
        | Command::StopCapture(_)
        | Command::Break(_)
        | Command::Mend(_)
        | Command::ClearFaults(_)
        | Command::TreatOrphans(_) => (Needs::Admin, false),
        Command::ForgetUpload(forget) => (Needs::Upload(forget.upload), false),
        // A segment without a file is at no path.
        Command::StoreSegment(_) => (Needs::Whole(Scope::Write), false),
        Command::RetrieveSegment(RetrieveSegment { file: Some(file), .. }) => (Needs::Reading(file), false),
        Command::RetrieveSegment(RetrieveSegment { node, id, file: None }) => (Needs::Kept(*node, *id, Scope::Read), false),
        Command::DeleteSegment(delete) => (Needs::Kept(delete.node, delete.id, Scope::Write), false),
        Command::ExpireUploads(_) | Command::Adopt(_) | Command::StartCapture(_) | Command::Shutdown(_) => (Needs::Admin, true),
    }
}

/// Checks that the caller may call an operation now.
///
/// # Errors
/// Returns why the operation is refused. What the caller may not see is refused as unknown.
pub fn check(caller: &Caller, command: &Command, facts: &impl Facts) -> Result<(), Denial> {
    let Caller { principal, origin, .. } = caller;
    let (needs, is_local_only) = needs(command);
    let is_remote = matches!(origin, Origin::Remote(_));
    match (principal.scope(), principal) {
        (None, _) => return Err(Denial::LoginNeeded),
        (_, Principal::Operator) if is_remote => return Err(Denial::OperatorIsLocal),
        _ if is_remote && is_local_only => return Err(Denial::LocalOnly),
        _ => {}
    }
    match needs {
        Needs::Scope(needed) => require_scope(principal, needed),
        Needs::Whole(needed) => require_whole(principal, needed),
        Needs::Kept(node, id, needed) => {
            require_whole(principal, needed)?;
            let is_known = principal.is_admin() || facts.is_kept(principal.name(), node, id);
            if is_known { Ok(()) } else { Err(Denial::UnknownSegment { node, id }) }
        }
        Needs::Storing(place) => require_storing(principal, facts.names(), place),
        Needs::MakingOne(name) => {
            require_scope(principal, Scope::Write)?;
            require_place(principal, principal.name(), Some(name))
        }
        Needs::Making(name) => {
            require_scope(principal, Scope::Write)?;
            require_place(principal, principal.name(), Some(name))?;
            require_above(principal, facts.names(), name)
        }
        Needs::StoringKept(place, upload) => match facts.upload(upload) {
            Some((begun_by, key)) => {
                require_keeping(principal, upload, Some((begun_by, key)))?;
                // Who has begun it continues it as long as they may store there.
                require_store(principal, facts.names(), key, false)
            }
            None => require_storing(principal, facts.names(), place),
        },
        Needs::Upload(upload) => require_keeping(principal, upload, facts.upload(upload)),
        Needs::Moving(from, to) => {
            require_changing(principal, facts.names(), from)?;
            require_place(principal, from.owner.as_deref(), Some(to))
        }
        Needs::Copying(from, to) => {
            require_scope(principal, Scope::Write)?;
            require_visible(principal, facts.names(), from)?;
            require_place(principal, principal.name(), Some(to))
        }
        Needs::Admin => require_admin(principal, command.name()),
        Needs::Reading(key) => {
            require_scope(principal, Scope::Read)?;
            require_visible(principal, facts.names(), key)
        }
        Needs::Changing(key) => require_changing(principal, facts.names(), key),
        Needs::Transfer(transfer, needed) => {
            require_scope(principal, needed)?;
            let begun = facts.starter(transfer).filter(|&starter| may_see_begun(principal, starter));
            begun.map(drop).ok_or(Denial::UnknownTransfer(transfer))
        }
    }
}

fn require_scope(principal: &Principal, needed: Scope) -> Result<(), Denial> {
    match principal.scope() {
        Some(had) if had >= needed => Ok(()),
        Some(had) => Err(Denial::Scope { had, needed }),
        None => Err(Denial::LoginNeeded),
    }
}

/// Checks that the principal has this scope over all of their own.
///
/// # Errors
/// Returns [`Denial::LoginNeeded`] if no user is logged in, and [`Denial::Scope`] or [`Denial::Limited`] for an API token of a narrower reach.
pub fn require_whole(principal: &Principal, needed: Scope) -> Result<(), Denial> {
    require_scope(principal, needed)?;
    principal.path().map_or(Ok(()), |path| Err(limited(path)))
}

/// Checks that a user is logged in, or that there are no accounts.
///
/// # Errors
/// Returns [`Denial::LoginNeeded`] if not.
pub fn require_login(principal: &Principal) -> Result<(), Denial> {
    if *principal == Principal::Nobody { Err(Denial::LoginNeeded) } else { Ok(()) }
}

/// Checks that the principal may do what admins may, called `what`.
///
/// # Errors
/// Returns [`Denial::LoginNeeded`] if no user is logged in, [`Denial::AdminOnly`] if the user is not an admin, and [`Denial::Scope`] or
/// [`Denial::Limited`] if an admin uses an API token of a narrower reach.
pub fn require_admin(principal: &Principal, what: &str) -> Result<(), Denial> {
    match principal {
        Principal::User { is_admin: false, .. } => Err(Denial::AdminOnly { what: what.to_owned() }),
        Principal::User { path: Some(path), .. } => Err(limited(path)),
        _ => require_scope(principal, Scope::Admin),
    }
}

/// Checks that the principal may change a file or directory: see it, with a scope for changes, and as its owner or an admin.
///
/// # Errors
/// Returns why not.
pub fn require_changing(principal: &Principal, names: &Namespace, key: &FileKey) -> Result<(), Denial> {
    require_scope(principal, Scope::Write)?;
    match names.get(key) {
        Some(_) if may_change(principal, key) => Ok(()),
        Some(_) if may_read(principal, names, key) => Err(Denial::ReadOnly(key.clone())),
        Some(_) if may_know(principal, names, key) => Err(Denial::StoreOnly(key.clone())),
        _ => Err(Denial::UnknownFile(key.clone())),
    }
}

fn require_visible(principal: &Principal, names: &Namespace, key: &FileKey) -> Result<(), Denial> {
    match names.get(key).is_some() && may_read(principal, names, key) {
        true => Ok(()),
        false => Err(Denial::UnknownFile(key.clone())),
    }
}

/// Checks that the principal may store a file at a place.
fn require_storing(principal: &Principal, names: &Namespace, place: Place<'_>) -> Result<(), Denial> {
    require_scope(principal, Scope::Write)?;
    let Some(owner) = place.owner.filter(|owner| principal.name() != Some(owner)) else {
        return require_place(principal, principal.name(), place.name);
    };
    if let Some(path) = principal.path() {
        return Err(limited(path));
    }
    // What can be no name is refused by what carries the operation out.
    let name = place.name.and_then(|name| stored_path(name).ok());
    name.map_or(Ok(()), |name| require_store(principal, names, &FileKey::new(Some(owner), &name), place.replace))
}

/// Checks that the principal may store a file of this key. A directory that the principal may not know of is refused as unknown.
fn require_store(principal: &Principal, names: &Namespace, key: &FileKey, replace: bool) -> Result<(), Denial> {
    if may_change(principal, key) {
        return Ok(());
    }
    let directory = key.parent().unwrap_or_else(|| key.clone());
    match may_store(principal, names, key) {
        true if replace && names.get(key).is_some() => Err(Denial::StoreOnly(key.clone())),
        true => Ok(()),
        false if names.get(&directory).is_some() && may_read(principal, names, &directory) => Err(Denial::ReadOnly(directory)),
        false => Err(Denial::UnknownFile(directory)),
    }
}

/// Checks that a token which is limited to a path may store something under this name in the tree of `owner`.
fn require_place(principal: &Principal, owner: Option<&str>, name: Option<&str>) -> Result<(), Denial> {
    let Some(path) = principal.path() else { return Ok(()) };
    let key = name.and_then(|name| stored_path(name).ok()).map(|name| FileKey::new(owner, &name));
    key.filter(|key| is_in_reach(principal, key)).map(drop).ok_or_else(|| limited(path))
}

/// Checks that a token which is limited to a path may make the directories above `name` that are missing in the caller's tree.
fn require_above(principal: &Principal, names: &Namespace, name: &str) -> Result<(), Denial> {
    let Some(path) = principal.path() else { return Ok(()) };
    let key = stored_path(name).ok().map(|name| FileKey::new(principal.name(), &name));
    let may_be_made = |key: &FileKey| names.is_directory(key) || is_in_reach(principal, key);
    key.filter(|key| key.ancestors().all(|above| may_be_made(&above))).map(drop).ok_or_else(|| limited(path))
}

/// Checks that the principal may undo a kept upload. One of another user is unknown to them.
fn require_keeping(principal: &Principal, upload: UploadId, found: Option<(Option<&str>, &FileKey)>) -> Result<(), Denial> {
    require_scope(principal, Scope::Write)?;
    let own = found.filter(|(begun_by, key)| may_keep(principal, *begun_by, key));
    own.map(drop).ok_or(Denial::UnknownUpload(upload))
}

fn limited(path: &str) -> Denial {
    Denial::Limited { path: path.to_owned() }
}

/// Returns true unless an API token is limited to a path that the file or directory of this key is not at or below.
fn is_in_reach(principal: &Principal, key: &FileKey) -> bool {
    let Some(path) = principal.path() else { return true };
    let below = key.name.strip_prefix(path);
    key.owner.as_deref() == principal.name() && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Returns true if the principal may see what `user` owns or has begun: their own, or anything for an admin. A token of a narrower
/// scope gives none of an admin's rights over what others own.
fn is_theirs(principal: &Principal, user: Option<&str>) -> bool {
    principal.is_admin() || (principal.name().is_some() && principal.name() == user)
}

/// Returns true if the principal may see a transfer: one that they have begun, an upload of a file that will be theirs, or any for an admin.
pub fn may_see_begun(principal: &Principal, (user, direction, file): Starter<'_>) -> bool {
    let is_own = is_theirs(principal, user) && is_in_reach(principal, file);
    is_own || (direction == Direction::Upload && may_change(principal, file))
}

/// Returns true if the principal may see, continue and undo a kept upload: of a file that will be theirs, or one that they have begun in a
/// directory of another user.
pub fn may_keep(principal: &Principal, begun_by: Option<&str>, file: &FileKey) -> bool {
    may_change(principal, file) || (begun_by.is_some() && is_theirs(principal, begun_by) && is_in_reach(principal, file))
}

/// Returns true if the principal may remove, move and share the file or directory of this key, as far as ownership decides.
pub fn may_change(principal: &Principal, key: &FileKey) -> bool {
    is_theirs(principal, key.owner.as_deref()) && is_in_reach(principal, key)
}

/// Returns true if the principal may read a file or a directory: as its owner, or because it or a directory that it is in was
/// shared with them.
pub fn may_read(principal: &Principal, names: &Namespace, key: &FileKey) -> bool {
    let is_reader = || is_in_reach(principal, key) && principal.name().is_some_and(|name| names.is_reader(key, name));
    may_change(principal, key) || is_reader()
}

/// Returns true if the principal may know that there is a file or a directory: one that they may read, or a directory that was shared with
/// them for storing files in it.
pub fn may_know(principal: &Principal, names: &Namespace, key: &FileKey) -> bool {
    may_read(principal, names, key) || (is_in_reach(principal, key) && is_uploader(principal, names, key))
}

fn is_uploader(principal: &Principal, names: &Namespace, directory: &FileKey) -> bool {
    principal.name().is_some_and(|name| names.is_uploader(directory, name))
}

/// Returns true if the principal may store a new file of this key: as the owner, or because its directory was shared with them for that, or
/// one that it is in and of which they may read all.
pub fn may_store(principal: &Principal, names: &Namespace, key: &FileKey) -> bool {
    let is_shared = |directory: FileKey| {
        let is_above = || directory.ancestors().any(|above| is_uploader(principal, names, &above));
        is_uploader(principal, names, &directory) || (may_read(principal, names, &directory) && is_above())
    };
    may_change(principal, key) || (is_in_reach(principal, key) && key.parent().is_some_and(is_shared))
}

/// Returns an upload as the principal may have it: who stores in the tree of another user replaces nothing, whatever comes to its place
/// until it begins.
pub(super) fn as_may_be_stored(principal: &Principal, upload: Upload) -> Upload {
    let is_guest = upload.owner.as_deref().is_some_and(|owner| !is_theirs(principal, Some(owner)));
    let replace = upload.stored_as.replace && !is_guest;
    Upload { stored_as: StoreAs { replace, ..upload.stored_as }, ..upload }
}

/// Returns true if the principal may see and cancel a transfer, as [`may_see_begun`] says.
pub fn may_see_transfer(principal: &Principal, transfer: &TransferStatus) -> bool {
    may_see_begun(principal, (transfer.user.as_deref(), transfer.direction, &transfer.file))
}

/// Returns true if the principal may see how full the nodes are. Only admins may: the usage would reveal to other users whether
/// certain content is stored already, because content that is stored takes no additional room.
pub fn may_see_usage(principal: &Principal) -> bool {
    principal.is_admin()
}

/// Returns true if the principal may see an event. `is_seen` tells whether a transfer is one that the principal may see.
pub fn may_see(principal: &Principal, event: &Event, is_seen: impl Fn(TransferId) -> bool) -> bool {
    match event {
        Event::TransferStarted { user, direction, file, .. }
        | Event::TransferFinished { user, direction, file, .. }
        | Event::TransferFailed { user, direction, file, .. } => may_see_begun(principal, (user.as_deref(), *direction, file)),
        Event::UploadParked { user, file, .. } => may_see_begun(principal, (user.as_deref(), Direction::Upload, file)),
        Event::Segment { transfer, .. } | Event::SegmentRetried { transfer, .. } => is_seen(*transfer),
        Event::FileStored { file, .. } | Event::FileRemoved { file } => may_change(principal, file),
        Event::DirectoryMade { directory } | Event::DirectoryRemoved { directory } => may_change(principal, directory),
        Event::Moved { from, to } => may_change(principal, from) && may_change(principal, to),
        // Whoever is limited to a path learns of nothing elsewhere.
        Event::FileCopied { from, to, .. } => may_change(principal, to) && is_in_reach(principal, from),
        Event::AttributesSet { file, .. } => may_change(principal, file),
        Event::FileShared { file, user, .. } | Event::UploadsShared { directory: file, user, .. } => {
            may_change(principal, file) || (is_in_reach(principal, file) && principal.name() == Some(user))
        }
        Event::FilesAdopted { owner, .. } => is_theirs(principal, Some(owner)) && principal.path().is_none(),
        Event::LinkChanged { .. }
        | Event::DeletionsOwed { .. }
        | Event::OwedDeleted { .. }
        | Event::Connected { .. }
        | Event::Disconnected { .. }
        | Event::ProtocolViolated { .. }
        | Event::HealthChanged { .. }
        | Event::Swept { .. }
        | Event::DiskTrouble { .. }
        | Event::SegmentsMissing { .. }
        | Event::StartFailed { .. }
        | Event::FaultBegan { .. }
        | Event::FaultEnded { .. }
        | Event::CatalogMigrated { .. }
        | Event::CaptureEnded { .. } => *principal != Principal::Nobody,
    }
}
