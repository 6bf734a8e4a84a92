//! The whole network: hosts, links and connections together.

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_base::units::{Bandwidth, DelayRange, Probability, SimDuration};
use proptest::prelude::*;

use super::*;

mod chaos;
mod faults;
mod loopback;

const PORT: u16 = 7000;

fn default_link() -> HostConfig {
    HostConfig::symmetric(Bandwidth::from_bits_per_second(524_288), "1ms..10ms".parse().unwrap(), Probability::from_percent(1))
}

fn quick_link() -> HostConfig {
    HostConfig::symmetric("100Mbit/s".parse().unwrap(), DelayRange::fixed(SimDuration::from_millis(1)), Probability::NEVER)
}

fn network(seed: u64, hosts: u8, config: &HostConfig) -> (Network, Vec<HostId>) {
    let mut net = Network::new(seed);
    let ids: Vec<HostId> = (1..=hosts).map(|n| net.add_host(Ipv4Addr::new(192, 168, 1, n), config)).collect();
    ids.iter().for_each(|&host| net.bind(port_of(host)).unwrap());
    (net, ids)
}

fn port_of(host: HostId) -> Endpoint {
    Endpoint { host, port: PORT }
}

/// Bytes that differ everywhere.
fn pattern(len: usize, salt: u64) -> Bytes {
    let mut bytes = vec![0; len];
    RandomStream::new(salt, "pattern").fill(&mut bytes);
    bytes.into()
}

/// Sends `payload` from one host to another in pieces, and closes. Gives what arrived and how the ends ended.
fn transfer(net: &mut Network, from: HostId, to: HostId, payload: &Bytes) -> (Vec<u8>, Vec<(ConnectionId, CloseReason)>) {
    net.listen(to, PORT, TcpConfig::default()).unwrap();
    let connection = net.connect(from, to, PORT, TcpConfig::default()).unwrap();
    let (mut got, mut endings, mut written) = (Vec::new(), Vec::new(), 0);
    while net.handle_timeout(SimTime::MAX) {
        while let Some(event) = net.poll_event() {
            match event {
                NetEvent::Connected { .. } | NetEvent::Writable { .. } => {
                    while written < payload.len() {
                        let piece = payload.slice(written..payload.len().min(written + 10_000));
                        let len = piece.len();
                        if net.write(connection, piece).is_err() {
                            break;
                        }
                        written += len;
                    }
                    if written == payload.len() {
                        net.close(connection);
                    }
                }
                NetEvent::Readable { connection } => {
                    while let Read::Bytes(bytes) = net.read(connection, usize::MAX) {
                        got.extend_from_slice(&bytes);
                    }
                    if net.at_end(connection) {
                        net.close(connection);
                    }
                }
                NetEvent::Ended { connection, reason, .. } => endings.push((connection, reason)),
                _ => {}
            }
        }
    }
    (got, endings)
}

/// Sent + duplicated = delivered + dropped + on its way, in packets and in bytes.
fn assert_conserved(net: &Network) {
    let total = net.total_stats();
    let (packets, bytes) = net.in_transit();
    assert_eq!(total.sent.total() + total.duplicated, total.received.total() + total.dropped.total() + packets);
    assert_eq!(total.bytes_sent + total.bytes_duplicated, total.bytes_received + total.bytes_dropped + bytes);
}

#[test]
fn bytes_cross_a_lossy_network_unharmed_and_nothing_stays_behind() {
    let (mut net, hosts) = network(1, 2, &default_link());
    let payload = pattern(300_000, 9);
    let (got, endings) = transfer(&mut net, hosts[0], hosts[1], &payload);
    assert_eq!(got, payload);
    assert_eq!(endings.iter().map(|&(_, reason)| reason).collect::<Vec<_>>(), [CloseReason::Closed; 2]);
    assert!(net.sockets.is_empty() && net.next_timeout().is_none());
    assert_conserved(&net);
    let stats = net.host_stats(hosts[0]).unwrap();
    assert!(stats.dropped[DropCause::Loss] > 0 && stats.retransmits > 0);
    assert_eq!((stats.sent[PacketKind::Syn], stats.sent[PacketKind::Fin]), (1, 1));
}

