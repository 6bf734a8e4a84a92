//! What is told of the passing of bytes: rates, how far transfers are, how long they will take, round-trip times. Simulated time is
//! exact, and so is what is said of it, however often anybody looks.

use std::sync::OnceLock;
use std::time::Instant;

use p2p_auth::{Auth, Policy};
use p2p_base::units::{Bandwidth, SimDuration, SimTime};
use p2p_engine::faults::{DiskFaults, PathChange, Slowdown, Target};
use p2p_engine::io::InlineIo;
use p2p_engine::node::health::HealthConfig;
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Absence, Direction, Remaining, Stage, TransferId, TransferState, TransferStatus};
use p2p_engine::{ClockMode, Command, Engine, EngineConfig, EngineHandle, Event, Progress, Reply, operation};
use p2p_net::{HostConfig, MTU};
use p2p_service::access::Access;
use p2p_shell::Shell;
use p2p_shell::report::{Resolution, instant_of};
use p2p_shell::words::Variables;
use p2p_storage::tui::panes::wire::connections::passed;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use proptest::prelude::*;

use crate::harness::{Harness, OPERATOR, config, home_in_memory, quick_link, random_file, slow_link};
use crate::program::DEADLINE;

const SECOND: SimDuration = SimDuration::from_secs(1);
/// Pace of snapshots that are taken by hand.
const PACE: PaceStatus = PaceStatus::running(Speed::Max);

/// Lets time pass until `at`.
pub(crate) fn advance(harness: &mut Harness, at: SimTime) {
    while harness.simulation.advance(at, u32::MAX) != Progress::Reached {
        harness.simulation.wait();
        while harness.simulation.poll_reply().is_some() {}
    }
    while harness.simulation.poll_event().is_some() {}
}

pub(crate) fn link(rate: &str, delay: &str, loss: &str) -> HostConfig {
    HostConfig::symmetric(rate.parse().unwrap(), delay.parse().unwrap(), loss.parse().unwrap())
}

/// A network: the client's link, and those of its nodes.
pub(crate) fn network(seed: u64, links: &[HostConfig]) -> Harness {
    let home = home_in_memory();
    let mut settings = config(&home.path().join("data"), links.len() as u8 - 1, slow_link());
    settings.seed = seed;
    settings.client.link = links[0];
    settings.nodes.iter_mut().zip(&links[1..]).for_each(|(node, link)| node.host.link = *link);
    Harness::open(home, settings, Box::new(InlineIo::default())).unwrap()
}

pub(crate) fn status_of(harness: &mut Harness, id: TransferId) -> TransferStatus {
    let Reply::Transfers(transfers) = harness.ask(operation::ListTransfers).unwrap() else { panic!("no transfers") };
    transfers.into_iter().find(|status| status.id == id).unwrap()
}

