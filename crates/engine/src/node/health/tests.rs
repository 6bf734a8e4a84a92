//! Tests of the failure detector: what probes and their answers make of the health of peers, also under random inputs.

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

/// A link at which a packet behind a full queue takes two and a half minutes.
fn slow_link() -> HostConfig {
    HostConfig::symmetric("1KiB/s".parse().unwrap(), DelayRange::default(), Probability::NEVER)
}

/// Time of silence of a host with that link: two passages.
const SILENCE: SimDuration = SimDuration::from_secs(299);

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

/// A peer that is dead stays dead when the host's own link becomes so slow that its silence would be too short by now: nothing has been
/// heard of it.
#[test]
fn a_dead_peer_is_not_suspect_again_without_a_sign_of_life() {
    let peer = hosts(2)[1];
    let mut table = table(Probing::All, 1, &[peer]);
    probes(&mut table, seconds(23));
    assert_eq!(table.peer(peer).health, Health::Dead);
    while table.poll_change().is_some() {}
    table.keep_to_link(&slow_link(), SILENCE);
    let missed = table.peer(peer).missed;
    probes(&mut table, seconds(270));
    assert!(table.peer(peer).missed > missed, "probes are lost before two passages, 299 s, are over");
    assert_eq!((table.peer(peer).health, table.poll_change()), (Health::Dead, None));
    table.record_heard(seconds(271), peer);
    assert_eq!(table.peer(peer).health, Health::Alive);
}

/// The silence of a peer that a process has never heard begins with the process, not with the network.
#[test]
fn a_peer_is_not_dead_before_two_passages_of_the_slow_link_of_a_restarted_host() {
    let peer = hosts(2)[1];
    let mut table = table(Probing::All, 1, &[peer]);
    table.keep_to_link(&slow_link(), SILENCE);
    let restarted = seconds(3_600);
    table.restart(restarted);
    let silence = table.silence;
    let last_but_one = silence.saturating_sub(SimDuration::from_nanos(1));
    probes(&mut table, restarted + last_but_one);
    assert_eq!((table.peer(peer).health, table.peer(peer).missed > 3), (Health::Suspect, true));
    probes(&mut table, restarted + silence + HealthConfig::default().interval);
    assert_eq!(table.peer(peer).health, Health::Dead);
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

/// A packet that arrives between two probes breaks the row of missed ones, also where it is older than the probe that times out.
#[test]
fn a_peer_that_is_heard_between_probes_has_missed_none_in_a_row() {
    let peer = hosts(2)[1];
    let mut table = table(Probing::All, 1, &[peer]);
    for round in 0..40 {
        let at = table.next_timeout().unwrap();
        // Every probe times out three seconds after it was sent; the packet has arrived a second before it was sent.
        let heard_at = SimTime::ZERO + at.since(seconds(4));
        table.handle_timeout(at, |_| Some(heard_at));
        while table.poll_datagram().is_some() {}
        assert!(table.peer(peer).missed <= 1 && table.peer(peer).health == Health::Alive, "{round}: {:?}", table.peer(peer));
    }
    assert!(table.peer(peer).probes > 10);
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
        table.keep_to_link(&link, SILENCE);
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
                let before = self.table.known();
                let answer = codec::encode(VERSION, &Probe::Answer(number | 1 << 40)).unwrap();
                self.table.handle_datagram(self.now, self.peers[0], &answer);
                self.table.handle_timeout(SimTime::ZERO, unheard);
                assert_eq!(self.table.known(), before);
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

/// What a snapshot holds of the peers costs nothing where nothing changes, and a change does not show in it.
#[test]
fn what_is_known_is_shared_until_it_changes() {
    let peers = hosts(200);
    let mut table = table(Probing::InTurn, 1, &peers);
    let at = SimTime::from_nanos;
    peers.iter().for_each(|&peer| table.record_heard(at(1), peer));
    let copy = table.known();
    table.record_heard(at(2), peers[100]);
    let heard = |known: &KnownPeers| known.get(peers[100]).unwrap().heard_at;
    assert_eq!([heard(&copy), heard(&table.known())], [Some(at(1)), Some(at(2))]);
    // Nearly all entries stand where they stood.
    let place = |known: &KnownPeers, peer: HostId| std::ptr::from_ref(known.get(peer).unwrap());
    let copied = peers.iter().filter(|&&peer| place(&copy, peer) != place(&table.known(), peer)).count();
    assert!((1..=16).contains(&copied), "{copied} entries were copied");
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
            let before = watched.table.known();
            let seen_before: Vec<_> = before.iter().map(|(peer, health)| (peer, *health)).collect();
            watched.act(act);
            let seen_after: Vec<_> = before.iter().map(|(peer, health)| (peer, *health)).collect();
            prop_assert_eq!(seen_after, seen_before);
            let is_dead = |&peer: &HostId| watched.table.peer(peer).health == Health::Dead;
            prop_assert_eq!(watched.table.has_dead_peers(), watched.peers.iter().any(is_dead));
            for (peer, health) in watched.peers.iter().map(|&peer| (peer, watched.table.peer(peer))) {
                let expected = match health.missed {
                    missed if missed >= config.dead_after => Health::Dead,
                    missed if missed >= config.suspect_after => Health::Suspect,
                    _ => Health::Alive,
                };
                prop_assert_eq!(health.health, expected);
                prop_assert_eq!(watched.told.get(&peer).copied().unwrap_or_default(), expected);
                prop_assert!(health.answers <= health.probes && u64::from(health.missed) <= health.probes - health.answers);
            }
            let settled: u64 = watched.table.known().iter().map(|(_, health)| health.probes).sum();
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

/// A process that is started again knows its peers and nothing of them, and an answer to the former one is none to it.
#[test]
fn a_table_that_is_restarted_knows_its_peers_and_nothing_else() {
    let peer = hosts(2)[1];
    let (mut one, mut other) = (table(Probing::InTurn, 1, &[peer]), table(Probing::InTurn, 2, &[]));
    one.begin_check(SimTime::ZERO);
    let (_, late) = one.poll_datagram().unwrap();
    other.handle_datagram(SimTime::ZERO, hosts(2)[0], &late);
    one.restart(seconds(3));
    assert!(!one.is_checking() && one.peer(peer) == PeerHealth::default());
    let (_, answer) = other.poll_datagram().unwrap();
    one.handle_datagram(seconds(3), peer, &answer);
    assert_eq!(one.peer(peer).answers, 0);
    let interval = HealthConfig::default().interval;
    let (first, _) = probes(&mut one, seconds(3) + interval * 3)[0];
    assert!(first >= seconds(3) + interval && first < seconds(3) + interval * 2, "{first}");
}
