//! Transfers that clients of a node's SSH server begin: the host of the node carries them.

use russh_sftp::protocol::StatusCode;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::services::sftp::{content, put, refused, sftp};

/// Carries a command out that succeeds.
async fn done(session: &Handle<Anyone>, command: &str) -> String {
    let answer = told(session, Some(command), b"").await;
    assert_eq!(answer.status, Some(0), "{command}: {answer:?}");
    answer.out
}

/// Returns what follows a word at the begin of a line about a node.
async fn told_of_node(session: &Handle<Anyone>, node: &str, word: &str) -> String {
    let text = done(session, &format!("node {node}")).await;
    let line = text.lines().find_map(|line| line.trim().strip_prefix(word));
    line.unwrap_or_else(|| panic!("{word}: {text}")).trim().to_owned()
}

/// Mebibytes that Node_02 has sent and received by its link so far.
async fn passed(session: &Handle<Anyone>) -> [f64; 2] {
    let mut both = [0.0; 2];
    for (mebibytes, word) in both.iter_mut().zip(["sent", "received"]) {
        let told = told_of_node(session, "Node_02", word).await;
        let (number, unit) = told.split_once(' ').unwrap();
        let bytes = ["B", "KiB", "MiB"].iter().position(|name| unit.starts_with(name) && unit.len() == name.len()).unwrap();
        *mebibytes = number.parse::<f64>().unwrap() / 1024_f64.powi(2 - bytes as i32);
    }
    both
}

/// What is stored at a node and read there crosses the node's own link, and the list of transfers says so. The client sends no packet of a
/// connection.
#[test]
fn what_is_stored_at_a_node_leaves_by_its_link() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_02");
    on_a_runtime(async {
        let (session, files) = (logged_in(address).await, sftp(address).await);
        let before = passed(&session).await;
        let all = content(2 << 20);
        put(&files, "a.bin", &all).await;
        let stored = passed(&session).await;
        // Two of three segments go to the others.
        let [sent, received] = [0, 1].map(|way| stored[way] - before[way]);
        assert!((1.2..1.8).contains(&sent) && received < 0.3, "{before:?} {stored:?}");
        assert!(files.read("a.bin").await.unwrap() == all);
        let read = passed(&session).await;
        let [sent, received] = [0, 1].map(|way| read[way] - stored[way]);
        assert!(received > 1.2 && sent < 0.3, "{stored:?} {read:?}");
        done(&session, "sha256sum /files/a.bin").await;
        let transfers = done(&session, "transfers").await;
        assert!(transfers.contains("upload via Node_02"), "{transfers}");
        // The client's connection would be shown before that of a node.
        let trace = done(&session, "trace Node_01").await;
        assert!(trace.lines().any(|line| line.contains("ends") && line.contains("Node_02 ")), "{trace}");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Other users' sessions at other nodes, and what is cut elsewhere, are no matter of an upload at a node; and a file that is not whole when
/// the node is killed is no file.
#[test]
fn a_cut_elsewhere_and_a_kill_here() {
    let (_home, served) = of_alice();
    let (address, admin) = (served.ssh("Node_02"), served.ssh("Node_01"));
    on_a_runtime(async {
        let (session, files) = (logged_in(admin).await, sftp(address).await);
        // The first account is the admin's.
        done(&session, "path client,3 --cut").await;
        let all = content(1 << 20);
        put(&files, "a.bin", &all).await;
        let held = told_of_node(&session, "Node_03", "stored").await;
        assert!(!held.starts_with("0 B"), "{held}");
        let mut file = files.create("b.bin").await.unwrap();
        file.write_all(&all[..500_000]).await.unwrap();
        done(&session, "kill Node_02").await;
        // The session is cut, whatever it was at.
        while files.metadata("a.bin").await.is_ok() {}
        let elsewhere = sftp(admin).await;
        assert_eq!(refused(elsewhere.open("b.bin").await.map(drop)).status_code, StatusCode::NoSuchFile);
        assert!(done(&session, "ls").await.contains("a.bin"));
    });
    assert_eq!(served.stop().code, Some(0));
}
