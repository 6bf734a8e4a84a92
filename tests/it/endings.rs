//! Every transfer ends, whatever the network does, and leaves nothing behind.
//!
//! Runs of random commands on random networks whose hosts are cut off and joined again at random. A run is named by its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddrV4;
use std::sync::Arc;

use p2p_base::random::RandomStream;
use p2p_base::units::{Bandwidth, ByteSize, DelayRange, Probability, SimDuration, SimTime};
use p2p_engine::io::InlineIo;
use p2p_engine::node::ProcessState;
use p2p_engine::node::health::Health;
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::snapshot::{Peer, Snapshot};
use p2p_engine::transfer::{Direction, TransferError, TransferId, TransferReport, TransferState};
use p2p_engine::{Caller, Command, EngineConfig, EngineError, Event, Reply, Simulation, operation};
use p2p_net::{DEFAULT_QUEUE_PACKETS, HostConfig, KeepAlive, LinkConfig, MTU};
use p2p_store::catalog::Catalog;
use p2p_store::crash_disk::CrashDisk;
use p2p_store::disk::Disk;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::SegmentSize;

use crate::harness::{Harness, OPERATOR, config, quick_link, random_file, segments_below, slow_link};
use crate::seeds::for_every_seed;

/// How often a run looks whether anything has come about, unless its link is very slow.
const LOOK: SimDuration = SimDuration::from_secs(1);
/// Most runs take no longer, in virtual time: a link of 1 B/s that makes progress at all is given up on.
const PATIENCE: SimDuration = SimDuration::from_secs(50_000);
/// Of so many seeds one has the patience that a run over the slowest links needs until it must be over.
const PATIENT_SEEDS: u64 = 4;

/// Longest time between two transmissions of a FIN (Linux `TCP_RTO_MAX`), of which few arrive on the worst paths, on which both ends hear
/// each other's probes.
const FIN_REPEATED: SimDuration = SimDuration::from_secs(120);

/// How long a node lets an answer be unacknowledged at least.
const ANSWER_UNACKNOWLEDGED: SimDuration = SimDuration::from_secs(120);

/// Chances of a run.
pub(crate) struct Chance(RandomStream);

impl Chance {
    pub(crate) fn new(seed: u64, label: &str) -> Chance {
        Chance(RandomStream::new(seed, label))
    }

    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.below(most - least + 1)
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.0.below(count) == 0
    }

    /// Spread evenly over the powers of ten from `10^least` to `10^most`.
    pub(crate) fn magnitude(&mut self, least: u32, most: u32) -> u64 {
        let power = 10u64.pow(self.between(u64::from(least), u64::from(most)) as u32);
        power * self.between(1, 9)
    }

    pub(crate) fn percent(&mut self, least: u64, most: u64) -> Probability {
        Probability::from_percent(self.between(least, most) as u32)
    }
}

/// A link over which nothing arrives.
fn cut(link: HostConfig) -> HostConfig {
    HostConfig { loss: Probability::ALWAYS, ..link }
}

/// A network of any kind at all: from 1 B/s to 900 Mbit/s, up to 10 s one way, any loss.
fn any_link(chance: &mut Chance) -> HostConfig {
    let loss = match chance.between(0, 4) {
        0 | 1 => chance.percent(0, 5),
        2 | 3 => chance.percent(5, 60),
        _ => chance.percent(60, 100),
    };
    let delay_us = chance.magnitude(1, 6).min(10_000_000);
    link(Bandwidth::from_bits_per_second(8 * chance.magnitude(0, 7)), delay_us, loss, chance.between(1, 200) as u32)
}

/// A network on which everything gets through in time.
pub(crate) fn fair_link(chance: &mut Chance) -> HostConfig {
    let delay_us = chance.magnitude(1, 4);
    link(
        Bandwidth::from_bits_per_second(8 * chance.magnitude(4, 7)),
        delay_us,
        chance.percent(0, 3),
        chance.between(20, 200) as u32,
    )
}

fn link(bandwidth: Bandwidth, delay_us: u64, loss: Probability, queue: u32) -> HostConfig {
    let delay = DelayRange::between(SimDuration::from_micros(delay_us / 2), SimDuration::from_micros(delay_us));
    let link = LinkConfig { bandwidth, queue_packets: queue };
    HostConfig { up: link, down: link, delay, loss }
}

