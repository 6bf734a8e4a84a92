//! Faults from the whole menu at random, over random uploads, downloads and removals: what was acknowledged is stored, nobody gets a
//! wrong byte, and everything ends once the faults are taken back. A run is named by its seed.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use p2p_base::random::RandomStream;
use p2p_base::trace::TraceHash;
use p2p_base::units::{Bandwidth, Probability, SimDuration};
use p2p_engine::cause::Cause;
use p2p_engine::faults::{DiskFaults, Failing, FaultCause, Flapping, LinkChange, PathChange, Profile};
use p2p_engine::node::protocol::Refusal;
use p2p_engine::operation::{Break, ClearFaults, Mend, Which};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::TransferError;
use p2p_engine::{Command, Event, Reply, operation};
use p2p_net::{Direction, DropCause, GilbertElliott, HostConfig, Loss};
use p2p_store::disk::Disk;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::segment::SegmentId;

use crate::endings::{Chance, Run, fair_link};
use crate::harness::quick_link;
use crate::seeds::for_seeds;

/// Runs of `cargo test`.
const RUNS: u64 = 500;
/// Virtual time within which every transfer is over once no fault is on.
const BOUND: SimDuration = SimDuration::from_secs(3_600);

/// How often each kind of fault fired, and what it hit.
#[derive(Default)]
struct Figures(BTreeMap<String, u64>);

impl Figures {
    fn add(&mut self, what: impl Into<String>, count: u64) {
        if count > 0 {
            *self.0.entry(what.into()).or_default() += count;
        }
    }

    /// Counts what an event tells.
    fn note(&mut self, event: &Event) {
        match event {
            Event::FaultBegan { fault, cause } => {
                self.add(format!("fired: {}", fault.name()), 1);
                if let FaultCause::Profile { .. } = cause {
                    self.add(format!("fired by a profile: {}", fault.name()), 1);
                }
            }
            Event::FaultEnded { fault, .. } => self.add(format!("taken back: {}", fault.name()), 1),
            Event::SegmentRetried { cause, .. } => self.add(format!("segments tried again: {}", kind(cause)), 1),
            Event::StartFailed { .. } => self.add("starts that failed: disk", 1),
            Event::TransferFailed { error: TransferError::HostEnded { .. }, direction, .. } => {
                self.add(format!("{}s that failed with their host", direction.name()), 1);
            }
            Event::TransferFailed { direction, .. } => self.add(format!("{}s that failed", direction.name()), 1),
            Event::TransferFinished { direction, .. } => self.add(format!("{}s that succeeded", direction.name()), 1),
            _ => {}
        }
    }
}

fn kind(cause: &Cause) -> &'static str {
    match cause {
        Cause::Fault { cause, .. } if matches!(**cause, Cause::Refused(_)) => kind(cause),
        Cause::Fault { faults, .. } => faults[0].fault.name(),
        Cause::Refused(Refusal::Corrupt { .. }) => "corrupt segment",
        Cause::Refused(Refusal::DiskFull) => "full disk",
        Cause::Refused(Refusal::Disk(_)) => "failing disk",
        Cause::Unreachable(_) => "connection lost",
        _ => "other",
    }
}

/// What happens to packets on a path: up to five things at once.
fn any_change(chance: &mut Chance) -> PathChange {
    let share = |chance: &mut Chance, most| chance.one_in(3).then(|| chance.percent(1, most));
    let loss = match chance.between(0, 2) {
        0 => Some(Loss::Independent(chance.percent(1, 30))),
        1 => Some(Loss::Bursts(GilbertElliott::simple(chance.percent(1, 5), chance.percent(10, 60)))),
        _ => None,
    };
    // Up to ten seconds, which outlast their being taken back.
    let delay = chance.one_in(2).then(|| format!("{}ms", chance.magnitude(0, 4)).parse().unwrap());
    let change = PathChange { delay, loss, duplicate: share(chance, 20), corrupt: share(chance, 20), reorder: share(chance, 20) };
    if change.is_none() { PathChange { corrupt: Some(Probability::from_percent(5)), ..change } } else { change }
}

fn any_disk(chance: &mut Chance) -> DiskFaults {
    let fails = |names: &str| DiskFaults { fails: names.parse::<Failing>().unwrap(), ..DiskFaults::default() };
    match chance.between(0, 9) {
        0 => DiskFaults { slow: format!("{}", chance.magnitude(1, 5)).parse().ok(), ..DiskFaults::default() },
        1 => fails("reads"),
        2 => fails("writes"),
        3 => fails("syncs"),
        4..=6 => DiskFaults { full: true, ..DiskFaults::default() },
        _ => DiskFaults { corrupt: chance.between(1, 5) as u32, ..DiskFaults::default() },
    }
}

fn any_link(chance: &mut Chance) -> LinkChange {
    let bandwidth = Bandwidth::from_bits_per_second(8 * chance.magnitude(3, 5));
    LinkChange { bandwidth: Some(bandwidth), queue_packets: Some(chance.between(2, 50) as u32) }
}

