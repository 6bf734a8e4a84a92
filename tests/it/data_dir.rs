//! The data directory as other processes, other users and other disks may treat it: who may use it at once, who may look into it,
//! what becomes of it where a disk is broken or away, and where nothing can be written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use p2p_base::data_dir::{DirectoryLock, Sharing};

use crate::cli::{documented, fields};
use crate::former::make_former;
use crate::harness::{files_below, segments_below};
use crate::program::{Home, PASSWORD, QUICK, Said, end_of, read, signal, wait_until};

/// How often two processes are started at once on a new directory.
const ROUNDS: usize = 12;

/// Puts two files or directories in each other's place.
fn swap(a: &Path, b: &Path) {
    rustix::fs::renameat_with(rustix::fs::CWD, a, rustix::fs::CWD, b, rustix::fs::RenameFlags::EXCHANGE).unwrap();
}

fn said_by(command: &mut Command) -> Said {
    end_of(command.spawn().unwrap())
}

/// A line of the shell in a home, with the password of every account.
fn shell(home: &Home, line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(home.path(".")).env_clear().env("HOME", home.path(".")).env("P2P_PASSWORD", PASSWORD);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Mode bits of everything below a directory, and of itself.
fn modes(path: &Path, into: &mut Vec<(PathBuf, u32)>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    into.push((path.to_owned(), metadata.permissions().mode() & 0o777));
    if metadata.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| modes(&entry.unwrap().path(), into));
    }
}

fn open_to_others(path: &Path) -> Vec<(PathBuf, u32)> {
    let mut all = Vec::new();
    modes(path, &mut all);
    assert!(all.len() > 5, "{all:?}");
    all.retain(|(path, mode)| *mode != if path.is_dir() { 0o700 } else { 0o600 });
    all
}

/// Every file below a directory and what is in it, and when each was changed.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let all = files_below(directory).into_iter();
    all.map(|path| (path.clone(), read(&path), fs::metadata(&path).unwrap().modified().unwrap())).collect()
}

#[test]
fn two_first_starts_at_once_lose_nothing_that_was_acknowledged() {
    for round in 0..ROUNDS {
        let home = Home::new(QUICK);
        let names = ["a.bin", "b.bin", "c.bin"];
        names.iter().for_each(|name| drop(home.file(name, 70_000)));
        let started: Vec<_> = names.iter().map(|name| (name, home.spawn(&["put", name]))).collect();
        let mut acknowledged = Vec::new();
        for (name, child) in started {
            let said = end_of(child);
            match said.code {
                Some(0) => acknowledged.push((*name).to_owned()),
                _ => assert!(said.stderr.contains("in use by another p2p process"), "round {round}: {said:?}"),
            }
        }
        assert_eq!(home.stored(), acknowledged, "round {round}");
        assert!(!acknowledged.is_empty(), "round {round}: somebody is first");
    }
}

/// Nothing is looked at, made or swept before the directory is locked: not even a log.
#[test]
fn a_directory_in_use_is_left_as_it_is() {
    let home = Home::new(QUICK);
    home.file("a.bin", 10);
    fs::create_dir_all(home.data()).unwrap();
    let lock = DirectoryLock::acquire(&home.data(), Sharing::Exclusive).unwrap();
    for arguments in [&["put", "a.bin"][..], &["ls"], &["run", "-c", "ls"], &["put", "a.bin", "--wait", "1ms"]] {
        let said = home.run(arguments);
        assert!(said.code != Some(0) && said.stderr.contains("in use by another p2p process"), "{arguments:?}: {said:?}");
        assert!(said.stderr.contains("--wait"), "{said:?}");
        assert_eq!(fs::read_dir(home.data()).unwrap().count(), 0, "{arguments:?}");
    }
    drop(lock);
    home.ok(&["put", "a.bin"]);
}

