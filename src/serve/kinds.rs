//! Kinds of services that this program has: their names, addresses and servers, and why one is not started.

use std::io;
use std::net::SocketAddr;

use p2p_service::config::endpoint::{Endpoint, TlsFiles};
use p2p_service::config::keys::Section;
use p2p_service::config::{Config, ConfigError};
use p2p_service::doors::Stage;
use p2p_service::doors::certificate::Presented;
use p2p_shell::report::date_of;
use p2p_ssh::keys::KeyFileError;
use thiserror::Error;

use super::certificate::{self, NotPresented};

/// Name of the gRPC endpoints of all nodes together, in the log, in the figures, and at the end.
const OF_GRPC: &str = "grpc of the nodes";

/// Kind of service that this program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The gRPC services.
    Grpc,
    /// The SSH servers of the nodes.
    Ssh,
    /// REST and the pages for browsers.
    Web,
}

/// Addresses at which a service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Address of the whole network; `None` for a service that has servers of single nodes alone.
    pub(super) whole: Option<SocketAddr>,
    /// Addresses of the servers of single nodes, the first one's first.
    pub(super) of_nodes: Vec<SocketAddr>,
}

impl Addresses {
    /// Leaves as little as there can be: the address of the whole network, or that of the first node where there is none.
    #[must_use]
    pub fn smallest(mut self) -> Addresses {
        self.of_nodes.truncate(usize::from(self.whole.is_none()));
        self
    }
}

impl Kind {
    /// Names of all kinds, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["grpc", p2p_ssh::server::SERVICE, p2p_web::SERVICE];
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Kind; Kind::NAMES.len()] = [Kind::Grpc, Kind::Ssh, Kind::Web];

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
    pub(super) fn doors_of(kinds: &[Kind]) -> Vec<&'static str> {
        kinds.iter().flat_map(|kind| kind.doors()).copied().collect()
    }

    /// Returns the names of the doors of the kind, as the figures have them: that of the whole network, and that of the nodes.
    const fn doors(self) -> &'static [&'static str] {
        match self {
            Kind::Grpc => &["grpc", OF_GRPC],
            Kind::Ssh => &[p2p_ssh::server::SERVICE],
            Kind::Web => &[p2p_web::SERVICE],
        }
    }

    /// Returns the name of the doors of the servers of single nodes.
    pub(super) const fn door_of_nodes(self) -> &'static str {
        match self {
            Kind::Grpc => OF_GRPC,
            Kind::Ssh => p2p_ssh::server::SERVICE,
            Kind::Web => p2p_web::SERVICE,
        }
    }

    /// Returns what users call the server of a node.
    pub(super) const fn name_of_endpoint(self) -> &'static str {
        match self {
            Kind::Grpc | Kind::Web => "endpoint",
            Kind::Ssh => "SSH server",
        }
    }

    /// Returns the flag of `p2p serve` that says where the kind listens.
    pub(super) const fn flag(self) -> &'static str {
        match self {
            Kind::Grpc => "--grpc",
            Kind::Ssh => "--ssh",
            Kind::Web => "--web",
        }
    }

    /// Returns the flag of `p2p serve` that says where the servers of single nodes listen.
    pub(super) const fn flag_of_nodes(self) -> &'static str {
        match self {
            Kind::Grpc => "--grpc-nodes",
            Kind::Ssh => "--ssh",
            Kind::Web => "--web",
        }
    }

    /// Returns true if the kind has a door of this name.
    pub(super) fn has(self, door: &str) -> bool {
        self.doors().contains(&door)
    }

    /// Returns the files with which the kind speaks TLS; `None` if it does not. SSH has keys of its own.
    fn tls_files(self, config: &Config) -> Result<Option<TlsFiles>, ConfigError> {
        match self {
            Kind::Grpc => config.grpc_tls(),
            Kind::Web => config.web_tls(),
            Kind::Ssh => Ok(None),
        }
    }

    /// Returns the certificate of the kind; `None` if it is without TLS.
    ///
    /// # Errors
    /// Fails if the configuration names half of it, or if a file cannot be used.
    pub(super) fn certificate(self, config: &Config) -> Result<Option<Presented>, NotPresented> {
        let protocols = match self {
            Kind::Web => p2p_web::PROTOCOLS,
            Kind::Grpc | Kind::Ssh => p2p_grpc::server::PROTOCOLS,
        };
        certificate::of(self.name(), self.tls_files(config)?.as_ref(), protocols)
    }

    /// Returns a warning about a certificate that clients refuse, with the next step.
    pub(super) fn warning(self, config: &Config, certificate: &Presented) -> Option<String> {
        certificate::warning(self.tls_files(config).ok()?.as_ref(), certificate)
    }

    const fn section(self) -> Section {
        match self {
            Kind::Grpc => Section::Grpc,
            Kind::Ssh => Section::Ssh,
            Kind::Web => Section::Web,
        }
    }

    /// Returns the addresses at which the kind listens by a configuration.
    fn addresses_in(self, config: &Config) -> Result<Addresses, ConfigError> {
        Ok(match self {
            Kind::Grpc => Addresses { whole: Some(config.grpc_address()?), of_nodes: config.grpc_nodes()? },
            Kind::Ssh => Addresses { whole: None, of_nodes: config.ssh_nodes()? },
            Kind::Web => Addresses { whole: Some(config.web_address()?), of_nodes: Vec::new() },
        })
    }

    /// Returns the names of the doors that the kind has by a configuration, each with its address.
    pub(super) fn doors_in(self, config: &Config) -> Result<Vec<(&'static str, SocketAddr)>, ConfigError> {
        let Addresses { whole, of_nodes } = self.addresses_in(config)?;
        let whole = whole.map(|address| (self.name(), address));
        Ok(whole.into_iter().chain(of_nodes.first().map(|&address| (self.door_of_nodes(), address))).collect())
    }

    /// Returns the addresses at which the kind is to listen: from the one on that is given, or those of the configuration.
    ///
    /// # Errors
    /// Fails if other machines reach an address, and the configuration does not permit that, or if there are too few ports.
    pub fn addresses(self, config: &Config, given: Option<Endpoint>, by: &'static str) -> Result<Addresses, ConfigError> {
        let Some(given) = given else { return self.addresses_in(config) };
        let mut config = config.clone();
        config.set(self.section(), "address", &given.to_string(), by)?;
        self.addresses_in(&config)
    }
}

