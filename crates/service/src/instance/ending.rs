//! End of transfers and of the engine: by completion, by an interruption, or because the user quits.
//!
//! No transfer is dropped silently: those that run when a front end ends are finished, or cancelled and reported. A user who
//! quits does not wait at the configured speed: the remaining work is done as fast as the machine can.

use std::collections::BTreeSet;
use std::time::Duration;

use eyre::{Report, Result, WrapErr, eyre};
use p2p_engine::operation::{Await, BeginTransfer, ListTransfers, ListUploads, OnShutdown, Shutdown, TakeFailures};
use p2p_engine::transfer::{TransferId, TransferReport, TransferState, TransferStatus};
use p2p_engine::{Caller, EngineError};
use p2p_store::uploads::UploadId;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing_appender::non_blocking::WorkerGuard;

use super::{Instance, advised};
use crate::access::Access;
use crate::failure::{Advise, exit};
use crate::interrupt::{Interrupted, interrupted};
use crate::output;

/// Time without any progress of the engine after which the end is no longer waited for; a disk may never answer.
const STANDSTILL_MAX: Duration = Duration::from_secs(3);
/// Time after which the end of the engine's thread is no longer waited for, which finishes work that is under way and closes files: as long
/// as Linux gives a disk for a command before it reports an error.
const END_MAX: Duration = Duration::from_secs(30);
/// Message if the end is no longer waited for.
const GIVEN_UP: &str = "a disk does not answer; what was under way is undone by the next start";
/// Message after everything was undone.
const UNDONE: &str = "what was under way has been undone";

/// Outcome of giving content to a stream or taking it from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poured {
    /// The transfer has got or given all, or its report says why not.
    All,
    /// Whoever reads the output has had enough of it, which is no failure.
    Enough,
}

/// Treatment of running transfers when a front end ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Running transfers are finished.
    Finishing,
    /// Running transfers are cancelled.
    Cancelling,
}

/// Returns the interruption of work whose end is no longer waited for.
fn given_up(stop: Interrupted) -> Interrupted {
    stop.after(GIVEN_UP).giving_up()
}

impl Instance {
    /// Executes a transfer for the user of `access`. An interruption cancels it, unless it is past its point of no return.
    ///
    /// # Errors
    /// Fails if the transfer failed, with the next step, and returns [`Interrupted`] if it was undone.
    pub async fn transfer(&self, access: &Access, begins: BeginTransfer) -> Result<TransferReport> {
        let transfer = access.begin(begins).await.map_err(advised)?;
        self.see_through(transfer).await
    }

    /// Waits for the end of a transfer that has begun. An interruption cancels it as in [`transfer`](Self::transfer).
    ///
    /// # Errors
    /// Fails as [`transfer`](Self::transfer) does.
    pub async fn see_through(&self, transfer: TransferId) -> Result<TransferReport> {
        tokio::select! {
            biased;
            report = self.finish(transfer) => report,
            stop = interrupted() => self.undo(transfer, stop?).await,
        }
    }

    /// Executes a transfer whose content `pouring` gives to its stream or takes from it. An interruption ends the pouring first, so
    /// that virtual time waits for it no longer, and then undoes the transfer as [`transfer`](Self::transfer) does.
    ///
    /// # Errors
    /// Fails as [`transfer`](Self::transfer) does, or if the pouring fails.
    pub async fn transfer_stream(
        &self,
        transfer: TransferId,
        pouring: impl Future<Output = Result<Poured>>,
    ) -> Result<TransferReport> {
        match self.pour(transfer, pouring).await? {
            Ok(report) => Ok(report),
            // The end of the stream has been dropped with the pouring, and nothing waits for it any more.
            Err(stop) => self.undo(transfer, stop).await,
        }
    }

    /// Executes an upload that is kept, as [`transfer_stream`](Self::transfer_stream) does. An interruption does not undo it: what
    /// is stored is kept, and `next` says how it is continued.
    ///
    /// # Errors
    /// Fails if the upload or the pouring fails, and returns [`Interrupted`] if the upload is not complete.
    pub async fn transfer_kept(
        &self,
        transfer: TransferId,
        upload: UploadId,
        next: &str,
        pouring: impl Future<Output = Result<Poured>>,
    ) -> Result<TransferReport> {
        match self.pour(transfer, pouring).await {
            Ok(Ok(report)) if report.status.state == TransferState::Parked => {
                let kept = self.kept_bytes(upload).await;
                Err(eyre!("the upload is not complete; {kept} bytes are kept").suggestion(next.to_owned()))
            }
            Ok(Ok(report)) => Ok(report),
            Ok(Err(stop)) => self.park(transfer, upload, next, stop).await,
            Err(error) => {
                if error.is::<EngineError>() {
                    match self.kept_bytes(upload).await {
                        0 => output::tell(format_args!("p2p: nothing of the upload is kept")),
                        kept => output::tell(format_args!("p2p: {kept} bytes are kept: {next}")),
                    }
                }
                Err(error)
            }
        }
    }

