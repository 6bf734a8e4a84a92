//! The implementations of the commands about stored files and transfers.

use std::path::PathBuf;

use p2p_auth::names::UserName;
use p2p_base::spelling::visible;
use p2p_base::units::SimTime;
use p2p_engine::EngineError;
use p2p_engine::operation::{BeginTransfer, ListTransfers, Share, StatFile};
use p2p_engine::transfer::{Direction, TransferId, TransferReport, TransferStatus};
use p2p_service::access::{AccessError, Identity};
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use serde_json::{Value, json};

use super::data;
use crate::answer::{Answer, Begun, Effect, Planned, View};
use crate::call::Call;
use crate::report::{
    ExportedFile, FileLine, RemovalLine, SegmentReport, Table, TransferLine, bytes_of, date_of, files_table, number_column,
    rate_of, removals_text, seconds_of, segments_table, text_column, transfer_rate_of, transfer_time_of,
};
use crate::{Shell, ShellError};

pub(crate) async fn upload(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let name = call.flags.get("as").map(String::as_str);
    if name.is_some() && call.arguments.len() > 1 {
        return Err(call.wrong("--as names one file, but several are given".into()));
    }
    let upload = |path: &String| Ok(shell.access.upload(expand(path), name)?.into());
    begin_all(shell, call, call.arguments.iter().map(upload).collect::<Result<_, ShellError>>()?).await
}

pub(crate) async fn download(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let place = |file: &FileKey| place_of(file, call.argument(1).map(expand));
    let (identity, name) = (shell.identity(), call.argument(0).unwrap_or_default());
    let download = shell.access.download(&identity, name, place, call.has("force")).await?;
    begin_all(shell, call, vec![download.into()]).await
}

pub(crate) async fn remove(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let mut removals = Vec::new();
    for name in &call.arguments {
        removals.push(shell.access.removal(&identity, name, call.has("recursive")).await?.into());
    }
    begin_all(shell, call, removals).await
}

/// Returns the stored file that a command names, if the user may read it.
async fn readable(shell: &Shell, call: &Call) -> Result<FileRecord, ShellError> {
    Ok(shell.access.readable(&shell.identity(), call.argument(0).unwrap_or_default()).await?)
}

pub(crate) async fn share(shell: &Shell, call: &Call, may_read: bool) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let name = call.argument(0).unwrap_or_default();
    let user = &UserName::folded(call.argument(1).unwrap_or_default());
    let file = shell.access.changeable(&identity, name).await?;
    // A reader can be removed even if the account no longer exists.
    if may_read {
        shell.access.user(user.to_owned()).await?;
    }
    let key = file.key().clone();
    if key.owner.as_ref() == Some(user) {
        return Err(call.wrong(format!("`{name}` is {user}'s own")));
    }
    let done = json!({ "file": name, "user": user, "may_read": may_read });
    if file.readers().contains(user) == may_read {
        let already = if may_read { "already" } else { "not" };
        return Ok(Answer::new(View::Text(format!("{name} is {already} shared with {user}")), done));
    }
    let with = if may_read { "shared with" } else { "no longer shared with" };
    let what = format!("{key} {with} {user}");
    // The log entry is written first, so that no file is shared without one.
    shell.access.record_share(what.clone()).await?;
    if let Err(error) = shell.call(Share { file: key, user: user.to_owned(), may_read }).await {
        shell.access.record_refusal(&identity, format!("not done: {what}")).await.map_err(AccessError::from)?;
        return Err(error);
    }
    Ok(Answer::new(View::Text(format!("{name} is {with} {user}")), done))
}

/// Begins a transfer for the front end to follow. Several transfers are returned as a batch, which the front end begins one after
/// the other; with `--background` all are begun at once.
async fn begin_all(shell: &Shell, call: &Call, transfers: Vec<BeginTransfer>) -> Result<Answer, ShellError> {
    if !call.has("background") {
        shell.refuse_standstill()?;
    }
    let is_one = transfers.len() == 1;
    if !call.has("background") && !is_one {
        let planned = call.arguments.iter().zip(transfers).map(|(name, begins)| {
            let file = visible(name).into_owned();
            Planned { line: format!("{} {file}", call.spec.name), file, begins }
        });
        return Ok(Answer::nothing().with(Effect::Batch(planned.collect())));
    }
    let mut answers = Vec::with_capacity(transfers.len());
    for begins in transfers {
        answers.push(begin(shell, begins, None).await?);
    }
    let answer = if is_one { answers.pop().unwrap_or_else(Answer::nothing) } else { Answer::all(answers) };
    Ok(if call.has("background") { answer.with(Effect::None) } else { answer })
}

