//! The catalog: the embedded database that says which files exist.
//!
//! A file becomes visible in one transaction, which is durable when it returns; before it nothing of the file is visible,
//! after it all is. References count how many files need a segment on a node. The database is redb 4, kept inside this
//! module, since its next version changes the interface. Every call blocks: keep them off threads that must not. Knows
//! nothing of disks, networks or time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, StorageError, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::local_disk::directory_of;
use super::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};
use super::segment::SegmentId;
use crate::{codec, panics};

/// The format of the tables as a whole.
const FORMAT: u8 = 1;
/// The format of a value in them.
const VALUE: u8 = 1;
/// How the names of catalogs begin that are not whole yet.
const UNFINISHED: &str = ".catalog-new-";
/// The database's own cache, in bytes: redb would take a gibibyte.
const CACHE_BYTES: usize = 32 << 20;

type ReferenceKey = (u16, [u8; 32]);

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
const MANIFESTS: TableDefinition<&str, &[u8]> = TableDefinition::new("manifests");
const REFERENCES: TableDefinition<ReferenceKey, u32> = TableDefinition::new("references");

/// Why the catalog did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// Another process has it open.
    #[error("{path} is in use by another p2p process; one process at a time may use a data directory")]
    InUse {
        /// The database's file.
        path: PathBuf,
    },
    /// What is in the file is no catalog, or no longer.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The database's file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// There is a file of that name already.
    #[error("a file named `{name}` is stored already")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There is no file of that name.
    #[error("no file named `{name}` is stored")]
    NotFound {
        /// The name.
        name: String,
    },
    /// The disk under the database refused.
    #[error("the catalog {path} cannot be read or written: {reason}")]
    Io {
        /// The database's file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// Segments that no file needs any more, by holder.
pub type Garbage = BTreeMap<NodeNumber, Vec<SegmentId>>;

/// The open database.
#[derive(Debug)]
pub struct Catalog {
    database: Database,
    path: PathBuf,
}

impl Catalog {
    /// Opens the catalog at `path`, or makes one.
    ///
    /// # Errors
    /// Where another process has it open, or what is there is damaged or of another version.
    pub fn open(path: &Path) -> Result<Catalog, CatalogError> {
        if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
            return Catalog::open_existing(path);
        }
        let created = create_empty(path);
        // Another process may have been quicker, and then this one is told that the catalog is in use.
        Catalog::open_existing(path).or_else(|error| created.and(Err(error)))
    }

    fn open_existing(path: &Path) -> Result<Catalog, CatalogError> {
        let damaged = |reason| CatalogError::Damaged { path: path.to_owned(), reason };
        let opened = panics::caught(|| open_sound(path)).map_err(damaged)?;
        let database = opened.map_err(|error| opening_failed(path, &error))?;
        let catalog = Catalog { database, path: path.to_owned() };
        catalog.check_format()?;
        Ok(catalog)
    }

    /// Makes a file visible, in one durable transaction.
    ///
    /// # Errors
    /// [`CatalogError::NameTaken`], or where the disk refuses; then nothing has changed.
    pub fn commit_file(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let name = manifest.file.name.as_str();
        self.write(|tables| {
            if tables.files.get(name).map_err(|error| self.failed(error))?.is_some() {
                return Err(CatalogError::NameTaken { name: name.to_owned() });
            }
            let file = self.encode(&manifest.file)?;
            let segments = self.encode(&manifest.segments)?;
            tables.files.insert(name, file.as_slice()).map_err(|error| self.failed(error))?;
            tables.manifests.insert(name, segments.as_slice()).map_err(|error| self.failed(error))?;
            for (node, ids) in manifest.by_holder() {
                for id in ids {
                    tables.change_references(node, id, 1).map_err(|error| self.failed(error))?;
                }
            }
            Ok(())
        })
    }

    /// Makes a file invisible, in one durable transaction, and says which segments nobody needs now.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], or where the disk refuses; then nothing has changed.
    pub fn remove_file(&self, name: &str) -> Result<(Manifest, Garbage), CatalogError> {
        let manifest = self.manifest(name)?;
        let mut garbage = Garbage::new();
        self.write(|tables| {
            tables.files.remove(name).map_err(|error| self.failed(error))?;
            tables.manifests.remove(name).map_err(|error| self.failed(error))?;
            for (node, ids) in manifest.by_holder() {
                for id in ids {
                    let left = tables.change_references(node, id, -1).map_err(|error| self.failed(error))?;
                    if left == 0 {
                        garbage.entry(node).or_default().push(id);
                    }
                }
            }
            Ok(())
        })?;
        Ok((manifest, garbage))
    }

    /// Every file, in the order of the names.
    ///
    /// # Errors
    /// Where the disk refuses or a record is damaged.
    pub fn files(&self) -> Result<Vec<FileRecord>, CatalogError> {
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = transaction.open_table(FILES).map_err(|error| self.failed(error))?;
        let entries = table.iter().map_err(|error| self.failed(error))?;
        entries.map(|entry| self.decode(entry.map_err(|error| self.failed(error))?.1.value())).collect()
    }

    /// One file, whole.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], or where the disk refuses or a record is damaged.
    pub fn manifest(&self, name: &str) -> Result<Manifest, CatalogError> {
        let not_found = || CatalogError::NotFound { name: name.to_owned() };
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let files = transaction.open_table(FILES).map_err(|error| self.failed(error))?;
        let manifests = transaction.open_table(MANIFESTS).map_err(|error| self.failed(error))?;
        let file = files.get(name).map_err(|error| self.failed(error))?.ok_or_else(not_found)?;
        let segments = manifests.get(name).map_err(|error| self.failed(error))?.ok_or_else(not_found)?;
        let file: FileRecord = self.decode(file.value())?;
        let segments: Vec<SegmentRecord> = self.decode(segments.value())?;
        Ok(Manifest { file, segments })
    }

    /// Those of `candidates` that no file needs.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn unreferenced(&self, mut candidates: Garbage) -> Result<Garbage, CatalogError> {
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = transaction.open_table(REFERENCES).map_err(|error| self.failed(error))?;
        for (node, ids) in &mut candidates {
            let mut free = Vec::new();
            for &id in ids.iter() {
                let key = (node.index() as u16, *id.as_bytes());
                if table.get(key).map_err(|error| self.failed(error))?.is_none() {
                    free.push(id);
                }
            }
            *ids = free;
        }
        candidates.retain(|_, ids| !ids.is_empty());
        Ok(candidates)
    }

    /// The segments that some file needs, by holder.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn references(&self) -> Result<BTreeMap<NodeNumber, BTreeSet<SegmentId>>, CatalogError> {
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = transaction.open_table(REFERENCES).map_err(|error| self.failed(error))?;
        let mut found = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
        for entry in table.iter().map_err(|error| self.failed(error))? {
            let (key, _) = entry.map_err(|error| self.failed(error))?;
            let (node, id) = key.value();
            found.entry(NodeNumber::from_index(usize::from(node))).or_default().insert(SegmentId::from_bytes(id));
        }
        Ok(found)
    }

    fn check_format(&self) -> Result<(), CatalogError> {
        let damaged = |reason: String| CatalogError::Damaged { path: self.path.clone(), reason };
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = transaction.open_table(META).map_err(|_| damaged("it is no catalog of p2p".into()))?;
        let format = table.get("format").map_err(|error| self.failed(error))?;
        let format = format.ok_or_else(|| damaged("it says nothing of its format".into()))?;
        codec::decode::<()>(FORMAT, format.value()).map_err(|error| damaged(error.to_string()))
    }

    /// One durable transaction: all of `body` or nothing.
    fn write<T>(&self, body: impl FnOnce(&mut Tables) -> Result<T, CatalogError>) -> Result<T, CatalogError> {
        let mut transaction = self.database.begin_write().map_err(|error| self.failed(error))?;
        transaction.set_durability(Durability::Immediate).map_err(|error| self.failed(error))?;
        // Else a crash costs a walk through the whole file at the next start.
        transaction.set_quick_repair(true);
        let result = {
            let mut tables = Tables::open(&transaction).map_err(|error| self.failed(error))?;
            body(&mut tables)?
        };
        transaction.commit().map_err(|error| self.failed(error))?;
        Ok(result)
    }

    fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, CatalogError> {
        codec::encode(VALUE, value).map_err(|error| self.unencodable(&error))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CatalogError> {
        codec::decode(VALUE, bytes).map_err(|error| CatalogError::Damaged { path: self.path.clone(), reason: error.to_string() })
    }

    fn unencodable(&self, error: &codec::EncodeError) -> CatalogError {
        CatalogError::Io { path: self.path.clone(), reason: error.to_string() }
    }

    fn failed(&self, error: impl Into<redb::Error>) -> CatalogError {
        match error.into() {
            redb::Error::Corrupted(reason) => CatalogError::Damaged { path: self.path.clone(), reason },
            error => CatalogError::Io { path: self.path.clone(), reason: error.to_string() },
        }
    }
}

