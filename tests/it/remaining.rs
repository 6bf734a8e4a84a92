//! Remaining time of transfers that share connections and links, and of those whose network changes: how often it is announced, and how often
//! what is announced is within a fifth of the truth.

use p2p_base::units::{Bandwidth, SimDuration, SimTime};
use p2p_engine::faults::PathChange;
use p2p_engine::operation;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{Remaining, TransferId, TransferState, TransferStatus};
use p2p_net::{HostConfig, LinkConfig, Loss};
use p2p_store::names::FileKey;

use crate::figures::{advance, assert_share, few, is_right, link, network};
use crate::harness::{Harness, quick_link, random_file, slow_link};

/// Instant at which the first transfer begins, when what was stored before is idle again.
const BEGIN: SimTime = SimTime::from_nanos(150_000_000_000);
/// Virtual seconds in which a change of the network is followed.
const FOLLOWED: f64 = 10.0;

/// What happens in a case.
#[derive(Debug, Clone, Copy)]
enum Act {
    Upload(usize),
    Download(usize),
    Link(Peer, HostConfig),
    Loss(Peer, &'static str),
}

use Act::{Download, Upload};

/// Least shares of estimates.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// Share of the estimates that are right.
    right: f64,
    /// Share of the instants that have an estimate.
    given: f64,
}

/// Nine estimates in ten are right, of which at least this share of the instants has one.
const fn given(given: f64) -> Option<Told> {
    Some(Told { right: 0.9, given })
}

/// Network and what happens on it.
#[derive(Debug)]
struct Case {
    name: &'static str,
    /// The client's link, and those of its nodes.
    links: Vec<HostConfig>,
    /// Each act with the seconds after which it happens; in a line each transfer begins when the one before is over.
    acts: Vec<(f64, Act)>,
    is_line: bool,
    /// What is least told of uploads and of downloads; `None` if there is no ground for any estimate.
    least: [Option<Told>; 2],
}

/// Instants of a transfer from a tenth of the way on: the seconds since the begin, what was announced and the seconds that it took.
struct Seen {
    is_upload: bool,
    told: Vec<(f64, TransferStatus, f64)>,
}

impl Case {
    fn new<const N: usize>(name: &'static str, links: Vec<HostConfig>, acts: [(f64, Act); N], least: [Option<Told>; 2]) -> Case {
        Case { name, links, acts: acts.to_vec(), is_line: false, least }
    }

    /// Asserts the shares, with so many seeds.
    fn assert(&self, seeds: u64) {
        let runs: Vec<Seen> = (1..=few(seeds)).flat_map(|seed| self.run(seed)).collect();
        let after = self.acts.iter().map(|(at, act)| if matches!(act, Upload(_) | Download(_)) { *at } else { at + FOLLOWED });
        let known = if self.is_line { 0.0 } else { after.fold(0.0, f64::max) };
        for (is_upload, least) in [(true, self.least[0]), (false, self.least[1])] {
            let of_kind = runs.iter().filter(|seen| seen.is_upload == is_upload).flat_map(|seen| &seen.told);
            let told: Vec<_> = of_kind.filter(|(at, ..)| *at > known || self.is_line).collect();
            let right = told.iter().filter(|(_, status, truth)| is_right(status.eta.seconds(), *truth)).count();
            let estimates = told.iter().filter(|(_, status, _)| status.eta.seconds().is_some()).count();
            let name = format!("{} (upload: {is_upload})", self.name);
            match least {
                Some(least) => {
                    assert_share(&format!("{name}, instants with an estimate"), (estimates, told.len()), least.given);
                    assert_share(&format!("{name}, right estimates"), (right, estimates), least.right);
                }
                None => told.iter().for_each(|(_, status, _)| assert!(is_without_ground(status), "{}: {status:?}", self.name)),
            }
        }
    }

    /// Lets all happen, and looks at every half second.
    fn run(&self, seed: u64) -> Vec<Seen> {
        let mut harness = self.prepared(seed);
        let (mut ids, mut seen): (Vec<TransferId>, Vec<Vec<(SimTime, TransferStatus)>>) = (Vec::new(), Vec::new());
        let mut acts = self.acts.iter().enumerate().peekable();
        for half in 0..6_000 {
            advance(&mut harness, BEGIN + SimDuration::from_millis(500 * half));
            let is_over = |seen: &Vec<(SimTime, TransferStatus)>| seen.last().is_some_and(|(_, status)| status.state.is_over());
            while let Some((number, (_, act))) = acts.next_if(|(_, (at, _))| match self.is_line {
                true => seen.last().is_none_or(is_over),
                false => at * 2.0 <= half as f64,
            }) {
                if let Some(id) = begin(&mut harness, number, *act, seed) {
                    ids.push(id);
                    seen.push(Vec::new());
                }
            }
            let statuses = statuses(&mut harness);
            for (id, seen) in ids.iter().zip(&mut seen).filter(|(_, seen)| !is_over(seen)) {
                let status = statuses.iter().find(|status| status.id == *id).unwrap();
                seen.push((harness.simulation.now(), status.clone()));
            }
            if acts.peek().is_none() && seen.iter().all(is_over) {
                return seen.into_iter().map(Seen::new).collect();
            }
        }
        panic!("{}: not over", self.name)
    }

