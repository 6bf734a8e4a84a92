//! Read-only views of the state of the simulation, for snapshots and for answers to commands.

use std::cell::OnceCell;
use std::sync::Arc;

use p2p_base::units::ByteSize;
use p2p_net::{HostId, SECONDS_MAX};
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::namespace::Namespace;
use p2p_store::segment::SegmentId;
use p2p_store::uploads::UploadId;

use super::open::name_of_copy;
use super::running::Running;
use super::{Capturing, Simulation};
use crate::gauge::TrafficByHost;
use crate::known_host::known;
use crate::pace::PaceStatus;
use crate::peer::Peer;
use crate::policy::{Facts, Starter};
use crate::snapshot::{
    CaptureState, ConnectionStatus, Figures, HealthMatrix, HealthReport, HostStatus, LinkQueues, LinkRates, NetworkStats,
    NodeStatus, Snapshot, StorageStats, Topology, Usage,
};
use crate::transfer::{Direction, TransferId, TransferReport, TransferStatus};
use crate::world::{Host, NodeHost};

/// Number of packets of each kind in a snapshot: more than a screen shows, so that a filter has some to choose from.
const SNAPSHOT_PACKETS_MAX: usize = 2_000;

/// Number of seconds of the rates of all nodes together that are told: the last ten minutes of up to 33 nodes.
const NODE_SECONDS_IN_ALL: usize = 20_000;
/// Number of seconds of the rates of each node that are told of very many.
const NODE_SECONDS_MIN: usize = 60;

impl Simulation {
    /// Returns a snapshot of the current state, with the pace of whoever lets time pass.
    pub fn snapshot(&self, pace: PaceStatus) -> Snapshot {
        let traffic = self.traffic();
        let running = self.transfers.values().map(|transfer| Arc::new(transfer.report(&self.world, traffic.of(transfer.host()))));
        self.snapshot_of(running.collect(), Arc::new(self.figures()), pace)
    }

    /// Returns a snapshot of the current state, with the figures of an earlier one and its reports of transfers that still run. What
    /// it costs depends on the number of transfers alone.
    pub fn snapshot_after(&self, earlier: &Snapshot, pace: PaceStatus) -> Snapshot {
        let traffic = OnceCell::new();
        let mut known = earlier.transfers.iter().filter(|report| !report.status.state.is_over()).peekable();
        let mut report_of = |id: &TransferId, transfer: &Running| {
            // Both are in the order of their identifiers.
            while known.next_if(|report| report.status.id < *id).is_some() {}
            match known.next_if(|report| report.status.id == *id) {
                Some(report) => Arc::clone(report),
                None => Arc::new({
                    let traffic = traffic.get_or_init(|| self.traffic());
                    transfer.report(&self.world, traffic.of(transfer.host()))
                }),
            }
        };
        let running = self.transfers.iter().map(|(id, transfer)| report_of(id, transfer)).collect();
        self.snapshot_of(running, Arc::clone(&earlier.figures), pace)
    }

    fn snapshot_of(&self, running: Vec<Arc<TransferReport>>, figures: Arc<Figures>, pace: PaceStatus) -> Snapshot {
        Snapshot {
            at: self.now(),
            pace,
            transfers: self.finished.iter().cloned().chain(running).collect(),
            ended: Arc::clone(&self.ended),
            kept_copy: self.world.names.catalog().kept_copy().map(name_of_copy),
            files: self.world.names.files().clone(),
            faults: self.world.faults.listed(),
            figures,
        }
    }

    fn figures(&self) -> Figures {
        let wire = self.world.net.wire(SNAPSHOT_PACKETS_MAX);
        Figures {
            at: self.now(),
            nodes: self.node_statuses(),
            storage: self.storage_stats(),
            network: self.network_stats(),
            health: self.health_matrix(),
            client_bytes: known(self.world.net.link_bytes(self.world.hosts.client().id)),
            client_rates: self.link_rates(self.world.hosts.client().id, SECONDS_MAX),
            connections: self.connections(),
            wire: wire.records,
            wire_seen: wire.seen,
            wire_since: wire.since,
            capture: match self.capture {
                Capturing::Nothing => CaptureState::Off,
                Capturing::Runs => CaptureState::Runs,
                Capturing::EndedEarly(_) => CaptureState::EndedEarly,
            },
            topology: self.topology(),
        }
    }

