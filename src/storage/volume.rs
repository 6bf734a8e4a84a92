//! One node's share of the storage: what is there, what is durable, how much fits.
//!
//! The volume decides and keeps account; the disk works. Each request becomes a [`DiskOp`] that somebody carries out on a
//! thread that may block, and whose outcome is reported back. Operations of one volume are to be carried out in the order in
//! which they were asked for. Knows nothing of networks, files or virtual time.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::disk::DiskError;
use super::disk_op::{Before, DiskOp, DiskOutcome};
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
mod tests;
