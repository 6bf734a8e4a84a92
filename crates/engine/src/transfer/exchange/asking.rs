//! Question for a sign of life, and for the fill level of the node's volume.

use std::collections::VecDeque;

use bytes::Bytes;
use p2p_base::units::SimTime;
use p2p_store::manifest::NodeNumber;

use super::{answer, failed};
use crate::cause::Cause;
use crate::node::protocol::{Request, Response};
use crate::operation::{NodeAnswer, Reply};
use crate::transfer::{Input, Output, Part};

/// Question that a node is asked.
#[derive(Debug)]
pub(crate) struct Asking {
    began: SimTime,
    pub(super) outputs: VecDeque<Output>,
}

impl Asking {
    pub(crate) fn new(now: SimTime, node: NodeNumber) -> Asking {
        let ask = Output::Ask { node, part: Part::Stat, request: Request::Stat, payload: Bytes::new() };
        Asking { began: now, outputs: [ask].into() }
    }

    pub(super) fn handle(&mut self, now: SimTime, input: Input) {
        let result = match input {
            Input::Answered { part: Part::Stat, response: Response::Stat(volume), .. } => {
                Ok(Reply::NodeAnswer(NodeAnswer { volume: Some(volume), took: now - self.began }))
            }
            Input::Answered { node, response, .. } => Err(failed(node, Cause::Unexpected(response))),
            Input::Failed { node, cause, .. } => Err(failed(node, cause)),
            _ => return,
        };
        self.outputs.extend([answer(result), Output::Done]);
    }
}
