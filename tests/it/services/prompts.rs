//! Services that are started at a prompt: `serve start|stop|status` and `services`.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::{Value, json};

use super::lines;
use crate::cli::documented;
use crate::program::{DEADLINE, Home, PASSWORD, QUICK, Said, end_of, signal, wait_until};

/// A running `p2p repl` whose lines come from a pipe.
pub(super) struct Repl {
    child: Child,
    input: Option<ChildStdin>,
    said: Receiver<String>,
}

impl Repl {
    pub(super) fn start(home: &Home) -> Repl {
        let mut child = home.command(&["repl"]).stdin(Stdio::piped()).spawn().unwrap();
        let (input, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        Repl { child, input, said: lines(stdout) }
    }

    pub(super) fn line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line of the output with a text in it.
    pub(super) fn says(&self, text: &str) -> String {
        loop {
            let line = self.said.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("{text}: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Starts the gRPC services at a free port.
    fn serve(&mut self) -> SocketAddr {
        self.line("serve start grpc :0");
        self.says("grpc listens at ").split(' ').next_back().unwrap().parse().unwrap()
    }

    /// Ends it with the end of its input.
    pub(super) fn end(mut self) -> Said {
        drop(self.input.take());
        end_of(self.child)
    }
}

/// Whoever is at a prompt while there are no accounts learns with the next command that a client has made the first one, and what to do next.
#[test]
fn the_first_account_by_a_client_is_told_at_the_prompt() {
    let home = Home::new(QUICK);
    let mut repl = Repl::start(&home);
    let address = repl.serve();
    let token = repl.says("setup token").split(' ').next_back().unwrap().to_owned();
    let url = format!("grpc://{address}");
    let mut registering = home.command(&["--connect", &url, "register", "alice", "alice@example.org"]);
    let registered = registering.env("P2P_SETUP_TOKEN", token).env("P2P_PASSWORD", PASSWORD).output().unwrap();
    assert!(registered.status.success(), "{registered:?}");
    repl.line("nodes");
    repl.line("nodes");
    let said = repl.end();
    let told =
        "the account alice was made from grpc 127.0.0.1, the first one: commands here need a login now, such as `login alice`";
    assert_eq!(said.stderr.matches(told).count(), 1, "{said:?}");
    assert_eq!(said.stderr.matches("no user is logged in").count(), 2, "{said:?}");
}

/// Tests that a client is taken in.
fn answers(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn a_service_is_started_watched_and_stopped_at_a_prompt() {
    let home = Home::new(QUICK);
    let mut repl = Repl::start(&home);
    repl.line("services");
    let never = repl.says("grpc");
    assert!(never.contains("127.0.0.1:50050") && never.contains("closed"), "{never}");
    let address = repl.serve();
    assert!(repl.says("setup token").contains("p2p_setup_"));
    // Another process learns of it as of `p2p serve`.
    let told = home.unavailable(&["ls"]);
    assert!(
        told.contains(&format!("grpc at {address}")) && told.contains(&format!("`p2p --connect grpc://{address} ls`")),
        "{told}"
    );
    let client = TcpStream::connect(address).unwrap();
    wait_until("the client", || {
        repl.line("serve status grpc");
        repl.says(&address.to_string()).split('┆').nth(4).is_some_and(|clients| clients.trim() == "1")
    });
    drop(client);
    repl.line("serve stop");
    repl.says(&format!("grpc at {address} is closed after 1 connection and 0 requests"));
    assert!(!answers(address) && !home.data().join("serve.json").exists());
    assert_ne!(repl.serve(), address);
    assert_eq!(repl.end().code, Some(0));
}

/// The endpoints of nodes that p2p.toml wants are opened and closed with the gRPC services.
#[test]
fn the_endpoints_of_nodes_come_and_go_with_the_services() {
    let home = Home::new(&format!("{QUICK}[grpc]\nnodes = ':0'\nnodes_max = 2\n"));
    let mut repl = Repl::start(&home);
    let address = repl.serve();
    let endpoints = ["Node_01", "Node_02"].map(|node| {
        let line = repl.says(&format!("{node} listens at "));
        line.split(' ').next_back().unwrap().parse::<SocketAddr>().unwrap()
    });
    assert!(endpoints.into_iter().chain([address]).all(answers));
    let announced: Value = serde_json::from_slice(&std::fs::read(home.data().join("serve.json")).unwrap()).unwrap();
    let found = announced["services"].as_array().unwrap().iter().map(|one| (&one["node"], &one["address"]));
    let expected = [(Value::Null, address), (json!("Node_01"), endpoints[0]), (json!("Node_02"), endpoints[1])];
    let expected = expected.map(|(node, address)| (node, json!(address)));
    assert!(found.eq(expected.iter().map(|(node, address)| (node, address))), "{announced}");
    repl.line("serve stop grpc");
    repl.says(&format!("grpc of the nodes at {} is closed after ", endpoints[0]));
    assert!(!endpoints.into_iter().chain([address]).any(answers) && !home.data().join("serve.json").exists());
    assert_ne!(repl.serve(), address);
    assert_eq!(repl.end().code, Some(0));
}

/// With the certificate of p2p.toml, which is read at each start.
#[test]
fn a_service_speaks_tls_at_a_prompt() {
    let home = Home::new(QUICK);
    home.json(&["cert", "-o", "tls"]);
    let tls = "[grpc]\nnodes = ':0'\nnodes_max = 1\ntls = { certificate = 'tls/tls-certificate.pem', key = 'tls/tls-key.pem' }\n";
    std::fs::write(home.path("p2p.toml"), format!("{QUICK}{tls}")).unwrap();
    let mut repl = Repl::start(&home);
    let mut before = String::new();
    for _ in 0..2 {
        repl.line("serve start grpc :0");
        let line = repl.says("grpc listens at 127.0.0.1:");
        let sha256 = line.split_once(" with TLS, by the certificate ").unwrap().1.to_owned();
        assert!(sha256.len() == 64 && sha256 != before, "{line}");
        let announced: Value = serde_json::from_slice(&std::fs::read(home.data().join("serve.json")).unwrap()).unwrap();
        let services = announced["services"].as_array().unwrap();
        assert!(services.len() == 2 && services.iter().all(|service| service["certificate_sha256"] == sha256), "{announced}");
        repl.line("serve stop grpc");
        repl.says("is closed after");
        home.json(&["cert", "-o", "tls", "--force"]);
        before = sha256;
    }
    std::fs::remove_file(home.path("tls/tls-key.pem")).unwrap();
    repl.line("serve start grpc :0");
    repl.line("services");
    assert!(repl.says("grpc ").contains("closed"));
    let said = repl.end();
    assert!(said.stderr.contains("[grpc] tls: ") && said.stderr.contains("tls-key.pem: No such file"), "{said:?}");
}

/// Whichever way the program is left.
#[test]
fn leaving_ends_the_services_in_order() {
    for signalled in [None, Some("INT"), Some("TERM")] {
        let home = Home::new(QUICK);
        let mut repl = Repl::start(&home);
        let address = repl.serve();
        assert!(answers(address));
        let said = match signalled {
            None => repl.end(),
            Some(name) => {
                signal(&repl.child, name);
                end_of(repl.child)
            }
        };
        let told = format!("p2p: grpc at {address} is closed after ");
        assert!(said.stderr.contains(&told), "{signalled:?}: {said:?}");
        assert!(!answers(address) && !home.data().join("serve.json").exists());
        home.ok(&["ls"]);
    }
}

/// A script as well, and what is refused begins nothing.
#[test]
fn what_cannot_be_started_is_told_and_the_rest_goes_on() {
    let home = Home::new(&format!("{QUICK}\n[ssh]\naddress = \"127.0.0.1:0\"\n"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut repl = Repl::start(&home);
    repl.line(&format!("serve start grpc {address}"));
    for line in ["serve start grpc 0.0.0.0:0", "serve stop grpc", "serve stop grpc :0", "serve start smtp", "serve start grpc 7"]
    {
        repl.line(line);
    }
    let free = repl.serve();
    repl.line("serve start");
    repl.line("echo goes on");
    repl.says("goes on");
    assert!(answers(free));
    let said = repl.end();
    for words in [
        &format!("grpc cannot listen at {address}: "),
        "`serve start grpc :0` takes a free port",
        "other machines reach 0.0.0.0:0",
        "grpc does not listen; `serve start` starts one",
        "unexpected argument `127.0.0.1:0`",
        "none of: grpc, ssh",
        "`7` is no address and port",
        &format!("grpc is already open at {free} since 20"),
        "; `serve stop grpc` ends it; ssh of Node_01 listens at 127.0.0.1:",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
}

/// Each node has a server, and they end together.
#[test]
fn ssh_is_started_and_stopped_for_all_nodes() {
    let home = Home::new(QUICK);
    let mut repl = Repl::start(&home);
    repl.line("serve start ssh :0");
    let [first, second] = ["Node_01", "Node_02"].map(|node| {
        let said = repl.says(&format!("ssh of {node} listens at "));
        said.split(' ').next_back().unwrap().parse::<SocketAddr>().unwrap()
    });
    assert!(repl.says("known by the host key").contains("SHA256:"));
    assert!(answers(second));
    repl.line("services");
    assert!(repl.says(&first.to_string()).contains("open"));
    repl.line("kill Node_02");
    wait_until("the end of the node", || {
        repl.line("serve status ssh");
        repl.says(&first.to_string()).contains("open, 1 of ")
    });
    assert!(answers(first) && !answers(second));
    repl.line("services ssh");
    assert!(repl.says(&format!("{second}")).contains(" stopped "));
    repl.says("SHA256:");
    repl.line("serve stop ssh");
    // A client that leaves at once may not have been taken in before the end.
    repl.says(&format!("ssh at {first} is closed after "));
    repl.line("serve status ssh");
    assert!(repl.says(&first.to_string()).contains("closed"));
    assert!(![first, second].into_iter().any(answers));
    assert_eq!(repl.end().code, Some(0));
}

/// Lines that nobody sees are not swallowed by a quote without a word of it.
#[test]
fn a_quote_that_goes_on_is_told_with_its_line() {
    let home = Home::new(QUICK);
    let mut repl = Repl::start(&home);
    for line in ["echo one", "echo don't", "echo two", "echo can't", "echo three \\", "four", "echo 'five", "echo six"] {
        repl.line(line);
    }
    let said = repl.end();
    assert!(said.stderr.contains("p2p: line 2: the quote ' goes on to line 4\n"), "{}", said.stderr);
    assert!(
        said.stderr.contains("p2p: line 7: the quote ' is not closed; all lines after it are taken as part of it\n"),
        "{}",
        said.stderr
    );
    assert_eq!(said.stderr.matches("p2p: line ").count(), 2, "{}", said.stderr);
}

#[test]
fn the_answers_have_the_documented_fields() {
    let home = Home::new(QUICK);
    let said = home.ok(&["run", "--json", "-c", "serve start grpc :0; services; serve status; services grpc; serve stop"]);
    let answers: Vec<Value> = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["answer"].clone()).collect();
    let address = &answers[0]["services"][0]["address"];
    assert_eq!(
        answers[0],
        json!({ "services": [{ "service": "grpc", "address": address }], "setup_token": answers[0]["setup_token"] })
    );
    assert_eq!(answers[1], answers[2]);
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut documented: Vec<String> = documented("services").into_keys().collect();
    documented.iter_mut().for_each(|field| field.truncate(field.find('[').unwrap_or(field.len())));
    documented.dedup();
    assert!([1, 3, 4].iter().all(|&place| fields(&answers[place][0]) == documented), "{answers:#?}");
    assert_eq!([1, 3, 4].map(|place| &answers[place][0]["stage"]), [&json!("open"), &json!("open"), &json!("closed")]);
}
