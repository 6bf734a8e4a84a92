//! The part of the demonstration that other programs would have: a file that is stored over gRPC and read over SFTP, through real sockets on
//! 127.0.0.1, which are closed at the end.
//!
//! Both clients present an API token of the user's, and know the servers by what these have said of themselves: the fingerprint of the certificate,
//! if p2p.toml names one, and those of the host keys.

use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use eyre::{Report, Result, WrapErr, eyre};
use p2p_auth::tokens::{NewToken, Reach};
use p2p_base::random::RandomStream;
use p2p_base::scope::Scope;
use p2p_grpc::client::{Client, Tls};
use p2p_grpc::proto::UploadHeader;
use p2p_service::ClockMode;
use p2p_service::access::Access;
use p2p_service::accounts::Secret;
use p2p_service::config::endpoint::Endpoint;
use p2p_service::doors::announced::Announced;
use p2p_service::failure::{Advise, exit};
use p2p_service::instance::{EngineArgs, Instance};
use p2p_service::interrupt::interrupted;
use p2p_shell::report::{DoorReport, ServicesReport};
use p2p_ssh::client::Connection;
use p2p_ssh::client::known::{Host, KnownBy};
use p2p_ssh::client::login::{Answers, Prompt};
use p2p_ssh::client::sftp::Wanted;
use p2p_store::segment::Sha256Digest;
use rustix::process::{Resource, getrlimit};
use secrecy::SecretString;
use tokio::time::timeout;

use crate::serve::kinds::Kind;
use crate::serve::services::Services;

/// Name and size of the file, in bytes.
const FILE: (&str, usize) = ("demo-services.bin", 1 << 20);
/// Files and sockets that are open at once, at the most, with some to spare.
const OPEN_FILES: u64 = 64;
/// Time for all of it, on the wall clock.
const ALL_MAX: Duration = Duration::from_secs(300);
/// Lifetime of the token, in seconds.
const TOKEN_LIFETIME: u64 = 3_600;
/// Source of the addresses, as messages name it.
const BY: &str = "--services";

/// Checks before anything is begun that as many files may be open as are needed: where a socket takes nobody in for want of one, its clients
/// wait for nothing.
///
/// # Errors
/// Fails if fewer are permitted.
pub(crate) fn require_open_files() -> Result<()> {
    match getrlimit(Resource::Nofile).current {
        Some(permitted) if permitted < OPEN_FILES => {
            let problem =
                eyre!("too few open files are permitted: --services has up to {OPEN_FILES}, and {permitted} may be open");
            let problem = problem.exit_code(exit::TEMPORARY);
            Err(problem.suggestion("`ulimit -n 1024` permits more in this shell, if `ulimit -Hn` is no less"))
        }
        _ => Ok(()),
    }
}

/// Makes a token with which the user of `door` stores and fetches the file.
///
/// # Errors
/// Fails if the disk refuses.
pub(crate) async fn token(door: &Access) -> Result<Secret> {
    let reach = Reach { scope: Scope::Write, path: Some(FILE.0.to_owned()) };
    let expires_at = door.now().saturating_add(TOKEN_LIFETIME);
    Ok(door.new_token(NewToken { name: "demo".parse()?, reach, expires_at }).await?)
}

/// Starts an engine on a data directory, and stores a file over gRPC for a user, fetches it over SFTP, and compares the two. The services and
/// the engine have ended when this returns.
///
/// # Errors
/// Fails if a service cannot listen, if a client is refused, if it takes too long, or if the user interrupts.
pub(crate) async fn store_and_fetch(engine: &EngineArgs, user: &str, token: Secret, seed: u64) -> Result<ServicesReport> {
    // Clients elsewhere wait for what takes virtual time, and nothing here does.
    let instance = Instance::start(engine, ClockMode::Running)?;
    let services = Services::new(&instance)?;
    let moved = tokio::select! {
        moved = timeout(ALL_MAX, moved(&services, user, token, seed)) => {
            moved.wrap_err_with(|| format!("the services have not moved the file within {} s", ALL_MAX.as_secs())).flatten()
        }
        stop = interrupted() => stop.and_then(|stop| Err(stop.after("nothing is left of the demonstration").into())),
    };
    // What the doors have seen is in the report.
    drop(services.ended().await);
    drop(services);
    let ended = instance.end().await.map(drop);
    moved.and_then(|report| ended.map(|()| report))
}

