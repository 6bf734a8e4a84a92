//! Traffic of all transfers: what has still to pass, by direction and holder.
//!
//! All transfers share the one connection to each node. What TCP holds of a connection passes in its order; of what follows, the
//! transfers have their turns, segment by segment, and requests without a segment come first. So of each other transfer as many bytes
//! pass before the last byte of a transfer as that one has itself, or all that it has left.

use std::collections::BTreeMap;

use p2p_base::units::SimTime;
use p2p_store::manifest::NodeNumber;

use super::estimate::{Counted, Measured, Others};
use crate::transfer::{Direction, TransferId};

/// Bytes that TCP usually holds of a connection on which segments follow each other: half a segment of the default size and the unsent
/// bytes up to which it is woken.
const USUALLY_HELD: f64 = 49_152.0;

/// Traffic between the client and the nodes.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) up: Backlog,
    pub(crate) down: Backlog,
}

/// What the transfers of one direction have still to pass.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    pub(super) transfers: usize,
    /// Bytes that have not arrived.
    pub(super) left: f64,
    /// Bytes that are requested and have not arrived.
    pub(super) open: f64,
    /// Instant at which the oldest of the transfers began.
    pub(super) since: Option<SimTime>,
    queues: BTreeMap<NodeNumber, Queue>,
}

/// Bytes that pass on the connection to one holder.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Bytes that TCP holds.
    held: f64,
    /// What TCP holds of each transfer.
    held_of: BTreeMap<TransferId, HeldPart>,
    /// Bytes that follow, of each transfer, in ascending order once all are known.
    rests: Vec<f64>,
    /// Sums of the rests up to each of them.
    sums: Vec<f64>,
    /// Bytes that have arrived with the holder, of the transfers that have requests to it.
    passed: Measured,
}

/// Bytes that TCP holds of one transfer.
#[derive(Debug, Clone, Copy, Default)]
struct HeldPart {
    bytes: f64,
    /// Bytes up to the last one, with those of others.
    until_last: f64,
}

/// Frame on a connection that the peer has not acknowledged whole, or that comes next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) transfer: Option<TransferId>,
    /// Bytes of the frame that TCP holds.
    pub(crate) bytes: u64,
    /// Bytes that TCP holds up to the end of the frame.
    pub(crate) until: u64,
}

impl Traffic {
    /// Returns what the transfers of a direction have to pass; removals count as uploads.
    pub(super) fn of(&self, way: Direction) -> &Backlog {
        if way == Direction::Download { &self.down } else { &self.up }
    }

    /// Returns what the transfers of the other direction have to pass.
    pub(super) fn against(&self, way: Direction) -> &Backlog {
        if way == Direction::Download { &self.up } else { &self.down }
    }

    /// Prepares the traffic for questions, once all of it is known.
    pub(crate) fn settle(&mut self) {
        let queues = self.up.queues.values_mut().chain(self.down.queues.values_mut());
        queues.for_each(Queue::settle);
    }
}

impl Backlog {
    /// Notes what TCP holds of the connection to a holder.
    pub(crate) fn hold(&mut self, node: NodeNumber, held: u64, frames: impl Iterator<Item = Pending>) {
        let queue = self.queues.entry(node).or_default();
        queue.held = held as f64;
        for Pending { transfer, bytes, until } in frames {
            if let Some(transfer) = transfer {
                let part = queue.held_of.entry(transfer).or_default();
                part.bytes += bytes as f64;
                part.until_last = part.until_last.max(until as f64);
            }
        }
    }

