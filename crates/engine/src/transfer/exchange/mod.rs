//! Exchanges: one request of a user about one segment on one node, or for a sign of life, as a machine of the kind of a transfer.
//!
//! | file | contents |
//! |---|---|
//! | `storing` | a segment is stored on the node, made durable there, and then kept for the user |
//! | `fetching` | a segment is fetched from the node, if the file that the user names has it |
//! | `releasing` | a segment is kept for the user no longer, and deleted once nothing else needs it |
//! | `asking` | the node is asked for a sign of life |
//!
//! An exchange is no transfer: it is not listed and has no history. It takes inputs and gives outputs as one does, and shares the numbers of
//! transfers. Its answer may come before its end, since what a failure has left is removed after it.

mod asking;
mod fetching;
mod releasing;
mod storing;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use p2p_base::units::SimTime;
use p2p_store::manifest::NodeNumber;

pub(crate) use self::asking::Asking;
pub(crate) use self::fetching::Fetching;
pub(crate) use self::releasing::Releasing;
pub(crate) use self::storing::Storing;

use super::{Input, Output};
use crate::cause::Cause;
use crate::error::EngineError;
use crate::operation::Reply;

/// Exchange in progress.
#[derive(Debug)]
pub(crate) enum Exchange {
    Storing(Storing),
    Fetching(Fetching),
    Releasing(Releasing),
    Asking(Asking),
}

impl Exchange {
    /// Handles an input. The outputs have to be polled afterwards.
    pub(crate) fn handle(&mut self, now: SimTime, input: Input) {
        match self {
            Exchange::Storing(storing) => storing.handle(now, input),
            Exchange::Fetching(fetching) => fetching.handle(now, input),
            Exchange::Releasing(releasing) => releasing.handle(now, input),
            Exchange::Asking(asking) => asking.handle(now, input),
        }
    }

    /// Returns the next output.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs().pop_front()
    }

    fn outputs(&mut self) -> &mut VecDeque<Output> {
        match self {
            Exchange::Storing(storing) => &mut storing.outputs,
            Exchange::Fetching(fetching) => &mut fetching.outputs,
            Exchange::Releasing(releasing) => &mut releasing.outputs,
            Exchange::Asking(asking) => &mut asking.outputs,
        }
    }

    /// Returns the bytes that are going to be kept for the user.
    pub(crate) fn arriving(&self) -> u64 {
        match self {
            Exchange::Storing(storing) => storing.arriving(),
            Exchange::Fetching(_) | Exchange::Releasing(_) | Exchange::Asking(_) => 0,
        }
    }
}

/// Returns the output that answers an exchange.
fn answer(answer: Result<Reply, EngineError>) -> Output {
    Output::Answer(Box::new(answer))
}

/// Returns the error of a node that has not done what it was asked.
fn failed(node: NodeNumber, cause: Cause) -> EngineError {
    EngineError::NodeFailed { node, cause }
}

/// Returns true if the same request may succeed at the same node.
fn is_worth_another_try(cause: &Cause) -> bool {
    cause.is_lost_connection() || cause.is_damage()
}
