//! The services of a process: what there is, and how each is started, watched and ended. `p2p serve` has them, and so has each program with
//! a prompt of this machine.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eyre::Result;
use p2p_auth::Auth;
use p2p_base::units::count_of;
use p2p_service::access::Access;
use p2p_service::access::remote::RemoteRules;
use p2p_service::access::watching::Snapshots;
use p2p_service::config::Config;
use p2p_service::doors::announced::{Announced, Announcement};
use p2p_service::doors::certificate::Presented;
use p2p_service::doors::guest::Limits;
use p2p_service::doors::{Door, Doors, Figures, Stage, told_refusals};
use p2p_service::instance::Instance;
use p2p_service::output;
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::task::JoinSet;

use super::kinds::{Addresses, Kind, Server, StartError};
use super::nodes::{self, Endpoints, Problem};

/// Service that was started.
#[derive(Debug)]
#[must_use = "a part of it may not listen"]
pub struct Started {
    /// Addresses at which it listens, the servers of single nodes last.
    pub listening: Vec<Announced>,
    /// Fingerprints of the keys by which its servers are known; none where it has no such keys.
    pub host_keys: Vec<String>,
    /// Sentence about a certificate that clients refuse.
    pub warning: Option<String>,
    /// Parts that do not listen, while the rest does.
    pub problems: Vec<Problem>,
}

/// Door of a service by itself: one of several where nodes have servers of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnDoor {
    /// Service that it is of.
    #[serde(skip)]
    pub kind: Kind,
    /// Name of the node that it is of, such as `Node_01`; `None` for one of the whole network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// SHA-256 of the certificate with which it speaks TLS, in hexadecimal; `None` if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<String>,
    /// Counts.
    #[serde(flatten)]
    pub figures: Figures,
}

