//! Content by REST, and the same content through the gate directly.

use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_service::access::Access;
use p2p_service::files::{Await, Declared};
use reqwest::Method;

use super::cores::Cores;
use super::gate;
use super::server::{FAST, Server, cpu_seconds, median};

/// Length of the content, in bytes.
const LENGTH: usize = 256 << 20;
/// Length of the pieces in which it is handed to the gate.
const PIECE: usize = 256 << 10;
/// Length of the pieces of a resumable upload, as the pages send them.
const CHUNK: usize = 8 << 20;
/// Rounds, of which the median counts. They are interleaved, so that what the machine does beside meets all alike.
const ROUNDS: usize = 5;

/// Seconds that one round took: on the clock, and of processor time of the client and the server.
type Took = (f64, f64);

/// One way by which the content comes and goes.
enum Way {
    Gate(Access),
    Put(Server),
    Tus(Server),
}

impl Way {
    fn cpu_seconds(&self) -> f64 {
        let here = cpu_seconds("self");
        match self {
            Way::Gate(_) => here,
            Way::Put(server) | Way::Tus(server) => here + server.cpu_seconds(),
        }
    }

    async fn store(&self, name: &str, content: &Bytes) {
        match self {
            Way::Gate(access) => store_directly(access, name, content).await,
            Way::Put(server) => put(server, name, content).await,
            Way::Tus(server) => send_in_chunks(server, name, content).await,
        }
    }

    async fn fetch(&self, name: &str) {
        match self {
            Way::Gate(access) => gate::fetch_directly(access, name, LENGTH).await,
            Way::Put(server) | Way::Tus(server) => fetch(server, name).await,
        }
    }

    async fn timed(&self, work: impl Future<Output = ()>) -> Took {
        let (before, started) = (self.cpu_seconds(), Instant::now());
        work.await;
        (started.elapsed().as_secs_f64(), self.cpu_seconds() - before)
    }
}

/// Stores and fetches the content directly, by PUT, and by tus in chunks.
pub(crate) async fn compare(home: &Path, cores: Cores) {
    println!("cores: {cores:?}");
    let (mut content, mut random) = (vec![0; LENGTH], RandomStream::new(1, "benchmark"));
    random.fill(&mut content);
    let content = Bytes::from(content);
    let instance = cores.serving(|| gate::instance(&home.join("direct"), FAST));
    let ways = [
        ("through the gate directly", Way::Gate(instance.access("a benchmark").unwrap())),
        ("by PUT", Way::Put(Server::start(&home.join("put"), cores, FAST, "max", 1))),
        ("by tus in chunks of 8 MiB", Way::Tus(Server::start(&home.join("tus"), cores, FAST, "max", 1))),
    ];
    let mut took: [[Vec<Took>; 2]; 3] = Default::default();
    for round in 0..ROUNDS {
        let name = format!("{round}.bin");
        for ((_, way), [stored, fetched]) in ways.iter().zip(&mut took) {
            stored.push(way.timed(way.store(&name, &content)).await);
            fetched.push(way.timed(way.fetch(&name)).await);
        }
    }
    for (which, what) in ["stored", "fetched"].into_iter().enumerate() {
        for ((how, _), took_it) in ways.iter().zip(&took) {
            report(what, how, &took_it[which], &took[0][which]);
        }
    }
    drop(ways);
    drop(instance.end().await.unwrap());
}

fn report(what: &str, how: &str, took: &[Took], direct: &[Took]) {
    let [wall, cpu] = [took.iter().map(|took| took.0).collect(), took.iter().map(|took| took.1).collect()].map(median);
    let rate = LENGTH as f64 / wall / f64::from(1 << 20);
    let share = 100.0 * median(direct.iter().map(|took| took.0).collect()) / wall;
    let spread = took.iter().map(|took| format!("{:.2}", took.0)).collect::<Vec<_>>().join(" ");
    println!("{what} {how}: {rate:.0} MiB/s, {share:.0} % of directly; {cpu:.2} s of processor time; rounds {spread} s");
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

async fn put(server: &Server, name: &str, content: &Bytes) {
    let request = server.request(Method::PUT, &format!("/api/v1/files/content/{name}"));
    assert_eq!(request.body(content.clone()).send().await.unwrap().status(), 201);
}

async fn send_in_chunks(server: &Server, name: &str, content: &Bytes) {
    let target = begun(server, name, LENGTH).await;
    for begin in (0..LENGTH).step_by(CHUNK) {
        send_chunk(server, &target, begin, content.slice(begin..begin + CHUNK)).await;
    }
}

/// Begins an upload by tus, and returns its path. The name is in Base64 as the standard demands.
async fn begun(server: &Server, name: &str, length: usize) -> String {
    use base64::Engine;
    let name = base64::engine::general_purpose::STANDARD.encode(name);
    let request = server.request(Method::POST, "/api/v1/uploads").header("tus-resumable", "1.0.0");
    let request = request.header("upload-length", length).header("upload-metadata", format!("filename {name}"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let target = answer.headers()["location"].to_str().unwrap();
    target[target.find("/api/").unwrap()..].to_owned()
}

async fn send_chunk(server: &Server, target: &str, offset: usize, chunk: Bytes) {
    let request = server.request(Method::PATCH, target).header("tus-resumable", "1.0.0").header("upload-offset", offset);
    let answer = request.header("content-type", "application/offset+octet-stream").body(chunk).send().await.unwrap();
    assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
}

async fn fetch(server: &Server, name: &str) {
    let request = server.request(Method::GET, &format!("/api/v1/files/content/{name}"));
    let mut answer = request.send().await.unwrap().error_for_status().unwrap();
    let mut length = 0;
    while let Some(bytes) = answer.chunk().await.unwrap() {
        length += bytes.len();
    }
    assert_eq!(length, LENGTH);
}
