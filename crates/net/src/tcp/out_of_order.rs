//! Data that has arrived beyond a hole, and how it is reported: SACK blocks (RFC 2018), and data received twice (RFC 2883). Allocated
//! by the first such packet.

use crate::packet::{SACK_BLOCKS, SackBlock};

/// Number of ranges remembered for SACK blocks (Linux `TCP_NUM_SACKS`); three of them fit into a packet.
const RECENT_RANGES: usize = 4;
/// Number of latest ranges that a pending compressed acknowledgement covers. A range beyond them is reported at once, before
/// others displace it from that acknowledgement (Linux `TCP_SACK_BLOCKS_EXPECTED`).
const BLOCKS_EXPECTED: usize = 2;

/// Range of the stream, from its first offset to one past its last.
pub(super) type Range = (u64, u64);

/// Returns true if two ranges overlap, or one begins where the other ends.
fn touch(a: Range, b: Range) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}

/// Returns the smallest range that contains both.
fn union(a: Range, b: Range) -> Range {
    (a.0.min(b.0), a.1.max(b.1))
}

/// Ranges that have arrived beyond the first hole, and reports of them that are due.
#[derive(Debug, Default)]
pub(super) struct OutOfOrder(Option<Box<Ranges>>);

#[derive(Debug, Default)]
struct Ranges {
    /// Ranges beyond the first hole, in order.
    beyond: Vec<Range>,
    /// Ranges that changed last, the latest first.
    recent: Vec<Range>,
    /// A range received twice, to be reported once.
    duplicate: Option<Range>,
}

/// What a range that arrived beyond a hole has in common with those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overlap {
    /// True if a part of the range had arrived before.
    pub(super) is_partial: bool,
    /// True if all of it had.
    pub(super) is_whole: bool,
}

impl OutOfOrder {
    fn ranges(&mut self) -> &mut Ranges {
        self.0.get_or_insert_default()
    }

    fn beyond(&self) -> &[Range] {
        self.0.as_deref().map_or(&[], |ranges| &ranges.beyond)
    }

    /// Returns true if nothing lies beyond a hole.
    pub(super) fn is_empty(&self) -> bool {
        self.beyond().is_empty()
    }

    /// Returns the number of bytes beyond the first hole.
    pub(super) fn bytes(&self) -> u64 {
        self.beyond().iter().map(|&(start, end)| end - start).sum()
    }

    /// Returns the end of the last range of those that selective acknowledgements report; `None` if nothing has arrived beyond a
    /// hole.
    pub(super) fn end(&self) -> Option<u64> {
        self.0.as_deref()?.recent.iter().map(|&(_, end)| end).max()
    }

    /// Returns true if there is something to be reported in a packet of its own.
    pub(super) fn owes_blocks(&self) -> bool {
        self.0.as_deref().is_some_and(|ranges| !ranges.beyond.is_empty() || ranges.duplicate.is_some())
    }

    /// Records a range that was received twice.
    pub(super) fn record_duplicate(&mut self, range: Range) {
        self.ranges().duplicate = Some(range);
    }

    /// Removes the ranges that adjoin data in order up to `end`. Returns the offset up to which data is in order then.
    pub(super) fn join(&mut self, end: u64) -> u64 {
        let Some(ranges) = self.0.as_deref_mut() else { return end };
        let mut nxt = end;
        let joined = ranges.beyond.iter().take_while(|&&(start, _)| start <= nxt).count();
        for (start, joined_end) in ranges.beyond.drain(..joined) {
            if start < nxt {
                ranges.duplicate = Some((start, nxt.min(joined_end)));
            }
            nxt = nxt.max(joined_end);
        }
        ranges.recent.retain(|&(start, _)| start > nxt);
        nxt
    }

