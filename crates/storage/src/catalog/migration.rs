//! Migration of a catalog of format 1, in which the key of a file was a text, its manifest one value with the nodes of every
//! segment, and the number of references was kept for each node.

use std::collections::BTreeSet;

use p2p_base::database::{self, DatabaseError};
use redb::{MultimapTableDefinition, ReadableMultimapTable, ReadableTable, StorageError, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::CatalogError;
use super::copies::Place;
use super::tables::Tables;
use crate::attributes::FILE_MODE;
use crate::epochs::ReferenceKey;
use crate::manifest::{FileRecord, Manifest, SegmentRecord};
use crate::names::FileKey;
use crate::segment::Sha256Digest;

/// Table of the files, keyed by `owner/name`, or by the bare name of a file without an owner.
const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
const MANIFESTS: TableDefinition<&str, &[u8]> = TableDefinition::new("manifests");
/// Table of the users other than the owner who may read a file. The first catalogs had none.
const READERS: MultimapTableDefinition<&str, &str> = MultimapTableDefinition::new("readers");
const REFERENCES: TableDefinition<ReferenceKey, u32> = TableDefinition::new("references");

#[derive(Debug, Serialize, Deserialize)]
struct File {
    name: String,
    size: u64,
    sha256: Sha256Digest,
    segments: u32,
    segment_size: u32,
    stored_at: u64,
}

p2p_base::stored!(File = 1, Segments = 1);

#[derive(Debug, Serialize, Deserialize)]
struct Segments(Vec<SegmentRecord>);

/// Brings the tables of format 1 up to date. The catalog keeps its name, and every volume its own with its epochs; a node that
/// files need and whose volume has never been marked gets a volume with a pending epoch.
///
/// # Errors
/// Fails if the disk refuses or a record is damaged.
pub(super) fn migrate(transaction: &WriteTransaction) -> Result<(), CatalogError> {
    super::create(transaction)?;
    move_files(transaction)?;
    transaction.delete_table(FILES).map_err(DatabaseError::from)?;
    transaction.delete_table(MANIFESTS).map_err(DatabaseError::from)?;
    transaction.delete_multimap_table(READERS).map_err(DatabaseError::from)?;
    transaction.delete_table(REFERENCES).map_err(DatabaseError::from)?;
    Ok(())
}

fn move_files(transaction: &WriteTransaction) -> Result<(), CatalogError> {
    let mut tables = Tables::open(transaction)?;
    let files = transaction.open_table(FILES).map_err(DatabaseError::from)?;
    let manifests = transaction.open_table(MANIFESTS).map_err(DatabaseError::from)?;
    let readers = transaction.open_multimap_table(READERS).map_err(DatabaseError::from)?;
    for entry in files.iter()? {
        let (text, file) = entry?;
        let text = text.value();
        let manifest = manifests.get(text)?.ok_or_else(|| database::damaged(format!("`{text}` has no manifest")))?;
        let Segments(segments) = database::decode(manifest.value())?;
        let readers = readers.get(text)?.map(|reader| Ok(reader?.value().to_owned()));
        let readers: BTreeSet<String> = readers.collect::<Result<_, StorageError>>()?;
        let File { size, sha256, segments: count, segment_size, stored_at, .. } = database::decode(file.value())?;
        let key = key_of(text);
        let file = FileRecord {
            key,
            size,
            sha256,
            segments: count,
            segment_size,
            stored_at,
            modified: stored_at,
            mode: FILE_MODE,
            readers,
        };
        tables.add_file(&Manifest { file, segments }, Place::Free)?;
    }
    Ok(())
}

fn key_of(text: &str) -> FileKey {
    match text.split_once('/') {
        Some((owner, name)) => FileKey::new(Some(owner), name),
        None => FileKey::unowned(text),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::catalog::Catalog;
    use crate::epochs::{self, KnownVolume};
    use crate::manifest::NodeNumber;
    use crate::segment::SegmentId;

    fn id(n: u8) -> SegmentId {
        SegmentId::of(&[n])
    }

    /// File of format 1: its key as a text, its segments with the positions of their nodes, and its readers.
    type OldFile<'a> = (&'a str, &'a [(u8, usize)], &'a [&'a str]);

    const OLD: &[OldFile<'_>] = &[
        ("a.bin", &[(1, 0), (1, 0), (2, 1)], &[]),
        ("alice/a.bin", &[(1, 0)], &["bob", "carol"]),
        ("bob/none", &[], &["alice"]),
    ];

    /// Writes a catalog of format 1, as the program of that time did, with the volumes that it knew.
    fn write_old(path: &Path, volumes: &BTreeMap<u16, KnownVolume>, has_readers: bool, damaged: &[&str]) {
        let catalog = Catalog::open(path).unwrap();
        let written = catalog.database().write(|transaction| {
            for table in transaction.list_tables()?.collect::<Vec<_>>() {
                if !["meta", "identity", "volumes", "kept"].contains(&redb::TableHandle::name(&table)) {
                    transaction.delete_table(table)?;
                }
            }
            let mut meta = transaction.open_table(TableDefinition::<&str, &[u8]>::new("meta"))?;
            meta.insert("format", [1_u8].as_slice())?;
            let (mut files, mut manifests) = (transaction.open_table(FILES)?, transaction.open_table(MANIFESTS)?);
            for (key, segments, readers) in OLD {
                let record =
                    |&(n, node): &(u8, usize)| SegmentRecord { id: id(n), len: 1, holders: vec![NodeNumber::from_index(node)] };
                let file = File {
                    name: key_of(key).name,
                    size: segments.len() as u64,
                    sha256: Sha256Digest::of(key.as_bytes()),
                    segments: segments.len() as u32,
                    segment_size: 65_536,
                    stored_at: 1_700_000_000,
                };
                files.insert(key, database::encode(&file)?.as_slice())?;
                if !damaged.contains(key) {
                    manifests.insert(key, database::encode(&Segments(segments.iter().map(record).collect()))?.as_slice())?;
                }
                for reader in readers.iter().filter(|_| has_readers) {
                    transaction.open_multimap_table(READERS)?.insert(key, reader)?;
                }
            }
            transaction.open_table(REFERENCES)?.insert((0, *id(1).as_bytes()), 2)?;
            let mut table = transaction.open_table(epochs::VOLUMES)?;
            for (node, known) in volumes {
                table.insert(node, database::encode(known)?.as_slice())?;
            }
            Ok::<_, DatabaseError>(())
        });
        written.unwrap();
    }

    /// Returns everything that is known of the files, for comparison.
    fn content(catalog: &Catalog) -> Vec<Manifest> {
        let names = catalog.namespace().unwrap();
        names.files().map(|file| catalog.manifest(&file.key).unwrap()).collect()
    }

    #[test]
    fn files_of_the_former_format_are_all_there_with_their_places_and_readers() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        let marked = KnownVolume { volume: epochs::random().unwrap(), pending: None, current: Some(epochs::random().unwrap()) };
        write_old(&path, &BTreeMap::from([(0, marked)]), true, &[]);
        let before = std::fs::read(&path).unwrap();
        let name = |path: &Path| Catalog::open_read_only(path).unwrap().volumes().unwrap().catalog;
        let (identity, read) = (name(&path), content(&Catalog::open_read_only(&path).unwrap()));
        assert!(std::fs::read(&path).unwrap() == before, "a start that only reads changes nothing on the disk");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "nor beside it");
        let catalog = Catalog::open(&path).unwrap();
        let copy = catalog.kept_copy().unwrap().to_owned();
        assert!(std::fs::read(&copy).unwrap() == before);
        let migrated = content(&catalog);
        assert_eq!(migrated, read);
        let keys: Vec<String> = migrated.iter().map(|manifest| manifest.file.key.to_string()).collect();
        assert_eq!(keys, ["a.bin", "~alice/a.bin", "~bob/none"]);
        assert_eq!(migrated[0].segments.iter().map(|segment| segment.id).collect::<Vec<_>>(), [id(1), id(1), id(2)]);
        assert_eq!(migrated[0].segments[2].holders, [NodeNumber::from_index(1)]);
        assert_eq!(migrated[1].file.readers, BTreeSet::from(["bob".to_owned(), "carol".to_owned()]));
        let volumes = catalog.volumes().unwrap();
        assert_eq!((volumes.catalog, volumes.of[&NodeNumber::from_index(0)]), (identity, marked));
        let unmarked = volumes.of[&NodeNumber::from_index(1)];
        assert!(unmarked.pending.is_some() && unmarked.current.is_none());
        drop(catalog);
        let again = Catalog::open(&path).unwrap();
        assert_eq!((again.kept_copy(), content(&again)), (None, migrated));
        // A segment of two files stays as long as one of them.
        assert_eq!(again.remove(&FileKey::unowned("a.bin")).unwrap().into_values().flatten().collect::<Vec<_>>(), [id(2)]);
    }

    #[test]
    fn the_first_catalogs_had_no_readers_and_no_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        write_old(&path, &BTreeMap::new(), false, &[]);
        let catalog = Catalog::open(&path).unwrap();
        assert_eq!(content(&catalog).len(), 3);
        assert_eq!(catalog.volumes().unwrap().of.len(), 2);
    }

    /// Whatever a damaged record says, the file stays as it was, and the start says what is wrong.
    #[test]
    fn a_damaged_catalog_of_the_former_format_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.redb");
        write_old(&path, &BTreeMap::new(), true, &["a.bin"]);
        let before = std::fs::read(&path).unwrap();
        for _ in 0..2 {
            let error = Catalog::open(&path).unwrap_err().to_string();
            assert!(error.contains("`a.bin` has no manifest"), "{error}");
            assert!(std::fs::read(&path).unwrap() == before);
        }
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "no copy of what is not changed");
    }
}
