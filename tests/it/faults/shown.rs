//! Where faults are shown: the list, and the reports on nodes and hosts; and which of them each command takes back.

use serde_json::Value;

use crate::harness::segments_below;
use crate::program::{Home, QUICK, ended_in_part};

/// The faults of a node are those of its process, its disk, its links and all paths that begin or end there.
#[test]
fn the_reports_on_nodes_and_hosts_have_their_faults() {
    let home = Home::new(QUICK);
    let before = home.ok(&["run", "-c", "nodes; topology; node 2"]);
    assert!(!before.contains("fault"), "{before}");
    let breaks = "disk 2 --full; link 2 --up --bandwidth 1KiB/s; path 3->2 --cut; path client,2 --loss 50%; path 4 --delay 90ms";
    let said = home.ok(&["run", "-c", &format!("{breaks}; nodes; topology; node 2")]);
    let (lists, node) = said.split_once("› node 2").unwrap();
    assert_eq!(lists.matches("disk, link, path, cut").count(), 2, "{said}");
    for fault in [
        "the disk of Node_02 is full since 00:00.000, until `disk Node_02 --clear`",
        "the uplink of Node_02 has 1.0 KiB/s since",
        "the path client,Node_02 has loss 50% since 00:00.000, until `path client,Node_02 --clear`",
        "the path Node_03->Node_02 is cut since 00:00.000, until `heal Node_03->Node_02`",
    ] {
        assert!(node.contains(fault), "{fault}: {node}");
    }
    assert!(!node.contains("Node_04"), "{node}");
    let json = home.ok(&["run", "--json", "-c", &format!("{breaks}; node 2; topology")]);
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last: Vec<String> = lines.iter().rev().take(2).map(Value::to_string).collect();
    assert!(last.iter().all(|line| line.contains("the path Node_03->Node_02 is cut")), "{last:?}");
    assert!(last[0].contains("all paths of Node_04 have delay 90ms"), "{last:?}");
}

/// What is cut is healed, and what is changed is cleared; each says so where the other is meant.
#[test]
fn changes_are_cleared_and_cuts_are_healed() {
    let home = Home::new(QUICK);
    let script = "path client->1 --loss 5% --cut; path client->1 --clear; faults; heal client->1; faults";
    let said = home.ok(&["run", "-c", script]);
    let lists: Vec<&str> = said.split("› faults\n").collect();
    assert!(lists[1].contains("client->Node_01 is cut") && !lists[1].contains("loss 5%"), "{said}");
    assert!(lists[2].contains("no fault is on"), "{said}");
    let kept = home.ok(&["run", "-c", "path client->1 --loss 5% --cut; heal; faults"]);
    let list = kept.rsplit("› faults").next().unwrap();
    assert!(list.contains("the path client->Node_01 has loss 5%") && !list.contains("is cut"), "{kept}");
    for (script, words) in [
        (
            "path client->1 --cut; path client->1 --clear",
            "the path client->Node_01 is cut; `heal client->Node_01` takes that back",
        ),
        ("path 1 --loss 5%; path client->1 --clear", "all paths of Node_01 have loss 5%; `path Node_01 --clear` takes that back"),
        ("path client->1 --loss 5%; heal client->1", "the path client->Node_01 is not cut"),
        ("heal 1", "name both hosts, A->B or A,B; `heal` alone heals all paths"),
        ("path 1 --cut", "--cut is of one path"),
        ("flap 1 --clear", "Node_01 is not flapping"),
        ("faults clear 1", "nothing is wrong with Node_01, its disk, its links and its paths"),
    ] {
        let said = home.run(&["run", "-c", script]);
        assert!(said.code == Some(1) && said.stderr.contains(words), "{script}: {said:#?}");
    }
}

/// What placement does not count on is not free, and where no node takes anything, it is said why.
#[test]
fn storage_counts_what_takes_segments_and_an_upload_says_why_nothing_does() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    let free = |script: &str| {
        let json = home.ok(&["run", "--json", "-c", &format!("{script}; storage")]);
        let storage: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
        let of = |key: &str| storage["answer"][key].as_u64().unwrap();
        (of("free_bytes"), of("closed_nodes"))
    };
    let (all, none) = free("stats");
    assert_eq!((none, free("disk 1 --full")), (0, (all / 5 * 4, 1)));
    assert_eq!(free("stop 1; stop 2; disk 3 --full"), (all / 5 * 2, 3));
    let stop_all = "stop 1; stop 2; stop 3; stop 4; stop 5; upload a.bin";
    let said = home.run(&["run", "-c", stop_all]);
    assert!(said.code == Some(75) && !said.stderr.contains("bytes free"), "{said:#?}");
    for words in ["no node takes segments of `a.bin`: Node_01: ", "(fault: Node_01 is stopped since ", "until `start Node_05`"] {
        assert!(said.stderr.contains(words), "{words}: {said:#?}");
    }
}

/// A removal does not wait for nodes that are down, and says that they owe it.
#[test]
fn a_removal_says_which_deletions_are_owed() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000_000);
    let said = home.ok(&["run", "-c", "upload a.bin; kill 1; kill 2; sleep 100s; rm a.bin"]);
    assert!(said.contains("; 2 nodes are down and will delete their segments when they return"), "{said}");
    // So it is where they are not known yet to be dead.
    let said = home.ok(&["run", "-c", "upload a.bin; kill 3; rm a.bin"]);
    assert!(said.contains("; 1 node is down and will delete its segments when it returns"), "{said}");
    let said = home.ok(&["run", "-c", "upload a.bin; rm a.bin"]);
    assert!(said.contains("removed a.bin") && !said.contains("down"), "{said}");
}

/// A planned stop waits for an upload in the background, which is over before `wait` and is reported there all the same, once.
#[test]
fn a_background_upload_for_which_a_stop_has_waited_is_reported() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000_000);
    let said = home.ok(&["run", "-c", "upload a.bin --background; stop 2 --within 10m; stats; wait; wait"]);
    let (before, after) = said.split_once("› wait").unwrap();
    assert!(before.contains("Node_02 is stopped") && !before.contains("stored a.bin"), "{said}");
    assert_eq!(after.matches("stored a.bin").count(), 1, "{said}");
}

/// What a line has done that is interrupted is data as well: each file that is gone, and no other.
#[test]
fn an_interrupted_removal_tells_in_json_which_files_are_gone() {
    let home = Home::new("");
    let names: Vec<String> = (0..130).map(|number| format!("f{number:03}")).collect();
    names.iter().enumerate().for_each(|(salt, name)| drop(home.file(name, 1000 + salt)));
    let put = || drop(home.ok(&[&["put"], names.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat()));
    put();
    let are_some_gone = || segments_below(&home.data()).len() <= 126;
    let said = ended_in_part(&home, &["run", "--json", "-c", "rm f*"], (300, "INT"), are_some_gone, put);
    assert_eq!(said.code, Some(130), "{said:#?}");
    let last: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    let gone: Vec<String> =
        last["interrupted"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect();
    let stored = home.stored();
    assert!(gone.len() > 2 && !stored.is_empty(), "{said:#?}");
    assert_eq!(gone, names.iter().filter(|name| !stored.contains(name)).cloned().collect::<Vec<_>>());
}
