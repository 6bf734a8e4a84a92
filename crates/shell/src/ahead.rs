//! Checks of all transfers of a command before the first of them begins. What only shows later, such as a node without room, is left
//! to each.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2p_base::source_file;
use p2p_base::spelling::{visible, visible_path};
use p2p_engine::changes::require_storable;
use p2p_engine::error::NAMELESS;
use p2p_engine::operation::{BeginTransfer, Sink, Source, Upload};
use p2p_engine::{Command, EngineError};
use p2p_service::access::range::WantedRange;
use p2p_service::access::{Access, AccessError, Identity};
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::Namespace;

use crate::lists::listed;
use crate::manner::Manner;
use crate::place::place_of;
use crate::sentence::joined;
use crate::tally::naming;
use crate::trees::off_thread;
use crate::{ShellError, changes};

/// Need of a transfer on this machine or in the namespace of a user.
#[derive(Debug)]
pub(crate) enum Need {
    /// File to read, the name under which it is to be stored, and whether a stored file may have that; no name if its own is not valid UTF-8.
    Upload { source: Option<PathBuf>, name: Option<String>, replace: bool },
    /// File to read, while the name is not certain.
    Source(PathBuf),
    /// Path at which a file is to appear, and must not be yet unless it may be replaced.
    Destination { path: PathBuf, overwrite: bool },
    /// File or directory to remove, and whether all that is within it goes too.
    Removal { key: FileKey, recursive: bool },
    /// Nothing that could be missing.
    Nothing,
}

impl Need {
    fn of(transfer: &BeginTransfer) -> Need {
        match transfer.command() {
            // The names of another user are not known ahead.
            Command::Upload(Upload { source: Source::File(path), owner: Some(_), .. }) => Need::Source(path.clone()),
            Command::Upload(upload) => Need::Upload {
                source: if let Source::File(path) = &upload.source { Some(path.clone()) } else { None },
                name: upload.stored_name().map(str::to_owned),
                replace: upload.stored_as.replace,
            },
            Command::Download(download) => match &download.sink {
                Sink::File { path, overwrite, .. } => Need::Destination { path: path.clone(), overwrite: *overwrite },
                _ => Need::Nothing,
            },
            Command::Remove(remove) => Need::Removal { key: remove.file.clone(), recursive: remove.recursive },
            _ => Need::Nothing,
        }
    }

    /// Returns the name under which a file is to be stored.
    pub(crate) fn name(&self) -> Option<&str> {
        if let Need::Upload { name, .. } = self { name.as_deref() } else { None }
    }
}

/// Names and paths that the transfers of a batch make, each with what the first of them is called.
#[derive(Debug, Default)]
struct Claims {
    stored: BTreeMap<String, String>,
    written: BTreeMap<PathBuf, String>,
}

impl Claims {
    /// Claims the name, as it is stored, for what is called `label`.
    fn name(&mut self, name: &str, label: &str) -> Result<(), ShellError> {
        let Some(first) = self.stored.get(name) else {
            self.stored.insert(name.to_owned(), label.to_owned());
            return Ok(());
        };
        Err(ShellError::Bad(format!(
            "two of the files would be stored as `{}`: {first} and {label}; --as DIRECTORY/ keeps them apart",
            visible(name)
        )))
    }

    /// Claims the path for what is called `label`.
    fn path(&mut self, path: &Path, label: &str) -> Result<(), ShellError> {
        let Some(first) = self.written.get(path) else {
            self.written.insert(path.to_owned(), label.to_owned());
            return Ok(());
        };
        Err(ShellError::Bad(format!("two of the files would be written to {}: {first} and {label}", visible_path(path))))
    }
}

/// Things that a command is given by name, each with what it is called: twice the same is refused, whatever the command does with it.
#[derive(Debug)]
pub(crate) struct Given<K = FileKey>(BTreeMap<K, String>);

impl<K> Default for Given<K> {
    fn default() -> Given<K> {
        Given(BTreeMap::new())
    }
}

