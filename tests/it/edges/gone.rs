//! Uploads that end early, and downloads whose reader goes: nothing is left of them, and no part of a file is ever a file.

use std::io;

use p2p_engine::cause::FailureKind;
use p2p_engine::operation::{Cancel, StatUser};
use p2p_engine::transfer::{TransferError, TransferState};
use p2p_engine::{Caller, StreamUpload};

use p2p_base::units::ByteSize;
use p2p_store::segment::SegmentSize;

use super::bench::{Bench, content, feed, key, named, on_a_runtime, remote};
use crate::harness::user;

/// A way in which an upload ends early.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The writer is dropped within a segment.
    Dropped,
    /// It is dropped after the last byte.
    Complete,
    /// It says that it cannot read any further.
    Failed,
    Cancelled,
}

/// Ends an upload of these bytes early, and gives its state and its error.
async fn ended(bench: &Bench, caller: &Caller, bytes: usize, end: End) -> (TransferState, Option<TransferError>) {
    let mut begun = bench.begin(caller, named("a")).await.unwrap();
    let transfer = begun.transfer;
    let work = async {
        begun.writer.write(content(bytes, 1)).await.unwrap();
        match end {
            End::Dropped | End::Complete => drop(begun.writer),
            End::Failed => begun.writer.fail("a pipe", &io::Error::other("broken")).await,
            End::Cancelled => {
                bench.ask(Cancel { transfer }).await;
                begun.writer.closed().await;
                assert!(begun.writer.write(content(1, 1)).await.is_err());
            }
        }
    };
    let ((), report) = tokio::join!(work, bench.finished(transfer));
    (report.status.state, report.status.error)
}

#[test]
fn what_ends_early_is_never_a_file() {
    on_a_runtime(async {
        let bench = Bench::new();
        bench.store(&user("bob"), named("other"), &content(100_000, 9)).await;
        let before = bench.segments();
        for caller in [remote("alice"), user("alice")] {
            for (bytes, end) in [
                (500_001, End::Dropped),
                (10, End::Dropped),
                (4 << 16, End::Complete),
                (300_000, End::Complete),
                (300_000, End::Failed),
                (150_000, End::Cancelled),
            ] {
                // Virtual time waits for a local writer, and with it a cancel does.
                if matches!(end, End::Cancelled) && caller == user("alice") {
                    continue;
                }
                let (state, error) = ended(&bench, &caller, bytes, end).await;
                let is_failure = matches!(end, End::Failed) && caller.origin == user("x").origin;
                let expected = if is_failure { TransferState::Failed } else { TransferState::Cancelled };
                assert_eq!(state, expected, "{caller:?}, {end:?}: {error:?}");
                assert_eq!((bench.files().await, bench.segments()), (vec!["~bob/other".to_owned()], before.clone()), "{end:?}");
                let usage = bench.handle.call(&user("alice"), StatUser).await.unwrap();
                assert_eq!((usage.files, usage.file_bytes, usage.arriving_bytes), (0, 0, 0));
            }
        }
        // The name is free.
        let bytes = content(500_001, 2);
        bench.store(&remote("alice"), named("a"), &bytes).await;
        assert_eq!(bench.all_of(&user("alice"), key("alice", "a")).await, bytes);
    });
}

/// An upload may wait for memory that idle streams hold for as long as they like.
#[test]
fn a_writer_that_goes_while_its_upload_waits_for_memory_is_found() {
    on_a_runtime(async {
        let segment = ByteSize::from_bytes(32 << 10);
        let bench = Bench::with(|config| {
            config.segment_size = SegmentSize::new(segment).unwrap();
            config.memory = ByteSize::from_bytes(8 * segment.as_u64());
        });
        let alice = remote("alice");
        let bytes = content(segment.as_u64() as usize, 1);
        let stalled = bench.begin_with(&alice, named("stalled"), &bytes).await;
        bench.until(stalled.transfer, |status| status.state == TransferState::Idle).await;
        let mut begun = bench.begin(&alice, named("waiting")).await.unwrap();
        begun.writer.write(bytes).await.unwrap();
        bench.until(begun.transfer, |status| status.state == TransferState::Waiting).await;
        drop(begun.writer);
        assert_eq!(bench.finished(begun.transfer).await.status.state, TransferState::Cancelled);
        assert_eq!(bench.status(stalled.transfer).await.state, TransferState::Idle);
    });
}

