//! Lines of the log about events, a line for each but for masses of them: segments that fail at one node at one instant, for one reason, are
//! one line with their number.

use p2p_base::units::SimTime;
use p2p_store::manifest::NodeNumber;

use crate::cause::Cause;
use crate::event::Event;
use crate::transfer::TransferId;

/// Segments of a transfer that have failed at a node at one instant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Retried {
    transfer: TransferId,
    node: NodeNumber,
    cause: Cause,
    /// Index of the first of them.
    first: u32,
    segments: u64,
}

impl Retried {
    /// Returns true if a segment that has failed is a further one of these. A node that lacks segments names each as the cause.
    fn counts(&mut self, transfer: TransferId, node: NodeNumber, cause: &Cause) -> bool {
        let is_same = *cause == self.cause || cause.is_loss() && self.cause.is_loss();
        let counts = (self.transfer, self.node) == (transfer, node) && is_same;
        self.segments += u64::from(counts);
        counts
    }
}

/// Lines that are not written yet, which are all of one instant.
#[derive(Debug, Default)]
pub(super) struct EventLines {
    at: SimTime,
    retried: Vec<Retried>,
}

impl EventLines {
    /// Writes the line of an event, or counts the event for a line that [`flush`](Self::flush) writes.
    pub(super) fn note(&mut self, at: SimTime, event: &Event) {
        if self.are_due(at, event) {
            self.flush();
        }
        let Event::SegmentRetried { transfer, index, node, cause } = event else { return log(at, event) };
        self.at = at;
        if !self.retried.iter_mut().any(|retried| retried.counts(*transfer, *node, cause)) {
            self.retried.push(Retried { transfer: *transfer, node: *node, cause: cause.clone(), first: *index, segments: 1 });
        }
    }

    /// Returns true if the lines of the masses that are counted come before that of this event: it is of another instant, or may be what
    /// they explain, such as the failure of the transfer.
    fn are_due(&self, at: SimTime, event: &Event) -> bool {
        at != self.at || !matches!(event, Event::SegmentRetried { .. } | Event::Segment { .. })
    }

    /// Writes the lines of the masses that are counted. Call when all events of an instant are noted.
    pub(super) fn flush(&mut self) {
        let at = self.at;
        for Retried { transfer, node, cause, first, segments } in self.retried.drain(..) {
            tracing::info!(%at, %transfer, %node, segments, first, %cause, "segments failed at a node and are tried again");
        }
    }
}

/// Logs an event. Segment progress and health changes are frequent and would crowd out the rest, so they have the level
/// `debug`.
fn log(at: SimTime, event: &Event) {
    match event {
        Event::Segment { .. } | Event::HealthChanged { .. } => tracing::debug!(%at, ?event),
        Event::DiskTrouble { .. } | Event::SegmentsMissing { .. } | Event::TransferFailed { .. } | Event::CaptureEnded { .. } => {
            tracing::warn!(%at, ?event);
        }
        _ => tracing::info!(%at, ?event),
    }
}

#[cfg(test)]
mod tests {
    use p2p_store::names::FileKey;
    use p2p_store::segment::SegmentId;

    use super::*;
    use crate::node::protocol::Refusal;
    use crate::transfer::{Direction, SegmentTimeline, Stage, TransferError};

    fn retried(index: u32, node: usize) -> Event {
        let cause = Cause::Refused(Refusal::NotStored { id: SegmentId::of(&index.to_le_bytes()) });
        Event::SegmentRetried { transfer: TransferId(1), index, node: NodeNumber::from_index(node), cause }
    }

    fn counted(lines: &EventLines) -> Vec<(usize, u32, u64)> {
        lines.retried.iter().map(|retried| (retried.node.index(), retried.first, retried.segments)).collect()
    }

    #[test]
    fn segments_that_fail_together_are_one_line() {
        let mut lines = EventLines::default();
        (0..500).for_each(|index| lines.note(SimTime::ZERO, &retried(index, 1)));
        lines.note(SimTime::ZERO, &retried(500, 2));
        assert_eq!(counted(&lines), [(1, 0, 500), (2, 500, 1)]);
        lines.note(SimTime::from_nanos(1), &retried(501, 1));
        assert_eq!(counted(&lines), [(1, 501, 1)], "those of the instant before are written");
    }

    /// The line of a transfer that fails comes behind those that say why, and so does all that happens later.
    #[test]
    fn what_segments_explain_comes_behind_them() {
        let failed = || {
            let mut lines = EventLines::default();
            lines.note(SimTime::from_nanos(5), &retried(0, 1));
            lines
        };
        let (at, later) = (SimTime::from_nanos(5), SimTime::from_nanos(6));
        let transfer = TransferId(1);
        let (holder, never) = (NodeNumber::from_index(1), None);
        let timeline = SegmentTimeline {
            index: 0,
            len: 8,
            holder,
            attempt: 1,
            queued: at,
            connected: never,
            first_byte: never,
            last_byte: never,
            acknowledged: never,
            retransmits: 0,
        };
        let segment = Event::Segment { transfer, stage: Stage::Queued, timeline };
        let (direction, file, error) = (Direction::Upload, FileKey::unowned("a.bin"), TransferError::Cancelled);
        let ended = Event::TransferFailed { transfer, direction, user: None, file, error };
        for (at, event, expected) in [(at, &segment, 1), (later, &segment, 0), (at, &ended, 0), (later, &ended, 0)] {
            let mut lines = failed();
            lines.note(at, event);
            assert_eq!(counted(&lines).len(), expected, "{event:?} at {at}");
        }
    }
}
