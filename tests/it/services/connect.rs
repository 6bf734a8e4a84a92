//! `p2p --connect`: the commands at a running server, which answer as the local ones do.

use std::io::Write;
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::Value;

use super::files::registered;
use super::{Served, lines};
use crate::cli::documented;
use crate::program::{DEADLINE, Home, PASSWORD, QUICK, Said, end_of, read, signal, wait_until};

/// Links on which a mebibyte takes some seconds.
pub(super) const SLOW: &str = "[network]\nbandwidth = '256KiB/s'\nloss = '0%'\n";

/// Commands of a home at a server.
pub(super) struct At<'h> {
    home: &'h Home,
    url: String,
}

impl At<'_> {
    pub(super) fn new<'h>(home: &'h Home, served: &Served) -> At<'h> {
        At { home, url: format!("grpc://{}", served.grpc()) }
    }

    pub(super) fn words<'w>(&'w self, arguments: &[&'w str]) -> Vec<&'w str> {
        [&["--connect", &self.url], arguments].concat()
    }

    pub(super) fn ok(&self, arguments: &[&str]) -> String {
        self.home.ok(&self.words(arguments))
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        self.home.json(&self.words(arguments))
    }

    pub(super) fn refused(&self, arguments: &[&str]) -> String {
        self.home.refused(&self.words(arguments))
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.home.run(&self.words(arguments))
    }
}

/// A home in which alice is logged in, who is no admin.
pub(super) fn of_alice(config: &str) -> Home {
    let home = registered(config, &["root", "alice"]);
    assert_eq!(home.login("alice").code, Some(0));
    home
}

/// Names of the fields of a document, at every depth.
fn fields(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields_of) => {
            let below = |(name, value): (&String, &Value)| {
                [name.clone()]
                    .into_iter()
                    .chain(fields(value).into_iter().map(move |inner| format!("{name}.{inner}")))
                    .collect::<Vec<_>>()
            };
            fields_of.iter().flat_map(below).collect()
        }
        Value::Array(items) => items.first().map(fields).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Each command says the same in JSON, but for the figures of time, as without a server.
#[test]
fn commands_at_a_server_answer_as_local_ones() {
    let home = of_alice(QUICK);
    let content = home.file("a.bin", 200_001);
    home.ok(&["put", "a.bin", "--as", "local"]);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let put = at.json(&["put", "a.bin"]);
    assert_eq!((&put["files"][0]["name"], &put["files"][0]["bytes"]), (&"a.bin".into(), &200_001.into()));
    let got = at.json(&["get", "a.bin", "-o", "b.bin"]);
    assert!(read(home.path("b.bin")) == content);
    assert!(at.refused(&["get", "a.bin", "-o", "b.bin"]).contains("--force"));
    at.ok(&["get", "a.bin", "-o", "b.bin", "--force"]);
    at.ok(&["mkdir", "-p", "docs/old"]);
    let moved = at.json(&["mv", "a.bin", "docs"]);
    let (list, info) = (at.json(&["ls", "-R"]), at.json(&["stat", "docs/a.bin"]));
    let (directory, root) = (at.json(&["info", "docs"]), at.ok(&["ls"]));
    let changed = [&["cp", "-p", "docs/a.bin", "copy"][..], &["chmod", "600", "copy"], &["touch", "-d", "@7", "copy"]];
    let at_server = changed.map(|words| at.json(words));
    at.ok(&["mv", "--force", "copy", "local"]);
    at.ok(&["touch", "local"]);
    let removed = at.json(&["rm", "local"]);
    assert_eq!(served.stop().code, Some(0));
    assert_eq!(list.as_array().unwrap().len(), 4, "{list}");
    // The one that was removed at the server is stored again, so that the lists are of the same names.
    home.ok(&["put", "a.bin", "--as", "local"]);
    let times = |mut list: Value| {
        for entry in list.as_array_mut().unwrap() {
            entry["stored_at"] = Value::Null;
            entry["modified_at"] = Value::Null;
        }
        list
    };
    assert_eq!(times(list), times(home.json(&["ls", "-R"])));
    assert_eq!(info, home.json(&["info", "docs/a.bin"]));
    assert_eq!(directory, home.json(&["info", "docs"]));
    assert_eq!(root.lines().next(), home.ok(&["ls"]).lines().next());
    assert_eq!(moved, serde_json::json!([{ "from": "a.bin", "to": "docs/a.bin" }]));
    assert_eq!(changed.map(|words| home.json(words)), at_server);
    assert_eq!(fields(&home.json(&["info", "copy"])), fields(&info));
    let local = home.json(&["put", "b.bin"]);
    assert_eq!(fields(&put), fields(&local));
    assert_eq!(put["files"][0]["sha256"], local["files"][0]["sha256"]);
    assert_eq!(fields(&got), fields(&home.json(&["get", "b.bin", "-o", "c.bin"])));
    assert_eq!(fields(&removed), fields(&home.json(&["rm", "b.bin"])));
}

