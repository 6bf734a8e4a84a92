//! Clients that mean no good: each is refused with a clear status or cut, memory stays as it is, and virtual time and others go on.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use p2p_service::doors::Doors;
use p2p_service::doors::guest::Limits;
use p2p_service::instance::{EngineArgs, Instance};
use p2p_web::Server;
use serde_json::json;
use tokio::task::JoinSet;

use super::*;
use crate::program::DEADLINE;
use crate::services::hostile::drip;

/// What is attempted, the bytes that are sent, and the statuses that may answer.
type Attempt<'a> = (&'a str, Vec<u8>, &'a [Option<u16>]);

/// Growth of memory that is no leak of what the attempts have sent: each kind sends many times as much.
const GROWTH_MAX: u64 = 48 << 20;

/// A frame of HTTP/2 (RFC 9113, section 4.1).
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The header of a GET, without compression (RFC 7541): the indexed fields are `:method GET` and `:scheme http`.
pub(super) fn headers_of(path: &str, host: &str) -> Vec<u8> {
    let literal = |index: u8, text: &str| [&[index, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0x82, 0x86], literal(0x04, path), literal(0x01, host)].concat()
}

/// What a server says to these bytes until it closes the connection, or until `enough` of it.
pub(super) fn said(address: SocketAddr, sent: &[u8], enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    // A server that has heard enough closes before all is sent.
    let _ = stream.write_all(sent);
    let (mut said, mut some) = (Vec::new(), [0; 4096]);
    while !enough(&said) {
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&some[..count]),
            // What is sent to a closed connection resets it.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(&said)),
        }
    }
    said
}

/// The status of the answer to bytes of HTTP/1.1; `None` if the connection was closed without one.
fn status(address: SocketAddr, sent: &[u8]) -> Option<u16> {
    let said = said(address, sent, |said| said.len() >= 12);
    std::str::from_utf8(said.get(9..12)?).ok()?.parse().ok()
}

/// What is no request, or one that is too large, has its status, and nothing is kept of it.
#[test]
fn what_is_no_request_is_refused_and_costs_nothing() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let address = site.address();
        let head = |extra: &str| format!("POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n{extra}\r\n");
        let attempts: Vec<Attempt> = vec![
            ("garbage", vec![0xff; 1024], &[Some(400)]),
            ("no version", b"GET /\r\n\r\n".to_vec(), &[Some(400)]),
            ("no host", b"GET / HTTP/1.1\r\n\r\n".to_vec(), &[Some(400)]),
            ("two hosts", b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n".to_vec(), &[Some(400)]),
            ("a line break in a field", head("X: a\r\n b\r\n").into_bytes(), &[Some(400)]),
            ("two lengths", head("Content-Length: 1\r\nContent-Length: 2\r\n").into_bytes(), &[Some(400)]),
            (
                "a long target",
                format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(20 << 10)).into_bytes(),
                &[Some(414)],
            ),
            // It is closed while the client still sends, which may lose the answer.
            ("a long header", head(&format!("X: {}\r\n", "x".repeat(1 << 20))).into_bytes(), &[Some(431), None]),
            ("many fields", head(&"X: y\r\n".repeat(200)).into_bytes(), &[Some(431), None]),
            ("another type", (head("Content-Type: text/plain\r\nContent-Length: 2\r\n") + "{}").into_bytes(), &[Some(415)]),
            ("a host behind brackets", b"GET / HTTP/1.1\r\nHost: [::1]evil.example\r\n\r\n".to_vec(), &[Some(421)]),
            ("a long body", head("Content-Type: application/json\r\nContent-Length: 999999999\r\n").into_bytes(), &[Some(413)]),
        ];
        let try_all = || {
            for (name, sent, expected) in &attempts {
                let found = status(address, sent);
                assert!(expected.contains(&found), "{name}: {found:?}");
            }
        };
        try_all();
        let before = site.served.memory();
        for _ in 0..40 {
            try_all();
        }
        let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
        let nested = site.client.post(site.url("/api/v1/auth/login")).header("content-type", "application/json").body(deep);
        let (status, body) = read(nested.send().await.unwrap()).await;
        assert!(matches!(status, 400 | 422), "an array in arrays: {body}");
        let grown = site.served.memory().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{} MiB", grown >> 20);
        assert_eq!(site.get("/auth/whoami").await.0, 200, "others are served as before");
        assert!(site.served.stop().code == Some(0));
    });
}

/// A request that is refused before its body was read leaves the connection to the next one, and says so if it does not.
#[test]
fn a_refused_body_is_taken_or_ends_the_connection() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let put = |length: usize, more: &str| {
            let head =
                format!("PUT /api/v1/files/content/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n");
            head.into_bytes()
        };
        let next = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let both = [put(200_000, ""), vec![b'x'; 200_000], next.to_vec()].concat();
        let heard = String::from_utf8(said(site.address(), &both, |_| false)).unwrap();
        assert_eq!(heard.matches("HTTP/1.1 401 ").count(), 1, "{heard}");
        assert!(
            heard.contains("HTTP/1.1 200 ") && !heard.split("HTTP/1.1 200 ").next().unwrap().contains("connection: close"),
            "{heard}"
        );
        for refused in [put(1 << 30, ""), put(10, "Expect: 100-continue\r\n")] {
            let heard = String::from_utf8(said(site.address(), &refused, |_| false)).unwrap();
            assert!(heard.starts_with("HTTP/1.1 401 ") && heard.contains("connection: close\r\n"), "{heard}");
        }
        assert!(site.served.stop().code == Some(0));
    });
}

