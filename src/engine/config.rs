//! What an engine is made of: hosts, links, sizes and rates, all resolved. Knows nothing of files in which that is written.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::disk_model::DiskSpeed;
use super::pace::Speed;
use crate::net::{HostConfig, TcpConfig};
use crate::node::health::HealthConfig;
use crate::storage::placement::PlacementPolicy;
use crate::storage::segment::SegmentSize;
use crate::units::{ByteSize, DelayRange, SimDuration};

/// Whether time passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockMode {
    /// Only while a command waits for something: what is asked, and nothing else, decides the run. For scripts and one-shot
    /// commands.
    OnDemand,
    /// Always, unless it is paused. For sessions that somebody watches.
    Running,
}

/// A host: its address and its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSpec {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its links and the way to it.
    pub link: HostConfig,
}

/// A node: a host that stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Where it is.
    pub host: HostSpec,
    /// How much it may store.
    pub capacity: ByteSize,
}

/// Everything that an engine is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineConfig {
    /// The chances of the run.
    pub seed: u64,
    /// Where catalog and disks are.
    pub data_dir: PathBuf,
    /// Whether time passes by itself.
    pub clock: ClockMode,
    /// How fast.
    pub speed: Speed,
    /// The host that uploads and downloads.
    pub client: HostSpec,
    /// The nodes, `Node_01` first.
    pub nodes: Vec<NodeSpec>,
    /// How long a host takes to hand a packet from its downlink to its stack.
    pub host_time: DelayRange,
    /// TCP at every host.
    pub tcp: TcpConfig,
    /// After how much silence the client closes a connection that it does not need; zero for never.
    pub idle_timeout: SimDuration,
    /// Probes.
    pub health: HealthConfig,
    /// How large a segment is.
    pub segment_size: SegmentSize,
    /// Who gets which segment.
    pub placement: PlacementPolicy,
    /// How fast the nodes' disks are in virtual time.
    pub disk: DiskSpeed,
    /// How much memory all transfers together may use for segments on their way.
    pub memory: ByteSize,
}
