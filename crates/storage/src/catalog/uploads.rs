//! Uploads that are kept in the tables although their source has gone: keeping and advancing them, reading them for a resumption,
//! finishing and dropping them.
//!
//! A kept upload has no name in the tree of files; its row has the key that the file is to have. Nothing here follows a directory
//! above that key that is renamed or removed: the engine reserves the names of kept uploads, and refuses both.

use std::collections::BTreeSet;

use p2p_base::database::{self, DatabaseError, Purpose};
use redb::{ReadableTable, TableError};

use super::lookup::{directory_of, named};
use super::places;
use super::rows::{PAGE_SEGMENTS, PageRow, UPLOAD_PAGES, UPLOADS, UndeclaredUploadRow, UploadRow};
use super::tables::Tables;
use super::{Catalog, CatalogError, Commit, Garbage, Reading, Stored};
use crate::attributes::StoreAs;
use crate::manifest::SegmentRecord;
use crate::names::FileKey;
use crate::segment::SegmentId;
use crate::uploads::{UploadId, UploadRecord};

impl Catalog {
    /// Keeps an upload, or advances one that is kept, in one durable transaction: the segments in `new` follow those that are
    /// there, and each is kept for the upload and recorded as held by the nodes of its record.
    ///
    /// # Errors
    /// Returns [`CatalogError::InconsistentUpload`] if the numbers of segments and bytes of the record are not those of all
    /// segments together, or if the upload had another segment size, or fails if a segment has no holder or the disk refuses;
    /// nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn keep_upload(&self, record: &UploadRecord, new: &[SegmentRecord]) -> Result<(), CatalogError> {
        self.change(Purpose::Keep, |tables| tables.keep_upload(record, new))
    }

    /// Returns the kept uploads in the order of their names.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn uploads(&self) -> Result<Vec<UploadRecord>, CatalogError> {
        let table = existing(self.database.read()?.open_table(UPLOADS))?;
        Ok(table.map_or(Ok(Vec::new()), |table| all_in(&table))?)
    }

    /// Returns a kept upload with its segments in order.
    ///
    /// # Errors
    /// Returns [`CatalogError::UnknownUpload`] if no such upload is kept, or fails if the disk refuses or a record is damaged.
    pub fn upload(&self, id: UploadId) -> Result<(UploadRecord, Vec<SegmentRecord>), CatalogError> {
        let reading = Reading::begin(&self.database)?;
        let table = existing(reading.transaction.open_table(UPLOADS))?;
        let row = table.map_or(Ok(None), |table| row_in(&table, id))?.ok_or(CatalogError::UnknownUpload(id))?;
        let pages = reading.transaction.open_table(UPLOAD_PAGES).map_err(DatabaseError::from)?;
        let mut ids = Vec::new();
        for entry in pages.range((*id.as_bytes(), 0)..=(*id.as_bytes(), u32::MAX))? {
            ids.extend(database::decode::<PageRow>(entry?.1.value())?.0);
        }
        let segments = places::of_all(&reading.transaction, &ids)?;
        if (segments.len() as u64, bytes_of(&segments)) != (u64::from(row.kept.segments), row.kept.offset) {
            return Err(wrong_pages(id).into());
        }
        Ok((record_of(id, row), segments))
    }

    /// Makes the file of an upload visible, and forgets the upload, in one durable transaction. An upload that was never kept is
    /// committed like any other.
    ///
    /// # Errors
    /// Fails like [`commit`](Self::commit), or with [`CatalogError::InconsistentUpload`] if the file lacks a segment that
    /// is kept for the upload, which would be left on its node with nobody to delete it.
    pub fn finish_upload(&self, id: UploadId, commit: &Commit) -> Result<Stored, CatalogError> {
        self.change(Purpose::Keep, |tables| {
            let stored = tables.add_file(&commit.manifest, commit.place())?;
            let needed: BTreeSet<SegmentId> = commit.manifest.segments.iter().map(|segment| segment.id).collect();
            let kept = tables.take_upload(id)?;
            if !kept.is_subset(&needed) {
                return Err(CatalogError::InconsistentUpload(id));
            }
            // The file needs each of them, so that none becomes garbage.
            tables.unpin(&principal_of(id), kept, &mut Garbage::new())?;
            Ok(stored)
        })
    }

    /// Forgets a kept upload, in one durable transaction, and returns the segments that nothing needs any more. An upload that is
    /// not known leaves none.
    ///
    /// # Errors
    /// Fails if the disk refuses; nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn drop_upload(&self, id: UploadId) -> Result<Garbage, CatalogError> {
        self.change(Purpose::Free, |tables| {
            let (kept, mut garbage) = (tables.take_upload(id)?, Garbage::new());
            tables.unpin(&principal_of(id), kept, &mut garbage)?;
            garbage.values_mut().for_each(|ids| ids.sort_unstable());
            Ok(garbage)
        })
    }
}

