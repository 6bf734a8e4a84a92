//! The peer table: who is alive, how far away, and how often probes go astray.
//!
//! A probe is a datagram with a number; the peer sends the number back. Every interval all peers are probed, or one of them in
//! turn, so that the traffic of many does not grow with the square of their number (as in SWIM, Das, Gupta and Motivala
//! 2002); a check probes all of them at once, several times. A peer is suspect after some probes in a row without an answer,
//! dead after more, and alive again with the first answer, or whatever else is heard of it. Knows nothing of what peers
//! store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::net::HostId;
use crate::units::{SimDuration, SimTime};

/// The version of probes.
const VERSION: u8 = 1;
/// How many probes a check sends to each peer.
pub const CHECK_PROBES: u32 = 3;
/// How far apart they are.
const CHECK_SPACING: SimDuration = SimDuration::from_millis(200);

/// Who is probed at each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probing {
    /// Every peer.
    All,
    /// One of them, in turn.
    InTurn,
}

/// How probing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthConfig {
    /// How often peers are probed; zero for never, except by a check.
    pub interval: SimDuration,
    /// How long an answer may take.
    pub timeout: SimDuration,
    /// After how many unanswered probes in a row a peer is suspect.
    pub suspect_after: u32,
    /// After how many it is dead.
    pub dead_after: u32,
}

impl Default for HealthConfig {
    /// A probe every 5 seconds, three for its answer (a full queue on a slow link holds it up for more than two), suspect after
    /// two misses, dead after three.
    fn default() -> Self {
        let (interval, timeout) = (SimDuration::from_secs(5), SimDuration::from_secs(3));
        HealthConfig { interval, timeout, suspect_after: 2, dead_after: 3 }
    }
}

/// What probes say of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// It answers, or has not been asked yet.
    #[default]
    Alive,
    /// It has missed a few.
    Suspect,
    /// It has missed too many.
    Dead,
}

impl Health {
    /// The word on screens and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Health::Alive => "ALIVE",
            Health::Suspect => "SUSPECT",
            Health::Dead => "DEAD",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is known of one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerHealth {
    /// What the probes say.
    pub health: Health,
    /// The last round-trip time; `None` before the first answer.
    pub round_trip: Option<SimDuration>,
    /// Its mean over all answers.
    pub round_trip_mean: Option<SimDuration>,
    /// Probes sent whose fate is known.
    pub probes: u64,
    /// Those of them that were answered in time.
    pub answers: u64,
    /// Probes in a row without an answer.
    pub missed: u32,
    /// When the last answer came.
    pub heard_at: Option<SimTime>,
}

impl PeerHealth {
    /// The share of probes that went unanswered, from 0 to 1.
    pub fn loss(&self) -> f64 {
        if self.probes == 0 { 0.0 } else { 1.0 - self.answers as f64 / self.probes as f64 }
    }

    fn answered(&mut self, now: SimTime, round_trip: SimDuration) {
        let before = self.round_trip_mean.map_or(0, SimDuration::as_nanos) as i128;
        self.probes += 1;
        self.answers += 1;
        let mean = before + (i128::from(round_trip.as_nanos()) - before) / i128::from(self.answers);
        self.round_trip = Some(round_trip);
        self.round_trip_mean = Some(SimDuration::from_nanos(mean as u64));
        self.missed = 0;
        self.heard_at = Some(now);
        self.health = Health::Alive;
    }

    /// The answer to a probe did not come, but something else did: the probe is lost, and the peer is there.
    fn unanswered_but_heard(&mut self, heard_at: SimTime) {
        self.probes += 1;
        self.heard(heard_at);
    }

    fn heard(&mut self, at: SimTime) {
        self.missed = 0;
        self.heard_at = self.heard_at.max(Some(at));
        self.health = Health::Alive;
    }