/// The bytes of each second, up and down, of the client and of every node, as a run shows them that is looked at every `step`.
fn rates_of_a_run(seed: u64, step: SimDuration, seconds: u64) -> Vec<Vec<(u64, u64)>> {
    let mut harness = network(seed, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 700_000, seed);
    harness.start(harness.upload_of("a.bin")).unwrap();
    let mut seen: Vec<Vec<(u64, u64)>> = vec![Vec::new(); 6];
    let (mut at, end) = (SimTime::ZERO, SimTime::ZERO + SECOND * seconds);
    while at < end {
        at = end.min(at + step);
        advance(&mut harness, at);
        let snapshot = harness.simulation.snapshot(PACE);
        let series = std::iter::once(&snapshot.figures.client_rates).chain(snapshot.figures.nodes.iter().map(|node| &node.rates));
        for (place, rates) in series.enumerate() {
            let ended = (rates.up.end().as_nanos() / SECOND.as_nanos()) as usize;
            let missing = ended - seen[place].len();
            let (up, down) = (rates.up.tail(missing), rates.down.tail(missing));
            assert_eq!(up.len(), missing, "{step} is no more than what is kept");
            seen[place].extend(up.iter().copied().zip(down.iter().copied()));
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    /// The rates are bytes over the virtual time in which they passed: the same for the same seed however often somebody looks,
    /// never more than the links carry, and together what the links have carried.
    #[test]
    fn rates_are_bytes_over_the_time_in_which_they_passed(seed: u64, step in 10u64..20_000) {
        let often = rates_of_a_run(seed, SimDuration::from_millis(100), 20);
        let seldom = rates_of_a_run(seed, SimDuration::from_millis(step), 20);
        prop_assert_eq!(&often, &seldom);
        for rates in &often {
            for (up, down) in rates {
                prop_assert!(*up <= 65_536 + u64::from(MTU) && *down <= 65_536 + u64::from(MTU), "{:?}", rates);
            }
            // In a longer span it carries no more than it can, either.
            let total = |from: usize| rates[from..].iter().map(|(up, down)| up.max(down)).sum::<u64>();
            prop_assert!(total(0) <= 20 * 65_536 + u64::from(MTU));
        }
        prop_assert!(often[0][2..8].iter().all(|(up, _)| *up > 60_000), "{:?}", often[0]);
    }
}

/// What a front end sees of the first four virtual seconds of an upload at one speed: the bytes of each second on the client's
/// link, on the first node's, and acknowledged of the transfer.
fn series_at(speed: Speed) -> Vec<Vec<u64>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.bin");
    random_file(&path, 700_000, 1);
    let settings = EngineConfig { clock: ClockMode::Running, ..config(&directory.path().join("data"), 3, slow_link()) };
    let (engine, handle) = Engine::start(settings, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seen = runtime.block_on(async {
        handle.call(&OPERATOR, operation::Pause).await.unwrap();
        handle.call(&OPERATOR, operation::SetSpeed { speed }).await.unwrap();
        let id = handle.call(&OPERATOR, operation::Upload::of_file(path, None, 0)).await.unwrap();
        let paused = handle.snapshot().await.unwrap();
        assert_eq!(paused.pace, PaceStatus { speed, is_paused: true, actual: None });
        handle.call(&OPERATOR, operation::Resume).await.unwrap();
        let mut snapshots = handle.snapshots();
        let is_there = |snapshot: &p2p_engine::Snapshot| snapshot.figures.at >= SimTime::ZERO + SECOND * 4;
        let waiting = async {
            loop {
                let snapshot = handle.snapshot().await.unwrap();
                if is_there(&snapshot) {
                    return snapshot;
                }
                let _ = snapshots.changed().await;
            }
        };
        let snapshot = tokio::time::timeout(DEADLINE, waiting).await.expect("four virtual seconds pass");
        let (client, node) = (&snapshot.figures.client_rates, &snapshot.figures.nodes[0].rates);
        let transfer = snapshot.transfers.iter().find(|report| report.status.id == id).unwrap();
        let series = [&client.up, &client.down, &node.up, &node.down, &transfer.rates];
        // The series begin at the start; they differ in how long they have grown at the instant of the snapshot.
        series.map(|series| series.tail(usize::MAX).iter().copied().take(4).collect::<Vec<_>>()).to_vec()
    });
    drop(handle);
    engine.join().unwrap();
    seen
}

/// A command joins at the instant at which it is given, also while the engine rests, whose time then passes in steps: between two
/// commands at least as much time has passed as between them on the wall clock.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test compares the time of a running engine with the wall clock")]
fn a_command_to_an_engine_at_rest_joins_at_its_own_instant() {
    let directory = tempfile::tempdir().unwrap();
    let settings = config(&directory.path().join("data"), 8, quick_link());
    let settings = EngineConfig { clock: ClockMode::Running, speed: Speed::REAL, ..settings };
    let (engine, handle) = Engine::start(settings, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut snapshots, deadline) = (handle.snapshots(), DEADLINE);
        let begun = snapshots.borrow_and_update().at;
        while handle.snapshot().await.unwrap().at <= begun + SECOND {
            tokio::time::timeout(deadline, snapshots.changed()).await.expect("time passes").unwrap();
        }
        for number in 1..=8 {
            let before = handle.snapshot().await.unwrap().at;
            let answered = Instant::now();
            let (from, to) = (Peer::Client, Peer::Node(crate::faults::node(number)));
            let cut = operation::Break::Path { from, to, one_way: true, change: PathChange::default(), cut: true };
            let passed = SimDuration::from_nanos(answered.elapsed().as_nanos() as u64);
            handle.call(&OPERATOR, cut).await.unwrap();
            let snapshot = handle.snapshot().await.unwrap();
            let since = snapshot.fault(Target::Cut(from, to)).unwrap().since;
            assert!(since >= before + passed, "{since} is less than {passed} after {before}");
        }
    });
    drop(handle);
    engine.join().unwrap();
}

