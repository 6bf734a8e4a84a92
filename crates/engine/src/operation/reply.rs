//! Replies to operations, of any kind: how they travel within the engine until each has the type of its operation again.

use p2p_net::PacketRecord;
use p2p_store::manifest::{FileRecord, Manifest};
use p2p_store::namespace::Entry;

use super::{KeptUpload, NodeAnswer, SegmentFetched, SegmentStored};
use crate::faults::{ActiveFault, ClearedFaults};
use crate::snapshot::{ConnectionStatus, HealthReport, NetworkStats, NodeStatus, Orphans, StorageStats, Topology, Usage};
use crate::transfer::{TransferId, TransferReport, TransferStatus};

/// Reply to an operation of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Identifier of a transfer that has begun.
    Started(TransferId),
    /// Report of a transfer that is over: finished, failed or cancelled.
    Finished(Box<TransferReport>),
    /// Stored files, by owner and name.
    Files(Vec<FileRecord>),
    /// Entries of a directory, by name.
    Entries(Vec<Entry>),
    /// Uploads that are kept, by name.
    Uploads(Vec<KeptUpload>),
    /// Manifest of one stored file.
    Manifest(Box<Manifest>),
    /// Status of the nodes.
    Nodes(Vec<NodeStatus>),
    /// Number of files and segments, and capacity.
    Storage(StorageStats),
    /// Files of the caller, and the quota.
    Usage(Usage),
    /// Hosts and links of the network.
    Topology(Topology),
    /// Counters of the network.
    Network(Box<NetworkStats>),
    /// Transfers, oldest first.
    Transfers(Vec<TransferStatus>),
    /// Results of the probes.
    Health(HealthReport),
    /// Packets on the wire, oldest first.
    Packets(Vec<PacketRecord>),
    /// Connections of the client to nodes.
    Connections(Vec<ConnectionStatus>),
    /// Number of packets in a capture.
    Captured(u64),
    /// Segments that no file references, by node; if an action was taken, as they were before it.
    Orphans(Vec<Orphans>),
    /// Faults that are on, by target.
    Faults(Vec<ActiveFault>),
    /// Faults that were taken back, and those that could not be.
    Cleared(ClearedFaults),
    /// Segment that is stored on a node.
    SegmentStored(SegmentStored),
    /// Segment of a node.
    Segment(SegmentFetched),
    /// Sign of life of a node.
    NodeAnswer(NodeAnswer),
    /// Confirmation without further data.
    Done(()),
}
