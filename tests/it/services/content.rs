//! Content that `p2p --connect` sends and fetches: what is not as it should be is no file on either side.

use std::io::Write;

use serde_json::Value;

use super::connect::{At, Watching, of_alice, of_root};
use super::{Served, asked, connect, lines, names_its_output};
use crate::program::{DEADLINE, end_of, read};

/// A file that changes while it is sent is never one of the server, kept or not, and the next one is stored.
#[test]
fn a_file_that_changes_while_it_is_sent_is_refused() {
    let home = of_alice(asked::SLOW);
    // A multiple of the chunks that are sent, all of which are on their way before its end is found, and more than is read ahead.
    let content = home.file("a.bin", 8 << 20);
    let next = home.file("next.bin", 1000);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let mut last = Some(0);
    // The one of a single file first: what a watch tells from the begin of the run on is of no file after it.
    for (keep, stored) in [(true, 0), (false, 1)] {
        std::fs::write(home.path("a.bin"), &content).unwrap();
        let mut acknowledged = Watching::new(&at, "Segment");
        let words = if keep { ["put", "a.bin", "--keep"] } else { ["put", "a.bin", "next.bin"] };
        let child = home.spawn(&at.words(&words));
        let is_new = |event: &Value| event["fields"]["stage"] == "acknowledged" && event["transfer"].as_u64() > last;
        last = acknowledged.wait_for(is_new)["transfer"].as_u64();
        std::fs::File::options().write(true).open(home.path("a.bin")).unwrap().write_all(b"changed").unwrap();
        let said = end_of(child);
        assert!(
            said.code == Some(1) && said.stderr.contains("a.bin changed while it was read; nothing of it is stored"),
            "{said:?}"
        );
        // Told at the begin alone: what differs from what is kept cannot continue it.
        assert_eq!(said.stderr.matches("--resume").count(), usize::from(keep), "{said:?}");
        assert_eq!(said.stderr.contains("nothing of the upload is kept"), keep, "{said:?}");
        assert_eq!(at.json(&["ls"]).as_array().unwrap().len(), stored, "{keep}");
    }
    at.ok(&["get", "next.bin", "-o", "got.bin"]);
    assert!(read(home.path("got.bin")) == next);
    assert_eq!(served.stop().code, Some(0));
    // Neither the one that was kept nor the other is left in parts.
    assert_eq!(home.json(&["uploads"]), serde_json::json!([]));
}

/// A change after the last byte was read, while the server stores what was sent, is told: what is stored is the file as it was.
#[test]
fn a_file_that_changes_after_it_was_sent_is_told() {
    let home = of_root("[network]\nbandwidth = '2KiB/s'\nloss = '0%'\n");
    // One segment, which is on its way for half a minute, and which the server takes at once.
    let content = home.file("a.bin", 60_000);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let mut begun = Watching::new(&at, "Segment");
    let child = home.spawn(&at.words(&["put", "a.bin"]));
    // The last segment that a stream has is cut at its end.
    begun.wait_for(|event| event["fields"]["stage"] == "queued");
    std::fs::File::options().append(true).open(home.path("a.bin")).unwrap().write_all(b"more").unwrap();
    at.ok(&["speed", "max"]);
    let said = end_of(child);
    assert!(said.code == Some(0) && said.stderr.contains("a.bin has changed since it was read; what is stored"), "{said:?}");
    at.ok(&["get", "a.bin", "-o", "got.bin"]);
    assert!(read(home.path("got.bin")) == content);
    assert_eq!(served.stop().code, Some(0));
}

/// A file that is removed while it is fetched is no file here, and its loss is not told as one of data.
#[test]
fn a_file_that_is_removed_while_it_is_fetched_is_told() {
    let home = of_alice(connect::SLOW);
    home.file("a.bin", 2 << 20);
    home.ok(&["put", "a.bin"]);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let child = home.spawn(&at.words(&["get", "a.bin", "-o", "got.bin"]));
    Watching::new(&at, "Segment").wait_for(|event| event["fields"]["stage"] == "acknowledged");
    at.ok(&["rm", "a.bin"]);
    let said = end_of(child);
    assert!(said.code == Some(1) && said.stderr.contains("the file was removed in the meantime"), "{said:?}");
    assert!(said.stderr.contains("ls` lists what is stored") && !home.path("got.bin").exists(), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// A client that another one displaces is told by whom, and is not told to come back.
#[test]
fn a_client_whose_upload_is_taken_over_is_told() {
    let home = of_alice(asked::SLOW);
    let content = home.file("a.bin", 8 << 20);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let mut displaced = home.spawn(&at.words(&["put", "a.bin", "--keep"]));
    let told = lines(displaced.stderr.take().unwrap());
    let id = told.recv_timeout(DEADLINE).unwrap().split("upload ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    Watching::new(&at, "Segment").wait_for(|event| event["fields"]["stage"] == "acknowledged");
    let done = at.ok(&["put", "a.bin", "--resume", &id]);
    // What goodput is measured by is told beside the size of the whole.
    assert!(done.contains("sent now") && done.contains("8.0 MiB"), "{done}");
    assert_eq!(displaced.wait().unwrap().code(), Some(1));
    let said: Vec<String> = told.iter().collect();
    assert!(said[0].contains(&format!("another client has taken upload {id} over")), "{said:?}");
    assert!(said.iter().all(|line| !line.contains("--resume")), "{said:?}");
    at.ok(&["get", "a.bin", "-o", "got.bin"]);
    assert!(read(home.path("got.bin")) == content);
    assert_eq!(served.stop().code, Some(0));
}

/// What cannot be written is named: standard output, or the file; one who reads no more is no failure.
#[test]
fn what_cannot_be_written_is_named() {
    let home = of_alice(crate::program::QUICK);
    home.file("a.bin", 200_000);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    at.ok(&["put", "a.bin"]);
    let words = at.words(&["get", "a.bin", "-o", "-"]);
    names_its_output(&home, &words);
    assert_eq!(served.stop().code, Some(0));
}
