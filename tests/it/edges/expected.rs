//! Uploads and removals of which the content is given that they alone may replace or remove: of several that expect the same, one comes first,
//! and what the others have brought is dropped.

use p2p_engine::io::InlineIo;
use p2p_engine::operation::{CopyFile, Remove};
use p2p_engine::transfer::{Direction, TransferError, TransferState};
use p2p_engine::{EngineError, Reply, StreamUpload};
use p2p_store::attributes::StoreAs;
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;

use super::bench::{Bench, content, feed, kept, key, named, on_a_runtime, remote, upload_id};
use super::replays::replays_twice;
use crate::harness::{Harness, config, home_in_memory, quick_link, random_file, user};

/// An upload that may take the place of a file of this content alone.
fn in_place_of(bytes: &[u8], upload: StreamUpload) -> StreamUpload {
    let expected = Some(Sha256Digest::of(bytes));
    StreamUpload { stored_as: StoreAs { replace: true, expected, ..StoreAs::default() }, ..upload }
}

fn differs(name: &str, expected: &[u8], found: &[u8]) -> EngineError {
    EngineError::ContentDiffers { name: name.into(), expected: Sha256Digest::of(expected), found: Sha256Digest::of(found) }
}

/// Of two uploads in the place of the same content, the one that is begun first is stored, whenever the other comes.
#[test]
fn one_of_two_uploads_is_stored() {
    on_a_runtime(async {
        let (bench, alice, contents) = (Bench::new(), remote("alice"), [1, 2, 3].map(|salt| content(200_000, salt)));
        let [old, new, late] = &contents;
        let wanted = || in_place_of(old, named("a"));
        assert!(matches!(bench.begin(&alice, wanted()).await, Err(EngineError::UnknownFile { .. })), "nothing is there");
        bench.store(&alice, named("a"), old).await;
        let first = bench.begin_with(&alice, wanted(), new).await;
        assert!(matches!(bench.begin(&alice, wanted()).await, Err(EngineError::NameReserved { .. })));
        let ((), report) = tokio::join!(async { first.writer.finish().await.unwrap() }, bench.finished(first.transfer));
        assert_eq!(report.status.state, TransferState::Done);
        assert_eq!(bench.begin(&alice, wanted()).await.unwrap_err(), differs("a", old, new));
        let report = bench.store(&alice, in_place_of(new, named("a")), late).await;
        assert_eq!(report.status.state, TransferState::Done);
        assert_eq!(bench.all_of(&alice, key("alice", "a")).await, *late);
    });
}

/// A copy that comes before an upload, and is not known yet when that begins, is not lost: the upload fails, and nothing of it stays.
#[test]
fn an_upload_spares_what_came_first() {
    on_a_runtime(async {
        let (bench, alice) = (Bench::new(), remote("alice"));
        let [old, other, new] = [1, 2, 3].map(|salt| content(200_000, salt));
        bench.store(&alice, named("old"), &old).await;
        bench.store(&alice, named("other"), &other).await;
        let before = bench.segments();
        for _ in 0..10 {
            copied(&bench, "old").await;
            bench.handle.begin(&alice, copy_of("other")).await.unwrap();
            match bench.begin(&alice, in_place_of(&old, named("a"))).await {
                Err(error) => assert_eq!(error, differs("a", &old, &other)),
                Ok(begun) => {
                    let ((), report) = tokio::join!(feed(begun.writer, new.clone(), 0), bench.finished(begun.transfer));
                    let (expected, found) = (Sha256Digest::of(&old), Sha256Digest::of(&other));
                    assert_eq!(report.status.error, Some(TransferError::ContentDiffers { expected, found }));
                }
            }
            assert_eq!(bench.all_of(&alice, key("alice", "a")).await, other);
            assert_eq!(bench.segments(), before);
        }
    });
}

/// The same of a removal.
#[test]
fn a_removal_spares_what_came_first() {
    let home = home_in_memory();
    let settings = config(&home.path().join("data"), 3, quick_link());
    let mut harness = Harness::open(home, settings, Box::new(InlineIo::default())).unwrap();
    let [old, other] = [("a.bin", 1), ("b.bin", 2)].map(|(name, salt)| {
        let bytes = random_file(&harness.path(name), 200_000, salt);
        harness.put(name).unwrap();
        bytes
    });
    let (a, b) = (FileKey::unowned("a.bin"), FileKey::unowned("b.bin"));
    harness.tell(CopyFile { from: b, to: "a.bin".into(), copied_at: 7, preserve: false, replace: true });
    let removal = harness.tell(Remove { file: a, recursive: false, expected: Some(Sha256Digest::of(&old)) });
    let Ok(Reply::Started(transfer)) = harness.answer(removal) else { panic!("the copy is known already") };
    let (expected, found) = (Sha256Digest::of(&old), Sha256Digest::of(&other));
    let error = TransferError::ContentDiffers { expected, found };
    let failed = EngineError::TransferFailed { direction: Direction::Removal, name: "a.bin".into(), error };
    assert_eq!(harness.finish(transfer).unwrap_err(), failed);
    assert_eq!(harness.get("a.bin").unwrap().1, other);
}

