//! Numbers of files and directories, which they keep under every name: for clients that remember what they have seen by one.

use p2p_base::database::{self, Database, DatabaseError};

use super::lookup::found;
use super::rows::{FILES, FileRow, NAMES, NameRow};
use crate::names::FileKey;
use crate::segment::Sha256Digest;

/// What is known of a file by its number alone: enough to find its name among those in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Name of the owner; `None` for a file without one.
    pub owner: Option<String>,
    /// Digest of the content.
    pub sha256: Sha256Digest,
}

/// Returns the numbers of files and directories, in the order of their keys here; `None` for one that is not there, and for a root.
///
/// # Errors
/// Fails if the disk refuses or a record is damaged.
pub fn of_keys<'k>(database: &Database, keys: impl IntoIterator<Item = &'k FileKey>) -> Result<Vec<Option<u64>>, DatabaseError> {
    let names = database.read()?.open_table(NAMES)?;
    let number = |key: &FileKey| match found(&names, key)? {
        Some((_, NameRow::File(file))) => Ok(Some(file.0)),
        Some((_, NameRow::Directory(directory))) => Ok(Some(directory.0)),
        None => Ok(None),
    };
    keys.into_iter().map(number).collect()
}

/// Returns what is known of the file of this number; `None` if there is none.
///
/// # Errors
/// Fails if the disk refuses or the record is damaged.
pub fn file(database: &Database, number: u64) -> Result<Option<Numbered>, DatabaseError> {
    let files = database.read()?.open_table(FILES)?;
    let Some(row) = files.get(number)? else { return Ok(None) };
    let FileRow { owner, sha256, .. } = database::decode(row.value())?;
    Ok(Some(Numbered { owner, sha256 }))
}
