//! Uploads that are kept when their stream goes: parked, listed, continued by every door of their owner, forgotten and expired.

use bytes::Bytes;
use p2p_base::units::SimDuration;
use p2p_engine::operation::{
    Break, Cancel, ExpireUploads, ForgetUpload, ListPackets, ListTransfers, OnShutdown, Park, Shutdown, StatUser, WatchWire,
};
use p2p_engine::transfer::{SegmentTimeline, TransferId, TransferReport, TransferState};
use p2p_engine::{BegunUpload, Caller, EngineConfig, EngineError};
use p2p_store::manifest::NodeNumber;

use super::bench::{Bench, content, kept, key, named, on_a_runtime, remote, upload_id};
use crate::harness::{OPERATOR, slow_link, user};

const SEGMENT: u64 = 64 << 10;

/// Begins an upload of alice's, of which some bytes arrive before its writer is dropped, and waits until it is parked.
async fn park(bench: &Bench, caller: &Caller, n: u8, bytes: &Bytes) -> TransferId {
    let mut begun = bench.begin(caller, kept(&format!("a{n}"), upload_id(n))).await.unwrap();
    let (rest, transfer) = (bytes.slice(begun.offset as usize..), begun.transfer);
    let work = async move {
        begun.writer.write(rest).await.unwrap();
    };
    let ((), report) = tokio::join!(work, bench.finished(transfer));
    assert_eq!((report.status.state, report.status.error.as_ref()), (TransferState::Parked, None), "{report:?}");
    transfer
}

#[test]
fn a_parked_upload_is_listed_and_counts_and_is_no_file() {
    on_a_runtime(async {
        let bench = Bench::new();
        park(&bench, &remote("alice"), 1, &content(300_000, 1)).await;
        assert!(bench.files().await.is_empty());
        for caller in [&user("alice"), &remote("alice"), &OPERATOR] {
            let uploads = bench.uploads(caller).await;
            let [upload] = uploads.as_slice() else { panic!("{uploads:?}") };
            assert_eq!((upload.id, &upload.file, upload.offset), (upload_id(1), &key("alice", "a1"), 4 * SEGMENT));
            assert_eq!((upload.began_at, upload.expires_at, upload.transfer), (1, 1_000, None));
        }
        assert!(bench.uploads(&user("bob")).await.is_empty());
        let usage = bench.handle.call(&user("alice"), StatUser).await.unwrap();
        assert_eq!((usage.files, usage.file_bytes + usage.arriving_bytes), (0, 4 * SEGMENT));
        let taken = bench.begin(&user("alice"), named("a1")).await.unwrap_err();
        assert!(matches!(taken, EngineError::NameReserved { .. }), "{taken:?}");
        // Of each of the others the name is free.
        bench.store(&user("bob"), named("a1"), &content(10, 1)).await;
        assert_eq!(bench.files().await, ["~bob/a1"]);
    });
}

/// All its transfers are of one upload, and however many they are, others stay remembered beside them.
#[test]
fn the_pieces_of_an_upload_do_not_push_others_out() {
    on_a_runtime(async {
        let bench = Bench::new();
        let other = bench.store(&user("alice"), named("other"), &content(10, 1)).await.status;
        assert_eq!(other.upload, None);
        for _ in 0..220 {
            park(&bench, &remote("alice"), 1, &content(300_000, 1)).await;
        }
        let all = bench.ask(ListTransfers).await;
        assert_eq!((all.len(), all.first().map(|status| status.id)), (200, Some(other.id)));
        let pieces = &all[1..];
        assert!(pieces.iter().all(|status| status.upload == Some(upload_id(1))));
        assert!(pieces.is_sorted_by_key(|status| status.id) && all[199].id == TransferId(221));
        let last = &all[199];
        assert_eq!((last.bytes_before, last.segments_before, last.rate_bytes_per_second), (4 * SEGMENT, 4, None));
    });
}

#[test]
fn nobody_else_continues_or_forgets_an_upload() {
    on_a_runtime(async {
        let bench = Bench::new();
        park(&bench, &remote("alice"), 1, &content(300_000, 1)).await;
        let unknown = EngineError::UnknownUpload(upload_id(1));
        for bob in [user("bob"), remote("bob")] {
            assert_eq!(bench.begin(&bob, kept("x", upload_id(1))).await.unwrap_err(), unknown);
            let forget = ForgetUpload { upload: upload_id(1) };
            assert_eq!(bench.handle.call(&bob, forget).await.unwrap_err(), unknown);
        }
        assert_eq!(bench.uploads(&user("alice")).await.len(), 1);
        // Nor does its owner a second time while it runs.
        let begun = bench.begin(&remote("alice"), kept("a1", upload_id(1))).await.unwrap();
        let running = EngineError::UploadRunning(upload_id(1));
        assert_eq!(bench.begin(&user("alice"), kept("a1", upload_id(1))).await.unwrap_err(), running);
        let forget = ForgetUpload { upload: upload_id(1) };
        assert_eq!(bench.handle.call(&user("alice"), forget).await.unwrap_err(), running);
        assert_eq!(bench.begin(&remote("bob"), kept("a1", upload_id(1))).await.unwrap_err(), unknown);
        drop(begun);
    });
}

