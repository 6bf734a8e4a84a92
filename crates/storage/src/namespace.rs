//! The tree of names in memory: every stored file and every directory, with who may read them.
//!
//! The tree is persistent in the sense of data structures: a clone costs nothing and keeps the state of its time, and a change
//! costs a time logarithmic in the number of names. Independent of the database that it is read from.

mod changes;
mod children;

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

pub use self::changes::Changed;
pub use self::children::Child;
use super::attributes::{Attributes, DIRECTORY_MODE};
use super::manifest::FileRecord;
use super::names::FileKey;

/// Directory in a list of directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryRecord {
    /// Owner and path of the directory.
    pub key: FileKey,
    /// Time at which the directory was made, in seconds since 1970 by the wall clock of the machine.
    pub made_at: u64,
    /// Time of the last modification in seconds since 1970: that of making, unless another one was set.
    pub modified: u64,
    /// Permission bits, which are kept and shown and allow nothing: see [`attributes`](super::attributes).
    pub mode: u32,
    /// Users other than the owner who may read what is in the directory.
    pub readers: BTreeSet<String>,
    /// Users other than the owner who may store new files in the directory. Not part of the encoding.
    #[serde(skip)]
    pub uploaders: BTreeSet<String>,
}

impl DirectoryRecord {
    /// Returns a directory as it is made, in seconds since 1970: with the usual permission bits, and shared with nobody.
    pub fn made(key: FileKey, made_at: u64) -> DirectoryRecord {
        let (readers, uploaders) = (BTreeSet::new(), BTreeSet::new());
        DirectoryRecord { key, made_at, modified: made_at, mode: DIRECTORY_MODE, readers, uploaders }
    }
}

/// Entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A directory.
    Directory(DirectoryRecord),
    /// A file.
    File(FileRecord),
}

impl Entry {
    /// Returns the owner and the path of the entry.
    pub const fn key(&self) -> &FileKey {
        match self {
            Entry::Directory(directory) => &directory.key,
            Entry::File(file) => &file.key,
        }
    }

    /// Returns the time of the last modification and the permission bits.
    pub const fn attributes(&self) -> Attributes {
        let (modified, mode) = match self {
            Entry::Directory(directory) => (directory.modified, directory.mode),
            Entry::File(file) => (file.modified, file.mode),
        };
        Attributes { modified: Some(modified), mode: Some(mode) }
    }

    /// Returns the size of a file in bytes, and 0 for a directory.
    pub const fn size(&self) -> u64 {
        match self {
            Entry::File(file) => file.size,
            Entry::Directory(_) => 0,
        }
    }

    /// Returns the users other than the owner who were given access to this very entry.
    pub const fn readers(&self) -> &BTreeSet<String> {
        match self {
            Entry::Directory(directory) => &directory.readers,
            Entry::File(file) => &file.readers,
        }
    }

    /// Returns the users other than the owner who may store new files in this very directory; none for a file.
    pub const fn uploaders(&self) -> Option<&BTreeSet<String>> {
        match self {
            Entry::Directory(directory) => Some(&directory.uploaders),
            Entry::File(_) => None,
        }
    }

    fn readers_mut(&mut self) -> &mut BTreeSet<String> {
        match self {
            Entry::Directory(directory) => &mut directory.readers,
            Entry::File(file) => &mut file.readers,
        }
    }

    fn with_key(mut self, key: FileKey) -> Entry {
        match &mut self {
            Entry::Directory(directory) => directory.key = key,
            Entry::File(file) => file.key = key,
        }
        self
    }
}

/// Files and directories by owner and path. The root of each owner's tree exists without an entry.
///
/// ```
/// use p2p_store::names::FileKey;
/// use p2p_store::namespace::{DirectoryRecord, Entry, Namespace};
///
/// let mut names = Namespace::default();
/// let key = FileKey::new(Some("alice"), "docs");
/// names.insert(Entry::Directory(DirectoryRecord::made(key.clone(), 0)));
/// let before = names.clone();
/// names.set_reader(&key, "bob", true);
/// assert!(names.is_reader(&key.child("a.bin"), "bob") && !before.is_reader(&key.child("a.bin"), "bob"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    entries: OrdMap<FileKey, Arc<Entry>>,
    /// Files among the entries, in total.
    total: Total,
    /// Files of each owner that has some, in total.
    by_owner: OrdMap<Option<String>, Total>,
}

