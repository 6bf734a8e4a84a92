//! The services of a process: what there is, and how each is started, watched and ended. `p2p serve` has them, and so has each program with
//! a prompt of this machine.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eyre::Result;
use p2p_auth::Auth;
use p2p_base::units::count_of;
use p2p_grpc::Server;
use p2p_service::access::Access;
use p2p_service::access::remote::RemoteRules;
use p2p_service::access::watching::Snapshots;
use p2p_service::config::endpoint::Endpoint;
use p2p_service::config::keys::Section;
use p2p_service::config::{Config, ConfigError};
use p2p_service::doors::announced::{Announced, Announcement};
use p2p_service::doors::guest::Limits;
use p2p_service::doors::{Door, Doors, Figures, Stage, told_refusals};
use p2p_service::instance::Instance;
use p2p_service::output;
use secrecy::ExposeSecret;
use thiserror::Error;
use tokio::task::JoinSet;

use super::nodes::{self, Endpoints};

/// Kind of service that this program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The gRPC services.
    Grpc,
}

impl Kind {
    /// Names of all kinds, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["grpc"];
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Kind; Kind::NAMES.len()] = [Kind::Grpc];

    /// Returns the name of the kind, which is also that of its section in p2p.toml.
    pub const fn name(self) -> &'static str {
        Kind::NAMES[self as usize]
    }

    /// Returns the kind of this name.
    pub fn of(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the kind that is meant, or all of them where none is named.
    pub(super) fn meant(kind: Option<Kind>) -> Vec<Kind> {
        kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind])
    }

    /// Returns the names of the doors of these kinds, in the order in which they are listed.
    fn doors_of(kinds: &[Kind]) -> Vec<&'static str> {
        kinds.iter().flat_map(|kind| kind.doors()).copied().collect()
    }

    /// Returns the names of the doors of the kind, as the figures have them.
    const fn doors(self) -> &'static [&'static str] {
        match self {
            Kind::Grpc => &["grpc", nodes::NAME],
        }
    }

    /// Returns true if the kind has a door of this name.
    pub(super) fn has(self, door: &str) -> bool {
        self.doors().contains(&door)
    }

    const fn section(self) -> Section {
        match self {
            Kind::Grpc => Section::Grpc,
        }
    }

    /// Returns the address at which the kind listens by a configuration.
    fn address_in(self, config: &Config) -> Result<SocketAddr, ConfigError> {
        match self {
            Kind::Grpc => config.grpc_address(),
        }
    }

    /// Returns the names of the doors that the kind has by a configuration, each with its address.
    fn doors_in(self, config: &Config) -> Result<Vec<(&'static str, SocketAddr)>, ConfigError> {
        match self {
            Kind::Grpc => {
                let of_nodes = config.grpc_nodes()?.first().map(|&address| (nodes::NAME, address));
                Ok([(self.name(), config.grpc_address()?)].into_iter().chain(of_nodes).collect())
            }
        }
    }

    /// Returns the address at which the kind is to listen: the one that is given, or that of the configuration.
    ///
    /// # Errors
    /// Fails if other machines reach the address, and the configuration does not permit that.
    pub fn address(self, config: &Config, given: Option<Endpoint>, by: &'static str) -> Result<SocketAddr, ConfigError> {
        let Some(given) = given else { return self.address_in(config) };
        let mut config = config.clone();
        config.set(self.section(), "address", &given.to_string(), by)?;
        self.address_in(&config)
    }
}

/// Error of a service that is not started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The service listens, or its clients still end what they do.
    #[error("{service} is {stage} at {address}; `serve stop {service}` ends it", stage = stage.name())]
    NotClosed {
        /// Name of the service.
        service: &'static str,
        /// Stage of its door.
        stage: Stage,
        /// Address of the door.
        address: SocketAddr,
    },
    /// The address cannot be listened at, as if another process does.
    #[error("{service} cannot listen at {address}: {error}")]
    Address {
        /// Name of the service.
        service: &'static str,
        /// Address that is taken, or not one of this machine.
        address: SocketAddr,
        /// Error of the system.
        error: io::Error,
    },
    /// Other processes could not learn of the service.
    #[error("the services cannot be announced in the data directory: {0}")]
    Announcement(io::Error),
    /// The configuration does not permit it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The program is being left.
    #[error("the services have ended, since the program is being left")]
    Ended,
    /// The service is not sound, which is a bug of this program.
    #[error(transparent)]
    Unsound(#[from] p2p_grpc::Unsound),
}

