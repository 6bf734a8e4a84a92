//! A digest of events for people: many events of one kind are one entry, so that a mass of changes drowns nothing.
//!
//! An event joins the latest entry of its kind if that is not older than the span of the digest; so 899 nodes that are suspected
//! one after the other are the entry `899 nodes SUSPECT`, at the instant of the first. The text of an entry that stands for one
//! event is left to the front end.

use std::collections::{BTreeSet, VecDeque};

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::Event;
use p2p_engine::node::health::Health;
use p2p_engine::transfer::{Stage, TransferId};
use p2p_store::manifest::NodeNumber;

use crate::report::count_of;

/// Number of nodes of an entry that are named; more are counted.
const NAMED_MAX: usize = 3;

/// Kind of events that are one entry if several follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nodes have become alive, suspect or dead.
    Health(Health),
    /// Segments of a transfer had bytes retransmitted.
    Resent(TransferId),
    /// The client has opened connections.
    Connected,
    /// The client has lost connections.
    Disconnected,
}

impl Kind {
    fn of(event: &Event) -> Option<(Kind, NodeNumber)> {
        match event {
            Event::HealthChanged { node, to, .. } => Some((Kind::Health(*to), *node)),
            Event::Segment { transfer, stage: Stage::Retransmitted, timeline } => {
                Some((Kind::Resent(*transfer), timeline.holder))
            }
            Event::Connected { node } => Some((Kind::Connected, *node)),
            Event::Disconnected { node, .. } => Some((Kind::Disconnected, *node)),
            _ => None,
        }
    }
}

/// Entry of a digest: an event, or several of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    at: SimTime,
    first: Event,
    kind: Option<Kind>,
    nodes: BTreeSet<NodeNumber>,
    count: u64,
}

impl Entry {
    /// Returns the instant of the first event.
    pub const fn at(&self) -> SimTime {
        self.at
    }

    /// Returns the first event, the only one unless there is a [`summary`](Self::summary).
    pub const fn first(&self) -> &Event {
        &self.first
    }

    /// Returns the number of events.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the text of several events, as in `899 nodes SUSPECT` or `Node_01, Node_04 DEAD`; `None` if the entry is one event.
    pub fn summary(&self) -> Option<String> {
        let nodes = self.nodes();
        Some(match self.kind.filter(|_| self.count > 1)? {
            Kind::Health(health) => format!("{nodes} {health}"),
            Kind::Resent(transfer) => format!("{transfer} {} sent again to {nodes}", count_of(self.count, "packet")),
            Kind::Connected => format!("connected to {nodes}"),
            Kind::Disconnected => format!("disconnected from {nodes}"),
        })
    }

    fn nodes(&self) -> String {
        if self.nodes.len() > NAMED_MAX {
            return count_of(self.nodes.len() as u64, "node");
        }
        self.nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Latest entries, in the order of their first events.
#[derive(Debug, Clone)]
pub struct Digest {
    entries: VecDeque<Entry>,
    capacity: usize,
    span: SimDuration,
}

impl Digest {
    /// Makes an empty digest that keeps the latest `capacity` entries. Events of one kind within `span` of the first are one entry.
    pub fn new(capacity: usize, span: SimDuration) -> Digest {
        Digest { entries: VecDeque::new(), capacity: capacity.max(1), span }
    }

    /// Adds an event that happened at `at`, no earlier than those before it.
    pub fn note(&mut self, at: SimTime, event: &Event) {
        let of = Kind::of(event);
        if let Some((kind, node)) = of
            && let Some(entry) = self.open(at, kind)
        {
            entry.nodes.insert(node);
            entry.count += 1;
            return;
        }
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
        }
        let nodes = of.iter().map(|(_, node)| *node).collect();
        self.entries.push_back(Entry { at, first: event.clone(), kind: of.map(|(kind, _)| kind), nodes, count: 1 });
    }

    /// Returns the entries, the oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Returns the latest entry of a kind, if an event at `at` joins it.
    fn open(&mut self, at: SimTime, kind: Kind) -> Option<&mut Entry> {
        let span = self.span;
        let mut recent = self.entries.iter_mut().rev().take_while(|entry| at - entry.at <= span);
        recent.find(|entry| entry.kind == Some(kind))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPAN: SimDuration = SimDuration::from_secs(10);

    fn at(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(ms)
    }

    fn change(index: usize, to: Health) -> Event {
        Event::HealthChanged { node: NodeNumber::from_index(index), from: Health::Alive, to, missed: 2 }
    }

    fn summaries(digest: &Digest) -> Vec<Option<String>> {
        digest.entries().map(Entry::summary).collect()
    }

    #[test]
    fn a_mass_of_changes_is_one_entry() {
        let mut digest = Digest::new(100, SPAN);
        for node in 0..899 {
            digest.note(at(node as u64 * 5), &change(node, Health::Suspect));
            // What happens between them is not lost among them.
            if node == 450 {
                digest.note(at(node as u64 * 5), &Event::Swept { node: NodeNumber::from_index(0), leftovers: 1, orphans: 0 });
            }
        }
        (0..899).for_each(|node| digest.note(at(5_000), &change(node, Health::Dead)));
        let told = summaries(&digest);
        assert_eq!(told, [Some("899 nodes SUSPECT".to_owned()), None, Some("899 nodes DEAD".to_owned())]);
        let first = digest.entries().next().unwrap();
        assert_eq!((first.at(), first.count(), first.first()), (at(0), 899, &change(0, Health::Suspect)));
    }

    #[test]
    fn few_are_named_and_a_node_once() {
        let mut digest = Digest::new(100, SPAN);
        digest.note(at(0), &change(0, Health::Dead));
        assert_eq!(summaries(&digest), [None]);
        digest.note(at(10), &change(3, Health::Dead));
        digest.note(at(20), &change(3, Health::Dead));
        assert_eq!(summaries(&digest), [Some("Node_01, Node_04 DEAD".to_owned())]);
        // After the span it is another change.
        digest.note(at(10_001), &change(5, Health::Dead));
        assert_eq!(digest.entries().len(), 2);
        [1, 2].iter().for_each(|&index| digest.note(at(10_002), &Event::Connected { node: NodeNumber::from_index(index) }));
        assert_eq!(digest.entries().next_back().and_then(Entry::summary).unwrap(), "connected to Node_02, Node_03");
    }

    proptest! {
        /// Every event is in an entry as long as there is room, entries are in order, and none spans more than it may.
        #[test]
        fn every_event_is_counted_once(events in proptest::collection::vec((0u64..4_000, 0usize..20, 0u8..3), 0..200)) {
            let (mut digest, mut now) = (Digest::new(1_000, SPAN), 0);
            for &(gap, node, kind) in &events {
                now += gap;
                let to = [Health::Alive, Health::Suspect, Health::Dead][usize::from(kind)];
                digest.note(at(now), &change(node, to));
            }
            prop_assert_eq!(digest.entries().map(Entry::count).sum::<u64>(), events.len() as u64);
            let instants: Vec<SimTime> = digest.entries().map(Entry::at).collect();
            prop_assert!(instants.is_sorted());
            let mut small = Digest::new(3, SPAN);
            for &(gap, node, _) in &events {
                small.note(at(gap), &Event::Swept { node: NodeNumber::from_index(node), leftovers: 0, orphans: 1 });
            }
            prop_assert_eq!(small.entries().len(), events.len().min(3));
        }
    }
}
