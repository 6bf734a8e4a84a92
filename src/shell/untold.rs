//! The transfers that a line waits for, and of whose end nobody has been told.
//!
//! Whoever interrupts a line drops it, perhaps between the end of its transfer and the answer: what has become of the transfer is
//! then told by whoever leaves. Knows nothing of why a line is dropped.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::transfer::TransferId;

/// Shared by all copies of a shell.
#[derive(Debug, Clone, Default)]
pub(super) struct Untold(Arc<Mutex<BTreeSet<TransferId>>>);

impl Untold {
    /// A line waits for this transfer.
    pub(super) fn add(&self, transfer: TransferId) {
        self.all().insert(transfer);
    }

    /// The line's answer tells of these transfers.
    pub(super) fn remove(&self, told: impl IntoIterator<Item = TransferId>) {
        let mut all = self.all();
        for transfer in told {
            all.remove(&transfer);
        }
    }

    /// All of them, which are told of now.
    pub(super) fn take(&self) -> BTreeSet<TransferId> {
        std::mem::take(&mut *self.all())
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<TransferId>> {
        // Whoever panicked with it left a value that is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
