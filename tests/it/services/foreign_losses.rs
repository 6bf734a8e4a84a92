//! Clients of others at a network that loses packets, of which `AdminService` kills a node in the middle of what they do: right bytes or a
//! clear error, never a short file that is told as a whole one, and the other clients go on.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::Served;
use super::connect::{At, Watching};
use super::foreign::CONTRACT;
use super::losses::{AT_1X, AT_MAX, Place, by_root, goes_on_beside, home_of};
use super::sftp_clients::{add_key, configure_openssh};
use crate::program::{Home, Said, end_of, python, read};

/// Time for a client to come to its end in seconds, after which it hangs.
const WITHIN: &str = "300";

/// Direction in which a client sends the file `a`, or fetches it to `copy`.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Put,
    Get,
}

impl Way {
    /// Its word, the file from which and that to which.
    fn words(self) -> [&'static str; 3] {
        match self {
            Way::Put => ["put", "a", "a"],
            Way::Get => ["get", "a", "copy"],
        }
    }
}

/// Client of others, by the command that it is for a way.
type Client = fn(&Bed, Way) -> Command;

/// A server at a network that loses packets, with a file `a` here.
struct Bed<'h> {
    place: &'h Place,
    home: &'h Home,
    served: Served,
    at: At<'h>,
    events: Watching,
    /// The token of alice.
    token: String,
}

