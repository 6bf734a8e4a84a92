//! Changes of stored files as users meet them: copies within the store, moves that replace, modes and times of modification, and
//! replays of recordings in which they occur.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use crate::harness::segments_below;
use crate::program::{Home, QUICK, end_of, ended_in_part, read};
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
                 upload -f -p b.bin --as a.bin --background\nsleep 5ms\nkill 2\nwait\nstart 2\nsleep 60s\n\
                 download -p a.bin copy\nquit\n";
    let recording = recorded(&home, lines);
    // The run has deleted what one of them alone needed, and a replay needs the content of both.
    home.ok(&["put", "--force", "a.bin", "b.bin"]);
    replays(&home, &recording);
}

/// The time of modification, in seconds since 1970, and the mode of a file of this machine.
fn local(home: &Home, name: &str) -> (u64, u32) {
    let found = std::fs::metadata(home.path(name)).unwrap();
    (found.mtime().try_into().unwrap(), found.mode() & 0o7777)
}

fn set_local(home: &Home, name: &str, modified: u64, mode: u32) {
    let file = std::fs::File::open(home.path(name)).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(modified)).unwrap();
    file.set_permissions(Permissions::from_mode(mode)).unwrap();
}

/// The time of modification and the mode of what is stored.
fn stored(home: &Home, name: &str) -> (u64, String) {
    let info = home.json(&["info", name]);
    (info["modified_at"].as_u64().unwrap(), info["mode"].as_str().unwrap().to_owned())
}

#[test]
fn times_and_modes_go_with_files_both_ways() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    set_local(&home, "a.bin", 1_000_000_007, 0o4750);
    home.ok(&["put", "a.bin", "--as", "plain"]);
    assert_eq!(stored(&home, "plain").1, "0644");
    assert_ne!(stored(&home, "plain").0, 1_000_000_007);
    home.ok(&["put", "-p", "a.bin"]);
    assert_eq!(stored(&home, "a.bin"), (1_000_000_007, "0750".to_owned()));
    home.ok(&["get", "-p", "a.bin", "-o", "b.bin"]);
    assert_eq!(local(&home, "b.bin"), (1_000_000_007, 0o750));
    home.ok(&["chmod", "600", "a.bin"]);
    home.ok(&["touch", "-d", "@9", "a.bin"]);
    home.ok(&["get", "--force", "a.bin", "-o", "b.bin"]);
    assert_eq!(local(&home, "b.bin").1, 0o750, "what is written over keeps its mode");
    home.ok(&["get", "--force", "--preserve", "a.bin", "-o", "b.bin"]);
    assert_eq!(local(&home, "b.bin"), (9, 0o600));
    home.ok(&["run", "-c", "download -p a.bin c.bin; upload -p c.bin"]);
    assert_eq!((local(&home, "c.bin"), stored(&home, "c.bin")), ((9, 0o600), (9, "0600".to_owned())));
    for arguments in [&["put", "-", "--as", "x", "-p"][..], &["get", "a.bin", "-o", "-", "-p"]] {
        assert!(home.wrong_usage(arguments).contains("no time of modification"));
    }
}

#[test]
fn an_upload_replaces_a_file_if_it_is_told_to() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    home.ok(&["put", "a.bin"]);
    home.ok(&["chmod", "600", "a.bin"]);
    let content = home.file("a.bin", 70_000);
    assert!(home.refused(&["put", "a.bin"]).contains("is stored already"));
    home.ok(&["put", "--force", "a.bin"]);
    assert_eq!(stored(&home, "a.bin").1, "0600", "what is replaced has its mode");
    home.ok(&["get", "a.bin", "-o", "copy"]);
    assert!(read(home.path("copy")) == content);
    assert_eq!(segments_below(&home.data()).len(), 2);
    // By a line of commands, several at once, and from a pipe.
    home.file("b.bin", 10);
    home.ok(&["put", "-f", "a.bin", "b.bin"]);
    home.ok(&["run", "-c", "upload -f a.bin b.bin; upload --force b.bin --as a.bin"]);
    let mut command = home.command(&["put", "-", "--as", "b.bin", "-f"]);
    let said = end_of(command.stdin(std::fs::File::open(home.path("a.bin")).unwrap()).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(home.json(&["info", "b.bin"])["bytes"], 70_000);
    // No directory is replaced.
    home.ok(&["mkdir", "-p", "d/a.bin"]);
    assert!(home.refused(&["put", "-f", "a.bin", "--as", "d/"]).contains("`d/a.bin` is a directory"));
}

