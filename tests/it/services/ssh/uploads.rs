//! Uploads of `sftp put` while they are under way: what is told of them, and what becomes of one that is interrupted while nodes still store it.

use std::io::{Cursor, Read, Write};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use p2p_ssh::client::Connection;
use p2p_ssh::client::known::{Host, KnownBy};
use p2p_ssh::client::login::{Answers, Prompt};
use p2p_ssh::client::sftp::{Progress, Sending, Step};
use secrecy::SecretString;

use super::transfers::{held, wait_for_a_segment};
use super::*;
use crate::program::read;
use crate::services::connect::{At, Watching};

/// Answers what is asked for by the password.
struct ByPassword;

impl Answers for ByPassword {
    async fn answer(&mut self, _: &str, _: &str, prompts: &[Prompt]) -> Option<Vec<SecretString>> {
        Some(prompts.iter().map(|_| SecretString::from(PASSWORD)).collect())
    }
}

/// A connection of alice to a node, which is kept as long as the session is used.
async fn connected(served: &Served, node: &str) -> Connection {
    let address = served.ssh(node);
    let keys = served.ready["host_keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned());
    let known_by = KnownBy::Fingerprints(keys.collect());
    let host = Host { name: node.into(), address: address.ip().to_string(), port: address.port(), known_by };
    let mut connection = Connection::open(host).await.unwrap();
    connection.log_in("alice", &[], &mut ByPassword).await.unwrap();
    connection
}

fn both(home: &Home) -> Served {
    Served::of(home.spawn(&["serve", "--grpc", ":0", "--ssh", ":0", "--speed=max"]))
}

/// Waits until an upload has this state, which is the same word wherever it is told.
fn wait_for_state(at: &At, state: &str) {
    wait_until(state, || at.json(&["uploads"])[0]["state"] == state);
}

/// Content of which the rest comes once it may.
struct Gated(Cursor<Vec<u8>>, Option<Receiver<()>>);

impl Read for Gated {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if let Some(gate) = self.1.take() {
            gate.recv().unwrap();
        }
        self.0.read(into)
    }
}

/// What is told as stored is what nodes have acknowledged, and not what the node at the other end has taken in: while time stands still, that is
/// nothing.
#[test]
fn what_is_told_as_stored_is_stored() {
    let home = with_key();
    let content = home.file("a.bin", 1 << 20);
    let served = both(&home);
    let at = At::new(&home, &served);
    on_a_runtime(async {
        let connection = connected(&served, "Node_01").await;
        let sftp = connection.sftp_to_send().await.unwrap();
        let all = Mutex::new(Vec::<Progress>::new());
        let (may, gate) = channel();
        let source = Gated(Cursor::new(content), Some(gate));
        let sending = Sending { target: "a.bin", size: Some(1 << 20), replaces: false, keeps: false, attributes: None };
        let work = sftp.send(sending, source, |now| all.lock().unwrap().push(now), std::future::pending());
        let look = async {
            let mut looks = tokio::time::interval(Duration::from_millis(10));
            let told = || all.lock().unwrap().iter().filter(|now| now.step == Step::Sending).count();
            while told() == 0 {
                looks.tick().await;
            }
            at.ok(&["pause"]);
            may.send(()).unwrap();
            let before = told();
            while told() < before + 5 {
                looks.tick().await;
            }
            assert!(all.lock().unwrap().iter().all(|now| now.stored == 0), "{all:?}");
            at.ok(&["resume"]);
        };
        let (sent, ()) = tokio::join!(work, look);
        let sent = sent.unwrap();
        assert!(sent.is_compared && sent.bytes == 1 << 20);
        let all = all.lock().unwrap();
        assert_eq!(all.last(), Some(&Progress { step: Step::Storing, stored: 1 << 20 }));
        assert!(all.is_sorted_by_key(|now| now.stored), "{all:?}");
    });
    assert_eq!(served.stop().code, Some(0));
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
