//! The scoreboard: the state of every packet sent and not yet acknowledged, and the order in which the packets were sent.
//!
//! The marks and the way they are counted are those of RFC 6675 §2 and of Linux: a packet is SACKed, lost, retransmitted, or
//! none of these, and `in flight = sent - SACKed - lost + retransmitted`. A list through the packets, ordered by the time
//! each was last sent, serves RACK (RFC 8985 §6.2). The rules by which a packet is lost are in [`rack`](super::rack).

use std::collections::VecDeque;

use p2p_base::units::SimTime;

const NO_PACKET: u32 = u32::MAX;

/// Set of marks on a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks(u8);

impl Marks {
    /// The receiver has the packet, beyond a hole.
    pub(super) const SACKED: Marks = Marks(1);
    /// The packet is considered lost.
    pub(super) const LOST: Marks = Marks(2);
    /// A retransmission of the packet is in flight.
    pub(super) const RETRANSMITTED: Marks = Marks(4);
    /// The packet was retransmitted at some time.
    pub(super) const EVER_RETRANSMITTED: Marks = Marks(8);
    /// The packet ends the stream.
    pub(super) const FIN: Marks = Marks(16);
    /// The packet is in the list ordered by time.
    const LISTED: Marks = Marks(32);
    /// The packet was the last of a burst.
    const BURST_END: Marks = Marks(64);

    pub(super) const fn any(self, marks: Marks) -> bool {
        self.0 & marks.0 != 0
    }

    fn set(&mut self, marks: Marks) {
        self.0 |= marks.0;
    }

    fn clear(&mut self, marks: Marks) {
        self.0 &= !marks.0;
    }
}

/// Properties of a packet as the end of a stream or a burst.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    pub(super) stream: bool,
    pub(super) burst: bool,
}

/// One packet that is not acknowledged yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// Offset of the packet's first byte in the stream.
    pub(super) seq: u64,
    /// Instant at which the packet was last sent.
    pub(super) at: SimTime,
    /// Number of transmissions up to its latest one; orders packets sent at the same instant.
    pub(super) turn: u32,
    older: u32,
    newer: u32,
    /// Payload length in bytes.
    pub(super) len: u16,
    pub(super) marks: Marks,
}

impl Sent {
    /// Returns the offset after the packet; a FIN takes one offset (RFC 9293 §3.4).
    pub(super) fn end(&self) -> u64 {
        self.seq + u64::from(self.len) + u64::from(self.marks.any(Marks::FIN))
    }

    /// Returns true if the packet was ever retransmitted.
    pub(super) fn was_retransmitted(&self) -> bool {
        self.marks.any(Marks::EVER_RETRANSMITTED)
    }
}

/// Outstanding packets in the order of the stream, each with a number that stays the same while the packet is listed.
#[derive(Debug)]
pub(super) struct Scoreboard {
    packets: VecDeque<Sent>,
    /// Number of the first packet.
    first: u32,
    oldest: u32,
    newest: u32,
    sacked: u32,
    lost: u32,
    retransmitted: u32,
    /// Number of bursts of which a packet is outstanding; a burst is a group of packets as first sent.
    bursts: u32,
    /// Offset after the highest SACKed packet.
    highest_sacked_end: u64,
    /// Number of transmissions so far, retransmissions included.
    turns: u32,
    /// Lower bound of the search for lost packets that wait to be retransmitted.
    pub(super) retransmit_from: u32,
}

impl Scoreboard {
    pub(super) fn new() -> Scoreboard {
        Scoreboard {
            packets: VecDeque::new(),
            first: 0,
            oldest: NO_PACKET,
            newest: NO_PACKET,
            sacked: 0,
            lost: 0,
            retransmitted: 0,
            bursts: 0,
            highest_sacked_end: 0,
            turns: 0,
            retransmit_from: 0,
        }
    }

