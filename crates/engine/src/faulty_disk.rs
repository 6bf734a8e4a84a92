//! Layer over a node's disk that makes it fail on purpose, and the state of the faults that it carries out.
//!
//! No stored byte is changed: a corrupt segment is one of which the layer returns other bytes than the disk has, so that the end of
//! the fault heals it. Each operation gets the faults of the virtual instant at which it is asked for, whenever a thread carries it
//! out. The marker of the volume, and what is done at the start of the program, pass the layer by: they are this program's account
//! of the real disk.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_store::disk::{Disk, DiskAction, DiskError};
use p2p_store::disk_op::{DiskOp, DiskOutcome};
use p2p_store::marker::{Marker, Marking};
use p2p_store::segment::SegmentId;

use super::faults::{DiskFaults, Failing};
use crate::node::DiskJob;

/// Error number EIO (errno(3)), which a failing operation reports.
const EIO: i32 = 5;

/// Disk with faults.
#[derive(Debug)]
pub(super) struct FaultyDisk {
    inner: Arc<dyn Disk>,
    fails: Failing,
    full: bool,
    /// Bit that is changed in each corrupt segment.
    flips: Arc<BTreeMap<SegmentId, u64>>,
}

fn failed(action: DiskAction) -> DiskError {
    DiskError::from_io(action, &io::Error::from_raw_os_error(EIO))
}

impl FaultyDisk {
    fn refuse_write(&self) -> Result<(), DiskError> {
        match self.fails.writes {
            true => Err(failed(DiskAction::Write)),
            false if self.full => Err(DiskError::Full),
            false => Ok(()),
        }
    }
}

impl Disk for FaultyDisk {
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
        self.refuse_write()?;
        self.inner.write(id, bytes)
    }

    fn replace(&self, id: SegmentId, bytes: &[u8]) -> Result<(), DiskError> {
        self.refuse_write()?;
        self.inner.replace(id, bytes)
    }

    fn read(&self, id: SegmentId) -> Result<Bytes, DiskError> {
        if self.fails.reads {
            return Err(failed(DiskAction::Read));
        }
        let bytes = self.inner.read(id)?;
        let Some(bit) = self.flips.get(&id) else { return Ok(bytes) };
        let mut changed = bytes.to_vec();
        let bits = (changed.len() as u64 * 8).max(1);
        let place = bit % bits;
        if let Some(byte) = changed.get_mut((place / 8) as usize) {
            *byte ^= 1 << (place % 8);
        }
        Ok(changed.into())
    }

    fn digest_of(&self, id: SegmentId, bytes: &[u8]) -> SegmentId {
        // A disk that takes segments for what they are named must not do so with a corrupt one.
        if self.flips.contains_key(&id) { SegmentId::of(bytes) } else { self.inner.digest_of(id, bytes) }
    }

    fn delete(&self, id: SegmentId) -> Result<(), DiskError> {
        if self.fails.writes { Err(failed(DiskAction::Delete)) } else { self.inner.delete(id) }
    }

    fn list(&self) -> Result<Vec<(SegmentId, u64)>, DiskError> {
        if self.fails.reads { Err(failed(DiskAction::List)) } else { self.inner.list() }
    }

    fn sync(&self, ids: &[SegmentId]) -> Result<(), DiskError> {
        // Of segments that are durable already nothing is asked of the disk.
        if self.fails.syncs && !ids.is_empty() { Err(failed(DiskAction::Sync)) } else { self.inner.sync(ids) }
    }

    fn sweep(&self) -> Result<u64, DiskError> {
        self.inner.sweep()
    }

    fn check_leftovers(&self) -> Result<(), DiskError> {
        self.inner.check_leftovers()
    }
}

/// Faults of one disk, and the segments that they corrupt.
#[derive(Debug, Default)]
pub(super) struct DiskDefects {
    faults: DiskFaults,
    flips: Arc<BTreeMap<SegmentId, u64>>,
    /// Profiles that have corrupted segments, by segment.
    by_profile: BTreeMap<SegmentId, String>,
    /// Corrupt segments that operations under way overwrite or delete, by operation.
    healing: HashMap<DiskJob, Vec<SegmentId>>,
}

impl DiskDefects {
    /// Returns the faults that are on, with the number of segments that are corrupt now.
    pub(super) fn faults(&self) -> DiskFaults {
        DiskFaults { corrupt: self.flips.len() as u32, ..self.faults }
    }

    /// Sets the faults that are on, but for the segments that are corrupt.
    pub(super) fn set(&mut self, faults: DiskFaults) {
        self.faults = DiskFaults { corrupt: 0, ..faults };
    }

    /// Corrupts these segments, for a profile or for a command.
    pub(super) fn corrupt(&mut self, segments: &[(SegmentId, u64)], profile: Option<&str>) {
        Arc::make_mut(&mut self.flips).extend(segments.iter().copied());
        if let Some(name) = profile {
            self.by_profile.extend(segments.iter().map(|&(id, _)| (id, name.to_owned())));
        }
    }

