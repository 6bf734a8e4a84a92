//! Two connection ends on a wire whose every packet can be dropped at will.

use p2p_base::units::SimTime;
use proptest::prelude::*;

use super::connection::{Connection, StepEvents};
use super::state::{CloseReason, State};
use super::*;
use crate::packet::{Flags, MSS, Packet, PacketKind, Side};

#[cfg(feature = "pcap")]
mod curves;
mod states;

const DELAY: SimDuration = SimDuration::from_millis(25);
const MSS64: u64 = MSS as u64;

type Drops = Box<dyn FnMut(&Packet) -> bool>;

/// Both ends, and what is on its way between them.
struct Pair {
    now: SimTime,
    delay: SimDuration,
    ends: [Option<Connection>; 2],
    config: TcpConfig,
    written: [u64; 2],
    read: [u64; 2],
    /// Readers take what has come at once.
    eager: bool,
    on_the_way: Vec<(SimTime, Packet)>,
    drops: Drops,
    /// Every packet sent, dropped or not.
    log: Vec<(SimTime, Packet)>,
    endings: [Option<CloseReason>; 2],
    opened: [bool; 2],
}

impl Pair {
    fn new(config: TcpConfig, drops: impl FnMut(&Packet) -> bool + 'static) -> Pair {
        let mut pair = Pair {
            now: SimTime::ZERO,
            delay: DELAY,
            ends: [Some(Connection::opener(0, &config, SimTime::ZERO)), None],
            config,
            written: [1; 2],
            read: [1; 2],
            eager: true,
            on_the_way: Vec::new(),
            drops: Box::new(drops),
            log: Vec::new(),
            endings: [None; 2],
            opened: [false; 2],
        };
        pair.act(Side::Opener, |end, now, out| end.open(now, out));
        pair
    }

    fn lossless() -> Pair {
        Pair::new(TcpConfig::default(), |_| false)
    }

    /// A pair that is open, with nothing on its way.
    fn established(config: TcpConfig) -> Pair {
        let mut pair = Pair::new(config, |_| false);
        pair.run_for(SimDuration::from_secs(1));
        assert_eq!(pair.opened, [true; 2]);
        pair.log.clear();
        pair
    }

    fn end(&mut self, side: Side) -> &mut Connection {
        self.ends[side.index()].as_mut().expect("this end exists")
    }

    fn act(&mut self, side: Side, act: impl FnOnce(&mut Connection, SimTime, &mut Vec<Packet>)) {
        let mut out = Vec::new();
        let now = self.now;
        act(self.end(side), now, &mut out);
        self.send(out);
    }

    fn send(&mut self, packets: Vec<Packet>) {
        for packet in packets {
            self.log.push((self.now, packet));
            if !(self.drops)(&packet) {
                self.on_the_way.push((self.now + self.delay, packet));
            }
        }
    }

    fn write(&mut self, side: Side, bytes: u64) {
        self.written[side.index()] += bytes;
        let written = self.written[side.index()];
        self.act(side, |end, now, out| end.handle_write(now, written, out));
    }

    fn finish(&mut self, side: Side) {
        let written = self.written[side.index()];
        self.act(side, |end, now, out| end.finish(now, written, out));
    }

    fn read_all(&mut self, side: Side) {
        let offset = self.end(side).readable_to();
        self.read[side.other().index()] = offset;
        self.act(side, |end, now, out| end.handle_read(now, offset, out));
    }

    fn received(&mut self, side: Side) -> u64 {
        self.end(side).readable_to() - 1
    }

    fn next_due(&self) -> SimTime {
        let arrival = self.on_the_way.iter().map(|&(at, _)| at).min().unwrap_or(SimTime::MAX);
        self.ends.iter().flatten().filter_map(Connection::next_timeout).fold(arrival, SimTime::min)
    }

    fn run_for(&mut self, span: SimDuration) {
        let until = self.now + span;
        while self.next_due() <= until {
            self.now = self.next_due();
            self.step();
        }
        self.now = until;
    }