fn any_plan(chance: &mut Chance) -> Flapping {
    Flapping { every: SimDuration::from_millis(chance.magnitude(2, 4)), times: chance.between(1, 4) as u32 }
}

/// Name of one of three profiles, which is another one each time that it is applied, as after a change of the configuration.
fn any_name(chance: &mut Chance) -> String {
    format!("profile {}", chance.between(1, 3))
}

/// A profile of one thing or of several.
fn any_profile(chance: &mut Chance) -> Profile {
    Profile {
        up: if chance.one_in(3) { any_link(chance) } else { LinkChange::default() },
        down: if chance.one_in(3) { any_link(chance) } else { LinkChange::default() },
        path: if chance.one_in(2) { any_change(chance) } else { PathChange::default() },
        disk: if chance.one_in(3) { any_disk(chance) } else { DiskFaults::default() },
        flap: chance.one_in(6).then(|| any_plan(chance)),
    }
}

/// One fault of the menu, or one that is taken back. What is not possible now is refused.
fn any_fault(run: &Run, chance: &mut Chance) -> Command {
    let node = NodeNumber::from_index(chance.between(0, run.settings.nodes.len() as u64 - 1) as usize);
    let (from, to) = (run.peer(chance), run.peer(chance));
    let within = SimDuration::from_secs(chance.between(0, 20));
    let direction = if chance.one_in(2) { Direction::Up } else { Direction::Down };
    let of_node = |chance: &mut Chance| chance.one_in(2).then_some(node);
    match chance.between(0, 21) {
        0 => Break::Kill { node }.into(),
        1 => Break::Stop { node, within }.into(),
        2 => Break::Restart { node, within }.into(),
        3 => Break::Refuse { node }.into(),
        4 => Break::Flap { node, plan: any_plan(chance) }.into(),
        5 | 6 => Break::Disk { node, faults: any_disk(chance) }.into(),
        7 => Break::Link { peer: from, direction: Some(direction), change: any_link(chance) }.into(),
        8..=10 => Break::Path { from, to, one_way: chance.one_in(2), change: any_change(chance), cut: false }.into(),
        11 => Break::Path { from, to, one_way: true, change: PathChange::default(), cut: true }.into(),
        12 => Break::Partition { one: vec![Peer::Client], other: vec![Peer::Node(node)], one_way: chance.one_in(2) }.into(),
        13 | 14 => Mend::Process { node }.into(),
        15 | 16 => Break::Paths { peer: from, change: any_change(chance) }.into(),
        17 | 18 => {
            let (name, profile) = (any_name(chance), Box::new(any_profile(chance)));
            Break::Profile { name, node: of_node(chance), profile }.into()
        }
        19 => ClearFaults { which: Which::Profile { name: any_name(chance), node: of_node(chance) } }.into(),
        20 => ClearFaults { which: Which::Node(node) }.into(),
        _ => Mend::Cuts.into(),
    }
}

/// Kills a node of which something is on its way, lets its disk lose of what is not durable, and starts it again in some runs.
fn lose_unsynced(run: &mut Run, chance: &mut Chance, seed: u64) {
    let name = run.any_file(chance);
    run.store(&name);
    run.sleep(SimDuration::from_millis(chance.magnitude(0, 3)));
    let index = chance.between(0, run.settings.nodes.len() as u64 - 1) as usize;
    let node = NodeNumber::from_index(index);
    run.harness.tell(Break::Kill { node });
    run.disks[index].lose_unsynced(&mut RandomStream::new(seed, &format!("lost at {}", run.now())));
    if chance.one_in(2) {
        run.harness.tell(Mend::Process { node });
    }
}

fn set_all_links(run: &mut Run, link: HostConfig) {
    run.set_link(Peer::Client, link);
    (0..run.settings.nodes.len()).for_each(|index| run.set_link(Peer::Node(NodeNumber::from_index(index)), link));
}

/// Lets everything end after the last fault, and checks what there is then.
fn end(run: &mut Run) {
    set_all_links(run, run.settings.client.link);
    let Ok(Reply::Cleared(cleared)) = run.harness.ask(operation::ClearFaults::ALL) else { panic!("not all is taken back") };
    assert_eq!(cleared.not_running, []);
    assert_eq!(run.harness.kinds(), Vec::<&str>::new());
    let cleared = run.now();
    while !run.running().is_empty() {
        assert!(run.now() <= cleared + BOUND, "{:?} run on", run.running());
        run.sleep(SimDuration::from_secs(10));
    }
    run.check_reports();
    // Longer than the longest wait between two attempts to tell a node what it owes.
    run.sleep(SimDuration::from_secs(1_200));
    let Ok(Reply::Storage(stats)) = run.harness.ask(operation::StatStorage) else { panic!("no figures") };
    assert_eq!((stats.owed_deletions, run.harness.simulation.memory_in_use()), (0, 0));
    run.check_disks();
    // Some links queue half a minute of packets, while some runs give a connection two seconds to open; here it counts what is stored.
    set_all_links(run, quick_link());
    run.sleep(SimDuration::from_secs(60));
    for name in run.harness.names() {
        assert!(run.harness.get(&name).unwrap().1 == run.contents[&name], "{name}");
    }
}

