//! Resumable uploads: each rule of tus 1.0.0 and of the draft of the HTTP working group.

mod bounds;
mod foreign;
mod losses;
mod pieces;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p2p_base::random::RandomStream;
use p2p_store::segment::Sha256Digest;
use reqwest::header::HeaderMap;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::harness::random_bytes;

const TUS: &str = "application/offset+octet-stream";
const DRAFT: &str = "application/partial-upload";
/// Begin of the types of problems of the draft.
const TYPES: &str = "https://iana.org/assignments/http-problem-types#";
const SEGMENT: usize = 64 << 10;

/// An answer: status, header and JSON.
type Answer = (u16, HeaderMap, Value);

async fn whole(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let headers = answer.headers().clone();
    let (status, body) = read(answer).await;
    (status, headers, body)
}

fn field<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
    pairs.join(",")
}

fn sha256(content: &[u8]) -> String {
    format!("sha256 {}", STANDARD.encode(Sha256Digest::of(content).as_bytes()))
}

impl Site {
    /// A request to begin an upload by tus.
    fn beginning(&self, size: usize, pairs: &[(&str, &str)]) -> RequestBuilder {
        let request = self.request(Method::POST, "/uploads").header("tus-resumable", "1.0.0");
        request.header("upload-length", size).header("upload-metadata", metadata(pairs))
    }

    /// Begins an upload by tus, and returns its target below `/api/v1`.
    async fn begun(&self, size: usize, pairs: &[(&str, &str)]) -> String {
        let (status, headers, body) = whole(self.beginning(size, pairs)).await;
        assert_eq!((status, field(&headers, "upload-offset")), (201, "0"), "{body}");
        target(&headers)
    }

    /// A request that continues an upload by tus.
    fn part(&self, upload: &str, offset: usize, content: &[u8]) -> RequestBuilder {
        let request = self.request(Method::PATCH, upload).header("tus-resumable", "1.0.0").header("content-type", TUS);
        request.header("upload-offset", offset).body(content.to_vec())
    }

    /// Continues an upload by tus, and returns the offset after that.
    async fn send_piece(&self, upload: &str, offset: usize, content: &[u8]) -> usize {
        let (status, headers, body) = whole(self.part(upload, offset, content)).await;
        assert_eq!(status, 204, "{body}");
        field(&headers, "upload-offset").parse().unwrap()
    }

    /// A request that continues an upload by the draft.
    fn piece(&self, upload: &str, offset: usize, content: &[u8], completes: &str) -> RequestBuilder {
        let request = self.request(Method::PATCH, upload).header("content-type", DRAFT);
        request.header("upload-offset", offset).header("upload-complete", completes).body(content.to_vec())
    }

    async fn head(&self, upload: &str) -> Answer {
        whole(self.request(Method::HEAD, upload).header("tus-resumable", "1.0.0")).await
    }

    async fn offset(&self, upload: &str) -> usize {
        let (status, headers, _) = self.head(upload).await;
        assert_eq!(status, 200);
        field(&headers, "upload-offset").parse().unwrap()
    }

    /// The state of an upload, as JSON.
    async fn state(&self, upload: &str) -> Value {
        let (status, state) = self.get(upload).await;
        assert_eq!(status, 200, "{state}");
        state
    }

    /// Fails unless an upload has become a file of this content.
    async fn check_stored(&self, upload: &str, content: &[u8]) {
        let state = self.state(upload).await;
        assert_eq!((state["state"].as_str(), state["offset"].as_u64()), (Some("stored"), Some(content.len() as u64)), "{state}");
        assert_eq!(state["sha256"], json!(Sha256Digest::of(content).to_string()));
        let (_, headers, _) = self.head(upload).await;
        assert_eq!(field(&headers, "content-location"), state["content"].as_str().unwrap());
        assert_eq!(
            field(&headers, "repr-digest"),
            format!("sha-256=:{}:", STANDARD.encode(Sha256Digest::of(content).as_bytes()))
        );
    }

