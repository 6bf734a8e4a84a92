//! Segments that are kept for users without a file, in the tables.

use p2p_base::database::{self, DatabaseError, Purpose};
use redb::ReadableTable;

use super::lookup::found;
use super::places;
use super::rows::{MANIFESTS, NameRow, PINS, PLACES, PageRow, PlaceRow};
use super::tables::{Tables, no_place};
use super::uploads::existing;
use super::{Catalog, CatalogError, Garbage, Reading};
use crate::manifest::{NodeNumber, SegmentRecord};
use crate::names::FileKey;
use crate::pins::Pin;
use crate::segment::SegmentId;

impl Catalog {
    /// Keeps a segment for a user, in one durable transaction, and records that the nodes of its record hold it. One that is kept already
    /// stays so.
    ///
    /// # Errors
    /// Fails if the segment has no holder, or if the disk refuses; nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn keep_segment(&self, pin: &Pin, segment: &SegmentRecord) -> Result<(), CatalogError> {
        self.pin(&pin.principal(), std::slice::from_ref(segment))
    }

    /// Keeps a segment no longer for a user, in one durable transaction, and returns it with its holders if nothing needs it any
    /// more; `None` if it was not kept.
    ///
    /// # Errors
    /// Fails if the disk refuses; nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn release_segment(&self, pin: &Pin) -> Result<Option<Garbage>, CatalogError> {
        self.change(Purpose::Free, |tables| {
            let mut garbage = Garbage::new();
            let was_kept = tables.unpin(&pin.principal(), [pin.id], &mut garbage)?;
            Ok((was_kept > 0).then_some(garbage))
        })
    }

    /// Returns the segments that are kept for users, with their lengths in bytes.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn pins(&self) -> Result<Vec<(Pin, u32)>, CatalogError> {
        let reading = self.database.read()?;
        let Some(pins) = existing(reading.open_table(PINS))? else { return Ok(Vec::new()) };
        let places = reading.open_table(PLACES).map_err(DatabaseError::from)?;
        let mut found = Vec::new();
        for entry in pins.iter()? {
            let (key, _) = entry?;
            let (principal, id) = key.value();
            let id = SegmentId::from_bytes(id);
            let Some(pin) = Pin::of_principal(principal, id) else { continue };
            let place = places.get(*id.as_bytes())?.ok_or_else(|| no_place(id))?;
            found.push((pin, database::decode::<PlaceRow>(place.value())?.len));
        }
        Ok(found)
    }

    /// Returns true if a file has this segment and the node holds it. The pages of the file's manifest are looked at one after the other.
    ///
    /// # Errors
    /// Returns [`CatalogError::NotFound`] if there is no such file, or fails if the disk refuses or a record is damaged.
    pub fn has_segment(&self, key: &FileKey, id: SegmentId, node: NodeNumber) -> Result<bool, CatalogError> {
        let reading = Reading::begin(&self.database)?;
        let Some((_, NameRow::File(file))) = found(&reading.names, key)? else {
            return Err(CatalogError::NotFound(key.clone()));
        };
        let manifests = reading.transaction.open_table(MANIFESTS).map_err(DatabaseError::from)?;
        for page in manifests.range((file.0, 0)..=(file.0, u32::MAX))? {
            if database::decode::<PageRow>(page?.1.value())?.0.contains(&id) {
                let places = places::of_all(&reading.transaction, &[id])?;
                return Ok(places.iter().any(|place| place.holders.contains(&node)));
            }
        }
        Ok(false)
    }
}

impl Tables<'_> {
    /// Gives the segments that are kept for nobody by name to `owner`.
    pub(super) fn adopt_pins(&mut self, owner: &str) -> Result<(), CatalogError> {
        for (principal, id) in self.pinned()? {
            let Some(pin) = Pin::of_principal(&principal, id).filter(|pin| pin.user.is_none()) else { continue };
            let len = self.place(id)?.ok_or_else(|| no_place(id))?.len;
            let given = Pin { user: Some(owner.to_owned()), ..pin };
            self.pin(&given.principal(), &SegmentRecord { id, len, holders: vec![given.node] })?;
            // The new pin needs it, so that it does not become garbage.
            self.unpin(&principal, [id], &mut Garbage::new())?;
        }
        Ok(())
    }
}