    /// Returns the bytes of all transfers that have not arrived, by the host whose link they share. They decide how each goes on, and are
    /// added once for all.
    fn traffic(&self) -> TrafficByHost {
        let mut traffic = TrafficByHost::default();
        self.transfers.values().for_each(|transfer| _ = traffic.of_mut(transfer.host()));
        traffic.iter_mut().for_each(|(host, traffic)| self.world.add_held(host, traffic));
        self.transfers.values().for_each(|transfer| transfer.add_to(traffic.of_mut(transfer.host()), &self.world));
        for (host, traffic) in traffic.iter_mut() {
            traffic.settle(self.world.links(host), self.world.config.segment_size);
        }
        traffic
    }

    /// Returns all transfers that are remembered, the oldest first.
    pub(super) fn transfer_statuses(&self) -> Vec<TransferStatus> {
        let traffic = self.traffic();
        let running = self.transfers.values().map(|transfer| transfer.status(&self.world, traffic.of(transfer.host())));
        let mut all: Vec<TransferStatus> = self.finished.iter().map(|report| report.status.clone()).chain(running).collect();
        all.sort_by_key(|status| status.id);
        all
    }

    pub(super) fn node_statuses(&self) -> Vec<NodeStatus> {
        let seconds = (NODE_SECONDS_IN_ALL / self.world.nodes.len().max(1)).clamp(NODE_SECONDS_MIN, SECONDS_MAX);
        self.world.nodes.iter().map(|node| self.node_status(node, seconds)).collect()
    }

    fn node_status(&self, entry: &NodeHost, seconds: usize) -> NodeStatus {
        let (net, node) = (&self.world.net, &entry.node);
        let host = self.world.hosts.of_node(node.number()).id;
        let volume = node.volume_stats();
        let (bytes_sent, bytes_received) = known(net.link_bytes(host));
        NodeStatus {
            node: node.number(),
            address: known(net.address(host)),
            state: node.state(),
            trouble: node.trouble().cloned(),
            seen: self.world.hosts.client().peers.peer(host),
            capacity_bytes: volume.capacity,
            used_bytes: Some(volume.used),
            segments: Some(volume.segments),
            connections: node.connection_count(),
            open_requests: node.open_requests(),
            bytes_sent,
            bytes_received,
            rates: self.link_rates(host, seconds),
            queues: self.link_queues(host),
        }
    }

    fn link_queues(&self, host: HostId) -> LinkQueues {
        let (up, down) = known(self.world.net.queues(host));
        LinkQueues { up, down }
    }

    fn link_rates(&self, host: HostId, seconds: usize) -> LinkRates {
        let (up, down) = known(self.world.net.link_series(host, seconds));
        LinkRates { up, down }
    }

    pub(super) fn storage_stats(&self) -> StorageStats {
        let total = self.world.names.files().total();
        let mut stats = StorageStats {
            files: total.files as u64,
            file_bytes: total.bytes,
            missing_segments: self.world.volumes.missing_segments,
            owed_deletions: self.world.owed.count(),
            unknown_segments: self.world.volumes.unknown_segments,
            ..StorageStats::default()
        };
        for node in &self.world.nodes {
            let volume = node.node.volume_stats();
            stats.segments += volume.segments;
            stats.used_bytes += volume.used;
            // The total capacity of a thousand nodes may exceed the range.
            stats.capacity_bytes = stats.capacity_bytes.saturating_add(volume.capacity);
        }
        // What placement counts on: not that of full disks, of dead nodes and of those that stop.
        let (free, closed) = self.world.free_and_closed(Peer::Client);
        (stats.free_bytes, stats.closed_nodes) = (free, closed.len() as u64);
        stats
    }

