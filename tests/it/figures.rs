//! What is told of the passing of bytes: rates, how far transfers are, how long they will take, round-trip times. Simulated time is
//! exact, and so is what is said of it, however often anybody looks.

use p2p_base::units::{Bandwidth, SimDuration, SimTime};
use p2p_engine::pace::Speed;
use p2p_engine::transfer::{TransferId, TransferStatus};
use p2p_engine::{Command, Progress, Reply, operation};
use p2p_net::{HostConfig, MTU};
use p2p_store::names::FileKey;
use proptest::prelude::*;

use crate::harness::{Harness, config, random_file, slow_link};

const SECOND: SimDuration = SimDuration::from_secs(1);

/// Lets time pass until `at`.
fn advance(harness: &mut Harness, at: SimTime) {
    while harness.simulation.advance(at, u32::MAX) != Progress::Reached {
        harness.simulation.wait();
        while harness.simulation.poll_reply().is_some() {}
    }
    while harness.simulation.poll_event().is_some() {}
}

fn link(rate: &str, delay: &str, loss: &str) -> HostConfig {
    HostConfig::symmetric(rate.parse().unwrap(), delay.parse().unwrap(), loss.parse().unwrap())
}

/// A network: the client's link, and those of its nodes.
fn network(seed: u64, links: &[HostConfig]) -> Harness {
    Harness::with(|directory| {
        let mut settings = config(directory, links.len() as u8 - 1, slow_link());
        settings.seed = seed;
        settings.client.link = links[0];
        settings.nodes.iter_mut().zip(&links[1..]).for_each(|(node, link)| node.host.link = *link);
        settings
    })
}

fn status_of(harness: &mut Harness, id: TransferId) -> TransferStatus {
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
        let snapshot = harness.simulation.snapshot(Speed::REAL, false);
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

/// A link whose rate changes while packets wait in its queue is told of truly: they leave at the rate at which they were taken in.
#[test]
fn rates_are_right_while_a_link_changes() {
    let mut harness = network(3, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 700_000, 3);
    harness.start(harness.upload_of("a.bin")).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 4);
    let before = harness.simulation.snapshot(Speed::REAL, false).figures.client_bytes.0;
    let faster = HostConfig { up: link("1Mbit/s", "1ms", "0%").up, ..slow_link() };
    harness.ask(operation::SetLink { peer: p2p_engine::snapshot::Peer::Client, link: faster }).unwrap();
    let after = harness.simulation.snapshot(Speed::REAL, false).figures.client_bytes.0;
    assert_eq!(before, after, "no byte passes in no time");
    advance(&mut harness, SimTime::ZERO + SECOND * 8);
    let rates = harness.simulation.snapshot(Speed::REAL, false).figures.client_rates.clone();
    let seconds = rates.up.tail(10);
    assert!(seconds[..4].iter().all(|&bytes| bytes <= 65_537) && seconds.iter().all(|&bytes| bytes <= 125_001), "{seconds:?}");
    assert_eq!(seconds.iter().sum::<u64>(), harness.simulation.snapshot(Speed::REAL, false).figures.client_bytes.0);
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
        assert!(status.bytes_acknowledged >= last && status.bytes_acknowledged <= status.bytes, "{status:?}");
        assert!(status.rate_bytes_per_second.is_none_or(|rate| rate <= 65_536.0), "{status:?}");
        last = status.bytes_acknowledged;
    }
    let status = status_of(&mut harness, id);
    assert!(status.bytes_done == 0 && status.bytes_acknowledged > 60_000, "{status:?}");
    assert!(status.rate_bytes_per_second.unwrap() > 30_000.0, "{status:?}");
    let report = harness.finish(id).unwrap();
    assert_eq!((report.status.bytes_acknowledged, report.status.eta_seconds), (5 * 65_536, None));
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
    harness.ask(operation::SetLink { peer: p2p_engine::snapshot::Peer::Client, link: slow }).unwrap();
    advance(&mut harness, SimTime::ZERO + SECOND * 35);
    let status = status_of(&mut harness, id);
    let rate = status.rate_bytes_per_second.unwrap();
    assert!((5_000.0..12_500.0).contains(&rate), "{rate}");
    // And so is what is left.
    let truth = (status.bytes - status.bytes_acknowledged) as f64 / rate;
    assert!((status.eta_seconds.unwrap() / truth - 1.0).abs() < 0.3, "{status:?}");
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
        if status.bytes_acknowledged * 10 >= status.bytes {
            seen.push((at, status.eta_seconds));
        }
    }
}

