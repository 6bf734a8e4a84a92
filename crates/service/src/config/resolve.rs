//! Conversion of configuration values to the hosts, links and sizes of an engine, including the assignment of addresses and the
//! values of single hosts. Independent of files.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use p2p_auth::Policy;
use p2p_auth::names::Email;
use p2p_base::units::{ByteSize, SimDuration};
use p2p_engine::node::health::HealthConfig;
use p2p_engine::pace::Speed;
use p2p_engine::{ClockMode, DiskSpeed, EngineConfig, HostSpec, NodeSpec, Patience};
use p2p_net::{AddressPool, HostConfig, KeepAlive, LinkConfig, TcpConfig};
use p2p_store::segment::SegmentSize;
use secrecy::SecretString;

use super::endpoint::{Endpoint, TlsFiles};
use super::keys::{self, Section};
use super::{Config, ConfigError, Origin, Setting, Settings, value_of};
use crate::abilities::Glyphs;
use crate::access::remote::RemoteRegistration;

/// Memory that an upload with the largest segments needs to cut them ahead and to have one in flight, rounded up.
const MEMORY_MIN: ByteSize = ByteSize::from_mib(16);

/// Configuration of the mail server.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// Host name of the server, which its certificate must contain.
    pub host: String,
    /// TCP port of the server.
    pub port: u16,
    /// True if the connection uses TLS from the first byte, false for STARTTLS.
    pub tls_from_the_start: bool,
    /// User name for the login at the server, if any.
    pub user: Option<String>,
    /// Password for the login, if the configuration contains it.
    pub password: Option<SecretString>,
    /// Path of the file that contains the password otherwise.
    pub password_file: Option<PathBuf>,
    /// Path of an additional certificate to trust.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// Returns the data directory, if the configuration sets it.
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.path(Section::Storage, "data_dir")
    }

    /// Returns the text of a value; empty if it is not set.
    pub fn text(&self, section: Section, key: &'static str) -> String {
        self.get(section, key).unwrap_or_default()
    }

    /// Returns the characters to draw with; `None` if the locale is to decide.
    pub fn glyphs(&self) -> Option<Glyphs> {
        match self.text(Section::Tui, "glyphs").as_str() {
            "unicode" => Some(Glyphs::Unicode),
            "ascii" => Some(Glyphs::Ascii),
            _ => None,
        }
    }

    /// Returns true if the full-screen interface takes the mouse.
    pub fn takes_mouse(&self) -> bool {
        self.text(Section::Tui, "mouse") != "false"
    }

    /// Returns the key bindings of the full-screen interface, by action.
    ///
    /// # Errors
    /// Fails if a key is bound twice or has a fixed meaning.
    pub fn keymap(&self) -> Result<BTreeMap<&'static str, String>, ConfigError> {
        let mut keymap = BTreeMap::new();
        let settings: Vec<(&'static str, &Setting)> = self.settings_of(Section::Keys).collect();
        let of_key = |name: &'static str, setting: &Setting, message: String| ConfigError::Value {
            origin: setting.origin.clone(),
            key: format!("[keys] {name}"),
            message,
        };
        for &(name, setting) in &settings {
            if let Some(reason) = keys::why_taken(&setting.text, name) {
                return Err(of_key(name, setting, format!("{} {reason}", setting.text)));
            }
            let same = settings.iter().find(|(other, found)| *other != name && found.text == setting.text);
            // The built-in keys differ, so that one of two that do not is the user's.
            if let Some((other, found)) = same.filter(|_| setting.origin != Origin::BuiltIn) {
                return Err(of_key(name, setting, format!("{} is the key of `{other}` too ({})", setting.text, found.origin)));
            }
            keymap.insert(name, setting.text.clone());
        }
        Ok(keymap)
    }

    /// Returns the policy for accounts: the cost of password hashing, the lifetimes of sessions and the size of the audit log.
    ///
    /// # Errors
    /// None if the default configuration is part of this one.
    pub fn accounts(&self) -> Result<Policy, ConfigError> {
        let seconds = |key| self.required::<SimDuration>(Section::Accounts, key).map(|time| time.as_nanos() / 1_000_000_000);
        Ok(Policy {
            iterations: self.required(Section::Accounts, "pbkdf2_iterations")?,
            session_lifetime: seconds("session_lifetime")?,
            session_idle: seconds("session_idle")?,
            audit_entries: self.required(Section::Accounts, "audit_entries")?,
        })
    }

    /// Returns the mail server, if one is configured. The password file is not read yet.
    ///
    /// # Errors
    /// Fails if values contradict each other.
    pub fn mail(&self) -> Result<Option<MailServer>, ConfigError> {
        let text = |key| self.get::<String>(Section::Mail, key);
        let Some(host) = text("host") else { return Ok(None) };
        let tls_from_the_start = self.text(Section::Mail, "security") == "tls";
        let user = text("user");
        if text("password").is_some() && text("password_file").is_some() {
            return Err(ConfigError::Conflict("[mail] password and password_file: give one of them".into()));
        }
        Ok(Some(MailServer {
            host,
            // RFC 8314, section 3.3, and RFC 6409, section 3.1.
            port: self.get(Section::Mail, "port").unwrap_or(if tls_from_the_start { 465 } else { 587 }),
            tls_from_the_start,
            user,
            password: text("password").map(SecretString::from),
            password_file: self.path(Section::Mail, "password_file"),
            ca_file: self.path(Section::Mail, "ca_file"),
        }))
    }

    /// Returns the sender address of mails.
    ///
    /// # Errors
    /// None if the default configuration is part of this one.
    pub fn mail_from(&self) -> Result<Email, ConfigError> {
        self.required(Section::Mail, "from")
    }

    /// Returns the seed of the run's random numbers.
    ///
    /// # Errors
    /// None if the default configuration is part of this one.
    pub fn seed(&self) -> Result<u64, ConfigError> {
        self.required(Section::Network, "seed")
    }

    /// Returns the configuration of an engine with its data in `data_dir`.
    ///
    /// # Errors
    /// Fails if values contradict each other: addresses that are in use or outside of the subnet, nodes that do not exist.
    pub fn engine(&self, data_dir: &Path, clock: ClockMode) -> Result<EngineConfig, ConfigError> {
        let (client, nodes) = self.hosts()?;
        let segment_size: ByteSize = self.required(Section::Storage, "segment_size")?;
        Ok(EngineConfig {
            seed: self.seed()?,
            data_dir: data_dir.to_owned(),
            clock,
            speed: self.required::<Speed>(Section::Engine, "speed")?,
            client,
            nodes,
            host_time: self.required(Section::Network, "host_time")?,
            tcp: self.tcp()?,
            idle_timeout: self.required(Section::Network, "idle_timeout")?,
            health: self.health()?,
            segment_size: SegmentSize::new(segment_size).map_err(|error| ConfigError::Conflict(error.to_string()))?,
            placement: self.required(Section::Storage, "placement")?,
            disk: DiskSpeed {
                service_time: self.required(Section::Storage, "disk_service_time")?,
                throughput: self.required(Section::Storage, "disk_throughput")?,
            },
            memory: self.memory()?,
            quota: self.get(Section::Accounts, "quota"),
            patience: Patience::default(),
        })
    }

    /// Returns who may register an account from remote.
    ///
    /// # Errors
    /// Fails if the value is missing, which is a bug of this program.
    pub fn remote_registration(&self) -> Result<RemoteRegistration, ConfigError> {
        self.required(Section::Accounts, "remote_registration")
    }

    /// Returns the time that clients of services have to end what they do when the services end.
    ///
    /// # Errors
    /// None if the default configuration is part of this one.
    pub fn drain(&self) -> Result<Duration, ConfigError> {
        Ok(Duration::from_nanos(self.required::<SimDuration>(Section::Serve, "drain")?.as_nanos()))
    }

    /// Returns the address at which the gRPC services listen.
    ///
    /// # Errors
    /// Fails if other machines reach the address, and the configuration neither has a certificate nor permits that.
    pub fn grpc_address(&self) -> Result<SocketAddr, ConfigError> {
        self.private_or_permitted(Section::Grpc, "address")
    }

    /// Returns the addresses of the gRPC endpoints of the nodes, the first one's first; without `[grpc] nodes` no node has one.
    ///
    /// # Errors
    /// Fails if other machines reach the addresses, and the configuration neither has a certificate nor permits that, or if there are too
    /// few ports.
    pub fn grpc_nodes(&self) -> Result<Vec<SocketAddr>, ConfigError> {
        if self.text(Section::Grpc, "nodes").is_empty() { Ok(Vec::new()) } else { self.one_a_node(Section::Grpc, "nodes") }
    }

    /// Returns the addresses of the SSH servers of the nodes, the first one's first.
    ///
    /// # Errors
    /// Fails if other machines reach the addresses, and the configuration does not permit that, or if there are too few ports. What is sent is
    /// encrypted, but whoever reaches an address may try passwords.
    pub fn ssh_nodes(&self) -> Result<Vec<SocketAddr>, ConfigError> {
        self.one_a_node(Section::Ssh, "address")
    }

    /// Returns an address for each node from that of the first one on: the port of each is the next one, and free ones are taken for port 0.
    /// Nodes beyond the largest number of endpoints have none.
    fn one_a_node(&self, section: Section, key: &'static str) -> Result<Vec<SocketAddr>, ConfigError> {
        let first = self.private_or_permitted(section, key)?;
        let (nodes, max): (u16, u16) = (self.required(Section::Nodes, "count")?, self.required(section, "nodes_max")?);
        let port = |index| match first.port() {
            0 => Some(0),
            port => port.checked_add(index),
        };
        let wanted = nodes.min(max);
        let too_few = || {
            let last = u16::MAX - wanted.saturating_sub(1);
            let message =
                format!("{first} leaves too few ports for {wanted} nodes; take port {last} or a lower one, or :0 for free ports");
            self.refused(section, key, message)
        };
        let address = |index| port(index).map(|port| SocketAddr::new(first.ip(), port)).ok_or_else(too_few);
        (0..wanted).map(address).collect()
    }

    /// Returns the files with which the gRPC services speak TLS; `None` if they do not.
    ///
    /// # Errors
    /// Fails if the certificate is named without its key, or the key without the certificate.
    pub fn grpc_tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        self.tls_files(Section::Grpc)
    }

    /// Returns the address at which REST and the pages for browsers are served.
    ///
    /// # Errors
    /// Fails if other machines reach the address, and the configuration neither has a certificate nor permits that.
    pub fn web_address(&self) -> Result<SocketAddr, ConfigError> {
        self.private_or_permitted(Section::Web, "address")
    }

    /// Returns the number of requests of REST and of the pages that a user, and an address, may make in a second for long.
    ///
    /// # Errors
    /// Fails if there is no value.
    pub fn web_requests_per_second(&self) -> Result<NonZeroU32, ConfigError> {
        let count: u32 = self.required(Section::Web, "requests_per_second")?;
        // The least that is taken is 1.
        Ok(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
    }

    /// Returns the files with which REST and the pages for browsers speak TLS; `None` if they do not.
    ///
    /// # Errors
    /// Fails as [`grpc_tls`](Self::grpc_tls) does.
    pub fn web_tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        self.tls_files(Section::Web)
    }

    /// Returns the files with which the services of a section speak TLS.
    fn tls_files(&self, section: Section) -> Result<Option<TlsFiles>, ConfigError> {
        let missing = |there: &str, missing: &str| {
            let message = format!("TLS needs `{missing}` too, as in tls = {{ certificate = \"…\", key = \"…\" }}");
            Err(self.refused(section, there, message))
        };
        match (self.path(section, "tls.certificate"), self.path(section, "tls.key")) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
            (Some(_), None) => missing("tls.certificate", "tls.key"),
            (None, Some(_)) => missing("tls.key", "tls.certificate"),
        }
    }

    /// Returns an address of a section, if no other machine reaches it, or clients reach it encrypted, or it is permitted.
    fn private_or_permitted(&self, section: Section, key: &'static str) -> Result<SocketAddr, ConfigError> {
        let Endpoint(address) = self.required(section, key)?;
        if address.ip().is_loopback() || self.tls_files(section)?.is_some() || self.text(section, "allow_public") == "true" {
            return Ok(address);
        }
        let (danger, permission) = match section {
            Section::Ssh => ("may try passwords there", "or set allow_public = true"),
            _ => (
                "what they send crosses the network unencrypted",
                "set tls (`p2p cert` makes a certificate), or allow_public = true",
            ),
        };
        let message = format!("other machines reach {address}, and {danger}; take 127.0.0.1, {permission}");
        Err(self.refused(section, key, message))
    }

    /// Returns the error of a value that the other values do not permit, with its origin.
    fn refused(&self, section: Section, key: &str, message: String) -> ConfigError {
        let origin = self.setting(section, key).map_or(Origin::BuiltIn, |setting| setting.origin.clone());
        ConfigError::Value { origin, key: format!("[{section}] {key}"), message }
    }

    /// Returns the memory that transfers share.
    fn memory(&self) -> Result<ByteSize, ConfigError> {
        let memory: ByteSize = self.required(Section::Engine, "memory")?;
        if memory >= MEMORY_MIN {
            return Ok(memory);
        }
        Err(ConfigError::Conflict(format!("[engine] memory = {memory} is too little: a transfer needs up to {MEMORY_MIN}")))
    }

    fn tcp(&self) -> Result<TcpConfig, ConfigError> {
        let answer_timeout = self.required(Section::Network, "answer_timeout")?;
        Ok(TcpConfig {
            congestion: self.required(Section::Network, "congestion")?,
            connect_timeout: self.required(Section::Network, "connect_timeout")?,
            user_timeout: answer_timeout,
            keepalive: Some(KeepAlive::within(answer_timeout)),
            ..TcpConfig::default()
        })
    }

    fn health(&self) -> Result<HealthConfig, ConfigError> {
        let health = HealthConfig {
            interval: self.required(Section::Health, "interval")?,
            timeout: self.required(Section::Health, "timeout")?,
            suspect_after: self.required(Section::Health, "suspect_after")?,
            dead_after: self.required(Section::Health, "dead_after")?,
        };
        if health.dead_after < health.suspect_after {
            let message = format!(
                "[health] dead_after = {} comes before suspect_after = {}: a host is suspect before it is dead",
                health.dead_after, health.suspect_after
            );
            return Err(ConfigError::Conflict(message));
        }
        Ok(health)
    }

    fn hosts(&self) -> Result<(HostSpec, Vec<NodeSpec>), ConfigError> {
        let count: u16 = self.required(Section::Nodes, "count")?;
        if let Some(number) = self.nodes.keys().find(|&&number| number > count) {
            let message = format!("[[node]] number = {number}: there is no such node, since [nodes] count is {count}");
            return Err(ConfigError::Conflict(message));
        }
        let capacity: ByteSize = self.required(Section::Nodes, "capacity")?;
        let nothing = Settings::new();
        let client = self.sections.get(&Section::Client).unwrap_or(&nothing);
        let tables: Vec<&Settings> = (1..=count).map(|number| self.nodes.get(&number).unwrap_or(&nothing)).collect();
        let mut addresses = self.addresses(client, &tables)?.into_iter();
        let mut host = |settings: &Settings| {
            let address = addresses.next().unwrap_or(Ipv4Addr::UNSPECIFIED);
            self.link(settings).map(|link| HostSpec { address, link })
        };
        let client = host(client)?;
        let node =
            |table: &&Settings| Ok(NodeSpec { host: host(table)?, capacity: value_of(table, "capacity").unwrap_or(capacity) });
        Ok((client, tables.iter().map(node).collect::<Result<_, ConfigError>>()?))
    }

    /// Returns the addresses of the client and of the nodes: configured ones first, then free ones in order.
    fn addresses(&self, client: &Settings, nodes: &[&Settings]) -> Result<Vec<Ipv4Addr>, ConfigError> {
        let mut pool = AddressPool::new(self.required(Section::Network, "subnet")?);
        let hosts = || std::iter::once(&client).chain(nodes);
        for host in hosts() {
            let Some(setting) = host.get("address") else { continue };
            let reserved = setting
                .text
                .parse()
                .map_err(|_| String::new())
                .and_then(|address| pool.reserve(address).map_err(|error| error.to_string()));
            reserved.map_err(|message| ConfigError::Value { origin: setting.origin.clone(), key: "address".into(), message })?;
        }
        let exhausted = |error| ConfigError::Conflict(format!("{error}; see [network] subnet and [nodes] count"));
        hosts()
            .map(|host| match value_of(host, "address") {
                Some(address) => Ok(address),
                None => pool.assign().map_err(exhausted),
            })
            .collect()
    }

    /// Returns the link settings of a host: its own values, or else those of the network.
    fn link(&self, own: &Settings) -> Result<HostConfig, ConfigError> {
        let both = value_of(own, "bandwidth").map_or_else(|| self.required(Section::Network, "bandwidth"), Ok)?;
        let queue_packets = self.own_or_network(own, "queue")?;
        let direction = |key| LinkConfig { bandwidth: value_of(own, key).unwrap_or(both), queue_packets };
        Ok(HostConfig {
            up: direction("bandwidth_up"),
            down: direction("bandwidth_down"),
            delay: self.own_or_network(own, "delay")?,
            loss: self.own_or_network(own, "loss")?,
        })
    }

    fn own_or_network<T: FromStr>(&self, own: &Settings, key: &'static str) -> Result<T, ConfigError> {
        value_of(own, key).map_or_else(|| self.required(Section::Network, key), Ok)
    }

    fn required<T: FromStr>(&self, section: Section, key: &'static str) -> Result<T, ConfigError> {
        self.get(section, key).ok_or_else(|| ConfigError::Conflict(format!("[{section}] {key} has no value")))
    }
}
