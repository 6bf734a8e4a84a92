//! Fetching of a segment from a node. If the user names a file, the catalog is asked first whether that has the segment.

use std::collections::VecDeque;

use bytes::Bytes;
use p2p_base::units::SimTime;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::SegmentId;

use super::{answer, failed, is_worth_another_try};
use crate::cause::Cause;
use crate::error::EngineError;
use crate::io::Outcome;
use crate::io::crashed;
use crate::node::protocol::{Request, Response};
use crate::operation::{Reply, SegmentFetched};
use crate::transfer::{ATTEMPTS_MAX, CatalogWork, Input, Output, Part};

/// Length in bytes with which a segment is requested whose length is not known.
const LEN_UNKNOWN: u32 = 0;

/// Segment that is being fetched.
#[derive(Debug)]
pub(crate) struct Fetching {
    began: SimTime,
    node: NodeNumber,
    id: SegmentId,
    /// True if the user keeps the segment there, or names a file that has to have it: once the node is asked, the catalog has said that it
    /// holds the segment.
    is_own: bool,
    attempt: u32,
    pub(super) outputs: VecDeque<Output>,
}

impl Fetching {
    /// Begins to fetch a segment of a file, or one for which nothing is to be looked up, as it `is_kept` for the user or the user is an
    /// admin.
    pub(crate) fn new(now: SimTime, (node, id): (NodeNumber, SegmentId), file: Option<FileKey>, is_kept: bool) -> Fetching {
        let is_own = is_kept || file.is_some();
        let mut fetching = Fetching { began: now, node, id, is_own, attempt: 0, outputs: VecDeque::new() };
        match file {
            Some(key) => fetching.outputs.push_back(Output::Catalog(CatalogWork::Find { key, id, node })),
            None => fetching.ask(),
        }
        fetching
    }

    fn ask(&mut self) {
        self.outputs.push_back(Output::AskSegment {
            index: 0,
            len: LEN_UNKNOWN,
            node: self.node,
            instead_of: None,
            request: Request::Get { id: self.id },
            payload: Bytes::new(),
        });
    }

    pub(super) fn handle(&mut self, now: SimTime, input: Input) {
        let result = match input {
            Input::Catalog(Outcome::Found(Ok(true))) => return self.ask(),
            Input::Catalog(Outcome::Found(Ok(false))) => Err(self.unknown()),
            Input::Catalog(Outcome::Found(Err(error))) => Err(error.into()),
            Input::Catalog(outcome) => Err(crashed(outcome)),
            Input::Answered { part: Part::Segment(_), response: Response::Segment { id }, payload, .. } if id == self.id => {
                Ok(Reply::Segment(SegmentFetched { id, bytes: payload, is_own: self.is_own, took: now - self.began }))
            }
            Input::Answered { node, response, .. } => Err(failed(node, Cause::Unexpected(response))),
            // No other node is asked, and a disk that has returned wrong bytes may return the right ones.
            Input::Failed { cause, .. } if is_worth_another_try(&cause) && self.attempt + 1 < ATTEMPTS_MAX => {
                self.attempt += 1;
                return self.ask();
            }
            Input::Failed { cause, .. } if !self.is_own && cause.is_not_stored() => Err(self.unknown()),
            Input::Failed { node, cause, .. } => Err(failed(node, cause)),
            _ => return,
        };
        self.outputs.extend([answer(result), Output::Done]);
    }

    fn unknown(&self) -> EngineError {
        EngineError::UnknownSegment { node: self.node, id: self.id }
    }
}
