//! Floor 4: directories for a while: their owner's alone (0700), whatever the umask is; gone at the end; and where a process was killed,
//! gone when the next one makes one beside. Knows nothing of what is in them.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use eyre::{Result, WrapErr, eyre};
use rustix::fs::OFlags;
use tempfile::TempDir;

use crate::file_identity::FileIdentity;

/// How often it is tried anew where a sweeper was faster than the lock.
const ATTEMPTS: usize = 16;

/// A directory that is removed when this is dropped. While it is kept, the directory is locked (flock(2)), so that others know that it
/// is no leftover.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    _lock: File,
}

impl Scratch {
    /// A new directory in `parent`, whose name begins with `prefix`. What killed processes have left there under such names is removed.
    ///
    /// # Errors
    /// Where there can be none.
    pub fn new_in(parent: &Path, prefix: &str) -> Result<Scratch> {
        sweep(parent, prefix);
        let failed = || format!("cannot make a temporary directory in {}", parent.display());
        for _ in 0..ATTEMPTS {
            let mut builder = tempfile::Builder::new();
            let directory = builder.prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir_in(parent);
            let directory = directory.wrap_err_with(failed)?;
            // Somebody who sweeps may take it for a leftover before it is locked.
            if let Ok(lock) = locked(directory.path()) {
                return Ok(Scratch { directory, _lock: lock });
            }
        }
        Err(eyre!("{}: it is swept again and again", failed()))
    }

    /// The same in the directory for temporary files.
    ///
    /// # Errors
    /// Where there can be none.
    pub fn temporary(prefix: &str) -> Result<Scratch> {
        use crate::failure::Advise;
        Scratch::new_in(&std::env::temp_dir(), prefix).suggestion("TMPDIR names another directory")
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Locks a directory that is this user's and is there.
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
