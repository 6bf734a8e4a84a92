//! Requests that are not as they should be: each is refused with a problem document that says what is wrong of what, in words of who has asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::*;
use crate::program::DEADLINE;

/// Path of a login, which takes a body in JSON.
const LOGIN: &str = "POST /api/v1/auth/login";
/// Field of the header of such a body.
const JSON: &str = "Content-Type: application/json";
/// Words of libraries, and of types of the program, which mean nothing to who asks.
const INNER: &[&str] = &["deserialize", "target type", "u64", "u32", "Invalid URL", "digit found", "buffer", "Failed to"];

/// Request: its method and target, fields of its header, its body, and the status, reason and field of what is told.
type Asked<'a> = (&'a str, &'a [&'a str], &'a [u8], u16, &'a str, Option<&'a str>);

/// Requests about JSON.
const OF_BODIES: &[Asked] = &[
    (LOGIN, &[], b"{}", 415, "MEDIA_TYPE", None),
    (LOGIN, &["Content-Type: text/plain"], b"{}", 415, "MEDIA_TYPE", None),
    (LOGIN, &["Content-Type: application/x-www-form-urlencoded"], b"username=a", 415, "MEDIA_TYPE", None),
    (LOGIN, &[JSON, "Content-Type: text/plain"], b"{}", 400, "INVALID_FIELD", Some("content-type")),
    (LOGIN, &[JSON], b"", 400, "INVALID_FIELD", None),
    (LOGIN, &[JSON], b"{\"username\":", 400, "INVALID_FIELD", None),
    (LOGIN, &[JSON], b"{\"username\":\"a\",\"password\":\"b\"} x", 400, "INVALID_FIELD", None),
    (LOGIN, &[JSON], b"{\"username\":\"\xff\",\"password\":\"b\"}", 400, "INVALID_FIELD", None),
    (LOGIN, &[JSON], b"{\"username\":\"\\ud800\",\"password\":\"b\"}", 400, "INVALID_FIELD", None),
    (LOGIN, &[JSON], b"{\"username\":\"a\",\"username\":\"b\",\"password\":\"b\"}", 422, "INVALID_FIELD", Some("username")),
    (LOGIN, &[JSON], b"{\"username\":\"a\"}", 422, "INVALID_FIELD", Some("password")),
    (LOGIN, &[JSON], b"[\"a\",\"b\"]", 422, "INVALID_FIELD", None),
    (LOGIN, &[JSON], b"null", 422, "INVALID_FIELD", None),
    (LOGIN, &[JSON, "Content-Length: 99999999"], b"", 413, "REQUEST_LIMIT", None),
    ("POST /api/v1/invites", &[JSON], b"{\"expires_at\":-1}", 422, "INVALID_FIELD", Some("expires_at")),
    ("POST /api/v1/invites", &[JSON], b"{\"expires_at\":1.5}", 422, "INVALID_FIELD", Some("expires_at")),
    ("POST /api/v1/invites", &[JSON], b"{\"expires_at\":\"1\"}", 422, "INVALID_FIELD", Some("expires_at")),
    ("POST /api/v1/invites", &[JSON], b"{\"expires_at\":1}", 400, "OUT_OF_RANGE", Some("expires_at")),
    ("POST /api/v1/faults", &[JSON], b"{\"kind\":\"explode\"}", 422, "INVALID_FIELD", Some("kind")),
    ("POST /api/v1/faults", &[JSON], b"{\"kind\":\"kill\",\"node\":\"1\",\"node\":\"2\"}", 422, "INVALID_FIELD", Some("node")),
    ("PATCH /api/v1/links/client", &[JSON], b"{\"bandwith\":\"1Mbit/s\"}", 422, "INVALID_FIELD", Some("bandwith")),
    ("POST /api/v1/time/step", &[], b"{\"span\":\"1s\"}", 415, "MEDIA_TYPE", None),
    ("POST /api/v1/files/upload", &[JSON], b"{}", 415, "MEDIA_TYPE", None),
    ("POST /api/v1/files/upload", &["Content-Type: multipart/form-data"], b"x", 400, "INVALID_FIELD", None),
    ("POST /api/v1/files/upload", &["Content-Type: multipart/form-data; boundary=a"], b"x", 400, "INVALID_FIELD", None),
];

