//! Transfers that clients of a node's SSH server begin: the host of the node carries them.

use russh_sftp::protocol::StatusCode;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::services::sftp::{content, put, refused, sftp};

/// Asks for JSON by a command.
async fn json_of(session: &Handle<Anyone>, command: &str) -> Value {
    let answer = told(session, Some(&format!("{command} --json")), b"").await;
    serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Bytes that nodes have sent and received by their links so far, the first node first.
async fn passed(session: &Handle<Anyone>) -> Vec<[u64; 2]> {
    let nodes = json_of(session, "nodes").await;
    let of = |node: &Value| ["bytes_sent", "bytes_received"].map(|field| node[field].as_u64().unwrap());
    nodes.as_array().unwrap().iter().map(of).collect()
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
        let sent = |from: &[[u64; 2]], to: &[[u64; 2]], node: usize, way: usize| to[node][way] - from[node][way];
        // Two of three segments go to the others.
        assert!(sent(&before, &stored, 1, 0) > 1 << 20, "{before:?} {stored:?}");
        assert!(sent(&before, &stored, 1, 1) < 1 << 18, "{before:?} {stored:?}");
        assert!(files.read("a.bin").await.unwrap() == all);
        let read = passed(&session).await;
        assert!(sent(&stored, &read, 1, 1) > 1 << 20, "{stored:?} {read:?}");
        let sum = told(&session, Some("sha256sum /files/a.bin"), b"").await;
        assert_eq!(sum.status, Some(0), "{sum:?}");
        let transfers = json_of(&session, "transfers").await;
        let hosts: Vec<&Value> = transfers.as_array().unwrap().iter().map(|transfer| &transfer["host"]).collect();
        assert!(hosts.len() >= 3 && hosts.iter().all(|host| **host == json!("Node_02")), "{transfers}");
        assert!(told(&session, Some("transfers"), b"").await.out.contains("upload via Node_02"));
        // The client's connection would be shown before that of a node.
        let trace = json_of(&session, "trace Node_01").await;
        assert_eq!(trace["connection"]["host"], json!("Node_02"), "{trace}");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Other users' sessions at other nodes, and what is cut elsewhere, are no matter of an upload at a node; and a file that is not whole when
/// the node is killed is no file.
#[test]
fn a_cut_elsewhere_and_a_kill_here() {
    let (home, served) = of_alice();
    let address = served.ssh("Node_02");
    let admin = served.ssh("Node_01");
    on_a_runtime(async {
        let (session, files) = (logged_in(admin).await, sftp(address).await);
        // The first account is the admin's.
        let cut = told(&session, Some("path 'client<->Node_03' --cut"), b"").await;
        assert_eq!(cut.status, Some(0), "{cut:?}");
        let all = content(1 << 20);
        put(&files, "a.bin", &all).await;
        let nodes = json_of(&session, "nodes").await;
        assert!(nodes[2]["segments"].as_u64().unwrap() > 0, "{nodes}");
        let mut file = files.create("b.bin").await.unwrap();
        file.write_all(&all[..500_000]).await.unwrap();
        let killed = told(&session, Some("kill Node_02"), b"").await;
        assert_eq!(killed.status, Some(0), "{killed:?}");
        // The session is cut, whatever it was at.
        while files.metadata("a.bin").await.is_ok() {}
        let elsewhere = sftp(admin).await;
        assert_eq!(refused(elsewhere.open("b.bin").await.map(drop)).status_code, StatusCode::NoSuchFile);
        assert!(told(&session, Some("ls"), b"").await.out.contains("a.bin"));
    });
    drop(home);
    assert_eq!(served.stop().code, Some(0));
}
