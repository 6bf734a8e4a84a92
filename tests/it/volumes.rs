//! The nodes' volumes and the catalog: what is acknowledged while syncs fail, what an older or another catalog may do to a volume,
//! and what is left where a start is cut short at any step.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use p2p_base::database::Purpose;
use p2p_base::random::RandomStream;
use p2p_base::units::SimDuration;
use p2p_engine::event::Event;
use p2p_engine::io::InlineIo;
use p2p_engine::{Command, CommandId, EngineError, OrphansAction, Reply, Simulation, operation};
use p2p_store::catalog::Catalog;
use p2p_store::crash_disk::CrashDisk;
use p2p_store::disk::Disk;
use p2p_store::epochs::Claim;
use p2p_store::manifest::NodeNumber;
use p2p_store::marker::{Marker, Marking};
use p2p_store::names::FileKey;
use p2p_store::segment::SegmentId;
use p2p_store::standing::Trouble;
use proptest::prelude::*;

use crate::harness::{Harness, OPERATOR, config, home_in_memory, quick_link, random_file, slow_link};
use crate::seeds::cases;

/// Disks in memory, and a home in which the catalog is.
struct Lab {
    home: tempfile::TempDir,
    disks: Vec<Arc<CrashDisk>>,
}

impl Lab {
    fn new(nodes: usize) -> Lab {
        Lab { home: home_in_memory(), disks: (0..nodes).map(|_| Arc::new(CrashDisk::new())).collect() }
    }

    fn catalog(&self) -> std::path::PathBuf {
        self.home.path().join("catalog.redb")
    }

    fn start(&self) -> Started {
        let settings = config(self.home.path(), self.disks.len() as u8, quick_link());
        let disks = self.disks.iter().map(|disk| Arc::clone(disk) as Arc<dyn Disk>).collect();
        let catalog = Catalog::open(&self.catalog()).unwrap();
        let simulation = Simulation::with_disks(settings, catalog, disks, Box::new(InlineIo::default())).unwrap();
        Started { simulation, next: 0 }
    }

    fn file(&self, name: &str, bytes: usize, salt: u64) -> Vec<u8> {
        random_file(&self.home.path().join(name), bytes, salt)
    }

    fn upload(&self, name: &str, of: &str) -> Command {
        Command::Upload(operation::Upload::of_file(self.home.path().join(of), Some(name.into()), 0))
    }

    fn lose_power(&self, chance: &mut RandomStream) {
        self.disks.iter().for_each(|disk| disk.crash(chance));
    }
}

struct Started {
    simulation: Simulation,
    next: u64,
}

impl Started {
    fn tell(&mut self, command: impl Into<Command>) -> CommandId {
        self.next += 1;
        self.simulation.apply(CommandId(self.next), &OPERATOR, command);
        CommandId(self.next)
    }

    fn ask(&mut self, command: impl Into<Command>) -> Result<Reply, EngineError> {
        let command_id = self.tell(command);
        loop {
            while let Some((answered, reply)) = self.simulation.poll_reply() {
                if answered == command_id {
                    return reply;
                }
            }
            self.simulation.run();
        }
    }

    /// Does a transfer to its end.
    fn transfer(&mut self, command: Command) -> Result<(), EngineError> {
        let Reply::Started(transfer) = self.ask(command)? else { panic!("no transfer") };
        match self.ask(operation::Await { transfer })? {
            Reply::Finished(report) => report.into_result().map(drop),
            other => panic!("{other:?}"),
        }
    }

    fn names(&mut self) -> Vec<String> {
        let Ok(Reply::Files(files)) = self.ask(operation::ListFiles) else { panic!("no files") };
        files.into_iter().map(|file| file.key.name).collect()
    }

    fn fetch(&mut self, name: &str, to: &Path) -> Result<Vec<u8>, EngineError> {
        let file = FileKey::unowned(name);
        self.transfer(Command::Download(operation::Download::to_file(file, to.to_owned(), true)))?;
        Ok(fs::read(to).unwrap())
    }
}

fn segments_of(disk: &CrashDisk) -> Vec<SegmentId> {
    disk.list().unwrap().into_iter().map(|(id, _)| id).collect()
}