/// From remote to the terminal and back, and over two starts, of which each follows a kill.
#[test]
fn every_door_of_its_owner_continues_an_upload() {
    let (bytes, mut bench) = (content(1_000_001, 1), Bench::new());
    for (door, end) in [(remote("alice"), 300_000), (user("alice"), 400_000), (remote("alice"), 600_000)] {
        on_a_runtime(async {
            park(&bench, &door, 1, &bytes.slice(..end)).await;
            let offset = bench.uploads(&user("alice")).await[0].offset;
            assert_eq!(offset, end as u64 / SEGMENT * SEGMENT);
        });
        bench = bench.restart(None);
    }
    on_a_runtime(async {
        let begun = bench.begin(&user("alice"), kept("another name", upload_id(1))).await.unwrap();
        assert_eq!(begun.offset, 600_000 / SEGMENT * SEGMENT);
        drop(begun.writer);
        bench.finished(begun.transfer).await;
        let report = bench.store(&remote("alice"), kept("another name", upload_id(1)), &bytes).await;
        assert_eq!((report.status.state, report.status.bytes), (TransferState::Done, 1_000_001));
        assert_eq!(bench.all_of(&user("alice"), key("alice", "a1")).await, bytes);
        assert!(bench.uploads(&OPERATOR).await.is_empty());
        bench.remove(key("alice", "a1")).await;
        assert!(bench.segments().is_empty());
    });
}

/// An orderly end parks what is running.
#[test]
fn a_shutdown_keeps_what_is_running() {
    for running in [OnShutdown::Finish, OnShutdown::Cancel] {
        a_shutdown_keeps_a_running_upload(running);
    }
}

fn a_shutdown_keeps_a_running_upload(running: OnShutdown) {
    let (bytes, bench) = (content(700_000, 1), Bench::new());
    let begun = on_a_runtime(async {
        let begun = bench.begin_with(&remote("alice"), kept("a1", upload_id(1)), &bytes.slice(..500_000)).await;
        bench.ask(Shutdown { running }).await;
        begun
    });
    let bench = bench.restart(None);
    drop(begun);
    on_a_runtime(async {
        let uploads = bench.uploads(&user("alice")).await;
        assert_eq!(uploads.iter().map(|upload| upload.offset).collect::<Vec<_>>(), [500_000 / SEGMENT * SEGMENT]);
        let report = bench.store(&remote("alice"), kept("a1", upload_id(1)), &bytes).await;
        assert_eq!(report.status.state, TransferState::Done);
        assert_eq!(bench.all_of(&user("alice"), key("alice", "a1")).await, bytes);
    });
}

/// Of an upload that was never parked, a kill leaves what was kept on the way.
#[test]
fn a_kill_in_the_middle_leaves_a_checkpoint() {
    let (bytes, bench) = (content(12_000_000, 1), Bench::new());
    let begun = on_a_runtime(async {
        let begun = bench.begin_with(&remote("alice"), kept("a1", upload_id(1)), &bytes.slice(..11_000_000)).await;
        bench.until(begun.transfer, |status| status.state == TransferState::Idle).await;
        bench.pass("60s".parse().unwrap()).await;
        begun
    });
    let bench = bench.restart(None);
    drop(begun);
    on_a_runtime(async {
        let offset = bench.uploads(&user("alice")).await[0].offset;
        assert!((8 << 20..=11_000_000).contains(&offset) && offset % SEGMENT == 0, "{offset}");
        let report = bench.store(&remote("alice"), kept("a1", upload_id(1)), &bytes).await;
        assert_eq!(report.status.state, TransferState::Done);
        assert_eq!(bench.all_of(&user("alice"), key("alice", "a1")).await, bytes);
        bench.remove(key("alice", "a1")).await;
        assert!(bench.segments().is_empty(), "what was stored after the checkpoint is not left");
    });
}

