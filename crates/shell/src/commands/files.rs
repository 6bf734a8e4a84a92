//! The implementations of the commands about stored files and transfers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::vec;

use p2p_base::spelling::visible;
use p2p_base::units::SimTime;
use p2p_engine::operation::{BeginTransfer, ListTransfers};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Awaited, Direction, TransferId, TransferReport, TransferStatus};
use p2p_engine::{EngineError, GROUP_MAX};
use p2p_service::access::range::{ParseRangeError, WantedRange};
use p2p_service::access::{AccessError, Identity};
use serde_json::{Value, json};
use tokio::task::yield_now;

use super::network::status_of;
use super::{data, removing};
use crate::ahead::{Given, Wanted, check_sources, check_transfers, refusal, transfers_of};
use crate::answer::{Answer, Batch, Begun, Effect, Planned, Started, View};
use crate::call::Call;
use crate::groups::name_of_small;
use crate::local_pattern::local_paths;
use crate::manner::Manner;
use crate::pattern::{matching, outermost};
use crate::place::expand;
use crate::report::{
    RemovalLine, Table, TransferLine, bytes_of, count_of, number_column, rate_of, removals_text, seconds_of, shown_of_all,
    text_column, time_waiting, transfer_rate_of, waits_of,
};
use crate::tally::{FILE, Tally, noun_of, told_begun};
use crate::trees::{Plan, Target, files_of, off_thread, plan_download, plan_upload};
use crate::untold::BatchId;
use crate::{Shell, ShellError};

/// Returns the manner that the flags of a call say.
pub(super) fn manner_of(call: &Call) -> Manner {
    Manner { replace: call.has("force"), preserve: call.has("preserve"), node: None }
}

pub(crate) async fn upload(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let (name, recursive) = (call.flags.get("as").map(String::as_str), call.has("recursive"));
    let node = call.flags.get("node").map(|text| call.node_named(text)).transpose()?;
    if let Some(node) = node {
        status_of(shell, node).await?;
    }
    let (found, manner) = (local_paths(&call.arguments, recursive).await?, Manner { node, ..manner_of(call) });
    check_paths(call, &found)?;
    if recursive {
        check_sources(found.clone()).await?;
        let mut plan = Plan::default();
        for (label, path) in found {
            plan.extend(plan_upload(&shell.access, label, path, name, manner).await?);
        }
        return begin_plan(shell, call, plan, "stored").await;
    }
    let upload = |path: PathBuf| {
        let upload = shell.access.upload(path, name).map_err(ShellError::from)?;
        Ok(manner.storing(upload).into())
    };
    begin_all(shell, call, "stored", found.into_iter().map(|(label, path)| (label, upload(path))).collect()).await
}

/// Refuses paths of an upload that do not go with its flags.
///
/// # Errors
/// Fails with the usage of the command.
pub(crate) fn check_paths(call: &Call, found: &[(String, PathBuf)]) -> Result<(), ShellError> {
    if found.len() > 1 && call.flags.get("as").is_some_and(|name| !name.ends_with('/')) {
        return Err(
            call.wrong("--as names one file, but several are given; with a / at its end it is a directory for them".into())
        );
    }
    match found.iter().find(|(_, path)| !call.has("recursive") && path.is_dir()) {
        Some((label, _)) => Err(call.wrong(format!("{label} is a directory; --recursive stores all that is in it"))),
        None => Ok(()),
    }
}

pub(crate) async fn download(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let (identity, wanted) = (shell.identity(), call.argument(1).map(expand));
    let (recursive, manner) = (call.has("recursive"), manner_of(call));
    let names = names_of(shell, call, 0, recursive)?;
    let (range, is_directory) = (range_of(call)?, wanted.as_ref().is_none_or(|wanted| wanted.is_dir()));
    check_wanted(call, names.len(), is_directory, range.is_some())?;
    if recursive {
        let (mut plan, to) = (Plan::default(), Target::new(wanted, names.len(), manner));
        for name in names {
            plan.extend(plan_download(&shell.access, &identity, &name, &to).await?);
        }
        return begin_plan(shell, call, plan, "fetched").await;
    }
    let transfers = transfers_of(&shell.access, &identity, &names, &Wanted::Fetched { range, path: wanted, manner }).await;
    begin_all(shell, call, "fetched", transfers).await
}

