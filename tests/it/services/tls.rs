//! TLS: the certificate that `p2p cert` makes, a server that presents one, and whom its clients trust.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use p2p_base::private_file;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;

use super::Served;
use super::connect::of_alice;
use crate::cli::{documented, fields};
use crate::program::{DEADLINE, Home, QUICK, read};

/// A certificate in a home, and its key.
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    /// Makes one as users do.
    pub(super) fn made(home: &Home, directory: &str) -> Files {
        let made = home.json(&["cert", "-o", directory]);
        let path = |field: &str| PathBuf::from(made[field].as_str().unwrap());
        Files { certificate: path("certificate"), key: path("key") }
    }

    /// Makes one for these names, until the first day of a year.
    fn of(home: &Home, names: &[&str], end: i32) -> Files {
        let key = KeyPair::generate().unwrap();
        let mut wanted = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
        (wanted.not_before, wanted.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(end, 1, 1));
        let files = Files { certificate: home.path("own.pem"), key: home.path("own.key") };
        std::fs::write(&files.certificate, wanted.self_signed(&key).unwrap().pem()).unwrap();
        private_file::write(&files.key, key.serialize_pem().as_bytes()).unwrap();
        files
    }

    /// Those that lie there.
    pub(crate) fn of_paths(certificate: &str, key: &str) -> Files {
        Files { certificate: certificate.into(), key: key.into() }
    }

    /// Lets the server of a home present it.
    pub(super) fn configure(&self, home: &Home) {
        self.configure_for(home, "grpc");
    }

    /// Lets a service of a home present it.
    pub(crate) fn configure_for(&self, home: &Home, service: &str) {
        let (certificate, key) = (self.certificate.to_str().unwrap(), self.key.to_str().unwrap());
        let text = format!("{QUICK}[{service}]\ntls = {{ certificate = '{certificate}', key = '{key}' }}\n");
        std::fs::write(home.path("p2p.toml"), text).unwrap();
    }
}

