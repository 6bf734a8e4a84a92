//! The relation of a node's disk to the catalog: the node may write the disk as its volume, may only read it, or has no volume.
//!
//! A volume belongs to the catalog only while its marker says so. Any other volume may be needed by a restored backup, a swapped
//! disk or a copied directory, and is left unchanged until an admin decides. Independent of the processes of nodes.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::disk::{Disk, DiskError};
use super::epochs::Volumes;
use super::manifest::NodeNumber;
use super::marker::{Epoch, Marking};
use super::segment::{Lengths, SegmentId};

/// Reason why a node does not accept segments, or does not run at all. Each node has its own, independent of the other nodes.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Trouble {
    /// The disk of the node fails.
    #[error("its disk cannot be used: {0}")]
    Disk(#[from] DiskError),
    /// The catalog has marked the volume, but its marker is missing: the disk is not mounted, or another disk is in its place.
    #[error("its disk is not mounted, or is lost: its volume's marker is not there")]
    NotMounted,
    /// The marker belongs to another catalog, or to a later or earlier state of this one.
    #[error("another catalog, or another state of this one, has written to its volume last: nothing there is changed")]
    Foreign,
    /// The marker is missing, and the segments on the volume are not those that the catalog expects.
    #[error("its volume has no marker and does not hold what this catalog expects: nothing there is changed")]
    Unmarked,
    /// The marker cannot be parsed.
    #[error("its volume's marker is damaged: nothing there is changed")]
    DamagedMarker,
    /// The disk has no room for the marker of a new epoch, without which no segment is written. Segments can still be deleted.
    #[error("its disk is full: nothing is stored there until something is removed")]
    Full,
}

impl Trouble {
    /// Returns true if the node cannot even serve reads.
    pub const fn stops(&self) -> bool {
        matches!(self, Trouble::Disk(_) | Trouble::NotMounted)
    }

    /// Returns true if the node can still delete segments.
    pub const fn allows_deletion(&self) -> bool {
        matches!(self, Trouble::Full)
    }

    /// Returns true if nothing on the volume may be changed or deleted, because another catalog may need it.
    pub const fn is_anothers(&self) -> bool {
        matches!(self, Trouble::Foreign | Trouble::Unmarked | Trouble::DamagedMarker)
    }
}

/// Claim of the catalog to a volume that it may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The marker has this epoch, which is the current or the pending one of the catalog.
    Own(Epoch),
    /// The volume has no marker yet, and the catalog may mark it.
    New,
}

/// Comparison of what is on a node's disk with what files need there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Segments on the disk that files need there.
    pub there: Lengths,
    /// Segments on the disk that no file needs there.
    pub others: Lengths,
    /// Number of segments that files need there and that are not on the disk.
    pub missing: usize,
}

impl Comparison {
    /// Compares the `names` of the segments on a disk with the segments that files need there, both in order. The disk is asked for
    /// the lengths of those alone that no file needs.
    ///
    /// # Errors
    /// Fails if the disk does not tell a length.
    pub fn new(disk: &dyn Disk, names: Vec<SegmentId>, needed: &Lengths) -> Result<Comparison, DiskError> {
        let (mut compared, mut expected) = (Comparison::default(), needed.iter().peekable());
        compared.there.reserve(names.len().min(needed.len()));
        for id in names {
            while expected.next_if(|(other, _)| *other < id).is_some() {
                compared.missing += 1;
            }
            match expected.next_if(|(other, _)| *other == id) {
                Some(&known) => compared.there.push(known),
                None => compared.others.push((id, disk.length_of(id)?)),
            }
        }
        compared.missing += expected.count();
        Ok(compared)
    }
}

/// Determines the standing of a node's volume by the state of its marker, and by what is on its disk.
///
/// A volume without a marker is taken for the catalog's own if no segment is stored and none is needed, or if segments are stored
/// and all of them are needed: these are the cases of a new node, and of a directory written before markers existed.
///
/// # Errors
/// Returns the reason why the volume is not the catalog's own.
pub fn standing(volumes: &Volumes, node: NodeNumber, marking: Marking, compared: &Comparison) -> Result<Standing, Trouble> {
    let known = volumes.of.get(&node);
    match marking {
        Marking::Damaged => Err(Trouble::DamagedMarker),
        Marking::Marked(marker) => {
            let is_own = |known: &super::epochs::KnownVolume| {
                known.volume == marker.volume && [known.current, known.pending].contains(&Some(marker.epoch))
            };
            let is_own = marker.catalog == volumes.catalog && known.is_some_and(is_own);
            if is_own { Ok(Standing::Own(marker.epoch)) } else { Err(Trouble::Foreign) }
        }
        Marking::Absent if known.is_some_and(|known| known.current.is_some()) => Err(Trouble::NotMounted),
        Marking::Absent => {
            let Comparison { there, others, missing } = compared;
            let fits = others.is_empty() && (!there.is_empty() || *missing == 0);
            if fits { Ok(Standing::New) } else { Err(Trouble::Unmarked) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crash_disk::CrashDisk;

    proptest! {
        /// What is compared in one pass is what the sets say, and what is needed has the length that the catalog knows.
        #[test]
        fn a_comparison_is_that_of_the_sets(on_disk in proptest::collection::btree_set(0u8..20, 0..12), needed in proptest::collection::btree_set(0u8..20, 0..12)) {
            let disk = CrashDisk::new();
            let id = |n: u8| SegmentId::of(&[n]);
            on_disk.iter().for_each(|&n| disk.write(id(n), &[n]).unwrap());
            let sorted = |mut found: Lengths| { found.sort_unstable(); found };
            let expected = sorted(needed.iter().map(|&n| (id(n), 7)).collect());
            let compared = Comparison::new(&disk, disk.names().unwrap(), &expected).unwrap();
            prop_assert_eq!(compared.there, sorted(on_disk.intersection(&needed).map(|&n| (id(n), 7)).collect()));
            prop_assert_eq!(compared.others, sorted(on_disk.difference(&needed).map(|&n| (id(n), 1)).collect()));
            prop_assert_eq!(compared.missing, needed.difference(&on_disk).count());
        }
    }
}
