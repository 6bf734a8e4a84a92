//! Lists in the order in which people read them, of which pages have numbers: directories before files, names whatever the case of their letters,
//! and how much there is of all.

use p2p_engine::policy;
use p2p_store::namespace::Entry;

use super::order::{Listed, Order};
use super::{Sort, folded};
use crate::access::{Access, AccessError, Identity};
use crate::blocking::apart;

/// Page that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbered {
    /// Directory by the name that the user gives it; without one, what others share with the user.
    pub path: Option<String>,
    /// Text that the last names have in them, whatever the case of its letters; what is in the directories is searched as well. Nothing is
    /// searched if it is empty.
    pub search: String,
    /// Order of the list, in which directories come before files. What is alike in it is in the order of the names.
    pub sort: Sort,
    /// True if the order is the other way round; directories come first all the same.
    pub is_descending: bool,
    /// Number of the page, from 1.
    pub number: usize,
    /// Number of entries on a page.
    pub max: usize,
}

/// Page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberedPage {
    /// Entries in the order of the list.
    pub entries: Vec<Entry>,
    /// Number of the page, from 1: that of the last one if there are not as many.
    pub number: usize,
    /// Number of the last page.
    pub pages: usize,
    /// Entries of all pages.
    pub total: usize,
    /// Size of the files of all pages in bytes.
    pub bytes: u64,
}

impl Access {
    /// Returns a page of a list. It costs what is on it as long as the list is kept: the first look, and one at another order or after many
    /// changes, costs in proportion to the list.
    ///
    /// # Errors
    /// Fails if there is no such directory, or none that the user may know of.
    pub async fn browse_numbered(&self, identity: &Identity, wanted: &Numbered) -> Result<NumberedPage, AccessError> {
        let (access, own, asked) = (self.clone(), identity.clone(), wanted.clone());
        match apart(move || access.numbered(&own, &asked)).await? {
            Some(page) => Ok(page),
            None => Err(self.unknown(identity, wanted.path.as_deref().unwrap_or_default()).await?),
        }
    }

    fn numbered(&self, identity: &Identity, wanted: &Numbered) -> Option<NumberedPage> {
        let (root, names) = match &wanted.path {
            Some(path) => self.searched(identity, path).map(|(key, names)| (Some(key), names))?,
            None => (None, self.names()),
        };
        let principal = identity.principal();
        let listed = Listed { principal: principal.clone(), root, search: folded(&wanted.search), sort: wanted.sort };
        let page = self.orders.of(listed, names).page(wanted);
        let known = |entry| policy::known_of_entry(&principal, entry);
        Some(NumberedPage { entries: page.entries.into_iter().map(known).collect(), ..page })
    }
}

impl Order {
    fn page(&self, wanted: &Numbered) -> NumberedPage {
        let (total, max) = (self.len(), wanted.max.max(1));
        let pages = total.div_ceil(max).max(1);
        let number = wanted.number.clamp(1, pages);
        let entries = self.part((number - 1) * max, max, wanted.is_descending);
        NumberedPage { entries, number, pages, total, bytes: self.bytes() }
    }
}
