//! The transfers that a line waits for, and whose result was not yet shown.
//!
//! An interruption drops the future of a line, possibly between the end of its transfer and the answer. The front end then
//! reports the result of the transfer when it leaves.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_engine::transfer::TransferId;

/// Set of transfers whose result was not yet shown, shared by all copies of a shell.
#[derive(Debug, Clone, Default)]
pub(super) struct Untold(Arc<Mutex<BTreeSet<TransferId>>>);

impl Untold {
    /// Adds a transfer that a line waits for.
    pub(super) fn add(&self, transfer: TransferId) {
        self.all().insert(transfer);
    }

    /// Removes transfers whose result the answer of their line shows.
    pub(super) fn remove(&self, told: impl IntoIterator<Item = TransferId>) {
        let mut all = self.all();
        for transfer in told {
            all.remove(&transfer);
        }
    }

    /// Returns all transfers.
    pub(super) fn list(&self) -> BTreeSet<TransferId> {
        self.all().clone()
    }

    /// Takes all transfers, for the caller to report.
    pub(super) fn take(&self) -> BTreeSet<TransferId> {
        std::mem::take(&mut *self.all())
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<TransferId>> {
        // Each operation on the set is complete in itself, so that a panic elsewhere does not corrupt it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