    /// Returns the number of packets sent and not acknowledged.
    pub(super) fn outstanding(&self) -> u32 {
        self.packets.len() as u32
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn sacked(&self) -> u32 {
        self.sacked
    }

    pub(super) fn lost(&self) -> u32 {
        self.lost
    }

    pub(super) fn retransmitted(&self) -> u32 {
        self.retransmitted
    }

    /// Returns the number of bursts that are not fully acknowledged.
    pub(super) fn bursts(&self) -> u32 {
        self.bursts
    }

    /// Returns the number of packets in flight (RFC 6675 §2: `pipe`).
    pub(super) fn in_flight(&self) -> u32 {
        self.outstanding() + self.retransmitted - self.sacked - self.lost
    }

    /// Returns the offset after the highest SACKed packet; 0 if there is none.
    pub(super) fn highest_sacked_end(&self) -> u64 {
        if self.sacked == 0 { 0 } else { self.highest_sacked_end }
    }

    /// Returns the range of packet numbers, from the first to one past the last.
    pub(super) fn numbers(&self) -> std::ops::Range<u32> {
        self.first..self.first.wrapping_add(self.outstanding())
    }

    pub(super) fn get(&self, number: u32) -> Option<&Sent> {
        self.packets.get(number.wrapping_sub(self.first) as usize)
    }

    pub(super) fn front(&self) -> Option<&Sent> {
        self.packets.front()
    }

    pub(super) fn back_number(&self) -> Option<u32> {
        self.outstanding().checked_sub(1).map(|last| self.first.wrapping_add(last))
    }

    /// Returns the number of the packet that contains `offset`, or of the first one after it.
    pub(super) fn find(&self, offset: u64) -> u32 {
        let index = self.packets.partition_point(|packet| packet.end() <= offset);
        self.first.wrapping_add(index as u32)
    }

    /// Adds a packet that has just been sent for the first time.
    pub(super) fn push(&mut self, seq: u64, len: u16, ends: Ends, at: SimTime) {
        let number = self.first.wrapping_add(self.outstanding());
        let mut marks = if ends.stream { Marks::FIN } else { Marks::default() };
        if ends.burst {
            marks.set(Marks::BURST_END);
            self.bursts += 1;
        }
        let turn = self.next_turn();
        if self.packets.len() == self.packets.capacity() {
            // The capacity grows by half instead of doubling, because with many connections most have a few dozen packets
            // here.
            self.packets.reserve_exact(self.packets.len() / 2 + 8);
        }
        self.packets.push_back(Sent { seq, at, turn, older: NO_PACKET, newer: NO_PACKET, len, marks });
        self.list_as_newest(number);
    }

    /// Removes and returns the first packet, which is acknowledged.
    pub(super) fn pop_front(&mut self) -> Option<Sent> {
        self.unlist(self.first);
        let packet = self.packets.pop_front()?;
        self.first = self.first.wrapping_add(1);
        if is_before(self.retransmit_from, self.first) {
            self.retransmit_from = self.first;
        }
        self.bursts -= u32::from(packet.marks.any(Marks::BURST_END));
        self.sacked -= u32::from(packet.marks.any(Marks::SACKED));
        self.lost -= u32::from(packet.marks.any(Marks::LOST));
        self.retransmitted -= u32::from(packet.marks.any(Marks::RETRANSMITTED));
        Some(packet)
    }

    /// Marks a packet as SACKed. Its retransmission counts as delivered only if the packet was considered lost; otherwise the
    /// retransmission is assumed to be still in flight.
    pub(super) fn mark_sacked(&mut self, number: u32) {
        let Some(packet) = self.packet_mut(number) else { return };
        let was_lost = packet.marks.any(Marks::LOST);
        let was_flying_again = was_lost && packet.marks.any(Marks::RETRANSMITTED);
        packet.marks.set(Marks::SACKED);
        packet.marks.clear(Marks::LOST);
        if was_flying_again {
            packet.marks.clear(Marks::RETRANSMITTED);
        }
        let end = packet.end();
        self.lost -= u32::from(was_lost);
        self.retransmitted -= u32::from(was_flying_again);
        self.highest_sacked_end = if self.sacked == 0 { end } else { self.highest_sacked_end.max(end) };
        self.sacked += 1;
        self.unlist(number);
    }

    /// Marks a packet, or its retransmission, as lost. Returns the number of packets newly found lost: 0 or 1.
    pub(super) fn mark_lost(&mut self, number: u32) -> u32 {
        let Some(packet) = self.packet_mut(number) else { return 0 };
        if packet.marks.any(Marks::SACKED) {
            return 0;
        }
        let was_lost = packet.marks.any(Marks::LOST);
        let was_flying_again = packet.marks.any(Marks::RETRANSMITTED);
        if was_lost && !was_flying_again {
            return 0;
        }
        packet.marks.set(Marks::LOST);
        if was_lost {
            packet.marks.clear(Marks::RETRANSMITTED);
            self.retransmitted -= 1;
        } else {
            self.lost += 1;
        }
        if is_before(number, self.retransmit_from) {
            self.retransmit_from = number;
        }
        1
    }

    /// Records that a packet has been sent again while its first transmission may still arrive (a loss probe).
    pub(super) fn mark_resent(&mut self, number: u32, at: SimTime) {
        self.unlist(number);
        let turn = self.next_turn();
        let Some(packet) = self.packet_mut(number) else { return };
        packet.marks.set(Marks::EVER_RETRANSMITTED);
        packet.at = at;
        packet.turn = turn;
        self.list_as_newest(number);
    }

    /// Records that a lost packet has been retransmitted.
    pub(super) fn mark_retransmitted(&mut self, number: u32, at: SimTime) {
        self.mark_resent(number, at);
        let Some(packet) = self.packet_mut(number) else { return };
        let was_flying_again = packet.marks.any(Marks::RETRANSMITTED);
        packet.marks.set(Marks::RETRANSMITTED);
        self.retransmitted += u32::from(!was_flying_again);
    }

    /// Removes the retransmission from the packets in flight, because a duplicate report shows that it arrived beside the
    /// original.
    pub(super) fn forget_retransmission(&mut self, number: u32) {
        let Some(packet) = self.packet_mut(number) else { return };
        if packet.marks.any(Marks::RETRANSMITTED) {
            packet.marks.clear(Marks::RETRANSMITTED);
            self.retransmitted -= 1;
        }
    }

    /// Clears the lost marks of all packets, because none is lost after all.
    pub(super) fn unmark_lost(&mut self) {
        for index in 0..self.packets.len() {
            let number = self.first.wrapping_add(index as u32);
            let Some(packet) = self.packet_mut(number) else { continue };
            packet.marks.clear(Marks::LOST);
        }
        self.lost = 0;
        self.retransmit_from = self.first;
    }

    /// Clears the SACKed marks of all packets, because the receiver has discarded the data that it had reported (RFC 2018
    /// §8).
    pub(super) fn unmark_sacked(&mut self) {
        for packet in &mut self.packets {
            packet.marks.clear(Marks::SACKED);
        }
        self.sacked = 0;
    }

    /// Returns the packet sent longest ago, of those neither SACKed nor lost.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.oldest != NO_PACKET).then_some(self.oldest)
    }