proptest! {
    #![proptest_config(cases())]

    /// Files that share content are stored side by side while syncs fail now and then, each failure being told once. The power
    /// goes in the end: whatever was acknowledged is there, byte for byte.
    #[test]
    fn acknowledged_means_stored_whichever_syncs_fail(
        seed: u64,
        files in proptest::collection::vec((0u64..3, 1usize..200_000, 0u64..30), 2..6),
        failing in proptest::collection::vec((0u64..60, 1u64..20), 1..4),
    ) {
        let lab = Lab::new(2);
        let mut chance = RandomStream::new(seed, "power");
        let mut started = lab.start();
        let mut contents = BTreeMap::new();
        let mut instants: Vec<(u64, u8, usize)> = Vec::new();
        for (n, &(salt, size, at)) in files.iter().enumerate() {
            // The same salt and size make the same content, and equal beginnings equal segments.
            contents.insert(format!("f{n}"), lab.file(&format!("f{n}"), size, salt));
            instants.push((at, 0, n));
        }
        for &(at, span) in &failing {
            instants.extend([(at, 1, 0), (at + span, 2, 0)]);
        }
        instants.sort_unstable();
        let (mut now, mut acknowledged) = (0, Vec::new());
        let mut transfers = BTreeMap::new();
        for (at, what, n) in instants {
            started.ask(operation::Sleep { span: SimDuration::from_millis(at - now) }).unwrap();
            now = at;
            match what {
                0 => {
                    let name = format!("f{n}");
                    if let Ok(Reply::Started(transfer)) = started.ask(lab.upload(&name, &name)) { transfers.insert(name, transfer); }
                }
                on => lab.disks.iter().for_each(|disk| disk.fail_syncs(on == 1)),
            }
        }
        for (name, transfer) in transfers {
            let Ok(Reply::Finished(report)) = started.ask(operation::Await { transfer }) else { panic!("no report") };
            if report.into_result().is_ok() { acknowledged.push(name); }
        }
        drop(started);
        lab.lose_power(&mut chance);
        let mut after = lab.start();
        let names = after.names();
        for name in &acknowledged { prop_assert!(names.contains(name), "{name} was acknowledged and is gone"); }
        for name in names {
            let found = after.fetch(&name, &lab.home.path().join("copy"));
            prop_assert!(found.as_ref() == Ok(&contents[&name]), "{name}: {:?}", found.err());
        }
    }

    /// Copies of the catalog are put back in any order, files are stored with whichever is there, and volumes are taken over as
    /// they are. Nobody frees or removes anything, so nothing that any copy lists is ever lost.
    #[test]
    fn no_copy_of_the_catalog_loses_what_another_has_stored(
        steps in proptest::collection::vec((0u8..6, any::<prop::sample::Index>(), 1usize..150_000), 2..12),
    ) {
        let lab = Lab::new(3);
        drop(lab.start());
        let mut copies = vec![fs::read(lab.catalog()).unwrap()];
        let mut contents = BTreeMap::new();
        for (n, (what, which, size)) in steps.iter().enumerate() {
            match what {
                0 | 1 => fs::write(lab.catalog(), which.get(&copies)).unwrap(),
                2 => drop(lab.start()),
                3 => {
                    let mut started = lab.start();
                    started.ask(operation::TreatOrphans { action: OrphansAction::Adopt, node: None }).unwrap();
                    drop(started);
                    copies.push(fs::read(lab.catalog()).unwrap());
                }
                _ => {
                    let name = format!("f{n}");
                    let content = lab.file(&name, *size, n as u64);
                    let mut started = lab.start();
                    if started.transfer(lab.upload(&name, &name)).is_ok() { contents.insert(name, content); }
                    drop(started);
                    copies.push(fs::read(lab.catalog()).unwrap());
                }
            }
        }
        for copy in copies {
            fs::write(lab.catalog(), copy).unwrap();
            let mut started = lab.start();
            for name in started.names() {
                let found = started.fetch(&name, &lab.home.path().join("copy"));
                prop_assert!(found.as_ref() == Ok(&contents[&name]), "{name}: {:?}", found.err());
            }
        }
    }

    /// A start is killed after any step of taking possession, again and again: the volume stays the catalog's own, so that the
    /// next start sweeps and writes as if nothing had been, and what is stored stays.
    #[test]
    fn taking_possession_may_be_cut_short_after_any_step(cuts in proptest::collection::vec(0u8..4, 1..6), marked_before: bool) {
        let lab = Lab::new(1);
        let node = NodeNumber::from_index(0);
        let mut contents = BTreeMap::new();
        if marked_before {
            contents.insert("a".to_owned(), lab.file("a", 100_000, 1));
            lab.start().transfer(lab.upload("a", "a")).unwrap();
        }
        for (n, cut) in cuts.into_iter().enumerate() {
            take_possession(&lab, node, cut);
            // What a crashed upload of this catalog has left is swept.
            let bytes = [n as u8; 50];
            let orphan = SegmentId::of(&bytes);
            lab.disks[0].write(orphan, &bytes).unwrap();
            let is_own = lab.disks[0].marking() != Ok(Marking::Absent);
            let started = lab.start();
            let troubles: Vec<Event> = events(started).into_iter().filter(|event| matches!(event, Event::DiskTrouble { .. })).collect();
            prop_assert_eq!(troubles.is_empty(), is_own, "after step {}: {:?}", cut, troubles);
            if !is_own { lab.disks[0].delete(orphan).unwrap(); }
            prop_assert!(!segments_of(&lab.disks[0]).contains(&orphan));
            let name = format!("f{n}");
            contents.insert(name.clone(), lab.file(&name, 70_000, 10 + n as u64));
            lab.start().transfer(lab.upload(&name, &name)).unwrap();
        }
        let mut started = lab.start();
        for (name, content) in &contents {
            prop_assert_eq!(&started.fetch(name, &lab.home.path().join("copy")).unwrap(), content);
        }
    }
}

