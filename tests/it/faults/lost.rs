//! Segments that a node has stored and does not have any more when they are to be made durable: they are read again from the file and
//! stored again, on the same node or on another one.

use std::fs;

use p2p_base::units::SimDuration;
use p2p_engine::cause::Cause;
use p2p_engine::faults::DiskFaults;
use p2p_engine::node::protocol::Refusal;
use p2p_engine::operation::{Break, ClearFaults, Mend};
use p2p_engine::transfer::{Stage, TransferError, TransferId};
use p2p_engine::{EngineError, Event};
use p2p_store::manifest::NodeNumber;

use super::node;
use crate::harness::{Harness, random_file, segments_below, slow_link};

/// Starts an upload, and lets time pass until the second node has stored segments of it.
fn upload_under_way(nodes: u8) -> (Harness, TransferId, Vec<u8>) {
    let mut harness = Harness::new(nodes, slow_link());
    let content = random_file(&harness.path("a.bin"), 700_000, 1);
    let upload = harness.start(harness.upload_of("a.bin")).unwrap();
    while on_disk(&harness, 2) < 2 {
        harness.sleep(SimDuration::from_millis(100));
    }
    harness.events();
    (harness, upload, content)
}

fn segments_of(harness: &Harness, number: usize) -> Vec<std::path::PathBuf> {
    let part = format!("Node_{number:02}");
    let mut found = segments_below(&harness.path("data"));
    found.retain(|path| path.components().any(|component| component.as_os_str() == part.as_str()));
    found
}

fn on_disk(harness: &Harness, number: usize) -> usize {
    segments_of(harness, number).len()
}

fn lose_segments(harness: &Harness, number: usize, most: usize) {
    segments_of(harness, number).into_iter().take(most).for_each(|path| fs::remove_file(path).unwrap());
}

/// The nodes at which segments were tried in vain, and why.
fn retried(events: &[Event]) -> Vec<(NodeNumber, Cause)> {
    let retried = |event: &Event| match event {
        Event::SegmentRetried { node, cause, .. } => Some((*node, cause.clone())),
        _ => None,
    };
    events.iter().filter_map(retried).collect()
}

fn is_lack(cause: &Cause) -> bool {
    matches!(cause, Cause::Refused(Refusal::NotStored { .. }))
}

/// Asserts that the upload succeeds, and that each segment is stored once and can be read.
fn expect_stored(harness: &mut Harness, upload: TransferId, content: &[u8]) {
    let report = harness.finish(upload).unwrap();
    assert_eq!((report.status.bytes_done, report.status.segments_done), (content.len() as u64, report.status.segments));
    assert!(harness.get("a.bin").unwrap().1 == content);
    harness.ask(ClearFaults::ALL).unwrap();
    harness.sleep(SimDuration::from_secs(1_300));
    assert_eq!(segments_below(&harness.path("data")).len(), report.status.segments as usize);
    assert_eq!(harness.simulation.memory_in_use(), 0);
}

/// The disk has lost what a killed process had stored: the node says what it lacks, and gets that again.
#[test]
fn a_node_that_comes_back_without_segments_gets_them_again() {
    for nodes in [2, 3] {
        let (mut harness, upload, content) = upload_under_way(nodes);
        harness.sleep(SimDuration::from_millis(1));
        harness.ask(Break::Kill { node: node(2) }).unwrap();
        lose_segments(&harness, 2, usize::MAX);
        harness.ask(Mend::Process { node: node(2) }).unwrap();
        expect_stored(&mut harness, upload, &content);
        let retried = retried(&harness.events());
        assert!(retried.iter().all(|(at, _)| *at == node(2)), "{retried:?}");
        assert!(retried.iter().filter(|(_, cause)| is_lack(cause)).count() >= 2, "{retried:?}");
    }
}

/// The disk loses segments of a process that runs: its sync finds it, and the node stores again what is not there and nothing else.
#[test]
fn a_node_whose_disk_has_lost_segments_gets_them_again() {
    for most in [1, usize::MAX] {
        let (mut harness, upload, content) = upload_under_way(2);
        let there = on_disk(&harness, 2);
        lose_segments(&harness, 2, most);
        expect_stored(&mut harness, upload, &content);
        let events = harness.events();
        assert!(!events.iter().any(|event| matches!(event, Event::DeletionsOwed { .. })), "what is stored again is owed");
        let lost = retried(&events);
        assert_eq!(lost.len(), most.min(there), "{lost:?}");
        assert!(lost.iter().all(|(at, cause)| *at == node(2) && is_lack(cause)), "{lost:?}");
    }
}

/// No segments are placed on a node that is to stop: what it has lost is stored on others.
#[test]
fn a_node_that_is_to_stop_does_not_get_again_what_it_has_lost() {
    let (mut harness, upload, content) = upload_under_way(3);
    let stop = harness.tell(Break::Stop { node: node(2), within: SimDuration::from_secs(600) });
    lose_segments(&harness, 2, usize::MAX);
    harness.finish(upload).unwrap();
    harness.answer(stop).unwrap();
    let events = harness.events();
    let first = events.iter().position(|event| matches!(event, Event::SegmentRetried { .. })).unwrap();
    let is_sent_there =
        |event: &Event| matches!(event, Event::Segment { stage: Stage::Queued, timeline, .. } if timeline.holder == node(2));
    assert!(!events[first..].iter().any(is_sent_there), "{:?}", retried(&events));
    harness.ask(Mend::Process { node: node(2) }).unwrap();
    assert!(harness.get("a.bin").unwrap().1 == content);
}

/// A node that is not there to commit is replaced by others, as one that is not there to store is.
#[test]
fn what_a_node_that_is_gone_has_stored_goes_to_others() {
    let (mut harness, upload, content) = upload_under_way(3);
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    expect_stored(&mut harness, upload, &content);
    assert!(retried(&harness.events()).iter().all(|(at, _)| *at == node(2)));
}

/// A node whose disk cannot make anything durable is replaced too.
#[test]
fn what_a_node_cannot_make_durable_goes_to_others() {
    let (mut harness, upload, content) = upload_under_way(3);
    let faults = DiskFaults { fails: "syncs".parse().unwrap(), ..DiskFaults::default() };
    harness.ask(Break::Disk { node: node(2), faults }).unwrap();
    expect_stored(&mut harness, upload, &content);
}

/// An upload fails where no node can take what is lost, and says which node lacks it and why; a file that has changed is not stored.
#[test]
fn an_upload_fails_where_what_is_lost_cannot_be_stored_again() {
    let (mut harness, upload, _) = upload_under_way(2);
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    let full = DiskFaults { full: true, ..DiskFaults::default() };
    harness.ask(Break::Disk { node: node(1), faults: full }).unwrap();
    let error = harness.finish(upload).unwrap_err();
    let EngineError::TransferFailed { error: TransferError::NoHolder { .. }, .. } = &error else { panic!("{error:?}") };
    let said = error.to_string();
    assert!(said.contains("Node_02") && said.contains("killed") && said.contains("Node_01"), "{said}");
    let (mut harness, upload, _) = upload_under_way(2);
    lose_segments(&harness, 2, 1);
    random_file(&harness.path("a.bin"), 700_000, 2);
    let error = harness.finish(upload).unwrap_err();
    assert!(error.to_string().contains("changed while it was read"), "{error}");
    assert_eq!(harness.names(), [] as [&str; 0]);
}
