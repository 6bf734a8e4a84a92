//! Faults of paths, links and hosts, while packets are in flight.

use super::*;

/// Sends `count` numbered datagrams of 100 bytes on the wire, one every millisecond from now on, and returns the number and the
/// instant of each that arrives.
fn datagrams(net: &mut Network, from: HostId, to: HostId, count: u8) -> Vec<(u8, SimTime)> {
    let (mut arrivals, start) = (Vec::new(), net.now());
    for number in 0..count {
        let mut payload = [0; 72];
        payload[0] = number;
        net.send_datagram(port_of(from), port_of(to), Bytes::copy_from_slice(&payload)).unwrap();
        let until = start + SimDuration::from_millis(u64::from(number) + 1);
        arrivals.extend(arrivals_until(net, until));
    }
    arrivals.extend(arrivals_until(net, SimTime::MAX));
    arrivals
}

/// Sends a datagram of 100 bytes on the wire with this number.
fn send_number(net: &mut Network, from: HostId, to: HostId, number: u8) {
    assert!(net.send_datagram(port_of(from), port_of(to), Bytes::from(vec![number; 72])).unwrap());
}

fn arrivals_until(net: &mut Network, until: SimTime) -> Vec<(u8, SimTime)> {
    let mut arrivals = Vec::new();
    while net.handle_timeout(until) {
        while let Some(event) = net.poll_event() {
            if let NetEvent::Datagram { payload, .. } = event {
                arrivals.push((payload[0], net.now()));
            }
        }
    }
    arrivals
}

fn numbers(arrivals: &[(u8, SimTime)]) -> Vec<u8> {
    arrivals.iter().map(|&(number, _)| number).collect()
}

fn changed(net: &mut Network, from: HostId, to: HostId, change: impl FnOnce(&mut PathConfig)) {
    let mut config = net.path_config(from, to).unwrap();
    change(&mut config);
    net.set_path(from, to, config).unwrap();
}

#[test]
fn a_path_is_one_way_and_goes_back_to_what_its_hosts_imply() {
    let (mut net, hosts) = network(1, 3, &quick_link());
    let (a, b) = (hosts[0], hosts[1]);
    let implied = net.path_config(a, b).unwrap();
    changed(&mut net, a, b, |path| path.cut = true);
    assert!(datagrams(&mut net, a, b, 3).is_empty());
    assert_eq!(net.host_stats(a).unwrap().dropped[DropCause::Cut], 3);
    assert_eq!(numbers(&datagrams(&mut net, b, a, 3)), [0, 1, 2]);
    assert_eq!(numbers(&datagrams(&mut net, a, hosts[2], 3)), [0, 1, 2]);
    let slow = HostConfig { delay: "50ms".parse().unwrap(), ..quick_link() };
    net.reconfigure(a, &slow).unwrap();
    assert!(net.path_config(a, b).unwrap().cut, "a path that was set does not follow its hosts");
    assert_eq!(net.path_config(b, a).unwrap().delay, slow.delay);
    net.reset_path(a, b).unwrap();
    assert_eq!(net.path_config(a, b), Ok(PathConfig { delay: slow.delay, ..implied }));
    net.reconfigure(a, &quick_link()).unwrap();
    assert_eq!(net.path_config(a, b), Ok(implied), "a path that was reset follows its hosts again");
    assert_conserved(&net);
}

/// A cut and another delay meet the packets that follow; those in flight arrive when they were to.
#[test]
fn packets_in_flight_keep_their_instants() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let (a, b) = (hosts[0], hosts[1]);
    changed(&mut net, a, b, |path| path.delay = "100ms".parse().unwrap());
    net.send_datagram(port_of(a), port_of(b), Bytes::from_static(&[1; 72])).unwrap();
    changed(&mut net, a, b, |path| path.cut = true);
    net.send_datagram(port_of(a), port_of(b), Bytes::from_static(&[2; 72])).unwrap();
    changed(&mut net, a, b, |path| (path.cut, path.delay) = (false, "1ms".parse().unwrap()));
    net.send_datagram(port_of(a), port_of(b), Bytes::from_static(&[3; 72])).unwrap();
    let arrivals = arrivals_until(&mut net, SimTime::MAX);
    // 100 bytes at 100 Mbit/s up and down; the third is sent behind the second, which the path has lost.
    assert_eq!(arrivals, [(3, SimTime::from_nanos(1_000_000 + 4 * 8_000)), (1, SimTime::from_nanos(100_000_000 + 2 * 8_000))]);
    let stats = net.host_stats(a).unwrap();
    assert_eq!((stats.dropped.total(), stats.reordered), (1, 1));
}