fn ending_of(event: Option<NetEvent>) -> Option<(ConnectionId, CloseReason)> {
    match event {
        Some(NetEvent::Ended { connection, reason, .. }) => Some((connection, reason)),
        _ => None,
    }
}

#[test]
fn a_closed_port_refuses() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let (got, endings) = {
        let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
        assert!(net.handle_timeout(SimTime::MAX));
        (connection, net.poll_event())
    };
    assert_eq!(ending_of(endings), Some((got, CloseReason::Refused)));
    assert_eq!(net.total_stats().sent[PacketKind::Rst], 1);
}

#[test]
fn a_host_that_is_down_is_silent() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    net.set_condition(hosts[1], Condition::Down).unwrap();
    let config = TcpConfig { connect_timeout: SimDuration::from_secs(5), ..TcpConfig::default() };
    let connection = net.connect(hosts[0], hosts[1], PORT, config).unwrap();
    assert!(net.handle_timeout(SimTime::MAX));
    assert_eq!(ending_of(net.poll_event()), Some((connection, CloseReason::TimedOut)));
    assert_eq!(net.now(), SimTime::ZERO + SimDuration::from_secs(5));
    assert_eq!(net.host_stats(hosts[0]).unwrap().dropped[DropCause::HostDown], 5);
    net.set_condition(hosts[1], Condition::Up).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, config).unwrap();
    assert!(net.handle_timeout(SimTime::MAX));
    assert_eq!(net.poll_event(), Some(NetEvent::Connected { connection }));
}

/// The time that an opening may take is changed while it is under way: it counts from the beginning, and what is over is over at once.
#[test]
fn the_deadline_of_an_opening_may_be_changed() {
    for (connect_seconds, changed_to, changed_at, ended_at) in [(5, 60, 2, 60), (60, 5, 2, 5), (60, 5, 30, 30)] {
        let (mut net, hosts) = network(1, 2, &quick_link());
        net.listen_as_patient(hosts[1], PORT, TcpConfig::default()).unwrap();
        net.set_condition(hosts[1], Condition::Down).unwrap();
        let connect_timeout = SimDuration::from_secs(connect_seconds);
        let config = TcpConfig { connect_timeout, ..TcpConfig::default() };
        let connection = net.connect(hosts[0], hosts[1], PORT, config).unwrap();
        assert_eq!(events_until(&mut net, after(changed_at)), []);
        net.set_deadlines(connection, SimDuration::from_secs(changed_to), config.user_timeout);
        let events = events_until(&mut net, after(100));
        assert_eq!(events.first().map(|&(at, _)| at), Some(after(ended_at)), "{events:?}");
        assert_eq!(ending_of(events.into_iter().next().map(|(_, event)| event)), Some((connection, CloseReason::TimedOut)));
    }
}

#[test]
fn a_host_that_refuses_resets_what_it_has() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    while net.handle_timeout(SimTime::ZERO + SimDuration::from_secs(1)) {
        net.poll_event();
    }
    net.set_condition(hosts[1], Condition::Refusing).unwrap();
    assert!(net.handle_timeout(SimTime::MAX));
    assert_eq!(ending_of(net.poll_event()), Some((connection, CloseReason::Reset)));
    let second = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    assert!(net.handle_timeout(SimTime::MAX));
    assert_eq!(ending_of(net.poll_event()), Some((second, CloseReason::Refused)));
    net.listen(hosts[0], PORT, TcpConfig::default()).unwrap();
    let own = net.connect(hosts[1], hosts[0], PORT, TcpConfig::default()).unwrap();
    net.write(own, Bytes::from_static(b"hello")).unwrap();
    let events = events_until(&mut net, after(2));
    assert!(events.iter().any(|(_, event)| *event == NetEvent::Connected { connection: own }));
    assert_eq!(net.read(own.peer(), usize::MAX), Read::Bytes(Bytes::from_static(b"hello")), "it may open connections itself");
}

