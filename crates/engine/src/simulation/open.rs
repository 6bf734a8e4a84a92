//! Start of a simulation: opens and repairs the data directory, adds the hosts to the network and lets the nodes listen.
//!
//! Leftovers of a crash are removed before they can become visible: half-written files, and unreferenced segments on volumes
//! that this catalog was the last to write to. A node whose disk fails or belongs to another catalog is marked as troubled, and
//! the others run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use p2p_base::data_dir::Sharing;
use p2p_base::random::RandomStream;
use p2p_base::spelling::visible_path;
use p2p_base::units::SimTime;
use p2p_net::{Endpoint, HostId, Network};
use p2p_store::catalog::Catalog;
use p2p_store::disk::{Disk, DiskError};
use p2p_store::epochs;
use p2p_store::file_system::FileSystems;
use p2p_store::local_disk::LocalDisk;
use p2p_store::manifest::NodeNumber;
use p2p_store::placement::Placement;
use p2p_store::segment::{Lengths, SegmentId};
use p2p_store::standing::{self, Comparison, Standing, Trouble};
use p2p_store::volume::Volume;

use super::Simulation;
use super::directory::LockedDirectory;
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
use crate::peer::Peer;
use crate::requester::Requester;
use crate::sparse_disk::SparseDisk;
use crate::timetable::Timetable;
use crate::world::{Host, Hosts, Journal, Names, NodeHost, Pins, Space, UnderWay, Volumes, Watched, WorkTable, World};

/// Disks of a simulation, by node.
pub type Disks = Vec<Arc<dyn Disk>>;

impl Simulation {
    /// Opens a data directory and adds its nodes to the network. Work on real files is done by `io`.
    ///
    /// # Errors
    /// Fails if the directory or the catalog cannot be used. In that case only leftovers of crashes have been removed.
    pub fn open(config: EngineConfig, io: Box<dyn IoExecutor>) -> Result<Simulation, EngineError> {
        let directory = LockedDirectory::lock(&config.data_dir, Sharing::Exclusive)?;
        Simulation::open_locked(directory, config, io)
    }

    /// Opens a simulation as [`open`](Self::open) does, on a data directory that the caller has locked already.
    ///
    /// # Errors
    /// Fails as [`open`](Self::open) does.
    pub fn open_locked(
        directory: LockedDirectory,
        config: EngineConfig,
        io: Box<dyn IoExecutor>,
    ) -> Result<Simulation, EngineError> {
        Simulation::open_on(directory, config, io, |disk| disk)
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
        let directory = LockedDirectory::lock(&config.data_dir, Sharing::Exclusive)?;
        let sparse = |disk| Arc::new(SparseDisk::new(disk, Arc::clone(&unknown))) as Arc<dyn Disk>;
        let simulation = Simulation::open_on(directory, config, io, sparse)?;
        Ok(Simulation { unknown, ..simulation })
    }

