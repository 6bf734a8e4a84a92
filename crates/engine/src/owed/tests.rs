//! Tests of the deletions that nodes owe, without a simulation: the books under random inputs, and when attempts are made.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Longest delay of a retry.
const RETRY_LAST: SimDuration = SimDuration::from_secs(30 << 5);

fn id(number: u8) -> SegmentId {
    SegmentId::of(&[number])
}

fn node(index: usize) -> NodeNumber {
    NodeNumber::from_index(index)
}

/// What the surroundings were asked for and have not answered.
#[derive(Debug, Clone, PartialEq)]
enum Open {
    Check(Vec<SegmentId>),
    Ask(Vec<SegmentId>),
}

/// What becomes of an attempt that is under way at a node.
#[derive(Debug, Clone)]
enum Fate {
    /// The catalog says that files reference the segments whose numbers in the batch are odd.
    Checked,
    CatalogFails,
    Answered(bool),
}

#[derive(Debug, Clone)]
enum Act {
    Owed(usize, BTreeSet<u8>, bool),
    Reachable(usize),
    Ends(usize, Fate),
    Passes(u64, [bool; 3]),
}

fn act() -> impl Strategy<Value = Act> {
    let fate = prop_oneof![Just(Fate::Checked), Just(Fate::CatalogFails), any::<bool>().prop_map(Fate::Answered)];
    prop_oneof![
        (0usize..4, proptest::collection::btree_set(0u8..40, 0..9), any::<bool>())
            .prop_map(|(node, ids, is_connected)| Act::Owed(node, ids, is_connected)),
        (0usize..4).prop_map(Act::Reachable),
        (0usize..4, fate).prop_map(|(node, fate)| Act::Ends(node, fate)),
        (0u64..100, any::<[bool; 3]>()).prop_map(|(seconds, reachable)| Act::Passes(seconds, reachable)),
    ]
}

/// The machine with its surroundings, and the books that it should keep.
struct Books {
    machine: OwedDeletions,
    now: SimTime,
    owed: BTreeMap<usize, BTreeSet<SegmentId>>,
    open: BTreeMap<usize, Open>,
    /// Segments that have been announced as owed, and those that are not owed any more, deleted or referenced.
    announced: u64,
    settled: u64,
}

impl Books {
    fn new() -> Books {
        let (owed, open) = Default::default();
        Books { machine: OwedDeletions::new(3), now: SimTime::ZERO, owed, open, announced: 0, settled: 0 }
    }

    fn settle(&mut self, index: usize, ids: impl IntoIterator<Item = SegmentId>) {
        let owed = self.owed.entry(index).or_default();
        self.settled += ids.into_iter().filter(|id| owed.remove(id)).count() as u64;
    }

    /// Takes the outputs out, and checks the books.
    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                OwedOutput::Check { node, ids } => {
                    assert!(!ids.is_empty() && ids.iter().all(|id| self.owed[&node.index()].contains(id)));
                    assert_eq!(self.open.insert(node.index(), Open::Check(ids)), None, "one attempt at once");
                }
                OwedOutput::Ask { node, ids } => {
                    assert!(!ids.is_empty() && ids.iter().all(|id| self.owed[&node.index()].contains(id)));
                    assert_eq!(self.open.insert(node.index(), Open::Ask(ids)), None, "one attempt at once");
                }
                OwedOutput::Emit(Event::DeletionsOwed { segments, .. }) => self.announced += segments,
                OwedOutput::Emit(Event::OwedDeleted { .. }) => {}
                OwedOutput::Emit(event) => panic!("{event:?}"),
            }
        }
        let owed: u64 = self.owed.values().map(|ids| ids.len() as u64).sum();
        assert_eq!((self.machine.count(), self.announced - self.settled), (owed, owed));
        let waits = |(index, ids): (&usize, &BTreeSet<SegmentId>)| !ids.is_empty() && !self.open.contains_key(index);
        assert!(!self.owed.iter().any(waits) || self.machine.next_timeout().is_some(), "what is owed is asked for again");
        assert!(self.machine.next_timeout().is_none_or(|at| at <= self.now + RETRY_LAST));
    }

    fn end(&mut self, index: usize, fate: &Fate) {
        let (now, node) = (self.now, node(index));
        let open = self.open.get(&index).cloned();
        match (fate, open) {
            (Fate::Checked, Some(Open::Check(ids))) => {
                let (referenced, free): (Vec<_>, Vec<_>) = ids.into_iter().enumerate().partition(|(number, _)| number % 2 == 1);
                self.open.remove(&index);
                self.settle(index, referenced.into_iter().map(|(_, id)| id));
                self.machine.handle_checked(now, node, Some(&free.into_iter().map(|(_, id)| id).collect()));
            }
            (Fate::CatalogFails, Some(Open::Check(_))) => {
                self.open.remove(&index);
                self.machine.handle_checked(now, node, None);
            }
            (Fate::Answered(is_done), Some(Open::Ask(ids))) => {
                self.open.remove(&index);
                if *is_done {
                    self.settle(index, ids);
                }
                self.machine.handle_answer(now, node, *is_done);
            }
            // Nothing was asked for that this could be the answer to.
            (Fate::Checked, _) => self.machine.handle_checked(now, node, Some(&BTreeSet::new())),
            (Fate::CatalogFails, _) => self.machine.handle_checked(now, node, None),
            (Fate::Answered(is_done), _) => self.machine.handle_answer(now, node, *is_done),
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Owed(index, ids, is_connected) => {
                let ids: BTreeSet<SegmentId> = ids.into_iter().map(id).collect();
                if index < 3 {
                    self.owed.entry(index).or_default().extend(ids.iter().copied());
                }
                self.machine.handle_owed(self.now, node(index), ids, is_connected);
            }
            Act::Reachable(index) => self.machine.handle_reachable(node(index)),
            Act::Ends(index, fate) => self.end(index, &fate),
            Act::Passes(seconds, reachable) => {
                self.now += SimDuration::from_secs(seconds);
                self.machine.handle_timeout(self.now, |node| reachable[node.index()]);
            }
        }
        self.carry_out();
    }
}