impl<K: Ord> Given<K> {
    /// Takes in what is called `label`.
    ///
    /// # Errors
    /// Fails if it was given before.
    fn take_once(&mut self, key: K, label: &str) -> Result<(), ShellError> {
        match self.0.get(&key) {
            Some(first) if first == label => Err(ShellError::Bad(format!("`{label}` is given twice"))),
            Some(first) => Err(ShellError::Bad(format!("`{label}` is given twice, as `{first}` too"))),
            None => {
                self.0.insert(key, label.to_owned());
                Ok(())
            }
        }
    }
}

impl Given {
    /// Takes in what is called `label`.
    ///
    /// # Errors
    /// Fails if it was given before, or with `is_whole` if it is within a directory that was, or what was given is within it.
    pub(crate) fn take(&mut self, key: &FileKey, label: &str, is_whole: bool) -> Result<(), ShellError> {
        let above = key.ancestors().find_map(|above| self.0.get(&above)).map(|above| (label, above.as_str()));
        let nested = above.or_else(|| self.first_within(key).map(|below| (below, label)));
        match nested.filter(|_| is_whole) {
            Some((below, above)) => Err(ShellError::Bad(format!("`{below}` is within `{above}`, which is given too"))),
            None => self.take_once(key.clone(), label),
        }
    }

    /// Returns what the first of those is called that are within a directory.
    fn first_within(&self, directory: &FileKey) -> Option<&str> {
        // The names between `docs` and `docs/` in the order, such as `docs.txt`, are not within it.
        let later = (Bound::Excluded(directory.child("")), Bound::Unbounded);
        self.0.range(later).next().filter(|(key, _)| key.is_within(directory)).map(|(_, label)| label.as_str())
    }
}

/// Checks that no two of these transfers store a file under one name, in whatever spellings, or write one at one path.
///
/// # Errors
/// Fails with the first two that do.
pub fn require_apart<'a>(transfers: impl Iterator<Item = &'a BeginTransfer>) -> Result<(), ShellError> {
    let mut claims = Claims::default();
    for begins in transfers {
        let label = match begins.command() {
            Command::Upload(Upload { source: Source::File(path), .. }) => visible_path(path),
            Command::Download(download) => visible(&download.file.to_string()).into_owned(),
            _ => continue,
        };
        match Need::of(begins) {
            // A name that nothing can have is refused when the transfer begins.
            Need::Upload { name: Some(name), .. } => stored_path(&name).map_or(Ok(()), |name| claims.name(&name, &label))?,
            Need::Destination { path, .. } => claims.path(&path, &label)?,
            Need::Upload { .. } | Need::Source(_) | Need::Removal { .. } | Need::Nothing => {}
        }
    }
    Ok(())
}

/// Names and paths that are there or that earlier transfers make, for a user who stores files.
struct Place<'a> {
    names: Namespace,
    owner: Option<&'a str>,
    claims: Claims,
    given: Given,
}

impl Place<'_> {
    /// Refuses a source that cannot be read, a name that nothing can have, that is taken or in no directory, a destination that exists, and
    /// what an earlier transfer of the batch makes.
    fn check(&mut self, label: &str, need: &Need) -> Result<(), ShellError> {
        match need {
            Need::Upload { source, name, replace } => {
                source.iter().try_for_each(|path| readable(path))?;
                match (source, name) {
                    (_, Some(name)) => self.check_name(label, name, *replace),
                    (Some(path), None) => Err(nameless(path)),
                    (None, None) => Ok(()),
                }
            }
            Need::Source(path) => readable(path),
            Need::Destination { path, overwrite: false } if std::fs::symlink_metadata(path).is_ok() => {
                Err(EngineError::DestinationTaken { path: path.clone() }.into())
            }
            Need::Destination { path, .. } => self.claims.path(path, label),
            Need::Removal { key, recursive } => {
                self.given.take(key, label, *recursive)?;
                Ok(changes::remove(&mut self.names, key, *recursive)?)
            }
            Need::Nothing => Ok(()),
        }
    }

    fn check_name(&mut self, label: &str, name: &str, replace: bool) -> Result<(), ShellError> {
        // Two spellings of one name are the same name.
        let name = stored_path(name).map_err(EngineError::from)?;
        require_storable(&self.names, &FileKey::new(self.owner, &name), replace)?;
        self.claims.name(&name, label)
    }
}