#[test]
fn a_host_that_comes_back_has_forgotten_its_connections() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    while net.handle_timeout(SimTime::ZERO + SimDuration::from_secs(1)) {
        net.poll_event();
    }
    net.set_condition(hosts[1], Condition::Down).unwrap();
    net.set_condition(hosts[1], Condition::Up).unwrap();
    net.write(connection, Bytes::from_static(b"hello?")).unwrap();
    assert!(net.handle_timeout(SimTime::MAX));
    assert_eq!(ending_of(net.poll_event()), Some((connection, CloseReason::Reset)));
}

/// Every event until nothing more happens before `until`, with its instant.
fn events_until(net: &mut Network, until: SimTime) -> Vec<(SimTime, NetEvent)> {
    let mut events = Vec::new();
    while net.handle_timeout(until) {
        while let Some(event) = net.poll_event() {
            events.push((net.now(), event));
        }
    }
    events
}

fn after(seconds: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(seconds)
}

/// The user timeout holds on the instant, however far the retransmission timer has backed off; the end that gave up keeps nothing,
/// and what reaches it afterwards is answered by a reset (RFC 9293 §3.10.7.1).
#[test]
fn an_end_that_gave_up_answers_with_a_reset() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let config = TcpConfig { user_timeout: SimDuration::from_secs(30), ..TcpConfig::default() };
    net.listen(hosts[1], PORT, config).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, config).unwrap();
    events_until(&mut net, after(1));
    let cut = HostConfig { loss: Probability::ALWAYS, ..quick_link() };
    net.reconfigure(hosts[0], &cut).unwrap();
    net.write(connection, pattern(5_000, 1)).unwrap();
    let events = events_until(&mut net, after(40));
    let ended = events.into_iter().find_map(|(at, event)| Some((at, ending_of(Some(event))?)));
    let (at, reason) = ended.unwrap();
    assert_eq!(reason, (connection, CloseReason::TimedOut));
    assert!((after(31)..after(31) + SimDuration::from_millis(300)).contains(&at), "{at}");
    assert_eq!(net.state(connection), None);
    assert_eq!(net.state(connection.peer()), Some(State::Established), "it is half-open");
    net.reconfigure(hosts[0], &quick_link()).unwrap();
    net.write(connection.peer(), pattern(100, 2)).unwrap();
    let events = events_until(&mut net, after(50));
    let ended = events.into_iter().find_map(|(_, event)| ending_of(Some(event)));
    assert_eq!(ended, Some((connection.peer(), CloseReason::Reset)));
}

/// An end that waits for its peer, and has nothing outstanding itself, finds out that the peer is gone; one whose peer is there
/// keeps the connection, though nothing is said on it for a day.
#[test]
fn an_idle_connection_is_probed() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let keepalive = Some(KeepAlive::within(SimDuration::from_secs(30)));
    let config = TcpConfig { user_timeout: SimDuration::from_secs(30), keepalive, ..TcpConfig::default() };
    net.listen(hosts[1], PORT, config).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    let day = after(86_400);
    assert!(events_until(&mut net, day).iter().all(|(_, event)| ending_of(Some(event.clone())).is_none()));
    let probed = net.total_stats().sent[PacketKind::Ack];
    assert!((2 * 86_400 / 16..=2 * 86_400 / 14).contains(&probed), "a probe and its answer every fifteen seconds: {probed}");
    net.reconfigure(hosts[0], &HostConfig { loss: Probability::ALWAYS, ..quick_link() }).unwrap();
    let events = events_until(&mut net, day + SimDuration::from_secs(100));
    let ended = events.into_iter().find_map(|(at, event)| Some((at - day, ending_of(Some(event))?)));
    let (after, reason) = ended.unwrap();
    assert_eq!(reason, (connection.peer(), CloseReason::TimedOut));
    assert!(after <= SimDuration::from_secs(31), "{after}");
}

