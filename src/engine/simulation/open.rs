//! Starting: the data directory is opened and made sound, the hosts are put on the network, the nodes begin to listen.
//!
//! What a crash has left is removed before anybody can see it: half-written files, and segments that no file needs, where this
//! catalog was the last one to write there. A node whose disk refuses, or is another's, is in trouble, and the others run. Knows
//! nothing of commands.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::Simulation;
use crate::data_dir::{self, DirectoryLock, LockError, Sharing};
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
use crate::engine::world::{Hosts, NodeHost, OwedDeletions, Volumes, World};
use crate::net::{HostId, Network, TraceHash};
use crate::node::health::{PeerTable, Probing};
use crate::node::{NODE_PORT, Node};
use crate::private_file;
use crate::random::RandomStream;
use crate::storage::catalog::Catalog;
use crate::storage::disk::{Disk, DiskError};
use crate::storage::epochs;
use crate::storage::file_system::FileSystems;
use crate::storage::local_disk::LocalDisk;
use crate::storage::manifest::NodeNumber;
use crate::storage::placement::Placement;
use crate::storage::segment::SegmentId;
use crate::storage::standing::{self, Standing, Trouble};
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
        let lock = lock_data_dir(&config.data_dir, Sharing::Exclusive)?;
        Simulation::open_locked(lock, config, io)
    }

    /// The same with a data directory that is locked already.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_locked(lock: DirectoryLock, config: EngineConfig, io: Box<dyn IoExecutor>) -> Result<Simulation, EngineError> {
        let directory = config.data_dir.clone();
        let path = directory.join("catalog.redb");
        let catalog = match lock.sharing() {
            Sharing::Exclusive => {
                refuse_lost_catalog(&directory)?;
                Catalog::open(&path)?
            }
            Sharing::Shared => Catalog::open_read_only(&path)?,
        };
        catalog.database().hold(lock);
        let file_systems = FileSystems::default();
        let disk = |index| Arc::new(LocalDisk::at(&node_directory(&directory, index), &file_systems)) as Arc<dyn Disk>;
        let disks = (0..config.nodes.len()).map(disk).collect();
        Simulation::with_disks(config, catalog, disks, io)
    }

    /// The same with disks of the caller's choice, one a node. A node whose disk refuses is stopped, and the others run.
    ///
    /// # Errors
    /// Where the catalog refuses.
    pub fn with_disks(
        config: EngineConfig,
        catalog: Catalog,
        disks: Disks,
        io: Box<dyn IoExecutor>,
    ) -> Result<Simulation, EngineError> {
        let mut start = Start::new(&catalog)?;
        let files = catalog.files()?.into_iter().map(|file| (file.key.clone(), file)).collect();
        let mut net = Network::new(config.seed);
        net.set_host_time(config.host_time);
        let client = net.add_host(config.client.address, &config.client.link);
        let mut parties = vec![Party::Client];
        let mut nodes = Vec::new();
        for (index, (spec, disk)) in config.nodes.iter().zip(disks).enumerate() {
            let number = NodeNumber::from_index(index);
            let mut node = start.node(number, disk.as_ref(), spec, &config);
            let host = net.add_host(spec.host.address, &spec.host.link);
            if !node.trouble().is_some_and(Trouble::stops) {
                net.listen(host, NODE_PORT, config.tcp);
            }
            parties.push(Party::Node(number));
            node.peers.keep_to_link(&spec.host.link);
            nodes.push(NodeHost::new(node, host, disk, DiskModel::new(config.disk)));
        }
        let Start { findings, own, unknown_segments, .. } = start.end();
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
            volumes: Volumes::new(own),
            missing_segments: findings.iter().map(missing_in).sum(),
            unknown_segments,
            trace: TraceHash::new(),
            config,
        };
        world.note_all_timeouts();
        findings.into_iter().for_each(|finding| world.tell(finding));
        Ok(Simulation::new(world))
    }
}

/// What the catalog expects of the nodes' disks, and what comes of looking at them.
struct Start {
    volumes: epochs::Volumes,
    needed: Segments,
    kept: Segments,
    /// What files need of any node.
    needed_anywhere: BTreeSet<SegmentId>,
    findings: Vec<Event>,
    /// How each volume stands that is the catalog's own.
    own: Vec<Option<Standing>>,
    unknown_segments: u64,
    /// Nothing is changed on any disk.
    is_read_only: bool,
}

type Segments = BTreeMap<NodeNumber, BTreeSet<SegmentId>>;

impl Start {
    fn new(catalog: &Catalog) -> Result<Start, EngineError> {
        let (volumes, needed, kept) = (catalog.volumes()?, catalog.references()?, catalog.kept()?);
        let is_read_only = catalog.database().is_read_only();
        let needed_anywhere = needed.values().flatten().copied().collect();
        Ok(Start {
            volumes,
            needed,
            kept,
            needed_anywhere,
            findings: Vec::new(),
            own: Vec::new(),
            unknown_segments: 0,
            is_read_only,
        })
    }

