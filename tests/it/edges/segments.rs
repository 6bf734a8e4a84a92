//! Single segments in a recording: it has their names and lengths, and a replay is the same run.

use p2p_engine::operation::{AskNode, Break, DeleteSegment, Mend, RetrieveSegment, SegmentContent, StoreSegment};
use p2p_store::manifest::NodeNumber;

use super::bench::{Bench, content, key, named, on_a_runtime, remote};
use super::replays::replays_twice;

fn segment(salt: u64) -> SegmentContent {
    SegmentContent::new(content(50_000, salt)).unwrap()
}

fn node(index: usize) -> NodeNumber {
    NodeNumber::from_index(index)
}

async fn store(bench: &Bench, name: &str, index: usize, salt: u64) {
    let store = StoreSegment { node: node(index), content: segment(salt) };
    bench.handle.call(&remote(name), store).await.unwrap();
}

/// Segments of before and of now, needed once and several times, one of a node that is killed, and one of a file.
async fn run(bench: &Bench) {
    let alice = remote("alice");
    for (name, index, salt) in [("alice", 1, 10), ("bob", 0, 1), ("alice", 0, 1), ("alice", 2, 11)] {
        store(bench, name, index, salt).await;
    }
    for (index, salt) in [(0, 1), (1, 10)] {
        let fetch = RetrieveSegment { node: node(index), id: segment(salt).id(), file: None };
        bench.handle.call(&alice, fetch).await.unwrap();
    }
    let manifest = bench.ask(p2p_engine::operation::StatFile { file: key("alice", "old") }).await;
    let first = manifest.segments[0].clone();
    let fetch = RetrieveSegment { node: first.holders[0], id: first.id, file: Some(key("alice", "old")) };
    bench.handle.call(&alice, fetch).await.unwrap();
    for (index, salt) in [(0, 1), (0, 2), (1, 10)] {
        bench.handle.call(&alice, DeleteSegment { node: node(index), id: segment(salt).id() }).await.unwrap();
    }
    bench.ask(Break::Kill { node: node(2) }).await;
    let late = StoreSegment { node: node(2), content: segment(12) };
    bench.handle.call(&alice, late).await.unwrap_err();
    bench.ask(Mend::Process { node: node(2) }).await;
    bench.handle.call(&alice, AskNode { node: node(2) }).await.unwrap();
    bench.pass(p2p_base::units::SimDuration::from_secs(10)).await;
}

#[test]
fn a_run_with_segments_replays_without_their_content() {
    let bench = Bench::with(|config| config.quota = Some(p2p_base::units::ByteSize::from_mib(1)));
    let before = on_a_runtime(async {
        bench.store(&remote("alice"), named("old"), &content(300_000, 7)).await;
        for (name, index, salt) in [("alice", 0, 1), ("alice", 0, 2), ("bob", 1, 2), ("alice", 1, 3)] {
            store(&bench, name, index, salt).await;
        }
        bench.segments()
    });
    let recording = bench.path("run.p2prec");
    let bench = bench.restart(Some(&recording));
    let trace = on_a_runtime(async {
        run(&bench).await;
        bench.handle.trace_hash().await.unwrap().to_string()
    });
    let bench = bench.restart(None);
    let bytes = std::fs::read(&recording).unwrap();
    for salt in [1, 10, 11, 12] {
        let content = segment(salt);
        assert!(!bytes.windows(16).any(|part| part == &content.bytes()[..16]), "no content is recorded");
    }
    // Content that came in the run is not needed for the replay.
    let new: Vec<_> = bench.segments().into_iter().filter(|path| !before.contains(path)).collect();
    assert!(!new.is_empty());
    new.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    replays_twice(&bench, &recording, &trace);
}
