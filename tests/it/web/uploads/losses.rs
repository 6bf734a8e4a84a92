//! Uploads whose content breaks off, whose server is killed, or whose client is another one.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::program::end_of;

/// Of content that breaks off, what has come is kept, and the upload goes on behind it.
#[test]
fn what_has_come_is_kept_of_content_that_breaks_off() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let content = random_bytes(6 * SEGMENT, 3);
        let upload = site.begun(content.len(), &[("path", "a.bin")]).await;
        let half = 2 * SEGMENT + 1_000;
        let mut stream = site.half_sent(&upload, 0, (content.len(), &content[..half])).await;
        site.wait_under_way(&upload, true).await;
        stream.shutdown().await.unwrap();
        drop(stream);
        // The client is gone, and all that it has sent is taken before that.
        let state = loop {
            let state = site.wait_under_way(&upload, false).await;
            if state["offset"].as_u64() > Some(0) {
                break state;
            }
            tokio::task::yield_now().await;
        };
        assert!(state["offset"].as_u64().unwrap() <= half as u64, "{state}");
        let kept = site.offset(&upload).await;
        assert!((2 * SEGMENT..=half).contains(&kept), "{kept}");
        assert_eq!(site.send_piece(&upload, kept, &content[kept..]).await, content.len());
        site.check_stored(&upload, &content).await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// A later request takes an upload over from one whose client is silent, which is told so; what came before is kept.
#[test]
fn a_later_request_takes_the_upload_over() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let content = random_bytes(4 * SEGMENT, 4);
        let upload = site.begun(content.len(), &[("path", "a.bin")]).await;
        let mut silent = site.half_sent(&upload, 0, (content.len(), &content[..SEGMENT + 7])).await;
        site.wait_under_way(&upload, true).await;
        let kept = site.offset(&upload).await;
        assert!(kept <= SEGMENT + 7, "{kept}");
        let mut answer = vec![0; 4096];
        let len = silent.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..len]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 409 ") && answer.contains("TAKEN_OVER"), "{answer}");
        assert_eq!(site.send_piece(&upload, kept, &content[kept..]).await, content.len());
        site.check_stored(&upload, &content).await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// An upload is its user's, whichever login goes on with it, and nobody else's.
