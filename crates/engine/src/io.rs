//! Work on real files, disks and databases, done by threads while the simulation continues.
//!
//! Work is submitted to a lane, and each lane executes its work in order. The simulation takes an outcome at the virtual
//! instant at which it takes effect, and blocks for it if necessary, so that a slow disk costs wall-clock time and changes
//! nothing else. The module has no access to virtual time.

mod joint;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::fs::{File, Metadata};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use p2p_base::panics;
use p2p_base::replacement::Replacement;
use p2p_base::units::ByteSize;
use p2p_store::catalog::{CatalogError, Garbage, Stored};
use p2p_store::disk::DiskError;
use p2p_store::disk_op::DiskOutcome;
use p2p_store::manifest::{Manifest, SegmentRecord};
use p2p_store::names::FileKey;
use p2p_store::segment::{Cut, Segment, Sha256Digest};
use p2p_store::uploads::UploadRecord;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(super) use self::joint::{JointWork, SEGMENTS_MAX};

use self::joint::Group;
use super::cause::LocalFailure;
use super::error::EngineError;

/// Number of threads that work for the nodes' disks.
const DISK_LANES: usize = 2;
/// Number of jobs that may queue in a lane before a submitter blocks.
const LANE_DEPTH: usize = 64;
/// Number of outcomes that a thread which writes and reads segments gathers while further work is queued, so that it wakes the
/// simulation once for all of them and not for each segment.
const GATHERED_MAX: usize = 8;

/// Minimum number of bytes of a file that one job cuts, so that threads need to wake each other only once for many small segments.
pub(super) const CUT_MIN: usize = 512 << 10;

/// Queue of work that is executed in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Work on the catalog.
    Catalog,
    /// Reads of files that are uploaded.
    Source,
    /// Deliveries of downloads to streams.
    Delivery,
    /// Writes of files that are downloaded.
    Sink,
    /// Work on a node's disk, by the index of the node.
    Disk(usize),
}

impl Lane {
    /// Index of the first lane whose jobs wait for files alone, and for no reader or writer of a stream.
    const FIRST_OF_FILES: usize = 3;
    const COUNT: usize = Lane::FIRST_OF_FILES + 1 + DISK_LANES;

    fn index(self) -> usize {
        match self {
            Lane::Catalog => 0,
            Lane::Source => 1,
            Lane::Delivery => 2,
            Lane::Sink => Lane::FIRST_OF_FILES,
            Lane::Disk(node) => Lane::FIRST_OF_FILES + 1 + node % DISK_LANES,
        }
    }

    /// Returns the number of outcomes that the thread of the lane of this index gathers. A job with a stream may wait for a client, who
    /// may wait for what follows from an earlier job, so that each outcome of its lane is handed over at once.
    const fn gathered_max(index: usize) -> usize {
        if index < Lane::FIRST_OF_FILES { 1 } else { GATHERED_MAX }
    }
}

/// Identifier of submitted work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// Job whose outcome is needed before the simulation can continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocked(pub(super) JobId);

/// Result of work at the edge of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOutcome {
    /// Next segments of an uploaded file.
    Segments(Vec<Segment>),
    /// Next segments of a stream that is uploaded.
    Cuts(Vec<Cut>),
    /// End of an uploaded file: its size and its digest.
    End(ByteSize, Sha256Digest),
    /// Successful write to a downloaded file.
    Written,
    /// The front end at the other end of a stream is gone.
    Gone,
    /// Failed operation, with its reason.
    Failed(LocalFailure),
}

/// Outcome of a job.
#[derive(Debug)]
pub enum Outcome {
    /// Result of opening the local file of an upload.
    Opened(Result<Box<(File, Metadata)>, EngineError>),
    /// Result of creating the local file of a download.
    Created(Result<Box<Replacement>, EngineError>),
    /// Result of an operation on a node's disk.
    Disk(Result<DiskOutcome, DiskError>),
    /// Result of an operation on a local file.
    File(FileOutcome),
    /// Result of committing a file to the catalog, which makes it visible.
    FileCommitted(Result<Box<Stored>, CatalogError>),
    /// Result of noting in the catalog what is kept of an upload.
    UploadKept(Result<(), CatalogError>),
    /// Kept upload as stored in the catalog, with its segments.
    KeptUpload(Result<Box<(UploadRecord, Vec<SegmentRecord>)>, CatalogError>),
    /// Result of changing names, readers or attributes in the catalog: the segments that nothing needs any more.
    NamesChanged(Result<Garbage, CatalogError>),
    /// Files without an owner that were given to a user in the catalog.
    FilesAdopted(Result<Vec<FileKey>, CatalogError>),
    /// Result of removing a file from the catalog.
    FileRemoved(Result<Garbage, CatalogError>),
    /// Manifest of a file as stored in the catalog.
    Manifest(Result<Box<Manifest>, CatalogError>),
    /// Subset of some segments that no file references.
    Unreferenced(Result<Garbage, CatalogError>),
    /// Result of keeping a segment for a user.
    Pinned(Result<(), CatalogError>),
    /// Segment that is no longer kept for a user, with its holders if nothing needs it any more; `None` if it was not kept.
    Released(Result<Option<Garbage>, CatalogError>),
    /// True if a file has a segment that the node holds.
    Found(Result<bool, CatalogError>),
    /// Outcomes of several jobs whose work was done together, in their order.
    Joint(Vec<Outcome>),
    /// Panic of the work, which is a bug; the text is the panic's message.
    Crashed(String),
}

