//! The catalog: the tables of the database that record which files exist, their owners and their readers.
//!
//! A file becomes visible in one transaction, which is durable when it returns: before it no part of the file is visible, after
//! it the whole file is. References count how many files need a segment on a node. Every call blocks; callers keep them off
//! threads that must not block. Independent of disks, networks and time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use p2p_base::database::{self, Database, DatabaseError, Purpose};
use redb::{MultimapTableDefinition, ReadableMultimapTable, ReadableTable, StorageError, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::epochs::{self, KEPT};
use super::manifest::{FileKey, FileRecord, Manifest, NodeNumber, SegmentRecord};
use super::segment::{SegmentId, Sha256Digest};

/// Key of a reference: the position of a node in the list of nodes, and a segment that the node holds.
pub(super) type ReferenceKey = (u16, [u8; 32]);

/// Table of the files, keyed by the text of their [`FileKey`].
const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
const MANIFESTS: TableDefinition<&str, &[u8]> = TableDefinition::new("manifests");
/// Table of the users other than the owner who may read a file.
const READERS: MultimapTableDefinition<&str, &str> = MultimapTableDefinition::new("readers");
const REFERENCES: TableDefinition<ReferenceKey, u32> = TableDefinition::new("references");

/// Error of a catalog operation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// The database reported an error.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The owner has a file of that name already.
    #[error("a file named `{0}` is stored already")]
    NameTaken(FileKey),
    /// No file with this key is stored.
    #[error("no file named `{0}` is stored")]
    NotFound(FileKey),
}

impl CatalogError {
    /// Returns true if it is unknown whether the change is stored: see [`database`]. No segment may be deleted then, neither
    /// those of the old state nor those of the new one.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, CatalogError::Database(error) if error.is_outcome_unknown())
    }

    /// Returns the message without the path of the database on this machine.
    pub fn without_path(&self) -> String {
        match self {
            CatalogError::Database(error) => error.without_path().to_owned(),
            error => error.to_string(),
        }
    }
}

impl From<StorageError> for CatalogError {
    fn from(error: StorageError) -> Self {
        DatabaseError::from(error).into()
    }
}

/// Segments that no file needs any more, by holder.
pub type Garbage = BTreeMap<NodeNumber, Vec<SegmentId>>;

/// Record of a file in its table, without the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredFile {
    name: String,
    size: u64,
    sha256: Sha256Digest,
    segments: u32,
    segment_size: u32,
    stored_at: u64,
}

impl From<&FileRecord> for StoredFile {
    fn from(file: &FileRecord) -> StoredFile {
        StoredFile {
            name: file.key.name.clone(),
            size: file.size,
            sha256: file.sha256,
            segments: file.segments,
            segment_size: file.segment_size,
            stored_at: file.stored_at,
        }
    }
}

impl StoredFile {
    fn into_record(self, key: FileKey, readers: BTreeSet<String>) -> FileRecord {
        let StoredFile { size, sha256, segments, segment_size, stored_at, .. } = self;
        FileRecord { key, size, sha256, segments, segment_size, stored_at, readers }
    }
}

/// Catalog of the files, kept in a database.
#[derive(Debug)]
pub struct Catalog {
    database: Database,
}

impl Catalog {
    /// Opens the catalog at `path`, or creates one.
    ///
    /// # Errors
    /// Fails if another process has the database open, or if the database is damaged or of another version.
    pub fn open(path: &Path) -> Result<Catalog, CatalogError> {
        Catalog::on(Database::open(path)?)
    }

    /// Opens the catalog at `path` without changing the database.
    ///
    /// # Errors
    /// Fails like [`Database::open_read_only`].
    pub fn open_read_only(path: &Path) -> Result<Catalog, CatalogError> {
        Catalog::on(Database::open_read_only(path)?)
    }

    fn on(database: Database) -> Result<Catalog, CatalogError> {
        // The tables are created here, since read transactions cannot create them.
        let reading = database.read()?;
        if reading.open_multimap_table(READERS).is_err() || !epochs::is_created(&reading) {
            database.write_for(Purpose::Access, |transaction| {
                Tables::open(transaction)?;
                epochs::create(transaction)
            })?;
        }
        Ok(Catalog { database })
    }