/// Refuses several names for a download that go to no directory, or of which a range is wanted.
///
/// # Errors
/// Fails with the usage of the command.
pub(crate) fn check_wanted(call: &Call, names: usize, is_directory: bool, is_range: bool) -> Result<(), ShellError> {
    match (names > 1, is_directory, is_range) {
        (true, false, _) => Err(call.wrong(format!("{names} names match, and PATH is no directory for them"))),
        (true, true, true) => Err(of_one_file(call)),
        _ => Ok(()),
    }
}

/// Returns the range of --range.
pub(crate) fn range_of(call: &Call) -> Result<Option<WantedRange>, ShellError> {
    match call.flags.get("range") {
        Some(_) if call.has("recursive") => Err(of_one_file(call)),
        Some(text) => text.parse().map(Some).map_err(|error: ParseRangeError| call.wrong(error.to_string())),
        None => Ok(None),
    }
}

fn of_one_file(call: &Call) -> ShellError {
    call.wrong("--range is of one file".into())
}

pub(crate) async fn remove(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let (identity, recursive) = (shell.identity(), call.has("recursive"));
    let mut names = Vec::new();
    for place in 0..call.arguments.len() {
        names.extend(names_of(shell, call, place, recursive)?);
    }
    let removals = transfers_of(&shell.access, &identity, &names, &Wanted::Removed { recursive }).await;
    let removals = removing::confirmed(shell, call, &names, removals).await?;
    begin_all(shell, call, "removed", removals).await
}

pub(crate) async fn verify(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    shell.refuse_standstill()?;
    let identity = shell.identity();
    let by = identity.name().map(str::to_owned);
    let (mut planned, mut refused, mut is_tree) = (Vec::new(), Vec::new(), call.arguments.len() > 1);
    let (mut all, mut given) = (0, Given::default());
    for place in 0..call.arguments.len() {
        for name in names_of(shell, call, place, true)? {
            all += 1;
            let found = files_of(&shell.access, &identity, &name).await.map_err(ShellError::from);
            let found = found.and_then(|(root, files)| given.take(&root, &visible(&name), true).map(|()| files));
            let files = match found {
                Ok(files) => files,
                Err(error) => {
                    refused.push((visible(&name).into_owned(), error));
                    continue;
                }
            };
            let keys = identity.keys_of(&name);
            is_tree |= !matches!(files.as_slice(), [file] if keys.contains(&file.key));
            for file in files {
                let begins = shell.access.verification(&identity, &identity.label(&file.key)).await?.into();
                let shown = if is_tree { identity.shown(&file.key) } else { visible(&name).into_owned() };
                planned.push(Planned { checks: true, line: format!("verify {shown}"), file: shown, beside: None, begins });
            }
        }
    }
    refusal(refused, all)?;
    for planned in &planned {
        shell.access.record_transfer(&identity, &planned.begins).await?;
    }
    is_tree |= planned.len() != 1;
    match planned.pop_if(|_| !is_tree) {
        Some(one) => begin(shell, one).await,
        None => Ok(batch(planned, by, Tally::new("checked", Vec::new()), &[])),
    }
}

/// Returns the names that the argument at an index stands for: itself, or what matches it as a pattern. `is_whole` leaves out what
/// is within a directory that matches as well.
pub(super) fn names_of(shell: &Shell, call: &Call, place: usize, is_whole: bool) -> Result<Vec<String>, ShellError> {
    let text = call.argument(place).unwrap_or_default();
    let identity = shell.identity();
    let matching = if call.is_quoted(place) { None } else { matching(&shell.access.names(), &identity, text)? };
    Ok(match matching {
        None => vec![text.to_owned()],
        Some(found) => {
            let found = if is_whole { outermost(found) } else { found };
            found.iter().map(|entry| identity.label(entry.key())).collect()
        }
    })
}

