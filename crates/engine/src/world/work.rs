//! Real work under way, and the virtual instants at which its outcomes take effect.
//!
//! Some outcomes take effect at an instant that was fixed when the work was submitted, in the order of those instants; whoever
//! submits the others takes them himself. Either way the time that the work really takes changes no order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use p2p_base::units::SimTime;

use crate::io::{IoExecutor, JobId, JobTable, JointWork, Lane, Outcome, Work};
use crate::node::DiskJob;
use crate::transfer::TransferId;

/// Owner of work that takes effect at a virtual instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Work of a node's disk.
    Disk(usize, DiskJob),
    /// Work of a transfer.
    Transfer(TransferId),
    /// Work of the catalog on the deletions that a node owes.
    Owed(usize),
}

/// Work under way.
#[derive(Debug)]
pub(crate) struct WorkTable {
    /// Jobs, with the outcomes that have not been taken yet.
    pub(crate) jobs: JobTable,
    /// Jobs whose outcomes take effect at a virtual instant, the earliest first.
    joins: BinaryHeap<Reverse<(SimTime, u64, JobId)>>,
    due: HashMap<JobId, Due>,
    next_join: u64,
}

impl WorkTable {
    pub(crate) fn new(io: Box<dyn IoExecutor>) -> WorkTable {
        WorkTable { jobs: JobTable::new(io), joins: BinaryHeap::new(), due: HashMap::new(), next_join: 0 }
    }

    /// Submits work whose outcome takes effect at the virtual instant `at`.
    pub(crate) fn submit_for(&mut self, at: SimTime, due: Due, lane: Lane, work: Work) {
        let job = self.jobs.submit(lane, work);
        self.join(at, due, job);
    }

    /// Submits work as [`submit_for`](Self::submit_for) does, which may be done before work of its lane that is put off.
    pub(crate) fn submit_beside_for(&mut self, at: SimTime, due: Due, lane: Lane, work: Work) {
        let job = self.jobs.submit_beside(lane, work);
        self.join(at, due, job);
    }

    /// Submits work whose outcome takes effect at the virtual instant `at`, and which is put off until then.
    pub(crate) fn submit_joint_for(&mut self, at: SimTime, due: Due, work: JointWork) {
        let job = self.jobs.submit_joint(work);
        self.join(at, due, job);
    }

    fn join(&mut self, at: SimTime, due: Due, job: JobId) {
        self.next_join += 1;
        self.joins.push(Reverse((at, self.next_join, job)));
        self.due.insert(job, due);
    }

    /// Returns the virtual instant at which the next outcome takes effect.
    pub(crate) fn next_due(&self) -> Option<SimTime> {
        self.joins.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Takes the outcome that takes effect by `now`. Returns the job as an error if it is not finished yet.
    pub(crate) fn take_due(&mut self, now: SimTime) -> Result<Option<(Due, Outcome)>, JobId> {
        let Some(&Reverse((at, _, job))) = self.joins.peek() else { return Ok(None) };
        if at > now {
            return Ok(None);
        }
        let outcome = self.jobs.take(job).ok_or(job)?;
        self.joins.pop();
        Ok(self.due.remove(&job).map(|due| (due, outcome)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{FileOutcome, InlineIo};

    #[test]
    fn outcomes_take_effect_in_the_order_of_their_instants() {
        let mut table = WorkTable::new(Box::new(InlineIo::default()));
        let at = SimTime::from_nanos;
        for (instant, node) in [(30, 0), (10, 1), (30, 2), (10, 3)] {
            let work = Box::new(|| Outcome::File(FileOutcome::Written));
            table.submit_for(at(instant), Due::Owed(node), Lane::Catalog, work);
        }
        let mut taken = |now| match table.take_due(at(now)) {
            Ok(Some((Due::Owed(node), _))) => Some(node),
            _ => None,
        };
        assert_eq!([taken(9), taken(10), taken(10), taken(29)], [None, Some(1), Some(3), None]);
        assert_eq!([taken(30), taken(99), taken(99)], [Some(0), Some(2), None]);
    }
}
