//! The implementation of the command that ends transfers: one, or all that wait.

use std::collections::BTreeSet;

use p2p_engine::EngineError;
use p2p_engine::operation::ListTransfers;
use p2p_engine::transfer::{Direction, TransferId, TransferReport, TransferState, TransferStatus};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::files::own_transfer;
use crate::answer::{Answer, Notice, View};
use crate::call::Call;
use crate::lists::{LISTED_MAX, listed};
use crate::report::outcome_of_cancel;
use crate::spec::WAITING;
use crate::{Shell, ShellError};

pub(crate) async fn cancel(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    if call.argument(0) == Some(WAITING) {
        return cancel_waiting(shell).await;
    }
    let transfer = call.transfer(0)?.unwrap_or(TransferId(0));
    own_transfer(shell, transfer).await?;
    shell.begin_waiting()?;
    let report = shell.access.cancel_at_once(transfer).await?;
    // The line that began it may have been dropped; its result is told here.
    shell.untold.remove([transfer]);
    Ok(Answer::new(View::Text(ended(shell, &report)), data_of(&report)))
}

fn data_of(report: &TransferReport) -> Value {
    json!({ "transfer": report.status.id.0, "state": report.status.state })
}

/// Returns what has become of a transfer that was to be cancelled.
fn ended(shell: &Shell, report: &TransferReport) -> String {
    let status = &report.status;
    let state = status.state.name();
    let outcome = match outcome_of_cancel(status) {
        Some(outcome) if status.state == TransferState::Cancelled => outcome.to_owned(),
        Some(outcome) => format!("{state}, {outcome}"),
        None => state.to_owned(),
    };
    format!("{}, {} of {}: {outcome}", status.id, status.direction.name(), shell.identity().shown(&status.file))
}

/// Returns true if nothing of a transfer has arrived yet, and nobody ends it already.
fn waits(status: &TransferStatus) -> bool {
    let is_at_start = matches!(status.state, TransferState::Running | TransferState::Waiting) && status.bytes_arrived == 0;
    // Of a removal nothing arrives, and what it has removed cannot be brought back.
    is_at_start && status.segments_done == 0 && status.cancel.is_none() && status.direction != Direction::Removal
}

/// Lets the front end drop the steps that wait, and cancels the transfers in the background of which nothing has arrived yet.
async fn cancel_waiting(shell: &Shell) -> Result<Answer, ShellError> {
    // None of the steps begins while the transfers are undone.
    let (reply, dropped) = oneshot::channel();
    shell.notify(Notice::DropWaiting(reply));
    // A front end without such steps drops the demand.
    let has_dropped = dropped.await.unwrap_or(false);
    let transfers = shell.call(ListTransfers).await?;
    let background = shell.background.of(shell.identity().name()).transfers;
    let waiting: Vec<TransferId> =
        transfers.iter().filter(|status| background.contains(&status.id) && waits(status)).map(|status| status.id).collect();
    if !waiting.is_empty() {
        shell.begin_waiting()?;
    }
    let mut reports = cancel_all(shell, &waiting).await?;
    reports.sort_by_key(|report| report.status.id);
    let told: BTreeSet<TransferId> = reports.iter().map(|report| report.status.id).collect();
    shell.untold.remove(told.iter().copied());
    told.iter().for_each(|transfer| shell.background.remove(*transfer));
    let lines: Vec<String> = reports.iter().map(|report| ended(shell, report)).collect();
    let text = match lines.as_slice() {
        // The front end has said what it has dropped, which a word about nothing would deny.
        [] if has_dropped => String::new(),
        [] => "no transfer in the background waits".to_owned(),
        lines if lines.len() <= LISTED_MAX => lines.join("\n"),
        lines => format!("{} transfers: {}", lines.len(), listed(lines, LISTED_MAX)),
    };
    let data = reports.iter().map(|report| data_of(report)).collect();
    let view = if text.is_empty() { View::Nothing } else { View::Text(text) };
    Ok(Answer::new(view, data))
}

/// Cancels transfers at once, all before the first is undone, and waits until they are. One that is over meanwhile is none of them: its
/// result is told as that of any other.
async fn cancel_all(shell: &Shell, transfers: &[TransferId]) -> Result<Vec<Box<TransferReport>>, ShellError> {
    let mut asked = JoinSet::new();
    for &transfer in transfers {
        let access = shell.access.clone();
        asked.spawn(async move { access.cancel_at_once(transfer).await });
    }
    let mut reports = Vec::with_capacity(transfers.len());
    while let Some(answer) = asked.join_next().await {
        match answer.map_err(|_| ShellError::Abandoned)? {
            Ok(report) => reports.push(report),
            Err(EngineError::TransferOver(_) | EngineError::UnknownTransfer(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(reports)
}