    /// Returns a network on which all is stored that will be fetched.
    fn prepared(&self, seed: u64) -> Harness {
        let mut harness = network(seed, &vec![quick_link(); self.links.len()]);
        for (number, (_, act)) in self.acts.iter().enumerate() {
            if let Download(bytes) = act {
                random_file(&harness.path(&format!("{number}.bin")), *bytes, seed * 100 + number as u64);
                harness.put(&format!("{number}.bin")).unwrap();
            }
        }
        for (place, link) in self.links.iter().enumerate() {
            let peer = place.checked_sub(1).map_or(Peer::Client, node);
            harness.ask(operation::SetLink { peer, link: *link }).unwrap();
        }
        harness
    }
}

impl Seen {
    fn new(seen: Vec<(SimTime, TransferStatus)>) -> Seen {
        let last = &seen.last().unwrap().1;
        assert_eq!(last.state, TransferState::Done, "{last:?}");
        let (is_upload, end) = (last.direction == p2p_engine::transfer::Direction::Upload, last.finished.unwrap());
        let is_late = |(at, status): &(SimTime, TransferStatus)| *at < end && status.bytes_arrived * 10 >= status.bytes;
        let told = seen.into_iter().filter(is_late);
        let told = told.map(|(at, status)| ((at - BEGIN).as_secs_f64(), status, (end - at).as_secs_f64())).collect();
        Seen { is_upload, told }
    }
}

/// Returns true if a transfer says that there is no ground for an estimate.
fn is_without_ground(status: &TransferStatus) -> bool {
    use Remaining::{Behind, Overdue, SilentHolder, Stalled, TooEarly};
    matches!(status.eta, TooEarly | Behind | Stalled | SilentHolder { .. } | Overdue)
}

fn node(place: usize) -> Peer {
    Peer::Node(p2p_store::manifest::NodeNumber::from_index(place))
}

fn statuses(harness: &mut Harness) -> Vec<TransferStatus> {
    let p2p_engine::Reply::Transfers(transfers) = harness.ask(operation::ListTransfers).unwrap() else { panic!("no transfers") };
    transfers
}

/// Begins a transfer, or changes the network.
fn begin(harness: &mut Harness, number: usize, act: Act, seed: u64) -> Option<TransferId> {
    match act {
        Upload(bytes) => {
            random_file(&harness.path(&format!("{number}.bin")), bytes, seed * 100 + number as u64);
            Some(harness.start(harness.upload_of(&format!("{number}.bin"))).unwrap())
        }
        Download(_) => {
            let (file, path) = (FileKey::unowned(&format!("{number}.bin")), harness.path(&format!("{number}.copy")));
            Some(harness.start(operation::Download::to_file(file, path, false)).unwrap())
        }
        Act::Link(peer, link) => {
            harness.ask(operation::SetLink { peer, link }).unwrap();
            None
        }
        Act::Loss(to, loss) => {
            let change = PathChange { loss: Some(Loss::Independent(loss.parse().unwrap())), ..PathChange::default() };
            harness.ask(operation::Break::Path { from: Peer::Client, to, one_way: false, change, cut: false }).unwrap();
            None
        }
    }
}

/// Returns true if an estimate is, as it is shown, within a fifth of the truth or within the second to which it is shown.
fn is_shown_right(eta: Remaining, truth: f64) -> bool {
    eta.whole_seconds().is_some_and(|shown| (shown - truth).abs() <= (0.2 * truth).max(1.0))
}

fn slow() -> Vec<HostConfig> {
    vec![slow_link(); 6]
}

fn fast() -> Vec<HostConfig> {
    vec![link("2Mbit/s", "5ms", "0.5%"); 6]
}

/// Five nodes, of which the third is another one.
fn with_third(client: HostConfig, node: HostConfig, third: HostConfig) -> Vec<HostConfig> {
    vec![client, node, node, third, node, node]
}