#[test]
fn another_process_is_waited_for() {
    let home = Home::new(QUICK);
    home.file("a.bin", 10);
    fs::create_dir_all(home.data()).unwrap();
    let lock = DirectoryLock::acquire(&home.data(), Sharing::Exclusive).unwrap();
    let waiting = home.spawn(&["put", "a.bin", "--wait", "1h"]);
    let interrupted = home.spawn(&["put", "a.bin", "--wait", "1h"]);
    signal(&interrupted, "TERM");
    assert_eq!(end_of(interrupted).code.unwrap_or(143), 143);
    drop(lock);
    let said = end_of(waiting);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(home.stored(), ["a.bin"]);
}

/// Whatever the umask is, and in whatever order things are made.
#[test]
fn all_that_is_made_is_its_owners_alone() {
    for umask in ["000", "022", "077", "177"] {
        let home = Home::new(QUICK);
        home.file("a.bin", 200_000);
        private_directory(&home.path("made"));
        let program = env!("CARGO_BIN_EXE_p2p");
        for line in [
            "put a.bin",
            "register alice alice@example.org",
            "login alice",
            "run -c 'mail test; upload a.bin --as b.bin'",
            "repl < /dev/null",
            "run -c 'capture start made/capture; ls; capture stop; export made/document'",
            "export -o made/export",
            "flow --runs 1 --bytes 10KiB --pcap made/pcap --cwnd made/cwnd",
        ] {
            let mut command = shell(&home, &format!("umask {umask}; exec {program} {line}"));
            let said = said_by(&mut command);
            assert_eq!(said.code, Some(0), "{umask}: {line}: {said:?}");
        }
        assert_eq!(open_to_others(&home.data()), [], "umask {umask}");
        assert_eq!(open_to_others(&home.path("made")), [], "umask {umask}");
    }
}

fn private_directory(path: &Path) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

/// The files of a demonstration, too, though nobody else gets as far as them.
#[test]
fn the_files_of_a_demonstration_are_its_owners_alone() {
    let home = Home::new("");
    private_directory(&home.path("tmp"));
    let line = format!("umask 000; TMPDIR=tmp exec {} demo --json --speed 50x", env!("CARGO_BIN_EXE_p2p"));
    let demo = shell(&home, &line).spawn().unwrap();
    let made = || files_below(&home.path("tmp")).iter().any(|path| path.ends_with("demo-5MiB.bin"));
    wait_until("the last file", made);
    signal(&demo, "KILL");
    end_of(demo);
    assert_eq!(open_to_others(&home.path("tmp")), []);
}

/// What is fetched is the user's own and follows the umask, as what every tool makes; what it replaces keeps its mode.
#[test]
fn what_is_fetched_follows_the_umask() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    home.ok(&["put", "a.bin"]);
    for (umask, mode) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        let line = format!("umask {umask}; exec {} get a.bin -o {umask}", env!("CARGO_BIN_EXE_p2p"));
        assert_eq!(said_by(&mut shell(&home, &line)).code, Some(0));
        assert_eq!(fs::metadata(home.path(umask)).unwrap().permissions().mode() & 0o777, mode);
    }
}

/// A directory of an earlier version is closed to others at the next start, and what is not p2p's is left as it is.
#[test]
fn what_others_could_look_into_is_closed() {
    let home = Home::new(QUICK);
    home.file("a.bin", 200_000);
    home.ok(&["put", "a.bin"]);
    fs::create_dir(home.data().join("mine")).unwrap();
    fs::write(home.data().join("screen-alice.json"), "{}").unwrap();
    let open = |path: &Path| {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut all = Vec::new();
    modes(&home.data(), &mut all);
    all.iter().filter(|(path, _)| !path.ends_with("p2p")).for_each(|(path, _)| open(path));
    home.ok(&["put", "a.bin", "--as", "b.bin"]);
    let still: Vec<PathBuf> = open_to_others(&home.data()).into_iter().map(|(path, _)| path).collect();
    let top = |name: &str| home.data().join(name);
    assert_eq!(still, [top("mine")]);
}

#[test]
fn a_secret_that_the_group_may_read_or_write_is_refused() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    let session = home.data().join("session");
    for mode in [0o640, 0o620, 0o604] {
        fs::set_permissions(&session, fs::Permissions::from_mode(mode)).unwrap();
        let message = home.refused(&["ls"]);
        assert!(message.contains("others on this machine may read or write it") && message.contains("chmod 600"), "{message}");
    }
}

