//! One node's share of the storage: what is there, what is durable, how much fits.
//!
//! The volume decides and keeps account; the disk works. Each request becomes a [`DiskOp`] that somebody carries out on a
//! thread that may block, and whose outcome is reported back. Operations of one volume are to be carried out in the order in
//! which they were asked for. Knows nothing of networks, files or virtual time.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::disk::{Disk, DiskError};
use super::segment::SegmentId;

/// Why a volume does not take or give a segment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VolumeError {
    /// It would pass the capacity.
    #[error("the volume is full: {needed} bytes do not fit into the {free} that are free")]
    Full {
        /// How many bytes it has.
        needed: u64,
        /// How many are free.
        free: u64,
    },
    /// It is not there.
    #[error("segment {id:?} is not stored here")]
    NotStored {
        /// The segment.
        id: SegmentId,
    },
}

/// What a volume asks of its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOp {
    /// Store a segment. One that should be there already is looked at, and written again if it is damaged.
    Write {
        /// Its name.
        id: SegmentId,
        /// Its bytes.
        bytes: Bytes,
        /// Whether it should be there.
        is_stored: bool,
    },
    /// Read a segment and check it.
    Read {
        /// Its name.
        id: SegmentId,
    },
    /// Remove segments.
    Delete {
        /// Their names.
        ids: Vec<SegmentId>,
    },
    /// Make segments durable.
    Sync {
        /// Their names.
        ids: Vec<SegmentId>,
    },
}

/// What the disk did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOutcome {
    /// The segment is stored; `written` says whether that took a write.
    Stored {
        /// Whether it was written just now.
        written: bool,
    },
    /// The segment's bytes, which have its digest.
    Read {
        /// The bytes.
        bytes: Bytes,
    },
    /// The segments are gone.
    Deleted,
    /// The segments are durable.
    Synced,
}

impl DiskOp {
    /// Carries it out. Blocks.
    ///
    /// # Errors
    /// What the disk met, and [`DiskError::Corrupt`] where bytes do not have the digest that they are named by.
    pub fn run(&self, disk: &dyn Disk) -> Result<DiskOutcome, DiskError> {
        match self {
            DiskOp::Write { id, bytes, is_stored } => {
                check(*id, bytes)?;
                let sound = *is_stored && disk.read(*id).is_ok_and(|stored| stored == *bytes);
                if !sound {
                    disk.write(*id, bytes)?;
                }
                Ok(DiskOutcome::Stored { written: !sound })
            }
            DiskOp::Read { id } => {
                let bytes = disk.read(*id)?;
                check(*id, &bytes)?;
                Ok(DiskOutcome::Read { bytes })
            }
            DiskOp::Delete { ids } => {
                ids.iter().try_for_each(|&id| disk.delete(id))?;
                Ok(DiskOutcome::Deleted)
            }
            DiskOp::Sync { ids } => disk.sync(ids).map(|()| DiskOutcome::Synced),
        }
    }

    /// How many bytes it moves, as far as that is known before it runs: what a model of the disk's speed needs.
    pub fn bytes(&self) -> u64 {
        match self {
            DiskOp::Write { bytes, .. } => bytes.len() as u64,
            _ => 0,
        }
    }
}

fn check(id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
    let found = SegmentId::of(bytes);
    if found == id { Ok(()) } else { Err(DiskError::Corrupt { id, found }) }
}

/// How full a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VolumeStats {
    /// Bytes that it may hold.
    pub capacity: u64,
    /// Bytes of the segments that it holds.
    pub used: u64,
    /// How many segments that are.
    pub segments: u64,
}

impl VolumeStats {
    /// Bytes that still fit.
    pub const fn free(&self) -> u64 {
        self.capacity.saturating_sub(self.used)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Asked of the disk; not done.
    Writing,
    /// Done, but a power loss may take it.
    Written,
    /// Done for good.
    Durable,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    len: u64,
    presence: Presence,
    /// Writes that were asked of the disk and are not reported yet.
    pending: u32,
}

/// The account of one node's segments.
#[derive(Debug)]
pub struct Volume {
    capacity: u64,
    used: u64,
    entries: HashMap<SegmentId, Entry>,
    /// Writes that are not reported yet of segments that were deleted since: what comes of them counts for nothing.
    outdated: HashMap<SegmentId, u32>,
}

impl Volume {
    /// The volume that holds what was found on its disk at the start. What is there and belongs to somebody has been made
    /// durable before.
    pub fn new(capacity: u64, found: &[(SegmentId, u64)]) -> Volume {
        let entries = found.iter().map(|&(id, len)| (id, Entry { len, presence: Presence::Durable, pending: 0 })).collect();
        let used = found.iter().map(|(_, len)| len).sum();
        Volume { capacity, used, entries, outdated: HashMap::new() }
    }

    /// How full it is.
    pub fn stats(&self) -> VolumeStats {
        VolumeStats { capacity: self.capacity, used: self.used, segments: self.entries.len() as u64 }
    }

