//! Work on real files, disks and databases, done by threads while the simulation goes on.
//!
//! Work is submitted to a lane; what is in one lane is done in order. The simulation asks for an outcome when virtual time
//! says that it counts, and waits for it if it must, so that a slow disk costs wall time and changes nothing else. Knows
//! nothing of virtual time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::cause::Cause;
use crate::panics;
use crate::storage::catalog::{CatalogError, Garbage};
use crate::storage::disk::DiskError;
use crate::storage::disk_op::DiskOutcome;
use crate::storage::manifest::{FileKey, Manifest};
use crate::storage::segment::{Segment, Sha256Digest};
use crate::units::ByteSize;

/// How many threads work for the nodes' disks.
const DISK_LANES: usize = 2;
/// How much work may wait in a lane before a submitter has to.
const LANE_DEPTH: usize = 64;

/// Who does the work, one thing after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The catalog.
    Catalog,
    /// Files that are uploaded.
    Source,
    /// Files that are downloaded.
    Sink,
    /// A node's disk, by the node's place.
    Disk(usize),
}

impl Lane {
    const COUNT: usize = 3 + DISK_LANES;

    fn index(self) -> usize {
        match self {
            Lane::Catalog => 0,
            Lane::Source => 1,
            Lane::Sink => 2,
            Lane::Disk(node) => 3 + node % DISK_LANES,
        }
    }
}

/// Names submitted work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// What a file on this machine did when it was worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOutcome {
    /// The next segments of a source.
    Segments(Vec<Segment>),
    /// A source has ended: its size and its digest.
    End(ByteSize, Sha256Digest),
    /// A sink has taken what it was given.
    Written,
    /// It failed.
    Failed(Cause),
}

/// What came of work.
#[derive(Debug)]
pub enum Outcome {
    /// A node's disk.
    Disk(Result<DiskOutcome, DiskError>),
    /// A file on this machine.
    File(FileOutcome),
    /// A file has become visible in the catalog.
    FileCommitted(Result<(), CatalogError>),
    /// Who may read a file has changed in the catalog.
    FileShared(Result<(), CatalogError>),
    /// These files, which were nobody's, belong to somebody in the catalog.
    FilesAdopted(Result<Vec<FileKey>, CatalogError>),
    /// A file has left the catalog.
    FileRemoved(Result<Garbage, CatalogError>),
    /// A file as the catalog knows it.
    Manifest(Result<Box<Manifest>, CatalogError>),
    /// Which of some segments nobody refers to.
    Unreferenced(Result<Garbage, CatalogError>),
    /// The work ended in a panic: a bug. The text is its message.
    Crashed(String),
}

/// A piece of work.
pub type Work = Box<dyn FnOnce() -> Outcome + Send>;

/// Does work, now or later.
pub trait IoExecutor: Send {
    /// Takes work in.
    fn submit(&mut self, job: JobId, lane: Lane, work: Work);
    /// An outcome, if one is there.
    fn poll(&mut self) -> Option<(JobId, Outcome)>;
    /// An outcome; blocks until there is one. `None` where nothing is under way.
    fn wait(&mut self) -> Option<(JobId, Outcome)>;
    /// The receiver of outcomes, for who would rather await them than block.
    fn take_receiver(&mut self) -> Option<UnboundedReceiver<(JobId, Outcome)>>;
}

/// Does all work at once, on the caller's thread: for tests and for runs whose wall time does not matter.
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

    fn take_receiver(&mut self) -> Option<UnboundedReceiver<(JobId, Outcome)>> {
        None
    }
}

/// Does work on threads, one a lane. Dropping it waits for what has been submitted.
#[derive(Debug)]
pub struct ThreadedIo {
    lanes: Vec<SyncSender<(JobId, Work)>>,
    threads: Vec<JoinHandle<()>>,
    outcomes: Option<UnboundedReceiver<(JobId, Outcome)>>,
}

impl ThreadedIo {
    /// Starts the threads.
    ///
    /// # Errors
    /// Where the system has none to give.
    pub fn start() -> std::io::Result<ThreadedIo> {
        let (sender, outcomes) = unbounded_channel();
        let (mut lanes, mut threads) = (Vec::new(), Vec::new());
        for lane in 0..Lane::COUNT {
            let (submit, work) = sync_channel(LANE_DEPTH);
            let sender = sender.clone();
            let builder = std::thread::Builder::new().name(format!("p2p-io-{lane}"));
            threads.push(builder.spawn(move || serve(&work, &sender))?);
            lanes.push(submit);
        }
        Ok(ThreadedIo { lanes, threads, outcomes: Some(outcomes) })
    }
}

