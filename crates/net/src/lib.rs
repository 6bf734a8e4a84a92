//! Floor 1: the simulated TCP/IP network. Pure code: no tasks, files, threads or wall clock, and no randomness but its own
//! seeded streams.
//!
//! Hosts have access links and are joined by paths; TCP connections and datagrams run between them. The caller drives virtual
//! time: it asks when the next event is due ([`Network::next_timeout`]), runs the network up to that instant
//! ([`Network::handle_timeout`]) and takes the events that occurred ([`Network::poll_event`]). Any other call may change the next
//! instant and cause events, so ask and poll again after it; a call too many is harmless.
//!
//! Inside, the network has two parts: the wires carry packets between hosts, and the sockets hold the connections and what the
//! hosts' applications do with them. Packets go from one to the other through [`Network`] alone.
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
mod change;
mod datagram;
mod event;
pub mod experiment;
mod faults;
mod flow;
mod host;
mod in_flight;
mod link;
mod listener;
mod meter;
mod observe;
mod packet;
mod packet_log;
mod path;
mod queue;
mod series;
mod socket;
mod sockets;
mod stats;
mod tcp;
mod wires;

use std::net::{Ipv4Addr, SocketAddrV4};

use p2p_base::trace::TraceHash;
use p2p_base::units::{DelayRange, SimTime};

pub use self::addr::{AddressError, AddressPool, ParseSubnetError, Subnet};
pub use self::burst::GilbertElliott;
pub use self::change::{PathChange, PathRule};
pub use self::event::{ConnectionChange, NetEvent, Read, UnknownHost, WriteError};
pub use self::flow::ConnectionId;
pub use self::host::{Condition, Endpoint, HostConfig, HostId};
pub use self::link::{DEFAULT_QUEUE_PACKETS, Direction, LinkConfig, LinkQueue};
pub use self::meter::MeterId;
pub use self::packet::{MSS, MTU, PacketKind, Side};
pub use self::packet_log::{PacketRecord, Wire, WireSince};
pub use self::path::{Loss, PathConfig};
pub use self::series::{RateSeries, SECONDS_MAX};
pub use self::stats::{ConnectionStats, DropCause, DropCounts, HostStats, PacketCounts};
pub use self::tcp::state::{CloseReason, ConnectionSample, Outstanding, State};
pub use self::tcp::{Activity, CongestionControl, KeepAlive, TcpConfig};
pub use self::wires::LOOPBACK_DELAY;

use self::host::Host;
use self::observe::Observers;
use self::packet::{Packet, Traits};
use self::queue::Due;
use self::sockets::Sockets;
use self::wires::{Arrival, Sent, Wires};

/// The simulated network: hosts, connections, packets in flight, and the virtual clock.
#[derive(Debug)]
pub struct Network {
    now: SimTime,
    wires: Wires,
    sockets: Sockets,
    observers: Observers,
    carried_out: u64,
}

impl Network {
    /// Returns a network without hosts whose random draws derive from `seed`. Host processing takes no time until
    /// [`set_host_time`](Self::set_host_time) is called.
    pub fn new(seed: u64) -> Network {
        Network {
            now: SimTime::ZERO,
            wires: Wires::new(seed),
            sockets: Sockets::new(seed),
            observers: Observers::default(),
            carried_out: 0,
        }
    }

    /// Adds a host and returns its identifier. The caller chooses the address, for example from an [`AddressPool`].
    pub fn add_host(&mut self, address: Ipv4Addr, config: &HostConfig) -> HostId {
        self.wires.add_host(address, config)
    }

    /// Sets the time that each packet takes from a host's downlink to its stack, drawn for every packet from the host's own
    /// random stream. Packets of one host never overtake each other. The setting applies to packets that arrive from now on.
    pub fn set_host_time(&mut self, host_time: DelayRange) {
        self.wires.host_time = host_time;
    }