/// What is listed survives that the power goes, on every disk.
fn expect_durable(run: &mut Run, seed: u64) {
    for (index, disk) in run.disks.iter().enumerate() {
        disk.crash(&mut RandomStream::new(seed, &format!("power {index}")));
    }
    for name in run.harness.names() {
        let Ok(Reply::Manifest(manifest)) = run.harness.ask(operation::StatFile { file: FileKey::unowned(&name) }) else {
            panic!("{name}")
        };
        for segment in &manifest.segments {
            let found = segment.holders.iter().map(|holder| run.disks[holder.index()].read(segment.id));
            assert!(found.into_iter().all(|bytes| SegmentId::of(&bytes.unwrap()) == segment.id), "{name}");
        }
    }
}

fn run_once(seed: u64, figures: &Mutex<Figures>) -> TraceHash {
    let mut chance = Chance::new(seed, "faults");
    let link = fair_link(&mut chance);
    let mut run = Run::new(seed, &mut chance, link).carried_by_any(seed);
    // Something is stored in most runs when the first fault comes.
    run.store("f0");
    run.sleep(SimDuration::from_millis(chance.magnitude(1, 4)));
    for _ in 0..chance.between(6, 24) {
        if chance.one_in(6) {
            run.rename(&mut chance);
        } else if chance.one_in(6) {
            run.verify(&mut chance);
        } else if chance.one_in(8) {
            lose_unsynced(&mut run, &mut chance, seed);
        } else if chance.one_in(2) {
            run.act(&mut chance, link);
        } else {
            let fault = any_fault(&run, &mut chance);
            let is_of_disk = match &fault {
                Command::Break(Break::Disk { .. }) => true,
                Command::Break(Break::Profile { profile, .. }) => !profile.disk.is_none(),
                _ => false,
            };
            if is_of_disk {
                // A disk that is full already is passed over.
                let name = run.any_file(&mut chance);
                run.store(&name);
                run.sleep(SimDuration::from_millis(chance.magnitude(0, 2)));
            }
            run.harness.tell(fault);
            // What is wrong with a disk is found by those who use it while it is wrong.
            if is_of_disk {
                run.harness.names().iter().for_each(|name| run.fetch(name));
            }
        }
        run.sleep(SimDuration::from_millis(chance.magnitude(0, 3)));
    }
    end(&mut run);
    let hash = run.harness.simulation.trace_hash();
    let Ok(Reply::Network(stats)) = run.harness.ask(operation::CountPackets) else { panic!("no counters") };
    expect_durable(&mut run, seed);
    let got: Vec<_> = fs::read_dir(run.harness.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(got.iter().all(|name| !name.to_string_lossy().contains(".part")), "{got:?}");
    let mut figures = figures.lock().unwrap();
    run.events.iter().for_each(|event| figures.note(event));
    for cause in DropCause::ALL {
        figures.add(format!("packets dropped: {}", cause.name()), stats.dropped(cause));
    }
    figures.add("packets duplicated", stats.total.duplicated);
    figures.add("packets reordered", stats.total.reordered);
    hash
}

#[test]
fn whatever_fails_acknowledged_is_stored_and_everything_ends() {
    let figures = Mutex::default();
    for_seeds(RUNS, |seed| {
        let hash = run_once(seed, &figures);
        // The same seed gives the same run; for a tenth of them, since it takes as long again.
        if seed % 10 == 0 {
            assert_eq!(run_once(seed, &Mutex::default()), hash);
        }
    });
    let Figures(figures) = figures.into_inner().unwrap();
    figures.iter().for_each(|(what, count)| println!("{count:>9} {what}"));
    if std::env::var_os("P2P_SEED").is_none() {
        for kind in ["disk", "link", "paths", "flapping"] {
            assert!(figures.contains_key(&format!("fired by a profile: {kind}")), "no profile had {kind}");
        }
        for kind in
            ["killed", "stopping", "restarting", "stopped", "refusing", "flapping", "disk", "link", "path", "paths", "cut"]
        {
            assert!(figures.contains_key(&format!("fired: {kind}")), "{kind} never fired");
        }
        let dropped =
            [DropCause::Corrupt, DropCause::Cut, DropCause::HostDown].map(|cause| format!("packets dropped: {}", cause.name()));
        for hit in dropped.into_iter().chain(["packets duplicated".into(), "packets reordered".into()]) {
            assert!(figures.contains_key(&hit), "{hit}: none");
        }
        for direction in ["upload", "download"] {
            assert!(figures.contains_key(&format!("{direction}s that failed with their host")), "no {direction} failed so");
        }
        for hit in ["killed", "refusing", "corrupt segment", "failing disk", "full disk"] {
            assert!(figures.contains_key(&format!("segments tried again: {hit}")), "{hit} hit nothing");
        }
    }
}
