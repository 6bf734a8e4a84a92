//! The handshake of TLS (RFC 8446) with a client: bounded in time, within the task of its connection, and noted where it fails.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Presented;
use super::guest::Guest;

/// Time for a handshake: three round trips at the most, and the retransmissions of a bad line.
const WITHIN: Duration = Duration::from_secs(10);

/// Reasons for which a handshake is refused.
mod reason {
    /// Bytes of the client that are no TLS, as those of a client that does not know of it.
    pub(super) const NO_TLS: &str = "no TLS";
    /// The handshake took too long.
    pub(super) const LATE: &str = "no TLS handshake in time";
    /// The client went, does not accept the certificate, or has no version or algorithm that the server has.
    pub(super) const FAILED: &str = "TLS handshake failed";
}

/// Side of the server in handshakes. Cheap to clone.
#[derive(Clone)]
pub struct Handshake {
    acceptor: TlsAcceptor,
    /// Time for a handshake.
    within: Duration,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake").field("within", &self.within).finish_non_exhaustive()
    }
}

impl Handshake {
    /// Returns handshakes that present a certificate.
    pub fn presenting(certificate: &Presented) -> Handshake {
        Handshake { acceptor: TlsAcceptor::from(Arc::clone(&certificate.config)), within: WITHIN }
    }

    /// Sets the time for a handshake.
    #[must_use]
    pub fn within(self, within: Duration) -> Handshake {
        Handshake { within, ..self }
    }

    /// Carries one out on the stream of a guest, in the task of the connection, so that a slow one delays nobody; `None` if it fails,
    /// which is noted. It is given up once `ends` has become true, which is no failure.
    pub async fn unless_ended<S>(&self, stream: S, guest: &Guest, ends: &mut watch::Receiver<bool>) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        tokio::select! {
            biased;
            // Fails if the server is gone.
            _ = ends.wait_for(|&ends| ends) => None,
            stream = self.with(stream, guest) => stream,
        }
    }

    /// Carries one out on the stream of a guest; `None` if it fails, which is noted.
    async fn with<S>(&self, stream: S, guest: &Guest) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let reason = match timeout(self.within, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(client = %guest.address(), %error, "a TLS handshake has failed");
                // The stream has told of a silent client itself.
                (error.kind() != io::ErrorKind::TimedOut).then(|| reason_of(&error))
            }
            Err(_) => Some(reason::LATE),
        };
        reason.into_iter().for_each(|reason| guest.note_refusal(reason));
        None
    }
}

/// Returns the reason of a failure.
fn reason_of(error: &io::Error) -> &'static str {
    let tls: Option<&rustls::Error> = error.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        Some(rustls::Error::InvalidMessage(_)) => reason::NO_TLS,
        _ => reason::FAILED,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::super::Doors;
    use super::super::guest::Limits;
    use super::*;
    use crate::config::endpoint::TlsFiles;

    fn certificate(directory: &std::path::Path) -> Presented {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
        for (path, text) in [(&files.certificate, made.cert.pem()), (&files.key, made.signing_key.serialize_pem())] {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
        Presented::load(&files, &[b"h2"]).unwrap()
    }

    /// A client that says nothing, one that sends a byte of a handshake and no more, and one that sends no TLS: each ends for its reason.
    #[tokio::test]
    async fn a_handshake_that_comes_to_nothing_has_an_end_and_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let handshake = Handshake::presenting(&certificate(directory.path())).within(Duration::from_millis(100));
        let doors = Doors::default();
        let door = doors.open("grpc", "127.0.0.1:0".parse().unwrap(), Limits::default()).await.unwrap();
        let address = door.address();
        let attending = door.attend(Duration::ZERO, move |stream, guest| {
            let handshake = handshake.clone();
            async move { assert!(handshake.with(stream, &guest).await.is_none()) }
        });
        let clients = async {
            for sent in [&b""[..], b"\x16", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
                let mut client = TcpStream::connect(address).await.unwrap();
                client.write_all(sent).await.unwrap();
                // The end of the connection, after an alert or without; a client that still sends may find it reset.
                let _ = client.read_to_end(&mut Vec::new()).await;
            }
            doors.close();
        };
        timeout(Duration::from_secs(60), async { tokio::join!(attending, clients) }).await.unwrap();
        let refusals = &doors.figures()[0].refusals;
        assert_eq!(
            refusals.iter().map(|(reason, count)| (*reason, *count)).collect::<Vec<_>>(),
            [(reason::NO_TLS, 1), (reason::LATE, 2)]
        );
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
            let (handshake, mut ends) = (handshake.clone(), ends.subscribe());
            async move { assert!(handshake.unless_ended(stream, &guest, &mut ends).await.is_none()) }
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
