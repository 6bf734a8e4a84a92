//! The implementations of the commands about the names of stored files: directories, moving, listing, describing and sharing.

use std::borrow::Borrow;

use p2p_base::spelling::visible;
use p2p_engine::EngineError;
use p2p_engine::operation::{Move, StatFile};
use p2p_service::access::sharing::Shared;
use p2p_service::access::{Access, Identity};
use p2p_store::manifest::Manifest;
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::{Entry, Namespace};
use serde_json::{Value, json};

use super::data;
use super::files::names_of;
use crate::ahead::{Given, refusal};
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::pattern::{matching, outermost};
use crate::report::{
    EntryLine, ExportedFile, Holdings, PLACES_MAX, Standings, bytes_of, count_of, date_of, entries_table, holders_table, mode_of,
    places_table,
};
use crate::{Shell, ShellError, changes, names_changed, partly};

pub(crate) async fn make_directory(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    check_directories(shell, &identity, call)?;
    let mut answers = Vec::with_capacity(call.arguments.len());
    for path in &call.arguments {
        let key = identity.key_of(path);
        let (label, was_there) = (identity.shown(&key), shell.access.names().is_directory(&key));
        let make = shell.access.directory(path, call.has("parents")).map_err(ShellError::from);
        let made = match make {
            Ok(make) => shell.call(make).await,
            Err(error) => Err(error),
        };
        made.map_err(|error| partly(&answers, error))?;
        let answer = names_changed::made(&label);
        answers.push(if was_there {
            Answer { view: View::Text(format!("{label}/ is there already")), ..answer }
        } else {
            answer
        });
    }
    Ok(Answer::all(answers))
}

/// Checks several directories before the first of them is made.
fn check_directories(shell: &Shell, identity: &Identity, call: &Call) -> Result<(), ShellError> {
    let (mut names, parents, all) = (shell.access.names(), call.has("parents"), call.arguments.len());
    let mut given = Given::default();
    let mut check = |path: &String| {
        let made = shell.access.directory(path, parents)?;
        let key = FileKey::new(identity.name(), &stored_path(&made.path).map_err(EngineError::from)?);
        // One that is there is no error with --parents.
        if !parents {
            given.take(&key, &identity.shown(&key), false)?;
        }
        Ok(changes::make_directory(&mut names, &key, parents)?)
    };
    let refused = call.arguments.iter().filter(|_| all > 1);
    let refused = refused.filter_map(|path| check(path).err().map(|error| (visible(path).into_owned(), error)));
    refusal(refused.collect(), all)
}

/// Refuses several names for one that is no directory.
///
/// # Errors
/// Fails with the usage of the command.
pub(crate) fn require_room(call: &Call, names: usize, is_directory: bool) -> Result<(), ShellError> {
    if names < 2 || is_directory {
        return Ok(());
    }
    let to = call.arguments.last().map(String::as_str).unwrap_or_default();
    Err(call.wrong(format!("{names} names are given, and `{}` is no directory for them", visible(to))))
}

/// Returns the names that all arguments but the last stand for, and the last: the name that is for them, or the directory. `None` without
/// arguments.
///
/// # Errors
/// Fails if nothing matches a pattern, or as [`require_room`] does.
pub(super) fn names_to_one<'a>(
    shell: &Shell,
    identity: &Identity,
    call: &'a Call,
) -> Result<Option<(Vec<String>, &'a str)>, ShellError> {
    let Some((to, from)) = call.arguments.split_last() else { return Ok(None) };
    let mut names = Vec::new();
    for place in 0..from.len() {
        names.extend(names_of(shell, call, place, true)?);
    }
    let is_directory = to.ends_with('/') || shell.access.names().is_directory(&identity.key_of(to));
    require_room(call, names.len(), is_directory)?;
    Ok(Some((names, to)))
}

/// Checks several changes of names before the first of them is made. Each has what it is called.
fn check_renames(shell: &Shell, changes: Vec<(String, Result<Move, ShellError>)>) -> Result<Vec<Move>, ShellError> {
    let (mut names, mut given, all) = (shell.access.names(), Given::default(), changes.len());
    let mut check = |label: &str, change: &Result<Move, ShellError>| {
        let Move { from, to, replace } = change.as_ref().map_err(ShellError::clone)?;
        given.take(from, label, true)?;
        let name = stored_path(to).map_err(EngineError::from)?;
        Ok(changes::rename(&mut names, from, &FileKey { name, ..from.clone() }, *replace)?)
    };
    let refused = changes.iter().filter(|_| all > 1);
    let refused = refused.filter_map(|(label, change)| check(label, change).err().map(|error| (label.clone(), error)));
    refusal(refused.collect(), all)?;
    changes.into_iter().map(|(_, change)| change).collect()
}

