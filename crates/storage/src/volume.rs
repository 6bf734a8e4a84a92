//! The segments of one node: which are stored, which are durable, and how much room is left.
//!
//! The volume decides and keeps account, and the disk does the work. Each request becomes a [`DiskOp`], which the caller runs on
//! a thread that may block and whose outcome the caller reports back to the volume. The operations of one volume have to run in
//! the order in which they were requested. Independent of networks, files and virtual time.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::disk::DiskError;
use super::disk_op::{Before, DiskOp, DiskOutcome};
use super::segment::SegmentId;

/// Reason why a volume refuses to store or to return a segment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VolumeError {
    /// The segment would exceed the capacity.
    #[error("the volume is full: {needed} bytes do not fit into the {free} that are free")]
    Full {
        /// Number of bytes that the segment needs.
        needed: u64,
        /// Number of free bytes.
        free: u64,
    },
    /// The segment is not stored.
    #[error("segment {id:?} is not stored here")]
    NotStored {
        /// Name of the requested segment.
        id: SegmentId,
    },
    /// The segment is stored, but a failed sync may have lost it, so that it has to be stored again.
    #[error("it is not certain that segment {id:?} is on the disk")]
    Doubtful {
        /// Name of the segment.
        id: SegmentId,
    },
}

/// Fill level of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VolumeStats {
    /// Capacity of the volume in bytes.
    pub capacity: u64,
    /// Total length of the stored segments in bytes.
    pub used: u64,
    /// Number of stored segments.
    pub segments: u64,
}

impl VolumeStats {
    /// Returns the number of bytes that still fit.
    pub const fn free(&self) -> u64 {
        self.capacity.saturating_sub(self.used)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Not on the disk: the write was requested and is not done yet.
    Writing,
    /// Written, but a power loss may still take the segment.
    Written,
    /// Written, but a sync has failed since. Linux reports a failure to write back once and then treats the pages as clean: reads
    /// return what was written and a later sync succeeds, but the power loss still takes the segment.
    Doubtful,
    /// Written and synced, so that the segment survives a power loss.
    Durable,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Bytes that the segment takes, or will take after the requested disk operations are done.
    len: u64,
    /// Bytes that are on the disk, which differ from `len` while a damaged segment is being rewritten.
    on_disk: u64,
    presence: Presence,
}

/// Disk operation that was requested for a segment and whose outcome is not reported yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PendingOp {
    /// Write of the segment, with its length in bytes.
    Write(u64),
    Delete,
}

/// Account of one node's segments.
///
/// Disk operations are run and reported in order, so that a segment may be deleted and stored again before either operation is
/// done. From the request of its deletion on, a segment is not readable, but it takes room until the disk has deleted it: a
/// segment that the disk refuses to delete is still stored, and can be deleted again.
#[derive(Debug)]
pub struct Volume {
    capacity: u64,
    used: u64,
    entries: HashMap<SegmentId, Entry>,
    /// Pending operations of each segment, the earliest first.
    under_way: HashMap<SegmentId, VecDeque<PendingOp>>,
}

impl Volume {
    /// Makes a volume with the segments found on its disk at the start. Those that files need have been made durable before.
    pub fn new(capacity: u64, found: &[(SegmentId, u64)]) -> Volume {
        let durable = |len| Entry { len, on_disk: len, presence: Presence::Durable };
        let entries = found.iter().map(|&(id, len)| (id, durable(len))).collect();
        let used = found.iter().map(|(_, len)| len).sum();
        Volume { capacity, used, entries, under_way: HashMap::new() }
    }

    /// Counts `bytes` as used by segments that are not known one by one, as in the replay of a run.
    pub fn assume_used(&mut self, bytes: u64) {
        self.used += bytes;
    }

    /// Adds stored segments that no file has needed yet, and of which it is therefore not certain that they are durable.
    #[must_use]
    pub fn with_unsynced(mut self, found: &[(SegmentId, u64)]) -> Volume {
        for &(id, len) in found {
            self.used += len;
            self.entries.insert(id, Entry { len, on_disk: len, presence: Presence::Written });
        }
        self
    }

    /// Returns the fill level of the volume.
    pub fn stats(&self) -> VolumeStats {
        VolumeStats { capacity: self.capacity, used: self.used, segments: self.entries.len() as u64 }
    }

    /// Returns true if the segment is stored, or will be after the pending disk operations.
    pub fn holds(&self, id: SegmentId) -> bool {
        self.entry(id).is_some()
    }

