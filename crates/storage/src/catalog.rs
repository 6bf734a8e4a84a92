//! The catalog: the tables of the database that record which files exist, who may read them, and where their segments are.
//!
//! A file becomes visible in one transaction, which is durable when it returns: before it no part of the file is visible, after
//! it the whole file is. The place of a segment is a fact of the segment, whichever files need it: `rows` has the tables. Every call
//! blocks; callers keep them off threads that must not block. Independent of disks, networks and time.

mod copies;
mod files;
mod lookup;
mod migration;
pub mod numbers;
mod pins;
mod places;
mod rows;
mod tables;
mod tree;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use p2p_base::database::{self, Database, DatabaseError, Purpose};
use p2p_base::error_kind::ErrorKind;
use redb::{ReadTransaction, ReadableTable, StorageError, WriteTransaction};
use thiserror::Error;

use self::copies::Place;
pub use self::copies::{Commit, Copy, Stored};
use self::lookup::{children, found, named};
use self::places::nodes_in;
use self::rows::{DIRECTORIES, DirectoryId, DirectoryRow, FILES, FileRow, HELD, MANIFESTS, NAMES, NameRow, PLACES, PageRow};
use self::rows::{PlaceRow, Scheme, TREES, root_of};
use self::tables::{Tables, held_by};
use super::epochs::{self, KEPT, VOLUMES};
use super::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};
use super::marker::VolumeId;
use super::names::FileKey;
use super::namespace::{DirectoryRecord, Entry, Namespace};
use super::segment::{Lengths, SegmentId, Sha256Digest};
use super::uploads::UploadId;

/// Error of a catalog operation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// The database reported an error.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The owner has a file or directory of that name already.
    #[error("a file or directory named `{0}` is stored already")]
    NameTaken(FileKey),
    /// No file or directory with this key is stored.
    #[error("no file named `{0}` is stored")]
    NotFound(FileKey),
    /// There is no directory with this key.
    #[error("there is no directory `{0}`")]
    NoDirectory(FileKey),
    /// A directory would be moved into itself.
    #[error("the directory `{0}` cannot be moved into itself")]
    IntoItself(FileKey),
    /// No upload of this name is kept.
    #[error("no upload `{0}` is kept")]
    UnknownUpload(UploadId),
    /// The record of an upload, or the file that it becomes, is not what its segments are.
    #[error("the record of the upload `{0}` is inconsistent: it does not agree with the segments that are kept")]
    InconsistentUpload(UploadId),
    /// The file has other content than the one that is to be replaced or removed.
    #[error("`{key}` has another SHA-256 than {expected}: it has {found}")]
    ContentDiffers {
        /// Key of the file.
        key: FileKey,
        /// Digest that it should have.
        expected: Sha256Digest,
        /// Digest that it has.
        found: Sha256Digest,
    },
}

impl CatalogError {
    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            CatalogError::Database(error) => error.kind(),
            CatalogError::NameTaken(_) => ErrorKind::AlreadyExists,
            CatalogError::NotFound(_) | CatalogError::NoDirectory(_) | CatalogError::UnknownUpload(_) => ErrorKind::NotFound,
            CatalogError::InconsistentUpload(_) => ErrorKind::DataLoss,
            CatalogError::ContentDiffers { .. } => ErrorKind::Precondition,
            CatalogError::IntoItself(_) => ErrorKind::Invalid,
        }
    }

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

/// Catalog of the files, kept in a database.
#[derive(Debug)]
pub struct Catalog {
    database: Database,
}

impl Catalog {
    /// Opens the catalog at `path`, or creates one. A catalog of format 1 is brought up to date, and a copy of it is
    /// [kept](Self::kept_copy).
    ///
    /// # Errors
    /// Fails if another process has the database open, if the database is damaged or of another version, or if there is no room to
    /// bring it up to date; the file is then unchanged.
    pub fn open(path: &Path) -> Result<Catalog, CatalogError> {
        Catalog::on(Database::open_migrating(path, migration::migrate)?)
    }

