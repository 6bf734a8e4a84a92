//! A digest of events for people: many events of one kind are one entry, so that a mass of changes drowns nothing.
//!
//! An event joins the latest entry of its kind if that is not older than the span of the digest; so 899 nodes that are suspected
//! one after the other are the entry `899 nodes SUSPECT`, at the instant of the first. The text of an entry that stands for one
//! event is left to the front end.

mod kind;

use std::collections::{BTreeSet, VecDeque};

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::Event;
use p2p_engine::faults::{Fault, Target};
use p2p_engine::snapshot::Peer;

use self::kind::{Faults, Kind};
use crate::report::{CutPaths, count_of, parts_of_profile};

/// Number of nodes of an entry that are named; more are counted.
const NAMED_MAX: usize = 3;

/// Entry of a digest: an event, or several of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    number: u64,
    at: SimTime,
    /// Instant of the last event.
    until: SimTime,
    first: Event,
    kind: Option<Kind>,
    hosts: BTreeSet<Peer>,
    /// Paths that the events are about, where those are cut or healed.
    paths: CutPaths,
    /// True if there are two events, of the same fault in both directions of a link or a path.
    is_both_ways: bool,
    count: u64,
}

impl Entry {
    /// Makes an entry without events, of which `first` will be the first.
    fn new(number: u64, at: SimTime, first: &Event, kind: Option<Kind>) -> Entry {
        let (first, hosts, paths) = (first.clone(), BTreeSet::new(), CutPaths::default());
        Entry { number, at, until: at, first, kind, hosts, paths, is_both_ways: false, count: 0 }
    }

    /// Adds an event that names these hosts.
    fn add(&mut self, at: SimTime, event: &Event, hosts: Vec<Peer>) {
        if let Some(Fault::Cut { from, to }) = fault_of(event) {
            self.paths.add(*from, *to);
        }
        let is_opposite = |first: &Fault| fault_of(event).is_some_and(|fault| first.is_opposite_of(fault));
        self.is_both_ways = self.count == 1 && fault_of(&self.first).is_some_and(is_opposite);
        self.hosts.extend(hosts);
        self.until = at;
        self.count += 1;
    }

    /// Returns the number of the entry, which no other entry of its digest has; later entries have higher ones.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the instant of the first event.
    pub const fn at(&self) -> SimTime {
        self.at
    }

    /// Returns the instant of the last event.
    pub const fn until(&self) -> SimTime {
        self.until
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
        Some(match self.kind.as_ref().filter(|_| self.count > 1)? {
            Kind::Health(health) => format!("{hosts} {health}"),
            Kind::Resent(transfer) => format!("{transfer} {} sent again to {hosts}", count_of(self.count, "packet")),
            Kind::Retried(transfer) => {
                format!("{transfer} {} failed at {hosts} and are tried again", count_of(self.count, "segment"))
            }
            Kind::Connected => format!("connected to {hosts}"),
            Kind::Disconnected => format!("disconnected from {hosts}"),
            Kind::Faults { begins: true, of, .. } => self.told(of),
            Kind::Faults { begins: false, of, .. } => format!("no longer: {}", self.told(of)),
        })
    }

    /// Returns what several faults are, counted as the list of faults counts them.
    fn told(&self, faults: &Faults) -> String {
        let hosts = self.hosts();
        let both_ways = fault_of(&self.first).filter(|_| self.is_both_ways).and_then(Fault::both_ways);
        match (faults, both_ways) {
            (Faults::Cuts, _) => self.paths.told(),
            (Faults::Profile(name), _) => parts_of_profile(name, &self.hosts, self.count),
            (Faults::Ways(_) | Faults::Named("link" | "path"), Some((whole, _))) => whole,
            (Faults::Ways(Target::Link(..)) | Faults::Named("link"), _) => format!("the links of {hosts} are changed"),
            (Faults::Ways(_) | Faults::Named("path"), _) => format!("paths between {hosts} are changed"),
            (Faults::Named("paths"), _) => format!("all paths of {hosts} are changed"),
            (Faults::Named("disk"), _) => format!("the disks of {hosts} are faulty"),
            (Faults::Named(name), _) => format!("{hosts} are {name}"),
        }
    }