/// Begins a transfer, which the front end follows; `checks` is the name of a file that is only checked.
pub(crate) async fn begin(shell: &Shell, begins: BeginTransfer, checks: Option<String>) -> Result<Answer, ShellError> {
    Ok(begun_answer(shell.access.call(begins).await?, checks))
}

fn begun_answer(transfer: TransferId, checks: Option<String>) -> Answer {
    let answer = Answer::new(View::Text(format!("{transfer} has begun")), json!({ "transfer": transfer.0 }));
    answer.with(Effect::Follow(Begun { transfer, checks }))
}

/// Returns the path to which a file is fetched: below `wanted` if that is a directory, `wanted` itself otherwise, or the file's
/// own name in the current directory if no path is given.
pub fn place_of(file: &FileKey, wanted: Option<PathBuf>) -> PathBuf {
    match wanted {
        Some(directory) if directory.is_dir() => directory.join(file.last_name()),
        Some(path) => path,
        None => expand(file.last_name()),
    }
}

/// Expands `~/` to the home directory, and makes the path absolute, so that a recording can be replayed from any directory.
pub(super) fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)),
    }
}

/// Returns the answer for a transfer that is over.
pub(crate) fn finished(report: &TransferReport, identity: &Identity) -> Answer {
    let status = &report.status;
    let label = identity.shown(&status.file);
    if status.direction == Direction::Removal {
        let line = RemovalLine::new(report, label);
        return Answer::new(View::Text(removals_text(std::slice::from_ref(&line))), data(&line));
    }
    let line = TransferLine::new(report, label);
    let (done, size, time) = (done(status.direction), bytes_of(line.file.bytes), seconds_of(line.way.virtual_seconds));
    let rate = rate_of(line.way.goodput_bytes_per_second);
    let digest = report.sha256.map(|digest| digest.short()).unwrap_or_default();
    let text = format!(
        "{done} {}: {size} in {} segments, {time} of virtual time, {rate}, {} retransmits, sha-256 {digest}…",
        line.file.label, line.file.segments, line.way.retransmits
    );
    Answer::new(View::Text(text), data(&line))
}

fn done(direction: Direction) -> &'static str {
    match direction {
        Direction::Upload => "stored",
        Direction::Download => "fetched",
        Direction::Removal => "removed",
    }
}

pub(crate) async fn list(shell: &Shell, _: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let files = shell.access.files().await?;
    let lines: Vec<FileLine> = files.iter().map(|file| FileLine::new(file, identity.shown(&file.key))).collect();
    Ok(Answer::new(View::Table(files_table(&lines)), data(&lines)))
}

pub(crate) async fn info(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let manifest = shell.call(StatFile { file: readable(shell, call).await?.key }).await?;
    let file = &manifest.file;
    let mut facts = vec![
        ("name", shell.identity().shown(&file.key)),
        ("size", format!("{} ({} bytes)", bytes_of(file.size), file.size)),
        ("sha-256", file.sha256.to_string()),
        ("segments", format!("{} of {}", file.segments, bytes_of(u64::from(file.segment_size)))),
        ("stored", date_of(file.stored_at)),
    ];
    facts.extend(file.key.owner.clone().map(|owner| ("owner", owner)));
    if !file.readers.is_empty() {
        facts.push(("shared with", file.readers.iter().cloned().collect::<Vec<_>>().join(", ")));
    }
    let rows: Vec<Vec<String>> =
        manifest.by_holder().into_iter().map(|(node, ids)| vec![node.to_string(), ids.len().to_string()]).collect();
    let holders =
        View::Table(Table { columns: vec![text_column("holder"), number_column("segments")], rows, empty: "it has no segments" });
    let view = View::Sections(vec![("file".into(), View::pairs(facts)), ("holders".into(), holders)]);
    Ok(Answer::new(view, data(&ExportedFile::from(manifest.as_ref()))))
}

