//! A disk that stores its segments as files of a directory.
//!
//! ```text
//! <directory>/segments/ab/abcd…   one file per segment, named by its digest
//! <directory>/incoming/           files that are being written; those found at the start were left by a crash
//! <directory>/volume              the marker of the volume
//! ```
//!
//! A segment is written under `incoming` and renamed, so that it is stored whole or not at all. `sync` makes files and
//! directories durable one by one, or the whole file system at once if that is cheaper and its result can be relied upon. Only
//! regular files are read, and no more of them than the length of a segment, even if another program has put a different file in
//! the place of one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use p2p_base::private_file;
use p2p_base::spelling::visible_path;
use rustix::io::Errno;

use super::directory_entries::{Entries, Kind};
use super::disk::{Disk, DiskAction, DiskError};
use super::file_system::{FileSystem, FileSystems};
use super::marker::{MARKER_MAX, Marker, Marking};
use super::segment::{SegmentId, SegmentSize};

/// File name of the marker.
const MARKER: &str = "volume";
/// File name of the marker while it is being written.
const UNFINISHED_MARKER: &str = "volume.new";
/// Number of segments from which on the whole file system is synced rather than each file.
const SYNC_ALL_FROM: usize = 16;
/// Number of attempts to move a segment to its directory, which is removed together with the last segment in it and may therefore
/// disappear in between.
const MOVES_MAX: usize = 3;
/// Length of the longest segment in bytes.
const SEGMENT_MAX: u64 = SegmentSize::MAX.as_u64();

/// Disk that keeps segments as files of a directory.
#[derive(Debug)]
pub struct LocalDisk {
    directory: PathBuf,
    segments: PathBuf,
    incoming: PathBuf,
    next_incoming: AtomicU64,
    file_systems: FileSystems,
    /// File system of the directory, known from the first write on.
    file_system: OnceLock<Arc<FileSystem>>,
    /// Number of failed syncs of the file system that this disk has been told of.
    failures_known: AtomicU64,
}

/// Place that a written segment is moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Place without a segment, or with one that no file relies upon.
    Free,
    /// Place with a segment that may be the only copy for a stored file.
    Taken,
}

impl LocalDisk {
    /// Opens the disk in `directory` and creates the directories that are missing.
    ///
    /// # Errors
    /// Fails if the directories cannot be created.
    pub fn open(directory: &Path) -> Result<LocalDisk, DiskError> {
        let disk = LocalDisk::at(directory, &FileSystems::default());
        disk.prepare()?;
        Ok(disk)
    }

    /// Makes the disk in `directory`, one of several on these file systems, without accessing or creating any file yet.
    pub fn at(directory: &Path, file_systems: &FileSystems) -> LocalDisk {
        LocalDisk {
            directory: directory.to_owned(),
            segments: directory.join("segments"),
            incoming: directory.join("incoming"),
            next_incoming: AtomicU64::new(0),
            file_systems: file_systems.clone(),
            file_system: OnceLock::new(),
            failures_known: AtomicU64::new(0),
        }
    }

    /// Returns the path of a segment's file.
    pub fn path_of(&self, id: SegmentId) -> PathBuf {
        path_below(&self.segments, id)
    }

    fn put(&self, id: SegmentId, bytes: &[u8], place: Place) -> Result<(), DiskError> {
        // The file system is opened before the first write, so that every write-back error is reported.
        self.file_system()?;
        let number = self.next_incoming.fetch_add(1, Ordering::Relaxed);
        let path = self.incoming.join(format!("{}-{number}", std::process::id()));
        let written = write_incoming(&path, bytes, place).and_then(|()| self.move_in(&path, id));
        written.map_err(|error| {
            // A file that cannot be removed here is swept at the next start.
            let _ = fs::remove_file(&path);
            failed(DiskAction::Write, &self.path_of(id), &error)
        })
    }

