//! The peer table: which peers are alive, their round-trip times, and the loss of probes.
//!
//! A probe is a datagram with a number, which the peer sends back. Every interval all peers are probed, or one of them in turn,
//! so that the traffic of many hosts does not grow with the square of their number (as in SWIM, Das, Gupta and Motivala 2002); a
//! check probes them several times. Probes are sent one by one, in a random order that each host draws for itself, because a
//! burst of them would fill the host's own queue and measure nothing else; a probe dropped by that queue does not count as lost.
//! A peer is suspect after some consecutive probes without an answer, dead after more, unless the host's own link explains them, and
//! alive again with the first answer or any other packet from it.

mod check;
mod known;
mod peer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use p2p_base::codec;
use p2p_base::random::RandomStream;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{HostConfig, HostId, LinkConfig};
use serde::{Deserialize, Serialize};

pub use self::check::CHECK_PROBES;
pub(crate) use self::known::KnownPeers;
pub use self::peer::{Health, HealthChange, HealthConfig, PeerHealth};

use self::check::Check;
use self::known::Known;
use super::recent_probes::{PROBES_KEPT, PROBES_MAX, ProbeRecord};

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
    /// Time at which the host's process was started, before which it could hear nothing.
    started_at: SimTime,
    known: KnownPeers,
    /// Number of peers that are dead.
    dead: usize,
    /// Probes under way, by number: the peer and the time of sending.
    outstanding: BTreeMap<u64, (HostId, SimTime)>,
    next_number: u64,
    random: RandomStream,
    /// Peers in the order in which they are probed, which is random.
    order: Vec<HostId>,
    /// True for each host, by its index, that is a peer.
    is_peer: Vec<bool>,
    /// Position of the next peer in that order.
    next_peer: usize,
    next_probe_at: Option<SimTime>,
    /// Shortest time between two probes.
    pace: SimDuration,
    /// Longest time that a packet takes to pass the host's link in the slower direction.
    longest_passage: SimDuration,
    /// Time for which nothing may arrive from a peer that is not dead.
    silence: SimDuration,
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
            started_at: SimTime::ZERO,
            known: KnownPeers::default(),
            dead: 0,
            outstanding: BTreeMap::new(),
            next_number: 0,
            random,
            order: Vec::new(),
            is_peer: Vec::new(),
            next_peer: 0,
            next_probe_at: None,
            pace: SimDuration::ZERO,
            longest_passage: SimDuration::ZERO,
            silence: SimDuration::ZERO,
            check: None,
            check_probes: BTreeSet::new(),
            datagrams: VecDeque::new(),
            changes: VecDeque::new(),
        }
    }

    /// Adds a peer, at a random position of the order (Fisher and Yates). Probing begins within the second interval.
    pub fn add_peer(&mut self, now: SimTime, peer: HostId) {
        if self.is_peer.len() <= peer.index() {
            self.is_peer.resize(peer.index() + 1, false);
        }
        if std::mem::replace(&mut self.is_peer[peer.index()], true) {
            return;
        }
        self.order.push(peer);
        let last = self.order.len() - 1;
        let place = self.random.below(self.order.len() as u64) as usize;
        self.order.swap(place, last);
        let interval = self.config.interval;
        if interval > SimDuration::ZERO && self.next_probe_at.is_none() {
            let phase = SimDuration::from_nanos(self.random.below(interval.as_nanos()));
            self.next_probe_at = Some(now + interval + phase);
        }
    }

    /// Forgets everything but who the peers are, as a process does that ends and is started again. Probing begins within the second
    /// interval from now.
    pub fn restart(&mut self, now: SimTime) {
        let fresh = PeerTable::new(self.config, self.probing, self.random.clone());
        // Numbers are not used again, so that a late answer is none to a probe of the new process.
        let PeerTable { next_number, pace, longest_passage, silence, .. } = *self;
        let fresh = PeerTable { started_at: now, next_number, pace, longest_passage, silence, ..fresh };
        let former = std::mem::replace(self, fresh);
        let mut peers = former.order;
        peers.sort_unstable();
        peers.into_iter().for_each(|peer| self.add_peer(now, peer));
    }

    /// Limits the rate of probes to the share of the host's `link` that they may use.
    /// A probe on its way through the full queue of that link is not lost, and a peer from which something has arrived within the time `silence`
    /// is not dead.
    pub fn keep_to_link(&mut self, link: &HostConfig, silence: SimDuration) {
        self.longest_passage = link.up.longest_passage().max(link.down.longest_passage());
        self.silence = silence;
        let time = |direction: LinkConfig| direction.bandwidth.time_for(PROBE_BYTES * LINK_SHARE);
        self.pace = time(link.up).max(time(link.down));
    }

    /// Returns the peers of which something is known, as they are now; a later change does not show there.
    pub(crate) fn known(&self) -> KnownPeers {
        self.known.clone()
    }

    /// Returns the state of one peer.
    pub fn peer(&self, peer: HostId) -> PeerHealth {
        self.known.get(peer).copied().unwrap_or_default()
    }

    /// Returns true if a peer is dead.
    pub fn has_dead_peers(&self) -> bool {
        self.dead > 0
    }

    /// Returns the instant at which a peer is dead unless anything is heard from it until then, where the last packet on a connection from
    /// it arrived at `heard_at`. It is later if the host's own queue drops a probe. `None` if the peer is not probed by itself.
    pub(crate) fn dead_at(&self, peer: HostId, heard_at: Option<SimTime>) -> Option<SimTime> {
        let (count, health) = (self.order.len(), self.peer(peer));
        let (place, first) = (self.order.iter().position(|&other| other == peer)?, self.next_probe_at?);
        let turns = (place + count - self.next_peer % count) % count;
        let under_way = self.outstanding.values().filter(|(to, _)| *to == peer).map(|&(_, sent_at)| sent_at);
        let due = (0..).map(|round| first + self.step() * (turns as u64 + round * count as u64));
        let last = health.heard_at.max(heard_at);
        let silent_since = last.unwrap_or(self.started_at);
        let counted = if last > health.heard_at { 0 } else { health.missed };
        let left = self.config.dead_after.saturating_sub(counted).max(1) as usize;
        let missed = under_way.chain(due).filter(|&sent_at| last.is_none_or(|last| sent_at > last));
        let mut ends = missed.map(|sent_at| sent_at + self.timeout()).skip(left - 1);
        ends.find(|&end| end.since(silent_since) >= self.silence)
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
        let expiry = self.outstanding.values().next().map(|&(_, sent_at)| sent_at + self.timeout());
        [expiry, self.next_probe_at, self.check.as_ref().and_then(Check::next_at)].into_iter().flatten().min()
    }

    /// Times out probes and sends those that are due. `heard` returns the arrival time of the latest packet on a connection from
    /// a peer: a peer from which a packet has arrived since the probe was sent has not missed it, since its answer may have been
    /// dropped by a full queue, and one from which a packet has arrived since the probe before has missed no other in a row with it.
    pub fn handle_timeout(&mut self, now: SimTime, heard: impl Fn(HostId) -> Option<SimTime>) {
        while let Some((&number, &(peer, sent_at))) = self.outstanding.first_key_value() {
            if sent_at + self.timeout() > now {
                break;
            }
            self.outstanding.remove(&number);
            self.check_probes.remove(&number);
            let (config, started_at, silence, heard_at) = (self.config, self.started_at, self.silence, heard(peer));
            match heard_at.filter(|&at| at >= sent_at) {
                Some(at) => self.update(peer, |health| health.unanswered_but_heard(at)),
                None => self.update(peer, |health| {
                    if let Some(at) = heard_at.filter(|&at| Some(at) > health.heard_at) {
                        health.heard(at);
                    }
                    health.unanswered(now, &config, started_at, silence);
                }),
            }
            self.record_probe(peer, ProbeRecord { sent_at, round_trip: None });
        }
        self.go_on_checking(now);
        if let Some(at) = self.next_probe_at.filter(|&at| at <= now) {
            // A late call does not catch up by a burst of probes.
            self.next_probe_at = Some((at + self.step()).max(now));
            self.probe_next(now);
        }
    }

    /// Returns the time after which a probe without an answer counts as lost.
    fn timeout(&self) -> SimDuration {
        self.config.timeout.max(self.longest_passage)
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
            self.record_probe(peer, ProbeRecord { sent_at, round_trip: Some(now - sent_at) });
        }
    }

    fn record_probe(&mut self, peer: HostId, probe: ProbeRecord) {
        let kept = match self.probing {
            Probing::All => PROBES_KEPT,
            Probing::InTurn => PROBES_MAX,
        };
        if let Some(Known { health, recent }) = self.known.get_mut(peer) {
            health.recent = recent.note(probe, health.recent.last, kept);
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
        if self.is_peer.get(peer.index()) != Some(&true) {
            return;
        }
        let Known { health, .. } = self.known.entry(peer);
        let from = health.health;
        change(health);
        let (to, missed) = (health.health, health.missed);
        if from != to {
            self.dead = self.dead + usize::from(to == Health::Dead) - usize::from(from == Health::Dead);
            self.changes.push_back(HealthChange { peer, from, to, missed });
        }
    }
}

#[cfg(test)]
mod tests;
