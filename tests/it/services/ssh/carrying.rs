//! Transfers that clients of a node's SSH server begin: the host of the node carries them.

use russh_sftp::protocol::StatusCode;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::services::connect::At;
use crate::services::sftp::{content, put, refused, sftp};

/// Carries a command out that succeeds.
async fn done(session: &Handle<Anyone>, command: &str) -> String {
    let answer = told(session, Some(command), b"").await;
    assert_eq!(answer.status, Some(0), "{command}: {answer:?}");
    answer.out
}

/// Starts the services of SSH and of gRPC.
fn both_served(home: &Home) -> Served {
    Served::start(home, &["--ssh=:0", "--speed=max"])
}

/// Bytes that nodes have sent and received by their links so far, the first node first.
fn passed(at: &At<'_>) -> Vec<[u64; 2]> {
    let of = |node: &Value| ["bytes_sent", "bytes_received"].map(|field| node[field].as_u64().unwrap());
    at.json(&["nodes"]).as_array().unwrap().iter().map(of).collect()
}

/// What is stored at a node and read there crosses the node's own link, and the list of transfers says so. The client sends no packet of a
/// connection.
#[test]
fn what_is_stored_at_a_node_leaves_by_its_link() {
    let home = with_key();
    let served = both_served(&home);
    let (at, address) = (At::new(&home, &served), served.ssh("Node_02"));
    on_a_runtime(async {
        let (session, files) = (logged_in(address).await, sftp(address).await);
        let before = passed(&at);
        let all = content(2 << 20);
        put(&files, "a.bin", &all).await;
        let stored = passed(&at);
        let sent = |from: &[[u64; 2]], to: &[[u64; 2]], node: usize, way: usize| to[node][way] - from[node][way];
        // Two of three segments go to the others.
        assert!(sent(&before, &stored, 1, 0) > 1 << 20, "{before:?} {stored:?}");
        assert!(sent(&before, &stored, 1, 1) < 1 << 18, "{before:?} {stored:?}");
        assert!(files.read("a.bin").await.unwrap() == all);
        let read = passed(&at);
        assert!(sent(&stored, &read, 1, 1) > 1 << 20, "{stored:?} {read:?}");
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
    let home = with_key();
    let served = both_served(&home);
    let (at, address, admin) = (At::new(&home, &served), served.ssh("Node_02"), served.ssh("Node_01"));
    on_a_runtime(async {
        let (session, files) = (logged_in(admin).await, sftp(address).await);
        // The first account is the admin's.
        done(&session, "path client,3 --cut").await;
        let all = content(1 << 20);
        put(&files, "a.bin", &all).await;
        let nodes = at.json(&["nodes"]);
        assert!(nodes[2]["segments"].as_u64().unwrap() > 0, "{nodes}");
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
