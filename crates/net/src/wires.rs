//! The wires: hosts with their access links, the paths between them, and the packets in flight.
//!
//! A packet crosses its sender's uplink, the path, the receiver's downlink and the receiver's processing time; one from a host to itself
//! crosses no link and takes [`LOOPBACK_DELAY`]. Every packet is counted and traced here, once when it is sent and once when it is dropped or delivered. What it carries is no concern of the
//! wires: they hand it back to whoever drives them, when it arrives and when it is dropped.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

use p2p_base::trace::TraceHash;
use p2p_base::units::{DelayRange, Probability, SimDuration, SimTime};

use super::change::PathRule;
use super::event::UnknownHost;
use super::host::{Condition, Host, HostConfig, HostId};
use super::in_flight::{PacketStore, Scheduled};
use super::link::Direction;
use super::packet::Packet;
use super::path::{Copies, Lane, Passage, Path, PathConfig};
use super::queue::{Due, EventQueue};
use super::stats::DropCause;

mod retime;

/// Time that a packet from a host to itself takes: half of the round trip of some 50 µs which `ping` shows of the interface `lo` of a
/// Linux host. The loopback has no rate, no queue that could be full, no loss and no faults, and what is sent on it crosses no link.
pub const LOOPBACK_DELAY: SimDuration = SimDuration::from_micros(25);

/// Hosts, paths and packets in flight.
#[derive(Debug)]
pub(crate) struct Wires {
    seed: u64,
    /// Time that a host takes to pass a packet from its downlink to its network stack.
    pub(crate) host_time: DelayRange,
    hosts: Vec<Host>,
    paths: Vec<Path>,
    path_index: HashMap<(u32, u32), u32>,
    in_flight: PacketStore,
    queue: EventQueue,
    trace: TraceHash,
}

/// State of one copy of a packet after it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The packet is in flight, unharmed.
    Flying,
    /// The packet is in flight, with a changed bit.
    Corrupt,
    /// The packet was dropped at once.
    Dropped(DropCause),
}

impl Fate {
    /// Returns the cause of the packet's loss, as far as it is known when the packet is sent.
    pub(crate) const fn dropped(self) -> Option<DropCause> {
        match self {
            Fate::Flying => None,
            Fate::Corrupt => Some(DropCause::Corrupt),
            Fate::Dropped(cause) => Some(cause),
        }
    }

    /// Returns the number of packets in flight, 0 or 1.
    pub(crate) const fn in_flight(self) -> u32 {
        !matches!(self, Fate::Dropped(_)) as u32
    }
}

/// Fates of a packet that was sent and of its copy, if the path made one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) original: Fate,
    pub(crate) copy: Option<Fate>,
}

impl Sent {
    /// Returns the number of packets in flight, 0 to 2.
    pub(crate) fn in_flight(self) -> u32 {
        self.original.in_flight() + self.copy.map_or(0, Fate::in_flight)
    }
}

/// A packet that has reached the stack of its receiver, or that is to be dropped on the way there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) to: HostId,
    pub(crate) packet: Packet,
    /// Cause of the packet's loss, which is not counted yet.
    pub(crate) dropped: Option<DropCause>,
}

impl Wires {
    /// Returns wires without hosts in a run with `seed`.
    pub(crate) fn new(seed: u64) -> Wires {
        Wires {
            seed,
            host_time: DelayRange::fixed(SimDuration::ZERO),
            hosts: Vec::new(),
            paths: Vec::new(),
            path_index: HashMap::new(),
            in_flight: PacketStore::default(),
            queue: EventQueue::default(),
            trace: TraceHash::new(),
        }
    }

    pub(crate) fn add_host(&mut self, address: Ipv4Addr, config: &HostConfig) -> HostId {
        let id = HostId(self.hosts.len() as u32);
        self.hosts.push(Host::new(self.seed, id.0, address, config));
        id
    }