/// Begins transfers, each with the name of its file, for the front end to follow. Several are returned as a batch, which the front
/// end begins in groups; with `--background` all are begun at once. None begins if one of them would be refused.
async fn begin_all(
    shell: &Shell,
    call: &Call,
    verb: &'static str,
    transfers: Vec<(String, Result<BeginTransfer, ShellError>)>,
) -> Result<Answer, ShellError> {
    let by = shell.identity().name().map(str::to_owned);
    let transfers = check_transfers(&shell.access, transfers).await?;
    let noun = noun_of(&shell.access, transfers.iter().map(|(_, begins)| begins));
    let is_one = transfers.len() == 1;
    let mut planned = planned(shell, call, transfers).await?;
    if call.has("background") {
        return begin_in_background(shell, planned, by, Tally::new("begun", Vec::new()).of(noun)).await;
    }
    shell.refuse_standstill()?;
    match planned.pop_if(|_| is_one) {
        Some(one) => begin(shell, one).await,
        None => {
            let batch = Batch { planned, by, tally: Tally::new(verb, Vec::new()).of(noun), tells_each: true };
            Ok(Answer::nothing().with(Effect::Batch(batch)))
        }
    }
}

/// Begins transfers, which nobody follows and `wait` reports once, also if they are over by then. A failure does not end the others. An
/// interruption comes between two groups: what has begun by then is in the background, and the rest is told as that of a batch.
async fn begin_in_background(
    shell: &Shell,
    planned: Vec<Planned>,
    by: Option<String>,
    tally: Tally,
) -> Result<Answer, ShellError> {
    let (all, is_alone) = (planned.len(), planned.len() == 1 && tally.is_clean());
    let id = shell.untold.begin_batch(tally, all, false);
    let mut left = planned.into_iter();
    while left.len() > 0 {
        let failed = put_in_background(shell, id, by.as_deref(), &mut left).await;
        if let Some(error) = failed.filter(|_| is_alone) {
            shell.untold.end_batch(id);
            return Err(error);
        }
        // An interruption that waits for the end of the critical section is heard before the next one begins.
        yield_now().await;
    }
    let tally = shell.untold.end_batch(id).filter(Tally::has_counted);
    match tally {
        None => Ok(Answer::new(View::Nothing, Value::Array(Vec::new()))),
        Some(tally) if !tally.is_clean() => Err(ShellError::NotAll(tally)),
        Some(tally) => {
            let data = |(id, _): &(TransferId, String)| json!({ "transfer": id.0 });
            let text = told_begun(tally.begun(), tally.noun());
            let data = if is_alone { tally.begun().first().map(data).into() } else { tally.begun().iter().map(data).collect() };
            Ok(Answer::new(View::Text(text), data))
        }
    }
}

/// Begins the next of these transfers in the background, as many as are a group. Returns the last error.
async fn put_in_background(
    shell: &Shell,
    id: BatchId,
    by: Option<&str>,
    left: &mut vec::IntoIter<Planned>,
) -> Option<ShellError> {
    let _critical_section = shell.access.critical_section();
    let mut failed = None;
    for (planned, begun) in begin_group(shell, left.take(GROUP_MAX).collect()).await {
        if let Ok(begun) = &begun {
            shell.background.add(by, begun.transfer);
        }
        let begun = begun.map(|begun| begun.transfer);
        shell.untold.count_begun(id, &planned.file, begun.as_ref().copied());
        failed = begun.err().or(failed);
    }
    shell.untold.set_left(id, left.len());
    failed
}

/// Begins the transfers of a plan. A failure does not end the others.
async fn begin_plan(shell: &Shell, call: &Call, plan: Plan, verb: &'static str) -> Result<Answer, ShellError> {
    let background = call.has("background");
    let (notes, tally) = (plan.notes(), plan.tally(if background { "begun" } else { verb }));
    let by = shell.identity().name().map(str::to_owned);
    let all = planned(shell, call, plan.transfers).await?;
    if background {
        return Ok(begin_in_background(shell, all, by, tally).await?.after(&View::Text(notes.join("\n"))));
    }
    shell.refuse_standstill()?;
    if all.is_empty() && !tally.is_clean() { Err(ShellError::NotAll(tally)) } else { Ok(batch(all, by, tally, &notes)) }
}

