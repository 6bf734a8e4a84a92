//! Slow nodes that are healthy: their connections are never given up while anything arrives, and one that is cut off is still found
//! within the stated time.

use p2p_base::units::{Bandwidth, SimDuration, SimTime};
use p2p_engine::cause::ConnectionLoss;
use p2p_engine::faults::PathChange;
use p2p_engine::operation::Break;
use p2p_engine::snapshot::Peer;
use p2p_engine::{Event, operation};
use p2p_net::Direction;
use p2p_store::names::FileKey;

use super::node;
use crate::harness::{Harness, config, random_file, slow_link};

/// Rates of links in bytes per second.
const RATES: [u64; 3] = [512, 1 << 10, 4 << 10];
/// Bytes of the files.
const BYTES: usize = 256 << 10;

/// A network of so many nodes, of which the links of the second are as slow as that.
fn network(nodes: u8, direction: Option<Direction>, rate: u64) -> Harness {
    let mut harness = Harness::with(|directory| {
        let mut settings = config(directory, nodes, slow_link());
        settings.tcp.connect_timeout = SimDuration::from_secs(60);
        settings
    });
    slow_down(&mut harness, nodes.into(), direction, rate);
    harness
}

/// Makes the links of a node as slow as that.
fn slow_down(harness: &mut Harness, number: usize, direction: Option<Direction>, rate: u64) {
    let (mut link, bandwidth) = (slow_link(), Bandwidth::from_bits_per_second(8 * rate));
    match direction {
        Some(Direction::Up) => link.up.bandwidth = bandwidth,
        Some(Direction::Down) => link.down.bandwidth = bandwidth,
        None => (link.up.bandwidth, link.down.bandwidth) = (bandwidth, bandwidth),
    }
    harness.ask(operation::SetLink { peer: Peer::Node(node(number)), link }).unwrap();
}

/// The connections that were lost, or could not be opened, in what has happened.
fn lost(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| matches!(event, Event::Disconnected { .. } | Event::SegmentRetried { .. })).collect()
}

#[test]
fn a_slow_node_is_never_given_up_while_anything_arrives() {
    for rate in RATES {
        for direction in [Some(Direction::Up), Some(Direction::Down), None] {
            for nodes in [1, 2] {
                let mut harness = network(nodes, direction, rate);
                let content = random_file(&harness.path("a.bin"), BYTES, rate);
                harness.put("a.bin").unwrap();
                assert_eq!(lost(&harness.events()), [] as [&Event; 0], "upload at {rate} B/s {direction:?}, {nodes} nodes");
                assert!(harness.get("a.bin").unwrap().1 == content);
                assert_eq!(lost(&harness.events()), [] as [&Event; 0], "download at {rate} B/s {direction:?}, {nodes} nodes");
            }
        }
    }
}

/// An upload fills the queue before the node, and a download the one behind it: acknowledgements wait in both.
#[test]
fn a_slow_node_is_never_given_up_while_both_directions_are_full() {
    for rate in RATES {
        for direction in [Some(Direction::Up), Some(Direction::Down), None] {
            let mut harness = network(1, None, 64 << 10);
            let content = random_file(&harness.path("a.bin"), BYTES, rate);
            harness.put("a.bin").unwrap();
            slow_down(&mut harness, 1, direction, rate);
            random_file(&harness.path("b.bin"), BYTES, rate + 1);
            harness.events();
            let upload = harness.start(harness.upload_of("b.bin")).unwrap();
            let path = harness.path("got.bin");
            let fetch = operation::Download::to_file(FileKey::unowned("a.bin"), path.clone(), false);
            let download = harness.start(fetch).unwrap();
            harness.finish(upload).unwrap();
            harness.finish(download).unwrap();
            assert_eq!(lost(&harness.events()), [] as [&Event; 0], "both at {rate} B/s {direction:?}");
            assert!(std::fs::read(path).unwrap() == content);
        }
    }
}

/// A slow node that is cut off, one way or both, is given up within the answer timeout of what last arrived, and a packet's time.
#[test]
fn a_slow_node_that_is_cut_off_is_found_within_the_answer_timeout() {
    for rate in RATES {
        for (from, one_way) in [(Peer::Client, false), (Peer::Client, true), (Peer::Node(node(1)), true)] {
            let mut harness = network(1, None, rate);
            random_file(&harness.path("a.bin"), BYTES, rate);
            harness.start(harness.upload_of("a.bin")).unwrap();
            harness.sleep(SimDuration::from_secs(40));
            let to = if from == Peer::Client { Peer::Node(node(1)) } else { Peer::Client };
            harness.events();
            harness.ask(Break::Path { from, to, one_way, change: PathChange::default(), cut: true }).unwrap();
            let cut_at = harness.simulation.now();
            let found = found_at(&mut harness, cut_at);
            let queue = SimDuration::from_secs(100 * 1_500 / rate);
            let bound = SimDuration::from_secs(30) + if from == Peer::Client && one_way { queue } else { SimDuration::ZERO };
            assert!(found <= cut_at + bound + SimDuration::from_secs(5), "{rate} B/s from {from}: {}", found - cut_at);
        }
    }
}

/// Returns the instant at which the connection is given up.
fn found_at(harness: &mut Harness, begun: SimTime) -> SimTime {
    loop {
        let is_found = |event: &Event| matches!(event, Event::Disconnected { cause, .. } if *cause != ConnectionLoss::Withdrawn);
        if harness.events().iter().any(is_found) {
            return harness.simulation.now();
        }
        assert!(harness.simulation.now() < begun + SimDuration::from_secs(2_000), "it is never found");
        harness.sleep(SimDuration::from_secs(1));
    }
}
