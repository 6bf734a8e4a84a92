//! How transfers and sessions come to an end: by themselves, or because somebody interrupts or leaves. Knows nothing of who does.
//!
//! Nothing is dropped in silence: what runs when a session is left is finished, or cancelled and told. Whoever leaves does not wait
//! at the pace of the session: what is still to be done then is done as fast as the machine can.

use std::collections::BTreeSet;
use std::time::Duration;

use eyre::{Report, Result, WrapErr, eyre};
use tokio::task::JoinSet;
use tracing_appender::non_blocking::WorkerGuard;

use super::{Session, advised, unexpected};
use crate::engine::command::OnShutdown;
use crate::engine::transfer::{TransferId, TransferReport, TransferState, TransferStatus};
use crate::engine::{Command, EngineError, Reply};
use crate::interrupt::{Interrupted, interrupted};
use crate::output;

/// How long an engine may stand still, of which somebody wants an end, before it is given up: its disk may never answer.
const STANDSTILL_MAX: Duration = Duration::from_secs(3);
/// What is said then.
const GIVEN_UP: &str = "a disk does not answer; what was under way is undone by the next start";
/// What is said where all went well.
const UNDONE: &str = "what was under way has been undone";

/// What is to become of transfers that run when a session is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// They come to their end.
    Finishing,
    /// They are cancelled.
    Cancelling,
}

impl Session {
    /// Carries a transfer out. An interruption cancels it, unless it is past that. A refusal is told as `known` makes it.
    ///
    /// # Errors
    /// Where it failed, with the next step; [`Interrupted`] where it was undone.
    pub async fn transfer(&self, command: Command, known: impl Fn(EngineError) -> EngineError) -> Result<TransferReport> {
        let transfer = match self.engine.ask(command).await.map_err(|error| advised(known(error)))? {
            Reply::Started(transfer) => transfer,
            other => return Err(unexpected(&other)),
        };
        tokio::select! {
            biased;
            report = self.finish(transfer) => report,
            stop = interrupted() => self.undo(transfer, stop?).await,
        }
    }

    /// Waits until a transfer is over.
    ///
    /// # Errors
    /// Where it failed, with the next step.
    pub async fn finish(&self, transfer: TransferId) -> Result<TransferReport> {
        match self.ask(Command::Await { transfer }).await? {
            Reply::Finished(report) => report.into_result().map_err(advised),
            other => Err(unexpected(&other)),
        }
    }

    /// Cancels a transfer because of an interruption, and tells what has become of it.
    async fn undo(&self, transfer: TransferId, stop: Interrupted) -> Result<TransferReport> {
        match self.while_it_moves(self.engine.cancel_at_once(transfer)).await {
            None => Err(stop.after(GIVEN_UP).into()),
            Some(Ok(Reply::Finished(report))) if report.status.state == TransferState::Cancelled => {
                Err(stop.after(UNDONE).into())
            }
            // It was past being cancelled, or failed before.
            Some(Ok(Reply::Finished(report))) => report.into_result().map_err(advised),
            Some(Err(EngineError::TransferOver(_))) => self.finish(transfer).await,
            Some(Ok(other)) => Err(unexpected(&other)),
            Some(Err(error)) => Err(advised(error)),
        }
    }

