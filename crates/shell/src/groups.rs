//! The order in which the transfers of one command begin and are told, for every front end: in groups.
//!
//! What a small file costs is mostly waiting for a disk. Those of a group begin at one virtual instant and are under way beside each other,
//! so that they share syncs and transactions of the catalog. The next group begins once all of a group are over: a transfer that could
//! depend on an earlier one begins after it. Results are told in the order of the arguments, whichever comes first.

use std::collections::{BTreeSet, VecDeque};
use std::fs;

use p2p_engine::GROUP_MAX;
use p2p_engine::operation::{BeginTransfer, Command, Source};
use p2p_service::access::Access;
use p2p_store::names::stored_path;

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

/// A transfer that is yet to begin.
pub trait Step {
    /// Returns the [name](name_of_small) of a small transfer, which may begin beside others; `None` if it begins alone.
    fn beside(&self) -> Option<&str>;
}

/// Transfers that begin at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group<S> {
    /// A transfer that is under way by itself.
    Alone(S),
    /// Small transfers, which are under way beside each other.
    Together(Vec<S>),
}

impl<S> Group<S> {
    /// Returns the transfers in their order.
    pub fn into_steps(self) -> Vec<S> {
        match self {
            Group::Alone(one) => vec![one],
            Group::Together(several) => several,
        }
    }
}

/// Transfers of one command: those that wait to begin, and those that have begun and whose results are not taken yet, in their order. `T`
/// is what the front end knows of one that has begun.
///
/// [`take_group`](Self::take_group) gives out what is to begin now, [`put`](Self::put) takes in what became of each, and
/// [`pop`](Self::pop) gives the next one whose result is to be told. After the last one of a group, there may be another group.
#[derive(Debug)]
pub struct Groups<S, T> {
    waiting: VecDeque<S>,
    under_way: VecDeque<T>,
}

impl<S, T> Default for Groups<S, T> {
    fn default() -> Groups<S, T> {
        Groups { waiting: VecDeque::new(), under_way: VecDeque::new() }
    }
}

impl<S, T> Groups<S, T> {
    /// Returns what has not begun.
    pub fn waiting(&self) -> &VecDeque<S> {
        &self.waiting
    }

    /// Returns what has not begun, to take some of it out.
    pub fn waiting_mut(&mut self) -> &mut VecDeque<S> {
        &mut self.waiting
    }

    /// Returns the number of transfers that are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Returns true if nothing waits and nothing is under way.
    pub fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Adds a transfer that has begun, or was refused, behind those that are under way.
    pub fn put(&mut self, transfer: T) {
        self.under_way.push_back(transfer);
    }

    /// Returns the first transfer that is under way.
    pub fn front(&self) -> Option<&T> {
        self.under_way.front()
    }

    /// Returns the transfers that are under way.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.under_way.iter()
    }

    /// Returns the transfers that are under way, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.under_way.iter_mut()
    }

    /// Removes and returns the first transfer that is under way.
    pub fn pop(&mut self) -> Option<T> {
        self.under_way.pop_front()
    }

    /// Removes and returns all that are under way.
    pub fn take_under_way(&mut self) -> VecDeque<T> {
        std::mem::take(&mut self.under_way)
    }
}

impl<S: Step, T> Groups<S, T> {
    /// Creates the groups of transfers that are to begin in this order.
    pub fn new(steps: impl IntoIterator<Item = S>) -> Groups<S, T> {
        Groups { waiting: steps.into_iter().collect(), under_way: VecDeque::new() }
    }

    /// Removes and returns the transfers that are to begin now, at one instant: small ones of different names, or a single one of another
    /// kind. There is none while a group is under way, and after the last one.
    pub fn take_group(&mut self) -> Option<Group<S>> {
        if !self.under_way.is_empty() {
            return None;
        }
        let mut names = BTreeSet::new();
        for step in &self.waiting {
            let is_further = names.len() < GROUP_MAX && step.beside().is_some_and(|name| names.insert(name));
            if !is_further {
                break;
            }
        }
        match names.len() {
            0 => self.waiting.pop_front().map(Group::Alone),
            size => Some(Group::Together(self.waiting.drain(..size).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small transfer of a name, or a large one.
    #[derive(Debug, Clone, PartialEq)]
    struct Given(Option<String>);

    impl Step for Given {
        fn beside(&self) -> Option<&str> {
            self.0.as_deref()
        }
    }

    fn small(name: impl ToString) -> Given {
        Given(Some(name.to_string()))
    }

    /// No more than half of what the engine remembers is under way, and the next ones begin once all are over.
    #[test]
    fn small_transfers_are_in_groups() {
        let mut groups = Groups::new((0..GROUP_MAX + 3).map(small));
        let first = groups.take_group().unwrap().into_steps();
        assert_eq!((first.len(), groups.waiting().len()), (GROUP_MAX, 3));
        first.into_iter().for_each(|one| groups.put(one));
        while groups.under_way() > 0 {
            assert_eq!(groups.take_group(), None, "the group is under way");
            groups.pop();
        }
        assert_eq!(groups.take_group(), Some(Group::Together((GROUP_MAX..GROUP_MAX + 3).map(small).collect())));
        assert!(groups.is_over() && groups.take_group().is_none());
    }

    /// A large transfer is alone, and so is the second one of a name.
    #[test]
    fn what_depends_on_another_is_not_beside_it() {
        let all = [small("a"), small("b"), Given(None), small("c"), small("d"), small("c"), Given(None), Given(None)];
        let mut groups: Groups<_, Given> = Groups::new(all);
        let size = |group| match group {
            Group::Alone(_) => 0,
            Group::Together(several) => several.len(),
        };
        let sizes: Vec<usize> = std::iter::from_fn(|| groups.take_group().map(size)).collect();
        assert_eq!(sizes, [2, 0, 2, 1, 0, 0]);
    }
}
