//! Streams that cannot be written or are not read, terminals that are closed, and signals: the program ends as others do, and never in
//! an abort.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use portable_pty::{CommandBuilder, native_pty_system};
use rustix::io::ioctl_fionread;

use crate::harness::segments_below;
use crate::program::{Home, QUICK, end_of, signal, wait_until};
use crate::pty::size;

/// A stream that nobody reads any more.
fn closed_pipe() -> Stdio {
    let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = child.stdin.take().unwrap();
    child.wait().unwrap();
    Stdio::from(pipe)
}

/// The exit code of a command whose standard error is this.
fn code_with(home: &Home, arguments: &[&str], stderr: Stdio) -> Option<i32> {
    home.command(arguments).stderr(stderr).status().unwrap().code()
}

#[test]
fn an_unwritable_standard_error_changes_nothing() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    std::fs::create_dir(home.path("open")).unwrap();
    std::fs::set_permissions(home.path("open"), PermissionsExt::from_mode(0o755)).unwrap();
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let commands: [(&[&str], i32); 8] = [
        // Several errors, of which all but the last are told on the way.
        (&["put", "no1", "no2", "no3"], 1),
        // A warning, before anything is done.
        (&["ls", "--data-dir", "open"], 0),
        (&["put", "a.bin"], 0),
        (&["get", "a.bin", "-o", "b.bin", "--force"], 0),
        (&["run", "-c", "ls; nonsense"], 1),
        (&["flow", "--nonsense"], 2),
        (&["repl"], 0),
        (&["rm", "a.bin"], 0),
    ];
    for stderr in [full, closed_pipe] {
        for (arguments, code) in commands {
            assert_eq!(code_with(&home, arguments, stderr()), Some(code), "{arguments:?}");
        }
    }
}

#[test]
fn an_interrupt_with_an_unwritable_standard_error_is_an_interrupt() {
    let home = Home::new("");
    // More than the network carries within the deadline of a test.
    home.file("a.bin", 8_000_000);
    let put = home.command(&["put", "a.bin", "--speed", "1x"]).stderr(closed_pipe()).spawn().unwrap();
    wait_until("the first segment", || !segments_below(&home.data()).is_empty());
    signal(&put, "INT");
    assert_eq!(end_of(put).code, Some(130));
    assert!(home.stored().is_empty());
}

/// A terminal that is closed ends what runs in it, as the signal says that tells of it.
#[test]
fn a_closed_terminal_ends_what_runs_in_it() {
    let home = Home::new("");
    // More than the network carries within the deadline of a test.
    home.file("a.bin", 8_000_000);
    for arguments in [&["put", "a.bin", "--speed", "1x"][..], &["repl"], &[], &["run", "-c", "upload a.bin", "--speed", "1x"]] {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_p2p"));
        command.args(arguments);
        command.cwd(home.path("."));
        command.env("HOME", home.path("."));
        let pair = native_pty_system().openpty(size(120, 40)).unwrap();
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        if arguments.first().is_none_or(|first| *first == "repl") {
            let mut reader = pair.master.try_clone_reader().unwrap();
            let (mut seen, mut bytes) = (String::new(), [0; 4096]);
            while !seen.contains('›') {
                let count = reader.read(&mut bytes).unwrap();
                seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        } else {
            wait_until("the first segment", || !segments_below(&home.data()).is_empty());
        }
        drop(pair.master);
        let mut ended = None;
        wait_until("the end", || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        });
        assert_eq!(ended.unwrap().exit_code(), 129, "{arguments:?}");
        assert!(home.stored().is_empty(), "{arguments:?}");
    }
}

/// What `nohup` and shells have ignored stays ignored.
#[test]
fn an_ignored_signal_stays_ignored() {
    let home = Home::new("");
    for ignored in ["HUP", "INT"] {
        let name = format!("{ignored}.bin");
        home.file(&name, 600_000 + ignored.len() * usize::from(ignored.as_bytes()[0]));
        let line = format!("trap '' {ignored}; exec \"$0\" put {name} --speed 20x");
        let mut command = Command::new("sh");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_p2p")]).current_dir(home.path(".")).env("HOME", home.path("."));
        let put = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let before = segments_below(&home.data()).len();
        wait_until("the first segment", || segments_below(&home.data()).len() > before);
        signal(&put, ignored);
        assert_eq!(end_of(put).code, Some(0), "{ignored}");
        assert!(home.stored().contains(&name), "{ignored}");
    }
}

/// A script whose answers nobody reads, once it can write no more of them.
fn stuck(home: &Home) -> Child {
    let script = "help\n".repeat(200);
    std::fs::write(home.path("long.p2p"), script).unwrap();
    let child = home.spawn(&["run", "long.p2p"]);
    // A pipe of 16 pages takes at least one write a page.
    let full = 16 * 2000;
    wait_until("a full pipe", || ioctl_fionread(child.stdout.as_ref().unwrap()).unwrap() > full);
    child
}