impl OwnDoor {
    /// Returns the word for what the door does with those who come: its stage, or that it refuses them because its node is stopped.
    pub const fn state(&self) -> &'static str {
        if self.figures.stopped > 0 { "stopped" } else { self.figures.stage.name() }
    }
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
    /// Snapshots, which tell whether the nodes run.
    snapshots: Snapshots,
    config: Config,
    data_dir: PathBuf,
    drain: Duration,
    /// Permission to start a service: one at a time.
    starting: tokio::sync::Mutex<()>,
    /// Tasks that attend the doors.
    attending: Mutex<JoinSet<()>>,
    /// Addresses at which each service listens, or has listened last.
    opened: Mutex<Vec<Announced>>,
    /// Fingerprints of the keys by which the servers of a service are known since its last start, with its kind.
    host_keys: Mutex<Vec<(Kind, String)>>,
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
    /// Creates the services of an engine, none of which listens yet.
    ///
    /// # Errors
    /// Fails if the configuration is incomplete, or if the disk or the system refuses.
    pub fn new(instance: &Instance) -> Result<Services> {
        Ok(Services(Arc::new(Inner {
            doors: Doors::default(),
            access: Mutex::new(Some(instance.access("serve")?)),
            auth: instance.auth.clone(),
            rules: instance.remote_rules()?,
            snapshots: instance.snapshots(),
            config: instance.config.clone(),
            data_dir: instance.data_dir.clone(),
            drain: instance.config.drain()?,
            starting: tokio::sync::Mutex::default(),
            attending: Mutex::default(),
            opened: Mutex::default(),
            host_keys: Mutex::default(),
            announcement: Mutex::default(),
        })))
    }

    /// Returns the directory of the files.
    pub fn data_dir(&self) -> &Path {
        &self.0.data_dir
    }

    /// Returns the configuration in which the addresses are.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Starts a service at these addresses.
    ///
    /// # Errors
    /// Fails as [`StartError`] says; nothing listens then that did not before.
    pub async fn start(&self, kind: Kind, addresses: Addresses) -> Result<Started, StartError> {
        let _permission = self.0.starting.lock().await;
        let doors = self.0.doors.figures();
        if let Some(door) = doors.iter().find(|door| kind.has(door.service) && door.stage != Stage::Closed) {
            let (service, &Figures { stage, address, since, .. }) = (kind.name(), door);
            return Err(StartError::NotClosed { service, stage, address, since });
        }
        let certificate = kind.certificate(&self.0.config)?;
        let (server, Addresses { whole, of_nodes }) = (self.server(kind, certificate.as_ref()).await?, addresses);
        let (door, endpoints) = self.open(kind, &server, whole, &of_nodes).await?;
        let sha256 = certificate.as_ref().map(|certificate| certificate.fingerprint.to_string());
        let announced = |door: &Door| Announced {
            service: kind.name().into(),
            address: door.address(),
            node: None,
            certificate_sha256: sha256.clone(),
        };
        let listening: Vec<Announced> =
            door.iter().map(announced).chain(endpoints.announced(kind.name(), sha256.as_deref())).collect();
        let (host_keys, drain) = (server.host_keys(), self.0.drain);
        self.note_opened(kind, &listening, &host_keys);
        self.announce().map_err(StartError::Announcement)?;
        let mut attending = locked(&self.0.attending);
        // What has ended is not kept.
        while attending.try_join_next().is_some() {}
        match (door, server) {
            (Some(door), Server::Grpc(server)) => drop(attending.spawn(server.attend(door, drain))),
            (Some(door), Server::Web(server)) => drop(attending.spawn(server.attend(door, drain))),
            // Of SSH each node has a door of its own, and the whole network none.
            (None, _) | (_, Server::Ssh(_)) => {}
        }
        let problems = endpoints.attend(&mut attending, &self.0.snapshots, drain);
        tracing::info!(service = kind.name(), addresses = ?listening, "a service listens");
        let warning = certificate.and_then(|certificate| kind.warning(&self.0.config, &certificate));
        Ok(Started { listening, host_keys, warning, problems })
    }

    /// Notes where a service listens and how it is known, in the place of what was before.
    fn note_opened(&self, kind: Kind, listening: &[Announced], fingerprints: &[String]) {
        let mut opened = locked(&self.0.opened);
        opened.retain(|before| before.service != kind.name());
        opened.extend_from_slice(listening);
        let mut host_keys = locked(&self.0.host_keys);
        host_keys.retain(|(of, _)| *of != kind);
        host_keys.extend(fingerprints.iter().map(|fingerprint| (kind, fingerprint.clone())));
    }

    async fn server(&self, kind: Kind, certificate: Option<&Presented>) -> Result<Server, StartError> {
        let access = locked(&self.0.access).clone().ok_or(StartError::Ended)?;
        let rules = Arc::clone(&self.0.rules);
        Ok(match kind {
            Kind::Grpc => Server::Grpc(p2p_grpc::Server::new(access, rules, certificate).await?),
            Kind::Ssh => Server::Ssh(p2p_ssh::Server::new(access, rules, &self.0.data_dir)?),
            Kind::Web => {
                let rate = self.0.config.web_requests_per_second()?;
                Server::Web(p2p_web::Server::new(access, rules, &self.0.data_dir, rate, certificate, self.0.doors.clone())?)
            }
        })
    }

    /// Returns the limits of the door of a service at an address.
    fn limits(&self, kind: Kind, address: SocketAddr) -> Result<Limits, StartError> {
        Ok(match kind {
            Kind::Web => self.0.config.web_limits(address)?,
            Kind::Grpc | Kind::Ssh => Limits::default(),
        })
    }

    /// Opens the doors of a service: that of the whole network, and those of the nodes. One that cannot be opened is told, and the others go
    /// on; it is an error only if nothing of the service listens.
    async fn open(
        &self,
        kind: Kind,
        server: &Server,
        whole: Option<SocketAddr>,
        of_nodes: &[SocketAddr],
    ) -> Result<(Option<Door>, Endpoints), StartError> {
        let opened = match whole {
            Some(address) => {
                let opened = self.0.doors.open(kind.name(), address, self.limits(kind, address)?).await;
                let taken = |error| nodes::taken(&self.0.doors, address, error);
                Some(opened.map_err(|error| StartError::Address { service: kind.name(), address, error: taken(error) }))
            }
            None => None,
        };
        let is_needed = !matches!(opened, Some(Ok(_)));
        let endpoints = Endpoints::open(&self.0.doors, kind, server, of_nodes, is_needed).await;
        Ok(match (opened.transpose(), endpoints) {
            (Ok(door), endpoints) => (door, endpoints?),
            (Err(taken), Ok(mut endpoints)) if !endpoints.is_empty() => {
                endpoints.lacks(Problem { sentence: taken.to_string(), flag: kind.flag() });
                (None, endpoints)
            }
            // Without it, that a node has no server counts for little.
            (Err(taken), _) => return Err(taken),
        })
    }

    /// Returns the services that listen, those of single nodes last.
    pub fn listening(&self) -> Vec<Announced> {
        let doors = self.0.doors.figures();
        let is_open = |kind: Kind| doors.iter().any(|door| kind.has(door.service) && door.stage == Stage::Open);
        let open: Vec<&str> = Kind::ALL.into_iter().filter(|&kind| is_open(kind)).map(Kind::name).collect();
        let mut listening = locked(&self.0.opened).clone();
        listening.retain(|one| open.contains(&one.service.as_str()));
        listening.sort_by_key(|one| one.node.is_some());
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
        let (announcement, ended) = self.ended().await;
        ended.iter().for_each(tell);
        announcement
    }

    /// Ends all services as [`end`](Self::end) does, and returns what each has seen beside the announcement.
    pub async fn ended(&self) -> (Option<Announcement>, Vec<Figures>) {
        // A start that has begun is waited for, so that its door is closed as well.
        let permission = self.0.starting.lock().await;
        *locked(&self.0.access) = None;
        let mut asked = self.0.doors.figures();
        asked.retain(|door| door.stage != Stage::Closed);
        self.0.doors.close();
        drop(permission);
        let mut attending = std::mem::take(&mut *locked(&self.0.attending));
        while attending.join_next().await.is_some() {}
        let mut figures = self.0.doors.figures();
        figures.retain(|door| asked.iter().any(|one| one.address == door.address));
        (locked(&self.0.announcement).take(), figures)
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

    /// Returns each door that was opened by itself, those of the whole network first; those of a service that is closed stay until it is
    /// started again.
    pub fn doors(&self) -> Vec<OwnDoor> {
        let (each, opened) = (self.0.doors.each(), locked(&self.0.opened));
        let of = |kind: Kind, figures: &Figures| {
            let place = opened.iter().find(|one| one.service == kind.name() && one.address == figures.address);
            let (node, certificate_sha256) =
                place.map(|one| (one.node.clone(), one.certificate_sha256.clone())).unwrap_or_default();
            OwnDoor { kind, node, certificate_sha256, figures: figures.clone() }
        };
        let of_kind = |kind: Kind| {
            let doors = each.iter().filter(move |figures| kind.has(figures.service));
            doors.map(move |figures| of(kind, figures))
        };
        let mut all: Vec<OwnDoor> = Kind::ALL.into_iter().flat_map(of_kind).collect();
        all.sort_by_key(|door| (door.kind as usize, door.node.is_some()));
        all
    }

    /// Returns the fingerprints of the keys by which the servers of a service are known; none where it was not started or has no such keys.
    pub fn host_keys(&self, kind: Kind) -> Vec<String> {
        let host_keys = locked(&self.0.host_keys);
        host_keys.iter().filter(|(of, _)| *of == kind).map(|(_, fingerprint)| fingerprint.clone()).collect()
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
