//! Transfers over a slow access link of the client itself: it is slow and no error, of the client or of the nodes; and a node that is
//! cut off is still found within the stated time.

use p2p_base::units::{Bandwidth, Probability, SimDuration};
use p2p_engine::faults::PathChange;
use p2p_engine::node::health::Health;
use p2p_engine::operation::{Break, Download, SetLink};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::TransferId;
use p2p_engine::{Command, Event};
use p2p_net::{HostConfig, MTU};
use p2p_store::names::FileKey;

use crate::faults::node;
use crate::harness::{Harness, config, random_file, slow_link};

/// Rates of the client's link in bytes per second.
const RATES: [u64; 5] = [256, 512, 1 << 10, 2 << 10, 16 << 10];

/// The default link of a host, with this rate and loss.
fn link(rate: u64, loss: u32) -> HostConfig {
    let bandwidth = Bandwidth::from_bits_per_second(8 * rate);
    HostConfig::symmetric(bandwidth, slow_link().delay, Probability::from_percent(loss))
}

/// A network in which the link of the client is that slow.
fn network(nodes: u8, rate: u64, loss: u32) -> Harness {
    network_of(1, nodes, rate, loss)
}

fn network_of(seed: u64, nodes: u8, rate: u64, loss: u32) -> Harness {
    Harness::with(|directory| {
        let mut settings = config(directory, nodes, link(64 << 10, loss));
        (settings.seed, settings.client.link) = (seed, link(rate, loss));
        settings
    })
}

/// Four passages of a link with a full queue: the least time for which its host waits for a silent peer.
fn patience(rate: u64) -> SimDuration {
    Bandwidth::from_bits_per_second(8 * rate).time_for(4 * 102 * u64::from(MTU))
}

fn download_of(harness: &Harness, name: &str) -> Command {
    Download::to_file(FileKey::unowned(name), harness.path(&format!("got-{name}")), false).into()
}

