//! Tables of the catalog opened in one write transaction, and the changes that concern segments: which files need them, and which
//! volumes hold them.

use std::collections::BTreeMap;

use p2p_base::database::{self, DatabaseError};
use redb::{ReadableTable, Table, WriteTransaction};

use super::rows::{COUNTERS, DIRECTORIES, FILES, HELD, HeldKey, MANIFESTS, NAMES, PINS, PLACES, PlaceRow, UPLOAD_PAGES, UPLOADS};
use super::{CatalogError, Garbage};
use crate::epochs::{self, KEPT, KnownVolume, ReferenceKey, VOLUMES};
use crate::manifest::{NodeNumber, SegmentRecord};
use crate::marker::VolumeId;
use crate::segment::SegmentId;

type Values<'a, K> = Table<'a, K, &'static [u8]>;

/// Tables opened in one write transaction.
pub(super) struct Tables<'a> {
    pub(super) names: Values<'a, (u64, &'static str)>,
    pub(super) directories: Values<'a, u64>,
    pub(super) files: Values<'a, u64>,
    pub(super) manifests: Values<'a, (u64, u32)>,
    pub(super) places: Values<'a, [u8; 32]>,
    pub(super) held: Table<'a, HeldKey, ()>,
    pins: Table<'a, (&'static str, [u8; 32]), ()>,
    pub(super) uploads: Values<'a, [u8; 16]>,
    pub(super) upload_pages: Values<'a, ([u8; 16], u32)>,
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
            pins: transaction.open_table(PINS)?,
            uploads: transaction.open_table(UPLOADS)?,
            upload_pages: transaction.open_table(UPLOAD_PAGES)?,
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

    /// Records that a node holds a segment.
    pub(super) fn add_holder(&mut self, id: SegmentId, len: u32, node: NodeNumber) -> Result<(), DatabaseError> {
        let volume = self.volume_of(node)?;
        if self.held.insert((volume.to_bytes(), *id.as_bytes()), ())?.is_some() {
            return Ok(());
        }
        let mut place = self.place(id)?.unwrap_or(PlaceRow { len, references: 0, holders: Vec::new() });
        place.holders.push(volume);
        self.put_place(id, &place)
    }

    /// Keeps a segment for a principal, and records who holds it.
    pub(super) fn pin(&mut self, principal: &str, segment: &SegmentRecord) -> Result<(), CatalogError> {
        for &holder in &segment.holders {
            self.add_holder(segment.id, segment.len, holder)?;
        }
        let is_pinned = self.pins.insert((principal, *segment.id.as_bytes()), ())?.is_some();
        if is_pinned { Ok(()) } else { self.add_reference(segment.id) }
    }

    /// Returns all pins.
    pub(super) fn pinned(&self) -> Result<Vec<(String, SegmentId)>, DatabaseError> {
        let mut found = Vec::new();
        for entry in self.pins.iter()? {
            let (key, _) = entry?;
            let (principal, id) = key.value();
            found.push((principal.to_owned(), SegmentId::from_bytes(id)));
        }
        Ok(found)
    }

    /// Keeps segments no longer for a principal, adds those that nothing needs any more to `garbage`, and returns how many were kept.
    pub(super) fn unpin(
        &mut self,
        principal: &str,
        ids: impl IntoIterator<Item = SegmentId>,
        garbage: &mut Garbage,
    ) -> Result<usize, CatalogError> {
        let mut count = 0;
        for id in ids {
            let was_pinned = self.pins.remove((principal, *id.as_bytes()))?.is_some();
            if was_pinned {
                count += 1;
                self.remove_reference(id, garbage)?;
            }
        }
        Ok(count)
    }

    pub(super) fn add_reference(&mut self, id: SegmentId) -> Result<(), CatalogError> {
        let Some(place) = self.place(id)? else { return Err(no_place(id).into()) };
        self.put_place(id, &PlaceRow { references: place.references.saturating_add(1), ..place })?;
        Ok(())
    }

    pub(super) fn remove_reference(&mut self, id: SegmentId, garbage: &mut Garbage) -> Result<(), DatabaseError> {
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

    pub(super) fn place(&self, id: SegmentId) -> Result<Option<PlaceRow>, DatabaseError> {
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

/// Returns the segments that a volume is expected to hold, in the order of their names.
pub(super) fn held_by(held: &impl ReadableTable<HeldKey, ()>, volume: VolumeId) -> Result<Vec<SegmentId>, DatabaseError> {
    let mut found = Vec::new();
    for entry in held.range((volume.to_bytes(), [0; 32])..=(volume.to_bytes(), [0xff; 32]))? {
        let (_, id) = entry?.0.value();
        found.push(SegmentId::from_bytes(id));
    }
    Ok(found)
}
