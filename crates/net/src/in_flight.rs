//! Packets in flight. Each path and each downlink has a first-in-first-out queue of them, and all queues share one store:
//! thousands of connections with a few packets each would otherwise keep thousands of half-empty buffers.

use std::collections::HashMap;

use p2p_base::units::SimTime;

use super::packet::{Flags, Packet, SACK_BLOCKS, SackBlock, Side, Traits, wire_len};

const NONE: u32 = u32::MAX;

/// One queue: the slots of its first and last packet in the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PacketQueue {
    first: u32,
    last: u32,
}

impl Default for PacketQueue {
    /// Returns an empty queue.
    fn default() -> PacketQueue {
        PacketQueue { first: NONE, last: NONE }
    }
}

/// Instant at which a packet reaches the end of a path or of a downlink, and its order number, which decides between packets due at
/// the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scheduled {
    pub(crate) at: SimTime,
    pub(crate) order: u64,
}

/// A packet in the store, without its SACK blocks, because hardly any packet in flight has some.
#[derive(Debug, Clone, Copy)]
struct Slot {
    scheduled: Scheduled,
    seq: u64,
    ack: u64,
    slot: u32,
    window: u32,
    timestamp: u32,
    timestamp_echo: u32,
    /// Slot of the next packet of the same queue, or of the next free slot.
    next: u32,
    len: u16,
    flags: Flags,
    traits: Traits,
}

impl Slot {
    fn new(scheduled: Scheduled, packet: &Packet, is_corrupt: bool) -> Slot {
        Slot {
            scheduled,
            seq: packet.seq,
            ack: packet.ack,
            slot: packet.slot,
            window: packet.window,
            timestamp: packet.timestamp,
            timestamp_echo: packet.timestamp_echo,
            next: NONE,
            len: packet.len,
            flags: packet.flags,
            traits: packet.traits.with(Traits::CORRUPT, is_corrupt),
        }
    }

    /// Returns the packet without its SACK blocks.
    fn packet(&self) -> Packet {
        Packet {
            slot: self.slot,
            traits: self.traits,
            flags: self.flags,
            len: self.len,
            window: self.window,
            timestamp: self.timestamp,
            timestamp_echo: self.timestamp_echo,
            seq: self.seq,
            ack: self.ack,
            sack: [SackBlock::default(); SACK_BLOCKS],
        }
    }
}

/// Store of the packets of all queues.
#[derive(Debug)]
pub(crate) struct PacketStore {
    slots: Vec<Slot>,
    free: u32,
    /// SACK blocks of the packets that have some, by their slots.
    sacks: HashMap<u32, [SackBlock; SACK_BLOCKS]>,
    packets: u64,
    bytes: u64,
}

impl Default for PacketStore {
    fn default() -> PacketStore {
        PacketStore { slots: Vec::new(), free: NONE, sacks: HashMap::new(), packets: 0, bytes: 0 }
    }
}

impl PacketStore {
    /// Appends a packet to a queue, with or without a changed bit. Returns true if the queue was empty before.
    #[inline]
    pub(crate) fn push(&mut self, queue: &mut PacketQueue, scheduled: Scheduled, packet: &Packet, is_corrupt: bool) -> bool {
        self.packets += 1;
        self.bytes += u64::from(packet.wire_len());
        let place = self.vacant();
        self.slots[place as usize] = Slot::new(scheduled, packet, is_corrupt);
        if packet.sack_blocks() > 0 {
            self.sacks.insert(place, packet.sack);
        }
        self.append(queue, place)
    }

    /// Appends a slot, which is the last of its queue. Returns true if the queue was empty before.
    #[inline]
    fn append(&mut self, queue: &mut PacketQueue, place: u32) -> bool {
        let alone = queue.first == NONE;
        if alone {
            queue.first = place;
        } else {
            self.slots[queue.last as usize].next = place;
        }
        queue.last = place;
        alone
    }

