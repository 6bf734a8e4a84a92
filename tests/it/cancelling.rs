//! A cancel stops what is sent at once: from then on no byte of the file is handed to a link, which is quiet once its own queue has
//! drained. Undoing needs a few small packets, and others use the link meanwhile. Simulated time is exact.

use std::collections::BTreeSet;

use p2p_base::trace::TraceHash;
use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::cause::ConnectionLoss;
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::transfer::{Remaining, SegmentTimeline, TransferId, TransferReport, TransferState, TransferStatus};
use p2p_engine::{Event, Reply, operation};
use p2p_net::{HostConfig, MTU, PacketRecord};
use p2p_shell::report::transfer_time_of;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;

use crate::figures::{advance, link, network, status_of};
use crate::harness::{Harness, random_file, slow_link};

/// Longest time for which an undo is waited for.
const LIMIT: SimDuration = SimDuration::from_secs(60);
/// Bytes of a request to delete, beside the 32 of each segment that it names.
const REQUEST: u64 = 64;

/// Time in which a full queue of a link drains, rounded up.
fn drain(link: &HostConfig) -> SimDuration {
    let bits = u64::from(link.up.queue_packets) * MTU as u64 * 8;
    SimDuration::from_millis(bits * 1_000 / link.up.bandwidth.bits_per_second().unwrap() + 1)
}

/// A fast network in which one node is slow and lossy.
fn one_is_slow(seed: u64) -> Harness {
    let fast = link("20Mbit/s", "1ms..10ms", "1%");
    network(seed, &[fast, fast, fast, link("2Mbit/s", "100ms", "5%"), fast, fast])
}

/// Cancels a transfer now, and returns the instant.
fn cancel(harness: &mut Harness, transfer: TransferId) -> SimTime {
    harness.tell(operation::Cancel { transfer });
    let now = harness.simulation.now();
    advance(harness, now);
    now
}

/// Lets time pass until a transfer is over, and returns the instant to a millisecond.
fn end_of(harness: &mut Harness, transfer: TransferId) -> SimTime {
    let limit = harness.simulation.now() + LIMIT;
    while !status_of(harness, transfer).state.is_over() {
        assert!(harness.simulation.now() < limit, "{:?}", status_of(harness, transfer));
        let next = harness.simulation.now() + SimDuration::from_millis(1);
        advance(harness, next);
    }
    harness.simulation.now()
}

/// Returns the packets with a payload that were handed to a link since an instant.
fn sent_since(harness: &mut Harness, since: SimTime) -> Vec<PacketRecord> {
    let snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::REAL));
    let wire = &snapshot.figures.wire;
    assert!(wire.first().is_none_or(|first| first.at < since), "older packets are kept too");
    wire.iter().filter(|packet| packet.at > since && packet.connection.is_some() && packet.len > 0).cloned().collect()
}

/// A node that is slow and loses much has most of the file still to come; nobody sends it.
#[test]
fn a_slow_node_does_not_go_on_being_sent_to() {
    for seed in 1..3 {
        let mut harness = one_is_slow(seed);
        harness.ask(operation::WatchWire { packets: Some(50_000) }).unwrap();
        random_file(&harness.path("a.bin"), 20 << 20, seed);
        let transfer = harness.start(harness.upload_of("a.bin")).unwrap();
        advance(&mut harness, SimTime::ZERO + SimDuration::from_secs(6));
        let status = status_of(&mut harness, transfer);
        assert!(status.state == TransferState::Running && status.bytes_done > 1 << 20, "{status:?}");
        let at = cancel(&mut harness, transfer);
        // The undo is shown for what it is, from the first instant on.
        assert_eq!(status_of(&mut harness, transfer).state, TransferState::Undoing);
        let took = end_of(&mut harness, transfer) - at;
        assert!(took < SimDuration::from_secs(8), "seed {seed}: {took}");
        let quiet = at + drain(&slow_link()) + SimDuration::from_secs(10);
        advance(&mut harness, quiet);
        let sent: u64 = sent_since(&mut harness, at).iter().map(|packet| u64::from(packet.len)).sum();
        let named = 32 * u64::from(status.segments);
        // Requests to delete and their answers, each of which may be lost once or twice.
        assert!(sent < 3 * (named + 10 * REQUEST), "seed {seed}: {sent} bytes for the deletion of {} segments", status.segments);
        assert_eq!(status_of(&mut harness, transfer).state, TransferState::Cancelled);
        assert!(harness.segment_files().is_empty() && harness.names().is_empty(), "seed {seed}");
    }
}

