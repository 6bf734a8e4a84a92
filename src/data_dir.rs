//! Floor 0: the lock of a data directory, which one process at a time holds that changes anything in it, or several that only read.
//!
//! The lock is `flock(2)` of the directory itself, so that nothing has to be made before it is taken: it stands before the
//! first look at what is there, and covers the catalog, the nodes' disks, the log, the recordings, and every sweep. The system
//! releases it when the process ends, however that ends. Knows nothing of what is in the directory.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FlockOperation, OFlags, accessat, flock};
use rustix::io::Errno;
use thiserror::Error;

use crate::file_identity::FileIdentity;

/// How often a directory is looked up anew that is replaced by another while it is being locked.
const LOOKUPS_MAX: usize = 8;

/// With whom a directory is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// With nobody: something may be changed.
    Exclusive,
    /// With others who only read.
    Shared,
}

/// Why a directory is not locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error("{path} is in use by another p2p process; one process at a time may use a data directory", path = path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be opened or locked.
    #[error("cannot lock {path}: {error}", path = path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// A data directory that is locked for as long as this lives.
#[derive(Debug)]
pub struct DirectoryLock {
    path: PathBuf,
    sharing: Sharing,
    /// The lock is this open file description's, and is gone when it is closed.
    _directory: File,
}

impl DirectoryLock {
    /// Locks a directory that is there, without waiting.
    ///
    /// What is only read may be where nobody can lock anything; nobody can change it there either.
    ///
    /// # Errors
    /// [`LockError::InUse`] where another process, or another part of this one, has it locked.
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
            // Somebody may have moved it away between the look-up and the lock, and locked another of the same name.
            let locked = directory.metadata().map_err(failed)?;
            if path.metadata().is_ok_and(|named| FileIdentity::of(&named) == FileIdentity::of(&locked)) {
                return Ok(DirectoryLock { path: path.to_owned(), sharing, _directory: directory });
            }
        }
        Err(failed(io::Error::other("it is replaced by another again and again")))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// With whom it is shared.
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }
}

/// Whether a file or directory that is there cannot be changed by this process: it is somebody else's, or on a medium that is only
/// read.
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
