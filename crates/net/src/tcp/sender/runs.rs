//! Runs: packets that were sent together and of which nothing is known yet, neither that the receiver has them nor that they are
//! lost. Nearly every packet is acknowledged from this state, so a run takes less room than a packet looked at by itself, and no more time.

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
struct Run {
    /// Instant of the transmission.
    at: SimTime,
    packets: u8,
    /// Number of packets of a burst.
    burst: u8,
    last: LastPacket,
}

/// Place of a packet in the stream, and among the transmissions of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Offset of the first byte.
    pub(super) seq: u64,
    /// Number of transmissions up to the packet.
    pub(super) turn: u32,
}

impl Place {
    /// Returns the place `packets` packets of full size further on.
    fn after(self, packets: u32) -> Place {
        Place { seq: self.seq + u64::from(packets) * u64::from(MSS), turn: self.turn.wrapping_add(packets) }
    }
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
    fn packets(&self) -> u32 {
        u32::from(self.packets)
    }

    fn bytes(&self) -> u64 {
        u64::from(self.packets - 1) * u64::from(MSS) + u64::from(self.last.len())
    }

    /// Returns the place after a run that begins at `place`; a FIN takes one offset (RFC 9293 §3.4).
    fn end(&self, place: Place) -> Place {
        let seq = place.seq + self.bytes() + u64::from(self.last.is_fin());
        Place { seq, turn: place.turn.wrapping_add(self.packets()) }
    }

    fn bursts(&self) -> u32 {
        if self.packets <= self.burst { 1 } else { self.packets().div_ceil(u32::from(self.burst)) }
    }

    /// Returns packet number `index`, from 0, of a run that begins at `place`.
    fn packet(&self, place: Place, index: u32) -> Sent {
        let is_last = index + 1 == self.packets();
        let mut marks = Marks::LISTED;
        if (self.packets() - 1 - index).is_multiple_of(u32::from(self.burst)) {
            marks = marks.with(Marks::BURST_END);
        }
        if is_last && self.last.is_fin() {
            marks = marks.with(Marks::FIN);
        }
        let Place { seq, turn } = place.after(index);
        let len = if is_last { self.last.len() } else { MSS };
        Sent { seq, at: self.at, turn, len, marks }
    }

    /// Appends a burst that was sent at the same instant and is of the same length. Returns false if it was not.
    fn join(&mut self, next: &Run) -> bool {
        if self.at != next.at || self.burst != next.packets || self.last != LastPacket::new(MSS, false) {
            return false;
        }
        let Some(packets) = self.packets.checked_add(next.packets) else { return false };
        (self.packets, self.last) = (packets, next.last);
        true
    }

    /// Removes the packets of a run at `place` below `una` from its front. Returns nothing if there is none, or if all are below it.
    fn take_front(&mut self, place: Place, una: u64) -> Option<Acked> {
        let packets = una.saturating_sub(place.seq) / u64::from(MSS);
        if packets == 0 || self.packets == 1 {
            return None;
        }
        let packets = (packets as u32).min(self.packets() - 1);
        let (before, last) = (self.bursts(), self.packet(place, packets - 1));
        self.packets -= packets as u8;
        let (bytes, first_end) = (u64::from(packets) * u64::from(MSS), place.seq + u64::from(MSS));
        Some(Acked { packets, bytes, start: place.seq, first_end, bursts: before - self.bursts(), last })
    }

    /// Returns all packets of a run at `place`.
    fn all(&self, place: Place) -> Acked {
        let last = self.packet(place, self.packets() - 1);
        let first_end = if self.packets == 1 { last.end() } else { place.seq + u64::from(MSS) };
        Acked { packets: self.packets(), bytes: self.bytes(), start: place.seq, first_end, bursts: self.bursts(), last }
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

/// Runs in the order of the stream and of their transmission, without a gap in either.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
    /// Place of the first packet.
    front: Place,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Adds a burst of `packets` packets that were sent at `at`. Between two bursts no packet may be sent again, unless that empties
    /// the runs.
    pub(super) fn push(&mut self, place: Place, packets: u8, last: LastPacket, at: SimTime) {
        let burst = Run { at, packets, burst: packets, last };
        if self.runs.is_empty() {
            self.front = place;
        } else if self.runs.back_mut().is_some_and(|last| last.join(&burst)) {
            return;
        }
        if self.runs.len() == self.runs.capacity() {
            // The capacity grows by half instead of doubling, because with many connections most have a dozen runs.
            self.runs.reserve_exact(self.runs.len() / 2 + 2);
        }
        self.runs.push_back(burst);
    }

    /// Returns the first packet.
    pub(super) fn front(&self) -> Option<Sent> {
        self.runs.front().map(|run| run.packet(self.front, 0))
    }

    /// Returns the instant at which the first packet was sent.
    pub(super) fn sent_at(&self) -> Option<SimTime> {
        self.runs.front().map(|run| run.at)
    }

    /// Returns packet number `index`, from 0.
    pub(super) fn get(&self, mut index: u32) -> Option<Sent> {
        let mut place = self.front;
        for run in &self.runs {
            if index < run.packets() {
                return Some(run.packet(place, index));
            }
            (index, place) = (index - run.packets(), run.end(place));
        }
        None
    }

    /// Removes packets that `una` acknowledges: a run, or the front of one.
    pub(super) fn pop_acked(&mut self, una: u64) -> Option<Acked> {
        let (place, first) = (self.front, self.runs.front_mut()?);
        let end = first.end(place);
        if end.seq > una {
            let acked = first.take_front(place, una)?;
            self.front = place.after(acked.packets);
            return Some(acked);
        }
        self.front = end;
        self.runs.pop_front().map(|run| run.all(place))
    }

    /// Removes all packets, and returns each.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Sent> + '_ {
        let mut place = self.front;
        self.runs.drain(..).flat_map(move |run| {
            let start = place;
            place = run.end(start);
            (0..run.packets()).map(move |index| run.packet(start, index))
        })
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
    fn a_run_is_smaller_than_a_packet() {
        assert_eq!((size_of::<Run>(), size_of::<Sent>()), (16, 24));
    }

    #[test]
    fn bursts_of_one_instant_are_one_run() {
        let mut runs = Runs::default();
        let full = LastPacket::new(MSS, false);
        for (burst, at) in [0, 0, 7].into_iter().enumerate() {
            let place = Place { seq: 1, turn: 1 }.after(2 * burst as u32);
            runs.push(place, 2, full, SimTime::from_nanos(at));
        }
        assert_eq!(runs.runs.iter().map(|run| (run.packets, run.bursts())).collect::<Vec<_>>(), [(4, 2), (2, 1)]);
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
                runs.push(Place { seq, turn: turn + 1 }, packets, LastPacket::new(last_len, is_fin), at);
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