fn settings(directory: &std::path::Path, seed: u64, chance: &mut Chance, link: HostConfig) -> EngineConfig {
    let mut settings = config(directory, chance.between(1, 4) as u8, link);
    settings.seed = seed;
    settings.tcp.connect_timeout = SimDuration::from_secs(chance.between(2, 12));
    settings.tcp.user_timeout = SimDuration::from_secs(chance.between(3, 30));
    settings.tcp.keepalive = Some(KeepAlive::within(settings.tcp.user_timeout));
    settings.idle_timeout = SimDuration::from_secs(if chance.one_in(4) { 0 } else { chance.between(2, 90) });
    settings.segment_size = SegmentSize::new(ByteSize::from_kib(1 << chance.between(2, 6))).unwrap();
    settings.disk.service_time = SimDuration::from_millis(chance.between(0, 50));
    if chance.one_in(4) {
        settings.memory = ByteSize::from_kib(200);
    }
    settings
}

/// One run: what is asked, and what came of it.
pub(crate) struct Run {
    pub(crate) harness: Harness,
    pub(crate) disks: Vec<Arc<CrashDisk>>,
    pub(crate) settings: EngineConfig,
    /// Content of the files by the names that they have or may get.
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
    /// Number of local files, which are called `f0` and so on.
    files: u64,
    transfers: Vec<TransferId>,
    /// Those of them that verify a file, and write it nowhere.
    verifications: BTreeSet<TransferId>,
    /// Chances of the hosts that carry transfers; the client carries all without.
    hosts: Option<Chance>,
    /// What each connection had last.
    seen: BTreeMap<(NodeNumber, SocketAddrV4), SimTime>,
    progress_at: SimTime,
    /// What was told of, once the reports are checked.
    pub(crate) events: Vec<Event>,
}

impl Run {
    pub(crate) fn new(seed: u64, chance: &mut Chance, link: HostConfig) -> Run {
        let home = tempfile::tempdir().unwrap();
        let settings = settings(home.path(), seed, chance, link);
        let disks: Vec<_> = settings.nodes.iter().map(|_| Arc::new(CrashDisk::new())).collect();
        let catalog = Catalog::open(&home.path().join("catalog.redb")).unwrap();
        let dyn_disks = disks.iter().map(|disk| Arc::clone(disk) as Arc<dyn Disk>).collect();
        let simulation = Simulation::with_disks(settings.clone(), catalog, dyn_disks, Box::new(InlineIo::default())).unwrap();
        let mut contents = BTreeMap::new();
        let files = chance.between(1, 4);
        for n in 0..files {
            let name = format!("f{n}");
            // Two of a kind now and then, so that they share segments.
            let salt = if chance.one_in(3) { 0 } else { n };
            let size = (chance.magnitude(0, 5) as usize).min(300_000);
            contents.insert(name.clone(), random_file(&home.path().join(&name), size, seed ^ salt));
        }
        let harness = Harness { simulation, home, next_command: 0 };
        Run {
            harness,
            disks,
            settings,
            contents,
            files,
            transfers: Vec::new(),
            verifications: BTreeSet::new(),
            hosts: None,
            seen: BTreeMap::new(),
            progress_at: SimTime::ZERO,
            events: Vec::new(),
        }
    }

    /// Lets any host carry some of the transfers.
    pub(crate) fn carried_by_any(self, seed: u64) -> Run {
        Run { hosts: Some(Chance::new(seed, "hosts")), ..self }
    }

    /// Returns who begins the next transfer: two of three are the client's.
    fn caller(&mut self) -> Caller {
        let Some(mut chance) = self.hosts.take() else { return OPERATOR.clone() };
        let host = if chance.one_in(3) { self.peer(&mut chance) } else { Peer::Client };
        self.hosts = Some(chance);
        Caller { host, ..OPERATOR.clone() }
    }

    pub(crate) fn now(&self) -> SimTime {
        self.harness.simulation.now()
    }

    pub(crate) fn sleep(&mut self, span: SimDuration) {
        self.harness.ask(operation::Sleep { span }).unwrap();
    }

