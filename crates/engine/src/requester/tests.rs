//! A requester driven by random inputs, without a network: the nodes behind its connections answer, fall silent or hang up.

use std::collections::BTreeSet;

use p2p_store::segment::SegmentId;
use proptest::prelude::*;

use super::*;
use crate::node::protocol::{FrameReader, ReadStep, frame};

const USER_TIMEOUT: SimDuration = SimDuration::from_secs(30);
const IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(60);
/// Number of nodes, more than may send at the same time.
const NODES: usize = 10;
const SENDING_MAX: usize = 5;

fn node(index: usize) -> NodeNumber {
    NodeNumber::from_index(index % NODES)
}

/// Node behind a connection.
#[derive(Default)]
struct Behind {
    is_connected: bool,
    /// Frames that wait for room, and the bytes written so far.
    waiting: VecDeque<(RequestTag, Bytes, Bytes)>,
    written: u64,
    acknowledged: u64,
    /// Offset whose acknowledgement is to be reported.
    awaited: Option<u64>,
    reader: FrameReader,
    asked: VecDeque<RequestTag>,
    /// Instant at which the node last acknowledged or sent anything.
    active_at: SimTime,
}

/// Requester with the nodes that it asks.
struct Bench {
    now: SimTime,
    requester: Requester<u32>,
    nodes: BTreeMap<NodeNumber, Behind>,
    /// Owners of the requests that are neither answered nor failed.
    open: BTreeMap<u32, NodeNumber>,
    forgotten: BTreeSet<u32>,
    told: Vec<(u32, bool)>,
    next_owner: u32,
    last_tag: BTreeMap<NodeNumber, RequestTag>,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            now: SimTime::ZERO,
            requester: Requester::new(USER_TIMEOUT, IDLE_TIMEOUT),
            nodes: BTreeMap::new(),
            open: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            told: Vec::new(),
            next_owner: 0,
            last_tag: BTreeMap::new(),
        }
    }

    fn ask(&mut self, node: NodeNumber) {
        self.next_owner += 1;
        self.open.insert(self.next_owner, node);
        let (request, payload) = match self.next_owner % 4 {
            0 => (Request::Ping, Bytes::new()),
            1 | 2 => (Request::Get { id: SegmentId::of(b"a") }, Bytes::new()),
            _ => (Request::Put { id: SegmentId::of(b"a") }, Bytes::from_static(b"a")),
        };
        self.requester.request(self.now, node, self.next_owner, &request, payload);
        self.carry_out();
    }

    fn fetch(&mut self, node: NodeNumber) {
        self.next_owner += 1;
        self.open.insert(self.next_owner, node);
        self.requester.request(self.now, node, self.next_owner, &Request::Get { id: SegmentId::of(b"a") }, Bytes::new());
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.requester.poll_output() {
            match output {
                RequesterOutput::Connect { node } => {
                    let behind = Behind { active_at: self.now, ..Behind::default() };
                    assert!(self.nodes.insert(node, behind).is_none(), "a second connection to {node}");
                }
                RequesterOutput::Send { node, tag, header, payload } => {
                    let behind = self.nodes.get_mut(&node).filter(|behind| behind.is_connected);
                    behind.expect("a request is sent over an open connection").waiting.push_back((tag, header, payload));
                    let before = self.last_tag.insert(node, tag);
                    assert!(before.is_none_or(|before| before < tag), "requests are sent in their order");
                }
                RequesterOutput::Withdraw { node, tag } => {
                    if let Some(behind) = self.nodes.get_mut(&node) {
                        behind.waiting.retain(|(waiting, _, _)| *waiting != tag);
                    }
                }
                RequesterOutput::AwaitAcknowledged { node, bytes } => {
                    self.nodes.get_mut(&node).unwrap().awaited = Some(bytes);
                }
                RequesterOutput::Close { node } | RequesterOutput::Abort { node } => {
                    assert!(self.nodes.remove(&node).is_some(), "the connection to {node} ends once");
                }
                RequesterOutput::Ready { owner } => assert!(self.open.contains_key(&owner)),
                RequesterOutput::Answered { owner, node, .. } => self.end(owner, node, true),
                RequesterOutput::Failed { owner, node, .. } => self.end(owner, node, false),
                RequesterOutput::Opened { .. } | RequesterOutput::Lost { .. } => {}
            }
        }
    }

    fn end(&mut self, owner: u32, node: NodeNumber, is_answered: bool) {
        assert_eq!(self.open.remove(&owner), Some(node), "the owner of a request is told once");
        self.told.push((owner, is_answered));
    }

    fn connect(&mut self, node: NodeNumber) {
        let Some(behind) = self.nodes.get_mut(&node).filter(|behind| !behind.is_connected) else { return };
        behind.is_connected = true;
        self.requester.handle_connected(self.now, node);
        self.carry_out();
    }

    /// Writes some of the waiting frames, and lets the node receive them.
    fn write(&mut self, node: NodeNumber, count: usize) {
        for _ in 0..count {
            let Some(behind) = self.nodes.get_mut(&node) else { return };
            let Some((tag, header, payload)) = behind.waiting.pop_front() else { return };
            behind.written += (header.len() + payload.len()) as u64;
            let end = behind.written;
            let mut rest = Bytes::from([header, payload].concat());
            while !rest.is_empty() {
                let piece = rest.split_to(rest.len().min(behind.reader.piece_max()));
                if let ReadStep::Frame(frame) = behind.reader.push(piece).unwrap() {
                    behind.asked.push_back(frame.request().unwrap().0);
                }
            }
            self.requester.handle_written(self.now, node, tag, end);
            self.carry_out();
        }
    }

    fn acknowledge(&mut self, node: NodeNumber) {
        let Some(behind) = self.nodes.get_mut(&node) else { return };
        (behind.acknowledged, behind.active_at) = (behind.written, self.now);
        if behind.awaited.take_if(|awaited| *awaited <= behind.written).is_some() {
            self.requester.handle_acknowledged(self.now, node);
            self.carry_out();
        }
    }

    /// Answers one of the requests that the node has, in pieces of `step` bytes.
    fn answer(&mut self, node: NodeNumber, place: usize, step: usize) {
        let Some(behind) = self.nodes.get_mut(&node) else { return };
        let count = behind.asked.len().max(1);
        let Some(tag) = behind.asked.remove(place % count) else { return };
        behind.active_at = self.now;
        self.bytes(node, frame(tag, &Response::Pong, &Bytes::new()).unwrap(), step);
    }

    fn bytes(&mut self, node: NodeNumber, mut bytes: Bytes, step: usize) {
        while let Some((piece_max, rest)) = self.requester.wants(node).filter(|_| !bytes.is_empty()) {
            assert!(piece_max as u64 <= rest);
            let piece = bytes.split_to(bytes.len().min(step).min(piece_max));
            self.requester.handle_bytes(self.now, node, piece);
            self.carry_out();
        }
    }

    fn hang_up(&mut self, node: NodeNumber) {
        self.requester.handle_ended(self.now, node, CloseReason::Reset);
        self.carry_out();
    }

    fn forget(&mut self, owner: u32) {
        let is_unwritten = |behind: &Behind| !behind.is_connected || !behind.waiting.is_empty();
        let is_held = self.requester.fan_in.waiting().any(|held| held.owner == owner);
        let waits = is_held || self.open.get(&owner).and_then(|node| self.nodes.get(node)).is_some_and(is_unwritten);
        let is_alone = |to: &Connection<u32>| to.asked.len() == 1 && to.asked[0].owner == owner && to.asked[0].end.is_some();
        let is_cut_off = self.requester.connections.values().any(is_alone);
        let before = self.requests();
        self.requester.forget(self.now, |&of| of == owner);
        self.carry_out();
        assert!(!is_cut_off || self.requests() < before, "a connection on which nothing else is asked goes with its request");
        if self.requests() < before {
            assert!((waits || is_cut_off) && self.open.remove(&owner).is_some(), "a written request beside others is forgotten");
            self.forgotten.insert(owner);
        }
    }

    fn requests(&self) -> usize {
        let asked: usize = self.requester.connections.values().map(|connection| connection.asked.len()).sum();
        asked + self.requester.fan_in.waiting().count()
    }

    /// Returns the number of nodes that owe a segment.
    fn sending(&self) -> usize {
        let owes = |connection: &&Connection<u32>| connection.asked.iter().any(|asked| asked.is_fetch);
        self.requester.connections.values().filter(owes).count()
    }

    /// Lets time pass to the next timeout, if there is one.
    fn time_out(&mut self) -> bool {
        let Some(at) = self.requester.next_timeout() else { return false };
        self.now = self.now.max(at);
        let nodes = &self.nodes;
        self.requester.handle_timeout(self.now, |node| {
            let Behind { acknowledged, active_at, .. } = *nodes.get(&node)?;
            let activity = Activity { heard_at: active_at, received_at: active_at, acked_at: active_at };
            Some(Progress { acknowledged, activity })
        });
        self.carry_out();
        true
    }

    /// Nothing happens any more but the passing of time, and connections that never open are given up as TCP does.
    fn wait_for_all(&mut self) {
        for _ in 0..10_000 {
            let opening: Vec<NodeNumber> = self.nodes.iter().filter(|(_, to)| !to.is_connected).map(|(&node, _)| node).collect();
            for &node in &opening {
                self.requester.handle_ended(self.now, node, CloseReason::TimedOut);
                self.carry_out();
            }
            if !self.time_out() && opening.is_empty() {
                break;
            }
        }
        assert!(self.open.is_empty(), "{:?} are waited for without end", self.open);
        assert!(self.nodes.is_empty() && self.requester.next_timeout().is_none(), "idle connections are closed");
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Ask(usize),
    Connect(usize),
    Write(usize, usize),
    Acknowledge(usize),
    Answer(usize, usize, usize),
    HangUp(usize),
    Forget(u32),
    Pass(u64),
    TimeOut,
    Garbage(usize),
    Spurious(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let any_node = || 0..NODES;
    prop_oneof![
        6 => any_node().prop_map(Act::Ask),
        4 => any_node().prop_map(Act::Connect),
        6 => (any_node(), 1usize..4).prop_map(|(node, count)| Act::Write(node, count)),
        4 => any_node().prop_map(Act::Acknowledge),
        6 => (any_node(), 0usize..8, 1usize..20).prop_map(|(node, place, step)| Act::Answer(node, place, step)),
        1 => any_node().prop_map(Act::HangUp),
        1 => (1u32..40).prop_map(Act::Forget),
        2 => (1u64..20_000).prop_map(Act::Pass),
        1 => Just(Act::TimeOut),
        1 => any_node().prop_map(Act::Garbage),
        2 => any_node().prop_map(Act::Spurious),
    ]
}

impl Bench {
    fn act(&mut self, act: Act) {
        match act {
            Act::Ask(to) => self.ask(node(to)),
            Act::Connect(to) => self.connect(node(to)),
            Act::Write(to, count) => self.write(node(to), count),
            Act::Acknowledge(to) => self.acknowledge(node(to)),
            Act::Answer(to, place, step) => self.answer(node(to), place, step),
            Act::HangUp(to) => self.hang_up(node(to)),
            Act::Forget(owner) => self.forget(owner),
            Act::Pass(millis) => self.now += SimDuration::from_millis(millis),
            Act::TimeOut => drop(self.time_out()),
            Act::Garbage(to) => {
                if self.nodes.get(&node(to)).is_some_and(|behind| behind.is_connected) {
                    self.bytes(node(to), Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n"), 5);
                    assert!(!self.nodes.contains_key(&node(to)), "whoever speaks another protocol is hung up on");
                }
            }
            Act::Spurious(to) => {
                let (before, node) = (self.told.len(), node(to));
                self.requester.handle_written(self.now, node, 9_999, 1);
                self.requester.handle_timeout(SimTime::ZERO, |_| None);
                if !self.nodes.contains_key(&node) {
                    self.requester.handle_connected(self.now, node);
                    self.requester.handle_acknowledged(self.now, node);
                    self.requester.handle_bytes(self.now, node, Bytes::from_static(b"bytes"));
                    self.requester.handle_ended(self.now, node, CloseReason::Closed);
                }
                self.carry_out();
                assert_eq!(self.told.len(), before, "a spurious call has an effect");
            }
        }
    }
}

#[test]
fn requests_are_pipelined_and_answered_in_any_order() {
    let mut bench = Bench::new();
    (0..3).for_each(|_| bench.ask(node(0)));
    bench.connect(node(0));
    bench.write(node(0), 3);
    assert!(bench.requester.is_connected(node(0)) && bench.told.is_empty());
    bench.answer(node(0), 1, 1);
    bench.answer(node(0), 1, 7);
    bench.answer(node(0), 0, 100);
    assert_eq!(bench.told, [(2, true), (3, true), (1, true)]);
    assert_eq!(bench.requester.next_timeout(), Some(SimTime::ZERO + IDLE_TIMEOUT));
}

/// A node that has acknowledged a request and keeps silent is given up as one that never acknowledges: after the user timeout.
#[test]
fn a_silent_node_is_given_up_after_the_user_timeout() {
    for is_acknowledged in [false, true] {
        let mut bench = Bench::new();
        bench.ask(node(0));
        bench.connect(node(0));
        bench.write(node(0), 1);
        bench.now += SimDuration::from_secs(5);
        let since = if is_acknowledged { bench.now } else { SimTime::ZERO };
        if is_acknowledged {
            bench.acknowledge(node(0));
        }
        while bench.told.is_empty() {
            assert!(bench.time_out());
        }
        assert_eq!((bench.told.clone(), bench.now), (vec![(1, false)], since + USER_TIMEOUT));
    }
}

/// A connection goes with the last request on it that anybody wants, unless nothing was written; it is opened again for the next.
#[test]
fn a_connection_is_cut_off_where_nothing_on_it_is_wanted() {
    let mut bench = Bench::new();
    (0..2).for_each(|_| bench.ask(node(0)));
    bench.ask(node(1));
    [0, 1].into_iter().for_each(|index| bench.connect(node(index)));
    bench.write(node(0), 1);
    bench.forget(1);
    assert!(bench.forgotten.is_empty() && bench.requester.is_connected(node(0)), "another request is on the connection");
    bench.requester.forget(bench.now, |&owner| owner < 3);
    bench.carry_out();
    assert!(!bench.nodes.contains_key(&node(0)) && !bench.requester.is_connected(node(0)));
    bench.forget(3);
    assert!(bench.requester.is_connected(node(1)), "nothing was written");
    bench.ask(node(0));
    assert!(bench.nodes.contains_key(&node(0)));
}

/// A node has its turn once one before it has given what it owes, and more have theirs when much arrives.
#[test]
fn a_request_for_a_segment_waits_until_fewer_nodes_send() {
    let mut bench = Bench::new();
    (0..NODES).for_each(|index| bench.fetch(node(index)));
    assert_eq!((bench.sending(), bench.nodes.len()), (SENDING_MAX, SENDING_MAX));
    assert!(bench.requester.has_requests_to(node(9)) && !bench.nodes.contains_key(&node(9)));
    bench.hang_up(node(0));
    assert_eq!((bench.sending(), bench.requester.fan_in.waiting().count()), (SENDING_MAX, 4), "one goes and one comes");
    bench.requester.keep_to_queue(6 * 20);
    bench.hang_up(node(1));
    assert_eq!((bench.sending(), bench.requester.fan_in.waiting().count()), (6, 2), "a longer queue takes one more");
}

#[test]
fn many_slow_nodes_may_fill_a_fast_link() {
    let mut fan_in = FanIn::default();
    let mut now = SimTime::ZERO;
    let mut sending = VecDeque::new();
    for round in 0..1_000 {
        // Each node takes a second for its segment, however many send.
        fan_in.hold(Held { node: NodeNumber::from_index(round), owner: (), request: Request::Ping });
        while let Some(held) = fan_in.next(now) {
            sending.push_back((now + SimDuration::from_secs(1), held.node));
        }
        let Some((until, sender)) = sending.pop_front_if(|(until, _)| *until <= now) else {
            now += SimDuration::from_millis(10);
            continue;
        };
        assert!(until <= now);
        fan_in.note_arrival(now);
        fan_in.settle(sender);
    }
    assert!(sending.len() > 50, "{} send", sending.len());
}

proptest! {
    /// Whatever nodes do, each owner is told once what has become of its request, and nobody waits without end.
    #[test]
    fn every_request_ends_once(acts in proptest::collection::vec(act(), 1..400)) {
        let mut bench = Bench::new();
        for act in acts {
            bench.act(act);
            prop_assert_eq!(bench.requests(), bench.open.len());
            prop_assert!(bench.sending() >= SENDING_MAX || bench.requester.fan_in.waiting().next().is_none());
        }
        bench.wait_for_all();
        let owners: BTreeSet<u32> = bench.told.iter().map(|&(owner, _)| owner).collect();
        prop_assert_eq!(owners.len(), bench.told.len());
        prop_assert_eq!(owners.len() + bench.forgotten.len(), bench.next_owner as usize);
    }
}
