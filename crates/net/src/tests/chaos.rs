//! Random faults at random instants, while connections carry data: whatever happens, bytes arrive in order or the connection ends,
//! every packet is counted once, and the same seed gives the same run.

use p2p_base::units::ByteSize;

use super::*;

/// A change of the network at an instant.
#[derive(Debug, Clone, Copy)]
enum Change {
    Path(u8, u8, PathConfig),
    ResetPath(u8, u8),
    Link(u8, Direction, LinkConfig),
    Condition(u8, Condition),
}

const HOSTS: u8 = 3;

fn arb_probability() -> impl Strategy<Value = Probability> {
    prop_oneof![2 => Just(Probability::NEVER), 2 => (0u32..30).prop_map(Probability::from_percent), 1 => Just(Probability::ALWAYS)]
}

fn arb_loss() -> impl Strategy<Value = Loss> {
    let bursts = (arb_probability(), arb_probability(), arb_probability(), arb_probability())
        .prop_map(|(p, r, loss_in_bad, loss_in_good)| Loss::Bursts(GilbertElliott { p, r, loss_in_bad, loss_in_good }));
    prop_oneof![Just(Loss::NONE), (0u32..20).prop_map(|percent| Loss::Independent(Probability::from_percent(percent))), bursts]
}

fn arb_path() -> impl Strategy<Value = PathConfig> {
    // Up to 300 ms, or for up to ten minutes, which nobody waits for after the delay is taken back.
    let longest = prop_oneof![4 => Just(300u64), 1 => 1_000u64..600_000];
    let delay = longest.prop_flat_map(|longest| (0..longest, 0..longest)).prop_map(|(one, other)| {
        let (low, high) = (one.min(other), one.max(other));
        DelayRange::between(SimDuration::from_millis(low), SimDuration::from_millis(high))
    });
    let cut = proptest::bool::weighted(0.15);
    (delay, arb_loss(), arb_probability(), arb_probability(), arb_probability(), cut)
        .prop_map(|(delay, loss, duplicate, corrupt, reorder, cut)| PathConfig { delay, loss, duplicate, corrupt, reorder, cut })
}

fn arb_change() -> impl Strategy<Value = Change> {
    let host = || 0..HOSTS;
    let rate = prop_oneof![
        4 => (64_000u64..20_000_000).prop_map(Bandwidth::from_bits_per_second),
        1 => (8u64..8_000).prop_map(Bandwidth::from_bits_per_second),
        1 => Just(Bandwidth::UNLIMITED),
    ];
    let condition = prop_oneof![3 => Just(Condition::Up), 1 => Just(Condition::Refusing), 1 => Just(Condition::Down)];
    prop_oneof![
        4 => (host(), host(), arb_path()).prop_map(|(from, to, path)| Change::Path(from, to, path)),
        2 => (host(), host()).prop_map(|(from, to)| Change::ResetPath(from, to)),
        2 => (host(), any::<bool>(), rate, 0u32..50).prop_map(|(host, up, bandwidth, queue_packets)| {
            let direction = if up { Direction::Up } else { Direction::Down };
            Change::Link(host, direction, LinkConfig { bandwidth, queue_packets })
        }),
        2 => (host(), condition).prop_map(|(host, condition)| Change::Condition(host, condition)),
    ]
}

fn apply(net: &mut Network, hosts: &[HostId], change: Change) {
    let host = |number: u8| hosts[usize::from(number)];
    match change {
        Change::Path(from, to, config) => net.set_path(host(from), host(to), config).unwrap(),
        Change::ResetPath(from, to) => net.reset_path(host(from), host(to)).unwrap(),
        Change::Link(number, direction, config) => net.set_link(host(number), direction, config).unwrap(),
        Change::Condition(number, condition) => net.set_condition(host(number), condition).unwrap(),
    }
}

/// A transfer from the opener to the acceptor of one connection.
struct Transfer {
    connection: ConnectionId,
    payload: Bytes,
    written: usize,
    read: usize,
    /// True once each end, opener and acceptor, is over.
    over: [bool; 2],
}

struct Chaos {
    net: Network,
    hosts: Vec<HostId>,
    transfers: Vec<Transfer>,
    /// Senders and receivers of the datagrams that have arrived, but for those sent while there were faults.
    datagrams: Vec<(HostId, HostId)>,
}

impl Chaos {
    fn start(seed: u64) -> Chaos {
        let (mut net, hosts) = network(seed, HOSTS, &default_link());
        net.set_host_time("20us..100us".parse().unwrap());
        let keepalive = Some(KeepAlive::within(SimDuration::from_secs(20)));
        let config = TcpConfig {
            send_buffer: ByteSize::from_kib(64),
            connect_timeout: SimDuration::from_secs(15),
            user_timeout: SimDuration::from_secs(20),
            keepalive,
            ..TcpConfig::default()
        };
        hosts.iter().for_each(|&host| net.listen(host, PORT, config).unwrap());
        let mut transfers = Vec::new();
        for (number, (from, to)) in [(0, 1), (1, 2), (2, 0), (0, 2), (1, 0)].into_iter().enumerate() {
            let congestion = if number % 2 == 0 { CongestionControl::Cubic } else { CongestionControl::NewReno };
            let connection = net.connect(hosts[from], hosts[to], PORT, TcpConfig { congestion, ..config }).unwrap();
            let payload = pattern(80_000, seed ^ number as u64);
            transfers.push(Transfer { connection, payload, written: 0, read: 0, over: [false; 2] });
        }
        let mut chaos = Chaos { net, hosts, transfers, datagrams: Vec::new() };
        (0..chaos.transfers.len()).for_each(|index| chaos.write(index));
        chaos
    }

