//! Synchronisation of whole file systems at once, by `syncfs(2)`, on those file systems where its result can be relied upon.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// First version of Linux whose `syncfs` reports that data could not be written back (syncfs(2), "Versions").
const REPORTS_FROM: (u32, u32) = (5, 8);
/// Magic numbers of the file systems whose `syncfs` writes everything back and reports failures (statfs(2) lists the numbers):
/// ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. FUSE without `FUSE_SYNCFS` does not tell its server, network file systems have servers
/// of their own, and overlayfs does not pass on the errors of its upper layer.
const COVERED: [i128; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// File systems of a set of disks. A file system that several disks share is opened once.
#[derive(Debug, Clone, Default)]
pub struct FileSystems(Arc<Mutex<BTreeMap<u64, Arc<FileSystem>>>>);

impl FileSystems {
    /// Returns the file system that contains a directory.
    ///
    /// # Errors
    /// Fails if the directory cannot be opened.
    pub(super) fn of(&self, directory: &Path) -> io::Result<Arc<FileSystem>> {
        let device = fs::metadata(directory)?.dev();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&device) {
            return Ok(Arc::clone(known));
        }
        let opened = Arc::new(FileSystem::open(directory)?);
        known.insert(device, Arc::clone(&opened));
        Ok(opened)
    }
}

/// File system with an open file on it. The kernel reports a write-back error to each open file once, and only if the error
/// happened after the file was opened; so one file is kept open from before the first write on, and the failures reported to it
/// are counted here for every disk.
#[derive(Debug)]
pub(super) struct FileSystem {
    directory: Mutex<File>,
    covered: bool,
    failures: AtomicU64,
}

impl FileSystem {
    fn open(directory: &Path) -> io::Result<FileSystem> {
        let directory = File::open(directory)?;
        let covered = is_covered(&directory);
        Ok(FileSystem { directory: Mutex::new(directory), covered, failures: AtomicU64::new(0) })
    }

    /// Returns true if syncing the whole file system makes everything on it durable, or reports that it did not.
    pub(super) fn is_covered(&self) -> bool {
        self.covered
    }

    /// Returns the number of failed syncs.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Makes everything on the file system durable. `known` is the number of failures that the caller has been told of; a later
    /// failure is reported to it now, even if the sync of another disk met it.
    pub(super) fn sync(&self, known: &AtomicU64) -> io::Result<()> {
        // The lock makes syncs run one after the other: of two concurrent callers the kernel tells only one of an error, and it
        // is counted before the other one reads the counter.
        let directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let synced = syncfs(&directory);
        if synced.is_err() {
            self.failures.fetch_add(1, Ordering::SeqCst);
        }
        let failures = self.failures();
        match synced {
            Ok(()) if known.swap(failures, Ordering::SeqCst) != failures => Err(rustix::io::Errno::IO.into()),
            synced => {
                known.store(failures, Ordering::SeqCst);
                synced
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn syncfs(directory: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(directory)?)
}

#[cfg(target_os = "linux")]
fn is_covered(directory: &File) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let reports = version_of(&release).is_some_and(|version| version >= REPORTS_FROM);
    reports && rustix::fs::fstatfs(directory).is_ok_and(|found| COVERED.contains(&i128::from(found.f_type)))
}

/// Parses the major and minor number of a kernel release, such as `6.18.0-generic`.
#[cfg(target_os = "linux")]
fn version_of(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Fails, since other systems have no such call.
#[cfg(not(target_os = "linux"))]
fn syncfs(_directory: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn is_covered(_directory: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_told_by_their_numbers() {
        for (release, version) in
            [("6.18.0-generic", (6, 18)), ("5.8", (5, 8)), ("5.10.0-28-amd64\n", (5, 10)), ("4.19.1", (4, 19))]
        {
            assert_eq!(version_of(release), Some(version));
        }
        assert_eq!(version_of("unknown"), None);
    }

    /// Two disks on one file system: a failure that the first one's sync met concerns the other as well.
    #[test]
    fn a_failure_is_told_to_every_disk_once() {
        let directory = tempfile::tempdir().unwrap();
        let (systems, first, second) = (FileSystems::default(), AtomicU64::new(0), AtomicU64::new(0));
        let system = systems.of(directory.path()).unwrap();
        assert!(Arc::ptr_eq(&system, &systems.of(directory.path()).unwrap()));
        system.sync(&first).unwrap();
        // As a failed system call would have done for the first disk.
        system.failures.fetch_add(1, Ordering::SeqCst);
        first.store(1, Ordering::SeqCst);
        assert!(system.sync(&first).is_ok());
        assert!(system.sync(&second).is_err());
        assert!(system.sync(&second).is_ok());
    }

    #[test]
    fn what_has_no_data_of_its_own_is_not_synced_as_a_whole() {
        if let Ok(proc) = File::open("/proc") {
            assert!(!is_covered(&proc));
        }
    }
}