/// One file on three nodes, and one disk of theirs in trouble.
struct Broken {
    home: Home,
}

impl Broken {
    fn new() -> Broken {
        let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
        home.file("a.bin", 300_000);
        home.ok(&["put", "a.bin"]);
        Broken { home }
    }

    fn node(&self, path: &str) -> PathBuf {
        self.home.data().join("nodes").join(path)
    }

    /// The node of this name is stopped for this reason, and the rest goes on.
    fn stops(self, node: &str, reason: &str) {
        let Broken { home } = self;
        let nodes = home.json(&["nodes"]);
        for line in nodes.as_array().unwrap() {
            let is_stopped = line["name"] == node;
            assert_eq!(line["state"], if is_stopped { "STOPPED" } else { "READY" }, "{line}");
            assert_eq!(line["trouble"].as_str().is_some_and(|text| text.contains(reason)), is_stopped, "{line}");
        }
        let table = home.run(&["nodes"]);
        assert!(table.stdout.contains("trouble") && table.stderr.contains(&format!("Warning: {node}: ")), "{table:?}");
        assert!(home.ok(&["run", "-c", "health"]).contains(reason));
        assert_eq!(home.stored(), ["a.bin"]);
        home.ok(&["export"]);
        home.register("alice");
        home.login("alice");
        let message = home.unavailable(&["get", "a.bin", "-o", "other"]);
        assert!(message.contains(node), "{message}");
        home.file("b.bin", 300_000);
        home.ok(&["put", "b.bin"]);
        home.ok(&["get", "b.bin", "-o", "copy"]);
        assert!(read(home.path("copy")) == read(home.path("b.bin")));
        // Both have the same content, so that the segments of the one are found where the other has brought them.
        home.ok(&["get", "a.bin", "-o", "other"]);
        home.ok(&["rm", "a.bin"]);
    }
}

#[test]
fn a_directory_where_a_leftover_should_be_stops_one_node() {
    let broken = Broken::new();
    fs::create_dir(broken.node("Node_02/incoming/stray")).unwrap();
    broken.stops("Node_02", "cannot remove what a crash has left: Is a directory");
}

#[test]
fn something_else_in_a_segments_place_stops_one_node() {
    for make in [|path: &Path| fs::create_dir(path).unwrap(), |path: &Path| symlink("/dev/zero", path).unwrap()] {
        let broken = Broken::new();
        let victim =
            segments_below(&broken.home.data()).into_iter().find(|path| path.starts_with(broken.node("Node_02"))).unwrap();
        fs::remove_file(&victim).unwrap();
        make(&victim);
        broken.stops("Node_02", "something else than a file of p2p is in its place");
    }
}

#[test]
fn a_file_where_a_directory_should_be_stops_one_node() {
    let broken = Broken::new();
    fs::rename(broken.node("Node_03/segments"), broken.node("Node_03/away")).unwrap();
    fs::write(broken.node("Node_03/segments"), "").unwrap();
    broken.stops("Node_03", "cannot list its segments: Not a directory");
}