    fn step(&mut self) {
        while let Some(place) = self.on_the_way.iter().position(|&(at, _)| at <= self.now) {
            let (_, packet) = self.on_the_way.remove(place);
            self.deliver(packet);
        }
        for side in [Side::Opener, Side::Acceptor] {
            if self.ends[side.index()].is_some() {
                let (mut out, now) = (Vec::new(), self.now);
                let events = self.end(side).handle_timeout(now, &mut out);
                self.send(out);
                self.hear(side, events);
            }
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let side = packet.side().other();
        if self.ends[side.index()].is_none() {
            self.ends[side.index()] = Some(Connection::acceptor(&packet, &self.config, self.now));
            self.act(side, |end, now, out| end.open(now, out));
            return;
        }
        if self.end(side).state() == State::Closed {
            if packet.kind() != PacketKind::Rst {
                self.send(vec![Packet { seq: packet.ack, flags: Flags::RST, ..Packet::header(0, side) }]);
            }
            return;
        }
        let (mut out, now) = (Vec::new(), self.now);
        let events = self.end(side).handle_packet(now, &packet, &mut out);
        self.send(out);
        self.hear(side, events);
        if self.eager && events.readable {
            self.read_all(side);
        }
    }

    fn hear(&mut self, side: Side, events: StepEvents) {
        self.opened[side.index()] |= events.opened;
        self.endings[side.index()] = self.endings[side.index()].or(events.ended);
    }

    fn sent(&self, kind: PacketKind) -> Vec<SimTime> {
        self.log.iter().filter(|(_, packet)| packet.kind() == kind).map(|&(at, _)| at).collect()
    }

    /// The windows that pure acknowledgements offered.
    fn windows(&self) -> Vec<u32> {
        self.log.iter().filter(|(_, packet)| packet.kind() == PacketKind::Ack).map(|(_, packet)| packet.window).collect()
    }

    fn seconds_between(times: &[SimTime]) -> Vec<f64> {
        times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
    }
}

/// Drops the `n`th packet of a kind, from 0, and no other.
fn nth(kind: PacketKind, n: usize) -> impl FnMut(&Packet) -> bool {
    let mut seen = 0;
    move |packet| {
        let hit = packet.kind() == kind && seen == n;
        seen += usize::from(packet.kind() == kind);
        hit
    }
}

/// Drops the first sending of the packets that begin at these offsets.
fn once_at(offsets: Vec<u64>) -> impl FnMut(&Packet) -> bool {
    let mut left = offsets;
    move |packet| {
        let place = left.iter().position(|&offset| packet.len > 0 && packet.seq == offset);
        place.map(|place| left.remove(place)).is_some()
    }
}

#[test]
fn a_handshake_takes_one_round_trip_and_data_the_next() {
    let mut pair = Pair::lossless();
    pair.write(Side::Opener, 10);
    pair.run_for(SimDuration::from_millis(49));
    assert_eq!(pair.opened, [false, false]);
    pair.run_for(SimDuration::from_millis(1));
    assert_eq!(pair.opened, [true, false]);
    pair.run_for(SimDuration::from_millis(25));
    assert_eq!((pair.opened[1], pair.received(Side::Acceptor)), (true, 10));
}

#[test]
fn a_lost_syn_is_sent_again_every_second_and_then_ever_more_slowly() {
    let config = TcpConfig { connect_timeout: SimDuration::from_secs(60), ..TcpConfig::default() };
    let mut pair = Pair::new(config, |packet| packet.kind() == PacketKind::Syn);
    pair.run_for(SimDuration::from_secs(60));
    let gaps = Pair::seconds_between(&pair.sent(PacketKind::Syn));
    for (gap, expected) in gaps.iter().zip([1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0]) {
        assert!((expected..expected * 1.13).contains(gap), "{gaps:?}");
    }
    assert_eq!(pair.endings[0], Some(CloseReason::TimedOut));
    assert_eq!(pair.end(Side::Opener).state(), State::Closed);
}

#[test]
fn a_lost_syn_ack_is_sent_again() {
    let mut pair = Pair::new(TcpConfig::default(), nth(PacketKind::SynAck, 0));
    pair.write(Side::Opener, 5000);
    pair.run_for(SimDuration::from_secs(3));
    assert_eq!((pair.opened, pair.received(Side::Acceptor)), ([true; 2], 5000));
}

#[test]
fn a_lost_last_packet_of_the_handshake_is_made_good_by_data() {
    let mut pair = Pair::new(TcpConfig::default(), nth(PacketKind::Ack, 0));
    pair.run_for(SimDuration::from_millis(60));
    assert_eq!(pair.opened, [true, false]);
    pair.write(Side::Opener, 100);
    pair.run_for(SimDuration::from_millis(30));
    assert_eq!((pair.opened, pair.received(Side::Acceptor)), ([true; 2], 100));
}

#[test]
fn the_first_flight_has_ten_packets_and_the_second_twenty() {
    let mut pair = Pair::established(TcpConfig::default());
    let start = pair.now;
    pair.write(Side::Opener, 100 * MSS64);
    pair.run_for(SimDuration::from_millis(60));
    let flight = |from: u64, to: u64| {
        let within = |at: &&SimTime| (from..to).contains(&((**at - start).as_nanos() / 1_000_000));
        pair.sent(PacketKind::Data).iter().filter(within).count()
    };
    assert_eq!((flight(0, 49), flight(49, 60)), (10, 20));
}

/// RFC 8985 §6: one later delivery is not enough; three are.
#[test]
fn a_hole_is_filled_after_a_round_trip_without_a_timeout() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.drops = Box::new(once_at(vec![1 + 2 * MSS64]));
    pair.write(Side::Opener, 20 * MSS64);
    pair.run_for(SimDuration::from_millis(160));
    assert_eq!(pair.received(Side::Acceptor), 20 * MSS64);
    let stats = pair.end(Side::Opener).stats();
    assert_eq!((stats.retransmits, stats.timeouts), (1, 0));
    let sample = pair.ends[0].as_ref().unwrap().sample(pair.now);
    assert_eq!((sample.phase, sample.threshold.is_some()), ("open", true));
}

