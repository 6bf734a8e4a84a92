//! Passes in which everything that happens at one instant is processed.
//!
//! Real work may not be finished when its outcome is needed. Processing then stops, and later goes on exactly where it has stopped:
//! in the middle of an input of a transfer, or at the waiting command whose answer is not known. Otherwise the duration of real work would
//! change the order of what follows.

use std::sync::Arc;

use super::answers::finished;
use super::running::Running;
use super::{FAILURES_MAX, FINISHED_MAX, Simulation};
use crate::io::Blocked;
use crate::peer::Peer;
use crate::transfer::{Input, TransferError, TransferId, TransferReport, TransferState};
use crate::world::Due;

/// Next pass at the current instant. The passes are repeated in this order until none has anything left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Occurrences are passed on to the parts that they concern.
    React,
    /// Transfers go on.
    Pump,
    /// Commands that wait are answered, from the one of this index on.
    Answer(usize),
}

impl Simulation {
    /// Processes everything that happens at this instant.
    pub(super) fn settle(&mut self) -> Result<(), Blocked> {
        loop {
            match self.pass {
                Pass::React => {
                    if !self.react()? {
                        self.pass = Pass::Pump;
                    }
                }
                Pass::Pump => {
                    self.pump()?;
                    self.end_quiet_stops();
                    self.answer_awake();
                    self.pass = Pass::Answer(0);
                }
                Pass::Answer(index) if index < self.waiting.others().len() => {
                    let is_answered = self.answer_waiting(index)?;
                    self.pass = Pass::Answer(if is_answered { index } else { index + 1 });
                }
                Pass::Answer(_) => {
                    self.pass = Pass::React;
                    if self.world.is_quiet() && self.ready.is_empty() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Dispatches one occurrence to the part that it concerns. Returns false if there is none.
    fn react(&mut self) -> Result<bool, Blocked> {
        if let Some(id) = self.interrupted {
            self.pass_on(id, Input::Resumed)?;
            return Ok(true);
        }
        let mut quiet = !self.world.handle_net_event();
        quiet &= !self.end_transfers_of_host();
        quiet &= !self.world.handle_notice();
        quiet &= !self.handle_input()?;
        if !quiet {
            return Ok(true);
        }
        match self.world.take_due_work()? {
            Some((Due::Disk(node, job), outcome)) => self.world.handle_disk(node, job, outcome),
            Some((Due::Owed(node), outcome)) => self.world.handle_owed_check(node, outcome),
            Some((Due::Transfer(transfer), outcome)) => self.world.inbox.push_back((transfer, Input::Catalog(outcome))),
            None => return Ok(self.world.handle_timeout()),
        }
        Ok(true)
    }

    /// Lets the transfers fail whose host was that of the next node of which the process has ended. Returns false if there is none.
    fn end_transfers_of_host(&mut self) -> bool {
        let Some(node) = self.world.ended_hosts.pop_front() else { return false };
        let carried = self.transfers.iter().filter(|(_, transfer)| transfer.host() == Peer::Node(node));
        self.world.inbox.extend(carried.map(|(&id, _)| (id, Input::GivenUp(TransferError::HostEnded { node }))));
        true
    }

    /// Passes the next input to its transfer. Returns false if there is none.
    fn handle_input(&mut self) -> Result<bool, Blocked> {
        let Some((id, input)) = self.world.inbox.pop_front() else { return Ok(false) };
        if self.transfers.contains_key(&id) {
            self.ready.insert(id);
            self.pass_on(id, input)?;
        } else {
            self.exchange(id, Some(input));
        }
        Ok(true)
    }

    /// Lets all transfers continue that may be able to.
    fn pump(&mut self) -> Result<(), Blocked> {
        while let Some(id) = self.next_ready() {
            self.pass_on(id, Input::Resumed)?;
            if self.transfers.get(&id).is_some_and(Running::is_over) {
                self.file_away(id);
            }
            self.ready.remove(&id);
        }
        Ok(())
    }

    /// Passes an input to a transfer, or goes on with what the transfer was at when the simulation has stopped in its middle, and notes
    /// then, once, what has come of it.
    fn pass_on(&mut self, id: TransferId, input: Input) -> Result<(), Blocked> {
        let Some(transfer) = self.transfers.get_mut(&id) else { return Ok(()) };
        let handled = match self.interrupted.take() == Some(id) {
            true => transfer.carry_out_all(&mut self.world),
            false => transfer.handle(&mut self.world, input),
        };
        if handled.is_err() {
            self.interrupted = Some(id);
            return handled;
        }
        self.note_progress(id);
        Ok(())
    }

    /// Notes what a transfer has used, and what it is now.
    fn note_progress(&mut self, id: TransferId) {
        self.note_use_of_segments();
        self.keep_to_quota(id);
        if let Some(transfer) = self.transfers.get(&id) {
            let is_idle = transfer.is_idle();
            self.world.memory.set_idle(id, is_idle);
            match transfer.is_held_up() {
                true => self.has_calmed |= self.held_up.insert(id, is_idle) != Some(is_idle),
                false => drop(self.held_up.remove(&id)),
            }
        }
    }

    /// Returns the next transfer with new input, or else the next one that waits for memory and may now get some.
    fn next_ready(&mut self) -> Option<TransferId> {
        if self.ready.is_empty() {
            self.ready.extend(self.world.memory.next_waiter());
        }
        self.ready.first().copied()
    }

    fn file_away(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.remove(&id) else { return };
        self.held_up.remove(&id);
        self.has_calmed |= self.held_up.len() == self.transfers.len();
        self.world.memory.leave(id);
        let report = transfer.end(&mut self.world);
        let waiters = self.waiting.take_for(id);
        let is_told = !waiters.is_empty();
        let answers = waiters.into_iter().map(|command_id| (command_id, finished(TransferReport::clone(&report))));
        self.replies.extend(answers);
        if report.status.state == TransferState::Failed && !is_told {
            self.failures.push_back(report.status.clone());
            self.failures.drain(..self.failures.len().saturating_sub(FAILURES_MAX));
        }
        if self.finished.len() == FINISHED_MAX
            && let Some(oldest) = self.finished.remove(self.next_forgotten())
        {
            Arc::make_mut(&mut self.ended).entry(oldest.status.user.clone()).or_default().count(oldest.status.state);
        }
        self.finished.push_back(report);
    }

    /// Returns the place of the finished transfer that is forgotten next: the oldest one, but the oldest parked one where these are more than
    /// half, so that an upload in many pieces leaves room for what else has been transferred.
    fn next_forgotten(&self) -> usize {
        let parked = |report: &Arc<TransferReport>| report.status.state == TransferState::Parked;
        let is_crowded = self.finished.iter().filter(|report| parked(report)).count() > FINISHED_MAX / 2;
        self.finished.iter().position(parked).filter(|_| is_crowded).unwrap_or(0)
    }
}
