//! Public keys of an account, by the commands of the real binary.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use p2p_shell::words::Variables;
use serde_json::Value;

use crate::places::Shells;
use crate::program::{Home, QUICK};

/// A key that `ssh-keygen` has made, and its fingerprint by `ssh-keygen -l`.
const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHC7qH7pCU9fvWCJDK5A9yDaJLxdAELchLh8ALDdqXu3 alice@laptop";
const FINGERPRINT: &str = "SHA256:ZMj6MPgHS7qu7+4B/T9OWjCvOY3c+yOJSvCEiyiVNfU";

fn house() -> Home {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    fs::write(home.path("ed.pub"), format!("{LINE}\n")).unwrap();
    home
}

#[test]
fn a_key_is_added_from_its_file_or_as_a_line_and_removed() {
    let home = house();
    let said = home.ok(&["run", "-c", "key list; key add laptop ed.pub; key list"]);
    for words in ["no keys", &format!("key laptop is added: ssh-ed25519 {FINGERPRINT}"), FINGERPRINT] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let line = format!("key add desk --key '{LINE}'");
    let again = home.refused(&["run", "-c", &line]);
    assert!(again.contains("the key is yours already, under the name `laptop`"), "{again}");
    let removed = home.ok(&["run", "-c", "keys remove LAPTOP"]);
    assert!(removed.contains(&format!("key laptop is removed: {FINGERPRINT}")), "{removed}");
    assert!(home.refused(&["run", "-c", "key remove laptop"]).contains("you have no key `laptop`; `key list` lists them"));
    let said = home.ok(&["run", "--json", "-c", &format!("{line}; key list")]);
    let answers: Vec<Value> = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["answer"].clone()).collect();
    assert_eq!((&answers[0], answers[0]["fingerprint"].as_str()), (&answers[1][0], Some(FINGERPRINT)));
    let audit = home.ok(&["run", "-c", "audit"]);
    assert!(audit.contains("add key") && audit.contains("remove key") && audit.contains(FINGERPRINT), "{audit}");
}

#[test]
fn what_is_no_public_key_is_told_and_not_repeated() {
    let home = house();
    let secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n";
    fs::write(home.path("private"), secret).unwrap();
    fs::write(home.path("long"), format!("{LINE} {}", "x".repeat(20_000))).unwrap();
    fs::write(home.path("two"), format!("{LINE}\n{LINE}\n")).unwrap();
    fs::write(home.path("bytes"), [0xff; 100]).unwrap();
    fs::write(home.path("empty"), "").unwrap();
    symlink("/dev/zero", home.path("endless")).unwrap();
    assert!(Command::new("mkfifo").arg(home.path("pipe")).status().unwrap().success());
    for (line, words) in [
        ("key add a private", "that is a private key, which is given to nobody"),
        ("key add a none", "cannot read the key in"),
        ("key add a long", "that is no public key"),
        ("key add a two", "there are 2 keys, and one is taken at a time"),
        ("key add a empty", "there are 0 keys"),
        ("key add a bytes", "that is no public key"),
        ("key add a endless", "that is no public key"),
        ("key add a pipe", "that is no public key"),
        ("key add a .", "that is no public key"),
        ("key add a --key 'b3BlbnNzaC1rZXktdjE'", "that is no public key"),
        ("key add a", "say which key: PATH of its file, or --key with the line itself; usage: key add|list|remove"),
        ("key add a ed.pub --key x", "not in both"),
        ("key add", "NAME is missing"),
        ("key add 'a b' ed.pub", "that is no name of a key"),
        ("key list a", "unexpected argument `a`"),
        ("key list --key x", "--key is for a new key"),
        ("key remove a b", "unexpected argument `b`"),
    ] {
        let said = home.refused(&["run", "-c", line]);
        assert!(said.contains(words) && said.matches("b3Blb").count() == line.matches("b3Blb").count(), "{line}: {said}");
    }
    assert!(home.ok(&["run", "-c", "key list"]).contains("no keys"));
}

#[test]
fn keys_are_for_sessions_and_from_remote_the_line_alone() {
    let home = house();
    let token = home.ok(&["token", "new", "ci", "--scope", "admin"]).trim().to_owned();
    for line in ["key list", "key add a ed.pub", "key remove a"] {
        let said = home.command(&["run", "-c", line]).env("P2P_TOKEN", &token).output().unwrap();
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains("needs a session, and an API token is none"), "{line}: {said}");
    }
    let shells = Shells::new();
    let bob = shells.user("bob");
    let run = |line: &str| {
        let answer = shells.runtime.block_on(bob.run_to_end(line, &Variables::new()));
        answer.map(|answer| answer.view.text()).map_err(|error| error.to_string())
    };
    assert!(run(&format!("key add a --key '{LINE}'")).unwrap().contains(FINGERPRINT));
    assert!(run("key list").unwrap().contains(FINGERPRINT));
    assert!(run("key add b ed.pub").unwrap_err().contains("refused to clients of its services"));
}