    pub(crate) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Returns a host.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there is no such host.
    pub(crate) fn host(&self, host: HostId) -> Result<&Host, UnknownHost> {
        self.hosts.get(host.index()).ok_or(UnknownHost { host, hosts: self.hosts.len() })
    }

    /// Returns a host, to be changed.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there is no such host.
    pub(crate) fn host_mut(&mut self, host: HostId) -> Result<&mut Host, UnknownHost> {
        let hosts = self.hosts.len();
        self.hosts.get_mut(host.index()).ok_or(UnknownHost { host, hosts })
    }

    /// Returns the address of a host that a flow or a datagram names.
    pub(crate) fn address(&self, host: HostId) -> Ipv4Addr {
        self.hosts[host.index()].address
    }

    /// Returns the number of packets in flight and their bytes, packets in queues included.
    pub(crate) fn in_transit(&self) -> (u64, u64) {
        self.in_flight.total()
    }

    pub(crate) fn trace(&self) -> TraceHash {
        self.trace
    }

    /// Returns the index of the path between two hosts, creating the path at its first use.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there are not both hosts.
    pub(crate) fn path(&mut self, from: HostId, to: HostId) -> Result<u32, UnknownHost> {
        let implied = self.implied_path(from, to)?;
        let next = self.paths.len() as u32;
        let path = *self.path_index.entry((from.0, to.0)).or_insert(next);
        if path == next {
            self.paths.push(Path::new(self.seed, from.0, to.0, implied));
        }
        Ok(path)
    }

    /// Returns the configuration of the path between two hosts.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there are not both hosts.
    pub(crate) fn path_config(&self, from: HostId, to: HostId) -> Result<PathConfig, UnknownHost> {
        let implied = self.implied_path(from, to)?;
        let path = self.path_index.get(&(from.0, to.0));
        Ok(path.map_or(implied, |&path| self.paths[path as usize].config()))
    }

    /// Returns what the hosts imply for the path between them; that of a host to itself is the loopback.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there are not both hosts.
    pub(crate) fn implied_path(&self, from: HostId, to: HostId) -> Result<PathConfig, UnknownHost> {
        let ends = (self.host(from)?, self.host(to)?);
        Ok(if from == to { loopback() } else { between(ends.0, ends.1) })
    }

    /// Returns true if a path is the loopback of a host.
    #[inline]
    pub(crate) fn is_loopback(&self, path: u32) -> bool {
        self.paths[path as usize].is_loopback()
    }

    /// Returns what the delays and losses of the hosts alone imply for the path between them.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there are not both hosts.
    pub(crate) fn plain_path(&self, from: HostId, to: HostId) -> Result<PathConfig, UnknownHost> {
        Ok(plain(self.host(from)?, self.host(to)?))
    }

    /// Configures the path between two hosts; `None` returns it to what the hosts imply.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there are not both hosts.
    pub(crate) fn set_path(
        &mut self,
        now: SimTime,
        from: HostId,
        to: HostId,
        config: Option<PathConfig>,
    ) -> Result<(), UnknownHost> {
        let (implied, seed) = (self.implied_path(from, to)?, self.seed);
        let path = self.path(from, to)?;
        self.change_path(now, path, |path| match config {
            Some(config) => path.set(seed, config),
            None => path.reset(seed, implied),
        });
        Ok(())
    }

    /// Changes the configuration of a path. If its delay becomes shorter, later packets may overtake those in flight.
    fn change_path(&mut self, now: SimTime, index: u32, change: impl FnOnce(&mut Path)) {
        let path = &mut self.paths[index as usize];
        let delay = path.config().delay.max();
        change(path);
        if path.config().delay.max() < delay {
            let first = self.in_flight.first(path.lane(Lane::Overtaken));
            path.release(&mut self.in_flight, self.hosts[path.from as usize].up.free_from(now));
            self.schedule_first(index, Lane::Overtaken, first);
        }
    }