    /// Takes the first slot off a queue, without freeing it.
    #[inline]
    fn detach(&mut self, queue: &mut PacketQueue) -> Option<u32> {
        let place = queue.first;
        let slot = self.slots.get_mut(place as usize)?;
        queue.first = std::mem::replace(&mut slot.next, NONE);
        Some(place)
    }

    /// Returns a slot that is free no more.
    #[inline]
    fn vacant(&mut self) -> u32 {
        let place = self.free;
        let Some(slot) = self.slots.get(place as usize) else { return self.new_slot() };
        self.free = slot.next;
        place
    }

    #[cold]
    fn new_slot(&mut self) -> u32 {
        self.slots.push(Slot::new(Scheduled { at: SimTime::ZERO, order: 0 }, &Packet::header(0, Side::Opener), false));
        (self.slots.len() - 1) as u32
    }

    /// Removes and returns the first packet of a queue.
    #[inline(always)]
    pub(crate) fn pop(&mut self, queue: &mut PacketQueue) -> Option<Packet> {
        let place = queue.first;
        let slot = self.slots.get_mut(place as usize)?;
        queue.first = std::mem::replace(&mut slot.next, self.free);
        self.free = place;
        let mut packet = slot.packet();
        if packet.sack_blocks() > 0 {
            packet.sack = self.take_sack(place);
        }
        self.packets -= 1;
        self.bytes -= u64::from(packet.wire_len());
        Some(packet)
    }

    #[cold]
    fn take_sack(&mut self, place: u32) -> [SackBlock; SACK_BLOCKS] {
        self.sacks.remove(&place).unwrap_or_default()
    }

    /// Moves the first packet of a queue to the end of another, where it is due at another instant. Returns true if that was empty
    /// before.
    #[inline]
    pub(crate) fn forward(&mut self, from: &mut PacketQueue, to: &mut PacketQueue, scheduled: Scheduled) -> bool {
        let Some(place) = self.detach(from) else { return false };
        self.slots[place as usize].scheduled = scheduled;
        self.append(to, place)
    }

    /// Returns the order number of the first packet of a queue, and its length on the wire.
    #[inline]
    pub(crate) fn head(&self, queue: PacketQueue) -> Option<(u64, u16)> {
        let slot = self.slots.get(queue.first as usize)?;
        Some((slot.scheduled.order, wire_len(slot.traits, slot.flags, slot.len)))
    }

    /// Removes and returns the packets of a queue with order numbers from `order` on, each with its number.
    pub(crate) fn take_from(&mut self, queue: &mut PacketQueue, order: u64) -> Vec<(u64, Packet)> {
        let (mut kept, mut taken) = (PacketQueue::default(), PacketQueue::default());
        while let Some(place) = self.detach(queue) {
            let is_taken = self.slots[place as usize].scheduled.order >= order;
            self.append(if is_taken { &mut taken } else { &mut kept }, place);
        }
        *queue = kept;
        let next = || self.first(taken).map(|first| first.order).zip(self.pop(&mut taken));
        std::iter::from_fn(next).collect()
    }

    /// Moves the packets of one queue to another, which has them all then in the order in which they are due.
    pub(crate) fn merge(&mut self, from: &mut PacketQueue, into: &mut PacketQueue) {
        let mut merged = PacketQueue::default();
        loop {
            let (one, other) = (self.first(*from), self.first(*into));
            let next = if other.is_none() || one.is_some_and(|one| Some(one) < other) { &mut *from } else { &mut *into };
            let Some(place) = self.detach(next) else { break };
            self.append(&mut merged, place);
        }
        (*from, *into) = (PacketQueue::default(), merged);
    }

    /// Gives the packets of a queue other instants, and puts them in the order in which they are due then.
    pub(crate) fn retime(&mut self, queue: &mut PacketQueue, mut due: impl FnMut(Scheduled) -> SimTime) {
        let mut places: Vec<u32> = std::iter::from_fn(|| self.detach(queue)).collect();
        for &place in &places {
            let scheduled = &mut self.slots[place as usize].scheduled;
            scheduled.at = due(*scheduled);
        }
        places.sort_by_key(|&place| self.slots[place as usize].scheduled);
        for place in places {
            self.append(queue, place);
        }
    }

