//! Clients at a network that loses packets, of which `AdminService` kills a node in the middle of what they do: right bytes or a clear error,
//! never a short file, and the other clients go on.

use std::io::{Read, Write};
use std::process::Stdio;

use p2p_base::private_file;

use super::Served;
use super::connect::{At, Watching};
use super::files::registered;
use crate::program::{Home, Said, end_of, read};

/// Where the kill meets the clients: how fast time passes, the links, and the length of what is sent over them.
pub(super) struct Place {
    pub(super) speed: &'static str,
    bandwidth: &'static str,
    pub(super) bytes: usize,
    /// Rate of a client that is slow enough to be met in the middle, in KiB/s.
    pub(super) client: u32,
}

pub(super) const AT_1X: Place = Place { speed: "1x", bandwidth: "10Mbit/s", bytes: 1 << 20, client: 500 };
pub(super) const AT_MAX: Place = Place { speed: "max", bandwidth: "1Gbit/s", bytes: 20 << 20, client: 5_000 };

/// A home in which alice is logged in, with files of the tokens of root, who is the admin, and of bob.
pub(super) fn home_of(place: &Place) -> Home {
    let config = format!("[network]\nbandwidth = '{}'\nloss = '3%'\n", place.bandwidth);
    let home = registered(&config, &["root", "alice", "bob"]);
    for (name, scope) in [("root", "admin"), ("bob", "write")] {
        assert_eq!(home.login(name).code, Some(0));
        let token = home.ok(&["token", "new", "test", "--scope", scope]);
        private_file::write(&home.path(name), token.as_bytes()).unwrap();
    }
    assert_eq!(home.login("alice").code, Some(0));
    home
}

/// Has the admin kill a node, or start it again.
pub(super) fn by_root(at: &At, command: &str, node: &str) {
    at.ok(&[command, node, "--token-file", "root"]);
}

/// Has another user store and fetch a file of their own.
pub(super) fn goes_on_beside(home: &Home, at: &At, name: &str) {
    let (content, copy) = (home.file(name, 200_000), format!("{name}.copy"));
    at.ok(&["put", name, "--token-file", "bob"]);
    at.ok(&["get", name, "-o", &copy, "--token-file", "bob"]);
    assert!(read(home.path(&copy)) == content, "{name}");
}

/// Sends half of the content, kills a node that has acknowledged a segment of it, and sends the rest. Returns the killed node as well.
fn store(home: &Home, at: &At, content: &[u8]) -> (Said, String) {
    let mut acknowledged = Watching::new(at, "Segment");
    let mut child = home.command(&at.words(&["put", "-", "--as", "a"])).stdin(Stdio::piped()).spawn().unwrap();
    let (first, rest) = content.split_at(content.len() / 2);
    let mut input = child.stdin.take().unwrap();
    input.write_all(first).unwrap();
    let event = acknowledged.wait_for(|event| event["fields"]["stage"] == "acknowledged");
    let node = event["fields"]["timeline"]["holder"].as_u64().unwrap_or_else(|| panic!("{event}")).to_string();
    by_root(at, "kill", &node);
    goes_on_beside(home, at, "b");
    // A client that is refused takes no more.
    let _ = input.write_all(rest);
    drop(input);
    (end_of(child), node)
}

/// Takes the begin of the content, kills a node, and takes the rest.
fn fetch(home: &Home, at: &At, node: &str) -> (Said, Vec<u8>) {
    let mut child = home.spawn(&at.words(&["get", "a", "-o", "-"]));
    let (mut output, mut bytes) = (child.stdout.take().unwrap(), vec![0; 1000]);
    output.read_exact(&mut bytes).unwrap();
    by_root(at, "kill", node);
    goes_on_beside(home, at, "c");
    output.read_to_end(&mut bytes).unwrap();
    (end_of(child), bytes)
}

/// Tests that what was not done is told, with the node.
fn is_told(said: &Said) -> bool {
    matches!(said.code, Some(1 | 75)) && said.stderr.contains("Node_") && !said.stderr.contains("panicked")
}

/// Tests both ways at a place.
fn meets_a_kill(place: &Place) {
    let home = home_of(place);
    let served = Served::start(&home, &["--speed", place.speed]);
    let at = At::new(&home, &served);
    let content = home.file("a", place.bytes);
    let (said, killed) = store(&home, &at, &content);
    by_root(&at, "start", &killed);
    if said.code != Some(0) {
        assert!(is_told(&said), "{said:?}");
        assert_eq!(at.json(&["ls"]).as_array().unwrap().len(), 0, "it is no file: {said:?}");
        at.ok(&["put", "a"]);
    }
    let info = at.json(&["info", "a"]);
    assert_eq!(info["bytes"], place.bytes);
    // It is the node of what is fetched last.
    let last = info["segments"].as_array().unwrap().last().unwrap()["holders"][0].as_str().unwrap().to_owned();
    let (said, bytes) = fetch(&home, &at, &last);
    match said.code {
        Some(0) => assert!(bytes == content, "right bytes, or none as if they were all"),
        _ => assert!(is_told(&said) && content.starts_with(&bytes) && bytes.len() < content.len(), "{said:?}"),
    }
    // A file that is fetched while the node is away is not there at all.
    let said = home.run(&at.words(&["get", "a", "-o", "short"]));
    assert!(is_told(&said) && !home.path("short").exists(), "{said:?}");
    by_root(&at, "start", &last);
    at.ok(&["get", "a", "-o", "whole"]);
    assert!(read(home.path("whole")) == content);
    let said = served.stop();
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
#[ignore = "needs two minutes of the wall clock"]
fn a_kill_at_the_pace_of_the_wall_clock_leaves_no_short_file() {
    meets_a_kill(&AT_1X);
}

#[test]
fn a_kill_at_full_speed_leaves_no_short_file() {
    meets_a_kill(&AT_MAX);
}
