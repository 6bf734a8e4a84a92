//! What the virtual wire costs the machine, beside what others say theirs costs.
//!
//! ns-3 is measured beside it by `benches/beside_ns3.sh`, in one run; SimPy takes 1.15 s for 100,000 packets over the simplest
//! link there is, on a machine of the class that the README names.

use std::hint::black_box;
use std::net::Ipv4Addr;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use p2p_base::units::{Bandwidth, ByteSize, DelayRange, Probability, SimDuration, SimTime};
use p2p_net::experiment::Experiment;
use p2p_net::{Endpoint, HostConfig, HostId, LinkConfig, NetEvent, Network, Read, TcpConfig};

const PORT: u16 = 7000;
/// What a host of the crowd sends to each of its neighbours: 64 KiB.
static PIECE: [u8; 65_536] = [0; 65_536];

fn clean(bits_per_second: u64, delay: SimDuration) -> Experiment {
    Experiment {
        bandwidth: Bandwidth::from_bits_per_second(bits_per_second),
        delay: DelayRange::fixed(delay),
        loss: Probability::NEVER,
        ..Experiment::default()
    }
}

/// One flow at 1 Gbit/s. Elements are packets of all kinds, both ways.
fn one_flow(criterion: &mut Criterion) {
    let experiment = Experiment { bytes: ByteSize::from_mib(256), ..clean(1_000_000_000, SimDuration::from_millis(1)) };
    let mut group = criterion.benchmark_group("one flow at 1 Gbit/s");
    group.throughput(Throughput::Elements(experiment.run(1).packets));
    group.sample_size(20);
    group.bench_function("256 MiB", |bencher| bencher.iter(|| black_box(experiment.run(1))));
    group.finish();
}

/// What ns-3 was measured with.
fn like_ns_3(criterion: &mut Criterion) {
    let bytes = ByteSize::from_bytes(100_000_000);
    let experiment = Experiment { bytes, ..clean(100_000_000, SimDuration::from_millis(5)) };
    let mut group = criterion.benchmark_group("ns-3's case");
    group.throughput(Throughput::Elements(experiment.run(1).packets));
    group.bench_function("100 MB at 100 Mbit/s, 5 ms", |bencher| bencher.iter(|| black_box(experiment.run(1))));
    group.finish();
}

/// What SimPy was measured with: packets over one link, and nothing else.
fn like_simpy(criterion: &mut Criterion) {
    const PACKETS: u64 = 100_000;
    const WINDOW: u64 = 64;
    let send_all = || {
        let (mut net, hosts) = pair();
        let [from, to] = hosts.map(|host| Endpoint { host, port: PORT });
        assert!(net.bind(to).is_ok());
        let payload = Bytes::from_static(&PIECE[..1000]);
        for _ in 0..WINDOW {
            assert_eq!(net.send_datagram(from, to, payload.clone()), Ok(true));
        }
        let mut arrived = 0;
        while net.handle_timeout(SimTime::MAX) {
            while net.poll_event().is_some() {
                arrived += 1;
                if arrived + WINDOW <= PACKETS {
                    assert_eq!(net.send_datagram(from, to, payload.clone()), Ok(true));
                }
            }
        }
        assert_eq!(arrived, PACKETS);
    };
    let mut group = criterion.benchmark_group("SimPy's case");
    group.throughput(Throughput::Elements(PACKETS));
    group.bench_function("100,000 packets", |bencher| bencher.iter(send_all));
    group.finish();
}

fn pair() -> (Network, [HostId; 2]) {
    let link = LinkConfig { bandwidth: Bandwidth::from_bits_per_second(100_000_000), queue_packets: 100 };
    let delay = DelayRange::fixed(SimDuration::from_millis(5));
    let config = HostConfig { up: link, down: link, delay, loss: Probability::NEVER };
    let mut net = Network::new(1);
    let hosts = [1, 2].map(|n| net.add_host(Ipv4Addr::new(10, 0, 0, n), &config));
    (net, hosts)
}

/// A thousand hosts, each of which sends 64 KiB to sixteen others over a connection each: to one after the other, and to all
/// at once. Elements are events.
fn a_crowd(criterion: &mut Criterion) {
    for (name, at_once) in [("one after the other", 1), ("all at once", CROWD_PEERS)] {
        let events = Crowd::new(at_once).run();
        eprintln!("16 x 64 KiB, {name}: {events} events, at most {} KiB resident", peak_kib_of_crowd(at_once));
        let mut group = criterion.benchmark_group("1000 hosts x 16 x 64 KiB");
        group.throughput(Throughput::Elements(events));
        group.sample_size(10);
        let start = || Crowd::new(at_once);
        group.bench_function(name, |bencher| bencher.iter_batched(start, Crowd::run, BatchSize::PerIteration));
        group.finish();
    }
}

