//! Temporary files for content whose checksum is compared before any of it is kept. Each user has a share of the room for them, so that none can
//! take it all from the others.
//!
//! The files are in a directory of the data directory that only its owner may enter. They have no names, so that they are gone with the
//! process; the directory that a killed process has left is removed by the next start.

use std::collections::HashMap;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_service::scratch::{self, Scratch};

use crate::bounds::Bounds;

/// Begin of the name of the directory.
const PREFIX: &str = ".web-content-";

/// The temporary files of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Spools(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    data_dir: PathBuf,
    bounds: Bounds,
    /// Directory of the files, once one was needed.
    directory: Mutex<Option<Scratch>>,
    /// Bytes of each user who has any.
    taken: Mutex<HashMap<String, u64>>,
}

/// Room that content of a user has in a temporary file. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    spools: Spools,
    user: String,
    bytes: u64,
}

impl Spools {
    /// Makes the temporary files of a server, and removes what a killed process has left of its own.
    pub(crate) fn new(data_dir: &Path, bounds: Bounds) -> Spools {
        scratch::sweep(data_dir, PREFIX);
        let (directory, taken) = (Mutex::default(), Mutex::default());
        Spools(Arc::new(Inner { data_dir: data_dir.to_owned(), bounds, directory, taken }))
    }

    /// Returns the bounds of these files.
    pub(crate) fn bounds(&self) -> Bounds {
        self.0.bounds
    }

    /// Makes a file without a name (mode 0600), in wall time.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub(crate) fn file(&self) -> io::Result<File> {
        // A panic while the lock was held leaves no directory, or a complete one.
        let mut directory = self.0.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match directory.take() {
            Some(made) => made,
            None => Scratch::new_in(&self.0.data_dir, PREFIX).map_err(|error| io::Error::other(error.to_string()))?,
        };
        let file = tempfile::tempfile_in(directory.insert(made).path())?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(file)
    }

    /// Returns room for content of a user, of which nothing is there yet.
    pub(crate) fn room(&self, user: &str) -> Room {
        Room { spools: self.clone(), user: user.to_owned(), bytes: 0 }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        // A panic while the lock was held leaves complete numbers.
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Takes room for more bytes. Returns false if there is none, for the user or at all.
    #[must_use]
    pub(crate) fn take(&mut self, more: u64) -> bool {
        let Bounds { checked_of_user, checked_of_all, .. } = self.spools.bounds();
        let mut taken = self.spools.taken();
        let all = taken.values().fold(more, |sum, bytes| sum.saturating_add(*bytes));
        let own = taken.get(&self.user).copied().unwrap_or_default().saturating_add(more);
        let is_there = own <= checked_of_user && all <= checked_of_all;
        if is_there && more > 0 {
            taken.insert(self.user.clone(), own);
            self.bytes += more;
        }
        is_there
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = self.spools.taken();
        if let Some(bytes) = taken.get_mut(&self.user) {
            *bytes = bytes.saturating_sub(self.bytes);
            if *bytes == 0 {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn spools(data_dir: &Path) -> Spools {
        Spools::new(data_dir, Bounds { checked_of_user: 10, checked_of_all: 15, ..Bounds::default() })
    }

    #[test]
    fn a_user_has_a_share_and_leaves_room_to_others() {
        let spools = spools(Path::new("/nowhere"));
        let (mut first, mut second, mut bobs) = (spools.room("alice"), spools.room("alice"), spools.room("bob"));
        assert_eq!([first.take(6), second.take(5), second.take(4), first.take(1)], [true, false, true, false]);
        assert_eq!([bobs.take(6), bobs.take(5), bobs.take(1), bobs.take(u64::MAX)], [false, true, false, false]);
        drop(first);
        assert_eq!([second.take(7), second.take(6)], [false, true]);
        drop((second, bobs));
        assert!(spools.taken().is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn files_are_private_and_what_a_killed_process_has_left_is_removed() {
        let data_dir = tempfile::tempdir().unwrap();
        let left = data_dir.path().join(".web-content-left");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("a"), "a").unwrap();
        let spools = spools(data_dir.path());
        assert!(!left.exists());
        let names = || std::fs::read_dir(data_dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        assert!(names().is_empty(), "nothing is made before it is needed");
        let files = [spools.file().unwrap(), spools.file().unwrap()];
        let directory = names().pop().unwrap();
        assert_eq!(std::fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "they have no names");
        let device = std::fs::metadata(&directory).unwrap().dev();
        for file in &files {
            let found = file.metadata().unwrap();
            assert_eq!((found.mode() & 0o777, found.nlink(), found.dev()), (0o600, 0, device));
        }
        drop(spools);
        assert!(names().is_empty());
    }
}
