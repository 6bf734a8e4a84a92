//! The side of this machine: files that are sent, and the places of those that are fetched.
//!
//! A fetched file appears under its name once all of it is there. What `--resume` keeps of one stands beside it in a file of its own (0600), whose
//! time of modification is that of the file at the host, so that what has changed there since is not continued.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use p2p_base::replacement::{FileAttributes, Replacement};
use p2p_base::source_file::{self, Unchanging};
use p2p_engine::{EngineError, create_destination};
use p2p_service::files::Attributes as Kept;
use p2p_ssh::client::sftp::{Attributes, kept_name, of_path};
use rustix::fs::OFlags;

use super::Failure;
use crate::operand::is_dash;

/// Source of a file that is sent.
pub(super) struct Source {
    pub(super) content: Box<dyn Read + Send>,
    /// Name of its own; none of standard input.
    pub(super) name: Option<String>,
    /// Size in bytes, if it is known before it is read.
    pub(super) size: Option<u64>,
    /// Time of its last modification and its permission bits.
    pub(super) attributes: Option<(u64, u32)>,
}

impl Source {
    /// Opens a file of this machine, or standard input.
    ///
    /// # Errors
    /// Fails if it cannot be opened, or is no regular file.
    pub(super) fn open(path: &Path) -> Result<Source, Failure> {
        if is_dash(path) {
            return Ok(Source { content: Box::new(io::stdin()), name: None, size: None, attributes: None });
        }
        let unreadable = |error: io::Error| EngineError::Source { path: path.to_owned(), reason: error.to_string() };
        let (file, metadata) = source_file::open(path).map_err(unreadable)?;
        let attributes = Kept::from(&metadata);
        Ok(Source {
            content: Box::new(Unchanging::new(file, &metadata)),
            name: path.file_name().map(|name| of_path(Path::new(name))),
            size: Some(metadata.len()),
            attributes: attributes.modified.zip(attributes.mode),
        })
    }
}

/// Place of a file that is fetched.
pub(super) enum Place {
    /// Standard output.
    Output,
    /// File that has no name until it is whole.
    Whole(Box<Replacement>),
    /// File beside the place, which stays if it is interrupted.
    Kept(KeptPart),
}

/// File beside the place, kept open for what is still to come.
pub(super) struct KeptPart {
    file: File,
    path: PathBuf,
    /// Bytes that it has.
    bytes: u64,
    destination: Replacement,
}

impl Place {
    /// Begins the file at a path, which has these attributes at the host.
    ///
    /// # Errors
    /// Fails if there is such a file already and it is not to be replaced, or if it cannot be written.
    pub(super) fn begin(path: &Path, is_forced: bool, is_kept: bool, there: &Attributes) -> Result<Place, Failure> {
        if is_dash(path) {
            return Ok(Place::Output);
        }
        let destination = create_destination(path, is_forced)?;
        if !is_kept {
            return Ok(Place::Whole(Box::new(destination)));
        }
        let part = beside(destination.place());
        let unwritable = |error: io::Error| EngineError::Destination { path: part.clone(), reason: error.to_string() };
        Ok(Place::Kept(KeptPart::open(part.clone(), destination, there).map_err(unwritable)?))
    }

    /// Returns the bytes that are here already, with their content for the digest.
    pub(super) fn kept(&self) -> io::Result<(u64, Option<File>)> {
        match self {
            Place::Kept(part) if part.bytes > 0 => Ok((part.bytes, Some(File::open(&part.path)?))),
            _ => Ok((0, None)),
        }
    }

    /// Returns what writes the content, behind the bytes that are here already.
    pub(super) fn sink(&self) -> io::Result<Box<dyn Write + Send>> {
        Ok(match self {
            Place::Output => Box::new(io::stdout()),
            Place::Whole(destination) => Box::new(destination.writer()?),
            Place::Kept(part) => Box::new(part.file.try_clone()?),
        })
    }

    /// Gives the file its name, and its attributes if they are to be kept.
    pub(super) fn finish(self, attributes: Option<FileAttributes>) -> io::Result<()> {
        let (destination, part) = match self {
            Place::Output => return Ok(()),
            Place::Whole(destination) => (*destination, None),
            Place::Kept(KeptPart { mut file, path, mut destination, .. }) => {
                file.rewind()?;
                io::copy(&mut file, &mut destination)?;
                (destination, Some(path))
            }
        };
        let destination = match attributes {
            Some(attributes) => destination.with_attributes(attributes),
            None => destination,
        };
        destination.finish()?;
        part.map_or(Ok(()), fs::remove_file)
    }

    /// Leaves what was fetched of a file with this time of modification, if it is to be kept, and returns its size. What is of no use is removed.
    pub(super) fn give_up(self, there: &Attributes, is_useful: bool) -> Option<u64> {
        let Place::Kept(part) = self else { return None };
        let time = there.modified.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let kept = part.file.metadata().ok().map(|found| found.len()).filter(|&bytes| bytes > 0 && is_useful);
        match (kept, time) {
            (Some(bytes), Some(time)) if part.file.set_modified(time).is_ok() => Some(bytes),
            _ => {
                // What is left of it is not continued, since its time is another.
                let _ = fs::remove_file(&part.path);
                None
            }
        }
    }
}

impl KeptPart {
    fn open(path: PathBuf, destination: Replacement, there: &Attributes) -> io::Result<KeptPart> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits() as i32);
        let file = options.open(&path)?;
        file.try_lock().map_err(|_| io::Error::other("another transfer writes it"))?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let modified = found.modified()?.duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs());
        let is_of_it = modified == there.modified && there.bytes.is_some_and(|size| found.len() <= size);
        if !is_of_it {
            file.set_len(0)?;
        }
        Ok(KeptPart { bytes: if is_of_it { found.len() } else { 0 }, file, path, destination })
    }
}

/// Returns the path of what is kept of a file.
fn beside(place: &Path) -> PathBuf {
    let name = place.file_name().and_then(|name| name.to_str()).unwrap_or("p2p");
    place.with_file_name(kept_name(name))
}

#[cfg(test)]
mod tests {
    use p2p_ssh::client::sftp::Kind;

    use super::*;

    const THERE: Attributes = Attributes { kind: Kind::File, bytes: Some(6), modified: Some(1_700_000_000), mode: None };

    fn begun(path: &Path, there: &Attributes) -> Place {
        Place::begin(path, false, true, there).unwrap()
    }

    /// What is kept is continued while the file at the host is the same, and is gone once the file is whole.
    #[test]
    fn what_is_kept_is_of_the_same_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let place = begun(&path, &THERE);
        place.sink().unwrap().write_all(b"abc").unwrap();
        assert!(Place::begin(&path, false, true, &THERE).is_err(), "two write it");
        assert_eq!(place.give_up(&THERE, true), Some(3));
        let other = Attributes { modified: Some(1_700_000_001), ..THERE };
        let place = begun(&path, &THERE);
        assert_eq!(place.kept().unwrap().0, 3);
        place.sink().unwrap().write_all(b"def").unwrap();
        place.finish(None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        fs::remove_file(&path).unwrap();
        let place = begun(&path, &THERE);
        place.sink().unwrap().write_all(b"abc").unwrap();
        assert_eq!(place.give_up(&THERE, true), Some(3));
        let place = begun(&path, &other);
        assert_eq!(place.kept().unwrap().0, 0, "it has changed there");
        place.sink().unwrap().write_all(b"x").unwrap();
        assert_eq!(place.give_up(&other, false), None);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "what is of no use is removed");
    }
}
