//! Events by server-sent events, as a client reads them that comes and goes, asks for some of them, or reads nothing.

use std::net::SocketAddr;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::room::Browser;
use super::*;
use crate::program::DEADLINE;

const OPEN: &str = "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[accounts]\nremote_registration = 'open'\n";
/// Hosts enough that a partition is more events than are kept.
const MANY: &str = "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[nodes]\ncount = 132\n";
/// Events that are kept, and that a reader may lag behind.
const KEPT: u64 = 8192;

/// A message of a stream.
#[derive(Debug, Clone, PartialEq, Default)]
struct Message {
    id: Option<String>,
    name: Option<String>,
    data: Value,
}

impl Message {
    fn of(block: &str) -> Message {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        let data = field("data").map(|data| serde_json::from_str(&data).unwrap());
        Message { id: field("id"), name: field("event"), data: data.unwrap_or_default() }
    }

    fn path(&self) -> &str {
        self.data["path"].as_str().unwrap_or_default()
    }
}

/// A stream that is read.
struct Stream {
    answer: Response,
    text: String,
    /// What it began with.
    start: Message,
}

impl Stream {
    async fn of(request: RequestBuilder) -> Stream {
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status(), &answer.headers()["content-type"]), (StatusCode::OK, &"text/event-stream".parse().unwrap()));
        let mut stream = Stream { answer, text: String::new(), start: Message::default() };
        let start = stream.block().await.unwrap();
        assert!(start.starts_with("retry: "), "{start}");
        stream.start = Message::of(&start);
        stream
    }

    async fn open(site: &Site, query: &str) -> Stream {
        Stream::of(site.request(Method::GET, &format!("/events{query}"))).await
    }

    async fn after(site: &Site, query: &str, last: &str) -> Stream {
        Stream::of(site.request(Method::GET, &format!("/events{query}")).header("Last-Event-ID", last)).await
    }

    /// What stands before the next empty line; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            // A connection that breaks off is an end as well.
            let chunk = timeout(DEADLINE, self.answer.chunk()).await.expect("the stream says something in time").ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next message that is no comment.
    async fn next(&mut self) -> Option<Message> {
        loop {
            let block = self.block().await?;
            if !block.starts_with(':') {
                return Some(Message::of(&block));
            }
        }
    }

    async fn message(&mut self) -> Message {
        self.next().await.expect("the stream goes on")
    }
}

async fn make_directory(site: &Site, token: &str, path: &str) {
    let request = site.client.post(site.url("/api/v1/files/directories")).bearer_auth(token);
    let (status, body) = read(request.json(&json!({ "path": path })).send().await.unwrap()).await;
    assert_eq!(status, 201, "{body}");
}

#[test]
fn a_reader_that_comes_again_misses_nothing() {
    on_a_runtime(async {
        let site = Site::start(OPEN).await;
        let mut stream = Stream::open(&site, "?kind=DirectoryMade").await;
        let start = stream.start.id.clone().unwrap();
        for path in ["one", "two", "three"] {
            make_directory(&site, &site.token, path).await;
        }
        let first = stream.message().await;
        assert_eq!((first.path(), first.data["kind"].as_str()), ("one", Some("DirectoryMade")));
        assert_eq!(first.data["id"].as_str(), first.id.as_deref());
        assert_eq!(first.data["text"], "the directory one is made");
        drop(stream);
        let mut again = Stream::after(&site, "?kind=DirectoryMade", first.id.as_deref().unwrap()).await;
        assert_eq!(again.start.id, first.id);
        assert_eq!((again.message().await.path(), again.message().await.path()), ("two", "three"));
        // Where it has begun, before it has seen any event.
        let mut all = Stream::open(&site, &format!("?kind=DirectoryMade,Moved&after={start}")).await;
        assert_eq!(all.message().await.path(), "one");
        // What a browser has seen last goes before the address that it was given.
        let mut last = Stream::after(&site, &format!("?kind=DirectoryMade&after={start}"), &again.start.id.unwrap()).await;
        assert_eq!(last.message().await.path(), "two");
        assert_eq!(site.served.stop().code, Some(0), "open streams keep nobody");
        assert!(last.next().await.is_none_or(|message| message.path() == "three"));
    });
}

