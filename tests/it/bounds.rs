//! What comes to an end: virtual time, and the disk that a capture is written to. Both are told of, and nothing goes on without.

use std::fs;
use std::process::Command;

use pcap_file::pcapng::{Block, PcapNgReader};

use crate::program::{Home, QUICK, end_of, signal, wait_until};

/// Virtual time ends after 2^64 ns. Whoever wants more is refused, and what cannot be done any more fails.
#[test]
fn the_end_of_virtual_time_is_told() {
    let home = Home::new("[network]\nloss = '0%'\n[health]\ninterval = '0s'\n");
    home.file("a.bin", 400_000);
    for (script, says) in [
        ("sleep 5000000h; sleep 5000000h; echo reached", "virtual time ends 5124095 h after its start"),
        ("sleep 5000000h; pause; step 5000000h", "virtual time ends 5124095 h after its start"),
        ("sleep 18446744073s; upload a.bin", "after 5124095:34:33."),
        ("sleep 5124096h", "at most 5124095h"),
    ] {
        let said = home.run(&["run", "-c", script]);
        assert!(said.code == Some(1) && said.stderr.contains(says) && !said.stdout.contains("reached"), "{script}: {said:?}");
    }
    // Up to there everything is as ever.
    home.ok(&["run", "-c", "sleep 5124095h; upload a.bin; verify a.bin"]);
}

/// The whole packets of a capture, which ends with one.
fn packets(file: &[u8]) -> usize {
    let mut reader = PcapNgReader::new(file).unwrap();
    let mut count = 0;
    while let Some(block) = reader.next_block() {
        count += usize::from(matches!(block.unwrap(), Block::EnhancedPacket(_)));
    }
    count
}

/// A full disk ends a capture at a whole packet, and both the command that ends it and the exit code say so.
#[test]
fn a_capture_that_finds_no_room_says_so_and_is_whole() {
    let home = Home::new(QUICK);
    home.file("a.bin", 6_000_000);
    for (trap, script, name) in [
        ("trap '' XFSZ; ", "capture start x.pcapng; upload a.bin; capture stop", "x.pcapng"),
        ("", "capture start y.pcapng; upload a.bin --as b", "y.pcapng"),
        // The line that ends it is another one, and begins as if the capture went on.
        ("trap '' XFSZ; ", "capture start z.pcapng; upload a.bin --as c\necho goes on; capture stop; echo reached", "z.pcapng"),
    ] {
        // No file may be larger, and the process is told of it by an error, whether the signal of that is ignored or not.
        let limited = format!("{trap}ulimit -f 3000; exec {} run -c '{script}'", env!("CARGO_BIN_EXE_p2p"));
        let mut command = Command::new("bash");
        command.args(["-c", &limited]).current_dir(home.path(".")).env_clear().env("HOME", home.path("."));
        let said = command.output().unwrap();
        let (stdout, stderr) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
        assert_eq!(said.status.code(), Some(1), "{script}: {stdout} {stderr}");
        assert!(stderr.contains("capturing failed: it ended at") && stdout.contains("stored"), "{stdout} {stderr}");
        let is_in_turn = stdout.contains("goes on") == script.contains("goes on") && !stdout.contains("reached");
        assert!(is_in_turn, "{stdout} {stderr}");
        let file = fs::read(home.path(name)).unwrap();
        assert!(file.len() > 2_900_000 && packets(&file) > 1_500, "{} bytes", file.len());
    }
    // One that cannot be begun leaves nothing.
    assert!(home.refused(&["run", "-c", "capture start none/x.pcapng"]).contains("none/x.pcapng"));
}

/// What a killed program has captured can be read.
#[test]
fn a_killed_capture_is_whole() {
    let home = Home::new("[network]\nbandwidth = '10Mbit/s'\nloss = '0%'\n");
    home.file("a.bin", 6_000_000);
    let child = home.spawn(&["run", "--speed", "1x", "-c", "capture start x.pcapng; upload a.bin"]);
    wait_until("packets are captured", || fs::metadata(home.path("x.pcapng")).is_ok_and(|found| found.len() > 300_000));
    signal(&child, "KILL");
    end_of(child);
    assert!(packets(&fs::read(home.path("x.pcapng")).unwrap()) > 100);
}
