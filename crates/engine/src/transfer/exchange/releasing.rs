//! End of the keeping of a segment for a user.
//!
//! The node is asked for a sign of life first, and the answer comes when the catalog has released the segment, whether others need it
//! or not, so that nobody learns from the time that it takes what others have stored. The nodes delete the segment after that.

use std::collections::VecDeque;

use bytes::Bytes;
use p2p_base::units::SimTime;
use p2p_store::pins::Pin;

use super::{answer, failed};
use crate::cause::Cause;
use crate::error::EngineError;
use crate::io::Outcome;
use crate::io::crashed;
use crate::node::protocol::{Request, Response};
use crate::operation::Reply;
use crate::transfer::deletion::Deletion;
use crate::transfer::{CatalogWork, Input, Output, Part};

#[derive(Debug)]
enum Phase {
    /// The node is asked for a sign of life, or the catalog releases the segment.
    Releasing,
    Deleting(Deletion),
}

/// Segment that is being released.
#[derive(Debug)]
pub(crate) struct Releasing {
    pin: Pin,
    phase: Phase,
    pub(super) outputs: VecDeque<Output>,
}

impl Releasing {
    pub(crate) fn new(pin: Pin) -> Releasing {
        let ask = Output::Ask { node: pin.node, part: Part::Stat, request: Request::Stat, payload: Bytes::new() };
        Releasing { pin, phase: Phase::Releasing, outputs: [ask].into() }
    }

    pub(super) fn handle(&mut self, _now: SimTime, input: Input) {
        match (&mut self.phase, input) {
            (Phase::Releasing, Input::Answered { part: Part::Stat, response: Response::Stat(_), .. }) => {
                self.outputs.push_back(Output::Catalog(CatalogWork::Release(self.pin.clone())));
            }
            (Phase::Releasing, Input::Answered { part: Part::Stat, node, response, .. }) => {
                self.fail(failed(node, Cause::Unexpected(response)));
            }
            (Phase::Releasing, Input::Failed { part: Part::Stat, node, cause }) => self.fail(failed(node, cause)),
            (Phase::Releasing, Input::Catalog(outcome)) => self.on_catalog(outcome),
            (Phase::Deleting(deletion), input) => {
                deletion.handle(&mut self.outputs, input);
                self.end_when_deleted();
            }
            _ => {}
        }
    }

    fn on_catalog(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Released(Ok(Some(garbage))) => {
                self.outputs.extend([Output::DropPin(self.pin.clone()), answer(Ok(Reply::Done(())))]);
                self.phase = Phase::Deleting(Deletion::begin(&mut self.outputs, garbage));
            }
            // Another request has released it in the meantime, or an earlier one of which the outcome was not known.
            Outcome::Released(Ok(None)) => {
                self.outputs.push_back(Output::DropPin(self.pin.clone()));
                self.fail(EngineError::UnknownSegment { node: self.pin.node, id: self.pin.id });
            }
            Outcome::Released(Err(error)) => self.fail(error.into()),
            outcome => self.fail(crashed(outcome)),
        }
    }

    fn fail(&mut self, error: EngineError) {
        self.outputs.extend([answer(Err(error)), Output::Done]);
    }

    fn end_when_deleted(&mut self) {
        if matches!(&self.phase, Phase::Deleting(deletion) if deletion.is_over()) {
            self.outputs.push_back(Output::Done);
        }
    }
}