/// Of a directory what differs is replaced, and what is the same has the times and the modes of here afterwards, as directories do.
#[test]
fn a_directory_is_stored_again_with_its_times_and_modes() {
    let home = Home::new(QUICK);
    for name in ["tree/same", "tree/in/other"] {
        std::fs::create_dir_all(home.path(name).parent().unwrap()).unwrap();
        home.file(name, 1_000);
    }
    home.ok(&["put", "-r", "tree"]);
    home.file("tree/in/other", 2_000);
    set_local(&home, "tree/same", 7, 0o640);
    set_local(&home, "tree/in/other", 8, 0o600);
    set_local(&home, "tree/in", 9, 0o750);
    let refused = home.run(&["put", "-r", "tree"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("is stored already"), "{refused:?}");
    home.ok(&["put", "-r", "-f", "-p", "tree"]);
    let of = |name: &str| stored(&home, name);
    let expected = |at, mode: &str| (at, mode.to_owned());
    assert_eq!(of("tree/same"), expected(7, "0640"));
    assert_eq!(of("tree/in/other"), expected(8, "0600"));
    assert_eq!(of("tree/in"), expected(9, "0750"));
    home.ok(&["get", "-r", "-p", "tree", "-o", "copy"]);
    assert_eq!((local(&home, "copy/same"), local(&home, "copy/in/other")), ((7, 0o640), (8, 0o600)));
    set_local(&home, "copy/same", 70, 0o644);
    home.ok(&["get", "-r", "-p", "-f", "tree", "-o", "copy"]);
    assert_eq!(local(&home, "copy/same"), (7, 0o640), "it is there already, and gets its attributes");
}

/// An upload that is continued stores what it was begun as, whatever has become of the local file.
#[test]
fn an_upload_that_is_continued_keeps_what_it_began_with() {
    let home = Home::new(QUICK);
    home.file("old.bin", 1_000);
    home.ok(&["put", "old.bin", "--as", "a.bin"]);
    home.file("a.bin", 3 << 20);
    set_local(&home, "a.bin", 1_000_000_007, 0o750);
    let is_there = || segments_below(&home.data()).len() > 5;
    let again = || drop(home.ok(&["put", "-f", "old.bin", "--as", "a.bin"]));
    let said = ended_in_part(&home, &["put", "a.bin", "--keep", "--force", "--preserve"], (4, "INT"), is_there, again);
    assert_eq!(said.code, Some(130), "{said:?}");
    let id = home.json(&["uploads"])[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(home.json(&["info", "a.bin"])["bytes"], 1_000, "the former file is there");
    // What is kept locks nothing, and takes no part in what becomes of the former file.
    home.ok(&["chmod", "600", "a.bin"]);
    home.wrong_usage(&["put", "a.bin", "--resume", &id, "--force"]);
    home.wrong_usage(&["put", "a.bin", "--resume", &id, "--preserve"]);
    std::fs::set_permissions(home.path("a.bin"), Permissions::from_mode(0o600)).unwrap();
    home.ok(&["put", "a.bin", "--resume", &id]);
    assert_eq!(stored(&home, "a.bin"), (1_000_000_007, "0750".to_owned()));
    assert_eq!(home.json(&["info", "a.bin"])["bytes"], 3 << 20);
}