#[test]
fn a_datagram_takes_the_time_of_the_path() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.send_datagram(port_of(hosts[0]), port_of(hosts[1]), Bytes::from_static(b"ping")).unwrap();
    assert!(net.handle_timeout(SimTime::MAX));
    let expected = NetEvent::Datagram {
        to: port_of(hosts[1]),
        from: port_of(hosts[0]),
        sent_at: SimTime::ZERO,
        payload: Bytes::from_static(b"ping"),
    };
    assert_eq!(net.poll_event(), Some(expected));
    // 32 bytes at 100 Mbit/s up and down, and a millisecond.
    assert_eq!(net.now(), SimTime::from_nanos(1_000_000 + 2 * 2_560));
    assert_eq!(net.total_stats().sent[PacketKind::Datagram], 1);
}

#[test]
fn the_worse_of_two_hosts_decides_about_their_path() {
    let mut net = Network::new(1);
    let near = HostConfig { delay: DelayRange::fixed(SimDuration::from_millis(1)), ..quick_link() };
    let far = HostConfig { delay: "20ms..30ms".parse().unwrap(), loss: Probability::ALWAYS, ..quick_link() };
    let near = net.add_host(Ipv4Addr::new(10, 0, 0, 1), &near);
    let far = net.add_host(Ipv4Addr::new(10, 0, 0, 2), &far);
    for (from, to) in [(near, far), (far, near)] {
        let worse = PathConfig::new("20ms..30ms".parse().unwrap(), Probability::ALWAYS);
        assert_eq!(net.path_config(from, to), Ok(worse));
    }
}

#[test]
fn links_may_change_while_packets_fly() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let payload = pattern(10_000_000, 3);
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let slow = HostConfig::symmetric("1Mbit/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::from_percent(2));
    net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    net.handle_timeout(SimTime::ZERO + SimDuration::from_millis(1));
    net.reconfigure(hosts[0], &slow).unwrap();
    let before = net.now();
    let (got, _) = transfer(&mut net, hosts[0], hosts[1], &payload.slice(..100_000));
    assert_eq!(got, payload[..100_000]);
    assert!(net.now() - before > SimDuration::from_millis(800), "at 1 Mbit/s");
    assert_conserved(&net);
}

#[test]
fn half_closed_connections_carry_an_answer() {
    let (mut net, hosts) = network(4, 2, &default_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let client = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    net.write(client, Bytes::from_static(b"question")).unwrap();
    net.finish(client);
    let (mut answer, mut asked) = (Vec::new(), Vec::new());
    while net.handle_timeout(SimTime::MAX) {
        let Some(NetEvent::Readable { connection }) = net.poll_event() else { continue };
        let into = if connection == client { &mut answer } else { &mut asked };
        while let Read::Bytes(bytes) = net.read(connection, 3) {
            into.extend_from_slice(&bytes);
        }
        if connection != client && net.at_end(connection) {
            net.write(connection, Bytes::from_static(b"answer")).unwrap();
            net.close(connection);
        }
    }
    assert_eq!((asked.as_slice(), answer.as_slice()), (b"question".as_slice(), b"answer".as_slice()));
    assert!(net.sockets.is_empty());
}

#[test]
fn a_full_send_buffer_says_when_there_is_room() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let config = TcpConfig { send_buffer: p2p_base::units::ByteSize::from_kib(64), ..TcpConfig::default() };
    net.listen(hosts[1], PORT, config).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, config).unwrap();
    net.write(connection, pattern(65_536, 1)).unwrap();
    assert_eq!(net.write(connection, pattern(1, 1)), Err(WriteError::Full));
    let mut told = 0;
    while net.handle_timeout(SimTime::ZERO + SimDuration::from_secs(5)) {
        match net.poll_event() {
            Some(NetEvent::Writable { .. }) => told += 1,
            Some(NetEvent::Readable { connection }) => while let Read::Bytes(_) = net.read(connection, usize::MAX) {},
            _ => {}
        }
    }
    assert_eq!(told, 1);
    net.finish(connection);
    assert_eq!(net.write(connection, pattern(1, 1)), Err(WriteError::Closed));
}