    /// Schedules the arrival of the first packet of a lane, unless that was the first `before` a change.
    fn schedule_first(&mut self, path: u32, lane: Lane, before: Option<Scheduled>) {
        let first = self.in_flight.first(self.paths[path as usize].lane(lane)).filter(|&first| Some(first) != before);
        if let Some(Scheduled { at, order }) = first {
            self.queue.push(at, order, Due::Path(path, lane));
        }
    }

    /// Changes the configuration of a host, and with it the paths that follow it.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there is no such host.
    pub(crate) fn reconfigure(&mut self, now: SimTime, host: HostId, config: &HostConfig) -> Result<(), UnknownHost> {
        self.set_link(now, host, Direction::Up, config.up)?;
        self.set_link(now, host, Direction::Down, config.down)?;
        let changed = self.host_mut(host)?;
        (changed.delay, changed.loss) = (config.delay, config.loss);
        self.follow_hosts(now, |of| of == host.0);
        Ok(())
    }

    /// Lets the paths from and to changed hosts follow them.
    fn follow_hosts(&mut self, now: SimTime, is_changed: impl Fn(u32) -> bool) {
        let seed = self.seed;
        for index in 0..self.paths.len() as u32 {
            let Path { from, to, .. } = self.paths[index as usize];
            if from != to && (is_changed(from) || is_changed(to)) {
                let implied = between(&self.hosts[from as usize], &self.hosts[to as usize]);
                self.change_path(now, index, |path| path.follow(seed, implied));
            }
        }
    }

    /// Sets the rules of all paths from and to each of these hosts, or returns them to what they were where there are none.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if one of the hosts does not exist; nothing is changed then.
    pub(crate) fn set_path_rules(&mut self, now: SimTime, rules: &[(HostId, Vec<PathRule>)]) -> Result<(), UnknownHost> {
        rules.iter().try_for_each(|(host, _)| self.host(*host).map(drop))?;
        for (host, of_host) in rules {
            self.hosts[host.index()].path_rules.clone_from(of_host);
        }
        let changed: HashSet<u32> = rules.iter().map(|(host, _)| host.0).collect();
        self.follow_hosts(now, |of| changed.contains(&of));
        Ok(())
    }

    /// Schedules an event at `at`, after those that are scheduled at the same instant already.
    pub(crate) fn schedule(&mut self, at: SimTime, due: Due) {
        let order = self.queue.next_order();
        self.queue.push(at, order, due);
    }

    /// Returns the next event and its instant, if that is not after `limit`. An event at [`SimTime::MAX`] never occurs.
    #[inline]
    pub(crate) fn next_by(&self, limit: SimTime) -> Option<(SimTime, Due)> {
        self.queue.peek().filter(|&(at, _)| at <= limit && at < SimTime::MAX)
    }

    /// Removes the next event, which is not one of the wires.
    pub(crate) fn skip(&mut self) {
        self.queue.finish(None);
    }

    /// Sends a packet along a path, and returns what became of it.
    #[inline]
    pub(crate) fn send(&mut self, now: SimTime, path: u32, packet: &Packet) -> Sent {
        let from = HostId(self.paths[path as usize].from);
        let order = self.queue.next_order();
        let host = &mut self.hosts[from.index()];
        host.stats.record_sent(packet);
        let dropped = |cause| Sent { original: Fate::Dropped(cause), copy: None };
        if host.condition == Condition::Down {
            self.drop_packet(now, from, packet, DropCause::HostDown);
            return dropped(DropCause::HostDown);
        }
        let is_loopback = self.paths[path as usize].is_loopback();
        let left_at = if is_loopback { Some(now) } else { host.up.enqueue(now, packet.wire_len(), order) };
        let Some(sent) = left_at else {
            self.drop_packet(now, from, packet, DropCause::QueueFull);
            return dropped(DropCause::QueueFull);
        };
        match self.paths[path as usize].admit() {
            Ok(copies) => {
                let original = self.carry(now, path, packet, sent, order);
                let copy = (copies == Copies::Two).then(|| self.duplicate(now, path, packet, sent));
                Sent { original, copy }
            }
            Err(cause) => {
                self.drop_packet(now, from, packet, cause);
                dropped(cause)
            }
        }
    }