#[test]
fn an_upload_is_its_users() {
    on_a_runtime(async {
        let mut site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'open'\n")).await;
        let upload = site.begun(10, &[("path", "a.txt")]).await;
        assert_eq!(site.send_piece(&upload, 0, b"hello").await, 5);
        let alice = std::mem::take(&mut site.token);
        site.token = site.registered("bob", None).await;
        assert_eq!(site.head(&upload).await.0, 404);
        assert_eq!(whole(site.part(&upload, 5, b"world")).await.0, 404);
        assert_eq!(whole(site.request(Method::DELETE, &upload)).await.0, 404);
        assert_eq!(site.get("/uploads").await.1, json!({ "uploads": [] }));
        site.token = site.logged_in("alice").await;
        assert_ne!(site.token, alice);
        assert_eq!(site.send_piece(&upload, 5, b"world").await, 10);
        site.check_stored(&upload, b"helloworld").await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// What a client was told of is there after `kill -9` of the server, whenever that comes, and another begin of the server goes on.
#[test]
fn what_was_told_survives_kills() {
    on_a_runtime(async {
        let mut site = Site::start(QUICK).await;
        let content = random_bytes(9 * SEGMENT + 5, 5);
        for (name, replace) in [("a.bin", "false"), ("a.bin", "true")] {
            let upload = site.begun(content.len(), &[("path", name), ("replace", replace)]).await;
            site.killed().await;
            assert_eq!(site.offset(&upload).await, 0);
            let mut at = 0;
            for len in [10, SEGMENT, 3 * SEGMENT - 10, 100] {
                assert_eq!(site.send_piece(&upload, at, &content[at..at + len]).await, at + len);
                at += len;
                site.killed().await;
                assert_eq!(site.offset(&upload).await, at);
            }
            // One in the middle of a piece loses no more than that.
            let stream = site.half_sent(&upload, at, (content.len() - at, &content[at..at + SEGMENT])).await;
            site.wait_under_way(&upload, true).await;
            site.killed().await;
            drop(stream);
            let kept = site.offset(&upload).await;
            assert!((at..=at + SEGMENT).contains(&kept), "{kept}");
            assert_eq!(site.send_piece(&upload, kept, &content[kept..]).await, content.len());
            site.killed().await;
            site.check_stored(&upload, &content).await;
        }
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// A quota that does not suffice is told of before any byte, and the upload that fits goes on.
#[test]
fn a_quota_is_told_of_before_any_byte() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[accounts]\nquota = '1MiB'\n")).await;
        let (status, _, body) = whole(site.beginning(2 << 20, &[("path", "a.bin")])).await;
        assert_eq!((status, body["reason"].as_str()), (507, Some("OVER_QUOTA")), "{body}");
        let upload = site.begun(5, &[("path", "a.bin")]).await;
        assert_eq!(site.send_piece(&upload, 0, b"fits!").await, 5);
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// A node that dies in the middle is told of as one that may be back, what is kept stays, and the upload goes on then.
#[test]
fn a_dead_node_is_told_of_and_the_upload_goes_on() {
    on_a_runtime(async {
        let home = Home::new(&format!("{QUICK}[nodes]\ncount = 1\n"));
        let served = Served::of(home.spawn(&["serve", "--web=:0", "--grpc=:0", "--speed", "max"]));
        let services = served.ready["services"].as_array().unwrap().clone();
        let address = |name: &str| {
            let found = services.iter().find(|service| service["service"] == name).unwrap();
            found["address"].as_str().unwrap().to_owned()
        };
        let (grpc, base) = (format!("grpc://{}", address("grpc")), format!("http://{}", address("web")));
        let setup = served.ready["setup_token"].as_str().unwrap().to_owned();
        let client = Client::builder().no_proxy().build().unwrap();
        let mut site = Site { home, served, client, base, token: String::new() };
        site.token = site.registered("alice", Some(&setup)).await;
        let mut login = site.home.command(&["--connect", &grpc, "login", "alice"]);
        assert_eq!(end_of(login.env("P2P_PASSWORD", PASSWORD).spawn().unwrap()).code, Some(0));
        let content = random_bytes(4 * SEGMENT, 6);
        let upload = site.begun(content.len(), &[("path", "a.bin")]).await;
        assert_eq!(site.send_piece(&upload, 0, &content[..SEGMENT + 9]).await, SEGMENT + 9);
        site.home.ok(&["--connect", &grpc, "kill", "1"]);
        let (status, headers, body) = whole(site.part(&upload, SEGMENT + 9, &content[SEGMENT + 9..])).await;
        assert_eq!((status, body["reason"].as_str()), (503, Some("UNAVAILABLE")), "{body}");
        assert_eq!(field(&headers, "upload-offset"), (SEGMENT + 9).to_string(), "{body}");
        site.home.ok(&["--connect", &grpc, "start", "1"]);
        let kept = site.offset(&upload).await;
        assert_eq!(kept, SEGMENT + 9);
        // The node is taken for dead until it has answered a probe.
        loop {
            match whole(site.part(&upload, kept, &content[kept..])).await {
                (204, ..) => break,
                (status, _, body) => assert_eq!(status, 503, "{body}"),
            }
        }
        site.check_stored(&upload, &content).await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// Who may store in a directory no longer ends no upload there: the next piece is refused as a new upload is, and so is the end of one that runs.
#[test]
fn what_is_shared_no_longer_is_not_stored() {
    on_a_runtime(async {
        let mut site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'open'\n")).await;
        assert_eq!(site.send(Method::POST, "/files/directories", json!({ "path": "inbox" })).await.0, 201);
        let (alice, bob) = (site.token.clone(), site.registered("bob", None).await);
        let share = json!({ "path": "inbox", "user": "bob", "upload": true });
        let sharing = async |site: &mut Site, method: Method| {
            site.token = alice.clone();
            assert_eq!(site.send(method, "/files/share", share.clone()).await, (200, json!({ "changed": true })));
            site.token = bob.clone();
        };
        let content = random_bytes(3 * SEGMENT, 8);
        for path in ["~alice/inbox/a.bin", "~alice/inbox/tail.bin"] {
            sharing(&mut site, Method::POST).await;
            let upload = site.begun(content.len(), &[("path", path)]).await;
            let first = if path.contains("tail") { 9 } else { SEGMENT };
            assert_eq!(site.send_piece(&upload, 0, &content[..first]).await, first);
            // One piece runs when the directory is shared no longer.
            let rest = &content[first..];
            let mut running = site.half_sent(&upload, first, (rest.len(), &rest[..10])).await;
            site.wait_under_way(&upload, true).await;
            sharing(&mut site, Method::DELETE).await;
            running.write_all(&rest[10..]).await.unwrap();
            let mut answer = vec![0; 4096];
            let len = running.read(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..len]).into_owned();
            assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("ANOTHER_TREE"), "{answer}");
            // A later one is refused as a new upload is, with a checksum or without.
            let (new, _, body) = whole(site.beginning(3, &[("path", "~alice/inbox/b.bin")])).await;
            assert_eq!((new, body["reason"].as_str()), (403, Some("ANOTHER_TREE")), "{body}");
            let kept = site.offset(&upload).await;
            let again = site.part(&upload, kept, &content[kept..]);
            assert_eq!(whole(again.try_clone().unwrap()).await.0, 403);
            assert_eq!(whole(again.header("upload-checksum", sha256(&content[kept..]))).await.0, 403);
            site.token = alice.clone();
            assert_eq!(site.get("/files/info/inbox/a.bin").await.0, 404, "nothing is stored");
            assert_eq!(site.get("/files?path=inbox").await.1["entries"], json!([]));
            // It goes on once it may, and can be undone at any rate.
            site.token = bob.clone();
            if path.contains("tail") {
                assert_eq!(whole(site.request(Method::DELETE, &upload)).await.0, 204);
            } else {
                sharing(&mut site, Method::POST).await;
                assert_eq!(site.send_piece(&upload, kept, &content[kept..]).await, content.len());
                site.token = alice.clone();
                let file = site.get("/files/info/inbox/a.bin").await.1;
                assert_eq!(file["sha256"], json!(Sha256Digest::of(&content).to_string()), "{file}");
                assert_eq!(whole(site.request(Method::DELETE, "/files/content/inbox/a.bin")).await.0, 204);
                sharing(&mut site, Method::DELETE).await;
            }
        }
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// Content of a session that ends is refused although it is on its way, and another login of the user goes on with the upload.
#[test]
fn a_session_that_ends_ends_its_content() {
    on_a_runtime(async {
        let mut site = Site::start(QUICK).await;
        let content = random_bytes(4 * SEGMENT, 9);
        let upload = site.begun(content.len(), &[("path", "a.bin")]).await;
        let mut running = site.half_sent(&upload, 0, (content.len(), &content[..2 * SEGMENT])).await;
        site.wait_under_way(&upload, true).await;
        assert_eq!(whole(site.request(Method::POST, "/auth/logout")).await.0, 204);
        let mut answer = vec![0; 4096];
        let len = running.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..len]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        site.token = site.logged_in("alice").await;
        let kept = site.offset(&upload).await;
        assert!(kept <= 2 * SEGMENT && kept % SEGMENT == 0, "{kept}");
        assert_eq!(site.send_piece(&upload, kept, &content[kept..]).await, content.len());
        site.check_stored(&upload, &content).await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// What was taken of content with a checksum is gone after `kill -9`, and nobody else could read it before.
#[test]
fn temporary_files_are_private_and_do_not_outlive_a_kill() {
    use std::os::unix::fs::MetadataExt;

    on_a_runtime(async {
        let mut site = Site::start(QUICK).await;
        let directories = |site: &Site| {
            let names = std::fs::read_dir(site.home.data()).unwrap().map(|entry| entry.unwrap().path());
            names.filter(|path| path.to_string_lossy().contains(".web-content-")).collect::<Vec<_>>()
        };
        let upload = site.begun(10, &[("path", "a.txt")]).await;
        let mut running = TcpStream::connect(site.address()).await.unwrap();
        let header = format!(
            "PATCH /api/v1{upload} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nContent-Type: {TUS}\r\n\
             Upload-Offset: 0\r\nUpload-Checksum: {}\r\nContent-Length: 10\r\n\r\nhello",
            site.token,
            sha256(b"helloworld")
        );
        running.write_all(header.as_bytes()).await.unwrap();
        while directories(&site).is_empty() {
            tokio::task::yield_now().await;
        }
        let directory = directories(&site).remove(0);
        assert_eq!(std::fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "the files have no names");
        site.killed().await;
        assert_eq!(directories(&site), Vec::<std::path::PathBuf>::new());
        let request = site.part(&upload, 0, b"helloworld").header("upload-checksum", sha256(b"helloworld"));
        assert_eq!(whole(request).await.0, 204);
        site.check_stored(&upload, b"helloworld").await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}
