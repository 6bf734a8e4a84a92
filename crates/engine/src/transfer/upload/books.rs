//! Books of an upload: the segments that are in flight, those that are stored, and those that a node may have without a
//! confirmation.
//!
//! A segment that a node does not accept goes to another one. One that a node has stored stays there: its content is given up with
//! the answer, since memory is bounded. So from that answer on the upload depends on the node until it has confirmed that the segment is
//! durable. If it does not, the segment is read again from a source that can be, and the upload fails otherwise.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use p2p_store::catalog::Garbage;
use p2p_store::manifest::{NodeNumber, SegmentRecord, by_holder};
use p2p_store::segment::{Segment, SegmentId};

use super::super::Output;
use super::super::commitment::Loss;
use super::super::sole_holders::SoleHolders;

/// Segment in flight to a node.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) segment: Segment,
    pub(super) node: NodeNumber,
    pub(super) attempt: u32,
}

/// Segment that is stored on a node.
#[derive(Debug, Clone, Copy)]
struct Placed {
    id: SegmentId,
    len: u32,
    node: NodeNumber,
}

impl Placed {
    fn record(&self) -> SegmentRecord {
        SegmentRecord { id: self.id, len: self.len, holders: vec![self.node] }
    }
}

/// Segment that its holder has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LostSegment {
    pub(super) index: u32,
    pub(super) id: SegmentId,
    pub(super) len: u32,
}

/// Segments of an upload that nodes have or are to get.
#[derive(Debug, Default)]
pub(super) struct Books {
    open: BTreeMap<u32, Open>,
    /// Stored segments by their index in the file.
    placed: BTreeMap<u32, Placed>,
    /// Nodes of the stored segments.
    sole_holders: SoleHolders,
    /// Segments that a node may have stored without confirming it.
    unconfirmed: BTreeMap<NodeNumber, BTreeSet<SegmentId>>,
}

impl Books {
    /// Returns the number of segments in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Returns true if a segment is in flight.
    pub(super) fn is_in_flight(&self, index: u32) -> bool {
        self.open.contains_key(&index)
    }

    /// Notes that a segment is sent to a node.
    pub(super) fn send(&mut self, open: Open) {
        self.open.insert(open.segment.index, open);
    }

    /// Removes a segment in flight to this node; `None` if another node has been asked since.
    pub(super) fn take_open(&mut self, index: u32, node: NodeNumber) -> Option<Open> {
        self.open.get(&index).filter(|open| open.node == node)?;
        self.open.remove(&index)
    }

    /// Returns the nodes that have stored segments or are to get some.
    pub(super) fn nodes(&self) -> BTreeSet<NodeNumber> {
        self.sole_holders.nodes().chain(self.open.values().map(|open| open.node)).collect()
    }

    /// Returns the bytes of the segments that nodes are to get, of those nodes that are meant; and of those that they have stored.
    pub(super) fn bytes_at(&self, is_meant: impl Fn(NodeNumber) -> bool) -> (u64, u64) {
        let open = self.open.values().filter(|open| is_meant(open.node)).map(|open| open.segment.bytes.len() as u64);
        let placed = self.placed.values().filter(|placed| is_meant(placed.node)).map(|placed| u64::from(placed.len));
        (open.sum(), placed.sum())
    }

    /// Notes that a node has stored a segment.
    pub(super) fn store(&mut self, index: u32, (id, len): (SegmentId, u32), node: NodeNumber) {
        self.sole_holders.add(&[node]);
        if let Some(before) = self.placed.insert(index, Placed { id, len, node }) {
            self.sole_holders.remove(&[before.node]);
        }
    }

    /// Takes up the segments of a kept upload, and protects them.
    pub(super) fn restore(&mut self, outputs: &mut VecDeque<Output>, segments: Vec<SegmentRecord>) {
        for (index, segment) in (0..).zip(segments) {
            let Some(&node) = segment.holders.first() else { continue };
            outputs.extend([Output::Pin { index, node, id: segment.id, len: 0 }, Output::FreeRoom { index }]);
            self.store(index, (segment.id, segment.len), node);
        }
    }

