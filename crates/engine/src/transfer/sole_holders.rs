//! Nodes without which a transfer cannot be completed: the only holders of segments that it needs. They are counted as the transfer goes
//! on, because every snapshot asks for them while a node is out of reach, and a large file has many segments.

use std::collections::BTreeMap;

use p2p_store::manifest::NodeNumber;

/// Number of segments of each node that no other node has.
#[derive(Debug, Default)]
pub(super) struct SoleHolders {
    segments: BTreeMap<NodeNumber, usize>,
}

impl SoleHolders {
    /// Notes that a segment that is needed has these holders.
    pub(super) fn add(&mut self, holders: &[NodeNumber]) {
        if let [node] = holders {
            *self.segments.entry(*node).or_default() += 1;
        }
    }

    /// Notes that a segment with these holders is needed no longer.
    pub(super) fn remove(&mut self, holders: &[NodeNumber]) {
        if let [node] = holders
            && let Some(segments) = self.segments.get_mut(node)
        {
            *segments -= 1;
            if *segments == 0 {
                self.segments.remove(node);
            }
        }
    }

    /// Notes that nothing is needed any longer.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
    }

    /// Returns the nodes that are the only holder of a segment, in their order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeNumber> + '_ {
        self.segments.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_counts_as_long_as_one_of_its_segments_is_needed_that_no_other_has() {
        let [one, other] = [0, 1].map(NodeNumber::from_index);
        let mut sole = SoleHolders::default();
        [&[one][..], &[one], &[one, other], &[]].into_iter().for_each(|holders| sole.add(holders));
        sole.remove(&[one]);
        assert_eq!(sole.nodes().collect::<Vec<_>>(), [one]);
        sole.remove(&[one, other]);
        sole.remove(&[one]);
        assert_eq!(sole.nodes().next(), None);
    }
}
