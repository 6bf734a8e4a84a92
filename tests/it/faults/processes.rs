//! The processes of nodes: killed, stopped as planned, started, restarted, and hosts that refuse.

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::cause::{Cause, PassedOver};
use p2p_engine::faults::{ClearedFaults, Fault, FaultCause, PathChange};
use p2p_engine::node::ProcessState;
use p2p_engine::node::health::Health;
use p2p_engine::operation::{Break, Mend};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::TransferError;
use p2p_engine::{Command, EngineError, ErrorKind, Event, Reply, operation, policy};
use p2p_store::names::FileKey;

use super::{node, told};
use crate::harness::{Harness, config, quick_link, random_file, slow_link, user};

fn state(harness: &mut Harness, number: usize) -> ProcessState {
    match harness.ask(operation::ListNodes).unwrap() {
        Reply::Nodes(nodes) => nodes[number - 1].state,
        other => panic!("{other:?}"),
    }
}

/// What was stored on a node is there when it is back, and it is found alive by the probes of its peers.
#[test]
fn a_killed_node_is_silent_and_comes_back_with_its_disk() {
    let mut harness = Harness::new(3, quick_link());
    let content = random_file(&harness.path("a.bin"), 600_000, 1);
    harness.put("a.bin").unwrap();
    harness.sleep(SimDuration::from_secs(30));
    let killed_at = harness.simulation.now();
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    assert_eq!(state(&mut harness, 2), ProcessState::Stopped);
    let faults = harness.faults();
    assert_eq!((faults.len(), &faults[0].fault, faults[0].since), (1, &Fault::Killed { node: node(2) }, killed_at));
    // Its connection sees silence: nothing is reset, and only the probes tell.
    harness.events();
    harness.sleep(SimDuration::from_secs(3));
    assert!(!harness.events().iter().any(|event| matches!(event, Event::Disconnected { .. })));
    harness.sleep(SimDuration::from_secs(60));
    assert_eq!(harness.health_of(2), Health::Dead);
    harness.ask(Mend::Process { node: node(2) }).unwrap();
    assert_eq!((state(&mut harness, 2), harness.faults()), (ProcessState::Ready, vec![]));
    let started = harness.simulation.now();
    while harness.health_of(2) != Health::Alive {
        harness.sleep(SimDuration::from_millis(100));
        assert!(harness.simulation.now() < started + SimDuration::from_secs(30));
    }
    let Ok(Reply::Health(report)) = harness.ask(operation::CheckHealth) else { panic!("a report") };
    assert!(report.matrix.pairs().all(|(_, _, seen)| seen.health == Health::Alive));
    assert!(harness.get("a.bin").unwrap().1 == content);
}

/// The holder is killed in the middle of it: what it had not acknowledged goes to the others.
#[test]
fn an_upload_goes_to_another_holder() {
    let mut harness = Harness::new(3, slow_link());
    let content = random_file(&harness.path("a.bin"), 500_000, 1);
    let upload = harness.start(harness.upload_of("a.bin")).unwrap();
    harness.sleep(SimDuration::from_millis(100));
    harness.ask(Break::Kill { node: node(1) }).unwrap();
    harness.finish(upload).unwrap();
    let events = harness.events();
    let retried = |event: &Event| match event {
        Event::SegmentRetried { node: from, cause: Cause::Fault { faults, .. }, .. } => Some((*from, faults[0].fault.clone())),
        _ => None,
    };
    let retried: Vec<_> = events.iter().filter_map(retried).collect();
    assert!(!retried.is_empty() && retried.iter().all(|retried| *retried == (node(1), Fault::Killed { node: node(1) })));
    assert!(harness.get("a.bin").unwrap().1 == content, "none of it is on the killed node");
}

