//! One node's share of the storage: what is there, what is durable, how much fits.
//!
//! The volume decides and keeps account; the disk works. Each request becomes a [`DiskOp`] that somebody carries out on a
//! thread that may block, and whose outcome is reported back. Operations of one volume are to be carried out in the order in
//! which they were asked for. Knows nothing of networks, files or virtual time.

use std::collections::{HashMap, HashSet, VecDeque};

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
    /// It is there, but a failed sync may have lost it: it has to come again.
    #[error("it is not certain that segment {id:?} is on the disk")]
    Doubtful {
        /// The segment.
        id: SegmentId,
    },
}

/// What is on the disk under the name of a segment that is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing, as far as is known.
    Nothing,
    /// The same segment, if it is sound.
    Stored,
    /// Something that may read like the segment and yet be lost at the next power loss.
    Doubtful,
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
        /// What is there.
        before: Before,
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
    /// The disk has refused to remove some; the others are gone.
    NotDeleted {
        /// The segments that are still there.
        left: Vec<SegmentId>,
        /// What the disk met with the first of them.
        error: DiskError,
    },
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
            DiskOp::Write { id, bytes, before } => {
                check(*id, bytes)?;
                let written = match before {
                    Before::Stored if is_sound(disk, *id, bytes)? => false,
                    Before::Nothing => disk.write(*id, bytes).map(|()| true)?,
                    // What a reader sees of it comes from memory, and is no reason not to write.
                    Before::Stored | Before::Doubtful => disk.replace(*id, bytes).map(|()| true)?,
                };
                Ok(DiskOutcome::Stored { written })
            }
            DiskOp::Read { id } => {
                let bytes = disk.read(*id)?;
                check(*id, &bytes)?;
                Ok(DiskOutcome::Read { bytes })
            }
            DiskOp::Delete { ids } => Ok(delete_all(disk, ids)),
            DiskOp::Sync { ids } => disk.sync(ids).map(|()| DiskOutcome::Synced),
        }
    }

    /// What it is to remove.
    pub fn deletes(&self) -> &[SegmentId] {
        if let DiskOp::Delete { ids } = self { ids } else { &[] }
    }

    /// How many bytes it moves, as far as that is known before it runs: what a model of the disk's speed needs.
    pub fn bytes(&self) -> u64 {
        match self {
            DiskOp::Write { bytes, .. } => bytes.len() as u64,
            _ => 0,
        }
    }
}

/// Removes what can be removed: one segment that the disk refuses to give up keeps no other.
fn delete_all(disk: &dyn Disk, ids: &[SegmentId]) -> DiskOutcome {
    let (mut left, mut first) = (Vec::new(), None);
    for &id in ids {
        if let Err(error) = disk.delete(id) {
            left.push(id);
            first.get_or_insert(error);
        }
    }
    first.map_or(DiskOutcome::Deleted, |error| DiskOutcome::NotDeleted { left, error })
}

/// Whether a segment is on the disk as it should be. A disk that cannot tell is an error: what is there may be all there is of
/// a stored file.
fn is_sound(disk: &dyn Disk, id: SegmentId, bytes: &[u8]) -> Result<bool, DiskError> {
    match disk.read(id) {
        Ok(stored) => Ok(stored == bytes),
        Err(error) if error.is_damage() => Ok(false),
        Err(error) => Err(error),
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
    /// Not there: it was asked of the disk, which has not done it yet.
    Writing,
    /// Done, but a power loss may take it.
    Written,
    /// Done, but a sync has failed since. Linux tells of a failure to write back once and then takes the pages for clean, so
    /// that reading gives what was written and a later sync succeeds, and the power loss takes it all the same.
    Doubtful,
    /// Done for good.
    Durable,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Bytes that it takes, or will take when what was asked of the disk is done.
    len: u64,
    /// Bytes that are on the disk: others than `len` where a damaged segment is being written anew.
    on_disk: u64,
    presence: Presence,
}

/// What was asked of the disk for a segment and is not reported yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// To write it; so many bytes.
    Write(u64),
    Delete,
}

/// The account of one node's segments.
///
/// What is asked of the disk is carried out and reported in order, so that a segment may be deleted and come again before either is
/// done. A segment that is to be deleted is there for nobody from then on, and takes its room until the disk has done it: one that
/// the disk refuses to remove is still there, and can be deleted again.
#[derive(Debug)]
pub struct Volume {
    capacity: u64,
    used: u64,
    entries: HashMap<SegmentId, Entry>,
    /// By segment, the earliest first.
    under_way: HashMap<SegmentId, VecDeque<Step>>,
}

