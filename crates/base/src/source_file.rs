//! Local files whose content is read to be stored: regular files only, so that no read waits for another process.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a regular file, or the one that a symbolic link leads to, and returns it with what the system says of it. What is no regular
/// file is not opened: opening a pipe waits for its writer (fifo(7)).
///
/// # Errors
/// Fails if the file cannot be opened, or is no regular file.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory; only files can be stored"));
    }
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_regular_file_is_opened_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a"), b"abc").unwrap();
        std::os::unix::fs::symlink("a", path("link")).unwrap();
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for name in ["a", "link"] {
            assert_eq!(open(&path(name)).unwrap().1.len(), 3, "{name}");
        }
        assert_eq!(open(directory.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(open(&path("pipe")).unwrap_err().kind(), ErrorKind::InvalidInput, "and no writer is waited for");
        assert_eq!(open(&path("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
