//! Disk of a replay: of segments whose content a recording does not have it keeps the lengths, and everything else on another disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use p2p_store::disk::{Disk, DiskError};
use p2p_store::marker::{Marker, Marking};
use p2p_store::segment::SegmentId;

/// Disk with the lengths of some segments and the content of all others.
#[derive(Debug)]
pub(crate) struct SparseDisk {
    inner: Arc<dyn Disk>,
    unknown: Arc<BTreeSet<SegmentId>>,
    /// Lengths in bytes of the segments of unknown content that were written.
    lengths: Mutex<BTreeMap<SegmentId, u64>>,
}

impl SparseDisk {
    /// Creates a disk that keeps the content of all segments but those of `unknown` content on `inner`.
    pub(crate) fn new(inner: Arc<dyn Disk>, unknown: Arc<BTreeSet<SegmentId>>) -> SparseDisk {
        SparseDisk { inner, unknown, lengths: Mutex::default() }
    }

    fn lengths(&self) -> MutexGuard<'_, BTreeMap<SegmentId, u64>> {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, id: SegmentId, bytes: &[u8], write: impl FnOnce() -> Result<(), DiskError>) -> Result<(), DiskError> {
        if !self.unknown.contains(&id) {
            return write();
        }
        self.lengths().insert(id, bytes.len() as u64);
        Ok(())
    }
}

impl Disk for SparseDisk {
    fn prepare(&self) -> Result<(), DiskError> {
        self.inner.prepare()
    }

    fn marking(&self) -> Result<Marking, DiskError> {
        self.inner.marking()
    }

    fn mark(&self, marker: &Marker) -> Result<(), DiskError> {
        self.inner.mark(marker)
    }

    fn write(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        self.keep(id, bytes, || self.inner.write(id, bytes))
    }

    fn replace(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        self.keep(id, bytes, || self.inner.replace(id, bytes))
    }

    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError> {
        if !self.unknown.contains(&id) {
            return self.inner.read(id);
        }
        // What was stored before the run has its content, which is not that of the stand-in.
        Ok(vec![0; self.length_of(id)? as usize].into())
    }

    fn digest_of(&self, id: SegmentId, bytes: &[u8]) -> SegmentId {
        if self.unknown.contains(&id) { id } else { SegmentId::of(bytes) }
    }

    fn delete(&self, id: SegmentId) -> Result<(), DiskError> {
        self.lengths().remove(&id);
        self.inner.delete(id)
    }

    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError> {
        let mut all: BTreeMap<SegmentId, u64> = self.inner.list()?.into_iter().collect();
        all.extend(self.lengths().iter());
        Ok(all.into_iter().collect())
    }

    fn length_of(&self, id: SegmentId) -> Result<u64, DiskError> {
        let kept = self.lengths().get(&id).copied();
        kept.map_or_else(|| self.inner.length_of(id), Ok)
    }

    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError> {
        let kept = self.lengths();
        let others: Vec<SegmentId> = ids.iter().copied().filter(|id| !kept.contains_key(id)).collect();
        drop(kept);
        self.inner.sync(&others)
    }

    fn sweep(&self) -> Result<u64, DiskError> {
        self.inner.sweep()
    }

    fn check_leftovers(&self) -> Result<(), DiskError> {
        self.inner.check_leftovers()
    }
}

#[cfg(test)]
mod tests {
    use p2p_store::file_system::FileSystems;
    use p2p_store::local_disk::LocalDisk;

    use super::*;

    #[test]
    fn the_lengths_of_segments_stand_for_what_is_not_known() {
        let directory = tempfile::tempdir().unwrap();
        let inner: Arc<dyn Disk> = Arc::new(LocalDisk::at(directory.path(), &FileSystems::default()));
        let (there, known, unknown) = (SegmentId::of(b"there"), SegmentId::of(b"known"), SegmentId::of(b"unknown"));
        inner.prepare().unwrap();
        inner.write(there, b"there").unwrap();
        let disk = SparseDisk::new(Arc::clone(&inner), Arc::new([there, unknown].into()));
        disk.write(known, b"known").unwrap();
        disk.write(unknown, &[0; 7]).unwrap();
        disk.sync(&[known, unknown, there]).unwrap();
        assert_eq!(disk.list().unwrap().len(), 3);
        assert_eq!([there, known, unknown].map(|id| disk.read(id).unwrap().len()), [5, 5, 7]);
        assert!(disk.read(there).unwrap() == [0; 5][..] && disk.read(known).unwrap() == b"known"[..]);
        assert_eq!(disk.digest_of(unknown, &[0; 7]), unknown);
        disk.delete(unknown).unwrap();
        assert!(disk.read(unknown).is_err() && disk.sync(&[unknown]).is_err());
    }
}
