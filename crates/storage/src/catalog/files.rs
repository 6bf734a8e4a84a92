//! Files in the tables: storing one with its manifest, and removing one.

use std::collections::{BTreeMap, BTreeSet};

use p2p_base::database::{self, DatabaseError};

use super::lookup::{found, named, numbers_of};
use super::rows::{FileId, FileRow, NameRow, PAGE_SEGMENTS, PageRow, Scheme, root_of};
use super::tables::Tables;
use super::{CatalogError, Garbage};
use crate::manifest::{FileRecord, Manifest, SegmentRecord};
use crate::names::FileKey;
use crate::segment::SegmentId;

/// Permission bits of a file that was stored without any: its owner may read and write it, as in `open(2)` with the usual umask.
const MODE: u32 = 0o644;

impl Tables<'_> {
    /// Stores a file and its segments under a name that is free.
    pub(super) fn add_file(&mut self, Manifest { file, segments }: &Manifest) -> Result<(), CatalogError> {
        let parent = self.parent_of(&file.key)?;
        if named(&self.names, parent, file.key.last_name())?.is_some() {
            return Err(CatalogError::NameTaken(file.key.clone()));
        }
        let id = self.next_file().map_err(DatabaseError::from)?;
        self.give_name(parent, file.key.last_name(), NameRow::File(id))?;
        let pages: Vec<PageRow> = segments.chunks(PAGE_SEGMENTS).map(page_of).collect();
        for (number, page) in pages.iter().enumerate() {
            self.manifests.insert((id.0, number as u32), database::encode(page)?.as_slice())?;
        }
        self.put_file(id, &row_of(file, &pages))?;
        let distinct: BTreeMap<SegmentId, &SegmentRecord> = segments.iter().map(|segment| (segment.id, segment)).collect();
        for segment in segments {
            for &holder in &segment.holders {
                self.add_holder(segment.id, segment.len, holder)?;
            }
        }
        distinct.into_keys().try_for_each(|id| self.add_reference(id))
    }

    /// Removes a file, or a directory with all that is within it, and returns the segments that no file needs any more.
    pub(super) fn remove_tree(&mut self, key: &FileKey) -> Result<Garbage, CatalogError> {
        let (parent, row) = found(&self.names, key)?.ok_or_else(|| CatalogError::NotFound(key.clone()))?;
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

    /// Removes a file, and adds the segments that no file needs any more to `garbage`. Kept segments stay on their nodes.
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
        modified: file.stored_at,
        mode: MODE,
        readers: file.readers.clone(),
    }
}
