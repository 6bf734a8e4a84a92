//! Faults of disks: slow, failing, full, corrupt. What is told of is on, what is taken back is gone, and nobody gets a wrong byte.

use p2p_base::units::SimDuration;
use p2p_engine::cause::Cause;
use p2p_engine::faults::{ClearedFaults, DiskFaults, Failing, Fault, FaultCause, FaultError, Target};
use p2p_engine::node::ProcessState;
use p2p_engine::node::protocol::Refusal;
use p2p_engine::operation::{Break, Mend};
use p2p_engine::transfer::TransferError;
use p2p_engine::{EngineError, ErrorKind, Event, Reply, operation};
use p2p_store::standing::Trouble;

use super::{node, told};
use crate::harness::{Harness, quick_link, random_file};

fn corrupt(count: u32) -> DiskFaults {
    DiskFaults { corrupt: count, ..DiskFaults::default() }
}

fn failing(names: &[&str]) -> DiskFaults {
    let mut fails = Failing::default();
    assert!(names.iter().all(|name| fails.add(name)));
    DiskFaults { fails, ..DiskFaults::default() }
}

fn break_disk(harness: &mut Harness, number: usize, faults: DiskFaults) {
    harness.ask(Break::Disk { node: node(number), faults }).unwrap();
}

fn mend(harness: &mut Harness, number: usize) {
    harness.ask(Mend::Disk { node: node(number) }).unwrap();
}

/// The reader learns that its data is lost, and which segment of which node it is; what is stored is as it was.
#[test]
fn a_corrupt_segment_is_found_and_heals() {
    let mut harness = Harness::new(2, quick_link());
    let content = random_file(&harness.path("a.bin"), 600_000, 1);
    harness.put("a.bin").unwrap();
    let files = || harness.segment_files().iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    let before = files();
    break_disk(&mut harness, 1, corrupt(2));
    let error = harness.get("a.bin").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataLoss);
    let EngineError::TransferFailed { error: TransferError::Unreadable { causes, .. }, .. } = &error else { panic!("{error}") };
    let [(at, Cause::Fault { cause, .. })] = &causes[..] else { panic!("{error}") };
    assert!(*at == node(1) && matches!(**cause, Cause::Refused(Refusal::Corrupt { .. })), "{error}");
    assert!(!harness.path("fetched-a.bin").exists());
    let files = || harness.segment_files().iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    assert_eq!(files(), before);
    mend(&mut harness, 1);
    assert!(harness.get("a.bin").unwrap().1 == content);
}

/// Storing the same content writes the corrupt segments anew, and the fault is over when none is left.
#[test]
fn what_is_stored_again_is_corrupt_no_more() {
    let mut harness = Harness::new(1, quick_link());
    let content = random_file(&harness.path("a.bin"), 300_000, 1);
    harness.put("a.bin").unwrap();
    break_disk(&mut harness, 1, corrupt(100));
    assert_eq!(harness.faults()[0].fault.to_string(), "the disk of Node_01 is corrupt in 5 segments");
    std::fs::write(harness.path("b.bin"), &content[..70_000]).unwrap();
    harness.put("b.bin").unwrap();
    std::fs::copy(harness.path("a.bin"), harness.path("c.bin")).unwrap();
    harness.put("c.bin").unwrap();
    assert!(harness.get("a.bin").unwrap().1 == content && harness.kinds().is_empty());
    let over = |event: &Event| matches!(event, Event::FaultEnded { cause: FaultCause::Over, .. });
    assert_eq!(harness.events().iter().filter(|event| over(event)).count(), 1);
}

/// What is listed is what is left.
#[test]
fn a_disk_of_which_a_part_has_healed_is_listed_as_it_is() {
    let mut harness = Harness::new(1, quick_link());
    let content = random_file(&harness.path("a.bin"), 300_000, 1);
    harness.put("a.bin").unwrap();
    break_disk(&mut harness, 1, DiskFaults { slow: "2".parse().ok(), ..corrupt(100) });
    for (bytes, said) in [(131_072, "slow 2x, corrupt in 3 segments"), (300_000, "slow 2x")] {
        let name = format!("{bytes}.bin");
        std::fs::write(harness.path(&name), &content[..bytes]).unwrap();
        harness.put(&name).unwrap();
        assert_eq!(harness.faults()[0].fault.to_string(), format!("the disk of Node_01 is {said}"));
    }
}

/// Uploads go to another holder, and what cannot be made durable is not acknowledged.
#[test]
fn an_upload_avoids_a_disk_that_fails_or_is_full() {
    for (faults, refused) in [(failing(&["writes"]), true), (DiskFaults { full: true, ..DiskFaults::default() }, false)] {
        let mut harness = Harness::new(2, quick_link());
        break_disk(&mut harness, 1, faults);
        let content = random_file(&harness.path("a.bin"), 300_000, 1);
        harness.put("a.bin").unwrap();
        let retried = harness.events().iter().filter(|event| matches!(event, Event::SegmentRetried { .. })).count();
        assert_eq!(retried > 0, refused, "placement knows which disk is full");
        assert!(harness.get("a.bin").unwrap().1 == content);
        break_disk(&mut harness, 2, DiskFaults { full: true, ..DiskFaults::default() });
        random_file(&harness.path("b.bin"), 300_000, 2);
        assert!(harness.put("b.bin").is_err());
        assert_eq!(harness.names(), ["a.bin"]);
        harness.ask(operation::ClearFaults::ALL).unwrap();
        harness.put("b.bin").unwrap();
    }
}

