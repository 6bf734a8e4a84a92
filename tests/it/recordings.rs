//! Recordings: what one holds of the state at the start, and replays after later sessions have changed the directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::endings::Chance;
use crate::harness::files_below;
use crate::program::{Home, QUICK, end_of};
use crate::seeds::for_seeds;

/// Runs lines in a session that is recorded, and returns the recording.
pub(crate) fn recorded(home: &Home, lines: &str) -> PathBuf {
    let before = files_below(&home.data().join("recordings"));
    let mut child = home.command(&["repl", "--speed", "max"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    let said = end_of(child);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut after = files_below(&home.data().join("recordings"));
    after.retain(|path| !before.contains(path));
    after.pop().unwrap()
}

pub(crate) fn replays(home: &Home, recording: &Path) {
    let replayed = home.json(&["replay", recording.to_str().unwrap()]);
    assert_eq!(replayed["same"].as_bool(), Some(true), "{replayed}");
}

/// Stored files that the run does not use are not in its recording, and what becomes of them later is nothing to it.
#[test]
fn later_sessions_change_what_a_recording_does_not_need() {
    let home = Home::new(QUICK);
    for (name, bytes) in [("a.bin", 300_000), ("b.bin", 200_000), ("other.bin", 7_000_000)] {
        home.file(name, bytes);
        home.ok(&["put", name]);
    }
    let short = recorded(&home, "verify a.bin\n");
    assert!(fs::metadata(&short).unwrap().len() < 4096, "a recording says nothing of what the run has not used");
    // The content of the first one is stored already, some of it by a file that the run does not touch otherwise.
    let lines =
        "upload a.bin --as again.bin\nupload other.bin --as second.bin\nrm again.bin\nrm b.bin\ndownload a.bin copy\nquit\n";
    let long = recorded(&home, lines);
    home.ok(&["rm", "second.bin"]);
    home.file("new.bin", 500_000);
    home.ok(&["put", "new.bin"]);
    home.ok(&["put", "b.bin"]);
    replays(&home, &short);
    replays(&home, &long);
    // Under whatever name: the segments are what is needed.
    home.ok(&["put", "a.bin", "--as", "kept.bin"]);
    home.ok(&["rm", "a.bin", "new.bin"]);
    replays(&home, &short);
    home.ok(&["rm", "kept.bin"]);
    let message = home.refused(&["replay", short.to_str().unwrap()]);
    assert!(message.contains("the file `a.bin`, of which segments are no longer in"), "{message}");
}

/// A quota counts the files that the run has not used, and so does a node that is nearly full.
#[test]
fn a_replay_refuses_what_the_run_refused() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 2\ncapacity = '1MiB'\n[accounts]\nquota = '900KiB'\n"));
    home.register("alice");
    home.login("alice");
    for (name, bytes) in [("a.bin", 400_000), ("b.bin", 300_000), ("c.bin", 100_000), ("d.bin", 200_000)] {
        home.file(name, bytes);
    }
    home.ok(&["put", "a.bin", "b.bin"]);
    let recording = recorded(&home, "upload c.bin\nupload d.bin\nrm b.bin\nupload d.bin\nupload b.bin --as e.bin\nquit\n");
    home.ok(&["rm", "d.bin"]);
    home.ok(&["put", "b.bin"]);
    replays(&home, &recording);
}

/// Faults of the network draw from its chance and of its processes, and a profile is recorded with all that it has put on.
#[test]
fn faults_of_the_network_are_replayed() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
    for (name, bytes) in [("a.bin", 900_000), ("b.bin", 400_000)] {
        home.file(name, bytes);
    }
    home.ok(&["put", "a.bin"]);
    let lines = "path client,1 --delay 3ms --burst 2%,30% --duplicate 3% --corrupt 2% --reorder 5%\nlink client --down --bandwidth 200KiB/s\n\
                 verify a.bin\nflap 2 --every 700ms --times 3\nupload b.bin\npartition client|3\nsleep 20s\nverify a.bin\nheal\n\
                 faults apply lossy-wifi\nverify b.bin\nfaults\nfaults clear\nverify a.bin\nquit\n";
    let recording = recorded(&home, lines);
    replays(&home, &recording);
}

/// A cancel moves what others had asked behind the cancelled transfer to new connections, in a replay as in the run.
#[test]
fn a_cancel_before_queued_transfers_is_replayed() {
    let home = Home::new("");
    for (name, bytes) in [("a.bin", 3_000_000), ("b.bin", 400_000), ("c.bin", 500_000)] {
        home.file(name, bytes);
    }
    home.ok(&["put", "c.bin"]);
    let lines = "upload a.bin --background\nsleep 10s\nupload b.bin --background\nverify c.bin --background\nsleep 300ms\n\
                 cancel 1\nwait\nverify b.bin\nquit\n";
    let recording = recorded(&home, lines);
    replays(&home, &recording);
}