/// Nobody waits for a packet that a longer delay holds up, not even if that lasts for ever, and however the delay ends.
#[test]
fn a_delay_ends_when_it_is_taken_back() {
    let delays: [DelayRange; 2] = ["10h".parse().unwrap(), DelayRange::fixed(SimDuration::from_nanos(u64::MAX))];
    for (delay, resets) in delays.into_iter().flat_map(|delay| [(delay, true), (delay, false)]) {
        let (mut net, hosts) = network(1, 2, &quick_link());
        let (a, b) = (hosts[0], hosts[1]);
        let sound = net.path_config(a, b).unwrap();
        changed(&mut net, a, b, |path| path.delay = delay);
        let until = SimTime::ZERO + SimDuration::from_secs(1);
        net.send_datagram(port_of(a), port_of(b), Bytes::from_static(&[9; 72])).unwrap();
        assert!(arrivals_until(&mut net, until).is_empty());
        if resets {
            net.reset_path(a, b).unwrap()
        } else {
            net.set_path(a, b, sound).unwrap()
        }
        let arrivals = datagrams(&mut net, a, b, 3);
        let at = |ms: u64| until + SimDuration::from_nanos(1_000_000 * (ms + 1) + 2 * 8_000);
        assert_eq!(arrivals[..3], [(0, at(0)), (1, at(1)), (2, at(2))]);
        assert_eq!(net.host_stats(a).unwrap().reordered, 3);
        let is_late = arrivals.len() == 4 && arrivals[3].1 == SimTime::from_nanos(36_000_000_000_000 + 2 * 8_000);
        assert!(if delay == delays[0] { is_late } else { arrivals.len() == 3 && net.in_transit().0 == 1 });
        assert_conserved(&net);
    }
}

/// Several delays that become shorter, one after the other, and a host that goes down: each packet arrives at its instant, or is lost
/// with its host.
#[test]
fn packets_that_are_overtaken_arrive_at_their_instants() {
    let slow = HostConfig::symmetric("80kbit/s".parse().unwrap(), "1ms".parse().unwrap(), Probability::NEVER);
    for dies in [false, true] {
        let (mut net, hosts) = network(1, 2, &slow);
        let (a, b) = (hosts[0], hosts[1]);
        net.set_link(b, Direction::Down, quick_link().down).unwrap();
        // Each takes 10 ms to leave, and those of one delay leave in a row.
        for (number, delay) in (0u8..).zip(["900ms", "900ms", "500ms", "500ms", "990ms", "20ms", "5ms"]) {
            changed(&mut net, a, b, |path| path.delay = delay.parse().unwrap());
            net.send_datagram(port_of(a), port_of(b), Bytes::from(vec![number; 72])).unwrap();
        }
        let mut arrivals = arrivals_until(&mut net, SimTime::from_nanos(25_000_000));
        if dies {
            net.set_condition(a, Condition::Down).unwrap();
        }
        arrivals.extend(arrivals_until(&mut net, SimTime::MAX));
        let at = |ms: u64| SimTime::from_nanos(ms * 1_000_000 + 8_000);
        let all = [(6, at(75)), (5, at(80)), (2, at(530)), (3, at(540)), (0, at(910)), (1, at(920)), (4, at(1_040))];
        let left: Vec<(u8, SimTime)> = all.into_iter().filter(|&(number, _)| !dies || number < 2).collect();
        assert_eq!(arrivals, left);
        assert_eq!(net.host_stats(a).unwrap().reordered, 4);
        assert!(net.sockets.is_empty());
        assert_conserved(&net);
    }
}