    fn run_until(&mut self, until: SimTime) {
        while self.net.handle_timeout(until) {
            while let Some(event) = self.net.poll_event() {
                self.handle(&event);
            }
        }
        assert_conserved(&self.net);
    }

    fn index_of(&self, connection: ConnectionId) -> usize {
        let is_same = |transfer: &Transfer| transfer.connection == connection || transfer.connection == connection.peer();
        self.transfers.iter().position(is_same).unwrap()
    }

    fn handle(&mut self, event: &NetEvent) {
        match *event {
            NetEvent::Connected { connection } | NetEvent::Writable { connection } => self.write(self.index_of(connection)),
            NetEvent::Readable { connection } => self.read(connection),
            NetEvent::Ended { connection, .. } => {
                let index = self.index_of(connection);
                let over = &mut self.transfers[index].over[connection.side() as usize];
                assert!(!std::mem::replace(over, true), "an end ends once");
            }
            NetEvent::Datagram { from, to, ref payload, .. } if payload == "sound" => self.datagrams.push((from.host, to.host)),
            _ => {}
        }
    }

    fn write(&mut self, index: usize) {
        let transfer = &mut self.transfers[index];
        while transfer.written < transfer.payload.len() {
            let end = transfer.payload.len().min(transfer.written + 9_000);
            if self.net.write(transfer.connection, transfer.payload.slice(transfer.written..end)).is_err() {
                return;
            }
            transfer.written = end;
        }
        self.net.close(transfer.connection);
    }

    fn read(&mut self, connection: ConnectionId) {
        let index = self.index_of(connection);
        while let Read::Bytes(bytes) = self.net.read(connection, usize::MAX) {
            let transfer = &mut self.transfers[index];
            assert_eq!(connection.side(), Side::Acceptor);
            assert!(transfer.payload[transfer.read..].starts_with(&bytes), "bytes arrive in order and as they were written");
            transfer.read += bytes.len();
        }
        if self.net.at_end(connection) {
            self.net.close(connection);
        }
    }

    /// Checks that packets take their usual time again as soon as the queues of the links have been sent at the rate that they have now.
    fn assert_sound(&mut self) {
        let queues = self.net.now() + SimDuration::from_millis(50);
        self.run_until(queues);
        let mut expected = Vec::new();
        for (from, to) in self.hosts.iter().flat_map(|&from| self.hosts.iter().map(move |&to| (from, to))) {
            self.net.send_datagram(port_of(from), port_of(to), Bytes::from_static(b"sound")).unwrap();
            expected.push((from, to));
        }
        let soon = queues + SimDuration::from_millis(50);
        self.run_until(soon);
        self.datagrams.sort_unstable();
        assert_eq!(self.datagrams, expected, "each path passes a datagram in its usual time");
    }

    /// Ends all faults, and lets every connection end.
    fn finish(mut self) -> u64 {
        for &host in &self.hosts.clone() {
            self.net.set_condition(host, Condition::Up).unwrap();
            self.net.reconfigure(host, &quick_link()).unwrap();
            self.hosts.clone().iter().for_each(|&to| self.net.reset_path(host, to).unwrap());
        }
        self.assert_sound();
        let end = self.net.now() + SimDuration::from_secs(3_600);
        self.run_until(end);
        for transfer in &self.transfers {
            let number = transfer.connection.number();
            assert_eq!(self.net.state(transfer.connection), None, "connection {number} has ended");
            assert_eq!(self.net.state(transfer.connection.peer()), None, "connection {number} has ended");
        }
        assert!(self.net.sockets.is_empty() && self.net.next_timeout().is_none());
        assert_eq!(self.net.in_transit(), (0, 0));
        self.net.trace_hash().value()
    }
}

fn run(seed: u64, changes: &[(u64, Change)]) -> u64 {
    let mut chaos = Chaos::start(seed);
    for &(gap_ms, change) in changes {
        let until = chaos.net.now() + SimDuration::from_millis(gap_ms);
        chaos.run_until(until);
        apply(&mut chaos.net, &chaos.hosts, change);
        for (from, to) in [(0, 1), (1, 2), (2, 2)] {
            chaos.net.send_datagram(port_of(chaos.hosts[from]), port_of(chaos.hosts[to]), Bytes::from_static(b"ping")).unwrap();
        }
        assert_conserved(&chaos.net);
    }
    chaos.finish()
}

/// Number of random runs: `PROPTEST_CASES`, or 200.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn connections_deliver_or_end_whatever_fails(
        seed: u64, changes in proptest::collection::vec((0u64..4_000, arb_change()), 0..25),
    ) {
        prop_assert_eq!(run(seed, &changes), run(seed, &changes));
    }
}
