//! Segments that their holder has lost before it made them durable: they are read again from the source, and stored again on the same
//! holder if it still answers, or on another one.
//!
//! A stream is read once, so that what it has brought and a holder has lost cannot be stored again; where the upload is kept, it is
//! continued after what holders have confirmed.

use std::collections::{BTreeMap, VecDeque};

use p2p_store::manifest::NodeNumber;

use super::super::commitment::Loss;
use super::super::{ATTEMPTS_MAX, Output, TransferError, TransferState};
use super::Upload;
use super::books::LostSegment;
use super::phase::UploadPhase;
use crate::event::Event;

/// Segments that are being stored again.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Segments that are to be read from the source again.
    waiting: VecDeque<LostSegment>,
    /// Segments that are being read, the earliest first.
    reading: VecDeque<LostSegment>,
    /// Holders that have lost segments and are asked once more, by the index of the segment.
    holders: BTreeMap<u32, NodeNumber>,
    /// Number of times that segments were stored again.
    rounds: u32,
}

impl Again {
    /// Returns true if nothing is left to be read.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.reading.is_empty()
    }

    /// Lets the next segments be read, up to so many at a time, and waits for the earliest.
    pub(super) fn read_more(&mut self, outputs: &mut VecDeque<Output>, jobs: usize) {
        while self.reading.len() < jobs
            && let Some(lost) = self.waiting.pop_front()
        {
            outputs.push_back(Output::ReadAgain { index: lost.index, id: lost.id, len: lost.len });
            self.reading.push_back(lost);
        }
        if !self.reading.is_empty() {
            outputs.push_back(Output::AwaitLocal);
        }
    }

    /// Notes that the earliest segment was read. Returns false if none is being read.
    pub(super) fn note_read(&mut self) -> bool {
        self.reading.pop_front().is_some()
    }

    /// Takes the holder that has lost a segment and is asked to store it once more.
    pub(super) fn take_holder(&mut self, index: u32) -> Option<NodeNumber> {
        self.holders.remove(&index)
    }

    /// Returns true if segments may not be stored again any more.
    pub(super) const fn is_used_up(&self) -> bool {
        self.rounds >= ATTEMPTS_MAX
    }

    /// Forgets what is to be read.
    pub(super) fn close(&mut self) {
        self.waiting.clear();
        self.reading.clear();
        self.holders.clear();
    }
}

impl Upload {
    /// Stores again what holders have lost, or fails where that cannot be done.
    pub(super) fn store_again(&mut self, losses: BTreeMap<NodeNumber, Loss>) {
        let Some((&node, first)) = losses.first_key_value() else { return };
        let cause = first.cause.clone();
        if !self.plan.is_readable_again {
            return self.fail(TransferError::StreamLost { node, cause, is_kept: self.plan.keep.is_some() });
        }
        if self.again.is_used_up() {
            return self.fail(TransferError::NotConfirmed { node, cause });
        }
        self.again.rounds += 1;
        self.phase = UploadPhase::Sending;
        self.log.status.state = TransferState::Running;
        self.outputs.push_back(Output::JoinMemory);
        for (node, loss) in losses {
            self.give_up_lost(node, &loss);
        }
        self.advance();
    }

    /// Takes the segments that a holder has lost out of the books. One that refuses for another reason than that it lacks them, or that
    /// cannot be reached, gets no further requests.
    fn give_up_lost(&mut self, node: NodeNumber, loss: &Loss) {
        let is_asked_again = loss.cause.is_loss() && self.again.rounds < ATTEMPTS_MAX;
        if !is_asked_again {
            self.attempts.give_up(node, loss.cause.clone());
        }
        let segments = self.books.take_lost(&mut self.outputs, node, loss);
        let bytes = segments.iter().map(|lost| u64::from(lost.len)).sum();
        self.outputs.push_back(Output::Lose { node, bytes });
        self.log.take_back(&segments.iter().map(|lost| (lost.index, lost.len)).collect());
        for lost in segments {
            let (transfer, cause) = (self.log.status.id, loss.cause.clone());
            self.outputs.push_back(Output::Emit(Event::SegmentRetried { transfer, index: lost.index, node, cause }));
            if is_asked_again {
                self.again.holders.insert(lost.index, node);
            }
            self.again.waiting.push_back(lost);
        }
    }
}
