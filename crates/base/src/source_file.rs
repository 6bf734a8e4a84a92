//! Local files whose content is read to be stored: regular files only, so that no read waits for another process.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use thiserror::Error;

use crate::file_identity::FileIdentity;

/// Opens a regular file, or the one that a symbolic link leads to, and returns it with what the system says of it. What is no regular
/// file is not opened: opening a pipe waits for its writer (fifo(7)).
///
/// # Errors
/// Fails if the file cannot be opened, or is no regular file.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory; only files can be stored"));
    }
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// State of a file, to detect changes: its identity, its length, and the times of the last change of its content and of its
/// inode. A program may set back the time of the content but not that of the inode (ctime, inode(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    file: FileIdentity,
    len: u64,
    /// Time of the last change of the content, in seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Version {
    /// Returns the present version of an open file.
    ///
    /// # Errors
    /// Fails if the system cannot say what it is.
    pub fn of(file: &File) -> io::Result<Version> {
        Ok(Version::in_metadata(&file.metadata()?))
    }

    /// Returns the version of the file that `found` describes.
    pub fn in_metadata(found: &Metadata) -> Version {
        Version {
            file: FileIdentity::of(found),
            len: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    /// Returns the length that the system reports, in bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Returns true if the system reports a length of zero, as it does of files that it generates as they are read (proc(5)).
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Error of a file that is not as it was when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it changed while it was read")]
pub struct Changed;

impl Changed {
    /// Returns true if reading has failed because the file is not as it was when it was opened.
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Changed>())
    }
}

/// Reader of a file that must stay as it was when it was opened: in the place of its end comes [`Changed`] if it did not.
#[derive(Debug)]
pub struct Unchanging {
    file: File,
    version: Version,
}

impl Unchanging {
    /// Creates the reader of an open file, of which the system said `found` when it was opened.
    pub fn new(file: File, found: &Metadata) -> Unchanging {
        Unchanging { file, version: Version::in_metadata(found) }
    }

    /// Returns what tells later, after the file was read, whether it is still the same.
    ///
    /// # Errors
    /// Fails if the system has no room for a further open file.
    pub fn watched(&self) -> io::Result<Watched> {
        Ok(Watched { file: self.file.try_clone()?, version: self.version })
    }
}

/// Open file, to find out whether it is still as it was when it was opened.
#[derive(Debug)]
pub struct Watched {
    file: File,
    version: Version,
}

impl Watched {
    /// Returns true if the file has changed since it was opened, or if the system cannot say.
    pub fn has_changed(&self) -> bool {
        Version::of(&self.file).ok() != Some(self.version)
    }
}

impl Read for Unchanging {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.file.read(into)? {
            0 if !into.is_empty() && Version::of(&self.file)? != self.version => Err(io::Error::other(Changed)),
            len => Ok(len),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_regular_file_is_opened_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a"), b"abc").unwrap();
        std::os::unix::fs::symlink("a", path("link")).unwrap();
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for name in ["a", "link"] {
            assert_eq!(open(&path(name)).unwrap().1.len(), 3, "{name}");
        }
        assert_eq!(open(directory.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(open(&path("pipe")).unwrap_err().kind(), ErrorKind::InvalidInput, "and no writer is waited for");
        assert_eq!(open(&path("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_change_is_known_whatever_time_is_set() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        let version = Version::of(&file).unwrap();
        let times = fs::FileTimes::new().set_modified(file.metadata().unwrap().modified().unwrap());
        assert_eq!(Version::of(&file).unwrap(), version);
        // The kernel's clock of files may tick four milliseconds later only.
        let changed = (0..1_000_000).any(|_| {
            file.write_all(b"x").and_then(|()| file.set_len(6)).and_then(|()| file.set_times(times)).unwrap();
            Version::of(&file).unwrap() != version
        });
        assert!(changed && Version::of(&file).unwrap().modified == version.modified);
    }

    #[test]
    fn the_end_of_a_file_that_changed_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, b"before").unwrap();
        let reader = || open(&path).map(|(file, found)| Unchanging::new(file, &found)).unwrap();
        let mut content = Vec::new();
        assert_eq!(reader().read_to_end(&mut content).unwrap(), 6, "it has not changed");
        let mut changing = reader();
        let watched = changing.watched().unwrap();
        assert!(!watched.has_changed());
        let mut start = [0; 3];
        changing.read_exact(&mut start).unwrap();
        File::options().append(true).open(&path).and_then(|mut file| file.write_all(b"more")).unwrap();
        let error = changing.read_to_end(&mut content).unwrap_err();
        assert!(watched.has_changed());
        assert!(Changed::is_cause_of(&error), "{error}");
    }
}