/// An engine without work wakes ten times a second at the most, whatever its probes do meanwhile.
#[test]
fn an_engine_at_rest_seldom_wakes() {
    let directory = tempfile::tempdir().unwrap();
    let settings = config(&directory.path().join("data"), 5, quick_link());
    let health = HealthConfig { interval: SimDuration::from_millis(20), ..settings.health };
    let settings = EngineConfig { clock: ClockMode::Running, speed: Speed::REAL, health, ..settings };
    let (engine, handle) = Engine::start(settings, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let instants = runtime.block_on(async {
        let (mut snapshots, mut instants) = (handle.snapshots(), Vec::new());
        while instants.len() < 5 {
            tokio::time::timeout(DEADLINE, snapshots.changed()).await.expect("time passes").unwrap();
            instants.push(snapshots.borrow_and_update().at);
        }
        instants
    });
    // At this speed a virtual second is one of the wall clock.
    for pair in instants.windows(2) {
        assert!(pair[1].since(pair[0]) >= SimDuration::from_millis(100), "{instants:?}");
    }
    drop(handle);
    engine.join().unwrap();
}

/// A front end sees the same bytes in the same seconds at every speed, and no more than the link can carry.
#[test]
fn rates_are_the_same_at_every_speed() {
    let factors = [1_000, 10_000, 50_000].map(Speed::Thousandths);
    let seen: Vec<Vec<Vec<u64>>> = factors.into_iter().chain([Speed::Max]).map(series_at).collect();
    assert!(seen.iter().all(|series| *series == seen[0]), "{seen:?}");
    for series in &seen[0] {
        assert_eq!(series.len(), 4);
        for seconds in 1..=4 {
            let bytes = series.windows(seconds).map(|span| span.iter().sum::<u64>()).max().unwrap();
            assert!(bytes <= 65_536 * seconds as u64 + u64::from(MTU), "{series:?}");
        }
    }
    let [up, .., acknowledged] = seen[0].as_slice() else { panic!("no series") };
    assert!(up[1..].iter().all(|&bytes| bytes > 60_000), "{up:?}");
    assert!(acknowledged.iter().sum::<u64>() > 100_000 && acknowledged.iter().sum::<u64>() <= up.iter().sum(), "{seen:?}");
}

/// A transfer keeps the bytes of its own seconds: together all of it, and after its end as well.
#[test]
fn a_transfer_keeps_its_series() {
    let mut harness = network(2, &[slow_link(); 4]);
    random_file(&harness.path("a.bin"), 700_000, 2);
    let upload = harness.upload_of("a.bin");
    advance(&mut harness, SimTime::ZERO + SECOND * 5);
    let id = harness.start(upload).unwrap();
    let report = harness.finish(id).unwrap();
    let bytes = report.rates.tail(600);
    let seconds = report.rates.end().as_secs_f64() - report.status.started.as_secs_f64();
    assert_eq!(bytes.len(), seconds.ceil() as usize, "{report:?}");
    let counted: u64 = bytes.iter().sum();
    // The last second has not ended, and content is sent with a header.
    assert!((600_000..=710_000).contains(&counted), "{counted}");
}

/// A loss that the log tells is found on the wire by the text of its time.
#[test]
fn a_logged_loss_is_found_on_the_wire() {
    let mut harness = network(3, &[slow_link(); 4]);
    random_file(&harness.path("a.bin"), 700_000, 3);
    harness.ask(operation::WatchWire { packets: Some(5_000) }).unwrap();
    harness.start(harness.upload_of("a.bin")).unwrap();
    let mut logged = Vec::new();
    for second in 1..=15 {
        let until = SimTime::ZERO + SECOND * second;
        while harness.simulation.advance(until, u32::MAX) != Progress::Reached {
            harness.simulation.wait();
            while harness.simulation.poll_reply().is_some() {}
        }
        while let Some((at, event)) = harness.simulation.poll_event() {
            let is_loss = matches!(event, Event::Segment { stage: Stage::Retransmitted, .. });
            logged.extend(is_loss.then(|| instant_of(at, Resolution::Millis)));
        }
    }
    let wire = &harness.simulation.snapshot(PACE).figures.wire;
    let again: Vec<String> =
        wire.iter().filter(|packet| packet.is_retransmission).map(|packet| instant_of(packet.at, Resolution::Micros)).collect();
    assert!(logged.len() > 3, "{logged:?}");
    for time in &logged {
        assert!(again.iter().any(|packet| packet.starts_with(time)), "{time} in {again:?}");
    }
}

/// A link whose rate changes while packets wait in its queue is told of truly: they leave at the rate at which they were taken in.
#[test]
fn rates_are_right_while_a_link_changes() {
    let mut harness = network(3, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 700_000, 3);
    harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 4);
    let before = harness.simulation.snapshot(PACE).figures.client_bytes.0;
    let faster = HostConfig { up: link("1Mbit/s", "1ms", "0%").up, ..slow_link() };
    harness.ask(operation::SetLink { peer: Peer::Client, link: faster }).unwrap();
    let after = harness.simulation.snapshot(PACE).figures.client_bytes.0;
    assert_eq!(before, after, "no byte passes in no time");
    advance(&mut harness, SimTime::ZERO + SECOND * 8);
    let rates = harness.simulation.snapshot(PACE).figures.client_rates.clone();
    let seconds = rates.up.tail(10);
    assert!(seconds[..4].iter().all(|&bytes| bytes <= 65_537) && seconds.iter().all(|&bytes| bytes <= 125_001), "{seconds:?}");
    assert_eq!(seconds.iter().sum::<u64>(), harness.simulation.snapshot(PACE).figures.client_bytes.0);
}

/// The first packets of a transfer are seen: TCP has acknowledged bytes long before a segment is stored.
#[test]
fn progress_begins_with_the_first_packets() {
    let mut harness = network(1, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 5 * 65_536, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    let mut last = 0;
    for tenths in 1..=20 {
        advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(100 * tenths));
        let status = status_of(&mut harness, id);
        assert!(status.bytes_arrived >= last && status.bytes_arrived <= status.bytes, "{status:?}");
        assert!(status.rate_bytes_per_second.is_none_or(|rate| rate <= 65_536.0), "{status:?}");
        last = status.bytes_arrived;
    }
    let status = status_of(&mut harness, id);
    assert!(status.bytes_done == 0 && status.bytes_arrived > 60_000, "{status:?}");
    assert!(status.rate_bytes_per_second.unwrap() > 30_000.0, "{status:?}");
    let report = harness.finish(id).unwrap();
    assert_eq!((report.status.bytes_arrived, report.status.eta), (5 * 65_536, Remaining::NotRunning));
    let goodput = report.status.goodput(SimTime::MAX);
    assert_eq!(report.status.rate_bytes_per_second, Some(goodput));
}

/// A transfer's rate is that of its last ten seconds: a link that was fast is forgotten.
#[test]
fn a_rate_is_that_of_the_last_ten_seconds() {
    let mut harness = network(1, &[link("1Mbit/s", "5ms", "0%"); 3]);
    random_file(&harness.path("a.bin"), 3_000_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 10);
    let fast = status_of(&mut harness, id).rate_bytes_per_second.unwrap();
    assert!((100_000.0..125_000.0).contains(&fast), "{fast}");
    let slow = link("100kbit/s", "5ms", "0%");
    harness.ask(operation::SetLink { peer: Peer::Client, link: slow }).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 35);
    let status = status_of(&mut harness, id);
    let rate = status.rate_bytes_per_second.unwrap();
    assert!((5_000.0..12_500.0).contains(&rate), "{rate}");
    // And so is what is left.
    let truth = (status.bytes - status.bytes_arrived) as f64 / rate;
    assert!((status.eta.seconds().unwrap() / truth - 1.0).abs() < 0.3, "{status:?}");
}

