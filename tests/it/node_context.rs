//! Commands about a node: `df`, `status`, `node` and `segments`, by its name or on a shell whose lines are about it; and how much a user is
//! told of the room.

use p2p_shell::Shell;
use p2p_shell::words::Variables;
use p2p_store::manifest::NodeNumber;
use serde_json::Value;

use crate::places::Shells;
use crate::program::{Home, PASSWORD, QUICK, end_of};

fn answer(shells: &Shells, shell: &Shell, line: &str) -> Result<(String, Value), String> {
    let answer = shells.runtime.block_on(shell.run_to_end(line, &Variables::new()));
    answer.map(|answer| (answer.view.text(), answer.data)).map_err(|error| error.to_string())
}

#[test]
fn a_shell_on_a_node_answers_about_it() {
    let shells = Shells::new();
    let (free, on) = (shells.local.clone(), shells.local.clone().on(NodeNumber::from_index(1)));
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.bin");
    std::fs::write(&path, (0..300_000).map(|n| (n % 251) as u8).collect::<Vec<_>>()).unwrap();
    answer(&shells, &free, &format!("upload {}", path.display())).unwrap();
    for (bare, named) in [("node", "node 2"), ("status", "status Node_02"), ("df", "df 2"), ("df -k", "df -k 2")] {
        assert_eq!(answer(&shells, &on, bare), answer(&shells, &free, named), "{bare}");
        // What is named goes before the node that the shell is on.
        assert_eq!(answer(&shells, &on, &named.replace('2', "1")), answer(&shells, &free, &named.replace('2', "1")), "{named}");
    }
    assert_eq!(answer(&shells, &on, "segments"), answer(&shells, &free, "segments --node 2"));
    assert_ne!(answer(&shells, &free, "df").unwrap(), answer(&shells, &free, "df 2").unwrap());
    let usage = answer(&shells, &free, "node").unwrap_err();
    assert_eq!(usage, "NODE is missing; usage: node NODE");
    for line in ["df 9", "status 9", "segments --node 9"] {
        assert!(answer(&shells, &free, line).unwrap_err().contains("Node_09"), "{line}");
    }
    let both = answer(&shells, &on, "segments 1 --node 2").unwrap_err();
    assert!(both.starts_with("--node is for all segments there"), "{both}");
}

#[test]
fn the_segments_on_each_node_are_those_of_the_files_that_one_may_read() {
    let shells = Shells::new();
    let home = tempfile::tempdir().unwrap();
    for (name, byte) in [("a.bin", 1u8), ("b.bin", 2)] {
        let bytes: Vec<u8> = (0..5 * 65_536u32).map(|n| byte ^ (n / 65_536) as u8 ^ (n % 7) as u8).collect();
        std::fs::write(home.path().join(name), bytes).unwrap();
        answer(&shells, &shells.local, &format!("upload {}", home.path().join(name).display())).unwrap();
    }
    let listed = |node: u8| answer(&shells, &shells.local, &format!("segments --node {node}")).unwrap().1;
    let mut seen: Vec<(String, u64, String)> = Vec::new();
    for node in [1, 2] {
        for line in listed(node).as_array().unwrap() {
            let text = |field: &str| line[field].as_str().unwrap().to_owned();
            seen.push((text("file"), line["index"].as_u64().unwrap(), text("sha256")));
            assert_eq!(line["bytes"], 65_536);
        }
    }
    let mut expected = Vec::new();
    for name in ["a.bin", "b.bin"] {
        let info = answer(&shells, &shells.local, &format!("info {name}")).unwrap().1;
        for (index, segment) in (0..).zip(info["segments"].as_array().unwrap()) {
            expected.push((name.to_owned(), index, segment["sha256"].as_str().unwrap().to_owned()));
        }
    }
    seen.sort();
    assert_eq!((seen.len(), seen), (10, expected));
    // Of a user who may read none of them, nothing is listed.
    let bob = shells.user("bob");
    assert_eq!(answer(&shells, &bob, "segments --node 1").unwrap().1, Value::Array(Vec::new()));
}

/// A user without a quota sees the own files as all that is taken, an admin what the disks hold, and a quota goes before both.
#[test]
fn the_room_that_is_told_is_ones_own() {
    let shells = Shells::new();
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("a.bin"), vec![7; 100_000]).unwrap();
    let bob = shells.user("bob");
    let before = answer(&shells, &bob, "df 1").unwrap();
    answer(&shells, &shells.local, &format!("upload {}", home.path().join("a.bin").display())).unwrap();
    assert_eq!(answer(&shells, &bob, "df 1").unwrap(), before, "what others store is not told");
    let capacity = 2 * (10u64 << 30);
    let (_, rooms) = before;
    assert_eq!((&rooms[0]["used_bytes"], &rooms[0]["available_bytes"]), (&0.into(), &capacity.into()));
    assert_eq!((&rooms[1]["used_bytes"], &rooms[1]["available_bytes"]), (&Value::Null, &Value::Null));
    let (_, rooms) = answer(&shells, &shells.local, "df 1").unwrap();
    let used = rooms[0]["used_bytes"].as_u64().unwrap();
    assert!(used > 0 && rooms[0]["available_bytes"].as_u64().unwrap() <= capacity - used, "{rooms}");
    assert_eq!(rooms[0]["name"], "all files");
    // rclone takes the second, third and fourth field of the second line, in blocks of 1024 bytes.
    let (text, _) = answer(&shells, &bob, "df -k").unwrap();
    let fields: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(fields, ["p2p", &(capacity / 1024).to_string(), "0", &(capacity / 1024).to_string(), "0%", "/"]);
}

#[test]
fn a_quota_is_the_size_of_the_room() {
    let home = Home::new(&format!("{QUICK}\n[accounts]\nquota = \"250000\"\n"));
    home.file("a.bin", 100_000);
    home.register("alice");
    let mut command = home.command(&["run", "--json", "--user", "alice", "-c", "upload a.bin; df; df -k"]);
    let said = end_of(command.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
    let rooms: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["answer"].clone()).collect();
    let expected = serde_json::json!([
        { "name": "your files", "size_bytes": 250_000, "used_bytes": 100_000, "available_bytes": 150_000 }
    ]);
    assert_eq!((&rooms[1], &rooms[2]), (&expected, &expected), "{said:?}");
}