/// The tables of one transaction.
struct Tables<'a> {
    meta: redb::Table<'a, &'static str, &'static [u8]>,
    files: redb::Table<'a, &'static str, &'static [u8]>,
    manifests: redb::Table<'a, &'static str, &'static [u8]>,
    references: redb::Table<'a, ReferenceKey, u32>,
}

impl<'a> Tables<'a> {
    fn open(transaction: &'a redb::WriteTransaction) -> Result<Tables<'a>, redb::TableError> {
        Ok(Tables {
            meta: transaction.open_table(META)?,
            files: transaction.open_table(FILES)?,
            manifests: transaction.open_table(MANIFESTS)?,
            references: transaction.open_table(REFERENCES)?,
        })
    }

    /// Changes how many files need a segment on a node, and gives the new count.
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

/// Makes a catalog without files under another name and puts it in its place when it is whole and durable.
fn create_empty(path: &Path) -> Result<(), CatalogError> {
    let failed = |error: &dyn std::fmt::Display| CatalogError::Io { path: path.to_owned(), reason: error.to_string() };
    let directory = directory_of(path);
    sweep_unfinished(directory);
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory).map_err(|error| failed(&error))?;
    let database = Builder::new().create(unfinished.path()).map_err(|error| opening_failed(path, &error))?;
    let catalog = Catalog { database, path: path.to_owned() };
    let format = codec::encode(FORMAT, &()).map_err(|error| catalog.unencodable(&error))?;
    catalog.write(|tables| tables.meta.insert("format", format.as_slice()).map(drop).map_err(|error| catalog.failed(error)))?;
    drop(catalog);
    unfinished.persist(path).map_err(|error| failed(&error.error))?;
    // A new file's name is durable only when its directory is.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| failed(&error))
}

/// Removes what crashes of [`create_empty`] have left. Best effort: it does no harm where it stays.
fn sweep_unfinished(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Opens the database and has it check its pages against their checksums: what is read from damaged pages could be anything,
/// and segments would be swept by it. Where it comes upon damage before that, redb 4 may panic.
fn open_sound(path: &Path) -> Result<Database, DatabaseError> {
    let mut database = Builder::new().set_cache_size(CACHE_BYTES).create(path)?;
    if !database.check_integrity()? {
        return Err(StorageError::Corrupted("what is there does not agree with its checksums".into()).into());
    }
    Ok(database)
}

fn opening_failed(path: &Path, error: &DatabaseError) -> CatalogError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => CatalogError::InUse { path },
        DatabaseError::Storage(StorageError::Io(io)) if !is_damage(io.kind()) => {
            CatalogError::Io { path, reason: io.to_string() }
        }
        other => CatalogError::Damaged { path, reason: other.to_string() },
    }
}

