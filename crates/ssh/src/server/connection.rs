//! A connection: the transport (RFC 4253) with its limits, the tasks of its channels, and its end.
//!
//! The library runs the protocol in a task of its own. What ends a connection here, its door, its node or its time for a login, therefore
//! ends the stream under that task.

use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use p2p_service::access::Access;
use p2p_service::access::remote::RemoteRules;
use p2p_service::doors::Closing;
use p2p_service::doors::guarded::Guarded;
use p2p_service::doors::guest::Guest;
use p2p_service::doors::seats::Seats;
use p2p_service::files::NodeNumber;
use russh::server::{Config, Handle};
use russh::{Disconnect, MethodSet, SshId};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::SERVICE;
use super::channels::Client;
use super::login::METHODS;
use super::works::Works;
use crate::algorithms;
use crate::keys::HostKeys;

/// Name of the program in the protocol (RFC 4253, section 4.2).
const ID: &str = concat!("SSH-2.0-p2p_", env!("CARGO_PKG_VERSION"));
/// Time for a login from the end of the handshake on, as in OpenSSH (`LoginGraceTime`): a person looks for a code.
const LOGIN_MAX: Duration = Duration::from_secs(120);
/// Attempts to log in on one connection, as in OpenSSH (`MaxAuthTries`).
const ATTEMPTS_MAX: usize = 6;
/// Time until a failed login is told, whatever it has failed for.
const REJECTION: Duration = Duration::from_secs(1);
/// Time between two questions to a silent client, and questions without an answer after which it is cut.
const KEEPALIVE: (Duration, usize) = (Duration::from_secs(15), 3);
/// Messages that wait for the connection. The default of the library stalls PuTTY and its kin.
const BUFFER: usize = 1024;
/// Messages of a client that wait for a channel, of 32 KiB at the most: what a client sends faster than it is taken stays in its own hands.
const CHANNEL_BUFFER: usize = 32;
/// Bytes of a client that are read ahead: the library reads the length of a packet and then the rest, and a packet is 32 KiB at the most.
const READ_AHEAD: usize = 32 * 1024;
/// Time for the last words of a connection.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Reason for which a connection is refused that has logged nobody in.
const NO_LOGIN: &str = "no login in time";
/// Last words to a client that is nobody any more.
const LAPSED: &str = "the session has ended, or the API token was revoked or has expired";

/// Returns how the servers that are known by these keys speak.
pub(super) fn config(keys: &HostKeys) -> Config {
    Config {
        server_id: SshId::Standard(ID.into()),
        methods: MethodSet::from(METHODS),
        auth_rejection_time: REJECTION,
        // Clients ask for nothing first to learn the methods.
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: keys.keys().to_vec(),
        channel_buffer_size: CHANNEL_BUFFER,
        event_buffer_size: BUFFER,
        preferred: algorithms::of_servers(),
        max_auth_attempts: ATTEMPTS_MAX,
        // The door cuts a client that is silent.
        inactivity_timeout: None,
        keepalive_interval: Some(KEEPALIVE.0),
        keepalive_max: KEEPALIVE.1,
        nodelay: true,
        ..Config::default()
    }
}

/// Parts that the connections to one node have in common.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) local: Access,
    pub(super) rules: Arc<RemoteRules>,
    pub(super) seats: Seats,
    pub(super) config: Arc<Config>,
    pub(super) node: NodeNumber,
}

/// Serves one connection to its end. It ends within `drain` after its door closes, and at once when the process of its node `is_stopped`.
pub(super) async fn serve(
    stream: Guarded<TcpStream>,
    guest: Guest,
    shared: Shared,
    is_stopped: watch::Receiver<bool>,
    closing: Closing,
    drain: Duration,
) {
    let access = shared.local.of_client(SERVICE, guest.address(), &shared.rules).at_node(shared.node);
    let config = Arc::clone(&shared.config);
    let works = Works::default();
    let logged_in = watch::Sender::new(false);
    let is_in = logged_in.subscribe();
    let client =
        Client::new(access.clone(), guest.clone(), (shared.seats, shared.node), works.clone(), closing.clone(), logged_in);
    let (cut, is_cut) = oneshot::channel::<()>();
    // The door ends the wait for the first line.
    let stream = Severable { inner: BufReader::with_capacity(READ_AHEAD, stream), is_cut };
    match russh::server::run_stream(config, stream, client).await {
        Ok(session) => {
            let handle = session.handle();
            let mut session = pin!(session);
            let end = tokio::select! {
                ended = &mut session => {
                    tracing::debug!(client = %guest.address(), ?ended, "an SSH connection is over");
                    None
                }
                words = reason_to_end((&guest, &access), is_stopped, is_in, closing, &works, drain) => Some(words),
            };
            if let Some(words) = end {
                works.end().await;
                let _ = timeout(LAST_WORDS, farewell(&handle, words, session)).await;
            }
        }
        Err(error) => tracing::debug!(client = %guest.address(), %error, "an SSH connection has not begun"),
    }
    drop(cut);
    works.end().await;
    access.end().await;
}

/// Waits until there is a reason to end a connection that its client does not end, and returns it.
async fn reason_to_end(
    (guest, access): (&Guest, &Access),
    mut is_stopped: watch::Receiver<bool>,
    mut is_in: watch::Receiver<bool>,
    mut closing: Closing,
    works: &Works,
    drain: Duration,
) -> &'static str {
    let login = async {
        // The sender is the session's, which has not ended.
        if timeout(LOGIN_MAX, is_in.wait_for(|&is_in| is_in)).await.is_ok() {
            access.lapsed().await;
            return LAPSED;
        }
        guest.note_refusal(NO_LOGIN);
        NO_LOGIN
    };
    tokio::select! {
        _ = is_stopped.wait_for(|&is_stopped| is_stopped) => "the node's process has ended",
        words = login => words,
        () = async {
            closing.begun().await;
            // A little is left of the time for the last words.
            let _ = timeout(drain.mul_f32(0.8), works.over()).await;
        } => "the server ends",
    }
}

/// Tells a client why its connection ends, and waits until it has.
async fn farewell<T>(handle: &Handle, words: &str, session: impl Future<Output = T>) {
    if handle.disconnect(Disconnect::ByApplication, words.to_owned(), "en".to_owned()).await.is_ok() {
        session.await;
    }
}

/// Stream that fails once the other half of its channel is dropped.
#[derive(Debug)]
struct Severable<S> {
    inner: S,
    is_cut: oneshot::Receiver<()>,
}

impl<S> Severable<S> {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let is_cut = self.is_cut.is_terminated() || Pin::new(&mut self.is_cut).poll(cx).is_ready();
        if is_cut { Err(io::Error::new(ErrorKind::ConnectionAborted, "the connection is cut")) } else { Ok(()) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Severable<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Severable<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
