//! The implementations of the commands about the speed of virtual time, and about waiting in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use p2p_base::units::{ParseUnitError, SimDuration, count_of};
use p2p_engine::operation::{Await, ListTransfers, Sleep, TakeFailures};
use p2p_engine::pace::{PaceStatus, ParseSpeedError, Speed};
use p2p_engine::snapshot::kind_name;
use p2p_engine::transfer::{TransferId, TransferState, TransferStatus};
use p2p_engine::{EngineError, FINISHED_MAX, Snapshot};
use p2p_net::PacketRecord;
use p2p_service::access::Identity;
use p2p_service::failure::exit;
use p2p_service::statuses;
use serde_json::json;
use tokio::task::JoinSet;

use crate::answer::{Answer, Begun, View};
use crate::background::{UNREPORTED_MAX, Unreported};
use crate::call::Call;
use crate::network::{Moment, Network, Passing};
use crate::report::{Resolution, instant_of};
use crate::tally::common_code;
use crate::{Shell, ShellError};

pub(crate) async fn speed<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    let moment = match speed_of(call)? {
        Some(speed) => network.pass(Passing::Speed(speed)).await?,
        None => network.clock().await?,
    };
    Ok(told(moment))
}

/// Returns the speed that is to be set.
pub(crate) fn speed_of(call: &Call) -> Result<Option<Speed>, ShellError> {
    let speed = call.argument(0).map(str::parse).transpose();
    speed.map_err(|error: ParseSpeedError| call.wrong(error.to_string()))
}

pub(crate) async fn pause<N: Network>(network: &N, _: &Call) -> Result<Answer, N::Error> {
    Ok(told(network.pass(Passing::Pause).await?))
}

pub(crate) async fn resume<N: Network>(network: &N, _: &Call) -> Result<Answer, N::Error> {
    Ok(told(network.pass(Passing::Resume).await?))
}

/// Steps, and returns what time it is then.
pub(crate) async fn stepped<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    Ok(told(network.pass(Passing::Step(span_of(call)?)).await?))
}

pub(crate) async fn step(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let span = span_of(call)?;
    let before = shell.access.present_snapshot().await?;
    shell.pass(Passing::Step(span)).await?;
    let after = shell.access.present_snapshot().await?;
    let mut answer = told(shell.clock().await?);
    if span.is_none() && after.figures.wire_seen > 0 {
        answer.view = View::Text(told_step(&before, &after));
    }
    Ok(answer)
}

/// Returns what has happened in a step of one event, as far as the packets tell that were handed to a link, in their order.
fn told_step(before: &Snapshot, after: &Snapshot) -> String {
    let new = after.figures.wire_seen.saturating_sub(before.figures.wire_seen);
    let end = |address: Ipv4Addr| {
        let host = after.figures.topology.hosts.iter().find(|host| host.address == address);
        host.map_or_else(|| address.to_string(), |host| host.peer.to_string())
    };
    let told = |packet: &PacketRecord| {
        let size = if packet.len > 0 { format!(" of {}", count_of(packet.len.into(), "byte")) } else { String::new() };
        let fate = packet.dropped.map(|cause| format!(", lost: {}", cause.name())).unwrap_or_default();
        format!("{}{size} from {} to {}{fate}", kind_name(packet.kind), end(*packet.from.ip()), end(*packet.to.ip()))
    };
    let sent: Vec<String> = latest(&after.figures.wire, new).iter().map(told).collect();
    let what = if sent.is_empty() { "an event that sent no packet".to_owned() } else { sent.join("; ") };
    format!("{}: {what}", instant_of(after.at, Resolution::Micros))
}

/// Returns the last `count` of several things, in their order.
fn latest<T>(all: &[T], count: u64) -> &[T] {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    &all[all.len().saturating_sub(count)..]
}

pub(crate) async fn sleep(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let span = span_of(call)?.unwrap_or_default();
    shell.wait_for(Sleep { span }).await?;
    Ok(told(shell.clock().await?))
}

/// Waits for the running transfers. Also reports, once, transfers that failed before, and those in the background that have succeeded
/// before.
pub(crate) async fn wait(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    if let Some(transfer) = call.transfer(0)? {
        super::files::own_transfer(shell, transfer).await?;
        return shell.finish(&Begun { transfer, checks: None }).await;
    }
    let identity = shell.identity();
    let transfers = shell.call(ListTransfers).await?;
    // Those that have failed are told of below.
    let background = shell.background.of(identity.name());
    let is_untold = |status: &&TransferStatus| {
        !status.state.is_over() || (status.state == TransferState::Done && background.transfers.contains(&status.id))
    };
    let awaited: Vec<&TransferStatus> = transfers.iter().filter(is_untold).collect();
    let Results { answers, mut failures, forgotten } = results_of(shell, &awaited, &identity).await?;
    failures.extend(shell.call(TakeFailures).await?);
    failures.sort_by_key(|status| status.id);
    // The lines that began them may have been dropped; their results are told here.
    shell.untold.remove(awaited.iter().map(|status| status.id));
    let told = transfers.iter().filter(|status| !forgotten.contains(&status.id)).chain(&failures);
    let told: BTreeSet<TransferId> = told.map(|status| status.id).collect();
    if !failures.is_empty() {
        // Those of which no result is kept are told of by the next `wait`.
        let told = background.transfers.intersection(&told).copied().collect();
        shell.background.tell(identity.name(), &Unreported { transfers: told, dropped: 0 });
        let exit_code = failures.iter().map(exit_code_of).reduce(common_code).unwrap_or(exit::FAILED);
        return Err(ShellError::Failed {
            failures: failures.iter().map(|status| failure_of(status, &identity)).collect(),
            exit_code,
        });
    }
    shell.background.tell(identity.name(), &background);
    Ok(match background.dropped + background.transfers.difference(&told).count() as u64 {
        0 => Answer::all(answers),
        missing => Answer::all(answers).after(&View::Text(without_result(missing))),
    })
}