impl Bed<'_> {
    fn new<'h>(place: &'h Place, home: &'h Home) -> Bed<'h> {
        add_key(home);
        let token = home.ok(&["token", "new", "python", "--scope", "write"]).trim().to_owned();
        let served = Served::of(home.spawn(&["serve", "--grpc=:0", "--ssh=:0", "--speed", place.speed]));
        configure_openssh(home, &served.ssh("Node_01").port().to_string());
        let at = At::new(home, &served);
        let events = Watching::of_kinds(&at, &["TransferStarted", "Segment"]);
        Bed { place, home, served, at, events, token }
    }

    /// A program that may not hang, and is held in the middle, where it can be, until its input ends.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args([WITHIN, program]).args(arguments).current_dir(self.home.path("")).env("HOME", self.home.path(""));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A script of `tests/data`.
    fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let script = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
        self.command(&python(), &[&[script.as_str()], arguments].concat())
    }

    /// Runs a client on its way, and kills a node in the middle: the one that is named, or one that has taken or given a segment and is not the
    /// one that serves SSH. Returns what the client says, and the node.
    fn killed_amid(&mut self, client: Client, way: Way, named: Option<&str>) -> (Said, String) {
        let mut child = client(self, way).spawn().unwrap();
        let (direction, stage) = if way == Way::Put { ("upload", "acknowledged") } else { ("download", "lastbyte") };
        let is_of_a = |event: &Value| event["path"].as_str().is_some_and(|path| path.starts_with('a'));
        let started = self.events.wait_for(|event| is_of_a(event) && event["fields"]["direction"] == direction);
        let holder = |event: &Value| event["fields"]["timeline"]["holder"].as_u64().unwrap_or(1);
        let event = self.events.wait_for(|event| {
            event["transfer"] == started["transfer"] && event["fields"]["stage"] == stage && holder(event) != 1
        });
        let node = named.map_or_else(|| holder(&event).to_string(), str::to_owned);
        by_root(&self.at, "kill", &node);
        goes_on_beside(self.home, &self.at, &format!("beside {} {node}", way.words()[0]));
        drop(child.stdin.take());
        (end_of(child), node)
    }

    /// Runs a client on its way, with nothing in it.
    fn ok(&self, client: Client, way: Way) {
        let said = end_of(client(self, way).stdin(Stdio::null()).spawn().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// What is stored as `a`, by our own client.
    fn stored(&self) -> Vec<u8> {
        self.at.ok(&["get", "a", "-o", "stored", "--force"]);
        read(self.home.path("stored"))
    }

    /// A node is killed while the file is sent: it is stored as a whole, or told not to be, and is then no file.
    fn meets_a_kill_there(&mut self, client: Client, content: &[u8]) {
        let (said, node) = self.killed_amid(client, Way::Put, None);
        by_root(&self.at, "start", &node);
        if said.code != Some(0) {
            assert!(is_told(&said), "{said:?}");
            assert_eq!(self.at.json(&["ls"]), serde_json::json!([]), "it is no file: {said:?}");
            self.ok(client, Way::Put);
        }
        assert!(self.stored() == content, "{said:?}");
    }

    /// A node is killed that has a part of the file that is fetched: all of it arrives, or it is told that it has not.
    fn meets_a_kill_back(&mut self, client: Client, content: &[u8]) {
        let info = self.at.json(&["info", "a"]);
        let holders = info["segments"].as_array().unwrap().iter().rev().filter_map(|segment| segment["holders"][0].as_str());
        let node = holders.into_iter().find(|node| *node != "Node_01").unwrap().to_owned();
        let (said, _) = self.killed_amid(client, Way::Get, Some(&node));
        let copy = self.home.path("copy");
        if said.code == Some(0) {
            assert!(read(&copy) == content, "right bytes, or none as if they were all: {said:?}");
        } else {
            // Some programs leave what has arrived, and say so.
            let is_part = |bytes: Vec<u8>| bytes.len() < content.len() && content.starts_with(&bytes);
            assert!(is_told(&said) && (!copy.exists() || is_part(read(&copy))), "{said:?}");
        }
        by_root(&self.at, "start", &node);
        self.ok(client, Way::Get);
        assert!(read(&copy) == content);
    }

    /// The node is killed whose server the client has logged in to, while a stored file is replaced: it is the new one or the old one.
    fn meets_the_end_of_its_server(&mut self, client: Client, content: &[u8]) {
        let newer = self.home.file("a", self.place.bytes + 1);
        let (said, node) = self.killed_amid(client, Way::Put, Some("Node_01"));
        by_root(&self.at, "start", &node);
        let is_done = said.code == Some(0);
        assert!(is_done || is_told(&said), "{said:?}");
        assert!(self.stored() == if is_done { newer.as_slice() } else { content }, "{said:?}");
    }
}

/// Tests that a client has come to its end, has said why it has not done what it was to do, and has not broken.
fn is_told(said: &Said) -> bool {
    // `timeout` ends with this where it has ended a program. The `sftp` of OpenSSH ends by SIGPIPE once its `ssh` is gone, and has no code then.
    !matches!(said.code, Some(0 | 124)) && !said.stderr.trim().is_empty() && !said.stderr.contains("Traceback")
}

/// Tests both ways at the pace of the wall clock and at full speed.
fn meets_kills(client: Client, is_of_a_node: bool) {
    for place in [&AT_1X, &AT_MAX] {
        let home = home_of(place);
        let content = home.file("a", place.bytes);
        let mut bed = Bed::new(place, &home);
        bed.meets_a_kill_there(client, &content);
        bed.meets_a_kill_back(client, &content);
        if is_of_a_node {
            bed.meets_the_end_of_its_server(client, &content);
        }
        let said = bed.served.stop();
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

#[test]
#[ignore = "needs OpenSSH"]
fn openssh_sftp_meets_kills() {
    let client: Client = |bed, way| {
        let [word, from, to] = way.words();
        std::fs::write(bed.home.path("batch"), format!("{word} {from} {to}\n")).unwrap();
        // It cannot be held in the middle, and is slow instead.
        bed.command("sftp", &["-F", "config", "-l", &(bed.place.client * 8).to_string(), "-b", "batch", "p2p"])
    };
    meets_kills(client, true);
}

#[test]
#[ignore = "needs rclone"]
fn rclone_meets_kills() {
    let client: Client = |bed, way| {
        let [_, from, to] = way.words();
        let (port, key) = (bed.served.ssh("Node_01").port(), bed.home.path("id"));
        let remote = format!(":sftp,host=127.0.0.1,port={port},user=alice,key_file={}:", key.to_str().unwrap());
        let (from, to) = match way {
            Way::Put => (from.to_owned(), format!("{remote}{to}")),
            Way::Get => (format!("{remote}{from}"), to.to_owned()),
        };
        let slow = format!("--bwlimit={}k", bed.place.client);
        bed.command("rclone", &["copyto", "--retries=1", "--low-level-retries=1", &slow, &from, &to])
    };
    meets_kills(client, true);
}

#[test]
#[ignore = "needs paramiko"]
fn paramiko_meets_kills() {
    let client: Client = |bed, way| {
        let port = bed.served.ssh("Node_01").port().to_string();
        bed.script("sftp_paramiko_once.py", &[&[port.as_str(), "id"], &way.words()[..]].concat())
    };
    meets_kills(client, true);
}

#[test]
#[ignore = "needs grpcio"]
fn grpcio_meets_kills() {
    let client: Client = |bed, way| {
        let address = bed.served.grpc().to_string();
        bed.script("grpc_once.py", &[&[address.as_str(), CONTRACT, &bed.token], &way.words()[..]].concat())
    };
    meets_kills(client, false);
}