    /// Returns the current virtual time.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Returns the instant at which the next event is due, which is now if [`poll_event`](Self::poll_event) has one; `None` if no
    /// event is pending. Ask again after every call that changes the network.
    pub fn next_timeout(&self) -> Option<SimTime> {
        if self.sockets.events.is_empty() { self.wires.next_by(SimTime::MAX).map(|(at, _)| at) } else { Some(self.now) }
    }

    /// Advances virtual time until an event for the application occurs, or until `limit`. Returns true if
    /// [`poll_event`](Self::poll_event) has an event: poll it until it has none, and call again.
    pub fn handle_timeout(&mut self, limit: SimTime) -> bool {
        while self.sockets.events.is_empty() {
            let Some((at, due)) = self.wires.next_by(limit) else {
                self.now = if limit == SimTime::MAX { self.now } else { self.now.max(limit) };
                return false;
            };
            self.now = self.now.max(at);
            self.dispatch(due);
        }
        true
    }

    /// Returns true if [`poll_event`](Self::poll_event) has an event.
    pub fn has_event(&self) -> bool {
        !self.sockets.events.is_empty()
    }

    /// Returns the oldest event not yet taken. Poll until it returns `None` after [`handle_timeout`](Self::handle_timeout) and
    /// after every call on a connection.
    pub fn poll_event(&mut self) -> Option<NetEvent> {
        self.sockets.events.pop_front()
    }

    /// Returns the number of internal events processed so far (packet arrivals and timers), the usual measure of a
    /// simulator's work.
    pub fn events_carried_out(&self) -> u64 {
        self.carried_out
    }

    #[inline]
    fn dispatch(&mut self, due: Due) {
        self.carried_out += 1;
        match due {
            Due::Path(path, lane) => {
                if let Some(Arrival { to, packet, dropped }) = self.wires.handle_path(self.now, path, lane) {
                    self.handle_arrival(to, &packet, dropped);
                }
            }
            Due::Downlink(host) => {
                if let Some(packet) = self.wires.handle_downlink(host) {
                    self.handle_arrival(HostId(host), &packet, None);
                }
            }
            Due::Timer(flow) => self.handle_flow_timeout(flow),
        }
    }

    fn handle_flow_timeout(&mut self, flow: u32) {
        self.wires.skip();
        let sides = self.sockets.handle_timeout(self.now, flow);
        for &side in sides {
            self.sockets.handle_end_timeout(self.now, flow, side);
            self.flush();
        }
        if !sides.is_empty() {
            self.sockets.set_timer(flow);
            self.flush();
        }
    }

    /// Handles a packet that has reached its receiver's stack, or that was dropped right before.
    fn handle_arrival(&mut self, to: HostId, packet: &Packet, dropped: Option<DropCause>) {
        let condition = self.wires.hosts()[to.index()].condition;
        if let Some(cause) = dropped.or_else(|| self.obstacle(condition, packet)) {
            self.wires.drop_packet(self.now, self.sockets.sender_of(packet), packet, cause);
            return self.sockets.handle_dropped(packet);
        }
        self.wires.deliver(self.now, to, packet);
        if packet.is_datagram() {
            let event = self.sockets.datagrams.handle_packet(packet);
            self.sockets.events.push_back(event);
        } else {
            self.sockets.handle_packet(self.now, packet, condition == Condition::Up);
            self.flush();
        }
    }

    /// Returns the cause for which a host in `condition` does not take a packet that has reached it.
    #[inline]
    fn obstacle(&self, condition: Condition, packet: &Packet) -> Option<DropCause> {
        if condition == Condition::Down {
            return Some(DropCause::HostDown);
        }
        if packet.traits.any(Traits::CORRUPT) {
            return Some(DropCause::Corrupt);
        }
        let is_received = !packet.is_datagram() || condition == Condition::Up && self.sockets.datagrams.is_received(packet);
        (!is_received).then_some(DropCause::PortClosed)
    }

