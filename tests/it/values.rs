//! Values that a command refuses whatever there is: a line of which one command has such a value begins nothing, typed or in a script.

use std::process::Stdio;

use crate::program::{Home, QUICK, end_of};

/// Commands with what each is refused for. None needs more than its words.
const REFUSED: [(&str, &str); 78] = [
    ("sleep 5", "unit"),
    ("sleep -1s", "`-1s`"),
    ("step x", "`x`"),
    ("speed 0x", "`0x`"),
    ("speed fast", "`fast`"),
    ("kill x", "`x` is no node"),
    ("kill client", "the client is no node; what is its own is changed by `link client`"),
    ("partition client|5-3", "`5-3` ends before it begins; a range is written 3-7"),
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

#[test]
fn a_line_with_a_value_that_is_refused_begins_nothing() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    let lines: Vec<String> = REFUSED.iter().map(|(command, _)| format!("upload a.bin; {command}")).collect();
    let mut child = home.command(&["repl"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), (lines.join("\n") + "\n").as_bytes()).unwrap();
    let typed = end_of(child).stderr;
    for ((command, reason), line) in REFUSED.iter().zip(&lines) {
        let is_told = |said: &str| said.contains(reason) && said.contains(" Nothing of the line was begun.");
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
