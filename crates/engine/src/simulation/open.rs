//! Start of a simulation: opens and repairs the data directory, adds the hosts to the network and lets the nodes listen.
//!
//! Leftovers of a crash are removed before they can become visible: half-written files, and unreferenced segments on volumes
//! that this catalog was the last to write to. A node whose disk fails or belongs to another catalog is marked as troubled, and
//! the others run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use p2p_base::data_dir::{self, DirectoryLock, LockError, Sharing};
use p2p_base::database::DatabaseError;
use p2p_base::private_file;
use p2p_base::random::RandomStream;
use p2p_base::units::SimTime;
use p2p_net::{Endpoint, HostId, Network};
use p2p_store::catalog::Catalog;
use p2p_store::disk::{Disk, DiskError};
use p2p_store::epochs;
use p2p_store::file_system::FileSystems;
use p2p_store::local_disk::LocalDisk;
use p2p_store::manifest::NodeNumber;
use p2p_store::placement::Placement;
use p2p_store::segment::SegmentId;
use p2p_store::standing::{self, Standing, Trouble};
use p2p_store::volume::Volume;

use super::Simulation;
use crate::config::{EngineConfig, NodeSpec};
use crate::disk_model::DiskModel;
use crate::error::EngineError;
use crate::event::Event;
use crate::faults::Ledger;
use crate::io::IoExecutor;
use crate::known_host::known;
use crate::memory::MemoryBudget;
use crate::node::health::{PeerTable, Probing};
use crate::node::{NODE_PORT, Node, PROBE_PORT};
use crate::owed::OwedDeletions;
use crate::requester::Requester;
use crate::sparse_disk::SparseDisk;
use crate::timetable::Timetable;
use crate::world::{Host, Hosts, Journal, Names, NodeHost, Space, Volumes, WorkTable, World};

/// Disks of a simulation, by node.
pub type Disks = Vec<Arc<dyn Disk>>;

impl Simulation {
    /// Opens a data directory and adds its nodes to the network. Work on real files is done by `io`.
    ///
    /// # Errors
    /// Fails if the directory or the catalog cannot be used. In that case only leftovers of crashes have been removed.
    pub fn open(config: EngineConfig, io: Box<dyn IoExecutor>) -> Result<Simulation, EngineError> {
        let lock = lock_data_dir(&config.data_dir, Sharing::Exclusive)?;
        Simulation::open_locked(lock, config, io)
    }

    /// Opens a simulation as [`open`](Self::open) does, on a data directory that the caller has locked already.
    ///
    /// # Errors
    /// Fails as [`open`](Self::open) does.
    pub fn open_locked(lock: DirectoryLock, config: EngineConfig, io: Box<dyn IoExecutor>) -> Result<Simulation, EngineError> {
        Simulation::open_on(lock, config, io, |disk| disk)
    }

    /// Opens a simulation for a replay, whose disks keep only the lengths of segments of `unknown` content.
    ///
    /// # Errors
    /// Fails as [`open`](Self::open) does.
    pub(crate) fn open_without(
        unknown: Arc<BTreeSet<SegmentId>>,
        config: EngineConfig,
        io: Box<dyn IoExecutor>,
    ) -> Result<Simulation, EngineError> {
        let lock = lock_data_dir(&config.data_dir, Sharing::Exclusive)?;
        let sparse = |disk| Arc::new(SparseDisk::new(disk, Arc::clone(&unknown))) as Arc<dyn Disk>;
        let simulation = Simulation::open_on(lock, config, io, sparse)?;
        Ok(Simulation { unknown, ..simulation })
    }

    fn open_on(
        lock: DirectoryLock,
        config: EngineConfig,
        io: Box<dyn IoExecutor>,
        wrap: impl Fn(Arc<dyn Disk>) -> Arc<dyn Disk>,
    ) -> Result<Simulation, EngineError> {
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
        let disk = |index| wrap(Arc::new(LocalDisk::at(&node_directory(&directory, index), &file_systems)));
        let disks = (0..config.nodes.len()).map(disk).collect();
        Simulation::with_disks(config, catalog, disks, io)
    }

