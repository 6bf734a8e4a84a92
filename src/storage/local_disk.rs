//! A disk that is a directory.
//!
//! ```text
//! <directory>/segments/ab/abcd…   one file a segment, named by its digest
//! <directory>/incoming/           files that are being written; whatever is here at the start is a crash's
//! ```
//!
//! A segment is written under `incoming` and renamed, so that it is whole or not there. `sync` makes files and directories
//! durable one by one, or the whole file system at once where that is cheaper (`syncfs(2)`). Knows nothing of what segments
//! belong to.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::disk::{Disk, DiskError};
use super::segment::SegmentId;

/// From how many segments on the whole file system is synced rather than each file.
#[cfg(target_os = "linux")]
const SYNC_ALL_FROM: usize = 64;

/// Segments as files of a directory.
#[derive(Debug)]
pub struct LocalDisk {
    segments: PathBuf,
    incoming: PathBuf,
    next_incoming: AtomicU64,
}

impl LocalDisk {
    /// The disk in `directory`, which is made where it is missing.
    ///
    /// # Errors
    /// Where the directories cannot be made.
    pub fn open(directory: &Path) -> Result<LocalDisk, DiskError> {
        let disk = LocalDisk {
            segments: directory.join("segments"),
            incoming: directory.join("incoming"),
            next_incoming: AtomicU64::new(0),
        };
        for path in [&disk.segments, &disk.incoming] {
            create_directories(path).map_err(|error| DiskError::from_io("create", path.display(), &error))?;
        }
        Ok(disk)
    }

    /// Where a segment's file is.
    pub fn path_of(&self, id: SegmentId) -> PathBuf {
        path_below(&self.segments, id)
    }

    fn write_incoming(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)
    }

    fn move_in(&self, from: &Path, id: SegmentId) -> io::Result<()> {
        let to = self.path_of(id);
        match fs::rename(from, &to) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                to.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::rename(from, &to)
            }
            result => result,
        }
    }

    #[cfg(target_os = "linux")]
    fn sync_all(&self) -> Result<(), DiskError> {
        let failed = |error: io::Error| DiskError::from_io("sync the file system of", self.segments.display(), &error);
        let directory = File::open(&self.segments).map_err(failed)?;
        rustix::fs::syncfs(&directory).map_err(|error| failed(error.into()))
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
            let file = File::open(&directory).and_then(|file| file.sync_all());
            file.map_err(|error| DiskError::from_io("sync", directory.display(), &error))?;
        }
        Ok(())
    }
}

impl Disk for LocalDisk {
    fn write(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        let number = self.next_incoming.fetch_add(1, Ordering::Relaxed);
        let path = self.incoming.join(format!("{}-{number}", std::process::id()));
        let written = self.write_incoming(&path, bytes).and_then(|()| self.move_in(&path, id));
        written.map_err(|error| {
            // Best effort: what stays is swept at the next start.
            let _ = fs::remove_file(&path);
            DiskError::from_io("write", self.path_of(id).display(), &error)
        })
    }

    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError> {
        let path = self.path_of(id);
        match fs::read(&path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(DiskError::NotFound { id }),
            Err(error) => Err(DiskError::from_io("read", path.display(), &error)),
        }
    }

    fn delete(&self, id: SegmentId) -> Result<(), DiskError> {
        let path = self.path_of(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(DiskError::from_io("delete", path.display(), &error)),
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError> {
        let mut found = Vec::new();
        for directory in entries(&self.segments)? {
            if !directory.is_dir() {
                continue;
            }
            for path in entries(&directory)? {
                let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                let Some(id) = id else { continue };
                let length = fs::metadata(&path).map_err(|error| DiskError::from_io("look at", path.display(), &error))?;
                found.push((id, length.len()));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError> {
        #[cfg(target_os = "linux")]
        if ids.len() >= SYNC_ALL_FROM {
            return match ids.iter().find(|&&id| !self.path_of(id).exists()) {
                Some(&id) => Err(DiskError::NotFound { id }),
                None => self.sync_all(),
            };
        }
        self.sync_each(ids)
    }

    fn sweep(&self) -> Result<u64, DiskError> {
        let left = entries(&self.incoming)?;
        for path in &left {
            fs::remove_file(path).map_err(|error| DiskError::from_io("remove", path.display(), &error))?;
        }
        Ok(left.len() as u64)
    }
}

/// Where the segment's file is on the disk in `directory`, whether there is one or not.
pub fn segment_path(directory: &Path, id: SegmentId) -> PathBuf {
    path_below(&directory.join("segments"), id)
}

fn path_below(segments: &Path, id: SegmentId) -> PathBuf {
    let name = id.to_string();
    segments.join(&name[..2]).join(&name)
}

/// The directory that a path is in; the current one for a mere name.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a directory and those above it that are missing, each of them durable.
///
/// # Errors
/// What the system says.
pub fn create_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = directory_of(path);
    create_directories(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

fn sync_path(path: &Path, id: SegmentId) -> Result<(), DiskError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(DiskError::NotFound { id }),
        Err(error) => Err(DiskError::from_io("sync", path.display(), &error)),
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let failed = |error: io::Error| DiskError::from_io("list", directory.display(), &error);
    let entries = fs::read_dir(directory).map_err(failed)?;
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
        assert_eq!((disk.sweep().unwrap(), disk.sweep().unwrap()), (1, 0));
        assert_eq!(disk.list().unwrap(), []);
        assert!(directory.path().join("segments/ab/note").exists());
    }

    #[test]
    fn a_refusal_names_what_was_tried() {
        let (directory, disk) = disk();
        fs::remove_dir_all(directory.path()).unwrap();
        let (id, bytes) = segment(1);
        let error = disk.write(id, &bytes).unwrap_err();
        assert!(error.to_string().contains("cannot write") && error.to_string().contains(&id.to_string()), "{error}");
    }
}