/// Converts an unexpected outcome of work, which is a bug, to an error of the engine.
pub(crate) fn crashed(outcome: Outcome) -> EngineError {
    match outcome {
        Outcome::Crashed(reason) => EngineError::Internal(reason),
        other => EngineError::Internal(format!("{other:?}")),
    }
}

/// Outcomes that are handed over together, with their jobs.
pub type Outcomes = Vec<(JobId, Outcome)>;

/// Work that an executor can run once.
pub type Work = Box<dyn FnOnce() -> Outcome + Send>;

/// Executor of work, synchronous or in the background.
pub trait IoExecutor: Send {
    /// Accepts work for a lane.
    fn submit(&mut self, job: JobId, lane: Lane, work: Work);
    /// Returns an outcome, if one is available.
    fn poll(&mut self) -> Option<(JobId, Outcome)>;
    /// Returns an outcome, and blocks until one is available. Returns `None` if no work is under way.
    fn wait(&mut self) -> Option<(JobId, Outcome)>;
    /// Takes the receiver of outcomes, for a caller that awaits them instead of blocking.
    fn take_receiver(&mut self) -> Option<UnboundedReceiver<Outcomes>>;
}

/// Executor that does all work at once on the caller's thread: for tests and for runs whose wall-clock time does not matter.
#[derive(Debug, Default)]
pub struct InlineIo {
    done: VecDeque<(JobId, Outcome)>,
}

impl IoExecutor for InlineIo {
    fn submit(&mut self, job: JobId, _lane: Lane, work: Work) {
        self.done.push_back((job, run(work)));
    }

    fn poll(&mut self) -> Option<(JobId, Outcome)> {
        self.done.pop_front()
    }

    fn wait(&mut self) -> Option<(JobId, Outcome)> {
        self.done.pop_front()
    }

    fn take_receiver(&mut self) -> Option<UnboundedReceiver<Outcomes>> {
        None
    }
}

/// Executor with one thread per lane. Dropping it waits for all submitted work.
#[derive(Debug)]
pub struct ThreadedIo {
    lanes: Vec<SyncSender<(JobId, Work)>>,
    threads: Vec<JoinHandle<()>>,
    outcomes: Option<UnboundedReceiver<Outcomes>>,
    /// Outcomes that were handed over and have not been returned.
    ready: VecDeque<(JobId, Outcome)>,
}

impl ThreadedIo {
    /// Starts the threads.
    ///
    /// # Errors
    /// Fails if the system can start no threads.
    pub fn start() -> std::io::Result<ThreadedIo> {
        let (sender, outcomes) = unbounded_channel();
        let (mut lanes, mut threads) = (Vec::new(), Vec::new());
        for lane in 0..Lane::COUNT {
            let (submit, work) = sync_channel(LANE_DEPTH);
            let sender = sender.clone();
            let builder = std::thread::Builder::new().name(format!("p2p-io-{lane}"));
            threads.push(builder.spawn(move || serve(&work, &sender, Lane::gathered_max(lane)))?);
            lanes.push(submit);
        }
        Ok(ThreadedIo { lanes, threads, outcomes: Some(outcomes), ready: VecDeque::new() })
    }
}

fn serve(work: &Receiver<(JobId, Work)>, outcomes: &UnboundedSender<Outcomes>, gathered_max: usize) {
    while let Ok((job, first)) = work.recv() {
        let mut gathered = vec![(job, run(first))];
        while gathered.len() < gathered_max
            && let Ok((job, next)) = work.try_recv()
        {
            gathered.push((job, run(next)));
        }
        if outcomes.send(gathered).is_err() {
            break;
        }
    }
}