/// Whether an I/O error is about what the file says, not about reaching it.
fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::segment::Sha256Digest;

    fn id(n: u8) -> SegmentId {
        SegmentId::of(&[n])
    }

    fn manifest(name: &str, segments: &[(u8, usize)]) -> Manifest {
        let record = |&(n, node): &(u8, usize)| SegmentRecord { id: id(n), len: 1, holders: vec![NodeNumber::from_index(node)] };
        let file = FileRecord {
            name: name.into(),
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
        assert_eq!(catalog.manifest("a.bin"), Ok(file.clone()));
        assert_eq!(catalog.files(), Ok(vec![file.file]));
        assert_eq!(catalog.manifest("b.bin"), Err(CatalogError::NotFound { name: "b.bin".into() }));
    }

    #[test]
    fn a_name_is_taken_once_and_a_refused_file_changes_nothing() {
        let (_directory, catalog) = open();
        catalog.commit_file(&manifest("a.bin", &[(1, 0)])).unwrap();
        let second = manifest("a.bin", &[(9, 3)]);
        assert_eq!(catalog.commit_file(&second), Err(CatalogError::NameTaken { name: "a.bin".into() }));
        assert_eq!(catalog.references().unwrap().len(), 1);
    }

    /// A segment on a node is garbage only when the last file that needs it there is gone.
    #[test]
    fn shared_segments_outlive_one_of_their_files() {
        let (_directory, catalog) = open();
        catalog.commit_file(&manifest("a.bin", &[(1, 0), (1, 0), (2, 1)])).unwrap();
        catalog.commit_file(&manifest("b.bin", &[(1, 0), (2, 0)])).unwrap();
        let (_, garbage) = catalog.remove_file("a.bin").unwrap();
        assert_eq!(garbage, Garbage::from([(NodeNumber::from_index(1), vec![id(2)])]));
        let asked = Garbage::from([(NodeNumber::from_index(0), vec![id(1), id(9)]), (NodeNumber::from_index(3), vec![id(1)])]);
        let free = Garbage::from([(NodeNumber::from_index(0), vec![id(9)]), (NodeNumber::from_index(3), vec![id(1)])]);
        assert_eq!(catalog.unreferenced(asked), Ok(free));
        let (_, garbage) = catalog.remove_file("b.bin").unwrap();
        let mut both = vec![id(1), id(2)];
        both.sort_unstable();
        assert_eq!(garbage, Garbage::from([(NodeNumber::from_index(0), both)]));
        assert_eq!((catalog.files(), catalog.references().unwrap().len()), (Ok(vec![]), 0));
        assert!(matches!(catalog.remove_file("b.bin"), Err(CatalogError::NotFound { .. })));
    }

    #[test]
    fn a_second_opener_is_refused() {
        let (directory, _catalog) = open();
        let path = directory.path().join("catalog.redb");
        assert_eq!(Catalog::open(&path).unwrap_err(), CatalogError::InUse { path });
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
            assert!(matches!(error, CatalogError::Damaged { .. }), "{} bytes: {error}", bytes.len());
            assert!(std::fs::read(&path).unwrap() == bytes, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn another_format_is_refused_by_its_version() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        let database = Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert("format", [9u8].as_slice()).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let message = Catalog::open(&path).unwrap_err().to_string();
        assert!(message.contains("version 9 is unknown"), "{message}");
    }
}
