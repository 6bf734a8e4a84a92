//! Commitment of an upload: every holder makes durable what it has stored. One whose connection alone was lost has the segments still,
//! and is asked again over a new one. To commit is idempotent: a holder confirms what is durable already, and refuses what it does not
//! have. What holders have lost is known once all have answered.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;

use super::{ATTEMPTS_MAX, Output, Part, Unanswered};
use crate::cause::Cause;
use crate::node::protocol::Request;

/// Segments of one holder that it did not make durable.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loss {
    pub(super) cause: Cause,
    /// Segments that are lost; `None` for all of the holder.
    pub(super) ids: Option<BTreeSet<SegmentId>>,
}

impl Loss {
    /// Returns the loss of all segments of a holder.
    pub(super) const fn of_all(cause: Cause) -> Loss {
        Loss { cause, ids: None }
    }

    /// Returns true if a segment is lost.
    pub(super) fn contains(&self, id: SegmentId) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }

    /// Adds what another request to the same holder has shown.
    fn add(&mut self, other: Loss) {
        self.ids = match (self.ids.take(), other.ids) {
            (Some(mut ids), Some(more)) => {
                ids.extend(more);
                Some(ids)
            }
            _ => None,
        };
    }
}

/// Progress of a commitment.
#[derive(Debug, PartialEq)]
pub(super) enum Progress {
    /// Holders have still to answer.
    Waiting,
    /// Every holder has confirmed.
    Complete,
    /// All have answered or will not, and these have lost segments.
    Lost(BTreeMap<NodeNumber, Loss>),
}

/// Requests to the holders of an upload to make its segments durable.
#[derive(Debug)]
pub(super) struct Commitment {
    part: Part,
    /// Number of requests to each holder that are not confirmed yet.
    unanswered: Unanswered,
    shares: Garbage,
    /// Holders of which a request was lost with its connection, and how often each was asked in vain.
    cut_off: BTreeSet<NodeNumber>,
    failed: BTreeMap<NodeNumber, u32>,
    losses: BTreeMap<NodeNumber, Loss>,
}

impl Commitment {
    /// Asks every holder for its share, by requests that belong to this part of the upload.
    pub(super) fn begin(outputs: &mut VecDeque<Output>, part: Part, shares: Garbage) -> Commitment {
        let unanswered = Unanswered::ask(outputs, part, &Request::Commit, &shares);
        let (cut_off, failed, losses) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Commitment { part, unanswered, shares, cut_off, failed, losses }
    }

    /// Handles the confirmation of a holder.
    pub(super) fn confirm(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber) -> Progress {
        self.unanswered.settle(node);
        self.ask_again(outputs, node);
        self.progress()
    }

    /// Handles a request that will not be answered, or was refused. The holder is asked again, unless it was often enough, or has
    /// refused, or is not there.
    pub(super) fn fail(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber, loss: Loss) -> Progress {
        let failed = self.failed.get(&node).copied().unwrap_or(0) + 1;
        if loss.cause.may_have_lost_the_connection_alone() && failed < ATTEMPTS_MAX {
            self.cut_off.insert(node);
        } else {
            match self.losses.entry(node) {
                Entry::Occupied(mut known) => known.get_mut().add(loss),
                Entry::Vacant(first) => _ = first.insert(loss),
            }
        }
        self.confirm(outputs, node)
    }

    /// Asks a holder again for all of its share, once nothing is under way to it and unless it is known to have lost some of it.
    fn ask_again(&mut self, outputs: &mut VecDeque<Output>, node: NodeNumber) {
        if self.unanswered.contains(node) || !self.cut_off.remove(&node) || self.losses.contains_key(&node) {
            return;
        }
        *self.failed.entry(node).or_default() += 1;
        let share = self.shares.get(&node).map(Vec::as_slice).unwrap_or_default();
        self.unanswered.ask_node(outputs, self.part, &Request::Commit, node, share);
    }

    /// Returns how far the commitment has come. What is lost is told once.
    pub(super) fn progress(&mut self) -> Progress {
        match (self.unanswered.is_empty(), self.losses.is_empty()) {
            (false, _) => Progress::Waiting,
            (true, true) => Progress::Complete,
            (true, false) => Progress::Lost(self.take_losses()),
        }
    }

    /// Takes what holders are known to have lost so far.
    pub(super) fn take_losses(&mut self) -> BTreeMap<NodeNumber, Loss> {
        std::mem::take(&mut self.losses)
    }