/// An empty directory is where the disk was mounted.
#[test]
fn a_disk_that_is_not_mounted_stops_one_node_and_is_not_written_over() {
    let broken = Broken::new();
    let (mounted, away) = (broken.node("Node_01"), broken.home.data().join("away"));
    fs::rename(&mounted, &away).unwrap();
    fs::create_dir(&mounted).unwrap();
    let config = broken.home.path("p2p.toml");
    let home = broken.home;
    assert!(config.exists());
    let nodes = home.json(&["nodes"]);
    assert_eq!((nodes[0]["state"].as_str(), nodes[1]["state"].as_str()), (Some("STOPPED"), Some("READY")));
    assert!(nodes[0]["trouble"].as_str().unwrap().contains("not mounted"), "{nodes}");
    assert!(home.unavailable(&["get", "a.bin", "-o", "other"]).contains("Node_01"));
    home.file("b.bin", 300_000);
    home.ok(&["put", "b.bin"]);
    assert_eq!(fs::read_dir(&mounted).unwrap().count(), 0, "nothing is made in its place");
    // Both have the same content, so that the segments of the one are found where the other has brought them.
    home.ok(&["get", "a.bin", "-o", "other"]);
    fs::remove_dir(&mounted).unwrap();
    fs::rename(&away, &mounted).unwrap();
    for name in ["a.bin", "b.bin"] {
        home.ok(&["get", name, "-o", "copy", "--force"]);
        assert!(read(home.path("copy")) == read(home.path(name)));
    }
    // One that is lost for good is begun anew where somebody says so.
    fs::remove_dir_all(&mounted).unwrap();
    assert!(home.refused(&["orphans", "free", "Node_01"]).contains("not mounted"));
    home.ok(&["orphans", "adopt", "Node_01"]);
    let nodes = home.json(&["nodes"]);
    assert_eq!((nodes[0]["state"].as_str(), nodes[0]["trouble"].as_str()), (Some("READY"), None));
    home.ok(&["put", "a.bin", "--as", "again.bin"]);
    home.ok(&["get", "a.bin", "-o", "copy", "--force"]);
}

#[test]
fn without_any_disk_the_catalog_is_still_there() {
    let Broken { home } = Broken::new();
    fs::rename(home.data().join("nodes"), home.path("away")).unwrap();
    assert_eq!(home.stored(), ["a.bin"]);
    home.ok(&["export"]);
    home.register("alice");
    home.login("alice");
    home.file("b.bin", 10);
    let message = home.refused(&["put", "b.bin"]);
    assert!(message.contains("no node takes segments of `b.bin`: Node_01: its disk is not mounted"), "{message}");
    assert!(!home.data().join("nodes").exists());
    fs::rename(home.path("away"), home.data().join("nodes")).unwrap();
    home.ok(&["get", "a.bin", "-o", "copy"]);
}

/// A holder that is not configured any more has what files need, and that is said before somebody misses it.
#[test]
fn holders_that_are_not_configured_are_missed_at_the_start() {
    let Broken { home } = Broken::new();
    fs::write(home.path("p2p.toml"), format!("{QUICK}[nodes]\ncount = 2\n")).unwrap();
    let said = home.run(&["ls"]);
    assert!(said.code == Some(0) && said.stderr.contains("stored files need 1 segment that the nodes' disks lack"), "{said:?}");
}

/// `cp` of the catalog there and back, with anything in between.
#[test]
fn an_older_catalog_deletes_nothing() {
    let home = Home::new(QUICK);
    let catalog = home.data().join("catalog.redb");
    home.file("old.bin", 200_000);
    home.file("newer.bin", 500_000);
    home.ok(&["put", "old.bin"]);
    fs::copy(&catalog, home.path("old")).unwrap();
    home.ok(&["put", "newer.bin"]);
    fs::copy(&catalog, home.path("new")).unwrap();
    let before = segments_below(&home.data());
    fs::copy(home.path("old"), &catalog).unwrap();
    let said = home.run(&["ls"]);
    assert!(said.code == Some(0) && said.stderr.contains("hold 8 segments that no file of this catalog has"), "{said:?}");
    assert!(said.stderr.contains("p2p orphans"), "{said:?}");
    home.ok(&["get", "old.bin", "-o", "copy"]);
    home.file("third.bin", 100);
    assert!(home.refused(&["put", "third.bin"]).contains("no node takes segments of `third.bin`: Node_01: another catalog"));
    assert_eq!(segments_below(&home.data()), before);
    fs::copy(home.path("new"), &catalog).unwrap();
    for name in ["old.bin", "newer.bin"] {
        home.ok(&["get", name, "-o", "copy", "--force"]);
        assert!(read(home.path("copy")) == read(home.path(name)));
    }
    assert_eq!(home.run(&["ls"]).stderr, "");
}