/// Service that was started.
#[derive(Debug)]
#[must_use = "a part of it may not listen"]
pub struct Started {
    /// Address at which it listens.
    pub address: SocketAddr,
    /// Endpoints of nodes that were opened with it.
    pub of_nodes: Vec<Announced>,
    /// Sentences about what does not listen, while the rest does.
    pub problems: Vec<String>,
}

/// The services of a process. Cheap to clone. When the last clone is dropped, they end at once.
#[derive(Debug, Clone)]
pub struct Services(Arc<Inner>);

struct Inner {
    doors: Doors,
    /// Access to the engine, which does not end while there is one; `None` once the services have ended.
    access: Mutex<Option<Access>>,
    auth: Auth,
    rules: Arc<RemoteRules>,
    /// What tells whether the nodes run.
    snapshots: Snapshots,
    config: Config,
    data_dir: PathBuf,
    drain: Duration,
    /// Permission to start a service: one at a time.
    starting: tokio::sync::Mutex<()>,
    /// Tasks that attend the doors.
    attending: Mutex<JoinSet<()>>,
    /// Endpoints of nodes that were opened last.
    of_nodes: Mutex<Vec<Announced>>,
    announcement: Mutex<Option<Announcement>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("doors", &self.doors).finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock was held leaves a complete value.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Services {
    /// Creates the services of an engine with its configuration, none of which listens yet.
    ///
    /// # Errors
    /// Fails if the configuration is incomplete, or if the disk or the system refuses.
    pub fn new(instance: &Instance) -> Result<Services> {
        Services::with(instance, instance.config.clone())
    }

    /// Creates the services of an engine as [`new`](Self::new) does, with addresses by another configuration.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn with(instance: &Instance, config: Config) -> Result<Services> {
        Ok(Services(Arc::new(Inner {
            doors: Doors::default(),
            access: Mutex::new(Some(instance.access("serve")?)),
            auth: instance.auth.clone(),
            rules: instance.remote_rules()?,
            snapshots: instance.snapshots(),
            data_dir: instance.data_dir.clone(),
            drain: config.drain()?,
            config,
            starting: tokio::sync::Mutex::default(),
            attending: Mutex::default(),
            of_nodes: Mutex::default(),
            announcement: Mutex::default(),
        })))
    }

    /// Returns the configuration in which the addresses are.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Starts a service at an address, and returns where it listens. That of gRPC has the endpoints of nodes that the configuration wants.
    ///
    /// # Errors
    /// Fails as [`StartError`] says; nothing listens then that did not before.
    pub async fn start(&self, kind: Kind, address: SocketAddr) -> Result<Started, StartError> {
        let _permission = self.0.starting.lock().await;
        let doors = self.0.doors.figures();
        if let Some(door) = doors.iter().find(|door| kind.has(door.service) && door.stage != Stage::Closed) {
            return Err(StartError::NotClosed { service: kind.name(), stage: door.stage, address: door.address });
        }
        let access = locked(&self.0.access).clone().ok_or(StartError::Ended)?;
        let of_nodes = self.0.config.grpc_nodes()?;
        let server = match kind {
            Kind::Grpc => Server::new(access, Arc::clone(&self.0.rules)).await?,
        };
        let door = self.open(kind, address).await?;
        let endpoints = Endpoints::open(&self.0.doors, &server, &of_nodes).await?;
        let of_nodes = endpoints.announced(kind.name());
        locked(&self.0.of_nodes).clone_from(&of_nodes);
        self.announce().map_err(StartError::Announcement)?;
        let (address, drain) = (door.address(), self.0.drain);
        let mut attending = locked(&self.0.attending);
        // What has ended is not kept.
        while attending.try_join_next().is_some() {}
        attending.spawn(server.attend(door, drain));
        let problems = endpoints.attend(&mut attending, &self.0.snapshots, drain);
        tracing::info!(service = kind.name(), %address, nodes = of_nodes.len(), "a service listens");
        Ok(Started { address, of_nodes, problems })
    }

    async fn open(&self, kind: Kind, address: SocketAddr) -> Result<Door, StartError> {
        let opened = self.0.doors.open(kind.name(), address, Limits::default()).await;
        opened.map_err(|error| StartError::Address { service: kind.name(), address, error })
    }