/// The next of those that are overtaken never leaves its host, and those behind it arrive all the same.
#[test]
fn an_overtaken_packet_arrives_behind_one_that_was_lost_with_its_host() {
    let slow = HostConfig::symmetric("80kbit/s".parse().unwrap(), "1ms".parse().unwrap(), Probability::NEVER);
    let (mut net, hosts) = network(1, 2, &slow);
    let (a, b) = (hosts[0], hosts[1]);
    net.set_link(b, Direction::Down, quick_link().down).unwrap();
    for (number, (delay, len)) in (0u8..).zip([("40ms", 72), ("180ms", 72), ("70ms", 972)]) {
        changed(&mut net, a, b, |path| path.delay = delay.parse().unwrap());
        net.send_datagram(port_of(a), port_of(b), Bytes::from(vec![number; len])).unwrap();
    }
    changed(&mut net, a, b, |path| path.delay = "1ms".parse().unwrap());
    let mut arrivals = arrivals_until(&mut net, SimTime::from_nanos(60_000_000));
    net.set_condition(a, Condition::Down).unwrap();
    arrivals.extend(arrivals_until(&mut net, SimTime::MAX));
    let at = |ms: u64| SimTime::from_nanos(ms * 1_000_000 + 8_000);
    assert_eq!(arrivals, [(0, at(50)), (1, at(200))]);
    assert!(net.sockets.is_empty());
    assert_conserved(&net);
}

/// A packet that skips the delay overtakes one that is delayed, and nobody where nothing is delayed.
#[test]
fn a_packet_that_overtakes_nobody_is_not_counted() {
    for (delay, reordered) in [("0ms", 0), ("1ms", 0), ("2500us", 2)] {
        let (mut net, hosts) = network(2, 2, &quick_link());
        let delay = delay.parse().unwrap();
        changed(&mut net, hosts[0], hosts[1], |path| path.delay = delay);
        datagrams(&mut net, hosts[0], hosts[1], 1);
        for early in [false, true, true, true, true] {
            changed(&mut net, hosts[0], hosts[1], |path| {
                path.reorder = if early { Probability::ALWAYS } else { Probability::NEVER };
            });
            net.send_datagram(port_of(hosts[0]), port_of(hosts[1]), Bytes::from_static(&[1; 72])).unwrap();
            let until = net.now() + SimDuration::from_millis(1);
            arrivals_until(&mut net, until);
        }
        assert_eq!(net.host_stats(hosts[0]).unwrap().reordered, reordered, "{delay}");
    }
}

/// A change of another fault or of a link ends no burst.
#[test]
fn a_burst_outlasts_other_changes() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let (a, b) = (hosts[0], hosts[1]);
    let forever = Loss::Bursts(GilbertElliott::simple(Probability::ALWAYS, Probability::NEVER));
    changed(&mut net, a, b, |path| path.loss = forever);
    assert_eq!(numbers(&datagrams(&mut net, a, b, 3)), [0], "the first packet meets the good state, and leaves the bad one");
    changed(&mut net, a, b, |path| path.corrupt = Probability::from_percent(1));
    net.set_link(a, Direction::Up, LinkConfig { queue_packets: 7, ..quick_link().up }).unwrap();
    net.reconfigure(a, &HostConfig { delay: "7ms".parse().unwrap(), ..quick_link() }).unwrap();
    let implied = net.implied_path(a, b).unwrap();
    assert_eq!(implied, PathConfig::new("7ms".parse().unwrap(), Probability::NEVER));
    net.set_path(a, b, PathConfig { loss: forever, ..implied }).unwrap();
    assert!(datagrams(&mut net, a, b, 3).is_empty(), "the burst goes on");
    net.reset_path(a, b).unwrap();
    assert_eq!(net.path_config(a, b), Ok(implied));
    net.set_path(a, b, PathConfig { loss: forever, ..implied }).unwrap();
    assert_eq!(numbers(&datagrams(&mut net, a, b, 3)), [0], "a new one begins in the good state");
}

#[test]
fn a_copy_arrives_beside_its_original() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    changed(&mut net, hosts[0], hosts[1], |path| path.duplicate = Probability::ALWAYS);
    let arrivals = datagrams(&mut net, hosts[0], hosts[1], 3);
    assert_eq!(numbers(&arrivals), [0, 0, 1, 1, 2, 2]);
    assert_eq!(arrivals[1].1 - arrivals[0].1, SimDuration::from_nanos(8_000), "both cross the downlink");
    let stats = net.total_stats();
    assert_eq!((stats.sent.total(), stats.duplicated, stats.bytes_duplicated, stats.received.total()), (3, 3, 300, 6));
    assert!(net.sockets.is_empty());
    assert_conserved(&net);
}

