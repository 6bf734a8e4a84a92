//! What differs between two states of the tree, for what is derived from it and kept: it is brought up to date by the difference.

use std::sync::Arc;

use imbl::ordmap::DiffItem;

use super::{Entry, FileKey, Namespace};

/// Entry that is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Owner and path.
    pub key: &'a FileKey,
    /// Entry as it was before; `None` if there was none.
    pub before: Option<&'a Arc<Entry>>,
    /// Entry as it is; `None` if it is gone.
    pub now: Option<&'a Arc<Entry>>,
}

impl Namespace {
    /// Returns what has changed since a state of before, in the order of the keys. What both states share is not looked at, so that it costs in
    /// proportion to the changes.
    pub fn changes_since<'a>(&'a self, before: &'a Namespace) -> impl Iterator<Item = Changed<'a>> {
        before.entries.diff(&self.entries).map(|item| match item {
            DiffItem::Add(key, now) => Changed { key, before: None, now: Some(now) },
            DiffItem::Update { old: (_, before), new: (key, now) } => Changed { key, before: Some(before), now: Some(now) },
            DiffItem::Remove(key, before) => Changed { key, before: Some(before), now: None },
        })
    }

    /// Sets what is there of one key, and nothing within it.
    pub fn set(&mut self, key: &FileKey, entry: Option<Entry>) {
        match entry {
            Some(entry) => self.insert(entry),
            None => drop(self.remove(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::DirectoryRecord;
    use super::*;

    #[test]
    fn changes_make_one_state_of_the_other() {
        let key = |n: usize| FileKey::new(Some("alice"), &format!("d{n:04}"));
        let directory = |n: usize| Entry::Directory(DirectoryRecord::made(key(n), 7));
        let before: Namespace = (0..2_000).map(directory).collect();
        let mut now = before.clone();
        assert_eq!(now.changes_since(&before).count(), 0);
        now.remove_tree(&key(3));
        now.set_reader(&key(1_000), "bob", true);
        now.insert(directory(3_000));
        let changes: Vec<_> = now.changes_since(&before).collect();
        let kinds: Vec<_> =
            changes.iter().map(|changed| (changed.key.clone(), changed.before.is_some(), changed.now.is_some())).collect();
        assert_eq!(kinds, [(key(3), true, false), (key(1_000), true, true), (key(3_000), false, true)]);
        let mut brought = before.clone();
        changes.iter().for_each(|changed| brought.set(changed.key, changed.now.map(|entry| Entry::clone(entry))));
        assert_eq!(brought, now);
    }
}
