//! The peer table: which peers are alive, their round-trip times, and the loss of probes.
//!
//! A probe is a datagram with a number, which the peer sends back. Every interval all peers are probed, or one of them in turn,
//! so that the traffic of many hosts does not grow with the square of their number (as in SWIM, Das, Gupta and Motivala 2002); a
//! check probes them several times. Probes are sent one by one, in a random order that each host draws for itself, because a
//! burst of them would fill the host's own queue and measure nothing else; a probe dropped by that queue does not count as lost.
//! A peer is suspect after some consecutive probes without an answer, dead after more, and alive again with the first answer or
//! any other packet from it.

mod check;
mod peer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use p2p_base::codec;
use p2p_base::random::RandomStream;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{HostConfig, HostId, LinkConfig};
use serde::{Deserialize, Serialize};

pub use self::check::CHECK_PROBES;
pub use self::peer::{Health, HealthChange, HealthConfig, PeerHealth};

use self::check::Check;
use super::recent_probes::RecentProbes;

/// Version of the probe format.
const VERSION: u8 = 1;
/// Shortest time between two probes of a check to the same peer.
const CHECK_SPACING: SimDuration = SimDuration::from_millis(200);
/// Shortest time between two probes of a check to different peers.
const CHECK_GAP: SimDuration = SimDuration::from_millis(1);
/// Largest size of a probe on a link in bytes, with its headers.
const PROBE_BYTES: u64 = 64;
/// Fraction of the link's capacity that probes may use, as a divisor; the answers to other hosts' probes use as much again.
const LINK_SHARE: u64 = 4;
/// Number of peers in a check of a host that probes in turn, so that the traffic of the checks of many hosts stays proportional
/// to their number.
const CHECK_PEERS: usize = 32;

/// Peers that are probed at each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probing {
    /// Probe every peer once per interval.
    All,
    /// Probe one peer per interval, in turn.
    InTurn,
}

#[derive(Serialize, Deserialize)]
enum Probe {
    Request(u64),
    Answer(u64),
}

/// Table of a host's peers and their health.
#[derive(Debug)]
pub struct PeerTable {
    config: HealthConfig,
    probing: Probing,
    peers: BTreeMap<HostId, PeerHealth>,
    /// Results of the latest probes of each peer that was probed.
    recent: BTreeMap<HostId, RecentProbes>,
    /// Probes under way, by number: the peer and the time of sending.
    outstanding: BTreeMap<u64, (HostId, SimTime)>,
    next_number: u64,
    random: RandomStream,
    /// Peers in the order in which they are probed, which is random.
    order: Vec<HostId>,
    /// Position of the next peer in that order.
    next_peer: usize,
    next_probe_at: Option<SimTime>,
    /// Shortest time between two probes.
    pace: SimDuration,
    /// Check that is under way.
    check: Option<Check>,
    /// Numbers of the outstanding probes that belong to a check.
    check_probes: BTreeSet<u64>,
    datagrams: VecDeque<(HostId, Bytes)>,
    changes: VecDeque<HealthChange>,
}

impl PeerTable {
    /// Makes a table without peers, which draws its order and the time of its first probe from `random`.
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

    /// Adds a peer, at a random position of the order (Fisher and Yates). Probing begins within the second interval.
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

    /// Limits the rate of probes to the share of the host's `link` that they may use.
    pub fn keep_to_link(&mut self, link: &HostConfig) {
        let time = |direction: LinkConfig| direction.bandwidth.time_for(PROBE_BYTES * LINK_SHARE);
        self.pace = time(link.up).max(time(link.down));
    }

    /// Returns every peer and its state.
    pub fn peers(&self) -> impl Iterator<Item = (HostId, &PeerHealth)> {
        self.peers.iter().map(|(&peer, health)| (peer, health))
    }

    /// Returns the state of one peer.
    pub fn peer(&self, peer: HostId) -> PeerHealth {
        self.peers.get(&peer).copied().unwrap_or_default()
    }

    /// Returns true if a check is under way: one of its probes is outstanding or yet to be sent.
    pub fn is_checking(&self) -> bool {
        self.check.is_some() || !self.check_probes.is_empty()
    }

    /// Begins a check, which probes every peer, or a few of them if this host probes in turn, [`CHECK_PROBES`] times. The check
    /// ends when its last probe is answered or times out: after `CHECK_PROBES x max(200 ms, peers x pace)` and the timeout, where
    /// `pace` is a millisecond or four times the transmission time of a probe on the link, whichever is longer. A check that is
    /// under way begins anew.
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