/// A file may change while an upload is kept that is to take its place: the upload goes on only where it has the content again that was
/// expected when it began, also after a restart.
#[test]
fn a_kept_upload_replaces_what_was_expected() {
    let (old, other, new) = (content(100_000, 1), content(100_000, 2), content(300_000, 3));
    let (mut bench, alice) = (Bench::new(), remote("alice"));
    let wanted = || in_place_of(&old, kept("a", upload_id(1)));
    on_a_runtime(async {
        bench.store(&alice, named("a"), &old).await;
        bench.store(&alice, named("old"), &old).await;
        bench.store(&alice, named("other"), &other).await;
        let begun = bench.begin_with(&alice, wanted(), &new.slice(..200_000)).await;
        drop(begun.writer);
        assert_eq!(bench.finished(begun.transfer).await.status.state, TransferState::Parked);
        copied(&bench, "other").await;
    });
    bench = bench.restart(None);
    on_a_runtime(async {
        let refused = bench.begin(&alice, kept("a", upload_id(1))).await.unwrap_err();
        assert_eq!(refused, differs("a", &old, &other));
        assert_eq!(bench.all_of(&alice, key("alice", "a")).await, other);
        copied(&bench, "old").await;
        let report = bench.store(&alice, kept("a", upload_id(1)), &new).await;
        assert_eq!(report.status.state, TransferState::Done);
        assert_eq!(bench.all_of(&alice, key("alice", "a")).await, new);
    });
}

/// A copy that takes the place of `a`.
fn copy_of(from: &str) -> CopyFile {
    CopyFile { from: key("alice", from), to: "a".into(), copied_at: 2, preserve: false, replace: true }
}

async fn copied(bench: &Bench, from: &str) {
    bench.handle.call(&user("alice"), copy_of(from)).await.unwrap();
}

#[test]
fn what_is_removed_is_what_was_expected() {
    on_a_runtime(async {
        let (bench, alice, old) = (Bench::new(), remote("alice"), content(100_000, 1));
        let remove =
            |expected: &[u8]| Remove { file: key("alice", "a"), recursive: false, expected: Some(Sha256Digest::of(expected)) };
        bench.store(&alice, named("a"), &old).await;
        assert_eq!(bench.handle.call(&alice, remove(b"other")).await.unwrap_err(), differs("a", b"other", &old));
        let transfer = bench.handle.call(&alice, remove(&old)).await.unwrap();
        assert_eq!(bench.finished(transfer).await.status.state, TransferState::Done);
        assert!(bench.files().await.is_empty() && bench.segments().is_empty());
    });
}

/// What was expected is in the recording: a replay stores and refuses the same.
#[test]
fn what_was_expected_is_replayed() {
    let (old, new) = (content(100_000, 1), content(300_000, 2));
    let (bench, alice) = (Bench::new(), remote("alice"));
    on_a_runtime(async {
        // What a replay begins with is there after the run.
        for (name, bytes) in [("a", &old), ("old", &old), ("new", &new)] {
            bench.store(&alice, named(name), bytes).await;
        }
        let begun = bench.begin_with(&alice, in_place_of(&old, kept("a", upload_id(1))), &new.slice(..200_000)).await;
        drop(begun.writer);
        bench.finished(begun.transfer).await;
    });
    let recording = bench.path("run.p2prec");
    let bench = bench.restart(Some(&recording));
    let trace = on_a_runtime(async {
        bench.store(&alice, kept("a", upload_id(1)), &new).await;
        bench.store(&alice, in_place_of(&new, named("a")), &old).await;
        let remove = Remove { file: key("alice", "a"), recursive: false, expected: Some(Sha256Digest::of(&old)) };
        let transfer = bench.handle.call(&alice, remove).await.unwrap();
        bench.finished(transfer).await;
        bench.handle.trace_hash().await.unwrap().to_string()
    });
    let bench = bench.restart(None);
    replays_twice(&bench, &recording, &trace);
}
