//! Connections of a host to itself.

use super::*;

/// What a host sends itself crosses no link, whatever is wrong with its links and paths, is in no capture, and takes the time of the
/// loopback.
#[test]
fn a_host_reaches_itself_over_no_link() {
    let (mut net, hosts) = network(1, 2, &default_link());
    let (host, other) = (hosts[0], hosts[1]);
    net.watch_wire(Some(10));
    net.set_path(host, other, PathConfig { cut: true, ..net.path_config(host, other).unwrap() }).unwrap();
    let payload = pattern(1 << 20, 3);
    let (got, endings) = transfer(&mut net, host, host, &payload);
    assert_eq!((got.len(), endings.len()), (payload.len(), 2));
    assert!(got == payload);
    assert_eq!((net.link_bytes(host).unwrap(), net.wire(10).seen), ((0, 0), 0));
    assert_eq!(net.path_config(host, host).unwrap().delay, DelayRange::fixed(LOOPBACK_DELAY));
    let stats = net.host_stats(host).unwrap();
    assert_eq!((stats.bytes_sent, stats.dropped.total()), (stats.bytes_received, 0));
    assert_eq!(net.in_transit(), (0, 0));
}

/// The handshake is over after one round trip of the loopback, beside a full uplink, and also if the rate of the link changes meanwhile.
#[test]
fn the_loopback_waits_for_no_link() {
    let (mut net, hosts) = network(1, 2, &default_link());
    let host = hosts[0];
    net.listen(host, PORT, TcpConfig::default()).unwrap();
    for _ in 0..50 {
        net.send_datagram(port_of(host), port_of(hosts[1]), pattern(1_000, 1)).unwrap();
    }
    let own = net.connect(host, host, PORT, TcpConfig::default()).unwrap();
    let slower =
        LinkConfig { bandwidth: Bandwidth::from_bits_per_second(1_000), ..net.link_config(host, Direction::Up).unwrap() };
    net.set_link(host, Direction::Up, slower).unwrap();
    let connected = loop {
        assert!(net.handle_timeout(SimTime::MAX));
        if let Some(NetEvent::Connected { connection }) = net.poll_event() {
            break connection;
        }
    };
    assert_eq!((connected, net.now()), (own, SimTime::ZERO + LOOPBACK_DELAY * 2));
}

/// A host that goes down takes its connection to itself with it, without a word.
#[test]
fn a_host_that_goes_down_loses_itself() {
    let (mut net, hosts) = network(1, 1, &quick_link());
    let host = hosts[0];
    net.listen(host, PORT, TcpConfig::default()).unwrap();
    let own = net.connect(host, host, PORT, TcpConfig::default()).unwrap();
    net.set_condition(host, Condition::Down).unwrap();
    assert!(!net.handle_timeout(SimTime::MAX));
    assert_eq!((net.state(own), net.in_transit()), (None, (0, 0)));
}
