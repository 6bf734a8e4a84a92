//! The endpoint of a node: the services at its address, and their end when the node's process ends.
//!
//! When the process ends, the address refuses connections, and calls under way are answered by what becomes of them in the virtual network.
//! Connections that are left after [`GRACE`](p2p_service::doors::GRACE) are cut. When the process starts, the address takes connections
//! again.

use std::time::Duration;

use p2p_service::access::watching::{NodeProcess, Snapshots};
use p2p_service::doors::Door;
use p2p_service::doors::handshake::Handshake;
use p2p_service::files::NodeNumber;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::Storage;
use crate::proto::file_storage_service_server::FileStorageServiceServer;
use crate::server::handshake;
use crate::server::{MESSAGE_MAX, NAMES_MAX, Server, Unsound, reflection};

/// Names in the health service: that of the whole endpoint, and that of its service.
const NAMES: [&str; 2] = ["", "p2p.v1.FileStorageService"];

/// Reflection of the services of an endpoint, which is the same for every node. Cheap to clone, and not to make.
#[derive(Debug, Clone)]
pub struct Reflection(Routes);

impl Reflection {
    /// Makes the reflection.
    ///
    /// # Errors
    /// Fails if the descriptions of the services are not sound.
    pub fn new() -> Result<Reflection, Unsound> {
        reflection(&NAMES[1..]).map(Reflection)
    }
}

/// Services of one node.
#[derive(Debug)]
pub struct Endpoint {
    node: NodeNumber,
    routes: Routes,
    health: HealthReporter,
    /// Handshake of TLS, unless the services are without.
    handshake: Option<Handshake>,
}

impl Endpoint {
    /// Makes the endpoint of a node, for the callers of a server and with its TLS, and with the reflection that all endpoints share.
    pub async fn new(server: &Server, reflection: &Reflection, node: NodeNumber) -> Endpoint {
        let (health, health_service) = tonic_health::server::health_reporter();
        let storage =
            FileStorageServiceServer::new(Storage::new(server.callers.clone(), node)).max_decoding_message_size(MESSAGE_MAX);
        health.set_serving::<FileStorageServiceServer<Storage>>().await;
        let health_service = health_service.max_decoding_message_size(NAMES_MAX);
        let routes = reflection.0.clone().add_service(health_service).add_service(storage);
        Endpoint { node, routes: routes.prepare(), health, handshake: server.handshake.clone() }
    }

    /// Serves the clients of a door while the node's process runs, as `snapshots` tell of it, until the door is closed, and then lets
    /// them end what they do, for `drain` at the most.
    pub async fn attend(self, door: Door, snapshots: Snapshots, drain: Duration) {
        let (mut closing, process) = (door.closing(), snapshots.process(self.node));
        let is_stopped = watch::Sender::new(process.is_stopped());
        let attending = door.attend_unless(is_stopped.subscribe(), drain, |stream, guest| {
            let (routes, handshake) = (self.routes.clone(), self.handshake.clone());
            handshake::serve(handshake, stream, guest, routes, is_stopped.subscribe())
        });
        let following = async {
            tokio::select! {
                biased;
                () = closing.begun() => {}
                () = self.follow(process, &is_stopped) => {}
            }
            self.tell(ServingStatus::NotServing).await;
            is_stopped.send_replace(true);
        };
        tokio::join!(attending, following);
    }

    /// Follows the node's process until the engine ends.
    async fn follow(&self, mut process: NodeProcess, is_stopped: &watch::Sender<bool>) {
        while let Some(now) = process.changed().await {
            // Whoever watches is told before the watching ends.
            self.tell(if now { ServingStatus::NotServing } else { ServingStatus::Serving }).await;
            is_stopped.send_replace(now);
        }
    }

    async fn tell(&self, status: ServingStatus) {
        for name in NAMES {
            self.health.set_service_status(name, status).await;
        }
    }
}
