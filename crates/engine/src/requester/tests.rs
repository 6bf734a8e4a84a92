//! A requester driven by random inputs, without a network: the nodes behind its connections answer, fall silent or hang up.

use std::collections::BTreeSet;

use p2p_store::segment::SegmentId;
use proptest::prelude::*;

use super::connection::PROBED_MAX;
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
    /// Frames that wait for room, with the owners of their requests.
    waiting: VecDeque<(RequestTag, u32, Bytes)>,
    /// Ranges of the stream with the owners of their requests, and what of the stream is not sent yet.
    written: Vec<(u32, Range<u64>)>,
    unsent: VecDeque<u8>,
    sent: u64,
    reader: FrameReader,
    asked: VecDeque<RequestTag>,
    /// Instant at which the node last acknowledged or sent anything.
    active_at: SimTime,
}

impl Behind {
    fn end(&self) -> u64 {
        self.sent + self.unsent.len() as u64
    }

    /// Returns the owners of the requests of which the node has had a byte.
    fn begun(&self) -> impl Iterator<Item = u32> + '_ {
        self.written.iter().filter(|(_, range)| range.start < self.sent).map(|&(owner, _)| owner)
    }
}

/// Requester with the nodes that it asks.
struct Bench {
    now: SimTime,
    requester: Requester<u32>,
    nodes: BTreeMap<NodeNumber, Behind>,
    /// Owners of the requests that are neither answered nor failed.
    open: BTreeMap<u32, NodeNumber>,
    forgotten: BTreeSet<u32>,
    /// Owners of whose requests a node has had a byte over a connection that has ended.
    spent: BTreeSet<u32>,
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
            spent: BTreeSet::new(),
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
                    self.last_tag.remove(&node);
                }
                RequesterOutput::Send { node, tag, header, payload } => {
                    // None where the connection is lost by the same call.
                    let owner = self.requester.owner(node, tag).copied().unwrap_or_default();
                    let behind = self.nodes.get_mut(&node).filter(|behind| behind.is_connected);
                    let is_ping = owner % 4 == 0;
                    let frame = Bytes::from([header, payload].concat());
                    behind.expect("a request is sent over an open connection").waiting.push_back((tag, owner, frame));
                    // A request without a segment may go before those with one.
                    if !is_ping {
                        let before = self.last_tag.insert(node, tag);
                        assert!(before.is_none_or(|before| before < tag), "requests are sent in their order");
                    }
                }
                RequesterOutput::Withdraw { node, tag } => {
                    if let Some(behind) = self.nodes.get_mut(&node) {
                        behind.waiting.retain(|(waiting, _, _)| *waiting != tag);
                    }
                }
                RequesterOutput::Close { node } | RequesterOutput::Abort { node } => {
                    let ended = self.nodes.remove(&node).expect("a connection ends once");
                    self.spent.extend(ended.begun());
                }
                RequesterOutput::Ready { owner } | RequesterOutput::Requeued { owner } => {
                    assert!(self.open.contains_key(&owner));
                    assert!(!self.spent.contains(&owner), "a node that has had a part of a request is asked again");
                }
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

    /// Writes some of the waiting frames.
    fn write(&mut self, node: NodeNumber, count: usize) {
        for _ in 0..count {
            let Some(behind) = self.nodes.get_mut(&node) else { return };
            let Some((tag, owner, frame)) = behind.waiting.pop_front() else { return };
            let range = behind.end()..behind.end() + frame.len() as u64;
            behind.unsent.extend(frame);
            behind.written.push((owner, range.clone()));
            self.requester.handle_written(node, tag, range);
            self.carry_out();
        }
    }

    /// Sends some of what is written, and lets the node receive it.
    fn send(&mut self, node: NodeNumber, bytes: usize) {
        let Some(behind) = self.nodes.get_mut(&node) else { return };
        let bytes = bytes.min(behind.unsent.len());
        behind.sent += bytes as u64;
        let mut rest: Bytes = behind.unsent.drain(..bytes).collect();
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(behind.reader.piece_max()));
            if let ReadStep::Frame(frame) = behind.reader.push(piece).unwrap() {
                behind.asked.push_back(frame.request().unwrap().0);
            }
        }
    }

    fn acknowledge(&mut self, node: NodeNumber) {
        if let Some(behind) = self.nodes.get_mut(&node) {
            behind.active_at = self.now;
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
        self.requester.shed(self.now, node, self.nodes.get(&node).map_or(u64::MAX, |behind| behind.sent));
        self.carry_out();
    }

    fn hang_up(&mut self, node: NodeNumber) {
        self.requester.handle_ended(self.now, node, CloseReason::Reset);
        self.carry_out();
    }

    fn forget(&mut self, is_forgotten: impl Fn(u32) -> bool) {
        let (forgotten, open) = std::mem::take(&mut self.open).into_iter().partition(|&(owner, _)| is_forgotten(owner));
        self.open = open;
        self.forgotten.extend(BTreeMap::into_keys(forgotten));
        let nodes = &self.nodes;
        self.requester.forget(self.now, |&owner| is_forgotten(owner), |node| nodes.get(&node).map_or(u64::MAX, |to| to.sent));
        self.carry_out();
    }

    fn fail(&mut self, node: NodeNumber, is_given_up: impl Fn(u32) -> bool) {
        let sent = self.nodes.get(&node).map_or(u64::MAX, |behind| behind.sent);
        self.requester.fail(self.now, node, |&owner| is_given_up(owner), &Cause::TooLong, sent);
        self.carry_out();
    }

    /// Checks that nothing more is sent of forgotten requests, unless their node has had a part of another one.
    fn check_forgotten(&self) {
        for (node, behind) in &self.nodes {
            let is_forgotten = |owner: &u32| self.forgotten.contains(owner);
            assert!(!behind.waiting.iter().any(|(_, owner, _)| is_forgotten(owner)), "a forgotten request waits for room");
            let has_more = behind.written.iter().any(|(owner, range)| is_forgotten(owner) && range.end > behind.sent);
            let has_begun = behind.begun().any(|owner| self.open.contains_key(&owner));
            assert!(!has_more || has_begun, "{node} is sent what nobody waits for");
        }
    }

    /// Returns the number of requests that somebody waits for.
    fn requests(&self) -> usize {
        let wanted = |connection: &Connection<u32>| connection.asked.iter().filter(|asked| !asked.is_forgotten).count();
        self.requester.connections.values().map(wanted).sum::<usize>() + self.requester.fan_in.waiting().count()
    }

    /// Returns the number of nodes that owe a segment.
    fn sending(&self) -> usize {
        let owed = |connection: &Connection<u32>| connection.asked.iter().filter(|asked| asked.is_fetch).count();
        let owed = self.requester.connections.iter().map(|(&node, connection)| (node, owed(connection)));
        let owed: BTreeMap<NodeNumber, usize> = owed.filter(|(_, count)| *count > 0).collect();
        assert_eq!(&owed, self.requester.fan_in.owed());
        owed.len()
    }

    /// Lets time pass to the next timeout, if there is one.
    fn time_out(&mut self) -> bool {
        let Some(at) = self.requester.next_timeout() else { return false };
        self.now = self.now.max(at);
        let nodes = &self.nodes;
        self.requester.handle_timeout(self.now, |node| {
            let active_at = nodes.get(&node)?.active_at;
            Some(Activity { heard_at: active_at, received_at: active_at, acked_at: active_at, probed_at: SimTime::ZERO })
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

/// The TCP of the peer answers every probe of a slow path, and its process never the request.
#[test]
fn answered_probes_put_off_the_end_of_a_connection_and_not_for_ever() {
    let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
    for acked_at in [at(0), at(20)] {
        let mut requester = Requester::new(USER_TIMEOUT, IDLE_TIMEOUT);
        requester.request(at(0), node(0), 1, &Request::Ping, Bytes::new());
        requester.handle_connected(at(0), node(0));
        let (mut now, mut looks) = (at(0), 0);
        while requester.has_requests_to(node(0)) && looks < 100 {
            (now, looks) = (requester.next_timeout().unwrap(), looks + 1);
            requester.handle_timeout(now, |_| Some(Activity { acked_at, probed_at: now, ..Activity::default() }));
        }
        let outputs: Vec<_> = std::iter::from_fn(|| requester.poll_output()).collect();
        let loss = ConnectionLoss::NoProgress(USER_TIMEOUT * PROBED_MAX);
        assert!(outputs.contains(&RequesterOutput::Lost { node: node(0), loss: loss.clone() }), "{outputs:?}");
        assert_eq!(now, acked_at + USER_TIMEOUT * PROBED_MAX);
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Ask(usize),
    Connect(usize),
    Write(usize, usize),
    Send(usize, usize),
    Acknowledge(usize),
    Answer(usize, usize, usize),
    HangUp(usize),
    Forget(u32),
    Fail(usize, u32),
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
        6 => (any_node(), 1usize..100).prop_map(|(node, bytes)| Act::Send(node, bytes)),
        4 => any_node().prop_map(Act::Acknowledge),
        6 => (any_node(), 0usize..8, 1usize..20).prop_map(|(node, place, step)| Act::Answer(node, place, step)),
        1 => any_node().prop_map(Act::HangUp),
        1 => (2u32..6).prop_map(Act::Forget),
        1 => (any_node(), 2u32..6).prop_map(|(node, transfers)| Act::Fail(node, transfers)),
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
            Act::Send(to, bytes) => self.send(node(to), bytes),
            Act::Acknowledge(to) => self.acknowledge(node(to)),
            Act::Answer(to, place, step) => self.answer(node(to), place, step),
            Act::HangUp(to) => self.hang_up(node(to)),
            Act::Forget(transfers) => self.forget(|owner| owner % transfers == 0),
            Act::Fail(to, transfers) => self.fail(node(to), |owner| owner % transfers == 0),
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
                self.requester.handle_written(node, 9_999, 0..1);
                self.requester.handle_timeout(SimTime::ZERO, |_| None);
                if !self.nodes.contains_key(&node) {
                    self.requester.handle_connected(self.now, node);
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
    bench.send(node(0), usize::MAX);
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
        bench.send(node(0), usize::MAX);
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

/// A link that is slow no more: the node is not waited for as long as the slow one would have had it.
#[test]
fn a_shorter_user_timeout_holds_for_requests_under_way() {
    let mut bench = Bench::new();
    bench.requester.set_user_timeout(bench.now, USER_TIMEOUT * 100);
    bench.ask(node(0));
    bench.connect(node(0));
    let changed_at = bench.now + USER_TIMEOUT * 2;
    bench.requester.set_user_timeout(changed_at, USER_TIMEOUT);
    assert_eq!(bench.requester.next_timeout(), Some(changed_at + USER_TIMEOUT));
}

/// A connection goes with the last request on it that anybody wants, unless nothing was written; it is opened again for the next.
#[test]
fn a_connection_is_cut_off_where_nothing_on_it_is_wanted() {
    let mut bench = Bench::new();
    (0..2).for_each(|_| bench.ask(node(0)));
    bench.ask(node(1));
    [0, 1].into_iter().for_each(|index| bench.connect(node(index)));
    bench.write(node(0), 2);
    bench.send(node(0), usize::MAX);
    bench.forget(|owner| owner == 1);
    assert!(bench.requester.is_connected(node(0)), "another request on the connection has begun");
    bench.forget(|owner| owner < 3);
    assert!(!bench.nodes.contains_key(&node(0)) && !bench.requester.is_connected(node(0)));
    bench.forget(|owner| owner == 3);
    assert!(bench.requester.is_connected(node(1)), "nothing was written");
    bench.ask(node(0));
    assert!(bench.nodes.contains_key(&node(0)));
}

/// What is given up fails at once, be it written or not, and a late answer to it is dropped; what else is asked of the node goes on, and
/// without that its connection ends.
#[test]
fn requests_that_are_given_up_fail_at_once() {
    let mut bench = Bench::new();
    (0..3).for_each(|_| bench.ask(node(0)));
    bench.ask(node(1));
    [0, 1].into_iter().for_each(|index| bench.connect(node(index)));
    bench.write(node(0), 2);
    bench.write(node(1), 1);
    [0, 1].into_iter().for_each(|index| bench.send(node(index), usize::MAX));
    for index in [0, 1] {
        bench.fail(node(index), |owner| owner != 2);
    }
    assert_eq!(bench.told, [(1, false), (3, false), (4, false)]);
    assert!(bench.nodes[&node(0)].waiting.is_empty() && !bench.nodes.contains_key(&node(1)));
    (0..2).for_each(|_| bench.answer(node(0), 0, 100));
    assert_eq!(bench.told[3..], [(2, true)]);
}

/// Asks one node for what three owners want, of which the first has the node's attention and the second is in TCP's hands.
fn three_behind_each_other(sent: usize) -> Bench {
    let mut bench = Bench::new();
    (0..3).for_each(|_| bench.ask(node(0)));
    bench.connect(node(0));
    bench.write(node(0), 2);
    bench.send(node(0), sent);
    bench
}

/// Requests of which the node has had nothing are asked anew over another connection, and their owners are told of nothing else.
#[test]
fn what_has_not_begun_moves_to_a_new_connection() {
    let mut bench = three_behind_each_other(5);
    bench.ask(node(0));
    bench.now += SimDuration::from_secs(7);
    bench.forget(|owner| owner == 1);
    assert!(!bench.nodes[&node(0)].is_connected, "a new connection");
    assert_eq!((bench.requests(), bench.sending(), bench.told.len()), (3, 1, 0));
    bench.forget(|owner| owner == 4);
    assert_eq!(bench.requester.connections[&node(0)].asked.len(), 2, "nothing of the fourth is written");
    assert_eq!(bench.requester.next_timeout(), None, "TCP itself watches the handshake");
    bench.connect(node(0));
    assert_eq!(bench.requester.next_timeout(), Some(bench.now + USER_TIMEOUT), "the time begins anew");
    bench.write(node(0), 2);
    bench.send(node(0), usize::MAX);
    (0..2).for_each(|_| bench.answer(node(0), 0, 100));
    assert_eq!(bench.told, [(2, true), (3, true)]);
}

/// What carries no segment goes before the segments that wait for the same connection, but never before what is passed on.
#[test]
fn a_request_without_a_segment_does_not_wait_for_segments() {
    let mut bench = Bench::new();
    bench.fetch(node(0));
    bench.next_owner = 3;
    (0..2).for_each(|_| bench.ask(node(0)));
    bench.connect(node(0));
    let order = |bench: &Bench| bench.nodes[&node(0)].waiting.iter().map(|(_, owner, _)| *owner).collect::<Vec<_>>();
    assert_eq!(order(&bench), [4, 1, 5]);
    bench.next_owner = 7;
    bench.ask(node(0));
    assert_eq!(order(&bench), [4, 1, 5, 8]);
    assert!(!bench.requester.is_behind_segments(node(0), |&owner| owner == 4));
    assert!(!bench.requester.is_behind_segments(node(0), |&owner| owner == 8), "what is not written is passed");
    bench.write(node(0), 2);
    assert!(bench.requester.is_behind_segments(node(0), |&owner| owner == 8));
}

/// A request of which the node has had a byte may have had an effect; its connection is kept for it, and given up after its answer.
#[test]
fn a_connection_is_kept_for_a_request_that_has_begun() {
    let mut bench = three_behind_each_other(usize::MAX);
    bench.ask(node(0));
    bench.write(node(0), 2);
    bench.forget(|owner| owner == 1 || owner == 3);
    assert!(bench.requester.is_connected(node(0)) && bench.requests() == 2);
    bench.answer(node(0), 0, 100);
    assert!(bench.requester.is_connected(node(0)) && bench.told.is_empty(), "nobody waits for the first");
    bench.answer(node(0), 0, 100);
    assert!(!bench.requester.is_connected(node(0)), "more was to be sent of the third");
    bench.connect(node(0));
    bench.write(node(0), 1);
    bench.send(node(0), usize::MAX);
    bench.answer(node(0), 0, 100);
    assert_eq!(bench.told, [(2, true), (4, true)]);
}

/// Where all of the forgotten requests is sent, a new connection would be slower than the old one.
#[test]
fn a_connection_is_kept_where_no_more_is_to_be_sent() {
    let mut bench = Bench::new();
    bench.next_owner = 2;
    (0..2).for_each(|_| bench.ask(node(0)));
    bench.connect(node(0));
    bench.write(node(0), 1);
    bench.send(node(0), usize::MAX);
    bench.forget(|owner| owner == 3);
    assert!(bench.requester.is_connected(node(0)) && bench.requests() == 1);
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

/// A bench where a node waits for its turn, and the connection to one before it is kept for the other request on it, that of owner 3.
fn with_one_waiting() -> Bench {
    let mut bench = Bench::new();
    bench.fetch(node(0));
    bench.next_owner = 2;
    bench.ask(node(0));
    bench.connect(node(0));
    bench.write(node(0), 2);
    bench.send(node(0), usize::MAX);
    (1..=SENDING_MAX).for_each(|index| bench.fetch(node(index)));
    bench.forget(|owner| owner == 1);
    bench
}

/// A node has its turn too once the connection to one before it is given up.
#[test]
fn a_connection_that_is_given_up_lets_the_next_node_send() {
    let mut bench = with_one_waiting();
    assert!(bench.requester.is_connected(node(0)), "the node has had the other request");
    assert_eq!((bench.sending(), bench.requester.fan_in.waiting().count()), (SENDING_MAX, 1));
    bench.answer(node(0), 1, 100);
    assert!(!bench.requester.is_connected(node(0)) && bench.told == [(3, true)]);
    assert_eq!((bench.sending(), bench.requester.fan_in.waiting().count()), (SENDING_MAX, 0));
}

/// The same holds where the connection is given up because the other request on it fails.
#[test]
fn a_connection_that_a_failure_ends_lets_the_next_node_send() {
    let mut bench = with_one_waiting();
    assert_eq!((bench.sending(), bench.requester.fan_in.waiting().count()), (SENDING_MAX, 1));
    bench.fail(node(0), |owner| owner == 3);
    assert!(!bench.requester.is_connected(node(0)) && bench.told == [(3, false)]);
    assert_eq!((bench.sending(), bench.requester.fan_in.waiting().count()), (SENDING_MAX, 0));
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
            bench.check_forgotten();
            prop_assert!(bench.sending() >= SENDING_MAX || bench.requester.fan_in.waiting().next().is_none());
        }
        bench.wait_for_all();
        let owners: BTreeSet<u32> = bench.told.iter().map(|&(owner, _)| owner).collect();
        prop_assert_eq!(owners.len(), bench.told.len());
        prop_assert_eq!(owners.len() + bench.forgotten.len(), bench.next_owner as usize);
    }
}

/// A process that ends leaves no request without a report: those that wait for a connection or for their turn are among them, and what is
/// forgotten is not.
#[test]
fn a_process_that_ends_tells_of_all_that_is_not_answered() {
    let (mut bench, [first, second]) = (Bench::new(), [0, 1].map(NodeNumber::from_index));
    bench.requester.keep_to_queue(1);
    (0..6).for_each(|_| bench.ask(first));
    bench.connect(first);
    (0..6).for_each(|_| bench.ask(second));
    bench.requester.forget(bench.now, |owner| *owner == 3, |_| 0);
    bench.carry_out();
    bench.open.remove(&3);
    let unanswered: BTreeMap<u32, NodeNumber> =
        bench.requester.forget_all().into_iter().map(|(node, owner)| (owner, node)).collect();
    assert_eq!((unanswered.len(), unanswered), (11, bench.open.clone()));
    assert!(bench.requester.poll_output().is_none() && bench.requester.forget_all().is_empty());
}