/// Loss and copies are as frequent as `tc netem loss gemodel p r 1-h 1-k` and `duplicate d` make them: of the packets that are lost,
/// those that are duplicated as well arrive once (`netem_enqueue`), and each copy meets the loss by itself.
#[test]
fn losses_and_copies_are_as_frequent_as_netem_makes_them() {
    const PACKETS: u64 = 40_000;
    let parsed = |text: &str| text.parse::<Probability>().unwrap();
    let model = GilbertElliott { p: parsed("5%"), r: parsed("25%"), loss_in_bad: parsed("80%"), loss_in_good: parsed("1%") };
    // (p (1-h) + r (1-k)) / (p + r)
    let mean = (0.05 * 0.8 + 0.25 * 0.01) / 0.30;
    for (loss, lost, copied) in [(Loss::Bursts(model), mean, 0.0), (Loss::Independent(parsed("20%")), 0.2, 0.3)] {
        let (mut net, hosts) = network(4, 2, &quick_link());
        changed(&mut net, hosts[0], hosts[1], |path| {
            (path.loss, path.duplicate) = (loss, Probability::from_percent((copied * 100.0_f64) as u32))
        });
        let mut arrivals = 0;
        for number in 1..=PACKETS {
            net.send_datagram(port_of(hosts[0]), port_of(hosts[1]), Bytes::from_static(&[0; 72])).unwrap();
            arrivals += arrivals_until(&mut net, SimTime::from_nanos(number * 100_000)).len() as u64;
        }
        arrivals += arrivals_until(&mut net, SimTime::MAX).len() as u64;
        let stats = net.host_stats(hosts[0]).unwrap();
        let (copies, drops) = (stats.duplicated, stats.dropped[DropCause::Loss]);
        assert_eq!((stats.sent.total(), arrivals), (PACKETS, PACKETS + copies - drops));
        assert_eq!(stats.bytes_duplicated, 100 * copies);
        let near = |what: &str, count: u64, share: f64| {
            let expected = share * PACKETS as f64;
            assert!((count as f64 - expected).abs() <= 0.05 * expected, "{what}: {count} for {expected}");
        };
        near("copies", copies, copied * (1.0 - lost));
        near("losses", drops, lost * (1.0 - copied) + lost * copied * (1.0 - lost));
        assert_conserved(&net);
    }
}

#[test]
fn a_corrupt_packet_ends_at_the_receivers_checksum() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    changed(&mut net, hosts[0], hosts[1], |path| path.corrupt = Probability::ALWAYS);
    net.send_datagram(port_of(hosts[0]), port_of(hosts[1]), Bytes::from_static(b"ping")).unwrap();
    assert_eq!(net.in_transit(), (1, 32));
    assert!(arrivals_until(&mut net, SimTime::MAX).is_empty());
    assert_eq!(net.host_stats(hosts[0]).unwrap().dropped[DropCause::Corrupt], 1);
    assert_eq!(net.link_bytes(hosts[1]).unwrap().1, 32, "it has used the downlink");
    assert!(net.sockets.is_empty());
    assert_conserved(&net);
}

#[test]
fn a_reordered_packet_skips_the_delay() {
    let (mut net, hosts) = network(2, 2, &quick_link());
    changed(&mut net, hosts[0], hosts[1], |path| {
        (path.delay, path.reorder) = ("10ms".parse().unwrap(), Probability::from_percent(25));
    });
    let start = net.now();
    let arrivals = datagrams(&mut net, hosts[0], hosts[1], 200);
    let mut sorted = numbers(&arrivals);
    assert!(!sorted.is_sorted());
    sorted.sort_unstable();
    assert_eq!(sorted, (0..200).collect::<Vec<_>>());
    let early = |&&(number, at): &&(u8, SimTime)| at - start < SimDuration::from_millis(u64::from(number) + 10);
    let early = arrivals.iter().filter(early).count() as u64;
    assert_eq!(early, net.host_stats(hosts[0]).unwrap().reordered);
    assert!((35..=65).contains(&early), "{early} of 200 at 25 %");
    assert_conserved(&net);
}

#[test]
fn each_direction_of_a_link_has_its_rate_and_queue() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let (a, b) = (hosts[0], hosts[1]);
    let narrow = LinkConfig { bandwidth: Bandwidth::from_bits_per_second(8_000), queue_packets: 1 };
    net.set_link(a, Direction::Up, narrow).unwrap();
    assert_eq!((net.link_config(a, Direction::Up), net.host_config(a).unwrap().up), (Ok(narrow), narrow));
    assert_eq!(net.link_config(a, Direction::Down), Ok(quick_link().down));
    for number in 0..3 {
        net.send_datagram(port_of(a), port_of(b), Bytes::from(vec![number; 72])).unwrap();
    }
    let arrivals = arrivals_until(&mut net, SimTime::MAX);
    assert_eq!(numbers(&arrivals), [0, 1], "one is sent, one waits, one finds the queue full");
    assert_eq!(net.host_stats(a).unwrap().dropped[DropCause::QueueFull], 1);
    // 100 bytes at 1,000 bytes/s each, a millisecond, and 100 bytes at 100 Mbit/s.
    assert_eq!(arrivals[1].1, SimTime::from_nanos(200_000_000 + 1_000_000 + 8_000));
}

