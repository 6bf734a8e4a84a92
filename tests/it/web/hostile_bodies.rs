//! Requests that are right by the letter, and made to cost a server much or to be read otherwise than they are meant: each is answered by what it
//! is worth, never as a bug of the server, and the connection ends where its next request could be another one's.

use super::hostile::said;
use super::*;

/// A request by hand of the admin; the connection ends behind it unless `more` says otherwise.
fn by_hand(site: &Site, target: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n{more}\r\n", site.token);
    [head.as_bytes(), body].concat()
}

/// The statuses of all answers until the connection ends.
fn statuses(site: &Site, sent: &[u8]) -> Vec<u16> {
    let heard = said(site.address(), sent, |_| false);
    let heard = String::from_utf8_lossy(&heard);
    let found = heard.match_indices("HTTP/1.1 ").map(|(place, _)| &heard[place + 9..place + 12]);
    found.filter_map(|status| status.parse().ok()).collect()
}

/// Very many chunks, lengths that are told twice or not at all, and lengths beyond every number.
#[test]
fn bodies_of_many_lengths_are_read_as_one() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let put = |name: &str, more: &str, body: &[u8]| {
            by_hand(&site, &format!("PUT /api/v1/files/content/{name}"), &format!("Connection: close\r\n{more}"), body)
        };
        let chunked = "Transfer-Encoding: chunked\r\n";
        let chunks = [b"1\r\nx\r\n".repeat(10_000), b"0\r\n\r\n".to_vec()].concat();
        assert_eq!(statuses(&site, &put("a.bin", chunked, &chunks)), [201]);
        let whole = site.request(Method::GET, "/files/content/a.bin").send().await.unwrap().bytes().await.unwrap();
        assert!(whole.len() == 10_000 && whole.iter().all(|&byte| byte == b'x'));
        let extensions = format!("1;{}\r\nx\r\n", "a".repeat(4_000)).repeat(100);
        let trailers: String = (0..1_000).map(|n| format!("T{n}: x\r\n")).collect();
        for (name, more, body) in [
            ("extensions of chunks", chunked, extensions.as_bytes()),
            ("a chunk beyond all numbers", chunked, b"fffffffffffffffff\r\nx"),
            ("trailers", chunked, format!("1\r\nx\r\n0\r\n{trailers}\r\n").as_bytes()),
            ("another coding", "Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
            ("a coding behind a space", "Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
            ("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n"),
            ("a length with a sign", "Content-Length: +1\r\n", b"x"),
            ("a length that is a list", "Content-Length: 1, 1\r\n", b"x"),
            ("a length beyond all numbers", "Content-Length: 99999999999999999999\r\n", b"x"),
        ] {
            // Each has a name of its own: one that breaks off holds its name until its upload is undone.
            assert_eq!(statuses(&site, &put(&name.replace(' ', "-"), more, body)), [400], "{name}");
        }
        // The coding counts, and nobody's next request is read behind it (RFC 9112, section 6.1).
        let both = by_hand(
            &site,
            "PUT /api/v1/files/content/b.bin",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        );
        assert_eq!(statuses(&site, &both), [201]);
        assert!(site.served.stop().code == Some(0));
    });
}

/// A thousand requests at once are answered in their order; protocols that are not spoken are not switched to; ranges without number cost one answer.
#[test]
fn many_requests_and_wishes_are_answered_one_by_one() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        assert_eq!(
            read(site.request(Method::PUT, "/files/content/a.bin").body(vec![7; 2_000]).send().await.unwrap()).await.0,
            201
        );
        let get = |more: &str| by_hand(&site, "GET /api/v1/files/content/a.bin", more, b"");
        let last = "Connection: close\r\n";
        let thousand = [get("").repeat(999), get(last)].concat();
        assert_eq!(statuses(&site, &thousand), [200; 1_000]);
        let ranges: Vec<String> = (0..1_900).map(|n| format!("{n}-{n}")).collect();
        assert_eq!(statuses(&site, &get(&format!("{last}Range: bytes={}\r\n", ranges.join(",")))), [200]);
        let beyond = format!("{last}Range: bytes=18446744073709551615-18446744073709551616\r\n");
        assert_eq!(statuses(&site, &get(&beyond)), [200]);
        for upgrade in [
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "Upgrade: h2c\r\n",
        ] {
            assert_eq!(statuses(&site, &get(&format!("Connection: Upgrade, close\r\n{upgrade}"))), [200], "{upgrade}");
        }
        let cookies: String = (0..400).map(|n| format!("p2p_session={n:060}; ")).collect();
        let page = format!("GET /sign-in HTTP/1.1\r\nHost: localhost\r\n{last}Cookie: {cookies}\r\n\r\n");
        assert_eq!(statuses(&site, page.as_bytes()), [200]);
        for (place, status) in
            [("x", 400), ("1-", 400), ("-1", 400), ("99999999999999999999-1", 400), ("1-99999999999999999999", 400)]
        {
            let events = by_hand(&site, "GET /api/v1/events", &format!("{last}Last-Event-ID: {place}\r\n"), b"");
            assert_eq!(statuses(&site, &events), [status], "{place}");
        }
        assert!(site.served.stop().code == Some(0));
    });
}

/// A form of very many fields is read, and one without a boundary, with a header without end, or that breaks off is its client's mistake.
#[test]
fn forms_without_end_are_refused() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let sent = |body: &[u8]| {
            let more = "Connection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n";
            let more = format!("{more}Content-Length: {}\r\n", body.len());
            statuses(&site, &by_hand(&site, "POST /api/v1/files/upload", &more, body))
        };
        let field = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nv\r\n";
        assert_eq!(sent(format!("{}--b--\r\n", field.repeat(10_000)).as_bytes()), [201]);
        let file = field.replace("name=\"x\"", "name=\"file\"; filename=\"a.txt\"");
        let headers: String = (0..5_000).map(|n| format!("X-{n}: y\r\n")).collect();
        for (name, body) in [
            ("no end", file.as_str()),
            ("no boundary", &"x".repeat(3 << 20)),
            (
                "a long name",
                &format!("--b\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\nv\r\n--b--\r\n", "n".repeat(2 << 20)),
            ),
            ("many headers", &format!("--b\r\n{headers}\r\nv\r\n--b--\r\n")),
        ] {
            // What is sent on to a connection that is closed may lose the answer.
            let found = sent(body.as_bytes());
            assert!(found == [400] || found.is_empty() && body.len() > 1 << 20, "{name}: {found:?}");
        }
        assert_eq!(site.get("/files").await.1["entries"].as_array().map(Vec::len), Some(0), "nothing is stored of them");
        assert!(site.served.stop().code == Some(0));
    });
}
