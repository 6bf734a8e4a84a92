//! The commands about the names of what a server stores: their answers have the fields and the look of the local ones.

use eyre::Result;
use p2p_base::spelling::visible;
use p2p_grpc::client::{Client, ClientError};
use p2p_grpc::proto::{Duration, FileInfo, SegmentPlace, Timestamp, TransferFigures};
use p2p_service::failure::{all_told, wrong_usage};
use p2p_service::interrupt;
use p2p_service::output::{self, OutputArgs};
use p2p_shell::answer::{Answer, View};
use p2p_shell::asking::CommonArgs;
use p2p_shell::manner::Manner;
use p2p_shell::names_changed;
use p2p_shell::report::{
    EntryLine, ExportedFile, ExportedSegment, FileRef, RemovalLine, bytes_of, count_of, date_of, entries_table, mode_of,
    removals_text, wrapped,
};
use p2p_store::attributes::Attributes;
use p2p_store::segment::Sha256Digest;
use serde::Serialize;
use serde_json::{Value, json};

use super::server::Server;
use super::visits::Visit;

/// Returns a digest of a message; `None` if it has none.
pub(super) fn digest(bytes: &[u8]) -> Option<Sha256Digest> {
    bytes.try_into().ok().map(Sha256Digest::from_bytes)
}

/// Returns a span of virtual time in seconds; 0 if there is none.
pub(super) fn seconds(span: Option<Duration>) -> f64 {
    span.map_or(0.0, |span| span.seconds as f64 + f64::from(span.nanos) / 1e9)
}

/// Returns the line of `ls` of a file or a directory.
fn line_of(info: FileInfo) -> EntryLine {
    let (is_file, stored_at) = (!info.is_directory, stored_at(&info).unwrap_or_default());
    let modified_at = modified_at(&info).unwrap_or_default();
    let shown = visible(&info.path).into_owned();
    EntryLine {
        label: if is_file { shown } else { shown + "/" },
        kind: if is_file { "file" } else { "directory" },
        owner: info.owner,
        name: info.name,
        bytes: is_file.then_some(info.size),
        segments: is_file.then_some(info.segments),
        segment_size: is_file.then_some(info.segment_size),
        sha256: digest(&info.sha256),
        stored_at,
        modified_at,
        mode: mode_of(info.mode),
        readers: info.readers,
        uploaders: info.uploaders,
    }
}

/// Returns a time of a message in seconds since 1970; none if it is not told.
pub(super) fn unix(time: Option<&Timestamp>) -> Option<u64> {
    time.map(|time| time.seconds.try_into().unwrap_or_default())
}

/// Returns the time at which a file was stored or a directory made, in seconds since 1970; none if it is not told.
fn stored_at(info: &FileInfo) -> Option<u64> {
    unix(info.stored_at.as_ref())
}

/// Returns the time of the last modification in seconds since 1970; none if it is not told.
pub(super) fn modified_at(info: &FileInfo) -> Option<u64> {
    unix(info.modified_at.as_ref())
}

/// Lists what is stored.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses.
pub async fn list(server: Server, common: &CommonArgs, path: Option<&str>, recursive: bool) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let found = visit.ask(visit.client.list(path.unwrap_or_default(), recursive)).await;
    let ended = visit.end().await;
    let mut found = found?;
    if !recursive {
        // As the local command does: the user's own before those of others, and directories before files.
        let is_others = |info: &FileInfo| info.path.starts_with('~');
        found.sort_by_key(|info| (is_others(info), info.owner.clone(), !info.is_directory));
    }
    let lines: Vec<EntryLine> = found.into_iter().map(line_of).collect();
    let empty = if path.is_some() { "the directory is empty" } else { "no files are stored" };
    output::print(&common.output, &lines, |lines| entries_table(lines, empty).text(output::terminal_width()))?;
    ended
}

/// The JSON output of `rm`.
#[derive(Debug, Serialize)]
struct Removed {
    files: Vec<RemovalLine>,
}

/// Removes files and directories, one after the other. One that fails does not prevent the others.
///
/// # Errors
/// Fails if the server cannot be asked, or if something cannot be removed.
pub async fn remove(server: Server, common: &CommonArgs, names: &[String], recursive: bool) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for name in names {
        match visit.change(removed(&visit.client, name, recursive)).await {
            Ok(line) => files.push(line),
            Err(error) => failed.push(naming(error, name, names.len())),
        }
        if interrupt::pending().is_some() {
            break;
        }
    }
    let ended = visit.end().await;
    if !files.is_empty() {
        output::print(&common.output, &Removed { files }, |done| wrapped(&removals_text(&done.files), output::terminal_width()))?;
    }
    all_told(failed).and(ended)
}

async fn removed(client: &Client, name: &str, recursive: bool) -> Result<RemovalLine, ClientError> {
    let info = client.stat(name).await?;
    let figures = client.delete(name, recursive).await?;
    let file = file_ref(&info, &figures);
    Ok(RemovalLine { file, virtual_seconds: seconds(figures.virtual_time), owing_nodes: figures.owing_nodes })
}

