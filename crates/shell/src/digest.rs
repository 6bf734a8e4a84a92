//! A digest of events for people: many events of one kind are one entry, so that a mass of changes drowns nothing.
//!
//! An event joins the latest entry of its kind if that is not older than the span of the digest; so 899 nodes that are suspected
//! one after the other are the entry `899 nodes SUSPECT`, at the instant of the first. The text of an entry that stands for one
//! event is left to the front end.

use std::collections::{BTreeSet, VecDeque};

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::Event;
use p2p_engine::faults::Fault;
use p2p_engine::node::health::Health;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Stage, TransferId};

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
    /// Segments of a transfer failed at nodes, and are tried again.
    Retried(TransferId),
    /// The client has opened connections.
    Connected,
    /// The client has lost connections.
    Disconnected,
    /// Paths were cut at one instant, or, if it is false, healed.
    Cut(bool),
}

impl Kind {
    /// Returns the kind of an event and the hosts that it names.
    fn of(event: &Event) -> Option<(Kind, Vec<Peer>)> {
        let (kind, node) = match event {
            Event::HealthChanged { node, to, .. } => (Kind::Health(*to), node),
            Event::Segment { transfer, stage: Stage::Retransmitted, timeline } => (Kind::Resent(*transfer), &timeline.holder),
            Event::SegmentRetried { transfer, node, .. } => (Kind::Retried(*transfer), node),
            Event::Connected { node } => (Kind::Connected, node),
            Event::Disconnected { node, .. } => (Kind::Disconnected, node),
            Event::FaultBegan { fault: Fault::Cut { from, to }, .. } => return Some((Kind::Cut(true), vec![*from, *to])),
            Event::FaultEnded { fault: Fault::Cut { from, to }, .. } => return Some((Kind::Cut(false), vec![*from, *to])),
            _ => return None,
        };
        Some((kind, vec![Peer::Node(*node)]))
    }

    /// Returns true if a change of this kind takes back one of another kind, so that none may seem to be older than the other.
    fn reverses(self, other: Kind) -> bool {
        match (self, other) {
            (Kind::Health(new), Kind::Health(old)) => new != old,
            (Kind::Connected, Kind::Disconnected) | (Kind::Disconnected, Kind::Connected) => true,
            (Kind::Cut(new), Kind::Cut(old)) => new != old,
            _ => false,
        }
    }

    /// Returns the longest time after the first event at which another one of the kind joins it, in a digest of this span.
    const fn span(self, span: SimDuration) -> SimDuration {
        if matches!(self, Kind::Cut(_)) { SimDuration::ZERO } else { span }
    }
}

/// Entry of a digest: an event, or several of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    number: u64,
    at: SimTime,
    first: Event,
    kind: Option<Kind>,
    hosts: BTreeSet<Peer>,
    count: u64,
}

