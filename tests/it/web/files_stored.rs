//! Content that becomes a file, by `PUT` and by forms, and what never does.

use p2p_store::segment::Sha256Digest;
use reqwest::multipart::{Form, Part};
use tokio::task::JoinSet;

use super::files::{OPEN, content_path};
use super::*;

/// Base64 of bytes, as in the headers of digests.
fn digest(content: &[u8]) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256Digest::of(content).as_bytes()))
}

async fn put(site: &Site, path: &str, headers: &[(&str, &str)], content: &'static str) -> (u16, Value) {
    let mut request = site.request(Method::PUT, &content_path(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.body(content).send().await.unwrap()).await
}

/// A file is made or replaced, under conditions of what is there.
#[test]
fn a_file_is_made_or_replaced() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let answer = site.request(Method::PUT, &content_path("a.txt")).body("one").send().await.unwrap();
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(answer.headers()["location"], "/api/v1/files/content/a.txt");
        let (status, body) = read(answer).await;
        let one = Sha256Digest::of(b"one").to_string();
        assert_eq!((status, &body["sha256"], &body["size_bytes"]), (201, &json!(one), &json!(3)));
        assert_eq!(tag, format!("\"{one}\""));
        for (headers, wanted) in [
            (&[("if-none-match", "*")][..], 412),
            (&[("if-match", "\"x\"")], 412),
            (&[("if-none-match", tag.as_str())], 412),
            (&[("if-unmodified-since", "Thu, 01 Jan 1970 00:00:01 GMT")], 412),
            (&[("if-match", tag.as_str())], 204),
            (&[("if-match", tag.as_str())], 412),
            (&[("if-match", "*")], 204),
        ] {
            assert_eq!(put(&site, "a.txt", headers, "two").await.0, wanted, "{headers:?}");
        }
        assert_eq!(site.content("a.txt", &[]).await.2, b"two");
        assert_eq!(put(&site, "b.txt", &[("if-match", "*")], "x").await.0, 412, "there is none");
        assert_eq!(put(&site, "b.txt", &[("if-none-match", "*")], "x").await.0, 201);
        let (status, body) = put(&site, "c.txt?modified=7&mode=600", &[], "x").await;
        assert_eq!((status, &body["modified"], &body["mode"]), (201, &json!(7), &json!("0600")));
    });
}

/// Of many at once who have the same tag, one replaces the file, and of many who remove it, one does; the others learn that they came too late.
#[test]
fn one_of_many_with_the_same_tag_comes_first() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        for round in 0..6 {
            let (path, before) = (format!("a{round}.txt"), format!("before {round}"));
            let tag = format!("\"{}\"", Sha256Digest::of(before.as_bytes()));
            site.put(&path, before).await;
            let mut all = JoinSet::new();
            for n in 0..12 {
                let request = match n < 8 {
                    true => site.request(Method::PUT, &content_path(&path)).body(format!("by {n}")),
                    false => site.request(Method::DELETE, &content_path(&path)),
                };
                let request = request.header("if-match", &tag);
                all.spawn(async move { (n, read(request.send().await.unwrap()).await) });
            }
            let (done, late): (Vec<_>, Vec<_>) = all.join_all().await.into_iter().partition(|(_, (status, _))| *status == 204);
            let [(first, _)] = done.as_slice() else { panic!("{done:?}") };
            for (n, (status, body)) in &late {
                // An upload or a removal that is under way holds the name.
                let is_held = *status == 409 && body["reason"] == "NAME_TAKEN";
                assert!(*status == 412 || is_held, "{n} after {first}: {status}: {body}");
            }
            let (status, _, content) = site.content(&path, &[]).await;
            match *first < 8 {
                true => assert_eq!(content, format!("by {first}").as_bytes()),
                false => assert_eq!(status, 404),
            }
        }
    });
}