    pub(crate) fn peer(&self, chance: &mut Chance) -> Peer {
        match chance.between(0, self.settings.nodes.len() as u64) {
            0 => Peer::Client,
            node => Peer::Node(NodeNumber::from_index(node as usize - 1)),
        }
    }

    pub(crate) fn set_link(&mut self, peer: Peer, link: HostConfig) {
        self.harness.ask(operation::SetLink { peer, link }).unwrap();
        self.progress_at = self.now();
    }

    /// The name of one of the local files.
    pub(crate) fn any_file(&self, chance: &mut Chance) -> String {
        format!("f{}", chance.between(0, self.files - 1))
    }

    /// Moves a stored file to another name, or back.
    pub(crate) fn rename(&mut self, chance: &mut Chance) {
        let name = self.any_file(chance);
        let moved = format!("moved-{name}");
        let content = self.contents[&name].clone();
        self.contents.insert(moved.clone(), content);
        let (from, to) = if chance.one_in(2) { (name, moved) } else { (moved, name) };
        match self.harness.ask(operation::Move { from: FileKey::unowned(&from), to, replace: false }) {
            Ok(Reply::Done(())) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(is_expected(&error), "{error}"),
        }
    }

    /// Begins to verify a stored file, under either name.
    pub(crate) fn verify(&mut self, chance: &mut Chance) {
        let name = self.any_file(chance);
        let name = if chance.one_in(2) { name } else { format!("moved-{name}") };
        let before = self.transfers.len();
        self.begin(operation::Download::to_nowhere(FileKey::unowned(&name)).into());
        self.verifications.extend(self.transfers.get(before..).unwrap_or_default());
    }

    /// Something that a user, or the network, may do.
    pub(crate) fn act(&mut self, chance: &mut Chance, link: HostConfig) {
        let name = self.any_file(chance);
        let command = match chance.between(0, 9) {
            0..=2 => self.harness.upload_of(&name),
            3 | 4 => return self.fetch(&name),
            5 => Command::Remove(operation::Remove { file: FileKey::unowned(&name), recursive: false, expected: None }),
            6 => {
                if let Some(&transfer) = self.transfers.get(chance.between(0, 9) as usize) {
                    self.harness.tell(operation::Cancel { transfer });
                }
                return;
            }
            _ => {
                let peer = self.peer(chance);
                return self.set_link(peer, if chance.one_in(2) { cut(link) } else { link });
            }
        };
        self.begin(command);
    }

    /// Begins to upload a file.
    pub(crate) fn store(&mut self, name: &str) {
        self.begin(self.harness.upload_of(name));
    }

    /// Begins to download a file.
    pub(crate) fn fetch(&mut self, name: &str) {
        let path = self.harness.path(&format!("got{}", self.transfers.len()));
        self.begin(operation::Download::to_file(FileKey::unowned(name), path, false).into());
    }