    /// Waits until a transfer is over whose content is poured, or until an interruption.
    async fn pour(
        &self,
        transfer: TransferId,
        pouring: impl Future<Output = Result<Poured>>,
    ) -> Result<Result<TransferReport, Interrupted>> {
        // Virtual time passes while the end is awaited.
        let ended = async {
            tokio::pin!(pouring);
            let report = self.call(Await { transfer });
            tokio::pin!(report);
            tokio::select! {
                biased;
                // What has failed needs no more content, which may never come.
                report = &mut report => match &report {
                    Ok(done) if done.status.state == TransferState::Done => (pouring.await, report),
                    _ => (Ok(Poured::All), report),
                },
                poured = &mut pouring => (poured, report.await),
            }
        };
        let (poured, report) = tokio::select! {
            biased;
            ended = ended => ended,
            stop = interrupted() => return Ok(Err(stop?)),
        };
        match poured? {
            Poured::All => Ok(Ok(report?.into_result().map_err(advised)?)),
            Poured::Enough => Ok(Ok(*report?)),
        }
    }

    /// Lets an upload whose source has been dropped because of an interruption be parked, and returns its outcome.
    async fn park(&self, transfer: TransferId, upload: UploadId, next: &str, stop: Interrupted) -> Result<TransferReport> {
        let program = Caller::operator();
        let parked = async {
            match self.engine.park_at_once(&program, transfer).await {
                // It has ended in the meantime, as the report says.
                Err(EngineError::TransferOver(_)) => self.engine.await_at_once(&program, transfer).await,
                parked => parked,
            }
        };
        match self.while_it_moves(parked).await {
            None => Err(stop.after(&format!("a disk does not answer; what was noted before is kept: {next}")).into()),
            Some(Ok(report)) if report.status.state == TransferState::Parked => {
                let kept = self.kept_bytes(upload).await;
                Err(stop.after(&format!("{kept} bytes are kept: {next}")).into())
            }
            // All of the content was stored, or the upload had failed before.
            Some(Ok(report)) => report.into_result().map_err(advised),
            Some(Err(error)) => Err(advised(error)),
        }
    }

    /// Returns the number of bytes that are kept of an upload.
    async fn kept_bytes(&self, upload: UploadId) -> u64 {
        let uploads = self.call(ListUploads).await.unwrap_or_default();
        uploads.iter().find(|kept| kept.id == upload).map_or(0, |kept| kept.offset)
    }

    /// Waits until a transfer is over.
    ///
    /// # Errors
    /// Fails if the transfer failed, with the next step.
    async fn finish(&self, transfer: TransferId) -> Result<TransferReport> {
        self.call(Await { transfer }).await?.into_result().map_err(advised)
    }

    /// Cancels a transfer because of an interruption, and returns its outcome.
    async fn undo(&self, transfer: TransferId, stop: Interrupted) -> Result<TransferReport> {
        match self.while_it_moves(self.cancel_at_once(transfer)).await {
            None => Err(given_up(stop).into()),
            Some(Ok(report)) if report.status.state == TransferState::Cancelled => Err(stop.after(UNDONE).into()),
            // The transfer was past its point of no return, or had failed before.
            Some(Ok(report)) => report.into_result().map_err(advised),
            // An upload whose stream the interruption has dropped may have been undone because of that.
            Some(Err(EngineError::TransferOver(_))) => match *self.call(Await { transfer }).await? {
                report if report.status.state == TransferState::Cancelled => Err(stop.after(UNDONE).into()),
                report => report.into_result().map_err(advised),
            },
            Some(Err(error)) => Err(advised(error)),
        }
    }

    async fn cancel_at_once(&self, transfer: TransferId) -> Result<Box<TransferReport>, EngineError> {
        self.engine.cancel_at_once(&Caller::operator(), transfer).await
    }