#[test]
fn the_catalog_and_the_disks_of_another_directory_change_nothing() {
    let home = Home::new(QUICK);
    for (directory, name) in [("one", "a.bin"), ("two", "b.bin")] {
        home.file(name, if directory == "one" { 300_000 } else { 350_000 });
        home.ok(&["put", name, "--data-dir", directory]);
    }
    let before = (segments_below(&home.path("one")), segments_below(&home.path("two")));
    let swap = |what: &str| swap(&home.path("one").join(what), &home.path("two").join(what));
    for what in ["catalog.redb", "nodes"] {
        swap(what);
        for directory in ["one", "two"] {
            let said = home.run(&["ls", "--data-dir", directory]);
            assert!(said.code == Some(0) && said.stderr.contains("that no file of this catalog has"), "{said:?}");
            home.run(&["rm", "a.bin", "--data-dir", directory]);
        }
        swap(what);
    }
    assert_eq!((segments_below(&home.path("one")), segments_below(&home.path("two"))), before);
    // Of what was removed meanwhile by whoever held its catalog, the other one's is still there.
    home.ok(&["ls", "--data-dir", "one"]);
    home.ok(&["get", "b.bin", "--data-dir", "two", "-o", "copy"]);
    assert!(read(home.path("copy")) == read(home.path("b.bin")));
}

/// Two disks of one data directory in each other's place: what files need of either stays, whatever is freed or taken over.
#[test]
fn disks_that_are_swapped_lose_nothing() {
    for action in ["free", "adopt"] {
        let home = Home::new(QUICK);
        home.file("a.bin", 300_000);
        home.ok(&["put", "a.bin"]);
        let node = |number: u8| home.data().join(format!("nodes/Node_0{number}"));
        swap(&node(1), &node(2));
        let said = home.run(&["ls"]);
        assert!(!said.stderr.contains("that no file of this catalog has"), "{said:?}");
        assert!(home.ok(&["orphans", action]).contains("were disks swapped?"));
        home.ok(&["ls"]);
        swap(&node(1), &node(2));
        home.ok(&["orphans", "adopt"]);
        home.ok(&["verify", "a.bin"]);
    }
}

/// A pipe in the place of a file of the data directory is told of, and not waited for.
#[test]
fn a_pipe_where_a_file_should_be_is_not_waited_for() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    let pipe = |path: &Path| {
        let _ = fs::remove_file(path);
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    };
    let session = home.data().join("session");
    let token = read(&session);
    pipe(&session);
    assert!(home.refused(&["ls"]).contains("it is no regular file"));
    fs::remove_file(&session).unwrap();
    p2p_base::private_file::write(&session, &token).unwrap();
    pipe(&home.data().join("history-alice.txt"));
    let said = end_of(home.command(&["repl"]).stdin(Stdio::null()).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    pipe(&files_below(&home.data().join("logs"))[0]);
    assert!(home.refused(&["ls"]).contains("cannot write the log"));
}

/// Listed by name, kept where somebody wants to go on without them, removed where somebody says so.
#[test]
fn orphans_are_listed_adopted_and_freed() {
    let home = Home::new(QUICK);
    let catalog = home.data().join("catalog.redb");
    home.file("old.bin", 70_000);
    home.file("newer.bin", 200_000);
    home.ok(&["put", "old.bin"]);
    fs::copy(&catalog, home.path("old")).unwrap();
    home.ok(&["put", "newer.bin"]);
    fs::copy(&catalog, home.path("new")).unwrap();
    let restore = |which: &str| assert!(fs::copy(home.path(which), &catalog).unwrap() > 0);
    restore("old");
    let count = |listed: &serde_json::Value| -> usize {
        listed.as_array().unwrap().iter().map(|on| on["segments"].as_array().unwrap().len()).sum()
    };
    let listed = home.json(&["orphans"]);
    let mut found = std::collections::BTreeMap::new();
    fields(&listed, "", &mut found);
    assert_eq!(found, documented("orphans"));
    assert_eq!((listed.as_array().unwrap().len(), count(&listed)), (5, 4), "{listed}");
    let newer: Vec<String> =
        segments_below(&home.data()).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let first = &listed.as_array().unwrap().iter().find_map(|on| on["segments"].get(0)).unwrap()["sha256"];
    assert!(newer.iter().any(|name| first == name) && home.ok(&["orphans"]).contains(first.as_str().unwrap()));

    // Adopted, the directory is used again, and the newer files lose nothing.
    home.ok(&["orphans", "adopt"]);
    home.file("third.bin", 150_000);
    home.ok(&["put", "third.bin"]);
    home.ok(&["rm", "third.bin"]);
    assert_eq!(count(&home.json(&["orphans"])), 4);
    let after = home.run(&["ls"]);
    assert_eq!((after.code, after.stderr.as_str()), (Some(0), ""));
    fs::copy(&catalog, home.path("old")).unwrap();
    restore("new");
    home.ok(&["get", "newer.bin", "-o", "copy"]);
    assert!(read(home.path("copy")) == read(home.path("newer.bin")));
    assert!(home.run(&["ls"]).stderr.contains("cannot use their disks as they should"));

    // Freed, they are gone, and nothing else is.
    restore("old");
    assert_eq!(count(&home.json(&["orphans", "free"])), 4);
    assert_eq!((segments_below(&home.data()).len(), home.json(&["orphans"])), (2, serde_json::json!([])));
    home.ok(&["get", "old.bin", "-o", "copy", "--force"]);
    assert!(home.refused(&["orphans", "free", "Node_09"]).contains("there is no Node_09"));
    home.register("alice");
    home.register("bob");
    home.login("bob");
    assert!(home.refused(&["orphans"]).contains("for admins"));
}