    /// Adds the bytes that a transfer has left for a holder, and those that have passed while it was busy.
    pub(super) fn add(&mut self, node: NodeNumber, transfer: TransferId, left: f64, passed: Option<Measured>) {
        let queue = self.queues.entry(node).or_default();
        let held = queue.held_of.get(&transfer).map_or(0.0, |part| part.bytes);
        queue.rests.push((left - held).max(0.0));
        if let Some(Measured { long, short }) = passed {
            let add =
                |to: &mut Counted, of: Counted| *to = Counted { bytes: to.bytes + of.bytes, seconds: to.seconds.max(of.seconds) };
            add(&mut queue.passed.long, long);
            add(&mut queue.passed.short, short);
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
    fn settle(&mut self) {
        self.rests.sort_by(f64::total_cmp);
        let sums = self.rests.iter().scan(0.0, |sum, rest| {
            *sum += rest;
            Some(*sum)
        });
        self.sums = sums.collect();
    }

    /// Returns the bytes that have passed, of the transfers that have requests to the holder.
    pub(super) const fn passed(&self) -> Measured {
        self.passed
    }

    /// Returns all bytes that have to pass.
    pub(super) fn all(&self) -> f64 {
        self.held + self.sums.last().copied().unwrap_or(0.0)
    }

    /// Returns the bytes of others beside a transfer that has `left` bytes left.
    pub(super) fn beside(&self, transfer: TransferId, left: f64) -> Others {
        let own = self.held_of.get(&transfer).copied().unwrap_or_default();
        let rest = (left - own.bytes).max(0.0);
        let before = match rest > 0.0 {
            true => self.held - own.bytes + self.up_to(rest) - rest,
            false => own.until_last - own.bytes,
        };
        let before = before.max(0.0);
        let after = (self.all() - own.bytes - rest - before).max(0.0);
        Others { before, after, held: after.min(self.held) }
    }

    /// Returns the bytes that follow what TCP holds until each transfer has had `most` bytes or all of its own.
    fn up_to(&self, most: f64) -> f64 {
        let smaller = self.rests.partition_point(|&rest| rest <= most);
        let sum = smaller.checked_sub(1).map_or(0.0, |last| self.sums[last]);
        sum + (self.rests.len() - smaller) as f64 * most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeNumber = NodeNumber::from_index(0);

    fn id(number: u64) -> TransferId {
        TransferId(number)
    }

    fn pending(number: u64, bytes: u64, until: u64) -> Pending {
        Pending { transfer: Some(id(number)), bytes, until }
    }

    /// Three transfers with 100, 300 and 1000 bytes left, of which TCP holds 60 of the first and 100 of the third.
    fn three() -> Traffic {
        let mut traffic = Traffic::default();
        traffic.up.hold(NODE, 160, [pending(1, 60, 60), pending(3, 100, 160)].into_iter());
        for (number, left) in [(1, 100.0), (2, 300.0), (3, 1_000.0)] {
            traffic.up.add(NODE, id(number), left, None);
        }
        traffic.settle();
        traffic
    }

    fn beside(traffic: &Traffic, number: u64, left: f64) -> (f64, f64) {
        let others = traffic.up.queue(NODE).unwrap().beside(id(number), left);
        (others.before, others.after)
    }

    #[test]
    fn each_of_the_others_passes_as_much_or_all_that_it_has() {
        let traffic = three();
        assert_eq!(traffic.up.queue(NODE).unwrap().all(), 1_400.0);
        // Of the second, 40 bytes pass while the first has its last 40; of the third what is held, and 40.
        assert_eq!(beside(&traffic, 1, 100.0), (100.0 + 40.0 + 40.0, 1_120.0));
        assert_eq!(beside(&traffic, 2, 300.0), (160.0 + 40.0 + 300.0, 600.0));
        assert_eq!(beside(&traffic, 3, 1_000.0), (60.0 + 40.0 + 300.0, 0.0));
    }

    #[test]
    fn behind_what_is_held_nothing_counts() {
        let mut traffic = Traffic::default();
        traffic.up.hold(NODE, 160, [pending(1, 60, 60), pending(3, 90, 150), pending(1, 0, 160)].into_iter());
        for (number, left) in [(1, 60.0), (3, 90.0)] {
            traffic.up.add(NODE, id(number), left, None);
        }
        traffic.settle();
        assert_eq!((beside(&traffic, 3, 90.0), beside(&traffic, 1, 60.0)), ((60.0, 10.0), (100.0, 0.0)));
        // A transfer that has nothing here waits for nothing.
        assert_eq!(beside(&traffic, 7, 0.0), (0.0, 160.0));
    }
}