    /// Returns all transfers that the engine knows; none if it has stopped.
    pub(super) async fn transfers(&self) -> Vec<TransferStatus> {
        self.call(ListTransfers).await.unwrap_or_default()
    }

    /// Returns the output of `work`, or `None` if the engine makes no progress for [`STANDSTILL_MAX`].
    async fn while_it_moves<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        let mut snapshots = self.engine.snapshots();
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                moved = tokio::time::timeout(STANDSTILL_MAX, snapshots.changed()) => match moved {
                    Ok(Ok(())) => {}
                    // The engine has ended, so `work` ends too.
                    Ok(Err(_)) => return Some(work.await),
                    Err(_) => return None,
                },
            }
        }
    }

    /// Waits until all transfers are over and all connections are closed.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn finish_running(&self) -> Result<()> {
        self.call(Shutdown { running: OnShutdown::Finish }).await
    }

    /// Brings running transfers to their end: as `result` says if the front end ended normally, and by cancelling them if it
    /// failed or was interrupted. Reports by name what was not completed, and the outcome of the finished transfers in
    /// `untold`.
    ///
    /// # Errors
    /// Returns the error of `result`, or fails if a transfer was cancelled or a background transfer has failed.
    pub async fn leave(
        &self,
        result: Result<Leaving>,
        untold: &BTreeSet<TransferId>,
        name: impl Fn(&TransferStatus) -> String,
    ) -> Result<()> {
        match result {
            Ok(Leaving::Finishing) => self.finish_all(untold, name).await,
            Ok(Leaving::Cancelling) => match self.cancel_all(untold, &name).await {
                Ok(0) => Ok(()),
                Ok(cancelled) => Err(eyre!("left before everything was done: {cancelled} cancelled")),
                Err(GivenUp) => Err(eyre!(GIVEN_UP)),
            },
            Err(error) => match (self.cancel_all(untold, &name).await, error.downcast::<Interrupted>()) {
                (Ok(0), Ok(stop)) => Err(stop.into()),
                (Ok(_), Ok(stop)) => Err(stop.after(UNDONE).into()),
                (Err(GivenUp), Ok(stop)) => Err(given_up(stop).into()),
                (_, Err(error)) => Err(error),
            },
        }
    }

    /// Waits until all transfers are over. An interruption cancels those that still run.
    async fn finish_all(&self, untold: &BTreeSet<TransferId>, name: impl Fn(&TransferStatus) -> String) -> Result<()> {
        if self.transfers().await.iter().any(|status| !status.state.is_over()) {
            let finished = self.call(Shutdown { running: OnShutdown::Finish });
            tokio::select! {
                biased;
                finished = finished => drop(finished?),
                stop = interrupted() => {
                    let stop = stop?;
                    let undone = self.cancel_all(untold, &name).await;
                    return Err(if undone.is_ok() { stop.after(UNDONE) } else { given_up(stop) }.into());
                }
            }
        }
        let failed = self.call(TakeFailures).await?;
        told_as_one(failed.iter().map(|status| failure(status, &name)).collect())
    }

    /// Cancels the running transfers and reports their outcome and that of the `untold` ones. Returns the number of cancelled
    /// transfers.
    async fn cancel_all(
        &self,
        untold: &BTreeSet<TransferId>,
        name: impl Fn(&TransferStatus) -> String,
    ) -> Result<usize, GivenUp> {
        let mut cancelling = JoinSet::new();
        let all = self.while_it_moves(self.transfers()).await.ok_or(GivenUp)?;
        for status in all.into_iter().filter(|status| !status.state.is_over() || untold.contains(&status.id)) {
            let engine = self.engine.clone();
            cancelling.spawn(async move { (engine.cancel_at_once(&Caller::operator(), status.id).await, status) });
        }
        let mut cancelled = 0;
        while let Some(ended) = self.while_it_moves(cancelling.join_next()).await.ok_or(GivenUp)? {
            // These tasks only send a command and wait, so they do not panic.
            let Ok((reply, before)) = ended else { continue };
            let status = match reply {
                Ok(report) => report.status.clone(),
                _ => before,
            };
            match status.state {
                TransferState::Cancelled => {
                    cancelled += 1;
                    output::tell(format_args!("p2p: cancelled and undone: {}", name(&status)));
                }
                TransferState::Failed => output::tell(format_args!("p2p: {}", failure(&status, &name))),
                // A transfer that ended by itself in the meantime would have done so in any case.
                _ => output::tell(format_args!("p2p: done before it could be cancelled: {}", name(&status))),
            }
        }
        Ok(cancelled)
    }

    /// Ends the engine: running transfers are cancelled and undone. The log continues until the returned guard is dropped,
    /// including lines of an engine that this process starts later.
    ///
    /// # Errors
    /// Fails if the engine ended in a panic, if a capture ended by itself, or if the engine has not ended in time: it makes no progress for
    /// three seconds, or has not closed its files for thirty.
    pub async fn end(mut self) -> Result<WorkerGuard> {
        if let Some(expiry) = self.expiry.take() {
            expiry.end().await;
        }
        // If the engine has stopped by itself, `join` reports the reason.
        let program = Caller::operator();
        let shutdown = self.engine.call(&program, Shutdown { running: OnShutdown::Cancel });
        let Some(stopped) = self.while_it_moves(shutdown).await else {
            // Waiting would be in vain; the process ends, and its threads with it.
            return Err(not_ended(STANDSTILL_MAX));
        };
        drop(self.engine);
        // Aborted tasks still hold handles and release them while another thread waits for the engine.
        let thread = self.thread;
        ended(move || thread.join(), END_MAX).await?;
        // No further code will be entered.
        self.auth.forget_pending();
        self.mailer.end().await;
        match stopped {
            Err(error @ EngineError::Capture(_)) => Err(advised(error)),
            _ => Ok(self.log),
        }
    }
}