/// Has all of this done at once, and asserts that nothing fails, that nothing is tried again and that no node is taken for dead.
fn expect_smooth(harness: &mut Harness, what: &str, commands: Vec<Command>) {
    harness.events();
    let transfers: Vec<TransferId> = commands.into_iter().map(|command| harness.start(command).unwrap()).collect();
    for transfer in transfers {
        harness.finish(transfer).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    let is_trouble = |event: &Event| {
        matches!(event, Event::Disconnected { .. } | Event::SegmentRetried { .. } | Event::HealthChanged { to: Health::Dead, .. })
    };
    let trouble: Vec<Event> = harness.events().into_iter().filter(is_trouble).collect();
    assert_eq!(trouble, [], "{what}");
}

/// Stores files of so many segments at once, fetches them at once, and then fetches them beside an upload.
fn expect_smooth_both_ways(rate: u64, nodes: u8, segments: usize, files: u64, loss: u32) {
    let what = format!("{rate} B/s, {nodes} nodes, {files} files of {segments} segments, {loss} % lost");
    let mut harness = network(nodes, rate, loss);
    let names: Vec<String> = (0..files).map(|n| format!("f{n}")).collect();
    let contents: Vec<Vec<u8>> =
        names.iter().zip(0..).map(|(name, salt)| random_file(&harness.path(name), segments * 65_536 - 7, salt)).collect();
    let uploads = names.iter().map(|name| harness.upload_of(name)).collect();
    expect_smooth(&mut harness, &format!("up: {what}"), uploads);
    let downloads = names.iter().map(|name| download_of(&harness, name)).collect();
    expect_smooth(&mut harness, &format!("down: {what}"), downloads);
    for (name, content) in names.iter().zip(contents) {
        let path = harness.path(&format!("got-{name}"));
        assert!(std::fs::read(&path).unwrap() == content, "{what}");
        std::fs::remove_file(path).unwrap();
    }
    random_file(&harness.path("other"), segments * 65_536, 99);
    let mut both = vec![harness.upload_of("other")];
    both.extend(names.iter().map(|name| download_of(&harness, name)));
    expect_smooth(&mut harness, &format!("both: {what}"), both);
}

#[test]
fn a_transfer_over_a_slow_link_of_the_client_is_slow_and_no_error() {
    for rate in RATES {
        for segments in [1, 3, 10] {
            expect_smooth_both_ways(rate, 5, segments, 1, 0);
        }
        expect_smooth_both_ways(rate, 1, 3, 1, 0);
    }
}

#[test]
fn several_transfers_at_once_over_a_slow_and_lossy_link_of_the_client_are_no_error() {
    for rate in RATES {
        expect_smooth_both_ways(rate, 5, 3, 4, 0);
        expect_smooth_both_ways(rate, 5, 3, 4, 1);
        expect_smooth_both_ways(rate, 1, 1, 4, 5);
    }
}

/// A queue that has room for hardly any packet drops most of what several nodes send at once; that is slow, and no error either.
#[test]
fn a_short_queue_of_the_client_is_no_error() {
    for (rate, queue) in [(1 << 10, 1), (4 << 10, 1), (4 << 10, 3)] {
        let mut harness = network_with_queues(rate, queue);
        let names: Vec<String> = (0..4).map(|n| format!("f{n}")).collect();
        for (name, salt) in names.iter().zip(0..) {
            random_file(&harness.path(name), 3 * 65_536 - 7, salt);
        }
        let uploads: Vec<Command> = names.iter().map(|name| harness.upload_of(name)).collect();
        let downloads: Vec<Command> = names.iter().map(|name| download_of(&harness, name)).collect();
        for commands in [uploads, downloads] {
            let transfers: Vec<TransferId> = commands.into_iter().map(|command| harness.start(command).unwrap()).collect();
            transfers.into_iter().for_each(|transfer| drop(harness.finish(transfer).unwrap()));
        }
        let is_loss = |event: &Event| matches!(event, Event::Disconnected { .. } | Event::SegmentRetried { .. });
        assert_eq!(harness.events().into_iter().filter(is_loss).collect::<Vec<_>>(), [], "{rate} B/s, a queue of {queue}");
    }
}

/// A network of which the client's link has this rate and queues of so many packets.
fn network_with_queues(rate: u64, queue: u32) -> Harness {
    Harness::with(|directory| {
        let mut settings = config(directory, 5, link(64 << 10, 0));
        settings.client.link = link(rate, 0);
        (settings.client.link.up.queue_packets, settings.client.link.down.queue_packets) = (queue, queue);
        settings
    })
}

/// Probes and their answers get lost behind data in such a queue, and TCP's packets as well; nodes that answer are not said to be dead.
#[test]
fn nodes_beside_a_short_queue_of_the_client_are_not_dead() {
    for (rate, bytes) in [(4 << 10, 200_000), (64 << 10, 2_000_000)] {
        for queue in [1, 2, 4] {
            let mut harness = network_with_queues(rate, queue);
            let names = ["a", "b", "c"];
            names.iter().zip(0..).for_each(|(name, salt)| drop(random_file(&harness.path(name), bytes, salt)));
            for is_upload in [true, false] {
                let commands = names.map(|name| if is_upload { harness.upload_of(name) } else { download_of(&harness, name) });
                let transfers = commands.map(|command| harness.start(command).unwrap());
                transfers.into_iter().for_each(|transfer| drop(harness.finish(transfer).unwrap()));
                let is_dead = |event: &Event| matches!(event, Event::HealthChanged { to: Health::Dead, .. });
                let dead: Vec<Event> = harness.events().into_iter().filter(is_dead).collect();
                assert_eq!(dead, [], "{rate} B/s, a queue of {queue}, upload: {is_upload}");
            }
        }
    }
}

/// A node that is cut off is dead there as well, once nothing has come from it for as long as TCP would wait.
#[test]
fn a_node_that_is_cut_off_beside_a_short_queue_is_dead_in_the_end() {
    let mut harness = network_with_queues(64 << 10, 1);
    harness.sleep(SimDuration::from_secs(60));
    let (from, to) = (Peer::Client, Peer::Node(node(2)));
    harness.ask(Break::Path { from, to, one_way: false, change: PathChange::default(), cut: true }).unwrap();
    harness.events();
    let is_dead = |event: &Event| matches!(event, Event::HealthChanged { to: Health::Dead, node: dead, .. } if *dead == node(2));
    harness.sleep(SimDuration::from_secs(24));
    assert!(!harness.events().iter().any(is_dead));
    harness.sleep(SimDuration::from_secs(16));
    assert!(harness.events().iter().any(is_dead), "the user timeout of 30 s, an interval of 5 s and a timeout of 3 s are over");
}

/// A packet takes a minute and a half there, which is nearly as long as TCP waits at most before it sends one again.
#[test]
fn there_is_no_rate_at_which_a_transfer_must_fail() {
    expect_smooth_both_ways(16, 5, 1, 1, 0);
    expect_smooth_both_ways(8, 1, 1, 1, 0);
}

/// The link becomes slow while connections are open; their deadlines follow.
#[test]
fn a_link_that_becomes_slow_is_no_error_either() {
    for rate in [512, 2 << 10] {
        let mut harness = network(5, 64 << 10, 0);
        random_file(&harness.path("a.bin"), 10 * 65_536, 1);
        let upload = harness.start(harness.upload_of("a.bin")).unwrap();
        harness.sleep(SimDuration::from_secs(4));
        harness.ask(SetLink { peer: Peer::Client, link: link(rate, 0) }).unwrap();
        harness.events();
        harness.finish(upload).unwrap();
        let is_loss = |event: &Event| matches!(event, Event::Disconnected { .. } | Event::SegmentRetried { .. });
        assert_eq!(harness.events().into_iter().filter(is_loss).collect::<Vec<_>>(), [], "{rate} B/s");
    }
}

/// A link that is fast again makes its host as impatient as it was: a node that has gone meanwhile is not waited for as long as the slow link
/// would have had it.
#[test]
fn a_link_that_is_slow_no_more_lets_no_silent_node_be_waited_for() {
    for rate in [512, 1 << 10] {
        let mut harness = network(1, rate, 0);
        random_file(&harness.path("a.bin"), 2 * 65_536, 1);
        let upload = harness.start(harness.upload_of("a.bin")).unwrap();
        harness.sleep(SimDuration::from_secs(60));
        let (from, to) = (Peer::Client, Peer::Node(node(1)));
        harness.ask(Break::Path { from, to, one_way: false, change: PathChange::default(), cut: true }).unwrap();
        harness.sleep(SimDuration::from_secs(20));
        harness.events();
        harness.ask(SetLink { peer: Peer::Client, link: link(64 << 10, 0) }).unwrap();
        harness.sleep(SimDuration::from_secs(31));
        let is_found = |event: &Event| matches!(event, Event::Disconnected { .. });
        assert!(harness.events().iter().any(is_found), "{rate} B/s");
        harness.finish(upload).unwrap_err();
    }
}

/// Of several nodes one is cut off in the middle of an upload: it is given up within the time that the link's rate gives, and the others get
/// what it was to store.
#[test]
fn a_node_that_is_cut_off_is_given_up_within_the_time_of_a_slow_link() {
    for rate in [512, 1 << 10, 16 << 10] {
        let mut harness = network(3, rate, 0);
        random_file(&harness.path("a.bin"), 6 * 65_536, 1);
        let upload = harness.start(harness.upload_of("a.bin")).unwrap();
        harness.sleep(patience(rate).max(SimDuration::from_secs(10)).min(SimDuration::from_secs(60)));
        let (from, to) = (Peer::Client, Peer::Node(node(2)));
        harness.ask(Break::Path { from, to, one_way: false, change: PathChange::default(), cut: true }).unwrap();
        harness.events();
        let cut_at = harness.simulation.now();
        let is_found = |event: &Event| matches!(event, Event::Disconnected { node: lost, .. } if *lost == node(2));
        while !harness.events().iter().any(is_found) {
            harness.sleep(SimDuration::from_secs(1));
            let bound = patience(rate).max(SimDuration::from_secs(30)) + SimDuration::from_secs(2);
            assert!(harness.simulation.now() <= cut_at + bound, "{rate} B/s: it is not found");
        }
        harness.finish(upload).unwrap();
    }
}

/// What is under way when the link becomes fast again leaves it at the new rate, within the deadlines that hold from then on.
#[test]
fn a_link_that_becomes_fast_again_is_no_error_either() {
    for (seed, rate) in [(1, 64 << 10), (7, 64 << 10), (1, 16 << 10), (9, 64 << 10)] {
        for is_upload in [true, false] {
            let mut harness = network_of(seed, 5, 64 << 10, 0);
            random_file(&harness.path("big.bin"), 2_000_000, 1);
            let upload = harness.upload_of("big.bin");
            let transfer = if is_upload {
                let upload = harness.start(upload).unwrap();
                harness.sleep(SimDuration::from_secs(8));
                harness.ask(SetLink { peer: Peer::Client, link: link(1 << 10, 0) }).unwrap();
                upload
            } else {
                let upload = harness.start(upload).unwrap();
                harness.finish(upload).unwrap();
                harness.ask(SetLink { peer: Peer::Client, link: link(1 << 10, 0) }).unwrap();
                harness.start(download_of(&harness, "big.bin")).unwrap()
            };
            harness.sleep(SimDuration::from_secs(30));
            harness.ask(SetLink { peer: Peer::Client, link: link(rate, 0) }).unwrap();
            harness.events();
            harness.finish(transfer).unwrap_or_else(|error| panic!("seed {seed}, {rate} B/s, upload: {is_upload}: {error}"));
            let is_loss = |event: &Event| matches!(event, Event::Disconnected { .. } | Event::SegmentRetried { .. });
            let losses: Vec<Event> = harness.events().into_iter().filter(is_loss).collect();
            assert_eq!(losses, [], "seed {seed}, {rate} B/s, upload: {is_upload}");
        }
    }
}
