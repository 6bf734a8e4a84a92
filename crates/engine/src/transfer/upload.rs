//! Upload: the segments of a source are sent to their holders, made durable there and committed as a file.

mod attempts;
mod books;
mod cut_ahead;
mod ending;
mod lost;
mod phase;
mod plan;
mod replacing;
mod storing;
mod supply;

use std::collections::{BTreeSet, VecDeque};

use p2p_base::units::SimTime;
use p2p_store::manifest::{NodeNumber, SegmentRecord};
use p2p_store::segment::Segment;
use p2p_store::uploads::UploadRecord;

pub(crate) use self::plan::UploadPlan;
pub(crate) use self::supply::SEGMENTS_MAX;

use self::attempts::{Attempts, Placing};
use self::books::{Books, Open};
use self::lost::Again;
use self::phase::{Ending, UploadPhase};
use self::supply::Supply;
use super::commitment::{Commitment, Loss, Progress};
use super::keeping::Keeping;
use super::undoing::Undoing;
use super::{CatalogWork, Input, Output, Part, Stage, TransferError, TransferId, TransferLog, TransferState};
use crate::cause::{Cause, LocalFailure};
use crate::edge::Happened;
use crate::event::Event;
use crate::io::{FileOutcome, Outcome};
use crate::node::protocol::{Request, Response};

/// Upload of a file in progress.
#[derive(Debug)]
pub(crate) struct Upload {
    log: TransferLog,
    plan: UploadPlan,
    supply: Supply,
    books: Books,
    attempts: Attempts,
    again: Again,
    keeping: Option<Keeping>,
    phase: UploadPhase,
    outputs: VecDeque<Output>,
}

impl Upload {
    /// Starts to store what a plan says.
    pub(crate) fn new(now: SimTime, id: TransferId, plan: UploadPlan) -> Upload {
        let log = plan.log(now, id);
        let outputs = [Output::Emit(log.started())].into();
        Upload {
            keeping: plan.keep.map(|keep| Keeping::new(plan.nothing_kept(keep), false)),
            supply: Supply::new(&plan, now),
            attempts: Attempts::new(plan.preferred),
            log,
            plan,
            books: Books::default(),
            again: Again::default(),
            phase: UploadPhase::Sending,
            outputs,
        }
    }

    /// Continues a kept upload, of which these segments are stored.
    pub(crate) fn resume(
        now: SimTime,
        id: TransferId,
        plan: UploadPlan,
        record: UploadRecord,
        segments: Vec<SegmentRecord>,
    ) -> Upload {
        let mut upload = Upload::new(now, id, plan);
        upload.supply.begin_at(record.offset, u64::from(record.segments));
        upload.books.restore(&mut upload.outputs, segments);
        upload.log.begin_at(record.offset, record.segments);
        upload.keeping = Some(Keeping::new(record, true));
        upload
    }

    pub(crate) fn log(&self) -> &TransferLog {
        &self.log
    }

    pub(crate) fn log_mut(&mut self) -> &mut TransferLog {
        &mut self.log
    }

    /// Returns the kept upload and true if the catalog knows it.
    pub(crate) fn kept(&self) -> Option<(&UploadRecord, bool)> {
        self.keeping.as_ref().map(|keeping| (keeping.record(), keeping.is_noted()))
    }

    /// Returns the next output.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns the number of segments that the upload takes of a source of remote origin now.
    pub(crate) fn wanted(&self) -> usize {
        if self.phase.is_sending() && !self.is_parking() { self.supply.wanted() } else { 0 }
    }