impl Volume {
    /// The volume that holds what was found on its disk at the start. What is there and belongs to somebody has been made
    /// durable before.
    pub fn new(capacity: u64, found: &[(SegmentId, u64)]) -> Volume {
        let durable = |len| Entry { len, on_disk: len, presence: Presence::Durable };
        let entries = found.iter().map(|&(id, len)| (id, durable(len))).collect();
        let used = found.iter().map(|(_, len)| len).sum();
        Volume { capacity, used, entries, under_way: HashMap::new() }
    }

    /// The same volume with segments that no file has needed yet: nobody has made them durable for sure.
    #[must_use]
    pub fn with_unsynced(mut self, found: &[(SegmentId, u64)]) -> Volume {
        for &(id, len) in found {
            self.used += len;
            self.entries.insert(id, Entry { len, on_disk: len, presence: Presence::Written });
        }
        self
    }

    /// How full it is.
    pub fn stats(&self) -> VolumeStats {
        VolumeStats { capacity: self.capacity, used: self.used, segments: self.entries.len() as u64 }
    }

    /// Whether the segment is there, or will be when the disk is done.
    pub fn holds(&self, id: SegmentId) -> bool {
        self.entry(id).is_some()
    }

    /// The segment, unless it is to be deleted.
    fn entry(&self, id: SegmentId) -> Option<&Entry> {
        self.entries.get(&id).filter(|_| !self.is_leaving(id))
    }

    /// Whether the last thing that was asked of the disk for a segment is to delete it.
    fn is_leaving(&self, id: SegmentId) -> bool {
        self.under_way.get(&id).and_then(VecDeque::back) == Some(&Step::Delete)
    }

    /// Takes a segment in. Report the outcome to [`stored`](Self::stored).
    ///
    /// # Errors
    /// [`VolumeError::Full`] where it does not fit; then nothing has changed.
    pub fn put(&mut self, id: SegmentId, bytes: Bytes) -> Result<DiskOp, VolumeError> {
        let len = bytes.len() as u64;
        let new = Entry { len: 0, on_disk: 0, presence: Presence::Writing };
        let entry = self.entries.get(&id).copied().unwrap_or(new);
        let (needed, free) = (len.saturating_sub(entry.len), self.stats().free());
        if needed > free {
            return Err(VolumeError::Full { needed, free });
        }
        let before = match entry.presence {
            Presence::Writing => Before::Nothing,
            Presence::Doubtful => Before::Doubtful,
            Presence::Written | Presence::Durable => Before::Stored,
        };
        // Nobody relies on what is to be deleted, whether the disk does that or not.
        let before = if self.is_leaving(id) { Before::Nothing } else { before };
        self.used = self.used - entry.len + len;
        self.entries.insert(id, Entry { len, ..entry });
        self.under_way.entry(id).or_default().push_back(Step::Write(len));
        Ok(DiskOp::Write { id, bytes, before })
    }

    /// What became of a [`put`](Self::put), in the order of what was asked for. One that failed leaves nothing behind, unless the
    /// segment was there before.
    pub fn stored(&mut self, id: SegmentId, outcome: &Result<DiskOutcome, DiskError>) {
        let (step, Some(entry)) = (self.take_step(id), self.entries.get_mut(&id)) else { return };
        if let (Some(Step::Write(len)), Ok(DiskOutcome::Stored { written: true })) = (step, outcome) {
            (entry.presence, entry.on_disk) = (Presence::Written, len);
        }
        self.settle(id);
    }

    /// The earliest thing that was asked of the disk for a segment is reported.
    fn take_step(&mut self, id: SegmentId) -> Option<Step> {
        let steps = self.under_way.get_mut(&id)?;
        let step = steps.pop_front();
        if steps.is_empty() {
            self.under_way.remove(&id);
        }
        step
    }

