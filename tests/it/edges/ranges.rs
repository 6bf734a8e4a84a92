//! Downloads of a range: exactly its bytes, and of the segments those with its bytes alone.

use p2p_base::random::RandomStream;
use p2p_base::units::ByteSize;
use p2p_engine::operation::{ByteRange, ListNodes};
use p2p_engine::transfer::TransferState;
use p2p_engine::{EngineError, ErrorKind};
use p2p_store::segment::SegmentSize;

use super::bench::{Bench, content, key, named, on_a_runtime, remote};
use crate::harness::user;

/// Bytes that the nodes have sent.
async fn sent(bench: &Bench) -> u64 {
    bench.ask(ListNodes).await.iter().map(|node| node.bytes_sent).sum()
}

async fn fetches_exactly(bench: &Bench, bytes: &[u8], segment: u64, range: ByteRange, is_remote: bool) {
    let caller = if is_remote { remote("alice") } else { user("alice") };
    let before = sent(bench).await;
    let (report, read) = bench.fetch(&caller, key("alice", "a"), Some(range)).await.unwrap();
    let first = range.first as usize;
    let end = range.len.map_or(bytes.len(), |len| first.saturating_add(len as usize).min(bytes.len()));
    assert!(read == bytes[first..end], "{range:?} of {}: {} bytes", bytes.len(), read.len());
    let segments = if first == end { 0 } else { (end as u64).div_ceil(segment) - first as u64 / segment };
    let status = report.status;
    assert_eq!(
        (status.state, u64::from(status.segments), u64::from(status.segments_done)),
        (TransferState::Done, segments, segments)
    );
    let crossed = sent(bench).await - before;
    // What lies too far ahead of a reader from remote that has stopped for a moment is given up and asked for again.
    let is_little = is_remote || crossed <= segments * (segment + segment / 4) + 20_000;
    assert!(is_little, "{crossed} bytes for {segments} segments of {range:?}");
    assert!(segments == 0 || crossed >= segments.saturating_sub(1) * segment, "{crossed}");
}

#[test]
fn a_range_gives_exactly_its_bytes() {
    let mut random = RandomStream::new(1, "ranges");
    for (segment, size) in [(4 << 10, 50_000), (4 << 10, 4 << 10), (64 << 10, 300_001), (64 << 10, 1), (256 << 10, 1 << 20)] {
        on_a_runtime(async {
            let bench = Bench::with(|config| config.segment_size = SegmentSize::new(ByteSize::from_bytes(segment)).unwrap());
            let bytes = content(size as usize, 1);
            bench.store(&user("alice"), named("a"), &bytes).await;
            let mut ranges =
                vec![(0, None), (0, Some(0)), (size, None), (size - 1, Some(1)), (0, Some(u64::MAX)), (size / 2, Some(u64::MAX))];
            ranges.extend((0..12).map(|_| (random.below(size), Some(random.below(size) + 1))));
            ranges.extend([(segment.min(size), Some(1)), (segment.min(size) - 1, Some(2))]);
            for (n, (first, len)) in ranges.into_iter().enumerate() {
                fetches_exactly(&bench, &bytes, segment, ByteRange { first, len }, n % 2 == 0).await;
            }
            let beyond = ByteRange { first: size + 1, len: Some(1) };
            let refused = bench.fetch(&remote("alice"), key("alice", "a"), Some(beyond)).await.unwrap_err();
            assert!(matches!(&refused, EngineError::BeyondEnd { first, .. } if *first == size + 1), "{refused:?}");
            assert_eq!(refused.kind(), ErrorKind::OutOfRange);
        });
    }
}

/// A range of an empty file is empty, and asks no node for anything.
#[test]
fn an_empty_range_crosses_no_network() {
    on_a_runtime(async {
        let bench = Bench::new();
        bench.store(&remote("alice"), named("a"), &content(0, 1)).await;
        let before = sent(&bench).await;
        for range in [None, Some(ByteRange { first: 0, len: Some(7) }), Some(ByteRange { first: 0, len: None })] {
            let (report, read) = bench.fetch(&remote("alice"), key("alice", "a"), range).await.unwrap();
            assert_eq!((read.len(), report.status.segments, report.status.state), (0, 0, TransferState::Done));
        }
        assert_eq!(sent(&bench).await, before);
    });
}
