//! The way from a path to the number of a file or directory in the tables, and the listing of directories. Reading alone.

use p2p_base::database::{self, DatabaseError};
use redb::ReadableTable;

use super::rows::{DirectoryId, FileId, NameRow, TREES};
use crate::names::FileKey;

/// Values keyed by a directory and a name in it.
pub(super) trait NameTable: ReadableTable<(u64, &'static str), &'static [u8]> {}

impl<T: ReadableTable<(u64, &'static str), &'static [u8]>> NameTable for T {}

/// Returns what a name in a directory stands for.
pub(super) fn named(names: &impl NameTable, directory: DirectoryId, name: &str) -> Result<Option<NameRow>, DatabaseError> {
    names.get((directory.0, name))?.map(|row| database::decode(row.value())).transpose()
}

/// Returns the directory of a key.
pub(super) fn directory_of(names: &impl NameTable, key: &FileKey) -> Result<Option<DirectoryId>, DatabaseError> {
    let mut found = TREES;
    let path = key.name.split('/').filter(|name| !name.is_empty());
    for name in std::iter::once(key.owner.as_deref().unwrap_or_default()).chain(path) {
        match named(names, found, name)? {
            Some(NameRow::Directory(directory)) => found = directory,
            Some(NameRow::File(_)) | None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// Returns the directory that a key is in, and what the key stands for there. The root of a tree stands for nothing.
pub(super) fn found(names: &impl NameTable, key: &FileKey) -> Result<Option<(DirectoryId, NameRow)>, DatabaseError> {
    let Some(parent) = key.parent() else { return Ok(None) };
    let Some(directory) = directory_of(names, &parent)? else { return Ok(None) };
    Ok(named(names, directory, key.last_name())?.map(|row| (directory, row)))
}

/// Returns the entries of a directory by their names.
pub(super) fn children(names: &impl NameTable, directory: DirectoryId) -> Result<Vec<(String, NameRow)>, DatabaseError> {
    let mut found = Vec::new();
    for entry in names.range((directory.0, "")..(directory.0 + 1, ""))? {
        let (key, row) = entry?;
        found.push((key.value().1.to_owned(), database::decode(row.value())?));
    }
    Ok(found)
}

/// Numbers of everything that a name stands for: of a file alone, or of a directory and all that is within it.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) files: Vec<FileId>,
    pub(super) directories: Vec<DirectoryId>,
}

/// Returns the numbers of what `row` stands for.
pub(super) fn numbers_of(names: &impl NameTable, row: NameRow) -> Result<Numbers, DatabaseError> {
    let (mut numbers, mut left) = (Numbers::default(), vec![row]);
    while let Some(row) = left.pop() {
        match row {
            NameRow::File(file) => numbers.files.push(file),
            NameRow::Directory(directory) => {
                numbers.directories.push(directory);
                left.extend(children(names, directory)?.into_iter().map(|(_, row)| row));
            }
        }
    }
    Ok(numbers)
}
