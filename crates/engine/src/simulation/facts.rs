//! Facts of the start that a recorded run uses, and their restoration in a replay.

use p2p_store::catalog::{Catalog, CatalogError};
use p2p_store::names::FileKey;
use p2p_store::namespace::Namespace;
use p2p_store::pins::Pin;
use p2p_store::segment::SegmentId;
use p2p_store::uploads::UploadId;

use super::Simulation;
use crate::first_use::{Fact, FirstUses};

impl Simulation {
    /// Notes from now on which facts of the state at the start the run uses.
    pub(crate) fn note_facts(&mut self) {
        self.uses = Some(FirstUses::default());
    }

    /// Takes the facts that were noted since the last call.
    ///
    /// # Errors
    /// Fails if a fact could not be read from the catalog. The run cannot be replayed then.
    pub(crate) fn take_facts(&mut self) -> Result<Vec<Fact>, CatalogError> {
        match self.unnoted.take() {
            Some(error) => Err(error),
            None => Ok(self.uses.as_mut().map(FirstUses::take).unwrap_or_default()),
        }
    }

    /// Returns the used bytes of each node's volume.
    pub(crate) fn used_bytes(&self) -> Vec<u64> {
        self.world.nodes.iter().map(|entry| entry.node.volume_stats().used).collect()
    }

    /// Restores the used bytes of each node's volume, as far as the restored segments do not account for them.
    pub(crate) fn assume_used(&mut self, used: &[u64]) {
        for (entry, used) in self.world.nodes.iter_mut().zip(used) {
            let known = entry.node.volume_stats().used;
            entry.node.assume_used(used.saturating_sub(known));
        }
    }

    /// Restores the total size of an owner's files at this instant, as far as the known files do not account for it.
    pub(crate) fn assume_usage(&mut self, owner: Option<String>, bytes: u64) {
        let known = self.usage_of(owner.as_deref()).file_bytes;
        self.unlisted.insert(owner, bytes.saturating_sub(known));
    }

    /// Notes the use of a file or directory.
    pub(super) fn note_use(&mut self, key: &FileKey) {
        self.note(|uses, names, catalog| uses.note_key(names, catalog, key));
    }

    /// Notes that the run has begun to keep an upload.
    pub(super) fn note_kept(&mut self, id: Option<UploadId>) {
        if let Some((uses, id)) = self.uses.as_mut().zip(id) {
            uses.note_kept(id);
        }
    }

    /// Notes the use of a kept upload.
    pub(super) fn note_upload(&mut self, id: UploadId) {
        self.note(|uses, names, catalog| uses.note_upload(names, catalog, id));
    }

    /// Notes the use of a directory with all that is within it.
    pub(super) fn note_use_of_tree(&mut self, key: &FileKey) {
        self.note(|uses, names, catalog| uses.note_tree(names, catalog, key));
    }

    /// Notes that the run has moved a file or directory to a name.
    pub(super) fn note_moved(&mut self, to: &FileKey) {
        if let Some(uses) = &mut self.uses {
            uses.note_moved(to.clone());
        }
    }

    /// Notes the use of the total size of an owner's files.
    pub(super) fn note_usage(&mut self, owner: Option<&str>) {
        if let Some(mut uses) = self.uses.take() {
            uses.note_usage(owner, || self.usage_of(owner).file_bytes);
            self.uses = Some(uses);
        }
    }

    /// Notes the use of the segments that uploads are about to store, as far as they are stored already.
    pub(super) fn note_use_of_segments(&mut self) {
        let pinned = self.world.space.take_pinned();
        self.note_use_of(&pinned);
    }

    /// Returns the length in bytes of a segment that is kept for a user, if it is, and notes the use of that.
    pub(super) fn note_pin(&mut self, pin: &Pin) -> Option<u32> {
        let kept = self.world.pins.get(pin.user.as_deref(), pin.node, pin.id);
        self.note(|uses, _, catalog| uses.note_pin(catalog, pin, kept));
        kept
    }

    /// Notes the use of segments, as far as they are stored.
    pub(super) fn note_use_of(&mut self, ids: &[SegmentId]) {
        self.note(|uses, _, catalog| uses.note_segments(catalog, ids.iter().copied(), false));
    }

    fn note(&mut self, note: impl FnOnce(&mut FirstUses, &Namespace, &Catalog) -> Result<(), CatalogError>) {
        if let Some(uses) = &mut self.uses
            && let Err(error) = note(uses, self.world.names.files(), self.world.names.catalog())
        {
            (self.uses, self.unnoted) = (None, Some(error));
        }
    }
}
