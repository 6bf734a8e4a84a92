//! The lock of a data directory, held either by one process that may change the directory, or by several that only read
//! it.
//!
//! The lock is `flock(2)` on the directory itself, so that no file has to be created before it is taken: it is held before the
//! first access to the content, and covers the catalog, the nodes' disks, the log, the recordings, and every sweep. The system
//! releases it when the process ends for any reason.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FlockOperation, OFlags, accessat, flock};
use rustix::io::Errno;
use thiserror::Error;

use crate::file_identity::FileIdentity;
use crate::spelling::visible_path;

/// Number of attempts to lock a directory that is replaced by another one while it is being locked.
const LOOKUPS_MAX: usize = 8;

/// Mode of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Exclusive lock of a process that may change the directory.
    Exclusive,
    /// Shared lock of processes that only read.
    Shared,
}

/// Error of locking a directory.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error("{path} is in use by another p2p process; one process at a time may use a data directory", path = visible_path(path))]
    InUse {
        /// Path of the directory.
        path: PathBuf,
    },
    /// The directory cannot be opened or locked.
    #[error("cannot lock {path}: {error}", path = visible_path(path))]
    Io {
        /// Path of the directory.
        path: PathBuf,
        /// Error of the operating system.
        error: io::Error,
    },
}

/// Lock of a data directory, which is released when it is dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    path: PathBuf,
    sharing: Sharing,
    /// Open file description that the lock belongs to; closing it releases the lock.
    _directory: File,
}

impl DirectoryLock {
    /// Locks an existing directory, without waiting.
    ///
    /// A shared lock also succeeds on a file system without locks, on which no other process can take an exclusive lock either.
    ///
    /// # Errors
    /// Returns [`LockError::InUse`] if another process, or another part of this one, holds a conflicting lock, and
    /// [`LockError::Io`] if the directory cannot be opened or locked.
    pub fn acquire(path: &Path, sharing: Sharing) -> Result<DirectoryLock, LockError> {
        let operation = match sharing {
            Sharing::Exclusive => FlockOperation::NonBlockingLockExclusive,
            Sharing::Shared => FlockOperation::NonBlockingLockShared,
        };
        let failed = |error| LockError::Io { path: path.to_owned(), error };
        for _ in 0..LOOKUPS_MAX {
            let directory = open_directory(path).map_err(failed)?;
            match flock(&directory, operation) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(LockError::InUse { path: path.to_owned() }),
                Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) if sharing == Sharing::Shared => {}
                Err(error) => return Err(failed(error.into())),
            }
            // The directory may have been moved away between the look-up and the lock, and another process may have locked a new
            // one of the same name.
            let locked = directory.metadata().map_err(failed)?;
            if path.metadata().is_ok_and(|named| FileIdentity::of(&named) == FileIdentity::of(&locked)) {
                return Ok(DirectoryLock { path: path.to_owned(), sharing, _directory: directory });
            }
        }
        Err(failed(io::Error::other("it is replaced by another again and again")))
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the mode of the lock.
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }
}

/// Returns true if an existing file or directory cannot be changed by this process: it belongs to another user, or is on a
/// read-only medium.
pub fn is_read_only(path: &Path) -> bool {
    let writable = accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS);
    matches!(writable, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS))
}

fn open_directory(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(OFlags::DIRECTORY.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(path: &Path, sharing: Sharing) -> Result<DirectoryLock, LockError> {
        DirectoryLock::acquire(path, sharing)
    }

    #[test]
    fn one_changes_or_several_read() {
        use Sharing::{Exclusive, Shared};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let writer = acquire(path, Exclusive).unwrap();
        for sharing in [Exclusive, Shared] {
            assert!(matches!(acquire(path, sharing), Err(LockError::InUse { .. })));
        }
        drop(writer);
        let readers = (acquire(path, Shared).unwrap(), acquire(path, Shared).unwrap());
        assert!(matches!(acquire(path, Exclusive), Err(LockError::InUse { .. })));
        drop(readers);
        acquire(path, Exclusive).unwrap();
        // Nothing is made for it.
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_directory_is_not_locked() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        for path in [file, directory.path().join("missing")] {
            let error = acquire(&path, Sharing::Exclusive).unwrap_err();
            assert!(matches!(&error, LockError::Io { .. }), "{error}");
        }
    }

    /// A directory by another name is the same directory.
    #[test]
    fn a_lock_is_the_directorys_and_not_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let held = acquire(&link, Sharing::Exclusive).unwrap();
        assert!(acquire(&real, Sharing::Exclusive).is_err());
        std::fs::rename(&real, directory.path().join("moved")).unwrap();
        std::fs::create_dir(&real).unwrap();
        let other = acquire(&real, Sharing::Exclusive).unwrap();
        drop((held, other));
    }
}
