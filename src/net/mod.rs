//! Floor 1: the virtual TCP/IP network. Pure: no tasks, no files, no threads, no wall clock, no chance but its own.
//!
//! Hosts with access links, joined by paths; TCP connections and datagrams between them. The caller owns time: it asks when
//! something is due ([`Network::next_due`]), lets the network get there ([`Network::advance`]) and takes what happened
//! ([`Network::poll_event`]). After every other call, ask again when something is due.
//!
//! ```text
//!           write                                                     read
//!   opener ───────▶ tcp ──▶ uplink ──▶ path (delay, loss) ──▶ downlink ──▶ tcp ───────▶ acceptor
//!                    ▲      (queue)                            (queue)      │
//!                    └──────────────── acknowledgements ◀──────────────────┘
//! ```
//!
//! Knows nothing of files, nodes or protocols above TCP.

mod addr;
mod capture;
mod event;
mod flow;
mod host;
mod in_flight;
mod link;
mod meter;
mod observe;
mod packet;
mod queue;
mod series;
mod socket;
mod stats;
mod tcp;
mod trace;
mod transit;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use slab::Slab;

pub use self::addr::{AddressError, AddressPool, ParseSubnetError, Subnet};
pub use self::event::{NetEvent, WriteError};
pub use self::flow::ConnectionId;
pub use self::host::{Condition, HostConfig, HostId};
pub use self::link::{DEFAULT_QUEUE_PACKETS, LinkConfig};
pub use self::meter::MeterId;
pub use self::packet::{MSS, MTU, PacketKind, Side};
pub use self::series::RateSeries;
pub use self::stats::{ConnectionStats, DropCause, DropCounts, HostStats, LinkStats, PacketCounts};
pub use self::tcp::state::{ConnectionSample, Ending, State};
pub use self::tcp::{Activity, CongestionControl, KeepAlive, TcpConfig};
pub use self::trace::TraceHash;
pub use self::wire::PacketRecord;

use self::flow::Flow;
use self::host::Host;
use self::in_flight::PacketStore;
use self::link::Path;
use self::meter::Meters;
use self::observe::Observers;
use self::packet::Packet;
use self::queue::{Due, EventQueue};
use self::transit::Datagram;
use crate::random::RandomStream;
use crate::units::{DelayRange, Probability, SimDuration, SimTime};

/// The network: hosts, what is on its way between them, and the clock.
#[derive(Debug)]
pub struct Network {
    seed: u64,
    /// How long a host takes to hand a packet from its downlink to its stack.
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
    /// Packets of the step under way; kept to spare the allocation.
    outbox: Vec<Packet>,
    initial_sequences: RandomStream,
    next_generation: u32,
    trace: TraceHash,
    carried_out: u64,
    observers: Observers,
    meters: Meters,
}

impl Network {
    /// A network without hosts, whose chances are those of `seed`. Hosts take no time of their own until
    /// [`set_host_time`](Self::set_host_time) says so.
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

    /// Adds a host. Its address is the caller's to choose, from an [`AddressPool`].
    pub fn add_host(&mut self, address: Ipv4Addr, config: &HostConfig) -> HostId {
        let id = HostId(self.hosts.len() as u32);
        self.hosts.push(Host::new(self.seed, id.0, address, config));
        id
    }

    /// How long each packet takes from a host's downlink to its stack, drawn anew for each from the host's own stream. Packets of
    /// one host never overtake one another. Holds for packets that arrive from now on.
    pub fn set_host_time(&mut self, host_time: DelayRange) {
        self.host_time = host_time;
    }

    /// The virtual instant that has been reached.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// When something is due next; `None` where nothing is under way. What is due at [`SimTime::MAX`] never is.
    pub fn next_due(&self) -> Option<SimTime> {
        if self.events.is_empty() { self.queue.next_at().filter(|&at| at < SimTime::MAX) } else { Some(self.now) }
    }

    /// Lets time pass until something happens that an application cares about, or until `limit`. True where
    /// [`poll_event`](Self::poll_event) has something.
    pub fn advance(&mut self, limit: SimTime) -> bool {
        while self.events.is_empty() {
            match self.queue.peek() {
                Some((at, due)) if at <= limit && at < SimTime::MAX => {
                    self.now = self.now.max(at);
                    self.carry_out(due);
                }
                _ => {
                    self.now = if limit == SimTime::MAX { self.now } else { self.now.max(limit) };
                    return false;
                }
            }
        }
        true
    }

    /// Whether [`poll_event`](Self::poll_event) has something.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next of what has happened. Call it until it gives nothing.
    pub fn poll_event(&mut self) -> Option<NetEvent> {
        self.events.pop_front()
    }

    /// How many things have come due so far: arrivals, timers, ends of transmissions. What a simulator is measured by.
    pub fn events_carried_out(&self) -> u64 {
        self.carried_out
    }