/// Requests about targets, methods and headers.
const OF_HEADERS: &[Asked] = &[
    ("DELETE /api/v1/auth/whoami", &[], b"", 405, "METHOD", None),
    ("FROB /api/v1/nodes", &[], b"", 405, "METHOD", None),
    ("get /api/v1/nodes", &[], b"", 405, "METHOD", None),
    ("GET /api/v1/nodes/", &[], b"", 404, "NOT_FOUND", None),
    ("GET //api/v1/nodes", &[], b"", 404, "NOT_FOUND", None),
    ("OPTIONS *", &[], b"", 404, "NOT_FOUND", None),
    ("CONNECT localhost:80", &[], b"", 404, "NOT_FOUND", None),
    ("GET http://evil.example/api/v1/nodes", &[], b"", 421, "WRONG_HOST", None),
    ("GET /api/v1/files?limit=-1", &[], b"", 400, "INVALID_FIELD", Some("limit")),
    ("GET /api/v1/files?limit=0", &[], b"", 400, "INVALID_FIELD", Some("limit")),
    ("GET /api/v1/files?limit=1&limit=2", &[], b"", 400, "INVALID_FIELD", Some("limit")),
    ("GET /api/v1/files?recursive=maybe", &[], b"", 400, "INVALID_FIELD", Some("recursive")),
    ("GET /api/v1/files?path=%ff", &[], b"", 400, "INVALID_FIELD", None),
    ("GET /api/v1/files/info/%ff", &[], b"", 400, "INVALID_FIELD", None),
    ("GET /api/v1/files/info/%00", &[], b"", 404, "NOT_FOUND", None),
    ("GET /api/v1/files/info/../../x", &[], b"", 404, "NOT_FOUND", None),
    ("GET /api/v1/transfers/-1", &[], b"", 400, "INVALID_FIELD", None),
    ("GET /api/v1/transfers/99999999999999999999999", &[], b"", 400, "INVALID_FIELD", None),
    ("GET /api/files/download/abc", &[], b"", 400, "INVALID_FIELD", None),
    ("GET /api/v1/nodes/x", &[], b"", 400, "INVALID_FIELD", Some("node")),
    ("GET /api/v1/nodes/Node_99", &[], b"", 404, "NOT_FOUND", None),
    ("GET /api/v1/faults/process-Node_01", &[], b"", 404, "NOT_FOUND", None),
    ("POST /api/v1/faults/profiles/none", &[JSON], b"{}", 404, "NOT_FOUND", None),
    ("GET /api/v1/nodes", &["Authorization: Basic YTpi"], b"", 400, "INVALID_FIELD", Some("authorization")),
    ("PUT /api/v1/files/content/x?mode=-1", &[], b"x", 400, "INVALID_FIELD", Some("mode")),
    ("PUT /api/v1/files/content/x", &["If-Match: abc"], b"x", 400, "INVALID_FIELD", Some("if-match")),
    ("PUT /api/v1/files/content/x", &["Repr-Digest: sha-256=abc"], b"x", 400, "INVALID_FIELD", Some("repr-digest")),
    ("PUT /api/v1/files/content/x", &["Content-Range: bytes 0-1/2"], b"x", 400, "INVALID_FIELD", Some("content-range")),
    ("PUT /api/v1/files/content/x", &["Content-Encoding: gzip"], b"x", 415, "INVALID_FIELD", Some("content-encoding")),
    ("PUT /api/v1/files/content/a/b/c", &[], b"x", 404, "NOT_FOUND", None),
    ("POST /api/v1/uploads", &["Tus-Resumable: 0.2.2", "Upload-Length: 1"], b"", 412, "INVALID_FIELD", None),
    ("POST /api/v1/uploads", &["Tus-Resumable: 1.0.0", "Upload-Length: -1"], b"", 400, "INVALID_FIELD", Some("upload-length")),
    ("GET /api/v1/events?after=x", &[], b"", 400, "INVALID_FIELD", Some("after")),
    ("POST /metrics", &[], b"", 405, "METHOD", None),
];

/// The status, the media type and the body of the answer to a request.
fn answer(address: SocketAddr, request: &[u8]) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(request).unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{said}"));
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    (head[9..12].parse().unwrap(), kind.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

/// Each is a problem document with all that belongs to one (RFC 9457, section 3.1), without a word of what the program is made of.
#[test]
fn what_is_malformed_is_told_as_a_problem() {
    on_a_runtime(async {
        let site = Site::start(&format!("{QUICK}[accounts]\nremote_registration = 'invite'\n")).await;
        for (line, fields, body, status, reason, field) in OF_BODIES.iter().chain(OF_HEADERS) {
            let declared = fields.iter().any(|field| field.starts_with("Content-Length"));
            let length = if declared { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
            let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
            let bearer = format!("Authorization: Bearer {}\r\n", site.token);
            let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{bearer}{length}{fields}\r\n");
            let (found, kind, problem) = answer(site.address(), &[head.as_bytes(), body].concat());
            let told = problem["detail"].as_str().unwrap_or_default();
            assert_eq!((found, kind.as_str()), (*status, "application/problem+json"), "{line} {fields}: {problem}");
            assert_eq!((&problem["status"], &problem["reason"]), (&json!(status), &json!(reason)), "{line} {fields}: {problem}");
            assert_eq!(problem["type"], format!("/problems/{reason}"), "{line}: {problem}");
            assert_eq!(problem["field"].as_str(), *field, "{line} {fields}: {problem}");
            assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()) && told.len() > 10, "{line}: {problem}");
            assert!(!INNER.iter().any(|word| told.contains(word)), "{line} {fields}: {told}");
            // What is not there says where one finds what is.
            assert!(*reason != "NOT_FOUND" || told.contains("/api/v1/"), "{line}: {told}");
        }
        // Who is nobody is told how to be somebody.
        let (status, _, problem) = answer(site.address(), b"GET /api/v1/nodes HTTP/1.0\r\n\r\n");
        assert!(status == 401 && problem["detail"].as_str().unwrap().contains("Bearer TOKEN"), "{problem}");
        let (_, info) = site.get("/files?recursive=true").await;
        assert_eq!(info["entries"], json!([]), "nothing was stored");
        assert!(site.served.stop().code == Some(0));
    });
}

/// A body that may be left out is so too where only its end says it: in chunks, or in a stream of HTTP/2. One without its type is refused.
#[test]
fn a_body_of_nothing_is_left_out() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let logout = "POST /api/v1/auth/logout HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n\
                      Transfer-Encoding: chunked\r\n\r\n";
        for (chunks, status) in [("2\r\n{}\r\n0\r\n\r\n", 415), ("0\r\n\r\n", 204), ("0\r\n\r\n", 401)] {
            let answer = site.raw(&format!("{logout}{chunks}")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    });
}