/// What is sent is between what is acknowledged and what is written, and is known until the end is over.
#[test]
fn an_end_tells_what_it_has_sent() {
    let (mut net, hosts) = network(1, 2, &default_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    net.write(connection, pattern(200_000, 1)).unwrap();
    assert_eq!(net.sent(connection), Some(0), "the handshake carries nothing");
    let mut before = 0;
    while net.acknowledged(connection) < 200_000 && net.handle_timeout(SimTime::ZERO + SimDuration::from_secs(60)) {
        if let Some(NetEvent::Readable { connection }) = net.poll_event() {
            while let Read::Bytes(_) = net.read(connection, usize::MAX) {}
        }
        let sent = net.sent(connection).unwrap();
        assert!(before <= sent && net.acknowledged(connection) <= sent && sent <= 200_000);
        before = sent;
    }
    assert_eq!(net.sent(connection), Some(200_000));
    net.abort(connection);
    assert_eq!(net.sent(connection), None);
}

/// Linux `sk_stream_min_wspace`: a third of the buffer is free.
#[test]
fn a_writer_is_woken_at_two_thirds() {
    let (mut net, hosts) = network(1, 2, &default_link());
    let config = TcpConfig { send_buffer: p2p_base::units::ByteSize::from_kib(256), ..TcpConfig::default() };
    net.listen(hosts[1], PORT, config).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, config).unwrap();
    while net.write(connection, pattern(10_000, 1)).is_ok() {}
    let full = net.written(connection) - net.acknowledged(connection);
    assert!((255 * 1024..300 * 1024).contains(&full), "{full}");
    while net.handle_timeout(SimTime::MAX) {
        match net.poll_event() {
            Some(NetEvent::Writable { .. }) => break,
            Some(NetEvent::Readable { connection }) => while let Read::Bytes(_) = net.read(connection, usize::MAX) {},
            _ => {}
        }
    }
    let left = net.written(connection) - net.acknowledged(connection);
    assert!((128 * 1024..=2 * 256 * 1024 / 3).contains(&left), "{left}");
}

/// Linux `TCP_NOTSENT_LOWAT`: a writer that wants it so has few bytes handed over and not sent, and is woken when half as many are left.
#[test]
fn a_limit_of_unsent_bytes_holds_the_writer_back() {
    let (rate, delay) = (Bandwidth::from_bits_per_second(524_288), DelayRange::fixed(SimDuration::from_millis(5)));
    let (mut net, hosts) = network(1, 2, &HostConfig::symmetric(rate, delay, Probability::NEVER));
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    net.set_notsent_lowat(connection, 32_768);
    let mut woken = 0;
    while woken < 5 {
        let before = net.written(connection);
        while net.is_writable(connection) {
            net.write(connection, pattern(10_000, 1)).unwrap();
        }
        let unsent = |net: &Network| {
            let in_flight = net.sample(connection).unwrap().in_flight;
            (net.written(connection) - net.acknowledged(connection)).saturating_sub(u64::from(in_flight) * u64::from(MSS))
        };
        assert!(net.written(connection) > before && unsent(&net) < 32_768 + 10_000, "{}", unsent(&net));
        assert_eq!(net.write(connection, pattern(1, 1)), Err(WriteError::Full));
        while net.handle_timeout(SimTime::MAX) {
            match net.poll_event() {
                Some(NetEvent::Writable { .. }) => break,
                Some(NetEvent::Readable { connection }) => while let Read::Bytes(_) = net.read(connection, usize::MAX) {},
                _ => {}
            }
        }
        assert!(unsent(&net) < 16_384, "{}", unsent(&net));
        woken += 1;
    }
}