    /// Notes that a node may have stored a segment.
    pub(super) fn doubt(&mut self, node: NodeNumber, id: SegmentId) {
        self.unconfirmed.entry(node).or_default().insert(id);
    }

    /// Removes the segments that a holder has lost, and returns them in the order of the file. It may have them still.
    pub(super) fn take_lost(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber, loss: &Loss) -> Vec<LostSegment> {
        let is_lost = |_: &u32, placed: &mut Placed| placed.node == node && loss.contains(placed.id);
        let lost: Vec<(u32, Placed)> = self.placed.extract_if(.., is_lost).collect();
        for (_, Placed { id, .. }) in &lost {
            self.sole_holders.remove(&[node]);
            outputs.push_back(Output::Unpin { node, id: *id });
            self.unconfirmed.entry(node).or_default().insert(*id);
        }
        lost.into_iter().map(|(index, Placed { id, len, .. })| LostSegment { index, id, len }).collect()
    }

    /// Returns a stored segment.
    pub(super) fn stored(&self, index: u32) -> Option<SegmentRecord> {
        self.placed.get(&index).map(Placed::record)
    }

    /// Returns the length in bytes of a segment that is stored or in flight.
    pub(super) fn len_of(&self, index: u32) -> Option<u32> {
        let open = || self.open.get(&index).map(|open| open.segment.bytes.len() as u32);
        self.placed.get(&index).map(|placed| placed.len).or_else(open)
    }

    /// Returns the nodes that have stored segments.
    pub(super) fn holders(&self) -> BTreeSet<NodeNumber> {
        self.sole_holders.nodes().collect()
    }

    /// Returns all stored segments in the order of the file.
    pub(super) fn all_stored(&self) -> Vec<SegmentRecord> {
        self.placed.values().map(Placed::record).collect()
    }

    /// Returns the stored segments by node.
    pub(super) fn shares(&self) -> Garbage {
        by_holder(&self.all_stored())
    }

    /// Ends the protection of the stored segments from deletion by other transfers, and lets nodes owe what they may have stored.
    pub(super) fn close(&mut self, outputs: &mut VecDeque<Output>) {
        let unconfirmed = lists(self.take_unconfirmed()).into_iter();
        self.release(outputs);
        outputs.extend(unconfirmed.map(|(node, ids)| Output::Owe { node, ids }));
    }

    /// Takes what nodes may have without a confirmation, but for what has been stored there since: that belongs to the file.
    fn take_unconfirmed(&mut self) -> BTreeMap<NodeNumber, BTreeSet<SegmentId>> {
        let mut unconfirmed = std::mem::take(&mut self.unconfirmed);
        if !unconfirmed.is_empty() {
            for Placed { node, id, .. } in self.placed.values() {
                unconfirmed.get_mut(node).map(|ids| ids.remove(id));
            }
            unconfirmed.retain(|_, ids| !ids.is_empty());
        }
        unconfirmed
    }

    /// Ends the protection of the stored segments.
    pub(super) fn release(&mut self, outputs: &mut VecDeque<Output>) {
        self.sole_holders.clear();
        let placed = std::mem::take(&mut self.placed).into_values();
        outputs.extend(placed.map(|Placed { node, id, .. }| Output::Unpin { node, id }));
    }

    /// Gives up what is in flight and the stored segments from an index on, and returns all that nodes may have of it.
    pub(super) fn give_up(&mut self, outputs: &mut VecDeque<Output>, from: u32) -> Garbage {
        let given_up = self.placed.split_off(&from).into_values();
        let mut shares = self.take_unconfirmed();
        for (index, Open { segment, node, .. }) in std::mem::take(&mut self.open) {
            outputs.extend([Output::FreeRoom { index }, Output::Unpin { node, id: segment.id }]);
            shares.entry(node).or_default().insert(segment.id);
        }
        for Placed { node, id, .. } in given_up {
            self.sole_holders.remove(&[node]);
            outputs.push_back(Output::Unpin { node, id });
            shares.entry(node).or_default().insert(id);
        }
        lists(shares)
    }
}

fn lists(shares: BTreeMap<NodeNumber, BTreeSet<SegmentId>>) -> Garbage {
    shares.into_iter().map(|(node, ids)| (node, ids.into_iter().collect())).collect()
}
