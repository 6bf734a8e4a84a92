//! Values that a command refuses whatever there is: a line of which one command has such a value begins nothing, typed or in a script.

use std::process::Stdio;

use crate::program::{Home, QUICK, end_of};

/// Commands with what each is refused for. None needs more than its words.
const REFUSED: [(&str, &str); 76] = [
    ("sleep 5", "unit"),
    ("sleep -1s", "`-1s`"),
    ("step x", "`x`"),
    ("speed 0x", "`0x`"),
    ("speed fast", "`fast`"),
    ("kill x", "`x` is no node"),
    ("start 0", "`0` is no node"),
    ("refuse x", "`x` is no node"),
    ("node x", "`x` is no node"),
    ("ping x", "`x` is no node"),
    ("stop 2 --within x", "--within"),
    ("restart 3 --within 1", "--within"),
    ("link x --bandwidth 1KiB/s", "`x` is no host"),
    ("link 1", "--bandwidth or --queue"),
    ("link 1 --bandwidth 0", "--bandwidth"),
    ("link 1 --bandwidth 1bit/s", "at the least"),
    ("link 1 --queue 0", "no number from 1"),
    ("link 1 --clear --queue 5", "--clear stands alone"),
    ("disk 1", "--slow, --fail, --full or --corrupt"),
    ("disk 1 --slow 0x", "--slow"),
    ("disk 1 --fail nothing", "--fail"),
    ("disk 1 --corrupt 0", "no number from 1"),
    ("disk 1 --clear --full", "--clear stands alone"),
    ("path 1,2", "--delay, --loss"),
    ("path 1-2 --cut", "no host"),
    ("path 1->1 --delay 5ms", "Node_01 is on both sides"),
    ("path 1,1 --clear", "Node_01 is on both sides"),
    ("path client,3 --loss 500%", "--loss"),
    ("path 1,2 --loss 1% --burst 1%,25%", "give one of them"),
    ("path 1,2 --burst 1", "--burst"),
    ("path 1,2 --delay 61s", "1m at the most"),
    ("path client --cut", "--cut is of one path"),
    ("partition 1|1", "Node_01 is on both sides"),
    ("partition 1,2", "A,B|C,D"),
    ("heal 1", "name both hosts"),
    ("heal 2,2", "Node_02 is on both sides"),
    ("flap 1", "--every SPAN"),
    ("flap 1 --every 1ms", "100ms at the most often"),
    ("flap 2 --times 0", "no number from 1"),
    ("flap 2 --times 3", "--every SPAN is missing"),
    ("faults clear nope", "no fault of the profile `nope` is on"),
    ("faults apply", "PROFILE is missing"),
    ("faults profiles x", "unexpected argument `x`"),
    ("faults clear --parts", "--parts is of the list"),
    ("faults clear satellite x", "`x` is no node"),
    ("download a.bin z1 --range 5-1", "`5-1` is no range"),
    ("download -r a.bin z1 --range 1-5", "--range is of one file"),
    ("uploads forget", "ID is missing"),
    ("uploads forget abc", "`abc`"),
    ("wait x", "`x` is not the number of a transfer"),
    ("segments x", "`x` is not the number of a transfer"),
    ("cancel x", "`x` is not the number of a transfer"),
    ("trace 1 --packets x", "`x` is no number"),
    ("capture start", "PATH is missing"),
    ("capture stop x", "unexpected argument `x`"),
    ("help nope", "there is no command `nope`"),
    ("set 1x y", "no name for a variable"),
    ("expect nope", "say what is expected"),
    ("expect nope contains x", "expected contains x"),
    ("expect kill x = done", "expected = done"),
    ("audit --count 0", "no number from 1"),
    ("sessions revoke", "ID is missing"),
    ("token new", "NAME is missing"),
    ("token new x --expires 1w", "no time from now"),
    ("token new x --expires 367d", "at most 366 days"),
    ("token list --scope read", "--scope is for a new token"),
    ("invite new --expires 31d", "at most 30 days"),
    ("key add", "NAME is missing"),
    ("key add laptop", "say which key"),
    ("key add laptop --key x", "public key"),
    ("key add laptop x.pub --key x", "not in both"),
    ("key list x", "unexpected argument `x`"),
    ("key remove", "NAME is missing"),
    ("key remove laptop --key x", "--key is for a new key"),
    ("segments --node x", "`x` is no node"),
    ("segments 1 --node 2", "--node is for all segments there"),
];

