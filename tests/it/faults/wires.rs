//! Faults of links and paths as commands: put on, added to, taken back; partitions, and the causes that transfers give.

use p2p_base::units::{Probability, SimDuration};
use p2p_engine::faults::{FLAPS_MAX, Fault, FaultCause, FaultError, Flapping, LinkChange, PathChange, Target};
use p2p_engine::node::ProcessState;
use p2p_engine::node::health::Health;
use p2p_engine::operation::{Break, Mend};
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::snapshot::Peer;
use p2p_engine::{EngineError, ErrorKind, Event, Reply, operation};
use p2p_net::{Direction, DropCause, HostConfig, Loss};
use serde_json::Value;

use super::{node, told};
use crate::harness::{Harness, quick_link, random_file};
use crate::program::{Home, QUICK};

fn peer(number: usize) -> Peer {
    Peer::Node(node(number))
}

fn path(from: Peer, to: Peer, change: PathChange, cut: bool) -> Break {
    Break::Path { from, to, one_way: false, change, cut }
}

fn links(harness: &mut Harness) -> Vec<HostConfig> {
    match harness.ask(operation::ListHosts).unwrap() {
        Reply::Topology(topology) => topology.hosts.into_iter().map(|host| host.link).collect(),
        other => panic!("{other:?}"),
    }
}