    /// Returns the services that listen, those of single nodes last.
    pub fn listening(&self) -> Vec<Announced> {
        let is_open = |door: &Figures| door.stage == Stage::Open;
        let (of_nodes, whole): (Vec<Figures>, Vec<Figures>) =
            self.0.doors.figures().into_iter().filter(is_open).partition(|door| door.service == nodes::NAME);
        let announced = |door: Figures| Announced { service: door.service.to_owned(), address: door.address, node: None };
        let mut listening: Vec<Announced> = whole.into_iter().map(announced).collect();
        if !of_nodes.is_empty() {
            listening.extend(locked(&self.0.of_nodes).iter().cloned());
        }
        listening
    }

    /// Tells other processes which services listen.
    fn announce(&self) -> io::Result<()> {
        let (mut announcement, listening) = (locked(&self.0.announcement), self.listening());
        if listening.is_empty() {
            *announcement = None;
            return Ok(());
        }
        match &*announcement {
            Some(announcement) => announcement.renew(listening)?,
            None => *announcement = Some(Announcement::new(&self.0.data_dir, listening)?),
        }
        Ok(())
    }

    /// Ends a service, or all of them, and returns their figures: nobody is taken in any more, and the clients end what they do within the
    /// time of the configuration. A future that is dropped leaves that going on.
    pub async fn stop(&self, kind: Option<Kind>) -> Vec<Figures> {
        let is_meant = |door: &Figures| kind.is_none_or(|kind| kind.has(door.service)) && door.stage != Stage::Closed;
        let meant: Vec<SocketAddr> = self.0.doors.figures().into_iter().filter(is_meant).map(|door| door.address).collect();
        let names = Kind::doors_of(&Kind::meant(kind));
        names.iter().for_each(|name| self.0.doors.close_service(name));
        if let Err(error) = self.announce() {
            // Who reads the old one finds that nobody answers there.
            tracing::warn!(%error, "the end of a service is not announced");
        }
        for name in names {
            self.0.doors.closed(Some(name)).await;
        }
        self.0.doors.figures().into_iter().filter(|door| meant.contains(&door.address)).collect()
    }

    /// Ends all services because the program ends, and tells what each has seen. None is started any more. Returns the announcement, which
    /// is to be dropped before the engine ends: until then, who finds the data directory in use is told by whom.
    #[must_use = "the announcement stands until it is dropped"]
    pub async fn end(&self) -> Option<Announcement> {
        // A start that has begun is waited for, so that its door is closed as well.
        let permission = self.0.starting.lock().await;
        *locked(&self.0.access) = None;
        let mut asked = self.0.doors.figures();
        asked.retain(|door| door.stage != Stage::Closed);
        self.0.doors.close();
        drop(permission);
        let mut attending = std::mem::take(&mut *locked(&self.0.attending));
        while attending.join_next().await.is_some() {}
        let figures = self.0.doors.figures();
        figures.iter().filter(|door| asked.iter().any(|one| one.address == door.address)).for_each(tell);
        locked(&self.0.announcement).take()
    }

    /// Returns the figures of each service, also of those that were never started.
    pub fn figures(&self) -> Vec<Figures> {
        let doors = self.0.doors.figures();
        // An address that is not permitted is told when the service is started.
        let of_kinds = Kind::ALL.into_iter().flat_map(|kind| kind.doors_in(&self.0.config).unwrap_or_default());
        let is_known = |name: &str| doors.iter().any(|door| door.service == name);
        let never: Vec<Figures> =
            of_kinds.filter(|(name, _)| !is_known(name)).map(|(name, address)| Figures::never_open(name, address)).collect();
        let order = Kind::doors_of(&Kind::ALL);
        let mut all = [doors, never].concat();
        all.sort_by_key(|door| order.iter().position(|&name| name == door.service));
        all
    }

    /// Returns the token that admits the first account, while there is none.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn setup_token(&self) -> Result<Option<&str>> {
        Ok((!self.0.auth.has_accounts()?).then(|| self.0.rules.setup_token().expose_secret()))
    }
}

/// Tells what a door has seen.
fn tell(door: &Figures) {
    output::tell(format_args!("p2p: {}", told(door)));
}

/// Formats what a closed door has seen.
pub(super) fn told(door: &Figures) -> String {
    let Figures { service, address, connections, requests, refusals, .. } = door;
    let refused = match told_refusals(refusals) {
        none if none.is_empty() => none,
        reasons => format!("; refused: {reasons}"),
    };
    let (connections, requests) = (count_of(*connections, "connection"), count_of(*requests, "request"));
    format!("{service} at {address} is closed after {connections} and {requests}{refused}")
}