/// Error of a service that is not started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The service listens, or its clients still end what they do.
    #[error(
        "{service} is already {stage} at {address}{}; `serve stop {service}` ends it",
        since.map(|since| format!(" since {}", date_of(since))).unwrap_or_default(),
        stage = stage.name()
    )]
    NotClosed {
        /// Name of the service.
        service: &'static str,
        /// Stage of its door.
        stage: Stage,
        /// Address of the door.
        address: SocketAddr,
        /// Time at which it was opened, in seconds since 1970.
        since: Option<u64>,
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
    /// The host keys cannot be read or made.
    #[error("SSH has no host keys: {0}")]
    HostKeys(#[from] KeyFileError),
    /// The configuration has no value for it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key that signs the cookies of browsers cannot be read or made.
    #[error(transparent)]
    Cookies(#[from] p2p_web::CookieKeyError),
    /// The certificate of the service cannot be presented.
    #[error(transparent)]
    Certificate(#[from] NotPresented),
    /// The program is being left.
    #[error("the services have ended, since the program is being left")]
    Ended,
    /// The service is not sound, which is a bug of this program.
    #[error(transparent)]
    Unsound(#[from] p2p_grpc::Unsound),
}

impl StartError {
    /// Returns the next step of who has started the service by `p2p serve`, if there is one.
    pub(super) fn advice(&self) -> Option<String> {
        match self {
            StartError::Address { service, .. } => {
                Some(format!("--{service}=:0 takes a free port, and [{service}] address in p2p.toml another"))
            }
            StartError::Certificate(_) => Some("`p2p cert` makes a certificate and its key".into()),
            _ => None,
        }
    }
}

/// Server of a kind, for all its doors.
pub(super) enum Server {
    Grpc(p2p_grpc::Server),
    Ssh(p2p_ssh::Server),
    Web(p2p_web::Server),
}

impl Server {
    pub(super) fn host_keys(&self) -> Vec<String> {
        match self {
            Server::Grpc(_) | Server::Web(_) => Vec::new(),
            Server::Ssh(server) => server.fingerprints(),
        }
    }
}
