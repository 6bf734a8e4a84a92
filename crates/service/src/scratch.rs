//! Temporary directories, accessible to their owner only (mode 0700) whatever the umask is. They are removed at the
//! end; those of killed processes are removed when the next one is created in the same place.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use eyre::{Result, WrapErr, eyre};
use p2p_base::file_identity::FileIdentity;
use p2p_base::spelling::visible_path;
use rustix::fs::OFlags;
use tempfile::TempDir;

/// Number of attempts if a concurrent sweep removes the new directory before it is locked.
const ATTEMPTS: usize = 16;

/// Temporary directory that is removed when the value is dropped. It is locked (flock(2)) as long as it is in use, so that
/// other processes do not take it for a leftover.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    _lock: File,
}

impl Scratch {
    /// Creates a directory in `parent` whose name begins with `prefix`. Directories with this prefix that killed processes left
    /// there are removed.
    ///
    /// # Errors
    /// Fails if no directory can be created.
    pub fn new_in(parent: &Path, prefix: &str) -> Result<Scratch> {
        sweep(parent, prefix);
        let failed = || format!("cannot make a temporary directory in {}", visible_path(parent));
        for _ in 0..ATTEMPTS {
            let mut builder = tempfile::Builder::new();
            let directory = builder.prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir_in(parent);
            let directory = directory.wrap_err_with(failed)?;
            // Until it is locked, the sweep of another process may take it for a leftover.
            if let Ok(lock) = locked(directory.path()) {
                return Ok(Scratch { directory, _lock: lock });
            }
        }
        Err(eyre!("{}: it is swept again and again", failed()))
    }

    /// Creates a directory in the system's directory for temporary files.
    ///
    /// # Errors
    /// Fails if no directory can be created.
    pub fn temporary(prefix: &str) -> Result<Scratch> {
        use crate::failure::Advise;
        Scratch::new_in(&std::env::temp_dir(), prefix).suggestion("TMPDIR names another directory")
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Opens and locks a directory if it exists and belongs to this user.
fn locked(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
    let directory = File::options().read(true).custom_flags(flags.bits() as i32).open(path)?;
    directory.try_lock()?;
    let (found, held) = (fs::symlink_metadata(path)?, directory.metadata()?);
    let is_same = FileIdentity::of(&found) == FileIdentity::of(&held);
    let is_own = held.uid() == rustix::process::geteuid().as_raw();
    if is_same && is_own { Ok(directory) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Removes the directories of this user in `parent` whose names begin with `prefix` and that no process uses.
pub fn sweep(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let path = entry.path();
        if let Ok(_lock) = locked(&path)
            && let Err(error) = fs::remove_dir_all(&path)
        {
            tracing::debug!(%error, ?path, "what a killed process has left is not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_uses_is_swept_and_what_somebody_uses_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let used = Scratch::new_in(parent.path(), "p2p-x-").unwrap();
        fs::create_dir_all(parent.path().join("p2p-x-left/deep")).unwrap();
        fs::create_dir(parent.path().join("other")).unwrap();
        fs::write(parent.path().join("p2p-x-file"), "").unwrap();
        std::os::unix::fs::symlink(parent.path().join("other"), parent.path().join("p2p-x-link")).unwrap();
        let second = Scratch::new_in(parent.path(), "p2p-x-").unwrap();
        assert!(!parent.path().join("p2p-x-left").exists());
        assert!(["other", "p2p-x-file", "p2p-x-link"].iter().all(|name| parent.path().join(name).exists()));
        assert_eq!(fs::metadata(used.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let (path, other) = (used.path().to_owned(), second.path().to_owned());
        drop((used, second));
        assert!(!path.exists() && !other.exists());
    }
}