    /// Whether the segment is there, or will be when the disk is done.
    pub fn holds(&self, id: SegmentId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Takes a segment in. Report the outcome to [`stored`](Self::stored).
    ///
    /// # Errors
    /// [`VolumeError::Full`] where it does not fit; then nothing has changed.
    pub fn put(&mut self, id: SegmentId, bytes: Bytes) -> Result<DiskOp, VolumeError> {
        let is_stored = self.entries.get(&id).is_some_and(|entry| entry.presence != Presence::Writing);
        let (needed, free) = (bytes.len() as u64, self.stats().free());
        if !self.holds(id) {
            if needed > free {
                return Err(VolumeError::Full { needed, free });
            }
            self.used += needed;
        }
        let new = Entry { len: needed, presence: Presence::Writing, pending: 0 };
        self.entries.entry(id).or_insert(new).pending += 1;
        Ok(DiskOp::Write { id, bytes, is_stored })
    }

    /// What became of a [`put`](Self::put), in the order of those. One that failed leaves nothing behind, unless the segment was there before.
    pub fn stored(&mut self, id: SegmentId, outcome: &Result<DiskOutcome, DiskError>) {
        if let Some(count) = self.outdated.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.outdated.remove(&id);
            }
            return;
        }
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.pending = entry.pending.saturating_sub(1);
        match outcome {
            Ok(DiskOutcome::Stored { written: true }) => entry.presence = Presence::Written,
            Ok(_) => {}
            // One that is still to come may do better.
            Err(_) if entry.presence == Presence::Writing && entry.pending == 0 => {
                self.used -= entry.len;
                self.entries.remove(&id);
            }
            Err(_) => {}
        }
    }

    /// Gives a segment back.
    ///
    /// # Errors
    /// [`VolumeError::NotStored`].
    pub fn get(&self, id: SegmentId) -> Result<DiskOp, VolumeError> {
        if self.holds(id) { Ok(DiskOp::Read { id }) } else { Err(VolumeError::NotStored { id }) }
    }

    /// How many bytes a segment has; `None` where it is not there.
    pub fn len_of(&self, id: SegmentId) -> Option<u64> {
        self.entries.get(&id).map(|entry| entry.len)
    }

    /// Makes segments durable; only those that are not yet are asked of the disk. Report the outcome to
    /// [`committed`](Self::committed).
    ///
    /// # Errors
    /// [`VolumeError::NotStored`] where one of them is not there.
    pub fn commit(&self, ids: &[SegmentId]) -> Result<DiskOp, VolumeError> {
        let mut open = Vec::new();
        for &id in ids {
            let entry = self.entries.get(&id).ok_or(VolumeError::NotStored { id })?;
            if entry.presence != Presence::Durable {
                open.push(id);
            }
        }
        open.sort_unstable();
        open.dedup();
        Ok(DiskOp::Sync { ids: open })
    }