/// No rate is above what the link carries, whatever is lost: bytes behind a hole have passed when they arrive, and not all at once
/// when the hole is filled.
#[test]
fn no_rate_is_above_that_of_the_link() {
    for (loss, nodes) in [("0%", 5), ("2%", 5), ("5%", 1)] {
        let mut harness = network(7, &vec![link("64KiB/s", "5ms", loss); nodes + 1]);
        random_file(&harness.path("a.bin"), 3_000_000, 1);
        let id = harness.start(harness.upload_of("a.bin")).unwrap();
        for second in 1..45 {
            advance(&mut harness, SimTime::ZERO + SECOND * second);
            let rate = status_of(&mut harness, id).rate_bytes_per_second.unwrap_or_default();
            assert!(rate <= 65_536.0, "{rate} bytes/s after {second} s, with {loss} loss");
        }
    }
}

/// Starts the download of a file while an upload begins, and returns both: acknowledgements of the one wait behind the packets of the
/// other, and come in bursts once that is done.
fn both_ways(harness: &mut Harness, bytes: [usize; 2]) -> [TransferId; 2] {
    random_file(&harness.path("down.bin"), bytes[0], 1);
    random_file(&harness.path("up.bin"), bytes[1], 2);
    harness.put("down.bin").unwrap();
    let (file, path) = (FileKey::unowned("down.bin"), harness.path("copy.bin"));
    let upload = harness.start(harness.upload_of("up.bin")).unwrap();
    [upload, harness.start(Command::Download(operation::Download::to_file(file, path, false))).unwrap()]
}

/// Nor is it where acknowledgements are late and come together: in no span have more bytes of a transfer arrived than the link carries in
/// it, and one packet.
#[test]
fn no_rate_is_above_that_of_the_link_while_acknowledgements_wait() {
    for (loss, delay) in [("0%", "5ms"), ("1%", "100ms"), ("5%", "5ms")] {
        let mut harness = network(3, &[link("64KiB/s", delay, loss); 6]);
        let ids = both_ways(&mut harness, [1_500_000, 1_000_000]);
        let begin = harness.simulation.now();
        for half in 1..120 {
            advance(&mut harness, begin + SimDuration::from_millis(500 * half));
            for status in ids.map(|id| status_of(&mut harness, id)) {
                assert!(status.rate_bytes_per_second.is_none_or(|rate| rate <= 65_536.0), "{status:?}");
            }
        }
        for id in ids {
            let seconds = harness.finish(id).unwrap().rates.tail(usize::MAX).to_vec();
            for span in 1..=seconds.len() {
                let most = seconds.windows(span).map(|seconds| seconds.iter().sum::<u64>()).max().unwrap();
                assert!(most <= 65_536 * span as u64 + u64::from(MTU), "{most} bytes in {span} s: {seconds:?}");
            }
        }
    }
}

/// Nor is that of a connection, or of all of them together.
#[test]
fn no_rate_of_a_connection_is_above_that_of_the_link() {
    for (loss, delay) in [("0%", "5ms"), ("1%", "100ms"), ("5%", "5ms")] {
        let mut harness = network(3, &[link("64KiB/s", delay, loss); 6]);
        harness.ask(operation::WatchWire { packets: Some(100) }).unwrap();
        both_ways(&mut harness, [1_500_000, 1_000_000]);
        let (begin, mut most) = (harness.simulation.now(), [0.0, 0.0]);
        for half in 1..160 {
            advance(&mut harness, begin + SimDuration::from_millis(500 * half));
            let snapshot = harness.simulation.snapshot(PACE);
            let connections = snapshot.figures.connections.iter();
            let rates = connections.map(|connection| passed(connection, snapshot.at).map(|passed| passed.bytes_per_second));
            let sum = rates.fold([0.0, 0.0], |sum, rates| [sum[0] + rates[0], sum[1] + rates[1]]);
            assert!(sum.iter().all(|&rate| rate <= 65_536.0 + f64::from(MTU)), "{sum:?} after {half} halves, {loss} {delay}");
            most = [f64::max(most[0], sum[0]), f64::max(most[1], sum[1])];
        }
        assert!(most.iter().all(|&rate| rate > 10_000.0), "{most:?}");
    }
}

/// The rate of several transfers together is over one span, though each of them has its own: no more than the link carries, and neither
/// what has just begun nor what is old counts more than it has brought.
#[test]
fn the_rate_of_all_transfers_is_over_one_span() {
    // With a short queue what begins has its share of the link at once.
    let mut short = link("64KiB/s", "5ms", "0%");
    short.up.queue_packets = 10;
    let mut harness = network(5, &[short; 6]);
    (0..8).for_each(|salt| drop(random_file(&harness.path(&format!("{salt}.bin")), 600_000, salt)));
    let (mut exceeds, mut ids) = (false, Vec::new());
    for tenth in 0..400 {
        if tenth % 23 == 0 && ids.len() < 8 {
            ids.push(harness.start(harness.upload_of(&format!("{}.bin", ids.len()))).unwrap());
        }
        advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(100 * tenth));
        let snapshot = harness.simulation.snapshot(PACE);
        let (together, _) = snapshot.rate_of_all(Direction::Upload);
        assert!(together <= 65_536.0, "{together} bytes/s after {tenth} tenths");
        exceeds |= snapshot.running().filter_map(|status| status.rate_bytes_per_second).sum::<f64>() > 65_536.0;
        let bytes: u64 = snapshot.running().map(|status| status.bytes_arrived).sum();
        // In the first ten seconds all that has arrived is in the span, but for the part of a second in which one has begun.
        if [20, 30, 40, 50].contains(&tenth) {
            let (missing, begun) = (bytes as f64 - together * tenth as f64 / 10.0, ids.len() - 1);
            assert!((-1_000.0..1_000.0 + 20_000.0 * begun as f64).contains(&missing), "{together} {bytes}");
        }
    }
    assert!(exceeds, "the rows add up to more than the link carries");
}

