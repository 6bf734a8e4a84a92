//! The servers: one a node, each at a door of its own, all under one set of limits.
//!
//! | file | contents |
//! |---|---|
//! | `connection` | one connection from its first byte to its end |
//! | `login` | who it is: public keys, passwords and codes, API tokens |
//! | `channels` | the channels of a connection, and what is asked of each |
//! | `works` | the tasks of a connection's channels |
//!
//! The endpoint of a node whose process does not run refuses connections, as a machine does on which no server runs, and its clients are
//! cut. It listens again when the node does.

mod channels;
mod connection;
mod login;
mod works;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use p2p_service::access::Access;
use p2p_service::access::remote::RemoteRules;
use p2p_service::access::watching::Snapshots;
use p2p_service::doors::Door;
use p2p_service::doors::seats::Seats;
use p2p_service::files::NodeNumber;
use tokio::sync::watch;

use self::connection::Shared;
use crate::keys::{HostKeys, KeyFileError};

/// Connections of one user at the most, at all nodes together.
const OF_ONE_USER: usize = 80;

/// Name of the services in the audit log, in mails and in the list of services.
pub const SERVICE: &str = "ssh";

/// The SSH servers of a process: what those of all nodes have in common.
#[derive(Debug)]
pub struct Server {
    local: Access,
    rules: Arc<RemoteRules>,
    seats: Seats,
    data_dir: PathBuf,
    keys: HostKeys,
}

impl Server {
    /// Makes the servers for clients of the gate of `local`, under these rules. Missing host keys are made in the data directory.
    ///
    /// # Errors
    /// Fails if the host keys cannot be read or made.
    pub fn new(local: Access, rules: Arc<RemoteRules>, data_dir: &Path) -> Result<Server, KeyFileError> {
        Ok(Server {
            local,
            rules,
            seats: Seats::new(OF_ONE_USER),
            data_dir: data_dir.to_owned(),
            keys: HostKeys::open(data_dir)?,
        })
    }

    /// Returns the fingerprints of the keys by which the nodes are known that have none of their own.
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.fingerprints()
    }

    /// Makes the server of a node.
    ///
    /// # Errors
    /// Fails if the node's own host keys cannot be read.
    pub fn endpoint(&self, node: NodeNumber) -> Result<Endpoint, KeyFileError> {
        let keys = self.keys.of_node(&self.data_dir, &node.to_string())?;
        let config = Arc::new(connection::config(&keys));
        let (local, rules, seats) = (self.local.clone(), Arc::clone(&self.rules), self.seats.clone());
        Ok(Endpoint(Shared { local, rules, seats, config, node }))
    }
}

/// The SSH server of one node.
#[derive(Debug)]
pub struct Endpoint(Shared);

impl Endpoint {
    /// Serves the clients of a door while the node's process runs, as `snapshots` tell of it, until the door is closed, and then lets them end
    /// what they do, for `drain` at the most.
    pub async fn attend(self, door: Door, snapshots: Snapshots, drain: Duration) {
        let Endpoint(shared) = self;
        let (mut process, closing) = (snapshots.process(shared.node), door.closing());
        let is_stopped = watch::Sender::new(process.is_stopped());
        let attending = door.attend_unless(is_stopped.subscribe(), drain, |stream, guest| {
            connection::serve(stream, guest, shared.clone(), is_stopped.subscribe(), closing.clone(), drain)
        });
        let following = async {
            while let Some(now) = process.changed().await {
                is_stopped.send_replace(now);
            }
            // The engine has stopped; whoever began it closes the doors.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = attending => {}
            () = following => {}
        }
    }
}