    /// Begins a request by hand whose content has this length, and sends a part of that.
    async fn half_sent(&self, upload: &str, offset: usize, (len, content): (usize, &[u8])) -> TcpStream {
        let mut stream = TcpStream::connect(self.base.strip_prefix("http://").unwrap()).await.unwrap();
        let header = format!(
            "PATCH /api/v1{upload} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nContent-Type: {TUS}\r\n\
             Upload-Offset: {offset}\r\nContent-Length: {len}\r\n\r\n",
            self.token
        );
        stream.write_all(header.as_bytes()).await.unwrap();
        stream.write_all(content).await.unwrap();
        stream
    }

    /// Waits until an upload is under way, or is not.
    async fn wait_under_way(&self, upload: &str, wanted: bool) -> Value {
        loop {
            let state = self.state(upload).await;
            if state["is_under_way"] == wanted {
                return state;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Kills the server with no chance to note anything, and starts it again at the same data.
    async fn killed(&mut self) {
        let again = ["serve", "--web=:0", "--speed", "max"];
        self.served.kill();
        self.served = Served::of(self.home.spawn(&again));
        let address = self.served.ready["services"][0]["address"].as_str().unwrap();
        self.base = format!("http://{address}");
    }

    async fn logged_in(&self, name: &str) -> String {
        let login = json!({ "username": name, "password": PASSWORD });
        let (status, body) = read(self.client.post(self.url("/api/v1/auth/login")).json(&login).send().await.unwrap()).await;
        assert_eq!(status, 200, "{body}");
        body["token"].as_str().unwrap().to_owned()
    }
}

fn target(headers: &HeaderMap) -> String {
    field(headers, "location").strip_prefix("/api/v1").unwrap().to_owned()
}

/// What is spoken is told without a login, other versions are refused, and each answer names the version.
#[test]
fn it_says_what_it_speaks() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let (status, headers, _) = whole(site.client.request(Method::OPTIONS, site.url("/api/v1/uploads"))).await;
        assert_eq!(
            (status, field(&headers, "tus-version"), field(&headers, "tus-checksum-algorithm")),
            (204, "1.0.0", "sha256,sha1")
        );
        let extensions = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination";
        assert_eq!(field(&headers, "tus-extension"), extensions);
        assert_eq!(field(&headers, "tus-max-size"), (64_u64 << 30).to_string());
        assert!(field(&headers, "accept-patch").contains(DRAFT));
        assert_eq!(field(&headers, "upload-limit"), format!("max-size={}", 64_u64 << 30));
        let other = site.request(Method::POST, "/uploads").header("tus-resumable", "0.2.2").header("upload-length", 1);
        let (status, headers, body) = whole(other).await;
        assert_eq!((status, field(&headers, "tus-version"), field(&headers, "tus-resumable")), (412, "1.0.0", "1.0.0"), "{body}");
        let (status, body) = read(site.client.get(site.url("/api/v1/uploads")).send().await.unwrap()).await;
        assert_eq!((status, body["reason"].as_str()), (401, Some("LOGIN_NEEDED")));
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// A file comes in pieces of any length, with checksums or without, and the last piece stores it.
#[test]
fn any_pieces_make_the_file() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let mut chance = RandomStream::new(17, "pieces of an upload");
        for round in 0..6 {
            let size = [0, 1, SEGMENT, 3 * SEGMENT, 5 * SEGMENT + 17, 200_003][round];
            let (content, name) = (random_bytes(size, round as u64), format!("{round}.bin"));
            let upload = site.begun(size, &[("filename", &name)]).await;
            let mut at = 0;
            while at < size {
                let most = [7, SEGMENT - 1, 2 * SEGMENT, size][chance.below(4) as usize];
                let end = size.min(at + 1 + chance.below(most as u64) as usize);
                let piece = &content[at..end];
                let request = site.part(&upload, at, piece);
                let request = if chance.below(2) == 0 { request.header("upload-checksum", sha256(piece)) } else { request };
                let (status, headers, body) = whole(request).await;
                assert_eq!((status, field(&headers, "upload-offset")), (204, end.to_string().as_str()), "{body}");
                at = end;
            }
            site.check_stored(&upload, &content).await;
        }
        let (_, listed) = site.get("/uploads").await;
        assert_eq!(listed["uploads"].as_array().unwrap().len(), 6);
        let Site { home, served, .. } = site;
        assert_eq!(served.stop().code, Some(0));
        assert_eq!(home.login("alice").code, Some(0));
        home.ok(&["get", "4.bin", "-o", "back"]);
        assert!(std::fs::read(home.path("back")).unwrap() == random_bytes(5 * SEGMENT + 17, 4));
    });
}