/// Returns the answer that lets the front end begin these transfers, whatever comes of each.
fn batch(planned: Vec<Planned>, by: Option<String>, tally: Tally, notes: &[String]) -> Answer {
    if planned.is_empty() {
        let lines = notes.iter().cloned().chain([tally.to_string()]).collect::<Vec<_>>();
        return Answer::new(View::Text(lines.join("\n")), Value::Array(Vec::new()));
    }
    let view = if notes.is_empty() { View::Nothing } else { View::Text(notes.join("\n")) };
    Answer::new(view, Value::Null).with(Effect::Batch(Batch { planned, by, tally, tells_each: false }))
}

/// Returns transfers as the call is to begin them, each with the name of its file as it is shown. Asks the disk which of several are small, for the front
/// end that begins those beside each other.
async fn planned(shell: &Shell, call: &Call, transfers: Vec<(String, BeginTransfer)>) -> Result<Vec<Planned>, ShellError> {
    let (access, command) = (shell.access.clone(), call.spec.name);
    let are_several = transfers.len() > 1 && !call.has("background");
    let planned = move |(file, begins): (String, BeginTransfer)| {
        let beside = if are_several { name_of_small(&access, &begins) } else { None };
        Planned { checks: false, line: format!("{command} {file}"), file, beside, begins }
    };
    let all = move || transfers.into_iter().map(planned).collect();
    if are_several { off_thread(all).await } else { Ok(all()) }
}

/// Begins a transfer, which the front end follows. An interruption waits until the front end knows of it: it may be over before it can be
/// cancelled, and is then to be reported.
pub(crate) async fn begin(shell: &Shell, planned: Planned) -> Result<Answer, ShellError> {
    let _critical_section = shell.access.critical_section();
    let transfer = shell.access.begin(planned.begins).await?;
    let text = told_begun(&[(transfer, planned.file.clone())], FILE);
    let answer = Answer::new(View::Text(text), json!({ "transfer": transfer.0 }));
    Ok(answer.with(Effect::Follow(Begun { transfer, checks: planned.checks.then_some(planned.file) })))
}

/// Begins transfers at one virtual instant, as far as they are one group; returns what became of each. An interruption waits as for
/// [`begin`].
pub(crate) async fn begin_group(shell: &Shell, group: Vec<Planned>) -> Vec<Started> {
    let _critical_section = shell.access.critical_section();
    let begun = shell.access.begin_together(group.iter().map(|planned| planned.begins.clone()).collect()).await;
    let started = |(planned, begun): (Planned, Result<TransferId, EngineError>)| {
        let checks = planned.checks.then(|| planned.file.clone());
        let begun = begun.map(|transfer| Begun { transfer, checks }).map_err(ShellError::from);
        (planned, begun)
    };
    group.into_iter().zip(begun).map(started).collect()
}

/// Returns the answer for a transfer that is over.
pub(crate) fn finished(report: &TransferReport, identity: &Identity) -> Answer {
    let status = &report.status;
    let label = identity.shown(&status.file);
    if status.direction == Direction::Removal {
        let line = RemovalLine::new(report, label);
        return Answer::new(numbered(report, &removals_text(std::slice::from_ref(&line))), data(&line));
    }
    let line = TransferLine::new(report, label);
    let (done, size, time) = (done(status.direction), bytes_of(line.file.bytes), seconds_of(line.way.virtual_seconds));
    let rate = rate_of(line.way.goodput_bytes_per_second);
    // The digest is one of whole files.
    let digest = report.sha256.map(|digest| format!(", sha-256 {}…", digest.short())).unwrap_or_default();
    let (segments, again) = (count_of(line.file.segments.into(), "segment"), count_of(line.way.retransmits, "retransmit"));
    let text = format!("{done} {}: {size} in {segments}, {time} of virtual time, {rate}, {again}{digest}", line.file.label);
    Answer::new(numbered(report, &text), data(&line))
}

/// Returns the text about the end of a transfer with its number before it, by which it is known since it began: several may be of one file.
fn numbered(report: &TransferReport, text: &str) -> View {
    View::Text(format!("{} {text}", report.status.id))
}

fn done(direction: Direction) -> &'static str {
    match direction {
        Direction::Upload => "stored",
        Direction::Download => "fetched",
        Direction::Removal => "removed",
    }
}