/// A directory of before there were markers gets them with its first write, where it holds what its catalog says.
#[test]
fn directories_without_markers_are_marked_where_they_fit() {
    let Broken { home } = Broken::new();
    let marker = |node: usize| home.data().join(format!("nodes/Node_0{node}/volume"));
    let unmarked = |home: &Home| {
        make_former(&home.data(), false);
        (1..=3).for_each(|node| fs::remove_file(marker(node)).unwrap());
    };
    unmarked(&home);
    assert_eq!(home.run(&["ls"]).stderr, "");
    assert!(!marker(1).exists(), "who only looks marks nothing");
    home.file("b.bin", 100_000);
    home.ok(&["put", "b.bin"]);
    assert!((1..=3).all(|node| marker(node).exists()));
    unmarked(&home);
    let strange = home.data().join("nodes/Node_02/segments/00");
    fs::create_dir_all(&strange).unwrap();
    fs::write(strange.join("00".repeat(32)), "whose?").unwrap();
    let said = home.run(&["put", "b.bin", "--as", "c.bin"]);
    assert!(said.code == Some(0) && said.stderr.contains("Node_02: its volume has no marker"), "{said:?}");
    assert!(marker(1).exists() && !marker(2).exists() && marker(3).exists() && strange.join("00".repeat(32)).exists());
    home.ok(&["orphans", "free", "Node_02"]);
    assert!(marker(2).exists() && !strange.exists());
    for name in ["a.bin", "b.bin", "c.bin"] {
        home.ok(&["get", name, "-o", "copy", "--force"]);
    }
}

/// Bytes at the end of a segment's file, or no end at all, cost no memory.
#[test]
fn a_segment_file_that_has_grown_is_not_read_to_its_end() {
    let Broken { home } = Broken::new();
    let victim = segments_below(&home.data()).remove(0);
    fs::File::options().write(true).open(&victim).unwrap().set_len(64 << 30).unwrap();
    let limited = format!("ulimit -v 2000000; exec {} get a.bin -o copy", env!("CARGO_BIN_EXE_p2p"));
    let said = said_by(&mut shell(&home, &limited));
    assert!(said.code == Some(1) && said.stderr.contains("is damaged"), "{said:?}");
    home.ok(&["put", "a.bin", "--as", "b.bin"]);
    home.ok(&["get", "a.bin", "-o", "copy"]);
}