#[test]
fn a_reader_of_another_run_begins_anew() {
    on_a_runtime(async {
        let site = Site::start(OPEN).await;
        make_directory(&site, &site.token, "one").await;
        let mut stream = Stream::after(&site, "?kind=DirectoryMade", "00000000000000ff-7").await;
        assert_eq!(stream.start.name.as_deref(), Some("reset"));
        assert_eq!(stream.start.data, json!({ "reason": "another_run", "lost": 0 }));
        assert!(stream.start.id.as_deref().unwrap().ends_with("-0"), "{:?}", stream.start);
        assert_eq!(stream.message().await.path(), "one", "what is kept follows");
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn a_reader_sees_what_the_gate_lets_it_see() {
    on_a_runtime(async {
        let site = Site::start(OPEN).await;
        let bob = site.registered("bob", None).await;
        let mut stream = Stream::of(site.client.get(site.url("/api/v1/events?kind=DirectoryMade")).bearer_auth(&bob)).await;
        make_directory(&site, &site.token, "of-alice").await;
        make_directory(&site, &bob, "of-bob").await;
        assert_eq!(stream.message().await.path(), "of-bob");
        let nobody = site.client.get(site.url("/api/v1/events")).send().await.unwrap();
        let (status, problem) = read(nobody).await;
        assert_eq!((status, problem["reason"].as_str()), (401, Some("LOGIN_NEEDED")), "{problem}");
        for wrong in ["?kind=Nothing", "?after=x", "?after=1-", "?transfer=a"] {
            let (status, problem) = site.get(&format!("/events{wrong}")).await;
            assert_eq!((status, problem["reason"].as_str()), (400, Some("INVALID_FIELD")), "{wrong} {problem}");
        }
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn a_stream_ends_with_its_session() {
    on_a_runtime(async {
        let site = Site::start(OPEN).await;
        let login = json!({ "username": "alice", "password": PASSWORD });
        let (_, session) = read(site.client.post(site.url("/api/v1/auth/login")).json(&login).send().await.unwrap()).await;
        let token = session["token"].as_str().unwrap();
        let mut stream = Stream::of(site.client.get(site.url("/api/v1/events")).bearer_auth(token)).await;
        let out = site.client.post(site.url("/api/v1/auth/logout")).bearer_auth(token).send().await.unwrap();
        assert_eq!(out.status(), 204);
        let last = loop {
            let message = stream.message().await;
            if message.name.is_some() {
                break message;
            }
        };
        assert_eq!((last.name.as_deref(), last.data["status"].as_u64()), (Some("end"), Some(401)), "{last:?}");
        assert_eq!(stream.next().await, None);
        assert!(site.served.stop().code == Some(0));
    });
}

#[test]
fn a_user_has_so_many_streams() {
    on_a_runtime(async {
        let site = Site::start(OPEN).await;
        let bob = site.registered("bob", None).await;
        let mut open = Vec::new();
        for _ in 0..32 {
            open.push(Stream::open(&site, "").await);
        }
        let (status, problem) = site.get("/events").await;
        assert_eq!((status, problem["reason"].as_str()), (429, Some("TOO_MANY_REQUESTS")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("32 streams"), "{problem}");
        // Others have theirs, and one that is closed is free again.
        drop(Stream::of(site.client.get(site.url("/api/v1/events")).bearer_auth(bob)).await);
        open.pop();
        let opened = timeout(DEADLINE, async {
            loop {
                let answer = site.request(Method::GET, "/events").send().await.unwrap();
                if answer.status() == 200 {
                    return;
                }
            }
        });
        opened.await.expect("a stream that is closed is noticed");
        assert!(site.served.stop().code == Some(0));
    });
}

/// A reader that takes nothing costs no memory that grows, and holds neither others nor the clock up; it is told what it has lost. One that asks
/// for what is no longer kept is told so.
#[test]
fn a_reader_that_stalls_loses_events_and_holds_nothing_up() {
    on_a_runtime(async {
        let site = Site::start(MANY).await;
        let browser = Browser::of(&site).await;
        let first = Stream::open(&site, "").await.start.id.unwrap();
        let mut stalled = stalled(&site).await;
        // More events than are kept, each time.
        let acts = ["partition 1-66|67-132", "heal", "partition 1-66|67-132", "heal"];
        let mut before = u64::MAX;
        for command in acts {
            let (status, page) = browser.act("/room", &[("command".to_owned(), command.to_owned())]).await;
            assert_eq!(status, 200, "{command}: {page}");
            before = before.min(site.served.memory());
        }
        let grown = site.served.memory().saturating_sub(before);
        assert!(grown < 128 << 20, "{grown} bytes more, whatever the reader does not take");
        // The clock goes on, at which no reader is waited for.
        let (_, later) = browser.act("/room", &[("command".to_owned(), "step 1s".to_owned())]).await;
        assert!(later.contains("Control room"));
        let told = lost_by(&mut stalled).await;
        assert!(told > 0, "{told} events are lost to it");
        let late = Stream::after(&site, "", &first).await;
        assert_eq!(late.start.name.as_deref(), Some("reset"));
        assert_eq!(late.start.data["reason"], "past");
        assert!(late.start.data["lost"].as_u64().unwrap() > KEPT, "{:?}", late.start);
        assert!(site.served.stop().code == Some(0));
    });
}

/// Opens a stream with a small buffer, and reads nothing of it.
async fn stalled(site: &Site) -> TcpStream {
    let address: SocketAddr = site.base.strip_prefix("http://").unwrap().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n", site.token);
    stream.write_all(request.as_bytes()).await.unwrap();
    // It is answered before anything happens.
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    stream
}

/// Reads a stream until it tells how many events are lost.
async fn lost_by(stream: &mut TcpStream) -> u64 {
    let (mut buffer, mut text) = (vec![0; 1 << 16], String::new());
    let reading = async {
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the stream goes on");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if let Some((_, rest)) = text.split_once("event: lost\ndata: {\"lost\":")
                && let Some((count, _)) = rest.split_once('}')
            {
                return count.parse().unwrap();
            }
            let from = (0..=text.len().saturating_sub(200)).rev().find(|&place| text.is_char_boundary(place));
            text = text.split_off(from.unwrap_or_default());
        }
    };
    timeout(DEADLINE, reading).await.expect("what is lost is told in time")
}
