//! The catalog's records of the nodes' volumes: their names, the epochs in which the catalog wrote to them, and the segments that
//! are kept although no file needs them.
//!
//! ```text
//! begin_epoch ─▶ pending is in the catalog ─▶ the marker is on the disk ─▶ finish_epoch ─▶ pending becomes current
//! ```
//!
//! If the sequence is interrupted at any point, the marker holds either the current epoch or the pending one, so that the volume
//! still belongs to the catalog. An older copy of the catalog has neither epoch, and changes nothing on the volume. Copies of the
//! catalog made within one epoch cannot be told apart. Independent of disks.

use std::collections::{BTreeMap, BTreeSet};

use p2p_base::database::{self, DatabaseError, Purpose};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::catalog::{self, Catalog, CatalogError};
use super::manifest::NodeNumber;
use super::marker::{CatalogId, Epoch, Marker, RandomId, VolumeId};
use super::segment::SegmentId;

/// Position of a node in the list of nodes, and a segment on its volume.
pub(super) type ReferenceKey = (u16, [u8; 32]);

/// Table with the name of the catalog.
const IDENTITY: TableDefinition<(), &[u8]> = TableDefinition::new("identity");
/// Table of the known volumes, keyed by the position of their node in the list of nodes.
pub(super) const VOLUMES: TableDefinition<u16, &[u8]> = TableDefinition::new("volumes");
/// Table of the segments that no file of this catalog needs and that are kept until they are freed explicitly.
pub(super) const KEPT: TableDefinition<ReferenceKey, ()> = TableDefinition::new("kept");

/// Record of a volume in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVolume {
    /// Name of the volume.
    pub volume: VolumeId,
    /// Epoch that is about to begin, or that the marker has already and that is not the current one yet.
    pub pending: Option<Epoch>,
    /// Epoch in which this catalog wrote to the volume last.
    pub current: Option<Epoch>,
}

p2p_base::stored!(KnownVolume = 1, RandomId = 1);

/// Volumes that a catalog knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volumes {
    /// Name of the catalog.
    pub catalog: CatalogId,
    /// Known volumes, by node; a node whose volume has never been marked has no entry.
    pub of: BTreeMap<NodeNumber, KnownVolume>,
}

/// Volume that the catalog is about to take possession of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Node that the volume belongs to.
    pub node: NodeNumber,
    /// Epoch of the marker; `None` if the volume has no marker of this catalog.
    pub marked: Option<Epoch>,
}

/// Returns a new random name.
pub(super) fn random() -> Result<RandomId, DatabaseError> {
    RandomId::new().map_err(|error| DatabaseError::Io { reason: format!("the system gives no random bytes: {error}") })
}

/// Creates the tables and the name of the catalog if they are missing.
pub(super) fn create(transaction: &WriteTransaction) -> Result<(), DatabaseError> {
    transaction.open_table(VOLUMES)?;
    transaction.open_table(KEPT)?;
    let mut identity = transaction.open_table(IDENTITY)?;
    if identity.get(())?.is_none() {
        identity.insert((), database::encode(&random()?)?.as_slice())?;
    }
    Ok(())
}

/// Returns true if the catalog has its tables and its name.
pub(super) fn is_created(transaction: &ReadTransaction) -> bool {
    transaction.open_table(IDENTITY).is_ok()
}

impl Catalog {
    /// Returns the name of the catalog and the volumes that it knows.
    ///
    /// # Errors
    /// Fails if the disk refuses or a record is damaged.
    pub fn volumes(&self) -> Result<Volumes, CatalogError> {
        let transaction = self.database().read()?;
        let identity = transaction.open_table(IDENTITY).map_err(DatabaseError::from)?.get(())?;
        let nameless = || DatabaseError::Io { reason: "the catalog has no name".into() };
        let catalog = database::decode(identity.ok_or_else(nameless)?.value())?;
        let of = known_in(&transaction.open_table(VOLUMES).map_err(DatabaseError::from)?)?;
        Ok(Volumes { catalog, of })
    }