/// What has become of several transfers that were waited for.
#[derive(Default)]
struct Results {
    /// Answers of those that have succeeded, in the order of their numbers.
    answers: Vec<Answer>,
    failures: Vec<TransferStatus>,
    /// Those that the engine has ceased to list before they were asked for.
    forgotten: BTreeSet<TransferId>,
}

/// Waits for transfers. The engine is asked for all of them at once: of those that are over it keeps the last ones alone, and more may end
/// while one is waited for.
async fn results_of(shell: &Shell, awaited: &[&TransferStatus], identity: &Identity) -> Result<Results, ShellError> {
    // What is over needs no time, which may stand still.
    if awaited.iter().any(|status| !status.state.is_over()) {
        shell.begin_waiting()?;
    }
    let mut asked = JoinSet::new();
    for status in awaited {
        let (access, transfer) = (shell.access.clone(), status.id);
        asked.spawn(async move { (transfer, access.call(Await { transfer }).await) });
    }
    let (mut reports, mut results) = (BTreeMap::new(), Results::default());
    while let Some(answer) = asked.join_next().await {
        let (transfer, report) = answer.map_err(|_| ShellError::Abandoned)?;
        match report {
            Ok(report) => drop(reports.insert(transfer, report)),
            Err(EngineError::UnknownTransfer(_)) => drop(results.forgotten.insert(transfer)),
            Err(error) => return Err(error.into()),
        }
    }
    for report in reports.into_values() {
        if report.status.state == TransferState::Done {
            results.answers.push(super::files::finished(&report, identity));
        } else {
            results.failures.push(report.status.clone());
        }
    }
    Ok(results)
}

/// Says of how many transfers in the background no result is told: those that the engine lists no more, and those that the shell has
/// ceased to remember.
fn without_result(count: u64) -> String {
    format!(
        "{} of the background without a result: kept are those of the last {FINISHED_MAX} transfers that are over, and of at most \
         {UNREPORTED_MAX} in the background",
        count_of(count, "earlier transfer")
    )
}

/// Returns the exit code of the error of a failed transfer.
fn exit_code_of(status: &TransferStatus) -> u8 {
    status.error.as_ref().map_or(exit::FAILED, |error| statuses::of(error.kind()).exit)
}

/// Returns a description of a failed transfer with its error.
fn failure_of(status: &TransferStatus, identity: &Identity) -> String {
    let error = status.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{}, {}, failed{error}", status.id, identity.describe(status))
}

/// Returns the span of virtual time that the command is given.
pub(crate) fn span_of(call: &Call) -> Result<Option<SimDuration>, ShellError> {
    let span = call.argument(0).map(str::parse).transpose();
    span.map_err(|error: ParseUnitError| call.wrong(error.to_string()))
}

/// Returns the virtual time and its speed.
pub(super) fn told((now, pace): Moment) -> Answer {
    let PaceStatus { speed, is_paused, actual } = pace;
    let at = instant_of(now, Resolution::Millis);
    let text = match actual {
        _ if is_paused => format!("paused at {at} of virtual time; speed {speed}"),
        // The fastest speed is for who waits: an idle network passes as the clock does.
        Some(Speed::REAL) if speed == Speed::Max => {
            format!("{at} of virtual time; speed {speed}, but 1x while nothing waits for virtual time")
        }
        Some(actual) if actual != speed => format!("{at} of virtual time; speed {speed}, now {actual}"),
        _ => format!("{at} of virtual time; speed {speed}"),
    };
    let seconds = now.as_secs_f64();
    let (speed, actual) = (speed.to_string(), actual.map(|actual| actual.to_string()));
    let data = json!({ "virtual_seconds": seconds, "speed": speed, "actual_speed": actual, "paused": is_paused });
    Answer::new(View::Text(text), data)
}

#[cfg(test)]
mod tests {
    use p2p_base::units::SimTime;

    use super::*;

    /// A speed that is another than the one that was asked for is told with its reason.
    #[test]
    fn the_speed_is_told_as_it_is() {
        let said = |speed, actual| {
            let pace = PaceStatus { speed, is_paused: false, actual: Some(actual) };
            told((SimTime::ZERO, pace)).view.text().split_once("; ").unwrap().1.to_owned()
        };
        let idle = said(Speed::Max, Speed::REAL);
        assert_eq!(
            (idle.as_str(), said(Speed::Max, Speed::Max).as_str()),
            ("speed max, but 1x while nothing waits for virtual time", "speed max")
        );
        assert_eq!(said(Speed::REAL, Speed::Max), "speed 1x, now max");
    }

    #[test]
    fn the_packets_of_a_step_are_told_in_their_order() {
        let wire = ["SYN", "SYN-ACK", "ACK", "DATA"];
        assert_eq!(latest(&wire, 2), ["ACK", "DATA"]);
        assert_eq!((latest(&wire, 9), latest(&wire, 0)), (wire.as_slice(), [].as_slice()));
    }
}