/// An upload in pieces has no conditions, and a client that states one is told so before it sends anything.
#[test]
fn a_condition_of_an_upload_in_pieces_is_refused() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        for (header, value) in
            [("if-match", "\"x\""), ("if-none-match", "*"), ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:01 GMT")]
        {
            for begin in [("tus-resumable", "1.0.0"), ("upload-complete", "?0")] {
                let request =
                    site.request(Method::POST, "/uploads?path=a.txt").header(begin.0, begin.1).header("upload-length", "3");
                let (status, body) = read(request.header(header, value).send().await.unwrap()).await;
                assert_eq!((status, &body["field"]), (400, &json!(header)), "{body}");
            }
        }
        assert_eq!(site.get("/uploads").await.1["uploads"], json!([]));
    });
}

/// A body of another digest than it is said to have is never a file, and what is there stays.
#[test]
fn a_wrong_digest_is_no_file() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let (right, wrong) = (digest(b"content"), digest(b"other"));
        for header in ["repr-digest", "content-digest"] {
            let (status, body) = put(&site, "a.txt", &[(header, &wrong)], "content").await;
            assert_eq!((status, body["reason"].as_str()), (400, Some("CONTENT_DIFFERS")), "{body}");
            assert_eq!(put(&site, "a.txt", &[(header, "sha-256=abc")], "content").await.0, 400);
            assert_eq!(site.names("?path=.").await, Vec::<String>::new());
        }
        assert_eq!(put(&site, "a.txt", &[("repr-digest", &right), ("content-digest", &wrong)], "content").await.0, 400);
        assert_eq!(put(&site, "a.txt", &[("repr-digest", &right), ("content-digest", &right)], "content").await.0, 201);
        assert_eq!(put(&site, "a.txt", &[("repr-digest", &wrong)], "content").await.0, 400);
        assert_eq!(put(&site, "b.txt", &[("repr-digest", "sha-512=:AAAA:")], "content").await.0, 201, "passed over");
        assert_eq!(site.content("a.txt", &[]).await.2, b"content");
    });
}

/// A body that breaks off is never a file, however its length was told, and leaves what is there.
#[test]
fn a_cut_upload_is_no_file() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        site.put("there.txt", "before").await;
        let begin = "HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n";
        for path in ["cut.bin", "there.txt"] {
            for (length, body) in [
                ("Content-Length: 200000", "x".repeat(150_000)),
                ("Content-Length: 1", String::new()),
                ("Transfer-Encoding: chunked", format!("186A0\r\n{}\r\n", "x".repeat(100_000))),
                ("Transfer-Encoding: chunked", "5\r\nabc".to_owned()),
                ("Transfer-Encoding: chunked", "3\r\nabc\r\nzz\r\n".to_owned()),
            ] {
                site.cut(&format!("PUT /api/v1/files/content/{path} {begin}{length}\r\n\r\n{body}")).await;
            }
        }
        let form = "PUTBOUNDARY";
        let part = format!(
            "--{form}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut.bin\"\r\n\r\n{}",
            "x".repeat(70_000)
        );
        site.cut(&format!(
            "POST /api/v1/files/upload {begin}Content-Type: multipart/form-data; boundary={form}\r\nContent-Length: 100000\r\n\r\n{part}"
        ))
        .await;
        // An answer after all of these, of the same engine.
        site.put("last.txt", "").await;
        assert_eq!(site.names("?path=.").await, ["last.txt", "there.txt"]);
        assert_eq!(site.content("there.txt", &[]).await.2, b"before");
        // The same in full is stored.
        let whole = site
            .raw(&format!("PUT /api/v1/files/content/cut.bin {begin}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
            .await;
        assert!(whole.starts_with("HTTP/1.1 201 "), "{whole}");
    });
}