/// How long a transfer will take is told rightly most of the time: from a tenth of the way on within a fifth of what it does take.
#[test]
fn what_is_left_is_told_rightly_most_of_the_time() {
    let mut straggler = [link("20Mbit/s", "5ms", "0.5%"); 6];
    straggler[3] = link("2Mbit/s", "100ms", "5%");
    let mut slow_nodes = [link("1Mbit/s", "20ms", "0.5%"); 6];
    slow_nodes[0] = link("10Mbit/s", "5ms", "0%");
    let networks = [
        ("five equal nodes", [slow_link(); 6], 5_000_000),
        ("a straggler", straggler, 50 << 20),
        ("slow nodes", slow_nodes, 20 << 20),
    ];
    for (name, links, bytes) in networks {
        let (mut right, mut all) = (0, 0);
        for seed in 1..=3 {
            let mut harness = network(seed, &links);
            random_file(&harness.path("a.bin"), bytes, seed);
            let upload = harness.upload_of("a.bin");
            let mut told = guesses(&mut harness, upload);
            if seed == 1 {
                let (file, path) = (FileKey::unowned("a.bin"), harness.path("b.bin"));
                told.extend(guesses(&mut harness, Command::Download(operation::Download::to_file(file, path, false))));
            }
            all += told.len();
            right += told.iter().filter(|(eta, truth)| eta.is_some_and(|eta| (eta - truth).abs() <= 0.2 * truth)).count();
        }
        let share = right as f64 / all as f64;
        println!("{name}: {right} of {all} guesses are within a fifth of the truth ({:.1} %)", 100.0 * share);
        assert!(share > BOUND, "{name}: {share}");
    }
}

/// The share of guesses that has to be right.
const BOUND: f64 = 0.8;

/// All who show a round trip show the same one: the last, and the mean of the last ten probes.
#[test]
fn a_round_trip_is_the_same_wherever_it_is_told() {
    let mut harness = network(5, &[slow_link(); 6]);
    random_file(&harness.path("a.bin"), 500_000, 5);
    harness.put("a.bin").unwrap();
    // Times under load are forgotten after ten probes without.
    let loaded = harness.simulation.snapshot(Speed::REAL, false);
    for _ in 0..4 {
        harness.ask(operation::CheckHealth).unwrap();
    }
    let snapshot = harness.simulation.snapshot(Speed::REAL, false);
    for node in &snapshot.figures.nodes {
        let seen = node.seen.recent;
        let (last, average) = (seen.last.unwrap(), seen.average.unwrap());
        assert!(last < SimDuration::from_millis(25) && average < SimDuration::from_millis(25), "{seen:?}");
        assert!(seen.best <= Some(average) && Some(average) <= seen.worst, "{seen:?}");
        assert_eq!((seen.probes, seen.answers <= 10), (10, true));
    }
    assert!(
        loaded.figures.nodes.iter().any(|node| node.seen.recent.worst > Some(SimDuration::from_millis(100))),
        "it was loaded"
    );
    let Reply::Nodes(nodes) = harness.ask(operation::ListNodes).unwrap() else { panic!("no nodes") };
    for (node, shown) in nodes.iter().zip(&snapshot.figures.nodes) {
        assert_eq!(node.seen, shown.seen);
        let in_matrix =
            snapshot.figures.health[&p2p_engine::snapshot::Peer::Client][&p2p_engine::snapshot::Peer::Node(node.node)];
        assert_eq!(in_matrix, shown.seen);
    }
}

/// A link without a limit has a rate as well.
#[test]
fn a_link_without_a_limit_counts_what_passes() {
    let unlimited = HostConfig {
        up: p2p_net::LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 100 },
        ..link("1Gbit/s", "10ms", "0%")
    };
    let mut harness = network(1, &[unlimited; 3]);
    random_file(&harness.path("a.bin"), 3_000_000, 1);
    harness.put("a.bin").unwrap();
    let end = harness.simulation.now() + SECOND * 2;
    advance(&mut harness, end);
    let snapshot = harness.simulation.snapshot(Speed::Max, false);
    assert!(snapshot.figures.client_bytes.0 > 3_000_000);
    assert!(snapshot.figures.client_rates.up.tail(60).iter().sum::<u64>() > 3_000_000);
}