/// Begins an epoch and stops after so many of its steps.
fn take_possession(lab: &Lab, node: NodeNumber, steps: u8) {
    let catalog = Catalog::open(&lab.catalog()).unwrap();
    let marked = match lab.disks[0].marking().unwrap() {
        Marking::Marked(marker) => Some(marker.epoch),
        _ => None,
    };
    let mut markers: Vec<(NodeNumber, Marker)> = Vec::new();
    for step in 0..steps {
        match step {
            0 => markers = catalog.begin_epoch(Purpose::Keep, &[Claim { node, marked }]).unwrap(),
            1 => lab.disks[0].mark(&markers[0].1).unwrap(),
            _ => catalog.finish_epoch(Purpose::Keep, &markers).unwrap(),
        }
    }
}

fn events(mut started: Started) -> Vec<Event> {
    std::iter::from_fn(|| started.simulation.poll_event()).map(|(_, event)| event).collect()
}

/// Two uploads share a segment; the sync for the first fails, and the one for the second succeeds.
#[test]
fn a_second_upload_does_not_believe_what_the_first_ones_sync_has_lost() {
    for seed in 0..20 {
        let lab = Lab::new(1);
        let content = lab.file("f", 60_000, 1);
        let mut started = lab.start();
        // The first waits for the second, so that what both need is not deleted in between.
        let begin = |started: &mut Started, name: &str| match started.ask(lab.upload(name, "f")) {
            Ok(Reply::Started(transfer)) => transfer,
            other => panic!("{other:?}"),
        };
        let (first, second) = (begin(&mut started, "first"), begin(&mut started, "second"));
        lab.disks[0].fail_syncs(true);
        let Ok(Reply::Finished(report)) = started.ask(operation::Await { transfer: first }) else { panic!("no report") };
        lab.disks[0].fail_syncs(false);
        assert!(report.into_result().is_err());
        let Ok(Reply::Finished(report)) = started.ask(operation::Await { transfer: second }) else { panic!("no report") };
        let acknowledged = report.into_result().is_ok();
        drop(started);
        let mut chance = RandomStream::new(seed, "power");
        lab.lose_power(&mut chance);
        let mut after = lab.start();
        assert_eq!(after.names().contains(&"second".to_owned()), acknowledged);
        if acknowledged {
            assert_eq!(after.fetch("second", &lab.home.path().join("copy")).unwrap(), content);
        }
    }
}