/// RFC 8985 §7: the probe comes after two round trips, long before the timeout would.
#[test]
fn a_lost_tail_is_repaired_by_a_probe() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.drops = Box::new(once_at(vec![1 + 3 * MSS64, 1 + 4 * MSS64]));
    pair.write(Side::Opener, 5 * MSS64);
    pair.run_for(SimDuration::from_millis(300));
    assert_eq!(pair.received(Side::Acceptor), 5 * MSS64);
    let stats = pair.end(Side::Opener).stats();
    assert_eq!((stats.loss_probes, stats.timeouts), (1, 0));
    assert!(pair.end(Side::Opener).sample(SimTime::ZERO).threshold.is_some(), "a loss that a probe repairs is a loss");
}

#[test]
fn a_whole_flight_lost_is_sent_again_after_timeouts_that_double() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.drops = Box::new(|packet| packet.len > 0);
    pair.write(Side::Opener, MSS64);
    pair.run_for(SimDuration::from_secs(8));
    let times = pair.sent(PacketKind::Data);
    let gaps = Pair::seconds_between(&times);
    assert!((0.2..0.45).contains(&gaps[0]), "the probe: {gaps:?}");
    for pair in gaps[2..].windows(2) {
        assert!((1.7..2.3).contains(&(pair[1] / pair[0])), "{gaps:?}");
    }
    let stats = pair.end(Side::Opener).stats();
    assert!(stats.timeouts >= 3 && pair.end(Side::Opener).window() <= 2);
    pair.drops = Box::new(|_| false);
    pair.run_for(SimDuration::from_secs(10));
    assert_eq!(pair.received(Side::Acceptor), MSS64);
}

