//! The client: connections to SSH servers, the logins there, and commands that are carried out and files that are sent and fetched there.
//!
//! | file | contents |
//! |---|---|
//! | `mod` | a connection from its host key to the end of a command |
//! | [`known`] | hosts, and the keys by which they are known |
//! | [`login`] | logins by keys and by answers to questions |
//! | [`pool`] | connections that are kept for the next command |
//! | [`sftp`] | files that are sent, fetched and listed |
//!
//! Every wait has an end: the connection and its handshake by the time that they have, a login by that of the server, and a command by the
//! server's silence; beyond that a caller drops it, which ends the connection.

pub mod known;
pub mod login;
pub mod pool;
pub mod sftp;

use std::sync::Arc;
use std::time::Duration;

use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, Disconnect, SshId};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::known::{Host, KnownError, Verdict};
use crate::algorithms;
use crate::keys::fingerprint;

/// Time for the connection and the handshake.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// Time for a channel, which costs one round trip.
const OPEN_MAX: Duration = Duration::from_secs(30);
/// Time between two questions to a silent server, and questions without an answer after which it is given up.
const KEEPALIVE: (Duration, usize) = (Duration::from_secs(15), 3);
/// Time for the last words of a connection.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Name of the program in the protocol (RFC 4253, section 4.2).
const ID: &str = concat!("SSH-2.0-p2p_", env!("CARGO_PKG_VERSION"));
/// Bytes of an answer at the most, of standard output and standard error together.
pub const ANSWER_MAX: usize = 8 << 20;

/// Error of a client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Address of the host at which nobody answers.
    #[error("{host} cannot be reached at {address}: {error}")]
    Unreachable {
        /// Name of the host.
        host: String,
        /// Address and port.
        address: String,
        /// Error of the system.
        error: std::io::Error,
    },
    /// The handshake did not end in time.
    #[error("{host} has not answered within {seconds} s")]
    Silent {
        /// Name of the host.
        host: String,
        /// Time that it had.
        seconds: u64,
    },
    /// The host is not known, so that its key could be anybody's.
    #[error("{host} is not known yet; its host key is {fingerprint}")]
    Unknown {
        /// Name of the host.
        host: String,
        /// Fingerprint of the key that it has shown.
        fingerprint: String,
        /// Key that it has shown.
        key: Box<PublicKey>,
    },
    /// The host has another key than before: it may be another machine.
    #[error("{host} has shown the host key {fingerprint}, and is known by another one ({known}); somebody may stand in between")]
    Changed {
        /// Name of the host.
        host: String,
        /// Fingerprint of the key that it has shown.
        fingerprint: String,
        /// Place of the other one.
        known: String,
    },
    /// The keys of known hosts cannot be read or written.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// The host does not log the user in.
    #[error("{host} does not log {user} in{}", words.as_ref().map(|words| format!(": {words}")).unwrap_or_default())]
    Refused {
        /// Name of the host.
        host: String,
        /// Name of the user.
        user: String,
        /// Words of the host about it.
        words: Option<String>,
    },
    /// A question of the host was not answered.
    #[error("{host} has asked for what nobody answers: {prompt}")]
    Unanswered {
        /// Name of the host.
        host: String,
        /// Name of the user.
        user: String,
        /// Text of the question.
        prompt: String,
    },
    /// The host does not carry commands out.
    #[error("{host} refuses the command")]
    NoCommand {
        /// Name of the host.
        host: String,
    },
    /// The answer is longer than what is taken.
    #[error("the answer of {host} is longer than {ANSWER_MAX} bytes")]
    TooLong {
        /// Name of the host.
        host: String,
    },
    /// The connection has ended before the command.
    #[error("the connection to {host} has ended before the command")]
    Cut {
        /// Name of the host.
        host: String,
    },
    /// The host does not speak as it should.
    #[error("{host}: {error}")]
    Protocol {
        /// Name of the host.
        host: String,
        /// Error of the library.
        error: russh::Error,
    },
}

/// Answer of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Exit status.
    pub status: u32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: Vec<u8>,
}