    /// Heals all corrupt segments, or those that a profile has corrupted.
    pub(super) fn heal_of(&mut self, profile: Option<&str>) {
        let is_meant = |id: &SegmentId| profile.is_none_or(|name| self.by_profile.get(id).is_some_and(|by| by == name));
        let healed: Vec<SegmentId> = self.flips.keys().copied().filter(is_meant).collect();
        self.remove(&healed);
    }

    fn remove(&mut self, healed: &[SegmentId]) {
        let flips = Arc::make_mut(&mut self.flips);
        for id in healed {
            flips.remove(id);
            self.by_profile.remove(id);
        }
    }

    /// Returns the disk as an operation finds it that is asked for now.
    pub(super) fn layer(&self, disk: &Arc<dyn Disk>) -> Arc<dyn Disk> {
        let DiskFaults { fails, full, .. } = self.faults;
        if fails == Failing::default() && !full && self.flips.is_empty() {
            return Arc::clone(disk);
        }
        Arc::new(FaultyDisk { inner: Arc::clone(disk), fails, full, flips: Arc::clone(&self.flips) })
    }

    /// Returns the factor by which operations take longer.
    pub(super) fn slowdown(&self) -> u64 {
        self.faults.slow.map_or(1, |slow| slow.factor())
    }

    /// Returns true if a segment is corrupt.
    pub(super) fn is_corrupt(&self, id: SegmentId) -> bool {
        self.flips.contains_key(&id)
    }

    /// Returns true if the disk has no room.
    pub(super) const fn is_full(&self) -> bool {
        self.faults.full
    }

    /// Notes an operation that is asked for now.
    pub(super) fn note(&mut self, job: DiskJob, op: &DiskOp) {
        let touched = match op {
            DiskOp::Write { id, .. } => std::slice::from_ref(id),
            op => op.deletes(),
        };
        let healed: Vec<SegmentId> = touched.iter().copied().filter(|id| self.flips.contains_key(id)).collect();
        if !healed.is_empty() {
            self.healing.insert(job, healed);
        }
    }

    /// Notes the outcome of an operation: what it has overwritten or deleted is corrupt no more. Returns true if that has changed what
    /// is wrong with the disk.
    pub(super) fn heal(&mut self, job: DiskJob, outcome: &Result<DiskOutcome, DiskError>) -> bool {
        let Some(mut healed) = self.healing.remove(&job) else { return false };
        match outcome {
            Ok(DiskOutcome::Stored { written: true } | DiskOutcome::Deleted) => {}
            Ok(DiskOutcome::NotDeleted { left, .. }) => healed.retain(|id| !left.contains(id)),
            _ => return false,
        }
        let before = self.flips.len();
        self.remove(&healed);
        self.flips.len() < before
    }
}

/// Chooses `count` of these segments to be corrupt, each with the bit that is changed. A segment is chosen by its rank, which follows
/// from its name and from one draw: from any part of the segments that has the chosen ones in it, the same are chosen, and that is how
/// a replay knows them, which restores no others.
pub(super) fn choose(chance: &mut RandomStream, stored: impl Iterator<Item = SegmentId>, count: u32) -> Vec<(SegmentId, u64)> {
    let key = chance.next_u64();
    let mut ranked: Vec<(u64, SegmentId)> = stored.map(|id| (rank(key, id), id)).collect();
    ranked.sort_unstable();
    ranked.truncate(count as usize);
    ranked.into_iter().map(|(rank, id)| (id, mixed(rank))).collect()
}

/// Returns the rank of a segment under a key. The name is a digest, so that any part of it is as good as random.
fn rank(key: u64, id: SegmentId) -> u64 {
    let head = id.as_bytes().first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head));
    mixed(key ^ head)
}

