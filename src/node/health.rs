//! The peer table: who is alive, how far away, and how often probes go astray.
//!
//! A probe is a datagram with a number; the peer sends the number back. Every interval all peers are probed, or one of them in
//! turn, so that the traffic of many does not grow with the square of their number (as in SWIM, Das, Gupta and Motivala
//! 2002); a check probes them several times. Probes leave one by one, in an order of the host's own, because a burst of them
//! would fill the host's own queue and tell of nothing else; one that found that queue full counts against nobody. A peer is
//! suspect after some probes in a row without an answer, dead after more, and alive again with the first answer, or whatever else
//! is heard of it. Knows nothing of what peers store.

mod check;
mod peer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::check::CHECK_PROBES;
pub use self::peer::{Health, HealthChange, HealthConfig, PeerHealth};

use self::check::Check;
use super::recent_probes::RecentProbes;
use crate::codec;
use crate::net::{HostConfig, HostId, LinkConfig};
use crate::random::RandomStream;
use crate::units::{SimDuration, SimTime};

/// The version of probes.
const VERSION: u8 = 1;
/// How far apart they are at least.
const CHECK_SPACING: SimDuration = SimDuration::from_millis(200);
/// How far apart the probes of a check are at least, to whichever peers.
const CHECK_GAP: SimDuration = SimDuration::from_millis(1);
/// How many bytes a probe has on a link at most, with its headers, and which share of the link may be theirs: as much again
/// goes to the answers to others' probes.
const PROBE_BYTES: u64 = 64;
const LINK_SHARE: u64 = 4;
/// How many peers a host that probes in turn asks in a check: so that the checks of many hosts together stay in proportion to
/// their number.
const CHECK_PEERS: usize = 32;

/// Who is probed at each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probing {
    /// Every peer.
    All,
    /// One of them, in turn.
    InTurn,
}

#[derive(Serialize, Deserialize)]
enum Probe {
    Request(u64),
    Answer(u64),
}

/// One host's view of the others.
#[derive(Debug)]
pub struct PeerTable {
    config: HealthConfig,
    probing: Probing,
    peers: BTreeMap<HostId, PeerHealth>,
    /// What became of the latest probes of each, once there were any.
    recent: BTreeMap<HostId, RecentProbes>,
    /// Probes on their way, by number: to whom, and when they left.
    outstanding: BTreeMap<u64, (HostId, SimTime)>,
    next_number: u64,
    random: RandomStream,
    /// The peers in the order in which they are probed, a random one, and whose turn it is next.
    order: Vec<HostId>,
    next_peer: usize,
    next_probe_at: Option<SimTime>,
    /// How far apart probes are at least.
    pace: SimDuration,
    /// The check that is under way, and which of the outstanding probes belong to one.
    check: Option<Check>,
    check_probes: BTreeSet<u64>,
    datagrams: VecDeque<(HostId, Bytes)>,
    changes: VecDeque<HealthChange>,
}

impl PeerTable {
    /// A table without peers, which takes its order and its first instant from `random`.
    pub fn new(config: HealthConfig, probing: Probing, random: RandomStream) -> PeerTable {
        PeerTable {
            config,
            probing,
            peers: BTreeMap::new(),
            recent: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            next_number: 0,
            random,
            order: Vec::new(),
            next_peer: 0,
            next_probe_at: None,
            pace: SimDuration::ZERO,
            check: None,
            check_probes: BTreeSet::new(),
            datagrams: VecDeque::new(),
            changes: VecDeque::new(),
        }
    }

    /// Adds a peer, at a random place of the order (Fisher and Yates). Probing begins within the second interval.
    pub fn add_peer(&mut self, now: SimTime, peer: HostId) {
        if self.peers.insert(peer, PeerHealth::default()).is_some() {
            return;
        }
        self.order.push(peer);
        let place = self.random.below(self.order.len() as u64) as usize;
        self.order.swap(place, self.peers.len() - 1);
        let interval = self.config.interval;
        if interval > SimDuration::ZERO && self.next_probe_at.is_none() {
            let phase = SimDuration::from_nanos(self.random.below(interval.as_nanos()));
            self.next_probe_at = Some(now + interval + phase);
        }
    }