/// What a node's disk has, and what the node says that it has.
fn used(started: &mut Started, lab: &Lab) -> (u64, u64) {
    let Ok(Reply::Nodes(nodes)) = started.ask(operation::ListNodes) else { panic!("no nodes") };
    (lab.disks[0].list().unwrap().iter().map(|(_, len)| len).sum(), nodes[0].used_bytes.unwrap())
}

fn owed(started: &mut Started) -> u64 {
    let Ok(Reply::Storage(stats)) = started.ask(operation::StatStorage) else { panic!("no figures") };
    stats.owed_deletions
}

fn sleep(started: &mut Started, seconds: u64) {
    started.ask(operation::Sleep { span: SimDuration::from_secs(seconds) }).unwrap();
}

/// A disk refuses to remove segments, once or for a while: they are owed until it does it, and their room is in use.
#[test]
fn a_deletion_that_a_disk_refuses_stays_owed() {
    let lab = Lab::new(1);
    lab.file("a", 200_000, 1);
    let remove = || Command::Remove(operation::Remove { file: FileKey::unowned("a"), recursive: false, expected: None });
    for failing in [1, 4, 6, u64::MAX] {
        let mut started = lab.start();
        started.transfer(lab.upload("a", "a")).unwrap();
        lab.disks[0].fail_deletes(failing);
        started.transfer(remove()).unwrap();
        assert_eq!(started.names(), [] as [&str; 0]);
        sleep(&mut started, 10);
        let (there, said) = used(&mut started, &lab);
        assert_eq!((there, there > 0), (said, failing > 4), "{failing}");
        assert_eq!(owed(&mut started) > 0, failing > 4, "{failing}");
        sleep(&mut started, 3_600);
        assert_eq!(owed(&mut started) > 0, failing == u64::MAX);
        lab.disks[0].fail_deletes(0);
        sleep(&mut started, 1_200);
        assert_eq!((owed(&mut started), used(&mut started, &lab)), (0, (0, 0)), "{failing}");
    }
}

/// A file comes to need a segment while its deletion is owed: the catalog is asked before the node is.
#[test]
fn what_is_owed_is_not_deleted_once_a_file_needs_it_again() {
    let lab = Lab::new(1);
    let content = lab.file("a", 200_000, 1);
    let mut started = lab.start();
    started.transfer(lab.upload("a", "a")).unwrap();
    lab.disks[0].fail_deletes(u64::MAX);
    started
        .transfer(Command::Remove(operation::Remove { file: FileKey::unowned("a"), recursive: false, expected: None }))
        .unwrap();
    sleep(&mut started, 10);
    assert_eq!(owed(&mut started), 4);
    // All but the last segment, which another one takes the place of.
    fs::write(lab.home.path().join("b"), &content[..140_000]).unwrap();
    started.transfer(lab.upload("b", "b")).unwrap();
    assert_eq!(owed(&mut started), 4, "nobody has looked at it again by then");
    lab.disks[0].fail_deletes(0);
    sleep(&mut started, 1_200);
    assert_eq!(owed(&mut started), 0);
    assert!(started.fetch("b", &lab.home.path().join("copy")).unwrap() == content[..140_000]);
    assert_eq!(segments_of(&lab.disks[0]).len(), 3);
    let (there, said) = used(&mut started, &lab);
    assert_eq!((there, said), (140_000, 140_000));
}

/// Where on this machine a disk is, nobody on the network learns, and the run does not depend on it.
#[test]
fn a_disk_that_fails_leaves_no_path_in_the_run() {
    let run = |directory: &str| {
        let home = tempfile::Builder::new().prefix(directory).tempdir().unwrap();
        let settings = config(&home.path().join("data"), 3, quick_link());
        let mut harness = Harness::open(home, settings, Box::new(InlineIo::default())).unwrap();
        random_file(&harness.path("a.bin"), 300_000, 1);
        harness.put("a.bin").unwrap();
        let segments = harness.path("data/nodes/Node_02/segments");
        fs::remove_dir_all(&segments).unwrap();
        fs::write(&segments, "").unwrap();
        let failed = harness.get("a.bin").unwrap_err().to_string();
        random_file(&harness.path("b.bin"), 300_000, 2);
        harness.put("b.bin").unwrap();
        let events: Vec<String> =
            std::iter::from_fn(|| harness.simulation.poll_event()).map(|(_, event)| format!("{event:?}")).collect();
        let path = harness.path("data").to_str().unwrap().to_owned();
        assert!(events.iter().chain([&failed]).all(|text| !text.contains(&path)), "{failed} {events:?}");
        assert!(failed.contains("Not a directory"), "{failed}");
        harness.simulation.trace_hash()
    };
    assert_eq!(run("short"), run("a-much-longer-name-of-a-directory-that-would-make-longer-packets"));
}