    /// Opens the catalog at `path` without changing the database. A catalog of format 1 is brought up to date in memory.
    ///
    /// # Errors
    /// Fails like [`Database::open_read_only`].
    pub fn open_read_only(path: &Path) -> Result<Catalog, CatalogError> {
        Catalog::on(Database::open_read_only(path, migration::migrate)?)
    }

    fn on(database: Database) -> Result<Catalog, CatalogError> {
        // The tables are created here, since read transactions cannot create them. A catalog of an earlier version gets those of
        // kept uploads with its first change, so that a start on a full disk writes nothing; until then there are no uploads.
        if !epochs::is_created(&database.read()?) {
            database.write_for(Purpose::Access, create)?;
        }
        Ok(Catalog { database })
    }

    /// Returns the database, for other modules that keep tables in it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Returns the copy of the catalog that was kept when it was opened, because it had an older format.
    pub fn kept_copy(&self) -> Option<&Path> {
        self.database.kept_copy()
    }

    fn change<T>(
        &self,
        purpose: Purpose,
        body: impl FnOnce(&mut Tables<'_>) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        self.database.write_for(purpose, |transaction| body(&mut Tables::open(transaction)?))
    }

    /// Makes a file visible, in one durable transaction.
    ///
    /// # Errors
    /// Returns [`CatalogError::NameTaken`] if the owner has a file of that name, [`CatalogError::NoDirectory`] if the directory that
    /// it is to be in does not exist, or fails if the disk refuses; nothing has changed then, unless the outcome
    /// [is unknown](CatalogError::is_outcome_unknown).
    pub fn commit_file(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        self.change(Purpose::Keep, |tables| tables.add_file(manifest, Place::Free).map(drop))
    }

    /// Makes a file visible, or puts it in the place of the one of its name, in one durable transaction.
    ///
    /// # Errors
    /// Fails like [`commit_file`](Self::commit_file), but for the name of a file that may be replaced, or with
    /// [`CatalogError::ContentDiffers`] or [`CatalogError::NotFound`] if that is not the expected one.
    pub fn commit(&self, commit: &Commit) -> Result<Stored, CatalogError> {
        self.change(Purpose::Keep, |tables| tables.add_file(&commit.manifest, commit.place()))
    }

    /// Makes files visible, as [`commit`](Self::commit) does with each of them, and in one durable transaction if all can be. Returns
    /// the result for each file.
    pub fn commit_files(&self, commits: &[Commit]) -> Vec<Result<Stored, CatalogError>> {
        self.change_each(Purpose::Keep, commits, |commit, tables| tables.add_file(&commit.manifest, commit.place()))
    }

    /// Makes changes in one durable transaction, or each in a transaction of its own if one of them is refused, so that it prevents
    /// no other.
    fn change_each<I, T>(
        &self,
        purpose: Purpose,
        items: &[I],
        change: impl Fn(&I, &mut Tables<'_>) -> Result<T, CatalogError>,
    ) -> Vec<Result<T, CatalogError>> {
        match self.change(purpose, |tables| items.iter().map(|item| change(item, tables)).collect::<Result<Vec<T>, _>>()) {
            Ok(all) => all.into_iter().map(Ok).collect(),
            Err(error) if items.len() == 1 || error.is_outcome_unknown() => items.iter().map(|_| Err(error.clone())).collect(),
            Err(_) => items.iter().map(|item| self.change(purpose, |tables| change(item, tables))).collect(),
        }
    }

    /// Makes directories, each in one that exists or precedes it, in one durable transaction. `made_at` is in seconds since 1970.
    ///
    /// # Errors
    /// Fails like [`commit_file`](Self::commit_file).
    pub fn make_directories(&self, keys: &[FileKey], made_at: u64) -> Result<(), CatalogError> {
        self.change(Purpose::Keep, |tables| keys.iter().try_for_each(|key| tables.make_directory(key, made_at)))
    }

    /// Gives a file or directory another name in the tree of its owner, in one durable transaction. What is within a directory
    /// stays in it. With `replace` a file takes the place of a file, and a directory that of an empty one, as with rename(2). Returns the
    /// segments that nothing needs any more.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, [`CatalogError::NameTaken`] if the new name is taken by what is not
    /// to be replaced, or fails if the new directory does not exist or the disk refuses; nothing has changed then, unless the outcome
    /// [is unknown](CatalogError::is_outcome_unknown).
    pub fn rename(&self, from: &FileKey, to: &FileKey, replace: bool) -> Result<Garbage, CatalogError> {
        self.change(Purpose::Keep, |tables| tables.rename(from, to, replace))
    }

    /// Makes a file invisible, or a directory with all that is within it, in one durable transaction, and returns the segments that
    /// no file needs any more.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses; nothing has changed then,
    /// unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn remove(&self, key: &FileKey) -> Result<Garbage, CatalogError> {
        self.remove_if(key, None)
    }

    /// Makes files and directories invisible, as [`remove`](Self::remove) does with each of them, and in one durable transaction if
    /// all can be. Returns the result for each of them: for a file that has not the content which is expected with its key,
    /// [`CatalogError::ContentDiffers`].
    pub fn remove_all(&self, keys: &[(FileKey, Option<Sha256Digest>)]) -> Vec<Result<Garbage, CatalogError>> {
        self.change_each(Purpose::Free, keys, |(key, expected), tables| tables.remove_tree(key, *expected))
    }

    /// Keeps segments for a principal without a file, in one durable transaction. Each is recorded as held by the nodes of its
    /// record.
    ///
    /// # Errors
    /// Fails if a segment has no holder, or if the disk refuses; nothing has changed then, unless the outcome
    /// [is unknown](CatalogError::is_outcome_unknown).
    pub fn pin(&self, principal: &str, segments: &[SegmentRecord]) -> Result<(), CatalogError> {
        self.change(Purpose::Keep, |tables| segments.iter().try_for_each(|segment| tables.pin(principal, segment)))
    }

    /// Grants a user read access to a file, or to what is within a directory, or revokes it.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses; nothing has changed then,
    /// unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn set_reader(&self, key: &FileKey, user: &str, may_read: bool) -> Result<(), CatalogError> {
        self.change(Purpose::Keep, |tables| tables.set_reader(key, user, may_read))
    }