    /// Processes a datagram; one that is no probe is ignored.
    pub fn handle_datagram(&mut self, now: SimTime, from: HostId, payload: &[u8]) {
        match codec::decode(VERSION, payload) {
            Ok(Probe::Request(number)) => self.queue(from, &Probe::Answer(number)),
            Ok(Probe::Answer(number)) => self.handle_answer(now, from, number),
            Err(_) => {}
        }
    }

    /// Withdraws a datagram returned by [`poll_datagram`](Self::poll_datagram) that was dropped because the host's own queue was
    /// full: the loss does not count against the peer.
    pub fn record_unsent(&mut self, payload: &[u8]) {
        if let Ok(Probe::Request(number)) = codec::decode(VERSION, payload) {
            self.outstanding.remove(&number);
            self.check_probes.remove(&number);
        }
    }

    /// Records that another packet has arrived from a peer, which is therefore alive.
    pub fn record_heard(&mut self, now: SimTime, peer: HostId) {
        self.update(peer, |health| health.heard(now));
    }

    /// Returns the next datagram to send.
    pub fn poll_datagram(&mut self) -> Option<(HostId, Bytes)> {
        self.datagrams.pop_front()
    }

    /// Returns the next change of a peer's health.
    pub fn poll_change(&mut self) -> Option<HealthChange> {
        self.changes.pop_front()
    }

    /// Returns the time at which to call [`handle_timeout`](Self::handle_timeout); `None` if there is no timeout.
    pub fn next_timeout(&self) -> Option<SimTime> {
        let expiry = self.outstanding.values().next().map(|&(_, sent_at)| sent_at + self.config.timeout);
        [expiry, self.next_probe_at, self.check.as_ref().and_then(Check::next_at)].into_iter().flatten().min()
    }