/// Returns the file of a transfer, with the bytes and the segments of the transfer.
pub(super) fn file_ref(info: &FileInfo, figures: &TransferFigures) -> FileRef {
    FileRef {
        label: visible(&info.path).into_owned(),
        owner: info.owner.clone(),
        name: info.name.clone(),
        bytes: figures.bytes,
        segments: figures.segments,
    }
}

/// Returns the error of one of several files with the name of the file.
pub(super) fn naming(error: eyre::Report, name: &str, of: usize) -> eyre::Report {
    if of > 1 { error.wrap_err(visible(name).into_owned()) } else { error }
}

/// Prints an answer of the language.
pub(super) fn answered(output: OutputArgs, answer: &Answer) -> Result<()> {
    output::print(&output, &answer.data, |_| answer.view.text_within(output::terminal_width()))
}

/// Makes a change of each of several names, one after the other. The first that is refused ends that, and those before it are answered.
async fn change_each(
    visit: &Visit,
    names: &[String],
    change: impl AsyncFn(&str) -> Result<Answer, ClientError>,
) -> (Vec<Answer>, Result<()>) {
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        match visit.change(change(name)).await {
            Ok(answer) => answers.push(answer),
            Err(error) => return (answers, Err(naming(error, name, names.len()))),
        }
    }
    (answers, Ok(()))
}

/// Makes a change of each of several names as [`change_each`] does, whose results have one name, or are in one directory.
async fn change_into(
    visit: &Visit,
    from: &[String],
    to: &str,
    change: impl AsyncFn(&str) -> Result<Answer, ClientError>,
) -> (Vec<Answer>, Result<()>) {
    match require_directory(visit, from, to).await {
        Ok(()) => change_each(visit, from, change).await,
        Err(error) => (Vec::new(), Err(error)),
    }
}

/// Makes directories.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses one of them: those before it are made.
pub async fn make_directories(server: Server, common: &CommonArgs, paths: &[String], parents: bool) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let make = async |path: &str| {
        let made = visit.client.make_directory(path, parents).await?;
        Ok(names_changed::made(&visible(&made.path)))
    };
    let (answers, result) = change_each(&visit, paths, make).await;
    finished(visit, common.output, answers, result).await
}

/// Gives files and directories other names, with `replace` also those that their like have.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses one of them: those before it are moved.
pub async fn rename(server: Server, common: &CommonArgs, from: &[String], to: &str, replace: bool) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let rename = async |name: &str| {
        let moved = visit.client.rename(name, to, replace).await?;
        Ok(names_changed::moved(&visible(name), &visible(&moved.path)))
    };
    let (answers, result) = change_into(&visit, from, to, rename).await;
    finished(visit, common.output, answers, result).await
}

/// Copies files, in the place of others or with their attributes if the manner says so.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses one of them: those before it are copied.
pub async fn copy(server: Server, common: &CommonArgs, from: &[String], to: &str, manner: Manner) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let copy = async |name: &str| {
        let copy = visit.client.copy(name, to, manner.replace, manner.preserve).await?;
        Ok(names_changed::copied(&visible(name), &visible(&copy.path)))
    };
    let (answers, result) = change_into(&visit, from, to, copy).await;
    finished(visit, common.output, answers, result).await
}

/// Sets attributes of files and directories.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses one of them: those before it have their attributes.
pub async fn set_attributes(server: Server, common: &CommonArgs, names: &[String], attributes: Attributes) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let set = async |name: &str| {
        let file = visit.client.set_attributes(name, attributes.modified, attributes.mode).await?;
        Ok(names_changed::attributed(&visible(&file.path), attributes))
    };
    let (answers, result) = change_each(&visit, names, set).await;
    finished(visit, common.output, answers, result).await
}

/// Refuses several names for one that is no directory.
async fn require_directory(visit: &Visit, from: &[String], to: &str) -> Result<()> {
    if from.len() < 2 || to.ends_with('/') || visit.is_directory(to).await? {
        return Ok(());
    }
    let problem =
        format!("{} do not fit into one name, and `{}` is no directory", count_of(from.len() as u64, "file"), visible(to));
    Err(wrong_usage(problem, "make the directory with `mkdir`, or take them one by one"))
}

/// Lets a user read a file or a directory, or store files in it if that is meant, or no longer.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses.
pub async fn share(
    server: Server,
    common: &CommonArgs,
    (name, user): (&str, &str),
    is_upload: bool,
    is_granted: bool,
) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let shared = match is_upload {
        true => visit.change(visit.client.share_uploads(name, user, is_granted)).await,
        false => visit.change(visit.client.share(name, user, is_granted)).await,
    };
    let user = user.to_lowercase();
    let shared = shared.map(|is_changed| match is_upload {
        true => names_changed::shared_for_uploads(name, &user, is_granted, is_changed),
        false => names_changed::shared(name, &user, is_granted, is_changed),
    });
    let (answer, result) = shared.map_or_else(|error| (None, Err(error)), |answer| (Some(answer), Ok(())));
    told(visit, common.output, answer, result).await
}

