//! The scoreboard: the state of every packet sent and not yet acknowledged, and the order in which the packets were sent.
//!
//! The marks and the way they are counted are those of RFC 6675 §2 and of Linux: a packet is SACKed, lost, retransmitted, or
//! none of these, and `in flight = sent - SACKed - lost + retransmitted`. Packets are kept in [`runs`](super::runs) until one of them
//! is looked at, and from then on one by one. A walk through these in the order in which each was last sent serves RACK (RFC 8985
//! §6.2). The rules by which a packet is lost are in [`rack`](super::rack).

use std::collections::VecDeque;

use p2p_base::units::SimTime;

use super::runs::{Acked, LastPacket, Place, Runs};
use super::sent::{Marks, Sent};

/// Packets that are looked at one by one.
#[derive(Debug, Default)]
struct Singles {
    packets: VecDeque<Sent>,
    /// Numbers and turns of packets that were sent again, in that order. An entry is void once its packet is acknowledged, not listed
    /// or sent once more.
    resent: VecDeque<(u32, u32)>,
    /// Number before which no listed packet was sent only once.
    originals_from: u32,
}

/// Outstanding packets in the order of the stream, each with a number that stays the same while the packet is outstanding.
#[derive(Debug, Default)]
pub(super) struct Scoreboard {
    /// The first packets, from the time at which one is looked at.
    singles: Option<Box<Singles>>,
    /// The packets after those.
    runs: Runs,
    /// Number of the first packet.
    first: u32,
    outstanding: u32,
    sacked: u32,
    lost: u32,
    retransmitted: u32,
    /// Number of bursts of which a packet is outstanding; a burst is a group of packets as first sent.
    bursts: u32,
    /// Number of transmissions so far, retransmissions included.
    turns: u32,
    /// Lower bound of the search for lost packets that wait to be retransmitted.
    pub(super) retransmit_from: u32,
    /// Offset after the highest SACKed packet.
    highest_sacked_end: u64,
}

/// Position in the order by time: the next packets to look at, of those sent once and of those sent again.
#[derive(Debug)]
pub(super) struct Walk {
    original: u32,
    resent: usize,
}

