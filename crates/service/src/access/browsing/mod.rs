//! Lists that are searched and in other orders than that of the names, page by page: for people who look through many files.
//!
//! A page after a place costs what is on it in the order of the names. In any other it looks at each candidate once, and sorts no more than a page.
//! Pages by their numbers are those of an order that is kept: see `numbered`.

mod numbered;
mod order;

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use p2p_base::spelling::{folded, has_folded};
use p2p_engine::policy;
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use p2p_store::namespace::{Child, DirectoryRecord, Entry, Namespace, Total};

pub use self::numbered::{Numbered, NumberedPage};
pub(super) use self::order::Orders;
use super::{Access, AccessError, Identity};
use crate::blocking::apart;

/// Order of a list. Entries that are alike in it are in the order of their names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// By owner and path, the user's own before those of others.
    #[default]
    Name,
    /// Directories before files.
    Kind,
    /// By the size of files; a directory has none.
    Size,
    /// By the time of the last modification.
    Modified,
    /// By the time of storing.
    Created,
}

/// List that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Browsing {
    /// Directory or file by the name that the user gives it; without one, what [`overview`](Access::overview) returns.
    pub path: Option<String>,
    /// True if what is in the directories is listed as well.
    pub is_recursive: bool,
    /// Text that the last names have in them, whatever the case of its letters.
    pub search: Option<String>,
    /// Order of the list.
    pub sort: Sort,
    /// True if the order is the other way round.
    pub is_descending: bool,
    /// Place after which the page begins; the begin of the list without one.
    pub after: Option<Place>,
    /// Number of entries on the page at the most.
    pub max: usize,
}

/// Place of an entry in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number that the list is sorted by.
    pub rank: u64,
    /// Owner and path.
    pub key: FileKey,
}

/// Page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browsed {
    /// Entries in the order of the list.
    pub entries: Vec<Entry>,
    /// Place after which the next page begins; `None` after the last.
    pub next: Option<Place>,
}

impl Access {
    /// Returns a page of a list.
    ///
    /// # Errors
    /// Fails if there is no such file or directory, or none that the user may know of.
    pub async fn browse(&self, identity: &Identity, wanted: &Browsing) -> Result<Browsed, AccessError> {
        let Browsing { path, is_recursive, after, max, .. } = wanted;
        if wanted.sort == Sort::Name && !wanted.is_descending && wanted.search.is_none() {
            let after = after.as_ref().map(|after| &after.key);
            let page = self.list_page(identity, path.as_deref(), *is_recursive, after, *max).await?;
            let next = page.next.map(|key| Place { rank: rank(identity, wanted.sort, page.entries.last(), &key), key });
            return Ok(Browsed { entries: page.entries, next });
        }
        let (access, own, asked) = (self.clone(), identity.clone(), wanted.clone());
        match apart(move || access.browsed(&own, &asked)).await? {
            Some(page) => Ok(page),
            None => Err(self.unknown(identity, path.as_deref().unwrap_or_default()).await?),
        }
    }

    /// Returns the key of the file or directory that the user calls `text`, and the file if it is one. The root of a tree is a directory.
    ///
    /// # Errors
    /// Fails as [`entry`](Self::entry) does.
    pub async fn located(&self, identity: &Identity, text: &str) -> Result<(FileKey, Option<FileRecord>), AccessError> {
        let (access, own, path) = (self.clone(), identity.clone(), text.to_owned());
        match apart(move || access.searched(&own, &path)).await? {
            Some((key, names)) => {
                let file = names.file(&key).map(|file| policy::known_of(&identity.principal(), file.clone()));
                Ok((key, file))
            }
            None => Err(self.unknown(identity, text).await?),
        }
    }

    /// Returns how many files there are in the directory that the user calls `text`, at any depth, and their size, and true if it is a file
    /// itself.
    ///
    /// # Errors
    /// Fails as [`entry`](Self::entry) does.
    pub async fn weighed(&self, identity: &Identity, text: &str) -> Result<(bool, Total), AccessError> {
        let (access, own, path) = (self.clone(), identity.clone(), text.to_owned());
        let weigh = move || {
            let (key, names) = access.searched(&own, &path)?;
            let (mut total, is_file) = (Total::default(), names.file(&key).is_some());
            names.files_of(&key).for_each(|file| total.add(file));
            Some((is_file, total))
        };
        match apart(weigh).await? {
            Some(found) => Ok(found),
            None => Err(self.unknown(identity, text).await?),
        }
    }

    /// Looks at each candidate for a page; `None` if there is nothing of the name that the user may know of.
    fn browsed(&self, identity: &Identity, wanted: &Browsing) -> Option<Browsed> {
        let (principal, is_recursive) = (identity.principal(), wanted.is_recursive);
        let found = match &wanted.path {
            Some(path) => {
                let (key, names) = self.searched(identity, path)?;
                chosen(identity, wanted, candidates(&names, &key, is_recursive))
            }
            None => chosen(identity, wanted, self.everything(identity, is_recursive).iter().map(Child::Entry)),
        };
        let known = |entry| policy::known_of_entry(&principal, entry);
        Some(Browsed { entries: found.entries.into_iter().map(known).collect(), ..found })
    }

