//! Attributes of files and directories that their owners set, as in `stat(2)`: the time of the last modification and the permission
//! bits.
//!
//! They are kept and shown. The permission bits allow and refuse nothing: who may read and change what is stored is decided by its
//! owner and its readers.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use crate::segment::Sha256Digest;

/// Bits of a mode that are kept: read, write and execute for owner, group and others. The set-user-ID, set-group-ID and sticky bits
/// (0o7000) have no meaning here and are dropped.
pub const PERMISSIONS: u32 = 0o777;
/// Permission bits of a file that was stored without any: those of `open(2)` with the usual umask of 0o022.
pub const FILE_MODE: u32 = 0o644;
/// Permission bits of a directory that was made without any: those of `mkdir(2)` with the usual umask of 0o022.
pub const DIRECTORY_MODE: u32 = 0o755;
/// Latest time of a modification, in seconds since 1970: the end of the year 9999, the last that RFC 3339 can write.
pub const MODIFIED_MAX: u64 = 253_402_300_799;

/// Attributes to set, each unless it is `None`.
///
/// ```
/// use p2p_store::attributes::{Attributes, FILE_MODE};
///
/// let given = Attributes { modified: None, mode: Some(0o4755) };
/// assert_eq!((given.modified_or(7), given.mode_or(FILE_MODE)), (7, 0o755));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Time of the last modification, in seconds since 1970. A later one than [`MODIFIED_MAX`] counts as that.
    pub modified: Option<u64>,
    /// Permission bits, of which [`PERMISSIONS`] are kept.
    pub mode: Option<u32>,
}

impl Attributes {
    /// Returns the time of the modification that is kept, which is `other` if none is given.
    pub fn modified_or(self, other: u64) -> u64 {
        self.modified.unwrap_or(other).min(MODIFIED_MAX)
    }

    /// Returns the permission bits that are kept, which are `other` if none are given.
    pub fn mode_or(self, other: u32) -> u32 {
        self.mode.unwrap_or(other) & PERMISSIONS
    }

    /// Returns these attributes, each of which is that of `other` if it is not given.
    pub fn or(self, other: Attributes) -> Attributes {
        Attributes { modified: self.modified.or(other.modified), mode: self.mode.or(other.mode) }
    }

    /// Returns true if nothing is to be set.
    pub const fn is_empty(&self) -> bool {
        self.modified.is_none() && self.mode.is_none()
    }
}

/// Takes the attributes of a file or a directory of this machine. A modification before 1970 counts as one at its begin, and one after
/// [`MODIFIED_MAX`] as that.
impl From<&Metadata> for Attributes {
    fn from(found: &Metadata) -> Attributes {
        let modified = u64::try_from(found.mtime()).unwrap_or(0).min(MODIFIED_MAX);
        Attributes { modified: Some(modified), mode: Some(found.mode() & PERMISSIONS) }
    }
}

/// Attributes and place of a file that is to be stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreAs {
    /// Attributes that the file is to have: without a time of modification that of storing, and without a mode that of the file that it
    /// replaces, or the usual one.
    pub attributes: Attributes,
    /// True if it may take the place of a stored file of its name, which is there until the new one is, and which passes its readers on.
    pub replace: bool,
    /// SHA-256 of the file whose place alone it may take: judged when the upload begins, when it is continued, and in the transaction that
    /// makes the new file visible; `None` for any file, or none. Not part of the encoding: who stores this, stores that beside it.
    #[serde(skip)]
    pub expected: Option<Sha256Digest>,
}

#[cfg(test)]
mod tests {
    use std::fs::{File, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_local_file_has_the_attributes_that_are_kept() {
        let file = tempfile::tempfile().unwrap();
        let of = |file: &File| Attributes::from(&file.metadata().unwrap());
        file.set_permissions(Permissions::from_mode(0o4751)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_millis(7_900)).unwrap();
        assert_eq!(of(&file), Attributes { modified: Some(7), mode: Some(0o751) });
        file.set_modified(UNIX_EPOCH - Duration::from_secs(7)).unwrap();
        assert_eq!(of(&file).modified, Some(0));
    }
}
