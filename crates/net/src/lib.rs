//! Floor 1: the simulated TCP/IP network. Pure code: no tasks, files, threads or wall clock, and no randomness but its own
//! seeded streams.
//!
//! Hosts have access links and are joined by paths; TCP connections and datagrams run between them. The caller drives virtual
//! time: it asks when the next event is due ([`Network::next_due`]), advances the network to that instant
//! ([`Network::advance`]) and takes the events that occurred ([`Network::poll_event`]). Any other call may change the next
//! due time, so ask again after it.
//!
//! ```text
//!           write                                                     read
//!   opener ───────▶ tcp ──▶ uplink ──▶ path (delay, loss) ──▶ downlink ──▶ tcp ───────▶ acceptor
//!                    ▲      (queue)                            (queue)      │
//!                    └──────────────── acknowledgements ◀──────────────────┘
//! ```
//!
//! A program that sends a megabyte over a lossy link (`examples/one_transfer.rs`):
//!
#![doc = concat!("```\n", include_str!("../examples/one_transfer.rs"), "```")]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod addr;
mod burst;
#[cfg(feature = "pcap")]
mod capture;
mod event;
pub mod experiment;
mod faults;
mod flow;
mod host;
mod in_flight;
mod link;
mod meter;
mod observe;
mod packet;
mod path;
mod queue;
mod series;
mod socket;
mod stats;
mod tcp;
mod transit;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use p2p_base::random::RandomStream;
use p2p_base::trace::TraceHash;
use p2p_base::units::{DelayRange, SimDuration, SimTime};
use slab::Slab;

pub use self::addr::{AddressError, AddressPool, ParseSubnetError, Subnet};
pub use self::burst::GilbertElliott;
pub use self::event::{NetEvent, UnknownHost, WriteError};
pub use self::flow::ConnectionId;
pub use self::host::{Condition, HostConfig, HostId};
pub use self::link::{DEFAULT_QUEUE_PACKETS, Direction, LinkConfig};
pub use self::meter::MeterId;
pub use self::packet::{MSS, MTU, PacketKind, Side};
pub use self::path::{Loss, PathConfig};
pub use self::series::RateSeries;
pub use self::stats::{ConnectionStats, DropCause, DropCounts, HostStats, PacketCounts};
pub use self::tcp::state::{CloseReason, ConnectionSample, State};
pub use self::tcp::{Activity, CongestionControl, KeepAlive, TcpConfig};
pub use self::wire::PacketRecord;

use self::flow::Flow;
use self::host::Host;
use self::in_flight::PacketStore;
use self::meter::Meters;
use self::observe::Observers;
use self::packet::Packet;
use self::path::Path;
use self::queue::{Due, EventQueue};
use self::transit::Datagram;

/// The simulated network: hosts, packets in flight between them, and the virtual clock.
#[derive(Debug)]
pub struct Network {
    seed: u64,
    /// Time that a host takes to pass a packet from its downlink to its network stack.
    host_time: DelayRange,
    now: SimTime,
    queue: EventQueue,
    hosts: Vec<Host>,
    paths: Vec<Path>,
    path_index: HashMap<(u32, u32), u32>,
    in_flight: PacketStore,
    flows: Slab<Flow>,
    datagrams: Slab<Datagram>,
    listeners: HashMap<(u32, u16), TcpConfig>,
    events: VecDeque<NetEvent>,
    /// Packets produced by the step in progress; the vector is kept to avoid an allocation per step.
    outbox: Vec<Packet>,
    initial_sequences: RandomStream,
    next_generation: u32,
    trace: TraceHash,
    carried_out: u64,
    observers: Observers,
    meters: Meters,
}