    /// Counts what a segment takes by what is on the disk and what is still to come. What is not there, and is not to come, is
    /// forgotten.
    fn settle(&mut self, id: SegmentId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let steps = self.under_way.get(&id);
        let to_come =
            steps.into_iter().flatten().rev().find_map(|step| if let Step::Write(len) = step { Some(*len) } else { None });
        let len = to_come.unwrap_or(entry.on_disk);
        self.used = self.used - entry.len + len;
        entry.len = len;
        if entry.presence == Presence::Writing && steps.is_none() {
            self.entries.remove(&id);
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
        self.entry(id).map(|entry| entry.len)
    }

    /// Makes segments durable; only those that are not yet are asked of the disk. Report the outcome to
    /// [`committed`](Self::committed).
    ///
    /// # Errors
    /// [`VolumeError::NotStored`] where one of them is not there, [`VolumeError::Doubtful`] where one has to come again first.
    pub fn commit(&self, ids: &[SegmentId]) -> Result<DiskOp, VolumeError> {
        let mut open = Vec::new();
        for &id in ids {
            match self.entry(id).ok_or(VolumeError::NotStored { id })?.presence {
                // What is on its way to the disk may take the place of what is durable.
                Presence::Durable if !self.under_way.contains_key(&id) => {}
                Presence::Doubtful => return Err(VolumeError::Doubtful { id }),
                Presence::Writing | Presence::Written | Presence::Durable => open.push(id),
            }
        }
        open.sort_unstable();
        open.dedup();
        Ok(DiskOp::Sync { ids: open })
    }

    /// What became of a [`commit`](Self::commit) of `ids`, in the order of those and of what was put meanwhile.
    ///
    /// # Errors
    /// [`VolumeError::Doubtful`] where the disk says that all is well, but a sync that it carried out before, and whose failure
    /// was not known yet when this one was asked for, may have lost one of them.
    pub fn committed(&mut self, ids: &[SegmentId], outcome: &Result<DiskOutcome, DiskError>) -> Result<(), VolumeError> {
        match outcome {
            Ok(_) => self.note_durable(ids),
            Err(DiskError::NotFound { id }) => {
                self.doubt(|written| written == id);
                Ok(())
            }
            // The whole file system may have been synced, so that it concerns others as well.
            Err(_) => {
                self.doubt(|_| true);
                Ok(())
            }
        }
    }

    fn note_durable(&mut self, ids: &[SegmentId]) -> Result<(), VolumeError> {
        let is_doubtful = |id: &&SegmentId| self.entries.get(id).is_some_and(|entry| entry.presence == Presence::Doubtful);
        if let Some(&id) = ids.iter().find(is_doubtful) {
            return Err(VolumeError::Doubtful { id });
        }
        for id in ids {
            if let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.presence == Presence::Written) {
                entry.presence = Presence::Durable;
            }
        }
        Ok(())
    }

    /// Relies no longer on what was written and is not durable.
    fn doubt(&mut self, concerns: impl Fn(&SegmentId) -> bool) {
        let written = self.entries.iter_mut().filter(|(id, entry)| entry.presence == Presence::Written && concerns(id));
        written.for_each(|(_, entry)| entry.presence = Presence::Doubtful);
    }

    /// Removes segments; those that are not there count for nothing. Report the outcome to [`deleted`](Self::deleted), for the
    /// segments that the disk is asked to remove.
    pub fn delete(&mut self, ids: &[SegmentId]) -> DiskOp {
        // One that is to be deleted already is asked for again: nobody knows yet whether that succeeds.
        let ids: Vec<SegmentId> = ids.iter().copied().filter(|id| self.entries.contains_key(id)).collect();
        for &id in &ids {
            self.under_way.entry(id).or_default().push_back(Step::Delete);
        }
        DiskOp::Delete { ids }
    }

    /// What became of a [`delete`](Self::delete), in the order of what was asked for.
    pub fn deleted(&mut self, ids: &[SegmentId], outcome: &Result<DiskOutcome, DiskError>) {
        let left: HashSet<SegmentId> = match outcome {
            Ok(DiskOutcome::NotDeleted { left, .. }) => left.iter().copied().collect(),
            Ok(_) => HashSet::new(),
            Err(_) => ids.iter().copied().collect(),
        };
        for &id in ids {
            self.take_step(id);
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            entry.presence = match entry.presence {
                _ if !left.contains(&id) => Presence::Writing,
                // Whoever relies on it again has it synced first.
                Presence::Durable => Presence::Written,
                presence => presence,
            };
            if !left.contains(&id) {
                entry.on_disk = 0;
            }
            self.settle(id);
        }
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
        volume.committed(ids, &outcome).is_ok() && outcome.is_ok()
    }