#[test]
fn a_download_whose_only_holder_is_gone_names_the_node_and_the_fault() {
    for (break_it, words) in [
        (Command::from(Break::Kill { node: node(1) }), "Node_01: it did not answer (fault: Node_01 is killed since 02:0"),
        (Break::Refuse { node: node(1) }.into(), "Node_01: it refused the connection (fault: Node_01 is refusing since 02:0"),
        (
            Break::Stop { node: node(1), within: operation::STOP_WITHIN }.into(),
            "Node_01: it refused the connection (fault: Node_01 is stopped since 02:0",
        ),
    ] {
        let mut harness = Harness::new(1, quick_link());
        random_file(&harness.path("a.bin"), 100_000, 1);
        harness.put("a.bin").unwrap();
        // The connection of the upload is closed by now.
        harness.sleep(SimDuration::from_secs(120));
        harness.ask(break_it).unwrap();
        let error = harness.get("a.bin").unwrap_err();
        let EngineError::TransferFailed { error: TransferError::Unreadable { .. }, .. } = &error else { panic!("{error}") };
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "its disk has it");
        assert!(!harness.path("fetched-a.bin").exists());
    }
}

/// A fault that explains two attempts at one node is told once, with its time as clocks are read.
#[test]
fn a_fault_is_told_once_of_the_attempts_at_a_node() {
    let mut harness = Harness::new(1, quick_link());
    random_file(&harness.path("a.bin"), 100_000, 1);
    harness.put("a.bin").unwrap();
    // The connection of the upload is still open, and another one is tried after it.
    harness.ask(Break::Kill { node: node(1) }).unwrap();
    let error = harness.get("a.bin").unwrap_err().to_string();
    assert_eq!(error.matches("Node_01 is killed").count(), 1, "{error}");
    assert!(error.contains(" request for 30s, then it did not answer (fault: Node_01 is killed since 00:0"), "{error}");
}

/// What is under way ends first, and nothing new is placed there.
#[test]
fn a_planned_stop_lets_transfers_end() {
    let mut harness = Harness::new(2, slow_link());
    let content = random_file(&harness.path("a.bin"), 300_000, 1);
    let upload = harness.start(harness.upload_of("a.bin")).unwrap();
    harness.sleep(SimDuration::from_millis(200));
    let stop = harness.tell(Break::Stop { node: node(1), within: SimDuration::from_secs(600) });
    harness.finish(upload).unwrap();
    harness.answer(stop).unwrap();
    let events = harness.events();
    assert!(!events.iter().any(|event| matches!(event, Event::SegmentRetried { .. } | Event::Disconnected { .. })), "{events:?}");
    let told = told(&events);
    assert!(matches!(told[..], [(true, Fault::Stopping { .. }), (true, Fault::Stopped { .. })]), "{told:?}");
    assert_eq!((state(&mut harness, 1), harness.kinds()), (ProcessState::Stopped, vec!["stopped"]));
    // A download is not cut off either, and it ends the restart's wait.
    harness.ask(Mend::Process { node: node(1) }).unwrap();
    harness.sleep(SimDuration::from_secs(1));
    let path = harness.path("got.bin");
    let download = harness.start(operation::Download::to_file(FileKey::unowned("a.bin"), path.clone(), false)).unwrap();
    harness.sleep(SimDuration::from_millis(500));
    let restart = harness.tell(Break::Restart { node: node(1), within: SimDuration::from_secs(600) });
    harness.finish(download).unwrap();
    harness.answer(restart).unwrap();
    assert!(std::fs::read(path).unwrap() == content);
    let events = harness.events();
    assert!(!events.iter().any(|event| matches!(event, Event::SegmentRetried { .. })));
    assert_eq!((state(&mut harness, 1), harness.kinds()), (ProcessState::Ready, vec![]));
}

/// Segments that the node has stored of an upload that is not at its end go to another one.
#[test]
fn a_planned_stop_waits_no_longer_than_it_says() {
    let mut harness = Harness::new(2, slow_link());
    let content = random_file(&harness.path("a.bin"), 3_000_000, 1);
    let upload = harness.start(harness.upload_of("a.bin")).unwrap();
    harness.sleep(SimDuration::from_secs(2));
    let asked: SimTime = harness.simulation.now();
    harness.ask(Break::Stop { node: node(1), within: SimDuration::from_secs(5) }).unwrap();
    assert_eq!(harness.simulation.now(), asked + SimDuration::from_secs(5));
    harness.finish(upload).unwrap();
    let said =
        |event: &Event| matches!(event, Event::SegmentRetried { cause, .. } if cause.to_string().contains("Node_01 is stopped"));
    assert!(harness.events().iter().any(said));
    assert!(harness.get("a.bin").unwrap().1 == content, "none of it is on the stopped node");
}