impl Entry {
    /// Returns the number of the entry, which no other entry of its digest has; later entries have higher ones.
    pub const fn number(&self) -> u64 {
        self.number
    }

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
        let hosts = self.hosts();
        Some(match self.kind.filter(|_| self.count > 1)? {
            Kind::Health(health) => format!("{hosts} {health}"),
            Kind::Resent(transfer) => format!("{transfer} {} sent again to {hosts}", count_of(self.count, "packet")),
            Kind::Retried(transfer) => {
                format!("{transfer} {} failed at {hosts} and are tried again", count_of(self.count, "segment"))
            }
            Kind::Connected => format!("connected to {hosts}"),
            Kind::Disconnected => format!("disconnected from {hosts}"),
            Kind::Cut(is_cut) => {
                let paths = count_of(self.count, "path");
                format!("{}{paths} between {hosts} are cut", if is_cut { "" } else { "no longer: " })
            }
        })
    }

    fn hosts(&self) -> String {
        if self.hosts.len() > NAMED_MAX {
            let noun = if self.hosts.contains(&Peer::Client) { "host" } else { "node" };
            return count_of(self.hosts.len() as u64, noun);
        }
        self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Latest entries, in the order of their first events.
#[derive(Debug, Clone)]
pub struct Digest {
    entries: VecDeque<Entry>,
    capacity: usize,
    span: SimDuration,
    /// Number of entries that there have been.
    made: u64,
}

impl Digest {
    /// Makes an empty digest that keeps the latest `capacity` entries. Events of one kind within `span` of the first are one entry.
    pub fn new(capacity: usize, span: SimDuration) -> Digest {
        Digest { entries: VecDeque::new(), capacity: capacity.max(1), span, made: 0 }
    }

    /// Adds an event that happened at `at`, no earlier than those before it. Returns the entry that it is part of now.
    pub fn note(&mut self, at: SimTime, event: &Event) -> &Entry {
        let of = Kind::of(event);
        let kind = of.as_ref().map(|(kind, _)| *kind);
        let place = match of.as_ref().and_then(|(kind, hosts)| self.open(at, *kind, hosts)) {
            Some(place) => place,
            None => self.begin(at, event, kind),
        };
        let entry = &mut self.entries[place];
        entry.hosts.extend(of.into_iter().flat_map(|(_, hosts)| hosts));
        entry.count += 1;
        entry
    }

    /// Appends an entry without events, and returns its place; the oldest entry goes where there are too many.
    fn begin(&mut self, at: SimTime, event: &Event, kind: Option<Kind>) -> usize {
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
        }
        let number = self.made;
        self.made += 1;
        self.entries.push_back(Entry { number, at, first: event.clone(), kind, hosts: BTreeSet::new(), count: 0 });
        self.entries.len() - 1
    }

    /// Returns the entries, the oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Returns the place of the latest entry of a kind, if an event of these hosts at `at` joins it. What has changed back meanwhile is
    /// another change.
    fn open(&self, at: SimTime, kind: Kind, hosts: &[Peer]) -> Option<usize> {
        let span = kind.span(self.span);
        for (place, entry) in self.entries.iter().enumerate().rev() {
            let reverses = |of: Kind| kind.reverses(of) && hosts.iter().any(|host| entry.hosts.contains(host));
            if at - entry.at > span || entry.kind.is_some_and(reverses) {
                return None;
            }
            if entry.kind == Some(kind) {
                return Some(place);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::faults::FaultCause;
    use p2p_store::manifest::NodeNumber;
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
        for node in 0..899 {
            digest.note(at(5_000), &change(node, Health::Dead));
        }
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
        for index in [1, 2] {
            digest.note(at(10_002), &Event::Connected { node: NodeNumber::from_index(index) });
        }
        assert_eq!(digest.entries().next_back().and_then(Entry::summary).unwrap(), "connected to Node_02, Node_03");
    }

    /// Paths are cut by one command at one instant, and what another one cuts is told beside it.
    #[test]
    fn a_partition_is_an_entry() {
        let mut digest = Digest::new(100, SPAN);
        let node = |index| Peer::Node(NodeNumber::from_index(index));
        let cut = |from, to| Event::FaultBegan { fault: Fault::Cut { from, to }, cause: FaultCause::Command { by: None } };
        for to in [node(0), node(1), node(2)] {
            digest.note(at(0), &cut(Peer::Client, to));
            digest.note(at(0), &cut(to, Peer::Client));
        }
        digest.note(at(1), &cut(node(0), node(1)));
        digest.note(at(1), &cut(node(1), node(0)));
        let told = ["6 paths between 4 hosts are cut", "2 paths between Node_01, Node_02 are cut"];
        assert_eq!(summaries(&digest), told.map(|text| Some(text.to_owned())));
    }

    /// The latest entry of a node says what it is now.
    #[test]
    fn a_change_back_is_a_change_of_its_own() {
        let mut digest = Digest::new(100, SPAN);
        for (ms, node, to) in [(0, 0, Health::Suspect), (1, 1, Health::Suspect), (2, 0, Health::Alive), (3, 2, Health::Suspect)] {
            digest.note(at(ms), &change(node, to));
        }
        digest.note(at(4), &change(0, Health::Suspect));
        let told: Vec<(u64, u64)> = digest.entries().map(|entry| (entry.number(), entry.count())).collect();
        assert_eq!(told, [(0, 3), (1, 1), (2, 1)]);
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
