//! Uploads of `sftp put` while they are under way: what is told of them, and what becomes of one that is interrupted while nodes still store it.

use std::io::Write;

use super::transfers::{held, wait_for_a_segment};
use super::*;
use crate::program::read;
use crate::services::connect::{At, Watching};

fn both(home: &Home) -> Served {
    Served::of(home.spawn(&["serve", "--grpc", ":0", "--ssh", ":0", "--speed=max"]))
}

/// Waits until an upload has this state, which is the same word wherever it is told.
fn wait_for_state(at: &At, state: &str) {
    wait_until(state, || at.json(&["uploads"])[0]["state"] == state);
}

/// Nothing else is stored than the content that was sent, and what is there stays until then.
#[test]
fn content_of_another_digest_replaces_nothing() {
    let home = with_key();
    let content = home.file("a.bin", 1 << 20);
    home.ok(&["put", "a.bin"]);
    let served = both(&home);
    let at = At::new(&home, &served);
    // What is kept of another content, to replace the file.
    let mut put = held(&home, &["sftp", "put", "Node_01", "-", "--as", "a.bin", "--resume", "--force"]);
    put.stdin.as_mut().unwrap().write_all(&[7; 700_000]).unwrap();
    wait_for_a_segment(&at, "a.bin");
    signal(&put, "INT");
    let said = end_of(put);
    assert!(said.code == Some(130) && said.stderr.contains("stored at Node_01"), "{said:?}");
    let refused = home.refused(&["sftp", "put", "Node_02", "a.bin", "--resume", "--force"]);
    assert!(refused.contains("SHA-256"), "{refused}");
    home.ok(&["sftp", "get", "Node_01", "a.bin", "-o", "b.bin"]);
    assert!(read(home.path("b.bin")) == content);
    assert_eq!(at.json(&["uploads"]), json!([]));
    assert_eq!(served.stop().code, Some(0));
}

/// What nodes still store of an upload whose client is gone is waited for by who sends it again, and goes on.
#[test]
fn an_upload_goes_on_while_nodes_still_store_it() {
    let home = with_key();
    let content = home.file("a.bin", 1 << 20);
    let served = both(&home);
    let at = At::new(&home, &served);
    let mut put = held(&home, &["sftp", "put", "Node_01", "-", "--as", "a.bin", "--resume"]);
    put.stdin.as_mut().unwrap().write_all(&content[..200_000]).unwrap();
    wait_for_a_segment(&at, "a.bin");
    at.ok(&["pause"]);
    put.stdin.as_mut().unwrap().write_all(&content[200_000..600_000]).unwrap();
    // What follows is on its way, and arrives nowhere while time stands still.
    let is_on_its_way = |event: &Value| event["fields"]["stage"] == "queued" && event["fields"]["timeline"]["index"] == 4;
    Watching::new(&at, "Segment").wait_for(is_on_its_way);
    signal(&put, "INT");
    let said = end_of(put);
    assert!(said.code == Some(130) && said.stderr.contains("goes on where it was"), "{said:?}");
    wait_for_state(&at, "parking");
    assert!(home.ok(&["ssh", "Node_01", "transfers"]).contains("parking"));
    let again = home.spawn(&["sftp", "put", "Node_02", "a.bin", "--resume", "--json"]);
    at.ok(&["resume"]);
    let said = end_of(again);
    assert_eq!(said.code, Some(0), "{said:?}");
    let put: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(put["files"][0]["kept_bytes"].as_u64().is_some_and(|kept| kept > 0), "{put}");
    home.ok(&["sftp", "get", "Node_01", "a.bin", "-o", "b.bin"]);
    assert!(read(home.path("b.bin")) == content);
    assert_eq!(served.stop().code, Some(0));
}

/// An interruption ends within its time although the nodes cannot remove anything while time stands still, and they remove it then.
#[test]
fn an_interruption_does_not_wait_for_the_nodes() {
    let home = with_key();
    home.file("a.bin", 1 << 20);
    let served = both(&home);
    let at = At::new(&home, &served);
    let mut put = held(&home, &["sftp", "put", "Node_01", "-", "--as", "a.bin"]);
    put.stdin.as_mut().unwrap().write_all(&[7; 300_000]).unwrap();
    wait_for_a_segment(&at, "a.bin");
    at.ok(&["pause"]);
    signal(&put, "INT");
    let said = end_of(put);
    assert!(said.code == Some(130) && said.stderr.contains("Node_01 removes what it has of `a.bin`"), "{said:?}");
    at.ok(&["resume"]);
    wait_until("the removal", || at.json(&["uploads"]) == json!([]));
    home.ok(&["sftp", "put", "Node_01", "a.bin"]);
    assert_eq!(served.stop().code, Some(0));
}

/// Who has logged in by `p2p login` is meant where nobody is named, also where several users have keys.
#[test]
fn who_has_logged_in_is_meant() {
    let home = with_users(&["alice", "bob"]);
    home.ok(&["keygen", "bob"]);
    let served = served(&home);
    assert!(home.ok(&["ssh", "Node_01", "whoami"]).contains("alice"));
    assert_eq!(home.ok(&["sftp", "ls", "Node_01"]), "nothing in it\n");
    assert!(home.ok(&["broadcast", "whoami"]).contains("alice"));
    for arguments in [&["ssh", "-l", "bob", "Node_01", "whoami"][..], &["ssh", "bob@Node_01", "whoami"]] {
        assert!(home.refused(arguments).contains("Node_01 has asked for what nobody answers"), "{arguments:?}");
    }
    assert_eq!(served.stop().code, Some(0));
}