    /// Returns the packet sent next after `number`.
    pub(super) fn next_by_time(&self, number: u32) -> Option<u32> {
        self.get(number).map(|packet| packet.newer).filter(|&newer| newer != NO_PACKET)
    }

    /// Removes a packet from the order by time; it cannot be marked lost again before it is sent again.
    pub(super) fn unlist(&mut self, number: u32) {
        let Some(packet) = self.packet_mut(number) else { return };
        if !packet.marks.any(Marks::LISTED) {
            return;
        }
        packet.marks.clear(Marks::LISTED);
        let (older, newer) = (packet.older, packet.newer);
        match self.packet_mut(older) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.packet_mut(newer) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
    }

    fn list_as_newest(&mut self, number: u32) {
        let newest = std::mem::replace(&mut self.newest, number);
        match self.packet_mut(newest) {
            Some(newest) => newest.newer = number,
            None => self.oldest = number,
        }
        if let Some(packet) = self.packet_mut(number) {
            packet.older = newest;
            packet.newer = NO_PACKET;
            packet.marks.set(Marks::LISTED);
        }
    }

    fn next_turn(&mut self) -> u32 {
        self.turns = self.turns.wrapping_add(1);
        self.turns
    }

    fn packet_mut(&mut self, number: u32) -> Option<&mut Sent> {
        self.packets.get_mut(number.wrapping_sub(self.first) as usize)
    }
}

