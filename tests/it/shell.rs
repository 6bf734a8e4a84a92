//! The command language by the real binary: scripts, the line REPL's parts that need no terminal, recordings.

use std::fs;
use std::sync::Arc;

use p2p_shell::spec::Spec;
use p2p_shell::table::{CommandGroup, Table};
use serde_json::Value;

use crate::generated;
use crate::program::{Home, QUICK, signal, wait_until};

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
    for (script, line, shown) in [("ls\nuplaod x\nls", 2, "› ls\nno files are stored\n"), ("ls; uplaod x; ls", 1, "")] {
        let said = home.run(&["run", "-c", script]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), shown));
        let words = format!("-c:{line}: uplaod x: there is no command `uplaod`; did you mean `upload`");
        assert!(said.stderr.contains(&words), "{}", said.stderr);
    }
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

/// The scenarios that come with the program run as each says at its beginning, twice as well as once.
#[test]
fn the_scenarios_run() {
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenarios");
    let home = Home::new("");
    home.file("one.bin", 300_000);
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/assets"), home.path("assets")).unwrap();
    for entry in fs::read_dir(scenarios).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("#   p2p ")).expect("how to run it");
        let words: Vec<&str> = line.split(' ').map(|word| if word == "FILE" { "one.bin" } else { word }).collect();
        home.ok(&words);
        home.ok(&words);
        let said = home.run(&words[..2]);
        assert!(said.code == Some(1) && said.stderr.contains("$1 is missing"), "{line}: {said:?}");
    }
    assert!(home.stored().is_empty());
}

#[test]
fn a_script_is_given_arguments_and_variables() {
    let home = Home::new(QUICK);
    fs::write(home.path("all.p2p"), "echo $# $1 \"$2\" $10 $name\nset name new\necho $name\n").unwrap();
    let said = home.ok(&["run", "all.p2p", "a", "b  c", "3", "4", "5", "6", "7", "8", "9", "ten", "--set", "name=old=x"]);
    assert!(said.contains("10 a b  c ten old=x\n") && said.ends_with("\nnew\n"), "{said}");
    assert_eq!(home.ok(&["run", "-c", "echo $1$#", "only"]), "› echo $1$#\nonly1\n");
    assert!(home.refused(&["run", "-c", "echo $2", "only"]).contains("$2 is missing: the script wants at least 2 arguments"));
    assert!(home.refused(&["run", "-c", "echo $no"]).contains("`p2p run --set no=VALUE`"));
    assert!(home.wrong_usage(&["run", "-c", "ls", "--set", "1=x"]).contains("--set file1=video.bin"));
}

/// A batch of which one file cannot be read begins nothing; one whose third file finds no room stores the others, and says so in its sum.
#[test]
fn a_batch_is_checked_first_and_says_what_it_has_done() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 2\ncapacity = '1MiB'\n"));
    home.file("a.bin", 1_000);
    home.file("b.bin", 1_000);
    home.file("large.bin", 4 << 20);
    assert!(home.refused(&["run", "-c", "upload a.bin b.bin nosuch.bin"]).contains("nosuch.bin"));
    assert!(home.stored().is_empty());
    let said = home.refused(&["run", "-c", "upload a.bin b.bin large.bin"]);
    assert!(said.contains("2 files stored (2.0 KiB), 1 not: "), "{said}");
    assert_eq!(home.stored(), ["a.bin", "b.bin"]);
}

