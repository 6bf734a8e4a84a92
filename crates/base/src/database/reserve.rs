//! Space reserved in the data directory for operations that have to work on a full disk: a user who deletes a file has to log in,
//! and the database writes new pages before it frees old ones. A file of the reserve's size holds the space until it is needed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, StatVfs, fallocate, statvfs};
use rustix::io::Errno;

use crate::private_file;
use crate::spelling::visible_path;

/// Name of the file that holds the space.
const NAME: &str = "reserve";
/// Size of the reserve in bytes: enough for some logins and deletions of files with hundreds of segments.
const SIZE: u64 = 768 << 10;
/// Free space in bytes below which changes that can wait are refused, and the reserve is used for the others.
const SHORT: u64 = 256 << 10;
/// Largest number of bytes written at once, on file systems that do not support preallocation.
const CHUNK: usize = 64 << 10;

/// Reserve of a directory.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// True if the reserve has been used and not been restored yet.
    is_used: AtomicBool,
}

impl Reserve {
    /// Makes the reserve of `directory`, whose file is created if it is missing and there is room.
    pub(super) fn of(directory: &Path) -> Reserve {
        let reserve = Reserve { path: directory.join(NAME), is_used: AtomicBool::new(false) };
        let is_whole = reserve.path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == SIZE);
        reserve.is_used.store(!is_whole, Ordering::SeqCst);
        reserve.restore();
        reserve
    }

    /// Returns true if the disk is almost full.
    pub(super) fn is_short(&self) -> bool {
        self.is_below(SHORT)
    }

    /// Returns true if the disk is almost full for changes that can wait, which may not use the space that the reserve has
    /// released.
    pub(super) fn is_short_for_more(&self) -> bool {
        let given = if self.is_used.load(Ordering::SeqCst) { SIZE.saturating_sub(self.len()) } else { 0 };
        self.is_below(SHORT + given)
    }

    fn is_below(&self, least: u64) -> bool {
        self.free().is_some_and(|free| free < least)
    }

    /// Returns the number of bytes that are still reserved.
    fn len(&self) -> u64 {
        self.path.symlink_metadata().map_or(0, |metadata| metadata.len())
    }

    /// Releases enough of the reserve to leave the free space that a change needs. Another process may use that space first, so
    /// that the rest is kept for the next time.
    pub(super) fn release(&self) {
        self.is_used.store(true, Ordering::SeqCst);
        let free = self.free().filter(|&free| free < SHORT).unwrap_or_default();
        let rest = self.len().saturating_sub(SHORT - free);
        let given = match rest {
            0 => fs::remove_file(&self.path),
            rest => File::options().write(true).open(&self.path).and_then(|file| file.set_len(rest)),
        };
        match given {
            Ok(()) => tracing::warn!(path = %visible_path(&self.path), rest, "the disk is full: room that was kept back is used"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %visible_path(&self.path), %error, "room that was kept back cannot be used"),
        }
    }

    /// Restores the reserve if it was used and there is enough room again.
    pub(super) fn restore(&self) {
        if !self.is_used.load(Ordering::SeqCst) || self.free().is_none_or(|free| free < 2 * SIZE) {
            return;
        }
        match self.make() {
            Ok(()) => self.is_used.store(false, Ordering::SeqCst),
            Err(error) => {
                tracing::debug!(%error, "no room is kept back");
                // A partial reserve only takes space from others.
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    fn make(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = private_file::create_new(&self.path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, SIZE) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(&file),
            Err(error) => Err(error.into()),
        }
    }

    fn free(&self) -> Option<u64> {
        free_bytes(private_file::directory_of(&self.path))
    }
}

/// Returns the number of free bytes in a directory that the user of this process may write; `None` if the system does not report
/// it.
pub(super) fn free_bytes(directory: &Path) -> Option<u64> {
    let StatVfs { f_bfree, f_bavail, f_frsize, .. } = statvfs(directory).ok()?;
    // Some blocks are reserved for the superuser.
    let blocks = if rustix::process::geteuid().is_root() { f_bfree } else { f_bavail };
    Some(blocks.saturating_mul(f_frsize))
}

/// Fills the file with random bytes, which no file system compresses.
fn fill(mut file: &File) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    getrandom::fill(&mut chunk).map_err(io::Error::other)?;
    for _ in 0..SIZE / CHUNK as u64 {
        file.write_all(&chunk)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn room_is_kept_back_given_away_and_kept_back_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        let reserve = Reserve::of(directory.path());
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.len() == SIZE && metadata.blocks() * 512 >= SIZE, "{metadata:?}");
        assert!(!reserve.is_short());
        // In parts, so that there is some left where somebody else uses what was given.
        let lens = [1, 2, 3].map(|_| {
            reserve.release();
            reserve.len()
        });
        assert_eq!(lens, [SIZE - SHORT, SIZE - 2 * SHORT, 0]);
        assert!(!path.exists());
        reserve.release();
        reserve.restore();
        assert_eq!(fs::metadata(&path).unwrap().len(), SIZE);
        // One that was cut short is made anew at the next start.
        File::options().write(true).open(&path).unwrap().set_len(10).unwrap();
        drop(Reserve::of(directory.path()));
        assert_eq!(fs::metadata(&path).unwrap().len(), SIZE);
    }

    #[test]
    fn what_the_system_does_not_allocate_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create(directory.path().join("file")).unwrap();
        fill(&file).unwrap();
        assert!(file.metadata().unwrap().len() == SIZE && file.metadata().unwrap().blocks() * 512 >= SIZE);
    }
}