    /// Puts a packet on a path, which it has entered at `sent`.
    #[inline]
    fn carry(&mut self, now: SimTime, path: u32, packet: &Packet, sent: SimTime, order: u64) -> Fate {
        let entry = &mut self.paths[path as usize];
        let Passage { at, lane, is_corrupt } = entry.pass(sent);
        if entry.is_ahead(&self.in_flight, lane, at) {
            self.hosts[entry.from as usize].stats.reordered += 1;
        }
        if self.in_flight.push(entry.lane_mut(lane), Scheduled { at, order }, packet, is_corrupt) {
            self.queue.push(at, order, Due::Path(path, lane));
        }
        self.trace_packet(now, packet, 0);
        if is_corrupt { Fate::Corrupt } else { Fate::Flying }
    }

    /// Puts a copy of a packet on a path. The copy meets the faults of the path by itself, but is not duplicated again
    /// (`netem_enqueue`, which enqueues the copy anew with duplication switched off).
    fn duplicate(&mut self, now: SimTime, path: u32, packet: &Packet, sent: SimTime) -> Fate {
        let order = self.queue.next_order();
        let entry = &mut self.paths[path as usize];
        let from = HostId(entry.from);
        let is_lost = entry.loses();
        self.hosts[from.index()].stats.record_duplicated(packet);
        if is_lost {
            self.drop_packet(now, from, packet, DropCause::Loss);
            return Fate::Dropped(DropCause::Loss);
        }
        self.carry(now, path, packet, sent, order)
    }

    /// Drops the packets that a host has not finished sending, and returns them.
    pub(crate) fn drop_unsent(&mut self, now: SimTime, host: HostId) -> Vec<Packet> {
        let Some(order) = self.hosts[host.index()].up.stop(now) else { return Vec::new() };
        let mut unsent = Vec::new();
        for index in 0..self.paths.len() as u32 {
            let path = &mut self.paths[index as usize];
            // What is on the loopback has left.
            if path.from != host.0 || path.is_loopback() {
                continue;
            }
            let overtaken = self.in_flight.first(path.lane(Lane::Overtaken));
            for lane in Lane::ALL {
                unsent.extend(self.in_flight.take_from(path.lane_mut(lane), order));
            }
            path.ends_with(self.in_flight.last(path.lane(Lane::InOrder)).map(|last| last.at));
            // The lane of the overtaken is not in the order of sending: its first packet may be one that never left.
            self.schedule_first(index, Lane::Overtaken, overtaken);
        }
        unsent.sort_unstable_by_key(|&(order, _)| order);
        let unsent: Vec<Packet> = unsent.into_iter().map(|(_, packet)| packet).collect();
        unsent.iter().for_each(|packet| self.drop_packet(now, host, packet, DropCause::HostDown));
        unsent
    }

