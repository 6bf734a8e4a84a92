//! A host: an address, an access link up and down, the ports that it listens on.
//!
//! Knows nothing of connections, which belong to the network.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::in_flight::PacketQueue;
use super::link::{DEFAULT_QUEUE_PACKETS, Link, LinkConfig};
use super::stats::HostStats;
use crate::units::{Bandwidth, DelayRange, Probability};

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
    /// Packets in the downlink, in order.
    pub(crate) arriving: PacketQueue,
    pub(crate) delay: DelayRange,
    pub(crate) loss: Probability,
    pub(crate) condition: Condition,
    pub(crate) listening: BTreeSet<u16>,
    next_port: u16,
    pub(crate) stats: HostStats,
}

impl Host {
    pub(crate) fn new(address: Ipv4Addr, config: &HostConfig) -> Host {
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
        }
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
