//! A disk in memory that injects the faults of real disks, for tests.
//!
//! At a crash it loses segments that were not synced, tears some of them, and undoes deletions. On request it fills up, fails to
//! sync, to read and to delete, and flips bits. A failed sync behaves as on Linux: it is reported once, and the segments that it
//! should have written back count as clean from then on, so that reads return them, later syncs succeed, and a power loss takes
//! them. Independent of real files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use p2p_base::random::RandomStream;

use super::disk::{Disk, DiskAction, DiskError};
use super::marker::{Marker, Marking};
use super::segment::SegmentId;

/// Disk that keeps its segments in memory and records which of them are durable.
#[derive(Debug, Default)]
pub struct CrashDisk {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Segments as readers see them.
    live: BTreeMap<SegmentId, Bytes>,
    /// Segments that survive a power loss for certain.
    durable: BTreeMap<SegmentId, Bytes>,
    /// Segments that replace durable ones: their bytes are on the platter, but a power loss may undo the rename.
    replacing: BTreeMap<SegmentId, Bytes>,
    /// Segments left unwritten by a failed sync, which no later sync writes.
    clean: BTreeSet<SegmentId>,
    marker: Option<Marker>,
    capacity: Option<u64>,
    fail_syncs: bool,
    fail_reads: bool,
    /// Number of the next deletions that fail.
    failing_deletes: u64,
    deletes: u64,
}

impl CrashDisk {
    /// Makes an empty disk without a capacity limit.
    pub fn new() -> CrashDisk {
        CrashDisk::default()
    }

    /// Sets the capacity of the disk to `bytes` bytes.
    pub fn limit(&self, bytes: u64) {
        self.lock().capacity = Some(bytes);
    }

    /// Makes the following syncs fail, or succeed again.
    pub fn fail_syncs(&self, fail: bool) {
        self.lock().fail_syncs = fail;
    }

    /// Makes the following reads fail, or succeed again.
    pub fn fail_reads(&self, fail: bool) {
        self.lock().fail_reads = fail;
    }

    /// Makes the next `count` deletions fail, each with its segment still stored; `u64::MAX` makes all of them fail.
    pub fn fail_deletes(&self, count: u64) {
        self.lock().failing_deletes = count;
    }

    /// Returns the number of deletions requested so far.
    pub fn deletes(&self) -> u64 {
        self.lock().deletes
    }

    /// Flips one bit of a segment on the platter, so that reads and crashes both show it.
    pub fn flip_bit(&self, id: SegmentId, bit: usize) {
        let mut state = self.lock();
        let Some(bytes) = state.live.get(&id) else { return };
        let mut damaged = bytes.to_vec();
        if damaged.is_empty() {
            return;
        }
        let place = bit / 8 % damaged.len();
        damaged[place] ^= 1 << (bit % 8);
        let damaged = Bytes::from(damaged);
        state.live.insert(id, damaged.clone());
        state.durable.entry(id).and_modify(|bytes| *bytes = damaged);
    }

    /// Loses segments that are not synced, each whole and by `chance`, as a disk does that is replaced or repaired under a process that
    /// has ended.
    pub fn lose_unsynced(&self, chance: &mut RandomStream) {
        let mut state = self.lock();
        let durable: Vec<SegmentId> = state.durable.keys().copied().collect();
        state.live.retain(|id, _| durable.contains(id) || chance.below(2) == 0);
    }