/// A process that can do nothing any more ends at a signal all the same: soon, and at a further one at once.
#[test]
fn a_stuck_process_is_not_deaf() {
    let home = Home::new(QUICK);
    let alone = stuck(&home);
    signal(&alone, "INT");
    wait_for(alone, 130);
    let pressed = stuck(&home);
    signal(&pressed, "INT");
    signal(&pressed, "TERM");
    // Which one has ended it says by the code.
    wait_for(pressed, 143);
}

fn wait_for(mut child: Child, code: i32) {
    let mut ended = None;
    wait_until("the end", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(code));
}

/// A reader that has had enough is told nothing, and neither is anybody else.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    home.ok(&["put", "a.bin"]);
    let commands: [&[&str]; 7] =
        [&["ls"], &["man"], &["--help"], &["run", "-c", "ls; help"], &["export"], &["get", "a.bin", "-o", "-"], &["repl"]];
    for arguments in commands {
        let output = home.command(arguments).stdout(closed_pipe()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.is_empty() || arguments[0] == "repl", "{arguments:?}: {said}");
    }
    for arguments in [&["ls"][..], &["--help"], &["man"], &["get", "a.bin", "-o", "-"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = home.command(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains("cannot write to standard output"), "{arguments:?}: {said}");
    }
}

/// Ordinary errors have one form: what is wrong, and the next step. A backtrace is for bugs.
#[test]
fn an_error_is_told_in_one_form() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    home.ok(&["put", "a.bin"]);
    for backtrace in ["0", "1", "full"] {
        let output = home.command(&["put", "a.bin"]).env("RUST_BACKTRACE", backtrace).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let next = "choose another name (put has --as NAME for it), replace that one \
                    (put, mv and cp have --force for it), or remove it with `p2p rm`";
        assert_eq!(said, format!("p2p: a file or directory named `a.bin` is stored already\n  {next}\n"));
    }
    let said = home.run(&["put", "--nonsense"]).stderr;
    assert!(said.starts_with("p2p: unexpected argument '--nonsense' found\n"), "{said}");
    // Nothing of what was typed reaches a terminal as it is.
    assert!(home.refused(&["put", "a\u{1b}[31m"]).starts_with("p2p: cannot read a\\u{1b}[31m: "));
}

/// What somebody else could find of a process in the directory for temporary files: names, and what has none.
fn temporary_files(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.path("tmp")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What is stored is never to be read in a directory that everybody shares, and nothing of it is left there, whatever the end is.
#[test]
fn plain_copies_have_no_name() {
    let home = Home::new(QUICK);
    home.file("a.bin", 3_000_000);
    home.ok(&["put", "a.bin"]);
    std::fs::create_dir(home.path("tmp")).unwrap();
    let spawn = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("TMPDIR", home.path("tmp")).stdin(Stdio::piped()).spawn().unwrap()
    };
    for name in ["INT", "TERM", "HUP", "KILL"] {
        // Its reader takes nothing, so that it is stuck with all of the file.
        let get = spawn(&["get", "a.bin", "-o", "-"]);
        wait_until("a full pipe", || ioctl_fionread(get.stdout.as_ref().unwrap()).unwrap() > 60_000);
        assert!(temporary_files(&home).is_empty());
        signal(&get, name);
        ends_by(get, name);
        assert!(temporary_files(&home).is_empty(), "{name}");
        // Its standard input never ends.
        let mut put = spawn(&["put", "-", "--as", "b.bin"]);
        let mut stdin = put.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, &[7; 1_000_000]).unwrap();
        assert!(temporary_files(&home).is_empty());
        signal(&put, name);
        ends_by(put, name);
        assert!(temporary_files(&home).is_empty(), "{name}");
    }
    assert_eq!(home.stored(), ["a.bin"]);
    // Nothing needs that directory.
    let nowhere = |arguments: &[&str]| home.command(arguments).env("TMPDIR", "/nonexistent").output().unwrap();
    assert!(nowhere(&["run", "-c", "verify a.bin"]).status.success());
    assert_eq!(nowhere(&["get", "a.bin", "-o", "-"]).stdout.len(), 3_000_000);
}

fn ends_by(child: Child, name: &str) {
    let code = match name {
        "INT" => Some(130),
        "TERM" => Some(143),
        "HUP" => Some(129),
        _ => None,
    };
    // Nobody reads what it writes: it would come to its end by that.
    let (mut child, mut ended) = (child, None);
    wait_until("the end", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), code, "{name}");
}

/// Nothing is stored where nothing was given: a closed standard input is no empty file.
#[test]
fn a_closed_standard_input_is_no_file() {
    let home = Home::new(QUICK);
    let run = |redirect: &str| {
        let line = format!("\"$0\" put - --as x {redirect}");
        let mut command = Command::new("sh");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_p2p")]).current_dir(home.path(".")).env("HOME", home.path("."));
        command.output().unwrap()
    };
    let closed = run("<&-");
    assert_eq!(closed.status.code(), Some(1));
    assert!(String::from_utf8(closed.stderr).unwrap().contains("standard input is closed"));
    assert!(run("< /dev/null").status.success());
    assert_eq!(home.stored(), ["x"]);
}