/// A client whose downlink has no limit.
fn unlimited() -> Vec<HostConfig> {
    let wide = LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 100 };
    let mut hosts = slow();
    hosts[0] = HostConfig { down: wide, up: slow_link().up, ..link("1Gbit/s", "10ms", "0%") };
    hosts
}

fn with_straggler() -> Vec<HostConfig> {
    let node = link("2Mbit/s", "5ms", "0.5%");
    with_third(node, node, link("256kbit/s", "50ms", "2%"))
}

#[test]
fn the_remaining_time_of_downloads_beside_each_other_is_right() {
    let all = [None, given(0.99)];
    let most = |right| [None, Some(Told { right, given: 0.99 })];
    let node = link("5Mbit/s", "10ms", "0%");
    let slow_node = link("256kbit/s", "20ms", "0.5%");
    let cases = [
        Case::new("two downloads", slow(), [(0.0, Download(3_000_000)); 2], all),
        Case::new("three downloads", slow(), [(0.0, Download(2_000_000)); 3], all),
        Case::new("seven downloads", slow(), [(0.0, Download(1_000_000)); 7], all),
        Case::new("two fast downloads", fast(), [(0.0, Download(8_000_000)); 2], all),
        Case::new("a small and a large one", slow(), [(0.0, Download(5_000_000)), (10.0, Download(300_000))], all),
        Case::new("two with a straggler", with_straggler(), [(0.0, Download(5_000_000)); 2], all),
        Case::new(
            "two with a lossy path",
            with_third(node, node, link("5Mbit/s", "10ms", "3%")),
            [(0.0, Download(8_000_000)); 2],
            most(0.88),
        ),
        Case::new(
            "two of slow nodes",
            with_third(link("10Mbit/s", "5ms", "0%"), slow_node, slow_node),
            [(0.0, Download(4_000_000)); 2],
            most(0.88),
        ),
    ];
    cases.iter().for_each(|case| case.assert(2));
}

#[test]
fn the_remaining_time_of_transfers_in_both_directions_is_right() {
    let (large, small) = (3_000_000, 500_000);
    let cases = [
        Case::new("both", slow(), [(0.0, Upload(large)), (0.0, Download(large))], [given(0.65), given(0.99)]),
        Case::new("both, fast", fast(), [(0.0, Upload(8_000_000)), (0.0, Download(8_000_000))], [given(0.75), given(0.95)]),
        Case::new(
            "two downloads and an upload",
            slow(),
            [(0.0, Upload(large)), (0.0, Download(2_000_000)), (0.0, Download(2_000_000))],
            [given(0.35), given(0.99)],
        ),
        // Which of the requests waits behind two uploads for the longest at the end is not known long before.
        Case::new(
            "a download and two uploads that outlast it",
            slow(),
            [(0.0, Upload(5_500_000)), (0.0, Upload(5_500_000)), (0.0, Download(6_000_000))],
            [given(0.95), given(0.55)],
        ),
        Case::new(
            "an unlimited downlink",
            unlimited(),
            [(0.0, Upload(large)), (0.0, Download(20_000_000))],
            [given(0.6), given(0.99)],
        ),
        // There is no ground for an estimate of the short one, whose rounds and answers wait for the other one, and it says so.
        Case::new("a short upload", slow(), [(0.0, Download(large)), (0.0, Upload(small))], [None, given(0.99)]),
        Case::new(
            "a short download",
            slow(),
            [(0.0, Upload(large)), (0.0, Download(small))],
            [Some(Told { right: 0.85, given: 0.95 }), None],
        ),
    ];
    cases.iter().for_each(|case| case.assert(2));
}

#[test]
fn the_remaining_time_of_uploads_that_begin_one_after_the_other_is_right() {
    let in_turn: [(f64, Act); 7] = std::array::from_fn(|place| (place as f64 * 5.0, Upload(1_000_000)));
    let cases = [
        Case::new("seven uploads in turn", slow(), in_turn, [given(0.85), None]),
        Case::new("two with a straggler", with_straggler(), [(0.0, Upload(5_000_000)); 2], [given(0.99), None]),
    ];
    cases.iter().for_each(|case| case.assert(2));
}

/// The answers to a small upload wait in the queue of a slow node's link as well, which a large one keeps filled. How long is largely chance:
/// of the small one alone six estimates in ten are right, where two were without that.
#[test]
fn the_remaining_time_of_a_small_upload_beside_a_large_one_counts_the_queues_of_the_nodes() {
    let links = with_third(link("1MiB/s", "1ms..10ms", "1%"), slow_link(), link("4KiB/s", "1ms..10ms", "1%"));
    let acts = [(0.0, Upload(5_000_000)), (0.0, Upload(1_000_000))];
    Case::new("a small and a large one", links, acts, [Some(Told { right: 0.75, given: 0.75 }), None]).assert(6);
}

