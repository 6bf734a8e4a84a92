//! The identity of a file, independent of its name, by device and inode number.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Device and inode number of a file, which identify it as long as it is open (POSIX.1-2024, `<sys/stat.h>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// Returns the identity of the file or directory that `metadata` describes.
    pub fn of(metadata: &Metadata) -> FileIdentity {
        FileIdentity { device: metadata.dev(), inode: metadata.ino() }
    }
}
