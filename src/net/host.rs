//! A host: an address, an access link up and down, the ports that it listens on.
//!
//! Knows nothing of connections, which belong to the network.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::in_flight::PacketQueue;
use super::link::{DEFAULT_QUEUE_PACKETS, Link, LinkConfig};
use super::stats::HostStats;
use crate::random::RandomStream;
use crate::units::{Bandwidth, DelayRange, Probability, SimTime};

/// The first and the last port that a host gives to its own end of a connection (Linux `ip_local_port_range`).
const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// Names a host of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(crate) u32);

impl HostId {
    /// Its place among the hosts, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a host and the way to it are like. Where two hosts differ, the longer delay and the higher loss hold between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostConfig {
    /// Its access link towards the network.
    pub up: LinkConfig,
    /// Its access link from the network.
    pub down: LinkConfig,
    /// How long a packet travels to or from it.
    pub delay: DelayRange,
    /// How likely a packet to or from it is lost.
    pub loss: Probability,
}

impl HostConfig {
    /// The same bandwidth up and down, with queues of 100 packets.
    pub const fn symmetric(bandwidth: Bandwidth, delay: DelayRange, loss: Probability) -> HostConfig {
        let link = LinkConfig { bandwidth, queue_packets: DEFAULT_QUEUE_PACKETS };
        HostConfig { up: link, down: link, delay, loss }
    }
}

/// Whether a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Condition {
    /// It does.
    #[default]
    Up,
    /// It is there, but nothing listens: every connection is refused.
    Refusing,
    /// It is silent, as after a power loss.
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
    pub(crate) condition: Condition,
    pub(crate) listening: BTreeSet<u16>,
    next_port: u16,
    pub(crate) stats: HostStats,
    host_times: RandomStream,
    /// When the packet taken up last reached, or will reach, the stack.
    taken_up: SimTime,
}

impl Host {
    /// The host that is the `number`th of a run with `seed`.
    pub(crate) fn new(seed: u64, number: u32, address: Ipv4Addr, config: &HostConfig) -> Host {
        Host {
            address,
            up: Link::new(config.up),
            down: Link::new(config.down),
            arriving: PacketQueue::default(),
            delay: config.delay,
            loss: config.loss,
            condition: Condition::Up,
            listening: BTreeSet::new(),
            next_port: *EPHEMERAL_PORTS.start(),
            stats: HostStats::default(),
            host_times: RandomStream::new(seed, &format!("host time {number}")),
            taken_up: SimTime::ZERO,
        }
    }

    /// When a packet whose last bit has left the downlink at `received` reaches the stack: a time of the host's own later
    /// (interrupt, scheduling), but never before an earlier packet. A delay and no service: packets do not wait for one
    /// another's.
    pub(crate) fn take_up(&mut self, received: SimTime, host_time: DelayRange) -> SimTime {
        self.taken_up = self.taken_up.max(received + self.host_times.delay(host_time));
        self.taken_up
    }

    pub(crate) fn config(&self) -> HostConfig {
        HostConfig { up: self.up.config(), down: self.down.config(), delay: self.delay, loss: self.loss }
    }

    /// A port for this host's end of a connection. They go round; 28,232 connections later one comes again.
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
    use crate::units::SimDuration;

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