    /// Returns the key of what the user calls `text`, and names in which all below it are readable: all names where that is the user's own,
    /// which saves a look at each of them. `None` if there is nothing of that name that the user may know of.
    fn searched(&self, identity: &Identity, text: &str) -> Option<(FileKey, Namespace)> {
        let (files, principal) = (self.engine.snapshots().borrow().files.clone(), identity.principal());
        let is_called = |key: &FileKey| match files.get(key) {
            Some(entry) => matches!(entry, Entry::Directory(_)) || !text.ends_with('/'),
            // `NAME/` is the root of a tree only where there is something in it.
            None => key.is_root() && (text.starts_with('~') || key.owner.as_deref() == identity.name()),
        };
        let own = identity.keys_of(text).into_iter().find(|key| policy::may_change(&principal, key) && is_called(key));
        own.map(|key| (key, files)).or_else(|| self.known_root_of(identity, text))
    }

    /// Returns what the user finds without naming a directory.
    fn everything(&self, identity: &Identity, is_recursive: bool) -> Vec<Arc<Entry>> {
        match is_recursive {
            true => self.names().entries_shared().cloned().collect(),
            false => self.overview(identity),
        }
    }
}

/// Returns what is in a directory, or a file itself.
fn candidates<'a>(names: &'a Namespace, key: &'a FileKey, is_recursive: bool) -> Box<dyn Iterator<Item = Child<'a>> + 'a> {
    match names.file(key).is_some() || is_recursive {
        true => Box::new(
            names.tree_shared(key).filter(move |entry| entry.key() != key || names.file(key).is_some()).map(Child::Entry),
        ),
        false => Box::new(names.children(key)),
    }
}

/// Returns what an entry is sorted by, as a number; of a directory that is only implied, what it would be.
fn rank(identity: &Identity, sort: Sort, entry: Option<&Entry>, key: &FileKey) -> u64 {
    match (sort, entry) {
        (Sort::Name, _) => u64::from(key.owner.as_deref() != identity.name()),
        (Sort::Kind, entry) => u64::from(matches!(entry, Some(Entry::File(_)))),
        (Sort::Size, Some(Entry::File(file))) => file.size,
        (Sort::Modified, Some(entry)) => entry.attributes().modified.unwrap_or(0),
        (Sort::Created, Some(Entry::File(file))) => file.stored_at,
        (Sort::Created, Some(Entry::Directory(directory))) => directory.made_at,
        (Sort::Size | Sort::Modified | Sort::Created, _) => 0,
    }
}

/// Candidate with its place in the order. Two are compared by their places.
struct Found<'a> {
    rank: u64,
    child: Child<'a>,
}

impl Found<'_> {
    fn place(&self) -> (u64, &FileKey) {
        (self.rank, self.child.key())
    }
}

impl PartialEq for Found<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Found<'_> {}

impl PartialOrd for Found<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Found<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

/// Returns the page of those candidates that are searched for.
fn chosen<'a>(identity: &Identity, wanted: &Browsing, candidates: impl Iterator<Item = Child<'a>>) -> Browsed {
    let searched = folded(wanted.search.as_deref().unwrap_or_default());
    let is_searched = |child: &Child<'_>| has_folded(child.key().last_name(), &searched);
    let found = candidates.filter(is_searched).map(|child| {
        let entry = match &child {
            Child::Entry(entry) => Some(entry.as_ref()),
            Child::Implied(_) => None,
        };
        Found { rank: rank(identity, wanted.sort, entry, child.key()), child }
    });
    let after = wanted.after.as_ref().map(|after| (after.rank, &after.key));
    let mut found = match wanted.is_descending {
        false => first(found.filter(|found| after.is_none_or(|after| found.place() > after)), wanted.max),
        true => {
            let later = found.filter(|found| after.is_none_or(|after| found.place() < after));
            first(later.map(Reverse), wanted.max).into_iter().map(|Reverse(found)| found).collect()
        }
    };
    let is_more = found.len() > wanted.max;
    found.truncate(wanted.max);
    let next = found.last().filter(|_| is_more).map(|last| Place { rank: last.rank, key: last.child.key().clone() });
    Browsed { entries: found.into_iter().map(|found| entry_of(found.child)).collect(), next }
}

/// Returns the first of these in their order, one more than `max`. At no time more than twice as many are kept, and what it costs grows with
/// the number of all alone.
fn first<T: Ord>(all: impl Iterator<Item = T>, max: usize) -> Vec<T> {
    let (mut kept, count) = (Vec::new(), max.saturating_add(1));
    for one in all {
        kept.push(one);
        if kept.len() >= count.saturating_mul(2) {
            kept.select_nth_unstable(max);
            kept.truncate(count);
        }
    }
    kept.sort_unstable();
    kept.truncate(count);
    kept
}

fn entry_of(child: Child<'_>) -> Entry {
    match child {
        Child::Entry(entry) => Entry::clone(entry),
        Child::Implied(key) => Entry::Directory(DirectoryRecord::made(key, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_many_are_kept() {
        let all = [5, 1, 4, 1, 3, 9, 2, 6];
        assert_eq!(first(all.into_iter(), 3), [1, 1, 2, 3], "one more than three tells that there are more");
        assert_eq!(first(all.into_iter().map(Reverse), 1), [Reverse(9), Reverse(6)]);
        assert_eq!(first(all.into_iter(), 20).len(), all.len());
        assert_eq!(first(std::iter::empty::<u8>(), 3), [0; 0]);
    }
}