    /// What became of a [`commit`](Self::commit) of `ids`.
    pub fn committed(&mut self, ids: &[SegmentId], outcome: &Result<DiskOutcome, DiskError>) {
        if outcome.is_err() {
            return;
        }
        for id in ids {
            if let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.presence == Presence::Written) {
                entry.presence = Presence::Durable;
            }
        }
    }

    /// Removes segments; those that are not there count for nothing.
    pub fn delete(&mut self, ids: &[SegmentId]) -> DiskOp {
        let mut gone = Vec::new();
        for id in ids {
            if let Some(entry) = self.entries.remove(id) {
                self.used -= entry.len;
                if entry.pending > 0 {
                    *self.outdated.entry(*id).or_default() += entry.pending;
                }
                gone.push(*id);
            }
        }
        DiskOp::Delete { ids: gone }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::crash_disk::CrashDisk;
    use super::*;
    use crate::random::RandomStream;

    fn segment(n: u8, len: usize) -> (SegmentId, Bytes) {
        let bytes = Bytes::from(vec![n; len]);
        (SegmentId::of(&bytes), bytes)
    }

    fn put(volume: &mut Volume, disk: &CrashDisk, id: SegmentId, bytes: Bytes) -> Result<DiskOutcome, String> {
        let op = volume.put(id, bytes).map_err(|error| error.to_string())?;
        let outcome = op.run(disk);
        volume.stored(id, &outcome);
        outcome.map_err(|error| error.to_string())
    }

    fn commit(volume: &mut Volume, disk: &CrashDisk, ids: &[SegmentId]) -> bool {
        let Ok(op) = volume.commit(ids) else { return false };
        let outcome = op.run(disk);
        volume.committed(ids, &outcome);
        outcome.is_ok()
    }

    #[test]
    fn equal_segments_are_stored_once() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let (id, bytes) = segment(1, 400);
        assert_eq!(put(&mut volume, &disk, id, bytes.clone()), Ok(DiskOutcome::Stored { written: true }));
        assert_eq!(put(&mut volume, &disk, id, bytes), Ok(DiskOutcome::Stored { written: false }));
        assert_eq!(volume.stats(), VolumeStats { capacity: 1000, used: 400, segments: 1 });
    }

    #[test]
    fn the_capacity_is_not_passed_and_a_failed_write_gives_its_room_back() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let (first, bytes) = segment(1, 600);
        put(&mut volume, &disk, first, bytes).unwrap();
        let (second, more) = segment(2, 401);
        assert_eq!(volume.put(second, more), Err(VolumeError::Full { needed: 401, free: 400 }));
        disk.limit(700);
        let (third, bytes) = segment(3, 300);
        assert_eq!(put(&mut volume, &disk, third, bytes), Err(DiskError::Full.to_string()));
        assert_eq!(volume.stats().used, 600);
    }

    #[test]
    fn bytes_that_are_not_what_they_are_called_are_refused_both_ways() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let ((id, bytes), (_, others)) = (segment(1, 100), segment(2, 100));
        assert!(put(&mut volume, &disk, id, others).unwrap_err().contains("damaged"));
        assert!(!volume.holds(id));
        put(&mut volume, &disk, id, bytes).unwrap();
        disk.flip_bit(id, 5);
        assert!(matches!(volume.get(id).unwrap().run(&disk), Err(DiskError::Corrupt { .. })));
    }

    /// Else a damaged copy would be relied upon by the next file that has the segment.
    #[test]
    fn a_damaged_segment_is_written_anew_when_it_comes_again() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let (id, bytes) = segment(1, 100);
        put(&mut volume, &disk, id, bytes.clone()).unwrap();
        assert!(commit(&mut volume, &disk, &[id]));
        disk.flip_bit(id, 5);
        assert_eq!(put(&mut volume, &disk, id, bytes), Ok(DiskOutcome::Stored { written: true }));
        assert_eq!(volume.commit(&[id]), Ok(DiskOp::Sync { ids: vec![id] }));
        assert!(volume.get(id).unwrap().run(&disk).is_ok());
    }

    #[test]
    fn a_commit_asks_only_for_what_is_not_durable() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let ((first, bytes), (second, more)) = (segment(1, 100), segment(2, 100));
        put(&mut volume, &disk, first, bytes).unwrap();
        assert!(commit(&mut volume, &disk, &[first]));
        put(&mut volume, &disk, second, more).unwrap();
        assert_eq!(volume.commit(&[first, second, second]), Ok(DiskOp::Sync { ids: vec![second] }));
        disk.fail_syncs(true);
        assert!(!commit(&mut volume, &disk, &[second]));
        assert_eq!(volume.commit(&[second]), Ok(DiskOp::Sync { ids: vec![second] }));
        let (missing, _) = segment(3, 1);
        assert_eq!(volume.commit(&[missing]), Err(VolumeError::NotStored { id: missing }));
    }

    proptest! {
        /// Promise 3 at the level of one volume: whatever happens, what was committed is there after a crash, byte for byte,
        /// and the account agrees with a simple model of it.
        #[test]
        fn committed_segments_survive_any_crash(
            seed: u64,
            steps in proptest::collection::vec((0u8..5, 0u8..12), 1..60),
        ) {
            let disk = CrashDisk::new();
            let mut volume = Volume::new(2_000, &[]);
            let mut chance = RandomStream::new(seed, "crash");
            let mut present: BTreeMap<SegmentId, Bytes> = BTreeMap::new();
            let mut committed: BTreeMap<SegmentId, Bytes> = BTreeMap::new();
            for (step, n) in steps {
                let (id, bytes) = segment(n, 50 + 40 * usize::from(n));
                match step {
                    0 | 1 => if put(&mut volume, &disk, id, bytes.clone()).is_ok() { present.insert(id, bytes); },
                    2 => {
                        let ids: Vec<SegmentId> = present.keys().copied().collect();
                        prop_assert!(commit(&mut volume, &disk, &ids));
                        committed = present.clone();
                    }
                    3 => {
                        volume.delete(&[id]).run(&disk).unwrap();
                        present.remove(&id);
                        committed.remove(&id);
                    }
                    _ => {
                        disk.crash(&mut chance);
                        // What nobody refers to is removed at the start; here the committed ones are referred to.
                        let found: Vec<_> = disk.list().unwrap().into_iter().filter(|(id, _)| committed.contains_key(id)).collect();
                        for (id, _) in disk.list().unwrap() {
                            if !committed.contains_key(&id) { disk.delete(id).unwrap(); }
                        }
                        volume = Volume::new(2_000, &found);
                        present = committed.clone();
                    }
                }
                prop_assert_eq!(volume.stats().used, present.values().map(|bytes| bytes.len() as u64).sum::<u64>());
                for (&id, bytes) in &committed {
                    prop_assert_eq!(volume.get(id).unwrap().run(&disk), Ok(DiskOutcome::Read { bytes: bytes.clone() }));
                }
            }
        }
    }
}