pub(crate) async fn verify(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    shell.refuse_standstill()?;
    let (identity, name) = (shell.identity(), call.argument(0).unwrap_or_default().to_owned());
    let fetch = shell.access.fetch(&identity, &name, None).await?;
    begin(shell, fetch.into(), Some(name)).await
}

/// Returns the answer for a file that was checked completely.
pub(crate) fn checked(report: &TransferReport, name: &str) -> Answer {
    let (size, time) = (bytes_of(report.status.bytes), report.status.elapsed(SimTime::MAX).as_secs_f64());
    let digest = report.sha256.map(|digest| digest.to_string()).unwrap_or_default();
    let text = format!("{name} is whole: {size} checked in {} of virtual time, sha-256 {digest}", seconds_of(time));
    Answer::new(View::Text(text), json!({ "name": name, "sound": true, "sha256": digest, "virtual_seconds": time }))
}

pub(crate) async fn transfers(shell: &Shell, _: &Call) -> Result<Answer, ShellError> {
    let (now, identity) = (shell.access.virtual_now(), shell.identity());
    let transfers = shell.call(ListTransfers).await?;
    let row = |status: &TransferStatus| {
        vec![
            status.id.to_string(),
            status.direction.name().to_owned(),
            identity.shown(&status.file),
            status.state.name().to_owned(),
            bytes_of(status.bytes),
            format!("{} of {}", status.segments_done, status.segments),
            transfer_time_of(status, now),
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
    let view = View::Table(Table { columns, rows, empty: "no transfers yet" });
    Ok(Answer::new(view, transfers.iter().map(status_data).collect()))
}

/// Returns a transfer as JSON, with its error as a sentence.
fn status_data(status: &TransferStatus) -> Value {
    let mut value = data(status);
    value["error"] = status.error.as_ref().map(ToString::to_string).into();
    value
}

pub(crate) async fn segments(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let wanted = call.transfer(0)?;
    if let Some(transfer) = wanted {
        own_transfer(shell, transfer).await?;
    }
    let snapshot = shell.access.snapshot();
    let found = snapshot.transfers.iter().rev().find(|report| wanted.is_none_or(|id| report.status.id == id));
    let Some(report) = found else {
        return match wanted {
            Some(id) => Err(EngineError::UnknownTransfer(id).into()),
            None => Ok(Answer::new(View::Text("no transfers yet".into()), Value::Array(Vec::new()))),
        };
    };
    let segments = SegmentReport::of_transfer(report);
    let view = View::Table(Table { empty: "it has no segments", ..segments_table(segments.iter()) });
    Ok(Answer::new(view, data(&segments)).with(Effect::Select(report.status.id)))
}

pub(crate) async fn cancel(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let transfer = call.transfer(0)?.unwrap_or(TransferId(0));
    own_transfer(shell, transfer).await?;
    shell.refuse_standstill()?;
    shell.tell_of_waiting();
    let report = shell.access.cancel_at_once(transfer).await?;
    // The line that began it may have been dropped; its result is told here.
    shell.untold.remove([transfer]);
    let status = &report.status;
    let text =
        format!("{transfer}, {} of {}: {}", status.direction.name(), shell.identity().shown(&status.file), status.state.name());
    Ok(Answer::new(View::Text(text), json!({ "transfer": transfer.0, "state": status.state })))
}

/// Refuses transfers that the user may not see, as if they did not exist, and records the refusal in the audit log.
pub(crate) async fn own_transfer(shell: &Shell, transfer: TransferId) -> Result<(), ShellError> {
    let identity = shell.identity();
    if shell.call(ListTransfers).await?.iter().any(|status| status.id == transfer) {
        return Ok(());
    }
    shell.access.record_refusal(&identity, format!("transfer {transfer}")).await.map_err(AccessError::from)?;
    Err(EngineError::UnknownTransfer(transfer).into())
}