/// Runs the program as somebody who may read the data directory and not write it.
fn as_a_reader(home: &Home, arguments: &[&str]) -> Option<Said> {
    const NOBODY: u32 = 65_534;
    // Only root can be somebody else; anybody else could write what is theirs.
    if fs::metadata(home.data()).unwrap().uid() != 0 {
        return None;
    }
    let program = home.path("p2p");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_p2p"), &program).unwrap();
        fs::create_dir(home.path("out")).unwrap();
        for path in [home.path("."), home.path("out")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let mut all = Vec::new();
        modes(&home.path(".local"), &mut all);
        for (path, _) in all {
            fs::set_permissions(&path, fs::Permissions::from_mode(if path.is_dir() { 0o755 } else { 0o644 })).unwrap();
        }
    }
    let mut command = Command::new(program);
    command.args(arguments).current_dir(home.path(".")).env_clear().env("HOME", home.path(".")).env("P2P_PASSWORD", PASSWORD);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(said_by(command.uid(NOBODY).gid(NOBODY)))
}

#[test]
fn what_can_only_be_read_is_listed_and_fetched_and_not_touched() {
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    home.ok(&["put", "a.bin"]);
    let Some(_) = as_a_reader(&home, &["ls"]) else { return };
    let before = contents(&home.data());
    for arguments in
        [&["ls"][..], &["get", "a.bin", "-o", "out/copy"], &["export"], &["nodes"], &["run", "-c", "ls; df; verify a.bin"]]
    {
        let said = as_a_reader(&home, arguments).unwrap();
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        let warned = said.stderr.matches("nothing is logged").count();
        assert_eq!(warned, 1, "{arguments:?}: {said:?}");
    }
    assert!(read(home.path("out/copy")) == read(home.path("a.bin")));
    for arguments in [&["put", "a.bin", "--as", "b.bin"][..], &["rm", "a.bin"], &["register", "eve", "eve@example.org"]] {
        let said = as_a_reader(&home, arguments).unwrap();
        assert!(said.code == Some(1) && said.stderr.contains("can only be read"), "{arguments:?}: {said:?}");
    }
    assert!(contents(&home.data()) == before);
    // Where another process writes, the reader is told so.
    let lock = DirectoryLock::acquire(&home.data(), Sharing::Exclusive).unwrap();
    assert!(as_a_reader(&home, &["ls"]).unwrap().stderr.contains("in use by another p2p process"));
    drop(lock);
    let readers = (DirectoryLock::acquire(&home.data(), Sharing::Shared).unwrap(), as_a_reader(&home, &["ls"]).unwrap());
    assert_eq!(readers.1.code, Some(0));
}

/// Those that only read a directory in which one could write share it, and leave it as it is but for the log. A process that may change
/// something does not share it, and where there are accounts nobody does: what is read is audited.
#[test]
fn readers_share_a_directory_that_can_be_written() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 100_000);
    home.ok(&["put", "a.bin"]);
    let all = || {
        let mut all = contents(&home.data());
        all.retain(|(path, ..)| !path.to_string_lossy().contains("logs/"));
        all
    };
    let before = all();
    let reader = DirectoryLock::acquire(&home.data(), Sharing::Shared).unwrap();
    let reading = [
        &["ls"][..],
        &["nodes"],
        &["info", "a.bin"],
        &["verify", "a.bin"],
        &["export", "-o", "export.json"],
        &["get", "a.bin", "-o", "copy"],
    ];
    // All at once, beside one that has begun before.
    let children: Vec<_> = reading.iter().map(|arguments| home.spawn(arguments)).collect();
    for (arguments, child) in reading.iter().zip(children) {
        let said = end_of(child);
        assert!(said.code == Some(0) && !said.stderr.contains("Warning"), "{arguments:?}: {said:?}");
    }
    assert!(read(home.path("copy")) == content);
    assert!(all() == before, "nothing but the log has changed");
    for arguments in [&["put", "a.bin", "--as", "b.bin"][..], &["rm", "a.bin"], &["run", "-c", "ls"]] {
        let said = home.run(arguments);
        assert!(said.code == Some(75) && said.stderr.contains("in use by another p2p process"), "{arguments:?}: {said:?}");
    }
    drop(reader);
    let writer = DirectoryLock::acquire(&home.data(), Sharing::Exclusive).unwrap();
    assert_eq!(home.run(&["ls"]).code, Some(75));
    drop(writer);
    home.register("alice");
    let _reader = DirectoryLock::acquire(&home.data(), Sharing::Shared).unwrap();
    assert_eq!(home.run(&["ls"]).code, Some(75), "it is audited");
}

