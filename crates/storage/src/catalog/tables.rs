//! Tables of the catalog opened in one write transaction, and the changes that concern segments: which files need them, and which
//! volumes hold them.

use std::collections::{BTreeMap, BTreeSet};

use p2p_base::database::{self, DatabaseError};
use redb::{ReadableTable, Table, WriteTransaction};

use super::rows::{
    COUNTERS, DIRECTORIES, FILES, FileId, FileRow, HELD, HeldKey, MANIFESTS, NAMES, NameRow, PAGE_SEGMENTS, PLACES, PageRow,
    PlaceRow, Scheme, root_of,
};
use super::tree::named;
use super::{CatalogError, Garbage};
use crate::epochs::{self, KEPT, KnownVolume, ReferenceKey, VOLUMES};
use crate::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};
use crate::marker::VolumeId;
use crate::segment::SegmentId;

/// Permission bits of a file that was stored without any: its owner may read and write it, as in `open(2)` with the usual umask.
const MODE: u32 = 0o644;

type Values<'a, K> = Table<'a, K, &'static [u8]>;

/// Tables opened in one write transaction.
pub(super) struct Tables<'a> {
    pub(super) names: Values<'a, (u64, &'static str)>,
    pub(super) directories: Values<'a, u64>,
    pub(super) files: Values<'a, u64>,
    pub(super) manifests: Values<'a, (u64, u32)>,
    pub(super) places: Values<'a, [u8; 32]>,
    pub(super) held: Table<'a, HeldKey, ()>,
    pub(super) counters: Table<'a, &'static str, u64>,
    pub(super) kept: Table<'a, ReferenceKey, ()>,
    volumes: Values<'a, u16>,
    /// Volume of each node, as far as it was looked up.
    known: BTreeMap<NodeNumber, KnownVolume>,
}

impl<'a> Tables<'a> {
    pub(super) fn open(transaction: &'a WriteTransaction) -> Result<Tables<'a>, DatabaseError> {
        let volumes = transaction.open_table(VOLUMES)?;
        Ok(Tables {
            names: transaction.open_table(NAMES)?,
            directories: transaction.open_table(DIRECTORIES)?,
            files: transaction.open_table(FILES)?,
            manifests: transaction.open_table(MANIFESTS)?,
            places: transaction.open_table(PLACES)?,
            held: transaction.open_table(HELD)?,
            counters: transaction.open_table(COUNTERS)?,
            kept: transaction.open_table(KEPT)?,
            known: epochs::known_in(&volumes)?,
            volumes,
        })
    }

    /// Returns the name of a node's volume. A volume that the catalog has never written to gets its name here, with a pending
    /// epoch, as one that is not marked yet.
    fn volume_of(&mut self, node: NodeNumber) -> Result<VolumeId, DatabaseError> {
        if let Some(known) = self.known.get(&node) {
            return Ok(known.volume);
        }
        let known = KnownVolume { volume: epochs::random()?, pending: Some(epochs::random()?), current: None };
        self.volumes.insert(node.index() as u16, database::encode(&known)?.as_slice())?;
        self.known.insert(node, known);
        Ok(known.volume)
    }

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

    /// Records that a node holds a segment.
    fn add_holder(&mut self, id: SegmentId, len: u32, node: NodeNumber) -> Result<(), DatabaseError> {
        let volume = self.volume_of(node)?;
        if self.held.insert((volume.to_bytes(), *id.as_bytes()), ())?.is_some() {
            return Ok(());
        }
        let mut place = self.place(id)?.unwrap_or(PlaceRow { len, references: 0, holders: Vec::new() });
        place.holders.push(volume);
        self.put_place(id, &place)
    }

    fn add_reference(&mut self, id: SegmentId) -> Result<(), CatalogError> {
        let Some(place) = self.place(id)? else { return Err(no_place(id).into()) };
        self.put_place(id, &PlaceRow { references: place.references.saturating_add(1), ..place })?;
        Ok(())
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

    fn remove_reference(&mut self, id: SegmentId, garbage: &mut Garbage) -> Result<(), DatabaseError> {
        let place = self.place(id)?.ok_or_else(|| no_place(id))?;
        if place.references > 1 {
            return self.put_place(id, &PlaceRow { references: place.references - 1, ..place });
        }
        self.places.remove(*id.as_bytes())?;
        for volume in place.holders {
            self.held.remove((volume.to_bytes(), *id.as_bytes()))?;
            let node = self.known.iter().find(|(_, known)| known.volume == volume).map(|(&node, _)| node);
            let Some(node) = node else { continue };
            if self.kept.get((node.index() as u16, *id.as_bytes()))?.is_none() {
                garbage.entry(node).or_default().push(id);
            }
        }
        Ok(())
    }

    /// Records that what the volume `old` held is now expected of the volume `new`.
    pub(super) fn move_held(&mut self, old: VolumeId, new: VolumeId) -> Result<(), DatabaseError> {
        for id in held_by(&self.held, old)? {
            self.held.remove((old.to_bytes(), *id.as_bytes()))?;
            self.held.insert((new.to_bytes(), *id.as_bytes()), ())?;
            let mut place = self.place(id)?.ok_or_else(|| no_place(id))?;
            place.holders.iter_mut().filter(|holder| **holder == old).for_each(|holder| *holder = new);
            self.put_place(id, &place)?;
        }
        Ok(())
    }

    fn place(&self, id: SegmentId) -> Result<Option<PlaceRow>, DatabaseError> {
        self.places.get(*id.as_bytes())?.map(|place| database::decode(place.value())).transpose()
    }

    fn put_place(&mut self, id: SegmentId, place: &PlaceRow) -> Result<(), DatabaseError> {
        self.places.insert(*id.as_bytes(), database::encode(place)?.as_slice())?;
        Ok(())
    }
}

pub(super) fn no_place(id: SegmentId) -> DatabaseError {
    database::damaged(format!("the segment {id} is needed and has no place"))
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

/// Returns the segments that a volume is expected to hold, in the order of their names.
pub(super) fn held_by(held: &impl ReadableTable<HeldKey, ()>, volume: VolumeId) -> Result<Vec<SegmentId>, DatabaseError> {
    let mut found = Vec::new();
    for entry in held.range((volume.to_bytes(), [0; 32])..=(volume.to_bytes(), [0xff; 32]))? {
        let (_, id) = entry?.0.value();
        found.push(SegmentId::from_bytes(id));
    }
    Ok(found)
}
