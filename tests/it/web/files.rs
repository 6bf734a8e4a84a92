//! Files by REST: what their tests share, and the content of a file as its readers see it.

use std::net::TcpStream;

use p2p_store::segment::Sha256Digest;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Links on which nothing is worth waiting for, and accounts for whoever wants one.
pub(super) const OPEN: &str =
    "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n[accounts]\nremote_registration = 'open'\n";

pub(super) fn content_path(path: &str) -> String {
    format!("/files/content/{path}")
}

impl Site {
    /// A request of whoever has this bearer.
    pub(super) fn request_by(&self, bearer: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(&format!("/api/v1{path}"))).bearer_auth(bearer)
    }

    /// Stores a file of the admin.
    pub(super) async fn put(&self, path: &str, content: impl Into<reqwest::Body>) {
        let answer = self.request(Method::PUT, &content_path(path)).body(content).send().await.unwrap();
        let (status, body) = read(answer).await;
        assert_eq!(status, 201, "{path}: {body}");
    }

    /// Gets content with these headers: the status, the headers and the bytes.
    pub(super) async fn content(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = self.request(Method::GET, &content_path(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.bytes().await.unwrap().to_vec())
    }

    /// The names in a directory.
    pub(super) async fn names(&self, query: &str) -> Vec<String> {
        let (status, list) = self.get(&format!("/files{query}")).await;
        assert_eq!(status, 200, "{list}");
        list["entries"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Sends a request as it is written here, with the bearer of the admin for `TOKEN`: what the server answers.
    pub(super) async fn raw(&self, request: &str) -> String {
        let mut stream = self.connected();
        let request = request.replace("TOKEN", &self.token).replace("Host: localhost", "Host: localhost\r\nConnection: close");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a part of a request, and goes: returns once the server has closed its side too.
    pub(super) async fn cut(&self, request: &str) {
        let mut stream = self.connected();
        stream.write_all(request.replace("TOKEN", &self.token).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        // A server that has said what is wrong may have closed it before.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    pub(super) fn connected(&self) -> tokio::net::TcpStream {
        let stream = TcpStream::connect(self.base.trim_start_matches("http://")).unwrap();
        stream.set_nonblocking(true).unwrap();
        tokio::net::TcpStream::from_std(stream).unwrap()
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Bytes that are no text, and no two segments of them are alike.
pub(super) fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// Content comes back as it was, with what HTTP says of it, and a description alone has the same headers.
#[test]
fn content_comes_back_with_its_description() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let bytes = bytes(300_000);
        site.put("a.bin", bytes.clone()).await;
        let (status, headers, found) = site.content("a.bin", &[]).await;
        assert_eq!((status, found == bytes), (200, true));
        let digest = Sha256Digest::of(&bytes);
        assert_eq!(text(&headers, "etag"), format!("\"{digest}\""));
        assert!(text(&headers, "repr-digest").starts_with("sha-256=:") && text(&headers, "repr-digest").ends_with("=:"));
        assert_eq!(text(&headers, "accept-ranges"), "bytes");
        assert_eq!(text(&headers, "content-length"), "300000");
        assert_eq!(text(&headers, "x-content-type-options"), "nosniff");
        assert!(text(&headers, "last-modified").ends_with(" GMT"), "{headers:?}");
        let answer = site.request(Method::HEAD, &content_path("a.bin")).send().await.unwrap();
        let mut described = answer.headers().clone();
        let mut whole = headers;
        whole.remove("date");
        described.remove("date");
        assert_eq!((answer.status().as_u16(), described), (200, whole));
        assert_eq!(answer.bytes().await.unwrap().len(), 0);
        site.put("empty", "").await;
        let (status, headers, found) = site.content("empty", &[]).await;
        assert_eq!((status, text(&headers, "content-length").as_str(), found.len()), (200, "0", 0));
        let (status, headers, _) = site.content("a.bin?download", &[]).await;
        assert_eq!((status, text(&headers, "content-disposition").as_str()), (200, "attachment; filename=\"a.bin\""));
    });
}

/// One range is answered, several are answered by the whole, and what is beyond the end is refused with the size.
#[test]
fn ranges_are_answered() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let bytes = bytes(200_000);
        site.put("a.bin", bytes.clone()).await;
        let tag = format!("\"{}\"", Sha256Digest::of(&bytes));
        for (range, first, last) in [
            ("0-0", 0, 0),
            ("10-99", 10, 99),
            ("65536-", 65_536, 199_999),
            ("-7", 199_993, 199_999),
            ("199999-500000", 199_999, 199_999),
        ] {
            let (status, headers, found) = site.content("a.bin", &[("range", &format!("bytes={range}"))]).await;
            assert_eq!((status, found == bytes[first..=last]), (206, true), "{range}");
            assert_eq!(text(&headers, "content-range"), format!("bytes {first}-{last}/200000"));
            assert_eq!((text(&headers, "etag"), text(&headers, "content-length")), (tag.clone(), (last - first + 1).to_string()));
        }
        for range in ["bytes=0-1,5-6", "lines=1-2", "bytes=9-3", "bytes=x"] {
            let (status, _, found) = site.content("a.bin", &[("range", range)]).await;
            assert_eq!((status, found.len()), (200, 200_000), "{range}");
        }
        for range in ["bytes=200000-", "bytes=300000-300001", "bytes=-0"] {
            let (status, headers, body) = site.content("a.bin", &[("range", range)]).await;
            assert_eq!((status, text(&headers, "content-range").as_str()), (416, "bytes */200000"), "{range}");
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["reason"], "OUT_OF_RANGE");
        }
        for (condition, wanted) in [(tag.as_str(), 206), ("\"other\"", 200), ("Sat, 28 Nov 2026 00:00:00 GMT", 200)] {
            let (status, ..) = site.content("a.bin", &[("range", "bytes=0-9"), ("if-range", condition)]).await;
            assert_eq!(status, wanted, "{condition}");
        }
    });
}