/// Ends a visit, and prints what was done with each of several names.
async fn finished(visit: Visit, output: OutputArgs, answers: Vec<Answer>, result: Result<()>) -> Result<()> {
    let answer = (!answers.is_empty()).then(|| Answer::all(answers));
    told(visit, output, answer, result).await
}

/// Ends a visit, and prints what was done, as far as anything was.
async fn told(visit: Visit, output: OutputArgs, answer: Option<Answer>, result: Result<()>) -> Result<()> {
    let ended = visit.end().await;
    if let Some(answer) = answer {
        answered(output, &answer)?;
    }
    result.and(ended)
}

/// Shows a file and who holds its segments, or a directory.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses.
pub async fn facts(server: Server, common: &CommonArgs, name: &str) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let found = visit.ask(facts_of(&visit.client, name)).await;
    let ended = visit.end().await;
    let (view, data) = found?;
    output::print(&common.output, &data, |_| view.text_within(output::terminal_width()))?;
    ended
}

async fn facts_of(client: &Client, name: &str) -> Result<(View, Value), ClientError> {
    let found = client.stat_segments(name).await?;
    let info = found.file.unwrap_or_default();
    if !info.is_directory {
        return file_facts(&info, &found.segments);
    }
    let below = client.list(&info.path, true).await?;
    let (directories, files): (Vec<_>, Vec<_>) = below.iter().partition(|entry| entry.is_directory);
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let mut pairs = vec![
        ("name", format!("{}/", visible(&info.path))),
        ("size", format!("{} ({})", bytes_of(bytes), count_of(bytes, "byte"))),
        ("files", files.len().to_string()),
        ("directories", directories.len().to_string()),
    ];
    let made_at = stored_at(&info);
    pairs.extend(made_at.map(|at| ("made", date_of(at))));
    let (modified, mode) = (modified_at(&info), made_at.map(|_| mode_of(info.mode)));
    pairs.extend(modified.map(|at| ("modified", date_of(at))));
    pairs.extend(mode.clone().map(|mode| ("mode", mode)));
    let data = json!({
        "kind": "directory", "owner": info.owner, "name": info.name, "files": files.len(), "directories": directories.len(),
        "bytes": bytes, "stored_at": made_at, "modified_at": modified, "mode": mode, "readers": info.readers,
        "uploaders": info.uploaders,
    });
    pairs.extend(common_pairs(&info));
    Ok((View::pairs(pairs), data))
}

fn common_pairs(info: &FileInfo) -> Vec<(&'static str, String)> {
    let owner = info.owner.clone().map(|owner| ("owner", owner));
    let readers = (!info.readers.is_empty()).then(|| ("shared with", info.readers.join(", ")));
    let uploaders = (!info.uploaders.is_empty()).then(|| ("uploads by", info.uploaders.join(", ")));
    owner.into_iter().chain(readers).chain(uploaders).collect()
}

fn file_facts(info: &FileInfo, segments: &[SegmentPlace]) -> Result<(View, Value), ClientError> {
    let told = |bytes: &[u8]| digest(bytes).ok_or(ClientError::Unexpected("a SHA-256 is missing, or none"));
    let sha256 = told(&info.sha256)?;
    let holders = |segment: &SegmentPlace| segment.nodes.iter().map(|node| format!("Node_{node:02}")).collect::<Vec<_>>();
    let exported = |segment: &SegmentPlace| {
        let sha256 = told(&segment.sha256)?;
        Ok(ExportedSegment { sha256, bytes: segment.length, holders: holders(segment) })
    };
    let stored_at = stored_at(info).unwrap_or_default();
    let mut pairs = vec![
        ("name", visible(&info.path).into_owned()),
        ("size", format!("{} ({})", bytes_of(info.size), count_of(info.size, "byte"))),
        ("sha-256", sha256.to_string()),
        ("segments", format!("{} of {}", info.segments, bytes_of(u64::from(info.segment_size)))),
        ("stored", date_of(stored_at)),
        ("modified", date_of(modified_at(info).unwrap_or_default())),
        ("mode", mode_of(info.mode)),
    ];
    pairs.extend(common_pairs(info));
    let mut nodes: Vec<String> = segments.iter().flat_map(holders).collect();
    nodes.sort();
    nodes.dedup();
    pairs.push(("holders", nodes.join(", ")));
    let file = ExportedFile {
        owner: info.owner.clone(),
        readers: info.readers.clone(),
        name: info.name.clone(),
        bytes: info.size,
        segment_size: info.segment_size,
        sha256,
        stored_at,
        segments: segments.iter().map(exported).collect::<Result<_, ClientError>>()?,
        modified_at: modified_at(info).unwrap_or_default(),
        mode: mode_of(info.mode),
    };
    let mut data = serde_json::to_value(&file).unwrap_or_default();
    data["kind"] = "file".into();
    Ok((View::Sections(vec![("file".into(), View::pairs(pairs))]), data))
}
