//! A file of 2 GiB, of which neither the server nor the client keeps more than a part.

use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use p2p_base::random::RandomStream;
use reqwest::{Body, Method};

use super::cores::Cores;
use super::server::{FAST, Server};

/// Length of the file, and of the pieces in which it is sent.
const LENGTH: usize = 2 << 30;
const PIECE: usize = 256 << 10;

/// Stores and fetches the file, and prints how fast that was and how large the server became.
pub(crate) async fn measure(home: PathBuf) {
    let server = Server::start(&home, Cores::Shared, FAST, "max", 1);
    let before = server.memory("VmRSS");
    let mut random = RandomStream::new(1, "benchmark");
    let pieces = (0..LENGTH / PIECE).map(move |_| {
        let mut piece = vec![0; PIECE];
        random.fill(&mut piece);
        Ok::<_, std::io::Error>(Bytes::from(piece))
    });
    let started = Instant::now();
    let request = server.request(Method::PUT, "/api/v1/files/content/large.bin");
    let answer =
        request.header("content-length", LENGTH).body(Body::wrap_stream(tokio_stream::iter(pieces))).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let (stored, after) = (started.elapsed().as_secs_f64(), server.memory("VmHWM"));
    let started = Instant::now();
    let request = server.request(Method::GET, "/api/v1/files/content/large.bin");
    let (mut answer, mut length) = (request.send().await.unwrap().error_for_status().unwrap(), 0);
    while let Some(bytes) = answer.chunk().await.unwrap() {
        length += bytes.len();
    }
    assert_eq!(length, LENGTH);
    let fetched = started.elapsed().as_secs_f64();
    println!(
        "2 GiB: stored in {stored:.1} s, fetched in {fetched:.1} s; {before} MiB resident before, {after} MiB at the most when it was stored and {} MiB \
         when it was fetched",
        server.memory("VmHWM")
    );
}