/// Standard input and output, ranges, and names that would be another user's.
#[test]
fn content_comes_from_pipes_and_goes_to_them() {
    let home = of_alice(QUICK);
    let content = home.file("~odd", 70_000);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    at.ok(&["put", "~odd"]);
    let mut child = home.command(&at.words(&["put", "-", "--as", "piped"]));
    let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&content).unwrap();
    assert_eq!(end_of(child).code, Some(0));
    let output = home.command(&at.words(&["get", "piped", "./~odd", "-o", "-"])).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout == [content.as_slice(), &content].concat());
    for (range, part) in [("5-9", &content[5..10]), ("69990-", &content[69_990..]), ("-7", &content[69_993..])] {
        let output = home.command(&at.words(&["get", "piped", "--range", range, "-o", "-"])).output().unwrap();
        assert!(output.status.success() && output.stdout == part, "{range}: {} bytes", output.stdout.len());
    }
    std::fs::create_dir(home.path("into")).unwrap();
    at.ok(&["get", "piped", "./~odd", "-o", "into"]);
    assert!(read(home.path("into/~odd")) == content);
    assert!(at.refused(&["get", "none"]).contains("ls` lists what is stored"));
    assert!(at.refused(&["put", "no.bin"]).contains("no.bin"));
    // One that fails does not prevent the others.
    let said = at.run(&["rm", "none", "piped"]);
    assert!(said.code == Some(1) && said.stdout.contains("piped") && said.stderr.contains("none"), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// The session of the data directory for its own server alone, tokens of the environment and of a file, and passwords.
#[test]
fn who_asks_is_told_by_a_token_a_session_or_a_password() {
    let home = registered(QUICK, &["root", "alice"]);
    home.login("root");
    let token = home.ok(&["token", "new", "ci", "--scope", "read"]);
    home.login("alice");
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    assert!(at.ok(&["whoami"]).starts_with("alice, user, by a session"));
    // Another data directory has no session of this server's, even where one is kept in it.
    std::fs::create_dir(home.path("elsewhere")).unwrap();
    std::fs::copy(home.data().join("session"), home.path("elsewhere/session")).unwrap();
    let told = at.refused(&["whoami", "--data-dir", "elsewhere"]);
    assert!(told.contains("no user is logged in") && told.contains("--token-file"), "{told}");
    std::fs::write(home.path("token"), &token).unwrap();
    assert!(at.refused(&["whoami", "--token-file", "token"]).contains("chmod 600"));
    std::fs::set_permissions(home.path("token"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(at.ok(&["whoami", "--token-file", "token"]).starts_with("root, user, by an API token of scope read"));
    let by = |name: &str, value: &str, arguments: &[&str]| {
        end_of(home.command(&at.words(arguments)).env(name, value).spawn().unwrap())
    };
    assert!(by("P2P_TOKEN", token.trim(), &["whoami"]).stdout.starts_with("root"));
    let wrong = by("P2P_TOKEN", "p2p_0123456789012345678901234567890123456789012", &["whoami"]);
    assert!(wrong.code == Some(1) && wrong.stderr.contains("p2p token new"), "{wrong:?}");
    assert!(by("P2P_PASSWORD", PASSWORD, &["whoami", "--user", "root"]).stdout.starts_with("root, admin, by a session"));
    assert_eq!(by("P2P_PASSWORD", "wrong", &["whoami", "--user", "root"]).code, Some(1));
    let login = by("P2P_PASSWORD", PASSWORD, &["login", "root"]);
    assert_eq!((login.code, login.stdout.as_str()), (Some(0), "logged in as root\n"), "{login:?}");
    assert!(at.ok(&["whoami"]).starts_with("root"));
    let told = by("P2P_PASSWORD", PASSWORD, &["login", "root", "--data-dir", "elsewhere"]);
    assert!(told.code == Some(2) && told.stderr.contains("--user NAME"), "{told:?}");
    assert_eq!(served.stop().code, Some(0));
    assert!(home.ok(&["whoami"]).contains("root"), "the session is that of local commands too");
}

/// What cannot be asked, and a server that is not there.
#[test]
fn what_a_server_cannot_do_is_told() {
    let home = of_alice(QUICK);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    for arguments in [&["demo"][..], &["verify", "a"], &["ls", "--seed", "7"], &["put", "-r", "x"], &["serve"], &[]] {
        home.wrong_usage(&at.words(arguments));
    }
    for wrong in ["127.0.0.1:1", "http://127.0.0.1:1", "grpc://example.org:1"] {
        home.wrong_usage(&["--connect", wrong, "ls"]);
    }
    home.wrong_usage(&["events"]);
    let told = home.unavailable(&["ls"]);
    assert!(told.contains(&format!("`p2p --connect {} ls` asks it", at.url)), "{told}");
    let url = at.url.clone();
    assert_eq!(served.stop().code, Some(0));
    let told = home.unavailable(&["--connect", &url, "ls"]);
    assert!(told.contains("no `p2p serve` answers"), "{told}");
}

/// A running `p2p events`.
pub(super) struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    /// Watches events of this kind from the begin of the run on.
    pub(super) fn new(at: &At, kind: &str) -> Watching {
        Watching::of_kinds(at, &[kind])
    }

    /// Watches events of these kinds.
    pub(super) fn of_kinds(at: &At, kinds: &[&str]) -> Watching {
        let kinds: Vec<&str> = kinds.iter().flat_map(|kind| ["--kind", kind]).collect();
        let mut child = at.home.spawn(&at.words(&[&["events", "--after", "0:0", "--json"], &kinds[..]].concat()));
        let lines = lines(child.stdout.take().unwrap());
        Watching { child, lines }
    }

    /// Waits for an event of which this is true.
    pub(super) fn wait_for(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event: Value = serde_json::from_str(&self.lines.recv_timeout(DEADLINE).unwrap()).unwrap();
            if is_it(&event) {
                return event;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An upload that is killed, and is kept by its ID.
#[test]
fn an_upload_that_is_killed_goes_on() {
    let home = of_alice(SLOW);
    let content = home.file("a.bin", 1 << 20);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let mut child = home.spawn(&at.words(&["put", "a.bin", "--keep"]));
    Watching::new(&at, "Segment").wait_for(|event| event["fields"]["stage"] == "acknowledged");
    child.kill().unwrap();
    let said = end_of(child);
    let id = said.stderr.split("upload ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    // Other content that could be taken for the same is none, and it is not said that it goes on.
    let modified = std::fs::metadata(home.path("a.bin")).unwrap().modified().unwrap();
    for (longer, later, words) in [(1, 0, "this content has 1048577"), (0, 2, "this file was modified 2.000 s later")] {
        std::fs::write(home.path("other.bin"), [content.clone(), vec![0; longer]].concat()).unwrap();
        let other = std::fs::File::options().append(true).open(home.path("other.bin")).unwrap();
        other.set_modified(modified + Duration::from_secs(later)).unwrap();
        let refused = at.refused(&["put", "other.bin", "--resume", &id]);
        assert!(refused.contains(words) && !refused.contains("continuing"), "{refused}");
        // What continues it is its own file, and not this one.
        assert!(refused.contains("give the same content again") && !refused.contains("put other.bin"), "{refused}");
    }
    let told = home.wrong_usage(&at.words(&["put", "a.bin", "--resume", &id, "--as", "b.bin"]));
    assert!(told.contains("is of `a.bin`, and not of `b.bin`") && told.contains("leave --as out"), "{told}");
    let resumed = at.json(&["put", "a.bin", "--resume", &id, "--as", "./a.bin"]);
    assert_eq!(resumed["files"][0]["upload"], id.as_str());
    at.ok(&["get", "a.bin", "-o", "b.bin"]);
    assert!(read(home.path("b.bin")) == content);
    let told = at.refused(&["put", "a.bin", "--resume", &id]);
    assert!(told.contains(&id), "{told}");
    assert_eq!(served.stop().code, Some(0));
}

/// An upload that is interrupted, of which nothing is left.
#[test]
fn an_upload_that_is_interrupted_is_undone() {
    let home = of_alice(SLOW);
    home.file("a.bin", 1 << 20);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let child = home.spawn(&at.words(&["put", "a.bin"]));
    let started = Watching::new(&at, "TransferStarted").wait_for(|event| event["path"] == "a.bin");
    signal(&child, "INT");
    let said = end_of(child);
    assert!(said.code == Some(130) && said.stderr.contains("the server undoes"), "{said:?}");
    let failed = Watching::new(&at, "TransferFailed").wait_for(|event| event["transfer"] == started["transfer"]);
    assert_eq!(failed["fields"]["error"], "Cancelled");
    assert_eq!(at.json(&["ls"]), serde_json::json!([]));
    let fields: Vec<String> = documented("events").into_keys().collect();
    let mut found: Vec<&String> = failed.as_object().unwrap().keys().collect();
    found.sort();
    assert!(found.iter().all(|name| *name == "fields" || fields.contains(name)), "{found:?} {fields:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// An interruption is told with what it has left undone, also of several files.
#[test]
fn what_an_interruption_has_left_is_told() {
    let home = of_alice(SLOW);
    ["a.bin", "b.bin", "c.bin"].iter().for_each(|name| drop(home.file(name, 1 << 20)));
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let child = home.spawn(&at.words(&["put", "a.bin", "b.bin", "c.bin"]));
    Watching::new(&at, "TransferStarted").wait_for(|event| event["path"] == "a.bin");
    signal(&child, "INT");
    let said = end_of(child);
    assert!(said.code == Some(130) && said.stderr.contains("2 files were not begun"), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// What cannot be meant is refused, and a session that cannot be kept is ended.
#[test]
fn what_is_of_no_use_is_refused() {
    let home = of_alice(QUICK);
    home.file("a.bin", 4 << 20);
    home.ok(&["put", "a.bin"]);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let told = at.refused(&["events", "--kind", "FileStorde"]);
    assert!(told.contains("`FileStorde` is no kind of event; these are: TransferStarted, "), "{told}");
    let told = home.wrong_usage(&at.words(&["login", "alice", "--seed", "7"]));
    assert!(told.contains("--seed is of a run of its own"), "{told}");
    // A reader that has read enough is no failure.
    let mut child = home.spawn(&at.words(&["get", "a.bin", "-o", "-"]));
    drop(child.stdout.take());
    let said = end_of(child);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
    let sessions = || home.json(&["sessions"]).as_array().unwrap().len();
    let before = sessions();
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    // Where the file is to be, there is a directory.
    std::fs::rename(home.data().join("session"), home.path("session")).unwrap();
    std::fs::create_dir_all(home.data().join("session/full")).unwrap();
    let mut command = home.command(&at.words(&["login", "alice"]));
    let told = end_of(command.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
    assert!(told.code != Some(0) && told.stderr.contains("cannot keep the session in"), "{told:?}");
    std::fs::remove_dir_all(home.data().join("session")).unwrap();
    std::fs::rename(home.path("session"), home.data().join("session")).unwrap();
    assert_eq!(served.stop().code, Some(0));
    assert_eq!(sessions(), before);
}

/// A home in which root is logged in, the admin.
pub(super) fn of_root(config: &str) -> Home {
    let home = registered(config, &["root"]);
    assert_eq!(home.login("root").code, Some(0));
    home
}

/// What the same lines say in a run of their own.
fn local(home: &Home, lines: &[&str]) -> Vec<Value> {
    let said = home.ok(&["run", "--json", "-c", &lines.join("; ")]);
    said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["answer"].take()).collect()
}

/// Words of a line.
fn words_of(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// The commands about the network say at a server what they say in a run of their own: what is the same at every instant is the same, and
/// of the other figures there are the same.
#[test]
fn commands_about_the_network_answer_as_local_ones() {
    let home = of_root(QUICK);
    let same = [
        "kill 2",
        "path client->3 --loss 5% --delay 10ms..20ms",
        "path client,3 --cut",
        "path 4 --burst 1%,25%",
        "link client --up --bandwidth 1Mbit/s",
        "disk 5 --slow 10x --fail writes",
        "partition 1,2|3,4",
        "faults profiles",
        "topology",
        "heal client,3",
        "heal",
        "start 2",
        "refuse 1",
        "flap 3 --every 1h --times 2",
        "faults apply slow-wan 5",
        "faults clear slow-wan",
        "faults clear",
        "faults clear",
        "restart 4 --within 1s",
        "stop 4",
    ];
    let other = ["nodes", "node 2", "faults", "status", "status 4", "pause", "step 1s", "speed max", "resume"];
    let expected = local(&home, &[&same[..], &other].concat());
    let said = ["path client->3 --loss 5% --delay 10ms..20ms", "disk 5 --slow 10x --fail writes", "faults profiles"];
    let texts = said.map(|line| home.ok(&["run", "-c", line]));
    let served = Served::start(&home, &["--speed", "max"]);
    let at = At::new(&home, &served);
    for (line, expected) in same.iter().zip(&expected) {
        assert_eq!(&at.json(&words_of(line)), expected, "{line}");
    }
    for (line, expected) in other.iter().zip(&expected[same.len()..]) {
        assert_eq!(fields(&at.json(&words_of(line))), fields(expected), "{line}");
    }
    at.ok(&["faults", "clear"]);
    // What is said in words is said in the same words, where it begins with what is not there.
    for (line, text) in said.iter().zip(texts) {
        // The first line is the command.
        assert_eq!(at.ok(&words_of(line)).trim_end(), text.split_once('\n').unwrap().1.trim_end(), "{line}");
    }
    assert_eq!(served.stop().code, Some(0));
}

/// What the server refuses, and what is refused before it is asked.
#[test]
fn commands_about_the_network_that_are_refused_say_why() {
    let home = of_root(QUICK);
    let token = home.ok(&["token", "new", "ci", "--scope", "write"]);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let told = at.refused(&["kill", "99"]);
    assert!(told.contains("there is no Node_99") && told.contains("nodes` lists the nodes"), "{told}");
    assert!(at.refused(&["start", "1"]).contains("runs already"));
    assert!(at.refused(&["step"]).contains("paused"));
    assert!(at.refused(&["heal", "client,1"]).contains("not"));
    for wrong in [
        "kill x",
        "path client --cut",
        "speed fast",
        "disk 1",
        "faults apply",
        "stop 1 --within never",
        "link 1 --clear --queue 3",
    ] {
        home.wrong_usage(&at.words(&words_of(wrong)));
    }
    let by_token =
        |arguments: &[&str]| end_of(home.command(&at.words(arguments)).env("P2P_TOKEN", token.trim()).spawn().unwrap());
    let denied = by_token(&["kill", "1"]);
    assert!(denied.code == Some(1) && denied.stderr.contains("the scope `admin` is needed"), "{denied:?}");
    assert_eq!(by_token(&["nodes"]).code, Some(0));
    let told = home.wrong_usage(&["kill", "1"]);
    assert!(told.contains("p2p run -c 'kill") && told.contains("--connect grpc://"), "{told}");
    assert_eq!(served.stop().code, Some(0));
}

/// Ctrl-C ends the waiting for an answer, and not what the server has begun.
#[test]
fn an_answer_that_is_waited_for_is_interrupted() {
    let home = of_root(QUICK);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    at.ok(&["kill", "1"]);
    at.ok(&["pause"]);
    // While time stands still, no process starts.
    let child = home.spawn(&at.words(&["start", "1"]));
    wait_until("the begin of the start", || at.json(&["node", "1"])["state"] != "STOPPED");
    signal(&child, "INT");
    let said = end_of(child);
    assert!(said.code == Some(130) && said.stderr.contains("what the server has begun goes on"), "{said:?}");
    at.ok(&["resume"]);
    wait_until("the end of the start", || at.json(&["faults"]) == serde_json::json!([]));
    assert_eq!(served.stop().code, Some(0));
}

/// The one list of the commands that a server can be asked for: each of them asks, and no other does.
#[test]
fn the_commands_that_are_listed_ask_a_server() {
    let home = Home::new(QUICK);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("grpc://{}", taken.local_addr().unwrap());
    drop(taken);
    home.file("a.bin", 10);
    let told = home.wrong_usage(&["--connect", &url, "config"]);
    let listed = told.split("leave --connect out; ").nth(1).unwrap().split(" take it").next().unwrap();
    let names: Vec<&str> = listed.split([',', ' ']).filter(|word| !word.is_empty() && *word != "and").collect();
    assert_eq!(names.len(), 37, "{names:?}");
    for name in names {
        let more: &[&str] = match name {
            "put" | "get" | "rm" | "mkdir" | "touch" => &["a.bin"],
            "chmod" => &["640", "a.bin"],
            "info" | "kill" | "stop" | "start" | "restart" | "refuse" | "node" => &["1"],
            "mv" | "cp" | "share" | "unshare" => &["a.bin", "bob"],
            "flap" => &["1", "--every", "1s"],
            "disk" => &["1", "--full"],
            "link" => &["1", "--queue", "3"],
            "path" => &["1", "--loss", "1%"],
            "partition" => &["1|2"],
            // It keeps its session in the data directory of the server alone.
            "login" => continue,
            _ => &[],
        };
        let told = home.unavailable(&[&["--connect", &url, name], more].concat());
        assert!(told.contains("no `p2p serve` answers"), "{name}: {told}");
    }
}