    /// Lets a user store new files in a directory, or no longer.
    ///
    /// # Errors
    /// Fails like [`set_reader`](Self::set_reader), and with [`CatalogError::NoDirectory`] for a file.
    pub fn set_uploader(&self, key: &FileKey, user: &str, may_upload: bool) -> Result<(), CatalogError> {
        self.change(Purpose::Keep, |tables| tables.set_uploader(key, user, may_upload))
    }

    /// Gives the files and directories without an owner to `owner`, in one transaction, and returns the former keys of those in the
    /// root that were given, directories with all that is within them. One keeps no owner if the owner has a file or directory of
    /// the same name, or if its new key, or one within it, is among those `promised` to other files. Kept uploads without an owner
    /// are given too, under the same conditions and if the owner has their directory; their keys are not returned. Segments that are
    /// kept without a file and without a user become the owner's.
    ///
    /// # Errors
    /// Fails if the disk refuses; nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn adopt(&self, owner: &str, promised: &BTreeSet<FileKey>) -> Result<Vec<FileKey>, CatalogError> {
        self.change(Purpose::Keep, |tables| {
            let (unowned, root) = (tables.root(None)?, tables.root(Some(owner))?);
            let mut promised = promised.clone();
            promised.append(&mut tables.upload_keys(Some(owner))?);
            let mut adopted = Vec::new();
            for (name, row) in children(&tables.names, unowned)? {
                let new = FileKey::new(Some(owner), &name);
                let is_promised = promised.iter().any(|key| *key == new || key.is_within(&new));
                if named(&tables.names, root, &name)?.is_none() && !is_promised {
                    tables.give_away(&name, row, owner)?;
                    adopted.push(FileKey::unowned(&name));
                }
            }
            tables.adopt_uploads(owner, &promised)?;
            tables.adopt_pins(owner)?;
            Ok(adopted)
        })
    }

    /// Returns all files and directories.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn namespace(&self) -> Result<Namespace, CatalogError> {
        let reading = Reading::begin(&self.database)?;
        let (mut names, mut files) = (Namespace::default(), Vec::new());
        for (owner, row) in children(&reading.names, TREES)? {
            let root = FileKey::new(Some(owner.as_str()).filter(|owner| !owner.is_empty()), "");
            let mut left = vec![(root, row)];
            while let Some((key, row)) = left.pop() {
                match row {
                    NameRow::File(id) => files.push((id.0, key)),
                    NameRow::Directory(directory) => {
                        let inner = children(&reading.names, directory)?;
                        left.extend(inner.into_iter().map(|(name, row)| (key.child(&name), row)));
                        if !key.is_root() {
                            names.insert(Entry::Directory(reading.directory(key, directory)?));
                        }
                    }
                }
            }
        }
        reading.each_file(files, |file| names.insert(Entry::File(file)))?;
        Ok(names)
    }

    /// Returns the complete description of a file.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses or a record is damaged.
    pub fn manifest(&self, key: &FileKey) -> Result<Manifest, CatalogError> {
        let reading = Reading::begin(&self.database)?;
        match found(&reading.names, key)? {
            Some((_, row @ NameRow::File(_))) => reading.manifest(key, row),
            _ => Err(CatalogError::NotFound(key.clone())),
        }
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
        let held = reading.open_table(HELD).map_err(DatabaseError::from)?;
        let kept = reading.open_table(KEPT).map_err(DatabaseError::from)?;
        let known = epochs::known_in(&reading.open_table(VOLUMES).map_err(DatabaseError::from)?)?;
        for (node, ids) in &mut candidates {
            let mut free = Vec::new();
            for &id in ids.iter() {
                let volume = known.get(node).map(|known| known.volume.to_bytes());
                let is_held = volume.map_or(Ok(None), |volume| held.get((volume, *id.as_bytes())))?.is_some();
                if !is_held && kept.get((node.index() as u16, *id.as_bytes()))?.is_none() {
                    free.push(id);
                }
            }
            *ids = free;
        }
        candidates.retain(|_, ids| !ids.is_empty());
        Ok(candidates)
    }

    /// Returns the segments that each node is expected to hold, because files or kept uploads need them, with their lengths in bytes
    /// and sorted by name.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn needed(&self) -> Result<BTreeMap<NodeNumber, Lengths>, CatalogError> {
        let reading = self.database.read()?;
        let places = reading.open_table(PLACES).map_err(DatabaseError::from)?;
        let nodes = nodes_in(&reading)?;
        let mut found = BTreeMap::<NodeNumber, Lengths>::new();
        for entry in places.iter()? {
            let (id, place) = entry?;
            let place: PlaceRow = database::decode(place.value())?;
            let segment = (SegmentId::from_bytes(id.value()), u64::from(place.len));
            let holders = place.holders.iter().filter_map(|volume| nodes.get(volume));
            holders.for_each(|&node| found.entry(node).or_default().push(segment));
        }
        Ok(found)
    }

    /// Returns the segments that each node is expected to hold, because files need them.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn held(&self) -> Result<BTreeMap<NodeNumber, BTreeSet<SegmentId>>, CatalogError> {
        let reading = self.database.read()?;
        let held = reading.open_table(HELD).map_err(DatabaseError::from)?;
        let mut found = BTreeMap::new();
        for (node, known) in epochs::known_in(&reading.open_table(VOLUMES).map_err(DatabaseError::from)?)? {
            let ids = held_by(&held, known.volume)?;
            if !ids.is_empty() {
                found.insert(node, ids.into_iter().collect());
            }
        }
        Ok(found)
    }
}

