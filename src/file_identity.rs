//! Floor 0: which file a file is, whatever its name. Knows nothing of what is in it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Device and inode of a file: what tells it from every other (POSIX.1-2024, `<sys/stat.h>`) as long as it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The identity of the file or directory that the system describes so.
    pub fn of(metadata: &Metadata) -> FileIdentity {
        FileIdentity { device: metadata.dev(), inode: metadata.ino() }
    }
}