    fn begin(&mut self, command: Command) {
        let caller = self.caller();
        match self.harness.ask_as(&caller, command) {
            Ok(Reply::Started(transfer)) => {
                self.transfers.push(transfer);
                // Its time begins now.
                self.progress_at = self.now();
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(is_expected(&error), "{error}"),
        }
    }

    /// When a byte of a request was last acknowledged or received, or a probe answered, as far as that was looked at.
    fn look(&mut self) {
        let Snapshot { figures, .. } = self.harness.simulation.snapshot(PaceStatus::running(Speed::Max));
        for connection in &figures.connections {
            let activity = connection.activity;
            let now = activity.acked_at.max(activity.received_at).max(activity.probed_at);
            let before = self.seen.insert((connection.node, connection.local), now).unwrap_or_default();
            if now != before {
                self.progress_at = self.progress_at.max(now);
            }
        }
    }

    pub(crate) fn running(&mut self) -> Vec<TransferId> {
        let Ok(Reply::Transfers(all)) = self.harness.ask(operation::ListTransfers) else { panic!("no transfers") };
        all.iter().filter(|status| !status.state.is_over()).map(|status| status.id).collect()
    }

    /// How long a connection may take to open, and a peer may be silent: as is configured, or as long as the client's link takes for
    /// four full queues of a hundred packets or more, and eight where its queue has room for hardly any.
    fn deadlines(&self) -> (SimDuration, SimDuration) {
        let (tcp, link) = (&self.settings.tcp, self.settings.client.link.up);
        let packets = u64::from(link.queue_packets.max(DEFAULT_QUEUE_PACKETS)) + 2;
        let passages = if link.queue_packets < 10 { 8 } else { 4 };
        let least = link.bandwidth.time_for(packets * u64::from(MTU) * passages);
        (tcp.connect_timeout.max(least), tcp.user_timeout.max(least))
    }

    /// How often the end of a transfer is looked for: a link of 1 B/s gives it weeks.
    fn look_span(&self) -> SimDuration {
        LOOK.max(SimDuration::from_nanos(self.deadlines().1.as_nanos() / 100))
    }

    /// How long a transfer may take after the last sign of progress. A holder is tried to store, to commit (at most
    /// three times) and to delete; each try may take the time to connect and that of an answer, and those of the last two are at once.
    fn bound(&self) -> SimDuration {
        let (connect_timeout, user_timeout) = self.deadlines();
        (connect_timeout + user_timeout) * (self.settings.nodes.len() as u64 + 4) + self.look_span() * 2
    }

    /// How long the end of a run is waited for: some wait until any that makes no progress must be over.
    fn patience(&self) -> SimDuration {
        if self.settings.seed.is_multiple_of(PATIENT_SEEDS) { PATIENCE.max(self.bound() * 2) } else { PATIENCE }
    }

    /// Lets time pass until every transfer is over.
    fn finish(&mut self) {
        let end = self.now() + self.patience();
        loop {
            let running = self.running();
            if running.is_empty() || self.now() > end {
                return;
            }
            self.sleep(self.look_span());
            self.look();
            let silence = self.now() - self.progress_at.min(self.now());
            assert!(silence <= self.bound(), "{running:?} run on after {silence} without progress, at {}", self.now());
        }
    }

    fn reports(&mut self) -> Vec<TransferReport> {
        let of = |run: &mut Run, transfer| match run.harness.ask(operation::Await { transfer }) {
            Ok(Reply::Finished(report)) => *report,
            other => panic!("{other:?}"),
        };
        self.transfers.clone().into_iter().map(|transfer| of(self, transfer)).collect()
    }

    /// What was reported is what is there.
    pub(crate) fn check_reports(&mut self) {
        let reports = self.reports();
        let listed: BTreeSet<String> = self.harness.names().into_iter().collect();
        for report in &reports {
            let TransferReport { status, .. } = report;
            match (status.direction, status.state) {
                (Direction::Download, TransferState::Done) if !self.verifications.contains(&status.id) => {
                    let place = self.transfers.iter().position(|&id| id == status.id).unwrap();
                    let bytes = fs::read(self.harness.path(&format!("got{place}"))).unwrap();
                    assert!(bytes == self.contents[&status.file.name], "{}", status.file);
                }
                (_, TransferState::Failed) => assert_ne!(status.error, Some(TransferError::Cancelled)),
                (_, state) => assert!(state.is_over()),
            }
        }
        let mut stored = BTreeSet::new();
        self.events = std::iter::from_fn(|| self.harness.simulation.poll_event()).map(|(_, event)| event).collect();
        for event in &self.events {
            match event {
                Event::FileStored { file, .. } => drop(stored.insert(file.name.clone())),
                Event::FileRemoved { file } => drop(stored.remove(&file.name)),
                Event::Moved { from, to } => {
                    stored.remove(&from.name);
                    stored.insert(to.name.clone());
                }
                _ => {}
            }
        }
        assert_eq!(listed, stored);
    }

    /// The other end learns of it, too: at the latest when what waits in a queue has left it, and FINs that get through now and then
    /// are given up on both sides, each of which waits a minute for the other (`tcp_fin_timeout`).
    fn expect_closed(&mut self, link: HostConfig) {
        let ((connect_timeout, user_timeout), idle) = (self.deadlines(), self.settings.idle_timeout);
        if user_timeout * 20 > self.patience() {
            return;
        }
        let closing = SimDuration::from_secs(60) * 2;
        self.sleep((connect_timeout + user_timeout.max(ANSWER_UNACKNOWLEDGED)) * 3 + closing + idle);
        let longest_queue = u64::from(MTU) * u64::from(link.up.queue_packets + link.down.queue_packets);
        let last = self.now() + link.up.bandwidth.time_for(longest_queue) + self.look_span() + FIN_REPEATED * 40;
        loop {
            let Ok(Reply::Nodes(nodes)) = self.harness.ask(operation::ListNodes) else { panic!("no nodes") };
            let links = self.harness.simulation.snapshot(PaceStatus::running(Speed::Max)).figures.connections.len();
            let Ok(Reply::Storage(stats)) = self.harness.ask(operation::StatStorage) else { panic!("no storage") };
            let states: Vec<_> = nodes.iter().map(|node| (node.state, node.connections)).collect();
            let is_closed = states.iter().all(|&state| state == (ProcessState::Ready, 0));
            // What is owed opens connections again and again.
            if is_closed || links > 0 || stats.owed_deletions > 0 || !self.running().is_empty() {
                return;
            }
            assert!(self.now() <= last, "{states:?} at {}", self.now());
            self.sleep(self.look_span());
        }
    }

    /// Every node holds what files need of it, and nothing else.
    pub(crate) fn check_disks(&mut self) {
        let mut needed = BTreeSet::new();
        for name in self.harness.names() {
            let Ok(Reply::Manifest(manifest)) = self.harness.ask(operation::StatFile { file: FileKey::unowned(&name) }) else {
                panic!("{name}")
            };
            for segment in &manifest.segments {
                needed.extend(segment.holders.iter().map(|holder| (holder.index(), segment.id)));
            }
        }
        let held = |(index, disk): (usize, &Arc<CrashDisk>)| disk.list().unwrap().into_iter().map(move |(id, _)| (index, id));
        let held: BTreeSet<_> = self.disks.iter().enumerate().flat_map(held).collect();
        assert_eq!(held, needed);
        let Ok(Reply::Nodes(nodes)) = self.harness.ask(operation::ListNodes) else { panic!("no nodes") };
        for (node, disk) in nodes.iter().zip(&self.disks) {
            assert_eq!(node.used_bytes.unwrap(), disk.list().unwrap().iter().map(|(_, len)| len).sum::<u64>(), "{}", node.node);
        }
    }
}

/// Refusals that random commands meet.
fn is_expected(error: &EngineError) -> bool {
    use EngineError::{NameReserved, NameTaken, NoRoom, NoTaker, NotRunning, UnknownFile};
    let is_of_name = matches!(error, NameReserved { .. } | NameTaken { .. } | UnknownFile { .. });
    is_of_name || matches!(error, NoRoom { .. } | NoTaker { .. } | NotRunning(_))
}

/// Any rate, delay and loss, and hosts that are cut off for good or for a while.
#[test]
fn every_transfer_is_over_in_time_whatever_the_network_does() {
    for_every_seed(|seed| {
        let mut chance = Chance::new(seed, "any network");
        let link = any_link(&mut chance);
        let mut run = Run::new(seed, &mut chance, link).carried_by_any(seed);
        for _ in 0..chance.between(1, 14) {
            run.act(&mut chance, link);
            for _ in 0..chance.between(0, 8) {
                run.sleep(LOOK);
                run.look();
            }
        }
        run.finish();
        if run.running().is_empty() {
            run.check_reports();
        }
        run.expect_closed(link);
    });
}

/// Links that are cut and mended: everything ends, and nothing stays that no file needs.
#[test]
fn nothing_stays_behind_once_links_are_mended() {
    for_every_seed(|seed| {
        let mut chance = Chance::new(seed, "mended cuts");
        let link = fair_link(&mut chance);
        let mut run = Run::new(seed, &mut chance, link).carried_by_any(seed);
        for _ in 0..chance.between(4, 24) {
            run.act(&mut chance, link);
            run.sleep(SimDuration::from_millis(chance.magnitude(0, 3)));
            run.look();
        }
        let nodes = (0..run.settings.nodes.len()).map(|index| Peer::Node(NodeNumber::from_index(index)));
        for peer in std::iter::once(Peer::Client).chain(nodes) {
            run.set_link(peer, link);
        }
        run.finish();
        run.check_reports();
        // Longer than the longest wait between two attempts to tell a node what it owes.
        run.sleep(SimDuration::from_secs(1_200));
        let Ok(Reply::Storage(stats)) = run.harness.ask(operation::StatStorage) else { panic!("no figures") };
        assert_eq!(stats.owed_deletions, 0);
        run.check_disks();
    });
}

/// A node that is cut off while its disk works: it has all of the request, and its answer never comes.
#[test]
fn an_answer_that_never_comes_is_waited_for_only_so_long() {
    for direction in [Direction::Upload, Direction::Download] {
        let mut harness = Harness::with(|directory| {
            let mut settings = config(directory, 2, quick_link());
            settings.disk.service_time = SimDuration::from_secs(2);
            settings
        });
        random_file(&harness.path("a.bin"), 40_000, 1);
        if direction == Direction::Download {
            harness.put("a.bin").unwrap();
        }
        let path = harness.path("fetched.bin");
        let command = match direction {
            Direction::Upload => harness.upload_of("a.bin"),
            _ => Command::Download(operation::Download::to_file(FileKey::unowned("a.bin"), path, false)),
        };
        let began = harness.simulation.now();
        let transfer = harness.start(command).unwrap();
        // By then the node has the request, and its disk is at work.
        let wait = if direction == Direction::Upload { 1_000 } else { 3_500 };
        harness.ask(operation::Sleep { span: SimDuration::from_millis(wait) }).unwrap();
        harness.ask(operation::SetLink { peer: Peer::Node(NodeNumber::from_index(0)), link: cut(quick_link()) }).unwrap();
        let outcome = harness.finish(transfer);
        let took = harness.simulation.now() - began;
        assert!(took < SimDuration::from_secs(45), "{direction:?} {took}");
        match direction {
            Direction::Upload => assert_eq!(outcome.unwrap().timelines[0].holder.index(), 1, "the other node has it"),
            _ => {
                let error = outcome.unwrap_err().to_string();
                // The keep-alive probes of the client may notice first.
                assert!(
                    error.contains("neither took nor answered a request for 30s") || error.contains("it did not answer"),
                    "{error}"
                );
            }
        }
        // The node finds out as well, and has nothing in hand any more.
        harness.ask(operation::Sleep { span: ANSWER_UNACKNOWLEDGED }).unwrap();
        let Ok(Reply::Nodes(nodes)) = harness.ask(operation::ListNodes) else { panic!("no nodes") };
        assert_eq!((nodes[0].state, nodes[0].connections), (ProcessState::Ready, 0));
    }
}

/// A node that is there, and whose disk takes longer than an answer may: its probes are answered, and it is not waited for.
#[test]
fn a_node_that_lives_and_does_not_answer_is_given_up() {
    let mut harness = Harness::with(|directory| {
        let mut settings = config(directory, 1, quick_link());
        settings.disk.service_time = SimDuration::from_secs(100);
        settings
    });
    random_file(&harness.path("a.bin"), 40_000, 1);
    let upload = harness.start(harness.upload_of("a.bin")).unwrap();
    let error = harness.finish(upload).unwrap_err().to_string();
    assert!(error.contains("neither took nor answered a request for 30s"), "{error}");
    let report = harness.ask(operation::ListTransfers);
    let Ok(Reply::Transfers(transfers)) = report else { panic!("{report:?}") };
    // The catalog takes the disk's time as well when it is asked what may be deleted.
    assert!(transfers[0].elapsed(SimTime::MAX) < SimDuration::from_secs(30 + 100 + 30 + 1), "{:?}", transfers[0]);
}

/// What the first node does, and how many connections it has.
fn first_node(harness: &mut Harness) -> (ProcessState, usize) {
    match harness.ask(operation::ListNodes) {
        Ok(Reply::Nodes(nodes)) => (nodes[0].state, nodes[0].connections),
        other => panic!("{other:?}"),
    }
}

/// A client that is cut off leaves the node with half of a request, with an answer that is not acknowledged, or with nothing that
/// it waits for: the node finds out in each case.
#[test]
fn a_node_does_not_keep_the_connections_of_a_client_that_is_gone() {
    for (bytes, wait_ms, before) in
        [(60_000, 500, ProcessState::Running), (500_000, 2_000, ProcessState::Running), (1_000, 5_000, ProcessState::Ready)]
    {
        let mut harness =
            Harness::with(|directory| EngineConfig { idle_timeout: SimDuration::ZERO, ..config(directory, 1, slow_link()) });
        random_file(&harness.path("a.bin"), bytes, 1);
        harness.start(harness.upload_of("a.bin")).unwrap();
        harness.ask(operation::Sleep { span: SimDuration::from_millis(wait_ms) }).unwrap();
        assert_eq!(first_node(&mut harness), (before, 1));
        harness.ask(operation::SetLink { peer: Peer::Client, link: cut(slow_link()) }).unwrap();
        harness.ask(operation::Sleep { span: ANSWER_UNACKNOWLEDGED + SimDuration::from_secs(10) }).unwrap();
        assert_eq!(first_node(&mut harness), (ProcessState::Ready, 0), "{bytes} bytes");
    }
}

/// What was seen to hang for ever: half-open connections under heavy loss.
#[test]
fn heavy_loss_ends_transfers_and_does_not_hang_them() {
    for percent in [20, 30, 40, 50, 60] {
        for seed in 1..=6 {
            let link =
                HostConfig::symmetric("10Mbit/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::from_percent(percent));
            let mut harness = Harness::with(|directory| EngineConfig { seed, ..config(directory, 5, link) });
            random_file(&harness.path("a.bin"), 500_000, 1);
            if harness.put("a.bin").is_ok() {
                let path = harness.path("fetched.bin");
                let fetch = Command::Download(operation::Download::to_file(FileKey::unowned("a.bin"), path, false));
                let transfer = harness.start(fetch).unwrap();
                let _ = harness.finish(transfer);
            }
            assert!(harness.simulation.now() < SimTime::ZERO + SimDuration::from_secs(3_600), "{percent} %, seed {seed}");
        }
    }
}

/// Three probes in a row go astray now and then on such a path; what the node sends on the connection says that it is there.
#[test]
fn a_node_that_is_heard_on_a_connection_is_not_dead() {
    let (mut deaths, mut probes_lost) = (0, 0);
    for seed in 1..=8 {
        let link = HostConfig::symmetric("1Mbit/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::from_percent(15));
        let mut harness = Harness::with(|directory| {
            let mut settings = EngineConfig { seed, ..config(directory, 1, link) };
            settings.segment_size = SegmentSize::new(ByteSize::from_mib(4)).unwrap();
            settings.health.interval = SimDuration::from_secs(1);
            settings
        });
        random_file(&harness.path("a.bin"), 4_000_000, 1);
        harness.start(harness.upload_of("a.bin")).unwrap();
        harness.ask(operation::Sleep { span: SimDuration::from_secs(200) }).unwrap();
        let Ok(Reply::Nodes(nodes)) = harness.ask(operation::ListNodes) else { panic!("no nodes") };
        probes_lost += nodes[0].seen.probes - nodes[0].seen.answers;
        let events = std::iter::from_fn(|| harness.simulation.poll_event());
        deaths += events.filter(|(_, event)| matches!(event, Event::HealthChanged { to: Health::Dead, .. })).count();
    }
    assert!(probes_lost > 300 && deaths < 3, "{probes_lost} probes lost, {deaths} times dead");
}

/// A node is away when a file is removed, or an upload undone: it is told when it is back.
#[test]
fn a_node_that_was_away_deletes_what_it_owes() {
    let mut harness = Harness::new(2, quick_link());
    random_file(&harness.path("a.bin"), 600_000, 1);
    harness.put("a.bin").unwrap();
    let away = Peer::Node(NodeNumber::from_index(1));
    harness.ask(operation::SetLink { peer: away, link: cut(quick_link()) }).unwrap();
    harness.remove("a.bin").unwrap();
    assert_eq!(harness.segment_files().iter().filter(|path| path.to_string_lossy().contains("segments/")).count(), 5);
    let owed = |harness: &mut Harness| match harness.ask(operation::StatStorage) {
        Ok(Reply::Storage(stats)) => stats.owed_deletions,
        other => panic!("{other:?}"),
    };
    assert_eq!(owed(&mut harness), 5);
    // The same content comes back before the node does: what a file needs again is not deleted.
    let content = fs::read(harness.path("a.bin")).unwrap();
    fs::write(harness.path("b.bin"), &content[..70_000]).unwrap();
    harness.ask(operation::SetLink { peer: away, link: quick_link() }).unwrap();
    harness.put("b.bin").unwrap();
    harness.ask(operation::Sleep { span: SimDuration::from_secs(3_600) }).unwrap();
    assert_eq!(owed(&mut harness), 0);
    assert_eq!(harness.segment_files().iter().filter(|path| path.to_string_lossy().contains("segments/")).count(), 2);
    assert!(harness.get("b.bin").unwrap().1 == content[..70_000]);
}

/// A name is promised until its upload is undone, and free then.
#[test]
fn a_name_is_promised_once_and_freed_once() {
    let mut harness = Harness::new(2, slow_link());
    random_file(&harness.path("n"), 400_000, 1);
    let first = harness.start(harness.upload_of("n")).unwrap();
    harness.ask(operation::Sleep { span: SimDuration::from_millis(500) }).unwrap();
    let cancelled = harness.tell(operation::Cancel { transfer: first });
    let upload = harness.upload_of("n");
    assert_eq!(harness.start(upload), Err(EngineError::NameReserved { name: "n".into() }));
    harness.answer(cancelled).unwrap();
    let second = harness.start(harness.upload_of("n")).unwrap();
    let upload = harness.upload_of("n");
    assert_eq!(harness.start(upload), Err(EngineError::NameReserved { name: "n".into() }));
    harness.finish(second).unwrap();
}

/// However many uploads there are, they share one budget; those that have nothing of it are seen to wait, and all get their turn.
#[test]
fn transfers_share_one_memory() {
    let mut harness = Harness::with(|directory| {
        let mut settings = config(directory, 3, quick_link());
        settings.segment_size = SegmentSize::new(ByteSize::from_mib(1)).unwrap();
        settings.memory = ByteSize::from_mib(16);
        settings
    });
    let transfers: Vec<TransferId> = (0..12)
        .map(|n| {
            let name = format!("f{n}");
            random_file(&harness.path(&name), 6 << 20, n);
            harness.start(harness.upload_of(&name)).unwrap()
        })
        .collect();
    let mut most_waiting = 0;
    loop {
        let Ok(Reply::Transfers(all)) = harness.ask(operation::ListTransfers) else { panic!("no transfers") };
        let of = |state| all.iter().filter(|status| status.state == state).count();
        most_waiting = most_waiting.max(of(TransferState::Waiting));
        assert!(harness.simulation.memory_in_use() <= 16 << 20);
        if all.iter().all(|status| status.state.is_over()) {
            break;
        }
        harness.ask(operation::Sleep { span: SimDuration::from_millis(20) }).unwrap();
    }
    assert!(most_waiting >= 6, "{most_waiting}");
    for transfer in transfers {
        harness.finish(transfer).unwrap();
    }
    assert_eq!(harness.simulation.memory_in_use(), 0);
}

/// The catalog's file is taken away during an upload: nothing that is written to it would be found again, so nothing is, the upload
/// fails with the reason, and no segment is deleted by what a catalog without a name says. The next start decides.
#[test]
fn a_catalog_that_is_taken_away_acknowledges_and_deletes_nothing() {
    let mut harness = Harness::new(2, quick_link());
    for (name, salt) in [("a.bin", 1), ("b.bin", 2)] {
        random_file(&harness.path(name), 200_000, salt);
    }
    harness.put("a.bin").unwrap();
    let upload = harness.start(harness.upload_of("b.bin")).unwrap();
    let (catalog, away) = (harness.path("data/catalog.redb"), harness.path("away.redb"));
    fs::rename(&catalog, &away).unwrap();
    let error = harness.finish(upload).unwrap_err().to_string();
    assert!(error.contains("catalog.redb") && error.contains("next start"), "{error}");
    let removal = harness.remove("a.bin").unwrap_err().to_string();
    assert!(removal.contains("nothing more is written"), "{removal}");
    assert_eq!(segments_below(&harness.path("data")).len(), 8, "nothing is deleted");
    fs::rename(&away, &catalog).unwrap();
    let mut harness = harness.restart(|directory| config(directory, 2, quick_link())).unwrap();
    assert_eq!(harness.names(), ["a.bin"]);
    assert_eq!(segments_below(&harness.path("data")).len(), 4, "the next start has decided");
    assert_eq!(harness.get("a.bin").unwrap().1, fs::read(harness.path("a.bin")).unwrap());
}