/// Mixes the bits of a number (the finalizer of SplitMix64; Steele, Lea and Flood 2014).
const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use p2p_store::crash_disk::CrashDisk;
    use p2p_store::disk_op::Before;

    use super::*;

    fn segment(n: u8) -> (SegmentId, Bytes) {
        let bytes = Bytes::from(vec![n; 100]);
        (SegmentId::of(&bytes), bytes)
    }

    fn disk() -> Arc<dyn Disk> {
        let disk = CrashDisk::new();
        (0..20).map(segment).for_each(|(id, bytes)| disk.write(id, &bytes).unwrap());
        Arc::new(disk)
    }

    fn failing(names: &[&str]) -> DiskFaults {
        let mut fails = Failing::default();
        assert!(names.iter().all(|name| fails.add(name)));
        DiskFaults { fails, ..DiskFaults::default() }
    }

    /// The bytes that a reader gets are the right ones or none.
    #[test]
    fn a_changed_bit_is_found_and_the_disk_itself_is_sound() {
        let (disk, mut defects) = (disk(), DiskDefects::default());
        let all = || (0..20).map(|n| segment(n).0);
        let chosen = choose(&mut RandomStream::new(1, "disk"), all(), 5);
        defects.corrupt(&chosen, None);
        let layer = defects.layer(&disk);
        for (id, bytes) in (0..20).map(segment) {
            let is_chosen = chosen.iter().any(|(chosen, _)| *chosen == id);
            match (DiskOp::Read { id }).run(layer.as_ref()) {
                Ok(DiskOutcome::Read { bytes: read }) => assert!(!is_chosen && read == bytes),
                Err(DiskError::Corrupt { id: damaged, found }) => assert!(is_chosen && damaged == id && found != id),
                other => panic!("{other:?}"),
            }
            assert_eq!(disk.read(id).unwrap(), bytes);
        }
        // What is written again is sound, for whatever is asked after that.
        let (id, _) = chosen[0];
        let bytes = disk.read(id).unwrap();
        let op = DiskOp::Write { id, bytes, before: Before::Stored };
        defects.note(DiskJob(1), &op);
        let outcome = op.run(layer.as_ref());
        assert_eq!(outcome, Ok(DiskOutcome::Stored { written: true }));
        assert!(defects.heal(DiskJob(1), &outcome) && !defects.faults().is_none());
        assert!((DiskOp::Read { id }).run(defects.layer(&disk).as_ref()).is_ok());
        let ids: Vec<SegmentId> = all().collect();
        let op = DiskOp::Delete { ids };
        defects.note(DiskJob(2), &op);
        assert!(defects.heal(DiskJob(2), &op.run(layer.as_ref())) && defects.faults().is_none(), "nothing is left to be wrong");
    }

    /// What a profile has corrupted is healed without what a command has.
    #[test]
    fn what_one_profile_has_corrupted_is_healed_alone() {
        let mut defects = DiskDefects::default();
        let of = |numbers: std::ops::Range<u8>| numbers.map(|n| (segment(n).0, 7)).collect::<Vec<_>>();
        defects.corrupt(&of(0..2), None);
        defects.corrupt(&of(2..5), Some("dying-disk"));
        defects.corrupt(&of(5..9), Some("other"));
        defects.heal_of(Some("dying-disk"));
        assert_eq!(defects.faults().corrupt, 6);
        assert!(defects.is_corrupt(segment(0).0) && !defects.is_corrupt(segment(3).0) && defects.is_corrupt(segment(6).0));
        defects.heal_of(None);
        assert!(defects.faults().is_none());
    }

    #[test]
    fn what_fails_is_what_was_asked_for() {
        let (id, bytes) = segment(1);
        let ops = || {
            let write = DiskOp::Write { id: segment(99).0, bytes: segment(99).1, before: Before::Nothing };
            [DiskOp::Read { id }, write, DiskOp::Sync { ids: vec![id] }, DiskOp::List]
        };
        for (names, expected) in [
            (&["reads"][..], [false, true, true, false]),
            (&["writes"], [true, false, true, true]),
            (&["syncs"], [true, true, false, true]),
            (&["reads", "writes", "syncs"], [false; 4]),
        ] {
            let (disk, mut defects) = (disk(), DiskDefects::default());
            defects.set(failing(names));
            assert_eq!(ops().map(|op| op.run(defects.layer(&disk).as_ref()).is_ok()), expected, "{names:?}");
            defects.set(DiskFaults::default());
            assert_eq!(ops().map(|op| op.run(defects.layer(&disk).as_ref()).is_ok()), [true; 4]);
        }
        let (disk, mut defects) = (disk(), DiskDefects::default());
        defects.set(DiskFaults { full: true, ..DiskFaults::default() });
        let layer = defects.layer(&disk);
        assert_eq!(layer.write(segment(98).0, &bytes), Err(DiskError::Full));
        assert!(layer.read(id).is_ok() && layer.delete(id).is_ok() && layer.replace(id, &bytes).is_err());
    }

    /// A replay has some of the segments, and those that were chosen.
    #[test]
    fn the_same_segments_are_chosen_from_a_part() {
        let all: Vec<SegmentId> = (0..200).map(|n| segment(n).0).collect();
        let choose =
            |seed, stored: &[SegmentId], count| choose(&mut RandomStream::new(seed, "disk"), stored.iter().copied(), count);
        let chosen = choose(1, &all, 7);
        let part: Vec<SegmentId> = all
            .iter()
            .copied()
            .filter(|id| id.as_bytes()[31] % 3 == 0 || chosen.iter().any(|(chosen, _)| chosen == id))
            .collect();
        assert!(part.len() < 120);
        assert_eq!(choose(1, &part, 7), chosen);
        assert_ne!(choose(2, &all, 7), chosen);
        assert_eq!(choose(1, &all[..3], 7).len(), 3);
    }
}