/// Number and size of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Number of files.
    pub files: usize,
    /// Size of all of them in bytes.
    pub bytes: u64,
}

impl Total {
    /// Counts a file in.
    pub const fn add(&mut self, file: &FileRecord) {
        self.files += 1;
        self.bytes += file.size;
    }

    const fn subtract(&mut self, file: &FileRecord) {
        self.files -= 1;
        self.bytes -= file.size;
    }
}

impl Namespace {
    /// Returns the file or the directory of this key.
    pub fn get(&self, key: &FileKey) -> Option<&Entry> {
        self.entries.get(key).map(Arc::as_ref)
    }

    /// Returns the file of this key.
    pub fn file(&self, key: &FileKey) -> Option<&FileRecord> {
        match self.get(key)? {
            Entry::File(file) => Some(file),
            Entry::Directory(_) => None,
        }
    }

    /// Returns true if a directory has this key.
    pub fn is_directory(&self, key: &FileKey) -> bool {
        key.is_root() || matches!(self.get(key), Some(Entry::Directory(_)))
    }

    /// Returns the directory that a key is in, if there is none of that key.
    pub fn missing_parent(&self, key: &FileKey) -> Option<FileKey> {
        key.parent().filter(|parent| !self.is_directory(parent))
    }

    /// Returns the number and the size of all files.
    pub const fn total(&self) -> Total {
        self.total
    }

    /// Returns the number and the size of the files of an owner, or of those without one.
    pub fn total_of(&self, owner: Option<&str>) -> Total {
        self.by_owner.get(&owner.map(str::to_owned)).copied().unwrap_or_default()
    }

    /// Returns true if there is neither a file nor a directory.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns true if both have the same content because one is a clone of the other. Takes no time.
    pub fn is_same(&self, other: &Namespace) -> bool {
        self.entries.ptr_eq(&other.entries)
    }

