//! Clients of the files that are slow, late, or watch: what they cost, and what the others notice.

use std::time::Duration;

use p2p_grpc::proto::auth_service_client::AuthServiceClient;
use p2p_grpc::proto::watch_events_response::Message;
use p2p_grpc::proto::{Event, EventId, LogoutRequest, UploadHeader, WatchEventsRequest, WatchEventsResponse};
use tonic::{Code, Streaming};

use super::auth::{because, refused, token_of};
use super::files::{Client, clients, header, registered, wanted};
use super::{Served, on_a_runtime};
use crate::harness::random_bytes;
use crate::program::QUICK;

/// Clients that take or send nothing.
const IDLE: usize = 50;

impl Client {
    async fn watch(&self, after: Option<EventId>, kinds: &[&str]) -> Streaming<WatchEventsResponse> {
        let wanted = WatchEventsRequest { after, kinds: kinds.iter().map(ToString::to_string).collect() };
        self.service.clone().watch_events(self.request(wanted)).await.unwrap().into_inner()
    }
}

async fn event(events: &mut Streaming<WatchEventsResponse>) -> Event {
    match events.message().await.unwrap().unwrap().message.unwrap() {
        Message::Event(event) => event,
        Message::Lost(count) => panic!("{count} events are lost"),
    }
}

/// A watcher that comes back is told what it has missed, and nobody is told of what is not theirs.
#[test]
fn events_are_resumed_after_the_last_one_seen() {
    let home = registered(QUICK, &["root", "alice", "bob"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice, bob] = clients(&served, ["alice", "bob"]).await;
        let mut watched = alice.watch(None, &["FileStored", "FileRemoved"]).await;
        bob.put("theirs", b"x").await.unwrap();
        alice.put("a", b"first").await.unwrap();
        let first = event(&mut watched).await;
        assert_eq!((first.kind.as_str(), first.path.as_deref()), ("FileStored", Some("a")));
        let fields: serde_json::Value = serde_json::from_str(&first.fields).unwrap();
        assert_eq!((&fields["file"]["owner"], &fields["bytes"]), (&"alice".into(), &5.into()));
        drop(watched);
        alice.put("b", b"second").await.unwrap();
        let mut again = alice.watch(first.id, &[]).await;
        let mut kinds = Vec::new();
        let second = loop {
            let next = event(&mut again).await;
            assert!(next.id.unwrap().number > first.id.unwrap().number && next.at.is_some());
            kinds.push(next.kind.clone());
            if next.kind == "FileStored" {
                break next;
            }
        };
        assert_eq!(second.path.as_deref(), Some("b"));
        assert!(kinds.contains(&"TransferStarted".to_owned()) && kinds.contains(&"Segment".to_owned()), "{kinds:?}");
        // The numbers of another run say nothing of this one: all of it has been missed, and is told as far as it is kept.
        let of_another = EventId { run: first.id.unwrap().run.wrapping_add(1), number: 1 };
        let stored = event(&mut alice.watch(Some(of_another), &["FileStored"]).await).await;
        assert_eq!(stored.path.as_deref(), Some("a"));
        let stranger = Client::new(&served, None).await;
        let refusal = stranger.service.clone().watch_events(WatchEventsRequest::default()).await;
        assert_eq!(refused(refusal), because(Code::Unauthenticated, "LOGIN_NEEDED"));
        let said = tokio::task::spawn_blocking(|| served.stop()).await.unwrap();
        assert_eq!(said.code, Some(0), "{said:?}");
        let status = loop {
            match again.message().await {
                Ok(Some(_)) => {}
                other => break other.unwrap_err(),
            }
        };
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    });
}

