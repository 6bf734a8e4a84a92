//! Starting: the data directory is opened and made sound, the hosts are put on the network, the nodes begin to listen.
//!
//! What a crash has left is removed before anybody can see it: half-written files, and segments that no file needs. Knows
//! nothing of commands.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::Simulation;
use crate::database::DatabaseError;
use crate::engine::client::Client;
use crate::engine::command::EngineError;
use crate::engine::config::{EngineConfig, NodeSpec};
use crate::engine::disk_model::DiskModel;
use crate::engine::event::Event;
use crate::engine::io::{IoDesk, IoExecutor};
use crate::engine::memory::MemoryBudget;
use crate::engine::snapshot::Party;
use crate::engine::timetable::Timetable;
use crate::engine::world::{Hosts, NodeHost, OwedDeletions, World};
use crate::net::{HostId, Network, TraceHash};
use crate::node::health::{PeerTable, Probing};
use crate::node::{NODE_PORT, Node};
use crate::random::RandomStream;
use crate::storage::catalog::Catalog;
use crate::storage::disk::{Disk, DiskError};
use crate::storage::local_disk::{LocalDisk, create_directories};
use crate::storage::manifest::NodeNumber;
use crate::storage::placement::Placement;
use crate::storage::segment::SegmentId;
use crate::storage::volume::Volume;
use crate::units::SimTime;

/// The disks of a simulation, by node.
pub type Disks = Vec<Arc<dyn Disk>>;

impl Simulation {
    /// Opens a data directory and puts its nodes on the network. Work on real files is done by `io`.
    ///
    /// # Errors
    /// Where the directory or the catalog cannot be used: nothing has been changed then, but for leftovers of crashes.
    pub fn open(config: EngineConfig, io: Box<dyn IoExecutor>) -> Result<Simulation, EngineError> {
        let directory = config.data_dir.clone();
        create_directories(&directory)
            .map_err(|error| EngineError::DataDir { path: directory.clone(), reason: error.to_string() })?;
        refuse_lost_catalog(&directory)?;
        let catalog = Catalog::open(&directory.join("catalog.redb"))?;
        let disks = (0..config.nodes.len()).map(|index| open_disk(&directory, index)).collect::<Result<_, _>>()?;
        Simulation::with_disks(config, catalog, disks, io)
    }

    /// The same with disks of the caller's choice, one a node.
    ///
    /// # Errors
    /// Where a disk or the catalog refuses.
    pub fn with_disks(
        config: EngineConfig,
        catalog: Catalog,
        disks: Disks,
        io: Box<dyn IoExecutor>,
    ) -> Result<Simulation, EngineError> {
        let mut references = catalog.references()?;
        let files = catalog.files()?.into_iter().map(|file| (file.key.clone(), file)).collect();
        let mut net = Network::new(config.seed);
        net.set_host_time(config.host_time);
        let client = net.add_host(config.client.address, &config.client.link);
        let mut parties = vec![Party::Client];
        let (mut nodes, mut findings) = (Vec::new(), Vec::new());
        for (index, (spec, disk)) in config.nodes.iter().zip(disks).enumerate() {
            let number = NodeNumber::from_index(index);
            let needed = references.remove(&number).unwrap_or_default();
            let refused = |error| EngineError::Disk { node: number, error };
            let (volume, found) = make_sound(disk.as_ref(), spec, &needed, number).map_err(refused)?;
            findings.extend(found);
            let host = net.add_host(spec.host.address, &spec.host.link);
            net.listen(host, NODE_PORT, config.tcp);
            parties.push(Party::Node(number));
            let probes = RandomStream::new(config.seed, &format!("probes {number}"));
            let mut node = Node::new(number, volume, config.health, probes);
            node.peers.keep_to_link(&spec.host.link);
            nodes.push(NodeHost::new(node, host, disk, DiskModel::new(config.disk)));
        }
        let mut peers = PeerTable::new(config.health, Probing::All, RandomStream::new(config.seed, "probes client"));
        peers.keep_to_link(&config.client.link);
        introduce(client, &mut peers, &mut nodes);
        let mut world = World {
            client: Client::new(client, config.tcp, config.idle_timeout, nodes.len()),
            net,
            hosts: Hosts::new(client, parties),
            peers,
            accepted: BTreeMap::new(),
            catalog: Arc::new(catalog),
            desk: IoDesk::new(io),
            joins: BinaryHeap::new(),
            due: HashMap::new(),
            next_join: 0,
            timetable: Timetable::default(),
            files: Arc::new(files),
            names_promised: BTreeSet::new(),
            placement: Placement::new(config.placement),
            promised: vec![0; nodes.len()],
            memory: MemoryBudget::new(config.memory.as_u64()),
            owed: OwedDeletions::new(nodes.len()),
            nodes,
            held: HashMap::new(),
            inbox: VecDeque::new(),
            events: VecDeque::new(),
            emitted: 0,
            missing_segments: findings.iter().map(missing_in).sum(),
            trace: TraceHash::new(),
            config,
        };
        world.note_all_timeouts();
        findings.into_iter().for_each(|finding| world.report_finding(finding));
        Ok(Simulation::new(world))
    }
}

