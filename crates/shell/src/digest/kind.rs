//! Kinds of events, of which those that follow each other are one entry.

use p2p_base::units::SimDuration;
use p2p_engine::Event;
use p2p_engine::faults::{Fault, FaultCause, Target};
use p2p_engine::node::health::Health;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Stage, TransferId};

/// Kind of events that are one entry if several follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nodes have become alive, suspect or dead.
    Health(Health),
    /// Segments of a transfer had bytes retransmitted.
    Resent(TransferId),
    /// Segments of a transfer failed at nodes, and are tried again.
    Retried(TransferId),
    /// The client has opened connections.
    Connected,
    /// The client has lost connections.
    Disconnected,
    /// One act has put faults on, or, if `begins` is false, taken them back.
    Faults {
        begins: bool,
        of: Faults,
        /// Reason of all of them.
        cause: FaultCause,
    },
}

/// Faults that are told together if one act has put them on or taken them back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Faults {
    /// Cut paths.
    Cuts,
    /// Both directions of a link or a path, by the lower of the two targets.
    Ways(Target),
    /// All that a profile puts on.
    Profile(String),
    /// All of one kind, which one command has taken back.
    Named(&'static str),
}

impl Kind {
    /// Returns the kind of an event and the hosts that it names.
    pub(super) fn of(event: &Event) -> Option<(Kind, Vec<Peer>)> {
        let (kind, node) = match event {
            Event::HealthChanged { node, to, .. } => (Kind::Health(*to), node),
            Event::Segment { transfer, stage: Stage::Retransmitted, timeline } => (Kind::Resent(*transfer), &timeline.holder),
            Event::SegmentRetried { transfer, node, .. } => (Kind::Retried(*transfer), node),
            Event::Connected { node } => (Kind::Connected, node),
            Event::Disconnected { node, .. } => (Kind::Disconnected, node),
            Event::FaultBegan { fault, cause } => return Kind::of_fault(fault, cause, true),
            Event::FaultEnded { fault, cause } => return Kind::of_fault(fault, cause, false),
            _ => return None,
        };
        Some((kind, vec![Peer::Node(*node)]))
    }

    fn of_fault(fault: &Fault, cause: &FaultCause, begins: bool) -> Option<(Kind, Vec<Peer>)> {
        let target = fault.target();
        let of = match (cause, target) {
            (FaultCause::Profile { name, .. }, _) if begins => Faults::Profile(name.clone()),
            (_, Target::Cut(..)) => Faults::Cuts,
            (FaultCause::Command { .. }, _) if !begins => Faults::Named(fault.name()),
            _ => Faults::Ways(target.opposite()?.min(target)),
        };
        Some((Kind::Faults { begins, of, cause: cause.clone() }, target.hosts().collect()))
    }

    /// Returns true if a change of this kind takes back one of another kind, so that none may seem to be older than the other.
    pub(super) fn reverses(&self, other: &Kind) -> bool {
        match (self, other) {
            (Kind::Health(new), Kind::Health(old)) => new != old,
            (Kind::Connected, Kind::Disconnected) | (Kind::Disconnected, Kind::Connected) => true,
            (Kind::Faults { begins: new, .. }, Kind::Faults { begins: old, .. }) => new != old,
            _ => false,
        }
    }

    /// Returns the longest time after the first event at which another one of the kind joins it, in a digest of this span. An act is done
    /// at one instant.
    pub(super) const fn span(&self, span: SimDuration) -> SimDuration {
        if matches!(self, Kind::Faults { .. }) { SimDuration::ZERO } else { span }
    }
}
