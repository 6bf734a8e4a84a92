//! Content that `p2p --connect` sends and fetches: what is not as it should be is no file on either side.

use std::io::Write;

use serde_json::Value;

use super::Served;
use super::connect::{At, Watching, of_alice};
use crate::program::{end_of, read};

/// A file that changes while it is sent is never one of the server, kept or not, and the next one is stored.
#[test]
fn a_file_that_changes_while_it_is_sent_is_refused() {
    let home = of_alice("[network]\nbandwidth = '2MiB/s'\nloss = '0%'\n");
    // A multiple of the chunks that are sent, all of which are on their way before its end is found, and more than is read ahead.
    let content = home.file("a.bin", 8 << 20);
    let next = home.file("next.bin", 1000);
    let served = Served::start(&home, &[]);
    let at = At::new(&home, &served);
    let mut last = Some(0);
    for keep in [false, true] {
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
        assert_eq!(at.json(&["ls"]).as_array().unwrap().len(), 1, "{keep}");
    }
    at.ok(&["get", "next.bin", "-o", "got.bin"]);
    assert!(read(home.path("got.bin")) == next);
    assert_eq!(served.stop().code, Some(0));
}
