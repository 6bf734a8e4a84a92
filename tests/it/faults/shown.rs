//! Where faults are shown: the list, and the reports on nodes and hosts; and which of them each command takes back.

use serde_json::Value;

use crate::program::{Home, QUICK};

/// The faults of a node are those of its process, its disk, its links and all paths that begin or end there.
#[test]
fn the_reports_on_nodes_and_hosts_have_their_faults() {
    let home = Home::new(QUICK);
    let before = home.ok(&["run", "-c", "nodes; topology; node 2"]);
    assert!(!before.contains("fault"), "{before}");
    let breaks = "disk 2 --full; link 2 --up --bandwidth 1KiB/s; path 3->2 --cut; path client,2 --loss 50%; path 4 --delay 90ms";
    let said = home.ok(&["run", "-c", &format!("{breaks}; nodes; topology; node 2")]);
    let (lists, node) = said.split_once("› node 2").unwrap();
    assert_eq!(lists.matches("disk, link, 2 × path, cut").count(), 2, "{said}");
    for fault in [
        "the disk of Node_02 is full since 0.000 s, until `disk Node_02 --clear`",
        "the uplink of Node_02 has 1KiB/s since",
        "the path client->Node_02 has loss 50% since",
        "the path Node_02->client has loss 50% since",
        "the path Node_03->Node_02 is cut since 0.000 s, until `heal Node_03->Node_02`",
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
