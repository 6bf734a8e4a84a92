//! The results of transfers: of those that a line waits for, and of those that are left to tell when a line was dropped or the program ends.

use std::collections::BTreeSet;

use p2p_base::message::legible;
use p2p_engine::operation::Await;
use p2p_engine::transfer::{TransferId, TransferState, TransferStatus};
use p2p_service::instance::{Instance, Leaving};
use p2p_service::output;

use crate::answer::{Answer, Begun};
use crate::{Shell, ShellError, commands};

impl Shell {
    /// Waits until a transfer is over, and returns its result.
    ///
    /// # Errors
    /// Fails if the transfer failed, or if there is no transfer of that number.
    pub async fn finish(&self, begun: &Begun) -> Result<Answer, ShellError> {
        let outcome = self.outcome(begun).await;
        self.told(begun.transfer);
        outcome
    }

    /// Notes that the result of a transfer was told to the user.
    pub fn told(&self, transfer: TransferId) {
        self.untold.remove([transfer]);
        self.background.remove(transfer);
    }

    /// Returns the transfers of lines that were dropped before they could report the results.
    pub fn untold(&self) -> BTreeSet<TransferId> {
        self.untold.list()
    }

    /// Returns the answers about those of these transfers that were successful, in the order in which they began.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn answers_about(&self, transfers: &BTreeSet<TransferId>) -> Result<Vec<Answer>, ShellError> {
        let snapshot = self.access.present_snapshot().await?;
        let is_meant = |status: &TransferStatus| transfers.contains(&status.id) && status.state == TransferState::Done;
        let mut done: Vec<_> = snapshot.transfers.iter().filter(|report| is_meant(&report.status)).collect();
        done.sort_by_key(|report| report.status.id);
        Ok(done.into_iter().map(|report| commands::files::finished(report, &self.identity())).collect())
    }

    /// Takes the transfers of lines that were dropped before they could report the results, for the caller to report.
    pub fn take_untold(&self) -> BTreeSet<TransferId> {
        self.untold.take()
    }

    /// Returns the transfers that batches of dropped lines have counted, of which each was to be told.
    pub fn results_of_dropped_batches(&self) -> BTreeSet<TransferId> {
        self.untold.results()
    }

    /// Takes what is to be told of the batches of lines that were dropped: what was done, and how many files were not begun.
    pub fn take_dropped_batches(&self) -> Vec<String> {
        self.untold.take_batches()
    }

    /// Leaves the engine of `instance` with `result`, and reports unfinished transfers under the names that the user may know, and what
    /// became of unfinished batches.
    ///
    /// # Errors
    /// Fails as [`Instance::leave`] does.
    pub async fn leave(&self, instance: &Instance, result: eyre::Result<Leaving>) -> eyre::Result<()> {
        let left = instance.leave(result, &self.take_untold(), |transfer| self.identity().name_of(transfer)).await;
        self.take_dropped_batches().iter().for_each(|batch| output::tell(legible(&format!("p2p: {batch}"))));
        left
    }

    /// Waits for a transfer, and returns its result. The transfer counts as unreported until it is [told](Self::told).
    ///
    /// # Errors
    /// Fails as [`finish`](Self::finish) does.
    pub async fn outcome(&self, begun: &Begun) -> Result<Answer, ShellError> {
        self.untold.add(begun.transfer);
        let report = self.wait_for(Await { transfer: begun.transfer }).await?.into_result()?;
        Ok(match &begun.checks {
            Some(name) => commands::files::checked(&report, name),
            None => commands::files::finished(&report, &self.identity()),
        })
    }
}