/// Words of a command at a server, with options that say whom to trust.
fn at<'w>(url: &'w str, trust: &[&'w str], command: &[&'w str]) -> Vec<&'w str> {
    [&["--connect", url], trust, command].concat()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_certificate_is_made_once_and_its_key_is_its_owners_alone() {
    let home = Home::new(QUICK);
    let made = home.json(&["cert", "nas.example.org", "192.168.1.7", "--days", "90"]);
    let mut printed = BTreeMap::new();
    fields(&made, "", &mut printed);
    assert_eq!(printed, documented("cert"));
    assert_eq!(made["names"], serde_json::json!(["localhost", "127.0.0.1", "::1", "nas.example.org", "192.168.1.7"]));
    let (certificate, key) = (home.data().join("keys/tls-certificate.pem"), home.data().join("keys/tls-key.pem"));
    assert_eq!((made["certificate"].as_str(), made["key"].as_str()), (certificate.to_str(), key.to_str()));
    assert_eq!((mode(&key), mode(&home.data().join("keys"))), (0o600, 0o700));
    let before = (read(&certificate), read(&key));
    let told = home.refused(&["cert"]);
    assert!(told.contains("tls-certificate.pem is there already") && told.contains("--force"), "{told}");
    std::fs::remove_file(&certificate).unwrap();
    let told = home.refused(&["cert"]);
    assert!(told.contains("tls-key.pem is there already") && !certificate.exists(), "{told}");
    assert!(read(&key) == before.1, "nothing of it is changed");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let text = home.ok(&["cert", "--force"]);
    assert!(read(&certificate) != before.0 && read(&key) != before.1 && mode(&key) == 0o600);
    // The lines for p2p.toml are taken as they are printed.
    let lines = text.split("In p2p.toml:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    std::fs::write(home.path("p2p.toml"), format!("{QUICK}{lines}\n")).unwrap();
    assert_eq!(Served::start(&home, &[]).stop().code, Some(0));
    assert_eq!(home.stored(), Vec::<String>::new(), "a directory that has nothing but a certificate is used as any other");
    for wrong in [&["cert", "a b"][..], &["cert", "--days", "0"], &["cert", "--days", "3651"], &["cert", "nas:50050"]] {
        home.wrong_usage(wrong);
    }
}

/// By its file, and by its fingerprint, which the ready line has.
#[test]
fn a_client_that_trusts_the_certificate_stores_and_fetches() {
    let home = of_alice(QUICK);
    let content = home.file("a.bin", 200_001);
    let files = Files::made(&home, "tls");
    files.configure(&home);
    let served = Served::start(&home, &[]);
    let fingerprint = served.ready["services"][0]["certificate_sha256"].as_str().unwrap().to_owned();
    let (plain, encrypted) = (format!("grpc://{}", served.grpc()), format!("grpcs://{}", served.grpc()));
    let authority = ["--tls-ca", files.certificate.to_str().unwrap()];
    home.ok(&at(&encrypted, &authority, &["put", "a.bin"]));
    home.ok(&at(&plain, &["--tls-fingerprint", &fingerprint], &["get", "a.bin", "-o", "b.bin"]));
    assert!(read(home.path("b.bin")) == content);
    let localhost = encrypted.replace("127.0.0.1", "localhost");
    assert!(home.ok(&at(&localhost, &authority, &["ls"])).contains("a.bin"));
    let announced: Value = serde_json::from_slice(&read(home.data().join("serve.json"))).unwrap();
    assert_eq!(announced["services"][0]["certificate_sha256"], fingerprint);
    let said = served.stop();
    assert!(said.code == Some(0) && !said.stderr.contains("refused"), "{said:?}");
}

/// Nothing is sent to a server whose certificate is not accepted, and the reason is told.
#[test]
fn a_certificate_that_is_not_accepted_is_told() {
    let home = of_alice(QUICK);
    let files = Files::made(&home, "tls");
    files.configure(&home);
    let other = Files::made(&home, "other");
    let served = Served::start(&home, &[]);
    let url = format!("grpcs://{}", served.grpc());
    let told = |trust: &[&str]| home.refused(&at(&url, trust, &["ls"]));
    let stranger = "is not accepted: nobody whom this client trusts has signed it";
    // Both have the same name in them, so that the signature decides.
    let said = told(&["--tls-ca", other.certificate.to_str().unwrap()]);
    assert!(said.contains("is not accepted: ") && said.contains("--tls-fingerprint"), "{said}");
    let said = told(&[]);
    assert!(said.contains(stranger) && said.contains("--tls-ca FILE"), "{said}");
    let said = told(&["--tls-fingerprint", &"0".repeat(64)]);
    assert!(said.contains("is not accepted: it has another fingerprint"), "{said}");
    let said = told(&["--tls-ca", files.key.to_str().unwrap()]);
    assert!(said.contains("--tls-ca: ") && said.contains("has no certificate in it"), "{said}");
    home.wrong_usage(&at(&url, &["--tls-fingerprint", "12"], &["ls"]));
    home.wrong_usage(&["--tls-ca", "x", "ls"]);
    let said = served.stop();
    assert!(said.stderr.contains("0 requests; refused: 3 TLS handshake failed"), "{said:?}");
}

#[test]
fn a_certificate_has_its_time_and_its_names() {
    for (names, end, reason) in
        [(&["127.0.0.1"][..], 2021, "it has expired"), (&["localhost"], 2999, "it is not for this address")]
    {
        let home = of_alice(QUICK);
        let files = Files::of(&home, names, end);
        files.configure(&home);
        let served = Served::start(&home, &[]);
        let url = format!("grpcs://{}", served.grpc());
        let said = home.refused(&at(&url, &["--tls-ca", files.certificate.to_str().unwrap()], &["ls"]));
        assert!(said.contains(&format!("is not accepted: {reason}")), "{said}");
        // Who knows the certificate itself asks for neither.
        let fingerprint = served.ready["services"][0]["certificate_sha256"].as_str().unwrap().to_owned();
        home.ok(&at(&url, &["--tls-fingerprint", &fingerprint], &["ls"]));
        let said = served.stop();
        assert_eq!(said.stderr.contains("Warning: clients refuse"), end == 2021, "{said:?}");
    }
}

/// Each end without TLS, against one with it.
#[test]
fn a_client_and_a_server_that_differ_in_tls_are_told() {
    let home = of_alice(QUICK);
    let served = Served::start(&home, &[]);
    let url = format!("grpcs://{}", served.grpc());
    let said = home.refused(&at(&url, &[], &["ls"]));
    assert!(said.contains("does not speak TLS") && said.contains(&format!("grpc://{}", served.grpc())), "{said}");
    assert_eq!(served.stop().code, Some(0));
    Files::made(&home, "tls").configure(&home);
    let served = Served::start(&home, &[]);
    let url = format!("grpc://{}", served.grpc());
    let said = home.unavailable(&at(&url, &[], &["ls"]));
    assert!(said.contains("grpcs://"), "{said}");
    let said = served.stop();
    assert!(said.stderr.contains("0 requests; refused: 1 no TLS"), "{said:?}");
}

/// Connections that say nothing or no TLS cost a place, and delay nobody.
#[test]
fn what_is_no_handshake_delays_nobody() {
    let home = of_alice(QUICK);
    let files = Files::made(&home, "tls");
    files.configure(&home);
    let served = Served::start(&home, &[]);
    let connect = |address: SocketAddr| {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    };
    let silent: Vec<TcpStream> = (0..20).map(|_| connect(served.grpc())).collect();
    for garbage in [&[0xff; 4096][..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff"] {
        let mut stream = connect(served.grpc());
        stream.write_all(garbage).unwrap();
        // An alert and the end, or a reset where the rest was not read.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 100, "{answer:?}");
    }
    let url = format!("grpcs://{}", served.grpc());
    let authority = ["--tls-ca", files.certificate.to_str().unwrap()];
    home.ok(&at(&url, &authority, &["ls"]));
    drop(silent);
    let said = served.stop();
    assert!(said.code == Some(0) && said.stderr.contains("3 no TLS"), "{said:?}");
}

/// Before anything is started.
#[test]
fn a_certificate_that_cannot_be_presented_ends_the_start() {
    let home = Home::new(QUICK);
    let (files, other) = (Files::made(&home, "tls"), Files::made(&home, "other"));
    let told = |certificate: &Path, key: &Path| {
        Files { certificate: certificate.to_owned(), key: key.to_owned() }.configure(&home);
        home.refused(&["serve", "--grpc=:0"])
    };
    let said = told(&files.certificate, &other.key);
    assert!(said.contains("[grpc] tls: ") && said.contains("tls-key.pem is not the key of"), "{said}");
    let said = told(&home.path("none"), &files.key);
    assert!(said.contains("none: No such file") && said.contains("`p2p cert`"), "{said}");
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = told(&files.certificate, &files.key);
    assert!(said.contains("chmod 600"), "{said}");
    assert!(!home.data().exists(), "nothing is begun");
    std::fs::write(home.path("p2p.toml"), format!("{QUICK}[grpc]\naddress = '0.0.0.0:0'\ntls.key = 'x'\n")).unwrap();
    assert!(home.refused(&["serve"]).contains("p2p.toml:7: [grpc] tls.key: TLS needs `tls.certificate` too"));
}

/// Other machines reach it, and what they send is encrypted. So it is for the endpoints of nodes.
#[test]
fn a_public_address_is_permitted_with_tls() {
    let home = Home::new(QUICK);
    Files::made(&home, "tls").configure(&home);
    let served = Served::of(home.spawn(&["serve", "--grpc=0.0.0.0:0", "--grpc-nodes=0.0.0.0:0"]));
    let services = served.ready["services"].as_array().unwrap();
    let is_public = |service: &Value| service["address"].as_str().unwrap().starts_with("0.0.0.0:");
    assert!(services.len() > 1 && services.iter().all(is_public), "{services:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// By the certificate of the whole network, and nothing but TLS.
#[test]
fn the_endpoints_of_nodes_speak_tls_too() {
    let home = of_alice(QUICK);
    let files = Files::made(&home, "tls");
    files.configure(&home);
    let served = Served::start(&home, &["--grpc-nodes=:0"]);
    let services = served.ready["services"].as_array().unwrap();
    let fingerprint = &services[0]["certificate_sha256"];
    assert!(fingerprint.is_string() && services.iter().all(|service| service["certificate_sha256"] == *fingerprint));
    let node = services[1]["address"].as_str().unwrap();
    let authority = ["--tls-ca", files.certificate.to_str().unwrap()];
    // Names of files are not among the services of a node, which its answer says.
    let said = home.run(&at(&format!("grpcs://{node}"), &authority, &["ls"]));
    assert!(said.code == Some(1) && said.stderr.contains("the endpoint of a node has that of single segments alone"), "{said:?}");
    let said = home.unavailable(&at(&format!("grpc://{node}"), &[], &["ls"]));
    assert!(said.contains("grpcs://"), "{said}");
    let said = served.stop();
    assert!(said.stderr.contains("2 connections and 1 request; refused: 1 no TLS"), "{said:?}");
}

/// Who finds the directory in use learns how the service is asked, and by which certificate it is known.
#[test]
fn a_command_that_finds_the_directory_in_use_says_how_the_certificate_is_known() {
    let home = of_alice(QUICK);
    Files::made(&home, "tls").configure(&home);
    let served = Served::start(&home, &[]);
    let told = home.unavailable(&["ls"]);
    let command = told.split('`').find(|part| part.starts_with("p2p --connect grpcs://")).unwrap();
    home.ok(&command.split(' ').skip(1).collect::<Vec<_>>());
    assert_eq!(served.stop().code, Some(0));
}
