//! Duration of real work: the order and the instants of what follows from it do not depend on it.

use p2p_base::units::SimDuration;
use p2p_engine::faults::{DiskFaults, Failing, PathChange, Slowdown};
use p2p_engine::io::{InlineIo, IoExecutor, JobId, Lane, Outcome, Outcomes, Work};
use p2p_engine::operation::{Break, ClearFaults, OnShutdown, Which};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::TransferId;
use p2p_engine::{Command, operation};
use p2p_net::Loss;
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::endings::{Chance, fair_link};
use crate::harness::{Harness, config, home_in_memory, random_file};
use crate::seeds::for_seeds;

/// Work of which some is never done before somebody waits for it.
struct FitfulIo {
    chance: Chance,
    done: InlineIo,
    waiting: Vec<(JobId, Lane, Work)>,
}

impl FitfulIo {
    fn new(seed: u64) -> FitfulIo {
        FitfulIo { chance: Chance::new(seed, "fitful work"), done: InlineIo::default(), waiting: Vec::new() }
    }
}

impl IoExecutor for FitfulIo {
    fn submit(&mut self, job: JobId, lane: Lane, work: Work) {
        let is_behind = self.waiting.iter().any(|(_, other, _)| *other == lane);
        if is_behind || self.chance.one_in(2) {
            self.waiting.push((job, lane, work));
        } else {
            self.done.submit(job, lane, work);
        }
    }

    fn poll(&mut self) -> Option<(JobId, Outcome)> {
        self.done.poll()
    }

    fn wait(&mut self) -> Option<(JobId, Outcome)> {
        if !self.waiting.is_empty() {
            let (job, lane, work) = self.waiting.remove(0);
            self.done.submit(job, lane, work);
        }
        self.poll()
    }

    fn take_receiver(&mut self) -> Option<UnboundedReceiver<Outcomes>> {
        None
    }
}

fn any_command(harness: &Harness, chance: &mut Chance) -> Command {
    let node = NodeNumber::from_index(chance.between(0, 2) as usize);
    let file = format!("f{}", chance.between(0, 2));
    let within = SimDuration::from_secs(chance.between(0, 20));
    let transfer = TransferId(chance.between(1, 12));
    match chance.between(0, 15) {
        0..=3 => harness.upload_of(&file),
        4 | 5 => operation::Download::to_file(FileKey::unowned(&file), harness.path(&format!("d{}", chance.between(0, 3))), true)
            .into(),
        6 => operation::Remove { file: FileKey::unowned(&file), recursive: false, expected: None }.into(),
        7 => operation::Cancel { transfer }.into(),
        8 => Break::Restart { node, within }.into(),
        9 => Break::Kill { node }.into(),
        10 => Break::Refuse { node }.into(),
        11 | 12 => {
            let fails = Failing { syncs: chance.one_in(2), writes: chance.one_in(3), reads: chance.one_in(4) };
            let slow = Slowdown::try_from(chance.between(2, 50) as u32).ok();
            Break::Disk { node, faults: DiskFaults { slow, fails, ..DiskFaults::default() } }.into()
        }
        13 => {
            let loss = Some(Loss::Independent(chance.percent(0, 20)));
            Break::Paths { peer: Peer::Node(node), change: PathChange { loss, ..PathChange::default() } }.into()
        }
        14 => ClearFaults { which: Which::Node(node) }.into(),
        _ => ClearFaults { which: Which::All }.into(),
    }
}

/// Returns the trace of a run of random commands.
fn trace(seed: u64, io: Box<dyn IoExecutor>) -> (String, u64) {
    let mut chance = Chance::new(seed, "what is asked");
    let home = home_in_memory();
    let mut settings = config(&home.path().join("data"), 3, fair_link(&mut chance));
    settings.seed = seed;
    let mut harness = Harness::open(home, settings, io).unwrap();
    (0..3).for_each(|n| drop(random_file(&harness.path(&format!("f{n}")), 100_000 * (n as usize + 1), n)));
    for _ in 0..chance.between(4, 24) {
        let command = any_command(&harness, &mut chance);
        harness.tell(command);
        if chance.one_in(2) {
            let span = SimDuration::from_millis(chance.magnitude(0, 4));
            harness.ask(operation::Sleep { span }).unwrap();
        }
    }
    harness.ask(operation::Shutdown { running: OnShutdown::Cancel }).unwrap();
    (harness.simulation.trace_hash().to_string(), harness.simulation.now().as_nanos())
}

#[test]
fn the_duration_of_work_changes_nothing() {
    for_seeds(100, |seed| {
        let at_once = trace(seed, Box::new(InlineIo::default()));
        assert_eq!(trace(seed, Box::new(FitfulIo::new(seed))), at_once);
    });
}
