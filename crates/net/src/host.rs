//! A host: its address, its access link in both directions, and the ports that it listens on. Connections belong to the
//! network, not to the host.

use std::net::Ipv4Addr;

use p2p_base::random::RandomStream;
use p2p_base::units::{Bandwidth, DelayRange, Probability, SimTime};

use super::change::PathRule;
use super::in_flight::PacketQueue;
use super::link::{DEFAULT_QUEUE_PACKETS, Direction, Link, LinkConfig};
use super::stats::HostStats;

/// Range of ports that a host uses for its own end of a connection (Linux `ip_local_port_range`).
const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// Identifier of a host of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(crate) u32);

impl HostId {
    /// Returns the position of the host in the list of hosts, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A port of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The host.
    pub host: HostId,
    /// The port.
    pub port: u16,
}

/// Configuration of a host and its path to the network. Between two hosts the longer delay and the higher loss apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HostConfig {
    /// Access link from the host towards the network.
    pub up: LinkConfig,
    /// Access link from the network towards the host.
    pub down: LinkConfig,
    /// One-way delay of a packet to or from the host.
    pub delay: DelayRange,
    /// Probability that a packet to or from the host is lost.
    pub loss: Probability,
}

impl HostConfig {
    /// Returns a configuration with the same bandwidth up and down, and queues of 100 packets.
    pub const fn symmetric(bandwidth: Bandwidth, delay: DelayRange, loss: Probability) -> HostConfig {
        let link = LinkConfig { bandwidth, queue_packets: DEFAULT_QUEUE_PACKETS };
        HostConfig { up: link, down: link, delay, loss }
    }
}

/// Condition of a host: the way in which it answers, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Condition {
    /// The host runs normally.
    #[default]
    Up,
    /// The host runs, but no port is open: every connection to it is refused. The host itself may open connections.
    Refusing,
    /// The host does not answer, as after a power loss.
    Down,
}

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) address: Ipv4Addr,
    pub(crate) up: Link,
    pub(crate) down: Link,
    /// Packets in the downlink or on their way from it to the stack, in order.
    pub(crate) arriving: PacketQueue,
    pub(crate) delay: DelayRange,
    pub(crate) loss: Probability,
    /// Rules of all paths from and to the host.
    pub(crate) path_rules: Vec<PathRule>,
    pub(crate) condition: Condition,
    next_port: u16,
    pub(crate) stats: HostStats,
    host_times: RandomStream,
    /// Instant at which the latest packet reached, or will reach, the stack.
    taken_up: SimTime,
}

impl Host {
    /// Returns the host with the index `number` in a run with `seed`.
    pub(crate) fn new(seed: u64, number: u32, address: Ipv4Addr, config: &HostConfig) -> Host {
        Host {
            address,
            up: Link::new(config.up),
            down: Link::new(config.down),
            arriving: PacketQueue::default(),
            delay: config.delay,
            loss: config.loss,
            path_rules: Vec::new(),
            condition: Condition::Up,
            next_port: *EPHEMERAL_PORTS.start(),
            stats: HostStats::default(),
            host_times: RandomStream::new(seed, &format!("host time {number}")),
            taken_up: SimTime::ZERO,
        }
    }

    /// Returns the instant at which a packet whose last bit left the downlink at `received` reaches the stack: later by a
    /// time of the host's own (interrupt, scheduling), but never before an earlier packet. The time is a delay and not a
    /// service time: packets do not queue for it.
    pub(crate) fn take_up(&mut self, received: SimTime, host_time: DelayRange) -> SimTime {
        self.taken_up = self.taken_up.max(received + self.host_times.delay(host_time));
        self.taken_up
    }

    /// Takes notice that the last packet on its way to the stack is due at another instant.
    pub(crate) fn takes_up_last(&mut self, at: SimTime) {
        self.taken_up = at;
    }

    /// Returns one direction of the access link.
    pub(crate) fn link(&self, direction: Direction) -> &Link {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// Returns one direction of the access link, to be changed.
    pub(crate) fn link_mut(&mut self, direction: Direction) -> &mut Link {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }

    pub(crate) fn config(&self) -> HostConfig {
        HostConfig { up: self.up.config(), down: self.down.config(), delay: self.delay, loss: self.loss }
    }

    /// Returns a port for this host's end of a connection. Ports are used in rotation and repeat after 28,232 connections.
    pub(crate) fn take_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = if port == *EPHEMERAL_PORTS.end() { *EPHEMERAL_PORTS.start() } else { port + 1 };
        port
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use p2p_base::units::SimDuration;

    fn host(seed: u64, number: u32) -> Host {
        let link = HostConfig::symmetric(Bandwidth::UNLIMITED, "1ms".parse().unwrap(), Probability::NEVER);
        Host::new(seed, number, Ipv4Addr::LOCALHOST, &link)
    }

    #[test]
    fn each_host_has_times_of_its_own() {
        let range = "20us..100us".parse().unwrap();
        let take_up = |seed, number| host(seed, number).take_up(SimTime::ZERO, range);
        assert_eq!(take_up(1, 0), take_up(1, 0));
        assert_ne!(take_up(1, 0), take_up(1, 1));
        assert_ne!(take_up(1, 0), take_up(2, 0));
    }

    proptest! {
        #[test]
        fn a_packet_waits_its_own_time_and_passes_no_other(
            gaps in proptest::collection::vec(0u64..200_000, 1..200), seed: u64,
        ) {
            let range: DelayRange = "20us..100us".parse().unwrap();
            let (mut host, mut received, mut last) = (host(seed, 0), SimTime::ZERO, SimTime::ZERO);
            for gap in gaps {
                received += SimDuration::from_nanos(gap);
                let at = host.take_up(received, range);
                prop_assert!(at >= last && at >= received + range.min());
                prop_assert!(at <= last.max(received + range.max()), "longer than its own time and behind nobody");
                prop_assert_eq!(host.take_up(SimTime::ZERO, DelayRange::fixed(SimDuration::ZERO)), at);
                last = at;
            }
        }
    }
}