/// A change of a link or a path is followed within ten virtual seconds.
#[test]
fn the_remaining_time_follows_a_change() {
    let two = [(0.0, Download(3_000_000)); 2];
    let changed = |act| [two[0], two[1], (15.0, act)];
    let half = Act::Link(Peer::Client, link("32KiB/s", "1ms..10ms", "1%"));
    let cases = [
        Case::new("half the rate", slow(), changed(half), [None, given(0.99)]),
        Case::new(
            "twice the rate",
            slow(),
            changed(Act::Link(Peer::Client, link("128KiB/s", "1ms..10ms", "1%"))),
            [None, given(0.99)],
        ),
        Case::new("a path that loses", slow(), changed(Act::Loss(node(2), "8%")), [None, Some(Told { right: 0.8, given: 0.99 })]),
    ];
    cases.iter().for_each(|case| case.assert(4));
    // Three runs of twenty take five or six seconds longer than was told from their middle on: of a few runs one would decide.
    Case::new("an upload at half the rate", slow(), [(0.0, Upload(3_000_000)), (15.0, half)], [given(0.9), None]).assert(20);
}

/// A step of a line is a transfer alone. One packet that is lost among the last costs a timeout, which no estimate foresees: the shorter the
/// step, the larger a part of it that is.
#[test]
fn the_remaining_time_of_the_steps_of_a_line_is_told() {
    let lossless = || vec![link("5Mbit/s", "10ms", "0%"); 6];
    let short = Some(Told { right: 0.7, given: 0.9 });
    let line = |name, links, acts, least| Case { is_line: true, ..Case::new(name, links, acts, least) };
    let cases = [
        line("a line of uploads", slow(), [(0.0, Upload(400_000)); 3], [short, None]),
        line("a line of downloads", slow(), [(0.0, Download(400_000)); 3], [None, short]),
        line("a line of larger downloads", slow(), [(0.0, Download(1_000_000)); 3], [None, given(0.99)]),
        line("a line without losses", lossless(), [(0.0, Upload(8_000_000)); 3], [given(0.9), None]),
    ];
    cases.iter().for_each(|case| case.assert(4));
}

/// What is shown of a short transfer alone is within a fifth or a second of the truth, and it is shown at nearly all instants. A packet that is
/// lost among the last ones of an upload, its requests to make all durable and their answers among them, costs three seconds, and at five nodes
/// and a loss of 1 % that happens to one upload in six: before it happens no estimate foresees it, and from then on TCP's timer tells the end.
#[test]
fn the_remaining_time_of_short_transfers_is_right_to_a_second() {
    for bytes in [100_000, 200_000, 400_000, 700_000, 1_000_000] {
        for (name, act, least) in [("upload", Upload(bytes), 0.8), ("download", Download(bytes), 0.9)] {
            let case = Case::new(name, slow(), [(0.0, act)], [None, None]);
            let told: Vec<_> = (1..=20).flat_map(|seed| case.run(seed)).flat_map(|seen| seen.told).collect();
            let estimates = told.iter().filter(|(_, status, _)| status.eta.seconds().is_some()).count();
            let right = told.iter().filter(|(_, status, truth)| is_shown_right(status.eta, *truth)).count();
            assert_share(&format!("{name} of {bytes} bytes, instants with an estimate"), (estimates, told.len()), 0.95);
            assert_share(&format!("{name} of {bytes} bytes, right to a second"), (right, estimates), least);
        }
    }
}

/// Once a request at the end of an upload is lost, the time until TCP sends it again is told, and not that the upload is about to end.
#[test]
fn the_remaining_time_counts_the_wait_for_what_is_lost_at_the_end() {
    let case = Case::new("an upload", slow(), [(0.0, Upload(400_000))], [None, None]);
    let runs = (1..=20).flat_map(|seed| case.run(seed));
    let waits = runs.flat_map(|seen| seen.told).filter(|(_, status, _)| status.state == TransferState::Committing);
    let waits: Vec<_> = waits.filter(|(.., truth)| *truth > 1.0).collect();
    let right = waits.iter().filter(|(_, status, truth)| is_right(status.eta.seconds(), *truth)).count();
    assert!(waits.len() >= 5, "{}", waits.len());
    assert_share("instants of a wait for what is lost", (right, waits.len()), 0.75);
}
