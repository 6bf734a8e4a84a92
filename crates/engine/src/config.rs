//! Configuration of an engine: hosts, links, sizes and rates, fully resolved. Independent of the format of configuration files.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use p2p_base::units::{ByteSize, DelayRange, SimDuration};
use p2p_net::{HostConfig, TcpConfig};
use p2p_store::placement::PlacementPolicy;
use p2p_store::segment::SegmentSize;
use serde::{Deserialize, Serialize};

use super::disk_model::DiskSpeed;
use super::pace::Speed;
use crate::node::health::HealthConfig;

/// Condition under which virtual time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockMode {
    /// Virtual time passes only while a command waits for a result, so that the commands alone determine the run. For scripts
    /// and one-shot commands.
    OnDemand,
    /// Virtual time always passes unless it is paused. For interactive use.
    Running,
}

/// Host of the network: its address and its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSpec {
    /// IPv4 address of the host.
    pub address: Ipv4Addr,
    /// Links of the host and the path to it.
    pub link: HostConfig,
}

/// Storage node: a host with a capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Address and links of the node.
    pub host: HostSpec,
    /// Capacity of the node.
    pub capacity: ByteSize,
}

/// Bounds on the time of the wall clock for which virtual time waits for clients that are slower than the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Longest time for which a client is waited for that gives or takes nothing.
    pub client: Duration,
    /// Time for which others may have waited for clients beyond that for which they have not: a short transfer does not suffer from a
    /// machine on which others are busy.
    pub others: Duration,
}

impl Default for Patience {
    /// Returns 100 ms a client, and one second beside others.
    fn default() -> Patience {
        Patience { client: Duration::from_millis(100), others: Duration::from_secs(1) }
    }
}

/// Complete configuration with which an engine is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineConfig {
    /// Seed of the run's random numbers.
    pub seed: u64,
    /// Directory of the catalog and of the nodes' disks.
    pub data_dir: PathBuf,
    /// Condition under which virtual time passes.
    pub clock: ClockMode,
    /// Speed of virtual time.
    pub speed: Speed,
    /// Host that uploads and downloads.
    pub client: HostSpec,
    /// The nodes, `Node_01` first.
    pub nodes: Vec<NodeSpec>,
    /// Time that a host takes to hand a packet from its downlink to its stack.
    pub host_time: DelayRange,
    /// TCP settings of every host.
    pub tcp: TcpConfig,
    /// Idle time after which the client closes an unused connection; zero for never.
    pub idle_timeout: SimDuration,
    /// Settings of the health probes.
    pub health: HealthConfig,
    /// Size of a segment.
    pub segment_size: SegmentSize,
    /// Policy that assigns segments to nodes.
    pub placement: PlacementPolicy,
    /// Speed of the nodes' disks in virtual time.
    pub disk: DiskSpeed,
    /// Memory that all transfers together may use for segments in flight.
    pub memory: ByteSize,
    /// Bytes that the files of one user may have, with those that are being stored; `None` without a limit.
    pub quota: Option<ByteSize>,
    /// Time of the wall clock for which virtual time waits for clients. No part of a recording: it changes what clients do when, which is
    /// recorded itself.
    #[serde(skip)]
    pub patience: Patience,
}

/// Shortest time for which a node lets an answer be unacknowledged. RFC 9293 §3.8.3 asks for 100 s at least (SHLD-11).
const ANSWER_UNACKNOWLEDGED: SimDuration = SimDuration::from_secs(120);

impl EngineConfig {
    /// Returns the TCP settings of the connections that a node accepts. The acknowledgement of its answer travels behind all that the
    /// client has sent before: at a slow link with a full queue for a minute and more, during which requests arrive all the time. The
    /// node waits for nothing, so it has no reason to give up a connection as early as a client that waits for an answer.
    pub(super) fn accepted_tcp(&self) -> TcpConfig {
        TcpConfig { user_timeout: self.tcp.user_timeout.max(ANSWER_UNACKNOWLEDGED), ..self.tcp }
    }
}