/// Returns true if the turn or number `a` comes before `b`; both wrap around.
pub(super) fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn board(packets: u64) -> Scoreboard {
        let mut board = Scoreboard::new();
        for n in 0..packets {
            board.push(1 + n * 100, 100, Ends::default(), SimTime::from_nanos(n));
        }
        board
    }

    fn by_time(board: &Scoreboard) -> Vec<u32> {
        std::iter::successors(board.oldest(), |&number| board.next_by_time(number)).collect()
    }

    #[test]
    fn a_packet_is_found_by_any_of_its_bytes() {
        let board = board(5);
        assert_eq!((board.find(1), board.find(100), board.find(101), board.find(900)), (0, 0, 1, 5));
    }

    #[test]
    fn the_order_by_time_leaves_out_what_is_settled() {
        let mut board = board(5);
        board.mark_sacked(2);
        board.mark_lost(1);
        board.unlist(1);
        assert_eq!(by_time(&board), [0, 3, 4]);
        board.mark_retransmitted(1, SimTime::from_nanos(9));
        assert_eq!(by_time(&board), [0, 3, 4, 1]);
        board.pop_front();
        board.pop_front();
        assert_eq!(by_time(&board), [3, 4]);
    }

    proptest! {
        /// The counters are those that a count of the marks gives, whatever happens to the packets.
        #[test]
        fn counters_agree_with_the_marks(steps in proptest::collection::vec((0u8..6, 0u32..30), 1..200)) {
            let mut board = board(10);
            let mut sent = 10u64;
            for (at, (step, pick)) in steps.into_iter().enumerate() {
                let number = board.numbers().start.wrapping_add(pick);
                match step {
                    0 => { board.push(1 + sent * 100, 100, Ends::default(), SimTime::from_nanos(100 + at as u64)); sent += 1; }
                    1 => { board.pop_front(); }
                    2 => if board.get(number).is_some_and(|p| !p.marks.any(Marks::SACKED)) { board.mark_sacked(number) },
                    3 => { if board.mark_lost(number) == 1 { board.unlist(number) } }
                    4 => if board.get(number).is_some_and(|p| p.marks.any(Marks::LOST)) {
                        board.mark_retransmitted(number, SimTime::from_nanos(100 + at as u64));
                    },
                    _ => board.forget_retransmission(number),
                }
                let count = |mark| board.packets.iter().filter(|p| p.marks.any(mark)).count() as u32;
                prop_assert_eq!(board.sacked(), count(Marks::SACKED));
                prop_assert_eq!(board.lost(), count(Marks::LOST));
                prop_assert_eq!(board.retransmitted(), count(Marks::RETRANSMITTED));
                let times: Vec<SimTime> = by_time(&board).iter().map(|&n| board.get(n).unwrap().at).collect();
                prop_assert!(times.is_sorted());
                let waiting = board.numbers().find(|&n| {
                    let marks = board.get(n).unwrap().marks;
                    marks.any(Marks::LOST) && !marks.any(Marks::RETRANSMITTED)
                });
                prop_assert!(waiting.is_none_or(|n| n.wrapping_sub(board.retransmit_from) as i32 >= 0));
            }
        }
    }
}