/// Connection to a host whose key is the right one.
pub struct Connection {
    host: Host,
    handle: Handle<Checking>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Check of the key that a host shows, whose verdict is told.
struct Checking {
    host: Host,
    verdict: Option<oneshot::Sender<Result<(), ClientError>>>,
}

impl Handler for Checking {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let (name, host) = (self.host.name.clone(), &self.host);
        let verdict = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => match host.verdict(key) {
                Ok(Verdict::Known) => Ok(()),
                Ok(Verdict::Unknown) => {
                    Err(ClientError::Unknown { host: name, fingerprint: fingerprint(key), key: Box::new(key.clone()) })
                }
                Ok(Verdict::Changed(known)) => Err(ClientError::Changed { host: name, fingerprint: fingerprint(key), known }),
                Err(error) => Err(error.into()),
            },
            // None is asked for.
            PublicKeyOrCertificate::Certificate(_) => Err(ClientError::Protocol { host: name, error: russh::Error::UnknownKey }),
        };
        let is_right = verdict.is_ok();
        // Who connects waits for it; a later exchange of keys has the same key, or ends the connection.
        if let Some(told) = self.verdict.take() {
            let _ = told.send(verdict);
        }
        Ok(is_right)
    }
}

impl Connection {
    /// Connects to a host, and checks its key.
    ///
    /// # Errors
    /// Fails if the host cannot be reached, does not answer in time, or is not known by the key that it shows.
    pub async fn open(host: Host) -> Result<Connection, ClientError> {
        let name = host.name.clone();
        let silent = |_| ClientError::Silent { host: name.clone(), seconds: CONNECT_MAX.as_secs() };
        let address = (host.address.as_str(), host.port);
        let connected = timeout(CONNECT_MAX, TcpStream::connect(address)).await.map_err(silent)?;
        let stream = connected.map_err(|error| {
            let address = format!("{}:{}", host.address, host.port);
            ClientError::Unreachable { host: name.clone(), address, error }
        })?;
        // Small packets are not held back for larger ones; a system that refuses delays them.
        let _ = stream.set_nodelay(true);
        let (verdict, told) = oneshot::channel();
        let checking = Checking { host: host.clone(), verdict: Some(verdict) };
        let shaken = timeout(CONNECT_MAX, connect_stream(Arc::new(config()), stream, checking)).await.map_err(silent)?;
        // Why the key is not taken says more than that the handshake has ended.
        match (shaken, told.await) {
            (_, Ok(Err(error))) => Err(error),
            (Err(error), _) => Err(ClientError::Protocol { host: name, error }),
            (Ok(handle), _) => Ok(Connection { host, handle }),
        }
    }

    /// Returns true if the connection has ended.
    pub fn is_over(&self) -> bool {
        self.handle.is_closed()
    }

    /// Carries a command out, and waits for its end. A future that is dropped leaves the command to the end of the connection.
    ///
    /// # Errors
    /// Fails if the host refuses it, if the answer is too long, or if the connection ends before.
    pub async fn run(&self, command: &str) -> Result<Answered, ClientError> {
        let host = || self.host.name.clone();
        let opening = timeout(OPEN_MAX, self.handle.channel_open_session()).await;
        let opening = opening.map_err(|_| ClientError::Silent { host: host(), seconds: OPEN_MAX.as_secs() })?;
        let mut channel = opening.map_err(|error| self.failed(error))?;
        channel.exec(true, command).await.map_err(|error| self.failed(error))?;
        channel.eof().await.map_err(|error| self.failed(error))?;
        let (mut status, mut out, mut err) = (None, Vec::new(), Vec::new());
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } => out.extend_from_slice(&data),
                // 1 is standard error (RFC 4254, section 5.2).
                ChannelMsg::ExtendedData { data, ext: 1 } => err.extend_from_slice(&data),
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                ChannelMsg::ExitSignal { .. } => status = status.or(Some(SIGNALLED)),
                ChannelMsg::Failure => return Err(ClientError::NoCommand { host: host() }),
                _ => {}
            }
            if out.len() + err.len() > ANSWER_MAX {
                let _ = channel.close().await;
                return Err(ClientError::TooLong { host: host() });
            }
        }
        let status = status.ok_or_else(|| ClientError::Cut { host: host() })?;
        Ok(Answered { status, out, err })
    }

    /// Ends the connection with a word.
    pub async fn end(self) {
        let _ = timeout(LAST_WORDS, self.handle.disconnect(Disconnect::ByApplication, "", "en")).await;
    }

    fn failed(&self, error: russh::Error) -> ClientError {
        if self.handle.is_closed() {
            return ClientError::Cut { host: self.host.name.clone() };
        }
        ClientError::Protocol { host: self.host.name.clone(), error }
    }
}

/// Exit status of a command that a signal has ended, as in `sh` without its number.
const SIGNALLED: u32 = 128;

fn config() -> Config {
    Config {
        client_id: SshId::Standard(ID.into()),
        preferred: algorithms::of_clients(),
        // A command may be silent as long as its host answers.
        inactivity_timeout: None,
        keepalive_interval: Some(KEEPALIVE.0),
        keepalive_max: KEEPALIVE.1,
        nodelay: true,
        ..Config::default()
    }
}