/// What a run has stored a second time elsewhere was not there at the start, also where the first file is looked up later than that.
#[test]
fn a_replay_has_what_was_stored_where_it_was_at_the_start() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
    home.file("a.bin", 400_000);
    home.ok(&["put", "a.bin"]);
    let recording = recorded(&home, "partition client|3\nupload a.bin --as again.bin\nverify a.bin\nheal\nverify a.bin\nquit\n");
    replays(&home, &recording);
}

/// One command of the menu of faults, or one that uses the network or looks at it while they are on. What is not possible is refused.
fn any_line(chance: &mut Chance) -> String {
    let (node, file) = (chance.between(1, 3), chance.between(0, 2));
    let (share, span) = (chance.between(1, 20), chance.between(0, 20));
    let profile = ["slow-wan", "lossy-wifi", "dying-disk", "flapping-node", "congested", "mixed"][chance.between(0, 5) as usize];
    let of_node = if chance.one_in(2) { format!(" {node}") } else { String::new() };
    match chance.between(0, 33) {
        0 => format!("kill {node}"),
        1 => format!("stop {node} --within {span}s"),
        2 => format!("restart {node} --within {span}s"),
        3 => format!("refuse {node}"),
        4 => format!("flap {node} --every {share}00ms --times 2"),
        5 => format!("disk {node} --corrupt {share}"),
        6 => format!("disk {node} --fail reads"),
        7 => format!("disk {node} --slow {share} --full"),
        8 => format!("link {node} --up --queue {share}"),
        9 => format!("path client,{node} --loss {share}% --duplicate {share}% --reorder {share}%"),
        10 => format!("path {node}->client --burst {share}%,30% --corrupt 2%"),
        11 => format!("partition client|{node}"),
        12 => format!("start {node}"),
        13 | 14 => format!("faults apply {profile}{of_node}"),
        15 => format!("faults clear {profile}{of_node}"),
        16 => format!("faults clear {node}"),
        17 => format!("path {node} --delay {share}0ms --loss {share}% --reorder {share}%"),
        18 => format!("path client --duplicate {share}% --corrupt 1%"),
        19 => format!("path {node} --clear"),
        20 => "faults clear".into(),
        21 | 22 => format!("upload f{file}.bin --as g{share} --background"),
        23 => format!("sleep {span}s"),
        24 | 25 => format!("verify f{file}.bin --background"),
        26 => format!("download f{file}.bin d{share} --background"),
        27 => format!("cancel {span}"),
        28 => format!("rm g{share}"),
        29 => format!("mv g{share} g{span}"),
        30 => format!("download g{share} d{span}.bin --background"),
        // What only looks is not recorded, and changes nothing.
        31 => "health".into(),
        32 => format!("node {node}"),
        _ => "transfers".into(),
    }
}

/// A profile of everything that profiles may have.
const MIXED: &str = "[profiles.mixed]\nsummary = 'of all'\ndelay = '5ms..30ms'\nloss = '2%'\nduplicate = '1%'\nqueue = 12\n\
                     disk_slow = '3x'\ndisk_corrupt = 1\nflap_every = '700ms'\nflap_times = 2\n";

/// Random faults over random transfers, in few runs, since each is a run of the program and a replay.
#[test]
fn random_faults_are_replayed() {
    for_seeds(12, |seed| {
        let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n{MIXED}"));
        (0..3).for_each(|n| drop(home.file(&format!("f{n}.bin"), 150_000 * (n + 1))));
        home.ok(&["put", "f0.bin", "f1.bin"]);
        let mut chance = Chance::new(seed, "recorded faults");
        let mut lines: Vec<String> = (0..40).map(|_| any_line(&mut chance)).collect();
        lines.extend(["faults clear", "wait", "verify f0.bin", "quit\n"].map(str::to_owned));
        let recording = recorded(&home, &lines.join("\n"));
        replays(&home, &recording);
    });
}

/// Of what lies on a disk a replay has only what the run has used, and the same segments are corrupt all the same.
#[test]
fn faults_are_replayed() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
    for (name, bytes) in [("a.bin", 900_000), ("b.bin", 2_000_000), ("c.bin", 400_000)] {
        home.file(name, bytes);
    }
    home.ok(&["put", "a.bin", "b.bin"]);
    let lines = "disk 1 --corrupt 3\nverify a.bin\nkill 2\nupload c.bin\nverify b.bin\nstart 2\nsleep 40s\nrefuse 3\nverify a.bin\n\
                 disk 3 --slow 20x --fail syncs\nfaults clear\nverify a.bin\nverify b.bin\nstop 1\nrestart 1\n\
                 disk 2 --fail reads\nrestart 2\nstart 2\nfaults clear\nquit\n";
    let recording = recorded(&home, lines);
    home.ok(&["rm", "b.bin"]);
    home.ok(&["put", "b.bin"]);
    replays(&home, &recording);
}
