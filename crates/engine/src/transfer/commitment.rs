//! Commitment of an upload: every holder makes durable what it has stored. The content is given up by then, so a holder that is lost
//! cannot be replaced; but one whose connection alone was lost has the segments still, and is asked again over a new one. To commit is
//! idempotent: a holder confirms what is durable already, and refuses what it does not have.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;

use super::super::{Output, Part, Unanswered};
use super::attempts::ATTEMPTS_MAX;
use crate::cause::Cause;
use crate::node::protocol::Request;

/// Requests to the holders of an upload to make its segments durable.
#[derive(Debug)]
pub(super) struct Commitment {
    /// Number of requests to each holder that are not confirmed yet.
    unanswered: Unanswered,
    shares: Garbage,
    /// Holders of which a request was lost with its connection, and how often each was asked in vain.
    lost: BTreeSet<NodeNumber>,
    failed: BTreeMap<NodeNumber, u32>,
}

impl Commitment {
    /// Asks every holder for its share.
    pub(super) fn begin(outputs: &mut VecDeque<Output>, shares: Garbage) -> Commitment {
        let unanswered = Unanswered::ask(outputs, Part::Commit, &Request::Commit, &shares);
        Commitment { unanswered, shares, lost: BTreeSet::new(), failed: BTreeMap::new() }
    }

    /// Handles the confirmation of a holder.
    pub(super) fn confirm(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber) {
        self.unanswered.settle(node);
        self.ask_again(outputs, node);
    }

    /// Handles a request that will not be answered. Returns false if the holder is not asked again: it has refused, or was asked often
    /// enough.
    pub(super) fn fail(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber, cause: &Cause) -> bool {
        let failed = self.failed.get(&node).copied().unwrap_or(0) + 1;
        if !cause.may_have_lost_the_connection_alone() || failed >= ATTEMPTS_MAX {
            return false;
        }
        self.unanswered.settle(node);
        self.lost.insert(node);
        self.ask_again(outputs, node);
        true
    }

    /// Asks a holder again for all of its share, once nothing is under way to it.
    fn ask_again(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber) {
        if self.unanswered.contains(node) || !self.lost.remove(&node) {
            return;
        }
        *self.failed.entry(node).or_default() += 1;
        let share = self.shares.get(&node).map(Vec::as_slice).unwrap_or_default();
        self.unanswered.ask_node(outputs, Part::Commit, &Request::Commit, node, share);
    }

    /// Returns true if every holder has confirmed.
    pub(super) fn is_complete(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// Returns the holders that have not confirmed all.
    pub(super) fn unconfirmed(&self) -> BTreeSet<NodeNumber> {
        self.unanswered.nodes().collect()
    }
}

#[cfg(test)]
mod tests {
    use p2p_net::CloseReason;
    use p2p_store::segment::SegmentId;

    use super::*;
    use crate::cause::ConnectionLoss;
    use crate::node::protocol::{IDS_MAX, Refusal};

    fn loss(reason: CloseReason) -> Cause {
        Cause::Unreachable(ConnectionLoss::Ended(reason))
    }

    /// Returns a commitment of two holders, of which the first has so many segments, and the number of requests.
    fn begun(segments: usize) -> (Commitment, NodeNumber, VecDeque<Output>) {
        let [node, other] = [0, 1].map(NodeNumber::from_index);
        let ids = (0..segments as u64).map(|number| SegmentId::of(&number.to_le_bytes())).collect();
        let mut outputs = VecDeque::new();
        let shares = [(node, ids), (other, vec![SegmentId::of(b"other")])].into_iter().collect();
        (Commitment::begin(&mut outputs, shares), node, outputs)
    }

    #[test]
    fn a_holder_is_asked_three_times_if_its_connections_are_lost() {
        let (mut commitment, node, mut outputs) = begun(1);
        for asked in [2, 3, 4] {
            assert_eq!(outputs.len(), asked);
            assert_eq!(commitment.fail(&mut outputs, node, &loss(CloseReason::Reset)), asked < 4);
        }
        assert_eq!(outputs.len(), 4);
        assert!(!commitment.is_complete() && commitment.unconfirmed().contains(&node));
    }

    #[test]
    fn a_holder_that_is_not_there_or_refuses_is_not_asked_again() {
        let not_stored = Cause::Refused(Refusal::NotStored { id: SegmentId::of(b"other") });
        for cause in [loss(CloseReason::Refused), not_stored] {
            let (mut commitment, node, mut outputs) = begun(1);
            assert!(!commitment.fail(&mut outputs, node, &cause));
            assert_eq!(outputs.len(), 2);
        }
    }

    /// Of several requests some are confirmed, some are lost: all of the share is asked for again, once the last has ended.
    #[test]
    fn all_of_a_share_is_asked_for_again() {
        let (mut commitment, node, mut outputs) = begun(2 * IDS_MAX + 1);
        assert_eq!(outputs.len(), 4);
        assert!(commitment.fail(&mut outputs, node, &loss(CloseReason::TimedOut)));
        commitment.confirm(&mut outputs, node);
        assert_eq!(outputs.len(), 4);
        commitment.confirm(&mut outputs, node);
        assert_eq!(outputs.len(), 7);
        (0..3).for_each(|_| commitment.confirm(&mut outputs, node));
        assert_eq!((outputs.len(), commitment.unconfirmed()), (7, [NodeNumber::from_index(1)].into()));
        commitment.confirm(&mut outputs, NodeNumber::from_index(1));
        assert!(commitment.is_complete());
    }
}