/// What arrives waits for its reader in vain below the mark, and closes no window.
#[test]
fn a_read_mark_above_the_window_is_reached() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    net.write(connection, pattern(1 << 20, 1)).unwrap();
    let mut told = Vec::new();
    while net.handle_timeout(SimTime::ZERO + SimDuration::from_secs(5)) {
        match net.poll_event() {
            Some(NetEvent::Accepted { connection, .. }) => net.set_read_mark(connection, 1 << 20),
            Some(NetEvent::Readable { connection }) => told.push(net.readable(connection)),
            _ => {}
        }
    }
    assert_eq!(told, [1 << 20]);
}

/// Hosts take their time, packet by packet and in order; the same seed takes the same.
#[test]
fn a_host_takes_its_time_and_keeps_the_order() {
    let arrivals = |host_time: &str| {
        let (mut net, hosts) = network(1, 3, &quick_link());
        net.set_host_time(host_time.parse().unwrap());
        for n in 0..20u8 {
            net.send_datagram(port_of(hosts[usize::from(n % 2)]), port_of(hosts[2]), Bytes::copy_from_slice(&[n])).unwrap();
        }
        let mut arrivals = Vec::new();
        while net.handle_timeout(SimTime::MAX) {
            while let Some(NetEvent::Datagram { payload, .. }) = net.poll_event() {
                arrivals.push((payload[0], net.now()));
            }
        }
        (arrivals, net.trace_hash())
    };
    let ((at_once, _), (later, trace)) = (arrivals("0s"), arrivals("20us..100us"));
    assert_eq!((&later, trace), (&arrivals("20us..100us").0, arrivals("20us..100us").1));
    assert_ne!(trace, arrivals("0s").1);
    for (&(number, at), &(same, received)) in later.iter().zip(&at_once) {
        assert_eq!(number, same, "no packet of a host passes another");
        assert!((20_000..=100_000).contains(&(at - received).as_nanos()));
    }
}