    /// Returns the segments that are stored, or will be after the pending disk operations, in no order.
    pub fn segments(&self) -> impl Iterator<Item = SegmentId> {
        self.entries.keys().copied().filter(|&id| !self.is_leaving(id))
    }

    /// Returns the entry of a segment, unless the segment is to be deleted.
    fn entry(&self, id: SegmentId) -> Option<&Entry> {
        self.entries.get(&id).filter(|_| !self.is_leaving(id))
    }

    /// Returns true if the last disk operation requested for a segment is its deletion.
    fn is_leaving(&self, id: SegmentId) -> bool {
        self.under_way.get(&id).and_then(VecDeque::back) == Some(&PendingOp::Delete)
    }

    /// Stores a segment. The outcome of the returned operation has to be reported to [`stored`](Self::stored).
    ///
    /// # Errors
    /// Returns [`VolumeError::Full`] if the segment does not fit; the volume is then unchanged.
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
        // No file relies on a segment that is to be deleted, even if the deletion fails.
        let before = if self.is_leaving(id) { Before::Nothing } else { before };
        self.used = self.used - entry.len + len;
        self.entries.insert(id, Entry { len, ..entry });
        self.under_way.entry(id).or_default().push_back(PendingOp::Write(len));
        Ok(DiskOp::Write { id, bytes, before })
    }

    /// Records the outcome of a [`put`](Self::put); outcomes are reported in the order of the requests. A failed write leaves
    /// nothing behind, unless the segment was stored before.
    pub fn stored(&mut self, id: SegmentId, outcome: &Result<DiskOutcome, DiskError>) {
        let (op, Some(entry)) = (self.take_pending(id), self.entries.get_mut(&id)) else { return };
        if let (Some(PendingOp::Write(len)), Ok(DiskOutcome::Stored { written: true })) = (op, outcome) {
            (entry.presence, entry.on_disk) = (Presence::Written, len);
        }
        self.settle(id);
    }

    /// Removes and returns the earliest pending operation of a segment.
    fn take_pending(&mut self, id: SegmentId) -> Option<PendingOp> {
        let pending = self.under_way.get_mut(&id)?;
        let op = pending.pop_front();
        if pending.is_empty() {
            self.under_way.remove(&id);
        }
        op
    }

    /// Recomputes the room that a segment takes from what is on the disk and what is still to be written. A segment that is not
    /// stored and has no pending operation is forgotten.
    fn settle(&mut self, id: SegmentId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let pending = self.under_way.get(&id);
        let to_come =
            pending.into_iter().flatten().rev().find_map(|op| if let PendingOp::Write(len) = op { Some(*len) } else { None });
        let len = to_come.unwrap_or(entry.on_disk);
        self.used = self.used - entry.len + len;
        entry.len = len;
        if entry.presence == Presence::Writing && pending.is_none() {
            self.entries.remove(&id);
        }
    }

    /// Adopts what the disk was found to hold when the node's process was started again: segments that are no longer there are
    /// forgotten, and those of another length have to be stored again. What is known of the others still holds, above all that a failed
    /// sync may have lost one, which no listing shows.
    pub fn adopt_listing(&mut self, found: &[(SegmentId, u64)]) {
        let found: HashMap<SegmentId, u64> = found.iter().copied().collect();
        let under_way = &self.under_way;
        let gone = self.entries.extract_if(|id, _| !found.contains_key(id) && !under_way.contains_key(id));
        self.used -= gone.map(|(_, entry)| entry.len).sum::<u64>();
        for (id, entry) in &mut self.entries {
            let is_changed = |len: &&u64| **len != entry.on_disk && !under_way.contains_key(id);
            if let Some(&len) = found.get(id).filter(is_changed) {
                self.used = self.used - entry.len + len;
                *entry = Entry { len, on_disk: len, presence: Presence::Doubtful };
            }
        }
    }

    /// Requests the read of a segment.
    ///
    /// # Errors
    /// Returns [`VolumeError::NotStored`] if the segment is not stored.
    pub fn get(&self, id: SegmentId) -> Result<DiskOp, VolumeError> {
        if self.holds(id) { Ok(DiskOp::Read { id }) } else { Err(VolumeError::NotStored { id }) }
    }

    /// Returns the length of a segment in bytes; `None` if it is not stored.
    pub fn len_of(&self, id: SegmentId) -> Option<u64> {
        self.entry(id).map(|entry| entry.len)
    }

    /// Requests that segments be made durable; the disk is asked only for those that are not durable yet. The outcome has to be
    /// reported to [`committed`](Self::committed).
    ///
    /// # Errors
    /// Returns [`VolumeError::NotStored`] if one of the segments is not stored, and [`VolumeError::Doubtful`] if one has to be
    /// stored again first.
    pub fn commit(&self, ids: &[SegmentId]) -> Result<DiskOp, VolumeError> {
        let mut open = Vec::new();
        for &id in ids {
            match self.entry(id).ok_or(VolumeError::NotStored { id })?.presence {
                // A pending write may replace the durable bytes.
                Presence::Durable if !self.under_way.contains_key(&id) => {}
                Presence::Doubtful => return Err(VolumeError::Doubtful { id }),
                Presence::Writing | Presence::Written | Presence::Durable => open.push(id),
            }
        }
        open.sort_unstable();
        open.dedup();
        Ok(DiskOp::Sync { ids: open })
    }

    /// Returns those of the segments that a [`commit`](Self::commit) of them would be refused for: they have to be stored again first.
    pub fn lacking(&self, ids: &[SegmentId]) -> impl Iterator<Item = SegmentId> {
        let lacks = |&id: &SegmentId| self.entry(id).is_none_or(|entry| entry.presence == Presence::Doubtful);
        ids.iter().copied().filter(lacks)
    }

    /// Records the outcome of a [`commit`](Self::commit) of `ids`; outcomes are reported in the order of the requests, and so are
    /// those of [`put`](Self::put).
    ///
    /// # Errors
    /// Returns [`VolumeError::NotStored`] if the disk misses one of the segments, and [`VolumeError::Doubtful`] if it reports success,
    /// but one of the segments may have been lost by an earlier sync whose failure was not known yet when this one was requested.
    pub fn committed(&mut self, ids: &[SegmentId], outcome: &Result<DiskOutcome, DiskError>) -> Result<(), VolumeError> {
        match outcome {
            Ok(DiskOutcome::NotSynced { missing }) => {
                self.note_missing(missing);
                missing.first().map_or(Ok(()), |&id| Err(VolumeError::NotStored { id }))
            }
            Ok(_) => self.record_durable(ids),
            // The whole file system may have been synced, so that the failure concerns the other segments as well.
            Err(_) => {
                self.doubt();
                Ok(())
            }
        }
    }

    fn record_durable(&mut self, ids: &[SegmentId]) -> Result<(), VolumeError> {
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

    /// Marks segments that the disk does not have, although they were written, as doubtful: they have to be stored again.
    fn note_missing(&mut self, missing: &[SegmentId]) {
        for id in missing {
            if let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.presence != Presence::Writing) {
                entry.presence = Presence::Doubtful;
            }
        }
    }

    /// Marks the written and not yet durable segments as doubtful.
    fn doubt(&mut self) {
        let written = self.entries.values_mut().filter(|entry| entry.presence == Presence::Written);
        written.for_each(|entry| entry.presence = Presence::Doubtful);
    }

    /// Deletes segments; those that are not stored are skipped. The outcome has to be reported to [`deleted`](Self::deleted), for
    /// the segments that the disk is asked to delete.
    pub fn delete(&mut self, ids: &[SegmentId]) -> DiskOp {
        // A segment that is to be deleted already is requested again, since the first deletion may fail.
        let ids: Vec<SegmentId> = ids.iter().copied().filter(|id| self.entries.contains_key(id)).collect();
        for &id in &ids {
            self.under_way.entry(id).or_default().push_back(PendingOp::Delete);
        }
        DiskOp::Delete { ids }
    }

    /// Records the outcome of a [`delete`](Self::delete); outcomes are reported in the order of the requests.
    pub fn deleted(&mut self, ids: &[SegmentId], outcome: &Result<DiskOutcome, DiskError>) {
        let left: HashSet<SegmentId> = match outcome {
            Ok(DiskOutcome::NotDeleted { left, .. }) => left.iter().copied().collect(),
            Ok(_) => HashSet::new(),
            Err(_) => ids.iter().copied().collect(),
        };
        for &id in ids {
            self.take_pending(id);
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            entry.presence = match entry.presence {
                _ if !left.contains(&id) => Presence::Writing,
                // A later commit has the segment synced before a file relies on it again.
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
