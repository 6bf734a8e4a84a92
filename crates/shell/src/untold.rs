//! What lines have begun and not yet told: transfers that a line waits for, and the batches that are being carried out.
//!
//! An interruption drops the future of a line, possibly between the end of its transfer and the answer. The front end then
//! reports the result of the transfer when it leaves, and of a batch its sum and how much of it was not begun.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_engine::transfer::TransferId;

use crate::ShellError;
use crate::answer::Answer;
use crate::lists::LISTED_MAX;
use crate::tally::{Tally, told_left};

/// Number of a batch that is being carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct BatchId(u64);

/// A batch whose sum was not yet told.
#[derive(Debug)]
struct Unfinished {
    done: Tally,
    /// Transfers that are counted.
    counted: BTreeSet<TransferId>,
    /// Number of files that were not begun.
    left: usize,
    /// True if the result of each was to be told at the end, beside the sum.
    tells_each: bool,
    /// True if what was done is told by the sum, and not by name, since it is too much.
    is_summed: bool,
}

impl Unfinished {
    /// Returns what is to be told beside the transfers by name.
    fn told(&self) -> Option<String> {
        match self.left as u64 {
            left if self.is_summed => Some(self.done.in_one_line_with(left)),
            0 => None,
            left => Some(told_left(left, self.done.noun())),
        }
    }
}

#[derive(Debug, Default)]
struct Memory {
    transfers: BTreeSet<TransferId>,
    batches: BTreeMap<BatchId, Unfinished>,
    latest: BatchId,
}

/// Transfers whose result was not yet shown, and batches whose sum was not, shared by all copies of a shell.
#[derive(Debug, Clone, Default)]
pub(super) struct Untold(Arc<Mutex<Memory>>);

impl Untold {
    /// Adds a transfer that a line waits for.
    pub(super) fn add(&self, transfer: TransferId) {
        self.memory().transfers.insert(transfer);
    }

    /// Removes transfers whose result the answer of their line shows.
    pub(super) fn remove(&self, told: impl IntoIterator<Item = TransferId>) {
        let mut memory = self.memory();
        for transfer in told {
            memory.transfers.remove(&transfer);
        }
    }

    /// Returns all transfers, with those that batches have counted.
    pub(super) fn list(&self) -> BTreeSet<TransferId> {
        let memory = self.memory();
        memory.transfers.iter().chain(memory.batches.values().flat_map(|batch| &batch.counted)).copied().collect()
    }

    /// Takes all transfers that are to be told by name, for the caller to report.
    pub(super) fn take(&self) -> BTreeSet<TransferId> {
        std::mem::take(&mut self.memory().transfers)
    }

    /// Adds a batch that begins with this sum.
    pub(super) fn begin_batch(&self, done: Tally, left: usize, tells_each: bool) -> BatchId {
        let mut memory = self.memory();
        memory.latest.0 += 1;
        let id = memory.latest;
        let batch = Unfinished { done, counted: BTreeSet::new(), left, tells_each, is_summed: left > LISTED_MAX };
        memory.batches.insert(id, batch);
        id
    }

    /// Notes how many files of a batch are yet to begin.
    pub(super) fn set_left(&self, id: BatchId, left: usize) {
        if let Some(batch) = self.memory().batches.get_mut(&id) {
            batch.left = left;
        }
    }

    /// Counts what became of a file of a batch, and of its transfer if it was begun.
    pub(super) fn count(&self, id: BatchId, transfer: Option<TransferId>, file: &str, outcome: &Result<Answer, ShellError>) {
        let mut memory = self.memory();
        let Memory { transfers, batches, .. } = &mut *memory;
        let Some(batch) = batches.get_mut(&id) else { return };
        batch.counted.extend(transfer);
        batch.done.add(file, outcome.as_ref().map(Answer::bytes));
        if batch.is_summed
            && let Some(transfer) = transfer
        {
            transfers.remove(&transfer);
        }
    }

    /// Counts what became of a file of a batch that is begun in the background: the number of its transfer, or why it was refused.
    pub(super) fn count_begun(&self, id: BatchId, file: &str, begun: Result<TransferId, &ShellError>) {
        if let Some(batch) = self.memory().batches.get_mut(&id) {
            match begun {
                Ok(transfer) => batch.done.begin(transfer, file),
                Err(error) => batch.done.add(file, Err(error)),
            }
        }
    }

    /// Takes the sum of a batch that is over; `None` if it was taken before.
    pub(super) fn end_batch(&self, id: BatchId) -> Option<Tally> {
        let mut memory = self.memory();
        let batch = memory.batches.remove(&id)?;
        memory.transfers.retain(|transfer| !batch.counted.contains(transfer));
        Some(batch.done)
    }

    /// Returns the transfers that batches have counted whose results were each to be told at the end.
    pub(super) fn results(&self) -> BTreeSet<TransferId> {
        self.memory().batches.values().filter(|batch| batch.tells_each).flat_map(|batch| &batch.counted).copied().collect()
    }

    /// Takes what is to be told of each batch that was dropped, as in `100 files stored; 4800 files were not begun`.
    pub(super) fn take_batches(&self) -> Vec<String> {
        std::mem::take(&mut self.memory().batches).values().filter_map(Unfinished::told).collect()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Each operation is complete in itself, so that a panic elsewhere does not corrupt it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a large batch that was dropped, what it has counted is in its sum, and no transfer of that is told by itself.
    #[test]
    fn a_large_batch_that_was_dropped_has_a_sum() {
        let untold = Untold::default();
        let id = untold.begin_batch(Tally::new("stored", Vec::new()), 47, true);
        (1..=3).for_each(|number| untold.add(TransferId(number)));
        untold.set_left(id, 44);
        untold.count(id, Some(TransferId(1)), "a", &Ok(Answer::nothing()));
        untold.count(id, None, "b", &Err(ShellError::Bad("`b` is taken".into())));
        assert_eq!(untold.list(), [1, 2, 3].map(TransferId).into());
        assert_eq!(untold.results(), [TransferId(1)].into());
        assert_eq!(untold.take(), [2, 3].map(TransferId).into());
        assert_eq!(untold.take_batches(), ["1 file stored, 1 not: `b` is taken; 44 files were not begun"]);
        assert!(untold.take_batches().is_empty() && untold.end_batch(id).is_none());
    }

    /// Of a small one each transfer is told by name, unless it has ended with an answer of its own.
    #[test]
    fn a_small_batch_that_was_dropped_has_names() {
        let untold = Untold::default();
        for has_ended in [false, true] {
            let id = untold.begin_batch(Tally::new("stored", Vec::new()), 2, true);
            untold.set_left(id, 1);
            untold.add(TransferId(1));
            untold.count(id, Some(TransferId(1)), "a", &Ok(Answer::nothing()));
            if has_ended {
                assert_eq!(untold.end_batch(id).map(|sum| sum.to_string()).as_deref(), Some("1 file stored"));
                assert!(untold.list().is_empty() && untold.take_batches().is_empty());
            } else {
                assert_eq!(
                    (untold.take(), untold.take_batches()),
                    ([TransferId(1)].into(), vec!["1 file was not begun".to_owned()])
                );
            }
        }
    }
}