#[test]
fn a_peer_that_never_answers_is_given_up() {
    let config = TcpConfig { user_timeout: SimDuration::from_secs(10), ..TcpConfig::default() };
    let mut pair = Pair::established(config);
    pair.drops = Box::new(|_| true);
    pair.write(Side::Opener, 10);
    pair.run_for(SimDuration::from_secs(30));
    assert_eq!(pair.endings, [Some(CloseReason::TimedOut), None]);
}

/// RFC 6298 §5.5: the timeout doubles from one repetition to the next, also where the user timeout would have run out before the
/// timer, had the peer said nothing.
#[test]
fn the_user_timeout_repeats_nothing_to_a_peer_that_is_heard() {
    let config = TcpConfig { user_timeout: SimDuration::from_secs(30), ..TcpConfig::default() };
    let mut pair = Pair::established(config);
    pair.drops = Box::new(|packet| packet.side() == Side::Opener && packet.len > 0);
    pair.write(Side::Opener, 10);
    for _ in 0..60 {
        pair.write(Side::Acceptor, 10);
        pair.run_for(SimDuration::from_secs(5));
    }
    assert_eq!(pair.endings, [None; 2]);
    let sent = pair.log.iter().filter(|(_, packet)| packet.side() == Side::Opener && packet.len > 0).map(|&(at, _)| at);
    let sent: Vec<SimTime> = sent.collect();
    let gaps: Vec<u64> = sent.windows(2).map(|pair| (pair[1] - pair[0]).as_nanos() / 1_000_000).collect();
    // The first repetition is a loss probe.
    assert!(gaps.len() >= 10 && gaps[1..10].windows(2).all(|pair| pair[1] * 10 > pair[0] * 15), "{gaps:?}");
    pair.drops = Box::new(|_| true);
    pair.run_for(SimDuration::from_secs(31));
    assert_eq!(pair.endings[0], Some(CloseReason::TimedOut), "it is silent now");
}

/// RFC 5682: the path has become slow, but nothing is lost, so the window is given back.
#[test]
fn a_needless_timeout_is_undone() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.delay = SimDuration::from_millis(300);
    pair.write(Side::Opener, 10 * MSS64);
    pair.run_for(SimDuration::from_secs(3));
    let stats = pair.end(Side::Opener).stats();
    assert!(stats.timeouts >= 1 && stats.undos >= 1, "{stats:?}");
    assert!(pair.end(Side::Opener).window() >= 10);
    assert_eq!(pair.received(Side::Acceptor), 10 * MSS64);
}

/// RFC 2883, RFC 3708: everything sent again arrived twice.
#[test]
fn a_reordered_packet_widens_the_patience_and_restores_the_window() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.write(Side::Opener, 20 * MSS64);
    let late = pair.on_the_way.iter_mut().find(|(_, packet)| packet.seq == 1 + MSS64).unwrap();
    late.0 += SimDuration::from_millis(60);
    pair.run_for(SimDuration::from_secs(2));
    let stats = pair.end(Side::Opener).stats();
    assert_eq!((stats.retransmits, stats.undos), (1, 1));
    assert_eq!(pair.received(Side::Acceptor), 20 * MSS64);
}

#[test]
fn the_first_acknowledgements_come_at_once_and_later_ones_for_two_packets() {
    let mut pair = Pair::established(TcpConfig::default());
    for _ in 0..40 {
        pair.write(Side::Opener, 2 * MSS64);
        pair.run_for(SimDuration::from_millis(100));
    }
    let acks = pair.sent(PacketKind::Ack).len();
    assert!((16 + 28..=16 + 36).contains(&acks), "{acks} for 80 packets");
}