const CROWD_HOSTS: usize = 1000;
const CROWD_PEERS: usize = 16;

struct Crowd {
    net: Network,
    hosts: Vec<HostId>,
    /// To how many others each host has begun to send.
    begun: Vec<usize>,
    /// Whose each connection is, by its number.
    owners: Vec<usize>,
    arrived: u64,
}

impl Crowd {
    fn new(at_once: usize) -> Crowd {
        let link = LinkConfig { bandwidth: Bandwidth::from_bits_per_second(100_000_000), queue_packets: 1000 };
        let delay = DelayRange::fixed(SimDuration::from_millis(5));
        let config = HostConfig { up: link, down: link, delay, loss: Probability::NEVER };
        let mut net = Network::new(1);
        let hosts = (1..=CROWD_HOSTS as u32).map(|n| net.add_host(Ipv4Addr::from(0x0a00_0000 + n), &config)).collect();
        let mut crowd = Crowd { net, hosts, begun: vec![0; CROWD_HOSTS], owners: Vec::new(), arrived: 0 };
        for host in 0..CROWD_HOSTS {
            assert!(crowd.net.listen(crowd.hosts[host], PORT, TcpConfig::default()).is_ok());
            (0..at_once).for_each(|_| crowd.begin(host));
        }
        crowd
    }

    fn begin(&mut self, host: usize) {
        if self.begun[host] == CROWD_PEERS {
            return;
        }
        self.begun[host] += 1;
        let peer = self.hosts[(host + self.begun[host]) % CROWD_HOSTS];
        let opened = self.net.connect(self.hosts[host], peer, PORT, TcpConfig::default());
        let Ok(connection) = opened else { unreachable!("the crowd connects its own hosts") };
        let number = connection.number() as usize;
        self.owners.resize(self.owners.len().max(number + 1), 0);
        self.owners[number] = host;
    }

    /// Until everything has been sent and every connection is closed; gives how many events that took.
    fn run(mut self) -> u64 {
        while self.net.handle_timeout(SimTime::MAX) {
            while let Some(event) = self.net.poll_event() {
                self.react(event);
            }
        }
        assert_eq!(self.arrived, (CROWD_HOSTS * CROWD_PEERS * PIECE.len()) as u64);
        self.net.events_carried_out()
    }

    fn react(&mut self, event: NetEvent) {
        match event {
            NetEvent::Connected { connection } => {
                assert!(self.net.write(connection, Bytes::from_static(&PIECE)).is_ok());
                self.net.tell_when_drained(connection);
            }
            NetEvent::Drained { connection } => {
                self.net.finish(connection);
                self.begin(self.owners[connection.number() as usize]);
            }
            NetEvent::Accepted { connection, .. } => self.net.set_read_mark(connection, PIECE.len() as u64),
            NetEvent::Readable { connection } => {
                while let Read::Bytes(bytes) = self.net.read(connection, usize::MAX) {
                    self.arrived += bytes.len() as u64;
                }
                if self.net.at_end(connection) {
                    self.net.close(connection);
                }
            }
            _ => {}
        }
    }
}

/// Names a crowd to a process that runs it and nothing else.
const CROWD_VARIABLE: &str = "P2P_BENCH_CROWD";

/// The most memory that a process which runs a crowd and nothing else has had; 0 where that is not known.
fn peak_kib_of_crowd(at_once: usize) -> u64 {
    let this = std::env::current_exe().unwrap_or_default();
    let run = std::process::Command::new(this).env(CROWD_VARIABLE, at_once.to_string()).output();
    run.ok().and_then(|run| String::from_utf8_lossy(&run.stdout).trim().parse().ok()).unwrap_or(0)
}

/// The most memory that this process has had, as Linux counts it; 0 elsewhere.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

criterion_group!(benches, a_crowd, one_flow, like_ns_3, like_simpy);

fn main() {
    let crowd = std::env::var(CROWD_VARIABLE).ok().and_then(|at_once| at_once.parse().ok());
    if let Some(at_once) = crowd {
        Crowd::new(at_once).run();
        return println!("{}", peak_kib());
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
