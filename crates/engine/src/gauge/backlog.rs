//! Backlog of all transfers of one direction: what has still to pass, by holder.
//!
//! All transfers share the one connection to each node. What TCP holds of a connection passes in its order; of what follows, the
//! transfers have their turns, segment by segment, and requests without a segment come first. The order is known, and with it the bytes
//! that pass up to the last one of each transfer.

use std::collections::BTreeMap;
use std::ops::Range;

use p2p_base::units::SimTime;
use p2p_net::MeterId;
use p2p_store::manifest::NodeNumber;

use super::course::NOTHING;
use super::measured::Measured;
use crate::transfer::TransferId;

/// Bytes that TCP usually holds of a connection on which segments follow each other: half a segment of the default size and the unsent
/// bytes up to which it is woken.
const USUALLY_HELD: f64 = 49_152.0;

/// Bytes that the transfers of one direction have still to pass.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    pub(super) transfers: usize,
    /// Bytes that have not arrived.
    pub(super) left: f64,
    /// Bytes that are requested and have not arrived.
    pub(super) open: f64,
    /// Instant at which the oldest of the transfers began.
    pub(super) since: Option<SimTime>,
    /// Meter of what the transfers bring.
    pub(super) payload: Option<MeterId>,
    queues: BTreeMap<NodeNumber, Queue>,
}

/// Bytes that pass on the connection to one holder.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Bytes that TCP holds.
    held: f64,
    /// Congestion window of the sender, in packets.
    window: f64,
    /// Seconds until what TCP holds is sent again, if it is lost.
    lost_for: Option<f64>,
    /// Bytes that TCP holds of each transfer.
    held_of: BTreeMap<TransferId, HeldPart>,
    /// Bytes that follow, of each transfer, in the order of the turns.
    turns: Vec<(TransferId, f64)>,
    /// Bytes up to the last one of each transfer of which some follow.
    last_of: BTreeMap<TransferId, f64>,
    /// Bytes that have arrived with the holder, of the transfers that have requests to it.
    passed: Option<Measured>,
}

/// Bytes that TCP holds of one transfer.
#[derive(Debug, Clone, Copy, Default)]
struct HeldPart {
    bytes: f64,
    /// Bytes up to the last one, with those of others.
    until_last: f64,
}

/// Stream of bytes that one end of a connection writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    /// Number of bytes written.
    pub(crate) written: u64,
    /// Number of bytes that have arrived at the peer, in order and beyond holes.
    pub(crate) arrived: u64,
    /// Number of bytes that have arrived in order, which the peer may read.
    pub(crate) delivered: u64,
    /// Number of bytes in flight.
    pub(crate) in_flight: u64,
    /// Congestion window, in packets.
    pub(crate) window: u32,
    /// Seconds until what is lost is sent again, if nothing else is on its way.
    pub(crate) lost_for: Option<f64>,
}

impl Backlog {
    /// Finds the order in which all passes, once all is known. Segments have so many bytes at the most.
    pub(super) fn settle(&mut self, segment: f64) {
        self.queues.values_mut().for_each(|queue| queue.settle(segment));
    }

    /// Notes what TCP holds of the connection to a holder: of the transfers, the frames at these places of the stream.
    pub(crate) fn hold(
        &mut self,
        node: NodeNumber,
        stream: Stream,
        frames: impl Iterator<Item = (Option<TransferId>, Range<u64>)>,
    ) {
        let queue = self.queues.entry(node).or_default();
        (queue.window, queue.lost_for) = (f64::from(stream.window), stream.lost_for);
        queue.held = stream.written.saturating_sub(stream.arrived) as f64;
        // What is lost is sent again behind what is in flight, and nothing behind it can be read before.
        let hole = if stream.delivered < stream.arrived { queue.held.min(stream.in_flight as f64) } else { 0.0 };
        for (transfer, range) in frames {
            let Some(transfer) = transfer else { continue };
            let part = queue.held_of.entry(transfer).or_default();
            part.bytes += range.end.saturating_sub(range.start.max(stream.arrived)) as f64;
            part.until_last = part.until_last.max(range.end.saturating_sub(stream.arrived) as f64).max(hole);
        }
    }

    /// Notes the transfers whose segments follow what TCP holds, in the order of their turns.
    pub(crate) fn take_turns(&mut self, node: NodeNumber, transfers: impl Iterator<Item = TransferId>) {
        self.queues.entry(node).or_default().turns.extend(transfers.map(|transfer| (transfer, 0.0)));
    }

    /// Adds the bytes that a transfer has left for a holder, and those that have passed while it was busy.
    pub(super) fn add(&mut self, node: NodeNumber, transfer: TransferId, left: f64, passed: Option<Measured>) {
        let queue = self.queues.entry(node).or_default();
        let rest = (left - queue.held_of(transfer)).max(0.0);
        match queue.turns.iter_mut().find(|(id, _)| *id == transfer) {
            Some((_, bytes)) => *bytes = rest,
            None => queue.turns.push((transfer, rest)),
        }
        if let Some(passed) = passed {
            queue.passed = Some(queue.passed.map_or(passed, |others| others.with(passed)));
        }
    }

    /// Returns the holders on whose connections something has to pass, with their queues.
    pub(super) fn queues(&self) -> impl Iterator<Item = (NodeNumber, &Queue)> {
        self.queues.iter().map(|(&node, queue)| (node, queue))
    }

    /// Returns the queue of a holder.
    pub(super) fn queue(&self, node: NodeNumber) -> Option<&Queue> {
        self.queues.get(&node)
    }

    /// Returns true if there are no others beside one transfer.
    pub(super) const fn is_of_one(&self) -> bool {
        self.transfers <= 1
    }

