//! Storing of a segment on a node: it is sent, made durable there, and then kept for the user by one transaction of the catalog. What
//! a failure has left on the node is removed, unless something else needs it.

use std::collections::VecDeque;

use p2p_base::units::SimTime;
use p2p_store::catalog::Garbage;
use p2p_store::manifest::SegmentRecord;
use p2p_store::pins::Pin;

use super::{answer, failed, is_worth_another_try};
use crate::cause::Cause;
use crate::error::EngineError;
use crate::io::Outcome;
use crate::io::crashed;
use crate::node::protocol::{Request, Response};
use crate::operation::{Reply, SegmentContent, SegmentStored};
use crate::transfer::commitment::{Commitment, Loss, Progress};
use crate::transfer::undoing::Undoing;
use crate::transfer::{ATTEMPTS_MAX, CatalogWork, Input, Output, Part};

#[derive(Debug)]
enum Phase {
    /// The segment is on its way to the node.
    Sending {
        attempt: u32,
    },
    /// The node makes the segment durable.
    Committing(Commitment),
    /// The catalog keeps the segment.
    Pinning,
    /// What may be left on the node is removed.
    Undoing(Undoing),
    Over,
}

/// Segment that is being stored.
#[derive(Debug)]
pub(crate) struct Storing {
    began: SimTime,
    pin: Pin,
    content: SegmentContent,
    phase: Phase,
    pub(super) outputs: VecDeque<Output>,
}

impl Storing {
    pub(crate) fn new(now: SimTime, pin: Pin, content: SegmentContent) -> Storing {
        let (node, id, len) = (pin.node, pin.id, u64::from(content.len()));
        let outputs = [Output::Pin { index: 0, node, id, len }].into();
        let mut storing = Storing { began: now, pin, content, phase: Phase::Sending { attempt: 0 }, outputs };
        storing.send();
        storing
    }

    fn send(&mut self) {
        self.outputs.push_back(Output::AskSegment {
            index: 0,
            len: self.content.len(),
            node: self.pin.node,
            instead_of: None,
            request: Request::Put { id: self.pin.id },
            payload: self.content.bytes().clone(),
        });
    }

    /// Returns the bytes that are going to be kept.
    pub(super) fn arriving(&self) -> u64 {
        match self.phase {
            Phase::Sending { .. } | Phase::Committing(_) | Phase::Pinning => u64::from(self.content.len()),
            Phase::Undoing(_) | Phase::Over => 0,
        }
    }

    pub(super) fn handle(&mut self, now: SimTime, input: Input) {
        match (&mut self.phase, input) {
            (Phase::Undoing(undoing), input) => {
                undoing.handle(&mut self.outputs, input);
                self.end_when_undone();
            }
            (Phase::Sending { .. }, Input::Answered { part: Part::Segment(_), node, response, .. }) => match response {
                Response::Stored { id } if id == self.pin.id => self.commit(),
                other => self.fail(failed(node, Cause::Unexpected(other))),
            },
            (Phase::Sending { attempt }, Input::Failed { part: Part::Segment(_), node, cause }) => {
                *attempt += 1;
                match is_worth_another_try(&cause) && *attempt < ATTEMPTS_MAX {
                    true => self.send(),
                    false => self.fail(failed(node, cause)),
                }
            }
            (Phase::Committing(_), Input::Answered { part: Part::Commit, node, response, .. }) => match response {
                Response::Committed => self.follow(|commitment, outputs| commitment.confirm(outputs, node)),
                other => self.lose(Loss::of_all(Cause::Unexpected(other))),
            },
            (
                Phase::Committing(_),
                Input::Failed { part: Part::Commit, cause, .. } | Input::Lacking { part: Part::Commit, cause, .. },
            ) => {
                self.lose(Loss::of_all(cause));
            }
            (Phase::Pinning, Input::Catalog(outcome)) => self.on_catalog(now, outcome),
            _ => {}
        }
    }

    fn commit(&mut self) {
        self.outputs.push_back(Output::FreeRoom { index: 0 });
        let shares = Garbage::from([(self.pin.node, vec![self.pin.id])]);
        self.phase = Phase::Committing(Commitment::begin(&mut self.outputs, Part::Commit, shares));
    }

    fn lose(&mut self, loss: Loss) {
        let node = self.pin.node;
        self.follow(|commitment, outputs| commitment.fail(outputs, node, loss));
    }

    fn follow(&mut self, step: impl FnOnce(&mut Commitment, &mut VecDeque<Output>) -> Progress) {
        let Phase::Committing(commitment) = &mut self.phase else { return };
        match step(commitment, &mut self.outputs) {
            Progress::Waiting => {}
            Progress::Complete => {
                let record = SegmentRecord { id: self.pin.id, len: self.content.len(), holders: vec![self.pin.node] };
                self.outputs.push_back(Output::Catalog(CatalogWork::Pin(self.pin.clone(), record)));
                self.phase = Phase::Pinning;
            }
            Progress::Lost(losses) => {
                let loss = losses.into_iter().next();
                let lost = loss.map(|(node, loss)| failed(node, loss.cause));
                self.fail(lost.unwrap_or_else(|| EngineError::Internal("a segment was lost by no node".into())));
            }
        }
    }

    fn on_catalog(&mut self, now: SimTime, outcome: Outcome) {
        let error = match outcome {
            Outcome::Pinned(Ok(())) => {
                let stored = SegmentStored { id: self.pin.id, len: self.content.len(), took: now - self.began };
                self.outputs.push_back(Output::AddPin(self.pin.clone(), self.content.len()));
                return self.end(Ok(Reply::SegmentStored(stored)));
            }
            Outcome::Pinned(Err(error)) if !error.is_outcome_unknown() => return self.fail(error.into()),
            // The segment may be needed, and stays; the next start decides.
            Outcome::Pinned(Err(error)) => error.into(),
            // The panic may have occurred after the commit.
            outcome => crashed(outcome),
        };
        self.end(Err(error));
    }

    fn end(&mut self, result: Result<Reply, EngineError>) {
        self.phase = Phase::Over;
        let unpin = Output::Unpin { node: self.pin.node, id: self.pin.id };
        self.outputs.extend([unpin, answer(result), Output::Done]);
    }

    /// Answers with an error, and removes what may be left on the node.
    fn fail(&mut self, error: EngineError) {
        let (node, id) = (self.pin.node, self.pin.id);
        self.outputs.extend([Output::FreeRoom { index: 0 }, Output::Unpin { node, id }, answer(Err(error))]);
        self.phase = Phase::Undoing(Undoing::begin(&mut self.outputs, Garbage::from([(node, vec![id])]), None));
    }

    fn end_when_undone(&mut self) {
        if matches!(&self.phase, Phase::Undoing(undoing) if undoing.is_over()) {
            self.phase = Phase::Over;
            self.outputs.push_back(Output::Done);
        }
    }
}