/// A start takes a stop back that has not come to its end, and a host that refuses takes it back too; the wait for it ends.
#[test]
fn a_stop_and_a_restart_are_taken_back() {
    for taken_back_by in [Command::from(Mend::Process { node: node(1) }), Break::Refuse { node: node(1) }.into()] {
        let within = SimDuration::from_secs(600);
        for stop in [Break::Stop { node: node(1), within }, Break::Restart { node: node(1), within }] {
            let mut harness = Harness::new(2, slow_link());
            random_file(&harness.path("a.bin"), 300_000, 1);
            let upload = harness.start(harness.upload_of("a.bin")).unwrap();
            harness.sleep(SimDuration::from_millis(200));
            let stop = harness.tell(stop);
            harness.tell(taken_back_by.clone());
            assert_eq!(harness.answer(stop), Err(EngineError::StopTakenBack(node(1))));
            harness.finish(upload).unwrap();
        }
    }
}

/// Both commands come at one instant, at which nobody knows yet where the segments are.
#[test]
fn a_planned_stop_lets_a_download_end_that_has_just_begun() {
    let mut harness = Harness::new(1, slow_link());
    let content = random_file(&harness.path("a.bin"), 300_000, 1);
    harness.put("a.bin").unwrap();
    harness.sleep(SimDuration::from_secs(100));
    let path = harness.path("got.bin");
    let download = harness.tell(operation::Download::to_file(FileKey::unowned("a.bin"), path.clone(), false));
    let stop = harness.tell(Break::Stop { node: node(1), within: SimDuration::from_secs(600) });
    let Ok(Reply::Started(download)) = harness.answer(download) else { panic!("it begins") };
    harness.finish(download).unwrap();
    harness.answer(stop).unwrap();
    assert!(std::fs::read(path).unwrap() == content);
}

/// The client has a connection to a process that is gone. The first request on it is answered with a reset, and made once more.
#[test]
fn the_first_request_after_a_restart_succeeds() {
    let mut harness = Harness::new(1, quick_link());
    let content = random_file(&harness.path("a.bin"), 300_000, 1);
    harness.put("a.bin").unwrap();
    harness.ask(Break::Kill { node: node(1) }).unwrap();
    harness.ask(Mend::Process { node: node(1) }).unwrap();
    assert!(harness.get("a.bin").unwrap().1 == content);
    let reset = |event: &Event| matches!(event, Event::SegmentRetried { cause, .. } if cause.to_string().contains("reset"));
    assert!(harness.events().iter().any(reset));
    // A process that ends as planned closes its connections, and nothing has to be asked for once more.
    harness.ask(Break::Restart { node: node(1), within: operation::STOP_WITHIN }).unwrap();
    assert!(harness.get("a.bin").unwrap().1 == content);
    assert!(!harness.events().iter().any(|event| matches!(event, Event::SegmentRetried { .. })));
}

/// No port of a host that refuses is open: uploads go elsewhere at once, and probes find it dead.
#[test]
fn a_host_that_refuses_serves_nobody() {
    let mut harness = Harness::new(2, quick_link());
    harness.ask(Break::Refuse { node: node(1) }).unwrap();
    random_file(&harness.path("a.bin"), 300_000, 1);
    harness.put("a.bin").unwrap();
    assert!(harness.simulation.now() < SimTime::ZERO + SimDuration::from_secs(1), "nothing was waited for");
    harness.sleep(SimDuration::from_secs(120));
    assert_eq!((harness.health_of(1), harness.kinds()), (Health::Dead, vec!["refusing"]));
    harness.ask(Mend::Process { node: node(1) }).unwrap();
    harness.sleep(SimDuration::from_secs(30));
    assert_eq!(harness.health_of(1), Health::Alive);
    harness.ask(Break::Refuse { node: node(2) }).unwrap();
    assert!(harness.get("a.bin").is_err(), "all of it is on the other node");
    random_file(&harness.path("b.bin"), 300_000, 2);
    harness.put("b.bin").unwrap();
    harness.get("b.bin").unwrap();
}