    /// Returns the database, for other modules that keep tables in it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Makes a file visible, in one durable transaction.
    ///
    /// # Errors
    /// Returns [`CatalogError::NameTaken`] if the owner has a file of that name, or fails if the disk refuses; nothing has
    /// changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn commit_file(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let key = manifest.file.key.to_string();
        self.database.write(|transaction| {
            let mut tables = Tables::open(transaction)?;
            if tables.files.get(key.as_str())?.is_some() {
                return Err(CatalogError::NameTaken(manifest.file.key.clone()));
            }
            tables.files.insert(key.as_str(), database::encode(&StoredFile::from(&manifest.file))?.as_slice())?;
            tables.manifests.insert(key.as_str(), database::encode(&manifest.segments)?.as_slice())?;
            for reader in &manifest.file.readers {
                tables.readers.insert(key.as_str(), reader.as_str())?;
            }
            for (node, ids) in manifest.by_holder() {
                for id in ids {
                    tables.change_references(node, id, 1)?;
                }
            }
            Ok(())
        })
    }

    /// Makes a file invisible, in one durable transaction, and returns the segments that no file needs any more.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses; nothing has changed then,
    /// unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn remove_file(&self, key: &FileKey) -> Result<Garbage, CatalogError> {
        let manifest = self.manifest(key)?;
        let key = key.to_string();
        self.database.write_for(Purpose::Free, |transaction| {
            let mut tables = Tables::open(transaction)?;
            tables.files.remove(key.as_str())?;
            tables.manifests.remove(key.as_str())?;
            tables.readers.remove_all(key.as_str())?;
            let mut garbage = Garbage::new();
            for (node, ids) in manifest.by_holder() {
                for id in ids {
                    let is_kept = epochs::is_kept(&tables.kept, (node.index() as u16, *id.as_bytes()))?;
                    if tables.change_references(node, id, -1)? == 0 && !is_kept {
                        garbage.entry(node).or_default().push(id);
                    }
                }
            }
            Ok(garbage)
        })
    }

    /// Grants a user read access to a file, or revokes it.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses; nothing has changed then,
    /// unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn set_reader(&self, key: &FileKey, user: &str, may_read: bool) -> Result<(), CatalogError> {
        let text = key.to_string();
        self.database.write(|transaction| {
            let mut tables = Tables::open(transaction)?;
            if tables.files.get(text.as_str())?.is_none() {
                return Err(CatalogError::NotFound(key.clone()));
            }
            match may_read {
                true => tables.readers.insert(text.as_str(), user)?,
                false => tables.readers.remove(text.as_str(), user)?,
            };
            Ok(())
        })
    }

    /// Gives the files without an owner to `owner`, in one transaction, and returns the former keys of those that were given. A
    /// file keeps no owner if the owner has a file of the same name, or if its new key is among those `promised` to other files.
    ///
    /// # Errors
    /// Fails if the disk refuses; nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn adopt(&self, owner: &str, promised: &BTreeSet<FileKey>) -> Result<Vec<FileKey>, CatalogError> {
        let unowned = self.files()?.into_iter().map(|file| file.key).filter(|key| key.owner.is_none());
        self.database.write(|transaction| {
            let mut tables = Tables::open(transaction)?;
            let mut adopted = Vec::new();
            for key in unowned {
                let new = FileKey::new(Some(owner), &key.name);
                let (from, to) = (key.to_string(), new.to_string());
                if tables.files.get(to.as_str())?.is_none() && !promised.contains(&new) {
                    move_value(&mut tables.files, &from, &to)?;
                    move_value(&mut tables.manifests, &from, &to)?;
                    let readers = tables.readers.remove_all(from.as_str())?;
                    let readers: Vec<String> =
                        readers.map(|name| Ok(name?.value().to_owned())).collect::<Result<_, StorageError>>()?;
                    for reader in readers {
                        tables.readers.insert(to.as_str(), reader.as_str())?;
                    }
                    adopted.push(key);
                }
            }
            Ok(adopted)
        })
    }

    /// Lists every file, in the order of the keys.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn files(&self) -> Result<Vec<FileRecord>, CatalogError> {
        let transaction = self.database.read()?;
        let files = transaction.open_table(FILES).map_err(DatabaseError::from)?;
        let readers = transaction.open_multimap_table(READERS).map_err(DatabaseError::from)?;
        let record = |entry: Result<(redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>), StorageError>| {
            let (key, value) = entry?;
            record_of(key.value(), value.value(), &readers)
        };
        let mut found: Vec<FileRecord> = files.iter()?.map(record).collect::<Result<_, _>>()?;
        // The table sorts by the text of the keys, where `/` takes part in the comparison.
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// Returns the complete description of a file.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses or a record is damaged.
    pub fn manifest(&self, key: &FileKey) -> Result<Manifest, CatalogError> {
        let not_found = || CatalogError::NotFound(key.clone());
        let text = key.to_string();
        let transaction = self.database.read()?;
        let files = transaction.open_table(FILES).map_err(DatabaseError::from)?;
        let manifests = transaction.open_table(MANIFESTS).map_err(DatabaseError::from)?;
        let readers = transaction.open_multimap_table(READERS).map_err(DatabaseError::from)?;
        let file = record_of(&text, files.get(text.as_str())?.ok_or_else(not_found)?.value(), &readers)?;
        let segments: Vec<SegmentRecord> = database::decode(manifests.get(text.as_str())?.ok_or_else(not_found)?.value())?;
        Ok(Manifest { file, segments })
    }

    /// Returns those of the `candidates` that no file needs and that are not [kept](Self::kept), and that may therefore be
    /// deleted.
    ///
    /// # Errors
    /// Fails if the disk refuses, or if the outcome of an earlier change is unknown: the next start may find a file that needs
    /// the segments.
    pub fn unreferenced(&self, mut candidates: Garbage) -> Result<Garbage, CatalogError> {
        self.database.refuse_when_suspended()?;
        let reading = self.database.read()?;
        let table = reading.open_table(REFERENCES).map_err(DatabaseError::from)?;
        let kept = reading.open_table(KEPT).map_err(DatabaseError::from)?;
        for (node, ids) in &mut candidates {
            let mut free = Vec::new();
            for &id in ids.iter() {
                let key = (node.index() as u16, *id.as_bytes());
                if table.get(key)?.is_none() && !epochs::is_kept(&kept, key)? {
                    free.push(id);
                }
            }
            *ids = free;
        }
        candidates.retain(|_, ids| !ids.is_empty());
        Ok(candidates)
    }

    /// Returns the segments that files need, by holder.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn references(&self) -> Result<BTreeMap<NodeNumber, BTreeSet<SegmentId>>, CatalogError> {
        let table = self.database.read()?.open_table(REFERENCES).map_err(DatabaseError::from)?;
        let mut found = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
        for entry in table.iter()? {
            let (node, id) = entry?.0.value();
            found.entry(NodeNumber::from_index(usize::from(node))).or_default().insert(SegmentId::from_bytes(id));
        }
        Ok(found)
    }
}