    fn delete(volume: &mut Volume, disk: &CrashDisk, id: SegmentId) -> bool {
        let op = volume.delete(&[id]);
        let outcome = op.run(disk);
        volume.deleted(op.deletes(), &outcome);
        outcome == Ok(DiskOutcome::Deleted)
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
        let (missing, _) = segment(3, 1);
        assert_eq!(volume.commit(&[missing]), Err(VolumeError::NotStored { id: missing }));
    }

    /// Else nobody would ever ask for its deletion again, and its room would be counted as free.
    #[test]
    fn what_the_disk_refuses_to_remove_is_still_there() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let ((first, bytes), (second, more)) = (segment(1, 100), segment(2, 150));
        put(&mut volume, &disk, first, bytes.clone()).unwrap();
        put(&mut volume, &disk, second, more).unwrap();
        assert!(commit(&mut volume, &disk, &[first, second]));
        disk.fail_deletes(1);
        let op = volume.delete(&[first, second]);
        assert_eq!(
            (volume.holds(first), volume.stats().used),
            (false, 250),
            "it is nobody's, and takes its room until it is gone"
        );
        let outcome = op.run(&disk);
        assert!(matches!(&outcome, Ok(DiskOutcome::NotDeleted { left, .. }) if left == &[first]), "{outcome:?}");
        volume.deleted(op.deletes(), &outcome);
        assert_eq!((volume.holds(first), volume.holds(second)), (true, false));
        assert_eq!(volume.stats(), VolumeStats { capacity: 1000, used: 100, segments: 1 });
        assert_eq!(put(&mut volume, &disk, first, bytes), Ok(DiskOutcome::Stored { written: false }));
        assert_eq!(volume.commit(&[first]), Ok(DiskOp::Sync { ids: vec![first] }), "it is synced before it is relied upon");
        assert!(delete(&mut volume, &disk, first));
        assert_eq!(volume.stats().used, 0);
    }

    /// The disk reads what it was given, and its next sync says that all is well.
    #[test]
    fn a_failed_sync_leaves_in_doubt_what_is_then_written_anew() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let ((first, bytes), (second, more)) = (segment(1, 100), segment(2, 100));
        put(&mut volume, &disk, first, bytes.clone()).unwrap();
        assert!(commit(&mut volume, &disk, &[first]));
        put(&mut volume, &disk, second, more.clone()).unwrap();
        disk.fail_syncs(true);
        assert!(!commit(&mut volume, &disk, &[second]));
        disk.fail_syncs(false);
        assert_eq!(volume.commit(&[second]), Err(VolumeError::Doubtful { id: second }));
        assert_eq!(volume.commit(&[first]), Ok(DiskOp::Sync { ids: vec![] }), "what was durable before is not in doubt");
        assert_eq!(put(&mut volume, &disk, second, more), Ok(DiskOutcome::Stored { written: true }));
        assert_eq!(put(&mut volume, &disk, first, bytes), Ok(DiskOutcome::Stored { written: false }));
        assert!(commit(&mut volume, &disk, &[second]));
        disk.crash(&mut RandomStream::new(1, "crash"));
        assert!(volume.get(second).unwrap().run(&disk).is_ok());
    }

    /// Two uploads that share a segment ask at once: the second one's sync succeeds after the first one's has lost the segment.
    #[test]
    fn a_sync_that_was_asked_for_before_another_failed_acknowledges_nothing() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let (id, bytes) = segment(1, 100);
        put(&mut volume, &disk, id, bytes).unwrap();
        let (first, second) = (volume.commit(&[id]).unwrap(), volume.commit(&[id]).unwrap());
        disk.fail_syncs(true);
        let lost = first.run(&disk);
        disk.fail_syncs(false);
        let believed = second.run(&disk);
        assert!(lost.is_err() && believed.is_ok());
        assert_eq!(volume.committed(&[id], &lost), Ok(()));
        assert_eq!(volume.committed(&[id], &believed), Err(VolumeError::Doubtful { id }));
    }

    /// A disk that has no file descriptor left, or reports an error, has said nothing of what is on it.
    #[test]
    fn what_cannot_be_read_now_is_not_replaced() {
        let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
        let (id, bytes) = segment(1, 100);
        put(&mut volume, &disk, id, bytes.clone()).unwrap();
        assert!(commit(&mut volume, &disk, &[id]));
        disk.fail_reads(true);
        assert!(put(&mut volume, &disk, id, bytes.clone()).is_err());
        disk.fail_reads(false);
        assert_eq!(volume.commit(&[id]), Ok(DiskOp::Sync { ids: vec![] }), "it is as durable as before");
        assert_eq!((volume.stats().used, put(&mut volume, &disk, id, bytes)), (100, Ok(DiskOutcome::Stored { written: false })));
    }

    /// Else a power loss between the rename and the sync would take what is there and what takes its place.
    #[test]
    fn of_a_segment_and_its_replacement_one_survives() {
        for seed in 0..100 {
            let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
            let (id, bytes) = segment(1, 100);
            put(&mut volume, &disk, id, bytes.clone()).unwrap();
            assert!(commit(&mut volume, &disk, &[id]));
            disk.flip_bit(id, 5);
            put(&mut volume, &disk, id, bytes.clone()).unwrap();
            disk.crash(&mut RandomStream::new(seed, "crash"));
            assert_eq!(disk.read(id).unwrap().len(), bytes.len(), "it is neither lost nor torn");
        }
    }

    /// What a process that was killed has left may be in memory alone.
    #[test]
    fn what_nobody_has_synced_is_synced_before_it_is_relied_upon() {
        let ((durable, bytes), (left, more)) = (segment(1, 100), segment(2, 150));
        let disk = CrashDisk::new();
        disk.write(durable, &bytes).unwrap();
        disk.write(left, &more).unwrap();
        let mut volume = Volume::new(1000, &[(durable, 100)]).with_unsynced(&[(left, 150)]);
        assert_eq!(volume.stats(), VolumeStats { capacity: 1000, used: 250, segments: 2 });
        assert_eq!(put(&mut volume, &disk, left, more), Ok(DiskOutcome::Stored { written: false }));
        assert_eq!(volume.commit(&[durable, left]), Ok(DiskOp::Sync { ids: vec![left] }));
    }

    /// A segment that was cut short takes its whole room again when it is written anew.
    #[test]
    fn the_account_follows_a_segment_that_is_healed() {
        let (id, bytes) = segment(1, 400);
        let disk = CrashDisk::new();
        disk.write(id, &bytes[..150]).unwrap();
        let mut volume = Volume::new(1000, &[(id, 150)]);
        assert_eq!(put(&mut volume, &disk, id, bytes.clone()), Ok(DiskOutcome::Stored { written: true }));
        assert_eq!((volume.stats().used, volume.len_of(id)), (400, Some(400)));
        disk.write(id, &bytes[..150]).unwrap();
        let mut volume = Volume::new(1000, &[(id, 150)]);
        disk.limit(200);
        assert!(put(&mut volume, &disk, id, bytes.clone()).is_err());
        assert_eq!((volume.stats().used, volume.len_of(id)), (150, Some(150)), "where that fails, it takes what it took");
        let mut volume = Volume::new(300, &[(id, 150)]);
        assert_eq!(volume.put(id, bytes), Err(VolumeError::Full { needed: 250, free: 150 }));
    }

    /// What was asked of a disk that takes its time.
    #[derive(Default)]
    struct Queue(VecDeque<(SegmentId, DiskOp)>);

    impl Queue {
        /// The disk does the earliest and reports it.
        fn run(&mut self, volume: &mut Volume, disk: &CrashDisk) -> Option<(SegmentId, DiskOp, bool)> {
            let (id, op) = self.0.pop_front()?;
            let outcome = op.run(disk);
            match &op {
                DiskOp::Delete { ids } => volume.deleted(ids, &outcome),
                _ => volume.stored(id, &outcome),
            }
            Some((id, op, matches!(outcome, Ok(DiskOutcome::Deleted | DiskOutcome::Stored { .. }))))
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Segments come and go, before the disk has done what it was asked before, and the disk refuses now and then: the account
        /// never says less than what is there, and exactly that in the end.
        #[test]
        fn the_account_is_right_whatever_comes_before_the_disk_is_done(steps in proptest::collection::vec((0u8..7, 0u8..4), 1..60)) {
            let (mut volume, disk, mut queue) = (Volume::new(400, &[]), CrashDisk::new(), Queue::default());
            let on_disk = |disk: &CrashDisk| disk.list().unwrap().iter().map(|(_, len)| len).sum::<u64>();
            for (step, n) in steps {
                let (id, bytes) = segment(n, 50 + 40 * usize::from(n));
                match step {
                    0 | 1 => if let Ok(op) = volume.put(id, bytes) { queue.0.push_back((id, op)); },
                    2 | 3 => {
                        let op = volume.delete(&[id]);
                        prop_assert!(!volume.holds(id));
                        queue.0.push_back((id, op));
                    }
                    4 => drop(queue.run(&mut volume, &disk)),
                    5 => {
                        disk.fail_deletes(1);
                        queue.run(&mut volume, &disk);
                        disk.fail_deletes(0);
                    }
                    _ => {
                        disk.limit(1);
                        queue.run(&mut volume, &disk);
                        disk.limit(u64::MAX);
                    }
                }
                prop_assert!((on_disk(&disk)..=400).contains(&volume.stats().used), "{} {:?}", on_disk(&disk), volume.stats());
            }
            while let Some((id, op, is_done)) = queue.run(&mut volume, &disk) {
                let is_last = queue.0.iter().all(|(other, _)| *other != id);
                if let (DiskOp::Write { .. }, true, true) = (&op, is_done, is_last) { prop_assert!(volume.holds(id)); }
            }
            let held: Vec<_> = disk.list().unwrap().into_iter().filter(|(id, len)| volume.len_of(*id) == Some(*len)).collect();
            prop_assert_eq!(&held, &disk.list().unwrap());
            let stats = VolumeStats { capacity: 400, used: on_disk(&disk), segments: held.len() as u64 };
            prop_assert_eq!((volume.stats(), volume.under_way.len()), (stats, 0));
        }

        /// Promise 3 at the level of one volume: whatever happens, what was committed is there after a crash, byte for byte,
        /// and the account agrees with a simple model of it.
        #[test]
        fn committed_segments_survive_any_crash(
            seed: u64,
            steps in proptest::collection::vec((0u8..8, 0u8..12), 1..60),
        ) {
            let disk = CrashDisk::new();
            let mut volume = Volume::new(2_000, &[]);
            let mut chance = RandomStream::new(seed, "crash");
            let mut present: BTreeMap<SegmentId, Bytes> = BTreeMap::new();
            let mut committed: BTreeMap<SegmentId, Bytes> = BTreeMap::new();
            let mut doubted = false;
            for (step, n) in steps {
                let (id, bytes) = segment(n, 50 + 40 * usize::from(n));
                match step {
                    0 | 1 => if put(&mut volume, &disk, id, bytes.clone()).is_ok() { present.insert(id, bytes); },
                    2 => {
                        let ids: Vec<SegmentId> = present.keys().copied().collect();
                        if commit(&mut volume, &disk, &ids) { committed = present.clone(); } else { prop_assert!(doubted); }
                    }
                    // A sync fails, and tells it once.
                    4 => {
                        disk.fail_syncs(true);
                        doubted |= !commit(&mut volume, &disk, &[id]) && volume.holds(id);
                        disk.fail_syncs(false);
                    }
                    // What is in doubt comes again.
                    5 => {
                        for (&id, bytes) in &present { put(&mut volume, &disk, id, bytes.clone()).unwrap(); }
                        let ids: Vec<SegmentId> = present.keys().copied().collect();
                        prop_assert!(commit(&mut volume, &disk, &ids));
                        (committed, doubted) = (present.clone(), false);
                    }
                    3 => {
                        prop_assert!(delete(&mut volume, &disk, id));
                        present.remove(&id);
                        committed.remove(&id);
                    }
                    // The disk refuses to remove it: everything is as it was.
                    7 => {
                        disk.fail_deletes(1);
                        prop_assert!(!volume.holds(id) || !delete(&mut volume, &disk, id));
                        disk.fail_deletes(0);
                    }
                    _ => {
                        disk.crash(&mut chance);
                        // What nobody refers to is removed at the start; here the committed ones are referred to.
                        let found: Vec<_> = disk.list().unwrap().into_iter().filter(|(id, _)| committed.contains_key(id)).collect();
                        for (id, _) in disk.list().unwrap() {
                            if !committed.contains_key(&id) { disk.delete(id).unwrap(); }
                        }
                        volume = Volume::new(2_000, &found);
                        (present, doubted) = (committed.clone(), false);
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