/// In the first seconds of transfers their rates and that of the link are over the same ones: together they have no more than the link,
/// whose bytes they are a part of.
#[test]
fn the_first_rates_of_transfers_are_no_more_than_that_of_the_link() {
    let mut harness = network(6, &[slow_link(); 6]);
    (0..3).for_each(|salt| drop(random_file(&harness.path(&format!("{salt}.bin")), 600_000, salt)));
    let mut ids = Vec::new();
    for tenth in 3..34 {
        advance(&mut harness, SimTime::ZERO + SimDuration::from_millis(100 * tenth + 37));
        if tenth % 3 == 0 && ids.len() < 3 {
            ids.push(harness.start(harness.upload_of(&format!("{}.bin", ids.len()))).unwrap());
        }
        let snapshot = harness.simulation.snapshot(PACE);
        let rows: Vec<Option<f64>> = snapshot.running().map(|status| status.rate_bytes_per_second).collect();
        let of_link = snapshot.figures.client_rates.up.latest().unwrap_or_default() as f64;
        let sum: f64 = rows.iter().flatten().sum();
        assert!(sum <= of_link, "{rows:?} of {of_link} after {tenth} tenths");
        assert_eq!(sum > 0.0, tenth >= 20, "{rows:?} after {tenth} tenths");
    }
}

/// Runs a transfer to its end: at every half second from a tenth of the way on, the seconds that were announced and those that it
/// took.
fn guesses(harness: &mut Harness, command: Command) -> Vec<(Option<f64>, f64)> {
    let id = harness.start(command).unwrap();
    let (mut at, mut seen) = (harness.simulation.now(), Vec::new());
    loop {
        at += SimDuration::from_millis(500);
        advance(harness, at);
        let status = status_of(harness, id);
        if let Some(end) = status.finished {
            return seen.into_iter().map(|(at, eta): (SimTime, _)| (eta, (end - at).as_secs_f64())).collect();
        }
        if status.bytes_arrived * 10 >= status.bytes {
            seen.push((at, status.eta.seconds()));
        }
    }
}

/// Seeds of a network of which the runs take long; with `P2P_LONG=1` twenty, as of the others.
pub(crate) fn few(usual: u64) -> u64 {
    if std::env::var_os("P2P_LONG").is_some() { 20 } else { usual }
}

/// Returns true if an estimate in seconds is within a fifth of the truth.
pub(crate) fn is_right(eta: Option<f64>, truth: f64) -> bool {
    eta.is_some_and(|eta| (eta - truth).abs() <= 0.2 * truth)
}

/// Returns true if there is an estimate and it is not right.
fn is_wrong(eta: Option<f64>, truth: f64) -> bool {
    eta.is_some() && !is_right(eta, truth)
}

/// Asserts that of all there are at least this share is right.
pub(crate) fn assert_share(name: &str, (right, all): (usize, usize), least: f64) {
    let share = right as f64 / all as f64;
    println!("{name}: {right} of {all} ({:.1} %)", 100.0 * share);
    assert!(share >= least, "{name}: {share}");
}

/// Asserts that of uploads of `bytes` bytes with so many seeds, and of the download after the first of them, at least nine in ten
/// estimates from a tenth of the way on are within a fifth of the truth. An instant without an estimate counts as wrong.
fn assert_estimates(name: &str, links: &[HostConfig], bytes: usize, seeds: u64) {
    let (mut right, mut all) = (0, 0);
    for seed in 1..=seeds {
        let mut harness = network(seed, links);
        random_file(&harness.path("a.bin"), bytes, seed);
        let upload = harness.upload_of("a.bin");
        let mut told = guesses(&mut harness, upload);
        if seed == 1 {
            let (file, path) = (FileKey::unowned("a.bin"), harness.path("b.bin"));
            told.extend(guesses(&mut harness, Command::Download(operation::Download::to_file(file, path, false))));
        }
        all += told.len();
        right += told.iter().filter(|(eta, truth)| is_right(*eta, *truth)).count();
    }
    assert_share(name, (right, all), 0.9);
}

/// Runs a download beside an upload: at every half second from a tenth of each on, the estimate and the truth of both, the upload first.
fn guesses_beside(seed: u64, links: &[HostConfig], bytes: [usize; 2]) -> [Vec<(Option<f64>, f64)>; 2] {
    let mut harness = network(seed, links);
    let ids = both_ways(&mut harness, bytes);
    let (mut at, mut seen) = (harness.simulation.now(), Vec::new());
    loop {
        at += SimDuration::from_millis(500);
        advance(&mut harness, at);
        let both = ids.map(|id| status_of(&mut harness, id));
        let is_over = both.iter().all(|status| status.finished.is_some());
        seen.push((at, both));
        if is_over {
            break;
        }
    }
    let told = |which: usize| {
        let end = seen.last().unwrap().1[which].finished.unwrap();
        let measured = seen.iter().map(|(at, both)| (*at, &both[which]));
        let measured = measured.filter(|(at, status)| *at < end && status.bytes_arrived * 10 >= status.bytes);
        measured.map(|(at, status)| (status.eta.seconds(), (end - at).as_secs_f64())).collect()
    };
    [0, 1].map(told)
}

