//! Opening of the local files of transfers, which may take long on a disk of another machine and is therefore done by threads.

use std::path::{Path, PathBuf};

use p2p_base::replacement::{Existing, FileAttributes, Replacement};
use p2p_base::source_file;

use crate::error::EngineError;
use crate::io::Outcome;

/// Opens a local file that is to be uploaded.
pub(crate) fn open(path: &Path) -> Outcome {
    Outcome::Opened(source_file::open(path).map(Box::new).map_err(|error| cannot_read(path, error.to_string())))
}

/// Creates the local file of a download, which replaces an existing one only if `overwrite` says so, and gets these attributes, if any.
pub(crate) fn create(path: &Path, overwrite: bool, attributes: Option<FileAttributes>) -> Outcome {
    let created = create_destination(path, overwrite);
    Outcome::Created(created.map(|file| attributes.into_iter().fold(file, Replacement::with_attributes)).map(Box::new))
}

/// Creates a local file that content is to be fetched to. It has its name once it is finished, and replaces an existing file only if
/// `overwrite` says so.
///
/// # Errors
/// Fails if there is a file and it is not to be replaced, or if the file cannot be created.
pub fn create_destination(path: &Path, overwrite: bool) -> Result<Replacement, EngineError> {
    let target = destination(path).map_err(|reason| cannot_write(path, reason))?;
    if target.exists() && !overwrite {
        return Err(EngineError::DestinationTaken { path: path.to_owned() });
    }
    let existing = if overwrite { Existing::Replaced } else { Existing::Refused };
    Replacement::create(&target, existing).map_err(|error| cannot_write(path, error.to_string()))
}

/// Returns the error for a file that cannot be read.
pub(crate) fn cannot_read(path: &Path, reason: String) -> EngineError {
    EngineError::Source { path: path.to_owned(), reason }
}

fn cannot_write(path: &Path, reason: String) -> EngineError {
    EngineError::Destination { path: path.to_owned(), reason }
}

/// Resolves the path of a file to be written: a symbolic link is followed, and only a regular file may be replaced.
fn destination(path: &Path) -> Result<PathBuf, String> {
    let Ok(link) = std::fs::symlink_metadata(path) else { return Ok(path.to_owned()) };
    let target = if link.is_symlink() { std::fs::canonicalize(path) } else { Ok(path.to_owned()) };
    let target = target.map_err(|error| format!("it is a symbolic link that leads nowhere: {error}"))?;
    match std::fs::metadata(&target) {
        Ok(found) if found.is_dir() => Err("it is a directory".into()),
        Ok(found) if !found.is_file() => Err("it is not a regular file".into()),
        Ok(_) => Ok(target),
        Err(error) => Err(error.to_string()),
    }
}
