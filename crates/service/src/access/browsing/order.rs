//! Orders of lists, kept for the next page. While nothing changes, a page is cut out of its order; a few changes are put in where they belong.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_base::spelling::{folded, has_folded};
use p2p_engine::Principal;
use p2p_store::names::FileKey;
use p2p_store::namespace::{Child, DirectoryRecord, Entry, Namespace};

use super::Sort;

/// Orders that are kept at the most: the latest that were looked at.
const ORDERS_MAX: usize = 16;
/// Entries of all orders that are kept, at the most. Each costs a pointer, and what was changed since is kept with it.
const ENTRIES_MAX: usize = 2_000_000;
/// Changes that are put into an order at the most; after more it is made anew.
const CHANGES_MAX: usize = 256;

/// List that is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Who looks at it.
    pub(super) principal: Principal,
    /// Directory; `None` for what others share.
    pub(super) root: Option<FileKey>,
    /// Text that is searched for here and below, [`folded`]; nothing if it is empty.
    pub(super) search: String,
    pub(super) sort: Sort,
}

/// Entries of a list in their order: directories, then files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Order {
    entries: Vec<Arc<Entry>>,
    directories: usize,
    bytes: u64,
}

/// Orders of lists that were looked at. Clones share them.
#[derive(Debug, Clone, Default)]
pub(in crate::access) struct Orders(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    listed: Listed,
    names: Namespace,
    order: Arc<Order>,
}

impl Orders {
    /// Returns the order of a list in these names.
    pub(super) fn of(&self, listed: Listed, names: Namespace) -> Arc<Order> {
        let found = {
            let mut kept = self.kept();
            let found = kept.iter().position(|kept| kept.listed == listed).map(|place| kept.remove(place));
            match found {
                // It stays for those who ask meanwhile, as the latest.
                Some(same) if same.names.is_same(&names) => {
                    let order = Arc::clone(&same.order);
                    kept.push(same);
                    return order;
                }
                found => found,
            }
        };
        // Nobody waits for the order of somebody else's list.
        let order = match found {
            Some(Kept { names: before, order, .. }) => {
                listed.followed(order, &before, &names).unwrap_or_else(|| Arc::new(listed.order(&names)))
            }
            None => Arc::new(listed.order(&names)),
        };
        self.keep(Kept { listed, names, order: Arc::clone(&order) });
        order
    }