async fn moved(services: &Services, user: &str, token: Secret, seed: u64) -> Result<ServicesReport> {
    let (grpc, _) = started(services, Kind::Grpc).await?;
    let (sftp, host_keys) = started(services, Kind::Ssh).await?;
    let mut content = vec![0; FILE.1];
    RandomStream::new(seed, "demo file of the services").fill(&mut content);
    let sha256 = Sha256Digest::of(&content);
    let stored = stored(&grpc, &token, content, sha256).await.wrap_err("the file is not stored over gRPC")?;
    let fetched = fetched(&sftp, host_keys, user, token).await.wrap_err("the file is not fetched over SFTP")?;
    let verified = [&stored, &fetched].into_iter().all(|way| way.sha256 == sha256 && way.bytes == FILE.1 as u64);
    Ok(ServicesReport {
        file: FILE.0.to_owned(),
        owner: user.to_owned(),
        bytes: FILE.1 as u64,
        sha256,
        stored,
        fetched,
        verified,
    })
}

/// Starts a service at a free port of this machine, and returns where it listens and the keys by which it is known.
async fn started(services: &Services, kind: Kind) -> Result<(Announced, Vec<String>)> {
    let free: Endpoint = ":0".parse()?;
    let addresses = kind.addresses(services.config(), Some(free), BY)?.smallest();
    let started = services.start(kind, addresses).await?;
    let listening = started.listening.into_iter().next().ok_or_else(|| eyre!("{} does not listen", kind.name()))?;
    Ok((listening, started.host_keys))
}

#[expect(clippy::disallowed_methods, reason = "the report says how long it took on the wall clock")]
fn wall_clock() -> Instant {
    Instant::now()
}

/// Returns the report of a client at a door.
fn way(
    door: &'static str,
    address: SocketAddr,
    node: Option<String>,
    (bytes, sha256): (u64, Sha256Digest),
    begun: Instant,
) -> DoorReport {
    let client = format!("{door} client of p2p {}", env!("CARGO_PKG_VERSION"));
    DoorReport { door, address: address.to_string(), node, client, bytes, sha256, seconds: begun.elapsed().as_secs_f64() }
}

/// Stores the file by the client of `p2p --connect`.
async fn stored(grpc: &Announced, token: &Secret, content: Vec<u8>, sha256: Sha256Digest) -> Result<DoorReport> {
    let begun = wall_clock();
    let tls = grpc.certificate_sha256.as_ref().map(|text| Ok::<_, Report>(Tls::of_fingerprint(text.parse()?)?)).transpose()?;
    let client = Client::connect(grpc.address, tls.as_ref(), Some(token)).await?;
    let header = UploadHeader {
        path: FILE.0.to_owned(),
        size: Some(content.len() as u64),
        sha256: Some(Bytes::copy_from_slice(sha256.as_bytes())),
        ..UploadHeader::default()
    };
    let done = client.upload(header, Cursor::new(content), |_| {}, |_| {}).await?;
    let file = done.file.ok_or_else(|| eyre!("the answer has no file"))?;
    let told: [u8; 32] = file.sha256[..].try_into().wrap_err("the answer has no SHA-256")?;
    Ok(way("grpc", grpc.address, None, (file.size, Sha256Digest::from_bytes(told)), begun))
}

/// Fetches the file by the client of `p2p sftp`.
async fn fetched(server: &Announced, host_keys: Vec<String>, user: &str, token: Secret) -> Result<DoorReport> {
    let begun = wall_clock();
    let host = Host {
        name: server.node.clone().unwrap_or_default(),
        address: server.address.ip().to_string(),
        port: server.address.port(),
        known_by: KnownBy::Fingerprints(host_keys),
    };
    let mut connection = Connection::open(host).await?;
    connection.log_in(user, &[], &mut Presented(Some(token))).await?;
    let sftp = connection.sftp().await?;
    let come = Come::default();
    let wanted = Wanted { path: FILE.0, from: 0, kept: None };
    sftp.fetch(wanted, come.clone(), |_| {}, std::future::pending()).await?;
    connection.end().await;
    // What has come is what counts, whatever its host and its client say.
    let content = come.0.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(way("sftp", server.address, server.node.clone(), (content.len() as u64, Sha256Digest::of(&content)), begun))
}

/// Content that has come, in memory.
#[derive(Debug, Clone, Default)]
struct Come(Arc<Mutex<Vec<u8>>>);

impl Write for Come {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Token that is presented in the place of the password, once.
struct Presented(Option<Secret>);

impl Answers for Presented {
    async fn answer(&mut self, _: &str, _: &str, prompts: &[Prompt]) -> Option<Vec<SecretString>> {
        match prompts {
            [_] => self.0.take().map(|token| vec![token]),
            _ => None,
        }
    }
}