/// On the default network the link is quiet within the time that its full queue takes, and a round trip.
#[test]
fn the_link_is_quiet_once_its_queue_has_drained() {
    for seed in 1..6 {
        let mut harness = network(seed, &[slow_link(); 6]);
        harness.ask(operation::WatchWire { packets: Some(50_000) }).unwrap();
        random_file(&harness.path("a.bin"), 5 << 20, seed);
        let transfer = harness.start(harness.upload_of("a.bin")).unwrap();
        advance(&mut harness, SimTime::ZERO + SimDuration::from_secs(20));
        let segments = status_of(&mut harness, transfer).segments_done;
        let at = cancel(&mut harness, transfer);
        let round_trip = SimDuration::from_millis(40);
        advance(&mut harness, at + drain(&slow_link()) + round_trip);
        let after = harness.simulation.snapshot(PaceStatus::running(Speed::REAL));
        let figures = &after.figures;
        let queued: usize = figures.nodes.iter().map(|node| node.queues.down.packets).sum();
        let up = harness.simulation.now();
        advance(&mut harness, up + SimDuration::from_secs(5));
        let packets = sent_since(&mut harness, up);
        let sent: u64 = packets.iter().map(|packet| u64::from(packet.len)).sum();
        assert!(
            sent < 32 * 2 * u64::from(segments) + 10 * REQUEST,
            "seed {seed}: {sent} bytes, {queued} packets queued at nodes"
        );
        let snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::REAL));
        let rates = snapshot.figures.client_rates.up.tail(4);
        // Probes, handshakes and deletions take less than a twentieth of the link.
        assert!(rates.iter().all(|&bytes| bytes < 3_300), "seed {seed}: {rates:?}");
        end_of(&mut harness, transfer);
        assert!(harness.segment_files().is_empty(), "seed {seed}");
    }
}

/// Another transfer begins as soon as somebody asks for it, while the first is being undone.
#[test]
fn another_transfer_uses_the_link_meanwhile() {
    let mut harness = network(1, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 5 << 20, 1);
    let content = random_file(&harness.path("b.bin"), 640 << 10, 2);
    let transfer = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SimDuration::from_secs(20));
    let at = cancel(&mut harness, transfer);
    let second = harness.start(harness.upload_of("b.bin")).unwrap();
    let took = end_of(&mut harness, second) - at;
    // Ten seconds of bytes, the queue of the first, and a second or three for a handshake that found the queue full.
    assert!(took < SimDuration::from_secs(17), "{took}");
    assert_eq!(status_of(&mut harness, transfer).state, TransferState::Cancelled);
    assert!(harness.get("b.bin").unwrap().1 == content);
}

/// Two uploads over the same connections, the first of which is cancelled this long after the second has begun: the report of the
/// second, the instant of the cancel, and the trace.
fn second_of_two(seed: u64, after: SimDuration) -> (TransferReport, SimTime, TraceHash) {
    let mut harness = network(seed, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 5 << 20, seed);
    let content = random_file(&harness.path("b.bin"), 640 << 10, seed + 1);
    let first = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SimDuration::from_secs(20));
    let second = harness.start(harness.upload_of("b.bin")).unwrap();
    let begun = harness.simulation.now();
    advance(&mut harness, begun + after);
    let at = cancel(&mut harness, first);
    let report = harness.finish(second).unwrap();
    end_of(&mut harness, first);
    assert_eq!(status_of(&mut harness, first).state, TransferState::Cancelled);
    assert_eq!(harness.segment_files().len(), report.timelines.len());
    assert!(harness.get("b.bin").unwrap().1 == content);
    (report, at, harness.simulation.trace_hash())
}

/// What TCP was given of the first is not sent before the second, whose requests wait behind it: they move to new connections, of
/// which their owner learns nothing but the times. Without that it would take 20 seconds to the first byte.
#[test]
fn a_transfer_that_waits_behind_the_cancelled_one_begins() {
    for seed in 1..6 {
        let (report, at, trace) = second_of_two(seed, SimDuration::from_millis(200 * seed));
        assert_eq!(trace, second_of_two(seed, SimDuration::from_millis(200 * seed)).2, "the same seed is the same run");
        // Where a node has had a part of the second by then, its connection is kept.
        let is_kept = |timeline: &&SegmentTimeline| timeline.first_byte <= Some(at);
        let kept: BTreeSet<_> = report.timelines.iter().filter(is_kept).map(|timeline| timeline.holder).collect();
        let moved: Vec<_> = report.timelines.iter().filter(|timeline| !kept.contains(&timeline.holder)).collect();
        assert!(kept.len() < 2, "seed {seed}: {kept:?}");
        let begun: Vec<SimTime> = moved.iter().filter_map(|timeline| timeline.first_byte).collect();
        // The first SYN of some finds the queue full; RFC 6298 §2 repeats it after a second.
        let free = drain(&slow_link()) + SimDuration::from_millis(1_040);
        assert!(begun.iter().min().is_some_and(|&first| first <= at + free), "seed {seed}: {at} {begun:?}");
        for timeline in moved {
            let SegmentTimeline { attempt, queued, connected, first_byte, .. } = *timeline;
            let in_order = connected >= Some(queued) && first_byte >= connected;
            assert!(attempt == 0 && queued >= at && in_order, "seed {seed}: {timeline:?}");
        }
        let took = report.status.finished.unwrap() - at;
        assert!(took < SimDuration::from_secs(17), "seed {seed}: {took}");
    }
}