pub(crate) async fn rename(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let Some((names, to)) = names_to_one(shell, &identity, call)? else { return Ok(Answer::nothing()) };
    let mut planned = Vec::with_capacity(names.len());
    for name in &names {
        let change = shell.access.renaming(&identity, name, to, call.has("force")).await.map_err(ShellError::from);
        planned.push((visible(name).into_owned(), change));
    }
    let mut answers = Vec::with_capacity(names.len());
    for change in check_renames(shell, planned)? {
        let moved = rename_one(shell, &identity, change).await.map_err(|error| partly(&answers, error))?;
        answers.push(moved);
    }
    Ok(Answer::all(answers))
}

async fn rename_one(shell: &Shell, identity: &Identity, change: Move) -> Result<Answer, ShellError> {
    shell.access.record_move(identity, &change.from).await?;
    let (from, to) = (identity.shown(&change.from), identity.shown(&FileKey { name: change.to.clone(), ..change.from.clone() }));
    shell.call(change).await?;
    Ok(names_changed::moved(&from, &to))
}

/// Grants or revokes the access of a user to a file, or to a directory: for reading or, with `--upload`, for storing new files.
pub(crate) async fn share(shell: &Shell, call: &Call, is_granted: bool) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let (name, user) = (call.argument(0).unwrap_or_default(), call.argument(1).unwrap_or_default());
    let is_upload = call.has("upload");
    let shared = match is_upload {
        true => shell.access.share_uploads(&identity, name, user, is_granted).await?,
        false => shell.access.share(&identity, name, user, is_granted).await?,
    };
    let answer = if is_upload { names_changed::shared_for_uploads } else { names_changed::shared };
    match &shared {
        Shared::Own { reader } => Err(call.wrong(format!("`{}` is {}'s own", visible(name), visible(reader)))),
        Shared::Unchanged { reader } => Ok(answer(name, reader, is_granted, false)),
        Shared::Changed { reader, .. } => Ok(answer(name, reader, is_granted, true)),
    }
}

pub(crate) async fn list(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let (identity, recursive) = (shell.identity(), call.has("recursive"));
    let names = shell.access.names();
    let found = match call.argument(0).filter(|_| !call.is_quoted(0)) {
        Some(text) => matching(&names, &identity, text)?,
        None => None,
    };
    let empty = if call.argument(0).is_some() { "the directory is empty" } else { "no files are stored" };
    let lines = match found {
        // What matches is listed itself, as by `ls -d`.
        Some(found) if !recursive => lines_of(&identity, in_order(&identity, found)),
        Some(found) => {
            let within = |entry: Entry| names.tree(entry.key()).cloned().collect::<Vec<_>>();
            lines_of(&identity, outermost(found).into_iter().flat_map(within).collect())
        }
        None => list_entries(&shell.access, &identity, call.argument(0), recursive).await?,
    };
    Ok(Answer::new(View::Table(entries_table(&lines, empty)), data(&lines)))
}

/// Lists what is in the directory that the user calls `path`, or the file of that name; without a path, the root of the user's own
/// files and what others share. `recursive` lists what is in the directories as well.
///
/// # Errors
/// Fails if there is no such file or directory that the user may know of.
pub async fn list_entries(
    access: &Access,
    identity: &Identity,
    path: Option<&str>,
    recursive: bool,
) -> Result<Vec<EntryLine>, ShellError> {
    Ok(match (path, recursive) {
        (None, false) => lines_of(identity, in_order(identity, access.overview(identity))),
        (None, true) => lines_of(identity, own_first(identity, access.names().entries_shared().cloned().collect())),
        (Some(path), false) => lines_of(identity, in_order(identity, access.list(identity, path).await?)),
        (Some(path), true) => {
            let (key, mut entries) = access.tree(identity, path).await?;
            entries.retain(|entry| *entry.key() != key || matches!(entry, Entry::File(_)));
            lines_of(identity, entries)
        }
    })
}

fn lines_of<E: Borrow<Entry>>(identity: &Identity, entries: Vec<E>) -> Vec<EntryLine> {
    let entries = entries.iter().map(|entry| entry.borrow());
    entries.map(|entry| EntryLine::new(entry, identity.shown(entry.key()))).collect()
}

/// Returns the entries of a list: the user's own before those of others, and directories before files.
fn in_order<E: Borrow<Entry>>(identity: &Identity, mut entries: Vec<E>) -> Vec<E> {
    entries.sort_by_key(|entry| {
        let owner = entry.borrow().key().owner.clone();
        (owner.as_deref() != identity.name(), owner, matches!(entry.borrow(), Entry::File(_)))
    });
    entries
}

/// Returns the entries of several directories: the user's own before those of others, and each after the directory that it is in.
fn own_first<E: Borrow<Entry>>(identity: &Identity, mut entries: Vec<E>) -> Vec<E> {
    entries.sort_by_key(|entry| entry.borrow().key().owner.as_deref() != identity.name());
    entries
}

