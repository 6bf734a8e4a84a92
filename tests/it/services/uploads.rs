//! `UploadFile` where it does not go straight: clients that go and come back, and content that is never a file.

use p2p_grpc::proto::upload_file_request::Message;
use p2p_grpc::proto::{Chunk, ForgetUploadRequest, KeptUpload, ListUploadsRequest, Timestamp, UploadHeader};
use p2p_store::segment::Sha256Digest;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::auth::{because, refused};
use super::connect::SLOW;
use super::files::{Client, chunk, clients, detail, header, registered};
use super::{Served, on_a_runtime};
use crate::harness::random_bytes;
use crate::program::QUICK;

const SEGMENT: u64 = 64 << 10;
const ID: &str = "0123456789abcdef0123456789abcdef";

fn kept(path: &str) -> UploadHeader {
    UploadHeader { upload_id: Some(ID.into()), ..header(path) }
}

impl Client {
    async fn uploads(&self) -> Vec<KeptUpload> {
        self.service.clone().list_uploads(self.request(ListUploadsRequest {})).await.unwrap().into_inner().uploads
    }

    /// Waits until the upload is kept and its client noticed to be gone.
    async fn parked(&self) -> KeptUpload {
        loop {
            match self.uploads().await.pop() {
                Some(upload) if upload.transfer.is_none() => return upload,
                _ => tokio::task::yield_now().await,
            }
        }
    }

    /// Waits until nothing is left of what was not stored.
    async fn nothing_left(&self) {
        assert_eq!(self.list("", true, 0).await.unwrap(), [""; 0]);
        while !self.uploads().await.is_empty() {
            tokio::task::yield_now().await;
        }
        // The name is free again.
        loop {
            match self.put("x", b"free").await {
                Ok(_) => break,
                Err(status) => assert!(detail_is_taken(&status), "{status:?}"),
            }
        }
        self.service
            .clone()
            .delete_file(self.request(p2p_grpc::proto::DeleteFileRequest { path: "x".into(), recursive: false }))
            .await
            .unwrap();
    }

    async fn forget(&self, upload_id: &str) -> Result<(), Status> {
        let wanted = ForgetUploadRequest { upload_id: upload_id.into() };
        self.service.clone().forget_upload(self.request(wanted)).await.map(drop)
    }
}

fn detail_is_taken(status: &Status) -> bool {
    status.get_error_details().error_info().is_some_and(|info| info.reason == "NAME_TAKEN")
}

