//! The beginning of a connection: the handshake of TLS where there is one, within the task of the connection.

use p2p_service::doors::guarded::Guarded;
use p2p_service::doors::guest::Guest;
use p2p_service::doors::handshake::Handshake;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::service::Routes;

use super::connection;

/// Serves one connection to its end: behind a handshake where there is TLS.
pub(crate) async fn serve(
    handshake: Option<Handshake>,
    stream: Guarded<TcpStream>,
    guest: Guest,
    routes: Routes,
    mut ends: watch::Receiver<bool>,
) {
    let Some(handshake) = handshake else { return connection::serve(stream, guest, routes, ends).await };
    if let Some(stream) = handshake.unless_ended(stream, &guest, &mut ends).await {
        connection::serve(stream, guest, routes, ends).await;
    }
}
