//! Copies, replacements and attributes by gRPC: what a client that is a file system needs of names.

use p2p_grpc::proto::{CopyFileRequest, FileInfo, MoveFileRequest, SetAttributesRequest, Timestamp, UploadHeader};
use tonic::{Code, Response, Status};

use super::auth::{because, refused};
use super::files::{Client, Sending, clients, header, registered};
use super::{Served, on_a_runtime};
use crate::program::QUICK;

impl Client {
    async fn copy(&self, from: &str, to: &str, replace: bool, preserve: bool) -> Result<FileInfo, Status> {
        let wanted = CopyFileRequest { from: from.into(), to: to.into(), replace, preserve };
        self.service.clone().copy_file(self.request(wanted)).await.map(|copied| copied.into_inner().file.unwrap())
    }

    async fn replace(&self, from: &str, to: &str) -> Result<FileInfo, Status> {
        let wanted = MoveFileRequest { from: from.into(), to: to.into(), replace: true };
        self.service.clone().move_file(self.request(wanted)).await.map(|moved| moved.into_inner().file.unwrap())
    }

    async fn set(&self, path: &str, modified: Option<i64>, mode: Option<u32>) -> Result<FileInfo, Status> {
        let wanted = SetAttributesRequest { path: path.into(), modified_at: modified.map(instant), mode };
        self.service.clone().set_attributes(self.request(wanted)).await.map(Response::into_inner).map(|set| set.file.unwrap())
    }

    /// Begins an upload, once the one before it of this name is undone.
    async fn begin_at_last(&self, header: UploadHeader) -> Sending {
        loop {
            let mut sending = self.begin(header.clone()).await.unwrap();
            match sending.offset().await {
                Ok(_) => return sending,
                taken => assert_eq!(refused(taken), because(Code::AlreadyExists, "NAME_TAKEN")),
            }
        }
    }
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

/// The time of modification, in seconds since 1970, and the mode.
fn attributes(file: &FileInfo) -> (i64, u32) {
    (file.modified_at.unwrap().seconds, file.mode)
}

#[test]
fn files_are_copied_replaced_and_given_attributes() {
    let home = registered(QUICK, &["root", "alice", "bob"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice, bob] = clients(&served, ["alice", "bob"]).await;
        alice.put("a", b"first").await.unwrap();
        alice.put("b", b"second").await.unwrap();
        assert_eq!(attributes(&alice.set("a", Some(7), Some(0o4751)).await.unwrap()), (7, 0o751));
        assert_eq!(attributes(&alice.set("a", None, Some(0o640)).await.unwrap()), (7, 0o640));
        assert_eq!(alice.set("a", Some(-1), None).await.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(refused(alice.set("none", Some(7), None).await), because(Code::NotFound, "NOT_FOUND"));
        assert_eq!(refused(bob.set("~alice/a", Some(7), None).await), because(Code::NotFound, "NOT_FOUND"));

        assert_eq!(refused(alice.copy("a", "b", false, false).await), because(Code::AlreadyExists, "NAME_TAKEN"));
        assert_eq!(alice.get("b").await.unwrap(), b"second");
        assert_eq!(attributes(&alice.copy("a", "c", false, true).await.unwrap()), (7, 0o640));
        let copied = alice.copy("a", "b", true, false).await.unwrap();
        assert_eq!((copied.path.as_str(), copied.mode), ("b", 0o644), "what is replaced has its mode");
        assert_ne!(attributes(&copied).0, 7);
        assert_eq!(alice.get("b").await.unwrap(), b"first");
        assert_eq!(refused(bob.copy("~alice/a", "a", false, false).await), because(Code::NotFound, "NOT_FOUND"));
        assert_eq!(refused(alice.copy("a", "~bob/a", false, false).await), because(Code::PermissionDenied, "ANOTHER_TREE"));

        alice.put("d", b"third").await.unwrap();
        assert_eq!(alice.replace("d", "a").await.unwrap().path, "a");
        assert_eq!((alice.get("a").await.unwrap(), alice.get("c").await.unwrap()), (b"third".to_vec(), b"first".to_vec()));
        assert_eq!(alice.list("", true, 0).await.unwrap(), ["a", "b", "c"]);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// An upload that may replace a file leaves the old one whole until the new one is, and one that ends early leaves it for good.
#[test]
fn an_upload_replaces_a_file_once_it_is_whole() {
    let home = registered(QUICK, &["root", "alice"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice] = clients(&served, ["alice"]).await;
        alice.put("a", b"old").await.unwrap();
        let replacing = || UploadHeader { replace: true, modified_at: Some(instant(9)), mode: Some(0o600), ..header("a") };
        let mut gone = alice.begin(replacing()).await.unwrap();
        gone.offset().await.unwrap();
        gone.chunk(b"gone").await;
        drop(gone);
        assert_eq!(alice.get("a").await.unwrap(), b"old");
        let sending = alice.begin_at_last(replacing()).await;
        sending.chunk(b"new").await;
        assert_eq!(alice.get("a").await.unwrap(), b"old");
        let stored = sending.done().await.unwrap().file.unwrap();
        assert_eq!(attributes(&stored), (9, 0o600));
        assert_eq!(alice.get("a").await.unwrap(), b"new");
        assert_eq!(refused(alice.put("a", b"more").await), because(Code::AlreadyExists, "NAME_TAKEN"));
    });
    assert_eq!(served.stop().code, Some(0));
}
