//! Streams whose transfers the host of a node carries, as those of the clients of its SSH server.

use p2p_base::units::SimDuration;
use p2p_engine::operation::{Break, ListConnections, Mend};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{TransferError, TransferState};
use p2p_engine::{Caller, EngineError};
use p2p_store::manifest::NodeNumber;

use super::bench::{Bench, content, drain, feed, kept, key, named, on_a_runtime, remote, upload_id};
use super::replays::replays_twice;

const NODES: [NodeNumber; 3] = [NodeNumber::from_index(0), NodeNumber::from_index(1), NodeNumber::from_index(2)];

/// A client of the service of a node.
fn at_node(node: NodeNumber, name: &str) -> Caller {
    Caller { host: Peer::Node(node), ..remote(name) }
}

/// An upload that one node carries and that is kept goes on at another one, and a file that came by a node is read by another.
async fn by_several_nodes(bench: &Bench) {
    let (one, other, bytes) = (at_node(NODES[1], "alice"), at_node(NODES[2], "alice"), content(500_000, 1));
    let begun = bench.begin_with(&one, kept("a", upload_id(1)), &bytes.slice(..300_000)).await;
    assert_eq!(bench.status(begun.transfer).await.host, Peer::Node(NODES[1]));
    let hosts: Vec<Peer> = bench.ask(ListConnections).await.into_iter().map(|open| open.host).collect();
    assert!(!hosts.is_empty() && hosts.iter().all(|host| *host == Peer::Node(NODES[1])), "{hosts:?}");
    drop(begun.writer);
    assert_eq!(bench.finished(begun.transfer).await.status.state, TransferState::Parked);
    let report = bench.store(&other, kept("a", upload_id(1)), &bytes).await;
    assert_eq!((report.status.state, report.status.host), (TransferState::Done, Peer::Node(NODES[2])));
    let (report, read) = bench.fetch(&at_node(NODES[0], "alice"), key("alice", "a"), None).await.unwrap();
    assert_eq!((report.status.host, read), (Peer::Node(NODES[0]), bytes.to_vec()));
    assert_eq!(bench.all_of(&remote("alice"), key("alice", "a")).await, bytes);
}

/// Streams end when the process of the node is killed whose host carries their transfers: nothing is stored of the upload without a name, and
/// of the kept one what was noted before; the reader is told that not all has come. Another node goes on with what is kept.
async fn through_a_kill(bench: &Bench) {
    let (alice, bytes) = (at_node(NODES[1], "alice"), content(10 << 20, 2));
    bench.store(&remote("alice"), named("there"), &bytes.slice(..1 << 20)).await;
    let mut lost = bench.begin_with(&alice, named("lost"), &bytes.slice(..200_000)).await;
    let mut noted = bench.begin_with(&alice, kept("noted", upload_id(2)), &bytes.slice(..9 << 20)).await;
    let (fetching, mut reader) = bench.handle.download_stream(&alice, key("alice", "there"), None).await.unwrap();
    // The catalog notes what is stored once that is 8 MiB or more.
    bench.pass(SimDuration::from_secs(10)).await;
    bench.ask(Break::Kill { node: NODES[1] }).await;
    let gone = Some(TransferError::HostEnded { node: NODES[1] });
    for transfer in [lost.transfer, noted.transfer, fetching] {
        let status = bench.finished(transfer).await.status;
        assert_eq!((status.state, status.error), (TransferState::Failed, gone.clone()));
    }
    assert!(drain(&mut reader).await.is_err(), "the reader was given no whole file");
    for writer in [&mut lost.writer, &mut noted.writer] {
        // What the stream has room for is taken before it is known that nobody reads.
        let mut taken = 0;
        while writer.write(bytes.slice(..65_536)).await.is_ok() {
            taken += 1;
            assert!(taken < 100, "a stream without a reader takes on and on");
        }
    }
    assert!(!bench.files().await.iter().any(|name| name.ends_with("lost") || name.ends_with("noted")));
    let offsets: Vec<u64> = bench.uploads(&alice).await.iter().map(|upload| upload.offset).collect();
    let [offset] = offsets[..] else { panic!("{offsets:?}") };
    assert!((8 << 20..=9 << 20).contains(&offset), "{offset}");
    let refused = bench.begin(&alice, named("more")).await.map(drop);
    assert_eq!(refused, Err(EngineError::NotRunning(NODES[1])));
    // What is kept needs the killed node.
    bench.ask(Mend::Process { node: NODES[1] }).await;
    // The others find it alive by their next probes.
    bench.pass(SimDuration::from_secs(120)).await;
    let begun = bench.begin(&at_node(NODES[2], "alice"), kept("noted", upload_id(2))).await.unwrap();
    assert_eq!(begun.offset, offset);
    let ((), report) = tokio::join!(feed(begun.writer, bytes.slice(offset as usize..), 0), bench.finished(begun.transfer));
    assert_eq!((report.status.state, report.status.error), (TransferState::Done, None));
    assert_eq!(bench.all_of(&alice, key("alice", "noted")).await, bytes);
}

/// The host is part of what is recorded: both replays are the run.
#[test]
fn what_nodes_carry_replays() {
    let bench = Bench::new();
    let recording = bench.path("run.p2prec");
    let bench = bench.restart(Some(&recording));
    let trace = on_a_runtime(async {
        by_several_nodes(&bench).await;
        through_a_kill(&bench).await;
        bench.handle.trace_hash().await.unwrap().to_string()
    });
    let bench = bench.restart(None);
    replays_twice(&bench, &recording, &trace);
}
