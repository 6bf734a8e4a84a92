//! Transfers that cannot be completed because a node is out of reach: said from the instant at which it holds, with the node, the reason
//! and the time since, wherever a transfer is shown; and no longer once the node answers.

use p2p_base::units::{Probability, SimDuration, SimTime};
use p2p_engine::faults::PathChange;
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Absence, Awaited, Remaining, Replacement, TransferError, TransferState, TransferStatus};
use p2p_engine::{Command, Event, operation};
use p2p_net::Loss;
use p2p_shell::report::time_of_transfer;
use p2p_storage::tui::app::Pane;
use p2p_store::names::FileKey;

use crate::faults::node;
use crate::figures::{advance, network, status_of};
use crate::harness::{Harness, random_file, slow_link};
use crate::tui_harness::TuiHarness;

const SECOND: SimDuration = SimDuration::from_secs(1);

fn at(seconds: u64) -> SimTime {
    SimTime::ZERO + SECOND * seconds
}

/// A cut of the path between the client and a node, one way or both.
fn cut(number: usize, one_way: bool) -> operation::Break {
    let (from, to) = (Peer::Client, Peer::Node(node(number)));
    operation::Break::Path { from, to, one_way, change: PathChange::default(), cut: true }
}

/// A network of five nodes with an upload that has run for 15 seconds, by when the first nodes have stored segments of it.
fn upload_under_way() -> (Harness, p2p_engine::transfer::TransferId) {
    let mut harness = network(42, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 3_000_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, at(15));
    let status = status_of(&mut harness, id);
    assert!(status.awaited.is_empty() && status.eta.seconds().is_some(), "{status:?}");
    (harness, id)
}

/// Asserts that a transfer waits for one node, for this reason and since this instant, and tells a time only if it can do without the node.
fn assert_waits(status: &TransferStatus, number: usize, why: Absence, since: SimTime) {
    assert_eq!(status.awaited, [Awaited { node: node(number), why, since }], "{status:?}");
    match status.is_out_of_reach() {
        true => assert_eq!(status.eta, Remaining::OutOfReach),
        false => assert!(status.eta.seconds().is_some(), "{status:?}"),
    }
}

/// Until the node is given up, and others get what it has stored, an upload with segments on a node that is cut off tells both for which node
/// it waits and a time, because it will be completed without the node.
#[test]
fn an_upload_with_segments_on_a_node_that_stays_cut_off_has_an_estimate() {
    for one_way in [false, true] {
        let (mut harness, id) = upload_under_way();
        harness.ask(cut(1, one_way)).unwrap();
        let mut states = Vec::new();
        // The commit is short, since the node is dead by then.
        for step in 750..15_000 {
            advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(20 * step));
            let status = status_of(&mut harness, id);
            let goes_on = states.contains(&TransferState::Committing) && status.state == TransferState::Running;
            if status.state.is_over() || goes_on {
                assert!(status.awaited.is_empty(), "{status:?}");
                break;
            }
            let is_awaited = status.awaited == [Awaited { node: node(1), why: Absence::CutOff, since: at(15) }];
            // In the commit it is not even asked.
            let is_given_up = status.awaited.is_empty() && status.state == TransferState::Committing;
            assert!(is_awaited || is_given_up, "{status:?}");
            assert!(status.is_replaced(node(1)) && status.eta.seconds().is_some(), "{status:?}");
            states.push(status.state);
        }
        states.dedup();
        assert_eq!(states, [TransferState::Running, TransferState::Committing]);
        harness.finish(id).unwrap();
        assert!(status_of(&mut harness, id).awaited.is_empty());
    }
}

/// Every reason is told as what it is: a process that was killed, one that has ended, a host that refuses.
#[test]
fn the_reason_is_told_why_a_node_is_out_of_reach() {
    let killed = (operation::Break::Kill { node: node(2) }, Absence::Killed);
    let refusing = (operation::Break::Refuse { node: node(2) }, Absence::Refusing);
    for (fault, why) in [killed, refusing] {
        let (mut harness, id) = upload_under_way();
        harness.ask(fault).unwrap();
        assert_waits(&status_of(&mut harness, id), 2, why, at(15));
    }
}

