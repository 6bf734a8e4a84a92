//! Content of which neither the server nor the client keeps more than a part: 2 GiB by PUT, by tus and back, in little memory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_store::segment::{SegmentSize, Sha256Digest, StreamCutter};
use reqwest::Body;

use super::*;

/// Length of the content in MiB, unless `P2P_LARGE_MIB` tells another one.
const LENGTH_MIB: usize = 2 << 10;
/// Length of the pieces in which it is made.
const PIECE: usize = 256 << 10;
/// Length of the parts of an upload by tus, as the pages send them.
const PART: usize = 8 << 20;
/// Memory of the server that is not exceeded, in bytes.
const MEMORY_MAX: u64 = 200 << 20;

/// The pieces of the content, which are made as they are taken.
fn pieces() -> impl Iterator<Item = Bytes> + Send + 'static {
    let mut random = RandomStream::new(1, "large");
    std::iter::repeat_with(move || {
        let mut piece = vec![0; PIECE];
        random.fill(&mut piece);
        piece.into()
    })
}

/// Computes the digest of content that is never there as a whole.
struct Digesting(StreamCutter);

impl Digesting {
    fn new() -> Digesting {
        Digesting(StreamCutter::new(SegmentSize::default()))
    }

    fn add(&mut self, bytes: Bytes) {
        drop(self.0.push(bytes));
    }

    fn end(self) -> Sha256Digest {
        self.0.finish().2
    }
}

fn body_of(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Body {
    Body::wrap_stream(tokio_stream::iter(pieces.map(Ok::<_, std::io::Error>)))
}

/// Fetches a file, and returns the digest of what has come.
async fn fetched(site: &Site, path: &str) -> Sha256Digest {
    let mut answer = site.request(Method::GET, path).send().await.unwrap().error_for_status().unwrap();
    let mut digesting = Digesting::new();
    while let Some(bytes) = answer.chunk().await.unwrap() {
        digesting.add(bytes);
    }
    digesting.end()
}

/// Sends content by tus, part by part.
async fn send_in_parts(site: &Site, name: &str, length: usize) {
    let request = |method, path: &str| site.request(method, path).header("tus-resumable", "1.0.0");
    let beginning = request(Method::POST, "/uploads").header("upload-length", length);
    let answer = beginning.header("upload-metadata", format!("filename {}", STANDARD.encode(name))).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let upload = answer.headers()["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let mut pieces = pieces();
    for begin in (0..length).step_by(PART) {
        let count = PART.min(length - begin);
        let part: Vec<Bytes> = pieces.by_ref().take(count / PIECE).collect();
        let request = request(Method::PATCH, &upload).header("content-type", "application/offset+octet-stream");
        let request = request.header("upload-offset", begin).header("content-length", count).body(body_of(part.into_iter()));
        let answer = request.send().await.unwrap();
        let offset = answer.headers().get("upload-offset").map(|offset| offset.to_str().unwrap().to_owned());
        let status = answer.status();
        assert_eq!((status.as_u16(), offset), (204, Some((begin + count).to_string())), "{}", answer.text().await.unwrap());
    }
}

/// Tells the most memory of the server since the last look, and fails if that is too much. The pages of the program do not count: a debug build
/// has many more of them.
fn check_memory(site: &Site, what: &str) {
    let (most, program) = (site.served.memory_max(), site.served.file_memory());
    println!("{what}: {} MiB at the most, of which {} MiB are pages of the program", most >> 20, program >> 20);
    assert!(most - program < MEMORY_MAX, "{what}: {} MiB", most >> 20);
    site.served.forget_memory_max();
}

/// The memory of the server does not grow with what is stored and fetched.
#[test]
#[ignore = "needs P2P_LONG=1: 2 GiB of disk and minutes"]
fn two_gibibytes_pass_through_little_memory() {
    if std::env::var_os("P2P_LONG").is_none() {
        return;
    }
    let mebibytes = std::env::var("P2P_LARGE_MIB").map_or(LENGTH_MIB, |text| text.parse().unwrap());
    let length = mebibytes << 20;
    // It may take longer than any other test.
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(async {
        let mut digesting = Digesting::new();
        pieces().take(length / PIECE).for_each(|piece| digesting.add(piece));
        let sha256 = digesting.end();
        for (name, is_by_tus) in [("put.bin", false), ("tus.bin", true)] {
            // What the allocator keeps of one way is not counted for the other.
            let site = Site::start(QUICK).await;
            site.served.forget_memory_max();
            let path = format!("/files/content/{name}");
            if is_by_tus {
                send_in_parts(&site, name, length).await;
            } else {
                let request = site.request(Method::PUT, &path).header("content-length", length);
                let (status, body) = read(request.body(body_of(pieces().take(length / PIECE))).send().await.unwrap()).await;
                assert_eq!(status, 201, "{body}");
            }
            check_memory(&site, &format!("{name} stored"));
            let (_, told) = site.get(&format!("/files/info/{name}")).await;
            assert_eq!((told["sha256"].as_str(), told["size_bytes"].as_u64()), (Some(&*sha256.to_string()), Some(length as u64)));
            assert!(fetched(&site, &path).await == sha256);
            check_memory(&site, &format!("{name} fetched"));
            assert_eq!(read(site.request(Method::DELETE, &path).send().await.unwrap()).await.0, 204);
            check_memory(&site, &format!("{name} removed"));
            assert!(site.served.stop().code == Some(0));
        }
    });
}