/// What a script has begun by the side when it ends is finished, as fast as the machine can.
#[test]
fn nothing_is_dropped_at_the_end_of_a_script() {
    let home = Home::new("");
    home.file("a.bin", 200_000);
    let line = |name: &str, more: &str| format!("upload a.bin --as {name} --background{more}");
    home.ok(&["run", "-c", &line("end", "")]);
    home.ok(&["run", "-c", &line("quit", "; quit; nonsense")]);
    // Leaving does not wait for a clock that is slow or stands still.
    home.ok(&["run", "-c", &line("slow", ""), "--speed", "0.001x"]);
    home.ok(&["run", "-c", &format!("pause; {}", line("paused", ""))]);
    let piped = |lines: String| {
        let mut child = home.command(&["repl", "--speed", "0.01x"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        crate::program::end_of(child)
    };
    assert_eq!(piped(line("piped", "\n")).code, Some(0));
    assert_eq!(piped(line("piped-quit", "\nquit\n")).code, Some(0));
    assert_eq!(home.stored(), ["end", "paused", "piped", "piped-quit", "quit", "slow"]);
    // Whoever does not want to wait is told what that costs.
    for said in [home.run(&["run", "-c", &line("now", "; quit --now")]), piped(line("now", "\nquit --now\n"))] {
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("cancelled and undone: #1, upload of now"), "{said:?}");
    }
    let said = home.run(&["run", "-c", &line("failed", "\nnonsense")]);
    assert!(said.code == Some(1) && said.stderr.contains("cancelled and undone: #1, upload of failed"), "{said:?}");
    assert_eq!(home.stored().len(), 6);
    assert!(home.ok(&["run", "-c", "quit --now"]).starts_with("› quit"), "nothing is lost where nothing runs");
}

/// A failure is told once, whenever it happened.
#[test]
fn waiting_tells_of_what_failed_before() {
    let home = Home::new("[network]\nloss = '100%'\n");
    home.file("a.bin", 1000);
    let run = |script: &str| home.run(&["run", "-c", script]);
    let begun = "upload a.bin --background; upload a.bin --as b.bin --background; sleep 100m";
    let said = run(&format!("{begun}; wait; echo ok"));
    assert!(said.code == Some(75) && !said.stdout.contains("ok"), "{said:?}");
    assert!(said.stderr.contains("#1, upload of a.bin, failed: ") && said.stderr.contains("#2, upload of b.bin, failed: "));
    // Whoever has been told is not told again, and the end of a script is a wait.
    assert_eq!(run(&format!("{begun}; expect wait contains failed; wait; expect wait = ''; echo ok")).code, Some(0));
    assert_eq!(run("upload a.bin --background; sleep 100m; expect 'wait' 1 contains failed; wait").code, Some(0));
    let said = run(begun);
    assert!(said.code == Some(1) && said.stderr.contains("2 transfers failed:"), "{said:?}");
}

/// What has begun in the background and is over is told of, and of how many no result is kept any more.
#[test]
fn waiting_says_of_how_many_transfers_no_result_is_kept() {
    let home = Home::new(QUICK);
    home.file("a.bin", 10);
    let uploads: Vec<String> = (1..=210).map(|number| format!("upload a.bin --as f{number} --background")).collect();
    let said = home.ok(&["run", "-c", &format!("speed max; {}; sleep 100s; wait; wait", uploads.join("; "))]);
    let after = said.rsplit_once("› wait\n").map(|(before, last)| (before.rsplit_once("› wait\n").unwrap().1, last));
    let Some((first, second)) = after else { panic!("{said}") };
    assert!(
        first.starts_with("10 earlier transfers of the background without a result: kept are those of the last 200"),
        "{first}"
    );
    assert_eq!((first.lines().count(), second), (201, ""), "{said}");
}

/// Transfers of which the engine keeps no result may end while an earlier one is waited for.
#[test]
fn more_than_is_kept_is_waited_for() {
    let home = Home::new("");
    for number in 0..300 {
        home.file(&format!("f{number}"), 1 + number * 137 % 20_000);
    }
    let said = home.ok(&["run", "-c", "upload f* --background; wait; rm f* --background; wait; ls"]);
    assert!(said.contains("#1-#300: 300 files begun") && said.contains("#301-#600: 300 files begun"), "{said}");
    let told = |word: &str| said.lines().filter(|line| line.split(' ').nth(1) == Some(word)).count();
    assert_eq!((told("stored"), told("removed")), (300, 300), "{said}");
    assert!(said.ends_with("no files are stored\n"), "{said}");
}

/// Where lines come one after the other, nobody can resume time while one of them waits.
#[test]
fn a_script_does_not_wait_for_time_that_stands_still() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    home.ok(&["put", "a.bin"]);
    let begun = "upload a.bin --as c.bin --background";
    for waits in ["upload a.bin --as b.bin", "sleep 5s", "verify a.bin", "rm a.bin", "health", "get a.bin back"] {
        let said = home.refused_script(&format!("pause; {waits}"));
        assert!(said.contains("time is paused") && said.contains("cannot be resumed"), "{waits}: {said}");
    }
    for waits in ["wait", "wait 1", "cancel 1"] {
        let said = home.refused_script(&format!("{begun}; pause; {waits}"));
        assert!(said.contains("time is paused") && said.contains("cannot be resumed"), "{waits}: {said}");
    }
    assert_eq!(home.stored(), ["a.bin"]);
    home.ok(&["run", "-c", &format!("pause; ls; {begun}; step 10s; wait; resume; sleep 5s; rm c.bin")]);
}

/// A step of a span passes all of it, whatever happens meanwhile; without one it ends with the next event.
#[test]
fn a_step_passes_its_whole_span() {
    let home = Home::new("");
    home.file("a.bin", 200_000);
    let script = "pause; upload a.bin --background; step; step 100s; step 1s";
    let said = home.ok(&["run", "--json", "-c", script]);
    let at = |line: usize| {
        let line: Value = serde_json::from_str(said.lines().nth(line).unwrap()).unwrap();
        line["answer"]["virtual_seconds"].as_f64().unwrap()
    };
    assert!(at(2) < 1.0);
    assert!((at(3) - at(2) - 100.0).abs() < 1e-6 && (at(4) - at(3) - 1.0).abs() < 1e-6, "{said}");
}

