//! What is directly in a directory, in the order of the keys and without copies: for lists that show a part of a long directory.

use std::ops::Bound;
use std::sync::Arc;

use super::{Entry, FileKey, FileRecord, Namespace};

/// File or directory directly in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Child<'a> {
    /// An entry of the directory.
    Entry(&'a Arc<Entry>),
    /// Key of a directory that has no entry of its own, because only what is within it is known.
    Implied(FileKey),
}

impl<'a> Child<'a> {
    /// Returns the file; `None` for a directory.
    pub fn file(&self) -> Option<&'a FileRecord> {
        match self {
            Child::Entry(entry) => super::as_file(entry),
            Child::Implied(_) => None,
        }
    }

    /// Returns the owner and the path.
    pub fn key(&self) -> &FileKey {
        match self {
            Child::Entry(entry) => entry.key(),
            Child::Implied(key) => key,
        }
    }
}

impl Namespace {
    /// Returns what is directly in a directory, in the order of the keys. What is further below is passed over, so that a directory
    /// within it costs the same however much is in it. A directory without an entry of its own stands where what is in it would.
    pub fn children<'a, 'd>(&'a self, directory: &'d FileKey) -> impl Iterator<Item = Child<'a>> + use<'a, 'd> {
        let prefix = if directory.is_root() { String::new() } else { format!("{}/", directory.name) };
        let from = |bound: Bound<FileKey>| self.entries.range((bound, Bound::Unbounded)).map(|(_, entry)| entry);
        let key = move |name: String| FileKey { owner: directory.owner.clone(), name };
        let mut rest = from(Bound::Excluded(key(prefix.clone())));
        std::iter::from_fn(move || {
            loop {
                let entry = rest.next().filter(|entry| entry.key().is_within(directory))?;
                let below = entry.key().name.get(prefix.len()..)?;
                let Some((name, _)) = below.split_once('/') else { return Some(Child::Entry(entry)) };
                // The next name after all that are in that directory: `0` follows `/`.
                rest = from(Bound::Included(key(format!("{prefix}{name}0"))));
                let child = directory.child(name);
                if self.get(&child).is_none() {
                    return Some(Child::Implied(child));
                }
            }
        })
    }

    /// Returns the entries of an owner that are in no directory which has an entry itself, in the order of the keys. What is within another one
    /// is passed over, so that what it costs depends on what is returned.
    pub fn outermost<'a>(&'a self, owner: Option<&str>) -> impl Iterator<Item = &'a Arc<Entry>> + use<'a> {
        let root = FileKey::new(owner, "");
        let from = |bound: Bound<FileKey>| self.entries.range((bound, Bound::Unbounded)).map(|(_, entry)| entry);
        let mut rest = from(Bound::Excluded(root.clone()));
        std::iter::from_fn(move || {
            loop {
                let entry = rest.next().filter(|entry| entry.key().is_within(&root))?;
                let Some(above) = entry.key().ancestors().filter(|above| self.get(above).is_some()).last() else {
                    return Some(entry);
                };
                // The next name after all that are in that directory: `0` follows `/`.
                rest = from(Bound::Included(FileKey { owner: above.owner, name: above.name + "0" }));
            }
        })
    }

    /// Returns the owners of all entries, in the order of their names; `None` stands for the entries without one. What it costs
    /// depends on the number of owners.
    pub fn owners(&self) -> impl Iterator<Item = Option<&str>> {
        let first = |bound: Bound<FileKey>| self.entries.range((bound, Bound::Unbounded)).next().map(|(key, _)| &key.owner);
        // The least name after that of an owner is the one with a zero character behind it.
        let after = move |owner: &Option<String>| {
            let next = owner.as_ref().map_or_else(String::new, |name| format!("{name}\0"));
            first(Bound::Included(FileKey { owner: Some(next), name: String::new() }))
        };
        std::iter::successors(first(Bound::Unbounded), move |owner| after(owner)).map(Option::as_deref)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::DirectoryRecord;
    use super::*;
    use crate::manifest::FileRecord;
    use crate::segment::Sha256Digest;

    fn file(owner: Option<&str>, path: &str) -> Entry {
        Entry::File(FileRecord {
            key: FileKey::new(owner, path),
            size: 1,
            sha256: Sha256Digest::of(path.as_bytes()),
            segments: 1,
            segment_size: 65_536,
            stored_at: 7,
            modified: 7,
            mode: 0o644,
            readers: BTreeSet::new(),
        })
    }

    #[test]
    fn owners_are_those_of_what_is_there() {
        let names: Namespace = [(None, "x"), (Some("al"), "a"), (Some("al"), "z"), (Some("alice"), "a"), (Some("bob"), "docs/b")]
            .map(|(owner, path)| file(owner, path))
            .into_iter()
            .collect();
        assert_eq!(names.owners().collect::<Vec<_>>(), [None, Some("al"), Some("alice"), Some("bob")]);
        assert_eq!(Namespace::default().owners().count(), 0);
    }

    proptest! {
        /// The children are those that the list of the whole directory has, whether directories have entries of their own or not.
        #[test]
        fn children_are_what_is_listed(paths in prop::collection::vec(("[ab.]{1,2}(/[ab.]{1,2}){0,3}", any::<bool>()), 0..30)) {
            let owner = Some("alice");
            let mut names = Namespace::default();
            for (path, is_file) in &paths {
                let key = FileKey::new(owner, path);
                // Nothing is within a file.
                if key.ancestors().all(|above| names.file(&above).is_none()) && names.children(&key).next().is_none() {
                    let directory = DirectoryRecord::made(key, 7);
                    names.insert(if *is_file { file(owner, path) } else { Entry::Directory(directory) });
                }
            }
            names.insert(file(Some("bob"), "a/b"));
            for directory in paths.iter().map(|(path, _)| path.as_str()).chain([""]).map(|path| FileKey::new(owner, path)) {
                let mut listed: Vec<FileKey> = names.list(&directory).iter().map(|entry| entry.key().clone()).collect();
                let mut found: Vec<FileKey> = names.children(&directory).map(|child| child.key().clone()).collect();
                listed.sort();
                found.sort();
                prop_assert_eq!(found, listed, "{}", directory);
            }
            let is_outermost = |entry: &&Arc<Entry>| entry.key().ancestors().all(|above| names.get(&above).is_none());
            for owner in [owner, Some("bob"), None] {
                let expected = names.entries_shared().filter(|entry| entry.key().owner.as_deref() == owner).filter(is_outermost);
                prop_assert!(names.outermost(owner).eq(expected), "{owner:?}");
            }
        }
    }
}