    /// Handles the arrival of the first packet of a path's lane at the receiver's downlink. The host's processing time is added here to
    /// the instant at which the downlink will have sent the packet, so that it needs no event of its own. Returns the packet if it has
    /// reached the stack at once or is to be dropped.
    #[inline]
    pub(crate) fn handle_path(&mut self, now: SimTime, path: u32, lane: Lane) -> Option<Arrival> {
        let scheduled = self.queue.peek_order();
        let entry = &mut self.paths[path as usize];
        let (to, is_loopback) = (HostId(entry.to), entry.is_loopback());
        let queue = entry.lane_mut(lane);
        let head = self.in_flight.head(*queue).filter(|&(order, _)| Some(order) == scheduled);
        let Some((_, wire_len)) = head else {
            // The packet for which the event was scheduled never left its host, or changed its lane, or is not the first any more.
            self.queue.finish(None);
            return None;
        };
        if is_loopback {
            let packet = self.take_first(path, lane)?;
            return Some(Arrival { to, packet, dropped: None });
        }
        let order = self.queue.next_order();
        let host = &mut self.hosts[to.index()];
        let Some(received) = host.down.enqueue(now, wire_len, order) else {
            let packet = self.take_first(path, lane)?;
            return Some(Arrival { to, packet, dropped: Some(DropCause::QueueFull) });
        };
        let at = host.take_up(received, self.host_time);
        if at == now && self.in_flight.first(host.arriving).is_none() {
            let packet = self.take_first(path, lane)?;
            return Some(Arrival { to, packet, dropped: None });
        }
        let alone = self.in_flight.forward(queue, &mut host.arriving, Scheduled { at, order });
        self.queue.finish(self.in_flight.first(*queue));
        if alone {
            self.queue.push(at, order, Due::Downlink(to.0));
        }
        None
    }

    /// Takes the first packet off a path's lane, and its event off the event queue.
    fn take_first(&mut self, path: u32, lane: Lane) -> Option<Packet> {
        let queue = self.paths[path as usize].lane_mut(lane);
        let packet = self.in_flight.pop(queue);
        self.queue.finish(self.in_flight.first(*queue));
        packet
    }

    /// Handles the arrival of a downlink's first packet at the host's stack, and returns the packet.
    #[inline]
    pub(crate) fn handle_downlink(&mut self, to: u32) -> Option<Packet> {
        let host = &mut self.hosts[to as usize];
        let packet = self.in_flight.pop(&mut host.arriving);
        self.queue.finish(self.in_flight.first(host.arriving));
        packet
    }

    /// Counts and traces a packet that its receiver takes.
    #[inline]
    pub(crate) fn deliver(&mut self, now: SimTime, to: HostId, packet: &Packet) {
        self.trace.add(now.as_nanos());
        self.hosts[to.index()].stats.record_received(packet);
    }

    /// Counts and traces a packet of the host `from` that is dropped.
    pub(crate) fn drop_packet(&mut self, now: SimTime, from: HostId, packet: &Packet, cause: DropCause) {
        self.trace_packet(now, packet, cause as u64 + 1);
        self.hosts[from.index()].stats.record_dropped(packet, cause);
    }

    fn trace_packet(&mut self, now: SimTime, packet: &Packet, outcome: u64) {
        let head = u64::from(packet.slot) << 32
            | (packet.side().index() as u64) << 31
            | outcome << 28
            | u64::from(packet.flags.bits()) << 16
            | u64::from(packet.wire_len());
        self.trace.add(now.as_nanos());
        self.trace.add(head);
        self.trace.add(packet.seq ^ packet.ack.rotate_left(32));
    }
}

/// Returns the path of a host to itself.
const fn loopback() -> PathConfig {
    PathConfig::new(DelayRange::fixed(LOOPBACK_DELAY), Probability::NEVER)
}

/// Returns the path that the delays and losses of two hosts imply: the longer delay and the higher loss of the two.
fn plain(from: &Host, to: &Host) -> PathConfig {
    let longer = |host: &&Host| (host.delay.max(), host.delay.min());
    let delay = if longer(&from) >= longer(&to) { from.delay } else { to.delay };
    PathConfig::new(delay, from.loss.max(to.loss))
}

/// Returns the path that two hosts imply, with what the rules of both say of it, of which the later hold.
fn between(from: &Host, to: &Host) -> PathConfig {
    let path = plain(from, to);
    if from.path_rules.is_empty() && to.path_rules.is_empty() {
        return path;
    }
    PathRule::together(from.path_rules.iter().chain(&to.path_rules).copied()).applied(path)
}