/// A node is cut off where the network lets nothing pass to it, and not where a fault says so over which another one holds: that of the
/// path over those of all paths of its hosts, and of these the later.
#[test]
fn a_node_is_cut_off_where_nothing_passes_by_what_holds_in_the_end() {
    let loss =
        |percent| PathChange { loss: Some(Loss::Independent(Probability::from_percent(percent))), ..PathChange::default() };
    let (client, peer) = (Peer::Client, Peer::Node(node(1)));
    let all = |peer, percent| operation::Break::Paths { peer, change: loss(percent) };
    let path = |percent| operation::Break::Path { from: client, to: peer, one_way: false, change: loss(percent), cut: false };
    for (breaks, is_cut_off) in [
        ([all(peer, 100), path(0)], false),
        ([path(0), all(client, 100)], false),
        ([all(peer, 100), all(client, 0)], false),
        ([all(client, 0), all(peer, 100)], true),
        ([all(peer, 0), path(100)], true),
    ] {
        let (mut harness, id) = upload_under_way();
        let told = format!("{breaks:?}");
        breaks.into_iter().for_each(|command| drop(harness.ask(command).unwrap()));
        let status = status_of(&mut harness, id);
        if is_cut_off {
            assert_waits(&status, 1, Absence::CutOff, at(15));
        } else {
            assert!(status.awaited.iter().all(|awaited| awaited.node != node(1)), "{told}: {:?}", status.awaited);
        }
    }
}

/// A node that has stored nothing of an upload is not waited for: what was requested of it goes to others.
#[test]
fn an_upload_does_without_a_node_that_holds_nothing_of_it() {
    let mut harness = network(42, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 2_000_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, at(2));
    harness.ask(cut(3, false)).unwrap();
    assert!(status_of(&mut harness, id).awaited.is_empty());
    assert_eq!(harness.finish(id).unwrap().status.state, TransferState::Done);
}

/// An upload with requests to a node that is killed before it has stored any of it counts the time after which these go elsewhere.
#[test]
fn the_estimate_counts_the_time_until_a_killed_node_is_replaced() {
    let mut harness = network(1, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 1_200_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, at(3));
    let before = status_of(&mut harness, id).eta.seconds().unwrap();
    harness.ask(operation::Break::Kill { node: node(5) }).unwrap();
    advance(&mut harness, at(4));
    let status = status_of(&mut harness, id);
    let told = status.eta.seconds().unwrap();
    assert!(status.awaited.is_empty() && before < 20.0, "{before} {status:?}");
    harness.finish(id).unwrap();
    let truth = (harness.simulation.now() - at(4)).as_secs_f64();
    assert!((told / truth - 1.0).abs() < 0.2, "{told} of {truth}");
}

/// What the row of the only transfer says of its time.
fn told(harness: &mut Harness) -> String {
    let snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::Max));
    time_of_transfer(&snapshot, &snapshot.transfers[0], usize::MAX)
}

/// An upload of a file does without a node that does not answer, where others have room: that is said, with the instant at which the connection
/// is given up, from which others get what was in flight; what the node has stored goes to others at the commit.
#[test]
fn an_upload_says_when_another_node_takes_over() {
    for seed in [1, 42] {
        let mut harness = network(seed, &[slow_link(); 6]);
        random_file(&harness.path("a.bin"), 3_000_000, 1);
        let id = harness.start(harness.upload_of("a.bin")).unwrap();
        advance(&mut harness, at(15));
        assert!(status_of(&mut harness, id).replaced.is_empty());
        harness.ask(operation::Break::Kill { node: node(2) }).unwrap();
        let status = status_of(&mut harness, id);
        let [Replacement { node: replaced, from: Some(from), .. }] = status.replaced[..] else { panic!("{status:?}") };
        assert_eq!((replaced, &status.awaited[0].node), (node(2), &node(2)));
        assert!(from > at(40) && from <= at(46), "{from}");
        let said = told(&mut harness);
        assert!(said.starts_with("eta ") && said.contains(", without Node_02, killed 00:00 ago, another node in 00:"), "{said}");
        while status_of(&mut harness, id).replaced[0].from.is_some() {
            let next = harness.simulation.now() + SimDuration::from_millis(50);
            advance(&mut harness, next);
            assert!(next < at(60), "{:?}", status_of(&mut harness, id));
        }
        let (expected, happened) = (from.as_secs_f64(), harness.simulation.now().as_secs_f64());
        assert!((expected - happened).abs() < 0.5, "seed {seed}: {happened} for {expected}");
        assert!(told(&mut harness).ends_with(" ago, another node in the commit"), "{}", told(&mut harness));
        let report = harness.finish(id).unwrap();
        assert!(report.status.replaced.is_empty() && report.timelines.iter().all(|timeline| timeline.holder != node(2)));
    }
}