fn missing_in(finding: &Event) -> u64 {
    if let Event::SegmentsMissing { count, .. } = finding { *count } else { 0 }
}

/// Everybody gets to know everybody else.
fn introduce(client: HostId, peers: &mut PeerTable, nodes: &mut [NodeHost]) {
    let hosts: Vec<HostId> = nodes.iter().map(|node| node.host).collect();
    for &host in &hosts {
        peers.add_peer(SimTime::ZERO, host);
    }
    for node in nodes {
        node.node.peers.add_peer(SimTime::ZERO, client);
        for &host in hosts.iter().filter(|&&host| host != node.host) {
            node.node.peers.add_peer(SimTime::ZERO, host);
        }
    }
}

fn node_directory(directory: &Path, index: usize) -> std::path::PathBuf {
    directory.join("nodes").join(NodeNumber::from_index(index).to_string())
}

fn open_disk(directory: &Path, index: usize) -> Result<Arc<dyn Disk>, EngineError> {
    let node = NodeNumber::from_index(index);
    let disk = LocalDisk::open(&node_directory(directory, index)).map_err(|error| EngineError::Disk { node, error })?;
    Ok(Arc::new(disk))
}

/// A catalog that is gone would make every segment look like nobody's, and the sweep would remove them all.
fn refuse_lost_catalog(directory: &Path) -> Result<(), EngineError> {
    let path = directory.join("catalog.redb");
    if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(());
    }
    let nodes = fs::read_dir(directory.join("nodes")).into_iter().flatten().flatten();
    let mut segments = 0;
    for node in nodes.map(|entry| entry.path()).filter(|path| path.join("segments").is_dir()) {
        let refused = |error| EngineError::Disk { node: NodeNumber::from_index(0), error };
        segments += LocalDisk::open(&node).and_then(|disk| disk.list()).map_err(refused)?.len() as u64;
    }
    match segments {
        0 => Ok(()),
        // An empty file is what is left of a catalog, not a new one.
        segments if path.exists() => {
            let reason = format!("it is empty, but the nodes hold {segments} segments");
            Err(EngineError::Catalog(DatabaseError::Damaged { path, reason }.into()))
        }
        segments => Err(EngineError::CatalogMissing { path: directory.to_owned(), segments }),
    }
}

/// Removes what a crash has left on a node's disk, and takes stock of the rest.
fn make_sound(
    disk: &dyn Disk,
    spec: &NodeSpec,
    needed: &BTreeSet<SegmentId>,
    node: NodeNumber,
) -> Result<(Volume, Vec<Event>), DiskError> {
    let leftovers = disk.sweep()?;
    let (kept, orphans): (Vec<_>, Vec<_>) = disk.list()?.into_iter().partition(|(id, _)| needed.contains(id));
    for &(id, _) in &orphans {
        disk.delete(id)?;
    }
    let mut findings = Vec::new();
    if leftovers > 0 || !orphans.is_empty() {
        findings.push(Event::Swept { node, leftovers, orphans: orphans.len() as u64 });
    }
    if kept.len() < needed.len() {
        findings.push(Event::SegmentsMissing { node, count: (needed.len() - kept.len()) as u64 });
    }
    Ok((Volume::new(spec.capacity.as_u64(), &kept), findings))
}