/// Builds the record of a file from its key, its value and the table of readers.
fn record_of(
    key: &str,
    value: &[u8],
    readers: &impl ReadableMultimapTable<&'static str, &'static str>,
) -> Result<FileRecord, CatalogError> {
    let stored: StoredFile = database::decode(value)?;
    let readers = readers.get(key)?.map(|reader| Ok(reader?.value().to_owned())).collect::<Result<_, StorageError>>()?;
    let Ok(key) = key.parse();
    Ok(stored.into_record(key, readers))
}

fn move_value(table: &mut redb::Table<'_, &'static str, &'static [u8]>, from: &str, to: &str) -> Result<(), StorageError> {
    let value = table.remove(from)?.map(|value| value.value().to_vec());
    if let Some(value) = value {
        table.insert(to, value.as_slice())?;
    }
    Ok(())
}

/// Tables opened in one write transaction.
struct Tables<'a> {
    files: redb::Table<'a, &'static str, &'static [u8]>,
    manifests: redb::Table<'a, &'static str, &'static [u8]>,
    readers: redb::MultimapTable<'a, &'static str, &'static str>,
    references: redb::Table<'a, ReferenceKey, u32>,
    kept: redb::Table<'a, ReferenceKey, ()>,
}

impl<'a> Tables<'a> {
    fn open(transaction: &'a WriteTransaction) -> Result<Tables<'a>, DatabaseError> {
        Ok(Tables {
            files: transaction.open_table(FILES)?,
            manifests: transaction.open_table(MANIFESTS)?,
            readers: transaction.open_multimap_table(READERS)?,
            references: transaction.open_table(REFERENCES)?,
            kept: transaction.open_table(KEPT)?,
        })
    }

    /// Changes the number of files that need a segment on a node by `by`, and returns the new number.
    fn change_references(&mut self, node: NodeNumber, id: SegmentId, by: i32) -> Result<u32, StorageError> {
        let key = (node.index() as u16, *id.as_bytes());
        let count = self.references.get(key)?.map_or(0, |count| count.value());
        let count = count.saturating_add_signed(by);
        if count == 0 {
            self.references.remove(key)?;
        } else {
            self.references.insert(key, count)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Sha256Digest;

    fn id(n: u8) -> SegmentId {
        SegmentId::of(&[n])
    }

    fn manifest(name: &str, segments: &[(u8, usize)]) -> Manifest {
        let record = |&(n, node): &(u8, usize)| SegmentRecord { id: id(n), len: 1, holders: vec![NodeNumber::from_index(node)] };
        let file = FileRecord {
            key: FileKey::unowned(name),
            readers: BTreeSet::new(),
            size: segments.len() as u64,
            sha256: Sha256Digest::of(name.as_bytes()),
            segments: segments.len() as u32,
            segment_size: 65_536,
            stored_at: 1_700_000_000,
        };
        Manifest { file, segments: segments.iter().map(record).collect() }
    }

    fn open() -> (tempfile::TempDir, Catalog) {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&directory.path().join("catalog.redb")).unwrap();
        (directory, catalog)
    }

    #[test]
    fn a_file_is_there_after_its_transaction_and_after_reopening() {
        let (directory, catalog) = open();
        let file = manifest("a.bin", &[(1, 0), (2, 1)]);
        catalog.commit_file(&file).unwrap();
        drop(catalog);
        let catalog = Catalog::open(&directory.path().join("catalog.redb")).unwrap();
        assert_eq!(catalog.manifest(&file.file.key), Ok(file.clone()));
        assert_eq!(catalog.files(), Ok(vec![file.file]));
        let missing = FileKey::unowned("b.bin");
        assert_eq!(catalog.manifest(&missing), Err(CatalogError::NotFound(missing)));
    }

    #[test]
    fn a_name_is_taken_once_and_a_refused_file_changes_nothing() {
        let (_directory, catalog) = open();
        catalog.commit_file(&manifest("a.bin", &[(1, 0)])).unwrap();
        let second = manifest("a.bin", &[(9, 3)]);
        assert_eq!(catalog.commit_file(&second), Err(CatalogError::NameTaken(FileKey::unowned("a.bin"))));
        assert_eq!(catalog.references().unwrap().len(), 1);
    }

    /// A segment on a node is garbage only when the last file that needs it there is gone.
    #[test]
    fn shared_segments_outlive_one_of_their_files() {
        let (_directory, catalog) = open();
        catalog.commit_file(&manifest("a.bin", &[(1, 0), (1, 0), (2, 1)])).unwrap();
        catalog.commit_file(&manifest("b.bin", &[(1, 0), (2, 0)])).unwrap();
        let garbage = catalog.remove_file(&FileKey::unowned("a.bin")).unwrap();
        assert_eq!(garbage, Garbage::from([(NodeNumber::from_index(1), vec![id(2)])]));
        let asked = Garbage::from([(NodeNumber::from_index(0), vec![id(1), id(9)]), (NodeNumber::from_index(3), vec![id(1)])]);
        let free = Garbage::from([(NodeNumber::from_index(0), vec![id(9)]), (NodeNumber::from_index(3), vec![id(1)])]);
        assert_eq!(catalog.unreferenced(asked), Ok(free));
        let garbage = catalog.remove_file(&FileKey::unowned("b.bin")).unwrap();
        let mut both = vec![id(1), id(2)];
        both.sort_unstable();
        assert_eq!(garbage, Garbage::from([(NodeNumber::from_index(0), both)]));
        assert_eq!((catalog.files(), catalog.references().unwrap().len()), (Ok(vec![]), 0));
        assert!(matches!(catalog.remove_file(&FileKey::unowned("b.bin")), Err(CatalogError::NotFound(_))));
    }

    /// Two users may have files of one name, and neither is in the other's way.
    #[test]
    fn files_have_owners_and_readers() {
        let (_directory, catalog) = open();
        let of = |owner: &str| {
            let mut manifest = manifest("a.bin", &[(1, 0)]);
            manifest.file.key.owner = Some(owner.into());
            manifest
        };
        let (alice, bob) = (of("alice"), of("bob"));
        catalog.commit_file(&bob).unwrap();
        catalog.commit_file(&alice).unwrap();
        assert_eq!(catalog.commit_file(&bob), Err(CatalogError::NameTaken(bob.file.key.clone())));
        for (user, may_read, expected) in [("bob", true, 1), ("carol", true, 2), ("carol", true, 2), ("bob", false, 1)] {
            catalog.set_reader(&alice.file.key, user, may_read).unwrap();
            assert_eq!(catalog.manifest(&alice.file.key).unwrap().file.readers.len(), expected);
        }
        let readers = catalog.files().unwrap().into_iter().map(|file| file.readers.into_iter().collect::<Vec<_>>());
        assert_eq!(readers.collect::<Vec<_>>(), [vec!["carol".to_owned()], vec![]]);
        catalog.remove_file(&alice.file.key).unwrap();
        // A new file of that name is not shared with whom the old one was.
        catalog.commit_file(&alice).unwrap();
        assert_eq!(catalog.manifest(&alice.file.key), Ok(alice));
        let missing = FileKey::new(Some("carol"), "a.bin");
        assert_eq!(catalog.set_reader(&missing, "bob", true), Err(CatalogError::NotFound(missing)));
    }

    #[test]
    fn what_is_nobodys_is_adopted_but_for_namesakes() {
        let (_directory, catalog) = open();
        let mut own = manifest("b.bin", &[(2, 0)]);
        own.file.key.owner = Some("alice".into());
        catalog.commit_file(&own).unwrap();
        for name in ["a.bin", "b.bin", "c.bin"] {
            catalog.commit_file(&manifest(name, &[(1, 0)])).unwrap();
        }
        catalog.set_reader(&FileKey::unowned("a.bin"), "bob", true).unwrap();
        let promised = BTreeSet::from([FileKey::new(Some("alice"), "c.bin")]);
        assert_eq!(catalog.adopt("alice", &promised), Ok(vec![FileKey::unowned("a.bin")]));
        let keys: Vec<String> = catalog.files().unwrap().iter().map(|file| file.key.to_string()).collect();
        assert_eq!(keys, ["b.bin", "c.bin", "alice/a.bin", "alice/b.bin"]);
        let given = catalog.manifest(&FileKey::new(Some("alice"), "a.bin")).unwrap();
        assert_eq!((given.segments[0].id, given.file.readers), (id(1), BTreeSet::from(["bob".to_owned()])));
        assert_eq!(catalog.manifest(&own.file.key).unwrap().segments[0].id, id(2));
        assert_eq!(catalog.adopt("alice", &promised), Ok(vec![]));
    }

    /// A catalog of before there were accounts: files by their bare names, no table of readers.
    #[test]
    fn a_catalog_without_owners_is_read() {
        let (directory, catalog) = open();
        let file = manifest("a.bin", &[(1, 0)]);
        catalog.commit_file(&file).unwrap();
        catalog
            .database()
            .write(|transaction| transaction.delete_multimap_table(READERS).map(drop).map_err(DatabaseError::from))
            .unwrap();
        drop(catalog);
        assert_eq!(Catalog::open(&directory.path().join("catalog.redb")).unwrap().files(), Ok(vec![file.file]));
    }

    #[test]
    fn a_second_opener_is_refused() {
        let (directory, _catalog) = open();
        let path = directory.path().join("catalog.redb");
        assert_eq!(Catalog::open(&path).unwrap_err(), DatabaseError::InUse { path }.into());
    }

    #[test]
    fn a_damaged_or_foreign_file_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        {
            let catalog = Catalog::open(&path).unwrap();
            (0..200).for_each(|n| catalog.commit_file(&manifest(&format!("{n}"), &[(n, 0)])).unwrap());
        }
        let whole = std::fs::read(&path).unwrap();
        let mut scribbled = whole.clone();
        scribbled[..64].fill(0x55);
        for bytes in [whole[..whole.len() / 2].to_vec(), whole[..100].to_vec(), b"not a database".to_vec(), scribbled] {
            std::fs::write(&path, &bytes).unwrap();
            let error = Catalog::open(&path).unwrap_err();
            assert!(matches!(error, CatalogError::Database(DatabaseError::Damaged { .. })), "{} bytes: {error}", bytes.len());
            assert!(std::fs::read(&path).unwrap() == bytes, "{} bytes", bytes.len());
        }
    }
}