/// Checks what the transfers of a command need, of which some may be refused already, for a user who stores files beside these names.
///
/// # Errors
/// Fails once for all of them that could not begin.
pub(crate) async fn check_needs(
    names: Namespace,
    identity: Arc<Identity>,
    needs: Vec<(String, Result<Need, ShellError>)>,
) -> Result<(), ShellError> {
    off_thread(move || {
        let mut place = Place { names, owner: identity.name(), claims: Claims::default(), given: Given::default() };
        check_each(needs, |file, need| place.check(file, &need?))
    })
    .await?
}

/// Checks each file of a batch, given what it is called and what the check is about.
///
/// # Errors
/// Fails once for all of them that are refused.
fn check_each<T>(files: Vec<(String, T)>, mut check: impl FnMut(&str, T) -> Result<(), ShellError>) -> Result<(), ShellError> {
    let all = files.len();
    let refused = files.into_iter().filter_map(|(file, of)| check(&file, of).err().map(|error| (file, error)));
    refusal(refused.collect(), all)
}

/// Returns the error of a file whose name cannot be stored.
fn nameless(path: &Path) -> ShellError {
    EngineError::Source { path: path.to_owned(), reason: NAMELESS.into() }.into()
}

/// Number of refused files that an error names, and of which it tells the reasons; the others are counted.
const REFUSED_SHOWN: usize = 3;

/// Says why files of a batch are refused, and which of how many. A reason that several have is told once.
pub(crate) fn told_refused(error: &ShellError, others: &[(String, ShellError)], files: &[String], all: usize) -> String {
    told_refused_as(ShellError::to_string, error, others, files, all)
}

/// Says the same, with each error in the words of `say`.
pub(crate) fn told_refused_as(
    say: impl Fn(&ShellError) -> String,
    error: &ShellError,
    others: &[(String, ShellError)],
    files: &[String],
    all: usize,
) -> String {
    let first = match files.first() {
        Some(first) if !others.is_empty() => naming(first, say(error)),
        _ => say(error),
    };
    let others = others.iter().map(|(file, other)| naming(file, say(other)));
    let are = if files.len() == 1 { "is" } else { "are" };
    let sum = format!("{} of {all} files {are} refused: {}", files.len(), listed(files, REFUSED_SHOWN));
    joined(&std::iter::once(first).chain(others).chain([sum]).collect::<Vec<_>>())
}

/// Returns the one refusal of a batch for all of it that could not begin.
///
/// # Errors
/// Fails with it, if anything is refused.
pub fn refusal(refused: Vec<(String, ShellError)>, all: usize) -> Result<(), ShellError> {
    let (files, errors): (Vec<String>, Vec<ShellError>) = refused.into_iter().unzip();
    let mut errors = errors.into_iter();
    let Some(error) = errors.next() else { return Ok(()) };
    if all == 1 {
        return Err(error);
    }
    let others = files.iter().skip(1).cloned().zip(errors).filter(|(_, other)| *other != error).take(REFUSED_SHOWN - 1).collect();
    Err(ShellError::NoneOf { error: Box::new(error), others, files, all })
}

/// Refuses a path that is no regular file to read.
fn readable(path: &Path) -> Result<(), ShellError> {
    let refused = |error: io::Error| EngineError::Source { path: path.to_owned(), reason: error.to_string() }.into();
    source_file::open(path).map(drop).map_err(refused)
}

