//! A simulation on a bench: a data directory of its own, everything in reach, time that passes only when it is told to.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use p2p_base::random::RandomStream;
use p2p_base::units::{ByteSize, DelayRange, Probability, SimDuration};
use p2p_engine::io::{InlineIo, IoExecutor};
use p2p_engine::node::health::HealthConfig;
use p2p_engine::pace::Speed;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{TransferId, TransferReport};
use p2p_engine::{
    Caller, ClockMode, Command, CommandId, DiskSpeed, EngineConfig, EngineError, HostSpec, NodeSpec, Origin, Patience, Principal,
    Reply, Scope, Simulation, operation,
};
use p2p_net::{HostConfig, KeepAlive, TcpConfig};
use p2p_store::names::FileKey;
use p2p_store::placement::PlacementPolicy;
use p2p_store::segment::SegmentSize;

use crate::program::comes_true;

/// The links of the default configuration.
pub(crate) fn slow_link() -> HostConfig {
    HostConfig::symmetric("64KiB/s".parse().unwrap(), "1ms..10ms".parse().unwrap(), Probability::from_percent(1))
}

/// Links on which nothing is worth waiting for.
pub(crate) fn quick_link() -> HostConfig {
    HostConfig::symmetric("1Gbit/s".parse().unwrap(), "1ms".parse().unwrap(), Probability::NEVER)
}

/// An engine with `nodes` nodes on `link`s in `directory`.
pub(crate) fn config(directory: &Path, nodes: u8, link: HostConfig) -> EngineConfig {
    let host = |n| HostSpec { address: Ipv4Addr::new(192, 168, 1, n), link };
    EngineConfig {
        seed: 1,
        data_dir: directory.to_owned(),
        clock: ClockMode::OnDemand,
        speed: Speed::Max,
        client: host(1),
        nodes: (0..nodes).map(|n| NodeSpec { host: host(n + 2), capacity: ByteSize::from_gib(10) }).collect(),
        host_time: DelayRange::fixed(SimDuration::ZERO),
        tcp: TcpConfig {
            connect_timeout: SimDuration::from_secs(10),
            user_timeout: SimDuration::from_secs(30),
            keepalive: Some(KeepAlive::within(SimDuration::from_secs(30))),
            ..TcpConfig::default()
        },
        idle_timeout: SimDuration::from_secs(60),
        health: HealthConfig::default(),
        segment_size: SegmentSize::default(),
        placement: PlacementPolicy::RoundRobin,
        disk: DiskSpeed { service_time: SimDuration::from_millis(1), throughput: "200MiB/s".parse().unwrap() },
        memory: ByteSize::from_mib(256),
        quota: None,
        patience: Patience::default(),
    }
}

/// Who may do everything.
pub(crate) static OPERATOR: Caller = Caller::operator();

/// A user with an account, who is no admin, at the terminal.
pub(crate) fn user(name: &str) -> Caller {
    let principal = Principal::User { name: name.parse().unwrap(), is_admin: false, scope: Scope::Admin, path: None };
    Caller { principal, origin: Origin::Local, host: Peer::Client }
}

/// A file of random bytes.
pub(crate) fn random_file(path: &Path, bytes: usize, salt: u64) -> Vec<u8> {
    let content = random_bytes(bytes, salt);
    std::fs::write(path, &content).unwrap();
    content
}

/// Random bytes, the same for the same salt.
pub(crate) fn random_bytes(bytes: usize, salt: u64) -> Vec<u8> {
    let mut content = vec![0; bytes];
    RandomStream::new(salt, "file").fill(&mut content);
    content
}

/// A directory in memory, where there is such a place: hundreds of starts wait for no disk there.
pub(crate) fn home_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) struct Harness {
    pub(crate) simulation: Simulation,
    /// Local files live here.
    pub(crate) home: tempfile::TempDir,
    pub(crate) next_command: u64,
}

impl Harness {
    pub(crate) fn new(nodes: u8, link: HostConfig) -> Harness {
        Harness::with(|directory| config(directory, nodes, link))
    }

    pub(crate) fn with(configure: impl FnOnce(&Path) -> EngineConfig) -> Harness {
        let home = tempfile::tempdir().unwrap();
        let config = configure(&home.path().join("data"));
        Harness::open(home, config, Box::new(InlineIo::default())).unwrap()
    }

    pub(crate) fn open(home: tempfile::TempDir, config: EngineConfig, io: Box<dyn IoExecutor>) -> Result<Harness, EngineError> {
        Ok(Harness { simulation: Simulation::open(config, io)?, home, next_command: 0 })
    }

