//! Pages and answers about many files and many nodes.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use p2p_store::catalog::{Catalog, Commit};
use p2p_store::manifest::{FileRecord, Manifest};
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;
use reqwest::Method;

use super::cores::Cores;
use super::server::{FAST, Server};

/// Files of a list, and nodes.
const FILES: u64 = 100_000;
const NODES: &str = "[nodes]\ncount = 1000\n";
/// Times that each is asked for.
const ROUNDS: usize = 21;

/// Asks for lists of 100,000 files of a user who is no admin, and for the page of one.
pub(crate) async fn of_files(home: PathBuf) {
    let data = home.join(".local/share/p2p");
    fs::create_dir_all(&data).unwrap();
    let catalog = Catalog::open(&data.join("catalog.redb")).unwrap();
    let all: Vec<Commit> = (0..FILES).map(|n| Commit { manifest: empty_file(n), replace: false, expected: None }).collect();
    all.chunks(10_000).flat_map(|some| catalog.commit_files(some)).for_each(|stored| drop(stored.unwrap()));
    drop(catalog);
    let server = Server::start(&home, Cores::Shared, FAST, "max", 2).of_the_last();
    let content = vec![7; 16 << 20];
    let stored = server.request(Method::PUT, "/api/v1/files/content/whole.bin").body(content).send().await.unwrap();
    assert_eq!(stored.status(), 201);
    for path in [
        "/files/",
        "/files/?page=400",
        "/files/?search=99",
        "/files/?search=nothing",
        "/files/?sort=name&order=desc",
        "/files/?sort=size",
        "/files/?sort=size&order=desc",
        "/files/?sort=modified",
        "/files/?sort=modified&order=desc",
        "/files/f00050000",
        "/files/whole.bin",
        "/api/v1/files?path=.",
        "/api/v1/files?path=.&limit=100",
        "/api/v1/files?path=.&after=0/user1/f00099000",
        "/api/v1/files?path=.&order=desc",
        "/api/v1/files?path=.&sort=size&limit=100",
        "/api/v1/files?path=.&sort=modified&order=desc&limit=100",
        "/api/v1/files?path=.&search=99&limit=100",
        "/api/v1/files?path=.&search=nothing",
        "/api/v1/files?path=.&recursive=true",
    ] {
        measure(&server, path).await;
    }
}

/// Asks for the pages and answers of which a thousand nodes are a part.
pub(crate) async fn of_nodes(home: PathBuf) {
    let server = Server::start(
        &home,
        Cores::Shared,
        &(FAST.replace("[network]\n", "[network]\nsubnet = \"10.0.0.0/16\"\n") + NODES),
        "1x",
        1,
    );
    let stored = server.request(Method::PUT, "/api/v1/files/content/whole.bin").body(vec![7; 16 << 20]).send().await.unwrap();
    assert_eq!(stored.status(), 201);
    for path in [
        "/room",
        "/room?page=20",
        "/room/transfers/1",
        "/files/whole.bin",
        "/api/v1/dashboard",
        "/api/v1/nodes",
        "/api/v1/network/topology",
        "/api/v1/network/health",
        "/api/v1/transfers",
        "/api/v1/links",
        "/metrics",
    ] {
        measure(&server, path).await;
    }
}

async fn measure(server: &Server, path: &str) {
    let (mut times, mut length, before) = (Vec::new(), 0, server.cpu_seconds());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let answer = server.request(Method::GET, path).header("accept", "text/html").send().await.unwrap();
        let (status, body) = (answer.status(), answer.bytes().await.unwrap());
        times.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        length = body.len();
    }
    times.sort_by(f64::total_cmp);
    let (median, most, cpu) = (times[ROUNDS / 2], times[ROUNDS - 1], (server.cpu_seconds() - before) * 1e3 / ROUNDS as f64);
    println!("GET {path}: {median:.1} ms, {most:.1} ms at the most of {ROUNDS}, {cpu:.1} ms of processor time; {length} bytes");
}

fn empty_file(n: u64) -> Manifest {
    let (key, sha256) = (FileKey::new(Some("user1"), &format!("f{n:08}")), Sha256Digest::of(b""));
    let (size, segments, segment_size, stored_at, modified, mode) = (0, 0, 65_536, 0, n * 7_919 % 100_003, 0o644);
    let readers = Default::default();
    Manifest {
        file: FileRecord { key, readers, size, sha256, segments, segment_size, stored_at, modified, mode },
        segments: Vec::new(),
    }
}
