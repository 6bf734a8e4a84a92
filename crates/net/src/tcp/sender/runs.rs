//! Runs: packets that were sent together and of which nothing is known yet, neither that the receiver has them nor that they are
//! lost. Nearly every packet is acknowledged from this state, so a run takes no more room, and no more time, than a packet.

use std::collections::VecDeque;

use p2p_base::units::SimTime;

use super::sent::{Marks, Sent};
use crate::packet::MSS;

/// Length of the last packet of a run in bytes, and whether a FIN ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LastPacket(u16);

impl LastPacket {
    const FIN: u16 = 0x8000;

    /// Returns a packet of `len` bytes of payload, fewer than 2¹⁵.
    pub(super) const fn new(len: u16, is_fin: bool) -> LastPacket {
        LastPacket(if is_fin { len | LastPacket::FIN } else { len })
    }

    const fn len(self) -> u16 {
        self.0 & !LastPacket::FIN
    }

    const fn is_fin(self) -> bool {
        self.0 & LastPacket::FIN != 0
    }
}

/// Packets that were sent at one instant, in bursts of equal length; all but the last are of full size. Of the first burst, packets may
/// be acknowledged already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Offset of the first byte.
    seq: u64,
    /// Instant of the transmission.
    at: SimTime,
    /// Number of transmissions up to the first packet.
    turn: u32,
    packets: u8,
    /// Number of packets of a burst.
    burst: u8,
    last: LastPacket,
}

/// Packets that an acknowledgement covers, with equal marks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acked {
    pub(super) packets: u32,
    /// Payload of the packets, in bytes.
    pub(super) bytes: u64,
    /// Offset of the first packet's first byte, and the one after its last.
    pub(super) start: u64,
    pub(super) first_end: u64,
    /// Number of bursts that end in these packets.
    pub(super) bursts: u32,
    pub(super) last: Sent,
}

impl Run {
    /// Returns one burst, whose first packet is transmission number `turn` of its sender.
    pub(super) const fn new(seq: u64, packets: u8, last: LastPacket, at: SimTime, turn: u32) -> Run {
        Run { seq, at, turn, packets, burst: packets, last }
    }

    /// Returns the number of packets.
    pub(super) fn packets(&self) -> u32 {
        u32::from(self.packets)
    }

    fn bytes(&self) -> u64 {
        u64::from(self.packets - 1) * u64::from(MSS) + u64::from(self.last.len())
    }

    /// Returns the offset after the last packet; a FIN takes one offset (RFC 9293 §3.4).
    fn end(&self) -> u64 {
        self.seq + self.bytes() + u64::from(self.last.is_fin())
    }

    fn bursts(&self) -> u32 {
        if self.packets <= self.burst { 1 } else { self.packets().div_ceil(u32::from(self.burst)) }
    }

    /// Returns the packet in a place of the run, from 0.
    pub(super) fn packet(&self, place: u32) -> Sent {
        let is_last = place + 1 == self.packets();
        let mut marks = Marks::LISTED;
        if (self.packets() - 1 - place).is_multiple_of(u32::from(self.burst)) {
            marks = marks.with(Marks::BURST_END);
        }
        if is_last && self.last.is_fin() {
            marks = marks.with(Marks::FIN);
        }
        let seq = self.seq + u64::from(place) * u64::from(MSS);
        let len = if is_last { self.last.len() } else { MSS };
        Sent { seq, at: self.at, turn: self.turn.wrapping_add(place), len, marks }
    }

    /// Appends a burst that was sent at the same instant, right behind this run and of the same length. Returns false if it was not.
    fn join(&mut self, next: &Run) -> bool {
        let follows = self.at == next.at && self.turn.wrapping_add(self.packets()) == next.turn;
        if !follows || self.burst != next.packets || self.last != LastPacket::new(MSS, false) {
            return false;
        }
        let Some(packets) = self.packets.checked_add(next.packets) else { return false };
        (self.packets, self.last) = (packets, next.last);
        true
    }

    /// Removes the packets of the run below `una` from its front. Returns nothing if there is none, or if all are below it.
    fn take_front(&mut self, una: u64) -> Option<Acked> {
        let packets = una.saturating_sub(self.seq) / u64::from(MSS);
        if packets == 0 || self.packets == 1 {
            return None;
        }
        let packets = (packets as u32).min(self.packets() - 1);
        let (before, last) = (self.bursts(), self.packet(packets - 1));
        let bytes = u64::from(packets) * u64::from(MSS);
        let start = self.seq;
        self.seq += bytes;
        self.turn = self.turn.wrapping_add(packets);
        self.packets -= packets as u8;
        Some(Acked { packets, bytes, start, first_end: start + u64::from(MSS), bursts: before - self.bursts(), last })
    }

    /// Returns all packets of the run.
    fn all(&self) -> Acked {
        let last = self.packet(self.packets() - 1);
        let first_end = if self.packets == 1 { last.end() } else { self.seq + u64::from(MSS) };
        Acked { packets: self.packets(), bytes: self.bytes(), start: self.seq, first_end, bursts: self.bursts(), last }
    }
}

impl Acked {
    /// Returns a single packet.
    pub(super) fn one(packet: Sent) -> Acked {
        let bursts = u32::from(packet.marks.any(Marks::BURST_END));
        let bytes = u64::from(packet.len);
        Acked { packets: 1, bytes, start: packet.seq, first_end: packet.end(), bursts, last: packet }
    }
}