/// Act of a command on each of the stored names that it is given.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Fetching of the file, or of a range of it, to this machine.
    Fetched {
        /// Bytes that are wanted; `None` for the whole file.
        range: Option<WantedRange>,
        /// Path of the file, or a directory for it; `None` for the file's own name in the current directory.
        path: Option<PathBuf>,
        /// Manner of writing the file: what may be replaced, and what is kept.
        manner: Manner,
    },
    /// Removal of the file or the directory.
    Removed {
        /// True if a directory goes with all that is within it.
        recursive: bool,
    },
}

/// Returns the transfers of stored names that a user gives, each with what it is called, or with the reason why it cannot begin.
pub async fn transfers_of(
    access: &Access,
    identity: &Identity,
    names: &[String],
    wanted: &Wanted,
) -> Vec<(String, Result<BeginTransfer, ShellError>)> {
    let mut transfers = Vec::with_capacity(names.len());
    for name in names {
        let begins = match wanted {
            Wanted::Fetched { range, path, manner: Manner { replace, preserve, .. } } => {
                let place = |file: &FileKey| place_of(file, path.clone());
                let download = access.download(identity, name, *range, place, *replace).await;
                download.map(|download| download.preserving(*preserve).into())
            }
            Wanted::Removed { recursive } => access.removal(identity, name, *recursive).await.map(BeginTransfer::from),
        };
        transfers.push((visible(name).into_owned(), begins.map_err(ShellError::from)));
    }
    transfers
}

/// Checks several transfers that are to begin one after the other, of which some may be refused already, for the current user. A single one
/// is checked when it begins. Each has what it is called. What they do with the files of other users is recorded in the audit log once
/// none is refused.
///
/// # Errors
/// Fails once for all of them that could not begin, or if the disk refuses.
pub async fn check_transfers(
    access: &Access,
    transfers: Vec<(String, Result<BeginTransfer, ShellError>)>,
) -> Result<Vec<(String, BeginTransfer)>, ShellError> {
    let identity = access.identity();
    let checked = check_begun(access, transfers).await?;
    for (_, begins) in &checked {
        access.record_transfer(&identity, begins).await?;
    }
    Ok(checked)
}

/// Checks transfers as [`check_transfers`] does, and records nothing.
///
/// # Errors
/// Fails once for all of them that could not begin.
pub(crate) async fn check_begun(
    access: &Access,
    transfers: Vec<(String, Result<BeginTransfer, ShellError>)>,
) -> Result<Vec<(String, BeginTransfer)>, ShellError> {
    if transfers.len() > 1 {
        let need = |(file, begins): &(String, Result<BeginTransfer, ShellError>)| {
            (file.clone(), begins.as_ref().map(Need::of).map_err(ShellError::clone))
        };
        check_needs(access.names(), access.identity(), transfers.iter().map(need).collect()).await?;
    }
    transfers.into_iter().map(|(file, begins)| Ok((file, begins?))).collect()
}

/// Checks that there is something under each of several stored names, and that none is given twice or is within another. `key_of` finds the key
/// of a name.
///
/// # Errors
/// Fails once for all names that are refused.
pub async fn check_given(names: &[String], key_of: impl AsyncFn(&str) -> Result<FileKey, AccessError>) -> Result<(), ShellError> {
    let (mut given, mut refused) = (Given::default(), Vec::new());
    for name in names.iter().filter(|_| names.len() > 1) {
        let (label, found) = (visible(name).into_owned(), key_of(name).await.map_err(ShellError::from));
        let taken = found.and_then(|key| given.take(&key, &label, true));
        refused.extend(taken.err().map(|error| (label, error)));
    }
    refusal(refused, names.len())
}

/// Checks that these files of this machine can be read or are directories, and that none is given twice. Each path has what it is called.
///
/// # Errors
/// Fails once for all of them that cannot be stored.
pub async fn check_sources(paths: Vec<(String, PathBuf)>) -> Result<(), ShellError> {
    let mut given = Given::default();
    let mut check = move |label: &str, path: PathBuf| {
        if !path.is_dir() {
            readable(&path)?;
        }
        given.take_once(std::path::absolute(&path).unwrap_or(path), label)
    };
    off_thread(move || check_each(paths, |label, path| check(label, path))).await?
}