/// Conditions are judged in the order of the RFC.
#[test]
fn conditions_are_judged() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        site.put("a.txt", "content").await;
        let tag = format!("\"{}\"", Sha256Digest::of(b"content"));
        let (weak, several) = (format!("W/{tag}"), format!("\"x\", {tag}"));
        let modified = text(&site.content("a.txt", &[]).await.1, "last-modified");
        let (tag, weak, several, modified) = (tag.as_str(), weak.as_str(), several.as_str(), modified.as_str());
        let past = "Thu, 01 Jan 1970 00:00:01 GMT";
        for (headers, wanted) in [
            (&[("if-none-match", tag)][..], 304),
            (&[("if-none-match", weak)], 304),
            (&[("if-none-match", several)], 304),
            (&[("if-none-match", "*")], 304),
            (&[("if-none-match", "\"x\"")], 200),
            (&[("if-none-match", "\"x\""), ("if-modified-since", modified)], 200),
            (&[("if-modified-since", modified)], 304),
            (&[("if-modified-since", past)], 200),
            (&[("if-modified-since", "yesterday")], 200),
            (&[("if-match", tag)], 200),
            (&[("if-match", "*")], 200),
            (&[("if-match", weak)], 412),
            (&[("if-match", "\"x\"")], 412),
            (&[("if-match", "\"x\""), ("if-none-match", tag)], 412),
            (&[("if-unmodified-since", past)], 412),
            (&[("if-unmodified-since", modified)], 200),
            (&[("if-match", tag), ("if-unmodified-since", past)], 200),
            (&[("if-match", "x")], 400),
        ] {
            let (status, found, body) = site.content("a.txt", headers).await;
            assert_eq!(status, wanted, "{headers:?}");
            assert!(status != 304 || (text(&found, "etag") == tag && body.is_empty()), "{headers:?}");
        }
    });
}

/// What could run in a browser is saved and runs nothing, and no name becomes anything else.
#[test]
fn browsers_are_told_what_to_do() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        for (name, kind, is_shown) in [
            ("a.html", "text/html", false),
            ("a.svg", "image/svg+xml", false),
            ("a.xml", "text/xml", false),
            ("a.js", "text/javascript", false),
            ("a", "application/octet-stream", false),
            ("a.png", "image/png", true),
            ("a.txt", "text/plain; charset=utf-8", true),
        ] {
            let request = site.request(Method::PUT, &content_path(name)).header("content-type", "text/html").body("<script>");
            assert_eq!(request.send().await.unwrap().status(), 201);
            let (_, headers, _) = site.content(name, &[]).await;
            let (policy, disposition) = (text(&headers, "content-security-policy"), text(&headers, "content-disposition"));
            assert_eq!(text(&headers, "content-type"), kind, "{name}");
            assert_eq!((policy.contains("sandbox"), disposition.starts_with("inline")), (!is_shown, is_shown), "{name}");
        }
        for name in
            ["a\"b.txt", "50%.txt", "Ærø €.txt", "-rf", "a;b=c.txt", "..hidden", "<img src=x onerror=alert(1)>", "~x", "a?b#c"]
        {
            let encoded = name.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
            let path = if name.starts_with('~') { format!("./{encoded}") } else { encoded };
            let raw = format!(
                "PUT /api/v1/files/content/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 1\r\n\r\nx"
            );
            assert!(site.raw(&raw).await.starts_with("HTTP/1.1 201 "), "{name}");
            assert!(site.names("?path=.").await.iter().any(|found| found == name), "{name}");
            let get =
                format!("GET /api/v1/files/content/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n\r\n");
            let answer = site.raw(&get).await;
            let disposition = answer.lines().find(|line| line.starts_with("content-disposition: ")).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 ") && disposition.contains("filename=\""), "{answer}");
        }
    });
}

