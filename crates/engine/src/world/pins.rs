//! Segments that are kept for users without a file, by user, as the catalog has them at this virtual instant.

use std::collections::BTreeMap;

use p2p_store::manifest::NodeNumber;
use p2p_store::pins::Pin;
use p2p_store::segment::SegmentId;

/// Segments that are kept for users.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    users: BTreeMap<Option<String>, Kept>,
}

/// Segments that are kept for one user.
#[derive(Debug, Default)]
struct Kept {
    /// Length in bytes of each segment.
    segments: BTreeMap<(NodeNumber, SegmentId), u32>,
    bytes: u64,
}

impl Pins {
    pub(crate) fn new(pins: Vec<(Pin, u32)>) -> Pins {
        let mut all = Pins::default();
        pins.into_iter().for_each(|(pin, len)| all.add(pin, len));
        all
    }

    /// Adds a segment of `len` bytes.
    pub(crate) fn add(&mut self, pin: Pin, len: u32) {
        let kept = self.users.entry(pin.user).or_default();
        let before = kept.segments.insert((pin.node, pin.id), len);
        kept.bytes = kept.bytes + u64::from(len) - before.map_or(0, u64::from);
    }

    /// Removes a segment.
    pub(crate) fn remove(&mut self, pin: &Pin) {
        let Some(kept) = self.users.get_mut(&pin.user) else { return };
        kept.bytes -= kept.segments.remove(&(pin.node, pin.id)).map_or(0, u64::from);
        if kept.segments.is_empty() {
            self.users.remove(&pin.user);
        }
    }

    /// Returns the length of a segment in bytes; `None` if it is not kept.
    pub(crate) fn get(&self, user: Option<&str>, node: NodeNumber, id: SegmentId) -> Option<u32> {
        self.users.get(&user.map(str::to_owned))?.segments.get(&(node, id)).copied()
    }

    /// Returns the segments that are kept for nobody by name.
    pub(crate) fn of_nobody(&self) -> Vec<Pin> {
        let kept = self.users.get(&None).into_iter().flat_map(|kept| kept.segments.keys());
        kept.map(|&(node, id)| Pin { user: None, node, id }).collect()
    }

    /// Gives the segments that are kept for nobody by name to a user.
    pub(crate) fn adopt(&mut self, owner: &str) {
        for ((node, id), len) in self.users.remove(&None).map(|kept| kept.segments).unwrap_or_default() {
            self.add(Pin { user: Some(owner.to_owned()), node, id }, len);
        }
    }

    /// Returns the bytes that are kept for a user, each node's by itself.
    pub(crate) fn bytes_of(&self, user: Option<&str>) -> u64 {
        self.users.get(&user.map(str::to_owned)).map_or(0, |kept| kept.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_what_is_kept() {
        let pin = |user: Option<&str>, node, content: &[u8]| Pin {
            user: user.map(str::to_owned),
            node: NodeNumber::from_index(node),
            id: SegmentId::of(content),
        };
        let mut pins = Pins::new(vec![(pin(Some("alice"), 0, b"a"), 7), (pin(None, 0, b"a"), 7)]);
        pins.add(pin(Some("alice"), 0, b"a"), 7);
        pins.add(pin(Some("alice"), 1, b"a"), 7);
        assert_eq!([Some("alice"), None, Some("bob")].map(|user| pins.bytes_of(user)), [14, 7, 0]);
        pins.adopt("bob");
        assert_eq!([Some("alice"), None, Some("bob")].map(|user| pins.bytes_of(user)), [14, 0, 7]);
        for _ in 0..2 {
            pins.remove(&pin(Some("alice"), 1, b"a"));
        }
        let node = NodeNumber::from_index;
        assert_eq!([0, 1].map(|index| pins.get(Some("alice"), node(index), SegmentId::of(b"a"))), [Some(7), None]);
        assert_eq!((pins.bytes_of(Some("alice")), pins.of_nobody()), (7, vec![]));
    }
}
