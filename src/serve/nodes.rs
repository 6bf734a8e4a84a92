//! Servers of single nodes: their doors, one a node, and what attends them. They are opened and closed with the service that they are of.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use p2p_grpc::storage as grpc;
use p2p_service::access::watching::Snapshots;
use p2p_service::doors::announced::Announced;
use p2p_service::doors::guest::Limits;
use p2p_service::doors::{Door, Doors, Figures, Stage};
use p2p_service::files::NodeNumber;
use p2p_ssh::server as ssh;
use tokio::task::JoinSet;

use super::kinds::{Kind, Server, StartError};

/// Address of the gRPC endpoint of Node_01 where neither p2p.toml nor the command line has another.
pub(super) const FIRST: &str = "127.0.0.1:50051";

/// Largest number of connections from one address to the servers of all nodes together. A client of all of them has some of each kind.
const OF_ONE_ADDRESS: usize = 128;

/// Returns why an address cannot be listened at: by name, if another service of this program does.
pub(super) fn taken(doors: &Doors, address: SocketAddr, error: io::Error) -> io::Error {
    let is_there = |door: &Figures| door.address == address && door.stage != Stage::Closed;
    match doors.each().into_iter().find(is_there) {
        Some(door) => io::Error::new(error.kind(), format!("{} of this program listens there", door.service)),
        None => error,
    }
}

/// Server of one node.
enum Endpoint {
    Grpc(grpc::Endpoint),
    Ssh(ssh::Endpoint),
}

impl Endpoint {
    async fn attend(self, door: Door, snapshots: Snapshots, drain: Duration) {
        match self {
            Endpoint::Grpc(endpoint) => endpoint.attend(door, snapshots, drain).await,
            Endpoint::Ssh(endpoint) => endpoint.attend(door, snapshots, drain).await,
        }
    }
}

/// Makes the server of each node.
enum Maker<'a> {
    Grpc(&'a p2p_grpc::Server, grpc::Reflection),
    Ssh(&'a p2p_ssh::Server),
}

impl Maker<'_> {
    /// Returns the maker of a service's endpoints; `None` if no node has one.
    fn of(server: &Server) -> Result<Option<Maker<'_>>, StartError> {
        Ok(match server {
            Server::Grpc(server) => Some(Maker::Grpc(server, grpc::Reflection::new()?)),
            Server::Ssh(server) => Some(Maker::Ssh(server)),
            Server::Web(_) => None,
        })
    }

    async fn make(&self, node: NodeNumber) -> Result<Endpoint, StartError> {
        Ok(match self {
            Maker::Grpc(server, reflection) => Endpoint::Grpc(grpc::Endpoint::new(server, reflection, node).await),
            Maker::Ssh(server) => Endpoint::Ssh(server.endpoint(node)?),
        })
    }
}

/// Part of a service that does not listen, while the rest does.
#[derive(Debug)]
pub struct Problem {
    /// Sentence about the part, its address and the error of the system.
    pub sentence: String,
    /// Flag of `p2p serve` that says where the part listens.
    pub flag: &'static str,
}

/// Servers of nodes whose doors are open, before they are attended.
#[derive(Default)]
pub(super) struct Endpoints {
    opened: Vec<(NodeNumber, Door, Endpoint)>,
    problems: Vec<Problem>,
}

impl Endpoints {
    /// Opens the doors of the servers of the nodes, the first one's first. One that cannot be opened is told, and the others go on; it is an
    /// error only if nothing else of the service listens.
    pub(super) async fn open(
        doors: &Doors,
        kind: Kind,
        server: &Server,
        addresses: &[SocketAddr],
        is_all: bool,
    ) -> Result<Endpoints, StartError> {
        let mut endpoints = Endpoints::default();
        if addresses.is_empty() {
            return Ok(endpoints);
        }
        let Some(maker) = Maker::of(server)? else { return Ok(endpoints) };
        let limits = Limits { of_one_address: OF_ONE_ADDRESS, ..Limits::default() };
        let opened = doors.open_each(kind.door_of_nodes(), addresses, limits).await;
        let is_none = is_all && opened.iter().all(|(_, door)| door.is_err());
        for (index, (address, door)) in opened.into_iter().enumerate() {
            let node = NodeNumber::from_index(index);
            match door {
                Ok(door) => endpoints.opened.push((node, door, maker.make(node).await?)),
                Err(error) if is_none => {
                    return Err(StartError::Address { service: kind.name(), address, error: taken(doors, address, error) });
                }
                Err(error) => {
                    let error = taken(doors, address, error);
                    let (what, flag) = (kind.name_of_endpoint(), kind.flag_of_nodes());
                    let sentence = format!("{node} has no {what}: {address} cannot be listened at: {error}");
                    endpoints.problems.push(Problem { sentence, flag });
                }
            }
        }
        Ok(endpoints)
    }

    /// Returns true if there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.opened.is_empty()
    }

    /// Notes that the door of the whole network is not opened, and why.
    pub(super) fn lacks(&mut self, problem: Problem) {
        self.problems.insert(0, problem);
    }

    /// Returns what other processes learn of the servers, which are of the service of this name and have its certificate.
    pub(super) fn announced(&self, service: &str, certificate_sha256: Option<&str>) -> impl Iterator<Item = Announced> {
        self.opened.iter().map(move |(node, door, _)| Announced {
            service: service.to_owned(),
            address: door.address(),
            node: Some(node.to_string()),
            certificate_sha256: certificate_sha256.map(str::to_owned),
        })
    }

    /// Attends each server by a task, and returns what could not be opened.
    pub(super) fn attend(self, attending: &mut JoinSet<()>, snapshots: &Snapshots, drain: Duration) -> Vec<Problem> {
        for (_, door, endpoint) in self.opened {
            attending.spawn(endpoint.attend(door, snapshots.clone(), drain));
        }
        self.problems
    }
}