/// Lists all files that the user may read, wherever they are.
pub(crate) fn all_files(shell: &Shell) -> Answer {
    let (identity, names) = (shell.identity(), shell.access.names());
    let lines = lines_of(&identity, own_first(&identity, names.files().cloned().map(Entry::File).collect()));
    Answer::new(View::Table(entries_table(&lines, "no files are stored")), data(&lines))
}

pub(crate) async fn info(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let names = names_of(shell, call, 0, false)?;
    let mut answers = Vec::with_capacity(names.len());
    for name in &names {
        answers.push((visible(name).into_owned(), info_of(shell, name, call.has("segments")).await?));
    }
    if answers.len() == 1 {
        return Ok(answers.pop().map_or_else(Answer::nothing, |(_, answer)| answer));
    }
    let value: Value = answers.iter().map(|(_, answer)| answer.data.clone()).collect();
    Ok(Answer::new(View::Sections(answers.into_iter().map(|(name, answer)| (name, answer.view)).collect()), value))
}

async fn info_of(shell: &Shell, name: &str, lists_segments: bool) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let (key, entries) = shell.access.tree(&identity, name).await?;
    let names: Namespace = entries.into_iter().collect();
    match names.file(&key) {
        Some(_) => {
            let manifest = shell.call(StatFile { file: key }).await?;
            let standings = Standings::of(&*shell.access.present_snapshot().await?);
            Ok(file_info(&identity, &manifest, &standings, lists_segments))
        }
        None => Ok(directory_info(&identity, &key, &names)),
    }
}

fn file_info(identity: &Identity, manifest: &Manifest, standings: &Standings, lists_segments: bool) -> Answer {
    let (file, holdings) = (&manifest.file, Holdings::of(manifest));
    let mut facts = vec![
        ("name", identity.shown(&file.key)),
        ("size", format!("{} ({})", bytes_of(file.size), count_of(file.size, "byte"))),
        ("sha-256", file.sha256.to_string()),
        ("segments", format!("{} of {}", file.segments, bytes_of(u64::from(file.segment_size)))),
        ("readable", holdings.out_of_reach(standings).map_or_else(|| "yes".into(), |missing| format!("not now: {missing}"))),
        ("stored", date_of(file.stored_at)),
        ("modified", date_of(file.modified)),
        ("mode", mode_of(file.mode)),
    ];
    facts.extend(file.key.owner.clone().map(|owner| ("owner", owner)));
    if !file.readers.is_empty() {
        facts.push(("shared with", file.readers.iter().cloned().collect::<Vec<_>>().join(", ")));
    }
    let holders = View::Table(holders_table(manifest, standings));
    let mut sections = vec![("file".into(), View::pairs(facts)), ("holders".into(), holders)];
    if lists_segments {
        let is_cut = manifest.segments.len() > PLACES_MAX;
        let title = if is_cut { format!("segments, the first {PLACES_MAX}") } else { "segments".into() };
        sections.push((title, View::Table(places_table(manifest, standings))));
    }
    let view = View::Sections(sections);
    let mut value = data(&ExportedFile::from(manifest));
    value["kind"] = "file".into();
    Answer::new(view, value)
}

fn directory_info(identity: &Identity, key: &FileKey, names: &Namespace) -> Answer {
    let (files, bytes) = names.files().fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.size));
    let directories = names.entries().filter(|entry| matches!(entry, Entry::Directory(_)) && entry.key() != key).count();
    let mut facts = vec![
        ("name", format!("{}/", identity.shown(key))),
        ("size", format!("{} ({})", bytes_of(bytes), count_of(bytes, "byte"))),
        ("files", files.to_string()),
        ("directories", directories.to_string()),
    ];
    let directory = match names.get(key) {
        Some(Entry::Directory(directory)) => Some(directory),
        _ => None,
    };
    if let Some(directory) = directory {
        facts.push(("made", date_of(directory.made_at)));
        facts.push(("modified", date_of(directory.modified)));
        facts.push(("mode", mode_of(directory.mode)));
    }
    let readers: Vec<String> = directory.map_or_else(Vec::new, |directory| directory.readers.iter().cloned().collect());
    facts.extend(key.owner.clone().map(|owner| ("owner", owner)));
    if !readers.is_empty() {
        facts.push(("shared with", readers.join(", ")));
    }
    let uploaders: Vec<String> = directory.map_or_else(Vec::new, |directory| directory.uploaders.iter().cloned().collect());
    if !uploaders.is_empty() {
        facts.push(("uploads by", uploaders.join(", ")));
    }
    let value = json!({
        "kind": "directory", "owner": key.owner, "name": key.name, "files": files, "directories": directories, "bytes": bytes,
        "stored_at": directory.map(|directory| directory.made_at), "modified_at": directory.map(|directory| directory.modified),
        "mode": directory.map(|directory| mode_of(directory.mode)), "readers": readers, "uploaders": uploaders,
    });
    Answer::new(View::pairs(facts), value)
}
