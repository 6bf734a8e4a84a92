//! The command language by the real binary: scripts, the line REPL's parts that need no terminal, recordings.

use std::fs;

use p2p_storage::engine::recording;
use p2p_storage::shell;
use serde_json::Value;

use crate::generated;
use crate::program::{Home, QUICK};

#[test]
fn a_script_runs_to_its_end() {
    let home = Home::new(QUICK);
    home.file("a b.bin", 200_000);
    let script = "# a comment\nset f 'a b.bin'\nupload $f --as x.bin --background\nwait\nls\nexpect ls contains x.bin; verify x.bin\n\
                  download x.bin back.bin\nsleep 5s\nrm x.bin\nexpect ls = 'no files are stored'\nquit\nnonsense\n";
    fs::write(home.path("all.p2p"), script).unwrap();
    let said = home.ok(&["run", "all.p2p"]);
    for words in ["stored x.bin: 195.3 KiB", "x.bin is whole", "fetched x.bin", "removed x.bin"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(fs::read(home.path("back.bin")).unwrap(), fs::read(home.path("a b.bin")).unwrap());
    assert_eq!(home.stored(), Vec::<String>::new());
}

#[test]
fn a_script_stops_at_the_first_failure_and_says_where() {
    let home = Home::new(QUICK);
    let said = home.run(&["run", "-c", "ls; uplaod x; ls"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), "› ls\nno files are stored\n"));
    assert!(said.stderr.contains("-c:1: uplaod x: there is no command `uplaod`; did you mean `upload`"), "{}", said.stderr);
    fs::write(home.path("bad.p2p"), "ls\n\nexpect ls contains nothing\n").unwrap();
    let said = home.run(&["run", "bad.p2p"]).stderr;
    assert!(said.contains("bad.p2p:3: expect ls contains nothing: expected contains nothing"), "{said}");
    assert!(home.refused(&["run", "none.p2p"]).contains("cannot read none.p2p"));
    assert!(home.refused(&["run", "-c", "ls 'open"]).contains("the quote ' at column 4 is not closed"));
}

#[test]
fn a_script_can_speak_json() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    let said = home.ok(&["run", "--json", "-c", "upload a.bin; ls; nodes; node 1; health; storage; topology; stats; ping 2; trace 1; transfers; segments; report; export; speed; help"]);
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 16);
    assert_eq!(lines[0]["answer"]["bytes"], 100_000);
    assert_eq!(lines[1]["answer"][0]["name"], "a.bin");
    assert!(lines.iter().all(|line| line["line"] == 1 && !line["answer"].is_null()));
}

/// The scenarios that come with the program do what they say.
#[test]
fn the_scenarios_run() {
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenarios");
    for entry in fs::read_dir(scenarios).unwrap() {
        let home = Home::new("");
        home.file("one.bin", 300_000);
        home.file("two.bin", 100_000);
        let variables = "set file1 one.bin; set name1 one.bin; set file2 two.bin; set name2 two.bin\n";
        let text = variables.to_owned() + &fs::read_to_string(entry.unwrap().path()).unwrap();
        fs::write(home.path("scenario.p2p"), text).unwrap();
        home.ok(&["run", "scenario.p2p"]);
    }
}

/// A session of several commands, recorded by the engine, comes to the same trace again; also from files that were there
/// before it began.
#[test]
fn a_recorded_session_comes_to_the_same_trace_again() {
    let home = Home::new("");
    home.file("a.bin", 300_000);
    home.file("b.bin", 200_000);
    home.ok(&["put", "a.bin"]);
    let mut child = home.command(&["repl", "--speed", "50x"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    // What is refused here must not be done there.
    let lines = "upload b.bin\nhealth\ndownload a.bin copy.bin\ndownload a.bin copy.bin\nupload none.bin\nrm a.bin\nls\nquit\n";
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    let said = crate::program::end_of(child);
    assert!(said.code == Some(0) && said.stdout.contains("stored b.bin"), "{} {}", said.stdout, said.stderr);
    let recordings = crate::bench::files_below(&home.data().join("recordings"));
    assert_eq!(recordings.len(), 1);
    // What the session removed has to be put back for a replay.
    home.ok(&["put", "a.bin"]);
    let replayed = home.json(&["replay", recordings[0].to_str().unwrap()]);
    assert_eq!((replayed["same"].as_bool(), replayed["commands"].as_u64()), (Some(true), Some(5)), "{replayed}");
    fs::write(home.path("b.bin"), "other").unwrap();
    let said = home.run(&["replay", recordings[0].to_str().unwrap()]);
    assert!(said.code == Some(1) && said.stdout.contains("may have changed since"), "{}", said.stdout);
    let scratch = tempfile::tempdir().unwrap();
    fs::write(home.path("cut"), &fs::read(&recordings[0]).unwrap()[..40]).unwrap();
    assert!(recording::replay(&home.path("cut"), scratch.path()).is_err());
    assert!(recording::replay(&home.path("a.bin"), scratch.path()).unwrap_err().to_string().contains("no recording"));
}

/// Leaving does not wait for a clock that stands still.
#[test]
fn leaving_while_time_stands_still() {
    let home = Home::new("");
    assert!(home.ok(&["run", "-c", "pause"]).contains("paused"));
    home.file("a.bin", 200_000);
    home.ok(&["run", "-c", "speed 0.001x; upload a.bin --background"]);
    assert_eq!(home.stored(), Vec::<String>::new());
}

/// A session that cannot be recorded is held all the same, and says so.
#[test]
fn a_session_without_a_recording_says_so() {
    let home = Home::new("");
    home.ok(&["ls"]);
    fs::write(home.data().join("recordings"), "in the way").unwrap();
    let said = home.run(&["repl"]);
    assert!(said.code == Some(0) && said.stderr.contains("this session is not recorded"), "{said:?}");
}

/// Every node has its own figures, however many there are.
#[test]
fn the_hundredth_node_is_seen_as_the_first() {
    let home = Home::new("[nodes]\ncount = 100\n");
    let said = home.ok(&["run", "--json", "-c", "sleep 200s; nodes; ping 100"]);
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = &lines[1]["answer"][99];
    assert!(last["name"] == "Node_100" && last["round_trip_seconds"].is_number(), "{last}");
    // Only those that were sent meanwhile.
    assert!(lines[2]["answer"]["probes"].as_u64().unwrap() < 10, "{}", lines[2]);
}

#[test]
fn the_reference_is_what_the_table_says() {
    generated::check("docs/commands.md", "commands", &shell::reference());
}

/// What was to be measured and could not be is no success.
#[test]
fn a_node_that_does_not_answer_a_ping_fails_it() {
    let home = Home::new("[network]\nloss = '100%'\n");
    let said = home.refused(&["run", "-c", "ping 2"]);
    assert!(said.contains("0 answered, no answer"), "{said}");
}
