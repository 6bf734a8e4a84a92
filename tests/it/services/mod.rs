//! The services for other programs: `p2p serve` itself, from its ready line to its end, and each service as its clients see it.

mod admin;
mod asked;
mod auth;
mod changes;
mod connect;
mod content;
mod deployment;
mod files;
mod foreign;
mod foreign_losses;
mod grpc;
pub(crate) mod hostile;
mod losses;
mod prompts;
mod sftp;
mod sftp_clients;
mod sftp_extensions;
mod sftp_hostile;
mod ssh;
mod storage;
pub(crate) mod tls;
mod transfers;
mod uploads;

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use p2p_auth::Registration;
use p2p_engine::operation::Await;
use p2p_engine::transfer::TransferState;
use p2p_service::access::Access;
use p2p_service::instance::{EngineArgs, Instance};
use p2p_store::uploads::{Declared, UploadId};
use serde_json::{Value, json};

use crate::cli::documented;
use crate::program::{DEADLINE, Home, PASSWORD, QUICK, Said, end_of, signal, wait_until};

/// A running `p2p serve`.
pub(crate) struct Served {
    child: Option<Child>,
    /// The line that it has printed.
    pub(crate) ready: Value,
    stdout: BufReader<ChildStdout>,
}

impl Served {
    /// Starts it at a free port.
    fn start(home: &Home, arguments: &[&str]) -> Served {
        Served::of(home.spawn(&[&["serve", "--grpc=:0"], arguments].concat()))
    }

    pub(crate) fn of(mut child: Child) -> Served {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = match serde_json::from_str(&line) {
            Ok(ready) => ready,
            Err(error) => panic!("{error}: {line:?}: {:?}", end_of(child)),
        };
        Served { child: Some(child), ready, stdout }
    }

    /// The address of its gRPC services.
    fn grpc(&self) -> SocketAddr {
        let service = &self.ready["services"][0];
        assert_eq!(service["service"], "grpc");
        service["address"].as_str().unwrap().parse().unwrap()
    }

    /// The address of a service of a node.
    fn of_node(&self, service: &str, node: &str) -> SocketAddr {
        let services = self.ready["services"].as_array().unwrap();
        let found = services.iter().find(|found| found["service"] == service && found["node"] == node).unwrap();
        found["address"].as_str().unwrap().parse().unwrap()
    }

    /// The memory that it has in use, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.size("VmRSS:")
    }

    /// The most memory that it has had in use since it began or since that was forgotten, in bytes.
    pub(crate) fn memory_max(&self) -> u64 {
        self.size("VmHWM:")
    }

    /// The part of that which is pages of files, as those of the program itself, in bytes.
    pub(crate) fn file_memory(&self) -> u64 {
        self.size("RssFile:")
    }

    /// Forgets the most memory that it has had in use (`proc_pid_clear_refs(5)`).
    pub(crate) fn forget_memory_max(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.as_ref().unwrap().id()), "5").unwrap();
    }

    /// A size by its name in `proc_pid_status(5)`, in bytes.
    fn size(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.as_ref().unwrap().id())).unwrap();
        let found = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        found.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() << 10
    }

    /// Asks it to end, and gives what it says.
    pub(crate) fn stop(mut self) -> Said {
        signal(self.child.as_ref().unwrap(), "TERM");
        self.end()
    }

    /// Kills it, with no chance to note anything.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> Said {
        let mut said = end_of(self.child.take().unwrap());
        self.stdout.read_to_string(&mut said.stdout).unwrap();
        said
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Makes an account at an engine of this process, and returns the access of a front end at which its user is logged in.
pub(crate) async fn account_of(instance: &Instance, name: &str) -> Access {
    let access = instance.access("a test").unwrap();
    let email = format!("{name}@example.org").parse().unwrap();
    access.register(Registration { name: name.parse().unwrap(), email, password: PASSWORD.into() }).await.unwrap();
    access
}

pub(crate) fn on_a_runtime(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, test).await.unwrap() });
}

/// Whether a source has a test of this name.
fn has_test(source: &str, name: &str) -> bool {
    source
        .split_once(&format!("\nfn {name}() {{"))
        .is_some_and(|(before, _)| before.lines().rev().take_while(|line| line.starts_with("#[")).any(|line| line == "#[test]"))
}

