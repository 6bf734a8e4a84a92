//! Durable changes that are made together with others of their kind.
//!
//! To make one small file durable costs a machine about as much as to make many durable at once. A change of the catalog or a sync of
//! a few segments is therefore put off until its outcome is needed, which is at its virtual instant, and is then made together with
//! those of the same kind that were submitted meanwhile. Each has an outcome of its own, and no outcome is known before the change
//! is durable. What is submitted to the same lane later and depends on the order finds the changes made.

use std::sync::Arc;

use p2p_store::catalog::{Catalog, Commit};
use p2p_store::disk::{Disk, DiskError};
use p2p_store::disk_op::{self, DiskOutcome};
use p2p_store::names::FileKey;
use p2p_store::segment::{SegmentId, Sha256Digest};

use super::{JobId, Lane, Outcome, Work};

/// Number of changes at which a group is made without waiting for further ones.
pub(super) const GROUP_MAX: usize = 256;
/// Number of segments up to which a change is a small one, which gains by being made together with others.
pub(crate) const SEGMENTS_MAX: usize = 16;

/// Changes of one kind that are made together.
#[derive(Debug)]
pub(super) enum Group {
    /// Files that become visible.
    Store(Arc<Catalog>, Vec<(JobId, Commit)>),
    /// Files and directories that are removed.
    Remove(Arc<Catalog>, Vec<(JobId, (FileKey, Option<Sha256Digest>))>),
    /// Segments of one disk that are made durable.
    Sync(Arc<dyn Disk>, Vec<(JobId, Vec<SegmentId>)>),
}

/// Change that may be made together with others.
#[derive(Debug)]
pub(crate) enum JointWork {
    /// A file becomes visible.
    Store(Arc<Catalog>, Box<Commit>),
    /// A file or a directory is removed.
    Remove(Arc<Catalog>, (FileKey, Option<Sha256Digest>)),
    /// Segments on the disk of the node of this index are made durable.
    Sync(usize, Arc<dyn Disk>, Vec<SegmentId>),
}

impl JointWork {
    /// Returns the lane of the work.
    pub(super) const fn lane(&self) -> Lane {
        match self {
            JointWork::Store(..) | JointWork::Remove(..) => Lane::Catalog,
            JointWork::Sync(node, ..) => Lane::Disk(*node),
        }
    }

    /// Makes a group of this change alone.
    pub(super) fn into_group(self, job: JobId) -> Group {
        match self {
            JointWork::Store(catalog, commit) => Group::Store(catalog, vec![(job, *commit)]),
            JointWork::Remove(catalog, removal) => Group::Remove(catalog, vec![(job, removal)]),
            JointWork::Sync(_, disk, ids) => Group::Sync(disk, vec![(job, ids)]),
        }
    }
}

impl Group {
    /// Adds a change. Returns it as an error if it is of another kind, if the group is complete, or if it is of another disk: one with
    /// faults is another one at each request, so that a request meets those alone that are on when it is made.
    pub(super) fn add(&mut self, job: JobId, work: JointWork) -> Result<(), JointWork> {
        match (self, work) {
            (group, work) if group.len() >= GROUP_MAX => return Err(work),
            (Group::Store(_, group), JointWork::Store(_, commit)) => group.push((job, *commit)),
            (Group::Remove(_, group), JointWork::Remove(_, removal)) => group.push((job, removal)),
            (Group::Sync(disk, group), JointWork::Sync(_, other, ids)) if Arc::ptr_eq(disk, &other) => group.push((job, ids)),
            (_, work) => return Err(work),
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Group::Store(_, group) => group.len(),
            Group::Remove(_, group) => group.len(),
            Group::Sync(_, group) => group.len(),
        }
    }