    /// A node on its disk. One whose disk refuses is stopped, and holds nothing.
    fn node(&mut self, number: NodeNumber, disk: &dyn Disk, spec: &NodeSpec, config: &EngineConfig) -> Node {
        let needed = self.needed.remove(&number).unwrap_or_default();
        let (found, standing) = match self.look_at(number, disk, &needed) {
            // What a node cannot give is not there.
            Ok((_, Err(trouble))) if trouble.stops() => (Found::new(), Err(trouble)),
            Ok(looked) => looked,
            Err(error) => (Found::new(), Err(error.into())),
        };
        let (there, others): (Found, Found) = found.into_iter().partition(|(id, _)| needed.contains(id));
        if there.len() < needed.len() {
            self.findings.push(missing(number, needed.len() - there.len()));
        }
        let volume = Volume::new(spec.capacity.as_u64(), &there).with_unsynced(&others);
        self.own.push(standing.as_ref().ok().copied());
        let probes = RandomStream::new(config.seed, &format!("probes {number}"));
        match standing {
            Ok(_) => Node::new(number, volume, config.health, probes),
            Err(trouble) => {
                let is_unknown = |id: &SegmentId| !self.needed_anywhere.contains(id);
                self.unknown_segments += others.iter().filter(|(id, _)| is_unknown(id)).count() as u64;
                self.findings.push(Event::DiskTrouble { node: number, trouble: trouble.clone() });
                Node::troubled(number, volume, trouble, config.health, probes)
            }
        }
    }

    /// What is on a node's disk, and how that stands. What a crash has left is removed where the volume is the catalog's own:
    /// then it was this catalog that wrote there last, and segments that none of its files needs are needed by nobody.
    fn look_at(
        &mut self,
        node: NodeNumber,
        disk: &dyn Disk,
        needed: &BTreeSet<SegmentId>,
    ) -> Result<(Found, Result<Standing, Trouble>), DiskError> {
        let found = disk.list()?;
        let standing = standing::standing(&self.volumes, node, disk.marking()?, &found, needed);
        if standing.is_err() {
            return Ok((found, standing));
        }
        if self.is_read_only {
            disk.check_leftovers()?;
            return Ok((found, standing));
        }
        let kept = self.kept.remove(&node).unwrap_or_default();
        let leftovers = disk.sweep()?;
        let (stays, orphans): (Found, Found) = found.into_iter().partition(|(id, _)| needed.contains(id) || kept.contains(id));
        for &(id, _) in &orphans {
            disk.delete(id)?;
        }
        if leftovers > 0 || !orphans.is_empty() {
            self.findings.push(Event::Swept { node, leftovers, orphans: orphans.len() as u64 });
        }
        Ok((stays, standing))
    }

    /// All nodes have been looked at: what others should hold, which are not configured any more, cannot be had either.
    fn end(mut self) -> Start {
        self.findings.extend(std::mem::take(&mut self.needed).into_iter().map(|(node, needed)| missing(node, needed.len())));
        self
    }
}

/// Segments and their lengths.
type Found = Vec<(SegmentId, u64)>;

/// Locks a data directory, and makes it where it is missing. Before that nothing is looked at but whether there is a catalog. Whoever only reads shares it with
/// others who do, where `wanted` says so and there is something to read; and whoever would change something does where it cannot be
/// changed.
///
/// # Errors
/// [`DatabaseError::InUse`] where another process uses it, [`EngineError::DataDir`] where it cannot be used at all.
pub fn lock_data_dir(path: &Path, wanted: Sharing) -> Result<DirectoryLock, EngineError> {
    let unusable = |reason: String| EngineError::DataDir { path: path.to_owned(), reason };
    private_file::create_directory(path).map_err(|error| unusable(error.to_string()))?;
    let catalog = path.join("catalog.redb");
    let sharing = match cannot_be_changed(path) {
        // One that is not there is made first, and by one process alone.
        false if catalog.metadata().is_ok_and(|metadata| metadata.len() > 0) => wanted,
        false => Sharing::Exclusive,
        true if catalog.exists() => Sharing::Shared,
        true => return Err(unusable("nothing can be written there, and there is nothing to read".into())),
    };
    DirectoryLock::acquire(path, sharing).map_err(|error| match error {
        LockError::InUse { path } => EngineError::Catalog(DatabaseError::InUse { path }.into()),
        LockError::Io { error, .. } => unusable(error.to_string()),
    })
}

/// Whether nothing in a data directory can be changed by this process.
pub fn cannot_be_changed(path: &Path) -> bool {
    data_dir::is_read_only(path) || data_dir::is_read_only(&path.join("catalog.redb"))
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

/// A catalog that is gone would make every segment look like nobody's, and the sweep would remove them all.
fn refuse_lost_catalog(directory: &Path) -> Result<(), EngineError> {
    let path = directory.join("catalog.redb");
    if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(());
    }
    let nodes = fs::read_dir(directory.join("nodes")).into_iter().flatten().flatten();
    let mut segments = 0;
    for node in nodes.map(|entry| entry.path()) {
        let refused = |error: DiskError| EngineError::DataDir { path: node.clone(), reason: error.to_string() };
        segments += LocalDisk::at(&node, &FileSystems::default()).list().map_err(refused)?.len() as u64;
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

fn missing(node: NodeNumber, count: usize) -> Event {
    Event::SegmentsMissing { node, count: count as u64 }
}
