//! Which volumes are the catalog's own, and how they become so: with the first write of a run a new epoch begins on all of them,
//! after which no older copy of the catalog changes anything there. Knows nothing of transfers.

use std::sync::Arc;
use std::thread::{Builder, scope};

use super::World;
use crate::database::Purpose;
use crate::engine::event::Event;
use crate::private_file;
use crate::storage::catalog::CatalogError;
use crate::storage::disk::{Disk, DiskError};
use crate::storage::epochs::Claim;
use crate::storage::manifest::NodeNumber;
use crate::storage::marker::Marker;
use crate::storage::standing::{Standing, Trouble};

/// How many markers are written at once: each waits for its disk twice, and most of them for the same disk.
const MARKERS_AT_ONCE: usize = 16;

/// How the nodes' volumes stand.
#[derive(Debug)]
pub(in crate::engine) struct Volumes {
    /// By node; none where the volume is not the catalog's own.
    own: Vec<Option<Standing>>,
    /// The epoch of this run has begun.
    claimed: bool,
}

/// A marker that is to be written.
type Work = (NodeNumber, Arc<dyn Disk>, Marker);

impl Volumes {
    pub(in crate::engine) fn new(own: Vec<Option<Standing>>) -> Volumes {
        Volumes { own, claimed: false }
    }

    fn claim(&self, node: NodeNumber) -> Option<Claim> {
        let marked = match self.own[node.index()]? {
            Standing::Own(epoch) => Some(epoch),
            Standing::New => None,
        };
        Some(Claim { node, marked })
    }
}

impl World {
    /// Begins the epoch of this run on the catalog's own volumes, before the first write to one of them. A volume that cannot be
    /// marked is only read from then on.
    ///
    /// # Errors
    /// Where the catalog refuses.
    pub(in crate::engine) fn claim_volumes(&mut self, purpose: Purpose) -> Result<(), CatalogError> {
        self.catalog.database().refuse_when_read_only()?;
        if self.volumes.claimed {
            return Ok(());
        }
        let nodes = (0..self.nodes.len()).map(NodeNumber::from_index);
        let claims: Vec<Claim> = nodes.filter_map(|node| self.volumes.claim(node)).collect();
        for (node, error) in self.begin_epoch(purpose, &claims)? {
            let trouble = Trouble::from(error);
            self.nodes[node.index()].node.set_trouble(trouble.clone());
            self.tell_untraced(Event::DiskTrouble { node, trouble });
        }
        self.volumes.claimed = true;
        Ok(())
    }

    /// Marks volumes with a new epoch each; gives those that could not be marked.
    ///
    /// # Errors
    /// Where the catalog refuses.
    pub(in crate::engine) fn begin_epoch(
        &mut self,
        purpose: Purpose,
        claims: &[Claim],
    ) -> Result<Vec<(NodeNumber, DiskError)>, CatalogError> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let begun = self.catalog.begin_epoch(purpose, claims)?;
        let work: Vec<Work> =
            begun.into_iter().map(|(node, marker)| (node, Arc::clone(&self.nodes[node.index()].disk), marker)).collect();
        let (mut marked, mut failed) = (Vec::new(), Vec::new());
        for ((node, _, marker), outcome) in work.iter().zip(mark_all(&work)) {
            let own = &mut self.volumes.own[node.index()];
            match outcome {
                Ok(()) => {
                    *own = Some(Standing::Own(marker.epoch));
                    marked.push((*node, *marker));
                }
                Err(error) => {
                    *own = None;
                    failed.push((*node, error));
                }
            }
        }
        // What has just been made in it may have been there, unsynced, when a start was killed.
        private_file::sync_directory(&self.config.data_dir)
            .unwrap_or_else(|error| tracing::warn!(%error, "a directory is not synced"));
        self.catalog.finish_epoch(purpose, &marked)?;
        Ok(failed)
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
            // Without threads to spare, it takes longer.
            Err(_) => mark_each(part),
        };
        begun.into_iter().flat_map(end).collect()
    })
}