/// One line of JSON says where the services are; a signal ends them, and the directory is free again.
#[test]
fn it_says_where_it_serves_and_ends_when_it_is_asked_to() {
    for name in ["TERM", "INT"] {
        let home = Home::new(QUICK);
        let mut served = Served::start(&home, &[]);
        let address = served.grpc();
        assert!(address.ip().is_loopback() && address.port() != 0);
        let pid = served.child.as_ref().unwrap().id();
        let ready = serde_json::json!({
            "pid": pid, "data_dir": home.data(), "speed": "1x",
            "services": [{ "service": "grpc", "address": address.to_string() }],
            "setup_token": served.ready["setup_token"],
        });
        assert_eq!(served.ready, ready);
        let fields: Vec<String> = documented("serve").into_keys().collect();
        assert_eq!(
            fields,
            [
                "data_dir",
                "host_keys[]",
                "pid",
                "services[].address",
                "services[].certificate_sha256",
                "services[].node",
                "services[].service",
                "setup_token",
                "speed"
            ]
        );
        signal(served.child.as_ref().unwrap(), name);
        let said = served.end();
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
        assert_eq!(said.stderr, format!("p2p: grpc at {address} is closed after 0 connections and 0 requests\n"));
        assert_eq!(home.stored(), Vec::<String>::new(), "the directory is free again");
        assert!(!home.data().join("serve.json").exists());
    }
}

#[test]
fn time_passes_as_the_user_says() {
    let home = Home::new(&format!("{QUICK}[engine]\nspeed = '10x'\n"));
    for (arguments, speed) in [(&[][..], "10x"), (&["--speed", "max"], "max")] {
        let served = Served::start(&home, arguments);
        assert_eq!(served.ready["speed"], speed);
        assert_eq!(served.stop().code, Some(0));
    }
}

/// Who finds the directory in use learns by whom, and what ends it.
#[test]
fn a_command_that_finds_the_directory_in_use_says_who_serves_it() {
    let home = Home::new(QUICK);
    let served = Served::start(&home, &[]);
    let (pid, address) = (served.ready["pid"].as_u64().unwrap(), served.grpc());
    for arguments in [&["ls"][..], &["put", "a.bin"], &["serve", "--grpc=:0"]] {
        let told = home.unavailable(arguments);
        assert!(told.contains(&format!("it is served by process {pid}, grpc at {address}; `kill {pid}` ends that")), "{told}");
        assert!(told.contains(&format!("`p2p --connect grpc://{address} ls` asks it")), "{told}");
    }
    // What a crash leaves is not believed.
    let announced = std::fs::read(home.data().join("serve.json")).unwrap();
    assert_eq!(served.stop().code, Some(0));
    std::fs::write(home.data().join("serve.json"), announced).unwrap();
    home.ok(&["ls"]);
}

/// The port, the way out of it, and the code of what may succeed later.
#[test]
fn a_port_that_is_taken_is_told() {
    let home = Home::new(QUICK);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let told = home.unavailable(&["serve", &format!("--grpc={address}")]);
    assert!(told.starts_with(&format!("p2p: grpc cannot listen at {address}: ")), "{told}");
    assert!(told.contains("--grpc=:0 takes a free port"), "{told}");
    drop(taken);
    let served = Served::of(home.spawn(&["serve", &format!("--grpc={address}")]));
    assert_eq!(served.grpc(), address, "nothing of the failure holds it");
}