/// Lets time pass until a transfer is over, and returns the instants at which connections to nodes were reset because of a cancel.
fn resets_until_end_of(harness: &mut Harness, transfer: TransferId) -> Vec<(SimTime, NodeNumber)> {
    let mut resets = Vec::new();
    while !status_of(harness, transfer).state.is_over() {
        harness.simulation.advance(harness.simulation.now() + SimDuration::from_millis(100), u32::MAX);
        while harness.simulation.poll_reply().is_some() {}
        while let Some((at, event)) = harness.simulation.poll_event() {
            match event {
                Event::Disconnected { node, cause: ConnectionLoss::Withdrawn } => resets.push((at, node)),
                Event::SegmentRetried { .. } => panic!("the other transfer learns nothing of it: {event:?}"),
                _ => {}
            }
        }
    }
    resets
}

/// A connection on which a node has had a part of another request is not reset, but as soon as that is answered.
#[test]
fn a_shared_connection_is_kept_for_what_has_begun() {
    let mut harness = network(1, &[slow_link(); 3]);
    for (number, name) in [(1, "a.bin"), (2, "b.bin")] {
        random_file(&harness.path(name), 2 << 20, number);
    }
    let transfers = ["b.bin", "a.bin"].map(|name| harness.start(harness.upload_of(name)).unwrap());
    let transfers = [transfers[1], transfers[0]];
    advance(&mut harness, SimTime::ZERO + SimDuration::from_secs(10));
    let at = cancel(&mut harness, transfers[0]);
    let resets = resets_until_end_of(&mut harness, transfers[1]);
    let Reply::Finished(report) = harness.ask(operation::Await { transfer: transfers[1] }).unwrap() else { panic!() };
    assert!(!resets.is_empty() && resets.iter().all(|&(reset, _)| reset > at), "{resets:?}");
    for timeline in &report.timelines {
        let reset = resets.iter().find(|(_, node)| *node == timeline.holder).map(|(reset, _)| *reset);
        let is_cut = reset.is_some_and(|reset| timeline.first_byte < Some(reset) && timeline.acknowledged > Some(reset));
        assert!(timeline.attempt == 0 && !is_cut, "{reset:?}: {timeline:?}");
    }
    assert_eq!(transfers.map(|id| status_of(&mut harness, id).state), [TransferState::Cancelled, TransferState::Done]);
    assert_eq!(harness.names(), ["b.bin"]);
}

/// What nodes have been asked for is not sent either: their own queues and that of the client's downlink drain.
#[test]
fn a_download_that_is_cancelled_is_not_sent_any_further() {
    let run = || {
        let mut harness = network(3, &[slow_link(); 6]);
        random_file(&harness.path("a.bin"), 3 << 20, 3);
        harness.put("a.bin").unwrap();
        let to = harness.path("out");
        let transfer = harness.start(operation::Download::to_file(FileKey::unowned("a.bin"), to.clone(), false)).unwrap();
        let begun = harness.simulation.now();
        advance(&mut harness, begun + SimDuration::from_secs(12));
        let at = cancel(&mut harness, transfer);
        let quiet = at + drain(&slow_link()) * 2 + SimDuration::from_millis(40);
        advance(&mut harness, quiet + SimDuration::from_secs(5));
        let rates = harness.simulation.snapshot(PaceStatus::running(Speed::REAL)).figures.client_rates.down.clone();
        assert!(rates.tail(4).iter().all(|&bytes| bytes < 3_300), "{:?}", rates.tail(12));
        assert!(!to.exists());
        harness.simulation.trace_hash()
    };
    assert_eq!(run(), run(), "the same seed is the same run");
}

/// A cancel is an input as any other: a second run with it at the same instant is the same run.
#[test]
fn a_run_with_a_cancel_repeats() {
    let run = || {
        let mut harness = one_is_slow(7);
        random_file(&harness.path("a.bin"), 10 << 20, 7);
        let transfer = harness.start(harness.upload_of("a.bin")).unwrap();
        advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(3_217));
        cancel(&mut harness, transfer);
        assert!(matches!(harness.ask(operation::Await { transfer }), Ok(Reply::Finished(_))));
        harness.simulation.trace_hash()
    };
    assert_eq!(run(), run());
}