/// What is no longer kept is counted. Two thousand segments have more events than the ring.
#[test]
fn a_watcher_is_told_how_much_it_has_missed() {
    let home = registered(&format!("{QUICK}[storage]\nsegment_size = '4KiB'\n"), &["alice"]);
    let served = Served::start(&home, &["--speed", "max"]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let mut watched = alice.watch(None, &["FileStored"]).await;
        alice.put("a", b"x").await.unwrap();
        let first = event(&mut watched).await;
        drop(watched);
        alice.put("b", &random_bytes(8 << 20, 2)).await.unwrap();
        let mut again = alice.watch(first.id, &["FileStored"]).await;
        match again.message().await.unwrap().unwrap().message.unwrap() {
            Message::Lost(count) => assert!(count > 0),
            Message::Event(event) => panic!("{event:?}"),
        }
        assert_eq!(event(&mut again).await.path.as_deref(), Some("b"));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Fifty that never read and fifty that never send: memory is bounded, time passes, and the others go on.
#[test]
fn clients_that_do_nothing_hold_nobody_up() {
    const SIZE: usize = 8 << 20;
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let content = random_bytes(SIZE, 9);
        alice.put("big", &content).await.unwrap();
        assert!(alice.get("big").await.unwrap() == content);
        let before = served.memory();
        let (mut readers, mut senders) = (Vec::new(), Vec::new());
        for index in 0..IDLE {
            // A connection has at most 64 requests at once.
            let [other] = clients(&served, ["alice"]).await;
            let mut reader = other.service.clone().download_file(other.request(wanted("big", None))).await.unwrap().into_inner();
            reader.message().await.unwrap().unwrap();
            let mut sender = other.begin(header(&format!("idle {index}"))).await.unwrap();
            sender.offset().await.unwrap();
            sender.chunk(&content[..1 << 20]).await;
            readers.push((other, reader));
            senders.push(sender);
        }
        alice.put("beside", &content[..1 << 20]).await.unwrap();
        assert!(alice.get("beside").await.unwrap() == content[..1 << 20]);
        let grown = served.memory().saturating_sub(before);
        // 2.3 MiB for each of a hundred, as docs/services.md says.
        assert!(grown < 230 << 20, "{} MiB", grown >> 20);
        drop((readers, senders));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A deadline in the middle of an answer, and of an upload that is kept.
#[test]
fn a_deadline_ends_what_the_request_has_begun() {
    let home = registered("", &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        alice.put("small", &random_bytes(200 << 10, 1)).await.unwrap();
        let mut request = alice.request(wanted("small", None));
        request.metadata_mut().insert("grpc-timeout", "400m".parse().unwrap());
        let mut reader = alice.service.clone().download_file(request).await.unwrap().into_inner();
        let status = loop {
            match reader.message().await {
                Ok(Some(_)) => {}
                other => break other.unwrap_err(),
            }
        };
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        let mut events = alice.watch(Some(EventId { run: 0, number: 0 }), &["TransferFailed"]).await;
        let ended = tokio::time::timeout(Duration::from_secs(30), event(&mut events)).await.unwrap();
        assert!(ended.fields.contains("Cancelled"), "{ended:?}");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A file that is removed while it is fetched is told as that, and not as a loss of data.
#[test]
fn a_download_whose_file_is_removed_says_so() {
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        alice.put("big", &random_bytes(8 << 20, 1)).await.unwrap();
        // What is not taken is not asked for.
        let mut reader = alice.service.clone().download_file(alice.request(wanted("big", None))).await.unwrap().into_inner();
        reader.message().await.unwrap().unwrap();
        alice.remove("big", false).await.unwrap();
        let status = loop {
            match reader.message().await {
                Ok(Some(_)) => {}
                other => break other.unwrap_err(),
            }
        };
        assert!(status.message().ends_with("the file was removed in the meantime"), "{status:?}");
        assert_eq!(refused::<()>(Err(status)), because(Code::NotFound, "REMOVED"));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A session that ends in the middle of what it does ends that, in ten seconds at the most; another of the same user goes on.
#[test]
fn a_session_that_ends_ends_its_streams() {
    let home = registered("[network]\nbandwidth = '64KiB/s'\nloss = '0%'\n", &["root", "alice"]);
    let served = Served::start(&home, &[]);
    let content = random_bytes(4 << 20, 5);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let again = alice.with(&token_of(&served, "alice").await);
        let id = "0123456789abcdef0123456789abcdef";
        let kept = UploadHeader { upload_id: Some(id.into()), ..header("kept") };
        let (mut sending, mut keeping) = (alice.begin(header("a")).await.unwrap(), alice.begin(kept.clone()).await.unwrap());
        sending.offset().await.unwrap();
        keeping.offset().await.unwrap();
        keeping.chunk(&content[..300_000]).await;
        let mut watched = alice.watch(None, &["FilesAdopted"]).await;
        let mut accounts = AuthServiceClient::new(super::grpc::connected(served.grpc()).await);
        accounts.logout(alice.request(LogoutRequest { all: false })).await.unwrap();
        let over = because(Code::Unauthenticated, "SESSION_OVER");
        let (one, two, three) = tokio::join!(sending.next(), keeping.next(), watched.message());
        assert_eq!([refused(one), refused(two), refused(three)], [over.clone(), over.clone(), over]);
        // Nothing is stored, and what is to be kept is.
        assert_eq!(again.list("", true, 0).await.unwrap(), [""; 0]);
        let mut resumed = again.begin(kept).await.unwrap();
        assert!(resumed.offset().await.unwrap() <= 300_000);
        drop(resumed);
    });
    assert_eq!(served.stop().code, Some(0));
}
