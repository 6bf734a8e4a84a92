//! What a principal is shown: events, snapshots, lists and single values without what the principal may not see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use p2p_store::namespace::{Changed, Entry, Namespace};

use super::{is_theirs, may_change, may_know, may_read, may_see_transfer, may_see_usage};
use crate::event::Event;
use crate::faults::{ActiveFault, FaultCause};
use crate::operation::{ListDirectory, NodeAnswer};
use crate::principal::Principal;
use crate::snapshot::{Ended, Figures, NodeStatus, Snapshot, StorageStats};

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

/// Returns an event that the principal [may see](super::may_see), as the principal may see it; `None` if that is as it is.
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

/// Returns the files and directories that the principal may know of, as they may see them.
pub fn known_names(principal: &Principal, names: &Namespace) -> Namespace {
    let readable = names.entries().filter(|entry| may_know(principal, names, entry.key()));
    readable.cloned().map(|entry| known_of_entry(principal, entry)).collect()
}

/// Returns what [`known_names`] does, from what was `known` of the names as they were `before`: in proportion to what has changed since.
pub fn known_names_since(principal: &Principal, (before, known): (&Namespace, &Namespace), names: &Namespace) -> Namespace {
    let mut known = known.clone();
    let known_now = |entry: &Entry| may_know(principal, names, entry.key()).then(|| known_of_entry(principal, entry.clone()));
    let is_reader = |entry: Option<&Arc<Entry>>| {
        entry.is_some_and(|entry| principal.name().is_some_and(|name| entry.readers().contains(name)))
    };
    for Changed { key, before, now } in names.changes_since(before) {
        known.set(key, now.and_then(|entry| known_now(entry)));
        // With whom a directory is shared decides on all that is within it.
        if is_reader(before) != is_reader(now) {
            names.tree(key).for_each(|entry| known.set(entry.key(), known_now(entry)));
        }
    }
    known
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
    let within = names.tree(directory).filter(|entry| may_know(principal, names, entry.key()));
    let known: Namespace = within.cloned().map(|entry| known_of_entry(principal, entry)).collect();
    // Of a directory that was shared for storing files, that it is there is known, and not what is in it.
    let is_known = is_own_root || known.is_directory(directory) && !directory.is_root();
    let entries = Some(known.list(directory)).filter(|entries| !entries.is_empty() || is_known)?;
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

/// Returns a file or a directory as the principal may see it: only who may share it sees with whom else it is shared.
pub fn known_of_entry(principal: &Principal, entry: Entry) -> Entry {
    match entry {
        Entry::File(file) => Entry::File(known_of(principal, file)),
        Entry::Directory(mut directory) => {
            directory.readers = known_readers(principal, &directory.key, directory.readers);
            directory.uploaders = known_readers(principal, &directory.key, directory.uploaders);
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
    // Whoever has a token for one path may have it by a link, and not be its user.
    if !may_change(principal, key) || principal.path().is_some() {
        readers.retain(|reader| Some(reader.as_str()) == principal.name());
    }
    readers
}

#[cfg(test)]
mod tests {
    use p2p_store::namespace::DirectoryRecord;
    use p2p_store::segment::Sha256Digest;
    use proptest::prelude::*;

    use super::*;
    use crate::principal::Scope;

    #[derive(Debug, Clone)]
    enum Change {
        Insert(FileKey, bool),
        Remove(FileKey),
        Rename(FileKey, FileKey),
        Read(FileKey, bool),
        Store(FileKey, bool),
    }

    impl Change {
        fn apply(self, names: &mut Namespace) {
            match self {
                Change::Insert(key, true) => names.insert(Entry::File(file(key))),
                Change::Insert(key, false) => names.insert(Entry::Directory(DirectoryRecord::made(key, 7))),
                Change::Remove(key) => drop(names.remove_tree(&key)),
                Change::Rename(from, to) if from == to || to.is_within(&from) => {}
                Change::Rename(from, to) => names.rename(&from, &to),
                Change::Read(key, may) => names.set_reader(&key, "bob", may),
                Change::Store(key, may) => names.set_uploader(&key, "bob", may),
            }
        }
    }

    fn file(key: FileKey) -> FileRecord {
        let (sha256, readers) = (Sha256Digest::of(b""), BTreeSet::new());
        FileRecord { key, size: 1, sha256, segments: 1, segment_size: 65_536, stored_at: 7, modified: 7, mode: 0o644, readers }
    }

    fn key() -> impl Strategy<Value = FileKey> {
        let path =
            prop::collection::vec(prop::sample::select(vec!["a", "b", "a.", "b0"]), 1..4).prop_map(|names| names.join("/"));
        (prop::sample::select(vec![Some("alice"), Some("bob"), None]), path).prop_map(|(owner, path)| FileKey::new(owner, &path))
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            3 => (key(), any::<bool>()).prop_map(|(key, is_file)| Change::Insert(key, is_file)),
            1 => key().prop_map(Change::Remove),
            1 => (key(), key()).prop_map(|(from, to)| Change::Rename(from, to)),
            2 => (key(), any::<bool>()).prop_map(|(key, may)| Change::Read(key, may)),
            1 => (key(), any::<bool>()).prop_map(|(key, may)| Change::Store(key, may)),
        ]
    }

    proptest! {
        /// What is known after some changes is what is known without a look at what was known before.
        #[test]
        fn what_is_known_follows_the_changes(
            rounds in prop::collection::vec(prop::collection::vec(change(), 1..6), 1..12),
            path in prop::option::of(Just("a".to_owned())),
        ) {
            let bob = Principal::User { name: "bob".parse().unwrap(), is_admin: false, scope: Scope::Write, path };
            let mut names = Namespace::default();
            let mut known = known_names(&bob, &names);
            for changes in rounds {
                let before = names.clone();
                changes.into_iter().for_each(|change| change.apply(&mut names));
                known = known_names_since(&bob, (&before, &known), &names);
                prop_assert_eq!(&known, &known_names(&bob, &names));
            }
        }
    }
}