    /// Returns the bytes that TCP holds of all connections, or that it will hold once the transfers have begun.
    pub(super) fn usually_held(&self) -> f64 {
        let held: f64 = self.queues.values().map(|queue| queue.held).sum();
        held.max(self.left.min(self.queues.len() as f64 * USUALLY_HELD))
    }
}

impl Queue {
    /// Lets the transfers have their turns, each of a segment, and notes where the last byte of each is.
    fn settle(&mut self, segment: f64) {
        let mut rest: Vec<(TransferId, f64)> = self.turns.iter().copied().filter(|(_, bytes)| *bytes >= NOTHING).collect();
        let mut passed = self.held;
        while !rest.is_empty() {
            // Rounds in which none has its last turn pass all at once.
            let least = rest.iter().map(|(_, bytes)| *bytes).fold(f64::INFINITY, f64::min);
            let whole = ((least / segment).ceil() - 1.0).max(0.0) * segment;
            passed += whole * rest.len() as f64;
            for (transfer, bytes) in &mut rest {
                *bytes -= whole;
                passed += bytes.min(segment);
                *bytes -= bytes.min(segment);
                if *bytes < NOTHING {
                    self.last_of.insert(*transfer, passed);
                }
            }
            rest.retain(|(_, bytes)| *bytes >= NOTHING);
        }
    }

    /// Returns the bytes that have passed, of the transfers that have requests to the holder.
    pub(super) const fn passed(&self) -> Option<Measured> {
        self.passed
    }

    /// Returns the congestion window of the sender, in packets.
    pub(super) const fn window(&self) -> f64 {
        self.window
    }

    /// Returns the seconds until what TCP holds is sent again, if it is lost.
    pub(super) const fn lost_for(&self) -> Option<f64> {
        self.lost_for
    }

    /// Returns the bytes that TCP holds of a transfer.
    pub(super) fn held_of(&self, transfer: TransferId) -> f64 {
        self.held_of.get(&transfer).map_or(0.0, |part| part.bytes)
    }

    /// Returns true if TCP holds anything of a transfer.
    pub(super) fn holds(&self, transfer: TransferId) -> bool {
        self.held_of.contains_key(&transfer)
    }

    /// Returns all bytes that have to pass.
    pub(super) fn all(&self) -> f64 {
        self.held + self.turns.iter().map(|(_, bytes)| bytes).sum::<f64>()
    }

    /// Returns the bytes that pass up to the last one of a transfer, if it has any here.
    pub(super) fn last_of(&self, transfer: TransferId) -> Option<f64> {
        let held = || self.held_of.get(&transfer).map(|part| part.until_last);
        self.last_of.get(&transfer).copied().or_else(held)
    }

    /// Returns the bytes that TCP holds, or that it usually does, if so many have to pass: what is next waits behind these.
    pub(super) fn ahead(&self, left: f64) -> f64 {
        self.held.max(USUALLY_HELD).min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeNumber = NodeNumber::from_index(0);

    fn id(number: u64) -> TransferId {
        TransferId(number)
    }

    fn stream(written: u64, arrived: u64, delivered: u64) -> Stream {
        Stream { written, arrived, delivered, in_flight: 80, window: 10, lost_for: None }
    }

    /// Queue in which segments have 100 bytes at the most.
    fn queue(stream: Stream, frames: &[(u64, Range<u64>)], turns: &[u64], left: &[(u64, f64)]) -> Queue {
        let mut backlog = Backlog::default();
        backlog.hold(NODE, stream, frames.iter().map(|(number, range)| (Some(id(*number)), range.clone())));
        backlog.take_turns(NODE, turns.iter().map(|&number| id(number)));
        left.iter().for_each(|&(number, left)| backlog.add(NODE, id(number), left, None));
        let mut queue = backlog.queues.remove(&NODE).unwrap();
        queue.settle(100.0);
        queue
    }

    #[test]
    fn transfers_have_their_turns_behind_what_is_held() {
        // TCP holds 60 bytes of the first and 100 of the third, which has its turn before the second.
        let queue = queue(stream(160, 0, 0), &[(1, 0..60), (3, 60..160)], &[3, 2], &[(1, 100.0), (2, 130.0), (3, 350.0)]);
        assert_eq!(queue.all(), 580.0);
        let last = |number| queue.last_of(id(number));
        // 160; a segment of the third, one of the second and the 40 of the first; the third, and the 30 of the second; the third.
        assert_eq!([last(1), last(2), last(3)], [Some(400.0), Some(530.0), Some(580.0)]);
        assert_eq!(last(7), None);
    }

    #[test]
    fn long_transfers_take_few_steps() {
        let queue = queue(stream(0, 0, 0), &[], &[1, 2], &[(1, 1e12), (2, 1e12 + 50.0)]);
        assert_eq!([1, 2].map(|number| queue.last_of(id(number))), [Some(2e12 - 100.0), Some(2e12 + 50.0)]);
    }

    #[test]
    fn what_is_held_passes_in_its_order() {
        let frames = [(1, 0..60), (3, 60..150), (1, 160..160)];
        let queue = queue(stream(160, 20, 20), &frames, &[], &[(1, 40.0), (3, 90.0)]);
        assert_eq!([1, 3].map(|number| queue.last_of(id(number))), [Some(140.0), Some(130.0)]);
    }

    #[test]
    fn nothing_behind_a_hole_is_there_before_what_is_in_flight() {
        // Of the first nothing is missing but what is read before it.
        let queue = queue(stream(200, 100, 20), &[(1, 0..60), (3, 60..200)], &[], &[(3, 100.0)]);
        assert_eq!([1, 3].map(|number| queue.last_of(id(number))), [Some(80.0), Some(100.0)]);
    }
}
