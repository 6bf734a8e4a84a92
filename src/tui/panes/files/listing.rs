//! The part of a directory that the files pane shows, and the look-up of it. A look-up counts the rows without copying them, and copies
//! those around the selection, so that a frame costs the same however long the directory is.

use std::time::Duration;

use p2p_base::spelling::visible;
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use p2p_store::namespace::{Child, Namespace};
use tokio::time::sleep;

use crate::tui::panes::order::{Order, Sortable};

/// Number of rows before the selection, and after it, that are looked up.
const AROUND: usize = 256;
/// Number of rows before the selection, and after it, of which there have to be so many as the directory has.
const LEAST: usize = 128;
/// Number of rows above which a directory that changes is not looked up at once, so that a long one which changes all the time does
/// not take a processor.
const MANY: usize = 5_000;
/// Time after which such a directory is looked up.
const REST: Duration = Duration::from_millis(250);

/// Name of the order by size.
pub(super) const SIZE: &str = "size";
/// Name of the order by the number of segments.
pub(super) const SEGMENTS: &str = "segments";
/// Name of the order by the date at which files were stored.
pub(super) const STORED: &str = "stored";
/// Columns by which files can be sorted besides their names.
pub(super) const ORDERS: &[Sortable] = &[Sortable::figures(SIZE), Sortable::figures(SEGMENTS), Sortable::figures(STORED)];

/// A row of the pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// A file.
    File(FileRecord),
    /// A directory.
    Directory(FileKey),
    /// Root of the tree of another user, or of the files without an owner.
    Tree(FileKey),
}

impl Row {
    /// Returns the key of the file or directory.
    pub(super) const fn key(&self) -> &FileKey {
        match self {
            Row::File(file) => &file.key,
            Row::Directory(key) | Row::Tree(key) => key,
        }
    }

    /// Returns the name as it is shown.
    pub(super) fn name(&self) -> String {
        match self {
            Row::File(file) => visible(file.key.last_name()).into_owned(),
            Row::Directory(key) => format!("{}/", visible(key.last_name())),
            Row::Tree(key) => visible(&key.to_string()).into_owned(),
        }
    }
}

/// Directory as it was in some state of all names, as far as it passes a filter.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// Directory that is listed; `None` before there is one.
    pub(super) place: Option<FileKey>,
    /// True if the trees of other users are listed behind it.
    pub(super) has_trees: bool,
    /// Text that the names contain.
    pub(super) filter: String,
    /// Order of the rows; `None` for that of the names.
    pub(super) order: Option<Order>,
    /// All names that the user may know of.
    pub(super) names: Namespace,
}

impl Wanted {
    /// Returns true if the same directory is listed with the same filter, though its state may be another.
    pub(super) fn is_like(&self, other: &Wanted) -> bool {
        self.place == other.place && self.has_trees == other.has_trees && self.filter == other.filter
    }

    /// Returns true if the list is the same.
    pub(super) fn is_same(&self, other: &Wanted) -> bool {
        self.is_like(other) && self.order == other.order && self.names.is_same(&other.names)
    }

    /// Calls a function with each row, in their order, until it returns false: with those of [`sorted`](Self::sorted), or in the order of the
    /// names.
    fn walk<'a>(&'a self, sorted: Option<&[Passed<'a>]>, mut each: impl FnMut(&Passed<'a>) -> bool) {
        let Some(sorted) = sorted else { return self.walk_names(|found| each(&found)) };
        let _ = sorted.iter().all(each);
    }

    /// Returns all rows in an order other than that of the names, which alone costs memory in proportion to the rows.
    fn sorted(&self) -> Option<Vec<Passed<'_>>> {
        let order = self.order?;
        let mut all = Vec::new();
        self.walk_names(|found| {
            all.push(found);
            true
        });
        all.sort_by(|one, other| order.compare(one.value(order), other.value(order)));
        Some(all)
    }

    /// Calls a function with each row, in the order of the names, until it returns false.
    fn walk_names<'a>(&'a self, mut each: impl FnMut(Passed<'a>) -> bool) {
        let Some(place) = &self.place else { return };
        let filter = self.filter.to_lowercase();
        let passes = |found: &Passed<'_>| filter.is_empty() || found.row().name().to_lowercase().contains(&filter);
        let owners = self.names.owners().filter(|owner| self.has_trees && *owner != place.owner.as_deref());
        let trees = owners.map(|owner| Passed::Tree(FileKey::new(owner, "")));
        let mut all = self.names.children(place).map(Passed::Child).chain(trees).filter(passes);
        while all.next().is_some_and(&mut each) {}
    }
}