    /// What comes of `work`, as long as the engine goes on with something.
    async fn while_it_moves<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        let mut snapshots = self.engine.snapshots();
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                moved = tokio::time::timeout(STANDSTILL_MAX, snapshots.changed()) => match moved {
                    Ok(Ok(())) => {}
                    // It has ended, and so the work does.
                    Ok(Err(_)) => return Some(work.await),
                    Err(_) => return None,
                },
            }
        }
    }

    /// Brings what runs to its end, as `result` says: where a front end was left well, in the way that it was; where it failed or was
    /// interrupted, by cancelling. Tells what is not done by its name, and what has become of the `untold` that are over.
    ///
    /// # Errors
    /// That of `result`, or that something was cancelled, or that something that ran by the side has failed.
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
                (Err(GivenUp), Ok(stop)) => Err(stop.after(GIVEN_UP).into()),
                (_, Err(error)) => Err(error),
            },
        }
    }

    /// Lets everything come to its end. An interruption cancels what runs then.
    async fn finish_all(&self, untold: &BTreeSet<TransferId>, name: impl Fn(&TransferStatus) -> String) -> Result<()> {
        if self.engine.transfers().await.iter().any(|status| !status.state.is_over()) {
            let finished = self.ask(Command::Shutdown { running: OnShutdown::Finish });
            tokio::select! {
                biased;
                finished = finished => drop(finished?),
                stop = interrupted() => {
                    let stop = stop?;
                    let outcome = if self.cancel_all(untold, &name).await.is_ok() { UNDONE } else { GIVEN_UP };
                    return Err(stop.after(outcome).into());
                }
            }
        }
        let Reply::Failures(failed) = self.ask(Command::TakeFailures { of: None }).await? else { return Ok(()) };
        told_as_one(failed.iter().map(|status| failure(status, &name)).collect())
    }

    /// Cancels what runs, and tells what has become of it and of those that nobody was told of. Gives how many were cancelled.
    async fn cancel_all(
        &self,
        untold: &BTreeSet<TransferId>,
        name: impl Fn(&TransferStatus) -> String,
    ) -> Result<usize, GivenUp> {
        let mut cancelling = JoinSet::new();
        let all = self.while_it_moves(self.engine.transfers()).await.ok_or(GivenUp)?;
        for status in all.into_iter().filter(|status| !status.state.is_over() || untold.contains(&status.id)) {
            let engine = self.engine.clone();
            cancelling.spawn(async move { (engine.cancel_at_once(status.id).await, status) });
        }
        let mut cancelled = 0;
        while let Some(ended) = self.while_it_moves(cancelling.join_next()).await.ok_or(GivenUp)? {
            // A task that asks and waits does not panic.
            let Ok((reply, before)) = ended else { continue };
            let status = match reply {
                Ok(Reply::Finished(report)) => report.status.clone(),
                _ => before,
            };
            match status.state {
                TransferState::Cancelled => {
                    cancelled += 1;
                    output::tell(format_args!("p2p: cancelled and undone: {}", name(&status)));
                }
                TransferState::Failed => output::tell(format_args!("p2p: {}", failure(&status, &name))),
                // What ended by itself meanwhile did so as it would have without this.
                _ => output::tell(format_args!("p2p: done before it could be cancelled: {}", name(&status))),
            }
        }
        Ok(cancelled)
    }

    /// Ends the engine: transfers that run are cancelled and undone. The log goes on until what this gives is dropped, also
    /// with what a later session of this process writes.
    ///
    /// # Errors
    /// Where the engine ended in a panic, or a capture before anybody ended it.
    pub async fn end(self) -> Result<WorkerGuard> {
        // An engine that has stopped by itself is told by the join.
        let shutdown = self.engine.ask(Command::Shutdown { running: OnShutdown::Cancel });
        let Some(stopped) = self.while_it_moves(shutdown).await else {
            // Nothing can be waited for that would come; the process ends, and its threads with it.
            return Ok(self.log);
        };
        drop(self.engine);
        // Tasks that were aborted hold handles yet: they let go of them while somebody else waits for the thread.
        let thread = self.thread;
        tokio::task::spawn_blocking(move || thread.join()).await.wrap_err("cannot wait for the engine")??;
        // Nobody brings a code any more.
        self.auth.forget_pending();
        self.mailer.end().await;
        match stopped {
            Err(error @ EngineError::Capture(_)) => Err(advised(error)),
            _ => Ok(self.log),
        }
    }
}

/// The engine stands still, and nobody knows for how long.
struct GivenUp;

/// What has failed, by its name, and why.
fn failure(status: &TransferStatus, name: impl Fn(&TransferStatus) -> String) -> String {
    match &status.error {
        Some(error) => format!("{} failed: {error}", name(status)),
        None => format!("{} failed", name(status)),
    }
}

/// Several failures as one error; none where there is none.
fn told_as_one(failures: Vec<String>) -> Result<()> {
    match failures.as_slice() {
        [] => Ok(()),
        [one] => Err(Report::msg(one.clone())),
        several => Err(eyre!("{} transfers failed:\n  {}", several.len(), several.join("\n  "))),
    }
}