/// Where no other node can take its part, an upload waits for the one that is out of reach, and says nothing else: there is no other, or none
/// within reach.
#[test]
fn an_upload_without_another_node_waits() {
    for nodes in [1, 3] {
        let mut harness = network(42, &vec![slow_link(); nodes + 1]);
        random_file(&harness.path("a.bin"), 3_000_000, 1);
        let id = harness.start(harness.upload_of("a.bin")).unwrap();
        advance(&mut harness, at(15));
        for number in 2..=nodes {
            harness.ask(cut(number, false)).unwrap();
        }
        assert_eq!(status_of(&mut harness, id).replaced.is_empty(), nodes == 1, "the first one is there");
        harness.ask(operation::Break::Kill { node: node(1) }).unwrap();
        let status = status_of(&mut harness, id);
        assert_eq!((status.awaited.len(), status.replaced.len()), (nodes, 0), "{status:?}");
        let said = told(&mut harness);
        assert!(said.starts_with("waits for Node_01, killed 00:00 ago") && !said.contains("another"), "{said}");
        harness.finish(id).unwrap_err();
    }
}

/// Once the path is mended, the upload goes on and has an estimate again.
#[test]
fn an_upload_goes_on_when_the_node_answers_again() {
    let (mut harness, id) = upload_under_way();
    harness.ask(cut(1, false)).unwrap();
    advance(&mut harness, at(18));
    assert_eq!(status_of(&mut harness, id).awaited.len(), 1);
    harness.ask(operation::ClearFaults::ALL).unwrap();
    let status = status_of(&mut harness, id);
    assert!(status.awaited.is_empty() && status.eta.seconds().is_some(), "{status:?}");
    assert_eq!(harness.finish(id).unwrap().status.state, TransferState::Done);
}

/// A holder whose connection is reset while it commits has the segments still: it is asked again over a new connection.
#[test]
fn a_holder_is_asked_to_commit_again_when_its_connection_is_lost() {
    let (mut harness, id) = upload_under_way();
    while status_of(&mut harness, id).state == TransferState::Running {
        let next = harness.simulation.now() + SimDuration::from_millis(1);
        advance(&mut harness, next);
    }
    assert_eq!(status_of(&mut harness, id).state, TransferState::Committing);
    for number in 1..=5 {
        harness.ask(operation::Break::Refuse { node: node(number) }).unwrap();
    }
    harness.ask(operation::ClearFaults::ALL).unwrap();
    assert_eq!(harness.finish(id).unwrap().status.state, TransferState::Done);
    let events = std::iter::from_fn(|| harness.simulation.poll_event());
    assert!(events.filter(|(_, event)| matches!(event, Event::Disconnected { .. })).count() > 0);
}

/// Lets an upload go on until it has, or no longer has, this state; returns the instant.
fn until_state(harness: &mut Harness, id: p2p_engine::transfer::TransferId, state: TransferState, has: bool) -> SimTime {
    let limit = harness.simulation.now() + SECOND * 120;
    while (status_of(harness, id).state == state) != has {
        let next = harness.simulation.now() + SimDuration::from_millis(10);
        assert!(next < limit, "{:?}", status_of(harness, id));
        advance(harness, next);
    }
    harness.simulation.now()
}