/// An admin may store in the tree of every user, and nowhere else: what is stored has an owner.
#[test]
fn nothing_is_stored_for_a_user_who_is_not_there() {
    on_a_runtime(async {
        let site = Site::start(super::files::OPEN).await;
        site.registered("bob", None).await;
        let put = |path: &str| site.request(Method::PUT, &format!("/files/content/{path}")).body("x");
        assert_eq!(because(read(put("~ghost/x").send().await.unwrap()).await), (403, "ANOTHER_TREE".into()));
        assert_eq!(read(put("~bob/x").send().await.unwrap()).await.0, 201);
        assert!(site.served.stop().code == Some(0));
    });
}

/// What a client names is told as it is, on terminals too: nothing in it moves a cursor or turns a text round, and programs read it unchanged.
#[test]
fn a_problem_tells_what_a_client_names_as_it_is() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let name = "a\u{202e}\u{1b}[31m";
        let asked = "a%E2%80%AE%1B%5B31m";
        for (method, path, body) in [
            (Method::GET, format!("/files/info/{asked}"), None),
            (Method::GET, format!("/files?sort={asked}"), None),
            (Method::POST, "/files/move".to_owned(), Some(json!({ "from": name, "to": name }))),
            (Method::POST, "/time/step".to_owned(), Some(json!({ "span": name }))),
        ] {
            let request = site.request(method, &path);
            let answer = if let Some(body) = &body { request.json(body) } else { request }.send().await.unwrap();
            let text = answer.text().await.unwrap();
            let problem: Value = serde_json::from_str(&text).unwrap();
            assert!(!text.contains(['\u{202e}', '\u{1b}']), "{path}: {text}");
            assert!(problem["detail"].as_str().unwrap().contains("\\u{202e}\\u{1b}[31m"), "{path}: {text}");
            assert!(problem["resource"].is_null() || problem["resource"]["name"] == name, "{path}: {text}");
        }
        assert!(site.served.stop().code == Some(0));
    });
}

/// What a client names is told in one line of the log, without a control character, and no path of it leads to the disk.
#[test]
fn nothing_of_a_client_is_a_line_of_the_log() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let name = "x\r\n2026-11-28 ERROR forged\u{1b}[31m";
        for _ in 0..3 {
            let login = json!({ "username": name, "password": name });
            let answer = site.client.post(site.url("/api/v1/auth/login")).json(&login).header("user-agent", "forged agent");
            assert_eq!(read(answer.send().await.unwrap()).await.0, 401);
        }
        for path in [
            "/static/../../../../etc/passwd",
            "/static/%2e%2e/%2e%2e/etc/passwd",
            "/static/..%2f..%2fetc%2fpasswd",
            "/static//etc/passwd",
        ] {
            let target = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            assert_eq!(status(site.address(), target.as_bytes()), Some(404), "{path}");
        }
        let logs = site.home.data().join("logs");
        assert!(site.served.stop().code == Some(0));
        for entry in std::fs::read_dir(logs).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text}");
            assert!(!text.lines().any(|line| line.starts_with("2026-11-28 ERROR forged")), "{text}");
        }
    });
}

/// Requests that are begun and taken back at once (CVE-2023-44487), headers without end or of a size that they do not show, and frames that are
/// none: each is taken or ends its connection, costs no memory, and others are served.
#[test]
fn floods_of_http2_cost_nothing() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let address = site.address();
        let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
        let header = headers_of("/sign-in", "localhost");
        let rapid = |id: u32| [frame(1, 5, id, &header), frame(3, 0, id, &[0, 0, 0, 8])].concat();
        let reset = (0..20_000).flat_map(|number| rapid(2 * number + 1)).collect::<Vec<u8>>();
        let endless = [frame(1, 1, 1, &header), frame(9, 0, 1, &[0x00, 1, b'x', 1, b'y'].repeat(2_000)).repeat(200)].concat();
        let bomb = frame(1, 5, 1, &[&header[..], &[0x40, 1, b'x', 0x7f, 0xe9, 0x06], &[b'y'; 1_000], &[0xbe; 4_000]].concat());
        let before = site.served.memory();
        for (name, flood) in [
            ("rapid reset", reset),
            ("a header without end", endless),
            ("a header that grows", bomb),
            ("frames that are none", vec![0xff; 64 << 10]),
        ] {
            for _ in 0..5 {
                // Either the connection ends (GOAWAY), or all that was sent was taken, as the answer to a ping says.
                let is_over = |said: &[u8]| frames(said).iter().any(|&(kind, flags)| kind == 7 || (kind, flags) == (6, 1));
                let ping = frame(6, 0, 0, b"was that");
                said(address, &[preface.clone(), flood.clone(), ping].concat(), is_over);
            }
            assert_eq!(site.get("/auth/whoami").await.0, 200, "{name}: others are served");
        }
        let grown = site.served.memory().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{} MiB", grown >> 20);
        assert!(site.served.stop().code == Some(0));
    });
}