    /// Returns the files of a user, or those without an owner, and the quota.
    pub(super) fn usage_of(&self, owner: Option<&str>) -> Usage {
        let mut usage = Usage { quota_bytes: owner.and(self.world.config.quota).map(ByteSize::as_u64), ..Usage::default() };
        let unlisted = self.unlisted.get(&owner.map(str::to_owned)).copied().unwrap_or_default();
        let stored = self.world.names.files().total_of(owner);
        usage.files = stored.files as u64;
        usage.file_bytes = [self.parked_bytes(owner), self.world.pins.bytes_of(owner), stored.bytes]
            .into_iter()
            .fold(unlisted, u64::saturating_add);
        let uploads = self.transfers.values().map(|transfer| transfer.bare_status());
        let own = uploads.filter(|status| {
            !status.state.is_over() && status.direction == Direction::Upload && status.file.owner.as_deref() == owner
        });
        usage.arriving_bytes = own.map(|status| status.bytes).fold(self.exchanging_bytes(owner), u64::saturating_add);
        usage
    }

    /// Returns true if every node's disk is as the catalog expects it.
    pub(crate) fn has_sound_disks(&self) -> bool {
        self.world.volumes.missing_segments == 0 && self.world.nodes.iter().all(|node| node.node.trouble().is_none())
    }

    pub(super) fn topology(&self) -> Topology {
        let net = &self.world.net;
        let status = |(peer, host)| HostStatus { peer, address: known(net.address(host)), link: known(net.host_config(host)) };
        Topology { hosts: self.world.everybody().map(status).collect() }
    }

    pub(super) fn connections(&self) -> Vec<ConnectionStatus> {
        let net = &self.world.net;
        let status = |host: Peer, (node, id)| {
            let (local, remote) = net.addresses(id)?;
            let (sample, activity, stats) = (net.sample(id)?, net.activity(id)?, net.connection_stats(id)?);
            let [sent, received] = [id, id.peer()].map(|end| self.world.watched.history(end));
            let peer = net.sample(id.peer());
            Some(ConnectionStatus { host, node, local, remote, sample, activity, stats, peer, sent, received })
        };
        let of_host = |host: &Host| {
            let peer = host.peer();
            host.connections().filter_map(move |connection| status(peer, connection)).collect::<Vec<_>>()
        };
        self.world.hosts.all().iter().flat_map(of_host).collect()
    }

    pub(super) fn network_stats(&self) -> NetworkStats {
        let net = &self.world.net;
        let hosts = self.world.everybody().map(|(peer, host)| (peer, known(net.host_stats(host)))).collect();
        NetworkStats {
            total: net.total_stats(),
            hosts,
            in_transit: net.in_transit().0,
            client_queues: self.link_queues(self.world.hosts.client().id),
        }
    }

    pub(super) fn health_report(&self) -> HealthReport {
        HealthReport { matrix: self.health_matrix() }
    }

    fn health_matrix(&self) -> HealthMatrix {
        let hosts = &self.world.hosts;
        HealthMatrix::new(hosts.ids(), hosts.all().iter().map(|host| host.peers.known()).collect())
    }
}

impl Facts for Simulation {
    fn names(&self) -> &Namespace {
        self.world.names.files()
    }

    fn starter(&self, transfer: TransferId) -> Option<Starter<'_>> {
        let running = self.transfers.get(&transfer).map(Running::bare_status);
        let finished = || self.finished.iter().map(|report| &report.status).find(|status| status.id == transfer);
        running.or_else(finished).map(|status| (status.user.as_deref(), status.direction, &status.file))
    }

    fn upload(&self, id: UploadId) -> Option<(Option<&str>, &FileKey)> {
        let running = self.transfers.values().filter_map(Running::kept).map(|(record, _)| record);
        let parked = self.world.names.parked().get(&id);
        let found = parked.or_else(|| running.into_iter().find(|record| record.id == id));
        found.map(|record| (record.begun_by.as_deref(), &record.key))
    }

    fn is_kept(&self, user: Option<&str>, node: NodeNumber, id: SegmentId) -> bool {
        self.world.pins.get(user, node, id).is_some()
    }
}