impl Scoreboard {
    /// Returns the number of packets sent and not acknowledged.
    pub(super) fn outstanding(&self) -> u32 {
        self.outstanding
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outstanding == 0
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

    pub(super) fn get(&self, number: u32) -> Option<Sent> {
        let place = number.wrapping_sub(self.first);
        let singles = self.singles.as_deref().map_or(0, |singles| singles.packets.len() as u32);
        match place.checked_sub(singles) {
            Some(place) => self.runs.get(place),
            None => self.singles.as_deref()?.packets.get(place as usize).copied(),
        }
    }

    /// Returns the first packet.
    #[inline]
    pub(super) fn front(&self) -> Option<Sent> {
        let single = self.singles.as_deref().and_then(|singles| singles.packets.front());
        single.copied().or_else(|| self.runs.front())
    }

    /// Returns the instant at which the first packet was last sent.
    #[inline]
    pub(super) fn front_sent_at(&self) -> Option<SimTime> {
        let single = self.singles.as_deref().and_then(|singles| singles.packets.front());
        single.map(|packet| packet.at).or_else(|| self.runs.sent_at())
    }

    pub(super) fn back_number(&self) -> Option<u32> {
        self.outstanding().checked_sub(1).map(|last| self.first.wrapping_add(last))
    }

    /// Returns the number of the packet that contains `offset`, or of the first one after it.
    pub(super) fn find(&mut self, offset: u64) -> u32 {
        let index = self.expand().packets.partition_point(|packet| packet.end() <= offset);
        self.first.wrapping_add(index as u32)
    }

    /// Adds a burst of `packets` packets that has just been sent for the first time; all but the `last` are of full size.
    pub(super) fn push(&mut self, seq: u64, packets: u8, last: LastPacket, at: SimTime) {
        self.runs.push(Place { seq, turn: self.turns.wrapping_add(1) }, packets, last, at);
        self.turns = self.turns.wrapping_add(u32::from(packets));
        self.outstanding += u32::from(packets);
        self.bursts += 1;
    }

    /// Removes and returns packets from the front that are acknowledged up to `una` and have equal marks.
    #[inline]
    pub(super) fn pop_acked(&mut self, una: u64) -> Option<Acked> {
        let acked = match self.singles.as_deref_mut().filter(|singles| !singles.packets.is_empty()) {
            None => self.runs.pop_acked(una)?,
            Some(singles) => {
                let packet = singles.packets.pop_front_if(|packet| packet.end() <= una)?;
                self.sacked -= u32::from(packet.marks.any(Marks::SACKED));
                self.lost -= u32::from(packet.marks.any(Marks::LOST));
                self.retransmitted -= u32::from(packet.marks.any(Marks::RETRANSMITTED));
                Acked::one(packet)
            }
        };
        self.outstanding -= acked.packets;
        self.bursts -= acked.bursts;
        self.first = self.first.wrapping_add(acked.packets);
        if is_before(self.retransmit_from, self.first) {
            self.retransmit_from = self.first;
        }
        Some(acked)
    }

    /// Makes single packets of the runs, so that each can be looked at.
    fn expand(&mut self) -> &mut Singles {
        let singles = self.singles.get_or_insert_default();
        if singles.packets.is_empty() {
            singles.originals_from = self.first;
        }
        if !self.runs.is_empty() {
            singles.packets.extend(self.runs.drain());
        }
        singles
    }

    /// Marks a packet as SACKed. Its retransmission counts as delivered only if the packet was considered lost; otherwise the
    /// retransmission is assumed to be still in flight.
    pub(super) fn mark_sacked(&mut self, number: u32) {
        let Some(packet) = self.packet_mut(number) else { return };
        let was_lost = packet.marks.any(Marks::LOST);
        let was_flying_again = was_lost && packet.marks.any(Marks::RETRANSMITTED);
        packet.marks.set(Marks::SACKED);
        packet.marks.clear(Marks::LOST.with(Marks::LISTED));
        if was_flying_again {
            packet.marks.clear(Marks::RETRANSMITTED);
        }
        let end = packet.end();
        self.lost -= u32::from(was_lost);
        self.retransmitted -= u32::from(was_flying_again);
        self.highest_sacked_end = if self.sacked == 0 { end } else { self.highest_sacked_end.max(end) };
        self.sacked += 1;
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
        let turn = self.turns.wrapping_add(1);
        let Some(packet) = self.packet_mut(number) else { return };
        packet.marks.set(Marks::EVER_RETRANSMITTED.with(Marks::LISTED));
        packet.at = at;
        packet.turn = turn;
        self.turns = turn;
        self.list_as_newest(number, turn);
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
        self.expand().packets.iter_mut().for_each(|packet| packet.marks.clear(Marks::LOST));
        self.lost = 0;
        self.retransmit_from = self.first;
    }

    /// Clears the SACKed marks of all packets, because the receiver has discarded the data that it had reported (RFC 2018
    /// §8).
    pub(super) fn unmark_sacked(&mut self) {
        self.expand().packets.iter_mut().for_each(|packet| packet.marks.clear(Marks::SACKED));
        self.sacked = 0;
    }

    /// Begins a walk through the packets in the order in which they were last sent.
    pub(super) fn walk(&mut self) -> Walk {
        let first = self.first;
        let singles = self.expand();
        if is_before(singles.originals_from, first) {
            singles.originals_from = first;
        }
        singles.originals_from = singles.next_original(first, singles.originals_from);
        singles.drop_void(first);
        Walk { original: singles.originals_from, resent: 0 }
    }

    /// Returns the next packet of a walk, and its number. Packets may be marked during the walk, but not sent.
    pub(super) fn next_by_time(&self, walk: &mut Walk) -> Option<(u32, Sent)> {
        let singles = self.singles.as_deref()?;
        walk.original = singles.next_original(self.first, walk.original);
        while singles.resent.get(walk.resent).is_some_and(|&entry| !singles.is_valid(self.first, entry)) {
            walk.resent += 1;
        }
        let original = singles.packets.get(walk.original.wrapping_sub(self.first) as usize);
        let resent = singles.resent.get(walk.resent);
        match (original, resent) {
            (Some(packet), resent) if resent.is_none_or(|&(_, turn)| is_before(packet.turn, turn)) => {
                let number = walk.original;
                walk.original = number.wrapping_add(1);
                Some((number, *packet))
            }
            (_, Some(&(number, _))) => {
                walk.resent += 1;
                singles.packets.get(number.wrapping_sub(self.first) as usize).map(|&packet| (number, packet))
            }
            _ => None,
        }
    }

    /// Removes a packet from the order by time; it cannot be marked lost again before it is sent again.
    pub(super) fn unlist(&mut self, number: u32) {
        if let Some(packet) = self.packet_mut(number) {
            packet.marks.clear(Marks::LISTED);
        }
    }

    fn list_as_newest(&mut self, number: u32, turn: u32) {
        let (first, outstanding) = (self.first, self.outstanding as usize);
        let singles = self.expand();
        singles.drop_void(first);
        if singles.resent.len() > 2 * outstanding {
            let Singles { packets, resent, .. } = singles;
            resent.retain(|&entry| is_valid(packets, first, entry));
        }
        singles.resent.push_back((number, turn));
    }

    fn packet_mut(&mut self, number: u32) -> Option<&mut Sent> {
        let place = number.wrapping_sub(self.first);
        self.expand().packets.get_mut(place as usize)
    }
}

impl Singles {
    /// Returns the number from `number` on of the next listed packet that was sent only once; one past the last if there is none.
    /// `first` is the number of the first packet.
    fn next_original(&self, first: u32, number: u32) -> u32 {
        let from = number.wrapping_sub(first) as usize;
        let is_original = |packet: &Sent| packet.marks.any(Marks::LISTED) && !packet.marks.any(Marks::EVER_RETRANSMITTED);
        let passed = self.packets.range(from.min(self.packets.len())..).take_while(|packet| !is_original(packet)).count();
        number.wrapping_add(passed as u32)
    }

