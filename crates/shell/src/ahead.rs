//! Checks of all transfers of a command before the first of them begins. What only shows later, such as a node without room, is left
//! to each.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;

use p2p_base::spelling::visible_path;
use p2p_engine::operation::{BeginTransfer, Sink, Source};
use p2p_engine::{Command, EngineError};
use p2p_store::names::{FileKey, stored_path};
use p2p_store::namespace::Namespace;

use crate::trees::off_thread;
use crate::{Shell, ShellError};

/// Need of a transfer on this machine or in the namespace of a user.
#[derive(Debug)]
enum Need {
    /// File to read, and the name under which it is to be stored; no name if its own is not valid UTF-8.
    Upload { source: Option<PathBuf>, name: Option<String> },
    /// Path at which a file is to appear, and must not be yet.
    Destination(PathBuf),
    /// Nothing that could be missing.
    Nothing,
}

impl Need {
    fn of(transfer: &BeginTransfer) -> Need {
        match transfer.command() {
            Command::Upload(upload) => Need::Upload {
                source: if let Source::File(path) = &upload.source { Some(path.clone()) } else { None },
                name: upload.stored_name().map(str::to_owned),
            },
            Command::Download(download) => match &download.sink {
                Sink::File { path, overwrite: false } => Need::Destination(path.clone()),
                _ => Need::Nothing,
            },
            _ => Need::Nothing,
        }
    }
}

/// Names and paths that are there or that earlier transfers make.
struct Place<'a> {
    names: &'a Namespace,
    owner: Option<&'a str>,
    destinations: BTreeSet<PathBuf>,
    stored: BTreeSet<String>,
}

impl Place<'_> {
    /// Refuses a source that cannot be read, a name that nothing can have, that is taken or in no directory, a destination that exists, and
    /// what an earlier transfer of the batch makes.
    fn check(&mut self, need: &Need) -> Result<(), ShellError> {
        match need {
            Need::Upload { source, name } => {
                source.iter().try_for_each(readable)?;
                name.iter().try_for_each(|name| self.check_name(name))
            }
            Need::Destination(path) if fs::symlink_metadata(path).is_ok() => {
                Err(EngineError::DestinationTaken { path: path.clone() }.into())
            }
            Need::Destination(path) if !self.destinations.insert(path.clone()) => {
                Err(ShellError::Bad(format!("two of the files would be written to {}", visible_path(path))))
            }
            Need::Destination(_) | Need::Nothing => Ok(()),
        }
    }

    fn check_name(&mut self, name: &str) -> Result<(), ShellError> {
        // Two spellings of one name are the same name.
        let name = stored_path(name).map_err(EngineError::from)?;
        let key = FileKey::new(self.owner, &name);
        if self.names.get(&key).is_some() {
            return Err(EngineError::NameTaken { name }.into());
        }
        if let Some(parent) = self.names.missing_parent(&key) {
            return Err(EngineError::NoDirectory { name: parent.name }.into());
        }
        if self.stored.insert(name.clone()) {
            return Ok(());
        }
        Err(ShellError::Bad(format!("two of the files would be stored as `{name}`; --as DIRECTORY/ keeps them apart")))
    }
}

/// Returns the one refusal of a batch for all of it that could not begin.
fn refusal(refused: Vec<(String, ShellError)>, all: usize) -> Result<(), ShellError> {
    let (files, errors): (Vec<String>, Vec<ShellError>) = refused.into_iter().unzip();
    match (errors.into_iter().next(), files.len()) {
        (None, _) => Ok(()),
        (Some(error), 1) => Err(error),
        (Some(error), _) => Err(ShellError::NoneOf { error: Box::new(error), files, all }),
    }
}

/// Refuses a path that is no file to read. Only regular files are opened, since another kind may wait for its other end.
fn readable(path: &PathBuf) -> Result<(), ShellError> {
    let found = fs::metadata(path).and_then(|found| if found.is_file() { File::open(path).map(drop) } else { Ok(()) });
    found.map_err(|error| EngineError::Source { path: path.clone(), reason: error.to_string() }.into())
}

/// Checks several transfers that are to begin one after the other. A single one is checked when it begins.
///
/// # Errors
/// Fails once for all of them that could not begin.
pub(crate) async fn check_all(shell: &Shell, transfers: &[(String, BeginTransfer)]) -> Result<(), ShellError> {
    if transfers.len() < 2 {
        return Ok(());
    }
    let needs: Vec<(String, Need)> = transfers.iter().map(|(file, begins)| (file.clone(), Need::of(begins))).collect();
    let (names, identity) = (shell.access().names(), shell.access().identity());
    off_thread(move || {
        let (destinations, stored) = (BTreeSet::new(), BTreeSet::new());
        let mut place = Place { names: &names, owner: identity.name(), destinations, stored };
        let all = needs.len();
        let refused = needs.into_iter().filter_map(|(file, need)| place.check(&need).err().map(|error| (file, error)));
        refusal(refused.collect(), all)
    })
    .await?
}

/// Checks that these files of this machine can be read or are directories.
///
/// # Errors
/// Fails with the first one that cannot be read.
pub(crate) async fn check_sources(paths: Vec<PathBuf>) -> Result<(), ShellError> {
    off_thread(move || paths.iter().try_for_each(readable)).await?
}