    /// Times out probes and sends those that are due. `heard` returns the arrival time of the latest packet on a connection from
    /// a peer: a peer from which a packet has arrived since the probe was sent has not missed it, since its answer may have been
    /// dropped by a full queue.
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
            self.record_round_trip(peer, None);
        }
        self.go_on_checking(now);
        if let Some(at) = self.next_probe_at.filter(|&at| at <= now) {
            // A late call does not catch up by a burst of probes.
            self.next_probe_at = Some((at + self.step()).max(now));
            self.probe_next(now);
        }
    }

    /// Returns the time from one probe to the next.
    fn step(&self) -> SimDuration {
        match self.probing {
            Probing::InTurn => self.config.interval,
            Probing::All => SimDuration::from_nanos(self.config.interval.as_nanos() / (self.order.len() as u64).max(1)),
        }
        .max(self.pace)
    }

    /// Sends the probes of a check that are due; each has its own time.
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
        // An answer from another host, or to a probe that has timed out, is ignored.
        if self.outstanding.get(&number).is_none_or(|&(peer, _)| peer != from) {
            return;
        }
        if let Some((peer, sent_at)) = self.outstanding.remove(&number) {
            self.check_probes.remove(&number);
            self.update(peer, |health| health.answered(now));
            self.record_round_trip(peer, Some(now - sent_at));
        }
    }

    fn record_round_trip(&mut self, peer: HostId, round_trip: Option<SimDuration>) {
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
    use proptest::prelude::*;

    use super::*;
    use p2p_base::units::{Bandwidth, DelayRange, Probability};

    fn hosts(count: u8) -> Vec<HostId> {
        let mut net = p2p_net::Network::new(1);
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
        table.record_heard(SimTime::ZERO, peer);
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
                table.record_unsent(&payload);
            }
        }
        assert_eq!((table.peer(peer).probes, table.peer(peer).health), (0, Health::Alive));
        table.begin_check(seconds(100));
        while let Some((_, payload)) = table.poll_datagram() {
            table.record_unsent(&payload);
        }
        while let Some(at) = table.next_timeout().filter(|_| table.is_checking()) {
            table.handle_timeout(at, unheard);
            while let Some((_, payload)) = table.poll_datagram() {
                table.record_unsent(&payload);
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

    #[derive(Debug, Clone, Copy)]
    enum Act {
        /// Lets this many timeouts pass.
        Pass(usize),
        /// Answers the latest of the probes that are under way, or an earlier one.
        Answer(usize),
        /// Lets another packet of a peer arrive.
        Hear(usize),
        /// Drops the next datagram in the own queue.
        Drop,
        Check,
        Spurious(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            5 => (1usize..5).prop_map(Act::Pass),
            4 => (0usize..6).prop_map(Act::Answer),
            1 => (0usize..4).prop_map(Act::Hear),
            1 => Just(Act::Drop),
            1 => Just(Act::Check),
            1 => any::<u64>().prop_map(Act::Spurious),
        ]
    }

    /// Table with the probes that wait for an answer, and what is told of each peer.
    struct Watched {
        table: PeerTable,
        peers: Vec<HostId>,
        now: SimTime,
        probes: Vec<(HostId, u64)>,
        told: BTreeMap<HostId, Health>,
    }

    impl Watched {
        fn act(&mut self, act: Act) {
            match act {
                Act::Pass(count) => (0..count).for_each(|_| self.pass()),
                Act::Answer(place) => {
                    if let Some(place) = self.probes.len().checked_sub(1 + place) {
                        let (peer, number) = self.probes.remove(place);
                        let answer = codec::encode(VERSION, &Probe::Answer(number)).unwrap();
                        self.table.handle_datagram(self.now, peer, &answer);
                    }
                }
                Act::Hear(place) => self.table.record_heard(self.now, self.peers[place % self.peers.len()]),
                Act::Drop => {
                    if let Some((_, payload)) = self.table.poll_datagram() {
                        self.table.record_unsent(&payload);
                    }
                }
                Act::Check => self.table.begin_check(self.now),
                Act::Spurious(number) => {
                    let before: Vec<PeerHealth> = self.table.peers().map(|(_, health)| *health).collect();
                    let answer = codec::encode(VERSION, &Probe::Answer(number | 1 << 40)).unwrap();
                    self.table.handle_datagram(self.now, self.peers[0], &answer);
                    self.table.handle_timeout(SimTime::ZERO, unheard);
                    assert_eq!(self.table.peers().map(|(_, health)| *health).collect::<Vec<_>>(), before);
                }
            }
            self.poll();
        }

        fn pass(&mut self) {
            if let Some(at) = self.table.next_timeout() {
                self.now = self.now.max(at);
                self.table.handle_timeout(self.now, unheard);
                assert!(self.table.next_timeout().is_none_or(|next| next >= self.now), "a timeout that is over is not due again");
            }
            self.poll();
        }

        fn poll(&mut self) {
            while let Some((peer, payload)) = self.table.poll_datagram() {
                if let Ok(Probe::Request(number)) = codec::decode(VERSION, &payload) {
                    self.probes.push((peer, number));
                }
            }
            while let Some(HealthChange { peer, from, to, .. }) = self.table.poll_change() {
                let before = self.told.insert(peer, to).unwrap_or_default();
                assert!(before == from && from != to, "{from} after {before}");
            }
        }
    }

    proptest! {
        /// What is told of the peers is what the table says, health follows from the missed probes, every probe is settled once,
        /// and every check ends.
        #[test]
        fn the_table_keeps_its_books(acts in proptest::collection::vec(act(), 1..200), count in 1u8..5, seed in 0u64..9) {
            let peers = hosts(count);
            let probing = if seed % 2 == 0 { Probing::All } else { Probing::InTurn };
            let table = table(probing, seed, &peers);
            let mut watched = Watched { table, peers, now: SimTime::ZERO, probes: Vec::new(), told: BTreeMap::new() };
            let config = HealthConfig::default();
            for act in acts {
                watched.act(act);
                for (peer, health) in watched.table.peers() {
                    let expected = match health.missed {
                        missed if missed >= config.dead_after => Health::Dead,
                        missed if missed >= config.suspect_after => Health::Suspect,
                        _ => Health::Alive,
                    };
                    prop_assert_eq!(health.health, expected);
                    prop_assert_eq!(watched.told.get(&peer).copied().unwrap_or_default(), expected);
                    prop_assert!(health.answers <= health.probes && u64::from(health.missed) <= health.probes - health.answers);
                }
                let settled: u64 = watched.table.peers().map(|(_, health)| health.probes).sum();
                prop_assert!(settled + watched.table.outstanding.len() as u64 <= watched.table.next_number);
            }
            for _ in 0..1_000 {
                if watched.table.is_checking() {
                    watched.pass();
                }
            }
            prop_assert!(!watched.table.is_checking(), "a check does not end");
        }
    }
}