    /// Adds a range beyond the hole.
    pub(super) fn store(&mut self, (start, end): Range) -> Overlap {
        let Ranges { beyond, duplicate, .. } = self.ranges();
        let first = beyond.partition_point(|&(_, range_end)| range_end < start);
        let touched = beyond[first..].iter().take_while(|&&(range_start, _)| range_start <= end).count();
        let overlapping = &beyond[first..first + touched];
        let inner = overlapping.iter().find(|&&(s, e)| s < end && start < e);
        if let Some(&(inner_start, inner_end)) = inner {
            *duplicate = Some((start.max(inner_start), end.min(inner_end)));
        }
        let is_whole = overlapping.iter().any(|&(s, e)| s <= start && end <= e);
        let overlap = Overlap { is_partial: inner.is_some(), is_whole };
        let merged_start = overlapping.first().map_or(start, |&(s, _)| s.min(start));
        let merged_end = overlapping.last().map_or(end, |&(_, e)| e.max(end));
        beyond.splice(first..first + touched, [(merged_start, merged_end)]);
        overlap
    }

    /// Returns true if the next report is sure to show a range that [`remember`](Self::remember) is about to add to it.
    pub(super) fn is_expected(&self, range: Range) -> bool {
        let recent = self.0.as_deref().map_or(&[][..], |ranges| &ranges.recent);
        let place = recent.iter().position(|&known| touch(known, range));
        place.unwrap_or(recent.len()) < BLOCKS_EXPECTED
    }

    /// Puts the block with the latest arrival first (RFC 2018 §4; Linux `tcp_sack_new_ofo_skb`).
    pub(super) fn remember(&mut self, range: Range) {
        let recent = &mut self.ranges().recent;
        let mut first = range;
        while let Some(place) = recent.iter().position(|&known| touch(known, first)) {
            first = union(recent.remove(place), first);
        }
        recent.insert(0, first);
        recent.truncate(RECENT_RANGES);
    }

    /// Returns the blocks of the next acknowledgement of `ack`, and their number: a duplicate once, then the latest ranges (RFC 2018
    /// §3, RFC 2883 §4).
    pub(super) fn take_blocks(&mut self, ack: u64) -> ([SackBlock; SACK_BLOCKS], u8) {
        let mut blocks = [SackBlock::default(); SACK_BLOCKS];
        let Some(ranges) = self.0.as_deref_mut() else { return (blocks, 0) };
        let (duplicate, mut count) = (ranges.duplicate.take(), 0);
        for (block, &(start, end)) in blocks.iter_mut().zip(duplicate.iter().chain(&ranges.recent)) {
            *block = SackBlock::new(ack, start, end);
            count += 1;
        }
        (blocks, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_merge_and_are_reported_with_the_latest_first() {
        let mut out_of_order = OutOfOrder::default();
        assert_eq!((out_of_order.take_blocks(1), out_of_order.join(10)), (([SackBlock::default(); SACK_BLOCKS], 0), 10));
        assert!(out_of_order.0.is_none() && size_of::<OutOfOrder>() == 8);
        for range in [(20, 30), (40, 50), (30, 40), (60, 70)] {
            assert_eq!(out_of_order.store(range), Overlap { is_partial: false, is_whole: false });
            out_of_order.remember(range);
        }
        assert_eq!((out_of_order.bytes(), out_of_order.end()), (40, Some(70)));
        let block = |start, end| SackBlock::new(10, start, end);
        assert_eq!(out_of_order.take_blocks(10), ([block(60, 70), block(20, 50), SackBlock::default()], 2));
        assert_eq!(out_of_order.join(25), 50);
        assert_eq!(out_of_order.take_blocks(50).0[0], SackBlock::new(50, 20, 25));
        assert_eq!(out_of_order.bytes(), 10);
    }

    #[test]
    fn what_arrives_twice_beyond_a_hole_is_reported_once() {
        let mut out_of_order = OutOfOrder::default();
        out_of_order.store((20, 30));
        assert_eq!(out_of_order.store((22, 28)), Overlap { is_partial: true, is_whole: true });
        assert_eq!(out_of_order.store((25, 35)), Overlap { is_partial: true, is_whole: false });
        assert_eq!(out_of_order.take_blocks(10), ([SackBlock::new(10, 25, 30), SackBlock::default(), SackBlock::default()], 1));
        assert_eq!((out_of_order.take_blocks(10).1, out_of_order.owes_blocks()), (0, true));
    }
}