    fn move_in(&self, from: &Path, id: SegmentId) -> io::Result<()> {
        let to = self.path_of(id);
        for _ in 1..MOVES_MAX {
            match fs::rename(from, &to) {
                // Only this one directory is created: if its parent is missing, the disk is gone.
                Err(error) if error.kind() == ErrorKind::NotFound => to.parent().map_or(Ok(()), private_file::make_directory)?,
                result => return result,
            }
        }
        fs::rename(from, &to)
    }

    fn file_system(&self) -> Result<&FileSystem, DiskError> {
        if let Some(known) = self.file_system.get() {
            return Ok(known);
        }
        let found = self.file_systems.of(&self.segments).map_err(|error| failed(DiskAction::Open, &self.segments, &error))?;
        // Failures from before the first write of this disk do not concern it.
        self.failures_known.store(found.failures(), Ordering::SeqCst);
        Ok(self.file_system.get_or_init(|| found))
    }

    fn sync_all(&self, ids: &[SegmentId], file_system: &FileSystem) -> Result<(), DiskError> {
        if let Some(&id) = ids.iter().find(|&&id| !fs::symlink_metadata(self.path_of(id)).is_ok_and(|found| found.is_file())) {
            return Err(DiskError::NotFound { id });
        }
        file_system.sync(&self.failures_known).map_err(|error| failed(DiskAction::Sync, &self.segments, &error))
    }

    fn sync_each(&self, ids: &[SegmentId]) -> Result<(), DiskError> {
        let mut directories = BTreeSet::new();
        for &id in ids {
            let path = self.path_of(id);
            sync_path(&path, id)?;
            directories.extend(path.parent().map(Path::to_owned));
        }
        directories.insert(self.segments.clone());
        for directory in directories {
            private_file::sync_directory(&directory).map_err(|error| failed(DiskAction::Sync, &directory, &error))?;
        }
        Ok(())
    }

    /// Lists the subdirectories of segments, each named by the first two digits of the names of its segments.
    fn fan_out(&self, action: DiskAction) -> Result<Vec<PathBuf>, DiskError> {
        let mut found = entries(&self.segments, action)?;
        found.retain(|path| name_of(path).is_some_and(|name| name.len() == 2 && name.bytes().all(is_lower_hex)));
        Ok(found)
    }
}

/// Returns the segment that a file of this name in the subdirectory called `prefix` holds.
fn segment_at(prefix: &str, name: &[u8]) -> Option<SegmentId> {
    let is_name = name.starts_with(prefix.as_bytes()) && name.iter().all(|&byte| is_lower_hex(byte));
    if is_name { std::str::from_utf8(name).ok()?.parse().ok() } else { None }
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')
}

impl Disk for LocalDisk {
    fn prepare(&self) -> Result<(), DiskError> {
        for path in [&self.segments, &self.incoming] {
            private_file::create_directory(path).map_err(|error| failed(DiskAction::Open, path, &error))?;
        }
        Ok(())
    }