/// A source that cannot be read, one that changes, a destination that goes away, and a catalog that is taken away: whoever asked is
/// told where that was, and nobody else.
#[test]
fn what_fails_on_this_machine_leaves_no_path_in_the_run() {
    let run = |directory: &str| {
        let home = tempfile::Builder::new().prefix(directory).tempdir().unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let settings = config(&home.path().join("data"), 3, slow_link());
        let mut harness = Harness::open(home, settings, Box::new(InlineIo::default())).unwrap();
        // The first is not read to its end before it changes.
        for (name, len, salt) in [("a.bin", 3_000_000, 1), ("b.bin", 1_000_000, 2), ("c.bin", 1_000_000, 3)] {
            random_file(&harness.path(name), len, salt);
        }
        let mut failures = Vec::new();
        // A file of the system that gives EIO when it is read (proc_pid_mem(5)).
        std::os::unix::fs::symlink("/proc/self/mem", harness.path("mem")).unwrap();
        failures.push(("cannot read", harness.put("mem").unwrap_err()));
        let changing = harness.start(harness.upload_of("a.bin")).unwrap();
        fs::write(harness.path("a.bin"), "others").unwrap();
        failures.push(("changed while it was read", harness.finish(changing).unwrap_err()));
        harness.put("b.bin").unwrap();
        fs::create_dir(harness.path("out")).unwrap();
        let to = harness.path("out/b.bin");
        let file = FileKey::unowned("b.bin");
        let fetching = harness.start(operation::Download::to_file(file, to, false)).unwrap();
        fs::remove_dir_all(harness.path("out")).unwrap();
        failures.push(("cannot write", harness.finish(fetching).unwrap_err()));
        let upload = harness.start(harness.upload_of("c.bin")).unwrap();
        fs::rename(harness.path("data/catalog.redb"), harness.path("away")).unwrap();
        failures.push(("cannot be found any more", harness.finish(upload).unwrap_err()));
        failures.push(("nothing more is written", harness.remove("b.bin").unwrap_err()));
        for (what, error) in &failures {
            assert!(error.to_string().contains(what) && error.to_string().contains(&path), "{what}: {error}");
        }
        let events: Vec<String> =
            std::iter::from_fn(|| harness.simulation.poll_event()).map(|(_, event)| format!("{event:?}")).collect();
        assert_eq!(events.iter().filter(|text| text.contains("TransferFailed")).count(), failures.len(), "{events:?}");
        assert!(events.iter().all(|text| !text.contains(&path)), "{events:?}");
        harness.simulation.trace_hash()
    };
    assert_eq!(run("short"), run("a-much-longer-name-of-a-directory-that-would-make-longer-texts"));
}