/// RFC 1122 §4.2.3.2: within half a second; Linux takes 40 ms and the rest of a tick.
#[test]
fn a_lone_packet_is_acknowledged_after_forty_milliseconds() {
    // A buffer that does not grow, so that the window stands still.
    let mut pair = Pair::established(TcpConfig { receive_buffer: ByteSize::from_kib(128), ..TcpConfig::default() });
    pair.write(Side::Opener, 100 * MSS64);
    pair.run_for(SimDuration::from_millis(240));
    pair.log.clear();
    pair.drops = Box::new(once_at(vec![1 + 101 * MSS64]));
    pair.write(Side::Opener, 2 * MSS64);
    let arrival = pair.now + DELAY;
    pair.run_for(SimDuration::from_millis(90));
    let acks = pair.sent(PacketKind::Ack);
    let delay = (acks[0] - arrival).as_nanos() / 1_000_000;
    assert!((40..=44).contains(&delay), "{delay} ms");
}

/// RFC 9293 §3.8.6.1 and §3.8.6.2.2.
#[test]
fn a_closed_window_is_probed_and_opens_again() {
    let config = TcpConfig { receive_buffer: ByteSize::from_kib(64), ..TcpConfig::default() };
    let mut pair = Pair::established(config);
    pair.eager = false;
    pair.write(Side::Opener, 8 << 20);
    pair.run_for(SimDuration::from_secs(20));
    let stalled_at = pair.received(Side::Acceptor);
    // 64 KiB of memory hold 28 packets; the window that was offered is kept to.
    assert!((28 * MSS64..=64 * 1024).contains(&stalled_at), "{stalled_at}");
    assert_eq!(pair.end(Side::Opener).stats().timeouts, 0, "a closed window is no loss");
    let before = pair.log.len();
    pair.run_for(SimDuration::from_secs(30));
    assert!(pair.log.len() > before, "the window is probed");
    pair.eager = true;
    pair.read_all(Side::Acceptor);
    pair.run_for(SimDuration::from_secs(20));
    assert_eq!(pair.received(Side::Acceptor), 8 << 20);
    assert_eq!(pair.endings, [None, None]);
}

/// RFC 9293 §3.7.4 with Minshall's refinement.
#[test]
fn a_second_small_packet_waits_for_the_first() {
    let mut pair = Pair::established(TcpConfig::default());
    for _ in 0..5 {
        pair.write(Side::Opener, 10);
    }
    assert_eq!(pair.sent(PacketKind::Data).len(), 1);
    pair.run_for(SimDuration::from_millis(60));
    let lens: Vec<u16> = pair.log.iter().filter(|(_, p)| p.len > 0).map(|(_, p)| p.len).collect();
    assert_eq!(lens, [10, 40]);
}

#[test]
fn one_end_may_say_its_last_while_the_other_goes_on() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.write(Side::Opener, 1000);
    pair.finish(Side::Opener);
    pair.run_for(SimDuration::from_secs(1));
    assert!(pair.end(Side::Acceptor).peer_finished());
    assert_eq!((pair.end(Side::Opener).state(), pair.end(Side::Acceptor).state()), (State::FinWait2, State::CloseWait));
    pair.write(Side::Acceptor, 50_000);
    pair.finish(Side::Acceptor);
    pair.run_for(SimDuration::from_secs(1));
    assert_eq!(pair.received(Side::Opener), 50_000);
    assert_eq!((pair.end(Side::Opener).state(), pair.end(Side::Acceptor).state()), (State::TimeWait, State::Closed));
    pair.run_for(SimDuration::from_secs(60));
    assert_eq!(pair.end(Side::Opener).state(), State::Closed);
}

#[test]
fn both_ends_may_close_at_once() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.finish(Side::Opener);
    pair.finish(Side::Acceptor);
    pair.run_for(SimDuration::from_secs(1));
    assert_eq!((pair.end(Side::Opener).state(), pair.end(Side::Acceptor).state()), (State::TimeWait, State::TimeWait));
    assert_eq!(pair.endings, [Some(CloseReason::Closed); 2]);
}

#[test]
fn a_lost_fin_is_sent_again() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.drops = Box::new(nth(PacketKind::Fin, 0));
    pair.write(Side::Opener, 100);
    pair.finish(Side::Opener);
    pair.run_for(SimDuration::from_secs(2));
    assert!(pair.end(Side::Acceptor).peer_finished());
    assert_eq!(pair.received(Side::Acceptor), 100);
}