    fn unanswered(&mut self, config: &HealthConfig) {
        self.probes += 1;
        self.missed += 1;
        if self.missed >= config.dead_after {
            self.health = Health::Dead;
        } else if self.missed >= config.suspect_after {
            self.health = Health::Suspect;
        }
    }
}

/// A peer's health has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthChange {
    /// Whose.
    pub peer: HostId,
    /// What it was.
    pub from: Health,
    /// What it is.
    pub to: Health,
    /// Probes in a row without an answer.
    pub missed: u32,
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
    /// Probes on their way, by number: to whom, and when they left.
    outstanding: BTreeMap<u64, (HostId, SimTime)>,
    /// Those of them that belong to a check.
    check: BTreeSet<u64>,
    next_number: u64,
    /// Whose turn it is next.
    next_peer: usize,
    next_probe_at: Option<SimTime>,
    /// When each further round of a check begins.
    rounds: VecDeque<SimTime>,
    datagrams: VecDeque<(HostId, Bytes)>,
    changes: VecDeque<HealthChange>,
}

impl PeerTable {
    /// A table without peers.
    pub fn new(config: HealthConfig, probing: Probing) -> PeerTable {
        PeerTable {
            config,
            probing,
            peers: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            check: BTreeSet::new(),
            next_number: 0,
            next_peer: 0,
            next_probe_at: None,
            rounds: VecDeque::new(),
            datagrams: VecDeque::new(),
            changes: VecDeque::new(),
        }
    }

    /// Adds a peer. Probing begins after the first interval.
    pub fn add_peer(&mut self, now: SimTime, peer: HostId) {
        self.peers.entry(peer).or_default();
        if self.config.interval > SimDuration::ZERO {
            self.next_probe_at.get_or_insert(now + self.config.interval);
        }
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
        !self.rounds.is_empty() || !self.check.is_empty()
    }

    /// Probes every peer, [`CHECK_PROBES`] times.
    pub fn begin_check(&mut self, now: SimTime) {
        self.check_all(now);
        self.rounds.extend((1..CHECK_PROBES).map(|round| now + CHECK_SPACING * u64::from(round)));
    }

    /// A datagram has arrived. One that is no probe changes nothing.
    pub fn handle_datagram(&mut self, now: SimTime, from: HostId, payload: &[u8]) {
        match codec::decode(VERSION, payload) {
            Ok(Probe::Request(number)) => self.queue(from, &Probe::Answer(number)),
            Ok(Probe::Answer(number)) => self.handle_answer(now, from, number),
            Err(_) => {}
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
        [expiry, self.next_probe_at, self.rounds.front().copied()].into_iter().flatten().min()
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
            self.check.remove(&number);
            let config = self.config;
            match heard(peer).filter(|&at| at >= sent_at) {
                Some(at) => self.update(peer, |health| health.unanswered_but_heard(at)),
                None => self.update(peer, |health| health.unanswered(&config)),
            }
        }
        while self.rounds.front().is_some_and(|&at| at <= now) {
            self.rounds.pop_front();
            self.check_all(now);
        }
        if self.next_probe_at.is_some_and(|at| at <= now) {
            self.next_probe_at = Some(now + self.config.interval);
            match self.probing {
                Probing::All => self.probe_all(now),
                Probing::InTurn => self.probe_next(now),
            }
        }
    }

    fn handle_answer(&mut self, now: SimTime, from: HostId, number: u64) {
        // An answer from somebody else, or to a probe given up, is none.
        if self.outstanding.get(&number).is_none_or(|&(peer, _)| peer != from) {
            return;
        }
        if let Some((peer, sent_at)) = self.outstanding.remove(&number) {
            self.check.remove(&number);
            self.update(peer, |health| health.answered(now, now - sent_at));
        }
    }

    /// One round of a check.
    fn check_all(&mut self, now: SimTime) {
        let first = self.next_number;
        self.probe_all(now);
        self.check.extend(first + 1..=self.next_number);
    }

    fn probe_all(&mut self, now: SimTime) {
        let peers: Vec<HostId> = self.peers.keys().copied().collect();
        for peer in peers {
            self.probe(now, peer);
        }
    }

