//! How a node's disk stands to the catalog: whether a node may write it as its volume, may only read it, or has none.
//!
//! A volume is the catalog's own only while its marker says so; any other may be what a restored backup, a swapped disk or a
//! copied directory needs, and is left alone until somebody decides. Knows nothing of nodes' processes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::disk::DiskError;
use super::epochs::Volumes;
use super::manifest::NodeNumber;
use super::marker::{Epoch, Marking};
use super::segment::SegmentId;

/// Why a node does not take segments, or does not run at all. One node's trouble is no other's.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Trouble {
    /// Its disk does not do what it should.
    #[error("its disk cannot be used: {0}")]
    Disk(#[from] DiskError),
    /// The catalog has marked its volume, and there is no marker: something else, or nothing, is where the disk should be.
    #[error("its disk is not mounted, or is lost: its volume's marker is not there")]
    NotMounted,
    /// The marker is another catalog's, or of a later or earlier state of this one.
    #[error("another catalog, or another state of this one, has written to its volume last: nothing there is changed")]
    Foreign,
    /// There is no marker, and what is there is not what the catalog expects.
    #[error("its volume has no marker and does not hold what this catalog expects: nothing there is changed")]
    Unmarked,
    /// The marker says nothing.
    #[error("its volume's marker is damaged: nothing there is changed")]
    DamagedMarker,
    /// There is no room for the marker of a new epoch, without which nothing is written. What is there can be deleted.
    #[error("its disk is full: nothing is stored there until something is removed")]
    Full,
}

impl Trouble {
    /// Whether the node cannot even give segments.
    pub const fn stops(&self) -> bool {
        matches!(self, Trouble::Disk(_) | Trouble::NotMounted)
    }

    /// Whether the node can delete segments all the same.
    pub const fn allows_deletion(&self) -> bool {
        matches!(self, Trouble::Full)
    }

    /// Whether what is on the volume is left alone, whatever this catalog has to delete there: another may need it.
    pub const fn is_anothers(&self) -> bool {
        matches!(self, Trouble::Foreign | Trouble::Unmarked | Trouble::DamagedMarker)
    }
}

/// Whether, and since when, a volume is the catalog's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its marker has this epoch, which is the catalog's current or pending one.
    Own(Epoch),
    /// Nobody has marked it yet, and nothing speaks against doing so.
    New,
}

/// How the volume of a node stands, from what its disk says. `found` is what is on it, `needed` what files need of it.
///
/// A volume without a marker is taken for the catalog's own where nothing is there and nothing is needed, or where something is
/// there and all of it is needed: so it is with a new node, and with a directory from before there were markers.
///
/// # Errors
/// Why it is not the catalog's own.
pub fn standing(
    volumes: &Volumes,
    node: NodeNumber,
    marking: Marking,
    found: &[(SegmentId, u64)],
    needed: &BTreeSet<SegmentId>,
) -> Result<Standing, Trouble> {
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
            let fits = found.is_empty() == needed.is_empty() && found.iter().all(|(id, _)| needed.contains(id));
            if fits { Ok(Standing::New) } else { Err(Trouble::Unmarked) }
        }
    }
}