#[test]
fn the_wire_shows_what_was_sent_and_what_became_of_it() {
    let (mut net, hosts) = network(1, 2, &default_link());
    net.watch_wire(Some(100_000));
    transfer(&mut net, hosts[0], hosts[1], &pattern(200_000, 1));
    let Wire { records, seen, since } = net.wire(usize::MAX);
    assert_eq!((records.len() as u64, seen), (net.total_stats().sent.total(), net.total_stats().sent.total()));
    assert_eq!((records[0].kind, since), (PacketKind::Syn, WireSince::default()));
    let resent = records.iter().filter(|record| record.is_retransmission).count() as u64;
    assert_eq!(resent, net.total_stats().retransmits);
    let lost = records.iter().filter(|record| record.dropped == Some(DropCause::Loss)).count() as u64;
    assert_eq!(lost, net.total_stats().dropped[DropCause::Loss]);
    assert!(records.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

/// What a packet says of itself is true whatever it is: also a SYN, a SYN-ACK and a FIN are marked where they are sent again, and an
/// acknowledgement, which takes no sequence number, never is.
#[test]
fn what_is_sent_again_is_marked() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let lossy = HostConfig { loss: Probability::from_percent(25), ..default_link() };
        let (mut net, hosts) = network(seed, 2, &lossy);
        net.watch_wire(Some(100_000));
        transfer(&mut net, hosts[0], hosts[1], &pattern(3_000, seed));
        let mut sent = std::collections::BTreeMap::<_, u64>::new();
        for record in net.wire(usize::MAX).records {
            let takes = match record.kind {
                PacketKind::Syn | PacketKind::SynAck => 1,
                PacketKind::Fin => u64::from(record.len) + 1,
                _ => record.len.into(),
            };
            let before = sent.entry(record.from).or_default();
            assert_eq!(record.is_retransmission, takes > 0 && record.seq < *before, "{seed}: {record:?}");
            *before = (*before).max(record.seq + takes);
            kinds.extend(record.is_retransmission.then(|| record.kind.name()));
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["DATA", "FIN", "SYN", "SYN-ACK"]);
}

#[test]
fn watching_changes_nothing() {
    let run = |watched: bool| {
        let (mut net, hosts) = network(7, 2, &default_link());
        net.watch_wire(watched.then_some(10));
        #[cfg(feature = "pcap")]
        if watched {
            net.start_capture(Box::new(std::io::sink())).unwrap();
        }
        transfer(&mut net, hosts[0], hosts[1], &pattern(100_000, 1));
        (net.trace_hash(), net.now())
    };
    assert_eq!(run(true), run(false));
}

/// What an observer is told stands apart from the events: they are the same, and so are the turns in which they are found.
#[test]
fn an_observer_of_a_connection_changes_no_event_and_no_turn() {
    let run = |watched: bool| {
        let (mut net, hosts) = network(7, 2, &default_link());
        net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
        let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
        net.watch(connection, watched);
        let (mut turns, mut changes) = (Vec::new(), 0);
        while net.handle_timeout(SimTime::MAX) {
            let events: Vec<NetEvent> = std::iter::from_fn(|| net.poll_event()).collect();
            if events.iter().any(|event| matches!(event, NetEvent::Connected { .. })) {
                net.write(connection, pattern(40_000, 1)).unwrap();
                net.tell_when_drained(connection);
            }
            turns.push((net.now(), events));
            changes += std::iter::from_fn(|| net.poll_change()).count();
        }
        (turns, changes)
    };
    let ((turns, changes), (unwatched, none)) = (run(true), run(false));
    assert_eq!((turns, none), (unwatched, 0));
    assert!(changes > 20, "{changes} changes");
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let run = |seed| {
        let (mut net, hosts) = network(seed, 2, &default_link());
        transfer(&mut net, hosts[0], hosts[1], &pattern(100_000, 1));
        net.trace_hash()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However time is cut into slices, the run is the same, and packets are conserved at every cut.
    #[test]
    fn slices_of_time_change_nothing(seed: u64, slices in proptest::collection::vec(1u64..2_000, 1..30)) {
        let start = |seed| {
            let (mut net, hosts) = network(seed, 3, &default_link());
            for &host in &hosts { net.listen(host, PORT, TcpConfig::default()).unwrap(); }
            for (from, to) in [(0, 1), (1, 2), (2, 0), (0, 2)] {
                let connection = net.connect(hosts[from], hosts[to], PORT, TcpConfig::default()).unwrap();
                net.write(connection, pattern(40_000, seed)).unwrap();
            }
            net
        };
        let total: u64 = slices.iter().sum();
        let mut whole = start(seed);
        while whole.handle_timeout(SimTime::ZERO + SimDuration::from_millis(total)) { whole.poll_event(); }
        let mut sliced = start(seed);
        let mut until = SimTime::ZERO;
        for slice in slices {
            until += SimDuration::from_millis(slice);
            while sliced.handle_timeout(until) { sliced.poll_event(); }
            assert_conserved(&sliced);
        }
        prop_assert_eq!(whole.trace_hash(), sliced.trace_hash());
        prop_assert_eq!(whole.now(), sliced.now());
    }
}

/// Each read says whether more will come.
#[test]
fn a_read_tells_the_end_from_nothing_and_from_a_reset() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    events_until(&mut net, after(1));
    let peer = connection.peer();
    assert_eq!(net.read(peer, 9), Read::Pending);
    net.write(connection, Bytes::from_static(b"end")).unwrap();
    net.finish(connection);
    events_until(&mut net, after(2));
    assert_eq!((net.read(peer, 0), net.at_end(peer)), (Read::Pending, false));
    assert_eq!((net.read(peer, 9), net.at_end(peer)), (Read::Bytes(Bytes::from_static(b"end")), true));
    assert_eq!((net.read(peer, 9), net.read(peer, 0)), (Read::End, Read::End));
    net.abort(peer);
    assert_eq!((net.read(peer, 9), net.at_end(peer)), (Read::Over, true));
    events_until(&mut net, after(3));
    assert_eq!(net.read(connection, 9), Read::Over, "it was reset");
}

#[test]
fn a_port_that_is_closed_again_refuses_and_keeps_its_connections() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    let first = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    events_until(&mut net, after(1));
    let embryonic = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    events_until(&mut net, after(1) + SimDuration::from_micros(1_500));
    assert_eq!(net.state(embryonic.peer()), Some(State::SynReceived));
    assert_eq!((net.unlisten(hosts[1], PORT), net.unlisten(hosts[1], PORT)), (Ok(true), Ok(false)));
    let late = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    let endings: Vec<_> = events_until(&mut net, after(2)).into_iter().filter_map(|(_, event)| ending_of(Some(event))).collect();
    assert_eq!(endings, [(late, CloseReason::Refused), (embryonic, CloseReason::Reset)]);
    assert_eq!(net.state(first.peer()), Some(State::Established));
}