impl Tables<'_> {
    fn keep_upload(&mut self, record: &UploadRecord, new: &[SegmentRecord]) -> Result<(), CatalogError> {
        let id = record.id;
        let former = row_in(&self.uploads, id)?;
        let segment_size = former.as_ref().map_or(record.segment_size, |row| row.kept.segment_size);
        let (segments, offset) = former.map_or((0, 0), |row| (row.kept.segments, row.kept.offset));
        let together = (u64::from(segments) + new.len() as u64, offset.saturating_add(bytes_of(new)));
        if (u64::from(record.segments), record.offset) != together || record.segment_size != segment_size {
            return Err(CatalogError::InconsistentUpload(id));
        }
        self.append(id, segments as usize, new)?;
        let principal = principal_of(id);
        new.iter().try_for_each(|segment| self.pin(&principal, segment))?;
        Ok(self.put_upload(record)?)
    }

    /// Adds names of segments to the pages of an upload that has so many already.
    fn append(&mut self, id: UploadId, count: usize, new: &[SegmentRecord]) -> Result<(), DatabaseError> {
        let last = count / PAGE_SEGMENTS;
        let begun = self.upload_pages.get((*id.as_bytes(), last as u32))?.map(|page| database::decode(page.value()));
        let PageRow(mut ids) = begun.unwrap_or_else(|| Ok(PageRow(Vec::new())))?;
        if ids.len() != count % PAGE_SEGMENTS {
            return Err(wrong_pages(id));
        }
        ids.extend(new.iter().map(|segment| segment.id));
        for (number, page) in ids.chunks(PAGE_SEGMENTS).enumerate() {
            let page = database::encode(&PageRow(page.to_vec()))?;
            self.upload_pages.insert((*id.as_bytes(), (last + number) as u32), page.as_slice())?;
        }
        Ok(())
    }

    fn put_upload(&mut self, record: &UploadRecord) -> Result<(), DatabaseError> {
        self.uploads.insert(*record.id.as_bytes(), database::encode(&row_of(record))?.as_slice())?;
        Ok(())
    }

    /// Removes the row and the pages of an upload, and returns the segments that are kept for it.
    fn take_upload(&mut self, id: UploadId) -> Result<BTreeSet<SegmentId>, DatabaseError> {
        let mut kept = BTreeSet::new();
        self.uploads.remove(*id.as_bytes())?;
        for number in 0.. {
            let page = self.upload_pages.remove((*id.as_bytes(), number))?;
            let Some(page) = page.map(|page| database::decode::<PageRow>(page.value())) else { break };
            kept.extend(page?.0);
        }
        Ok(kept)
    }

    /// Returns the keys of the kept uploads of one owner.
    pub(super) fn upload_keys(&self, owner: Option<&str>) -> Result<BTreeSet<FileKey>, DatabaseError> {
        let keys = all_in(&self.uploads)?.into_iter().map(|record| record.key);
        Ok(keys.filter(|key| key.owner.as_deref() == owner).collect())
    }

    /// Gives the kept uploads without an owner to `owner`, except those whose new key is taken or promised, or whose directory the
    /// owner does not have.
    pub(super) fn adopt_uploads(&mut self, owner: &str, promised: &BTreeSet<FileKey>) -> Result<(), DatabaseError> {
        for record in all_in(&self.uploads)?.into_iter().filter(|record| record.key.owner.is_none()) {
            let key = FileKey::new(Some(owner), &record.key.name);
            let directory = key.parent().map_or(Ok(None), |parent| directory_of(&self.names, &parent))?;
            let Some(directory) = directory else { continue };
            let is_promised = promised.iter().any(|other| *other == key || other.is_within(&key));
            if !is_promised && named(&self.names, directory, key.last_name())?.is_none() {
                self.put_upload(&UploadRecord { key, ..record })?;
            }
        }
        Ok(())
    }
}

/// Returns the name under which the segments of an upload are pinned.
fn principal_of(id: UploadId) -> String {
    format!("upload {id}")
}

fn bytes_of(segments: &[SegmentRecord]) -> u64 {
    segments.iter().map(|segment| u64::from(segment.len)).sum()
}

fn wrong_pages(id: UploadId) -> DatabaseError {
    database::damaged(format!("the segments of the upload {id} are not those that were stored"))
}

/// Returns a table that catalogs of earlier versions lack until their first change.
pub(super) fn existing<T>(opened: Result<T, TableError>) -> Result<Option<T>, DatabaseError> {
    match opened {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Values keyed by the bytes of the name of an upload.
trait UploadTable: ReadableTable<[u8; 16], &'static [u8]> {}

impl<T: ReadableTable<[u8; 16], &'static [u8]>> UploadTable for T {}

fn row_in(uploads: &impl UploadTable, id: UploadId) -> Result<Option<UploadRow>, DatabaseError> {
    uploads.get(*id.as_bytes())?.map(|row| UploadRow::decode(row.value())).transpose()
}

fn all_in(uploads: &impl UploadTable) -> Result<Vec<UploadRecord>, DatabaseError> {
    let mut found = Vec::new();
    for entry in uploads.iter()? {
        let (id, row) = entry?;
        found.push(record_of(UploadId::new(id.value()), UploadRow::decode(row.value())?));
    }
    Ok(found)
}

fn record_of(id: UploadId, row: UploadRow) -> UploadRecord {
    let UploadRow { kept, declared, stored_as, begun_by, expected } = row;
    let UndeclaredUploadRow { key, segment_size, offset, segments, hash, stored_at, expires_at } = kept;
    let stored_as = StoreAs { expected, ..stored_as };
    UploadRecord { id, key, segment_size, offset, segments, hash, stored_at, expires_at, declared, stored_as, begun_by }
}

fn row_of(record: &UploadRecord) -> UploadRow {
    let record = record.clone();
    let UploadRecord { key, segment_size, offset, segments, hash, stored_at, expires_at, .. } = record;
    let UploadRecord { declared, stored_as, begun_by, .. } = record;
    let kept = UndeclaredUploadRow { key, segment_size, offset, segments, hash, stored_at, expires_at };
    UploadRow { kept, declared, stored_as, begun_by, expected: stored_as.expected }
}