/// Creates the tables that are missing, and the name of the catalog.
fn create(transaction: &WriteTransaction) -> Result<(), CatalogError> {
    epochs::create(transaction)?;
    Tables::open(transaction)?;
    Ok(())
}

/// Records that what the volume `old` held is expected of the volume `new` from now on.
pub(super) fn move_held(transaction: &WriteTransaction, old: VolumeId, new: VolumeId) -> Result<(), DatabaseError> {
    Tables::open(transaction)?.move_held(old, new)
}

type Values<K> = redb::ReadOnlyTable<K, &'static [u8]>;

/// Tables opened in one read transaction, in which all of them are of the same time.
struct Reading {
    names: Values<(u64, &'static str)>,
    directories: Values<u64>,
    files: Values<u64>,
    transaction: ReadTransaction,
}

fn no_record(key: &FileKey) -> DatabaseError {
    database::damaged(format!("the file `{key}` has no record"))
}

fn record_of(key: FileKey, row: FileRow) -> FileRecord {
    let Scheme::Single { segment_size, segments } = row.scheme;
    let FileRow { size, sha256, created: stored_at, modified, mode, readers, .. } = row;
    FileRecord { key, size, sha256, segments, segment_size, stored_at, modified, mode, readers }
}

impl Reading {
    fn begin(database: &Database) -> Result<Reading, DatabaseError> {
        let transaction = database.read()?;
        Ok(Reading {
            names: transaction.open_table(NAMES)?,
            directories: transaction.open_table(DIRECTORIES)?,
            files: transaction.open_table(FILES)?,
            transaction,
        })
    }