    /// Returns the jobs of the group.
    pub(super) fn jobs(&self) -> Vec<JobId> {
        match self {
            Group::Store(_, group) => group.iter().map(|(job, _)| *job).collect(),
            Group::Remove(_, group) => group.iter().map(|(job, _)| *job).collect(),
            Group::Sync(_, group) => group.iter().map(|(job, _)| *job).collect(),
        }
    }

    /// Returns the work that makes all changes, and has the outcome of each in their order.
    pub(super) fn into_work(self) -> Work {
        Box::new(move || Outcome::Joint(self.run()))
    }

    fn run(self) -> Vec<Outcome> {
        match self {
            Group::Store(catalog, group) => {
                let commits: Vec<Commit> = group.into_iter().map(|(_, commit)| commit).collect();
                catalog.commit_files(&commits).into_iter().map(|stored| Outcome::FileCommitted(stored.map(Box::new))).collect()
            }
            Group::Remove(catalog, group) => {
                let removals: Vec<_> = group.into_iter().map(|(_, removal)| removal).collect();
                catalog.remove_all(&removals).into_iter().map(Outcome::FileRemoved).collect()
            }
            Group::Sync(disk, group) => {
                let all: Vec<Vec<SegmentId>> = group.into_iter().map(|(_, ids)| ids).collect();
                sync_all(disk.as_ref(), &all).into_iter().map(Outcome::Disk).collect()
            }
        }
    }
}

