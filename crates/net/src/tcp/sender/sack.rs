//! Selective acknowledgements: the packets that the receiver has beyond a hole (RFC 2018), those it received twice (RFC
//! 2883), and the degree of reordering that both show.
//!
//! Each acknowledgement repeats blocks of earlier ones; blocks processed already are remembered and skipped.

use super::Sender;
use super::ack::AckSummary;
use super::recovery::RecoveryPhase;
use super::sent::Marks;
use crate::packet::{MSS, Packet, SACK_BLOCKS};
use crate::tcp::step::Step;

/// Assumed degree of reordering in packets, before any reordering was observed (RFC 5681 §3.2: three duplicates).
const INITIAL_DEGREE: u32 = 3;
/// Upper limit of the degree of reordering, in packets (Linux `tcp_max_reordering`).
const MAX_DEGREE: u32 = 300;

/// Reordering observed on the path.
#[derive(Debug, Clone)]
pub(super) struct Reordering {
    degree: u32,
    pub(super) seen: bool,
    /// Number of packets reported as duplicates so far. Reports beyond the number of retransmissions are ignored.
    duplicates: u64,
    /// SACK blocks of the last acknowledgement.
    known: [(u64, u64); SACK_BLOCKS],
}

impl Reordering {
    /// State before anything was reordered.
    pub(super) const INITIAL: Reordering =
        Reordering { degree: INITIAL_DEGREE, seen: false, duplicates: 0, known: [(0, 0); SACK_BLOCKS] };

    /// Returns the number of packets that may arrive out of order before a loss is assumed.
    pub(super) fn degree(&self) -> u32 {
        self.degree
    }

    /// Returns true if the path reorders more than TCP assumes by default.
    pub(super) fn is_high(&self) -> bool {
        self.degree > INITIAL_DEGREE
    }

    /// Limits the degree to its initial value, after a timeout has shown it to be too high.
    pub(super) fn forget_degree(&mut self) {
        self.degree = self.degree.min(INITIAL_DEGREE);
    }
}

impl Sender {
    /// Processes the SACK blocks of `packet`. `una_before` is the offset acknowledged before it.
    pub(super) fn take_sack(&mut self, step: &Step, packet: &Packet, una_before: u64, summary: &mut AckSummary) {
        let mut blocks = [(0, 0); SACK_BLOCKS];
        let mut count = 0;
        for range in packet.sack_ranges() {
            blocks[count] = range;
            count += 1;
        }
        let blocks = &mut blocks[..count];
        let duplicate = self.take_duplicate_report(packet.ack, blocks, una_before, summary);
        let mut reordered_from = u64::MAX;
        let mut known = [(0, 0); SACK_BLOCKS];
        for (index, &(start, end)) in blocks.iter().enumerate() {
            if start >= end || end > self.nxt || start <= self.una {
                continue;
            }
            known[index] = (start, end);
            if index == 0 && duplicate {
                self.take_duplicates_in(start, end, &mut reordered_from);
            }
            self.tag_unknown_part(step, start, end, &mut reordered_from, summary);
        }
        self.losses.reordering.known = known;
        if reordered_from != u64::MAX && (self.phase != RecoveryPhase::Loss || self.losses.recovery.undo_from.is_some()) {
            self.record_reordering(reordered_from);
        }
    }

    /// Processes a duplicate report: the first block is one if it lies below the acknowledgement or inside the second block
    /// (RFC 2883 §4). Returns true if there was a valid report.
    fn take_duplicate_report(&mut self, ack: u64, blocks: &[(u64, u64)], una_before: u64, summary: &mut AckSummary) -> bool {
        let Some(&(start, end)) = blocks.first() else { return false };
        let inside_second = blocks.get(1).is_some_and(|&(outer_start, outer_end)| start >= outer_start && end <= outer_end);
        if start >= end || !(start < ack || inside_second) || end - start > u64::from(self.peer_window_max) {
            return false;
        }
        let packets = (end - start).div_ceil(u64::from(MSS));
        let of_probe = packets == 1 && self.losses.probe.ends_at(end);
        self.losses.reordering.duplicates += packets;
        if self.losses.reordering.duplicates > self.losses.counts.retransmits {
            return false;
        }
        if self.losses.reordering.seen && !of_probe {
            self.rack.record_duplicate();
        }
        summary.duplicate = true;
        summary.duplicate_of_probe = of_probe;
        self.delivered = self.delivered.wrapping_add(packets as u32);
        if end <= una_before && self.losses.recovery.undo_from.is_some_and(|from| end > from) {
            self.losses.recovery.forgive(packets as u32);
        }
        true
    }

    /// Processes outstanding packets in a duplicate report: their retransmission was unnecessary.
    fn take_duplicates_in(&mut self, start: u64, end: u64, reordered_from: &mut u64) {
        let mut number = self.board.find(start);
        while let Some(packet) = self.board.get(number).filter(|packet| packet.end() <= end) {
            if packet.was_retransmitted() {
                if self.losses.recovery.undo_from.is_some_and(|from| packet.end() > from) {
                    self.losses.recovery.forgive(1);
                }
                if packet.marks.any(Marks::SACKED) {
                    *reordered_from = packet.seq.min(*reordered_from);
                }
            }
            self.board.forget_retransmission(number);
            number = number.wrapping_add(1);
        }
    }

    /// Tags the packets in `start..end`, except those that the last acknowledgement covered already.
    fn tag_unknown_part(&mut self, step: &Step, start: u64, end: u64, reordered_from: &mut u64, summary: &mut AckSummary) {
        let mut at = start;
        while at < end {
            let covering = self.losses.reordering.known.iter().find(|&&(from, to)| from <= at && at < to);
            if let Some(&(_, to)) = covering {
                at = to;
                continue;
            }
            let next_known = self.losses.reordering.known.iter().map(|&(from, _)| from).filter(|&from| from > at).min();
            let until = next_known.map_or(end, |from| from.min(end));
            self.tag(step, at, until, reordered_from, summary);
            at = until;
        }
    }

    fn tag(&mut self, step: &Step, start: u64, end: u64, reordered_from: &mut u64, summary: &mut AckSummary) {
        let mut number = self.board.find(start);
        while let Some(packet) = self.board.get(number).filter(|packet| packet.end() <= end) {
            if packet.seq >= start && !packet.marks.any(Marks::SACKED) {
                self.advance_rack(step.now, &packet);
                if !packet.was_retransmitted() {
                    if packet.seq < self.board.highest_sacked_end() {
                        *reordered_from = packet.seq.min(*reordered_from);
                    }
                    summary.original_delivered |= packet.end() <= self.losses.recovery.point;
                    let first = summary.sacked_times.map_or(packet.at, |(first, _)| first);
                    summary.sacked_times = Some((first, packet.at));
                }
                self.board.mark_sacked(number);
                self.delivered = self.delivered.wrapping_add(1);
                summary.sacked_data = true;
            }
            number = number.wrapping_add(1);
        }
    }

    /// Records that a packet sent once arrived after later ones; the distance, in packets, is the degree of reordering.
    pub(super) fn record_reordering(&mut self, from: u64) {
        let highest = self.board.highest_sacked_end().max(self.una);
        if from >= highest {
            return;
        }
        let distance = (highest - from).div_ceil(u64::from(MSS));
        let distance = u32::try_from(distance).unwrap_or(MAX_DEGREE);
        self.losses.reordering.degree = self.losses.reordering.degree.max(distance.min(MAX_DEGREE));
        self.losses.reordering.seen = true;
    }
}