/// What stands in the queue of an uplink when its rate changes, in the middle of the second packet, arrives as if it had been sent at
/// the new one, copies and what skips the delay included, and is followed by what is sent later.
#[test]
fn what_an_uplink_has_not_sent_follows_its_rate() {
    let slow = HostConfig::symmetric("80kbit/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::NEVER);
    for (rate, sent_at) in
        [("800kbit/s", [10_000, 15_500, 16_500, 17_500, 18_500]), ("8kbit/s", [10_000, 65_000, 165_000, 265_000, 365_000])]
    {
        let (mut net, hosts) = network(1, 3, &slow);
        let (a, b) = (hosts[0], hosts[1]);
        hosts.iter().for_each(|&to| net.set_link(to, Direction::Down, quick_link().down).unwrap());
        changed(&mut net, a, b, |path| path.duplicate = Probability::ALWAYS);
        let send = |net: &mut Network, number, to| send_number(net, a, to, number);
        [(0, b), (1, b), (2, hosts[2])].into_iter().for_each(|(number, to)| send(&mut net, number, to));
        changed(&mut net, a, b, |path| path.reorder = Probability::ALWAYS);
        send(&mut net, 3, b);
        let mut arrivals = arrivals_until(&mut net, SimTime::from_nanos(15_000_000));
        let up = LinkConfig { bandwidth: rate.parse().unwrap(), ..slow.up };
        net.set_link(a, Direction::Up, up).unwrap();
        send(&mut net, 4, hosts[2]);
        arrivals.extend(arrivals_until(&mut net, SimTime::MAX));
        let at = |number: usize, after_us: u64| (number as u8, SimTime::from_nanos(1_000 * (sent_at[number] + after_us) + 8_000));
        let copy = |(number, at): (u8, SimTime)| (number, at + SimDuration::from_nanos(8_000));
        let mut expected = vec![at(0, 5_000), copy(at(0, 5_000)), at(1, 5_000), copy(at(1, 5_000)), at(2, 5_000)];
        expected.extend([at(3, 0), copy(at(3, 0)), at(4, 5_000)]);
        expected.sort_by_key(|&(_, at)| at);
        assert_eq!(arrivals, expected, "{rate}");
        assert!(net.sockets.is_empty());
        assert_conserved(&net);
    }
}

/// So does what stands in the queue of a downlink, and the host takes it up in its order.
#[test]
fn what_a_downlink_has_not_sent_follows_its_rate() {
    for (rate, taken_at) in [("800kbit/s", [10_000, 15_500, 16_500, 17_500]), ("8kbit/s", [10_000, 65_000, 165_000, 265_000])] {
        let (mut net, hosts) =
            network(1, 2, &HostConfig::symmetric(Bandwidth::UNLIMITED, "5ms".parse().unwrap(), Probability::NEVER));
        net.set_host_time(DelayRange::fixed(SimDuration::from_micros(50)));
        let down = |rate: &str| LinkConfig { bandwidth: rate.parse().unwrap(), queue_packets: 100 };
        net.set_link(hosts[1], Direction::Down, down("80kbit/s")).unwrap();
        let send = |net: &mut Network, number| send_number(net, hosts[0], hosts[1], number);
        (0..3).for_each(|number| send(&mut net, number));
        let mut arrivals = arrivals_until(&mut net, SimTime::from_nanos(20_000_000 - 5_000_000));
        send(&mut net, 3);
        arrivals.extend(arrivals_until(&mut net, SimTime::from_nanos(20_000_000)));
        net.set_link(hosts[1], Direction::Down, down(rate)).unwrap();
        arrivals.extend(arrivals_until(&mut net, SimTime::MAX));
        let expected = (0u8..).zip(taken_at.map(|us| SimTime::from_nanos(1_000 * (5_000 + us + 50))));
        assert_eq!(arrivals, expected.collect::<Vec<_>>(), "{rate}");
        assert!(net.sockets.is_empty());
        assert_conserved(&net);
    }
}

/// A delay that became shorter while a slow link had a backlog: neither what is overtaken nor what comes later waits for the end that the
/// backlog had.
#[test]
fn no_packet_waits_for_a_backlog_that_is_gone() {
    let slow = HostConfig::symmetric("8kbit/s".parse().unwrap(), "50ms".parse().unwrap(), Probability::NEVER);
    let (mut net, hosts) = network(1, 2, &slow);
    let (a, b) = (hosts[0], hosts[1]);
    net.set_link(b, Direction::Down, quick_link().down).unwrap();
    let send = |net: &mut Network, number| send_number(net, a, b, number);
    (0..2).for_each(|number| send(&mut net, number));
    changed(&mut net, a, b, |path| path.delay = "1ms".parse().unwrap());
    (2..4).for_each(|number| send(&mut net, number));
    net.set_link(a, Direction::Up, LinkConfig { bandwidth: "80kbit/s".parse().unwrap(), queue_packets: 100 }).unwrap();
    send(&mut net, 4);
    let at = |ms: u64| SimTime::from_nanos(ms * 1_000_000 + 8_000);
    let expected = [(2, at(31)), (3, at(41)), (4, at(51)), (0, at(60)), (1, at(70))];
    assert_eq!(arrivals_until(&mut net, SimTime::MAX), expected);
    assert!(net.sockets.is_empty());
}

#[test]
fn an_unknown_host_is_an_error() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    let (mut larger, _) = network(1, 9, &quick_link());
    let foreign = larger.add_host(Ipv4Addr::new(10, 9, 9, 9), &quick_link());
    let unknown = UnknownHost { host: foreign, hosts: 2 };
    let path = net.path_config(hosts[0], hosts[1]).unwrap();
    assert_eq!(net.set_path(hosts[0], foreign, path), Err(unknown));
    assert_eq!(net.set_path(foreign, hosts[0], path), Err(unknown));
    assert_eq!(net.path_config(foreign, hosts[0]), Err(unknown));
    assert_eq!(net.reset_path(hosts[0], foreign), Err(unknown));
    assert_eq!(net.set_link(foreign, Direction::Up, quick_link().up), Err(unknown));
    assert_eq!(net.link_config(foreign, Direction::Down), Err(unknown));
    assert_eq!(net.set_condition(foreign, Condition::Down), Err(unknown));
    assert_eq!(net.condition(foreign), Err(unknown));
    assert_eq!(net.reconfigure(foreign, &quick_link()), Err(unknown));
    assert_eq!(net.listen(foreign, PORT, TcpConfig::default()), Err(unknown));
    assert_eq!(net.unlisten(foreign, PORT), Err(unknown));
    assert_eq!(net.connect(hosts[0], foreign, PORT, TcpConfig::default()), Err(unknown));
    assert_eq!(net.connect(foreign, hosts[0], PORT, TcpConfig::default()), Err(unknown));
    assert_eq!(net.send_datagram(port_of(hosts[0]), port_of(foreign), Bytes::new()), Err(unknown));
    assert_eq!((net.bind(port_of(foreign)), net.unbind(port_of(foreign))), (Err(unknown), Err(unknown)));
    assert_eq!((net.address(foreign), net.host_config(foreign)), (Err(unknown), Err(unknown)));
    assert_eq!((net.link_bytes(foreign), net.queues(foreign)), (Err(unknown), Err(unknown)));
    assert_eq!((net.host_stats(foreign), net.link_series(foreign, 1)), (Err(unknown), Err(unknown)));
    assert_eq!(net.connections_of(foreign).count(), 0);
    assert_eq!(unknown.to_string(), "the network has no host 9; it has 2");
}