/// Makes the segments of several requests durable. A failure concerns all of them, because the system reports it once; only a
/// segment that is missing concerns its own request alone.
fn sync_all(disk: &dyn Disk, requests: &[Vec<SegmentId>]) -> Vec<Result<DiskOutcome, DiskError>> {
    let mut ids: Vec<SegmentId> = requests.iter().flatten().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    match disk.sync(&ids) {
        Err(DiskError::NotFound { .. }) => requests.iter().map(|ids| disk_op::sync_all(disk, ids)).collect(),
        synced => requests.iter().map(|_| synced.clone().map(|()| DiskOutcome::Synced)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use p2p_store::crash_disk::CrashDisk;
    use tokio::sync::mpsc::UnboundedReceiver;

    use super::*;
    use crate::faults::{DiskFaults, Failing};
    use crate::faulty_disk::DiskDefects;
    use crate::io::{FileOutcome, InlineIo, IoExecutor, JobTable, Outcomes};

    /// Executor that notes the lane of each work it is given.
    #[derive(Default)]
    struct Noting(InlineIo, Arc<Mutex<Vec<Lane>>>);

    impl IoExecutor for Noting {
        fn submit(&mut self, job: JobId, lane: Lane, work: Work) {
            self.1.lock().unwrap().push(lane);
            self.0.submit(job, lane, work);
        }

        fn poll(&mut self) -> Option<(JobId, Outcome)> {
            self.0.poll()
        }

        fn wait(&mut self) -> Option<(JobId, Outcome)> {
            self.0.wait()
        }

        fn take_receiver(&mut self) -> Option<UnboundedReceiver<Outcomes>> {
            None
        }
    }

    fn table() -> (JobTable, Arc<Mutex<Vec<Lane>>>) {
        let lanes = Arc::new(Mutex::new(Vec::new()));
        (JobTable::new(Box::new(Noting(InlineIo::default(), Arc::clone(&lanes)))), lanes)
    }

    /// A disk with segments of the bytes 0, 1 and 2, and the name of each.
    fn disk() -> (Arc<CrashDisk>, [SegmentId; 3]) {
        let (disk, ids) = (Arc::new(CrashDisk::new()), [0, 1, 2].map(|n| SegmentId::of(&[n])));
        (0..3).for_each(|n| disk.write(ids[usize::from(n)], &[n]).unwrap());
        (disk, ids)
    }

    fn synced(table: &mut JobTable, job: JobId) -> Result<DiskOutcome, DiskError> {
        match table.take(job) {
            Some(Outcome::Disk(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Changes that are submitted before the outcome of the first one is needed are made by one piece of work.
    #[test]
    fn what_is_put_off_is_done_together_when_an_outcome_is_needed() {
        let ((mut table, lanes), (disk, ids)) = (table(), disk());
        let mut sync = |id| table.submit_joint(JointWork::Sync(4, Arc::clone(&disk) as Arc<dyn Disk>, vec![id]));
        let jobs = ids.map(&mut sync);
        assert!(lanes.lock().unwrap().is_empty(), "nothing needs an outcome");
        for job in jobs.into_iter().rev() {
            assert_eq!(synced(&mut table, job), Ok(DiskOutcome::Synced));
        }
        assert_eq!(*lanes.lock().unwrap(), [Lane::Disk(4)]);
    }

    /// Work that depends on the order finds done what was put off before it, on its own lane alone.
    #[test]
    fn later_work_of_the_lane_waits_for_what_is_put_off() {
        let ((mut table, lanes), (disk, ids)) = (table(), disk());
        let sync = |node| JointWork::Sync(node, Arc::clone(&disk) as Arc<dyn Disk>, vec![ids[0]]);
        let work = || -> Work { Box::new(|| Outcome::File(FileOutcome::Written)) };
        table.submit_joint(sync(1));
        table.submit_joint(sync(2));
        table.submit_beside(Lane::Disk(1), work());
        table.submit(Lane::Disk(1), work());
        assert_eq!(*lanes.lock().unwrap(), [Lane::Disk(1); 3]);
    }

    /// A segment that is missing concerns those alone who asked for it; a sync that fails concerns all.
    #[test]
    fn each_change_has_an_outcome_of_its_own() {
        let ((mut table, _), (disk, ids)) = (table(), disk());
        let missing = SegmentId::of(b"missing");
        let sync = |id| JointWork::Sync(0, Arc::clone(&disk) as Arc<dyn Disk>, vec![id]);
        let jobs = [ids[0], missing, ids[1]].map(|id| table.submit_joint(sync(id)));
        let results = jobs.map(|job| synced(&mut table, job));
        let done = Ok(DiskOutcome::Synced);
        assert_eq!(results, [done.clone(), Ok(DiskOutcome::NotSynced { missing: vec![missing] }), done]);
        disk.fail_syncs(true);
        let jobs = [ids[1], ids[2]].map(|id| table.submit_joint(sync(id)));
        assert!(jobs.map(|job| synced(&mut table, job)).iter().all(Result::is_err));
    }

    /// A sync meets the faults that are on when it is requested, and none that come later or were there before.
    #[test]
    fn syncs_of_disks_with_other_faults_are_not_joined() {
        let ((mut table, lanes), (disk, ids)) = (table(), disk());
        let disk: Arc<dyn Disk> = disk;
        let mut defects = DiskDefects::default();
        let mut fails = Failing::default();
        assert!(fails.add("syncs"));
        let mut sync = |disk| table.submit_joint(JointWork::Sync(0, disk, vec![ids[0]]));
        let sound = sync(defects.layer(&disk));
        defects.set(DiskFaults { fails, ..DiskFaults::default() });
        let failing = sync(defects.layer(&disk));
        defects.set(DiskFaults::default());
        let mended = [0, 1].map(|_| sync(defects.layer(&disk)));
        assert!(synced(&mut table, failing).is_err());
        assert!([sound].into_iter().chain(mended).all(|job| synced(&mut table, job) == Ok(DiskOutcome::Synced)));
        assert_eq!(lanes.lock().unwrap().len(), 3);
    }

    #[test]
    fn a_group_is_complete_at_its_size() {
        let ((mut table, lanes), (disk, ids)) = (table(), disk());
        for _ in 0..=GROUP_MAX {
            table.submit_joint(JointWork::Sync(0, Arc::clone(&disk) as Arc<dyn Disk>, vec![ids[0]]));
        }
        assert_eq!(lanes.lock().unwrap().len(), 1);
    }
}
