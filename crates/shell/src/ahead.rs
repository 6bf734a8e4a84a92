//! Checks of all transfers of a command before the first of them begins. What only shows later, such as a node without room, is left
//! to each.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;

use p2p_engine::operation::{BeginTransfer, Sink, Source};
use p2p_engine::{Command, EngineError};
use p2p_store::names::FileKey;
use p2p_store::namespace::Namespace;

use crate::trees::off_thread;
use crate::{Shell, ShellError};

/// Needs of transfers on this machine and in the namespace of a user.
#[derive(Debug, Default)]
struct Needs {
    sources: Vec<PathBuf>,
    /// Paths at which files are to appear.
    destinations: Vec<PathBuf>,
    /// Names under which files are to be stored.
    names: Vec<String>,
}

impl Needs {
    fn of<'a>(transfers: impl IntoIterator<Item = &'a BeginTransfer>) -> Needs {
        let mut needs = Needs::default();
        for transfer in transfers {
            match transfer.command() {
                Command::Upload(upload) => {
                    needs.names.extend(upload.stored_name().map(str::to_owned));
                    if let Source::File(path) = &upload.source {
                        needs.sources.push(path.clone());
                    }
                }
                Command::Download(download) => {
                    if let Sink::File { path, overwrite: false } = &download.sink {
                        needs.destinations.push(path.clone());
                    }
                }
                _ => {}
            }
        }
        needs
    }

    /// Refuses sources that cannot be read, destinations that exist or are named twice, and names that are taken or given twice.
    fn check(&self, names: &Namespace, owner: Option<&str>) -> Result<(), ShellError> {
        self.sources.iter().try_for_each(readable)?;
        if let Some(path) = self.destinations.iter().find(|path| fs::symlink_metadata(path).is_ok()) {
            return Err(EngineError::DestinationTaken { path: path.clone() }.into());
        }
        if let Some(path) = twice(&self.destinations) {
            return Err(ShellError::Bad(format!("two of the files would be written to {}", path.display())));
        }
        if let Some(name) = self.names.iter().find(|name| names.get(&FileKey::new(owner, name)).is_some()) {
            return Err(EngineError::NameTaken { name: name.clone() }.into());
        }
        match twice(&self.names) {
            Some(name) => {
                Err(ShellError::Bad(format!("two of the files would be stored as `{name}`; --as DIRECTORY/ keeps them apart")))
            }
            None => Ok(()),
        }
    }
}

/// Refuses a path that is no file to read. Only regular files are opened, since another kind may wait for its other end.
fn readable(path: &PathBuf) -> Result<(), ShellError> {
    let found = fs::metadata(path).and_then(|found| if found.is_file() { File::open(path).map(drop) } else { Ok(()) });
    found.map_err(|error| EngineError::Source { path: path.clone(), reason: error.to_string() }.into())
}

fn twice<T: Ord>(items: &[T]) -> Option<&T> {
    let mut seen = BTreeSet::new();
    items.iter().find(|item| !seen.insert(*item))
}

/// Checks several transfers that are to begin one after the other. A single one is checked when it begins.
///
/// # Errors
/// Fails if one of them could not begin.
pub(crate) async fn check_all(shell: &Shell, transfers: &[(String, BeginTransfer)]) -> Result<(), ShellError> {
    if transfers.len() < 2 {
        return Ok(());
    }
    let needs = Needs::of(transfers.iter().map(|(_, begins)| begins));
    let (names, identity) = (shell.access().names(), shell.access().identity());
    off_thread(move || needs.check(&names, identity.name())).await?
}

/// Checks that these files of this machine can be read or are directories.
///
/// # Errors
/// Fails with the first one that cannot be read.
pub(crate) async fn check_sources(paths: Vec<PathBuf>) -> Result<(), ShellError> {
    off_thread(move || paths.iter().try_for_each(readable)).await?
}
