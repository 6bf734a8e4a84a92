//! What `p2p --connect` asks of a server beside content: accounts, uploads that are kept, and time that stands still.

use std::process::Child;

use serde_json::json;

use super::connect::{At, Watching, of_alice, of_root};
use super::files::registered;
use super::{Served, lines};
use crate::cli::documented;
use crate::program::{DEADLINE, Home, PASSWORD, QUICK, Said, end_of, read, signal, wait_until};
use crate::pty::{Pty, program};

/// Links on which more than is read ahead takes some seconds.
pub(super) const SLOW: &str = "[network]\nbandwidth = '2MiB/s'\nloss = '0%'\n";

/// Runs a command at a server with the password and these further variables in its environment.
fn by(home: &Home, at: &At, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = home.command(&at.words(arguments));
    command.env("P2P_PASSWORD", PASSWORD).envs(variables.iter().copied());
    end_of(command.spawn().unwrap())
}

/// The first account with the setup token, another by an invite or by an admin, and what is refused with the way out.
#[test]
fn accounts_are_made_at_a_server() {
    let home = Home::new(&format!("{QUICK}[accounts]\nremote_registration = 'invite'\n"));
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let told = at.refused(&["ls"]);
    assert!(told.contains("register NAME EMAIL` makes the first one"), "{told}");
    let alice = ["register", "alice", "alice@example.org"];
    let refused = by(&home, &at, &[], &alice);
    assert!(refused.code == Some(1) && refused.stderr.contains("P2P_SETUP_TOKEN"), "{refused:?}");
    let wrong = by(&home, &at, &[("P2P_SETUP_TOKEN", "p2p_setup_none")], &alice);
    assert!(wrong.code == Some(1) && wrong.stderr.contains("setup token"), "{wrong:?}");
    std::fs::write(home.path("token"), served.ready["setup_token"].as_str().unwrap()).unwrap();
    let by_file = [&alice[..], &["--admission-file", "token", "--json"]].concat();
    assert!(by(&home, &at, &[], &by_file).stderr.contains("chmod 600"));
    std::fs::set_permissions(home.path("token"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let made = by(&home, &at, &[], &by_file);
    assert_eq!(made.code, Some(0), "{made:?}");
    let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(made, json!({ "user": "alice", "email": "alice@example.org", "role": "admin" }));
    assert_eq!(by(&home, &at, &[], &["login", "alice"]).code, Some(0));
    // An admin who is logged in makes accounts for others.
    let new = [("P2P_NEW_PASSWORD", PASSWORD)];
    let made = by(&home, &at, &new, &["register", "bob", "bob@example.org"]);
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), "bob is registered, as user\n"), "{made:?}");
    let taken = by(&home, &at, &new, &["register", "bob", "other@example.org"]);
    assert!(taken.code == Some(1) && taken.stderr.contains("bob"), "{taken:?}");
    assert!(by(&home, &at, &[], &["whoami", "--user", "bob"]).stdout.starts_with("bob, user"));
    assert_eq!(served.stop().code, Some(0));
    assert_eq!(home.json(&["sessions"]).as_array().unwrap().len(), 1, "no session of a registration is left");
    let told = home.wrong_usage(&["register", "carol", "carol@example.org", "--admission-file", "token"]);
    assert!(told.contains("--admission-file is of a server"), "{told}");
}

/// Kept uploads are listed and undone as without a server.
#[test]
fn kept_uploads_are_listed_and_undone() {
    let home = of_alice(SLOW);
    home.file("a.bin", 8 << 20);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    assert_eq!((at.ok(&["uploads"]).trim(), at.json(&["uploads"])), ("no uploads are kept", json!([])));
    let child = home.spawn(&at.words(&["put", "a.bin", "--keep", "--as", "b.bin"]));
    Watching::new(&at, "Segment").wait_for(|event| event["fields"]["stage"] == "acknowledged");
    let running = at.json(&["uploads"]);
    let is_under_way = running[0]["state"].as_str().is_some_and(|state| ["running", "waiting", "idle"].contains(&state));
    assert!(is_under_way && running[0]["name"] == "b.bin", "{running}");
    signal(&child, "INT");
    let said = end_of(child);
    assert!(said.code == Some(130) && said.stderr.contains("if `p2p --connect"), "{said:?}");
    wait_until("the end of the upload", || at.json(&["uploads"])[0]["state"] == "parked");
    let (listed, text) = (at.json(&["uploads"]), at.ok(&["uploads"]));
    let id = listed[0]["id"].as_str().unwrap();
    assert!(text.contains(id) && text.contains("b.bin") && text.contains("parked"), "{text}");
    assert_eq!(served.stop().code, Some(0));
    assert_eq!(listed, home.json(&["uploads"]), "as without a server");
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let undone = at.json(&["uploads", "--forget", id]);
    assert_eq!((&undone["name"], &undone["bytes"], &undone["owner"]), (&"b.bin".into(), &listed[0]["offset"], &"alice".into()));
    assert_eq!(undone.as_object().unwrap().len(), documented("rm").keys().filter(|name| name.starts_with("files[].")).count());
    let told = at.refused(&["uploads", "--forget", id]);
    assert!(told.contains(id), "{told}");
    home.wrong_usage(&at.words(&["uploads", "--forget", "x"]));
    assert_eq!(served.stop().code, Some(0));
    assert_eq!(home.json(&["uploads"]), json!([]));
}

