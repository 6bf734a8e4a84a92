//! Headers that make browsers careful, hosts that a request may name, and TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::hostile::{frame, headers_of};
use super::*;
use crate::services::tls::Files;

/// The list of the OWASP Secure Headers Project, as far as it is for a server of its own; each with what it has to be or begin with.
const EXPECTED: &[(&str, &str)] = &[
    ("content-security-policy", "default-src 'none'; script-src 'self'; style-src 'self';"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "accelerometer=(), "),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-dns-prefetch-control", "off"),
];

/// Headers by which a server tells what it is made of, or lets other sites in.
const UNWANTED: &[&str] = &["server", "x-powered-by", "access-control-allow-origin", "access-control-allow-credentials", "via"];

/// Every answer has them: of REST, of pages, of files, of refusals and of errors.
#[test]
fn every_answer_makes_browsers_careful() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        for (method, path, status, kept) in [
            ("GET", "/api/v1/auth/whoami", 401, "no-store"),
            ("GET", "/api/v1/openapi.json", 200, "no-store"),
            ("GET", "/api/v1/nothing", 404, "no-store"),
            ("DELETE", "/api/v1/auth/whoami", 405, "no-store"),
            ("OPTIONS", "/api/v1/auth/login", 405, "no-store"),
            ("POST", "/api/v1/auth/login", 415, "no-store"),
            ("GET", "/sign-in", 200, "no-store"),
            ("GET", "/nothing", 404, "no-store"),
            ("GET", "/static/p2p.css", 200, "no-cache"),
        ] {
            let request = site.client.request(method.parse().unwrap(), site.url(path)).header("origin", &site.base);
            let answer = request.send().await.unwrap();
            let headers = answer.headers();
            assert_eq!(answer.status().as_u16(), status, "{method} {path}");
            for (name, begin) in EXPECTED {
                let value = headers.get(*name).unwrap_or_else(|| panic!("{method} {path}: no {name}")).to_str().unwrap();
                assert!(value.starts_with(begin), "{method} {path}: {name}: {value}");
            }
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
            assert_eq!(headers["cache-control"], kept, "{method} {path}");
            assert!(!headers.contains_key("strict-transport-security"), "there is no TLS");
            assert_eq!(UNWANTED.iter().find(|name| headers.contains_key(**name)), None, "{method} {path}");
        }
        assert!(site.served.stop().code == Some(0));
    });
}

/// A name of another that leads here is no name of this server, and nothing is answered to it.
#[test]
fn a_site_whose_name_leads_here_is_refused() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let at = |host: &str| site.request(Method::GET, "/auth/whoami").header("host", host.to_owned());
        for host in ["localhost", "localhost:1", "[::1]:5000"] {
            assert_eq!(read(at(host).send().await.unwrap()).await.0, 200, "{host}");
        }
        for host in ["evil.example", "evil.example:5000", "127.0.0.1.evil.example", "10.0.0.1"] {
            assert_eq!(because(read(at(host).send().await.unwrap()).await), (421, "WRONG_HOST".into()), "{host}");
        }
        let said = site.served.stop();
        assert!(said.code == Some(0) && said.stderr.contains("4 another host named"), "{said:?}");
    });
}

/// A client of TLS that speaks these protocols, at a name of the server.
fn encrypted(site: &Site, files: &Files, name: &str, protocols: &[&[u8]]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let stream = TcpStream::connect(site.address()).unwrap();
    stream.set_read_timeout(Some(crate::program::DEADLINE)).unwrap();
    let mut stream = StreamOwned::new(client, stream);
    stream.flush().unwrap();
    stream
}

/// By TLS both versions of HTTP are spoken, cookies are kept from what is not TLS, and a host that has a name of its own is asked by TLS from
/// then on.
#[test]
fn tls_is_spoken_with_both_versions_of_http() {
    let home = Home::new(QUICK);
    home.register("alice");
    let made = home.json(&["cert", "nas.example", "-o", "tls"]);
    let files = Files::of_paths(made["certificate"].as_str().unwrap(), made["key"].as_str().unwrap());
    files.configure_for(&home, "web");
    let site = Site::of(home);
    assert_eq!(site.served.ready["services"][0]["certificate_sha256"].as_str().unwrap().len(), 64);
    let asked = |name: &str, host: &str| {
        let mut stream = encrypted(&site, &files, name, &[b"http/1.1"]);
        let body = format!("{{\"username\":\"alice\",\"password\":\"{PASSWORD}\"}}");
        let head = format!("POST /api/v1/auth/login?cookie=true HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        let entity = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all((head + &entity).as_bytes()).unwrap();
        let mut said = Vec::new();
        // The end without a word of TLS is an end.
        let _ = stream.read_to_end(&mut said);
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        String::from_utf8(said).unwrap()
    };
    let said = asked("localhost", "localhost");
    assert!(said.starts_with("HTTP/1.1 200 OK") && !said.contains("strict-transport-security"), "{said}");
    let cookie = said.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.starts_with("set-cookie: __Host-p2p_session=") && cookie.contains("; Secure; Path=/;"), "{cookie}");
    let said = asked("nas.example", "nas.example");
    assert!(said.starts_with("HTTP/1.1 421 ") && said.contains("strict-transport-security: max-age=31536000"), "{said}");
    let mut stream = encrypted(&site, &files, "localhost", &[b"h2", b"http/1.1"]);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).unwrap();
    stream.write_all(&frame(1, 5, 1, &headers_of("/sign-in", "localhost"))).unwrap();
    assert_eq!(first_status(&mut stream), 0x88, "200 in the static table of HPACK (RFC 7541, appendix A)");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    // What is no TLS is not answered.
    let mut plain = TcpStream::connect(site.address()).unwrap();
    plain.write_all(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "an alert at the most");
    drop(stream);
    let said = site.served.stop();
    assert!(said.code == Some(0) && said.stderr.contains("1 no TLS"), "{said:?}");
}

/// The first byte of the first header that arrives over HTTP/2.
fn first_status(stream: &mut impl Read) -> u8 {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == 1 {
            // A change of the table's size may come before (RFC 7541, section 6.3).
            return *payload.iter().find(|byte| *byte & 0xe0 != 0x20).unwrap();
        }
    }
}
