//! Lists of files and directories page by page, for clients whose messages are bounded.

use p2p_engine::operation::{ListDirectory, Page};
use p2p_engine::policy;
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;

use super::{Access, AccessError, Identity};

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// Entries by owner and path, the user's own before those of others.
    pub entries: Vec<Entry>,
    /// Key after which the next page begins; `None` after the last.
    pub next: Option<FileKey>,
}

impl ListPage {
    /// Cuts a list after `max` entries. It has one more than that if there is a further page.
    fn cut(mut entries: Vec<Entry>, max: usize) -> ListPage {
        let is_more = entries.len() > max;
        entries.truncate(max);
        let next = entries.last().filter(|_| is_more).map(|entry| entry.key().clone());
        ListPage { entries, next }
    }
}

impl Access {
    /// Returns at most `max` entries that follow `after` in the directory that the user calls `text`, the file itself if it is a file,
    /// or what [`overview`](Self::overview) returns without a text. `recursive` lists what is in the directories as well.
    ///
    /// # Errors
    /// Fails if there is no such file or directory, or none that the user may know of.
    pub async fn list_page(
        &self,
        identity: &Identity,
        text: Option<&str>,
        recursive: bool,
        after: Option<&FileKey>,
        max: usize,
    ) -> Result<ListPage, AccessError> {
        let found = match (text, recursive) {
            (Some(text), false) => {
                let after = after.map(|key| key.last_name().to_owned());
                self.list_part(identity, text, Some(Page { after, max: part(max) })).await?
            }
            (Some(text), true) => {
                let (root, names) = self.root_of(identity, text).await?;
                let is_meant = |entry: &&Entry| *entry.key() != root || matches!(entry, Entry::File(_));
                names.tree_after(&root, after).filter(is_meant).take(max + 1).cloned().collect()
            }
            (None, _) => self.everywhere(identity, recursive, after, max).await?,
        };
        Ok(ListPage::cut(found, max))
    }

    /// Returns at most one more than `max` of the user's own entries, and then of those of others, that follow `after`.
    async fn everywhere(
        &self,
        identity: &Identity,
        recursive: bool,
        after: Option<&FileKey>,
        max: usize,
    ) -> Result<Vec<Entry>, AccessError> {
        let is_own = |key: &FileKey| key.owner.as_deref() == identity.name();
        let own_after = after.filter(|after| is_own(after));
        let mut found = match after.is_some() && own_after.is_none() {
            true => Vec::new(),
            false => self.own_entries(identity, recursive, own_after, max).await?,
        };
        let (files, principal) = (self.engine.snapshots().borrow().files.clone(), identity.principal());
        let others_after = after.filter(|after| !is_own(after));
        let may_know = |key: &FileKey| policy::may_know(&principal, &files, key);
        // Without recursion, what is in a directory that is listed itself is found by listing that.
        let is_listed =
            |key: &FileKey| recursive || !key.ancestors().any(|above| files.get(&above).is_some() && may_know(&above));
        let others = files
            .entries_after(others_after)
            .filter(|entry| !is_own(entry.key()) && may_know(entry.key()) && is_listed(entry.key()));
        found.extend(
            others.take((max + 1).saturating_sub(found.len())).map(|entry| policy::known_of_entry(&principal, entry.clone())),
        );
        Ok(found)
    }

    async fn own_entries(
        &self,
        identity: &Identity,
        recursive: bool,
        after: Option<&FileKey>,
        max: usize,
    ) -> Result<Vec<Entry>, AccessError> {
        let root = FileKey::new(identity.name(), "");
        if !recursive {
            let page = Page { after: after.map(|key| key.last_name().to_owned()), max: part(max) };
            return Ok(self.call(ListDirectory { directory: root, page: Some(page) }).await?);
        }
        let (files, principal) = (self.engine.snapshots().borrow().files.clone(), identity.principal());
        let is_meant = |entry: &&Entry| policy::may_read(&principal, &files, entry.key());
        let own = files.tree_after(&root, after).filter(is_meant).take(max + 1);
        Ok(own.map(|entry| policy::known_of_entry(&principal, entry.clone())).collect())
    }
}

/// Returns the number of entries to ask for: one more than those of a page, which tells whether there is a further one.
fn part(max: usize) -> u32 {
    u32::try_from(max).unwrap_or(u32::MAX).saturating_add(1)
}