/// What cannot follow is refused, with the position at which the upload goes on, and changes nothing.
#[test]
fn what_cannot_follow_is_refused() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let upload = site.begun(100, &[("filename", "a.bin"), ("note", "mine")]).await;
        assert_eq!(site.send_piece(&upload, 0, &[1; 40]).await, 40);
        let refused = [
            (site.part(&upload, 39, &[1; 10]), 409),
            (site.part(&upload, 41, &[1; 10]), 409),
            // The answer is read although nobody wants what is sent.
            (site.part(&upload, 41, &[1; 4 << 20]), 409),
            (site.part(&upload, 40, &[1; 61]), 400),
            (site.part(&upload, 40, &[1; 10]).header("upload-length", 99), 400),
            (site.part(&upload, 40, &[1; 10]).header("upload-checksum", sha256(b"other")), 460),
            (site.part(&upload, 40, &[1; 10]).header("upload-checksum", "md5 AAAA"), 400),
        ];
        for (request, expected) in refused {
            let (status, headers, body) = whole(request).await;
            assert_eq!((status, field(&headers, "content-type")), (expected, "application/problem+json"), "{body}");
            assert!(expected == 400 || field(&headers, "upload-offset") == "40", "{body}");
        }
        let bare = |name: &'static str, value: &'static str| {
            let request = site.request(Method::PATCH, &upload).header("tus-resumable", "1.0.0").header(name, value);
            whole(request.body("x"))
        };
        assert_eq!(bare("upload-offset", "40").await.0, 415);
        assert_eq!(bare("content-type", TUS).await.0, 400);
        let (status, headers, _) = site.head(&upload).await;
        assert_eq!((status, field(&headers, "upload-offset"), field(&headers, "upload-length")), (200, "40", "100"));
        assert_eq!(field(&headers, "upload-metadata"), metadata(&[("filename", "a.bin"), ("note", "mine")]));
        assert_eq!(field(&headers, "cache-control"), "no-store");
        assert!(field(&headers, "upload-expires").ends_with(" GMT"));
        for unknown in ["/uploads/00112233445566778899aabbccddeeff", "/uploads/x"] {
            assert_eq!(site.head(unknown).await.0, 404, "{unknown}");
        }
        for wrong in [("upload-length", "x"), ("upload-defer-length", "2"), ("upload-length", "99999999999999")] {
            let request = site.request(Method::POST, "/uploads").header("tus-resumable", "1.0.0").header(wrong.0, wrong.1);
            let expected = if wrong.1.len() > 10 { 413 } else { 400 };
            assert_eq!(whole(request.header("upload-metadata", metadata(&[("filename", "b")]))).await.0, expected, "{wrong:?}");
        }
        let nameless = site.request(Method::POST, "/uploads").header("tus-resumable", "1.0.0").header("upload-length", 1);
        assert_eq!(whole(nameless).await.0, 400);
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// A name that is taken is refused before any byte, unless the file may be replaced; of two uploads one gets it.
#[test]
fn a_taken_name_is_refused_before_any_byte() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let upload = site.begun(3, &[("path", "a.txt")]).await;
        let (status, _, body) = whole(site.beginning(3, &[("path", "a.txt")])).await;
        assert_eq!((status, body["reason"].as_str()), (409, Some("NAME_TAKEN")), "{body}");
        assert_eq!(site.send_piece(&upload, 0, b"old").await, 3);
        assert_eq!(whole(site.beginning(3, &[("path", "a.txt")])).await.0, 409);
        let upload = site.begun(3, &[("path", "a.txt"), ("replace", "true")]).await;
        assert_eq!(site.send_piece(&upload, 0, b"n").await, 1);
        assert_eq!(site.send_piece(&upload, 1, b"ew").await, 3);
        site.check_stored(&upload, b"new").await;
        let (status, _, body) = whole(site.beginning(3, &[("path", "~bob/a.txt")])).await;
        assert_eq!((status, body["reason"].as_str()), (403, Some("ANOTHER_TREE")), "{body}");
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// Content with another digest or another length than declared is never a file, and its name is free again.
#[test]
fn wrong_content_is_never_a_file() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let declared = Sha256Digest::of(b"right").to_string();
        let upload = site.begun(5, &[("path", "a.txt"), ("sha256", &declared)]).await;
        let (status, _, body) = whole(site.part(&upload, 0, b"wrong")).await;
        assert_eq!((status, body["reason"].as_str()), (422, Some("CONTENT_DIFFERS")), "{body}");
        assert_eq!(site.head(&upload).await.0, 404);
        let upload = site.begun(5, &[("path", "a.txt"), ("sha256", &declared)]).await;
        // Content whose length is not told before goes on for too long.
        let endless = reqwest::Body::wrap_stream(tokio_stream::iter([Ok::<_, std::io::Error>("rig"), Ok("ht and more")]));
        let (status, _, body) = whole(site.part(&upload, 0, b"").body(endless)).await;
        assert_eq!((status, body["type"].as_str()), (400, Some(format!("{TYPES}inconsistent-upload-length").as_str())), "{body}");
        assert_eq!(site.head(&upload).await.0, 404);
        let upload = site.begun(5, &[("path", "a.txt"), ("sha256", &declared)]).await;
        assert_eq!(site.send_piece(&upload, 0, b"right").await, 5);
        site.check_stored(&upload, b"right").await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// The size may come later, content with the begin, and the method in another field; what is deleted is gone, and a stored file stays.