/// RFC 5961 §3.2: where data before a reset was lost, it is answered, and the answer brings one with the right number. If data behind
/// the lost one has arrived, the reset is where the peer expects it (Linux `tcp_validate_incoming`).
#[test]
fn a_reset_behind_lost_data_is_challenged() {
    for (packets, kinds, round_trips) in [(1, ["DATA", "RST", "ACK", "RST"], 1), (2, ["DATA", "DATA", "RST", "ACK"], 0)] {
        let mut pair = Pair::established(TcpConfig::default());
        pair.drops = Box::new(move |packet| packet.len > 0 && packet.seq == 1);
        pair.write(Side::Opener, packets * MSS64);
        pair.act(Side::Opener, |end, now, out| end.abort(now, out));
        let sent_at = pair.now;
        while pair.endings[Side::Acceptor.index()].is_none() {
            pair.now = pair.next_due();
            pair.step();
        }
        assert_eq!(pair.endings[Side::Acceptor.index()], Some(CloseReason::Reset));
        assert_eq!(pair.now - sent_at, DELAY + DELAY * (2 * round_trips));
        let seen: Vec<&str> = pair.log.iter().map(|(_, packet)| packet.kind().name()).collect();
        assert_eq!(seen, kinds);
    }
}

#[test]
fn an_aborted_connection_resets_its_peer() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.act(Side::Opener, |end, now, out| end.abort(now, out));
    pair.run_for(SimDuration::from_millis(30));
    assert_eq!(pair.endings, [None, Some(CloseReason::Reset)]);
    assert_eq!(pair.next_due(), SimTime::MAX, "no timer is left");
}

#[test]
fn data_for_an_end_that_has_gone_is_reset() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.finish(Side::Acceptor);
    let now = pair.now;
    pair.end(Side::Acceptor).abandon(now);
    pair.write(Side::Opener, 100);
    pair.run_for(SimDuration::from_secs(1));
    assert_eq!(pair.endings[0], Some(CloseReason::Reset));
}

#[test]
fn after_a_pause_the_window_is_small_again() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.write(Side::Opener, 500 * MSS64);
    pair.run_for(SimDuration::from_secs(2));
    assert!(pair.end(Side::Opener).window() > 40);
    pair.run_for(SimDuration::from_secs(20));
    pair.log.clear();
    pair.write(Side::Opener, 500 * MSS64);
    assert_eq!(pair.sent(PacketKind::Data).len(), 10);
}

/// RFC 2018 §4: blocks are disjoint, lie beyond the hole, and the latest comes first.
#[test]
fn blocks_tell_what_lies_beyond_each_hole() {
    let mut pair = Pair::established(TcpConfig::default());
    let holes = [1u64, 3, 5].map(|n| 1 + n * MSS64).to_vec();
    pair.drops = Box::new(once_at(holes));
    pair.write(Side::Opener, 10 * MSS64);
    pair.run_for(SimDuration::from_millis(26));
    let (_, last) = pair.log.last().copied().unwrap();
    let blocks: Vec<(u64, u64)> = last.sack_ranges().collect();
    let packets = |from: u64, to: u64| (1 + from * MSS64, 1 + to * MSS64);
    assert_eq!((last.ack, blocks), (1 + MSS64, vec![packets(6, 10), packets(4, 5), packets(2, 3)]));
    pair.run_for(SimDuration::from_secs(1));
    assert_eq!(pair.end(Side::Opener).stats().retransmits, 3);
}

/// Linux acknowledges every packet for as long as the window opens, and every second one when it stands still.
#[test]
fn every_packet_is_acknowledged_while_the_window_opens() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.write(Side::Opener, 262_144);
    pair.run_for(SimDuration::from_secs(2));
    let (packets, acks) = (pair.sent(PacketKind::Data).len(), pair.sent(PacketKind::Ack).len());
    assert_eq!(packets, 182);
    assert!((160..=175).contains(&acks), "{acks}; Linux sends 162 to 171");
}