    /// Returns true if nothing is under way because a source of remote origin gives nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.books.in_flight() == 0 && self.is_held_up()
    }

    /// Returns true if less is under way than may be, because a source of remote origin gives nothing.
    pub(crate) fn is_held_up(&self) -> bool {
        let is_sending = self.phase.is_sending() && !self.is_parking() && !self.attempts.is_placing();
        is_sending && self.supply.is_starved() && self.supply.has_window_for(self.books.in_flight())
    }

    /// Returns the nodes without whose answers the upload cannot be completed: those that have stored segments and not confirmed that
    /// they are durable. One that is parked does without each.
    pub(crate) fn indispensable(&self) -> BTreeSet<NodeNumber> {
        if self.is_parking() { BTreeSet::new() } else { self.phase.unconfirmed(&self.books) }
    }

    /// Returns true unless the upload is given up, or ends before all of it is stored.
    pub(crate) fn is_to_store_all(&self) -> bool {
        self.log.status.given_up_from.is_none() && !self.is_parking()
    }

    /// Handles an input of the upload.
    pub(crate) fn handle(&mut self, now: SimTime, input: Input) {
        self.take(now, input);
        if self.is_idle() {
            self.log.status.state = TransferState::Idle;
        }
    }

    fn take(&mut self, now: SimTime, input: Input) {
        match input {
            _ if matches!(self.phase, UploadPhase::Over) => {}
            Input::Reached { index, stage } => {
                if stage == Stage::LastByte && self.books.is_in_flight(index) {
                    self.outputs.push_back(Output::FreeRoom { index });
                }
                self.report_stage(now, index, stage);
            }
            input if matches!(self.phase, UploadPhase::Undoing(..)) => self.undo(now, input),
            input if self.phase.is_stored() => self.clear_away(now, input),
            Input::Resumed => self.advance(),
            Input::Memory { is_granted } => self.on_memory(is_granted),
            Input::Local(outcome) if self.phase.is_sending() => self.on_cut(outcome),
            Input::Happened(happened) => self.on_happened(happened),
            Input::GivenUp(error) => self.give_up(error),
            Input::Placed { node } => self.on_placed(now, node),
            Input::NotPlaced { nodes } => {
                if let Some(error) = self.attempts.refuse(nodes) {
                    self.fail(error);
                }
            }
            Input::Answered { part: Part::Segment(index), node, response, .. } => {
                self.on_segment_answered(now, index, node, response);
            }
            Input::Failed { part: Part::Segment(index), node, cause } => self.on_segment_failed(now, index, node, cause),
            Input::Answered { part, node, response, .. } => self.on_confirmed(part, node, response),
            Input::Failed { part, node, cause } => self.on_unconfirmed(part, node, Loss::of_all(cause)),
            Input::Lacking { part, node, cause, ids } => {
                self.on_unconfirmed(part, node, Loss { cause, ids: Some(ids.into_iter().collect()) });
            }
            Input::Catalog(outcome) => self.on_catalog(now, outcome),
            Input::Cancelled => {
                self.log.note_cancel(now);
                self.give_up(TransferError::Cancelled);
            }
            Input::Parked if self.phase.is_sending() => self.stop(),
            Input::Parked | Input::Local(_) | Input::Deletable(..) => {}
        }
    }

    fn is_parking(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.is_parking)
    }

    /// Returns the bytes and the number of the segments that can be kept of an upload that is being parked: those from the begin on that are full
    /// and stored or in flight. `None` of any other.
    pub(crate) fn keepable(&self) -> Option<(u64, u32)> {
        let keeping = self.keeping.as_ref().filter(|keeping| keeping.is_parking && self.phase.is_sending())?;
        let UploadRecord { offset, segments, segment_size, .. } = *keeping.record();
        let more = (segments..).take_while(|&index| self.books.len_of(index) == Some(segment_size)).count() as u32;
        Some((offset + u64::from(more) * u64::from(segment_size), segments + more))
    }

    /// Takes the next step towards sending segments, or commits once all are stored. A step that needs an answer ends here and
    /// is continued by the answer.
    fn advance(&mut self) {
        if !self.phase.is_sending() || self.attempts.is_placing() {
            return;
        }
        let is_keeping = self.keeping.as_ref().is_some_and(Keeping::is_busy);
        let is_used_up = self.supply.is_used_up() && self.again.is_done();
        if is_used_up || self.is_parking() {
            if self.books.in_flight() == 0 && !is_keeping {
                self.commit_or_park();
            }
            return;
        }
        if self.supply.ask(&mut self.outputs, &mut self.again, self.books.in_flight()) {
            self.on_granted();
        }
    }

    fn on_memory(&mut self, is_granted: bool) {
        if !self.phase.is_sending() || self.attempts.is_placing() {
            return;
        }
        if is_granted {
            return self.on_granted();
        }
        let is_waiting = self.books.in_flight() == 0;
        self.log.status.state = if is_waiting { TransferState::Waiting } else { TransferState::Running };
    }

    /// Continues with memory for the next step.
    fn on_granted(&mut self) {
        if !self.is_parking() {
            self.log.status.state = TransferState::Running;
        }
        let Some(segment) = self.supply.take() else { return self.advance() };
        let holder = self.again.take_holder(segment.index);
        self.attempts.place(&mut self.outputs, Placing { segment, attempt: 0, is_new: true }, holder);
    }

    fn on_cut(&mut self, outcome: Outcome) {
        if self.again.note_read() {
            return match self.supply.handle_again(outcome) {
                Ok(()) => self.advance(),
                Err(error) => self.fail(error),
            };
        }
        if let (Outcome::File(FileOutcome::Cuts(cuts)), Some(keeping)) = (&outcome, &mut self.keeping) {
            keeping.expect(cuts);
        }
        match self.supply.handle(outcome) {
            Ok(true) => self.on_more(),
            Ok(false) => {}
            Err(TransferError::Cancelled) => self.on_gone(),
            Err(error) => self.fail(error),
        }
    }

    /// Handles the loss of the source: the upload is parked if it is to be kept, and fails otherwise.
    fn on_gone(&mut self) {
        let Some(keeping) = &mut self.keeping else { return self.fail(TransferError::Cancelled) };
        keeping.is_parking = true;
        self.supply.drop_unsent();
        self.log.status.state = TransferState::Parking;
        self.advance();
    }

    /// Ends the sending, once nothing is in flight.
    fn commit_or_park(&mut self) {
        if !self.is_parking() {
            self.commit();
        } else if self.plan.stored_as.replace && self.keeping.as_ref().is_some_and(Keeping::has_nothing) {
            // Nothing could be continued, and the former file would seem to have an upload in its place.
            self.fail(TransferError::Cancelled);
        } else if !self.keeping.as_mut().is_some_and(|keeping| keeping.begin(&mut self.outputs)) {
            self.park();
        }
    }

    /// Continues after something could not be kept: parks what is kept already once nothing is in flight, or commits the file.
    fn go_on_without_keeping(&mut self) {
        let rests = self.phase.is_sending() && self.books.in_flight() == 0;
        if rests && self.is_parking() {
            self.park();
        } else if rests && self.supply.is_used_up() {
            // The commit has waited for what was to be kept.
            self.advance();
        }
    }

    /// Ends the upload so that it can be continued after what is kept of it; it fails if nothing is.
    fn park(&mut self) {
        let Some(keeping) = self.keeping.as_ref().filter(|keeping| keeping.is_noted()) else {
            return self.fail(TransferError::Cancelled);
        };
        let (bytes, kept) = (keeping.record().offset, keeping.record().segments);
        let candidates = self.give_back(kept);
        self.log.give_up(kept);
        self.log.keep(bytes, kept);
        self.phase = UploadPhase::Undoing(Ending::Parked, Undoing::begin(&mut self.outputs, candidates, None));
    }

    /// Handles what has happened at the other end of a stream of remote origin.
    fn on_happened(&mut self, happened: Happened) {
        match happened {
            _ if !self.phase.is_sending() || self.is_parking() => {}
            Happened::Cut(cuts) => {
                self.keeping.iter_mut().for_each(|keeping| keeping.expect(&cuts));
                self.supply.add(cuts);
                self.on_more();
            }
            Happened::End(size, digest) => {
                self.supply.end_at(size, digest);
                self.on_more();
            }
            Happened::Gone => self.on_gone(),
            Happened::Taken(_) => {}
        }
    }

    /// Continues with more segments, or with the end.
    fn on_more(&mut self) {
        match self.supply.known() {
            Ok((known, is_all)) => {
                self.log.know(known, is_all);
                self.advance();
            }
            Err(error) => self.fail(error),
        }
    }

    fn on_placed(&mut self, now: SimTime, node: NodeNumber) {
        let Some(Placing { segment, attempt, is_new }) = self.attempts.take() else { return };
        self.send(now, segment, node, attempt);
        if is_new {
            self.advance();
        }
    }

    fn send(&mut self, now: SimTime, segment: Segment, node: NodeNumber, attempt: u32) {
        let (index, id, payload) = (segment.index, segment.id, segment.bytes.clone());
        let len = payload.len() as u32;
        self.outputs.push_back(Output::Pin { index, node, id, len: u64::from(len) });
        self.books.send(Open { segment, node, attempt });
        let (instead_of, queued) = self.log.begin(index, len, node, attempt, now);
        let request = Request::Put { id };
        self.outputs.extend([Output::Emit(queued), Output::AskSegment { index, len, node, instead_of, request, payload }]);
    }

    fn report_stage(&mut self, now: SimTime, index: u32, stage: Stage) {
        self.outputs.extend(self.log.reach(index, stage, now).map(Output::Emit));
    }

    fn on_segment_answered(&mut self, now: SimTime, index: u32, node: NodeNumber, response: Response) {
        match response {
            Response::Stored { .. } => self.on_stored(now, index, node),
            other => self.on_segment_failed(now, index, node, Cause::Unexpected(other)),
        }
    }

    fn on_stored(&mut self, now: SimTime, index: u32, node: NodeNumber) {
        let Some(open) = self.books.take_open(index, node) else { return };
        self.outputs.push_back(Output::FreeRoom { index });
        self.books.store(index, (open.segment.id, open.segment.bytes.len() as u32), node);
        self.supply.note(&mut self.outputs, self.books.in_flight());
        if self.log.crosses_link(node) {
            self.supply.note_crossed(now, open.segment.bytes.len() as u64);
        }
        self.report_stage(now, index, Stage::Acknowledged);
        self.keep_more();
    }

    /// Lets what is stored be kept, if it is enough.
    fn keep_more(&mut self) {
        if let Some(keeping) = &mut self.keeping {
            keeping.follow(|index| self.books.stored(index));
            // What is complete is made durable as a file.
            if !self.supply.is_used_up() || self.books.in_flight() > 0 {
                keeping.begin(&mut self.outputs);
            }
        }
    }

    /// Handles a segment that a node did not accept. It goes to another node, or to the same one again if it was corrupted in
    /// transit.
    fn on_segment_failed(&mut self, now: SimTime, index: u32, node: NodeNumber, cause: Cause) {
        let Some(open) = self.books.take_open(index, node) else { return };
        self.outputs.extend([Output::FreeRoom { index }, Output::Unpin { node, id: open.segment.id }]);
        if self.is_stopped() {
            self.books.doubt(node, open.segment.id);
            return self.advance();
        }
        let attempt = open.attempt + 1;
        let retried = Event::SegmentRetried { transfer: self.log.status.id, index, node, cause: cause.clone() };
        self.outputs.push_back(Output::Emit(retried));
        let node_is_to_blame = !cause.is_damage();
        if self.attempts.fail(node, cause, attempt, node_is_to_blame) {
            self.books.doubt(node, open.segment.id);
            self.attempts.place(&mut self.outputs, Placing { segment: open.segment, attempt, is_new: false }, None);
        } else {
            self.send(now, open.segment, node, attempt);
        }
    }

    /// Asks every holder to make its segments durable, once all segments are stored.
    fn commit(&mut self) {
        self.log.status.state = TransferState::Committing;
        self.supply.close(&mut self.outputs);
        let shares = self.books.shares();
        if shares.is_empty() {
            return self.catalogue();
        }
        self.phase = UploadPhase::Committing(Commitment::begin(&mut self.outputs, Part::Commit, shares));
    }

    fn on_confirmed(&mut self, part: Part, node: NodeNumber, response: Response) {
        self.follow(part, |commitment, outputs| match response {
            Response::Committed => commitment.confirm(outputs, node),
            other => commitment.fail(outputs, node, Loss::of_all(Cause::Unexpected(other))),
        });
    }

    /// Handles a request to commit that will not be answered, or was refused.
    fn on_unconfirmed(&mut self, part: Part, node: NodeNumber, loss: Loss) {
        self.follow(part, |commitment, outputs| commitment.fail(outputs, node, loss));
    }

    /// Lets the commitment that a request belongs to handle what has become of it.
    fn follow(&mut self, part: Part, step: impl FnOnce(&mut Commitment, &mut VecDeque<Output>) -> Progress) {
        match part {
            Part::Commit => self.follow_commit(step),
            Part::Keep => self.follow_keep(step),
            Part::Segment(_) | Part::Delete | Part::Stat => {}
        }
    }

    /// Follows the commitment of a complete file: what its holders have lost is stored again. Where it cannot be read again, the first
    /// loss decides, whatever the other holders answer.
    fn follow_commit(&mut self, step: impl FnOnce(&mut Commitment, &mut VecDeque<Output>) -> Progress) {
        let UploadPhase::Committing(commitment) = &mut self.phase else { return };
        match step(commitment, &mut self.outputs) {
            Progress::Waiting if self.plan.is_readable_again => {}
            Progress::Waiting => {
                let losses = commitment.take_losses();
                self.store_again(losses);
            }
            Progress::Complete => self.catalogue(),
            Progress::Lost(losses) => self.store_again(losses),
        }
    }

    /// Follows the commitment of what is kept of an incomplete upload: what could not be kept is tried again with what follows, if
    /// anything does, or without what is lost and what follows that, if the upload ends.
    fn follow_keep(&mut self, step: impl FnOnce(&mut Commitment, &mut VecDeque<Output>) -> Progress) {
        let Some(keeping) = self.keeping.as_mut().filter(|_| self.phase.is_sending()) else { return };
        if !keeping.follow_commitment(&mut self.outputs, step) {
            if self.is_parking() { self.advance() } else { self.go_on_without_keeping() }
        }
    }

    /// Commits the file to the catalog in one transaction, once all segments are durable.
    fn catalogue(&mut self) {
        let Some((size, sha256)) = self.supply.end() else { return };
        let commit = Box::new(self.plan.commit(size, sha256, self.books.all_stored()));
        let kept = self.plan.keep.map(|keep| keep.id);
        self.outputs.push_back(Output::Catalog(CatalogWork::Commit(commit, kept)));
        self.phase = UploadPhase::Cataloguing;
    }

    fn on_catalog(&mut self, now: SimTime, outcome: Outcome) {
        match (std::mem::replace(&mut self.phase, UploadPhase::Over), outcome) {
            (UploadPhase::Cataloguing, Outcome::FileCommitted(Ok(stored))) => self.finish(now, *stored),
            (UploadPhase::Cataloguing, Outcome::FileCommitted(Err(error))) => match error.into() {
                error @ TransferError::OutcomeUnknown(_) => self.end(now, error, false),
                error => self.fail(error),
            },
            // The panic may have occurred after the commit.
            (UploadPhase::Cataloguing, Outcome::Crashed(reason)) => {
                self.end(now, TransferError::OutcomeUnknown(LocalFailure::of_panic(reason)), false);
            }
            (phase, outcome) => {
                self.phase = phase;
                self.on_noted(&outcome);
            }
        }
    }

    /// Handles the end of the catalog's work on what is kept.
    fn on_noted(&mut self, outcome: &Outcome) {
        let Some(keeping) = self.keeping.as_mut().filter(|keeping| keeping.is_busy()) else { return };
        let is_noted = match outcome {
            Outcome::UploadKept(noted) => noted.is_ok(),
            Outcome::Crashed(_) => false,
            _ => return,
        };
        keeping.on_noted(is_noted);
        if is_noted {
            // It advances when it is resumed.
            self.keep_more();
        } else {
            self.go_on_without_keeping();
        }
    }
}