    fn carry_out(&mut self, due: Due) {
        self.carried_out += 1;
        match due {
            Due::Path(path) => self.arrive_from_path(path),
            Due::Downlink(host) => self.arrive_from_downlink(host),
            Due::Timer(flow) => self.run_timers(flow),
        }
    }

    /// The number of hosts.
    pub fn host_count(&self) -> usize {
        self.hosts.len()
    }

    /// A host's address.
    pub fn address(&self, host: HostId) -> Ipv4Addr {
        self.hosts[host.index()].address
    }

    /// What a host and the way to it are like now.
    pub fn host_config(&self, host: HostId) -> HostConfig {
        self.hosts[host.index()].config()
    }

    /// Changes what a host and the way to it are like. What is on its way keeps its time.
    pub fn reconfigure(&mut self, host: HostId, config: &HostConfig) {
        let entry = &mut self.hosts[host.index()];
        entry.up.reconfigure(self.now, config.up);
        entry.down.reconfigure(self.now, config.down);
        entry.delay = config.delay;
        entry.loss = config.loss;
        for path in &mut self.paths {
            if path.from == host.0 || path.to == host.0 {
                let (from, to) = (&self.hosts[path.from as usize], &self.hosts[path.to as usize]);
                (path.delay, path.loss) = between(from, to);
            }
        }
    }

    /// Whether a host answers.
    pub fn condition(&self, host: HostId) -> Condition {
        self.hosts[host.index()].condition
    }

    /// What a host has counted.
    pub fn host_stats(&self, host: HostId) -> HostStats {
        self.hosts[host.index()].stats
    }

    /// What a host's access links have counted: up and down.
    pub fn link_stats(&self, host: HostId) -> (LinkStats, LinkStats) {
        let host = &self.hosts[host.index()];
        (host.up.stats, host.down.stats)
    }

    /// Bytes that have passed a host's access links by now, queues left out: up and down.
    pub fn link_bytes(&self, host: HostId) -> (u64, u64) {
        let host = &self.hosts[host.index()];
        (host.up.passed(self.now), host.down.passed(self.now))
    }

    /// The bytes that passed a host's access links in each of the latest `seconds` whole virtual seconds: up and down. A lost packet
    /// has used its uplink and counts there.
    pub fn link_series(&self, host: HostId, seconds: usize) -> (RateSeries, RateSeries) {
        let host = &self.hosts[host.index()];
        (host.up.series(self.now, seconds), host.down.series(self.now, seconds))
    }

    /// How many packets wait in a host's queues now: up and down.
    pub fn queued_packets(&self, host: HostId) -> (usize, usize) {
        let host = &self.hosts[host.index()];
        (host.up.waiting(self.now), host.down.waiting(self.now))
    }

    /// What all hosts have counted together.
    pub fn total_stats(&self) -> HostStats {
        let mut total = HostStats::default();
        for host in &self.hosts {
            total += host.stats;
        }
        total
    }

    /// Packets and their bytes that are on their way, queues included.
    pub fn in_transit(&self) -> (u64, u64) {
        self.in_flight.total()
    }

    /// The hash of everything that has happened so far.
    pub fn trace_hash(&self) -> TraceHash {
        self.trace
    }

    /// An end's own address and port, and its peer's.
    pub fn addresses(&self, connection: ConnectionId) -> Option<(SocketAddrV4, SocketAddrV4)> {
        let flow = self.flow(connection)?;
        let address = |side| {
            let end = flow.end(side);
            SocketAddrV4::new(self.address(end.host), end.port)
        };
        Some((address(connection.side), address(connection.side.other())))
    }

    /// The host of a connection end; `None` once the connection is over at both ends.
    pub fn host_of(&self, connection: ConnectionId) -> Option<HostId> {
        self.flow(connection).map(|flow| flow.end(connection.side).host)
    }

    fn flow(&self, connection: ConnectionId) -> Option<&Flow> {
        self.flows.get(connection.flow as usize).filter(|flow| flow.generation == connection.generation)
    }

    fn flow_mut(&mut self, connection: ConnectionId) -> Option<&mut Flow> {
        self.flows.get_mut(connection.flow as usize).filter(|flow| flow.generation == connection.generation)
    }

    /// The path between two hosts, made when it is first used.
    fn path(&mut self, from: HostId, to: HostId) -> u32 {
        let next = self.paths.len() as u32;
        let path = *self.path_index.entry((from.0, to.0)).or_insert(next);
        if path == next {
            let (delay, loss) = between(&self.hosts[from.index()], &self.hosts[to.index()]);
            self.paths.push(Path::new(self.seed, from.0, to.0, delay, loss));
        }
        path
    }
}

/// Delay and loss between two hosts: the worse of the two decides.
fn between(from: &Host, to: &Host) -> (DelayRange, Probability) {
    let longer = |host: &&Host| (host.delay.max(), host.delay.min());
    let delay = if longer(&from) >= longer(&to) { from.delay } else { to.delay };
    (delay, from.loss.max(to.loss))
}

#[cfg(test)]
mod tests;