/// Who is nobody learns nothing, and neither does another user; the refusals are problems.
#[test]
fn content_is_for_those_who_may_read_it() {
    on_a_runtime(async {
        let site = Site::start(OPEN).await;
        site.put("a.txt", "content").await;
        let bob = site.registered("bob", None).await;
        for (bearer, path, wanted, reason) in [
            (Some("p2p_wrong"), "a.txt", 401, "SESSION_OVER"),
            (None, "a.txt", 401, "LOGIN_NEEDED"),
            (Some(bob.as_str()), "~alice/a.txt", 404, "NOT_FOUND"),
            (Some(bob.as_str()), "a.txt", 404, "NOT_FOUND"),
            (Some(site.token.as_str()), "b.txt", 404, "NOT_FOUND"),
        ] {
            let request = site.client.get(site.url(&format!("/api/v1{}", content_path(path))));
            let request = if let Some(bearer) = bearer { request.bearer_auth(bearer) } else { request };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let (status, body) = read(answer).await;
            assert_eq!((status, body["reason"].as_str()), (wanted, Some(reason)), "{bearer:?} {path}: {body}");
        }
        let (status, body) =
            read(site.request_by(&bob, Method::DELETE, "/files/content/~alice/a.txt").send().await.unwrap()).await;
        assert_eq!(status, 404, "{body}");
        let put = site.request_by(&bob, Method::PUT, "/files/content/~alice/b.txt").body("x").send().await.unwrap();
        let (status, body) = read(put).await;
        assert_eq!((status, body["reason"].as_str()), (403, Some("ANOTHER_TREE")), "{body}");
    });
}

/// Content that no node gives is told of by the status, of a file of several segments and of one: there is no 200 that breaks off at once.
#[test]
fn content_that_no_node_gives_is_refused() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        for (path, len) in [("large.bin", 300_000), ("small.bin", 9)] {
            site.put(path, bytes(len)).await;
        }
        let (_, nodes) = site.get("/nodes").await;
        let nodes: Vec<String> =
            nodes["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect();
        for node in &nodes {
            assert_eq!(site.send(Method::POST, &format!("/nodes/{node}/kill"), json!({})).await.0, 200);
        }
        for (path, range) in [("large.bin", "bytes=0-"), ("small.bin", "bytes=0-"), ("large.bin", "bytes=200000-")] {
            let (status, headers, body) = site.content(path, &[("range", range)]).await;
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((status, text(&headers, "content-type").as_str()), (503, "application/problem+json"), "{problem}");
            assert_eq!(problem["reason"], "UNAVAILABLE", "{problem}");
            assert!(headers.get("etag").is_none() && headers.get("content-range").is_none(), "{headers:?}");
        }
        for node in &nodes {
            assert_eq!(site.send(Method::POST, &format!("/nodes/{node}/restart"), json!({})).await.0, 200);
        }
        assert_eq!(site.content("small.bin", &[]).await.2, bytes(9));
    });
}

/// A reader who takes nothing holds up nobody, costs little memory, and ends with its connection.
#[test]
fn a_stalled_reader_holds_up_nobody() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        site.put("large.bin", bytes(24 << 20)).await;
        let before = site.served.memory();
        let mut stalled = Vec::new();
        for _ in 0..4 {
            let mut stream = site.connected();
            let get = format!(
                "GET /api/v1/files/content/large.bin HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
                site.token
            );
            stream.write_all(get.as_bytes()).await.unwrap();
            let mut first = [0; 1024];
            assert!(stream.read(&mut first).await.unwrap() > 0);
            stalled.push(stream);
        }
        // Others go on, more than once around.
        for round in 0..20 {
            site.put(&format!("{round}.txt"), "content").await;
            assert_eq!(site.content(&format!("{round}.txt"), &[]).await.2, b"content");
        }
        let grown = site.served.memory().saturating_sub(before);
        assert!(grown < 4 * (10 << 20), "{grown} bytes for four readers who take nothing");
        drop(stalled);
        assert_eq!(site.content("large.bin", &[("range", "bytes=-1")]).await.0, 206);
    });
}
