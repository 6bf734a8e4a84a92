//! Snapshots: the state of the engine at one virtual instant, for screens and reports.

mod faults;
mod health;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{
    Activity, ConnectionSample, ConnectionStats, DropCause, HostConfig, HostStats, LinkQueue, PacketKind, PacketRecord,
    RateSeries, WireSince,
};
use p2p_store::manifest::NodeNumber;
use p2p_store::namespace::Namespace;
use p2p_store::segment::SegmentId;
use p2p_store::standing::Trouble;
use serde::Serialize;

use super::connection_history::ConnectionHistory;
use super::status::{Direction, TransferReport, TransferState, TransferStatus};
use crate::faults::ActiveFault;
use crate::node::ProcessState;
use crate::node::health::PeerHealth;
use crate::pace::PaceStatus;

pub use self::health::{HealthMatrix, HealthReport};
pub use super::peer::Peer;

/// Bytes that passed a host's access link in each of the latest whole virtual seconds, counted in whole packets.
///
/// While time stands still ([`PaceStatus::actual`] is `None`), the last value is that of the second before it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkRates {
    /// Bytes sent per second.
    pub up: RateSeries,
    /// Bytes received per second.
    pub down: RateSeries,
}

/// Queues of a host's access link at the instant of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkQueues {
    /// Packets that wait to be sent.
    pub up: LinkQueue,
    /// Packets that wait for the host to receive them.
    pub down: LinkQueue,
}

impl LinkQueues {
    /// Returns the number of packets that wait in both.
    pub fn packets(&self) -> usize {
        self.up.packets + self.down.packets
    }
}

/// Status of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStatus {
    /// Number of the node.
    pub node: NodeNumber,
    /// IPv4 address of the node.
    pub address: Ipv4Addr,
    /// State of the node's process.
    pub state: ProcessState,
    /// Trouble with the node's disk, if any.
    pub trouble: Option<Trouble>,
    /// Health of the node as the client's probes see it.
    pub seen: PeerHealth,
    /// Capacity of the node in bytes.
    pub capacity_bytes: u64,
    /// Bytes of the segments that the node holds; `None` for whom may not see the usage.
    pub used_bytes: Option<u64>,
    /// Number of segments that the node holds; `None` for whom may not see the usage.
    pub segments: Option<u64>,
    /// Number of connections to the node.
    pub connections: usize,
    /// Number of requests that the node has accepted and not answered.
    pub open_requests: u32,
    /// Bytes sent by the node, counted in whole packets.
    pub bytes_sent: u64,
    /// Bytes received by the node, counted in whole packets.
    pub bytes_received: u64,
    /// Bytes sent and received per second in the last ten minutes; of more than 33 nodes, in fewer seconds, but at least a minute.
    pub rates: LinkRates,
    /// Queues of the node's access link.
    pub queues: LinkQueues,
}

/// Totals of files, segments and capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StorageStats {
    /// Number of stored files.
    pub files: u64,
    /// Total size of the stored files in bytes.
    pub file_bytes: u64,
    /// Number of segments on all nodes.
    pub segments: u64,
    /// Total size of the segments in bytes.
    pub used_bytes: u64,
    /// Total capacity of all nodes in bytes.
    pub capacity_bytes: u64,
    /// Free bytes on nodes that take segments, without those that are reserved for uploads under way.
    pub free_bytes: u64,
    /// Number of nodes that take no segments: because of their disks, because they are dead, or because they stop.
    pub closed_nodes: u64,
    /// Number of segments that files need and that were not on their nodes' disks at the start.
    pub missing_segments: u64,
    /// Number of segments that no file references, on nodes that could not be told yet to delete them.
    pub owed_deletions: u64,
    /// Number of segments that no file references on volumes that another catalog has written to; they are not deleted.
    pub unknown_segments: u64,
}

/// Files of one user, and the quota. What is stored once for several users counts for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Number of stored files.
    pub files: u64,
    /// Total size of the stored files in bytes.
    pub file_bytes: u64,
    /// Total size in bytes of the files that are being stored.
    pub arriving_bytes: u64,
    /// Bytes that all these may have together; `None` without a limit.
    pub quota_bytes: Option<u64>,
}