/// A client that has gone comes back, asks where to go on, and sends the rest.
#[test]
fn an_upload_with_an_id_goes_on_where_it_has_stopped() {
    let home = registered(QUICK, &["root", "alice", "bob"]);
    let served = Served::start(&home, &[]);
    let content = random_bytes(20 * SEGMENT as usize + 17, 3);
    let declared = UploadHeader {
        size: Some(content.len() as u64),
        sha256: Some(Sha256Digest::of(&content).as_bytes().to_vec().into()),
        modified: Some(Timestamp { seconds: 7, nanos: 0 }),
        ..kept("x")
    };
    on_a_runtime(async {
        let [alice, bob] = clients(&served, ["alice", "bob"]).await;
        let mut sending = alice.begin(declared.clone()).await.unwrap();
        assert_eq!(sending.offset().await.unwrap(), 0);
        sending.chunk(&content[..7 * SEGMENT as usize + 100]).await;
        drop(sending);
        let parked = alice.parked().await;
        assert_eq!((parked.upload_id.as_str(), parked.path.as_str()), (ID, "x"));
        assert!(parked.offset <= 7 * SEGMENT && parked.offset % SEGMENT == 0, "{parked:?}");
        assert!(parked.expires_at.unwrap().seconds > parked.began_at.unwrap().seconds);
        assert_eq!(alice.list("", true, 0).await.unwrap(), [""; 0], "it is no file");
        assert_eq!(bob.uploads().await, []);
        // Somebody else's, another file's, another position, other content: each is refused, and what is kept stays.
        assert_eq!(refused(bob.forget(ID).await), because(Code::NotFound, "NOT_FOUND"));
        assert_eq!(refused(bob.begin(declared.clone()).await.unwrap().offset().await).0, Code::NotFound);
        let other = alice.begin(UploadHeader { path: "y".into(), ..declared.clone() }).await.unwrap().offset().await;
        assert_eq!(refused(other), because(Code::FailedPrecondition, "UPLOAD_DIFFERS"));
        let time = |nanos| Some(Timestamp { seconds: 7, nanos });
        for other in [
            UploadHeader { size: declared.size.map(|size| size + 1), ..declared.clone() },
            UploadHeader { modified: time(1), ..declared.clone() },
        ] {
            let other = alice.begin(other).await.unwrap().offset().await;
            assert_eq!(refused(other), because(Code::FailedPrecondition, "UPLOAD_DIFFERS"));
        }
        let beside = UploadHeader { offset: Some(5), ..declared.clone() };
        let status = alice.begin(beside).await.unwrap().offset().await.unwrap_err();
        assert_eq!((status.code(), detail(&status, "offset")), (Code::OutOfRange, Some(parked.offset.to_string())));
        if parked.offset > 0 {
            let again = UploadHeader { offset: Some(0), ..declared.clone() };
            let mut wrong = alice.begin(again).await.unwrap();
            wrong.offset().await.unwrap();
            wrong.chunk(&random_bytes(8 * SEGMENT as usize, 4)).await;
            assert_eq!(refused(wrong.next().await), because(Code::FailedPrecondition, "UPLOAD_DIFFERS"));
        }
        // A client that comes back before the loss of its connection is noticed takes the upload over.
        let mut lost = alice.begin(declared.clone()).await.unwrap();
        let from = lost.offset().await.unwrap();
        lost.chunk(&content[from as usize..9 * SEGMENT as usize]).await;
        let mut sending = alice.begin(declared.clone()).await.unwrap();
        let from = sending.offset().await.unwrap();
        assert!(from >= parked.offset && from <= 9 * SEGMENT, "{from}");
        sending.chunk(&content[from as usize..from as usize + 10]).await;
        for data in content[from as usize + 10..].chunks(1 << 20) {
            sending.chunk(data).await;
        }
        let stored = sending.done().await.unwrap().file.unwrap();
        assert_eq!(stored.size, content.len() as u64);
        assert!(alice.get("x").await.unwrap() == content);
        assert_eq!(alice.uploads().await, []);
        assert_eq!(refused(lost.next().await), because(Code::FailedPrecondition, "TAKEN_OVER"));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Two clients with one ID: the later one goes on, also if it takes the upload back, and the earlier one is told by whom it ended. What is
/// forgotten while it is under way is gone, and its client is told that too.
#[test]
fn an_upload_has_one_client_at_a_time() {
    let home = registered(SLOW, &["alice"]);
    let served = Served::start(&home, &[]);
    let content = random_bytes(6 * SEGMENT as usize, 5);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let mut present = alice.begin(kept("x")).await.unwrap();
        let mut from = present.offset().await.unwrap();
        for _ in 0..3 {
            present.chunk(&content[from as usize..(from + SEGMENT) as usize]).await;
            let mut next = alice.begin(kept("x")).await.unwrap();
            let goes_on = next.offset().await.unwrap();
            assert!(goes_on >= from, "{goes_on} {from}");
            from = goes_on;
            let status = present.next().await.unwrap_err();
            let resource = status.get_error_details().resource_info().cloned().unwrap();
            assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("upload", ID));
            assert_eq!(refused::<()>(Err(status)), because(Code::FailedPrecondition, "TAKEN_OVER"));
            present = next;
        }
        present.chunk(&content[from as usize..]).await;
        assert_eq!(present.done().await.unwrap().file.unwrap().size, content.len() as u64);
        assert!(alice.get("x").await.unwrap() == content);
        let mut sending = alice.begin(kept("y")).await.unwrap();
        sending.offset().await.unwrap();
        sending.chunk(&content[..3 * SEGMENT as usize]).await;
        alice.forget(ID).await.unwrap();
        assert_eq!(refused(sending.next().await), because(Code::Cancelled, "CANCELLED"));
        assert_eq!(alice.uploads().await, []);
        assert_eq!(alice.list("", true, 0).await.unwrap(), ["x"]);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// All of the content again, of which what is kept is compared.
#[test]
fn an_upload_can_be_sent_again_from_its_begin() {
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    let content = random_bytes(10 * SEGMENT as usize, 5);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let mut sending = alice.begin(kept("x")).await.unwrap();
        sending.offset().await.unwrap();
        sending.chunk(&content[..5 * SEGMENT as usize]).await;
        // It is taken out of the channel when the server has room for it.
        sending.chunk(&content[5 * SEGMENT as usize..6 * SEGMENT as usize]).await;
        drop(sending);
        alice.parked().await;
        let again = UploadHeader { offset: Some(0), ..kept("x") };
        let (_, done) = alice.put_in(again, &content, SEGMENT as usize).await.unwrap();
        assert_eq!(done.file.unwrap().size, content.len() as u64);
        assert!(alice.get("x").await.unwrap() == content);
        let mut sending = alice.begin(kept("z")).await.unwrap();
        sending.offset().await.unwrap();
        sending.chunk(&content[..3 * SEGMENT as usize]).await;
        drop(sending);
        alice.parked().await;
        alice.forget(ID).await.unwrap();
        assert_eq!(alice.uploads().await, []);
        assert_eq!(refused(alice.forget(ID).await), because(Code::NotFound, "NOT_FOUND"));
        assert_eq!(alice.forget("no id").await.unwrap_err().code(), Code::InvalidArgument);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Without an ID, nothing is left of an upload whose client has gone.
#[test]
fn an_upload_without_an_id_is_undone_with_its_client() {
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let mut sending = alice.begin(header("x")).await.unwrap();
        sending.offset().await.unwrap();
        sending.chunk(&random_bytes(5 * SEGMENT as usize, 6)).await;
        drop(sending);
        alice.nothing_left().await;
    });
    assert_eq!(served.stop().code, Some(0));
}

/// All of the content has come, and its client goes without having been told of the file.
#[test]
fn a_client_that_gives_up_at_the_end_leaves_no_file() {
    let home = registered("[network]\nbandwidth = '64KiB/s'\nloss = '0%'\n", &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let mut sending = alice.begin(header("x")).await.unwrap();
        sending.offset().await.unwrap();
        sending.chunk(&random_bytes(3 * SEGMENT as usize, 6)).await;
        let (nobody, _) = tokio::sync::mpsc::channel(1);
        drop(std::mem::replace(&mut sending.sender, nobody));
        // The end has come with the content: the first segment is acknowledged after both.
        sending.answers.message().await.unwrap().unwrap();
        drop(sending);
        alice.nothing_left().await;
    });
    assert_eq!(served.stop().code, Some(0));
}

/// What is not as it was declared, and messages that are none of an upload.
#[test]
fn what_is_not_as_declared_is_never_a_file() {
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        for upload_id in [None, Some(ID.to_owned())] {
            let with = |header: UploadHeader| UploadHeader { upload_id: upload_id.clone(), ..header };
            let other = Sha256Digest::of(b"other").as_bytes().to_vec();
            let wrong = with(UploadHeader { sha256: Some(other.into()), ..header("x") });
            let content = random_bytes(3 * SEGMENT as usize, 8);
            assert_eq!(refused(alice.put_in(wrong, &content, 1 << 20).await).1, "CONTENT_DIFFERS");
            alice.nothing_left().await;
            for (size, words) in [
                (5 << 30, "it was declared to have 5368709120 bytes, and 10 bytes came"),
                (9, "it was declared to have 9 bytes, and more have come"),
                (0, "it was declared to have 0 bytes, and more have come"),
            ] {
                let wrong = with(UploadHeader { size: Some(size), ..header("x") });
                let status = alice.put_in(wrong, b"ten bytes.", 1 << 20).await.unwrap_err();
                assert!(status.message().ends_with(words), "{size}: {status:?}");
                assert_eq!(refused::<()>(Err(status)), because(Code::FailedPrecondition, "STATE"), "{size}");
                alice.nothing_left().await;
            }
        }
        let invalid = |header: UploadHeader| async { alice.put_in(header, b"x", 1).await.unwrap_err().code() };
        assert_eq!(invalid(UploadHeader { sha256: Some(vec![1].into()), ..header("x") }).await, Code::InvalidArgument);
        assert_eq!(invalid(UploadHeader { upload_id: Some("7".into()), ..header("x") }).await, Code::InvalidArgument);
        assert_eq!(invalid(UploadHeader { offset: Some(7), ..header("x") }).await, Code::OutOfRange);
        alice.nothing_left().await;
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn messages_that_are_no_upload_are_refused() {
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        let at = |offset| Message::Chunk(Chunk { data: b"x".to_vec().into(), offset: Some(offset) });
        for (name, wrong, code) in [
            ("no header", vec![chunk(b"x")], Code::InvalidArgument),
            ("two headers", vec![Message::Header(header("x")), Message::Header(header("x"))], Code::InvalidArgument),
            ("no content in a chunk", vec![Message::Header(header("x")), chunk(b"")], Code::InvalidArgument),
            ("too much in a chunk", vec![Message::Header(header("x")), chunk(&vec![0; (1 << 20) + 1])], Code::InvalidArgument),
            ("too much in a message", vec![Message::Header(header("x")), chunk(&vec![0; 3 << 20])], Code::OutOfRange),
            ("a gap", vec![Message::Header(header("x")), at(0), at(2)], Code::OutOfRange),
        ] {
            let mut sending = alice.sending().await.unwrap();
            for message in wrong {
                sending.send(message).await;
            }
            let status = loop {
                match sending.next().await {
                    Ok(Some(_)) => {}
                    other => break other.unwrap_err(),
                }
            };
            assert_eq!(status.code(), code, "{name}: {status:?}");
            alice.nothing_left().await;
        }
        let sending = alice.sending().await.unwrap();
        assert_eq!(sending.done().await.unwrap_err().code(), Code::InvalidArgument, "nothing at all");
        let exact = alice.begin(header("x")).await.unwrap();
        exact.send(at(0)).await;
        exact.send(at(1)).await;
        let mut exact = exact;
        assert_eq!(exact.offset().await.unwrap(), 0);
        assert_eq!(exact.done().await.unwrap().file.unwrap().size, 2);
    });
    assert_eq!(served.stop().code, Some(0));
}