    fn is_valid(&self, first: u32, entry: (u32, u32)) -> bool {
        is_valid(&self.packets, first, entry)
    }

    /// Removes void entries from the front of the packets that were sent again.
    fn drop_void(&mut self, first: u32) {
        while self.resent.front().is_some_and(|&entry| !self.is_valid(first, entry)) {
            self.resent.pop_front();
        }
    }
}

/// Returns true if the packet of an entry is outstanding and listed, and was not sent again since.
fn is_valid(packets: &VecDeque<Sent>, first: u32, (number, turn): (u32, u32)) -> bool {
    let packet = packets.get(number.wrapping_sub(first) as usize);
    packet.is_some_and(|packet| packet.turn == turn && packet.marks.any(Marks::LISTED))
}

/// Returns true if the turn or number `a` comes before `b`; both wrap around.
pub(super) fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn send(board: &mut Scoreboard, n: u64, at: u64) {
        board.push(1 + n * 100, 1, LastPacket::new(100, false), SimTime::from_nanos(at));
    }

    fn board(packets: u64) -> Scoreboard {
        let mut board = Scoreboard::default();
        (0..packets).for_each(|n| send(&mut board, n, n));
        board
    }

    fn pop_front(board: &mut Scoreboard) {
        let end = board.front().map_or(0, |packet| packet.end());
        board.pop_acked(end);
    }

    fn by_time(board: &mut Scoreboard) -> Vec<u32> {
        let mut walk = board.walk();
        std::iter::from_fn(|| board.next_by_time(&mut walk)).map(|(number, _)| number).collect()
    }

    /// The order by time, from a look at all packets.
    fn listed(board: &Scoreboard) -> Vec<u32> {
        let is_listed = |number: &u32| board.get(*number).unwrap().marks.any(Marks::LISTED);
        let mut numbers: Vec<u32> = board.numbers().filter(is_listed).collect();
        numbers.sort_by_key(|&number| board.get(number).unwrap().turn);
        numbers
    }

    #[test]
    fn a_packet_is_found_by_any_of_its_bytes() {
        let mut board = board(5);
        assert_eq!((board.find(1), board.find(100), board.find(101), board.find(900)), (0, 0, 1, 5));
    }

    #[test]
    fn the_order_by_time_leaves_out_what_is_settled() {
        let mut board = board(5);
        board.mark_sacked(2);
        board.mark_lost(1);
        board.unlist(1);
        assert_eq!(by_time(&mut board), [0, 3, 4]);
        board.mark_retransmitted(1, SimTime::from_nanos(9));
        assert_eq!(by_time(&mut board), [0, 3, 4, 1]);
        pop_front(&mut board);
        pop_front(&mut board);
        assert_eq!(by_time(&mut board), [3, 4]);
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
                    0 => { send(&mut board, sent, 100 + at as u64); sent += 1; }
                    1 => { pop_front(&mut board); }
                    2 => if board.get(number).is_some_and(|p| !p.marks.any(Marks::SACKED)) { board.mark_sacked(number) },
                    3 => { if board.mark_lost(number) == 1 { board.unlist(number) } }
                    4 => if board.get(number).is_some_and(|p| p.marks.any(Marks::LOST)) {
                        board.mark_retransmitted(number, SimTime::from_nanos(100 + at as u64));
                    },
                    _ => board.forget_retransmission(number),
                }
                let marks = |number| board.get(number).unwrap().marks;
                let count = |mark| board.numbers().filter(|&number| marks(number).any(mark)).count() as u32;
                prop_assert_eq!(board.sacked(), count(Marks::SACKED));
                prop_assert_eq!(board.lost(), count(Marks::LOST));
                prop_assert_eq!(board.retransmitted(), count(Marks::RETRANSMITTED));
                if at % 3 == 0 {
                    // Between two walks, runs remain runs.
                    let expected = listed(&board);
                    prop_assert_eq!(by_time(&mut board), expected);
                }
                let waiting = board.numbers().find(|&n| {
                    let marks = board.get(n).unwrap().marks;
                    marks.any(Marks::LOST) && !marks.any(Marks::RETRANSMITTED)
                });
                prop_assert!(waiting.is_none_or(|n| n.wrapping_sub(board.retransmit_from) as i32 >= 0));
            }
        }
    }
}