    /// Returns all entries, in the order of their keys.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries_shared().map(Arc::as_ref)
    }

    /// Returns all entries in the order of their keys, so that they can be kept without a copy of each.
    pub fn entries_shared(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// Returns all files, in the order of their keys.
    pub fn files(&self) -> impl Iterator<Item = &FileRecord> {
        self.entries().filter_map(as_file)
    }

    /// Returns the entry of `key`, if there is one, and all that is within it, in the order of their keys.
    pub fn tree<'a>(&'a self, key: &'a FileKey) -> impl Iterator<Item = &'a Entry> {
        self.tree_after(key, None)
    }

    /// Returns what [`tree`](Self::tree) does, so that it can be kept without a copy of each.
    pub fn tree_shared<'a>(&'a self, key: &'a FileKey) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.entries.get(key).into_iter().chain(self.within_after(key, None))
    }

    /// Returns what [`tree`](Self::tree) does of the entries that follow `after`, without a look at those before.
    pub fn tree_after<'a>(&'a self, key: &'a FileKey, after: Option<&'a FileKey>) -> impl Iterator<Item = &'a Entry> {
        // The names between `docs` and `docs/` in the order, such as `docs.txt`, are not within it.
        let own = self.get(key).filter(|_| after.is_none_or(|after| key > after));
        own.into_iter().chain(self.within_after(key, after).map(Arc::as_ref))
    }

    /// Returns the entries that follow `after`, in the order of their keys.
    pub fn entries_after<'a>(&'a self, after: Option<&'a FileKey>) -> impl Iterator<Item = &'a Entry> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.entries
            .range::<(Bound<&FileKey>, Bound<&FileKey>), FileKey>((from, Bound::Unbounded))
            .map(|(_, entry)| entry.as_ref())
    }

    /// Returns the files of `key` itself and of all that is within it.
    pub fn files_of<'a>(&'a self, key: &'a FileKey) -> impl Iterator<Item = &'a FileRecord> {
        self.tree(key).filter_map(as_file)
    }

    /// Returns what is within a directory, at any depth, and follows `after`, in the order of the keys.
    fn within_after<'a>(&'a self, directory: &'a FileKey, after: Option<&FileKey>) -> impl Iterator<Item = &'a Arc<Entry>> {
        let begin = match directory.is_root() {
            true => directory.clone(),
            false => FileKey { owner: directory.owner.clone(), name: format!("{}/", directory.name) },
        };
        let from = after.filter(|after| **after > begin).cloned().unwrap_or(begin);
        let later = self.entries.range((Bound::Excluded(from), Bound::Unbounded)).map(|(_, entry)| entry);
        later.take_while(|entry| entry.key().is_within(directory))
    }

    /// Returns the entries of a directory by their names, without those further below. A directory that has no entry of its own,
    /// because only what is within it is known, is returned as one that was made at the time 0.
    pub fn list(&self, directory: &FileKey) -> Vec<Entry> {
        self.list_shared(directory).into_iter().map(Arc::unwrap_or_clone).collect()
    }

    /// Returns the entries of a directory as [`list`](Self::list) does, without a copy of each: a directory may have many.
    pub fn list_shared(&self, directory: &FileKey) -> Vec<Arc<Entry>> {
        let prefix = if directory.is_root() { 0 } else { directory.name.len() + 1 };
        let (mut found, mut implied) = (Vec::new(), BTreeSet::new());
        for entry in self.within_after(directory, None) {
            let Some(below) = entry.key().name.get(prefix..) else { continue };
            match below.split_once('/') {
                None => found.push((below, entry)),
                Some((name, _)) => drop(implied.insert(name)),
            }
        }
        // All names are in the order of the whole paths, in which a name with a `.` comes before the content of a directory.
        let implied: Vec<&str> = implied.into_iter().filter(|name| self.get(&directory.child(name)).is_none()).collect();
        let unrecorded = |name: &str| Arc::new(Entry::Directory(DirectoryRecord::made(directory.child(name), 0)));
        let mut implied = implied.into_iter().peekable();
        let mut all = Vec::with_capacity(found.len());
        for (name, entry) in found {
            while let Some(before) = implied.next_if(|&implied| implied < name) {
                all.push(unrecorded(before));
            }
            all.push(Arc::clone(entry));
        }
        all.extend(implied.map(unrecorded));
        all
    }

    /// Returns at most `max` of the entries that [`list`](Self::list) returns, of which the names follow `after`, if each
    /// directory has an entry of its own. What is further below is passed over, so that the cost depends on `max` and on the number of
    /// directories passed, and not on the length of the list.
    pub fn page(&self, directory: &FileKey, after: Option<&str>, max: usize) -> Vec<Entry> {
        let prefix = if directory.is_root() { String::new() } else { format!("{}/", directory.name) };
        let key = |name: String| FileKey { owner: directory.owner.clone(), name };
        let mut from = Bound::Excluded(key(format!("{prefix}{}", after.unwrap_or_default())));
        let mut found: Vec<Entry> = Vec::new();
        while found.len() < max {
            let next = self.entries.range((from, Bound::Unbounded)).next().map(|(_, entry)| entry.as_ref());
            let Some(entry) = next.filter(|entry| entry.key().is_within(directory)) else { break };
            let below = &entry.key().name[prefix.len()..];
            let Some((name, _)) = below.split_once('/') else {
                from = Bound::Excluded(entry.key().clone());
                found.push(entry.clone());
                continue;
            };
            // The next name after all that are in that directory: `0` follows `/`.
            from = Bound::Included(key(format!("{prefix}{name}0")));
        }
        found
    }

    /// Returns true if a user may read a file or a directory, because it or a directory that it is in was shared with them.
    pub fn is_reader(&self, key: &FileKey, user: &str) -> bool {
        let has_reader = |key: &FileKey| self.get(key).is_some_and(|entry| entry.readers().contains(user));
        has_reader(key) || key.ancestors().any(|directory| has_reader(&directory))
    }

    /// Returns true if a directory itself was shared with a user for storing new files in it.
    pub fn is_uploader(&self, directory: &FileKey, user: &str) -> bool {
        let uploaders = self.get(directory).and_then(Entry::uploaders);
        uploaders.is_some_and(|uploaders| uploaders.contains(user))
    }

    /// Inserts an entry, or replaces the one of its key.
    pub fn insert(&mut self, entry: Entry) {
        if let Entry::File(file) = &entry {
            self.total.add(file);
            self.by_owner.entry(file.key.owner.clone()).or_default().add(file);
        }
        if let Some(replaced) = self.entries.insert(entry.key().clone(), Arc::new(entry)) {
            self.subtract(&replaced);
        }
    }

    /// Takes an entry that is gone from the totals.
    fn subtract(&mut self, gone: &Entry) {
        let Entry::File(file) = gone else { return };
        self.total.subtract(file);
        if let Some(total) = self.by_owner.get_mut(&file.key.owner) {
            total.subtract(file);
            if total.files == 0 {
                self.by_owner.remove(&file.key.owner);
            }
        }
    }

    /// Removes the entry of a key, and nothing within it.
    fn remove(&mut self, key: &FileKey) -> Option<Arc<Entry>> {
        let removed = self.entries.remove(key)?;
        self.subtract(&removed);
        Some(removed)
    }

    /// Removes a file, or a directory with all that is within it, and returns what was removed.
    pub fn remove_tree(&mut self, key: &FileKey) -> Vec<Arc<Entry>> {
        let keys: Vec<FileKey> = self.tree(key).map(|entry| entry.key().clone()).collect();
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }

    /// Gives a file, or a directory with all that is within it, another key. What had that key is replaced.
    pub fn rename(&mut self, from: &FileKey, to: &FileKey) {
        for entry in self.remove_tree(from) {
            if let Some(key) = entry.key().moved(from, to) {
                self.insert(Arc::unwrap_or_clone(entry).with_key(key));
            }
        }
    }

    /// Sets attributes of a file or a directory.
    pub fn set_attributes(&mut self, key: &FileKey, attributes: Attributes) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let (modified, mode) = match Arc::make_mut(entry) {
            Entry::Directory(directory) => (&mut directory.modified, &mut directory.mode),
            Entry::File(file) => (&mut file.modified, &mut file.mode),
        };
        (*modified, *mode) = (attributes.modified_or(*modified), attributes.mode_or(*mode));
    }

    /// Grants a user read access to a file or to what is in a directory, or revokes it.
    pub fn set_reader(&mut self, key: &FileKey, user: &str, may_read: bool) {
        if let Some(entry) = self.entries.get_mut(key) {
            set_member(Arc::make_mut(entry).readers_mut(), user, may_read);
        }
    }

    /// Lets a user store new files in a directory, or no longer.
    pub fn set_uploader(&mut self, directory: &FileKey, user: &str, may_upload: bool) {
        if let Some(Entry::Directory(directory)) = self.entries.get_mut(directory).map(Arc::make_mut) {
            set_member(&mut directory.uploaders, user, may_upload);
        }
    }
}