/// The windows that Linux 6.18 offers to a sender that doubles its flight every round trip.
#[test]
fn the_window_opens_with_what_is_read_in_a_round_trip() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.write(Side::Opener, 4 << 20);
    let mut offered = Vec::new();
    for _ in 0..6 {
        pair.run_for(DELAY * 2);
        offered.extend(pair.windows().into_iter().max());
    }
    assert_eq!(offered, [80_896, 80_896, 151_552, 346_112, 694_272, 1_389_568]);
}

/// Nobody reads, so nothing grows.
#[test]
fn the_window_does_not_open_for_a_reader_that_sleeps() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.eager = false;
    pair.write(Side::Opener, 4 << 20);
    pair.run_for(SimDuration::from_secs(2));
    assert!(pair.received(Side::Acceptor) <= 128 << 10, "{}", pair.received(Side::Acceptor));
    assert!(pair.windows().last() <= Some(&1024));
}

/// A third range is told of at once, and what was put off before it: three blocks are all that fit.
#[test]
fn a_new_hole_sends_the_acknowledgement_that_was_put_off() {
    let mut pair = Pair::established(TcpConfig { receive_buffer: ByteSize::from_kib(128), ..TcpConfig::default() });
    pair.write(Side::Opener, 100 * MSS64);
    pair.run_for(SimDuration::from_millis(240));
    pair.log.clear();
    let first = pair.written[0];
    let holes = [0, 8, 10, 12].map(|n| first + n * MSS64).to_vec();
    pair.drops = Box::new(once_at(holes));
    pair.write(Side::Opener, 10 * MSS64);
    pair.write(Side::Opener, 10 * MSS64);
    pair.run_for(DELAY);
    let acks: Vec<Vec<(u64, u64)>> = pair
        .log
        .iter()
        .filter(|(_, p)| p.sack_blocks() > 0)
        .map(|(_, p)| p.sack_ranges().map(|(start, end)| ((start - first) / MSS64, (end - first) / MSS64)).collect())
        .collect();
    let expected =
        [vec![(1, 2)], vec![(1, 3)], vec![(1, 4)], vec![(1, 5)], vec![(9, 10), (1, 8)], vec![(11, 12), (9, 10), (1, 8)]];
    assert_eq!(acks, expected);
}

/// The echo says that the first SYN arrived: nothing was lost, and slow start has no end yet (Linux
/// `tcp_try_undo_spurious_syn`).
#[test]
fn a_syn_that_was_only_late_is_no_loss() {
    let mut pair = Pair::lossless();
    pair.delay = SimDuration::from_millis(600);
    pair.on_the_way[0].0 = pair.now + pair.delay;
    pair.write(Side::Opener, 10);
    pair.run_for(SimDuration::from_secs(4));
    let sample = pair.end(Side::Opener).sample(SimTime::ZERO);
    assert_eq!((sample.threshold, pair.end(Side::Opener).stats().retransmits), (None, 1));
    let mut lost = Pair::new(TcpConfig::default(), nth(PacketKind::Syn, 0));
    lost.run_for(SimDuration::from_secs(4));
    assert_eq!(lost.end(Side::Opener).sample(SimTime::ZERO).threshold, Some(7));
}

#[test]
fn every_burst_of_several_packets_is_pushed() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.write(Side::Opener, 20 * MSS64);
    let pushed: Vec<bool> = pair.log.iter().map(|(_, packet)| packet.flags.contains(Flags::PSH)).collect();
    assert_eq!(pushed, [false, true, false, true, false, true, false, true, false, true]);
}

/// Linux looks for memory only where it begins a new buffer: bursts that leave a part of the last one unsent let a writer go
/// on, past its limit and up to the congestion window.
#[test]
fn a_writer_goes_on_while_bursts_are_shorter_than_buffers() {
    let config = TcpConfig { send_buffer: ByteSize::from_kib(256), ..TcpConfig::default() };
    let mut pair = Pair::established(config);
    pair.write(Side::Opener, 16 << 20);
    let mut most = 0;
    for _ in 0..3_000 {
        pair.run_for(SimDuration::from_millis(1));
        most = most.max(pair.end(Side::Opener).sender.sent_to() - pair.end(Side::Opener).acked_to());
    }
    assert!(most > 512 * 1024, "{most}");
    assert_eq!(pair.received(Side::Acceptor), 16 << 20);
}