/// What a host has not finished sending is lost with it; what has left it arrives.
#[test]
fn a_host_that_goes_down_takes_its_queue_with_it() {
    let slow = HostConfig::symmetric("80kbit/s".parse().unwrap(), "1s".parse().unwrap(), Probability::NEVER);
    let (mut net, hosts) = network(1, 3, &slow);
    // Each takes 10 ms: at 25 ms two have left, one is being sent, and three wait.
    for number in 0..6 {
        net.send_datagram(port_of(hosts[0]), port_of(hosts[1 + usize::from(number % 2)]), Bytes::from(vec![number; 72])).unwrap();
    }
    assert!(arrivals_until(&mut net, SimTime::from_nanos(25_000_000)).is_empty());
    net.set_condition(hosts[0], Condition::Down).unwrap();
    assert_eq!(net.host_stats(hosts[0]).unwrap().dropped[DropCause::HostDown], 4);
    assert_eq!(net.link_bytes(hosts[0]).unwrap().0, 250, "half of the third had left");
    net.send_datagram(port_of(hosts[0]), port_of(hosts[1]), Bytes::from_static(&[9; 72])).unwrap();
    net.set_condition(hosts[0], Condition::Up).unwrap();
    net.send_datagram(port_of(hosts[0]), port_of(hosts[1]), Bytes::from_static(&[7; 72])).unwrap();
    let arrivals = arrivals_until(&mut net, SimTime::MAX);
    let millis = |ms: u64| SimTime::ZERO + SimDuration::from_millis(ms);
    assert_eq!(arrivals, [(0, millis(1_020)), (1, millis(1_030)), (7, millis(1_045))]);
    assert!(net.sockets.is_empty());
    assert_conserved(&net);
}