proptest! {
    /// Whatever happens, each segment is deleted, referenced or still owed, one attempt a node is under way at once, and what is
    /// owed is asked for again. Once all nodes and the catalog answer, nothing stays owed.
    #[test]
    fn the_books_are_kept_and_nothing_stays_owed_without_end(acts in proptest::collection::vec(act(), 1..120)) {
        let mut books = Books::new();
        for act in acts {
            books.act(act);
        }
        for _ in 0..200 {
            for index in 0..3 {
                let fate = match books.open.get(&index) {
                    Some(Open::Check(_)) => Fate::Checked,
                    Some(Open::Ask(_)) => Fate::Answered(true),
                    None => continue,
                };
                books.act(Act::Ends(index, fate));
            }
            books.act(Act::Passes(100, [true; 3]));
        }
        prop_assert_eq!((books.machine.count(), books.machine.next_timeout()), (0, None));
    }
}

/// Carries out a whole attempt of node 1, in which the node does not answer.
fn fail(machine: &mut OwedDeletions, now: SimTime) {
    let Some(OwedOutput::Check { ids, .. }) = machine.poll_output() else { panic!("no check") };
    machine.handle_checked(now, node(0), Some(&ids.into_iter().collect()));
    assert!(matches!(machine.poll_output(), Some(OwedOutput::Ask { .. })));
    machine.handle_answer(now, node(0), false);
    assert_eq!(machine.poll_output(), None);
}

#[test]
fn attempts_become_rarer_until_the_node_is_reachable() {
    let mut machine = OwedDeletions::new(1);
    machine.handle_owed(SimTime::ZERO, node(0), [id(1)], false);
    assert!(matches!(machine.poll_output(), Some(OwedOutput::Emit(Event::DeletionsOwed { segments: 1, .. }))));
    let (mut now, mut waits) = (SimTime::ZERO, Vec::new());
    for _ in 0..9 {
        let at = machine.next_timeout().unwrap();
        waits.push(at.since(now).as_nanos() / 1_000_000_000);
        now = at;
        machine.handle_timeout(now, |_| true);
        fail(&mut machine, now);
    }
    assert_eq!(waits, [30, 30, 60, 120, 240, 480, 960, 960, 960]);
    // A node that is known to be unreachable is not asked.
    let at = machine.next_timeout().unwrap();
    machine.handle_timeout(at, |_| false);
    assert_eq!((machine.poll_output(), machine.next_timeout()), (None, Some(at + RETRY_LAST)));
    machine.handle_reachable(node(0));
    fail(&mut machine, at);
    assert_eq!(machine.next_timeout(), Some(at + RETRY_FIRST));
}

/// A retry that is due while an attempt is under way does not begin another one, even if the node has become unreachable.
#[test]
fn an_attempt_under_way_is_the_only_one() {
    let mut machine = OwedDeletions::new(1);
    machine.handle_owed(SimTime::ZERO, node(0), [id(1)], true);
    machine.handle_owed(SimTime::ZERO, node(0), [id(2)], false);
    let outputs: Vec<_> = std::iter::from_fn(|| machine.poll_output()).collect();
    assert_eq!(outputs.iter().filter(|output| matches!(output, OwedOutput::Check { .. })).count(), 1);
    let at = machine.next_timeout().unwrap();
    machine.handle_timeout(at, |_| false);
    machine.handle_reachable(node(0));
    assert_eq!((machine.poll_output(), machine.next_timeout()), (None, None));
    machine.handle_checked(at, node(0), Some(&BTreeSet::from([id(1)])));
    assert_eq!(machine.poll_output(), Some(OwedOutput::Ask { node: node(0), ids: vec![id(1)] }));
    machine.handle_answer(at, node(0), true);
    assert!(matches!(machine.poll_output(), Some(OwedOutput::Emit(Event::OwedDeleted { segments: 1, .. }))));
    assert_eq!(machine.poll_output(), Some(OwedOutput::Check { node: node(0), ids: vec![id(2)] }));
}
