//! Changes of the tree of names in the tables: directories, names, readers and uploaders.

use std::collections::BTreeSet;

use p2p_base::database::{self, DatabaseError};
use redb::{ReadableTable, StorageError};

use super::lookup::{children, directory_of, found, named, numbers_of};
use super::rows::{DirectoryId, DirectoryRow, FileId, FileRow, NameRow, TREES};
use super::tables::Tables;
use super::{CatalogError, Garbage};
use crate::attributes::{Attributes, DIRECTORY_MODE};
use crate::names::FileKey;
use crate::namespace::set_member;

impl Tables<'_> {
    /// Returns the root of an owner's tree, which is made if it is missing.
    pub(super) fn root(&mut self, owner: Option<&str>) -> Result<DirectoryId, DatabaseError> {
        let name = owner.unwrap_or_default();
        match named(&self.names, TREES, name)? {
            Some(NameRow::Directory(root)) => Ok(root),
            Some(NameRow::File(_)) => Err(database::damaged(format!("the tree of `{name}` is a file"))),
            None => self.add_directory(TREES, name, owner, 0),
        }
    }

    /// Returns the directory that the file or directory of this key is to be in.
    pub(super) fn parent_of(&mut self, key: &FileKey) -> Result<DirectoryId, CatalogError> {
        self.root(key.owner.as_deref())?;
        let parent = key.parent().ok_or_else(|| CatalogError::NameTaken(key.clone()))?;
        directory_of(&self.names, &parent)?.ok_or(CatalogError::NoDirectory(parent))
    }

    /// Gives a name in a directory to a file or a directory.
    pub(super) fn give_name(&mut self, directory: DirectoryId, name: &str, row: NameRow) -> Result<(), DatabaseError> {
        self.names.insert((directory.0, name), database::encode(&row)?.as_slice())?;
        Ok(())
    }

    fn add_directory(
        &mut self,
        parent: DirectoryId,
        name: &str,
        owner: Option<&str>,
        modified: u64,
    ) -> Result<DirectoryId, DatabaseError> {
        let directory = DirectoryId(self.next_number()?);
        let (created, owner) = (modified, owner.map(str::to_owned));
        let (readers, uploaders, mode) = (BTreeSet::new(), BTreeSet::new(), DIRECTORY_MODE);
        let row = DirectoryRow { owner, parent, readers, created, modified, mode, uploaders };
        self.put_directory(directory, &row)?;
        self.give_name(parent, name, NameRow::Directory(directory))?;
        Ok(directory)
    }

    pub(super) fn make_directory(&mut self, key: &FileKey, made_at: u64) -> Result<(), CatalogError> {
        let parent = self.parent_of(key)?;
        if named(&self.names, parent, key.last_name())?.is_some() {
            return Err(CatalogError::NameTaken(key.clone()));
        }
        self.add_directory(parent, key.last_name(), key.owner.as_deref(), made_at)?;
        Ok(())
    }

    /// Gives a file or directory another name, in the tree of the same owner, and returns the segments that nothing needs any more
    /// because a file of that name was replaced.
    pub(super) fn rename(&mut self, from: &FileKey, to: &FileKey, replace: bool) -> Result<Garbage, CatalogError> {
        let (old_parent, row) = found(&self.names, from)?.ok_or_else(|| CatalogError::NotFound(from.clone()))?;
        let (parent, mut garbage) = (self.parent_of(to)?, Garbage::new());
        if to.is_within(from) {
            return Err(CatalogError::IntoItself(from.clone()));
        }
        match named(&self.names, parent, to.last_name())? {
            None => {}
            Some(same) if same == row && replace => return Ok(garbage),
            Some(former) if replace => self.make_way(to, row, former, &mut garbage)?,
            Some(_) => return Err(CatalogError::NameTaken(to.clone())),
        }
        self.names.remove((old_parent.0, from.last_name()))?;
        self.give_name(parent, to.last_name(), row)?;
        if let NameRow::Directory(directory) = row {
            let row = self.directory_row(directory)?;
            self.put_directory(directory, &DirectoryRow { parent, ..row })?;
        }
        Ok(garbage)
    }

    /// Removes what has the name that `row` is to have, as rename(2) does: a file makes way for a file, and an empty directory for a
    /// directory.
    fn make_way(&mut self, to: &FileKey, row: NameRow, former: NameRow, garbage: &mut Garbage) -> Result<(), CatalogError> {
        match (row, former) {
            (NameRow::File(_), NameRow::File(former)) => self.remove_file(former, garbage)?,
            (NameRow::Directory(_), NameRow::Directory(former)) if children(&self.names, former)?.is_empty() => {
                self.directories.remove(former.0)?;
            }
            _ => return Err(CatalogError::NameTaken(to.clone())),
        }
        Ok(())
    }

    pub(super) fn set_attributes(&mut self, key: &FileKey, attributes: Attributes) -> Result<(), CatalogError> {
        let (_, row) = found(&self.names, key)?.ok_or_else(|| CatalogError::NotFound(key.clone()))?;
        match row {
            NameRow::File(file) => {
                let row = self.file_row(file)?;
                let (modified, mode) = (attributes.modified_or(row.modified), attributes.mode_or(row.mode));
                self.put_file(file, &FileRow { modified, mode, ..row })?;
            }
            NameRow::Directory(directory) => {
                let row = self.directory_row(directory)?;
                let (modified, mode) = (attributes.modified_or(row.modified), attributes.mode_or(row.mode));
                self.put_directory(directory, &DirectoryRow { modified, mode, ..row })?;
            }
        }
        Ok(())
    }

    pub(super) fn set_reader(&mut self, key: &FileKey, user: &str, may_read: bool) -> Result<(), CatalogError> {
        let (_, row) = found(&self.names, key)?.ok_or_else(|| CatalogError::NotFound(key.clone()))?;
        match row {
            NameRow::File(file) => {
                let mut row = self.file_row(file)?;
                set_member(&mut row.readers, user, may_read);
                self.put_file(file, &row)?;
            }
            NameRow::Directory(directory) => {
                let mut row = self.directory_row(directory)?;
                set_member(&mut row.readers, user, may_read);
                self.put_directory(directory, &row)?;
            }
        }
        Ok(())
    }

    pub(super) fn set_uploader(&mut self, key: &FileKey, user: &str, may_upload: bool) -> Result<(), CatalogError> {
        match found(&self.names, key)?.ok_or_else(|| CatalogError::NotFound(key.clone()))? {
            (_, NameRow::File(_)) => Err(CatalogError::NoDirectory(key.clone())),
            (_, NameRow::Directory(directory)) => {
                let mut row = self.directory_row(directory)?;
                set_member(&mut row.uploaders, user, may_upload);
                Ok(self.put_directory(directory, &row)?)
            }
        }
    }

    /// Moves an entry of the tree without an owner into the tree of `owner`, and records the owner of everything in it.
    pub(super) fn give_away(&mut self, name: &str, row: NameRow, owner: &str) -> Result<(), DatabaseError> {
        let (unowned, root) = (self.root(None)?, self.root(Some(owner))?);
        self.names.remove((unowned.0, name))?;
        self.give_name(root, name, row)?;
        let numbers = numbers_of(&self.names, row)?;
        for file in numbers.files {
            let row = FileRow { owner: Some(owner.to_owned()), ..self.file_row(file)? };
            self.put_file(file, &row)?;
        }
        for directory in numbers.directories {
            let mut row = DirectoryRow { owner: Some(owner.to_owned()), ..self.directory_row(directory)? };
            if row.parent == unowned {
                row.parent = root;
            }
            self.put_directory(directory, &row)?;
        }
        Ok(())
    }

    fn directory_row(&self, directory: DirectoryId) -> Result<DirectoryRow, DatabaseError> {
        let row = self.directories.get(directory.0)?.map(|row| DirectoryRow::decode(row.value()));
        row.unwrap_or_else(|| Err(database::damaged(format!("the directory {} has a name and no record", directory.0))))
    }

    fn put_directory(&mut self, directory: DirectoryId, row: &DirectoryRow) -> Result<(), DatabaseError> {
        self.directories.insert(directory.0, database::encode(row)?.as_slice())?;
        Ok(())
    }

    pub(super) fn file_row(&self, file: FileId) -> Result<FileRow, DatabaseError> {
        let row = self.files.get(file.0)?.map(|row| database::decode(row.value()));
        row.unwrap_or_else(|| Err(database::damaged(format!("the file {} has a name and no record", file.0))))
    }

    pub(super) fn put_file(&mut self, file: FileId, row: &FileRow) -> Result<(), DatabaseError> {
        self.files.insert(file.0, database::encode(row)?.as_slice())?;
        Ok(())
    }

    fn next_number(&mut self) -> Result<u64, StorageError> {
        let next = self.counters.get("number")?.map_or(0, |number| number.value()) + 1;
        self.counters.insert("number", next)?;
        Ok(next)
    }

    pub(super) fn next_file(&mut self) -> Result<FileId, StorageError> {
        self.next_number().map(FileId)
    }
}