    /// Simulates a power loss. Synced segments stay; of the others, `chance` decides which are lost, which are torn and which
    /// have reached the disk; a deletion that was not synced may be undone.
    pub fn crash(&self, chance: &mut RandomStream) {
        let mut state = self.lock();
        let mut after = BTreeMap::new();
        let names: Vec<SegmentId> = state.live.keys().chain(state.durable.keys()).copied().collect();
        for id in names {
            let survivor = match (state.live.get(&id), state.durable.get(&id)) {
                (Some(_), Some(durable)) => match state.replacing.get(&id) {
                    Some(replacement) if chance.below(2) == 0 => Some(replacement.clone()),
                    _ => Some(durable.clone()),
                },
                (Some(written), None) => torn(written, chance),
                (None, Some(deleted)) => (chance.below(2) == 0).then(|| deleted.clone()),
                (None, None) => None,
            };
            if let Some(bytes) = survivor {
                after.entry(id).or_insert(bytes);
            }
        }
        state.durable.clone_from(&after);
        state.live = after;
        state.replacing.clear();
        state.clean.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the result of a power loss on an unsynced write: nothing, all, the beginning, or the beginning followed by zeros.
fn torn(written: &Bytes, chance: &mut RandomStream) -> Option<Bytes> {
    let cut = chance.below(written.len() as u64 + 1) as usize;
    match chance.below(4) {
        0 => None,
        1 => Some(written.clone()),
        2 => Some(written.slice(..cut)),
        _ => {
            let mut bytes = written.to_vec();
            bytes[cut..].fill(0);
            Some(bytes.into())
        }
    }
}

impl State {
    fn used(&self) -> u64 {
        self.live.values().map(|bytes| bytes.len() as u64).sum()
    }

    fn take(&mut self, id: SegmentId, bytes: &[u8]) -> Result<Bytes, DiskError> {
        if self.capacity.is_some_and(|capacity| self.used() + bytes.len() as u64 > capacity) {
            return Err(DiskError::Full);
        }
        let bytes = Bytes::copy_from_slice(bytes);
        self.live.insert(id, bytes.clone());
        self.clean.remove(&id);
        self.replacing.remove(&id);
        Ok(bytes)
    }
}

fn broken(action: DiskAction) -> DiskError {
    // Number 5 is EIO.
    DiskError::from_io(action, &std::io::Error::from_raw_os_error(5))
}

impl Disk for CrashDisk {
    fn prepare(&self) -> Result<(), DiskError> {
        Ok(())
    }

    fn marking(&self) -> Result<Marking, DiskError> {
        Ok(self.lock().marker.map_or(Marking::Absent, Marking::Marked))
    }

    fn mark(&self, marker: &Marker) -> Result<(), DiskError> {
        let mut state = self.lock();
        if state.fail_syncs {
            return Err(broken(DiskAction::Mark));
        }
        if state.capacity.is_some_and(|capacity| state.used() >= capacity) {
            return Err(DiskError::Full);
        }
        state.marker = Some(*marker);
        Ok(())
    }

    fn write(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.lock();
        state.take(id, bytes)?;
        // The name refers to new bytes, none of which is durable yet.
        state.durable.remove(&id);
        Ok(())
    }

    fn replace(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.lock();
        if state.fail_syncs {
            return Err(broken(DiskAction::Write));
        }
        let bytes = state.take(id, bytes)?;
        if state.durable.contains_key(&id) {
            state.replacing.insert(id, bytes);
        }
        Ok(())
    }

    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError> {
        let state = self.lock();
        if state.fail_reads {
            return Err(broken(DiskAction::Read));
        }
        state.live.get(&id).cloned().ok_or(DiskError::NotFound { id })
    }

    fn delete(&self, id: SegmentId) -> Result<(), DiskError> {
        let mut state = self.lock();
        state.deletes += 1;
        if state.failing_deletes > 0 {
            state.failing_deletes -= 1;
            return Err(broken(DiskAction::Delete));
        }
        state.live.remove(&id);
        Ok(())
    }

    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError> {
        if self.lock().fail_reads {
            return Err(broken(DiskAction::List));
        }
        Ok(self.lock().live.iter().map(|(&id, bytes)| (id, bytes.len() as u64)).collect())
    }

    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError> {
        let mut state = self.lock();
        if state.fail_syncs {
            let unwritten: Vec<_> = state.live.keys().filter(|id| !state.durable.contains_key(id)).copied().collect();
            state.clean.extend(unwritten);
            return Err(broken(DiskAction::Sync));
        }
        for &id in ids {
            let bytes = state.live.get(&id).cloned().ok_or(DiskError::NotFound { id })?;
            if !state.clean.contains(&id) {
                state.durable.insert(id, bytes);
                state.replacing.remove(&id);
            }
        }
        // Syncing a directory makes its deletions durable as well.
        let State { live, durable, .. } = &mut *state;
        durable.retain(|id, _| live.contains_key(id));
        Ok(())
    }

    fn sweep(&self) -> Result<u64, DiskError> {
        Ok(0)
    }

    fn check_leftovers(&self) -> Result<(), DiskError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(n: u32) -> (SegmentId, Vec<u8>) {
        let bytes = n.to_le_bytes().repeat(100);
        (SegmentId::of(&bytes), bytes)
    }

    #[test]
    fn what_was_synced_survives_and_the_rest_may_be_lost_or_torn() {
        let (mut whole, mut torn, mut lost) = (0, 0, 0);
        for seed in 0..200 {
            let disk = CrashDisk::new();
            let (synced, bytes) = segment(1);
            disk.write(synced, &bytes).unwrap();
            disk.sync(&[synced]).unwrap();
            let (unsynced, more) = segment(2);
            disk.write(unsynced, &more).unwrap();
            disk.crash(&mut RandomStream::new(seed, "crash"));
            assert_eq!(disk.read(synced).unwrap(), bytes);
            match disk.read(unsynced) {
                Ok(bytes) if bytes == more => whole += 1,
                Ok(_) => torn += 1,
                Err(_) => lost += 1,
            }
        }
        assert!(whole > 10 && torn > 10 && lost > 10, "{whole} {torn} {lost}");
    }

    #[test]
    fn a_deletion_may_come_undone() {
        let came_back = |seed| {
            let disk = CrashDisk::new();
            let (id, bytes) = segment(1);
            disk.write(id, &bytes).unwrap();
            disk.sync(&[id]).unwrap();
            disk.delete(id).unwrap();
            disk.crash(&mut RandomStream::new(seed, "crash"));
            disk.read(id).is_ok()
        };
        let back = (0..100).filter(|&seed| came_back(seed)).count();
        assert!((20..80).contains(&back), "{back}");
    }

    #[test]
    fn it_fills_up_and_flips_bits() {
        let disk = CrashDisk::new();
        disk.limit(500);
        let ((first, bytes), (second, more)) = (segment(1), segment(2));
        disk.write(first, &bytes).unwrap();
        assert_eq!(disk.write(second, &more), Err(DiskError::Full));
        disk.flip_bit(first, 77);
        assert_ne!(SegmentId::of(&disk.read(first).unwrap()), first);
    }

    /// As the kernel's page cache does: fsync(2), "Notes".
    #[test]
    fn a_failed_sync_is_told_once_and_believed_by_nobody_but_the_platter() {
        let (id, bytes) = segment(1);
        let survives = |seed, again: bool| {
            let disk = CrashDisk::new();
            disk.write(id, &bytes).unwrap();
            disk.fail_syncs(true);
            assert!(disk.sync(&[id]).is_err());
            disk.fail_syncs(false);
            if again {
                disk.replace(id, &bytes).unwrap();
            }
            disk.sync(&[id]).unwrap();
            assert_eq!(disk.read(id).unwrap(), bytes);
            disk.crash(&mut RandomStream::new(seed, "crash"));
            disk.read(id).is_ok_and(|found| found == bytes)
        };
        assert!((0..100).filter(|&seed| survives(seed, false)).count() < 60);
        assert!((0..100).all(|seed| survives(seed, true)));
    }
}