    /// Returns how often a holder is asked again over a new connection, if the one on which it is asked is lost each time.
    pub(super) fn tries_left(&self, node: NodeNumber) -> u32 {
        (ATTEMPTS_MAX - 1).saturating_sub(self.failed.get(&node).copied().unwrap_or(0))
    }

    /// Returns the holders that have not confirmed all.
    pub(super) fn unconfirmed(&self) -> BTreeSet<NodeNumber> {
        self.unanswered.nodes().collect()
    }
}

#[cfg(test)]
mod tests {
    use p2p_net::CloseReason;

    use super::*;
    use crate::cause::ConnectionLoss;
    use crate::node::protocol::{IDS_MAX, Refusal};

    fn cut_off(reason: CloseReason) -> Loss {
        Loss::of_all(Cause::Unreachable(ConnectionLoss::Ended(reason)))
    }

    fn lacking(bytes: &[u8]) -> Loss {
        let id = SegmentId::of(bytes);
        Loss { cause: Cause::Refused(Refusal::NotStored { id }), ids: Some([id].into()) }
    }

    /// Returns a commitment of two holders, of which the first has so many segments, both, and the requests.
    fn begun(segments: usize) -> (Commitment, [NodeNumber; 2], VecDeque<Output>) {
        let nodes = [0, 1].map(NodeNumber::from_index);
        let ids = (0..segments as u64).map(|number| SegmentId::of(&number.to_le_bytes())).collect();
        let mut outputs = VecDeque::new();
        let shares = [(nodes[0], ids), (nodes[1], vec![SegmentId::of(b"other")])].into_iter().collect();
        (Commitment::begin(&mut outputs, Part::Commit, shares), nodes, outputs)
    }

    #[test]
    fn a_holder_is_asked_three_times_if_its_connections_are_lost() {
        let (mut commitment, [node, other], mut outputs) = begun(1);
        for asked in [3, 4, 4] {
            assert_eq!(commitment.fail(&mut outputs, node, cut_off(CloseReason::Reset)), Progress::Waiting);
            assert_eq!(outputs.len(), asked);
        }
        let lost = Progress::Lost([(node, cut_off(CloseReason::Reset))].into());
        assert_eq!((commitment.unconfirmed(), commitment.confirm(&mut outputs, other)), ([other].into(), lost));
    }

    #[test]
    fn a_holder_that_is_not_there_or_refuses_is_not_asked_again() {
        for loss in [cut_off(CloseReason::Refused), lacking(b"other")] {
            let (mut commitment, [node, other], mut outputs) = begun(1);
            assert_eq!(commitment.confirm(&mut outputs, other), Progress::Waiting);
            assert_eq!(commitment.fail(&mut outputs, node, loss.clone()), Progress::Lost([(node, loss)].into()));
            assert_eq!(outputs.len(), 2);
        }
    }

    /// Of several requests some are confirmed, some are lost: all of the share is asked for again, once the last has ended.
    #[test]
    fn all_of_a_share_is_asked_for_again() {
        let (mut commitment, [node, other], mut outputs) = begun(2 * IDS_MAX + 1);
        assert_eq!(outputs.len(), 4);
        commitment.fail(&mut outputs, node, cut_off(CloseReason::TimedOut));
        commitment.confirm(&mut outputs, node);
        assert_eq!(outputs.len(), 4);
        commitment.confirm(&mut outputs, node);
        assert_eq!(outputs.len(), 7);
        (0..3).for_each(|_| drop(commitment.confirm(&mut outputs, node)));
        assert_eq!((outputs.len(), commitment.unconfirmed()), (7, [other].into()));
        assert_eq!(commitment.confirm(&mut outputs, other), Progress::Complete);
    }

    /// Losses that several requests show of a holder are told together, and a holder that lacks something is not asked again for the rest.
    #[test]
    fn what_a_holder_lacks_is_put_together() {
        let (mut commitment, [node, other], mut outputs) = begun(2 * IDS_MAX + 1);
        commitment.confirm(&mut outputs, other);
        commitment.fail(&mut outputs, node, lacking(b"a"));
        commitment.fail(&mut outputs, node, lacking(b"b"));
        let Progress::Lost(losses) = commitment.fail(&mut outputs, node, cut_off(CloseReason::Reset)) else { panic!("lost") };
        assert_eq!(losses[&node].ids, Some([SegmentId::of(b"a"), SegmentId::of(b"b")].into()));
        assert_eq!(outputs.len(), 4);
    }
}
