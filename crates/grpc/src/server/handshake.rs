//! The beginning of a connection: the handshake of TLS where there is one, within the task of the connection.

use p2p_service::doors::guarded::Guarded;
use p2p_service::doors::guest::Guest;
use p2p_service::doors::handshake::Handshake;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::service::Routes;

use super::connection;

/// Serves one connection to its end: behind a handshake where there is TLS. The handshake is in the task of the connection, so that a slow one
/// delays nobody, and it is given up when the server ends.
pub(crate) async fn serve(
    handshake: Option<Handshake>,
    stream: Guarded<TcpStream>,
    guest: Guest,
    routes: Routes,
    mut ends: watch::Receiver<bool>,
) {
    let Some(handshake) = handshake else { return connection::serve(stream, guest, routes, ends).await };
    let shaken = tokio::select! {
        biased;
        // Fails if the server is gone.
        _ = ends.wait_for(|&ends| ends) => None,
        stream = handshake.with(stream, &guest) => stream,
    };
    if let Some(stream) = shaken {
        connection::serve(stream, guest, routes, ends).await;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    use std::time::Duration;

    use p2p_service::config::endpoint::TlsFiles;
    use p2p_service::doors::Doors;
    use p2p_service::doors::certificate::Presented;
    use p2p_service::doors::guest::Limits;
    use tokio::time::timeout;

    use super::*;

    fn certificate(directory: &std::path::Path) -> Presented {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
        for (path, text) in [(&files.certificate, made.cert.pem()), (&files.key, made.signing_key.serialize_pem())] {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
        Presented::load(&files, crate::server::PROTOCOLS).unwrap()
    }

    /// A client that says nothing does not hold up the end of the server, however long it may take for its handshake.
    #[tokio::test]
    async fn a_handshake_is_given_up_when_the_server_ends() {
        const LONG: Duration = Duration::from_secs(3600);
        let directory = tempfile::tempdir().unwrap();
        let handshake = Handshake::presenting(&certificate(directory.path())).within(LONG);
        let (doors, ends) = (Doors::default(), watch::Sender::new(false));
        let door = doors.open("grpc", "127.0.0.1:0".parse().unwrap(), Limits::default()).await.unwrap();
        let (address, begun) = (door.address(), std::sync::Arc::new(tokio::sync::Notify::new()));
        let attending = door.attend(LONG, |stream, guest| {
            begun.notify_one();
            serve(Some(handshake.clone()), stream, guest, Routes::default(), ends.subscribe())
        });
        let ending = async {
            let client = TcpStream::connect(address).await.unwrap();
            begun.notified().await;
            doors.close();
            ends.send_replace(true);
            client
        };
        let (_client, ()) = timeout(Duration::from_secs(60), async { tokio::join!(ending, attending) }).await.unwrap();
        assert!(doors.figures()[0].refusals.is_empty(), "the server has ended, and the client is not to blame");
    }
}
