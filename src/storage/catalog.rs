//! The catalog: the tables of the database that say which files exist.
//!
//! A file becomes visible in one transaction, which is durable when it returns; before it nothing of the file is visible,
//! after it all is. References count how many files need a segment on a node. Every call blocks: keep them off threads that
//! must not. Knows nothing of disks, networks or time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use redb::{ReadableTable, StorageError, TableDefinition, WriteTransaction};
use thiserror::Error;

use super::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};
use super::segment::SegmentId;
use crate::database::{self, Database, DatabaseError};

type ReferenceKey = (u16, [u8; 32]);

const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
const MANIFESTS: TableDefinition<&str, &[u8]> = TableDefinition::new("manifests");
const REFERENCES: TableDefinition<ReferenceKey, u32> = TableDefinition::new("references");

/// Why the catalog did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// The database refused.
    #[error(transparent)]
    Database(#[from] DatabaseError),
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
}

impl From<StorageError> for CatalogError {
    fn from(error: StorageError) -> Self {
        DatabaseError::from(error).into()
    }
}

/// Segments that no file needs any more, by holder.
pub type Garbage = BTreeMap<NodeNumber, Vec<SegmentId>>;

/// The files of a database.
#[derive(Debug)]
pub struct Catalog {
    database: Database,
}

impl Catalog {
    /// Opens the catalog at `path`, or makes one.
    ///
    /// # Errors
    /// Where another process has it open, or what is there is damaged or of another version.
    pub fn open(path: &Path) -> Result<Catalog, CatalogError> {
        let database = Database::open(path)?;
        // Readers find the tables there.
        if database.read()?.open_table(REFERENCES).is_err() {
            database.write(|transaction| Tables::open(transaction).map(drop))?;
        }
        Ok(Catalog { database })
    }

    /// The database, for others that keep things in it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Makes a file visible, in one durable transaction.
    ///
    /// # Errors
    /// [`CatalogError::NameTaken`], or where the disk refuses; then nothing has changed.
    pub fn commit_file(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let name = manifest.file.name.as_str();
        self.database.write(|transaction| {
            let mut tables = Tables::open(transaction)?;
            if tables.files.get(name)?.is_some() {
                return Err(CatalogError::NameTaken { name: name.to_owned() });
            }
            tables.files.insert(name, database::encode(&manifest.file)?.as_slice())?;
            tables.manifests.insert(name, database::encode(&manifest.segments)?.as_slice())?;
            for (node, ids) in manifest.by_holder() {
                for id in ids {
                    tables.change_references(node, id, 1)?;
                }
            }
            Ok(())
        })
    }

    /// Makes a file invisible, in one durable transaction, and says which segments nobody needs now.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], or where the disk refuses; then nothing has changed.
    pub fn remove_file(&self, name: &str) -> Result<Garbage, CatalogError> {
        let manifest = self.manifest(name)?;
        self.database.write(|transaction| {
            let mut tables = Tables::open(transaction)?;
            tables.files.remove(name)?;
            tables.manifests.remove(name)?;
            let mut garbage = Garbage::new();
            for (node, ids) in manifest.by_holder() {
                for id in ids {
                    if tables.change_references(node, id, -1)? == 0 {
                        garbage.entry(node).or_default().push(id);
                    }
                }
            }
            Ok(garbage)
        })
    }

    /// Every file, in the order of the names.
    ///
    /// # Errors
    /// Where the disk refuses or a record is damaged.
    pub fn files(&self) -> Result<Vec<FileRecord>, CatalogError> {
        let table = self.database.read()?.open_table(FILES).map_err(DatabaseError::from)?;
        table.iter()?.map(|entry| Ok(database::decode(entry?.1.value())?)).collect()
    }

    /// One file, whole.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], or where the disk refuses or a record is damaged.
    pub fn manifest(&self, name: &str) -> Result<Manifest, CatalogError> {
        let not_found = || CatalogError::NotFound { name: name.to_owned() };
        let transaction = self.database.read()?;
        let files = transaction.open_table(FILES).map_err(DatabaseError::from)?;
        let manifests = transaction.open_table(MANIFESTS).map_err(DatabaseError::from)?;
        let file: FileRecord = database::decode(files.get(name)?.ok_or_else(not_found)?.value())?;
        let segments: Vec<SegmentRecord> = database::decode(manifests.get(name)?.ok_or_else(not_found)?.value())?;
        Ok(Manifest { file, segments })
    }

    /// Those of `candidates` that no file needs.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn unreferenced(&self, mut candidates: Garbage) -> Result<Garbage, CatalogError> {
        let table = self.database.read()?.open_table(REFERENCES).map_err(DatabaseError::from)?;
        for (node, ids) in &mut candidates {
            let mut free = Vec::new();
            for &id in ids.iter() {
                if table.get((node.index() as u16, *id.as_bytes()))?.is_none() {
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
        let table = self.database.read()?.open_table(REFERENCES).map_err(DatabaseError::from)?;
        let mut found = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
        for entry in table.iter()? {
            let (node, id) = entry?.0.value();
            found.entry(NodeNumber::from_index(usize::from(node))).or_default().insert(SegmentId::from_bytes(id));
        }
        Ok(found)
    }
}

/// The tables of one transaction.
struct Tables<'a> {
    files: redb::Table<'a, &'static str, &'static [u8]>,
    manifests: redb::Table<'a, &'static str, &'static [u8]>,
    references: redb::Table<'a, ReferenceKey, u32>,
}

impl<'a> Tables<'a> {
    fn open(transaction: &'a WriteTransaction) -> Result<Tables<'a>, DatabaseError> {
        Ok(Tables {
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
        let garbage = catalog.remove_file("a.bin").unwrap();
        assert_eq!(garbage, Garbage::from([(NodeNumber::from_index(1), vec![id(2)])]));
        let asked = Garbage::from([(NodeNumber::from_index(0), vec![id(1), id(9)]), (NodeNumber::from_index(3), vec![id(1)])]);
        let free = Garbage::from([(NodeNumber::from_index(0), vec![id(9)]), (NodeNumber::from_index(3), vec![id(1)])]);
        assert_eq!(catalog.unreferenced(asked), Ok(free));
        let garbage = catalog.remove_file("b.bin").unwrap();
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