    /// Records that an epoch is about to begin on these volumes, and returns the markers to write. The epoch of an existing
    /// marker becomes the current one, even if it was the pending one, since a new pending epoch takes its place. `purpose` is
    /// that of the first write of the epoch.
    ///
    /// # Errors
    /// Fails if the disk refuses; nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
    pub fn begin_epoch(&self, purpose: Purpose, claims: &[Claim]) -> Result<Vec<(NodeNumber, Marker)>, CatalogError> {
        let Volumes { catalog, of } = self.volumes()?;
        let known = |claim: &Claim| match (claim.marked, of.get(&claim.node)) {
            // A volume that is taken over is another one than that which the node had before.
            (None, Some(KnownVolume { current: Some(_), .. })) | (_, None) => random(),
            (_, Some(known)) => Ok(known.volume),
        };
        let (mut begun, mut replaced) = (Vec::new(), Vec::new());
        for claim in claims {
            let (volume, epoch) = (known(claim)?, random()?);
            let record = KnownVolume { volume, pending: Some(epoch), current: claim.marked };
            begun.push((claim.node, record, Marker { catalog, volume, epoch }));
            replaced.extend(of.get(&claim.node).map(|known| known.volume).filter(|&old| old != volume).map(|old| (old, volume)));
        }
        self.record_volumes(purpose, begun.iter().map(|&(node, record, _)| (node, record)), &replaced)?;
        Ok(begun.into_iter().map(|(node, _, marker)| (node, marker)).collect())
    }

    /// Records that these markers are durable on their disks.
    ///
    /// # Errors
    /// Fails if the disk refuses; the volumes belong to the catalog all the same.
    pub fn finish_epoch(&self, purpose: Purpose, markers: &[(NodeNumber, Marker)]) -> Result<(), CatalogError> {
        let current = |marker: &Marker| KnownVolume { volume: marker.volume, pending: None, current: Some(marker.epoch) };
        self.record_volumes(purpose, markers.iter().map(|(node, marker)| (*node, current(marker))), &[])
    }

    /// Records volumes, and that what each first one of `replaced` held is expected of the second one.
    fn record_volumes(
        &self,
        purpose: Purpose,
        records: impl Iterator<Item = (NodeNumber, KnownVolume)>,
        replaced: &[(VolumeId, VolumeId)],
    ) -> Result<(), CatalogError> {
        self.database().write_for(purpose, |transaction| {
            let mut table = transaction.open_table(VOLUMES).map_err(DatabaseError::from)?;
            for (node, record) in records {
                table.insert(node.index() as u16, database::encode(&record)?.as_slice())?;
            }
            drop(table);
            Ok(replaced.iter().try_for_each(|&(old, new)| catalog::move_held(transaction, old, new))?)
        })
    }

    /// Returns the segments that are kept although no file needs them, by holder.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn kept(&self) -> Result<BTreeMap<NodeNumber, BTreeSet<SegmentId>>, CatalogError> {
        let mut found = BTreeMap::<NodeNumber, BTreeSet<SegmentId>>::new();
        let table = self.database().read()?.open_table(KEPT).map_err(DatabaseError::from)?;
        for entry in table.iter()? {
            let (node, id) = entry?.0.value();
            found.entry(NodeNumber::from_index(usize::from(node))).or_default().insert(SegmentId::from_bytes(id));
        }
        Ok(found)
    }

    /// Replaces the set of kept segments of a node by `ids`.
    ///
    /// # Errors
    /// Fails if the disk refuses; nothing has changed then, unless the outcome [is unknown](CatalogError::is_outcome_unknown).
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

/// Returns the known volumes by node.
pub(super) fn known_in(
    table: &impl ReadableTable<u16, &'static [u8]>,
) -> Result<BTreeMap<NodeNumber, KnownVolume>, DatabaseError> {
    let mut known = BTreeMap::new();
    for entry in table.iter()? {
        let (node, volume) = entry?;
        known.insert(NodeNumber::from_index(usize::from(node.value())), database::decode(volume.value())?);
    }
    Ok(known)
}