    /// Returns the instant and the number of the first packet of a queue.
    #[inline]
    pub(crate) fn first(&self, queue: PacketQueue) -> Option<Scheduled> {
        self.slots.get(queue.first as usize).map(|slot| slot.scheduled)
    }

    /// Returns the instant and the number of the last packet of a queue.
    #[inline]
    pub(crate) fn last(&self, queue: PacketQueue) -> Option<Scheduled> {
        if queue.first == NONE { None } else { self.slots.get(queue.last as usize).map(|slot| slot.scheduled) }
    }

    /// Returns the number of packets in all queues, and their bytes.
    pub(crate) fn total(&self) -> (u64, u64) {
        (self.packets, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn scheduled(order: u64) -> Scheduled {
        Scheduled { at: SimTime::ZERO, order }
    }

    fn pop_number(store: &mut PacketStore, queue: &mut PacketQueue) -> Option<u64> {
        let first = store.first(*queue);
        store.pop(queue).and(first).map(|first| first.order)
    }

    #[test]
    fn a_packet_comes_out_as_it_went_in() {
        let mut store = PacketStore::default();
        let (mut plain, mut queue) = (Packet::header(7, Side::Acceptor), PacketQueue::default());
        (plain.flags, plain.len, plain.window, plain.timestamp, plain.timestamp_echo) = (Flags::ACK, 1448, 5, 6, 7);
        (plain.seq, plain.ack) = (1 << 40, 1 << 41);
        plain.traits = plain.traits.with(Traits::RETRANSMISSION, true).with(Traits::CORRUPT, true);
        let sack = [SackBlock::new(plain.ack, 1, 2), SackBlock::new(plain.ack, 3, 4), SackBlock::default()];
        let packets = [plain, Packet { traits: plain.traits.with_sack_blocks(2), sack, ..plain }, Packet::datagram(9, 8)];
        for (order, packet) in (0..).zip(packets) {
            store.push(
                &mut queue,
                Scheduled { at: SimTime::from_nanos(order), order },
                &packet,
                packet.traits.any(Traits::CORRUPT),
            );
        }
        for packet in packets {
            assert_eq!(format!("{:?}", store.pop(&mut queue)), format!("{:?}", Some(packet)));
        }
        assert!(store.sacks.is_empty());
        assert_eq!(size_of::<Slot>(), 56);
    }

    #[test]
    fn a_packet_goes_from_queue_to_queue_as_it_is() {
        let (mut store, mut from, mut to) = (PacketStore::default(), PacketQueue::default(), PacketQueue::default());
        let mut packet = Packet::header(7, Side::Acceptor);
        packet.traits = packet.traits.with_sack_blocks(1);
        packet.sack[0] = SackBlock::new(packet.ack, 1, 2);
        for order in 0..2 {
            store.push(&mut from, scheduled(order), &packet, order == 1);
        }
        assert_eq!((store.head(from), store.head(to)), (Some((0, packet.wire_len())), None));
        let later = |order| Scheduled { at: SimTime::from_nanos(order), order };
        assert_eq!([7, 8].map(|order| store.forward(&mut from, &mut to, later(order))), [true, false]);
        assert_eq!((store.first(from), store.first(to), store.last(to)), (None, Some(later(7)), Some(later(8))));
        assert_eq!(store.total(), (2, 2 * u64::from(packet.wire_len())));
        for (order, is_corrupt) in [(7, false), (8, true)] {
            let number = store.first(to).map(|first| first.order);
            let expected = Packet { traits: packet.traits.with(Traits::CORRUPT, is_corrupt), ..packet };
            assert_eq!((number, format!("{:?}", store.pop(&mut to))), (Some(order), format!("{:?}", Some(expected))));
        }
        assert!(!store.forward(&mut from, &mut to, later(9)));
    }

    proptest! {
        /// Queues that share a store are as good as queues of their own.
        #[test]
        fn queues_do_not_mind_each_other(steps in proptest::collection::vec((0usize..3, any::<bool>()), 1..200)) {
            let (mut store, mut queues) = (PacketStore::default(), [PacketQueue::default(); 3]);
            let mut models: [VecDeque<u64>; 3] = Default::default();
            for (order, (which, push)) in steps.into_iter().enumerate() {
                let order = order as u64;
                if push {
                    let alone = store.push(&mut queues[which], scheduled(order), &Packet::datagram(0, 72), false);
                    prop_assert_eq!(alone, models[which].is_empty());
                    models[which].push_back(order);
                } else {
                    prop_assert_eq!(pop_number(&mut store, &mut queues[which]), models[which].pop_front());
                }
                prop_assert_eq!(store.first(queues[which]).map(|flying| flying.order), models[which].front().copied());
                prop_assert_eq!(store.last(queues[which]).map(|flying| flying.order), models[which].back().copied());
                let held: usize = models.iter().map(VecDeque::len).sum();
                prop_assert_eq!(store.total(), (held as u64, 100 * held as u64));
            }
            prop_assert!(store.slots.len() <= 200);
        }

        /// Two queues in the order of their instants make one that is in order too, and can be continued.
        #[test]
        fn queues_can_be_merged(mut one in proptest::collection::vec(0u64..50, 0..20), mut other in proptest::collection::vec(0u64..50, 0..20)) {
            let (mut store, mut from, mut into) = (PacketStore::default(), PacketQueue::default(), PacketQueue::default());
            one.sort_unstable();
            other.sort_unstable();
            let mut expected = Vec::new();
            for (order, &at) in (0..).zip(one.iter().chain(&other)) {
                let (is_one, scheduled) = (order < one.len() as u64, Scheduled { at: SimTime::from_nanos(at), order });
                store.push(if is_one { &mut from } else { &mut into }, scheduled, &Packet::datagram(0, 72), false);
                expected.push(scheduled);
            }
            expected.sort_unstable();
            store.merge(&mut from, &mut into);
            prop_assert_eq!((store.first(from), store.last(from)), (None, None));
            prop_assert_eq!(store.last(into), expected.last().copied());
            let last = Scheduled { at: SimTime::from_nanos(50), order: 100 };
            prop_assert_eq!(store.push(&mut into, last, &Packet::datagram(0, 72), false), expected.is_empty());
            expected.push(last);
            let mut seen = Vec::new();
            while let Some(first) = store.first(into) {
                seen.push(first);
                store.pop(&mut into);
            }
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(store.total(), (0, 0));
        }

        /// A queue without its end is the queue of the packets before it, and can be continued.
        #[test]
        fn the_end_of_a_queue_can_be_taken(len in 0u64..20, from in 0u64..25, more in 0u64..5) {
            let (mut store, mut queue, mut other) = (PacketStore::default(), PacketQueue::default(), PacketQueue::default());
            let packet = Packet::datagram(0, 72);
            for order in 0..len {
                store.push(&mut queue, scheduled(order), &packet, false);
                store.push(&mut other, scheduled(order), &packet, false);
            }
            let taken: Vec<u64> = store.take_from(&mut queue, from).iter().map(|&(order, _)| order).collect();
            prop_assert_eq!(taken, (from..len).collect::<Vec<_>>());
            for order in 100..100 + more {
                let alone = store.push(&mut queue, scheduled(order), &packet, false);
                prop_assert_eq!(alone, order == 100 && from.min(len) == 0);
            }
            let left: Vec<u64> = std::iter::from_fn(|| pop_number(&mut store, &mut queue)).collect();
            prop_assert_eq!(left, (0..from.min(len)).chain(100..100 + more).collect::<Vec<_>>());
            prop_assert_eq!(store.total().0, len);
        }
    }
}