/// The services of other ports, and the endpoints of nodes beside a port that is taken, go on; only where nothing can listen is it an error.
#[test]
fn the_rest_goes_on_where_a_port_is_taken() {
    let home = Home::new(&format!("{QUICK}[grpc]\nnodes_max = 1\n[ssh]\nnodes_max = 1\n"));
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [for_grpc, for_ssh] = held.each_ref().map(|listener| listener.local_addr().unwrap());
    let (grpc, ssh) = (format!("--grpc={for_grpc}"), format!("--ssh={for_ssh}"));
    for (flags, taken, expected) in [
        ([&grpc, "--ssh=:0"], format!("p2p: grpc cannot listen at {for_grpc}: "), json!(["ssh", "Node_01"])),
        ([&grpc, "--grpc-nodes=:0"], format!("p2p: grpc cannot listen at {for_grpc}: "), json!(["grpc", "Node_01"])),
        (["--grpc=:0", &ssh], format!("p2p: ssh cannot listen at {for_ssh}: "), json!(["grpc", null])),
    ] {
        let served = Served::of(home.spawn(&["serve", flags[0], flags[1]]));
        let services = served.ready["services"].as_array().unwrap();
        let found: Vec<Value> = services.iter().map(|one| json!([one["service"], one["node"]])).collect();
        assert_eq!(found, [expected], "{flags:?}");
        let address: SocketAddr = services[0]["address"].as_str().unwrap().parse().unwrap();
        assert!(TcpStream::connect(address).is_ok(), "{flags:?}");
        let said = served.stop();
        let advice = format!("{}=:0 takes ", taken.split(' ').nth(1).map(|service| format!("--{service}")).unwrap());
        let line = said.stderr.lines().find(|line| line.starts_with(&taken));
        assert!(said.code == Some(0) && line.is_some_and(|line| line.contains(&advice)), "{flags:?}: {said:?}");
    }
    let told = home.unavailable(&["serve", &grpc, &ssh]);
    let each = [("grpc", for_grpc), ("ssh", for_ssh)];
    assert!(each.iter().all(|(name, address)| told.contains(&format!("{name} cannot listen at {address}: "))), "{told}");
}

/// Nothing is begun where other machines would reach the service and nobody has said that they may.
#[test]
fn a_public_address_is_refused_unless_it_is_permitted() {
    let home = Home::new(&format!("{QUICK}[grpc]\naddress = '0.0.0.0:0'\n"));
    let told = home.refused(&["serve"]);
    assert!(told.contains("p2p.toml:6: [grpc] address: other machines reach 0.0.0.0:0"), "{told}");
    assert!(told.contains("`p2p cert`") && told.contains("allow_public = true") && !home.data().exists(), "{told}");
    let told = home.refused(&["serve", "--grpc=0.0.0.0:0"]);
    assert!(told.contains("--grpc: [grpc] address: other machines reach"), "{told}");
    let permitted = Home::new(&format!("{QUICK}[grpc]\naddress = '0.0.0.0:0'\nallow_public = true\n"));
    let served = Served::of(permitted.spawn(&["serve"]));
    assert!(served.grpc().ip().is_unspecified());
    for wrong in ["--grpc=example.org:1", "--grpc=7", "--grpc="] {
        home.wrong_usage(&["serve", wrong]);
    }
}

/// The lines of what a process says, as they come; none after its end.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (lines, received) = channel();
    std::thread::Builder::new()
        .spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| lines.send(line)))
        .unwrap();
    received
}

/// The shell ends without a word to its child, which would serve on for ever.
#[test]
fn it_ends_with_its_parent_if_it_is_told_to() {
    let home = Home::new(QUICK);
    let program = env!("CARGO_BIN_EXE_p2p");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("'{program}' serve --grpc=:0 --exit-with-parent & read line")]);
    shell.current_dir(home.path("")).env_clear().env("HOME", home.path("")).env("PATH", "/usr/bin:/bin");
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let said = lines(shell.stdout.take().unwrap());
    let ready: Value = serde_json::from_str(&said.recv_timeout(DEADLINE).unwrap()).unwrap();
    assert!(ready["pid"].as_u64().is_some());
    shell.kill().unwrap();
    shell.wait().unwrap();
    // Its standard output is closed when it ends.
    assert!(said.recv_timeout(DEADLINE).is_err());
    wait_until("the end of the announcement", || !home.data().join("serve.json").exists());
}

/// A second signal does not wait for clients.
#[test]
fn a_second_signal_ends_it_at_once() {
    let home = Home::new(&format!("{QUICK}[serve]\ndrain = '1h'\n"));
    let mut served = Served::start(&home, &[]);
    // A connection that is no client's is not waited for either way; one in the middle of a request is.
    let _client = grpc::open_request(served.grpc());
    let child = served.child.as_ref().unwrap();
    signal(child, "TERM");
    wait_until("the end of the listening", || std::net::TcpStream::connect(served.grpc()).is_err());
    signal(child, "TERM");
    assert_eq!(served.end().code, Some(143));
}

