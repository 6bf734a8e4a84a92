//! Room on the nodes: the choice of a node for each segment, the bytes that running uploads will bring, and the segments that
//! they need and that must not be deleted.

use std::collections::HashMap;

use bytes::Bytes;
use p2p_store::manifest::NodeNumber;
use p2p_store::placement::{Candidate, Placement};
use p2p_store::segment::SegmentId;

use crate::transfer::TransferId;

/// Reserved room and pinned segments.
#[derive(Debug)]
pub(crate) struct Space {
    placement: Placement,
    /// Bytes that running uploads will bring to each node.
    reserved: Vec<u64>,
    /// Room that is reserved for each segment of a transfer, until it has arrived.
    rooms: HashMap<(TransferId, u32), (NodeNumber, u64)>,
    /// Content of each segment on its way to a node, as its name was computed from it, until it has arrived.
    contents: HashMap<(NodeNumber, SegmentId), Bytes>,
    /// Place of the content of each segment of a transfer.
    named: HashMap<(TransferId, u32), (NodeNumber, SegmentId)>,
    /// Number of running uploads that need each segment on each holder; such segments must not be deleted.
    pinned: HashMap<(NodeNumber, SegmentId), u32>,
    /// Number of segments on each node that running uploads need.
    pins: Vec<u32>,
    /// Segments that were pinned since they were last taken, for a recording.
    pinned_since: Vec<SegmentId>,
}

impl Space {
    pub(crate) fn new(placement: Placement, nodes: usize) -> Space {
        Space {
            placement,
            reserved: vec![0; nodes],
            rooms: HashMap::new(),
            contents: HashMap::new(),
            named: HashMap::new(),
            pinned: HashMap::new(),
            pins: vec![0; nodes],
            pinned_since: Vec::new(),
        }
    }

    /// Chooses a node for a segment of `len` bytes, the preferred one if that has room; `None` if none has.
    pub(crate) fn choose(&mut self, candidates: &[Candidate], len: u64, preferred: Option<NodeNumber>) -> Option<NodeNumber> {
        self.placement.choose(candidates, len, preferred)
    }

    /// Returns the bytes that running uploads will bring to a node.
    pub(crate) fn reserved_on(&self, node: NodeNumber) -> u64 {
        self.reserved[node.index()]
    }

    /// Protects a segment of a transfer that will be stored on a node from deletion, and reserves `room` bytes for it.
    pub(crate) fn pin(&mut self, segment: (TransferId, u32), place: (NodeNumber, SegmentId), room: u64) {
        let count = self.pinned.entry(place).or_default();
        *count += 1;
        if *count == 1 {
            self.pins[place.0.index()] += 1;
        }
        self.pinned_since.push(place.1);
        self.free_room(segment);
        self.rooms.insert(segment, (place.0, room));
        self.reserved[place.0.index()] += room;
    }

    /// Keeps the content of a segment that is on its way to a node, until its room is freed.
    pub(crate) fn keep_content(&mut self, segment: (TransferId, u32), place: (NodeNumber, SegmentId), content: Bytes) {
        self.contents.insert(place, content);
        self.named.insert(segment, place);
    }

    /// Returns the content of a segment on its way to a node.
    pub(crate) fn content_of(&self, node: NodeNumber, id: SegmentId) -> Option<Bytes> {
        self.contents.get(&(node, id)).cloned()
    }

    /// Takes the segments that were pinned since the last call.
    pub(crate) fn take_pinned(&mut self) -> Vec<SegmentId> {
        std::mem::take(&mut self.pinned_since)
    }

    /// Ends the reservation for a segment, because it is stored or because it is not going to be.
    pub(crate) fn free_room(&mut self, segment: (TransferId, u32)) {
        if let Some(place) = self.named.remove(&segment) {
            self.contents.remove(&place);
        }
        if let Some((node, room)) = self.rooms.remove(&segment) {
            self.reserved[node.index()] -= room;
        }
    }

    /// Ends the protection of a segment by one upload.
    pub(crate) fn unpin(&mut self, node: NodeNumber, id: SegmentId) {
        if let Some(count) = self.pinned.get_mut(&(node, id)) {
            *count -= 1;
            if *count == 0 {
                self.pinned.remove(&(node, id));
                self.pins[node.index()] -= 1;
            }
        }
    }

    /// Returns true if a running upload needs any segment on a node.
    pub(crate) fn has_pins_on(&self, node: NodeNumber) -> bool {
        self.pins[node.index()] > 0
    }

    /// Returns true if a running upload needs a segment on a node.
    pub(crate) fn is_pinned(&self, node: NodeNumber, id: SegmentId) -> bool {
        self.pinned.contains_key(&(node, id))
    }
}
