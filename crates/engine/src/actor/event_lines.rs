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
    at: SimTime,
    transfer: TransferId,
    node: NodeNumber,
    cause: Cause,
    /// Index of the first of them.
    first: u32,
    segments: u64,
}

impl Retried {
    /// Returns true if a segment that has failed is a further one of these. A node that lacks segments names each as the cause.
    fn counts(&mut self, at: SimTime, transfer: TransferId, node: NodeNumber, cause: &Cause) -> bool {
        let is_same = *cause == self.cause || cause.is_loss() && self.cause.is_loss();
        let counts = (self.at, self.transfer, self.node) == (at, transfer, node) && is_same;
        self.segments += u64::from(counts);
        counts
    }
}

/// Lines that are not written yet.
#[derive(Debug, Default)]
pub(super) struct EventLines {
    retried: Vec<Retried>,
}

impl EventLines {
    /// Writes the line of an event, or counts the event for a line that [`flush`](Self::flush) writes.
    pub(super) fn note(&mut self, at: SimTime, event: &Event) {
        let Event::SegmentRetried { transfer, index, node, cause } = event else { return log(at, event) };
        if !self.retried.iter_mut().any(|retried| retried.counts(at, *transfer, *node, cause)) {
            let (transfer, node, cause) = (*transfer, *node, cause.clone());
            self.retried.push(Retried { at, transfer, node, cause, first: *index, segments: 1 });
        }
    }

    /// Takes the masses that are counted.
    fn take(&mut self) -> Vec<Retried> {
        std::mem::take(&mut self.retried)
    }

    /// Writes the lines of the masses that are counted. Call when all events of an instant are noted.
    pub(super) fn flush(&mut self) {
        for Retried { at, transfer, node, cause, first, segments } in self.take() {
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
    use p2p_store::segment::SegmentId;

    use super::*;
    use crate::node::protocol::Refusal;

    fn retried(index: u32, node: usize) -> Event {
        let cause = Cause::Refused(Refusal::NotStored { id: SegmentId::of(&index.to_le_bytes()) });
        Event::SegmentRetried { transfer: TransferId(1), index, node: NodeNumber::from_index(node), cause }
    }

    #[test]
    fn segments_that_fail_together_are_one_line() {
        let mut lines = EventLines::default();
        (0..500).for_each(|index| lines.note(SimTime::ZERO, &retried(index, 1)));
        lines.note(SimTime::ZERO, &retried(500, 2));
        lines.note(SimTime::from_nanos(1), &retried(501, 1));
        let counts: Vec<(usize, u32, u64)> =
            lines.take().iter().map(|retried| (retried.node.index(), retried.first, retried.segments)).collect();
        assert_eq!(counts, [(1, 0, 500), (2, 500, 1), (1, 501, 1)]);
        assert_eq!(lines.take(), []);
    }
}