/// Its row, its pins and its segments go; but those that a file needs stay.
#[test]
fn a_forgotten_or_expired_upload_leaves_nothing() {
    let bench = Bench::new();
    let bytes = content(600_000, 1);
    let before = on_a_runtime(async {
        bench.store(&user("bob"), named("b"), &bytes.slice(..3 * SEGMENT as usize)).await;
        let before = bench.segments();
        for n in 1..=3 {
            park(&bench, &remote("alice"), n, &bytes.slice(..400_000 + 65_536 * usize::from(n))).await;
        }
        assert!(bench.segments().len() > before.len());
        before
    });
    // The row is what a start finds.
    let bench = bench.restart(None);
    on_a_runtime(async {
        let transfer = bench.handle.call(&remote("alice"), ForgetUpload { upload: upload_id(1) }).await.unwrap();
        assert_eq!(bench.finished(transfer).await.status.state, TransferState::Done);
        assert_eq!(bench.uploads(&user("alice")).await.len(), 2);
        assert!(bench.segments().len() > before.len(), "the others need them");
        // It is continued with a later expiry.
        let mut later = kept("a2", upload_id(2));
        later.keep.as_mut().unwrap().expires_at = 2_000;
        let begun = bench.begin(&user("alice"), later).await.unwrap();
        drop(begun.writer);
        bench.finished(begun.transfer).await;
        bench.ask(ExpireUploads { now: 999 }).await;
        assert_eq!(bench.uploads(&user("alice")).await.len(), 2);
        bench.ask(ExpireUploads { now: 1_000 }).await;
        let left = bench.uploads(&user("alice")).await;
        assert_eq!(left.iter().map(|upload| (upload.id, upload.expires_at)).collect::<Vec<_>>(), [(upload_id(2), 2_000)]);
        bench.ask(ExpireUploads { now: 2_000 }).await;
        bench.pass("60s".parse().unwrap()).await;
        assert!(bench.uploads(&OPERATOR).await.is_empty());
        assert_eq!(bench.segments(), before);
        assert_eq!(bench.all_of(&user("bob"), key("bob", "b")).await, bytes.slice(..3 * SEGMENT as usize));
        let unknown = bench.handle.call(&user("alice"), ForgetUpload { upload: upload_id(1) }).await;
        assert_eq!(unknown.unwrap_err(), EngineError::UnknownUpload(upload_id(1)));
    });
    let bench = bench.restart(None);
    on_a_runtime(async {
        assert!(bench.uploads(&OPERATOR).await.is_empty());
        let usage = bench.handle.call(&user("alice"), StatUser).await.unwrap();
        assert_eq!((usage.files, usage.file_bytes, usage.arriving_bytes), (0, 0, 0));
        let stored = bench.store(&user("alice"), named("a1"), &bytes).await;
        assert_eq!(stored.status.state, TransferState::Done, "the name is free");
    });
}

#[test]
fn a_cancel_undoes_a_kept_upload() {
    on_a_runtime(async {
        let bench = Bench::new();
        park(&bench, &remote("alice"), 1, &content(300_000, 1)).await;
        for is_continued in [true, false] {
            let n = if is_continued { 1 } else { 2 };
            let begun = bench.begin_with(&remote("alice"), kept(&format!("a{n}"), upload_id(n)), &content(500_000, 1)).await;
            let report = bench.ask(Cancel { transfer: begun.transfer }).await;
            assert_eq!(report.status.state, TransferState::Cancelled);
            assert!(bench.uploads(&OPERATOR).await.is_empty() && bench.segments().is_empty());
        }
        let report = bench.store(&user("alice"), named("a1"), &content(10, 1)).await;
        assert_eq!(report.status.state, TransferState::Done);
    });
}

/// Slow links of the client and of all nodes.
fn slow(config: &mut EngineConfig) {
    config.client.link = slow_link();
    config.nodes.iter_mut().for_each(|node| node.host.link = slow_link());
}

/// Begins an upload that is kept, and gives it content for so long that most of it is still to be sent.
async fn under_way(bench: &Bench, bytes: &Bytes) -> BegunUpload {
    let mut begun = bench.begin(&user("alice"), kept("a1", upload_id(1))).await.unwrap();
    let passed = tokio::select! {
        biased;
        () = bench.pass("20s".parse().unwrap()) => true,
        _ = begun.writer.write(bytes.clone()) => false,
    };
    assert!(passed, "all of it was taken");
    begun
}

/// Tells an upload to stop, as an interruption of `p2p put --keep` does, whose stream is dropped then.
async fn stop(bench: &Bench, begun: BegunUpload) -> Box<TransferReport> {
    let report = bench.ask(Park { transfer: begun.transfer }).await;
    drop(begun.writer);
    assert_eq!((report.status.state, report.status.error.as_ref()), (TransferState::Parked, None), "{report:?}");
    report
}