fn serve(work: &Receiver<(JobId, Work)>, outcomes: &UnboundedSender<(JobId, Outcome)>) {
    for (job, work) in work {
        if outcomes.send((job, run(work))).is_err() {
            break;
        }
    }
}

fn run(work: Work) -> Outcome {
    panics::caught(work).unwrap_or_else(Outcome::Crashed)
}

impl IoExecutor for ThreadedIo {
    fn submit(&mut self, job: JobId, lane: Lane, work: Work) {
        // The thread ends only when this sender is dropped, so there is somebody to take it.
        let _ = self.lanes[lane.index()].send((job, work));
    }

    fn poll(&mut self) -> Option<(JobId, Outcome)> {
        self.outcomes.as_mut()?.try_recv().ok()
    }

    fn wait(&mut self) -> Option<(JobId, Outcome)> {
        self.outcomes.as_mut()?.blocking_recv()
    }

    fn take_receiver(&mut self) -> Option<UnboundedReceiver<(JobId, Outcome)>> {
        self.outcomes.take()
    }
}

impl Drop for ThreadedIo {
    fn drop(&mut self) {
        self.lanes.clear();
        for thread in self.threads.drain(..) {
            // A panic of work has been caught and told as an outcome.
            let _ = thread.join();
        }
    }
}

/// Keeps account of what has been submitted and what has come of it.
pub(super) struct IoDesk {
    executor: Box<dyn IoExecutor>,
    next_job: u64,
    outcomes: HashMap<JobId, Outcome>,
    /// Work under way whose outcome nobody wants.
    abandoned: HashSet<JobId>,
}

impl IoDesk {
    pub(super) fn new(executor: Box<dyn IoExecutor>) -> IoDesk {
        IoDesk { executor, next_job: 0, outcomes: HashMap::new(), abandoned: HashSet::new() }
    }

    pub(super) fn submit(&mut self, lane: Lane, work: Work) -> JobId {
        self.next_job += 1;
        let job = JobId(self.next_job);
        self.executor.submit(job, lane, work);
        job
    }

    /// What came of `job`, if it is done.
    pub(super) fn take(&mut self, job: JobId) -> Option<Outcome> {
        if let Some(outcome) = self.outcomes.remove(&job) {
            return Some(outcome);
        }
        while let Some((done, outcome)) = self.executor.poll() {
            if done == job {
                return Some(outcome);
            }
            self.deliver(done, outcome);
        }
        None
    }

    /// Nobody wants to know what came or comes of `job`.
    pub(super) fn abandon(&mut self, job: JobId) {
        if self.take(job).is_none() {
            self.abandoned.insert(job);
        }
    }

    pub(super) fn deliver(&mut self, job: JobId, outcome: Outcome) {
        if !self.abandoned.remove(&job) {
            self.outcomes.insert(job, outcome);
        }
    }

    /// Blocks until something is done; false where nothing is under way.
    pub(super) fn wait(&mut self) -> bool {
        let done = self.executor.wait();
        done.map(|(job, outcome)| self.deliver(job, outcome)).is_some()
    }

    pub(super) fn take_receiver(&mut self) -> Option<UnboundedReceiver<(JobId, Outcome)>> {
        self.executor.take_receiver()
    }
}

impl fmt::Debug for IoDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoDesk").field("next_job", &self.next_job).field("outcomes", &self.outcomes.len()).finish_non_exhaustive()
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
        let mut desk = IoDesk::new(Box::new(ThreadedIo::start().unwrap()));
        let (order, seen) = std::sync::mpsc::channel();
        let jobs: Vec<JobId> = (0..50)
            .map(|n| {
                let order = order.clone();
                desk.submit(
                    Lane::Disk(0),
                    Box::new(move || {
                        order.send(n).unwrap();
                        written()
                    }),
                )
            })
            .collect();
        let crashed = desk.submit(Lane::Disk(2), Box::new(|| panic!("a bug")));
        let unwanted = desk.submit(Lane::Disk(2), Box::new(written));
        desk.abandon(unwanted);
        let last = desk.submit(Lane::Disk(4), Box::new(written));
        for job in jobs.into_iter().chain([last]) {
            while desk.take(job).is_none() {
                assert!(desk.wait());
            }
        }
        assert!(matches!(desk.take(crashed), Some(Outcome::Crashed(text)) if text == "a bug"));
        assert!(desk.outcomes.is_empty());
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    }
}
