//! Ownership of the volumes by the catalog. With the first write of a run a new epoch begins on all volumes of the catalog,
//! after which no older copy of the catalog changes anything there. A volume without room for the new marker is not written to,
//! but its content can be deleted, which makes room.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::{Builder, scope};

use p2p_base::database::Purpose;
use p2p_base::private_file;
use p2p_store::catalog::CatalogError;
use p2p_store::disk::{Disk, DiskError};
use p2p_store::epochs::Claim;
use p2p_store::manifest::NodeNumber;
use p2p_store::marker::{Marker, Marking};
use p2p_store::standing::{Standing, Trouble};

use super::{NodeHost, World};
use crate::event::Event;

/// Number of threads that write markers: each write waits for its disk twice, and most of them for the same disk.
const MARKERS_AT_ONCE: usize = 16;

/// Standing of the nodes' volumes.
#[derive(Debug)]
pub(crate) struct Volumes {
    /// Standing by node; `None` if the volume does not belong to the catalog.
    own: Vec<Option<Standing>>,
    /// True, by node, if the epoch of this run has begun on the volume.
    claimed: Vec<bool>,
    /// Segments that files need and that were missing at the start.
    pub(crate) missing_segments: u64,
    /// Segments that no file references, on volumes that do not belong to the catalog.
    pub(crate) unknown_segments: u64,
}

/// Marker to be written to the disk of a node.
type Work = (NodeNumber, Arc<dyn Disk>, Marker);

impl Volumes {
    pub(crate) fn new(own: Vec<Option<Standing>>, missing_segments: u64, unknown_segments: u64) -> Volumes {
        Volumes { claimed: vec![false; own.len()], own, missing_segments, unknown_segments }
    }

    fn claim(&self, node: NodeNumber) -> Option<Claim> {
        if self.claimed[node.index()] {
            return None;
        }
        let marked = match self.own[node.index()]? {
            Standing::Own(epoch) => Some(epoch),
            Standing::New => None,
        };
        Some(Claim { node, marked })
    }
}

impl World {
    /// Begins the epoch of this run on the catalog's volumes, before the first write to one of them. A volume that cannot be
    /// marked is read-only from then on. A volume without room for the marker is tried again before the next change, and
    /// accepts no segments until then.
    ///
    /// # Errors
    /// Fails if the catalog refuses the change.
    pub(crate) fn claim_volumes(&mut self, purpose: Purpose) -> Result<(), CatalogError> {
        self.names.catalog().database().refuse_when_read_only()?;
        let nodes = (0..self.nodes.len()).map(NodeNumber::from_index);
        let claims: Vec<Claim> = nodes.filter_map(|node| self.volumes.claim(node)).collect();
        let mut failed: BTreeMap<NodeNumber, DiskError> = self.begin_epoch(purpose, &claims)?.into_iter().collect();
        for Claim { node, .. } in claims {
            match failed.remove(&node) {
                None => {
                    self.volumes.claimed[node.index()] = true;
                    self.nodes[node.index()].node.clear_full();
                }
                Some(DiskError::Full) if self.volumes.own[node.index()].is_some() => self.record_trouble(node, Trouble::Full),
                Some(error) => self.record_trouble(node, error.into()),
            }
        }
        Ok(())
    }

    /// Retries to begin the epoch on full volumes, so that space freed since then can be used.
    ///
    /// # Errors
    /// Fails if the catalog refuses the change.
    pub(crate) fn claim_full_volumes(&mut self) -> Result<(), CatalogError> {
        let is_full = |entry: &NodeHost| entry.node.trouble() == Some(&Trouble::Full);
        if self.nodes.iter().any(is_full) { self.claim_volumes(Purpose::Keep) } else { Ok(()) }
    }

    fn record_trouble(&mut self, node: NodeNumber, trouble: Trouble) {
        let entry = &mut self.nodes[node.index()].node;
        if entry.trouble() != Some(&trouble) {
            entry.set_trouble(trouble.clone());
            self.tell(Event::DiskTrouble { node, trouble });
        }
    }

    /// Marks volumes with a new epoch and returns those that could not be marked.
    ///
    /// # Errors
    /// Fails if the catalog refuses the change.
    pub(crate) fn begin_epoch(
        &mut self,
        purpose: Purpose,
        claims: &[Claim],
    ) -> Result<Vec<(NodeNumber, DiskError)>, CatalogError> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let begun = self.names.catalog().begin_epoch(purpose, claims)?;
        let work: Vec<Work> =
            begun.into_iter().map(|(node, marker)| (node, Arc::clone(&self.nodes[node.index()].disk), marker)).collect();
        let (mut marked, mut failed) = (Vec::new(), Vec::new());
        for ((node, disk, marker), outcome) in work.iter().zip(mark_all(&work)) {
            let own = &mut self.volumes.own[node.index()];
            match outcome {
                Ok(()) => {
                    *own = Some(Standing::Own(marker.epoch));
                    marked.push((*node, *marker));
                }
                Err(error) => {
                    *own = own.filter(|_| error == DiskError::Full).and_then(|before| still_own(disk.as_ref(), before, marker));
                    failed.push((*node, error));
                }
            }
        }
        // Directories in it may have been created, but not synced, by an earlier start that was killed.
        private_file::sync_directory(&self.config.data_dir)
            .unwrap_or_else(|error| tracing::warn!(%error, "a directory is not synced"));
        self.names.catalog().finish_epoch(purpose, &marked)?;
        Ok(failed)
    }
}

/// Returns the standing of a volume that had no room for `marker`: it carries either that marker or the previous one.
fn still_own(disk: &dyn Disk, before: Standing, marker: &Marker) -> Option<Standing> {
    match (disk.marking().ok()?, before) {
        (Marking::Absent, Standing::New) => Some(Standing::New),
        (Marking::Marked(found), _) if found == *marker => Some(Standing::Own(marker.epoch)),
        (Marking::Marked(found), Standing::Own(epoch)) if found == Marker { epoch, ..*marker } => Some(before),
        _ => None,
    }
}

fn mark_each(work: &[Work]) -> Vec<Result<(), DiskError>> {
    work.iter().map(|(_, disk, marker)| disk.prepare().and_then(|()| disk.mark(marker))).collect()
}

fn mark_all(work: &[Work]) -> Vec<Result<(), DiskError>> {
    let share = work.len().div_ceil(MARKERS_AT_ONCE);
    scope(|scope| {
        let begin = |part| (part, Builder::new().name("p2p-mark".into()).spawn_scoped(scope, move || mark_each(part)));
        let begun: Vec<_> = work.chunks(share.max(1)).map(begin).collect();
        let end = |(part, thread): (&[Work], std::io::Result<std::thread::ScopedJoinHandle<'_, _>>)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| vec![Err(DiskError::Internal); part.len()]),
            // Without another thread the markers are written by this one.
            Err(_) => mark_each(part),
        };
        begun.into_iter().flat_map(end).collect()
    })
}