#[test]
fn the_extensions_of_tus_are_there() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let creation = || site.request(Method::POST, "/uploads").header("tus-resumable", "1.0.0").header("content-type", TUS);
        let deferred = creation().header("upload-defer-length", 1).header("upload-metadata", metadata(&[("name", "a.txt")]));
        let (status, headers, body) = whole(deferred.body("one ")).await;
        assert_eq!((status, field(&headers, "upload-offset"), field(&headers, "upload-defer-length")), (201, "4", "1"), "{body}");
        let upload = target(&headers);
        assert_eq!(site.send_piece(&upload, 4, b"two ").await, 8);
        let last = site.request(Method::POST, &upload).header("x-http-method-override", "PATCH").header("content-type", TUS);
        let (status, headers, body) = whole(last.header("upload-offset", 8).header("upload-length", 13).body("three")).await;
        assert_eq!((status, field(&headers, "upload-offset")), (204, "13"), "{body}");
        site.check_stored(&upload, b"one two three").await;
        let at_once = creation().header("upload-length", 3).header("upload-metadata", metadata(&[("name", "b.txt")])).body("all");
        let (status, headers, body) = whole(at_once).await;
        assert_eq!((status, body["state"].as_str()), (201, Some("stored")), "{body}");
        site.check_stored(&target(&headers), b"all").await;
        let upload = site.begun(9, &[("path", "c.txt")]).await;
        assert_eq!(site.send_piece(&upload, 0, b"gone").await, 4);
        let deleted = |upload: &str| whole(site.request(Method::DELETE, upload).header("tus-resumable", "1.0.0"));
        assert_eq!(deleted(&upload).await.0, 204);
        assert_eq!((site.head(&upload).await.0, deleted(&upload).await.0), (404, 404));
        site.begun(9, &[("path", "c.txt")]).await;
        assert_eq!(deleted(&target(&headers)).await.0, 204);
        assert_eq!(whole(site.beginning(1, &[("path", "b.txt")])).await.0, 409, "the file stays");
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// The draft: an upload is complete when its client says so, and problems have the types of the draft.
#[test]
fn the_draft_is_spoken_at_the_same_resource() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let creation = |target: &str| site.request(Method::POST, &format!("/uploads{target}"));
        let (status, headers, body) = whole(creation("?path=d/&replace=false").header("upload-complete", "?1").body("x")).await;
        assert_eq!((status, body["reason"].as_str()), (400, Some("INVALID_FIELD")), "{body}: {headers:?}");
        let begun = creation("?path=d.txt").header("upload-complete", "?0").header("upload-length", 10).body("hello");
        let (status, headers, body) = whole(begun).await;
        assert_eq!((status, field(&headers, "upload-complete"), field(&headers, "upload-offset")), (201, "?0", "5"), "{body}");
        assert!(field(&headers, "upload-limit").starts_with("max-size=68719476736, max-age="));
        let upload = target(&headers);
        let problem = |(status, headers, body): Answer| {
            let kind = body["type"].as_str().unwrap().strip_prefix(TYPES).unwrap_or_default().to_owned();
            (status, kind, field(&headers, "upload-offset").to_owned(), body)
        };
        let (status, kind, offset, body) = problem(whole(site.piece(&upload, 4, b"world", "?1")).await);
        assert_eq!((status, kind.as_str(), offset.as_str()), (409, "mismatching-upload-offset", "5"));
        assert_eq!((&body["expected-offset"], &body["provided-offset"]), (&json!(5), &json!(4)));
        for (content, completes) in [(&b"worlds"[..], "?0"), (b"worl", "?1")] {
            let (status, kind, offset, body) = problem(whole(site.piece(&upload, 5, content, completes)).await);
            assert_eq!((status, kind.as_str(), offset.as_str()), (400, "inconsistent-upload-length", "5"), "{body}");
        }
        let (status, headers, _) = whole(site.piece(&upload, 5, b"world", "?0")).await;
        assert_eq!((status, field(&headers, "upload-complete"), field(&headers, "upload-offset")), (204, "?0", "10"));
        let (status, headers, body) = whole(site.piece(&upload, 10, b"", "?1")).await;
        assert_eq!((status, field(&headers, "upload-complete"), body["state"].as_str()), (201, "?1", Some("stored")), "{body}");
        site.check_stored(&upload, b"helloworld").await;
        let (status, kind, ..) = problem(whole(site.piece(&upload, 10, b"", "?1")).await);
        assert_eq!((status, kind.as_str()), (400, "completed-upload"));
        let (status, kind, ..) = problem(whole(site.piece(&upload, 10, b"more", "?1")).await);
        assert_eq!((status, kind.as_str()), (400, "inconsistent-upload-length"));
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// The draft: the name comes by `Content-Disposition`, digests are those of RFC 9530, and lengths that differ are refused.
#[test]
fn digests_and_names_of_the_draft_are_read() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let digest = |content: &[u8]| format!("sha-256=:{}:", STANDARD.encode(Sha256Digest::of(content).as_bytes()));
        let creation = || site.request(Method::POST, "/uploads").header("upload-complete", "?1");
        let named = creation().header("content-disposition", "inline; filename*=UTF-8''%C3%A4%20b.txt");
        let (status, headers, body) = whole(named.header("repr-digest", digest(b"content")).body("content")).await;
        assert_eq!((status, body["path"].as_str()), (201, Some("ä b.txt")), "{body}");
        assert_eq!(field(&headers, "content-location"), "/api/v1/files/content/%C3%A4%20b.txt");
        let other = || site.request(Method::POST, "/uploads?path=o.txt").header("upload-complete", "?1");
        for field in ["repr-digest", "content-digest"] {
            let (status, _, body) = whole(other().header(field, digest(b"other")).body("content")).await;
            assert_eq!((status, body["reason"].as_str()), (422, Some("CONTENT_DIFFERS")), "{field}: {body}");
        }
        assert_eq!(whole(other().header("upload-length", 8).body("content")).await.0, 400);
        assert_eq!(whole(site.request(Method::POST, "/uploads?path=o.txt").body("content")).await.0, 400);
        assert_eq!(whole(other().body("")).await.2["size"], json!(0));
        assert_eq!(site.get("/uploads").await.1["uploads"].as_array().unwrap().len(), 2);
        assert_eq!(site.served.stop().code, Some(0));
    });
}