/// What is told to stop asks for nothing more. What it has asked for ends, within the window of the upload, and is kept, and can be continued.
#[test]
fn an_upload_that_is_told_to_stop_keeps_what_it_has_asked_for() {
    for seed in 1..5 {
        let bytes = content(5 << 20, seed);
        let bench = Bench::with(|config| {
            slow(config);
            config.seed = seed;
        });
        on_a_runtime(async {
            bench.ask(WatchWire { packets: Some(100_000) }).await;
            let begun = under_way(&bench, &bytes).await;
            let stopped = bench.ask(ListPackets).await.iter().map(|packet| packet.at).max().unwrap();
            let before = bench.status(begun.transfer).await;
            let TransferReport { status, timelines, .. } = *stop(&bench, begun).await;
            let in_flight = before.segments - before.segments_done;
            let late = timelines.iter().filter(|timeline| timeline.acknowledged.is_some_and(|at| at > stopped)).count();
            let took = status.finished.unwrap() - stopped;
            assert!(in_flight > 10 && late <= in_flight as usize, "seed {seed}: {late} of {in_flight}");
            // The window at 64 KiB/s, and that for what is lost among it.
            assert!(took < SimDuration::from_secs(40), "seed {seed}: {took}");
            assert_eq!(timelines.iter().filter(|timeline| timeline.queued > stopped).count(), 0, "nothing more is asked for");
            let stored = timelines.iter().take_while(|timeline| timeline.acknowledged.is_some()).count() as u64;
            assert_eq!((status.bytes_done, status.bytes_arrived), (stored * SEGMENT, stored * SEGMENT));
            let [upload] = &bench.uploads(&user("alice")).await[..] else { panic!("one upload is kept") };
            assert_eq!((upload.offset, stored > 2), (stored * SEGMENT, true), "{timelines:?}");
            bench.pass("60s".parse().unwrap()).await;
            assert_eq!(bench.segments().len() as u64, stored, "what is not kept is deleted");
            bench.store(&user("alice"), kept("a1", upload_id(1)), &bytes).await;
            assert_eq!(bench.all_of(&user("alice"), key("alice", "a1")).await, bytes);
        });
    }
}

/// What a node has that is out of reach at the stop is not durable: kept is what comes before the first of it.
#[test]
fn an_upload_that_is_told_to_stop_keeps_what_is_durable() {
    let (bytes, bench) = (content(5 << 20, 1), Bench::with(slow));
    on_a_runtime(async {
        let begun = under_way(&bench, &bytes).await;
        let node = NodeNumber::from_index(2);
        bench.ask(Break::Kill { node }).await;
        let status = bench.status(begun.transfer).await;
        let awaited: Vec<NodeNumber> = status.awaited.iter().map(|awaited| awaited.node).collect();
        assert_eq!((awaited, status.replaced), (vec![node], vec![]), "a stream is not read again");
        let TransferReport { timelines, .. } = *stop(&bench, begun).await;
        let is_kept = |timeline: &&SegmentTimeline| timeline.acknowledged.is_some() && timeline.holder != node;
        let kept_there = timelines.iter().take_while(is_kept).count() as u64;
        let uploads = bench.uploads(&user("alice")).await;
        assert_eq!(uploads.iter().map(|upload| upload.offset).collect::<Vec<_>>(), [kept_there * SEGMENT]);
        let TransferReport { status, .. } = *bench.store(&user("alice"), kept("a1", upload_id(1)), &bytes).await;
        assert_eq!((status.state, kept_there > 0), (TransferState::Done, true));
        assert_eq!(bench.all_of(&user("alice"), key("alice", "a1")).await, bytes);
    });
}

/// Nothing has arrived, or less than a segment: it is kept all the same, and continued from the begin.
#[test]
fn an_upload_that_has_barely_begun_is_kept_too() {
    on_a_runtime(async {
        let bench = Bench::new();
        for (n, some) in [(1, 0), (2, 10)] {
            let bytes = content(200_000, 1);
            park(&bench, &remote("alice"), n, &bytes.slice(..some)).await;
            assert_eq!(bench.uploads(&user("alice")).await[0].offset, 0);
            let report = bench.store(&user("alice"), kept("x", upload_id(n)), &bytes).await;
            assert_eq!(report.status.state, TransferState::Done);
            assert_eq!(bench.all_of(&remote("alice"), key("alice", &format!("a{n}"))).await, bytes);
        }
    });
}
