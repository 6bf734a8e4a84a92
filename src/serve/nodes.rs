//! The gRPC endpoints of the nodes: their doors, and what attends them. They are opened and closed with the gRPC services.

use std::net::SocketAddr;
use std::time::Duration;

use p2p_grpc::{Server, Unsound, storage as node};
use p2p_service::access::watching::Snapshots;
use p2p_service::doors::announced::Announced;
use p2p_service::doors::guest::Limits;
use p2p_service::doors::{Door, Doors};
use p2p_service::files::NodeNumber;
use tokio::task::JoinSet;

/// Name of the endpoints of all nodes together, in the log, in the figures, and at the end.
pub(super) const NAME: &str = "grpc of the nodes";

/// Address of the endpoint of Node_01 where neither p2p.toml nor the command line has another.
pub(super) const FIRST: &str = "127.0.0.1:50051";

/// Largest number of connections from one address to the endpoints of all nodes together. A client of all of them has some of each kind.
const OF_ONE_ADDRESS: usize = 128;

/// Endpoints of nodes whose doors are open, before they are attended.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    opened: Vec<(NodeNumber, Door, node::Endpoint)>,
    /// Sentences about the endpoints that cannot be opened.
    problems: Vec<String>,
}

impl Endpoints {
    /// Opens the doors of the endpoints of the nodes, the first one's first. One that cannot be opened is told, and the others go on.
    pub(super) async fn open(doors: &Doors, server: &Server, addresses: &[SocketAddr]) -> Result<Endpoints, Unsound> {
        let mut endpoints = Endpoints::default();
        if addresses.is_empty() {
            return Ok(endpoints);
        }
        let reflection = node::Reflection::new()?;
        let limits = Limits { of_one_address: OF_ONE_ADDRESS, ..Limits::default() };
        for (index, (address, door)) in doors.open_each(NAME, addresses, limits).await.into_iter().enumerate() {
            let node = NodeNumber::from_index(index);
            match door {
                Ok(door) => endpoints.opened.push((node, door, node::Endpoint::new(server, &reflection, node).await)),
                Err(error) => {
                    endpoints.problems.push(format!("{node} has no endpoint: {address} cannot be listened at: {error}"));
                }
            }
        }
        Ok(endpoints)
    }

    /// Returns what other processes learn of the endpoints, which are of the service of this name.
    pub(super) fn announced(&self, service: &str) -> Vec<Announced> {
        let announced = |(node, door, _): &(NodeNumber, Door, _)| Announced {
            service: service.to_owned(),
            address: door.address(),
            node: Some(node.to_string()),
        };
        self.opened.iter().map(announced).collect()
    }

    /// Attends each endpoint by a task, and returns the sentences about those that could not be opened.
    pub(super) fn attend(self, attending: &mut JoinSet<()>, snapshots: &Snapshots, drain: Duration) -> Vec<String> {
        for (_, door, endpoint) in self.opened {
            attending.spawn(endpoint.attend(door, snapshots.clone(), drain));
        }
        self.problems
    }
}