fn run(work: Work) -> Outcome {
    panics::caught(work).unwrap_or_else(Outcome::Crashed)
}

impl IoExecutor for ThreadedIo {
    fn submit(&mut self, job: JobId, lane: Lane, work: Work) {
        // The thread ends only when this sender is dropped, so the receiver exists.
        let _ = self.lanes[lane.index()].send((job, work));
    }

    fn poll(&mut self) -> Option<(JobId, Outcome)> {
        if self.ready.is_empty() {
            self.ready.extend(self.outcomes.as_mut()?.try_recv().ok()?);
        }
        self.ready.pop_front()
    }

    fn wait(&mut self) -> Option<(JobId, Outcome)> {
        if self.ready.is_empty() {
            self.ready.extend(self.outcomes.as_mut()?.blocking_recv()?);
        }
        self.ready.pop_front()
    }

    fn take_receiver(&mut self) -> Option<UnboundedReceiver<Outcomes>> {
        self.outcomes.take()
    }
}

impl Drop for ThreadedIo {
    fn drop(&mut self) {
        self.lanes.clear();
        for thread in self.threads.drain(..) {
            // A panic of the work itself has been caught and reported as an outcome.
            let _ = thread.join();
        }
    }
}

/// Table of the jobs under way and of the outcomes that have not been taken yet.
pub(super) struct JobTable {
    executor: Box<dyn IoExecutor>,
    next_job: u64,
    outcomes: HashMap<JobId, Outcome>,
    /// Jobs under way whose outcomes are to be discarded.
    abandoned: HashSet<JobId>,
    /// Work of each lane that is put off until one of its outcomes is needed.
    groups: HashMap<Lane, Group>,
    /// Lane of each job whose work is put off.
    put_off: HashMap<JobId, Lane>,
    /// Jobs whose work is done together, by the job that does it.
    joint: HashMap<JobId, Vec<JobId>>,
}

impl JobTable {
    pub(super) fn new(executor: Box<dyn IoExecutor>) -> JobTable {
        JobTable {
            executor,
            next_job: 0,
            outcomes: HashMap::new(),
            abandoned: HashSet::new(),
            groups: HashMap::new(),
            put_off: HashMap::new(),
            joint: HashMap::new(),
        }
    }

    /// Submits work that is done after all earlier work of its lane.
    pub(super) fn submit(&mut self, lane: Lane, work: Work) -> JobId {
        self.begin_group(lane);
        self.submit_beside(lane, work)
    }

    /// Submits work that may be done before earlier work of its lane which is [put off](Self::submit_joint).
    pub(super) fn submit_beside(&mut self, lane: Lane, work: Work) -> JobId {
        let job = self.next_job();
        self.executor.submit(job, lane, work);
        job
    }

    /// Submits work that is put off until its outcome is needed, and done together with other work of its kind.
    pub(super) fn submit_joint(&mut self, work: JointWork) -> JobId {
        let (job, lane) = (self.next_job(), work.lane());
        let refused = match self.groups.get_mut(&lane) {
            Some(group) => group.add(job, work).err(),
            None => Some(work),
        };
        if let Some(work) = refused {
            self.begin_group(lane);
            self.groups.insert(lane, work.into_group(job));
        }
        self.put_off.insert(job, lane);
        job
    }

    fn next_job(&mut self) -> JobId {
        self.next_job += 1;
        JobId(self.next_job)
    }

    /// Begins the work of a lane that is put off.
    fn begin_group(&mut self, lane: Lane) {
        let Some(group) = self.groups.remove(&lane) else { return };
        let jobs = group.jobs();
        for job in &jobs {
            self.put_off.remove(job);
        }
        let job = self.submit_beside(lane, group.into_work());
        self.joint.insert(job, jobs);
    }

    /// Returns the outcome of `job`, if it is finished.
    pub(super) fn take(&mut self, job: JobId) -> Option<Outcome> {
        if let Some(outcome) = self.outcomes.remove(&job) {
            return Some(outcome);
        }
        if let Some(&lane) = self.put_off.get(&job) {
            self.begin_group(lane);
        }
        while let Some((done, outcome)) = self.executor.poll() {
            self.deliver(done, outcome);
        }
        self.outcomes.remove(&job)
    }

    /// Discards the outcome of `job`, now or when it is finished.
    pub(super) fn abandon(&mut self, job: JobId) {
        if self.take(job).is_none() {
            self.abandoned.insert(job);
        }
    }