/// Adds a user to those with whom something is shared, or removes them.
pub(crate) fn set_member(users: &mut BTreeSet<String>, user: &str, is_member: bool) {
    match is_member {
        true => users.insert(user.to_owned()),
        false => users.remove(user),
    };
}

/// Collects entries; of two with the same key, the later one stays.
impl FromIterator<Entry> for Namespace {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Namespace {
        let mut names = Namespace::default();
        entries.into_iter().for_each(|entry| names.insert(entry));
        names
    }
}

fn as_file(entry: &Entry) -> Option<&FileRecord> {
    match entry {
        Entry::File(file) => Some(file),
        Entry::Directory(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::attributes::FILE_MODE;
    use crate::segment::Sha256Digest;

    fn key(path: &str) -> FileKey {
        FileKey::new(Some("alice"), path)
    }

    fn directory(path: &str) -> Entry {
        Entry::Directory(DirectoryRecord::made(key(path), 7))
    }

    fn file(path: &str) -> Entry {
        let sha256 = Sha256Digest::of(path.as_bytes());
        let readers = BTreeSet::new();
        let (size, segments, segment_size, stored_at) = (1, 1, 65_536, 7);
        let (modified, mode) = (stored_at, FILE_MODE);
        Entry::File(FileRecord { key: key(path), size, sha256, segments, segment_size, stored_at, modified, mode, readers })
    }

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.key().last_name()).collect()
    }

    /// What follows a key is the same whether the keys before it are looked at or not.
    #[test]
    fn the_rest_of_a_tree_is_what_follows_in_it() {
        let entries = [directory("docs"), file("docs.txt"), file("docs/a"), directory("docs/b"), file("docs/b/c"), file("docs0")];
        let tree: Namespace = entries.into_iter().collect();
        let others: Vec<FileKey> = ["", "a", "docs", "docs.txt", "docs/a", "docs/a0", "docs/b/c", "docs0", "z"].map(key).to_vec();
        for root in [key(""), key("docs"), key("docs/a"), key("none")] {
            assert!(tree.tree_after(&root, None).eq(tree.tree(&root)));
            for after in &others {
                let expected = tree.tree(&root).filter(|entry| entry.key() > after);
                assert!(tree.tree_after(&root, Some(after)).eq(expected), "{root} after {after}");
                assert!(tree.entries_after(Some(after)).eq(tree.entries().filter(|entry| entry.key() > after)));
            }
        }
        assert!(tree.entries_after(None).eq(tree.entries()));
    }

    #[test]
    fn a_directory_lists_what_is_in_it_and_nothing_of_its_neighbours() {
        let entries = [directory("docs"), file("docs.txt"), file("docs/a"), directory("docs/b"), file("docs/b/c"), file("docs0")];
        let tree: Namespace = entries.into_iter().collect();
        assert_eq!(names(&tree.list(&key(""))), ["docs", "docs.txt", "docs0"]);
        assert_eq!(names(&tree.list(&key("docs"))), ["a", "b"]);
        assert_eq!(tree.list(&FileKey::unowned("")), []);
        assert_eq!(tree.tree(&key("docs")).count(), 4);
        // Of a directory that is not known itself, the known parts are listed all the same.
        let known: Namespace = [file("docs/b/c")].into_iter().collect();
        assert_eq!((names(&known.list(&key(""))), names(&known.list(&key("docs")))), (vec!["docs"], vec!["b"]));
    }

    #[test]
    fn the_files_of_each_owner_are_counted() {
        let mut tree: Namespace = [directory("docs"), file("docs/a"), file("b")].into_iter().collect();
        let of = |tree: &Namespace| [Some("alice"), Some("bob"), None].map(|owner| tree.total_of(owner));
        let total = |files: usize| Total { files, bytes: files as u64 };
        assert_eq!(of(&tree), [total(2), total(0), total(0)]);
        let before = tree.clone();
        tree.rename(&key("docs"), &FileKey::new(Some("bob"), "docs"));
        tree.rename(&key("b"), &FileKey::new(None, "b"));
        assert_eq!((of(&tree), tree.total()), ([total(0), total(1), total(1)], total(2)));
        tree.rename(&FileKey::new(Some("bob"), "docs"), &key("docs"));
        tree.rename(&FileKey::new(None, "b"), &key("b"));
        assert_eq!(tree, before, "nothing is left of owners who have no files");
    }

    #[test]
    fn a_share_of_a_directory_holds_for_what_is_in_it() {
        let mut tree: Namespace = [directory("docs"), directory("docs/b"), file("docs/b/c"), file("a")].into_iter().collect();
        tree.set_reader(&key("docs"), "bob", true);
        let readable = |tree: &Namespace| ["docs", "docs/b/c", "a"].map(|path| tree.is_reader(&key(path), "bob"));
        assert_eq!(readable(&tree), [true, true, false]);
        tree.rename(&key("docs/b"), &key("b"));
        assert!(!tree.is_reader(&key("b/c"), "bob"), "what is moved out of it is no longer shared");
        tree.set_reader(&key("docs"), "bob", false);
        assert_eq!(readable(&tree), [false; 3]);
    }

    /// Steps on a small tree, as an index of paths and as a plain map.
    #[derive(Debug, Clone)]
    enum Change {
        Insert(String, bool),
        Remove(String),
        Rename(String, String),
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "a.", "b0"]), 1..4).prop_map(|names| names.join("/"))
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (path(), any::<bool>()).prop_map(|(path, is_file)| Change::Insert(path, is_file)),
            path().prop_map(Change::Remove),
            (path(), path()).prop_map(|(from, to)| Change::Rename(from, to)),
        ]
    }

    /// Pages put together are the list, whatever is in the directories between.
    #[test]
    fn pages_put_together_are_the_list() {
        let files = ["a", "b.txt", "b/1", "b/2/3", "c", "d/e/f", "d0", "z"].map(file);
        let tree: Namespace = files.into_iter().chain(["b", "b/2", "d", "d/e"].map(directory)).collect();
        for path in ["", "b", "d", "a", "nothing"] {
            for max in 1..5 {
                let mut paged: Vec<Entry> = Vec::new();
                loop {
                    let after = paged.last().map(|entry| entry.key().last_name().to_owned());
                    let page = tree.page(&key(path), after.as_deref(), max);
                    assert!(page.len() <= max);
                    if page.is_empty() {
                        break;
                    }
                    paged.extend(page);
                }
                assert_eq!(paged, tree.list(&key(path)), "{path} by {max}");
            }
        }
    }

    proptest! {
        /// The tree agrees with a plain map in which every operation looks at every path.
        #[test]
        fn the_tree_is_what_a_plain_map_of_paths_is(changes in prop::collection::vec(change(), 1..40)) {
            let (mut tree, mut plain) = (Namespace::default(), BTreeMap::<String, bool>::new());
            let is_below = |path: &str, of: &str| path == of || path.starts_with(&format!("{of}/"));
            for change in changes {
                let before = tree.clone();
                let content: Vec<Entry> = before.entries().cloned().collect();
                match change {
                    Change::Insert(path, is_file) => {
                        tree.insert(if is_file { file(&path) } else { directory(&path) });
                        plain.insert(path, is_file);
                    }
                    Change::Remove(path) => {
                        tree.remove_tree(&key(&path));
                        plain.retain(|other, _| !is_below(other, &path));
                    }
                    Change::Rename(from, to) if is_below(&to, &from) => {}
                    Change::Rename(from, to) => {
                        tree.rename(&key(&from), &key(&to));
                        let moved: Vec<(String, bool)> = plain.iter().filter(|(path, _)| is_below(path, &from))
                            .map(|(path, is_file)| (path.replacen(&from, &to, 1), *is_file)).collect();
                        plain.retain(|path, _| !is_below(path, &from));
                        plain.extend(moved);
                    }
                }
                prop_assert_eq!(before.entries().cloned().collect::<Vec<_>>(), content, "a clone keeps the state of its time");
                let found: Vec<(String, bool)> =
                    tree.entries().map(|entry| (entry.key().name.clone(), as_file(entry).is_some())).collect();
                prop_assert_eq!(&found, &plain.clone().into_iter().collect::<Vec<_>>());
                let files = plain.values().filter(|is_file| **is_file).count();
                let total = Total { files, bytes: files as u64 };
                prop_assert_eq!((tree.total(), tree.total_of(Some("alice"))), (total, total), "each file has one byte");
            }
        }
    }
}