/// RFC 7661 §4; Linux `tcp_cwnd_application_limited`.
#[test]
fn a_window_that_is_not_used_shrinks() {
    let mut pair = Pair::established(TcpConfig::default());
    pair.write(Side::Opener, 500 * MSS64);
    pair.run_for(SimDuration::from_secs(1));
    let before = pair.end(Side::Opener).window();
    for _ in 0..10 {
        pair.write(Side::Opener, MSS64);
        pair.run_for(SimDuration::from_millis(100));
    }
    let after = pair.end(Side::Opener).window();
    assert!(before > 40 && after < before * 2 / 3, "{before} became {after}");
}

/// What must hold of every packet and at every moment.
fn check_invariants(pair: &mut Pair) {
    for (_, packet) in &pair.log {
        let mut blocks: Vec<_> = packet.sack_ranges().collect();
        let reports_duplicate = match blocks[..] {
            [first, second, ..] => first.0 < packet.ack || (first.0 >= second.0 && first.1 <= second.1),
            [first] => first.0 < packet.ack,
            [] => false,
        };
        blocks.drain(..usize::from(reports_duplicate));
        blocks.sort_unstable();
        assert!(blocks.iter().all(|&(start, end)| packet.ack < start && start < end));
        assert!(blocks.windows(2).all(|pair| pair[0].1 < pair[1].0), "blocks overlap: {blocks:?}");
        assert!(packet.wire_len() <= crate::packet::MTU);
    }
    let now = pair.now;
    for end in pair.ends.iter().flatten() {
        let sample = end.sample(now);
        assert!(sample.rto >= SimDuration::from_millis(200) && sample.rto <= SimDuration::from_secs(120));
        assert!(sample.window >= 1);
    }
}

proptest! {
    /// Whatever is lost, held up or repeated, both streams arrive whole and the connection closes.
    #[test]
    fn streams_survive_any_wire(
        seed: u64,
        loss in 0u64..25,
        late in 0u64..10,
        writes in proptest::collection::vec((any::<bool>(), 1u64..60_000, 0u64..400), 1..12),
    ) {
        let mut random = p2p_base::random::RandomStream::new(seed, "wire");
        let mut pair = Pair::new(TcpConfig { user_timeout: SimDuration::from_secs(3600), ..TcpConfig::default() },
            move |_| random.below(100) < loss);
        let mut hold_up = p2p_base::random::RandomStream::new(seed, "late");
        let mut totals = [0u64; 2];
        pair.run_for(SimDuration::from_secs(40));
        prop_assume!(pair.opened == [true; 2]);
        for (from_opener, bytes, wait) in writes {
            let side = if from_opener { Side::Opener } else { Side::Acceptor };
            totals[side.index()] += bytes;
            pair.write(side, bytes);
            for (at, _) in &mut pair.on_the_way {
                if hold_up.below(100) < late { *at += SimDuration::from_millis(hold_up.below(300)); }
            }
            pair.run_for(SimDuration::from_millis(wait));
            check_invariants(&mut pair);
        }
        pair.finish(Side::Opener);
        pair.finish(Side::Acceptor);
        // A packet that is lost again and again waits two minutes each time (RFC 6298 §2.4), and the user timeout ends what nothing answers.
        pair.run_for(SimDuration::from_secs(20_000));
        prop_assert_eq!(pair.received(Side::Acceptor), totals[0]);
        prop_assert_eq!(pair.received(Side::Opener), totals[1]);
        check_invariants(&mut pair);
        for side in [Side::Opener, Side::Acceptor] {
            prop_assert_eq!(pair.end(side).state(), State::Closed);
        }
    }
}