#[test]
fn what_a_sync_did_not_make_durable_is_not_acknowledged() {
    let mut harness = Harness::new(1, quick_link());
    break_disk(&mut harness, 1, failing(&["syncs"]));
    random_file(&harness.path("a.bin"), 100_000, 1);
    let error = harness.put("a.bin").unwrap_err().to_string();
    assert!(error.contains("Node_01 did not confirm") && error.contains("make its segments durable"), "{error}");
    assert_eq!(harness.names(), Vec::<String>::new());
    mend(&mut harness, 1);
    harness.put("a.bin").unwrap();
    harness.get("a.bin").unwrap();
}

/// A process that cannot read its disk does not run, says why, and runs once the disk is sound.
#[test]
fn a_process_does_not_start_on_a_disk_that_fails_reads() {
    let mut harness = Harness::new(1, quick_link());
    let content = random_file(&harness.path("a.bin"), 100_000, 1);
    harness.put("a.bin").unwrap();
    harness.ask(Break::Kill { node: node(1) }).unwrap();
    break_disk(&mut harness, 1, failing(&["reads"]));
    let error = harness.ask(Mend::Process { node: node(1) }).unwrap_err();
    assert_eq!(error.to_string(), "Node_01: its disk cannot be used: cannot list its segments: Input/output error (os error 5)");
    assert_eq!(harness.kinds(), ["killed", "disk"]);
    assert!(harness.events().iter().any(|event| matches!(event, Event::StartFailed { .. })));
    // The disk is mended first, and the process starts on it.
    let Ok(Reply::Cleared(ClearedFaults { taken_back, .. })) = harness.ask(operation::ClearFaults::ALL) else {
        panic!("what was taken back")
    };
    assert_eq!((taken_back.len(), harness.kinds()), (2, vec![]));
    harness.sleep(SimDuration::from_secs(60));
    assert!(harness.get("a.bin").unwrap().1 == content);
    let Ok(Reply::Nodes(nodes)) = harness.ask(operation::ListNodes) else { panic!("the nodes") };
    assert!(nodes[0].state != ProcessState::Stopped, "{:?}", nodes[0].state);
}

/// What could be taken back is told of also where a process does not start, and that process's fault stays on.
#[test]
fn a_process_that_does_not_start_hides_nothing_of_what_is_taken_back() {
    let mut harness = Harness::new(3, quick_link());
    random_file(&harness.path("a.bin"), 100_000, 1);
    harness.put("a.bin").unwrap();
    for number in [1, 2] {
        harness.ask(Break::Kill { node: node(number) }).unwrap();
    }
    break_disk(&mut harness, 3, failing(&["writes"]));
    let (there, away) = (harness.path("data/nodes/Node_01/segments"), harness.path("away"));
    std::fs::rename(&there, &away).unwrap();
    std::fs::write(&there, "no directory").unwrap();
    let Ok(Reply::Cleared(cleared)) = harness.ask(operation::ClearFaults::ALL) else { panic!("what was taken back") };
    let kinds: Vec<&str> = cleared.taken_back.iter().map(|active| active.fault.name()).collect();
    assert_eq!((kinds, harness.kinds()), (vec!["killed", "disk"], vec!["killed"]));
    assert!(matches!(cleared.not_running[..], [(at, Some(Trouble::Disk(_)))] if at == node(1)), "{cleared:?}");
    std::fs::remove_file(&there).unwrap();
    std::fs::rename(&away, &there).unwrap();
    let Ok(Reply::Cleared(cleared)) = harness.ask(operation::ClearFaults::ALL) else { panic!("what was taken back") };
    assert_eq!((cleared.taken_back.len(), cleared.not_running), (1, vec![]));
}

/// Virtual time is exact: of a file of one segment, a sync and a write take ten times as long, everything else as before.
#[test]
fn a_slow_disk_takes_the_time_that_it_says() {
    let took = |factor: Option<&str>| {
        let mut harness = Harness::new(1, quick_link());
        random_file(&harness.path("a.bin"), 1000, 1);
        if let Some(factor) = factor {
            break_disk(&mut harness, 1, DiskFaults { slow: Some(factor.parse().unwrap()), ..DiskFaults::default() });
        }
        let begun = harness.simulation.now();
        harness.put("a.bin").unwrap();
        harness.simulation.now() - begun
    };
    let (usual, slow) = (took(None), took(Some("10x")));
    // The write takes a millisecond and the time of its bytes at 200 MiB/s, the sync a millisecond.
    let bytes = "200MiB/s".parse::<p2p_base::units::Bandwidth>().unwrap().time_for(1000);
    assert_eq!(slow, usual + (SimDuration::from_millis(2) + bytes) * 9);
}

#[test]
fn faults_of_a_disk_add_up_and_are_taken_back_together() {
    let mut harness = Harness::new(2, quick_link());
    let refused = |harness: &mut Harness, faults| harness.ask(Break::Disk { node: node(1), faults }).unwrap_err();
    assert_eq!(refused(&mut harness, DiskFaults::default()).kind(), ErrorKind::Invalid);
    assert_eq!(refused(&mut harness, corrupt(1)), EngineError::Fault(FaultError::NothingStored(node(1))));
    let error = harness.ask(Mend::Disk { node: node(1) }).unwrap_err();
    assert_eq!(error, EngineError::Fault(FaultError::NotBroken(Target::Disk(node(1)))));
    break_disk(&mut harness, 1, failing(&["reads"]));
    break_disk(&mut harness, 1, DiskFaults { slow: "10".parse().ok(), ..failing(&["syncs"]) });
    assert_eq!(harness.faults()[0].fault.to_string(), "the disk of Node_01 is slow 10x, failing reads and syncs");
    mend(&mut harness, 1);
    let events = harness.events();
    let told = told(&events);
    assert!(matches!(told[..], [(true, Fault::Disk { .. }), (true, _), (false, Fault::Disk { .. })]), "{told:?}");
}