impl Usage {
    /// Returns the bytes that are left of the quota, if there is one.
    pub fn left(&self) -> Option<u64> {
        Some(self.quota_bytes?.saturating_sub(self.file_bytes.saturating_add(self.arriving_bytes)))
    }
}

/// Segments of a node that no file references and that are never removed automatically.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphans {
    /// Number of the node.
    pub node: NodeNumber,
    /// Trouble because of which the volume is not changed; `None` if the volume was adopted with its content.
    pub trouble: Option<Trouble>,
    /// Identifiers and lengths of the segments.
    pub segments: Vec<(SegmentId, u64)>,
    /// Segments there that files need on other nodes, as after the disks of two nodes were swapped. They are never freed.
    pub needed_elsewhere: Vec<(SegmentId, u64)>,
}

/// Host with its address and links.
#[derive(Debug, Clone, PartialEq)]
pub struct HostStatus {
    /// Peer that the host is.
    pub peer: Peer,
    /// IPv4 address of the host.
    pub address: Ipv4Addr,
    /// Links of the host and the path to it.
    pub link: HostConfig,
}

/// All hosts and their links.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    /// Hosts of the subnet, the client first.
    pub hosts: Vec<HostStatus>,
}

/// Returns the name of a kind of packet on screens and in reports. The datagrams of this network are all health probes and their
/// answers.
pub const fn kind_name(kind: PacketKind) -> &'static str {
    match kind {
        PacketKind::Datagram => "HEALTH_CHECK",
        of_tcp => of_tcp.name(),
    }
}

/// Counters of the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkStats {
    /// Totals over all hosts.
    pub total: HostStats,
    /// Counters of each host: the client first, then the nodes.
    pub hosts: Vec<(Peer, HostStats)>,
    /// Number of packets in flight.
    pub in_transit: u64,
    /// Queues of the client's access link, in which all that it sends and receives waits.
    pub client_queues: LinkQueues,
}

impl NetworkStats {
    /// Returns the number of packets of one kind that were sent.
    pub fn sent(&self, kind: PacketKind) -> u64 {
        self.total.sent[kind]
    }

    /// Returns the number of packets that were dropped for one cause.
    pub fn dropped(&self, cause: DropCause) -> u64 {
        self.total.dropped[cause]
    }
}

/// Status of the end of a connection to a node at the host that has opened it: the client, or the node that carries a transfer.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionStatus {
    /// Host that has opened the connection.
    pub host: Peer,
    /// Node at the other end, which may be that of the host itself.
    pub node: NodeNumber,
    /// Address and port of the host.
    pub local: SocketAddrV4,
    /// Address and port of the node.
    pub remote: SocketAddrV4,
    /// State, windows and times of the connection.
    pub sample: ConnectionSample,
    /// Arrival times of the latest packets from the node and of the latest progress.
    pub activity: Activity,
    /// Counters of the connection.
    pub stats: ConnectionStats,
    /// State of the node's end; `None` if it does not have one yet, or any more.
    pub peer: Option<ConnectionSample>,
    /// Recent states of the host's end, which sends uploads; empty unless the wire is watched.
    pub sent: ConnectionHistory,
    /// Recent states of the node's end, which sends downloads; empty unless the wire is watched.
    pub received: ConnectionHistory,
}

/// Transfers that are over, counted by their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// Number of transfers that have finished successfully.
    pub done: u64,
    /// Number of transfers that have failed.
    pub failed: u64,
    /// Number of transfers that were cancelled.
    pub cancelled: u64,
    /// Number of uploads that are kept, or were when they ended.
    pub parked: u64,
}

impl Ended {
    /// Counts a transfer that is over; one that is not counts nowhere.
    pub fn count(&mut self, state: TransferState) {
        match state {
            TransferState::Done => self.done += 1,
            TransferState::Failed => self.failed += 1,
            TransferState::Cancelled => self.cancelled += 1,
            TransferState::Parked => self.parked += 1,
            TransferState::Running
            | TransferState::Waiting
            | TransferState::Idle
            | TransferState::Committing
            | TransferState::Parking
            | TransferState::Undoing => {}
        }
    }