    fn marking(&self) -> Result<Marking, DiskError> {
        let path = self.directory.join(MARKER);
        match private_file::read(&path, MARKER_MAX + 1) {
            Ok(bytes) => Ok(Marking::from(bytes.as_slice())),
            Err(error) if error.kind() == ErrorKind::InvalidInput => Err(stray(DiskAction::Mark, &path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Marking::Absent),
            Err(error) => Err(failed(DiskAction::Mark, &path, &error)),
        }
    }

    fn mark(&self, marker: &Marker) -> Result<(), DiskError> {
        let (path, unfinished) = (self.directory.join(MARKER), self.directory.join(UNFINISHED_MARKER));
        let write = || {
            // A crash may have left an unfinished marker.
            match fs::remove_file(&unfinished) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = private_file::create_new(&unfinished)?;
            file.write_all(marker.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            // The entries of the node's directory are synced, and the entry of that directory as well, since a crash may have
            // come between its creation and its sync.
            private_file::sync_directory(&self.directory)?;
            private_file::sync_directory(private_file::directory_of(&self.directory))
        };
        write().map_err(|error| failed(DiskAction::Mark, &path, &error))
    }

    fn write(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        self.put(id, bytes, Place::Free)
    }

    fn replace(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        self.put(id, bytes, Place::Taken)
    }

    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError> {
        let path = self.path_of(id);
        let error = match private_file::read(&path, SEGMENT_MAX + 1) {
            Ok(bytes) if bytes.len() as u64 > SEGMENT_MAX => {
                let len = fs::symlink_metadata(&path).map_or(bytes.len() as u64, |metadata| metadata.len());
                return Err(DiskError::TooLong { id, len });
            }
            Ok(bytes) => return Ok(bytes.into()),
            Err(error) if error.kind() == ErrorKind::InvalidInput => return Err(stray(DiskAction::Read, &path)),
            Err(error) => error,
        };
        Err(match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => DiskError::NotFound { id },
            // These are a symbolic link and a socket (open(2), ELOOP with O_NOFOLLOW, and ENXIO).
            Some(Errno::LOOP | Errno::NXIO) => stray(DiskAction::Read, &path),
            _ => failed(DiskAction::Read, &path, &error),
        })
    }

    fn delete(&self, id: SegmentId) -> Result<(), DiskError> {
        let path = self.path_of(id);
        match fs::remove_file(&path) {
            // The directory is removed with its last segment; the system keeps it while it has others (rmdir(2), ENOTEMPTY).
            Ok(()) => path.parent().map_or((), |directory| drop(fs::remove_dir(directory))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(DiskAction::Delete, &path, &error)),
        }
        Ok(())
    }

    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError> {
        self.names()?.into_iter().map(|id| Ok((id, self.length_of(id)?))).collect()
    }

    fn names(&self) -> Result<Vec<SegmentId>, DiskError> {
        let (mut found, mut entries) = (Vec::new(), Entries::default());
        for directory in self.fan_out(DiskAction::List)? {
            let Some(prefix) = name_of(&directory) else { continue };
            let mut strangers = Vec::new();
            // The kind is in the directory, and the length in the file's inode, which is much slower to come by.
            let read = entries.read(&directory, |name, kind| {
                let Some(id) = segment_at(prefix, name) else { return Ok(()) };
                found.push(id);
                strangers.extend((kind()? == Kind::Other).then_some(id));
                Ok(())
            });
            read.map_err(|error: io::Error| failed(DiskAction::List, &directory, &error))?;
            if let Some(&id) = strangers.first() {
                return Err(stray(DiskAction::List, &self.path_of(id)));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn length_of(&self, id: SegmentId) -> Result<u64, DiskError> {
        let path = self.path_of(id);
        match fs::symlink_metadata(&path) {
            // A file longer than any segment is damaged, and is counted with no more room than one segment.
            Ok(found) => Ok(found.len().min(SEGMENT_MAX)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(DiskError::NotFound { id }),
            Err(error) => Err(failed(DiskAction::List, &path, &error)),
        }
    }

    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError> {
        if ids.len() >= SYNC_ALL_FROM {
            let file_system = self.file_system()?;
            if file_system.is_covered() {
                return self.sync_all(ids, file_system);
            }
        }
        self.sync_each(ids)
    }

    fn sweep(&self) -> Result<u64, DiskError> {
        let left = entries(&self.incoming, DiskAction::Sweep)?;
        for path in &left {
            fs::remove_file(path).map_err(|error| failed(DiskAction::Sweep, path, &error))?;
        }
        for directory in self.fan_out(DiskAction::Sweep)? {
            // Directories that are not empty stay, as in `delete`.
            let _ = fs::remove_dir(directory);
        }
        Ok(left.len() as u64)
    }

    fn check_leftovers(&self) -> Result<(), DiskError> {
        for path in entries(&self.incoming, DiskAction::Sweep)? {
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                // On Linux, unlink(2) reports this error for directories.
                return Err(failed(DiskAction::Sweep, &path, &Errno::ISDIR.into()));
            }
        }
        Ok(())
    }
}

/// Converts the error of a system call on `path`; the path appears in the log alone.
fn failed(action: DiskAction, path: &Path, error: &io::Error) -> DiskError {
    tracing::warn!(path = %visible_path(path), %error, "cannot {action}");
    DiskError::from_io(action, error)
}

fn stray(action: DiskAction, path: &Path) -> DiskError {
    tracing::warn!(path = %visible_path(path), "this is no regular file");
    DiskError::Stray { action }
}

/// Returns the path of the segment's file on the disk in `directory`, even if there is no such file.
pub fn segment_path(directory: &Path, id: SegmentId) -> PathBuf {
    path_below(&directory.join("segments"), id)
}

fn path_below(segments: &Path, id: SegmentId) -> PathBuf {
    let name = id.to_string();
    segments.join(&name[..2]).join(&name)
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn write_incoming(path: &Path, bytes: &[u8], place: Place) -> io::Result<()> {
    let mut file = private_file::create_new(path)?;
    file.write_all(bytes)?;
    match place {
        Place::Free => Ok(()),
        // Otherwise a power loss could take the old segment and leave nothing of the new one.
        Place::Taken => file.sync_all(),
    }
}

fn sync_path(path: &Path, id: SegmentId) -> Result<(), DiskError> {
    let open = private_file::open_regular(File::options().read(true), path);
    match open.and_then(|file| file.sync_all()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(DiskError::NotFound { id }),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(DiskError::Stray { action: DiskAction::Sync }),
        Err(error) => Err(failed(DiskAction::Sync, path, &error)),
    }
}

/// Lists the entries of a directory; a missing directory has none.
fn entries(directory: &Path, action: DiskAction) -> Result<Vec<PathBuf>, DiskError> {
    let failed = |error: io::Error| failed(action, directory, &error);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> (tempfile::TempDir, LocalDisk) {
        let directory = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(directory.path()).unwrap();
        (directory, disk)
    }

    fn segment(n: u32) -> (SegmentId, Vec<u8>) {
        let bytes = n.to_le_bytes().repeat(100);
        (SegmentId::of(&bytes), bytes)
    }

    #[test]
    fn what_is_written_can_be_read_listed_and_deleted() {
        let (_directory, disk) = disk();
        let (id, bytes) = segment(1);
        disk.write(id, &bytes).unwrap();
        disk.write(id, &bytes).unwrap();
        assert_eq!(disk.read(id).unwrap(), bytes);
        assert_eq!(disk.list().unwrap(), [(id, 400)]);
        disk.delete(id).unwrap();
        disk.delete(id).unwrap();
        assert_eq!(disk.read(id), Err(DiskError::NotFound { id }));
        assert_eq!(disk.list().unwrap(), []);
    }

    #[test]
    fn few_and_many_segments_are_synced_and_a_missing_one_is_told() {
        let (_directory, disk) = disk();
        let all: Vec<SegmentId> = (0..100).map(segment).map(|(id, bytes)| disk.write(id, &bytes).map(|()| id).unwrap()).collect();
        disk.sync(&all[..3]).unwrap();
        disk.sync(&all).unwrap();
        disk.delete(all[7]).unwrap();
        assert_eq!(disk.sync(&all), Err(DiskError::NotFound { id: all[7] }));
        assert_eq!(disk.sync(&all[5..9]), Err(DiskError::NotFound { id: all[7] }));
    }

    #[test]
    fn leftovers_are_swept_and_strangers_are_left_alone() {
        let (directory, disk) = disk();
        fs::write(directory.path().join("incoming/1-1"), b"half").unwrap();
        fs::write(directory.path().join("segments/README"), b"mine").unwrap();
        fs::create_dir(directory.path().join("segments/ab")).unwrap();
        fs::write(directory.path().join("segments/ab/note"), b"mine").unwrap();
        fs::create_dir(directory.path().join("segments/cd")).unwrap();
        assert_eq!((disk.sweep().unwrap(), disk.sweep().unwrap()), (1, 0));
        assert_eq!(disk.list().unwrap(), []);
        assert!(directory.path().join("segments/ab/note").exists());
        assert!(!directory.path().join("segments/cd").exists());
    }

    /// And not where on this machine that was: the error goes to other hosts, and into the trace.
    #[test]
    fn a_refusal_names_what_was_tried() {
        let (directory, disk) = disk();
        fs::remove_dir_all(directory.path()).unwrap();
        let (id, bytes) = segment(1);
        let text = disk.write(id, &bytes).unwrap_err().to_string();
        assert!(text.contains("cannot") && text.contains("No such file or directory"), "{text}");
        assert!(!text.contains(directory.path().to_str().unwrap()), "{text}");
        assert_eq!((disk.list(), disk.sweep()), (Ok(vec![]), Ok(0)));
        // A disk that is gone is not made anew in its place.
        assert!(!directory.path().exists());
    }

    /// Some things never end, and some never begin.
    #[test]
    fn what_is_no_regular_file_is_neither_read_nor_counted() {
        let (_directory, disk) = disk();
        let (id, bytes) = segment(1);
        disk.write(id, &bytes).unwrap();
        let path = disk.path_of(id);
        let link = |to: &str| std::os::unix::fs::symlink(to, &path).unwrap();
        let fifo = || rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        let socket = || drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let make: [&dyn Fn(); 4] = [&|| link("/dev/zero"), &fifo, &|| fs::create_dir(&path).unwrap(), &socket];
        for (n, make) in make.iter().enumerate() {
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
            // A socket's path may not be long.
            if n < 3 || path.as_os_str().len() < 100 {
                make();
                assert_eq!(disk.read(id), Err(DiskError::Stray { action: DiskAction::Read }), "{n}");
                assert_eq!(disk.list(), Err(DiskError::Stray { action: DiskAction::List }), "{n}");
                assert!(disk.sync(&[id]).is_err(), "{n}");
            }
        }
    }

    #[test]
    fn no_more_is_read_than_a_segment_may_have() {
        let (_directory, disk) = disk();
        let (id, bytes) = segment(1);
        disk.write(id, &bytes).unwrap();
        let len = 8 << 30;
        File::options().write(true).open(disk.path_of(id)).unwrap().set_len(len).unwrap();
        assert_eq!(disk.read(id), Err(DiskError::TooLong { id, len }));
        assert_eq!(disk.list(), Ok(vec![(id, SEGMENT_MAX)]));
        disk.replace(id, &bytes).unwrap();
        assert_eq!(disk.read(id).unwrap(), bytes);
    }

    #[test]
    fn directories_go_with_their_last_segment() {
        let (directory, disk) = disk();
        let all: Vec<SegmentId> = (0..600).map(segment).map(|(id, bytes)| disk.write(id, &bytes).map(|()| id).unwrap()).collect();
        let count = || fs::read_dir(directory.path().join("segments")).unwrap().count();
        assert!(count() > 200);
        all.iter().skip(1).for_each(|&id| disk.delete(id).unwrap());
        assert_eq!((count(), disk.list().unwrap().len()), (1, 1));
        disk.delete(all[0]).unwrap();
        assert_eq!(count(), 0);
        let (id, bytes) = segment(7);
        disk.write(id, &bytes).unwrap();
        assert_eq!(disk.read(id).unwrap(), bytes);
    }

    #[test]
    fn segments_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (directory, disk) = disk();
        let (id, bytes) = segment(1);
        disk.write(id, &bytes).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = disk.path_of(id);
        assert_eq!(mode(&path), 0o600);
        let made = [path.parent().unwrap().to_owned(), directory.path().join("segments"), directory.path().join("incoming")];
        assert!(made.iter().all(|path| mode(path) == 0o700));
    }
}