    /// Ends the process, so to speak, and starts it again on what it left.
    pub(crate) fn restart(self, configure: impl FnOnce(&Path) -> EngineConfig) -> Result<Harness, EngineError> {
        let Harness { simulation, home, .. } = self;
        drop(simulation);
        let config = configure(&home.path().join("data"));
        let mut opened = None;
        // A program that another test starts at this instant shares the locks of this process until it is executed.
        comes_true(|| {
            let is_in_use = |opened: &Result<Simulation, EngineError>| opened.as_ref().is_err_and(EngineError::is_in_use);
            opened = Some(Simulation::open(config.clone(), Box::new(InlineIo::default()))).filter(|opened| !is_in_use(opened));
            opened.is_some()
        });
        let simulation = opened.expect("the directory is free within the deadline")?;
        Ok(Harness { simulation, home, next_command: 0 })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Takes in a command without waiting for its answer.
    pub(crate) fn tell(&mut self, command: impl Into<Command>) -> CommandId {
        self.tell_as(&OPERATOR, command)
    }

    /// Takes in a command of somebody without waiting for its answer.
    pub(crate) fn tell_as(&mut self, caller: &Caller, command: impl Into<Command>) -> CommandId {
        self.next_command += 1;
        self.simulation.apply(CommandId(self.next_command), caller, command);
        CommandId(self.next_command)
    }

    /// Asks, and lets time pass until the answer is there.
    pub(crate) fn ask(&mut self, command: impl Into<Command>) -> Result<Reply, EngineError> {
        self.ask_as(&OPERATOR, command)
    }

    /// Asks as somebody, and lets time pass until the answer is there.
    pub(crate) fn ask_as(&mut self, caller: &Caller, command: impl Into<Command>) -> Result<Reply, EngineError> {
        let command_id = self.tell_as(caller, command);
        self.answer(command_id)
    }

    pub(crate) fn answer(&mut self, command_id: CommandId) -> Result<Reply, EngineError> {
        loop {
            while let Some((answered, reply)) = self.simulation.poll_reply() {
                if answered == command_id {
                    return reply;
                }
            }
            self.simulation.run();
        }
    }

    pub(crate) fn start(&mut self, command: impl Into<Command>) -> Result<TransferId, EngineError> {
        self.start_as(&OPERATOR, command)
    }

    pub(crate) fn start_as(&mut self, caller: &Caller, command: impl Into<Command>) -> Result<TransferId, EngineError> {
        match self.ask_as(caller, command)? {
            Reply::Started(transfer) => Ok(transfer),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn finish(&mut self, transfer: TransferId) -> Result<TransferReport, EngineError> {
        match self.ask(operation::Await { transfer })? {
            Reply::Finished(report) => report.into_result(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn upload_of(&self, name: &str) -> Command {
        Command::Upload(operation::Upload::of_file(self.path(name), None, 1_700_000_000))
    }

    pub(crate) fn put(&mut self, name: &str) -> Result<TransferReport, EngineError> {
        let transfer = self.start(self.upload_of(name))?;
        self.finish(transfer)
    }

    /// Fetches a stored file and gives its bytes.
    pub(crate) fn get(&mut self, name: &str) -> Result<(TransferReport, Vec<u8>), EngineError> {
        let path = self.path(&format!("fetched-{name}"));
        let _ = std::fs::remove_file(&path);
        let transfer = self.start(operation::Download::to_file(FileKey::unowned(name), path.clone(), false))?;
        let report = self.finish(transfer)?;
        Ok((report, std::fs::read(path).unwrap()))
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<TransferReport, EngineError> {
        let transfer = self.start(operation::Remove { file: FileKey::unowned(name), recursive: false, expected: None })?;
        self.finish(transfer)
    }

    /// The stored files' names.
    pub(crate) fn names(&mut self) -> Vec<String> {
        match self.ask(operation::ListFiles).unwrap() {
            Reply::Files(files) => files.into_iter().map(|file| file.key.to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Every segment file on every node's disk.
    pub(crate) fn segment_files(&self) -> Vec<PathBuf> {
        segments_below(&self.path("data"))
    }
}

/// Every segment file on the nodes' disks of a data directory.
pub(crate) fn segments_below(data_dir: &Path) -> Vec<PathBuf> {
    let mut found = files_below(&data_dir.join("nodes"));
    found.retain(|path| path.components().any(|part| part.as_os_str() == "segments"));
    found
}

pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