/// The frames of HTTP/2 that a server has sent: the type of each, and its flags.
fn frames(mut said: &[u8]) -> Vec<(u8, u8)> {
    let mut frames = Vec::new();
    while let Some(head) = said.get(..9) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        frames.push((head[3], head[4]));
        said = said.get(9 + length..).unwrap_or_default();
    }
    frames
}

/// Connections beyond those that there may be are closed at once, and places are free again when they end.
#[test]
fn five_hundred_connections_leave_room_for_those_who_are_there() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[web]\nrequests_per_second = 100000\nconnections_per_address = 64\n")).await;
        // The client is there already, and its connection is used again.
        assert_eq!(site.get("/auth/whoami").await.0, 200);
        let many: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(site.address()).unwrap()).collect();
        assert_eq!(site.get("/auth/whoami").await.0, 200);
        let closed = |stream: &TcpStream| {
            stream.set_nonblocking(true).unwrap();
            !matches!((&*stream).read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
        };
        crate::program::wait_until("those beyond are closed", || many.iter().filter(|stream| closed(stream)).count() >= 400);
        drop(many);
        crate::program::wait_until("there is room again", || {
            status(site.address(), b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n") == Some(200)
        });
        let said = site.served.stop();
        assert!(said.code == Some(0) && said.stderr.contains("too many connections of one address"), "{said:?}");
    });
}

/// Two hundred programs on this machine are there at once, each with a connection of its own that is used again: they have one address, and
/// the loopback takes that into account.
#[test]
fn two_hundred_clients_of_this_machine_are_served_at_once() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let mut all: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(site.address()).unwrap()).collect();
        for round in 0..2 {
            for (number, stream) in all.iter_mut().enumerate() {
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
                let mut said = Vec::new();
                while !said.ends_with(b"\r\n\r\nok\n") {
                    let mut some = [0; 1024];
                    let count = stream.read(&mut some).unwrap();
                    assert!(count > 0, "client {number} is cut in round {round}: {}", String::from_utf8_lossy(&said));
                    said.extend_from_slice(&some[..count]);
                }
            }
        }
        drop(all);
        let said = site.served.stop();
        assert!(said.code == Some(0) && !said.stderr.contains("too many connections"), "{said:?}");
    });
}

/// Connections in all have a limit of their own, which the configuration sets too.
#[test]
fn connections_in_all_have_a_limit() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[web]\nrequests_per_second = 100000\nconnections = 8\n")).await;
        let many: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(site.address()).unwrap()).collect();
        let closed = |stream: &TcpStream| {
            stream.set_nonblocking(true).unwrap();
            !matches!((&*stream).read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
        };
        crate::program::wait_until("those beyond are closed", || many.iter().filter(|stream| closed(stream)).count() >= 12);
        drop(many);
        let said = site.served.stop();
        assert!(
            said.code == Some(0) && said.stderr.contains("too many connections") && !said.stderr.contains("of one address"),
            "{said:?}"
        );
    });
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
        let rules = instance.remote_rules().unwrap();
        let server = Server::new(
            instance.access("serve").unwrap(),
            rules,
            &home.path("data"),
            std::num::NonZeroU32::new(1_000_000).unwrap(),
            None,
            Default::default(),
        )
        .unwrap();
        let (doors, here) = (Doors::default(), SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        let door = doors.open("web", here, Limits { until_request: SOON, ..Limits::default() }).await.unwrap();
        let address = door.address();
        let mut attending = JoinSet::new();
        attending.spawn(server.attend(door, Duration::from_secs(1)));
        let dripping = tokio::task::spawn_blocking(move || (0..8).map(|_| drip(address, DRIPPED)).collect::<Vec<usize>>());
        let client = Client::builder().no_proxy().build().unwrap();
        let mut served = 0;
        while !dripping.is_finished() {
            assert_eq!(client.get(format!("http://{address}/sign-in")).send().await.unwrap().status(), 200);
            served += 1;
            tokio::task::yield_now().await;
        }
        let sent = dripping.await.unwrap();
        assert!(served > 0 && sent.iter().all(|&bytes| bytes < DRIPPED.len()), "{served} {sent:?}");
        let refusals = doors.figures().remove(0).refusals;
        assert_eq!(refusals.get("no request in time"), Some(&8), "{refusals:?}");
        drop(client);
        doors.close();
        attending.join_next().await.unwrap().unwrap();
        drop(instance.end().await.unwrap());
    });
}

/// What is sent byte by byte.
const DRIPPED: &[u8] = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nUser-Agent: slow\r\n\r\n";
