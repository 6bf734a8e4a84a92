//! Recordings of runs with streams of remote origin: they replay from the recording alone, without the content of any stream.

use std::fs::File;
use std::path::Path;

use p2p_base::units::SimDuration;
use p2p_engine::StreamUpload;
use p2p_engine::operation::{ByteRange, Cancel, ForgetUpload, MakeDirectory, ShareUploads};
use p2p_engine::recording::{Recording, Replayed};
use p2p_engine::transfer::TransferState;
use p2p_store::manifest::NodeNumber;

use super::bench::{Bench, content, drain, feed, kept, key, named, on_a_runtime, remote, upload_id};
use crate::harness::user;

pub(super) fn replay(recording: &Path, scratch: &Path) -> Replayed {
    let read = Recording::read(File::open(recording).unwrap(), recording).unwrap();
    read.replay(scratch, &|| false).unwrap()
}

/// Asserts that each of two replays of a recording is the run with this trace.
pub(super) fn replays_twice(bench: &Bench, recording: &Path, trace: &String) {
    for n in 0..2 {
        let scratch = bench.path(&format!("scratch{n}"));
        std::fs::create_dir(&scratch).unwrap();
        let replayed = replay(recording, &scratch);
        assert_eq!(replayed.recorded_hash.as_ref(), Some(trace));
        assert_eq!(&replayed.trace_hash, trace);
    }
}

/// Uploads from remote, of which one stalls, one is dropped and one is kept and continued.
async fn uploads(bench: &Bench) {
    let (alice, bytes) = (remote("alice"), content(400_000, 1));
    // The same content twice, and once more what a file of before has.
    bench.store(&alice, named("first"), &bytes).await;
    bench.store(&alice, named("second"), &bytes).await;
    bench.store(&alice, named("again"), &content(300_000, 7)).await;
    let stalled = bench.begin_with(&alice, named("stalled"), &bytes.slice(..200_000)).await;
    let dropped = bench.begin_with(&alice, named("dropped"), &content(300_000, 2)).await;
    bench.pass(SimDuration::from_secs(3_600)).await;
    drop(dropped.writer);
    assert_eq!(bench.finished(dropped.transfer).await.status.state, TransferState::Cancelled);
    for n in [1, 2] {
        let begun = bench.begin_with(&alice, kept(&format!("kept{n}"), upload_id(n)), &content(300_000, 3)).await;
        drop(begun.writer);
        assert_eq!(bench.finished(begun.transfer).await.status.state, TransferState::Parked);
    }
    let report = bench.store(&alice, kept("kept1", upload_id(1)), &content(500_000, 3)).await;
    assert_eq!(report.status.state, TransferState::Done);
    let transfer = bench.handle.call(&alice, ForgetUpload { upload: upload_id(2) }).await.unwrap();
    bench.finished(transfer).await;
    let ((), report) = tokio::join!(feed(stalled.writer, bytes.slice(200_000..), 0), bench.finished(stalled.transfer));
    assert_eq!(report.status.state, TransferState::Done);
}

/// Downloads to remote, of which one is never read, one is dropped and one is of what was there before.
async fn downloads(bench: &Bench) {
    let alice = remote("alice");
    let unread = bench.handle.download_stream(&alice, key("alice", "first"), None).await.unwrap();
    let dropped = bench.handle.download_stream(&alice, key("alice", "first"), None).await.unwrap();
    let mut slow = bench.handle.download_stream(&alice, key("alice", "old"), None).await.unwrap();
    bench.pass(SimDuration::from_secs(3_600)).await;
    drop(dropped.1);
    for range in [ByteRange { first: 70_000, len: Some(100_000) }, ByteRange { first: 399_999, len: None }] {
        let (_, read) = bench.fetch(&alice, key("alice", "second"), Some(range)).await.unwrap();
        assert_eq!(read.len() as u64, range.len.unwrap_or(1));
    }
    assert_eq!(bench.all_of(&alice, key("alice", "again")).await, content(300_000, 7));
    let (read, _) = tokio::join!(drain(&mut slow.1), bench.finished(slow.0));
    assert_eq!(read.unwrap(), content(300_000, 7));
    bench.ask(Cancel { transfer: unread.0 }).await;
    bench.remove(key("alice", "first")).await;
}

#[test]
fn a_run_with_streams_replays_without_their_content() {
    let bench = Bench::new();
    let before = on_a_runtime(async {
        bench.store(&user("alice"), named("old"), &content(300_000, 7)).await;
        bench.segments()
    });
    let recording = bench.path("run.p2prec");
    let bench = bench.restart(Some(&recording));
    let trace = on_a_runtime(async {
        uploads(&bench).await;
        downloads(&bench).await;
        bench.handle.trace_hash().await.unwrap().to_string()
    });
    // The end of the engine ends the recording.
    let bench = bench.restart(None);
    let streamed: Vec<_> = bench.segments().into_iter().filter(|path| !before.contains(path)).collect();
    assert!(streamed.len() > 5);
    streamed.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    replays_twice(&bench, &recording, &trace);
}

/// Uploads into a directory that another user had shared before the run, one of them kept by then, and one that the run shares itself.
#[test]
fn uploads_into_shared_directories_are_replayed() {
    let (alice, dave, bytes) = (remote("alice"), remote("dave"), content(300_000, 5));
    let share = |path: &str| ShareUploads { directory: key("alice", path), user: "dave".into(), may_upload: true };
    let into = |upload: StreamUpload, preferred| StreamUpload { owner: Some("alice".into()), preferred, ..upload };
    let node = Some(NodeNumber::from_index(1));
    let bench = Bench::new();
    on_a_runtime(async {
        for path in ["inbox", "later"] {
            let make = MakeDirectory { path: path.into(), parents: false, made_at: 0 };
            bench.handle.call(&alice, make).await.unwrap();
        }
        bench.handle.call(&alice, share("inbox")).await.unwrap();
        let begun = bench.begin_with(&dave, into(kept("inbox/kept", upload_id(1)), None), &bytes).await;
        drop(begun.writer);
        assert_eq!(bench.finished(begun.transfer).await.status.state, TransferState::Parked);
    });
    let recording = bench.path("run.p2prec");
    let bench = bench.restart(Some(&recording));
    let trace = on_a_runtime(async {
        bench.store(&dave, into(kept("inbox/kept", upload_id(1)), node), &content(400_000, 5)).await;
        bench.store(&dave, into(named("inbox/new"), node), &content(200_000, 6)).await;
        bench.handle.call(&alice, share("later")).await.unwrap();
        bench.store(&dave, into(named("later/new"), None), &content(100_000, 7)).await;
        let report = bench.store(&alice, named("own"), &content(100_000, 8)).await;
        assert_eq!(report.status.state, TransferState::Done);
        bench.handle.trace_hash().await.unwrap().to_string()
    });
    let bench = bench.restart(None);
    replays_twice(&bench, &recording, &trace);
}

/// A recording of another input is another run: the trace depends on what arrived.
#[test]
fn what_arrives_is_part_of_the_trace() {
    let trace = |salt| {
        on_a_runtime(async {
            let bench = Bench::new();
            bench.store(&remote("alice"), named("a"), &content(300_000, salt)).await;
            bench.handle.trace_hash().await.unwrap().to_string()
        })
    };
    assert_ne!(trace(1), trace(2));
}