    /// Opens a simulation with the given disks, one per node. A node whose disk fails is stopped, and the others run.
    ///
    /// # Errors
    /// Fails if the catalog cannot be read.
    pub fn with_disks(
        config: EngineConfig,
        catalog: Catalog,
        disks: Disks,
        io: Box<dyn IoExecutor>,
    ) -> Result<Simulation, EngineError> {
        let mut start = Start::new(&catalog)?;
        let (found, files) = std::thread::scope(|scope| {
            let found = scope.spawn(|| list_all(&disks, &start.needed_anywhere));
            let files = catalog.namespace();
            (found.join().unwrap_or_else(|_| unlisted(&disks)), files)
        });
        let (files, uploads) = (files?, catalog.uploads()?);
        let mut net = Network::new(config.seed);
        net.set_host_time(config.host_time);
        let client = net.add_host(config.client.address, &config.client.link);
        let (nodes, ids) = start.node_hosts(disks.into_iter().zip(found), &mut net, &config);
        let Start { mut findings, own, unknown_segments, .. } = start.end();
        findings.extend(catalog.kept_copy().map(|copy| Event::CatalogMigrated { copy: name_of_copy(copy) }));
        let ids: Vec<HostId> = std::iter::once(client).chain(ids).collect();
        ids.iter().for_each(|&host| known(net.bind(Endpoint { host, port: PROBE_PORT })));
        let hosts = hosts(&ids, &net, &config);
        let mut world = World {
            net,
            hosts,
            notices: VecDeque::new(),
            names: Names::new(catalog, files, uploads),
            work: WorkTable::new(io),
            timetable: Timetable::default(),
            space: Space::new(Placement::new(config.placement), nodes.len()),
            memory: MemoryBudget::new(config.memory.as_u64()),
            owed: OwedDeletions::new(nodes.len()),
            nodes,
            inbox: VecDeque::new(),
            volumes: Volumes::new(own, findings.iter().map(missing_in).sum(), unknown_segments),
            faults: Ledger::default(),
            journal: Journal::default(),
            config,
        };
        world.record_all_timeouts();
        findings.into_iter().for_each(|finding| world.tell(finding));
        Ok(Simulation::new(world))
    }
}

/// Comparison of the nodes' disks with the catalog at the start.
struct Start {
    volumes: epochs::Volumes,
    needed: Segments,
    kept: Segments,
    /// Segments that files need on any node, sorted by name.
    needed_anywhere: Found,
    findings: Vec<Event>,
    /// Standing of each volume that belongs to the catalog.
    own: Vec<Option<Standing>>,
    unknown_segments: u64,
    /// True if no disk may be changed.
    is_read_only: bool,
}

type Segments = BTreeMap<NodeNumber, BTreeSet<SegmentId>>;