/// A row before it is copied.
enum Passed<'a> {
    Child(Child<'a>),
    Tree(FileKey),
}

impl Passed<'_> {
    fn key(&self) -> &FileKey {
        match self {
            Passed::Child(child) => child.key(),
            Passed::Tree(key) => key,
        }
    }

    /// Returns the value by which the row is sorted; directories have none.
    fn value(&self, order: Order) -> Option<u64> {
        let Passed::Child(child) = self else { return None };
        let file = child.file()?;
        match order.by {
            SIZE => Some(file.size),
            SEGMENTS => Some(file.segments.into()),
            STORED => Some(file.stored_at),
            _ => None,
        }
    }

    fn row(&self) -> Row {
        match self {
            Passed::Child(child) => {
                child.file().map_or_else(|| Row::Directory(child.key().clone()), |file| Row::File(file.clone()))
            }
            Passed::Tree(key) => Row::Tree(key.clone()),
        }
    }
}

/// A look-up of a part of a directory.
#[derive(Debug)]
pub(super) struct ListQuery {
    /// Directory and filter of the list.
    pub(super) wanted: Wanted,
    /// Row that is selected when the look-up begins.
    pub(super) selected: usize,
    /// Key whose row is to be selected, if it is there.
    pub(super) key: Option<FileKey>,
    /// True if a long directory may rest before it is looked up again.
    pub(super) is_repeated: bool,
    /// Number of rows when it was looked up before.
    pub(super) known: usize,
}

impl ListQuery {
    /// Looks the rows up. A panic of the look-up, which is a bug, finds nothing.
    #[expect(clippy::disallowed_methods, reason = "a front end lives by the wall clock")]
    pub(super) async fn answer(self) -> Listing {
        if self.is_repeated && self.known > MANY {
            sleep(REST).await;
        }
        tokio::task::spawn_blocking(move || self.look()).await.unwrap_or_default()
    }

    fn look(self) -> Listing {
        let sorted = self.wanted.sorted();
        let (mut total, mut place) = (0, None);
        self.wanted.walk(sorted.as_deref(), |found| {
            if self.key.as_ref() == Some(found.key()) {
                place = Some(total);
            }
            total += 1;
            true
        });
        let selected = place.unwrap_or(self.selected).min(total.saturating_sub(1));
        let first = selected.saturating_sub(AROUND);
        let (mut passed, mut rows) = (0, Vec::new());
        self.wanted.walk(sorted.as_deref(), |found| {
            if passed >= first {
                rows.push(found.row());
            }
            passed += 1;
            rows.len() < 2 * AROUND
        });
        Listing { wanted: self.wanted, first, rows, total, asked_at: self.selected, selected }
    }
}

/// The rows of a directory that were looked up.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Directory and filter of the list.
    pub(super) wanted: Wanted,
    /// Number of rows before those that are here.
    first: usize,
    rows: Vec<Row>,
    /// Number of all rows.
    pub(super) total: usize,
    /// Row that was selected when the look-up began.
    pub(super) asked_at: usize,
    /// Place of that row in this list.
    pub(super) selected: usize,
}

impl Listing {
    /// Returns a row, if it was looked up.
    pub(super) fn row(&self, index: usize) -> Option<&Row> {
        self.rows.get(index.checked_sub(self.first)?)
    }

