//! Files in the tables: storing one with its manifest, copying and replacing one, and removing one.

use std::collections::BTreeSet;

use p2p_base::database::{self, DatabaseError};
use redb::ReadableTable;

use super::copies::Place;
use super::lookup::{found, named, numbers_of};
use super::rows::{FileId, FileRow, NameRow, PAGE_SEGMENTS, PageRow, Scheme, root_of};
use super::tables::Tables;
use super::{CatalogError, Copy, Garbage, Stored, record_of};
use crate::manifest::{FileRecord, Manifest, SegmentRecord};
use crate::names::FileKey;
use crate::segment::{SegmentId, Sha256Digest};

impl Tables<'_> {
    /// Stores a file and its segments under its name, if that is a place for it.
    pub(super) fn add_file(&mut self, Manifest { file, segments }: &Manifest, place: Place) -> Result<Stored, CatalogError> {
        let pages: Vec<PageRow> = segments.chunks(PAGE_SEGMENTS).map(page_of).collect();
        for segment in segments {
            for &holder in &segment.holders {
                self.add_holder(segment.id, segment.len, holder)?;
            }
        }
        self.put_in_place(&file.key, row_of(file, &pages), &pages, place)
    }

    /// Stores a further file of the segments of one.
    pub(super) fn copy_file(&mut self, copy: &Copy) -> Result<Stored, CatalogError> {
        let not_found = || CatalogError::NotFound(copy.from.clone());
        let Some((_, NameRow::File(source))) = found(&self.names, &copy.from)? else { return Err(not_found()) };
        let (row, pages) = (self.file_row(source)?, self.pages_of(source)?);
        let former = match found(&self.names, &copy.to)?.filter(|_| copy.replace) {
            Some((_, NameRow::File(same))) if same == source => return Err(CatalogError::NameTaken(copy.to.clone())),
            Some((_, NameRow::File(former))) => Some(self.file_row(former)?),
            _ => None,
        };
        // As cp(1) does: what is written over keeps its mode, unless that of the source is to be preserved.
        let mode = former.filter(|_| !copy.preserve).map_or(row.mode, |former| former.mode);
        let modified = if copy.preserve { row.modified } else { copy.copied_at };
        let (owner, created, readers) = (copy.to.owner.clone(), copy.copied_at, BTreeSet::new());
        let place = if copy.replace { Place::Any } else { Place::Free };
        self.put_in_place(&copy.to, FileRow { owner, created, modified, mode, readers, ..row }, &pages, place)
    }

    /// Gives a file its name, its pages and the references to its segments, which have their places. A file that is replaced passes its
    /// readers on, and is gone in the same transaction.
    fn put_in_place(&mut self, key: &FileKey, mut row: FileRow, pages: &[PageRow], place: Place) -> Result<Stored, CatalogError> {
        let (parent, mut garbage) = (self.parent_of(key)?, Garbage::new());
        let former = match named(&self.names, parent, key.last_name())? {
            None if matches!(place, Place::Of(_)) => return Err(CatalogError::NotFound(key.clone())),
            None => None,
            Some(NameRow::File(former)) if place != Place::Free => Some(former),
            Some(_) => return Err(CatalogError::NameTaken(key.clone())),
        };
        if let Some(former) = former {
            let former = self.file_row(former)?;
            if let Place::Of(expected) = place {
                require_content(key, &former, expected)?;
            }
            row.readers = former.readers;
        }
        let id = self.next_file().map_err(DatabaseError::from)?;
        self.give_name(parent, key.last_name(), NameRow::File(id))?;
        for (number, page) in pages.iter().enumerate() {
            self.manifests.insert((id.0, number as u32), database::encode(page)?.as_slice())?;
        }
        self.put_file(id, &row)?;
        let distinct: BTreeSet<SegmentId> = pages.iter().flat_map(|page| page.0.iter().copied()).collect();
        distinct.into_iter().try_for_each(|id| self.add_reference(id))?;
        // The new file has its references already, so that what both need stays.
        former.map_or(Ok(()), |former| self.remove_file(former, &mut garbage))?;
        Ok(Stored { file: record_of(key.clone(), row), garbage })
    }

    fn pages_of(&self, id: FileId) -> Result<Vec<PageRow>, DatabaseError> {
        let pages = self.manifests.range((id.0, 0)..=(id.0, u32::MAX))?;
        pages.map(|page| database::decode(page?.1.value())).collect()
    }

    /// Removes a file, or a directory with all that is within it, and returns the segments that no file needs any more. What is no file of the
    /// `expected` content stays.
    pub(super) fn remove_tree(&mut self, key: &FileKey, expected: Option<Sha256Digest>) -> Result<Garbage, CatalogError> {
        let (parent, row) = found(&self.names, key)?.ok_or_else(|| CatalogError::NotFound(key.clone()))?;
        if let Some(expected) = expected {
            let NameRow::File(file) = row else { return Err(CatalogError::NotFound(key.clone())) };
            require_content(key, &self.file_row(file)?, expected)?;
        }
        let numbers = numbers_of(&self.names, row)?;
        self.names.remove((parent.0, key.last_name()))?;
        for directory in &numbers.directories {
            self.directories.remove(directory.0)?;
            self.names.retain_in((directory.0, "")..(directory.0 + 1, ""), |_, _| false)?;
        }
        let mut garbage = Garbage::new();
        numbers.files.into_iter().try_for_each(|file| self.remove_file(file, &mut garbage))?;
        garbage.values_mut().for_each(|ids| ids.sort_unstable());
        Ok(garbage)
    }

    /// Removes a file, and adds the segments that no file needs any more to `garbage`, in the order of their names. Kept segments stay on their nodes.
    pub(super) fn remove_file(&mut self, id: FileId, garbage: &mut Garbage) -> Result<(), DatabaseError> {
        let mut needed = BTreeSet::new();
        for number in 0.. {
            let Some(page) = self.manifests.remove((id.0, number))?.map(|page| database::decode::<PageRow>(page.value())) else {
                break;
            };
            needed.extend(page?.0);
        }
        self.files.remove(id.0)?;
        needed.into_iter().try_for_each(|id| self.remove_reference(id, garbage))
    }
}

fn require_content(key: &FileKey, file: &FileRow, expected: Sha256Digest) -> Result<(), CatalogError> {
    let found = file.sha256;
    if found == expected { Ok(()) } else { Err(CatalogError::ContentDiffers { key: key.clone(), expected, found }) }
}

fn page_of(segments: &[SegmentRecord]) -> PageRow {
    PageRow(segments.iter().map(|segment| segment.id).collect())
}

fn row_of(file: &FileRecord, pages: &[PageRow]) -> FileRow {
    FileRow {
        owner: file.key.owner.clone(),
        size: file.size,
        sha256: file.sha256,
        root: root_of(pages),
        scheme: Scheme::Single { segment_size: file.segment_size, segments: file.segments },
        created: file.stored_at,
        modified: file.modified,
        mode: file.mode,
        readers: file.readers.clone(),
    }
}