/// A host that lost its state answers a repeated SYN like a first one.
#[test]
fn a_handshake_survives_the_restart_of_the_host_that_it_asks() {
    let (mut net, hosts) = network(1, 2, &quick_link());
    net.listen(hosts[1], PORT, TcpConfig::default()).unwrap();
    changed(&mut net, hosts[1], hosts[0], |path| path.cut = true);
    let connection = net.connect(hosts[0], hosts[1], PORT, TcpConfig::default()).unwrap();
    assert!(events_until(&mut net, SimTime::from_nanos(500_000_000)).is_empty());
    assert_eq!(net.state(connection.peer()), Some(State::SynReceived));
    net.set_condition(hosts[1], Condition::Down).unwrap();
    net.set_condition(hosts[1], Condition::Up).unwrap();
    net.reset_path(hosts[1], hosts[0]).unwrap();
    let events = events_until(&mut net, after(3));
    assert_eq!(events[0].1, NetEvent::Connected { connection });
    assert_eq!(net.state(connection.peer()), Some(State::Established));
}

/// Whatever a host's connections are doing when it restarts, they are over on both sides soon after their peers speak.
#[test]
fn a_restart_ends_connections_in_every_state() {
    for cut_at_ms in (0..6_000).step_by(37) {
        let (mut net, hosts) = network(3, 2, &default_link());
        let config = TcpConfig { user_timeout: SimDuration::from_secs(20), ..TcpConfig::default() };
        net.listen(hosts[1], PORT, config).unwrap();
        let connection = net.connect(hosts[0], hosts[1], PORT, config).unwrap();
        net.write(connection, pattern(150_000, 1)).unwrap();
        net.close(connection);
        let until = SimTime::ZERO + SimDuration::from_millis(cut_at_ms);
        drain(&mut net, until);
        net.set_condition(hosts[1], Condition::Down).unwrap();
        assert_eq!(net.connections_of(hosts[1]).count(), 0);
        drain(&mut net, until + SimDuration::from_millis(300));
        net.set_condition(hosts[1], Condition::Up).unwrap();
        drain(&mut net, SimTime::MAX);
        assert!(net.sockets.is_empty(), "cut at {cut_at_ms} ms");
        assert_conserved(&net);
    }
}

/// Reads and closes whatever there is, as a well-behaved application does.
fn drain(net: &mut Network, until: SimTime) {
    while net.handle_timeout(until) {
        let Some(NetEvent::Readable { connection }) = net.poll_event() else { continue };
        while let Read::Bytes(_) = net.read(connection, usize::MAX) {}
        if net.at_end(connection) {
            net.close(connection);
        }
    }
}

/// A run in which faults are configured but off is the run without them.
#[test]
fn a_fault_that_is_off_changes_no_run() {
    let run = |set: bool| {
        let (mut net, hosts) = network(7, 2, &default_link());
        if set {
            for (from, to) in [(hosts[0], hosts[1]), (hosts[1], hosts[0])] {
                let path = net.path_config(from, to).unwrap();
                net.set_path(from, to, PathConfig { corrupt: Probability::ALWAYS, ..path }).unwrap();
                net.set_path(from, to, path).unwrap();
            }
        }
        transfer(&mut net, hosts[0], hosts[1], &pattern(100_000, 1));
        net.trace_hash()
    };
    assert_eq!(run(false), run(true));
}
