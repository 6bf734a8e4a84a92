//! `kill -9` at random instants: what was acknowledged is whole, nothing is half-visible, nothing is left lying about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use p2p_base::random::RandomStream;

use crate::harness::segments_below;
use crate::program::{Home, QUICK, end_of, read, signal};

const KILLS: u64 = 50;

/// Waits so long or until the process has ended, and kills it in the first case. True where it ended well by itself.
#[expect(clippy::disallowed_methods, reason = "the random instant at which a process is killed is one of the wall clock")]
pub(crate) fn kill_after(mut child: std::process::Child, wait: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < wait {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return true;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    signal(&child, "KILL");
    child.wait().unwrap().success()
}

#[expect(clippy::disallowed_methods, reason = "how long a put takes here decides within which time it is killed")]
pub(crate) fn time_of(action: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    action();
    begun.elapsed()
}

#[test]
fn what_was_acknowledged_survives_kills_at_fifty_random_instants() {
    let home = Home::new(QUICK);
    let mut chance = RandomStream::new(50, "when to kill");
    home.file("first.bin", 3_000_000);
    let mut whole = time_of(|| drop(home.ok(&["put", "first.bin"])));
    let mut acknowledged = BTreeMap::from([("first.bin".to_owned(), home.path("first.bin"))]);
    for round in 0..KILLS {
        let name = format!("{round}.bin");
        home.file(&name, 3_000_000 + round as usize);
        if round % 10 == 9 {
            // A machine that has other things to do takes longer than it did.
            let again = format!("again{round}.bin");
            home.file(&again, 3_000_000 + 10_000 * round as usize);
            whole = time_of(|| drop(home.ok(&["put", &again])));
            acknowledged.insert(again.clone(), home.path(&again));
        }
        let wait = whole.mul_f64(chance.below(1100) as f64 / 1000.0);
        if kill_after(home.spawn(&["put", &name]), wait) {
            acknowledged.insert(name.clone(), home.path(&name));
        }
        // What is listed without having been acknowledged was stored in the instant before the kill.
        let listed = home.stored();
        assert!(
            acknowledged.keys().all(|name| listed.contains(name)),
            "round {round}: {listed:?} lacks some of {acknowledged:?}"
        );
        for name in listed {
            acknowledged.entry(name.clone()).or_insert_with(|| home.path(&name));
        }
    }
    let stored = acknowledged.len() as u64;
    assert!((2..KILLS).contains(&stored), "{stored} were stored: some of both kinds are wanted");
    // Whoever only reads sweeps nothing.
    home.file("last.bin", 2_999_999);
    home.ok(&["put", "last.bin"]);
    acknowledged.insert("last.bin".to_owned(), home.path("last.bin"));
    let segments = acknowledged.values().map(|path| read(path).len().div_ceil(65_536)).sum::<usize>();
    assert_eq!(segments_below(&home.data()).len(), segments, "every segment file belongs to a stored file");
    for (name, path) in &acknowledged {
        home.ok(&["get", name, "-o", "copy", "--force"]);
        assert!(read(home.path("copy")) == read(path), "{name}");
    }
}

/// A directory that was being set up is as good as a new one.
#[test]
fn a_first_start_may_be_killed_at_any_instant() {
    let mut chance = RandomStream::new(30, "when to kill the first start");
    let whole = time_of(|| drop(Home::new(QUICK).ok(&["ls"])));
    for round in 0..30 {
        let home = Home::new(QUICK);
        kill_after(home.spawn(&["ls"]), whole.mul_f64(chance.below(1000) as f64 / 1000.0));
        home.file("a.bin", 100_000);
        home.ok(&["put", "a.bin"]);
        let left: Vec<_> = std::fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with('.')), "round {round}: {left:?}");
    }
}