/// What cannot be stored so is refused with the field and the next step, and paths lead nowhere else.
#[test]
fn what_cannot_be_stored_is_refused() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        for (header, value, wanted) in
            [("content-range", "bytes 0-6/7", 400), ("content-encoding", "gzip", 415), ("content-encoding", "identity", 201)]
        {
            assert_eq!(put(&site, "a.txt", &[(header, value)], "content").await.0, wanted, "{header}");
        }
        let (status, body) = put(&site, "nowhere/a.txt", &[], "x").await;
        assert_eq!((status, &body["resource"]), (404, &json!({ "kind": "directory", "name": "nowhere" })), "{body}");
        let (status, body) = put(&site, "a.txt/b.txt", &[], "x").await;
        assert_eq!((status, body["reason"].as_str()), (409, Some("NOT_DIRECTORY")), "{body}");
        let long = "x".repeat(300);
        let longer = vec!["y".repeat(200); 30].join("/");
        for path in [
            "..%2fa",
            "%2e%2e/%2e%2e/etc/passwd",
            "../../etc/passwd",
            "a%00b",
            "a//b",
            "./",
            "%ff",
            "a%0ab",
            &long,
            &longer,
            "a/",
        ] {
            let (get, put) = (
                site.raw(&format!("GET /api/v1/files/content/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n\r\n")).await,
                site.raw(&format!(
                    "PUT /api/v1/files/content/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 1\r\n\r\nx"
                ))
                .await,
            );
            for answer in [get, put] {
                let is_refused =
                    ["HTTP/1.1 400 ", "HTTP/1.1 404 ", "HTTP/1.1 409 "].iter().any(|begin| answer.starts_with(begin));
                assert!(is_refused && answer.contains("application/problem+json"), "{path}: {answer}");
                assert!(!answer.contains("root:"), "{path}: {answer}");
            }
        }
        assert_eq!(site.names("?path=.").await, ["a.txt"]);
    });
}

fn form(files: &[(&str, &'static str)]) -> Form {
    files.iter().fold(Form::new(), |form, (name, content)| {
        form.part("file", Part::bytes(content.as_bytes()).file_name((*name).to_owned()))
    })
}

async fn upload(site: &Site, path: &str, form: Form) -> (u16, Value) {
    let request = site.client.post(site.url(path)).bearer_auth(&site.token);
    read(request.multipart(form).send().await.unwrap()).await
}

/// The files of a form are stored where it says, and what was stored before something was refused is told.
#[test]
fn forms_store_their_files() {
    on_a_runtime(async {
        let site = Site::start(OPEN).await;
        site.send(Method::POST, "/files/directories", json!({ "path": "docs" })).await;
        let path = Form::new().text("csrf", "of a page").text("path", "docs");
        let both = path
            .part("file", Part::bytes(&b"one"[..]).file_name("a.txt"))
            .part("other", Part::bytes(vec![7; 200_000]).file_name("C:\\x\\b.bin"));
        let (status, body) = upload(&site, "/api/v1/files/upload", both).await;
        let stored: Vec<&str> = body["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
        assert_eq!((status, stored), (201, vec!["docs/a.txt", "docs/b.bin"]));
        let (status, body) =
            upload(&site, "/api/v1/files/upload?path=docs", form(&[("c.txt", "three"), ("a.txt", "again")])).await;
        assert_eq!((status, body["reason"].as_str()), (409, Some("NAME_TAKEN")), "{body}");
        assert!(body["detail"].as_str().unwrap().contains("stored already: `docs/c.txt`"), "{body}");
        assert_eq!(site.content("docs/a.txt", &[]).await.2, b"one");
        let (status, _) =
            upload(&site, "/api/files/upload?path=docs&replace=true", form(&[("a.txt", "again"), ("../d.txt", "")])).await;
        assert_eq!((status, site.content("docs/a.txt", &[]).await.2), (201, b"again".to_vec()));
        assert_eq!(site.names("?path=docs").await, ["a.txt", "b.bin", "c.txt", "d.txt"]);
        let late = form(&[("e.txt", "x")]).text("path", "docs");
        let (status, body) = upload(&site, "/api/v1/files/upload", late).await;
        assert_eq!((status, &body["field"]), (400, &json!("path")), "{body}");
        let none = upload(&site, "/api/v1/files/upload", form(&[("", "")])).await;
        assert_eq!(none, (201, json!({ "files": [] })), "no file was chosen");
        let (status, body) = site.send(Method::POST, "/files/upload", json!({})).await;
        assert_eq!((status, body["reason"].as_str()), (415, Some("MEDIA_TYPE")), "{body}");
        let bob = site.registered("bob", None).await;
        let request = site.request_by(&bob, Method::POST, "/files/upload?path=~alice/docs").multipart(form(&[("f.txt", "x")]));
        let (status, body) = read(request.send().await.unwrap()).await;
        assert_eq!((status, body["reason"].as_str()), (403, Some("ANOTHER_TREE")), "{body}");
    });
}
