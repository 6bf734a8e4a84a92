//! Small transfers of one command, which are carried out beside each other.
//!
//! What a small file costs is mostly waiting for a disk. Several that are under way at the same time share a sync and a transaction of
//! the catalog. Results are told in the order of the arguments all the same, and a transfer that could depend on an earlier one is
//! begun after it.

use std::collections::{BTreeSet, VecDeque};
use std::fs;

use p2p_engine::operation::{BeginTransfer, Command, Source};
use p2p_service::access::Access;
use p2p_store::names::stored_path;

/// Number of small transfers of one command that are under way at the same time: half of the results that the engine remembers, since
/// those that are over before an earlier one are among them, and so are transfers of the program itself.
pub const BESIDE_MAX: usize = p2p_engine::FINISHED_MAX / 2;
/// Size in bytes up to which a file is a small one: that of a segment.
pub const SMALL_BYTES: u64 = 64 << 10;

/// Returns the name that a small transfer stores or removes; `None` if it is large, or of another kind. Asks the disk.
pub fn name_of_small(access: &Access, begins: &BeginTransfer) -> Option<String> {
    match begins.command() {
        Command::Upload(upload) => {
            let Source::File(path) = &upload.source else { return None };
            fs::metadata(path).ok().filter(|found| found.is_file() && found.len() <= SMALL_BYTES)?;
            // Two spellings of one name are the same name.
            stored_path(upload.stored_name()?).ok()
        }
        Command::Remove(remove) => access.is_file(&remove.file).then(|| remove.file.to_string()),
        _ => None,
    }
}

/// Transfers of one command that have begun and whose results are not taken yet, in their order. `T` is what the front end knows of one.
///
/// The next ones begin once all of these are over: the writes of all of them precede their syncs, which can then be made together.
#[derive(Debug)]
pub struct Beside<T> {
    begun: VecDeque<(Option<String>, T)>,
    names: BTreeSet<String>,
    /// True until the first result is taken, and unless a transfer is among them that has no others beside it.
    is_open: bool,
}

impl<T> Default for Beside<T> {
    fn default() -> Beside<T> {
        Beside { begun: VecDeque::new(), names: BTreeSet::new(), is_open: true }
    }
}

impl<T> Beside<T> {
    /// Returns the number of transfers.
    pub fn len(&self) -> usize {
        self.begun.len()
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }

    /// Returns true if a further small transfer may begin beside these.
    pub fn is_open(&self) -> bool {
        self.is_open && self.begun.len() < BESIDE_MAX
    }

    /// Returns true if a [small transfer of this name](name_of_small) may begin now: none of these has the name.
    pub fn admits(&self, name: &str) -> bool {
        self.is_open() && !self.names.contains(name)
    }

    /// Adds a transfer that has begun, with its name if it is a small one.
    pub fn push(&mut self, name: Option<String>, transfer: T) {
        self.is_open &= name.is_some();
        self.names.extend(name.clone());
        self.begun.push_back((name, transfer));
    }

    /// Returns the first transfer.
    pub fn front(&self) -> Option<&T> {
        self.begun.front().map(|(_, transfer)| transfer)
    }

    /// Returns the transfers, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.begun.iter_mut().map(|(_, transfer)| transfer)
    }

    /// Removes and returns the first transfer.
    pub fn pop(&mut self) -> Option<T> {
        let (name, transfer) = self.begun.pop_front()?;
        if let Some(name) = &name {
            self.names.remove(name);
        }
        self.is_open = self.begun.is_empty();
        Some(transfer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No more than half of what the engine remembers is under way, none twice, and the next ones begin once all are over.
    #[test]
    fn small_transfers_are_in_groups() {
        let mut beside = Beside::default();
        for place in 0..BESIDE_MAX {
            let name = place.to_string();
            assert!(beside.admits(&name));
            beside.push(Some(name.clone()), place);
            assert!(!beside.admits(&name));
        }
        assert!(!beside.admits("x") && beside.len() == BESIDE_MAX);
        for place in 0..BESIDE_MAX {
            assert!(!beside.admits("0") && beside.front() == Some(&place));
            assert_eq!(beside.pop(), Some(place));
        }
        assert!(beside.admits("0") && beside.is_empty());
    }

    /// A large transfer is alone.
    #[test]
    fn nothing_is_beside_a_large_transfer() {
        let mut beside = Beside::default();
        beside.push(None, "large");
        assert!(!beside.admits("small"));
        assert_eq!(beside.pop(), Some("large"));
        assert!(beside.admits("small"));
    }
}