    pub(super) fn deliver(&mut self, job: JobId, outcome: Outcome) {
        match (self.joint.remove(&job), outcome) {
            (Some(jobs), Outcome::Joint(outcomes)) => {
                jobs.into_iter().zip(outcomes).for_each(|(job, outcome)| self.deliver(job, outcome));
            }
            // What stopped the work stopped all of it.
            (Some(jobs), Outcome::Crashed(reason)) => {
                jobs.into_iter().for_each(|job| self.deliver(job, Outcome::Crashed(reason.clone())));
            }
            (Some(jobs), other) => {
                jobs.into_iter().for_each(|job| self.deliver(job, Outcome::Crashed(format!("{other:?}"))));
            }
            (None, _) if self.abandoned.remove(&job) => {}
            (None, outcome) => drop(self.outcomes.insert(job, outcome)),
        }
    }

    /// Blocks until a job is finished; returns false if none is under way.
    pub(super) fn wait(&mut self) -> bool {
        let done = self.executor.wait();
        done.map(|(job, outcome)| self.deliver(job, outcome)).is_some()
    }

    pub(super) fn take_receiver(&mut self) -> Option<UnboundedReceiver<Outcomes>> {
        self.executor.take_receiver()
    }
}

impl fmt::Debug for JobTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobTable")
            .field("next_job", &self.next_job)
            .field("outcomes", &self.outcomes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Outcome {
        Outcome::File(FileOutcome::Written)
    }

    #[test]
    fn a_lane_works_in_order_and_a_panic_is_an_outcome() {
        let mut table = JobTable::new(Box::new(ThreadedIo::start().unwrap()));
        let (order, seen) = std::sync::mpsc::channel();
        let jobs: Vec<JobId> = (0..50)
            .map(|n| {
                let order = order.clone();
                table.submit(
                    Lane::Disk(0),
                    Box::new(move || {
                        order.send(n).unwrap();
                        written()
                    }),
                )
            })
            .collect();
        let crashed = table.submit(Lane::Disk(2), Box::new(|| panic!("a bug")));
        let unwanted = table.submit(Lane::Disk(2), Box::new(written));
        table.abandon(unwanted);
        let last = table.submit(Lane::Disk(4), Box::new(written));
        for job in jobs.into_iter().chain([last]) {
            while table.take(job).is_none() {
                assert!(table.wait());
            }
        }
        assert!(matches!(table.take(crashed), Some(Outcome::Crashed(text)) if text == "a bug"));
        assert!(table.outcomes.is_empty());
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    }

    /// Starts a lane whose first job waits to be let on, with so many others queued behind it.
    fn held_up(lane: Lane, others: usize) -> (ThreadedIo, std::sync::mpsc::Sender<()>) {
        let mut io = ThreadedIo::start().unwrap();
        let (let_on, held) = std::sync::mpsc::channel::<()>();
        let first = Box::new(move || held.recv().map(|()| written()).unwrap());
        io.submit(JobId(0), lane, first);
        (1..=others as u64).for_each(|job| io.submit(JobId(job), lane, Box::new(written)));
        (io, let_on)
    }

    /// The simulation is woken once for the outcomes of what was queued, and no more than so many are gathered.
    #[test]
    fn outcomes_of_queued_work_on_files_come_together() {
        for lane in [Lane::Sink, Lane::Disk(0), Lane::Disk(1)] {
            let (mut io, let_on) = held_up(lane, GATHERED_MAX + 2);
            let_on.send(()).unwrap();
            let mut receiver = io.take_receiver().unwrap();
            let counts: Vec<usize> = (0..2).map(|_| receiver.blocking_recv().unwrap().len()).collect();
            assert_eq!(counts, [GATHERED_MAX, 3], "{lane:?}");
        }
    }

    /// A client may do what the second job waits for only after it has learned of the first one's outcome.
    #[test]
    fn no_outcome_waits_for_work_that_may_wait_for_a_client() {
        for lane in [Lane::Catalog, Lane::Source, Lane::Delivery] {
            let (mut io, let_on) = held_up(lane, 0);
            let (client, waits) = std::sync::mpsc::channel::<()>();
            let deadline = std::time::Duration::from_secs(10);
            io.submit(
                JobId(1),
                lane,
                Box::new(move || waits.recv_timeout(deadline).map_or(Outcome::Joint(vec![]), |()| written())),
            );
            let_on.send(()).unwrap();
            let mut receiver = io.take_receiver().unwrap();
            assert_eq!(receiver.blocking_recv().unwrap().len(), 1, "{lane:?}");
            client.send(()).unwrap();
            assert!(matches!(receiver.blocking_recv().unwrap()[..], [(JobId(1), Outcome::File(FileOutcome::Written))]));
        }
    }
}