impl Network {
    /// Returns a network without hosts whose random draws derive from `seed`. Host processing takes no time until
    /// [`set_host_time`](Self::set_host_time) is called.
    pub fn new(seed: u64) -> Network {
        Network {
            seed,
            host_time: DelayRange::fixed(SimDuration::ZERO),
            now: SimTime::ZERO,
            queue: EventQueue::default(),
            hosts: Vec::new(),
            paths: Vec::new(),
            path_index: HashMap::new(),
            in_flight: PacketStore::default(),
            flows: Slab::new(),
            datagrams: Slab::new(),
            listeners: HashMap::new(),
            events: VecDeque::new(),
            outbox: Vec::new(),
            initial_sequences: RandomStream::new(seed, "initial sequence numbers"),
            next_generation: 0,
            trace: TraceHash::new(),
            carried_out: 0,
            observers: Observers::default(),
            meters: Meters::default(),
        }
    }

    /// Adds a host and returns its identifier. The caller chooses the address, for example from an [`AddressPool`].
    pub fn add_host(&mut self, address: Ipv4Addr, config: &HostConfig) -> HostId {
        let id = HostId(self.hosts.len() as u32);
        self.hosts.push(Host::new(self.seed, id.0, address, config));
        id
    }

    /// Sets the time that each packet takes from a host's downlink to its stack, drawn for every packet from the host's own
    /// random stream. Packets of one host never overtake each other. The setting applies to packets that arrive from now on.
    pub fn set_host_time(&mut self, host_time: DelayRange) {
        self.host_time = host_time;
    }

    /// Returns the current virtual time.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Returns the instant at which the next event is due; `None` if no event is pending. An event scheduled at
    /// [`SimTime::MAX`] never occurs.
    pub fn next_due(&self) -> Option<SimTime> {
        if self.events.is_empty() { self.queue.next_at().filter(|&at| at < SimTime::MAX) } else { Some(self.now) }
    }

    /// Advances virtual time until an event for the application occurs, or until `limit`. Returns true if
    /// [`poll_event`](Self::poll_event) has an event.
    pub fn advance(&mut self, limit: SimTime) -> bool {
        while self.events.is_empty() {
            match self.queue.peek() {
                Some((at, due)) if at <= limit && at < SimTime::MAX => {
                    self.now = self.now.max(at);
                    self.dispatch(due);
                }
                _ => {
                    self.now = if limit == SimTime::MAX { self.now } else { self.now.max(limit) };
                    return false;
                }
            }
        }
        true
    }

    /// Returns true if [`poll_event`](Self::poll_event) has an event.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// Returns the oldest event not yet taken. Call it until it returns `None`.
    pub fn poll_event(&mut self) -> Option<NetEvent> {
        self.events.pop_front()
    }

    /// Returns the number of internal events processed so far (packet arrivals and timers), the usual measure of a
    /// simulator's work.
    pub fn events_carried_out(&self) -> u64 {
        self.carried_out
    }

    fn dispatch(&mut self, due: Due) {
        self.carried_out += 1;
        match due {
            Due::Path(path) => self.arrive_from_path(path, false),
            Due::Overtaking(path) => self.arrive_from_path(path, true),
            Due::Downlink(host) => self.arrive_from_downlink(host),
            Due::Timer(flow) => self.run_timers(flow),
        }
    }

    /// Returns the number of hosts.
    pub fn host_count(&self) -> usize {
        self.hosts.len()
    }

    /// Returns the address of a host.
    pub fn address(&self, host: HostId) -> Ipv4Addr {
        self.hosts[host.index()].address
    }

    /// Returns the current configuration of a host: its access links, delay and loss.
    pub fn host_config(&self, host: HostId) -> HostConfig {
        self.hosts[host.index()].config()
    }

    /// Changes the configuration of a host. Packets in flight keep the arrival time that they were given; a path that
    /// [`set_path`](Self::set_path) has configured keeps its configuration.
    pub fn reconfigure(&mut self, host: HostId, config: &HostConfig) {
        let entry = &mut self.hosts[host.index()];
        entry.up.reconfigure(self.now, config.up);
        entry.down.reconfigure(self.now, config.down);
        entry.delay = config.delay;
        entry.loss = config.loss;
        for path in &mut self.paths {
            if path.from == host.0 || path.to == host.0 {
                path.follow(between(&self.hosts[path.from as usize], &self.hosts[path.to as usize]));
            }
        }
    }

