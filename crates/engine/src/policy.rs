//! The policy: who may do what, and who may see what. Every door asks these functions and no others.
//!
//! [`check`] is called where an operation takes effect, at the instant at which it does, so that nothing can change between the
//! check and the act. Lists, snapshots and events are filtered by the same functions.
//!
//! Front ends of operations that the engine does not know, such as those on accounts, ask [`require_login`] and [`require_admin`].
//!
//! A file or transfer that the caller may not see is refused as if it did not exist, so that a refusal reveals nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use p2p_store::manifest::{FileRecord, NodeNumber};
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::{Entry, Namespace};
use p2p_store::segment::SegmentId;
use p2p_store::uploads::UploadId;

use super::error::Denial;
use super::event::Event;
use super::faults::{ActiveFault, FaultCause};
use super::operation::{Command, ListDirectory, NodeAnswer, RetrieveSegment, Sink, Source};
use super::principal::{Caller, Origin, Principal, Scope};
use super::snapshot::{Ended, Figures, NodeStatus, Snapshot, StorageStats};
use super::transfer::{TransferId, TransferStatus};

/// State of the engine in which the policy looks things up.
pub trait Facts {
    /// Returns the stored files and the directories.
    fn names(&self) -> &Namespace;

    /// Returns the user who began a transfer, `None` if that was nobody with a name, and the file of the transfer. `None` if there
    /// is no such transfer.
    fn starter(&self, transfer: TransferId) -> Option<(Option<&str>, &FileKey)>;