    /// Returns the number of all of them.
    pub const fn all(&self) -> u64 {
        self.done + self.failed + self.cancelled + self.parked
    }
}

/// State of the engine at one virtual instant, in parts.
///
/// The parts that cost more than a reply are shared: a snapshot that follows another one within a few milliseconds of the wall clock
/// has the figures of that one and its reports of running transfers, unless a caller [asks](crate::EngineHandle::snapshot) for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Virtual instant of the snapshot.
    pub at: SimTime,
    /// Speed at which virtual time passes, and the one that was asked for.
    pub pace: PaceStatus,
    /// The latest finished transfers, and after them the running ones.
    pub transfers: Vec<Arc<TransferReport>>,
    /// Earlier transfers, which are over and no longer remembered one by one, by the user who began them.
    pub ended: Arc<BTreeMap<Option<String>, Ended>>,
    /// Name of the copy of the catalog in the data directory, if the catalog had an older format at the start.
    pub kept_copy: Option<String>,
    /// Stored files and directories, by owner and path.
    pub files: Namespace,
    /// Faults that are on, by target.
    pub faults: Arc<[ActiveFault]>,
    /// Figures of the nodes and of the network.
    pub figures: Arc<Figures>,
}

/// State of the capture of packets to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureState {
    /// No capture is running.
    Off,
    /// Packets are being captured.
    Runs,
    /// The capture has ended by itself, and the reason has not been asked for yet.
    EndedEarly,
}

/// Figures of a snapshot: what nodes, links and connections are at one virtual instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Virtual instant of the figures.
    pub at: SimTime,
    /// Status of the nodes.
    pub nodes: Vec<NodeStatus>,
    /// Totals of files, segments and capacity.
    pub storage: StorageStats,
    /// Counters of the network.
    pub network: NetworkStats,
    /// Health of the hosts as seen by each other.
    pub health: HealthMatrix,
    /// Bytes that have passed the client's access link: up and down.
    pub client_bytes: (u64, u64),
    /// Bytes per second on the client's access link in the last ten minutes.
    pub client_rates: LinkRates,
    /// Open connections of the client.
    pub connections: Vec<ConnectionStatus>,
    /// Latest packets on the wire, oldest first, while the wire is watched: those of connections, what became of earlier ones, and
    /// datagrams.
    pub wire: Vec<PacketRecord>,
    /// Instants from which on these are complete.
    pub wire_since: WireSince,
    /// Number of packets since the watch began.
    pub wire_seen: u64,
    /// State of the capture of packets to a file.
    pub capture: CaptureState,
    /// All hosts and their links.
    pub topology: Topology,
}

impl Snapshot {
    /// Returns the transfers that are not over.
    pub fn running(&self) -> impl DoubleEndedIterator<Item = &TransferStatus> {
        self.transfers.iter().map(|report| &report.status).filter(|status| !status.state.is_over())
    }

    /// Returns how the transfers have ended that are no longer remembered one by one.
    pub fn earlier(&self) -> Ended {
        let add = |all: Ended, one: &Ended| Ended {
            done: all.done + one.done,
            failed: all.failed + one.failed,
            cancelled: all.cancelled + one.cancelled,
            parked: all.parked + one.parked,
        };
        self.ended.values().fold(Ended::default(), add)
    }

    /// Returns the bytes per second of all running transfers of a direction together, and the span over which they are: what has arrived of each in its whole seconds, over the
    /// longest span over which one of them is measured, the last ten seconds at the most. Their own rates are not to be added, since each of them is over
    /// a span of its own.
    pub fn rate_of_all(&self, direction: Direction) -> (f64, SimDuration) {
        // Of what is undone nothing is sent any more.
        let is_sent = |status: &&TransferStatus| status.state != TransferState::Undoing;
        let running = self.running().filter(|status| status.direction == direction).filter(is_sent);
        let (mut bytes, mut span) = (0.0, SimDuration::ZERO);
        for status in running {
            bytes += status.rate_bytes_per_second.unwrap_or_default() * status.rate_span.as_secs_f64();
            span = span.max(status.rate_span);
        }
        (if span > SimDuration::ZERO { bytes / span.as_secs_f64() } else { 0.0 }, span)
    }
}