fn dropped(harness: &mut Harness, cause: DropCause) -> u64 {
    match harness.ask(operation::CountPackets).unwrap() {
        Reply::Network(stats) => stats.dropped(cause),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_is_changed_and_returned_to_what_it_was() {
    let mut harness = Harness::new(2, quick_link());
    let before = links(&mut harness);
    let slow = LinkChange { bandwidth: "64KiB/s".parse().ok(), ..LinkChange::default() };
    let short = LinkChange { queue_packets: Some(5), ..LinkChange::default() };
    harness.ask(Break::Link { peer: peer(1), direction: Some(Direction::Up), change: slow }).unwrap();
    harness.ask(Break::Link { peer: peer(1), direction: None, change: short }).unwrap();
    let changed = links(&mut harness)[1];
    assert_eq!((changed.up.bandwidth, changed.up.queue_packets), ("64KiB/s".parse().unwrap(), 5));
    assert_eq!((changed.down.bandwidth, changed.down.queue_packets), (before[1].down.bandwidth, 5));
    let said: Vec<String> = harness.faults().iter().map(|active| active.fault.to_string()).collect();
    assert_eq!(
        said,
        ["the uplink of Node_01 has 64.0 KiB/s, a queue of 5 packets", "the downlink of Node_01 has a queue of 5 packets"]
    );
    // What lies beneath a fault may change, and is what comes back.
    let beneath = HostConfig { delay: "7ms".parse().unwrap(), ..before[1] };
    harness.ask(operation::SetLink { peer: peer(1), link: beneath }).unwrap();
    assert_eq!(links(&mut harness)[1], HostConfig { delay: beneath.delay, ..changed });
    harness.ask(Mend::Link { peer: peer(1), direction: Some(Direction::Down) }).unwrap();
    let again = harness.ask(Mend::Link { peer: peer(1), direction: Some(Direction::Down) }).unwrap_err();
    assert_eq!(again, EngineError::Fault(FaultError::NotBroken(Target::Link(peer(1), Direction::Down))));
    harness.ask(Mend::Link { peer: peer(1), direction: None }).unwrap();
    assert_eq!((links(&mut harness)[1], harness.kinds()), (beneath, vec![]));
    // The client is a host like the others, and the time of a transfer tells.
    random_file(&harness.path("a.bin"), 65_536, 1);
    harness.ask(Break::Link { peer: Peer::Client, direction: Some(Direction::Up), change: slow }).unwrap();
    let begun = harness.simulation.now();
    harness.put("a.bin").unwrap();
    assert!(harness.simulation.now() > begun + SimDuration::from_secs(1));
}

#[test]
fn a_path_is_changed_each_way_and_its_faults_are_counted() {
    let mut harness = Harness::new(1, quick_link());
    let always = Probability::from_percent(30);
    let lossy = PathChange { corrupt: Some(always), ..PathChange::default() };
    let one_way = Break::Path { from: Peer::Client, to: peer(1), one_way: true, change: lossy, cut: false };
    harness.ask(one_way).unwrap();
    let late = PathChange { delay: "50ms".parse().ok(), loss: Some(Loss::NONE), ..PathChange::default() };
    harness.ask(path(Peer::Client, peer(1), late, false)).unwrap();
    let content = random_file(&harness.path("a.bin"), 300_000, 1);
    let begun = harness.simulation.now();
    harness.put("a.bin").unwrap();
    assert!(harness.simulation.now() > begun + SimDuration::from_millis(100), "there and back");
    assert!(dropped(&mut harness, DropCause::Corrupt) > 0);
    harness.ask(Mend::Path { from: Peer::Client, to: peer(1), one_way: true }).unwrap();
    assert_eq!(harness.faults()[0].fault.target(), Target::Path(peer(1), Peer::Client));
    harness.ask(Mend::Path { from: Peer::Client, to: peer(1), one_way: false }).unwrap();
    let again = harness.ask(Mend::Path { from: Peer::Client, to: peer(1), one_way: false }).unwrap_err();
    assert_eq!(again.to_string(), "nothing is wrong with the path client->Node_01");
    harness.sleep(SimDuration::from_secs(100));
    let begun = harness.simulation.now();
    assert!(harness.get("a.bin").unwrap().1 == content);
    assert!(harness.simulation.now() < begun + SimDuration::from_millis(50), "it is as it was");
}

/// Another change of the path, or one of a link, does not end a burst.
#[test]
fn a_change_lets_a_burst_go_on() {
    let mut harness = Harness::new(1, quick_link());
    let (always, never) = (Probability::ALWAYS, Probability::NEVER);
    let forever = Loss::Bursts(p2p_net::GilbertElliott::simple(always, never));
    let change = PathChange { loss: Some(forever), ..PathChange::default() };
    harness.ask(path(Peer::Client, peer(1), change, false)).unwrap();
    harness.sleep(SimDuration::from_secs(60));
    let corrupt = PathChange { corrupt: Some(always), ..PathChange::default() };
    harness.ask(path(Peer::Client, peer(1), corrupt, false)).unwrap();
    let link = links(&mut harness)[1];
    harness.ask(operation::SetLink { peer: peer(1), link: HostConfig { delay: "7ms".parse().unwrap(), ..link } }).unwrap();
    harness.sleep(SimDuration::from_secs(60));
    // The first packet of a chain that begins anew would pass, and be corrupt.
    assert_eq!(dropped(&mut harness, DropCause::Corrupt), 0);
}

#[test]
fn what_would_outlast_its_mend_or_stop_all_is_refused() {
    let mut harness = Harness::new(2, quick_link());
    let change = |delay: &str| PathChange { delay: delay.parse().ok(), ..PathChange::default() };
    let error = harness.ask(path(Peer::Client, peer(1), change("61s"), false)).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.kind()), ("a path delays packets by 1m at the most", ErrorKind::Invalid));
    harness.ask(path(Peer::Client, peer(1), change("60s"), false)).unwrap();
    harness.sleep(SimDuration::from_secs(10));
    harness.ask(operation::ClearFaults::ALL).unwrap();
    harness.sleep(SimDuration::from_secs(75));
    random_file(&harness.path("a.bin"), 300_000, 1);
    let begun = harness.simulation.now();
    harness.put("a.bin").unwrap();
    assert!(harness.simulation.now() < begun + SimDuration::from_secs(1), "nothing is left of it");
    let none = LinkChange { queue_packets: Some(0), ..LinkChange::default() };
    let error = harness.ask(Break::Link { peer: peer(1), direction: None, change: none }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let unknown = Mend::Path { from: peer(9), to: Peer::Client, one_way: true };
    assert_eq!(harness.ask(unknown).unwrap_err().kind(), ErrorKind::NotFound);
}

/// What contradicts itself is refused, and so is what names no host.
#[test]
fn a_command_that_cannot_be_meant_is_refused() {
    let home = Home::new(QUICK);
    for (line, words) in [
        ("flap 1 --every 1s; flap 1 --times 3 --clear", "--clear stands alone"),
        ("flap 1 --times 3", "--every SPAN is missing"),
        ("link 1 --queue 0", "no number from 1"),
        ("link 1 --queue 5 --clear", "--clear stands alone"),
        ("path 99->client --clear", "Node_99"),
        ("heal 99->client", "Node_99"),
    ] {
        let refused = home.refused_script(line);
        assert!(refused.contains(words) && !refused.contains("nothing is wrong"), "{line}: {refused}");
    }
}

/// A cut path is healed by itself, without the changes of it and without the other cuts.
#[test]
fn one_cut_of_several_is_healed() {
    let mut harness = Harness::new(2, quick_link());
    let change = PathChange { delay: "9ms".parse().ok(), ..PathChange::default() };
    harness.ask(path(Peer::Client, peer(1), change, true)).unwrap();
    harness.ask(path(Peer::Client, peer(2), PathChange::default(), true)).unwrap();
    harness.ask(Mend::Cut { from: Peer::Client, to: peer(1), one_way: true }).unwrap();
    let left: Vec<String> = harness.faults().iter().map(|active| active.fault.undone_by()).collect();
    let expected = [
        "path client->Node_01 --clear",
        "path Node_01->client --clear",
        "heal client->Node_02",
        "heal Node_01->client",
        "heal Node_02->client",
    ];
    assert_eq!(left, expected);
}

/// The command in the list takes back exactly the fault beside which it stands. Of a path that is both changed and cut, the one beside
/// the changes takes both back.
#[test]
fn each_listed_inverse_undoes_its_fault_alone() {
    let home = Home::new(QUICK);
    let setup = "kill 1; stop 2; refuse 3; flap 4 --every 1h --times 2; disk 1 --slow 2x; disk 2 --full; \
                 link client --up --queue 9; link client --down --queue 9; path client,1 --delay 3ms; partition client|2";
    let listed = |script: &str| {
        let said = home.ok(&["run", "--json", "-c", &format!("{setup}; {script}faults")]);
        let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        let of = |fault: &Value| (fault["fault"].to_string(), fault["undo"].as_str().unwrap().to_owned());
        last["answer"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let all = listed("");
    // A flapping process is killed at once, and that is a fault of its own, which the end of the plan takes back too.
    assert_eq!(all.len(), 5 + 2 + 2 + 2 + 2, "{all:?}");
    for (fault, undo) in &all {
        let (left, is_flap) = (listed(&format!("{undo}; ")), fault.contains("every 1h"));
        let expected = all.iter().filter(|(other, _)| other != fault && !(is_flap && other.contains("Node_04 is killed")));
        assert!(left.iter().eq(expected), "{undo}: {left:?}");
    }
}

/// Those on the other side are dead to the client and to each other, those on the same side are alive, and all are again afterwards.
#[test]
fn a_partition_parts_and_heals() {
    let mut harness = Harness::new(3, quick_link());
    let partition = Break::Partition { one: vec![Peer::Client, peer(1)], other: vec![peer(2), peer(3)], one_way: false };
    harness.ask(partition).unwrap();
    assert_eq!(harness.kinds(), ["cut"; 8]);
    harness.sleep(SimDuration::from_secs(60));
    assert!(dropped(&mut harness, DropCause::Cut) > 0);
    let health = |harness: &mut Harness| {
        let Ok(Reply::Health(report)) = harness.ask(operation::CheckHealth) else { panic!("a report") };
        let of = |from: Peer, to: Peer| report.matrix.seen(from, to).unwrap().health;
        [of(Peer::Client, peer(1)), of(Peer::Client, peer(2)), of(peer(1), peer(3)), of(peer(2), peer(3))]
    };
    assert_eq!(health(&mut harness), [Health::Alive, Health::Dead, Health::Dead, Health::Alive]);
    random_file(&harness.path("a.bin"), 300_000, 1);
    harness.put("a.bin").unwrap();
    harness.ask(Mend::Cuts).unwrap();
    assert_eq!(harness.kinds(), Vec::<&str>::new());
    harness.sleep(SimDuration::from_secs(60));
    assert_eq!(health(&mut harness), [Health::Alive; 4]);
    harness.get("a.bin").unwrap();
}

/// What goes one way is lost, and the client says which fault explains that it has no answer.
#[test]
fn a_cut_of_one_way_explains_a_failure() {
    let mut harness = Harness::new(1, quick_link());
    random_file(&harness.path("a.bin"), 100_000, 1);
    harness.put("a.bin").unwrap();
    let one_way = Break::Partition { one: vec![peer(1)], other: vec![Peer::Client], one_way: true };
    harness.ask(one_way).unwrap();
    let error = harness.get("a.bin").unwrap_err().to_string();
    assert!(error.contains("Node_01: ") && error.contains("(fault: the path Node_01->client is cut since "), "{error}");
    // A path stays cut while its other faults come and go.
    harness.ask(path(peer(1), Peer::Client, PathChange { delay: "3ms".parse().ok(), ..PathChange::default() }, false)).unwrap();
    assert!(harness.get("a.bin").is_err());
    harness.ask(operation::ClearFaults::ALL).unwrap();
    harness.sleep(SimDuration::from_secs(60));
    harness.get("a.bin").unwrap();
}

#[test]
fn what_cannot_be_broken_is_refused_and_nothing_is_changed() {
    let mut harness = Harness::new(2, quick_link());
    let nothing = PathChange::default();
    let cases = [
        (path(Peer::Client, peer(1), nothing, false), ErrorKind::Invalid),
        (path(Peer::Client, Peer::Client, nothing, true), ErrorKind::Invalid),
        (path(Peer::Client, peer(3), nothing, true), ErrorKind::NotFound),
        (
            Break::Partition { one: vec![peer(1), peer(2)], other: vec![Peer::Client, peer(2)], one_way: false },
            ErrorKind::Invalid,
        ),
        (Break::Partition { one: vec![peer(1)], other: vec![Peer::Client, peer(9)], one_way: true }, ErrorKind::NotFound),
        (Break::Partition { one: vec![Peer::Client; 101], other: vec![peer(1); 100], one_way: true }, ErrorKind::Invalid),
        (Break::Link { peer: peer(1), direction: None, change: LinkChange::default() }, ErrorKind::Invalid),
        (Break::Flap { node: node(1), plan: Flapping { every: SimDuration::ZERO, times: 1 } }, ErrorKind::Invalid),
        (Break::Flap { node: node(1), plan: Flapping { every: SimDuration::from_secs(1), times: 0 } }, ErrorKind::Invalid),
        (
            Break::Flap { node: node(1), plan: Flapping { every: SimDuration::from_secs(1), times: FLAPS_MAX + 1 } },
            ErrorKind::Invalid,
        ),
        (Break::Flap { node: node(3), plan: Flapping { every: SimDuration::from_secs(1), times: 1 } }, ErrorKind::NotFound),
    ];
    for (wrong, kind) in cases {
        let error = harness.ask(wrong).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert!(harness.kinds().is_empty() && told(&harness.events()).is_empty());
}

/// The instants are exact: killed at once and every 4 s, started 2 s after each kill, and over with the last start.
#[test]
fn a_flapping_process_dies_and_comes_back_on_time() {
    let mut harness = Harness::new(2, quick_link());
    let plan = Flapping { every: SimDuration::from_secs(4), times: 3 };
    let begun = harness.simulation.now();
    harness.ask(Break::Flap { node: node(1), plan }).unwrap();
    harness.sleep(SimDuration::from_secs(30));
    let told = std::iter::from_fn(|| harness.simulation.poll_event()).filter_map(|(at, event)| match event {
        Event::FaultBegan { fault: Fault::Killed { .. }, cause: FaultCause::Flap { .. } } => Some(("killed", at - begun)),
        Event::FaultEnded { fault: Fault::Killed { .. }, cause: FaultCause::Flap { .. } } => Some(("started", at - begun)),
        Event::FaultEnded { fault: Fault::Flapping { .. }, cause: FaultCause::Over } => Some(("over", at - begun)),
        _ => None,
    });
    let told: Vec<(&str, SimDuration)> = told.collect();
    // A start reads the disk for a millisecond.
    let ms = SimDuration::from_millis;
    let expected = [
        ("killed", 0),
        ("started", 2001),
        ("killed", 4000),
        ("started", 6001),
        ("killed", 8000),
        ("over", 10_000),
        ("started", 10_001),
    ];
    assert_eq!(told, expected.map(|(what, at)| (what, ms(at))));
    // It is ended in the middle, and the process is started.
    harness.ask(Break::Flap { node: node(1), plan }).unwrap();
    harness.sleep(SimDuration::from_secs(1));
    assert_eq!(harness.kinds(), ["killed", "flapping"]);
    harness.ask(Mend::Flap { node: node(1) }).unwrap();
    assert_eq!(harness.kinds(), Vec::<&str>::new());
    assert_eq!(harness.ask(Mend::Flap { node: node(1) }), Err(EngineError::Fault(FaultError::NotBroken(Target::Flap(node(1))))));
    let Ok(Reply::Nodes(nodes)) = harness.ask(operation::ListNodes) else { panic!("the nodes") };
    assert!(nodes[0].state != ProcessState::Stopped);
}

/// Each fault of a path is told once of the host that sends on it, whichever kinds of faults there are.
#[test]
fn the_faults_of_the_paths_from_a_host_are_found_once() {
    let mut harness = Harness::new(3, quick_link());
    let late = PathChange { delay: "7ms".parse().ok(), ..PathChange::default() };
    for (change, cut, count) in [(PathChange::default(), true, 1), (late, false, 2)] {
        harness.ask(path(peer(2), peer(3), change, cut)).unwrap();
        let snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::Max));
        for (from, expected) in [(peer(2), count), (peer(3), count), (peer(1), 0), (Peer::Client, 0)] {
            assert_eq!(snapshot.faults_of_paths_from(from).count(), expected, "{from}");
        }
    }
}

/// Where both hosts of a path have a change of all their paths, the later one holds: for the network, and so for what the screen shows.
#[test]
fn of_two_changes_of_all_paths_the_later_holds() {
    let loss =
        |percent| PathChange { loss: Some(Loss::Independent(Probability::from_percent(percent))), ..PathChange::default() };
    let late = PathChange { delay: "7ms".parse().ok(), ..PathChange::default() };
    let all = |peer, change| Break::Paths { peer, change };
    for (breaks, is_cut, health) in [
        ([all(peer(1), loss(100)), all(Peer::Client, loss(0))], false, Health::Alive),
        ([all(Peer::Client, loss(0)), all(peer(1), loss(100))], true, Health::Dead),
    ] {
        let mut harness = Harness::new(2, quick_link());
        breaks.into_iter().for_each(|command| drop(harness.ask(command).unwrap()));
        // What is added to an earlier one is newer, and makes nothing newer that it does not speak of.
        harness.ask(all(if is_cut { Peer::Client } else { peer(1) }, late)).unwrap();
        harness.sleep(SimDuration::from_secs(30));
        assert_eq!(harness.health_of(1), health);
        let snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::Max));
        for (from, to) in [(Peer::Client, peer(1)), (peer(1), Peer::Client)] {
            assert_eq!(snapshot.is_cut(from, to), is_cut, "{from} to {to}");
            assert_eq!(snapshot.path_change(from, to).delay, late.delay);
        }
        assert!(!snapshot.path_change(Peer::Client, peer(2)).loses_all());
    }
}
