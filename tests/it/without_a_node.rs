//! Uploads that go on without a node that is out of reach: the other nodes store what is left, and what the node had is sent to them after it
//! has not confirmed that. For that time too there is an estimate, and it is right.

use std::collections::BTreeMap;

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::operation;
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::transfer::TransferStatus;

use crate::faults::node;
use crate::figures::{advance, assert_share, few, is_right, network, status_of};
use crate::harness::{random_file, slow_link};

/// Runs an upload of so many bytes to five nodes, one of which is killed at a third of the way. Returns what is told every half second from
/// then on, each with the seconds that it took yet.
fn told_after_a_kill(seed: u64, bytes: usize) -> Vec<(TransferStatus, f64)> {
    let mut harness = network(seed, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), bytes, seed);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    let (mut seen, mut is_killed) = (Vec::new(), false);
    for half in 1..2_000 {
        let at = SimTime::ZERO + SimDuration::from_millis(500 * half);
        advance(&mut harness, at);
        let status = status_of(&mut harness, id);
        if let Some(end) = status.finished {
            assert_eq!(status.error, None, "seed {seed}");
            let left = |at: SimTime| (end - at).as_secs_f64();
            return seen.into_iter().map(|(at, status)| (status, left(at))).collect();
        }
        if is_killed {
            seen.push((at, status));
        } else if status.bytes_arrived * 3 >= status.bytes {
            harness.ask(operation::Break::Kill { node: node(3) }).unwrap();
            is_killed = true;
        }
    }
    panic!("seed {seed}: the upload is not over")
}

#[test]
fn the_remaining_time_without_a_killed_node_is_right() {
    for bytes in [3_000_000, 8_000_000] {
        let told: Vec<_> = (1..=few(3)).flat_map(|seed| told_after_a_kill(seed, bytes)).collect();
        let right = told.iter().filter(|(status, truth)| is_right(status.eta.seconds(), *truth)).count();
        assert_share(&format!("{bytes} bytes, a node killed at a third of the way"), (right, told.len()), 0.9);
    }
}

/// What was sent again stays counted at the node to which it was sent, also when another node gets the segment: no count falls, and together
/// they are those of the transfer.
#[test]
fn retransmits_stay_with_the_node_to_which_they_were_sent() {
    let mut harness = network(1, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 3_000_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    let mut before = BTreeMap::new();
    for second in 1..300 {
        advance(&mut harness, SimTime::ZERO + SimDuration::from_secs(second));
        if second == 15 {
            harness.ask(operation::Break::Kill { node: node(3) }).unwrap();
        }
        let snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::Max));
        let report = snapshot.transfers.iter().find(|report| report.status.id == id).unwrap();
        assert_eq!(report.resent.values().sum::<u64>(), report.status.retransmits);
        let falls = before.iter().find(|(node, count)| report.resent.get(*node) < Some(*count));
        assert_eq!(falls, None, "{second} s: {:?}", report.resent);
        before = report.resent.clone();
        if report.status.state.is_over() {
            assert!(report.timelines.iter().all(|timeline| timeline.holder != node(3)));
            return assert!(before[&node(3)] > 0, "{before:?}");
        }
    }
    panic!("the upload is not over");
}
