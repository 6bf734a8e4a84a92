//! Opening of the local files of transfers, which may take long on a disk of another machine and is therefore done by threads.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2p_base::units::ByteSize;
use p2p_store::segment::{SegmentId, SegmentSize};

use super::{DownloadSink, Edge, FileSource, UploadSource};
use crate::error::EngineError;
use crate::io::Opened;

/// Opens a local file that is to be uploaded.
pub(crate) fn open(path: &Path, segment_size: SegmentSize) -> Opened {
    let opened = open_source(path).map_err(|reason| cannot_read(path, reason));
    let edge = |(file, size)| (Edge::of_source(UploadSource::File(FileSource::new(file, path, segment_size))), Some(size));
    Opened(opened.map(edge))
}

/// Creates the local file of a download. The content of `unknown` segments is not verified.
pub(crate) fn create(path: PathBuf, overwrite: bool, unknown: Arc<BTreeSet<SegmentId>>) -> Opened {
    let created = || {
        let target = destination(&path).map_err(|reason| cannot_write(&path, reason))?;
        if target.exists() && !overwrite {
            return Err(EngineError::DestinationTaken { path: path.clone() });
        }
        let sink = DownloadSink::create(&target, overwrite).map_err(|error| cannot_write(&path, error.to_string()))?;
        Ok((Edge::of_sink(sink.with_unknown(unknown)), None))
    };
    Opened(created())
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

/// Opens a local file for reading and returns it with its size.
fn open_source(path: &Path) -> Result<(File, ByteSize), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory; only files can be stored".into());
    }
    if !metadata.is_file() {
        return Err("it is not a regular file".into());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    Ok((file, ByteSize::from_bytes(metadata.len())))
}