/// Returns the answer for a file that was checked completely.
pub(crate) fn checked(report: &TransferReport, name: &str) -> Answer {
    let (size, time) = (bytes_of(report.status.bytes), report.status.elapsed(SimTime::MAX).as_secs_f64());
    let digest = report.sha256.map(|digest| digest.to_string()).unwrap_or_default();
    let text = format!("{name} is whole: {size} checked in {} of virtual time, sha-256 {digest}", seconds_of(time));
    Answer::new(
        numbered(report, &text),
        json!({ "name": name, "bytes": report.status.bytes, "sound": true, "sha256": digest, "virtual_seconds": time }),
    )
}

pub(crate) async fn transfers(shell: &Shell, _: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let transfers = shell.call(ListTransfers).await?;
    // The engine publishes what it has answered from before it answers.
    let snapshot = shell.access.snapshot();
    let reports: BTreeMap<TransferId, &TransferReport> =
        snapshot.transfers.iter().map(|report| (report.status.id, report.as_ref())).collect();
    let time = |status: &TransferStatus| {
        let waits = reports.get(&status.id).map(|report| waits_of(&snapshot, report)).unwrap_or_default();
        time_waiting(status, snapshot.at, &waits, usize::MAX)
    };
    let what = |status: &TransferStatus| match status.host {
        Peer::Client => status.direction.name().to_owned(),
        Peer::Node(node) => format!("{} via {node}", status.direction.name()),
    };
    let row = |status: &TransferStatus| {
        vec![
            status.id.to_string(),
            what(status),
            identity.shown(&status.file),
            status.state.name().to_owned(),
            bytes_of(status.bytes),
            format!("{} of {}", status.segments_left(), status.segments),
            time(status),
            transfer_rate_of(status),
            status.retransmits.to_string(),
        ]
    };
    let columns = vec![
        text_column("transfer"),
        text_column("what").gives_way(2),
        text_column("file"),
        text_column("state"),
        number_column("size").gives_way(3),
        number_column("segments").gives_way(4),
        number_column("time"),
        number_column("rate").gives_way(1),
        number_column("retransmits").gives_way(5),
    ];
    let rows = transfers.iter().map(row).collect();
    let table = View::Table(Table { columns, rows, empty: "no transfers yet" });
    let earlier = snapshot.earlier().all();
    let view = match shown_of_all(transfers.len(), earlier) {
        Some(shown) => {
            View::Sections(vec![(format!("{shown}, those that ended last; earlier ones are no longer listed"), table)])
        }
        None => table,
    };
    Ok(Answer::new(view, transfers.iter().map(status_data).collect()))
}

/// Returns a transfer as JSON, with its error as a sentence and what it waits for by name.
fn status_data(status: &TransferStatus) -> Value {
    let mut value = data(status);
    value["error"] = status.error.as_ref().map(ToString::to_string).into();
    let awaited = |awaited: &Awaited| {
        let replaced = status.replaced.iter().find(|replaced| replaced.node == awaited.node);
        json!({
            "node": awaited.node.to_string(),
            "why": awaited.why,
            "since": awaited.since,
            "replaced": replaced.is_some(),
            "replaced_from": replaced.and_then(|replaced| replaced.from),
        })
    };
    value["cancelled_at"] = data(&status.cancel.map(|cancel| cancel.at));
    value["cancelled_during"] = data(&status.cancel.map(|cancel| cancel.during));
    value["waits_for"] = status.awaited.iter().map(awaited).collect();
    value
}

/// Refuses transfers that the user may not see, as if they did not exist, and records the refusal in the audit log.
pub(crate) async fn own_transfer(shell: &Shell, transfer: TransferId) -> Result<(), ShellError> {
    match shell.call(ListTransfers).await?.iter().any(|status| status.id == transfer) {
        true => Ok(()),
        false => Err(unknown_transfer(shell, transfer).await?),
    }
}

/// Records that the user named a transfer that is not there, or not for the user to see, and returns the error.
///
/// # Errors
/// Fails if the disk refuses.
pub(crate) async fn unknown_transfer(shell: &Shell, transfer: TransferId) -> Result<ShellError, ShellError> {
    shell.access.record_refusal(&shell.identity(), format!("transfer {transfer}")).await.map_err(AccessError::from)?;
    Ok(EngineError::UnknownTransfer(transfer).into())
}