    /// Probes leave no closer to one another from now on than the host's `link` has room for.
    pub fn keep_to_link(&mut self, link: &HostConfig) {
        let time = |direction: LinkConfig| direction.bandwidth.time_for(PROBE_BYTES * LINK_SHARE);
        self.pace = time(link.up).max(time(link.down));
    }

    /// Every peer and what is known of it.
    pub fn peers(&self) -> impl Iterator<Item = (HostId, &PeerHealth)> {
        self.peers.iter().map(|(&peer, health)| (peer, health))
    }

    /// What is known of one peer.
    pub fn peer(&self, peer: HostId) -> PeerHealth {
        self.peers.get(&peer).copied().unwrap_or_default()
    }

    /// Whether a check is under way: a probe of it is unanswered, or yet to be sent.
    pub fn is_checking(&self) -> bool {
        self.check.is_some() || !self.check_probes.is_empty()
    }

    /// Probes every peer, or a few of them where this host probes in turn, [`CHECK_PROBES`] times. It is over when the last
    /// probe has been answered or its timeout has passed: after `CHECK_PROBES x max(200 ms, peers x pace)` and that
    /// timeout, where `pace` is a millisecond, or four times as long as the link takes for a probe. A check that is under way begins
    /// anew.
    pub fn begin_check(&mut self, now: SimTime) {
        let peers = match self.probing {
            Probing::All => self.order.len(),
            Probing::InTurn => self.order.len().min(CHECK_PEERS),
        };
        let first = self.check.as_ref().map_or(self.next_peer, |check| check.first);
        let gap = self.pace.max(CHECK_GAP);
        let spacing = CHECK_SPACING.max(gap * peers as u64);
        let check = Check { first, peers, sent: 0, begun: now, gap, spacing };
        self.check = (peers > 0).then_some(check);
        self.go_on_checking(now);
    }

    /// A datagram has arrived. One that is no probe changes nothing.
    pub fn handle_datagram(&mut self, now: SimTime, from: HostId, payload: &[u8]) {
        match codec::decode(VERSION, payload) {
            Ok(Probe::Request(number)) => self.queue(from, &Probe::Answer(number)),
            Ok(Probe::Answer(number)) => self.handle_answer(now, from, number),
            Err(_) => {}
        }
    }

    /// A datagram that [`poll_datagram`](Self::poll_datagram) gave was not sent, because the host's own queue was full: that says
    /// nothing of the peer.
    pub fn note_unsent(&mut self, payload: &[u8]) {
        if let Ok(Probe::Request(number)) = codec::decode(VERSION, payload) {
            self.outstanding.remove(&number);
            self.check_probes.remove(&number);
        }
    }

    /// Something else was heard of a peer, which therefore is alive.
    pub fn note_heard(&mut self, now: SimTime, peer: HostId) {
        self.update(peer, |health| health.heard(now));
    }

    /// The next datagram to send.
    pub fn poll_datagram(&mut self) -> Option<(HostId, Bytes)> {
        self.datagrams.pop_front()
    }

