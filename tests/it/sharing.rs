//! Several transfers at once, which share the connections to the nodes: when each of them ends, and what is said of that.

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::cause::ConnectionLoss;
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::transfer::{Remaining, TransferId, TransferReport, TransferState, TransferStatus};
use p2p_engine::{Event, operation};
use p2p_net::{CloseReason, HostConfig};
use p2p_shell::report::{time_of_transfer, waits_of};

use crate::figures::{advance, assert_share, few, is_right, link, network, status_of};
use crate::harness::{random_file, slow_link};

/// Upload of a run with others.
#[derive(Debug, Clone)]
struct Seen {
    begun: f64,
    ended: f64,
    /// Seconds for which it was committing.
    committed_for: f64,
    /// What was announced in each half second, the share that had arrived, and the seconds that it took from there.
    told: Vec<(Remaining, f64, f64)>,
}

impl Seen {
    fn new(seen: Vec<(SimTime, TransferStatus)>) -> Seen {
        let last = &seen.last().unwrap().1;
        assert_eq!(last.state, TransferState::Done, "{last:?}");
        let (begun, end) = (last.started, last.finished.unwrap());
        let committing = seen.iter().filter(|(_, status)| status.state == TransferState::Committing).count();
        let told = seen.iter().filter(|(at, _)| *at < end).map(|(at, status)| {
            let share = status.bytes_arrived as f64 / status.bytes as f64;
            (status.eta, share, (end - *at).as_secs_f64())
        });
        Seen {
            begun: begun.as_secs_f64(),
            ended: end.as_secs_f64(),
            committed_for: committing as f64 / 2.0,
            told: told.collect(),
        }
    }

    /// Returns the number of estimates within a fifth of the truth from a tenth of the way on, of all of them, and of the instants.
    fn right(&self) -> [usize; 3] {
        let late = || self.told.iter().filter(|(_, share, _)| *share >= 0.1);
        let given = || late().filter(|(eta, ..)| eta.seconds().is_some());
        [given().filter(|(eta, _, truth)| is_right(eta.seconds(), *truth)).count(), given().count(), late().count()]
    }
}

/// Uploads files of so many bytes, each of which begins after so many seconds, and watches them every half second.
fn uploads(seed: u64, links: &[HostConfig], files: &[(u64, usize)]) -> Vec<Seen> {
    let mut harness = network(seed, links);
    for (number, (_, bytes)) in files.iter().enumerate() {
        random_file(&harness.path(&format!("{number}.bin")), *bytes, seed * 100 + number as u64);
    }
    let (mut ids, mut seen): (Vec<TransferId>, Vec<Vec<(SimTime, TransferStatus)>>) = (Vec::new(), Vec::new());
    for half in 0..10_000 {
        advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(500 * half));
        while ids.len() < files.len() && files[ids.len()].0 * 2 <= half {
            ids.push(harness.start(harness.upload_of(&format!("{}.bin", ids.len()))).unwrap());
            seen.push(Vec::new());
        }
        for (id, seen) in ids.iter().zip(&mut seen) {
            seen.push((harness.simulation.now(), status_of(&mut harness, *id)));
        }
        if ids.len() == files.len() && seen.iter().all(|seen| seen.last().unwrap().1.state.is_over()) {
            break;
        }
    }
    seen.into_iter().map(Seen::new).collect()
}

/// Seconds that a request waits at the most for what is under way on its connection: a fifth of a link of 64 KiB/s for the segment and
/// the unsent bytes before it, the queue of the link, and some losses.
const UNDER_WAY: f64 = 20.0;

#[test]
fn uploads_that_begin_earlier_end_earlier() {
    for seed in 1..=3 {
        let in_turn: Vec<(u64, usize)> = (0..7).map(|place| (place * 5, 1_000_000)).collect();
        let seen = uploads(seed, &[slow_link(); 6], &in_turn);
        let last = seen.iter().map(|one| one.ended).fold(0.0, f64::max);
        assert!(seen[0].ended < 0.85 * last && seen[1].ended < last - 3.0, "seed {seed}: {seen:#?}");
        for (earlier, later) in seen.iter().zip(&seen[1..]) {
            assert!(earlier.ended < later.ended + 5.0, "seed {seed}: {seen:#?}");
        }
    }
}

#[test]
fn uploads_of_fewer_bytes_end_earlier() {
    for seed in 1..=5 {
        let seen = uploads(seed, &[slow_link(); 6], &[(0, 4_000_000), (0, 1_500_000), (0, 300_000)]);
        let ends: Vec<f64> = seen.iter().map(|one| one.ended).collect();
        assert!(ends.is_sorted_by(|large, small| large > small) && ends[2] < 0.6 * ends[0], "seed {seed}: {ends:?}");
    }
}

/// A file of one segment beside a large one waits for what is under way on the connection to its holder, twice: once for the segment to be
/// stored and once for it to be committed.
#[test]
fn a_small_upload_waits_for_no_large_one() {
    for seed in 1..=5 {
        let seen = uploads(seed, &[slow_link(); 6], &[(0, 5_000_000), (10, 50_000)]);
        assert!(seen[1].ended - seen[1].begun < 2.0 * UNDER_WAY, "seed {seed}: {seen:?}");
    }
}

#[test]
fn a_commit_waits_for_no_segment_that_is_not_begun() {
    for seed in 1..=3 {
        for one in uploads(seed, &[slow_link(); 6], &[(0, 1_000_000); 7]) {
            assert!(one.committed_for < UNDER_WAY, "seed {seed}: {one:?}");
        }
    }
}