/// An upload, and a download that begins so much later; the upload is cancelled at the second instant.
fn cancelled_beside_a_download(seed: u64, [download_at, cancel_at]: [SimDuration; 2]) -> (Harness, TransferId) {
    let mut harness = network(seed, &[slow_link(); 6]);
    random_file(&harness.path("up.bin"), 5 << 20, seed);
    random_file(&harness.path("down.bin"), 8 << 20, seed + 100);
    harness.put("down.bin").unwrap();
    let begun = harness.simulation.now();
    let upload = harness.start(harness.upload_of("up.bin")).unwrap();
    advance(&mut harness, begun + download_at);
    let to = harness.path("out");
    harness.start(operation::Download::to_file(FileKey::unowned("down.bin"), to, false)).unwrap();
    advance(&mut harness, begun + cancel_at);
    cancel(&mut harness, upload);
    (harness, upload)
}

/// Requests to delete go before what has not begun of a download over the same connections, whose answers would take half a minute.
#[test]
fn an_undo_does_not_wait_for_what_has_not_begun() {
    let mut took: Vec<SimDuration> = (1..6)
        .map(|seed| {
            let (mut harness, upload) = cancelled_beside_a_download(seed, [10_000, 10_200].map(SimDuration::from_millis));
            let at = harness.simulation.now();
            end_of(&mut harness, upload) - at
        })
        .collect();
    took.sort();
    // In some runs a node has begun to answer the download by then.
    assert!(took[2] < SimDuration::from_secs(5), "{took:?}");
}

/// An undo behind segments that nodes have begun to send says whom it waits for, and behind what, until the last one has answered.
#[test]
fn an_undo_that_waits_says_for_whom() {
    let (mut harness, upload) = cancelled_beside_a_download(2, [0, 20].map(SimDuration::from_secs));
    let (begun, mut waited) = (harness.simulation.now(), Vec::new());
    advance(&mut harness, begun + SimDuration::from_millis(2));
    loop {
        let status = status_of(&mut harness, upload);
        let now = harness.simulation.now();
        if status.state.is_over() {
            break;
        }
        let Remaining::Deleting { others, .. } = status.eta else { panic!("{status:?}") };
        waited.push((others + 1, transfer_time_of(&status, now)));
        advance(&mut harness, now + SimDuration::from_millis(100));
    }
    assert!(waited.is_sorted_by(|one, other| one.0 >= other.0) && waited.len() > 50, "{waited:?}");
    assert_eq!((waited[0].0, waited[waited.len() - 1].0), (5, 1), "{waited:?}");
    assert_eq!(waited[0].1, "waits for 5 nodes to delete, behind others");
    let last = &waited[waited.len() - 1].1;
    assert!(last.starts_with("waits for Node_0") && last.ends_with(" to delete, behind others"), "{last}");
}

/// An upload that is cancelled at an instant, if at one: its end, and what is stored then.
fn cancelled_at(at: Option<SimTime>) -> (TransferStatus, Vec<String>) {
    let mut harness = network(1, &[slow_link(); 4]);
    random_file(&harness.path("a.bin"), 200_000, 1);
    let transfer = harness.start(harness.upload_of("a.bin")).unwrap();
    if let Some(at) = at {
        advance(&mut harness, at);
        assert_eq!(status_of(&mut harness, transfer).state, TransferState::Committing);
        cancel(&mut harness, transfer);
    }
    end_of(&mut harness, transfer);
    (status_of(&mut harness, transfer), harness.names())
}

/// A cancel during the commit comes before the transaction or too late; which of the two is said, in the answer as well.
#[test]
fn a_cancel_during_the_commit_says_which_came_first() {
    let (done, stored) = cancelled_at(None);
    let finished = done.finished.unwrap();
    assert_eq!((done.state, done.cancel, stored.len()), (TransferState::Done, None, 1));
    let before = |millis: u64| SimTime::from_nanos(finished.as_nanos() - millis * 1_000_000 / 2);
    let (late, stored) = cancelled_at(Some(before(1)));
    assert_eq!((late.state, late.cancel.unwrap().at, late.given_up_from), (TransferState::Done, before(1), None));
    assert!(transfer_time_of(&late, finished).ends_with(", too late to cancel") && stored.len() == 1, "{late:?}");
    let (early, stored) = cancelled_at(Some(before(20)));
    assert_eq!((early.state, early.cancel.unwrap().during), (TransferState::Cancelled, TransferState::Committing));
    let said = transfer_time_of(&early, early.finished.unwrap());
    assert!(said.ends_with(", cancelled in its commit") && early.given_up_from == Some(0) && stored.is_empty(), "{said}");
}