    fn directory(&self, key: FileKey, directory: DirectoryId) -> Result<DirectoryRecord, DatabaseError> {
        let missing = || database::damaged(format!("the directory `{key}` has no record"));
        let row = DirectoryRow::decode(self.directories.get(directory.0)?.ok_or_else(missing)?.value())?;
        let DirectoryRow { created: made_at, modified, mode, readers, uploaders, .. } = row;
        Ok(DirectoryRecord { key, made_at, modified, mode, readers, uploaders })
    }

    /// Returns the entry of a file and the digest of its manifest.
    fn file(&self, key: FileKey, row: NameRow) -> Result<(FileRecord, Sha256Digest), DatabaseError> {
        let missing = || no_record(&key);
        let NameRow::File(id) = row else { return Err(missing()) };
        let row: FileRow = database::decode(self.files.get(id.0)?.ok_or_else(missing)?.value())?;
        let root = row.root;
        Ok((record_of(key, row), root))
    }

    /// Calls `visit` with the record of each file, given by number and key. To read the rows in their order takes a third of the time of
    /// looking each up.
    fn each_file(&self, mut files: Vec<(u64, FileKey)>, mut visit: impl FnMut(FileRecord)) -> Result<(), DatabaseError> {
        files.sort_unstable_by_key(|&(id, _)| id);
        let mut rows = self.files.iter()?;
        for (id, key) in files {
            let found = loop {
                match rows.next().transpose()? {
                    Some((other, _)) if other.value() < id => {}
                    found => break found.filter(|(other, _)| other.value() == id),
                }
            };
            let Some((_, row)) = found else { return Err(no_record(&key)) };
            visit(record_of(key, database::decode(row.value())?));
        }
        Ok(())
    }

    fn manifest(&self, key: &FileKey, row: NameRow) -> Result<Manifest, CatalogError> {
        let (file, root) = self.file(key.clone(), row)?;
        let NameRow::File(id) = row else { return Err(CatalogError::NotFound(key.clone())) };
        let manifests = self.transaction.open_table(MANIFESTS).map_err(DatabaseError::from)?;
        let mut pages = Vec::<PageRow>::new();
        for entry in manifests.range((id.0, 0)..=(id.0, u32::MAX))? {
            pages.push(database::decode(entry?.1.value())?);
        }
        let ids: Vec<SegmentId> = pages.iter().flat_map(|page| page.0.iter().copied()).collect();
        if root_of(&pages) != root || ids.len() != file.segments as usize {
            return Err(database::damaged(format!("the segments of `{key}` are not those that were stored")).into());
        }
        let segments = places::of_all(&self.transaction, &ids)?;
        Ok(Manifest { file, segments })
    }
}

#[cfg(test)]
mod tests;