/// RFC 1122 §4.1.3.1 without ICMP: the datagram is dropped and counted.
#[test]
fn a_datagram_to_a_closed_port_is_dropped() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let other = Endpoint { port: 9, ..port_of(hosts[1]) };
    net.send_datagram(port_of(hosts[0]), other, Bytes::from_static(b"?")).unwrap();
    assert!(events_until(&mut net, after(1)).is_empty());
    assert_eq!(net.host_stats(hosts[0]).unwrap().dropped[DropCause::PortClosed], 1);
    net.bind(other).unwrap();
    net.send_datagram(port_of(hosts[0]), other, Bytes::from_static(b"!")).unwrap();
    assert!(matches!(events_until(&mut net, after(2))[..], [(_, NetEvent::Datagram { to, .. })] if to == other));
    assert_eq!((net.unbind(other), net.unbind(other)), (Ok(true), Ok(false)));
    net.set_condition(hosts[1], Condition::Refusing).unwrap();
    net.send_datagram(port_of(hosts[0]), port_of(hosts[1]), Bytes::from_static(b"?")).unwrap();
    assert!(events_until(&mut net, after(3)).is_empty());
    assert_eq!(net.host_stats(hosts[0]).unwrap().dropped[DropCause::PortClosed], 2);
    assert!(net.sockets.is_empty());
    assert_conserved(&net);
}

/// The ends of a connection, their hosts and the wire count alike what is sent again, be it a SYN, a SYN-ACK, payload or a FIN.
#[test]
fn what_is_sent_again_is_counted_alike() {
    let lossy = HostConfig::symmetric("1Mbit/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::from_percent(35));
    let mut kinds = std::collections::HashSet::new();
    for seed in 0..20 {
        let (mut net, hosts) = network(seed, 2, &lossy);
        net.watch_wire(Some(100_000));
        net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
        let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
        net.write(connection, pattern(3_000, seed)).unwrap();
        net.close(connection);
        // The end that has closed stays until the other one closes too.
        while net.handle_timeout(SimTime::ZERO + SimDuration::from_secs(20)) {
            while net.poll_event().is_some() {}
        }
        let again: Vec<PacketRecord> =
            net.wire(usize::MAX).records.into_iter().filter(|record| record.is_retransmission && !record.is_copy).collect();
        kinds.extend(again.iter().map(|record| record.kind));
        for (host, end) in [(hosts[0], connection), (hosts[1], connection.peer())] {
            let address = net.address(host).unwrap();
            let count = again.iter().filter(|record| *record.from.ip() == address).count() as u64;
            assert_eq!(net.host_stats(host).unwrap().retransmits, count, "{seed}");
            assert!(
                net.connection_stats(end).is_none_or(|stats| stats.retransmits == count),
                "{seed}: {:?}",
                net.connection_stats(end)
            );
        }
    }
    assert!(
        [PacketKind::Syn, PacketKind::SynAck, PacketKind::Data, PacketKind::Fin].iter().all(|kind| kinds.contains(kind)),
        "{kinds:?}"
    );
}