#[test]
fn content_of_another_size_than_it_was_declared_is_not_stored() {
    on_a_runtime(async {
        let bench = Bench::new();
        for caller in [remote("alice"), user("alice")] {
            for (declared, given) in [("300000B", 299_999), ("300000B", 300_001), ("1B", 0), ("0B", 1), ("65536B", 65_537)] {
                let upload = StreamUpload { size: Some(declared.parse().unwrap()), ..named("a") };
                let report = bench.store(&caller, upload, &content(given, 1)).await;
                let Some(TransferError::File(failure)) = &report.status.error else { panic!("{report:?}") };
                let size = declared.parse::<ByteSize>().unwrap().as_u64();
                // Of content that is too long, no more is read than shows it.
                let says = matches!(failure.kind(), FailureKind::OtherThanDeclared { declared, found } if *declared == size
                    && if given as u64 > size { (size + 1..=given as u64).contains(found) } else { *found == given as u64 });
                assert!(says && report.status.state == TransferState::Failed, "{declared}, {given}: {report:?}");
                assert!(bench.files().await.is_empty() && bench.segments().is_empty(), "{declared}, {given}");
            }
        }
    });
}

#[test]
fn a_reader_that_goes_cancels_its_download() {
    on_a_runtime(async {
        let (bench, bytes) = (Bench::new(), content(2_000_000, 1));
        bench.store(&user("alice"), named("a"), &bytes).await;
        for caller in [remote("alice"), user("alice")] {
            for pieces in [0, 1, 7] {
                let (transfer, mut reader) = bench.handle.download_stream(&caller, key("alice", "a"), None).await.unwrap();
                let some = async move {
                    for _ in 0..pieces {
                        assert!(reader.read().await.unwrap().is_some());
                    }
                };
                let ((), report) = tokio::join!(some, bench.finished(transfer));
                assert_eq!(report.status.state, TransferState::Cancelled, "after {pieces}: {report:?}");
            }
        }
        // Who goes after the last byte has had all of it.
        let (transfer, mut reader) = bench.handle.download_stream(&remote("alice"), key("alice", "a"), None).await.unwrap();
        let all = async move {
            let mut left = bytes.len();
            while left > 0 {
                left -= reader.read().await.unwrap().unwrap().len();
            }
        };
        let ((), report) = tokio::join!(all, bench.finished(transfer));
        assert_eq!(report.status.state, TransferState::Done);
    });
}

/// A reader finds out that its download was cancelled, and so does a writer, even with a piece in hand.
#[test]
fn the_other_end_is_told() {
    on_a_runtime(async {
        let (bench, bytes) = (Bench::new(), content(2_000_000, 1));
        bench.store(&user("alice"), named("a"), &bytes).await;
        let (transfer, mut reader) = bench.handle.download_stream(&remote("alice"), key("alice", "a"), None).await.unwrap();
        bench.until(transfer, |status| status.state == TransferState::Idle).await;
        bench.ask(Cancel { transfer }).await;
        let mut read = reader.read().await;
        while let Ok(Some(_)) = read {
            read = reader.read().await;
        }
        assert!(read.is_err(), "what was not complete is not said to be");
        let begun = bench.begin(&remote("alice"), named("b")).await.unwrap();
        bench.ask(Cancel { transfer: begun.transfer }).await;
        feed(begun.writer, bytes, 0).await;
        assert_eq!(bench.files().await, ["~alice/a"]);
    });
}