    /// The next change of a peer's health.
    pub fn poll_change(&mut self) -> Option<HealthChange> {
        self.changes.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` for never.
    pub fn next_timeout(&self) -> Option<SimTime> {
        let expiry = self.outstanding.values().next().map(|&(_, sent_at)| sent_at + self.config.timeout);
        [expiry, self.next_probe_at, self.check.as_ref().and_then(Check::next_at)].into_iter().flatten().min()
    }

    /// Time has passed: probes may be late, and others due. `heard` says when the latest packet arrived on a connection from a
    /// peer: one from which anything has come since it was probed has missed nothing, since its answer may have died in a full
    /// queue.
    pub fn handle_timeout(&mut self, now: SimTime, heard: impl Fn(HostId) -> Option<SimTime>) {
        while let Some((&number, &(peer, sent_at))) = self.outstanding.first_key_value() {
            if sent_at + self.config.timeout > now {
                break;
            }
            self.outstanding.remove(&number);
            self.check_probes.remove(&number);
            let config = self.config;
            match heard(peer).filter(|&at| at >= sent_at) {
                Some(at) => self.update(peer, |health| health.unanswered_but_heard(at)),
                None => self.update(peer, |health| health.unanswered(&config)),
            }
            self.note_round_trip(peer, None);
        }
        self.go_on_checking(now);
        if let Some(at) = self.next_probe_at.filter(|&at| at <= now) {
            // One that is called late does not make up for it by a burst.
            self.next_probe_at = Some((at + self.step()).max(now));
            self.probe_next(now);
        }
    }

    /// From one probe to the next.
    fn step(&self) -> SimDuration {
        match self.probing {
            Probing::InTurn => self.config.interval,
            Probing::All => SimDuration::from_nanos(self.config.interval.as_nanos() / (self.order.len() as u64).max(1)),
        }
        .max(self.pace)
    }

    /// Sends the probe of a check that is due; every one has its own instant.
    fn go_on_checking(&mut self, now: SimTime) {
        while let Some(check) = &mut self.check {
            let Some(at) = check.next_at() else {
                self.check = None;
                return;
            };
            if at > now {
                return;
            }
            let place = (check.first + check.sent % check.peers) % self.order.len();
            check.sent += 1;
            self.probe(now, self.order[place]);
            self.check_probes.insert(self.next_number);
        }
    }

    fn handle_answer(&mut self, now: SimTime, from: HostId, number: u64) {
        // An answer from somebody else, or to a probe given up, is none.
        if self.outstanding.get(&number).is_none_or(|&(peer, _)| peer != from) {
            return;
        }
        if let Some((peer, sent_at)) = self.outstanding.remove(&number) {
            self.check_probes.remove(&number);
            self.update(peer, |health| health.answered(now));
            self.note_round_trip(peer, Some(now - sent_at));
        }
    }

    fn note_round_trip(&mut self, peer: HostId, round_trip: Option<SimDuration>) {
        if let Some(health) = self.peers.get_mut(&peer) {
            health.recent = self.recent.entry(peer).or_default().note(round_trip, health.recent.last);
        }
    }

    fn probe_next(&mut self, now: SimTime) {
        let Some(place) = self.next_peer.checked_rem(self.order.len()) else { return };
        self.next_peer = place + 1;
        self.probe(now, self.order[place]);
    }

    fn probe(&mut self, now: SimTime, peer: HostId) {
        self.next_number += 1;
        self.outstanding.insert(self.next_number, (peer, now));
        self.queue(peer, &Probe::Request(self.next_number));
    }

    fn queue(&mut self, to: HostId, probe: &Probe) {
        if let Ok(payload) = codec::encode(VERSION, probe) {
            self.datagrams.push_back((to, payload.into()));
        }
    }

    fn update(&mut self, peer: HostId, change: impl FnOnce(&mut PeerHealth)) {
        let Some(health) = self.peers.get_mut(&peer) else { return };
        let from = health.health;
        change(health);
        let (to, missed) = (health.health, health.missed);
        if from != to {
            self.changes.push_back(HealthChange { peer, from, to, missed });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bandwidth, DelayRange, Probability};

    fn hosts(count: u8) -> Vec<HostId> {
        let mut net = crate::net::Network::new(1);
        let link = HostConfig::symmetric(Bandwidth::UNLIMITED, DelayRange::default(), Probability::NEVER);
        (1..=count).map(|n| net.add_host(std::net::Ipv4Addr::new(10, 0, 0, n), &link)).collect()
    }

    fn table(probing: Probing, seed: u64, peers: &[HostId]) -> PeerTable {
        let mut table = PeerTable::new(HealthConfig::default(), probing, RandomStream::new(seed, "probes"));
        peers.iter().for_each(|&peer| table.add_peer(SimTime::ZERO, peer));
        table
    }

    /// Nothing but probes is heard of anybody.
    fn unheard(_: HostId) -> Option<SimTime> {
        None
    }

    /// Two tables that hear each other after 10 ms, unless `deaf`.
    fn exchange(one: &mut PeerTable, other: &mut PeerTable, now: SimTime, deaf: bool) {
        let hosts = hosts(2);
        while let Some((_, probe)) = one.poll_datagram() {
            if !deaf {
                other.handle_datagram(now, hosts[0], &probe);
            }
        }
        while let Some((_, answer)) = other.poll_datagram() {
            one.handle_datagram(now + SimDuration::from_millis(10), hosts[1], &answer);
        }
    }

    /// Lets time pass until `until`; gives when whom was probed.
    fn probes(table: &mut PeerTable, until: SimTime) -> Vec<(SimTime, HostId)> {
        let mut probes = Vec::new();
        while let Some(at) = table.next_timeout().filter(|&at| at <= until) {
            table.handle_timeout(at, unheard);
            probes.extend(std::iter::from_fn(|| table.poll_datagram()).map(|(peer, _)| (at, peer)));
        }
        probes
    }

    fn seconds(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_peer_that_answers_is_alive_and_as_far_as_the_answer_took() {
        let peer = hosts(2)[1];
        let (mut one, mut other) = (table(Probing::InTurn, 1, &[peer]), table(Probing::InTurn, 2, &[]));
        one.begin_check(SimTime::ZERO);
        exchange(&mut one, &mut other, SimTime::ZERO, false);
        while one.is_checking() {
            let now = one.next_timeout().unwrap();
            one.handle_timeout(now, unheard);
            exchange(&mut one, &mut other, now, false);
        }
        let health = one.peer(peer);
        assert_eq!((health.probes, health.answers, health.recent.loss()), (3, 3, 0.0));
        assert_eq!((health.recent.last, health.recent.average), (Some(SimDuration::from_millis(10)), health.recent.last));
    }

    #[test]
    fn silence_makes_suspect_then_dead_and_one_answer_alive() {
        let peer = hosts(2)[1];
        let (mut one, mut other) = (table(Probing::InTurn, 1, &[peer]), table(Probing::InTurn, 2, &[]));
        let first = one.next_timeout().unwrap();
        assert!((seconds(5)..seconds(10)).contains(&first));
        let (mut now, mut seen) = (SimTime::ZERO, Vec::new());
        while one.peer(peer).health != Health::Dead {
            now = one.next_timeout().unwrap();
            one.handle_timeout(now, unheard);
            exchange(&mut one, &mut other, now, true);
            seen.extend(std::iter::from_fn(|| one.poll_change()).map(|change| (change.to, change.missed)));
        }
        assert_eq!(seen, [(Health::Suspect, 2), (Health::Dead, 3)]);
        assert_eq!(now, first + SimDuration::from_secs(13));
        while one.peer(peer).health == Health::Dead {
            now = one.next_timeout().unwrap();
            one.handle_timeout(now, unheard);
            exchange(&mut one, &mut other, now, false);
        }
        assert_eq!(one.poll_change().map(|change| (change.from, change.to)), Some((Health::Dead, Health::Alive)));
    }

    #[test]
    fn late_strange_and_damaged_answers_count_for_nothing() {
        let hosts = hosts(2);
        let (stranger, peer) = (hosts[0], hosts[1]);
        let mut table = table(Probing::InTurn, 1, &[peer]);
        table.begin_check(SimTime::ZERO);
        let answer = codec::encode(VERSION, &Probe::Answer(1)).unwrap();
        table.handle_datagram(SimTime::ZERO, stranger, &answer);
        table.handle_datagram(SimTime::ZERO, peer, b"hello");
        assert_eq!(table.peer(peer).probes, 0);
        let late = SimTime::ZERO + HealthConfig::default().timeout;
        table.handle_timeout(late, unheard);
        table.handle_datagram(late, peer, &answer);
        assert_eq!((table.peer(peer).probes, table.peer(peer).answers), (1, 0));
    }

    #[test]
    fn whoever_is_heard_is_alive() {
        let peer = hosts(2)[1];
        let mut table = table(Probing::All, 1, &[peer]);
        probes(&mut table, seconds(23));
        assert_eq!(table.peer(peer).health, Health::Dead);
        table.note_heard(SimTime::ZERO, peer);
        assert_eq!((table.peer(peer).health, table.peer(peer).missed), (Health::Alive, 0));
    }

    #[test]
    fn peers_are_probed_in_turn() {
        let peers = hosts(3);
        let mut table = table(Probing::InTurn, 1, &peers);
        let asked: Vec<HostId> = probes(&mut table, seconds(40)).into_iter().map(|(_, peer)| peer).collect();
        let (once, again) = (&asked[..3], &asked[3..6]);
        assert_eq!(once, again);
        assert!(peers.iter().all(|peer| once.contains(peer)));
    }

    /// Each at an instant of its own, every one once an interval, in an order and from an instant that are the host's own.
    #[test]
    fn all_peers_are_probed_one_by_one_over_the_interval() {
        let peers = hosts(100);
        let ask = |seed| probes(&mut table(Probing::All, seed, &peers), seconds(30));
        let asked = ask(1);
        let mut times: Vec<SimTime> = asked.iter().map(|&(at, _)| at).collect();
        times.dedup();
        assert_eq!(times.len(), asked.len(), "no two at once");
        for &peer in &peers {
            let times: Vec<SimTime> = asked.iter().filter(|&&(_, asked)| asked == peer).map(|&(at, _)| at).collect();
            assert!(times.len() >= 3 && times.windows(2).all(|pair| pair[1] - pair[0] == SimDuration::from_secs(5)));
        }
        let order: Vec<HostId> = asked.iter().map(|&(_, peer)| peer).take(100).collect();
        assert_ne!(order, peers);
        assert_eq!(asked, ask(1));
        assert_ne!(asked, ask(2));
    }

    #[test]
    fn a_probe_that_the_own_queue_dropped_counts_against_nobody() {
        let peer = hosts(2)[1];
        let mut table = table(Probing::All, 1, &[peer]);
        for _ in 0..10 {
            table.handle_timeout(table.next_timeout().unwrap(), unheard);
            while let Some((_, payload)) = table.poll_datagram() {
                table.note_unsent(&payload);
            }
        }
        assert_eq!((table.peer(peer).probes, table.peer(peer).health), (0, Health::Alive));
        table.begin_check(seconds(100));
        while let Some((_, payload)) = table.poll_datagram() {
            table.note_unsent(&payload);
        }
        while let Some(at) = table.next_timeout().filter(|_| table.is_checking()) {
            table.handle_timeout(at, unheard);
            while let Some((_, payload)) = table.poll_datagram() {
                table.note_unsent(&payload);
            }
        }
        assert_eq!(table.peer(peer).probes, 0);
    }

    /// A check keeps to the link, and its end is known beforehand; who probes in turn checks a few.
    #[test]
    fn a_check_is_spread_and_bounded() {
        let peers = hosts(100);
        let link = HostConfig::symmetric("64KiB/s".parse().unwrap(), DelayRange::default(), Probability::NEVER);
        for (probing, checked) in [(Probing::All, 100), (Probing::InTurn, CHECK_PEERS)] {
            let mut table = table(probing, 1, &peers);
            table.keep_to_link(&link);
            table.begin_check(SimTime::ZERO);
            let mut sent: Vec<SimTime> = std::iter::from_fn(|| table.poll_datagram()).map(|_| SimTime::ZERO).collect();
            let mut now = SimTime::ZERO;
            while table.is_checking() {
                now = table.next_timeout().unwrap();
                table.handle_timeout(now, unheard);
                sent.extend(std::iter::from_fn(|| table.poll_datagram()).map(|_| now));
            }
            assert!(sent.len() >= 3 * checked && sent.len() <= 3 * checked + 3, "{}", sent.len());
            // 256 bytes at 65,536 bytes/s.
            let gap = SimDuration::from_nanos(3_906_250);
            let spacing = (gap * checked as u64).max(CHECK_SPACING);
            assert!(now <= SimTime::ZERO + spacing * 2 + gap * checked as u64 + HealthConfig::default().timeout);
            let close = sent.windows(2).filter(|pair| pair[1] - pair[0] < gap).count();
            assert!(close <= 6, "but for the probes of the interval: {close}");
        }
    }
}