/// Beside uploads, whose content is before its requests on the same connections, at least nine in ten estimates of a download are within a
/// fifth of the truth. Of those of an upload beside a download, whose answers wait behind content, at most three in twenty are wrong.
#[test]
fn the_remaining_time_of_a_download_is_right_beside_an_upload() {
    let slow = [slow_link(); 6];
    let client = HostConfig { up: link("1Mbit/s", "5ms", "0%").up, ..link("10Mbit/s", "5ms", "0%") };
    let asymmetric = links(client, link("4Mbit/s", "10ms", "0.2%"), link("4Mbit/s", "10ms", "0.2%"));
    let networks = [
        ("slow", slow, [3_000_000, 3_000_000]),
        ("a short upload", slow, [3_000_000, 1_000_000]),
        ("asymmetric", asymmetric, [20_000_000, 3_000_000]),
        (
            "an unlimited downlink",
            links(HostConfig { up: slow_link().up, ..unlimited() }, slow_link(), slow_link()),
            [6_000_000, 1_000_000],
        ),
        ("faster", [link("2Mbit/s", "5ms", "0.5%"); 6], [8_000_000, 8_000_000]),
    ];
    for (name, links, bytes) in networks {
        let (mut right, mut all, mut wrong_uploads, mut uploads) = (0, 0, 0, 0);
        for seed in 1..=few(4) {
            let [upload, download] = guesses_beside(seed, &links, bytes);
            (right, all) = (right + download.iter().filter(|(eta, truth)| is_right(*eta, *truth)).count(), all + download.len());
            wrong_uploads += upload.iter().filter(|(eta, truth)| is_wrong(*eta, *truth)).count();
            uploads += upload.len();
        }
        println!("{name}: {right} of {all} of the download; of the upload {wrong_uploads} of {uploads} are wrong");
        assert!(right as f64 / all as f64 >= 0.9, "{name}: {right} of {all}");
        assert!(wrong_uploads as f64 / uploads as f64 <= 0.15, "{name}: {wrong_uploads} of {uploads}");
    }
}

/// A download that is over before its connections are at full speed, since acknowledgements wait behind uploads, has no estimate in place of
/// a wrong one.
#[test]
fn a_short_download_beside_an_upload_has_no_wrong_estimate() {
    for seed in 1..=few(3) {
        let [_, download] = guesses_beside(seed, &[slow_link(); 6], [300_000, 2_000_000]);
        let wrong = download.iter().filter(|(eta, truth)| is_wrong(*eta, *truth)).count();
        assert!(!download.is_empty() && wrong * 10 <= download.len(), "{seed}: {download:?}");
    }
}

/// What does not run delays nothing: once an upload is cancelled, the estimate of a download beside it is that of the download alone,
/// however long the upload is undone.
#[test]
fn the_remaining_time_of_a_download_counts_no_cancelled_upload() {
    let mut harness = network(1, &[slow_link(); 6]);
    let [upload, download] = both_ways(&mut harness, [3_000_000, 3_000_000]);
    let begin = harness.simulation.now();
    advance(&mut harness, begin + SECOND * 15);
    harness.tell(operation::Cancel { transfer: upload });
    let (mut at, mut told) = (harness.simulation.now(), Vec::new());
    advance(&mut harness, at);
    loop {
        let undone = status_of(&mut harness, upload);
        if undone.state.is_over() {
            break;
        }
        assert!(matches!(
            (undone.state, undone.eta),
            (TransferState::Undoing, Remaining::NotRunning | Remaining::Deleting { .. })
        ));
        told.push((at, status_of(&mut harness, download).eta));
        at += SimDuration::from_millis(500);
        advance(&mut harness, at);
    }
    assert!(told.len() > 20, "the upload is undone for a while: {told:?}");
    let end = harness.finish(download).unwrap().status.finished.unwrap();
    for (at, eta) in told.into_iter().filter(|(_, eta)| *eta != Remaining::TooEarly) {
        let truth = (end - at).as_secs_f64();
        let share = eta.seconds().unwrap() / truth;
        assert!((share - 1.0).abs() < 0.2, "at {at} {truth} s are left: {eta:?}");
    }
}

/// A download of which a holder is silent is stalled, also beside an upload, unless its requests wait for a link that the upload fills.
#[test]
fn a_download_beside_an_upload_tells_a_silent_holder() {
    // The client's links carry more than those of the nodes, so that they are not full.
    let wide = links(link("20Mbit/s", "5ms", "0%"), slow_link(), slow_link());
    for (hosts, is_told) in [(wide, true), ([slow_link(); 6], false)] {
        let mut harness = network(1, &hosts);
        let [_, download] = both_ways(&mut harness, [9_000_000, 9_000_000]);
        let begin = harness.simulation.now();
        advance(&mut harness, begin + SECOND);
        let faults = DiskFaults { slow: Slowdown::try_from(100_000).ok(), ..DiskFaults::default() };
        harness.ask(operation::Break::Disk { node: crate::faults::node(3), faults }).unwrap();
        advance(&mut harness, begin + SECOND * 20);
        let status = status_of(&mut harness, download);
        // The other holders go on meanwhile, so that the transfer is not stalled.
        let silent = Remaining::SilentHolder { node: crate::faults::node(3) };
        assert_eq!(status.eta == silent, is_told, "{status:?}");
        assert!(status.eta != Remaining::Stalled && status.rate_bytes_per_second > Some(0.0), "{status:?}");
    }
}

/// An upload does without a holder that is cut off, and a download beside it cannot.
#[test]
fn an_upload_beside_a_download_does_without_a_holder() {
    let mut harness = network(1, &[slow_link(); 6]);
    let [upload, download] = both_ways(&mut harness, [9_000_000, 9_000_000]);
    let begin = harness.simulation.now();
    let (from, to) = (Peer::Client, Peer::Node(crate::faults::node(3)));
    let cut = operation::Break::Path { from, to, one_way: false, change: PathChange::default(), cut: true };
    advance(&mut harness, begin + SECOND);
    harness.ask(cut).unwrap();
    advance(&mut harness, begin + SECOND * 15);
    let status = status_of(&mut harness, upload);
    assert!(status.is_replaced(crate::faults::node(3)) && status.eta.seconds().is_some(), "{status:?}");
    assert_eq!(status_of(&mut harness, download).eta, Remaining::OutOfReach);
}