    /// Returns the condition of a host: up, refusing connections, or down.
    pub fn condition(&self, host: HostId) -> Condition {
        self.hosts[host.index()].condition
    }

    /// Returns the counters of a host.
    pub fn host_stats(&self, host: HostId) -> HostStats {
        self.hosts[host.index()].stats
    }

    /// Returns the bytes that have left a host's access links so far, bytes still queued excluded: up and down.
    pub fn link_bytes(&self, host: HostId) -> (u64, u64) {
        let host = &self.hosts[host.index()];
        (host.up.passed(self.now), host.down.passed(self.now))
    }

    /// Returns the bytes that passed a host's access links in each of the latest `seconds` whole virtual seconds: up and
    /// down. A packet lost on the path has used its uplink and counts there.
    pub fn link_series(&self, host: HostId, seconds: usize) -> (RateSeries, RateSeries) {
        let host = &self.hosts[host.index()];
        (host.up.series(self.now, seconds), host.down.series(self.now, seconds))
    }

    /// Returns the number of packets waiting in a host's queues now: up and down.
    pub fn queued_packets(&self, host: HostId) -> (usize, usize) {
        let host = &self.hosts[host.index()];
        (host.up.waiting(self.now), host.down.waiting(self.now))
    }

    /// Returns the sum of the counters of all hosts.
    pub fn total_stats(&self) -> HostStats {
        let mut total = HostStats::default();
        for host in &self.hosts {
            total += host.stats;
        }
        total
    }

    /// Returns the number of packets in flight and their bytes, packets in queues included.
    pub fn in_transit(&self) -> (u64, u64) {
        self.in_flight.total()
    }

    /// Returns the hash of everything that has happened so far.
    pub fn trace_hash(&self) -> TraceHash {
        self.trace
    }

    /// Returns the address and port of a connection end, and those of its peer.
    pub fn addresses(&self, connection: ConnectionId) -> Option<(SocketAddrV4, SocketAddrV4)> {
        let flow = self.flow(connection)?;
        let address = |side| {
            let end = flow.end(side);
            SocketAddrV4::new(self.address(end.host), end.port)
        };
        Some((address(connection.side), address(connection.side.other())))
    }

    /// Returns the host of a connection end; `None` once the connection is over at both ends.
    pub fn host_of(&self, connection: ConnectionId) -> Option<HostId> {
        self.flow(connection).map(|flow| flow.end(connection.side).host)
    }

    fn flow(&self, connection: ConnectionId) -> Option<&Flow> {
        self.flows.get(connection.flow as usize).filter(|flow| flow.generation == connection.generation)
    }

    fn flow_mut(&mut self, connection: ConnectionId) -> Option<&mut Flow> {
        self.flows.get_mut(connection.flow as usize).filter(|flow| flow.generation == connection.generation)
    }

    /// Returns the index of the path between two hosts, creating the path at its first use.
    fn path(&mut self, from: HostId, to: HostId) -> u32 {
        let next = self.paths.len() as u32;
        let path = *self.path_index.entry((from.0, to.0)).or_insert(next);
        if path == next {
            let implied = between(&self.hosts[from.index()], &self.hosts[to.index()]);
            self.paths.push(Path::new(self.seed, from.0, to.0, implied));
        }
        path
    }
}

/// Returns the path that two hosts imply: the longer delay and the higher loss of the two.
fn between(from: &Host, to: &Host) -> PathConfig {
    let longer = |host: &&Host| (host.delay.max(), host.delay.min());
    let delay = if longer(&from) >= longer(&to) { from.delay } else { to.delay };
    PathConfig::new(delay, from.loss.max(to.loss))
}

#[cfg(test)]
mod tests;