/// A node that is to stop is passed over at once, and the reason is told.
#[test]
fn placement_passes_over_a_node_that_stops() {
    let mut harness = Harness::new(2, slow_link());
    random_file(&harness.path("a.bin"), 300_000, 1);
    let upload = harness.start(harness.upload_of("a.bin")).unwrap();
    harness.sleep(SimDuration::from_millis(200));
    harness.tell(Break::Stop { node: node(1), within: SimDuration::from_secs(3_600) });
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    let Err(EngineError::TransferFailed { error, .. }) = harness.finish(upload) else { panic!("nobody takes it") };
    let TransferError::NoHolder { ref causes, .. } = error else { panic!("{error}") };
    let Cause::Fault { faults: first, cause } = &causes[0].1 else { panic!("{error}") };
    assert!(matches!(first[0].fault, Fault::Stopping { .. }), "{error}");
    assert_eq!(**cause, Cause::PassedOver(PassedOver::Withdrawn));
    let Cause::Fault { faults: second, .. } = &causes[1].1 else { panic!("{error}") };
    assert!(matches!(second[0].fault, Fault::Killed { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    // Where no node takes anything, an upload is refused before it begins.
    random_file(&harness.path("b.bin"), 10, 1);
    harness.sleep(SimDuration::from_secs(100));
    let refused = harness.put("b.bin").unwrap_err().to_string();
    assert!(
        refused.starts_with("no node takes segments of `b.bin`: Node_01: it takes no segments (fault: Node_01 is stopped"),
        "{refused}"
    );
    assert!(refused.contains("Node_02: it is dead (fault: Node_02 is killed since"), "{refused}");
}

#[test]
fn what_cannot_be_done_to_a_process_is_refused_with_the_reason() {
    let mut harness = Harness::new(2, quick_link());
    let stop = |number| Break::Stop { node: node(number), within: SimDuration::ZERO };
    assert_eq!(harness.ask(Mend::Process { node: node(1) }), Err(EngineError::Running(node(1))));
    harness.ask(Break::Refuse { node: node(1) }).unwrap();
    let again = harness.ask(Break::Refuse { node: node(1) }).unwrap_err();
    assert_eq!((again.to_string().as_str(), again.kind()), ("Node_01 is refusing already", ErrorKind::Precondition));
    harness.ask(stop(1)).unwrap();
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    for number in [1, 2] {
        for refused in [Command::from(Break::Kill { node: node(number) }), stop(number).into()] {
            assert_eq!(harness.ask(refused), Err(EngineError::NotRunning(node(number))));
        }
    }
    for unknown in [Command::from(Break::Kill { node: node(3) }), stop(3).into()] {
        assert_eq!(harness.ask(unknown).unwrap_err().kind(), ErrorKind::NotFound);
    }
    let Ok(Reply::Cleared(ClearedFaults { taken_back, .. })) = harness.ask(operation::ClearFaults::ALL) else {
        panic!("what was taken back")
    };
    assert_eq!((taken_back.len(), harness.kinds(), state(&mut harness, 1)), (2, vec![], ProcessState::Ready));
    assert_eq!(
        harness.ask(operation::ClearFaults::ALL),
        Ok(Reply::Cleared(ClearedFaults { taken_back: vec![], not_running: vec![] }))
    );
    // Restarting what does not run starts it.
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    harness.ask(Break::Restart { node: node(2), within: SimDuration::ZERO }).unwrap();
    assert_eq!(state(&mut harness, 2), ProcessState::Ready);
}

/// All users see what is on; by whom, admins alone.
#[test]
fn by_whom_a_fault_is_on_is_for_admins() {
    let mut harness = Harness::with(|directory| config(directory, 2, quick_link()));
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    let mut root = user("root");
    if let p2p_engine::Principal::User { is_admin, .. } = &mut root.principal {
        *is_admin = true;
    }
    harness.ask_as(&root, Break::Kill { node: node(1) }).unwrap();
    let by = |harness: &mut Harness, who| match harness.ask_as(who, operation::ListFaults) {
        Ok(Reply::Faults(faults)) => faults[0].cause.clone(),
        other => panic!("{other:?}"),
    };
    let of = |name: Option<&str>| FaultCause::Command { by: name.map(str::to_owned) };
    assert_eq!((by(&mut harness, &root), by(&mut harness, &user("bob"))), (of(Some("root")), of(None)));
    // The events are those of the list: everybody sees them, and only admins see by whom.
    harness.ask_as(&root, Mend::Process { node: node(1) }).unwrap();
    for event in harness.events() {
        let (Event::FaultBegan { cause, .. } | Event::FaultEnded { cause, .. }) = &event else { continue };
        let bob = user("bob").principal;
        assert!(policy::may_see(&bob, &event, |_| false) && policy::known_of_event(&root.principal, &event).is_none());
        let known = policy::known_of_event(&bob, &event);
        assert_eq!(known.is_some(), cause.by().is_some(), "{event:?}");
        let (Event::FaultBegan { cause, .. } | Event::FaultEnded { cause, .. }) = known.as_ref().unwrap_or(&event) else {
            panic!("{known:?}")
        };
        assert_eq!(*cause, of(None));
    }
    let denied = harness.ask_as(&user("bob"), Break::Kill { node: node(1) }).unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
}

/// A fault counts from its first command, and all who have added to it are named, each once.
#[test]
fn all_who_add_to_a_fault_are_named() {
    let mut harness = Harness::with(|directory| config(directory, 2, quick_link()));
    let admins = ["root", "ann"].map(|name| {
        let mut admin = user(name);
        if let p2p_engine::Principal::User { is_admin, .. } = &mut admin.principal {
            *is_admin = true;
        }
        admin
    });
    let client_to_node = |cut| {
        let change = PathChange { delay: "9ms".parse().ok(), ..PathChange::default() };
        Break::Path { from: Peer::Client, to: Peer::Node(node(1)), one_way: true, change, cut }
    };
    let begun = harness.simulation.now();
    for admin in [&admins[0], &admins[1], &admins[0], &admins[1]] {
        harness.ask_as(admin, client_to_node(true)).unwrap();
        harness.sleep(SimDuration::from_secs(1));
    }
    let Ok(Reply::Faults(faults)) = harness.ask_as(&admins[1], operation::ListFaults) else { panic!("the faults") };
    for active in &faults {
        assert_eq!((active.since, active.users()), (begun, vec!["root", "ann"]), "{active:?}");
    }
    assert_eq!(faults.len(), 2);
    // Others learn that more than one command is behind it, and no names.
    let Ok(Reply::Faults(faults)) = harness.ask_as(&user("bob"), operation::ListFaults) else { panic!("the faults") };
    assert!(faults.iter().all(|active| active.users().is_empty() && active.added.len() == 1));
    // A fault that is put on anew after it was taken back counts anew.
    harness.ask(operation::ClearFaults::ALL).unwrap();
    harness.ask_as(&admins[1], client_to_node(false)).unwrap();
    let faults = harness.faults();
    assert_eq!((faults[0].since, faults[0].users()), (harness.simulation.now(), vec!["ann"]));
}

/// A health check that a kill interrupts comes to its end.
#[test]
fn a_health_check_outlives_the_death_of_a_host() {
    let mut harness = Harness::new(3, slow_link());
    let check = harness.tell(operation::CheckHealth);
    harness.ask(Break::Kill { node: node(3) }).unwrap();
    let Ok(Reply::Health(report)) = harness.answer(check) else { panic!("a report") };
    assert_eq!(report.of_node(node(1)).health, Health::Alive);
}
