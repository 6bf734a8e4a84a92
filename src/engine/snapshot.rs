//! How everything stands at one virtual instant: what screens draw and reports print. Knows nothing of either.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::transfer::{TransferReport, TransferStatus};
use crate::net::{
    Activity, ConnectionSample, ConnectionStats, DropCause, HostConfig, HostStats, PacketKind, PacketRecord, RateSeries,
};
use crate::node::ProcessState;
use crate::node::health::PeerHealth;
use crate::storage::manifest::{FileKey, FileRecord, NodeNumber};
use crate::storage::segment::SegmentId;
use crate::storage::standing::Trouble;
use crate::units::SimTime;

/// A host of the network: the client, or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Party {
    /// The host that uploads and downloads.
    Client,
    /// A node.
    Node(NodeNumber),
}

/// `client`, `Node_01`.
impl std::fmt::Display for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Party::Client => f.pad("client"),
            Party::Node(node) => node.fmt(f),
        }
    }
}

/// Bytes that passed a host's access link in each of the latest whole virtual seconds, whole packets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkRates {
    /// What it sent.
    pub up: RateSeries,
    /// What it received.
    pub down: RateSeries,
}

/// How a node stands.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStatus {
    /// Which one.
    pub node: NodeNumber,
    /// Its address.
    pub address: Ipv4Addr,
    /// What its process does.
    pub state: ProcessState,
    /// Why it does not run, where something is wrong with its disk.
    pub trouble: Option<Trouble>,
    /// What the client's probes say of it.
    pub seen: PeerHealth,
    /// Bytes that it may hold.
    pub capacity_bytes: u64,
    /// Bytes that it holds.
    pub used_bytes: u64,
    /// Segments that it holds.
    pub segments: u64,
    /// Connections that it has.
    pub connections: usize,
    /// Requests that it has taken and not answered.
    pub open_requests: u32,
    /// Bytes that it has sent, whole packets.
    pub bytes_sent: u64,
    /// Bytes that it has received, whole packets.
    pub bytes_received: u64,
    /// The same by the second, of the last half minute.
    pub rates: LinkRates,
    /// Packets that wait in its uplink and downlink.
    pub queued_packets: (usize, usize),
}

/// Files, segments and room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StorageStats {
    /// Stored files.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Segments on all nodes.
    pub segments: u64,
    /// Their bytes.
    pub used_bytes: u64,
    /// Bytes that all nodes may hold.
    pub capacity_bytes: u64,
    /// Bytes that still fit, on nodes whose disks are in no trouble.
    pub free_bytes: u64,
    /// Segments that files need and that were not on their nodes' disks at the start.
    pub missing_segments: u64,
    /// Segments that no file needs, on nodes that could not be told yet to delete them.
    pub owed_deletions: u64,
    /// Segments that no file needs, on volumes that another catalog has written to: they are left alone.
    pub unknown_segments: u64,
}

/// Segments of a node that no file needs and that nothing removes by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphans {
    /// Which node.
    pub node: NodeNumber,
    /// Why its volume is left alone; none where it has been taken over as it was.
    pub trouble: Option<Trouble>,
    /// The segments and their lengths.
    pub segments: Vec<(SegmentId, u64)>,
    /// Segments there that files need on other nodes: the disks of two nodes may have been swapped. They stay.
    pub needed_elsewhere: Vec<(SegmentId, u64)>,
}

/// A host and its links.
#[derive(Debug, Clone, PartialEq)]
pub struct HostStatus {
    /// Who it is.
    pub party: Party,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its links and the way to it.
    pub link: HostConfig,
}

/// Hosts and links.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    /// The subnet's hosts: the client first.
    pub hosts: Vec<HostStatus>,
}

/// What the network has counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkStats {
    /// All hosts together.
    pub total: HostStats,
    /// Each host: the client first, then the nodes.
    pub hosts: Vec<(Party, HostStats)>,
    /// Packets on their way.
    pub in_transit: u64,
}

impl NetworkStats {
    /// Packets sent, of one kind.
    pub fn sent(&self, kind: PacketKind) -> u64 {
        self.total.sent[kind]
    }

    /// Packets that did not arrive, by one cause.
    pub fn dropped(&self, cause: DropCause) -> u64 {
        self.total.dropped[cause]
    }
}

/// What a host's probes found, of each of the others.
pub type HealthMatrix = BTreeMap<Party, BTreeMap<Party, PeerHealth>>;

/// What a check of everybody's health found.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthReport {
    /// Who saw what of whom.
    pub matrix: HealthMatrix,
}

impl HealthReport {
    /// What the client saw of a node.
    pub fn of_node(&self, node: NodeNumber) -> PeerHealth {
        let seen = self.matrix.get(&Party::Client).and_then(|row| row.get(&Party::Node(node)));
        seen.copied().unwrap_or_default()
    }
}

/// The client's end of a connection to a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConnectionStatus {
    /// The node.
    pub node: NodeNumber,
    /// The client's address and port.
    pub local: SocketAddrV4,
    /// The node's.
    pub remote: SocketAddrV4,
    /// Its state, windows and times.
    pub sample: ConnectionSample,
    /// When the client last heard of the node on it, and of progress.
    pub activity: Activity,
    /// What it has counted.
    pub stats: ConnectionStats,
}

/// How everything stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The virtual instant.
    pub at: SimTime,
    /// How fast time passes, in words: `1x`, `max`.
    pub speed: String,
    /// Time stands still.
    pub paused: bool,
    /// The nodes.
    pub nodes: Vec<NodeStatus>,
    /// Transfers that run, and the latest that are over.
    pub transfers: Vec<Arc<TransferReport>>,
    /// Files, segments and room.
    pub storage: StorageStats,
    /// What the network has counted.
    pub network: NetworkStats,
    /// Who saw what of whom: of the first parties, where there are very many.
    pub health: HealthMatrix,
    /// Bytes that have passed the client's access link: up and down.
    pub client_bytes: (u64, u64),
    /// The same by the second, of the last minute.
    pub client_rates: LinkRates,
    /// The client's connections.
    pub connections: Vec<ConnectionStatus>,
    /// The latest packets of the wire, oldest first, while it is watched.
    pub wire: Vec<PacketRecord>,
    /// How many packets there have been since it was watched.
    pub wire_seen: u64,
    /// Hosts and links.
    pub topology: Topology,
    /// The stored files, by owner and name.
    pub files: Arc<BTreeMap<FileKey, FileRecord>>,
}

impl Snapshot {
    /// The transfers that are not over.
    pub fn running(&self) -> impl DoubleEndedIterator<Item = &TransferStatus> {
        self.transfers.iter().map(|report| &report.status).filter(|status| !status.state.is_over())
    }
}