    fn probe_next(&mut self, now: SimTime) {
        let Some(place) = self.next_peer.checked_rem(self.peers.len()) else { return };
        self.next_peer = place + 1;
        if let Some(&peer) = self.peers.keys().nth(place) {
            self.probe(now, peer);
        }
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

    fn hosts() -> (HostId, HostId) {
        let mut net = crate::net::Network::new(1);
        let link = crate::net::HostConfig::symmetric(
            crate::units::Bandwidth::UNLIMITED,
            crate::units::DelayRange::default(),
            crate::units::Probability::NEVER,
        );
        let mut add = |n| net.add_host(std::net::Ipv4Addr::new(10, 0, 0, n), &link);
        (add(1), add(2))
    }

    /// Nothing but probes is heard of anybody.
    fn unheard(_: HostId) -> Option<SimTime> {
        None
    }

    /// Two tables that hear each other after 10 ms, unless `deaf`.
    fn exchange(one: &mut PeerTable, other: &mut PeerTable, now: SimTime, deaf: bool) {
        let (first, second) = hosts();
        while let Some((_, probe)) = one.poll_datagram() {
            if !deaf {
                other.handle_datagram(now, first, &probe);
            }
        }
        while let Some((_, answer)) = other.poll_datagram() {
            one.handle_datagram(now + SimDuration::from_millis(10), second, &answer);
        }
    }

    #[test]
    fn a_peer_that_answers_is_alive_and_as_far_as_the_answer_took() {
        let (mut one, mut other) =
            (PeerTable::new(HealthConfig::default(), Probing::InTurn), PeerTable::new(HealthConfig::default(), Probing::InTurn));
        let (_, peer) = hosts();
        one.add_peer(SimTime::ZERO, peer);
        one.begin_check(SimTime::ZERO);
        while one.is_checking() {
            let now = one.next_timeout().filter(|_| one.outstanding.is_empty()).unwrap_or(SimTime::ZERO);
            one.handle_timeout(now, unheard);
            exchange(&mut one, &mut other, now, false);
        }
        let health = one.peer(peer);
        assert_eq!((health.probes, health.answers, health.loss()), (3, 3, 0.0));
        assert_eq!(health.round_trip_mean, Some(SimDuration::from_millis(10)));
    }

    #[test]
    fn silence_makes_suspect_then_dead_and_one_answer_alive() {
        let (mut one, mut other) =
            (PeerTable::new(HealthConfig::default(), Probing::InTurn), PeerTable::new(HealthConfig::default(), Probing::InTurn));
        let (_, peer) = hosts();
        one.add_peer(SimTime::ZERO, peer);
        let (mut now, mut seen) = (SimTime::ZERO, Vec::new());
        while one.peer(peer).health != Health::Dead {
            now = one.next_timeout().unwrap();
            one.handle_timeout(now, unheard);
            exchange(&mut one, &mut other, now, true);
            seen.extend(std::iter::from_fn(|| one.poll_change()).map(|change| (change.to, change.missed)));
        }
        assert_eq!(seen, [(Health::Suspect, 2), (Health::Dead, 3)]);
        assert_eq!(now, SimTime::ZERO + SimDuration::from_secs(18));
        while one.peer(peer).health == Health::Dead {
            now = one.next_timeout().unwrap();
            one.handle_timeout(now, unheard);
            exchange(&mut one, &mut other, now, false);
        }
        assert_eq!(one.poll_change().map(|change| (change.from, change.to)), Some((Health::Dead, Health::Alive)));
    }

    #[test]
    fn late_strange_and_damaged_answers_count_for_nothing() {
        let mut table = PeerTable::new(HealthConfig::default(), Probing::InTurn);
        let (stranger, peer) = hosts();
        table.add_peer(SimTime::ZERO, peer);
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
        let mut table = PeerTable::new(HealthConfig::default(), Probing::All);
        let (_, peer) = hosts();
        table.add_peer(SimTime::ZERO, peer);
        for seconds in [5, 10, 15, 20] {
            table.handle_timeout(SimTime::ZERO + SimDuration::from_secs(seconds), unheard);
        }
        assert_eq!(table.peer(peer).health, Health::Dead);
        table.note_heard(SimTime::ZERO, peer);
        assert_eq!((table.peer(peer).health, table.peer(peer).missed), (Health::Alive, 0));
    }

    #[test]
    fn peers_are_probed_in_turn() {
        let mut table = PeerTable::new(HealthConfig::default(), Probing::InTurn);
        let (first, second) = hosts();
        table.add_peer(SimTime::ZERO, first);
        table.add_peer(SimTime::ZERO, second);
        let mut asked = Vec::new();
        for seconds in [5, 10, 15] {
            table.handle_timeout(SimTime::ZERO + SimDuration::from_secs(seconds), unheard);
            asked.extend(std::iter::from_fn(|| table.poll_datagram()).map(|(peer, _)| peer));
        }
        assert_eq!(asked, [first, second, first]);
    }
}