impl Start {
    fn new(catalog: &Catalog) -> Result<Start, EngineError> {
        let (volumes, needed, kept) = (catalog.volumes()?, catalog.held()?, catalog.kept()?);
        let is_read_only = catalog.database().is_read_only();
        let needed_anywhere = catalog.lengths()?;
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

    /// Builds the nodes with their disks and adds their hosts to the network; a stopped node does not listen.
    fn node_hosts(
        &mut self,
        disks: impl Iterator<Item = (Arc<dyn Disk>, Result<Found, DiskError>)>,
        net: &mut Network,
        config: &EngineConfig,
    ) -> (Vec<NodeHost>, Vec<HostId>) {
        let (mut nodes, mut hosts) = (Vec::new(), Vec::new());
        for (index, (spec, (disk, found))) in config.nodes.iter().zip(disks).enumerate() {
            let node = self.node(NodeNumber::from_index(index), (disk.as_ref(), found), spec);
            let host = net.add_host(spec.host.address, &spec.host.link);
            if !node.trouble().is_some_and(Trouble::stops) {
                known(net.listen(host, NODE_PORT, config.tcp));
            }
            nodes.push(NodeHost::new(config.seed, node, disk, DiskModel::new(config.disk)));
            hosts.push(host);
        }
        (nodes, hosts)
    }

    /// Creates a node with its disk. A node whose disk fails is stopped and holds no segments.
    fn node(&mut self, number: NodeNumber, (disk, found): (&dyn Disk, Result<Found, DiskError>), spec: &NodeSpec) -> Node {
        let needed = self.needed.remove(&number).unwrap_or_default();
        let (found, standing) = match found.and_then(|found| self.look_at(number, disk, found, &needed)) {
            // Segments that a stopped node cannot deliver count as missing.
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
        match standing {
            Ok(_) => Node::new(number, volume),
            Err(trouble) => {
                let is_unknown = |&id: &SegmentId| length_in(&self.needed_anywhere, id).is_none();
                self.unknown_segments += others.iter().filter(|(id, _)| is_unknown(id)).count() as u64;
                self.findings.push(Event::DiskTrouble { node: number, trouble: trouble.clone() });
                Node::troubled(number, volume, trouble)
            }
        }
    }

    /// Determines the standing of a node's volume by what is found on its disk. Leftovers of a crash are removed if the
    /// volume belongs to the catalog: this catalog was then the last to write there, so segments that no file references are
    /// garbage.
    fn look_at(
        &mut self,
        node: NodeNumber,
        disk: &dyn Disk,
        found: Found,
        needed: &BTreeSet<SegmentId>,
    ) -> Result<(Found, Result<Standing, Trouble>), DiskError> {
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

    /// Completes the comparison. Segments on nodes that are no longer configured are missing too.
    fn end(mut self) -> Start {
        self.findings.extend(std::mem::take(&mut self.needed).into_iter().map(|(node, needed)| missing(node, needed.len())));
        self
    }
}

/// Segments with their lengths.
type Found = Vec<(SegmentId, u64)>;

/// Returns the length of a segment that is in a list sorted by name.
fn length_in(sorted: &Found, id: SegmentId) -> Option<u64> {
    sorted.binary_search_by_key(&id, |&(id, _)| id).ok().map(|place| sorted[place].1)
}

/// Lists the segments on all disks, on as many threads as there are processors: a start waits for little else.
fn list_all(disks: &Disks, lengths: &Found) -> Vec<Result<Found, DiskError>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let list = |disk: &Arc<dyn Disk>| disk.list_with(&|id| length_in(lengths, id));
    std::thread::scope(|scope| {
        let shares = disks.chunks(disks.len().div_ceil(threads).max(1));
        let begun: Vec<_> = shares.map(|share| (share, scope.spawn(move || share.iter().map(list).collect()))).collect();
        begun.into_iter().flat_map(|(share, thread)| thread.join().unwrap_or_else(|_| unlisted(share))).collect()
    })
}

/// Returns for each disk that a panic has ended the listing.
fn unlisted(disks: &[Arc<dyn Disk>]) -> Vec<Result<Found, DiskError>> {
    disks.iter().map(|_| Err(DiskError::Internal)).collect()
}

/// Locks a data directory, and creates it if it is missing. Before the lock is taken, only the existence of a catalog is
/// checked. The lock is shared with other readers if `wanted` is [`Sharing::Shared`] and a catalog exists, or if the directory
/// is read-only; it is exclusive otherwise.
///
/// # Errors
/// Returns [`DatabaseError::InUse`] if another process uses the directory, [`EngineError::DataDir`] if it cannot be used at
/// all.
pub fn lock_data_dir(path: &Path, wanted: Sharing) -> Result<DirectoryLock, EngineError> {
    let unusable = |reason: String| EngineError::DataDir { path: path.to_owned(), reason };
    private_file::create_directory(path).map_err(|error| unusable(error.to_string()))?;
    let catalog = path.join("catalog.redb");
    let sharing = match cannot_be_changed(path) {
        // A missing catalog has to be created first, which needs an exclusive lock.
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

/// Returns true if this process cannot change the data directory or its catalog.
pub fn cannot_be_changed(path: &Path) -> bool {
    data_dir::is_read_only(path) || data_dir::is_read_only(&path.join("catalog.redb"))
}

fn missing_in(finding: &Event) -> u64 {
    if let Event::SegmentsMissing { count, .. } = finding { *count } else { 0 }
}

/// Creates the hosts: the client, and one for each node, in the order in which they were added to the network. Every host probes
/// all others: the client each of them once an interval, a node one of them in turn.
fn hosts(ids: &[HostId], net: &Network, config: &EngineConfig) -> Hosts {
    let host = |(index, &id): (usize, &HostId)| {
        let server = index.checked_sub(1).map(NodeNumber::from_index);
        let (probing, label) = match server {
            None => (Probing::All, "probes client".to_owned()),
            Some(number) => (Probing::InTurn, format!("probes {number}")),
        };
        let mut peers = PeerTable::new(config.health, probing, RandomStream::new(config.seed, &label));
        ids.iter().filter(|&&other| other != id).for_each(|&other| peers.add_peer(SimTime::ZERO, other));
        let mut host = Host::new(id, Requester::new(config.tcp.user_timeout, config.idle_timeout), peers, server);
        host.keep_to_link(&known(net.host_config(id)));
        host
    };
    Hosts::new(ids.iter().enumerate().map(host).collect())
}

fn node_directory(directory: &Path, index: usize) -> std::path::PathBuf {
    directory.join("nodes").join(NodeNumber::from_index(index).to_string())
}

/// Refuses a data directory with segments but no catalog: every segment would count as unreferenced, and the sweep would remove
/// them all.
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
        // An empty file is the rest of a catalog, not a new one.
        segments if path.exists() => {
            let reason = format!("it is empty, but the nodes hold {segments} segments");
            Err(EngineError::Catalog(DatabaseError::Damaged { path, reason }.into()))
        }
        segments => Err(EngineError::CatalogMissing { path: directory.to_owned(), segments }),
    }
}

/// Returns the name of a kept copy of the catalog without its directory, which is of this machine.
pub(super) fn name_of_copy(copy: &Path) -> String {
    copy.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn missing(node: NodeNumber, count: usize) -> Event {
    Event::SegmentsMissing { node, count: count as u64 }
}
