//! Streams of this machine: virtual time waits for them, so that their pace changes nothing of what happens.

use p2p_engine::operation::{self, Await, ByteRange};
use p2p_engine::transfer::TransferState;
use p2p_engine::{ClockMode, EngineError, Event};
use p2p_store::segment::Sha256Digest;

use super::bench::{Bench, content, drain, feed, key, named, on_a_runtime, remote};
use crate::harness::{slow_link, user};

/// Sizes of which the last segment is a full one, a part, or the only one, and nothing at all.
const SIZES: [usize; 4] = [0, 5_000, 4 << 16, 700_001];

/// On lossy links.
fn bench() -> Bench {
    Bench::with(|config| {
        config.client.link = slow_link();
        config.nodes.iter_mut().for_each(|node| node.host.link = slow_link());
    })
}

/// The trace of uploads and downloads whose writer gives and whose reader takes this many bytes at a time at the most.
fn trace(most: u64) -> String {
    on_a_runtime(async {
        let bench = bench();
        let alice = user("alice");
        for (n, size) in SIZES.into_iter().enumerate() {
            let (name, bytes) = (n.to_string(), content(size, n as u64));
            let begun = bench.begin(&alice, named(&name)).await.unwrap();
            let ((), report) = tokio::join!(feed(begun.writer, bytes.clone(), most), bench.finished(begun.transfer));
            assert_eq!(report.status.state, TransferState::Done);
            let (transfer, mut reader) = bench.handle.download_stream(&alice, key("alice", &name), None).await.unwrap();
            let slowly = async {
                for _ in 0..most / 500 {
                    tokio::task::yield_now().await;
                }
                drain(&mut reader).await
            };
            let (read, report) = tokio::join!(slowly, bench.handle.call(&alice, Await { transfer }));
            assert_eq!((read.unwrap(), report.unwrap().status.state), (bytes.to_vec(), TransferState::Done));
        }
        bench.handle.trace_hash().await.unwrap().to_string()
    })
}

/// Who is told that a file is stored finds it at once.
#[test]
fn what_an_event_tells_is_so() {
    on_a_runtime(async {
        let (bench, alice) = (Bench::with(|config| config.clock = ClockMode::Running), user("alice"));
        let mut events = bench.handle.events(None).live;
        for n in 0..50 {
            let begun = bench.begin(&alice, named(&n.to_string())).await.unwrap();
            feed(begun.writer, content(100, n), 0).await;
            let stored = loop {
                if let Event::FileStored { file, .. } = &events.recv().await.unwrap().event {
                    break file.clone();
                }
            };
            assert!(bench.handle.snapshots().borrow().files.file(&stored).is_some(), "{stored:?}");
        }
    });
}

#[test]
fn the_pace_of_a_local_stream_changes_no_trace() {
    let at_once = trace(0);
    for most in [1_000, 66_000, 200_000] {
        assert_eq!(trace(most), at_once, "in pieces of up to {most} bytes");
    }
    assert_eq!(trace(0), at_once);
}

/// A file and a stream of the same content and the same declared size are stored at the same instants.
#[test]
fn a_local_stream_takes_the_time_of_a_file() {
    on_a_runtime(async {
        let (bytes, alice) = (content(700_001, 1), user("alice"));
        let (by_file, by_stream) = (bench(), bench());
        std::fs::write(by_file.path("a"), &bytes).unwrap();
        let upload = operation::Upload::of_file(by_file.path("a"), None, 1);
        let transfer = by_file.handle.call(&alice, upload).await.unwrap();
        let file = by_file.finished(transfer).await;
        let upload = p2p_engine::StreamUpload { size: Some("700001B".parse().unwrap()), ..named("a") };
        let stream = by_stream.store(&alice, upload, &bytes).await;
        assert_eq!((file.status.finished, file.sha256), (stream.status.finished, stream.sha256));
        assert_eq!(by_file.handle.trace_hash().await, by_stream.handle.trace_hash().await);
    });
}

/// A part of a file is that of the content that was expected, whatever has taken its place.
#[test]
fn a_part_of_other_content_is_refused() {
    on_a_runtime(async {
        let (bench, alice, bytes) = (bench(), remote("alice"), content(200_000, 1));
        bench.store(&alice, named("a"), &bytes).await;
        let range = Some(ByteRange { first: 70_000, len: Some(5) });
        let fetch = |digest| bench.handle.download_content(&alice, key("alice", "a"), range, Some(digest));
        let (transfer, mut reader) = fetch(Sha256Digest::of(&bytes)).await.unwrap();
        let (_, read) = tokio::join!(bench.finished(transfer), drain(&mut reader));
        assert_eq!(read.unwrap(), &bytes[70_000..70_005]);
        let (expected, found) = (Sha256Digest::of(b"other"), Sha256Digest::of(&bytes));
        assert_eq!(fetch(expected).await.err(), Some(EngineError::ContentDiffers { name: "a".into(), expected, found }));
    });
}