/// The commit outwaits no probes: a holder that is dead is not asked, and one that dies is waited for until its probes have shown it, which is
/// what is told. What it had stored goes to others, and nothing is a file before.
#[test]
fn a_holder_that_is_dead_is_not_waited_for_in_the_commit() {
    for is_dead_before in [true, false] {
        let (mut harness, id) = upload_under_way();
        if is_dead_before {
            harness.ask(cut(1, false)).unwrap();
        }
        let begun = until_state(&mut harness, id, TransferState::Committing, true);
        if !is_dead_before {
            harness.ask(cut(1, false)).unwrap();
        }
        advance(&mut harness, begun + SimDuration::from_millis(20));
        let told = status_of(&mut harness, id).replaced.first().and_then(|replaced| replaced.from);
        let given_up = until_state(&mut harness, id, TransferState::Committing, false);
        let took = given_up - begun;
        // Three probes are missed, five seconds apart, and each has three seconds for its answer.
        let bounds = if is_dead_before { (0.0, 2.0) } else { (13.0, 23.5) };
        assert!(took.as_secs_f64() >= bounds.0 && took.as_secs_f64() <= bounds.1, "{is_dead_before}: {took}");
        assert!(
            is_dead_before || told.is_some_and(|told| told.since(given_up).max(given_up.since(told)) < SECOND),
            "{told:?} {given_up}"
        );
        assert_eq!(status_of(&mut harness, id).state, TransferState::Running);
        let report = harness.finish(id).unwrap();
        assert!(report.status.state == TransferState::Done && report.timelines.iter().all(|timeline| timeline.holder != node(1)));
        let events = std::iter::from_fn(|| harness.simulation.poll_event());
        let stored = events.filter(|(_, event)| matches!(event, Event::FileStored { .. })).map(|(at, _)| at);
        assert!(stored.collect::<Vec<_>>().iter().all(|&at| at > given_up));
    }
}

/// A download waits for the only holder of a segment, even before anything is requested of it, and no longer than it needs it.
#[test]
fn a_download_waits_for_the_only_holder_of_a_segment() {
    let mut harness = network(1, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 3_000_000, 1);
    harness.put("a.bin").unwrap();
    let (file, path, begin) = (FileKey::unowned("a.bin"), harness.path("b.bin"), harness.simulation.now());
    let id = harness.start(Command::Download(operation::Download::to_file(file, path, false))).unwrap();
    advance(&mut harness, begin + SECOND * 10);
    assert!(status_of(&mut harness, id).eta.seconds().is_some());
    let since = harness.simulation.now();
    harness.ask(operation::Break::Kill { node: node(4) }).unwrap();
    assert_waits(&status_of(&mut harness, id), 4, Absence::Killed, since);
    harness.finish(id).unwrap_err();
    let error = status_of(&mut harness, id).error;
    assert!(matches!(error, Some(TransferError::Unreadable { .. })), "{error:?}");
}

/// The screen tells it in the row of the transfer, below its segments, and in the dialog of the connection, and so does `transfers`.
#[test]
fn the_screen_tells_for_which_node_a_transfer_waits() {
    for (width, height) in [(120, 40), (80, 24), (200, 60)] {
        let mut tui_harness = TuiHarness::slow(width, height);
        tui_harness.begin_upload("one.bin", 900_000);
        tui_harness.watch(SECOND * 9);
        let status = tui_harness.app.view().snapshot().transfers[0].clone();
        let holder = status.timelines.iter().find(|timeline| timeline.acknowledged.is_some()).unwrap().holder;
        tui_harness.keys(&[&format!("path client,{holder} --cut"), "Enter"]);
        tui_harness.watch(SECOND * 3);
        tui_harness.press(&["pause", "Enter"]);
        tui_harness.settle();
        let row = tui_harness.pane(Pane::Transfers).into_iter().find(|row| row.contains("#1")).unwrap();
        assert!(row.contains("eta"), "{width}x{height}: {row}");
        let told = format!("{holder}, cut off 00:03 ago, another node in");
        if width > 80 {
            let foot = tui_harness.pane(Pane::Segments).last().unwrap().clone();
            assert!(foot.contains(&told), "{width}x{height}: {foot}");
        }
        tui_harness.keys(&["transfers", "Enter"]);
        assert!(tui_harness.text().contains(&told) || width == 80, "{width}x{height}: {}", tui_harness.text());
        // An answer that the prompt cannot show whole opens in the viewer.
        if !tui_harness.app.dialogs().is_empty() {
            tui_harness.press(&["Esc"]);
        }
        // The dialog of the connection is opened from a segment that is still open there.
        tui_harness.open_connection(holder);
        let text = tui_harness.text();
        assert!(text.contains("cut off 00:03 ago; #1 waits for its answer"), "{width}x{height}: {text}");
    }
}
