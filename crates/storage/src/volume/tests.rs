//! A volume on a disk that loses power and fails.

use std::collections::BTreeMap;

use p2p_base::random::RandomStream;
use proptest::prelude::*;

use super::*;
use crate::crash_disk::CrashDisk;
use crate::disk::Disk;

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
    assert_eq!((volume.holds(first), volume.stats().used), (false, 250), "it is nobody's, and takes its room until it is gone");
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

/// A process that is started again learns from the disk what is gone, and forgets nothing that a listing does not show.
#[test]
fn what_is_not_on_the_disk_any_more_is_forgotten_at_a_start() {
    let (mut volume, disk) = (Volume::new(1000, &[]), CrashDisk::new());
    let (stays, bytes) = segment(1, 400);
    let (goes, others) = segment(2, 300);
    put(&mut volume, &disk, stays, bytes).unwrap();
    put(&mut volume, &disk, goes, others).unwrap();
    disk.fail_syncs(true);
    assert!(!commit(&mut volume, &disk, &[stays]));
    disk.delete(goes).unwrap();
    let Ok(DiskOutcome::Listed { segments }) = DiskOp::List.run(&disk) else { panic!("a list") };
    volume.adopt_listing(&segments);
    assert_eq!(volume.stats(), VolumeStats { capacity: 1000, used: 400, segments: 1 });
    assert_eq!(volume.commit(&[stays]), Err(VolumeError::Doubtful { id: stays }));
}

/// A process that starts finds a segment with another length than it had: it cannot be committed before it is stored again.
#[test]
fn a_segment_of_another_length_has_to_be_stored_again() {
    let (id, bytes) = (SegmentId::of(b"segment"), Bytes::from_static(b"segment"));
    for durable in [false, true] {
        let found = [(id, 7)];
        let volume = Volume::new(100, if durable { &found } else { &[] });
        let mut volume = if durable { volume } else { volume.with_unsynced(&found) };
        volume.adopt_listing(&[(id, 3)]);
        assert_eq!((volume.stats().used, volume.lacking(&[id]).collect::<Vec<_>>()), (3, vec![id]));
        assert_eq!(volume.commit(&[id]), Err(VolumeError::Doubtful { id }));
        let op = volume.put(id, bytes.clone()).unwrap();
        assert!(matches!(op, DiskOp::Write { before: Before::Doubtful, .. }));
        volume.stored(id, &Ok(DiskOutcome::Stored { written: true }));
        assert_eq!((volume.stats().used, volume.lacking(&[id]).count()), (7, 0));
        assert_eq!(volume.commit(&[id]), Ok(DiskOp::Sync { ids: vec![id] }));
    }
}