/// Runs in the order of the stream.
#[derive(Debug, Default)]
pub(super) struct Runs(VecDeque<Run>);

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, burst: Run) {
        if self.0.back_mut().is_some_and(|last| last.join(&burst)) {
            return;
        }
        if self.0.len() == self.0.capacity() {
            // The capacity grows by half instead of doubling, because with many connections most have a dozen runs.
            self.0.reserve_exact(self.0.len() / 2 + 2);
        }
        self.0.push_back(burst);
    }

    /// Returns the first packet.
    pub(super) fn front(&self) -> Option<Sent> {
        self.0.front().map(|run| run.packet(0))
    }

    /// Returns the instant at which the first packet was sent.
    pub(super) fn sent_at(&self) -> Option<SimTime> {
        self.0.front().map(|run| run.at)
    }

    /// Returns the packet in a place, from 0.
    pub(super) fn get(&self, mut place: u32) -> Option<Sent> {
        for run in &self.0 {
            if place < run.packets() {
                return Some(run.packet(place));
            }
            place -= run.packets();
        }
        None
    }

    /// Removes packets that `una` acknowledges: a run, or the front of one.
    pub(super) fn pop_acked(&mut self, una: u64) -> Option<Acked> {
        let first = self.0.front_mut()?;
        if first.end() > una {
            return first.take_front(una);
        }
        self.0.pop_front().map(|run| run.all())
    }

    /// Removes all packets, and returns each.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Sent> + '_ {
        self.0.drain(..).flat_map(|run| (0..run.packets()).map(move |place| run.packet(place)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A packet, as a list of single ones would have it.
    fn single(seq: u64, len: u16, is_fin: bool, is_burst_end: bool, at: SimTime, turn: u32) -> Sent {
        let mut marks = Marks::LISTED;
        for mark in [is_fin.then_some(Marks::FIN), is_burst_end.then_some(Marks::BURST_END)].into_iter().flatten() {
            marks = marks.with(mark);
        }
        Sent { seq, at, turn, len, marks }
    }

    #[test]
    fn a_run_is_as_large_as_a_packet() {
        assert_eq!((size_of::<Run>(), size_of::<Sent>()), (24, 24));
    }

    #[test]
    fn bursts_of_one_instant_are_one_run() {
        let mut runs = Runs::default();
        let full = LastPacket::new(MSS, false);
        for (burst, at) in [0, 0, 7].into_iter().enumerate() {
            let place = 2 * burst as u32;
            runs.push(Run::new(1 + u64::from(place) * u64::from(MSS), 2, full, SimTime::from_nanos(at), 1 + place));
        }
        assert_eq!(runs.0.iter().map(|run| (run.packets, run.bursts())).collect::<Vec<_>>(), [(4, 2), (2, 1)]);
    }

    proptest! {
        /// Runs give back what single packets would, however bursts and acknowledgements follow each other.
        #[test]
        fn runs_are_as_good_as_single_packets(
            steps in proptest::collection::vec((1u8..6, 1u16..=MSS, 0u64..2, any::<bool>(), 0u64..9000), 1..60),
        ) {
            let (mut runs, mut singles, mut una) = (Runs::default(), VecDeque::new(), 1);
            let (mut seq, mut at, mut turn) = (1, SimTime::ZERO, 0);
            let steps_len = steps.len();
            for (index, (packets, last, gap, is_full, acked)) in steps.into_iter().enumerate() {
                at = SimTime::from_nanos(at.as_nanos() + gap);
                let (last_len, is_fin) = (if is_full { MSS } else { last }, index + 1 == steps_len);
                runs.push(Run::new(seq, packets, LastPacket::new(last_len, is_fin), at, turn + 1));
                for place in 1..=packets {
                    let is_last = place == packets;
                    let len = if is_last { last_len } else { MSS };
                    turn += 1;
                    singles.push_back(single(seq, len, is_last && is_fin, is_last, at, turn));
                    seq += u64::from(len) + u64::from(is_last && is_fin);
                }
                una = seq.min(una + acked);
                while let Some(acked) = runs.pop_acked(una) {
                    let gone: Vec<Sent> = singles.drain(..acked.packets as usize).collect();
                    prop_assert_eq!(Some(&acked.last), gone.last());
                    prop_assert_eq!((acked.start, acked.first_end), (gone[0].seq, gone[0].end()));
                    prop_assert_eq!(acked.bytes, gone.iter().map(|packet| u64::from(packet.len)).sum::<u64>());
                    let ends = gone.iter().filter(|packet| packet.marks.any(Marks::BURST_END)).count();
                    prop_assert_eq!(acked.bursts as usize, ends);
                    prop_assert!(acked.last.end() <= una);
                }
                prop_assert!(singles.front().is_none_or(|packet| packet.end() > una));
                prop_assert_eq!((runs.front(), runs.is_empty()), (singles.front().copied(), singles.is_empty()));
                prop_assert_eq!(runs.get(3), singles.get(3).copied());
                prop_assert_eq!(runs.sent_at(), singles.front().map(|packet| packet.at));
            }
            prop_assert_eq!(runs.drain().collect::<Vec<_>>(), singles.into_iter().collect::<Vec<_>>());
        }
    }
}