    fn keep(&self, latest: Kept) {
        let mut kept = self.kept();
        // Another request for the same list may have come first.
        kept.retain(|kept| kept.listed != latest.listed);
        kept.push(latest);
        let entries = |kept: &[Kept]| kept.iter().map(|kept| kept.order.len()).sum::<usize>();
        while kept.len() > ORDERS_MAX || entries(&kept) > ENTRIES_MAX {
            kept.remove(0);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        // A panic while the lock was held leaves complete values.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    /// Puts the whole list in order.
    fn order(&self, names: &Namespace) -> Order {
        let mut entries = self.candidates(names);
        entries.retain(|entry| has_folded(entry.key().last_name(), &self.search));
        // What is alike in this stays in the order of the keys.
        entries.sort_by_cached_key(|entry| (self.rank(entry), folded(entry.key().last_name())));
        let directories = entries.partition_point(|entry| matches!(**entry, Entry::Directory(_)));
        let bytes = entries.iter().map(|entry| entry.size()).sum();
        Order { entries, directories, bytes }
    }

    fn candidates(&self, names: &Namespace) -> Vec<Arc<Entry>> {
        let own = self.principal.name();
        let others = || names.owners().filter(|owner| *owner != own);
        match (&self.root, self.search.is_empty()) {
            (Some(root), true) => names.children(root).map(shared).collect(),
            (Some(root), false) => names.tree_shared(root).filter(|entry| entry.key() != root).cloned().collect(),
            (None, true) => others().flat_map(|owner| names.outermost(owner)).cloned().collect(),
            (None, false) => names.entries_shared().filter(|entry| entry.key().owner.as_deref() != own).cloned().collect(),
        }
    }

    /// Returns what entries are sorted by before their names.
    fn rank(&self, entry: &Entry) -> (bool, u64) {
        let rank = match (self.sort, entry) {
            (Sort::Name | Sort::Kind, _) => 0,
            (Sort::Size, entry) => entry.size(),
            (Sort::Modified, entry) => entry.attributes().modified.unwrap_or_default(),
            (Sort::Created, Entry::File(file)) => file.stored_at,
            (Sort::Created, Entry::Directory(directory)) => directory.made_at,
        };
        (matches!(entry, Entry::File(_)), rank)
    }

    fn compare(&self, one: &Entry, other: &Entry) -> Ordering {
        let names = || folded(one.key().last_name()).cmp(&folded(other.key().last_name()));
        self.rank(one).cmp(&self.rank(other)).then_with(names).then_with(|| one.key().cmp(other.key()))
    }

    /// Brings an order that was right before up to date; `None` if it is to be made anew.
    fn followed(&self, mut order: Arc<Order>, before: &Namespace, names: &Namespace) -> Option<Arc<Order>> {
        let changes: Vec<_> = names.changes_since(before).take(CHANGES_MAX + 1).collect();
        if changes.len() > CHANGES_MAX {
            return None;
        }
        for changed in changes {
            if !self.is_listed(changed.key, before, names)? {
                continue;
            }
            let order = Arc::make_mut(&mut order);
            let place = |order: &Order, entry: &Entry| order.entries.binary_search_by(|listed| self.compare(listed, entry));
            if let Some(gone) = changed.before {
                order.remove(place(order, gone).ok()?);
            }
            if let Some(new) = changed.now {
                order.insert(place(order, new).err()?, Arc::clone(new));
            }
        }
        Some(order)
    }

    /// Returns true if what has this key is on the list. `None` if it decides on other entries whether they are.
    fn is_listed(&self, key: &FileKey, before: &Namespace, names: &Namespace) -> Option<bool> {
        let Some(root) = &self.root else {
            // A directory that is shared no more leaves what is in it.
            return if key.owner.as_deref() == self.principal.name() { Some(false) } else { None };
        };
        if !key.is_within(root) {
            return Some(false);
        }
        if !self.search.is_empty() {
            return Some(has_folded(key.last_name(), &self.search));
        }
        let is_below = |above: &FileKey| above.is_within(root);
        match key.ancestors().take_while(is_below).last() {
            // A directory without an entry is there because of what is in it.
            Some(child) => (before.get(&child).is_some() && names.get(&child).is_some()).then_some(false),
            None => {
                // One that gains or loses its own entry, and has something in it, stays on the list.
                let is_implied = |names: &Namespace| names.get(key).is_none() && names.tree(key).next().is_some();
                (!is_implied(before) && !is_implied(names)).then_some(true)
            }
        }
    }
}

impl Order {
    /// Returns the number of entries.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the size of all files in bytes.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns at most `max` entries behind the first `skipped`, of the order or of the other way round.
    pub(super) fn part(&self, skipped: usize, max: usize, is_descending: bool) -> Vec<Entry> {
        let (directories, files) = self.entries.split_at(self.directories);
        let cut =
            |all: &mut dyn Iterator<Item = &Arc<Entry>>| all.skip(skipped).take(max).map(|entry| Entry::clone(entry)).collect();
        match is_descending {
            false => cut(&mut directories.iter().chain(files)),
            true => cut(&mut directories.iter().rev().chain(files.iter().rev())),
        }
    }

    fn insert(&mut self, place: usize, entry: Arc<Entry>) {
        self.bytes += entry.size();
        self.directories += usize::from(matches!(*entry, Entry::Directory(_)));
        self.entries.insert(place, entry);
    }

    fn remove(&mut self, place: usize) {
        let entry = self.entries.remove(place);
        self.bytes -= entry.size();
        self.directories -= usize::from(matches!(*entry, Entry::Directory(_)));
    }
}

fn shared(child: Child<'_>) -> Arc<Entry> {
    match child {
        Child::Entry(entry) => Arc::clone(entry),
        Child::Implied(key) => Arc::new(Entry::Directory(DirectoryRecord::made(key, 0))),
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::Scope;
    use p2p_store::manifest::FileRecord;
    use p2p_store::segment::Sha256Digest;
    use proptest::prelude::*;

    use super::*;

    fn file(owner: &str, path: &str, size: u64) -> Entry {
        let (key, sha256, readers) = (FileKey::new(Some(owner), path), Sha256Digest::of(b""), Default::default());
        let (modified, stored_at) = (size / 3, size / 7);
        Entry::File(FileRecord {
            key,
            size,
            sha256,
            segments: 1,
            segment_size: 65_536,
            stored_at,
            modified,
            mode: 0o644,
            readers,
        })
    }

    fn directory(path: &str) -> Entry {
        Entry::Directory(DirectoryRecord::made(FileKey::new(Some("alice"), path), 0))
    }

    fn listed(root: Option<&str>, search: &str, sort: Sort) -> Listed {
        let principal = Principal::User { name: "alice".parse().unwrap(), is_admin: false, scope: Scope::Write, path: None };
        Listed { principal, root: root.map(|path| FileKey::new(Some("alice"), path)), search: search.to_owned(), sort }
    }

    fn names_of(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.key().name.as_str()).collect()
    }

    #[test]
    fn directories_come_first_and_letters_have_no_case() {
        let entries = [file("alice", "b", 3), file("alice", "A", 9), file("alice", "C", 3), directory("z"), directory("Y")];
        let names: Namespace = entries.into_iter().chain([file("alice", "z/ab", 1), file("bob", "x/y", 1)]).collect();
        let order = |sort| listed(Some(""), "", sort).order(&names);
        let by_name = order(Sort::Name);
        assert_eq!(names_of(&by_name.part(0, 9, false)), ["Y", "z", "A", "b", "C"]);
        assert_eq!(names_of(&by_name.part(1, 3, true)), ["Y", "C", "b"]);
        assert_eq!((by_name.len(), by_name.bytes()), (5, 15));
        assert_eq!(names_of(&order(Sort::Size).part(2, 9, false)), ["b", "C", "A"]);
        assert_eq!(names_of(&listed(Some(""), "a", Sort::Name).order(&names).part(0, 9, false)), ["A", "z/ab"]);
        assert_eq!(names_of(&listed(None, "", Sort::Name).order(&names).part(0, 9, false)), ["x/y"]);
    }

    #[test]
    fn the_latest_orders_are_kept() {
        let (orders, names) = (Orders::default(), Namespace::from_iter([file("alice", "a", 1)]));
        let first = orders.of(listed(Some(""), "", Sort::Name), names.clone());
        assert!(Arc::ptr_eq(&first, &orders.of(listed(Some(""), "", Sort::Name), names.clone())));
        for n in 0..ORDERS_MAX {
            orders.of(listed(Some(""), &n.to_string(), Sort::Name), names.clone());
        }
        assert_eq!(orders.kept().len(), ORDERS_MAX);
        assert!(!Arc::ptr_eq(&first, &orders.of(listed(Some(""), "", Sort::Name), names)));
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "A", "b.", "é", "É", "b"]), 1..4).prop_map(|names| names.join("/"))
    }

    proptest! {
        /// An order into which changes were put is the one that is made anew.
        #[test]
        fn an_order_follows_the_changes(
            first in prop::collection::vec((path(), prop::option::of(0u64..30)), 0..20),
            rounds in prop::collection::vec(prop::collection::vec((path(), prop::option::of(0u64..30), any::<bool>()), 1..5), 1..8),
            root in prop::sample::select(vec![None, Some(""), Some("a")]),
            search in prop::sample::select(vec!["", "a", "é"]),
            sort in prop::sample::select(vec![Sort::Name, Sort::Size, Sort::Modified, Sort::Created]),
        ) {
            let entry = |path: &str, size: Option<u64>| size.map_or_else(|| directory(path), |size| file("alice", path, size));
            let mut names: Namespace = first.iter().map(|(path, size)| entry(path, *size)).collect();
            let (orders, listed) = (Orders::default(), listed(root, search, sort));
            for changes in rounds {
                for (path, size, is_gone) in changes {
                    match is_gone {
                        true => drop(names.remove_tree(&FileKey::new(Some("alice"), &path))),
                        false => names.insert(entry(&path, size)),
                    }
                }
                prop_assert_eq!(&*orders.of(listed.clone(), names.clone()), &listed.order(&names));
            }
        }
    }
}