    fn open_on(
        locked: LockedDirectory,
        config: EngineConfig,
        io: Box<dyn IoExecutor>,
        wrap: impl Fn(Arc<dyn Disk>) -> Arc<dyn Disk>,
    ) -> Result<Simulation, EngineError> {
        let directory = config.data_dir.clone();
        let catalog = locked.into_catalog()?;
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
        let (start, names, files) = std::thread::scope(|scope| {
            let names = scope.spawn(|| list_all(&disks));
            let start = scope.spawn(|| Start::new(&catalog));
            let files = catalog.namespace();
            (start.join(), names.join().unwrap_or_else(|_| unlisted(&disks)), files)
        });
        let ended = |_| EngineError::Internal("the start has ended in a panic".into());
        let (mut start, files, uploads) = (start.map_err(ended)??, files?, catalog.uploads()?);
        let pins = Pins::new(catalog.pins()?);
        let mut net = Network::new(config.seed);
        net.set_host_time(config.host_time);
        let client = net.add_host(config.client.address, &config.client.link);
        let (nodes, ids) = start.node_hosts(disks.into_iter().zip(names), &mut net, &config);
        let Start { mut findings, own, unknown, .. } = start.end();
        let unknown_segments = catalog.references(&unknown)?.into_iter().filter(|&references| references == 0).count() as u64;
        findings.extend(catalog.kept_copy().map(|copy| Event::CatalogMigrated { copy: name_of_copy(copy) }));
        let ids: Vec<HostId> = std::iter::once(client).chain(ids).collect();
        ids.iter().for_each(|&host| known(net.bind(Endpoint { host, port: PROBE_PORT })));
        let hosts = hosts(&ids, &net, &config);
        let payloads = [(Peer::Client, (net.add_meter(), net.add_meter()))].into();
        let mut world = World {
            payloads,
            under_way: UnderWay::default(),
            ended_hosts: VecDeque::new(),
            net,
            hosts,
            notices: VecDeque::new(),
            names: Names::new(catalog, files, uploads),
            pins,
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
            watched: Watched::default(),
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
    needed: BTreeMap<NodeNumber, Lengths>,
    kept: BTreeMap<NodeNumber, BTreeSet<SegmentId>>,
    findings: Vec<Event>,
    /// Standing of each volume that belongs to the catalog.
    own: Vec<Option<Standing>>,
    /// Segments on volumes that do not belong to the catalog, if no file needs them there.
    unknown: Vec<SegmentId>,
    /// True if no disk may be changed.
    is_read_only: bool,
}

impl Start {
    fn new(catalog: &Catalog) -> Result<Start, EngineError> {
        let (volumes, needed, kept) = (catalog.volumes()?, catalog.needed()?, catalog.kept()?);
        let is_read_only = catalog.database().is_read_only();
        Ok(Start { volumes, needed, kept, findings: Vec::new(), own: Vec::new(), unknown: Vec::new(), is_read_only })
    }

    /// Builds the nodes with their disks and adds their hosts to the network; a stopped node does not listen.
    fn node_hosts(
        &mut self,
        disks: impl Iterator<Item = (Arc<dyn Disk>, Listing)>,
        net: &mut Network,
        config: &EngineConfig,
    ) -> (Vec<NodeHost>, Vec<HostId>) {
        let (mut nodes, mut hosts) = (Vec::new(), Vec::new());
        for (index, (spec, (disk, names))) in config.nodes.iter().zip(disks).enumerate() {
            let node = self.node(NodeNumber::from_index(index), disk.as_ref(), names, spec);
            let host = net.add_host(spec.host.address, &spec.host.link);
            if !node.trouble().is_some_and(Trouble::stops) {
                known(net.listen_as_patient(host, NODE_PORT, config.accepted_tcp()));
            }
            nodes.push(NodeHost::new(config.seed, node, disk, DiskModel::new(config.disk)));
            hosts.push(host);
        }
        (nodes, hosts)
    }

    /// Creates a node with its disk. A node whose disk fails is stopped and holds no segments.
    fn node(&mut self, number: NodeNumber, disk: &dyn Disk, names: Listing, spec: &NodeSpec) -> Node {
        let needed = self.needed.remove(&number).unwrap_or_default();
        let compared = names.and_then(|names| Comparison::new(disk, names, &needed));
        // Segments that a stopped node cannot deliver count as missing.
        let all_missing = Comparison { missing: needed.len(), ..Comparison::default() };
        let (compared, standing) = match compared.and_then(|compared| self.look_at(number, disk, compared)) {
            Ok((_, Err(trouble))) if trouble.stops() => (all_missing, Err(trouble)),
            Ok(looked) => looked,
            Err(error) => (all_missing, Err(error.into())),
        };
        if compared.missing > 0 {
            self.findings.push(missing(number, compared.missing));
        }
        let volume = Volume::new(spec.capacity.as_u64(), &compared.there).with_unsynced(&compared.others);
        self.own.push(standing.as_ref().ok().copied());
        match standing {
            Ok(_) => Node::new(number, volume),
            Err(trouble) => {
                self.unknown.extend(compared.others.iter().map(|&(id, _)| id));
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
        compared: Comparison,
    ) -> Result<(Comparison, Result<Standing, Trouble>), DiskError> {
        let standing = standing::standing(&self.volumes, node, disk.marking()?, &compared);
        if standing.is_err() {
            return Ok((compared, standing));
        }
        if self.is_read_only {
            disk.check_leftovers()?;
            return Ok((compared, standing));
        }
        let kept = self.kept.remove(&node).unwrap_or_default();
        let leftovers = disk.sweep()?;
        let (others, orphans): (Lengths, Lengths) = compared.others.into_iter().partition(|(id, _)| kept.contains(id));
        for &(id, _) in &orphans {
            disk.delete(id)?;
        }
        if leftovers > 0 || !orphans.is_empty() {
            self.findings.push(Event::Swept { node, leftovers, orphans: orphans.len() as u64 });
        }
        Ok((Comparison { others, ..compared }, standing))
    }

    /// Completes the comparison. Segments on nodes that are no longer configured are missing too.
    fn end(mut self) -> Start {
        self.findings.extend(std::mem::take(&mut self.needed).into_iter().map(|(node, needed)| missing(node, needed.len())));
        self
    }
}

/// Names of the segments on a disk, in order.
type Listing = Result<Vec<SegmentId>, DiskError>;

/// Lists the segments on all disks, on as many threads as there are processors: a start waits for little else.
fn list_all(disks: &Disks) -> Vec<Listing> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let list = |disk: &Arc<dyn Disk>| disk.names();
    std::thread::scope(|scope| {
        let shares = disks.chunks(disks.len().div_ceil(threads).max(1));
        let begun: Vec<_> = shares.map(|share| (share, scope.spawn(move || share.iter().map(list).collect()))).collect();
        begun.into_iter().flat_map(|(share, thread)| thread.join().unwrap_or_else(|_| unlisted(share))).collect()
    })
}

/// Returns for each disk that a panic has ended the listing.
fn unlisted(disks: &[Arc<dyn Disk>]) -> Vec<Listing> {
    disks.iter().map(|_| Err(DiskError::Internal)).collect()
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
        let requester = Requester::new(config.tcp.user_timeout, config.idle_timeout);
        Host::new(id, requester, peers, server, (config.tcp, &known(net.host_config(id))))
    };
    Hosts::new(ids.iter().enumerate().map(host).collect())
}

fn node_directory(directory: &Path, index: usize) -> std::path::PathBuf {
    directory.join("nodes").join(NodeNumber::from_index(index).to_string())
}

/// Returns the name of a kept copy of the catalog without its directory, which is of this machine.
pub(super) fn name_of_copy(copy: &Path) -> String {
    visible_path(copy.file_name().unwrap_or_default())
}

fn missing(node: NodeNumber, count: usize) -> Event {
    Event::SegmentsMissing { node, count: count as u64 }
}
