//! What the catalog knows of the nodes' volumes: their names, the epochs in which it wrote to them, and the segments that no file
//! needs and that are kept all the same.
//!
//! ```text
//! begin_epoch ─▶ pending is in the catalog ─▶ the marker is on the disk ─▶ finish_epoch ─▶ it is the current one
//! ```
//!
//! Whenever that is cut short, the marker holds either the current epoch or the pending one, so that the volume is still the
//! catalog's own. A copy of the catalog from before holds neither: it changes nothing there. Copies that were made within one
//! epoch cannot be told apart. Knows nothing of disks.

use std::collections::{BTreeMap, BTreeSet};

use redb::{ReadTransaction, ReadableTable, StorageError, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, CatalogError, ReferenceKey};
use super::manifest::NodeNumber;
use super::marker::{CatalogId, Epoch, Marker, RandomId, VolumeId};
use super::segment::SegmentId;
use crate::database::{self, DatabaseError, Purpose};

/// The catalog's own name.
const IDENTITY: TableDefinition<(), &[u8]> = TableDefinition::new("identity");
/// By node.
const VOLUMES: TableDefinition<u16, &[u8]> = TableDefinition::new("volumes");
/// Segments that no file of this catalog needs and that stay until somebody frees them.
pub(super) const KEPT: TableDefinition<ReferenceKey, ()> = TableDefinition::new("kept");

/// What the catalog knows of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVolume {
    /// Its name.
    pub volume: VolumeId,
    /// The epoch that is about to begin, or has begun in the marker and is not current yet.
    pub pending: Option<Epoch>,
    /// The epoch in which this catalog wrote there last.
    pub current: Option<Epoch>,
}

/// The volumes of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volumes {
    /// The catalog's own name.
    pub catalog: CatalogId,
    /// By node; none that has never been marked.
    pub of: BTreeMap<NodeNumber, KnownVolume>,
}

/// A volume of which the catalog is about to take possession.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Whose.
    pub node: NodeNumber,
    /// The epoch that its marker has; none where it has none of this catalog's.
    pub marked: Option<Epoch>,
}

fn random() -> Result<RandomId, DatabaseError> {
    RandomId::new().map_err(|error| DatabaseError::Io { reason: format!("the system gives no random bytes: {error}") })
}

/// Makes the tables and the catalog's name where they are not there.
pub(super) fn create(transaction: &WriteTransaction) -> Result<(), DatabaseError> {
    transaction.open_table(VOLUMES)?;
    transaction.open_table(KEPT)?;
    let mut identity = transaction.open_table(IDENTITY)?;
    if identity.get(())?.is_none() {
        identity.insert((), database::encode(&random()?)?.as_slice())?;
    }
    Ok(())
}

/// Whether the catalog has a name and the tables yet.
pub(super) fn is_created(transaction: &ReadTransaction) -> bool {
    transaction.open_table(IDENTITY).is_ok()
}

impl Catalog {
    /// The catalog's name and what it knows of the volumes.
    ///
    /// # Errors
    /// Where the disk refuses or a record is damaged.
    pub fn volumes(&self) -> Result<Volumes, CatalogError> {
        let transaction = self.database().read()?;
        let identity = transaction.open_table(IDENTITY).map_err(DatabaseError::from)?.get(())?;
        let nameless = || DatabaseError::Io { reason: "the catalog has no name".into() };
        let catalog = database::decode(identity.ok_or_else(nameless)?.value())?;
        let table = transaction.open_table(VOLUMES).map_err(DatabaseError::from)?;
        let mut of = BTreeMap::new();
        for entry in table.iter()? {
            let (node, known) = entry?;
            of.insert(NodeNumber::from_index(usize::from(node.value())), database::decode(known.value())?);
        }
        Ok(Volumes { catalog, of })
    }

    /// Notes that an epoch is about to begin on these volumes; gives the markers to write. A marker that is there counts as the
    /// current one from now on, since the pending one, which it may be, is another. `purpose` is that of the first write.
    ///
    /// # Errors
    /// Where the disk refuses: then nothing has changed, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn begin_epoch(&self, purpose: Purpose, claims: &[Claim]) -> Result<Vec<(NodeNumber, Marker)>, CatalogError> {
        let Volumes { catalog, of } = self.volumes()?;
        let known = |claim: &Claim| match (claim.marked, of.get(&claim.node)) {
            (Some(_), Some(known)) => Ok(known.volume),
            // What is taken over is another volume than the one that was there before.
            _ => random(),
        };
        let mut begun = Vec::new();
        for claim in claims {
            let (volume, epoch) = (known(claim)?, random()?);
            let record = KnownVolume { volume, pending: Some(epoch), current: claim.marked };
            begun.push((claim.node, record, Marker { catalog, volume, epoch }));
        }
        self.note_volumes(purpose, begun.iter().map(|&(node, record, _)| (node, record)))?;
        Ok(begun.into_iter().map(|(node, _, marker)| (node, marker)).collect())
    }

    /// Notes that these markers are on their disks for good.
    ///
    /// # Errors
    /// Where the disk refuses: then the volumes are the catalog's own all the same.
    pub fn finish_epoch(&self, purpose: Purpose, markers: &[(NodeNumber, Marker)]) -> Result<(), CatalogError> {
        let current = |marker: &Marker| KnownVolume { volume: marker.volume, pending: None, current: Some(marker.epoch) };
        self.note_volumes(purpose, markers.iter().map(|(node, marker)| (*node, current(marker))))
    }

    fn note_volumes(
        &self,
        purpose: Purpose,
        records: impl Iterator<Item = (NodeNumber, KnownVolume)>,
    ) -> Result<(), CatalogError> {
        self.database().write_for(purpose, |transaction| {
            let mut table = transaction.open_table(VOLUMES).map_err(DatabaseError::from)?;
            for (node, record) in records {
                table.insert(node.index() as u16, database::encode(&record)?.as_slice())?;
            }
            Ok(())
        })
    }

    /// The segments that no file needs and that are kept, by holder.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn kept(&self) -> Result<BTreeMap<NodeNumber, BTreeSet<SegmentId>>, CatalogError> {
        let mut found = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
        let table = self.database().read()?.open_table(KEPT).map_err(DatabaseError::from)?;
        for entry in table.iter()? {
            let (node, id) = entry?.0.value();
            found.entry(NodeNumber::from_index(usize::from(node))).or_default().insert(SegmentId::from_bytes(id));
        }
        Ok(found)
    }

    /// Keeps these segments of a node, and of what was kept there before nothing else.
    ///
    /// # Errors
    /// Where the disk refuses: then nothing has changed, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn keep(&self, node: NodeNumber, ids: &[SegmentId]) -> Result<(), CatalogError> {
        let node = node.index() as u16;
        let purpose = if ids.is_empty() { Purpose::Free } else { Purpose::Keep };
        self.database().write_for(purpose, |transaction| {
            let mut table = transaction.open_table(KEPT).map_err(DatabaseError::from)?;
            table.retain_in((node, [0; 32])..=(node, [0xff; 32]), |_, ()| false)?;
            for id in ids {
                table.insert((node, *id.as_bytes()), ())?;
            }
            Ok::<_, CatalogError>(())
        })
    }
}

/// Whether a segment of a node is kept.
pub(super) fn is_kept(table: &impl ReadableTable<ReferenceKey, ()>, key: ReferenceKey) -> Result<bool, StorageError> {
    Ok(table.get(key)?.is_some())
}