/// An upload whose client has gone is kept with all that has arrived, at any speed; what is held on to is not waited for without end.
#[test]
fn what_clients_have_left_comes_to_its_end() {
    const SEGMENT: usize = 64 * 1024;
    let home = Home::new("");
    let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
    args.simulation.config = Some(home.path("p2p.toml"));
    let started = || Instance::start_interactive(&args).unwrap();
    on_a_runtime(async {
        let instance = started();
        let local = instance.access("a test").unwrap();
        let wanted = ("alice".parse().unwrap(), "alice@example.org".parse().unwrap());
        local.register(Registration { name: wanted.0, email: wanted.1, password: PASSWORD.into() }).await.unwrap();
        // A stream of this process would be waited for at every speed.
        let client = local.of_client("grpc", IpAddr::V4(Ipv4Addr::LOCALHOST), &instance.remote_rules().unwrap());
        assert!(client.login("alice".into(), PASSWORD.into()).await.unwrap().is_none());
        let mut left = client.upload_stream("left", Declared::default(), Some(UploadId::new([7; 16]))).await.unwrap();
        left.writer.write(vec![7; 3 * SEGMENT].into()).await.unwrap();
        drop(left.writer);
        assert_eq!(instance.drain(DEADLINE).await, 0);
        let report = client.call(Await { transfer: left.transfer }).await.unwrap();
        assert_eq!(report.status.state, TransferState::Parked);
        let held = client.upload_stream("held", Declared::default(), None).await.unwrap();
        assert_eq!(instance.drain(Duration::from_millis(50)).await, 1, "the one that is held");
        drop((held, client, local));
        drop(instance.end().await.unwrap());
        let instance = started();
        let local = instance.access("a test").unwrap();
        assert!(local.login("alice".into(), PASSWORD.into()).await.unwrap().is_none());
        let kept = local.kept_uploads().await.unwrap();
        drop(local);
        let found: Vec<(&str, u64)> = kept.iter().map(|upload| (upload.file.name.as_str(), upload.offset)).collect();
        assert_eq!(found, [("left", 3 * SEGMENT as u64)]);
        assert_eq!(instance.drain(Duration::ZERO).await, 0);
        drop(instance.end().await.unwrap());
    });
}

/// A server that may open no more files says so with its figures and in its log, once, and takes those in who wait when it may again.
#[test]
fn a_server_that_may_open_no_more_files_says_so() {
    const PERMITTED: u64 = 48;
    let home = Home::new(QUICK);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {PERMITTED}; exec \"$0\" serve --grpc=:0"), env!("CARGO_BIN_EXE_p2p")]);
    shell.current_dir(home.path(".")).env_clear().env("HOME", home.path("."));
    let served = Served::of(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    // Less than may come from one address, and more than may be open.
    let clients: Vec<_> = (0..60).map(|_| std::net::TcpStream::connect(served.grpc()).unwrap()).collect();
    let times = || {
        let logs = std::fs::read_dir(home.data().join("logs")).unwrap();
        let logs = logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap());
        logs.map(|log| log.matches("no connection is taken in").count()).sum::<usize>()
    };
    wait_until("the failure", || times() > 0);
    drop(clients);
    on_a_runtime(async {
        let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", served.grpc())).unwrap().connect().await;
        let mut client = tonic_health::pb::health_client::HealthClient::new(channel.unwrap());
        client.check(tonic_health::pb::HealthCheckRequest { service: String::new() }).await.unwrap();
    });
    let said = served.stop();
    assert!(said.code == Some(0) && said.stderr.contains(&format!("{} too many open files", times())), "{said:?}");
}

/// Runs a command whose standard output is on a full device, which it names, and one whose reader is gone, which is no failure.
fn names_its_output(home: &Home, words: &[&str]) {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let said = home.command(words).stdout(full).output().unwrap();
    let told = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.code() == Some(1) && told.contains("cannot write to standard output: No space left"), "{told}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let said = home.command(words).stdout(writer).output().unwrap();
    assert!(said.status.code() == Some(0) && said.stderr.is_empty(), "{said:?}");
}