    /// Returns the file that a kept upload will be; `None` if there is no such upload.
    fn upload(&self, id: UploadId) -> Option<&FileKey>;

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
    /// Right to store under this name; `None` for a name that is going to be refused.
    Storing(Option<&'a str>),
    /// Right to make a directory of this name, and those above it that are missing.
    Making(&'a str),
    /// Right to continue the kept upload, or, if there is none, to store under this name.
    StoringKept(Option<&'a str>, UploadId),
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

/// Returns what an operation needs, and true if only a local caller may call it. The match lists every operation, so that a new
/// one cannot be added without a decision.
fn needs(command: &Command) -> (Needs<'_>, bool) {
    match command {
        Command::Upload(upload) => match upload.source {
            Source::File(_) => (Needs::Storing(upload.stored_name()), true),
            Source::Stream { keep: Some(keep), .. } => (Needs::StoringKept(upload.stored_name(), keep.id), false),
            Source::Stream { keep: None, .. } => (Needs::Storing(upload.stored_name()), false),
        },
        Command::Download(download) => (Needs::Reading(&download.file), matches!(download.sink, Sink::File { .. })),
        Command::StatFile(stat) => (Needs::Reading(&stat.file), false),
        Command::Remove(remove) => (Needs::Changing(&remove.file), false),
        Command::Share(share) => (Needs::Changing(&share.file), false),
        Command::SetAttributes(set) => (Needs::Changing(&set.file), false),
        Command::CopyFile(copy) => (Needs::Copying(&copy.from, &copy.to), false),
        Command::Move(change) => (Needs::Moving(&change.from, &change.to), false),
        Command::MakeDirectory(make) if make.parents => (Needs::Making(&make.path), false),
        Command::MakeDirectory(make) => (Needs::Storing(Some(&make.path)), false),
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
        Needs::Storing(name) => {
            require_scope(principal, Scope::Write)?;
            require_place(principal, principal.name(), name)
        }
        Needs::Making(name) => {
            require_scope(principal, Scope::Write)?;
            require_place(principal, principal.name(), Some(name))?;
            require_above(principal, facts.names(), name)
        }
        Needs::StoringKept(name, upload) => {
            require_scope(principal, Scope::Write)?;
            match facts.upload(upload) {
                Some(key) => require_own(principal, upload, Some(key)),
                None => require_place(principal, principal.name(), name),
            }
        }
        Needs::Upload(upload) => {
            require_scope(principal, Scope::Write)?;
            require_own(principal, upload, facts.upload(upload))
        }
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
            let begun = facts.starter(transfer).filter(|(starter, file)| may_see_begun(principal, *starter, file));
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
    require_visible(principal, names, key)?;
    if may_change(principal, key) { Ok(()) } else { Err(Denial::ReadOnly(key.clone())) }
}

fn require_visible(principal: &Principal, names: &Namespace, key: &FileKey) -> Result<(), Denial> {
    match names.get(key).is_some() && may_read(principal, names, key) {
        true => Ok(()),
        false => Err(Denial::UnknownFile(key.clone())),
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

/// Checks that the principal may continue and undo a kept upload of this file. One of another user is unknown to them.
fn require_own(principal: &Principal, upload: UploadId, key: Option<&FileKey>) -> Result<(), Denial> {
    key.filter(|key| may_change(principal, key)).map(drop).ok_or(Denial::UnknownUpload(upload))
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

/// Returns true if the principal may see a transfer of `file` that `user` has begun: one of their own, or any for an admin.
pub fn may_see_begun(principal: &Principal, user: Option<&str>, file: &FileKey) -> bool {
    is_theirs(principal, user) && is_in_reach(principal, file)
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

/// Returns true if the principal may see and cancel a transfer: one of their own, or any for an admin.
pub fn may_see_transfer(principal: &Principal, transfer: &TransferStatus) -> bool {
    may_see_begun(principal, transfer.user.as_deref(), &transfer.file)
}

/// Returns true if the principal may see how full the nodes are. Only admins may: the usage would reveal to other users whether
/// certain content is stored already, because content that is stored takes no additional room.
pub fn may_see_usage(principal: &Principal) -> bool {
    principal.is_admin()
}

/// Returns true if the principal may see an event. `is_seen` tells whether a transfer is one that the principal may see.
pub fn may_see(principal: &Principal, event: &Event, is_seen: impl Fn(TransferId) -> bool) -> bool {
    match event {
        Event::TransferStarted { user, file, .. }
        | Event::UploadParked { user, file, .. }
        | Event::TransferFinished { user, file, .. }
        | Event::TransferFailed { user, file, .. } => may_see_begun(principal, user.as_deref(), file),
        Event::Segment { transfer, .. } | Event::SegmentRetried { transfer, .. } => is_seen(*transfer),
        Event::FileStored { file, .. } | Event::FileRemoved { file } => may_change(principal, file),
        Event::DirectoryMade { directory } | Event::DirectoryRemoved { directory } => may_change(principal, directory),
        Event::Moved { from, to } => may_change(principal, from) && may_change(principal, to),
        // Whoever is limited to a path learns of nothing elsewhere.
        Event::FileCopied { from, to, .. } => may_change(principal, to) && is_in_reach(principal, from),
        Event::AttributesSet { file, .. } => may_change(principal, file),
        Event::FileShared { file, user, .. } => {
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

/// Returns the faults that are on as the principal may see them: none before the login. Where there are none, nothing is copied.
fn known_faults(principal: &Principal, faults: Arc<[ActiveFault]>) -> Arc<[ActiveFault]> {
    match principal {
        Principal::Nobody => Arc::default(),
        _ if faults.is_empty() => faults,
        _ => faults.iter().cloned().map(|fault| known_of_fault(principal, fault)).collect(),
    }
}

/// Returns a fault as the principal may see it.
pub fn known_of_fault(principal: &Principal, mut fault: ActiveFault) -> ActiveFault {
    if !may_see_usage(principal) {
        fault.fault = fault.fault.without_count();
    }
    fault.cause = known_of_cause(principal, fault.cause);
    fault.added = fault.added.into_iter().map(|cause| known_of_cause(principal, cause)).collect();
    fault
}

/// Returns the cause of a fault as the principal may see it: only admins, and whoever is behind it, learn by whom it is on.
fn known_of_cause(principal: &Principal, cause: FaultCause) -> FaultCause {
    let is_own = principal.name().is_some() && principal.name() == cause.by();
    if principal.is_admin() || is_own { cause } else { cause.without_name() }
}

/// Returns an event that the principal [may see](may_see), as the principal may see it; `None` if that is as it is.
pub fn known_of_event(principal: &Principal, event: &Event) -> Option<Event> {
    if !matches!(event, Event::FaultBegan { .. } | Event::FaultEnded { .. }) {
        return None;
    }
    let mut known = event.clone();
    if let Event::FaultBegan { fault, cause } | Event::FaultEnded { fault, cause } = &mut known {
        *cause = known_of_cause(principal, cause.clone());
        if !may_see_usage(principal) {
            *fault = fault.clone().without_count();
        }
    }
    (known != *event).then_some(known)
}

/// Returns the status of a node as the principal may see it.
pub fn known_of_node(principal: &Principal, mut node: NodeStatus) -> NodeStatus {
    if !may_see_usage(principal) {
        (node.used_bytes, node.segments) = (None, None);
    }
    node
}

/// Returns the files and directories that the principal may read, as they may see them.
pub fn known_names(principal: &Principal, names: &Namespace) -> Namespace {
    let readable = names.entries().filter(|entry| may_read(principal, names, entry.key()));
    readable.cloned().map(|entry| known_of_entry(principal, entry)).collect()
}

/// Returns the entries of a directory that the principal may read, as they may see them; `None` if there are none and the
/// principal may not even know that the directory exists.
pub fn known_entries(principal: &Principal, names: &Namespace, list: &ListDirectory) -> Option<Vec<Entry>> {
    let ListDirectory { directory, page } = list;
    let is_on_page = |entry: &Entry| {
        let after = page.as_ref().and_then(|page| page.after.as_deref());
        after.is_none_or(|after| entry.key().last_name() > after)
    };
    let max = page.as_ref().map_or(usize::MAX, |page| page.max as usize);
    let is_own_root = directory.is_root() && directory.owner.as_deref() == principal.name();
    let is_whole = is_own_root && principal.path().is_none();
    if is_whole || (names.is_directory(directory) && may_read(principal, names, directory)) {
        let listed = match page {
            Some(page) => names.page(directory, page.after.as_deref(), max),
            None => names.list(directory),
        };
        return Some(listed.into_iter().map(|entry| known_of_entry(principal, entry)).collect());
    }
    let readable = names.tree(directory).filter(|entry| may_read(principal, names, entry.key()));
    let known: Namespace = readable.cloned().map(|entry| known_of_entry(principal, entry)).collect();
    let entries = Some(known.list(directory)).filter(|entries| !entries.is_empty() || is_own_root)?;
    Some(entries.into_iter().filter(is_on_page).take(max).collect())
}

/// Returns a snapshot as the principal may see it: with `files` in place of all, and the transfers that they may see.
pub fn known_of_snapshot(principal: &Principal, snapshot: Arc<Snapshot>, files: impl FnOnce() -> Namespace) -> Arc<Snapshot> {
    if may_see_usage(principal) {
        return snapshot;
    }
    let mut known = Snapshot::clone(&snapshot);
    known.files = files();
    known.transfers.retain(|report| may_see_transfer(principal, &report.status));
    known.ended = Arc::new(known_ended(principal, &snapshot.ended));
    known.faults = known_faults(principal, known.faults);
    let mut figures = Figures::clone(&snapshot.figures);
    figures.nodes = figures.nodes.into_iter().map(|node| known_of_node(principal, node)).collect();
    figures.storage = StorageStats::default();
    known.figures = Arc::new(figures);
    Arc::new(known)
}

/// Returns the transfers that are no longer listed as the principal may count them: their own ones. Nothing is known of the files of these,
/// so that someone whose reach is limited to a path counts none.
fn known_ended(principal: &Principal, all: &BTreeMap<Option<String>, Ended>) -> BTreeMap<Option<String>, Ended> {
    let is_limited = matches!(principal, Principal::User { path: Some(_), .. });
    let known = all.iter().filter(|(user, _)| !is_limited && is_theirs(principal, user.as_deref()));
    known.map(|(user, ended)| (user.clone(), *ended)).collect()
}

/// Returns what a node has said of itself as the principal may see it.
pub fn known_of_answer(principal: &Principal, answer: NodeAnswer) -> NodeAnswer {
    NodeAnswer { volume: answer.volume.filter(|_| may_see_usage(principal)), ..answer }
}

/// Returns a file or a directory as the principal may see it: only who may share it sees its other readers.
pub fn known_of_entry(principal: &Principal, entry: Entry) -> Entry {
    match entry {
        Entry::File(file) => Entry::File(known_of(principal, file)),
        Entry::Directory(mut directory) => {
            directory.readers = known_readers(principal, &directory.key, directory.readers);
            Entry::Directory(directory)
        }
    }
}

/// Returns the record of a file as the principal may see it: only who may share the file sees its other readers.
pub fn known_of(principal: &Principal, mut file: FileRecord) -> FileRecord {
    file.readers = known_readers(principal, &file.key, file.readers);
    file
}

fn known_readers(principal: &Principal, key: &FileKey, mut readers: BTreeSet<String>) -> BTreeSet<String> {
    if !may_change(principal, key) {
        readers.retain(|reader| Some(reader.as_str()) == principal.name());
    }
    readers
}