/// Waits until a command has said that time is paused, lets it pass again, and returns what else it has said.
fn resumed(at: &At, mut child: Child) -> Vec<String> {
    let said = lines(child.stderr.take().unwrap());
    let told = said.recv_timeout(DEADLINE).unwrap();
    assert!(told.contains("virtual time is paused at grpc://") && told.contains(" resume` lets it pass"), "{told}");
    at.ok(&["resume"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    said.iter().collect()
}

/// What waits for time that stands still says so, once; a step does not wait for it.
#[test]
fn what_waits_for_time_that_stands_still_says_so() {
    let home = of_root(QUICK);
    let content = home.file("a.bin", 300_000);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    at.ok(&["kill", "3"]);
    for arguments in [&["put", "a.bin"][..], &["get", "a.bin", "-o", "b.bin"], &["rm", "a.bin"], &["faults", "clear"]] {
        at.ok(&["pause"]);
        let more = resumed(&at, home.spawn(&at.words(arguments)));
        assert!(!more.iter().any(|line| line.contains("paused")), "{arguments:?}: {more:?}");
    }
    assert!(read(home.path("b.bin")) == content);
    at.ok(&["pause"]);
    let said = at.run(&["step", "3s"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// Each question about the state of the network is one request.
#[test]
fn the_state_of_the_network_is_asked_for_once() {
    let home = of_root(QUICK);
    for (line, requests) in [("pause", 1), ("speed", 1), ("speed 2x", 1), ("status", 3)] {
        let served = Served::start(&home, &[]);
        let at = At::new(&home, &served);
        at.ok(&line.split(' ').collect::<Vec<_>>());
        let said = served.stop();
        let counted = if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") };
        assert!(said.stderr.contains(&format!("after 1 connection and {counted}\n")), "{line}: {said:?}");
    }
}

/// Ctrl-C gives up a password that is asked for, and says that nothing has changed.
#[test]
fn a_question_of_a_login_is_given_up() {
    let home = registered(QUICK, &["alice"]);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let words = at.words(&["whoami", "--user", "alice"]);
    let mut pty = Pty::start(program(&home.path(""), &words));
    pty.shows("Password: ");
    pty.send("\u{3}");
    let (code, said) = pty.end();
    assert!(code == 1 && said.contains("given up"), "{code}: {said}");
    assert_eq!(served.stop().code, Some(0));
}

/// Events are told in the words of the log of the screen, on its clock.
#[test]
fn events_are_told_in_words() {
    let home = of_alice(QUICK);
    home.file("a.bin", 100_000);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    at.ok(&["put", "a.bin"]);
    let kinds = ["--kind", "FileStored", "--kind", "Segment", "--kind", "Connected"];
    let mut child = home.spawn(&at.words(&[&["events", "--after", "0:0"][..], &kinds].concat()));
    let said = lines(child.stdout.take().unwrap());
    let mut told = Vec::new();
    while !told.last().is_some_and(|line: &String| line.contains("FileStored")) {
        told.push(said.recv_timeout(DEADLINE).unwrap());
    }
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(told.iter().all(|line| !line.contains(['{', '"'])), "{told:?}");
    let has = |ends: &str| told.iter().any(|line| line.contains(ends));
    assert!(has(" FileStored: a.bin is stored: 97.7 KiB") && has(" Connected: connected to Node_0"), "{told:?}");
    assert!(told.iter().any(|line| line.contains(" segment 1 acknowledged, Node_0")), "{told:?}");
    // The clock of the screen: minutes, seconds and a tenth.
    let at = told[0].split(' ').nth(1).unwrap();
    assert!(at.len() == 7 && at.starts_with("00:0") && at.as_bytes()[5] == b'.', "{at}");
    assert_eq!(served.stop().code, Some(0));
}

/// The bar has the rate and the time that is left on the clock of the table that follows, as the server measures them.
#[test]
fn a_bar_has_the_figures_of_the_server() {
    let home = of_alice("[network]\nbandwidth = '128KiB/s'\nloss = '0%'\n");
    home.file("a.bin", 1 << 20);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let (file, data) = (home.path("a.bin"), home.data());
    let words = ["put", file.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    let pty = Pty::start(program(&home.path(""), &at.words(&words)));
    wait_until("the figures", || {
        pty.text().lines().any(|line| line.contains("KiB/s eta 00:") && line.trim_end().ends_with("virtual"))
    });
    let (code, said) = pty.end();
    assert!(code == 0 && said.contains("virtual time"), "{said}");
    assert_eq!(served.stop().code, Some(0));
}