/// The client's link, and those of five nodes that are alike but for the third one.
fn links(client: HostConfig, node: HostConfig, third: HostConfig) -> [HostConfig; 6] {
    [client, node, node, third, node, node]
}

#[test]
fn the_remaining_time_is_right_behind_a_full_link() {
    assert_estimates("five equal nodes", &[slow_link(); 6], 3_000_000, 20);
}

#[test]
fn the_remaining_time_is_right_with_slow_nodes() {
    let slow = link("256kbit/s", "20ms", "0.5%");
    assert_estimates("slow nodes", &links(link("10Mbit/s", "5ms", "0%"), slow, slow), 5_000_000, 20);
}

#[test]
fn the_remaining_time_is_right_with_a_straggler() {
    let node = link("2Mbit/s", "5ms", "0.5%");
    assert_estimates("a straggler", &links(node, node, link("256kbit/s", "50ms", "2%")), 8_000_000, 20);
}

/// A straggler that loses much, far away, among fast nodes: TCP's timeouts decide how fast it is.
#[test]
fn the_remaining_time_is_right_with_a_harsh_straggler() {
    let fast = link("20Mbit/s", "5ms", "0%");
    assert_estimates("a harsh straggler", &links(fast, fast, link("2Mbit/s", "100ms", "5%")), 52_428_800, few(3));
}

/// A path that loses packets is slower while the others fill the queue, and faster again once they are done.
#[test]
fn the_remaining_time_is_right_with_one_lossy_path() {
    let node = link("5Mbit/s", "10ms", "0%");
    assert_estimates("one lossy path", &links(node, node, link("5Mbit/s", "10ms", "3%")), 20_000_000, few(8));
}

#[test]
fn the_remaining_time_is_right_on_an_asymmetric_link() {
    let client = HostConfig { up: link("1Mbit/s", "5ms", "0%").up, ..link("10Mbit/s", "5ms", "0%") };
    let node = link("4Mbit/s", "10ms", "0.2%");
    assert_estimates("an asymmetric link", &links(client, node, node), 6_000_000, 20);
}

/// A node that is cut off before it has stored anything, and one that was given up, takes nothing of what is left, whatever its share was
/// before: what waits for it goes elsewhere.
#[test]
fn the_remaining_time_forgets_a_node_that_is_cut_off() {
    let mut harness = network(1, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 10_000_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 3);
    let (from, to) = (Peer::Client, Peer::Node(NodeNumber::from_index(4)));
    let cut = operation::Break::Path { from, to, one_way: false, change: PathChange::default(), cut: true };
    harness.ask(cut).unwrap();
    for seconds in [8, 20, 70] {
        advance(&mut harness, SimTime::ZERO + SECOND * seconds);
        let status = status_of(&mut harness, id);
        let truth = (status.bytes - status.bytes_arrived) as f64 / status.rate_bytes_per_second.unwrap();
        let share = status.eta.seconds().unwrap() / truth;
        assert!((share - 1.0).abs() < 0.2, "after {seconds} s {truth} s are left: {status:?}");
    }
}

/// Why there is no estimate is told: before there is ground for one, while nothing passes, and for a size that is not known.
#[test]
fn a_transfer_without_an_estimate_tells_why() {
    let mut harness = network(1, &[slow_link(); 3]);
    random_file(&harness.path("a.bin"), 2_000_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    let early = status_of(&mut harness, id);
    assert_eq!((early.eta, early.rate_bytes_per_second), (Remaining::TooEarly, None));
    advance(&mut harness, SimTime::ZERO + SECOND * 2);
    assert_eq!(status_of(&mut harness, id).eta, Remaining::TooEarly);
    advance(&mut harness, SimTime::ZERO + SECOND * 4);
    assert!(status_of(&mut harness, id).eta.seconds().is_some());
    // No byte passes from here on.
    let lossy = link("64KiB/s", "1ms", "100%");
    harness.ask(operation::SetLink { peer: Peer::Client, link: lossy }).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 16);
    assert_eq!(status_of(&mut harness, id).eta, Remaining::Stalled);
    // By now the probes tell that no node can be reached, and segments of the upload are on them.
    advance(&mut harness, SimTime::ZERO + SECOND * 24);
    let silent = status_of(&mut harness, id);
    assert_eq!((silent.eta, silent.rate_bytes_per_second), (Remaining::OutOfReach, Some(0.0)));
    assert!(silent.awaited.iter().all(|awaited| awaited.why == Absence::Silent && awaited.since < SimTime::ZERO + SECOND * 5));
}

/// What was requested of a killed node goes to others once its connection is given up, so that the end is known.
#[test]
fn an_upload_that_does_without_a_killed_node_has_an_estimate() {
    let mut harness = network(1, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 2_000_000, 1);
    let id = harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 3);
    assert!(status_of(&mut harness, id).eta.seconds().is_some());
    harness.ask(operation::Break::Kill { node: crate::faults::node(5) }).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 15);
    let waiting = status_of(&mut harness, id);
    assert!(waiting.rate_bytes_per_second > Some(0.0), "the other holders go on");
    let end = harness.finish(id).unwrap().status.finished.unwrap();
    assert!(is_right(waiting.eta.seconds(), (end - (SimTime::ZERO + SECOND * 15)).as_secs_f64()), "{:?} for {end}", waiting.eta);
}

