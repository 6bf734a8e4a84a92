//! The server: what it offers, and how it takes connections in and ends them.
//!
//! | file | contents |
//! |---|---|
//! | `connection` | one connection: HTTP/2 with its limits, and the tasks of its requests |
//! | `handshake` | the handshake of TLS before it |
//! | `requests` | one request: its count, its deadline, and the end of streams that would go on for ever |
//!
//! The accept loop is not that of tonic: its tasks are nobody's, it waits without end for the last of them, and it answers a deadline
//! with CANCELLED.

mod connection;
pub(crate) mod handshake;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use p2p_service::access::Access;
use p2p_service::access::remote::RemoteRules;
use p2p_service::doors::Door;
use p2p_service::doors::certificate::Presented;
use p2p_service::doors::handshake::Handshake;
use thiserror::Error;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tonic_reflection::server::Builder;

use crate::accounts::Accounts;
use crate::admin::Admin;
use crate::callers::Callers;
use crate::files::Files;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::admin_service_server::AdminServiceServer;
use crate::proto::auth_service_server::AuthServiceServer;
use crate::proto::file_transfer_service_server::FileTransferServiceServer;

/// Length of a request to the health and reflection services at the most, in bytes: it has a name in it.
pub(crate) const NAMES_MAX: usize = 64 * 1024;

/// Error of a server that cannot be made, which is a bug of this program.
#[derive(Debug, Error)]
#[error("the descriptions of the gRPC services are not sound: {0}")]
pub struct Unsound(#[from] tonic_reflection::server::Error);

/// Length of any other message from a client at the most, in bytes. The contract says so too.
pub(crate) const MESSAGE_MAX: usize = 2 << 20;

/// Names in the health service: that of the whole server, and those of its services.
const NAMES: [&str; 4] = ["", "p2p.v1.AdminService", "p2p.v1.AuthService", "p2p.v1.FileTransferService"];

/// Protocol that clients ask for in their handshake (RFC 9113, section 3.2).
pub const PROTOCOL: &[u8] = b"h2";

/// Protocols that the services speak over TLS.
pub const PROTOCOLS: &[&[u8]] = &[PROTOCOL];

/// The gRPC services of a process.
#[derive(Debug)]
pub struct Server {
    routes: Routes,
    health: HealthReporter,
    pub(crate) callers: Callers,
    /// Handshake of TLS, unless the services are without.
    pub(crate) handshake: Option<Handshake>,
}

impl Server {
    /// Makes the server for clients of the gate of `access`, under these rules. With a certificate to present it speaks TLS, and nothing
    /// else.
    ///
    /// # Errors
    /// Fails if the descriptions of the services are not sound.
    pub async fn new(access: Access, rules: Arc<RemoteRules>, certificate: Option<&Presented>) -> Result<Server, Unsound> {
        let (health, health_service) = tonic_health::server::health_reporter();
        let callers = Callers::new(access, rules);
        let accounts = AuthServiceServer::new(Accounts::new(callers.clone())).max_decoding_message_size(MESSAGE_MAX);
        let files = FileTransferServiceServer::new(Files::new(callers.clone())).max_decoding_message_size(MESSAGE_MAX);
        let admin = AdminServiceServer::new(Admin::new(callers.clone())).max_decoding_message_size(MESSAGE_MAX);
        health.set_serving::<AdminServiceServer<Admin>>().await;
        health.set_serving::<AuthServiceServer<Accounts>>().await;
        health.set_serving::<FileTransferServiceServer<Files>>().await;
        let routes = reflection(&NAMES[1..])?
            .add_service(health_service.max_decoding_message_size(NAMES_MAX))
            .add_service(admin)
            .add_service(accounts)
            .add_service(files);
        Ok(Server { routes: routes.prepare(), health, callers, handshake: certificate.map(Handshake::presenting) })
    }

    /// Serves the clients of a door until it is closed, and then lets them end what they do, for `drain` at the most.
    pub async fn attend(self, door: Door, drain: Duration) {
        let (mut closing, ends) = (door.closing(), watch::Sender::new(false));
        let attending = door.attend(drain, |stream, guest| {
            let (routes, handshake) = (self.routes.clone(), self.handshake.clone());
            handshake::serve(handshake, stream, guest, routes, ends.subscribe())
        });
        let ending = async {
            closing.begun().await;
            // Whoever watches is told before the watching ends.
            for name in NAMES {
                self.health.set_service_status(name, ServingStatus::NotServing).await;
            }
            ends.send_replace(true);
        };
        tokio::join!(attending, ending);
    }
}

/// Returns the reflection, of both versions, of these services and of the health.
///
/// # Errors
/// Fails if the descriptions of the services are not sound.
pub(crate) fn reflection(names: &[&str]) -> Result<Routes, Unsound> {
    let (v1, v1alpha) = (described(names, "v1").build_v1()?, described(names, "v1alpha").build_v1alpha()?);
    let routes = Routes::new(v1.max_decoding_message_size(NAMES_MAX));
    Ok(routes.add_service(v1alpha.max_decoding_message_size(NAMES_MAX)))
}

/// Returns the description of these services, of the health and of the reflection of a version, with the details that errors carry.
fn described<'b>(names: &[&str], version: &str) -> Builder<'b> {
    let reflection = format!("grpc.reflection.{version}.ServerReflection");
    let offered = ["grpc.health.v1.Health", reflection.as_str()].into_iter().chain(names.iter().copied());
    offered
        .fold(Builder::configure(), Builder::with_service_name)
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}
