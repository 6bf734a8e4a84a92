//! Clients that mean no good: each is refused with a clear status or cut, memory stays as it is, and virtual time and others go on.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use p2p_grpc::Server;
use p2p_grpc::client::Client as Visitor;
use p2p_grpc::proto::UploadHeader;
use p2p_service::accounts::Secret;
use p2p_service::doors::Doors;
use p2p_service::doors::guest::Limits;
use p2p_service::instance::{EngineArgs, Instance};
use tokio::task::JoinSet;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::auth::{because, refused, token_of};
use super::files::{Client, chunk, clients, header, registered};
use super::grpc::connected;
use super::{Served, on_a_runtime};
use crate::program::{Home, QUICK};

/// Attempts of each kind.
const TIMES: usize = 40;
/// Growth of memory that is no leak of what the attempts have sent: they send more than 200 MiB.
const GROWTH_MAX: u64 = 48 << 20;

/// Each attempt, once: its name, and the code with which it ends.
async fn attempts(alice: &Client, stranger: &Client) -> Vec<(&'static str, Code)> {
    let big = vec![0; 3 << 20];
    let mut oversize = alice.begin(header("big")).await.unwrap();
    oversize.send(chunk(&big)).await;
    let oversize = loop {
        match oversize.next().await {
            Ok(Some(_)) => {}
            // What is too long is refused before it is a message, and without details.
            other => break other.unwrap_err().code(),
        }
    };
    let declared = UploadHeader { size: Some(5 << 30), ..header("declared") };
    let gone = alice.begin(header("gone")).await.unwrap();
    gone.chunk(&big[..1 << 20]).await;
    drop(gone);
    vec![
        ("a forged token", refused(stranger.with("p2p_0123456789012345678901234567890123456789012").get("a").await).0),
        ("no token", refused(stranger.get("a").await).0),
        ("a path that leads elsewhere", refused(alice.put("../../etc/passwd", b"x").await).0),
        ("an oversize message", oversize),
        ("less than was declared", refused(alice.put_in(declared, b"ten bytes.", 1 << 20).await).0),
    ]
}

/// The codes are told, the server has no more memory than before, and time has passed.
#[test]
fn hostile_requests_are_refused_and_cost_nothing() {
    let home = registered(QUICK, &["root", "alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let stranger = Client::new(&served, None).await;
        let root = Secret::from(token_of(&served, "root").await);
        let visitor = Visitor::connect(served.grpc(), None, Some(&root)).await.unwrap();
        let expected = [
            ("a forged token", Code::Unauthenticated),
            ("no token", Code::Unauthenticated),
            ("a path that leads elsewhere", Code::InvalidArgument),
            ("an oversize message", Code::OutOfRange),
            ("less than was declared", Code::FailedPrecondition),
        ];
        // One who guesses tokens has to wait before long.
        let is_expected = |(found, expected): (&(&str, Code), &(&str, Code))| {
            found == expected || *found == ("a forged token", Code::Unavailable)
        };
        assert_eq!(attempts(&alice, &stranger).await, expected);
        let (before, began) = (served.memory(), visitor.status().await.unwrap().at);
        for _ in 0..TIMES {
            let found = attempts(&alice, &stranger).await;
            assert!(found.iter().zip(&expected).all(is_expected), "{found:?}");
        }
        let (grown, now) = (served.memory().saturating_sub(before), visitor.status().await.unwrap().at);
        assert!(grown < GROWTH_MAX, "{} MiB", grown >> 20);
        assert!(now > began, "virtual time goes on");
        alice.put("good", b"as before").await.unwrap();
        assert_eq!(alice.get("good").await.unwrap(), b"as before");
        assert_eq!(alice.list("", true, 0).await.unwrap(), ["good"], "nothing of the others is a file");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A session that is over is told as that at each request, and at the end of an upload that it has begun, which is no file.
#[test]
fn a_session_that_is_over_opens_nothing() {
    let home = registered(QUICK, &["root", "alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let token = token_of(&served, "alice").await;
        let over = Client::new(&served, None).await.with(&token);
        over.put("a", b"x").await.unwrap();
        let visitor = Visitor::connect(served.grpc(), None, Some(&Secret::from(token))).await.unwrap();
        let mut begun = over.begin(header("c")).await.unwrap();
        begun.offset().await.unwrap();
        begun.chunk(b"content").await;
        visitor.logout().await.unwrap();
        let expected = because(Code::Unauthenticated, "SESSION_OVER");
        assert_eq!(refused(begun.done().await), expected);
        assert_eq!(refused(over.get("a").await), expected);
        assert_eq!(refused(over.put("b", b"x").await), expected);
        assert_eq!(refused(over.list("", true, 0).await), expected);
        let error = visitor.status().await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (p2p_engine::ErrorKind::Unauthenticated, "SESSION_OVER"));
        let [again] = clients(&served, ["alice"]).await;
        assert_eq!(again.list("", true, 0).await.unwrap(), ["a"]);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Clients that send a byte now and then, of what would be a request one day, are cut when their time is over; others are served.
#[test]
fn clients_that_drip_are_cut() {
    const SOON: Duration = Duration::from_millis(300);
    let home = Home::new(QUICK);
    let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
    args.simulation.config = Some(home.path("p2p.toml"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let instance = Instance::start_interactive(&args).unwrap();
        let server = Server::new(instance.access("serve").unwrap(), instance.remote_rules().unwrap(), None).await.unwrap();
        let (doors, here) = (Doors::default(), SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        let door = doors.open("grpc", here, Limits { until_request: SOON, ..Limits::default() }).await.unwrap();
        let address = door.address();
        let mut attending = JoinSet::new();
        attending.spawn(server.attend(door, Duration::from_secs(1)));
        let dripping = tokio::task::spawn_blocking(move || {
            (0..8).map(|_| drip(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).collect::<Vec<usize>>()
        });
        let mut client = HealthClient::new(connected(address).await);
        let mut served = 0;
        while !dripping.is_finished() {
            client.check(HealthCheckRequest { service: String::new() }).await.unwrap();
            served += 1;
            tokio::task::yield_now().await;
        }
        let sent = dripping.await.unwrap();
        assert!(served > 0 && sent.iter().all(|&bytes| bytes < 24), "{served} {sent:?}");
        let refusals = doors.figures().remove(0).refusals;
        assert_eq!(refusals.get("no request in time"), Some(&8), "{refusals:?}");
        drop(client);
        doors.close();
        attending.join_next().await.unwrap().unwrap();
        drop(instance.end().await.unwrap());
    });
}

/// Sends the begin of a connection or a request byte by byte until it is cut, and returns how many were sent.
pub(crate) fn drip(address: SocketAddr, begin: &[u8]) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    for (count, byte) in begin.iter().enumerate() {
        if stream.write_all(&[*byte]).is_err() {
            return count;
        }
        // The pause between two bytes is the time in which nothing comes.
        loop {
            match stream.read(&mut [0; 256]) {
                Ok(1..) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                Ok(_) | Err(_) => return count,
            }
        }
    }
    usize::MAX
}