    fn hosts(&self) -> String {
        if self.hosts.len() > NAMED_MAX {
            let noun = if self.hosts.contains(&Peer::Client) { "host" } else { "node" };
            return count_of(self.hosts.len() as u64, noun);
        }
        self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the fault that an event tells of.
const fn fault_of(event: &Event) -> Option<&Fault> {
    match event {
        Event::FaultBegan { fault, .. } | Event::FaultEnded { fault, .. } => Some(fault),
        _ => None,
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
        let (kind, hosts) = Kind::of(event).map_or((None, Vec::new()), |(kind, hosts)| (Some(kind), hosts));
        let place = match kind.as_ref().and_then(|kind| self.open(at, kind, &hosts)) {
            Some(place) => place,
            None => self.begin(at, event, kind),
        };
        let entry = &mut self.entries[place];
        entry.add(at, event, hosts);
        entry
    }

    /// Appends an entry without events, and returns its place; the oldest entry goes where there are too many.
    fn begin(&mut self, at: SimTime, event: &Event, kind: Option<Kind>) -> usize {
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry::new(self.made, at, event, kind));
        self.made += 1;
        self.entries.len() - 1
    }

    /// Returns the entries, the oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Returns the place of the latest entry of a kind, if an event of these hosts at `at` joins it. What has changed back meanwhile is
    /// another change.
    fn open(&self, at: SimTime, kind: &Kind, hosts: &[Peer]) -> Option<usize> {
        let span = kind.span(self.span);
        for (place, entry) in self.entries.iter().enumerate().rev() {
            let reverses = |of: &Kind| kind.reverses(of) && hosts.iter().any(|host| entry.hosts.contains(host));
            if at - entry.at > span || entry.kind.as_ref().is_some_and(reverses) {
                return None;
            }
            if entry.kind.as_ref() == Some(kind) {
                return Some(place);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::faults::{FaultCause, LinkChange};
    use p2p_engine::node::health::Health;
    use p2p_net::Direction;
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
        let told = (first.at(), first.until(), first.count(), first.first());
        assert_eq!(told, (at(0), at(898 * 5), 899, &change(0, Health::Suspect)));
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
        // The path between two hosts is one, whatever it is cut by.
        let told = ["the paths client,Node_01 and client,Node_02 and client,Node_03 are cut", "the path Node_01,Node_02 is cut"];
        assert_eq!(summaries(&digest), told.map(|text| Some(text.to_owned())));
    }

    /// As in the list of faults: both directions of a link are one, and so is what a profile has put on.
    #[test]
    fn an_act_is_an_entry() {
        let mut digest = Digest::new(100, SPAN);
        let command = || FaultCause::Command { by: None };
        let link = |index, direction| Fault::Link {
            peer: Peer::Node(NodeNumber::from_index(index)),
            direction,
            change: LinkChange { bandwidth: None, queue_packets: Some(5) },
        };
        let ways = [Direction::Up, Direction::Down];
        for fault in ways.map(|way| link(0, way)) {
            digest.note(at(0), &Event::FaultBegan { fault, cause: command() });
        }
        for fault in (0..5).flat_map(|index| ways.map(|way| link(index, way))) {
            let cause = FaultCause::Profile { name: "congested".into(), by: None };
            digest.note(at(5), &Event::FaultBegan { fault, cause });
        }
        for fault in (0..5).flat_map(|index| ways.map(|way| link(index, way))) {
            digest.note(at(5), &Event::FaultEnded { fault, cause: command() });
        }
        for fault in ways.map(|way| link(0, way)) {
            digest.note(at(5), &Event::FaultBegan { fault, cause: command() });
        }
        let told = [
            "the link of Node_01 has a queue of 5 packets",
            "congested on 5 nodes (10 parts)",
            "no longer: the links of 5 nodes are changed",
            "the link of Node_01 has a queue of 5 packets",
        ];
        assert_eq!(summaries(&digest), told.map(|text| Some(text.to_owned())));
    }

    /// As in the list of faults: the same change of two links in one direction is not that of one link in both.
    #[test]
    fn directions_of_two_links_are_not_one_link() {
        let mut digest = Digest::new(100, SPAN);
        let ended = |index, direction| Event::FaultEnded {
            fault: Fault::Link {
                peer: Peer::Node(NodeNumber::from_index(index)),
                direction,
                change: LinkChange { bandwidth: None, queue_packets: Some(5) },
            },
            cause: FaultCause::Command { by: None },
        };
        for (index, way) in [(0, Direction::Up), (1, Direction::Up)] {
            digest.note(at(0), &ended(index, way));
        }
        for way in [Direction::Up, Direction::Down] {
            digest.note(at(1), &ended(0, way));
        }
        let told =
            ["no longer: the links of Node_01, Node_02 are changed", "no longer: the link of Node_01 has a queue of 5 packets"];
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
