//! Operations on names and attributes: making directories, moving, copying, and setting times and modes.

use p2p_store::attributes::Attributes;
use p2p_store::names::FileKey;
use serde::{Deserialize, Serialize};

/// Makes a directory among the caller's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MakeDirectory {
    /// Path of the directory.
    pub path: String,
    /// True if missing directories above it are made too, and if it may exist already.
    pub parents: bool,
    /// Wall-clock time of the requester in seconds since 1970, stored with the directory.
    pub made_at: u64,
}

/// Gives a file or directory another name, among the files of its owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Stored file or directory to move.
    pub from: FileKey,
    /// New path.
    pub to: String,
    /// True if the new path may be taken: a file takes the place of a file, and a directory that of an empty directory, as with
    /// rename(2) (POSIX.1-2024). To move something onto itself changes nothing then.
    pub replace: bool,
}

/// Makes a further file of the content of a stored one, among the caller's files. No segment is stored: each is needed once more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CopyFile {
    /// Stored file to copy.
    pub from: FileKey,
    /// Path of the copy among the caller's files.
    pub to: String,
    /// Wall-clock time of the requester in seconds since 1970, stored with the copy.
    pub copied_at: u64,
    /// True if the copy keeps the time of modification and the mode. Otherwise it is modified now, and one that replaces a file has the
    /// mode of that, as with cp(1).
    pub preserve: bool,
    /// True if the copy may take the place of a stored file of that path, which passes its readers on.
    pub replace: bool,
}

/// Sets the time of the last modification and the permission bits of a file or directory. The bits allow and refuse nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetAttributes {
    /// Stored file or directory.
    pub file: FileKey,
    /// Attributes to set, each unless it is `None`.
    pub attributes: Attributes,
}
