//! The files as the library of others sees them, with stubs that its tools make of the contract.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tonic::Code;

use super::files::registered;
use super::tls::Files;
use super::{Served, has_test};
use crate::harness::random_bytes;
use crate::program::{Home, QUICK, Said, end_of, python};

pub(super) const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/proto");
const ID: &str = "00112233445566778899aabbccddeeff";

/// A home with a user and a token of theirs for writing.
fn with_token() -> (Home, String) {
    let home = registered(QUICK, &["root", "alice"]);
    assert_eq!(home.login("alice").code, Some(0));
    let token = home.ok(&["token", "new", "python", "--scope", "write"]).trim().to_owned();
    (home, token)
}

fn client(served: &Served, token: &str, more: &[&str]) -> Child {
    calling(served, token, more).spawn().unwrap()
}

fn calling(served: &Served, token: &str, more: &[&str]) -> Command {
    let mut python = Command::new(python());
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/grpc_files.py"));
    python.args([&served.grpc().to_string(), CONTRACT, token]).args(more);
    python.stdout(Stdio::piped()).stderr(Stdio::piped());
    python
}

/// What the client finds where all is as it should be.
fn found() -> Value {
    json!({
        "stored": true, "fetched": true, "part": true, "other": ["FAILED_PRECONDITION", "CONTENT_DIFFERS"],
        "renamed": "renamed", "listed": ["renamed"], "gone": ["NOT_FOUND", "NOT_FOUND"],
        "wrong": ["FAILED_PRECONDITION", "CONTENT_DIFFERS"], "left": 0,
    })
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Twenty mebibytes each way, and what is refused.
#[test]
#[ignore = "needs grpcio"]
fn the_library_of_others_stores_and_fetches() {
    let (home, token) = with_token();
    let served = Served::start(&home, &["--speed", "max"]);
    let said = end_of(client(&served, &token, &[&(20 << 20).to_string()]));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(lines(&said.stdout).pop(), Some(found()), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// A client that is killed in the middle, and another that sends what is missing.
#[test]
#[ignore = "needs grpcio"]
fn an_upload_of_the_library_of_others_goes_on_after_a_kill() {
    let (home, token) = with_token();
    let served = Served::start(&home, &[]);
    let length = (20 << 20).to_string();
    let mut killed = client(&served, &token, &[&length, ID]);
    let mut said = BufReader::new(killed.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("acknowledged") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it says nothing");
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let said = end_of(client(&served, &token, &[&length, ID]));
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = lines(&said.stdout);
    assert!(told[0]["begun"].as_u64().unwrap() > 0, "it goes on, and does not begin anew: {}", told[0]);
    assert_eq!(told.last(), Some(&json!({ "stored": 20 << 20, "same": true })));
    assert_eq!(served.stop().code, Some(0));
}

/// The network and its nodes: what is asked, changed and taken back, and a node that stops answering when it is killed.
#[test]
#[ignore = "needs grpcio"]
fn the_library_of_others_administers_the_network() {
    let home = registered(&format!("{QUICK}[grpc]\nnodes = ':0'\nnodes_max = 2\n"), &["root"]);
    assert_eq!(home.login("root").code, Some(0));
    let token = home.ok(&["token", "new", "python", "--scope", "admin"]).trim().to_owned();
    let served = Served::start(&home, &[]);
    let addresses = [served.grpc(), served.of_node("grpc", "Node_01"), served.of_node("grpc", "Node_02")];
    let mut python = Command::new(python());
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/grpc_network.py"));
    python.args(addresses.map(|address| address.to_string())).args([CONTRACT, &token]);
    let said = end_of(python.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut found = lines(&said.stdout).pop().unwrap();
    let nodes = ["Node_01", "Node_02", "Node_03", "Node_04", "Node_05"];
    let admin = json!({
        "nodes": nodes, "node": [1, 0, 1], "hosts": [6, "client"], "faults": ["link", "path", "path"], "link": [1_000_000, 7],
        "path": [[0.02, 0.03], [0.02, 0.03]], "killed": true, "kill twice": ["FAILED_PRECONDITION", "STATE"], "started": true,
        "paused": [true, true], "step": 2.0, "speed": 10.0, "resumed": false,
        "step while time passes": ["FAILED_PRECONDITION", "STATE"], "healed": 3, "left": 0, "no node": ["NOT_FOUND", "NOT_FOUND"],
        "stranger": ["UNAUTHENTICATED", "LOGIN_NEEDED"],
    });
    assert_eq!(found["admin"].take(), admin);
    let hosts = [&["client"][..], &nodes].concat();
    let storage = json!({
        "stored": [true, 65_536, true], "retrieved": true, "elsewhere": ["NOT_FOUND", "NOT_FOUND"],
        "wrong": ["FAILED_PRECONDITION", "CONTENT_DIFFERS"], "health": [1, true], "info": ["Node_01", 1, true],
        "topology": hosts, "deleted": ["NOT_FOUND", "NOT_FOUND"],
        "stranger": ["UNAUTHENTICATED", "LOGIN_NEEDED"], "killed": "UNAVAILABLE", "other": 2, "back": 1,
    });
    assert_eq!(found["storage"].take(), storage);
    assert_eq!(served.stop().code, Some(0));
}

/// Calls are repeated as the published service config says: one outlives the end of a node's process, and an error for good is told at once.
#[test]
#[ignore = "needs grpcio"]
fn the_library_of_others_repeats_calls() {
    let home = registered(&format!("{QUICK}[grpc]\nnodes = ':0'\nnodes_max = 1\n"), &["root"]);
    assert_eq!(home.login("root").code, Some(0));
    let token = home.ok(&["token", "new", "python", "--scope", "admin"]).trim().to_owned();
    let served = Served::start(&home, &[]);
    let mut python = Command::new(python());
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/grpc_retries.py"));
    python.args([served.grpc(), served.of_node("grpc", "Node_01")].map(|address| address.to_string()));
    python.args([CONTRACT, concat!(env!("CARGO_MANIFEST_DIR"), "/assets/grpc-service-config.json"), &token]);
    let said = end_of(python.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let expected = json!({ "before": 32, "once": ["UNAVAILABLE"], "again": 32, "wrong": "INVALID_ARGUMENT" });
    assert_eq!(lines(&said.stdout).pop(), Some(expected), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// The lines that the README prints, as they stand, as often as they are run.
#[test]
#[ignore = "needs grpcio"]
fn the_lines_of_the_readme_work() {
    let (home, token) = with_token();
    let served = Served::start(&home, &[]);
    let made = Command::new(python())
        .args(["-m", "grpc_tools.protoc", "-I", CONTRACT, "--python_out=.", "--grpc_python_out=."])
        .arg(format!("{CONTRACT}/p2p/v1/files.proto"))
        .current_dir(home.path(""))
        .status();
    assert!(made.unwrap().success());
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- tested: files by Python -->\n```python\n").unwrap();
    let program = rest.split_once("```").unwrap().0;
    assert_eq!(program.lines().count(), 6);
    for _ in 0..2 {
        let mut python = Command::new(python());
        python.args(["-c", program]).current_dir(home.path(""));
        python.env("P2P_TOKEN", &token).env("P2P_GRPC", served.grpc().to_string());
        let said = end_of(python.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), "done\nhello, nodes\n"), "{said:?}");
    }
    assert_eq!(served.stop().code, Some(0));
}

/// A home whose server speaks TLS, with a token of alice, and the certificate.
fn with_certificate() -> (Home, String, PathBuf) {
    let (home, token) = with_token();
    let files = Files::made(&home, "tls");
    files.configure(&home);
    (home, token, files.certificate)
}

/// The same by TLS, whose other end is BoringSSL's. A client that does not trust the certificate sends nothing.
#[test]
#[ignore = "needs grpcio"]
fn the_library_of_others_speaks_tls() {
    let (home, token, certificate) = with_certificate();
    let served = Served::start(&home, &["--speed", "max"]);
    let by = |authority: &Path| {
        let mut python = calling(&served, &token, &[&(20 << 20).to_string()]);
        end_of(python.env("P2P_TEST_CA", authority).spawn().unwrap())
    };
    let said = by(&certificate);
    assert_eq!((said.code, lines(&said.stdout).pop()), (Some(0), Some(found())), "{said:?}");
    let said = by(&Files::made(&home, "other").certificate);
    assert!(said.code != Some(0) && said.stderr.contains("StatusCode.UNAVAILABLE"), "{said:?}");
    let said = served.stop();
    assert!(said.code == Some(0) && said.stderr.contains("TLS handshake failed"), "{said:?}");
}

/// `buf curl`, which knows nothing of the contract but what reflection tells.
struct Buf {
    url: String,
    token: Option<String>,
    certificate: Option<PathBuf>,
}

impl Buf {
    fn run(&self, arguments: &[&str], path: &str, data: &str) -> Said {
        let mut buf = Command::new(std::env::var("P2P_TEST_BUF").unwrap_or_else(|_| "buf".into()));
        buf.args(["curl", "--protocol", "grpc", "--data", "@-"]);
        buf.args(self.token.iter().flat_map(|token| ["-H".to_owned(), format!("authorization: Bearer {token}")]));
        buf.args(self.certificate.iter().flat_map(|path| [OsStr::new("--cacert"), path.as_os_str()]));
        buf.args(arguments).arg(format!("{}{path}", self.url));
        let mut input = tempfile::tempfile().unwrap();
        input.write_all(data.as_bytes()).unwrap();
        input.rewind().unwrap();
        end_of(buf.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The messages that a method of the files answers.
    fn call(&self, method: &str, messages: &[Value]) -> Vec<Value> {
        let data: String = messages.iter().map(Value::to_string).collect();
        let said = self.run(&[], &format!("/p2p.v1.FileTransferService/{method}"), &data);
        assert_eq!(said.code, Some(0), "{method}: {}", said.stderr);
        serde_json::Deserializer::from_str(&said.stdout).into_iter().collect::<Result<_, _>>().unwrap()
    }

    /// The code of gRPC with which a method of the files refuses, and what is told.
    fn refused(&self, method: &str, message: &Value) -> (i32, String) {
        let said = self.run(&[], &format!("/p2p.v1.FileTransferService/{method}"), &message.to_string());
        // As its help says.
        (said.code.unwrap() >> 3, said.stderr)
    }
}

/// Twenty mebibytes each way and compared, names, a range, and what is refused; without TLS and with it.
#[test]
#[ignore = "needs buf"]
fn buf_curl_knows_the_services_by_reflection() {
    let of_tls = with_certificate();
    let (home, token) = with_token();
    for (home, token, certificate) in [(home, token, None), (of_tls.0, of_tls.1, Some(of_tls.2))] {
        let served = Served::start(&home, &["--speed", "max"]);
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let buf = Buf { url: format!("{scheme}://{}", served.grpc()), token: Some(token), certificate };
        let listed = buf.run(&["--list-services"], "", "").stdout;
        for service in ["AdminService", "AuthService", "FileTransferService"] {
            assert!(listed.lines().any(|line| line == format!("p2p.v1.{service}")), "{listed}");
        }
        let content = random_bytes(20 << 20, 20);
        let mut messages = vec![json!({ "header": { "path": "by buf", "size": content.len().to_string() } })];
        messages.extend(content.chunks(1 << 20).map(|data| json!({ "chunk": { "data": STANDARD.encode(data) } })));
        let answers = buf.call("UploadFile", &messages);
        let file = &answers.last().unwrap()["done"]["file"];
        assert_eq!((&file["path"], &file["size"]), (&"by buf".into(), &content.len().to_string().into()), "{file}");
        let fetched = |message: Value| {
            let answers = buf.call("DownloadFile", &[message]);
            assert!(answers.last().unwrap()["done"].is_object());
            let chunks = answers.iter().filter_map(|answer| answer["chunk"]["data"].as_str());
            chunks.flat_map(|data| STANDARD.decode(data).unwrap()).collect::<Vec<u8>>()
        };
        assert!(fetched(json!({ "path": "by buf" })) == content);
        assert!(fetched(json!({ "path": "by buf", "range": { "first": "1000", "length": "70000" } })) == content[1000..71_000]);
        buf.call("MoveFile", &[json!({ "from": "by buf", "to": "renamed" })]);
        let files = buf.call("ListFiles", &[json!({})]);
        assert_eq!((files[0]["files"][0]["path"].as_str(), files[0]["files"][1].as_object()), (Some("renamed"), None));
        let (code, told) = buf.refused("StatFile", &json!({ "path": "by buf" }));
        assert!(code == Code::NotFound as i32 && told.contains("not_found") && told.contains("google.rpc.ErrorInfo"), "{told}");
        let (code, told) = Buf { token: None, ..buf }.refused("ListFiles", &json!({}));
        assert_eq!(code, Code::Unauthenticated as i32, "{told}");
        assert_eq!(served.stop().code, Some(0));
    }
}

/// Each test that docs/services.md names in a table, as `module::test`, is there.
#[test]
fn tests_that_the_documentation_names_are_there() {
    let sources = [
        ("auth", include_str!("auth.rs")),
        ("foreign", include_str!("foreign.rs")),
        ("foreign_losses", include_str!("foreign_losses.rs")),
        ("losses", include_str!("losses.rs")),
    ];
    let rows = include_str!("../../../docs/services.md").lines().filter(|line| line.starts_with('|'));
    let mut named = BTreeSet::new();
    for name in rows.flat_map(|row| row.split('`').skip(1).step_by(2)) {
        let Some((module, test)) = name.split_once("::") else { continue };
        let (_, source) = sources.iter().find(|(known, _)| *known == module).unwrap_or_else(|| panic!("{name}"));
        assert!(has_test(source, test), "{name}");
        named.insert(module);
    }
    assert_eq!(named.len(), sources.len(), "{named:?}");
}