    /// Returns true if the rows around one are here, as far as there are any.
    pub(super) fn covers(&self, index: usize) -> bool {
        let end = self.first + self.rows.len();
        let has_before = self.first == 0 || index >= self.first + LEAST;
        let has_after = end == self.total || index + LEAST < end;
        has_before && has_after
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use p2p_store::namespace::Entry;
    use p2p_store::segment::Sha256Digest;

    use super::*;

    fn names(count: usize) -> Namespace {
        let file = |number: usize| {
            Entry::File(FileRecord {
                key: FileKey::unowned(&format!("{number:06}.bin")),
                size: 1,
                sha256: Sha256Digest::of(b""),
                segments: 1,
                segment_size: 65_536,
                stored_at: 7,
                modified: 7,
                mode: 0o644,
                readers: BTreeSet::new(),
            })
        };
        (0..count).map(file).collect()
    }

    fn look(names: &Namespace, filter: &str, selected: usize, key: Option<&str>) -> Listing {
        let wanted = Wanted {
            place: Some(FileKey::unowned("")),
            has_trees: true,
            filter: filter.into(),
            order: None,
            names: names.clone(),
        };
        ListQuery { wanted, selected, key: key.map(FileKey::unowned), is_repeated: false, known: 0 }.look()
    }

    #[test]
    fn a_part_of_a_long_directory_is_copied() {
        let names = names(20_000);
        for selected in [0, 5_000, 19_999, 70_000] {
            let listing = look(&names, "", selected, None);
            let selected = selected.min(19_999);
            assert!(listing.total == 20_000 && listing.rows.len() <= 2 * AROUND && listing.covers(selected));
            assert_eq!(listing.row(selected).unwrap().name(), format!("{selected:06}.bin"));
            assert!(selected == 5_000 || !listing.covers(10_000));
        }
        let listing = look(&names, "", 3, Some("012345.bin"));
        assert_eq!((listing.selected, listing.row(12_345).unwrap().name()), (12_345, "012345.bin".into()));
        assert_eq!(look(&names, "999", 0, None).total, 38);
        assert_eq!((look(&names, "none", 7, None).total, look(&Namespace::default(), "", 7, None).selected), (0, 0));
    }

    /// Files stand in another order, those that are equal by their names, and directories last from either end.
    #[test]
    fn files_are_sorted_by_their_figures() {
        let file = |name: &str, size| {
            let key = FileKey::unowned(name);
            let (sha256, readers, stored_at) = (Sha256Digest::of(b""), BTreeSet::new(), 9 - size);
            let (segments, segment_size, modified, mode) = (1, 65_536, stored_at, 0o644);
            Entry::File(FileRecord { key, size, sha256, segments, segment_size, stored_at, modified, mode, readers })
        };
        let names: Namespace = [file("a", 2), file("b", 1), file("c", 2), file("d/x", 9), file("e", 5)].into_iter().collect();
        let sorted = |by, is_descending| {
            let order = Some(Order { by, is_descending });
            let wanted =
                Wanted { place: Some(FileKey::unowned("")), has_trees: true, filter: String::new(), order, names: names.clone() };
            let key = Some(FileKey::unowned("b"));
            let listing = ListQuery { wanted, selected: 0, key, is_repeated: false, known: 0 }.look();
            assert_eq!(listing.row(listing.selected).unwrap().name(), "b", "the selection goes with its row");
            listing.rows.iter().map(Row::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sorted(SIZE, true), "e a c b d/");
        assert_eq!(sorted(SIZE, false), "b a c e d/");
        assert_eq!(sorted(STORED, true), "b a c e d/");
        assert_eq!(sorted(SEGMENTS, true), "a b c e d/");
    }

    /// Names with characters that no new name may have stand in older catalogs.
    #[test]
    fn nothing_of_a_name_reaches_the_terminal_raw() {
        let key = FileKey::new(Some("al\u{1b}[2J"), "a/\u{1b}[31mred\u{202e}");
        for row in [Row::Directory(key.clone()), Row::Tree(key)] {
            assert!(!row.name().contains(['\u{1b}', '\u{202e}']), "{}", row.name());
        }
    }
}
