//! What errors of transfers say of the faults that cause them: which is on and where, since when, and what takes it back.

use p2p_base::units::SimDuration;
use p2p_engine::faults::{DiskFaults, Failing, Fault, LinkChange, PathChange};
use p2p_engine::operation::{Break, Cancel, ClearFaults, ListFaults};
use p2p_engine::snapshot::Peer;
use p2p_engine::{Caller, Command, EngineError, ErrorKind, Event, Reply, policy};
use p2p_net::Direction;

use super::node;
use crate::harness::{Harness, quick_link, random_file, user};

fn failing(name: &str) -> DiskFaults {
    let mut fails = Failing::default();
    assert!(fails.add(name));
    DiskFaults { fails, ..DiskFaults::default() }
}

fn disk(faults: DiskFaults) -> Command {
    Break::Disk { node: node(1), faults }.into()
}

/// A network of one node with a file on it.
fn stored() -> Harness {
    let mut harness = Harness::new(1, quick_link());
    random_file(&harness.path("a.bin"), 200_000, 1);
    harness.put("a.bin").unwrap();
    harness.sleep(SimDuration::from_secs(100));
    harness
}

fn fetch(harness: &mut Harness) -> Result<(), EngineError> {
    harness.get("a.bin").map(drop)
}

/// The fault stands in the sentence with its place, the instant since which it is on and the command that takes it back.
fn explains(error: &impl ToString, said: &str, undo: &str) {
    let error = error.to_string();
    let explanation = error.split_once("(fault: ").map(|(_, rest)| rest);
    let (fault, rest) = explanation.and_then(|rest| rest.split_once(" since 01:4")).unwrap_or_else(|| panic!("{error}"));
    assert_eq!(fault, said, "{error}");
    assert!(rest.contains(&format!(", until `{undo}`)")), "{error}");
}

#[test]
fn a_download_names_the_fault_of_the_disk() {
    let clear = "disk Node_01 --clear";
    for (faults, said, kind) in [
        (failing("reads"), "the disk of Node_01 is failing reads", ErrorKind::DataLoss),
        // How many segments are corrupt tells how many the node stores.
        (
            DiskFaults { corrupt: 100, ..DiskFaults::default() },
            "the disk of Node_01 is corrupt in some segments",
            ErrorKind::DataLoss,
        ),
    ] {
        let mut harness = stored();
        harness.ask(disk(faults)).unwrap();
        let error = fetch(&mut harness).unwrap_err();
        explains(&error, said, clear);
        assert_eq!(error.kind(), kind);
        harness.ask(ClearFaults::ALL).unwrap();
        harness.get("a.bin").unwrap();
    }
}

#[test]
fn an_upload_names_the_fault_of_the_disk() {
    let full = DiskFaults { full: true, ..DiskFaults::default() };
    for (faults, said, kind) in [
        (failing("writes"), "the disk of Node_01 is failing writes", ErrorKind::Unavailable),
        (failing("syncs"), "the disk of Node_01 is failing syncs", ErrorKind::Unavailable),
        (full, "the disk of Node_01 is full", ErrorKind::Exhausted),
    ] {
        let mut harness = stored();
        random_file(&harness.path("b.bin"), 2_000_000, 2);
        let upload = harness.start(harness.upload_of("b.bin")).unwrap();
        harness.ask(disk(faults)).unwrap();
        let error = harness.finish(upload).unwrap_err();
        explains(&error, said, "disk Node_01 --clear");
        assert_eq!(error.kind(), kind);
    }
}

/// A transfer that ends by the deadline of its requests names every fault on its way that lets packets be late or lost.
#[test]
fn a_transfer_names_the_links_and_the_paths_by_which_it_is_late() {
    let (client, peer) = (Peer::Client, Peer::Node(node(1)));
    let slow = LinkChange { bandwidth: "1KiB/s".parse().ok(), ..LinkChange::default() };
    let mut harness = stored();
    random_file(&harness.path("b.bin"), 3_000_000, 2);
    harness.ask(Break::Link { peer: client, direction: Some(Direction::Up), change: slow }).unwrap();
    // An upload makes progress, however slowly. What it has queued delays the new connection of a download, which is no error: the client
    // knows its own link.
    let transfer = harness.start(harness.upload_of("b.bin")).unwrap();
    harness.sleep(SimDuration::from_secs(100));
    harness.ask(Cancel { transfer }).unwrap();
    fetch(&mut harness).unwrap();
    let lossy = PathChange { loss: Some(p2p_net::Loss::Independent("95%".parse().unwrap())), ..PathChange::default() };
    let late = PathChange { delay: "60s".parse().ok(), ..PathChange::default() };
    for (change, said) in [(lossy, "has loss 95%"), (late, "has delay 1m")] {
        let mut harness = stored();
        let path = Break::Path { from: peer, to: client, one_way: true, change, cut: false };
        harness.ask(path.clone()).unwrap();
        let said = format!("the path Node_01->client {said}");
        explains(&fetch(&mut harness).unwrap_err(), &said, "path Node_01->client --clear");
        harness.ask(Break::Link { peer, direction: Some(Direction::Up), change: slow }).unwrap();
        // What makes a link faster explains nothing.
        let fast = LinkChange { bandwidth: "10Gbit/s".parse().ok(), ..LinkChange::default() };
        harness.ask(Break::Link { peer: client, direction: None, change: fast }).unwrap();
        let error = fetch(&mut harness).unwrap_err().to_string();
        assert!(error.contains("(faults: the uplink of Node_01 has 1.0 KiB/s since") && error.contains(&said), "{error}");
        assert!(!error.contains("link of client"), "{error}");
    }
}

/// How many segments are corrupt tells how many a node stores, which is for admins alone.
#[test]
fn only_admins_learn_how_many_segments_are_corrupt() {
    let mut harness = stored();
    harness.ask(disk(DiskFaults { corrupt: 100, ..DiskFaults::default() })).unwrap();
    let bob = user("bob");
    let list = |harness: &mut Harness, caller: &Caller| match harness.ask_as(caller, ListFaults).unwrap() {
        Reply::Faults(faults) => faults[0].fault.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(list(&mut harness, &Caller::operator()).to_string(), "the disk of Node_01 is corrupt in 4 segments");
    let hidden = Fault::Disk { node: node(1), faults: DiskFaults { corrupt: 1, ..DiskFaults::default() }, is_counted: false };
    assert_eq!(list(&mut harness, &bob), hidden);
    let events = harness.events();
    let began = events.iter().find(|event| matches!(event, Event::FaultBegan { .. })).unwrap();
    let Some(Event::FaultBegan { fault, .. }) = policy::known_of_event(&bob.principal, began) else { panic!("{began:?}") };
    assert_eq!(fault, hidden);
}