/// Commands that are refused for what is so when the line begins, or for what the commands before them make of it, each with the reason.
const UNTIMELY: [(&str, &str); 27] = [
    ("start 3", "Node_03 runs already"),
    ("kill 3; kill 3", "Node_03 does not run"),
    ("kill 3; stop 3", "Node_03 does not run"),
    ("kill 3; start 3; start 3", "Node_03 runs already"),
    ("stop 3; flap 3 --every 1s", "Node_03 does not run"),
    ("refuse 3; refuse 3", "already"),
    ("restart 3; start 3", "Node_03 runs already"),
    ("disk 2 --clear", "nothing is wrong with the disk of Node_02"),
    ("link 1 --clear", "nothing is wrong with the uplink of Node_01"),
    ("link 1 --queue 5; link 1 --clear; link 1 --clear", "nothing is wrong with the uplink of Node_01"),
    ("path 1,2 --clear", "nothing is wrong with the path Node_01->Node_02"),
    ("heal 1,2", "is not cut"),
    ("partition 1|2; heal; heal 1,2", "is not cut"),
    ("flap 1 --clear", "Node_01 is not flapping"),
    ("faults clear 2", "nothing is wrong with Node_02"),
    ("faults apply slow-wan; faults clear slow-wan; faults clear slow-wan", "no fault of the profile `slow-wan` is on"),
    ("faults apply slow-wan 1; faults clear slow-wan 2", "no fault of the profile `slow-wan` is on for Node_02"),
    ("capture stop", "no capture is running"),
    ("capture start c1; capture start c2", "a capture is running already"),
    ("capture start a.bin", "a.bin already exists"),
    ("capture start c1; capture stop; capture start c1", "an earlier command of the line makes /"),
    ("segments --node 9", "there is no Node_09"),
    ("expect kill 9 contains killed", "expected contains killed"),
    ("expect start 3 = x", "Node_03 runs already"),
    ("kill 3; expect kill 3 contains killed", "Node_03 does not run"),
    ("expect capture stop contains captured", "no capture is running"),
    ("download b.bin z1 --range 2000-", "the range begins at byte 2000"),
];

#[test]
fn a_line_with_a_value_that_is_refused_begins_nothing() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    let lines: Vec<String> = REFUSED.iter().map(|(command, _)| format!("upload a.bin; {command}")).collect();
    let mut child = home.command(&["repl"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), (lines.join("\n") + "\n").as_bytes()).unwrap();
    let typed = end_of(child).stderr;
    for ((command, reason), line) in REFUSED.iter().zip(&lines) {
        let is_told = |said: &str| said.contains(reason) && said.contains("; nothing of the line was begun");
        let told = typed.lines().find(|said| said.starts_with(&format!("`{command}`: ")));
        assert!(told.is_some_and(is_told), "{command}: {told:?} in {typed}");
        let script = home.run(&["run", "-c", line]);
        assert!(script.code != Some(0) && is_told(&script.stderr), "{line}: {script:?}");
    }
    assert!(home.stored().is_empty(), "{typed}");
}

/// An expectation that comes true by what its command is refused for is one, however many stand within each other.
#[test]
fn a_refused_value_may_be_expected() {
    let home = Home::new(QUICK);
    let nested = format!("{}echo x{}", "expect ".repeat(20), " contains x".repeat(20));
    let said = home.run(&["run", "-c", &format!("expect kill x contains 'is no node'; {nested}; expect sleep 5 contains unit")]);
    assert!(said.code != Some(0) && said.stderr.contains("expected contains x"), "{said:?}");
    home.ok(&["run", "-c", "expect kill x contains 'is no node'; expect nope contains 'no command'; echo done"]);
}

#[test]
fn a_line_of_which_a_command_would_come_at_the_wrong_time_begins_nothing() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    home.file("b.bin", 1_000);
    home.ok(&["put", "b.bin"]);
    for (commands, reason) in UNTIMELY {
        let said = home.run(&["run", "-c", &format!("upload a.bin; {commands}")]);
        let is_told = said.stderr.contains(reason) && said.stderr.contains("; nothing of the line was begun");
        assert!(said.code != Some(0) && is_told, "{commands}: {said:?}");
    }
    assert_eq!(home.stored(), ["b.bin"]);
}

/// What its earlier commands make of it counts, and what changes by itself is left to the command.
#[test]
fn a_line_whose_commands_come_at_the_right_time_is_carried_out() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    for line in [
        "kill 3; start 3; refuse 3; start 3; stop 3; restart 3; kill 3; restart 3",
        "flap 3 --every 1s --times 1; sleep 3s; kill 3; faults clear; kill 3",
        "path 1,2 --cut --delay 5ms; heal 1,2; path 1,2 --clear; partition 1|2; heal",
        "disk 2 --full; disk 2 --clear; link 1 --queue 5; link 1 --clear; faults apply slow-wan 1; faults clear 1",
        "capture start c1; capture stop; capture start c2; sleep 1s; capture stop",
        "expect start 3 contains 'runs already'; expect kill 9 contains 'no Node_09'; expect kill 3 contains killed; start 3",
        "upload a.bin; faults apply dying-disk; faults clear",
    ] {
        home.ok(&["run", "-c", line]);
    }
}