/// The engine makes no progress, for an unknown time.
struct GivenUp;

/// Waits for the end of the engine's thread, for at most `max`. A thread of its own waits for it, because the runtime would not end before
/// one of its own.
async fn ended(join: impl FnOnce() -> Result<(), EngineError> + Send + 'static, max: Duration) -> Result<()> {
    let (sender, receiver) = oneshot::channel();
    let waits = move || {
        // Nobody may wait for it any more.
        let _ = sender.send(join());
    };
    std::thread::Builder::new().name("p2p-end".into()).spawn(waits).wrap_err("cannot wait for the engine")?;
    match tokio::time::timeout(max, receiver).await {
        Ok(Ok(ended)) => Ok(ended?),
        Ok(Err(_)) => Err(eyre!("cannot wait for the engine")),
        Err(_) => Err(not_ended(max)),
    }
}

/// Returns the error of an end that is no longer waited for.
fn not_ended(waited: Duration) -> Report {
    eyre!("the engine has not ended: for {} s it has waited for a disk or a file that does not answer", waited.as_secs())
        .suggestion("what was said to be stored is stored; the next start undoes what is incomplete")
        .exit_code(exit::TEMPORARY)
}

/// Describes a failed transfer by its name and its error.
fn failure(status: &TransferStatus, name: impl Fn(&TransferStatus) -> String) -> String {
    match &status.error {
        Some(error) => format!("{} failed: {error}", name(status)),
        None => format!("{} failed", name(status)),
    }
}

/// Combines several failures to one error; succeeds if there is none.
fn told_as_one(failures: Vec<String>) -> Result<()> {
    match failures.as_slice() {
        [] => Ok(()),
        [one] => Err(Report::msg(one.clone())),
        several => {
            let error = eyre!("{} transfers failed:", several.len());
            Err(several.iter().fold(error, |error, failure| error.suggestion(failure)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::failure::{self, exit_code_of};

    /// A file that is never closed, until the test has ended.
    #[tokio::test]
    async fn an_engine_that_does_not_end_is_not_waited_for_without_end() {
        // Another test of this process may have been first.
        let _ = failure::install();
        let (release, blocked) = mpsc::channel::<()>();
        let join = move || {
            // The other end is dropped.
            let _ = blocked.recv();
            Ok(())
        };
        let error = ended(join, Duration::from_millis(5)).await.unwrap_err();
        assert!(error.to_string().contains("does not answer"), "{error}");
        assert_eq!(exit_code_of(&error), exit::TEMPORARY);
        drop(release);
    }

    #[tokio::test]
    async fn the_end_of_an_engine_is_waited_for() {
        ended(|| Ok(()), END_MAX).await.unwrap();
        let error = ended(|| Err(EngineError::Stopped), END_MAX).await.unwrap_err();
        assert!(error.is::<EngineError>(), "{error}");
    }
}
