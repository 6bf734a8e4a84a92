//! The places of segments: who holds each, and how many files and pins need it. Reading alone.

use std::cell::OnceCell;
use std::collections::HashMap;

use p2p_base::database::{self, DatabaseError};
use redb::ReadTransaction;

use super::rows::{PLACES, PlaceRow};
use super::tables::no_place;
use super::{Catalog, CatalogError};
use crate::epochs::{self, VOLUMES};
use crate::manifest::{NodeNumber, SegmentRecord};
use crate::marker::VolumeId;
use crate::segment::SegmentId;

/// Segment with its holders, and the number of files and pins that need it.
type Place = (SegmentRecord, u32);

impl Catalog {
    /// Returns the number of files and pins that need each segment.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn references(&self, ids: &[SegmentId]) -> Result<Vec<u32>, CatalogError> {
        Ok(self.places(ids)?.into_iter().map(|place| place.map_or(0, |(_, references)| references)).collect())
    }

    /// Returns each segment with its holders and the number of files and pins that need it; `None` for one that nothing needs.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn places(&self, ids: &[SegmentId]) -> Result<Vec<Option<Place>>, CatalogError> {
        Ok(places_in(&self.database.read()?, ids)?)
    }
}

/// Returns the node of each volume that one has.
pub(super) fn nodes_in(reading: &ReadTransaction) -> Result<HashMap<VolumeId, NodeNumber>, DatabaseError> {
    let known = epochs::known_in(&reading.open_table(VOLUMES)?)?;
    Ok(known.into_iter().map(|(node, known)| (known.volume, node)).collect())
}

/// Returns segments all of which have to be stored, with their holders.
pub(super) fn of_all(reading: &ReadTransaction, ids: &[SegmentId]) -> Result<Vec<SegmentRecord>, DatabaseError> {
    let places = places_in(reading, ids)?.into_iter().zip(ids);
    places.map(|(place, &id)| place.map(|(segment, _)| segment).ok_or_else(|| no_place(id))).collect()
}

/// Returns the places of segments. A volume that no node has is no holder.
fn places_in(reading: &ReadTransaction, ids: &[SegmentId]) -> Result<Vec<Option<Place>>, DatabaseError> {
    let places = reading.open_table(PLACES)?;
    // Most segments that are looked up are new, and nobody has to be known for them.
    let nodes = OnceCell::new();
    let place = |&id: &SegmentId| {
        let Some(row) = places.get(*id.as_bytes())? else { return Ok(None) };
        let PlaceRow { len, references, holders } = database::decode(row.value())?;
        if nodes.get().is_none() {
            let _ = nodes.set(nodes_in(reading)?);
        }
        let holders = holders.iter().filter_map(|volume| nodes.get()?.get(volume).copied()).collect();
        Ok(Some((SegmentRecord { id, len, holders }, references)))
    };
    ids.iter().map(place).collect()
}