/// Who may read what is the same where nothing can be noted.
#[test]
fn whoever_only_reads_has_to_log_in_all_the_same() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    for name in ["alice", "bob"] {
        home.register(name);
    }
    home.login("alice");
    home.ok(&["put", "a.bin"]);
    home.ok(&["logout"]);
    let Some(said) = as_a_reader(&home, &["ls"]) else { return };
    assert!(said.code == Some(1) && said.stderr.contains("no user is logged in"), "{said:?}");
    let before = contents(&home.data());
    let said = as_a_reader(&home, &["ls", "--user", "alice"]).unwrap();
    assert!(
        said.code == Some(0) && said.stdout.contains("a.bin") && said.stderr.contains("nothing is logged or audited"),
        "{said:?}"
    );
    let said = as_a_reader(&home, &["get", "a.bin", "-o", "out/copy", "--user", "bob"]).unwrap();
    assert!(said.code == Some(1) && said.stderr.contains("no file named"), "{said:?}");
    let said = as_a_reader(&home, &["run", "--user", "alice", "-c", "passwd"]).unwrap();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(contents(&home.data()) == before);
}

/// Files go from a disk that is full to the last block, logging in included, and it is filled again afterwards.
#[test]
#[ignore = "needs root, to mount a small file system"]
fn a_full_disk_can_be_emptied() {
    let home = Home::new(QUICK);
    home.file("a.bin", 3_000_000);
    let disk = home.path("disk");
    fs::create_dir(&disk).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).arg(&disk).status().unwrap().success(), "{program} {arguments:?}");
    };
    run("mount", &["-t", "tmpfs", "-o", "size=12m", "tmpfs"]);
    let _mounted = Mounted(disk.clone());
    let said = |arguments: &[&str]| {
        let arguments = [arguments, &["--data-dir", "disk/data"]].concat();
        said_by(home.command(&arguments).env("P2P_PASSWORD", PASSWORD))
    };
    let ok = |arguments: &[&str]| {
        let said = said(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
    };
    for arguments in [&["register", "alice", "alice@example.org"][..], &["login", "alice"], &["put", "a.bin"], &["logout"]] {
        ok(arguments);
    }
    let fill = |name: &str| {
        drop(Command::new("dd").args(["if=/dev/zero", &format!("of={}", disk.join(name).display()), "bs=1k"]).output())
    };
    fill("filler");
    assert!(said(&["put", "a.bin", "--as", "b.bin", "--user", "alice"]).code == Some(1));
    fill("filler-2");
    ok(&["ls", "--user", "alice"]);
    ok(&["login", "alice"]);
    ok(&["rm", "a.bin"]);
    // Some of the room that was kept back has been filled by others.
    home.file("smaller.bin", 1_000_000);
    ok(&["put", "smaller.bin"]);
    ok(&["ls"]);
    assert!(disk.join("data/reserve").exists(), "there is room again, and some is kept back");
}

/// Gives a mounted file system back, whatever the test comes to.
pub(crate) struct Mounted(pub(crate) PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// The program waits for nobody longer than it was told to.
#[test]
fn a_wait_has_an_end() {
    let home = Home::new(QUICK);
    fs::create_dir_all(home.data()).unwrap();
    let _lock = DirectoryLock::acquire(&home.data(), Sharing::Exclusive).unwrap();
    let said = home.run(&["ls", "--wait", "200ms"]);
    assert!(said.code != Some(0) && said.stderr.contains("in use"), "{said:?}");
}

/// A replay sets up every disk as the catalog expects it.
#[test]
fn a_session_with_a_disk_in_trouble_is_not_recorded() {
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    home.ok(&["put", "a.bin"]);
    fs::remove_dir_all(home.data().join("nodes/Node_02")).unwrap();
    let said = end_of(home.command(&["repl"]).stdin(std::process::Stdio::null()).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("this run is not recorded: not every node's disk"), "{said:?}");
    assert!(files_below(&home.data().join("recordings")).is_empty());
}