/// Builds the library that a program is run with, from a source of `tests/data`.
fn preloaded(source: &str, directory: &Path) -> PathBuf {
    let library = directory.join("preloaded.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(source);
    let built =
        std::process::Command::new("gcc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(built.unwrap().success());
    library
}

/// Every directory that is made gets its name for good: the one above it is synced after that. Those of the nodes are synced once more
/// by each start that writes, since the one that made them may have been killed in between.
#[test]
#[ignore = "needs gcc"]
fn directories_are_durable_and_so_are_those_above_them() {
    let directory = tempfile::tempdir().unwrap();
    let library = preloaded("count_syncs.c", directory.path());
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    home.file("b.bin", 1_000);
    let noted = |arguments: &[&str], log: &str| {
        let log = home.path(log);
        let mut command = home.command(&[arguments, &["--data-dir", "new/x/data"]].concat());
        let said = end_of(command.env("LD_PRELOAD", &library).env("SYNC_LOG", &log).spawn().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
        let lines = std::fs::read_to_string(log).unwrap();
        let note = |line: &str| line.split_once(' ').map(|(what, path)| (what.to_owned(), PathBuf::from(path))).unwrap();
        lines.lines().map(note).collect::<Vec<_>>()
    };
    let first = noted(&["put", "a.bin"], "first.log");
    let data = home.path("new/x/data").canonicalize().unwrap();
    let mut made = Vec::new();
    for (at, (what, path)) in first.iter().enumerate() {
        if what == "mkdir" {
            let above = path.parent().unwrap();
            let is_synced = first[at..].iter().any(|(what, synced)| what == "fsync" && synced == above);
            assert!(is_synced, "{} is made, and {} is not synced: {first:#?}", path.display(), above.display());
            made.push(path.clone());
        }
    }
    for path in [data.parent().unwrap().parent().unwrap(), &data, &data.join("nodes"), &data.join("nodes/Node_01/segments")] {
        assert!(made.iter().any(|made| made == path), "{}: {made:?}", path.display());
    }
    let second = noted(&["put", "b.bin"], "second.log");
    for path in [data.clone(), data.join("nodes"), data.join("nodes/Node_01"), data.join("nodes/Node_05")] {
        let is_synced = second.iter().any(|(what, synced)| what == "fsync" && *synced == path);
        assert!(is_synced, "{}: {second:#?}", path.display());
    }
}

/// A sync of the catalog fails at any point of a `put`: where the program says that the file is not stored, it is not; where it does
/// not know, it deletes nothing, and the next start finds a file that is whole, or none.
#[test]
#[ignore = "needs gcc"]
fn a_failing_sync_of_the_catalog_loses_nothing_and_tells_no_lie() {
    let directory = tempfile::tempdir().unwrap();
    let library = preloaded("failing_sync.c", directory.path());
    let mut unknown = 0;
    for point in 1..40 {
        let home = Home::new(QUICK);
        home.file("a.bin", 300_000);
        home.file("b.bin", 100_000);
        home.ok(&["put", "b.bin"]);
        let mut command = home.command(&["put", "a.bin"]);
        let child = command.env("LD_PRELOAD", &library).env("FAIL_AT", point.to_string()).spawn().unwrap();
        let said = end_of(child);
        let listed = home.stored().contains(&"a.bin".to_owned());
        if said.code == Some(0) {
            assert!(listed, "point {point}: {said:?}");
        } else if said.stderr.contains("it is not known whether") {
            unknown += 1;
        } else {
            assert!(!listed, "point {point}: {said:?}");
        }
        if listed {
            home.ok(&["get", "a.bin", "-o", "again.bin"]);
            assert!(std::fs::read(home.path("again.bin")).unwrap() == std::fs::read(home.path("a.bin")).unwrap());
        } else {
            home.ok(&["put", "a.bin"]);
        }
        home.ok(&["rm", "a.bin"]);
        home.ok(&["get", "b.bin", "-o", "b.again"]);
        if said.code == Some(0) && said.stderr.is_empty() && point > 20 {
            break;
        }
    }
    assert!(unknown > 0, "no point was that of the commit");
}