    /// Sends the packets and sets the timers that a step of a connection has left.
    #[inline]
    fn flush(&mut self) {
        if self.sockets.has_outbox() {
            let outbox = self.sockets.take_outbox();
            for packet in &outbox {
                if let Some(path) = self.sockets.path_of(packet) {
                    self.transmit(path, packet);
                }
            }
            self.sockets.return_outbox(outbox);
        }
        while let Some((flow, at)) = self.sockets.poll_timer() {
            self.wires.schedule(at, Due::Timer(flow));
        }
    }

    #[inline]
    fn transmit(&mut self, path: u32, packet: &Packet) -> Sent {
        let sent = self.wires.send(self.now, path, packet);
        if self.observers.any() && !self.wires.is_loopback(path) {
            self.observers.observe(self.now, (&self.wires, &self.sockets), packet, sent);
        }
        if sent.in_flight() != 1 {
            self.sockets.handle_sent(packet, sent.in_flight());
        }
        sent
    }

    /// Returns the number of hosts.
    pub fn host_count(&self) -> usize {
        self.wires.hosts().len()
    }

    /// Returns the address of a host.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn address(&self, host: HostId) -> Result<Ipv4Addr, UnknownHost> {
        self.wires.host(host).map(|host| host.address)
    }

    /// Returns the current configuration of a host: its access links, delay and loss.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn host_config(&self, host: HostId) -> Result<HostConfig, UnknownHost> {
        self.wires.host(host).map(Host::config)
    }

    /// Returns the counters of a host.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn host_stats(&self, host: HostId) -> Result<HostStats, UnknownHost> {
        self.wires.host(host).map(|host| host.stats)
    }

    /// Returns the bytes that have left a host's access links so far, bytes still queued excluded: up and down.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn link_bytes(&self, host: HostId) -> Result<(u64, u64), UnknownHost> {
        let host = self.wires.host(host)?;
        Ok((host.up.passed(self.now), host.down.passed(self.now)))
    }

    /// Returns the bytes that passed a host's access links in each of the latest `seconds` whole virtual seconds: up and
    /// down. A packet lost on the path has used its uplink and counts there.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn link_series(&self, host: HostId, seconds: usize) -> Result<(RateSeries, RateSeries), UnknownHost> {
        let host = self.wires.host(host)?;
        Ok((host.up.series(self.now, seconds), host.down.series(self.now, seconds)))
    }

    /// Returns the queues of a host's links now: up and down.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn queues(&self, host: HostId) -> Result<(LinkQueue, LinkQueue), UnknownHost> {
        let host = self.wires.host(host)?;
        Ok((host.up.queue(self.now), host.down.queue(self.now)))
    }

    /// Returns the sum of the counters of all hosts.
    pub fn total_stats(&self) -> HostStats {
        let mut total = HostStats::default();
        for host in self.wires.hosts() {
            total += host.stats;
        }
        total
    }

    /// Returns the number of packets in flight and their bytes, packets in queues included.
    pub fn in_transit(&self) -> (u64, u64) {
        self.wires.in_transit()
    }

    /// Returns the hash of everything that has happened so far.
    pub fn trace_hash(&self) -> TraceHash {
        self.wires.trace()
    }

    /// Returns the address and port of a connection end, and those of its peer; `None` once the connection is over at both ends.
    pub fn addresses(&self, connection: ConnectionId) -> Option<(SocketAddrV4, SocketAddrV4)> {
        let flow = self.sockets.flow(connection)?;
        let address = |side| {
            let end = flow.end(side);
            SocketAddrV4::new(self.wires.address(end.host), end.port)
        };
        Some((address(connection.side), address(connection.side.other())))
    }

    /// Returns the host of a connection end; `None` once the connection is over at both ends.
    pub fn host_of(&self, connection: ConnectionId) -> Option<HostId> {
        self.sockets.flow(connection).map(|flow| flow.end(connection.side).host)
    }
}

#[cfg(test)]
#[path = "../tests/support/golden.rs"]
mod golden;
#[cfg(test)]
mod tests;
