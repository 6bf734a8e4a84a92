//! The transfers that lines have begun in the background, and whose result `wait` has not yet told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_engine::transfer::TransferId;

/// Number of transfers in the background that are remembered until `wait` tells their results, of all users of a shell together.
pub(super) const UNREPORTED_MAX: usize = 1_000;

/// Name of the user who has begun a transfer; `None` for the operator.
type Owner = Option<String>;

/// Transfers in the background of one user whose result was not yet told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreported {
    /// Transfers that are remembered.
    pub(super) transfers: BTreeSet<TransferId>,
    /// Number of older ones that are remembered no more.
    pub(super) dropped: u64,
}

#[derive(Debug, Default)]
struct Memory {
    transfers: BTreeMap<TransferId, Owner>,
    /// Number of transfers that are remembered no more, by user.
    dropped: BTreeMap<Owner, u64>,
}

/// Transfers in the background whose result was not yet told, shared by all copies of a shell. Of more than [`UNREPORTED_MAX`] the oldest
/// are dropped and counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Background(Arc<Mutex<Memory>>);

impl Background {
    /// Adds a transfer that a user has begun.
    pub(super) fn add(&self, owner: Option<&str>, transfer: TransferId) {
        let mut memory = self.memory();
        memory.transfers.insert(transfer, owner.map(str::to_owned));
        if memory.transfers.len() > UNREPORTED_MAX
            && let Some((_, owner)) = memory.transfers.pop_first()
        {
            *memory.dropped.entry(owner).or_default() += 1;
        }
    }

    /// Returns what was not yet told to a user.
    pub(super) fn of(&self, owner: Option<&str>) -> Unreported {
        let memory = self.memory();
        let of_owner = memory.transfers.iter().filter(|(_, of)| of.as_deref() == owner);
        let transfers = of_owner.map(|(transfer, _)| *transfer).collect();
        Unreported { transfers, dropped: memory.dropped.get(&owner.map(str::to_owned)).copied().unwrap_or_default() }
    }

    /// Removes a transfer whose result was told.
    pub(super) fn remove(&self, transfer: TransferId) {
        self.memory().transfers.remove(&transfer);
    }

    /// Removes what was told to a user. What has come since stays.
    pub(super) fn tell(&self, owner: Option<&str>, told: &Unreported) {
        let mut memory = self.memory();
        memory.transfers.retain(|transfer, _| !told.transfers.contains(transfer));
        let owner = owner.map(str::to_owned);
        let left = memory.dropped.remove(&owner).unwrap_or_default().saturating_sub(told.dropped);
        if left > 0 {
            memory.dropped.insert(owner, left);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Each operation is complete in itself, so that a panic elsewhere does not corrupt what is remembered.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        let background = Background::default();
        let max = UNREPORTED_MAX as u64;
        (1..=3).for_each(|id| background.add(Some("alice"), TransferId(id)));
        (4..=max + 5).for_each(|id| background.add(None, TransferId(id)));
        let (alices, operators) = (background.of(Some("alice")), background.of(None));
        assert_eq!(alices, Unreported { transfers: BTreeSet::new(), dropped: 3 });
        assert_eq!((operators.transfers.len(), operators.dropped), (UNREPORTED_MAX, 2));
        assert_eq!(operators.transfers.first(), Some(&TransferId(6)));
        // What is told is so once, to its user alone, and what comes meanwhile is told later.
        background.remove(TransferId(7));
        background.add(None, TransferId(max + 6));
        background.tell(None, &operators);
        assert_eq!(background.of(None), Unreported { transfers: [TransferId(max + 6)].into(), dropped: 0 });
        assert_eq!(background.of(Some("alice")), alices);
        background.remove(TransferId(max + 6));
        assert_eq!(background.of(None), Unreported { transfers: BTreeSet::new(), dropped: 0 });
    }

    #[test]
    fn the_help_of_wait_names_the_limits() {
        let details = crate::table::find("wait").unwrap().details;
        for limit in
            [format!("last {} transfers", p2p_engine::FINISHED_MAX), format!("at most {UNREPORTED_MAX} in the background")]
        {
            assert!(details.contains(&limit), "{limit}: {details}");
        }
    }
}
