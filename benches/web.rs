//! What the web costs: dashboards in a second, an upload by REST beside the same one through the gate directly, and event streams that are idle.
//!
//! `cargo bench --bench web` needs Linux and 4 GiB of disk; `BENCH_DIR` is where it works. With the name of a part (`dashboard`, `upload`, `streams`)
//! it runs that part alone. The server is a process of its own, as users have it; the gate is in this one.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a benchmark may stop, and reads the clock")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_service::ClockMode;
use p2p_service::access::Access;
use p2p_service::files::{Await, Declared};
use p2p_service::instance::{EngineArgs, Instance};
use reqwest::Client;
use serde_json::Value;
use tokio::task::JoinSet;

/// Links so fast that the machine is what is measured, and more requests than it can answer.
const FAST: &str = "[network]\nbandwidth = \"100Gbit/s\"\ndelay = \"100us\"\nloss = \"0%\"\nqueue = 10000\n[web]\nrequests_per_second = 1000000\n";
const P2P: &str = env!("CARGO_BIN_EXE_p2p");
/// Length of an upload, in bytes, and of the pieces in which it is handed over.
const LENGTH: usize = 256 << 20;
const PIECE: usize = 256 << 10;
/// Rounds of uploads, of which the median counts.
const ROUNDS: usize = 5;
/// Time for which dashboards are asked for, and for which idle streams are looked at.
const SPAN: Duration = Duration::from_secs(10);
/// Clients that ask at once, each for one dashboard after the other.
const CLIENTS: usize = 16;
/// Event streams that are open.
const STREAMS: usize = 200;

/// A running server with a user and their token. It ends with the value.
struct Server {
    child: Child,
    base: String,
    token: String,
    /// Its standard output, which stays open.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(home: &Path) -> Server {
        fs::create_dir(home).unwrap();
        fs::write(home.join("p2p.toml"), FAST).unwrap();
        said(home, &["register", "alice", "alice@example.org"]);
        said(home, &["login", "alice"]);
        let token = said(home, &["token", "new", "benchmark", "--scope", "admin"]).trim().to_owned();
        let arguments = ["serve", "--web=:0", "--speed", "max", "--exit-with-parent"];
        let mut child = p2p(home, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut line) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let base = format!("http://{}/api/v1", ready["services"][0]["address"].as_str().unwrap());
        Server { child, base, token, _stdout: stdout }
    }

    fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().unwrap() / 100.0).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn p2p(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(P2P);
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).env("P2P_PASSWORD", "correct horse battery");
    command
}

fn said(home: &Path, arguments: &[&str]) -> String {
    let output = p2p(home, arguments).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// Asks for one dashboard after the other, by several clients at once.
async fn dashboards(home: PathBuf) {
    let server = Server::start(&home);
    let (mut asking, started, before) = (JoinSet::new(), Instant::now(), server.cpu_seconds());
    for _ in 0..CLIENTS {
        let request = client().get(format!("{}/dashboard", server.base)).bearer_auth(&server.token);
        asking.spawn(async move {
            let mut count = 0_u32;
            while started.elapsed() < SPAN {
                let answer = request.try_clone().unwrap().send().await.unwrap();
                assert_eq!(answer.status(), 200);
                assert!(!answer.bytes().await.unwrap().is_empty());
                count += 1;
            }
            count
        });
    }
    let all: u32 = asking.join_all().await.into_iter().sum();
    let (wall, cpu) = (started.elapsed().as_secs_f64(), server.cpu_seconds() - before);
    println!(
        "dashboards: {:.0} a second by {CLIENTS} clients; the server took {:.2} processors",
        f64::from(all) / wall,
        cpu / wall
    );
}

/// Stores the same content by REST and through the gate directly, in turn.
async fn uploads(home: PathBuf) {
    let server = Server::start(&home.join("rest"));
    let instance = instance(&home.join("direct"));
    let access = instance.access("a benchmark").unwrap();
    let (mut content, mut random) = (vec![0; LENGTH], RandomStream::new(1, "benchmark"));
    random.fill(&mut content);
    let (content, client) = (Bytes::from(content), client());
    let (mut direct, mut rest) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = format!("{round}.bin");
        let started = Instant::now();
        store_directly(&access, &name, &content).await;
        direct.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let url = format!("{}/files/content/{name}", server.base);
        let answer = client.put(url).bearer_auth(&server.token).body(content.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        rest.push(started.elapsed().as_secs_f64());
    }
    let [direct, rest] = [direct, rest].map(median);
    let rate = |seconds: f64| LENGTH as f64 / seconds / f64::from(1 << 20);
    let share = 100.0 * direct / rest;
    println!("uploads: {:.0} MiB/s through the gate, {:.0} MiB/s by REST, {share:.0} % of it", rate(direct), rate(rest));
    drop(instance.end().await.unwrap());
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn instance(home: &Path) -> Instance {
    fs::create_dir(home).unwrap();
    let config = home.join("p2p.toml");
    fs::write(&config, FAST).unwrap();
    let mut args = EngineArgs { data_dir: Some(home.join("data")), ..EngineArgs::default() };
    args.simulation.config = Some(config);
    args.simulation.speed = Some("max".parse().unwrap());
    Instance::start(&args, ClockMode::Running).unwrap()
}

async fn store_directly(access: &Access, name: &str, content: &Bytes) {
    let mut upload = access.upload_stream(name, Declared::default(), None).await.unwrap();
    for begin in (0..LENGTH).step_by(PIECE) {
        upload.writer.write(content.slice(begin..begin + PIECE)).await.unwrap();
    }
    let transfer = upload.transfer;
    upload.writer.finish().await.unwrap();
    let report = access.call(Await { transfer }).await.unwrap();
    assert!(report.status.error.is_none(), "{:?}", report.status.error);
}

/// Opens event streams, and looks at what the server takes while nothing happens but probes.
async fn streams(home: PathBuf) {
    let server = Server::start(&home);
    let mut open = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        let answer = client().get(format!("{}/events", server.base)).bearer_auth(&server.token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "the limits of streams a user and of connections an address are to permit {STREAMS}");
        open.push(answer);
    }
    let before = server.cpu_seconds();
    tokio::time::sleep(SPAN).await;
    let share = 100.0 * (server.cpu_seconds() - before) / SPAN.as_secs_f64();
    println!("streams: {} idle ones take {share:.1} % of a processor", open.len());
}

fn main() {
    let home = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if is_wanted("dashboard") {
        runtime.block_on(dashboards(home.path().join("dashboard")));
    }
    if is_wanted("upload") {
        fs::create_dir(home.path().join("upload")).unwrap();
        runtime.block_on(uploads(home.path().join("upload")));
    }
    if is_wanted("streams") {
        runtime.block_on(streams(home.path().join("streams")));
    }
}