/// All who show a round trip show the same one: the last, and the mean of the last ten probes.
#[test]
fn a_round_trip_is_the_same_wherever_it_is_told() {
    let mut harness = network(5, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 500_000, 5);
    harness.put("a.bin").unwrap();
    // Times under load are forgotten after ten probes without.
    let loaded = harness.simulation.snapshot(PACE);
    for _ in 0..4 {
        harness.ask(operation::CheckHealth).unwrap();
    }
    let snapshot = harness.simulation.snapshot(PACE);
    for node in &snapshot.figures.nodes {
        let seen = node.seen.recent;
        let (last, average) = (seen.last.unwrap(), seen.average.unwrap());
        assert!(last < SimDuration::from_millis(25) && average < SimDuration::from_millis(25), "{seen:?}");
        assert!(seen.best <= Some(average) && Some(average) <= seen.worst, "{seen:?}");
        assert_eq!((seen.probes, seen.answers <= 10), (10, true));
        assert!(seen.jitter.unwrap() <= seen.worst.unwrap() && seen.jitter > Some(SimDuration::ZERO), "{seen:?}");
    }
    assert!(
        loaded.figures.nodes.iter().any(|node| node.seen.recent.worst > Some(SimDuration::from_millis(100))),
        "it was loaded"
    );
    let Reply::Nodes(nodes) = harness.ask(operation::ListNodes).unwrap() else { panic!("no nodes") };
    for (node, shown) in nodes.iter().zip(&snapshot.figures.nodes) {
        assert_eq!(node.seen, shown.seen);
        let in_matrix = snapshot.figures.health.seen(Peer::Client, Peer::Node(node.node));
        assert_eq!(in_matrix, Some(shown.seen));
    }
}

/// The client's queue is told with the time that it costs: a probe that is sent now comes back after that time and the round trip without
/// a queue.
#[test]
fn the_queue_of_the_client_explains_the_round_trip() {
    let mut harness = network(1, &[link("64KiB/s", "5ms", "0%"); 6]);
    random_file(&harness.path("a.bin"), 3_000_000, 1);
    harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 8);
    let queues = |harness: &Harness| harness.simulation.snapshot(PACE).figures.network.client_queues;
    let before = queues(&harness).up;
    assert!(before.packets > 50 && before.packets <= 100 && before.packets_max == 100, "{before:?}");
    // Most packets are of full length, and one more is being sent.
    let most = (before.packets + 1) as f64 * f64::from(MTU) / 65_536.0;
    assert!((0.9 * most..=most).contains(&before.wait.as_secs_f64()), "{before:?}");
    let Reply::Health(report) = harness.ask(operation::CheckHealth).unwrap() else { panic!("no health") };
    // Probes that find the queue full are lost.
    let seen = (0..5).filter_map(|node| report.of_node(NodeNumber::from_index(node)).recent.worst).max().unwrap();
    assert!(seen + seen > before.wait && seen < before.wait + SimDuration::from_millis(300), "{seen} after {before:?}");
    assert_eq!(queues(&harness).down.packets, 0, "acknowledgements are few");
}

/// A host whose links have no limit.
fn unlimited() -> HostConfig {
    let wide = p2p_net::LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 100 };
    HostConfig { up: wide, down: wide, ..link("1Gbit/s", "10ms", "0%") }
}

/// A link without a limit has a rate as well.
#[test]
fn a_link_without_a_limit_counts_what_passes() {
    let mut harness = network(1, &[unlimited(); 3]);
    random_file(&harness.path("a.bin"), 3_000_000, 1);
    harness.put("a.bin").unwrap();
    let end = harness.simulation.now() + SECOND * 2;
    advance(&mut harness, end);
    let snapshot = harness.simulation.snapshot(PACE);
    assert!(snapshot.figures.client_bytes.0 > 3_000_000);
    assert!(snapshot.figures.client_rates.up.tail(60).iter().sum::<u64>() > 3_000_000);
}

/// Files that one line stores one after the other have the times at which each began, and not that of the line.
#[test]
fn files_of_a_batch_are_stored_with_their_own_times() {
    static ENGINE: OnceLock<EngineHandle> = OnceLock::new();
    /// A wall clock that agrees with the virtual one.
    fn clock() -> u64 {
        ENGINE.get().map_or(0, |engine| engine.snapshots().borrow().at.as_secs_f64() as u64)
    }
    let directory = tempfile::tempdir().unwrap();
    let (engine, handle) = Engine::start(config(&directory.path().join("data"), 3, slow_link()), None).unwrap();
    let handle = ENGINE.get_or_init(|| handle);
    let auth = Auth::open(engine.database().clone(), Policy::default()).unwrap();
    let (shell, _questions) = Shell::new(Access::new(handle.clone(), auth, "a test", clock).unwrap());
    let paths = ["a.bin", "b.bin", "c.bin"].map(|name| directory.path().join(name));
    (1..).zip(&paths).for_each(|(salt, path)| drop(random_file(path, 400_000, salt)));
    let line = format!("upload {}", paths.map(|path| path.display().to_string()).join(" "));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stored = runtime.block_on(async {
        tokio::time::timeout(DEADLINE, shell.run_to_end(&line, &Variables::new())).await.expect("the line ends").unwrap();
        handle.call(&OPERATOR, operation::ListFiles).await.unwrap()
    });
    let times: Vec<u64> = stored.iter().map(|file| file.stored_at).collect();
    assert!(times[0] == 0 && times[1] >= 5 && times[2] >= times[1] + 5, "{times:?}");
}