/// A run of several commands, recorded by the engine, comes to the same trace again; also from files that were there
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
    let recordings = crate::harness::files_below(&home.data().join("recordings"));
    assert_eq!(recordings.len(), 1);
    // What the session removed has to be put back for a replay.
    home.ok(&["put", "a.bin"]);
    let replayed = home.json(&["replay", recordings[0].to_str().unwrap()]);
    assert_eq!((replayed["same"].as_bool(), replayed["commands"].as_u64()), (Some(true), Some(5)), "{replayed}");
    fs::write(home.path("b.bin"), "other").unwrap();
    let said = home.run(&["replay", recordings[0].to_str().unwrap()]);
    assert!(said.code == Some(1) && said.stdout.contains("may have changed since"), "{}", said.stdout);
    fs::write(home.path("cut"), &fs::read(&recordings[0]).unwrap()[..40]).unwrap();
    assert!(home.refused(&["replay", "cut"]).contains("it has no beginning"));
    assert!(home.refused(&["replay", "a.bin"]).contains("it does not begin as one"));
    let mut damaged = fs::read(&recordings[0]).unwrap();
    let last = damaged.len() - 20;
    damaged[last] ^= 0x40;
    fs::write(home.path("damaged"), &damaged).unwrap();
    assert!(home.refused(&["replay", "damaged"]).contains("is damaged"));
}

/// Where somebody is, and from where the data directory was named, makes no difference to a replay; and standard input is a recording
/// as good as any.
#[test]
fn a_recording_replays_from_anywhere() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    home.ok(&["put", "a.bin", "--data-dir", "d"]);
    let mut child = home.command(&["repl", "--data-dir", "d"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"verify a.bin\n").unwrap();
    assert_eq!(crate::program::end_of(child).code, Some(0));
    let recording = crate::harness::files_below(&home.path("d/recordings")).remove(0);
    fs::create_dir(home.path("elsewhere")).unwrap();
    let mut command = home.command(&["replay", recording.to_str().unwrap()]);
    let output = command.current_dir(home.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = home.command(&["replay", "-"]).stdin(fs::File::open(&recording).unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A replay works beside the segments that it needs, where nobody else can look, and leaves nothing, whatever the end is.
#[test]
fn a_replay_leaves_nothing_behind() {
    let home = Home::new("");
    home.file("a.bin", 2_000_000);
    home.ok(&["put", "a.bin"]);
    let lines = "verify a.bin\n".repeat(20);
    let mut child = home.command(&["repl", "--speed", "max"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    assert_eq!(crate::program::end_of(child).code, Some(0));
    let recording = crate::harness::files_below(&home.data().join("recordings")).remove(0);
    let scratch = || -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(".replay-")).collect()
    };
    for (name, code) in [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)] {
        let replay = home.spawn(&["replay", recording.to_str().unwrap()]);
        wait_until("a directory", || scratch().iter().any(|path| path.join("data/nodes").exists()));
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&scratch()[0]).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
        signal(&replay, name);
        assert_eq!(crate::program::end_of(replay).code, code, "{name}");
        assert_eq!(scratch().len(), usize::from(name == "KILL"), "{name}");
    }
    // What a kill has left is gone with the next start that may change something.
    home.ok(&["run", "-c", "ls"]);
    assert!(scratch().is_empty());
}

/// A run that cannot be recorded goes on all the same, and says so.
#[test]
fn a_session_without_a_recording_says_so() {
    let home = Home::new("");
    home.ok(&["ls"]);
    fs::write(home.data().join("recordings"), "in the way").unwrap();
    let said = home.run(&["repl"]);
    assert!(said.code == Some(0) && said.stderr.contains("this run is not recorded"), "{said:?}");
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

/// Commands of the root package, to be documented.
#[derive(Debug)]
struct Documented(&'static [Spec]);

impl CommandGroup for Documented {
    fn commands(&self) -> &'static [Spec] {
        self.0
    }
}

#[test]
fn the_reference_is_what_the_table_says() {
    let groups = [p2p_storage::serve::commands::COMMANDS, p2p_storage::ssh::commands::COMMANDS];
    let table = groups.into_iter().fold(Table::default(), |table, group| table.with(Arc::new(Documented(group))));
    generated::check("docs/commands.md", "commands", &p2p_shell::reference(&table));
}

/// What was to be measured and could not be is no success.
#[test]
fn a_node_that_does_not_answer_a_ping_fails_it() {
    let home = Home::new("[network]\nloss = '100%'\n");
    let said = home.refused(&["run", "-c", "ping 2"]);
    assert!(said.contains("0 answered, no answer"), "{said}");
}