/// Four uploads of which each stores a segment or two on a node whose downlink passes 2 KiB/s. The queue in front of it holds more than
/// a minute of their requests, and acknowledgements of the node's answers come behind these. The node is healthy and takes what it gets,
/// so its connection is not reset, and all uploads end well.
#[test]
fn a_slow_node_does_not_reset_the_connection_that_uploads_share() {
    let mut links = [slow_link(); 6];
    links[3].down.bandwidth = "2KiB/s".parse().unwrap();
    for seed in 1..=few(8) {
        let mut harness = network(seed, &links);
        let ids: Vec<TransferId> = (0..4)
            .map(|number| {
                let name = format!("{number}.bin");
                random_file(&harness.path(&name), 300_000, number);
                harness.start(harness.upload_of(&name)).unwrap()
            })
            .collect();
        for id in ids {
            assert_eq!(harness.finish(id).unwrap().status.state, TransferState::Done, "seed {seed}");
        }
        let is_reset =
            |event: &Event| matches!(event, Event::Disconnected { cause: ConnectionLoss::Ended(CloseReason::Reset), .. });
        let resets = std::iter::from_fn(|| harness.simulation.poll_event()).filter(|(_, event)| is_reset(event)).count();
        assert_eq!(resets, 0, "seed {seed}");
    }
}

/// An upload whose connections are reset, because another one that was before it on them is cancelled, begins anew at all of them. While
/// the link is full one of them may wait for long, and the upload is not stalled.
#[test]
fn an_upload_is_not_stalled_after_another_one_is_cancelled() {
    for seed in 1..=few(6) {
        let mut harness = network(seed, &[slow_link(); 6]);
        let [first, second] = [("first.bin", 2_900_000), ("second.bin", 700_000)].map(|(name, bytes)| {
            random_file(&harness.path(name), bytes, seed);
            harness.start(harness.upload_of(name)).unwrap()
        });
        advance(&mut harness, SimTime::ZERO + SimDuration::from_secs(6));
        harness.ask(operation::Cancel { transfer: first }).unwrap();
        for half in 13.. {
            advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(500 * half));
            let status = status_of(&mut harness, second);
            let is_stuck = matches!(status.eta, Remaining::Stalled | Remaining::SilentHolder { .. } | Remaining::Overdue);
            assert!(!is_stuck, "seed {seed}: {status:?}");
            if status.state.is_over() {
                break;
            }
        }
    }
}

/// From a tenth of the way on, nine in ten estimates of uploads beside others are within a fifth of the truth, and most instants have one.
/// Before anything of them has passed they are said to be behind others.
#[test]
fn the_remaining_time_is_right_beside_other_uploads() {
    let (slow, fast) = ([slow_link(); 6], [link("2Mbit/s", "5ms", "0.5%"); 6]);
    let cases = [
        ("two equal uploads", slow, vec![(0, 3_000_000); 2], [0.95, 0.9], 4),
        ("two equal fast uploads", fast, vec![(0, 8_000_000); 2], [0.95, 0.9], 2),
        ("a file of one segment beside a large one", slow, vec![(0, 5_000_000), (10, 50_000)], [0.85, 0.9], 4),
        ("a small file beside a large one", slow, vec![(0, 5_000_000), (10, 300_000)], [0.85, 0.85], 4),
        ("a small file beside two large ones", slow, vec![(0, 4_000_000), (0, 4_000_000), (10, 500_000)], [0.85, 0.9], 2),
        ("seven uploads", slow, vec![(0, 1_000_000); 7], [0.95, 0.9], 2),
    ];
    for (name, links, files, least, seeds) in cases {
        let mut counted = [0; 3];
        for seen in (1..=few(seeds)).flat_map(|seed| uploads(seed, &links, &files)) {
            counted.iter_mut().zip(seen.right()).for_each(|(sum, of_one)| *sum += of_one);
            let waits = seen.told.iter().filter(|(_, share, _)| *share == 0.0).skip(4);
            waits.for_each(|(eta, ..)| assert_eq!(*eta, Remaining::Behind, "{name}: {seen:?}"));
        }
        let [right, given, all] = counted;
        assert_share(&format!("{name}, instants with an estimate"), (given, all), least[0]);
        assert_share(&format!("{name}, right estimates"), (right, given), least[1]);
    }
}

/// An upload of which nothing is being sent names the transfer that is ahead of it on the connection, and the node.
#[test]
fn an_upload_that_waits_behind_another_names_it() {
    let mut harness = network(1, &[slow_link(); 6]);
    for number in 1..=7 {
        random_file(&harness.path(&format!("{number}.bin")), 700_000, number);
        harness.start(harness.upload_of(&format!("{number}.bin"))).unwrap();
    }
    let mut named = 0;
    for half in 1..200 {
        advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(500 * half));
        let snapshot = harness.simulation.snapshot(PaceStatus::running(Speed::Max));
        for report in &snapshot.transfers {
            let Some(told) = waits_of(&snapshot, report).into_iter().next() else { continue };
            let (id, node) = told.strip_prefix("behind ").unwrap().split_once(" on ").unwrap();
            let ahead = snapshot.transfers.iter().find(|other| other.status.id.to_string() == id).unwrap();
            let open = |report: &TransferReport| {
                report.timelines.iter().filter(|line| line.acknowledged.is_none()).cloned().collect::<Vec<_>>()
            };
            assert!(ahead.status.id != report.status.id, "{told}");
            assert!(open(ahead).iter().any(|line| line.holder.to_string() == node), "{told}: {ahead:?}");
            assert!(open(report).iter().all(|line| line.first_byte.is_none()), "{told}: {report:?}");
            assert!(time_of_transfer(&snapshot, report, usize::MAX).ends_with(&told), "{told}");
            named += 1;
        }
    }
    assert!(named > 0, "each upload waits at some instant");
}