/// There is no room for the marker of a new epoch, nor for anything else: what is removed goes all the same, and makes the room. Until
/// then nothing is stored there.
#[test]
fn a_node_on_a_full_disk_is_emptied() {
    let lab = Lab::new(2);
    let content = lab.file("a", 600_000, 1);
    lab.start().transfer(lab.upload("a", "a")).unwrap();
    let marking = || lab.disks[0].marking().unwrap();
    let (before, held) = (marking(), segments_of(&lab.disks[0]).len());
    assert_eq!(held, 5);
    lab.disks[0].limit(lab.disks[0].list().unwrap().iter().map(|(_, len)| len).sum());
    let mut started = lab.start();
    lab.file("b", 200_000, 2);
    started.transfer(lab.upload("b", "b")).unwrap();
    assert_eq!((marking(), segments_of(&lab.disks[0]).len()), (before, held), "nothing is stored without a new epoch");
    assert!(started.fetch("a", &lab.home.path().join("copy")).unwrap() == content);
    let Ok(Reply::Nodes(nodes)) = started.ask(operation::ListNodes) else { panic!("no nodes") };
    assert_eq!((nodes[0].trouble.clone(), nodes[1].trouble.clone()), (Some(Trouble::Full), None));
    started
        .transfer(Command::Remove(operation::Remove { file: FileKey::unowned("a"), recursive: false, expected: None }))
        .unwrap();
    assert_eq!((segments_of(&lab.disks[0]).len(), owed(&mut started)), (0, 0));
    lab.file("c", 300_000, 3);
    started.transfer(lab.upload("c", "c")).unwrap();
    assert!(!segments_of(&lab.disks[0]).is_empty() && marking() != before, "there is room again");
    let Ok(Reply::Nodes(nodes)) = started.ask(operation::ListNodes) else { panic!("no nodes") };
    assert_eq!(nodes[0].trouble, None);
    drop(started);
    let troubles = events(lab.start()).into_iter().filter(|event| matches!(event, Event::DiskTrouble { .. })).count();
    assert_eq!(troubles, 0);
}

/// So it is where the first thing of a run is a removal.
#[test]
fn a_removal_from_a_full_disk_needs_no_marker() {
    let lab = Lab::new(1);
    lab.file("a", 600_000, 1);
    lab.start().transfer(lab.upload("a", "a")).unwrap();
    lab.disks[0].limit(600_000);
    let mut started = lab.start();
    started
        .transfer(Command::Remove(operation::Remove { file: FileKey::unowned("a"), recursive: false, expected: None }))
        .unwrap();
    assert_eq!((segments_of(&lab.disks[0]).len(), owed(&mut started), used(&mut started, &lab)), (0, 0, (0, 0)));
    started.transfer(lab.upload("a", "a")).unwrap();
}

/// A disk that cannot be marked is only read. What is removed from it is owed, which is said, and swept by the next start.
#[test]
fn what_cannot_be_deleted_is_owed_and_said() {
    let lab = Lab::new(1);
    lab.file("a", 200_000, 1);
    lab.start().transfer(lab.upload("a", "a")).unwrap();
    let mut started = lab.start();
    lab.disks[0].fail_syncs(true);
    started
        .transfer(Command::Remove(operation::Remove { file: FileKey::unowned("a"), recursive: false, expected: None }))
        .unwrap();
    lab.disks[0].fail_syncs(false);
    sleep(&mut started, 1_200);
    assert_eq!((owed(&mut started), segments_of(&lab.disks[0]).len()), (4, 4));
    assert!(events(started).iter().any(|event| matches!(event, Event::DeletionsOwed { segments: 4, .. })));
    drop(lab.start());
    assert_eq!(segments_of(&lab.disks[0]), []);
}

/// The epoch and the names are random, and a run does not depend on them.
#[test]
fn markers_leave_no_trace() {
    let run = || {
        let mut harness = Harness::new(3, quick_link());
        random_file(&harness.path("a.bin"), 300_000, 1);
        harness.put("a.bin").unwrap();
        let marker = fs::read_to_string(harness.path("data/nodes/Node_01/volume")).unwrap();
        (harness.simulation.trace_hash(), marker)
    };
    let (one, other) = (run(), run());
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

/// A new epoch begins with the first write of a run, and with nothing else.
#[test]
fn an_epoch_begins_with_the_first_write() {
    let mut harness = Harness::new(2, quick_link());
    let marker = |harness: &Harness| fs::read_to_string(harness.path("data/nodes/Node_01/volume")).ok();
    assert_eq!(marker(&harness), None);
    random_file(&harness.path("a.bin"), 100_000, 1);
    harness.put("a.bin").unwrap();
    let first = marker(&harness);
    fs::copy(harness.path("a.bin"), harness.path("b.bin")).unwrap();
    harness.put("b.bin").unwrap();
    assert_eq!(marker(&harness), first);
    let mut harness = harness.restart(|directory| config(directory, 2, quick_link())).unwrap();
    harness.get("a.bin").unwrap();
    assert_eq!(marker(&harness), first);
    harness.remove("a.bin").unwrap();
    assert_ne!(marker(&harness), first);
}
