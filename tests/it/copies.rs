//! Changes of stored files as users meet them: copies within the store, moves that replace, modes and times of modification, and
//! replays of recordings in which they occur.

use serde_json::json;

use crate::program::{Home, QUICK};
use crate::recordings::{recorded, replays};

#[test]
fn files_are_copied_replaced_and_given_modes_and_times() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    home.file("b.bin", 70_000);
    home.ok(&["put", "a.bin", "b.bin"]);
    home.ok(&["mkdir", "d"]);
    assert_eq!(home.json(&["cp", "a.bin", "d"]), json!([{ "from": "a.bin", "to": "d/a.bin" }]));
    let refused = home.refused(&["cp", "a.bin", "b.bin"]);
    assert!(refused.contains("is stored already"), "{refused}");
    home.ok(&["chmod", "4751", "b.bin", "d"]);
    home.ok(&["touch", "--date", "1970-01-01T00:00:07Z", "a.bin"]);
    let of = |name: &str| {
        let info = home.json(&["info", name]);
        (info["sha256"].clone(), info["modified_at"].clone(), info["mode"].clone())
    };
    let (content, modified, mode) = of("a.bin");
    assert_eq!((modified, mode, of("b.bin").2, of("d").2), (json!(7), json!("0644"), json!("0751"), json!("0751")));
    // What is written over keeps its mode, unless that of the source is to be preserved.
    home.ok(&["cp", "--force", "a.bin", "b.bin"]);
    let copied = of("b.bin");
    assert_eq!((&copied.0, &copied.2), (&content, &json!("0751")));
    assert_ne!(copied.1, json!(7), "the copy is modified now");
    home.ok(&["cp", "--force", "--preserve", "a.bin", "b.bin"]);
    assert_eq!(of("b.bin"), (content, json!(7), json!("0644")));
    assert!(home.refused(&["mv", "b.bin", "a.bin"]).contains("is stored already"));
    home.ok(&["mv", "--force", "b.bin", "a.bin"]);
    home.ok(&["verify", "a.bin"]);
    let wrong = home.refused(&["chmod", "u+x", "a.bin"]);
    assert!(wrong.contains("octal"), "{wrong}");
    assert!(home.refused(&["touch", "-d", "yesterday", "a.bin"]).contains("1970"));
    // The copy needs the segments alone now, and the nodes still have each once.
    home.ok(&["rm", "a.bin"]);
    home.ok(&["verify", "d/a.bin"]);
}

/// The errors of rename(2) are told apart.
#[test]
fn a_move_replaces_its_like_alone() {
    let home = Home::new(QUICK);
    home.file("a.bin", 10);
    home.ok(&["put", "a.bin"]);
    home.ok(&["mkdir", "-p", "full/in", "empty", "other/a.bin"]);
    assert!(home.refused(&["mv", "--force", "a.bin", "other/"]).contains("`other/a.bin` is a directory"));
    home.ok(&["run", "-c", "mv -f full other/a.bin; mv -f other/a.bin/full empty; mv -f empty/full/in empty"]);
}

/// A recorded run with copies, replacements and attributes does the same again, whatever was stored before it.
#[test]
fn what_changes_files_is_replayed() {
    let home = Home::new(QUICK);
    for (name, bytes) in [("a.bin", 300_000), ("b.bin", 200_000)] {
        home.file(name, bytes);
        home.ok(&["put", name]);
    }
    home.ok(&["chmod", "600", "a.bin"]);
    let lines = "cp a.bin c.bin\ncp -f -p a.bin b.bin\nchmod 640 c.bin\ntouch -d @7 c.bin\nmv -f c.bin a.bin\nrm b.bin\n\
                 download a.bin copy\nquit\n";
    let recording = recorded(&home, lines);
    // The run has deleted what b.bin alone needed, and a replay needs the content.
    home.ok(&["put", "b.bin"]);
    replays(&home, &recording);
}
