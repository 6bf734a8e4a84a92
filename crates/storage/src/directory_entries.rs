//! The entries of directories on this machine, read with little work for each: a disk may hold many segments, and a start reads the
//! names of all of them.

use std::io;
use std::path::Path;

/// What an entry of a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A regular file.
    File,
    /// Anything else.
    Other,
}

/// Reader of directories, one after the other.
#[derive(Debug, Default)]
pub(super) struct Entries {
    #[cfg(target_os = "linux")]
    buffer: Vec<u8>,
}

#[cfg(target_os = "linux")]
impl Entries {
    /// Size of the buffer for getdents64(2) in bytes.
    const BUFFER: usize = 32 << 10;

    /// Calls `visit` with the name of each entry of a directory, without `.` and `..`, and with a function that returns its kind.
    ///
    /// # Errors
    /// Fails with the first error of `visit` or of the operating system.
    pub(super) fn read<E: From<io::Error>>(
        &mut self,
        directory: &Path,
        mut visit: impl FnMut(&[u8], &dyn Fn() -> io::Result<Kind>) -> Result<(), E>,
    ) -> Result<(), E> {
        use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, open, statat};
        let opened = open(directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let opened = opened.map_err(io::Error::from)?;
        self.buffer.reserve(Entries::BUFFER);
        let mut entries = RawDir::new(&opened, self.buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(io::Error::from)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            visit(name.to_bytes(), &|| match entry.file_type() {
                FileType::RegularFile => Ok(Kind::File),
                // Some file systems keep the kind in the inode alone (readdir(3), DT_UNKNOWN).
                FileType::Unknown => {
                    let found = statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW)?;
                    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
                    Ok(if is_file { Kind::File } else { Kind::Other })
                }
                _ => Ok(Kind::Other),
            })?;
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
impl Entries {
    /// Calls `visit` with the name of each entry of a directory, without `.` and `..`, and with a function that returns its kind.
    ///
    /// # Errors
    /// Fails with the first error of `visit` or of the operating system.
    pub(super) fn read<E: From<io::Error>>(
        &mut self,
        directory: &Path,
        mut visit: impl FnMut(&[u8], &dyn Fn() -> io::Result<Kind>) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            visit(entry.file_name().as_encoded_bytes(), &|| {
                Ok(if entry.file_type()?.is_file() { Kind::File } else { Kind::Other })
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_entry_is_visited_with_its_kind() {
        let directory = tempfile::tempdir().unwrap();
        let mut expected: Vec<(Vec<u8>, Kind)> = Vec::new();
        // More than fit into the buffer at once.
        for n in 0..2_000 {
            let name = format!("{n:060}");
            fs::write(directory.path().join(&name), "").unwrap();
            expected.push((name.into_bytes(), Kind::File));
        }
        fs::create_dir(directory.path().join("x")).unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("y")).unwrap();
        expected.extend([(b"x".to_vec(), Kind::Other), (b"y".to_vec(), Kind::Other)]);
        let (mut entries, mut found) = (Entries::default(), Vec::new());
        for _ in 0..2 {
            found.clear();
            let read = entries.read(directory.path(), |name, kind| {
                found.push((name.to_vec(), kind()?));
                Ok::<_, io::Error>(())
            });
            read.unwrap();
            found.sort();
            assert_eq!(found, expected);
        }
        let missing = entries.read(&directory.path().join("none"), |_, _| Ok::<_, io::Error>(()));
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
        let file = entries.read(&directory.path().join(format!("{:060}", 7)), |_, _| Ok::<_, io::Error>(()));
        assert_eq!(file.unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }
}
